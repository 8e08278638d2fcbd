"""The Iceberg REST catalog by raw requests: every route, its errors, and what holds between requests."""
import concurrent.futures
import threading
import uuid

import requests

from catalog_rest import SCHEMA, Rest, eventually, key_of, new_key, objects, s3_of, set_property


# ---- configuration ----

def test_config(rest, platform):
    for warehouse in (None, 'lakehouse-warehouse', 's3://lakehouse-warehouse', 's3://lakehouse-warehouse/'):
        r = rest('GET', 'config', expect=200, params={'warehouse': warehouse} if warehouse else None)
        config = r.json()
        assert config['defaults']['s3.endpoint'] == platform['storage']['url']
        assert config['defaults']['s3.path-style-access'] == 'true'
        assert config['idempotency-key-lifetime'] == 'PT30M'
        assert 'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}' in config['endpoints']
        assert 'POST /v1/{prefix}/transactions/commit' in config['endpoints']
        assert platform['storage']['secret_key'] not in r.text
    assert rest.error('GET', 'config?warehouse=other')[:2] == (404, 'NoSuchWarehouseException')


def test_every_listed_endpoint_is_routed(rest):
    """What /v1/config promises exists: none is a 405, or a 404 that does not name what is missing."""
    for endpoint in rest('GET', 'config').json()['endpoints']:
        method, path = endpoint.split(' ')
        path = path.replace('/v1/{prefix}/', '')
        for name in ('namespace', 'table', 'view'):
            path = path.replace('{%s}' % name, 'no-such-' + name)
        r = rest(method, path, {} if method == 'POST' else None)
        assert r.status_code != 405, endpoint
        if r.status_code == 404 and method != 'HEAD':
            assert r.json()['error']['message'].startswith(
    ('Table does', 'Namespace does', 'View does')), endpoint


def test_token_route_for_old_clients(rest):
    r = rest.session.post(rest.base + 'oauth/tokens', data={'grant_type': 'client_credentials',
                                                            'client_id': 'a',
                                                            'client_secret': 'b', 'scope': 'catalog'})
    assert r.status_code == 200 and r.json()['token_type'] == 'bearer'
    r = rest.session.post(rest.base + 'oauth/tokens', data={'grant_type': 'password'})
    assert r.status_code == 400 and r.json()['error'] == 'unsupported_grant_type'


# ---- bad input ----

def test_bad_requests(rest, ns):
    headers = {'Content-Type': 'application/json'}
    r = rest.session.post(rest.base + 'namespaces', data='{"namespace":\n ["a",}', headers=headers)
    assert r.status_code == 400 and 'line 2 column' in r.json()['error']['message']
    r = rest.session.post(
    rest.base + 'namespaces',
    data='{"namespace":["a"]}',
    headers={
        'Content-Type': 'text/plain'})
    assert r.status_code == 415
    r = rest.session.post(rest.base + 'namespaces', data='[]', headers=headers)
    assert r.status_code == 400
    for body in ({}, {'namespace': []}, {'namespace': 'a'}, {'namespace': ['']}, {'namespace': ['a\x01']},
                 {'namespace': ['a'], 'properties': {'a': 1}}, {'namespace': ['x' * 300]},
                 {'namespace': ['..']}):
        assert rest.error('POST', 'namespaces', body)[:2] == (400, 'BadRequestException'), body
    assert rest('GET', 'nowhere').status_code == 404
    assert rest('PUT', 'namespaces').status_code == 405
    assert rest.error('GET', 'namespaces/%ff')[0] == 400
    assert rest.error('GET', f'namespaces/{ns}/tables/%00')[0] == 400
    rest.create(ns, 't')
    for updates in ([{'action': 'fly'}], [{'action': 'set-location'}], [{}], 'x'):
        assert rest.error('POST', f'namespaces/{ns}/tables/t',
                          {'requirements': [], 'updates': updates})[0] == 400
    assert rest.error('POST',
    f'namespaces/{ns}/tables/t',
    {'requirements': [{'type': 'assert-luck'}],
     'updates': []})[0] == 400
    status, kind, message = rest.error('POST', f'namespaces/{ns}/tables', {'name': 'v', 'schema': {
        'type': 'struct', 'fields': [{'id': 1, 'name': 'v', 'required': False, 'type': 'variant'}]}})
    assert (status, kind) == (400, 'BadRequestException') and 'variant is not supported until v3' in message
    # deep JSON is refused by the parser, not by the stack
    deep = '{"a":' * 5000 + '1' + '}' * 5000
    assert rest.session.post(rest.base + 'namespaces', data=deep, headers=headers).status_code == 400


# ---- namespaces ----

def test_namespaces(rest):
    a = 'a' + uuid.uuid4().hex[:8]
    created = rest('POST', 'namespaces', {'namespace': [a], 'properties': {'owner': 'me'}}, 200).json()
    assert created == {'namespace': [a], 'properties': {'owner': 'me'}}
    assert rest.error('POST', 'namespaces', {'namespace': [a]}) == (
        409, 'AlreadyExistsException', f'Namespace already exists: {a}')
    assert rest('GET', f'namespaces/{a}', expect=200).json() == created
    rest('HEAD', f'namespaces/{a}', expect=204)
    rest('HEAD', f'namespaces/{a}x', expect=404)
    assert rest.error('GET',
    f'namespaces/{a}x') == (404,
    'NoSuchNamespaceException',
     f'Namespace does not exist: {a}x')
    # nested
    rest('POST', 'namespaces', {'namespace': [a, 'b']}, 200)
    rest('POST', 'namespaces', {'namespace': [a, 'b', 'c.d/e']}, 200)
    assert rest.error(
    'POST', 'namespaces', {
        'namespace': [
            a, 'x', 'y']})[
                :2] == (
                    404, 'NoSuchNamespaceException')
    assert rest('GET', 'namespaces', params={'parent': a}).json()['namespaces'] == [[a, 'b']]
    assert rest('GET', 'namespaces', params={'parent': f'{a}\x1fb'}).json()[
                'namespaces'] == [[a, 'b', 'c.d/e']]
    assert rest('GET', f'namespaces/{a}%1Fb%1Fc.d%2Fe', expect=200).json()['namespace'] == [a, 'b', 'c.d/e']
    assert [a] in rest('GET', 'namespaces').json()['namespaces']
    assert rest.error('GET', 'namespaces?parent=nothing')[:2] == (404, 'NoSuchNamespaceException')
    # not while something is in it
    assert rest.error('DELETE', f'namespaces/{a}')[:2] == (409, 'NamespaceNotEmptyException')
    for path in (f'{a}%1Fb%1Fc.d%2Fe', f'{a}%1Fb', a):
        rest('DELETE', f'namespaces/{path}', expect=204)
    assert rest.error('DELETE', f'namespaces/{a}')[:2] == (404, 'NoSuchNamespaceException')


def test_namespace_properties(rest, ns):
    path = f'namespaces/{ns}/properties'
    r = rest('POST', path, {'updates': {'a': '1', 'b': '2'}}, 200).json()
    assert sorted(r['updated']) == ['a', 'b'] and r['removed'] == [] and r['missing'] == []
    r = rest('POST', path, {'updates': {'b': '3'}, 'removals': ['a', 'z']}, 200).json()
    assert r == {'updated': ['b'], 'removed': ['a'], 'missing': ['z']}
    assert rest('GET', f'namespaces/{ns}').json()['properties'] == {'b': '3'}
    status, kind, message = rest.error('POST', path, {'updates': {'b': '4'}, 'removals': ['b']})
    assert (
    status,
    kind) == (
        422,
         'UnprocessableEntityException') and 'Cannot remove and update the same key' in message
    assert rest.error('POST', 'namespaces/none/properties', {'updates': {}})[0] == 404


def test_pages(rest, ns):
    names = sorted(f't{i:03}' for i in range(25))
    for name in names:
        rest.create(ns, name)
    assert [i['name'] for i in rest('GET', f'namespaces/{ns}/tables').json()['identifiers']] == names
    token, seen, pages = '', [], 0
    while token is not None:
        r = rest(
    'GET',
    f'namespaces/{ns}/tables',
    params={
        'pageToken': token,
        'pageSize': 10},
         expect=200).json()
        seen += [i['name'] for i in r['identifiers']]
        token, pages = r.get('next-page-token'), pages + 1
    assert seen == names and pages == 3
    assert rest.error('GET', f'namespaces/{ns}/tables?pageToken=%21')[0] == 400
    assert rest.error('GET', f'namespaces/{ns}/tables?pageToken=&pageSize=0')[0] == 400


# ---- tables ----

def test_create_and_load(rest, ns, s3):
    made = rest.create(ns, 'orders', **{'partition-spec': {'fields': [
        {'source-id': 2, 'transform': 'identity', 'name': 'day'}]}, 'properties': {'owner': 'me'}})
    table = made.json()
    meta = table['metadata']
    assert meta['location'] == f's3://lakehouse-warehouse/{ns}/orders'
    assert table['metadata-location'].startswith(meta['location'] + '/metadata/00000-')
    assert meta['properties'] == {'owner': 'me', 'write.parquet.compression-codec': 'zstd'}
    assert meta['format-version'] == 2 and meta['current-snapshot-id'] == -1
    for empty in ('snapshots', 'snapshot-log', 'metadata-log', 'statistics', 'partition-statistics'):
        assert meta[empty] == []
    assert objects(
        s3, f'{ns}/orders/') == [key_of(table['metadata-location'])]
    loaded = rest('GET', f'namespaces/{ns}/tables/orders', expect=200,
                  headers={'X-Iceberg-Access-Delegation': 'vended-credentials'})
    assert loaded.json() == table
    assert rest.error('POST', f'namespaces/{ns}/tables', {'name': 'orders', 'schema': SCHEMA}) == (
        409, 'AlreadyExistsException', f'Table already exists: {ns}.orders')
    assert rest.error('POST',
    'namespaces/none/tables',
    {'name': 'x',
    'schema': SCHEMA})[:2] == (404,
     'NoSuchNamespaceException')
    assert rest.error('GET', f'namespaces/{ns}/tables/x') == (404,
                      'NoSuchTableException', f'Table does not exist: {ns}.x')
    rest('HEAD', f'namespaces/{ns}/tables/orders', expect=204)
    rest('HEAD', f'namespaces/{ns}/tables/x', expect=404)


def test_etag(rest, ns):
    etag = rest.create(ns, 't').headers['ETag']
    path = f'namespaces/{ns}/tables/t'
    assert rest('GET', path).headers['ETag'] == etag
    for sent in (etag, etag.strip('"'), f'W/{etag}', f'"x", {etag}', '*'):
        r = rest('GET', path, headers={'If-None-Match': sent}, expect=304)
        assert r.content == b'' and r.headers['ETag'] == etag
    refs = rest('GET', path + '?snapshots=refs').headers['ETag']
    assert refs != etag
    assert rest('GET', path + '?snapshots=refs', headers={'If-None-Match': etag}).status_code == 200
    changed = rest.commit(ns, 't', [set_property('a', 1)], expect=200).headers['ETag']
    assert changed != etag
    assert rest('GET', path, headers={'If-None-Match': etag}).status_code == 200
    assert rest.error('GET', path + '?snapshots=some')[0] == 400


def test_names(rest, ns, s3):
    """Odd names are names; their folders are plain and never shared."""
    names = ['Orders', 'orders', 'a.b', 'a/b', 'a b', 'ü', '한국', "quo'te", '100%', '.hidden',
             'a?b', 'a_b']
    locations = [rest.create(ns, name).json()['metadata']['location'] for name in names]
    assert len(set(locations)) == len(names)
    for location in locations:
        folder = location.removeprefix(f's3://lakehouse-warehouse/{ns}/')
        assert not set(folder) & set('/ %?\'') and not folder.startswith('.')
    for name in names:
        quoted = requests.utils.quote(name, safe='')
        assert rest('GET', f'namespaces/{ns}/tables/{quoted}',
                    expect=200).json()['metadata']['location'] in locations
    listed = [i['name'] for i in rest('GET', f'namespaces/{ns}/tables').json()['identifiers']]
    assert sorted(listed) == sorted(names)


def test_commit(rest, ns):
    first = rest.create(ns, 't').json()
    same = {'type': 'assert-table-uuid', 'uuid': first['metadata']['table-uuid']}
    done = rest.commit(ns, 't', [set_property('a', 1)], [same],
                       expect=200).json()
    assert done['metadata-location'].startswith(f's3://lakehouse-warehouse/{ns}/t/metadata/00001-')
    assert done['metadata']['metadata-log'] == [{'timestamp-ms': first['metadata']['last-updated-ms'],
                                                 'metadata-file': first['metadata-location']}]
    # nothing to change: no new file
    same = rest.commit(ns, 't', [set_property('a', 1)], expect=200).json()
    assert same['metadata-location'] == done['metadata-location']
    assert rest.error('POST', f'namespaces/{ns}/tables/t', {
        'requirements': [{'type': 'assert-current-schema-id', 'current-schema-id': 9}], 'updates': []}) == (
        409, 'CommitFailedException', 'Requirement failed: current schema changed: expected id 9 != 0')
    assert rest.error('POST',
    f'namespaces/{ns}/tables/none',
    {'requirements': [],
    'updates': []})[:2] == (404,
     'NoSuchTableException')


def test_concurrent_commits_are_retried_by_the_server(rest, ns, platform):
    """Requirements that hold on any base never fail, however many commit at once."""
    rest.create(ns, 't')

    def work(i):
        mine = Rest(platform['catalog']['url'])
        for j in range(10):
            mine.commit(ns, 't', [set_property(f'p{i}.{j}', j)], expect=200)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    meta = rest('GET', f'namespaces/{ns}/tables/t').json()['metadata']
    assert len([k for k in meta['properties'] if k.startswith('p')]) == 80
    assert len(meta['metadata-log']) == 80


def test_compare_and_swap(rest, ns, platform):
    """Of writers that assert the same state exactly one wins."""
    rest.create(ns, 't')
    barrier = threading.Barrier(8)

    def work(i):
        mine = Rest(platform['catalog']['url'])
        barrier.wait()
        return mine.commit(ns, 't', [
            {'action': 'add-schema', 'schema': {**SCHEMA, 'fields': SCHEMA['fields'] + [
                {'id': 3, 'name': f'c{i}', 'required': False, 'type': 'int'}]}},
            {'action': 'set-current-schema', 'schema-id': -1}],
            [{'type': 'assert-last-assigned-field-id', 'last-assigned-field-id': 2}]).status_code
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(work, range(8)))
    assert sorted(codes) == [200] + [409] * 7


def test_staged_create(rest, ns, s3):
    staged = rest.create(ns, 'ctas', **{'stage-create': True}).json()
    assert 'metadata-location' not in staged
    meta = staged['metadata']
    rest('HEAD', f'namespaces/{ns}/tables/ctas', expect=404)
    assert objects(s3, f'{ns}/') == []
    # the place is kept for it
    other = rest.create(ns, 'ctas2', **{'stage-create': True}).json()['metadata']['location']
    assert other != meta['location']
    updates = [{'action': 'assign-uuid', 'uuid': meta['table-uuid']},
               {'action': 'upgrade-format-version', 'format-version': 2},
               {'action': 'add-schema', 'schema': meta['schemas'][0]
                   }, {'action': 'set-current-schema', 'schema-id': -1},
               {'action': 'add-spec', 'spec': meta['partition-specs']
                   [0]}, {'action': 'set-default-spec', 'spec-id': -1},
               {'action': 'add-sort-order', 'sort-order': meta['sort-orders'][0]},
               {'action': 'set-default-sort-order', 'sort-order-id': -1},
               {'action': 'set-location', 'location': meta['location']},
               {'action': 'set-properties', 'updates': meta['properties']}]
    made = rest.commit(ns, 'ctas', updates, [{'type': 'assert-create'}], expect=200).json()
    assert made['metadata']['table-uuid'] == meta['table-uuid']
    create = {'requirements': [{'type': 'assert-create'}], 'updates': updates}
    assert rest.error('POST', f'namespaces/{ns}/tables/ctas', create) == (
        409, 'CommitFailedException', 'Requirement failed: table already exists')


def test_rename(rest, ns):
    rest('POST', 'namespaces', {'namespace': [ns, 'sub']}, 200)
    location = rest.create(ns, 'a').json()['metadata-location']
    rest.create(ns, 'taken')

    def rename(source, destination, expect=204):
        return rest('POST', 'tables/rename',
                    {'source': {'namespace': [ns], 'name': source}, 'destination': destination}, expect)
    rename('a', {'namespace': [ns, 'sub'], 'name': 'b'})
    assert rest('GET', f'namespaces/{ns}%1Fsub/tables/b', expect=200).json()['metadata-location'] == location
    rest('HEAD', f'namespaces/{ns}/tables/a', expect=404)
    e = rename('gone', {'namespace': [ns], 'name': 'x'}, 404).json()['error']
    assert (e['type'], e['message']) == ('NoSuchTableException', f'Table does not exist: {ns}.gone')
    e = rename('taken', {'namespace': ['nowhere'], 'name': 'x'}, 404).json()['error']
    assert e['type'] == 'NoSuchNamespaceException'
    rest.create(ns, 'c')
    e = rename('c', {'namespace': [ns], 'name': 'taken'}, 409).json()['error']
    assert (
    e['type'],
    e['message']) == (
        'AlreadyExistsException',
         f'Cannot rename {ns}.c to {ns}.taken. Table already exists')


def test_register_and_unregister(rest, ns, s3):
    made = rest.create(ns, 't').json()
    register = f'namespaces/{ns}/register'
    # a live table's folder cannot be another's
    assert rest.error(
    'POST', register, {
        'name': 'u', 'metadata-location': made['metadata-location']})[0] == 400
    gone = rest('POST', f'namespaces/{ns}/tables/t/unregister', expect=200).json()
    assert gone['metadata-location'] == made['metadata-location'] and gone['metadata'] == made['metadata']
    rest('HEAD', f'namespaces/{ns}/tables/t', expect=404)
    back = rest('POST', register, {'name': 'u', 'metadata-location': made['metadata-location']}, 200).json()
    assert back['metadata'] == made['metadata']
    again = {'name': 'u', 'metadata-location': made['metadata-location']}
    assert rest.error('POST', register, again)[:2] == (
        409, 'AlreadyExistsException')
    newer = rest.commit(ns, 'u', [set_property('a', 1)], expect=200).json()
    assert newer['metadata-location'].rsplit('/', 1)[1].startswith('00001-')
    rest('POST',
    register,
    {'name': 'u',
    'metadata-location': made['metadata-location'],
    'overwrite': True},
     200)
    assert rest('GET', f'namespaces/{ns}/tables/u').json()['metadata-location'] == made['metadata-location']
    missing = {'name': 'x', 'metadata-location': f's3://lakehouse-warehouse/{ns}/no.metadata.json'}
    assert rest.error('POST', register, missing)[:2] == (
        404, 'NotFoundException')
    s3.put_object(Bucket='lakehouse-warehouse', Key=f'{ns}/bad.metadata.json', Body=b'{"format-version": 2}')
    status, _, message = rest.error(
    'POST', register, {
        'name': 'x', 'metadata-location': f's3://lakehouse-warehouse/{ns}/bad.metadata.json'})
    assert status == 400 and 'table-uuid' in message or 'location' in message


def test_missing_metadata_file(make_platform):
    """Its own error, and the table can still be dropped."""
    p = make_platform().start()
    rest = Rest(p['catalog']['url'])
    rest('POST', 'namespaces', {'namespace': ['n']}, 200)
    location = rest.create('n', 't').json()['metadata-location']
    s3 = s3_of(p)
    s3.delete_object(Bucket='lakehouse-warehouse', Key=key_of(location))
    p.stop()
    p.start()    # nothing is cached any more
    rest = Rest(p['catalog']['url'])
    assert rest.error('GET', 'namespaces/n/tables/t') == (
        404, 'NotFoundException', f'Failed to open input stream for file: {location}')
    rest('DELETE', 'namespaces/n/tables/t?purgeRequested=true', expect=204)


# ---- locations, drop and purge ----

def test_locations_are_owned(rest, ns):
    def location(name, **more):
        return rest.create(ns, name, **more).json()['metadata']['location']
    base = f's3://lakehouse-warehouse/{ns}'
    assert location('t') == f'{base}/t'
    rest('DELETE', f'namespaces/{ns}/tables/t', expect=204)
    again = location('t')    # the dropped one's files are still there
    assert again.startswith(f'{base}/t-') and len(again) == len(f'{base}/t-') + 8
    rest('DELETE', f'namespaces/{ns}/tables/t?purgeRequested=true', expect=204)
    assert location('t') not in (f'{base}/t', again)
    # a nested namespace with a table's name
    rest('POST', 'namespaces', {'namespace': [ns, 'u']}, 200)
    assert location('u') == f'{base}/u'
    inner = rest('POST', f'namespaces/{ns}%1Fu/tables', {'name': 'v',
                 'schema': SCHEMA}, 200).json()['metadata']['location']
    assert not inner.startswith(f'{base}/u/')
    # places that a client names
    assert location('w', location=f'{base}/own/place/') == f'{base}/own/place'
    for bad in (f'{base}/own/place', f'{base}/own', f'{base}/own/place/inside',
                's3://lakehouse-warehouse/', 's3://lakehouse-warehouse'):
        status, kind, message = rest.error(
            'POST', f'namespaces/{ns}/tables', {'name': 'x', 'schema': SCHEMA, 'location': bad})
        assert (status, kind) == (400, 'ValidationException'), bad
    assert rest.error('POST', f'namespaces/{ns}/tables/u', {
        'requirements': [],
        'updates': [{'action': 'set-location', 'location': f'{base}/own/place/x'}]})[0] == 400
    assert location('x', location=f'{base}/own/place2') == f'{base}/own/place2'


def test_namespace_location(rest, ns):
    rest('POST', f'namespaces/{ns}/properties',
         {'updates': {'location': f's3://lakehouse-warehouse/{ns}-elsewhere/'}}, 200)
    assert rest.create(ns, 't').json()['metadata']['location'] == f's3://lakehouse-warehouse/{ns}-elsewhere/t'


def test_old_metadata_files_go(rest, ns, s3):
    rest.create(
    ns,
    't',
    properties={
        'write.metadata.delete-after-commit.enabled': 'true',
         'write.metadata.previous-versions-max': '2'})
    for i in range(6):
        last = rest.commit(ns, 't', [set_property('i', i)], expect=200).json()
    keep = [last['metadata-location']] + [f['metadata-file'] for f in last['metadata']['metadata-log']]
    keep = sorted(key_of(k) for k in keep)
    eventually(lambda: sorted(objects(s3, f'{ns}/t/metadata/')) == keep)
    assert len(keep) == 3


def test_gzip_metadata(rest, ns, s3):
    made = rest.create(ns, 't', properties={'write.metadata.compression-codec': 'gzip'}).json()
    assert made['metadata-location'].endswith('.gz.metadata.json')
    body = s3.get_object(
    Bucket='lakehouse-warehouse',
     Key=key_of(made['metadata-location']))['Body'].read()
    assert body[:2] == b'\x1f\x8b'
    rest('DELETE', f'namespaces/{ns}/tables/t', expect=204)
    back = rest('POST', f'namespaces/{ns}/register', {'name': 't',
                'metadata-location': made['metadata-location']}, 200).json()
    assert back['metadata'] == made['metadata']


# ---- more than one table ----

def test_transaction(rest, ns):
    for name in 'ab':
        rest.create(ns, name)

    def change(name, *updates, requirements=()):
        return {'identifier': {'namespace': [ns], 'name': name},
            'requirements': list(requirements), 'updates': list(updates)}
    rest('POST', 'transactions/commit',
         {'table-changes': [change('a', set_property('x', 1)), change('b', set_property('x', 1))]}, 204)
    no = {'type': 'assert-current-schema-id', 'current-schema-id': 5}
    body = {'table-changes': [change('a', set_property('x', 2)), change('b',
                                     set_property('x', 2), requirements=[no])]}
    assert rest.error('POST', 'transactions/commit', body)[:2] == (409, 'CommitFailedException')
    for name in 'ab':    # all or nothing
        assert rest('GET', f'namespaces/{ns}/tables/{name}').json()['metadata']['properties']['x'] == '1'
    body = {'table-changes': [change('a', set_property('x', 2)), change('none', set_property('x', 2))]}
    assert rest.error('POST', 'transactions/commit', body)[:2] == (404, 'NoSuchTableException')
    body = {'table-changes': [change('a', set_property('x', 2)), change('a', set_property('x', 3))]}
    assert rest.error('POST', 'transactions/commit', body)[0] == 400
    assert rest.error('POST', 'transactions/commit', {'table-changes': []})[0] == 400


def test_transactions_do_not_lock_each_other_out(rest, ns, platform):
    for name in 'abcd':
        rest.create(ns, name)

    def work(i):
        mine = Rest(platform['catalog']['url'])
        order = 'abcd' if i % 2 else 'dcba'
        for j in range(5):
            mine('POST', 'transactions/commit', {'table-changes': [
                {'identifier': {'namespace': [ns], 'name': n},
                    'requirements': [], 'updates': [set_property(f'{i}.{j}', j)]}
                for n in order]}, 204)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    for name in 'abcd':
        assert len(rest('GET', f'namespaces/{ns}/tables/{name}').json()['metadata']['properties']) == 31


# ---- Idempotency-Key ----

def test_a_request_sent_again_is_answered_again(rest, ns):
    key = {'Idempotency-Key': new_key()}
    first = rest('POST', f'namespaces/{ns}/tables', {'name': 't', 'schema': SCHEMA}, 200, headers=key)
    again = rest('POST', f'namespaces/{ns}/tables', {'name': 't', 'schema': SCHEMA}, 200, headers=key)
    assert again.json() == first.json() and again.headers['Idempotency-Replayed'] == 'true'
    # a commit happens once
    key = {'Idempotency-Key': new_key()}
    unchanged = {'type': 'assert-last-assigned-field-id', 'last-assigned-field-id': 2}
    body = {'requirements': [unchanged], 'updates': [
        {'action': 'add-schema', 'schema': {**SCHEMA, 'fields': SCHEMA['fields'] + [
            {'id': 3, 'name': 'c', 'required': False, 'type': 'int'}]}}]}
    first = rest('POST', f'namespaces/{ns}/tables/t', body, 200, headers=key).json()
    assert rest.error('POST', f'namespaces/{ns}/tables/t', body)[0] == 409
    assert rest('POST', f'namespaces/{ns}/tables/t', body, 200, headers=key).json() == first
    # another request with the same key is a mistake
    other = {'requirements': [], 'updates': []}
    assert rest.error('POST', f'namespaces/{ns}/tables/t', other, headers=key)[:2] == (
        422, 'UnprocessableEntityException')
    # final errors are kept too
    key = {'Idempotency-Key': new_key()}
    e = rest.error('DELETE', f'namespaces/{ns}/tables/later', headers=key)
    assert e[0] == 404
    rest.create(ns, 'later')
    assert rest.error('DELETE', f'namespaces/{ns}/tables/later', headers=key) == e
    rest('DELETE', f'namespaces/{ns}/tables/later', expect=204, headers={'Idempotency-Key': new_key()})
    assert rest.error(
    'POST', 'namespaces', {
        'namespace': ['q']}, headers={
            'Idempotency-Key': 'abc'})[0] == 400


def test_the_same_key_at_once(rest, ns, platform):
    key = {'Idempotency-Key': new_key()}
    barrier = threading.Barrier(6)

    def work(_):
        mine = Rest(platform['catalog']['url'])
        barrier.wait()
        return mine('POST', f'namespaces/{ns}/tables',
                    {'name': 't', 'schema': SCHEMA}, 200, headers=key).json()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        results = list(pool.map(work, range(6)))
    assert all(r == results[0] for r in results)


def test_keys_survive_a_restart(make_platform):
    p = make_platform().start()
    rest = Rest(p['catalog']['url'])
    rest('POST', 'namespaces', {'namespace': ['n']}, 200)
    key = {'Idempotency-Key': new_key()}
    first = rest('POST', 'namespaces/n/tables', {'name': 't', 'schema': SCHEMA}, 200, headers=key).json()
    p.kill()
    p.start()
    rest = Rest(p['catalog']['url'])
    assert rest('POST', 'namespaces/n/tables', {'name': 't',
                'schema': SCHEMA}, 200, headers=key).json() == first


def test_purge_is_refused_without_gc(rest, ns):
    rest.create(ns, 't', properties={'gc.enabled': 'false'})
    assert rest.error('DELETE',
    f'namespaces/{ns}/tables/t?purgeRequested=true')[:2] == (400,
     'ValidationException')
    rest('DELETE', f'namespaces/{ns}/tables/t', expect=204)


# ---- views ----

def version(sql, dialect='trino', **more):
    return {'version-id': 1, 'schema-id': 0, 'timestamp-ms': 1700000000000,
            'summary': {'engine-name': 'test'}, 'default-namespace': [],
            'representations': [{'type': 'sql', 'sql': sql, 'dialect': dialect}], **more}


def create_view(rest, ns, name, sql='SELECT 1', expect=200):
    return rest('POST', f'namespaces/{ns}/views', {
        'name': name, 'schema': SCHEMA, 'view-version': version(sql),
        'properties': {'comment': 'c'}}, expect).json()


def test_views(rest, ns):
    made = create_view(rest, ns, 'v')
    assert made['metadata']['location'] == f's3://lakehouse-warehouse/{ns}/v'
    assert made['metadata']['current-version-id'] == 1 and len(made['metadata']['version-log']) == 1
    assert rest('GET', f'namespaces/{ns}/views/v', expect=200).json() == made
    rest('HEAD', f'namespaces/{ns}/views/v', expect=204)
    assert rest.error('GET', f'namespaces/{ns}/views/w') == (
        404, 'NoSuchViewException', f'View does not exist: {ns}.w')
    assert create_view(rest, ns, 'v', expect=409)['error']['message'] == f'View already exists: {ns}.v'
    assert [i['name'] for i in rest('GET', f'namespaces/{ns}/views').json()['identifiers']] == ['v']
    assert rest('GET', f'namespaces/{ns}/tables').json()['identifiers'] == []
    # tables and views share their names
    assert rest.error('POST', f'namespaces/{ns}/tables', {'name': 'v', 'schema': SCHEMA})[2] == \
        f'View with same name already exists: {ns}.v'
    rest.create(ns, 't')
    assert create_view(rest, ns, 't', expect=409)['error']['message'] == \
        f'Table with same name already exists: {ns}.t'
    assert rest.error('GET', f'namespaces/{ns}/tables/v')[:2] == (404, 'NoSuchTableException')
    move = {'source': {'namespace': [ns], 'name': 'v'}, 'destination': {'namespace': [ns], 'name': 't'}}
    assert rest.error('POST', 'views/rename', move)[2] == \
        f'Cannot rename {ns}.v to {ns}.t. Table already exists'
    move['destination']['name'] = 'w'
    rest('POST', 'views/rename', move, 204)
    assert rest.error('DELETE', f'namespaces/{ns}')[:2] == (409, 'NamespaceNotEmptyException')
    rest('DELETE', f'namespaces/{ns}/views/w', expect=204)
    back = rest('POST', f'namespaces/{ns}/register-view',
                {'name': 'x', 'metadata-location': made['metadata-location']}, 200).json()
    assert back['metadata'] == made['metadata']


def test_replace_view(rest, ns):
    made = create_view(rest, ns, 'v')
    path = f'namespaces/{ns}/views/v'

    def replace(sql, dialect='trino', expect=200):
        return rest('POST', path, {
            'requirements': [{'type': 'assert-view-uuid', 'uuid': made['metadata']['view-uuid']}],
            'updates': [{'action': 'add-view-version', 'view-version': version(sql, dialect)},
                        {'action': 'set-current-view-version', 'view-version-id': -1}]}, expect).json()
    done = replace('SELECT 2')
    assert done['metadata']['current-version-id'] == 2
    assert done['metadata-location'].rsplit('/', 1)[1].startswith('00001-')
    assert replace('SELECT 1')['metadata']['current-version-id'] == 1    # the first again
    message = replace('SELECT 3', 'spark', 400)['error']['message']
    assert 'Cannot replace view due to loss of view dialects' in message
    for i in range(15):
        last = replace(f'SELECT {i + 10}')
    assert len(last['metadata']['versions']) == 10    # version.history.num-entries
    wrong = {'requirements': [{'type': 'assert-view-uuid', 'uuid': str(uuid.uuid4())}], 'updates': []}
    assert rest.error('POST', path, wrong)[:2] == (409, 'CommitFailedException')
    key = {'Idempotency-Key': new_key()}
    body = {'updates': [{'action': 'set-properties', 'updates': {'a': 'b'}}], 'requirements': []}
    first = rest('POST', path, body, 200, headers=key).json()
    assert rest('POST', path, body, 200, headers=key).json() == first
