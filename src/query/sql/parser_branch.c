/* parser_branch.c - branches of tables: CREATE, DROP, ALTER … FAST FORWARD, SHOW. */
#include "query/sql/parser_internal.h"

static int parse_in_table(Parser *p, Statement *s)
{
    return expect_all(p, KW_IN, KW_TABLE) < 0 ? -1 : parse_qualified_name(p, &s->name);
}

int parse_create_branch(Parser *p, Statement *s)
{
    s->kind = STMT_CREATE_BRANCH;
    SqlPos pos = s->pos;
    if (parse_if_not_exists(p, &s->if_not_exists) < 0 || parse_identifier(p, &s->branch) < 0)
        return -1;
    if (s->or_replace && s->if_not_exists)
        return parse_error(p, pos, "'OR REPLACE' and 'IF NOT EXISTS' clauses can not be used together");
    if (accept(p, KW_WITH) && parse_properties(p, &s->properties, &s->n_properties) < 0)
        return -1;
    if (parse_in_table(p, s) < 0)
        return -1;
    return accept(p, KW_FROM) ? parse_identifier(p, &s->other_branch) : 0;
}

int parse_drop_branch(Parser *p, Statement *s)
{
    s->kind = STMT_DROP_BRANCH;
    return parse_if_exists(p, &s->if_exists) < 0 || parse_identifier(p, &s->branch) < 0
               ? -1 : parse_in_table(p, s);
}

int parse_alter_branch(Parser *p, Statement *s)
{
    s->kind = STMT_FAST_FORWARD_BRANCH;
    if (parse_identifier(p, &s->branch) < 0 || parse_in_table(p, s) < 0 ||
        expect_all(p, KW_FAST, KW_FORWARD, KW_TO) < 0)
        return -1;
    return parse_identifier(p, &s->other_branch);
}

int parse_show_branches(Parser *p, Statement *s)
{
    s->kind = STMT_SHOW_BRANCHES;
    if (!accept(p, KW_FROM) && expect(p, KW_IN) < 0)
        return -1;
    return expect(p, KW_TABLE) < 0 ? -1 : parse_qualified_name(p, &s->name);
}
