#include "query/connector/tpch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/thread.h"
#include "query/connector/rows.h"
#include "query/connector/sql_text.h"

/* In the order of columns of Trino's connector; the prefix is that of the TPC-H names, which DuckDB's
 * generator has. */
typedef struct TpchTable {
    const char *name, *prefix, *columns;
} TpchTable;
static const TpchTable tables[] = {
    {"customer", "c_",
     "custkey bigint, name varchar(25), address varchar(40), nationkey bigint, phone varchar(15), acctbal "
     "double, "
     "mktsegment varchar(10), comment varchar(117)"},
    {"lineitem", "l_",
     "orderkey bigint, partkey bigint, suppkey bigint, linenumber integer, quantity double, extendedprice "
     "double, "
     "discount double, tax double, returnflag varchar(1), linestatus varchar(1), shipdate date, commitdate "
     "date, "
     "receiptdate date, shipinstruct varchar(25), shipmode varchar(10), comment varchar(44)"},
    {"nation", "n_", "nationkey bigint, name varchar(25), regionkey bigint, comment varchar(152)"},
    {"orders", "o_",
     "orderkey bigint, custkey bigint, orderstatus varchar(1), totalprice double, orderdate date, "
     "orderpriority varchar(15), clerk varchar(15), shippriority integer, comment varchar(79)"},
    {"part", "p_",
     "partkey bigint, name varchar(55), mfgr varchar(25), brand varchar(10), type varchar(25), size integer, "
     "container varchar(10), retailprice double, comment varchar(23)"},
    {"partsupp", "ps_",
     "partkey bigint, suppkey bigint, availqty integer, supplycost double, comment varchar(199)"},
    {"region", "r_", "regionkey bigint, name varchar(25), comment varchar(152)"},
    {"supplier", "s_",
     "suppkey bigint, name varchar(25), address varchar(40), nationkey bigint, phone varchar(15), acctbal "
     "double, "
     "comment varchar(101)"},
};
enum { N_TABLES = sizeof tables / sizeof *tables, N_SCHEMAS = 3 };

/* Big ones are made in parts, so that no more than one part is in memory. */
static const struct {
    const char *name, *scale;
    int parts;
} schemas[N_SCHEMAS] = {
    {"sf1", "1", 1},
    {"sf10", "10", 10},
    {"tiny", "0.01", 1},
};

struct TpchData {
    pthread_mutex_t lock[N_SCHEMAS];
    bool made[N_SCHEMAS];
};

TpchData *tpch_data_new(void)
{
    TpchData *data = calloc(1, sizeof *data);
    if (!data)
        abort();
    for (size_t i = 0; i < N_SCHEMAS; i++)
        pthread_mutex_init(&data->lock[i], NULL);
    return data;
}

void tpch_data_free(TpchData *data)
{
    for (size_t i = 0; data && i < N_SCHEMAS; i++)
        pthread_mutex_destroy(&data->lock[i]);
    free(data);
}

static size_t schema_index(Str name)
{
    size_t i = 0;
    while (i < N_SCHEMAS && !str_is(name, schemas[i].name))
        i++;
    return i;
}

static Str folder_of(const Catalogs *c, size_t schema, Arena *arena)
{
    return arena_printf(arena, "%.*s/query/tmp/tpch/%s", STR_ARG(c->options.data_dir), schemas[schema].name);
}

/* ---- making the data ---- */

static int run(StatementContext *context, Buf *sql, Error *err)
{
    int r = buf_check(sql, err) || engine_execute(context->connection, buf_str(sql), NULL, err) ? -1 : 0;
    buf_clear(sql);
    return r;
}

static int copy_table(StatementContext *context, const TpchTable *t, Str folder, const char *source, int part,
                      Error *err)
{
    size_t n;
    const TableColumn *columns = columns_of(context->arena, t->columns, &n);
    _cleanup_buf_ Buf sql = BUF_INIT(1 << 20);
    buf_puts(&sql, "COPY (SELECT ");
    for (size_t i = 0; i < n; i++)
        buf_printf(&sql, "%sCAST(%s%.*s AS %.*s) AS %.*s", i ? ", " : "", t->prefix, STR_ARG(columns[i].name),
                   STR_ARG(sql_type_duckdb(columns[i].type, context->arena)), STR_ARG(columns[i].name));
    buf_printf(&sql, " FROM %s.%s) TO ", source, t->name);
    emit_string_literal(&sql,
                        arena_printf(context->arena, "%.*s/%s-%d.parquet", STR_ARG(folder), t->name, part));
    buf_puts(&sql, " (FORMAT parquet, COMPRESSION zstd)");
    return run(context, &sql, err);
}

static int make_part(StatementContext *context, size_t schema, Str folder, int part, Error *err)
{
    char source[64];
    Error ignored;
    _cleanup_buf_ Buf sql = BUF_INIT(1 << 16);
    snprintf(source, sizeof source, "lakehouse_tpch_%s", schemas[schema].name);
    buf_printf(&sql, "DROP SCHEMA IF EXISTS %s CASCADE", source);
    if (run(context, &sql, err))
        return -1;
    buf_printf(&sql, "CREATE SCHEMA %s", source);
    int r = run(context, &sql, err);
    buf_printf(&sql, "CALL dbgen(sf = %s, schema = '%s'", schemas[schema].scale, source);
    if (schemas[schema].parts > 1)
        buf_printf(&sql, ", children = %d, step = %d", schemas[schema].parts, part);
    buf_putc(&sql, ')');
    r = r || run(context, &sql, err) ? -1 : 0;
    for (size_t i = 0; !r && i < N_TABLES; i++) {
        bool once = str_is(str_from(tables[i].name), "nation") || str_is(str_from(tables[i].name), "region");
        if (!once || part == 0)
            r = copy_table(context, &tables[i], folder, source, part, err);
    }
    buf_clear(&sql);
    buf_printf(&sql, "DROP SCHEMA IF EXISTS %s CASCADE", source);
    if (run(context, &sql, &ignored))
        log_warn("tpch.drop", L_ERR(&ignored));
    return r;
}

static int make_data(StatementContext *context, size_t schema, Error *err)
{
    TpchData *data = context->catalogs->tpch;
    MUTEX_GUARD(&data->lock[schema]);
    if (data->made[schema])
        return 0;
    Str folder = folder_of(context->catalogs, schema, context->arena);
    if (fs_remove_tree(folder.ptr, err) || fs_mkdir_all(folder.ptr, 0700, err))
        return -1;
    for (int part = 0; part < schemas[schema].parts; part++)
        if (make_part(context, schema, folder, part, err)) {
            fs_remove_tree(folder.ptr, NULL);
            return err_prefix(err, "making tpch.%s", schemas[schema].name);
        }
    data->made[schema] = true;
    return 0;
}

/* ---- the connector ---- */

static int emit_scan(EmitContext *emit, const TableHandle *handle, const Relation *relation, Buf *out,
                     Error *err)
{
    StatementContext *context = emit->statement;
    size_t schema = schema_index(handle->schema);
    bool first = true, once = str_is(handle->table, "nation") || str_is(handle->table, "region");
    if (make_data(context, schema, err))
        return -1;
    buf_puts(out, "SELECT ");
    for (size_t i = 0; i < handle->n_columns; i++) {
        if (!relation->used[i])
            continue;
        buf_puts(out, first ? "" : ", ");
        first = false;
        if (handle->columns[i].hidden)
            buf_printf(out, "CAST(p.file_row_number AS BIGINT) AS c%zu", i);
        else
            buf_printf(out, "p.%.*s AS c%zu", STR_ARG(handle->columns[i].name), i);
    }
    buf_puts(out, first ? "1 AS no_column FROM read_parquet([" : " FROM read_parquet([");
    for (int part = 0; part < (once ? 1 : schemas[schema].parts); part++) {
        buf_puts(out, part ? "," : "");
        sql_path(out, arena_printf(emit->arena, "%.*s/%.*s-%d.parquet",
                                   STR_ARG(folder_of(context->catalogs, schema, emit->arena)),
                                   STR_ARG(handle->table), part));
    }
    buf_puts(out, "], hive_partitioning=false) p");
    return buf_check(out, err);
}

static const ConnectorOps tpch_ops = {"tpch", emit_scan};

static int list_schemas(StatementContext *context, Str catalog, Arena *arena, const Str **ret, size_t *ret_n,
                        Error *err)
{
    Str *names = arena_array(arena, Str, N_SCHEMAS);
    (void)context, (void)catalog, (void)err;
    for (size_t i = 0; i < N_SCHEMAS; i++)
        names[i] = str_from(schemas[i].name);
    *ret = names;
    *ret_n = N_SCHEMAS;
    return 0;
}

static int list_tables(StatementContext *context, Str schema, Arena *arena, const Str **ret, size_t *ret_n,
                       Error *err)
{
    Str *names = arena_array(arena, Str, N_TABLES);
    (void)context, (void)err;
    for (size_t i = 0; i < N_TABLES; i++)
        names[i] = str_from(tables[i].name);
    *ret = names;
    *ret_n = schema_index(schema) < N_SCHEMAS ? N_TABLES : 0;
    return 0;
}

static int schema_exists(StatementContext *context, Str schema, bool *ret, Error *err)
{
    (void)context, (void)err;
    *ret = schema_index(schema) < N_SCHEMAS;
    return 0;
}

static int get_table(StatementContext *context, Str catalog, Str schema, Str table, const Relation *reference,
                     Arena *arena, const TableHandle **ret, Error *err)
{
    *ret = NULL;
    (void)context;
    if (schema_index(schema) == N_SCHEMAS)
        return 0;
    for (size_t i = 0; i < N_TABLES; i++) {
        if (!str_is(table, tables[i].name))
            continue;
        if (reference)
            return err_set(err, ERR_NOT_SUPPORTED, "This connector does not support versioned tables");
        TableHandle *handle = arena_new_of(arena, TableHandle);
        size_t n;
        TableColumn *columns = (TableColumn *)columns_of(
            arena, arena_printf(arena, "%s, row_number bigint hidden", tables[i].columns).ptr, &n);
        for (size_t c = 0; c < n; c++)
            columns[c].not_null = true;
        *handle = (TableHandle){.ops = &tpch_ops,
                                .catalog = arena_str(arena, catalog),
                                .schema = arena_str(arena, schema),
                                .table = str_from(tables[i].name),
                                .columns = columns,
                                .n_columns = n};
        *ret = handle;
    }
    return 0;
}

const Connector tpch_connector = {"tpch", list_schemas, list_tables, schema_exists, get_table};
