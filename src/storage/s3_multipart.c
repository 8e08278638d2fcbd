/* s3_multipart.c - CreateMultipartUpload, AbortMultipartUpload, ListParts, ListMultipartUploads. */
#include "storage/s3_multipart.h"
#include "base/rng.h"

/* ---- create ---- */

static int read_checksum_choice(S3Request *r, Str *ret, Error *err)
{
    Str algorithm = s3_header(r, "x-amz-checksum-algorithm"), type = s3_header(r, "x-amz-checksum-type");
    *ret = STR("");
    if (!algorithm.len) {
        return type.len ? err_set(err, ERR_BAD_REQUEST, "x-amz-checksum-type needs x-amz-checksum-algorithm")
                        : 0;
    }
    ChecksumKind kind = checksum_from_name(algorithm);
    if (kind == CHECKSUM_NONE)
        return err_set(err, ERR_BAD_REQUEST, "checksum algorithm provided is unsupported: %.*s",
                       STR_ARG(algorithm));
    bool is_full = type.len ? str_eq_nocase(type, STR("FULL_OBJECT")) : kind == CHECKSUM_CRC64NVME;
    if (type.len && !is_full && !str_eq_nocase(type, STR("COMPOSITE")))
        return err_set(err, ERR_INVALID_ARGUMENT, "checksum type is unknown");
    if (is_full ? !checksum_is_crc(kind) : kind == CHECKSUM_CRC64NVME) {
        return err_set(err, ERR_BAD_REQUEST,
                       "the %s checksum type cannot be used with the %s checksum algorithm",
                       is_full ? "FULL_OBJECT" : "COMPOSITE", checksum_name(kind));
    }
    *ret = arena_printf(r->arena, "%s %s", checksum_name(kind), is_full ? "FULL_OBJECT" : "COMPOSITE");
    http_set_header(r->http, "x-amz-checksum-algorithm", str_from(checksum_name(kind)));
    http_set_header(r->http, "x-amz-checksum-type", is_full ? STR("FULL_OBJECT") : STR("COMPOSITE"));
    return 0;
}

void upload_checksum_of(Str text, ChecksumKind *ret_kind, bool *ret_is_full)
{
    Str type;
    *ret_kind = checksum_from_name(str_cut(text, ' ', &type));
    *ret_is_full = type.ptr && str_is(type, "FULL_OBJECT");
}

void s3_create_upload(S3Request *r)
{
    Error err;
    Str checksum, tagging = s3_header(r, "x-amz-tagging");
    uint8_t random[16];
    char id[32];
    _cleanup_buf_ Buf meta = BUF_INIT(256 * 1024);
    if (s3_meta_of_headers(r, &meta, &err) < 0 ||
        (tagging.ptr && s3_meta_of_tagging(r, tagging, &meta, &err) < 0) ||
        read_checksum_choice(r, &checksum, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    rng_bytes(random, sizeof random);
    hex_encode(random, sizeof random, id);
    StoreWrite write = {.op = STORE_CREATE_UPLOAD,
                        .bucket = r->bucket,
                        .key = r->key,
                        .upload = str_of(id, sizeof id),
                        .name = checksum,
                        .value = buf_str(&meta)};
    if (store_write(r->role->store, &write, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    Buf xml = s3_xml("InitiateMultipartUploadResult");
    xml_element(&xml, "Bucket", r->bucket);
    xml_element(&xml, "Key", r->key);
    xml_element(&xml, "UploadId", str_of(id, sizeof id));
    xml_close(&xml, "InitiateMultipartUploadResult");
    s3_reply_xml(r, 200, &xml);
}

/* ---- the upload of a request ---- */

int s3_find_upload(S3Request *r, UploadInfo *ret, Error *err)
{
    Str id = s3_param(r, "uploadId");
    if (store_find_upload(r->role->store, id.ptr ? id : STR(""), r->arena, ret, err) < 0)
        return -1;
    if (ret->bucket == r->bucket_info.id && str_eq(ret->key, r->key))
        return 0;
    return err_set(err, ERR_NO_SUCH_UPLOAD, "the upload %.*s is of another key", STR_ARG(id));
}

void s3_abort_upload(S3Request *r)
{
    Error err;
    UploadInfo upload;
    if (s3_find_upload(r, &upload, &err) == 0) {
        StoreWrite write = {.op = STORE_ABORT_UPLOAD, .upload = upload.id};
        if (store_write(r->role->store, &write, &err) == 0) {
            s3_reply_empty(r, 204);
            return;
        }
    }
    s3_reply_error(r, &err);
}

/* ---- lists ---- */

void s3_list_parts(S3Request *r)
{
    Error err;
    UploadInfo upload;
    StorePart *parts = NULL;
    size_t n = 0;
    int64_t max = S3_PAGE, after = 0;
    ChecksumKind kind;
    bool is_full;
    if (s3_param_int(r, "max-parts", 0, INT32_MAX, &max, &err) < 0 ||
        s3_param_int(r, "part-number-marker", 0, INT32_MAX, &after, &err) < 0 ||
        s3_find_upload(r, &upload, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    size_t page = max > S3_PAGE ? S3_PAGE : (size_t)max;
    if (store_list_parts(r->role->store, upload.id, (uint32_t)after, page + 1, r->arena, &parts, &n, &err) <
        0) {
        s3_reply_error(r, &err);
        return;
    }
    bool is_truncated = n > page;
    if (is_truncated)
        n = page;
    upload_checksum_of(upload.checksum, &kind, &is_full);
    Buf xml = s3_xml("ListPartsResult");
    xml_element(&xml, "Bucket", r->bucket);
    xml_element(&xml, "Key", r->key);
    xml_element(&xml, "UploadId", upload.id);
    s3_put_owner(&xml, r, "Initiator");
    s3_put_owner(&xml, r, "Owner");
    buf_puts(&xml, "<StorageClass>STANDARD</StorageClass>");
    if (kind)
        xml_element(&xml, "ChecksumAlgorithm", str_from(checksum_name(kind)));
    if (kind)
        xml_element(&xml, "ChecksumType", is_full ? STR("FULL_OBJECT") : STR("COMPOSITE"));
    xml_element_int(&xml, "PartNumberMarker", after);
    xml_element_int(&xml, "NextPartNumberMarker", n ? parts[n - 1].number : 0);
    xml_element_int(&xml, "MaxParts", (int64_t)page);
    xml_element_bool(&xml, "IsTruncated", is_truncated);
    for (size_t i = 0; i < n; i++) {
        ObjectInfo etag = {0};
        memcpy(etag.etag, parts[i].etag, MD5_BYTES);
        xml_open(&xml, "Part");
        xml_element_int(&xml, "PartNumber", parts[i].number);
        s3_put_time(&xml, "LastModified", parts[i].modified_us);
        s3_put_etag(&xml, "ETag", &etag);
        xml_element_int(&xml, "Size", parts[i].size);
        Str digest = part_digest(&parts[i]);
        if (kind && digest.len)
            xml_element(&xml, checksum_element(kind),
                        s3_checksum_text(r->arena, str_from(checksum_name(kind)), digest));
        xml_close(&xml, "Part");
    }
    xml_close(&xml, "ListPartsResult");
    s3_reply_xml(r, 200, &xml);
}

typedef struct UploadsPage {
    Str prefix, delimiter, key_marker, id_marker;
    int64_t max;
    bool is_url, is_truncated;
    Vec(UploadInfo) uploads;
    Vec(Str) prefixes;
} UploadsPage;

/* Uploads are few: a delimiter is applied to what the index lists. */
static int gather_uploads(S3Request *r, UploadsPage *page, Error *err)
{
    Str after_key = page->key_marker.ptr ? page->key_marker : STR("");
    /* without an id marker the uploads of the marker's key itself are passed over */
    Str after_id = page->id_marker.len || after_key.len == 0 ? page->id_marker : STR("\x7f");
    while (!page->is_truncated) {
        UploadInfo *found;
        size_t n;
        if (store_list_uploads(r->role->store, r->bucket_info.id, page->prefix, after_key, after_id, S3_PAGE,
                               r->arena, &found, &n, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < n; i++) {
            Str rest = str_slice(found[i].key, page->prefix.len, found[i].key.len);
            ptrdiff_t at = page->delimiter.len ? str_find(rest, page->delimiter) : -1;
            Str common =
                at < 0 ? STR_NULL
                       : str_slice(found[i].key, 0, page->prefix.len + (size_t)at + page->delimiter.len);
            if (common.ptr && page->prefixes.n && str_eq(page->prefixes.items[page->prefixes.n - 1], common))
                continue;
            if ((int64_t)(page->uploads.n + page->prefixes.n) >= page->max) {
                page->is_truncated = page->max > 0;
                return 0;
            }
            if (common.ptr) {
                *vec_push(r->arena, &page->prefixes) = common;
            } else {
                *vec_push(r->arena, &page->uploads) = found[i];
            }
        }
        if (n < S3_PAGE || arena_check(r->arena, err) < 0)
            break;
        after_key = found[n - 1].key;
        after_id = found[n - 1].id;
    }
    return arena_check(r->arena, err);
}

static void put_text(Buf *xml, const UploadsPage *page, const char *element, Str text)
{
    xml_open(xml, element);
    if (page->is_url) {
        percent_encode(text, true, xml);
    } else {
        xml_escape(xml, text);
    }
    xml_close(xml, element);
}

static void put_upload(Buf *xml, const S3Request *r, const UploadsPage *page, const UploadInfo *upload)
{
    ChecksumKind kind;
    bool is_full;
    upload_checksum_of(upload->checksum, &kind, &is_full);
    xml_open(xml, "Upload");
    put_text(xml, page, "Key", upload->key);
    xml_element(xml, "UploadId", upload->id);
    s3_put_owner(xml, r, "Initiator");
    s3_put_owner(xml, r, "Owner");
    buf_puts(xml, "<StorageClass>STANDARD</StorageClass>");
    s3_put_time(xml, "Initiated", upload->initiated_us);
    if (kind)
        xml_element(xml, "ChecksumAlgorithm", str_from(checksum_name(kind)));
    if (kind)
        xml_element(xml, "ChecksumType", is_full ? STR("FULL_OBJECT") : STR("COMPOSITE"));
    xml_close(xml, "Upload");
}

void s3_list_uploads(S3Request *r)
{
    Error err;
    UploadsPage page = {.prefix = s3_param(r, "prefix"),
                        .delimiter = s3_param(r, "delimiter"),
                        .key_marker = s3_param(r, "key-marker"),
                        .id_marker = s3_param(r, "upload-id-marker"),
                        .max = S3_PAGE,
                        .is_url = str_is(s3_param(r, "encoding-type"), "url")};
    if (s3_param_int(r, "max-uploads", 0, INT32_MAX, &page.max, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    if (page.max > S3_PAGE)
        page.max = S3_PAGE;
    if (gather_uploads(r, &page, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    Buf xml = s3_xml("ListMultipartUploadsResult");
    xml_element(&xml, "Bucket", r->bucket);
    put_text(&xml, &page, "KeyMarker", page.key_marker);
    xml_element(&xml, "UploadIdMarker", page.id_marker);
    put_text(&xml, &page, "Prefix", page.prefix);
    if (page.delimiter.len)
        put_text(&xml, &page, "Delimiter", page.delimiter);
    if (page.is_url)
        xml_element(&xml, "EncodingType", STR("url"));
    if (page.is_truncated && page.uploads.n) {
        put_text(&xml, &page, "NextKeyMarker", page.uploads.items[page.uploads.n - 1].key);
        xml_element(&xml, "NextUploadIdMarker", page.uploads.items[page.uploads.n - 1].id);
    }
    xml_element_int(&xml, "MaxUploads", page.max);
    xml_element_bool(&xml, "IsTruncated", page.is_truncated);
    for (size_t i = 0; i < page.uploads.n; i++)
        put_upload(&xml, r, &page, &page.uploads.items[i]);
    for (size_t i = 0; i < page.prefixes.n; i++) {
        xml_open(&xml, "CommonPrefixes");
        put_text(&xml, &page, "Prefix", page.prefixes.items[i]);
        xml_close(&xml, "CommonPrefixes");
    }
    xml_close(&xml, "ListMultipartUploadsResult");
    s3_reply_xml(r, 200, &xml);
}
