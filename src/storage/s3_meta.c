/* s3_meta.c - an object's metadata: from request headers, to answer headers; tags; checksums as text. */
#include <stdlib.h>

#include "base/clock.h"
#include "storage/s3.h"

enum { META_MAX = 256 * 1024 };

static const struct {
    MetaTag tag;
    const char *header;
    const char *override;
} system_headers[] = {
    {META_CONTENT_TYPE, "Content-Type", "response-content-type"},
    {META_CACHE_CONTROL, "Cache-Control", "response-cache-control"},
    {META_CONTENT_DISPOSITION, "Content-Disposition", "response-content-disposition"},
    {META_CONTENT_ENCODING, "Content-Encoding", "response-content-encoding"},
    {META_CONTENT_LANGUAGE, "Content-Language", "response-content-language"},
    {META_EXPIRES, "Expires", "response-expires"},
    {META_REDIRECT, "x-amz-website-redirect-location", NULL},
};

/* ---- from headers ---- */

/* "aws-chunked" is of the transfer, wherever it stands in the list; it is not kept. */
static Str without_aws_chunked(Arena *arena, Str value)
{
    if (str_find(value, STR("aws-chunked")) < 0)
        return value;
    _cleanup_buf_ Buf out = BUF_INIT(16 * 1024);
    for (Str rest = value; rest.ptr;) {
        Str coding = str_trim(str_cut(rest, ',', &rest));
        if (coding.len == 0 || str_eq_nocase(coding, STR("aws-chunked")))
            continue;
        if (out.len)
            buf_puts(&out, ",");
        buf_add(&out, coding);
    }
    return arena_str(arena, buf_str(&out));
}

/* Headers of one name make one value, joined by commas. */
static int put_user_metadata(S3Request *r, Buf *meta, Error *err)
{
    const Str prefix = STR("x-amz-meta-");
    HttpHeader header;
    size_t total = 0;
    for (size_t i = 0; http_header_at(r->http, i, &header); i++) {
        if (!str_eq_nocase(str_slice(header.name, 0, prefix.len), prefix))
            continue;
        bool is_repeated = false;
        HttpHeader other;
        for (size_t j = 0; j < i && http_header_at(r->http, j, &other); j++)
            is_repeated |= str_eq_nocase(other.name, header.name);
        if (is_repeated)
            continue;
        Str value = header.value;
        for (size_t j = i + 1; http_header_at(r->http, j, &other); j++) {
            if (str_eq_nocase(other.name, header.name))
                value = arena_printf(r->arena, "%.*s,%.*s", STR_ARG(value), STR_ARG(other.value));
        }
        Str name = arena_lower(r->arena, str_slice(header.name, prefix.len, header.name.len));
        total += name.len + value.len;
        meta_put(meta, META_USER, name, value);
    }
    if (total > S3_USER_METADATA_BYTES) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "your metadata headers exceed the maximum allowed metadata size of 2,048 bytes");
    }
    return 0;
}

static int put_storage_class(S3Request *r, Buf *meta, Error *err)
{
    static const char *const classes[] = {
        "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA",      "INTELLIGENT_TIERING",
        "GLACIER",  "DEEP_ARCHIVE",       "GLACIER_IR",  "EXPRESS_ONEZONE", "OUTPOSTS",
        "SNOW",
    };
    Str value = s3_header(r, "x-amz-storage-class");
    if (!value.len || str_is(value, "STANDARD"))
        return 0;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (!str_is(value, classes[i]))
            continue;
        meta_put(meta, META_STORAGE_CLASS, STR(""), value);
        return 0;
    }
    return err_set(err, ERR_INVALID_ARGUMENT, "the storage class you specified is not valid");
}

int s3_meta_of_headers(S3Request *r, Buf *meta, Error *err)
{
    for (size_t i = 0; i < sizeof system_headers / sizeof *system_headers; i++) {
        Str value = s3_header(r, system_headers[i].header);
        if (!value.ptr)
            continue;
        if (system_headers[i].tag == META_CONTENT_ENCODING)
            value = without_aws_chunked(r->arena, value);
        if (value.len)
            meta_put(meta, system_headers[i].tag, STR(""), value);
    }
    if (put_storage_class(r, meta, err) < 0)
        return -1;
    return put_user_metadata(r, meta, err);
}

/* ---- tags ---- */

static int put_tag(Str key, Str value, Buf *meta, Error *err)
{
    if (key.len == 0 || utf8_length(key) > S3_TAG_KEY_CHARS) {
        return err_set(err, ERR_INVALID_TAG,
                       "the TagKey you have provided is invalid; 1 to 128 characters are allowed");
    }
    if (utf8_length(value) > S3_TAG_VALUE_CHARS) {
        return err_set(err, ERR_INVALID_TAG,
                       "the TagValue you have provided is invalid; at most 256 characters are allowed");
    }
    MetaTag tag;
    Str name, any;
    for (size_t i = 0; meta_next(buf_str(meta), &i, &tag, &name, &any);) {
        if (tag == META_OBJECT_TAG && str_eq(name, key))
            return err_set(err, ERR_INVALID_TAG, "cannot provide multiple tags with the same key");
    }
    meta_put(meta, META_OBJECT_TAG, key, value);
    return buf_check(meta, err);
}

int s3_meta_of_tagging(S3Request *r, Str tagging, Buf *meta, Error *err)
{
    size_t n = 0;
    _cleanup_buf_ Buf tags = BUF_INIT(META_MAX);
    for (Str rest = tagging; rest.ptr && rest.len;) {
        Str value;
        Str name = str_cut(str_cut(rest, '&', &rest), '=', &value);
        if (name.len == 0)
            continue;
        _cleanup_buf_ Buf key = BUF_INIT(4096);
        _cleanup_buf_ Buf text = BUF_INIT(4096);
        if (percent_decode(name, true, &key, NULL) < 0 ||
            percent_decode(value.ptr ? value : STR(""), true, &text, NULL) < 0 ||
            !utf8_is_valid(buf_str(&key)) || !utf8_is_valid(buf_str(&text))) {
            return err_set(
                err, ERR_INVALID_ARGUMENT,
                "the header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters");
        }
        if (put_tag(buf_str(&key), buf_str(&text), &tags, err) < 0)
            return -1;
        if (++n > S3_TAGS)
            return err_set(err, ERR_INVALID_TAG, "object tags cannot be greater than 10");
    }
    buf_add(meta, buf_str(&tags));
    return buf_check(meta, err);
}

int s3_meta_of_tag_set(const XmlNode *root, size_t max_tags, Arena *arena, Buf *meta, Error *err)
{
    (void)arena;
    size_t n = 0;
    const XmlNode *set = str_is(root->name, "Tagging") ? xml_child(root, "TagSet") : NULL;
    if (!set)
        return err_set(
            err, ERR_MALFORMED_XML,
            "the XML you provided was not well-formed or did not validate: expected Tagging/TagSet");
    for (const XmlNode *tag = set->children; tag; tag = tag->next) {
        const XmlNode *key = xml_child(tag, "Key"), *value = xml_child(tag, "Value");
        if (!str_is(tag->name, "Tag") || !key || !value)
            return err_set(err, ERR_MALFORMED_XML, "a Tag needs a Key and a Value");
        if (++n > max_tags)
            return err_set(err, ERR_INVALID_TAG, "tags cannot be greater than %zu", max_tags);
        if (put_tag(key->text.ptr ? key->text : STR(""), value->text.ptr ? value->text : STR(""), meta, err) <
            0)
            return -1;
    }
    return 0;
}

static int compare_tags(const void *a, const void *b)
{
    return str_cmp(((const SigHeader *)a)->name, ((const SigHeader *)b)->name);
}

void s3_put_tag_set(Buf *xml, Str meta)
{
    SigHeader tags[S3_BUCKET_TAGS];
    size_t n = 0;
    MetaTag tag;
    Str name, value;
    for (size_t i = 0; n < S3_BUCKET_TAGS && meta_next(meta, &i, &tag, &name, &value);) {
        if (tag == META_OBJECT_TAG)
            tags[n++] = (SigHeader){name, value};
    }
    qsort(tags, n, sizeof *tags, compare_tags);
    xml_open(xml, "TagSet");
    for (size_t i = 0; i < n; i++) {
        xml_open(xml, "Tag");
        xml_element(xml, "Key", tags[i].name);
        xml_element(xml, "Value", tags[i].value);
        xml_close(xml, "Tag");
    }
    xml_close(xml, "TagSet");
}

/* ---- checksums ---- */

Str s3_checksum_text(Arena *arena, Str name, Str value)
{
    size_t n = checksum_size(checksum_from_name(name));
    _cleanup_buf_ Buf text = BUF_INIT(256);
    base64_encode(str_slice(value, 0, n), false, &text);
    buf_add(&text, str_slice(value, n, value.len));
    return arena_str(arena, buf_str(&text));
}

void s3_set_checksum_headers(S3Request *r, Str meta)
{
    MetaTag tag;
    Str name, value;
    for (size_t i = 0; meta_next(meta, &i, &tag, &name, &value);) {
        if (tag == META_CHECKSUM)
            http_set_header(r->http, checksum_header(checksum_from_name(name)),
                            s3_checksum_text(r->arena, name, value));
        if (tag == META_CHECKSUM_TYPE)
            http_set_header(r->http, "x-amz-checksum-type", value);
    }
}

void s3_put_checksums(Buf *xml, Str meta)
{
    _cleanup_arena_ Arena *arena = arena_new(64 * 1024);
    MetaTag tag;
    Str name, value;
    for (size_t i = 0; meta_next(meta, &i, &tag, &name, &value);) {
        if (tag == META_CHECKSUM)
            xml_element(xml, checksum_element(checksum_from_name(name)),
                        s3_checksum_text(arena, name, value));
        if (tag == META_CHECKSUM_TYPE)
            xml_element(xml, "ChecksumType", value);
    }
}

/* ---- to headers ---- */

static const char *header_of_tag(MetaTag tag)
{
    for (size_t i = 0; i < sizeof system_headers / sizeof *system_headers; i++) {
        if (system_headers[i].tag == tag)
            return system_headers[i].header;
    }
    return tag == META_STORAGE_CLASS ? "x-amz-storage-class" : NULL;
}

static bool is_overridden(S3Request *r, MetaTag tag)
{
    if (http_query(r->http).len == 0)
        return false;
    for (size_t i = 0; i < sizeof system_headers / sizeof *system_headers; i++) {
        if (system_headers[i].tag == tag)
            return system_headers[i].override && s3_param(r, system_headers[i].override).ptr;
    }
    return false;
}

static void set_overrides(S3Request *r)
{
    if (http_query(r->http).len == 0)
        return;
    for (size_t i = 0; i < sizeof system_headers / sizeof *system_headers; i++) {
        Str value = system_headers[i].override ? s3_param(r, system_headers[i].override) : STR_NULL;
        if (value.ptr)
            http_set_header(r->http, system_headers[i].header, value);
    }
}

void s3_set_object_headers(S3Request *r, const ObjectInfo *object, bool with_checksum)
{
    char text[OBJECT_ETAG_TEXT];
    _Static_assert((int)OBJECT_ETAG_TEXT >= (int)TIME_TEXT_MAX, "one buffer for both");
    MetaTag tag;
    Str name, value;
    size_t n_tags = 0;
    bool has_type = false;
    object_etag_text(object, text);
    http_set_headerf(r->http, "ETag", "\"%s\"", text);
    time_format_http(object->modified_us, text);
    http_set_header(r->http, "Last-Modified", str_from(text));
    http_set_header(r->http, "Accept-Ranges", STR("bytes"));
    for (size_t i = 0; meta_next(object->meta, &i, &tag, &name, &value);) {
        const char *header = header_of_tag(tag);
        n_tags += tag == META_OBJECT_TAG;
        has_type |= tag == META_CONTENT_TYPE;
        if (header && !is_overridden(r, tag))
            http_set_header(r->http, header, value);
        if (tag != META_USER)
            continue;
        char full[S3_USER_METADATA_BYTES + 16] = "x-amz-meta-";
        memcpy(full + strlen("x-amz-meta-"), name.ptr,
               name.len < S3_USER_METADATA_BYTES ? name.len : S3_USER_METADATA_BYTES);
        http_set_header(r->http, full, value);
    }
    if (!has_type && !is_overridden(r, META_CONTENT_TYPE))
        http_set_header(r->http, "Content-Type", STR("binary/octet-stream"));
    if (n_tags)
        http_set_headerf(r->http, "x-amz-tagging-count", "%zu", n_tags);
    if (with_checksum)
        s3_set_checksum_headers(r, object->meta);
    set_overrides(r);
}
