#include "query/connector/metadata_walk.h"

#include <stdlib.h>

#include "base/log.h"
#include "query/connector/iceberg_materialized.h"
#include "query/connector/information_schema.h"

static TextFilter filter_of(const Walk *w, int column)
{
    return column < 0 ? (TextFilter){.prefix = STR("")} : text_filter(w->relation, column, w->context->arena);
}

static int visit_table(Walk *w, Str catalog, Str schema, Str table, Error *err)
{
    const TableHandle *handle = NULL;
    Error e;
    if (w->with_tables &&
        catalogs_get_table(w->context, catalog, schema, table, NULL, w->context->arena, &handle, &e)) {
        if (e.code == ERR_UNAVAILABLE || e.code == ERR_USER_CANCELED || e.code == ERR_LIMIT) {
            if (err)
                *err = e;
            return -1;
        }
        log_warn("query.metadata_table", L_STR("schema", schema), L_STR("table", table), L_ERR(&e));
        return 0;
    }
    if (w->with_tables && !handle)
        return 0; /* dropped meanwhile */
    return w->on_table(w, catalog, schema, table, handle, err);
}

static int walk_tables(Walk *w, const Connector *connector, Str catalog, Str schema, Error *err)
{
    const Str *names;
    size_t n;
    TextFilter filter = filter_of(w, w->columns.table);
    if (!w->on_table)
        return 0;
    if (str_is(schema, "information_schema"))
        names = information_schema_names(&n);
    else if (filter.is_restricted && w->with_tables) {
        names = filter.values; /* asked for by name: no list is needed */
        n = filter.n_values;
    } else if (connector->tables(w->context, schema, w->context->arena, &names, &n, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (atomic_load(&w->context->cancelled))
            return err_set(err, ERR_USER_CANCELED, "Query was canceled");
        if (text_filter_allows(&filter, names[i]) && visit_table(w, catalog, schema, names[i], err))
            return -1;
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

/* All schemas of a catalog, information_schema among them, sorted; or those that the filter names, if they
 * exist. */
static int list_schemas(Walk *w, const Connector *connector, Str catalog, const TextFilter *filter,
                        const Str **ret, size_t *ret_n, Error *err)
{
    const Str *names;
    Str *all;
    size_t n, m = 0;
    Arena *arena = w->context->arena;
    if (filter->is_restricted) {
        all = arena_array(arena, Str, filter->n_values + 1);
        for (size_t i = 0; i < filter->n_values; i++) {
            bool exists = str_is(filter->values[i], "information_schema");
            if (!exists && (!filter->values[i].len ||
                            connector->schema_exists(w->context, filter->values[i], &exists, err)))
                return filter->values[i].len ? -1 : 0;
            if (exists)
                all[m++] = filter->values[i];
        }
    } else {
        if (connector->schemas(w->context, catalog, arena, &names, &n, err))
            return -1;
        all = arena_array(arena, Str, n + 1);
        memcpy(all, names, n * sizeof *all);
        all[n] = STR("information_schema");
        m = n + 1;
    }
    qsort(all, m, sizeof *all, compare_names);
    *ret = all;
    *ret_n = m;
    return 0;
}

static int walk_catalog(Walk *w, Str catalog, Error *err)
{
    const Str *schemas = NULL;
    size_t n = 0;
    const Connector *connector = catalogs_connector(w->context->catalogs, catalog);
    TextFilter filter = filter_of(w, w->columns.schema);
    if (list_schemas(w, connector, catalog, &filter, &schemas, &n, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!text_filter_allows(&filter, schemas[i]))
            continue;
        if (w->on_schema && w->on_schema(w, catalog, schemas[i], err))
            return -1;
        if (walk_tables(w, connector, catalog, schemas[i], err))
            return -1;
    }
    return 0;
}

int metadata_walk(Walk *w, Error *err)
{
    const Str *catalogs;
    size_t n;
    TextFilter filter = filter_of(w, w->columns.catalog);
    if (catalogs_names(w->context->catalogs, w->context->arena, &catalogs, &n, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (w->only_catalog.ptr && !str_eq(w->only_catalog, catalogs[i]))
            continue;
        if (text_filter_allows(&filter, catalogs[i]) && walk_catalog(w, catalogs[i], err))
            return -1;
    }
    return 0;
}

int walk_is_view(Walk *w, Str catalog, Str schema, Str table, bool *ret, Error *err)
{
    *ret = false;
    if (catalogs_connector(w->context->catalogs, catalog) != &iceberg_connector ||
        str_is(schema, "information_schema"))
        return 0;
    if (!w->views_of.ptr || !str_eq(w->views_of, schema)) {
        if (iceberg_list_views(w->context, schema, w->context->arena, &w->views, &w->n_views, err))
            return -1;
        w->views_of = arena_str(w->context->arena, schema);
    }
    for (size_t i = 0; i < w->n_views && !*ret; i++)
        *ret = str_eq(w->views[i], table);
    const TableHandle *handle; /* a materialized view counts as a table */
    if (*ret && catalogs_get_table(w->context, catalog, schema, table, NULL, w->context->arena, &handle, err))
        return -1;
    *ret = *ret && !view_is_materialized(handle);
    return 0;
}
