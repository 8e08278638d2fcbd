/* iceberg_materialized.h - materialized views: a view of dialect "trino" and an ordinary table that holds its
 * rows. Other engines see a plain view, and the table.
 *
 * The view's properties name the table and say how old its rows may be. What the rows were made of stands in
 * the summary of the table's snapshot: the rows and that note are one commit. */
#pragma once

#include "query/connector/iceberg_views.h"

#define MATERIALIZED_STORAGE_MARK "$materialized_view_storage"

typedef enum FreshnessKind { FRESHNESS_STALE, FRESHNESS_UNKNOWN, FRESHNESS_FRESH } FreshnessKind;
typedef struct Freshness {
    FreshnessKind kind;
    int64_t last_fresh_us; /* 0: never, or fresh now */
} Freshness;

bool view_is_materialized(const TableHandle *handle);
/* Tables with such names are shown by their views. */
bool materialized_is_storage_name(Str table);
/* *ret NULL: it is gone. */
int materialized_storage(StatementContext *context, const TableHandle *view, const TableHandle **ret,
                         Error *err);
int materialized_freshness(StatementContext *context, const TableHandle *view, Freshness *ret, Error *err);
/* What a query reads for the view: its rows where they are fresh enough, else its query. */
int materialized_reading(StatementContext *context, const TableHandle *view, Arena *arena,
                         ViewDefinition *ret, Error *err);
/* Columns in the types that the view's query had, where Iceberg has fewer. */
int materialized_column_types(const TableHandle *view, TableColumn *columns, size_t n, Arena *arena,
                              Error *err);
/* SHOW CREATE: what stands before COMMENT. */
void materialized_put_clauses(const TableHandle *view, Buf *out);

int ddl_create_materialized(StatementContext *context, const Statement *s, const Analysis *analysis,
                            Error *err);
int ddl_drop_materialized(StatementContext *context, const Statement *s, const Analysis *analysis,
                          Error *err);
int ddl_rename_materialized(StatementContext *context, const Statement *s, const Analysis *analysis,
                            Error *err);
int ddl_set_materialized_properties(StatementContext *context, const Statement *s, const Analysis *analysis,
                                    Error *err);
