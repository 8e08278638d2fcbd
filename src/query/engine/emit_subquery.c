/* emit_subquery.c - subqueries in expressions, and in conditions of outer joins, where DuckDB has none. */
#include "query/engine/emit_internal.h"

#include "query/analyzer/internal.h"

int emit_exists_predicate(Emitter *m, const Expr *e, Buf *out)
{
    buf_puts(out, e->subquery.negated ? "(NOT EXISTS (" : "(EXISTS (");
    if (emit_query_body(m, e->subquery.query, false, out) < 0)
        return -1;
    return buf_puts(out, "))");
}

/* Several columns are a row; of no rows at all it is a row of NULLs. */
int emit_scalar_subquery(Emitter *m, const Expr *e, Buf *out)
{
    const Query *query = e->subquery.query;
    if (query->n_fields == 1) {
        buf_putc(out, '(');
        if (emit_query_body(m, query, false, out) < 0)
            return -1;
        return buf_putc(out, ')');
    }
    buf_puts(out, "coalesce((SELECT struct_pack(");
    for (size_t i = 0; i < query->n_fields; i++)
        buf_printf(out, "%sf%zu := c%zu", i ? ", " : "", i, i);
    buf_puts(out, ") FROM (");
    if (emit_query_body(m, query, false, out) < 0)
        return -1;
    buf_puts(out, ")), struct_pack(");
    for (size_t i = 0; i < query->n_fields; i++)
        buf_printf(out, "%sf%zu := CAST(NULL AS %.*s)", i ? ", " : "", i, DUCKDB(m, query->fields[i].type));
    return buf_puts(out, "))");
}

/* The left side of IN or ANY: a row value stands as its fields. */
static int emit_row_side(Emitter *m, const Expr *value, const Query *query, Buf *out)
{
    size_t n = query->n_fields;
    bool as_row = n != 1 || (value->coerced->kind == TYPE_ROW && query->fields[0].type->kind != TYPE_ROW);
    if (!as_row) {
        Str text = emit_text(m, value);
        if (!text.ptr)
            return -1;
        emit_key(m, value->coerced, text, out);
        return 0;
    }
    buf_putc(out, '(');
    Str whole = value->kind == EXPR_ROW ? STR("") : emit_text(m, value);
    if (!whole.ptr)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_puts(out, ", ");
        Str item = value->kind == EXPR_ROW ? emit_own_text(m, value->row.items[i])
                                           : arena_printf(m->arena, "struct_extract(%.*s, 'f%zu')",
                                                          STR_ARG(whole), i);
        if (item.ptr && value->kind == EXPR_ROW)
            item = emit_cast_text(m, value->row.items[i]->type, value->coerced->fields[i].type, item,
                                  value->pos);
        if (!item.ptr)
            return -1;
        emit_key(m, query->fields[i].type, item, out);
    }
    return buf_putc(out, ')');
}

static int emit_subquery_side(Emitter *m, const Query *query, Buf *out)
{
    bool has_key = emit_fields_have_key(query->fields, query->n_fields);
    for (size_t i = 0; i < query->n_fields && has_key; i++) {
        buf_puts(out, i ? ", " : "SELECT ");
        emit_key(m, query->fields[i].type, arena_printf(m->arena, "c%zu", i), out);
    }
    buf_puts(out, has_key ? " FROM (" : "");
    if (emit_query_body(m, query, false, out) < 0)
        return -1;
    return has_key ? buf_putc(out, ')') : 0;
}

int emit_in_subquery(Emitter *m, const Expr *e, Buf *out)
{
    buf_puts(out, e->in.negated ? "(NOT (" : "((");
    if (emit_row_side(m, e->in.value, e->in.query, out) < 0)
        return -1;
    buf_puts(out, " IN (");
    if (emit_subquery_side(m, e->in.query, out) < 0)
        return -1;
    return buf_puts(out, ")))");
}

int emit_quantified(Emitter *m, const Expr *e, Buf *out)
{
    static const char *const ops[] = {
        [OP_EQ] = "=", [OP_NE] = "<>", [OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">", [OP_GE] = ">="};
    buf_putc(out, '(');
    if (emit_row_side(m, e->quantified.value, e->quantified.query, out) < 0)
        return -1;
    buf_printf(out, " %s %s (", ops[e->quantified.op], e->quantified.all ? "ALL" : "ANY");
    if (emit_subquery_side(m, e->quantified.query, out) < 0)
        return -1;
    return buf_puts(out, "))");
}

/* ---- UNIQUE and MATCH ---- */

static Str column_key(Emitter *m, const Query *query, size_t i)
{
    _cleanup_buf_ Buf key = BUF_INIT(256);
    emit_key(m, query->fields[i].type, arena_printf(m->arena, "u.c%zu", i), &key);
    return arena_str(m->arena, buf_str(&key));
}

/* No two rows are the same in all columns; rows with a NULL are like no other. */
int emit_unique(Emitter *m, const Expr *e, Buf *out)
{
    const Query *query = e->subquery.query;
    buf_puts(out, "(NOT EXISTS (SELECT 1 FROM (");
    if (emit_query_body(m, query, false, out) < 0)
        return -1;
    buf_puts(out, ") AS u WHERE ");
    for (size_t i = 0; i < query->n_fields; i++)
        buf_printf(out, "%su.c%zu IS NOT NULL", i ? " AND " : "", i);
    buf_puts(out, " GROUP BY ");
    for (size_t i = 0; i < query->n_fields; i++)
        buf_printf(out, "%s%.*s", i ? ", " : "", STR_ARG(column_key(m, query, i)));
    return buf_puts(out, " HAVING count(*) > 1))");
}

/* The value's fields, each as its column's type. */
static int match_items(Emitter *m, const Expr *e, Str *items)
{
    const Expr *value = e->match.value;
    size_t n = e->match.query->n_fields;
    bool as_row = value->coerced->kind == TYPE_ROW &&
                  (n != 1 || e->match.query->fields[0].type->kind != TYPE_ROW);
    Str whole = as_row && value->kind == EXPR_ROW ? STR("") : emit_text(m, value);
    for (size_t i = 0; i < n && whole.ptr; i++) {
        if (!as_row)
            items[i] = whole;
        else if (value->kind != EXPR_ROW)
            items[i] = arena_printf(m->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(whole), i);
        else
            items[i] = emit_cast_text(m, value->row.items[i]->type, value->coerced->fields[i].type,
                                      emit_own_text(m, value->row.items[i]), value->pos);
        if (!items[i].ptr)
            return -1;
    }
    return whole.ptr ? 0 : -1;
}

static void put_nulls(Buf *out, const Str *items, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s(%.*s) IS NULL", i ? word : "", STR_ARG(items[i]));
}

/* SIMPLE: a NULL among the fields is enough. PARTIAL: only fields that are not NULL count. FULL: all of them
 * or none are NULL. Where all are NULL every kind is true. Source: SQL:2023 part 2, <match predicate>. */
int emit_match_predicate(Emitter *m, const Expr *e, Buf *out)
{
    const Query *query = e->match.query;
    size_t n = query->n_fields;
    bool partial = str_is(e->match.mode, "PARTIAL"), full = str_is(e->match.mode, "FULL");
    Str *items = arena_array(m->arena, Str, n + 1);
    if (match_items(m, e, items) < 0)
        return -1;
    buf_puts(out, "(CASE WHEN ");
    put_nulls(out, items, n, partial || full ? " AND " : " OR ");
    buf_puts(out, " THEN true ");
    if (full) {
        buf_puts(out, "WHEN ");
        put_nulls(out, items, n, " OR ");
        buf_puts(out, " THEN false ");
    }
    buf_puts(out, "ELSE (SELECT count(*) FROM (");
    if (emit_query_body(m, query, false, out) < 0)
        return -1;
    buf_puts(out, ") AS u WHERE ");
    for (size_t i = 0; i < n; i++) {
        _cleanup_buf_ Buf key = BUF_INIT(EMIT_SQL_MAX);
        emit_key(m, query->fields[i].type, items[i], &key);
        buf_printf(out, "%s(%.*s = %.*s", i ? " AND " : "", STR_ARG(column_key(m, query, i)),
                   STR_ARG(buf_str(&key)));
        if (partial)
            buf_printf(out, " OR (%.*s) IS NULL", STR_ARG(items[i]));
        buf_putc(out, ')');
    }
    return buf_printf(out, ")%s END)", e->match.unique ? " = 1" : " > 0");
}

/* ---- outer joins ---- */

/* DuckDB has no subqueries in the condition of an outer join. There they refer to nothing outside of
 * themselves (the analyzer has seen to that), so that each has one value for a row of one side: it becomes a
 * column of that side, h<n> of its only relation, or c0 of a relation h<n> beside them. */
typedef struct Hoist {
    Emitter *m;
    const Relation *join;
    bool wants_right;     /* the side that is emitted */
    const Relation *leaf; /* it, when it is one relation: the subqueries become further columns of that */
    bool left_used, right_used;
    Buf *out;
    int failed;
} Hoist;

static bool is_of(const Relation *side, const Relation *relation)
{
    for (size_t i = 0; i < side->n_fields; i++)
        if (side->fields[i].ref.relation == relation)
            return true;
    return false;
}

static void find_sides(Expr *e, void *arg)
{
    Hoist *h = arg;
    if (e->kind == EXPR_COLUMN && e->column.ref.relation) {
        h->left_used |= is_of(h->join->join.left, e->column.ref.relation);
        h->right_used |= is_of(h->join->join.right, e->column.ref.relation);
    }
    expr_children(e, find_sides, arg);
}

static bool is_subquery(const Expr *e)
{
    return e->kind == EXPR_EXISTS || e->kind == EXPR_SUBQUERY || e->kind == EXPR_UNIQUE ||
           e->kind == EXPR_IN_SUBQUERY || e->kind == EXPR_QUANTIFIED || e->kind == EXPR_MATCH;
}

static void hoist(Expr *e, void *arg)
{
    Hoist *h = arg;
    Emitter *m = h->m;
    if (h->failed || !is_subquery(e)) {
        expr_children(e, hoist, arg);
        return;
    }
    Hoist sides = {.join = h->join};
    find_sides(e, &sides);
    if (sides.left_used && sides.right_used) {
        h->failed = emit_not_supported(m, e->pos, "A subquery about columns of both sides of an outer join");
        return;
    }
    if (sides.right_used != h->wants_right)
        return;
    if (m->n_hoisted == EMIT_HOISTED_MAX) {
        h->failed = emit_not_supported(m, e->pos, "An outer join with more than %d subqueries",
                                       EMIT_HOISTED_MAX);
        return;
    }
    int id = m->next_hoist++;
    buf_puts(h->out, h->leaf ? ", " : " CROSS JOIN LATERAL (SELECT ");
    h->failed = emit_expr(m, e, h->out);
    buf_printf(h->out, h->leaf ? " AS h%d" : " AS c0) AS h%d", id);
    m->hoisted[m->n_hoisted].expr = e;
    m->hoisted[m->n_hoisted++].text = h->leaf ? arena_printf(m->arena, "r%d.h%d", h->leaf->id, id)
                                              : arena_printf(m->arena, "h%d.c0", id);
}

static void find_subquery(Expr *e, void *arg)
{
    *(bool *)arg |= is_subquery(e);
    expr_children(e, find_subquery, arg);
}

bool emit_needs_hoist(const Relation *join)
{
    bool found = false;
    if (join->join.on && join->join.join != JOIN_INNER && join->join.join != JOIN_CROSS)
        find_subquery(join->join.on, &found);
    return found;
}

/* One side of such a join, with its columns for subqueries. */
int emit_hoisted_side(Emitter *m, const Relation *join, bool right, Buf *out)
{
    _cleanup_buf_ Buf columns = BUF_INIT(EMIT_SQL_MAX);
    Hoist h = {.m = m, .join = join, .wants_right = right, .out = &columns};
    const Relation *side = right ? join->join.right : join->join.left;
    bool is_leaf = side->kind == REL_TABLE || side->kind == REL_SUBQUERY || side->kind == REL_VALUES;
    h.leaf = is_leaf ? side : NULL;
    hoist(join->join.on, &h);
    if (h.failed)
        return -1;
    if (h.leaf && columns.len > 0) {
        buf_printf(out, "(SELECT r%d.*%.*s FROM ", side->id, STR_ARG(buf_str(&columns)));
        if (emit_relation(m, side, out) < 0)
            return -1;
        return buf_printf(out, ") AS r%d", side->id);
    }
    bool wraps = columns.len > 0 || (right && side->kind == REL_JOIN);
    buf_puts(out, wraps ? "(" : "");
    if (emit_relation(m, side, out) < 0)
        return -1;
    buf_add(out, buf_str(&columns));
    return buf_puts(out, wraps ? ")" : "");
}
