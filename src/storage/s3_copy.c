/* s3_copy.c - CopyObject. A file gets a second name (a hard link): its bytes never change, so nothing is
 * copied. */
#include <unistd.h>

#include "base/fs.h"
#include "storage/s3.h"

enum { COPY_PIECE_BYTES = 1 << 20, COPY_META_MAX = 256 * 1024 };

/* "/bucket/key?versionId=null", percent-encoded, with or without the first slash. */
int s3_find_copy_source(S3Request *r, CopySource *ret, Error *err)
{
    Str text = s3_header(r, "x-amz-copy-source"), query;
    text = str_cut(text, '?', &query);
    if (str_has_prefix(query.ptr ? query : STR(""), STR("versionId=")) && !str_is(query, "versionId=null")) {
        return err_set(err, ERR_NO_SUCH_VERSION, "the specified version of the copy source does not exist");
    }
    _cleanup_buf_ Buf path = BUF_INIT(16 * 1024);
    if (percent_decode(text, false, &path, NULL) < 0 || buf_check(&path, NULL) < 0) {
        return err_set(err, ERR_INVALID_ARGUMENT, "copy source must be percent-encoded: %.*s", STR_ARG(text));
    }
    Str decoded = arena_str(r->arena, buf_str(&path));
    if (decoded.len && decoded.ptr[0] == '/')
        decoded = str_slice(decoded, 1, decoded.len);
    ret->bucket = str_cut(decoded, '/', &ret->key);
    if (ret->bucket.len == 0 || ret->key.len == 0) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "copy source must mention the source bucket and key: sourcebucket/sourcekey");
    }
    if (store_find_bucket(r->role->store, ret->bucket, &ret->bucket_info, err) < 0)
        return -1;
    if (ret->key.len > S3_KEY_BYTES)
        return err_set(err, ERR_KEY_TOO_LONG, "the key of the copy source is too long");
    if (store_find(r->role->store, ret->bucket_info.id, ret->key, r->arena, &ret->object, err) < 0)
        return -1;
    return s3_check_copy_conditions(r, &ret->object, err);
}

/* For a link that the file system refuses. */
static int copy_bytes(S3Request *r, uint64_t from, uint64_t to, int64_t size, Error *err)
{
    _cleanup_close_ int in = -1;
    _cleanup_close_ int out = -1;
    if (blob_open(store_blobs(r->role->store), from, &in, err) < 0 ||
        blob_create(store_blobs(r->role->store), to, &out, err) < 0)
        return -1;
    char *piece = arena_try(r->arena, COPY_PIECE_BYTES, err);
    if (!piece)
        return -1;
    for (int64_t at = 0; at < size;) {
        size_t n = size - at < COPY_PIECE_BYTES ? (size_t)(size - at) : COPY_PIECE_BYTES;
        if (fs_pread_all(in, piece, n, at, err) < 0 || fs_pwrite_all(out, piece, n, at, err) < 0)
            return -1;
        at += (int64_t)n;
    }
    return blob_sync(store_blobs(r->role->store), to, out, err);
}

static int copy_file(S3Request *r, const CopySource *source, StorePut *put, Error *err)
{
    Blobs *blobs = store_blobs(r->role->store);
    if (blob_link(blobs, source->object.generation, put->object.generation, err) < 0) {
        if (err->code != ERR_LIMIT)
            return -1;
        if (copy_bytes(r, source->object.generation, put->object.generation, source->object.size, err) < 0)
            return -1;
    }
    put->object.etag_parts = source->object.etag_parts;
    if (!source->object.etag_parts)
        return 0;
    return store_object_parts(r->role->store, source->object.generation, r->arena, &put->parts, err);
}

/* A small object that becomes a file: its new key ends in .parquet. */
static int write_file(S3Request *r, Str bytes, uint64_t generation, Error *err)
{
    _cleanup_close_ int fd = -1;
    Blobs *blobs = store_blobs(r->role->store);
    if (blob_create(blobs, generation, &fd, err) < 0 || fs_write_all(fd, bytes.ptr, bytes.len, err) < 0)
        return -1;
    return blob_sync(blobs, generation, fd, err);
}

static int copy_inline(S3Request *r, const CopySource *source, StorePut *put, Error *err)
{
    _cleanup_buf_ Buf bytes = BUF_INIT(16 << 20);
    if (store_read_inline(r->role->store, source->bucket_info.id, source->key, &source->object, &bytes, err) <
        0)
        return -1;
    put->body = arena_str(r->arena, buf_str(&bytes));
    put->is_inline = store_is_inline(r->role->store, r->key, source->object.size);
    return put->is_inline ? 0 : write_file(r, put->body, put->object.generation, err);
}

static int copy_meta(S3Request *r, const CopySource *source, Buf *meta, Error *err)
{
    Str directive = s3_header(r, "x-amz-metadata-directive"),
        tag_directive = s3_header(r, "x-amz-tagging-directive");
    bool replace = str_is(directive, "REPLACE"), replace_tags = str_is(tag_directive, "REPLACE");
    if ((directive.len && !replace && !str_is(directive, "COPY")) ||
        (tag_directive.len && !replace_tags && !str_is(tag_directive, "COPY"))) {
        return err_set(err, ERR_INVALID_ARGUMENT, "unknown metadata or tagging directive");
    }
    bool is_same = str_eq(source->bucket, r->bucket) && str_eq(source->key, r->key);
    if (is_same && !replace && !replace_tags && !s3_header(r, "x-amz-storage-class").ptr) {
        return err_set(
            err, ERR_BAD_REQUEST,
            "this copy request is illegal because it is trying to copy an object to itself without changing "
            "the object's metadata, storage class, website redirect location or encryption attributes");
    }
    if (replace && s3_meta_of_headers(r, meta, err) < 0)
        return -1;
    Str tagging = s3_header(r, "x-amz-tagging");
    if (replace_tags && tagging.ptr && s3_meta_of_tagging(r, tagging, meta, err) < 0)
        return -1;
    MetaTag tag;
    Str name, value;
    for (size_t i = 0; meta_next(source->object.meta, &i, &tag, &name, &value);) {
        bool is_of_bytes = tag == META_CHECKSUM || tag == META_CHECKSUM_TYPE || tag == META_FILE_CRC64;
        bool is_kept = is_of_bytes || (tag == META_OBJECT_TAG ? !replace_tags
                                       : tag == META_ORIGIN   ? false
                                                              : !replace);
        if (is_kept)
            meta_put(meta, tag, name, value);
    }
    return buf_check(meta, err);
}

static int copy_object(S3Request *r, CopySource *source, StorePut *put, Buf *meta, Error *err)
{
    if (s3_find_copy_source(r, source, err) < 0 || copy_meta(r, source, meta, err) < 0)
        return -1;
    *put = (StorePut){.bucket = r->bucket,
                      .key = r->key,
                      .condition = s3_write_condition(r),
                      .object = {.generation = blobs_new_generation(store_blobs(r->role->store)),
                                 .size = source->object.size,
                                 .meta = buf_str(meta)}};
    memcpy(put->object.etag, source->object.etag, MD5_BYTES);
    int result =
        object_is_file(&source->object) ? copy_file(r, source, put, err) : copy_inline(r, source, put, err);
    if (result < 0)
        return -1;
    StoreWrite write = {.op = STORE_PUT, .puts = put, .n_puts = 1};
    if (store_write(r->role->store, &write, err) == 0)
        return 0;
    if (!put->is_inline)
        blob_discard(store_blobs(r->role->store), put->object.generation);
    return -1;
}

void s3_copy_object(S3Request *r)
{
    enum { TRIES = 3 };
    CopySource source;
    StorePut put;
    Error err;
    int result = -1;
    _cleanup_buf_ Buf meta = BUF_INIT(COPY_META_MAX);
    err.code = ERR_NOT_FOUND;
    for (int i = 0; i < TRIES && result < 0 && err.code == ERR_NOT_FOUND;
         i++) { /* the source may be replaced while we read it */
        buf_clear(&meta);
        result = copy_object(r, &source, &put, &meta, &err);
    }
    if (result < 0) {
        s3_reply_error(r, &err);
        return;
    }
    Buf xml = s3_xml("CopyObjectResult");
    s3_put_time(&xml, "LastModified", put.object.modified_us);
    s3_put_etag(&xml, "ETag", &put.object);
    s3_put_checksums(&xml, put.object.meta);
    xml_close(&xml, "CopyObjectResult");
    s3_reply_xml(r, 200, &xml);
}
