/* s3_complete.c - CompleteMultipartUpload: checks the list of parts, brings them into one file, and makes it
 * the object.
 *
 * When the parts stand in the base file where they belong (uploads.h) nothing is copied; parts in files of
 * their own are copied into their places. Otherwise all are copied into a new file. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "storage/s3_multipart.h"

enum { COMPLETE_PIECE_BYTES = 1 << 20 };

typedef struct Complete {
    S3Request *r;
    UploadInfo info;
    ChecksumKind kind;
    bool is_full;
    StorePart *stored; /* all parts of the upload, by number */
    size_t n_stored;
    const StorePart **parts; /* those of the list */
    int64_t *offsets;        /* of each in the object */
    size_t n;
    int64_t size;
    Buf meta, table;
    ObjectInfo object;
} Complete;

/* ---- the list ---- */

static const StorePart *find_part(const Complete *c, int64_t number)
{
    size_t low = 0, high = c->n_stored;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->stored[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < c->n_stored && c->stored[low].number == number ? &c->stored[low] : NULL;
}

static Str unquote(Str etag)
{
    etag = str_trim(etag);
    return etag.len >= 2 && etag.ptr[0] == '"' && etag.ptr[etag.len - 1] == '"'
               ? str_slice(etag, 1, etag.len - 1)
               : etag;
}

static int check_part(const Complete *c, const XmlNode *node, const StorePart *part, int64_t number,
                      Error *err)
{
    uint8_t etag[MD5_BYTES];
    Str given = unquote(xml_child_text(node, "ETag"));
    if (!part || hex_decode(given, etag, sizeof etag, NULL) < 0 ||
        memcmp(etag, part->etag, sizeof etag) != 0) {
        return err_set(
            err, ERR_INVALID_PART,
            "one or more of the specified parts could not be found; the part may not have been uploaded, "
            "or the specified entity tag may not match: part %lld",
            (long long)number);
    }
    Str checksum = c->kind ? xml_child_text(node, checksum_element(c->kind)) : STR_NULL;
    if (!checksum.len)
        return 0;
    Str expected = s3_checksum_text(c->r->arena, str_from(checksum_name(c->kind)), part_digest(part));
    if (str_eq(checksum, expected))
        return 0;
    return err_set(err, ERR_INVALID_PART, "the %s of part %lld does not match what was uploaded",
                   checksum_name(c->kind), (long long)number);
}

static bool is_listed_again(const XmlNode *node, int64_t number)
{
    const XmlNode *next = node->next;
    while (next && !str_is(next->name, "Part"))
        next = next->next;
    int64_t next_number;
    return next &&
           str_to_i64(str_trim(xml_child_text(next, "PartNumber")), 1, S3_PARTS, &next_number, NULL) == 0 &&
           next_number == number;
}

static int read_parts(Complete *c, Error *err)
{
    const XmlNode *root;
    if (xml_parse(c->r->body, c->r->arena, &root, err) < 0)
        return -1;
    if (!str_is(root->name, "CompleteMultipartUpload"))
        return err_set(err, ERR_MALFORMED_XML, "expected CompleteMultipartUpload");
    c->parts = arena_array(c->r->arena, const StorePart *, root->n_children + 1);
    c->offsets = arena_array(c->r->arena, int64_t, root->n_children + 1);
    int64_t last = 0;
    for (const XmlNode *node = root->children; node; node = node->next) {
        int64_t number;
        if (!str_is(node->name, "Part"))
            continue;
        if (str_to_i64(str_trim(xml_child_text(node, "PartNumber")), 1, S3_PARTS, &number, NULL) < 0) {
            return err_set(err, ERR_MALFORMED_XML, "a Part needs a PartNumber between 1 and 10000");
        }
        if (number < last)
            return err_set(err, ERR_INVALID_PART_ORDER, "the list of parts was not in ascending order");
        last = number;
        if (is_listed_again(node, number)) /* a part that was sent twice: the last one counts */
            continue;
        const StorePart *part = find_part(c, number);
        if (check_part(c, node, part, number, err) < 0)
            return -1;
        c->parts[c->n] = part;
        c->offsets[c->n++] = c->size;
        c->size += part->size;
    }
    return c->n ? 0 : err_set(err, ERR_MALFORMED_XML, "the list of parts is empty");
}

static int check_sizes(const Complete *c, Error *err)
{
    for (size_t i = 0; i + 1 < c->n; i++) {
        if (c->parts[i]->size < S3_MIN_PART_BYTES) {
            return err_set(
                err, ERR_ENTITY_TOO_SMALL,
                "your proposed upload is smaller than the minimum allowed size: part %u has %lld bytes",
                c->parts[i]->number, (long long)c->parts[i]->size);
        }
    }
    if (c->size > S3_OBJECT_BYTES)
        return err_set(err, ERR_ENTITY_TOO_LARGE, "the object would be larger than 5 TiB");
    Str claimed = s3_header(c->r, "x-amz-mp-object-size");
    int64_t claimed_size;
    if (claimed.len &&
        (str_to_i64(claimed, 0, INT64_MAX, &claimed_size, NULL) < 0 || claimed_size != c->size)) {
        return err_set(err, ERR_BAD_REQUEST, "the parts have %lld bytes, x-amz-mp-object-size says %.*s",
                       (long long)c->size, STR_ARG(claimed));
    }
    return 0;
}

/* ---- etag and checksums ---- */

static void put_etag(Complete *c)
{
    Checksum md5;
    uint8_t digest[CHECKSUM_MAX_BYTES];
    checksum_init(&md5, CHECKSUM_MD5);
    for (size_t i = 0; i < c->n; i++)
        checksum_update(&md5, c->parts[i]->etag, MD5_BYTES);
    checksum_final(&md5, digest);
    memcpy(c->object.etag, digest, MD5_BYTES);
    c->object.etag_parts = (uint32_t)c->n;
}

/* The digest of the whole by that of the parts: combined for FULL_OBJECT, a digest of digests and "-N" for
 * COMPOSITE. */
static int put_checksum(Complete *c, Error *err)
{
    if (c->kind == CHECKSUM_NONE)
        return 0;
    Checksum sum;
    uint8_t digest[CHECKSUM_MAX_BYTES];
    size_t n = checksum_size(c->kind);
    checksum_init(&sum, c->kind);
    checksum_final(&sum, digest);
    checksum_init(&sum, c->kind);
    for (size_t i = 0; i < c->n; i++) {
        Str part = part_digest(c->parts[i]);
        if (part.len != n)
            return err_set(err, ERR_INVALID_PART, "part %u has no %s", c->parts[i]->number,
                           checksum_name(c->kind));
        if (c->is_full) {
            checksum_combine(c->kind, digest, (const uint8_t *)part.ptr, (uint64_t)c->parts[i]->size);
        } else {
            checksum_update(&sum, part.ptr, part.len);
        }
    }
    if (!c->is_full)
        checksum_final(&sum, digest);
    Str value = str_of((const char *)digest, n);
    if (!c->is_full) {
        _cleanup_buf_ Buf composite = BUF_INIT(128);
        buf_add(&composite, value);
        buf_printf(&composite, "-%zu", c->n);
        value = arena_str(c->r->arena, buf_str(&composite));
    }
    Str name = str_from(checksum_name(c->kind)), claimed = s3_header(c->r, checksum_header(c->kind));
    Str text = s3_checksum_text(c->r->arena, name, value), without_count;
    (void)str_cut(text, '-', &without_count);
    Str bare = without_count.ptr ? str_slice(text, 0, text.len - without_count.len - 1) : text;
    if (claimed.len && !str_eq(claimed, text) && !str_eq(claimed, bare)) {
        return err_set(err, ERR_BAD_DIGEST, "the %s you specified did not match the calculated checksum",
                       checksum_name(c->kind));
    }
    meta_put(&c->meta, META_CHECKSUM, name, value);
    meta_put(&c->meta, META_CHECKSUM_TYPE, STR(""), c->is_full ? STR("FULL_OBJECT") : STR("COMPOSITE"));
    return 0;
}

static void put_table(Complete *c)
{
    uint8_t crc[CHECKSUM_MAX_BYTES] = {0};
    for (size_t i = 0; i < c->n; i++) {
        multipart_put(&c->table, c->parts[i]->number, c->parts[i]->size, part_digest(c->parts[i]));
        checksum_combine(CHECKSUM_CRC64NVME, crc, (const uint8_t *)c->parts[i]->checksum.ptr,
                         (uint64_t)c->parts[i]->size);
    }
    meta_put(&c->meta, META_FILE_CRC64, STR(""), str_of((const char *)crc, PART_CRC64_BYTES));
}

/* ---- the bytes ---- */

/* The file that can become the object: every part of the upload that is in it is in the list and at its
 * place. 0: none. */
static uint64_t find_base(const Complete *c)
{
    uint64_t base = 0;
    int64_t most = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->parts[i]->position != c->offsets[i] || c->parts[i]->size <= most)
            continue;
        base = c->parts[i]->generation;
        most = c->parts[i]->size;
    }
    size_t in_base = 0, in_place = 0;
    for (size_t i = 0; i < c->n_stored; i++)
        in_base += c->stored[i].generation == base;
    for (size_t i = 0; i < c->n; i++)
        in_place += c->parts[i]->generation == base && c->parts[i]->position == c->offsets[i];
    return in_base == in_place ? base : 0;
}

static int copy_part(Complete *c, const StorePart *part, int to, int64_t offset, char *piece, Error *err)
{
    _cleanup_close_ int from = -1;
    if (blob_open(store_blobs(c->r->role->store), part->generation, &from, err) < 0)
        return -1;
    for (int64_t at = 0; at < part->size;) {
        size_t n = part->size - at < COMPLETE_PIECE_BYTES ? (size_t)(part->size - at) : COMPLETE_PIECE_BYTES;
        if (fs_pread_all(from, piece, n, part->position + at, err) < 0 ||
            fs_pwrite_all(to, piece, n, offset + at, err) < 0)
            return -1;
        at += (int64_t)n;
    }
    return 0;
}

static int assemble_file(Complete *c, bool is_alone, Error *err)
{
    Blobs *blobs = store_blobs(c->r->role->store);
    _cleanup_close_ int fd = -1;
    char path[BLOB_PATH_MAX];
    uint64_t base = is_alone ? find_base(c) : 0;
    c->object.generation = base ? base : blobs_new_generation(blobs);
    blob_path(blobs, c->object.generation, path);
    char *piece = arena_try(c->r->arena, COMPLETE_PIECE_BYTES, err);
    if (base)
        chmod(path, 0600); /* an earlier Complete that was refused at last left it read-only */
    if (!piece || fs_open(path, O_RDWR | (base ? 0 : O_CREAT | O_EXCL), 0600, &fd, err) < 0)
        return -1;
    for (size_t i = 0; i < c->n; i++) {
        if (base && c->parts[i]->generation == base)
            continue;
        if (copy_part(c, c->parts[i], fd, c->offsets[i], piece, err) < 0)
            return -1;
    }
    if (base && fs_truncate(fd, c->size, err) < 0)
        return -1;
    return blob_sync(blobs, c->object.generation, fd, err);
}

static bool is_own_file(const Complete *c)
{
    for (size_t i = 0; i < c->n_stored; i++) {
        if (c->stored[i].generation == c->object.generation)
            return false;
    }
    return c->object.generation != 0;
}

/* ---- all of it ---- */

static int prepare(Complete *c, Error *err)
{
    upload_checksum_of(c->info.checksum, &c->kind, &c->is_full);
    if (store_list_parts(c->r->role->store, c->info.id, 0, S3_PARTS, c->r->arena, &c->stored, &c->n_stored,
                         err) < 0)
        return -1;
    if (read_parts(c, err) < 0 || check_sizes(c, err) < 0)
        return -1;
    buf_add(&c->meta, c->info.meta);
    put_etag(c);
    if (put_checksum(c, err) < 0)
        return -1;
    put_table(c);
    if (buf_check(&c->meta, err) < 0 || buf_check(&c->table, err) < 0)
        return -1;
    c->object.size = c->size;
    c->object.meta = buf_str(&c->meta);
    return 0;
}

static int complete(Complete *c, Error *err)
{
    S3Request *r = c->r;
    Upload *upload;
    bool is_alone;
    if (s3_find_upload(r, &c->info, err) < 0)
        return -1;
    if (upload_begin_end(r->role->uploads, c->info.id, &upload, &is_alone, err) < 0)
        return -1;
    int result = prepare(c, err);
    bool has_file = result == 0;
    if (result == 0)
        result = assemble_file(c, is_alone, err);
    if (result == 0) {
        StorePut put = {.bucket = r->bucket,
                        .key = r->key,
                        .object = c->object,
                        .parts = buf_str(&c->table),
                        .condition = s3_write_condition(r)};
        StoreWrite write = {.op = STORE_COMPLETE, .upload = c->info.id, .puts = &put, .n_puts = 1};
        result = store_write(r->role->store, &write, err);
    }
    if (result < 0 && has_file && is_own_file(c))
        blob_discard(store_blobs(r->role->store), c->object.generation);
    upload_finish_end(r->role->uploads, upload);
    return result;
}

/* The answer to a Complete that was lost: the client asks again. */
static bool was_completed(S3Request *r, ObjectInfo *ret)
{
    Str id = s3_param(r, "uploadId");
    return store_find_completed(r->role->store, id.ptr ? id : STR(""), r->bucket_info.id, r->key, r->arena,
                                ret, NULL) == 0;
}

static void reply(S3Request *r, const ObjectInfo *object)
{
    Buf xml = s3_xml("CompleteMultipartUploadResult");
    Str host = s3_header(r, "host");
    xml_open(&xml, "Location");
    buf_puts(&xml, "http://");
    xml_escape(&xml, host);
    buf_putc(&xml, '/');
    xml_escape(&xml, r->bucket);
    buf_putc(&xml, '/');
    percent_encode(r->key, true, &xml);
    xml_close(&xml, "Location");
    xml_element(&xml, "Bucket", r->bucket);
    xml_element(&xml, "Key", r->key);
    s3_put_etag(&xml, "ETag", object);
    s3_put_checksums(&xml, object->meta);
    xml_close(&xml, "CompleteMultipartUploadResult");
    s3_reply_xml(r, 200, &xml);
}

void s3_complete_upload(S3Request *r)
{
    Error err;
    Complete c = {.r = r, .meta = BUF_INIT(256 * 1024), .table = BUF_INIT(1 << 20)};
    int result = complete(&c, &err);
    if (result == 0) {
        reply(r, &c.object);
    } else if (err.code == ERR_NO_SUCH_UPLOAD && was_completed(r, &c.object)) {
        reply(r, &c.object);
    } else {
        s3_reply_error(r, &err);
    }
    buf_free(&c.meta);
    buf_free(&c.table);
}
