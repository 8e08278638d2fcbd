/* iceberg_insert.c - INSERT and CREATE TABLE AS. */
#include <stdio.h>

#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_insert.h"
#include "query/connector/iceberg_materialized.h"
#include "query/connector/iceberg_types.h"
#include "query/connector/table_updates.h"

/* Rows that the statement itself spells out: few, whatever their number. */
static bool is_spelled_out(const Query *query)
{
    if (!query || query->n_with || !query->body)
        return false;
    const QueryBody *body = query->body;
    if (body->kind == BODY_VALUES)
        return true;
    if (body->kind == BODY_PARENTHESIZED)
        return is_spelled_out(body->query);
    if (body->kind != BODY_SELECT)
        return false;
    const Relation *from = body->select->from;
    return !from || from->kind == REL_VALUES || (from->kind == REL_SUBQUERY && is_spelled_out(from->query));
}

int iceberg_write_insert(StatementContext *context, const Statement *statement, const Analysis *analysis,
                         Str source_sql, WrittenFiles *files, Error *err)
{
    const IcebergTable *table = iceberg_table_of(analysis->target);
    size_t n_fields = table->schema->n_fields;
    const SqlType **types = arena_array(context->arena, const SqlType *, analysis->n_columns + 1);
    int *column_of = arena_array(context->arena, int, n_fields + 1);
    for (size_t i = 0; i < n_fields; i++)
        column_of[i] = -1;
    for (size_t i = 0; i < analysis->n_columns; i++)
        types[i] = analysis->columns[i].type;
    for (size_t i = 0; i < analysis->n_insert_map; i++)
        column_of[analysis->insert_map[i]] = (int)i;
    WriteSource source = {.sql = source_sql,
                          .types = types,
                          .column_of = column_of,
                          .is_small = is_spelled_out(statement->query)};
    return iceberg_write_files(context, table->metadata, &source, files, err);
}

int catalogs_insert(StatementContext *context, const Statement *statement, const Analysis *analysis,
                    Str source_sql, int64_t *ret_rows, Error *err)
{
    const TableHandle *handle = analysis->target;
    if (handle->ops == &iceberg_view_ops)
        return err_set(err, ERR_NOT_SUPPORTED, "Inserting into %s is not supported",
                       view_is_materialized(handle) ? "materialized views" : "views");
    if (handle->ops != &iceberg_ops)
        return err_set(err, ERR_NOT_SUPPORTED, "This connector does not support inserts");
    const IcebergTable *table = iceberg_table_of(handle);
    WrittenFiles *files = arena_new_of(context->arena, WrittenFiles);
    if (iceberg_write_insert(context, statement, analysis, source_sql, files, err))
        return -1;
    *ret_rows = files->rows;
    if (!files->n) {
        written_files_free(files);
        return 0;
    }
    CommitTarget target = {.namespace_ = table->namespace_,
                           .name = table->name,
                           .branch = table->branch,
                           .base = table->metadata,
                           .operation = ICE_APPEND};
    return iceberg_commit_files(context, &target, files, NULL, err);
}

/* ---- CREATE TABLE AS ---- */

static void add_structure(TableUpdates *u, const TableMetadata *m)
{
    JsonWriter w = updates_begin(u, "add-schema");
    json_key(&w, "schema");
    ice_schema_write(&w, metadata_current_schema(m));
    json_kv_int(&w, "last-column-id", m->last_column_id);
    updates_end(u, &w);
    updates_int(u, "set-current-schema", "schema-id", -1);
    w = updates_begin(u, "add-spec");
    json_key(&w, "spec");
    ice_spec_write(&w, metadata_default_spec(m));
    updates_end(u, &w);
    updates_int(u, "set-default-spec", "spec-id", -1);
    w = updates_begin(u, "add-sort-order");
    json_key(&w, "sort-order");
    ice_sort_order_write(&w, metadata_default_sort_order(m));
    updates_end(u, &w);
    updates_int(u, "set-default-sort-order", "sort-order-id", -1);
}

/* What a staged table is, as the updates that create it. */
void ddl_creation_updates(const TableMetadata *m, Arena *arena, const Str **ret, size_t *ret_n)
{
    TableUpdates updates = {.buf = BUF_INIT(64 << 20), .arena = arena}, *u = &updates;
    updates_str(u, "assign-uuid", "uuid", m->table_uuid);
    updates_int(u, "upgrade-format-version", "format-version", m->format_version);
    add_structure(u, m);
    updates_str(u, "set-location", "location", m->location);
    JsonWriter w = updates_begin(u, "set-properties");
    json_key(&w, "updates");
    json_object(&w);
    for (size_t i = 0; i < m->n_properties; i++) {
        json_key_str(&w, m->properties[i].key);
        json_str(&w, m->properties[i].value);
    }
    json_end_object(&w);
    updates_end(u, &w);
    buf_free(&u->buf);
    *ret = u->items.items;
    *ret_n = u->items.n;
}

/* What CREATE TABLE AS makes or replaces, before there are rows. */
typedef struct StagedTable {
    DdlName name;
    const TableMetadata *staged; /* NULL: there is a table that stays */
    CommitTarget target;
} StagedTable;

static int stage_new(StatementContext *context, const NewTableParts *parts, StagedTable *t, Error *err)
{
    CatalogTable created;
    CatalogNewTable table = {.namespace_ = t->name.namespace_,
                             .name = t->name.table,
                             .location = parts->location,
                             .schema = parts->schema,
                             .spec = parts->spec,
                             .sort_order = parts->order,
                             .properties = {parts->properties, parts->n_properties},
                             .stage = true};
    if (catalog_create_table(context->catalogs->catalog, &table, context->arena, &created, err))
        return -1;
    t->staged = created.metadata;
    t->target = (CommitTarget){.namespace_ = t->name.namespace_,
                               .name = t->name.table,
                               .base = created.metadata,
                               .operation = ICE_APPEND};
    ddl_creation_updates(created.metadata, context->arena, &t->target.create_updates,
                         &t->target.n_create_updates);
    return 0;
}

static int stage_table(StatementContext *context, const Statement *s, const Analysis *analysis,
                       StagedTable *t, Error *err)
{
    NewTableParts parts;
    Error e;
    const TableMetadata *base;
    size_t n = analysis->n_columns;
    NewColumn *columns = arena_array(context->arena, NewColumn, n + 1);
    for (size_t i = 0; i < n; i++)
        columns[i] = (NewColumn){arena_lower(context->arena, analysis->columns[i].name), STR_NULL,
                                 analysis->columns[i].type, false};
    if (ddl_find_table(context, &t->name, &base, err))
        return -1;
    if (base && !s->or_replace)
        return 0;
    if (ddl_new_table(context, t->name.catalog, base, columns, n, s->properties, s->n_properties, s->comment,
                      &parts, err))
        return -1;
    if (base)
        return ddl_replacement(context, &t->name, base, &parts, &t->target, &t->staged, err);
    if (!stage_new(context, &parts, t, &e) || e.code == ERR_ALREADY_EXISTS)
        return 0;
    if (e.code == ERR_NO_SUCH_NAMESPACE)
        return err_set(err, ERR_SCHEMA_NOT_FOUND, "Schema %.*s not found", STR_ARG(t->name.schema));
    if (err)
        *err = e;
    return -1;
}

static int write_new_table(StatementContext *context, const Analysis *analysis, bool with_data,
                           Str source_sql, const StagedTable *t, int64_t *ret_rows, Error *err)
{
    size_t n = analysis->n_columns;
    const SqlType **types = arena_array(context->arena, const SqlType *, n + 1);
    int *column_of = arena_array(context->arena, int, n + 1);
    for (size_t i = 0; i < n; i++) {
        types[i] = analysis->columns[i].type;
        column_of[i] = (int)i;
    }
    if (!with_data)
        source_sql = arena_printf(context->arena, "SELECT * FROM (%.*s) WHERE false", STR_ARG(source_sql));
    WriteSource source = {.sql = source_sql, .types = types, .column_of = column_of, .is_small = !with_data};
    WrittenFiles *files = arena_new_of(context->arena, WrittenFiles);
    if (iceberg_write_files(context, t->staged, &source, files, err))
        return -1;
    *ret_rows = files->rows;
    return iceberg_commit_files(context, &t->target, files, NULL, err);
}

int catalogs_create_table_as(StatementContext *context, const Statement *s, const Analysis *analysis,
                             Str source_sql, int64_t *ret_rows, Error *err)
{
    StagedTable t = {0};
    *ret_rows = 0;
    if (ddl_name(context, &s->name, 3, "creating tables with data", &t.name, err) ||
        stage_table(context, s, analysis, &t, err))
        return -1;
    if (t.staged)
        return write_new_table(context, analysis, s->with_data, source_sql, &t, ret_rows, err);
    return s->if_not_exists ? 0
                            : ddl_fail(err, ERR_TABLE_ALREADY_EXISTS, s, "Table '%.*s' already exists",
                                       STR_ARG(table_name_text(context->arena, t.name.catalog, t.name.schema,
                                                               t.name.table)));
}
