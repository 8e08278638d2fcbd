/* connector.h - what a table is to the SQL front end.
 *
 * A MetadataSource answers the analyzer's questions about catalogs, schemas and tables. A TableHandle is one
 * table as it was when the statement began (a snapshot for Iceberg), in the statement's arena. When SQL is
 * emitted, the table's connector writes the relation that DuckDB reads: a SELECT whose columns are named c0,
 * c1, … by the handle's column order, only those that are used, already in the form that types.def holds
 * their types in. */
#pragma once

#include "base/buf.h"
#include "query/analyzer/types.h"

struct Expr;
struct Relation;

typedef struct TableColumn {
    Str name; /* lower case */
    const SqlType *type;
    bool hidden, not_null;
    Str comment;             /* ptr NULL: none */
    Str extra;               /* SHOW COLUMNS' Extra; may be empty */
    int32_t field_id;        /* Iceberg; 0: none */
    const char *default_sql; /* Trino SQL; NULL: none */
} TableColumn;

typedef struct TableHandle TableHandle;
typedef struct EmitContext EmitContext; /* engine/emitter.h */

typedef struct ConnectorOps {
    const char *name; /* "iceberg", "tpch", "system", "information_schema" */
    /* Plans the scan of `relation` (used columns, conjuncts), takes what it must hold for the statement
     * (pins) and writes the relation. */
    int (*emit_scan)(EmitContext *context, const TableHandle *handle, const struct Relation *relation,
                     Buf *out, Error *err);
    /* Two handles of one name: is what the analyzer saw of them the same? NULL: unknown, a plan is not kept.
     */
    bool (*is_same)(const TableHandle *a, const TableHandle *b);
} ConnectorOps;

struct TableHandle {
    const ConnectorOps *ops;
    Str catalog, schema, table; /* lower case; as known to the catalog */
    const TableColumn *columns;
    size_t n_columns;
    Str comment;
    void *data; /* the connector's */
};

/* A name that a statement asked for, and what it got. */
typedef struct KnownTable {
    Str catalog, schema, table;
    const struct Relation *reference; /* of a version; NULL: the current state */
    const TableHandle *handle;        /* NULL: there was no such table */
} KnownTable;

typedef struct ViewDefinition {
    Str sql;             /* ptr NULL: no such view */
    Str catalog, schema; /* of unqualified names in it */
    size_t n_columns;    /* that it had when it was made; 0: not known */
    bool is_stale;       /* a materialized view that must not be read before it is refreshed */
} ViewDefinition;

typedef struct MaterializedView {
    ViewDefinition definition;  /* the query that fills it */
    const TableHandle *storage; /* where its rows are; NULL: it is gone */
} MaterializedView;

typedef struct MetadataSource MetadataSource;
struct MetadataSource {
    /* Each: 0 with the answer, or -1 with an error of the outside world. */
    int (*catalog_exists)(MetadataSource *self, Str catalog, bool *ret, Error *err);
    int (*schema_exists)(MetadataSource *self, Str catalog, Str schema, bool *ret, Error *err);
    /* *ret NULL: there is no such table. snapshot: FOR VERSION/TIMESTAMP AS OF already reduced to values;
     * NULL: current. */
    int (*get_table)(MetadataSource *self, Str catalog, Str schema, Str table,
                     const struct Relation *reference, Arena *arena, const TableHandle **ret, Error *err);
    int (*get_view)(MetadataSource *self, Str catalog, Str schema, Str view, Arena *arena,
                    ViewDefinition *ret, Error *err);
    /* definition.sql.ptr NULL: there is no such materialized view. */
    int (*get_materialized)(MetadataSource *self, Str catalog, Str schema, Str view, Arena *arena,
                            MaterializedView *ret, Error *err);
};
