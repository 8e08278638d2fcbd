/* value_text.c - values as people and JSON see them. */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "iceberg/value.h"

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* --- decimals --- */

Str ice_decimal_text(__int128 unscaled, int scale, Arena *arena)
{
    char digits[48], out[128];
    size_t n = 0, len = 0;
    bool negative = unscaled < 0;
    unsigned __int128 rest = negative ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;

    for (; rest > 0; rest /= 10)
        digits[n++] = (char)('0' + (int)(rest % 10));
    while ((int)n <= scale && n < sizeof digits) /* a digit before the point */
        digits[n++] = '0';
    if (n == 0)
        digits[n++] = '0';
    if (negative)
        out[len++] = '-';
    while (n > 0) {
        if ((int)n == scale)
            out[len++] = '.';
        out[len++] = digits[--n];
    }
    return arena_str(arena, str_of(out, len));
}

int ice_decimal_from_text(Str text, int scale, __int128 *ret, Error *err)
{
    bool negative = text.len > 0 && text.ptr[0] == '-', point = false;
    __int128 value = 0;
    int fraction = 0;
    size_t n_digits = 0;

    for (size_t i = negative || (text.len > 0 && text.ptr[0] == '+'); i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            return err_set(err, ERR_BAD_REQUEST, "\"%.*s\" is no decimal", STR_ARG(text));
        n_digits++;
        if (fraction == scale && point && c == '0')
            continue; /* more zeros than the scale needs */
        fraction += point;
        if (fraction > scale || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (__int128)(c - '0'), &value))
            return err_set(err, ERR_BAD_REQUEST, "\"%.*s\" does not fit into a decimal of scale %d",
                           STR_ARG(text), scale);
    }
    for (; fraction < scale; fraction++)
        if (__builtin_mul_overflow(value, 10, &value))
            return err_set(err, ERR_BAD_REQUEST, "\"%.*s\" does not fit into a decimal of scale %d",
                           STR_ARG(text), scale);
    if (n_digits == 0)
        return err_set(err, ERR_BAD_REQUEST, "\"%.*s\" is no decimal", STR_ARG(text));
    *ret = negative ? -value : value;
    return 0;
}

/* --- dates and times: texts of Java's LocalDate, LocalTime and LocalDateTime --- */

enum { TEXT_MAX = 64 };

static size_t put_date(char *out, int64_t days)
{
    int year, month, day;

    civil_from_days(days, &year, &month, &day);
    return (size_t)snprintf(out, TEXT_MAX / 2, "%s%0*d-%02d-%02d", year > 9999 ? "+" : "", year < 0 ? 5 : 4,
                            year, month, day);
}

/* `short_form`: as toString() has it, without seconds where they are zero and with 3, 6 or 9 digits; else
 * ISO_LOCAL_TIME with the digits that are needed. */
static size_t put_time(char *out, int64_t nanos, bool short_form)
{
    int64_t seconds = nanos / 1000000000, fraction = nanos % 1000000000;
    size_t n =
        (size_t)snprintf(out, TEXT_MAX / 2, "%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60));

    if (short_form && nanos % INT64_C(60000000000) == 0)
        return n;
    n += (size_t)snprintf(out + n, 8, ":%02d", (int)(seconds % 60));
    if (fraction == 0)
        return n;
    n += (size_t)snprintf(out + n, 12, ".%09d", (int)fraction);
    if (short_form)
        return n - (fraction % 1000000 == 0 ? 6 : fraction % 1000 == 0 ? 3 : 0);
    while (out[n - 1] == '0')
        n--;
    return n;
}

static size_t put_temporal(char *out, const IceValue *v, bool short_form)
{
    bool nanos = v->type == ICE_TIMESTAMP_NS || v->type == ICE_TIMESTAMPTZ_NS;
    bool zoned = v->type == ICE_TIMESTAMPTZ || v->type == ICE_TIMESTAMPTZ_NS;
    int64_t day_length = INT64_C(86400000000) * (nanos ? 1000 : 1), days = 0, rest = v->i64;
    size_t n = 0;

    if (v->type == ICE_DATE)
        return put_date(out, v->i64);
    if (v->type != ICE_TIME) {
        days = floor_div(v->i64, day_length);
        rest = v->i64 - days * day_length;
        n = put_date(out, days);
        out[n++] = 'T';
    }
    n += put_time(out + n, nanos ? rest : rest * 1000, short_form);
    if (zoned)
        n += (size_t)snprintf(out + n, 8, "%s", short_form ? "Z" : "+00:00");
    return n;
}

typedef struct Scanner {
    const char *p, *end;
} Scanner;

static bool take_number(Scanner *s, size_t min_digits, size_t max_digits, int *ret)
{
    size_t n = 0;
    int value = 0;

    for (; n < max_digits && s->p < s->end && *s->p >= '0' && *s->p <= '9'; n++)
        value = value * 10 + (*s->p++ - '0');
    *ret = value;
    return n >= min_digits;
}

static bool take_char(Scanner *s, char c)
{
    if (s->p >= s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static bool take_date(Scanner *s, int64_t *ret_days)
{
    static const int lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool negative = take_char(s, '-'), plus = !negative && take_char(s, '+');
    int year, month, day;

    if (!take_number(s, 4, negative || plus ? 6 : 4, &year) || !take_char(s, '-') ||
        !take_number(s, 2, 2, &month) || !take_char(s, '-') || !take_number(s, 2, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1])
        return false;
    year = negative ? -year : year;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2 && day == 29 && !leap)
        return false;
    *ret_days = civil_to_days(year, month, day);
    return true;
}

static bool take_time(Scanner *s, int64_t *ret_nanos)
{
    int hour, minute, second = 0;
    int64_t fraction = 0;

    if (!take_number(s, 2, 2, &hour) || !take_char(s, ':') || !take_number(s, 2, 2, &minute))
        return false;
    if (take_char(s, ':')) {
        if (!take_number(s, 2, 2, &second))
            return false;
        if (take_char(s, '.')) {
            int n = 0;
            for (; n < 9 && s->p < s->end && *s->p >= '0' && *s->p <= '9'; n++)
                fraction = fraction * 10 + (*s->p++ - '0');
            if (n == 0)
                return false;
            for (; n < 9; n++)
                fraction *= 10;
        }
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *ret_nanos = ((hour * INT64_C(60) + minute) * 60 + second) * 1000000000 + fraction;
    return true;
}

static bool take_offset(Scanner *s, int64_t *ret_nanos)
{
    int hours, minutes;

    *ret_nanos = 0;
    if (take_char(s, 'Z'))
        return true;
    bool negative = take_char(s, '-');
    if (!negative && !take_char(s, '+'))
        return false;
    if (!take_number(s, 2, 2, &hours) || !take_char(s, ':') || !take_number(s, 2, 2, &minutes))
        return false;
    if (hours > 18 || minutes > 59)
        return false;
    *ret_nanos = (hours * INT64_C(60) + minutes) * INT64_C(60000000000) * (negative ? -1 : 1);
    return true;
}

static bool parse_temporal(IceTypeId type, Str text, int64_t *ret)
{
    Scanner s = { text.ptr, text.ptr + text.len };
    int64_t days = 0, nanos = 0, offset = 0;
    bool zoned = type == ICE_TIMESTAMPTZ || type == ICE_TIMESTAMPTZ_NS;
    bool in_nanos = type == ICE_TIMESTAMP_NS || type == ICE_TIMESTAMPTZ_NS;

    if (type != ICE_TIME && !take_date(&s, &days))
        return false;
    if (type == ICE_DATE) {
        *ret = days;
        return s.p == s.end;
    }
    if (type != ICE_TIME && !take_char(&s, 'T'))
        return false;
    if (!take_time(&s, &nanos) || (zoned && !take_offset(&s, &offset)) || s.p != s.end)
        return false;
    nanos -= offset;
    if (!in_nanos && nanos % 1000 != 0)
        return false;
    return !__builtin_mul_overflow(days, INT64_C(86400000000) * (in_nanos ? 1000 : 1), &days) &&
           !__builtin_add_overflow(days, in_nanos ? nanos : nanos / 1000, ret);
}

/* --- all types --- */

static void put_uuid(char out[40], const uint8_t uuid[16])
{
    char hex[32];

    hex_encode(uuid, 16, hex);
    snprintf(out, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* A double that is printed with the digits of the float: 0.1f gives 0.1, not 0.10000000149011612. */
static double float_for_text(const IceValue *v)
{
    char text[32];
    double value = v->f64;

    for (int precision = 6; v->type == ICE_FLOAT && isfinite(v->f64) && precision <= 9; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, v->f64);
        if (str_to_double(str_from(text), &value, NULL) == 0 && (double)(float)value == v->f64)
            return value;
    }
    return v->f64;
}

static Str floating_text(const IceValue *v, Arena *arena)
{
    _cleanup_buf_ Buf out = BUF_INIT(64);
    JsonWriter w = JSON_WRITER(&out);
    double value = float_for_text(v);

    json_double(&w, value);
    Str text = buf_str(&out);
    if (!isfinite(value))
        text = str_slice(text, 1, text.len - 1); /* without the quotes */
    return arena_str(arena, text);
}

static Str base64_text(Str bytes, Arena *arena)
{
    _cleanup_buf_ Buf out = BUF_INIT(2 * bytes.len + 16);

    base64_encode(bytes, false, &out);
    return arena_str(arena, buf_str(&out));
}

Str ice_value_text(const IceValue *v, Arena *arena)
{
    char text[TEXT_MAX];

    if (v->is_null)
        return STR("null");
    switch ((IceTypeId)v->type) {
    case ICE_BOOLEAN:
        return v->boolean ? STR("true") : STR("false");
    case ICE_INT:
    case ICE_LONG:
        return arena_printf(arena, "%lld", (long long)v->i64);
    case ICE_FLOAT:
    case ICE_DOUBLE:
        return floating_text(v, arena);
    case ICE_DECIMAL:
        return ice_decimal_text(v->decimal, v->scale, arena);
    case ICE_STRING:
        return v->bytes;
    case ICE_UUID:
        put_uuid(text, v->uuid);
        return arena_str(arena, str_from(text));
    case ICE_DATE:
    case ICE_TIME:
    case ICE_TIMESTAMP:
    case ICE_TIMESTAMPTZ:
    case ICE_TIMESTAMP_NS:
    case ICE_TIMESTAMPTZ_NS:
        return arena_str(arena, str_of(text, put_temporal(text, v, true)));
    default:
        return base64_text(v->bytes, arena);
    }
}

static Str hex_text(Str bytes, Arena *arena)
{
    char *out = arena_alloc(arena, 2 * bytes.len + 1);

    hex_encode(bytes.ptr, bytes.len, out);
    return str_of(out, 2 * bytes.len);
}

void ice_value_to_json(JsonWriter *w, const IceValue *v, Arena *arena)
{
    char text[TEXT_MAX];

    if (v->is_null) {
        json_null(w);
        return;
    }
    switch ((IceTypeId)v->type) {
    case ICE_BOOLEAN:
        json_bool(w, v->boolean);
        break;
    case ICE_INT:
    case ICE_LONG:
        json_int(w, v->i64);
        break;
    case ICE_FLOAT:
    case ICE_DOUBLE:
        json_double(w, float_for_text(v));
        break;
    case ICE_STRING:
    case ICE_DECIMAL:
    case ICE_UUID:
        json_str(w, ice_value_text(v, arena));
        break;
    case ICE_DATE:
    case ICE_TIME:
    case ICE_TIMESTAMP:
    case ICE_TIMESTAMPTZ:
    case ICE_TIMESTAMP_NS:
    case ICE_TIMESTAMPTZ_NS:
        json_str(w, str_of(text, put_temporal(text, v, false)));
        break;
    default:
        json_str(w, hex_text(v->bytes, arena));
    }
}

static bool uuid_from_text(Str text, uint8_t uuid[16])
{
    char hex[32];
    size_t n = 0;

    if (text.len != 36)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text.ptr[i] == '-'))
            return false;
        if (!dash)
            hex[n++] = text.ptr[i];
    }
    return hex_decode(str_of(hex, 32), uuid, 16, NULL) == 0;
}

static bool bytes_from_hex(Str text, Arena *arena, Str *ret)
{
    if (text.len % 2 != 0)
        return false;
    uint8_t *bytes = arena_alloc(arena, text.len / 2 + 1);
    *ret = str_of((const char *)bytes, text.len / 2);
    return hex_decode(text, bytes, text.len / 2, NULL) == 0;
}

static bool floating_from_json(const Json *json, IceTypeId type, double *ret)
{
    if (json->type == JSON_INT || json->type == JSON_NUMBER)
        *ret = json_to_double(json);
    else if (json_is(json, JSON_STRING) && str_is(json->text, "NaN"))
        *ret = (double)NAN;
    else if (json_is(json, JSON_STRING) && str_is(json->text, "Infinity"))
        *ret = (double)INFINITY;
    else if (json_is(json, JSON_STRING) && str_is(json->text, "-Infinity"))
        *ret = (double)-INFINITY;
    else
        return false;
    if (type == ICE_FLOAT)
        *ret = (double)(float)*ret;
    return true;
}

static bool scalar_from_json(const IceType *type, const Json *json, Arena *arena, IceValue *v)
{
    bool is_text = json->type == JSON_STRING;
    int64_t limit = type->id == ICE_INT ? INT32_MAX : INT64_MAX;

    switch (type->id) {
    case ICE_BOOLEAN:
        v->boolean = json->type == JSON_TRUE;
        return json->type == JSON_TRUE || json->type == JSON_FALSE;
    case ICE_INT:
    case ICE_LONG:
        v->i64 = json->type == JSON_INT ? json->i64 : 0;
        return json->type == JSON_INT && v->i64 <= limit && v->i64 >= -limit - 1;
    case ICE_FLOAT:
    case ICE_DOUBLE:
        return floating_from_json(json, type->id, &v->f64);
    case ICE_DECIMAL:
        return is_text && ice_decimal_from_text(json->text, type->scale, &v->decimal, NULL) == 0;
    case ICE_DATE:
    case ICE_TIME:
    case ICE_TIMESTAMP:
    case ICE_TIMESTAMPTZ:
    case ICE_TIMESTAMP_NS:
    case ICE_TIMESTAMPTZ_NS:
        return is_text && parse_temporal(type->id, json->text, &v->i64);
    case ICE_STRING:
        v->bytes = json->text;
        return is_text;
    case ICE_UUID:
        return is_text && uuid_from_text(json->text, v->uuid);
    case ICE_FIXED:
        return is_text && json->text.len == 2 * (size_t)type->length &&
               bytes_from_hex(json->text, arena, &v->bytes);
    case ICE_BINARY:
        return is_text && bytes_from_hex(json->text, arena, &v->bytes);
    default:
        return false;
    }
}

int ice_value_from_json(const IceType *type, const Json *json, Arena *arena, IceValue *ret, Error *err)
{
    IceValue v = { .type = (uint8_t)type->id,
                   .scale = (int16_t)type->scale,
                   .is_null = json_is_null(json) };

    if (!v.is_null && !scalar_from_json(type, json, arena, &v)) {
        _cleanup_buf_ Buf text = BUF_INIT(400);
        JsonWriter w = JSON_WRITER(&text);
        json_write_value(&w, json);
        return err_set(err, ERR_BAD_REQUEST, "%.*s is no value of type %.*s", STR_ARG(buf_str(&text)),
                       STR_ARG(ice_type_name(type, arena)));
    }
    *ret = v;
    return 0;
}
