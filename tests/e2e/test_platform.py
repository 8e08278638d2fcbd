"""The supervisor and the command line."""
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROLES = ('storage', 'catalog', 'query')


def get(url, timeout=5, **headers):
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as r:
            return r.status, r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


@pytest.mark.parametrize('role', ROLES)
def test_health_ready_metrics(platform, role):
    url = platform[role]['url']
    assert get(url + '/health')[0] == 200
    status, body = get(url + '/ready')
    assert status == 200 and json.loads(body)['ready'] is True
    status, body = get(url + '/metrics')
    assert status == 200
    assert b'# TYPE process_resident_memory_bytes gauge' in body and b'lakehouse_build_info{' in body


@pytest.mark.parametrize('role', ROLES)
def test_unknown_host_and_foreign_origin_are_refused(platform, role):
    url = platform[role]['url'] + '/health'
    assert get(url, Host='evil.example')[0] == 421
    assert get(url, Origin='http://evil.example')[0] == 403


@pytest.mark.parametrize('role', ROLES)
def test_private_paths_are_not_on_tcp(platform, role):
    assert get(platform['storage']['url'] + '/_lakehouse/v1/resolve')[0] in (403, 404, 405)
    assert get(platform[role]['url'] + '/health', **{'Lakehouse-Capability': '0' * 64})[0] >= 400


def test_data_folder_is_private(platform):
    lake = platform.data / 'lake'
    assert stat.S_IMODE(lake.stat().st_mode) == 0o700
    assert stat.S_IMODE((lake / 'storage' / 'root-credentials').stat().st_mode) == 0o600
    for sock in (lake / 'run').glob('*.sock'):
        assert stat.S_IMODE(sock.stat().st_mode) == 0o600


def test_no_keys_in_run_files_and_logs(platform):
    secret = platform['storage']['secret_key'].encode()
    for path in [*(platform.data / 'lake' / 'run').glob('*.json'), *(platform.data / 'lake' / 'logs').glob('*')]:
        assert secret not in path.read_bytes()


@pytest.mark.parametrize('role', ROLES)
def test_killed_role_is_back_within_two_seconds(make_platform, role):
    p = make_platform().start()
    others = {r: p.role_pid(r) for r in ROLES if r != role}
    os.kill(p.role_pid(role), signal.SIGKILL)
    begin = time.monotonic()
    while True:
        try:
            if get(p[role]['url'] + '/ready', timeout=2)[0] == 200:
                break
        except OSError:
            pass
        assert time.monotonic() - begin < 10
        time.sleep(0.01)
    assert time.monotonic() - begin < 2
    assert {r: p.role_pid(r) for r in others} == others


def test_restart_keeps_data(make_platform):
    p = make_platform().start()
    p.sql('CREATE SCHEMA s')
    p.sql('CREATE TABLE s.t (a bigint)')
    p.sql('INSERT INTO s.t VALUES (1), (2)')
    assert p.stop() == 0
    p.start()
    assert p.sql('SELECT sum(a) FROM s.t') == [['3']]


def test_second_supervisor_is_refused(platform, lakehouse_binary):
    done = subprocess.run([lakehouse_binary, 'up', '--data', platform.data / 'lake', '--listen', '127.0.0.1:0'],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and 'in use by process' in done.stderr and done.stderr.count('\n') == 1


def up(binary, *options, env=None):
    return subprocess.run([binary, 'up', *map(str, options)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(env or {})})


def test_port_in_use(lakehouse_binary, tmp_path):
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        s.listen()
        port = s.getsockname()[1]
        done = up(lakehouse_binary, '--data', tmp_path / 'd', '--set', f'storage.port={port}', '--set', 'catalog.port=0',
                  '--set', 'query.port=0')
    assert done.returncode == 2 and str(port) in done.stderr and 'storage' in done.stderr


def test_not_loopback_is_refused(lakehouse_binary, tmp_path):
    done = up(lakehouse_binary, '--data', tmp_path / 'd', '--listen', '0.0.0.0:0')
    assert done.returncode == 2 and 'TLS' in done.stderr


def test_data_folder_that_is_a_file(lakehouse_binary, tmp_path):
    (tmp_path / 'f').write_text('')
    done = up(lakehouse_binary, '--data', tmp_path / 'f', '--listen', '127.0.0.1:0')
    assert done.returncode == 2 and str(tmp_path / 'f') in done.stderr


@pytest.mark.parametrize('options,text', [
    (['--set', 'query.memory_limt=1GB'], 'query.memory_limit'),
    (['--set', 'query.memory_limit=lots'], 'query.memory_limit'),
    (['--set', 'nonsense'], 'KEY=VALUE'),
    (['--detatch'], '--detach'),
    (['--config', '/nonexistent.yaml'], '/nonexistent.yaml'),
])
def test_wrong_options(lakehouse_binary, tmp_path, options, text):
    done = up(lakehouse_binary, '--data', tmp_path / 'd', *options)
    assert done.returncode == 2 and text in done.stderr and done.stderr.count('\n') == 1


def test_configuration_file_errors_name_the_line(lakehouse_binary, tmp_path):
    (tmp_path / 'c.yaml').write_text('storage:\n  port: 0\n  prot: 1\n')
    done = up(lakehouse_binary, '--data', tmp_path / 'd', '--config', tmp_path / 'c.yaml')
    assert done.returncode == 2 and 'c.yaml:3' in done.stderr and 'storage.port' in done.stderr


def test_configuration_layers(lakehouse_binary, tmp_path):
    (tmp_path / 'lakehouse.yaml').write_text('query:\n  memory_limit: 1GB\n  threads: 3\n')
    (tmp_path / 'env' / 'dev').mkdir(parents=True)
    (tmp_path / 'env' / 'dev' / 'lakehouse.yaml').write_text('query:\n  memory_limit: 2GB\n')
    shown = subprocess.run([lakehouse_binary, 'config', 'show', '--env', 'dev', '--set', 'query.max_queued=7'], cwd=tmp_path,
                           capture_output=True, text=True, env={**os.environ, 'LAKEHOUSE_QUERY__MEMORY_LIMIT': '3GB'}).stdout
    lines = {line.split()[0]: line for line in shown.splitlines()}
    assert '3GB' in lines['query.memory_limit'] and 'LAKEHOUSE_QUERY__MEMORY_LIMIT' in lines['query.memory_limit']
    assert '3 ' in lines['query.threads'] and 'lakehouse.yaml:3' in lines['query.threads']
    assert '7' in lines['query.max_queued'] and '--set' in lines['query.max_queued']


def test_secrets_are_not_shown(lakehouse_binary):
    shown = subprocess.run([lakehouse_binary, 'config', 'show'], capture_output=True, text=True,
                           env={**os.environ, 'LAKEHOUSE_ROOT_USER': 'me', 'LAKEHOUSE_ROOT_PASSWORD': 'verysecret'}).stdout
    assert 'verysecret' not in shown and '(secret)' in shown


def test_detach_status_stop(lakehouse_binary, tmp_path):
    data = tmp_path / 'd'
    ports = ['--set', 'storage.port=0', '--set', 'catalog.port=0', '--set', 'query.port=0']
    done = subprocess.run([lakehouse_binary, 'up', '--detach', '--data', data, *ports], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    try:
        status = subprocess.run([lakehouse_binary, 'status', '--data', data], capture_output=True, text=True, timeout=30)
        assert status.returncode == 0 and status.stdout.count(' ready ') == 3
    finally:
        stopped = subprocess.run([lakehouse_binary, 'stop', '--data', data], capture_output=True, text=True, timeout=60)
    assert stopped.returncode == 0 and 'stopped' in stopped.stdout
    assert subprocess.run([lakehouse_binary, 'status', '--data', data], capture_output=True, timeout=30).returncode == 1


def test_roles_of_a_detached_platform_come_back_whole(lakehouse_binary, tmp_path):
    """The descriptor by which --detach waits is closed when all is ready; a role started later must still get its own."""
    data, endpoints = tmp_path / 'd', tmp_path / 'endpoints.json'
    done = subprocess.run([lakehouse_binary, 'up', '--detach', '--data', data, '--listen', '127.0.0.1:0', '--endpoints', endpoints],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

    def sql(text):
        return subprocess.run([lakehouse_binary, 'sql', '--server', json.loads(endpoints.read_text())['query']['url'], '--execute', text],
                              capture_output=True, text=True, timeout=60)
    try:
        assert sql('CREATE SCHEMA s').returncode == 0
        for n, role in enumerate(('query', 'storage', 'catalog', 'query')):
            running = data / 'run' / 'endpoints.json'
            os.kill(json.loads(running.read_text())[role]['pid'], signal.SIGKILL)
            made = sql(f'CREATE TABLE s.t{n} AS SELECT 1 AS a')
            assert made.returncode == 0, f'after {role} was killed: {made.stderr}'
        assert sql('SELECT * FROM s.t3').stdout.split()[-1].strip('"') == '1'
    finally:
        subprocess.run([lakehouse_binary, 'stop', '--data', data], capture_output=True, timeout=60)


def test_only_storage_gets_the_root_password(make_platform):
    p = make_platform(env={'LAKEHOUSE_ROOT_USER': 'root-user', 'LAKEHOUSE_ROOT_PASSWORD': 'very-secret-word'}).start()
    told = {role: b'very-secret-word' in pathlib.Path(f'/proc/{p.role_pid(role)}/environ').read_bytes() for role in ('storage', 'catalog', 'query')}
    assert told == {'storage': True, 'catalog': False, 'query': False}


def test_start_that_is_refused_leaves_the_log_alone(lakehouse_binary, platform):
    log = platform.data / 'lake' / 'logs' / 'supervisor.log'
    log.write_text('earlier\n')
    done = up(lakehouse_binary, '--detach', '--data', platform.data / 'lake', '--listen', '127.0.0.1:0')
    assert done.returncode == 2 and 'in use by process' in done.stderr and log.read_text().startswith('earlier\n')


def test_role_that_fails_is_named(lakehouse_binary, tmp_path):
    done = up(lakehouse_binary, '--data', tmp_path / 'd', '--listen', '127.0.0.1:0', env={'LAKEHOUSE_QUERY__DUCKDB_LIBRARY': '/nonexistent.so'})
    assert done.returncode == 1 and 'query did not start' in done.stderr and 'query.log' in done.stderr


def test_second_interrupt_does_not_wait(make_platform):
    p = make_platform().start()
    pid = p.role_pid('query')
    os.kill(pid, signal.SIGSTOP)            # a role that hangs
    p.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert p.process.poll() is None
    p.process.send_signal(signal.SIGINT)
    assert p.process.wait(10) == 0


def test_log_files_are_cut(make_platform):
    p = make_platform().start()
    log = p.data / 'lake' / 'logs' / 'query.log'
    with open(log, 'ab') as f:
        f.truncate(65 << 20)
    deadline = time.monotonic() + 30
    while log.stat().st_size > 1 << 20 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert log.stat().st_size < 1 << 20 and (log.parent / 'query.log.1').stat().st_size == 65 << 20
    p.sql('SELECT 1')
    assert 0 < log.stat().st_size < 1 << 20


def test_root_keys_from_environment(make_platform):
    import boto3
    p = make_platform(env={'LAKEHOUSE_ROOT_USER': 'testuser', 'LAKEHOUSE_ROOT_PASSWORD': 'testpassword123'}).start()
    assert p['storage']['access_key'] == 'testuser'
    s3 = boto3.client('s3', endpoint_url=p['storage']['url'], aws_access_key_id='testuser',
                      aws_secret_access_key='testpassword123', region_name='us-east-1')
    assert 'lakehouse-warehouse' in [b['Name'] for b in s3.list_buckets()['Buckets']]


@pytest.mark.parametrize('command', ['up', 'stop', 'serve', 'status', 'sql', 'import', 'config', 'version'])
def test_help(lakehouse_binary, command):
    done = subprocess.run([lakehouse_binary, command, '--help'], capture_output=True, text=True)
    assert done.returncode == 0 and f'Usage: lakehouse {command}' in done.stdout


def test_wrong_command(lakehouse_binary):
    done = subprocess.run([lakehouse_binary, 'frobnicate'], capture_output=True, text=True)
    assert done.returncode == 2 and 'frobnicate' in done.stderr
