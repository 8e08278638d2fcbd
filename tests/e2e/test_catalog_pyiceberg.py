"""pyiceberg, as it comes, against the catalog and the store: all that it does with namespaces and tables."""
import datetime
import uuid

import pytest

from catalog_rest import eventually, objects


@pytest.fixture(scope='session')
def iceberg(platform):
    """A client that is told nothing but the catalog and its keys: where storage is comes from /v1/config."""
    catalogs = pytest.importorskip('pyiceberg.catalog')
    pytest.importorskip('pyarrow')
    return catalogs.load_catalog('lake', **{
        'type': 'rest', 'uri': platform['catalog']['url'], 'warehouse': platform['catalog']['warehouse'],
        's3.access-key-id': platform['storage']['access_key'],
        's3.secret-access-key': platform['storage']['secret_key']})


def rows(n, start=0):
    import pyarrow as pa
    day = datetime.date(2024, 1, 1)
    ids = range(start, start + n)
    return pa.table({'id': pa.array(ids, pa.int64()), 'name': [f'n{i}' for i in ids],
                     'day': pa.array([day + datetime.timedelta(days=i % 3) for i in ids], pa.date32())})


def test_pyiceberg_namespaces(iceberg):
    from pyiceberg import exceptions as e
    name = 'p' + uuid.uuid4().hex[:8]
    iceberg.create_namespace(name, {'a': '1'})
    with pytest.raises(e.NamespaceAlreadyExistsError):
        iceberg.create_namespace(name)
    assert iceberg.load_namespace_properties(name) == {'a': '1'}
    done = iceberg.update_namespace_properties(name, removals={'a'}, updates={'b': '2'})
    assert done.removed == ['a'] and done.updated == ['b']
    iceberg.create_namespace((name, 'inner'))
    assert (name,) in iceberg.list_namespaces() and iceberg.list_namespaces(name) == [(name, 'inner')]
    with pytest.raises(e.NamespaceNotEmptyError):
        iceberg.drop_namespace(name)
    iceberg.drop_namespace((name, 'inner'))
    iceberg.drop_namespace(name)
    with pytest.raises(e.NoSuchNamespaceError):
        iceberg.load_namespace_properties(name)


def test_pyiceberg_writes_and_reads(iceberg, ns):
    t = iceberg.create_table(f'{ns}.t', schema=rows(1).schema)
    t.append(rows(100))
    t.append(rows(50, 100))
    assert t.scan().to_arrow().num_rows == 150
    t.overwrite(rows(10, 1000), 'id >= 100')
    assert sorted(t.scan().to_arrow()['id'].to_pylist())[-1] == 1009
    t.delete('id < 50')
    again = iceberg.load_table(f'{ns}.t')
    assert again.scan().to_arrow().num_rows == 60
    assert again.scan(row_filter="name = 'n75'").to_arrow()['id'].to_pylist() == [75]
    with again.transaction() as tx:
        tx.append(rows(1, 5000))
        tx.set_properties(owner='me')
    assert iceberg.load_table(f'{ns}.t').properties['owner'] == 'me'
    up = iceberg.load_table(f'{ns}.t').upsert(rows(2, 5000), join_cols=['id'])
    assert up.rows_inserted == 1


def test_pyiceberg_evolution(iceberg, ns):
    from pyiceberg.transforms import BucketTransform, MonthTransform
    from pyiceberg.types import DoubleType, IntegerType, LongType, StringType
    t = iceberg.create_table(f'{ns}.t', schema=rows(1).schema)
    t.append(rows(3))
    with t.update_schema() as s:
        s.add_column('score', DoubleType(), doc='of the game')
        s.add_column('rank', IntegerType())
        s.rename_column('name', 'title')
    with t.update_schema() as s:
        s.update_column('rank', field_type=LongType())
        s.move_first('title')
        s.add_column(('place', ), StringType())
        s.delete_column('place') if False else None
    with t.update_spec() as p:
        p.add_field('day', MonthTransform(), 'day_month')
        p.add_field('id', BucketTransform(4), 'id_bucket')
    t.append(t.scan().to_arrow())
    with t.update_spec() as p:
        p.remove_field('id_bucket')
    with t.update_schema() as s:
        s.delete_column('score')
    t = iceberg.load_table(f'{ns}.t')
    assert t.schema().column_names[0] == 'title'
    assert [f.name for f in t.spec().fields] == ['day_month']
    assert t.scan().to_arrow().num_rows == 6
    assert sorted(set(t.scan().to_arrow()['title'].to_pylist())) == ['n0', 'n1', 'n2']


def test_pyiceberg_snapshots(iceberg, ns):
    t = iceberg.create_table(f'{ns}.t', schema=rows(1).schema)
    t.append(rows(3))
    first = t.current_snapshot().snapshot_id
    t.manage_snapshots().create_tag(first, 'v1').create_branch(first, 'dev').commit()
    t.append(rows(3, 3))
    assert t.scan(snapshot_id=first).to_arrow().num_rows == 3                   # time travel
    assert t.scan(snapshot_id=t.snapshot_by_name('v1').snapshot_id).to_arrow().num_rows == 3
    t.append(rows(10, 100), branch='dev')
    assert t.scan().use_ref('dev').to_arrow().num_rows == 13
    assert t.scan().to_arrow().num_rows == 6
    assert set(t.refs()) == {'main', 'v1', 'dev'}
    assert len(t.history()) == 2
    assert t.inspect.snapshots().num_rows == 3 and t.inspect.files().num_rows == 2
    t.manage_snapshots().remove_branch('dev').remove_tag('v1').commit()
    assert set(iceberg.load_table(f'{ns}.t').refs()) == {'main'}
    t.maintenance.expire_snapshots().by_id(first).commit()
    assert first not in [s.snapshot_id for s in iceberg.load_table(f'{ns}.t').snapshots()]


def test_pyiceberg_conflicts(iceberg, ns):
    """A stale writer is told of the conflict; it rebases what it can; nothing is lost or doubled."""
    from pyiceberg.exceptions import CommitFailedException
    t = iceberg.create_table(f'{ns}.t', schema=rows(1).schema, properties={'commit.retry.num-retries': '0'})
    other = iceberg.load_table(f'{ns}.t')
    t.append(rows(3))
    try:
        other.append(rows(3, 3))
        expected = 6
    except CommitFailedException:    # clients before 0.12 do not rebase
        expected = 3
    assert iceberg.load_table(f'{ns}.t').scan().to_arrow().num_rows == expected


def test_pyiceberg_rename_register_drop(iceberg, ns):
    from pyiceberg.exceptions import NoSuchTableError, TableAlreadyExistsError
    t = iceberg.create_table(f'{ns}.a', schema=rows(1).schema)
    t.append(rows(5))
    with pytest.raises(TableAlreadyExistsError):
        iceberg.create_table(f'{ns}.a', schema=rows(1).schema)
    renamed = iceberg.rename_table(f'{ns}.a', f'{ns}.b')
    assert renamed.scan().to_arrow().num_rows == 5 and not iceberg.table_exists(f'{ns}.a')
    iceberg.drop_table(f'{ns}.b')
    with pytest.raises(NoSuchTableError):
        iceberg.load_table(f'{ns}.b')
    back = iceberg.register_table(f'{ns}.c', renamed.metadata_location)
    assert back.scan().to_arrow().num_rows == 5
    assert iceberg.list_tables(ns) == [(ns, 'c')]
    with iceberg.create_table_transaction(f'{ns}.d', schema=rows(1).schema) as tx:
        tx.append(rows(7))
    assert iceberg.load_table(f'{ns}.d').scan().to_arrow().num_rows == 7


def test_purge(iceberg, ns, s3):
    """Everything that the table's metadata reaches is deleted, and nothing of another table."""
    t = iceberg.create_table(f'{ns}.t', schema=rows(1).schema)
    keep = iceberg.create_table(f'{ns}.t2', schema=rows(1).schema)
    keep.append(rows(5))
    for i in range(3):
        t.append(rows(5, 5 * i))
    t.delete('id < 3')
    s3.put_object(Bucket='lakehouse-warehouse', Key=f'{ns}/t/notes.txt', Body=b'not of the table')
    assert len(objects(s3, f'{ns}/t/')) > 10
    iceberg.purge_table(f'{ns}.t')
    eventually(lambda: objects(s3, f'{ns}/t/') == [f'{ns}/t/notes.txt'])
    assert iceberg.load_table(f'{ns}.t2').scan().to_arrow().num_rows == 5
