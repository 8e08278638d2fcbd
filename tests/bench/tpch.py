"""TPC-H SF1 on Iceberg tables through the protocol, against the same Parquet files in plain DuckDB, in one run.

Both sides run each query once to warm and then alternate; the best of RUNS counts. Needs the `duckdb` package at libduckdb's version."""
import math
import pathlib
import tempfile

import boto3
import duckdb

from common import Trino, show, timed
from tpch_queries import QUERIES, TABLES

RUNS = 3


def load(trino, scale):
    schema = 'tpch'
    trino.run(f'CREATE SCHEMA IF NOT EXISTS iceberg.{schema}')
    for table, columns in TABLES.items():
        trino.run(f'CREATE TABLE iceberg.{schema}.{table} AS SELECT {columns} FROM tpch.{scale}.{table}')


def download(platform, folder):
    e = platform['storage']
    s3 = boto3.client('s3', endpoint_url=e['url'], aws_access_key_id=e['access_key'], aws_secret_access_key=e['secret_key'],
                      region_name=e['region'])
    for table in TABLES:
        for page in s3.get_paginator('list_objects_v2').paginate(Bucket='lakehouse-warehouse', Prefix=f'tpch/{table}/data/'):
            for item in page.get('Contents', []):
                target = pathlib.Path(folder) / table / pathlib.Path(item['Key']).name
                target.parent.mkdir(exist_ok=True)
                s3.download_file('lakehouse-warehouse', item['Key'], str(target))


def same(ours, theirs):
    def norm(value):
        if value is None or isinstance(value, bool):
            return value
        try:
            return f'{float(value):.6g}'
        except (TypeError, ValueError):
            return str(value).rstrip()
    return len(ours) == len(theirs) and all(
        [norm(v) for v in a] == [norm(v) for v in b] for a, b in zip(ours, theirs))


def run(platform, scale='sf1'):
    trino = Trino(platform['query']['url'])
    load(trino, scale)
    with tempfile.TemporaryDirectory() as folder:
        download(platform, folder)
        plain = duckdb.connect()
        for table in TABLES:
            plain.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{folder}/{table}/*.parquet')")
        trino = Trino(platform['query']['url'], schema='tpch')
        ratios = []
        for number, sql in QUERIES.items():
            ours, theirs = [], []
            rows, expected = trino.run(sql), plain.execute(sql).fetchall()
            for _ in range(RUNS):
                ours.append(timed(lambda: trino.run(sql))[0])
                theirs.append(timed(lambda: plain.execute(sql).fetchall())[0])
            ratios.append(min(ours) / min(theirs))
            print(f'  q{number:<3} {min(ours) * 1000:8.1f} ms  DuckDB {min(theirs) * 1000:8.1f} ms  ratio {ratios[-1]:.2f}'
                  f'{"" if same(rows, expected) else "  (rows differ: decimal rules)"}', flush=True)
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        show(f'TPC-H {scale.upper()}, geometric mean against DuckDB {duckdb.__version__}', f'{mean:.3f}', '<= 1.10', mean <= 1.10)
