#!/usr/bin/env python3
"""Runs *.test files against a server that speaks Trino's protocol: run.py [--server URL] [FILE…].

Standard library only; the format is told in README.md. Exit code 1 when anything differs."""
import argparse
import json
import math
import pathlib
import sys
import urllib.request

FOLDER = pathlib.Path(__file__).parent


class Case:
    def __init__(self, file, line, kind, argument):
        self.file, self.line, self.kind, self.argument = file, line, kind, argument
        self.sql, self.rows = [], []

    def __str__(self):
        return f'{self.file.name}:{self.line}'


def parse(path):
    """The cases of a file."""
    cases, part = [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if part is None:
            if not line.strip() or line.startswith('#'):
                continue
            kind, _, argument = line.partition(' ')
            if kind not in ('query', 'statement', 'error'):
                raise ValueError(f'{path}:{number}: expected query, statement or error, found {kind!r}')
            cases.append(Case(path, number, kind, argument.strip()))
            part = 'sql'
        elif not line.strip():
            part = None
        elif part == 'sql' and line == '----':
            part = 'rows'
        elif part == 'sql':
            cases[-1].sql.append(line)
        else:
            cases[-1].rows.append(json.loads(line))
    return cases


def call(url, body, catalog='tpch', schema='tiny'):
    headers = {'X-Trino-User': 'test', 'X-Trino-Catalog': catalog, 'X-Trino-Schema': schema, 'X-Trino-Time-Zone': 'UTC',
               'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME,NUMBER'}
    request = urllib.request.Request(url, body, headers, method='GET' if body is None else 'POST')
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def execute(server, sql):
    """(types, rows, error)"""
    types, rows = None, []
    page = call(server + '/v1/statement', sql.encode())
    while True:
        if page.get('error'):
            return None, None, page['error']
        if page.get('columns'):
            types = [column['type'] for column in page['columns']]
        rows += page.get('data') or []
        if not page.get('nextUri'):
            return types, rows, None
        page = call(page['nextUri'], None)


def same(want, got):
    if isinstance(want, list):
        return isinstance(got, list) and len(want) == len(got) and all(map(same, want, got))
    if isinstance(want, dict):
        return isinstance(got, dict) and want.keys() == got.keys() and all(same(want[k], got[k]) for k in want)
    if isinstance(want, float):
        return isinstance(got, float) and math.isclose(want, got, rel_tol=1e-12)
    return type(want) is type(got) and want == got


def check(server, case):
    """What differs, or None."""
    types, rows, error = execute(server, '\n'.join(case.sql))
    if case.kind == 'error':
        name, _, text = case.argument.partition(' ')
        if not error:
            return f'expected {name}, got {rows}'
        if error['errorName'] != name or text not in error['message']:
            return f'expected {case.argument}, got {error["errorName"]}: {error["message"]}'
        return None
    if error:
        return f'{error["errorName"]}: {error["message"]}'
    if case.kind == 'query' and ', '.join(types) != case.argument:
        return f'types {", ".join(types)}, expected {case.argument}'
    if case.kind == 'query' and not same(case.rows, rows):
        return f'rows {json.dumps(rows)}, expected {json.dumps(case.rows)}'
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--server', default='http://127.0.0.1:8080')
    arguments.add_argument('files', nargs='*', type=pathlib.Path)
    options = arguments.parse_args()
    passed = failed = 0
    for path in options.files or sorted(FOLDER.glob('*.test')):
        for case in parse(path):
            difference = check(options.server, case)
            passed, failed = (passed, failed + 1) if difference else (passed + 1, failed)
            if difference:
                print(f'{case}: {difference}')
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
