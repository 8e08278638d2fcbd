/* generated.h - catalogs whose data DuckDB's extensions generate: tpch and tpcds.
 *
 * A schema is made when it is first read: by the generator into DuckDB's memory, from there to Parquet files
 * with the names and types of Trino's connector. The files are kept in DATA/query/cache for later starts.
 * They appear there whole (a rename after they were synced) or not at all. Above the configured size, what
 * this process has not read goes, the least recently read first.
 *
 * Thread-safe. A schema is made by one statement while others that want it wait. */
#pragma once

#include "query/connector/catalogs_internal.h"

enum { GENERATED_SCHEMAS = 3, GENERATED_CATALOGS = 2, GENERATED_PARTS_MAX = 10 };

typedef struct GeneratedTable {
    const char *name;
    const char *columns; /* as columns_of() takes them: Trino's names, in the generator's order */
    bool is_fixed;       /* does not grow with the scale: only in the first part */
} GeneratedTable;

typedef struct GeneratedCatalog {
    size_t slot;                  /* 0 … GENERATED_CATALOGS - 1 */
    const char *name;             /* of the catalog, the connector and the extension */
    const char *generator;        /* the extension's table function */
    const GeneratedTable *tables; /* sorted by name */
    size_t n_tables;
    const char *hidden_columns; /* ", row_number bigint hidden", or empty */
    bool not_null;
    int parts[GENERATED_SCHEMAS]; /* big ones are made in parts, so that no more than one is in memory; order
                                     of schemas */
} GeneratedCatalog;

extern const GeneratedCatalog tpch_generated, tpcds_generated;

GeneratedData *generated_data_new(void);
void generated_data_free(GeneratedData *data);

int generated_schemas(StatementContext *context, Str catalog, Arena *arena, const Str **ret, size_t *ret_n,
                      Error *err);
int generated_schema_exists(StatementContext *context, Str schema, bool *ret, Error *err);
int generated_tables(const GeneratedCatalog *catalog, Str schema, Arena *arena, const Str **ret,
                     size_t *ret_n);
/* `reference`: not NULL for a versioned table, which is refused. */
int generated_table(const GeneratedCatalog *catalog, Str name, Str schema, Str table,
                    const Relation *reference, Arena *arena, const TableHandle **ret, Error *err);
