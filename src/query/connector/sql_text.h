/* sql_text.h - DuckDB SQL as text: identifiers, literals, and conditions of WHERE as the connectors' tables
 * can use them. */
#pragma once

#include "format/json.h"
#include "query/connector/statement_context.h"
#include "query/engine/emitter.h"

void sql_ident(Buf *out, Str name); /* always quoted */
void sql_path(Buf *out,
              Str path); /* a file's path as a literal that read_parquet takes for that file alone */
void sql_paths(Buf *out, const Str *paths, size_t n); /* [ 'a', 'b' ] */
/* A literal of the type's DuckDB form; text ptr NULL is NULL. Only for types whose DuckDB text form is their
 * cast from text. */
void sql_text_literal(Buf *out, Str text, const char *duckdb_type);

/* A small result, as the rows of Trino's protocol, in the statement's arena. */
int sql_query_rows(StatementContext *context, Str sql, const SqlType *const *types, size_t n_types,
                   const Json **ret, Error *err);

/* A constant of the statement: a string literal or what casts to one. false: it is none, or NULL. */
bool expr_constant_text(const Expr *expr, Str *ret);
/* Constants of properties and FOR VERSION: integers with their sign. */
bool expr_constant_int(const Expr *expr, int64_t *ret);

/* What the conjuncts of a relation allow for the text of one column: any of `values`, or what starts with
 * `prefix`. */
typedef struct TextFilter {
    bool is_restricted; /* values count */
    const Str *values;
    size_t n_values;
    Str prefix; /* empty: any */
} TextFilter;
TextFilter text_filter(const Relation *relation, int column, Arena *arena);
bool text_filter_allows(const TextFilter *filter, Str value);
