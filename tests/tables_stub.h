/* tables_stub.h - the tables of the catalogs tpch and tpcds for parser, analyzer and emitter without a
 * server: their scans are names. */
#pragma once

#include "query/connector/generated.h"
#include "query/engine/emitter.h"

/* The scan of a table is the connector's business: here it is a name. */
static int stub_emit_scan(EmitContext *context, const TableHandle *handle, const Relation *relation, Buf *out,
                     Error *err)
{
    (void)context, (void)err;
    buf_puts(out, "SELECT ");
    for (size_t i = 0; i < handle->n_columns; i++)
        if (relation->used[i])
            buf_printf(out, "p.%.*s AS c%zu, ", STR_ARG(handle->columns[i].name), i);
    return buf_printf(out, "1 FROM %.*s p", STR_ARG(handle->table));
}

static const ConnectorOps stub_ops = {"tpcds", stub_emit_scan};

static int stub_catalog_exists(MetadataSource *self, Str catalog, bool *ret, Error *err)
{
    (void)self, (void)err;
    *ret = str_is(catalog, "tpcds") || str_is(catalog, "tpch");
    return 0;
}

static int stub_schema_exists(MetadataSource *self, Str catalog, Str schema, bool *ret, Error *err)
{
    (void)self, (void)catalog;
    return generated_schema_exists(NULL, schema, ret, err);
}

static int stub_get_table(MetadataSource *self, Str catalog, Str schema, Str table, const Relation *reference,
                     Arena *arena, const TableHandle **ret, Error *err)
{
    (void)self, (void)reference;
    if (generated_table(str_is(catalog, "tpch") ? &tpch_generated : &tpcds_generated, catalog, schema, table,
                        NULL, arena, ret, err))
        return -1;
    if (*ret) {
        TableHandle *own = arena_new_of(arena, TableHandle);
        *own = **ret;
        own->ops = &stub_ops;
        *ret = own;
    }
    return 0;
}

static int stub_get_view(MetadataSource *self, Str catalog, Str schema, Str view, Arena *arena,
                    ViewDefinition *ret, Error *err)
{
    (void)self, (void)catalog, (void)schema, (void)view, (void)arena, (void)err;
    *ret = (ViewDefinition){0};
    return 0;
}

static MetadataSource stub_metadata = {stub_catalog_exists, stub_schema_exists, stub_get_table,
                                       stub_get_view};
