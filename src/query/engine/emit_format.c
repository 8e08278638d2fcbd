/* emit_format.c - format(): its values as texts, each with the kind that functions/format.h knows it by. */
#include "query/engine/emit_call.h"

#include "query/engine/functions/format.h"

static FormatKind kind_of(const SqlType *type)
{
    static const struct {
        TypeKind type;
        FormatKind kind;
    } kinds[] = {
        {TYPE_UNKNOWN, KIND_NULL},       {TYPE_BOOLEAN, KIND_BOOLEAN}, {TYPE_TINYINT, KIND_LONG},
        {TYPE_SMALLINT, KIND_LONG},      {TYPE_INTEGER, KIND_LONG},    {TYPE_BIGINT, KIND_LONG},
        {TYPE_REAL, KIND_FLOAT},         {TYPE_DOUBLE, KIND_DOUBLE},   {TYPE_DECIMAL, KIND_DECIMAL},
        {TYPE_DATE, KIND_DATE},          {TYPE_TIME, KIND_TIME},       {TYPE_TIMESTAMP, KIND_TIMESTAMP},
        {TYPE_TIMESTAMP_TZ, KIND_ZONED},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].type == type->kind)
            return kinds[i].kind;
    return KIND_STRING;
}

/* The instant as text in UTC, and the zone's name: with a local time alone an hour of every autumn would be
 * ambiguous. */
static Str zoned_text(Emitter *m, const SqlType *type, Str value, SqlPos pos)
{
    Str whole = emit_let_name(m);
    Narrowed n = emit_narrow_begin(m, type, whole, true);
    _cleanup_buf_ Buf utc = BUF_INIT(EMIT_SQL_MAX), out = BUF_INIT(EMIT_SQL_MAX);
    emit_narrow_end(m, &n, arena_printf(m->arena, "t_tz_at_zone(%.*s, 'UTC')", STR_ARG(n.value)), true, &utc);
    const SqlType *local = sql_type_temporal(m->arena, TYPE_TIMESTAMP, type->precision);
    Str stamp = emit_cast_text(m, type, local, arena_str(m->arena, buf_str(&utc)), pos);
    Str text = stamp.ptr ? emit_cast_text(m, local, &TYPE_VARCHAR_, stamp, pos) : STR_NULL;
    if (!text.ptr)
        return STR_NULL;
    emit_let(
        &out, whole, value,
        arena_printf(m->arena, "(%.*s || '|' || t_tz_zone_name(%.*s))", STR_ARG(text), STR_ARG(n.value)));
    return arena_str(m->arena, buf_str(&out));
}

static Str value_text(Emitter *m, const SqlType *type, Str value, SqlPos pos)
{
    switch (type->kind) {
    case TYPE_UNKNOWN:
        return STR("CAST(NULL AS VARCHAR)");
    case TYPE_VARCHAR:
    case TYPE_JSON:
        return value;
    case TYPE_CHAR:
        return arena_printf(m->arena, "t_char_pad(%.*s, %d)", STR_ARG(value), type->length);
    case TYPE_REAL:
    case TYPE_DOUBLE: /* all digits, which a cast to varchar does not have */
        return arena_printf(m->arena, "trim(t_json_of_double(%.*s), '\"')", STR_ARG(value));
    case TYPE_TIMESTAMP_TZ:
        return zoned_text(m, type, value, pos);
    default:
        return emit_cast_text(m, type, &TYPE_VARCHAR_, value, pos);
    }
}

static int format_call(Call *c, Buf *out)
{
    Emitter *m = c->m;
    const Expr *e = c->e;
    _cleanup_buf_ Buf kinds = BUF_INIT(EMIT_SQL_MAX);
    buf_printf(out, "t_format(%.*s, [", STR_ARG(c->args[0]));
    for (size_t i = 1; i < e->call.n; i++) {
        const Expr *arg = e->call.args[i];
        Str text = value_text(m, arg->coerced, c->args[i], arg->pos);
        if (!text.ptr)
            return -1;
        buf_printf(out, "%s%.*s", i > 1 ? ", " : "", STR_ARG(text));
        buf_putc(&kinds, (char)kind_of(arg->coerced));
    }
    return buf_printf(out, "], '%.*s')", STR_ARG(buf_str(&kinds)));
}

/* ROW::fields(row): the names are the type's, no value is asked. */
static int row_fields(Call *c, Buf *out)
{
    const SqlType *row = c->e->call.arg_types[0];
    buf_puts(out, "CAST([");
    for (size_t i = 0; i < row->n_fields; i++) {
        buf_puts(out, i ? ", " : "");
        if (row->fields[i].name.ptr)
            emit_string_literal(out, row->fields[i].name);
        else
            buf_puts(out, "NULL");
    }
    return buf_puts(out, "] AS VARCHAR[])");
}

const CallForm emit_format_forms[] = {
    {"@format", format_call},
    {"@row_fields", row_fields},
    {NULL, NULL},
};
