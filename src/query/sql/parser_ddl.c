/* parser_ddl.c - CREATE, DROP, ALTER, COMMENT, ANALYZE, CALL. */
#include "query/sql/parser_internal.h"

/* ---- properties ---- */

int parse_property_list(Parser *p, Property **ret, size_t *ret_n)
{
    Vec(Property) items = { 0 };
    do {
        Property *property = vec_push(p->arena, &items);
        property->pos = parser_pos(p);
        if (parse_identifier(p, &property->name) < 0 || expect(p, TOKEN_EQ) < 0)
            return -1;
        if (is(p, KW_DEFAULT) &&
            (peek(p, 1) == TOKEN_COMMA || peek(p, 1) == TOKEN_RPAREN || peek(p, 1) == TOKEN_EOF)) {
            advance(p);
            continue;
        }
        note_expected(p, KW_DEFAULT);
        property->value = parse_expression(p);
        if (!property->value)
            return -1;
    } while (accept(p, TOKEN_COMMA));
    *ret = items.items;
    *ret_n = items.n;
    return 0;
}

int parse_properties(Parser *p, Property **ret, size_t *ret_n)
{
    return expect(p, TOKEN_LPAREN) < 0 || parse_property_list(p, ret, ret_n) < 0 ? -1
                                                                                 : expect(p, TOKEN_RPAREN);
}

int parse_if_exists(Parser *p, bool *ret)
{
    /* A table may be named "if". */
    if (!is(p, KW_IF) || peek(p, 1) != KW_EXISTS) {
        note_expected(p, KW_IF);
        return 0;
    }
    advance(p);
    advance(p);
    *ret = true;
    return 0;
}

int parse_if_not_exists(Parser *p, bool *ret)
{
    if (!is(p, KW_IF) || peek(p, 1) != KW_NOT) {
        note_expected(p, KW_IF);
        return 0;
    }
    *ret = true;
    return expect_all(p, KW_IF, KW_NOT, KW_EXISTS);
}

/* ---- CREATE TABLE ---- */

/* DEFAULT x, NOT NULL, COMMENT 'text', WITH (…), after the type. */
static int parse_column_options(Parser *p, ColumnDef *column)
{
    if (accept(p, KW_DEFAULT) && !(column->default_value = parse_value(p)))
        return -1;
    if (accept(p, KW_NOT)) {
        column->not_null = true;
        if (expect(p, KW_NULL) < 0)
            return -1;
    }
    if (parse_optional_string(p, KW_COMMENT, &column->comment) < 0)
        return -1;
    return accept(p, KW_WITH) ? parse_properties(p, &column->properties, &column->n_properties) : 0;
}

static int parse_column_like(Parser *p, ColumnDef *column)
{
    column->is_like = true;
    if (parse_qualified_name(p, &column->like) < 0)
        return -1;
    column->including_properties = accept(p, KW_INCLUDING);
    return column->including_properties || accept(p, KW_EXCLUDING) ? expect(p, KW_PROPERTIES) : 0;
}

static int parse_column_defs(Parser *p, Statement *s)
{
    Vec(ColumnDef) columns = { 0 };
    if (expect(p, TOKEN_LPAREN) < 0)
        return -1;
    do {
        ColumnDef *column = vec_push(p->arena, &columns);
        if (arena_check(p->arena, p->err) < 0)
            return -1;
        if (accept(p, KW_LIKE)) {
            if (parse_column_like(p, column) < 0)
                return -1;
            continue;
        }
        if (parse_identifier(p, &column->name) < 0 || !(column->type = parse_type(p)) ||
            parse_column_options(p, column) < 0)
            return -1;
    } while (accept(p, TOKEN_COMMA));
    s->column_defs = columns.items;
    s->n_column_defs = columns.n;
    return expect(p, TOKEN_RPAREN);
}

static int parse_as_query(Parser *p, Statement *s)
{
    s->with_data = true;
    s->query = parse_root_query(p);
    if (!s->query)
        return -1;
    if (!accept(p, KW_WITH))
        return 0;
    s->with_data = !accept(p, KW_NO);
    return expect(p, KW_DATA);
}

static int parse_create_table(Parser *p, Statement *s)
{
    s->kind = STMT_CREATE_TABLE;
    if (parse_if_not_exists(p, &s->if_not_exists) < 0 || parse_qualified_name(p, &s->name) < 0)
        return -1;
    if (s->or_replace && s->if_not_exists)
        return parse_error(p, s->pos, "'OR REPLACE' and 'IF NOT EXISTS' clauses can not be used together");
    /* "(a, b) AS SELECT" names columns, "(a int)" defines them. */
    TokenKind second = peek(p, 2);
    bool aliases =
        is(p, TOKEN_LPAREN) && peek(p, 1) != KW_LIKE && (second == TOKEN_COMMA || second == TOKEN_RPAREN);
    bool defs = sees(p, TOKEN_LPAREN) && !aliases;
    if (aliases && parse_identifier_list(p, &s->columns, &s->n_columns) < 0)
        return -1;
    if (defs && parse_column_defs(p, s) < 0)
        return -1;
    if (parse_optional_string(p, KW_COMMENT, &s->comment) < 0)
        return -1;
    if (accept(p, KW_WITH) && parse_properties(p, &s->properties, &s->n_properties) < 0)
        return -1;
    if (defs)
        return 0;
    s->kind = STMT_CREATE_TABLE_AS;
    return expect(p, KW_AS) < 0 ? -1 : parse_as_query(p, s);
}

static int parse_create_schema(Parser *p, Statement *s)
{
    s->kind = STMT_CREATE_SCHEMA;
    if (parse_if_not_exists(p, &s->if_not_exists) < 0 || parse_qualified_name(p, &s->name) < 0)
        return -1;
    if (is(p, KW_AUTHORIZATION))
        return not_supported(p, parser_pos(p), "CREATE SCHEMA … AUTHORIZATION");
    note_expected(p, KW_AUTHORIZATION);
    return accept(p, KW_WITH) ? parse_properties(p, &s->properties, &s->n_properties) : 0;
}

static int parse_create_view(Parser *p, Statement *s)
{
    s->kind = STMT_CREATE_VIEW;
    if (parse_qualified_name(p, &s->name) < 0 || parse_optional_string(p, KW_COMMENT, &s->comment) < 0)
        return -1;
    if (accept(p, KW_SECURITY)) {
        s->view_security_invoker = accept(p, KW_INVOKER);
        if (!s->view_security_invoker && expect(p, KW_DEFINER) < 0)
            return -1;
    }
    if (expect(p, KW_AS) < 0)
        return -1;
    s->query = parse_root_query(p);
    return s->query ? 0 : -1;
}

int parse_create(Parser *p, Statement *s)
{
    static const struct { TokenKind word; const char *what;
    } others[] = {
        { KW_ROLE, "CREATE ROLE" },
        { KW_CATALOG, "CREATE CATALOG" },
    };
    advance(p);
    if (accept(p, KW_OR)) {
        s->or_replace = true;
        if (expect(p, KW_REPLACE) < 0)
            return -1;
    }
    if (accept(p, KW_TABLE))
        return parse_create_table(p, s);
    if (accept(p, KW_VIEW))
        return parse_create_view(p, s);
    if (accept(p, KW_MATERIALIZED))
        return parse_create_materialized_view(p, s);
    if (accept(p, KW_BRANCH))
        return parse_create_branch(p, s);
    if (sees(p, KW_FUNCTION))
        return parse_create_function(p, s);
    if (!s->or_replace && accept(p, KW_SCHEMA))
        return parse_create_schema(p, s);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (accept(p, others[i].word))
            return parse_unsupported(p, s, others[i].what);
    return syntax_error(p);
}

/* ---- DROP ---- */

int parse_drop(Parser *p, Statement *s)
{
    static const struct { TokenKind word; StatementKind kind; } kinds[] = {
        { KW_TABLE, STMT_DROP_TABLE }, { KW_VIEW, STMT_DROP_VIEW }, { KW_SCHEMA, STMT_DROP_SCHEMA },
    };
    static const struct { TokenKind word; const char *what;
    } others[] = {
        { KW_ROLE, "DROP ROLE" },
        { KW_CATALOG, "DROP CATALOG" },
    };
    advance(p);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!accept(p, kinds[i].word))
            continue;
        s->kind = kinds[i].kind;
        if (parse_if_exists(p, &s->if_exists) < 0 || parse_qualified_name(p, &s->name) < 0)
            return -1;
        if (s->kind == STMT_DROP_SCHEMA && !(s->cascade = accept(p, KW_CASCADE)))
            accept(p, KW_RESTRICT);
        return 0;
    }
    if (accept(p, KW_MATERIALIZED)) {
        s->kind = STMT_DROP_MATERIALIZED_VIEW;
        return expect(p, KW_VIEW) < 0 || parse_if_exists(p, &s->if_exists) < 0
                   ? -1 : parse_qualified_name(p, &s->name);
    }
    if (accept(p, KW_BRANCH))
        return parse_drop_branch(p, s);
    if (accept(p, KW_FUNCTION))
        return parse_drop_function(p, s);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (accept(p, others[i].word))
            return parse_unsupported(p, s, others[i].what);
    return syntax_error(p);
}

/* ---- ALTER ---- */

int parse_rename_to(Parser *p, Statement *s, StatementKind kind)
{
    s->kind = kind;
    return expect(p, KW_TO) < 0 ? -1 : parse_qualified_name(p, &s->target);
}

static int parse_add_column(Parser *p, Statement *s)
{
    s->kind = STMT_ADD_COLUMN;
    ColumnDef *column = arena_new_of(p->arena, ColumnDef);
    s->column_defs = column;
    s->n_column_defs = 1;
    if (expect(p, KW_COLUMN) < 0 || parse_if_not_exists(p, &s->if_not_exists) < 0 ||
        parse_qualified_name(p, &s->column) < 0)
        return -1;
    column->name = s->column.parts[s->column.n - 1];
    column->type = parse_type(p);
    if (!column->type || parse_column_options(p, column) < 0)
        return -1;
    if (accept(p, KW_AFTER))
        return parse_identifier(p, &s->column_after);
    s->column_first = accept(p, KW_FIRST);
    if (!s->column_first)
        accept(p, KW_LAST);
    return 0;
}

static int parse_alter_column(Parser *p, Statement *s)
{
    if (expect(p, KW_COLUMN) < 0 || parse_qualified_name(p, &s->column) < 0)
        return -1;
    if (accept(p, KW_DROP)) {
        if (!is(p, KW_NOT) && !is(p, KW_DEFAULT))
            return syntax_error(p);
        return parse_unsupported(p, s,
                                 is(p, KW_NOT) ? "ALTER COLUMN DROP NOT NULL" : "ALTER COLUMN DROP DEFAULT");
    }
    if (expect(p, KW_SET) < 0)
        return -1;
    if (is(p, KW_DEFAULT))
        return parse_unsupported(p, s, "ALTER COLUMN SET DEFAULT");
    if (expect_all(p, KW_DATA, KW_TYPE) < 0)
        return -1;
    s->kind = STMT_SET_COLUMN_TYPE;
    s->column_type = parse_type(p);
    return s->column_type ? 0 : -1;
}

static int parse_table_execute(Parser *p, Statement *s)
{
    s->kind = STMT_ALTER_EXECUTE;
    Ident *procedure = arena_new_of(p->arena, Ident);
    s->target = (QualifiedName){ .parts = procedure, .n = 1, .pos = parser_pos(p) };
    if (parse_identifier(p, procedure) < 0)
        return -1;
    if (accept(p, TOKEN_LPAREN) && !accept(p, TOKEN_RPAREN) &&
        (parse_call_arguments(p, &s->args, &s->arg_names, &s->n_args) < 0 || expect(p, TOKEN_RPAREN) < 0))
        return -1;
    if (!accept(p, KW_WHERE))
        return 0;
    s->where = parse_expression(p);
    return s->where ? 0 : -1;
}

static int parse_alter_rename(Parser *p, Statement *s)
{
    if (!accept(p, KW_COLUMN))
        return parse_rename_to(p, s, STMT_RENAME_TABLE);
    if (parse_if_exists(p, &s->column_if_exists) < 0 || parse_qualified_name(p, &s->column) < 0)
        return -1;
    return parse_rename_to(p, s, STMT_RENAME_COLUMN);
}

static int parse_alter_set(Parser *p, Statement *s)
{
    if (accept(p, KW_AUTHORIZATION))
        return parse_unsupported(p, s, "ALTER TABLE SET AUTHORIZATION");
    s->kind = STMT_SET_PROPERTIES;
    return expect(p, KW_PROPERTIES) < 0 ? -1 : parse_property_list(p, &s->properties, &s->n_properties);
}

static int parse_alter_table(Parser *p, Statement *s)
{
    if (parse_if_exists(p, &s->if_exists) < 0 || parse_qualified_name(p, &s->name) < 0)
        return -1;
    if (accept(p, KW_RENAME))
        return parse_alter_rename(p, s);
    if (accept(p, KW_ADD))
        return parse_add_column(p, s);
    if (accept(p, KW_DROP)) {
        s->kind = STMT_DROP_COLUMN;
        return expect(p, KW_COLUMN) < 0 || parse_if_exists(p, &s->column_if_exists) < 0
                   ? -1 : parse_qualified_name(p, &s->column);
    }
    if (accept(p, KW_ALTER))
        return parse_alter_column(p, s);
    if (accept(p, KW_SET))
        return parse_alter_set(p, s);
    return accept(p, KW_EXECUTE) ? parse_table_execute(p, s) : syntax_error(p);
}

static int parse_alter_schema(Parser *p, Statement *s)
{
    if (parse_qualified_name(p, &s->name) < 0)
        return -1;
    if (accept(p, KW_RENAME))
        return parse_rename_to(p, s, STMT_RENAME_SCHEMA);
    return expect(p, KW_SET) < 0 ? -1 : parse_unsupported(p, s, "ALTER SCHEMA SET AUTHORIZATION");
}

static int parse_alter_view(Parser *p, Statement *s)
{
    if (parse_qualified_name(p, &s->name) < 0)
        return -1;
    if (accept(p, KW_RENAME))
        return parse_rename_to(p, s, STMT_RENAME_VIEW);
    if (accept(p, KW_REFRESH))
        return parse_unsupported(p, s, "ALTER VIEW REFRESH");
    return expect(p, KW_SET) < 0 ? -1 : parse_unsupported(p, s, "ALTER VIEW SET AUTHORIZATION");
}

int parse_alter(Parser *p, Statement *s)
{
    advance(p);
    if (accept(p, KW_TABLE))
        return parse_alter_table(p, s);
    if (accept(p, KW_SCHEMA))
        return parse_alter_schema(p, s);
    if (accept(p, KW_VIEW))
        return parse_alter_view(p, s);
    if (accept(p, KW_MATERIALIZED))
        return parse_alter_materialized_view(p, s);
    return accept(p, KW_BRANCH) ? parse_alter_branch(p, s) : syntax_error(p);
}

/* ---- COMMENT, ANALYZE, CALL, REFRESH ---- */

int parse_comment(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_COMMENT;
    if (expect(p, KW_ON) < 0)
        return -1;
    s->is_view_comment = accept(p, KW_VIEW);
    s->is_column_comment = !s->is_view_comment && accept(p, KW_COLUMN);
    if (!s->is_view_comment && !s->is_column_comment && expect(p, KW_TABLE) < 0)
        return -1;
    if (parse_qualified_name(p, &s->name) < 0 || expect(p, KW_IS) < 0)
        return -1;
    return accept(p, KW_NULL) ? 0 : parse_string(p, &s->comment);
}

int parse_analyze(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_ANALYZE;
    if (parse_qualified_name(p, &s->name) < 0)
        return -1;
    return accept(p, KW_WITH) ? parse_properties(p, &s->properties, &s->n_properties) : 0;
}

int parse_call_statement(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_CALL;
    if (parse_qualified_name(p, &s->name) < 0 || expect(p, TOKEN_LPAREN) < 0)
        return -1;
    if (accept(p, TOKEN_RPAREN))
        return 0;
    return parse_call_arguments(p, &s->args, &s->arg_names, &s->n_args) < 0 ? -1 : expect(p, TOKEN_RPAREN);
}

int parse_refresh(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_REFRESH_MATERIALIZED_VIEW;
    return expect_all(p, KW_MATERIALIZED, KW_VIEW) < 0 ? -1 : parse_qualified_name(p, &s->name);
}
