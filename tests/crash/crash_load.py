"""A mixed load whose every acknowledgement is noted, and the check of what must be there afterwards.

Times are microseconds of CLOCK_MONOTONIC, as in the record of writes and syncs. What was under way at the cut may have happened or not, but wholly."""
import contextlib
import hashlib
import random
import socket
import threading
import time

import requests

NEVER = 1 << 62
HEADERS = {'X-Trino-User': 'crash', 'X-Trino-Catalog': 'iceberg', 'X-Trino-Schema': 'crash'}


def now_us():
    return time.monotonic_ns() // 1000


def fixed_ports():
    """Ports below those that the system gives out by itself: while the platform is down, a client that tries again and again would else one day
    connect to itself, and the platform would not get its port back."""
    ports = {}
    while len(ports) < 3:
        port = random.randrange(10000, 32000)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(('127.0.0.1', port))
            ports[('storage', 'catalog', 'query')[len(ports)]] = port
    return ports


class StatementFailed(Exception):
    def __init__(self, error):
        super().__init__(f"{error['errorName']}: {error['message']}")
        self.error = error


def statement(session, platform, text, timeout=60):
    """Rows of one statement; nothing is sent twice."""
    page = session.post(platform['query']['url'] + '/v1/statement', headers=HEADERS, data=text.encode(), timeout=timeout).json()
    rows = page.get('data', [])
    while 'nextUri' in page:
        page = session.get(page['nextUri'], headers=HEADERS, timeout=timeout).json()
        rows += page.get('data', [])
    if 'error' in page:
        raise StatementFailed(page['error'])
    return rows


def s3_client(platform, **options):
    import boto3
    from botocore.config import Config
    e = platform['storage']
    options = {'retries': {'max_attempts': 1}, 's3': {'addressing_style': 'path'}, **options}
    return boto3.client('s3', endpoint_url=e['url'], aws_access_key_id=e['access_key'], aws_secret_access_key=e['secret_key'],
                        region_name='us-east-1', config=Config(**options))


class Operation:
    """result: what is there once it happened (None: nothing)."""

    def __init__(self, result):
        self.result, self.begin_us, self.ack_us = result, now_us(), NEVER

    def acknowledged(self):
        self.ack_us = now_us() + 1


def allowed(history, cut_us):
    """What may be there after a cut: the last acknowledged result, or that of anything begun after it."""
    acked = max((i for i, o in enumerate(history) if o.ack_us <= cut_us), default=-1)
    states = [history[acked].result if acked >= 0 else None]
    return states + [o.result for o in history[acked + 1:] if o.begin_us <= cut_us]


class Load:
    """Writers in threads: INSERTs of one and of many rows into shared tables, CTAS and DROP of names that come again, objects put, replaced, uploaded
    in parts and deleted."""

    TABLES, KEYS = 3, 24

    def __init__(self, platform, seed):
        self.platform, self.seed = platform, seed
        self.lock = threading.Lock()
        self.next_id = 0
        self.inserts = {f't{i}': [] for i in range(self.TABLES)}       # table -> [(ids, Operation)]
        self.created = {name: Operation(name) for name in self.inserts}
        self.tables = {}           # a CTAS's name -> [Operation(frozenset of ids)]
        self.objects = {}          # key -> [Operation(md5)]
        self.stopping = threading.Event()
        self.paused = threading.Event()
        self.failures = []
        self.threads = [threading.Thread(target=self.run, args=(work, i), daemon=True)
                        for i, work in enumerate((self.insert, self.insert, self.insert, self.create, self.put, self.put))]

    def prepare(self):
        session = requests.Session()
        statement(session, self.platform, 'CREATE SCHEMA crash')
        for name in self.inserts:
            statement(session, self.platform, f'CREATE TABLE {name} (id bigint, text varchar)')
            self.created[name].acknowledged()
        s3_client(self.platform).create_bucket(Bucket='crash')

    def start(self):
        for t in self.threads:
            t.start()

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join(60)
            assert not t.is_alive(), 'a writer hangs'
        assert not self.failures, self.failures

    def run(self, work, number):
        rng, session = random.Random(self.seed * 100 + number), requests.Session()
        while not self.stopping.is_set():
            try:
                work(rng, session, number)
            except Exception as e:          # every way in which a killed server shows itself; else something is wrong
                if not self.paused.is_set():
                    self.failures.append(repr(e))
                    return
                time.sleep(0.02)

    def restart(self):
        """kill -9 of everything, and on with the same clients."""
        self.paused.set()
        self.platform.kill()
        self.platform.start()
        time.sleep(0.5)                     # the last of the failures arrive
        self.paused.clear()

    def take_ids(self, n):
        with self.lock:
            self.next_id += n
            return range(self.next_id - n + 1, self.next_id + 1)

    def insert(self, rng, session, number):
        ids = self.take_ids(rng.choice([1, 1, 1, 3, 50]))
        table = rng.choice(list(self.inserts))
        operation = Operation(ids)
        self.inserts[table].append((ids, operation))
        statement(session, self.platform, f"INSERT INTO {table} VALUES " + ', '.join(f"({i}, 'row {i}')" for i in ids))
        operation.acknowledged()

    def create(self, rng, session, number):
        name = f'c{rng.randrange(3)}'
        history = self.tables.setdefault(name, [])
        if self.is_there(session, name):
            history.append(Operation(None))
            statement(session, self.platform, f'DROP TABLE {name}')
        else:
            ids = self.take_ids(rng.choice([1, 20, 2000]))
            history.append(Operation(frozenset(ids)))
            statement(session, self.platform,
                      f'CREATE TABLE {name} AS SELECT id FROM UNNEST(sequence({ids[0]}, {ids[-1]})) AS t(id)')
        history[-1].acknowledged()

    def is_there(self, session, name):
        history = self.tables[name]
        if history and history[-1].ack_us == NEVER:         # its outcome is unknown
            return [name] in statement(session, self.platform, 'SHOW TABLES')
        return bool(history and history[-1].result)

    def put(self, rng, session, number):
        s3 = s3_client(self.platform, connect_timeout=5, read_timeout=30)
        while not self.stopping.is_set():
            key = f'{number}/{rng.randrange(self.KEYS)}'
            history = self.objects.setdefault(key, [])
            kind = rng.random()
            if kind < 0.15:
                history.append(Operation(None))
                s3.delete_object(Bucket='crash', Key=key)
            else:
                body = rng.randbytes(rng.choice([0, 10, 4096, 60000, 300000]))
                history.append(Operation(hashlib.md5(body).hexdigest()))
                self.upload(s3, key, body) if kind > 0.85 else s3.put_object(Bucket='crash', Key=key, Body=body)
            history[-1].acknowledged()

    def upload(self, s3, key, body):
        upload = s3.create_multipart_upload(Bucket='crash', Key=key)['UploadId']
        part = s3.upload_part(Bucket='crash', Key=key, UploadId=upload, PartNumber=1, Body=body)
        s3.complete_multipart_upload(Bucket='crash', Key=key, UploadId=upload,
                                     MultipartUpload={'Parts': [{'ETag': part['ETag'], 'PartNumber': 1}]})

    def counts(self, cut_us=NEVER - 1):
        """Rows and objects that must be there after the cut."""
        rows = sum(len(ids) for inserts in self.inserts.values() for ids, o in inserts if o.ack_us <= cut_us)
        return rows, sum(1 for h in self.objects.values() if any(o.ack_us <= cut_us for o in h))

    # ---- the check ----

    def check(self, platform, cut_us):
        session = requests.Session()
        self.check_tables(platform, session, cut_us)
        self.check_objects(platform, cut_us)

    def check_tables(self, platform, session, cut_us):
        try:
            names = [row[0] for row in statement(session, platform, 'SHOW TABLES')]
        except StatementFailed as e:
            assert e.error['errorName'] == 'SCHEMA_NOT_FOUND', e
            names = []
        found = {name: {} for name in names}
        if names:
            text = ' UNION ALL '.join(f"SELECT '{name}', id, count(*) FROM {name} GROUP BY id" for name in names)
            for name, i, n in statement(session, platform, text):
                found[name][i] = n
        for name, rows in found.items():
            assert {i: n for i, n in rows.items() if n != 1} == {}, f'{name}: rows stand twice'
        for name, inserts in self.inserts.items():
            assert name in found or self.created[name].ack_us > cut_us, f'{name} is gone'
            self.check_rows(name, inserts, set(found.get(name, ())), cut_us)
        for name, history in self.tables.items():
            rows = frozenset(found[name]) if name in found else None
            assert rows in allowed(history, cut_us), f'{name}: {len(rows) if rows is not None else "no table"}'
        assert set(found) <= set(self.inserts) | set(self.tables)

    @staticmethod
    def check_rows(name, inserts, found, cut_us):
        for ids, operation in inserts:
            n = len(found.intersection(ids))
            if operation.ack_us <= cut_us:
                assert n == len(ids), f'{name}: {len(ids) - n} of the {len(ids)} rows from {ids[0]} on are gone; acknowledged ' \
                                      f'{cut_us - operation.ack_us} us before the cut'
            else:
                assert n in ((0, len(ids)) if operation.begin_us <= cut_us else (0,)), f'{name}: {n} of {len(ids)} rows from {ids[0]} on'
        assert len(found) == sum(len(found.intersection(ids)) for ids, _ in inserts), f'{name}: rows that nobody wrote'

    def check_objects(self, platform, cut_us):
        s3 = s3_client(platform)
        buckets = [b['Name'] for b in s3.list_buckets()['Buckets']]
        listed = {o['Key']: o for page in s3.get_paginator('list_objects_v2').paginate(Bucket='crash') for o in page.get('Contents', [])} \
            if 'crash' in buckets else {}
        for key, history in self.objects.items():
            result = None
            if key in listed:
                body = s3.get_object(Bucket='crash', Key=key)['Body'].read()
                assert len(body) == listed[key]['Size'], key
                result = hashlib.md5(body).hexdigest()
            assert result in allowed(history, cut_us), f'{key}: {"something else" if result else "nothing"} is there'
        assert set(listed) <= set(self.objects)
