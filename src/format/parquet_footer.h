/* parquet_footer.h - the metadata at the end of a Parquet file: schema with field ids, row groups, column
 * chunks, statistics.
 *
 * The caller reads the tail of the file (64 KiB are enough for most), asks parquet_footer_length() whether
 * that holds all of the footer, and parses. Everything lives in the arena; text and statistics borrow from
 * `tail`. Encrypted footers ("PARE") are ERR_NOT_SUPPORTED.
 * Source: parquet-format, README.md "File format" and parquet.thrift. */
#pragma once

#include "base/arena.h"

typedef enum ParquetPhysical {
    PARQUET_BOOLEAN,
    PARQUET_INT32,
    PARQUET_INT64,
    PARQUET_INT96,
    PARQUET_FLOAT,
    PARQUET_DOUBLE,
    PARQUET_BYTE_ARRAY,
    PARQUET_FIXED_LEN_BYTE_ARRAY,
    PARQUET_GROUP = -1,
} ParquetPhysical;

typedef enum ParquetRepetition { PARQUET_REQUIRED, PARQUET_OPTIONAL, PARQUET_REPEATED } ParquetRepetition;

/* The logical type; older files have only the converted type, which is mapped to these. */
typedef enum ParquetLogical {
    PARQUET_LOGICAL_NONE,
    PARQUET_STRING,
    PARQUET_MAP,
    PARQUET_LIST,
    PARQUET_ENUM,
    PARQUET_DECIMAL,
    PARQUET_DATE,
    PARQUET_TIME,
    PARQUET_TIMESTAMP,
    PARQUET_INTEGER,
    PARQUET_NULL,
    PARQUET_JSON,
    PARQUET_BSON,
    PARQUET_UUID,
    PARQUET_FLOAT16,
    PARQUET_VARIANT,
    PARQUET_GEOMETRY,
    PARQUET_GEOGRAPHY,
    PARQUET_INTERVAL,
    PARQUET_LOGICAL_UNKNOWN,
} ParquetLogical;

typedef enum ParquetUnit { PARQUET_MILLIS, PARQUET_MICROS, PARQUET_NANOS } ParquetUnit;

typedef struct ParquetNode ParquetNode;
struct ParquetNode {
    Str name;
    int32_t field_id;         /* -1: none */
    ParquetPhysical physical; /* PARQUET_GROUP for inner nodes */
    ParquetRepetition repetition;
    ParquetLogical logical;
    int32_t type_length;      /* FIXED_LEN_BYTE_ARRAY */
    int32_t precision, scale; /* DECIMAL */
    int32_t bit_width;        /* INTEGER */
    bool is_signed;           /* INTEGER */
    bool adjusted_to_utc;     /* TIME, TIMESTAMP */
    ParquetUnit unit;         /* TIME, TIMESTAMP */
    const ParquetNode *children;
    size_t n_children;
    int32_t column; /* index of the leaf among column chunks; -1 for groups */
    bool in_list;   /* below a repeated node */
};

typedef struct ParquetStatistics {
    Str min,
        max; /* plain-encoded; ptr NULL: none. Never from the deprecated fields where those are unsafe */
    bool min_exact, max_exact; /* false: may be cut, or not said */
    int64_t null_count;        /* -1: unknown */
    int64_t distinct_count;    /* -1: unknown */
    int64_t nan_count;         /* -1: unknown (a later field of the format) */
} ParquetStatistics;

typedef struct ParquetColumn {
    Str file_path;       /* ptr NULL: this file */
    int64_t value_count; /* nulls included */
    int64_t compressed_size, uncompressed_size;
    int64_t data_page_offset, dictionary_page_offset; /* dictionary: -1: none */
    int32_t codec;
    ParquetStatistics statistics;
} ParquetColumn;

typedef struct ParquetRowGroup {
    int64_t n_rows, total_byte_size;
    int64_t file_offset;          /* where its first page begins: the split offset */
    const ParquetColumn *columns; /* n_columns of the footer */
} ParquetRowGroup;

typedef struct ParquetKeyValue {
    Str key, value;
} ParquetKeyValue;

typedef struct ParquetFooter {
    int32_t version;
    int64_t n_rows;
    Str created_by;
    const ParquetNode *root;
    const ParquetNode *const *leaves; /* in the order of column chunks */
    size_t n_columns;
    const ParquetRowGroup *row_groups;
    size_t n_row_groups;
    const ParquetKeyValue *key_values;
    size_t n_key_values;
    bool has_field_ids;
} ParquetFooter;

enum {
    PARQUET_TAIL_BYTES = 64 * 1024, /* what to read first */
    PARQUET_MAX_FOOTER_BYTES =
        256 << 20, /* a footer of 10,000 columns and 1,000 row groups; larger is corrupt */
};

/* How many bytes at the end of the file hold the footer, its length and the magic. `tail` is the end of the
 * file (at least 8 bytes). ERR_CORRUPT when this is no Parquet file or the length does not fit into the
 * file. */
int parquet_footer_length(Str tail, int64_t file_size_bytes, int64_t *ret_length, Error *err);

/* `tail` is the end of the file, at least parquet_footer_length() bytes; `name` is for messages.
 * ERR_CORRUPT, ERR_LIMIT, ERR_NOT_SUPPORTED (encrypted). */
int parquet_footer_parse(Str tail, int64_t file_size_bytes, Str name, Arena *arena,
                         const ParquetFooter **ret, Error *err);

const ParquetNode *parquet_find_field(const ParquetNode *root, int32_t field_id); /* any depth; NULL */
