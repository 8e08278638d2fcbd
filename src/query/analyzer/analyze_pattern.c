/* analyze_pattern.c - row patterns: their variables, the expressions of MEASURES and DEFINE, MATCH_RECOGNIZE.
 *
 * In those expressions every column and CLASSIFIER() is of a certain row of the match: a Navigation. The
 * calls PREV, NEXT, FIRST and LAST only say which; they are taken out of the tree, and the columns below them
 * become EXPR_PATTERN_INPUT with that navigation. Inside of an aggregate they are of the row that it takes
 * (-1). */
#include "query/analyzer/internal.h"

enum { PATTERN_LABELS_MAX = 64 }; /* a set of labels is a word */

typedef struct PatternContext {
    PatternSpec *spec;
    bool in_aggregate;
    Navigation current; /* of the calls around; labels are each column's own */
    Vec(Navigation) navigations;
    Vec(PatternAggregate) aggregates;
    Vec(int) uses; /* labels of what was found so far; ANY_LABEL: none was said */
} PatternContext;

enum { ANY_LABEL = -1 };

/* ---- variables ---- */

static Str canonical(Analyzer *a, const Ident *name)
{
    return name->quoted ? name->text : upper_text(a->arena, name->text);
}

/* Primary variables count first, then the subsets. -1: there is none. */
static int label_of(Analyzer *a, const PatternSpec *spec, const Ident *name)
{
    Str text = canonical(a, name);
    for (size_t i = 0; i < spec->n_labels; i++)
        if (str_eq(spec->labels[i], text))
            return (int)i;
    for (size_t i = 0; i < spec->n_subsets; i++)
        if (str_eq(canonical(a, &spec->subsets[i].name), text))
            return (int)(spec->n_labels + i);
    return -1;
}

static uint64_t label_set(const PatternSpec *spec, int label)
{
    if (label == ANY_LABEL)
        return 0;
    return (size_t)label < spec->n_labels ? 1ULL << label
                                          : spec->subset_labels[(size_t)label - spec->n_labels];
}

static int collect_labels(Analyzer *a, PatternSpec *spec, RowPattern *pattern)
{
    for (size_t i = 0; i < pattern->n; i++)
        if (collect_labels(a, spec, pattern->items[i]) < 0)
            return -1;
    if (pattern->kind != PATTERN_VARIABLE)
        return 0;
    Str text = canonical(a, &pattern->name);
    for (size_t i = 0; i < spec->n_labels; i++)
        if (str_eq(spec->labels[i], text)) {
            pattern->label = (int)i;
            return 0;
        }
    if (spec->n_labels == PATTERN_LABELS_MAX)
        return FAIL(a, ERR_NOT_SUPPORTED, pattern->pos,
                    "More than %d variables of a row pattern are not supported", PATTERN_LABELS_MAX);
    pattern->label = (int)spec->n_labels;
    spec->labels[spec->n_labels++] = text;
    return 0;
}

static int analyze_subsets(Analyzer *a, PatternSpec *spec)
{
    size_t n_subsets = spec->n_subsets;
    spec->subset_labels = arena_array(a->arena, uint64_t, n_subsets + 1);
    spec->n_subsets = 0; /* label_of() shall find what came before alone */
    for (size_t i = 0; i < n_subsets; i++) {
        const PatternSubset *subset = &spec->subsets[i];
        int known = label_of(a, spec, &subset->name);
        if (known >= 0)
            return FAIL(
                a, ERR_INVALID_LABEL, subset->name.pos,
                (size_t)known < spec->n_labels
                    ? "union pattern variable name: %.*s is a duplicate of primary pattern variable name"
                    : "union pattern variable name: %.*s is declared twice",
                STR_ARG(subset->name.text));
        for (size_t j = 0; j < subset->n; j++) {
            int label = label_of(a, spec, &subset->items[j]);
            if (label < 0 || (size_t)label >= spec->n_labels)
                return FAIL(a, ERR_INVALID_LABEL, subset->items[j].pos,
                            "subset element: %.*s is not a primary pattern variable",
                            STR_ARG(subset->items[j].text));
            spec->subset_labels[i] |= 1ULL << label;
        }
        spec->n_subsets = i + 1;
    }
    return 0;
}

static void find_final(Expr *e, void *arg)
{
    const Expr **found = arg;
    if (!*found && e->kind == EXPR_FUNCTION && e->call.processing == PROCESSING_FINAL)
        *found = e;
    expr_children(e, find_final, arg);
}

static int check_defines(Analyzer *a, const PatternSpec *spec)
{
    for (size_t i = 0; i < spec->n_defines; i++) {
        const Ident *name = &spec->defines[i].name;
        int label = label_of(a, spec, name);
        if (label < 0 || (size_t)label >= spec->n_labels)
            return FAIL(a, ERR_INVALID_LABEL, name->pos,
                        "defined variable: %.*s is not a primary pattern variable", STR_ARG(name->text));
        for (size_t j = 0; j < i; j++)
            if (label_of(a, spec, &spec->defines[j].name) == label)
                return FAIL(a, ERR_INVALID_LABEL, name->pos,
                            "pattern variable with name: %.*s is defined twice", STR_ARG(name->text));
        const Expr *final = NULL;
        find_final(spec->defines[i].expr, &final);
        if (final)
            return FAIL(a, ERR_INVALID_PROCESSING_MODE, final->call.processing_pos,
                        "FINAL semantics is not supported in DEFINE clause");
    }
    return 0;
}

static int check_ranges(Analyzer *a, const RowPattern *pattern)
{
    SqlPos pos = pattern->quantifier_pos;
    if (pattern->is_range) {
        if (pattern->least > INT32_MAX)
            return FAIL(a, ERR_NUMERIC_VALUE_OUT_OF_RANGE, pos,
                        "Pattern quantifier lower bound must not exceed %d", INT32_MAX);
        if (pattern->most == 0)
            return FAIL(a, ERR_NUMERIC_VALUE_OUT_OF_RANGE, pos,
                        "Pattern quantifier upper bound must be greater than or equal to 1");
        if (pattern->most > INT32_MAX)
            return FAIL(a, ERR_NUMERIC_VALUE_OUT_OF_RANGE, pos,
                        "Pattern quantifier upper bound must not exceed %d", INT32_MAX);
        if (pattern->most >= 0 && pattern->least > pattern->most)
            return FAIL(a, ERR_TRINO_INVALID_RANGE, pos,
                        "Pattern quantifier lower bound must not exceed upper bound");
    }
    for (size_t i = 0; i < pattern->n; i++)
        if (check_ranges(a, pattern->items[i]) < 0)
            return -1;
    return 0;
}

static const RowPattern *find_kind(const RowPattern *pattern, bool anchors)
{
    if (anchors ? pattern->kind == PATTERN_START || pattern->kind == PATTERN_END
                : pattern->kind == PATTERN_EXCLUDED)
        return pattern;
    const RowPattern *found = NULL;
    for (size_t i = 0; i < pattern->n && !found; i++)
        found = find_kind(pattern->items[i], anchors);
    return found;
}

static size_t count_variables(const RowPattern *pattern)
{
    size_t n = pattern->kind == PATTERN_VARIABLE;
    for (size_t i = 0; i < pattern->n; i++)
        n += count_variables(pattern->items[i]);
    return n;
}

int analyze_pattern_clauses(Analyzer *a, PatternSpec *spec)
{
    spec->labels = arena_array(a->arena, Str, count_variables(spec->pattern) + 1);
    spec->n_labels = 0;
    if (collect_labels(a, spec, spec->pattern) < 0 || analyze_subsets(a, spec) < 0 ||
        check_defines(a, spec) < 0 || check_ranges(a, spec->pattern) < 0)
        return -1;
    if (spec->skip_label.text.ptr && label_of(a, spec, &spec->skip_label) < 0)
        return FAIL(a, ERR_INVALID_LABEL, spec->skip_label.pos,
                    "%.*s is not a primary or union pattern variable", STR_ARG(spec->skip_label.text));
    if (spec->skip_label.text.ptr)
        spec->skip_labels = label_set(spec, label_of(a, spec, &spec->skip_label));
    spec->define_labels = arena_array(a->arena, int, spec->n_defines + 1);
    for (size_t i = 0; i < spec->n_defines; i++)
        spec->define_labels[i] = label_of(a, spec, &spec->defines[i].name);
    const RowPattern *anchor = spec->rows == ROWS_WINDOW ? find_kind(spec->pattern, true) : NULL;
    if (anchor)
        return FAIL(a, ERR_INVALID_ROW_PATTERN, anchor->pos,
                    "Anchor pattern syntax is not allowed in window");
    return 0;
}

/* ---- what stands in the expressions ---- */

static int navigation_of(Analyzer *a, PatternContext *p, int label)
{
    if (p->in_aggregate)
        return -1;
    Navigation wanted = p->current;
    wanted.labels = label_set(p->spec, label);
    for (size_t i = 0; i < p->navigations.n; i++) {
        const Navigation *n = &p->navigations.items[i];
        if (n->labels == wanted.labels && n->is_last == wanted.is_last && n->is_final == wanted.is_final &&
            n->logical == wanted.logical && n->physical == wanted.physical)
            return (int)i;
    }
    *vec_push(a->arena, &p->navigations) = wanted;
    return (int)p->navigations.n - 1;
}

static void become_input(ExprContext *c, Expr *e, PatternInput what, Expr *column, int label,
                         const Expr *original)
{
    PatternContext *p = c->pattern;
    *e = (Expr){.kind = EXPR_PATTERN_INPUT, .pos = e->pos};
    e->input.what = what;
    e->input.column = column;
    e->input.original = original;
    e->input.navigation = what == PATTERN_INPUT_MATCH_NUMBER ? -1 : navigation_of(c->a, p, label);
    e->type = e->coerced = what == PATTERN_INPUT_COLUMN       ? column->type
                           : what == PATTERN_INPUT_CLASSIFIER ? &TYPE_VARCHAR_
                                                              : &TYPE_BIGINT_;
    if (what != PATTERN_INPUT_MATCH_NUMBER)
        *vec_push(c->a->arena, &p->uses) = label;
}

static Expr *copy_of(Analyzer *a, const Expr *e)
{
    Expr *copy = arena_new_of(a->arena, Expr);
    *copy = *e;
    return copy;
}

/* x and A.x */
int resolve_pattern_name(ExprContext *c, Expr *e)
{
    Analyzer *a = c->a;
    const PatternSpec *spec = c->pattern->spec;
    int label = ANY_LABEL;
    Expr *column = copy_of(a, e);
    QualifiedName name;
    if (e->kind == EXPR_DEREFERENCE) {
        if (!name_parts(a, e, &name) || (label = label_of(a, spec, &name.parts[0])) < 0)
            return 0; /* a field of a row */
        if (name.n == 2)
            *column = (Expr){.kind = EXPR_IDENT, .pos = e->pos, .ident = name.parts[1]};
    }
    ExprContext plain = *c;
    plain.pattern = NULL;
    if ((e->kind == EXPR_DEREFERENCE && name.n != 2) || resolve_name(&plain, column) < 0) {
        if (e->kind == EXPR_IDENT || (a->err && a->err->code != ERR_COLUMN_NOT_FOUND && name.n == 2))
            return -1;
        return FAIL(
            a, ERR_COLUMN_NOT_FOUND, e->pos, "Column %.*s prefixed with label %.*s cannot be resolved",
            STR_ARG(arena_lower(a->arena, name.parts[1].text)), STR_ARG(canonical(a, &name.parts[0])));
    }
    /* A parameter of a lambda is no column. */
    if (column->kind != EXPR_COLUMN || column->column.ref.depth < 0) {
        *e = *column;
        return 1;
    }
    become_input(c, e, PATTERN_INPUT_COLUMN, column, label, copy_of(a, e));
    return 1;
}

typedef struct Nested {
    Analyzer *a;
    const Expr *navigation, *second, *aggregate;
} Nested;

static bool is_navigation(const Expr *e)
{
    static const char *const names[] = {"prev", "next", "first", "last"};
    for (size_t i = 0; i < 4; i++)
        if (e->kind == EXPR_FUNCTION && e->call.name.n == 1 &&
            name_is(e->call.name.parts[0].text, str_from(names[i])))
            return true;
    return false;
}

static void find_nested(Expr *e, void *arg)
{
    Nested *nested = arg;
    if (is_navigation(e)) {
        if (nested->navigation && !nested->second)
            nested->second = e;
        if (!nested->navigation)
            nested->navigation = e;
    } else if (e->kind == EXPR_FUNCTION && !nested->aggregate &&
               function_is_aggregate(e->call.name.parts[e->call.name.n - 1].text)) {
        nested->aggregate = e;
    }
    expr_children(e, find_nested, nested);
}

static Str called(const Expr *e)
{
    return e->call.name.parts[e->call.name.n - 1].text;
}

static int nested_aggregate(Analyzer *a, const Expr *e, const Expr *inner)
{
    return FAIL(a, ERR_NESTED_AGGREGATION, inner->pos,
                "Cannot nest %.*s aggregate function inside %.*s function",
                STR_ARG(arena_lower(a->arena, called(inner))), STR_ARG(arena_lower(a->arena, called(e))));
}

static int check_nesting(Analyzer *a, const Expr *e, bool physical)
{
    Nested nested = {.a = a};
    Str name = arena_lower(a->arena, called(e));
    find_nested(e->call.args[0], &nested);
    if (nested.aggregate)
        return nested_aggregate(a, e, nested.aggregate);
    const Expr *inner = nested.navigation;
    if (!inner)
        return 0;
    Str inner_name = arena_lower(a->arena, called(inner));
    if (!physical)
        return FAIL(a, ERR_INVALID_NAVIGATION_NESTING, inner->pos,
                    "Cannot nest %.*s pattern navigation function inside %.*s pattern navigation function",
                    STR_ARG(inner_name), STR_ARG(name));
    if (nested.second)
        return FAIL(
            a, ERR_INVALID_NAVIGATION_NESTING, nested.second->pos,
            "Cannot nest multiple pattern navigation functions inside %.*s pattern navigation function",
            STR_ARG(name));
    if (str_is(inner_name, "prev") || str_is(inner_name, "next"))
        return FAIL(a, ERR_INVALID_NAVIGATION_NESTING, inner->pos,
                    "Cannot nest %.*s pattern navigation function inside %.*s pattern navigation function",
                    STR_ARG(inner_name), STR_ARG(name));
    if (inner != e->call.args[0])
        return FAIL(a, ERR_INVALID_NAVIGATION_NESTING, inner->pos,
                    "Immediate nesting is required for pattern navigation functions");
    return 0;
}

static int check_offset(Analyzer *a, const Expr *e, int *ret)
{
    Str name = arena_lower(a->arena, called(e));
    if (e->call.n != 1 && e->call.n != 2)
        return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, e->pos,
                    "%.*s pattern recognition function requires 1 or 2 arguments", STR_ARG(name));
    if (e->call.n == 1)
        return 0;
    const Expr *offset = e->call.args[1];
    bool negative =
        offset->kind == EXPR_UNARY && offset->unary.op == '-' && offset->unary.operand->kind == EXPR_INTEGER;
    if (negative)
        return FAIL(
            a, ERR_NUMERIC_VALUE_OUT_OF_RANGE, e->pos,
            "%.*s pattern recognition navigation function requires a non-negative number as the second "
            "argument (actual: -%lld)",
            STR_ARG(name), (long long)offset->unary.operand->integer.value);
    if (offset->kind != EXPR_INTEGER)
        return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, e->pos,
                    "%.*s pattern recognition navigation function requires a number as the second argument",
                    STR_ARG(name));
    if (offset->integer.value > INT32_MAX)
        return FAIL(a, ERR_NUMERIC_VALUE_OUT_OF_RANGE, e->pos,
                    "The second argument of %.*s pattern recognition navigation function must not exceed %d "
                    "(actual: %lld)",
                    STR_ARG(name), INT32_MAX, (long long)offset->integer.value);
    *ret = (int)offset->integer.value;
    return 0;
}

static int analyze_navigation(ExprContext *c, Expr *e, Str name)
{
    Analyzer *a = c->a;
    PatternContext *p = c->pattern;
    bool physical = str_is(name, "prev") || str_is(name, "next");
    int offset = physical;
    if (check_offset(a, e, &offset) < 0 || check_nesting(a, e, physical) < 0)
        return -1;
    Navigation outer = p->current;
    size_t uses = p->uses.n;
    if (physical) {
        p->current.physical = str_is(name, "prev") ? -offset : offset;
    } else {
        p->current.is_last = str_is(name, "last");
        p->current.is_final = e->call.processing == PROCESSING_FINAL;
        p->current.logical = offset;
    }
    Expr *value = e->call.args[0];
    int failed = analyze_expr(c, value);
    p->current = outer;
    if (failed)
        return -1;
    Str upper = upper_text(a->arena, name);
    if (p->uses.n == uses)
        return FAIL(a, ERR_INVALID_ARGUMENTS, e->pos,
                    "Pattern navigation function '%.*s' must contain at least one column reference or "
                    "CLASSIFIER()",
                    STR_ARG(upper));
    for (size_t i = uses; i < p->uses.n; i++)
        if (p->uses.items[i] != p->uses.items[uses])
            return FAIL(a, ERR_INVALID_ARGUMENTS, e->pos,
                        "All labels and classifiers inside the call to '%.*s' must match", STR_ARG(name));
    *e = *value;
    return 1;
}

static int analyze_classifier(ExprContext *c, Expr *e)
{
    Analyzer *a = c->a;
    int label = ANY_LABEL;
    if (e->call.n > 1)
        return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, e->pos,
                    "CLASSIFIER pattern recognition function takes no arguments or 1 argument");
    if (e->call.n == 1) {
        const Expr *arg = e->call.args[0];
        if (arg->kind != EXPR_IDENT)
            return FAIL(a, ERR_TYPE_MISMATCH, arg->pos,
                        "CLASSIFIER function argument should be primary pattern variable or subset name. "
                        "Actual: %.*s",
                        STR_ARG(expr_text(a, arg)));
        label = label_of(a, c->pattern->spec, &arg->ident);
        if (label < 0)
            return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, arg->pos,
                        "%.*s is not a primary pattern variable or subset name", STR_ARG(arg->ident.text));
    }
    become_input(c, e, PATTERN_INPUT_CLASSIFIER, NULL, label, copy_of(a, e));
    return 1;
}

static int check_pattern_call(Analyzer *a, const Expr *e, bool navigates)
{
    Str name = arena_lower(a->arena, called(e));
    const char *clause = e->call.over         ? "OVER"
                         : e->call.filter     ? "FILTER"
                         : e->call.n_order_by ? "ORDER BY"
                         : e->call.distinct   ? "DISTINCT"
                                              : NULL;
    if (clause)
        return FAIL(a, ERR_INVALID_PATTERN_RECOGNITION_FUNCTION, e->pos,
                    "Cannot use %s with %.*s pattern recognition function", clause, STR_ARG(name));
    if (e->call.processing && !navigates)
        return FAIL(a, ERR_INVALID_PROCESSING_MODE, e->call.processing_pos,
                    "%s semantics is not supported with %.*s pattern recognition function",
                    e->call.processing == PROCESSING_FINAL ? "FINAL" : "RUNNING", STR_ARG(name));
    return 0;
}

int analyze_pattern_function(ExprContext *c, Expr *e, Str name)
{
    bool navigates = is_navigation(e), number = str_is(name, "match_number");
    if (!navigates && !number && !str_is(name, "classifier"))
        return 0;
    bool physical = str_is(name, "prev") || str_is(name, "next");
    if (check_pattern_call(c->a, e, navigates && !physical) < 0)
        return -1;
    if (navigates)
        return analyze_navigation(c, e, name);
    if (!number)
        return analyze_classifier(c, e);
    if (c->pattern->spec->rows == ROWS_WINDOW)
        return FAIL(c->a, ERR_INVALID_PATTERN_RECOGNITION_FUNCTION, e->pos,
                    "MATCH_NUMBER function is not supported in window");
    if (e->call.n)
        return FAIL(c->a, ERR_INVALID_FUNCTION_ARGUMENT, e->pos,
                    "MATCH_NUMBER pattern recognition function takes no arguments");
    become_input(c, e, PATTERN_INPUT_MATCH_NUMBER, NULL, ANY_LABEL, copy_of(c->a, e));
    return 1;
}

/* RUNNING and FINAL: of navigations and aggregates in patterns. */
int check_processing(ExprContext *c, const Expr *e)
{
    if (!e->call.processing && !e->call.label.text.ptr)
        return 0;
    const char *mode = e->call.processing == PROCESSING_FINAL ? "FINAL" : "RUNNING";
    if (!c->pattern && e->call.processing)
        return FAIL(c->a, ERR_INVALID_PROCESSING_MODE, e->call.processing_pos,
                    "%s semantics is not supported out of pattern recognition context", mode);
    if (!c->pattern)
        return FAIL(c->a, ERR_INVALID_FUNCTION_ARGUMENT, e->call.label.pos,
                    "%.*s.* is allowed in row patterns only", STR_ARG(e->call.label.text));
    if (e->call.processing && !is_navigation(e) && !function_is_aggregate(called(e)))
        return FAIL(
            c->a, ERR_INVALID_PROCESSING_MODE, e->call.processing_pos,
            "%s semantics is supported only for FIRST(), LAST() and aggregation functions. Actual: %.*s",
            mode, STR_ARG(arena_lower(c->a->arena, called(e))));
    return 0;
}

/* 1: the call is an aggregate over rows of the match; its arguments come next. */
int begin_pattern_aggregate(ExprContext *c, Expr *e, Str name, size_t *ret_uses)
{
    Analyzer *a = c->a;
    if (!function_is_aggregate(name) || e->call.over)
        return 0;
    const char *clause = e->call.distinct     ? "DISTINCT"
                         : e->call.filter     ? "FILTER"
                         : e->call.n_order_by ? "ORDER BY"
                                              : NULL;
    if (clause)
        return FAIL(a, ERR_NOT_SUPPORTED, e->pos,
                    "Cannot use %s with aggregate function in pattern recognition context", clause);
    for (size_t i = 0; i < e->call.n; i++) {
        Nested nested = {.a = a};
        find_nested(e->call.args[i], &nested);
        if (nested.aggregate)
            return nested_aggregate(a, e, nested.aggregate);
        if (nested.navigation)
            return FAIL(a, ERR_INVALID_NAVIGATION_NESTING, nested.navigation->pos,
                        "Cannot nest %.*s pattern navigation function inside %.*s function",
                        STR_ARG(arena_lower(a->arena, called(nested.navigation))), STR_ARG(name));
    }
    *ret_uses = c->pattern->uses.n;
    c->pattern->in_aggregate = true;
    return 1;
}

int end_pattern_aggregate(ExprContext *c, Expr *e, size_t uses)
{
    Analyzer *a = c->a;
    PatternContext *p = c->pattern;
    int label = p->uses.n > uses ? p->uses.items[uses] : ANY_LABEL;
    p->in_aggregate = false;
    for (size_t i = uses; i < p->uses.n; i++)
        if (p->uses.items[i] != label)
            return FAIL(
                a, ERR_INVALID_ARGUMENTS, e->pos,
                e->call.n > 1
                    ? "All aggregate function arguments must apply to rows matched with the same label"
                    : "All labels and classifiers inside the call to '%.*s' must match",
                STR_ARG(arena_lower(a->arena, called(e))));
    if (e->call.label.text.ptr && (label = label_of(a, p->spec, &e->call.label)) < 0)
        return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, e->call.label.pos,
                    "%.*s is not a primary pattern variable or subset name",
                    STR_ARG(canonical(a, &e->call.label)));
    p->uses.n = uses;
    *vec_push(a->arena, &p->aggregates) = (PatternAggregate){
        .call = e, .labels = label_set(p->spec, label), .is_final = e->call.processing == PROCESSING_FINAL};
    e->call.aggregate = (int)p->aggregates.n;
    return 0;
}

/* ---- MEASURES and DEFINE ---- */

static int analyze_one(ExprContext *c, Expr *e)
{
    bool before = c->a->no_correlation;
    c->a->no_correlation = true;
    int failed = analyze_expr(c, e);
    c->a->no_correlation = before;
    if (failed)
        return -1;
    if (c->windows.n)
        return FAIL(c->a, ERR_NESTED_WINDOW, c->windows.items[0]->pos,
                    "Cannot nest window functions inside row pattern recognition");
    return 0;
}

int analyze_pattern_expressions(Analyzer *a, PatternSpec *spec, const Scope *scope, const NamedScope *named)
{
    PatternContext p = {.spec = spec, .current = {.is_last = true}};
    ExprContext c = {.a = a, .scope = scope, .named = named, .pattern = &p};
    for (size_t i = 0; i < spec->n_defines; i++) {
        Expr *e = spec->defines[i].expr;
        if (analyze_one(&c, e) < 0)
            return -1;
        if (e->type->kind != TYPE_BOOLEAN)
            return FAIL(a, ERR_TYPE_MISMATCH, e->pos,
                        "Expression defining a label must be boolean (actual type: %.*s)",
                        STR_ARG(sql_type_name(e->type, a->arena)));
    }
    for (size_t i = 0; i < spec->n_measures; i++)
        if (analyze_one(&c, spec->measures[i].expr) < 0)
            return -1;
    spec->navigations = p.navigations.items;
    spec->n_navigations = p.navigations.n;
    spec->aggregates = p.aggregates.items;
    spec->n_aggregates = p.aggregates.n;
    spec->is_analyzed = true;
    return 0;
}

/* ---- MATCH_RECOGNIZE ---- */

/* A column of the input; others are not allowed in PARTITION BY and ORDER BY here. */
static int analyze_input_column(ExprContext *c, Expr *e)
{
    if (e->kind != EXPR_IDENT && e->kind != EXPR_DEREFERENCE && e->kind != EXPR_COLUMN)
        return FAIL(c->a, ERR_INVALID_COLUMN_REFERENCE, e->pos, "Expected column reference. Actual: %.*s",
                    STR_ARG(expr_text(c->a, e)));
    if (analyze_expr(c, e) < 0)
        return -1;
    if (e->kind != EXPR_COLUMN || e->column.ref.depth != 0)
        return FAIL(c->a, ERR_INVALID_COLUMN_REFERENCE, e->pos, "Expected column reference. Actual: %.*s",
                    STR_ARG(expr_text(c->a, e)));
    return 0;
}

static bool is_field(const Field *field, const Expr *column)
{
    return field->ref.relation == column->column.ref.relation && field->ref.index == column->column.ref.index;
}

static const Field *input_field(const Relation *input, const Expr *column)
{
    for (size_t i = 0; i < input->n_fields; i++)
        if (is_field(&input->fields[i], column))
            return &input->fields[i];
    return NULL;
}

static bool is_key(const Relation *r, const Field *field)
{
    for (size_t i = 0; i < r->match.n_partition_by; i++)
        if (is_field(field, r->match.partition_by[i]))
            return true;
    for (size_t i = 0; i < r->match.n_order_by; i++)
        if (is_field(field, r->match.order_by[i].expr))
            return true;
    return false;
}

static void add_field(Relation *r, const Field *from)
{
    set_field(r, r->n_fields, from->name, from->type, from->qualifier);
    r->fields[r->n_fields++].relation = from->relation ? from->relation : r;
}

/* Partitioning columns; of all rows also the ordering ones; the measures; of all rows what is left. */
static void set_output(Analyzer *a, Relation *r)
{
    const Relation *input = r->match.input;
    const PatternSpec *spec = r->match.spec;
    bool all = spec->rows > ROWS_ONE;
    new_fields(a, r, r->match.n_partition_by + r->match.n_order_by + spec->n_measures + input->n_fields);
    r->n_fields = 0;
    for (size_t i = 0; i < r->match.n_partition_by; i++)
        add_field(r, input_field(input, r->match.partition_by[i]));
    for (size_t i = 0; all && i < r->match.n_order_by; i++)
        add_field(r, input_field(input, r->match.order_by[i].expr));
    for (size_t i = 0; i < spec->n_measures; i++) {
        set_field(r, r->n_fields, spec->measures[i].name.text, spec->measures[i].expr->type, STR_NULL);
        r->n_fields++;
    }
    for (size_t i = 0; all && i < input->n_fields; i++) {
        if (input->fields[i].hidden || is_key(r, &input->fields[i]))
            continue;
        mark_used(&input->fields[i]);
        add_field(r, &input->fields[i]);
    }
}

static int analyze_keys(Analyzer *a, Relation *r, const Scope *scope, const NamedScope *named)
{
    ExprContext c = {.a = a, .scope = scope, .named = named};
    for (size_t i = 0; i < r->match.n_partition_by; i++) {
        Expr *e = r->match.partition_by[i];
        if (analyze_input_column(&c, e) < 0)
            return -1;
        if (!sql_type_is_comparable(e->type))
            return FAIL(a, ERR_TYPE_MISMATCH, e->pos,
                        "%.*s is not comparable, and therefore cannot be used in PARTITION BY",
                        STR_ARG(sql_type_name(e->type, a->arena)));
    }
    for (size_t i = 0; i < r->match.n_order_by; i++) {
        Expr *e = r->match.order_by[i].expr;
        if (analyze_input_column(&c, e) < 0)
            return -1;
        if (!sql_type_is_orderable(e->type))
            return FAIL(a, ERR_TYPE_MISMATCH, e->pos,
                        "%.*s is not orderable, and therefore cannot be used in ORDER BY",
                        STR_ARG(sql_type_name(e->type, a->arena)));
    }
    return 0;
}

int analyze_match(Analyzer *a, Relation *r, const Scope *parent, const NamedScope *named)
{
    PatternSpec *spec = r->match.spec;
    Relation *input = r->match.input;
    if (analyze_relation(a, input, parent, named) < 0)
        return -1;
    Scope scope = {parent, input->fields, input->n_fields};
    if (analyze_keys(a, r, &scope, named) < 0 || analyze_pattern_clauses(a, spec) < 0)
        return -1;
    if (spec->search != SEARCH_DEFAULT)
        return FAIL(a, ERR_NOT_SUPPORTED, spec->search_pos,
                    "Pattern search modifier: %s is not allowed in MATCH_RECOGNIZE clause",
                    spec->search == SEARCH_SEEK ? "SEEK" : "INITIAL");
    const RowPattern *excluded = spec->rows == ROWS_ALL_UNMATCHED ? find_kind(spec->pattern, false) : NULL;
    if (excluded)
        return FAIL(a, ERR_INVALID_ROW_PATTERN, excluded->pos,
                    "Pattern exclusion syntax is not allowed when ALL ROWS PER MATCH WITH UNMATCHED ROWS is "
                    "specified");
    if (analyze_pattern_expressions(a, spec, &scope, named) < 0)
        return -1;
    set_output(a, r);
    return 0;
}
