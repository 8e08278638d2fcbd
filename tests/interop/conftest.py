"""A real Trino for the tests here: one for the whole run, on the platform's own catalog and storage."""
import pytest

from trino_peer import TrinoPeer, Unavailable


@pytest.fixture(scope='session')
def trino(platform, tmp_path_factory):
    e = platform['storage']
    lake = {'connector.name': 'iceberg', 'iceberg.catalog.type': 'rest', 'iceberg.rest-catalog.uri': platform['catalog']['url'],
            'iceberg.rest-catalog.warehouse': platform['catalog']['warehouse'], 'fs.s3.enabled': 'true', 's3.endpoint': e['url'],
            's3.region': e['region'], 's3.path-style-access': 'true', 's3.aws-access-key': e['access_key'], 's3.aws-secret-key': e['secret_key']}
    peer = TrinoPeer(tmp_path_factory.mktemp('trino'), {'iceberg': lake, **{n: {'connector.name': n} for n in ('tpch', 'tpcds', 'memory')}}, heap_mb=4000)
    try:
        yield peer.start()
    except Unavailable as why:
        pytest.skip(str(why))
    finally:
        peer.stop()
