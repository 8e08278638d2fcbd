/* s3_upload_part.c - UploadPart and UploadPartCopy. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "storage/s3_multipart.h"
#include "storage/upload_stream.h"

#define PART_MAX_BYTES (5ll << 30) /* S3: 5 GiB */

typedef struct PartState {
    StoreWrite write;
    Payload payload;
    UploadInfo info;
    Upload *upload;
    PartPlace place;
    uint32_t number;
    int fd;
    uint8_t checksum[PART_CRC64_BYTES + CHECKSUM_MAX_BYTES];
    size_t checksum_len;
} PartState;

/* Before the answer: a Complete that follows it must find the upload's files in nobody's hands. */
static void part_leave(void *arg)
{
    S3Request *r = arg;
    PartState *state = r->state;
    if (state->fd >= 0)
        close(state->fd);
    state->fd = -1;
    if (state->upload)
        upload_release(r->role->uploads, state->upload);
    state->upload = NULL;
}

/* The part is not recorded. */
static void part_give_up(S3Request *r, const Error *err)
{
    PartState *state = r->state;
    upload_unplace(r->role->uploads, state->upload, state->number, &state->place);
    bool is_orphan = !state->place.is_slot || err->code == ERR_NO_SUCH_UPLOAD;
    if (is_orphan)
        blob_discard(store_blobs(r->role->store), state->place.generation);
    part_leave(r);
    s3_reply_error(r, err);
}

static int part_open(S3Request *r, int64_t size, Error *err)
{
    PartState *state = r->state;
    Blobs *blobs = store_blobs(r->role->store);
    char path[BLOB_PATH_MAX];
    state->place = upload_place(r->role->uploads, state->upload, state->number, size);
    blob_path(blobs, state->place.generation, path);
    /* parts that come at the same time may find the base file not made yet: whoever is first makes it */
    int result = fs_open(path, O_RDWR | O_CREAT, 0600, &state->fd, err);
    if (result < 0)
        upload_unplace(r->role->uploads, state->upload, state->number, &state->place);
    return result;
}

static int part_begin(S3Request *r, Error *err)
{
    PartState *state = arena_new_of(r->arena, PartState);
    int64_t number = 0;
    state->fd = -1;
    r->state = state;
    arena_on_free(r->arena, part_leave, r);
    if (!s3_param(r, "partNumber").len || s3_param_int(r, "partNumber", 1, S3_PARTS, &number, err) < 0) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "part number must be an integer between 1 and 10000, inclusive");
    }
    state->number = (uint32_t)number;
    if (s3_find_upload(r, &state->info, err) < 0)
        return -1;
    return upload_acquire(r->role->uploads, state->info.id, &state->upload, err);
}

/* The bytes and the file's name are on disk. */
static int part_sync(S3Request *r, Error *err)
{
    PartState *state = r->state;
    char path[BLOB_PATH_MAX];
    if (fault_point("storage.part.sync", err) || fs_sync(state->fd, err) < 0)
        return -1;
    /* always: the part that made the file may not have synced its name yet */
    blob_path(store_blobs(r->role->store), state->place.generation, path);
    *strrchr(path, '/') = 0;
    return fs_sync_dir(path, err);
}

static void part_record(S3Request *r, int64_t size, const uint8_t md5[MD5_BYTES], uint64_t crc64,
                        const uint8_t *digest, size_t digest_len)
{
    PartState *state = r->state;
    for (int i = 0; i < PART_CRC64_BYTES; i++)
        state->checksum[i] = (uint8_t)(crc64 >> (56 - 8 * i));
    if (digest_len)
        memcpy(state->checksum + PART_CRC64_BYTES, digest, digest_len);
    state->checksum_len = PART_CRC64_BYTES + digest_len;
    state->write =
        (StoreWrite){.op = STORE_PUT_PART,
                     .upload = state->info.id,
                     .part = {.number = state->number,
                              .size = size,
                              .generation = state->place.generation,
                              .position = state->place.position,
                              .checksum = str_of((const char *)state->checksum, state->checksum_len)}};
    memcpy(state->write.part.etag, md5, MD5_BYTES);
}

/* ---- UploadPart ---- */

static void part_on_file(S3Request *r, const UploadResult *result, const Error *failure)
{
    PartState *state = r->state;
    Error err;
    if (!result) {
        part_give_up(r, failure);
        return;
    }
    ChecksumKind kind;
    bool is_full;
    const Payload *p = result->payload;
    upload_checksum_of(state->info.checksum, &kind, &is_full);
    part_record(r, result->size, p->md5_digest, result->crc64, p->sum_digest, kind ? checksum_size(kind) : 0);
    if (part_sync(r, &err) < 0 || store_write(r->role->store, &state->write, &err) < 0) {
        part_give_up(r, &err);
        return;
    }
    char etag[2 * MD5_BYTES];
    hex_encode(p->md5_digest, MD5_BYTES, etag);
    http_set_headerf(r->http, "ETag", "\"%.32s\"", etag);
    if (p->kind) {
        http_set_header(r->http, checksum_header(p->kind),
                        s3_checksum_text(r->arena, str_from(checksum_name(p->kind)),
                                         str_of((const char *)p->sum_digest, checksum_size(p->kind))));
    }
    part_leave(r);
    s3_reply_empty(r, 200);
}

static int part_payload(S3Request *r, Error *err)
{
    PartState *state = r->state;
    ChecksumKind kind;
    bool is_full;
    if (payload_begin(&state->payload, r, true, err) < 0)
        return -1;
    upload_checksum_of(state->info.checksum, &kind, &is_full);
    if (kind && state->payload.kind == CHECKSUM_NONE)
        payload_compute(&state->payload, kind);
    if (kind && state->payload.kind != kind) {
        err_set(err, ERR_BAD_REQUEST,
                "checksum type mismatch occurred, expected checksum type: %s, actual checksum type: %s",
                checksum_name(kind), checksum_name(state->payload.kind));
        payload_free(&state->payload);
        return -1;
    }
    if (http_content_length(r->http) == 0 && !s3_header(r, "content-length").ptr) {
        payload_free(&state->payload);
        return err_set(err, ERR_MISSING_CONTENT_LENGTH, "you must provide the Content-Length HTTP header");
    }
    return 0;
}

void s3_upload_part(S3Request *r)
{
    Error err;
    if (part_begin(r, &err) < 0 || part_payload(r, &err) < 0) {
        part_leave(r);
        s3_reply_error(r, &err);
        return;
    }
    PartState *state = r->state;
    if (part_open(r, state->payload.expected_length, &err) < 0) {
        payload_free(&state->payload);
        part_leave(r);
        s3_reply_error(r, &err);
        return;
    }
    upload_stream_start(r, &state->payload, state->fd, state->place.position, PART_MAX_BYTES, part_on_file);
}

/* ---- UploadPartCopy ---- */

/* "bytes=first-last", both needed. */
static int copy_range(const S3Request *r, int64_t size, int64_t *ret_from, int64_t *ret_length, Error *err)
{
    Str header = s3_header(r, "x-amz-copy-source-range"), last_text;
    int64_t first, last;
    *ret_from = 0;
    *ret_length = size;
    if (!header.ptr)
        return 0;
    if (!str_has_prefix(header, STR("bytes=")))
        goto malformed;
    Str first_text = str_cut(str_slice(header, 6, header.len), '-', &last_text);
    if (!last_text.ptr || str_to_i64(first_text, 0, INT64_MAX, &first, NULL) < 0 ||
        str_to_i64(last_text, 0, INT64_MAX - 1, &last, NULL) < 0 || first > last) {
        goto malformed;
    }
    if (last >= size) {
        return err_set(err, ERR_INVALID_RANGE, "range specified is not valid for source object of size: %lld",
                       (long long)size);
    }
    *ret_from = first;
    *ret_length = last - first + 1;
    return 0;
malformed:
    return err_set(
        err, ERR_INVALID_ARGUMENT,
        "the x-amz-copy-source-range value must be of the form bytes=first-last where first and last are "
        "the zero-based offsets of the first and last bytes to copy");
}

typedef struct CopyReader {
    int fd; /* -1: `bytes` has all */
    Buf bytes;
} CopyReader;

static int copy_pieces(S3Request *r, const CopyReader *reader, int64_t from, int64_t length, Checksum *sum,
                       Error *err)
{
    PartState *state = r->state;
    Checksum md5;
    uint64_t crc64 = 0;
    uint8_t md5_digest[CHECKSUM_MAX_BYTES], digest[CHECKSUM_MAX_BYTES];
    char *piece = arena_try(r->arena, UPLOAD_PIECE_BYTES, err);
    if (!piece)
        return -1;
    checksum_init(&md5, CHECKSUM_MD5);
    for (int64_t at = 0; at < length;) {
        size_t n = length - at < UPLOAD_PIECE_BYTES ? (size_t)(length - at) : UPLOAD_PIECE_BYTES;
        const char *bytes = piece;
        if (reader->fd < 0) {
            bytes = reader->bytes.data + from + at;
        } else if (fs_pread_all(reader->fd, piece, n, from + at, err) < 0) {
            return -1;
        }
        checksum_update(&md5, bytes, n);
        checksum_update(sum, bytes, n);
        crc64 = crc64nvme_update(crc64, bytes, n);
        if (fs_pwrite_all(state->fd, bytes, n, state->place.position + at, err) < 0)
            return -1;
        at += (int64_t)n;
    }
    checksum_final(&md5, md5_digest);
    size_t digest_len = checksum_final(sum, digest);
    part_record(r, length, md5_digest, crc64, digest, digest_len);
    return part_sync(r, err);
}

static int copy_part(S3Request *r, const CopySource *source, Error *err)
{
    PartState *state = r->state;
    int64_t from, length;
    ChecksumKind kind;
    bool is_full;
    Checksum sum;
    CopyReader reader = {.fd = -1, .bytes = BUF_INIT(16 << 20)};
    if (copy_range(r, source->object.size, &from, &length, err) < 0)
        return -1;
    if (length > PART_MAX_BYTES)
        return err_set(err, ERR_BAD_REQUEST, "the part is larger than 5 GiB");
    upload_checksum_of(state->info.checksum, &kind, &is_full);
    checksum_init(&sum, kind);
    int result = object_is_file(&source->object)
                     ? blob_open(store_blobs(r->role->store), source->object.generation, &reader.fd, err)
                     : store_read_inline(r->role->store, source->bucket_info.id, source->key, &source->object,
                                         &reader.bytes, err);
    if (result == 0)
        result = part_open(r, length, err);
    if (result == 0) {
        result = copy_pieces(r, &reader, from, length, &sum, err);
        if (result == 0)
            result = store_write(r->role->store, &state->write, err);
        if (result < 0) {
            upload_unplace(r->role->uploads, state->upload, state->number, &state->place);
            bool is_orphan = !state->place.is_slot || err->code == ERR_NO_SUCH_UPLOAD;
            if (is_orphan)
                blob_discard(store_blobs(r->role->store), state->place.generation);
        }
    }
    if (reader.fd >= 0)
        close(reader.fd);
    buf_free(&reader.bytes);
    return result;
}

void s3_upload_part_copy(S3Request *r)
{
    Error err;
    CopySource source;
    if (part_begin(r, &err) < 0 || s3_find_copy_source(r, &source, &err) < 0 ||
        copy_part(r, &source, &err) < 0) {
        part_leave(r);
        s3_reply_error(r, &err);
        return;
    }
    part_leave(r);
    const PartState *state = r->state;
    ObjectInfo etag = {0};
    ChecksumKind kind;
    bool is_full;
    memcpy(etag.etag, state->write.part.etag, MD5_BYTES);
    upload_checksum_of(state->info.checksum, &kind, &is_full);
    Buf xml = s3_xml("CopyPartResult");
    s3_put_time(&xml, "LastModified", clock_now_us());
    s3_put_etag(&xml, "ETag", &etag);
    if (kind) {
        xml_element(
            &xml, checksum_element(kind),
            s3_checksum_text(r->arena, str_from(checksum_name(kind)),
                             str_of((const char *)state->checksum + PART_CRC64_BYTES, checksum_size(kind))));
    }
    xml_close(&xml, "CopyPartResult");
    s3_reply_xml(r, 200, &xml);
}
