/* s3_put.c - PutObject. A small body is read by the loop thread, checked there and given to the committer,
 * which also answers; a large one goes through an UploadStream into a file of its own. */
#include <unistd.h>

#include "base/metrics.h"
#include "storage/upload_stream.h"

enum {
    PUT_META_MAX = 256 * 1024,
    CHUNKED_OVERHEAD = 32 * 1024, /* what aws-chunked adds to a small body */
};

typedef struct PutState {
    StoreWrite write;
    StorePut put;
    Payload payload;
    Buf meta;
    Buf decoded; /* a small aws-chunked body */
    uint64_t generation;
    int fd;
} PutState;

static void put_free(void *arg)
{
    PutState *state = arg;
    buf_free(&state->meta);
    buf_free(&state->decoded);
    payload_free(&state->payload);
    if (state->fd >= 0)
        close(state->fd);
}

/* On the committer's thread. */
static void put_done(StoreWrite *write)
{
    S3Request *r = write->arg;
    PutState *state = r->state;
    if (write->error.code != ERR_OK) {
        if (!state->put.is_inline)
            blob_discard(store_blobs(r->role->store), state->generation);
        s3_reply_error(r, &write->error);
        return;
    }
    char etag[OBJECT_ETAG_TEXT];
    object_etag_text(&state->put.object, etag);
    http_set_headerf(r->http, "ETag", "\"%s\"", etag);
    s3_set_checksum_headers(r, state->put.object.meta);
    s3_reply_empty(r, 200);
}

static void put_submit(S3Request *r, int64_t size)
{
    PutState *state = r->state;
    Error err;
    payload_put_checksum(&state->payload, &state->meta);
    state->put.bucket = r->bucket;
    state->put.key = r->key;
    state->put.condition = s3_write_condition(r);
    state->put.object.generation = state->generation;
    state->put.object.size = size;
    state->put.object.meta = buf_str(&state->meta);
    memcpy(state->put.object.etag, state->payload.md5_digest, MD5_BYTES);
    state->write =
        (StoreWrite){.op = STORE_PUT, .puts = &state->put, .n_puts = 1, .done = put_done, .arg = r};
    if (buf_check(&state->meta, &err) < 0 || store_submit(r->role->store, &state->write, &err) < 0) {
        if (!state->put.is_inline)
            blob_discard(store_blobs(r->role->store), state->generation);
        s3_reply_error(r, &err);
    }
}

/* ---- small bodies ---- */

static int put_keep(void *arg, const void *bytes, size_t n, Error *err)
{
    PutState *state = arg;
    if (!state->payload.is_chunked)
        return 0;
    buf_append(&state->decoded, bytes, n);
    return buf_check(&state->decoded, err);
}

static void put_on_body(HttpRequest *http, Str body, void *arg)
{
    S3Request *r = arg;
    PutState *state = r->state;
    Error err;
    (void)http;
    int result = payload_feed(&state->payload, body, put_keep, state, &err);
    if (result == 0)
        result = payload_end(&state->payload, &err);
    payload_free(&state->payload);
    if (result < 0) {
        s3_reply_error(r, &err);
        return;
    }
    metric_add(METRIC_S3_RECEIVED, (double)state->payload.received);
    state->put.is_inline = true;
    state->put.body = state->payload.is_chunked ? buf_str(&state->decoded) : body;
    put_submit(r, state->payload.received);
}

/* ---- large bodies ---- */

/* On a worker. */
static void put_on_file(S3Request *r, const UploadResult *result, const Error *err)
{
    PutState *state = r->state;
    Error sync_err;
    if (result && blob_sync(store_blobs(r->role->store), state->generation, state->fd, &sync_err) < 0) {
        err = &sync_err;
        result = NULL;
    }
    if (!result) {
        blob_discard(store_blobs(r->role->store), state->generation);
        s3_reply_error(r, err);
        return;
    }
    uint8_t crc[8];
    for (int i = 0; i < 8; i++)
        crc[i] = (uint8_t)(result->crc64 >> (56 - 8 * i));
    meta_put(&state->meta, META_FILE_CRC64, STR(""), str_of((const char *)crc, sizeof crc));
    put_submit(r, result->size);
}

static int put_begin_file(S3Request *r, Error *err)
{
    PutState *state = r->state;
    if (blob_create(store_blobs(r->role->store), state->generation, &state->fd, err) < 0)
        return -1;
    upload_stream_start(r, &state->payload, state->fd, 0, S3_OBJECT_BYTES, put_on_file);
    return 0;
}

/* ---- both ---- */

static int put_begin(S3Request *r, Error *err)
{
    PutState *state = r->state;
    Str failure;
    if (!store_is_writable(r->role->store, &failure))
        return err_set(err, ERR_IO, "the store takes no writes: %.*s", STR_ARG(failure));
    if (http_content_length(r->http) == 0 && !s3_header(r, "content-length").ptr) {
        return err_set(err, ERR_MISSING_CONTENT_LENGTH, "you must provide the Content-Length HTTP header");
    }
    if (s3_meta_of_headers(r, &state->meta, err) < 0)
        return -1;
    Str tagging = s3_header(r, "x-amz-tagging");
    if (tagging.ptr && s3_meta_of_tagging(r, tagging, &state->meta, err) < 0)
        return -1;
    if (payload_begin(&state->payload, r, true, err) < 0)
        return -1;
    if (state->payload.expected_length > S3_OBJECT_BYTES) {
        payload_free(&state->payload);
        return err_set(err, ERR_ENTITY_TOO_LARGE,
                       "your proposed upload exceeds the maximum allowed object size");
    }
    state->generation = blobs_new_generation(store_blobs(r->role->store));
    return 0;
}

void s3_put_object(S3Request *r)
{
    PutState *state = arena_new_of(r->arena, PutState);
    Error err;
    state->meta = BUF_INIT(PUT_META_MAX);
    state->decoded = BUF_INIT(16 << 20);
    state->fd = -1;
    r->state = state;
    arena_on_free(r->arena, put_free, state);
    if (put_begin(r, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    int64_t wire = http_content_length(r->http), size = state->payload.expected_length;
    if (store_is_inline(r->role->store, r->key, size) && wire >= 0 && wire <= size + CHUNKED_OVERHEAD) {
        http_read_body(r->http, (size_t)wire, put_on_body, r);
    } else if (put_begin_file(r, &err) < 0) {
        payload_free(&state->payload);
        s3_reply_error(r, &err);
    }
}
