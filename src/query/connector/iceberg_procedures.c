/* iceberg_procedures.c - ALTER TABLE … EXECUTE and CALL. Source: Trino 483, Iceberg connector, "ALTER TABLE
 * EXECUTE" and "Procedures"; texts of errors as its server's. */
#include "query/connector/iceberg_procedures.h"

#include <assert.h>
#include <stdio.h>

#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_statistics.h"
#include "query/connector/sql_text.h"

enum { ARGS_MAX = 8 };

typedef struct Unit {
    const char *name;
    double factor;
} Unit;
static const Unit durations[] = {{"ns", 1e-6}, {"us", 1e-3},    {"ms", 1},        {"s", 1e3},
                                 {"m", 60e3},  {"h", 3600e3},   {"d", 86400e3},   {NULL, 0}};
static const Unit sizes[] = {{"B", 1},          {"kB", 1024},       {"MB", 1048576}, {"GB", 1073741824.0},
                             {"TB", 1.0995e12}, {"PB", 1.1259e15}, {NULL, 0}};

static bool parse_quantity(Str text, const Unit *units, int64_t *ret)
{
    Str t = str_trim(text);
    size_t n = 0;
    double value;
    while (n < t.len && ((t.ptr[n] >= '0' && t.ptr[n] <= '9') || t.ptr[n] == '.'))
        n++;
    Str unit = str_trim(str_slice(t, n, t.len));
    for (; units->name && n; units++)
        if (str_is(unit, units->name) && !str_to_double(str_slice(t, 0, n), &value, NULL)) {
            value *= units->factor;
            *ret = value > 9e18 ? INT64_MAX : (int64_t)value;
            return true;
        }
    return false;
}

bool procedure_parse_duration(Str text, int64_t *ret_ms)
{
    return parse_quantity(text, durations, ret_ms);
}

void procedure_duration_text(int64_t ms, char *out, size_t size)
{
    size_t unit = sizeof durations / sizeof *durations - 2;
    while (unit > 3 && (double)ms < durations[unit].factor)
        unit--;
    snprintf(out, size, "%.2f%s", (double)ms / durations[unit].factor, durations[unit].name);
}

static Str upper(Arena *arena, Str text)
{
    char *copy = arena_array(arena, char, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = text.ptr[i] >= 'a' && text.ptr[i] <= 'z' ? (char)(text.ptr[i] - 32) : text.ptr[i];
    return str_of(copy, text.len);
}

/* ---- arguments ---- */

static bool take_value(ProcedureArg *arg, const Expr *value)
{
    if (arg->type == ARG_INTEGER)
        return expr_constant_int(value, &arg->number);
    if (arg->type == ARG_BOOLEAN) {
        arg->number = value->kind == EXPR_BOOLEAN && value->boolean;
        return value->kind == EXPR_BOOLEAN;
    }
    if (!expr_constant_text(value, &arg->text))
        return false;
    return arg->type == ARG_TEXT ||
           parse_quantity(arg->text, arg->type == ARG_SIZE ? sizes : durations, &arg->number);
}

static int take_default(ProcedureArg *arg)
{
    if (arg->is_given || !arg->default_text)
        return arg->is_given ? 0 : -1;
    arg->text = str_from(arg->default_text);
    if (arg->type == ARG_DURATION || arg->type == ARG_SIZE)
        parse_quantity(arg->text, arg->type == ARG_SIZE ? sizes : durations, &arg->number);
    else if (arg->type == ARG_INTEGER)
        str_to_i64(arg->text, INT64_MIN, INT64_MAX, &arg->number, NULL);
    return 0;
}

static ProcedureArg *find_arg(ProcedureArg *args, Str name)
{
    for (; args->name; args++)
        if (str_eq_nocase(name, str_from(args->name)))
            return args;
    return NULL;
}

/* `unknown`: "Catalog 'iceberg' table procedure 'OPTIMIZE' property '%s' does not exist". */
static int take_args(const Statement *s, ProcedureArg *args, const char *what, Error *err)
{
    for (size_t i = 0; i < s->n_args; i++) {
        bool is_named = s->arg_names && s->arg_names[i].text.ptr;
        SqlPos pos = is_named ? s->arg_names[i].pos : s->args[i]->pos;
        ProcedureArg *arg = is_named ? find_arg(args, s->arg_names[i].text) : args[i].name ? &args[i] : NULL;
        if (!arg)
            return is_named ? err_set_sql(err, ERR_INVALID_PROCEDURE_ARGUMENT, pos.line, pos.column,
                                          "%s property '%.*s' does not exist", what,
                                          STR_ARG(s->arg_names[i].text))
                            : err_set_sql(err, ERR_INVALID_PROCEDURE_ARGUMENT, pos.line, pos.column,
                                          "Too many arguments for the procedure");
        if (!take_value(arg, s->args[i]))
            return err_set_sql(err, ERR_INVALID_PROCEDURE_ARGUMENT, pos.line, pos.column,
                               "Unable to set %s property '%s' to the given value", what, arg->name);
        arg->is_given = true;
    }
    for (ProcedureArg *arg = args; arg->name; arg++)
        if (take_default(arg))
            return err_set_sql(err, ERR_INVALID_PROCEDURE_ARGUMENT, s->pos.line, s->pos.column,
                               "Required argument '%s' is missing", arg->name);
    return 0;
}

void procedure_metric(Procedure *p, const char *name, int64_t value)
{
    TableMetrics *m = p->metrics;
    assert(m->n < TABLE_METRICS_MAX);
    m->names[m->n] = name;
    m->values[m->n++] = value;
}

/* ---- ALTER TABLE … EXECUTE ---- */

static int run_rollback(Procedure *p, Error *err)
{
    return procedure_rollback(p, p->args[0].number, err);
}

static const struct TableProcedure {
    const char *name;
    int (*run)(Procedure *p, Error *err);
    bool takes_where;
    ProcedureArg args[ARGS_MAX];
} table_procedures[] = {
    {"OPTIMIZE", procedure_optimize, true, {{"file_size_threshold", ARG_SIZE, "100MB"}, {NULL}}},
    {"OPTIMIZE_MANIFESTS", procedure_optimize_manifests, false, {{NULL}}},
    {"EXPIRE_SNAPSHOTS",
     procedure_expire_snapshots,
     false,
     {{"retention_threshold", ARG_DURATION, "7d"},
      {"retain_last", ARG_INTEGER, "1"},
      {"clean_expired_metadata", ARG_BOOLEAN, "false"},
      {NULL}}},
    {"REMOVE_ORPHAN_FILES",
     procedure_remove_orphan_files,
     false,
     {{"retention_threshold", ARG_DURATION, "7d"}, {NULL}}},
    {"ROLLBACK_TO_SNAPSHOT", run_rollback, false, {{"snapshot_id", ARG_INTEGER, NULL}, {NULL}}},
    {"CREATE_TAG",
     procedure_create_tag,
     false,
     {{"name", ARG_TEXT, NULL},
      {"snapshot_id", ARG_INTEGER, "-1"},
      {"max_reference_age", ARG_DURATION, "0s"},
      {NULL}}},
    {"DROP_TAG", procedure_drop_tag, false, {{"name", ARG_TEXT, NULL}, {NULL}}},
    {"DROP_EXTENDED_STATS", procedure_drop_statistics, false, {{NULL}}},
};

static int find_table(StatementContext *context, const Statement *s, Procedure *p, Error *err)
{
    Str parts[3];
    if (catalogs_resolve_name(context, &s->name, 3, parts, err) ||
        catalogs_get_table(context, parts[0], parts[1], parts[2], NULL, context->arena, &p->handle, err))
        return -1;
    if (!p->handle)
        return ddl_fail(err, ERR_TABLE_NOT_FOUND, s, "Table '%.*s' does not exist",
                        STR_ARG(table_name_text(context->arena, parts[0], parts[1], parts[2])));
    if (p->handle->ops != &iceberg_ops)
        return err_set(err, ERR_PROCEDURE_NOT_FOUND, "Table procedure not registered: %.*s",
                       STR_ARG(upper(context->arena, s->target.parts[0].text)));
    p->table = iceberg_table_of(p->handle);
    return 0;
}

int catalogs_table_procedure(StatementContext *context, const Statement *s, const Analysis *analysis,
                             TableMetrics *ret, Error *err)
{
    Procedure p = {.context = context, .statement = s, .arena = context->arena, .metrics = ret};
    Str name = s->target.parts[0].text;
    ProcedureArg args[ARGS_MAX];
    *ret = (TableMetrics){0};
    if (find_table(context, s, &p, err))
        return -1;
    for (size_t i = 0; i < sizeof table_procedures / sizeof *table_procedures; i++) {
        const struct TableProcedure *procedure = &table_procedures[i];
        char what[160];
        if (!str_eq_nocase(name, str_from(procedure->name)))
            continue;
        snprintf(what, sizeof what, "Catalog '%.*s' table procedure '%s'", STR_ARG(p.handle->catalog),
                 procedure->name);
        memcpy(args, procedure->args, sizeof args);
        if (s->where && !procedure->takes_where)
            return err_set_sql(err, ERR_NOT_SUPPORTED, s->where->pos.line, s->where->pos.column,
                               "WHERE not supported for table procedure %s", procedure->name);
        if (take_args(s, args, what, err))
            return -1;
        p.args = args;
        p.where = s->where && analysis->n_tables ? analysis->tables[0].relation : NULL;
        return procedure->run(&p, err);
    }
    if (str_eq_nocase(name, STR("add_files")) || str_eq_nocase(name, STR("add_files_from_table")))
        return ddl_fail(err, ERR_NOT_SUPPORTED, s, "Table procedure %.*s is not supported",
                        STR_ARG(upper(p.arena, name)));
    return err_set(err, ERR_PROCEDURE_NOT_FOUND, "Table procedure not registered: %.*s",
                   STR_ARG(upper(p.arena, name)));
}

/* ---- CALL ---- */

static int call_rollback(StatementContext *context, Str catalog, const ProcedureArg *args, Error *err)
{
    Procedure p = {.context = context, .arena = context->arena, .metrics = NULL};
    Str schema = arena_lower(context->arena, args[0].text), table = arena_lower(context->arena, args[1].text);
    if (catalogs_get_table(context, catalog, schema, table, NULL, context->arena, &p.handle, err))
        return -1;
    if (!p.handle || p.handle->ops != &iceberg_ops)
        return err_set(err, ERR_TRINO_NOT_FOUND, "Table '%.*s.%.*s' not found", STR_ARG(schema),
                       STR_ARG(table));
    p.table = iceberg_table_of(p.handle);
    return procedure_rollback(&p, args[2].number, err);
}

/* The newest metadata file in a table's folder. */
static int newest_metadata(StatementContext *context, Str location, Str *ret, Error *err)
{
    StorageListEntry *entries;
    Str after = STR_NULL, prefix = arena_printf(context->arena, "%.*s/metadata/", STR_ARG(location));
    int64_t newest = -1;
    bool more = true;
    *ret = STR_NULL;
    while (more) {
        size_t n;
        if (storage_list(context->catalogs->storage, prefix, after, context->arena, &entries, &n, &more, err))
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (!str_has_suffix(entries[i].uri, STR(".metadata.json")) || entries[i].modified_us < newest)
                continue;
            newest = entries[i].modified_us;
            *ret = entries[i].uri;
        }
        Str bucket;
        if (n && storage_uri_split(entries[n - 1].uri, &bucket, &after, err))
            return -1;
        more = more && n;
    }
    return ret->ptr ? 0
                    : err_set(err, ERR_ICEBERG_INVALID_METADATA, "Table metadata file does not exist in %.*s",
                              STR_ARG(prefix));
}

static int call_register(StatementContext *context, Str catalog, const ProcedureArg *args, Error *err)
{
    CatalogTable table;
    Arena *arena = context->arena;
    Str location = args[2].text, metadata = STR_NULL;
    (void)catalog;
    while (location.len && location.ptr[location.len - 1] == '/')
        location.len--;
    if (args[3].is_given)
        metadata = arena_printf(arena, "%.*s/metadata/%.*s", STR_ARG(location), STR_ARG(args[3].text));
    else if (newest_metadata(context, location, &metadata, err))
        return -1;
    return catalog_register_table(context->catalogs->catalog,
                                  namespace_of_schema(arena_lower(arena, args[0].text), arena),
                                  arena_lower(arena, args[1].text), metadata, false, arena, &table, err);
}

static int call_unregister(StatementContext *context, Str catalog, const ProcedureArg *args, Error *err)
{
    Arena *arena = context->arena;
    Str schema = arena_lower(arena, args[0].text), table = arena_lower(arena, args[1].text);
    Str namespace_ = namespace_of_schema(schema, arena);
    Error e;
    (void)catalog;
    if (!catalog_drop_table(context->catalogs->catalog, namespace_, table, false, arena, &e)) {
        table_cache_drop(context->catalogs->tables, namespace_, table);
        return 0;
    }
    if (e.code == ERR_NO_SUCH_TABLE || e.code == ERR_NO_SUCH_NAMESPACE)
        return err_set(err, ERR_TABLE_NOT_FOUND, "Table '%.*s.%.*s' not found", STR_ARG(schema),
                       STR_ARG(table));
    if (err)
        *err = e;
    return -1;
}

static const struct CalledProcedure {
    const char *name;
    int (*run)(StatementContext *context, Str catalog, const ProcedureArg *args, Error *err);
    ProcedureArg args[ARGS_MAX];
} called_procedures[] = {
    {"rollback_to_snapshot",
     call_rollback,
     {{"schema", ARG_TEXT, NULL}, {"table", ARG_TEXT, NULL}, {"snapshot_id", ARG_INTEGER, NULL}, {NULL}}},
    {"register_table",
     call_register,
     {{"schema_name", ARG_TEXT, NULL},
      {"table_name", ARG_TEXT, NULL},
      {"table_location", ARG_TEXT, NULL},
      {"metadata_file_name", ARG_TEXT, ""},
      {NULL}}},
    {"unregister_table",
     call_unregister,
     {{"schema_name", ARG_TEXT, NULL}, {"table_name", ARG_TEXT, NULL}, {NULL}}},
};

int catalogs_call(StatementContext *context, const Statement *s, Error *err)
{
    const QualifiedName *name = &s->name;
    Str catalog = name->n == 3 ? arena_lower(context->arena, name->parts[0].text) : context->session->catalog;
    Str schema = name->n >= 2 ? name->parts[name->n - 2].text : context->session->schema;
    Str procedure = name->parts[name->n - 1].text;
    const Connector *connector = catalogs_connector(context->catalogs, catalog);
    if (!catalog.len)
        return err_set_sql(err, ERR_MISSING_CATALOG_NAME, s->pos.line, s->pos.column,
                           "Catalog must be specified when session catalog is not set");
    if (!connector)
        return err_set_sql(err, ERR_CATALOG_NOT_FOUND, s->pos.line, s->pos.column, "Catalog '%.*s' not found",
                           STR_ARG(catalog));
    for (size_t i = 0; i < sizeof called_procedures / sizeof *called_procedures; i++) {
        ProcedureArg args[ARGS_MAX];
        const struct CalledProcedure *called = &called_procedures[i];
        if (connector != &iceberg_connector || !str_eq_nocase(schema, STR("system")) ||
            !str_eq_nocase(procedure, str_from(called->name)))
            continue;
        memcpy(args, called->args, sizeof args);
        return take_args(s, args, "Procedure", err) ? -1 : called->run(context, catalog, args, err);
    }
    return err_set(err, ERR_PROCEDURE_NOT_FOUND, "Procedure not registered: %.*s.%.*s",
                   STR_ARG(arena_lower(context->arena, schema)),
                   STR_ARG(arena_lower(context->arena, procedure)));
}
