/* show_create.c - SHOW CREATE TABLE and SCHEMA, in Trino's layout. */
#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_materialized.h"
#include "query/sql/parser.h"
#include "query/sql/print.h"

enum { TEXT_MAX = 4 << 20 };

static int show_schema(StatementContext *context, const Statement *s, Buf *out, Error *err)
{
    Str parts[3];
    bool exists;
    MetadataSource *metadata = catalogs_metadata(context);
    if (catalogs_resolve_name(context, &s->name, 2, parts, err) ||
        metadata->catalog_exists(metadata, parts[0], &exists, err))
        return -1;
    if (!exists)
        return ddl_fail(err, ERR_CATALOG_NOT_FOUND, s, "Catalog '%.*s' not found", STR_ARG(parts[0]));
    if (metadata->schema_exists(metadata, parts[0], parts[1], &exists, err))
        return -1;
    if (!exists)
        return ddl_fail(err, ERR_SCHEMA_NOT_FOUND, s, "Schema '%.*s.%.*s' does not exist", STR_ARG(parts[0]),
                        STR_ARG(parts[1]));
    buf_puts(out, "CREATE SCHEMA ");
    buf_add(out, table_name_text(context->arena, parts[0], parts[1], STR_NULL));
    if (catalogs_connector(context->catalogs, parts[0]) != &iceberg_connector ||
        str_is(parts[1], "information_schema"))
        return 0;
    CatalogProperties properties;
    if (catalog_load_namespace(context->catalogs->catalog, namespace_of_schema(parts[1], context->arena),
                               context->arena, &properties, err))
        return -1;
    Str location = STR_NULL, owner = context->session->user;
    for (size_t i = 0; i < properties.n; i++) {
        if (str_is(properties.items[i].key, "location"))
            location = properties.items[i].value;
        if (str_is(properties.items[i].key, "owner"))
            owner = properties.items[i].value;
    }
    buf_puts(out, "\nAUTHORIZATION USER ");
    sql_print_ident(out, owner);
    if (location.ptr) {
        buf_puts(out, "\nWITH (\n   location = ");
        sql_print_string(out, location);
        buf_puts(out, "\n)");
    }
    return 0;
}

/* Types in DDL: as the protocol names them, but ROW in capitals. */
static void put_type(Buf *out, const SqlType *type, Arena *arena)
{
    const char *name = type->kind == TYPE_ROW     ? "ROW"
                       : type->kind == TYPE_ARRAY ? "array"
                       : type->kind == TYPE_MAP   ? "map"
                                                  : NULL;
    if (!name) {
        buf_add(out, sql_type_display(type, arena));
        return;
    }
    buf_printf(out, "%s(", name);
    for (size_t i = 0; i < type->n_fields; i++) {
        buf_puts(out, i ? ", " : "");
        if (type->kind == TYPE_ROW && type->fields[i].name.ptr) {
            sql_print_ident(out, type->fields[i].name);
            buf_putc(out, ' ');
        }
        put_type(out, type->fields[i].type, arena);
    }
    buf_putc(out, ')');
}

static void put_array(Buf *out, const Str *items, size_t n)
{
    buf_puts(out, "ARRAY[");
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i ? "," : "");
        sql_print_string(out, items[i]);
    }
    buf_putc(out, ']');
}

static void put_lists(const IcebergTable *t, Buf *out, Arena *arena)
{
    const IcePartitionSpec *spec = metadata_default_spec(t->metadata);
    const IceSortOrder *order = metadata_default_sort_order(t->metadata);
    if (spec && spec->n_fields) {
        Str *items = arena_array(arena, Str, spec->n_fields);
        for (size_t i = 0; i < spec->n_fields; i++)
            items[i] = partitioning_text(t->schema, &spec->fields[i], arena);
        buf_puts(out, ",\n   partitioning = ");
        put_array(out, items, spec->n_fields);
    }
    if (order && order->n_fields) {
        Str *items = arena_array(arena, Str, order->n_fields);
        for (size_t i = 0; i < order->n_fields; i++)
            items[i] = sorted_by_text(t->schema, &order->fields[i], arena);
        buf_puts(out, ",\n   sorted_by = ");
        put_array(out, items, order->n_fields);
    }
}

/* `storage_schema` ptr NULL: of a table of its own. */
static void put_properties(const IcebergTable *t, Str storage_schema, Buf *out, Arena *arena)
{
    buf_printf(out, "\nWITH (\n   format = 'PARQUET',\n   format_version = %d,\n   location = ",
               t->metadata->format_version);
    sql_print_string(out, t->metadata->location);
    Str retries = metadata_property(t->metadata, "commit.retry.num-retries", STR_NULL);
    if (retries.ptr)
        buf_printf(out, ",\n   max_commit_retry = %.*s", STR_ARG(retries));
    put_lists(t, out, arena);
    if (storage_schema.ptr) {
        buf_puts(out, ",\n   storage_schema = ");
        sql_print_string(out, storage_schema);
    }
    buf_puts(out, "\n)");
}

typedef enum RelationSort { RELATION_TABLE, RELATION_VIEW, RELATION_MATERIALIZED } RelationSort;

static int is_other_relation(const Statement *s, const TableHandle *found, RelationSort wanted, Arena *arena,
                             Error *err)
{
    static const char *const sorts[] = {"table", "view", "materialized view"};
    RelationSort sort = view_is_materialized(found)       ? RELATION_MATERIALIZED
                        : found->ops == &iceberg_view_ops ? RELATION_VIEW
                                                          : RELATION_TABLE;
    if (sort == wanted)
        return 0;
    return ddl_fail(err, ERR_NOT_SUPPORTED, s, "Relation '%.*s' is a %s, not a %s",
                    STR_ARG(table_name_text(arena, found->catalog, found->schema, found->table)), sorts[sort],
                    sorts[wanted]);
}

static int show_table(StatementContext *context, const Statement *s, Buf *out, Error *err)
{
    Str parts[3];
    const TableHandle *table;
    Arena *arena = context->arena;
    if (catalogs_resolve_name(context, &s->name, 3, parts, err) ||
        catalogs_get_table(context, parts[0], parts[1], parts[2], NULL, arena, &table, err))
        return -1;
    if (!table)
        return ddl_fail(err, ERR_TABLE_NOT_FOUND, s, "Table '%.*s' does not exist",
                        STR_ARG(table_name_text(arena, parts[0], parts[1], parts[2])));
    if (is_other_relation(s, table, RELATION_TABLE, arena, err))
        return -1;
    buf_puts(out, "CREATE TABLE ");
    buf_add(out, table_name_text(arena, table->catalog, table->schema, table->table));
    buf_puts(out, " (\n");
    bool first = true;
    for (size_t i = 0; i < table->n_columns; i++) {
        const TableColumn *c = &table->columns[i];
        if (c->hidden)
            continue;
        buf_puts(out, first ? "   " : ",\n   ");
        first = false;
        sql_print_ident(out, c->name);
        buf_putc(out, ' ');
        put_type(out, c->type, arena);
        buf_puts(out, c->not_null ? " NOT NULL" : "");
        if (c->comment.ptr) {
            buf_puts(out, " COMMENT ");
            sql_print_string(out, c->comment);
        }
    }
    buf_puts(out, "\n)");
    if (table->comment.ptr) {
        buf_puts(out, "\nCOMMENT ");
        sql_print_string(out, table->comment);
    }
    if (table->ops == &iceberg_ops)
        put_properties(iceberg_table_of(table), STR_NULL, out, arena);
    return 0;
}

static int show_view(StatementContext *context, const Statement *s, Buf *out, Error *err)
{
    Str parts[3];
    const TableHandle *view;
    ViewDefinition definition;
    Statement *query;
    Arena *arena = context->arena;
    if (catalogs_resolve_name(context, &s->name, 3, parts, err) ||
        catalogs_get_table(context, parts[0], parts[1], parts[2], NULL, arena, &view, err))
        return -1;
    if (!view)
        return ddl_fail(err, ERR_TABLE_NOT_FOUND, s, "View '%.*s' does not exist",
                        STR_ARG(table_name_text(arena, parts[0], parts[1], parts[2])));
    if (is_other_relation(s, view, RELATION_VIEW, arena, err))
        return -1;
    if (iceberg_view_definition(view, arena, &definition, err) ||
        sql_parse(definition.sql, arena, &query, err))
        return -1;
    buf_puts(out, "CREATE VIEW ");
    buf_add(out, table_name_text(arena, view->catalog, view->schema, view->table));
    if (view->comment.ptr) {
        buf_puts(out, " COMMENT ");
        sql_print_string(out, view->comment);
    }
    buf_printf(out, " SECURITY %s AS\n", iceberg_view_is_invoker(view) ? "INVOKER" : "DEFINER");
    sql_print_query(out, query->query);
    return 0;
}

static int show_materialized(StatementContext *context, const Statement *s, Buf *out, Error *err)
{
    Str parts[3];
    const TableHandle *view, *storage;
    ViewDefinition definition;
    Statement *query;
    Arena *arena = context->arena;
    if (catalogs_resolve_name(context, &s->name, 3, parts, err) ||
        catalogs_get_table(context, parts[0], parts[1], parts[2], NULL, arena, &view, err))
        return -1;
    if (!view)
        return ddl_fail(err, ERR_TABLE_NOT_FOUND, s, "Materialized view '%.*s' does not exist",
                        STR_ARG(table_name_text(arena, parts[0], parts[1], parts[2])));
    if (is_other_relation(s, view, RELATION_MATERIALIZED, arena, err) ||
        iceberg_view_definition(view, arena, &definition, err) ||
        sql_parse(definition.sql, arena, &query, err) || materialized_storage(context, view, &storage, err))
        return -1;
    buf_puts(out, "CREATE MATERIALIZED VIEW ");
    buf_add(out, table_name_text(arena, view->catalog, view->schema, view->table));
    materialized_put_clauses(view, out);
    if (view->comment.ptr) {
        buf_puts(out, "\nCOMMENT ");
        sql_print_string(out, view->comment);
    }
    if (storage)
        put_properties(iceberg_table_of(storage), storage->schema, out, arena);
    buf_puts(out, " AS\n");
    sql_print_query(out, query->query);
    return 0;
}

int catalogs_show_create(StatementContext *context, const Statement *s, Str *ret, Error *err)
{
    Buf out = BUF_INIT(TEXT_MAX);
    int r = s->kind == STMT_SHOW_CREATE_SCHEMA              ? show_schema(context, s, &out, err)
            : s->kind == STMT_SHOW_CREATE_TABLE             ? show_table(context, s, &out, err)
            : s->kind == STMT_SHOW_CREATE_MATERIALIZED_VIEW ? show_materialized(context, s, &out, err)
                                                            : show_view(context, s, &out, err);
    if (!r && !(r = buf_check(&out, err)))
        *ret = arena_str(context->arena, buf_str(&out));
    buf_free(&out);
    return r;
}
