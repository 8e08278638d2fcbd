/* emit_time.c - dates and times beyond what DuckDB's own types hold: more than six digits ("wide") and times
 * with a zone.
 *
 * Arithmetic and units never touch anything below a microsecond. So a wide value goes to the native type,
 * through the same functions as all others, and takes back the picoseconds that it had: emit_narrow_begin()
 * and emit_narrow_end() around the native emission. Casts go from kind to kind in the wide form, then round.
 */
#include "query/engine/emit_internal.h"

#include "query/analyzer/internal.h"

enum { NATIVE_DIGITS = 6 };

bool emit_is_wide(const SqlType *t)
{
    bool temporal = t->kind == TYPE_TIME || t->kind == TYPE_TIMESTAMP || t->kind == TYPE_TIMESTAMP_TZ;
    return temporal && t->precision > NATIVE_DIGITS;
}

/* ---- around native emissions ---- */

Narrowed emit_narrow_begin(Emitter *m, const SqlType *type, Str value, bool is_simple)
{
    Narrowed n = {.type = type, .whole = value, .value = value};
    if (!emit_is_wide(type) && type->kind != TYPE_TIME_TZ)
        return n;
    if (!is_simple)
        n.whole = emit_lets_add(m, &n.lets, value);
    n.value = arena_printf(m->arena, type->kind == TYPE_TIME_TZ ? "t_timetz_time(%.*s)" : "t_narrow(%.*s)",
                           STR_ARG(n.whole));
    return n;
}

void emit_narrow_end(Emitter *m, const Narrowed *n, Str body, bool keeps_picos, Buf *out)
{
    if (n->type->kind == TYPE_TIME_TZ)
        body = arena_printf(m->arena, "%s(%.*s, %.*s)", keeps_picos ? "t_timetz_keep" : "t_timetz_set",
                            STR_ARG(body), STR_ARG(n->whole));
    else if (emit_is_wide(n->type) && keeps_picos)
        body = arena_printf(m->arena, "t_keep_picos(%.*s, %.*s)", STR_ARG(body), STR_ARG(n->whole));
    else if (emit_is_wide(n->type))
        body = arena_printf(m->arena, "t_widen(%.*s)", STR_ARG(body));
    emit_lets(out, &n->lets, body);
}

/* ---- now ---- */

Str emit_now_us(Emitter *m)
{
    return arena_printf(m->arena, "CAST(%.*s AS BIGINT)", STR_ARG(emit_start_us(m)));
}

int emit_time_at_zone(Emitter *m, Str value, Str zone, TypeKind zone_kind, Buf *out)
{
    if (zone_kind == TYPE_INTERVAL_DAY_TIME)
        return buf_printf(out, "t_timetz_at_zone(%.*s, %.*s)", STR_ARG(value), STR_ARG(zone));
    return buf_printf(out, "t_timetz_at_zone(%.*s, %.*s, %.*s)", STR_ARG(value), STR_ARG(zone),
                      STR_ARG(emit_now_us(m)));
}

/* The session's date. */
static Str today(Emitter *m)
{
    return arena_printf(m->arena, "CAST(t_tz_local(t_tz_make(make_timestamp(%.*s), %.*s)) AS DATE)",
                        STR_ARG(emit_now_us(m)), STR_ARG(emit_zone_literal(m)));
}

/* ---- casts ---- */

/* From kind to kind in the wide form. $1 the value, $z the session's zone, $n now, $d today. A date is the
 * timestamp at its midnight. */
static const struct {
    TypeKind from, to;
    const char *emission;
} conversions[] = {
    {TYPE_TIME, TYPE_TIME_TZ, "t_timetz_of_time($1, $z, $n)"},
    {TYPE_TIME, TYPE_TIMESTAMP, "t_wide_on_day($1, $d)"},
    {TYPE_TIME, TYPE_TIMESTAMP_TZ, "t_wide_from_local(t_wide_on_day($1, $d), $z)"},
    {TYPE_TIME_TZ, TYPE_TIME, "t_timetz_local($1)"},
    {TYPE_TIME_TZ, TYPE_TIMESTAMP, "t_wide_on_day(t_timetz_local($1), $d)"},
    {TYPE_TIME_TZ, TYPE_TIMESTAMP_TZ, "t_timetz_on_day($1, $d)"},
    {TYPE_TIMESTAMP, TYPE_TIME, "t_wide_time($1)"},
    {TYPE_TIMESTAMP, TYPE_TIME_TZ, "t_timetz_of_timestamp($1, $z, $n)"},
    {TYPE_TIMESTAMP, TYPE_TIMESTAMP_TZ, "t_wide_from_local($1, $z)"},
    {TYPE_TIMESTAMP_TZ, TYPE_TIME, "t_wide_zoned_time($1)"},
    {TYPE_TIMESTAMP_TZ, TYPE_TIME_TZ, "t_timetz_of_tz($1)"},
    {TYPE_TIMESTAMP_TZ, TYPE_TIMESTAMP, "t_wide_local($1)"},
};

static bool is_temporal(const SqlType *t)
{
    return t->kind >= TYPE_DATE && t->kind <= TYPE_TIMESTAMP_TZ;
}

static bool is_text(const SqlType *t)
{
    return t->kind == TYPE_VARCHAR || t->kind == TYPE_CHAR;
}

bool emit_cast_is_wide(const SqlType *from, const SqlType *to)
{
    if (!(is_temporal(from) || is_text(from)) || !(is_temporal(to) || is_text(to)))
        return false;
    bool onto_day = from->kind == TYPE_TIME && (to->kind == TYPE_TIMESTAMP || to->kind == TYPE_TIMESTAMP_TZ);
    return emit_is_wide(from) || emit_is_wide(to) || from->kind == TYPE_TIME_TZ || to->kind == TYPE_TIME_TZ ||
           onto_day;
}

static Str widened(Emitter *m, const SqlType *from, Str value)
{
    if (from->kind == TYPE_DATE)
        return arena_printf(m->arena, "t_widen(CAST(%.*s AS TIMESTAMP))", STR_ARG(value));
    if (from->kind == TYPE_TIME_TZ || emit_is_wide(from))
        return value;
    return arena_printf(m->arena, "t_widen(%.*s)", STR_ARG(value));
}

static Str filled(Emitter *m, const char *emission, Str value)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    for (const char *p = emission; *p; p++) {
        if (*p != '$') {
            buf_putc(&out, *p);
            continue;
        }
        p++;
        buf_add(&out, *p == '1'   ? value
                      : *p == 'z' ? emit_zone_literal(m)
                      : *p == 'n' ? emit_now_us(m)
                                  : today(m));
    }
    return arena_str(m->arena, buf_str(&out));
}

static Str of_text(Emitter *m, const SqlType *to, Str value)
{
    static const char *const functions[] = {
        [TYPE_TIME] = "t_varchar_to_wide_time",
        [TYPE_TIME_TZ] = "t_varchar_to_timetz",
        [TYPE_TIMESTAMP] = "t_varchar_to_wide_timestamp",
        [TYPE_TIMESTAMP_TZ] = "t_varchar_to_wide_tz",
    };
    bool zoned = to->kind == TYPE_TIMESTAMP_TZ;
    return arena_printf(m->arena, "%s(%.*s, %d%s%.*s)", functions[to->kind], STR_ARG(value), to->precision,
                        zoned ? ", " : "", STR_ARG(zoned ? emit_zone_literal(m) : STR("")));
}

int emit_wide_text(const SqlType *from, Str value, Buf *out)
{
    return buf_printf(out, "%s(%.*s, %d)",
                      from->kind == TYPE_TIME_TZ ? "t_timetz_to_varchar" : "t_wide_to_varchar",
                      STR_ARG(value), from->precision);
}

/* To a temporal type; emit_cast_is_wide() holds. */
int emit_wide_cast(Emitter *m, const SqlType *from, const SqlType *to, Str value, SqlPos pos, Buf *out)
{
    if (is_text(from))
        return buf_add(out, of_text(m, to, value));
    if (to->kind == TYPE_DATE) {
        const SqlType *native = sql_type_temporal(m->arena, from->kind, NATIVE_DIGITS);
        return emit_cast(m, native, to, arena_printf(m->arena, "t_narrow(%.*s)", STR_ARG(value)), pos, out);
    }
    TypeKind kind = from->kind == TYPE_DATE ? TYPE_TIMESTAMP : from->kind;
    Str wide = widened(m, from, value);
    for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++)
        if (conversions[i].from == kind && conversions[i].to == to->kind)
            wide = filled(m, conversions[i].emission, wide);
    bool zoned_time = to->kind == TYPE_TIME_TZ;
    if (from->precision > to->precision)
        wide = arena_printf(m->arena, "%s(%.*s, %d)", zoned_time ? "t_timetz_round" : "t_wide_round",
                            STR_ARG(wide), to->precision);
    return buf_printf(out, emit_is_wide(to) || zoned_time ? "%.*s" : "t_narrow(%.*s)", STR_ARG(wide));
}

/* ---- literals ---- */

int emit_wide_literal(Emitter *m, const Expr *e, const TimestampLiteral *t, int64_t days, Buf *out)
{
    const int64_t second_picos = 1000000000000;
    int64_t seconds = t->hour * 3600 + t->minute * 60 + t->second;
    if (e->type->kind == TYPE_TIME)
        return buf_printf(out, "CAST(%lld AS BIGINT)", (long long)(seconds * second_picos + t->picos));
    seconds += days * 86400;
    /* Both parts side by side are the number's digits. */
    if (e->type->kind == TYPE_TIMESTAMP && seconds >= 0)
        return buf_printf(out, "CAST('%lld%012lld' AS HUGEINT)", (long long)seconds, (long long)t->picos);
    _cleanup_buf_ Buf text = BUF_INIT(1 << 16);
    emit_string_literal(&text, e->generic.text);
    return buf_add(out, of_text(m, e->type, buf_str(&text)));
}
