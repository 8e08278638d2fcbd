/* correlation.c - which correlated subqueries are refused.
 *
 * Trino answers a correlated subquery only where its planner can take the correlation out of it, and says
 * "Given correlated subquery is not supported" of the others. DuckDB answers nearly all, some by plans that
 * pair every row with every other. So that a statement means the same and ends, the shapes that Trino's rules
 * leave over are refused here. What the rules do with a shape is told by a Shape, made from the inside out as
 * their plan is: FROM, WHERE, aggregation, outputs, DISTINCT, ORDER BY and LIMIT. Where the outcome of the
 * rules is not known for sure the shape is "unsure", and let through.
 *
 * Source: the rules TransformCorrelated… and the class PlanNodeDecorrelator of Trino's planner. */
#include "query/analyzer/internal.h"

typedef Vec(FieldRef) Columns;

typedef struct Shape {
    bool failed;          /* the correlation cannot be taken out */
    bool unsure;
    bool single;          /* one row, made of values and projections alone */
    bool correlated;      /* something below refers to the outside */
    bool residual;        /* and will still do so when the filters have been taken out */
    bool outputs_outside; /* the outputs refer to the outside: gone where nobody asks for them */
    bool global;          /* an aggregation to one row over something correlated */
    bool grouped;         /* a GROUP BY that only the outermost place can have */
    bool shaped;          /* more than projections and filters over something correlated */
    bool one_row;         /* for each outer row, when the correlation has been taken out */
    bool at_most_one;     /* row, as it stands */
    bool unnests;
    bool propagates_other; /* a filter on something that is no column */
    Columns propagated;   /* columns that filters on the outside need */
    Columns constants;    /* those of them that have one value for each outer row */
} Shape;

typedef struct Checker {
    Analyzer *a;
    int first, last; /* the relations of the subquery have ids first < id <= last */
} Checker;

/* ---- walking ---- */

static void walk_query(const Query *query, ExprVisit visit, void *arg);

static void walk_list(Expr *const *items, size_t n, ExprVisit visit, void *arg)
{
    for (size_t i = 0; i < n; i++)
        if (items[i])
            visit(items[i], arg);
}

static void walk_relation(const Relation *relation, ExprVisit visit, void *arg)
{
    if (!relation)
        return;
    switch (relation->kind) {
    case REL_SUBQUERY:
    case REL_LATERAL:
        walk_query(relation->query, visit, arg);
        break;
    case REL_JOIN:
        walk_relation(relation->join.left, visit, arg);
        walk_relation(relation->join.right, visit, arg);
        walk_list(&relation->join.on, 1, visit, arg);
        break;
    case REL_VALUES:
        walk_list(relation->values.rows, relation->values.n, visit, arg);
        break;
    case REL_UNNEST:
        walk_list(relation->unnest.items, relation->unnest.n, visit, arg);
        break;
    case REL_SAMPLED:
        walk_relation(relation->sample.relation, visit, arg);
        break;
    default:
        break;
    }
}

static void walk_body(const QueryBody *body, ExprVisit visit, void *arg)
{
    const QuerySpec *spec = body->select;
    switch (body->kind) {
    case BODY_SELECT:
        walk_relation(spec->from, visit, arg);
        walk_list(&spec->where, 1, visit, arg);
        walk_list(spec->output, spec->n_output, visit, arg);
        for (size_t g = 0; g < spec->n_groups; g++)
            for (size_t i = 0; i < spec->groups[g].n_sets; i++)
                walk_list(spec->groups[g].sets[i].items, spec->groups[g].sets[i].n, visit, arg);
        walk_list(&spec->having, 1, visit, arg);
        break;
    case BODY_SET_OPERATION:
        walk_body(body->set.left, visit, arg);
        walk_body(body->set.right, visit, arg);
        break;
    case BODY_PARENTHESIZED:
        walk_query(body->query, visit, arg);
        break;
    default:
        walk_relation(body->relation, visit, arg);
    }
}

static void walk_query(const Query *query, ExprVisit visit, void *arg)
{
    for (size_t i = 0; i < query->n_with; i++)
        walk_query(query->with[i]->query, visit, arg);
    walk_body(query->body, visit, arg);
    for (size_t i = 0; i < query->n_order_by; i++)
        if (!query->order_by[i].ordinal)
            visit(query->order_by[i].expr, arg);
}

static const Query *subquery_of(const Expr *e)
{
    switch (e->kind) {
    case EXPR_EXISTS:
    case EXPR_SUBQUERY:
    case EXPR_UNIQUE:
        return e->subquery.query;
    case EXPR_IN_SUBQUERY:
        return e->in.query;
    case EXPR_QUANTIFIED:
        return e->quantified.query;
    case EXPR_MATCH:
        return e->match.query;
    default:
        return NULL;
    }
}

/* ---- references to the outside ---- */

typedef struct Find {
    const Checker *c;
    bool outside, nested, nested_in, windows;
    int aggregates, filtered; /* and how many of the aggregates have a FILTER */
    Columns *inside; /* NULL: not wanted */
    bool in_subquery;
} Find;

/* A column of a subquery in FROM that only passes another's column on is that column. */
static FieldRef canonical(FieldRef ref)
{
    for (;;) {
        const Relation *r = ref.relation;
        if (!r || (r->kind != REL_SUBQUERY && r->kind != REL_LATERAL) || r->query->body->kind != BODY_SELECT)
            return ref;
        const QuerySpec *spec = r->query->body->select;
        if ((size_t)ref.index >= spec->n_output || spec->output[ref.index]->kind != EXPR_COLUMN)
            return ref;
        ref = spec->output[ref.index]->column.ref;
    }
}

static bool has_column(const Columns *columns, FieldRef ref)
{
    for (size_t i = 0; i < columns->n; i++)
        if (columns->items[i].relation == ref.relation && columns->items[i].index == ref.index)
            return true;
    return false;
}

static void add_column(const Checker *c, Columns *columns, FieldRef ref)
{
    ref = canonical(ref);
    if (!has_column(columns, ref))
        *vec_push(c->a->arena, columns) = ref;
}

/* Also when a subquery in FROM passes the outer column on. */
static bool is_outside(const Checker *c, const Expr *e)
{
    const Relation *relation = e->kind == EXPR_COLUMN ? canonical(e->column.ref).relation : NULL;
    return relation && (relation->id <= c->first || relation->id > c->last);
}

static void look(Expr *e, void *arg)
{
    Find *f = arg;
    if (is_outside(f->c, e)) {
        f->outside = true;
        f->nested |= f->in_subquery;
    } else if (e->kind == EXPR_COLUMN && e->column.ref.relation && f->inside && !f->in_subquery) {
        add_column(f->c, f->inside, e->column.ref);
    }
    if (e->kind == EXPR_FUNCTION && !f->in_subquery) {
        bool aggregate = !e->call.over && e->call.def && e->call.def->kind == FUNCTION_AGGREGATE;
        f->windows |= e->call.over != NULL;
        f->aggregates += aggregate;
        f->filtered += aggregate && e->call.filter;
    }
    const Query *query = subquery_of(e);
    if (query) {
        Find inner = {.c = f->c, .in_subquery = true};
        walk_query(query, look, &inner);
        f->outside |= inner.outside;
        f->nested |= inner.outside;
        f->nested_in |= inner.nested_in || (inner.outside && e->kind == EXPR_IN_SUBQUERY);
    }
    expr_children(e, look, f);
}

static Find look_at(const Checker *c, Expr *e, Columns *inside)
{
    Find f = {.c = c, .inside = inside};
    look(e, &f);
    return f;
}

static bool relation_is_correlated(const Checker *c, const Relation *relation)
{
    Find f = {.c = c};
    walk_relation(relation, look, &f);
    return f.outside;
}

static bool query_is_correlated(const Checker *c, const Query *query)
{
    Find f = {.c = c};
    walk_query(query, look, &f);
    return f.outside;
}

/* ---- shapes ---- */

static Shape shape_query(const Checker *c, const Query *query, bool pruned);

static Shape failed(void)
{
    return (Shape){.failed = true, .correlated = true};
}

/* No planner rule of ours: whatever it is, it passes. */
static Shape unsure(void)
{
    return (Shape){.unsure = true, .correlated = true};
}

/* What a subquery in FROM gives beside columns of other relations. */
static bool computes_outside(const Checker *c, const Query *query)
{
    const QuerySpec *spec = query->body->select;
    if (query->body->kind != BODY_SELECT)
        return true;
    for (size_t i = 0; i < spec->n_output; i++)
        if (spec->output[i]->kind != EXPR_COLUMN && look_at(c, spec->output[i], NULL).outside)
            return true;
    return false;
}

static Shape shape_relation(const Checker *c, const Relation *relation);

static Shape shape_join(const Checker *c, const Relation *join)
{
    const Relation *left = join->join.left, *right = join->join.right;
    Find on = join->join.on ? look_at(c, join->join.on, NULL) : (Find){.c = c};
    bool right_outside = relation_is_correlated(c, right);
    if (!relation_is_correlated(c, left) && !right_outside && !on.outside)
        return (Shape){0};
    if (right->kind == REL_UNNEST) {
        Shape shape = unsure();
        shape.unnests = true;
        return shape;
    }
    if (right->kind == REL_LATERAL && !relation_is_correlated(c, left) && !on.outside) {
        Shape shape = shape_query(c, right->query, false);
        if (shape.single) {
            Shape both = shape_relation(c, left);
            both.correlated = true;
            both.residual = computes_outside(c, right->query);
            return both;
        }
    }
    return failed();
}

static Shape shape_relation(const Checker *c, const Relation *relation)
{
    if (!relation)
        return (Shape){.single = true, .one_row = true, .at_most_one = true};
    bool outside = relation_is_correlated(c, relation);
    switch (relation->kind) {
    case REL_JOIN:
        return shape_join(c, relation);
    case REL_SUBQUERY:
    case REL_LATERAL: {
        Shape shape = shape_query(c, relation->query, false);
        bool computes = shape.outputs_outside && computes_outside(c, relation->query);
        shape.residual |= computes && !shape.global;
        shape.failed |= computes && shape.global;
        shape.outputs_outside = false;
        return shape;
    }
    case REL_VALUES:
        if (outside && relation->values.n > 1)
            return failed();
        return (Shape){.single = relation->values.n == 1,
                       .one_row = relation->values.n == 1,
                       .at_most_one = relation->values.n == 1,
                       .correlated = outside,
                       .residual = outside};
    case REL_UNNEST:
        return outside ? (Shape){.unsure = true, .correlated = true, .unnests = true} : (Shape){0};
    case REL_SAMPLED:
        return outside ? failed() : (Shape){0};
    default:
        return outside ? unsure() : (Shape){0};
    }
}

static const Expr *uncast(const Expr *e)
{
    return e->kind == EXPR_CAST && !e->cast.is_try ? e->cast.operand : e;
}

/* Does no value of `from` meet another as `to`? */
static bool is_injective(const SqlType *from, const SqlType *to)
{
    if (sql_type_equal(from, to) || from->kind == TYPE_UNKNOWN)
        return true;
    bool integer = from->kind >= TYPE_TINYINT && from->kind <= TYPE_BIGINT;
    if (integer && to->kind >= TYPE_TINYINT && to->kind <= TYPE_BIGINT)
        return to->kind >= from->kind;
    if (integer && (to->kind == TYPE_DOUBLE || to->kind == TYPE_DECIMAL))
        return to->kind == TYPE_DECIMAL || from->kind != TYPE_BIGINT;
    return (from->kind == to->kind && (from->kind == TYPE_VARCHAR || from->kind == TYPE_DECIMAL)) ||
           (from->kind == TYPE_DATE && to->kind == TYPE_TIMESTAMP);
}

/* column = f(outer columns): the column has one value for each outer row. */
static void add_constant(const Checker *c, Shape *shape, Expr *side, Expr *other)
{
    const Expr *column = uncast(side);
    if (column->kind != EXPR_COLUMN || !column->column.ref.relation || is_outside(c, column) ||
        !is_injective(column->type, side->coerced) || !expr_is_deterministic(other))
        return;
    Columns inside = {0};
    (void)look_at(c, other, &inside);
    if (inside.n == 0)
        add_column(c, &shape->constants, column->column.ref);
}

/* true, and 0 = 0. */
static bool is_true(const Expr *e)
{
    if (e->kind == EXPR_BOOLEAN)
        return e->boolean;
    return e->kind == EXPR_COMPARISON && e->binary.op == OP_EQ && e->binary.left->kind == EXPR_INTEGER &&
           e->binary.right->kind == EXPR_INTEGER &&
           e->binary.left->integer.value == e->binary.right->integer.value;
}

static void shape_conjunct(const Checker *c, Shape *shape, Expr *e)
{
    if (e->kind == EXPR_AND) {
        for (size_t i = 0; i < e->list.n; i++)
            shape_conjunct(c, shape, e->list.items[i]);
        return;
    }
    if (is_true(e))
        return;
    Find f = {.c = c, .inside = &shape->propagated};
    shape->single = false;
    if (!look_at(c, e, NULL).outside)
        return;
    look(e, &f);
    shape->correlated = true;
    shape->unsure |= f.nested;
    if (e->kind == EXPR_COMPARISON && e->binary.op == OP_EQ) {
        add_constant(c, shape, e->binary.left, e->binary.right);
        add_constant(c, shape, e->binary.right, e->binary.left);
    }
}

static bool all_constant(const Shape *shape, const Columns *columns)
{
    for (size_t i = 0; i < columns->n; i++)
        if (!has_column(&shape->constants, columns->items[i]))
            return false;
    return true;
}

static bool propagated_are_constant(const Shape *shape)
{
    return !shape->propagates_other && all_constant(shape, &shape->propagated);
}

/* GROUP BY keys, and DISTINCT with the outputs as keys. */
static void shape_grouping(const Checker *c, Shape *shape, Expr *const *keys, size_t n)
{
    Columns columns = {0};
    bool keys_constant = true;
    for (size_t i = 0; i < n; i++) {
        if (keys[i]->kind == EXPR_COLUMN && !is_outside(c, keys[i]))
            add_column(c, &columns, keys[i]->column.ref);
        keys_constant &= keys[i]->kind == EXPR_COLUMN && has_column(&shape->constants,
                                                                    canonical(keys[i]->column.ref));
    }
    shape->single = false;
    if (!shape->correlated)
        return;
    for (size_t i = 0; i < shape->propagated.n; i++)
        shape->grouped |= !has_column(&columns, shape->propagated.items[i]) &&
                          !has_column(&shape->constants, shape->propagated.items[i]);
    shape->grouped |= shape->propagates_other;
    shape->one_row = keys_constant;
    shape->shaped = true;
}

static size_t count_sets(const QuerySpec *spec)
{
    size_t n = 1;
    for (size_t g = 0; g < spec->n_groups; g++)
        if (spec->groups[g].kind != GROUPING_SIMPLE)
            n = spec->groups[g].kind == GROUPING_SETS && spec->groups[g].n_sets == 1 ? n : 2;
    return n;
}

static void shape_aggregation(const Checker *c, const QuerySpec *spec, Shape *shape, const Find *outputs)
{
    ExprList keys = {0};
    flatten_grouping(c->a, spec, &keys);
    bool was_correlated = shape->correlated;
    /* FILTERs on all of them become one below the aggregation. */
    shape->failed |= shape->unnests && outputs->filtered && outputs->filtered == outputs->aggregates;
    shape->failed |= was_correlated && (count_sets(spec) > 1 || shape->global || shape->grouped);
    for (size_t i = 0; i < keys.n; i++)
        shape->residual |= look_at(c, keys.items[i], NULL).outside;
    if (spec->n_groups && keys.n) {
        shape_grouping(c, shape, keys.items, keys.n);
    } else {
        shape->single = false;
        shape->one_row = shape->at_most_one = true;
        shape->global = was_correlated;
        shape->shaped |= was_correlated;
    }
    if (!spec->having)
        return;
    Find having = look_at(c, spec->having, NULL);
    shape->failed |= was_correlated && (shape->global || shape->grouped);
    shape->one_row = shape->one_row && !having.outside;
    shape->correlated |= having.outside;
    shape->propagates_other |= having.outside;
    shape->unsure |= having.nested;
}

static Shape shape_select(const Checker *c, const QuerySpec *spec, bool pruned)
{
    Shape shape = shape_relation(c, spec->from);
    Find outputs = {.c = c};
    if (spec->where)
        shape_conjunct(c, &shape, spec->where);
    walk_list(spec->output, spec->n_output, look, &outputs);
    if (spec->is_aggregated)
        shape_aggregation(c, spec, &shape, &outputs);
    if (outputs.windows) {
        shape.failed |= shape.correlated || outputs.outside;
        shape.correlated |= outputs.outside;
        shape.single = false;
    }
    if (pruned && !spec->distinct)
        return shape;
    shape.correlated |= outputs.outside;
    shape.outputs_outside |= outputs.outside;
    if (outputs.nested) {
        shape.single = false;
        shape.unsure |= !outputs.nested_in;
    }
    if (spec->distinct && !shape.global)
        shape_grouping(c, &shape, spec->output, spec->n_output);
    return shape;
}

static Shape shape_body(const Checker *c, const QueryBody *body, bool pruned)
{
    Find f = {.c = c};
    switch (body->kind) {
    case BODY_SELECT:
        return shape_select(c, body->select, pruned);
    case BODY_PARENTHESIZED:
        return shape_query(c, body->query, pruned);
    case BODY_SET_OPERATION:
        walk_body(body, look, &f);
        return f.outside ? failed() : (Shape){0};
    default:
        return shape_relation(c, body->relation);
    }
}

static bool outputs_are_constant(const Query *query, const Shape *shape)
{
    const QuerySpec *spec = query->body->select;
    if (query->body->kind != BODY_SELECT)
        return false;
    for (size_t i = 0; i < spec->n_output; i++)
        if (spec->output[i]->kind != EXPR_COLUMN ||
            !has_column(&shape->constants, canonical(spec->output[i]->column.ref)))
            return false;
    return true;
}

static void shape_limit(const Query *query, bool pruned, Shape *shape)
{
    int64_t n = query->limit ? query->limit->integer.value : 1;
    if (shape->unnests || (shape->at_most_one && !query->offset))
        return;
    shape->shaped = true;
    shape->failed |= query->with_ties || query->offset || shape->grouped;
    if (shape->one_row)
        return;
    if (query->n_order_by || n > 1)
        shape->failed |= !propagated_are_constant(shape);
    else
        shape->failed |= !shape->constants.n || !propagated_are_constant(shape) ||
                         (!pruned && !outputs_are_constant(query, shape));
    shape->one_row = n == 1;
}

static Shape shape_query(const Checker *c, const Query *query, bool pruned)
{
    Shape shape = shape_body(c, query->body, pruned);
    bool limited = query->limit || query->fetch_first || query->offset;
    for (size_t i = 0; i < query->n_with; i++)
        shape.unsure |= query_is_correlated(c, query->with[i]->query);
    if (!limited)
        return shape;
    if (query->limit && query->limit->kind == EXPR_INTEGER && query->limit->integer.value == 0)
        return (Shape){0};
    for (size_t i = 0; i < query->n_order_by; i++)
        if (!query->order_by[i].ordinal && look_at(c, query->order_by[i].expr, NULL).outside) {
            shape.correlated = shape.residual = true;
            shape.single = false;
        }
    if (shape.correlated && !shape.global && !shape.single)
        shape_limit(query, pruned, &shape);
    return shape;
}

/* ---- verdicts ---- */

static bool is_membership(const Expr *e)
{
    return e->kind == EXPR_IN_SUBQUERY ||
           (e->kind == EXPR_QUANTIFIED &&
            ((e->quantified.op == OP_EQ && !e->quantified.all) ||
             (e->quantified.op == OP_NE && e->quantified.all)));
}

/* `e` is NULL for LATERAL. */
static bool is_refused(const Checker *c, const Expr *e, const Query *query)
{
    if (!query_is_correlated(c, query))
        return false;
    bool exists = e && e->kind == EXPR_EXISTS;
    Shape shape = shape_query(c, query, exists);
    if (shape.failed)
        return true;
    if (shape.unsure)
        return false;
    if (e && is_membership(e))
        return shape.residual || shape.outputs_outside || shape.shaped;
    if (exists)
        return !shape.global && (shape.residual || shape.grouped);
    if (shape.global)
        return shape.residual;
    if (shape.single)
        return false;
    return shape.residual || shape.outputs_outside;
}

typedef struct Pass {
    Analyzer *a;
    int failed;
} Pass;

static int check_query(Pass *pass, const Query *query);

static void check_subquery(Pass *pass, const Expr *e, const Query *query, SqlPos pos)
{
    Checker c = {pass->a, query->first_relation, query->last_relation};
    if (!pass->failed && is_refused(&c, e, query))
        pass->failed = FAIL(pass->a, ERR_NOT_SUPPORTED, pos, "Given correlated subquery is not supported");
}

/* Of a predicate, where its value begins. */
static SqlPos position_of(const Expr *e)
{
    return e->kind == EXPR_SUBQUERY      ? e->subquery.query->pos
           : e->kind == EXPR_IN_SUBQUERY ? e->in.value->pos
           : e->kind == EXPR_QUANTIFIED  ? e->quantified.value->pos
                                         : e->pos;
}

static void check_expr(Expr *e, void *arg)
{
    Pass *pass = arg;
    const Query *query = subquery_of(e);
    if (pass->failed)
        return;
    if (query && e->kind != EXPR_UNIQUE && e->kind != EXPR_MATCH)
        check_subquery(pass, e, query, position_of(e));
    if (query)
        pass->failed = pass->failed ? pass->failed : check_query(pass, query);
    expr_children(e, check_expr, pass);
}

/* ---- LATERAL, which is no expression ---- */

static void check_laterals(Pass *pass, const Query *query);

static void check_lateral(Pass *pass, const Relation *relation, bool outer)
{
    Checker c = {pass->a, relation->query->first_relation, relation->query->last_relation};
    if (relation->nearest)
        return;
    if (outer && query_is_correlated(&c, relation->query))
        pass->failed = FAIL(pass->a, ERR_NOT_SUPPORTED, relation->query->pos,
                            "Given correlated subquery is not supported");
    check_subquery(pass, NULL, relation->query, relation->query->pos);
}

static void check_relation(Pass *pass, const Relation *relation, bool outer)
{
    if (!relation || pass->failed)
        return;
    switch (relation->kind) {
    case REL_JOIN:
        check_relation(pass, relation->join.left, false);
        check_relation(pass, relation->join.right,
                       relation->join.join == JOIN_RIGHT || relation->join.join == JOIN_FULL);
        break;
    case REL_SAMPLED:
        check_relation(pass, relation->sample.relation, outer);
        break;
    case REL_LATERAL:
        check_lateral(pass, relation, outer);
        check_laterals(pass, relation->query);
        break;
    case REL_SUBQUERY:
        check_laterals(pass, relation->query);
        break;
    default:
        break;
    }
}

static void check_body(Pass *pass, const QueryBody *body)
{
    if (body->kind == BODY_SELECT) {
        check_relation(pass, body->select->from, false);
    } else if (body->kind == BODY_SET_OPERATION) {
        check_body(pass, body->set.left);
        check_body(pass, body->set.right);
    } else if (body->kind == BODY_PARENTHESIZED) {
        check_laterals(pass, body->query);
    }
}

static void check_laterals(Pass *pass, const Query *query)
{
    for (size_t i = 0; i < query->n_with && !pass->failed; i++)
        check_laterals(pass, query->with[i]->query);
    check_body(pass, query->body);
}

static int check_query(Pass *pass, const Query *query)
{
    check_laterals(pass, query);
    walk_query(query, check_expr, pass);
    return pass->failed;
}

int check_correlation(Analyzer *a, const Query *query)
{
    Pass pass = {.a = a};
    return check_query(&pass, query);
}

int analyze_root_query(Analyzer *a, Query *query)
{
    return analyze_query(a, query, NULL, NULL) < 0 ? -1 : check_correlation(a, query);
}
