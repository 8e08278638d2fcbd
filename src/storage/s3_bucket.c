/* s3_bucket.c - buckets: list, create, head, delete, location, tags; access control lists, which are always
 * the owner's alone. */
#include "storage/s3.h"

void s3_list_buckets(S3Request *r)
{
    BucketInfo *buckets;
    size_t n = store_list_buckets(r->role->store, r->arena, &buckets);
    Str prefix = s3_param(r, "prefix"), after = s3_param(r, "continuation-token"), last = STR_NULL;
    int64_t max = S3_BUCKETS_PAGE, given = 0;
    Error err;
    if (s3_param_int(r, "max-buckets", 1, S3_BUCKETS_PAGE, &max, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    Buf xml = s3_xml("ListAllMyBucketsResult");
    s3_put_owner(&xml, r, "Owner");
    xml_open(&xml, "Buckets");
    bool is_truncated = false;
    for (size_t i = 0; i < n; i++) {
        Str name = str_from(buckets[i].name);
        if (!str_has_prefix(name, prefix) || (after.len && str_cmp(name, after) <= 0))
            continue;
        if (given++ == max) {
            is_truncated = true;
            break;
        }
        last = name;
        xml_open(&xml, "Bucket");
        xml_element(&xml, "Name", str_from(buckets[i].name));
        s3_put_time(&xml, "CreationDate", buckets[i].created_us);
        xml_close(&xml, "Bucket");
    }
    xml_close(&xml, "Buckets");
    if (is_truncated)
        xml_element(&xml, "ContinuationToken", last);
    xml_close(&xml, "ListAllMyBucketsResult");
    s3_reply_xml(r, 200, &xml);
}

static int check_location(S3Request *r, Error *err)
{
    const XmlNode *root;
    if (r->body.len == 0)
        return 0;
    if (xml_parse(r->body, r->arena, &root, err) < 0)
        return -1;
    if (!str_is(root->name, "CreateBucketConfiguration")) {
        return err_set(err, ERR_MALFORMED_XML,
                       "the XML you provided did not validate: expected CreateBucketConfiguration");
    }
    return 0; /* there is one place; any LocationConstraint means it */
}

void s3_create_bucket(S3Request *r)
{
    Error err;
    StoreWrite write = {.op = STORE_CREATE_BUCKET, .bucket = r->bucket};
    if (!s3_bucket_name_is_valid(r->bucket)) {
        err_set(&err, ERR_INVALID_BUCKET_NAME, "the specified bucket is not valid: %.*s", STR_ARG(r->bucket));
        s3_reply_error(r, &err);
        return;
    }
    if (str_eq_nocase(s3_header(r, "x-amz-bucket-object-lock-enabled"), STR("true"))) {
        s3_refuse(r, 501, "NotImplemented", "object lock is not implemented");
        return;
    }
    int result = check_location(r, &err);
    if (result == 0)
        result = store_write(r->role->store, &write, &err);
    /* S3 in its first region lets the owner create a bucket again, elsewhere it does not */
    if (result < 0 && !(err.code == ERR_BUCKET_ALREADY_OWNED && str_is(r->role->region, "us-east-1"))) {
        s3_reply_error(r, &err);
        return;
    }
    http_set_headerf(r->http, "Location", "/%.*s", STR_ARG(r->bucket));
    s3_reply_empty(r, 200);
}

void s3_head_bucket(S3Request *r)
{
    http_set_header(r->http, "x-amz-bucket-region", r->role->region);
    s3_reply_empty(r, 200);
}

void s3_delete_bucket(S3Request *r)
{
    Error err;
    StoreWrite write = {.op = STORE_DELETE_BUCKET, .bucket = r->bucket};
    if (store_write(r->role->store, &write, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    s3_reply_empty(r, 204);
}

void s3_get_location(S3Request *r)
{
    Buf xml = BUF_INIT(4096);
    buf_puts(&xml, XML_DECLARATION "<LocationConstraint xmlns=\"" XML_S3_NAMESPACE "\">");
    if (!str_is(r->role->region, "us-east-1"))
        xml_escape(&xml, r->role->region); /* which S3 writes as nothing */
    xml_close(&xml, "LocationConstraint");
    s3_reply_xml(r, 200, &xml);
}

void s3_fixed_answer(S3Request *r)
{
    const S3Fixed *fixed = r->route->data;
    if (fixed->code) {
        s3_refuse(r, fixed->status, fixed->code, fixed->text);
    } else if (fixed->text) {
        Buf xml = BUF_INIT(4096);
        buf_puts(&xml, XML_DECLARATION);
        buf_puts(&xml, fixed->text);
        s3_reply_xml(r, fixed->status, &xml);
    } else {
        s3_reply_empty(r, fixed->status);
    }
}

/* ---- tags of buckets ---- */

void s3_get_bucket_tagging(S3Request *r)
{
    Error err;
    Str meta;
    if (store_bucket_setting(r->role->store, r->bucket_info.id, "tagging", r->arena, &meta, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    if (!meta.ptr) {
        s3_refuse(r, 404, "NoSuchTagSet", "The TagSet does not exist");
        return;
    }
    Buf xml = s3_xml("Tagging");
    s3_put_tag_set(&xml, meta);
    xml_close(&xml, "Tagging");
    s3_reply_xml(r, 200, &xml);
}

static void set_bucket_tagging(S3Request *r, Str value)
{
    Error err;
    StoreWrite write = {
        .op = STORE_BUCKET_SETTING, .bucket = r->bucket, .name = STR("tagging"), .value = value};
    if (store_write(r->role->store, &write, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    s3_reply_empty(r, 204);
}

void s3_put_bucket_tagging(S3Request *r)
{
    Error err;
    const XmlNode *root;
    _cleanup_buf_ Buf meta = BUF_INIT(256 * 1024);
    if (xml_parse(r->body, r->arena, &root, &err) < 0 ||
        s3_meta_of_tag_set(root, S3_BUCKET_TAGS, r->arena, &meta, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    set_bucket_tagging(r, meta.len ? buf_str(&meta) : STR(""));
}

void s3_delete_bucket_tagging(S3Request *r)
{
    set_bucket_tagging(r, STR_NULL);
}

/* ---- access control lists ---- */

static void reply_acl(S3Request *r)
{
    Buf xml = s3_xml("AccessControlPolicy");
    s3_put_owner(&xml, r, "Owner");
    buf_puts(&xml, "<AccessControlList><Grant><Grantee "
                   "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">");
    xml_element(&xml, "ID", str_from(r->role->owner_id));
    xml_element(&xml, "DisplayName", r->role->access_key);
    buf_puts(
        &xml,
        "</Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>");
    s3_reply_xml(r, 200, &xml);
}

void s3_bucket_acl(S3Request *r)
{
    reply_acl(r);
}

void s3_object_acl(S3Request *r)
{
    Error err;
    ObjectInfo object;
    if (s3_check_version_param(r, &err) < 0 ||
        store_find(r->role->store, r->bucket_info.id, r->key, r->arena, &object, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    reply_acl(r);
}

/* There are no other accounts to grant anything to: the owner's own list is accepted; headers that say more
 * were refused before. */
void s3_accept_acl(S3Request *r)
{
    const XmlNode *root;
    Error err;
    if (r->body.len && xml_parse(r->body, r->arena, &root, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    if (str_find(r->body, STR("groups/")) >= 0) {
        s3_refuse(r, 501, "NotImplemented", "access for others than the owner is not implemented");
        return;
    }
    s3_reply_empty(r, 200);
}
