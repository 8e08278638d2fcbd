/* s3_tagging.c - the tags of objects. */
#include "storage/s3.h"

void s3_get_object_tagging(S3Request *r)
{
    Error err;
    ObjectInfo object;
    if (s3_check_version_param(r, &err) < 0 ||
        store_find(r->role->store, r->bucket_info.id, r->key, r->arena, &object, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    Buf xml = s3_xml("Tagging");
    s3_put_tag_set(&xml, object.meta);
    xml_close(&xml, "Tagging");
    s3_reply_xml(r, 200, &xml);
}

static void set_tags(S3Request *r, Str tags, int status)
{
    Error err;
    StoreWrite write = {.op = STORE_SET_TAGS, .bucket = r->bucket, .key = r->key, .value = tags};
    if (s3_check_version_param(r, &err) < 0 || store_write(r->role->store, &write, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    s3_reply_empty(r, status);
}

void s3_put_object_tagging(S3Request *r)
{
    Error err;
    const XmlNode *root;
    _cleanup_buf_ Buf meta = BUF_INIT(256 * 1024);
    if (xml_parse(r->body, r->arena, &root, &err) < 0 ||
        s3_meta_of_tag_set(root, S3_TAGS, r->arena, &meta, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    set_tags(r, buf_str(&meta), 200);
}

void s3_delete_object_tagging(S3Request *r)
{
    set_tags(r, STR(""), 204);
}
