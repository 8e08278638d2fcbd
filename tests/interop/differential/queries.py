"""Random queries on tpch.tiny whose answer is one multiset, in an order that is told."""

TABLES = {
    'nation': [('nationkey', 'n'), ('name', 't'), ('regionkey', 'n')],
    'region': [('regionkey', 'n'), ('name', 't')],
    'supplier': [('suppkey', 'n'), ('name', 't'), ('nationkey', 'n'), ('acctbal', 'd')],
    'customer': [('custkey', 'n'), ('nationkey', 'n'), ('mktsegment', 't'), ('acctbal', 'd')],
    'orders': [('orderkey', 'n'), ('custkey', 'n'), ('orderstatus', 't'), ('totalprice', 'd'), ('orderdate', 'date')],
}
KEYS = ['nationkey', 'regionkey', 'custkey']
JOINS = ['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN']


def condition(rng, alias, columns):
    name, kind = rng.choice(columns)
    column = f'{alias}.{name}'
    if kind == 'n':
        return rng.choice([f'{column} < {rng.randint(0, 50)}', f'{column} % {rng.randint(2, 5)} = 1', f'{column} BETWEEN {rng.randint(0, 5)} AND {rng.randint(3, 30)}',
                           f'{column} IN ({rng.randint(0, 9)}, {rng.randint(0, 9)}, NULL)', f'{column} NOT IN (1, 2)'])
    if kind == 't':
        return rng.choice([f"{column} LIKE '%A%'", f"{column} > 'F'", f'length({column}) > 6', f"{column} IS NOT DISTINCT FROM 'O'"])
    if kind == 'date':
        return f"{column} >= DATE '1995-0{rng.randint(1, 9)}-01'"
    return f'{column} > {rng.choice([0, 100, 5000])}'


def subquery(rng, alias, columns):
    name = next(c for c, kind in columns if kind == 'n')
    return rng.choice([f'{alias}.{name} IN (SELECT nationkey FROM nation WHERE regionkey = {rng.randint(0, 4)})',
                       f'EXISTS (SELECT 1 FROM region r WHERE r.regionkey = {alias}.{name})',
                       f'NOT EXISTS (SELECT 1 FROM nation n WHERE n.nationkey = {alias}.{name} AND n.regionkey < 3)',
                       f'{alias}.{name} > (SELECT avg(nationkey) FROM nation WHERE regionkey = 1)',
                       f'{alias}.{name} >= ALL (SELECT regionkey FROM region)'])


def from_clause(rng):
    a, b = rng.choice(list(TABLES)), rng.choice(list(TABLES))
    shared = [k for k in KEYS if any(c == k for c, _ in TABLES[a]) and any(c == k for c, _ in TABLES[b])]
    if a == 'orders' and b == 'orders' or not shared or rng.random() < 0.35:
        return f'{a} a', [('a', TABLES[a])]
    return f'{a} a {rng.choice(JOINS)} {b} b ON a.{shared[0]} = b.{shared[0]}', [('a', TABLES[a]), ('b', TABLES[b])]


def aggregates(rng, sources):
    out = ['count(*)']
    for alias, columns in sources:
        name, kind = rng.choice(columns)
        out.append(rng.choice(['min({})', 'max({})', 'count({})', 'count(DISTINCT {})']).format(f'{alias}.{name}'))
        if kind in ('n', 'd'):
            out.append(f'{"sum" if kind == "n" else "avg"}({alias}.{name})')
    return out


def random_query(rng):
    source, sources = from_clause(rng)
    alias, columns = rng.choice(sources)
    where = [condition(rng, *rng.choice(sources)) for _ in range(rng.randint(0, 2))]
    if rng.random() < 0.3:
        where.append(subquery(rng, alias, columns))
    where = f' WHERE {rng.choice([" AND ", " OR "]).join(where)}' if where else ''
    if rng.random() < 0.6:
        keys = [f'{a}.{rng.choice(c)[0]}' for a, c in sources][:rng.randint(1, 2)]
        chosen = aggregates(rng, sources)
        grouping = rng.choice([', '.join(keys), f'ROLLUP ({", ".join(keys)})', f'CUBE ({", ".join(keys)})', f'GROUPING SETS (({", ".join(keys)}), ())'])
        having = ' HAVING count(*) > 2' if rng.random() < 0.3 else ''
        width = len(keys) + len(chosen)
        return (f'SELECT {", ".join(keys + chosen)} FROM {source}{where} GROUP BY {grouping}{having} '
                f'ORDER BY {", ".join(map(str, range(1, width + 1)))} LIMIT 50')
    picked = [f'{a}.{c}' for a, cs in sources for c, _ in rng.sample(cs, min(2, len(cs)))]
    distinct = rng.choice(['', '', 'DISTINCT '])
    order = ', '.join(f'{n}{rng.choice(["", " DESC", " NULLS FIRST", " DESC NULLS LAST"])}' for n in range(1, len(picked) + 1))
    text = f'SELECT {distinct}{", ".join(picked)} FROM {source}{where}'
    if rng.random() < 0.2:
        text = f'{text} {rng.choice(["UNION", "EXCEPT", "INTERSECT", "UNION ALL", "EXCEPT ALL"])} {text}'
    return f'{text} ORDER BY {order} LIMIT 30'
