/* parser.h - Trino SQL text to a syntax tree: a hand-written recursive descent parser, Pratt for expressions.
 *
 * Errors are ERR_SYNTAX with Trino's text and position: "line 1:8: mismatched input 'x'. Expecting: …". Depth
 * is limited to SQL_DEPTH_MAX, the text to LIMIT_SQL_BYTES; a statement may end in one semicolon. */
#pragma once

#include "query/sql/ast.h"

enum {
    SQL_DEPTH_MAX = 500,          /* nested rules: bounds the stack of the parser */
    SQL_HEIGHT_MAX = 1000,        /* also of chains such as a + b + c or UNION: for who walks the tree */
};

int sql_parse(Str text, Arena *arena, Statement **ret, Error *err);
int sql_parse_expression(Str text, Arena *arena, Expr **ret, Error *err);
int sql_parse_type_name(Str text, Arena *arena, TypeName **ret, Error *err);
/* Splits a script at semicolons outside of strings, quoted names and comments; false at the end. */
bool sql_split_next(Str script, size_t *position, Str *ret_statement);
/* True when the text ends inside a string, a comment or a statement: the shell asks for another line. */
bool sql_is_incomplete(Str text);
bool sql_is_reserved(Str word);                      /* must be quoted as an identifier */
extern const char *const sql_keywords[];             /* upper case, sorted, NULL-terminated; for completion */
