/* iceberg_views.h - Iceberg views of dialect "trino". A view is a table handle with ops of its own: its
 * columns are known without its SQL, and the analyzer asks for that before it would read it. */
#pragma once

#include "query/connector/catalogs_internal.h"

extern const ConnectorOps iceberg_view_ops;

/* *ret NULL: there is no such view. */
int iceberg_view_handle(StatementContext *context, Str catalog, Str schema, Str name, const TableHandle **ret,
                        Error *err);
/* The SQL of a handle with iceberg_view_ops. ERR_NOT_SUPPORTED: another dialect's. */
int iceberg_view_definition(const TableHandle *handle, Arena *arena, ViewDefinition *ret, Error *err);
Str iceberg_view_comment(const TableHandle *handle); /* ptr NULL: none */
bool iceberg_view_is_invoker(const TableHandle *handle);
/* Names, lower case, sorted; a schema that is not there has none. */
int iceberg_list_views(StatementContext *context, Str schema, Arena *arena, const Str **ret, size_t *ret_n,
                       Error *err);
