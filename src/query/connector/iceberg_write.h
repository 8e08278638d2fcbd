/* iceberg_write.h - rows into data files, files into a snapshot.
 *
 * 1. iceberg_write_files(): DuckDB writes Parquet into a stage of storage; footers become data files with
 * their partition and metrics.
 * 2. iceberg_commit_files(): storage adopts the files while manifests are stored beside; then the catalog
 * swaps the pointer. A lost race repeats only the manifest list; an unknown outcome is resolved by looking
 * for our snapshot before anything is sent again. Whatever fails before the commit leaves nothing behind. */
#pragma once

#include "iceberg/snapshot_write.h"
#include "query/connector/iceberg_table.h"

typedef struct WriteSource {
    Str sql;                     /* gives c0, c1, … */
    const SqlType *const *types; /* of those */
    const int *column_of;        /* for each field of the schema its source column; -1: its default */
    bool is_small;               /* a handful of rows: one file, no rolling */
    /* Rows that were there before (v3) keep their ids, and where they are only moved the sequence number of
     * their last change. */
    bool keeps_ids, keeps_sequence;
    int id_column, sequence_column;
} WriteSource;

typedef struct WrittenFile {
    Str stage_name; /* in the stage's folder */
    Str uri;
    IceDataFile file;
    const ParquetFooter *footer;
} WrittenFile;

typedef struct WrittenFiles {
    StorageStage *stage;
    WrittenFile *files;
    size_t n, cap;
    int64_t rows, bytes;
} WrittenFiles;

/* The folder that a statement's files are written to; the same one for all of `files`. */
int iceberg_stage(StatementContext *context, WrittenFiles *files, Str *ret_dir, Error *err);
/* "s3://…/data/order_date=2024-01-01/<uuid><suffix>" for a file of this partition. */
Str iceberg_new_uri(const TableMetadata *table, const IceDataFile *file, const char *suffix, Arena *arena);
/* The stage is let go with the statement's arena, or earlier by written_files_free(). `ret` is empty at
 * first; more files may be added to it afterwards (written_files_add()). */
int iceberg_write_files(StatementContext *context, const TableMetadata *table, const WriteSource *source,
                        WrittenFiles *ret, Error *err);
void written_files_free(WrittenFiles *files);
void written_files_add(WrittenFiles *files, const WrittenFile *file, Arena *arena);

typedef struct CommitTarget {
    Str namespace_, name;
    Str branch; /* ptr NULL: main */
    const TableMetadata *base;
    const Str *create_updates; /* JSON objects of a table that is created by this commit; NULL: it exists */
    size_t n_create_updates;
    bool replaces; /* they change `base`, which goes on under its uuid, and none of its rows stay */
    IceOperation operation;
    const RemovedFile *removed; /* that the new snapshot no longer has */
    size_t n_removed;
    int64_t data_sequence_number; /* that rewritten rows keep; 0: the new snapshot's */
    bool merges_all_manifests;
    const IceProperty *summary; /* more keys of the snapshot's */
    size_t n_summary;
    const SnapshotChecks *checks; /* what may not have happened meanwhile; NULL: nothing can conflict */
} CommitTarget;
/* `base` as the create_updates of a replacing target make it: what its new files are written for. */
int iceberg_replaced(const CommitTarget *target, const TableMetadata *base, Arena *arena,
                     const TableMetadata **ret, Error *err);
/* files NULL: none are added. */
int iceberg_commit_files(StatementContext *context, const CommitTarget *target, WrittenFiles *files,
                         int64_t *ret_snapshot_id, Error *err);

/* One commit without data (DDL): requirements and updates are JSON arrays. Retried by the caller's re-reading
 * only. */
int iceberg_commit_updates(StatementContext *context, Str namespace_, Str name, Str requirements, Str updates,
                           Error *err);

/* DuckDB SQL of a partition's or sort order's transform over a column in the form of files: rows with the
 * same value of the transform, and only they, have the same value of the expression, which also orders as the
 * transform does where `ordered` (not text-safe then). */
int transform_put_sql(Buf *out, Str column, const IceType *type, const IceTransform *transform, bool ordered,
                      Error *err);
/* "w"."a"."b" for a field at any depth of structs; ERR_NOT_SUPPORTED inside lists and maps. */
int field_put_path(Buf *out, const IceSchema *schema, int32_t field_id, Error *err);
