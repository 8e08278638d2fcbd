/* iceberg_materialized_ddl.c - CREATE, DROP, ALTER MATERIALIZED VIEW. The table of the rows is made before
 * the view that names it and dropped after it: whoever sees the view finds the table. */
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_materialized.h"
#include "query/connector/iceberg_refresh.h"

static Str full_name(StatementContext *context, const DdlName *name)
{
    return table_name_text(context->arena, name->catalog, name->schema, name->table);
}

static int find(StatementContext *context, const DdlName *name, const TableHandle **ret, Error *err)
{
    return catalogs_get_table(context, name->catalog, name->schema, name->table, NULL, context->arena, ret,
                              err);
}

/* ---- CREATE ---- */

typedef struct Creation {
    StatementContext *context;
    const Statement *statement;
    const Analysis *analysis;
    DdlName name, storage;
    const Property *properties; /* of the table */
    size_t n_properties;
} Creation;

/* storage_schema is ours, all others are the table's. */
static int split_properties(Creation *c, Error *err)
{
    const Statement *s = c->statement;
    Property *rest = arena_array(c->context->arena, Property, s->n_properties + 1);
    c->storage = c->name;
    for (size_t i = 0; i < s->n_properties; i++) {
        const Property *p = &s->properties[i];
        if (!str_eq_nocase(p->name.text, STR("storage_schema"))) {
            rest[c->n_properties++] = *p;
            continue;
        }
        if (!property_text(p->value, &c->storage.schema))
            return err_set_sql(err, ERR_INVALID_MATERIALIZED_VIEW_PROPERTY, p->pos.line, p->pos.column,
                               "Invalid value for catalog '%.*s' materialized view property "
                               "'storage_schema': Cannot convert the value to varchar",
                               STR_ARG(c->name.catalog));
        c->storage.schema = arena_lower(c->context->arena, c->storage.schema);
    }
    c->properties = rest;
    return 0;
}

static int choose_storage_name(Creation *c, Error *err)
{
    Arena *arena = c->context->arena;
    bool exists;
    c->storage.namespace_ = namespace_of_schema(c->storage.schema, arena);
    c->storage.table =
        arena_printf(arena, "%.*s" MATERIALIZED_STORAGE_MARK, STR_ARG(c->name.table));
    if (catalog_table_exists(c->context->catalogs->catalog, c->storage.namespace_, c->storage.table, arena,
                             &exists, err))
        return -1;
    if (exists)
        c->storage.table =
            arena_printf(arena, "%.*s_%08x", STR_ARG(c->storage.table), (unsigned)(rng_u64() & 0xffffffff));
    return 0;
}

static int create_storage(Creation *c, Error *err)
{
    NewTableParts parts;
    Error e;
    size_t n = c->analysis->n_columns;
    NewColumn *columns = arena_array(c->context->arena, NewColumn, n + 1);
    for (size_t i = 0; i < n; i++)
        columns[i] = (NewColumn){.name = c->analysis->columns[i].name,
                                 .comment = STR_NULL,
                                 .type = c->analysis->columns[i].type};
    if (ddl_new_table(c->context, c->name.catalog, NULL, columns, n, c->properties, c->n_properties, STR_NULL,
                      &parts, err))
        return -1;
    if (!ddl_create_new(c->context, &c->storage, &parts, &e))
        return 0;
    if (e.code == ERR_NO_SUCH_NAMESPACE)
        return ddl_fail(err, ERR_SCHEMA_NOT_FOUND, c->statement, "Schema '%.*s' does not exist",
                        STR_ARG(c->storage.schema));
    if (err)
        *err = e;
    return -1;
}

static void drop_storage(StatementContext *context, Str schema, Str table)
{
    Error e;
    Str namespace_ = namespace_of_schema(schema, context->arena);
    if (catalog_drop_table(context->catalogs->catalog, namespace_, table, true, context->arena, &e) &&
        e.code != ERR_NO_SUCH_TABLE)
        log_warn("query.materialized_view.storage", L_STR("table", table), L_ERR(&e));
    table_cache_drop(context->catalogs->tables, namespace_, table);
}

static Str column_types(Creation *c)
{
    Arena *arena = c->context->arena;
    Buf out = BUF_INIT(16 << 20);
    for (size_t i = 0; i < c->analysis->n_columns; i++)
        buf_printf(&out, "%s%.*s", i ? "\n" : "",
                   STR_ARG(sql_type_name(c->analysis->columns[i].type, arena)));
    Str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static CatalogProperties view_properties(Creation *c)
{
    const Statement *s = c->statement;
    Arena *arena = c->context->arena;
    IceProperty *p = arena_array(arena, IceProperty, 8);
    size_t n = 0;
    p[n++] = (IceProperty){STR("trino_query_id"), c->context->query_id};
    p[n++] = (IceProperty){STR(MATERIALIZED_SCHEMA), c->storage.schema};
    p[n++] = (IceProperty){STR(MATERIALIZED_TABLE), c->storage.table};
    p[n++] = (IceProperty){STR(MATERIALIZED_TYPES), column_types(c)};
    p[n++] = (IceProperty){STR(MATERIALIZED_WHEN_STALE),
                           s->when_stale == WHEN_STALE_FAIL ? STR("FAIL") : STR("INLINE")};
    if (s->grace_period_ms >= 0)
        p[n++] = (IceProperty){STR(MATERIALIZED_GRACE_MS),
                               arena_printf(arena, "%lld", (long long)s->grace_period_ms)};
    if (s->comment.ptr)
        p[n++] = (IceProperty){STR("comment"), s->comment};
    return (CatalogProperties){p, n};
}

static int create_view(Creation *c, const TableHandle *before, Error *err)
{
    CatalogNewView view;
    CatalogClient *catalog = c->context->catalogs->catalog;
    if (ddl_view_of(c->context, c->statement, c->analysis, &c->name, &view, err))
        return -1;
    view.properties = view_properties(c);
    return before ? catalog_replace_view(catalog, &view, before->data, c->context->arena, err)
                  : catalog_create_view(catalog, &view, c->context->arena, err);
}

static int check_name_is_free(Creation *c, const TableHandle *before, bool *ret_done, Error *err)
{
    const Statement *s = c->statement;
    *ret_done = false;
    if (!before)
        return 0;
    if (!view_is_materialized(before))
        return ddl_fail(err, ERR_TABLE_ALREADY_EXISTS, s, "%s already exists: '%.*s'",
                        before->ops == &iceberg_view_ops ? "View" : "Table",
                        STR_ARG(full_name(c->context, &c->name)));
    *ret_done = s->if_not_exists;
    if (*ret_done || s->or_replace)
        return 0;
    return err_set(err, ERR_TRINO_ALREADY_EXISTS, "Materialized view already exists: %.*s.%.*s",
                   STR_ARG(c->name.schema), STR_ARG(c->name.table));
}

int ddl_create_materialized(StatementContext *context, const Statement *s, const Analysis *analysis,
                            Error *err)
{
    Creation c = {.context = context, .statement = s, .analysis = analysis};
    const TableHandle *before;
    bool done;
    if (ddl_name(context, &s->name, 3, "creating materialized views", &c.name, err) ||
        find(context, &c.name, &before, err) || check_name_is_free(&c, before, &done, err))
        return -1;
    if (done)
        return 0;
    if (split_properties(&c, err) || choose_storage_name(&c, err) || create_storage(&c, err))
        return -1;
    if (create_view(&c, before, err)) {
        drop_storage(context, c.storage.schema, c.storage.table);
        return -1;
    }
    if (before)
        drop_storage(context, view_property(before->data, MATERIALIZED_SCHEMA, before->schema),
                     view_property(before->data, MATERIALIZED_TABLE, STR("")));
    return 0;
}

/* ---- DROP, RENAME, SET PROPERTIES ---- */

static int no_such_view(StatementContext *context, const Statement *s, const DdlName *name,
                        const TableHandle *found, ErrCode code, Error *err)
{
    Str text = full_name(context, name);
    bool is_view = found && found->ops == &iceberg_view_ops;
    if (!found)
        return ddl_fail(err, code, s, "Materialized view '%.*s' does not exist", STR_ARG(text));
    return ddl_fail(err, code, s,
                    "Materialized view '%.*s' does not exist, but a %s with that name exists. Did you mean "
                    "%s %s %.*s%s?",
                    STR_ARG(text), is_view ? "view" : "table",
                    s->kind == STMT_DROP_MATERIALIZED_VIEW ? "DROP" : "ALTER", is_view ? "VIEW" : "TABLE",
                    STR_ARG(text), s->kind == STMT_DROP_MATERIALIZED_VIEW ? "" : " ...");
}

int ddl_drop_materialized(StatementContext *context, const Statement *s, const Analysis *analysis, Error *err)
{
    DdlName name;
    const TableHandle *found;
    (void)analysis;
    if (ddl_name(context, &s->name, 3, "dropping materialized views", &name, err) ||
        find(context, &name, &found, err))
        return -1;
    if (!found && s->if_exists)
        return 0;
    if (!view_is_materialized(found))
        return no_such_view(context, s, &name, found, ERR_GENERIC_USER_ERROR, err);
    if (catalog_drop_view(context->catalogs->catalog, name.namespace_, name.table, context->arena, err))
        return -1;
    drop_storage(context, view_property(found->data, MATERIALIZED_SCHEMA, found->schema),
                 view_property(found->data, MATERIALIZED_TABLE, STR("")));
    return 0;
}

int ddl_rename_materialized(StatementContext *context, const Statement *s, const Analysis *analysis,
                            Error *err)
{
    DdlName name, to;
    const TableHandle *found, *there;
    (void)analysis;
    if (ddl_name(context, &s->name, 3, "renaming materialized views", &name, err) ||
        find(context, &name, &found, err))
        return -1;
    if (!found && s->if_exists)
        return 0;
    if (!view_is_materialized(found))
        return no_such_view(context, s, &name, found,
                            found ? ERR_GENERIC_USER_ERROR : ERR_TABLE_NOT_FOUND, err);
    if (ddl_name(context, &s->target, 3, "renaming materialized views", &to, err) ||
        find(context, &to, &there, err))
        return -1;
    if (there)
        return ddl_fail(err, ERR_TABLE_ALREADY_EXISTS, s, "Target %s '%.*s' already exists",
                        view_is_materialized(there)             ? "materialized view"
                        : there->ops == &iceberg_view_ops ? "view"
                                                          : "table",
                        STR_ARG(full_name(context, &to)));
    return catalog_rename_view(context->catalogs->catalog, name.namespace_, name.table, to.namespace_,
                               to.table, context->arena, err);
}

/* They are those of the table behind. */
int ddl_set_materialized_properties(StatementContext *context, const Statement *s, const Analysis *analysis,
                                    Error *err)
{
    DdlName name;
    const TableHandle *found;
    (void)analysis;
    if (ddl_name(context, &s->name, 3, "setting materialized view properties", &name, err) ||
        find(context, &name, &found, err))
        return -1;
    if (!view_is_materialized(found))
        return ddl_fail(err, ERR_TABLE_NOT_FOUND, s, "Materialized view '%.*s' does not exist",
                        STR_ARG(full_name(context, &name)));
    for (size_t i = 0; i < s->n_properties; i++)
        if (str_eq_nocase(s->properties[i].name.text, STR("storage_schema")))
            return err_set(err, ERR_NOT_SUPPORTED,
                           "The following properties cannot be updated: storage_schema");
    Statement on_table = *s;
    Ident *parts = arena_array(context->arena, Ident, 3);
    parts[0] = (Ident){.text = found->catalog};
    parts[1] = (Ident){.text = view_property(found->data, MATERIALIZED_SCHEMA, found->schema)};
    parts[2] = (Ident){.text = view_property(found->data, MATERIALIZED_TABLE, STR(""))};
    on_table.name.parts = parts;
    on_table.name.n = 3;
    return ddl_set_properties(context, &on_table, err);
}
