/* aws_chunked.c - see aws_chunked.h. */
#include "format/aws_chunked.h"

#include <assert.h>

void aws_chunked_init(AwsChunked *c, const SigAuth *auth, const HmacKey *key)
{
    memset(c, 0, sizeof *c);
    c->auth = auth;
    c->key = key;
    c->is_signed = auth->payload != SIG_PAYLOAD_UNSIGNED_TRAILER;
    c->has_trailer = auth->payload != SIG_PAYLOAD_CHUNKS;
    c->line = BUF_INIT(AWS_CHUNKED_LINE_MAX);
    c->trailers = BUF_INIT(AWS_CHUNKED_LINE_MAX * AWS_CHUNKED_TRAILERS_MAX);
    assert(!c->is_signed || key);
    if (c->is_signed && auth->signature.len == SIGV4_SIGNATURE_CHARS) {
        memcpy(c->previous, auth->signature.ptr, SIGV4_SIGNATURE_CHARS);
    }
}

void aws_chunked_free(AwsChunked *c)
{
    buf_free(&c->line);
    buf_free(&c->trailers);
}

static int aws_chunked_hex(Str text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 16)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.ptr[i];
        int digit = ch >= '0' && ch <= '9'   ? ch - '0'
                    : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
                    : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                             : -1;
        if (digit < 0 || value > (max >> 4))
            return -1;
        value = value << 4 | (uint64_t)digit;
    }
    if (value > max)
        return -1;
    *ret = value;
    return 0;
}

/* "1f4;chunk-signature=<64 hex>" */
static int aws_chunked_on_header(AwsChunked *c, Str line, Error *err)
{
    Str extension;
    Str size = str_trim(str_cut(line, ';', &extension));
    if (aws_chunked_hex(size, AWS_CHUNKED_CHUNK_MAX, &c->chunk_left) < 0) {
        return err_set(err, ERR_BAD_REQUEST,
                       "aws-chunked: a chunk does not start with its length in hexadecimal");
    }
    if (c->is_signed) {
        Str value;
        Str name = str_trim(str_cut(extension.ptr ? extension : STR(""), '=', &value));
        value = str_trim(value.ptr ? value : STR(""));
        if (!str_is(name, "chunk-signature") || value.len != SIGV4_SIGNATURE_CHARS) {
            return err_set(err, ERR_SIGNATURE_MISMATCH,
                           "aws-chunked: a chunk has no chunk-signature of 64 digits");
        }
        memcpy(c->claimed, value.ptr, SIGV4_SIGNATURE_CHARS);
        checksum_init(&c->chunk_hash, CHECKSUM_SHA256);
    }
    c->is_last_chunk = c->chunk_left == 0;
    c->state = AWS_CHUNKED_DATA;
    return 0;
}

static int aws_chunked_check_chunk(AwsChunked *c, Error *err)
{
    if (!c->is_signed)
        return 0;
    uint8_t digest[CHECKSUM_MAX_BYTES];
    char expected[SIGV4_SIGNATURE_CHARS];
    checksum_final(&c->chunk_hash, digest);
    sigv4_sign_chunk(c->key, c->auth, c->previous, digest, expected);
    if (!bytes_equal_constant_time(expected, c->claimed, sizeof expected)) {
        return err_set(err, ERR_SIGNATURE_MISMATCH, "aws-chunked: the signature of a chunk does not match");
    }
    memcpy(c->previous, expected, sizeof expected);
    return 0;
}

static int aws_chunked_check_trailer(AwsChunked *c, Str signature, Error *err)
{
    uint8_t digest[SHA256_BYTES];
    char expected[SIGV4_SIGNATURE_CHARS];
    SHA256((const uint8_t *)buf_str(&c->trailers).ptr, c->trailers.len, digest);
    sigv4_sign_trailer(c->key, c->auth, c->previous, digest, expected);
    if (signature.len != sizeof expected ||
        !bytes_equal_constant_time(expected, signature.ptr, sizeof expected)) {
        return err_set(err, ERR_SIGNATURE_MISMATCH,
                       "aws-chunked: the signature of the trailers does not match");
    }
    c->trailer_is_verified = true;
    return 0;
}

static int aws_chunked_on_trailer(AwsChunked *c, Str line, Error *err)
{
    if (line.len == 0) {
        c->state = AWS_CHUNKED_DONE;
        if (c->is_signed && c->has_trailer && !c->trailer_is_verified) {
            return err_set(err, ERR_SIGNATURE_MISMATCH,
                           "aws-chunked: the trailers have no x-amz-trailer-signature");
        }
        return 0;
    }
    if (!c->has_trailer)
        return err_set(err, ERR_BAD_REQUEST, "aws-chunked: a trailer where none was announced");
    Str value;
    Str name = str_trim(str_cut(line, ':', &value));
    if (!value.ptr || name.len == 0)
        return err_set(err, ERR_BAD_REQUEST, "aws-chunked: a malformed trailer");
    value = str_trim(value);
    if (str_eq_nocase(name, STR("x-amz-trailer-signature"))) {
        return c->is_signed ? aws_chunked_check_trailer(c, value, err) : 0;
    }
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.ptr[i];
        buf_putc(&c->trailers, ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch);
    }
    buf_putc(&c->trailers, ':');
    buf_add(&c->trailers, value);
    buf_putc(&c->trailers, '\n');
    return buf_check(&c->trailers, err);
}

static int aws_chunked_on_line(AwsChunked *c, Str line, Error *err)
{
    if (c->state == AWS_CHUNKED_HEADER)
        return aws_chunked_on_header(c, line, err);
    if (c->state == AWS_CHUNKED_TRAILER)
        return aws_chunked_on_trailer(c, line, err);
    assert(c->state == AWS_CHUNKED_DATA_END);
    if (line.len)
        return err_set(err, ERR_BAD_REQUEST, "aws-chunked: a chunk is longer than its length");
    c->state = AWS_CHUNKED_HEADER;
    return 0;
}

/* Takes bytes up to the line's end; sets *ret_line when it is whole. */
static int aws_chunked_take_line(AwsChunked *c, Str *bytes, bool *ret_is_whole, Error *err)
{
    ptrdiff_t end = str_find_char(*bytes, '\n');
    size_t n = end < 0 ? bytes->len : (size_t)end;
    if (buf_append(&c->line, bytes->ptr, n) < 0)
        return err_set(err, ERR_BAD_REQUEST, "aws-chunked: a line is too long");
    *bytes = str_slice(*bytes, end < 0 ? n : n + 1, bytes->len);
    *ret_is_whole = end >= 0;
    return 0;
}

static int aws_chunked_take_data(AwsChunked *c, Str *bytes, AwsChunkedSink sink, void *arg, Error *err)
{
    size_t n = bytes->len < c->chunk_left ? bytes->len : (size_t)c->chunk_left;
    if (n) {
        if (c->is_signed)
            checksum_update(&c->chunk_hash, bytes->ptr, n);
        c->chunk_left -= n;
        c->decoded_length += n;
        if (sink(arg, bytes->ptr, n, err) < 0)
            return -1;
        *bytes = str_slice(*bytes, n, bytes->len);
    }
    if (c->chunk_left)
        return 0;
    if (aws_chunked_check_chunk(c, err) < 0)
        return -1;
    c->state = c->is_last_chunk ? AWS_CHUNKED_TRAILER : AWS_CHUNKED_DATA_END;
    return 0;
}

int aws_chunked_feed(AwsChunked *c, Str bytes, AwsChunkedSink sink, void *arg, Error *err)
{
    while (bytes.len || (c->state == AWS_CHUNKED_DATA && c->chunk_left == 0)) {
        if (c->state == AWS_CHUNKED_DONE)
            return err_set(err, ERR_BAD_REQUEST, "aws-chunked: bytes after the last chunk");
        if (c->state == AWS_CHUNKED_DATA) {
            if (aws_chunked_take_data(c, &bytes, sink, arg, err) < 0)
                return -1;
            continue;
        }
        bool is_whole;
        if (aws_chunked_take_line(c, &bytes, &is_whole, err) < 0)
            return -1;
        if (!is_whole)
            break;
        Str line = buf_str(&c->line);
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (aws_chunked_on_line(c, line, err) < 0)
            return -1;
        buf_clear(&c->line);
    }
    return 0;
}

int aws_chunked_end(AwsChunked *c, Error *err)
{
    /* some clients leave the last empty line out */
    if (c->state == AWS_CHUNKED_TRAILER && c->line.len == 0 && aws_chunked_on_trailer(c, STR(""), err) < 0)
        return -1;
    if (c->state != AWS_CHUNKED_DONE) {
        return err_set(err, ERR_INCOMPLETE_BODY, "the body ended before its last chunk");
    }
    return 0;
}

Str aws_chunked_trailer(const AwsChunked *c, const char *name)
{
    for (Str rest = buf_str(&c->trailers); rest.ptr && rest.len;) {
        Str value;
        Str line = str_cut(rest, '\n', &rest);
        if (str_is(str_cut(line, ':', &value), name))
            return value;
    }
    return STR_NULL;
}
