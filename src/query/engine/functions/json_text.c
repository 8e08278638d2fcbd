#include "query/engine/functions/json_text.h"

#include <stdlib.h>

#include "query/engine/encode_number.h"
#include "query/engine/functions/text.h"

enum { NUMBER_BYTES_MAX = 1000 }; /* Jackson's limit on the length of a number */

static Str skip_blanks(Str s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t' || s.ptr[0] == '\n' || s.ptr[0] == '\r'))
        s = str_slice(s, 1, s.len);
    return s;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_hex(char c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* Bytes of the string at the front, with its quotes; 0: malformed. */
static size_t string_size(Str s)
{
    for (size_t i = 1; i < s.len; i++) {
        uint8_t c = (uint8_t)s.ptr[i];
        if (c == '"')
            return i + 1;
        if (c < 0x20)
            return 0;
        if (c != '\\')
            continue;
        if (++i >= s.len || !s.ptr[i] || !strchr("\"\\/bfnrtu", s.ptr[i]))
            return 0;
        if (s.ptr[i] != 'u')
            continue;
        for (int k = 0; k < 4; k++)
            if (++i >= s.len || !is_hex(s.ptr[i]))
                return 0;
    }
    return 0;
}

static size_t digits_size(Str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && is_digit(s.ptr[at + n]))
        n++;
    return n;
}

static size_t number_size(Str s, JsonKind *ret_kind)
{
    size_t at = s.ptr[0] == '-', n = digits_size(s, at);
    *ret_kind = KIND_INTEGER;
    if (n == 0 || (n > 1 && s.ptr[at] == '0'))
        return 0;
    at += n;
    if (at < s.len && s.ptr[at] == '.') {
        *ret_kind = KIND_NUMBER;
        if ((n = digits_size(s, at + 1)) == 0)
            return 0;
        at += 1 + n;
    }
    if (at < s.len && (s.ptr[at] | 32) == 'e') {
        *ret_kind = KIND_NUMBER;
        at++;
        at += at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+');
        if ((n = digits_size(s, at)) == 0)
            return 0;
        at += n;
    }
    return at > NUMBER_BYTES_MAX ? 0 : at;
}

static JsonKind take(Str *s, Str *ret_raw, int depth);

static bool take_mark(Str *s, char mark)
{
    *s = skip_blanks(*s);
    if (s->len == 0 || s->ptr[0] != mark)
        return false;
    *s = str_slice(*s, 1, s->len);
    return true;
}

/* After the opening bracket. */
static bool take_members(Str *s, bool is_object, int depth)
{
    char close = is_object ? '}' : ']';
    Str raw;
    if (depth > JSON_TEXT_DEPTH_MAX)
        return false;
    if (take_mark(s, close))
        return true;
    do {
        if (is_object) {
            *s = skip_blanks(*s);
            size_t n = s->len > 0 && s->ptr[0] == '"' ? string_size(*s) : 0;
            if (n == 0)
                return false;
            *s = str_slice(*s, n, s->len);
            if (!take_mark(s, ':'))
                return false;
        }
        if (take(s, &raw, depth + 1) == KIND_NONE)
            return false;
    } while (take_mark(s, ','));
    return take_mark(s, close);
}

static JsonKind take(Str *s, Str *ret_raw, int depth)
{
    static const struct {
        const char *word;
        JsonKind kind;
    } words[] = {
        {"null", KIND_NULL},
        {"false", KIND_FALSE},
        {"true", KIND_TRUE},
    };
    *s = skip_blanks(*s);
    if (s->len == 0)
        return KIND_NONE;
    Str start = *s;
    JsonKind kind = KIND_NONE;
    size_t n = 0;
    if (s->ptr[0] == '"') {
        kind = KIND_STRING;
        n = string_size(*s);
    } else if (s->ptr[0] == '{' || s->ptr[0] == '[') {
        kind = s->ptr[0] == '{' ? KIND_OBJECT : KIND_ARRAY;
        *s = str_slice(*s, 1, s->len);
        if (take_members(s, kind == KIND_OBJECT, depth))
            n = start.len - s->len;
    } else if (s->ptr[0] == '-' || is_digit(s->ptr[0])) {
        n = number_size(*s, &kind);
    } else {
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (str_has_prefix(*s, str_from(words[i].word))) {
                kind = words[i].kind;
                n = strlen(words[i].word);
            }
    }
    *ret_raw = str_slice(start, 0, n);
    *s = str_slice(start, n, start.len);
    return n > 0 ? kind : KIND_NONE;
}

JsonKind json_take_value(Str *s, Str *ret_raw)
{
    return take(s, ret_raw, 0);
}

JsonKind json_kind(Str value)
{
    JsonKind kind = KIND_INTEGER;
    switch (value.len ? value.ptr[0] : 0) {
    case '{':
        return KIND_OBJECT;
    case '[':
        return KIND_ARRAY;
    case '"':
        return KIND_STRING;
    case 'n':
        return KIND_NULL;
    case 't':
        return KIND_TRUE;
    case 'f':
        return KIND_FALSE;
    case 0:
        return KIND_NONE;
    default:
        return number_size(value, &kind) ? kind : KIND_NONE;
    }
}

bool json_is_value(Str text, Str *ret_raw, JsonKind *ret_kind)
{
    *ret_kind = json_take_value(&text, ret_raw);
    return *ret_kind != KIND_NONE && skip_blanks(text).len == 0;
}

JsonWalk json_walk(Str value)
{
    return (JsonWalk){value.len ? str_slice(value, 1, value.len) : value, value.len && value.ptr[0] == '{',
                      true};
}

bool json_next(JsonWalk *w, Str *ret_key, Str *ret_value)
{
    if (!w->first && !take_mark(&w->rest, ','))
        return false;
    w->first = false;
    w->rest = skip_blanks(w->rest);
    *ret_key = STR_NULL;
    if (w->is_object) {
        size_t n = w->rest.len && w->rest.ptr[0] == '"' ? string_size(w->rest) : 0;
        if (n == 0)
            return false;
        *ret_key = str_slice(w->rest, 1, n - 1);
        w->rest = str_slice(w->rest, n, w->rest.len);
        take_mark(&w->rest, ':');
    }
    return json_take_value(&w->rest, ret_value) != KIND_NONE;
}

/* ---- strings ---- */

static uint32_t hex4(const char *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (uint32_t)(is_digit(p[i]) ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
    return v;
}

void json_unescape(Buf *out, Str raw)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    for (size_t i = 0; i < raw.len;) {
        const char *slash = memchr(raw.ptr + i, '\\', raw.len - i);
        size_t n = slash ? (size_t)(slash - raw.ptr) - i : raw.len - i;
        buf_append(out, raw.ptr + i, n);
        i += n;
        if (i + 1 >= raw.len)
            break;
        if (raw.ptr[i + 1] != 'u') {
            const char *letter = strchr(letters, raw.ptr[i + 1]);
            buf_putc(out, letter ? values[letter - letters] : raw.ptr[i + 1]);
            i += 2;
            continue;
        }
        uint32_t point = hex4(raw.ptr + i + 2);
        i += 6;
        if (point >= 0xd800 && point < 0xdc00 && i + 5 < raw.len && raw.ptr[i] == '\\' &&
            raw.ptr[i + 1] == 'u' && hex4(raw.ptr + i + 2) - 0xdc00 < 0x400) {
            point = 0x10000 + ((point - 0xd800) << 10) + hex4(raw.ptr + i + 2) - 0xdc00;
            i += 6;
        }
        char text[4];
        if (point >= 0xd800 && point < 0xe000)
            buf_putc(out, '?'); /* half a pair has no UTF-8 form; Java writes this */
        else
            buf_append(out, text, utf8_encode(point, text));
    }
}

bool json_key_is(Str raw_key, Str name, Buf *scratch)
{
    if (!memchr(raw_key.ptr, '\\', raw_key.len))
        return str_eq(raw_key, name);
    buf_clear(scratch);
    json_unescape(scratch, raw_key);
    return str_eq(buf_str(scratch), name);
}

void json_put_quoted(Buf *out, Str text)
{
    static const char letters[] = "\"\\bfnrt", values[] = "\"\\\b\f\n\r\t";
    buf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        const char *value = c ? strchr(values, c) : NULL;
        if (value) {
            buf_putc(out, '\\');
            buf_putc(out, letters[value - values]);
        } else if ((uint8_t)c < 0x20) {
            buf_printf(out, "\\u%04X", (unsigned)c);
        } else {
            buf_putc(out, c);
        }
    }
    buf_putc(out, '"');
}

/* ---- numbers ---- */

/* BigDecimal.toString: plain when the scale is not negative and the first digit is not below 10^-6, else
 * d.dddE±n. */
void json_put_number(Buf *out, Str number)
{
    char digits[NUMBER_BYTES_MAX + 1];
    size_t n = 0, at = number.ptr[0] == '-';
    int64_t scale = 0, exponent = 0;
    bool point = false;
    for (; at < number.len && (is_digit(number.ptr[at]) || number.ptr[at] == '.') && n < NUMBER_BYTES_MAX;
         at++) {
        if (number.ptr[at] == '.') {
            point = true;
            continue;
        }
        scale += point;
        if (n > 0 || number.ptr[at] != '0')
            digits[n++] = number.ptr[at];
    }
    if (n == 0)
        digits[n++] = '0';
    bool negative = number.ptr[0] == '-' && digits[0] != '0';
    if (at < number.len)
        str_to_i64(str_slice(number, at + 1 + (number.ptr[at + 1] == '+'), number.len), -1000000000,
                   1000000000, &exponent, NULL);
    scale -= exponent;
    int64_t adjusted = (int64_t)n - 1 - scale;
    if (negative)
        buf_putc(out, '-');
    if (scale >= 0 && adjusted >= -6) {
        if ((int64_t)n > scale) {
            buf_append(out, digits, n - (size_t)scale);
        } else {
            buf_putc(out, '0');
        }
        if (scale > 0)
            buf_putc(out, '.');
        for (int64_t k = (int64_t)n; k < scale; k++)
            buf_putc(out, '0');
        size_t part = (int64_t)n > scale ? (size_t)scale : n;
        buf_append(out, digits + n - part, part);
        return;
    }
    buf_putc(out, digits[0]);
    if (n > 1) {
        buf_putc(out, '.');
        buf_append(out, digits + 1, n - 1);
    }
    buf_printf(out, "E%+lld", (long long)adjusted);
}

/* ---- canonical form ---- */

typedef struct Member {
    Str key;
    size_t order;
    Str value;
} Member;

static int compare_members(const void *a, const void *b)
{
    const Member *x = a, *y = b;
    int r = str_cmp(x->key, y->key);
    return r ? r : x->order < y->order ? -1 : 1;
}

static void put_canonical(Buf *out, Str value);

static void put_string(Buf *out, Str value)
{
    if (!memchr(value.ptr, '\\', value.len)) {
        buf_add(out, value);
        return;
    }
    Buf text = BUF_INIT(value.len + 1);
    json_unescape(&text, str_slice(value, 1, value.len - 1));
    json_put_quoted(out, buf_str(&text));
    buf_free(&text);
}

void json_copy(Str value, Buf *out)
{
    JsonKind kind = json_kind(value);
    Str key, item;
    if (kind == KIND_OBJECT || kind == KIND_ARRAY) {
        buf_putc(out, value.ptr[0]);
        bool first = true;
        for (JsonWalk w = json_walk(value); json_next(&w, &key, &item); first = false) {
            if (!first)
                buf_putc(out, ',');
            if (kind == KIND_OBJECT) {
                put_string(out, str_of(key.ptr - 1, key.len + 2));
                buf_putc(out, ':');
            }
            json_copy(item, out);
        }
        buf_putc(out, kind == KIND_OBJECT ? '}' : ']');
    } else if (kind == KIND_STRING) {
        put_string(out, value);
    } else if (kind == KIND_NUMBER) {
        char text[NUMBER_TEXT_MAX];
        double number = 0;
        parse_java_double(value, false, &number);
        buf_append(out, text, (size_t)(put_double(text, number) - text));
    } else {
        buf_add(out, value);
    }
}

static void put_object(Buf *out, Str value)
{
    size_t n = 0, cap = 0;
    Member *members = NULL;
    JsonWalk w = json_walk(value);
    Buf keys = BUF_INIT(value.len + 1); /* unescaped keys; never grows: names point into it */
    Str key, item;
    if (!buf_reserve(&keys, value.len + 1))
        return;
    while (json_next(&w, &key, &item)) {
        if (n == cap) {
            Member *more = realloc(members, (cap = cap ? cap * 2 : 16) * sizeof *members);
            if (!more) {
                out->overflow = true;
                break;
            }
            members = more;
        }
        size_t from = keys.len;
        json_unescape(&keys, key);
        members[n] = (Member){str_of(keys.data + from, keys.len - from), n, item};
        n++;
    }
    if (n > 1)
        qsort(members, n, sizeof *members, compare_members);
    buf_putc(out, '{');
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && str_eq(members[i].key, members[i + 1].key))
            continue;
        if (!first)
            buf_putc(out, ',');
        first = false;
        json_put_quoted(out, members[i].key);
        buf_putc(out, ':');
        put_canonical(out, members[i].value);
    }
    buf_putc(out, '}');
    free(members);
    buf_free(&keys);
}

static void put_array(Buf *out, Str value)
{
    JsonWalk w = json_walk(value);
    Str key, item;
    bool first = true;
    buf_putc(out, '[');
    while (json_next(&w, &key, &item)) {
        if (!first)
            buf_putc(out, ',');
        first = false;
        put_canonical(out, item);
    }
    buf_putc(out, ']');
}

static void put_canonical(Buf *out, Str value)
{
    JsonKind kind = json_kind(value);
    if (kind == KIND_OBJECT) {
        put_object(out, value);
    } else if (kind == KIND_ARRAY) {
        put_array(out, value);
    } else if (kind == KIND_STRING) {
        put_string(out, value);
    } else if (kind == KIND_NUMBER || kind == KIND_INTEGER) {
        json_put_number(out, value);
    } else {
        buf_add(out, value);
    }
}

bool json_canonical(Str text, Buf *out)
{
    Str raw;
    JsonKind kind;
    if (!json_is_value(text, &raw, &kind))
        return false;
    put_canonical(out, raw);
    return true;
}
