/* sigv4_test.c - the examples of the S3 API reference ("Signature Calculations…"), the presigned and chunked
 * forms, and refusals. Keys are the documentation's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "format/aws_chunked.h"

#define ACCESS STR("AKIAIOSFODNN7EXAMPLE")
#define SECRET STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
#define EMPTY_SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SCOPE "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"

static int64_t the_time(void)
{
    int64_t us = 0;
    time_parse_amz(STR("20130524T000000Z"), &us, NULL);
    return us;
}

static int verify(const SigRequest *request, int64_t now_us, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    SigAuth auth;
    HmacKey key;
    if (sigv4_parse(request, arena, &auth, err) < 0)
        return -1;
    if (!str_eq(auth.access_key, ACCESS))
        return err_set(err, ERR_INVALID_ACCESS_KEY, "no such key");
    if (auth.kind == SIG_V2_QUERY)
        return sigv2_verify(request, &auth, SECRET, request->path, now_us, arena, err);
    sigv4_signing_key(SECRET, auth.date, auth.region, auth.service, &key);
    return sigv4_verify(request, &auth, &key, now_us, arena, err);
}

static const SigHeader get_headers[] = {
    {STR("Host"), STR("examplebucket.s3.amazonaws.com")},
    {STR("Authorization"),
     STR("AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
         "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")},
    {STR("Range"), STR("bytes=0-9")},
    {STR("x-amz-content-sha256"), STR(EMPTY_SHA)},
    {STR("x-amz-date"), STR("20130524T000000Z")},
};

static void test_get_object(void **state)
{
    SigRequest request = {STR("GET"), STR("/test.txt"), STR(""), get_headers, 5};
    Error err = {0};
    assert_int_equal(verify(&request, the_time() + 60000000, &err), 0);
    request.method = STR("PUT");
    assert_int_equal(verify(&request, the_time(), &err), -1);
    assert_int_equal(err.code, ERR_SIGNATURE_MISMATCH);
    request.method = STR("GET");
    assert_int_equal(verify(&request, the_time() + 16ll * 60 * 1000000, &err), -1);
    assert_int_equal(err.code, ERR_TIME_TOO_SKEWED);
    assert_int_equal(verify(&request, the_time() - 16ll * 60 * 1000000, &err), -1);
    assert_int_equal(err.code, ERR_TIME_TOO_SKEWED);
}

static void test_put_and_list(void **state)
{
    const SigHeader put[] = {
        {STR("Host"), STR("examplebucket.s3.amazonaws.com")},
        {STR("Date"), STR("Fri, 24 May 2013 00:00:00 GMT")},
        {STR("Authorization"),
         STR("AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;"
             "x-amz-storage-class, "
             "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")},
        {STR("x-amz-date"), STR("20130524T000000Z")},
        {STR("x-amz-storage-class"), STR("REDUCED_REDUNDANCY")},
        {STR("x-amz-content-sha256"),
         STR("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")},
    };
    SigRequest request = {STR("PUT"), STR("/test$file.text"), STR(""), put, 6};
    Error err = {0};
    assert_int_equal(verify(&request, the_time(), &err), 0);
    request.path = STR("/test%24file.text");
    assert_int_equal(verify(&request, the_time(), &err), 0);
    const SigHeader list[] = {
        {STR("host"), STR("examplebucket.s3.amazonaws.com")},
        {STR("x-amz-date"), STR("20130524T000000Z")},
        {STR("x-amz-content-sha256"), STR(EMPTY_SHA)},
        {STR("authorization"),
         STR("AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
             "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")},
    };
    SigRequest get = {STR("GET"), STR("/"), STR("prefix=J&max-keys=2"), list, 4};
    assert_int_equal(verify(&get, the_time(), &err), 0);
    /* a header that changes the meaning and is not signed */
    SigHeader extra[5];
    memcpy(extra, list, sizeof list);
    extra[4] = (SigHeader){STR("x-amz-acl"), STR("public-read")};
    SigRequest more = {STR("GET"), STR("/"), STR("max-keys=2&prefix=J"), extra, 5};
    assert_int_equal(verify(&more, the_time(), &err), -1);
    assert_int_equal(err.code, ERR_FORBIDDEN);
}

static void test_presigned(void **state)
{
    const SigHeader host = {STR("host"), STR("examplebucket.s3.amazonaws.com")};
#define PRESIGNED(expires, signature)                                                                        \
    STR("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"               \
        "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=" expires                   \
        "&X-Amz-SignedHeaders=host&X-Amz-Signature=" signature)
    SigRequest request = {
        STR("GET"), STR("/test.txt"),
        PRESIGNED("86400", "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"), &host, 1};
    Error err = {0};
    assert_int_equal(verify(&request, the_time() + 86399ll * 1000000, &err), 0);
    assert_int_equal(verify(&request, the_time() + 86401ll * 1000000, &err), -1);
    assert_int_equal(err.code, ERR_FORBIDDEN);
    static const Str bad[] = {PRESIGNED("0", "aa"), PRESIGNED("604801", "aa"), PRESIGNED("-10", "aa")};
    for (size_t i = 0; i < 3; i++) {
        request.query = bad[i];
        assert_int_equal(verify(&request, the_time(), &err), -1);
        assert_int_equal(err.code, ERR_FORBIDDEN);
    }
    request.query = PRESIGNED("86400", "beeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    assert_int_equal(verify(&request, the_time(), &err), -1);
    assert_int_equal(err.code, ERR_SIGNATURE_MISMATCH);
}

static void test_sign_then_verify(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    SigHeader headers[4] = {{STR("Host"), STR("127.0.0.1:9000")},
                            {STR("X-Amz-Date"), STR("20130524T000000Z")},
                            {STR("X-Amz-Content-Sha256"), STR("UNSIGNED-PAYLOAD")}};
    SigRequest request = {STR("PUT"), STR("/b/a%20b//../c+d"), STR("tagging&x=%2b"), headers, 3};
    Error err = {0};
    Str authorization, query;
    assert_int_equal(
        sigv4_sign(&request, ACCESS, SECRET, STR("us-east-1"), the_time(), arena, &authorization, &err), 0);
    headers[3] = (SigHeader){STR("Authorization"), authorization};
    request.n_headers = 4;
    assert_int_equal(verify(&request, the_time(), &err), 0);
    assert_int_equal(sigv4_presign(STR("GET"), headers[0].value, STR("/b/k"), STR("versionId=null"), ACCESS,
                                   SECRET, STR("us-east-1"), the_time(), 60, arena, &query, &err),
                     0);
    SigRequest presigned = {STR("GET"), STR("/b/k"), query, headers, 1};
    assert_int_equal(verify(&presigned, the_time(), &err), 0);
}

static void test_v2_query(void **state)
{
    /* the query example of "Signing and Authenticating REST Requests" */
    SigRequest request = {STR("GET"), STR("/awsexamplebucket1/photos/puppy.jpg"),
                          STR("AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%"
                              "3D&Expires=1175139620"),
                          NULL, 0};
    Error err = {0};
    assert_int_equal(verify(&request, 1175139600ll * 1000000, &err),
                     -1); /* made with another bucket's name */
    assert_int_equal(err.code, ERR_SIGNATURE_MISMATCH);
    request.path = STR("/johnsmith/photos/puppy.jpg");
    assert_int_equal(verify(&request, 1175139600ll * 1000000, &err), 0);
    assert_int_equal(verify(&request, 1175139621ll * 1000000, &err), -1);
    assert_int_equal(err.code, ERR_FORBIDDEN);
}

static void test_malformed(void **state)
{
    static const Str bad[] = {
        STR("AWS4-HMAC-SHA256"),
        STR("AWS4-HMAC-SHA256 Credential=x"),
        STR("AWS4-HMAC-SHA256 Credential=a/b/c,SignedHeaders=host,Signature=1"),
        STR("AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws5,SignedHeaders=host,Signature=1"),
        STR("AWS4-HMAC-SHA256 ,,,="),
        STR("Basic Zm9v"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const SigHeader headers[] = {{STR("Authorization"), bad[i]},
                                     {STR("x-amz-date"), STR("20130524T000000Z")}};
        SigRequest request = {STR("GET"), STR("/"), STR(""), headers, 2};
        Error err = {0};
        assert_int_equal(verify(&request, the_time(), &err), -1);
        assert_int_equal(err_info(err.code)->http_status, 400);
    }
}

/* ---- chunks: the example of "Transferring Payload in Multiple Chunks": 66,560 bytes of 'a' in chunks of 64
 * KiB ---- */

static int collect(void *arg, const void *bytes, size_t n, Error *err)
{
    return buf_append(arg, bytes, n);
}

static void chunk_auth(SigAuth *auth, HmacKey *key, SigPayload payload, const char *seed)
{
    *auth = (SigAuth){.kind = SIG_V4_HEADER,
                      .payload = payload,
                      .date = STR("20130524"),
                      .region = STR("us-east-1"),
                      .service = STR("s3"),
                      .time_us = the_time(),
                      .signature = str_from(seed)};
    sigv4_signing_key(SECRET, auth->date, auth->region, auth->service, key);
}

static int decode(Str body, size_t piece, SigPayload payload, const char *seed, Buf *out, char trailer[64],
                  Error *err)
{
    SigAuth auth;
    HmacKey key;
    AwsChunked c;
    chunk_auth(&auth, &key, payload, seed);
    aws_chunked_init(&c, &auth, &key);
    int result = 0;
    for (size_t at = 0; at < body.len && result == 0; at += piece) {
        result = aws_chunked_feed(&c, str_slice(body, at, at + piece), collect, out, err);
    }
    if (result == 0)
        result = aws_chunked_end(&c, err);
    Str value = aws_chunked_trailer(&c, "x-amz-checksum-crc32c");
    if (trailer)
        memcpy(trailer, value.ptr ? value.ptr : "", value.len), trailer[value.len] = 0;
    aws_chunked_free(&c);
    return result;
}

static void test_signed_chunks(void **state)
{
    _cleanup_buf_ Buf body = BUF_INIT(1 << 20);
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    buf_puts(&body,
             "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n");
    for (int i = 0; i < 65536; i++)
        buf_putc(&body, 'a');
    buf_puts(&body,
             "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n");
    for (int i = 0; i < 1024; i++)
        buf_putc(&body, 'a');
    buf_puts(
        &body,
        "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n");
    const char *seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    Error err = {0};
    static const size_t pieces[] = {1, 7, 4096, 1 << 20};
    for (size_t i = 0; i < 4; i++) {
        buf_clear(&out);
        assert_int_equal(decode(buf_str(&body), pieces[i], SIG_PAYLOAD_CHUNKS, seed, &out, NULL, &err), 0);
        assert_int_equal(out.len, 66560);
    }
    body.data[200] = 'b';
    assert_int_equal(decode(buf_str(&body), 4096, SIG_PAYLOAD_CHUNKS, seed, &out, NULL, &err), -1);
    assert_int_equal(err.code, ERR_SIGNATURE_MISMATCH);
    body.data[200] = 'a';
    assert_int_equal(
        decode(str_slice(buf_str(&body), 0, body.len - 90), 4096, SIG_PAYLOAD_CHUNKS, seed, &out, NULL, &err),
        -1);
    assert_int_equal(err.code, ERR_INCOMPLETE_BODY);
}

static void test_signed_trailer(void **state)
{
    _cleanup_buf_ Buf body = BUF_INIT(1 << 20);
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    char trailer[64];
    buf_puts(&body,
             "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n");
    for (int i = 0; i < 65536; i++)
        buf_putc(&body, 'a');
    buf_puts(&body,
             "\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n");
    for (int i = 0; i < 1024; i++)
        buf_putc(&body, 'a');
    buf_puts(
        &body,
        "\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
        "x-amz-checksum-crc32c:sOO8/Q==\r\n"
        "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n");
    const char *seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    Error err = {0};
    for (size_t piece = 1; piece < 70000; piece = piece * 5 + 1) {
        buf_clear(&out);
        assert_int_equal(decode(buf_str(&body), piece, SIG_PAYLOAD_CHUNKS_TRAILER, seed, &out, trailer, &err),
                         0);
        assert_int_equal(out.len, 66560);
        assert_string_equal(trailer, "sOO8/Q==");
    }
}

static void test_unsigned_trailer(void **state)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    char trailer[64];
    Error err = {0};
    assert_int_equal(decode(STR("3\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32c:AAAAAA==\r\n\r\n"), 1,
                            SIG_PAYLOAD_UNSIGNED_TRAILER, "", &out, trailer, &err),
                     0);
    assert_string_equal(out.data, "abcde");
    assert_string_equal(trailer, "AAAAAA==");
    static const Str bad[] = {STR("x\r\n"), STR("3\r\nabcd\r\n0\r\n\r\n"), STR("ffffffffffffffff\r\n"),
                              STR("0\r\n\r\nmore"), STR("0\r\nnocolon\r\n\r\n")};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(decode(bad[i], 1, SIG_PAYLOAD_UNSIGNED_TRAILER, "", &out, NULL, &err), -1);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_object),       cmocka_unit_test(test_put_and_list),
        cmocka_unit_test(test_presigned),        cmocka_unit_test(test_sign_then_verify),
        cmocka_unit_test(test_v2_query),         cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_signed_chunks),    cmocka_unit_test(test_signed_trailer),
        cmocka_unit_test(test_unsigned_trailer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
