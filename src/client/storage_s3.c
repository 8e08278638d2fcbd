/* storage_s3.c - the S3 half of storage_client.h: plain requests over the Unix socket, unsigned. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "client/storage_session.h"
#include "format/xml.h"

enum { S3_BATCH = 1000, S3_TARGET_BYTES = 8 * 1024, S3_SMALL_ANSWER_BYTES = 4 << 20 };

static const struct {
    const char *s3_code;
    ErrCode code;
} s3_codes[] = {
    {"NoSuchKey", ERR_NO_SUCH_KEY},
    {"NoSuchBucket", ERR_NO_SUCH_BUCKET},
    {"PreconditionFailed", ERR_PRECONDITION_FAILED},
    {"ConditionalRequestConflict", ERR_CONDITIONAL_CONFLICT},
    {"InvalidRange", ERR_INVALID_RANGE},
    {"InsufficientStorage", ERR_DISK_FULL},
    {"SlowDown", ERR_OVERLOADED},
    {"ServiceUnavailable", ERR_UNAVAILABLE},
    {"KeyTooLongError", ERR_KEY_TOO_LONG},
    {"AccessDenied", ERR_FORBIDDEN},
};

static int s3_error(const HttpResponse *response, Str uri, Arena *arena, Error *err)
{
    const XmlNode *root = NULL;
    ErrCode code = response->status == 404   ? ERR_NO_SUCH_KEY
                   : response->status == 412 ? ERR_PRECONDITION_FAILED
                   : response->status >= 500 ? ERR_IO
                                             : ERR_BAD_REQUEST;
    if (xml_parse(response->body, arena, &root, NULL) < 0)
        root = NULL;
    Str s3_code = xml_child_text(root, "Code"), message = xml_child_text(root, "Message");
    for (size_t i = 0; i < sizeof s3_codes / sizeof *s3_codes; i++) {
        if (str_is(s3_code, s3_codes[i].s3_code))
            code = s3_codes[i].code;
    }
    return err_set(err, code, "%.*s: %.*s (status %d)", STR_ARG(uri), STR_ARG(message), response->status);
}

/* A call that found nobody at the socket was not sent: it is repeated until storage is back. */
static int s3_send(StorageClient *client, const HttpCall *call, Arena *arena, HttpResponse *ret, Error *err)
{
    int64_t deadline = clock_monotonic_us() + (int64_t)STORAGE_WAIT_MS * 1000;
    Error own;
    if (!err)
        err = &own;
    while (http_client_call(client->http, call, arena, ret, err) < 0) {
        if (err->code != ERR_UNAVAILABLE || clock_monotonic_us() >= deadline)
            return -1;
        clock_sleep_ms(STORAGE_RETRY_MS);
    }
    return 0;
}

static int s3_target(Str uri, Arena *arena, Str *ret, Error *err)
{
    Str bucket, key;
    _cleanup_buf_ Buf target = BUF_INIT(S3_TARGET_BYTES);
    if (storage_uri_split(uri, &bucket, &key, err) < 0)
        return -1;
    if (key.len == 0)
        return err_set(err, ERR_BAD_REQUEST, "no key in the URI %.*s", STR_ARG(uri));
    buf_putc(&target, '/');
    percent_encode(bucket, false, &target);
    buf_putc(&target, '/');
    percent_encode(key, true, &target);
    if (buf_check(&target, err) < 0)
        return -1;
    *ret = arena_str(arena, buf_str(&target));
    return 0;
}

static Str s3_etag(const HttpResponse *response, Arena *arena)
{
    Str etag = http_response_header(response, "etag");
    if (etag.len >= 2 && etag.ptr[0] == '"')
        etag = str_slice(etag, 1, etag.len - 1);
    return arena_str(arena, etag);
}

/* ---- reading ---- */

int storage_get(StorageClient *client, Str uri, size_t max_bytes, Arena *arena, Str *ret_bytes, Str *ret_etag,
                Error *err)
{
    HttpResponse response;
    HttpCall call = {
        .method = "GET", .max_response_bytes = max_bytes + S3_SMALL_ANSWER_BYTES, .head_only_retry = true};
    if (s3_target(uri, arena, &call.target, err) < 0 || s3_send(client, &call, arena, &response, err) < 0)
        return -1;
    if (response.status != 200)
        return s3_error(&response, uri, arena, err);
    if (response.body.len > max_bytes)
        return err_set(err, ERR_LIMIT, "%.*s has more than %zu bytes", STR_ARG(uri), max_bytes);
    *ret_bytes = response.body;
    if (ret_etag)
        *ret_etag = s3_etag(&response, arena);
    return 0;
}

int storage_get_range(StorageClient *client, Str uri, int64_t offset, int64_t length, Arena *arena,
                      Str *ret_bytes, Error *err)
{
    HttpResponse response;
    HttpHeader header = {STR("Range"), STR("")};
    HttpCall call = {.method = "GET", .headers = &header, .n_headers = 1, .head_only_retry = true};
    call.max_response_bytes =
        offset < 0 ? (size_t)-offset + S3_SMALL_ANSWER_BYTES : (size_t)length + S3_SMALL_ANSWER_BYTES;
    header.value = offset < 0 ? arena_printf(arena, "bytes=-%lld", (long long)-offset)
                              : arena_printf(arena, "bytes=%lld-%lld", (long long)offset,
                                             (long long)(offset + length - 1));
    if (s3_target(uri, arena, &call.target, err) < 0 || s3_send(client, &call, arena, &response, err) < 0)
        return -1;
    if (response.status != 206 && response.status != 200)
        return s3_error(&response, uri, arena, err);
    *ret_bytes = str_slice(response.body, 0, offset < 0 && length > 0 ? (size_t)length : response.body.len);
    return 0;
}

int storage_head(StorageClient *client, Str uri, Arena *arena, StorageFile *ret, Error *err)
{
    HttpResponse response;
    HttpCall call = {.method = "HEAD", .head_only_retry = true};
    *ret = (StorageFile){0};
    if (s3_target(uri, arena, &call.target, err) < 0 || s3_send(client, &call, arena, &response, err) < 0)
        return -1;
    if (response.status == 404)
        return 0;
    if (response.status != 200)
        return s3_error(&response, uri, arena, err);
    ret->found = true;
    ret->etag = s3_etag(&response, arena);
    return str_to_i64(http_response_header(&response, "content-length"), 0, INT64_MAX, &ret->size, err);
}

/* ---- writing ---- */

int storage_put(StorageClient *client, Str uri, Str content_type, Str body, StoragePutMode mode, Arena *arena,
                Str *ret_etag, Error *err)
{
    _cleanup_arena_ Arena *own = arena ? NULL : arena_new(S3_SMALL_ANSWER_BYTES);
    HttpHeader headers[2] = {
        {STR("Content-Type"), content_type.ptr ? content_type : STR("application/octet-stream")},
        {STR("If-None-Match"), STR("*")}};
    HttpResponse response;
    HttpCall call = {.method = "PUT",
                     .headers = headers,
                     .n_headers = mode == STORAGE_PUT_CREATE ? 2 : 1,
                     .body = body.ptr ? body : STR("")};
    if (!arena)
        arena = own;
    if (s3_target(uri, arena, &call.target, err) < 0 || s3_send(client, &call, arena, &response, err) < 0)
        return -1;
    if (response.status != 200)
        return s3_error(&response, uri, arena, err);
    if (ret_etag)
        *ret_etag = s3_etag(&response, arena);
    return 0;
}

int storage_delete(StorageClient *client, Str uri, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(S3_SMALL_ANSWER_BYTES);
    HttpResponse response;
    HttpCall call = {.method = "DELETE", .head_only_retry = true};
    if (s3_target(uri, arena, &call.target, err) < 0 || s3_send(client, &call, arena, &response, err) < 0)
        return -1;
    return response.status == 204 ? 0 : s3_error(&response, uri, arena, err);
}

/* One DeleteObjects for keys of one bucket. */
static int delete_batch(StorageClient *client, Str bucket, const Str *keys, size_t n, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(16 << 20);
    _cleanup_buf_ Buf body = BUF_INIT(8 << 20);
    const XmlNode *root;
    HttpResponse response;
    buf_puts(&body, "<Delete><Quiet>true</Quiet>");
    for (size_t i = 0; i < n; i++) {
        buf_puts(&body, "<Object>");
        xml_element(&body, "Key", keys[i]);
        buf_puts(&body, "</Object>");
    }
    buf_puts(&body, "</Delete>");
    if (buf_check(&body, err) < 0)
        return -1;
    HttpCall call = {.method = "POST",
                     .target = arena_printf(arena, "/%.*s?delete", STR_ARG(bucket)),
                     .body = buf_str(&body),
                     .head_only_retry = true};
    if (s3_send(client, &call, arena, &response, err) < 0)
        return -1;
    if (response.status != 200)
        return s3_error(&response, bucket, arena, err);
    if (xml_parse(response.body, arena, &root, err) < 0)
        return -1;
    const XmlNode *failed = xml_child(root, "Error");
    if (!failed)
        return 0;
    Str key = xml_child_text(failed, "Key"), message = xml_child_text(failed, "Message");
    return err_set(err, ERR_IO, "s3://%.*s/%.*s was not deleted: %.*s", STR_ARG(bucket), STR_ARG(key),
                   STR_ARG(message));
}

int storage_delete_many(StorageClient *client, const Str *uris, size_t n, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(SIZE_MAX / 2);
    Str *keys = arena_array(arena, Str, S3_BATCH);
    int result = 0;
    Error first = {0};
    for (size_t i = 0; i < n;) {
        Str bucket = STR_NULL, next_bucket;
        size_t n_keys = 0;
        for (; i < n && n_keys < S3_BATCH; i++) {
            Error bad;
            if (storage_uri_split(uris[i], &next_bucket, &keys[n_keys], &bad) < 0) {
                if (result == 0)
                    first = bad;
                result = -1;
                continue;
            }
            if (bucket.ptr && !str_eq(bucket, next_bucket))
                break;
            bucket = next_bucket;
            n_keys++;
        }
        Error failed;
        if (n_keys && delete_batch(client, bucket, keys, n_keys, &failed) < 0) {
            if (result == 0)
                first = failed;
            result = -1;
        }
    }
    if (result < 0 && err)
        *err = first;
    return result;
}

/* ---- listing ---- */

static int read_entry(const XmlNode *node, Str bucket, Arena *arena, StorageListEntry *ret, Error *err)
{
    Str key = xml_child_text(node, "Key"), etag = xml_child_text(node, "ETag");
    _cleanup_buf_ Buf decoded = BUF_INIT(S3_TARGET_BYTES);
    if (percent_decode(key, false, &decoded, err) < 0)
        return -1;
    ret->uri = arena_printf(arena, "s3://%.*s/%.*s", STR_ARG(bucket), STR_ARG(buf_str(&decoded)));
    ret->etag = etag.len >= 2 ? str_slice(etag, 1, etag.len - 1) : etag;
    if (str_to_i64(xml_child_text(node, "Size"), 0, INT64_MAX, &ret->size, err) < 0)
        return -1;
    return time_parse_iso(xml_child_text(node, "LastModified"), &ret->modified_us, err);
}

int storage_list(StorageClient *client, Str prefix_uri, Str start_after, Arena *arena,
                 StorageListEntry **ret_entries, size_t *ret_n, bool *ret_is_truncated, Error *err)
{
    Str bucket, prefix;
    const XmlNode *root;
    HttpResponse response;
    _cleanup_buf_ Buf target = BUF_INIT(2 * S3_TARGET_BYTES);
    if (storage_uri_split(prefix_uri, &bucket, &prefix, err) < 0)
        return -1;
    buf_printf(&target, "/%.*s?list-type=2&encoding-type=url&prefix=", STR_ARG(bucket));
    percent_encode(prefix, false, &target);
    if (start_after.ptr) {
        buf_puts(&target, "&start-after=");
        percent_encode(start_after, false, &target);
    }
    if (buf_check(&target, err) < 0)
        return -1;
    HttpCall call = {.method = "GET", .target = buf_str(&target), .head_only_retry = true};
    if (s3_send(client, &call, arena, &response, err) < 0)
        return -1;
    if (response.status != 200)
        return s3_error(&response, prefix_uri, arena, err);
    if (xml_parse(response.body, arena, &root, err) < 0)
        return -1;
    *ret_entries = arena_array(arena, StorageListEntry, root->n_children + 1);
    *ret_n = 0;
    *ret_is_truncated = str_is(xml_child_text(root, "IsTruncated"), "true");
    for (const XmlNode *node = root->children; node; node = node->next) {
        if (str_is(node->name, "Contents") &&
            read_entry(node, bucket, arena, &(*ret_entries)[(*ret_n)++], err) < 0)
            return -1;
    }
    return 0;
}
