"""Random well-typed expressions and queries, the same for the same seed.

A Node is SQL with places for its children, so that the shrinker can put a child or a literal in a node's place."""
import re
from dataclasses import dataclass, field

import signatures
from typing_model import INTEGERS, is_comparable, is_orderable, parse, random_decimal, random_type, show

SKETCHES = r'digest|hyperloglog|classifier|regressor|geometry|color'     # values that only their own functions make
WORDS = ['', 'a', 'abc', ' ab ', 'Hello World', 'x,y,z', '2020-01-31', '12', '-7.50', 'true', 'NaN', 'été', '日本', '😀x', 'A%b_', 'a.b.c', '[1,2]',
         '{"a": 1, "b": [true, null]}', 'https://example.com:8080/p?q=1#f', '0001-01-01 00:00:00', 'null', '00ff', 'ZZ', 'aaa', 'banana']
PATTERNS = ['a+', '[a-z]+', '(\\w)(\\w)', '^\\s*', 'b|n', '\\d{2}', '(?i)HELLO', '.*?x', ',']
PATHS = ['$', '$.a', '$.b[0]', '$[1]', '$.b[*]', '$["a"]']
JSONS = ['null', '1', '"x"', 'true', '[1, 2, null]', '{"a": 1, "b": [true, null]}', '1.50', '{}', '[]', '"2020-01-01"']
DATES = ['2020-02-29', '1970-01-01', '1999-12-31', '2024-03-10', '0001-01-01', '1582-10-15', '9999-12-31', '1969-12-31', '2012-10-28']
TIMES = ['00:00:00', '23:59:59', '12:34:56', '03:04:05']
FRACTION = '123456789012'
ZONES = ['UTC', 'America/New_York', 'Asia/Kathmandu', '+05:30', '-08:00', 'Europe/Berlin']
INTEGER_VALUES = {'tinyint': [0, 1, -1, 127, -128, 5], 'smallint': [0, 1, -1, 32767, -32768, 100], 'integer': [0, 1, -1, 2, 3, 7, 2147483647, -2147483648, 1000],
                  'bigint': [0, 1, -1, 2, 3, 10, 64, 9223372036854775807, -9223372036854775807, 1000000007, 86400000]}
DOUBLES = ['0E0', '1E0', '-1E0', '0.5E0', '-2.5E0', '3.141592653589793E0', '1E10', '1.7976931348623157E308', '4.9E-324', '1E-7', 'nan()', 'infinity()', '-infinity()',
           '-0E0', '123456.789E0', '100E0']
NUMBERS = [*INTEGERS, 'real', 'double', 'decimal', 'varchar', 'boolean', 'json']
ANY_TEMPORAL = ['timestamp', 'timestamp with time zone']
CASTS = {
    **{name: NUMBERS for name in [*INTEGERS, 'real', 'double', 'decimal', 'boolean']},
    'varchar': [*NUMBERS, 'char', 'date', 'time', 'time with time zone', *ANY_TEMPORAL, 'uuid', 'ipaddress', 'interval day to second', 'interval year to month'],
    'char': ['varchar', 'char'], 'varbinary': ['uuid', 'ipaddress', 'varchar'], 'json': [*NUMBERS, 'date', 'timestamp'], 'uuid': ['varchar', 'varbinary'],
    'date': ['varchar', *ANY_TEMPORAL], 'time': ['varchar', 'time', 'time with time zone', *ANY_TEMPORAL],
    'time with time zone': ['time', 'time with time zone', *ANY_TEMPORAL], 'timestamp': ['varchar', 'date', 'time', *ANY_TEMPORAL],
    'timestamp with time zone': ['varchar', 'date', 'time', *ANY_TEMPORAL], 'ipaddress': ['varchar', 'varbinary'],
    'array': ['array', 'json'], 'map': ['map', 'json'], 'row': ['row', 'json'],
}
OPERATORS = ['+', '-', '*', '/', '%']
COMPARISONS = ['=', '<>', '<', '<=', '>', '>=', 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM']


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


# Arguments that are words of a language of their own: function -> place -> SQL
UNITS = {0: [quoted(u) for u in ('year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond')]}
CONSTANTS = {
    'date_add': UNITS, 'date_diff': UNITS, 'date_trunc': UNITS, 'normalize': {1: ['NFC', 'NFD', 'NFKC']}, 'listagg': {1: ["','"]},
    'date_format': {1: ["'%Y-%m-%d %H:%i:%s'", "'%W %M %e %j'", "'%y%c%h%p%f'"]}, 'date_parse': {1: ["'%Y-%m-%d'", "'%H:%i'"]},
    'format_datetime': {1: ["'yyyy-MM-dd HH:mm:ss'", "'EEE, d MMM'", "'ZZ'"]}, 'parse_datetime': {1: ["'yyyy-MM-dd'"]}, 'to_char': {1: ["'yyyy-mm-dd'"]},
    'at_timezone': {1: [quoted(z) for z in ZONES]}, 'with_timezone': {1: [quoted(z) for z in ZONES]}, 'from_base': {1: ['16', '2']}, 'to_base': {1: ['16', '36']},
    'repeat': {1: ['2', '0']}, 'sequence': {2: ['2', '-1']}, 'lpad': {1: ['5', '1']}, 'rpad': {1: ['5', '0']}, 'from_unixtime': {1: ["'Asia/Kathmandu'"]},
    'bit_count': {1: ['64', '8']}, 'bar': {1: ['10', '0']}, 'format': {0: ["'%s|%s|%s'", "'%s'"]},
}


@dataclass
class Node:
    type: tuple                 # None: only the servers know
    text: str                   # with {0}, {1}, …: the children
    children: list = field(default_factory=list)
    label: str = 'literal'      # what a difference is filed under

    def sql(self):
        if not self.children:
            return self.text
        return re.sub(r'\{(\d)\}', lambda m: self.children[int(m.group(1))].sql(), self.text)

    def labels(self):
        yield self.label
        for child in self.children:
            yield from child.labels()


def temporal_text(rng, precision):
    return rng.choice(TIMES) + ('.' + FRACTION[:precision] if precision and rng.random() < 0.6 else '.' + '0' * precision if precision else '')


class Generator:
    def __init__(self, rng, columns=()):
        self.rng, self.columns = rng, list(columns)     # columns: (name, type)
        self.all = [s for s in signatures.load() if not any(re.search(SKETCHES, a) for a in s.arguments)]
        self.scalars = [s for s in self.all if s.kind == 'SCALAR']
        self.by_result = {}
        for s in self.scalars:
            self.by_result.setdefault(s.result.split('(')[0] if s.result not in s.variables else '*', []).append(s)
        self.by_name = {}
        for s in self.scalars:
            self.by_name.setdefault(s.name, []).append(s)

    # ---- leaves ----

    def literal(self, t):
        rng, name = self.rng, t[0]
        if rng.random() < 0.05 and name not in ('regexp', 'jsonpath'):
            return Node(t, f'CAST(NULL AS {show(t)})')
        if name in INTEGER_VALUES:
            value = rng.choice(INTEGER_VALUES[name])
            return Node(t, str(value) if name == 'integer' and value >= 0 else f"{name.upper()} '{value}'")
        if name == 'double':
            return Node(t, rng.choice(DOUBLES))
        if name == 'real':
            return Node(t, f"CAST({rng.choice(DOUBLES)} AS real)")
        if name == 'decimal':
            return Node(t, f"CAST({self.decimal_text(t)} AS {show(t)})")
        if name == 'number':
            return Node(t, f"NUMBER '{self.decimal_text(('decimal', 20, 5)).split(chr(39))[1]}'")
        if name in ('varchar', 'char'):
            word = rng.choice(WORDS)
            return Node(t, quoted(word) if name == 'varchar' and t[1] is None and rng.random() < 0.5 else f'CAST({quoted(word)} AS {show(t)})')
        return Node(t, self.other_literal(t))

    def decimal_text(self, t):
        digits = ''.join(self.rng.choice('0123456789') for _ in range(self.rng.choice([1, t[1], max(1, t[1] - 1)])))
        digits = digits.zfill(t[2] + 1)[-max(t[1], t[2]):].zfill(t[2] + 1) if t[2] else digits[:t[1]]
        whole = digits[:len(digits) - t[2]] or '0'
        if len(whole.lstrip('0')) > t[1] - t[2]:
            whole = '0'
        return f"DECIMAL '{self.rng.choice(['', '-'])}{whole}{'.' + digits[len(digits) - t[2]:] if t[2] else ''}'"

    def other_literal(self, t):
        rng, name = self.rng, t[0]
        date = rng.choice(DATES)
        if name == 'boolean':
            return rng.choice(['true', 'false'])
        if name == 'varbinary':
            return rng.choice(["X''", "X'00ff'", "to_utf8('abc')", "X'616263'", "from_base64('aGVsbG8=')"])
        if name == 'json':
            return 'JSON ' + quoted(rng.choice(JSONS))
        if name == 'date':
            return f"DATE '{date}'"
        if name in ('time', 'timestamp', 'time with time zone', 'timestamp with time zone'):
            text = temporal_text(rng, t[1])
            if name.startswith('timestamp'):
                text = f'{date} {text}'
            if name.endswith('zone'):
                text += rng.choice(['+05:30', '-08:00', '+00:00']) if name.startswith('time ') else ' ' + rng.choice(ZONES)
            return f"CAST({name.split()[0].upper()} '{text}' AS {show(t)})"
        if name == 'interval day to second':
            return rng.choice(["INTERVAL '1' DAY", "INTERVAL '-36' HOUR", "INTERVAL '90' SECOND", "INTERVAL '1 02:03:04.567' DAY TO SECOND", "INTERVAL '0' DAY"])
        if name == 'interval year to month':
            return rng.choice(["INTERVAL '1' YEAR", "INTERVAL '-7' MONTH", "INTERVAL '1-3' YEAR TO MONTH"])
        if name == 'uuid':
            return rng.choice(["UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'", "UUID '00000000-0000-0000-0000-000000000000'"])
        if name == 'ipaddress':
            return rng.choice(["IPADDRESS '10.0.0.1'", "IPADDRESS '2001:db8::1'"])
        if name == 'regexp':
            return quoted(rng.choice(PATTERNS))
        if name == 'jsonpath':
            return quoted(rng.choice(PATHS))
        return self.nested_literal(t)

    def nested_literal(self, t):
        rng, name = self.rng, t[0]
        if name == 'array':
            items = [self.literal(t[1]).sql() for _ in range(rng.choice([0, 1, 2, 3]))]
            return f'CAST(ARRAY[{", ".join(items)}] AS {show(t)})'
        if name == 'map':
            pairs = {self.literal(t[1]).sql(): self.literal(t[2]).sql() for _ in range(rng.choice([0, 1, 2]))}
            pairs = {k: v for k, v in pairs.items() if 'NULL' not in k and 'nan' not in k}
            return f'CAST(MAP(ARRAY[{", ".join(pairs)}], ARRAY[{", ".join(pairs.values())}]) AS {show(t)})'
        if name == 'row':
            return f'CAST(ROW({", ".join(self.literal(x).sql() for x in t[1:])}) AS {show(t)})'
        return f'CAST(NULL AS {show(t)})'

    def leaf(self, t, scope):
        fitting = [c for c in [*self.columns, *scope] if c[1] == t]
        if fitting and self.rng.random() < 0.6:
            return Node(t, self.rng.choice(fitting)[0], label='column')
        return self.literal(t)

    # ---- typed expressions ----

    def expression(self, t, depth, scope=()):
        """An expression whose type coerces to t; mostly exactly t."""
        rng = self.rng
        if t[0] == 'function':
            return self.lambda_of(t, depth, scope)
        if depth <= 0 or t[0] in ('regexp', 'jsonpath', 'number'):
            return self.leaf(t, scope)
        roll = rng.random()
        if roll < 0.30:
            return self.leaf(t, scope)
        if roll < 0.42:
            return self.conditional(t, depth - 1, scope)
        if roll < 0.52:
            return self.cast_to(t, depth - 1, scope)
        if roll < 0.70 and (made := self.operator(t, depth - 1, scope)):
            return made
        return self.function_to(t, depth - 1, scope) or self.leaf(t, scope)

    def lambda_of(self, t, depth, scope):
        names = [f'x{len(scope) + i}' for i in range(len(t) - 2)]
        inner = [*scope, *zip(names, t[1:-1])]
        head = names[0] if len(names) == 1 else f'({", ".join(names)})'
        return Node(t, head + ' -> {0}', [self.expression(t[-1], depth - 1, inner)], 'lambda')

    def conditional(self, t, depth, scope):
        e, b = (lambda: self.expression(t, depth, scope)), (lambda: self.expression(('boolean',), depth, scope))
        kind = self.rng.choice(['if', 'case', 'coalesce', 'nullif', 'try'])
        if kind == 'if':
            return Node(t, 'if({0}, {1}, {2})', [b(), e(), e()], 'if')
        if kind == 'case':
            return Node(t, 'CASE WHEN {0} THEN {1} WHEN {2} THEN {3} END', [b(), e(), b(), e()], 'case')
        if kind == 'coalesce':
            return Node(t, 'coalesce({0}, {1})', [e(), e()], 'coalesce')
        if kind == 'nullif' and is_comparable(t):
            return Node(t, 'nullif({0}, {1})', [e(), e()], 'nullif')
        return Node(t, 'try({0})', [e()], 'try')

    def cast_to(self, t, depth, scope):
        sources = CASTS.get(t[0], [])
        source = self.drawn(self.rng.choice(sources), t) if sources and self.rng.random() < 0.97 else random_type(self.rng, 1)
        return Node(t, self.rng.choice(['CAST', 'TRY_CAST']) + '({0} AS ' + show(t) + ')', [self.expression(source, depth, scope)],
                    f'cast {source[0]} to {t[0]}')

    def drawn(self, name, t):
        """A type of this name; nested ones are the target's own."""
        if name == 'decimal':
            return random_decimal(self.rng)
        if name in ('varchar', 'char'):
            return (name, self.rng.choice([None, 5, 20]) or (None if name == 'varchar' else 10))
        if name in ('timestamp', 'time', 'timestamp with time zone', 'time with time zone'):
            return (name, self.rng.choice([0, 3, 6, 9]))
        return t if name in ('array', 'map', 'row') else (name,)

    def operator(self, t, depth, scope):
        rng = self.rng
        e = (lambda x: self.expression(x, depth, scope))
        if t[0] == 'boolean':
            return self.predicate(depth, scope)
        if t[0] in INTEGERS or t[0] in ('double', 'real'):
            op = rng.choice(OPERATORS + ['neg'])
            return Node(t, '(- {0})', [e(t)], 'negation') if op == 'neg' else Node(t, f'({{0}} {op} {{1}})', [e(t), e(t)], f'{t[0]} {op}')
        if t[0] == 'decimal':
            return Node(None, f'({{0}} {(op := rng.choice(OPERATORS))} {{1}})', [e(t), e(random_decimal(rng))], f'decimal {op}')
        if t[0] in ('varchar', 'array'):
            return Node(t, '({0} || {1})', [e(t), e(t)], f'{t[0]} ||')
        if t[0] in ('date', 'timestamp', 'timestamp with time zone'):
            unit = 'interval year to month' if t[0] == 'date' else rng.choice(['interval day to second', 'interval year to month'])
            return Node(t, f'({{0}} {rng.choice("+-")} {{1}})', [e(t), e((unit,))], f'{t[0]} +- {unit}')
        return None

    def predicate(self, depth, scope):
        rng = self.rng
        t = random_type(rng, 1)
        e = (lambda x=t: self.expression(x, depth, scope))
        kind = rng.choice(['compare', 'compare', 'logic', 'not', 'null', 'between', 'in', 'like'])
        if kind == 'compare' and is_orderable(t):
            return Node(('boolean',), f'({{0}} {(op := rng.choice(COMPARISONS))} {{1}})', [e(), e()], f'{t[0]} {op}')
        if kind == 'logic':
            return Node(('boolean',), f'({{0}} {(op := rng.choice(["AND", "OR"]))} {{1}})', [e(('boolean',)), e(('boolean',))], op.lower())
        if kind == 'not':
            return Node(('boolean',), '(NOT {0})', [e(('boolean',))], 'not')
        if kind == 'between' and is_orderable(t):
            return Node(('boolean',), '({0} BETWEEN {1} AND {2})', [e(), e(), e()], f'{t[0]} between')
        if kind == 'in' and is_comparable(t):
            return Node(('boolean',), '({0} IN ({1}, {2}))', [e(), e(), e()], f'{t[0]} in')
        if kind == 'like':
            return Node(('boolean',), "({0} LIKE '" + rng.choice(['a%', '%b_', '_', '%', 'x,y%']) + "')", [e(('varchar', None))], 'like')
        return Node(('boolean',), '({0} IS NULL)', [e()], 'is null')

    # ---- calls ----

    def function_to(self, t, depth, scope):
        candidates = self.by_result.get(t[0], []) + self.by_result.get('*', [])
        for _ in range(4):
            if not candidates:
                return None
            s = self.rng.choice(candidates)
            bound = {s.result: t} if s.result in s.variables else {}
            if s.result not in s.variables and not self.fits(s.result, t):
                continue
            return self.call(s, bound, depth, scope, t)
        return None

    @staticmethod
    def fits(result, t):
        if t[0] in ('array', 'map', 'row', 'decimal'):
            return False            # what its parameters are is up to the arguments
        return '(' not in result or t[0] in ('varchar', 'char', 'timestamp', 'time')

    def call(self, s, bound, depth, scope, t=None):
        bound = dict(bound)
        for name, constraint in s.variables.items():
            while name not in bound or (constraint == 'orderable' and not is_orderable(bound[name])):
                bound[name] = random_type(self.rng, 1)
        arguments = [parse(a, bound, self.rng) for a in s.arguments]
        if s.is_variadic:
            arguments += [arguments[-1]] * self.rng.choice([1, 2])
        children = [self.expression(a, depth, scope) for a in arguments]
        for place in CONSTANTS.get(s.name, {}):
            if place < len(children):
                children[place] = Node(arguments[place], self.rng.choice(CONSTANTS[s.name][place]))
        text = f'{s.name}({", ".join(f"{{{i}}}" for i in range(len(children)))})'
        return Node(t, text, children, s.name)

    def any_call(self, depth):
        """Every function equally often, however many signatures it has."""
        name = self.rng.choice(sorted(self.by_name))
        return self.call(self.rng.choice(self.by_name[name]), {}, depth, ())

    def top(self):
        return self.any_call(1) if self.rng.random() < 0.6 else self.expression(random_type(self.rng), 3)

    def aggregate(self):
        """An aggregate over the columns; those that depend on order get one."""
        names = sorted({s.name for s in self.all if s.kind == 'AGGREGATE'})
        name = self.rng.choice(names)
        node = self.call(self.rng.choice([s for s in self.all if s.kind == 'AGGREGATE' and s.name == name]), {}, 1, ())
        node.text = node.text[:-1] + (' ORDER BY id)' if name in ('array_agg', 'map_agg', 'multimap_agg', 'listagg') else ')')
        if self.rng.random() < 0.2:
            node.text += ' FILTER (WHERE id > 1)'
        return node

    def window(self):
        s = self.rng.choice([s for s in self.all if s.kind == 'WINDOW'] +
                            [s for s in self.all if s.kind == 'AGGREGATE' and s.name in ('sum', 'avg', 'min', 'max', 'count', 'bool_and')])
        node = self.call(s, {}, 1, ())
        frame = self.rng.choice(['', '', ' ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING', ' RANGE UNBOUNDED PRECEDING', ' GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW'])
        node.text += f' OVER ({self.rng.choice(["", "PARTITION BY c_boolean "])}ORDER BY id{"" if s.kind == "WINDOW" and s.name not in ("first_value", "last_value", "nth_value") else frame})'
        return node
