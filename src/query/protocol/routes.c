/* routes.c - Trino's HTTP endpoints. Source: Trino client protocol; refusals and their texts as a 483 answers
 * them. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "format/json.h"
#include "query/protocol/answers.h"
#include "query/protocol/plan.h"
#include "query/protocol/run.h"
#include "query/protocol/server.h"

static void reply_session_error(HttpRequest *r, const Error *err)
{
    if (err->code == ERR_UNAUTHORIZED) {
        http_set_header(r, "WWW-Authenticate", STR("Basic realm=\"Trino\""));
        reply_text(r, 401, "%s", err->message);
        return;
    }
    reply_text(r, 400, "Error 400 Bad Request: %s", err->message);
}

/* ---- POST /v1/statement ---- */

static void parse_statement(RunningStatement *s)
{
    Error err;
    Statement *ast = NULL;
    if (session_check_properties(&s->session, s->server->iceberg_name, &err)) {
        statement_end(s, &err);
        return;
    }
    s->found_plan = plan_find(s);
    if (s->found_plan)
        return; /* only queries have plans: it has no effects */
    if (run_parse(s, &ast, &err)) {
        statement_end(s, &err);
        return;
    }
    s->ast = ast;
    s->has_effects =
        ast->kind == STMT_EXECUTE ? statement_has_effects(ast->inner) : statement_has_effects(ast);
}

static void post_statement_worker(HttpRequest *r, void *arg)
{
    Server *server = http_user_data(r);
    Str sql = *(Str *)arg;
    Error err;
    ClientSession session;
    if (!str_trim(sql).len) {
        reply_text(r, 400, "Error 400 Bad Request: SQL statement is empty");
        return;
    }
    Arena *kept = arena_new(STATEMENT_ARENA_BYTES);
    if (session_read(r, kept, &session, &err)) {
        reply_session_error(r, &err);
        arena_free(kept);
        return;
    }
    RunningStatement *s = statement_new(server, arena_new(STATEMENT_ARENA_BYTES), kept, &session,
                                        session_text(sql, false, kept));
    metric_inc(METRIC_QUERY_SUBMITTED);
    parse_statement(s);
    server_add(server, s);
    if (!s->has_effects)
        statement_start(s);
    answers_post(r, s);
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

/* Pages are large: they are not put together on the loop. */
static void get_statement_worker(HttpRequest *r, void *arg)
{
    Server *server = arg;
    StatementUri uri;
    RunningStatement *s = parse_uri(http_path(r), &uri) ? find_statement(server, &uri) : NULL;
    if (s)
        answers_give(r, s, uri.token);
    else
        not_found(r);
    statement_unref(s);
}

static void get_statement(HttpRequest *r, Server *server)
{
    StatementUri uri;
    RunningStatement *s = parse_uri(http_path(r), &uri) ? find_statement(server, &uri) : NULL;
    if (!s) {
        not_found(r);
        return;
    }
    statement_start(s);
    if (!answers_wait(r, s, uri.token))
        http_offload(r, get_statement_worker, server);
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
        get_statement(r, server);
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

/* Answered to GET and HEAD. */
typedef struct Route { const char *path; void (*handle)(HttpRequest *r, Server *server); } Route;
static const Route routes[] = {
    {"/v1/info", get_info},       {"/v1/info/state", get_state},       {"/v1/status", get_status},
    {"/v1/node", get_empty_list}, {"/v1/node/failed", get_empty_list}, {"/v1/query", get_queries},
};

static void get_coordinator(HttpRequest *r) { http_reply(r, 200, "application/json", STR("true")); }

void handle_request(HttpRequest *r, void *arg)
{
    Server *server = arg;
    Str path = http_path(r), method = http_method(r);
    bool is_reading = str_is(method, "GET") || str_is(method, "HEAD");
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
            if (str_is(path, routes[i].path) && is_reading) {
                routes[i].handle(r, server);
                return;
            }
        reply_text(r, 404, "Error 404 Not Found: HTTP 404 Not Found");
    }
}
