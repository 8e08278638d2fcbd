"""Loads the benchmarks' tables into our Iceberg catalog and gives the files for plain DuckDB, which both engines then read."""
import pathlib

import boto3

BUCKET = 'lakehouse-warehouse'


def download(platform, schema, tables, folder):
    """{table: [file]} of Iceberg tables, copied out of storage: DuckDB reads the very bytes that we do."""
    e = platform['storage']
    s3 = boto3.client('s3', endpoint_url=e['url'], aws_access_key_id=e['access_key'], aws_secret_access_key=e['secret_key'],
                      region_name=e['region'])
    out = {}
    for table in tables:
        for page in s3.get_paginator('list_objects_v2').paginate(Bucket=BUCKET, Prefix=f'{schema}/{table}/data/'):
            for item in page.get('Contents', []):
                target = pathlib.Path(folder) / schema / table / pathlib.Path(item['Key']).name
                target.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(BUCKET, item['Key'], str(target))
                out.setdefault(table, []).append(str(target))
    return out


def copy_schema(trino, source, target, select=None):
    """CREATE TABLE AS for every table of catalog.schema `source`; select(table, columns) gives another SELECT."""
    trino.run(f'CREATE SCHEMA IF NOT EXISTS {target}')
    tables = [row[0] for row in trino.run(f'SHOW TABLES FROM {source}')]
    for table in tables:
        columns = [row[0] for row in trino.run(f'SHOW COLUMNS FROM {source}.{table}')]
        query = select(table, columns, f'{source}.{table}') if select else f'SELECT * FROM {source}.{table}'
        trino.run(f'CREATE TABLE {target}.{table} AS {query}')
    return tables
