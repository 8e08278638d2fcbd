/* URLs as java.net.URI takes them apart: what it refuses gives NULL. */
#include "query/engine/functions/function.h"

typedef struct Url {
    Str scheme, host, port, path, query, fragment;
} Url; /* ptr NULL: not there */

static bool is_alpha(char ch)
{
    return (ch | 32) >= 'a' && (ch | 32) <= 'z';
}
static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}
static bool is_hex(char ch)
{
    return is_digit(ch) || ((ch | 32) >= 'a' && (ch | 32) <= 'f');
}

/* No blanks, controls, or characters that a URI must escape; whole escapes. Others (non-ASCII) are fine. */
static bool is_legal(Str s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t ch = (uint8_t)s.ptr[i];
        if (ch <= ' ' || ch == 127 || strchr("\"<>\\^`{|}", ch))
            return false;
        if (ch == '%' && (i + 2 >= s.len || !is_hex(s.ptr[i + 1]) || !is_hex(s.ptr[i + 2])))
            return false;
    }
    return true;
}

static bool is_scheme(Str s)
{
    if (s.len == 0 || !is_alpha(s.ptr[0]))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) && !strchr("+-.", s.ptr[i]))
            return false;
    return true;
}

static size_t find_any(Str s, const char *set)
{
    size_t i = 0;
    while (i < s.len && !(s.ptr[i] && strchr(set, s.ptr[i])))
        i++;
    return i;
}

/* Labels of letters, digits and inner hyphens; the last of several starts with a letter. */
static bool is_host_name(Str s)
{
    size_t label = 0, labels = 0;
    for (size_t i = 0; i <= s.len; i++) {
        if (i < s.len && s.ptr[i] != '.') {
            if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) && (s.ptr[i] != '-' || i == label))
                return false;
            continue;
        }
        bool is_root = i == s.len && i == label && labels > 0; /* "example.com." */
        if (is_root)
            return true;
        if (i == label || s.ptr[i - 1] == '-')
            return false;
        if ((i == s.len || i + 1 == s.len) && labels > 0 && !is_alpha(s.ptr[label]))
            return false;
        labels++;
        label = i + 1;
    }
    return true;
}

enum { IPV4_PARTS = 4, IPV4_DIGITS = 3 };

static bool is_ipv4(Str s)
{
    for (int part = 0; part < IPV4_PARTS; part++) {
        int64_t value;
        Str rest = STR_NULL, number = part < IPV4_PARTS - 1 ? str_cut(s, '.', &rest) : s;
        for (size_t i = 0; i < number.len; i++)
            if (!is_digit(number.ptr[i]))
                return false;
        if (number.len == 0 || number.len > IPV4_DIGITS || str_to_i64(number, 0, UINT8_MAX, &value, NULL) < 0)
            return false;
        s = rest;
    }
    return true;
}

/* An authority that is no [user@]host[:port] is a name of some registry: it has neither host nor port.
 * Returns whether it is legal. */
static bool split_authority(Str authority, Url *url)
{
    ptrdiff_t at = str_rfind_char(authority, '@');
    Str host = at < 0 ? authority : str_slice(authority, (size_t)at + 1, authority.len), port = STR_NULL;
    ptrdiff_t colon = str_rfind_char(host, ':'), bracket = str_rfind_char(host, ']');
    if (colon > bracket) {
        port = str_slice(host, (size_t)colon + 1, host.len);
        host = str_slice(host, 0, (size_t)colon);
    }
    bool is_server = true;
    for (size_t i = 0; i < port.len; i++)
        is_server = is_server && is_digit(port.ptr[i]);
    bool in_brackets = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (!in_brackets && find_any(authority, "[]") < authority.len)
        return false;
    if (is_server && (in_brackets || is_ipv4(host) || is_host_name(host))) {
        url->host = host;
        url->port = port;
    }
    return true;
}

static bool parse_url(Str s, Url *url)
{
    *url = (Url){0};
    if (!is_legal(s))
        return false;
    size_t end = find_any(s, "#");
    if (end < s.len)
        url->fragment = str_slice(s, end + 1, s.len);
    s = str_slice(s, 0, end);
    if (str_find_char(url->fragment.ptr ? url->fragment : STR(""), '#') >= 0)
        return false;
    size_t colon = find_any(s, ":/?");
    if (colon < s.len && s.ptr[colon] == ':') {
        url->scheme = str_slice(s, 0, colon);
        s = str_slice(s, colon + 1, s.len);
        if (!is_scheme(url->scheme) || s.len == 0)
            return false;
        if (s.ptr[0] != '/') /* opaque, as mailto: */
            return true;
    }
    end = find_any(s, "?");
    if (end < s.len)
        url->query = str_slice(s, end + 1, s.len);
    s = str_slice(s, 0, end);
    if (str_has_prefix(s, STR("//"))) {
        s = str_slice(s, 2, s.len);
        end = find_any(s, "/");
        bool has_more = end < s.len || url->query.ptr || url->fragment.ptr;
        if (end == 0 ? !has_more : !split_authority(str_slice(s, 0, end), url))
            return false;
        s = str_slice(s, end, s.len);
    }
    url->path = s.ptr ? s : STR("");
    return find_any(url->path, "[]") == url->path.len;
}

static int hex_digit(char ch)
{
    return is_digit(ch) ? ch - '0' : (ch | 32) - 'a' + 10;
}

static void put_decoded(Buf *out, Str s, bool plus)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '%' && i + 2 < s.len && is_hex(s.ptr[i + 1]) && is_hex(s.ptr[i + 2])) {
            buf_putc(out, (char)(hex_digit(s.ptr[i + 1]) << 4 | hex_digit(s.ptr[i + 2])));
            i += 2;
        } else {
            buf_putc(out, plus && s.ptr[i] == '+' ? ' ' : s.ptr[i]);
        }
    }
}

/* Decoded bytes need not be UTF-8; a VARCHAR must. */
static void put_text(Call *c, size_t row)
{
    if (utf8_is_valid(buf_str(&c->scratch))) {
        call_put_scratch(c, row);
        return;
    }
    Buf clean = BUF_INIT(SCRATCH_BYTES_MAX);
    Str s = buf_str(&c->scratch);
    for (size_t step; s.len > 0; s = str_slice(s, step, s.len)) {
        uint32_t point;
        step = utf8_decode(s, &point);
        buf_append(&clean, step ? s.ptr : "\xef\xbf\xbd", step ? step : 3);
        step = step ? step : 1;
    }
    call_put_str(c, row, buf_str(&clean));
    buf_free(&clean);
}

enum { PART_SCHEME, PART_HOST, PART_PATH, PART_QUERY, PART_FRAGMENT };

static void extract(Call *c)
{
    CALL_ROWS(c, i)
    {
        Url url;
        if (!parse_url(arg_str(c, 0, i), &url)) {
            call_set_null(c, i);
            continue;
        }
        Str parts[] = {[PART_SCHEME] = url.scheme,
                       [PART_HOST] = url.host,
                       [PART_PATH] = url.path,
                       [PART_QUERY] = url.query,
                       [PART_FRAGMENT] = url.fragment};
        Str part = parts[c->def->arg]; /* a part that is not there is empty */
        buf_clear(&c->scratch);
        put_decoded(&c->scratch, part, false);
        put_text(c, i);
    }
}

static void extract_port(Call *c)
{
    CALL_ROWS(c, i)
    {
        Url url;
        int64_t port;
        if (!parse_url(arg_str(c, 0, i), &url) || !url.port.ptr ||
            str_to_i64(url.port, 0, INT32_MAX, &port, NULL) < 0)
            call_set_null(c, i);
        else
            OUT(c, int64_t, i) = port;
    }
}

static void extract_parameter(Call *c)
{
    CALL_ROWS(c, i)
    {
        Url url;
        Str name = arg_str(c, 1, i), rest = STR_NULL;
        bool found = false;
        if (parse_url(arg_str(c, 0, i), &url))
            rest = url.query;
        while (rest.ptr && !found) {
            Str value, pair = str_cut(rest, '&', &rest), key = str_cut(pair, '=', &value);
            buf_clear(&c->scratch);
            put_decoded(&c->scratch, key, true);
            found = str_eq(buf_str(&c->scratch), name);
            if (found) {
                buf_clear(&c->scratch);
                put_decoded(&c->scratch, value, true);
                put_text(c, i);
            }
        }
        if (!found)
            call_set_null(c, i);
    }
}

/* application/x-www-form-urlencoded: letters, digits, * - . _ stay, blanks become + */
static void url_encode(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        buf_clear(&c->scratch);
        for (size_t k = 0; k < s.len; k++) {
            char ch = s.ptr[k];
            if (is_alpha(ch) || is_digit(ch) || (ch && strchr("*-._", ch)))
                buf_putc(&c->scratch, ch);
            else if (ch == ' ')
                buf_putc(&c->scratch, '+');
            else
                buf_printf(&c->scratch, "%%%02X", (uint8_t)ch);
        }
        call_put_scratch(c, i);
    }
}

static void url_decode(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        for (size_t k = 0; k < s.len && !c->failed; k++)
            if (s.ptr[k] == '%' && (k + 2 >= s.len || !is_hex(s.ptr[k + 1]) || !is_hex(s.ptr[k + 2])))
                call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                          "URLDecoder: Incomplete trailing escape (%%) pattern");
        buf_clear(&c->scratch);
        put_decoded(&c->scratch, s, true);
        put_text(c, i);
    }
}

const FunctionDef t_url_functions[] = {
    {"t_url_extract_protocol", "s>s", extract, PART_SCHEME},
    {"t_url_extract_host", "s>s", extract, PART_HOST},
    {"t_url_extract_path", "s>s", extract, PART_PATH},
    {"t_url_extract_query", "s>s", extract, PART_QUERY},
    {"t_url_extract_fragment", "s>s", extract, PART_FRAGMENT},
    {"t_url_extract_port", "s>8", extract_port},
    {"t_url_extract_parameter", "ss>s", extract_parameter},
    {"t_url_encode", "s>s", url_encode},
    {"t_url_decode", "s>s", url_decode},
    {NULL},
};
