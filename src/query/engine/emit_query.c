/* emit_query.c - queries: the outputs of every query are named c0, c1, … */
#include "query/engine/emit_internal.h"

#include "query/analyzer/internal.h"

static int emit_body(Emitter *m, const QueryBody *body, Buf *out);

/* ---- ORDER BY and LIMIT ---- */

int emit_sort_items(Emitter *m, const SortItem *items, size_t n, bool ordinals, Buf *out)
{
    for (size_t i = 0; i < n; i++) {
        const SortItem *item = &items[i];
        buf_puts(out, i ? ", " : "");
        if (ordinals && item->ordinal) {
            buf_printf(out, "%d", item->ordinal);
        } else {
            Str text = emit_own_text(m, item->expr);
            if (!text.ptr)
                return -1;
            emit_key(m, item->expr->type, text, out);
        }
        buf_printf(out, "%s NULLS %s", item->descending ? " DESC" : " ASC",
                   item->nulls == NULLS_FIRST ? "FIRST" : "LAST");
    }
    return 0;
}

static int emit_limit(Emitter *m, const Query *query, Buf *out)
{
    if (query->limit && !query->with_ties)
        buf_printf(out, " LIMIT %lld", (long long)query->limit->integer.value);
    else if (query->fetch_first && !query->limit && !query->with_ties)
        buf_puts(out, " LIMIT 1");
    if (query->offset)
        buf_printf(out, " OFFSET %lld", (long long)query->offset->integer.value);
    return 0;
}

/* ---- SELECT ---- */

/* Inside of rank() an ordinal means nothing: the output itself stands there. */
static int emit_ties_order(Emitter *m, const Query *query, Buf *out)
{
    for (size_t i = 0; i < query->n_order_by; i++) {
        SortItem item = query->order_by[i];
        if (item.ordinal)
            item.expr = query->body->select->output[item.ordinal - 1];
        buf_puts(out, i ? ", " : "");
        if (emit_sort_items(m, &item, 1, false, out) < 0)
            return -1;
    }
    return 0;
}

static bool may_fold_to_null(const Expr *e)
{
    bool aggregate = e->kind == EXPR_FUNCTION && (e->call.over || e->call.def->kind != FUNCTION_SCALAR);
    return e->type->kind >= TYPE_ARRAY ||
           (e->kind > EXPR_CAST && e->kind != EXPR_COLUMN && !aggregate && e->kind != EXPR_GROUPING);
}

static int emit_outputs(Emitter *m, const QueryBody *body, Buf *out)
{
    const QuerySpec *spec = body->select;
    for (size_t i = 0; i < spec->n_output; i++) {
        const Expr *e = spec->output[i];
        buf_puts(out, i ? ", " : "");
        Str value = emit_own_text(m, e);
        /* DuckDB folds a NULL of any type to one of its own choice: what leaves says its type again. */
        bool says_type =
            m->depth == 1 && (may_fold_to_null(e) ||
                              (body->fields[i].type->kind == TYPE_DECIMAL && m->context->is_optimistic));
        buf_puts(out, says_type ? "CAST(" : "");
        if (!value.ptr || emit_cast(m, e->type, body->fields[i].type, value, e->pos, out) < 0)
            return -1;
        if (says_type)
            buf_printf(out, " AS %.*s)", DUCKDB(m, body->fields[i].type));
        buf_printf(out, " AS c%zu", i);
    }
    return 0;
}

static void find_column(Expr *e, void *arg)
{
    *(bool *)arg |= e->kind == EXPR_COLUMN && e->column.ref.relation;
    expr_children(e, find_column, arg);
}

/* Does FROM begin with UNNEST of an outer query's column? */
static bool begins_with_outer_unnest(const Relation *from)
{
    while (from->kind == REL_JOIN && from->join.join != JOIN_RIGHT && from->join.join != JOIN_FULL)
        from = from->join.left;
    bool is_outer = false;
    for (size_t i = 0; from->kind == REL_UNNEST && i < from->unnest.n; i++)
        find_column(from->unnest.items[i], &is_outer);
    return is_outer;
}

static int emit_input(Emitter *m, const QuerySpec *spec, Buf *out)
{
    if (spec->from) {
        buf_puts(out, " FROM ");
        /* DuckDB loses another outer column beside such an UNNEST, but not beside a join. */
        if (begins_with_outer_unnest(spec->from))
            buf_puts(out, "(SELECT 1 AS one) AS one CROSS JOIN ");
        if (emit_relation(m, spec->from, out) < 0)
            return -1;
    }
    if (spec->where) {
        buf_puts(out, " WHERE ");
        if (emit_coerced(m, spec->where, out) < 0)
            return -1;
    }
    return 0;
}

static int emit_clauses(Emitter *m, const QuerySpec *spec, Buf *out)
{
    bool feeds = m->feeds_aggregate;
    m->feeds_aggregate = feeds || (m->depth == 1 && spec->is_aggregated);
    int failed = emit_input(m, spec, out);
    m->feeds_aggregate = feeds;
    if (failed)
        return -1;
    if (emit_groups(m, spec, out) < 0)
        return -1;
    if (spec->having) {
        buf_puts(out, " HAVING ");
        m->shows_groups = true;
        m->in_having = true;
        failed = emit_coerced(m, spec->having, out);
        m->in_having = false;
        return failed;
    }
    return 0;
}

/* DISTINCT ON what the outputs are told apart by: the others by their ordinals. */
static int emit_distinct(Emitter *m, const QueryBody *body, Buf *out)
{
    const QuerySpec *spec = body->select;
    buf_puts(out, "DISTINCT ");
    if (!emit_fields_have_key(body->fields, body->n_fields))
        return 0;
    for (size_t i = 0; i < spec->n_output; i++) {
        const Expr *e = spec->output[i];
        buf_puts(out, i ? ", " : "ON (");
        if (!emit_has_key(body->fields[i].type)) {
            buf_printf(out, "%zu", i + 1);
            continue;
        }
        Str value = emit_own_text(m, e);
        value = value.ptr ? emit_cast_text(m, e->type, body->fields[i].type, value, e->pos) : value;
        if (!value.ptr)
            return -1;
        emit_key(m, body->fields[i].type, value, out);
    }
    return buf_puts(out, ") ");
}

static int emit_select_parts(Emitter *m, const QueryBody *body, const Query *ordered, Buf *out)
{
    const QuerySpec *spec = body->select;
    m->shows_groups = true;
    buf_puts(out, "SELECT ");
    if ((spec->distinct && emit_distinct(m, body, out) < 0) || emit_outputs(m, body, out) < 0)
        return -1;
    if (ordered && ordered->with_ties) {
        buf_puts(out, ", rank() OVER (ORDER BY ");
        if (emit_ties_order(m, ordered, out) < 0)
            return -1;
        buf_puts(out, ") AS k");
    }
    m->shows_groups = false;
    int failed = emit_clauses(m, spec, out);
    m->shows_groups = true; /* of ORDER BY, which may follow */
    return failed;
}

static int emit_select(Emitter *m, const QueryBody *body, const Query *ordered, Buf *out)
{
    GroupScope scope;
    const Wrapped *wrapped = m->wrapped;
    m->wrapped = emit_wrap(m, body->select->from);
    emit_groups_begin(m, &scope);
    int failed = emit_pin_groups(m, body->select) < 0 || emit_select_parts(m, body, ordered, out) < 0;
    if (ordered && !ordered->with_ties)
        return failed ? -1 : 0; /* ORDER BY, which follows, needs them too */
    emit_groups_end(m, &scope);
    m->wrapped = wrapped;
    return failed ? -1 : 0;
}

static int emit_relation_body(Emitter *m, const QueryBody *body, Buf *out)
{
    buf_puts(out, "SELECT ");
    for (size_t i = 0, at = 0; i < body->relation->n_fields; i++) {
        const Field *field = &body->relation->fields[i];
        if (field->hidden)
            continue;
        buf_puts(out, at ? ", " : "");
        if (emit_cast(m, field->type, body->fields[at].type,
                      arena_printf(m->arena, "r%d.c%zu", body->relation->id, i), body->pos, out) < 0)
            return -1;
        buf_printf(out, " AS c%zu", at++);
    }
    buf_puts(out, " FROM ");
    return emit_relation(m, body->relation, out);
}

static Str body_text(Emitter *m, const QueryBody *body)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    return emit_body(m, body, &out) < 0 ? STR_NULL : arena_str(m->arena, buf_str(&out));
}

static int emit_keyed_sides(Emitter *m, const QueryBody *body, Buf *out)
{
    Str left = body_text(m, body->set.left), right = left.ptr ? body_text(m, body->set.right) : STR_NULL;
    return right.ptr ? emit_keyed_set(m, body, left, right, out) : -1;
}

static int emit_set_operation(Emitter *m, const QueryBody *body, Buf *out)
{
    static const char *const words[] = {
        [SET_UNION] = "UNION", [SET_INTERSECT] = "INTERSECT", [SET_EXCEPT] = "EXCEPT"};
    if (emit_fields_have_key(body->fields, body->n_fields) && !(body->set.all && body->set.op == SET_UNION))
        return emit_keyed_sides(m, body, out);
    buf_putc(out, '(');
    if (emit_body(m, body->set.left, out) < 0)
        return -1;
    buf_printf(out, ") %s%s (", words[body->set.op], body->set.all ? " ALL" : "");
    if (emit_body(m, body->set.right, out) < 0)
        return -1;
    return buf_putc(out, ')');
}

/* A query in parentheses whose outputs must have other types. */
static int emit_parenthesized(Emitter *m, const QueryBody *body, Buf *out)
{
    return emit_query_body(m, body->query, false, out);
}

static int emit_body(Emitter *m, const QueryBody *body, Buf *out)
{
    switch (body->kind) {
    case BODY_SELECT:
        return emit_select(m, body, NULL, out);
    case BODY_SET_OPERATION:
        return emit_set_operation(m, body, out);
    case BODY_PARENTHESIZED:
        return emit_parenthesized(m, body, out);
    default:
        return emit_relation_body(m, body, out);
    }
}

/* ---- queries ---- */

/* A recursive query is unrolled, as Trino does: the base, as many steps as may be, and an error where one
 * more would have rows. The error hangs on a row number, so that it is not moved to where rows are read. */
static int emit_recursive(Emitter *m, const NamedQuery *with, Buf *out)
{
    const QueryBody *body = with->query->body;
    const NamedQuery *outer = m->recursion;
    int outer_step = m->step, depth = m->context->session->max_recursion_depth;
    if (depth < 1)
        depth = EMIT_RECURSION_DEPTH; /* a session that says nothing of it */
    for (int step = 0; step <= depth; step++) {
        m->recursion = with;
        m->step = step - 1;
        buf_printf(out, "q%d_%d AS (", with->id, step);
        if (emit_body(m, step == 0 ? body->set.left : body->set.right, out) < 0)
            return -1;
        buf_puts(out, "), ");
    }
    m->recursion = outer;
    m->step = outer_step;
    buf_printf(out, "q%d AS (", with->id);
    if (!body->set.all)
        emit_distinct_rows(m, body->fields, body->n_fields, out);
    for (int step = 0; step < depth; step++)
        buf_printf(out, "%sSELECT * FROM q%d_%d", step ? " UNION ALL " : "", with->id, step);
    return buf_printf(out,
                      " UNION ALL SELECT * EXCLUDE (n) FROM (SELECT *, row_number() OVER () AS n FROM "
                      "q%d_%d) WHERE CASE WHEN n > 0 THEN t_fail(13, 'NOT_SUPPORTED', 'Recursion depth limit "
                      "exceeded (%d). Use ''max_recursion_depth'' session property to modify the "
                      "limit.') END%s) ",
                      with->id, depth, depth, body->set.all ? "" : ")");
}

static int emit_with(Emitter *m, const Query *query, Buf *out)
{
    for (size_t i = 0; i < query->n_with; i++) {
        const NamedQuery *with = query->with[i];
        buf_puts(out, i ? ", " : "WITH ");
        if (with->is_recursive) {
            if (emit_recursive(m, with, out) < 0)
                return -1;
            continue;
        }
        buf_printf(out, "q%d AS (", with->id);
        if (emit_query_body(m, with->query, false, out) < 0)
            return -1;
        buf_puts(out, ") ");
    }
    return 0;
}

static bool orders_by_outputs(const Query *query)
{
    for (size_t i = 0; i < query->n_order_by; i++)
        if (!query->order_by[i].ordinal)
            return false;
    return true;
}

static void put_columns(size_t n, Buf *out)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%sc%zu", i ? ", " : "", i);
}

/* FETCH FIRST n ROWS WITH TIES: all rows whose rank is within n. */
static int emit_with_ties(Emitter *m, const Query *query, Buf *out)
{
    if (query->offset)
        return emit_not_supported(m, query->pos, "OFFSET with FETCH FIRST WITH TIES");
    long long n = query->limit ? (long long)query->limit->integer.value : 1;
    buf_puts(out, "SELECT ");
    put_columns(query->n_fields, out);
    buf_puts(out, " FROM (");
    if (query->body->kind == BODY_SELECT && !query->body->select->distinct) {
        if (emit_select(m, query->body, query, out) < 0)
            return -1;
    } else {
        buf_puts(out, "SELECT *, rank() OVER (ORDER BY ");
        for (size_t i = 0; i < query->n_order_by; i++) {
            const SortItem *item = &query->order_by[i];
            buf_puts(out, i ? ", " : "");
            if (item->ordinal)
                buf_printf(out, "c%d", item->ordinal - 1);
            else if (emit_own_text(m, item->expr).ptr)
                buf_add(out, emit_own_text(m, item->expr));
            else
                return -1;
            buf_printf(out, "%s NULLS %s", item->descending ? " DESC" : " ASC",
                       item->nulls == NULLS_FIRST ? "FIRST" : "LAST");
        }
        buf_puts(out, ") AS k FROM (");
        if (emit_body(m, query->body, out) < 0)
            return -1;
        buf_putc(out, ')');
    }
    return buf_printf(out, ") WHERE k <= %lld ORDER BY k", n);
}

static int emit_ordered(Emitter *m, const Query *query, bool is_top, Buf *out)
{
    if (emit_with(m, query, out) < 0)
        return -1;
    if (query->with_ties)
        return emit_with_ties(m, query, out);
    bool limited = query->limit || query->offset || query->fetch_first;
    /* Order matters only where it is seen or cut. */
    bool ordered = query->n_order_by && (is_top || limited);
    bool wraps = (ordered && query->body->kind != BODY_SELECT && !orders_by_outputs(query)) ||
                 ((ordered || limited) && query->body->kind == BODY_PARENTHESIZED);
    if (wraps) {
        buf_puts(out, "SELECT ");
        put_columns(query->n_fields, out);
        buf_puts(out, " FROM (");
    }
    GroupScope scope = {m->n_pinned, m->own_pinned, m->shows_groups};
    const Wrapped *wrapped = m->wrapped;
    bool is_select = query->body->kind == BODY_SELECT;
    if ((is_select ? emit_select(m, query->body, query, out) : emit_body(m, query->body, out)) < 0)
        return -1;
    buf_puts(out, wraps ? ")" : "");
    if (ordered) {
        buf_puts(out, " ORDER BY ");
        if (emit_sort_items(m, query->order_by, query->n_order_by, true, out) < 0)
            return -1;
    }
    emit_groups_end(m, &scope);
    m->wrapped = wrapped;
    return emit_limit(m, query, out);
}

int emit_query_body(Emitter *m, const Query *query, bool is_top, Buf *out)
{
    struct PatternEmit *pattern = m->pattern; /* a subquery is of no row of a match */
    m->pattern = NULL;
    m->depth++;
    int failed = emit_ordered(m, query, is_top, out);
    m->depth--;
    m->pattern = pattern;
    return failed;
}

int emit_query(EmitContext *context, const Query *query, Buf *out, Error *err)
{
    Error ignored;
    Emitter m = {.context = context, .arena = context->arena, .err = err ? err : &ignored};
    /* Only where no row leaves before all have been read: an overflow must come before the first. */
    context->is_optimistic =
        !context->exact_decimals && query->body->kind == BODY_SELECT && query->body->select->is_aggregated;
    if (context->has_marks)
        emit_choose_mark(context->mark);
    if (emit_query_body(&m, query, true, out) < 0)
        return -1;
    return buf_check(out, m.err) < 0 ? -1 : arena_check(m.arena, m.err);
}

int emit_constant(EmitContext *context, const Expr *expr, Buf *out, Error *err)
{
    Error ignored;
    Emitter m = {.context = context, .arena = context->arena, .err = err ? err : &ignored};
    if (emit_coerced(&m, expr, out) < 0)
        return -1;
    return buf_check(out, m.err);
}
