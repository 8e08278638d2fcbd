#include "client/trino_client.h"

#include <signal.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"
#include "net/http_client.h"

enum { PAGE_ARENA = 256 << 20, MAX_HEADERS = 64, RETRY_MS = 50, RETRIES = 100 };

typedef struct Pair { Str name, value; } Pair;

struct TrinoSession {
    HttpClient *http;
    Arena *arena;                  /* strings of the session */
    Str base, user, catalog, schema, time_zone, source, transaction, path;
    Vec(Pair) properties, prepared;
    volatile sig_atomic_t cancel;
};

TrinoSession *trino_session_new(Str server_url, Str user, Error *err)
{
    while (server_url.len && server_url.ptr[server_url.len - 1] == '/')
        server_url.len--;
    if (!str_has_prefix(server_url, STR("http://")) && !str_has_prefix(server_url, STR("https://"))) {
        err_set(err, ERR_CONFIG, "server %.*s: expected http://HOST:PORT", STR_ARG(server_url));
        return NULL;
    }
    TrinoSession *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->arena = arena_new(16 << 20);
    s->base = arena_str(s->arena, server_url);
    s->user = arena_str(s->arena, user);
    s->http = http_client_new(s->base, STR_NULL, err);
    if (!s->http) {
        trino_session_free(s);
        return NULL;
    }
    return s;
}

void trino_session_free(TrinoSession *session)
{
    if (!session)
        return;
    if (session->http)
        http_client_free(session->http);
    arena_free(session->arena);
    free(session);
}

void trino_session_set(TrinoSession *s, Str catalog, Str schema, Str time_zone, Str source)
{
    s->catalog = arena_str(s->arena, catalog);
    s->schema = arena_str(s->arena, schema);
    s->time_zone = arena_str(s->arena, time_zone);
    s->source = arena_str(s->arena, source);
}

static void put_pair(TrinoSession *s, Pair **items, size_t *n, size_t *cap, Str name, Str value)
{
    for (size_t i = 0; i < *n; i++)
        if (str_eq((*items)[i].name, name)) {
            (*items)[i].value = arena_str(s->arena, value);
            return;
        }
    if (*n == *cap)
        *items = arena_grow_(s->arena, *items, cap, sizeof **items);
    (*items)[(*n)++] = (Pair){ arena_str(s->arena, name), arena_str(s->arena, value) };
}

static void drop_pair(Pair *items, size_t *n, Str name)
{
    for (size_t i = 0; i < *n; i++)
        if (str_eq(items[i].name, name)) {
            items[i] = items[--*n];
            return;
        }
}

void trino_session_property(TrinoSession *s, Str name, Str value)
{
    put_pair(s, &s->properties.items, &s->properties.n, &s->properties.cap, name, value);
}

Str trino_session_catalog(const TrinoSession *session) { return session->catalog; }
Str trino_session_schema(const TrinoSession *session) { return session->schema; }
void trino_cancel(TrinoSession *session) { session->cancel = 1; }

/* ---- headers out ---- */

typedef struct Headers { HttpHeader items[MAX_HEADERS]; size_t n; } Headers;

static void add_header(Headers *h, const char *name, Str value)
{
    if (h->n < MAX_HEADERS)
        h->items[h->n++] = (HttpHeader){ str_from(name), value };
}

static Str join_pairs(const Pair *items, size_t n, Arena *arena)
{
    _cleanup_buf_ Buf out = BUF_INIT(8 << 20);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(&out, ',');
        percent_encode(items[i].name, false, &out);
        buf_putc(&out, '=');
        percent_encode(items[i].value, false, &out);
    }
    return arena_str(arena, buf_str(&out));
}

static void session_headers(const TrinoSession *s, Headers *h, Arena *arena)
{
    add_header(h, "X-Trino-User", s->user);
    add_header(h, "X-Trino-Source", s->source);
    add_header(h, "X-Trino-Transaction-Id", s->transaction.len ? s->transaction : STR("NONE"));
    add_header(h, "X-Trino-Client-Capabilities",
               STR("PATH,PARAMETRIC_DATETIME,NUMBER,VARIANT,SESSION_AUTHORIZATION"));
    if (s->time_zone.len)
        add_header(h, "X-Trino-Time-Zone", s->time_zone);
    if (s->catalog.len)
        add_header(h, "X-Trino-Catalog", s->catalog);
    if (s->catalog.len && s->schema.len)
        add_header(h, "X-Trino-Schema", s->schema);
    if (s->path.len)
        add_header(h, "X-Trino-Path", s->path);
    if (s->properties.n)
        add_header(h, "X-Trino-Session", join_pairs(s->properties.items, s->properties.n, arena));
    if (s->prepared.n)
        add_header(h, "X-Trino-Prepared-Statement", join_pairs(s->prepared.items, s->prepared.n, arena));
    add_header(h, "Content-Type", STR("text/plain; charset=utf-8"));
}

/* ---- headers in ---- */

static Str decoded(TrinoSession *s, Str text)
{
    _cleanup_buf_ Buf out = BUF_INIT(8 << 20);
    return percent_decode(text, true, &out, NULL) ? STR_NULL : arena_str(s->arena, buf_str(&out));
}

static void absorb_header(TrinoSession *s, Str name, Str value)
{
    Str rest, key = str_cut(value, '=', &rest);
    if (str_eq_nocase(name, STR("X-Trino-Set-Catalog")))
        s->catalog = arena_str(s->arena, value);       /* these three are sent as they are */
    else if (str_eq_nocase(name, STR("X-Trino-Set-Schema")))
        s->schema = arena_str(s->arena, value);
    else if (str_eq_nocase(name, STR("X-Trino-Set-Path")))
        s->path = arena_str(s->arena, value);
    else if (str_eq_nocase(name, STR("X-Trino-Set-Session")))
        trino_session_property(s, decoded(s, key), decoded(s, rest));
    else if (str_eq_nocase(name, STR("X-Trino-Clear-Session")))
        drop_pair(s->properties.items, &s->properties.n, value);
    else if (str_eq_nocase(name, STR("X-Trino-Added-Prepare")))
        put_pair(s, &s->prepared.items, &s->prepared.n, &s->prepared.cap, decoded(s, key), decoded(s, rest));
    else if (str_eq_nocase(name, STR("X-Trino-Deallocated-Prepare")))
        drop_pair(s->prepared.items, &s->prepared.n, decoded(s, value));
    else if (str_eq_nocase(name, STR("X-Trino-Started-Transaction-Id")))
        s->transaction = arena_str(s->arena, value);
    else if (str_eq_nocase(name, STR("X-Trino-Clear-Transaction-Id")))
        s->transaction = STR_NULL;
}

static void absorb(TrinoSession *s, const HttpResponse *response)
{
    for (size_t i = 0; i < response->n_headers; i++)
        absorb_header(s, response->headers[i].name, response->headers[i].value);
}

/* ---- pages ---- */

static int64_t stat_int(const Json *stats, const char *key)
{
    int64_t value = 0;
    return json_get_int(stats, key, 0, &value, NULL) ? 0 : value;
}

static void read_stats(const Json *stats, TrinoStats *ret)
{
    *ret = (TrinoStats){ .progress_percent = -1 };
    if (json_get_string(stats, "state", STR(""), &ret->state, NULL))
        ret->state = STR("");
    const Json *progress = json_get(stats, "progressPercentage");
    if (json_is(progress, JSON_INT) || json_is(progress, JSON_NUMBER))
        ret->progress_percent = json_to_double(progress);
    ret->elapsed_ms = stat_int(stats, "elapsedTimeMillis");
    ret->processed_rows = stat_int(stats, "processedRows");
    ret->processed_bytes = stat_int(stats, "processedBytes");
    ret->completed_splits = stat_int(stats, "completedSplits");
    ret->total_splits = stat_int(stats, "totalSplits");
    ret->peak_memory_bytes = stat_int(stats, "peakMemoryBytes");
}

static int read_error(const Json *error, Error *err)
{
    Str name = STR("GENERIC_INTERNAL_ERROR"), message = STR("the server told no reason");
    json_get_string(error, "errorName", name, &name, NULL);
    json_get_string(error, "message", message, &message, NULL);
    char text[64];
    size_t n = name.len < sizeof text - 1 ? name.len : sizeof text - 1;
    memcpy(text, name.ptr, n);
    text[n] = '\0';
    err_set(err, err_code_of_trino_name(text), "%.*s", STR_ARG(message));
    const Json *location = json_get(error, "errorLocation");
    if (err && json_is(location, JSON_OBJECT)) {
        err->sql_line = (int)stat_int(location, "lineNumber");
        err->sql_column = (int)stat_int(location, "columnNumber");
    }
    return -1;
}

static int read_page(const Json *json, Arena *arena, TrinoPage *page, Str *ret_next, Error *err)
{
    const Json *columns, *data, *error = json_get(json, "error");
    *page = (TrinoPage){ .update_count = -1 };
    if (json_is(error, JSON_OBJECT))
        return read_error(error, err);
    if (json_need_string(json, "id", &page->query_id, err) ||
        json_get_string(json, "nextUri", STR_NULL, ret_next, err) ||
        json_get_array(json, "columns", &columns, err) || json_get_array(json, "data", &data, err) ||
        json_get_string(json, "updateType", STR(""), &page->update_type, err) ||
        json_get_int(json, "updateCount", -1, &page->update_count, err))
        return -1;
    if (columns) {
        TrinoColumn *out = arena_array(arena, TrinoColumn, columns->array.n);
        for (size_t i = 0; i < columns->array.n; i++)
            if (json_need_string(columns->array.items[i], "name", &out[i].name, err) ||
                json_need_string(columns->array.items[i], "type", &out[i].type, err))
                return -1;
        page->columns = out;
        page->n_columns = columns->array.n;
    }
    page->rows = data;
    page->is_last = ret_next->ptr == NULL;
    read_stats(json_get(json, "stats"), &page->stats);
    return 0;
}

static bool is_retryable(int status)
{
    return status == 502 || status == 503 || status == 504 || status == 429;
}

/* Nothing was sent, or a GET may be sent again: its answer is kept for that. */
static bool may_retry(ErrCode code, const char *method)
{
    bool broke = code == ERR_IO || code == ERR_TIMEOUT || code == ERR_INCOMPLETE_BODY;
    return code == ERR_UNAVAILABLE || (broke && strcmp(method, "GET") == 0);
}

/* One exchange; busy answers are retried for a while (a role that restarts is back within seconds). */
static int exchange(TrinoSession *s, const char *method, Str target, Str body, Arena *arena,
                    HttpResponse *response, Error *err)
{
    Headers h = { .n = 0 };
    session_headers(s, &h, arena);
    HttpCall call = { .method = method, .target = target, .headers = h.items, .n_headers = h.n, .body = body,
                      .timeout_ms = 300000, .max_response_bytes = PAGE_ARENA / 2 };
    for (int attempt = 0;; attempt++) {
        int r = http_client_call(s->http, &call, arena, response, err);
        bool again = r ? may_retry(err->code, method) : is_retryable(response->status);
        if (!again || attempt == RETRIES || s->cancel) {
            if (r)
                return -1;
            break;
        }
        clock_sleep_ms(RETRY_MS);
    }
    if (response->status == 200 || response->status == 204)
        return 0;
    return err_set(err, response->status >= 500 ? ERR_UNAVAILABLE : ERR_BAD_REQUEST, "%.*s answered %d: %.*s",
                   STR_ARG(s->base), response->status, STR_ARG(str_slice(str_trim(response->body), 0, 300)));
}

/* The path and query of a nextUri; it must be on the server that we talk to. */
static int target_of(const TrinoSession *s, Str uri, Str *ret, Error *err)
{
    ptrdiff_t scheme = str_find(uri, STR("://"));
    Str after = scheme < 0 ? uri : str_slice(uri, (size_t)scheme + 3, uri.len);
    ptrdiff_t slash = str_find_char(after, '/');
    if (slash < 0)
        return err_set(err, ERR_IO, "%.*s sent the malformed address %.*s", STR_ARG(s->base), STR_ARG(uri));
    *ret = str_slice(after, (size_t)slash, after.len);
    return 0;
}

static void delete_statement(TrinoSession *s, Str target, Arena *arena)
{
    HttpResponse response;
    Error ignored;
    exchange(s, "DELETE", target, STR_NULL, arena, &response, &ignored);
}

int trino_run(TrinoSession *s, Str sql, TrinoPageFn on_page, void *arg, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(PAGE_ARENA);
    char *next = NULL;
    int r = 0;
    s->cancel = 0;
    for (bool first = true; r == 0 && (first || next); first = false) {
        HttpResponse response;
        const Json *json;
        TrinoPage page;
        Str uri = STR_NULL, target = STR_NULL;
        if (next && s->cancel) {
            delete_statement(s, str_from(next), arena);
            r = err_set(err, ERR_USER_CANCELED, "Query was canceled");
            break;
        }
        r = exchange(s, first ? "POST" : "GET", first ? STR("/v1/statement") : str_from(next),
                     first ? sql : STR_NULL, arena, &response, err);
        if (r == 0) {
            absorb(s, &response);
            r = json_parse(response.body, arena, &json, err) || read_page(json, arena, &page, &uri, err) ||
                (uri.ptr && target_of(s, uri, &target, err)) ? -1 : 0;
        }
        free(next);
        next = r == 0 && target.ptr ? strndup(target.ptr, target.len) : NULL;
        if (r == 0 && on_page(arg, &page)) {
            s->cancel = 1;
            if (!next)
                r = err_set(err, ERR_USER_CANCELED, "Query was canceled");
        }
        arena_reset(arena);
    }
    free(next);
    return r;
}
