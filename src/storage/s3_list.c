/* s3_list.c - ListObjects V1 and V2, ListObjectVersions. A page is one snapshot of the index; the next begins
 * after its last entry. */
#include <stdlib.h>

#include "storage/s3.h"

typedef enum ListForm { LIST_V1, LIST_V2, LIST_VERSIONS } ListForm;

typedef struct ListPage {
    ListForm form;
    ListQuery query;
    Str marker; /* V1 marker, V2 start-after, key-marker; as given */
    Str token;  /* V2: as given; ptr NULL: none */
    bool is_url, fetch_owner;
    ListEntry *entries;
    size_t n;
    bool is_truncated;
} ListPage;

static int read_token(S3Request *r, ListPage *page, Error *err)
{
    page->token = s3_param(r, "continuation-token");
    if (page->token.len == 0)
        return 0;
    _cleanup_buf_ Buf key = BUF_INIT(4096);
    if (base64_decode(page->token, true, &key, NULL) < 0 || buf_check(&key, NULL) < 0) {
        return err_set(err, ERR_INVALID_ARGUMENT, "the continuation token provided is incorrect");
    }
    page->query.after = arena_str(r->arena, buf_str(&key));
    return 0;
}

static int read_list(S3Request *r, ListPage *page, Error *err)
{
    static const char *const markers[] = {"marker", "start-after", "key-marker"};
    int64_t max = S3_PAGE;
    Str encoding = s3_param(r, "encoding-type");
    page->query = (ListQuery){
        .bucket = r->bucket_info.id, .prefix = s3_param(r, "prefix"), .delimiter = s3_param(r, "delimiter")};
    if (s3_param(r, "max-keys").ptr && s3_param_int(r, "max-keys", 0, INT32_MAX, &max, err) < 0)
        return -1;
    page->query.max = max > S3_PAGE ? S3_PAGE : (size_t)max;
    page->marker = s3_param(r, markers[page->form]);
    if (page->marker.len)
        page->query.after = page->marker;
    if (page->form == LIST_V2 && read_token(r, page, err) < 0)
        return -1;
    page->is_url = str_is(encoding, "url");
    if (encoding.len && !page->is_url)
        return err_set(err, ERR_INVALID_ARGUMENT, "invalid encoding method specified in request");
    page->fetch_owner = page->form != LIST_V2 || str_is(s3_param(r, "fetch-owner"), "true");
    if (page->query.delimiter.len && str_eq_nocase(s3_param(r, "allow-unordered"), STR("true"))) {
        return err_set(err, ERR_INVALID_ARGUMENT, "allow-unordered cannot be used with a delimiter");
    }
    return 0;
}

static void put_text(Buf *xml, const ListPage *page, const char *element, Str text)
{
    xml_open(xml, element);
    if (page->is_url) {
        percent_encode(text, true, xml);
    } else {
        xml_escape(xml, text);
    }
    xml_close(xml, element);
}

static void put_object(Buf *xml, const S3Request *r, const ListPage *page, const ListEntry *entry)
{
    const char *element = page->form == LIST_VERSIONS ? "Version" : "Contents";
    xml_open(xml, element);
    put_text(xml, page, "Key", entry->key);
    if (page->form == LIST_VERSIONS)
        buf_puts(xml, "<VersionId>null</VersionId><IsLatest>true</IsLatest>");
    s3_put_time(xml, "LastModified", entry->object.modified_us);
    s3_put_etag(xml, "ETag", &entry->object);
    xml_element_int(xml, "Size", entry->object.size);
    buf_puts(xml, "<StorageClass>STANDARD</StorageClass>");
    if (page->fetch_owner)
        s3_put_owner(xml, r, "Owner");
    xml_close(xml, element);
}

static void put_next(Buf *xml, const ListPage *page)
{
    Str last = page->entries[page->n - 1].key;
    if (page->form == LIST_V2) {
        xml_open(xml, "NextContinuationToken");
        base64_encode(last, true, xml);
        xml_close(xml, "NextContinuationToken");
    } else if (page->form == LIST_VERSIONS) {
        put_text(xml, page, "NextKeyMarker", last);
        xml_element(xml, "NextVersionIdMarker", STR("null"));
    } else if (page->query.delimiter.len) {
        put_text(xml, page, "NextMarker", last);
    }
}

static void put_head(Buf *xml, const S3Request *r, const ListPage *page)
{
    static const char *const marker_elements[] = {"Marker", "StartAfter", "KeyMarker"};
    xml_element(xml, "Name", r->bucket);
    if (page->form == LIST_V1) { /* clients decode all but this one */
        xml_element(xml, "Prefix", page->query.prefix);
    } else {
        put_text(xml, page, "Prefix", page->query.prefix);
    }
    if (page->form != LIST_V2 || page->marker.ptr)
        put_text(xml, page, marker_elements[page->form], page->marker);
    if (page->form == LIST_VERSIONS)
        xml_element(xml, "VersionIdMarker", STR(""));
    if (page->form == LIST_V2) {
        xml_element_int(xml, "KeyCount", (int64_t)page->n);
        if (page->token.ptr)
            xml_element(xml, "ContinuationToken", page->token);
    }
    xml_element_int(xml, "MaxKeys", (int64_t)page->query.max);
    if (page->query.delimiter.len)
        put_text(xml, page, "Delimiter", page->query.delimiter);
    if (page->is_url)
        xml_element(xml, "EncodingType", STR("url"));
    xml_element_bool(xml, "IsTruncated", page->is_truncated);
    if (page->is_truncated)
        put_next(xml, page);
}

static void list(S3Request *r, ListForm form)
{
    ListPage page = {.form = form};
    Error err;
    if (read_list(r, &page, &err) < 0 || store_list(r->role->store, &page.query, r->arena, &page.entries,
                                                    &page.n, &page.is_truncated, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    const char *root = form == LIST_VERSIONS ? "ListVersionsResult" : "ListBucketResult";
    Buf xml = s3_xml(root);
    buf_reserve(&xml, 512 + page.n * 320);
    put_head(&xml, r, &page);
    for (size_t i = 0; i < page.n; i++) {
        if (!page.entries[i].is_prefix)
            put_object(&xml, r, &page, &page.entries[i]);
    }
    for (size_t i = 0; i < page.n; i++) {
        if (!page.entries[i].is_prefix)
            continue;
        xml_open(&xml, "CommonPrefixes");
        put_text(&xml, &page, "Prefix", page.entries[i].key);
        xml_close(&xml, "CommonPrefixes");
    }
    xml_close(&xml, root);
    s3_reply_xml(r, 200, &xml);
}

void s3_list_objects(S3Request *r)
{
    list(r, str_is(s3_param(r, "list-type"), "2") ? LIST_V2 : LIST_V1);
}
void s3_list_versions(S3Request *r)
{
    list(r, LIST_VERSIONS);
}
