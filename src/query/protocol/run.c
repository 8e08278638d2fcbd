/* run.c - a worker of the statement pool runs one statement: dispatch by kind, rows into pages. */
#include "query/protocol/run.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "query/engine/emitter.h"
#include "query/protocol/plan.h"
#include "query/protocol/results.h"
#include "query/protocol/server.h"

/* HELD_BYTES: rows of a query that may have to be run again are not shown before it ended or there are so
 * many. */
enum { FLUSH_AFTER_US = 200000, SQL_MAX = 256 << 20, PAGE_MAX = 1 << 30, HELD_BYTES = 16 << 20 };

static bool is_cancelled(RunningStatement *s, Error *err)
{
    if (!atomic_load(&s->context.cancelled))
        return false;
    err_set(err, ERR_USER_CANCELED, "Query was canceled");
    return true;
}

/* ---- queries ---- */

typedef struct RowStream {
    RunningStatement *statement;
    const SqlType *const *types;
    size_t n_types;
    Buf page;
    int64_t n_rows, flushed_us;
    bool may_fail;                 /* emit_sql()'s *optimistic */
    bool is_seen;                  /* a page is where the client can take it */
} RowStream;

static int flush_page(RowStream *x, bool is_last, Error *err)
{
    buf_putc(&x->page, ']');
    if (buf_check(&x->page, err) || statement_put_page(x->statement, &x->page, x->n_rows, is_last, err))
        return -1;
    x->is_seen = true;
    x->n_rows = 0;
    x->flushed_us = clock_monotonic_us();
    return 0;
}

static int take_chunk(RowStream *x, const EngineChunk *chunk, Error *err)
{
    enum { STEP = 512 };       /* rows between looks at the page's size: wide rows must not make huge pages */
    size_t n = engine_chunk_rows(chunk), full = x->may_fail ? HELD_BYTES : STATEMENT_PAGE_BYTES;
    for (size_t from = 0; from < n; from += STEP) {
        size_t to = from + STEP < n ? from + STEP : n;
        buf_putc(&x->page, x->n_rows ? ',' : '[');
        if (engine_chunk_to_json(chunk, x->types, x->n_types, from, to, &x->page, err))
            return -1;
        x->n_rows += (int64_t)(to - from);
        if (x->page.len >= full && flush_page(x, false, err))
            return -1;
    }
    bool waiting = !x->may_fail && x->n_rows && clock_monotonic_us() - x->flushed_us > FLUSH_AFTER_US;
    return waiting ? flush_page(x, false, err) : 0;
}

static int stream_rows(RunningStatement *s, Str sql, const Analysis *analysis, bool may_fail, bool *ret_sent,
                       Error *err)
{
    EngineResult *result;
    RowStream x = { .statement = s, .page = BUF_INIT(PAGE_MAX), .n_types = analysis->n_columns,
                    .flushed_us = clock_monotonic_us(), .may_fail = may_fail };
    const SqlType **types = arena_array(s->arena, const SqlType *, analysis->n_columns);
    for (size_t i = 0; i < analysis->n_columns; i++)
        types[i] = results_client_type(analysis->columns[i].type, &s->session, s->arena);
    x.types = types;
    if (engine_query(s->context.connection, sql, &result, err))
        return -1;
    int r = 0;
    for (EngineChunk *chunk; !r && !(r = engine_next(result, &chunk, err)) && chunk;)
        r = is_cancelled(s, err) ? -1 : take_chunk(&x, chunk, err);
    *ret_sent = x.is_seen;
    engine_result_free(result);
    if (!r && x.n_rows)
        r = flush_page(&x, true, err);
    buf_free(&x.page);
    return r;
}

/* As many steps of a recursive query are written out: there must be an end to it. */
enum { RECURSION_DEPTH = 10, RECURSION_DEPTH_MAX = 200 };

static int recursion_depth(const RunningStatement *s)
{
    int64_t depth = RECURSION_DEPTH;
    for (size_t i = 0; i < s->context.n_properties; i++) {
        const SessionProperty *p = &s->context.properties[i];
        if (!p->catalog.len && str_is(p->name, "max_recursion_depth"))
            (void)str_to_i64(p->value, 1, RECURSION_DEPTH_MAX, &depth, NULL);
    }
    return (int)depth;
}

static AnalyzerSession *make_session(RunningStatement *s)
{
    AnalyzerSession *session = arena_new_of(s->arena, AnalyzerSession);
    /* Copies: a plan outlives the statement (plan.h). */
    *session = (AnalyzerSession){ .user = arena_str(s->arena, s->session.user),
                                  .catalog = arena_str(s->arena, s->session.catalog),
                                  .schema = arena_str(s->arena, s->session.schema),
                                  .time_zone = arena_str(s->arena, s->session.time_zone),
                                  .start_us = s->created_us,
                                  .max_recursion_depth = recursion_depth(s) };
    return session;
}

int run_analyze(RunningStatement *s, Statement *ast, Expr *const *parameters, size_t n_parameters,
                bool describe_only, Analysis **ret, Error *err)
{
    AnalyzerSession *session = make_session(s);
    session->parameters = parameters;
    session->n_parameters = n_parameters;
    session->describe_only = describe_only;
    s->context.session = session;
    return sql_analyze(ast, session, catalogs_metadata(&s->context), s->arena, ret, err);
}

/* *optimistic in: may decimals be computed in 64 bits; out: some are (emitter.h). */
static int emit_sql(RunningStatement *s, const Query *query, bool *optimistic, Str *ret, Error *err)
{
    Buf sql = BUF_INIT(SQL_MAX);
    EmitContext emit = {.arena = s->arena,
                        .session = s->context.session,
                        .statement = &s->context,
                        .exact_decimals = !*optimistic};
    int r = emit_query(&emit, query, &sql, err) || buf_check(&sql, err) ? -1 : 0;
    *optimistic = emit.is_optimistic;
    if (!r)
        *ret = arena_str(s->arena, buf_str(&sql));
    buf_free(&sql);
    if (!r)
        log_debug("query.sql", L_CSTR("query_id", s->id), L_STR("sql", *ret));
    return r;
}

int run_and_count(RunningStatement *s, const Query *query, RunMeasure *ret, Error *err)
{
    Str sql;
    bool optimistic = false;
    EngineResult *result;
    RunMeasure m = {0};
    int64_t start = clock_monotonic_us();
    if (emit_sql(s, query, &optimistic, &sql, err))
        return -1;
    m.planning_us = clock_monotonic_us() - start;
    statement_set_state(s, STATE_RUNNING);
    if (engine_query(s->context.connection, sql, &result, err))
        return -1;
    int r = 0;
    for (EngineChunk *chunk; !r && !(r = engine_next(result, &chunk, err)) && chunk;) {
        m.rows += (int64_t)engine_chunk_rows(chunk);
        r = is_cancelled(s, err) ? -1 : 0;
    }
    engine_result_free(result);
    m.execution_us = clock_monotonic_us() - start - m.planning_us;
    *ret = m;
    return r;
}

/* The client gets types that it understands; the query is cast to them by the column's own type. *ret_again:
 * it did not run, or no row has left and decimals overflowed that had been computed in 64 bits. */
static int run_plan(RunningStatement *s, const Plan *plan, bool *ret_again, Error *err)
{
    Str sql;
    bool sent = false;
    Error e;
    if (plan_fill(s, plan, &sql, ret_again, err))
        return -1;
    if (*ret_again)
        return 0;
    statement_set_columns(s, plan->analysis->columns, plan->analysis->n_columns);
    statement_set_state(s, STATE_RUNNING);
    int r = stream_rows(s, sql, plan->analysis, plan->is_optimistic, &sent, &e);
    *ret_again = r && plan->is_optimistic && !sent && e.code == ERR_NUMERIC_VALUE_OUT_OF_RANGE;
    if (r && !*ret_again && err)
        *err = e;
    return *ret_again ? 0 : r;
}

static int run_query_with(RunningStatement *s, Statement *ast, Expr *const *parameters, size_t n,
                          Plan **ret_plan, Error *err)
{
    Analysis *analysis;
    Plan *plan;
    bool again;
    statement_set_state(s, STATE_PLANNING);
    if (run_analyze(s, ast, parameters, n, false, &analysis, err) ||
        transaction_check_tables(s, analysis, err) || plan_make(s, ast->query, analysis, true, &plan, err) ||
        run_plan(s, plan, &again, err))
        return -1;
    if (again && (plan_make(s, ast->query, analysis, false, &plan, err) || run_plan(s, plan, &again, err)))
        return -1;
    metric_inc(METRIC_QUERY_PLANS, "made");
    *ret_plan = plan;
    return 0;
}

static int run_query_statement(RunningStatement *s, Statement *ast, Expr *const *parameters, size_t n,
                               Error *err)
{
    Plan *plan;
    Str time_zone = s->session.time_zone;
    int r = run_inline_session(s, ast, err) ? -1 : run_query_with(s, ast, parameters, n, &plan, err);
    s->session.time_zone = time_zone;
    if (!r && !ast->n_session && catalogs_tables_are_lasting(&s->context, &plan->tables, &plan->n_tables))
        s->made_plan = plan;
    return r;
}

int run_query(RunningStatement *s, Statement *ast, Error *err)
{
    Plan *ignored;
    return run_query_with(s, ast, NULL, 0, &ignored, err);
}

int run_query_text(RunningStatement *s, Str sql, Error *err)
{
    Statement *ast;
    if (sql_parse(sql, s->arena, &ast, err))
        return -1;
    return run_query(s, ast, err);
}

int run_text_result(RunningStatement *s, const char *column, Str text, Error *err)
{
    OutputColumn *columns = arena_new_of(s->arena, OutputColumn);
    columns->name = str_from(column);
    columns->type = sql_type_varchar(s->arena, (int)utf8_length(text));
    statement_set_columns(s, columns, 1);
    Buf page = BUF_INIT(PAGE_MAX);
    buf_puts(&page, "[[");
    json_escape(&page, text);
    buf_puts(&page, "]]");
    int r = statement_put_page(s, &page, 1, true, err);
    buf_free(&page);
    return r;
}

/* ---- writes ---- */

static const OutputColumn rows_column[] = { { { "rows", 4 }, &TYPE_BIGINT_ } };

/* rows -1: it is not told how many. */
static int put_row_count(RunningStatement *s, const char *update_type, int64_t rows, Error *err)
{
    statement_set_columns(s, rows_column, 1);
    statement_set_update(s, str_from(update_type), rows);
    Buf page = BUF_INIT(64);
    if (rows < 0)
        buf_puts(&page, "[[null]]");
    else
        buf_printf(&page, "[[%lld]]", (long long)rows);
    int r = statement_put_page(s, &page, 1, true, err);
    buf_free(&page);
    return r;
}

static const struct {
    StatementKind kind;
    const char *update_type;
    int (*run)(StatementContext *context, const Statement *statement, const Analysis *analysis,
               Str source_sql, int64_t *ret_rows, Error *err);
} writes[] = {
    {STMT_INSERT, "INSERT", catalogs_insert},
    {STMT_CREATE_TABLE_AS, "CREATE TABLE", catalogs_create_table_as},
    {STMT_DELETE, "DELETE", catalogs_change_rows},
    {STMT_UPDATE, "UPDATE", catalogs_change_rows},
    {STMT_MERGE, "MERGE", catalogs_change_rows},
    {STMT_ANALYZE, "ANALYZE", catalogs_analyze},
    {STMT_REFRESH_MATERIALIZED_VIEW, "REFRESH MATERIALIZED VIEW", catalogs_refresh},
};

static int run_write(RunningStatement *s, Statement *ast, Expr *const *parameters, size_t n, Error *err)
{
    Analysis *analysis;
    Str sql;
    int64_t rows = 0;
    bool optimistic = false;
    statement_set_state(s, STATE_PLANNING);
    if (run_analyze(s, ast, parameters, n, false, &analysis, err) ||
        emit_sql(s, ast->query, &optimistic, &sql, err))
        return -1;
    statement_set_state(s, STATE_RUNNING);
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
        if (writes[i].kind == ast->kind)
            return writes[i].run(&s->context, ast, analysis, sql, &rows, err)
                       ? -1 : put_row_count(s, writes[i].update_type, rows, err);
    return err_set(err, ERR_INTERNAL, "no such write");
}

static const struct { StatementKind kind; const char *update_type;
} ddl_kinds[] = {
    {STMT_CREATE_SCHEMA, "CREATE SCHEMA"},     {STMT_DROP_SCHEMA, "DROP SCHEMA"},
    {STMT_CREATE_TABLE, "CREATE TABLE"},       {STMT_DROP_TABLE, "DROP TABLE"},
    {STMT_RENAME_TABLE, "RENAME TABLE"},       {STMT_COMMENT, "COMMENT"},
    {STMT_RENAME_SCHEMA, "RENAME SCHEMA"},     {STMT_ADD_COLUMN, "ADD COLUMN"},
    {STMT_DROP_COLUMN, "DROP COLUMN"},         {STMT_RENAME_COLUMN, "RENAME COLUMN"},
    {STMT_SET_COLUMN_TYPE, "SET COLUMN TYPE"}, {STMT_SET_PROPERTIES, "SET PROPERTIES"},
    {STMT_CREATE_VIEW, "CREATE VIEW"},         {STMT_DROP_VIEW, "DROP VIEW"},
    {STMT_TRUNCATE, "TRUNCATE TABLE"},      {STMT_RENAME_VIEW, "RENAME VIEW"},
    {STMT_CREATE_BRANCH, "CREATE BRANCH"},     {STMT_DROP_BRANCH, "DROP BRANCH"},
    {STMT_FAST_FORWARD_BRANCH, "FAST FORWARD BRANCH"},
    {STMT_CREATE_MATERIALIZED_VIEW, "CREATE MATERIALIZED VIEW"},
    {STMT_DROP_MATERIALIZED_VIEW, "DROP MATERIALIZED VIEW"},
    {STMT_RENAME_MATERIALIZED_VIEW, "RENAME MATERIALIZED VIEW"},
    {STMT_SET_MATERIALIZED_VIEW_PROPERTIES, "SET PROPERTIES"},
};

static const char *ddl_update_type(StatementKind kind)
{
    for (size_t i = 0; i < sizeof ddl_kinds / sizeof *ddl_kinds; i++)
        if (ddl_kinds[i].kind == kind)
            return ddl_kinds[i].update_type;
    return NULL;
}

static int run_ddl(RunningStatement *s, Statement *ast, Error *err)
{
    Analysis *analysis;
    statement_set_state(s, STATE_PLANNING);
    /* Column types and property values are resolved by the analyzer. */
    if (run_analyze(s, ast, NULL, 0, false, &analysis, err))
        return -1;
    statement_set_state(s, STATE_RUNNING);
    if (catalogs_run_ddl(&s->context, ast, analysis, err))
        return -1;
    statement_set_update(s, str_from(ddl_update_type(ast->kind)), -1);
    return 0;
}

/* No catalog keeps functions: what the analyzer lets pass has nothing to do (DROP FUNCTION IF EXISTS). */
static int run_function_statement(RunningStatement *s, Statement *ast, Error *err)
{
    Analysis *analysis;
    if (run_analyze(s, ast, NULL, 0, false, &analysis, err))
        return -1;
    statement_set_update(s, STR("DROP FUNCTION"), -1);
    return 0;
}

/* ---- procedures ---- */

static int run_table_procedure(RunningStatement *s, Statement *ast, Error *err)
{
    Analysis *analysis;
    TableMetrics metrics;
    statement_set_state(s, STATE_PLANNING);
    if (run_analyze(s, ast, NULL, 0, false, &analysis, err))
        return -1;
    statement_set_state(s, STATE_RUNNING);
    if (catalogs_table_procedure(&s->context, ast, analysis, &metrics, err))
        return -1;
    OutputColumn *columns = arena_array(s->arena, OutputColumn, 2);
    columns[0] = (OutputColumn){STR("metric_name"), &TYPE_VARCHAR_};
    columns[1] = (OutputColumn){STR("metric_value"), &TYPE_BIGINT_};
    statement_set_columns(s, columns, 2);
    statement_set_update(s, STR("ALTER TABLE EXECUTE"), -1);
    if (!metrics.n)
        return 0;
    Buf page = BUF_INIT(4096);
    for (size_t i = 0; i < metrics.n; i++)
        buf_printf(&page, "%s[\"%s\",%lld]", i ? "," : "[", metrics.names[i], (long long)metrics.values[i]);
    buf_putc(&page, ']');
    int r = statement_put_page(s, &page, (int64_t)metrics.n, true, err);
    buf_free(&page);
    return r;
}

static int run_call(RunningStatement *s, Statement *ast, Error *err)
{
    statement_set_state(s, STATE_RUNNING);
    if (catalogs_call(&s->context, ast, err))
        return -1;
    statement_set_update(s, STR("CALL"), -1);
    return 0;
}

/* ---- dispatch ---- */

static int refuse(RunningStatement *s, const Statement *ast, Error *err)
{
    if (is_security_statement(ast))
        return run_security_statement(s, ast, err);
    Str what = ast->what.len ? ast->what : STR("This statement");
    return err_set_sql(err, ERR_NOT_SUPPORTED, ast->pos.line, ast->pos.column, "%.*s is not supported",
                       STR_ARG(what));
}

static int dispatch(RunningStatement *s, Statement *ast, Expr *const *parameters, size_t n, Error *err);

static int run_execute(RunningStatement *s, Statement *ast, Error *err)
{
    Statement *inner = ast->inner;
    if (!inner)
        return err_set(err, ERR_NOT_SUPPORTED, "EXECUTE cannot stand inside of a prepared statement");
    if ((size_t)inner->n_parameters != ast->n_args)
        return err_set_sql(err, ERR_INVALID_PARAMETER_USAGE, ast->pos.line, ast->pos.column,
                           "Incorrect number of parameters: expected %d but found %zu", inner->n_parameters,
                           ast->n_args);
    return dispatch(s, inner, ast->args, ast->n_args, err);
}

static int dispatch(RunningStatement *s, Statement *ast, Expr *const *parameters, size_t n, Error *err)
{
    switch (ast->kind) {
    case STMT_QUERY:
        return run_query_statement(s, ast, parameters, n, err);
    case STMT_INSERT:
    case STMT_CREATE_TABLE_AS:
    case STMT_DELETE:
    case STMT_UPDATE:
    case STMT_MERGE:
    case STMT_REFRESH_MATERIALIZED_VIEW:
    case STMT_ANALYZE:
        return run_write(s, ast, parameters, n, err);
    case STMT_EXECUTE:
    case STMT_EXECUTE_IMMEDIATE:
        return run_execute(s, ast, err);
    case STMT_SHOW_CATALOGS:
    case STMT_SHOW_SCHEMAS:
    case STMT_SHOW_TABLES:
    case STMT_SHOW_COLUMNS:
    case STMT_SHOW_SESSION:
    case STMT_SHOW_CREATE_TABLE:
    case STMT_SHOW_CREATE_SCHEMA:
    case STMT_SHOW_CREATE_VIEW:
    case STMT_SHOW_CREATE_MATERIALIZED_VIEW:
    case STMT_SHOW_BRANCHES:
    case STMT_SHOW_FUNCTIONS:
    case STMT_SHOW_STATS:
        return run_show(s, ast, err);
    case STMT_ALTER_EXECUTE:
        return run_table_procedure(s, ast, err);
    case STMT_CALL:
        return run_call(s, ast, err);
    case STMT_EXPLAIN:
        return run_explain(s, ast, err);
    case STMT_EXPLAIN_ANALYZE:
        return run_explain_analyze(s, ast, err);
    case STMT_DESCRIBE_INPUT:
    case STMT_DESCRIBE_OUTPUT:
        return run_describe_prepared(s, ast, err);
    case STMT_USE: case STMT_SET_SESSION: case STMT_RESET_SESSION: case STMT_SET_TIME_ZONE: case STMT_PREPARE:
    case STMT_DEALLOCATE: case STMT_SET_PATH: case STMT_SET_ROLE:
        return run_session_statement(s, ast, err);
    case STMT_START_TRANSACTION: case STMT_COMMIT: case STMT_ROLLBACK:
        return run_transaction_statement(s, ast, err);
    case STMT_CREATE_FUNCTION:
    case STMT_DROP_FUNCTION:
        return run_function_statement(s, ast, err);
    case STMT_UNSUPPORTED:
        return refuse(s, ast, err);
    default:
        return ddl_update_type(ast->kind) ? run_ddl(s, ast, err) : refuse(s, ast, err);
    }
}

/* By the plan of an earlier statement when it still holds. */
static int run_found(RunningStatement *s, Error *err)
{
    bool again = true;
    statement_set_state(s, STATE_PLANNING);
    if (s->found_plan && run_plan(s, s->found_plan, &again, err))
        return -1;
    if (!again) {
        metric_inc(METRIC_QUERY_PLANS, "found");
        return 0;
    }
    if ((!s->ast && run_parse(s, &s->ast, err)) || transaction_check(s, s->ast, err))
        return -1;
    return dispatch(s, s->ast, NULL, 0, err);
}

static int run_with_connection(RunningStatement *s, Error *err)
{
    EngineConnection *connection;
    if (engine_acquire(s->server->engine, &connection, err))
        return -1;
    pthread_mutex_lock(&s->lock);
    s->context.connection = connection;
    pthread_mutex_unlock(&s->lock);
    int r = is_cancelled(s, err) ? -1 : run_found(s, err);
    if (r)
        transaction_failed(s);
    /* From here no cancel may reach the connection: the next statement gets it. */
    pthread_mutex_lock(&s->lock);
    s->context.connection = NULL;
    pthread_mutex_unlock(&s->lock);
    engine_release(connection);
    return r;
}

static void log_end(const RunningStatement *s, const Error *err, int64_t run_us)
{
    if (err && (err->code == ERR_INTERNAL || err->code == ERR_IO))
        log_error("query.failed", L_CSTR("query_id", s->id), L_ERR(err),
                  L_STR("sql", str_slice(s->sql, 0, 2000)));
    else
        log_info("query.end", L_CSTR("query_id", s->id), L_STR("user", s->session.user),
                 L_CSTR("state", err ? "FAILED" : "FINISHED"), L_INT("ms", run_us / 1000));
}

void run_statement(void *arg)
{
    RunningStatement *s = arg;
    Server *server = s->server;
    Error err;
    atomic_fetch_sub(&server->queued, 1);
    atomic_fetch_add(&server->running, 1);
    log_context_set(str_from(s->id), s->session.trace_token);
    s->context.arena = s->arena;
    s->context.catalogs = server->catalogs;
    s->context.query_id = str_from(s->id);
    s->context.task_key = s->session.task_key;
    s->context.properties = s->session.properties;
    s->context.n_properties = s->session.n_properties;
    s->context.session = make_session(s);
    pthread_mutex_lock(&s->lock);
    s->started_us = clock_monotonic_us();
    pthread_mutex_unlock(&s->lock);
    int r = run_with_connection(s, &err);
    catalogs_statement_ended(&s->context);
    statement_end(s, r ? &err : NULL);
    statement_drop_work(s);
    log_end(s, r ? &err : NULL, clock_monotonic_us() - s->created_monotonic_us);
    log_context_set(STR_NULL, STR_NULL);
    atomic_fetch_sub(&server->running, 1);
    statement_unref(s);
}
