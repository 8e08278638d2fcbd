/* handle_namespaces.c - namespaces, and listings with pages. */
#include <stdlib.h>

#include "catalog/routes.h"
#include "iceberg/metadata_internal.h"

/* ---- listings ---- */

typedef struct ListWriter {
    JsonWriter w;
    const Listing *listing;
    Arena *arena;
    int64_t limit, n;
    Str last; /* name of the last one written */
    bool has_more;
} ListWriter;

static int list_one(void *arg, Str name, Error *err)
{
    ListWriter *lw = arg;

    if (lw->n == lw->limit) {
        lw->has_more = true;
        return 0;
    }
    lw->n++;
    lw->listing->write(&lw->w, lw->listing, name);
    if (lw->n == lw->limit)
        lw->last = arena_str(lw->arena, name);
    return buf_check(lw->w.out, err);
}

/* A token is the last name of the page before, in base64 so that no one builds on it. */
static int read_token(CatRequest *q, Str token, Str *ret_after, Error *err)
{
    _cleanup_buf_ Buf out = BUF_INIT(CATALOG_NAMESPACE_BYTES + CATALOG_NAME_BYTES);

    if (base64_decode(token, true, &out, NULL) < 0 || buf_check(&out, NULL) < 0)
        return err_set(err, ERR_BAD_REQUEST, "Invalid pageToken");
    *ret_after = arena_str(q->arena, buf_str(&out));
    return 0;
}

static int read_page(CatRequest *q, Str *ret_after, int64_t *ret_limit, Error *err)
{
    Str token = http_query_param(q->http, "pageToken"), size = http_query_param(q->http, "pageSize");
    int64_t limit = CATALOG_PAGE_DEFAULT;

    *ret_after = STR("");
    *ret_limit = INT64_MAX - 1;
    if (size.ptr && str_to_i64(size, 1, INT32_MAX, &limit, NULL) < 0)
        return err_set(err, ERR_BAD_REQUEST, "Invalid pageSize: expected a number of at least 1");
    if (!token.ptr)
        return 0; /* no pages asked for: everything */
    *ret_limit = limit < CATALOG_PAGE_MAX ? limit : CATALOG_PAGE_MAX;
    return read_token(q, token, ret_after, err);
}

int cat_reply_listing(CatRequest *q, RegConn *conn, const Listing *listing, Error *err)
{
    Buf body = BUF_INIT(CATALOG_LIST_BYTES), token = BUF_INIT(2048);
    ListWriter lw = {.w = JSON_WRITER(&body), .listing = listing, .arena = q->arena};
    Str after;
    int rc;

    if (read_page(q, &after, &lw.limit, err) < 0)
        return -1;
    json_object(&lw.w);
    json_key(&lw.w, listing->key);
    json_array(&lw.w);
    rc = listing->list(conn, listing, after, lw.limit + 1, list_one, &lw, err);
    json_end_array(&lw.w);
    json_key(&lw.w, "next-page-token");
    if (rc == 0 && lw.has_more && base64_encode(lw.last, true, &token) == 0)
        json_str(&lw.w, buf_str(&token));
    else
        json_null(&lw.w);
    json_end_object(&lw.w);
    buf_free(&token);
    if (rc < 0 || (rc = buf_check(&body, err)) < 0)
        buf_free(&body);
    else
        cat_reply_json(q, 200, &body);
    return rc;
}

/* ---- reading ---- */

static int list_children(RegConn *conn, const Listing *listing, Str after, int64_t limit, RegNameFn fn,
                         void *arg, Error *err)
{
    return reg_list_namespaces(conn, listing->namespace_path, after, limit, fn, arg, err);
}

static void write_child(JsonWriter *w, const Listing *listing, Str name)
{
    cat_namespace_to_json(w, name);
}

int cat_list_namespaces(CatRequest *q, Error *err)
{
    Str parent = http_query_param(q->http, "parent");
    Listing listing = {
        .key = "namespaces", .list = list_children, .write = write_child, .namespace_path = STR("")};
    RegNamespace ns;
    int rc = 0;

    if (parent.len > 0 && cat_namespace_of_text(parent, &listing.namespace_path, err) < 0)
        return -1;
    RegConn *conn = registry_borrow(q->catalog->registry, err);
    Registry *registry = q->catalog->registry;
    if (!conn)
        return -1;
    if (parent.len > 0)
        rc = reg_find_namespace(conn, listing.namespace_path, q->arena, &ns, err);
    if (rc == 0)
        rc = cat_reply_listing(q, conn, &listing, err);
    registry_return(registry, conn);
    return rc;
}

static int find(CatRequest *q, RegNamespace *ret, Error *err)
{
    RegConn *conn = registry_borrow(q->catalog->registry, err);
    int rc = conn ? reg_find_namespace(conn, q->namespace_path, q->arena, ret, err) : -1;

    registry_return(q->catalog->registry, conn);
    return rc;
}

static int write_namespace(Buf *body, Str path, Str properties, Error *err)
{
    JsonWriter w = JSON_WRITER(body);

    json_object(&w);
    json_key(&w, "namespace");
    cat_namespace_to_json(&w, path);
    json_key(&w, "properties");
    json_raw(&w, properties);
    json_end_object(&w);
    if (buf_check(body, err) == 0)
        return 0;
    buf_free(body);
    return -1;
}

int cat_load_namespace(CatRequest *q, Error *err)
{
    Buf body = BUF_INIT(2 * CATALOG_PROPERTIES_BYTES);
    RegNamespace ns;

    if (find(q, &ns, err) < 0 || write_namespace(&body, ns.path, ns.properties, err) < 0)
        return -1;
    cat_reply_json(q, 200, &body);
    return 0;
}

int cat_namespace_exists(CatRequest *q, Error *err)
{
    RegNamespace ns;

    if (find(q, &ns, err) < 0)
        return -1;
    cat_reply_empty(q, 204);
    return 0;
}

/* ---- changing ---- */

static int properties_text(const IceProperty *items, size_t n, Arena *arena, Str *ret, Error *err)
{
    _cleanup_buf_ Buf out = BUF_INIT(CATALOG_PROPERTIES_BYTES);
    JsonWriter w = JSON_WRITER(&out);

    ice_properties_write(&w, items, n);
    if (buf_check(&out, NULL) < 0)
        return err_set(err, ERR_BAD_REQUEST, "The namespace's properties are larger than %d bytes",
                       CATALOG_PROPERTIES_BYTES);
    *ret = arena_str(arena, buf_str(&out));
    return 0;
}

typedef struct NamespaceJob {
    Str path, properties;
} NamespaceJob;

static int create_job(RegConn *conn, void *arg, Error *err)
{
    const NamespaceJob *job = arg;
    return reg_add_namespace(conn, job->path, job->properties, err);
}

int cat_create_namespace(CatRequest *q, Error *err)
{
    Buf body = BUF_INIT(2 * CATALOG_PROPERTIES_BYTES);
    const IceProperty *items;
    NamespaceJob job;
    size_t n;

    if (cat_namespace_of_json(json_get(q->json, "namespace"), q->arena, &job.path, err) < 0 ||
        ice_properties_parse(json_get(q->json, "properties"), "properties", q->arena, &items, &n, err) < 0 ||
        properties_text(items, n, q->arena, &job.properties, err) < 0 ||
        write_namespace(&body, job.path, job.properties, err) < 0)
        return -1;
    Outcome outcome = {200, buf_str(&body), STR_NULL};
    if (cat_write(q, create_job, &job, &outcome, err) < 0) {
        buf_free(&body);
        return -1;
    }
    cat_reply_json(q, 200, &body);
    return 0;
}

static int drop_job(RegConn *conn, void *arg, Error *err)
{
    const NamespaceJob *job = arg;
    return reg_drop_namespace(conn, job->path, err);
}

int cat_drop_namespace(CatRequest *q, Error *err)
{
    NamespaceJob job = {.path = q->namespace_path};
    Outcome outcome = {204, STR_NULL, STR_NULL};

    if (cat_write(q, drop_job, &job, &outcome, err) < 0)
        return -1;
    cat_reply_empty(q, 204);
    return 0;
}

/* ---- properties ---- */

typedef struct PropertiesJob {
    Arena *arena; /* of the job's own: it runs on another thread */
    Str path;
    const Json *removals;
    const IceProperty *updates;
    size_t n_updates;
    Outcome *outcome;
} PropertiesJob;

static int check_removals(const PropertiesJob *job, Error *err)
{
    for (size_t i = 0; job->removals && i < job->removals->array.n; i++) {
        const Json *key = job->removals->array.items[i];
        if (!json_is(key, JSON_STRING))
            return err_set(err, ERR_BAD_REQUEST, "removals: expected property names");
        for (size_t j = 0; j < job->n_updates; j++)
            if (str_eq(job->updates[j].key, key->text))
                return err_set(err, ERR_UNPROCESSABLE,
                               "Invalid namespace properties update: Cannot remove and update the same "
                               "key: %.*s",
                               STR_ARG(str_slice(key->text, 0, 200)));
    }
    return 0;
}

static IceProperty *find_property(IceProperty *items, size_t n, Str key)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(items[i].key, key))
            return &items[i];
    return NULL;
}

static void write_keys(JsonWriter *w, const char *key, const Str *names, size_t n)
{
    json_key(w, key);
    json_array(w);
    for (size_t i = 0; i < n; i++)
        json_str(w, names[i]);
    json_end_array(w);
}

static int write_result(PropertiesJob *job, const Str *removed, size_t n_removed, const Str *missing,
                        size_t n_missing, Error *err)
{
    _cleanup_buf_ Buf body = BUF_INIT(4 * CATALOG_PROPERTIES_BYTES);
    JsonWriter w = JSON_WRITER(&body);

    json_object(&w);
    json_key(&w, "updated");
    json_array(&w);
    for (size_t i = 0; i < job->n_updates; i++)
        json_str(&w, job->updates[i].key);
    json_end_array(&w);
    write_keys(&w, "removed", removed, n_removed);
    write_keys(&w, "missing", missing, n_missing);
    json_end_object(&w);
    job->outcome->body = arena_str(job->arena, buf_str(&body));
    return buf_check(&body, err);
}

static int properties_job(RegConn *conn, void *arg, Error *err)
{
    PropertiesJob *job = arg;
    const Json *stored;
    const IceProperty *old;
    RegNamespace ns;
    size_t n, n_removed = 0, n_missing = 0, n_removals = job->removals ? job->removals->array.n : 0;
    Str text;

    if (reg_find_namespace(conn, job->path, job->arena, &ns, err) < 0 ||
        json_parse(ns.properties, job->arena, &stored, err) < 0 ||
        ice_properties_parse(stored, "properties", job->arena, &old, &n, err) < 0)
        return -1;
    IceProperty *items = arena_array(job->arena, IceProperty, n + job->n_updates + 1);
    Str *removed = arena_array(job->arena, Str, n_removals + 1),
        *missing = arena_array(job->arena, Str, n_removals + 1);
    if (n > 0)
        memcpy(items, old, n * sizeof *items);
    for (size_t i = 0; i < n_removals; i++) {
        Str key = job->removals->array.items[i]->text;
        IceProperty *p = find_property(items, n, key);
        if (p)
            *p = items[--n];
        *(p ? &removed[n_removed++] : &missing[n_missing++]) = key;
    }
    for (size_t i = 0; i < job->n_updates; i++) {
        IceProperty *p = find_property(items, n, job->updates[i].key);
        *(p ? p : &items[n++]) = job->updates[i];
    }
    ice_properties_sort(items, n);
    if (properties_text(items, n, job->arena, &text, err) < 0 ||
        write_result(job, removed, n_removed, missing, n_missing, err) < 0)
        return -1;
    return reg_set_namespace_properties(conn, ns.id, text, err);
}

int cat_update_properties(CatRequest *q, Error *err)
{
    Outcome outcome = {200, STR_NULL, STR_NULL};
    _cleanup_arena_ Arena *arena = arena_new(CATALOG_ARENA_BYTES);
    PropertiesJob job = {.arena = arena, .path = q->namespace_path, .outcome = &outcome};

    if (json_get_array(q->json, "removals", &job.removals, err) < 0 ||
        ice_properties_parse(json_get(q->json, "updates"), "updates", q->arena, &job.updates, &job.n_updates,
                             err) < 0 ||
        check_removals(&job, err) < 0 || cat_write(q, properties_job, &job, &outcome, err) < 0)
        return -1;
    cat_reply_text(q, 200, outcome.body);
    return 0;
}
