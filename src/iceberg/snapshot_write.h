/* snapshot_write.h - a new snapshot from files that were added and removed.
 *
 * Two steps, so that a commit that lost the race is repeated cheaply:
 *   1. snapshot_add_files(): manifests of the new files. They inherit their sequence numbers and survive retries.
 *   2. snapshot_build(): against the base of this attempt: carries manifests over, rewrites those that hold removed files, may merge
 *      small ones, writes the manifest list and the commit's JSON. Nothing is stored: the caller stores the files, then commits.
 * After a conflict the files of step 2 are garbage, those of step 1 are used again.
 * Source: Iceberg table spec, "Snapshots"; SnapshotProducer, MergeAppend and SnapshotSummary of the Java
 * library. */
#pragma once

#include "iceberg/scan.h"

typedef enum IceOperation { ICE_APPEND, ICE_REPLACE, ICE_OVERWRITE, ICE_DELETE } IceOperation;

typedef struct IceOutputFile {
    Str path, bytes;
} IceOutputFile;

/* The manifests of added files: one or more for each spec and content. */
typedef struct AddedFiles {
    const IceManifestFile *manifests;
    const IceOutputFile *outputs; /* same order: to be stored */
    size_t n;
    const IceDataFile *const *files; /* for the summary */
    size_t n_files;
} AddedFiles;

/* Makes manifests at `<location>/metadata/<uuid>-m<N>.avro` (write.metadata.path is respected). `uuid`: of
 * the commit. `sequence_number` -1: inherited; else the data sequence number that compacted files keep. */
int snapshot_add_files(const TableMetadata *table, const IceDataFile *const *files, size_t n,
                       int64_t snapshot_id, int64_t sequence_number, Str uuid, Arena *arena,
                       AddedFiles *ret, Error *err);

/* A file that the new snapshot no longer has. */
typedef struct RemovedFile {
    const IceDataFile *file; /* told by path, and for deletion vectors by referenced_data_file too */
    const IceManifestFile *manifest; /* NULL: not known, all manifests of the content are searched */
} RemovedFile;

typedef struct SnapshotChange {
    IceOperation operation;
    int64_t snapshot_id; /* positive, random, of the caller; the same in every attempt */
    int64_t timestamp_ms;
    Str branch;              /* ptr NULL: main */
    Str uuid;                /* names the manifest list, with `attempt` */
    int attempt;             /* from 0 */
    const AddedFiles *added; /* n_added of them */
    size_t n_added;
    const RemovedFile *removed;
    size_t n_removed;
    bool keep_dangling_deletes; /* false: deletion vectors of removed data files go too */
    const IceProperty *summary; /* more keys: engine-name, ... */
    size_t n_summary;
    bool merge_manifests; /* small ones, by commit.manifest.* properties */
} SnapshotChange;

typedef struct NewSnapshot {
    const IceOutputFile *outputs; /* rewritten manifests, merged manifests, and last the manifest list */
    size_t n_outputs;
    IceSnapshot snapshot;
    Str requirements, updates; /* JSON arrays of a CommitTableRequest */
} NewSnapshot;

/* ERR_COMMIT_FAILED: a removed file is no longer there (do not retry). */
int snapshot_build(const TableMetadata *base, const SnapshotChange *change, ManifestSource *source,
                   Arena *arena, NewSnapshot *ret, Error *err);

/* What may have happened between the snapshot that an operation read and the base it commits to. */
typedef struct SnapshotChecks {
    int64_t start_snapshot_id; /* -1: the table was empty */
    const IcePred *filter;     /* rows that the operation looked at; NULL: all */
    bool no_new_data;          /* serializable: no data files that may match were added */
    bool no_new_deletes;       /* no delete files that may match were added */
    const Str *data_paths;     /* none of these got new deletes, and all are still there */
    size_t n_data_paths;
} SnapshotChecks;
/* 0; -1 with ERR_COMMIT_FAILED "Found conflicting files ..." */
int snapshot_check(const TableMetadata *base, Str branch, const SnapshotChecks *checks,
                   ManifestSource *source, Arena *arena, Error *err);
