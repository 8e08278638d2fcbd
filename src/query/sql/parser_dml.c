/* parser_dml.c - INSERT, DELETE, UPDATE, MERGE, TRUNCATE. */
#include "query/sql/parser_internal.h"

int parse_insert(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_INSERT;
    if (expect(p, KW_INTO) < 0 || parse_qualified_name(p, &s->name) < 0 || parse_branch(p, &s->branch) < 0)
        return -1;
    if (sees(p, TOKEN_LPAREN) && !is_query_in_parens(p, p->at) &&
        parse_identifier_list(p, &s->columns, &s->n_columns) < 0)
        return -1;
    if (!starts_query(p)) {
        note_expected(p, KW_WITH);
        note_expected(p, EXPECT_QUERY);
        return syntax_error(p);
    }
    s->query = parse_query(p);
    return s->query ? 0 : -1;
}

static int parse_where(Parser *p, Statement *s)
{
    if (!accept(p, KW_WHERE))
        return 0;
    s->where = parse_expression(p);
    return s->where ? 0 : -1;
}

int parse_delete(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_DELETE;
    if (expect(p, KW_FROM) < 0 || parse_qualified_name(p, &s->name) < 0 || parse_branch(p, &s->branch) < 0)
        return -1;
    return parse_where(p, s);
}

/* a = 1, b = 2 */
static int parse_assignments(Parser *p, const Ident **ret_columns, Expr ***ret_values, size_t *ret_n)
{
    Vec(Ident) columns = { 0 };
    Vec(Expr *) values = { 0 };
    do {
        if (parse_identifier(p, vec_push(p->arena, &columns)) < 0 || expect(p, TOKEN_EQ) < 0)
            return -1;
        Expr *value = parse_expression(p);
        if (!value)
            return -1;
        *vec_push(p->arena, &values) = value;
    } while (accept(p, TOKEN_COMMA));
    *ret_columns = columns.items;
    *ret_values = values.items;
    *ret_n = columns.n;
    return 0;
}

int parse_update(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_UPDATE;
    if (parse_qualified_name(p, &s->name) < 0 || parse_branch(p, &s->branch) < 0 || expect(p, KW_SET) < 0 ||
        parse_assignments(p, &s->set_columns, &s->set_values, &s->n_set) < 0)
        return -1;
    return parse_where(p, s);
}

int parse_truncate(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_TRUNCATE;
    return expect(p, KW_TABLE) < 0 ? -1 : parse_qualified_name(p, &s->name);
}

/* ---- MERGE ---- */

static int parse_merge_insert(Parser *p, MergeCase *merge)
{
    merge->action = MERGE_INSERT;
    if (sees(p, TOKEN_LPAREN) && parse_identifier_list(p, &merge->columns, &merge->n_columns) < 0)
        return -1;
    if (expect_all(p, KW_VALUES, TOKEN_LPAREN) < 0 ||
        parse_expression_list(p, &merge->values, &merge->n_values) < 0)
        return -1;
    return expect(p, TOKEN_RPAREN);
}

static int parse_merge_case(Parser *p, MergeCase *merge)
{
    merge->matched = !accept(p, KW_NOT);
    if (expect(p, KW_MATCHED) < 0)
        return -1;
    if (accept(p, KW_AND) && !(merge->condition = parse_expression(p)))
        return -1;
    if (expect(p, KW_THEN) < 0)
        return -1;
    if (!merge->matched)
        return expect(p, KW_INSERT) < 0 ? -1 : parse_merge_insert(p, merge);
    if (accept(p, KW_DELETE)) {
        merge->action = MERGE_DELETE;
        return 0;
    }
    if (expect_all(p, KW_UPDATE, KW_SET) < 0 ||
        parse_assignments(p, &merge->columns, &merge->values, &merge->n_columns) < 0)
        return -1;
    merge->n_values = merge->n_columns;
    return 0;
}

int parse_merge(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_MERGE;
    if (expect(p, KW_INTO) < 0)
        return -1;
    Relation *target = relation_new(p, REL_TABLE, parser_pos(p));
    if (parse_qualified_name(p, &target->table.name) < 0 || parse_branch(p, &target->table.branch) < 0)
        return -1;
    if ((accept(p, KW_AS) || is_identifier_token(peek(p, 0))) && parse_identifier(p, &target->alias) < 0)
        return -1;
    s->name = target->table.name;
    s->branch = target->table.branch;
    s->target_relation = target;
    if (expect(p, KW_USING) < 0 || !(s->source_relation = parse_relation(p)) || expect(p, KW_ON) < 0 ||
        !(s->merge_on = parse_expression(p)))
        return -1;
    Vec(MergeCase) cases = { 0 };
    if (!sees(p, KW_WHEN))
        return syntax_error(p);
    while (is(p, KW_WHEN)) {
        MergeCase *merge = vec_push(p->arena, &cases);
        merge->pos = parser_pos(p);
        advance(p);
        if (parse_merge_case(p, merge) < 0)
            return -1;
    }
    note_expected(p, KW_WHEN);
    s->merge_cases = cases.items;
    s->n_merge_cases = cases.n;
    return 0;
}
