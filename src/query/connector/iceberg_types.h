/* iceberg_types.h - Iceberg's types and Trino's: which is which, and how values pass between them in DuckDB
 * SQL.
 *
 * In a data file a value has the form that Parquet and Iceberg give it (a struct's fields by name, an instant
 * as TIMESTAMPTZ); in a statement the form of types.def (fields f0, f1, …; an instant with its zone). read:
 * the first to the second; write: back. Source: reference/iceberg.md 5.3. */
#pragma once

#include "format/parquet_footer.h"
#include "iceberg/value.h"
#include "query/analyzer/types.h"

struct Buf;

/* ERR_NOT_SUPPORTED for what SQL cannot hold (unknown, variant, geometry). */
int ice_to_sql_type(const IceType *type, Arena *arena, const SqlType **ret, Error *err);
/* The type of a new column, its nested fields with ids from *next_id. Coerces as Trino does: smallint to int,
 * time(p) to time, timestamp(p) to microseconds, or to nanoseconds with format version 3 when p > 6.
 * ERR_NOT_SUPPORTED "Type not supported for Iceberg: char(5)". */
int sql_to_ice_type(const SqlType *type, int format_version, int32_t *next_id, Arena *arena,
                    const IceType **ret, Error *err);

/* Does a file's column hold values of `type` already in the form of types.def? */
bool ice_read_is_plain(const IceType *type, const ParquetNode *node);
/* Writes the conversion of `expr` (DuckDB SQL of a file's value) to the statement's form. node NULL: what we
 * write ourselves. */
int ice_put_read(struct Buf *out, Str expr, const IceType *type, const ParquetNode *node, bool has_ids,
                 Arena *arena, Error *err);
/* A partition's or a default's value as a constant in the statement's form of `sql`. */
void ice_put_value(struct Buf *out, const IceValue *v, const IceType *type, const SqlType *sql, Arena *arena);
/* NULL, or the field's initial default, in the statement's form. */
int ice_put_missing(struct Buf *out, const IceField *field, Arena *arena, Error *err);
/* Writes the conversion of `expr` (statement's form of `from`) to what COPY writes for `type`. */
void ice_put_write(struct Buf *out, Str expr, const SqlType *from, const IceType *type, Arena *arena);
/* The DuckDB type that a file of ours has for it. */
Str ice_file_type(const IceType *type, Arena *arena);
/* {"id": 1, "r": {__duckdb_field_id: 5, "x": 12}}: COPY's FIELD_IDS. */
void ice_put_field_ids(struct Buf *out, const IceField *fields, size_t n);

/* Group nodes of lists and maps, in all spellings of the format; NULL when it is none. */
const ParquetNode *parquet_list_element(const ParquetNode *node);
const ParquetNode *parquet_map_entry(const ParquetNode *node); /* its children: key, value */
