"""Start to ready with an empty data folder, and memory at rest of all processes."""
import time

from common import Platform, percentile, pss_bytes, show

RUNS = 5


def run():
    times, memory = [], []
    for _ in range(RUNS):
        platform = Platform()
        begin = time.perf_counter()
        platform.start()
        times.append(time.perf_counter() - begin)
        time.sleep(1)
        pids = [platform['pid']] + [platform.role_pid(r) for r in ('storage', 'catalog', 'query')]
        memory.append(sum(map(pss_bytes, pids)))
        platform.close()
    show('start to ready, empty data folder', f'{percentile(times, 50) * 1000:.0f} ms', '< 1 s', percentile(times, 50) < 1)
    show('memory at rest, all processes (Pss)', f'{percentile(memory, 50) / 1e6:.0f} MB', '< 150 MB', percentile(memory, 50) < 150e6)
