/* parser_statement.c - statements by their first word; the ones about the session: SHOW, EXPLAIN, SET,
 * PREPARE, EXECUTE …
 *
 * A table maps first words to functions; what Trino has and we do not becomes STMT_UNSUPPORTED, named by
 * its first words. */
#include "query/sql/parser_internal.h"

static Statement *statement_new(Parser *p)
{
    Statement *s = arena_new_of(p->arena, Statement);
    s->pos = parser_pos(p);
    return s;
}

int parse_unsupported(Parser *p, Statement *s, const char *what)
{
    s->kind = STMT_UNSUPPORTED;
    s->what = str_from(what);
    while (!is(p, TOKEN_EOF)) {
        if (is(p, TOKEN_SEMICOLON) && peek(p, 1) == TOKEN_EOF) {      /* the second one at the end */
            note_expected(p, TOKEN_EOF);
            return syntax_error(p);
        }
        advance(p);
    }
    return 0;
}

/* Parses a statement of its own numbering of parameters: EXPLAIN's is the outer one's, PREPARE's is not. */
static int parse_inner(Parser *p, Statement *s, bool own_parameters)
{
    int outer = p->n_parameters;
    if (own_parameters)
        p->n_parameters = 0;
    s->inner = parse_statement(p);
    if (own_parameters)
        p->n_parameters = outer;
    return s->inner ? 0 : -1;
}

/* ---- queries ---- */

static int parse_session_assignments(Parser *p, Statement *s)
{
    Vec(SessionAssignment) session = { 0 };
    do {
        SessionAssignment *assignment = vec_push(p->arena, &session);
        if (session.n > 1 && is(p, KW_SESSION))
            advance(p);
        assignment->pos = parser_pos(p);
        if (parse_qualified_name(p, &assignment->name) < 0 || expect(p, TOKEN_EQ) < 0 ||
            !(assignment->value = parse_expression(p)))
            return -1;
    } while (accept(p, TOKEN_COMMA));
    s->session = session.items;
    s->n_session = session.n;
    return 0;
}

int parse_query_statement(Parser *p, Statement *s)
{
    s->kind = STMT_QUERY;
    if (is(p, KW_WITH) && peek(p, 1) == KW_SESSION && is_identifier_token(peek(p, 2))) {
        advance(p);
        advance(p);
        if (parse_session_assignments(p, s) < 0)
            return -1;
    }
    s->query = parse_root_query(p);
    return s->query ? 0 : -1;
}

/* ---- SHOW, DESCRIBE ---- */

static int parse_like(Parser *p, Statement *s)
{
    if (!accept(p, KW_LIKE))
        return 0;
    return parse_string(p, &s->like) < 0 ? -1 : parse_optional_string(p, KW_ESCAPE, &s->like_escape);
}

static int parse_show_create(Parser *p, Statement *s)
{
    static const struct { TokenKind word; StatementKind kind;
    } kinds[] = {
        { KW_TABLE, STMT_SHOW_CREATE_TABLE },
        { KW_SCHEMA, STMT_SHOW_CREATE_SCHEMA },
        { KW_VIEW, STMT_SHOW_CREATE_VIEW },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (accept(p, kinds[i].word)) {
            s->kind = kinds[i].kind;
            return parse_qualified_name(p, &s->name);
        }
    }
    if (accept(p, KW_MATERIALIZED)) {
        s->kind = STMT_SHOW_CREATE_MATERIALIZED_VIEW;
        return expect(p, KW_VIEW) < 0 ? -1 : parse_qualified_name(p, &s->name);
    }
    if (accept(p, KW_FUNCTION))
        return parse_unsupported(p, s, "SHOW CREATE FUNCTION");
    return syntax_error(p);
}

static int parse_show_stats(Parser *p, Statement *s)
{
    s->kind = STMT_SHOW_STATS;
    if (expect(p, KW_FOR) < 0)
        return -1;
    if (sees(p, TOKEN_LPAREN)) {
        s->query = parse_query_in_parens(p);
        return s->query ? 0 : -1;
    }
    return parse_qualified_name(p, &s->name);
}

static int parse_show(Parser *p, Statement *s)
{
    /* `from`: 0 none, 1 optional FROM, 2 FROM with a table */
    static const struct { TokenKind word; StatementKind kind; int from; } lists[] = {
        { KW_TABLES, STMT_SHOW_TABLES, 1 },     { KW_SCHEMAS, STMT_SHOW_SCHEMAS, 1 },
        { KW_CATALOGS, STMT_SHOW_CATALOGS, 0 }, { KW_COLUMNS, STMT_SHOW_COLUMNS, 2 },
        { KW_FUNCTIONS, STMT_SHOW_FUNCTIONS, 1 }, { KW_SESSION, STMT_SHOW_SESSION, 0 },
    };
    static const struct { TokenKind word; const char *what; } others[] = {
        { KW_CURRENT, "SHOW CURRENT ROLES" }, { KW_GRANTS, "SHOW GRANTS" },
        { KW_ROLE, "SHOW ROLE GRANTS" },  { KW_ROLES, "SHOW ROLES" },
    };
    advance(p);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!accept(p, lists[i].word))
            continue;
        s->kind = lists[i].kind;
        QualifiedName *name = lists[i].from == 2 ? &s->name : &s->target;
        if (lists[i].from && (accept(p, KW_FROM) || accept(p, KW_IN))) {
            if (parse_qualified_name(p, name) < 0)
                return -1;
        } else if (lists[i].from == 2) {
            return syntax_error(p);
        }
        return parse_like(p, s);
    }
    if (accept(p, KW_CREATE))
        return parse_show_create(p, s);
    if (accept(p, KW_STATS))
        return parse_show_stats(p, s);
    if (accept(p, KW_BRANCHES))
        return parse_show_branches(p, s);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (accept(p, others[i].word))
            return parse_unsupported(p, s, others[i].what);
    return syntax_error(p);
}

static int parse_describe(Parser *p, Statement *s)
{
    bool short_form = is(p, KW_DESC);
    advance(p);
    bool input = !short_form && is(p, KW_INPUT), output = !short_form && is(p, KW_OUTPUT);
    s->kind = STMT_SHOW_COLUMNS;
    if ((input || output) && is_identifier_token(peek(p, 1))) {
        advance(p);
        s->kind = input ? STMT_DESCRIBE_INPUT : STMT_DESCRIBE_OUTPUT;
    }
    return parse_qualified_name(p, &s->name);
}

/* ---- EXPLAIN ---- */

static int parse_explain_option(Parser *p, Statement *s)
{
    static const TokenKind types[] = { KW_LOGICAL, KW_DISTRIBUTED, KW_VALIDATE, KW_IO };
    static const TokenKind formats[] = { KW_TEXT, KW_GRAPHVIZ, KW_JSON };
    bool format = accept(p, KW_FORMAT);
    if (!format && expect(p, KW_TYPE) < 0)
        return -1;
    const TokenKind *words = format ? formats : types;
    size_t n = format ? sizeof formats / sizeof *formats : sizeof types / sizeof *types;
    for (size_t i = 0; i < n; i++) {
        if (accept(p, words[i])) {
            const char *display = token_display(words[i]);             /* 'TEXT' in quotes */
            *(format ? &s->explain_format : &s->explain_type) = str_of(display + 1, strlen(display) - 2);
            return 0;
        }
    }
    return syntax_error(p);
}

static int parse_explain(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_EXPLAIN;
    if (is(p, KW_ANALYZE) &&
        !(is_identifier_token(peek(p, 1)) && (peek(p, 2) == TOKEN_EOF || peek(p, 2) == TOKEN_DOT))) {
        advance(p);
        s->kind = STMT_EXPLAIN_ANALYZE;
        s->verbose = accept(p, KW_VERBOSE);
    } else if (is(p, TOKEN_LPAREN) && (peek(p, 1) == KW_TYPE || peek(p, 1) == KW_FORMAT)) {
        advance(p);
        do {
            if (parse_explain_option(p, s) < 0)
                return -1;
        } while (accept(p, TOKEN_COMMA));
        if (expect(p, TOKEN_RPAREN) < 0)
            return -1;
    }
    return parse_inner(p, s, false);
}

/* ---- SET, RESET, USE ---- */

static int parse_authorization(Parser *p, Statement *s)
{
    s->kind = STMT_SET_SESSION_AUTHORIZATION;
    s->value = expr_new(p, EXPR_STRING, parser_pos(p));
    if (is(p, TOKEN_STRING) || is(p, TOKEN_UNICODE_STRING))
        return parse_string(p, &s->value->text);
    Ident name;
    if (parse_identifier(p, &name) < 0)
        return -1;
    s->value->text = name.text;
    return 0;
}

static int parse_set_session(Parser *p, Statement *s)
{
    if (is(p, KW_AUTHORIZATION) && peek(p, 1) != TOKEN_EQ && peek(p, 1) != TOKEN_DOT) {
        advance(p);
        return parse_authorization(p, s);
    }
    s->kind = STMT_SET_SESSION;
    if (parse_qualified_name(p, &s->name) < 0 || expect(p, TOKEN_EQ) < 0)
        return -1;
    s->value = parse_expression(p);
    return s->value ? 0 : -1;
}

static int parse_set_role(Parser *p, Statement *s)
{
    s->kind = STMT_SET_ROLE;
    s->what = is(p, KW_ALL) ? STR("ALL") : is(p, KW_NONE) ? STR("NONE") : STR("ROLE");
    if (s->what.ptr[0] != 'R') {
        advance(p);
    } else {
        Ident *name = arena_new_of(p->arena, Ident);
        s->name = (QualifiedName){ .parts = name, .n = 1, .pos = parser_pos(p) };
        if (parse_identifier(p, name) < 0)
            return -1;
    }
    return accept(p, KW_IN) ? parse_qualified_name(p, &s->target) : 0;
}

static int parse_set_path(Parser *p, Statement *s)
{
    s->kind = STMT_SET_PATH;
    return parse_expression_list(p, &s->args, &s->n_args);
}

static int parse_set(Parser *p, Statement *s)
{
    advance(p);
    if (accept(p, KW_SESSION))
        return parse_set_session(p, s);
    if (accept(p, KW_ROLE))
        return parse_set_role(p, s);
    if (accept(p, KW_PATH))
        return parse_set_path(p, s);
    if (expect_all(p, KW_TIME, KW_ZONE) < 0)
        return -1;
    s->kind = STMT_SET_TIME_ZONE;
    if (is(p, KW_LOCAL) && peek(p, 1) == TOKEN_EOF) {
        advance(p);
        return 0;
    }
    s->value = parse_expression(p);
    return s->value ? 0 : -1;
}

static int parse_reset(Parser *p, Statement *s)
{
    advance(p);
    if (expect(p, KW_SESSION) < 0)
        return -1;
    if (is(p, KW_AUTHORIZATION) && peek(p, 1) != TOKEN_DOT) {
        advance(p);
        s->kind = STMT_RESET_SESSION_AUTHORIZATION;
        return 0;
    }
    s->kind = STMT_RESET_SESSION;
    return parse_qualified_name(p, &s->name);
}

static int parse_use(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_USE;
    return parse_qualified_name(p, &s->name);
}

/* ---- prepared statements ---- */

static int parse_prepared_name(Parser *p, Statement *s)
{
    Ident *name = arena_new_of(p->arena, Ident);
    s->name = (QualifiedName){ .parts = name, .n = 1, .pos = parser_pos(p) };
    return parse_identifier(p, name);
}

static int parse_prepare(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_PREPARE;
    if (parse_prepared_name(p, s) < 0 || expect(p, KW_FROM) < 0)
        return -1;
    return parse_inner(p, s, true);
}

static int parse_deallocate(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_DEALLOCATE;
    return expect(p, KW_PREPARE) < 0 ? -1 : parse_prepared_name(p, s);
}

static int parse_immediate(Parser *p, Statement *s)
{
    s->kind = STMT_EXECUTE_IMMEDIATE;
    SqlPos pos = parser_pos(p);
    if (parse_string(p, &s->immediate) < 0)
        return -1;
    Parser inner;
    if (parser_init(&inner, s->immediate, pos.line, pos.column + 1, p->arena, p->err) < 0)
        return -1;
    inner.depth = p->depth;
    s->inner = parse_statement(&inner);
    if (!s->inner)
        return -1;
    return sees(&inner, TOKEN_EOF) ? 0 : syntax_error(&inner);
}

static int parse_execute(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_EXECUTE;
    if (is(p, KW_IMMEDIATE) && (peek(p, 1) == TOKEN_STRING || peek(p, 1) == TOKEN_UNICODE_STRING)) {
        advance(p);
        if (parse_immediate(p, s) < 0)
            return -1;
    } else if (parse_prepared_name(p, s) < 0) {
        return -1;
    }
    return accept(p, KW_USING) ? parse_expression_list(p, &s->args, &s->n_args) : 0;
}

/* ---- transactions ---- */

static int parse_transaction_mode(Parser *p, Statement *s)
{
    static const struct { TokenKind first, second; const char *name; } levels[] = {
        { KW_READ, KW_UNCOMMITTED, "READ UNCOMMITTED" }, { KW_READ, KW_COMMITTED, "READ COMMITTED" },
        { KW_REPEATABLE, KW_READ, "REPEATABLE READ" },
    };
    if (accept(p, KW_READ)) {
        s->read_only = accept(p, KW_ONLY);
        return s->read_only ? 0 : expect(p, KW_WRITE);
    }
    if (expect_all(p, KW_ISOLATION, KW_LEVEL) < 0)
        return -1;
    if (accept(p, KW_SERIALIZABLE)) {
        s->isolation = STR("SERIALIZABLE");
        return 0;
    }
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (accept_words(p, levels[i].first, levels[i].second)) {
            s->isolation = str_from(levels[i].name);
            return 0;
        }
    }
    return syntax_error(p);
}

static int parse_start(Parser *p, Statement *s)
{
    advance(p);
    s->kind = STMT_START_TRANSACTION;
    if (expect(p, KW_TRANSACTION) < 0)
        return -1;
    if (!sees(p, KW_ISOLATION) && !sees(p, KW_READ))
        return 0;
    do {
        if (parse_transaction_mode(p, s) < 0)
            return -1;
    } while (accept(p, TOKEN_COMMA));
    return 0;
}

static int parse_commit(Parser *p, Statement *s)
{
    s->kind = is(p, KW_COMMIT) ? STMT_COMMIT : STMT_ROLLBACK;
    advance(p);
    accept(p, KW_WORK);
    return 0;
}

static int parse_grant(Parser *p, Statement *s)
{
    const char *what = is(p, KW_GRANT) ? "GRANT" : is(p, KW_REVOKE) ? "REVOKE" : "DENY";
    return parse_unsupported(p, s, what);
}

/* ---- by first word ---- */

static const struct { TokenKind word; StatementParser *parse; } statements[] = {
    { KW_ALTER, parse_alter },         { KW_ANALYZE, parse_analyze },   { KW_CALL, parse_call_statement },
    { KW_COMMENT, parse_comment },     { KW_COMMIT, parse_commit },     { KW_CREATE, parse_create },
    { KW_DEALLOCATE, parse_deallocate }, { KW_DELETE, parse_delete },   { KW_DENY, parse_grant },
    { KW_DESC, parse_describe },       { KW_DESCRIBE, parse_describe }, { KW_DROP, parse_drop },
    { KW_EXECUTE, parse_execute },     { KW_EXPLAIN, parse_explain },   { KW_GRANT, parse_grant },
    { KW_INSERT, parse_insert },       { KW_MERGE, parse_merge },       { KW_PREPARE, parse_prepare },
    { KW_REFRESH, parse_refresh },     { KW_RESET, parse_reset },       { KW_REVOKE, parse_grant },
    { KW_ROLLBACK, parse_commit },     { KW_SET, parse_set },           { KW_SHOW, parse_show },
    { KW_START, parse_start },         { KW_TRUNCATE, parse_truncate }, { KW_UPDATE, parse_update },
    { KW_USE, parse_use },
};

static StatementParser *find_statement(Parser *p)
{
    TokenKind word = peek(p, 0);
    if (word == KW_WITH || word == KW_SELECT || word == KW_VALUES || word == KW_TABLE || word == TOKEN_LPAREN)
        return parse_query_statement;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        if (sees(p, statements[i].word))
            return statements[i].parse;
    note_expected(p, KW_WITH);
    note_expected(p, EXPECT_QUERY);
    return NULL;
}

Statement *parse_statement(Parser *p)
{
    int saved;
    if (parser_enter(p, &saved) < 0)
        return NULL;
    Statement *s = statement_new(p);
    size_t first = p->at;
    int parameters = p->n_parameters;
    StatementParser *parse = find_statement(p);
    if (!parse) {
        syntax_error(p);
        return NULL;
    }
    if (parse(p, s) < 0)
        return NULL;
    s->text = text_between(p, first, p->at);
    s->n_parameters = p->n_parameters - parameters;
    parser_leave(p, saved);
    return s;
}

/* ---- the entry points ---- */

int sql_parse(Str text, Arena *arena, Statement **ret, Error *err)
{
    Parser p;
    if (parser_init(&p, text, 1, 1, arena, err) < 0)
        return -1;
    Statement *s = parse_statement(&p);
    if (!s)
        return -1;
    if (!sees(&p, TOKEN_EOF))
        return syntax_error(&p);
    *ret = s;
    return 0;
}

int sql_parse_expression(Str text, Arena *arena, Expr **ret, Error *err)
{
    Parser p;
    if (parser_init(&p, text, 1, 1, arena, err) < 0)
        return -1;
    Expr *e = parse_expression(&p);
    if (!e)
        return -1;
    if (!sees(&p, TOKEN_EOF))
        return syntax_error(&p);
    *ret = e;
    return 0;
}

int sql_parse_type_name(Str text, Arena *arena, TypeName **ret, Error *err)
{
    Parser p;
    if (parser_init(&p, text, 1, 1, arena, err) < 0)
        return -1;
    TypeName *type = parse_type(&p);
    if (!type)
        return -1;
    if (!sees(&p, TOKEN_EOF))
        return syntax_error(&p);
    *ret = type;
    return 0;
}
