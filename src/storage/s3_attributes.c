/* s3_attributes.c - GetObjectAttributes. */
#include "base/clock.h"
#include "storage/multipart.h"
#include "storage/s3.h"

static bool wants(const S3Request *r, const char *attribute)
{
    HttpHeader header;
    for (size_t i = 0; http_header_at(r->http, i, &header); i++) {
        if (!str_eq_nocase(header.name, STR("x-amz-object-attributes")))
            continue;
        for (Str rest = header.value; rest.ptr;) {
            if (str_eq_nocase(str_trim(str_cut(rest, ',', &rest)), str_from(attribute)))
                return true;
        }
    }
    return false;
}

typedef struct PartPage {
    int64_t max, after;
} PartPage;

static int read_part_page(const S3Request *r, PartPage *page, Error *err)
{
    Str max = s3_header(r, "x-amz-max-parts"), after = s3_header(r, "x-amz-part-number-marker");
    *page = (PartPage){.max = S3_PAGE};
    if ((max.len && str_to_i64(max, 0, INT32_MAX, &page->max, NULL) < 0) ||
        (after.len && str_to_i64(after, 0, S3_PARTS, &page->after, NULL) < 0)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "max-parts and part-number-marker must be numbers");
    }
    if (page->max > S3_PAGE)
        page->max = S3_PAGE;
    return 0;
}

static void put_part(Buf *xml, Arena *arena, const MultipartPart *part, Str checksum_name)
{
    ChecksumKind kind = checksum_from_name(checksum_name);
    xml_open(xml, "Part");
    xml_element_int(xml, "PartNumber", part->number);
    xml_element_int(xml, "Size", part->size);
    if (kind && part->checksum.len)
        xml_element(xml, checksum_element(kind), s3_checksum_text(arena, checksum_name, part->checksum));
    xml_close(xml, "Part");
}

static Str checksum_name_of(Str meta)
{
    MetaTag tag;
    Str name, value;
    for (size_t i = 0; meta_next(meta, &i, &tag, &name, &value);) {
        if (tag == META_CHECKSUM)
            return name;
    }
    return STR("");
}

/* Without checksums AWS tells the count only; the sizes are cheap here and clients show them. */
static void put_parts(Buf *xml, S3Request *r, const ObjectInfo *object, Str parts, const PartPage *page)
{
    MultipartPart part;
    size_t position = 0;
    int64_t offset = 0, n = 0, last = 0;
    bool is_truncated = false;
    _cleanup_buf_ Buf list = BUF_INIT(8 << 20);
    while (multipart_next(parts, &position, &offset, &part)) {
        if (part.number <= page->after)
            continue;
        if (n == page->max) {
            is_truncated = true;
            break;
        }
        put_part(&list, r->arena, &part, checksum_name_of(object->meta));
        last = part.number;
        n++;
    }
    xml_open(xml, "ObjectParts");
    xml_element_int(xml, "PartsCount", (int64_t)multipart_count(parts));
    xml_element_int(xml, "PartNumberMarker", page->after);
    if (is_truncated)
        xml_element_int(xml, "NextPartNumberMarker", last);
    xml_element_int(xml, "MaxParts", page->max);
    xml_element_bool(xml, "IsTruncated", is_truncated);
    buf_add(xml, buf_str(&list));
    xml_close(xml, "ObjectParts");
}

static int get_attributes(S3Request *r, ObjectInfo *object, Str *parts, PartPage *page, Error *err)
{
    if (!s3_header(r, "x-amz-object-attributes").len)
        return err_set(err, ERR_INVALID_ARGUMENT, "x-amz-object-attributes is missing");
    if (s3_check_version_param(r, err) < 0 || read_part_page(r, page, err) < 0)
        return -1;
    if (store_find(r->role->store, r->bucket_info.id, r->key, r->arena, object, err) < 0)
        return -1;
    *parts = STR_NULL;
    return object->etag_parts ? store_object_parts(r->role->store, object->generation, r->arena, parts, err)
                              : 0;
}

void s3_get_attributes(S3Request *r)
{
    Error err;
    ObjectInfo object;
    Str parts;
    PartPage page;
    char text[OBJECT_ETAG_TEXT];
    _Static_assert((int)OBJECT_ETAG_TEXT >= (int)TIME_TEXT_MAX, "one buffer for both");
    if (get_attributes(r, &object, &parts, &page, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    time_format_http(object.modified_us, text);
    http_set_header(r->http, "Last-Modified", str_from(text));
    Buf xml = s3_xml("GetObjectAttributesResponse");
    object_etag_text(&object, text);
    if (wants(r, "ETag"))
        xml_element(&xml, "ETag", str_from(text));
    if (wants(r, "Checksum") && checksum_name_of(object.meta).len) {
        xml_open(&xml, "Checksum");
        s3_put_checksums(&xml, object.meta);
        xml_close(&xml, "Checksum");
    }
    if (wants(r, "ObjectParts") && parts.ptr)
        put_parts(&xml, r, &object, parts, &page);
    Str storage_class = meta_get(object.meta, META_STORAGE_CLASS);
    if (wants(r, "StorageClass"))
        xml_element(&xml, "StorageClass", storage_class.ptr ? storage_class : STR("STANDARD"));
    if (wants(r, "ObjectSize"))
        xml_element_int(&xml, "ObjectSize", object.size);
    xml_close(&xml, "GetObjectAttributesResponse");
    s3_reply_xml(r, 200, &xml);
}
