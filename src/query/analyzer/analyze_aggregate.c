/* analyze_aggregate.c - with GROUP BY or aggregates every output must be made of groups and aggregates; and
 * which conditions can prune a table's files. */
#include "query/analyzer/internal.h"

typedef struct Check {
    const ExprList *grouping;
    bool ok;
} Check;

static void check(Expr *e, void *arg)
{
    Check *state = arg;
    for (size_t i = 0; i < state->grouping->n; i++)
        if (expr_equal(e, state->grouping->items[i]))
            return;
    if (e->kind == EXPR_COLUMN) {
        /* Columns of outer queries and parameters of lambdas are constants here. */
        if (e->column.ref.depth == 0)
            state->ok = false;
        return;
    }
    if (e->kind == EXPR_GROUPING)
        return;
    if (e->kind == EXPR_FUNCTION && e->call.def->kind == FUNCTION_AGGREGATE && !e->call.over)
        return;
    expr_children(e, check, state);
}

static int check_grouping_calls(Analyzer *a, const ExprList *grouping, const Expr *e);

typedef struct GroupingCheck {
    Analyzer *a;
    const ExprList *grouping;
    int failed;
} GroupingCheck;

static void visit_grouping(Expr *child, void *arg)
{
    GroupingCheck *state = arg;
    if (!state->failed)
        state->failed = check_grouping_calls(state->a, state->grouping, child);
}

static int check_grouping_calls(Analyzer *a, const ExprList *grouping, const Expr *e)
{
    if (e->kind == EXPR_GROUPING) {
        for (size_t i = 0; i < e->list.n; i++) {
            bool found = false;
            for (size_t j = 0; j < grouping->n && !found; j++)
                found = expr_equal(e->list.items[i], grouping->items[j]);
            if (!found)
                return FAIL(a, ERR_INVALID_ARGUMENTS, e->pos,
                            "The arguments to GROUPING() must be expressions referenced by the GROUP BY at "
                            "line %d:%d. Mismatch due to %.*s.",
                            e->pos.line, e->pos.column, STR_ARG(expr_text(a, e->list.items[i])));
        }
        return 0;
    }
    GroupingCheck state = {a, grouping, 0};
    expr_children(e, visit_grouping, &state);
    return state.failed;
}

int check_aggregation(Analyzer *a, QuerySpec *spec, const ExprList *grouping, Expr *const *exprs, size_t n)
{
    (void)spec;
    for (size_t i = 0; i < n; i++) {
        Check state = {grouping, true};
        check(exprs[i], &state);
        if (!state.ok)
            return FAIL(a, ERR_EXPRESSION_NOT_AGGREGATE, exprs[i]->pos,
                        "'%.*s' must be an aggregate expression or appear in GROUP BY clause",
                        STR_ARG(expr_text(a, exprs[i])));
        if (check_grouping_calls(a, grouping, exprs[i]) < 0)
            return -1;
    }
    return 0;
}

/* ---- pruning ---- */

typedef struct Touch {
    const Relation *relation;
    bool other;
} Touch;

static void touch(Expr *e, void *arg)
{
    Touch *state = arg;
    if (e->kind == EXPR_COLUMN) {
        const Relation *relation = e->column.ref.relation;
        if (relation && e->column.ref.depth == 0 && (!state->relation || state->relation == relation))
            state->relation = relation;
        else if (relation || e->column.ref.depth >= 0)
            state->other = true;
        return;
    }
    bool subquery = e->kind == EXPR_EXISTS || e->kind == EXPR_SUBQUERY || e->kind == EXPR_IN_SUBQUERY ||
                    e->kind == EXPR_QUANTIFIED;
    if (subquery)
        state->other = true;
    expr_children(e, touch, state);
}

static void add_conjunct(Analyzer *a, Expr *e)
{
    if (e->kind == EXPR_AND) {
        for (size_t i = 0; i < e->list.n; i++)
            add_conjunct(a, e->list.items[i]);
        return;
    }
    Touch state = {0};
    touch(e, &state);
    Relation *relation = (Relation *)state.relation;
    if (!relation || state.other || relation->kind != REL_TABLE || !relation->table.handle ||
        !expr_is_deterministic(e))
        return;
    Expr **conjuncts = arena_array(a->arena, Expr *, relation->n_conjuncts + 1);
    if (relation->n_conjuncts)
        memcpy(conjuncts, relation->conjuncts, relation->n_conjuncts * sizeof *conjuncts);
    conjuncts[relation->n_conjuncts++] = e;
    relation->conjuncts = conjuncts;
}

/* Takes from every table of an outer join's optional side what WHERE says of it: a row that WHERE drops is
 * not missed when its file is not read only if the row cannot come back as a row of NULLs. So tables on such
 * sides give up their conjuncts. */
static void drop_optional(Relation *relation, bool optional)
{
    if (relation->kind == REL_JOIN) {
        JoinKind kind = relation->join.join;
        drop_optional(relation->join.left, optional || kind == JOIN_RIGHT || kind == JOIN_FULL);
        drop_optional(relation->join.right, optional || kind == JOIN_LEFT || kind == JOIN_FULL);
    } else if (relation->kind == REL_SAMPLED) {
        drop_optional(relation->sample.relation, true);
    } else if (relation->kind == REL_TABLE_FUNCTION && relation->function.input) {
        drop_optional(relation->function.input, optional);
    } else if (relation->kind == REL_TABLE && optional) {
        relation->n_conjuncts = 0;
    }
}

static void add_on_conditions(Analyzer *a, Relation *relation)
{
    if (relation->kind != REL_JOIN)
        return;
    add_on_conditions(a, relation->join.left);
    add_on_conditions(a, relation->join.right);
    if (relation->join.join == JOIN_INNER && relation->join.on)
        add_conjunct(a, relation->join.on);
}

void collect_conjuncts(Analyzer *a, Relation *from, Expr *where)
{
    add_on_conditions(a, from);
    if (where)
        add_conjunct(a, where);
    drop_optional(from, false);
}
