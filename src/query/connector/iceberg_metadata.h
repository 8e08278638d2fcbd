/* iceberg_metadata.h - what the metadata tables of an Iceberg table share: its partition fields over all
 * specs, its primitive columns at any depth, and values of both as cells. Source: Trino 483,
 * docs/connector/iceberg, "Metadata tables". */
#pragma once

#include "query/connector/iceberg_scan.h"
#include "query/connector/rows.h"

/* A partition field that any spec has and whose source column still exists. */
typedef struct MetaPartitionField {
    int32_t field_id;
    Str name;
    const IceType *type; /* of its values */
    const SqlType *sql;
} MetaPartitionField;

/* A primitive column at any depth of the schema, in the schema's order. */
typedef struct MetaColumn {
    int32_t id;
    Str path; /* "a.element" */
    const IceType *type;
    const SqlType *sql;
    bool is_top;
} MetaColumn;

typedef struct MetaShape {
    const MetaPartitionField *partition;
    size_t n_partition;
    const SqlType *partition_type; /* NULL: no partition field */
    const MetaColumn *columns;
    size_t n_columns;
    const SqlType *bounds_type;  /* row("1" bigint, "2" varchar) */
    const MetaColumn *metrics;   /* of $partitions: top, and no identity partition of the current spec */
    size_t n_metrics;
    const SqlType *metrics_type; /* NULL: there is none */
} MetaShape;

typedef struct MetadataRows {
    StatementContext *context;
    const IcebergTable *table;
    const MetaShape *shape;
    RowSet *rows;
} MetadataRows;

int meta_shape(const IcebergTable *table, Arena *arena, const MetaShape **ret, Error *err);
/* The value of a partition field in a file's tuple; NULL: its spec has no such field. */
const IceValue *meta_partition_value(const TableMetadata *table, const IceDataFile *file, int32_t field_id);
/* struct_pack(f0 := …): the file's partition in the shape's partition_type. */
Str meta_partition_sql(const MetadataRows *m, const IceDataFile *file);
/* A bound as a value; false: there is none, or it cannot be read. */
bool meta_bound(const MetaColumn *column, Str bytes, IceValue *ret);

/* Fills of the kinds with their columns' order as in iceberg_metadata_tables.c. */
int meta_fill_manifests(MetadataRows *m, Error *err);
int meta_fill_all_manifests(MetadataRows *m, Error *err);
int meta_fill_files(MetadataRows *m, Error *err);
int meta_fill_entries(MetadataRows *m, Error *err);
int meta_fill_all_entries(MetadataRows *m, Error *err);
int meta_fill_partitions(MetadataRows *m, Error *err);
