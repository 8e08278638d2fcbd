/* iceberg_ddl.c - schemas and tables: made, dropped, renamed. Texts and codes are Trino's. */
#include "query/connector/iceberg_ddl.h"

#include <stdio.h>

#include "query/connector/iceberg_materialized.h"
#include "query/connector/iceberg_types.h"
#include "query/connector/sql_text.h"

int ddl_fail(Error *err, ErrCode code, const Statement *s, const char *format, ...)
{
    char text[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_set_sql(err, code, s->pos.line, s->pos.column, "%s", text);
}

int ddl_name(StatementContext *context, const QualifiedName *name, size_t n_parts, const char *what,
             DdlName *ret, Error *err)
{
    Str parts[3] = {STR_NULL, STR_NULL, STR_NULL};
    if (catalogs_resolve_name(context, name, n_parts, parts, err))
        return -1;
    if (!catalogs_connector(context->catalogs, parts[0]))
        return err_set_sql(err, ERR_CATALOG_NOT_FOUND, name->pos.line, name->pos.column,
                           "Catalog '%.*s' not found", STR_ARG(parts[0]));
    if (iceberg_need(context, parts[0], what, err))
        return -1;
    *ret = (DdlName){parts[0], parts[1], parts[2], namespace_of_schema(parts[1], context->arena)};
    return 0;
}

static Str full_name(StatementContext *context, const DdlName *n)
{
    return table_name_text(context->arena, n->catalog, n->schema, n->table);
}

/* ---- schemas ---- */

int ddl_create_schema(StatementContext *context, const Statement *s, Error *err)
{
    DdlName name;
    Error e;
    if (ddl_name(context, &s->name, 2, "creating schemas", &name, err))
        return -1;
    IceProperty *properties = arena_array(context->arena, IceProperty, s->n_properties + 1);
    for (size_t i = 0; i < s->n_properties; i++) {
        const Property *p = &s->properties[i];
        Str key = arena_lower(context->arena, p->name.text);
        if (!str_is(key, "location"))
            return err_set_sql(err, ERR_INVALID_SCHEMA_PROPERTY, p->pos.line, p->pos.column,
                               "Catalog '%.*s' schema property '%.*s' does not exist", STR_ARG(name.catalog),
                               STR_ARG(key));
        properties[i].key = key;
        if (!property_text(p->value, &properties[i].value))
            return err_set_sql(err, ERR_INVALID_SCHEMA_PROPERTY, p->pos.line, p->pos.column,
                               "Invalid value for catalog '%.*s' schema property "
                               "'location': Cannot convert the value to varchar",
                               STR_ARG(name.catalog));
    }
    CatalogProperties list = {properties, s->n_properties};
    if (!str_is(name.schema, "information_schema") &&
        !catalog_create_namespace(context->catalogs->catalog, name.namespace_, list, context->arena, &e))
        return 0;
    if (str_is(name.schema, "information_schema") || e.code == ERR_NAMESPACE_EXISTS ||
        e.code == ERR_ALREADY_EXISTS)
        return s->if_not_exists
                   ? 0
                   : ddl_fail(err, ERR_SCHEMA_ALREADY_EXISTS, s, "Schema '%.*s.%.*s' already exists",
                              STR_ARG(name.catalog), STR_ARG(name.schema));
    if (err)
        *err = e;
    return -1;
}

static int drop_all_tables(StatementContext *context, const DdlName *name, Error *err)
{
    CatalogNames tables;
    if (catalog_list_tables(context->catalogs->catalog, name->namespace_, context->arena, &tables, err))
        return -1;
    for (size_t i = 0; i < tables.n; i++) {
        if (catalog_drop_table(context->catalogs->catalog, name->namespace_, tables.items[i], true,
                               context->arena, err) &&
            (!err || err->code != ERR_NO_SUCH_TABLE))
            return -1;
        table_cache_drop(context->catalogs->tables, name->namespace_, tables.items[i]);
    }
    CatalogNames views;
    if (catalog_list_views(context->catalogs->catalog, name->namespace_, context->arena, &views, err))
        return -1;
    for (size_t i = 0; i < views.n; i++)
        if (catalog_drop_view(context->catalogs->catalog, name->namespace_, views.items[i], context->arena,
                              err) &&
            (!err || err->code != ERR_NO_SUCH_VIEW))
            return -1;
    return 0;
}

int ddl_drop_schema(StatementContext *context, const Statement *s, Error *err)
{
    DdlName name;
    Error e;
    if (ddl_name(context, &s->name, 2, "dropping schemas", &name, err))
        return -1;
    if (s->cascade && drop_all_tables(context, &name, &e) && e.code != ERR_NO_SUCH_NAMESPACE)
        goto failed;
    if (!catalog_drop_namespace(context->catalogs->catalog, name.namespace_, context->arena, &e))
        return 0;
    if (e.code == ERR_NO_SUCH_NAMESPACE)
        return s->if_exists ? 0
                            : ddl_fail(err, ERR_SCHEMA_NOT_FOUND, s, "Schema '%.*s.%.*s' does not exist",
                                       STR_ARG(name.catalog), STR_ARG(name.schema));
    if (e.code == ERR_NAMESPACE_NOT_EMPTY)
        return ddl_fail(err, ERR_SCHEMA_NOT_EMPTY, s, "Cannot drop non-empty schema '%.*s'",
                        STR_ARG(name.schema));
failed:
    if (err)
        *err = e;
    return -1;
}

/* ---- new tables ---- */

static int make_schema(const NewColumn *columns, size_t n, int version, Arena *arena, IceSchema *ret,
                       Error *err)
{
    int32_t next_id = (int32_t)n + 1;
    IceField *fields = arena_array(arena, IceField, n + 1);
    for (size_t i = 0; i < n; i++) {
        fields[i] = (IceField){.id = (int32_t)i + 1,
                               .name = columns[i].name,
                               .required = columns[i].not_null,
                               .doc = columns[i].comment};
        if (sql_to_ice_type(columns[i].type, version, &next_id, arena, &fields[i].type, err))
            return -1;
    }
    *ret = (IceSchema){.fields = fields, .n_fields = n};
    return 0;
}

static void add_property(Arena *arena, TableProperties *p, const char *key, Str value)
{
    for (size_t i = 0; i < p->iceberg.n; i++)
        if (str_is(p->iceberg.items[i].key, key))
            return;
    *vec_push(arena, &p->iceberg) = (IceProperty){str_from(key), value};
}

static int check_replacement(const TableMetadata *base, const TableProperties *p, int *version, Error *err)
{
    Str at = base->location;
    while (at.len && at.ptr[at.len - 1] == '/')
        at.len--;
    if (p->location.ptr && !str_eq(p->location, at) && !str_eq(p->location, base->location))
        return err_set(err, ERR_INVALID_TABLE_PROPERTY,
                       "The provided location '%.*s' does not match the existing table location '%.*s'",
                       STR_ARG(p->location), STR_ARG(base->location));
    if (!p->format_version && *version < base->format_version)
        *version = base->format_version;
    return *version >= base->format_version
               ? 0
               : err_set(err, ERR_NOT_SUPPORTED, "Cannot downgrade v%d table to v%d", base->format_version,
                         *version);
}

int ddl_new_table(StatementContext *context, Str catalog, const TableMetadata *base, const NewColumn *columns,
                  size_t n, const Property *properties, size_t n_properties, Str comment, NewTableParts *ret,
                  Error *err)
{
    Arena *arena = context->arena;
    TableProperties p;
    if (table_properties_read(catalog, properties, n_properties, arena, &p, err))
        return -1;
    int version = p.format_version ? (int)p.format_version : 2;
    IceSchema *schema = arena_new_of(arena, IceSchema);
    IcePartitionSpec *spec = arena_new_of(arena, IcePartitionSpec);
    IceSortOrder *order = arena_new_of(arena, IceSortOrder);
    int32_t last_column_id = 0;
    if ((base && check_replacement(base, &p, &version, err)) ||
        make_schema(columns, n, version, arena, schema, err))
        return -1;
    if (base)
        ddl_reuse_ids(base, schema, arena, &last_column_id);
    if (partitioning_parse(schema, p.partitioning, p.n_partitioning, 1000, arena, spec, err) ||
        sorted_by_parse(schema, p.sorted_by, p.n_sorted_by, arena, order, err))
        return -1;
    add_property(arena, &p, "format-version", arena_printf(arena, "%d", version));
    add_property(arena, &p, "write.format.default", STR("PARQUET"));
    add_property(arena, &p, "write.parquet.compression-codec", STR("zstd"));
    if (comment.ptr)
        add_property(arena, &p, "comment", comment);
    *ret = (NewTableParts){.schema = schema,
                           .spec = spec->n_fields ? spec : NULL,
                           .order = order->n_fields ? order : NULL,
                           .version = version,
                           .last_column_id = last_column_id,
                           .location = p.location.ptr ? p.location : STR(""),
                           .properties = p.iceberg.items,
                           .n_properties = p.iceberg.n};
    return 0;
}

/* LIKE t: its columns; [INCLUDING PROPERTIES] is what makes sense of them for a new table. */
typedef Vec(NewColumn) NewColumns;

static int add_like(StatementContext *context, const ColumnDef *def, NewColumns *columns, Error *err)
{
    Str parts[3];
    const TableHandle *table;
    if (catalogs_resolve_name(context, &def->like, 3, parts, err) ||
        catalogs_get_table(context, parts[0], parts[1], parts[2], NULL, context->arena, &table, err))
        return -1;
    if (!table)
        return err_set_sql(err, ERR_TABLE_NOT_FOUND, def->like.pos.line, def->like.pos.column,
                           "LIKE table '%.*s.%.*s.%.*s' does not exist", STR_ARG(parts[0]), STR_ARG(parts[1]),
                           STR_ARG(parts[2]));
    for (size_t i = 0; i < table->n_columns; i++)
        if (!table->columns[i].hidden)
            *vec_push(context->arena, columns) =
                (NewColumn){table->columns[i].name, table->columns[i].comment, table->columns[i].type,
                            table->columns[i].not_null};
    return 0;
}

static int columns_of_statement(StatementContext *context, const Statement *s, int version, NewColumn **ret,
                                size_t *ret_n, Error *err)
{
    NewColumns columns = {0};
    for (size_t i = 0; i < s->n_column_defs; i++) {
        const ColumnDef *def = &s->column_defs[i];
        if (def->is_like) {
            if (add_like(context, def, &columns, err))
                return -1;
            continue;
        }
        if (def->default_value)
            return err_set(
                err, ERR_NOT_SUPPORTED,
                version < 3 ? "Default column values are not supported for Iceberg table format version < 3"
                            : "Default column values are not supported");
        *vec_push(context->arena, &columns) = (NewColumn){arena_lower(context->arena, def->name.text),
                                                          def->comment, def->resolved, def->not_null};
    }
    for (size_t i = 0; i < columns.n; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(columns.items[i].name, columns.items[k].name))
                return ddl_fail(err, ERR_DUPLICATE_COLUMN_NAME, s,
                                "Column name '%.*s' specified more than once",
                                STR_ARG(columns.items[i].name));
    *ret = columns.items;
    *ret_n = columns.n;
    return 0;
}

static int already_exists(StatementContext *context, const Statement *s, const DdlName *name, Error *err)
{
    return ddl_fail(err, ERR_TABLE_ALREADY_EXISTS, s, "Table '%.*s' already exists",
                    STR_ARG(full_name(context, name)));
}

/* As Trino does: a table has a snapshot from the start, without files. Readers that demand one can then read
 * it. */
static int create_with_snapshot(StatementContext *context, const DdlName *name, const TableMetadata *staged,
                                Error *err)
{
    CommitTarget target = {
        .namespace_ = name->namespace_, .name = name->table, .base = staged, .operation = ICE_APPEND};
    ddl_creation_updates(staged, context->arena, &target.create_updates, &target.n_create_updates);
    return iceberg_commit_files(context, &target, NULL, NULL, err);
}

int ddl_create_new(StatementContext *context, const DdlName *name, const NewTableParts *parts, Error *err)
{
    CatalogTable created;
    CatalogNewTable table = {.namespace_ = name->namespace_,
                             .name = name->table,
                             .location = parts->location,
                             .schema = parts->schema,
                             .spec = parts->spec,
                             .sort_order = parts->order,
                             .properties = {parts->properties, parts->n_properties},
                             .stage = true};
    return catalog_create_table(context->catalogs->catalog, &table, context->arena, &created, err) ||
                   create_with_snapshot(context, name, created.metadata, err)
               ? -1
               : 0;
}

static int replace(StatementContext *context, const DdlName *name, const TableMetadata *base,
                   const NewTableParts *parts, Error *err)
{
    CommitTarget target;
    const TableMetadata *staged;
    return ddl_replacement(context, name, base, parts, &target, &staged, err) ||
                   iceberg_commit_files(context, &target, NULL, NULL, err)
               ? -1
               : 0;
}

int ddl_find_table(StatementContext *context, const DdlName *name, const TableMetadata **ret, Error *err)
{
    LoadedTable loaded;
    Error e;
    Catalogs *c = context->catalogs;
    *ret = NULL;
    if (!table_cache_load(c->tables, c->catalog, name->namespace_, name->table, context->arena, &loaded,
                          &e)) {
        *ret = loaded.metadata;
        return 0;
    }
    if (e.code == ERR_NO_SUCH_TABLE || e.code == ERR_NO_SUCH_NAMESPACE || e.code == ERR_NOT_FOUND)
        return 0;
    if (err)
        *err = e;
    return -1;
}

int ddl_create_table(StatementContext *context, const Statement *s, Error *err)
{
    DdlName name;
    NewColumn *columns = NULL;
    NewTableParts parts;
    const TableMetadata *base;
    size_t n = 0;
    Error e;
    if (ddl_name(context, &s->name, 3, "creating tables", &name, err) ||
        ddl_find_table(context, &name, &base, err))
        return -1;
    if (base && !s->or_replace)
        return s->if_not_exists ? 0 : already_exists(context, s, &name, err);
    if (columns_of_statement(context, s, 2, &columns, &n, err) ||
        ddl_new_table(context, name.catalog, base, columns, n, s->properties, s->n_properties, s->comment,
                      &parts, err))
        return -1;
    if (base)
        return replace(context, &name, base, &parts, err);
    if (!ddl_create_new(context, &name, &parts, &e))
        return 0;
    if (e.code == ERR_ALREADY_EXISTS || e.code == ERR_COMMIT_FAILED || e.code == ERR_ICEBERG_COMMIT_ERROR)
        return s->if_not_exists ? 0 : already_exists(context, s, &name, err);
    if (e.code == ERR_NO_SUCH_NAMESPACE)
        return err_set(err, ERR_SCHEMA_NOT_FOUND, "Schema %.*s not found", STR_ARG(name.schema));
    if (err)
        *err = e;
    return -1;
}

static int no_table_to_drop(StatementContext *context, const Statement *s, const DdlName *name, Error *err)
{
    const TableHandle *found = NULL;
    Str text = full_name(context, name);
    if (catalogs_get_table(context, name->catalog, name->schema, name->table, NULL, context->arena, &found,
                           err))
        return -1;
    bool is_materialized = view_is_materialized(found);
    if (found && found->ops == &iceberg_view_ops)
        return ddl_fail(err, ERR_GENERIC_USER_ERROR, s,
                        "Table '%.*s' does not exist, but a %s with that name exists. Did you mean DROP %s "
                        "%.*s?",
                        STR_ARG(text), is_materialized ? "materialized view" : "view",
                        is_materialized ? "MATERIALIZED VIEW" : "VIEW", STR_ARG(text));
    return s->if_exists ? 0
                        : ddl_fail(err, ERR_TABLE_NOT_FOUND, s, "Table '%.*s' does not exist", STR_ARG(text));
}

int ddl_drop_table(StatementContext *context, const Statement *s, Error *err)
{
    Str parts[3];
    Error e = {0};
    if (catalogs_resolve_name(context, &s->name, 3, parts, err))
        return -1;
    DdlName name = {parts[0], parts[1], parts[2], namespace_of_schema(parts[1], context->arena)};
    const Connector *connector = catalogs_connector(context->catalogs, parts[0]);
    if (connector && connector != &iceberg_connector)
        return err_set(err, ERR_NOT_SUPPORTED, "This connector does not support dropping tables");
    if (connector && !catalog_drop_table(context->catalogs->catalog, name.namespace_, name.table, true,
                                         context->arena, &e)) {
        table_cache_drop(context->catalogs->tables, name.namespace_, name.table);
        return 0;
    }
    if (!connector || e.code == ERR_NO_SUCH_TABLE || e.code == ERR_NO_SUCH_NAMESPACE)
        return no_table_to_drop(context, s, &name, err);
    if (err)
        *err = e;
    return -1;
}

int ddl_rename_table(StatementContext *context, const Statement *s, Error *err)
{
    DdlName from, to;
    Error e;
    bool exists;
    CatalogClient *catalog = context->catalogs->catalog;
    if (ddl_name(context, &s->name, 3, "renaming tables", &from, err))
        return -1;
    to = from;
    const QualifiedName *target = &s->target;
    to.table = arena_lower(context->arena, target->parts[target->n - 1].text);
    if (target->n > 1)
        to.schema = arena_lower(context->arena, target->parts[target->n - 2].text);
    if (target->n > 2)
        to.catalog = arena_lower(context->arena, target->parts[0].text);
    to.namespace_ = namespace_of_schema(to.schema, context->arena);
    if (!str_eq(to.catalog, from.catalog))
        return ddl_fail(err, ERR_NOT_SUPPORTED, s, "Table rename across catalogs is not supported");
    if (catalog_table_exists(catalog, from.namespace_, from.table, context->arena, &exists, err))
        return -1;
    if (!exists)
        return s->if_exists ? 0
                            : ddl_fail(err, ERR_TABLE_NOT_FOUND, s, "Table '%.*s' does not exist",
                                       STR_ARG(full_name(context, &from)));
    if (!catalog_rename_table(catalog, from.namespace_, from.table, to.namespace_, to.table, context->arena,
                              &e)) {
        table_cache_drop(context->catalogs->tables, from.namespace_, from.table);
        table_cache_drop(context->catalogs->tables, to.namespace_, to.table);
        return 0;
    }
    if (e.code == ERR_ALREADY_EXISTS)
        return ddl_fail(err, ERR_TABLE_ALREADY_EXISTS, s, "Target table '%.*s' already exists",
                        STR_ARG(full_name(context, &to)));
    if (e.code == ERR_NO_SUCH_NAMESPACE)
        return ddl_fail(err, ERR_SCHEMA_NOT_FOUND, s, "Target schema '%.*s' does not exist",
                        STR_ARG(to.schema));
    if (err)
        *err = e;
    return -1;
}

static int truncate_table(StatementContext *context, const Statement *s, Error *err)
{
    Str parts[3];
    const TableHandle *handle;
    if (catalogs_resolve_name(context, &s->name, 3, parts, err) ||
        catalogs_get_table(context, parts[0], parts[1], parts[2], NULL, context->arena, &handle, err))
        return -1;
    if (!handle)
        return ddl_fail(err, ERR_TABLE_NOT_FOUND, s, "Table '%.*s' does not exist",
                        STR_ARG(table_name_text(context->arena, parts[0], parts[1], parts[2])));
    if (handle->ops != &iceberg_ops)
        return err_set(err, ERR_NOT_SUPPORTED, "This connector does not support truncating tables");
    return catalogs_truncate(context, handle, err);
}

/* ---- dispatch ---- */

static const struct {
    StatementKind kind;
    int (*run)(StatementContext *context, const Statement *s, Error *err);
} kinds[] = {
    {STMT_CREATE_SCHEMA, ddl_create_schema},   {STMT_DROP_SCHEMA, ddl_drop_schema},
    {STMT_CREATE_TABLE, ddl_create_table},     {STMT_DROP_TABLE, ddl_drop_table},
    {STMT_RENAME_TABLE, ddl_rename_table},     {STMT_COMMENT, ddl_comment},
    {STMT_ADD_COLUMN, ddl_add_column},         {STMT_DROP_COLUMN, ddl_drop_column},
    {STMT_RENAME_COLUMN, ddl_rename_column},   {STMT_SET_COLUMN_TYPE, ddl_set_column_type},
    {STMT_SET_PROPERTIES, ddl_set_properties}, {STMT_TRUNCATE, truncate_table},
    {STMT_CREATE_BRANCH, ddl_create_branch},   {STMT_DROP_BRANCH, ddl_drop_branch},
    {STMT_FAST_FORWARD_BRANCH, ddl_fast_forward_branch},
};

static const struct {
    StatementKind kind;
    int (*run)(StatementContext *context, const Statement *s, const Analysis *analysis, Error *err);
} view_kinds[] = {
    {STMT_CREATE_VIEW, ddl_create_view},
    {STMT_DROP_VIEW, ddl_drop_view},
    {STMT_RENAME_VIEW, ddl_rename_view},
    {STMT_CREATE_MATERIALIZED_VIEW, ddl_create_materialized},
    {STMT_DROP_MATERIALIZED_VIEW, ddl_drop_materialized},
    {STMT_RENAME_MATERIALIZED_VIEW, ddl_rename_materialized},
    {STMT_SET_MATERIALIZED_VIEW_PROPERTIES, ddl_set_materialized_properties},
};

int catalogs_run_ddl(StatementContext *context, const Statement *statement, const Analysis *analysis,
                     Error *err)
{
    for (size_t i = 0; i < sizeof view_kinds / sizeof *view_kinds; i++)
        if (view_kinds[i].kind == statement->kind)
            return view_kinds[i].run(context, statement, analysis, err);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == statement->kind)
            return kinds[i].run(context, statement, err);
    return ddl_fail(err, ERR_NOT_SUPPORTED, statement, "This statement is not supported");
}
