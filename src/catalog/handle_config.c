/* handle_config.c - /v1/config and the token route of old clients. */
#include <stdio.h>

#include "base/fs.h"
#include "base/limits.h"
#include "catalog/routes.h"

/* ---- config ---- */

/* "lakehouse-warehouse", "s3://lakehouse-warehouse" and "s3://lakehouse-warehouse/" are the same one. */
static bool is_our_warehouse(const Catalog *c, Str name)
{
    Str ours = str_slice(c->warehouse, 0, c->warehouse.len - 1);

    while (name.len > 0 && name.ptr[name.len - 1] == '/')
        name.len--;
    return name.len == 0 || str_eq(name, ours) || str_eq(name, str_slice(ours, strlen("s3://"), ours.len));
}

/* The supervisor writes where the roles are; without it clients must be told where storage is. */
static Str storage_url(const Catalog *c, Arena *arena)
{
    _cleanup_buf_ Buf text = BUF_INIT(LIMIT_CONFIG_BYTES);
    Str path = arena_printf(arena, "%.*s/endpoints.json", STR_ARG(c->context->run_dir)), url = STR_NULL;
    const Json *json;

    if (fs_read_file(path.ptr, LIMIT_CONFIG_BYTES, &text, NULL) < 0 ||
        json_parse(buf_str(&text), arena, &json, NULL) < 0 ||
        json_get_string(json_get(json, "storage"), "url", STR_NULL, &url, NULL) < 0)
        return STR_NULL;
    return url;
}

static void write_defaults(JsonWriter *w, const Catalog *c, Arena *arena)
{
    Str url = storage_url(c, arena), region = config_str(c->context->config, "storage.region");

    json_object(w);
    if (url.len > 0)
        json_kv_str(w, "s3.endpoint", url);
    json_kv_cstr(w, "s3.path-style-access", "true");
    json_kv_str(w, "s3.region", region);
    json_kv_str(w, "client.region", region);
    json_end_object(w);
}

static void write_endpoints(JsonWriter *w)
{
    char text[160];

    json_array(w);
    for (size_t i = 0; i < n_cat_routes; i++) {
        const CatRoute *route = &cat_routes[i];
        if (route->flags & ROUTE_HIDDEN)
            continue;
        int n = snprintf(text, sizeof text, "%s /v1/{prefix}/%s", route->method, route->path);
        json_str(w, str_of(text, (size_t)n));
    }
    json_end_array(w);
}

int cat_get_config(CatRequest *q, Error *err)
{
    Str warehouse = http_query_param(q->http, "warehouse");
    Buf body = BUF_INIT(64 << 10);
    JsonWriter w = JSON_WRITER(&body);

    if (warehouse.ptr && !is_our_warehouse(q->catalog, warehouse))
        return err_set(err, ERR_NO_SUCH_WAREHOUSE, "Warehouse does not exist: %.*s",
                       STR_ARG(str_slice(warehouse, 0, 300)));
    json_object(&w);
    json_key(&w, "defaults");
    write_defaults(&w, q->catalog, q->arena);
    json_key(&w, "overrides");
    json_object(&w);
    json_end_object(&w);
    json_key(&w, "endpoints");
    write_endpoints(&w);
    json_kv_cstr(&w, "idempotency-key-lifetime", CATALOG_IDEMPOTENCY_LIFETIME);
    json_end_object(&w);
    cat_reply_json(q, 200, &body);
    return 0;
}

/* ---- tokens ---- */

static Str form_value(Str form, const char *name, Arena *arena)
{
    _cleanup_buf_ Buf out = BUF_INIT(64 << 10);

    while (form.ptr) {
        Str value, key = str_cut(str_cut(form, '&', &form), '=', &value);
        if (str_is(key, name) && value.ptr && percent_decode(value, true, &out, NULL) == 0)
            return arena_str(arena, buf_str(&out));
    }
    return STR_NULL;
}

/* Clients of the old kind ask for a token before anything else. It opens nothing: who may use this port is
 * decided elsewhere. */
int cat_get_token(CatRequest *q, Error *err)
{
    Str grant = form_value(q->body, "grant_type", q->arena);

    if (!str_is(grant, "client_credentials") && !str_is(grant, "refresh_token") &&
        !str_is(grant, "urn:ietf:params:oauth:grant-type:token-exchange")) {
        cat_reply_text(q, 400,
                       STR("{\"error\":\"unsupported_grant_type\",\"error_description\":\"expected "
                           "client_credentials\"}"));
        return 0;
    }
    http_set_header(q->http, "Cache-Control", STR("no-store"));
    cat_reply_text(q, 200,
                   STR("{\"access_token\":\"none\",\"token_type\":\"bearer\",\"expires_in\":86400,"
                       "\"issued_token_type\":\"urn:ietf:params:oauth:token-type:access_token\",\"scope\":"
                       "\"catalog\"}"));
    return 0;
}
