/* iceberg_insert.h - rows of an INSERT's source, written but not yet part of a table. */
#pragma once

#include "query/connector/iceberg_write.h"

int iceberg_write_insert(StatementContext *context, const Statement *statement, const Analysis *analysis,
                         Str source_sql, WrittenFiles *files, Error *err);
