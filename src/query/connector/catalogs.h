/* catalogs.h - all catalogs of the query role: names to tables, and the statements that change them.
 *
 * Catalogs: the Iceberg one (config query.catalog) on the catalog and storage roles, `tpch` and
 * `tpcds` (generated data) and `system`. Every catalog has an information_schema. A Catalogs is shared by all
 * statements and thread-safe; calls take the StatementContext of the statement they work for. Errors carry
 * Trino's codes and texts ("Table 'iceberg.a.b' does not exist" with the position is the analyzer's). */
#pragma once

#include "query/connector/statement_context.h"
#include "query/sql/ast.h"

typedef struct QueryInfo { /* system.runtime.queries and /v1/query */
    Str query_id, state, user, source, query;
    int64_t queued_ms, analysis_ms, created_us, started_us, last_heartbeat_us, end_us; /* 0: not yet */
    Str error_type, error_code;
} QueryInfo;

typedef struct CatalogsOptions {
    Str iceberg_name;      /* "iceberg" */
    Str data_dir, run_dir; /* DATA/query is ours; DATA/run has the roles' sockets */
    Str capability;
    Str warehouse;
    int64_t generated_limit_bytes; /* of files of tpch and tpcds kept for later */
    Engine *engine;
    Str node_uri, node_id;
    /* The statements known to the server, newest last: calls fn for each. */
    void (*each_query)(void *arg, void (*fn)(void *fn_arg, const QueryInfo *info), void *fn_arg);
    void *each_query_arg;
} CatalogsOptions;

int catalogs_new(const CatalogsOptions *options, Catalogs **ret, Error *err);
void catalogs_free(Catalogs *catalogs);
bool catalogs_storage_ready(Catalogs *catalogs); /* cheap; for /ready */
bool catalogs_catalog_ready(Catalogs *catalogs);

/* A MetadataSource for one statement (arena); it sees every table in one state for the statement's whole
 * life. */
MetadataSource *catalogs_metadata(StatementContext *context);
/* Every name that the statement asked for. False: what it got is of that moment alone (versions, views, names
 * that were not there), and a later statement cannot tell whether it would get the same. */
bool catalogs_tables_are_lasting(StatementContext *context, const KnownTable **ret, size_t *ret_n);
/* Asks for another statement's names again: the handles, in the same order, and whether they are the same. */
int catalogs_find_again(StatementContext *context, const KnownTable *then, size_t n, const TableHandle **ret,
                        bool *ret_same, Error *err);
/* Iteration of names, sorted; for SHOW and completion. */
int catalogs_names(Catalogs *catalogs, Arena *arena, const Str **ret, size_t *ret_n, Error *err);

/* "iceberg.a.\"b c\"": as Trino's messages and SHOW CREATE print names; a part is quoted where it is no plain
 * identifier. */
Str table_name_text(Arena *arena, Str catalog, Str schema, Str table);
/* Fills catalog, schema and table of a name as written from the session;
 * MISSING_CATALOG_NAME/MISSING_SCHEMA_NAME with position. */
int catalogs_resolve_name(const StatementContext *context, const QualifiedName *name,
                          size_t n_parts /* 2 schema, 3 table */, Str ret_parts[3], Error *err);

/* DDL: each runs a parsed statement of its kind (CREATE/DROP SCHEMA, CREATE/DROP/RENAME TABLE, COMMENT, …),
 * whole. */
int catalogs_run_ddl(StatementContext *context, const Statement *statement, const Analysis *analysis,
                     Error *err);
/* SHOW BRANCHES: names, sorted. */
int catalogs_branches(StatementContext *context, const Statement *statement, const Str **ret, size_t *ret_n,
                      Error *err);
/* SHOW CREATE TABLE/SCHEMA/VIEW: the text. */
int catalogs_show_create(StatementContext *context, const Statement *statement, Str *ret, Error *err);

/* INSERT and CREATE TABLE AS. `source_sql` gives the source's columns as c0, c1, … in the types of
 * analysis->columns (INSERT: already coerced to the target's). Writes, commits and tells the rows written. */
int catalogs_insert(StatementContext *context, const Statement *statement, const Analysis *analysis,
                    Str source_sql, int64_t *ret_rows, Error *err);
/* ANALYZE: `source_sql` gives the columns of analysis->columns. Tells -1: rows are not counted. */
int catalogs_analyze(StatementContext *context, const Statement *statement, const Analysis *analysis,
                     Str source_sql, int64_t *ret_rows, Error *err);
/* REFRESH MATERIALIZED VIEW: the same, and no other rows stay in the table behind the view. */
int catalogs_refresh(StatementContext *context, const Statement *statement, const Analysis *analysis,
                     Str source_sql, int64_t *ret_rows, Error *err);
int catalogs_create_table_as(StatementContext *context, const Statement *statement, const Analysis *analysis,
                             Str source_sql, int64_t *ret_rows, Error *err);

/* DELETE, UPDATE and MERGE. `source_sql` gives what analyze_dml.c says: row ids, cases, new values. Tells the
 * rows changed. */
int catalogs_change_rows(StatementContext *context, const Statement *statement, const Analysis *analysis,
                         Str source_sql, int64_t *ret_rows, Error *err);
int catalogs_truncate(StatementContext *context, const TableHandle *handle, Error *err);

/* ALTER TABLE … EXECUTE: what was done, as rows (metric_name, metric_value). */
enum { TABLE_METRICS_MAX = 8 };
typedef struct TableMetrics {
    const char *names[TABLE_METRICS_MAX]; /* static */
    int64_t values[TABLE_METRICS_MAX];
    size_t n;
} TableMetrics;
int catalogs_table_procedure(StatementContext *context, const Statement *statement, const Analysis *analysis,
                             TableMetrics *ret, Error *err);
int catalogs_call(StatementContext *context, const Statement *statement, Error *err);

/* One file into one table; docs/import-api.md. */
typedef struct ImportRequest {
    Str table;  /* "schema.table" or "catalog.schema.table" */
    Str format; /* "parquet", "csv", "json"; empty: by name and content */
    Str name;   /* for messages */
    const Str *partitioned_by;
    size_t n_partitioned_by;
    const char *path; /* where the upload is, under DATA/query/tmp */
    void (*on_progress)(void *arg, const char *state, double percent, int64_t rows);
    void *arg;
} ImportRequest;
typedef struct ImportResult {
    Str table;
    bool created;
    int64_t rows, files, bytes, snapshot_id;
} ImportResult;
int catalogs_import(StatementContext *context, const ImportRequest *request, ImportResult *ret, Error *err);

/* Lets go of what a statement holds in storage now, not when its arena is freed: statements that ended are
 * kept for a while. Idempotent. */
void catalogs_statement_ended(StatementContext *context);

/* Text of EXPLAIN's table scans: what was pruned and why. */
int catalogs_explain_scan(StatementContext *context, const TableAccess *access, Buf *out, Error *err);
