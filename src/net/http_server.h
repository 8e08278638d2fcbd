/* http_server.h - the HTTP/1.1 server: event loops, a worker pool, streaming both ways.
 *
 * A server has a few loop threads (epoll) and one worker pool. For each request the handler is called on the
 * loop thread once the headers are complete and checked; it must not block. It then does one of
 *   - answer at once (http_reply…),
 *   - ask for the body: http_read_body() for a whole one up to a limit, http_stream_body() for chunks with
 * back-pressure,
 *   - http_offload() the request to the worker pool, where blocking is allowed,
 *   - keep the HttpRequest and answer later from any thread (a group commit, a long poll).
 * Every request gets exactly one answer; an HttpRequest is valid until its answer was ended, whether or not
 * the client is still there. All http_reply… functions may be called from any thread.
 *
 * What the server refuses itself, with 400 (or 403, 408, 413, 414, 417, 421, 431, 501, 505) and closing: the
 * malformed forms of RFC 9112 that allow smuggling (two lengths, length with chunked, bare LF, obs-fold,
 * blank before the colon, control characters), no or two Host headers, HTTP versions but 1.0 and 1.1, headers
 * over LIMIT_HTTP_HEADER_BYTES, targets over LIMIT_HTTP_URI_BYTES; a Host that the server does not answer for
 * (421), a foreign Origin (403: not the host and port that Host names). The bytes of path and query stay as
 * they were sent (signatures need them).
 *
 * Keep-alive, pipelining (answers in order), chunked both ways, HEAD (body suppressed here), Expect:
 * 100-continue (sent when the handler asks for the body, not before), sendfile, timers for headers, body
 * progress and idle connections. Source: RFC 9110, RFC 9112. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

typedef struct HttpServer HttpServer;
typedef struct HttpRequest HttpRequest;

typedef struct HttpHeader { Str name, value; } HttpHeader;

typedef struct HttpServerOptions {
    const char *name;              /* for thread names and logs */
    size_t n_loops;                /* 0: 1 */
    size_t n_workers;              /* 0: 2 x cores */
    size_t max_connections;        /* 0: 4096 */
    int64_t header_timeout_ms;     /* 0: 15000; from the first byte of a request to the end of its headers */
    int64_t body_timeout_ms;       /* 0: 60000 without a byte of body progress */
    int64_t idle_timeout_ms;       /* 0: 120000 between requests */
    /* Hosts answered for besides localhost, 127.0.0.0/8, [::1] and the listeners' addresses; NULL-terminated
     * or NULL. Ports are not compared. Requests on Unix sockets are not checked. */
    const char *const *hosts;
    /* Handler, on the loop thread; must not block. */
    void (*handler)(HttpRequest *request, void *user);
    void *user;
} HttpServerOptions;

HttpServer *http_server_new(const HttpServerOptions *options, Error *err);
/* Adds a listening socket (TCP or Unix); the server owns it. Before http_server_start(). `tag` is what
 * http_listener_tag() answers. */
int http_server_add_listener(HttpServer *server, int fd, int tag, Error *err);
int http_server_start(HttpServer *server, Error *err);
/* Stops accepting, closes idle connections, lets running requests end for up to `grace_ms`, then closes. */
void http_server_drain(HttpServer *server, int64_t grace_ms);
void http_server_free(HttpServer *server);
size_t http_server_connections(const HttpServer *server);

/* Makes listening sockets. host "127.0.0.1" or "::1", port 0: a free one. ERR_CONFIG when in use or not
 * permitted. */
int http_listen_tcp(Str host, int port, int *ret_fd, int *ret_port, Error *err);
int http_listen_unix(const char *path, int *ret_fd, Error *err); /* mode 0600; replaces a stale socket file */

/* ---- the request; everything borrowed until its answer ends ---- */

Str http_method(const HttpRequest *r);
Str http_target(const HttpRequest *r);         /* as sent: path and query */
Str http_path(const HttpRequest *r);           /* raw, before '?' */
Str http_query(const HttpRequest *r);          /* raw, after '?'; empty when there is none */
Str http_header(const HttpRequest *r,
                const char *name); /* first value; ptr NULL when absent; name in any case */
/* The i-th header; false past the end. Names as sent. */
bool http_header_at(const HttpRequest *r, size_t i, HttpHeader *ret);
int64_t http_content_length(const HttpRequest *r);         /* -1: chunked; 0: no body */
Arena *http_arena(HttpRequest *r); /* lives as long as the request; budget 64 MiB; one thread at a time */
int http_listener_tag(const HttpRequest *r);
bool http_is_unix(const HttpRequest *r);
Str http_peer(const HttpRequest *r);           /* "127.0.0.1:4711" or "unix" */
Str http_request_id(const HttpRequest *r); /* 16 hex digits, or the client's X-Request-Id when it is a plain
                                              token of up to 64 */
Str http_trace_id(const HttpRequest *r);       /* 32 hex digits: from traceparent, else new */
bool http_is_keep_alive(const HttpRequest *r);
/* Decoded value of the first query parameter of this name, in the request's arena; ptr NULL when absent (an
 * empty value has ptr). */
Str http_query_param(HttpRequest *r, const char *name);
/* Walks the query: raw (undecoded) name and value; false at the end. *position starts at 0. value.ptr NULL
 * when there was no '='. */
bool http_query_next(const HttpRequest *r, size_t *position, Str *ret_name, Str *ret_value);
bool http_client_is_gone(const HttpRequest *r);
/* Calls fn(r, arg) once on the loop thread when the client disconnects before the answer ended. Another
 * thread may be giving the answer meanwhile: what arg points to must live as long as the request (its arena
 * does). A client that only closed its sending half counts as gone too, but still gets its answer. */
void http_on_gone(HttpRequest *r, void (*fn)(HttpRequest *r, void *arg), void *arg);
void *http_user_data(const HttpRequest *r);
void http_set_user_data(HttpRequest *r, void *data);

/* ---- the body ---- */

/* Reads the whole body (at most max_bytes, else 413 is answered and fn is not called), then calls fn on the
 * loop thread. The body is borrowed until the answer ends. An early disconnect ends the request without a
 * call. */
void http_read_body(HttpRequest *r, size_t max_bytes, void (*fn)(HttpRequest *r, Str body, void *arg),
                    void *arg);

typedef struct HttpBodySink {
    /* A piece of the body, on the loop thread; borrowed during the call. */
    void (*on_chunk)(HttpRequest *r, Str bytes, void *arg);
    /* The end: complete, or cut short by the client (no answer is possible then, but one must still be
     * given). */
    void (*on_end)(HttpRequest *r, bool complete, void *arg);
} HttpBodySink;
void http_stream_body(HttpRequest *r, HttpBodySink sink, void *arg);
/* No more on_chunk and no on_end until resumed, even when the client leaves (http_on_gone tells that); TCP
 * pushes back. Any thread. */
void http_pause_body(HttpRequest *r);
void http_resume_body(HttpRequest *r);

/* Runs fn on the worker pool; answers 503 with Retry-After when the pool's queue is full (fn is not called).
 * Callable on the loop thread, also from a body callback. */
void http_offload(HttpRequest *r, void (*fn)(HttpRequest *r, void *arg), void *arg);
/* In a worker: reads the next piece of a body that nobody read or streams yet. 0 and *ret_n = 0 at the end.
 * ERR_TIMEOUT, ERR_INCOMPLETE_BODY. */
int http_body_read(HttpRequest *r, void *bytes, size_t max, size_t *ret_n, Error *err);

/* ---- the answer; any thread ---- */

/* Adds a header to the answer; copied. Before the reply is begun. Date, Connection and Content-Length are the
 * server's. */
void http_set_header(HttpRequest *r, const char *name, Str value);
void http_set_headerf(HttpRequest *r, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A whole answer; the body is copied. */
void http_reply(HttpRequest *r, int status, const char *content_type, Str body);
/* As http_reply, but takes the Buf's memory instead of copying. */
void http_reply_buf(HttpRequest *r, int status, const char *content_type, Buf *body);
/* length bytes of fd from offset; fd is owned by the server from now on. content_type NULL: set by hand. */
void http_reply_file(HttpRequest *r, int status, const char *content_type, int fd, int64_t offset,
                     int64_t length);
/* {"error":{"message":…,"type":…,"code":…}} with the error's status; our own and Iceberg's form. */
void http_reply_error(HttpRequest *r, const Error *err);

/* A streamed answer: begin, any number of writes, end. content_length -1: chunked. http_write blocks (workers
 * only!) while more than 1 MiB waits to be sent; -1 with ERR_CANCELED when the client is gone. */
void http_begin(HttpRequest *r, int status, const char *content_type, int64_t content_length);
int http_write(HttpRequest *r, Str bytes, Error *err);
/* ok false: the connection is cut so that the client sees that the answer is not whole. */
void http_end(HttpRequest *r, bool ok);
/* Tells that the rest of the connection's input is not to be trusted: close after this answer. */
void http_close_after(HttpRequest *r);

/* Between the two, answers that this thread gives to requests of one server (not from a loop or worker of it)
 * are handed over together, with one wake: for a committer that ends many requests at once. They reach the
 * clients at http_batch_end(). */
void http_batch_begin(void);
void http_batch_end(void);

/* ---- helpers for handlers ---- */

/* RFC 9110 "Range" with one range. 0: *ret_from,*ret_to (inclusive) within [0,size); 1: no or ignorable
 * header, send all; -1 with ERR_INVALID_RANGE. */
int http_parse_range(Str header, int64_t size, int64_t *ret_from, int64_t *ret_to, Error *err);
/* If-Match / If-None-Match lists: does `etag` (without quotes) match? "*" matches everything. Weak tags
 * compare by opaque part. */
bool http_etag_matches(Str header, Str etag);
/* Our own JSON APIs: -1 with ERR_UNSUPPORTED_MEDIA_TYPE unless Content-Type is application/json. */
int http_require_json(const HttpRequest *r, Error *err);
const char *http_status_text(int status);
