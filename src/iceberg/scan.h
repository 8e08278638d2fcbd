/* scan.h - which files a query must read.
 *
 * A ScanPlan is made from one snapshot and one predicate. It lists the data files that may hold selected
 * rows, each with the deletes that apply to it and with what the predicate still has to decide. Nothing is
 * read but the manifest list and those manifests whose partition summaries may match; delete manifests are
 * read only where data files are left.
 *
 * Ownership: the plan lives in the arena; decoded manifests it points into are held until the arena is
 * freed. Immutable.
 * Source: Iceberg table spec, "Scan Planning", "Sequence Number Inheritance", "Delete Formats". */
#pragma once

#include "iceberg/predicate.h"

/* A delete file or deletion vector that applies to files of the plan. */
typedef struct ScanDelete {
    const IceDataFile *file;
    int64_t sequence_number;
    const IceManifestFile *manifest; /* that lists it */
} ScanDelete;

typedef struct ScanFile {
    const IceDataFile *file; /* as the manifest has it: take inherited values from here below */
    int64_t snapshot_id, sequence_number, file_sequence_number;
    int64_t first_row_id;             /* -1: none (v2, or not assigned) */
    const ScanDelete *const *deletes; /* at most one deletion vector, and then no position delete files */
    size_t n_deletes;
    IceMatch match;                  /* ALL: every row is selected; SOME: the filter must run */
    const IceManifestFile *manifest; /* that lists it */
} ScanFile;

typedef struct ScanPlan {
    const IceSnapshot *snapshot; /* NULL: an empty table */
    const ScanFile *files;       /* in the order of the manifests */
    size_t n_files;
    const ScanDelete *const *deletes; /* those of all files, each once */
    size_t n_deletes;
    int64_t record_count, size_bytes; /* of `files`, before deletes and the residual filter; exact */
    bool has_deletes, has_equality_deletes;
    bool has_residual; /* false: every file's match is ALL */
    /* counters for EXPLAIN and tests */
    size_t n_manifests, n_manifests_pruned, n_data_files_seen, n_data_files_pruned, n_delete_files_seen;
} ScanPlan;

typedef struct ScanOptions {
    const IceSnapshot *snapshot; /* NULL: the table's current one */
    const IceSchema *schema;     /* of the predicate's fields; NULL: the table's current one */
    const IcePred *filter;       /* NULL: all rows */
    bool ignore_deletes;         /* delete manifests are not read */
} ScanOptions;

/* 0, or -1: what the source answers (ERR_NOT_FOUND, ...), ERR_CORRUPT, ERR_LIMIT, ERR_NOT_SUPPORTED
 * (encrypted files), ERR_ICEBERG_BAD_DATA (a deletion vector that contradicts its data file). */
int scan_plan(const TableMetadata *table, const ScanOptions *options, ManifestSource *source, Arena *arena,
              const ScanPlan **ret, Error *err);

/* Walks all live entries of a snapshot, data and deletes, with inherited values; for metadata tables and
 * maintenance. -1 from `fn` stops. `live` false: DELETED entries too. */
typedef int (*SnapshotEntryFn)(void *arg, const IceManifestFile *manifest, const IceManifestEntry *entry,
                               Error *err);
int snapshot_walk(const TableMetadata *table, const IceSnapshot *snapshot, bool live,
                  ManifestSource *source, Arena *arena, SnapshotEntryFn fn, void *arg, Error *err);
