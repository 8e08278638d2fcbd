/* emit_cast.c - one type to another, as Trino's CAST does it. */
#include "query/engine/emit_internal.h"

typedef struct Cast {
    Emitter *m;
    const SqlType *from, *to;
    Str value;
    SqlPos pos;
    Buf *out;
} Cast;

/* DuckDB's plain CAST. */
static int plain(const Cast *c)
{
    return buf_printf(c->out, "CAST(%.*s AS %.*s)", STR_ARG(c->value), DUCKDB(c->m, c->to));
}

static int call1(const Cast *c, const char *function)
{
    return buf_printf(c->out, "%s(%.*s)", function, STR_ARG(c->value));
}

static int refuse(const Cast *c)
{
    return emit_not_supported(c->m, c->pos, "CAST from %.*s to %.*s",
                              STR_ARG(sql_type_name(c->from, c->m->arena)),
                              STR_ARG(sql_type_name(c->to, c->m->arena)));
}

static bool is_text(const SqlType *t)
{
    return t->kind == TYPE_VARCHAR || t->kind == TYPE_CHAR;
}

static const char *short_name(TypeKind kind)
{
    static const char *const names[] = {
        [TYPE_TINYINT] = "tinyint", [TYPE_SMALLINT] = "smallint", [TYPE_INTEGER] = "integer",
        [TYPE_BIGINT] = "bigint",   [TYPE_REAL] = "real",         [TYPE_DOUBLE] = "double",
        [TYPE_BOOLEAN] = "boolean", [TYPE_VARCHAR] = "varchar",
    };
    return names[kind];
}

/* ---- numbers ---- */

/* Every number of so many digits before the point fits, rounded up too. */
static int whole_digits(TypeKind kind)
{
    static const int digits[] = {
        [TYPE_TINYINT] = 2, [TYPE_SMALLINT] = 4, [TYPE_INTEGER] = 9, [TYPE_BIGINT] = 18};
    return digits[kind];
}

static int to_integral(const Cast *c)
{
    const char *name = short_name(c->to->kind);
    switch (c->from->kind) {
    case TYPE_DOUBLE:
        return buf_printf(c->out, "t_double_to_%s(%.*s)", name, STR_ARG(c->value));
    case TYPE_REAL:
        return buf_printf(c->out, "t_double_to_%s(CAST(%.*s AS DOUBLE))", name, STR_ARG(c->value));
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return buf_printf(c->out, "t_varchar_to_%s(%.*s)", name, STR_ARG(c->value));
    case TYPE_JSON:
        return buf_printf(c->out, "t_json_to_%s(%.*s)", name, STR_ARG(c->value));
    case TYPE_NUMBER:
        return buf_printf(c->out, "t_number_to_%s(%.*s)", name, STR_ARG(c->value));
    case TYPE_DECIMAL:
        return c->from->precision - c->from->scale <= whole_digits(c->to->kind)
                   ? plain(c)
                   : buf_printf(c->out, "t_dec_to_%s(%.*s)", name, STR_ARG(c->value));
    case TYPE_BOOLEAN:
        return plain(c);
    default:
        return sql_type_is_integral(c->from) ? plain(c) : refuse(c);
    }
}

enum { DOUBLE_EXACT_DIGITS = 15 };

static int to_floating(const Cast *c)
{
    bool real = c->to->kind == TYPE_REAL;
    switch (c->from->kind) {
    case TYPE_DOUBLE:
        return call1(c, "t_double_to_real");
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return call1(c, real ? "t_varchar_to_real" : "t_varchar_to_double");
    case TYPE_JSON:
        return call1(c, real ? "t_json_to_real" : "t_json_to_double");
    case TYPE_NUMBER:
        return call1(c, real ? "t_number_to_real" : "t_number_to_double");
    case TYPE_DECIMAL:
        if (c->from->precision <= DOUBLE_EXACT_DIGITS)
            return plain(c);
        return buf_printf(c->out, real ? "CAST(t_dec_to_double(%.*s) AS FLOAT)" : "t_dec_to_double(%.*s)",
                          STR_ARG(c->value));
    case TYPE_BOOLEAN:
    case TYPE_REAL:
        return plain(c);
    default:
        return sql_type_is_integral(c->from) ? plain(c) : refuse(c);
    }
}

static bool decimal_holds(const SqlType *from, const SqlType *to)
{
    return from->scale <= to->scale && from->precision - from->scale <= to->precision - to->scale;
}

static int via_scale(const Cast *c, const char *function, const char *more)
{
    return buf_printf(c->out, "CAST(%s_%d(%.*s, %d%s) AS %.*s)", function, c->to->scale, STR_ARG(c->value),
                      c->to->precision, more, DUCKDB(c->m, c->to));
}

static int to_decimal(const Cast *c)
{
    static const char *const upper[] = {
        [TYPE_TINYINT] = ", 'TINYINT'",
        [TYPE_SMALLINT] = ", 'SMALLINT'",
        [TYPE_INTEGER] = ", 'INTEGER'",
        [TYPE_BIGINT] = ", 'BIGINT'",
    };
    const SqlType *as_decimal = sql_type_decimal_of(c->from, c->m->arena);
    if (as_decimal && decimal_holds(as_decimal, c->to))
        return plain(c);
    switch (c->from->kind) {
    case TYPE_DECIMAL:
        return via_scale(c, "t_dec_cast", "");
    case TYPE_DOUBLE:
        return via_scale(c, "t_double_to_decimal", "");
    case TYPE_REAL:
        return via_scale(c, "t_real_to_decimal", "");
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return via_scale(c, "t_varchar_to_decimal", "");
    case TYPE_JSON:
        return via_scale(c, "t_json_to_decimal", "");
    case TYPE_NUMBER:
        return via_scale(c, "t_number_to_decimal", "");
    case TYPE_BOOLEAN: {
        if (c->to->precision > c->to->scale)
            return buf_printf(c->out, "CAST(CAST(%.*s AS INTEGER) AS %.*s)", STR_ARG(c->value),
                              DUCKDB(c->m, c->to));
        Cast number = *c;
        number.value = arena_printf(c->m->arena, "CAST(CAST(%.*s AS INTEGER) AS BIGINT)", STR_ARG(c->value));
        return via_scale(&number, "t_int_to_decimal", ", 'BOOLEAN'");
    }
    default:
        break;
    }
    if (!as_decimal)
        return refuse(c);
    Cast wide = *c;
    wide.value = arena_printf(c->m->arena, "CAST(%.*s AS BIGINT)", STR_ARG(c->value));
    return via_scale(&wide, "t_int_to_decimal", upper[c->from->kind]);
}

static int to_number(const Cast *c)
{
    switch (c->from->kind) {
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return call1(c, "t_varchar_to_number");
    case TYPE_JSON:
        return call1(c, "t_json_to_number");
    case TYPE_DOUBLE:
        return call1(c, "t_double_to_number");
    case TYPE_REAL:
        return call1(c, "t_real_to_number");
    case TYPE_BOOLEAN:
        return buf_printf(c->out, "t_dec_to_number(CAST(%.*s AS INTEGER))", STR_ARG(c->value));
    default:
        return sql_type_is_numeric(c->from) ? call1(c, "t_dec_to_number") : refuse(c);
    }
}

static int to_boolean(const Cast *c)
{
    if (is_text(c->from))
        return call1(c, "t_varchar_to_boolean");
    if (c->from->kind == TYPE_JSON)
        return call1(c, "t_json_to_boolean");
    return sql_type_is_numeric(c->from) ? buf_printf(c->out, "(%.*s <> 0)", STR_ARG(c->value)) : refuse(c);
}

/* ---- text ---- */

static int text_of(const Cast *c, Buf *out)
{
    static const struct {
        TypeKind kind;
        const char *function;
        bool precision;
    } functions[] = {
        {TYPE_DOUBLE, "t_double_to_varchar", false},
        {TYPE_REAL, "t_real_to_varchar", false},
        {TYPE_DATE, "t_date_to_varchar", false},
        {TYPE_TIMESTAMP, "t_timestamp_to_varchar", true},
        {TYPE_TIME, "t_time_to_varchar", true},
        {TYPE_TIMESTAMP_TZ, "t_tz_to_varchar", true},
        {TYPE_INTERVAL_DAY_TIME, "t_interval_ds_to_varchar", false},
        {TYPE_INTERVAL_YEAR_MONTH, "t_interval_ym_to_varchar", false},
        {TYPE_JSON, "t_json_to_varchar", false},
        {TYPE_IPADDRESS, "t_ipaddress_to_varchar", false},
        {TYPE_NUMBER, "t_number_to_varchar", false},
    };
    if (emit_is_wide(c->from) || c->from->kind == TYPE_TIME_TZ)
        return emit_wide_text(c->from, c->value, out);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (functions[i].kind != c->from->kind)
            continue;
        buf_printf(out, "%s(%.*s", functions[i].function, STR_ARG(c->value));
        return functions[i].precision ? buf_printf(out, ", %d)", c->from->precision) : buf_putc(out, ')');
    }
    if (is_text(c->from))
        return buf_add(out, c->value);
    if (c->from->kind == TYPE_DECIMAL && c->from->precision == c->from->scale) {
        /* DuckDB writes ".12" where nothing can stand before the point. */
        if (c->from->precision < 38)
            return buf_printf(out, "CAST(CAST(%.*s AS DECIMAL(%d,%d)) AS VARCHAR)", STR_ARG(c->value),
                              c->from->precision + 1, c->from->scale);
        return buf_printf(out, "replace(replace('x' || CAST(%.*s AS VARCHAR), 'x-.', '-0.'), 'x.', '0.')",
                          STR_ARG(c->value));
    }
    bool native = c->from->kind == TYPE_BOOLEAN || sql_type_is_integral(c->from) ||
                  c->from->kind == TYPE_DECIMAL || c->from->kind == TYPE_UUID;
    return native ? buf_printf(out, "CAST(%.*s AS VARCHAR)", STR_ARG(c->value)) : refuse(c);
}

static const char *fits_function(TypeKind from)
{
    switch (from) {
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_TZ:
    case TYPE_TIME_TZ:
        return "t_fits_varchar_internal";
    case TYPE_TIME:
    case TYPE_BOOLEAN:
    case TYPE_INTERVAL_DAY_TIME:
    case TYPE_INTERVAL_YEAR_MONTH:
        return "t_fits_varchar_cast";
    default:
        return "t_fits_varchar";
    }
}

static int to_text(const Cast *c)
{
    _cleanup_buf_ Buf text = BUF_INIT(EMIT_SQL_MAX);
    if (text_of(c, &text) < 0)
        return -1;
    Str value = buf_str(&text);
    int length = c->to->length;
    if (c->to->kind == TYPE_CHAR)
        return buf_printf(c->out, "rtrim(left(%.*s, %d), ' ')", STR_ARG(value), length);
    if (length == VARCHAR_UNBOUNDED || (is_text(c->from) && c->from->length <= length))
        return buf_add(c->out, value);
    if (is_text(c->from))
        return buf_printf(c->out, "left(%.*s, %d)", STR_ARG(value), length);
    return buf_printf(c->out, "%s(%.*s, %d)", fits_function(c->from->kind), STR_ARG(value), length);
}

/* ---- date and time ---- */

static int to_date(const Cast *c)
{
    if (is_text(c->from))
        return call1(c, "t_varchar_to_date");
    if (c->from->kind == TYPE_TIMESTAMP_TZ)
        return buf_printf(c->out, "CAST(t_tz_local(%.*s) AS DATE)", STR_ARG(c->value));
    return c->from->kind == TYPE_TIMESTAMP ? plain(c) : refuse(c);
}

static int to_timestamp(const Cast *c)
{
    int p = c->to->precision;
    bool rounds = c->from->precision > p;
    switch (c->from->kind) {
    case TYPE_DATE:
        return plain(c);
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return buf_printf(c->out, "t_varchar_to_timestamp(%.*s, %d)", STR_ARG(c->value), p);
    case TYPE_TIMESTAMP:
        return buf_printf(c->out, "t_timestamp_round(%.*s, %d)", STR_ARG(c->value), p);
    case TYPE_TIMESTAMP_TZ:
        return rounds ? buf_printf(c->out, "t_timestamp_round(t_tz_local(%.*s), %d)", STR_ARG(c->value), p)
                      : call1(c, "t_tz_local");
    default:
        return refuse(c);
    }
}

static int to_zoned(const Cast *c)
{
    int p = c->to->precision;
    Str zone = emit_zone_literal(c->m);
    if (is_text(c->from))
        return buf_printf(c->out, "t_varchar_to_tz(%.*s, %d, %.*s)", STR_ARG(c->value), p, STR_ARG(zone));
    if (c->from->kind == TYPE_TIMESTAMP_TZ)
        return buf_printf(c->out, "t_tz_round(%.*s, %d)", STR_ARG(c->value), p);
    if (c->from->kind != TYPE_DATE && c->from->kind != TYPE_TIMESTAMP)
        return refuse(c);
    Str local =
        emit_cast_text(c->m, c->from, sql_type_temporal(c->m->arena, TYPE_TIMESTAMP, p), c->value, c->pos);
    return local.ptr ? buf_printf(c->out, "t_tz_from_local(%.*s, %.*s)", STR_ARG(local), STR_ARG(zone)) : -1;
}

static int to_time(const Cast *c)
{
    int p = c->to->precision;
    if (is_text(c->from))
        return buf_printf(c->out, "t_varchar_to_time(%.*s, %d)", STR_ARG(c->value), p);
    Str value = c->value;
    if (c->from->kind == TYPE_TIMESTAMP)
        value = arena_printf(c->m->arena, "t_timestamp_time(%.*s)", STR_ARG(value));
    else if (c->from->kind == TYPE_TIMESTAMP_TZ)
        value = arena_printf(c->m->arena, "CAST(t_tz_local(%.*s) AS TIME)", STR_ARG(value));
    else if (c->from->kind != TYPE_TIME)
        return refuse(c);
    return c->from->precision > p ? buf_printf(c->out, "t_time_round(%.*s, %d)", STR_ARG(value), p)
                                  : buf_add(c->out, value);
}

/* ---- JSON ---- */

static int json_of(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out);

/* JSON text of an element that may be NULL. */
static Str json_member(Emitter *m, const SqlType *type, Str value, SqlPos pos)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    buf_puts(&out, "coalesce(");
    if (json_of(m, type, value, pos, &out) < 0)
        return STR_NULL;
    buf_puts(&out, ", 'null')");
    return arena_str(m->arena, buf_str(&out));
}

static int json_of_array(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out)
{
    Str name = emit_let_name(m), whole = emit_let_name(m);
    Str member = json_member(m, from->fields[0].type, name, pos);
    if (!member.ptr)
        return -1;
    Str body =
        arena_printf(m->arena, "'[' || array_to_string(list_transform(%.*s, lambda %.*s: %.*s), ',') || ']'",
                     STR_ARG(whole), STR_ARG(name), STR_ARG(member));
    emit_let(out, whole, value,
             arena_printf(m->arena, "CASE WHEN %.*s IS NULL THEN NULL ELSE %.*s END", STR_ARG(whole),
                          STR_ARG(body)));
    return 0;
}

static int json_of_map(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out)
{
    Str name = emit_let_name(m), whole = emit_let_name(m);
    Str key = emit_cast_text(m, from->fields[0].type, &TYPE_VARCHAR_, name, pos);
    Str member = key.ptr ? json_member(m, from->fields[1].type, name, pos) : STR_NULL;
    if (!member.ptr)
        return -1;
    Str body = arena_printf(m->arena,
                            "CASE WHEN %.*s IS NULL THEN NULL ELSE "
                            "t_json_object(list_transform(map_keys(%.*s), lambda %.*s: %.*s), "
                            "list_transform(map_values(%.*s), lambda %.*s: %.*s)) END",
                            STR_ARG(whole), STR_ARG(whole), STR_ARG(name), STR_ARG(key), STR_ARG(whole),
                            STR_ARG(name), STR_ARG(member));
    emit_let(out, whole, value, body);
    return 0;
}

static int json_of_row(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out)
{
    Str whole = emit_let_name(m);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    buf_printf(&body, "CASE WHEN %.*s IS NULL THEN NULL ELSE '{'", STR_ARG(whole));
    for (size_t i = 0; i < from->n_fields; i++) {
        Str member =
            json_member(m, from->fields[i].type,
                        arena_printf(m->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(whole), i), pos);
        if (!member.ptr)
            return -1;
        buf_printf(&body, " || %s t_json_quote(", i ? "',' ||" : "");
        emit_string_literal(&body, from->fields[i].name.ptr ? from->fields[i].name : STR(""));
        buf_printf(&body, ") || ':' || %.*s", STR_ARG(member));
    }
    buf_puts(&body, " || '}' END");
    emit_let(out, whole, value, arena_str(m->arena, buf_str(&body)));
    return 0;
}

static int json_of(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out)
{
    switch (from->kind) {
    case TYPE_UNKNOWN:
        return buf_puts(out, "CAST(NULL AS VARCHAR)");
    case TYPE_JSON:
        return buf_add(out, value);
    case TYPE_BOOLEAN:
        return buf_printf(out, "CAST(%.*s AS VARCHAR)", STR_ARG(value));
    case TYPE_DOUBLE:
    case TYPE_REAL:
        return buf_printf(out, "t_json_of_double(%.*s)", STR_ARG(value));
    case TYPE_NUMBER:
        return buf_printf(out, "t_number_to_json(%.*s)", STR_ARG(value));
    case TYPE_ARRAY:
        return json_of_array(m, from, value, pos, out);
    case TYPE_MAP:
        return json_of_map(m, from, value, pos, out);
    case TYPE_ROW:
        return json_of_row(m, from, value, pos, out);
    default:
        break;
    }
    Str text = emit_cast_text(m, from, &TYPE_VARCHAR_, value, pos);
    if (!text.ptr)
        return -1;
    bool bare = sql_type_is_integral(from) || from->kind == TYPE_DECIMAL;
    return bare ? buf_add(out, text) : buf_printf(out, "t_json_quote(%.*s)", STR_ARG(text));
}

/* A row from an array by position, from an object by names. */
static int from_json_row(const Cast *c)
{
    Emitter *m = c->m;
    Lets lets = {0};
    Str json = emit_lets_add(m, &lets, c->value);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    buf_printf(&body, "CASE WHEN %.*s IS NULL OR %.*s = 'null' THEN NULL ELSE struct_pack(", STR_ARG(json),
               STR_ARG(json));
    for (size_t i = 0; i < c->to->n_fields; i++) {
        _cleanup_buf_ Buf member = BUF_INIT(EMIT_SQL_MAX);
        buf_printf(&member,
                   "CASE WHEN starts_with(%.*s, '[') THEN list_extract(t_json_elements(%.*s), %zu) ELSE "
                   "map_extract_value("
                   "t_json_entries(%.*s), ",
                   STR_ARG(json), STR_ARG(json), i + 1, STR_ARG(json));
        emit_string_literal(&member, c->to->fields[i].name.ptr ? c->to->fields[i].name : STR(""));
        buf_puts(&member, ") END");
        Str field = emit_cast_text(m, &TYPE_JSON_, c->to->fields[i].type,
                                   arena_str(m->arena, buf_str(&member)), c->pos);
        if (!field.ptr)
            return -1;
        buf_printf(&body, "%sf%zu := %.*s", i ? ", " : "", i, STR_ARG(field));
    }
    buf_puts(&body, ") END");
    emit_lets(c->out, &lets, buf_str(&body));
    return 0;
}

/* Trino refuses the type when it runs. */
static int refuse_json(const Cast *c)
{
    Arena *arena = c->m->arena;
    buf_puts(c->out, "CASE WHEN t_fail(9, 'INVALID_CAST_ARGUMENT', ");
    Str type = sql_type_name(c->to, arena);
    emit_string_literal(c->out, arena_printf(arena, "Cannot cast JSON to %.*s", STR_ARG(type)));
    return buf_printf(c->out, ") THEN NULL ELSE CAST(NULL AS %.*s) END", DUCKDB(c->m, c->to));
}

static int from_json(const Cast *c)
{
    Emitter *m = c->m;
    if (!sql_type_is_json_made(c->to))
        return refuse_json(c);
    Str name = emit_let_name(m);
    if (c->to->kind == TYPE_ARRAY) {
        Str element = emit_cast_text(m, &TYPE_JSON_, c->to->fields[0].type, name, c->pos);
        return element.ptr ? buf_printf(c->out, "list_transform(t_json_elements(%.*s), lambda %.*s: %.*s)",
                                        STR_ARG(c->value), STR_ARG(name), STR_ARG(element))
                           : -1;
    }
    if (c->to->kind == TYPE_MAP) {
        Str key = emit_cast_text(m, &TYPE_VARCHAR_, c->to->fields[0].type,
                                 arena_printf(m->arena, "%.*s.key", STR_ARG(name)), c->pos);
        Str value = key.ptr ? emit_cast_text(m, &TYPE_JSON_, c->to->fields[1].type,
                                             arena_printf(m->arena, "%.*s.value", STR_ARG(name)), c->pos)
                            : STR_NULL;
        return value.ptr ? buf_printf(c->out,
                                      "map_from_entries(list_transform(map_entries(t_json_entries(%.*s)), "
                                      "lambda %.*s: struct_pack(k := "
                                      "%.*s, v := %.*s)))",
                                      STR_ARG(c->value), STR_ARG(name), STR_ARG(key), STR_ARG(value))
                         : -1;
    }
    return from_json_row(c);
}

/* ---- arrays, maps, rows ---- */

static int array_to_array(const Cast *c)
{
    Emitter *m = c->m;
    const SqlType *from = c->from->fields[0].type, *to = c->to->fields[0].type;
    if (from->kind == TYPE_UNKNOWN)
        return plain(c);
    Str name = emit_let_name(m);
    Str element = emit_cast_text(m, from, to, name, c->pos);
    return element.ptr ? buf_printf(c->out, "list_transform(%.*s, lambda %.*s: %.*s)", STR_ARG(c->value),
                                    STR_ARG(name), STR_ARG(element))
                       : -1;
}

static int map_to_map(const Cast *c)
{
    Emitter *m = c->m;
    if (c->from->fields[0].type->kind == TYPE_UNKNOWN)
        return plain(c);
    Str name = emit_let_name(m);
    Str key = emit_cast_text(m, c->from->fields[0].type, c->to->fields[0].type,
                             arena_printf(m->arena, "%.*s.key", STR_ARG(name)), c->pos);
    Str value = emit_cast_text(m, c->from->fields[1].type, c->to->fields[1].type,
                               arena_printf(m->arena, "%.*s.value", STR_ARG(name)), c->pos);
    if (!key.ptr || !value.ptr)
        return -1;
    return buf_printf(
        c->out,
        "map_from_entries(list_transform(map_entries(%.*s), lambda %.*s: struct_pack(k := %.*s, v := %.*s)))",
        STR_ARG(c->value), STR_ARG(name), STR_ARG(key), STR_ARG(value));
}

static int row_to_row(const Cast *c)
{
    Emitter *m = c->m;
    Str whole = emit_let_name(m);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    buf_printf(&body, "CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(", STR_ARG(whole));
    for (size_t i = 0; i < c->to->n_fields; i++) {
        Str field =
            emit_cast_text(m, c->from->fields[i].type, c->to->fields[i].type,
                           arena_printf(m->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(whole), i), c->pos);
        if (!field.ptr)
            return -1;
        buf_printf(&body, "%sf%zu := %.*s", i ? ", " : "", i, STR_ARG(field));
    }
    buf_puts(&body, ") END");
    emit_let(c->out, whole, c->value, arena_str(m->arena, buf_str(&body)));
    return 0;
}

/* ---- bytes ---- */

static int to_ipaddress(const Cast *c)
{
    return c->from->kind == TYPE_VARCHAR     ? call1(c, "t_varchar_to_ipaddress")
           : c->from->kind == TYPE_VARBINARY ? call1(c, "t_varbinary_to_ipaddress")
                                             : refuse(c);
}

static int to_uuid(const Cast *c)
{
    return c->from->kind == TYPE_VARCHAR     ? call1(c, "t_varchar_to_uuid")
           : c->from->kind == TYPE_VARBINARY ? call1(c, "t_varbinary_to_uuid")
                                             : refuse(c);
}

static int to_varbinary(const Cast *c)
{
    switch (c->from->kind) {
    case TYPE_CHAR:
        return buf_printf(c->out, "t_to_utf8(t_char_pad(%.*s, %d))", STR_ARG(c->value), c->from->length);
    case TYPE_VARCHAR:
        return call1(c, "t_to_utf8");
    case TYPE_IPADDRESS:
    case TYPE_HYPERLOGLOG:
    case TYPE_P4HYPERLOGLOG:
    case TYPE_TDIGEST:
    case TYPE_QDIGEST:
    case TYPE_SETDIGEST:
        return buf_add(c->out, c->value);
    case TYPE_UUID:
        return call1(c, "t_uuid_to_varbinary");
    default:
        return refuse(c);
    }
}

/* ---- dispatch ---- */

bool emit_cast_is_free(const SqlType *from, const SqlType *to)
{
    if (sql_type_equal(from, to))
        return true;
    if (from->kind == TYPE_CHAR && to->kind == TYPE_VARCHAR)
        return from->length <= to->length;
    if (from->kind != to->kind)
        return false;
    switch (type_infos[from->kind].parameters) {
    case TYPE_PARAMETERS_LENGTH:
        return from->length <= to->length;
    case TYPE_PARAMETERS_TEMPORAL:
        return from->precision <= to->precision && emit_is_wide(from) == emit_is_wide(to);
    case TYPE_PARAMETERS_NESTED:
        for (size_t i = 0; i < from->n_fields; i++)
            if (!emit_cast_is_free(from->fields[i].type, to->fields[i].type))
                return false;
        return true;
    default:
        return false;
    }
}

/* A digest is its bytes; what they must be is looked at when they are used. */
static int to_digest(const Cast *c)
{
    if (c->to->kind == TYPE_P4HYPERLOGLOG && c->from->kind == TYPE_HYPERLOGLOG)
        return call1(c, "t_hll_dense");
    return buf_add(c->out, c->value);
}

static int (*const casts[])(const Cast *) = {
    [TYPE_BOOLEAN] = to_boolean,    [TYPE_TINYINT] = to_integral, [TYPE_SMALLINT] = to_integral,
    [TYPE_INTEGER] = to_integral,   [TYPE_BIGINT] = to_integral,  [TYPE_REAL] = to_floating,
    [TYPE_DOUBLE] = to_floating,    [TYPE_DECIMAL] = to_decimal,  [TYPE_VARCHAR] = to_text,
    [TYPE_CHAR] = to_text,          [TYPE_DATE] = to_date,        [TYPE_TIMESTAMP] = to_timestamp,
    [TYPE_TIMESTAMP_TZ] = to_zoned, [TYPE_TIME] = to_time,        [TYPE_IPADDRESS] = to_ipaddress,
    [TYPE_UUID] = to_uuid,          [TYPE_VARBINARY] = to_varbinary, [TYPE_NUMBER] = to_number,
    [TYPE_HYPERLOGLOG] = to_digest, [TYPE_P4HYPERLOGLOG] = to_digest, [TYPE_TDIGEST] = to_digest,
    [TYPE_QDIGEST] = to_digest,     [TYPE_SETDIGEST] = to_digest,
    [TYPE_FUNCTION] = NULL,
};

int emit_cast(Emitter *m, const SqlType *from, const SqlType *to, Str value, SqlPos pos, Buf *out)
{
    Cast c = {m, from, to, value, pos, out};
    if (!emit_type_is_carried(from) || !emit_type_is_carried(to))
        return refuse(&c);
    if (emit_cast_is_free(from, to))
        return buf_add(out, value);
    if (from->kind == TYPE_UNKNOWN)
        return plain(&c);
    if (to->kind == TYPE_VARIANT)
        return emit_to_variant(m, from, value, pos, out);
    if (from->kind == TYPE_VARIANT)
        return to->kind == TYPE_JSON ? buf_add(out, value) : refuse(&c);
    if (to->kind == TYPE_JSON)
        return json_of(m, from, value, pos, out);
    if (from->kind == TYPE_JSON && (to->kind == TYPE_ARRAY || to->kind == TYPE_MAP || to->kind == TYPE_ROW))
        return from_json(&c);
    if (from->kind == to->kind && from->kind == TYPE_ARRAY)
        return array_to_array(&c);
    if (from->kind == to->kind && from->kind == TYPE_MAP)
        return map_to_map(&c);
    if (from->kind == to->kind && from->kind == TYPE_ROW)
        return row_to_row(&c);
    if (emit_cast_is_wide(from, to) && !is_text(to))
        return emit_wide_cast(m, from, to, value, pos, out);
    return casts[to->kind] ? casts[to->kind](&c) : refuse(&c);
}

Str emit_cast_text(Emitter *m, const SqlType *from, const SqlType *to, Str value, SqlPos pos)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    if (emit_cast(m, from, to, value, pos, &out) < 0)
        return STR_NULL;
    return arena_str(m->arena, buf_str(&out));
}
