/* session_statements.c - statements that change the client's session: they answer with headers. */
#include "base/buf.h"
#include "query/protocol/run.h"
#include "query/protocol/server.h"
#include "query/sql/print.h"

static void header_pair(RunningStatement *s, const char *header, Str name, Str value)
{
    _cleanup_buf_ Buf text = BUF_INIT(8 << 20);
    percent_encode(name, false, &text);
    buf_putc(&text, '=');
    percent_encode(value, false, &text);
    statement_add_header(s, header, buf_str(&text));
}

static Str lower_part(RunningStatement *s, const QualifiedName *name, size_t i)
{
    return i < name->n ? arena_lower(s->arena, name->parts[i].text) : STR_NULL;
}

static int run_use(RunningStatement *s, const Statement *ast, Error *err)
{
    bool has_catalog = ast->name.n == 2;
    Str catalog = has_catalog ? lower_part(s, &ast->name, 0) : s->session.catalog;
    Str schema = lower_part(s, &ast->name, ast->name.n - 1);
    SqlPos pos = ast->name.pos;
    bool exists;
    if (!catalog.len)
        return err_set_sql(err, ERR_MISSING_CATALOG_NAME, pos.line, pos.column,
                           "Catalog must be specified when session catalog is not set");
    MetadataSource *metadata = catalogs_metadata(&s->context);
    if (metadata->catalog_exists(metadata, catalog, &exists, err))
        return -1;
    if (!exists)
        return err_set_sql(err, ERR_CATALOG_NOT_FOUND, pos.line, pos.column, "Catalog '%.*s' not found",
                           STR_ARG(catalog));
    if (metadata->schema_exists(metadata, catalog, schema, &exists, err))
        return -1;
    if (!exists)
        return err_set(err, ERR_TRINO_NOT_FOUND, "Schema does not exist: %.*s.%.*s", STR_ARG(catalog),
                       STR_ARG(schema));
    if (has_catalog)
        statement_add_header(s, "X-Trino-Set-Catalog", catalog);
    statement_add_header(s, "X-Trino-Set-Schema", schema);
    return 0;
}

/* The text of a constant, as a session property keeps it. */
static int constant_text(const Expr *e, Arena *arena, Str *ret, Error *err)
{
    if (e->kind == EXPR_STRING || e->kind == EXPR_DECIMAL || e->kind == EXPR_DOUBLE)
        *ret = e->text;
    else if (e->kind == EXPR_INTEGER)
        *ret = arena_printf(arena, "%lld", (long long)e->integer.value);
    else if (e->kind == EXPR_BOOLEAN)
        *ret = e->boolean ? STR("true") : STR("false");
    else if (e->kind == EXPR_UNARY && e->unary.op == '-' && e->unary.operand->kind == EXPR_INTEGER)
        *ret = arena_printf(arena, "-%lld", (long long)e->unary.operand->integer.value);
    else
        return err_set_sql(err, ERR_NOT_SUPPORTED, e->pos.line, e->pos.column,
                           "Session property value must be a constant");
    return 0;
}

static Str property_name(RunningStatement *s, const Statement *ast, Str *ret_catalog)
{
    *ret_catalog = ast->name.n == 2 ? lower_part(s, &ast->name, 0) : STR("");
    return lower_part(s, &ast->name, ast->name.n - 1);
}

/* As Trino, which names the place of the value. */
static int check_assignment(RunningStatement *s, Str catalog, Str name, Str value, SqlPos pos, Error *err)
{
    Error why;
    bool exists = true;
    MetadataSource *metadata = catalogs_metadata(&s->context);
    if (catalog.len && metadata->catalog_exists(metadata, catalog, &exists, err))
        return -1;
    if (!exists)
        return err_set_sql(err, ERR_CATALOG_NOT_FOUND, pos.line, pos.column, "Catalog '%.*s' not found",
                           STR_ARG(catalog));
    if (session_check_property(catalog, name, value, s->server->iceberg_name, &why))
        return err_set_sql(err, why.code, pos.line, pos.column, "%s", why.message);
    return 0;
}

/* ---- WITH SESSION ---- */

static Str full_name(RunningStatement *s, const QualifiedName *name)
{
    _cleanup_buf_ Buf text = BUF_INIT(1 << 16);
    for (size_t i = 0; i < name->n; i++)
        buf_printf(&text, "%s%.*s", i ? "." : "", STR_ARG(lower_part(s, name, i)));
    return arena_str(s->arena, buf_str(&text));
}

static int inline_property(RunningStatement *s, const Statement *ast, size_t i, SessionProperty *ret,
                           Error *err)
{
    const SessionAssignment *a = &ast->session[i];
    SqlPos pos = a->name.pos;
    if (a->name.n > 2)
        return err_set_sql(err, ERR_INVALID_SESSION_PROPERTY, pos.line, pos.column,
                           "Invalid session property '%.*s'", STR_ARG(full_name(s, &a->name)));
    for (size_t j = 0; j < i; j++)
        if (str_eq(full_name(s, &ast->session[j].name), full_name(s, &a->name)))
            return err_set_sql(err, ERR_INVALID_SESSION_PROPERTY, pos.line, pos.column,
                               "Session property '%.*s' already set", STR_ARG(full_name(s, &a->name)));
    ret->catalog = a->name.n == 2 ? lower_part(s, &a->name, 0) : STR("");
    ret->name = lower_part(s, &a->name, a->name.n - 1);
    return constant_text(a->value, s->arena, &ret->value, err) ||
                   check_assignment(s, ret->catalog, ret->name, ret->value, a->value->pos, err)
               ? -1
               : 0;
}

int run_inline_session(RunningStatement *s, const Statement *ast, Error *err)
{
    size_t n = s->session.n_properties;
    if (!ast->n_session)
        return 0;
    SessionProperty *all = arena_array(s->arena, SessionProperty, n + ast->n_session);
    if (n)
        memcpy(all, s->session.properties, n * sizeof *all);
    for (size_t i = 0; i < ast->n_session; i++)
        if (inline_property(s, ast, i, &all[n + i], err))
            return -1;
    ClientSession session = s->session;
    session.properties = all;
    session.n_properties = n + ast->n_session;
    session_apply_properties(&session);
    /* The time limits are looked at by other threads, and stay those that the client sent. */
    s->session.time_zone = session.time_zone;
    s->context.properties = all;
    s->context.n_properties = session.n_properties;
    return 0;
}

/* ---- SET SESSION ---- */

static int run_set_session(RunningStatement *s, const Statement *ast, Error *err)
{
    Str catalog, value, name = property_name(s, ast, &catalog);
    if (constant_text(ast->value, s->arena, &value, err) ||
        check_assignment(s, catalog, name, value, ast->value->pos, err))
        return -1;
    Str full = catalog.len ? arena_printf(s->arena, "%.*s.%.*s", STR_ARG(catalog), STR_ARG(name)) : name;
    header_pair(s, "X-Trino-Set-Session", full, value);
    return 0;
}

static int run_reset_session(RunningStatement *s, const Statement *ast, Error *err)
{
    Str catalog, name = property_name(s, ast, &catalog);
    for (size_t i = 0; i < n_session_properties; i++) {
        const SessionPropertyDef *p = &session_properties[i];
        bool here = p->catalog[0] ? str_eq(catalog, s->server->iceberg_name) : catalog.len == 0;
        if (here && str_is(name, p->name)) {
            Str full =
                catalog.len ? arena_printf(s->arena, "%.*s.%.*s", STR_ARG(catalog), STR_ARG(name)) : name;
            statement_add_header(s, "X-Trino-Clear-Session", full);
            return 0;
        }
    }
    return err_set_sql(err, ERR_INVALID_SESSION_PROPERTY, ast->name.pos.line, ast->name.pos.column,
                       "Session property '%.*s' does not exist", STR_ARG(name));
}

static int run_set_time_zone(RunningStatement *s, const Statement *ast, Error *err)
{
    Str zone = STR("");
    if (ast->value && (constant_text(ast->value, s->arena, &zone, err) || session_check_zone(zone, err)))
        return -1;
    if (!ast->value)
        statement_add_header(s, "X-Trino-Clear-Session", STR("time_zone_id"));
    else
        header_pair(s, "X-Trino-Set-Session", STR("time_zone_id"), zone);
    return 0;
}

/* Statements about prepared statements cannot be prepared. NULL: all others. */
static const char *not_preparable(StatementKind kind)
{
    return kind == STMT_PREPARE      ? "PREPARE"
           : kind == STMT_DEALLOCATE ? "DEALLOCATE"
           : kind == STMT_EXECUTE || kind == STMT_EXECUTE_IMMEDIATE ? "EXECUTE" : NULL;
}

static int check_preparable(const Statement *ast, Error *err)
{
    const char *word = not_preparable(ast->kind);
    if (!word)
        return 0;
    return err_set(err, ERR_NOT_SUPPORTED, "Invalid statement type for prepared statement: %s", word);
}

static int run_prepare(RunningStatement *s, const Statement *ast, Error *err)
{
    if (check_preparable(ast->inner, err))
        return -1;
    /* The text as the client wrote it, so that positions in later errors are its own. */
    header_pair(s, "X-Trino-Added-Prepare", ast->name.parts[0].text, str_trim(ast->inner->text));
    return 0;
}

static const PreparedStatement *find_prepared(const ClientSession *session, Str name)
{
    for (size_t i = 0; i < session->n_prepared; i++)
        if (str_eq_nocase(session->prepared[i].name, name))
            return &session->prepared[i];
    return NULL;
}

static int prepared_missing(Str name, Error *err)
{
    return err_set(err, ERR_TRINO_NOT_FOUND, "Prepared statement not found: %.*s", STR_ARG(name));
}

static int attach_prepared(RunningStatement *s, Statement *ast, Error *err)
{
    StatementKind kind = ast->kind;
    if (kind == STMT_EXPLAIN || kind == STMT_EXPLAIN_ANALYZE || kind == STMT_EXECUTE_IMMEDIATE)
        return attach_prepared(s, ast->inner, err);
    if (kind != STMT_EXECUTE && kind != STMT_DESCRIBE_INPUT && kind != STMT_DESCRIBE_OUTPUT)
        return 0;
    Str name = ast->name.n ? ast->name.parts[0].text : STR("");
    const PreparedStatement *prepared = find_prepared(&s->session, name);
    if (!prepared)
        return prepared_missing(name, err);
    if (sql_parse(arena_str(s->arena, prepared->sql), s->arena, &ast->inner, err))
        return -1;
    return check_preparable(ast->inner, err);      /* the client wrote the header: it may name itself */
}

int run_parse(RunningStatement *s, Statement **ret, Error *err)
{
    /* The tree points into its text, and may outlive the statement with a plan (plan.h). */
    return sql_parse(arena_str(s->arena, s->sql), s->arena, ret, err) ? -1 : attach_prepared(s, *ret, err);
}

static int run_deallocate(RunningStatement *s, const Statement *ast, Error *err)
{
    const PreparedStatement *prepared = find_prepared(&s->session, ast->name.parts[0].text);
    if (!prepared)
        return prepared_missing(ast->name.parts[0].text, err);
    _cleanup_buf_ Buf text = BUF_INIT(1 << 16);
    percent_encode(prepared->name, false, &text);
    statement_add_header(s, "X-Trino-Deallocated-Prepare", buf_str(&text));
    return 0;
}

static int run_set_path(RunningStatement *s, const Statement *ast, Error *err)
{
    _cleanup_buf_ Buf text = BUF_INIT(1 << 16);
    for (size_t i = 0; i < ast->n_args; i++) {
        buf_puts(&text, i ? ", " : "");
        sql_print_expression(&text, ast->args[i]);
    }
    if (buf_check(&text, err))
        return -1;
    statement_add_header(s, "X-Trino-Set-Path", buf_str(&text));
    return 0;
}

static int run_set_role(RunningStatement *s, const Statement *ast, Error *err)
{
    if (str_is(ast->what, "ROLE"))
        return err_set_sql(err, ERR_ROLE_NOT_FOUND, ast->pos.line, ast->pos.column,
                           "Role '%.*s' does not exist",
                           STR_ARG(ast->name.n ? ast->name.parts[0].text : STR("")));
    bool all = str_is(ast->what, "ALL");
    statement_add_header(s, "X-Trino-Set-Role", all ? STR("system=ALL") : STR("system=NONE"));
    return 0;
}

static const struct {
    StatementKind kind;
    const char *update_type;
    int (*run)(RunningStatement *s, const Statement *ast, Error *err);
} kinds[] = {
    {STMT_USE, "USE", run_use},
    {STMT_SET_SESSION, "SET SESSION", run_set_session},
    {STMT_RESET_SESSION, "RESET SESSION", run_reset_session},
    {STMT_SET_TIME_ZONE, "SET TIME ZONE", run_set_time_zone},
    {STMT_PREPARE, "PREPARE", run_prepare},
    {STMT_DEALLOCATE, "DEALLOCATE", run_deallocate},
    {STMT_SET_PATH, "SET PATH", run_set_path},
    {STMT_SET_ROLE, "SET ROLE", run_set_role},
};

int run_session_statement(RunningStatement *s, Statement *ast, Error *err)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == ast->kind) {
            if (kinds[i].run(s, ast, err))
                return -1;
            statement_set_update(s, str_from(kinds[i].update_type), -1);
            return 0;
        }
    return err_set(err, ERR_NOT_SUPPORTED, "This statement is not supported");
}
