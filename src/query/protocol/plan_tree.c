#include "query/protocol/plan_tree.h"

#include "query/analyzer/internal.h"
#include "query/sql/print.h"

enum { TEXT_MAX = 1 << 20 };

typedef Vec(PlanNode *) Nodes;
typedef Vec(Str) Lines;

typedef struct Maker {
    Arena *arena;
    const Analysis *analysis;
    int next_id;
} Maker;

static PlanNode *make(Maker *m, const char *name, Str descriptor, PlanNode *child)
{
    PlanNode *node = arena_new_of(m->arena, PlanNode);
    *node = (PlanNode){ .id = m->next_id++, .name = name, .descriptor = descriptor };
    if (child) {
        PlanNode **children = arena_new_of(m->arena, PlanNode *);
        *children = child;
        node->children = children;
        node->n_children = 1;
        node->outputs = child->outputs;
        node->n_outputs = child->n_outputs;
    }
    return node;
}

static void set_fields(Maker *m, PlanNode *node, const Field *fields, size_t n)
{
    OutputColumn *columns = arena_array(m->arena, OutputColumn, n + 1);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (!fields[i].hidden)
            columns[at++] = (OutputColumn){ fields[i].name.ptr ? arena_lower(m->arena, fields[i].name)
                                                               : arena_printf(m->arena, "_col%zu", i),
                                            fields[i].type };
    node->outputs = columns;
    node->n_outputs = at;
}

static Str expr_str(Maker *m, const Expr *e)
{
    _cleanup_buf_ Buf text = BUF_INIT(TEXT_MAX);
    sql_print_expression(&text, e);
    return arena_str(m->arena, buf_str(&text));
}

static Str list_str(Maker *m, const char *name, Expr *const *items, size_t n)
{
    _cleanup_buf_ Buf text = BUF_INIT(TEXT_MAX);
    buf_printf(&text, "%s = [", name);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(expr_str(m, items[i])));
    buf_putc(&text, ']');
    return arena_str(m->arena, buf_str(&text));
}

static Str order_str(Maker *m, const Query *query)
{
    _cleanup_buf_ Buf text = BUF_INIT(TEXT_MAX);
    for (size_t i = 0; i < query->n_order_by; i++) {
        const SortItem *item = &query->order_by[i];
        Str name = item->ordinal && query->fields[item->ordinal - 1].name.ptr
                       ? arena_lower(m->arena, query->fields[item->ordinal - 1].name)
                   : item->ordinal ? arena_printf(m->arena, "_col%d", item->ordinal - 1)
                                   : expr_str(m, item->expr);
        buf_printf(&text, "%s%.*s %s NULLS %s", i ? ", " : "", STR_ARG(name),
                   item->descending ? "DESC" : "ASC", item->nulls == NULLS_FIRST ? "FIRST" : "LAST");
    }
    return arena_str(m->arena, buf_str(&text));
}

/* ---- relations ---- */

static PlanNode *query_node(Maker *m, const Query *query);

static PlanNode *table_node(Maker *m, const Relation *r)
{
    if (r->table.view)
        return query_node(m, r->table.view);
    if (!r->table.handle)
        return make(m, "NamedQuery", r->table.name.parts[0].text, NULL);
    const TableHandle *t = r->table.handle;
    PlanNode *node = make(m, "TableScan",
                          arena_printf(m->arena, "table = %.*s:%.*s.%.*s", STR_ARG(t->catalog),
                                       STR_ARG(t->schema), STR_ARG(t->table)),
                          NULL);
    Field *used = arena_array(m->arena, Field, t->n_columns + 1);
    Lines lines = { 0 };
    size_t n = 0;
    for (size_t i = 0; i < t->n_columns; i++) {
        if (!r->used[i])
            continue;
        used[n] = r->fields[i];
        used[n++].hidden = false;
        *vec_push(m->arena, &lines) =
            arena_printf(m->arena, "%.*s := %.*s:%.*s", STR_ARG(r->fields[i].name),
                         STR_ARG(t->columns[i].name), STR_ARG(sql_type_name(t->columns[i].type, m->arena)));
    }
    set_fields(m, node, used, n);
    node->details = lines.items;
    node->n_details = lines.n;
    for (size_t i = 0; i < m->analysis->n_tables; i++)
        if (m->analysis->tables[i].relation == r)
            node->scan = &m->analysis->tables[i];
    return node;
}

static PlanNode *relation_node(Maker *m, const Relation *r);

static PlanNode *join_node(Maker *m, const Relation *r)
{
    static const char *const names[] = { [JOIN_INNER] = "InnerJoin", [JOIN_LEFT] = "LeftJoin",
                                         [JOIN_RIGHT] = "RightJoin", [JOIN_FULL] = "FullJoin",
                                         [JOIN_CROSS] = "CrossJoin" };
    bool cross = !r->join.on;
    PlanNode *node = make(m, cross ? "CrossJoin" : names[r->join.join],
                          cross ? STR("") : arena_printf(m->arena, "criteria = %.*s",
                                                         STR_ARG(expr_str(m, r->join.on))),
                          NULL);
    PlanNode **children = arena_array(m->arena, PlanNode *, 2);
    children[0] = relation_node(m, r->join.left);
    children[1] = relation_node(m, r->join.right);
    node->children = children;
    node->n_children = 2;
    return node;
}

static PlanNode *relation_node(Maker *m, const Relation *r)
{
    PlanNode *node;
    switch (r->kind) {
    case REL_TABLE:
        return table_node(m, r);
    case REL_SUBQUERY:
    case REL_LATERAL:
        return query_node(m, r->query);
    case REL_JOIN:
        node = join_node(m, r);
        break;
    case REL_SAMPLED:
        node = make(m, "Sample", expr_str(m, r->sample.percent), relation_node(m, r->sample.relation));
        break;
    case REL_VALUES:
        node = make(m, "Values", arena_printf(m->arena, "rows = %zu", r->values.n), NULL);
        break;
    case REL_UNNEST:
        node = make(m, "Unnest", list_str(m, "unnest", r->unnest.items, r->unnest.n), NULL);
        break;
    case REL_MATCH:
        node = make(m, "PatternRecognition", STR(""), relation_node(m, r->match.input));
        break;
    default:
        node = make(m, "TableFunctionProcessor", STR(""), NULL);
    }
    set_fields(m, node, r->fields, r->n_fields);
    return node;
}

/* ---- queries ---- */

typedef struct Calls {
    Maker *m;
    Lines lines;
    bool windows;
} Calls;

static void find_calls(Expr *e, void *arg)
{
    Calls *c = arg;
    bool aggregate = e->kind == EXPR_FUNCTION && !e->call.over && e->call.def &&
                     e->call.def->kind == FUNCTION_AGGREGATE;
    if ((c->windows && e->kind == EXPR_FUNCTION && e->call.over) || (!c->windows && aggregate)) {
        *vec_push(c->m->arena, &c->lines) = expr_str(c->m, e);
        return;
    }
    expr_children(e, find_calls, c);
}

static PlanNode *with_calls(Maker *m, const QuerySpec *spec, const char *name, Str descriptor, bool windows,
                            PlanNode *child)
{
    Calls calls = { .m = m, .windows = windows };
    for (size_t i = 0; i < spec->n_output; i++)
        find_calls(spec->output[i], &calls);
    if (windows && !calls.lines.n)
        return child;
    PlanNode *node = make(m, name, descriptor, child);
    node->details = calls.lines.items;
    node->n_details = calls.lines.n;
    return node;
}

static PlanNode *filter_node(Maker *m, const Expr *condition, PlanNode *child)
{
    Str text = expr_str(m, condition);
    return make(m, "Filter", arena_printf(m->arena, "filterPredicate = %.*s", STR_ARG(text)), child);
}

static PlanNode *select_node(Maker *m, const QueryBody *body)
{
    const QuerySpec *spec = body->select;
    PlanNode *node = spec->from ? relation_node(m, spec->from) : make(m, "Values", STR("rows = 1"), NULL);
    if (spec->where)
        node = filter_node(m, spec->where, node);
    if (spec->is_aggregated) {
        Vec(Expr *) keys = { 0 };
        for (size_t g = 0; g < spec->n_groups; g++)
            for (size_t i = 0; i < spec->groups[g].n_sets; i++)
                for (size_t j = 0; j < spec->groups[g].sets[i].n; j++)
                    *vec_push(m->arena, &keys) = spec->groups[g].sets[i].items[j];
        node = with_calls(m, spec, "Aggregate", keys.n ? list_str(m, "keys", keys.items, keys.n) : STR(""),
                          false, node);
    }
    if (spec->having)
        node = filter_node(m, spec->having, node);
    node = with_calls(m, spec, "Window", STR(""), true, node);
    node = make(m, "Project", STR(""), node);
    set_fields(m, node, body->fields, body->n_fields);
    Lines lines = { 0 };
    for (size_t i = 0; i < spec->n_output && i < node->n_outputs; i++)
        if (spec->output[i]->kind != EXPR_COLUMN)
            *vec_push(m->arena, &lines) =
                arena_printf(m->arena, "%.*s := %.*s", STR_ARG(node->outputs[i].name),
                             STR_ARG(expr_str(m, spec->output[i])));
    node->details = lines.items;
    node->n_details = lines.n;
    return spec->distinct ? make(m, "Aggregate", STR("distinct"), node) : node;
}

static PlanNode *body_node(Maker *m, const QueryBody *body)
{
    static const char *const names[] = { [SET_UNION] = "Union", [SET_INTERSECT] = "Intersect",
                                         [SET_EXCEPT] = "Except" };
    PlanNode *node;
    switch (body->kind) {
    case BODY_SELECT:
        return select_node(m, body);
    case BODY_PARENTHESIZED:
        return query_node(m, body->query);
    case BODY_SET_OPERATION: {
        PlanNode **children = arena_array(m->arena, PlanNode *, 2);
        node = make(m, names[body->set.op], body->set.all ? STR("all") : STR("distinct"), NULL);
        children[0] = body_node(m, body->set.left);
        children[1] = body_node(m, body->set.right);
        node->children = children;
        node->n_children = 2;
        set_fields(m, node, body->fields, body->n_fields);
        return node;
    }
    default:
        return relation_node(m, body->relation);
    }
}

static PlanNode *query_node(Maker *m, const Query *query)
{
    PlanNode *node = body_node(m, query->body);
    bool limited = query->limit || query->fetch_first;
    const Expr *count = query->limit;
    long long limit = count && count->kind == EXPR_INTEGER ? (long long)count->integer.value : 1;
    if (query->n_order_by && limited)
        node = make(m, "TopN",
                    arena_printf(m->arena, "count = %lld, orderBy = [%.*s]", limit,
                                 STR_ARG(order_str(m, query))),
                    node);
    else if (query->n_order_by)
        node = make(m, "Sort", arena_printf(m->arena, "orderBy = [%.*s]", STR_ARG(order_str(m, query))),
                    node);
    if (query->offset && query->offset->kind == EXPR_INTEGER)
        node = make(m, "Offset",
                    arena_printf(m->arena, "count = %lld", (long long)query->offset->integer.value), node);
    if (limited && !query->n_order_by)
        node = make(m, "Limit", arena_printf(m->arena, "count = %lld", limit), node);
    return node;
}

PlanNode *plan_tree(const Query *query, const Analysis *analysis, Arena *arena)
{
    Maker m = { .arena = arena, .analysis = analysis };
    _cleanup_buf_ Buf names = BUF_INIT(TEXT_MAX);
    buf_puts(&names, "columnNames = [");
    for (size_t i = 0; i < analysis->n_columns; i++)
        buf_printf(&names, "%s%.*s", i ? ", " : "", STR_ARG(analysis->columns[i].name));
    buf_putc(&names, ']');
    PlanNode *root = make(&m, "Output", arena_str(arena, buf_str(&names)), query_node(&m, query));
    root->outputs = analysis->columns;
    root->n_outputs = analysis->n_columns;
    return root;
}
