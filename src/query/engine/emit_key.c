/* emit_key.c - what values are grouped and told apart by, where that is not the whole value: an instant is
 * one in any zone, and a map's entries have no order. Sets of rows (DISTINCT, UNION, …) by such columns. */
#include "query/engine/emit_internal.h"

#include "query/analyzer/internal.h"

bool emit_has_key(const SqlType *type)
{
    if (sql_type_is_zoned(type) || type->kind == TYPE_MAP)
        return true;
    for (size_t i = 0; i < type->n_fields; i++)
        if (emit_has_key(type->fields[i].type))
            return true;
    return false;
}

static void row_key(Emitter *m, const SqlType *type, Str value, Buf *out)
{
    buf_printf(out, "CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(", STR_ARG(value));
    for (size_t i = 0; i < type->n_fields; i++) {
        buf_printf(out, "%sf%zu := ", i ? ", " : "", i);
        emit_key(m, type->fields[i].type,
                 arena_printf(m->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(value), i), out);
    }
    buf_puts(out, ") END");
}

static Str key_text(Emitter *m, const SqlType *type, Str value)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    emit_key(m, type, value, &out);
    return arena_str(m->arena, buf_str(&out));
}

void emit_key(Emitter *m, const SqlType *type, Str text, Buf *out)
{
    if (!emit_has_key(type)) {
        buf_add(out, text);
        return;
    }
    if (sql_type_is_zoned(type)) {
        buf_printf(out, "struct_extract(%.*s, 't')", STR_ARG(text));
        return;
    }
    Str x = emit_let_name(m);
    if (type->kind == TYPE_ARRAY) {
        Str item = key_text(m, type->fields[0].type, x);
        buf_printf(out, "list_transform(%.*s, lambda %.*s: %.*s)", STR_ARG(text), STR_ARG(x), STR_ARG(item));
    } else if (type->kind == TYPE_MAP) {
        Str key = key_text(m, type->fields[0].type, arena_printf(m->arena, "%.*s.key", STR_ARG(x))),
            value = key_text(m, type->fields[1].type, arena_printf(m->arena, "%.*s.value", STR_ARG(x)));
        buf_printf(out,
                   "list_sort(list_transform(map_entries(%.*s), lambda %.*s: struct_pack(k := %.*s, v := "
                   "%.*s)))",
                   STR_ARG(text), STR_ARG(x), STR_ARG(key), STR_ARG(value));
    } else if (memchr(text.ptr, '(', text.len)) {
        _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
        row_key(m, type, x, &body);
        emit_let(out, x, text, buf_str(&body));
    } else {
        row_key(m, type, text, out);
    }
}

bool emit_fields_have_key(const Field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (emit_has_key(fields[i].type))
            return true;
    return false;
}

/* The keys of columns c0, c1, …; `prefix` is "" or "u.". */
static void put_keys(Emitter *m, const Field *fields, size_t n, Buf *out)
{
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i ? ", " : "");
        emit_key(m, fields[i].type, arena_printf(m->arena, "c%zu", i), out);
    }
}

int emit_distinct_rows(Emitter *m, const Field *fields, size_t n, Buf *out)
{
    if (!emit_fields_have_key(fields, n))
        return buf_puts(out, "SELECT DISTINCT * FROM (");
    buf_puts(out, "SELECT DISTINCT ON (");
    put_keys(m, fields, n, out);
    return buf_puts(out, ") * FROM (");
}

static void put_columns(size_t n, const char *before, const char *between, Buf *out)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%s%zu%s%zu", i ? ", " : "", before, i, between, i);
}

/* Both sides as one relation, told apart by s. */
static void put_both(Str left, Str right, Buf *out)
{
    buf_printf(out, "(SELECT *, 1 AS s FROM (%.*s) UNION ALL SELECT *, 2 AS s FROM (%.*s))", STR_ARG(left),
               STR_ARG(right));
}

int emit_keyed_set(Emitter *m, const QueryBody *body, Str left, Str right, Buf *out)
{
    size_t n = body->n_fields;
    bool except = body->set.op == SET_EXCEPT;
    if (body->set.op == SET_UNION) {
        emit_distinct_rows(m, body->fields, n, out);
        return buf_printf(out, "(%.*s) UNION ALL (%.*s))", STR_ARG(left), STR_ARG(right));
    }
    buf_puts(out, "SELECT ");
    if (body->set.all) { /* of n rows on the left and k on the right: min(n, k), or n - k */
        put_columns(n, "c", " AS c", out);
        buf_puts(out, " FROM (SELECT *, row_number() OVER (PARTITION BY s, ");
        put_keys(m, body->fields, n, out);
        buf_puts(out, ") AS n, count(*) FILTER (WHERE s = 2) OVER (PARTITION BY ");
        put_keys(m, body->fields, n, out);
        buf_puts(out, ") AS k FROM ");
        put_both(left, right, out);
        return buf_printf(out, ") WHERE s = 1 AND n %s k", except ? ">" : "<=");
    }
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%sany_value(c%zu) FILTER (WHERE s = 1) AS c%zu", i ? ", " : "", i, i);
    buf_puts(out, " FROM ");
    put_both(left, right, out);
    buf_puts(out, " GROUP BY ");
    put_keys(m, body->fields, n, out);
    return buf_printf(out, " HAVING bool_or(s = 1) AND %sbool_or(s = 2)", except ? "NOT " : "");
}
