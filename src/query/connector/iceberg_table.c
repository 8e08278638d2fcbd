#include "query/connector/iceberg_table.h"

#include <stdlib.h>

#include "base/clock.h"
#include "query/connector/iceberg_types.h"
#include "query/connector/iceberg_materialized.h"
#include "query/connector/sql_text.h"

/* ---- names ---- */

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

static int list_schemas(StatementContext *context, Str catalog, Arena *arena, const Str **ret, size_t *ret_n,
                        Error *err)
{
    CatalogNames names;
    (void)catalog;
    if (catalog_list_namespaces(context->catalogs->catalog, STR(""), arena, &names, err))
        return -1;
    Str *schemas = arena_array(arena, Str, names.n + 1);
    for (size_t i = 0; i < names.n; i++)
        schemas[i] = arena_lower(arena, schema_of_namespace(names.items[i], arena));
    qsort(schemas, names.n, sizeof *schemas, compare_names);
    *ret = schemas;
    *ret_n = names.n;
    return 0;
}

static int list_tables(StatementContext *context, Str schema, Arena *arena, const Str **ret, size_t *ret_n,
                       Error *err)
{
    CatalogNames names = {0};
    Error e;
    if (catalog_list_tables(context->catalogs->catalog, namespace_of_schema(schema, arena), arena, &names,
                            &e) &&
        e.code != ERR_NO_SUCH_NAMESPACE) {
        if (err)
            *err = e;
        return -1;
    }
    const Str *views;
    size_t n_views;
    if (iceberg_list_views(context, schema, arena, &views, &n_views, err))
        return -1;
    Str *tables = arena_array(arena, Str, names.n + n_views + 1);
    size_t n = 0;
    for (size_t i = 0; i < names.n; i++)
        if (!materialized_is_storage_name(names.items[i]))
            tables[n++] = arena_lower(arena, names.items[i]);
    if (n_views)
        memcpy(tables + n, views, n_views * sizeof *tables);
    qsort(tables, n + n_views, sizeof *tables, compare_names);
    *ret = tables;
    *ret_n = n + n_views;
    return 0;
}

static int schema_exists(StatementContext *context, Str schema, bool *ret, Error *err)
{
    return catalog_namespace_exists(context->catalogs->catalog, namespace_of_schema(schema, context->arena),
                                    context->arena, ret, err);
}

int iceberg_need(const StatementContext *context, Str catalog, const char *what, Error *err)
{
    const Connector *connector = catalogs_connector(context->catalogs, catalog);
    if (!connector)
        return err_set(err, ERR_CATALOG_NOT_FOUND, "Catalog '%.*s' not found", STR_ARG(catalog));
    if (connector == &iceberg_connector)
        return 0;
    return err_set(err, ERR_NOT_SUPPORTED, "This connector does not support %s", what);
}

/* ---- versions ---- */

/* "0 with the snapshot": by id, branch or tag, or the last one before a moment. */
static int snapshot_of_version(const TableMetadata *m, const Expr *version, Arena *arena,
                               const IceSnapshot **ret, Error *err)
{
    Str name;
    int64_t id;
    const SqlType *type = version->type;
    if (type && type->kind != TYPE_BIGINT && type->kind != TYPE_VARCHAR)
        return err_set(err, ERR_NOT_SUPPORTED, "Unsupported type for table version: %.*s",
                       STR_ARG(sql_type_name(type, arena)));
    if (expr_constant_int(version, &id)) {
        *ret = metadata_snapshot(m, id);
        return *ret ? 0
                    : err_set(err, ERR_ICEBERG_INVALID_SNAPSHOT_ID,
                              "Iceberg snapshot ID does not exists: %lld", (long long)id);
    }
    if (!expr_constant_text(version, &name))
        return err_set_sql(err, ERR_NOT_SUPPORTED, version->pos.line, version->pos.column,
                           "FOR VERSION AS OF takes a snapshot's id, or the name of a branch or tag");
    const IceRef *ref = metadata_ref(m, name);
    *ret = ref ? metadata_snapshot(m, ref->snapshot_id) : NULL;
    return *ret ? 0
                : err_set(err, ERR_INVALID_ARGUMENTS, "Cannot find snapshot with reference name: %.*s",
                          STR_ARG(name));
}

static int snapshot_of_time(const IcebergTable *t, int64_t us, Arena *arena, const IceSnapshot **ret,
                            Error *err)
{
    const TableMetadata *m = t->metadata;
    char text[TIME_TEXT_MAX];
    *ret = NULL;
    for (size_t i = 0; i < m->n_snapshot_log; i++)
        if (m->snapshot_log[i].timestamp_ms * 1000 <= us)
            *ret = metadata_snapshot(m, m->snapshot_log[i].snapshot_id);
    if (*ret)
        return 0;
    time_format_iso(us, us % 1000000 ? 6 : 0, text);
    return err_set(err, ERR_INVALID_ARGUMENTS, "No version history table \"%.*s\".%.*s at or before %s",
                   STR_ARG(schema_of_namespace(t->namespace_, arena)), STR_ARG(t->name), text);
}

/* The analyzer leaves an expression; DuckDB knows its value. */
static int instant_of(StatementContext *context, const Expr *expr, int64_t *ret_us, Error *err)
{
    Buf sql = BUF_INIT(SQL_BYTES_MAX);
    EmitContext emit = {.arena = context->arena, .session = context->session, .statement = context};
    bool zoned = expr->type->kind == TYPE_TIMESTAMP_TZ,
         fine = expr->type->precision > 6 && expr->type->kind != TYPE_DATE;
    buf_puts(&sql, fine ? "SELECT epoch_us(CAST(t_narrow(" : "SELECT epoch_us(CAST((");
    int r = emit_constant(&emit, expr, &sql, err);
    buf_printf(&sql, ")%s AS TIMESTAMP)) AS c0", zoned ? ".t" : "");
    const SqlType *types[] = {&TYPE_BIGINT_};
    const Json *rows = NULL;
    r = r || sql_query_rows(context, buf_str(&sql), types, 1, &rows, err) ? -1 : 0;
    buf_free(&sql);
    if (r)
        return -1;
    const Json *value = rows->array.n ? rows->array.items[0]->array.items[0] : NULL;
    if (!json_is(value, JSON_INT))
        return err_set(err, ERR_INVALID_ARGUMENTS, "Pointer value cannot be NULL");
    *ret_us = value->i64;
    return 0;
}

static int check_past(StatementContext *context, const Relation *reference, int64_t us, Error *err)
{
    char text[TIME_TEXT_MAX];
    if (us <= context->session->start_us)
        return 0;
    const SqlType *type = reference->table.timestamp->type;
    time_format_iso(us, type->kind == TYPE_DATE ? 0 : type->precision > 6 ? 6 : type->precision, text);
    text[10] = ' ';
    text[strlen(text) - 1] = 0; /* the Z */
    return err_set_sql(err, ERR_INVALID_ARGUMENTS, reference->table.for_pos.line,
                       reference->table.for_pos.column, "Pointer value '%s UTC' is not in the past", text);
}

/* t @ branch */
static int choose_branch(IcebergTable *t, const Relation *reference, Error *err)
{
    Str name = reference->table.branch.text;
    const IceRef *ref = metadata_ref(t->metadata, name);
    if (str_is(name, "main"))
        return 0;
    if (!ref || ref->is_tag)
        return err_set_sql(err, ERR_BRANCH_NOT_FOUND, reference->pos.line, reference->pos.column,
                           "Branch '%.*s' does not exist", STR_ARG(name));
    t->branch = ref->name;
    t->snapshot = metadata_snapshot(t->metadata, ref->snapshot_id);
    return 0;
}

static int choose_snapshot(StatementContext *context, IcebergTable *t, const Relation *reference, Error *err)
{
    int64_t us;
    t->snapshot = metadata_current_snapshot(t->metadata);
    t->schema = metadata_current_schema(t->metadata);
    t->is_current = true;
    if (!reference)
        return 0;
    t->is_current = false;
    if (reference->table.branch.text.ptr)
        return choose_branch(t, reference, err);
    const Expr *version = reference->table.version, *time = reference->table.timestamp;
    if (version ? snapshot_of_version(t->metadata, version, context->arena, &t->snapshot, err)
                : instant_of(context, time, &us, err) || check_past(context, reference, us, err) ||
                      snapshot_of_time(t, us, context->arena, &t->snapshot, err))
        return -1;
    const IceSchema *then = metadata_schema(t->metadata, t->snapshot->schema_id);
    if (then)
        t->schema = then;
    return 0;
}

/* ---- the handle ---- */

static int fill_columns(IcebergTable *t, TableHandle *handle, Arena *arena, Error *err)
{
    static const struct {
        Str name;
        const SqlType *type;
    } hidden[HIDDEN_COUNT] = {
        [HIDDEN_PATH] = {{"$path", 5}, &TYPE_VARCHAR_},
        [HIDDEN_PARTITION] = {{"$partition", 10}, &TYPE_VARCHAR_},
        [HIDDEN_FILE_MODIFIED_TIME] = {{"$file_modified_time", 19}, &TYPE_TIMESTAMP_TZ_3_},
        [HIDDEN_LINEAGE_ID] = {{"$row_id", 7}, &TYPE_BIGINT_},
        [HIDDEN_LINEAGE_SEQUENCE] = {{"$last_updated_sequence_number", 29}, &TYPE_BIGINT_},
        [HIDDEN_ROW_ID] = {{"", 0}, &TYPE_BIGINT_},
    };
    const IceSchema *schema = t->schema;
    TableColumn *columns = arena_array(arena, TableColumn, schema->n_fields + HIDDEN_COUNT);
    for (size_t i = 0; i < schema->n_fields; i++) {
        const IceField *f = &schema->fields[i];
        columns[i] = (TableColumn){.name = arena_lower(arena, f->name),
                                   .not_null = f->required,
                                   .comment = f->doc,
                                   .extra = STR(""),
                                   .field_id = f->id};
        if (ice_to_sql_type(f->type, arena, &columns[i].type, err))
            return err_prefix(err, "column %.*s", STR_ARG(f->name));
    }
    for (size_t i = 0; i < HIDDEN_COUNT; i++) {
        bool is_lineage = i == HIDDEN_LINEAGE_ID || i == HIDDEN_LINEAGE_SEQUENCE,
             is_named = !is_lineage || t->metadata->format_version >= 3;
        columns[schema->n_fields + i] = (TableColumn){.name = is_named ? hidden[i].name : STR(""),
                                                      .type = hidden[i].type,
                                                      .hidden = true,
                                                      .extra = STR("")};
    }
    handle->columns = columns;
    handle->n_columns = schema->n_fields + HIDDEN_COUNT;
    return 0;
}

int iceberg_handle_new(StatementContext *context, Str catalog, Str schema, Str table,
                       const LoadedTable *loaded, const Relation *reference, const TableHandle **ret,
                       Error *err)
{
    Arena *arena = context->arena;
    IcebergTable *t = arena_new_of(arena, IcebergTable);
    TableHandle *handle = arena_new_of(arena, TableHandle);
    *t = (IcebergTable){.catalogs = context->catalogs,
                        .namespace_ = namespace_of_schema(schema, arena),
                        .name = arena_str(arena, table),
                        .metadata = loaded->metadata,
                        .metadata_location = loaded->metadata_location,
                        .row_ids = arena_new_of(arena, RowIdFiles)};
    *t->row_ids = (RowIdFiles){0};
    *handle = (TableHandle){.ops = &iceberg_ops,
                            .catalog = arena_str(arena, catalog),
                            .schema = arena_str(arena, schema),
                            .table = t->name,
                            .data = t,
                            .comment = metadata_property(loaded->metadata, "comment", STR_NULL)};
    if (choose_snapshot(context, t, reference, err) || fill_columns(t, handle, arena, err))
        return -1;
    *ret = handle;
    return 0;
}

static int load(StatementContext *context, Str schema, Str table, LoadedTable *ret, bool *ret_found,
                Error *err)
{
    Error e;
    Catalogs *c = context->catalogs;
    *ret_found = true;
    if (!table_cache_load(c->tables, c->catalog, namespace_of_schema(schema, context->arena), table,
                          context->arena, ret, &e))
        return 0;
    *ret_found = false;
    if (e.code == ERR_NO_SUCH_TABLE || e.code == ERR_NO_SUCH_NAMESPACE || e.code == ERR_NOT_FOUND)
        return 0;
    if (err)
        *err = e;
    return -1;
}

static int changes_handle(StatementContext *context, Str catalog, Str schema, Str table,
                          const LoadedTable *loaded, const Relation *reference, const TableHandle **ret,
                          Error *err)
{
    const TableHandle *end;
    const int64_t ids[] = {reference->table.changes_after, reference->table.changes_until};
    for (size_t i = 0; i < 2; i++)
        if (!metadata_snapshot(loaded->metadata, ids[i]))
            return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT,
                           "Snapshot not found in Iceberg table history: %lld", (long long)ids[i]);
    return iceberg_handle_new(context, catalog, schema, table, loaded, reference, &end, err) ||
                   iceberg_changes_handle(context, end, reference, ret, err)
               ? -1
               : 0;
}

static int get_table(StatementContext *context, Str catalog, Str schema, Str table, const Relation *reference,
                     Arena *arena, const TableHandle **ret, Error *err)
{
    LoadedTable loaded;
    bool found;
    (void)arena;
    *ret = NULL;
    if (load(context, schema, table, &loaded, &found, err))
        return -1;
    if (found && reference && reference->table.is_changes)
        return changes_handle(context, catalog, schema, table, &loaded, reference, ret, err);
    if (found)
        return iceberg_handle_new(context, catalog, schema, table, &loaded, reference, ret, err);
    ptrdiff_t dollar = str_rfind_char(table, '$');
    if (dollar <= 0)
        return iceberg_view_handle(context, catalog, schema, table, ret, err);
    const TableHandle *base;
    if (catalogs_get_table(context, catalog, schema, str_slice(table, 0, (size_t)dollar), reference,
                           context->arena, &base, err))
        return -1;
    if (view_is_materialized(base) && materialized_storage(context, base, &base, err))
        return -1;
    if (!base || base->ops != &iceberg_ops)
        return 0;
    return iceberg_metadata_table(context, base, str_slice(table, (size_t)dollar + 1, table.len), ret, err);
}

const Connector iceberg_connector = {"iceberg", list_schemas, list_tables, schema_exists, get_table};
