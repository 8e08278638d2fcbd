/* parser_table_function.c - TABLE(f(a, x => TABLE(t) PARTITION BY b, d => DESCRIPTOR(c)) COPARTITION (…)). */
#include "query/sql/parser_internal.h"

/* PARTITION BY and ORDER BY take one item, or some in parentheses. */
static int parse_partitioning(Parser *p, TableArgument *arg)
{
    arg->is_partitioned = true;
    if (expect(p, KW_BY) < 0)
        return -1;
    bool parens = accept(p, TOKEN_LPAREN);
    if (parens && accept(p, TOKEN_RPAREN))
        return 0;
    if (parens)
        return parse_expression_list(p, &arg->partition_by, &arg->n_partition_by) < 0
                   ? -1
                   : expect(p, TOKEN_RPAREN);
    arg->partition_by = arena_new_of(p->arena, Expr *);
    arg->n_partition_by = 1;
    return (arg->partition_by[0] = parse_expression(p)) ? 0 : -1;
}

static int parse_ordering(Parser *p, TableArgument *arg)
{
    if (expect(p, KW_BY) < 0)
        return -1;
    if (accept(p, TOKEN_LPAREN))
        return parse_sort_items(p, &arg->order_by, &arg->n_order_by) < 0 ? -1 : expect(p, TOKEN_RPAREN);
    arg->order_by = arena_new_of(p->arena, SortItem);
    arg->n_order_by = 1;
    return parse_sort_item(p, arg->order_by);
}

static int parse_table_argument(Parser *p, TableArgument *arg)
{
    SqlPos pos = parser_pos(p);
    arg->kind = ARGUMENT_TABLE;
    size_t open = p->at + 1;
    advance(p);
    if (is_query_in_parens(p, open)) {
        arg->table = relation_new(p, REL_SUBQUERY, pos);
        if (!(arg->table->query = parse_query_in_parens(p)))
            return -1;
    } else {
        arg->table = relation_new(p, REL_TABLE, pos);
        if (expect(p, TOKEN_LPAREN) < 0 || parse_qualified_name(p, &arg->table->table.name) < 0 ||
            expect(p, TOKEN_RPAREN) < 0)
            return -1;
    }
    TokenKind next = peek(p, 1);
    bool clause = (is(p, KW_PARTITION) && next == KW_BY) || (is(p, KW_PRUNE) && next == KW_WHEN) ||
                  (is(p, KW_KEEP) && next == KW_WHEN) ||
                  (is(p, KW_COPARTITION) && next == TOKEN_LPAREN);
    if (!clause && parse_optional_alias(p, arg->table) < 0)
        return -1;
    if (accept(p, KW_PARTITION) && parse_partitioning(p, arg) < 0)
        return -1;
    arg->empty_pos = parser_pos(p);
    arg->empty = accept(p, KW_PRUNE) ? EMPTY_PRUNE : accept(p, KW_KEEP) ? EMPTY_KEEP : EMPTY_NOT_SAID;
    if (arg->empty != EMPTY_NOT_SAID && expect_all(p, KW_WHEN, KW_EMPTY) < 0)
        return -1;
    return accept(p, KW_ORDER) ? parse_ordering(p, arg) : 0;
}

static int parse_descriptor(Parser *p, TableArgument *arg)
{
    Vec(DescriptorField) fields = { 0 };
    arg->kind = ARGUMENT_DESCRIPTOR;
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0)
        return -1;
    do {
        DescriptorField *field = vec_push(p->arena, &fields);
        *field = (DescriptorField){ .type = NULL };
        if (arena_check(p->arena, p->err) < 0 || parse_identifier(p, &field->name) < 0)
            return -1;
        if (!is(p, TOKEN_COMMA) && !is(p, TOKEN_RPAREN) && !(field->type = parse_type(p)))
            return -1;
    } while (accept(p, TOKEN_COMMA));
    arg->fields = fields.items;
    arg->n_fields = fields.n;
    return expect(p, TOKEN_RPAREN);
}

static bool is_null_descriptor(const Parser *p)
{
    return is(p, KW_CAST) && peek(p, 1) == TOKEN_LPAREN && peek(p, 2) == KW_NULL && peek(p, 3) == KW_AS &&
           peek(p, 4) == KW_DESCRIPTOR && peek(p, 5) == TOKEN_RPAREN;
}

static int parse_argument(Parser *p, TableArgument *arg)
{
    *arg = (TableArgument){ .pos = parser_pos(p) };
    if (is_identifier_token(peek(p, 0)) && peek(p, 1) == TOKEN_FAT_ARROW &&
        (parse_identifier(p, &arg->name) < 0 || expect(p, TOKEN_FAT_ARROW) < 0))
        return -1;
    if (is(p, KW_TABLE) && peek(p, 1) == TOKEN_LPAREN)
        return parse_table_argument(p, arg);
    /* DESCRIPTOR() is no descriptor but a call, which is what the analyzer then complains of. */
    if (is(p, KW_DESCRIPTOR) && peek(p, 1) == TOKEN_LPAREN && peek(p, 2) != TOKEN_RPAREN)
        return parse_descriptor(p, arg);
    if (is_null_descriptor(p)) {
        arg->kind = ARGUMENT_DESCRIPTOR;
        for (int i = 0; i < 6; i++)
            advance(p);
        return 0;
    }
    arg->expr = parse_expression(p);
    return arg->expr ? 0 : -1;
}

static int parse_copartition(Parser *p, Relation *r)
{
    Vec(NameList) lists = { 0 };
    do {
        Vec(QualifiedName) names = { 0 };
        if (expect(p, TOKEN_LPAREN) < 0)
            return -1;
        do {
            if (arena_check(p->arena, p->err) < 0 ||
                parse_qualified_name(p, vec_push(p->arena, &names)) < 0)
                return -1;
            if (names.n == 1 && !sees(p, TOKEN_COMMA))
                return syntax_error(p);
        } while (accept(p, TOKEN_COMMA));
        if (expect(p, TOKEN_RPAREN) < 0)
            return -1;
        *vec_push(p->arena, &lists) = (NameList){ names.items, names.n };
    } while (accept(p, TOKEN_COMMA));
    r->function.copartition = lists.items;
    r->function.n_copartition = lists.n;
    return 0;
}

/* At TABLE. */
Relation *parse_table_function(Parser *p)
{
    Relation *r = relation_new(p, REL_TABLE_FUNCTION, parser_pos(p));
    Vec(TableArgument) args = { 0 };
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0)
        return NULL;
    r->pos = parser_pos(p);
    if (parse_qualified_name(p, &r->function.name) < 0 || expect(p, TOKEN_LPAREN) < 0)
        return NULL;
    bool none = is(p, TOKEN_RPAREN) || (is(p, KW_COPARTITION) && peek(p, 1) == TOKEN_LPAREN);
    while (!none) {
        if (arena_check(p->arena, p->err) < 0 || parse_argument(p, vec_push(p->arena, &args)) < 0)
            return NULL;
        if (!accept(p, TOKEN_COMMA))
            break;
    }
    r->function.args = args.items;
    r->function.n = args.n;
    if (accept(p, KW_COPARTITION) && parse_copartition(p, r) < 0)
        return NULL;
    return expect_all(p, TOKEN_RPAREN, TOKEN_RPAREN) < 0 ? NULL : r;
}
