/* system_tables.c - the system catalog: what the server knows of itself. */
#include "query/analyzer/functions.h"
#include "query/connector/system_fill.h"
#include "query/connector/table_properties.h"

typedef struct SystemTable {
    const char *schema, *name, *columns;
    SystemFill fill;
} SystemTable;
static const SystemTable tables[] = {
#define S(schema, name, columns, fill) {schema, name, columns, fill},
#include "query/connector/system_tables.def"
#undef S
};
enum { N_TABLES = sizeof tables / sizeof *tables };
static const char *const schema_names[] = {"jdbc", "metadata", "runtime"};
enum { N_SCHEMAS = sizeof schema_names / sizeof *schema_names };

/* ---- metadata ---- */

int metadata_functions(Walk *w, Error *err)
{
    static const char *const kinds[] = {
        [FUNCTION_SCALAR] = "scalar", [FUNCTION_AGGREGATE] = "aggregate", [FUNCTION_WINDOW] = "window"};
    size_t n;
    const FunctionDef *defs = function_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (defs[i].name[0] == '$')
            continue;
        rows_add(w->rows);
        row_text(w->rows, 0, str_from(defs[i].name));
        row_text(w->rows, 1, function_return_text(&defs[i], w->context->arena));
        row_text(w->rows, 2, function_arguments_text(&defs[i], w->context->arena));
        row_text(w->rows, 3, str_from(kinds[defs[i].kind]));
        row_bool(w->rows, 4, defs[i].deterministic);
        row_text(w->rows, 5, str_from(defs[i].description));
    }
    return arena_check(w->context->arena, err);
}

static void add_property(Walk *w, const char *name, const char *default_value, const char *type,
                         const char *description)
{
    rows_add(w->rows);
    row_text(w->rows, 0, w->context->catalogs->options.iceberg_name);
    row_text(w->rows, 1, str_from(name));
    row_text(w->rows, 2, str_from(default_value));
    row_text(w->rows, 3, str_from(type));
    row_text(w->rows, 4, str_from(description));
}

int metadata_analyze_properties(Walk *w, Error *err)
{
    (void)err;
    add_property(w, "columns", "", "array(varchar)", "Columns to be analyzed");
    return 0;
}

int metadata_schema_properties(Walk *w, Error *err)
{
    (void)err;
    add_property(w, "location", "", "varchar", "Base file system location URI");
    return 0;
}

int metadata_table_properties(Walk *w, Error *err)
{
    (void)err;
    for (size_t i = 0; i < n_table_property_defs; i++) {
        const PropertyDef *p = &table_property_defs[i];
        add_property(w, p->name, p->default_value, p->type, p->description);
    }
    return 0;
}

int metadata_catalogs(Walk *w, Error *err)
{
    const Str *names;
    size_t n;
    if (catalogs_names(w->context->catalogs, w->context->arena, &names, &n, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        rows_add(w->rows);
        row_text(w->rows, 0, names[i]);
        row_text(w->rows, 1, names[i]);
        row_text(w->rows, 2, str_from(catalogs_connector(w->context->catalogs, names[i])->name));
        row_text(w->rows, 3, STR("OPERATIONAL"));
    }
    return 0;
}

static int add_comment(Walk *w, Str catalog, Str schema, Str table, const TableHandle *handle, Error *err)
{
    rows_add(w->rows);
    row_text(w->rows, 0, catalog);
    row_text(w->rows, 1, schema);
    row_text(w->rows, 2, table);
    row_text(w->rows, 3, handle->comment);
    return arena_check(w->context->arena, err);
}

int metadata_table_comments(Walk *w, Error *err)
{
    w->columns = (NameColumns){0, 1, 2};
    w->on_table = add_comment;
    w->with_tables = true;
    return metadata_walk(w, err);
}

/* ---- runtime ---- */

int runtime_nodes(Walk *w, Error *err)
{
    const CatalogsOptions *o = &w->context->catalogs->options;
    (void)err;
    rows_add(w->rows);
    row_text(w->rows, 0, o->node_id);
    row_text(w->rows, 1, o->node_uri);
    row_text(w->rows, 2, STR("483"));
    row_bool(w->rows, 3, true);
    row_text(w->rows, 4, STR("active"));
    return 0;
}

static void add_query(void *arg, const QueryInfo *q)
{
    Walk *w = arg;
    const int64_t times[] = {q->created_us, q->started_us, q->last_heartbeat_us, q->end_us};
    rows_add(w->rows);
    row_text(w->rows, 0, q->query_id);
    row_text(w->rows, 1, q->state);
    row_text(w->rows, 2, q->user);
    row_text(w->rows, 3, q->source.len ? q->source : STR_NULL);
    row_text(w->rows, 4, q->query);
    row_sql(w->rows, 5, STR("['global']"));
    row_int(w->rows, 6, q->queued_ms);
    row_int(w->rows, 7, q->analysis_ms);
    row_int(w->rows, 8, 0);
    for (size_t i = 0; i < 4; i++)
        row_instant(w->rows, 9 + i, times[i] / 1000 * 1000);
    row_text(w->rows, 13, q->error_type.len ? q->error_type : STR_NULL);
    row_text(w->rows, 14, q->error_code.len ? q->error_code : STR_NULL);
}

int runtime_queries(Walk *w, Error *err)
{
    const CatalogsOptions *o = &w->context->catalogs->options;
    if (o->each_query)
        o->each_query(o->each_query_arg, add_query, w);
    return arena_check(w->context->arena, err);
}

/* ---- the connector ---- */

static int emit_scan(EmitContext *emit, const TableHandle *handle, const Relation *relation, Buf *out,
                     Error *err)
{
    const SystemTable *table = handle->data;
    RowSet rows = rows_new(emit->arena, handle, relation);
    Walk walk = {.context = emit->statement,
                 .relation = relation,
                 .columns = {-1, -1, -1},
                 .only_catalog = STR_NULL,
                 .rows = &rows};
    if (table->fill && table->fill(&walk, err))
        return -1;
    return rows_emit(&rows, out, err);
}

static bool is_same(const TableHandle *a, const TableHandle *b)
{
    return a->data == b->data;
}

static const ConnectorOps system_ops = {"system", emit_scan, is_same};

static int list_schemas(StatementContext *context, Str catalog, Arena *arena, const Str **ret, size_t *ret_n,
                        Error *err)
{
    Str *names = arena_array(arena, Str, N_SCHEMAS);
    (void)context, (void)catalog, (void)err;
    for (size_t i = 0; i < N_SCHEMAS; i++)
        names[i] = str_from(schema_names[i]);
    *ret = names;
    *ret_n = N_SCHEMAS;
    return 0;
}

static int list_tables(StatementContext *context, Str schema, Arena *arena, const Str **ret, size_t *ret_n,
                       Error *err)
{
    Str *names = arena_array(arena, Str, N_TABLES);
    size_t n = 0;
    (void)context, (void)err;
    for (size_t i = 0; i < N_TABLES; i++)
        if (str_is(schema, tables[i].schema) && tables[i].name[0] != '$')
            names[n++] = str_from(tables[i].name);
    *ret = names;
    *ret_n = n;
    return 0;
}

static int schema_exists(StatementContext *context, Str schema, bool *ret, Error *err)
{
    (void)context, (void)err;
    *ret = false;
    for (size_t i = 0; i < N_SCHEMAS; i++)
        *ret = *ret || str_is(schema, schema_names[i]);
    return 0;
}

static int get_table(StatementContext *context, Str catalog, Str schema, Str table, const Relation *reference,
                     Arena *arena, const TableHandle **ret, Error *err)
{
    (void)context, (void)reference, (void)err;
    *ret = NULL;
    for (size_t i = 0; i < N_TABLES; i++) {
        if (!str_is(schema, tables[i].schema) || !str_is(table, tables[i].name))
            continue;
        TableHandle *handle = arena_new_of(arena, TableHandle);
        *handle = (TableHandle){.ops = &system_ops,
                                .catalog = arena_str(arena, catalog),
                                .schema = str_from(tables[i].schema),
                                .table = str_from(tables[i].name),
                                .data = (void *)&tables[i]};
        handle->columns = columns_of(arena, tables[i].columns, &handle->n_columns);
        *ret = handle;
    }
    return 0;
}

const Connector system_connector = {"system", list_schemas, list_tables, schema_exists, get_table};
