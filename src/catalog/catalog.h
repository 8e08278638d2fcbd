/* catalog.h - the catalog role: what its parts share. Read registry.h and document.h first.
 *
 * A request is matched to a route (routes.def) on the loop thread, its body read, and its handler run by a
 * worker, which may block on storage and the registry. A handler answers by reply_…() and returns 0, or
 * returns -1 and the error is answered. */
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "catalog/catalog_limits.h"
#include "catalog/document.h"
#include "catalog/registry.h"
#include "client/storage_client.h"
#include "net/http_client.h"
#include "net/service.h"

typedef struct Pending Pending;
typedef struct Collector Collector;

typedef struct Catalog {
    const RoleContext *context;
    Arena *arena;  /* of start-up */
    Str warehouse; /* "s3://lakehouse-warehouse/": with the slash */
    Registry *registry;
    DocumentCache *documents;
    StorageClient *storage;
    HttpClient *storage_http; /* for making the warehouse's bucket */
    Pending *pending;
    Collector *collector;
    /* By a table's name: commits to one table go one after the other. */
    pthread_mutex_t stripes[CATALOG_LOCK_STRIPES];
    pthread_mutex_t keys_lock; /* over the keys of requests under way */
    pthread_cond_t key_freed;
    Map *keys;
    pthread_mutex_t reservations_lock;
    Map *reservations; /* location of a staged table -> when it ends */
} Catalog;

typedef struct CatRequest CatRequest;

typedef struct CatRoute {
    const char *method;
    const char *path;      /* below /v1/: "namespaces/{namespace}/tables/{table}" */
    const char *operation; /* operationId of the specification */
    int (*handler)(CatRequest *q, Error *err);
    unsigned flags;
} CatRoute;
enum {
    ROUTE_BODY = 1,    /* takes JSON */
    ROUTE_FORM = 2,    /* takes a form */
    ROUTE_CHANGES = 4, /* honours Idempotency-Key */
    ROUTE_HIDDEN = 8,  /* not listed in /v1/config */
    ROUTE_QUICK = 32,  /* tried on the loop thread first, where the handler must not wait */
    ROUTE_TABLE = 16,  /* answers with the table that it commits to */
};
extern const CatRoute cat_routes[];
extern const size_t n_cat_routes;

struct CatRequest {
    HttpRequest *http;
    Catalog *catalog;
    const CatRoute *route;
    Arena *arena;             /* the request's */
    Str namespace_path, name; /* of the path; the name is a table's or a view's */
    Str body;
    const Json *json;     /* of a JSON body */
    Arena *own_arena;     /* ROUTE_TABLE: holds the tree; freed with the request unless it is taken */
    Str key;              /* Idempotency-Key; empty: none */
    bool on_loop;         /* a ROUTE_QUICK handler may return 1: it needs a worker, nothing was answered */
    uint64_t fingerprint; /* of the whole request, when there is a key */
};

void cat_handle(HttpRequest *request, void *catalog);

/* ---- replies (reply.c) ---- */

void cat_reply_json(CatRequest *q, int status, Buf *body); /* takes the Buf's memory */
void cat_reply_text(CatRequest *q, int status, Str json);
void cat_reply_empty(CatRequest *q, int status);
void cat_reply_error(CatRequest *q, const Error *err);
/* LoadTableResult and CommitTableResponse. A staged table has no location. */
int cat_reply_table(CatRequest *q, Document *document, bool staged, bool refs_only, Error *err);
int cat_reply_view(CatRequest *q, const Document *document, Error *err); /* LoadViewResult */
Str cat_table_etag(Str metadata_location, bool refs_only, Arena *arena); /* without quotes */

/* ---- names (names.c) ---- */

/* A path segment as it was sent to a namespace's path. ERR_BAD_REQUEST. */
int cat_namespace_of_segment(Str raw, Arena *arena, Str *ret, Error *err);
int cat_namespace_of_text(Str text, Str *ret, Error *err); /* decoded, levels joined by 0x1F */
int cat_namespace_of_json(const Json *array, Arena *arena, Str *ret, Error *err);
void cat_namespace_to_json(JsonWriter *w, Str path); /* ["a","b"] */
int cat_name_of_segment(Str raw, Arena *arena, Str *ret, Error *err);
int cat_name_check(Str name, Error *err);
/* {"namespace":[…],"name":…} */
int cat_identifier_of_json(const Json *object, Arena *arena, Str *ret_namespace, Str *ret_name, Error *err);
void cat_identifier_to_json(JsonWriter *w, Str namespace_path, Str name);

/* ---- locations (location.c) ---- */

/* "s3://bucket/key/" of a location, as the registry owns it. ERR_BAD_REQUEST. */
int cat_location_owned_form(Str location, Arena *arena, Str *ret, Error *err);
bool cat_location_is_ours(Str location); /* of a scheme that our storage has */
/* Where a new table goes when its client names no place: <namespace's folder>/<table>, with -<8 hex> when
 * that was ever another's. */
int cat_location_choose(Catalog *c, RegConn *conn, const RegNamespace *ns, Str name, Arena *arena, Str *ret,
                        Error *err);
/* May a table be put where its client says? ERR_VALIDATION. */
int cat_location_check(Catalog *c, RegConn *conn, Str location, int64_t entry_id, Arena *arena, Error *err);
void cat_location_reserve(Catalog *c, Str location); /* for a staged table */
void cat_location_unreserve(Catalog *c, Str location);

/* ---- metadata files (files.c) ---- */

/* "<location>/metadata/00001-<uuid>.metadata.json", by the table's properties. */
Str cat_metadata_file_location(const TableMetadata *table, int64_t version, Arena *arena);
Str cat_view_file_location(const ViewMetadata *view, int64_t version, Arena *arena);
int64_t cat_metadata_file_version(Str metadata_location); /* of its name; 0 when it has none */
/* From the cache or storage. ERR_NOT_FOUND when the file is gone. */
int cat_load(Catalog *c, Str metadata_location, Document **ret, Error *err);
int cat_load_view(Catalog *c, Str metadata_location, Document **ret, Error *err);
/* Writes the file durably, before anything points to it. When it fails nothing is visible and what was
 * written is collected. */
int cat_store(Catalog *c, const Document *document, Error *err);
/* Ends what cat_store() began: the pointer was moved, or the file is to be removed. */
void cat_stored(Catalog *c, Str metadata_location, bool is_used);

/* ---- writing (replay.c) ---- */

/* What is kept for a request with a key, beside what the job does and in the same transaction. */
typedef struct Outcome {
    int status;
    Str body;              /* ptr NULL: none */
    Str metadata_location; /* ptr NULL: none; else the reply is this table, or view when body is CAT_IS_VIEW
                            */
} Outcome;
#define CAT_IS_VIEW STR("view")
/* registry_write() with the outcome kept; job may be NULL. The job may still fill the outcome in. */
int cat_write(CatRequest *q, RegistryJob job, void *arg, const Outcome *outcome, Error *err);
/* Waits for a request with the same key that is under way; *ret_replied: the kept reply was given. */
int cat_replay_begin(CatRequest *q, bool *ret_replied, Error *err);
/* The request with this key is over; a final error is kept. Done by the replies that tell of success. */
void cat_replay_end(CatRequest *q, const Error *failure);

/* ---- commits (commit.c) ---- */

typedef struct TableCommit {
    Str namespace_path, name;
    const Json *requirements, *updates;
    Arena *arena;       /* of what is made of them; owned */
    bool holds_request; /* the arena holds requirements and updates too, so that the model may outlive the
                           request */

    RegNamespace ns;           /* the rest is of the attempt */
    RegEntry entry;            /* id 0: to be created */
    Document *base, *document; /* document NULL: nothing changes */
    const TableMetadata *base_table, *table;
    Str owned_location;
} TableCommit;

/* Commits to all or to none; documents are then current (base where nothing changed). Free with
 * cat_table_commits_free(). */
int cat_commit(CatRequest *q, TableCommit *commits, size_t n, Error *err);
void cat_table_commits_free(TableCommit *commits, size_t n);
/* Holds the locks of tables while it changes their pointers. Names may repeat. */
typedef struct TableLocks {
    uint16_t stripes[2 * CATALOG_TABLES_PER_COMMIT];
    size_t n;
} TableLocks;
void cat_table_locks_add(TableLocks *locks, Str namespace_path, Str name);
void cat_table_locks_take(Catalog *c, TableLocks *locks);
void cat_table_locks_release(Catalog *c, TableLocks *locks);

/* ---- collection (pending.c, collector.c) ---- */

int cat_pending_open(Str folder, Pending **ret, Error *err);
void cat_pending_close(Pending *pending);
int cat_pending_add(Pending *pending, Str uri, Error *err); /* before a file is written */
void cat_pending_end(Pending *pending, Str uri);            /* its fate is known */
/* What an earlier process left unended; the files are removed by cat_pending_recovered(). Arena. */
int cat_pending_left(Pending *pending, Arena *arena, Str **ret_uris, size_t *ret_n, Error *err);
void cat_pending_recovered(Pending *pending);

/* Marks what an earlier process left as garbage. */
int cat_recover(Catalog *c, Error *err);
int cat_collector_start(Catalog *c, Collector **ret, Error *err);
void cat_collector_stop(Collector *collector);
void cat_collector_wake(Collector *collector); /* there may be work */
