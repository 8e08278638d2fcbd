/* print_query.c - queries and relations to text, laid out in lines as Trino's SHOW CREATE VIEW does. */
#include "query/sql/print_internal.h"

static void print_body(Buf *out, const QueryBody *body, int indent);

void print_indent(Buf *out, int indent)
{
    enum { INDENT_MAX = 40 };             /* deeper text is not read by people */
    for (int i = 0; i < indent && i < INDENT_MAX; i++)
        buf_puts(out, "   ");
}

static void print_line_start(Buf *out, int indent, const char *text)
{
    print_indent(out, indent);
    buf_puts(out, text);
}

/* ---- relations ---- */

static void print_table(Buf *out, const Relation *r)
{
    print_name(out, &r->table.name);
    if (r->table.branch.text.ptr) {
        buf_puts(out, " @ ");
        print_identifier(out, &r->table.branch);
    }
    const Expr *as_of = r->table.version ? r->table.version : r->table.timestamp;
    if (as_of) {
        buf_puts(out, r->table.version ? " FOR VERSION AS OF " : " FOR TIMESTAMP AS OF ");
        print_expression(out, as_of);
    }
}

static void print_subquery(Buf *out, const Query *query, int indent)
{
    buf_puts(out, "(\n");
    print_query(out, query, indent + 1);
    print_line_start(out, indent, ")");
}

/* The analyzer adds the MATCH to the WHERE. */
static const Expr *nearest_where(const Relation *r)
{
    const Expr *where = r->query->body->select->where;
    if (where == r->nearest)
        return NULL;
    bool added = where && where->kind == EXPR_AND && where->list.items[where->list.n - 1] == r->nearest;
    return added ? where->list.items[0] : where;
}

static void print_nearest(Buf *out, const Relation *r, int indent)
{
    const Expr *where = nearest_where(r);
    buf_puts(out, "NEAREST (\n");
    print_line_start(out, indent + 1, "FROM ");
    print_relation(out, r->query->body->select->from, indent + 1);
    if (where) {
        buf_puts(out, " WHERE ");
        print_expression(out, where);
    }
    buf_puts(out, " MATCH ");
    print_expression(out, r->nearest);
    print_line_start(out, indent, ")");
}

static void print_join(Buf *out, const Relation *r, int indent)
{
    static const char *const kinds[] = {
        [JOIN_INNER] = "INNER JOIN ", [JOIN_LEFT] = "LEFT JOIN ",   [JOIN_RIGHT] = "RIGHT JOIN ",
        [JOIN_FULL] = "FULL JOIN ",   [JOIN_CROSS] = "CROSS JOIN ",
    };
    buf_puts(out, r->join.implicit ? "" : "(");
    print_relation(out, r->join.left, indent);
    buf_putc(out, '\n');
    print_indent(out, indent);
    if (r->join.implicit) {
        buf_puts(out, ", ");
    } else {
        buf_puts(out, r->join.natural ? "NATURAL " : "");
        buf_puts(out, kinds[r->join.join]);
    }
    print_relation(out, r->join.right, indent);
    if (r->join.on) {
        buf_puts(out, " ON ");
        print_expression(out, r->join.on);
    } else if (r->join.n_using) {
        buf_puts(out, " USING ");
        print_names(out, r->join.using_columns, r->join.n_using);
    }
    buf_puts(out, r->join.implicit ? "" : ")");
}

static void print_sampled(Buf *out, const Relation *r, int indent)
{
    bool nested = r->sample.relation->kind == REL_SAMPLED;
    bool wrap = r->alias.text.ptr != NULL;
    buf_puts(out, wrap ? "(" : "");
    buf_puts(out, nested ? "(" : "");
    print_relation(out, r->sample.relation, indent);
    buf_puts(out, nested ? ")" : "");
    buf_printf(out, " TABLESAMPLE %s (", r->sample.system ? "SYSTEM" : "BERNOULLI");
    print_expression(out, r->sample.percent);
    buf_puts(out, wrap ? "))" : ")");
}

void print_relation(Buf *out, const Relation *r, int indent)
{
    switch (r->kind) {
    case REL_TABLE:
        print_table(out, r);
        break;
    case REL_SUBQUERY:
        print_subquery(out, r->query, indent);
        break;
    case REL_LATERAL:
        if (r->nearest) {
            print_nearest(out, r, indent);
            break;
        }
        buf_puts(out, "LATERAL ");
        print_subquery(out, r->query, indent);
        break;
    case REL_JOIN:
        print_join(out, r, indent);
        break;
    case REL_UNNEST:
        buf_puts(out, "UNNEST(");
        print_expressions(out, r->unnest.items, r->unnest.n);
        buf_puts(out, r->unnest.ordinality ? ") WITH ORDINALITY" : ")");
        break;
    case REL_SAMPLED:
        print_sampled(out, r, indent);
        break;
    case REL_JSON_TABLE:
        print_json_table(out, r->json_table);
        break;
    case REL_TABLE_FUNCTION:
        print_table_function(out, r, indent);
        break;
    case REL_MATCH:
        print_match_recognize(out, r, indent);
        break;
    case REL_VALUES:
        buf_puts(out, "VALUES ");
        print_expressions(out, r->values.rows, r->values.n);
        break;
    }
    print_alias(out, &r->alias);
    if (r->n_column_aliases) {
        buf_putc(out, ' ');
        print_names(out, r->column_aliases, r->n_column_aliases);
    }
}

/* ---- SELECT ---- */

static void print_select_item(Buf *out, const SelectItem *item)
{
    if (item->star_base) {
        const Expr *base = item->star_base;
        bool wrap = base->kind == EXPR_INTEGER || base->kind == EXPR_DECIMAL || base->kind == EXPR_DOUBLE;
        buf_puts(out, wrap ? "(" : "");
        print_expression(out, base);
        buf_puts(out, wrap ? ")." : ".");
    }
    print_expression(out, item->expr);
    if (item->n_star_aliases) {
        buf_puts(out, " AS ");
        print_names(out, item->star_aliases, item->n_star_aliases);
    }
    print_alias(out, &item->alias);
}

static void print_items(Buf *out, const QuerySpec *spec, int indent)
{
    if (spec->n_items == 1) {
        buf_putc(out, ' ');
        print_select_item(out, &spec->items[0]);
        buf_putc(out, '\n');
        return;
    }
    for (size_t i = 0; i < spec->n_items; i++) {
        buf_putc(out, '\n');
        print_line_start(out, indent, i == 0 ? "  " : ", ");
        print_select_item(out, &spec->items[i]);
    }
    buf_putc(out, '\n');
}

static void print_grouping_set(Buf *out, const struct GroupingSet *set)
{
    buf_puts(out, set->n == 1 ? "" : "(");
    print_expressions(out, set->items, set->n);
    buf_puts(out, set->n == 1 ? "" : ")");
}

static void print_group_by(Buf *out, const QuerySpec *spec)
{
    static const char *const kinds[] = {
        [GROUPING_SIMPLE] = "",
        [GROUPING_ROLLUP] = "ROLLUP (",
        [GROUPING_CUBE] = "CUBE (",
        [GROUPING_SETS] = "GROUPING SETS (",
    };
    buf_puts(out, spec->group_distinct ? "GROUP BY DISTINCT " : "GROUP BY ");
    buf_puts(out, spec->group_auto ? "AUTO" : "");
    for (size_t i = 0; i < spec->n_groups; i++) {
        const GroupingElement *group = &spec->groups[i];
        buf_puts(out, i > 0 || spec->group_auto ? ", " : "");
        buf_puts(out, kinds[group->kind]);
        for (size_t k = 0; k < group->n_sets; k++) {
            buf_puts(out, k > 0 ? ", " : "");
            print_grouping_set(out, &group->sets[k]);
        }
        buf_puts(out, group->kind == GROUPING_SIMPLE ? "" : ")");
    }
    buf_putc(out, '\n');
}

static void print_condition(Buf *out, int indent, const char *word, const Expr *condition)
{
    if (!condition)
        return;
    print_line_start(out, indent, word);
    print_expression(out, condition);
    buf_putc(out, '\n');
}

static void print_select(Buf *out, const QuerySpec *spec, int indent)
{
    print_line_start(out, indent, spec->distinct ? "SELECT DISTINCT" : "SELECT");
    print_items(out, spec, indent);
    if (spec->from) {
        print_line_start(out, indent, "FROM\n");
        print_line_start(out, indent, "  ");
        print_relation(out, spec->from, indent);
        buf_putc(out, '\n');
    }
    print_condition(out, indent, "WHERE ", spec->where);
    if (spec->has_group_by) {
        print_indent(out, indent);
        print_group_by(out, spec);
    }
    print_condition(out, indent, "HAVING ", spec->having);
    for (size_t i = 0; i < spec->n_windows; i++) {
        print_line_start(out, indent, i == 0 ? "WINDOW " : "     , ");
        print_identifier(out, &spec->windows[i].name);
        buf_puts(out, " AS ");
        print_window(out, spec->windows[i].window);
        buf_putc(out, '\n');
    }
}

/* ---- queries ---- */

static void print_values(Buf *out, const Relation *r, int indent)
{
    print_line_start(out, indent, "VALUES\n");
    for (size_t i = 0; i < r->values.n; i++) {
        print_line_start(out, indent, i == 0 ? "  " : ", ");
        print_expression(out, r->values.rows[i]);
        buf_putc(out, '\n');
    }
}

static void print_set_operation(Buf *out, const QueryBody *body, int indent)
{
    static const char *const operations[] = {
        [SET_UNION] = "UNION", [SET_INTERSECT] = "INTERSECT", [SET_EXCEPT] = "EXCEPT"};
    print_body(out, body->set.left, indent);
    print_line_start(out, indent, operations[body->set.op]);
    buf_puts(out, body->set.all ? " ALL" : "");
    buf_puts(out, body->set.corresponding ? " CORRESPONDING" : "");
    if (body->set.n_by) {
        buf_puts(out, " BY ");
        print_names(out, body->set.by, body->set.n_by);
    }
    buf_putc(out, '\n');
    print_body(out, body->set.right, indent);
}

static void print_body(Buf *out, const QueryBody *body, int indent)
{
    switch (body->kind) {
    case BODY_SELECT:
        print_select(out, body->select, indent);
        break;
    case BODY_VALUES:
        print_values(out, body->relation, indent);
        break;
    case BODY_TABLE:
        print_line_start(out, indent, "TABLE ");
        print_name(out, &body->relation->table.name);
        buf_putc(out, '\n');
        break;
    case BODY_SET_OPERATION:
        print_set_operation(out, body, indent);
        break;
    case BODY_PARENTHESIZED:
        print_line_start(out, indent, "(\n");
        print_query(out, body->query, indent + 1);
        print_line_start(out, indent, ")\n");
        break;
    }
}

static void print_with(Buf *out, const Query *query, int indent)
{
    print_line_start(out, indent, query->recursive ? "WITH RECURSIVE\n" : "WITH\n");
    for (size_t i = 0; i < query->n_with; i++) {
        const NamedQuery *named = query->with[i];
        print_line_start(out, indent, i == 0 ? "  " : ", ");
        print_identifier(out, &named->name);
        if (named->n_columns) {
            buf_putc(out, ' ');
            print_names(out, named->columns, named->n_columns);
        }
        buf_puts(out, " AS ");
        print_subquery(out, named->query, indent);
        buf_putc(out, '\n');
    }
}

void print_query(Buf *out, const Query *query, int indent)
{
    for (size_t i = 0; i < query->n_functions; i++) {
        print_line_start(out, indent, i == 0 ? "WITH " : ", ");
        print_routine(out, query->functions[i]);
        buf_putc(out, '\n');
    }
    if (query->n_with)
        print_with(out, query, indent);
    print_body(out, query->body, indent);
    if (query->n_order_by) {
        print_line_start(out, indent, "ORDER BY ");
        print_sort_items(out, query->order_by, query->n_order_by);
        buf_putc(out, '\n');
    }
    if (query->offset) {
        print_line_start(out, indent, "OFFSET ");
        print_expression(out, query->offset);
        buf_puts(out, " ROWS\n");
    }
    if (query->fetch_first) {
        print_line_start(out, indent, "FETCH FIRST ");
        print_expression(out, query->limit);
        buf_puts(out, query->with_ties ? " ROWS WITH TIES\n" : " ROWS ONLY\n");
    } else if (query->limit || query->limit_all) {
        print_line_start(out, indent, "LIMIT ");
        if (query->limit)
            print_expression(out, query->limit);
        else
            buf_puts(out, "ALL");
        buf_putc(out, '\n');
    }
}

static void drop_line_feed(Buf *out)
{
    if (out->len > 0 && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
}

void sql_print_query(Buf *out, const Query *query)
{
    print_query(out, query, 0);
    drop_line_feed(out);
}

void print_query_in_parens(Buf *out, const Query *query)
{
    buf_putc(out, '(');
    sql_print_query(out, query);
    buf_putc(out, ')');
}
