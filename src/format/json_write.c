/* json_write.c - the streaming JSON writer of json.h. */
#include "format/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

static void before_value(JsonWriter *w)
{
    if (w->needs_comma[w->depth])
        buf_putc(w->out, ',');
    w->needs_comma[w->depth] = w->depth > 0;
}

static void open_container(JsonWriter *w, char bracket)
{
    before_value(w);
    assert(w->depth + 1u < sizeof w->needs_comma);
    buf_putc(w->out, bracket);
    w->needs_comma[++w->depth] = false;
}

static void close_container(JsonWriter *w, char bracket)
{
    assert(w->depth > 0);
    w->depth--;
    buf_putc(w->out, bracket);
}

void json_object(JsonWriter *w)
{
    open_container(w, '{');
}

void json_end_object(JsonWriter *w)
{
    close_container(w, '}');
}

void json_array(JsonWriter *w)
{
    open_container(w, '[');
}

void json_end_array(JsonWriter *w)
{
    close_container(w, ']');
}

void json_key_str(JsonWriter *w, Str key)
{
    assert(w->depth > 0);
    if (w->needs_comma[w->depth])
        buf_putc(w->out, ',');
    json_escape(w->out, key);
    buf_putc(w->out, ':');
    w->needs_comma[w->depth] = false;
}

void json_key(JsonWriter *w, const char *key)
{
    json_key_str(w, str_from(key));
}

void json_str(JsonWriter *w, Str value)
{
    before_value(w);
    json_escape(w->out, value);
}

void json_cstr(JsonWriter *w, const char *value)
{
    json_str(w, str_from(value));
}

void json_int(JsonWriter *w, int64_t value)
{
    before_value(w);
    buf_put_i64(w->out, value);
}

void json_bool(JsonWriter *w, bool value)
{
    before_value(w);
    buf_puts(w->out, value ? "true" : "false");
}

void json_null(JsonWriter *w)
{
    before_value(w);
    buf_append(w->out, "null", 4);
}

void json_raw(JsonWriter *w, Str json)
{
    before_value(w);
    buf_add(w->out, json);
}

void json_kv_str(JsonWriter *w, const char *key, Str value)
{
    json_key(w, key);
    json_str(w, value);
}

void json_kv_cstr(JsonWriter *w, const char *key, const char *value)
{
    json_key(w, key);
    json_cstr(w, value);
}

void json_kv_int(JsonWriter *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_int(w, value);
}

void json_kv_bool(JsonWriter *w, const char *key, bool value)
{
    json_key(w, key);
    json_bool(w, value);
}

/* Bytes that a JSON string may hold as they are: all ASCII but controls, '"' and '\'. */
static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void escape_ascii(Buf *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char names[32] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
    char text[6] = { '\\', (char)c };
    size_t n = 2;

    if (c < 0x20 && names[c]) {
        text[1] = names[c];
    } else if (c < 0x20) {
        text[1] = 'u';
        text[2] = text[3] = '0';
        text[4] = hex[c >> 4];
        text[5] = hex[c & 15];
        n = 6;
    }
    buf_append(out, text, n);
}

void json_escape(Buf *out, Str value)
{
    size_t plain = 0, i = 0;

    buf_putc(out, '"');
    while (i < value.len) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (is_plain(c)) {
            i++;
            continue;
        }
        size_t n = c < 0x80 ? 0 : utf8_decode(str_of(value.ptr + i, value.len - i), &(uint32_t){ 0 });
        if (n > 0) {
            i += n;
            continue;
        }
        buf_append(out, value.ptr + plain, i - plain);
        if (c < 0x80)
            escape_ascii(out, c);
        else
            buf_append(out, "\xEF\xBF\xBD", 3);   /* foreign bytes must not make the document unreadable */
        plain = ++i;
    }
    if (i > plain)
        buf_append(out, value.ptr + plain, i - plain);
    buf_putc(out, '"');
}

/* The shortest decimal that reads back as `value` (finite, > 0): value = 0.DIGITS * 10^exponent. */
static size_t shortest_digits(double value, char digits[20], int *ret_exponent)
{
    static const double powers[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
    char text[40];
    double back = 0;
    size_t n = 0;

    /* Most numbers have few decimals. m / 10^k with small m is correctly rounded: equality proves the
     * digits. */
    for (unsigned k = 0; k < 7 && value < 1e9; k++) {
        double scaled = value * powers[k];
        int64_t m = (int64_t)(scaled + 0.5);
        if (m <= 0 || (double)m / powers[k] != value)
            continue;
        n = (size_t)snprintf(digits, 20, "%lld", (long long)m);
        *ret_exponent = (int)n - (int)k;
        while (n > 1 && digits[n - 1] == '0')
            n--;
        return n;
    }
    for (int precision = value < 2.3e-308 ? 2 : 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, value);
        if (precision == 17 || (str_to_double(str_from(text), &back, NULL) == 0 && back == value))
            break;
    }
    const char *e = strchr(text, 'e');
    for (const char *p = text; p < e; p++)
        if (*p != '.')
            digits[n++] = *p;
    int exponent = 0;
    for (const char *p = e + 2; *p; p++)
        exponent = exponent * 10 + (*p - '0');
    *ret_exponent = (e[1] == '-' ? -exponent : exponent) + 1;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

/* Java's Double.toString: plain from 10^-3 up to 10^7, else d.dddE-x; a digit on both sides of the point. */
static size_t format_double(double value, char out[40])
{
    char digits[20];
    int exponent = 0;
    size_t len = 0;

    if (signbit(value))
        out[len++] = '-';
    value = fabs(value);
    if (value == 0) {
        memcpy(out + len, "0.0", 3);
        return len + 3;
    }
    size_t n = shortest_digits(value, digits, &exponent);
    size_t whole = 1;                       /* digits before the point */
    if (value >= 1e-3 && value < 1e7) {
        if (exponent <= 0) {
            memcpy(out + len, "0.000", 5);  /* at most two zeros: value >= 1e-3 */
            len += 2 + (size_t)-exponent;
            memcpy(out + len, digits, n);
            return len + n;
        }
        whole = (size_t)exponent;
    }
    for (size_t i = 0; i < n || i <= whole; i++) {
        if (i == whole)
            out[len++] = '.';
        out[len++] = i < n ? digits[i] : '0';
    }
    if (value >= 1e-3 && value < 1e7)
        return len;
    return len + (size_t)snprintf(out + len, 8, "E%d", exponent - 1);
}

void json_double(JsonWriter *w, double value)
{
    char text[40];

    if (isnan(value)) {
        json_cstr(w, "NaN");
    } else if (isinf(value)) {
        json_cstr(w, value > 0 ? "Infinity" : "-Infinity");
    } else {
        before_value(w);
        buf_append(w->out, text, format_double(value, text));
    }
}

void json_write_value(JsonWriter *w, const Json *value)
{
    switch (value->type) {
    case JSON_NULL:
        json_null(w);
        break;
    case JSON_FALSE:
    case JSON_TRUE:
        json_bool(w, value->type == JSON_TRUE);
        break;
    case JSON_INT:
        json_int(w, value->i64);
        break;
    case JSON_NUMBER:
        json_raw(w, value->text);
        break;
    case JSON_STRING:
        json_str(w, value->text);
        break;
    case JSON_ARRAY:
        json_array(w);
        for (size_t i = 0; i < value->array.n; i++)
            json_write_value(w, value->array.items[i]);
        json_end_array(w);
        break;
    case JSON_OBJECT:
        json_object(w);
        for (size_t i = 0; i < value->object.n; i++) {
            json_key_str(w, value->object.members[i].key);
            json_write_value(w, value->object.members[i].value);
        }
        json_end_object(w);
        break;
    }
}
