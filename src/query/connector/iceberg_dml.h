/* iceberg_dml.h - a statement that changes rows, on its way from row ids to a commit. */
#pragma once

#include "query/connector/iceberg_write.h"

typedef struct TouchedFile {
    const ScanFile *scan;
    int64_t n_rows; /* that go */
    bool is_whole;  /* all of them: the file leaves the snapshot */
    int64_t number; /* in row ids */
} TouchedFile;

typedef struct Change {
    StatementContext *context;
    StatementKind kind;
    const TableHandle *handle;
    const IcebergTable *table;
    Arena *arena;
    const IcePred *filter; /* rows that were looked at */
    TouchedFile *touched;
    size_t n_touched;
    WrittenFiles *files; /* new data files and delete files */
    Vec(RemovedFile) removed;
    bool has_new_rows, is_partial_plan;
} Change;

void change_remove(Change *c, const IceDataFile *file, const IceManifestFile *manifest);

/* Position delete files (v2) or deletion vectors (v3, with the deletes that were there) for the files of
 * which some rows stay; reads the temporary table of changes. */
int iceberg_write_row_deletes(Change *c, Error *err);
