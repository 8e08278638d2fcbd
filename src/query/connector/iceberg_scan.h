/* iceberg_scan.h - from a table and a WHERE to the relation that DuckDB reads.
 *
 * plan (metadata only) -> constants where metadata answers exactly -> resolve and pin -> layouts from footers
 * -> groups of files that one read_parquet() reads -> UNION ALL. */
#pragma once

#include "query/connector/iceberg_layout.h"
#include "query/connector/iceberg_table.h"

/* The part of WHERE that metadata can decide; always a predicate, at worst opaque. */
const IcePred *iceberg_predicate(StatementContext *context, const IceSchema *schema, const Relation *relation,
                                 Arena *arena);
int iceberg_plan(StatementContext *context, const TableHandle *handle, const Relation *relation,
                 const ScanPlan **ret, Error *err);

/* A data or delete file as DuckDB can open it. */
typedef struct LocalFile {
    Str uri, path; /* path ends in NUL */
    int64_t size;
} LocalFile;
/* Runs let_go(arg) when the statement ended. */
void iceberg_hold(StatementContext *context, void (*let_go)(void *arg), void *arg);
void iceberg_hold_file(StatementContext *context, Str path); /* removes it */
/* Finds and pins files for the statement's life; ones kept in segments are copied to a file of their own. A
 * missing one is ERR_ICEBERG_CANNOT_OPEN_SPLIT. */
int iceberg_open_files(StatementContext *context, const Str *uris, size_t n, LocalFile *ret, Error *err);

/* Files that one read_parquet() reads, in the same way. */
typedef struct FileGroup {
    const Layout *layout;
    const ScanFile **scans;
    const LocalFile *files;
    size_t n;
} FileGroup;
/* Writes " ANTI JOIN …" for the deletes of a group whose relation is `p`. Every file of a group has the same
 * equality deletes. */
int iceberg_put_deletes(StatementContext *context, const IcebergTable *table, const FileGroup *group,
                        Buf *out, Error *err);
