"""kill -9 of the whole process tree, at random moments of a mixed load, again and again on one data folder.

What was acknowledged must be there afterwards, whole; nothing may be there twice. Three writers: INSERTs by a client that never retries, INSERTs by
trino-python-client with its default retries (some of which run over the restart), and PUTs by boto3. 10 kills by default,
200 with --long."""
import hashlib
import os
import random
import signal
import threading
import time

import pytest
import requests

from crash_load import fixed_ports

LONG = os.environ.get('LAKEHOUSE_LONG') == 'true'
KILLS = int(os.environ.get('LAKEHOUSE_KILLS', 200 if LONG else 10))
CYCLES_PER_TABLE = 10


class Load:
    """Writers that run until told to stop; `acked` holds what the platform confirmed."""

    def __init__(self, platform, table, first_id):
        self.platform, self.table = platform, table
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.next_id = first_id
        self.acked, self.tried, self.objects = set(), set(), {}
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.raw, self.client, self.put)]

    def start(self):
        for t in self.threads:
            t.start()

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join(60)
            assert not t.is_alive(), 'a writer hangs'

    def take_id(self):
        with self.lock:
            self.next_id += 1
            self.tried.add(self.next_id)
            return self.next_id

    def raw(self):
        session = requests.Session()
        headers = {'X-Trino-User': 'raw', 'X-Trino-Catalog': 'iceberg'}
        while not self.stopping.is_set():
            i = self.take_id()
            try:
                page = session.post(self.platform['query']['url'] + '/v1/statement', headers=headers, timeout=20,
                                    data=f"INSERT INTO {self.table} VALUES ({i}, 'raw')").json()
                while 'nextUri' in page:
                    page = session.get(page['nextUri'], headers=headers, timeout=20).json()
                if 'error' not in page and page['stats']['state'] == 'FINISHED':
                    self.acked.add(i)
            except (requests.RequestException, ValueError):
                time.sleep(0.02)

    def client(self):
        import trino
        url = requests.compat.urlparse(self.platform['query']['url'])
        while not self.stopping.is_set():
            i = self.take_id()
            try:
                cursor = trino.dbapi.connect(host=url.hostname, port=url.port, user='client', catalog='iceberg').cursor()
                cursor.execute(f"INSERT INTO {self.table} VALUES ({i}, 'client')")
                cursor.fetchall()
                self.acked.add(i)
            except Exception:                  # every way in which a killed server shows itself
                time.sleep(0.02)

    def put(self):
        import boto3
        from botocore.config import Config
        e = self.platform['storage']
        s3 = boto3.client('s3', endpoint_url=e['url'], aws_access_key_id=e['access_key'],
                          aws_secret_access_key=e['secret_key'], region_name='us-east-1',
                          config=Config(retries={'max_attempts': 1}, connect_timeout=5, read_timeout=20))
        rng = random.Random(self.next_id)
        while not self.stopping.is_set():
            key = f'{self.take_id()}'
            body = rng.randbytes(rng.choice([10, 4096, 60000, 300000]))
            try:
                s3.put_object(Bucket='crash', Key=key, Body=body)
                self.objects[key] = hashlib.md5(body).hexdigest()
            except Exception:
                time.sleep(0.02)


def check(platform, table, acked, tried, objects, s3):
    rows = platform.sql(f'SELECT id, count(*) FROM {table} GROUP BY id')
    found = {int(i): int(n) for i, n in rows}
    assert {i: n for i, n in found.items() if n > 1} == {}, 'rows stand twice'
    assert acked - set(found) == set(), 'acknowledged rows are gone'
    assert set(found) <= tried
    for key, md5 in objects.items():
        assert hashlib.md5(s3.get_object(Bucket='crash', Key=key)['Body'].read()).hexdigest() == md5, key


def client_of(platform):
    import boto3
    e = platform['storage']
    return boto3.client('s3', endpoint_url=e['url'], aws_access_key_id=e['access_key'],
                        aws_secret_access_key=e['secret_key'], region_name='us-east-1')


def test_kill_the_whole_tree(make_platform):
    seed = int(os.environ.get('LAKEHOUSE_SEED', time.time_ns() % 10**9))
    print(f'LAKEHOUSE_SEED={seed}')
    rng = random.Random(seed)
    p = make_platform()
    p.ports = fixed_ports()
    p.start()
    p.sql('CREATE SCHEMA crash')
    client_of(p).create_bucket(Bucket='crash')
    acked, tried, objects, last_id, table = set(), set(), {}, 0, None
    for cycle in range(KILLS):
        if cycle % CYCLES_PER_TABLE == 0:
            table, acked, tried, objects = f'crash.t{cycle}', set(), set(), {}
            p.sql(f'CREATE TABLE {table} (id bigint, writer varchar)')
        load = Load(p, table, last_id)
        load.start()
        time.sleep(rng.uniform(0.05, 1.2))
        p.kill()
        load.stopping.set()
        p.start()
        load.stop()
        last_id = load.next_id
        acked |= load.acked
        tried |= load.tried
        objects.update(load.objects)
        check(p, table, acked, tried, objects, client_of(p))
        if cycle % CYCLES_PER_TABLE == CYCLES_PER_TABLE - 1:
            print(f'kill {cycle + 1}: {len(acked)} rows and {len(objects)} objects acknowledged, all there')
    assert acked or objects


def kill_when_back(p, role):
    """A busy machine may need longer to start a role again than the test wants to wait."""
    for _ in range(200):
        try:
            return os.kill(p.role_pid(role), signal.SIGKILL)
        except ProcessLookupError:
            time.sleep(0.05)
    raise AssertionError(f'{role} is not back after 10 s')


@pytest.mark.parametrize('role', ['storage', 'catalog', 'query'])
def test_kill_one_role_during_writes(make_platform, role):
    """The others go on; after the restart of the one, everything acknowledged is there once."""
    p = make_platform()
    p.ports = fixed_ports()
    p.start()
    p.sql('CREATE SCHEMA crash')
    p.sql('CREATE TABLE crash.t (id bigint, writer varchar)')
    client_of(p).create_bucket(Bucket='crash')
    load = Load(p, 'crash.t', 0)
    load.start()
    for _ in range(3):
        time.sleep(0.7)
        kill_when_back(p, role)
    time.sleep(1.5)
    load.stop()
    assert load.acked and load.objects
    check(p, 'crash.t', load.acked, load.tried, load.objects, client_of(p))
