/* analyze_call.c - calls of functions: which one, and what may stand with it (DISTINCT, FILTER, ORDER BY,
 * OVER). */
#include "query/analyzer/internal.h"

/* ---- lambdas ---- */

typedef struct CallLambdas {
    ExprContext *context;
    Expr *call;
} CallLambdas;

static const SqlType *type_lambda(void *self, size_t index, const SqlType *const *params, size_t n,
                                  Error *err)
{
    CallLambdas *call = self;
    ExprContext *c = call->context;
    Expr *lambda = call->call->call.args[index];
    const SqlType **types = arena_array(c->a->arena, const SqlType *, n + 1);
    memcpy(types, params, n * sizeof *types);
    lambda->lambda.param_types = types;
    if (!lambda->lambda.id)
        lambda->lambda.id = ++c->a->next_id;
    LambdaScope scope = {c->lambdas, lambda};
    ExprContext inner = *c;
    inner.lambdas = &scope;
    inner.aggregates = inner.windows = (ExprList){0};
    inner.no_subquery = "Lambda expression cannot contain subqueries";
    if (analyze_expr(&inner, lambda->lambda.body) < 0)
        return NULL;
    if (inner.aggregates.n + inner.windows.n > 0) {
        FAIL(c->a, ERR_EXPRESSION_NOT_SCALAR, lambda->pos,
             "Lambda expression cannot contain aggregations, window functions or grouping "
             "operations: [%.*s]",
             STR_ARG(expr_list_text(c->a, inner.aggregates.n ? &inner.aggregates : &inner.windows)));
        return NULL;
    }
    return lambda->lambda.body->type;
}

/* Types the lambda's body for the signature that was chosen. */
static int finish_lambda(CallLambdas *call, size_t index, const SqlType *function)
{
    size_t n = function->n_fields - 1;
    const SqlType **params = arena_array(call->context->a->arena, const SqlType *, n + 1);
    for (size_t i = 0; i < n; i++)
        params[i] = function->fields[i].type;
    if (!type_lambda(call, index, params, n, call->context->a->err))
        return -1;
    Expr *lambda = call->call->call.args[index];
    lambda->type = lambda->coerced = function;
    coerce_to(call->context->a, lambda->lambda.body, function->fields[n].type);
    return 0;
}

/* ---- binding ---- */

static Str function_name(ExprContext *c, const Expr *e)
{
    const QualifiedName *name = &e->call.name;
    bool builtin = name->n == 1 || (name->n == 3 && name_is(name->parts[0].text, STR("system")) &&
                                    name_is(name->parts[1].text, STR("builtin")));
    if (builtin)
        return arena_lower(c->a->arena, name->parts[name->n - 1].text);
    _cleanup_buf_ Buf out = BUF_INIT(1 << 12);
    for (size_t i = 0; i < name->n; i++)
        buf_printf(&out, "%s%.*s", i ? "." : "", STR_ARG(name->parts[i].text));
    return arena_lower(c->a->arena, buf_str(&out));
}

static int bind(ExprContext *c, Expr *e)
{
    Arena *arena = c->a->arena;
    size_t n = e->call.n;
    const SqlType **types = arena_array(arena, const SqlType *, n + 1);
    size_t *lambda_params = arena_array(arena, size_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        Expr *arg = e->call.args[i];
        if (arg->kind == EXPR_LAMBDA)
            lambda_params[i] = arg->lambda.n;
        else if (analyze_expr(c, arg) < 0)
            return -1;
        else
            types[i] = arg->type;
    }
    CallLambdas lambdas = {c, e};
    FunctionArgs args = {types, lambda_params, n, type_lambda, &lambdas};
    BoundFunction bound;
    Error why = {0};
    Error *outer = c->a->err;
    c->a->err = &why;
    Str name = function_name(c, e);
    int routine = bind_routine(c, e, name);
    if (routine) {
        c->a->err = outer;
        if (routine < 0)
            *outer = why;
        return routine < 0 ? -1 : 0;
    }
    int failed = function_bind(name, &args, arena, &bound, &why);
    c->a->err = outer;
    if (failed) {
        if (why.sql_line > 0) {
            *outer = why;
            return -1;
        }
        return FAIL(c->a, why.code, e->pos, "%s", why.message);
    }
    e->call.def = bound.def;
    e->call.arg_types = bound.arg_types;
    e->type = bound.result;
    for (size_t i = 0; i < n; i++) {
        if (e->call.args[i]->kind != EXPR_LAMBDA)
            coerce_to(c->a, e->call.args[i], bound.arg_types[i]);
        else if (finish_lambda(&lambdas, i, bound.arg_types[i]) < 0)
            return -1;
    }
    return 0;
}

/* ---- what may stand with a call ---- */

static int check_plain(ExprContext *c, const Expr *e)
{
    if (e->call.n_order_by)
        return FAIL(c->a, ERR_FUNCTION_NOT_AGGREGATE, e->pos,
                    "ORDER BY is only valid for aggregation functions");
    if (e->call.over)
        return FAIL(c->a, ERR_FUNCTION_NOT_WINDOW, e->pos, "Not a window function: %s", e->call.def->name);
    if (e->call.distinct)
        return FAIL(c->a, ERR_FUNCTION_NOT_AGGREGATE, e->pos,
                    "DISTINCT is not supported for non-aggregation functions");
    if (e->call.filter)
        return FAIL(c->a, ERR_FUNCTION_NOT_AGGREGATE, e->pos,
                    "Filter is only valid for aggregation functions");
    if (e->call.nulls != NULLS_UNSPECIFIED)
        return FAIL(c->a, ERR_NULL_TREATMENT_NOT_ALLOWED, e->pos,
                    "Cannot specify null treatment clause for %s function", e->call.def->name);
    return 0;
}

static int check_modifiers(ExprContext *c, const Expr *e)
{
    const Expr *call = e;
    bool is_window = call->call.def->kind == FUNCTION_WINDOW;
    if (call->call.filter && call->call.over)
        return err_set_sql(c->a->err, ERR_NOT_SUPPORTED, 1, 1,
                           "FILTER is not yet supported for window functions");
    if (is_window && (call->call.distinct || call->call.n_order_by))
        return FAIL(c->a, ERR_NOT_SUPPORTED, e->pos, "%s is not supported for window function %s",
                    call->call.distinct ? "DISTINCT" : "ORDER BY", call->call.def->name);
    for (size_t i = 0; call->call.distinct && i < call->call.n; i++)
        if (!sql_type_is_comparable(call->call.args[i]->type))
            return FAIL(c->a, ERR_TYPE_MISMATCH, call->call.args[i]->pos,
                        "DISTINCT can only be applied to comparable types (actual: %.*s)",
                        STR_ARG(sql_type_name(call->call.args[i]->type, c->a->arena)));
    if (call->call.nulls == NULLS_IGNORE && !is_window)
        return FAIL(c->a, ERR_NULL_TREATMENT_NOT_ALLOWED, e->pos,
                    "Cannot specify null treatment clause for %s function", call->call.def->name);
    return 0;
}

static int analyze_call_order(ExprContext *c, Expr *e)
{
    for (size_t i = 0; i < e->call.n_order_by; i++) {
        Expr *key = e->call.order_by[i].expr;
        if (analyze_expr(c, key) < 0)
            return -1;
        if (!sql_type_is_orderable(key->type))
            return FAIL(c->a, ERR_TYPE_MISMATCH, key->pos,
                        "ORDER BY can only be applied to orderable types (actual: %.*s)",
                        STR_ARG(sql_type_name(key->type, c->a->arena)));
        bool found = !e->call.distinct;
        for (size_t j = 0; j < e->call.n && !found; j++)
            found = expr_equal(key, e->call.args[j]);
        if (!found)
            return FAIL(c->a, ERR_EXPRESSION_NOT_IN_DISTINCT, key->pos,
                        "For aggregate function with DISTINCT, ORDER BY expressions must "
                        "appear in arguments");
    }
    return 0;
}

/* ---- windows ---- */

int merge_named_window(ExprContext *c, Window *window)
{
    if (!window->name.text.ptr)
        return 0;
    for (size_t i = 0; i < c->n_window_names; i++) {
        if (!ident_equal(&c->window_names[i].name, &window->name))
            continue;
        const Window *base = c->window_names[i].window;
        if (base == window)
            break;
        Window copy = *base;
        if (merge_named_window(c, &copy) < 0)
            return -1;
        window->partition_by = copy.partition_by;
        window->n_partition_by = copy.n_partition_by;
        if (!window->n_order_by) {
            window->order_by = copy.order_by;
            window->n_order_by = copy.n_order_by;
        }
        if (window->unit == FRAME_NONE) {
            window->unit = copy.unit;
            window->from = copy.from;
            window->to = copy.to;
            window->pattern = copy.pattern;
        }
        window->name.text = STR_NULL;
        return 0;
    }
    return FAIL(c->a, ERR_INVALID_WINDOW_REFERENCE, window->name.pos, "Cannot resolve WINDOW name %.*s",
                STR_ARG(window->name.text));
}

static int analyze_bound(ExprContext *c, Window *window, FrameBound *bound, const char *which)
{
    static const char *const units[] = {
        [FRAME_ROWS] = "ROWS", [FRAME_RANGE] = "RANGE", [FRAME_GROUPS] = "GROUPS"};
    Expr *value = bound->value;
    if (!value)
        return 0;
    if (analyze_expr(c, value) < 0)
        return -1;
    if (window->unit != FRAME_RANGE) {
        bool whole = value->type->kind == TYPE_DECIMAL && value->type->scale == 0;
        if (!sql_type_is_integral(value->type) && value->type->kind != TYPE_UNKNOWN && !whole)
            return FAIL(c->a, ERR_TYPE_MISMATCH, value->pos,
                        "Window frame %s %s value type must be exact numeric type with scale 0 "
                        "(actual %.*s)",
                        units[window->unit], which, STR_ARG(sql_type_name(value->type, c->a->arena)));
        coerce_to(c->a, value, &TYPE_BIGINT_);
        if (window->unit == FRAME_GROUPS && !window->n_order_by)
            return FAIL(c->a, ERR_MISSING_ORDER_BY, window->pos,
                        "Window frame of type GROUPS PRECEDING or FOLLOWING requires ORDER BY");
        return 0;
    }
    if (!window->n_order_by)
        return FAIL(c->a, ERR_MISSING_ORDER_BY, window->pos,
                    "Window frame of type RANGE PRECEDING or FOLLOWING requires ORDER BY");
    if (window->n_order_by > 1)
        return FAIL(c->a, ERR_INVALID_ORDER_BY, window->pos,
                    "Window frame of type RANGE PRECEDING or FOLLOWING requires single sort item "
                    "in ORDER BY (actual: %zu)",
                    window->n_order_by);
    return 0;
}

int analyze_window(ExprContext *c, Window *window)
{
    if (merge_named_window(c, window) < 0)
        return -1;
    for (size_t i = 0; i < window->n_partition_by; i++) {
        Expr *e = window->partition_by[i];
        if (analyze_expr(c, e) < 0)
            return -1;
        if (!sql_type_is_comparable(e->type))
            return FAIL(
                c->a, ERR_TYPE_MISMATCH, e->pos,
                "%.*s is not comparable, and therefore cannot be used in window function PARTITION BY",
                STR_ARG(sql_type_name(e->type, c->a->arena)));
    }
    for (size_t i = 0; i < window->n_order_by; i++) {
        Expr *e = window->order_by[i].expr;
        if (analyze_expr(c, e) < 0)
            return -1;
        if (!sql_type_is_orderable(e->type))
            return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos,
                        "%.*s is not orderable, and therefore cannot be used in window function ORDER BY",
                        STR_ARG(sql_type_name(e->type, c->a->arena)));
    }
    if (window->pattern && analyze_window_pattern(c, window) < 0)
        return -1;
    if (window->unit == FRAME_NONE)
        return 0;
    if (window->from.kind == BOUND_UNBOUNDED_FOLLOWING || window->to.kind == BOUND_UNBOUNDED_PRECEDING)
        return FAIL(c->a, ERR_INVALID_WINDOW_FRAME, window->pos,
                    window->from.kind == BOUND_UNBOUNDED_FOLLOWING
                        ? "Window frame start cannot be UNBOUNDED FOLLOWING"
                        : "Window frame end cannot be UNBOUNDED PRECEDING");
    if (window->from.kind == BOUND_CURRENT_ROW && window->to.kind == BOUND_PRECEDING)
        return FAIL(c->a, ERR_INVALID_WINDOW_FRAME, window->pos,
                    "Window frame starting from CURRENT ROW cannot end with PRECEDING");
    if (window->from.kind == BOUND_FOLLOWING &&
        (window->to.kind == BOUND_PRECEDING || window->to.kind == BOUND_CURRENT_ROW))
        return FAIL(c->a, ERR_INVALID_WINDOW_FRAME, window->pos,
                    "Window frame starting from FOLLOWING cannot end with %s",
                    window->to.kind == BOUND_PRECEDING ? "PRECEDING" : "CURRENT ROW");
    return analyze_bound(c, window, &window->from, "start") < 0
               ? -1
               : analyze_bound(c, window, &window->to, "end");
}

/* ---- calls ---- */

static int analyze_aggregate_call(ExprContext *c, ExprContext *inner, Expr *e)
{
    if (inner->aggregates.n > 0)
        return FAIL(c->a, ERR_NESTED_AGGREGATION, e->pos,
                    "Cannot nest aggregations inside aggregation '%s': [%.*s]", e->call.def->name,
                    STR_ARG(expr_list_text(c->a, &inner->aggregates)));
    if (inner->windows.n > 0)
        return FAIL(c->a, ERR_NESTED_WINDOW, inner->windows.items[0]->pos,
                    "Cannot nest window functions or row pattern measures inside "
                    "aggregation '%s'",
                    e->call.def->name);
    expr_list_add(c->a, &c->aggregates, e);
    return 0;
}

static int analyze_window_call(ExprContext *c, ExprContext *inner, Expr *e)
{
    if (analyze_window(inner, e->call.over) < 0)
        return -1;
    if (inner->windows.n > 0)
        return FAIL(c->a, ERR_NESTED_WINDOW, inner->windows.items[0]->pos,
                    "Cannot nest window functions or row pattern measures inside "
                    "window function arguments");
    for (size_t i = 0; i < inner->aggregates.n; i++)
        expr_list_add(c->a, &c->aggregates, inner->aggregates.items[i]);
    expr_list_add(c->a, &c->windows, e);
    return 0;
}

static int check_listagg(ExprContext *c, Expr *e)
{
    Expr *value = e->call.args[0];
    if (analyze_expr(c, value) < 0)
        return -1;
    if (value->type->kind != TYPE_VARCHAR && value->type->kind != TYPE_UNKNOWN &&
        value->type->kind != TYPE_CHAR)
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos,
                    "Expected expression of varchar, but '%.*s' has %.*s type",
                    STR_ARG(expr_text(c->a, value)), STR_ARG(sql_type_name(value->type, c->a->arena)));
    return 0;
}

static int bind_any(ExprContext *c, Expr *e)
{
    StaticCall how = STATIC_PLAIN;
    if (e->call.static_type && bind_static(c, e, &how) < 0)
        return -1;
    if (how == STATIC_BOUND && e->call.static_type)
        return 0;
    return name_is(function_name(c, e), STR("format")) ? bind_format(c, e) : bind(c, e);
}

int analyze_call(ExprContext *c, Expr *e)
{
    if (e->call.arg_names && place_named_arguments(c, e, function_name(c, e)) < 0)
        return -1;
    size_t uses = 0;
    int pattern = check_processing(c, e);
    if (c->pattern && pattern == 0) {
        if (e->call.aggregate)
            return 0; /* typed before */
        pattern = analyze_pattern_function(c, e, function_name(c, e));
        if (pattern > 0)
            return 0;
        if (pattern == 0)
            pattern = begin_pattern_aggregate(c, e, function_name(c, e), &uses);
    }
    if (pattern < 0)
        return -1;
    ExprContext inner = *c;
    inner.aggregates = inner.windows = inner.groupings = (ExprList){0};
    if (pattern > 0)
        return bind(&inner, e) < 0 ? -1 : end_pattern_aggregate(c, e, uses);
    if (name_is(function_name(c, e), STR("listagg")) && e->call.n > 0 && check_listagg(&inner, e) < 0)
        return -1;
    if (bind_any(&inner, e) < 0)
        return -1;
    if (e->call.def->kind == FUNCTION_SCALAR) {
        for (size_t i = 0; i < inner.aggregates.n; i++)
            expr_list_add(c->a, &c->aggregates, inner.aggregates.items[i]);
        for (size_t i = 0; i < inner.windows.n; i++)
            expr_list_add(c->a, &c->windows, inner.windows.items[i]);
        for (size_t i = 0; i < inner.groupings.n; i++)
            expr_list_add(c->a, &c->groupings, inner.groupings.items[i]);
        return check_plain(c, e);
    }
    if (check_modifiers(c, e) < 0 ||
        (e->call.filter && analyze_boolean(&inner, e->call.filter, "FILTER clause") < 0) ||
        analyze_call_order(&inner, e) < 0)
        return -1;
    if (e->call.over)
        return analyze_window_call(c, &inner, e);
    if (e->call.def->kind == FUNCTION_WINDOW)
        return FAIL(c->a, ERR_MISSING_OVER, e->pos,
                    "Window function system.builtin.%s requires an OVER clause", e->call.def->name);
    return analyze_aggregate_call(c, &inner, e);
}
