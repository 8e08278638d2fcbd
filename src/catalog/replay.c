/* replay.c - Idempotency-Key: a request that is sent again gets the reply of the first, and is not run again.
 *
 * The reply is kept in the transaction that makes the change, so there is never one without the other. What
 * is kept of a table is its metadata location. Replies that say nothing final (5xx, and what another client,
 * not this request, decides) are not kept. Source: rest-catalog-open-api.yaml, parameter idempotency-key. */
#include "base/clock.h"
#include "base/rng.h"
#include "base/thread.h"
#include "catalog/catalog.h"

static bool is_uuid(Str text)
{
    if (text.len != UUID_TEXT_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)(text.ptr[i] | 0x20);
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? text.ptr[i] != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

static uint64_t fingerprint(const CatRequest *q)
{
    Str method = http_method(q->http), target = http_target(q->http);
    uint64_t hash = hash_bytes(method.ptr, method.len, 7);

    hash = hash_bytes(target.ptr, target.len, hash);
    return hash_bytes(q->body.ptr ? q->body.ptr : "", q->body.len, hash);
}

static int replay(CatRequest *q, const RegReply *reply, Error *err)
{
    Document *d;

    if (reply->fingerprint != q->fingerprint)
        return err_set(err, ERR_UNPROCESSABLE, "Idempotency-Key %.*s was used for another request",
                       STR_ARG(q->key));
    http_set_header(q->http, "Idempotency-Replayed", STR("true"));
    if (!reply->metadata_location.ptr) {
        if (reply->body.ptr)
            cat_reply_text(q, (int)reply->status, reply->body);
        else
            cat_reply_empty(q, (int)reply->status);
        return 0;
    }
    bool is_view = str_eq(reply->body, CAT_IS_VIEW);
    if ((is_view ? cat_load_view : cat_load)(q->catalog, reply->metadata_location, &d, err) < 0)
        return -1;
    int rc = is_view ? cat_reply_view(q, d, err) : cat_reply_table(q, d, false, false, err);
    cat_document_unref(d);
    return rc;
}

static void hold_key(Catalog *c, Str key)
{
    pthread_mutex_lock(&c->keys_lock);
    while (map_get(c->keys, key))
        pthread_cond_wait(&c->key_freed, &c->keys_lock);
    map_put(c->keys, key, c);
    pthread_mutex_unlock(&c->keys_lock);
}

static void free_key(CatRequest *q)
{
    Catalog *c = q->catalog;

    pthread_mutex_lock(&c->keys_lock);
    map_remove(c->keys, q->key);
    pthread_cond_broadcast(&c->key_freed);
    pthread_mutex_unlock(&c->keys_lock);
    q->key = STR_NULL;
}

int cat_replay_begin(CatRequest *q, bool *ret_replied, Error *err)
{
    Str header = http_header(q->http, "Idempotency-Key");
    RegReply reply = {0};
    int rc = -1;

    *ret_replied = false;
    if (!header.ptr)
        return 0;
    if (!is_uuid(header))
        return err_set(err, ERR_BAD_REQUEST, "Idempotency-Key: expected a UUID of 36 characters");
    q->key = arena_lower(q->arena, header);
    q->fingerprint = fingerprint(q);
    hold_key(q->catalog, q->key);
    RegConn *conn = registry_borrow(q->catalog->registry, err);
    if (conn)
        rc = reg_find_reply(conn, q->key, q->arena, &reply, err);
    registry_return(q->catalog->registry, conn);
    if (rc == 0 && !reply.found)
        return 0;
    if (rc == 0 && replay(q, &reply, err) == 0) {
        *ret_replied = true; /* the request is gone, and with it its key */
        return 0;
    }
    free_key(q);
    return -1;
}

/* ---- keeping ---- */

typedef struct KeptWrite {
    const CatRequest *q;
    RegistryJob job;
    void *arg;
    const Outcome *outcome;
} KeptWrite;

static int kept_job(RegConn *conn, void *arg, Error *err)
{
    const KeptWrite *w = arg;

    if (w->job && w->job(conn, w->arg, err) < 0)
        return -1;
    if (w->q->key.len == 0)
        return 0;
    RegReply reply = {.status = w->outcome->status,
                      .fingerprint = w->q->fingerprint,
                      .body = w->outcome->body,
                      .metadata_location = w->outcome->metadata_location};
    return reg_add_reply(conn, w->q->key, &reply, err);
}

int cat_write(CatRequest *q, RegistryJob job, void *arg, const Outcome *outcome, Error *err)
{
    KeptWrite w = {q, job, arg, outcome};

    if (!job && q->key.len == 0)
        return 0;
    return registry_write(q->catalog->registry, kept_job, &w, err);
}

/* 4xx that would be the same if the request had come a second time at once. */
static bool is_final(ErrCode code)
{
    int status = err_info(code)->http_status;
    return status == 404 || status == 406 || status == 409 || status == 422 || code == ERR_VALIDATION;
}

static void keep_error(CatRequest *q, const Error *failure)
{
    _cleanup_buf_ Buf body = BUF_INIT(16 << 10);
    JsonWriter w = JSON_WRITER(&body);
    const ErrInfo *info = err_info(failure->code);
    Error ignored;

    json_object(&w);
    json_key(&w, "error");
    json_object(&w);
    json_kv_cstr(&w, "message", failure->message);
    json_kv_cstr(&w, "type", info->iceberg_type);
    json_kv_int(&w, "code", info->http_status);
    json_end_object(&w);
    json_end_object(&w);
    Outcome outcome = {info->http_status, buf_str(&body), STR_NULL};
    if (buf_check(&body, &ignored) == 0)
        cat_write(q, NULL, NULL, &outcome, &ignored);
}

void cat_replay_end(CatRequest *q, const Error *failure)
{
    if (q->key.len == 0)
        return;
    if (failure && is_final(failure->code))
        keep_error(q, failure);
    free_key(q);
}
