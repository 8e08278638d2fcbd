/* catalog_client.c - see catalog_client.h. */
#include "client/catalog_client.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/rng.h"
#include "base/thread.h"
#include "net/http_client.h"

enum { RESPONSE_BYTES = 512 << 20, REQUEST_BYTES = 256 << 20, MAX_PAGES = 100000 };

struct CatalogClient {
    HttpClient *http;
    pthread_mutex_t lock; /* over what the server's configuration said */
    char prefix[256];     /* "" or "name/" */
    bool takes_keys;      /* Idempotency-Key */
};

CatalogClient *catalog_client_new(Str base, Str capability, Error *err)
{
    CatalogClient *client = calloc(1, sizeof *client);

    if (!client)
        abort();
    client->http = http_client_new(base, capability, err);
    if (!client->http) {
        free(client);
        return NULL;
    }
    pthread_mutex_init(&client->lock, NULL);
    client->takes_keys = str_has_prefix(base, STR("unix:")); /* our own */
    return client;
}

void catalog_client_free(CatalogClient *client)
{
    if (!client)
        return;
    http_client_free(client->http);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

/* ---- requests ---- */

/* "/v1/PREFIX/" and what is added to it. */
typedef struct Target {
    Buf text;
} Target;
#define _cleanup_target_ __attribute__((cleanup(target_free)))

static void target_free(Target *t)
{
    buf_free(&t->text);
}

static Target target_new(CatalogClient *client)
{
    Target t = {BUF_INIT(LIMIT_HTTP_URI_BYTES)};

    buf_puts(&t.text, "/v1/");
    MUTEX_GUARD(&client->lock);
    buf_puts(&t.text, client->prefix);
    return t;
}

static void target_name(Target *t, Str name)
{
    percent_encode(name, false, &t->text);
}

static Target target_namespace(CatalogClient *client, Str namespace_, const char *tail)
{
    Target t = target_new(client);

    buf_puts(&t.text, "namespaces/");
    target_name(&t, namespace_);
    buf_puts(&t.text, tail);
    return t;
}

static Target target_table(CatalogClient *client, Str namespace_, Str name)
{
    Target t = target_namespace(client, namespace_, "/tables/");

    target_name(&t, name);
    return t;
}

typedef struct Request {
    const char *method;
    const Target *target;
    Str body; /* ptr NULL: none */
    Str idempotency_key, task_key, etag;
} Request;

/* One exchange; any status is a success here. */
static int exchange(CatalogClient *client, const Request *r, Arena *arena, HttpResponse *ret, Error *err)
{
    HttpHeader headers[5];
    HttpCall call = {.method = r->method,
                     .target = buf_str(&r->target->text),
                     .headers = headers,
                     .body = r->body,
                     .max_response_bytes = RESPONSE_BYTES,
                     .head_only_retry = str_is(STR("GET"), r->method) || str_is(STR("HEAD"), r->method)};

    if (buf_check(&r->target->text, err) < 0)
        return err_prefix(err, "catalog request");
    headers[call.n_headers++] = (HttpHeader){STR("Accept"), STR("application/json")};
    if (r->body.ptr)
        headers[call.n_headers++] = (HttpHeader){STR("Content-Type"), STR("application/json")};
    if (r->idempotency_key.len > 0)
        headers[call.n_headers++] = (HttpHeader){STR("Idempotency-Key"), r->idempotency_key};
    if (r->task_key.len > 0)
        headers[call.n_headers++] = (HttpHeader){STR("Lakehouse-Task-Key"), r->task_key};
    if (r->etag.len > 0)
        headers[call.n_headers++] = (HttpHeader){STR("If-None-Match"), r->etag};
    return http_client_call(client->http, &call, arena, ret, err);
}

/* The error that an answer tells of. */
static int answer_error(const HttpResponse *response, Arena *arena, Error *err)
{
    const Json *json = NULL;
    Str message = STR_NULL, type = STR_NULL;

    if (json_parse(response->body, arena, &json, NULL) == 0) {
        const Json *error = json_get(json, "error");
        json_get_string(error, "message", STR_NULL, &message, NULL);
        json_get_string(error, "type", STR_NULL, &type, NULL);
    }
    ErrCode code = err_code_of_iceberg_type(type.ptr ? arena_cstr(arena, type) : "", response->status);
    if (message.len == 0)
        return err_set(err, code, "the catalog answered %d", response->status);
    return err_set(err, code, "%.*s", STR_ARG(message));
}

static int call(CatalogClient *client, const Request *r, Arena *arena, HttpResponse *ret, Error *err)
{
    if (exchange(client, r, arena, ret, err) < 0)
        return -1;
    return ret->status >= 200 && ret->status < 300 ? 0 : answer_error(ret, arena, err);
}

static int call_json(CatalogClient *client, const Request *r, Arena *arena, const Json **ret, Error *err)
{
    HttpResponse response;

    if (call(client, r, arena, &response, err) < 0)
        return -1;
    if (json_parse(response.body, arena, ret, err) < 0) {
        err->code = ERR_ICEBERG_INVALID_METADATA;
        return err_prefix(err, "the catalog's answer");
    }
    return 0;
}

/* HEAD: 404 is an answer. */
static int call_exists(CatalogClient *client, const Target *target, Arena *arena, bool *ret, Error *err)
{
    Request r = {.method = "HEAD", .target = target};
    HttpResponse response;

    if (exchange(client, &r, arena, &response, err) < 0)
        return -1;
    if (response.status != 404 && (response.status < 200 || response.status > 299))
        return answer_error(&response, arena, err);
    *ret = response.status != 404;
    return 0;
}

/* ---- values ---- */

static int read_properties(const Json *object, const char *key, Arena *arena, CatalogProperties *ret,
                           Error *err)
{
    const Json *json = json_get(object, key);
    size_t n = json_is(json, JSON_OBJECT) ? json->object.n : 0;
    IceProperty *items = arena_array(arena, IceProperty, n + 1);

    if (!json_is_null(json) && !json_is(json, JSON_OBJECT))
        return err_set(err, ERR_ICEBERG_INVALID_METADATA, "the catalog's answer: %s is no object", key);
    for (size_t i = 0; i < n; i++) {
        const JsonMember *member = &json->object.members[i];
        items[i] =
            (IceProperty){member->key, json_is(member->value, JSON_STRING) ? member->value->text : STR("")};
    }
    *ret = (CatalogProperties){items, n};
    return 0;
}

static void write_properties(JsonWriter *w, const char *key, CatalogProperties properties)
{
    json_key(w, key);
    json_object(w);
    for (size_t i = 0; i < properties.n; i++) {
        json_key_str(w, properties.items[i].key);
        json_str(w, properties.items[i].value);
    }
    json_end_object(w);
}

static void write_namespace(JsonWriter *w, Str namespace_)
{
    Str rest = namespace_;

    json_array(w);
    while (rest.ptr)
        json_str(w, str_cut(rest, CATALOG_LEVEL_SEPARATOR, &rest));
    json_end_array(w);
}

static void write_identifier(JsonWriter *w, const char *key, Str namespace_, Str name)
{
    json_key(w, key);
    json_object(w);
    json_key(w, "namespace");
    write_namespace(w, namespace_);
    json_kv_str(w, "name", name);
    json_end_object(w);
}

/* ---- configuration ---- */

static void take_over(CatalogClient *client, const CatalogConfig *config)
{
    Str prefix = STR_NULL;

    for (size_t i = 0; i < config->defaults.n; i++)
        if (str_is(config->defaults.items[i].key, "prefix"))
            prefix = config->defaults.items[i].value;
    for (size_t i = 0; i < config->overrides.n; i++)
        if (str_is(config->overrides.items[i].key, "prefix"))
            prefix = config->overrides.items[i].value;
    MUTEX_GUARD(&client->lock);
    client->takes_keys = client->takes_keys || config->idempotency_key_lifetime.len > 0;
    if (prefix.len > 0 && prefix.len + 2 < sizeof client->prefix) {
        memcpy(client->prefix, prefix.ptr, prefix.len);
        memcpy(client->prefix + prefix.len, "/", 2);
    }
}

static const Str default_endpoints[] = {
    {"GET /v1/{prefix}/namespaces", 27},
    {"POST /v1/{prefix}/namespaces", 28},
    {"GET /v1/{prefix}/namespaces/{namespace}", 39},
    {"DELETE /v1/{prefix}/namespaces/{namespace}", 42},
    {"POST /v1/{prefix}/namespaces/{namespace}/properties", 51},
    {"GET /v1/{prefix}/namespaces/{namespace}/tables", 46},
    {"POST /v1/{prefix}/namespaces/{namespace}/tables", 47},
    {"GET /v1/{prefix}/namespaces/{namespace}/tables/{table}", 54},
    {"POST /v1/{prefix}/namespaces/{namespace}/tables/{table}", 55},
    {"DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}", 57},
    {"POST /v1/{prefix}/namespaces/{namespace}/register", 49},
    {"POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics", 63},
    {"POST /v1/{prefix}/tables/rename", 31},
    {"POST /v1/{prefix}/transactions/commit", 37},
};

int catalog_config(CatalogClient *client, Str warehouse, Arena *arena, CatalogConfig *ret, Error *err)
{
    _cleanup_target_ Target target = {BUF_INIT(LIMIT_HTTP_URI_BYTES)};
    Request r = {.method = "GET", .target = &target};
    CatalogConfig config = {
        .endpoints = {default_endpoints, sizeof default_endpoints / sizeof *default_endpoints}};
    const Json *json, *endpoints;

    buf_puts(&target.text, "/v1/config");
    if (warehouse.len > 0) {
        buf_puts(&target.text, "?warehouse=");
        target_name(&target, warehouse);
    }
    if (call_json(client, &r, arena, &json, err) < 0 ||
        read_properties(json, "defaults", arena, &config.defaults, err) < 0 ||
        read_properties(json, "overrides", arena, &config.overrides, err) < 0 ||
        json_get_string(json, "idempotency-key-lifetime", STR(""), &config.idempotency_key_lifetime, err) <
            0 ||
        json_get_array(json, "endpoints", &endpoints, err) < 0)
        return -1;
    if (endpoints) {
        Str *items = arena_array(arena, Str, endpoints->array.n + 1);
        for (size_t i = 0; i < endpoints->array.n; i++)
            items[i] =
                json_is(endpoints->array.items[i], JSON_STRING) ? endpoints->array.items[i]->text : STR("");
        config.endpoints = (CatalogNames){items, endpoints->array.n};
    }
    take_over(client, &config);
    *ret = config;
    return 0;
}

/* ---- listings ---- */

typedef Vec(Str) Names;

static int read_names(const Json *array, bool are_namespaces, Arena *arena, Names *names, Error *err)
{
    for (size_t i = 0; array && i < array->array.n; i++) {
        const Json *item = array->array.items[i];
        Str name = STR_NULL;
        if (!are_namespaces) {
            if (json_need_string(item, "name", &name, err) < 0)
                return -1;
        } else if (!json_is(item, JSON_ARRAY)) {
            return err_set(err, ERR_ICEBERG_INVALID_METADATA,
                           "the catalog's answer: a namespace is no array");
        }
        for (size_t j = 0; are_namespaces && j < item->array.n; j++) {
            Str level = json_is(item->array.items[j], JSON_STRING) ? item->array.items[j]->text : STR("");
            name =
                j ? arena_printf(arena, "%.*s%c%.*s", STR_ARG(name), CATALOG_LEVEL_SEPARATOR, STR_ARG(level))
                  : level;
        }
        *vec_push(arena, names) = name;
    }
    return arena_check(arena, err);
}

/* base: the target without a page; it is asked for page by page, which servers without pages answer whole. */
static int list_pages(CatalogClient *client, const Target *base, const char *key, Arena *arena,
                      CatalogNames *ret, Error *err)
{
    Str token = STR("");
    bool has_query = str_find_char(buf_str(&base->text), '?') >= 0;
    Names names = {0};

    for (int page = 0; page < MAX_PAGES; page++) {
        _cleanup_target_ Target target = {BUF_INIT(LIMIT_HTTP_URI_BYTES)};
        Request r = {.method = "GET", .target = &target};
        const Json *json, *array;
        buf_add(&target.text, buf_str(&base->text));
        buf_puts(&target.text, has_query ? "&pageToken=" : "?pageToken=");
        target_name(&target, token);
        buf_puts(&target.text, "&pageSize=10000");
        if (call_json(client, &r, arena, &json, err) < 0 || json_get_array(json, key, &array, err) < 0 ||
            read_names(array, str_is(STR("namespaces"), key), arena, &names, err) < 0 ||
            json_get_string(json, "next-page-token", STR(""), &token, err) < 0)
            return -1;
        if (token.len == 0) {
            *ret = (CatalogNames){names.items, names.n};
            return 0;
        }
    }
    return err_set(err, ERR_LIMIT, "the catalog's listing does not end");
}

/* ---- namespaces ---- */

int catalog_list_namespaces(CatalogClient *client, Str parent, Arena *arena, CatalogNames *ret, Error *err)
{
    _cleanup_target_ Target target = target_new(client);

    buf_puts(&target.text, "namespaces");
    if (parent.len > 0) {
        buf_puts(&target.text, "?parent=");
        target_name(&target, parent);
    }
    return list_pages(client, &target, "namespaces", arena, ret, err);
}

int catalog_create_namespace(CatalogClient *client, Str namespace_, CatalogProperties properties,
                             Arena *arena, Error *err)
{
    _cleanup_target_ Target target = target_new(client);
    _cleanup_buf_ Buf body = BUF_INIT(REQUEST_BYTES);
    JsonWriter w = JSON_WRITER(&body);
    HttpResponse response;

    buf_puts(&target.text, "namespaces");
    json_object(&w);
    json_key(&w, "namespace");
    write_namespace(&w, namespace_);
    write_properties(&w, "properties", properties);
    json_end_object(&w);
    Request r = {.method = "POST", .target = &target, .body = buf_str(&body)};
    if (call(client, &r, arena, &response, err) == 0)
        return 0;
    if (err->code == ERR_ALREADY_EXISTS)
        err->code = ERR_NAMESPACE_EXISTS;
    return -1;
}

int catalog_load_namespace(CatalogClient *client, Str namespace_, Arena *arena, CatalogProperties *ret,
                           Error *err)
{
    _cleanup_target_ Target target = target_namespace(client, namespace_, "");
    Request r = {.method = "GET", .target = &target};
    const Json *json;

    if (call_json(client, &r, arena, &json, err) < 0)
        return -1;
    return read_properties(json, "properties", arena, ret, err);
}

int catalog_namespace_exists(CatalogClient *client, Str namespace_, Arena *arena, bool *ret, Error *err)
{
    _cleanup_target_ Target target = target_namespace(client, namespace_, "");
    return call_exists(client, &target, arena, ret, err);
}

int catalog_drop_namespace(CatalogClient *client, Str namespace_, Arena *arena, Error *err)
{
    _cleanup_target_ Target target = target_namespace(client, namespace_, "");
    Request r = {.method = "DELETE", .target = &target};
    HttpResponse response;

    return call(client, &r, arena, &response, err);
}

int catalog_update_namespace(CatalogClient *client, Str namespace_, CatalogProperties updates,
                             CatalogNames removals, Arena *arena, Error *err)
{
    _cleanup_target_ Target target = target_namespace(client, namespace_, "/properties");
    _cleanup_buf_ Buf body = BUF_INIT(REQUEST_BYTES);
    JsonWriter w = JSON_WRITER(&body);
    HttpResponse response;

    json_object(&w);
    json_key(&w, "removals");
    json_array(&w);
    for (size_t i = 0; i < removals.n; i++)
        json_str(&w, removals.items[i]);
    json_end_array(&w);
    write_properties(&w, "updates", updates);
    json_end_object(&w);
    Request r = {.method = "POST", .target = &target, .body = buf_str(&body)};
    return call(client, &r, arena, &response, err);
}

/* ---- tables ---- */

int catalog_list_tables(CatalogClient *client, Str namespace_, Arena *arena, CatalogNames *ret, Error *err)
{
    _cleanup_target_ Target target = target_namespace(client, namespace_, "/tables");
    return list_pages(client, &target, "identifiers", arena, ret, err);
}

static int read_table(const HttpResponse *response, Arena *arena, CatalogTable *ret, Error *err)
{
    CatalogTable table = {.etag = http_response_header(response, "ETag")};
    const Json *json;

    if (json_parse(response->body, arena, &json, err) < 0) {
        err->code = ERR_ICEBERG_INVALID_METADATA;
        return err_prefix(err, "the catalog's answer");
    }
    if (json_get_string(json, "metadata-location", STR(""), &table.metadata_location, err) < 0 ||
        read_properties(json, "config", arena, &table.config, err) < 0 ||
        metadata_of_json(json_get(json, "metadata"), arena, &table.metadata, err) < 0)
        return -1;
    if (!table.etag.ptr)
        table.etag = STR("");
    *ret = table;
    return 0;
}

static int call_table(CatalogClient *client, const Request *r, Arena *arena, CatalogTable *ret, Error *err)
{
    HttpResponse response;

    if (call(client, r, arena, &response, err) < 0)
        return -1;
    return read_table(&response, arena, ret, err);
}

static void write_new_table(JsonWriter *w, const CatalogNewTable *table)
{
    json_object(w);
    json_kv_str(w, "name", table->name);
    if (table->location.len > 0)
        json_kv_str(w, "location", table->location);
    json_key(w, "schema");
    ice_schema_write(w, table->schema);
    if (table->spec) {
        json_key(w, "partition-spec");
        ice_spec_write(w, table->spec);
    }
    if (table->sort_order) {
        json_key(w, "write-order");
        ice_sort_order_write(w, table->sort_order);
    }
    json_kv_bool(w, "stage-create", table->stage);
    write_properties(w, "properties", table->properties);
    json_end_object(w);
}

int catalog_create_table(CatalogClient *client, const CatalogNewTable *table, Arena *arena, CatalogTable *ret,
                         Error *err)
{
    _cleanup_target_ Target target = target_namespace(client, table->namespace_, "/tables");
    _cleanup_buf_ Buf body = BUF_INIT(REQUEST_BYTES);
    JsonWriter w = JSON_WRITER(&body);

    write_new_table(&w, table);
    if (buf_check(&body, err) < 0)
        return -1;
    Request r = {.method = "POST",
                 .target = &target,
                 .body = buf_str(&body),
                 .idempotency_key = table->idempotency_key};
    return call_table(client, &r, arena, ret, err);
}

int catalog_load_table(CatalogClient *client, Str namespace_, Str name, Str etag, bool refs_only,
                       Arena *arena, CatalogTable *ret, Error *err)
{
    _cleanup_target_ Target target = target_table(client, namespace_, name);
    Request r = {.method = "GET", .target = &target, .etag = etag};
    HttpResponse response;

    buf_puts(&target.text, refs_only ? "?snapshots=refs" : "?snapshots=all");
    if (exchange(client, &r, arena, &response, err) < 0)
        return -1;
    if (response.status == 304) {
        *ret = (CatalogTable){.not_modified = true};
        return 0;
    }
    if (response.status != 200)
        return answer_error(&response, arena, err);
    return read_table(&response, arena, ret, err);
}

int catalog_table_exists(CatalogClient *client, Str namespace_, Str name, Arena *arena, bool *ret, Error *err)
{
    _cleanup_target_ Target target = target_table(client, namespace_, name);
    return call_exists(client, &target, arena, ret, err);
}

int catalog_drop_table(CatalogClient *client, Str namespace_, Str name, bool purge, Arena *arena, Error *err)
{
    _cleanup_target_ Target target = target_table(client, namespace_, name);
    Request r = {.method = "DELETE", .target = &target};
    HttpResponse response;

    buf_puts(&target.text, purge ? "?purgeRequested=true" : "?purgeRequested=false");
    return call(client, &r, arena, &response, err);
}

static int rename_entry(CatalogClient *client, const char *path, Str from_namespace, Str from_name,
                        Str to_namespace, Str to_name, Arena *arena, Error *err)
{
    _cleanup_target_ Target target = target_new(client);
    _cleanup_buf_ Buf body = BUF_INIT(REQUEST_BYTES);
    JsonWriter w = JSON_WRITER(&body);
    HttpResponse response;

    buf_puts(&target.text, path);
    json_object(&w);
    write_identifier(&w, "source", from_namespace, from_name);
    write_identifier(&w, "destination", to_namespace, to_name);
    json_end_object(&w);
    Request r = {.method = "POST", .target = &target, .body = buf_str(&body)};
    return call(client, &r, arena, &response, err);
}

int catalog_rename_table(CatalogClient *client, Str from_namespace, Str from_name, Str to_namespace,
                         Str to_name, Arena *arena, Error *err)
{
    return rename_entry(client, "tables/rename", from_namespace, from_name, to_namespace, to_name, arena,
                        err);
}

int catalog_register_table(CatalogClient *client, Str namespace_, Str name, Str metadata_location,
                           bool overwrite, Arena *arena, CatalogTable *ret, Error *err)
{
    _cleanup_target_ Target target = target_namespace(client, namespace_, "/register");
    _cleanup_buf_ Buf body = BUF_INIT(REQUEST_BYTES);
    JsonWriter w = JSON_WRITER(&body);

    json_object(&w);
    json_kv_str(&w, "name", name);
    json_kv_str(&w, "metadata-location", metadata_location);
    json_kv_bool(&w, "overwrite", overwrite);
    json_end_object(&w);
    Request r = {.method = "POST", .target = &target, .body = buf_str(&body)};
    return call_table(client, &r, arena, ret, err);
}

/* ---- commits ---- */

/* What an answer, or none, says of a commit. A server that answers 503 with Retry-After has not begun. */
/* ---- views ---- */

static Target target_view(CatalogClient *client, Str namespace_, Str name)
{
    Target t = target_namespace(client, namespace_, "/views/");

    target_name(&t, name);
    return t;
}

int catalog_list_views(CatalogClient *client, Str namespace_, Arena *arena, CatalogNames *ret, Error *err)
{
    _cleanup_target_ Target target = target_namespace(client, namespace_, "/views");
    return list_pages(client, &target, "identifiers", arena, ret, err);
}

int catalog_load_view(CatalogClient *client, Str namespace_, Str name, Arena *arena, const ViewMetadata **ret,
                      Error *err)
{
    _cleanup_target_ Target target = target_view(client, namespace_, name);
    Request r = {.method = "GET", .target = &target};
    const Json *json;

    if (call_json(client, &r, arena, &json, err) < 0)
        return -1;
    return view_of_json(json_get(json, "metadata"), arena, ret, err);
}

static void write_view_version(JsonWriter *w, const CatalogNewView *view, int32_t version_id)
{
    json_object(w);
    json_kv_int(w, "version-id", version_id);
    json_kv_int(w, "schema-id", version_id == 1 ? 0 : -1);
    json_kv_int(w, "timestamp-ms", view->timestamp_ms);
    json_key(w, "summary");
    json_object(w);
    json_kv_cstr(w, "engine-name", "lakehouse");
    json_end_object(w);
    json_key(w, "representations");
    json_array(w);
    json_object(w);
    json_kv_cstr(w, "type", "sql");
    json_kv_str(w, "sql", view->sql);
    json_kv_str(w, "dialect", view->dialect);
    json_end_object(w);
    json_end_array(w);
    if (view->default_catalog.len)
        json_kv_str(w, "default-catalog", view->default_catalog);
    json_key(w, "default-namespace");
    write_namespace(w, view->default_namespace);
    json_end_object(w);
}

int catalog_create_view(CatalogClient *client, const CatalogNewView *view, Arena *arena, Error *err)
{
    _cleanup_target_ Target target = target_namespace(client, view->namespace_, "/views");
    _cleanup_buf_ Buf body = BUF_INIT(REQUEST_BYTES);
    JsonWriter w = JSON_WRITER(&body);
    const Json *json;

    json_object(&w);
    json_kv_str(&w, "name", view->name);
    json_key(&w, "schema");
    ice_schema_write(&w, view->schema);
    json_key(&w, "view-version");
    write_view_version(&w, view, 1);
    write_properties(&w, "properties", view->properties);
    json_end_object(&w);
    if (buf_check(&body, err) < 0)
        return -1;
    Request r = {.method = "POST", .target = &target, .body = buf_str(&body)};
    return call_json(client, &r, arena, &json, err);
}

static void begin_view_update(JsonWriter *w, const char *action)
{
    json_object(w);
    json_kv_cstr(w, "action", action);
}

static void write_view_updates(JsonWriter *w, const CatalogNewView *view)
{
    begin_view_update(w, "add-schema");
    json_key(w, "schema");
    ice_schema_write(w, view->schema);
    json_end_object(w);
    begin_view_update(w, "add-view-version");
    json_key(w, "view-version");
    write_view_version(w, view, 0);
    json_end_object(w);
    begin_view_update(w, "set-current-view-version");
    json_kv_int(w, "view-version-id", -1);
    json_end_object(w);
    begin_view_update(w, "set-properties");
    write_properties(w, "updates", view->properties);
    json_end_object(w);
}

int catalog_replace_view(CatalogClient *client, const CatalogNewView *view, const ViewMetadata *base,
                         Arena *arena, Error *err)
{
    _cleanup_target_ Target target = target_view(client, view->namespace_, view->name);
    _cleanup_buf_ Buf body = BUF_INIT(REQUEST_BYTES);
    JsonWriter w = JSON_WRITER(&body);
    const Json *json;

    json_object(&w);
    write_identifier(&w, "identifier", view->namespace_, view->name);
    json_key(&w, "requirements");
    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-view-uuid");
    json_kv_str(&w, "uuid", base->view_uuid);
    json_end_object(&w);
    json_end_array(&w);
    json_key(&w, "updates");
    json_array(&w);
    write_view_updates(&w, view);
    json_end_array(&w);
    json_end_object(&w);
    if (buf_check(&body, err) < 0)
        return -1;
    Request r = {.method = "POST", .target = &target, .body = buf_str(&body)};
    return call_json(client, &r, arena, &json, err);
}

int catalog_drop_view(CatalogClient *client, Str namespace_, Str name, Arena *arena, Error *err)
{
    _cleanup_target_ Target target = target_view(client, namespace_, name);
    Request r = {.method = "DELETE", .target = &target};
    HttpResponse response;

    return call(client, &r, arena, &response, err);
}

int catalog_rename_view(CatalogClient *client, Str from_namespace, Str from_name, Str to_namespace,
                        Str to_name, Arena *arena, Error *err)
{
    return rename_entry(client, "views/rename", from_namespace, from_name, to_namespace, to_name, arena, err);
}

static int commit_error(const HttpResponse *response, Arena *arena, Error *err)
{
    answer_error(response, arena, err);
    if (response->status == 409)
        err->code = ERR_COMMIT_FAILED;
    else if (response->status >= 500 && response->status != 501 && response->status != 507 &&
             !(response->status == 503 && http_response_header(response, "Retry-After").ptr))
        err->code = ERR_COMMIT_UNKNOWN;
    return -1;
}

static int call_commit(CatalogClient *client, Request *r, Arena *arena, HttpResponse *ret, Error *err)
{
    char key[UUID_TEXT_LEN + 1];
    bool takes_keys;

    pthread_mutex_lock(&client->lock);
    takes_keys = client->takes_keys;
    pthread_mutex_unlock(&client->lock);
    if (!takes_keys) {
        r->idempotency_key = STR_NULL;
    } else if (r->idempotency_key.len == 0) {
        uuid7_text(key);
        r->idempotency_key = str_of(key, UUID_TEXT_LEN);
    }
    int rc = exchange(client, r, arena, ret, err);
    bool sent = rc < 0 && err->code != ERR_UNAVAILABLE;
    if (sent && takes_keys && (err->code == ERR_IO || err->code == ERR_TIMEOUT))
        rc = exchange(client, r, arena, ret, err);
    if (rc < 0) {
        if (sent)
            err->code = ERR_COMMIT_UNKNOWN;
        return -1;
    }
    return ret->status >= 200 && ret->status < 300 ? 0 : commit_error(ret, arena, err);
}

static void write_commit(JsonWriter *w, const CatalogCommit *commit)
{
    json_object(w);
    write_identifier(w, "identifier", commit->namespace_, commit->name);
    json_key(w, "requirements");
    json_raw(w, commit->requirements);
    json_key(w, "updates");
    json_raw(w, commit->updates);
    json_end_object(w);
}

int catalog_commit_table(CatalogClient *client, const CatalogCommit *commit, Str idempotency_key,
                         Arena *arena, CatalogTable *ret, Error *err)
{
    _cleanup_target_ Target target = target_table(client, commit->namespace_, commit->name);
    _cleanup_buf_ Buf body = BUF_INIT(REQUEST_BYTES);
    JsonWriter w = JSON_WRITER(&body);
    HttpResponse response;

    write_commit(&w, commit);
    if (buf_check(&body, err) < 0)
        return -1;
    Request r = {.method = "POST",
                 .target = &target,
                 .body = buf_str(&body),
                 .idempotency_key = idempotency_key,
                 .task_key = commit->task_key};
    if (call_commit(client, &r, arena, &response, err) < 0)
        return -1;
    if (read_table(&response, arena, ret, err) == 0)
        return 0;
    err->code = ERR_COMMIT_UNKNOWN; /* it was committed, but the answer cannot be read */
    return -1;
}

int catalog_commit_tables(CatalogClient *client, const CatalogCommit *commits, size_t n_commits,
                          Str idempotency_key, Arena *arena, Error *err)
{
    _cleanup_target_ Target target = target_new(client);
    _cleanup_buf_ Buf body = BUF_INIT(REQUEST_BYTES);
    JsonWriter w = JSON_WRITER(&body);
    HttpResponse response;

    buf_puts(&target.text, "transactions/commit");
    json_object(&w);
    json_key(&w, "table-changes");
    json_array(&w);
    for (size_t i = 0; i < n_commits; i++)
        write_commit(&w, &commits[i]);
    json_end_array(&w);
    json_end_object(&w);
    if (buf_check(&body, err) < 0)
        return -1;
    Request r = {.method = "POST",
                 .target = &target,
                 .body = buf_str(&body),
                 .idempotency_key = idempotency_key,
                 .task_key = n_commits > 0 ? commits[0].task_key : STR_NULL};
    return call_commit(client, &r, arena, &response, err);
}
