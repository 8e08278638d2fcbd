"""What the benchmarks share: a platform on free ports, a minimal Trino client, CPU time of processes, percentiles."""
import http.client
import json
import os
import pathlib
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests'))
os.environ.setdefault('LAKEHOUSE_BUILD', str(ROOT / 'build'))
from platform_fixture import Platform  # noqa: E402


class Trino:
    """Statements over one kept-alive connection; counts round trips."""

    def __init__(self, url, catalog='iceberg', schema=None):
        self.at = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(self.at.hostname, self.at.port)
        self.headers = {'X-Trino-User': 'bench', 'X-Trino-Catalog': catalog,
                        'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME'}
        if schema:
            self.headers['X-Trino-Schema'] = schema
        self.round_trips = 0

    def exchange(self, method, path, body=None):
        self.connection.request(method, path, body, self.headers)
        response = self.connection.getresponse()
        text = response.read()
        self.round_trips += 1
        if response.status != 200:
            raise RuntimeError(f'{response.status}: {text[:300]}')
        return json.loads(text)

    def run(self, sql):
        self.round_trips = 0
        rows = []
        page = self.exchange('POST', '/v1/statement', sql)
        while True:
            if 'error' in page:
                raise RuntimeError(page['error']['message'] + '\n' + sql)
            rows += page.get('data', [])
            if 'nextUri' not in page:
                return rows
            page = self.exchange('GET', urllib.parse.urlsplit(page['nextUri']).path)


def cpu_seconds(pid):
    """User and system time of a process, all threads."""
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def pss_bytes(pid):
    for line in pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines():
        if line.startswith('Pss:'):
            return int(line.split()[1]) * 1024
    return 0


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def timed(fn):
    begin = time.perf_counter()
    result = fn()
    return time.perf_counter() - begin, result


def show(name, figure, target, ok):
    print(f'{name:<52} {figure:<34} {"target " + target if target else "":<28} {"met" if ok else "MISSED"}', flush=True)
