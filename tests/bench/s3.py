"""The store: durable 4 KiB PUT, 4 KiB GET, 64 MiB GET against nginx, with server CPU per operation; the group commit as strace counts it."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import boto3

from common import ROOT, show

SECONDS = 5


def s3load(platform, *options):
    build = ROOT / 'build-test'          # scripts/test.sh makes it
    subprocess.run(['ninja', '-C', build, 'tests/bench/s3load'], check=True, stdout=subprocess.DEVNULL)
    e = platform['storage']
    done = subprocess.run([f'{build}/tests/bench/s3load', '--url', e['url'], '--bucket', 'bench', '--access', e['access_key'],
                           '--secret', e['secret_key'], '--pid', str(platform.role_pid('storage')), *map(str, options)],
                          capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return json.loads(done.stdout)


def syncs_per_put(platform):
    """fsync and fdatasync calls of the storage role during a load, over the PUTs."""
    if not shutil.which('strace'):
        return None
    with tempfile.NamedTemporaryFile(mode='r') as out:
        trace = subprocess.Popen(['strace', '-f', '-c', '-e', 'trace=fsync,fdatasync', '-o', out.name, '-p',
                                  str(platform.role_pid('storage'))], stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        result = s3load(platform, '--op', 'put', '--size', 4096, '--connections', 64, '--seconds', 3)
        trace.send_signal(signal.SIGINT)
        trace.wait(20)
        calls = sum(int(line.split()[3]) for line in out.read().splitlines() if line.rstrip().endswith('sync'))
    return calls, result['operations']


class Nginx:
    """nginx on a free port with one file, as the limit for a large GET."""

    def __init__(self, body):
        self.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.folder.name)
        os.chmod(folder, 0o755)
        (folder / 'file').write_bytes(body)
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]
        (folder / 'nginx.conf').write_text(
            f'worker_processes 2; pid {folder}/pid; error_log {folder}/error; events {{}} daemon off;\n'
            f'http {{ access_log off; sendfile on; server {{ listen 127.0.0.1:{self.port}; root {folder}; }} }}\n')
        self.process = subprocess.Popen(['nginx', '-c', f'{folder}/nginx.conf', '-e', f'{folder}/error'])
        time.sleep(0.5)
        self.url = f'http://127.0.0.1:{self.port}/file'

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def wrk_rate(url, seconds=5):
    """MiB/s of one large GET after the other over 4 connections."""
    text = subprocess.run(['wrk', '-t1', '-c4', f'-d{seconds}s', url], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        if 'Transfer/sec' in line:
            value = line.split()[1]
            unit = {'KB': 1 / 1024, 'MB': 1, 'GB': 1024}[value[-2:]]
            return float(value[:-2]) * unit
    raise RuntimeError(text)


def large_get(platform, s3):
    body = os.urandom(1 << 20) * 64
    s3.put_object(Bucket='bench', Key='large', Body=body)
    url = s3.generate_presigned_url('get_object', Params={'Bucket': 'bench', 'Key': 'large'})
    if not shutil.which('nginx') or not shutil.which('wrk'):
        print('  64 MiB GET: nginx or wrk is not installed')
        return
    nginx = Nginx(body)
    try:
        ours, theirs = [], []
        for _ in range(3):
            ours.append(wrk_rate(url))
            theirs.append(wrk_rate(nginx.url))
    finally:
        nginx.close()
    ratio = max(ours) / max(theirs)
    show('64 MiB GET against nginx', f'{max(ours):.0f} / {max(theirs):.0f} MiB/s = {ratio:.2f}', '>= 0.8', ratio >= 0.8)


def run(platform):
    e = platform['storage']
    s3 = boto3.client('s3', endpoint_url=e['url'], aws_access_key_id=e['access_key'], aws_secret_access_key=e['secret_key'],
                      region_name=e['region'])
    s3.create_bucket(Bucket='bench')
    put = s3load(platform, '--op', 'put', '--size', 4096, '--connections', 64, '--seconds', SECONDS)
    show('4 KiB PUT, durable, 64 connections', f'{put["per_second"]:.0f}/s, {put["server_cpu_us"]:.0f} us CPU', '<= 60 us, >= 10,000/s',
         put['server_cpu_us'] <= 60 and put['per_second'] >= 10000)
    get = s3load(platform, '--op', 'get', '--size', 4096, '--connections', 16, '--seconds', SECONDS)
    show('4 KiB GET, 16 connections', f'{get["per_second"]:.0f}/s, {get["server_cpu_us"]:.0f} us CPU', '<= 25 us', get['server_cpu_us'] <= 25)
    syncs = syncs_per_put(platform)
    if syncs:
        print(f'  group commit: {syncs[0]} syncs for {syncs[1]} PUTs')
    large_get(platform, s3)
