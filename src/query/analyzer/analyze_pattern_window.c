/* analyze_pattern_window.c - row patterns in window frames.
 *
 * They are what MATCH_RECOGNIZE is, but that every row of the input stays and its frame is cut to the match
 * that starts there. So FROM and WHERE of the query are put into a relation of kind REL_MATCH, one for each
 * such window, whose first fields are the input's and whose others are the measures and the aggregates over
 * the window; in the select list and ORDER BY those become columns. */
#include "query/analyzer/internal.h"

static int missing_pattern(Analyzer *a, SqlPos pos, const char *what)
{
    return FAIL(a, ERR_MISSING_ROW_PATTERN, pos, "%s", what);
}

static int check_no_pattern(Analyzer *a, const PatternSpec *spec)
{
    if (spec->n_measures)
        return missing_pattern(a, spec->pos, "Row pattern measures require PATTERN clause");
    if (spec->skip)
        return missing_pattern(a, spec->skip_pos, "AFTER MATCH SKIP clause requires PATTERN clause");
    if (spec->search)
        return missing_pattern(a, spec->search_pos,
                               spec->search == SEARCH_SEEK ? "SEEK modifier requires PATTERN clause"
                                                           : "INITIAL modifier requires PATTERN clause");
    if (spec->n_subsets)
        return missing_pattern(a, spec->subsets[0].name.pos,
                               "Union variable definitions require PATTERN clause");
    return missing_pattern(a, spec->defines[0].name.pos,
                           "Primary pattern variable definitions require PATTERN clause");
}

int analyze_window_pattern(ExprContext *c, Window *window)
{
    Analyzer *a = c->a;
    PatternSpec *spec = window->pattern;
    if (c->pattern)
        return FAIL(a, ERR_NESTED_ROW_PATTERN_RECOGNITION, spec->pos,
                    "nested row pattern recognition in row pattern recognition");
    if (!spec->pattern)
        return check_no_pattern(a, spec);
    if (!spec->n_defines)
        return FAIL(a, ERR_MISSING_VARIABLE_DEFINITIONS, spec->pos,
                    "Pattern recognition requires DEFINE clause");
    if (window->unit != FRAME_ROWS)
        return FAIL(a, ERR_INVALID_WINDOW_FRAME, spec->pos, "Pattern recognition requires ROWS frame type");
    if (window->from.kind != BOUND_CURRENT_ROW)
        return FAIL(a, ERR_INVALID_WINDOW_FRAME, spec->pos,
                    "Pattern recognition requires frame specified as BETWEEN CURRENT ROW AND ...");
    if (spec->is_analyzed)
        return 0;
    return analyze_pattern_clauses(a, spec) < 0 ? -1
                                                : analyze_pattern_expressions(a, spec, c->scope, c->named);
}

static const PatternMeasure *find_measure(const PatternSpec *spec, Str name, size_t *ret_n)
{
    const PatternMeasure *found = NULL;
    *ret_n = 0;
    for (size_t i = 0; spec && i < spec->n_measures; i++)
        if (name_is(spec->measures[i].name.text, name)) {
            found = &spec->measures[i];
            ++*ret_n;
        }
    return found;
}

int analyze_measure(ExprContext *c, Expr *e)
{
    Window *window = e->measure.over;
    Str name = e->measure.name.text;
    size_t n;
    if (merge_named_window(c, window) < 0)
        return -1;
    const PatternMeasure *measure = find_measure(window->pattern, name, &n);
    if (!measure)
        return FAIL(c->a, ERR_INVALID_WINDOW_MEASURE, e->pos,
                    "Measure %.*s is not defined in the corresponding window", STR_ARG(name));
    if (n > 1)
        return FAIL(c->a, ERR_AMBIGUOUS_NAME, e->pos, "Measure %.*s is defined more than once",
                    STR_ARG(name));
    ExprContext inner = *c;
    inner.aggregates = inner.windows = inner.groupings = (ExprList){0};
    if (analyze_window(&inner, window) < 0)
        return -1;
    if (inner.windows.n)
        return FAIL(c->a, ERR_NESTED_WINDOW, inner.windows.items[0]->pos,
                    "Cannot nest window functions or row pattern measures inside window specification");
    e->type = measure->expr->type;
    expr_list_add(c->a, &c->windows, e);
    return 0;
}

/* ---- the relations around FROM ---- */

typedef struct Found {
    Analyzer *a;
    Vec(Expr *) nodes;
} Found;

static Window *pattern_window(const Expr *e)
{
    Window *window = e->kind == EXPR_MEASURE    ? e->measure.over
                     : e->kind == EXPR_FUNCTION ? e->call.over
                                                : NULL;
    return window && window->pattern ? window : NULL;
}

static void find_patterns(Expr *e, void *arg)
{
    Found *found = arg;
    if (pattern_window(e))
        *vec_push(found->a->arena, &found->nodes) = e;
    else
        expr_children(e, find_patterns, arg);
}

/* An aggregate over the window is one over all rows of the match. */
static int window_aggregate(Analyzer *a, PatternSpec *spec, Expr *e, Expr **ret)
{
    if (e->call.def->kind != FUNCTION_AGGREGATE)
        return FAIL(a, ERR_NOT_SUPPORTED, e->pos,
                    "Window function %s over a row pattern is not supported yet", e->call.def->name);
    Expr *call = arena_new_of(a->arena, Expr);
    *call = *e;
    call->coerced = call->type;
    call->call.over = NULL;
    PatternAggregate *all = arena_array(a->arena, PatternAggregate, spec->n_aggregates + 1);
    if (spec->n_aggregates)
        memcpy(all, spec->aggregates, spec->n_aggregates * sizeof *all);
    all[spec->n_aggregates++] = (PatternAggregate){.call = call, .is_final = true};
    spec->aggregates = all;
    call->call.aggregate = (int)spec->n_aggregates;
    *ret = call;
    return 0;
}

static Relation *wrap(Analyzer *a, QuerySpec *query, const Window *window)
{
    Relation *input = query->from, *r = arena_new_of(a->arena, Relation);
    *r = (Relation){.kind = REL_MATCH, .pos = input->pos};
    r->match.input = input;
    r->match.partition_by = (Expr **)window->partition_by;
    r->match.n_partition_by = window->n_partition_by;
    r->match.order_by = window->order_by;
    r->match.n_order_by = window->n_order_by;
    r->match.spec = window->pattern;
    r->match.window = window;
    r->match.where = query->where;
    query->where = NULL;
    query->from = r;
    return r;
}

static bool same_window(const Window *x, const Window *y)
{
    return x->pattern == y->pattern && x->partition_by == y->partition_by && x->order_by == y->order_by;
}

static int place(Analyzer *a, QuerySpec *query, Expr **nodes, size_t n)
{
    const Window *window = pattern_window(nodes[0]);
    Relation *r = wrap(a, query, window);
    const Relation *input = r->match.input;
    r->match.outputs = arena_array(a->arena, Expr *, n);
    new_fields(a, r, input->n_fields + n);
    for (size_t i = 0; i < input->n_fields; i++)
        set_field(r, i, input->fields[i].name, input->fields[i].type, input->fields[i].qualifier);
    for (size_t i = 0; i < n; i++) {
        Expr *e = nodes[i], *output;
        size_t found;
        if (!pattern_window(e) || !same_window(pattern_window(e), window))
            continue;
        if (e->kind == EXPR_MEASURE)
            output = find_measure(window->pattern, e->measure.name.text, &found)->expr;
        else if (window_aggregate(a, window->pattern, e, &output) < 0)
            return -1;
        size_t at = input->n_fields + r->match.n_outputs;
        r->match.outputs[r->match.n_outputs++] = output;
        set_field(r, at, STR_NULL, output->type, STR_NULL);
        const SqlType *coerced = e->coerced;
        Expr *original = arena_new_of(a->arena, Expr);
        *original = *e;
        *e = (Expr){.kind = EXPR_COLUMN,
                    .pos = e->pos,
                    .type = output->type,
                    .coerced = coerced,
                    .column = {.ref = {r, (int)at, 0}, .original = original}};
    }
    r->n_fields = input->n_fields + r->match.n_outputs;
    return 0;
}

int place_window_patterns(Analyzer *a, QuerySpec *spec, SortItem *order_by, size_t n_order_by)
{
    Found found = {.a = a};
    for (size_t i = 0; i < spec->n_output; i++)
        find_patterns(spec->output[i], &found);
    for (size_t i = 0; i < n_order_by; i++)
        if (!order_by[i].ordinal)
            find_patterns(order_by[i].expr, &found);
    if (!found.nodes.n)
        return 0;
    SqlPos pos = found.nodes.items[0]->pos;
    if (spec->is_aggregated)
        return FAIL(a, ERR_NOT_SUPPORTED, pos,
                    "Row pattern recognition in a window of a query with aggregation is not supported yet");
    if (!spec->from)
        return FAIL(a, ERR_NOT_SUPPORTED, pos,
                    "Row pattern recognition in a window of a query without FROM is not supported yet");
    for (size_t i = 0; i < found.nodes.n; i++)
        if (pattern_window(found.nodes.items[i]) &&
            place(a, spec, found.nodes.items + i, found.nodes.n - i) < 0)
            return -1;
    return 0;
}
