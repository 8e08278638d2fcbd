/* catalogs_internal.h - what the connectors share: the clients, the caches, one statement's view of the
 * tables.
 *
 * Layers inside this folder: rows.h and sql_text.h (DuckDB SQL as text) < iceberg_types.h < iceberg_table.h <
 * iceberg_layout.h, iceberg_scan.c, iceberg_write.c < catalogs.c. Nothing here knows HTTP; nothing but the
 * engine knows DuckDB's API. */
#pragma once

#include "base/arena_cache.h"
#include "client/catalog_client.h"
#include "client/storage_client.h"
#include "iceberg/scan.h"
#include "net/http_client.h"
#include "query/connector/catalogs.h"

enum {
    SQL_BYTES_MAX = 64 << 20, /* one relation: 200,000 files of 300 bytes */
    TABLE_CACHE_TABLES = 1024,
    TABLE_CACHE_BYTES = 256 << 20, /* metadata of tables, shared by statements */
    MANIFEST_CACHE_BYTES = 256 << 20,
    STATEMENT_FILES_MAX = 1000000,
};

typedef struct LayoutCache LayoutCache;
typedef struct InFlight InFlight;
typedef struct GeneratedData GeneratedData;

struct Catalogs {
    CatalogsOptions options;
    Arena *arena; /* the options' strings */
    StorageClient *storage;
    CatalogClient *catalog;
    HttpClient *catalog_probe;
    ManifestCache *manifests;
    ArenaCache *tables;
    LayoutCache *layouts;
    InFlight *in_flight;
    GeneratedData *generated;
    int64_t started_us;
};

/* ---- objects of commits that are under way (in_flight.c) ---- */

/* They are in storage before any metadata names them: removing orphans leaves them alone. Those of a commit
 * whose outcome is unknown stay. Thread-safe. */
typedef struct InFlight InFlight;
InFlight *in_flight_new(void);
void in_flight_free(InFlight *in_flight);
void in_flight_add(InFlight *in_flight, const Str *uris, size_t n);
void in_flight_remove(InFlight *in_flight, const Str *uris, size_t n);
bool in_flight_has(InFlight *in_flight, Str uri);

typedef struct Connector Connector;
struct Connector {
    const char *name; /* connector_name of system.metadata.catalogs */
    /* Names of schemas without information_schema; sorted. */
    int (*schemas)(StatementContext *context, Str catalog, Arena *arena, const Str **ret, size_t *ret_n,
                   Error *err);
    int (*tables)(StatementContext *context, Str schema, Arena *arena, const Str **ret, size_t *ret_n,
                  Error *err);
    int (*schema_exists)(StatementContext *context, Str schema, bool *ret, Error *err);
    int (*get_table)(StatementContext *context, Str catalog, Str schema, Str table, const Relation *reference,
                     Arena *arena, const TableHandle **ret, Error *err);
};
extern const Connector iceberg_connector, tpch_connector, tpcds_connector, system_connector;
/* NULL: no such catalog. */
const Connector *catalogs_connector(const Catalogs *catalogs, Str catalog);
/* Any table of any catalog, information_schema included, in the state that the statement sees. *ret NULL:
 * there is none. */
int catalogs_get_table(StatementContext *context, Str catalog, Str schema, Str table,
                       const Relation *reference, Arena *arena, const TableHandle **ret, Error *err);

/* Where a name of a catalog's schemas is not known by that name: nested namespaces are "a.b" in SQL, levels
 * joined by 0x1F below. */
Str namespace_of_schema(Str schema, Arena *arena);
Str schema_of_namespace(Str namespace_, Arena *arena);

/* ---- the cache of loaded tables (table_cache.c) ---- */

/* Metadata that many statements may read; held until the arena that asked for it is freed. */
typedef struct LoadedTable {
    const TableMetadata *metadata;
    Str metadata_location;
} LoadedTable;

/* Asks the catalog (304 when our copy is current). ERR_NO_SUCH_TABLE, ERR_NO_SUCH_NAMESPACE and the client's.
 */
int table_cache_load(ArenaCache *cache, CatalogClient *client, Str namespace_, Str name, Arena *arena,
                     LoadedTable *ret, Error *err);
/* What a commit answered: saves the next statement the transfer. `table` lives in `owned`, which is taken
 * over. */
void table_cache_put(ArenaCache *cache, Str namespace_, Str name, Arena *owned, const CatalogTable *table);
void table_cache_drop(ArenaCache *cache, Str namespace_, Str name);

/* ---- manifests through storage ---- */
ManifestSource catalogs_manifest_source(Catalogs *catalogs);

/* ---- work side by side ---- */

/* Runs fn(items[i]) for every item, all but the first in threads of their own, and waits; -1 with the first
 * error. */
typedef int (*ParallelFn)(void *item, Error *err);
int run_parallel(ParallelFn fn, void *const *items, size_t n, Error *err);

/* ---- session ---- */
Str session_property(const StatementContext *context, Str catalog, const char *name, Str default_value);
