/* snapshot_write.h - a new snapshot from files that were added and removed.
 *
 * Two steps, so that a commit that lost the race is repeated cheaply:
 * 1. snapshot_add_files(): manifests of the new files. They inherit their sequence numbers and survive
 * retries.
 * 2. snapshot_build(): against the base of this attempt: carries manifests over, rewrites those that hold
 * removed
 *    files, may merge small ones, writes the manifest list and the commit's JSON.
 * Nothing is stored here: the caller stores the outputs, then commits. After a conflict the outputs of step
 * 2 are garbage, those of step 1 are used again.
 *
 * Everything lives in the arenas given.
 * Source: Iceberg table spec, "Snapshots"; SnapshotProducer, MergeAppend, ManifestFilterManager and
 * SnapshotSummary of the Java library. */
#pragma once

#include "iceberg/scan.h"

typedef enum IceOperation { ICE_APPEND, ICE_REPLACE, ICE_OVERWRITE, ICE_DELETE } IceOperation;

typedef struct IceOutputFile {
    Str path, bytes;
} IceOutputFile;

/* --- step 1 --- */

typedef struct NewFile {
    const IceDataFile *file;
    int64_t
        sequence_number; /* -1: the new snapshot's; else the data sequence number that compacted rows keep */
} NewFile;

typedef struct AddedFiles {
    const IceManifestFile *manifests;
    const IceOutputFile *outputs; /* the same order: to be stored */
    size_t n;
    const NewFile *files;
    size_t n_files;
} AddedFiles;

/* Manifests `<metadata folder>/<uuid>-m<N>.avro`, one or more for each spec and content. `uuid` names this
 * commit and nothing else. `files` is borrowed. ERR_ICEBERG_INVALID_PARTITION_VALUE, ERR_NOT_SUPPORTED. */
int snapshot_add_files(const TableMetadata *table, const NewFile *files, size_t n, int64_t snapshot_id,
                       Str uuid, Arena *arena, AddedFiles *ret, Error *err);

/* --- step 2 --- */

/* A file that the new snapshot no longer has. */
typedef struct RemovedFile {
    const IceDataFile *file; /* told by path, and for deletion vectors by referenced_data_file too */
    const IceManifestFile *manifest; /* where to look first; NULL: not known */
} RemovedFile;

typedef struct SnapshotChange {
    IceOperation operation;
    int64_t snapshot_id;     /* positive, random, of the caller; the same in every attempt */
    int64_t timestamp_ms;    /* raised to that of the base where clocks differ */
    Str branch;              /* ptr NULL: main */
    Str uuid;                /* as in step 1 */
    int attempt;             /* from 0 */
    const AddedFiles *added; /* NULL: none */
    const RemovedFile *removed;
    size_t n_removed;
    bool keep_dangling_deletes; /* false: deletion vectors of removed data files go too */
    bool merge_manifests;       /* small old ones, by the commit.manifest.* properties */
    int64_t merge_min_count;    /* instead of commit.manifest.min-count-to-merge; 0: as that says */
    const IceProperty *summary; /* more keys: engine-name, ... */
    size_t n_summary;
} SnapshotChange;

typedef struct NewSnapshot {
    const IceOutputFile *outputs; /* rewritten and merged manifests, and last the manifest list */
    size_t n_outputs;
    IceSnapshot snapshot;
    Str requirements, updates; /* JSON arrays of a CommitTableRequest */
} NewSnapshot;

/* ERR_COMMIT_FAILED: a removed file is no longer there; trying again does not help. */
int snapshot_build(const TableMetadata *base, const SnapshotChange *change, ManifestSource *source,
                   Arena *arena, NewSnapshot *ret, Error *err);

/* --- conflicts --- */

/* What may not have happened between the snapshot that an operation read and the base it commits to. */
typedef struct SnapshotChecks {
    int64_t start_snapshot_id; /* -1: the table was empty */
    const IcePred *filter;     /* rows that the operation looked at; NULL: all */
    bool no_new_data;          /* serializable: no data files that may match were added */
    bool no_new_deletes;       /* no delete files that may match were added */
    const Str *data_paths;     /* these are still there, and got no new deletes */
    size_t n_data_paths;
} SnapshotChecks;

/* 0; -1 with ERR_COMMIT_FAILED "Found conflicting files ...". */
int snapshot_check(const TableMetadata *base, Str branch, const SnapshotChecks *checks,
                   ManifestSource *source, Arena *arena, Error *err);
