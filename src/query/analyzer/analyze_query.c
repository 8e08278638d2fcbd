/* analyze_query.c - queries: WITH, set operations, ORDER BY and LIMIT around a body. */
#include "query/analyzer/internal.h"

static int analyze_body(Analyzer *a, QueryBody *body, SortItem *order_by, size_t n_order_by,
                        const Scope *parent, const NamedScope *named);

/* ---- WITH ---- */

static int name_outputs(Analyzer *a, NamedQuery *query, const Field *fields, size_t n)
{
    if (query->n_columns && query->n_columns != n)
        return FAIL(a, ERR_MISMATCHED_COLUMN_ALIASES, query->name.pos,
                    "Column alias list has %zu entries but '%.*s' has %zu columns available",
                    query->n_columns, STR_ARG(query->name.text), n);
    query->fields = arena_array(a->arena, Field, n ? n : 1);
    query->n_fields = n;
    for (size_t i = 0; i < n; i++) {
        query->fields[i] = fields[i];
        if (query->n_columns)
            query->fields[i].name = query->columns[i].text;
    }
    return 0;
}

/* WITH RECURSIVE t (a) AS (base UNION [ALL] step): the base gives t its types, then the step is analyzed. */
static int analyze_recursive(Analyzer *a, NamedQuery *query, const Scope *parent, const NamedScope *named)
{
    Query *inner = query->query;
    QueryBody *body = inner->body;
    if (body->kind != BODY_SET_OPERATION || body->set.op != SET_UNION || inner->n_with || inner->n_order_by ||
        inner->limit)
        return -2; /* not recursive at all */
    if (analyze_body(a, body->set.left, NULL, 0, parent, named) < 0 ||
        name_outputs(a, query, body->set.left->fields, body->set.left->n_fields) < 0)
        return -1;
    NamedScope own = {named, query, true};
    if (analyze_body(a, body->set.right, NULL, 0, parent, &own) < 0)
        return -1;
    if (body->set.right->n_fields != query->n_fields)
        return FAIL(a, ERR_TYPE_MISMATCH, body->pos,
                    "base and step relations of recursion have different number of fields: %zu, %zu",
                    query->n_fields, body->set.right->n_fields);
    const SqlType **types = arena_array(a->arena, const SqlType *, query->n_fields + 1);
    for (size_t i = 0; i < query->n_fields; i++) {
        types[i] = query->fields[i].type;
        if (!sql_type_can_coerce(body->set.right->fields[i].type, types[i]))
            return FAIL(a, ERR_TYPE_MISMATCH, body->pos,
                        "recursion step relation output type (%.*s) is not coercible to recursion base "
                        "relation output type (%.*s) at column %zu",
                        STR_ARG(sql_type_name(body->set.right->fields[i].type, a->arena)),
                        STR_ARG(sql_type_name(types[i], a->arena)), i + 1);
    }
    coerce_body(body->set.right, types, a->arena);
    body->fields = inner->fields = query->fields;
    body->n_fields = inner->n_fields = query->n_fields;
    query->is_recursive = true;
    return 0;
}

static bool mentions_body(const QueryBody *body, Str name);

typedef struct Mention {
    Str name;
    bool found;
} Mention;

/* A WITH of the query's own may take the name. */
static bool mentions_query(const Query *query, Str name)
{
    for (size_t i = 0; i < query->n_with; i++) {
        if (name_is(query->with[i]->name.text, name))
            return false;
        if (mentions_query(query->with[i]->query, name))
            return true;
    }
    return mentions_body(query->body, name);
}

static void mentions_expr(Expr *e, void *arg)
{
    Mention *m = arg;
    const Query *query = e->kind == EXPR_IN_SUBQUERY                             ? e->in.query
                         : e->kind == EXPR_QUANTIFIED                            ? e->quantified.query
                         : e->kind == EXPR_MATCH                                 ? e->match.query
                         : e->kind == EXPR_EXISTS || e->kind == EXPR_SUBQUERY ||
                                 e->kind == EXPR_UNIQUE                          ? e->subquery.query
                                                                                 : NULL;
    m->found |= query && mentions_query(query, m->name);
    expr_children(e, mentions_expr, m);
}

static bool mentions_select(const QuerySpec *spec, Str name)
{
    Mention m = {.name = name};
    for (size_t i = 0; i < spec->n_items; i++)
        mentions_expr(spec->items[i].expr, &m);
    if (spec->where)
        mentions_expr(spec->where, &m);
    if (spec->having)
        mentions_expr(spec->having, &m);
    return m.found;
}

static bool mentions(const Relation *relation, Str name)
{
    if (!relation)
        return false;
    switch (relation->kind) {
    case REL_TABLE:
        return relation->table.name.n == 1 && name_is(relation->table.name.parts[0].text, name);
    case REL_JOIN:
        return mentions(relation->join.left, name) || mentions(relation->join.right, name);
    case REL_SAMPLED:
        return mentions(relation->sample.relation, name);
    case REL_SUBQUERY:
    case REL_LATERAL:
        return mentions_query(relation->query, name);
    case REL_MATCH:
        return mentions(relation->match.input, name);
    case REL_TABLE_FUNCTION:
        for (size_t i = 0; i < relation->function.n; i++)
            if (mentions(relation->function.args[i].table, name))
                return true;
        return false;
    default:
        return false;
    }
}

static bool mentions_body(const QueryBody *body, Str name)
{
    switch (body->kind) {
    case BODY_SELECT:
        return mentions(body->select->from, name) || mentions_select(body->select, name);
    case BODY_VALUES:
    case BODY_TABLE:
        return mentions(body->relation, name);
    case BODY_SET_OPERATION:
        return mentions_body(body->set.left, name) || mentions_body(body->set.right, name);
    default:
        return mentions_query(body->query, name);
    }
}

static int analyze_with(Analyzer *a, Query *query, NamedScope *scopes, const Scope *parent,
                        const NamedScope **named)
{
    for (size_t i = 0; i < query->n_with; i++) {
        NamedQuery *with = query->with[i];
        for (size_t j = 0; j < i; j++)
            if (name_is(query->with[j]->name.text, with->name.text))
                return FAIL(a, ERR_DUPLICATE_NAMED_QUERY, with->name.pos,
                            "WITH query name '%.*s' specified more than once", STR_ARG(with->name.text));
        with->id = ++a->next_id;
        int done = -2;
        if (query->recursive && mentions_body(with->query->body, with->name.text)) {
            if (!with->n_columns)
                return FAIL(a, ERR_MISSING_COLUMN_ALIASES, with->name.pos,
                            "missing column aliases in recursive WITH query");
            done = analyze_recursive(a, with, parent, *named);
            if (done == -2)
                return FAIL(a, ERR_NOT_SUPPORTED, with->name.pos,
                            "This form of recursive WITH query is not supported");
        } else if (query->recursive && !with->n_columns) {
            return FAIL(a, ERR_MISSING_COLUMN_ALIASES, with->name.pos,
                        "missing column aliases in recursive WITH query");
        }
        if (done == -2)
            done = analyze_query(a, with->query, parent, *named) < 0
                       ? -1
                       : name_outputs(a, with, with->query->fields, with->query->n_fields);
        if (done < 0)
            return -1;
        scopes[i] = (NamedScope){*named, with, false};
        *named = &scopes[i];
    }
    return 0;
}

/* ---- set operations ---- */

static const char *const set_names[] = {
    [SET_UNION] = "UNION", [SET_INTERSECT] = "INTERSECT", [SET_EXCEPT] = "EXCEPT"};

void coerce_body(QueryBody *body, const SqlType *const *types, Arena *arena)
{
    Field *fields = arena_array(arena, Field, body->n_fields ? body->n_fields : 1);
    for (size_t i = 0; i < body->n_fields; i++) {
        fields[i] = body->fields[i];
        fields[i].type = types[i];
    }
    body->fields = fields;
    if (body->kind == BODY_SET_OPERATION) {
        coerce_body(body->set.left, types, arena);
        coerce_body(body->set.right, types, arena);
    } else if (body->kind == BODY_PARENTHESIZED) {
        coerce_body(body->query->body, types, arena);
        body->query->fields = fields;
    }
}

/* SELECT some of its columns FROM (body) */
static QueryBody *project(Analyzer *a, QueryBody *body, const size_t *columns, size_t n)
{
    Query *query = arena_new_of(a->arena, Query);
    Relation *relation = arena_new_of(a->arena, Relation);
    QuerySpec *spec = arena_new_of(a->arena, QuerySpec);
    QueryBody *outer = arena_new_of(a->arena, QueryBody);
    *query = (Query){.pos = body->pos, .body = body, .fields = body->fields, .n_fields = body->n_fields};
    *relation = (Relation){.kind = REL_SUBQUERY,
                           .pos = body->pos,
                           .query = query,
                           .fields = body->fields,
                           .n_fields = body->n_fields,
                           .id = ++a->next_id};
    *spec = (QuerySpec){
        .pos = body->pos, .from = relation, .output = arena_array(a->arena, Expr *, n + 1), .n_output = n};
    Field *fields = arena_array(a->arena, Field, n + 1);
    for (size_t i = 0; i < n; i++) {
        const Field *field = &body->fields[columns[i]];
        Expr *column = arena_new_of(a->arena, Expr);
        *column = (Expr){.kind = EXPR_COLUMN,
                         .pos = body->pos,
                         .type = field->type,
                         .coerced = field->type,
                         .column = {.ref = {relation, (int)columns[i], 0}}};
        spec->output[i] = column;
        fields[i] = (Field){.name = field->name, .type = field->type};
    }
    *outer =
        (QueryBody){.kind = BODY_SELECT, .pos = body->pos, .select = spec, .fields = fields, .n_fields = n};
    return outer;
}

static int check_names(Analyzer *a, SqlPos pos, const QueryBody *side)
{
    for (size_t i = 0; i < side->n_fields; i++) {
        Str name = side->fields[i].name;
        if (!name.ptr)
            return FAIL(a, ERR_MISSING_COLUMN_NAME, pos,
                        "Anonymous columns are not allowed in set operations with CORRESPONDING");
        for (size_t j = 0; j < i; j++)
            if (name_is(side->fields[j].name, name))
                return FAIL(a, ERR_AMBIGUOUS_NAME, pos,
                            "Duplicate columns found when using CORRESPONDING in set operations: %.*s",
                            STR_ARG(arena_lower(a->arena, name)));
    }
    return 0;
}

/* CORRESPONDING: both sides are cut to the columns whose names they share, in the left one's order. */
static int match_columns(Analyzer *a, QueryBody *body)
{
    QueryBody *left = body->set.left, *right = body->set.right;
    if (body->set.n_by)
        return FAIL(a, ERR_NOT_SUPPORTED, body->pos, "CORRESPONDING with columns is unsupported");
    if (check_names(a, body->pos, left) < 0 || check_names(a, body->pos, right) < 0)
        return -1;
    size_t *from_left = arena_array(a->arena, size_t, left->n_fields + 1);
    size_t *from_right = arena_array(a->arena, size_t, left->n_fields + 1), n = 0;
    for (size_t i = 0; i < left->n_fields; i++)
        for (size_t j = 0; j < right->n_fields; j++)
            if (name_is(left->fields[i].name, right->fields[j].name)) {
                from_left[n] = i;
                from_right[n++] = j;
            }
    if (!n)
        return FAIL(a, ERR_MISMATCHED_COLUMN_ALIASES, body->pos, "No corresponding columns");
    body->set.left = project(a, left, from_left, n);
    body->set.right = project(a, right, from_right, n);
    body->set.corresponding = false;
    return 0;
}

static int analyze_set_operation(Analyzer *a, QueryBody *body, const Scope *parent, const NamedScope *named)
{
    QueryBody *left = body->set.left, *right = body->set.right;
    const char *name = set_names[body->set.op];
    if (analyze_body(a, left, NULL, 0, parent, named) < 0 ||
        analyze_body(a, right, NULL, 0, parent, named) < 0)
        return -1;
    if (body->set.corresponding && match_columns(a, body) < 0)
        return -1;
    left = body->set.left;
    right = body->set.right;
    if (left->n_fields != right->n_fields)
        return FAIL(a, ERR_TYPE_MISMATCH, body->pos, "%s query has different number of fields: %zu, %zu",
                    name, left->n_fields, right->n_fields);
    const SqlType **types = arena_array(a->arena, const SqlType *, left->n_fields + 1);
    body->n_fields = left->n_fields;
    body->fields = arena_array(a->arena, Field, left->n_fields + 1);
    for (size_t i = 0; i < left->n_fields; i++) {
        types[i] = sql_type_common(left->fields[i].type, right->fields[i].type, a->arena);
        if (!types[i])
            return FAIL(a, ERR_TYPE_MISMATCH, body->pos,
                        "column %zu in %s query has incompatible types: %.*s, %.*s", i + 1, name,
                        STR_ARG(sql_type_name(left->fields[i].type, a->arena)),
                        STR_ARG(sql_type_name(right->fields[i].type, a->arena)));
        if (!body->set.all && !sql_type_is_comparable(types[i]))
            return FAIL(a, ERR_TYPE_MISMATCH, body->pos,
                        "Type %.*s is not comparable and therefore cannot be used in %s%s",
                        STR_ARG(sql_type_name(types[i], a->arena)), name,
                        body->set.op == SET_UNION ? " DISTINCT" : "");
        body->fields[i] = (Field){.name = left->fields[i].name, .type = types[i]};
    }
    coerce_body(left, types, a->arena);
    coerce_body(right, types, a->arena);
    return 0;
}

/* ---- ORDER BY on outputs ---- */

int resolve_order_ordinal(Analyzer *a, SortItem *item, const Field *fields, size_t n_fields)
{
    Expr *e = item->expr;
    if (e->kind == EXPR_INTEGER) {
        if (e->integer.value < 1 || (uint64_t)e->integer.value > n_fields)
            return FAIL(a, ERR_INVALID_COLUMN_REFERENCE, e->pos,
                        "ORDER BY position %lld is not in select list", (long long)e->integer.value);
        item->ordinal = (int)e->integer.value;
    } else if (e->kind == EXPR_IDENT) {
        for (size_t i = 0; i < n_fields; i++) {
            if (!name_is(fields[i].name, e->ident.text))
                continue;
            if (item->ordinal)
                return FAIL(a, ERR_AMBIGUOUS_NAME, e->pos, "Column '%.*s' is ambiguous",
                            STR_ARG(e->ident.text));
            item->ordinal = (int)i + 1;
        }
    }
    if (!item->ordinal)
        return 0;
    e->type = e->coerced = fields[item->ordinal - 1].type;
    if (!sql_type_is_orderable(e->type))
        return FAIL(a, ERR_TYPE_MISMATCH, e->pos,
                    "Type %.*s is not orderable, and therefore cannot be used in ORDER BY",
                    STR_ARG(sql_type_name(e->type, a->arena)));
    return 1;
}

int analyze_order_by_output(Analyzer *a, SortItem *items, size_t n, const Field *fields, size_t n_fields,
                            const Scope *parent, const NamedScope *named)
{
    /* Names are those of the outputs: c<i> of this very query. */
    Field *outputs = arena_array(a->arena, Field, n_fields ? n_fields : 1);
    for (size_t i = 0; i < n_fields; i++)
        outputs[i] = (Field){.name = fields[i].name, .type = fields[i].type, .ref = {NULL, (int)i, 0}};
    Scope scope = {parent, outputs, n_fields};
    for (size_t i = 0; i < n; i++) {
        int ordinal = resolve_order_ordinal(a, &items[i], fields, n_fields);
        if (ordinal < 0)
            return -1;
        if (ordinal)
            continue;
        ExprContext c = {.a = a, .scope = &scope, .named = named};
        if (analyze_expr(&c, items[i].expr) < 0)
            return -1;
    }
    return 0;
}

/* ---- bodies and queries ---- */

static int analyze_relation_body(Analyzer *a, QueryBody *body, const Scope *parent, const NamedScope *named)
{
    if (analyze_relation(a, body->relation, parent, named) < 0)
        return -1;
    body->fields = arena_array(a->arena, Field, body->relation->n_fields + 1);
    for (size_t i = 0; i < body->relation->n_fields; i++) {
        if (body->relation->fields[i].hidden)
            continue;
        mark_used(&body->relation->fields[i]);
        body->fields[body->n_fields++] = body->relation->fields[i];
    }
    return 0;
}

static int analyze_body(Analyzer *a, QueryBody *body, SortItem *order_by, size_t n_order_by,
                        const Scope *parent, const NamedScope *named)
{
    int failed;
    body->n_fields = 0;
    switch (body->kind) {
    case BODY_SELECT:
        return analyze_select(a, body, order_by, n_order_by, parent, named);
    case BODY_SET_OPERATION:
        failed = analyze_set_operation(a, body, parent, named);
        break;
    case BODY_PARENTHESIZED:
        failed = analyze_query(a, body->query, parent, named);
        body->fields = body->query->fields;
        body->n_fields = body->query->n_fields;
        break;
    default:
        failed = analyze_relation_body(a, body, parent, named);
    }
    return failed ? -1
                  : analyze_order_by_output(a, order_by, n_order_by, body->fields, body->n_fields, parent,
                                            named);
}

static int analyze_count(Analyzer *a, Expr *e, const char *what)
{
    ExprContext c = {.a = a, .no_subquery = "Subqueries are not supported in LIMIT"};
    if (!e)
        return 0;
    bool parameter = e->kind == EXPR_PARAMETER;
    if (analyze_expr(&c, e) < 0)
        return -1;
    if (!parameter && e->kind != EXPR_INTEGER)
        return FAIL(a, ERR_INVALID_LIMIT_CLAUSE, e->pos, "%s must be a constant", what);
    if (e->kind != EXPR_INTEGER && !a->session->describe_only)
        return FAIL(a, ERR_TYPE_MISMATCH, e->pos, "Non constant parameter value for %s", what);
    if (e->kind == EXPR_INTEGER && e->integer.value < 0)
        return FAIL(a, ERR_INVALID_LIMIT_CLAUSE, e->pos,
                    "%s row count must be greater or equal to 0 (actual value: %lld)", what,
                    (long long)e->integer.value);
    coerce_to(a, e, &TYPE_BIGINT_);
    return 0;
}

int analyze_query(Analyzer *a, Query *query, const Scope *parent, const NamedScope *named)
{
    NamedScope *scopes = arena_array(a->arena, NamedScope, query->n_with + 1);
    size_t refs = a->outer_refs.n;
    int before = a->next_id;
    size_t routines = a->routines.n;
    if (analyze_functions(a, query) < 0 || analyze_with(a, query, scopes, parent, &named) < 0 ||
        analyze_body(a, query->body, query->order_by, query->n_order_by, parent, named) < 0)
        return -1;
    a->routines.n = routines;
    query->fields = query->body->fields;
    query->n_fields = query->body->n_fields;
    query->is_correlated = a->outer_refs.n > refs;
    if (!query->last_relation) {
        query->first_relation = before;
        query->last_relation = a->next_id;
    }
    if (query->with_ties && !query->n_order_by)
        return FAIL(a, ERR_MISSING_ORDER_BY, query->limit ? query->limit->pos : query->pos,
                    "FETCH FIRST WITH TIES clause requires ORDER BY");
    if (query->fetch_first && query->limit && query->limit->kind == EXPR_INTEGER &&
        query->limit->integer.value == 0)
        return FAIL(a, ERR_INVALID_LIMIT_CLAUSE, query->limit->pos,
                    "FETCH FIRST row count must be positive (actual value: 0)");
    return analyze_count(a, query->offset, "OFFSET") < 0
               ? -1
               : analyze_count(a, query->limit, query->fetch_first ? "FETCH FIRST" : "LIMIT");
}

/* ---- subqueries in expressions ---- */

static const SqlType *row_of(Analyzer *a, const Query *query)
{
    RowField *fields = arena_array(a->arena, RowField, query->n_fields ? query->n_fields : 1);
    for (size_t i = 0; i < query->n_fields; i++)
        fields[i] = (RowField){query->fields[i].name, query->fields[i].type};
    return sql_type_row(a->arena, fields, query->n_fields);
}

/* The value that an IN or ANY is about, and its subquery, in their common types. */
static int compare_with_query(ExprContext *c, const Expr *e, Expr *value, Query *query, bool ordered)
{
    Analyzer *a = c->a;
    const SqlType *left = value->type;
    /* ROW(1) IN (SELECT 1): a row of one field against one column. */
    bool as_row = query->n_fields != 1 || (left->kind == TYPE_ROW && query->fields[0].type->kind != TYPE_ROW);
    const SqlType *right = as_row ? row_of(a, query) : query->fields[0].type;
    const SqlType *common = sql_type_common(left, right, a->arena);
    if (!common) {
        const SqlType *row =
            left->kind == TYPE_ROW ? left : sql_type_row(a->arena, &(RowField){.type = left}, 1);
        return FAIL(a, ERR_TYPE_MISMATCH, e->pos,
                    "Value expression and result of subquery must be of the same type: %.*s vs %.*s",
                    STR_ARG(sql_type_name(row, a->arena)),
                    STR_ARG(sql_type_name(row_of(a, query), a->arena)));
    }
    if (!(ordered ? sql_type_is_orderable(common) : sql_type_is_comparable(common)))
        return FAIL(a, ERR_TYPE_MISMATCH, e->pos,
                    "Type [%.*s] must be %s in order to be used in quantified comparison",
                    STR_ARG(sql_type_name(common, a->arena)), ordered ? "orderable" : "comparable");
    coerce_to(a, value, common);
    const SqlType **types = arena_array(a->arena, const SqlType *, query->n_fields + 1);
    for (size_t i = 0; i < query->n_fields; i++)
        types[i] = as_row ? common->fields[i].type : common;
    coerce_body(query->body, types, a->arena);
    query->fields = query->body->fields;
    return 0;
}

static int check_unique(Analyzer *a, const Expr *e)
{
    const Query *query = e->subquery.query;
    for (size_t i = 0; i < query->n_fields; i++)
        if (!sql_type_is_comparable(query->fields[i].type))
            return FAIL(a, ERR_TYPE_MISMATCH, e->pos,
                        "Type %.*s is not comparable and cannot be used in UNIQUE",
                        STR_ARG(sql_type_name(query->fields[i].type, a->arena)));
    return 0;
}

int analyze_subquery_expr(ExprContext *c, Expr *e)
{
    Analyzer *a = c->a;
    Expr *value = e->kind == EXPR_IN_SUBQUERY  ? e->in.value
                  : e->kind == EXPR_QUANTIFIED ? e->quantified.value
                  : e->kind == EXPR_MATCH      ? e->match.value
                                               : NULL;
    Query *query = e->kind == EXPR_IN_SUBQUERY  ? e->in.query
                   : e->kind == EXPR_QUANTIFIED ? e->quantified.query
                   : e->kind == EXPR_MATCH      ? e->match.query
                                                : e->subquery.query;
    if (c->no_subquery)
        return FAIL(a, a->routine ? ERR_NOT_SUPPORTED : ERR_UNSUPPORTED_SUBQUERY, e->pos, "%s",
                    c->no_subquery);
    if (value && analyze_expr(c, value) < 0)
        return -1;
    /* An expression may be typed twice, its query need not. */
    if (!query->fields && analyze_query(a, query, c->scope, c->named) < 0)
        return -1;
    e->type = &TYPE_BOOLEAN_;
    if (value)
        return compare_with_query(c, e, value, query,
                                  e->kind == EXPR_QUANTIFIED && e->quantified.op >= OP_LT);
    if (e->kind == EXPR_UNIQUE)
        return check_unique(a, e);
    if (e->kind == EXPR_SUBQUERY)
        e->type = query->n_fields == 1 ? query->fields[0].type : row_of(a, query);
    return 0;
}
