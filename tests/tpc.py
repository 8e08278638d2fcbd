"""The 22 queries of TPC-H and the 99 of TPC-DS in Trino's dialect, and plain DuckDB on the same files to compare with.

The texts are those that DuckDB's extensions carry (the specifications' templates with the standard substitution values). They are
nearly Trino's SQL already; what is not is rewritten here, by rules and not by query."""
import math
import pathlib
import re

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXTENSIONS = ROOT / 'third_party' / 'duckdb' / 'extensions'
DIALECT = [
    # GROUPING() in ORDER BY would name output columns, which Trino refuses; the specification's text has the output column itself.
    (r'WHEN grouping\(\w+\) *\+ *grouping\(\w+\) = 0', 'WHEN lochierarchy = 0'),
    (r'GROUP BY\s+supplier_no', 'GROUP BY l_suppkey'),                  # an output column is no name there
    (r"(?<!date )'(\d{4}-\d\d?-\d\d?)'", r"DATE '\1'"),               # Trino compares no date with text
    (r'(d\d?\.d_date) *\+ *(\d+)', r"\1 + INTERVAL '\2' DAY"),         # and adds no integer to a date
]
# TPC-H's names of columns, on tables whose columns are named as Trino's tpch connector does by default.
TPCH_PREFIX = {'customer': 'c', 'lineitem': 'l', 'nation': 'n', 'orders': 'o', 'part': 'p', 'partsupp': 'ps', 'region': 'r', 'supplier': 's'}


def connect(*extensions):
    connection = duckdb.connect(config={'threads': 2})
    for name in extensions:
        connection.execute(f"LOAD '{EXTENSIONS / name}.duckdb_extension'")
    return connection


def texts(benchmark):
    """{number: text} of 'tpch' or 'tpcds'."""
    out = {}
    for number, sql in connect(benchmark).execute(f'SELECT * FROM {benchmark}_queries()').fetchall():
        sql = sql.strip().rstrip(';')
        for pattern, replacement in DIALECT:
            sql = re.sub(pattern, replacement, sql, flags=re.I)
        out[number] = sql
    return out


def files_of(data, benchmark, schema):
    """{table: files} of a generated schema of a running platform, which must have been read once."""
    out = {}
    for folder in pathlib.Path(data).glob(f'query/cache/*/{benchmark}-{schema}'):
        for path in sorted(folder.glob('*.parquet')):
            out.setdefault(path.stem.rsplit('-', 1)[0], []).append(str(path))
    return out


def plain_duckdb(files):
    connection = connect()
    for table, paths in files.items():
        connection.execute(f'CREATE VIEW {table} AS SELECT * FROM read_parquet({paths!r}, hive_partitioning=false)')
    return connection


def norm(value):
    if value is None or isinstance(value, bool):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return re.sub(r'(:\d\d)\.0+$', r'\1', str(value).rstrip())      # times with all or none of their zeros


def near(a, b, tolerance):
    a, b = norm(a), norm(b)
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=tolerance) or (math.isnan(a) and math.isnan(b))
    return a == b


def sort_key(row):
    return [(0, '') if (v := norm(x)) is None else (1, f'{v:.3g}') if isinstance(v, float) else (2, v) for x in row]


def difference(ours, theirs, tolerance=0.0051):
    """None, or what differs; rows that tie in ORDER BY may change places. The default tolerance is for plain DuckDB, whose avg of decimals
    is a double where Trino's keeps their scale."""
    if len(ours) != len(theirs):
        return f'{len(ours)} rows instead of {len(theirs)}'
    for how in (lambda rows: rows, lambda rows: sorted(rows, key=sort_key)):
        wrong = [(a, b) for a, b in zip(how(ours), how(theirs)) if len(a) != len(b) or not all(near(x, y, tolerance) for x, y in zip(a, b))]
        if not wrong:
            return None
    return f'{len(wrong)} of {len(ours)} rows, first {wrong[0][0]} instead of {wrong[0][1]}'


def tpch_select(columns, table, source):
    """SELECT that gives TPC-H's names to a table of Trino's tpch connector."""
    prefix = TPCH_PREFIX[table]
    return f'SELECT {", ".join(f"{c} AS {prefix}_{c}" for c in columns)} FROM {source}'
