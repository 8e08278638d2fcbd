/* system_materialized.c - system.metadata.materialized_views and their properties. */
#include "query/connector/iceberg_materialized.h"
#include "query/connector/system_fill.h"
#include "query/connector/table_properties.h"

static void add_property(Walk *w, const PropertyDef *p)
{
    rows_add(w->rows);
    row_text(w->rows, 0, w->context->catalogs->options.iceberg_name);
    row_text(w->rows, 1, str_from(p->name));
    row_text(w->rows, 2, str_from(p->default_value));
    row_text(w->rows, 3, str_from(p->type));
    row_text(w->rows, 4, str_from(p->description));
}

int metadata_materialized_view_properties(Walk *w, Error *err)
{
    static const PropertyDef storage_schema = {"storage_schema", "", "varchar",
                                               "Schema for creating materialized view storage table"};
    for (size_t i = 0; i < n_table_property_defs; i++)
        add_property(w, &table_property_defs[i]);
    add_property(w, &storage_schema);
    return arena_check(w->context->arena, err);
}

enum { NAME = 2, STORAGE_CATALOG, STORAGE_SCHEMA, STORAGE_TABLE, FRESHNESS, LAST_FRESH, COMMENT, DEFINITION };

/* timestamp(9) with time zone: whole microseconds and the nanoseconds that are left. */
static void put_instant(Walk *w, size_t column, int64_t us)
{
    if (us)
        row_sql(w->rows, column,
                arena_printf(w->context->arena,
                             "t_widen(struct_pack(t := make_timestamp(%lld), zone := 0::SMALLINT))",
                             (long long)us));
}

static int add_freshness(Walk *w, const TableHandle *view, Error *err)
{
    static const char *const kinds[] = {[FRESHNESS_STALE] = "STALE", "UNKNOWN", "FRESH"};
    Freshness f;
    if (!rows_want(w->rows, FRESHNESS) && !rows_want(w->rows, LAST_FRESH))
        return 0;
    if (materialized_freshness(w->context, view, &f, err))
        return -1;
    row_text(w->rows, FRESHNESS, str_from(kinds[f.kind]));
    put_instant(w, LAST_FRESH, f.last_fresh_us);
    return 0;
}

static int add_view(Walk *w, Str catalog, Str schema, Str table, const TableHandle *handle, Error *err)
{
    ViewDefinition definition;
    const TableHandle *storage;
    Arena *arena = w->context->arena;
    if (!view_is_materialized(handle))
        return 0;
    if (iceberg_view_definition(handle, arena, &definition, err) ||
        materialized_storage(w->context, handle, &storage, err))
        return -1;
    rows_add(w->rows);
    row_text(w->rows, 0, catalog);
    row_text(w->rows, 1, schema);
    row_text(w->rows, NAME, table);
    if (storage) {
        row_text(w->rows, STORAGE_CATALOG, storage->catalog);
        row_text(w->rows, STORAGE_SCHEMA, storage->schema);
        row_text(w->rows, STORAGE_TABLE, storage->table);
    }
    row_text(w->rows, COMMENT, handle->comment);
    row_text(w->rows, DEFINITION, arena_printf(arena, "%.*s\n", STR_ARG(definition.sql)));
    return add_freshness(w, handle, err) ? -1 : arena_check(arena, err);
}

int metadata_materialized_views(Walk *w, Error *err)
{
    w->columns = (NameColumns){0, 1, 2};
    w->on_table = add_view;
    w->with_tables = true;
    return metadata_walk(w, err);
}
