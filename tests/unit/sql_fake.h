/* sql_fake.h - a MetadataSource with three tables, for tests of the analyzer and the emitter.
 *
 * lake.sales.orders (order_id bigint, product varchar(10), amount decimal(10,2), order_date date, price
 * double, secret hidden) lake.sales.customers (id bigint, name varchar, tags array(varchar), address row(city
 * varchar, zip integer)) lake.sales.big_orders: a view. Scans are emitted as "SCAN orders [0,2]": the columns
 * that are used. */
#pragma once

#include "query/connector/connector.h"
#include "query/engine/emitter.h"
#include "query/sql/parser.h"

static int fake_emit_scan(EmitContext *context, const TableHandle *handle, const struct Relation *relation,
                          Buf *out, Error *err)
{
    (void)context, (void)err;
    buf_printf(out, "SCAN %.*s [", STR_ARG(handle->table));
    bool any = false;
    for (size_t i = 0; i < handle->n_columns; i++)
        if (relation->used[i]) {
            buf_printf(out, "%s%zu", any ? "," : "", i);
            any = true;
        }
    return buf_puts(out, "]");
}

static const ConnectorOps fake_ops = {"fake", fake_emit_scan};

static int fake_catalog_exists(MetadataSource *self, Str catalog, bool *ret, Error *err)
{
    (void)self, (void)err;
    *ret = str_is(catalog, "lake");
    return 0;
}

static int fake_schema_exists(MetadataSource *self, Str catalog, Str schema, bool *ret, Error *err)
{
    (void)self, (void)err;
    *ret = str_is(catalog, "lake") && str_is(schema, "sales");
    return 0;
}

typedef struct FakeColumn {
    const char *table, *name, *type;
    bool hidden;
} FakeColumn;
static const FakeColumn fake_columns[] = {
    {"orders", "order_id", "bigint", false},
    {"orders", "product", "varchar(10)", false},
    {"orders", "amount", "decimal(10,2)", false},
    {"orders", "order_date", "date", false},
    {"orders", "price", "double", false},
    {"orders", "$path", "varchar", true},
    {"customers", "id", "bigint", false},
    {"customers", "name", "varchar", false},
    {"customers", "tags", "array(varchar)", false},
    {"customers", "address", "row(city varchar, zip integer)", false},
};

static int fake_get_table(MetadataSource *self, Str catalog, Str schema, Str table,
                          const struct Relation *reference, Arena *arena, const TableHandle **ret, Error *err)
{
    (void)self, (void)reference;
    TableHandle *handle = arena_new_of(arena, TableHandle);
    TableColumn *columns = arena_array(arena, TableColumn, 10);
    *handle = (TableHandle){
        .ops = &fake_ops, .catalog = catalog, .schema = schema, .table = table, .columns = columns};
    for (size_t i = 0; i < sizeof fake_columns / sizeof *fake_columns; i++) {
        const FakeColumn *column = &fake_columns[i];
        if (!str_is(catalog, "lake") || !str_is(schema, "sales") || !str_is(table, column->table))
            continue;
        TableColumn *made = &columns[handle->n_columns++];
        *made = (TableColumn){.name = str_from(column->name), .hidden = column->hidden};
        if (sql_type_parse(str_from(column->type), arena, &made->type, err))
            return -1;
    }
    *ret = handle->n_columns ? handle : NULL;
    return 0;
}

static int fake_get_view(MetadataSource *self, Str catalog, Str schema, Str view, Arena *arena,
                         ViewDefinition *ret, Error *err)
{
    (void)self, (void)catalog, (void)schema, (void)arena, (void)err;
    *ret = (ViewDefinition){.catalog = catalog, .schema = schema};
    if (str_is(view, "big_orders"))
        ret->sql = STR("SELECT order_id, amount FROM orders WHERE amount > 100");
    return 0;
}

static MetadataSource fake_metadata = {fake_catalog_exists, fake_schema_exists, fake_get_table,
                                       fake_get_view};

static const AnalyzerSession fake_session = {
    .user = {"test", 4},
    .catalog = {"lake", 4},
    .schema = {"sales", 5},
    .time_zone = {"UTC", 3},
    .start_us = 1700000000000000,
};

/* 0 and the analysis, or -1 with err. */
static inline int fake_analyze(const char *sql, Arena *arena, Statement **statement, Analysis **analysis,
                               Error *err)
{
    if (sql_parse(str_from(sql), arena, statement, err))
        return -1;
    return sql_analyze(*statement, &fake_session, &fake_metadata, arena, analysis, err);
}
