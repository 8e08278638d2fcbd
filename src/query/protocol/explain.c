/* explain.c - EXPLAIN and the DESCRIBEs of prepared statements. */
#include "base/buf.h"
#include "format/json.h"
#include "query/engine/emitter.h"
#include "query/protocol/run.h"
#include "query/sql/print.h"

enum { TEXT_MAX = 8 << 20, MAX_PLAN_ROWS = 10000 };

/* ---- EXPLAIN ---- */

static void put_columns(Buf *out, const Analysis *analysis, Arena *arena)
{
    buf_puts(out, "Output[");
    for (size_t i = 0; i < analysis->n_columns; i++)
        buf_printf(out, "%s%.*s:%.*s", i ? ", " : "", STR_ARG(analysis->columns[i].name),
                   STR_ARG(sql_type_name(analysis->columns[i].type, arena)));
    buf_puts(out, "]\n");
}

static int put_scans(RunningStatement *s, const Analysis *analysis, Buf *out, Error *err)
{
    for (size_t i = 0; i < analysis->n_tables; i++) {
        const TableHandle *t = analysis->tables[i].handle;
        buf_printf(out, "TableScan[%.*s.%.*s.%.*s]\n", STR_ARG(t->catalog), STR_ARG(t->schema),
                   STR_ARG(t->table));
        if (catalogs_explain_scan(&s->context, &analysis->tables[i], out, err))
            return -1;
    }
    return 0;
}

static int explain_text(RunningStatement *s, const Statement *inner, const Analysis *analysis, Error *err)
{
    _cleanup_buf_ Buf out = BUF_INIT(TEXT_MAX);
    buf_puts(&out, "Trino version: 483 (lakehouse " LAKEHOUSE_VERSION ")\n");
    put_columns(&out, analysis, s->arena);
    if (put_scans(s, analysis, &out, err))
        return -1;
    if (inner->query) {
        buf_puts(&out, "Query:\n");
        sql_print_query(&out, inner->query);
    }
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

int run_explain(RunningStatement *s, Statement *ast, Error *err)
{
    Analysis *analysis;
    Statement *inner = ast->inner;
    Expr *const *parameters = NULL;
    size_t n = 0;
    if (inner->kind == STMT_EXECUTE || inner->kind == STMT_EXECUTE_IMMEDIATE) {
        parameters = inner->args;
        n = inner->n_args;
        inner = inner->inner;
    }
    if (!inner)
        return err_set(err, ERR_NOT_SUPPORTED, "EXECUTE cannot be explained inside of a prepared statement");
    if (run_analyze(s, inner, parameters, n, false, &analysis, err))
        return -1;
    if (str_is(ast->explain_type, "VALIDATE"))
        return run_query_text(s, STR("SELECT true AS \"Valid\""), err);
    if (str_is(ast->explain_type, "IO"))
        return explain_io(s, analysis, err);
    if (str_is(ast->explain_format, "GRAPHVIZ") || str_is(ast->explain_format, "JSON"))
        return err_set_sql(err, ERR_NOT_SUPPORTED, ast->pos.line, ast->pos.column,
                           "EXPLAIN with FORMAT %.*s is not supported; use FORMAT TEXT or TYPE IO",
                           STR_ARG(ast->explain_format));
    return explain_text(s, inner, analysis, err);
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
