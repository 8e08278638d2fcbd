/* import_types.h - the columns of an uploaded file, as DuckDB's readers see them, in Trino's types.
 *
 * A DuckDB type's text ("STRUCT(a INTEGER, b VARCHAR[])") is parsed to a tree; its values pass to the
 * statement's form (types.def). Types that Iceberg lacks become the nearest one that holds all their values.
 */
#pragma once

#include "base/buf.h"
#include "query/analyzer/types.h"

typedef struct ImportType ImportType;
struct ImportType {
    enum { IMPORT_PLAIN, IMPORT_CAST, IMPORT_ZONED, IMPORT_LIST, IMPORT_STRUCT, IMPORT_MAP } kind;
    const SqlType *sql;
    Str *names; /* struct: as the file has them */
    ImportType **children;
    size_t n_children;
};

/* ERR_NOT_SUPPORTED names the type. */
int import_type_parse(Str duckdb_type, Arena *arena, ImportType **ret, Error *err);
void import_put(Buf *out, Str expr, const ImportType *type, Arena *arena);
/* "Order Date" -> "order_date"; never empty. */
Str import_column_name(Str name, size_t position, Arena *arena);
