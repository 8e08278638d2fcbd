#include "query/connector/generated.h"

/* The names and types of Trino's connector. */
static const GeneratedTable tables[] = {
    {"customer", "custkey bigint, name varchar(25), address varchar(40), nationkey bigint, phone "
                 "varchar(15), acctbal double, mktsegment varchar(10), comment varchar(117)"},
    {"lineitem", "orderkey bigint, partkey bigint, suppkey bigint, linenumber integer, quantity double, "
                 "extendedprice double, discount double, tax double, returnflag varchar(1), linestatus "
                 "varchar(1), shipdate date, commitdate date, receiptdate date, shipinstruct varchar(25), "
                 "shipmode varchar(10), comment varchar(44)"},
    {"nation", "nationkey bigint, name varchar(25), regionkey bigint, comment varchar(152)", true},
    {"orders", "orderkey bigint, custkey bigint, orderstatus varchar(1), totalprice double, orderdate date, "
               "orderpriority varchar(15), clerk varchar(15), shippriority integer, comment varchar(79)"},
    {"part", "partkey bigint, name varchar(55), mfgr varchar(25), brand varchar(10), type varchar(25), size "
             "integer, container varchar(10), retailprice double, comment varchar(23)"},
    {"partsupp", "partkey bigint, suppkey bigint, availqty integer, supplycost double, comment varchar(199)"},
    {"region", "regionkey bigint, name varchar(25), comment varchar(152)", true},
    {"supplier", "suppkey bigint, name varchar(25), address varchar(40), nationkey bigint, phone "
                 "varchar(15), acctbal double, comment varchar(101)"},
};

const GeneratedCatalog tpch_generated = {
    .slot = 0,
    .name = "tpch",
    .generator = "dbgen",
    .tables = tables,
    .n_tables = sizeof tables / sizeof *tables,
    .hidden_columns = ", row_number bigint hidden",
    .not_null = true,
    .parts = {1, 10, 1},
};

static int list_tables(StatementContext *context, Str schema, Arena *arena, const Str **ret, size_t *ret_n,
                       Error *err)
{
    (void)context, (void)err;
    return generated_tables(&tpch_generated, schema, arena, ret, ret_n);
}

static int get_table(StatementContext *context, Str catalog, Str schema, Str table, const Relation *reference,
                     Arena *arena, const TableHandle **ret, Error *err)
{
    (void)context;
    return generated_table(&tpch_generated, catalog, schema, table, reference, arena, ret, err);
}

const Connector tpch_connector = {"tpch", generated_schemas, list_tables, generated_schema_exists, get_table};
