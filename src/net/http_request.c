/* http_request.c - what a handler can ask about its request. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "net/http_internal.h"

Str request_span(const HttpRequest *r, HttpSpan span)
{
    return str_of(r->in + span.at, span.len);
}

Str http_method(const HttpRequest *r)
{
    return request_span(r, r->parser.method);
}

Str http_target(const HttpRequest *r)
{
    return request_span(r, r->parser.target);
}

Str http_path(const HttpRequest *r)
{
    Str rest;
    return str_cut(http_target(r), '?', &rest);
}

Str http_query(const HttpRequest *r)
{
    Str rest;
    str_cut(http_target(r), '?', &rest);
    return rest.ptr ? rest : STR("");
}

Str http_header(const HttpRequest *r, const char *name)
{
    const HttpParser *p = &r->parser;
    size_t len = strlen(name);
    for (size_t i = 0; i < p->n_headers; i++) {
        HttpSpan span = p->headers[i].name;
        if (span.len == len && strncasecmp(r->in + span.at, name, len) == 0)
            return request_span(r, p->headers[i].value);
    }
    return STR_NULL;
}

bool http_header_at(const HttpRequest *r, size_t i, HttpHeader *ret)
{
    if (i >= r->parser.n_headers)
        return false;
    *ret = (HttpHeader){ request_span(r, r->parser.headers[i].name),
                         request_span(r, r->parser.headers[i].value) };
    return true;
}

int64_t http_content_length(const HttpRequest *r)
{
    return r->parser.content_length;
}

Arena *http_arena(HttpRequest *r)
{
    if (!r->arena)
        r->arena = arena_new(HTTP_ARENA_BYTES);
    return r->arena;
}

int http_listener_tag(const HttpRequest *r)
{
    return r->conn->listener->tag;
}

bool http_is_unix(const HttpRequest *r)
{
    return r->conn->listener->is_unix;
}

static void peer_format(Conn *c)
{
    struct sockaddr_storage peer = { 0 };
    socklen_t size = sizeof peer;
    char text[INET6_ADDRSTRLEN] = "?";
    int port = 0;
    bool v6 = false;
    if (getpeername(c->fd, (struct sockaddr *)&peer, &size) == 0 && peer.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&peer;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        port = ntohs(in->sin_port);
    } else if (peer.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&peer;
        inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
        port = ntohs(in6->sin6_port);
        v6 = true;
    }
    int n = snprintf(c->peer, sizeof c->peer, v6 ? "[%s]:%d" : "%s:%d", text, port);
    c->peer_len = n > 0 && (size_t)n < sizeof c->peer ? (size_t)n : 0;
}

Str http_peer(const HttpRequest *r)
{
    Conn *c = r->conn;
    if (c->listener->is_unix)
        return STR("unix");
    if (c->peer_len == 0)
        peer_format(c);
    return str_of(c->peer, c->peer_len);
}

/* SplitMix64 over a counter from a random start: unique, not secret. */
static uint64_t loop_random(Loop *loop)
{
    uint64_t z = loop->id_seed + 0x9e3779b97f4a7c15ULL * atomic_fetch_add(&loop->id_counter, 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

Str http_request_id(const HttpRequest *request)
{
    HttpRequest *r = (HttpRequest *)request;        /* made when first asked for */
    if (r->id_len == 0) {
        Str given = http_header(r, "X-Request-Id");
        if (given.len <= HTTP_REQUEST_ID_MAX && http_is_token(given)) {
            memcpy(r->id, given.ptr, given.len);
            r->id_len = given.len;
        } else {
            uint64_t id = loop_random(r->conn->loop);
            hex_encode(&id, sizeof id, r->id);
            r->id_len = 2 * sizeof id;
        }
    }
    return str_of(r->id, r->id_len);
}

/* W3C Trace Context, "traceparent": 00-<32 hex>-<16 hex>-<2 hex>, lower case, not all zero. */
static bool trace_parse(Str header, char out[32])
{
    uint8_t id[16], zero[16] = { 0 };
    if (header.len < 55 || header.ptr[2] != '-' || header.ptr[35] != '-' || header.ptr[52] != '-')
        return false;
    for (size_t i = 3; i < 35; i++)
        if (header.ptr[i] >= 'A' && header.ptr[i] <= 'F')
            return false;
    if (hex_decode(str_slice(header, 3, 35), id, sizeof id, NULL) != 0 || memcmp(id, zero, sizeof id) == 0)
        return false;
    memcpy(out, header.ptr + 3, 32);
    return true;
}

Str http_trace_id(const HttpRequest *request)
{
    HttpRequest *r = (HttpRequest *)request;
    if (!r->has_trace) {
        Str header = http_header(r, "traceparent");
        if (!header.ptr || !trace_parse(header, r->trace)) {
            uint64_t id[2] = { loop_random(r->conn->loop), loop_random(r->conn->loop) };
            hex_encode(id, sizeof id, r->trace);
        }
        r->has_trace = true;
    }
    return str_of(r->trace, sizeof r->trace);
}

bool http_is_keep_alive(const HttpRequest *r)
{
    return r->parser.keep_alive;
}

bool http_query_next(const HttpRequest *r, size_t *position, Str *ret_name, Str *ret_value)
{
    Str query = http_query(r);
    while (*position < query.len) {
        Str rest, value;
        Str pair = str_cut(str_slice(query, *position, query.len), '&', &rest);
        *position += pair.len + 1;
        if (pair.len == 0)
            continue;
        *ret_name = str_cut(pair, '=', &value);
        *ret_value = value;
        return true;
    }
    return false;
}

static Str decode(HttpRequest *r, Str raw)
{
    _cleanup_buf_ Buf decoded = BUF_INIT(LIMIT_HTTP_URI_BYTES);
    if (percent_decode(raw, true, &decoded, NULL) != 0)
        return raw;
    return arena_str(http_arena(r), buf_str(&decoded));
}

Str http_query_param(HttpRequest *r, const char *name)
{
    Str key, value, wanted = str_from(name);
    for (size_t at = 0; http_query_next(r, &at, &key, &value);) {
        bool same = str_eq(key, wanted);
        if (!same && memchr(key.ptr, '%', key.len))
            same = str_eq(decode(r, key), wanted);
        if (same)
            return value.len > 0 ? decode(r, value) : STR("");
    }
    return STR_NULL;
}

bool http_client_is_gone(const HttpRequest *r)
{
    return atomic_load(&((HttpRequest *)r)->gone) || atomic_load(&r->conn->dead);
}

void http_on_gone(HttpRequest *r, void (*fn)(HttpRequest *r, void *arg), void *arg)
{
    pthread_mutex_lock(&r->mutex);
    r->gone_fn = fn;
    r->gone_arg = arg;
    if (fn && http_client_is_gone(r)) {
        request_nudge(r);       /* the loop tells it */
        return;
    }
    pthread_mutex_unlock(&r->mutex);
}

void *http_user_data(const HttpRequest *r)
{
    return r->user_data;
}

void http_set_user_data(HttpRequest *r, void *data)
{
    r->user_data = data;
}
