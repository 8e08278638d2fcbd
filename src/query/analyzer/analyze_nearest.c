/* analyze_nearest.c - NEAREST (FROM r WHERE x MATCH y < z): of the rows of r for which both hold the one
 * whose side of the comparison is nearest to the other side. It is LATERAL (SELECT * FROM r WHERE x AND
 * y < z ORDER BY y DESC LIMIT 1). */
#include "query/analyzer/internal.h"

typedef struct Sides {
    const Query *query;
    bool inside;
} Sides;

static void find_inside(Expr *e, void *arg)
{
    Sides *s = arg;
    const Relation *relation = e->kind == EXPR_COLUMN ? e->column.ref.relation : NULL;
    s->inside |= relation && relation->id > s->query->first_relation &&
                 relation->id <= s->query->last_relation;
    expr_children(e, find_inside, s);
}

static bool is_inside(const Query *query, Expr *e)
{
    Sides s = {.query = query};
    find_inside(e, &s);
    return s.inside;
}

static Expr *both(Analyzer *a, Expr *where, Expr *match)
{
    if (!where)
        return match;
    Expr *e = arena_new_of(a->arena, Expr);
    *e = (Expr){.kind = EXPR_AND, .pos = where->pos};
    e->list.items = arena_array(a->arena, Expr *, 2);
    e->list.items[0] = where;
    e->list.items[1] = match;
    e->list.n = 2;
    return e;
}

static int order_by_distance(Analyzer *a, Query *query, const Expr *match)
{
    bool left = is_inside(query, match->binary.left), right = is_inside(query, match->binary.right);
    bool less = match->binary.op == OP_LT || match->binary.op == OP_LE;
    if (left == right)
        return FAIL(a, ERR_NOT_SUPPORTED, match->pos,
                    "MATCH must compare a value of the NEAREST relation with one from outside of it");
    Expr *key = left ? match->binary.left : match->binary.right;
    if (!sql_type_is_orderable(key->coerced))
        return FAIL(a, ERR_TYPE_MISMATCH, key->pos, "Type %.*s is not orderable",
                    STR_ARG(sql_type_name(key->coerced, a->arena)));
    SortItem *item = arena_new_of(a->arena, SortItem);
    Expr *one = arena_new_of(a->arena, Expr);
    *item = (SortItem){.expr = key, .descending = left == less, .nulls = NULLS_LAST};
    *one = (Expr){.kind = EXPR_INTEGER,
                  .pos = match->pos,
                  .type = &TYPE_BIGINT_,
                  .coerced = &TYPE_BIGINT_,
                  .integer = {.value = 1}};
    query->order_by = item;
    query->n_order_by = 1;
    query->limit = one;
    return 0;
}

int analyze_nearest(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named)
{
    Query *query = relation->query;
    QuerySpec *spec = query->body->select;
    Expr *match = relation->nearest;
    if (match->kind != EXPR_COMPARISON || match->binary.op < OP_LT)
        return FAIL(a, ERR_NOT_SUPPORTED, match->pos,
                    "MATCH of NEAREST must be a comparison by <, <=, > or >=");
    spec->where = both(a, spec->where, match);
    if (analyze_query(a, query, parent, named) < 0)
        return -1;
    return order_by_distance(a, query, match);
}

/* Its columns are known by the names of the relation inside. */
void name_nearest(Relation *relation)
{
    const Relation *from = relation->query->body->select->from;
    for (size_t i = 0, at = 0; i < from->n_fields; i++) {
        if (from->fields[i].hidden)
            continue;
        relation->fields[at].qualifier = from->fields[i].qualifier;
        relation->fields[at++].relation = from->fields[i].relation;
    }
}
