/* rows.h - a small relation made of rows that we have: system tables, information_schema, metadata tables.
 *
 * A RowSet collects cells as DuckDB SQL; rows_emit() writes the relation with the columns that are used.
 * Columns that are not used may be left unset. Everything is in the arena. */
#pragma once

#include "query/connector/connector.h"
#include "query/sql/ast.h"

typedef struct RowSet {
    Arena *arena;
    const TableColumn *columns;
    size_t n_columns;
    const bool *used; /* NULL: all */
    Vec(Str *) rows;  /* a row: n_columns cells of SQL; ptr NULL: NULL */
    Str *row;         /* the last one */
} RowSet;

RowSet rows_new(Arena *arena, const TableHandle *handle, const Relation *relation);
void rows_add(RowSet *set);                           /* begins a row of NULLs */
bool rows_want(const RowSet *set, size_t column);     /* false: no need to make the cell */
void row_text(RowSet *set, size_t column, Str value); /* ptr NULL: NULL */
void row_int(RowSet *set, size_t column, int64_t value);
void row_bool(RowSet *set, size_t column, bool value);
void row_double(RowSet *set, size_t column, double value);
/* timestamp with time zone at UTC; 0: NULL */
void row_instant(RowSet *set, size_t column, int64_t us);
void row_sql(RowSet *set, size_t column, Str sql); /* any expression */
int rows_emit(const RowSet *set, Buf *out, Error *err);

/* "name type" pairs, comma separated, as a table's columns: columns_of("table_cat varchar, ordinal bigint").
 * Types are Trino's. */
const TableColumn *columns_of(Arena *arena, const char *text, size_t *ret_n);
