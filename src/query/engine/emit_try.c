/* emit_try.c - what is computed only where it is asked for.
 *
 * DuckDB computes an expression that stands in two places once, before both, and would fail where Trino does
 * not: its TRY and coalesce() are no obstacle to that, CASE is. */
#include "query/engine/emit_internal.h"

#include "query/analyzer/internal.h"

/* Aggregates, windows and subqueries: not inside of TRY in DuckDB; Trino, too, computes them before. */
static bool is_outside(const Expr *e)
{
    if (e->kind == EXPR_FUNCTION)
        return !e->call.routine && (e->call.over || e->call.def->kind != FUNCTION_SCALAR);
    return e->kind == EXPR_EXISTS || e->kind == EXPR_SUBQUERY || e->kind == EXPR_IN_SUBQUERY ||
           e->kind == EXPR_QUANTIFIED || e->kind == EXPR_UNIQUE || e->kind == EXPR_MATCH ||
           e->kind == EXPR_GROUPING;
}

typedef struct Leaf {
    Emitter *m;
    Str text;
} Leaf;

static void find_leaf(Expr *e, void *arg)
{
    Leaf *leaf = arg;
    if (leaf->text.ptr || e->kind == EXPR_LAMBDA)
        return;
    for (size_t i = 0; i < leaf->m->n_hoisted; i++)
        if (e == leaf->m->hoisted[i].expr)
            leaf->text = leaf->m->hoisted[i].text;
    Str pinned = leaf->text.ptr ? leaf->text : emit_pinned_text(leaf->m, e);
    if (pinned.ptr)
        leaf->text = pinned;
    else if (e->kind == EXPR_COLUMN)
        leaf->text = emit_own_text(leaf->m, e);
    else if (!is_outside(e))
        expr_children(e, find_leaf, arg);
}

/* The condition must be one that DuckDB cannot decide beforehand: it is about a value of the row. What has
 * none is constant, and folded. */
void emit_alone(Emitter *m, const Expr *e, Str text, uint32_t id, Buf *out)
{
    Leaf leaf = {.m = m};
    find_leaf((Expr *)e, &leaf);
    if (leaf.text.ptr)
        buf_printf(out, "CASE WHEN struct_pack(v := %.*s, n := %u) IS NOT NULL THEN %.*s END",
                   STR_ARG(leaf.text), (unsigned)id, STR_ARG(text));
    else
        buf_add(out, text);
}

typedef struct Outside {
    bool found;
    Emitter *m;
    Lets *lets;
    int failed;
} Outside;

static void find_outside(Expr *e, void *arg)
{
    Outside *o = arg;
    o->found = o->found || is_outside(e);
    if (!o->found)
        expr_children(e, find_outside, arg);
}

static bool is_row_value(const Expr *e)
{
    return e->kind == EXPR_COLUMN && (e->column.ref.relation || e->column.ref.depth >= 0);
}

static void bind(Expr *e, void *arg)
{
    Outside *o = arg;
    Emitter *m = o->m;
    if (o->failed || e->kind == EXPR_LAMBDA)
        return;
    if (!is_outside(e) && !is_row_value(e) && !emit_pinned_text(m, e).ptr) {
        expr_children(e, bind, arg);
        return;
    }
    if (o->lets->n == EMIT_LETS_MAX || m->n_hoisted == EMIT_HOISTED_MAX) {
        o->failed = emit_not_supported(m, e->pos, "TRY of more than %d values", EMIT_LETS_MAX);
        return;
    }
    Str value = emit_own_text(m, e);
    if (!value.ptr) {
        o->failed = -1;
        return;
    }
    Str name = emit_lets_add(m, o->lets, value);
    m->hoisted[m->n_hoisted].expr = e;
    m->hoisted[m->n_hoisted++].text = name;
}

int emit_try_begin(Emitter *m, const Expr *operand, Try *ret)
{
    *ret = (Try){.operand = operand, .hoisted = m->n_hoisted};
    Outside outside = {.m = m, .lets = &ret->lets};
    find_outside((Expr *)operand, &outside);
    if (!outside.found)
        return 0;
    bind((Expr *)operand, &outside);
    if (outside.failed)
        m->n_hoisted = ret->hoisted;
    return outside.failed ? -1 : 0;
}

int emit_try_end(Emitter *m, Try *try, Str text, Buf *out)
{
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    buf_puts(&body, "TRY(");
    emit_alone(m, try->operand, text, 0, &body);
    buf_putc(&body, ')');
    m->n_hoisted = try->hoisted;
    if (buf_check(&body, m->err) < 0)
        return -1;
    emit_lets(out, &try->lets, buf_str(&body));
    return arena_check(m->arena, m->err);
}
