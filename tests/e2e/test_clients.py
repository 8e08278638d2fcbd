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
    assert fetch(platform, 'SHOW CATALOGS') == [['iceberg'], ['system'], ['tpcds'], ['tpch']]


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
    while 'data' not in (first := session.get(page['nextUri']).json()):
        page = first        # no rows yet
    second = session.get(page['nextUri']).json()
    assert first['data'] == second['data'] and first['nextUri'] == second['nextUri']
    page = session.get(first['nextUri']).json()
    assert session.get(second['nextUri'].rsplit('/', 1)[0] + '/0').status_code == 410
    assert session.delete(page['nextUri']).status_code == 204
    while 'nextUri' in (page := session.get(page['nextUri']).json()):
        pass        # the worker has not seen it yet
    assert page['error']['errorName'] == 'USER_CANCELED'


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


def run_statement(platform, sql, **headers):
    """Rows, the last page, and the X-Trino-* headers of all answers."""
    session = requests.Session()
    session.headers.update({'X-Trino-User': 'bare', 'X-Trino-Catalog': 'iceberg', **headers})
    answer = session.post(platform['query']['url'] + '/v1/statement', data=sql)
    rows, told = answer.json().get('data', []), dict(answer.headers)
    while 'nextUri' in answer.json():
        answer = session.get(answer.json()['nextUri'])
        rows += answer.json().get('data', [])
        told.update(answer.headers)
    return rows, answer.json(), {k: v for k, v in told.items() if k.startswith('X-Trino-')}


@pytest.mark.parametrize('sql,prepared,text', [
    ("EXECUTE IMMEDIATE 'DESCRIBE INPUT x'", '', 'Prepared statement not found: x'),
    ("EXECUTE IMMEDIATE 'EXECUTE x'", '', 'Prepared statement not found: x'),
    ('EXPLAIN EXECUTE x', '', 'Prepared statement not found: x'),
    ('EXECUTE x', 'x=EXECUTE+x', 'Invalid statement type for prepared statement'),
    ('EXECUTE x', 'x=EXECUTE+IMMEDIATE+%27EXECUTE+x%27', 'Invalid statement type for prepared statement'),
    ('EXECUTE x', 'x=DESCRIBE+OUTPUT+x', 'prepared statement'),
    ('EXECUTE x', 'x=EXPLAIN+EXECUTE+x', 'prepared statement'),
    ('EXECUTE x USING 1, 2', 'x=SELECT+%3F', 'Incorrect number of parameters: expected 1 but found 2'),
    ('PREPARE x FROM EXECUTE y', '', 'Invalid statement type for prepared statement'),
    ('USE tpch.nosuch', '', 'Schema does not exist: tpch.nosuch'),
    ('SET SESSION nosuch.x = 1', '', "line 1:24: Catalog 'nosuch' not found"),
    ("SET SESSION query_max_run_time = ''", '', 'line 1:34: duration is empty'),
    ("SET SESSION query_max_run_time = '1 parsec'", '', 'not a valid data duration string'),
    ("SET TIME ZONE 'Mars/Base'", '', 'Time zone not supported: Mars/Base'),
    ('SET ROLE chief', '', "Role 'chief' does not exist"),
])
def test_session_statements_that_cannot_be(platform, sql, prepared, text):
    pid = platform.role_pid('query')
    _, page, _ = run_statement(platform, sql, **({'X-Trino-Prepared-Statement': prepared} if prepared else {}))
    assert text in page['error']['message'] and platform.role_pid('query') == pid


def test_headers_that_statements_set(platform):
    assert run_statement(platform, 'SET\nPATH\n a,\n b.c')[2] == {'X-Trino-Set-Path': 'a, b.c'}
    assert run_statement(platform, 'USE tpch.tiny')[2] == {'X-Trino-Set-Catalog': 'tpch', 'X-Trino-Set-Schema': 'tiny'}
    assert run_statement(platform, 'SET ROLE NONE')[2] == {'X-Trino-Set-Role': 'system=NONE'}
    assert run_statement(platform, 'EXECUTE x USING 3', **{'X-Trino-Prepared-Statement': 'x=SELECT+%3F'})[0] == [[3]]


def test_unknown_time_zone_of_the_client(platform):
    _, page, _ = run_statement(platform, 'SELECT 1', **{'X-Trino-Time-Zone': 'Mars/Base'})
    assert 'Time zone not supported: Mars/Base' in page['error']['message']


SLOW = '''SELECT count(*) FROM tpch.tiny.lineitem a, tpch.tiny.lineitem b, tpch.tiny.lineitem c
          WHERE a.comment || b.comment || c.comment LIKE '%zzzzqq%' '''


@pytest.mark.parametrize('limit,text', [('query_max_run_time', 'run time'), ('query_max_execution_time', 'execution time')])
def test_time_limits_of_the_session(platform, limit, text):
    _, page, _ = run_statement(platform, SLOW, **{'X-Trino-Session': f'{limit}=500ms'})
    assert page['error']['errorName'] == 'EXCEEDED_TIME_LIMIT'
    assert page['error']['message'] == f'Query exceeded the maximum {text} limit of 500.00ms'


def test_clients_that_wait_take_no_threads(platform):
    """Statements that wait for their turn are polled by as many connections; others are served meanwhile."""
    import concurrent.futures
    base, n = platform['query']['url'], 300
    session = requests.Session()
    session.headers['X-Trino-User'] = 'bare'
    first = [session.post(base + '/v1/statement', data=SLOW).json()['nextUri'] for _ in range(2)]
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        polls = [pool.submit(requests.get, first[i % 2]) for i in range(n)]
        threads = 0
        while not all(p.done() for p in polls):
            status = pathlib.Path(f"/proc/{platform.role_pid('query')}/status").read_text()
            threads = max(threads, int(status.split('Threads:')[1].split()[0]))
            assert run_statement(platform, 'SELECT 1')[0] == [[1]]
        answers = [p.result().json() for p in polls]
    for a in answers:
        assert 'nextUri' in a and session.delete(a['nextUri']).status_code == 204
    assert threads < 150


def test_ended_statements_are_forgotten(platform):
    import time
    for _ in range(130):
        run_statement(platform, 'SELECT 1 -- ' + 'x' * 100000)
    time.sleep(2.5)
    assert len(requests.get(platform['query']['url'] + '/v1/query').json()) <= 110


def test_overflow_of_the_fast_decimals_late_in_a_result(platform):
    """The first attempt computes in 64 bits and fails after a megabyte of rows: no row may have been seen then."""
    rows, page, _ = run_statement(platform, '''
        SELECT orderkey, linenumber, min(comment), max(CAST(orderkey AS decimal(18,0))) *
               max(CAST(IF(orderkey > 59900, 900000000000000000, 1) AS decimal(18,0)))
        FROM tpch.tiny.lineitem GROUP BY 1, 2''')
    assert 'error' not in page and len({(r[0], r[1]) for r in rows}) == len(rows) == 60175


def test_overflow_of_decimals_above_an_aggregation(platform):
    """Later than what is held back of a result: what is computed above the aggregation must be exact at once."""
    rows, page, _ = run_statement(platform, '''
        SELECT orderkey, linenumber, rpad(min(comment), 400, '.'), max(CAST(orderkey AS decimal(18,0))) *
               max(CAST(IF(orderkey > 59900, 900000000000000000, 1) AS decimal(18,0)))
        FROM tpch.tiny.lineitem GROUP BY 1, 2''')
    assert 'error' not in page and len(rows) == 60175
    assert {r[3] for r in rows if r[0] == 60000} == {str(60000 * 900000000000000000)}


def test_bytes_that_are_no_text(platform):
    """They must not break the table of statements for everybody."""
    run_statement(platform, b"SELECT 1 \xff")
    run_statement(platform, b"SELECT '\0'")
    run_statement(platform, b'SELECT 1', **{'X-Trino-Source': b'j\xffrg'})
    rows, page, _ = run_statement(platform, 'SELECT query, source FROM system.runtime.queries')
    assert 'error' not in page
    assert {'SELECT 1 \ufffd', "SELECT '\ufffd'"} <= {r[0] for r in rows} and 'j\ufffdrg' in {r[1] for r in rows}


def test_head(platform):
    assert requests.head(platform['query']['url'] + '/v1/info').status_code == 200


def test_import_that_a_page_could_send_is_refused(platform):
    for kind in ('text/plain', 'Text/Plain;charset=utf-8', 'multipart/form-data', ''):
        r = requests.post(platform['query']['url'] + '/v1/import?table=load.t', data=b'a\n1\n',
                          headers={'X-Trino-User': 'a', 'Content-Type': kind})
        assert r.status_code == 415, kind


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
