/* analyze_select.c - one SELECT: FROM, WHERE, GROUP BY, HAVING, the select list, ORDER BY. */
#include "query/analyzer/internal.h"

typedef struct Select {
    Analyzer *a;
    QuerySpec *spec;
    QueryBody *body;
    const Scope *scope; /* of FROM */
    const NamedScope *named;
    ExprList output;
    Vec(Field) fields;
    ExprList aggregates, groupings;
    bool order_uses_outputs;
    const Expr *bad_output;   /* an output inside of an aggregate in ORDER BY */
    size_t outer_refs_before; /* references made by subqueries from here on must be to grouped columns */
} Select;

static ExprContext context_of(Select *s)
{
    return (ExprContext){.a = s->a,
                         .scope = s->scope,
                         .named = s->named,
                         .window_names = s->spec->windows,
                         .n_window_names = s->spec->n_windows};
}

static void add_all(Select *s, ExprList *to, const ExprList *from)
{
    for (size_t i = 0; i < from->n; i++)
        expr_list_add(s->a, to, from->items[i]);
}

static int refuse_calls(Analyzer *a, const ExprContext *c, const Expr *e, const char *clause,
                        bool aggregates_too)
{
    ExprList found = {0};
    for (size_t i = 0; aggregates_too && i < c->aggregates.n; i++)
        *vec_push(a->arena, &found) = c->aggregates.items[i];
    for (size_t i = 0; i < c->windows.n; i++)
        *vec_push(a->arena, &found) = c->windows.items[i];
    for (size_t i = 0; aggregates_too && i < c->groupings.n; i++)
        *vec_push(a->arena, &found) = c->groupings.items[i];
    if (!found.n)
        return 0;
    return FAIL(a, ERR_EXPRESSION_NOT_SCALAR, e->pos,
                "%s cannot contain aggregations, window functions or grouping operations: [%.*s]", clause,
                STR_ARG(expr_list_text(a, &found)));
}

static int analyze_where(Select *s)
{
    QuerySpec *spec = s->spec;
    ExprContext c = context_of(s);
    if (!spec->where)
        return 0;
    if (analyze_expr(&c, spec->where) < 0 || refuse_calls(s->a, &c, spec->where, "WHERE clause", true) < 0)
        return -1;
    if (!sql_type_can_coerce(spec->where->type, &TYPE_BOOLEAN_))
        return FAIL(s->a, ERR_TYPE_MISMATCH, spec->where->pos,
                    "WHERE clause must evaluate to a boolean: actual type %.*s",
                    STR_ARG(sql_type_name(spec->where->type, s->a->arena)));
    coerce_to(s->a, spec->where, &TYPE_BOOLEAN_);
    return 0;
}

/* ---- the select list ---- */

static void add_output(Select *s, Expr *e, Str name, const Field *field)
{
    *vec_push(s->a->arena, &s->output) = e;
    Field out = {.name = name, .type = e->type};
    if (field)
        out.qualifier = field->qualifier;
    *vec_push(s->a->arena, &s->fields) = out;
}

static Expr *field_column(Select *s, const Field *field, SqlPos pos)
{
    Expr *e = arena_new_of(s->a->arena, Expr), *original = arena_new_of(s->a->arena, Expr);
    *original = (Expr){.kind = EXPR_IDENT,
                       .pos = pos,
                       .ident = {.text = field->name.ptr ? field->name : STR("_col"), .pos = pos}};
    *e = (Expr){.kind = EXPR_COLUMN,
                .pos = pos,
                .type = field->type,
                .coerced = field->type,
                .column = {.ref = field->ref, .original = original}};
    mark_used(field);
    return e;
}

/* The names in x.* AS (a, b) come out in the standard's canonical form: upper case unless quoted. */
static Str canonical(Select *s, const Ident *name)
{
    if (name->quoted)
        return name->text;
    Str copy = arena_str(s->a->arena, name->text);
    for (size_t i = 0; i < copy.len; i++)
        if (copy.ptr[i] >= 'a' && copy.ptr[i] <= 'z')
            ((char *)copy.ptr)[i] -= 'a' - 'A';
    return copy;
}

/* x.* where x is no relation: the fields of a row. */
static int expand_row(Select *s, SelectItem *item)
{
    ExprContext c = context_of(s);
    Expr *base = item->star_base;
    QualifiedName name;
    if (analyze_expr(&c, base) < 0) {
        if (s->a->err->code == ERR_COLUMN_NOT_FOUND && name_parts(s->a, base, &name) && name.n == 1)
            return FAIL(s->a, ERR_TABLE_NOT_FOUND, base->pos, "Unable to resolve reference %.*s",
                        STR_ARG(name.parts[0].text));
        return -1;
    }
    add_all(s, &s->aggregates, &c.aggregates);
    if (base->type->kind != TYPE_ROW)
        return FAIL(s->a, ERR_TYPE_MISMATCH, item->expr->pos, "expected expression of type Row");
    if (item->n_star_aliases && item->n_star_aliases != base->type->n_fields)
        return FAIL(s->a, ERR_MISMATCHED_COLUMN_ALIASES, item->expr->pos,
                    "Column alias list has %zu entries but relation has %zu columns", item->n_star_aliases,
                    base->type->n_fields);
    for (size_t i = 0; i < base->type->n_fields; i++) {
        Expr *index = arena_new_of(s->a->arena, Expr), *e = arena_new_of(s->a->arena, Expr);
        *index = (Expr){.kind = EXPR_INTEGER,
                        .pos = base->pos,
                        .type = &TYPE_INTEGER_,
                        .coerced = &TYPE_INTEGER_,
                        .integer = {.value = (int64_t)i + 1}};
        const SqlType *type = base->type->fields[i].type;
        *e = (Expr){.kind = EXPR_SUBSCRIPT,
                    .pos = base->pos,
                    .type = type,
                    .coerced = type,
                    .subscript = {base, index}};
        add_output(s, e,
                   item->n_star_aliases ? canonical(s, &item->star_aliases[i]) : base->type->fields[i].name,
                   NULL);
    }
    return 0;
}

static int expand_star(Select *s, SelectItem *item)
{
    QualifiedName name = {0};
    bool qualified = item->star_base != NULL;
    if (!s->spec->from && !qualified)
        return FAIL(s->a, ERR_COLUMN_NOT_FOUND, item->expr->pos,
                    "SELECT * not allowed in queries without FROM clause");
    if (qualified && !name_parts(s->a, item->star_base, &name))
        return expand_row(s, item);
    size_t found = 0, depth = 0;
    bool known = false; /* a relation of that name, were all its columns hidden */
    for (const Scope *scope = s->scope; scope && !known; scope = qualified ? scope->parent : NULL, depth++) {
        for (size_t i = 0; i < scope->n_fields; i++) {
            const Field *field = &scope->fields[i];
            if (qualified && !field_has_qualifier(field, name.parts, name.n))
                continue;
            known = true;
            if (field->hidden)
                continue;
            found++;
            Str alias =
                found <= item->n_star_aliases ? canonical(s, &item->star_aliases[found - 1]) : field->name;
            Expr *e = field_column(s, field, item->expr->pos);
            e->column.ref.depth = (int)depth;
            add_output(s, e, alias, field);
        }
    }
    if (qualified && !known)
        return expand_row(s, item);
    if (item->n_star_aliases && item->n_star_aliases != found)
        return FAIL(s->a, ERR_MISMATCHED_COLUMN_ALIASES, item->expr->pos,
                    "Column alias list has %zu entries but relation has %zu columns", item->n_star_aliases,
                    found);
    return 0;
}

static Str output_name(Select *s, const SelectItem *item)
{
    if (item->alias.text.ptr)
        return item->alias.text;
    /* a and t.a name their output a; (…).a does not. */
    const Expr *e = item->expr;
    Str name = STR_NULL;
    for (; e; e = e->kind == EXPR_DEREFERENCE ? e->dereference.base : NULL) {
        if (e->kind == EXPR_COLUMN && e->column.original)
            e = e->column.original;
        if (e->kind != EXPR_IDENT && e->kind != EXPR_DEREFERENCE)
            return STR_NULL;
        if (!name.ptr)
            name = e->kind == EXPR_IDENT ? e->ident.text : e->dereference.field.text;
    }
    return name;
}

static int analyze_items(Select *s)
{
    for (size_t i = 0; i < s->spec->n_items; i++) {
        SelectItem *item = &s->spec->items[i];
        if (item->expr->kind == EXPR_STAR) {
            if (expand_star(s, item) < 0)
                return -1;
            continue;
        }
        ExprContext c = context_of(s);
        if (analyze_expr(&c, item->expr) < 0)
            return -1;
        add_all(s, &s->aggregates, &c.aggregates);
        add_all(s, &s->groupings, &c.groupings);
        if (s->spec->distinct && !sql_type_is_comparable(item->expr->type))
            return FAIL(s->a, ERR_TYPE_MISMATCH, item->expr->pos,
                        "DISTINCT can only be applied to comparable types (actual: %.*s): %.*s",
                        STR_ARG(sql_type_name(item->expr->type, s->a->arena)),
                        STR_ARG(expr_text(s->a, item->expr)));
        add_output(s, item->expr, output_name(s, item), NULL);
    }
    s->spec->output = s->output.items;
    s->spec->n_output = s->output.n;
    s->body->fields = s->fields.items;
    s->body->n_fields = s->fields.n;
    return 0;
}

/* ---- GROUP BY ---- */

static int group_item(Select *s, Expr **item)
{
    Expr *e = *item;
    if (e->kind == EXPR_INTEGER) {
        if (e->integer.value < 1 || (uint64_t)e->integer.value > s->output.n)
            return FAIL(s->a, ERR_INVALID_COLUMN_REFERENCE, e->pos,
                        "GROUP BY position %lld is not in select list", (long long)e->integer.value);
        *item = s->output.items[e->integer.value - 1];
    } else {
        ExprContext c = context_of(s);
        if (analyze_expr(&c, e) < 0 || refuse_calls(s->a, &c, e, "GROUP BY clause", true) < 0)
            return -1;
    }
    if (!sql_type_is_comparable((*item)->type))
        return FAIL(s->a, ERR_TYPE_MISMATCH, e->pos,
                    "%.*s is not comparable, and therefore cannot be used in GROUP BY",
                    STR_ARG(sql_type_name((*item)->type, s->a->arena)));
    return 0;
}

int flatten_grouping(Analyzer *a, const QuerySpec *spec, ExprList *ret)
{
    for (size_t g = 0; g < spec->n_groups; g++)
        for (size_t i = 0; i < spec->groups[g].n_sets; i++)
            for (size_t j = 0; j < spec->groups[g].sets[i].n; j++)
                *vec_push(a->arena, ret) = spec->groups[g].sets[i].items[j];
    return 0;
}

static void find_aggregate(Expr *e, void *arg)
{
    if (e->kind == EXPR_FUNCTION && !e->call.over && e->call.def && e->call.def->kind == FUNCTION_AGGREGATE)
        *(bool *)arg = true;
    else
        expr_children(e, find_aggregate, arg);
}

/* GROUP BY AUTO: by all outputs that are not made of aggregates. */
static void group_automatically(Select *s)
{
    QuerySpec *spec = s->spec;
    ExprList items = {0};
    for (size_t i = 0; i < s->output.n; i++) {
        bool aggregate = false;
        find_aggregate(s->output.items[i], &aggregate);
        if (!aggregate)
            *vec_push(s->a->arena, &items) = s->output.items[i];
    }
    spec->group_auto = false;
    if (!items.n)
        return;
    GroupingElement *groups = arena_array(s->a->arena, GroupingElement, spec->n_groups + 1);
    if (spec->n_groups)
        memcpy(groups + 1, spec->groups, spec->n_groups * sizeof *groups);
    struct GroupingSet *set = arena_new_of(s->a->arena, struct GroupingSet);
    *set = (struct GroupingSet){items.items, items.n};
    groups[0] = (GroupingElement){.kind = GROUPING_SIMPLE, .pos = spec->pos, .sets = set, .n_sets = 1};
    spec->groups = groups;
    spec->n_groups++;
}

static int analyze_groups(Select *s)
{
    QuerySpec *spec = s->spec;
    if (spec->group_auto)
        group_automatically(s);
    size_t sets = 1;
    for (size_t g = 0; g < spec->n_groups; g++) {
        GroupingElement *group = &spec->groups[g];
        for (size_t i = 0; i < group->n_sets; i++)
            for (size_t j = 0; j < group->sets[i].n; j++)
                if (group_item(s, &group->sets[i].items[j]) < 0)
                    return -1;
        size_t own = group->kind == GROUPING_ROLLUP ? group->n_sets + 1
                     : group->kind == GROUPING_SETS ? group->n_sets
                     : group->kind == GROUPING_CUBE
                         ? (group->n_sets < 31 ? (size_t)1 << group->n_sets : SIZE_MAX)
                         : 1;
        sets = own > GROUPING_SETS_MAX ? own : sets * own;
        if (sets > GROUPING_SETS_MAX)
            return FAIL(s->a, ERR_TOO_MANY_GROUPING_SETS, group->pos,
                        "GROUP BY has more than %d grouping sets", GROUPING_SETS_MAX);
    }
    return 0;
}

static int analyze_having(Select *s)
{
    QuerySpec *spec = s->spec;
    ExprContext c = context_of(s);
    if (!spec->having)
        return 0;
    if (analyze_expr(&c, spec->having) < 0)
        return -1;
    if (c.windows.n)
        return FAIL(s->a, ERR_NESTED_WINDOW, c.windows.items[0]->pos,
                    "HAVING clause cannot contain window functions or row pattern measures");
    if (!sql_type_can_coerce(spec->having->type, &TYPE_BOOLEAN_))
        return FAIL(s->a, ERR_TYPE_MISMATCH, spec->having->pos,
                    "HAVING clause must evaluate to a boolean: actual type %.*s",
                    STR_ARG(sql_type_name(spec->having->type, s->a->arena)));
    coerce_to(s->a, spec->having, &TYPE_BOOLEAN_);
    add_all(s, &s->aggregates, &c.aggregates);
    add_all(s, &s->groupings, &c.groupings);
    return 0;
}

/* ---- ORDER BY ---- */

/* What an aggregate in ORDER BY takes are the rows before the outputs are made. */
static void refuse_outputs(Expr *e, void *arg)
{
    Select *s = arg;
    expr_children(e, refuse_outputs, s);
    for (size_t i = 0; e->kind == EXPR_IDENT && i < s->spec->n_items; i++)
        if (name_is(s->spec->items[i].alias.text, e->ident.text) &&
            s->spec->items[i].expr->kind != EXPR_COLUMN)
            s->bad_output = e;
}

/* In ORDER BY a bare name is an output before it is a column, also inside of an expression. */
static void use_outputs(Expr *e, void *arg)
{
    Select *s = arg;
    if (e->kind == EXPR_FUNCTION && !e->call.over &&
        function_is_aggregate(e->call.name.parts[e->call.name.n - 1].text))
        return expr_children(e, refuse_outputs, s);
    if (e->kind != EXPR_IDENT) {
        expr_children(e, use_outputs, s);
        return;
    }
    for (size_t i = 0; i < s->fields.n; i++)
        if (name_is(s->fields.items[i].name, e->ident.text)) {
            s->order_uses_outputs = true;
            Expr *output = s->output.items[i];
            SqlPos pos = e->pos;
            *e = *output;
            e->coerced = e->type;
            e->pos = pos;
            return;
        }
}

static int analyze_order(Select *s, SortItem *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        Expr *e = items[i].expr;
        int ordinal = resolve_order_ordinal(s->a, &items[i], s->fields.items, s->fields.n);
        if (ordinal < 0)
            return -1;
        if (ordinal)
            continue;
        s->order_uses_outputs = false;
        use_outputs(e, s);
        if (s->bad_output)
            return FAIL(s->a, ERR_COLUMN_NOT_FOUND, s->bad_output->pos,
                        "Invalid reference to output projection attribute from ORDER BY "
                        "aggregation");
        ExprContext c = context_of(s);
        if (analyze_expr(&c, e) < 0)
            return -1;
        if (!sql_type_is_orderable(e->type))
            return FAIL(s->a, ERR_TYPE_MISMATCH, e->pos,
                        "Type %.*s is not orderable, and therefore cannot be used in ORDER BY",
                        STR_ARG(sql_type_name(e->type, s->a->arena)));
        add_all(s, &s->aggregates, &c.aggregates);
        add_all(s, &s->groupings, &c.groupings);
        bool mixed = s->spec->distinct &&
                     s->order_uses_outputs; /* output and column under one expression: in no select list */
        for (size_t j = 0; j < s->output.n && !items[i].ordinal && !mixed; j++)
            if (expr_equal(e, s->output.items[j]))
                items[i].ordinal = (int)j + 1;
        if (s->spec->distinct && !items[i].ordinal)
            return FAIL(s->a, ERR_EXPRESSION_NOT_IN_DISTINCT, s->spec->pos,
                        "For SELECT DISTINCT, ORDER BY expressions must appear in select list");
    }
    return 0;
}

/* ---- all of it ---- */

static int check_groups(Select *s, SortItem *order_by, size_t n_order_by)
{
    QuerySpec *spec = s->spec;
    spec->is_aggregated = spec->has_group_by || spec->n_groups || s->aggregates.n || spec->having;
    if (s->groupings.n && !spec->n_groups)
        return FAIL(s->a, ERR_MISSING_GROUP_BY, s->groupings.items[0]->pos,
                    "A GROUPING() operation can only be used with a corresponding "
                    "GROUPING SET/CUBE/ROLLUP/GROUP BY clause");
    if (!spec->is_aggregated)
        return 0;
    ExprList grouping = {0}, checked = {0};
    flatten_grouping(s->a, spec, &grouping);
    for (size_t i = 0; i < s->output.n; i++)
        *vec_push(s->a->arena, &checked) = s->output.items[i];
    if (spec->having)
        *vec_push(s->a->arena, &checked) = spec->having;
    for (size_t i = 0; i < n_order_by; i++)
        if (!order_by[i].ordinal)
            *vec_push(s->a->arena, &checked) = order_by[i].expr;
    if (check_aggregation(s->a, spec, &grouping, checked.items, checked.n) < 0)
        return -1;
    for (size_t i = s->outer_refs_before; i < s->a->outer_refs.n; i++) {
        struct OuterRef *ref = &s->a->outer_refs.items[i];
        bool found = ref->scope != s->scope;
        for (size_t j = 0; j < grouping.n && !found; j++)
            found = expr_equal(ref->expr, grouping.items[j]);
        if (!found)
            return FAIL(s->a, ERR_EXPRESSION_NOT_AGGREGATE, ref->expr->pos,
                        "Subquery uses '%.*s' which must appear in GROUP BY clause",
                        STR_ARG(expr_text(s->a, ref->expr)));
    }
    return 0;
}

int analyze_select(Analyzer *a, QueryBody *body, SortItem *order_by, size_t n_order_by, const Scope *parent,
                   const NamedScope *named)
{
    QuerySpec *spec = body->select;
    if (spec->from && analyze_relation(a, spec->from, parent, named) < 0)
        return -1;
    Scope *scope = arena_new_of(a->arena, Scope);
    *scope = (Scope){parent, spec->from ? spec->from->fields : NULL, spec->from ? spec->from->n_fields : 0};
    Select s = {.a = a, .spec = spec, .body = body, .scope = scope, .named = named};
    if (analyze_where(&s) < 0)
        return -1;
    s.outer_refs_before = a->outer_refs.n;
    if (analyze_items(&s) < 0 || analyze_groups(&s) < 0 || analyze_having(&s) < 0 ||
        analyze_order(&s, order_by, n_order_by) < 0 || check_groups(&s, order_by, n_order_by) < 0)
        return -1;
    if (spec->from)
        collect_conjuncts(a, spec->from, spec->where);
    return place_window_patterns(a, spec, order_by, n_order_by);
}
