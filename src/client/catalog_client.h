/* catalog_client.h - the client of an Iceberg REST catalog: ours over its Unix socket, or any other over
 * HTTP.
 *
 * A client is thread-safe; a call blocks its thread. A namespace is one Str with its levels joined by the
 * byte 0x1F (CATALOG_LEVEL_SEPARATOR), so a namespace of one level is just its name. Names are
 * case-sensitive, of any UTF-8.
 *
 * Errors of every call: the catalog's own (by type and status: ERR_NO_SUCH_TABLE, ERR_NO_SUCH_NAMESPACE,
 * ERR_ALREADY_EXISTS, ERR_NAMESPACE_NOT_EMPTY, ERR_BAD_REQUEST, ...), ERR_UNAVAILABLE (nothing was sent),
 * ERR_IO and ERR_TIMEOUT (outcome unknown), ERR_ICEBERG_INVALID_METADATA (an answer that is no valid
 * document). Calls that commit tell three things apart: ERR_COMMIT_FAILED   it did not happen and never will:
 * the files written for it may be deleted; ERR_COMMIT_UNKNOWN  it may have happened: keep the files, load the
 * table and look for the snapshot; any other           it did not happen. Everything returned lives in the
 * arena given. Source: rest-catalog-open-api.yaml. */
#pragma once

#include "iceberg/metadata.h"
#include "iceberg/view.h"

#define CATALOG_LEVEL_SEPARATOR '\x1f'

typedef struct CatalogClient CatalogClient;

/* base: "unix:/path/to.sock", "http://host:8181" (what clients call "uri": without /v1). capability: the
 * supervisor's, or empty. Nothing is sent before the first call. */
CatalogClient *catalog_client_new(Str base, Str capability, Error *err);
void catalog_client_free(CatalogClient *client);

typedef struct CatalogProperties {
    const IceProperty *items;
    size_t n;
} CatalogProperties;
typedef struct CatalogNames {
    const Str *items;
    size_t n;
} CatalogNames;

typedef struct CatalogConfig {
    CatalogProperties defaults, overrides;
    CatalogNames
        endpoints; /* "GET /v1/{prefix}/namespaces"; the spec's default list when the server sent none */
    Str idempotency_key_lifetime; /* "PT24H"; empty: keys are not supported */
} CatalogConfig;
/* warehouse may be empty. Also takes over the server's prefix for all later calls of this client. */
int catalog_config(CatalogClient *client, Str warehouse, Arena *arena, CatalogConfig *ret, Error *err);

/* ---- namespaces ---- */

/* Direct children of `parent` (empty: the top level), as whole namespaces ("a\x1fb"); all pages.
 * ERR_NO_SUCH_NAMESPACE. */
int catalog_list_namespaces(CatalogClient *client, Str parent, Arena *arena, CatalogNames *ret, Error *err);
int catalog_create_namespace(CatalogClient *client, Str namespace_, CatalogProperties properties,
                             Arena *arena, Error *err);
int catalog_load_namespace(CatalogClient *client, Str namespace_, Arena *arena, CatalogProperties *ret,
                           Error *err);
int catalog_namespace_exists(CatalogClient *client, Str namespace_, Arena *arena, bool *ret, Error *err);
int catalog_drop_namespace(CatalogClient *client, Str namespace_, Arena *arena, Error *err);
int catalog_update_namespace(CatalogClient *client, Str namespace_, CatalogProperties updates,
                             CatalogNames removals, Arena *arena, Error *err);

/* ---- tables ---- */

typedef struct CatalogTable {
    bool not_modified;     /* 304: nothing else is set */
    Str metadata_location; /* empty: a staged create */
    Str etag;              /* as to be given back to catalog_load_table; empty: none */
    const TableMetadata *metadata;
    CatalogProperties config;
} CatalogTable;

/* Names of the tables of one namespace, in the catalog's order; all pages. */
int catalog_list_tables(CatalogClient *client, Str namespace_, Arena *arena, CatalogNames *ret, Error *err);

typedef struct CatalogNewTable {
    Str namespace_, name;
    Str location; /* empty: the catalog chooses */
    const IceSchema *schema;
    const IcePartitionSpec *spec;   /* NULL: unpartitioned */
    const IceSortOrder *sort_order; /* NULL: unsorted */
    CatalogProperties properties;
    bool stage; /* nothing is stored: commit later with assert-create (CREATE TABLE AS) */
    Str idempotency_key;
} CatalogNewTable;
int catalog_create_table(CatalogClient *client, const CatalogNewTable *table, Arena *arena, CatalogTable *ret,
                         Error *err);

/* etag: of a copy the caller still holds, or empty. refs_only: only snapshots that a branch or tag names. */
int catalog_load_table(CatalogClient *client, Str namespace_, Str name, Str etag, bool refs_only,
                       Arena *arena, CatalogTable *ret, Error *err);
int catalog_table_exists(CatalogClient *client, Str namespace_, Str name, Arena *arena, bool *ret,
                         Error *err);
/* purge: the catalog deletes the table's files, later and by what its metadata reaches. */
int catalog_drop_table(CatalogClient *client, Str namespace_, Str name, bool purge, Arena *arena, Error *err);
int catalog_rename_table(CatalogClient *client, Str from_namespace, Str from_name, Str to_namespace,
                         Str to_name, Arena *arena, Error *err);
int catalog_register_table(CatalogClient *client, Str namespace_, Str name, Str metadata_location,
                           bool overwrite, Arena *arena, CatalogTable *ret, Error *err);

/* ---- views ---- */

int catalog_list_views(CatalogClient *client, Str namespace_, Arena *arena, CatalogNames *ret, Error *err);
/* ERR_NO_SUCH_VIEW, ERR_NO_SUCH_NAMESPACE. */
int catalog_load_view(CatalogClient *client, Str namespace_, Str name, Arena *arena, const ViewMetadata **ret,
                      Error *err);

typedef struct CatalogNewView {
    Str namespace_, name;
    const IceSchema *schema;
    Str sql, dialect;
    Str default_catalog, default_namespace; /* of names in the SQL; empty: none */
    CatalogProperties properties;
    int64_t timestamp_ms;
} CatalogNewView;
int catalog_create_view(CatalogClient *client, const CatalogNewView *view, Arena *arena, Error *err);
/* A new version of `base`; its properties are set to those given. ERR_COMMIT_FAILED: another was first. */
int catalog_replace_view(CatalogClient *client, const CatalogNewView *view, const ViewMetadata *base,
                         Arena *arena, Error *err);
int catalog_drop_view(CatalogClient *client, Str namespace_, Str name, Arena *arena, Error *err);
int catalog_rename_view(CatalogClient *client, Str from_namespace, Str from_name, Str to_namespace,
                        Str to_name, Arena *arena, Error *err);

/* ---- commits ---- */

/* requirements and updates are JSON arrays as text, written with JsonWriter ("[]" for none). */
typedef struct CatalogCommit {
    Str namespace_, name;
    Str requirements, updates;
    Str task_key; /* exactly-once key of a workflow statement, checked inside every commit attempt; empty:
                     none */
} CatalogCommit;

/* idempotency_key: a UUIDv7, or empty (then one is made). The same key is used when the client itself sends
 * the request again, which it does once after a broken connection if the server advertises key support. */
int catalog_commit_table(CatalogClient *client, const CatalogCommit *commit, Str idempotency_key,
                         Arena *arena, CatalogTable *ret, Error *err);
/* All or nothing, over any number of tables. */
int catalog_commit_tables(CatalogClient *client, const CatalogCommit *commits, size_t n_commits,
                          Str idempotency_key, Arena *arena, Error *err);
