/* show.c - SHOW and DESCRIBE as queries over information_schema and VALUES, in Trino's column names and
 * orders. */
#include "base/buf.h"
#include "query/protocol/run.h"
#include "query/protocol/server.h"
#include "query/sql/print.h"

enum { TEXT_MAX = 8 << 20 };

static int check_escape(const Statement *ast, Error *err)
{
    if (!ast->like_escape.ptr || utf8_length(ast->like_escape) == 1)
        return 0;
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Escape string must be a single character");
}

static void put_like(Buf *q, const char *column, const Statement *ast)
{
    if (!ast->like.ptr)
        return;
    buf_printf(q, " AND %s LIKE ", column);
    sql_print_string(q, ast->like);
    if (ast->like_escape.ptr) {
        buf_puts(q, " ESCAPE ");
        sql_print_string(q, ast->like_escape);
    }
}

static int show_catalogs(RunningStatement *s, const Statement *ast, Error *err)
{
    _cleanup_buf_ Buf q = BUF_INIT(TEXT_MAX);
    const Str *names;
    size_t n;
    if (catalogs_names(s->server->catalogs, s->arena, &names, &n, err))
        return -1;
    buf_puts(&q, "SELECT * FROM (VALUES ");
    for (size_t i = 0; i < n; i++) {
        buf_puts(&q, i ? ", " : "");
        sql_print_string(&q, names[i]);
    }
    buf_puts(&q, ") t(\"Catalog\") WHERE true");
    put_like(&q, "\"Catalog\"", ast);
    buf_puts(&q, " ORDER BY 1");
    return run_query_text(s, arena_str(s->arena, buf_str(&q)), err);
}

static int need_catalog(RunningStatement *s, const Statement *ast, Str *ret, Error *err)
{
    bool exists;
    *ret = ast->target.n ? arena_lower(s->arena, ast->target.parts[0].text) : s->session.catalog;
    if (!ret->len)
        return err_set_sql(err, ERR_MISSING_CATALOG_NAME, ast->pos.line, ast->pos.column,
                           "Catalog must be specified when session catalog is not set");
    MetadataSource *metadata = catalogs_metadata(&s->context);
    if (metadata->catalog_exists(metadata, *ret, &exists, err))
        return -1;
    if (!exists)
        return err_set_sql(err, ERR_CATALOG_NOT_FOUND, ast->pos.line, ast->pos.column,
                           "Catalog '%.*s' not found", STR_ARG(*ret));
    return 0;
}

static int show_schemas(RunningStatement *s, const Statement *ast, Error *err)
{
    Str catalog;
    _cleanup_buf_ Buf q = BUF_INIT(TEXT_MAX);
    if (need_catalog(s, ast, &catalog, err))
        return -1;
    buf_puts(&q, "SELECT schema_name AS \"Schema\" FROM ");
    sql_print_ident(&q, catalog);
    buf_puts(&q, ".information_schema.schemata WHERE true");
    put_like(&q, "schema_name", ast);
    buf_puts(&q, " ORDER BY schema_name");
    return run_query_text(s, arena_str(s->arena, buf_str(&q)), err);
}

static int check_schema(RunningStatement *s, const Statement *ast, Str catalog, Str schema, Error *err)
{
    bool exists;
    MetadataSource *metadata = catalogs_metadata(&s->context);
    if (metadata->catalog_exists(metadata, catalog, &exists, err))
        return -1;
    if (!exists)
        return err_set_sql(err, ERR_CATALOG_NOT_FOUND, ast->pos.line, ast->pos.column,
                           "Catalog '%.*s' not found", STR_ARG(catalog));
    if (metadata->schema_exists(metadata, catalog, schema, &exists, err))
        return -1;
    if (!exists)
        return err_set_sql(err, ERR_SCHEMA_NOT_FOUND, ast->pos.line, ast->pos.column,
                           "Schema '%.*s' does not exist", STR_ARG(schema));
    return 0;
}

static int show_tables(RunningStatement *s, const Statement *ast, Error *err)
{
    Str parts[3];
    _cleanup_buf_ Buf q = BUF_INIT(TEXT_MAX);
    if (catalogs_resolve_name(&s->context, &ast->target, 2, parts, err) ||
        check_schema(s, ast, parts[0], parts[1], err))
        return -1;
    buf_puts(&q, "SELECT table_name AS \"Table\" FROM ");
    sql_print_ident(&q, parts[0]);
    buf_puts(&q, ".information_schema.tables WHERE table_schema = ");
    sql_print_string(&q, parts[1]);
    put_like(&q, "table_name", ast);
    buf_puts(&q, " ORDER BY table_name");
    return run_query_text(s, arena_str(s->arena, buf_str(&q)), err);
}

/* From the table itself, not information_schema: $ tables and time travel are described too. */
static int show_columns(RunningStatement *s, const Statement *ast, Error *err)
{
    Str parts[3], sql;
    const TableHandle *table;
    if (catalogs_resolve_name(&s->context, &ast->name, 3, parts, err) ||
        check_schema(s, ast, parts[0], parts[1], err))
        return -1;
    MetadataSource *metadata = catalogs_metadata(&s->context);
    if (metadata->get_table(metadata, parts[0], parts[1], parts[2], NULL, s->arena, &table, err))
        return -1;
    if (!table)
        return err_set_sql(err, ERR_TABLE_NOT_FOUND, ast->pos.line, ast->pos.column,
                           "Table '%.*s' does not exist",
                           STR_ARG(table_name_text(s->arena, parts[0], parts[1], parts[2])));
    Buf q = BUF_INIT(TEXT_MAX);
    buf_puts(&q, "SELECT c, t, e, m FROM (VALUES (0, '', '', '', '')");
    for (size_t i = 0; i < table->n_columns; i++) {
        const TableColumn *c = &table->columns[i];
        if (c->hidden)
            continue;
        Str texts[] = { c->name, sql_type_name(c->type, s->arena), c->extra, c->comment };
        buf_printf(&q, ", (%zu", i + 1);
        for (size_t t = 0; t < 4; t++) {
            buf_puts(&q, ", ");
            sql_print_string(&q, texts[t].ptr ? texts[t] : STR(""));
        }
        buf_putc(&q, ')');
    }
    buf_puts(&q, ") v(n, c, t, e, m) WHERE n > 0");
    put_like(&q, "c", ast);
    buf_puts(&q, " ORDER BY n");
    sql = arena_printf(
        s->arena,
        "SELECT CAST(c AS varchar) AS \"Column\", CAST(t AS varchar) AS \"Type\", "
        "CAST(e AS varchar) AS \"Extra\", CAST(m AS varchar) AS \"Comment\" FROM (%.*s LIMIT 100000)",
        STR_ARG(buf_str(&q)));
    int r = buf_check(&q, err) ? -1 : run_query_text(s, sql, err);
    buf_free(&q);
    return r;
}

static int show_create(RunningStatement *s, const Statement *ast, Error *err)
{
    Str text;
    if (catalogs_show_create(&s->context, ast, &text, err))
        return -1;
    return run_text_result(s,
                           ast->kind == STMT_SHOW_CREATE_TABLE  ? "Create Table"
                           : ast->kind == STMT_SHOW_CREATE_VIEW ? "Create View"
                           : ast->kind == STMT_SHOW_CREATE_MATERIALIZED_VIEW
                               ? "Create Materialized View"
                                                                : "Create Schema",
                           text, err);
}

static Str session_value(const RunningStatement *s, const SessionPropertyDef *p)
{
    for (size_t i = 0; i < s->session.n_properties; i++) {
        const SessionProperty *set = &s->session.properties[i];
        bool same_space =
            p->catalog[0] ? str_eq(set->catalog, s->server->iceberg_name) : set->catalog.len == 0;
        if (same_space && str_is(set->name, p->name))
            return set->value;
    }
    return str_from(p->default_value);
}

static int show_session(RunningStatement *s, const Statement *ast, Error *err)
{
    Buf q = BUF_INIT(TEXT_MAX);
    /* As in Trino's own list, where the longest texts are so long. */
    size_t widths[] = {63, 14, 14, 14, 142};
    Buf rows = BUF_INIT(TEXT_MAX);
    for (size_t i = 0; i < n_session_properties; i++) {
        const SessionPropertyDef *p = &session_properties[i];
        Str name = p->catalog[0]
                       ? arena_printf(s->arena, "%.*s.%s", STR_ARG(s->server->iceberg_name), p->name)
                       : str_from(p->name);
        Str texts[] = {name, session_value(s, p), str_from(p->default_value), str_from(p->type),
                       str_from(p->description)};
        buf_puts(&rows, i ? ", (" : "(");
        for (size_t t = 0; t < 5; t++) {
            size_t length = utf8_length(texts[t]);
            widths[t] = length > widths[t] ? length : widths[t];
            buf_puts(&rows, t ? ", " : "");
            sql_print_string(&rows, texts[t]);
        }
        buf_putc(&rows, ')');
    }
    buf_puts(&q, "SELECT * FROM (SELECT ");
    for (size_t t = 0; t < 5; t++)
        buf_printf(&q, "%sCAST(c%zu AS varchar(%zu))", t ? ", " : "", t, widths[t]);
    buf_puts(&q, " FROM (VALUES ");
    buf_add(&q, buf_str(&rows));
    buf_free(&rows);
    buf_puts(&q, ") v(c0, c1, c2, c3, c4)) t(\"Name\", \"Value\", \"Default\", \"Type\", "
                 "\"Description\") WHERE true");
    put_like(&q, "\"Name\"", ast);
    buf_puts(&q, " ORDER BY \"Name\"");
    int r = buf_check(&q, err) ? -1 : run_query_text(s, arena_str(s->arena, buf_str(&q)), err);
    buf_free(&q);
    return r;
}

/* SHOW FUNCTIONS FROM: those of a schema; none but the built-in ones are listed yet. */
static int show_functions_of(RunningStatement *s, const Statement *ast, Error *err)
{
    _cleanup_buf_ Buf q = BUF_INIT(TEXT_MAX);
    Str parts[3];
    bool exists = false;
    MetadataSource *metadata = catalogs_metadata(&s->context);
    if (catalogs_resolve_name(&s->context, &ast->target, 2, parts, err) ||
        metadata->catalog_exists(metadata, parts[0], &exists, err))
        return -1;
    if (!exists)
        return err_set_sql(err, ERR_CATALOG_NOT_FOUND, ast->pos.line, ast->pos.column,
                           "Catalog '%.*s' not found", STR_ARG(parts[0]));
    bool is_builtin = str_is(parts[0], "system") && str_is(parts[1], "builtin");
    if (!is_builtin && str_is(parts[1], "system"))
        return err_set_sql(err, ERR_NOT_SUPPORTED, ast->pos.line, ast->pos.column,
                           "SHOW FUNCTIONS FROM a catalog's schema system is not supported");
    buf_printf(&q,
               "SELECT CAST(function AS varchar) AS \"Function\", CAST(return_type AS varchar) AS "
               "\"Return Type\", CAST(argument_types AS varchar) AS \"Argument Types\", "
               "CAST(function_type AS varchar) AS \"Function Type\", deterministic AS \"Deterministic\", "
               "CAST(description AS varchar) AS \"Description\" "
               "FROM system.metadata.\"$functions\" WHERE %s",
               is_builtin ? "true" : "false");
    put_like(&q, "function", ast);
    buf_puts(&q, " ORDER BY function, return_type, argument_types");
    return run_query_text(s, arena_str(s->arena, buf_str(&q)), err);
}

static int show_functions(RunningStatement *s, const Statement *ast, Error *err)
{
    _cleanup_buf_ Buf q = BUF_INIT(TEXT_MAX);
    if (ast->target.n)
        return show_functions_of(s, ast, err);
    /* The widths are those of the longest texts of Trino's whole list. */
    buf_puts(&q, "SELECT CAST(function AS varchar(30)) AS \"Function\", CAST(return_type AS varchar(28)) AS "
                 "\"Return Type\", CAST(argument_types AS varchar(68)) AS \"Argument Types\", "
                 "CAST(function_type AS varchar(9)) AS \"Function Type\", deterministic AS "
                 "\"Deterministic\", "
                 "CAST(description AS varchar(131)) AS \"Description\" "
                 "FROM system.metadata.\"$functions\" WHERE true");
    put_like(&q, "function", ast);
    buf_puts(&q, " ORDER BY function, return_type, argument_types");
    return run_query_text(s, arena_str(s->arena, buf_str(&q)), err);
}

static int show_branches(RunningStatement *s, const Statement *ast, Error *err)
{
    _cleanup_buf_ Buf q = BUF_INIT(TEXT_MAX);
    const Str *names;
    size_t n;
    if (catalogs_branches(&s->context, ast, &names, &n, err))
        return -1;
    buf_puts(&q, "SELECT CAST(b AS varchar) AS \"Branch\" FROM (VALUES ('', false)");
    for (size_t i = 0; i < n; i++) {
        buf_puts(&q, ", (");
        sql_print_string(&q, names[i]);
        buf_puts(&q, ", true)");
    }
    buf_puts(&q, ") t(b, is_branch) WHERE is_branch ORDER BY 1");
    return buf_check(&q, err) ? -1 : run_query_text(s, arena_str(s->arena, buf_str(&q)), err);
}

static const struct {
    StatementKind kind;
    int (*run)(RunningStatement *s, const Statement *ast, Error *err);
} kinds[] = {
    {STMT_SHOW_CATALOGS, show_catalogs},    {STMT_SHOW_SCHEMAS, show_schemas},
    {STMT_SHOW_TABLES, show_tables},        {STMT_SHOW_COLUMNS, show_columns},
    {STMT_SHOW_CREATE_TABLE, show_create},  {STMT_SHOW_CREATE_VIEW, show_create},
    {STMT_SHOW_CREATE_SCHEMA, show_create}, {STMT_SHOW_SESSION, show_session},
    {STMT_SHOW_FUNCTIONS, show_functions},  {STMT_SHOW_BRANCHES, show_branches},
    {STMT_SHOW_CREATE_MATERIALIZED_VIEW, show_create},
};

int run_show(RunningStatement *s, const Statement *ast, Error *err)
{
    if (check_escape(ast, err))
        return -1;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == ast->kind)
            return kinds[i].run(s, ast, err);
    return err_set(err, ERR_NOT_SUPPORTED, "This SHOW is not supported");
}
