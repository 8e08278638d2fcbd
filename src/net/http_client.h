/* http_client.h - calls to other HTTP servers, with kept-alive connections (libcurl).
 *
 * A client is thread-safe; a call blocks its thread. Bases are "http://host:port", "https://…" or
 * "unix:/path/to.sock". Errors: ERR_UNAVAILABLE (could not connect: nothing was sent), ERR_IO (broken after
 * sending: outcome unknown), ERR_TIMEOUT, ERR_LIMIT (answer over max_response_bytes). An HTTP status is not
 * an error. */
#pragma once

#include "base/arena.h"
#include "net/http_server.h"

typedef struct HttpClient HttpClient;

typedef struct HttpCall {
    const char *method;             /* "GET" */
    Str target;                     /* path and query, as they go over the wire */
    const HttpHeader *headers;
    size_t n_headers;
    Str body;                       /* ptr NULL: none */
    /* Streams the request body when set: fill up to n bytes, 0 at the end, -1 to give up. body_length -1:
     * chunked. */
    ptrdiff_t (*read_body)(void *arg, char *out, size_t n);
    int64_t body_length;
    /* Takes the answer's body as it comes when set; -1 gives up. */
    int (*on_body)(void *arg, Str bytes);
    void *arg;
    int64_t timeout_ms;             /* 0: 60000; no progress for this long, or -1: none */
    size_t max_response_bytes;      /* 0: 64 MiB; only without on_body */
    bool head_only_retry; /* true: a call that failed before any byte of the answer on a reused connection is
                             sent again */
} HttpCall;

typedef struct HttpResponse {
    int status;
    Str body;                       /* arena */
    const HttpHeader *headers;      /* arena */
    size_t n_headers;
} HttpResponse;

/* `capability`: sent as Lakehouse-Capability on every call when not empty (the supervisor's, between roles).
 */
HttpClient *http_client_new(Str base, Str capability, Error *err);
void http_client_free(HttpClient *client);
int http_client_call(HttpClient *client, const HttpCall *call, Arena *arena, HttpResponse *ret, Error *err);
Str http_response_header(const HttpResponse *response, const char *name);
