"""Scripts recorded from a Trino 483, replayed: same types, values, error names.

A line of recorded/*.jsonl is a statement with what Trino answered; lines of one script run in one session, in a fresh schema where the session's
schema is ${S}. What we do not match yet stands in recorded.expected_failures, one id a line: that list may only shrink (an id in it that
passes fails the test)."""
import collections
import itertools
import json
import pathlib
import time

import pytest

from trino_session import Session, difference

FOLDER = pathlib.Path(__file__).parent
SCHEMA = '${S}'
numbers = itertools.count()


def scripts():
    found = collections.OrderedDict()
    for path in sorted((FOLDER / 'recorded').glob('*.jsonl')):
        for text in path.read_text().splitlines():
            line = json.loads(text)
            found.setdefault((path.stem, line['script']), []).append(line)
    return found


SCRIPTS = scripts()
EXPECTED_FAILURES = set((FOLDER / 'recorded.expected_failures').read_text().split())


def replay(url, lines):
    """{id: what differs or None}"""
    session_def = lines[0].get('session') or {}
    session = Session(url, session_def.get('catalog'), session_def.get('schema'))
    schema = None
    if session.schema == SCHEMA:
        schema = f'r{time.time_ns() % 10**9}_{next(numbers)}'
        session.schema = None
        made = session.run(f'CREATE SCHEMA {session.catalog}.{schema}')
        assert not made['error'], made['error']
        session.schema = schema
    result = {}
    for line in lines:
        for sql in line.get('setup') or []:
            session.run(sql.replace(SCHEMA, schema or SCHEMA))
        got = session.run(line['sql'].replace(SCHEMA, schema or SCHEMA))
        if schema:
            got = json.loads(json.dumps(got).replace(schema, SCHEMA))
        result[line['id']] = difference(line, got)
    if schema:
        Session(url, session_def.get('catalog')).run(f'DROP SCHEMA {session_def["catalog"]}.{schema} CASCADE')
    return result


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda s: f'{s[0]}-{s[1]}')
def test_script(platform, script):
    result = replay(platform['query']['url'], SCRIPTS[script])
    failed = {i: why for i, why in result.items() if why}
    unexpected = {i: why for i, why in failed.items() if i not in EXPECTED_FAILURES}
    assert not unexpected, '\n'.join(f'{i}: {why}' for i, why in unexpected.items())
    passes_now = sorted(i for i in result if i in EXPECTED_FAILURES and i not in failed)
    assert not passes_now, 'remove from recorded.expected_failures: ' + ' '.join(passes_now)
