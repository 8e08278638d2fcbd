/* information_schema.h - the schema that every catalog has. Source: Trino 483; tables and columns as recorded
 * from it. */
#pragma once

#include "query/connector/catalogs_internal.h"

/* *ret NULL: it has no such table. */
int information_schema_table(StatementContext *context, Str catalog, Str table, const TableHandle **ret,
                             Error *err);
/* Its tables' names, sorted; static. */
const Str *information_schema_names(size_t *ret_n);
