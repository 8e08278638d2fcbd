/* expr_util.c - walking, comparing and showing expressions. */
#include "query/analyzer/internal.h"
#include "query/sql/print.h"

static void visit_all(Expr *const *items, size_t n, ExprVisit visit, void *arg)
{
    for (size_t i = 0; i < n; i++)
        if (items[i])
            visit(items[i], arg);
}

static void visit_call(const Expr *e, ExprVisit visit, void *arg)
{
    visit_all(e->call.args, e->call.n, visit, arg);
    visit_all(&e->call.filter, 1, visit, arg);
    for (size_t i = 0; i < e->call.n_order_by; i++)
        visit(e->call.order_by[i].expr, arg);
    const Window *window = e->call.over;
    if (!window)
        return;
    visit_all(window->partition_by, window->n_partition_by, visit, arg);
    for (size_t i = 0; i < window->n_order_by; i++)
        visit(window->order_by[i].expr, arg);
    Expr *bounds[] = {window->from.value, window->to.value};
    visit_all(bounds, 2, visit, arg);
}

static void visit_case(const Expr *e, ExprVisit visit, void *arg)
{
    visit_all(&e->case_.operand, 1, visit, arg);
    for (size_t i = 0; i < e->case_.n; i++) {
        visit(e->case_.whens[i].condition, arg);
        visit(e->case_.whens[i].result, arg);
    }
    visit_all(&e->case_.otherwise, 1, visit, arg);
}

static void visit_between(const Expr *e, ExprVisit visit, void *arg)
{
    Expr *items[] = {e->between.value, e->between.low, e->between.high};
    visit_all(items, 3, visit, arg);
}

static void visit_like(const Expr *e, ExprVisit visit, void *arg)
{
    Expr *items[] = {e->like.value, e->like.pattern, e->like.escape};
    visit_all(items, 3, visit, arg);
}

static void visit_at_time_zone(const Expr *e, ExprVisit visit, void *arg)
{
    Expr *items[] = {e->at_time_zone.value, e->at_time_zone.zone};
    visit_all(items, 2, visit, arg);
}

static void visit_binary(const Expr *e, ExprVisit visit, void *arg)
{
    visit(e->binary.left, arg);
    visit(e->binary.right, arg);
}

static void visit_in_list(const Expr *e, ExprVisit visit, void *arg)
{
    visit(e->in.value, arg);
    visit_all(e->in.items, e->in.n, visit, arg);
}

static void visit_subscript(const Expr *e, ExprVisit visit, void *arg)
{
    visit(e->subscript.base, arg);
    visit(e->subscript.index, arg);
}

static void visit_list(const Expr *e, ExprVisit visit, void *arg)
{
    visit_all(e->list.items, e->list.n, visit, arg);
}

static void visit_row(const Expr *e, ExprVisit visit, void *arg)
{
    visit_all(e->row.items, e->row.n, visit, arg);
}

static void visit_is(const Expr *e, ExprVisit visit, void *arg) { visit(e->is.operand, arg); }
static void visit_unary(const Expr *e, ExprVisit visit, void *arg) { visit(e->unary.operand, arg); }
static void visit_base(const Expr *e, ExprVisit visit, void *arg) { visit(e->dereference.base, arg); }
static void visit_in(const Expr *e, ExprVisit visit, void *arg) { visit(e->in.value, arg); }
static void visit_match(const Expr *e, ExprVisit visit, void *arg) { visit(e->match.value, arg); }
static void visit_quantified(const Expr *e, ExprVisit visit, void *arg) { visit(e->quantified.value, arg); }
static void visit_cast(const Expr *e, ExprVisit visit, void *arg) { visit(e->cast.operand, arg); }
static void visit_lambda(const Expr *e, ExprVisit visit, void *arg) { visit(e->lambda.body, arg); }
static void visit_extract(const Expr *e, ExprVisit visit, void *arg) { visit(e->extract.operand, arg); }

void expr_children(const Expr *e, ExprVisit visit, void *arg)
{
    static void (*const visits[])(const Expr *, ExprVisit, void *) = {
        [EXPR_DEREFERENCE] = visit_base, [EXPR_UNARY] = visit_unary, [EXPR_ARITHMETIC] = visit_binary,
        [EXPR_CONCAT] = visit_binary, [EXPR_COMPARISON] = visit_binary, [EXPR_DISTINCT_FROM] = visit_binary,
        [EXPR_NULLIF] = visit_binary, [EXPR_AND] = visit_list, [EXPR_OR] = visit_list,
        [EXPR_COALESCE] = visit_list, [EXPR_ARRAY] = visit_list, [EXPR_GROUPING] = visit_list,
        [EXPR_ROW] = visit_row, [EXPR_NOT] = visit_is, [EXPR_IS_NULL] = visit_is, [EXPR_IS_TRUTH] = visit_is,
        [EXPR_TRY] = visit_is, [EXPR_BETWEEN] = visit_between, [EXPR_IN_LIST] = visit_in_list,
        [EXPR_IN_SUBQUERY] = visit_in, [EXPR_MATCH] = visit_match, [EXPR_QUANTIFIED] = visit_quantified,
        [EXPR_LIKE] = visit_like, [EXPR_CAST] = visit_cast, [EXPR_CASE_SIMPLE] = visit_case,
        [EXPR_CASE_SEARCHED] = visit_case, [EXPR_IF] = visit_case, [EXPR_FUNCTION] = visit_call,
        [EXPR_LAMBDA] = visit_lambda, [EXPR_JSON_FUNCTION] = json_children, [EXPR_EXTRACT] = visit_extract,
        [EXPR_AT_TIME_ZONE] = visit_at_time_zone, [EXPR_SUBSCRIPT] = visit_subscript, [EXPR_COLUMN] = NULL,
    };
    if (e->kind < sizeof visits / sizeof *visits && visits[e->kind])
        visits[e->kind](e, visit, arg);
}

/* ---- equality ---- */

typedef struct Children {
    Expr *items[64];
    size_t n;
} Children;

/* Lambdas around, each with the one of the other side that it is compared with. */
typedef struct Lambdas {
    const struct Lambdas *next;
    const Expr *a, *b;
} Lambdas;

static void add_child(Expr *child, void *arg)
{
    Children *children = arg;
    if (children->n < sizeof children->items / sizeof *children->items)
        children->items[children->n] = child;
    children->n++;
}

static bool same_order(const Expr *a, const Expr *b)
{
    for (size_t i = 0; i < a->call.n_order_by && i < b->call.n_order_by; i++)
        if (a->call.order_by[i].descending != b->call.order_by[i].descending ||
            a->call.order_by[i].nulls != b->call.order_by[i].nulls)
            return false;
    return true;
}

static bool call_equal(const Expr *a, const Expr *b)
{
    return a->call.def == b->call.def && a->call.distinct == b->call.distinct &&
           a->call.star == b->call.star && !a->call.filter == !b->call.filter &&
           a->call.n_order_by == b->call.n_order_by && !a->call.over && !b->call.over &&
           a->call.nulls == b->call.nulls && a->call.overflow_truncate == b->call.overflow_truncate &&
           a->call.overflow_count == b->call.overflow_count &&
           str_eq(a->call.overflow_filler, b->call.overflow_filler) && same_order(a, b);
}

static bool lambda_equal(const Expr *a, const Expr *b)
{
    bool same = a->lambda.n == b->lambda.n;
    for (size_t i = 0; same && i < a->lambda.n; i++)
        same = name_is(a->lambda.params[i].text, b->lambda.params[i].text) &&
               (!a->lambda.param_types || !b->lambda.param_types ||
                sql_type_equal(a->lambda.param_types[i], b->lambda.param_types[i]));
    return same;
}

static bool json_output_equal(const JsonOutput *a, const JsonOutput *b)
{
    return !a->type == !b->type && (!a->type || sql_type_equal(a->type, b->type)) && a->format == b->format &&
           a->wrapper == b->wrapper && a->quotes == b->quotes && a->on_empty == b->on_empty &&
           a->on_error == b->on_error;
}

static bool json_equal(const JsonExpr *a, const JsonExpr *b)
{
    const JsonInvocation *l = &a->invocation, *r = &b->invocation;
    bool same = a->function == b->function && json_output_equal(&a->output, &b->output) &&
                a->nulls == b->nulls && a->unique_keys == b->unique_keys && a->n_members == b->n_members &&
                l->n_args == r->n_args && str_eq(l->path, r->path) && l->input.format == r->input.format;
    for (size_t i = 0; same && i < l->n_args; i++)
        same = str_eq(l->args[i].name.text, r->args[i].name.text) &&
               l->args[i].value.format == r->args[i].value.format;
    for (size_t i = 0; same && i < a->n_members; i++)
        same = a->members[i].value.format == b->members[i].value.format;
    return same;
}

static bool column_equal(const Expr *a, const Expr *b, const Lambdas *lambdas)
{
    if (a->column.ref.relation != b->column.ref.relation || a->column.ref.index != b->column.ref.index)
        return false;
    if (a->column.ref.relation)
        return true;
    for (; lambdas; lambdas = lambdas->next)
        if (lambdas->a == a->column.original || lambdas->b == b->column.original)
            return lambdas->a == a->column.original && lambdas->b == b->column.original;
    return a->column.ref.depth == b->column.ref.depth && a->column.original == b->column.original;
}

/* What a node holds beside its children. */
static bool own_equal(const Expr *a, const Expr *b, const Lambdas *lambdas)
{
    switch (a->kind) {
    case EXPR_NULL:
        return true;
    case EXPR_BOOLEAN:
        return a->boolean == b->boolean;
    case EXPR_INTEGER:
        return a->integer.value == b->integer.value;
    case EXPR_DECIMAL:
    case EXPR_DOUBLE:
    case EXPR_STRING:
    case EXPR_BINARY:
        return str_eq(a->text, b->text);
    case EXPR_GENERIC_LITERAL:
        return sql_type_equal(a->type, b->type) && str_eq(a->generic.text, b->generic.text);
    case EXPR_INTERVAL:
        return a->interval.negative == b->interval.negative && str_eq(a->interval.text, b->interval.text) &&
               str_eq(a->interval.from, b->interval.from) && str_eq(a->interval.to, b->interval.to);
    case EXPR_COLUMN:
        return column_equal(a, b, lambdas);
    case EXPR_LAMBDA:
        return lambda_equal(a, b);
    case EXPR_JSON_FUNCTION:
        return json_equal(a->json, b->json);
    case EXPR_DEREFERENCE:
        return str_eq_nocase(a->dereference.field.text, b->dereference.field.text);
    case EXPR_UNARY:
        return a->unary.op == b->unary.op;
    case EXPR_ARITHMETIC:
    case EXPR_COMPARISON:
        return a->binary.op == b->binary.op;
    case EXPR_DISTINCT_FROM:
        return a->binary.negated == b->binary.negated;
    case EXPR_IS_NULL:
    case EXPR_IS_TRUTH:
        return a->is.negated == b->is.negated && a->is.truth == b->is.truth;
    case EXPR_BETWEEN:
        return a->between.negated == b->between.negated && a->between.symmetric == b->between.symmetric;
    case EXPR_IN_LIST:
        return a->in.negated == b->in.negated;
    case EXPR_LIKE:
        return a->like.negated == b->like.negated && !a->like.escape == !b->like.escape;
    case EXPR_CAST:
        return a->cast.is_try == b->cast.is_try && sql_type_equal(a->type, b->type);
    case EXPR_CASE_SIMPLE:
    case EXPR_CASE_SEARCHED:
    case EXPR_IF:
        return !a->case_.otherwise == !b->case_.otherwise;
    case EXPR_FUNCTION:
        return call_equal(a, b);
    case EXPR_EXTRACT:
        return str_eq(a->extract.field, b->extract.field);
    case EXPR_CURRENT:
        return str_eq(a->current.name, b->current.name) && a->current.precision == b->current.precision;
    case EXPR_EXISTS:
    case EXPR_SUBQUERY:
    case EXPR_IN_SUBQUERY:
    case EXPR_QUANTIFIED:
    case EXPR_MATCH:
    case EXPR_UNIQUE:
    case EXPR_PARAMETER:
    case EXPR_IDENT:
        return false;
    default:
        return true;
    }
}

static bool is_equal(const Expr *a, const Expr *b, const Lambdas *lambdas)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || !own_equal(a, b, lambdas))
        return false;
    Lambdas inner = {lambdas, a, b};
    if (a->kind == EXPR_LAMBDA)
        lambdas = &inner;
    Children left = {.n = 0}, right = {.n = 0};
    expr_children(a, add_child, &left);
    expr_children(b, add_child, &right);
    size_t room = sizeof left.items / sizeof *left.items;
    if (left.n != right.n || left.n > room)
        return false;
    for (size_t i = 0; i < left.n; i++)
        if (!is_equal(left.items[i], right.items[i], lambdas))
            return false;
    return true;
}

bool expr_equal(const Expr *a, const Expr *b)
{
    return is_equal(a, b, NULL);
}

static void find_random(Expr *child, void *arg)
{
    if (!expr_is_deterministic(child))
        *(bool *)arg = false;
}

bool expr_is_deterministic(const Expr *e)
{
    bool ok = !(e->kind == EXPR_FUNCTION && e->call.def && !e->call.def->deterministic);
    if (ok)
        expr_children(e, find_random, &ok);
    return ok;
}

/* ---- text ---- */

Str upper_text(Arena *arena, Str text)
{
    char *out = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        out[i] = (char)(text.ptr[i] >= 'a' && text.ptr[i] <= 'z' ? text.ptr[i] - 32 : text.ptr[i]);
    return str_of(out, text.len);
}

Str expr_text(Analyzer *a, const Expr *e)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    sql_print_expression(&out, e);
    return arena_str(a->arena, buf_str(&out));
}

Str expr_list_text(Analyzer *a, const ExprList *list)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            buf_puts(&out, ", ");
        sql_print_expression(&out, list->items[i]);
    }
    return arena_str(a->arena, buf_str(&out));
}

void expr_list_add(Analyzer *a, ExprList *list, Expr *e)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i] == e)
            return;
    *vec_push(a->arena, list) = e;
}
