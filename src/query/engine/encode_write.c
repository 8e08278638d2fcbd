/* The writers of single values. What is written where: trino.md 1.5. */
#include "query/engine/calendar.h"
#include "query/engine/encode_column.h"
#include "query/engine/encode_time.h"
#include "query/engine/functions/ipaddress.h"
#include "query/engine/functions/number.h"
#include "query/engine/functions/wide_time.h"
#include "query/engine/functions/zones.h"

/* ---- text ---- */

/* 0: as it is; 1: \u00XX; else the letter after the backslash. */
static const char escapes[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 'b', 't', 'n', 1, 'f', 'r', 1, 1,           1,
    1, 1, 1, 1, 1, 1, 1, 1, 1,   1,   1,   1, 1,   1,   1, ['"'] = '"', ['\\'] = '\\',
};

/* How many bytes from p need no escape: eight at a time. */
static size_t plain_run(const char *p, size_t n)
{
    size_t i = 0;
    const uint64_t ones = 0x0101010101010101ULL, high = ones * 0x80;
    for (; i + 8 <= n; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
        uint64_t hit = ((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
        if (hit & high)
            break;
    }
    while (i < n && !escapes[(uint8_t)p[i]])
        i++;
    return i;
}

int json_put_string(Buf *out, Str s)
{
    char *p = buf_reserve(out, s.len * 6 + 2); /* every byte escaped */
    if (!p)
        return -1;
    static const char hex[] = "0123456789ABCDEF";
    *p++ = '"';
    for (size_t i = 0; i < s.len;) {
        size_t n = plain_run(s.ptr + i, s.len - i);
        memcpy(p, s.ptr + i, n);
        p += n;
        if ((i += n) >= s.len)
            break;
        uint8_t c = (uint8_t)s.ptr[i++];
        *p++ = '\\';
        if (escapes[c] != 1) {
            *p++ = escapes[c];
            continue;
        }
        memcpy(p, "u00", 3);
        p[3] = hex[c >> 4];
        p[4] = hex[c & 15];
        p += 5;
    }
    *p++ = '"';
    out->len = (size_t)(p - out->data);
    return 0;
}

static int write_text(const Column *c, size_t row, Buf *out)
{
    return json_put_string(out, duckdb_str((const duckdb_string_t *)c->data + row));
}

/* What is JSON already. */
static int write_raw(const Column *c, size_t row, Buf *out)
{
    return buf_add(out, duckdb_str((const duckdb_string_t *)c->data + row));
}

static int write_char(const Column *c, size_t row, Buf *out)
{
    Str s = duckdb_str((const duckdb_string_t *)c->data + row);
    size_t n = utf8_length(s), want = (size_t)c->type->length, pad = n < want ? want - n : 0;
    if (json_put_string(out, s) < 0)
        return -1;
    char *p = buf_reserve(out, pad + 1);
    if (!p)
        return -1;
    memset(p - 1, ' ', pad); /* over the closing quote */
    p[pad - 1] = '"';
    out->len += pad;
    return 0;
}

static int write_blob(const Column *c, size_t row, Buf *out)
{
    buf_putc(out, '"');
    base64_encode(duckdb_str((const duckdb_string_t *)c->data + row), false, out);
    return buf_putc(out, '"');
}

/* ---- fixed size ---- */

/* A writer of the value `v` of C type T at `p`; the text is shorter than TIME_TEXT_MAX. */
#define WRITER(name, T, ...)                                                                                 \
    static int name(const Column *c, size_t row, Buf *out)                                                   \
    {                                                                                                        \
        char *p = buf_reserve(out, TIME_TEXT_MAX);                                                           \
        if (!p)                                                                                              \
            return -1;                                                                                       \
        T v = ((const T *)c->data)[row];                                                                     \
        __VA_ARGS__                                                                                          \
        out->len = (size_t)(p - out->data);                                                                  \
        return 0;                                                                                            \
    }
#define QUOTED(...)                                                                                          \
    *p++ = '"';                                                                                              \
    __VA_ARGS__ *p++ = '"';

WRITER(write_bool, uint8_t, memcpy(p, v ? "true" : "false", 5); p += v ? 4 : 5;)
WRITER(write_tinyint, int8_t, p = put_i64(p, v);)
WRITER(write_smallint, int16_t, p = put_i64(p, v);)
WRITER(write_integer, int32_t, p = put_i64(p, v);)
WRITER(write_bigint, int64_t, p = put_i64(p, v);)
WRITER(write_date, int32_t, QUOTED(p = put_date(p, v);))
WRITER(write_time_us, int64_t, QUOTED(p = put_time(p, v * 1000000, c->type->precision);))
WRITER(write_time_ps, int64_t, QUOTED(p = put_time(p, v, c->type->precision);))
WRITER(write_timestamp_us, int64_t, QUOTED(p = put_timestamp(p, v, 0, c->type->precision);))
WRITER(write_interval_day, int64_t, QUOTED(p = put_interval_day(p, v);))
WRITER(write_interval_year, int32_t, QUOTED(p = put_interval_year(p, v);))
WRITER(write_timestamp_ns, int64_t,
       QUOTED(int64_t us = floor_div(v, 1000);
              p = put_timestamp(p, us, (int32_t)(v - us * 1000) * 1000, c->type->precision);))
WRITER(write_timestamp_tz_utc, int64_t,
       QUOTED(p = put_timestamp(p, v, 0, c->type->precision); memcpy(p, " UTC", 4); p += 4;))
/* picoseconds since 1970 */
WRITER(write_timestamp_ps, int128,
       QUOTED(p = put_timestamp(p, wide_us(v), (int32_t)wide_picos(v), c->type->precision);))

static bool needs_quotes(double v)
{
    return v != v || v - v != 0;
}

static int write_double(const Column *c, size_t row, Buf *out)
{
    double v = ((const double *)c->data)[row];
    char *p = buf_reserve(out, TIME_TEXT_MAX);
    if (!p)
        return -1;
    bool quote = needs_quotes(v);
    if (quote)
        *p++ = '"';
    p = put_double(p, v);
    if (quote)
        *p++ = '"';
    out->len = (size_t)(p - out->data);
    return 0;
}

static int write_real(const Column *c, size_t row, Buf *out)
{
    float v = ((const float *)c->data)[row];
    char *p = buf_reserve(out, TIME_TEXT_MAX);
    if (!p)
        return -1;
    bool quote = needs_quotes((double)v);
    if (quote)
        *p++ = '"';
    p = put_float(p, v);
    if (quote)
        *p++ = '"';
    out->len = (size_t)(p - out->data);
    return 0;
}

static int128 decimal_at(const Column *c, size_t row)
{
    switch (c->width_bytes) {
    case 2:
        return ((const int16_t *)c->data)[row];
    case 4:
        return ((const int32_t *)c->data)[row];
    case 8:
        return ((const int64_t *)c->data)[row];
    default:
        return ((const int128 *)c->data)[row];
    }
}

static int write_decimal(const Column *c, size_t row, Buf *out)
{
    char *p = buf_reserve(out, TIME_TEXT_MAX);
    if (!p)
        return -1;
    *p++ = '"';
    p = put_decimal(p, decimal_at(c, row), c->scale);
    *p++ = '"';
    out->len = (size_t)(p - out->data);
    return 0;
}

/* DuckDB keeps a UUID as a 128-bit integer whose top bit is turned, so that it sorts. */
static int write_uuid(const Column *c, size_t row, Buf *out)
{
    char hex[32], *p = buf_reserve(out, 40);
    if (!p)
        return -1;
    uint128 v = ((const uint128 *)c->data)[row] ^ (uint128)1 << 127;
    uint8_t bytes[16];
    for (int i = 15; i >= 0; i--, v >>= 8)
        bytes[i] = (uint8_t)v;
    hex_encode(bytes, 16, hex);
    *p++ = '"';
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            *p++ = '-';
        *p++ = hex[i];
    }
    *p++ = '"';
    out->len = (size_t)(p - out->data);
    return 0;
}

static int write_ipaddress(const Column *c, size_t row, Buf *out)
{
    Str s = duckdb_str((const duckdb_string_t *)c->data + row);
    char *p = buf_reserve(out, IPADDRESS_TEXT_MAX + 2);
    if (!p)
        return -1;
    *p++ = '"';
    if (s.len == IPADDRESS_BYTES)
        p = put_ipaddress(p, (const uint8_t *)s.ptr);
    *p++ = '"';
    out->len = (size_t)(p - out->data);
    return 0;
}

static int write_number(const Column *c, size_t row, Buf *out)
{
    Number v;
    char *p = buf_reserve(out, NUMBER_STRING_MAX + 2);
    if (!p)
        return -1;
    *p++ = '"';
    if (number_decode(duckdb_str((const duckdb_string_t *)c->data + row), &v))
        p = put_number(p, &v);
    *p++ = '"';
    out->len = (size_t)(p - out->data);
    return 0;
}

/* ---- nested ---- */

static int write_list(const Column *c, size_t row, Buf *out)
{
    duckdb_list_entry e = ((const duckdb_list_entry *)c->data)[row];
    buf_putc(out, '[');
    for (uint64_t i = 0; i < e.length; i++) {
        if (i > 0)
            buf_putc(out, ',');
        if (column_put(&c->children[0], e.offset + i, out) < 0)
            return -1;
    }
    return buf_putc(out, ']');
}

static int put_java_text(const Column *c, size_t row, Buf *out);

/* "[1, 2]" and "{1=2}": a nested value as Java's collections print it. */
static int put_java_items(const Column *c, size_t row, Buf *out)
{
    bool is_map = c->type->kind == TYPE_MAP, is_row = c->type->kind == TYPE_ROW;
    duckdb_list_entry e =
        is_row ? (duckdb_list_entry){row, c->n_children} : ((const duckdb_list_entry *)c->data)[row];
    buf_putc(out, is_map ? '{' : '[');
    for (uint64_t i = 0; i < e.length; i++) {
        if (i > 0)
            buf_append(out, ", ", 2);
        if (put_java_text(&c->children[is_row ? i : 0], is_row ? row : e.offset + i, out) < 0)
            return -1;
        if (is_map && (buf_putc(out, '=') < 0 || put_java_text(&c->children[1], e.offset + i, out) < 0))
            return -1;
    }
    return buf_putc(out, is_map ? '}' : ']');
}

static int put_java_text(const Column *c, size_t row, Buf *out)
{
    if (!duckdb_is_valid(c->validity, row))
        return buf_append(out, "null", 4);
    if (c->type->kind == TYPE_ARRAY || c->type->kind == TYPE_MAP || c->type->kind == TYPE_ROW)
        return put_java_items(c, row, out);
    if (c->write == write_text)
        return buf_add(out, duckdb_str((const duckdb_string_t *)c->data + row));
    size_t from = out->len;
    if (c->write(c, row, out) < 0)
        return -1;
    if (out->data[from] == '"') { /* the value's JSON without its quotes: nothing in it is escaped */
        out->len -= 2;
        memmove(out->data + from, out->data + from + 1, out->len - from);
    }
    return 0;
}

/* Keys are always strings: what is no string in JSON becomes Java's text of it. */
static int put_map_key(const Column *c, size_t row, Buf *out)
{
    size_t from = out->len;
    bool nested = c->type->kind == TYPE_ARRAY || c->type->kind == TYPE_MAP || c->type->kind == TYPE_ROW;
    if ((nested ? put_java_items(c, row, out) : column_put(c, row, out)) < 0)
        return -1;
    if (!nested && out->data[from] == '"')
        return 0;
    Buf key = BUF_INIT(out->max);
    buf_append(&key, out->data + from, out->len - from);
    out->len = from;
    int r = json_put_string(out, buf_str(&key));
    buf_free(&key);
    return r;
}

static int write_map(const Column *c, size_t row, Buf *out)
{
    duckdb_list_entry e = ((const duckdb_list_entry *)c->data)[row];
    buf_putc(out, '{');
    for (uint64_t i = 0; i < e.length; i++) {
        if (i > 0)
            buf_putc(out, ',');
        if (put_map_key(&c->children[0], e.offset + i, out) < 0)
            return -1;
        buf_putc(out, ':');
        if (column_put(&c->children[1], e.offset + i, out) < 0)
            return -1;
    }
    return buf_putc(out, '}');
}

static int write_row(const Column *c, size_t row, Buf *out)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < c->n_children; i++) {
        if (i > 0)
            buf_putc(out, ',');
        if (column_put(&c->children[i], row, out) < 0)
            return -1;
    }
    return buf_putc(out, ']');
}

/* STRUCT(t BIGINT, zone SMALLINT): picoseconds of the UTC day, and an offset */
static int write_time_tz(const Column *c, size_t row, Buf *out)
{
    int16_t zone = ((const int16_t *)c->children[1].data)[row];
    int32_t seconds = zone_offset_at(zone, 0);
    char *p = buf_reserve(out, TIME_TEXT_MAX);
    if (!p)
        return -1;
    *p++ = '"';
    p = put_time(p,
                 floor_mod(((const int64_t *)c->children[0].data)[row] + seconds * SECOND_PICOS, DAY_PICOS),
                 c->type->precision);
    p = put_offset(p, seconds / 60);
    *p++ = '"';
    out->len = (size_t)(p - out->data);
    return 0;
}

/* STRUCT(t <timestamp>, zone SMALLINT) */
static int write_timestamp_tz(const Column *c, size_t row, Buf *out)
{
    const Column *t = &c->children[0];
    bool wide = t->duckdb_type == DUCKDB_TYPE_HUGEINT;
    int64_t us = wide ? wide_us(((const int128 *)t->data)[row]) : ((const int64_t *)t->data)[row];
    int32_t picos = wide ? (int32_t)wide_picos(((const int128 *)t->data)[row]) : 0;
    int16_t zone = ((const int16_t *)c->children[1].data)[row];
    char *p = buf_reserve(out, TIME_TEXT_MAX);
    if (!p)
        return -1;
    int64_t offset_us = zone_offset_at(zone, floor_div(us, SECOND_US)) * SECOND_US;
    *p++ = '"';
    p = put_timestamp(p, us + offset_us, picos, c->type->precision);
    *p++ = ' ';
    p = zone_put_name(p, zone);
    *p++ = '"';
    out->len = (size_t)(p - out->data);
    return 0;
}

ColumnWriter column_writer(TypeKind kind, duckdb_type held_as)
{
    static const struct {
        TypeKind kind;
        duckdb_type held_as;
        ColumnWriter write;
    } writers[] = {
        {TYPE_UNKNOWN, DUCKDB_TYPE_BOOLEAN, write_bool},
        {TYPE_UNKNOWN, DUCKDB_TYPE_INTEGER, write_integer},
        {TYPE_BOOLEAN, DUCKDB_TYPE_BOOLEAN, write_bool},
        {TYPE_TINYINT, DUCKDB_TYPE_TINYINT, write_tinyint},
        {TYPE_SMALLINT, DUCKDB_TYPE_SMALLINT, write_smallint},
        {TYPE_INTEGER, DUCKDB_TYPE_INTEGER, write_integer},
        {TYPE_BIGINT, DUCKDB_TYPE_BIGINT, write_bigint},
        {TYPE_REAL, DUCKDB_TYPE_FLOAT, write_real},
        {TYPE_DOUBLE, DUCKDB_TYPE_DOUBLE, write_double},
        {TYPE_DECIMAL, DUCKDB_TYPE_DECIMAL, write_decimal},
        {TYPE_NUMBER, DUCKDB_TYPE_BLOB, write_number},
        {TYPE_VARCHAR, DUCKDB_TYPE_VARCHAR, write_text},
        {TYPE_CHAR, DUCKDB_TYPE_VARCHAR, write_char},
        {TYPE_VARBINARY, DUCKDB_TYPE_BLOB, write_blob},
        {TYPE_JSON, DUCKDB_TYPE_VARCHAR, write_text},
        {TYPE_VARIANT, DUCKDB_TYPE_VARCHAR, write_raw},
        {TYPE_DATE, DUCKDB_TYPE_DATE, write_date},
        {TYPE_TIME, DUCKDB_TYPE_TIME, write_time_us},
        {TYPE_TIME, DUCKDB_TYPE_BIGINT, write_time_ps},
        {TYPE_TIME_TZ, DUCKDB_TYPE_STRUCT, write_time_tz},
        {TYPE_TIMESTAMP, DUCKDB_TYPE_TIMESTAMP, write_timestamp_us},
        {TYPE_TIMESTAMP, DUCKDB_TYPE_TIMESTAMP_NS, write_timestamp_ns},
        {TYPE_TIMESTAMP, DUCKDB_TYPE_HUGEINT, write_timestamp_ps},
        {TYPE_TIMESTAMP_TZ, DUCKDB_TYPE_TIMESTAMP_TZ, write_timestamp_tz_utc},
        {TYPE_TIMESTAMP_TZ, DUCKDB_TYPE_STRUCT, write_timestamp_tz},
        {TYPE_INTERVAL_DAY_TIME, DUCKDB_TYPE_BIGINT, write_interval_day},
        {TYPE_INTERVAL_YEAR_MONTH, DUCKDB_TYPE_INTEGER, write_interval_year},
        {TYPE_ARRAY, DUCKDB_TYPE_LIST, write_list},
        {TYPE_MAP, DUCKDB_TYPE_MAP, write_map},
        {TYPE_ROW, DUCKDB_TYPE_STRUCT, write_row},
        {TYPE_UUID, DUCKDB_TYPE_UUID, write_uuid},
        {TYPE_IPADDRESS, DUCKDB_TYPE_BLOB, write_ipaddress},
        {TYPE_HYPERLOGLOG, DUCKDB_TYPE_BLOB, write_blob},
        {TYPE_P4HYPERLOGLOG, DUCKDB_TYPE_BLOB, write_blob},
        {TYPE_TDIGEST, DUCKDB_TYPE_BLOB, write_blob},
        {TYPE_QDIGEST, DUCKDB_TYPE_BLOB, write_blob},
        {TYPE_SETDIGEST, DUCKDB_TYPE_BLOB, write_blob},
        {TYPE_COLOR, DUCKDB_TYPE_VARCHAR, write_text},
    };
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        if (writers[i].kind == kind && writers[i].held_as == held_as)
            return writers[i].write;
    return NULL;
}
