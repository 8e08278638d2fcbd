/* snapshot_internal.h - what the snapshot_*.c files share. */
#pragma once

#include "iceberg/snapshot_write.h"

enum {
    SNAPSHOT_MAX_MANIFEST_BYTES = 512 << 20
}; /* of one manifest that is written; they are rolled at 8 MiB */

/* "<folder>/<name>" in the table's metadata folder. */
Str snapshot_metadata_path(const TableMetadata *table, Str name, Arena *arena);
int64_t snapshot_property(const TableMetadata *table, const char *key, int64_t default_value);
const IceSnapshot *snapshot_head(const TableMetadata *table, Str branch); /* NULL: none */
Str snapshot_branch(const SnapshotChange *change);

/* --- counts for the summary --- */

typedef struct SummaryCounts {
    int64_t data_files, delete_files, position_delete_files, equality_delete_files, vectors;
    int64_t records, size_bytes, position_deletes, equality_deletes;
} SummaryCounts;
void summary_count(SummaryCounts *counts, const IceDataFile *file);

typedef struct ManifestCounts {
    int64_t created, kept, replaced, entries;
} ManifestCounts;

/* All keys, the totals after `parent` too. Where the parent's summary lacks some, its manifests are read. */
int summary_make(const TableMetadata *base, const SnapshotChange *change, const IceSnapshot *parent,
                 const SummaryCounts *added, const SummaryCounts *removed, int64_t changed_partitions,
                 const ManifestCounts *manifests, ManifestSource *source, Arena *arena,
                 IceSnapshot *snapshot, Error *err);
