/* data_file.h - one data or delete file as manifests describe it, and how a Parquet footer becomes one.
 *
 * Everything in an IceDataFile is borrowed from the arena that it was decoded into.
 * Source: Iceberg table spec, "Data File Fields"; metrics: MetricsConfig and ParquetMetrics of the Java
 * library. */
#pragma once

#include "format/parquet_footer.h"
#include "iceberg/metadata.h"
#include "iceberg/value.h"

typedef enum IceContent {
    ICE_CONTENT_DATA,
    ICE_CONTENT_POSITION_DELETES,
    ICE_CONTENT_EQUALITY_DELETES
} IceContent;

/* What is known of one column. Absent means unknown, never zero. */
typedef struct IceColumnMetrics {
    int32_t field_id;
    int64_t size_bytes, value_count, null_count, nan_count; /* -1: unknown */
    Str lower, upper;                                       /* single-value form; ptr NULL: none */
} IceColumnMetrics;

typedef struct IceDataFile {
    uint8_t content; /* IceContent; a deletion vector is POSITION_DELETES with content_offset >= 0 */
    int32_t spec_id;
    Str path;
    Str format;                /* "PARQUET", "AVRO", "ORC", "PUFFIN" */
    const IceValue *partition; /* a value for each field of the spec */
    size_t n_partition;
    int64_t record_count, size_bytes;
    const IceColumnMetrics *columns; /* sorted by field id */
    size_t n_columns;
    const int64_t *split_offsets;
    size_t n_split_offsets;
    const int32_t *equality_ids;
    size_t n_equality_ids;
    int32_t sort_order_id;                      /* -1: none */
    int64_t first_row_id;                       /* -1: none, or inherited */
    Str key_metadata;                           /* ptr NULL: none; the file is encrypted otherwise */
    Str referenced_data_file;                   /* ptr NULL: none */
    int64_t content_offset, content_size_bytes; /* -1: none */
} IceDataFile;

/* A data file with nothing known. */
#define ICE_DATA_FILE_INIT                                                                                 \
    ((IceDataFile){ .record_count = 0,                                                                     \
                    .sort_order_id = -1,                                                                   \
                    .first_row_id = -1,                                                                    \
                    .content_offset = -1,                                                                  \
                    .content_size_bytes = -1 })

static inline bool ice_file_is_dv(const IceDataFile *f)
{
    return f->content == ICE_CONTENT_POSITION_DELETES && f->content_offset >= 0;
}

const IceColumnMetrics *ice_file_column(const IceDataFile *file,
                                        int32_t field_id);            /* NULL: nothing known */
bool ice_partition_equal(const IceDataFile *a, const IceDataFile *b); /* same spec and values */

/* Which metrics are kept: the table properties write.metadata.metrics.*. Default: truncate(16), first 100
 * columns. */
typedef enum IceMetricsMode {
    ICE_METRICS_NONE,
    ICE_METRICS_COUNTS,
    ICE_METRICS_TRUNCATE,
    ICE_METRICS_FULL
} IceMetricsMode;
typedef struct IceMetricsConfig {
    const IceProperty *properties; /* of the table; may be NULL */
    size_t n_properties;
} IceMetricsConfig;

/* Fills path-independent fields from a footer: format, record_count, size_bytes, split_offsets, columns.
 * Columns are found by the field ids in the footer. ERR_CORRUPT when the footer contradicts the schema. */
int ice_data_file_from_parquet(const ParquetFooter *footer, int64_t file_size_bytes,
                               const IceSchema *schema, const IceMetricsConfig *config, Arena *arena,
                               IceDataFile *file, Error *err);

/* Bounds of truncate(width): the first `width` code points (bytes for binary); upper bounds are incremented
 * where they were cut. ptr NULL when there is no such upper bound. Text must be UTF-8. */
Str ice_bound_truncate_lower(const IceType *type, Str value, int width, Arena *arena);
Str ice_bound_truncate_upper(const IceType *type, Str value, int width, Arena *arena);

/* REST form of a content file (DataFile and DeleteFile of the OpenAPI document). Bounds are written for
 * columns of `schema`. */
void ice_data_file_to_json(JsonWriter *w, const IceDataFile *file, const IceSchema *schema, Arena *arena);
