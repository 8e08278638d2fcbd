"""A Trino client that keeps the whole session between statements, as recorded scripts need it."""
import json
import math
import urllib.parse

import requests

CAPABILITIES = 'PATH,PARAMETRIC_DATETIME,NUMBER,VARIANT,SESSION_AUTHORIZATION'


class Session:
    def __init__(self, url, catalog=None, schema=None, zone='UTC'):
        self.url, self.catalog, self.schema, self.zone = url, catalog, schema, zone
        self.properties, self.prepared, self.path, self.transaction = {}, {}, None, None
        self.http = requests.Session()

    def headers(self):
        def pairs(d):
            return ','.join(f'{urllib.parse.quote_plus(k)}={urllib.parse.quote_plus(v)}' for k, v in d.items())
        optional = {'X-Trino-Catalog': self.catalog, 'X-Trino-Schema': self.schema if self.catalog else None,
                    'X-Trino-Path': self.path, 'X-Trino-Session': pairs(self.properties),
                    'X-Trino-Prepared-Statement': pairs(self.prepared)}
        return {'X-Trino-User': 'test', 'X-Trino-Time-Zone': self.zone, 'X-Trino-Client-Capabilities': CAPABILITIES,
                'X-Trino-Transaction-Id': self.transaction or 'NONE', **{k: v for k, v in optional.items() if v}}

    def absorb(self, headers):
        for name, value in headers.items():
            name = name.lower().removeprefix('x-trino-')
            key, _, rest = value.partition('=')
            if name == 'set-catalog':
                self.catalog = value
            elif name == 'set-schema':
                self.schema = value
            elif name == 'set-path':
                self.path = value
            elif name == 'set-session':
                self.properties[urllib.parse.unquote_plus(key)] = urllib.parse.unquote_plus(rest)
            elif name == 'clear-session':
                self.properties.pop(value, None)
            elif name == 'added-prepare':
                self.prepared[urllib.parse.unquote_plus(key)] = urllib.parse.unquote_plus(rest)
            elif name == 'deallocated-prepare':
                self.prepared.pop(urllib.parse.unquote_plus(value), None)
            elif name == 'started-transaction-id':
                self.transaction = value
            elif name == 'clear-transaction-id':
                self.transaction = None

    def run(self, sql):
        """{'columns', 'rows', 'updateType', 'updateCount', 'error'}"""
        out = {'columns': None, 'rows': [], 'updateType': None, 'updateCount': None, 'error': None}
        response = self.http.post(self.url + '/v1/statement', sql.encode(), headers=self.headers(), timeout=120)
        while True:
            if response.status_code != 200:
                out['error'] = {'errorName': f'HTTP {response.status_code}', 'message': response.text[:300]}
                return out
            self.absorb(response.headers)
            page = json.loads(response.content)
            if page.get('columns'):
                out['columns'] = [{'name': c['name'], 'type': c['type']} for c in page['columns']]
            out['rows'] += page.get('data', [])
            for key in ('updateType', 'updateCount', 'error'):
                out[key] = page.get(key) if page.get(key) is not None else out[key]
            if 'nextUri' not in page:
                return out
            response = self.http.get(page['nextUri'], headers={'X-Trino-User': 'test'}, timeout=120)


def same_value(a, b):
    if isinstance(a, float) or isinstance(b, float):
        numbers = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (a, b))
        return numbers and (a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-300))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_value(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


def sort_key(value):
    """Floats that are nearly the same must sort alike."""
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return f'{value:.6g}'
    if isinstance(value, list):
        return '[' + ','.join(map(sort_key, value)) + ']'
    return json.dumps(value, sort_keys=True)


def difference(expected, got):
    """What differs, or None."""
    error, wanted = got['error'], expected.get('error')
    if wanted or error:
        names = (wanted or {}).get('name'), (error or {}).get('errorName')
        return None if names[0] == names[1] else f'error {names[1]}: {(error or {}).get("message")}; expected {names[0]}'
    columns = expected.get('columns') or []
    ours = got['columns'] or []
    if [c['type'] for c in columns] != [c['type'] for c in ours]:
        return f'types {[c["type"] for c in ours]}; expected {[c["type"] for c in columns]}'
    if any(c['name'] is not None and c['name'] != o['name'] for c, o in zip(columns, ours)):
        return f'names {[c["name"] for c in ours]}; expected {[c["name"] for c in columns]}'
    if 'updateType' in expected and (expected['updateType'], expected.get('updateCount')) != (got['updateType'], got['updateCount']):
        return f'update {got["updateType"]} {got["updateCount"]}; expected {expected["updateType"]} {expected.get("updateCount")}'
    if expected.get('approx'):
        return None
    rows, ours = expected.get('rows') or [], got['rows']
    if not expected.get('ordered'):
        rows, ours = sorted(rows, key=sort_key), sorted(ours, key=sort_key)
    if len(rows) == len(ours) and all(map(same_value, rows, ours)):
        return None
    return f'rows {json.dumps(ours)[:500]}; expected {json.dumps(rows)[:500]}'
