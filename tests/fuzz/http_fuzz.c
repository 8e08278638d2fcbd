/* http_fuzz.c - the request parser: heads, chunked bodies, Host, ranges and entity tags.
 *
 * The bytes are parsed twice: at once, and in two or three pieces whose ends the input's last bytes choose.
 * Both must give the same answer; what is accepted must be within the bytes and within the limits, and must
 * not hold what smuggles. */
#include <stdint.h>
#include <stdlib.h>

#include "net/http_parse.h"
#include "net/http_server.h"

#define CHECK(condition) do { if (!(condition)) abort(); } while (0)

static void check_span(const HttpParser *p, HttpSpan span)
{
    CHECK((size_t)span.at + span.len <= p->head_len);
}

static void check_head(const HttpParser *p, const char *bytes)
{
    int64_t from, to;
    check_span(p, p->method);
    check_span(p, p->target);
    CHECK(p->head_len <= LIMIT_HTTP_HEADER_BYTES && p->target.len <= LIMIT_HTTP_URI_BYTES);
    CHECK(p->target.len > 0 && (bytes[p->target.at] == '/' || bytes[p->target.at] == '*'));
    CHECK(p->n_headers > 0 && p->n_headers <= LIMIT_HTTP_HEADERS && p->minor <= 1 && p->content_length >= -1);
    CHECK(memcmp(bytes + p->head_len - 4, "\r\n\r\n", 4) == 0);
    size_t start = p->method.at;
    CHECK(!memchr(bytes + start, '\0', p->head_len - start));
    size_t hosts = 0;
    for (size_t i = 0; i < p->n_headers; i++) {
        check_span(p, p->headers[i].name);
        check_span(p, p->headers[i].value);
        Str name = str_of(bytes + p->headers[i].name.at, p->headers[i].name.len);
        Str value = str_of(bytes + p->headers[i].value.at, p->headers[i].value.len), host, port;
        CHECK(http_is_token(name));
        CHECK(value.len == 0 || (!memchr(value.ptr, '\n', value.len) && !memchr(value.ptr, '\r', value.len)));
        hosts += str_eq_nocase(name, STR("host"));
        CHECK(!(p->content_length >= 0 && str_eq_nocase(name, STR("transfer-encoding"))));
        CHECK(!(p->content_length < 0 && str_eq_nocase(name, STR("content-length"))));
        if (http_split_host(value, &host, &port) == 0)
            CHECK(host.len > 0 && host.ptr >= value.ptr && host.ptr + host.len <= value.ptr + value.len);
        if (http_parse_range(value, 1000, &from, &to, NULL) == 0)
            CHECK(from >= 0 && from <= to && to < 1000);
        http_etag_matches(value, STR("abc"));
    }
    CHECK(hosts == 1);
}

/* Decodes a chunked body, `step` bytes at a time. Returns its length, -1 when it is refused or not whole. */
static int64_t decode(const HttpParser *start, const char *bytes, size_t n, size_t step)
{
    HttpParser p = *start;
    p.ll.data = &p;
    int64_t total = 0;
    for (size_t at = 0; at < n;) {
        size_t used, take = n - at < step ? n - at : step;
        Str piece;
        bool ended;
        if (http_parse_chunk(&p, bytes + at, take, &used, &piece, &ended) != 0) {
            CHECK(p.status >= 400 && p.reason);
            return -1;
        }
        CHECK(used <= take &&
              (piece.len == 0 || (piece.ptr >= bytes + at && piece.ptr + piece.len <= bytes + at + used)));
        CHECK(used > 0 || piece.len > 0 || ended);
        total += (int64_t)piece.len;
        at += used;
        if (ended)
            return total;
    }
    return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static HttpParser whole, pieces;
    const char *bytes = (const char *)data;
    http_parser_reset(&whole);
    http_parser_reset(&pieces);
    HttpParseResult result = http_parse_head(&whole, bytes, size);
    size_t cuts[3] = { size ? data[size - 1] % (size + 1) : 0, size ? data[size / 2] % (size + 1) : 0, size };
    if (cuts[0] > cuts[1]) {
        size_t swap = cuts[0];
        cuts[0] = cuts[1];
        cuts[1] = swap;
    }
    HttpParseResult second = HTTP_PARSE_MORE;
    for (size_t i = 0; i < 3 && second == HTTP_PARSE_MORE; i++)
        second = http_parse_head(&pieces, bytes, cuts[i]);
    CHECK(result == second);
    if (result == HTTP_PARSE_REFUSED)
        CHECK(whole.status >= 400 && whole.status < 600 && whole.reason && pieces.status >= 400);
    if (result != HTTP_PARSE_HEAD)
        return 0;
    CHECK(whole.head_len == pieces.head_len && whole.n_headers == pieces.n_headers);
    CHECK(whole.content_length == pieces.content_length && whole.keep_alive == pieces.keep_alive);
    for (size_t i = 0; i < whole.n_headers; i++)
        CHECK(memcmp(&whole.headers[i], &pieces.headers[i], sizeof whole.headers[i]) == 0);
    check_head(&whole, bytes);
    if (whole.content_length == -1) {
        size_t left = size - whole.head_len;
        CHECK(decode(&whole, bytes + whole.head_len, left, SIZE_MAX) ==
              decode(&pieces, bytes + whole.head_len, left, 1 + data[size - 1] % 16));
    }
    return 0;
}
