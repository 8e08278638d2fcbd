/* s3_get.c - GetObject and HeadObject. Small objects are read here and now from their segment; files go out
 * by sendfile. */
#include <stdio.h>
#include <unistd.h>

#include "base/metrics.h"
#include "storage/multipart.h"
#include "storage/s3.h"

enum { GET_TRIES = 3 }; /* an object may be replaced or moved between its lookup and its reading */

typedef struct GetRange {
    int64_t from, length;
    bool is_partial;
} GetRange;

/* With x-amz-checksum-mode the answer to a part's GET has the part's checksum. */
static void set_part_checksum(S3Request *r, const ObjectInfo *object, const MultipartPart *part)
{
    MetaTag tag;
    Str name, value;
    if (!str_eq_nocase(s3_header(r, "x-amz-checksum-mode"), STR("ENABLED")) || part->checksum.len == 0)
        return;
    for (size_t i = 0; meta_next(object->meta, &i, &tag, &name, &value);) {
        if (tag == META_CHECKSUM)
            http_set_header(r->http, checksum_header(checksum_from_name(name)),
                            s3_checksum_text(r->arena, name, part->checksum));
        if (tag == META_CHECKSUM_TYPE)
            http_set_header(r->http, "x-amz-checksum-type", value);
    }
}

/* `partNumber`: the bytes of that part. Sets x-amz-mp-parts-count. */
static int range_of_part(S3Request *r, const ObjectInfo *object, GetRange *range, bool *ret_given, Error *err)
{
    int64_t number = 0;
    Str parts = STR_NULL;
    MultipartPart part = {0};
    *ret_given = false;
    if (http_query(r->http).len == 0)
        return 0;
    if (s3_param_int(r, "partNumber", 1, S3_PARTS, &number, err) < 0)
        return -1;
    if (number == 0)
        return 0;
    *ret_given = true;
    if (s3_header(r, "range").ptr)
        return err_set(err, ERR_BAD_REQUEST,
                       "cannot specify both Range header and partNumber query parameter");
    if (object->etag_parts &&
        store_object_parts(r->role->store, object->generation, r->arena, &parts, err) < 0)
        return -1;
    size_t n = parts.ptr ? multipart_count(parts) : 1;
    if ((size_t)number > n)
        return err_set(err, ERR_INVALID_PART, "the requested partnumber is not satisfiable");
    range->is_partial = true;
    if (parts.ptr) {
        multipart_part(parts, (size_t)number - 1, &part);
        range->from = part.offset;
        range->length = part.size;
        set_part_checksum(r, object, &part);
        http_set_headerf(r->http, "x-amz-mp-parts-count", "%zu", n);
    }
    return 0;
}

static int find_range(S3Request *r, const ObjectInfo *object, GetRange *range, Error *err)
{
    bool is_part;
    int64_t to = 0;
    *range = (GetRange){.length = object->size};
    if (range_of_part(r, object, range, &is_part, err) < 0)
        return -1;
    if (is_part) {
        if (object->size == 0)
            range->is_partial = false;
        return 0;
    }
    Str header = s3_header(r, "range");
    if (!header.ptr)
        return 0;
    int result = http_parse_range(header, object->size, &range->from, &to, err);
    if (result > 0) {
        *range = (GetRange){.length = object->size};
        return 0;
    }
    if (result < 0) {
        http_set_headerf(r->http, "Content-Range", "bytes */%lld", (long long)object->size);
        return -1;
    }
    range->length = to - range->from + 1;
    range->is_partial = true;
    return 0;
}

static void reply_inline(S3Request *r, int status, Buf *bytes, const GetRange *range)
{
    if (range->is_partial) {
        buf_consume(bytes, (size_t)range->from);
        bytes->len = (size_t)range->length;
    }
    metric_add(METRIC_S3_SENT, (double)range->length);
    http_reply_buf(r->http, status, NULL, bytes);
}

/* Everything but the body. Returns the status. */
static int begin_answer(S3Request *r, const ObjectInfo *object, const GetRange *range)
{
    bool with_checksum =
        !range->is_partial && str_eq_nocase(s3_header(r, "x-amz-checksum-mode"), STR("ENABLED"));
    s3_set_object_headers(r, object, with_checksum);
    if (range->is_partial) {
        http_set_headerf(r->http, "Content-Range", "bytes %lld-%lld/%lld", (long long)range->from,
                         (long long)(range->from + range->length - 1), (long long)object->size);
    }
    int status = range->is_partial ? 206 : 200;
    s3_count(r, status);
    return status;
}

/* 0: answered; 1: the bytes are not there any more, look the key up again; -1: failed. */
static int answer(S3Request *r, const ObjectInfo *object, Error *err)
{
    GetRange range;
    Buf bytes = BUF_INIT(16 << 20);
    int fd = -1;
    bool is_head = str_is(r->method, "HEAD");
    if (find_range(r, object, &range, err) < 0)
        return -1;
    if (!is_head) {
        int result = object_is_file(object)
                         ? blob_open(store_blobs(r->role->store), object->generation, &fd, err)
                         : store_read_inline(r->role->store, r->bucket_info.id, r->key, object, &bytes, err);
        if (result < 0) {
            buf_free(&bytes);
            return err->code == ERR_NOT_FOUND ? 1 : -1;
        }
    }
    int status = begin_answer(r, object, &range);
    if (is_head) {
        http_begin(r->http, status, NULL, range.length);
        http_end(r->http, true);
    } else if (object_is_file(object)) {
        metric_add(METRIC_S3_SENT, (double)range.length);
        http_reply_file(r->http, status, NULL, fd, range.from, range.length);
    } else {
        reply_inline(r, status, &bytes, &range);
    }
    return 0;
}

static void reply_not_modified(S3Request *r, const ObjectInfo *object)
{
    s3_set_object_headers(r, object, false);
    s3_reply_empty(r, 304);
}

void s3_get_object(S3Request *r)
{
    Error err;
    ObjectInfo object;
    if (s3_check_version_param(r, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    for (int i = 0; i < GET_TRIES; i++) {
        if (store_find(r->role->store, r->bucket_info.id, r->key, r->arena, &object, &err) < 0)
            break;
        int condition = s3_check_read_conditions(r, &object);
        if (condition == 304) {
            reply_not_modified(r, &object);
            return;
        }
        if (condition == 412) {
            err_set(&err, ERR_PRECONDITION_FAILED,
                    "at least one of the preconditions you specified did not hold");
            break;
        }
        int result = answer(r, &object, &err);
        if (result == 0)
            return;
        if (result < 0)
            break;
        err_set(&err, ERR_CORRUPT, "the bytes of %.*s are missing from the store", STR_ARG(r->key));
    }
    s3_reply_error(r, &err);
}
