/* routes.c - Trino's HTTP endpoints. Source: Trino client protocol; refusals and their texts as a 483 answers
 * them. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "query/protocol/results.h"
#include "query/protocol/server.h"

enum { ANSWER_MAX = 1 << 30 };

static void reply_text(HttpRequest *r, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void reply_text(HttpRequest *r, int status, const char *format, ...)
{
    _cleanup_buf_ Buf text = BUF_INIT(64 << 10);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    http_reply(r, status, "text/plain;charset=utf-8", buf_str(&text));
}

static void reply_session_error(HttpRequest *r, const Error *err)
{
    if (err->code == ERR_UNAUTHORIZED) {
        http_set_header(r, "WWW-Authenticate", STR("Basic realm=\"Trino\""));
        reply_text(r, 401, "%s", err->message);
        return;
    }
    reply_text(r, 400, "Error 400 Bad Request: %s", err->message);
}

/* ---- answers of a statement ---- */

static void send_answer(HttpRequest *r, RunningStatement *s, Str body)
{
    for (size_t i = 0; i < s->n_headers; i++)
        http_set_header(r, s->headers[i].name, s->headers[i].value);
    http_set_header(r, "X-Content-Type-Options", STR("nosniff"));
    http_set_header(r, "Cache-Control", STR("no-store"));
    http_reply(r, 200, "application/json", body);
}

static Str next_uri(const RunningStatement *s, int64_t token, Arena *arena)
{
    return arena_printf(arena, "%.*s/v1/statement/executing/%s/%s/%lld", STR_ARG(s->session.base_uri), s->id,
                        s->slug, (long long)token);
}

/* Makes the answer to `token`, keeps it for repeats, and sends it. The lock is held. */
static void answer_token(HttpRequest *r, RunningStatement *s, int64_t token)
{
    /* A page is the last one when the statement ended and nothing waits behind it. */
    bool is_last = s->ended && (!s->first_page || !s->first_page->next);
    buf_clear(&s->last_answer);
    results_write(s, is_last ? STR_NULL : next_uri(s, token + 1, http_arena(r)), true, &s->last_answer);
    s->last_token = token;
    s->last_contact_us = clock_monotonic_us();
    send_answer(r, s, buf_str(&s->last_answer));
}

static void answer_first(HttpRequest *r, RunningStatement *s)
{
    MUTEX_GUARD(&s->lock);
    bool waits_for_get =
        !s->session.reads_first_answer || (s->has_effects && !s->started && !s->ended);
    if (!waits_for_get) {
        answer_token(r, s, 0);
        return;
    }
    _cleanup_buf_ Buf out = BUF_INIT(ANSWER_MAX);
    results_write(s, next_uri(s, 0, http_arena(r)), false, &out);
    send_answer(r, s, buf_str(&out));
}

/* ---- POST /v1/statement ---- */

static const PreparedStatement *find_prepared(const ClientSession *session, Str name)
{
    for (size_t i = 0; i < session->n_prepared; i++)
        if (str_eq_nocase(session->prepared[i].name, name))
            return &session->prepared[i];
    return NULL;
}

/* EXECUTE, DESCRIBE INPUT and DESCRIBE OUTPUT speak of a statement in the client's session. */
static int attach_prepared(RunningStatement *s, Error *err)
{
    StatementKind kind = s->ast->kind;
    if (kind != STMT_EXECUTE && kind != STMT_DESCRIBE_INPUT && kind != STMT_DESCRIBE_OUTPUT)
        return 0;
    Str name = s->ast->name.n ? s->ast->name.parts[0].text : STR("");
    const PreparedStatement *prepared = find_prepared(&s->session, name);
    if (!prepared)
        return err_set(err, ERR_TRINO_NOT_FOUND, "Prepared statement not found: %.*s", STR_ARG(name));
    return sql_parse(prepared->sql, s->arena, &s->ast->inner, err);
}

static void parse_statement(RunningStatement *s)
{
    Error err;
    Statement *ast = NULL;
    if (session_check_properties(&s->session, s->server->iceberg_name, &err) ||
        sql_parse(s->sql, s->arena, &ast, &err)) {
        statement_end(s, &err);
        return;
    }
    s->ast = ast;
    if (attach_prepared(s, &err)) {
        statement_end(s, &err);
        return;
    }
    s->has_effects =
        ast->kind == STMT_EXECUTE ? statement_has_effects(ast->inner) : statement_has_effects(ast);
}

static void post_statement_worker(HttpRequest *r, void *arg)
{
    Server *server = http_user_data(r);
    Str sql = *(Str *)arg;
    Error err;
    Arena *arena = arena_new(STATEMENT_ARENA_BYTES);
    ClientSession session;
    if (!str_trim(sql).len) {
        reply_text(r, 400, "Error 400 Bad Request: SQL statement is empty");
        arena_free(arena);
        return;
    }
    if (session_read(r, arena, &session, &err)) {
        reply_session_error(r, &err);
        arena_free(arena);
        return;
    }
    RunningStatement *s = statement_new(server, arena, &session, arena_str(arena, sql));
    metric_inc(METRIC_QUERY_SUBMITTED);
    server_add(server, s);
    parse_statement(s);
    if (!s->has_effects) {
        statement_start(s);
        if (session.reads_first_answer)
            statement_wait(s, STATEMENT_POLL_MS);
    }
    answer_first(r, s);
    statement_unref(s);
}

static void post_statement_body(HttpRequest *r, Str body, void *arg)
{
    Str *sql = arena_new_of(http_arena(r), Str);
    *sql = body;
    http_set_user_data(r, arg);
    http_offload(r, post_statement_worker, sql);
}

/* ---- GET, HEAD, DELETE /v1/statement/executing/{id}/{slug}/{token} ---- */

typedef struct StatementUri { Str id, slug; int64_t token; } StatementUri;

static bool parse_uri(Str path, StatementUri *ret)
{
    static const Str prefix = { "/v1/statement/executing/", sizeof "/v1/statement/executing/" - 1 };
    Str rest, token = STR_NULL;
    if (!str_has_prefix(path, prefix))
        return false;
    rest = str_slice(path, prefix.len, path.len);
    ret->id = str_cut(rest, '/', &rest);
    ret->slug = rest.ptr ? str_cut(rest, '/', &token) : STR("");
    return rest.ptr && token.ptr && str_to_i64(token, 0, INT32_MAX, &ret->token, NULL) == 0;
}

static RunningStatement *find_statement(Server *server, const StatementUri *uri)
{
    RunningStatement *s = server_find(server, uri->id);
    if (s && !str_is(uri->slug, s->slug)) {
        statement_unref(s);
        return NULL;
    }
    return s;
}

static void not_found(HttpRequest *r) { reply_text(r, 404, "Error 404 Not Found: Query not found"); }

static void answer_get(HttpRequest *r, RunningStatement *s, const StatementUri *uri)
{
    MUTEX_GUARD(&s->lock);
    s->last_contact_us = clock_monotonic_us();
    if (uri->token == s->last_token)
        send_answer(r, s, buf_str(&s->last_answer));
    else if (uri->token == s->last_token + 1)
        answer_token(r, s, uri->token);
    else if (uri->token < s->last_token)
        reply_text(r, 410, "Error 410 Gone: HTTP 410 Gone");
    else
        not_found(r);
}

static void get_statement_worker(HttpRequest *r, void *arg)
{
    Server *server = arg;
    StatementUri uri;
    RunningStatement *s = parse_uri(http_path(r), &uri) ? find_statement(server, &uri) : NULL;
    if (!s) {
        not_found(r);
        return;
    }
    statement_start(s);
    if (uri.token > s->last_token)
        statement_wait(s, STATEMENT_POLL_MS);
    answer_get(r, s, &uri);
    statement_unref(s);
}

static void delete_statement(HttpRequest *r, Server *server)
{
    StatementUri uri;
    RunningStatement *s = parse_uri(http_path(r), &uri) ? find_statement(server, &uri) : NULL;
    if (s)
        statement_cancel(s, ERR_USER_CANCELED, "Query was canceled");
    statement_unref(s);
    http_reply(r, 204, NULL, STR(""));
}

static void head_statement(HttpRequest *r, Server *server)
{
    StatementUri uri;
    RunningStatement *s = parse_uri(http_path(r), &uri) ? find_statement(server, &uri) : NULL;
    if (s) {
        pthread_mutex_lock(&s->lock);
        s->last_contact_us = clock_monotonic_us();
        pthread_mutex_unlock(&s->lock);
    }
    http_reply(r, s ? 200 : 404, "application/json", STR(""));
    statement_unref(s);
}

static void statement_uri(HttpRequest *r, Server *server)
{
    Str method = http_method(r);
    if (str_is(method, "GET"))
        http_offload(r, get_statement_worker, server);
    else if (str_is(method, "DELETE"))
        delete_statement(r, server);
    else if (str_is(method, "HEAD"))
        head_statement(r, server);
    else {
        http_set_header(r, "Allow", STR("HEAD,DELETE,GET,OPTIONS"));
        http_reply(r, 405, NULL, STR(""));
    }
}

static void statement_root(HttpRequest *r, Server *server)
{
    if (str_is(http_method(r), "POST"))
        http_read_body(r, LIMIT_SQL_BYTES * 4 + 1024, post_statement_body, server);
    else if (str_is(http_method(r), "HEAD"))
        http_reply(r, 200, "application/json", STR(""));
    else {
        http_set_header(r, "Allow", STR("HEAD,POST,OPTIONS"));
        http_reply(r, 405, NULL, STR(""));
    }
}

/* ---- information about the server ---- */

static void put_uptime(JsonWriter *w, const Server *server)
{
    char text[32];
    double seconds = (double)(clock_monotonic_us() - server->started_us) / 1e6;
    snprintf(text, sizeof text,
             seconds < 60      ? "%.2fs"
             : seconds < 3600  ? "%.2fm"
             : seconds < 86400 ? "%.2fh"
                               : "%.2fd",
             seconds < 60      ? seconds
             : seconds < 3600  ? seconds / 60
             : seconds < 86400 ? seconds / 3600
                               : seconds / 86400);
    json_kv_cstr(w, "uptime", text);
}

static void put_version(JsonWriter *w)
{
    json_key(w, "nodeVersion");
    json_object(w);
    json_kv_cstr(w, "version", "483");
    json_end_object(w);
}

static void get_info(HttpRequest *r, Server *server)
{
    Buf out = BUF_INIT(4096);
    JsonWriter w = JSON_WRITER(&out);
    json_object(&w);
    json_kv_str(&w, "nodeId", server->node_id);
    json_kv_cstr(&w, "state", server->draining ? "SHUTTING_DOWN" : "ACTIVE");
    put_version(&w);
    json_kv_cstr(&w, "environment", "lakehouse");
    json_kv_bool(&w, "coordinator", true);
    json_kv_cstr(&w, "coordinatorId", server->coordinator_id);
    json_kv_bool(&w, "starting", !server->ready);
    put_uptime(&w, server);
    json_end_object(&w);
    http_reply_buf(r, 200, "application/json", &out);
}

static void get_state(HttpRequest *r, Server *server)
{
    http_reply(r, 200, "application/json", server->draining ? STR("\"SHUTTING_DOWN\"") : STR("\"ACTIVE\""));
}

static void get_status(HttpRequest *r, Server *server)
{
    Buf out = BUF_INIT(4096);
    JsonWriter w = JSON_WRITER(&out);
    json_object(&w);
    json_kv_str(&w, "nodeId", server->node_id);
    put_version(&w);
    json_kv_cstr(&w, "environment", "lakehouse");
    json_kv_bool(&w, "coordinator", true);
    put_uptime(&w, server);
    json_kv_cstr(&w, "externalAddress", "127.0.0.1");
    json_kv_cstr(&w, "internalAddress", "127.0.0.1");
    json_kv_int(&w, "processors", sysconf(_SC_NPROCESSORS_ONLN));
    json_end_object(&w);
    http_reply_buf(r, 200, "application/json", &out);
}

static void get_empty_list(HttpRequest *r, Server *server)
{
    http_reply(r, 200, "application/json", STR("[]"));
}

static void put_query(void *arg, const QueryInfo *info)
{
    JsonWriter *w = arg;
    char created[TIME_TEXT_MAX];
    time_format_iso(info->created_us, 3, created);
    json_object(w);
    json_kv_str(w, "queryId", info->query_id);
    json_kv_str(w, "state", info->state);
    json_kv_str(w, "query", info->query);
    json_key(w, "session");
    json_object(w);
    json_kv_str(w, "user", info->user);
    json_kv_str(w, "source", info->source);
    json_end_object(w);
    json_key(w, "queryStats");
    json_object(w);
    json_kv_cstr(w, "createTime", created);
    json_end_object(w);
    if (info->error_code.len) {
        json_kv_str(w, "errorType", info->error_type);
        json_key(w, "errorCode");
        json_object(w);
        json_kv_str(w, "name", info->error_code);
        json_end_object(w);
    }
    json_end_object(w);
}

static void get_queries(HttpRequest *r, Server *server)
{
    Buf out = BUF_INIT(64 << 20);
    JsonWriter w = JSON_WRITER(&out);
    json_array(&w);
    server_each_query(server, put_query, &w);
    json_end_array(&w);
    http_reply_buf(r, 200, "application/json", &out);
}

typedef struct OneQuery { JsonWriter *w; Str id; bool found; } OneQuery;

static void put_one_query(void *arg, const QueryInfo *info)
{
    OneQuery *q = arg;
    if (str_eq(info->query_id, q->id)) {
        q->found = true;
        put_query(q->w, info);
    }
}

static void one_query(HttpRequest *r, Server *server)
{
    Str id = str_slice(http_path(r), sizeof "/v1/query/" - 1, http_path(r).len);
    if (str_is(http_method(r), "DELETE")) {
        RunningStatement *s = server_find(server, id);
        if (s)
            statement_cancel(s, ERR_USER_CANCELED, "Query was canceled");
        statement_unref(s);
        http_reply(r, 204, NULL, STR(""));
        return;
    }
    Buf out = BUF_INIT(4 << 20);
    JsonWriter w = JSON_WRITER(&out);
    OneQuery q = { .w = &w, .id = id };
    server_each_query(server, put_one_query, &q);
    if (q.found)
        http_reply_buf(r, 200, "application/json", &out);
    else {
        buf_free(&out);
        reply_text(r, 410, "Error 410 Gone: HTTP 410 Gone");
    }
}

typedef struct Route { const char *method, *path; void (*handle)(HttpRequest *r, Server *server); } Route;
static const Route routes[] = {
    {"GET", "/v1/info", get_info},       {"GET", "/v1/info/state", get_state},
    {"GET", "/v1/status", get_status},   {"HEAD", "/v1/status", get_status},
    {"GET", "/v1/node", get_empty_list}, {"GET", "/v1/node/failed", get_empty_list},
    {"GET", "/v1/query", get_queries},
};

static void get_coordinator(HttpRequest *r) { http_reply(r, 200, "application/json", STR("true")); }

void handle_request(HttpRequest *r, void *arg)
{
    Server *server = arg;
    Str path = http_path(r), method = http_method(r);
    if (str_is(path, "/v1/statement"))
        statement_root(r, server);
    else if (str_has_prefix(path, STR("/v1/statement/")))
        statement_uri(r, server);
    else if (str_is(path, "/v1/import"))
        handle_import(r, server);
    else if (str_is(path, "/v1/info/coordinator"))
        get_coordinator(r);
    else if (str_has_prefix(path, STR("/v1/query/")))
        one_query(r, server);
    else {
        for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
            if (str_is(path, routes[i].path) && str_is(method, routes[i].method)) {
                routes[i].handle(r, server);
                return;
            }
        reply_text(r, 404, "Error 404 Not Found: HTTP 404 Not Found");
    }
}
