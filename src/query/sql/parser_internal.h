/* parser_internal.h - what the parser's files share.
 *
 * Functions that make a node return it, or NULL after they have set p->err; functions that fill a struct
 * return 0 or -1.
 *
 * What "Expecting: …" lists is not written down anywhere: each test of the current token that fails
 * (accept, sees, expect) notes what it looked for, and moving on forgets the notes. The error at a token
 * thus lists all that could have stood there. Looks that must leave no note (Trino's grammar had already
 * chosen) use is() and peek().
 *
 * Text is tokenised as a whole first, with matching parentheses linked, so that the decisions that need
 * unbounded lookahead (is this parenthesis a query, a lambda, a row?) cost no backtracking. */
#pragma once

#include "base/arena.h"
#include "query/sql/ast.h"
#include "query/sql/lexer.h"
#include "query/sql/parser.h"

enum {
    EXPECTED_MAX = 96,
    SQL_EXPECT_FIRST = 10000,     /* notes beyond the tokens */
};

enum {
    EXPECT_EXPRESSION = SQL_EXPECT_FIRST,
    EXPECT_IDENTIFIER,
    EXPECT_QUERY,
    EXPECT_TYPE,
    EXPECT_STRING,
    EXPECT_PREDICATE,
};

typedef struct Parser {
    Str text;
    Arena *arena;
    Error *err;
    Token *tokens;                /* the last one is TOKEN_EOF */
    size_t n_tokens;
    size_t at;
    int n_parameters;
    int depth;                    /* of nested rules now */
    int height;                   /* of the highest tree made in the current rule; see parser_enter() */
    int expected[EXPECTED_MAX];
    size_t n_expected;
    int nearest;                  /* in the FROM of so many NEARESTs, where MATCH is no alias */
    const Expr *star_base;        /* the primary expression that ".*" follows */
} Parser;

/* ---- tokens ---- */

int parser_init(Parser *p, Str text, int line, int column, Arena *arena, Error *err);
static inline const Token *parser_token(const Parser *p) { return &p->tokens[p->at]; }
static inline TokenKind peek(const Parser *p, size_t ahead)
{
    return p->at + ahead < p->n_tokens ? p->tokens[p->at + ahead].kind : TOKEN_EOF;
}
static inline bool is(const Parser *p, TokenKind kind) { return p->tokens[p->at].kind == kind; }
static inline SqlPos parser_pos(const Parser *p)
{
    return (SqlPos){ (int)p->tokens[p->at].line, (int)p->tokens[p->at].column };
}
Str token_text(const Parser *p, const Token *token);
void advance(Parser *p);
void note_expected(Parser *p, int what);
bool sees(Parser *p, TokenKind kind);          /* notes when not */
bool accept(Parser *p, TokenKind kind);        /* moves on when there, notes when not */
int expect(Parser *p, TokenKind kind);
bool accept_words(Parser *p, TokenKind first, TokenKind second);   /* both or none; notes the first */
int expect_words(Parser *p, const TokenKind *words, size_t n);
#define expect_all(p, ...)                                                                                   \
    expect_words((p), (const TokenKind[]){ __VA_ARGS__ },                                                    \
                 sizeof((const TokenKind[]){ __VA_ARGS__ }) / sizeof(TokenKind))
bool is_identifier_token(TokenKind kind);      /* names and words that are not reserved */
Str text_between(const Parser *p, size_t first_token, size_t end_token);

/* ---- errors ---- */

/* "mismatched input 'x'. Expecting: …" at the current token. Both return -1 / NULL for `return`. */
int syntax_error(Parser *p);
#define parse_error(p, pos, ...) err_set_sql((p)->err, ERR_SYNTAX, (pos).line, (pos).column, __VA_ARGS__)
int not_supported(Parser *p, SqlPos pos, const char *what);

/* Brackets every rule that can nest. Bounds the C stack by SQL_DEPTH_MAX and, counting also what a loop
 * hangs above its left operand (parser_grow), the height of the tree by SQL_HEIGHT_MAX, for those who walk
 * it later. 0 or -1. */
int parser_enter(Parser *p, int *ret_saved);
void parser_leave(Parser *p, int saved);
int parser_grow(Parser *p);

/* ---- small things ---- */

int parse_identifier(Parser *p, Ident *ret);
int parse_qualified_name(Parser *p, QualifiedName *ret);
int parse_string(Parser *p, Str *ret);                      /* the value */
int parse_optional_string(Parser *p, TokenKind word, Str *ret);      /* word 'text' */
int parse_identifier_list(Parser *p, const Ident **ret, size_t *ret_n);       /* '(' a, b ')' */
int parse_integer_value(Parser *p, const Token *token, bool negative, int64_t *ret);
int decode_binary(Parser *p, const Token *token, Str *ret);
Ident ident_of(Parser *p, const Token *token);
bool starts_query(const Parser *p); /* SELECT, VALUES, TABLE, '(' ...: current token */
bool is_query_in_parens(const Parser *p, size_t open);      /* the '(' at token `open` holds a query */

/* ---- expressions ---- */

Expr *expr_new(Parser *p, ExprKind kind, SqlPos pos);
Expr *parse_expression(Parser *p);
Expr *parse_value(Parser *p);                               /* no AND, OR, NOT, predicates */
Expr *parse_primary(Parser *p);
int parse_expression_list(Parser *p, Expr ***ret, size_t *ret_n);     /* one or more, commas between */
Expr *parse_integer_or_parameter(Parser *p);
Expr *parse_literal(Parser *p, bool *ret_is_literal);
Expr *parse_special_form(Parser *p, bool *ret_is_special);  /* CAST, EXTRACT, TRIM …: by their first word */
Expr *parse_call(Parser *p, const QualifiedName *name);     /* at '(' */
Expr *parse_case(Parser *p);
Expr *parse_json_function(Parser *p);                       /* at JSON_VALUE … */
Relation *parse_json_table(Parser *p);                      /* at JSON_TABLE */
Expr *parse_predicate(Parser *p, Expr *value, bool *ret_is_predicate);
Expr *call_new(Parser *p, const char *name, SqlPos pos, size_t n_args, ...);
int parse_arguments(Parser *p, Expr *call);
int parse_call_suffixes(Parser *p, Expr *call);              /* FILTER, IGNORE NULLS, OVER */
int parse_sort_item(Parser *p, SortItem *item);
int parse_sort_items(Parser *p, SortItem **ret, size_t *ret_n);
int parse_over(Parser *p, Window **ret);                    /* after OVER */
int parse_window_spec(Parser *p, Window *window);           /* after '(', up to and with ')' */
TypeName *parse_type(Parser *p);
bool is_interval_field(TokenKind kind);
int parse_interval_qualifier(Parser *p, Str *ret_from, Str *ret_to);

/* ---- queries, relations, statements ---- */

Query *parse_query(Parser *p);
Query *parse_query_in_parens(Parser *p);
Relation *parse_relation_list(Parser *p);                   /* commas are joins */
Relation *parse_relation(Parser *p);
Relation *parse_values(Parser *p);                          /* after VALUES */
Relation *relation_new(Parser *p, RelationKind kind, SqlPos pos);
Relation *parse_match_recognize(Parser *p, Relation *input);          /* at MATCH_RECOGNIZE */
int parse_pattern_measures(Parser *p, PatternSpec *spec);
int parse_pattern_clauses(Parser *p, PatternSpec *spec, bool is_window);
Routine *parse_routine(Parser *p);                          /* at FUNCTION */
Query *parse_root_query(Parser *p);                         /* WITH FUNCTION may stand before it */
int parse_create_function(Parser *p, Statement *s);         /* at FUNCTION */
int parse_drop_function(Parser *p, Statement *s);           /* after it */
Relation *parse_table_function(Parser *p);                  /* at TABLE */
int parse_optional_alias(Parser *p, Relation *relation);
bool is_alias_token(const Parser *p);
int parse_branch(Parser *p, Ident *ret);                    /* [ @ name ] */
int parse_with_clause(Parser *p, Query *query);             /* after WITH */
int parse_query_rest(Parser *p, Query *query);              /* body, ORDER BY, OFFSET, LIMIT */
int parse_properties(Parser *p, Property **ret, size_t *ret_n);       /* '(' a = 1, … ')' */
int parse_property_list(Parser *p, Property **ret, size_t *ret_n);
int parse_call_arguments(Parser *p, Expr ***ret, const Ident **ret_names, size_t *ret_n);   /* a, b => c */

Statement *parse_statement(Parser *p);
typedef int StatementParser(Parser *p, Statement *s);
StatementParser parse_create, parse_drop, parse_alter, parse_insert, parse_delete, parse_update, parse_merge,
    parse_truncate, parse_comment, parse_query_statement, parse_call_statement, parse_analyze, parse_refresh;
/* parser_branch.c, parser_materialized.c; each after the words that it is named for */
StatementParser parse_create_branch, parse_drop_branch, parse_alter_branch, parse_show_branches,
    parse_create_materialized_view, parse_alter_materialized_view;
int parse_if_exists(Parser *p, bool *ret);
int parse_if_not_exists(Parser *p, bool *ret);
int parse_rename_to(Parser *p, Statement *s, StatementKind kind);
Expr *parse_interval_literal(Parser *p);                    /* at INTERVAL */
int parse_unsupported(Parser *p, Statement *s, const char *what);     /* takes all tokens that are left */
