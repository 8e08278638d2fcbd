#!/usr/bin/env python3
"""Writes docs/trino-compatibility.md from runs of recorded results of a real Trino against our server.

  report.py [--out FILE] [--run NAME=RECORDED,DIFF,PASSED]…

RECORDED: JSON lines (.gz too) with id, category, sql, columns, session, error. DIFF: what the runner writes about each difference, as

    FAIL id [category]
      the statement, indented
      what differs

("pass …" for those where only an error's message differs). PASSED: the ids that passed, one a line. reasons.tsv tells why things differ:
tab-separated regular expressions over the category, the statement and what differs, then the reason; the first that fits counts. The
page has rates, reasons, categories and ids; nothing of what was recorded. Exit code 1 when a difference has no reason."""
import argparse
import collections
import gzip
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parents[1] / 'docs' / 'trino-compatibility.md'
IDS_SHOWN = 12
DIFFERENCE = r'error [A-Z_]+|rows \[|types |no error|only the order'
UNEXPLAINED = 'Not explained yet'
# More than microseconds, or Trino's NUMBER: held in forms of their own, and so counted apart.
FINE = re.compile(r'\((?:7|8|9|10|11|12)\)|\.\d{7,12}|\bnumber\b', re.I)
RARE = re.compile(r'time(stamp)?\((?:[789]|1[012])\)|number', re.I)


def read_recorded(path):
    with (gzip.open if path.suffix == '.gz' else open)(path, 'rt', encoding='utf-8') as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def read_diff(path):
    """(passed?, id, category, statement, what differs)"""
    head, body = None, []
    for line in [*path.read_text().splitlines(), 'FAIL end [end]']:
        match = re.fullmatch(r'(FAIL|pass) (\S+) \[(.*)\]', line)
        if not match:
            body.append(line.strip())
            continue
        if head:
            # Messages have lines of their own: the difference begins at the last line that begins as one.
            at = max((i for i, text in enumerate(body) if re.match(DIFFERENCE, text)), default=len(body) - 1)
            yield head.group(1) == 'pass', head.group(2), head.group(3), '\n'.join(body[:at]), '\n'.join(body[at:])
        head, body = match, []


class Reasons:
    def __init__(self, path):
        self.rules = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.strip() or line.startswith('#'):
                continue
            fields = line.split('\t')
            if len(fields) != 4:
                raise ValueError(f'{path}:{number}: expected category, statement, difference and reason, separated by tabs')
            self.rules.append((*(re.compile(f, re.I | re.S) for f in fields[:3]), fields[3]))

    def of(self, category, statement, difference):
        for c, s, d, reason in self.rules:
            if c.search(category) and s.search(statement) and d.search(difference):
                return reason
        return UNEXPLAINED


def group_of(line):
    """The part of a recorded line that its rate is given for."""
    types = ' '.join(c['type'] for c in line.get('columns') or [])
    if (line.get('session') or {}).get('catalog') == 'iceberg':
        return 'statements on Iceberg tables'
    if FINE.search(line['sql']) or RARE.search(types):
        return 'with more than 6 fractional digits or NUMBER'
    return 'all other'


def kind_of(difference):
    """Whether the difference is silent: an answer where Trino has another, or none."""
    if re.match(r'error NOT_SUPPORTED', difference):
        return 'refused by name'
    if difference.startswith('error '):
        return 'other error, or error instead of an answer'
    if difference.startswith('no error'):
        return 'answer instead of an error'
    return 'other answer'


class Run:
    def __init__(self, name, recorded, diff, passed, reasons):
        self.name = name
        passed_ids = set(passed.read_text().split())
        self.groups = collections.defaultdict(lambda: [0, 0])
        self.categories = collections.defaultdict(lambda: [0, 0])
        failing = set()
        for line in read_recorded(recorded):
            ok = line['id'] in passed_ids
            if not ok:
                failing.add(line['id'])
            for table, key in ((self.groups, group_of(line)), (self.categories, line['category'])):
                table[key][0 if ok else 1] += 1
        self.reasons = collections.defaultdict(list)
        for ok, identifier, category, statement, difference in read_diff(diff):
            if not ok and identifier in failing:
                failing.discard(identifier)
                self.reasons[reasons.of(category, statement, difference)].append((identifier, category, kind_of(difference)))
        for identifier in failing:      # the run did not come to it
            self.reasons[UNEXPLAINED].append((identifier, '', 'not run'))

    def total(self):
        return [sum(v[i] for v in self.groups.values()) for i in (0, 1)]


def rate(passed, failed):
    return f'{passed:,} of {passed + failed:,} ({100.0 * passed / max(1, passed + failed):.1f} %)'


def shown(cases):
    ids = sorted(c[0] for c in cases)
    return ', '.join(ids[:IDS_SHOWN]) + (f' and {len(ids) - IDS_SHOWN} more' if len(ids) > IDS_SHOWN else '')


def write(runs, out):
    out.write('# Where answers differ from Trino 483\n\nGenerated by `tests/compatibility/report.py` from results recorded from a real '
              'Trino 483: the same types, values and error\nnames count as equal. Do not edit; reasons stand in '
              '`tests/compatibility/reasons.tsv`.\n')
    for run in runs:
        out.write(f'\n## {run.name}: {rate(*run.total())}\n\n| part | equal |\n|---|---|\n')
        for key, counts in sorted(run.groups.items()):
            out.write(f'| {key} | {rate(*counts)} |\n')
        out.write('\n### Reasons\n\n| reason | count | how it shows | recorded lines |\n|---|---|---|---|\n')
        for reason, cases in sorted(run.reasons.items(), key=lambda kv: (kv[0] == UNEXPLAINED, -len(kv[1]))):
            kinds = collections.Counter(c[2] for c in cases)
            how = ', '.join(f'{k} ({n})' for k, n in kinds.most_common())
            out.write(f'| {reason} | {len(cases)} | {how} | {shown(cases)} |\n')
        out.write('\n### Categories with differences\n\n| category | equal |\n|---|---|\n')
        for key, counts in sorted(run.categories.items()):
            if counts[1]:
                out.write(f'| {key} | {rate(*counts)} |\n')


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--out', type=pathlib.Path, default=OUT)
    arguments.add_argument('--reasons', type=pathlib.Path, default=HERE / 'reasons.tsv')
    arguments.add_argument('--run', action='append', required=True, metavar='NAME=RECORDED,DIFF,PASSED')
    options = arguments.parse_args()
    reasons, runs = Reasons(options.reasons), []
    for text in options.run:
        name, _, files = text.partition('=')
        runs.append(Run(name, *map(pathlib.Path, files.split(',')), reasons))
    with options.out.open('w') as out:
        write(runs, out)
    missing = sum(len(run.reasons.get(UNEXPLAINED, [])) for run in runs)
    for run in runs:
        print(f'{run.name}: {rate(*run.total())}, {len(run.reasons.get(UNEXPLAINED, []))} without a reason')
    return 1 if missing else 0


if __name__ == '__main__':
    sys.exit(main())
