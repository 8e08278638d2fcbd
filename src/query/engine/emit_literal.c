/* emit_literal.c - constants. User text reaches DuckDB only through emit_string_literal(). */
#include "query/engine/emit_internal.h"

#include "base/clock.h"
#include "query/analyzer/internal.h"
#include "query/engine/functions/zones.h"

/* DuckDB reads its SQL as a C string: a NUL stands outside of the quotes, as chr(0). */
static void put_with_nuls(Buf *out, Str value)
{
    buf_putc(out, '(');
    for (Str rest = value; rest.ptr;) {
        emit_string_literal(out, str_cut(rest, '\0', &rest));
        if (rest.ptr)
            buf_puts(out, " || chr(0) || ");
    }
    buf_putc(out, ')');
}

void emit_string_literal(Buf *out, Str value)
{
    if (str_find_char(value, '\0') >= 0) {
        put_with_nuls(out, value);
        return;
    }
    buf_putc(out, '\'');
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\'')
            buf_putc(out, '\'');
        buf_putc(out, value.ptr[i]);
    }
    buf_putc(out, '\'');
}

Str emit_zone_literal(Emitter *m)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 10);
    Str zone = m->context->session ? m->context->session->time_zone : STR("");
    emit_string_literal(&out, zone.len ? zone : STR("UTC"));
    return arena_str(m->arena, buf_str(&out));
}

static Str quoted(Emitter *m, Str text)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    emit_string_literal(&out, text);
    return arena_str(m->arena, buf_str(&out));
}

static int emit_date(Str text, Buf *out)
{
    int64_t days;
    int year, month, day;
    (void)literal_parse_date(text, &days);
    civil_from_days(days, &year, &month, &day);
    if (year >= 1 && year <= 9999)
        return buf_printf(out, "CAST('%04d-%02d-%02d' AS DATE)", year, month, day);
    return buf_printf(out, "(CAST('1970-01-01' AS DATE) + CAST(%lld AS INTEGER))", (long long)days);
}

/* A zone is known here, not to the analyzer. Names in literals are exact, and the wall clock must exist. */
static bool is_zone_of_literal(Str name, int64_t local_seconds)
{
    int16_t zone;
    if (!zone_find(name, &zone))
        return false;
    char text[ZONE_NAME_MAX], *end = zone_put_name(text, zone);
    bool named = zone != ZONE_UTC && !zone_is_offset(zone);
    return !named ||
           (str_eq(name, str_of(text, (size_t)(end - text))) && zone_has_local(zone, local_seconds));
}

/* Trino packs milliseconds, all that there is of three digits, into 52 bits. */
static bool zoned_days_fit(int64_t days, int precision)
{
    const int64_t most = (INT64_C(1) << 51) / 86400000;
    return precision > 3 || (days < most && days > -most);
}

static int emit_timestamp(Emitter *m, const Expr *e, Buf *out)
{
    TimestampLiteral t;
    (void)literal_parse_timestamp(e->generic.text, &t);
    int64_t days = civil_to_days((int)t.year, t.month, t.day);
    int64_t seconds = days * 86400 + t.hour * 3600 + t.minute * 60 + t.second;
    if (t.zone.ptr && (!is_zone_of_literal(t.zone, seconds) || !zoned_days_fit(days, t.precision)))
        return err_set_sql(m->err, ERR_INVALID_LITERAL, e->pos.line, e->pos.column,
                           "'%.*s' is not a valid TIMESTAMP literal", STR_ARG(e->generic.text));
    if (emit_is_wide(e->type))
        return emit_wide_literal(m, e, &t, days, out);
    if (t.zone.ptr)
        return buf_printf(out, "t_varchar_to_tz(%.*s, %d, %.*s)", STR_ARG(quoted(m, e->generic.text)),
                          e->type->precision, STR_ARG(emit_zone_literal(m)));
    if (t.year < 1 || t.year > 9999)
        return buf_printf(out, "t_varchar_to_timestamp(%.*s, %d)", STR_ARG(quoted(m, e->generic.text)),
                          e->type->precision);
    return buf_printf(out, "CAST('%04d-%02d-%02d %02d:%02d:%02d.%06lld' AS TIMESTAMP)", (int)t.year, t.month,
                      t.day, t.hour, t.minute, t.second, (long long)(t.picos / 1000000));
}

static int emit_time(Emitter *m, const Expr *e, Buf *out)
{
    TimestampLiteral t;
    (void)literal_parse_time(e->generic.text, &t);
    if (emit_is_wide(e->type))
        return emit_wide_literal(m, e, &t, 0, out);
    return buf_printf(out, "CAST('%02d:%02d:%02d.%06lld' AS TIME)", t.hour, t.minute, t.second,
                      (long long)(t.picos / 1000000));
}

static int emit_decimal(Emitter *m, const SqlType *type, Str text, Buf *out)
{
    return buf_printf(out, "CAST(%.*s AS %.*s)", STR_ARG(quoted(m, str_trim(text))), DUCKDB(m, type));
}

static int emit_generic(Emitter *m, const Expr *e, Buf *out)
{
    switch (e->type->kind) {
    case TYPE_DATE:
        return emit_date(e->generic.text, out);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_TZ:
        return emit_timestamp(m, e, out);
    case TYPE_TIME:
        return emit_time(m, e, out);
    case TYPE_DECIMAL:
        return emit_decimal(m, e->type, e->generic.text, out);
    case TYPE_VARCHAR:
        return buf_add(out, quoted(m, e->generic.text));
    case TYPE_JSON:
        return buf_printf(out, "t_json_parse(%.*s)", STR_ARG(quoted(m, e->generic.text)));
    default:
        return emit_cast(m, &TYPE_VARCHAR_, e->type, quoted(m, e->generic.text), e->pos, out);
    }
}

static int emit_binary(Str bytes, Buf *out)
{
    buf_puts(out, "unhex('");
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(out, "%02X", (unsigned char)bytes.ptr[i]);
    return buf_puts(out, "')");
}

static int emit_interval(const Expr *e, Buf *out)
{
    int64_t value = 0;
    bool months = false;
    (void)literal_parse_interval(e, &value, &months);
    return buf_printf(out, "CAST(%lld AS %s)", (long long)value, months ? "INTEGER" : "BIGINT");
}

int emit_literal(Emitter *m, const Expr *e, Buf *out)
{
    switch (e->kind) {
    case EXPR_NULL:
        return buf_puts(out, "CAST(NULL AS BOOLEAN)");
    case EXPR_BOOLEAN:
        return buf_puts(out, e->boolean ? "true" : "false");
    case EXPR_INTEGER:
        return buf_printf(out, "CAST(%lld AS %.*s)", (long long)e->integer.value, DUCKDB(m, e->type));
    case EXPR_DECIMAL:
        return emit_decimal(m, e->type, e->text, out);
    case EXPR_DOUBLE:
        return buf_printf(out, "CAST('%.*s' AS DOUBLE)", STR_ARG(e->text));
    case EXPR_STRING:
        return buf_add(out, quoted(m, e->text));
    case EXPR_BINARY:
        return emit_binary(e->text, out);
    case EXPR_INTERVAL:
        return emit_interval(e, out);
    default:
        return emit_generic(m, e, out);
    }
}
