/* analyzer.h - names resolved, every expression typed, coercions decided; or Trino's error with its position.
 *
 * sql_analyze() fills the analyzer slots of the tree (ast.h) in place. It asks a MetadataSource for tables
 * and never touches DuckDB. What it leaves behind is complete: the emitter and the connectors need nothing
 * but the annotated tree. */
#pragma once

#include "query/connector/connector.h"
#include "query/sql/ast.h"

typedef struct AnalyzerSession {
    Str user, catalog, schema;          /* catalog and schema may be empty */
    Str time_zone;                      /* "UTC", "Asia/Seoul", "+09:00" */
    int64_t start_us;                   /* current_timestamp: one value a statement */
    Expr *const *parameters;
    size_t n_parameters; /* EXECUTE … USING: constant expressions; NULL with DESCRIBE INPUT */
    int max_recursion_depth;            /* of WITH RECURSIVE */
    bool describe_only;                 /* parameters have no values: give them types (DESCRIBE INPUT) */
} AnalyzerSession;

typedef struct OutputColumn {
    Str name;                           /* "_col3" where the query names none */
    const SqlType *type;
} OutputColumn;

typedef struct TableAccess {
    const TableHandle *handle;
    Relation *relation;                 /* with used columns and conjuncts */
} TableAccess;

typedef struct Analysis {
    const OutputColumn *columns;
    size_t n_columns; /* of a query; of the source query of INSERT and CTAS */
    TableAccess *tables; size_t n_tables;                  /* every table that is read */
    const TableHandle *target;                             /* INSERT */
    const int *insert_map; size_t n_insert_map;            /* INSERT: table column of each source column */
    const SqlType *const *parameter_types; size_t n_parameters;    /* DESCRIBE INPUT */
} Analysis;

int sql_analyze(Statement *statement, const AnalyzerSession *session, MetadataSource *metadata, Arena *arena,
                Analysis **ret, Error *err);
