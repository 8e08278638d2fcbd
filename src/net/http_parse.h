/* http_parse.h - request heads and chunked bodies: bytes in, checked values out. No I/O.
 *
 * llhttp (strict build) does the grammar; this adds what it leaves open: exactly one Host, no obs-fold, no
 * bare line feed, one Transfer-Encoding that is "chunked", versions 1.0 and 1.1, the limits. Positions are
 * offsets into the caller's bytes, which must stay contiguous and may move between calls.
 *
 * Source: RFC 9112 sections 2 to 7; which malformed forms matter: tests/wire/http/. */
#pragma once

#include <llhttp/llhttp.h>

#include "base/str.h"
#include "net/http_limits.h"

typedef struct HttpSpan { uint16_t at, len; } HttpSpan;

typedef struct HttpParser {
    llhttp_t ll;
    const char *base;               /* during a call */
    size_t fed;                     /* bytes that llhttp has seen */
    size_t head_len;                /* of the whole head, with what is skipped before it */
    HttpSpan method, target;        /* target: path and query, also when absolute-form was sent */
    HttpSpan host, origin;          /* origin: len 0 when absent */
    size_t n_headers;
    struct { HttpSpan name, value; } headers[LIMIT_HTTP_HEADERS];
    int64_t content_length;         /* -1: chunked, 0: no body */
    uint8_t minor;                  /* HTTP/1.minor */
    bool keep_alive;                /* what the client asks for */
    bool expects_continue;
    bool has_origin;
    bool in_body;
    bool ended;                     /* of a chunked body */
    size_t trailer_bytes;
    Str piece;
    HttpSpan name, value;           /* of the header being read */
    int status;                     /* of a refusal */
    const char *reason;             /* static */
} HttpParser;

typedef enum HttpParseResult {
    HTTP_PARSE_MORE,        /* the head is not complete */
    HTTP_PARSE_HEAD,        /* complete and well-formed */
    HTTP_PARSE_REFUSED,     /* status and reason are set; the connection is not to be trusted any more */
} HttpParseResult;

/* Before the first and after each request. */
void http_parser_reset(HttpParser *parser);
/* `bytes`: everything of this request so far, `n` of them, from its first byte. */
HttpParseResult http_parse_head(HttpParser *parser, const char *bytes, size_t n);
/* The next piece of a chunked body. Uses *ret_used of the n bytes; *ret_piece is empty when they hold none;
 * *ret_ended once the body and its trailers are over. -1: malformed (status, reason). */
int http_parse_chunk(HttpParser *parser, const char *bytes, size_t n, size_t *ret_used, Str *ret_piece,
                     bool *ret_ended);

/* "host", "host:port", "[v6]:port": what names the host, without brackets. -1 when malformed. */
int http_split_host(Str authority, Str *ret_host, Str *ret_port);
bool http_is_token(Str s);          /* RFC 9110, 5.6.2 */
