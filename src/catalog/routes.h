/* routes.h - the handlers of routes.def, by the file they are in. Each answers and returns 0, or returns -1. */
#pragma once

#include "catalog/catalog.h"

/* handle_config.c */
int get_config(CatRequest *q, Error *err);
int get_token(CatRequest *q, Error *err);

/* handle_namespaces.c */
int list_namespaces(CatRequest *q, Error *err);
int create_namespace(CatRequest *q, Error *err);
int load_namespace(CatRequest *q, Error *err);
int namespace_exists(CatRequest *q, Error *err);
int drop_namespace(CatRequest *q, Error *err);
int update_properties(CatRequest *q, Error *err);
/* One page of names, or all when no pageToken was given: {"KEY":[…],"next-page-token":…}. `list` calls its function for each
 * name after `after`; `write` writes one as JSON. */
typedef struct Listing {
    const char *key;
    int (*list)(RegConn *conn, const struct Listing *listing, Str after, int64_t limit, RegNameFn fn, void *arg, Error *err);
    void (*write)(JsonWriter *w, const struct Listing *listing, Str name);
    Str namespace_path;
    int64_t namespace_id;
    RegKind kind;
} Listing;
int reply_listing(CatRequest *q, RegConn *conn, const Listing *listing, Error *err);
int list_entries(CatRequest *q, RegKind kind, Error *err);

/* handle_tables.c */
int list_tables(CatRequest *q, Error *err);
int create_table(CatRequest *q, Error *err);
int load_table(CatRequest *q, Error *err);
int table_exists(CatRequest *q, Error *err);
int report_metrics(CatRequest *q, Error *err);

/* handle_changes.c */
int update_table(CatRequest *q, Error *err);
int commit_transaction(CatRequest *q, Error *err);
int register_table(CatRequest *q, Error *err);
int unregister_table(CatRequest *q, Error *err);
int drop_table(CatRequest *q, Error *err);
int rename_table(CatRequest *q, Error *err);
