/* iceberg_views.c - views as handles, and the statements that change them. Source: Iceberg view spec; Trino
 * 483 for texts of errors and the properties that its REST catalog writes. */
#include "query/connector/iceberg_views.h"

#include <stdlib.h>

#include "base/clock.h"
#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_materialized.h"
#include "query/connector/iceberg_types.h"
#include "query/sql/parser.h"
#include "query/sql/print.h"

#define OWNER "trino.run-as-owner"

static int refuse_scan(EmitContext *emit, const TableHandle *handle, const Relation *relation, Buf *out,
                       Error *err)
{
    (void)emit, (void)relation, (void)out;
    return err_set(err, ERR_INTERNAL, "the view %.*s was not expanded", STR_ARG(handle->table));
}

const ConnectorOps iceberg_view_ops = {"iceberg_view", refuse_scan};

/* ---- reading ---- */

static int fill_columns(const ViewMetadata *view, TableHandle *handle, Arena *arena, Error *err)
{
    const IceViewVersion *version = view_current_version(view);
    const IceSchema *schema = version ? view_schema(view, version->schema_id) : NULL;
    if (!schema)
        return err_set(err, ERR_ICEBERG_INVALID_METADATA, "the view has no schema");
    TableColumn *columns = arena_array(arena, TableColumn, schema->n_fields + 1);
    for (size_t i = 0; i < schema->n_fields; i++) {
        columns[i] = (TableColumn){.name = arena_lower(arena, schema->fields[i].name),
                                   .comment = schema->fields[i].doc,
                                   .extra = STR("")};
        if (ice_to_sql_type(schema->fields[i].type, arena, &columns[i].type, err))
            return -1;
    }
    handle->columns = columns;
    handle->n_columns = schema->n_fields;
    return 0;
}

int iceberg_view_handle(StatementContext *context, Str catalog, Str schema, Str name, const TableHandle **ret,
                        Error *err)
{
    Error e;
    const ViewMetadata *view;
    Arena *arena = context->arena;
    *ret = NULL;
    if (catalog_load_view(context->catalogs->catalog, namespace_of_schema(schema, arena), name, arena, &view,
                          &e)) {
        if (e.code == ERR_NO_SUCH_VIEW || e.code == ERR_NO_SUCH_NAMESPACE || e.code == ERR_NOT_FOUND ||
            e.code == ERR_NO_SUCH_TABLE)
            return 0;
        if (err)
            *err = e;
        return -1;
    }
    TableHandle *handle = arena_new_of(arena, TableHandle);
    *handle = (TableHandle){.ops = &iceberg_view_ops,
                            .catalog = arena_str(arena, catalog),
                            .schema = arena_str(arena, schema),
                            .table = arena_str(arena, name),
                            .comment = view_property(view, "comment", STR_NULL),
                            .data = (void *)view};
    if (fill_columns(view, handle, arena, err) ||
        (view_is_materialized(handle) &&
         materialized_column_types(handle, (TableColumn *)handle->columns, handle->n_columns, arena, err)))
        return err_prefix(err, "view %.*s", STR_ARG(name));
    *ret = handle;
    return 0;
}

static Str joined_levels(const Json *levels, Arena *arena)
{
    Str text = STR("");
    for (size_t i = 0; levels && levels->type == JSON_ARRAY && i < levels->array.n; i++)
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i ? "." : "",
                            STR_ARG(levels->array.items[i]->text));
    return text;
}

int iceberg_view_definition(const TableHandle *handle, Arena *arena, ViewDefinition *ret, Error *err)
{
    const ViewMetadata *view = handle->data;
    const IceViewVersion *version = view_current_version(view);
    Str other = STR("");
    for (size_t i = 0; i < version->n_representations; i++) {
        const IceViewRepresentation *r = &version->representations[i];
        if (!str_eq_nocase(r->dialect, STR("trino"))) {
            other = r->dialect;
            continue;
        }
        Str schema = joined_levels(version->default_namespace, arena);
        *ret = (ViewDefinition){.sql = r->sql,
                                .catalog =
                                    version->default_catalog.ptr ? version->default_catalog : handle->catalog,
                                .schema = schema.len ? schema : handle->schema,
                                .n_columns = handle->n_columns};
        return 0;
    }
    return err_set(err, ERR_NOT_SUPPORTED, "Cannot read unsupported dialect '%.*s' for view '%.*s.%.*s'",
                   STR_ARG(other), STR_ARG(handle->schema), STR_ARG(handle->table));
}

bool iceberg_view_is_invoker(const TableHandle *handle)
{
    return !view_property(handle->data, OWNER, STR_NULL).ptr;
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

int iceberg_list_views(StatementContext *context, Str schema, Arena *arena, const Str **ret, size_t *ret_n,
                       Error *err)
{
    CatalogNames names = {0};
    Error e;
    if (catalog_list_views(context->catalogs->catalog, namespace_of_schema(schema, arena), arena, &names,
                           &e) &&
        e.code != ERR_NO_SUCH_NAMESPACE) {
        if (err)
            *err = e;
        return -1;
    }
    Str *views = arena_array(arena, Str, names.n + 1);
    for (size_t i = 0; i < names.n; i++)
        views[i] = arena_lower(arena, names.items[i]);
    qsort(views, names.n, sizeof *views, compare_names);
    *ret = views;
    *ret_n = names.n;
    return 0;
}

/* ---- CREATE VIEW ---- */

static Str full_name(StatementContext *context, const DdlName *name)
{
    return table_name_text(context->arena, name->catalog, name->schema, name->table);
}

static int find(StatementContext *context, const DdlName *name, const TableHandle **ret, Error *err)
{
    return catalogs_get_table(context, name->catalog, name->schema, name->table, NULL, context->arena, ret,
                              err);
}

static int make_schema(StatementContext *context, const Analysis *analysis, IceSchema **ret, Error *err)
{
    Arena *arena = context->arena;
    IceSchema *schema = arena_new_of(arena, IceSchema);
    IceField *fields = arena_array(arena, IceField, analysis->n_columns + 1);
    int32_t next_id = (int32_t)analysis->n_columns + 1;
    for (size_t i = 0; i < analysis->n_columns; i++) {
        fields[i] = (IceField){.id = (int32_t)i + 1, .name = analysis->columns[i].name};
        if (sql_to_ice_type(analysis->columns[i].type, 3, &next_id, arena, &fields[i].type, err))
            return -1;
    }
    *schema = (IceSchema){.fields = fields, .n_fields = analysis->n_columns};
    *ret = schema;
    return 0;
}

/* The text as printed from a tree that the analyzer has not touched. */
static int view_text(StatementContext *context, const Statement *s, Str *ret, Error *err)
{
    Statement *fresh;
    Buf out = BUF_INIT(16 << 20);
    if (sql_parse(s->text, context->arena, &fresh, err))
        return -1;
    sql_print_query(&out, fresh->query);
    int r = buf_check(&out, err);
    if (!r)
        *ret = arena_str(context->arena, buf_str(&out));
    buf_free(&out);
    return r;
}

static CatalogProperties view_properties(StatementContext *context, Str comment, bool is_invoker)
{
    IceProperty *items = arena_array(context->arena, IceProperty, 4);
    size_t n = 0;
    items[n++] = (IceProperty){STR("trino_query_id"), context->query_id};
    if (comment.ptr)
        items[n++] = (IceProperty){STR("comment"), comment};
    if (!is_invoker)
        items[n++] = (IceProperty){STR(OWNER), context->session->user};
    return (CatalogProperties){items, n};
}

int ddl_view_of(StatementContext *context, const Statement *s, const Analysis *analysis, const DdlName *name,
                CatalogNewView *ret, Error *err)
{
    IceSchema *schema;
    Str text;
    const AnalyzerSession *session = context->session;
    if (make_schema(context, analysis, &schema, err) || view_text(context, s, &text, err))
        return -1;
    *ret = (CatalogNewView){
        .namespace_ = name->namespace_,
        .name = name->table,
        .schema = schema,
        .sql = text,
        .dialect = STR("trino"),
        .default_catalog = session->catalog,
        .default_namespace =
            session->schema.len ? namespace_of_schema(session->schema, context->arena) : STR(""),
        .timestamp_ms = clock_now_ms()};
    return 0;
}

int ddl_create_view(StatementContext *context, const Statement *s, const Analysis *analysis, Error *err)
{
    DdlName name;
    const TableHandle *before;
    CatalogNewView view;
    if (ddl_name(context, &s->name, 3, "creating views", &name, err) || find(context, &name, &before, err))
        return -1;
    bool is_view = before && before->ops == &iceberg_view_ops;
    if (view_is_materialized(before))
        return ddl_fail(err, ERR_TABLE_ALREADY_EXISTS, s, "Materialized view already exists: '%.*s'",
                        STR_ARG(full_name(context, &name)));
    if (before && !is_view)
        return ddl_fail(err, ERR_TABLE_ALREADY_EXISTS, s, "Table already exists: '%.*s'",
                        STR_ARG(full_name(context, &name)));
    if (before && !s->or_replace)
        return ddl_fail(err, ERR_TABLE_ALREADY_EXISTS, s, "View already exists: '%.*s'",
                        STR_ARG(full_name(context, &name)));
    if (ddl_view_of(context, s, analysis, &name, &view, err))
        return -1;
    view.properties = view_properties(context, s->comment, s->view_security_invoker);
    Error e;
    int r = is_view
                ? catalog_replace_view(context->catalogs->catalog, &view, before->data, context->arena, &e)
                : catalog_create_view(context->catalogs->catalog, &view, context->arena, &e);
    if (r && e.code == ERR_NO_SUCH_NAMESPACE)
        return ddl_fail(err, ERR_SCHEMA_NOT_FOUND, s, "Schema '%.*s' does not exist", STR_ARG(name.schema));
    if (r && err)
        *err = e;
    return r;
}

/* ---- DROP, RENAME, COMMENT ---- */

static int no_such_view(StatementContext *context, const Statement *s, const DdlName *name,
                        const TableHandle *found, Error *err)
{
    Str text = full_name(context, name);
    bool is_materialized = view_is_materialized(found);
    if (found)
        return ddl_fail(err, ERR_GENERIC_USER_ERROR, s,
                        "View '%.*s' does not exist, but a %s with that name exists. Did you mean DROP %s "
                        "%.*s?",
                        STR_ARG(text), is_materialized ? "materialized view" : "table",
                        is_materialized ? "MATERIALIZED VIEW" : "TABLE", STR_ARG(text));
    return ddl_fail(err, ERR_GENERIC_USER_ERROR, s, "View '%.*s' does not exist", STR_ARG(text));
}

int ddl_drop_view(StatementContext *context, const Statement *s, const Analysis *analysis, Error *err)
{
    DdlName name;
    const TableHandle *found;
    (void)analysis;
    if (ddl_name(context, &s->name, 3, "dropping views", &name, err) || find(context, &name, &found, err))
        return -1;
    if (!found && s->if_exists)
        return 0;
    if (!found || found->ops != &iceberg_view_ops || view_is_materialized(found))
        return no_such_view(context, s, &name, found, err);
    return catalog_drop_view(context->catalogs->catalog, name.namespace_, name.table, context->arena, err);
}

int ddl_rename_view(StatementContext *context, const Statement *s, const Analysis *analysis, Error *err)
{
    DdlName name, to;
    const TableHandle *found, *there;
    (void)analysis;
    if (ddl_name(context, &s->name, 3, "renaming views", &name, err) ||
        ddl_name(context, &s->target, 3, "renaming views", &to, err) || find(context, &name, &found, err) ||
        find(context, &to, &there, err))
        return -1;
    if (!found || found->ops != &iceberg_view_ops || view_is_materialized(found))
        return ddl_fail(err, ERR_TABLE_NOT_FOUND, s, "View '%.*s' does not exist",
                        STR_ARG(full_name(context, &name)));
    if (there)
        return ddl_fail(err, ERR_TABLE_ALREADY_EXISTS, s, "Target view '%.*s' already exists",
                        STR_ARG(full_name(context, &to)));
    return catalog_rename_view(context->catalogs->catalog, name.namespace_, name.table, to.namespace_,
                               to.table, context->arena, err);
}

static CatalogProperties with_comment(StatementContext *context, const ViewMetadata *view, Str comment)
{
    IceProperty *items = arena_array(context->arena, IceProperty, view->n_properties + 1);
    size_t n = 0;
    for (size_t i = 0; i < view->n_properties; i++)
        if (!str_is(view->properties[i].key, "comment"))
            items[n++] = view->properties[i];
    if (comment.ptr)
        items[n++] = (IceProperty){STR("comment"), comment};
    return (CatalogProperties){items, n};
}

/* The same version again, with another comment of the view or of one of its columns. */
int ddl_comment_view(StatementContext *context, const Statement *s, const TableHandle *handle, Str column,
                     Error *err)
{
    const ViewMetadata *base = handle->data;
    const IceViewVersion *version = view_current_version(base);
    const IceSchema *before = view_schema(base, version->schema_id);
    ViewDefinition definition;
    IceSchema *schema = arena_new_of(context->arena, IceSchema);
    IceField *fields = arena_array(context->arena, IceField, before->n_fields + 1);
    bool found = !column.ptr;
    if (iceberg_view_definition(handle, context->arena, &definition, err))
        return -1;
    memcpy(fields, before->fields, before->n_fields * sizeof *fields);
    for (size_t i = 0; column.ptr && i < before->n_fields; i++)
        if (str_eq_nocase(fields[i].name, column)) {
            fields[i].doc = s->comment;
            found = true;
        }
    if (!found)
        return ddl_fail(err, ERR_COLUMN_NOT_FOUND, s, "Column does not exist: %.*s", STR_ARG(column));
    *schema = (IceSchema){.fields = fields, .n_fields = before->n_fields};
    CatalogNewView view = {
        .namespace_ = namespace_of_schema(handle->schema, context->arena),
        .name = handle->table,
        .schema = schema,
        .sql = definition.sql,
        .dialect = STR("trino"),
        .default_catalog = definition.catalog,
        .default_namespace = namespace_of_schema(definition.schema, context->arena),
        .properties = with_comment(context, base, column.ptr ? handle->comment : s->comment),
        .timestamp_ms = clock_now_ms()};
    return catalog_replace_view(context->catalogs->catalog, &view, base, context->arena, err);
}
