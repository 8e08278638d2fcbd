"""A write, sync, rename, commit, call or spawn goes wrong at a named place (src/base/fault.h): the call fails, the disk is full, or the process dies.

Every trial starts the platform on a copy of a small data folder with LAKEHOUSE_FAULT, which reaches all processes, and runs statements and requests. Each one
succeeds or fails in its contract's own words; nothing crashes that was not killed. After a restart without the fault, what was acknowledged is there, a failed
statement left nothing (its rows, all of them, only where its error says that the outcome is unknown), and new writes are taken.

A sample by default, everything with --long, LAKEHOUSE_FAULTS of them otherwise; LAKEHOUSE_SEED repeats a sample. One alone:
LAKEHOUSE_ONE_FAULT=storage.index.commit:2:full."""
import contextlib
import hashlib
import os
import pathlib
import random
import re
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import botocore.exceptions
import pytest
import requests

from crash_load import StatementFailed, fixed_ports, s3_client, statement
from platform_fixture import Platform

LONG = os.environ.get('LAKEHOUSE_LONG') == 'true'
# The same sample each day, so that a red run is a change's doing; --long draws anew.
SEED = int(os.environ.get('LAKEHOUSE_SEED', time.time_ns() % 10**9 if LONG else 20261124))
TRIALS = int(os.environ.get('LAKEHOUSE_FAULTS', 10**6 if LONG else 16))
ONE = os.environ.get('LAKEHOUSE_ONE_FAULT')
PASSES = 60                                # of any point at all, in each process
PASSES_OF_ONE = 3                          # of each point by name
MODES = ('fail', 'full', 'kill')
WORKERS = 6 if LONG else 2                  # most of a trial is waiting
SECONDS = 10                               # a role that ends at each attempt keeps statements waiting; a few will do
SOURCES = pathlib.Path(__file__).resolve().parents[2] / 'src'
FINAL = 'takes no '
S3_CODES = {'InternalError', 'ServiceUnavailable', 'SlowDown', 'InsufficientStorage', 'RequestTimeout', '500', '503', '504', '507'}


def fault_points():
    """The names in the sources, so that no point is forgotten here."""
    text = ''.join(p.read_text() for p in SOURCES.rglob('*.c'))
    return sorted(set(re.findall(r'(?:fault_point|shim_fault)\("([a-z_.0-9]+)"', text)))


def all_faults():
    any_point = [f'*:{n}:{mode}' for mode in MODES for n in range(1, PASSES + 1)]
    named = [f'{name}:{n}:{mode}' for name in fault_points() for mode in MODES for n in range(1, PASSES_OF_ONE + 1)]
    return any_point, named


def chosen_faults():
    if ONE:
        return [ONE]
    any_point, named = all_faults()
    rng = random.Random(SEED)
    half = TRIALS // 2
    return rng.sample(any_point, min(half, len(any_point))) + rng.sample(named, min(TRIALS - half, len(named)))


class Trial:
    """What one platform with a fault was asked to do, and what it said. An outcome is True (acknowledged), False (failed) or None (not known)."""

    def __init__(self, fault, template):
        self.fault, self.mode = fault, fault.rsplit(':', 1)[1]
        self.template, self.folder = template, None
        self.session = requests.Session()
        self.rows = {}                     # ids -> outcome
        self.tables = {}                   # name -> (number of rows, outcome)
        self.objects = {}                  # key -> (md5 or None, outcome)
        self.next_id = 100
        self.is_final = False              # storage takes no more writes before it is started again

    def run(self):
        begun = time.monotonic()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='lakehouse-fault-', dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None))
        shutil.copytree(self.template, self.folder / 'data', ignore=lambda folder, names: {'run', 'logs'} & set(names))
        try:
            self.with_fault()
            self.without_fault()
            if time.monotonic() - begun > 20:
                print(f'{self.fault} took {time.monotonic() - begun:.0f} s')
            return self.summary()
        except Exception as e:
            raise AssertionError(f'LAKEHOUSE_ONE_FAULT={self.fault}: {type(e).__name__}: {e}\n{self.logs()}') from e
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def logs(self):
        return self.platform.logs()[-8000:]

    def summary(self):
        outcomes = [*self.rows.values(), *(o for _, o in self.tables.values()), *(o for _, o in self.objects.values())]
        return {True: outcomes.count(True), False: outcomes.count(False), None: outcomes.count(None)}

    # ---- while things go wrong ----

    def with_fault(self):
        self.platform = p = Platform(data=self.folder / 'data', env={'LAKEHOUSE_FAULT': self.fault, 'LAKEHOUSE_TEST_GRACE_MS': '0'})
        p.ports = fixed_ports()
        try:
            p.start(timeout=8 if self.mode == 'kill' else 30)
        except RuntimeError:
            self.check_refused_start()
            self.kill_all()
            return
        try:
            self.s3, started = s3_client(p, connect_timeout=5, read_timeout=60), time.monotonic()
            for step in (self.insert, self.put, self.put_large, self.insert_many, self.create_table, self.upload, self.replace, self.delete, self.insert):
                if time.monotonic() - started > SECONDS:
                    break
                begun = time.monotonic()
                step()
                assert time.monotonic() - begun < 150, f'{step.__name__} took {time.monotonic() - begun:.0f} s'
            if self.mode == 'full' and not self.is_final and p.process.poll() is None:
                self.write_again()
        finally:
            self.kill_all()
        self.check_deaths()

    def kill_all(self):
        with contextlib.suppress(FileNotFoundError, KeyError, ValueError):
            self.platform.kill()
        self.platform.close()

    def check_refused_start(self):
        if self.platform.process.poll() is None and self.mode == 'kill':
            return                         # a role that dies again and again before it is ready
        text = (self.folder / 'data.log').read_text()
        assert self.mode == 'kill' or 'lakehouse: ' in text, f'no clear words about the failed start: {text[-500:]}'
        self.check_deaths()

    def check_deaths(self):
        text = self.platform.logs()
        for sign in ('Assertion', 'ERROR: AddressSanitizer', 'runtime error:', 'double free', 'corrupted'):
            assert sign not in text, sign
        expected = {'9', '15'} if self.mode == 'kill' else {'0', '15'}
        for line in (self.folder / 'data.log').read_text().splitlines():
            signal = re.search(r'"event":"supervisor.ended".*"signal":(\d+)', line)
            assert not signal or signal[1] in expected | {'0'}, line

    def sql(self, text):
        try:
            statement(self.session, self.platform, text)
            return True
        except StatementFailed as e:
            assert {'errorCode', 'errorName', 'errorType', 'message'} <= set(e.error) and e.error['message'], e.error
            if 'unknown' in e.error['message']:
                return None
            if self.mode == 'full' and 'injected fault' in e.error['message']:
                assert re.search('disk|space', e.error['message'], re.I), e.error
                # A sync that failed is final, whatever its cause; any other full disk is named as one.
                assert e.error['errorType'] == 'INSUFFICIENT_RESOURCES' or FINAL in e.error['message'], e.error
            self.is_final |= FINAL in e.error['message']
            return False
        except (requests.RequestException, ValueError):     # the connection broke, or the answer is cut short
            self.session = requests.Session()
            time.sleep(0.2)
            return None

    def request(self, call):
        try:
            call()
            return True
        except botocore.exceptions.ClientError as e:
            status = e.response['ResponseMetadata']['HTTPStatusCode']
            assert status >= 500 and e.response['Error']['Code'] in S3_CODES, e.response
            self.is_final |= FINAL in e.response['Error'].get('Message', '')
            return False if status == 507 else None          # 500: S3 promises nothing
        except botocore.exceptions.BotoCoreError:
            time.sleep(0.2)
            return None

    def take_ids(self, n):
        self.next_id += n
        return tuple(range(self.next_id - n, self.next_id))

    def insert(self, n=1):
        ids = self.take_ids(n)
        self.rows[ids] = self.sql('INSERT INTO t VALUES ' + ', '.join(f"({i}, 'x')" for i in ids))

    def insert_many(self):
        self.insert(2000)

    def create_table(self):
        self.tables['made'] = 500, self.sql('CREATE TABLE made AS SELECT id FROM UNNEST(sequence(1, 500)) AS t(id)')

    def put_object(self, key, size):
        body = random.Random(size).randbytes(size)
        self.objects[key] = hashlib.md5(body).hexdigest(), self.request(lambda: self.s3.put_object(Bucket='crash', Key=key, Body=body))

    def put(self):
        self.put_object('small', 1000)

    def put_large(self):
        self.put_object('large', 300000)

    def replace(self):
        self.put_object('old-1', 2000)

    def delete(self):
        self.objects['old-2'] = None, self.request(lambda: self.s3.delete_object(Bucket='crash', Key='old-2'))

    def upload(self):
        body, name = random.Random(7).randbytes(200000), {'Bucket': 'crash', 'Key': 'parts'}

        def call():
            upload = self.s3.create_multipart_upload(**name)['UploadId']
            part = self.s3.upload_part(**name, UploadId=upload, PartNumber=1, Body=body)
            self.s3.complete_multipart_upload(**name, UploadId=upload, MultipartUpload={'Parts': [{'ETag': part['ETag'], 'PartNumber': 1}]})
        self.objects['parts'] = hashlib.md5(body).hexdigest(), self.request(call)

    def write_again(self):
        """There is room again: nothing has to be restarted."""
        deadline = time.monotonic() + 20
        while True:
            self.insert()
            self.put_object(f'again-{self.next_id}', 500)
            if list(self.rows.values())[-1] and self.objects[f'again-{self.next_id}'][1]:
                return
            assert time.monotonic() < deadline, 'no writes are taken although the disk has room again'
            time.sleep(0.5)

    # ---- afterwards ----

    def without_fault(self):
        p = self.platform = Platform(data=self.folder / 'data')
        try:
            p.start()
            session, s3 = requests.Session(), s3_client(p)
            self.check_rows(session)
            self.check_objects(s3)
            statement(session, p, "INSERT INTO t VALUES (9999999, 'last')")
            assert statement(session, p, 'SELECT count(*) FROM t WHERE id = 9999999') == [[1]]
            s3.put_object(Bucket='crash', Key='last', Body=b'last')
            assert s3.get_object(Bucket='crash', Key='last')['Body'].read() == b'last'
        finally:
            self.kill_all()

    def check_rows(self, session):
        found = dict(statement(session, self.platform, 'SELECT id, count(*) FROM t GROUP BY id'))
        assert {i: n for i, n in found.items() if n != 1} == {}, 'rows stand twice'
        for ids, outcome in [((1, 2, 3), True), *self.rows.items()]:
            check_count(f'INSERT of {len(ids)} rows from {ids[0]} on', len(set(ids) & set(found)), len(ids), outcome)
        names = [row[0] for row in statement(session, self.platform, 'SHOW TABLES')]
        assert set(names) <= {'t', *self.tables}
        for name, (n, outcome) in self.tables.items():
            rows = statement(session, self.platform, f'SELECT count(*) FROM {name}')[0][0] if name in names else 0
            check_count(f'CREATE TABLE {name} AS', rows, n, outcome)

    def check_objects(self, s3):
        old = hashlib.md5(b'old').hexdigest()
        listed = [o['Key'] for o in s3.list_objects_v2(Bucket='crash').get('Contents', [])]
        assert set(listed) <= {'old-1', 'old-2', *self.objects}
        for key in {'old-1', 'old-2', *self.objects}:
            before = old if key.startswith('old') else None
            new, outcome = self.objects.get(key, (before, True))
            body = s3.get_object(Bucket='crash', Key=key)['Body'].read() if key in listed else None
            found = hashlib.md5(body).hexdigest() if body is not None else None
            assert found in {True: [new], False: [before], None: [before, new]}[outcome], f'{key}: outcome {outcome}, but found {found}'


def check_count(what, found, n, outcome):
    assert found in {True: (n,), False: (0,), None: (0, n)}[outcome], f'{what}: {found} of {n} rows, outcome {outcome}'


@pytest.fixture(scope='module')
def template():
    """A stopped platform's data folder with a table and two objects."""
    with tempfile.TemporaryDirectory(prefix='lakehouse-fault-') as folder:
        p = Platform(data=pathlib.Path(folder) / 'data')
        p.data.mkdir()
        p.start()
        try:
            session, s3 = requests.Session(), s3_client(p)
            for text in ('CREATE SCHEMA crash', 'CREATE TABLE t (id bigint, text varchar)', "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')"):
                statement(session, p, text)
            s3.create_bucket(Bucket='crash')
            for key in ('old-1', 'old-2'):
                s3.put_object(Bucket='crash', Key=key, Body=b'old')
        finally:
            p.close()
        yield pathlib.Path(folder) / 'data'


def test_faults(template):
    print(f'LAKEHOUSE_SEED={SEED}')
    faults, failures = chosen_faults(), []
    sums = {True: 0, False: 0, None: 0}
    with ThreadPoolExecutor(WORKERS) as pool:
        for fault, future in [(f, pool.submit(Trial(f, template).run)) for f in faults]:
            try:
                for outcome, n in future.result().items():
                    sums[outcome] += n
            except AssertionError as e:
                print(f'failed: {str(e)[:1000]}')
                failures.append(str(e))
    print(f'{len(faults)} faults; {sums[True]} writes acknowledged, {sums[False]} refused, {sums[None]} of unknown outcome')
    assert not failures, f'{len(failures)} of {len(faults)}:\n' + '\n\n'.join(failures[:3])
    assert ONE or sums[True] > 0
