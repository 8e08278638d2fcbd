/* emit_time_call.c - calls of date and time functions whose emission a template cannot say. */
#include "query/engine/emit_call.h"

static int now(Call *c, Buf *out)
{
    return buf_printf(out, "t_tz_make(make_timestamp(CAST(%.*s000 AS BIGINT)), %.*s)",
                      STR_ARG(emit_start_ms(c->m)), STR_ARG(emit_zone_literal(c->m)));
}

/* DuckDB's own function where unit and type are plain: it can be pushed into scans. */
static int date_trunc(Call *c, Buf *out)
{
    static const char *const units[] = {"second", "minute", "hour",    "day",
                                        "week",   "month",  "quarter", "year"};
    const Expr *unit = c->e->call.args[0];
    TypeKind kind = c->e->call.arg_types[1]->kind;
    for (size_t i = 0; unit->kind == EXPR_STRING && i < sizeof units / sizeof *units; i++) {
        if (!str_eq_nocase(unit->text, str_from(units[i])) || (kind == TYPE_DATE && i < 3) ||
            kind == TYPE_TIME)
            continue;
        return buf_printf(
            out, kind == TYPE_DATE ? "CAST(date_trunc('%s', %.*s) AS DATE)" : "date_trunc('%s', %.*s)",
            units[i], STR_ARG(c->args[1]));
    }
    return buf_printf(out, "t_date_trunc(%.*s, %.*s)", STR_ARG(c->args[0]), STR_ARG(c->args[1]));
}

/* All digits of the value: without a way through the native types. */
static int to_iso8601(Call *c, Buf *out)
{
    const SqlType *type = c->e->call.arg_types[0];
    const char *name = emit_is_wide(type)                ? "t_wide_to_iso8601"
                       : type->kind == TYPE_TIMESTAMP_TZ ? "t_to_iso8601_tz"
                                                         : "t_to_iso8601_timestamp";
    return buf_printf(out, "%s(%.*s, %d)", name, STR_ARG(c->args[0]), type->precision);
}

/* sequence() of timestamps: the start, and to it whole steps up to the last one that does not pass the stop.
 */
static int sequence_times(Call *c, Buf *out)
{
    Emitter *m = c->m;
    bool wide = emit_is_wide(c->e->call.arg_types[0]),
         months = c->e->call.arg_types[2]->kind == TYPE_INTERVAL_YEAR_MONTH;
    Lets lets = {0};
    Str start = emit_lets_add(m, &lets, c->args[0]), stop = c->args[1], native = start,
        step = arena_printf(m->arena, "CAST(%.*s AS BIGINT)", STR_ARG(c->args[2])), k = emit_let_name(m),
        exact = start;
    if (wide)
        native = arena_printf(m->arena, "t_narrow(%.*s)", STR_ARG(start));
    else {
        exact = arena_printf(m->arena, "t_widen(%.*s)", STR_ARG(start));
        stop = arena_printf(m->arena, "t_widen(%.*s)", STR_ARG(stop));
    }
    if (!emit_is_simple(c->e->call.args[2]))
        step = emit_lets_add(m, &lets, step);
    Str item = months ? arena_printf(m->arena, "t_timestamp_add_months(%.*s, CAST(%.*s AS INTEGER))",
                                     STR_ARG(native), STR_ARG(k))
                      : arena_printf(m->arena, "t_timestamp_add_ms(%.*s, %.*s)", STR_ARG(native), STR_ARG(k));
    if (wide)
        item = arena_printf(m->arena, "t_keep_picos(%.*s, %.*s)", STR_ARG(item), STR_ARG(start));
    emit_lets(out, &lets,
              arena_printf(m->arena,
                           "list_transform(generate_series(CAST(0 AS BIGINT), t_sequence_last_%s(%.*s, %.*s, "
                           "%.*s), %.*s), lambda %.*s: %.*s)",
                           months ? "months" : "ms", STR_ARG(exact), STR_ARG(stop), STR_ARG(step),
                           STR_ARG(step), STR_ARG(k), STR_ARG(item)));
    return 0;
}

const CallForm emit_time_forms[] = {
    {"@now", now},
    {"@date_trunc", date_trunc},
    {"@to_iso8601", to_iso8601},
    {"@sequence_times", sequence_times},
    {NULL, NULL},
};
