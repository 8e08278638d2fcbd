"""What the tests of the catalog share: its routes spoken by hand, and looks into the store."""
import time
import uuid

import boto3
import requests

SCHEMA = {'type': 'struct', 'schema-id': 0, 'fields': [
    {'id': 1, 'name': 'id', 'required': False, 'type': 'long'},
    {'id': 2, 'name': 'day', 'required': False, 'type': 'date'}]}


def new_key():
    """A UUIDv7, as Idempotency-Key wants it."""
    ms = int(time.time() * 1000)
    bits = (ms << 80) | (7 << 76) | (uuid.uuid4().int & ((1 << 76) - 1))
    bits = bits & ~(3 << 62) | (2 << 62)
    return str(uuid.UUID(int=bits))


class Rest:
    """The catalog's routes, spoken by hand."""

    def __init__(self, url):
        self.base = url + '/v1/'
        self.session = requests.Session()

    def __call__(self, method, path, body=None, expect=None, **options):
        r = self.session.request(method, self.base + path, json=body, timeout=60, **options)
        if expect is not None:
            assert r.status_code == expect, f'{method} {path}: {r.status_code} {r.text}'
        return r

    def error(self, method, path, body=None, **options):
        r = self(method, path, body, **options)
        e = r.json()['error']
        assert e['code'] == r.status_code
        return r.status_code, e['type'], e['message']

    def create(self, ns, name, expect=200, **more):
        return self('POST', f'namespaces/{ns}/tables', {'name': name, 'schema': SCHEMA, **more}, expect)

    def commit(self, ns, name, updates, requirements=(), **options):
        return self('POST', f'namespaces/{ns}/tables/{name}',
                    {'requirements': list(requirements), 'updates': list(updates)}, **options)


def set_property(key, value):
    return {'action': 'set-properties', 'updates': {key: str(value)}}


def objects(s3, prefix):
    pages = s3.get_paginator('list_objects_v2').paginate(Bucket='lakehouse-warehouse', Prefix=prefix)
    return [o['Key'] for page in pages for o in page.get('Contents', [])]


def eventually(check, seconds=20):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, 'it did not happen in time'
        time.sleep(0.05)


def s3_of(platform):
    e = platform['storage']
    return boto3.client('s3', endpoint_url=e['url'], aws_access_key_id=e['access_key'],
                        aws_secret_access_key=e['secret_key'], region_name=e['region'])


def key_of(uri):
    return uri.removeprefix('s3://lakehouse-warehouse/')
