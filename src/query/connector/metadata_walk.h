/* metadata_walk.h - every table of every catalog that a system table is asked for, and no other. */
#pragma once

#include "query/connector/catalogs_internal.h"
#include "query/connector/rows.h"
#include "query/connector/sql_text.h"

/* Columns of the system table that hold the names; -1: it has none, then all count. */
typedef struct NameColumns {
    int catalog, schema, table;
} NameColumns;

typedef struct Walk {
    StatementContext *context;
    const Relation *relation;
    NameColumns columns;
    Str only_catalog; /* information_schema: its own; ptr NULL: all */
    RowSet *rows;
    /* Called for each name; the handle is NULL unless `with_tables`. A table that cannot be read is left out.
     */
    int (*on_schema)(struct Walk *walk, Str catalog, Str schema, Error *err);
    int (*on_table)(struct Walk *walk, Str catalog, Str schema, Str table, const TableHandle *handle,
                    Error *err);
    bool with_tables;
    Str views_of; /* the schema that `views` are of */
    const Str *views;
    size_t n_views;
} Walk;

int metadata_walk(Walk *walk, Error *err);
/* Whether a name that the walk gave is a view's. */
int walk_is_view(Walk *walk, Str catalog, Str schema, Str table, bool *ret, Error *err);
