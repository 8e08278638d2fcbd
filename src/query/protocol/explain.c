/* explain.c - EXPLAIN and the DESCRIBEs of prepared statements. */
#include "base/buf.h"
#include "base/clock.h"
#include "format/json.h"
#include "query/engine/emitter.h"
#include "query/protocol/plan_tree.h"
#include "query/protocol/run.h"
#include "query/sql/print.h"

enum { TEXT_MAX = 8 << 20, MAX_PLAN_ROWS = 10000 };

/* ---- EXPLAIN ---- */

static int put_scan(void *arg, const TableAccess *scan, Buf *lines, Error *err)
{
    RunningStatement *s = arg;
    return catalogs_explain_scan(&s->context, scan, lines, err);
}

/* Statements without a query are shown as they are. */
static int put_plan(RunningStatement *s, const Statement *inner, const Analysis *analysis, Buf *out,
                    Error *err)
{
    if (!inner->query) {
        buf_add(out, inner->text);
        return buf_putc(out, '\n');
    }
    return plan_put_text(plan_tree(inner->query, analysis, s->arena), put_scan, s, s->arena, out, err);
}

static int explain_text(RunningStatement *s, const Statement *ast, const Statement *inner,
                        const Analysis *analysis, Error *err)
{
    _cleanup_buf_ Buf out = BUF_INIT(TEXT_MAX);
    if (str_is(ast->explain_type, "LOGICAL"))
        buf_puts(&out, "WARNING: EXPLAIN TYPE LOGICAL is no longer supported and will be removed in a future "
                       "release.\nBelow is the output for EXPLAIN TYPE DISTRIBUTED. Please update your "
                       "query.\n\n");
    buf_puts(&out, "Trino version: 483 (lakehouse " LAKEHOUSE_VERSION ")\n");
    if (put_plan(s, inner, analysis, &out, err) || buf_check(&out, err))
        return -1;
    return run_text_result(s, "Query Plan", arena_str(s->arena, buf_str(&out)), err);
}

static int explain_as(RunningStatement *s, const Statement *ast, const Statement *inner,
                      const Analysis *analysis, Error *err)
{
    _cleanup_buf_ Buf out = BUF_INIT(TEXT_MAX);
    if (!inner->query)
        return err_set_sql(err, ERR_NOT_SUPPORTED, ast->pos.line, ast->pos.column,
                           "EXPLAIN with FORMAT %.*s is not supported for this statement",
                           STR_ARG(ast->explain_format));
    PlanNode *root = plan_tree(inner->query, analysis, s->arena);
    if (str_is(ast->explain_format, "JSON"))
        plan_put_json(root, s->arena, &out);
    else
        plan_put_graphviz(root, &out);
    if (buf_check(&out, err))
        return -1;
    return run_text_result(s, "Query Plan", arena_str(s->arena, buf_str(&out)), err);
}

/* The form that clients read to learn which tables a statement touches. */
static int explain_io(RunningStatement *s, const Analysis *analysis, Error *err)
{
    _cleanup_buf_ Buf out = BUF_INIT(TEXT_MAX);
    JsonWriter w = JSON_WRITER(&out);
    json_object(&w);
    json_key(&w, "inputTableColumnInfos");
    json_array(&w);
    for (size_t i = 0; i < analysis->n_tables; i++) {
        const TableHandle *t = analysis->tables[i].handle;
        json_object(&w);
        json_key(&w, "table");
        json_object(&w);
        json_kv_str(&w, "catalog", t->catalog);
        json_key(&w, "schemaTable");
        json_object(&w);
        json_kv_str(&w, "schema", t->schema);
        json_kv_str(&w, "table", t->table);
        json_end_object(&w);
        json_end_object(&w);
        json_key(&w, "constraint");
        json_object(&w);
        json_kv_bool(&w, "none", false);
        json_key(&w, "columnConstraints");
        json_array(&w);
        json_end_array(&w);
        json_end_object(&w);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_key(&w, "estimate");
    json_raw(&w, STR("{\"outputRowCount\":\"NaN\",\"outputSizeInBytes\":\"NaN\",\"cpuCost\":\"NaN\","
                     "\"maxMemory\":\"NaN\","
                     "\"networkCost\":\"NaN\"}"));
    json_end_object(&w);
    return run_text_result(s, "Query Plan", arena_str(s->arena, buf_str(&out)), err);
}

/* What is explained: of EXECUTE, the prepared statement. */
static int explained(Statement *ast, Statement **ret, Expr *const **ret_parameters, size_t *ret_n, Error *err)
{
    Statement *inner = ast->inner;
    *ret_parameters = NULL;
    *ret_n = 0;
    if (inner->kind == STMT_EXECUTE || inner->kind == STMT_EXECUTE_IMMEDIATE) {
        *ret_parameters = inner->args;
        *ret_n = inner->n_args;
        inner = inner->inner;
    }
    if (!inner)
        return err_set(err, ERR_NOT_SUPPORTED, "EXECUTE cannot be explained inside of a prepared statement");
    *ret = inner;
    return 0;
}

int run_explain(RunningStatement *s, Statement *ast, Error *err)
{
    Analysis *analysis;
    Statement *inner;
    Expr *const *parameters;
    size_t n;
    if (explained(ast, &inner, &parameters, &n, err) ||
        run_analyze(s, inner, parameters, n, false, &analysis, err))
        return -1;
    if (str_is(ast->explain_type, "VALIDATE"))
        return run_query_text(s, STR("SELECT true AS \"Valid\""), err);
    if (str_is(ast->explain_type, "IO"))
        return explain_io(s, analysis, err);
    if (str_is(ast->explain_format, "GRAPHVIZ") || str_is(ast->explain_format, "JSON"))
        return explain_as(s, ast, inner, analysis, err);
    return explain_text(s, ast, inner, analysis, err);
}

/* ---- EXPLAIN ANALYZE ---- */

static Str duration_text(Arena *arena, int64_t us)
{
    if (us < 1000)
        return arena_printf(arena, "%lld.00us", (long long)us);
    return us < 1000000 ? arena_printf(arena, "%.2fms", (double)us / 1e3)
                        : arena_printf(arena, "%.2fs", (double)us / 1e6);
}

int run_explain_analyze(RunningStatement *s, Statement *ast, Error *err)
{
    Analysis *analysis;
    Statement *inner;
    Expr *const *parameters;
    size_t n;
    RunMeasure m;
    if (explained(ast, &inner, &parameters, &n, err))
        return -1;
    if (inner->kind != STMT_QUERY)
        return err_set_sql(err, ERR_NOT_SUPPORTED, ast->pos.line, ast->pos.column,
                           "EXPLAIN ANALYZE of a statement that is no query is not supported");
    int64_t start = clock_monotonic_us();
    if (run_analyze(s, inner, parameters, n, false, &analysis, err))
        return -1;
    int64_t analyzed = clock_monotonic_us();
    if (run_and_count(s, inner->query, &m, err))
        return -1;
    _cleanup_buf_ Buf out = BUF_INIT(TEXT_MAX);
    buf_printf(&out,
               "Trino version: 483 (lakehouse " LAKEHOUSE_VERSION ")\n"
               "Queued: %.*s, Analysis: %.*s, Planning: %.*s, Execution: %.*s\n",
               STR_ARG(duration_text(s->arena, start - s->created_monotonic_us)),
               STR_ARG(duration_text(s->arena, analyzed - start)),
               STR_ARG(duration_text(s->arena, m.planning_us)),
               STR_ARG(duration_text(s->arena, m.execution_us)));
    buf_printf(&out, "Output: %lld row%s\n", (long long)m.rows, m.rows == 1 ? "" : "s");
    if (put_plan(s, inner, analysis, &out, err) || buf_check(&out, err))
        return -1;
    return run_text_result(s, "Query Plan", arena_str(s->arena, buf_str(&out)), err);
}

/* ---- DESCRIBE INPUT, DESCRIBE OUTPUT ---- */

static int describe_input(RunningStatement *s, const Analysis *analysis, Error *err)
{
    _cleanup_buf_ Buf q = BUF_INIT(TEXT_MAX);
    buf_puts(&q, "SELECT p AS \"Position\", t AS \"Type\" FROM (VALUES (-1, '')");
    for (size_t i = 0; i < analysis->n_parameters; i++) {
        const SqlType *type = analysis->parameter_types[i];
        buf_printf(&q, ", (%zu, ", i);
        sql_print_string(&q, type ? sql_type_name(type, s->arena) : STR("unknown"));
        buf_putc(&q, ')');
    }
    buf_puts(&q, ") v(p, t) WHERE p >= 0 ORDER BY p");
    return run_query_text(s, arena_str(s->arena, buf_str(&q)), err);
}

/* Bytes of a fixed-size value, 0 for the others. */
static int type_size(const SqlType *t)
{
    switch (t->kind) {
    case TYPE_BOOLEAN: case TYPE_TINYINT: case TYPE_UNKNOWN: return 1;
    case TYPE_SMALLINT: return 2;
    case TYPE_INTEGER: case TYPE_REAL: case TYPE_DATE: case TYPE_INTERVAL_YEAR_MONTH: return 4;
    case TYPE_BIGINT: case TYPE_DOUBLE: case TYPE_INTERVAL_DAY_TIME: case TYPE_TIME: return 8;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_TZ:
        return t->precision <= (t->kind == TYPE_TIMESTAMP ? 6 : 3) ? 8 : 12;
    case TYPE_DECIMAL: return t->precision <= 18 ? 8 : 16;
    case TYPE_UUID: return 16;
    default: return 0;
    }
}

typedef struct Origin { Str catalog, schema, table; bool aliased; } Origin;

static Origin column_origin(const Query *query, size_t column, Str name)
{
    Origin o = { STR(""), STR(""), STR(""), true };
    if (!query || query->body->kind != BODY_SELECT || column >= query->body->select->n_output)
        return o;
    const Expr *e = query->body->select->output[column];
    if (e->kind != EXPR_COLUMN || !e->column.ref.relation || e->column.ref.relation->kind != REL_TABLE ||
        !e->column.ref.relation->table.handle)
        return o;
    const TableHandle *t = e->column.ref.relation->table.handle;
    bool same =
        (size_t)e->column.ref.index < t->n_columns && str_eq(t->columns[e->column.ref.index].name, name);
    return (Origin){ t->catalog, t->schema, t->table, !same };
}

static int describe_output(RunningStatement *s, const Statement *inner, const Analysis *analysis, Error *err)
{
    _cleanup_buf_ Buf q = BUF_INIT(TEXT_MAX);
    buf_puts(&q,
             "SELECT c AS \"Column Name\", a AS \"Catalog\", s AS \"Schema\", t AS \"Table\", y AS \"Type\", "
             "z AS \"Type Size\", l AS \"Aliased\" FROM (VALUES (-1, '', '', '', '', '', 0, false)");
    for (size_t i = 0; i < analysis->n_columns && inner->kind == STMT_QUERY; i++) {
        const OutputColumn *c = &analysis->columns[i];
        Origin o = column_origin(inner->query, i, c->name);
        Str texts[] = { c->name, o.catalog, o.schema, o.table, sql_type_name(c->type, s->arena) };
        buf_printf(&q, ", (%zu", i);
        for (size_t t = 0; t < 5; t++) {
            buf_puts(&q, ", ");
            sql_print_string(&q, texts[t]);
        }
        buf_printf(&q, ", %d, %s)", type_size(c->type), o.aliased ? "true" : "false");
    }
    if (inner->kind == STMT_INSERT || inner->kind == STMT_CREATE_TABLE_AS)
        buf_puts(&q, ", (0, 'rows', '', '', '', 'bigint', 8, false)");
    buf_puts(&q, ") v(n, c, a, s, t, y, z, l) WHERE n >= 0 ORDER BY n");
    return run_query_text(s, arena_str(s->arena, buf_str(&q)), err);
}

int run_describe_prepared(RunningStatement *s, Statement *ast, Error *err)
{
    Analysis *analysis;
    if (!ast->inner)
        return err_set(err, ERR_NOT_SUPPORTED, "DESCRIBE %s cannot stand inside of a prepared statement",
                       ast->kind == STMT_DESCRIBE_INPUT ? "INPUT" : "OUTPUT");
    if (run_analyze(s, ast->inner, NULL, 0, true, &analysis, err))
        return -1;
    return ast->kind == STMT_DESCRIBE_INPUT ? describe_input(s, analysis, err)
                                            : describe_output(s, ast->inner, analysis, err);
}
