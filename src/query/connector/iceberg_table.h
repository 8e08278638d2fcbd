/* iceberg_table.h - an Iceberg table as a statement sees it. */
#pragma once

#include "query/connector/catalogs_internal.h"

/* After the schema's columns. Those of row lineage have names from format version 3 on; the name of the last
 * is always empty. */
enum {
    HIDDEN_PATH,
    HIDDEN_PARTITION,
    HIDDEN_FILE_MODIFIED_TIME,
    HIDDEN_LINEAGE_ID,
    HIDDEN_LINEAGE_SEQUENCE,
    HIDDEN_ROW_ID,
    HIDDEN_COUNT
};

/* Reserved field ids that data files keep row lineage in; NULL or absent: inherited. */
enum { FIELD_LINEAGE_ID = 2147483540, FIELD_LINEAGE_SEQUENCE = 2147483539 };

/* A row's id in one statement: the number of its file, as the scan gave it out, and its place in the file.
 * The column has an empty name, which no SQL reaches; it is the last one. */
enum { ROW_ID_POSITION_BITS = 43 };
typedef struct RowIdFiles {
    Vec(const struct ScanFile *) files;
} RowIdFiles;

typedef struct IcebergTable {
    Catalogs *catalogs;
    Str namespace_, name; /* as the catalog has them */
    const TableMetadata *metadata;
    Str metadata_location;
    const IceSchema *schema;     /* that the statement reads with; its columns are the handle's first */
    const IceSnapshot *snapshot; /* NULL: no rows */
    bool is_current;             /* false: FOR VERSION or TIMESTAMP AS OF, or a branch */
    Str branch;                  /* that is written to; ptr NULL: main */
    const ScanPlan *plan;        /* made already: the files to be read; NULL: by the scan */
    RowIdFiles *row_ids;         /* filled by a scan that gives row ids */
} IcebergTable;

extern const ConnectorOps iceberg_ops;

/* The handle of metadata in hand (CREATE TABLE AS writes before there is a table). */
int iceberg_handle_new(StatementContext *context, Str catalog, Str schema, Str table,
                       const LoadedTable *loaded, const Relation *reference, const TableHandle **ret,
                       Error *err);
static inline const IcebergTable *iceberg_table_of(const TableHandle *handle)
{
    return handle->data;
}
/* ERR_NOT_SUPPORTED for tables of other catalogs: "This connector does not support …". */
int iceberg_need(const StatementContext *context, Str catalog, const char *what, Error *err);

/* system.table_changes between the snapshots that the reference names; `table` is of the later one. */
int iceberg_changes_handle(StatementContext *context, const TableHandle *table, const Relation *reference,
                           const TableHandle **ret, Error *err);

/* "t$files" and its like (iceberg_metadata_tables.c); *ret NULL: no such kind. */
int iceberg_metadata_table(StatementContext *context, const TableHandle *table, Str kind,
                           const TableHandle **ret, Error *err);
