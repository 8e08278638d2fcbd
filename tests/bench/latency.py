"""Floor latencies of SQL: SELECT 1 and a one-row INSERT over one kept-alive connection, beside an fsync on the same disk."""
import os
import tempfile
import time

from common import Trino, cpu_seconds, percentile, show, timed


def fsync_ms(folder):
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as f:
        for _ in range(50):
            os.write(f.fileno(), b'x' * 4096)
            times.append(timed(lambda: os.fsync(f.fileno()))[0])
    return percentile(times, 50) * 1000


def run(platform):
    trino = Trino(platform['query']['url'])
    for _ in range(50):
        trino.run('SELECT 1')
    before = cpu_seconds(platform.role_pid('query'))
    times = [timed(lambda: trino.run('SELECT 1'))[0] for _ in range(1000)]
    cpu = (cpu_seconds(platform.role_pid('query')) - before) / len(times)
    p50 = percentile(times, 50) * 1000
    show('SELECT 1, p50 (round trips)', f'{p50:.2f} ms ({trino.round_trips}), {cpu * 1e6:.0f} us CPU', '<= 2 ms, 1 round trip',
         p50 <= 2 and trino.round_trips == 1)
    print(f'  p99 {percentile(times, 99) * 1000:.2f} ms')

    trino.run('CREATE SCHEMA IF NOT EXISTS iceberg.bench')
    trino.run('CREATE TABLE iceberg.bench.one (a bigint, b varchar)')
    for i in range(5):
        trino.run(f"INSERT INTO iceberg.bench.one VALUES ({i}, 'warm')")
    times = [timed(lambda: trino.run(f"INSERT INTO iceberg.bench.one VALUES ({i}, 'x')"))[0] for i in range(100)]
    p50 = percentile(times, 50) * 1000
    fsync = fsync_ms(platform.data)
    show('one-row INSERT, p50, durable', f'{p50:.1f} ms (fsync {fsync:.2f} ms)', '<= 10 ms', p50 <= 10)
    times = [timed(lambda: trino.run('SELECT count(*) FROM iceberg.bench.one'))[0] for _ in range(50)]
    print(f'  count(*) over {trino.run("SELECT count(*) FROM iceberg.bench.one")[0][0]} rows in as many files: '
          f'{percentile(times, 50) * 1000:.1f} ms')
    time.sleep(0)
