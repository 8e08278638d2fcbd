/* analyze_json_table.c - JSON_TABLE: its columns, and that the plan names every path once. */
#include "query/analyzer/json_clauses.h"

enum { JSON_COLUMNS_MAX = 10000 };

typedef struct TableCheck {
    Analyzer *a;
    ExprContext *c;
    JsonTable *table;
    const Str *parameters;
    size_t n_parameters;
    Vec(Str) names; /* of columns and paths: each is there once */
    Vec(JsonColumn *) columns;
} TableCheck;

static int add_name(TableCheck *t, const Ident *name)
{
    Str canonical = json_canonical_name(t->a->arena, name);
    for (size_t i = 0; i < t->names.n; i++)
        if (str_eq(t->names.items[i], canonical))
            return FAIL(t->a, ERR_DUPLICATE_COLUMN_OR_PATH_NAME, name->pos,
                        "All column and path names in JSON_TABLE invocation must be unique");
    *vec_push(t->a->arena, &t->names) = canonical;
    return 0;
}

/* lax $."NAME" */
static Str implicit_path(Arena *arena, const Ident *name)
{
    Str canonical = json_canonical_name(arena, name);
    _cleanup_buf_ Buf out = BUF_INIT(canonical.len * 2 + 16);
    buf_puts(&out, "lax $.\"");
    for (size_t i = 0; i < canonical.len; i++) {
        buf_putc(&out, canonical.ptr[i]);
        if (canonical.ptr[i] == '"')
            buf_putc(&out, '"');
    }
    buf_putc(&out, '"');
    return arena_str(arena, buf_str(&out));
}

static int check_columns(TableCheck *t, JsonColumn *columns, size_t n);

static int check_nested(TableCheck *t, JsonColumn *column)
{
    Item ignored;
    if (column->name.text.ptr && add_name(t, &column->name) < 0)
        return -1;
    if (!column->name.text.ptr && t->table->plan)
        return FAIL(t->a, ERR_MISSING_PATH_NAME, column->pos,
                    "All JSON paths must be named when specific plan is given");
    if (json_check_path(t->a, column->path, column->path_pos, t->parameters, t->n_parameters, &ignored) < 0)
        return -1;
    return check_columns(t, column->columns, column->n_columns);
}

static int check_column(TableCheck *t, JsonColumn *column)
{
    Item found = {.kind = ITEM_NONE};
    if (column->kind == JSON_COLUMN_NESTED)
        return check_nested(t, column);
    if (add_name(t, &column->name) < 0)
        return -1;
    column->index = t->columns.n;
    *vec_push(t->a->arena, &t->columns) = column;
    if (t->columns.n > JSON_COLUMNS_MAX)
        return FAIL(t->a, ERR_NOT_SUPPORTED, column->pos, "JSON_TABLE with more than %d columns",
                    JSON_COLUMNS_MAX);
    if (column->kind == JSON_COLUMN_ORDINALITY) {
        column->output.type = &TYPE_BIGINT_;
        return 0;
    }
    if (!column->path.ptr) {
        column->path = implicit_path(t->a->arena, &column->name);
        column->path_pos = column->pos;
    }
    if (json_check_path(t->a, column->path, column->path_pos, NULL, 0, &found) < 0)
        return -1;
    if (column->kind == JSON_COLUMN_VALUE)
        return analyze_json_value_output(t->c, column->pos, &column->output, &found, true);
    return analyze_json_quotes(t->c, column->pos, &column->output) < 0
               ? -1
               : analyze_json_text_output(t->c, column->pos, &column->output);
}

static int check_columns(TableCheck *t, JsonColumn *columns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (arena_check(t->a->arena, t->a->err) < 0 || check_column(t, &columns[i]) < 0)
            return -1;
    return 0;
}

/* ---- plans ---- */

static int invalid_plan(TableCheck *t, SqlPos pos, const char *what)
{
    return FAIL(t->a, ERR_INVALID_PLAN, pos, "JSON_TABLE plan %s", what);
}

static bool is_named(const JsonPlan *plan, Arena *arena, const Ident *name)
{
    return plan->name.text.ptr &&
           str_eq(json_canonical_name(arena, &plan->name), json_canonical_name(arena, name));
}

static size_t count_nested(const JsonColumn *columns, size_t n)
{
    size_t nested = 0;
    for (size_t i = 0; i < n; i++)
        nested += columns[i].kind == JSON_COLUMN_NESTED;
    return nested;
}

static int check_plan(TableCheck *t, const JsonPlan *plan, const Ident *name, const JsonColumn *columns,
                      size_t n);

/* The part of the plan for the paths nested in one: each of them once. *ret_seen: how many. */
static int check_siblings(TableCheck *t, const JsonPlan *plan, const JsonColumn *columns, size_t n,
                          size_t *ret_seen)
{
    if (plan->kind == JSON_PLAN_UNION || plan->kind == JSON_PLAN_CROSS) {
        for (size_t i = 0; i < plan->n; i++)
            if (check_siblings(t, plan->items[i], columns, n, ret_seen) < 0)
                return -1;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        if (columns[i].kind == JSON_COLUMN_NESTED && is_named(plan, t->a->arena, &columns[i].name)) {
            ++*ret_seen;
            return check_plan(t, plan, &columns[i].name, columns[i].columns, columns[i].n_columns);
        }
    return invalid_plan(t, plan->pos, "should contain all JSON paths available at each level of nesting");
}

static bool names_twice(TableCheck *t, const JsonPlan *plan)
{
    if (plan->name.text.ptr) {
        Str name = json_canonical_name(t->a->arena, &plan->name);
        for (size_t i = 0; i < t->names.n; i++)
            if (str_eq(t->names.items[i], name))
                return true;
        *vec_push(t->a->arena, &t->names) = name;
    }
    for (size_t i = 0; i < plan->n; i++)
        if (names_twice(t, plan->items[i]))
            return true;
    return false;
}

static int check_plan(TableCheck *t, const JsonPlan *plan, const Ident *name, const JsonColumn *columns,
                      size_t n)
{
    size_t nested = count_nested(columns, n), seen = 0;
    bool has_child = plan->kind == JSON_PLAN_OUTER || plan->kind == JSON_PLAN_INNER;
    if (!is_named(plan, t->a->arena, name))
        return invalid_plan(t, plan->pos, "should start with the root path");
    if (has_child != (nested > 0))
        return invalid_plan(t, plan->pos, "should contain all JSON paths available at each level of nesting");
    if (has_child && check_siblings(t, plan->items[0], columns, n, &seen) < 0)
        return -1;
    return seen == nested ? 0
                          : invalid_plan(t, plan->pos,
                                         "should contain all JSON paths available at each level of nesting");
}

static int check_whole_plan(TableCheck *t)
{
    JsonTable *table = t->table;
    const JsonInvocation *invocation = &table->invocation;
    if (!table->plan)
        return 0;
    if (!invocation->path_name.text.ptr)
        return FAIL(t->a, ERR_MISSING_PATH_NAME, invocation->path_pos,
                    "All JSON paths must be named when specific plan is given");
    t->names.n = 0;
    if (names_twice(t, table->plan))
        return invalid_plan(t, table->plan->pos, "should contain each JSON path once");
    return check_plan(t, table->plan, &invocation->path_name, table->columns, table->n_columns);
}

int analyze_json_table(Analyzer *a, Relation *relation, const Scope *scope, const NamedScope *named,
                       const JsonColumn *const **ret_columns, size_t *ret_n)
{
    ExprContext c = {.a = a, .scope = scope, .named = named};
    JsonTable *table = relation->json_table;
    JsonInvocation *invocation = &table->invocation;
    Item ignored;
    if (analyze_json_invocation(&c, NULL, invocation, "JSON_TABLE", &ignored) < 0)
        return -1;
    Str *parameters = arena_array(a->arena, Str, invocation->n_args + 1);
    for (size_t i = 0; i < invocation->n_args; i++)
        parameters[i] = json_canonical_name(a->arena, &invocation->args[i].name);
    TableCheck t = {a, &c, table, parameters, invocation->n_args, {0}, {0}};
    if (invocation->path_name.text.ptr && add_name(&t, &invocation->path_name) < 0)
        return -1;
    if (check_columns(&t, table->columns, table->n_columns) < 0 || check_whole_plan(&t) < 0)
        return -1;
    const ExprList *found = c.aggregates.n ? &c.aggregates : c.windows.n ? &c.windows : &c.groupings;
    if (found->n)
        return FAIL(a, ERR_EXPRESSION_NOT_SCALAR, relation->pos,
                    "JSON_TABLE cannot contain aggregations, window functions or grouping operations: [%.*s]",
                    STR_ARG(expr_list_text(a, found)));
    *ret_columns = (const JsonColumn *const *)t.columns.items;
    *ret_n = t.columns.n;
    return 0;
}
