"""Types as tuples: ('decimal', 10, 2), ('varchar', None), ('array', T), ('row', T, U), ('function', T, …, R)."""
import re

SIMPLE = ['boolean', 'tinyint', 'smallint', 'integer', 'bigint', 'real', 'double', 'varbinary', 'json', 'date', 'uuid', 'ipaddress',
          'interval day to second', 'interval year to month', 'number']
INTEGERS = ['tinyint', 'smallint', 'integer', 'bigint']


def show(t):
    name = t[0]
    if name == 'varchar' and t[1] is None:
        return 'varchar'
    if name in ('decimal', 'varchar', 'char'):
        return f'{name}({",".join(map(str, t[1:]))})'
    if name in ('time', 'timestamp'):
        return f'{name}({t[1]})'
    if name.endswith(' with time zone'):
        return f'{name.split()[0]}({t[1]}) with time zone'
    if name in ('array', 'map', 'row', 'qdigest'):
        return f'{name}({", ".join(map(show, t[1:]))})'
    return name


def is_orderable(t):
    return t[0] not in ('map', 'json', 'ipaddress') and all(is_orderable(x) for x in t[1:] if isinstance(x, tuple)) or t[0] == 'ipaddress'


def is_comparable(t):
    return t[0] != 'function' and all(is_comparable(x) for x in t[1:] if isinstance(x, tuple))


def random_type(rng, depth=2):
    """What users write is met more often than what they do not."""
    roll = rng.random()
    if depth > 0 and roll < 0.16:
        kind = rng.choice(['array', 'array', 'map', 'row'])
        if kind == 'array':
            return ('array', random_type(rng, depth - 1))
        if kind == 'map':
            return ('map', rng.choice([('varchar', None), ('bigint',), ('integer',)]), random_type(rng, depth - 1))
        return ('row', *(random_type(rng, depth - 1) for _ in range(rng.randint(1, 3))))
    if roll < 0.34:
        return (rng.choice(INTEGERS + ['bigint', 'integer']),)
    if roll < 0.46:
        return (rng.choice(['double', 'double', 'real']),)
    if roll < 0.58:
        return random_decimal(rng)
    if roll < 0.72:
        return ('varchar', rng.choice([None, None, 1, 3, 10, 20]))
    if roll < 0.75:
        return ('char', rng.choice([1, 3, 10]))
    if roll < 0.83:
        return (rng.choice(['timestamp', 'timestamp', 'time', 'timestamp with time zone', 'time with time zone']), rng.choice([0, 3, 3, 6, 9]))
    if roll < 0.90:
        return ('date',)
    return (rng.choice(['boolean', 'varbinary', 'json', 'uuid', 'interval day to second', 'interval year to month', 'boolean']),)


def random_decimal(rng):
    precision = rng.choice([1, 3, 5, 10, 17, 18, 19, 30, 38])
    return ('decimal', precision, rng.choice([0, 1, 2, precision // 2, precision]) if precision > 2 else 0)


def parse(text, bound, rng):
    """A type of a signature with its variables and numbers bound; unbound ones are drawn."""
    text = text.strip()
    match = re.fullmatch(r'(\w+)\((.*)\)(.*)', text)
    if text in bound:
        return bound[text]
    if not match:
        return {'varchar': ('varchar', None), 'decimal': ('decimal', 38, 0), 'codepoints': ('varchar', 2),
                'joniregexp': ('regexp',), 'jsonpath': ('jsonpath',)}.get(text, (text,))
    from signatures import split_top
    name, inner, rest = match.groups()
    parts = split_top(inner)
    if name in ('array', 'map', 'row', 'function', 'qdigest'):
        return (name, *(parse(p, bound, rng) for p in parts))
    if name == 'decimal':
        if not any(p in bound for p in parts):
            drawn = random_decimal(rng)
            for part, value in zip(parts, drawn[1:]):
                bound.setdefault(part, value)
        precision, scale = (bound[p] if p in bound else int(p) for p in parts)
        return ('decimal', precision, min(scale, precision))
    if name in ('varchar', 'char'):
        bound.setdefault(inner, rng.choice([None, None, 3, 10]) if name == 'varchar' else rng.choice([1, 3, 10]))
        return (name, int(inner) if inner.isdigit() else bound[inner] if name == 'varchar' or bound[inner] else 3)
    if not inner.isdigit():
        bound.setdefault(inner, rng.choice([0, 3, 3, 6, 6, 9]))
    return (name + rest, int(inner) if inner.isdigit() else bound[inner])
