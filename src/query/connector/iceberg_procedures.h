/* iceberg_procedures.h - ALTER TABLE … EXECUTE and CALL: what a procedure is told and what it answers. */
#pragma once

#include "query/connector/iceberg_write.h"

typedef Vec(Str) StrList;

typedef struct Procedure {
    StatementContext *context;
    const Statement *statement;
    const TableHandle *handle;
    const IcebergTable *table;
    Arena *arena;
    const struct ProcedureArg *args; /* of the procedure's, by its own numbers */
    const Relation *where; /* its conjuncts; NULL: no WHERE */
    TableMetrics *metrics;
} Procedure;

typedef enum ArgType { ARG_TEXT, ARG_INTEGER, ARG_BOOLEAN, ARG_DURATION, ARG_SIZE } ArgType;
typedef struct ProcedureArg {
    const char *name;
    ArgType type;
    const char *default_text; /* NULL: it must be given */
    /* as given: */
    Str text;
    int64_t number; /* DURATION: milliseconds; SIZE: bytes; BOOLEAN: 0, 1 */
    bool is_given;
} ProcedureArg;

/* "7d" to milliseconds. */
bool procedure_parse_duration(Str text, int64_t *ret_ms);
void procedure_duration_text(int64_t ms, char *out, size_t size); /* "7.00d" */
void procedure_metric(Procedure *p, const char *name, int64_t value);

/* iceberg_optimize.c */
int procedure_optimize(Procedure *p, Error *err);
int procedure_optimize_manifests(Procedure *p, Error *err);
/* iceberg_branches.c */
int procedure_create_tag(Procedure *p, Error *err);
int procedure_drop_tag(Procedure *p, Error *err);
/* iceberg_expire.c */
int procedure_expire_snapshots(Procedure *p, Error *err);
int procedure_remove_orphan_files(Procedure *p, Error *err);
int procedure_rollback(Procedure *p, int64_t snapshot_id, Error *err);
