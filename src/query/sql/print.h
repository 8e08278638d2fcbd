/* print.h - a syntax tree back to canonical Trino SQL: parse(print(tree)) is the same tree. Used by SHOW
 * CREATE, EXPLAIN, views and fuzzing. */
#pragma once

#include "base/buf.h"
#include "query/sql/ast.h"

void sql_print_statement(Buf *out, const Statement *statement);
void sql_print_query(Buf *out, const Query *query);
void sql_print_expression(Buf *out, const Expr *expr);
void sql_print_ident(Buf *out, Str name);            /* quoted only where needed */
void sql_print_string(Buf *out, Str value);          /* 'it''s' */
