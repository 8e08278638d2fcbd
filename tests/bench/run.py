#!/usr/bin/env python3
"""All benchmarks in one run, as ratios against peers and figures against their targets.

  tests/bench/run.py [tpch] [sql] [s3] [start]        (default: all); build/lakehouse is measured

Needs: .venv (scripts/test.sh makes it) with duckdb==1.5.5 added, nginx for the 64 MiB GET. Rates hold on a quiet machine only; CPU per operation holds
on a busy one too, so it stands beside every rate."""
import sys

from common import Platform


def main():
    wanted = sys.argv[1:] or ['start', 'sql', 's3', 'tpch']
    for name in wanted:
        module = __import__({'tpch': 'tpch', 'sql': 'latency', 's3': 's3', 'start': 'start'}[name])
        print(f'--- {name}', flush=True)
        if name == 'start':
            module.run()
            continue
        platform = Platform()
        try:
            module.run(platform.start())
        finally:
            platform.close()


if __name__ == '__main__':
    main()
