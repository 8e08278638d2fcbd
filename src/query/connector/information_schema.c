#include "query/connector/information_schema.h"

#include "query/connector/iceberg_views.h"
#include "query/connector/metadata_walk.h"

typedef struct InfoTable {
    const char *name, *columns;
    int (*fill)(Walk *walk, Error *err); /* NULL: always empty */
} InfoTable;

/* ---- rows ---- */

static int add_schema(Walk *w, Str catalog, Str schema, Error *err)
{
    (void)err;
    rows_add(w->rows);
    row_text(w->rows, 0, catalog);
    row_text(w->rows, 1, schema);
    return 0;
}

static int fill_schemata(Walk *w, Error *err)
{
    w->columns = (NameColumns){0, 1, -1};
    w->on_schema = add_schema;
    return metadata_walk(w, err);
}

static int add_table(Walk *w, Str catalog, Str schema, Str table, const TableHandle *handle, Error *err)
{
    bool is_view;
    (void)handle;
    if (walk_is_view(w, catalog, schema, table, &is_view, err))
        return -1;
    rows_add(w->rows);
    row_text(w->rows, 0, catalog);
    row_text(w->rows, 1, schema);
    row_text(w->rows, 2, table);
    row_text(w->rows, 3, is_view ? STR("VIEW") : STR("BASE TABLE"));
    return 0;
}

static int fill_tables(Walk *w, Error *err)
{
    w->columns = (NameColumns){0, 1, 2};
    w->on_table = add_table;
    return metadata_walk(w, err);
}

static int add_columns(Walk *w, Str catalog, Str schema, Str table, const TableHandle *handle, Error *err)
{
    (void)err;
    for (size_t i = 0, position = 0; i < handle->n_columns; i++) {
        const TableColumn *c = &handle->columns[i];
        if (c->hidden)
            continue;
        rows_add(w->rows);
        row_text(w->rows, 0, catalog);
        row_text(w->rows, 1, schema);
        row_text(w->rows, 2, table);
        row_text(w->rows, 3, c->name);
        row_int(w->rows, 4, (int64_t)++position);
        row_text(w->rows, 6, c->not_null ? STR("NO") : STR("YES"));
        row_text(w->rows, 7, sql_type_name(c->type, w->context->arena));
        row_text(w->rows, 8, c->comment);
        row_text(w->rows, 10, c->comment);
        row_text(w->rows, 9, c->extra.len ? c->extra : STR_NULL);
    }
    return arena_check(w->context->arena, err);
}

static int fill_columns(Walk *w, Error *err)
{
    w->columns = (NameColumns){0, 1, 2};
    w->on_table = add_columns;
    w->with_tables = true;
    return metadata_walk(w, err);
}

static int add_view(Walk *w, Str catalog, Str schema, Str table, const TableHandle *handle, Error *err)
{
    ViewDefinition view;
    bool is_view;
    if (walk_is_view(w, catalog, schema, table, &is_view, err))
        return -1;
    if (!is_view)
        return 0;
    if (catalogs_get_table(w->context, catalog, schema, table, NULL, w->context->arena, &handle, err))
        return -1;
    if (!handle || handle->ops != &iceberg_view_ops ||
        iceberg_view_definition(handle, w->context->arena, &view, NULL))
        return 0; /* gone meanwhile, or of another engine */
    rows_add(w->rows);
    row_text(w->rows, 0, catalog);
    row_text(w->rows, 1, schema);
    row_text(w->rows, 2, table);
    row_text(w->rows, 3, view.sql);
    return 0;
}

static int fill_views(Walk *w, Error *err)
{
    w->columns = (NameColumns){0, 1, 2};
    w->on_table = add_view;
    return metadata_walk(w, err);
}

static int no_roles(Walk *w, Error *err)
{
    (void)w;
    return err_set(err, ERR_NOT_SUPPORTED, "This connector does not support roles");
}

/* ---- the tables ---- */

static const InfoTable tables[] = {
    {"applicable_roles", "grantee varchar, grantee_type varchar, role_name varchar, is_grantable varchar",
     no_roles},
    {"columns",
     "table_catalog varchar, table_schema varchar, table_name varchar, column_name varchar, ordinal_position "
     "bigint, "
     "column_default varchar, is_nullable varchar, data_type varchar, comment varchar hidden, extra_info "
     "varchar hidden, column_comment varchar hidden",
     fill_columns},
    {"enabled_roles", "role_name varchar", no_roles},
    {"roles", "role_name varchar", no_roles},
    {"schemata", "catalog_name varchar, schema_name varchar", fill_schemata},
    {"table_privileges",
     "grantor varchar, grantor_type varchar, grantee varchar, grantee_type varchar, table_catalog varchar, "
     "table_schema varchar, table_name varchar, privilege_type varchar, is_grantable varchar, with_hierarchy "
     "varchar",
     NULL},
    {"tables",
     "table_catalog varchar, table_schema varchar, table_name varchar, table_type varchar, table_comment "
     "varchar hidden",
     fill_tables},
    {"views", "table_catalog varchar, table_schema varchar, table_name varchar, view_definition varchar",
     fill_views},
};
enum { N_TABLES = sizeof tables / sizeof *tables };

const Str *information_schema_names(size_t *ret_n)
{
    static Str names[N_TABLES]; /* the same whoever writes them */
    for (size_t i = 0; i < N_TABLES; i++)
        names[i] = str_from(tables[i].name);
    *ret_n = N_TABLES;
    return names;
}

static int emit_scan(EmitContext *emit, const TableHandle *handle, const Relation *relation, Buf *out,
                     Error *err)
{
    const InfoTable *table = handle->data;
    RowSet rows = rows_new(emit->arena, handle, relation);
    Walk walk = {.context = emit->statement,
                 .relation = relation,
                 .columns = {-1, -1, -1},
                 .only_catalog = handle->catalog,
                 .rows = &rows};
    if (table->fill && table->fill(&walk, err))
        return -1;
    return rows_emit(&rows, out, err);
}

static bool is_same(const TableHandle *a, const TableHandle *b)
{
    return a->data == b->data;
}

static const ConnectorOps information_schema_ops = {"information_schema", emit_scan, is_same};

int information_schema_table(StatementContext *context, Str catalog, Str table, const TableHandle **ret,
                             Error *err)
{
    Arena *arena = context->arena;
    (void)err;
    *ret = NULL;
    for (size_t i = 0; i < N_TABLES; i++) {
        if (!str_is(table, tables[i].name))
            continue;
        TableHandle *handle = arena_new_of(arena, TableHandle);
        *handle = (TableHandle){.ops = &information_schema_ops,
                                .catalog = arena_str(arena, catalog),
                                .schema = STR("information_schema"),
                                .table = str_from(tables[i].name),
                                .data = (void *)&tables[i]};
        handle->columns = columns_of(arena, tables[i].columns, &handle->n_columns);
        *ret = handle;
    }
    return 0;
}
