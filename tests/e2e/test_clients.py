"""Clients of the Trino protocol that others wrote: trino-python-client, trino-client for Node.js, and a bare follower of nextUri."""
import json
import pathlib
import shutil
import subprocess
import urllib.parse

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODE_CLIENT = '0.2.9'


def connect(platform, **options):
    import trino
    url = urllib.parse.urlsplit(platform['query']['url'])
    return trino.dbapi.connect(host=url.hostname, port=url.port, user='ann', catalog='iceberg', **options)


def fetch(platform, sql, parameters=None, **options):
    cursor = connect(platform, **options).cursor()
    cursor.execute(sql, parameters) if parameters is not None else cursor.execute(sql)
    return cursor.fetchall()


@pytest.fixture(scope='module')
def orders(platform):
    for sql in ("CREATE SCHEMA IF NOT EXISTS clients",
                "CREATE TABLE clients.orders (id bigint, product varchar, amount decimal(10,2), day date)",
                "INSERT INTO clients.orders VALUES (1, 'pen', 1.20, DATE '2024-01-01'), (2, 'ink', 7.00, DATE '2024-01-02')"):
        fetch(platform, sql)
    return 'clients.orders'


def test_python_types(platform):
    import datetime
    import decimal
    row = fetch(platform, "SELECT 1, 2.50, 'x', true, DATE '2024-02-29', 1e0, NULL, ARRAY[1, 2], "
                          "TIMESTAMP '2024-01-01 10:00:00.123'")[0]
    assert list(row) == [1, decimal.Decimal('2.50'), 'x', True, datetime.date(2024, 2, 29), 1.0, None, [1, 2],
                         datetime.datetime(2024, 1, 1, 10, 0, 0, 123000)]


def test_python_parameters(platform, orders):
    """Uses EXECUTE IMMEDIATE or PREPARE, EXECUTE, DEALLOCATE, as the client likes."""
    import datetime
    assert fetch(platform, f'SELECT id FROM {orders} WHERE id < ? AND day < ?', (9, datetime.date(2024, 1, 2))) == [[1]]
    assert fetch(platform, f'SELECT product FROM {orders} WHERE id = ?', (2,)) == [['ink']]
    assert fetch(platform, f'SELECT product FROM {orders} WHERE id = ?', (2,), legacy_prepared_statements=True) == [['ink']]


def test_python_error(platform):
    import trino
    with pytest.raises(trino.exceptions.TrinoUserError) as e:
        fetch(platform, 'SELECT nosuch FROM clients.nothing')
    assert e.value.error_name in ('TABLE_NOT_FOUND', 'SCHEMA_NOT_FOUND') and 'line 1:20' in e.value.message


def test_python_insert_reports_rows(platform, orders):
    cursor = connect(platform).cursor()
    cursor.execute(f"INSERT INTO {orders} VALUES (3, 'pad', 3.10, DATE '2024-01-03')")
    assert cursor.fetchall() == [[1]] and cursor.update_type == 'INSERT'


def test_python_large_result(platform):
    rows = fetch(platform, 'SELECT orderkey, comment FROM tpch.tiny.orders')
    assert len(rows) == 15000 and len({r[0] for r in rows}) == 15000


def test_python_session_property_is_kept(platform):
    connection = connect(platform)
    cursor = connection.cursor()
    cursor.execute("SET SESSION query_max_run_time = '10m'")
    cursor.fetchall()
    cursor = connection.cursor()
    cursor.execute("SHOW SESSION LIKE 'query_max_run_time'")
    assert cursor.fetchall()[0][1] == '10m'


def test_show_catalogs(platform):
    assert fetch(platform, 'SHOW CATALOGS') == [['iceberg'], ['system'], ['tpch']]


def test_bare_follower(platform):
    session = requests.Session()
    session.headers['X-Trino-User'] = 'bare'
    page = session.post(platform['query']['url'] + '/v1/statement', data='SELECT * FROM tpch.tiny.lineitem').json()
    columns, rows, pages = page.get('columns'), page.get('data', []), 1
    while 'nextUri' in page:
        page = session.get(page['nextUri']).json()
        columns = columns or page.get('columns')
        rows += page.get('data', [])
        pages += 1
    assert 'error' not in page and len(rows) == 60175 and len(columns) == 16 and pages > 2


def test_repeated_get_gives_the_same_answer(platform):
    session = requests.Session()
    session.headers['X-Trino-User'] = 'bare'
    page = session.post(platform['query']['url'] + '/v1/statement', data='SELECT * FROM tpch.tiny.lineitem').json()
    first, second = session.get(page['nextUri']).json(), session.get(page['nextUri']).json()
    assert first['data'] == second['data'] and first['nextUri'] == second['nextUri']
    page = session.get(first['nextUri']).json()
    assert session.get(second['nextUri'].rsplit('/', 1)[0] + '/0').status_code == 410
    assert session.delete(page['nextUri']).status_code == 204
    assert session.get(page['nextUri']).json()['error']['errorName'] == 'USER_CANCELED'


def test_posted_twice_writes_once(platform, orders):
    """What a retry after a lost reply does: the first statement is never started, since nobody follows it."""
    session = requests.Session()
    session.headers.update({'X-Trino-User': 'bare', 'X-Trino-Catalog': 'iceberg'})
    sql = f"INSERT INTO {orders} VALUES (99, 'twice', 1, DATE '2024-01-09')"
    session.post(platform['query']['url'] + '/v1/statement', data=sql)
    page = session.post(platform['query']['url'] + '/v1/statement', data=sql).json()
    while 'nextUri' in page:
        page = session.get(page['nextUri']).json()
    assert fetch(platform, f'SELECT count(*) FROM {orders} WHERE id = 99') == [[1]]


@pytest.mark.parametrize('headers,body,status,text', [
    ({}, 'SELECT 1', 401, 'X-Trino-User must be sent'),
    ({'X-Trino-User': 'a'}, '', 400, 'SQL statement is empty'),
    ({'X-Trino-User': 'a', 'X-Trino-Schema': 's'}, 'SELECT 1', 400, 'Schema is set but catalog is not'),
    ({'X-Trino-User': 'a', 'X-Trino-Session': 'x'}, 'SELECT 1', 400, 'Invalid X-Trino-Session header'),
])
def test_refused_requests(platform, headers, body, status, text):
    r = requests.post(platform['query']['url'] + '/v1/statement', headers=headers, data=body)
    assert r.status_code == status and text in r.text


def test_select_one_is_one_round_trip(platform):
    r = requests.post(platform['query']['url'] + '/v1/statement', headers={'X-Trino-User': 'a'}, data='SELECT 1').json()
    assert r['data'] == [[1]] and 'nextUri' not in r and r['stats']['state'] == 'FINISHED'


def test_info(platform):
    info = requests.get(platform['query']['url'] + '/v1/info').json()
    assert info['nodeVersion'] == {'version': '483'} and info['coordinator'] is True and info['starting'] is False


@pytest.fixture(scope='module')
def node_client(tmp_path_factory):
    if not shutil.which('npm') or not shutil.which('node'):
        pytest.skip('node and npm are not installed')
    folder = ROOT / '.cache' / f'trino-client-{NODE_CLIENT}'
    if not (folder / 'node_modules' / 'trino-client').exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(['npm', 'install', '--silent', '--no-audit', '--no-fund', '--prefix', str(folder),
                        f'trino-client@{NODE_CLIENT}'], check=True, timeout=300)
    return folder


NODE_SCRIPT = '''
const {Trino, BasicAuth} = require('trino-client');
(async () => {
  const client = Trino.create({server: process.argv[2], catalog: 'iceberg', schema: 'clients', auth: new BasicAuth('node')});
  const out = [];
  for (const sql of JSON.parse(process.argv[3])) {
    const rows = [];
    let error = null;
    for await (const r of await client.query(sql)) {
      if (r.error) error = r.error.errorName;
      if (r.data) rows.push(...r.data);
    }
    out.push(error || rows);
  }
  console.log(JSON.stringify(out));
})();
'''


def test_node_client(platform, orders, node_client):
    (node_client / 'run.js').write_text(NODE_SCRIPT)
    statements = [f'SELECT count(*) FROM {orders} WHERE id IN (1, 2)', 'SELECT count(*) FROM tpch.tiny.lineitem', 'SELECT nosuch',
                  f'CREATE TABLE {orders}_node (a bigint)', f'INSERT INTO {orders}_node VALUES (7)', f'SELECT a FROM {orders}_node']
    done = subprocess.run(['node', str(node_client / 'run.js'), platform['query']['url'], json.dumps(statements)],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[[2]], [[60175]], 'COLUMN_NOT_FOUND', [], [[1]], [[7]]]
