/* payload.c - see payload.h. */
#include "storage/payload.h"

static int payload_parse_content_md5(Payload *p, const S3Request *r, Error *err)
{
    Str text = s3_header(r, "content-md5");
    if (!text.ptr)
        return 0;
    _cleanup_buf_ Buf bytes = BUF_INIT(64);
    if (text.len > 32 || base64_decode(text, false, &bytes, NULL) < 0 || bytes.len != MD5_BYTES) {
        return err_set(err, ERR_INVALID_DIGEST, "the Content-MD5 you specified was invalid");
    }
    memcpy(p->expected_md5, bytes.data, MD5_BYTES);
    p->has_content_md5 = p->has_md5 = true;
    return 0;
}

static int payload_decode_sum(Payload *p, Str text, Error *err)
{
    _cleanup_buf_ Buf bytes = BUF_INIT(64);
    if (text.len > 48 || base64_decode(text, false, &bytes, NULL) < 0 ||
        bytes.len != checksum_size(p->kind)) {
        return err_set(err, ERR_BAD_DIGEST, "value for %s header is invalid", checksum_header(p->kind));
    }
    memcpy(p->expected_sum, bytes.data, bytes.len);
    return 0;
}

static int payload_parse_checksum(Payload *p, const S3Request *r, Error *err)
{
    for (ChecksumKind kind = CHECKSUM_CRC32; kind < CHECKSUM_MD5; kind++) {
        Str value = s3_header(r, checksum_header(kind));
        if (!value.ptr)
            continue;
        if (p->kind)
            return err_set(
                err, ERR_BAD_REQUEST,
                "expecting a single x-amz-checksum- header; multiple checksum types are not allowed");
        p->kind = kind;
        if (payload_decode_sum(p, value, err) < 0)
            return -1;
    }
    Str trailers = s3_header(r, "x-amz-trailer");
    if (p->kind || !trailers.ptr)
        return 0;
    while (trailers.ptr) {
        Str name = str_trim(str_cut(trailers, ',', &trailers));
        for (ChecksumKind kind = CHECKSUM_CRC32; kind < CHECKSUM_MD5; kind++) {
            if (str_eq_nocase(name, str_from(checksum_header(kind))))
                p->kind = kind;
        }
    }
    p->is_in_trailer = p->kind != CHECKSUM_NONE;
    if (p->is_in_trailer && !p->is_chunked)
        return err_set(err, ERR_BAD_REQUEST, "x-amz-trailer needs a body with trailers");
    return 0;
}

static int payload_parse_length(Payload *p, const S3Request *r, Error *err)
{
    p->expected_length = http_content_length(r->http);
    if (!p->is_chunked)
        return 0;
    Str text = s3_header(r, "x-amz-decoded-content-length");
    p->expected_length = -1;
    if (!text.ptr) {
        if (r->auth.payload == SIG_PAYLOAD_UNSIGNED_TRAILER)
            return 0;
        return err_set(err, ERR_MISSING_CONTENT_LENGTH,
                       "you must provide the x-amz-decoded-content-length header");
    }
    if (str_to_i64(text, 0, INT64_MAX, &p->expected_length, NULL) < 0) {
        return err_set(err, ERR_INVALID_ARGUMENT, "x-amz-decoded-content-length must be a number");
    }
    return 0;
}

int payload_begin(Payload *p, S3Request *r, bool with_md5, Error *err)
{
    memset(p, 0, sizeof *p);
    p->is_chunked = r->auth.payload >= SIG_PAYLOAD_CHUNKS;
    p->has_md5 = with_md5;
    if (payload_parse_length(p, r, err) < 0 || payload_parse_content_md5(p, r, err) < 0)
        return -1;
    if (!r->route->checksum_is_objects && payload_parse_checksum(p, r, err) < 0)
        return -1;
    if (r->auth.payload == SIG_PAYLOAD_SHA256) {
        p->has_sha256 = true;
        memcpy(p->expected_sha256, r->auth.payload_sha256, SHA256_BYTES);
        checksum_init(&p->sha256, CHECKSUM_SHA256);
    }
    checksum_init(&p->md5, CHECKSUM_MD5);
    checksum_init(&p->sum, p->kind);
    if (p->is_chunked)
        aws_chunked_init(&p->chunked, &r->auth, r->signing_key);
    return 0;
}

void payload_compute(Payload *p, ChecksumKind kind)
{
    p->kind = kind;
    p->is_only_computed = true;
    checksum_init(&p->sum, kind);
}

void payload_free(Payload *p)
{
    if (p->is_chunked)
        aws_chunked_free(&p->chunked);
}

typedef struct PayloadStep {
    Payload *payload;
    AwsChunkedSink sink;
    void *arg;
} PayloadStep;

static int payload_decoded(void *arg, const void *bytes, size_t n, Error *err)
{
    const PayloadStep *step = arg;
    Payload *p = step->payload;
    p->received += (int64_t)n;
    if (p->expected_length >= 0 && p->received > p->expected_length) {
        return err_set(err, ERR_BAD_REQUEST, "the body is longer than x-amz-decoded-content-length says");
    }
    if (p->has_sha256)
        checksum_update(&p->sha256, bytes, n);
    if (p->has_md5)
        checksum_update(&p->md5, bytes, n);
    checksum_update(&p->sum, bytes, n);
    return step->sink(step->arg, bytes, n, err);
}

int payload_feed(Payload *p, Str bytes, AwsChunkedSink sink, void *arg, Error *err)
{
    PayloadStep step = {p, sink, arg};
    if (bytes.len == 0)
        return 0;
    if (p->is_chunked)
        return aws_chunked_feed(&p->chunked, bytes, payload_decoded, &step, err);
    return payload_decoded(&step, bytes.ptr, bytes.len, err);
}

static int payload_check_sum(Payload *p, Error *err)
{
    if (p->kind == CHECKSUM_NONE)
        return 0;
    size_t n = checksum_final(&p->sum, p->sum_digest);
    if (p->is_only_computed)
        return 0;
    if (p->is_in_trailer) {
        Str text = aws_chunked_trailer(&p->chunked, checksum_header(p->kind));
        if (!text.ptr)
            return err_set(err, ERR_BAD_REQUEST, "the trailer %s that was announced is missing",
                           checksum_header(p->kind));
        if (payload_decode_sum(p, text, err) < 0)
            return -1;
    }
    if (memcmp(p->sum_digest, p->expected_sum, n) == 0)
        return 0;
    return err_set(err, ERR_BAD_DIGEST, "the %s you specified did not match the calculated checksum",
                   checksum_name(p->kind));
}

int payload_end(Payload *p, Error *err)
{
    uint8_t digest[CHECKSUM_MAX_BYTES];
    if (p->is_chunked && aws_chunked_end(&p->chunked, err) < 0)
        return -1;
    if (p->expected_length >= 0 && p->received != p->expected_length) {
        return err_set(err, ERR_INCOMPLETE_BODY,
                       "you did not provide the number of bytes specified by the Content-Length HTTP header");
    }
    if (p->has_sha256) {
        checksum_final(&p->sha256, digest);
        if (memcmp(digest, p->expected_sha256, SHA256_BYTES) != 0) {
            return err_set(err, ERR_CONTENT_SHA256_MISMATCH,
                           "the provided 'x-amz-content-sha256' header does not match what was computed");
        }
    }
    if (p->has_md5)
        checksum_final(&p->md5, p->md5_digest);
    if (p->has_content_md5 && memcmp(p->md5_digest, p->expected_md5, MD5_BYTES) != 0) {
        return err_set(err, ERR_BAD_DIGEST, "the Content-MD5 you specified did not match what we received");
    }
    return payload_check_sum(p, err);
}

static int payload_to_buf(void *arg, const void *bytes, size_t n, Error *err)
{
    buf_append(arg, bytes, n);
    return buf_check(arg, err);
}

static int payload_nowhere(void *arg, const void *bytes, size_t n, Error *err)
{
    (void)arg, (void)bytes, (void)n, (void)err;
    return 0;
}

int payload_read_whole(S3Request *r, Str raw, Str *ret, Error *err)
{
    Payload p;
    if (payload_begin(&p, r, false, err) < 0)
        return -1;
    _cleanup_buf_ Buf decoded = BUF_INIT(S3_XML_BYTES);
    int result = p.is_chunked ? payload_feed(&p, raw, payload_to_buf, &decoded, err)
                              : payload_feed(&p, raw, payload_nowhere, NULL, err);
    if (p.expected_length < 0)
        p.expected_length = p.received;
    if (result == 0)
        result = payload_end(&p, err);
    if (result == 0)
        *ret = p.is_chunked ? arena_str(r->arena, buf_str(&decoded)) : raw;
    payload_free(&p);
    return result;
}

void payload_put_checksum(const Payload *p, Buf *meta)
{
    if (p->kind == CHECKSUM_NONE)
        return;
    meta_put(meta, META_CHECKSUM, str_from(checksum_name(p->kind)),
             str_of((const char *)p->sum_digest, checksum_size(p->kind)));
    meta_put(meta, META_CHECKSUM_TYPE, STR(""), STR("FULL_OBJECT"));
}
