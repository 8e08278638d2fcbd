#!/usr/bin/env python3
"""All benchmarks in one run, as ratios against peers and figures against their targets.

  tests/bench/run.py [start] [sql] [s3] [tpch] [tpcds] [clickbench] [frontend]      (default: the first four)
      --scale tiny|sf1|sf10   of the SQL suites (sf1)     --rounds N   best of N (3)     --trino   a real Trino too

build/lakehouse is measured (LAKEHOUSE_BUILD). Needs: .venv (scripts/test.sh makes it), nginx for the 64 MiB GET, Maven and a JDK 25 for
--trino. Rates hold on a quiet machine only; CPU per operation holds on a busy one too, so it stands beside every rate."""
import argparse
import sys

from common import Platform

SUITES = ('tpch', 'tpcds', 'clickbench')


def run_one(name, options, platform):
    if name in SUITES:
        import suites
        suites.run(platform, [name], options.scale, options.rounds, options.trino)
    elif name == 'frontend':
        import suites
        suites.front_end(platform)
    else:
        __import__({'sql': 'latency', 's3': 's3'}[name]).run(platform)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('names', nargs='*', choices=['start', 'sql', 's3', 'frontend', *SUITES, []])
    arguments.add_argument('--scale', choices=['tiny', 'sf1', 'sf10'], default='sf1')
    arguments.add_argument('--rounds', type=int, default=3)
    arguments.add_argument('--trino', action='store_true')
    options = arguments.parse_args()
    for name in options.names or ['start', 'sql', 's3', 'tpch']:
        print(f'--- {name}', flush=True)
        if name == 'start':
            import start
            start.run()
            continue
        platform = Platform()
        try:
            run_one(name, options, platform.start())
        finally:
            platform.close()


if __name__ == '__main__':
    sys.exit(main())
