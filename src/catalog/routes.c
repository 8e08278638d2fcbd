/* routes.c - from a request to its handler. */
#include "catalog/routes.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"

const CatRoute cat_routes[] = {
#define R(method, path, operation, handler, flags) {method, path, #operation, handler, flags},
#include "catalog/routes.def"
#undef R
};
const size_t n_cat_routes = sizeof cat_routes / sizeof *cat_routes;

/* ---- matching ---- */

typedef struct Match {
    Str namespace_raw, name_raw;
} Match;

/* Segment by segment; "{namespace}" and "{table}" or "{view}" take any that is not empty. */
static bool match_path(const char *pattern, Str path, Match *ret)
{
    Str pattern_rest = str_from(pattern), path_rest = path;
    Match match = {STR_NULL, STR_NULL};

    while (pattern_rest.ptr && path_rest.ptr) {
        Str want = str_cut(pattern_rest, '/', &pattern_rest), got = str_cut(path_rest, '/', &path_rest);
        if (want.ptr[0] != '{') {
            if (!str_eq(want, got))
                return false;
            continue;
        }
        if (got.len == 0)
            return false;
        *(str_is(want, "{namespace}") ? &match.namespace_raw : &match.name_raw) = got;
    }
    if (pattern_rest.ptr || path_rest.ptr)
        return false;
    *ret = match;
    return true;
}

static int find_route(CatRequest *q, Match *ret, Error *err)
{
    Str path = http_path(q->http), method = http_method(q->http);
    bool known = false;

    if (!str_has_prefix(path, STR("/v1/")))
        return err_set(err, ERR_NOT_FOUND, "No such route: %.*s", STR_ARG(str_slice(path, 0, 300)));
    path = str_slice(path, 4, path.len);
    for (size_t i = 0; i < n_cat_routes; i++) {
        if (!match_path(cat_routes[i].path, path, ret))
            continue;
        known = true;
        if (str_is(method, cat_routes[i].method)) {
            q->route = &cat_routes[i];
            return 0;
        }
    }
    return err_set(err, known ? ERR_METHOD_NOT_ALLOWED : ERR_NOT_FOUND, "No such route: %.*s %.*s",
                   STR_ARG(method), STR_ARG(str_slice(http_path(q->http), 0, 300)));
}

static int decode_names(CatRequest *q, const Match *match, Error *err)
{
    if (match->namespace_raw.ptr &&
        cat_namespace_of_segment(match->namespace_raw, q->arena, &q->namespace_path, err) < 0)
        return -1;
    return match->name_raw.ptr ? cat_name_of_segment(match->name_raw, q->arena, &q->name, err) : 0;
}

/* ---- running ---- */

static void free_own_arena(void *arg)
{
    CatRequest *q = arg;
    arena_free(q->own_arena);
}

static int parse_body(CatRequest *q, Error *err)
{
    if (q->route->flags & ROUTE_TABLE) {
        q->own_arena = arena_new(CATALOG_ARENA_BYTES + 16 * q->body.len);
        arena_on_free(q->arena, free_own_arena, q);
    }
    if (!(q->route->flags & ROUTE_BODY))
        return 0;
    if (json_parse(q->body, q->own_arena ? q->own_arena : q->arena, &q->json, err) < 0)
        return -1;
    if (!json_is(q->json, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "The body must be a JSON object");
    return 0;
}

static int run(CatRequest *q, Error *err)
{
    bool replied = false;

    if (parse_body(q, err) < 0)
        return -1;
    if ((q->route->flags & ROUTE_CHANGES) && cat_replay_begin(q, &replied, err) < 0)
        return -1;
    return replied ? 0 : q->route->handler(q, err);
}

static void work(HttpRequest *http, void *arg)
{
    CatRequest *q = arg;
    Error err;

    log_context_set(http_request_id(http), http_trace_id(http));
    /* After a reply the request is no longer ours. */
    if (run(q, &err) < 0) {
        cat_replay_end(q, &err);
        cat_reply_error(q, &err);
    }
    log_context_set(STR_NULL, STR_NULL);
}

static void body_read(HttpRequest *http, Str body, void *arg)
{
    CatRequest *q = arg;

    q->body = body;
    http_offload(http, work, q);
}

/* What memory can answer is answered at once, also while all workers wait for the disk. */
static bool run_on_loop(CatRequest *q)
{
    Error err;

    q->on_loop = true;
    int rc = q->route->handler(q, &err);
    if (rc < 0)
        cat_reply_error(q, &err);
    if (rc == 1)
        q->on_loop = false;
    return rc != 1;
}

void cat_handle(HttpRequest *http, void *user)
{
    Arena *arena = http_arena(http);
    CatRequest *q = arena_new_of(arena, CatRequest);
    Match match;
    Error err;

    *q = (CatRequest){.http = http, .catalog = user, .arena = arena};
    if (find_route(q, &match, &err) < 0 || decode_names(q, &match, &err) < 0 ||
        ((q->route->flags & ROUTE_BODY) && http_require_json(http, &err) < 0)) {
        if (http_content_length(http) != 0)
            http_close_after(http); /* nobody reads the body */
        cat_reply_error(q, &err);
        return;
    }
    if (q->route->flags & (ROUTE_BODY | ROUTE_FORM) || http_content_length(http) != 0)
        http_read_body(http, CATALOG_BODY_BYTES, body_read, q);
    else if (!(q->route->flags & ROUTE_QUICK) || !run_on_loop(q))
        http_offload(http, work, q);
}
