/* literal.c - literals: are they valid, and of which type. Source: Trino's documentation "Data types";
 * behaviour of 483. */
#include "query/analyzer/internal.h"

#include "base/clock.h"
#include "format/json.h"

enum { DECIMAL_MAX = 38, TEMPORAL_MAX = 12, YEAR_DIGITS_MAX = 9 };

/* ---- reading numbers ---- */

static bool read_char(Str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = str_slice(*s, 1, s->len);
    return true;
}

/* Digits at the front: between `least` and `most` of them. */
static bool read_digits(Str *s, size_t least, size_t most, int64_t *ret)
{
    size_t n = 0;
    int64_t value = 0;
    while (n < s->len && s->ptr[n] >= '0' && s->ptr[n] <= '9') {
        if (n < 18)
            value = value * 10 + (s->ptr[n] - '0');
        n++;
    }
    if (n < least || n > most)
        return false;
    *ret = value;
    *s = str_slice(*s, n, s->len);
    return true;
}

static bool read_int(Str *s, size_t least, size_t most, int64_t low, int64_t high, int *ret)
{
    int64_t value;
    if (!read_digits(s, least, most, &value) || value < low || value > high)
        return false;
    *ret = (int)value;
    return true;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool read_date(Str *s, TimestampLiteral *t, size_t year_digits_min)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool negative = read_char(s, '-');
    if (!negative)
        read_char(s, '+');
    if (!read_digits(s, year_digits_min, YEAR_DIGITS_MAX, &t->year) || !read_char(s, '-') ||
        !read_int(s, 1, 2, 1, 12, &t->month) || !read_char(s, '-') || !read_int(s, 1, 2, 1, 31, &t->day))
        return false;
    if (negative)
        t->year = -t->year;
    return t->day <= days[t->month - 1] + (t->month == 2 && is_leap(t->year));
}

static bool read_fraction(Str *s, TimestampLiteral *t)
{
    if (!read_char(s, '.'))
        return true;
    size_t before = s->len;
    int64_t value;
    if (!read_digits(s, 1, 100, &value))
        return false;
    t->precision = (int)(before - s->len);
    for (int i = t->precision; i < TEMPORAL_MAX; i++)
        value *= 10;
    t->picos = value;
    return true;
}

static bool read_time(Str *s, TimestampLiteral *t)
{
    if (!read_int(s, 1, 2, 0, 23, &t->hour) || !read_char(s, ':') || !read_int(s, 1, 2, 0, 59, &t->minute))
        return false;
    t->has_time = true;
    if (!read_char(s, ':'))
        return true;
    return read_int(s, 1, 2, 0, 59, &t->second) && read_fraction(s, t);
}

bool literal_parse_date(Str text, int64_t *ret_days)
{
    Str s = str_trim(text);
    TimestampLiteral t = {0};
    if (!read_date(&s, &t, 1) || s.len > 0 || t.year > 5881580 || t.year < -5877641)
        return false;
    *ret_days = civil_to_days((int)t.year, t.month, t.day);
    return true;
}

static bool is_offset(Str zone)
{
    Str s = zone;
    int hour, minute = 0;
    if (!read_char(&s, '+') && !read_char(&s, '-'))
        return false;
    return read_int(&s, 1, 2, 0, 14, &hour) &&
           (s.len == 0 || (read_char(&s, ':') && read_int(&s, 2, 2, 0, 59, &minute))) && s.len == 0 &&
           (hour < 14 || minute == 0);
}

/* The shape of a zone's name; whether there is such a zone is checked where the zone table is. */
static bool is_zone(Str zone)
{
    if (zone.len == 0)
        return false;
    char first = zone.ptr[0];
    if (first == '+' || first == '-')
        return is_offset(zone);
    bool letter = (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
    return letter && str_find_char(zone, ' ') < 0;
}

bool literal_parse_timestamp(Str text, TimestampLiteral *ret)
{
    Str s = str_trim(text);
    TimestampLiteral t = {0};
    if (!read_date(&s, &t, 4))
        return false;
    if (s.len > 0 && s.ptr[0] == ' ') {
        Str rest = str_slice(s, 1, s.len);
        if (rest.len > 0 && rest.ptr[0] >= '0' && rest.ptr[0] <= '9') {
            s = rest;
            if (!read_time(&s, &t))
                return false;
        }
    }
    if (s.len > 0) {
        t.zone = str_trim(s);
        if (!is_zone(t.zone))
            return false;
    }
    *ret = t;
    return true;
}

bool literal_parse_time(Str text, TimestampLiteral *ret)
{
    Str s = str_trim(text);
    TimestampLiteral t = {0};
    if (!read_time(&s, &t))
        return false;
    if (s.len > 0) {
        t.zone = str_trim(s);
        if (!is_offset(t.zone))
            return false;
    }
    *ret = t;
    return true;
}

bool literal_parse_decimal(Str text, int *ret_precision, int *ret_scale)
{
    Str s = str_trim(text);
    if (!read_char(&s, '-'))
        read_char(&s, '+');
    size_t whole = 0, significant = 0, scale = 0, digits = 0;
    bool point = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        digits++;
        whole += !point;
        scale += point;
        significant += !point && (significant > 0 || c != '0');
    }
    if (digits == 0)
        return false;
    size_t precision = significant + scale;
    *ret_precision = precision ? (int)precision : 1;
    *ret_scale = (int)scale;
    return precision <= DECIMAL_MAX;
}

/* ---- intervals ---- */

static const struct {
    const char *name;
    bool months;
    int64_t unit;
} interval_fields[] = {
    {"year", true, 12},       {"month", true, 1},       {"week", false, 604800000}, {"day", false, 86400000},
    {"hour", false, 3600000}, {"minute", false, 60000}, {"second", false, 1000},
};
enum { N_INTERVAL_FIELDS = sizeof interval_fields / sizeof *interval_fields };

static int interval_field(Str name)
{
    for (int i = 0; i < N_INTERVAL_FIELDS; i++)
        if (str_is(name, interval_fields[i].name))
            return i;
    return -1;
}

static bool read_seconds(Str *s, int64_t *ms)
{
    TimestampLiteral t = {0};
    int64_t seconds;
    if (!read_digits(s, 1, 18, &seconds) || !read_fraction(s, &t))
        return false;
    return !__builtin_mul_overflow(seconds, 1000, ms) &&
           !__builtin_add_overflow(*ms, t.picos / 1000000000, ms);
}

/* "1-2" from year to month; "1 02:03:04.5" from day to second. The first field may have any number of digits.
 */
static bool read_interval(Str s, int from, int to, int64_t *ret)
{
    int64_t total = 0, value;
    for (int field = from; field <= to; field++) {
        if (str_is(str_from(interval_fields[field].name), "week") && from != field)
            continue;
        if (field > from) {
            char separator = interval_fields[from].months ? '-' : field == 4 ? ' ' : ':';
            if (!read_char(&s, separator)) {
                if (s.len == 0)
                    break;
                return false;
            }
        }
        if (field == N_INTERVAL_FIELDS - 1) {
            if (!read_seconds(&s, &value))
                return false;
        } else if (!read_digits(&s, 1, 18, &value) ||
                   __builtin_mul_overflow(value, interval_fields[field].unit, &value)) {
            return false;
        }
        if (__builtin_add_overflow(total, value, &total))
            return false;
    }
    *ret = total;
    return s.len == 0;
}

bool literal_parse_interval(const Expr *e, int64_t *ret, bool *ret_is_months)
{
    int from = interval_field(e->interval.from);
    int to = e->interval.to.len ? interval_field(e->interval.to) : from;
    if (from < 0 || to < from || interval_fields[from].months != interval_fields[to].months)
        return false;
    Str s = str_trim(e->interval.text);
    bool negative = read_char(&s, '-');
    if (!negative)
        read_char(&s, '+');
    if (!read_interval(s, from, to, ret))
        return false;
    if (negative != e->interval.negative)
        *ret = -*ret;
    *ret_is_months = interval_fields[from].months;
    return !*ret_is_months || (*ret <= INT32_MAX && *ret >= INT32_MIN);
}

static int analyze_interval(ExprContext *c, Expr *e)
{
    int64_t value;
    bool months;
    int from = interval_field(e->interval.from);
    if (from < 0)
        return FAIL(c->a, ERR_TYPE_NOT_FOUND, e->pos, "Unknown type: interval");
    e->type = interval_fields[from].months ? &TYPE_INTERVAL_YEAR_MONTH_ : &TYPE_INTERVAL_DAY_TIME_;
    if (literal_parse_interval(e, &value, &months))
        return 0;
    char from_name[16] = "", to_name[16] = "";
    for (size_t i = 0; i < e->interval.from.len && i < 15; i++)
        from_name[i] = (char)(e->interval.from.ptr[i] - 'a' + 'A');
    for (size_t i = 0; i < e->interval.to.len && i < 15; i++)
        to_name[i] = (char)(e->interval.to.ptr[i] - 'a' + 'A');
    return FAIL(c->a, ERR_INVALID_LITERAL, e->pos, "Invalid INTERVAL %s%s%s value: %.*s", from_name,
                to_name[0] ? " TO " : "", to_name, STR_ARG(e->interval.text));
}

/* ---- TYPE 'text' ---- */

static bool is_integral_text(Str text, TypeKind kind)
{
    static const int64_t limits[] = {
        [TYPE_TINYINT] = INT8_MAX,
        [TYPE_SMALLINT] = INT16_MAX,
        [TYPE_INTEGER] = INT32_MAX,
        [TYPE_BIGINT] = INT64_MAX,
    };
    int64_t value;
    Str s = str_trim(text);
    read_char(&s, '+');
    return str_to_i64(s, -limits[kind] - 1, limits[kind], &value, NULL) == 0;
}

/* 1: of a temporal type, which is set; 0: of no temporal type; -1: not valid. */
static int temporal_literal(ExprContext *c, Expr *e, TypeKind kind)
{
    TimestampLiteral t = {0};
    int64_t days;
    if (kind == TYPE_DATE) {
        e->type = &TYPE_DATE_;
        return literal_parse_date(e->generic.text, &days) ? 1 : -1;
    }
    if (kind != TYPE_TIME && kind != TYPE_TIMESTAMP)
        return 0;
    bool ok = kind == TYPE_TIME ? literal_parse_time(e->generic.text, &t)
                                : literal_parse_timestamp(e->generic.text, &t);
    if (!ok)
        return -1;
    TypeKind zoned = kind == TYPE_TIME ? TYPE_TIME_TZ : TYPE_TIMESTAMP_TZ;
    e->type = sql_type_temporal(c->a->arena, t.zone.ptr ? zoned : kind, t.precision);
    if (t.precision > TEMPORAL_MAX)
        return FAIL(c->a, ERR_NUMERIC_VALUE_OUT_OF_RANGE, e->pos,
                    "%s%s precision must be in range [0, 12]: %d", kind == TYPE_TIME ? "TIME" : "TIMESTAMP",
                    t.zone.ptr ? " WITH TIME ZONE" : "", t.precision) -
               1;
    return 1;
}

static int invalid(ExprContext *c, const Expr *e)
{
    char name[64];
    size_t n = 0;
    Str written = e->generic.type_name->name;
    for (; n < written.len && n < sizeof name - 1; n++)
        name[n] =
            written.ptr[n] >= 'a' && written.ptr[n] <= 'z' ? (char)(written.ptr[n] - 32) : written.ptr[n];
    name[n] = '\0';
    return FAIL(c->a, ERR_INVALID_LITERAL, e->pos, "'%.*s' is not a valid %s literal",
                STR_ARG(e->generic.text), name);
}

static int analyze_generic(ExprContext *c, Expr *e)
{
    Analyzer *a = c->a;
    const SqlType *type;
    Error why;
    if (sql_type_resolve(e->generic.type_name, a->arena, &type, &why) < 0)
        return FAIL(a, ERR_TYPE_NOT_FOUND, e->pos, "%s", why.message);
    e->generic.resolved = e->type = type;
    int temporal = temporal_literal(c, e, type->kind);
    if (temporal) {
        e->generic.resolved = e->type;
        return temporal > 0 ? 0 : temporal == -1 ? invalid(c, e) : -1;
    }
    const Json *json;
    if (type->kind == TYPE_JSON)
        return json_parse(e->generic.text, a->arena, &json, NULL) < 0 ? invalid(c, e) : 0;
    if (type->kind == TYPE_DECIMAL) {
        int precision, scale;
        if (!literal_parse_decimal(e->generic.text, &precision, &scale))
            return invalid(c, e);
        e->type = sql_type_decimal(a->arena, precision, scale);
    } else if (type->kind == TYPE_CHAR) {
        e->type = sql_type_char(a->arena, (int)utf8_length(e->generic.text));
    } else if (sql_type_is_integral(type)) {
        return is_integral_text(e->generic.text, type->kind) ? 0 : invalid(c, e);
    } else if (!sql_type_can_cast(&TYPE_VARCHAR_, type)) {
        return FAIL(a, ERR_TYPE_MISMATCH, e->pos, "No literal form for type %.*s",
                    STR_ARG(sql_type_name(type, a->arena)));
    }
    e->generic.resolved = e->type;
    return 0;
}

static int analyze_decimal(ExprContext *c, Expr *e)
{
    int precision, scale;
    if (!literal_parse_decimal(e->text, &precision, &scale))
        return FAIL(c->a, ERR_INVALID_LITERAL, e->pos, "Invalid decimal literal: %.*s", STR_ARG(e->text));
    e->type = sql_type_decimal(c->a->arena, precision, scale);
    return 0;
}

int analyze_literal(ExprContext *c, Expr *e)
{
    switch (e->kind) {
    case EXPR_NULL:
        e->type = &TYPE_UNKNOWN_;
        return 0;
    case EXPR_BOOLEAN:
        e->type = &TYPE_BOOLEAN_;
        return 0;
    case EXPR_INTEGER:
        e->type =
            e->integer.value <= INT32_MAX && e->integer.value >= INT32_MIN ? &TYPE_INTEGER_ : &TYPE_BIGINT_;
        return 0;
    case EXPR_DECIMAL:
        return analyze_decimal(c, e);
    case EXPR_DOUBLE:
        e->type = &TYPE_DOUBLE_;
        return 0;
    case EXPR_STRING:
        e->type = sql_type_varchar(c->a->arena, (int)utf8_length(e->text));
        return 0;
    case EXPR_BINARY:
        e->type = &TYPE_VARBINARY_;
        return 0;
    case EXPR_INTERVAL:
        return analyze_interval(c, e);
    default:
        return analyze_generic(c, e);
    }
}
