/* encode_column.h - one column of a chunk, ready to be written as JSON. Private to encode*.c. */
#pragma once

#include "base/buf.h"
#include "query/engine/duckdb_api.h"
#include "query/engine/encode_number.h"
#include "query/engine/engine.h"

typedef struct Column Column;
/* Writes the value of a row that is not NULL. 0, or -1 when `out` is full. */
typedef int (*ColumnWriter)(const Column *column, size_t row, Buf *out);

enum { COLUMN_CHILDREN_MAX = 1000, COLUMN_DEPTH_MAX = 32 };

struct Column {
    ColumnWriter write;
    const void *data;
    const uint64_t *validity;
    const SqlType *type;
    duckdb_type duckdb_type;
    uint8_t width_bytes, scale; /* decimals: how they are stored */
    Column *children;           /* list: 1; map: key and value; struct: its fields */
    size_t n_children;
};

static inline int column_put(const Column *c, size_t row, Buf *out)
{
    if (!duckdb_is_valid(c->validity, row))
        return buf_append(out, "null", 4);
    return c->write(c, row, out);
}

int json_put_string(Buf *out, Str value); /* quoted and escaped */

/* The writer for a type held as `duckdb_type`; NULL: that type is not held so. */
ColumnWriter column_writer(TypeKind kind, duckdb_type held_as);
