/* routes.h - the handlers of routes.def, by the file they are in. Each answers and returns 0, or returns -1.
 */
#pragma once

#include "catalog/catalog.h"

/* handle_config.c */
int cat_get_config(CatRequest *q, Error *err);
int cat_get_token(CatRequest *q, Error *err);

/* handle_namespaces.c */
int cat_list_namespaces(CatRequest *q, Error *err);
int cat_create_namespace(CatRequest *q, Error *err);
int cat_load_namespace(CatRequest *q, Error *err);
int cat_namespace_exists(CatRequest *q, Error *err);
int cat_drop_namespace(CatRequest *q, Error *err);
int cat_update_properties(CatRequest *q, Error *err);
/* One page of names, or all when no pageToken was given: {"KEY":[…],"next-page-token":…}. `list` calls its
 * function for each name after `after`; `write` writes one as JSON. */
typedef struct Listing {
    const char *key;
    int (*list)(RegConn *conn, const struct Listing *listing, Str after, int64_t limit, RegNameFn fn,
                void *arg, Error *err);
    void (*write)(JsonWriter *w, const struct Listing *listing, Str name);
    Str namespace_path;
    int64_t namespace_id;
    RegKind kind;
} Listing;
int cat_reply_listing(CatRequest *q, RegConn *conn, const Listing *listing, Error *err);
int cat_list_entries(CatRequest *q, RegKind kind, Error *err);

/* handle_tables.c */
int cat_list_tables(CatRequest *q, Error *err);
int cat_create_table(CatRequest *q, Error *err);
int cat_load_table(CatRequest *q, Error *err);
int cat_table_exists(CatRequest *q, Error *err);
int cat_report_metrics(CatRequest *q, Error *err);

/* handle_changes.c */
int cat_update_table(CatRequest *q, Error *err);
int cat_commit_transaction(CatRequest *q, Error *err);
int cat_register_table(CatRequest *q, Error *err);
int cat_unregister_table(CatRequest *q, Error *err);
int cat_drop_table(CatRequest *q, Error *err);
int cat_rename_table(CatRequest *q, Error *err);
int cat_drop_view(CatRequest *q, Error *err);
int cat_rename_view(CatRequest *q, Error *err);

/* handle_views.c */
int cat_list_views(CatRequest *q, Error *err);
int cat_create_view(CatRequest *q, Error *err);
int cat_load_one_view(CatRequest *q, Error *err);
int cat_replace_view(CatRequest *q, Error *err);
int cat_view_exists(CatRequest *q, Error *err);
int cat_register_view(CatRequest *q, Error *err);
