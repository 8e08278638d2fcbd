/* emit_variant.c - casts to and from variant, which is held as the JSON text that the protocol shows: objects
 * sorted by name, times in microseconds or nanoseconds, instants in UTC, bytes in base64. What that text no
 * longer says (is a string a date?) is not asked of it: casts back are to JSON only. Source: Trino's
 * documentation "Variant"; behaviour of release 483. */
#include "query/engine/emit_internal.h"

enum { MICRO_DIGITS = 6, NANO_DIGITS = 9 };

static int variant_of(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out);

/* Of an element that may be NULL. */
static Str member(Emitter *m, const SqlType *type, Str value, SqlPos pos)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    buf_puts(&out, "coalesce(");
    if (variant_of(m, type, value, pos, &out) < 0)
        return STR_NULL;
    buf_puts(&out, ", 'null')");
    return arena_str(m->arena, buf_str(&out));
}

static int of_array(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out)
{
    Str name = emit_let_name(m), element = member(m, from->fields[0].type, name, pos);
    return element.ptr
               ? buf_printf(out,
                            "('[' || array_to_string(list_transform(%.*s, lambda %.*s: %.*s), ',') || ']')",
                            STR_ARG(value), STR_ARG(name), STR_ARG(element))
               : -1;
}

static int of_map(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out)
{
    if (from->fields[0].type->kind != TYPE_VARCHAR)
        return emit_not_supported(m, pos, "CAST of a map to variant whose keys are no varchar");
    Str name = emit_let_name(m), whole = emit_let_name(m),
        element = member(m, from->fields[1].type, name, pos);
    if (!element.ptr)
        return -1;
    emit_let(out, whole, value,
             arena_printf(m->arena,
                          "CASE WHEN %.*s IS NULL THEN NULL ELSE t_json_object(map_keys(%.*s), "
                          "list_transform(map_values(%.*s), lambda %.*s: %.*s)) END",
                          STR_ARG(whole), STR_ARG(whole), STR_ARG(whole), STR_ARG(name), STR_ARG(element)));
    return 0;
}

static int of_row(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out)
{
    Str whole = emit_let_name(m);
    _cleanup_buf_ Buf names = BUF_INIT(EMIT_SQL_MAX), values = BUF_INIT(EMIT_SQL_MAX);
    for (size_t i = 0; i < from->n_fields; i++) {
        if (!from->fields[i].name.ptr)
            return err_set(m->err, ERR_INVALID_CAST_ARGUMENT,
                           "Cannot cast ROW with anonymous fields to VARIANT");
        Str field = arena_printf(m->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(whole), i);
        Str text = member(m, from->fields[i].type, field, pos);
        if (!text.ptr)
            return -1;
        buf_puts(&names, i ? ", " : "");
        emit_string_literal(&names, from->fields[i].name);
        buf_printf(&values, "%s%.*s", i ? ", " : "", STR_ARG(text));
    }
    emit_let(out, whole, value,
             arena_printf(m->arena,
                          "CASE WHEN %.*s IS NULL THEN NULL ELSE t_json_object(CAST([%.*s] AS VARCHAR[]), "
                          "CAST([%.*s] AS VARCHAR[])) END",
                          STR_ARG(whole), STR_ARG(buf_str(&names)), STR_ARG(buf_str(&values))));
    return 0;
}

static int quote(Str text, Buf *out)
{
    return text.ptr ? buf_printf(out, "t_json_quote(%.*s)", STR_ARG(text)) : -1;
}

/* The text with six or nine digits; finer ones are cut off, not rounded. */
static int of_time(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out)
{
    bool instant = from->kind == TYPE_TIMESTAMP_TZ;
    int digits = from->kind == TYPE_TIME || from->precision <= MICRO_DIGITS ? MICRO_DIGITS : NANO_DIGITS;
    const SqlType *local = instant ? sql_type_temporal(m->arena, TYPE_TIMESTAMP, from->precision) : from;
    if (instant) {
        _cleanup_buf_ Buf utc = BUF_INIT(EMIT_SQL_MAX);
        Narrowed n = emit_narrow_begin(m, from, value, false);
        emit_narrow_end(m, &n, arena_printf(m->arena, "t_tz_at_zone(%.*s, 'UTC')", STR_ARG(n.value)), true,
                        &utc);
        value = emit_cast_text(m, from, local, arena_str(m->arena, buf_str(&utc)), pos);
        if (!value.ptr)
            return -1;
    }
    const SqlType *shown = sql_type_temporal(m->arena, local->kind, digits);
    bool widens = local->precision <= digits;
    if (widens)
        value = emit_cast_text(m, local, shown, value, pos);
    Str text = value.ptr ? emit_cast_text(m, widens ? shown : local, &TYPE_VARCHAR_, value, pos) : STR_NULL;
    if (!text.ptr)
        return -1;
    if (!widens)
        text = arena_printf(m->arena, "left(%.*s, - %d)", STR_ARG(text), local->precision - digits);
    return buf_printf(out, "('\"' || %.*s || '%s\"')", STR_ARG(text), instant ? " UTC" : "");
}

static int variant_of(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out)
{
    switch (from->kind) {
    case TYPE_UNKNOWN:
        return buf_puts(out, "CAST(NULL AS VARCHAR)");
    case TYPE_JSON:
    case TYPE_VARIANT:
        return buf_add(out, value);
    case TYPE_REAL:
    case TYPE_DOUBLE:
        return buf_printf(out, "t_json_of_double(%.*s)", STR_ARG(value));
    case TYPE_VARBINARY:
        return buf_printf(out, "t_json_quote(t_to_base64(%.*s))", STR_ARG(value));
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_TZ:
        return of_time(m, from, value, pos, out);
    case TYPE_ARRAY:
        return of_array(m, from, value, pos, out);
    case TYPE_MAP:
        return of_map(m, from, value, pos, out);
    case TYPE_ROW:
        return of_row(m, from, value, pos, out);
    default:
        break;
    }
    Str text = emit_cast_text(m, from, &TYPE_VARCHAR_, value, pos);
    bool bare = from->kind == TYPE_BOOLEAN || sql_type_is_numeric(from);
    return !text.ptr ? -1 : bare ? buf_add(out, text) : quote(text, out);
}

int emit_to_variant(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out)
{
    return variant_of(m, from, value, pos, out);
}
