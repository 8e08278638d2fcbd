/* http_parse.c - see http_parse.h. */
#include "net/http_parse.h"

#include <assert.h>

_Static_assert(LIMIT_HTTP_HEADER_BYTES <= UINT16_MAX, "spans are 16 bits");

static int refuse(HttpParser *p, int status, const char *reason)
{
    p->status = status;
    p->reason = reason;
    return HPE_USER;
}

/* A span comes in pieces when a read ended inside it; they are contiguous. */
static void span_extend(const HttpParser *p, HttpSpan *span, const char *at, size_t len)
{
    if (span->len == 0)
        span->at = (uint16_t)(at - p->base);
    span->len = (uint16_t)(span->len + len);
}

static int on_method(llhttp_t *ll, const char *at, size_t len)
{
    HttpParser *p = ll->data;
    span_extend(p, &p->method, at, len);
    return 0;
}

static int on_url(llhttp_t *ll, const char *at, size_t len)
{
    HttpParser *p = ll->data;
    if (p->target.len + len > LIMIT_HTTP_URI_BYTES)
        return refuse(p, 414, "the request target is too long");
    span_extend(p, &p->target, at, len);
    return 0;
}

static int trailer_bytes(HttpParser *p, size_t len)
{
    p->trailer_bytes += len + 1;
    return p->trailer_bytes > HTTP_TRAILER_BYTES ? refuse(p, 431, "the trailer fields are too large") : 0;
}

static int on_header_field(llhttp_t *ll, const char *at, size_t len)
{
    HttpParser *p = ll->data;
    if (p->in_body)
        return trailer_bytes(p, len);
    span_extend(p, &p->name, at, len);
    return 0;
}

static int on_header_value(llhttp_t *ll, const char *at, size_t len)
{
    HttpParser *p = ll->data;
    if (p->in_body)
        return trailer_bytes(p, len);
    if (p->value.len > 0) /* the blank of a folded line is not in the span; such heads are refused later */
        len = (size_t)(at - p->base) + len - p->value.at - p->value.len;
    span_extend(p, &p->value, at, len);
    return 0;
}

static int on_header_value_complete(llhttp_t *ll)
{
    HttpParser *p = ll->data;
    if (p->in_body)
        return 0;
    if (p->n_headers == LIMIT_HTTP_HEADERS)
        return refuse(p, 431, "too many header fields");
    while (p->value.len > 0 && (p->base[p->value.at + p->value.len - 1] == ' ' ||
                                p->base[p->value.at + p->value.len - 1] == '\t'))
        p->value.len--;
    p->headers[p->n_headers].name = p->name;
    p->headers[p->n_headers].value = p->value;
    p->n_headers++;
    p->name = p->value = (HttpSpan){ 0 };
    return 0;
}

/* Stops llhttp right after the head: what follows is read by length, or by http_parse_chunk(). */
static int on_headers_complete(llhttp_t *ll)
{
    HttpParser *p = ll->data;
    ll->upgrade = 0;            /* an offer to upgrade is ignored */
    p->keep_alive = llhttp_should_keep_alive(ll);
    return HPE_PAUSED;
}

static int on_body(llhttp_t *ll, const char *at, size_t len)
{
    HttpParser *p = ll->data;
    p->piece = str_of(at, len);
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *ll)
{
    HttpParser *p = ll->data;
    p->ended = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_method = on_method,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void http_parser_reset(HttpParser *p)
{
    llhttp_init(&p->ll, HTTP_REQUEST, &settings);
    p->ll.data = p;
    p->fed = p->head_len = p->n_headers = p->trailer_bytes = 0;
    p->method = p->target = p->host = p->origin = p->name = p->value = (HttpSpan){ 0 };
    p->content_length = 0;
    p->minor = 0;
    p->keep_alive = p->expects_continue = p->has_origin = p->in_body = p->ended = false;
    p->status = 0;
    p->reason = NULL;
}

/* RFC 9110, 5.6.2: tchar. */
static const bool token_chars[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1, ['-'] = 1,
    ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

bool http_is_token(Str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!token_chars[(unsigned char)s.ptr[i]])
            return false;
    return s.len > 0;
}

static Str span_str(const HttpParser *p, HttpSpan span)
{
    return str_of(p->base + span.at, span.len);
}

static HttpParseResult refused(HttpParser *p, int status, const char *reason)
{
    refuse(p, status, reason);
    return HTTP_PARSE_REFUSED;
}

/* An error of llhttp's: a method that is a token but unknown is 501, a version that is well-formed is 505. */
static HttpParseResult refused_by_grammar(HttpParser *p, llhttp_errno_t code, const char *bytes, size_t n)
{
    if (p->status)          /* a callback's refusal */
        return HTTP_PARSE_REFUSED;
    const char *reason = llhttp_get_error_reason(&p->ll);
    if (code == HPE_INVALID_METHOD || code == HPE_PAUSED_H2_UPGRADE) {
        size_t from = 0;
        while (from < n && (bytes[from] == '\r' || bytes[from] == '\n'))
            from++;
        size_t to = from;
        while (to < n && to - from < 32 && token_chars[(unsigned char)bytes[to]])
            to++;
        if (to > from && (to == n || bytes[to] == ' '))
            return refused(p, 501, "the method is not known");
    }
    if (code == HPE_INVALID_VERSION && p->ll.http_major > 1)
        return refused(p, 505, "HTTP/1.0 and HTTP/1.1 are spoken here");
    return refused(p, 400, reason && *reason ? reason : "malformed request");
}

/* Every line ends in CR LF, and none begins with a blank (obs-fold). */
static bool lines_are_strict(const char *bytes, size_t n)
{
    const char *at = bytes, *end = bytes + n;
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        if (at == bytes || at[-1] != '\r')
            return false;
        at++;
        if (at < end && (*at == ' ' || *at == '\t'))
            return false;
    }
    return true;
}

/* method SP target SP version: llhttp takes more blanks than one. */
static bool request_line_is_strict(const HttpParser *p)
{
    size_t after = (size_t)p->target.at + p->target.len;
    return p->target.at == p->method.at + p->method.len + 1 && p->head_len - after > 8 &&
           memcmp(p->base + after, " HTTP/1.", 8) == 0;
}

/* Cuts "http://authority" off an absolute-form target; the authority must be what Host says. */
static HttpParseResult check_target(HttpParser *p)
{
    Str target = span_str(p, p->target);
    if (target.len > 0 && target.ptr[0] == '/')
        return memchr(target.ptr, '#', target.len) ? refused(p, 400, "a fragment in the request target")
                                                   : HTTP_PARSE_HEAD;
    if (p->ll.method == HTTP_CONNECT)
        return refused(p, 501, "this is no proxy");
    if (str_is(target, "*"))
        return p->ll.method == HTTP_OPTIONS ? HTTP_PARSE_HEAD : refused(p, 400, "only OPTIONS takes *");
    size_t skip = target.len >= 7 && str_eq_nocase(str_slice(target, 0, 7), STR("http://")) ? 7
                : target.len >= 8 && str_eq_nocase(str_slice(target, 0, 8), STR("https://")) ? 8 : 0;
    if (!skip)
        return refused(p, 400, "the request target is no path");
    Str rest = str_slice(target, skip, target.len);
    ptrdiff_t slash = str_find_char(rest, '/');
    if (slash < 0 || !str_eq_nocase(str_slice(rest, 0, (size_t)slash), span_str(p, p->host)))
        return refused(p, 400, "the request target and Host differ");
    p->target.at = (uint16_t)(p->target.at + skip + (size_t)slash);
    p->target.len = (uint16_t)(p->target.len - skip - (size_t)slash);
    return HTTP_PARSE_HEAD;
}

typedef struct HeadCounts { size_t host, origin, encoding, expect, length; } HeadCounts;

/* Notes the headers that framing and policy look at. */
static HttpParseResult note_header(HttpParser *p, size_t i, HeadCounts *counts)
{
    Str name = span_str(p, p->headers[i].name), value = span_str(p, p->headers[i].value);
    switch (name.len) {
    case 4:
        if (str_eq_nocase(name, STR("host")) && counts->host++ == 0)
            p->host = p->headers[i].value;
        break;
    case 6:
        if (str_eq_nocase(name, STR("origin")) && counts->origin++ == 0) {
            p->origin = p->headers[i].value;
            p->has_origin = true;
        } else if (str_eq_nocase(name, STR("expect"))) {
            if (!str_eq_nocase(value, STR("100-continue")) || counts->expect++ > 0)
                return refused(p, 417, "only 100-continue can be expected");
            p->expects_continue = p->minor > 0;
        }
        break;
    case 14:
        if (str_eq_nocase(name, STR("content-length")))
            counts->length++;
        break;
    case 17:
        if (str_eq_nocase(name, STR("transfer-encoding"))) {
            if (counts->encoding++ > 0 || !str_eq_nocase(value, STR("chunked")))
                return refused(p, 501, "only the transfer coding chunked is known");
        }
        break;
    default:
        break;
    }
    return HTTP_PARSE_HEAD;
}

static HttpParseResult check_head(HttpParser *p)
{
    if (p->ll.http_major != 1 || p->ll.http_minor > 1)
        return p->ll.http_major > 1 ? refused(p, 505, "HTTP/1.0 and HTTP/1.1 are spoken here")
                                    : refused(p, 400, "the HTTP version is missing or unknown");
    p->minor = p->ll.http_minor;
    if (!request_line_is_strict(p))
        return refused(p, 400, "more than one blank in the request line");
    if (!lines_are_strict(p->base + p->method.at, p->head_len - p->method.at))
        return refused(p, 400, "a bare line feed or a folded line");
    HeadCounts counts = { 0 };
    for (size_t i = 0; i < p->n_headers; i++) {
        if (!http_is_token(span_str(p, p->headers[i].name)))
            return refused(p, 400, "a header name with a character that is not allowed");
        if (note_header(p, i, &counts) != HTTP_PARSE_HEAD)
            return HTTP_PARSE_REFUSED;
    }
    if (counts.host != 1)
        return refused(p, 400, counts.host ? "more than one Host" : "Host is missing");
    if (counts.origin > 1)
        return refused(p, 400, "more than one Origin");
    if (counts.encoding > 0 && (counts.length > 0 || p->minor == 0))
        return refused(p, 400, "Transfer-Encoding with Content-Length, or in HTTP/1.0");
    if (counts.length > 1)
        return refused(p, 400, "more than one Content-Length");
    if (counts.encoding > 0)
        p->content_length = -1;
    else if (counts.length > 0 && p->ll.content_length > INT64_MAX)
        return refused(p, 413, "Content-Length is too large");
    else if (counts.length > 0)
        p->content_length = (int64_t)p->ll.content_length;
    return check_target(p);
}

HttpParseResult http_parse_head(HttpParser *p, const char *bytes, size_t n)
{
    assert(!p->in_body && p->fed <= n);
    if (n > LIMIT_HTTP_HEADER_BYTES)
        n = LIMIT_HTTP_HEADER_BYTES;
    p->base = bytes;
    llhttp_errno_t code = llhttp_execute(&p->ll, bytes + p->fed, n - p->fed);
    if (code == HPE_OK) {
        p->fed = n;
        size_t after = (size_t)p->target.at + p->target.len;
        if (p->target.len > 0 && after < n && (bytes[after] == '\r' || bytes[after] == '\n'))
            return refused(p, 400, "the HTTP version is missing or unknown");
        return n == LIMIT_HTTP_HEADER_BYTES ? refused(p, 431, "the header section is too large")
                                            : HTTP_PARSE_MORE;
    }
    if (code != HPE_PAUSED)
        return refused_by_grammar(p, code, bytes, n);
    p->head_len = (size_t)(llhttp_get_error_pos(&p->ll) - bytes);
    p->fed = p->head_len;
    assert(p->head_len <= n && bytes[p->head_len - 1] == '\n');
    llhttp_resume(&p->ll);
    HttpParseResult result = check_head(p);
    p->in_body = result == HTTP_PARSE_HEAD;
    return result;
}

int http_parse_chunk(HttpParser *p, const char *bytes, size_t n, size_t *ret_used, Str *ret_piece,
                     bool *ret_ended)
{
    assert(p->in_body && p->content_length == -1 && !p->ended);
    p->piece = STR("");
    llhttp_errno_t code = llhttp_execute(&p->ll, bytes, n);
    if (code != HPE_OK && code != HPE_PAUSED) {
        refused_by_grammar(p, code, bytes, 0);
        return -1;
    }
    *ret_used = n;
    if (code == HPE_PAUSED) {
        *ret_used = (size_t)(llhttp_get_error_pos(&p->ll) - bytes);
        llhttp_resume(&p->ll);
    }
    assert(*ret_used <= n);
    *ret_piece = p->piece;
    *ret_ended = p->ended;
    return 0;
}

int http_split_host(Str authority, Str *ret_host, Str *ret_port)
{
    Str host, port = STR("");
    size_t after;
    if (authority.len > 0 && authority.ptr[0] == '[') {
        ptrdiff_t close = str_find_char(authority, ']');
        if (close < 0)
            return -1;
        host = str_slice(authority, 1, (size_t)close);
        for (size_t i = 0; i < host.len; i++)
            if (!strchr("0123456789abcdefABCDEF:.", host.ptr[i]) || !host.ptr[i])
                return -1;
        after = (size_t)close + 1;
    } else {
        ptrdiff_t colon = str_find_char(authority, ':');
        after = colon < 0 ? authority.len : (size_t)colon;
        host = str_slice(authority, 0, after);
        if (!http_is_token(host))
            return -1;
    }
    if (after < authority.len) {
        port = str_slice(authority, after + 1, authority.len);
        if (authority.ptr[after] != ':' ||
            (port.len > 0 && str_to_i64(port, 0, 65535, &(int64_t){ 0 }, NULL) != 0))
            return -1;
    }
    if (host.len == 0)
        return -1;
    *ret_host = host;
    *ret_port = port;
    return 0;
}
