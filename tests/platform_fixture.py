"""A platform for the tests: `lakehouse up` on free ports and a temporary data folder, one for the whole run."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get('LAKEHOUSE_BUILD', ROOT / 'build'))
LAKEHOUSE = BUILD / 'lakehouse'


class Platform(dict):
    """The endpoints (a dict as in the endpoints file), and the process behind them."""

    def __init__(self, data=None, env=None, options=()):
        super().__init__()
        self.own_data = data is None
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix='lakehouse-test-'))
        self.env = {**os.environ, **(env or {})}
        self.options = list(options)
        self.process = None
        self.ports = {}

    def start(self, timeout=60):
        endpoints = self.data.parent / (self.data.name + '.endpoints.json')
        endpoints.unlink(missing_ok=True)
        log = open(self.data.parent / (self.data.name + '.log'), 'a')
        # Free ports the first time; the same ones after a restart, so that clients that retry find the platform again.
        where = ['--listen', '127.0.0.1:0']
        if self.ports:
            where = [word for role, port in self.ports.items() for word in ('--set', f'{role}.port={port}')]
        self.process = subprocess.Popen(
            [str(LAKEHOUSE), 'up', '--data', str(self.data / 'lake'), *where, '--endpoints', str(endpoints), *self.options],
            env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + timeout
        while not endpoints.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError('the platform did not start:\n' + self.logs())
            time.sleep(0.01)
        self.clear()
        self.update(json.loads(endpoints.read_text()))
        endpoints.unlink()
        self.ports = {role: int(self[role]['url'].rsplit(':', 1)[1]) for role in ('storage', 'catalog', 'query')}
        return self

    def logs(self):
        text = ''
        for path in [self.data.parent / (self.data.name + '.log'), *sorted((self.data / 'lake' / 'logs').glob('*.log'))]:
            if path.exists():
                text += f'--- {path.name}\n' + path.read_text(errors='replace')[-3000:]
        return text

    def role_pid(self, role):
        return json.loads((self.data / 'lake' / 'run' / 'endpoints.json').read_text())[role]['pid']

    def stop(self, timeout=60):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout)
        return self.process.returncode if self.process else None

    def kill(self):
        """SIGKILL for the supervisor and every role, as a machine that stops would."""
        pids = [self.process.pid] + [self.role_pid(r) for r in ('storage', 'catalog', 'query')]
        for pid in pids:
            try:
                if pid:         # 0: a role that is down, and to the system our own process group
                    os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(30)

    def close(self):
        try:
            self.stop()
        finally:
            if self.process and self.process.poll() is None:
                self.kill()
            if self.own_data:
                shutil.rmtree(self.data, ignore_errors=True)
                (self.data.parent / (self.data.name + '.log')).unlink(missing_ok=True)

    def run(self, *args, check=True, **options):
        """The lakehouse command with LAKEHOUSE_SERVER set to this platform."""
        env = {**self.env, 'LAKEHOUSE_SERVER': self['query']['url']}
        done = subprocess.run([str(LAKEHOUSE), *map(str, args)], env=env, capture_output=True, text=True,
                              timeout=300, **options)
        if check and done.returncode:
            raise AssertionError(f'lakehouse {args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.logs()}')
        return done

    def sql(self, text, **options):
        """Rows of one statement as lists of strings (CSV)."""
        import csv
        import io
        done = self.run('sql', '--output-format', 'CSV', '--execute', text, **options)
        return [row for row in csv.reader(io.StringIO(done.stdout))]


@pytest.fixture(scope='session')
def lakehouse_binary():
    return LAKEHOUSE


@pytest.fixture(scope='session')
def platform():
    p = Platform()
    try:
        yield p.start()
    finally:
        p.close()


@pytest.fixture
def make_platform():
    """Platforms of a test's own: make_platform(env=…, options=[…]).start()."""
    made = []

    def make(**options):
        made.append(Platform(**options))
        return made[-1]
    yield make
    for p in made:
        p.close()


@pytest.fixture
def s3(platform):
    import boto3
    from botocore.config import Config
    e = platform['storage']
    return boto3.client('s3', endpoint_url=e['url'], aws_access_key_id=e['access_key'],
                        aws_secret_access_key=e['secret_key'], region_name=e['region'],
                        config=Config(s3={'addressing_style': 'path'}, retries={'max_attempts': 1}))
