"""The S3 contract, by boto3 and by hand-made requests. LAKEHOUSE_S3_URL (with keys minioadmin) tests a store that runs already."""
import base64
import concurrent.futures
import datetime
import hashlib
import http.client
import os
import random
import re
import socket
import threading
import time
import urllib.parse
import uuid
import zlib

import boto3
import pytest
import requests
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

MIB = 1 << 20


@pytest.fixture(scope='session')
def store(request):
    if 'LAKEHOUSE_S3_URL' in os.environ:
        return {'url': os.environ['LAKEHOUSE_S3_URL'], 'region': 'us-east-1', 'access_key': 'minioadmin', 'secret_key': 'minioadmin'}
    return request.getfixturevalue('platform')['storage']


def make_client(store, secret=None, access=None, **config):
    return boto3.client('s3', endpoint_url=store['url'], region_name=store['region'],
                        aws_access_key_id=access or store['access_key'], aws_secret_access_key=secret or store['secret_key'],
                        config=Config(s3={'addressing_style': 'path'}, retries={'max_attempts': 1}, read_timeout=60, **config))


@pytest.fixture(scope='session')
def c(store):
    return make_client(store)


@pytest.fixture
def bucket(c):
    name = 'b-' + uuid.uuid4().hex[:20]
    c.create_bucket(Bucket=name)
    yield name
    for upload in c.list_multipart_uploads(Bucket=name).get('Uploads', []):
        c.abort_multipart_upload(Bucket=name, Key=upload['Key'], UploadId=upload['UploadId'])
    while True:
        page = c.list_object_versions(Bucket=name)
        objects = [{'Key': v['Key'], 'VersionId': v['VersionId']} for v in page.get('Versions', [])]
        if objects:
            assert not c.delete_objects(Bucket=name, Delete={'Objects': objects}).get('Errors')
        if not page['IsTruncated']:
            break
    c.delete_bucket(Bucket=name)


def code_of(function, **arguments):
    """(status, code) of the refusal."""
    with pytest.raises(ClientError) as e:
        function(**arguments)
    return e.value.response['ResponseMetadata']['HTTPStatusCode'], e.value.response['Error']['Code']


class Signer(S3SigV4Auth):
    """Signs what the headers say of the body, not what the body is."""

    def payload(self, request):
        return self.claimed


def signed(store, method, path, body=b'', headers=None):
    """Signs by botocore, sends by requests: headers exactly as given."""
    url = store['url'] + path
    request = AWSRequest(method=method, url=url, data=body, headers=headers or {})
    signer = Signer(Credentials(store['access_key'], store['secret_key']), 's3', store['region'])
    signer.claimed = (headers or {}).get('x-amz-content-sha256', hashlib.sha256(body or b'').hexdigest())
    signer.add_auth(request)
    return requests.request(method, url, data=body, headers=dict(request.headers), timeout=30)


def presigned_url(store, path, expires):
    request = AWSRequest(method='GET', url=store['url'] + path)
    S3SigV4QueryAuth(Credentials(store['access_key'], store['secret_key']), 's3', store['region'], expires=expires).add_auth(request)
    return request.url


def error_code(response):
    found = re.search(r'<Code>([^<]*)</Code>', response.text)
    return response.status_code, found.group(1) if found else None


# ---- authentication ----

def test_wrong_secret_and_unknown_key(store):
    assert code_of(make_client(store, secret='wrong-secret-key').list_buckets) == (403, 'SignatureDoesNotMatch')
    assert code_of(make_client(store, access='NOBODY').list_buckets) == (403, 'InvalidAccessKeyId')


def test_anonymous_is_denied(store, bucket):
    response = requests.get(f'{store["url"]}/{bucket}?list-type=2')
    assert error_code(response) == (403, 'AccessDenied')
    for element in ('Message', 'Resource', 'RequestId', 'HostId'):
        assert f'<{element}>' in response.text
    assert response.headers['x-amz-request-id']


def test_wrong_region_names_ours(store):
    client = boto3.client('s3', endpoint_url=store['url'], region_name='eu-west-7', aws_access_key_id=store['access_key'],
                          aws_secret_access_key=store['secret_key'])
    assert code_of(client.head_bucket, Bucket='nowhere-at-all')[0] == 404   # botocore read the right region and signed again
    far = dict(store, region='eu-west-7')
    response = signed(far, 'GET', '/')
    assert error_code(response) == (400, 'AuthorizationHeaderMalformed') and '<Region>us-east-1</Region>' in response.text


def test_tampered_body_and_skewed_clock(store, bucket):
    response = signed(store, 'PUT', f'/{bucket}/k', b'hello', {'x-amz-content-sha256': hashlib.sha256(b'other').hexdigest()})
    assert error_code(response) == (400, 'XAmzContentSHA256Mismatch')
    with pytest.MonkeyPatch.context() as m:
        import botocore.auth
        late = datetime.datetime.utcnow() - datetime.timedelta(minutes=20)
        m.setattr(botocore.auth, 'get_current_datetime', lambda *a, **k: late, raising=False)
        m.setattr('botocore.auth.datetime', type('D', (), {'datetime': type('T', (), {'utcnow': staticmethod(lambda: late)})}), raising=False)
        response = signed(store, 'GET', f'/{bucket}')
    assert error_code(response) == (403, 'RequestTimeTooSkewed')


@pytest.mark.parametrize('version', ['s3', 's3v4'])
def test_presigned(store, bucket, version):
    client = make_client(store, signature_version=version)
    client.put_object(Bucket=bucket, Key='a b/ü+&', Body=b'presigned') if version == 's3v4' else \
        make_client(store).put_object(Bucket=bucket, Key='a b/ü+&', Body=b'presigned')
    params = {'Bucket': bucket, 'Key': 'a b/ü+&'}
    assert requests.get(client.generate_presigned_url('get_object', Params=params, ExpiresIn=60)).content == b'presigned'
    for expires in (-60, 0, 604801) if version == 's3v4' else ():
        url = presigned_url(store, f'/{bucket}/' + urllib.parse.quote('a b/ü+&'), expires)
        assert error_code(requests.get(url)) == (403, 'AccessDenied')
    if version == 's3':
        assert requests.get(client.generate_presigned_url('get_object', Params=params, ExpiresIn=-60)).status_code == 403
    url = client.generate_presigned_url('put_object', Params={**params, 'ACL': 'private'}, ExpiresIn=60)
    if version == 's3v4':
        assert requests.put(url, data=b'x').status_code == 403
    assert requests.put(url, data=b'by url', headers={'x-amz-acl': 'private'}).status_code == 200
    assert requests.get(client.generate_presigned_url('get_object', Params={**params, 'ResponseContentType': 'text/x-y',
                        'ResponseContentDisposition': 'attachment'}, ExpiresIn=60)).headers['Content-Type'] == 'text/x-y'


def test_unsigned_amz_header_is_refused(store, bucket):
    client = make_client(store, signature_version='s3v4')
    url = client.generate_presigned_url('put_object', Params={'Bucket': bucket, 'Key': 'k'}, ExpiresIn=60)
    assert requests.put(url, data=b'x', headers={'x-amz-tagging': 'a=b'}).status_code == 403
    assert requests.put(url, data=b'x').status_code == 200


def test_anonymous_and_missing_bucket(store):
    assert error_code(requests.get(store['url'] + '/no-such-bucket-here/k')) == (404, 'NoSuchBucket')
    assert error_code(requests.put(store['url'] + '/no-such-bucket-here/k', data=b'x', headers={'Authorization': ''}))[0] in (403, 404)
    assert requests.options(store['url'] + '/any/k').status_code == 400


# ---- buckets ----

def test_bucket_pages(c):
    names = sorted(f'page-{uuid.uuid4().hex[:12]}' for _ in range(3))
    for name in names:
        c.create_bucket(Bucket=name)
    page = c.list_buckets(Prefix='page-', MaxBuckets=2)
    assert [b['Name'] for b in page['Buckets']] == names[:2]
    page = c.list_buckets(Prefix='page-', MaxBuckets=2, ContinuationToken=page['ContinuationToken'])
    assert [b['Name'] for b in page['Buckets']] == names[2:] and 'ContinuationToken' not in page
    for name in names:
        c.delete_bucket(Bucket=name)


def test_bucket_life(c):
    name = 'life-' + uuid.uuid4().hex[:12]
    assert code_of(c.head_bucket, Bucket=name)[0] == 404
    assert code_of(c.delete_bucket, Bucket=name) == (404, 'NoSuchBucket')
    c.create_bucket(Bucket=name)
    c.create_bucket(Bucket=name)     # as in S3's us-east-1; elsewhere 409 BucketAlreadyOwnedByYou
    assert c.head_bucket(Bucket=name)['ResponseMetadata']['HTTPHeaders']['x-amz-bucket-region'] == 'us-east-1'
    assert name in [b['Name'] for b in c.list_buckets()['Buckets']]
    assert c.get_bucket_location(Bucket=name)['LocationConstraint'] is None
    c.put_object(Bucket=name, Key='k', Body=b'')
    assert code_of(c.delete_bucket, Bucket=name) == (409, 'BucketNotEmpty')
    c.delete_object(Bucket=name, Key='k')
    upload = c.create_multipart_upload(Bucket=name, Key='open')['UploadId']
    c.upload_part(Bucket=name, Key='open', UploadId=upload, PartNumber=1, Body=b'x')
    c.delete_bucket(Bucket=name)
    for call in (lambda: c.list_objects(Bucket=name), lambda: c.list_objects_v2(Bucket=name), lambda: c.put_object(Bucket=name, Key='k'),
                 lambda: c.delete_object(Bucket=name, Key='k'), lambda: c.get_object(Bucket=name, Key='k')):
        assert code_of(call) == (404, 'NoSuchBucket')


@pytest.mark.parametrize('name', ['ab', 'a' * 64, 'foo-.bar', 'foo..bar', 'foo_bar', 'Foo', '-foo', 'foo-', '192.168.5.4', 'foo.-bar'])
def test_invalid_bucket_names(store, name):
    assert error_code(signed(store, 'PUT', '/' + name)) == (400, 'InvalidBucketName')


@pytest.mark.parametrize('name', ['a' * 63, 'foo.bar', 'a1b', '1-2', 'x' * 61])
def test_valid_bucket_names(store, name):
    assert signed(store, 'PUT', '/' + name).status_code == 200
    assert signed(store, 'DELETE', '/' + name).status_code == 204


def test_bucket_tagging_and_stubs(c, bucket, store):
    assert code_of(c.get_bucket_tagging, Bucket=bucket) == (404, 'NoSuchTagSet')
    c.put_bucket_tagging(Bucket=bucket, Tagging={'TagSet': [{'Key': 'a', 'Value': 'b&<'}]})
    assert c.get_bucket_tagging(Bucket=bucket)['TagSet'] == [{'Key': 'a', 'Value': 'b&<'}]
    c.delete_bucket_tagging(Bucket=bucket)
    assert code_of(c.get_bucket_tagging, Bucket=bucket) == (404, 'NoSuchTagSet')
    assert code_of(c.get_bucket_policy, Bucket=bucket) == (404, 'NoSuchBucketPolicy')
    assert code_of(c.get_object_lock_configuration, Bucket=bucket) == (404, 'ObjectLockConfigurationNotFoundError')
    assert code_of(c.get_bucket_cors, Bucket=bucket) == (404, 'NoSuchCORSConfiguration')
    assert code_of(c.get_bucket_lifecycle_configuration, Bucket=bucket) == (404, 'NoSuchLifecycleConfiguration')
    assert code_of(c.get_bucket_encryption, Bucket=bucket) == (404, 'ServerSideEncryptionConfigurationNotFoundError')
    assert 'Status' not in c.get_bucket_versioning(Bucket=bucket)
    assert 'LoggingEnabled' not in c.get_bucket_logging(Bucket=bucket)
    acl = c.get_bucket_acl(Bucket=bucket)
    assert [g['Permission'] for g in acl['Grants']] == ['FULL_CONTROL'] and acl['Owner']['ID'] == acl['Grants'][0]['Grantee']['ID']
    c.put_bucket_acl(Bucket=bucket, ACL='private')
    assert code_of(c.put_bucket_acl, Bucket=bucket, ACL='public-read') == (501, 'NotImplemented')
    assert error_code(signed(store, 'GET', f'/{bucket}?inventory')) == (501, 'NotImplemented')
    assert code_of(c.head_bucket, Bucket=bucket, ExpectedBucketOwner='1' * 12)[0] == 403


# ---- objects ----

@pytest.mark.parametrize('size', [0, 1, 4096, 65535, 65536, 65537, MIB, 5 * MIB + 3])
@pytest.mark.parametrize('name', ['k', 'k.parquet'])
def test_put_get_sizes(c, bucket, size, name):
    body = random.Random(size).randbytes(size)
    md5 = hashlib.md5(body).hexdigest()
    assert c.put_object(Bucket=bucket, Key=name, Body=body)['ETag'] == f'"{md5}"'
    got = c.get_object(Bucket=bucket, Key=name)
    assert got['Body'].read() == body and got['ETag'] == f'"{md5}"' and got['ContentLength'] == size
    assert got['ContentType'] == 'binary/octet-stream' and got['AcceptRanges'] == 'bytes'
    head = c.head_object(Bucket=bucket, Key=name)
    assert head['ContentLength'] == size and head['ETag'] == got['ETag'] and head['LastModified'] == got['LastModified']
    c.put_object(Bucket=bucket, Key=name, Body=b'again')
    assert c.get_object(Bucket=bucket, Key=name)['Body'].read() == b'again'
    c.delete_object(Bucket=bucket, Key=name)
    assert code_of(c.get_object, Bucket=bucket, Key=name) == (404, 'NoSuchKey')
    assert code_of(c.head_object, Bucket=bucket, Key=name) == (404, '404')


KEYS = ['a', 'a/b', 'a/b/c', 'a//b', '.', '..', './x', '/lead', 'trail/', 'sp ace', 'pl+us', 'per%cent', 'q?m', 'am&p', 'ha#sh', 'uni-ü-漢-😀', '_', ':',
        "quo'\"te", 'back\\slash', 'new\nline', '<xml>', 'x' * 1024, 'ü' * 512]


def test_keys_are_exact(c, bucket):
    for key in KEYS:
        c.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in KEYS:
        assert c.get_object(Bucket=bucket, Key=key)['Body'].read() == key.encode()
    listed = [o['Key'] for o in c.list_objects_v2(Bucket=bucket)['Contents']]
    assert listed == sorted(KEYS, key=lambda k: k.encode())
    assert code_of(c.put_object, Bucket=bucket, Key='x' * 1025) == (400, 'KeyTooLongError')


def test_metadata(c, bucket):
    when = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    for key, body in (('small', b'x'), ('large', b'y' * MIB)):
        c.put_object(Bucket=bucket, Key=key, Body=body, ContentType='text/weird; q=1', CacheControl='max-age=3', ContentDisposition='attachment',
                     ContentEncoding='gzip', ContentLanguage='ko', Expires=when, Metadata={'Foo': 'bar', 'empty': ''}, StorageClass='STANDARD_IA')
        for got in (c.get_object(Bucket=bucket, Key=key), c.head_object(Bucket=bucket, Key=key)):
            assert got['ContentType'] == 'text/weird; q=1' and got['CacheControl'] == 'max-age=3' and got['ContentEncoding'] == 'gzip'
            assert got['ContentDisposition'] == 'attachment' and got['ContentLanguage'] == 'ko' and got['StorageClass'] == 'STANDARD_IA'
            assert got['Metadata'] == {'foo': 'bar', 'empty': ''} and when.strftime('%a, %d %b %Y') in got['ExpiresString']
    assert code_of(c.put_object, Bucket=bucket, Key='k', Metadata={'a': 'b' * 2048})[0] == 400


def test_raw_headers(store, bucket):
    def put(body=b'x', **headers):
        return signed(store, 'PUT', f'/{bucket}/raw', body, {k.replace('_', '-'): v for k, v in headers.items()})
    assert error_code(put(Content_MD5='')) == (400, 'InvalidDigest')
    assert error_code(put(Content_MD5='YWJyYWNhZGFicmE=')) == (400, 'InvalidDigest')
    assert error_code(put(Content_MD5=base64.b64encode(hashlib.md5(b'y').digest()).decode())) == (400, 'BadDigest')
    assert put(Content_MD5=base64.b64encode(hashlib.md5(b'x').digest()).decode()).status_code == 200
    assert put(Content_Type='').status_code == 200 and put(Content_Type='text').status_code == 200
    assert put(Content_Encoding='gzip, aws-chunked,br').status_code == 200
    assert signed(store, 'HEAD', f'/{bucket}/raw').headers['Content-Encoding'].replace(' ', '') == 'gzip,br'
    assert put(Content_Encoding='aws-chunked').status_code == 200
    assert 'Content-Encoding' not in signed(store, 'HEAD', f'/{bucket}/raw').headers


def test_what_is_not_given_is_refused(c, bucket):
    assert code_of(c.put_object, Bucket=bucket, Key='k', Body=b'x', ServerSideEncryption='AES256') == (501, 'NotImplemented')
    assert code_of(c.put_object, Bucket=bucket, Key='k', Body=b'x', ACL='public-read') == (501, 'NotImplemented')
    assert code_of(c.put_object, Bucket=bucket, Key='k', Body=b'x', ObjectLockLegalHoldStatus='ON') == (400, 'InvalidRequest')
    c.put_object(Bucket=bucket, Key='k', Body=b'x', ACL='bucket-owner-full-control')


def test_chunked_transfer_without_length(store, bucket):
    url = make_client(store, signature_version='s3v4').generate_presigned_url('put_object', Params={'Bucket': bucket, 'Key': 'c'}, ExpiresIn=60)
    assert requests.put(url, data=iter([b'abc', b'def' * 100000])).status_code == 200
    assert signed(store, 'GET', f'/{bucket}/c').content == b'abc' + b'def' * 100000


def test_expect_continue_is_judged_first(store, bucket):
    where = urllib.parse.urlsplit(store['url'])
    with socket.create_connection((where.hostname, where.port), 10) as s:
        s.sendall(f'PUT /{bucket}/k HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n'.encode())
        assert s.recv(100).startswith(b'HTTP/1.1 403')
    url = make_client(store, signature_version='s3v4').generate_presigned_url('put_object', Params={'Bucket': bucket, 'Key': 'k'}, ExpiresIn=60)
    target = url[len(store['url']):]
    with socket.create_connection((where.hostname, where.port), 10) as s:
        s.sendall(f'PUT {target} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n'.encode())
        assert s.recv(100).startswith(b'HTTP/1.1 100')
        s.sendall(b'hello')
        assert s.recv(100).startswith(b'HTTP/1.1 200')


# ---- ranges and conditions ----

@pytest.mark.parametrize('size', [10000, 8 * MIB])
def test_ranges(c, bucket, size):
    body = random.Random(size).randbytes(size)
    c.put_object(Bucket=bucket, Key='r', Body=body)
    for text, expected in [('bytes=4-7', body[4:8]), (f'bytes={size // 2}-{size // 2 + 99}', body[size // 2:size // 2 + 100]),
                           (f'bytes={size - 5}-', body[-5:]), ('bytes=-7', body[-7:]), (f'bytes=0-{size * 2}', body)]:
        got = c.get_object(Bucket=bucket, Key='r', Range=text)
        data = got['Body'].read()
        assert data == expected and got['ResponseMetadata']['HTTPStatusCode'] == 206
        begin = body.find(expected) if len(expected) > 3 else 4
        assert got['ContentRange'] == f'bytes {begin}-{begin + len(expected) - 1}/{size}' and got['ContentLength'] == len(expected)
    assert code_of(c.get_object, Bucket=bucket, Key='r', Range=f'bytes={size}-') == (416, 'InvalidRange')
    c.put_object(Bucket=bucket, Key='empty', Body=b'')
    assert code_of(c.get_object, Bucket=bucket, Key='empty', Range='bytes=0-3') == (416, 'InvalidRange')


def test_conditional_get(c, bucket):
    etag = c.put_object(Bucket=bucket, Key='k', Body=b'v')['ETag']
    past, future = datetime.datetime(2000, 1, 1), datetime.datetime.utcnow() + datetime.timedelta(days=1)
    assert c.get_object(Bucket=bucket, Key='k', IfMatch=etag)['Body'].read() == b'v'
    assert code_of(c.get_object, Bucket=bucket, Key='k', IfMatch='"nope"') == (412, 'PreconditionFailed')
    assert code_of(c.get_object, Bucket=bucket, Key='k', IfNoneMatch=etag)[0] == 304
    assert c.get_object(Bucket=bucket, Key='k', IfNoneMatch='"nope"')['Body'].read() == b'v'
    assert c.get_object(Bucket=bucket, Key='k', IfModifiedSince=past)['Body'].read() == b'v'
    assert code_of(c.get_object, Bucket=bucket, Key='k', IfModifiedSince=future)[0] == 304
    assert code_of(c.get_object, Bucket=bucket, Key='k', IfUnmodifiedSince=past) == (412, 'PreconditionFailed')
    assert c.get_object(Bucket=bucket, Key='k', IfUnmodifiedSince=future)['Body'].read() == b'v'
    assert code_of(c.head_object, Bucket=bucket, Key='k', IfMatch='"nope"')[0] == 412


@pytest.mark.parametrize('body', [b'v', b'v' * MIB])
def test_conditional_put(c, bucket, body):
    assert code_of(c.put_object, Bucket=bucket, Key='k', Body=body, IfMatch='*') == (404, 'NoSuchKey')
    etag = c.put_object(Bucket=bucket, Key='k', Body=body, IfNoneMatch='*')['ETag']
    assert code_of(c.put_object, Bucket=bucket, Key='k', Body=b'w', IfNoneMatch='*') == (412, 'PreconditionFailed')
    assert code_of(c.put_object, Bucket=bucket, Key='k', Body=b'w', IfMatch='"' + '0' * 32 + '"') == (412, 'PreconditionFailed')
    assert c.get_object(Bucket=bucket, Key='k')['Body'].read() == body
    c.put_object(Bucket=bucket, Key='k', Body=b'w', IfMatch=etag)
    c.put_object(Bucket=bucket, Key='k', Body=b'x', IfMatch='*')
    c.put_object(Bucket=bucket, Key='k', Body=b'y', IfNoneMatch='"' + '0' * 32 + '"')
    assert c.get_object(Bucket=bucket, Key='k')['Body'].read() == b'y'


def test_concurrent_creates_have_one_winner(c, bucket):
    def create(i):
        try:
            c.put_object(Bucket=bucket, Key='one', Body=str(i).encode(), IfNoneMatch='*')
            return i
        except ClientError as e:
            assert e.response['Error']['Code'] in ('PreconditionFailed', 'ConditionalRequestConflict')
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        winners = [i for i in pool.map(create, range(32)) if i is not None]
    assert len(winners) == 1 and c.get_object(Bucket=bucket, Key='one')['Body'].read() == str(winners[0]).encode()


def test_reader_keeps_the_old_bytes(c, bucket):
    old, new = b'o' * (8 * MIB), b'n' * (8 * MIB)
    c.put_object(Bucket=bucket, Key='k', Body=old)
    got = c.get_object(Bucket=bucket, Key='k')['Body']
    first = got.read(1000)
    c.put_object(Bucket=bucket, Key='k', Body=new)
    c.delete_object(Bucket=bucket, Key='k')
    assert first + got.read() == old


def test_concurrent_writes_do_not_mix(c, bucket):
    def put(i):
        c.put_object(Bucket=bucket, Key='k', Body=bytes([i]) * (4 * MIB))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(8)))
    assert len(set(c.get_object(Bucket=bucket, Key='k')['Body'].read())) == 1


# ---- checksums ----

@pytest.mark.parametrize('size', [5, 300000])
@pytest.mark.parametrize('algorithm', ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'])
def test_checksums(c, bucket, algorithm, size):
    if algorithm in ('CRC32C', 'CRC64NVME'):
        pytest.importorskip('awscrt')
    body = b'x' * size
    field = 'Checksum' + algorithm
    put = c.put_object(Bucket=bucket, Key='k', Body=body, ChecksumAlgorithm=algorithm)
    got = c.get_object(Bucket=bucket, Key='k', ChecksumMode='ENABLED')
    assert put[field] == got[field] and got['Body'].read() == body and got['ChecksumType'] == 'FULL_OBJECT'
    assert field not in c.head_object(Bucket=bucket, Key='k')
    assert c.get_object_attributes(Bucket=bucket, Key='k', ObjectAttributes=['Checksum'])['Checksum'][field] == put[field]
    wrong = base64.b64encode(bytes(len(base64.b64decode(put[field])))).decode()
    assert code_of(c.put_object, Bucket=bucket, Key='k', Body=body, **{field: wrong}) == (400, 'BadDigest')


def test_trailing_checksum_over_plain_http(store, bucket):
    """What SDKs send for streams: aws-chunked with an unsigned or signed trailer."""
    body = b'stream me ' * 20000
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, 'big')).decode()

    def chunks(trailer):
        out = b''
        for at in range(0, len(body), 65536):
            piece = body[at:at + 65536]
            out += f'{len(piece):x}\r\n'.encode() + piece + b'\r\n'
        return out + f'0\r\nx-amz-checksum-crc32:{trailer}\r\n\r\n'.encode()
    for trailer, expected in ((crc, 200), ('AAAAAA==', 400)):
        response = signed(store, 'PUT', f'/{bucket}/t', chunks(trailer), {
            'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'x-amz-trailer': 'x-amz-checksum-crc32',
            'x-amz-decoded-content-length': str(len(body)), 'Content-Encoding': 'aws-chunked'})
        assert response.status_code == expected, response.text
    got = signed(store, 'GET', f'/{bucket}/t', headers={'x-amz-checksum-mode': 'ENABLED'})
    assert got.content == body and got.headers['x-amz-checksum-crc32'] == crc and 'Content-Encoding' not in got.headers


# ---- listing ----

def fill(c, bucket, keys):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: c.put_object(Bucket=bucket, Key=k, Body=b'x'), keys))


def test_listing_pages(c, bucket):
    keys = sorted(f'k{i:04d}' for i in range(1203))
    fill(c, bucket, keys)
    for version in ('list_objects', 'list_objects_v2'):
        got = [o['Key'] for page in c.get_paginator(version).paginate(Bucket=bucket, PaginationConfig={'PageSize': 100}) for o in page['Contents']]
        assert got == keys
    got = [o['Key'] for page in c.get_paginator('list_object_versions').paginate(Bucket=bucket) for o in page['Versions']]
    assert got == keys
    page = c.list_objects_v2(Bucket=bucket)
    assert page['KeyCount'] == 1000 and page['MaxKeys'] == 1000 and page['IsTruncated']
    assert [o['Key'] for o in c.list_objects_v2(Bucket=bucket, StartAfter='k1200')['Contents']] == ['k1201', 'k1202']
    assert [o['Key'] for o in c.list_objects(Bucket=bucket, Marker='k12000')['Contents']] == ['k1201', 'k1202']
    for call in (c.list_objects, c.list_objects_v2):
        page = call(Bucket=bucket, MaxKeys=0)
        assert not page['IsTruncated'] and 'Contents' not in page
    assert not c.list_objects(Bucket=bucket, Marker='zzz')['IsTruncated']
    owner = c.list_objects_v2(Bucket=bucket, MaxKeys=1, FetchOwner=True)['Contents'][0]['Owner']
    assert owner['ID'] and 'Owner' not in c.list_objects_v2(Bucket=bucket, MaxKeys=1)['Contents'][0]


def test_listing_delimiters(c, bucket):
    fill(c, bucket, ['asdf', 'boo/bar', 'boo/baz/xyzzy', 'cquux/thud', 'cquux/bla', '_under', 'b%ar', 'b a'])

    def both(**arguments):
        v1, v2 = c.list_objects(Bucket=bucket, **arguments), c.list_objects_v2(Bucket=bucket, **arguments)
        for page in (v1, v2):
            yield [o['Key'] for o in page.get('Contents', [])], [p['Prefix'] for p in page.get('CommonPrefixes', [])]
    for result in both(Delimiter='/'):
        assert result == (['_under', 'asdf', 'b a', 'b%ar'], ['boo/', 'cquux/'])
    for result in both(Delimiter='/', Prefix='boo/'):
        assert result == (['boo/bar'], ['boo/baz/'])
    for result in both(Delimiter='%'):
        assert result == (['_under', 'asdf', 'b a', 'boo/bar', 'boo/baz/xyzzy', 'cquux/bla', 'cquux/thud'], ['b%'])
    for result in both(Delimiter=' '):
        assert result[1] == ['b ']
    for result in both(Delimiter='zz', Prefix='b'):
        assert result[1] == ['boo/baz/xyzz']
    for result in both(Delimiter='/', Prefix='nothing'):
        assert result == ([], [])
    page = c.list_objects(Bucket=bucket, Delimiter='/', MaxKeys=5)
    assert page['IsTruncated'] and page['NextMarker'] == 'boo/'
    page = c.list_objects(Bucket=bucket, Delimiter='/', Marker=page['NextMarker'])
    assert [p['Prefix'] for p in page['CommonPrefixes']] == ['cquux/'] and not page['IsTruncated']


def test_listing_arguments(store, bucket):
    assert error_code(signed(store, 'GET', f'/{bucket}?max-keys=blah')) == (400, 'InvalidArgument')
    assert error_code(signed(store, 'GET', f'/{bucket}?allow-unordered=true&delimiter=%2F')) == (400, 'InvalidArgument')
    assert signed(store, 'GET', f'/{bucket}?allow-unordered=true').status_code == 200
    assert '<ContinuationToken></ContinuationToken>' in signed(store, 'GET', f'/{bucket}?list-type=2&continuation-token=').text
    signed(store, 'PUT', f'/{bucket}/a%2Bb%20c/d', b'x')
    text = signed(store, 'GET', f'/{bucket}?encoding-type=url&delimiter=%2F').text
    assert '<Prefix>a%2Bb%20c/</Prefix>' in text and '<Delimiter>/</Delimiter>' in text and '<EncodingType>url</EncodingType>' in text
    assert '&#xA;' in signed(store, 'GET', f'/{bucket}?marker=%0A').text


# ---- deleting, copying, tags ----

def test_delete_objects(c, bucket, store):
    fill(c, bucket, [f'd{i}' for i in range(5)])
    result = c.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': f'd{i}'} for i in range(3)] + [{'Key': 'missing'}]})
    assert sorted(d['Key'] for d in result['Deleted']) == ['d0', 'd1', 'd2', 'missing']
    assert 'Deleted' not in c.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': 'd3'}], 'Quiet': True})
    assert [o['Key'] for o in c.list_objects(Bucket=bucket)['Contents']] == ['d4']
    assert code_of(c.delete_objects, Bucket=bucket, Delete={'Objects': [{'Key': str(i)} for i in range(1001)]}) == (400, 'MalformedXML')
    for body in (b'', b'<Delete>', b'<Other/>', b'<Delete/>', b'<!DOCTYPE x [<!ENTITY a "b">]><Delete><Object><Key>&a;</Key></Object></Delete>'):
        assert error_code(signed(store, 'POST', f'/{bucket}?delete', body)) == (400, 'MalformedXML')


@pytest.mark.parametrize('size', [3, MIB])
def test_copy(c, bucket, size):
    body = b'c' * size
    etag = c.put_object(Bucket=bucket, Key='a?b', Body=body, ContentType='text/x', Metadata={'k': 'v'}, Tagging='t=1')['ETag']
    copied = c.copy_object(Bucket=bucket, Key='to&there', CopySource={'Bucket': bucket, 'Key': 'a?b'})
    assert copied['CopyObjectResult']['ETag'] == etag
    got = c.get_object(Bucket=bucket, Key='to&there')
    assert got['Body'].read() == body and got['Metadata'] == {'k': 'v'} and got['ContentType'] == 'text/x' and got['TagCount'] == 1
    c.copy_object(Bucket=bucket, Key='new.parquet', CopySource={'Bucket': bucket, 'Key': 'a?b'}, MetadataDirective='REPLACE', Metadata={'n': 'w'},
                  TaggingDirective='REPLACE', Tagging='x=y&z=')
    got = c.get_object(Bucket=bucket, Key='new.parquet')
    assert got['Metadata'] == {'n': 'w'} and got['ContentType'] == 'binary/octet-stream' and got['Body'].read() == body
    assert c.get_object_tagging(Bucket=bucket, Key='new.parquet')['TagSet'] == [{'Key': 'x', 'Value': 'y'}, {'Key': 'z', 'Value': ''}]
    source = {'Bucket': bucket, 'Key': 'a?b'}
    assert code_of(c.copy_object, Bucket=bucket, Key='a?b', CopySource=source) == (400, 'InvalidRequest')
    c.copy_object(Bucket=bucket, Key='a?b', CopySource=source, MetadataDirective='REPLACE', Metadata={'self': 'yes'})
    assert c.head_object(Bucket=bucket, Key='a?b')['Metadata'] == {'self': 'yes'}
    assert code_of(c.copy_object, Bucket=bucket, Key='k', CopySource={'Bucket': bucket, 'Key': 'missing'}) == (404, 'NoSuchKey')
    assert code_of(c.copy_object, Bucket=bucket, Key='k', CopySource={'Bucket': 'no-such-bucket', 'Key': 'x'}) == (404, 'NoSuchBucket')
    c.copy_object(Bucket=bucket, Key='k', CopySource=source, CopySourceIfMatch=etag)
    assert code_of(c.copy_object, Bucket=bucket, Key='k', CopySource=source, CopySourceIfNoneMatch=etag) == (412, 'PreconditionFailed')
    c.delete_object(Bucket=bucket, Key='a?b')
    assert c.get_object(Bucket=bucket, Key='to&there')['Body'].read() == body


def test_object_tagging(c, bucket):
    c.put_object(Bucket=bucket, Key='k', Body=b'x', Tagging='a=b&c=d%20e')
    assert c.get_object_tagging(Bucket=bucket, Key='k')['TagSet'] == [{'Key': 'a', 'Value': 'b'}, {'Key': 'c', 'Value': 'd e'}]
    assert c.head_object(Bucket=bucket, Key='k')['ResponseMetadata']['HTTPHeaders']['x-amz-tagging-count'] == '2'

    def tags(n, key='k', value='v'):
        return {'TagSet': [{'Key': f'{key}{i}', 'Value': value} for i in range(n)]}
    for bad in (tags(11), tags(1, key='k' * 128), tags(1, value='v' * 257), {'TagSet': [{'Key': 'x', 'Value': '1'}] * 2}):
        assert code_of(c.put_object_tagging, Bucket=bucket, Key='k', Tagging=bad) == (400, 'InvalidTag')
    assert len(c.get_object_tagging(Bucket=bucket, Key='k')['TagSet']) == 2
    c.put_object_tagging(Bucket=bucket, Key='k', Tagging=tags(10, value='v' * 256))
    assert c.get_object_tagging(Bucket=bucket, Key='k')['TagSet'] == tags(10, value='v' * 256)['TagSet']
    c.delete_object_tagging(Bucket=bucket, Key='k')
    assert c.get_object_tagging(Bucket=bucket, Key='k')['TagSet'] == []
    assert code_of(c.get_object_tagging, Bucket=bucket, Key='nope') == (404, 'NoSuchKey')
    assert c.get_object(Bucket=bucket, Key='k')['Body'].read() == b'x'


def test_attributes(c, bucket):
    c.put_object(Bucket=bucket, Key='k', Body=b'hello', ChecksumAlgorithm='SHA256')
    got = c.get_object_attributes(Bucket=bucket, Key='k', ObjectAttributes=['ETag', 'ObjectSize', 'StorageClass', 'Checksum', 'ObjectParts'])
    assert got['ETag'] == hashlib.md5(b'hello').hexdigest() and got['ObjectSize'] == 5 and got['StorageClass'] == 'STANDARD'
    assert got['Checksum']['ChecksumSHA256'] == base64.b64encode(hashlib.sha256(b'hello').digest()).decode() and 'ObjectParts' not in got


# ---- multipart ----

def upload(c, bucket, key, parts, order=None, **create):
    upload_id = c.create_multipart_upload(Bucket=bucket, Key=key, **create)['UploadId']
    done = {}
    for n in order or range(1, len(parts) + 1):
        done[n] = c.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=n, Body=parts[n - 1])['ETag']
    return upload_id, [{'PartNumber': n, 'ETag': done[n]} for n in sorted(done)]


def complete(c, bucket, key, upload_id, parts, **more):
    return c.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={'Parts': parts}, **more)


@pytest.mark.parametrize('order', [None, [3, 2, 1], [3, 1, 2], [1, 2, 1, 3], [2, 2, 3, 1]])
def test_multipart(c, bucket, order):
    rng = random.Random(str(order))
    parts = [rng.randbytes(5 * MIB), rng.randbytes(5 * MIB), rng.randbytes(1234)]
    c.put_object(Bucket=bucket, Key='m', Body=b'before')
    upload_id, done = upload(c, bucket, 'm', parts, order, ContentType='text/m', Metadata={'a': 'b'}, Tagging='t=u')
    assert c.get_object(Bucket=bucket, Key='m')['Body'].read() == b'before'
    listed = c.list_parts(Bucket=bucket, Key='m', UploadId=upload_id)
    assert [(p['PartNumber'], p['Size']) for p in listed['Parts']] == [(i + 1, len(p)) for i, p in enumerate(parts)]
    result = complete(c, bucket, 'm', upload_id, done)
    whole = b''.join(parts)
    etag = hashlib.md5(b''.join(hashlib.md5(p).digest() for p in parts)).hexdigest() + '-3'
    assert result['ETag'] == f'"{etag}"'
    assert complete(c, bucket, 'm', upload_id, done)['ETag'] == f'"{etag}"'     # a retry whose answer was lost
    got = c.get_object(Bucket=bucket, Key='m')
    assert got['Body'].read() == whole and got['ContentType'] == 'text/m' and got['Metadata'] == {'a': 'b'} and got['TagCount'] == 1
    middle = 5 * MIB
    assert c.get_object(Bucket=bucket, Key='m', Range=f'bytes={middle - 10}-{middle + 9}')['Body'].read() == whole[middle - 10:middle + 10]
    for i, part in enumerate(parts):
        got = c.get_object(Bucket=bucket, Key='m', PartNumber=i + 1)
        assert got['Body'].read() == part and got['PartsCount'] == 3 and got['ETag'] == f'"{etag}"'
    assert code_of(c.get_object, Bucket=bucket, Key='m', PartNumber=4) == (400, 'InvalidPart')
    attributes = c.get_object_attributes(Bucket=bucket, Key='m', ObjectAttributes=['ObjectParts', 'ETag'], MaxParts=2)
    assert attributes['ObjectParts']['TotalPartsCount'] == 3 and attributes['ObjectParts']['IsTruncated']
    assert 'Uploads' not in c.list_multipart_uploads(Bucket=bucket)


def test_multipart_subset_and_uneven(c, bucket):
    rng = random.Random(7)
    parts = [rng.randbytes(n) for n in (5 * MIB, 6 * MIB + 1, 5 * MIB, 7 * MIB, 10)]
    upload_id, done = upload(c, bucket, 'm', parts)
    chosen = [done[0], done[1], done[3], done[4]]
    complete(c, bucket, 'm', upload_id, chosen)
    assert c.get_object(Bucket=bucket, Key='m')['Body'].read() == parts[0] + parts[1] + parts[3] + parts[4]
    upload_id, done = upload(c, bucket, 'twice', [b'only'])
    complete(c, bucket, 'twice', upload_id, [{'PartNumber': 1, 'ETag': '0' * 32}] + done)
    upload_id, done = upload(c, bucket, 'gap', [parts[0], parts[2], parts[4]], order=[1, 2, 3])
    complete(c, bucket, 'gap', upload_id, [done[0], done[2]])
    assert c.get_object(Bucket=bucket, Key='gap')['Body'].read() == parts[0] + parts[4]


def test_multipart_refusals(c, bucket):
    upload_id, done = upload(c, bucket, 'm', [b'small', b'last'])
    assert code_of(complete, c=c, bucket=bucket, key='m', upload_id=upload_id, parts=done) == (400, 'EntityTooSmall')
    assert code_of(complete, c=c, bucket=bucket, key='m', upload_id=upload_id, parts=done[::-1]) == (400, 'InvalidPartOrder')
    assert code_of(complete, c=c, bucket=bucket, key='m', upload_id=upload_id, parts=[]) == (400, 'MalformedXML')
    assert code_of(complete, c=c, bucket=bucket, key='m', upload_id=upload_id, parts=[{'PartNumber': 1, 'ETag': '0' * 32}]) == (400, 'InvalidPart')
    assert code_of(complete, c=c, bucket=bucket, key='m', upload_id=upload_id, parts=[{'PartNumber': 9, 'ETag': '0' * 32}]) == (400, 'InvalidPart')
    assert code_of(c.upload_part, Bucket=bucket, Key='m', UploadId=upload_id, PartNumber=10001, Body=b'')[0] == 400
    assert code_of(c.upload_part, Bucket=bucket, Key='other', UploadId=upload_id, PartNumber=1, Body=b'') == (404, 'NoSuchUpload')
    assert len(c.list_multipart_uploads(Bucket=bucket)['Uploads']) == 1
    c.abort_multipart_upload(Bucket=bucket, Key='m', UploadId=upload_id)
    assert code_of(c.abort_multipart_upload, Bucket=bucket, Key='m', UploadId=upload_id) == (404, 'NoSuchUpload')
    assert code_of(c.upload_part, Bucket=bucket, Key='m', UploadId=upload_id, PartNumber=1, Body=b'') == (404, 'NoSuchUpload')
    assert code_of(complete, c=c, bucket=bucket, key='m', upload_id=upload_id, parts=done) == (404, 'NoSuchUpload')
    assert code_of(c.get_object, Bucket=bucket, Key='m') == (404, 'NoSuchKey')


def test_multipart_conditions(c, bucket):
    upload_id, done = upload(c, bucket, 'm', [b'x'])
    assert code_of(complete, c=c, bucket=bucket, key='m', upload_id=upload_id, parts=done, IfMatch='"x"') == (404, 'NoSuchKey')
    etag = c.put_object(Bucket=bucket, Key='m', Body=b'there')['ETag']
    assert code_of(complete, c=c, bucket=bucket, key='m', upload_id=upload_id, parts=done, IfNoneMatch='*') == (412, 'PreconditionFailed')
    assert code_of(complete, c=c, bucket=bucket, key='m', upload_id=upload_id, parts=done, IfMatch='"x"') == (412, 'PreconditionFailed')
    complete(c, bucket, 'm', upload_id, done, IfMatch=etag)
    assert c.get_object(Bucket=bucket, Key='m')['Body'].read() == b'x'


@pytest.mark.parametrize('algorithm,kind', [('SHA256', 'COMPOSITE'), ('SHA1', 'COMPOSITE'), ('CRC32', 'COMPOSITE'), ('CRC32', 'FULL_OBJECT')])
def test_multipart_checksums(c, bucket, algorithm, kind):
    parts = [b'a' * (5 * MIB), b'b' * 100]
    field = 'Checksum' + algorithm

    def digest(data):
        return zlib.crc32(data).to_bytes(4, 'big') if algorithm == 'CRC32' else hashlib.new(algorithm, data).digest()
    created = c.create_multipart_upload(Bucket=bucket, Key='m', ChecksumAlgorithm=algorithm, ChecksumType=kind)
    assert created['ChecksumAlgorithm'] == algorithm and created['ChecksumType'] == kind
    done = []
    for n, part in enumerate(parts, 1):
        sent = c.upload_part(Bucket=bucket, Key='m', UploadId=created['UploadId'], PartNumber=n, Body=part, ChecksumAlgorithm=algorithm)
        assert sent[field] == base64.b64encode(digest(part)).decode()
        done.append({'PartNumber': n, 'ETag': sent['ETag'], field: sent[field]})
    composite = base64.b64encode(digest(b''.join(digest(p) for p in parts))).decode() + '-2'
    whole = composite if kind == 'COMPOSITE' else base64.b64encode(digest(b''.join(parts))).decode()
    wrong = base64.b64encode(bytes(len(digest(b'')))).decode()
    assert code_of(complete, c=c, bucket=bucket, key='m', upload_id=created['UploadId'], parts=done, **{field: wrong}) == (400, 'BadDigest')
    result = complete(c, bucket, 'm', created['UploadId'], done, **{field: whole})
    assert result[field] == whole and result['ChecksumType'] == kind
    assert c.head_object(Bucket=bucket, Key='m', ChecksumMode='ENABLED')[field] == whole
    assert c.get_object(Bucket=bucket, Key='m', PartNumber=2, ChecksumMode='ENABLED')[field] == done[1][field]
    attributes = c.get_object_attributes(Bucket=bucket, Key='m', ObjectAttributes=['ObjectParts', 'Checksum'])
    assert attributes['Checksum'][field] == whole and attributes['ObjectParts']['Parts'][0][field] == done[0][field]


def test_upload_part_copy(c, bucket):
    source = random.Random(3).randbytes(6 * MIB)
    c.put_object(Bucket=bucket, Key='src', Body=source)
    c.put_object(Bucket=bucket, Key='tiny', Body=b'0123456789')
    upload_id = c.create_multipart_upload(Bucket=bucket, Key='m')['UploadId']

    def copy(n, key, **more):
        return {'PartNumber': n, 'ETag': c.upload_part_copy(Bucket=bucket, Key='m', UploadId=upload_id, PartNumber=n, CopySource={
            'Bucket': bucket, 'Key': key}, **more)['CopyPartResult']['ETag']}
    done = [copy(1, 'src'), copy(2, 'src', CopySourceRange=f'bytes=0-{5 * MIB - 1}'), copy(3, 'tiny', CopySourceRange='bytes=2-4')]
    complete(c, bucket, 'm', upload_id, done)
    assert c.get_object(Bucket=bucket, Key='m')['Body'].read() == source + source[:5 * MIB] + b'234'
    upload_id = c.create_multipart_upload(Bucket=bucket, Key='m')['UploadId']
    for bad in ('0-2', 'bytes=0', 'bytes=hello-world', 'bytes=0-bar', 'bytes=hello-', 'bytes=0-2,3-5'):
        assert code_of(copy, n=1, key='tiny', CopySourceRange=bad) == (400, 'InvalidArgument')
    assert code_of(copy, n=1, key='tiny', CopySourceRange='bytes=0-21')[1] in ('InvalidRange', 'InvalidArgument')


def test_parallel_parts(c, bucket):
    parts = [bytes([i]) * (5 * MIB) for i in range(12)]
    upload_id = c.create_multipart_upload(Bucket=bucket, Key='m')['UploadId']
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        etags = list(pool.map(lambda i: c.upload_part(Bucket=bucket, Key='m', UploadId=upload_id, PartNumber=i + 1, Body=parts[i])['ETag'], range(12)))
    complete(c, bucket, 'm', upload_id, [{'PartNumber': i + 1, 'ETag': e} for i, e in enumerate(etags)])
    body = c.get_object(Bucket=bucket, Key='m')['Body'].read()
    assert body == b''.join(parts)


def test_bucket_deleted_during_put(c, store):
    name = 'gone-' + uuid.uuid4().hex[:12]
    c.create_bucket(Bucket=name)
    url = make_client(store, signature_version='s3v4').generate_presigned_url('put_object', Params={'Bucket': name, 'Key': 'k'}, ExpiresIn=60)
    where = urllib.parse.urlsplit(store['url'])
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=20)
    connection.putrequest('PUT', url[len(store['url']):])
    connection.putheader('Content-Length', str(MIB))
    connection.endheaders()
    connection.send(b'x' * 1000)
    time.sleep(0.2)
    c.delete_bucket(Bucket=name)
    connection.send(b'x' * (MIB - 1000))
    response = connection.getresponse()
    assert response.status == 404 and b'NoSuchBucket' in response.read()


def test_many_threads_put_get_delete(c, bucket):
    errors = []

    def work(seed):
        rng = random.Random(seed)
        try:
            for i in range(30):
                key, body = f'{seed}/{rng.randrange(5)}', rng.randbytes(rng.choice([10, 5000, 70000]))
                c.put_object(Bucket=bucket, Key=key, Body=body)
                assert c.get_object(Bucket=bucket, Key=key)['Body'].read() == body
                if rng.random() < 0.3:
                    c.delete_object(Bucket=bucket, Key=key)
                    assert code_of(c.get_object, Bucket=bucket, Key=key)[0] == 404
        except BaseException as e:  # noqa: BLE001
            errors.append(e)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not errors
