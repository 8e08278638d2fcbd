/* s3_delete.c - DeleteObject and DeleteObjects. */
#include "storage/s3.h"

typedef struct DeleteState {
    StoreWrite write;
    StoreDelete item;
} DeleteState;

static void delete_done(StoreWrite *write)
{
    S3Request *r = write->arg;
    if (write->error.code != ERR_OK) {
        s3_reply_error(r, &write->error);
        return;
    }
    s3_reply_empty(r, 204);
}

void s3_delete_object(S3Request *r)
{
    DeleteState *state = arena_new_of(r->arena, DeleteState);
    Error err;
    Str version = http_query(r->http).len ? s3_param(r, "versionId") : STR_NULL;
    if (version.ptr && !str_is(version, "null")) { /* a version that is not there is as good as deleted */
        s3_reply_empty(r, 204);
        return;
    }
    state->item = (StoreDelete){.key = r->key, .if_match = s3_header(r, "if-match")};
    state->write = (StoreWrite){.op = STORE_DELETE,
                                .bucket = r->bucket,
                                .deletes = &state->item,
                                .n_deletes = 1,
                                .done = delete_done,
                                .arg = r};
    if (store_submit(r->role->store, &state->write, &err) < 0)
        s3_reply_error(r, &err);
}

/* ---- many ---- */

typedef struct DeleteMany {
    StoreDelete *items;
    Str *versions; /* as asked for; ptr NULL: none */
    bool *is_gone; /* a version that does not exist: nothing to do */
    size_t n;
    bool is_quiet;
} DeleteMany;

static int read_delete_item(S3Request *r, const XmlNode *object, DeleteMany *many, Error *err)
{
    const XmlNode *key = xml_child(object, "Key");
    if (!key || !key->text.len)
        return err_set(err, ERR_MALFORMED_XML, "an Object needs a Key");
    if (many->n == S3_PAGE)
        return err_set(err, ERR_MALFORMED_XML, "at most 1,000 objects can be deleted by one request");
    if (key->text.len > S3_KEY_BYTES)
        return err_set(err, ERR_KEY_TOO_LONG, "your key is too long");
    Error *item_error = arena_new_of(r->arena, Error);
    many->versions[many->n] = xml_child_text(object, "VersionId");
    many->is_gone[many->n] = many->versions[many->n].ptr && !str_is(many->versions[many->n], "null");
    many->items[many->n++] =
        (StoreDelete){.key = key->text, .if_match = xml_child_text(object, "ETag"), .error = item_error};
    return 0;
}

static int read_delete(S3Request *r, DeleteMany *many, Error *err)
{
    const XmlNode *root;
    if (xml_parse(r->body, r->arena, &root, err) < 0)
        return -1;
    if (!str_is(root->name, "Delete"))
        return err_set(err, ERR_MALFORMED_XML, "the XML you provided did not validate: expected Delete");
    many->items = arena_array(r->arena, StoreDelete, S3_PAGE);
    many->versions = arena_array(r->arena, Str, S3_PAGE);
    many->is_gone = arena_array(r->arena, bool, S3_PAGE);
    many->is_quiet = str_eq_nocase(xml_child_text(root, "Quiet"), STR("true"));
    for (const XmlNode *child = root->children; child; child = child->next) {
        if (str_is(child->name, "Object") && read_delete_item(r, child, many, err) < 0)
            return -1;
    }
    if (many->n == 0)
        return err_set(err, ERR_MALFORMED_XML, "the XML you provided did not validate: no Object");
    return 0;
}

static int run_delete(S3Request *r, DeleteMany *many, Error *err)
{
    StoreDelete *items = arena_array(r->arena, StoreDelete, many->n);
    StoreWrite write = {.op = STORE_DELETE, .bucket = r->bucket, .deletes = items};
    for (size_t i = 0; i < many->n; i++) {
        if (!many->is_gone[i])
            items[write.n_deletes++] = many->items[i];
    }
    return write.n_deletes ? store_write(r->role->store, &write, err) : 0;
}

void s3_delete_objects(S3Request *r)
{
    DeleteMany many = {0};
    Error err;
    if (read_delete(r, &many, &err) < 0 || run_delete(r, &many, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    Buf xml = s3_xml("DeleteResult");
    for (size_t i = 0; i < many.n; i++) {
        const Error *item = many.items[i].error;
        if (item->code == ERR_OK && many.is_quiet)
            continue;
        xml_open(&xml, item->code == ERR_OK ? "Deleted" : "Error");
        xml_element(&xml, "Key", many.items[i].key);
        if (many.versions[i].ptr)
            xml_element(&xml, "VersionId", many.versions[i]);
        if (item->code != ERR_OK) {
            xml_element(&xml, "Code", str_from(err_info(item->code)->s3_code));
            xml_element(&xml, "Message", str_from(item->message));
        }
        xml_close(&xml, item->code == ERR_OK ? "Deleted" : "Error");
    }
    xml_close(&xml, "DeleteResult");
    s3_reply_xml(r, 200, &xml);
}
