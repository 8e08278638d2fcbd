"""Many expressions in few statements, on any server that speaks Trino's protocol."""
import http.client
import json
import math
import re
import urllib.parse

CAPABILITIES = 'PARAMETRIC_DATETIME,NUMBER,VARIANT'
NUMBER_TOLERANCE = 1e-9
ANSWER_S = 120


class Gone(Exception):
    """A server that does not answer any more."""


class Server:
    def __init__(self, url):
        self.at = urllib.parse.urlsplit(url)
        self.statements = 0
        self.connect()

    def connect(self):
        self.connection = http.client.HTTPConnection(self.at.hostname, self.at.port, timeout=ANSWER_S)

    def exchange(self, method, path, body=None):
        headers = {'X-Trino-User': 'fuzz', 'X-Trino-Catalog': 'tpch', 'X-Trino-Schema': 'tiny', 'X-Trino-Time-Zone': 'America/New_York',
                   'X-Trino-Client-Capabilities': CAPABILITIES}
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        text = response.read()
        if response.status != 200:
            return {'error': {'errorName': f'HTTP {response.status}', 'message': text[:200].decode(errors='replace')}}
        return json.loads(text)

    def run(self, sql):
        """(types, rows, error)"""
        self.statements += 1
        try:
            return self.pages(sql)
        except TimeoutError:
            self.connect()
            return None, None, {'errorName': 'TIMEOUT', 'message': f'no answer in {ANSWER_S} s'}
        except (http.client.HTTPException, OSError) as e:
            self.connect()
            raise Gone(f'{self.at.netloc}: {e!r} at:\n{sql}') from e

    def is_ready(self):
        try:
            return self.exchange('GET', '/v1/info').get('starting') is False
        except (http.client.HTTPException, OSError):
            self.connect()
            return False

    def pages(self, sql):
        types, rows = None, []
        page = self.exchange('POST', '/v1/statement', sql.encode())
        while True:
            if page.get('error'):
                return None, None, page['error']
            if page.get('columns'):
                types = [c['type'] for c in page['columns']]
            rows += page.get('data') or []
            if not page.get('nextUri'):
                return types, rows, None
            uri = urllib.parse.urlsplit(page['nextUri'])
            page = self.exchange('GET', uri.path + ('?' + uri.query if uri.query else ''))

    def outcomes(self, expressions, source, first='id', alone=()):
        """For each expression (type, values by row) or an error. An error's line tells which expression it is about; where it has none,
        halves are tried. `alone`: places of those that are asked one by one, since they are likely to fail."""
        out = [None] * len(expressions)
        select = f'SELECT {first},\n'
        self.collect(expressions, [i for i in range(len(expressions)) if i not in alone], select, source, out)
        for i in alone:
            self.collect(expressions, [i], select, source, out)
        return out

    def collect(self, expressions, which, select, source, out):
        while which:
            # One line each: an error of the analysis names the line. The first column orders the rows.
            types, rows, error = self.run(select + ',\n'.join(expressions[i] for i in which) + f'\nFROM {source}')
            if not error:
                rows = sorted(rows, key=lambda r: r[0])
                for n, i in enumerate(which, 1):
                    out[i] = {'type': types[n], 'values': [row[n] for row in rows]}
                return
            line = (error.get('errorLocation') or {}).get('lineNumber', 0) - 2
            if len(which) == 1 or 0 <= line < len(which):
                n = 0 if len(which) == 1 else line
                out[which[n]] = {'error': error.get('errorName'), 'message': error.get('message', '')}
                which = which[:n] + which[n + 1:]
                continue
            middle = len(which) // 2
            self.collect(expressions, which[:middle], select, source, out)
            which = which[middle:]


def unordered(key):
    """A map that is a key of a map is shown as text, its entries in the order of Java's hash table: the letters are compared."""
    return ''.join(sorted(key)) if key.startswith('{') else key


def same_value(a, b):
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b or (a == b and type(a) is type(b))
    if isinstance(a, float) or isinstance(b, float):
        numbers = isinstance(a, (int, float)) and isinstance(b, (int, float))
        return numbers and (a == b or math.isclose(a, b, rel_tol=NUMBER_TOLERANCE, abs_tol=1e-300))
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, dict):
        if not isinstance(b, dict):
            return False
        a, b = ({unordered(k): v for k, v in x.items()} for x in (a, b))
        return a.keys() == b.keys() and all(same_value(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


def difference(ours, theirs):
    """What kind of difference there is, or None."""
    if 'error' in ours or 'error' in theirs:
        names = ours.get('error'), theirs.get('error')
        if names[0] == names[1]:
            return None
        return f'error {names[0]} instead of {names[1] or "a value"}'
    if ours['type'] != theirs['type']:
        return 'type'
    return None if all(map(same_value, ours['values'], theirs['values'])) else 'value'


def brief(outcome):
    if 'error' in outcome:
        return f'{outcome["error"]}: {outcome["message"]}'
    return f'{outcome["type"]} {json.dumps(outcome["values"], ensure_ascii=False)}'[:400]


class Explained:
    """Differences with reasons: lines "KIND-REGEX<tab>SQL-REGEX<tab>REASON"; # starts a comment."""

    def __init__(self, path):
        self.rules = []
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith('#'):
                kind, sql, reason = line.split('\t')
                self.rules.append((re.compile(kind), re.compile(sql, re.S), reason))

    def reason(self, kind, sql, ours, theirs):
        text = f'{kind} | {ours} | {theirs}'
        return next((reason for k, s, reason in self.rules if k.search(text) and s.search(sql)), None)
