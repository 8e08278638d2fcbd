"""The scenarios of the guide, as a user runs them: `lakehouse sql`, `lakehouse import`, and what the bucket shows afterwards."""
import os
import pathlib
import re
import subprocess

import pytest
import requests


def statement(platform, sql):
    """All pages of a statement: rows and the last page (for its statistics)."""
    headers = {'X-Trino-User': 'e2e', 'X-Trino-Catalog': 'iceberg'}
    page = requests.post(platform['query']['url'] + '/v1/statement', headers=headers, data=sql).json()
    rows = page.get('data', [])
    while 'nextUri' in page:
        page = requests.get(page['nextUri'], headers=headers).json()
        rows += page.get('data', [])
    assert 'error' not in page, page['error']['message']
    return rows, page


def keys(s3, prefix):
    pages = s3.get_paginator('list_objects_v2').paginate(Bucket='lakehouse-warehouse', Prefix=prefix)
    return [item['Key'] for page in pages for item in page.get('Contents', [])]


@pytest.fixture(scope='module')
def orders(platform):
    platform.run('sql', '--execute', '''
        CREATE SCHEMA IF NOT EXISTS sales;
        CREATE TABLE sales.orders (order_id bigint, product varchar, amount decimal(10,2), order_date date)
        WITH (partitioning = ARRAY['order_date']);
        INSERT INTO sales.orders VALUES (1, 'pen', 1.20, DATE '2024-01-01'), (2, 'ink', 7.00, DATE '2024-01-02'),
        (3, 'pad', 3.00, DATE '2024-01-03')''')
    return platform


def test_the_buckets_tree(orders, s3):
    found = keys(s3, 'sales/orders/')
    for day in ('01', '02', '03'):
        assert [k for k in found if re.fullmatch(rf'sales/orders/data/order_date=2024-01-{day}/[^/]+\.parquet', k)], found
    assert [k for k in found if re.fullmatch(r'sales/orders/metadata/\d{5}-[0-9a-f-]{36}\.metadata\.json', k)]
    assert [k for k in found if re.fullmatch(r'sales/orders/metadata/snap-[^/]+\.avro', k)]


def test_one_file_is_read(orders):
    rows, last = statement(orders, "SELECT * FROM sales.orders WHERE order_date = DATE '2024-01-01'")
    assert rows == [[1, 'pen', '1.20', '2024-01-01']]
    assert last['stats']['completedSplits'] == 1


def test_type_mismatch_has_a_hint(orders):
    done = orders.run('sql', '--execute', "SELECT * FROM sales.orders WHERE order_date = '2024-01-01'", check=False)
    assert done.returncode == 1
    assert 'Cannot apply operator: date = varchar(10)' in done.stderr and "DATE '2024-01-01'" in done.stderr


def test_pruned_days_need_no_objects(platform, s3):
    """With the other days' objects gone the SELECT still answers; without the filter it names what is missing."""
    platform.run('sql', '--execute', '''
        CREATE SCHEMA IF NOT EXISTS sales;
        CREATE TABLE sales.gone (order_id bigint, order_date date) WITH (partitioning = ARRAY['order_date']);
        INSERT INTO sales.gone VALUES (1, DATE '2024-01-01'), (2, DATE '2024-01-02'), (3, DATE '2024-01-03')''')
    for key in keys(s3, 'sales/gone/data/'):
        if 'order_date=2024-01-01' not in key:
            s3.delete_object(Bucket='lakehouse-warehouse', Key=key)
    assert platform.sql("SELECT order_id FROM sales.gone WHERE order_date = DATE '2024-01-01'") == [['1']]
    done = platform.run('sql', '--execute', 'SELECT sum(order_id) FROM sales.gone', check=False)
    assert done.returncode == 1 and re.search(r'order_date=2024-01-0[23]/', done.stderr)


FLIGHTS = pathlib.Path(__file__).resolve().parents[2] / 'third_party' / 'demo' / 'flights-3m.parquet'


@pytest.fixture
def small_csv(tmp_path):
    path = tmp_path / 'cities.csv'
    path.write_text('id,Name,since,score\n1,Seoul,2020-01-02,1.5\n2,"Bu,san",2021-02-03,\n3,,2022-03-04,3.25\n')
    return path


def test_import_csv(platform, small_csv):
    done = platform.run('import', small_csv, '--table', 'load.cities')
    assert '3 rows' in done.stdout and 'iceberg.load.cities' in done.stdout
    assert platform.sql('SELECT id, name, since, score FROM load.cities ORDER BY id') == [
        ['1', 'Seoul', '2020-01-02', '1.5'], ['2', 'Bu,san', '2021-02-03', ''], ['3', '', '2022-03-04', '3.25']]
    platform.run('import', small_csv, '--table', 'load.cities')
    assert platform.sql('SELECT count(*) FROM load.cities') == [['6']]
    assert platform.sql("SELECT count(*) FROM \"load\".\"cities$snapshots\"") == [['2']]


def test_import_json_from_standard_input(platform, tmp_path):
    done = subprocess.run([platform_binary(), 'import', '-', '--format', 'json', '--table', 'load.events', '--server',
                           platform['query']['url']], input='{"a": 1, "b": "x"}\n{"a": 2, "b": null}\n', text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert platform.sql('SELECT a, b FROM load.events ORDER BY a') == [['1', 'x'], ['2', '']]


def platform_binary():
    from platform_fixture import LAKEHOUSE
    return LAKEHOUSE


def test_import_partitioned_parquet(platform, tmp_path, s3):
    import datetime
    import pyarrow
    import pyarrow.parquet
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=i) for i in range(100)]
    table = pyarrow.table({'day': days, 'n': list(range(100)), 'text': [f'row {i}' for i in range(100)]})
    pyarrow.parquet.write_table(table, tmp_path / 'days.parquet')
    platform.run('import', tmp_path / 'days.parquet', '--table', 'load.days', '--partitioned-by', 'month(day)')
    assert platform.sql("SELECT count(*), sum(n) FROM load.days WHERE day >= DATE '2024-02-01'") == [['69', str(sum(range(31, 100)))]]
    assert {re.search(r'day_month=[^/]+', k).group() for k in keys(s3, 'load/days/data/')} == {
        f'day_month=2024-{m:02d}' for m in (1, 2, 3, 4)}


@pytest.mark.parametrize('name,content,text', [
    ('x.parquet', b'this is no parquet file', 'x.parquet'),
    ('x.parquet', b'', 'x.parquet'),
    ('x.csv', b'PAR1' + b'\0' * 100 + b'PAR1', 'x.csv'),
    ('x.json', b'{"a": 1', 'x.json'),
    ('x.bin', b'\x00\x01\x02', 'x.bin'),
])
def test_import_of_something_else(platform, tmp_path, name, content, text):
    (tmp_path / name).write_bytes(content)
    done = platform.run('import', tmp_path / name, '--table', 'load.bad', check=False)
    assert done.returncode in (1, 2) and text in done.stderr and done.stderr.count('\n') == 1, done.stderr
    assert ['bad'] not in platform.sql('SHOW TABLES FROM iceberg.load')


def test_import_mistakes(platform, small_csv):
    for options, text in (([], '--table'), (['--table', 'x'], 'x'), (['--table', 'load.t', '--partitioned-by', 'month(nosuch)'], 'nosuch'),
                          (['--table', 'load.t', '--format', 'xml'], 'xml')):
        done = platform.run('import', small_csv, *options, check=False)
        assert done.returncode in (1, 2) and text in done.stderr, (options, done.stderr)
    done = platform.run('import', '/nonexistent.csv', '--table', 'load.t', check=False)
    assert done.returncode == 2 and '/nonexistent.csv' in done.stderr


def test_output_formats(platform):
    sql = "SELECT * FROM (VALUES (1, 'a,b'), (2, NULL)) t(n, s) ORDER BY n"
    def out(*options):
        return platform.run('sql', '--execute', sql, *options).stdout
    assert out('--output-format', 'CSV') == '"1","a,b"\n"2",\n'
    assert out('--output-format', 'CSV_HEADER') == '"n","s"\n"1","a,b"\n"2",\n'
    assert out('--output-format', 'TSV') == '1\ta,b\n2\t\n'
    assert out('--output-format', 'JSON') == '{"n":1,"s":"a,b"}\n{"n":2,"s":null}\n'
    assert out('--output-format', 'ALIGNED') == ' n |  s   \n---+------\n 1 | a,b  \n 2 | NULL \n(2 rows)\n'
    assert out('--output-format', 'MARKDOWN').splitlines()[2] == '| 1 | a,b  |'


def test_file_and_exit_codes(platform, tmp_path):
    script = tmp_path / 's.sql'
    script.write_text("-- a comment; with a semicolon\nSELECT 'x;y';\nSELECT 2;\n")
    assert platform.run('sql', '--file', script, '--output-format', 'CSV').stdout == '"x;y"\n"2"\n'
    script.write_text('SELECT 1; SELECT nosuch; SELECT 3;')
    done = platform.run('sql', '--file', script, '--output-format', 'CSV', check=False)
    assert done.returncode == 1 and done.stdout == '"1"\n' and 'nosuch' in done.stderr
    done = platform.run('sql', '--file', script, '--output-format', 'CSV', '--ignore-errors', check=False)
    assert done.stdout == '"1"\n"3"\n'
    assert platform.run('sql', '--execute', 'SELECT 1', '--output-format', 'XML', check=False).returncode == 2


def test_server_that_is_not_there(lakehouse_binary):
    done = subprocess.run([lakehouse_binary, 'sql', '--server', 'http://127.0.0.1:1', '--execute', 'SELECT 1'],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and '127.0.0.1:1' in done.stderr and done.stderr.count('\n') <= 2


def test_reader_that_leaves(platform):
    """`| head` ends the statement; nothing is complained about."""
    done = subprocess.run(f"{platform_binary()} sql --execute 'SELECT * FROM tpch.tiny.lineitem' --output-format CSV | head -1",
                          shell=True, capture_output=True, text=True, timeout=60,
                          env={**os.environ, 'LAKEHOUSE_SERVER': platform['query']['url']})
    assert done.stdout.count('\n') == 1 and done.stderr == ''


def test_control_characters_do_not_steer_the_terminal(platform):
    out = platform.run('sql', '--execute', "SELECT chr(27) || '[2J' AS x", '--output-format', 'ALIGNED').stdout
    assert '\x1b' not in out and '[2J' in out


def test_interactive_shell(platform):
    """A pseudo-terminal: multi-line input, Ctrl-C at the prompt, in a statement and in the pager, the shell words."""
    import pty
    import select
    import time
    master, slave = pty.openpty()
    env = {**os.environ, 'LAKEHOUSE_SERVER': platform['query']['url'], 'HOME': str(platform.data), 'TERM': 'dumb',
           'LAKEHOUSE_PAGER': 'cat; echo PAGER; sleep 2'}

    def own_terminal():
        import fcntl
        import termios
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    shell = subprocess.Popen([platform_binary(), 'sql'], stdin=slave, stdout=slave, stderr=slave, env=env, close_fds=True,
                             preexec_fn=own_terminal)
    os.close(slave)
    seen = b''

    def expect(text, seconds=20):
        nonlocal seen
        deadline = time.monotonic() + seconds
        while text not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([master], [], [], 0.2)[0]:
                seen += os.read(master, 65536)
        seen = seen[seen.index(text) + len(text):]

    expect(b'lakehouse> ')
    os.write(master, b'SELECT 40\n')
    expect(b'->')
    os.write(master, b'+ 2 AS answer;\n')
    expect(b'answer')
    expect(b'42')
    expect(b'(1 row)')
    expect(b'Time:')
    os.write(master, b'SELECT nonsense\n')
    expect(b'->')
    os.write(master, b'more of it\x03')
    expect(b'lakehouse> ')
    os.write(master, b'SELECT 5 AS five;\n')
    expect(b'five \r\n')
    expect(b'lakehouse> ')
    os.write(master, b"SELECT count(*) FROM tpch.tiny.lineitem a, tpch.tiny.lineitem b WHERE a.comment || b.comment LIKE '%zq%zq%';\n")
    time.sleep(1)
    os.write(master, b'\x03')
    expect(b'Query failed: Query was canceled')
    expect(b'lakehouse> ')
    os.write(master, b'SELECT name FROM tpch.tiny.nation;\n')
    expect(b'PAGER')
    os.write(master, b'\x03')
    expect(b'lakehouse> ')
    os.write(master, b'USE tpch.tiny;\n')
    expect(b'lakehouse:tiny> ')
    os.write(master, b'quit\n')
    assert shell.wait(10) == 0
    os.close(master)
