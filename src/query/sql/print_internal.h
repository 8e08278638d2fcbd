/* print_internal.h - what the printer's files share. `indent` counts steps of three blanks, as in Trino's
 * formatter. */
#pragma once

#include "query/sql/lexer.h"
#include "query/sql/print.h"

void print_identifier(Buf *out, const Ident *ident);
void print_name(Buf *out, const QualifiedName *name);
void print_names(Buf *out, const Ident *names, size_t n);           /* (a, b) */
void print_alias(Buf *out, const Ident *alias);                     /* " alias", " AS keyword" or nothing */
void print_expression(Buf *out, const Expr *e);
void print_expressions(Buf *out, Expr *const *items, size_t n);     /* a, b */
void print_arguments(Buf *out, Expr *const *items, const Ident *names, size_t n);
void print_sort_items(Buf *out, const SortItem *items, size_t n);
void print_over(Buf *out, const Window *window);                    /* " OVER …" */
void print_window(Buf *out, const Window *window);                  /* (…) */
void print_type_name(Buf *out, const TypeName *type);
void print_query(Buf *out, const Query *query, int indent);         /* ends in a line feed */
void print_query_in_parens(Buf *out, const Query *query);           /* on the spot, in an expression */
void print_relation(Buf *out, const Relation *relation, int indent);
void print_table_function(Buf *out, const Relation *relation, int indent);
void print_match_recognize(Buf *out, const Relation *relation, int indent);
/* The measures, or all other clauses but PARTITION BY and ORDER BY. */
void print_pattern_clauses(Buf *out, const PatternSpec *spec, bool measures);
void print_routine(Buf *out, const Routine *routine);
void print_json_function(Buf *out, const Expr *e);
void print_json_table(Buf *out, const JsonTable *table);
void print_indent(Buf *out, int indent);
void sql_print_call(Buf *out, const Expr *call);
void print_upper(Buf *out, Str text);
