/* trino_client.h - a client of Trino's statement protocol, with the whole session state that clients keep.
 *
 * One statement at a time a session. A run posts the statement, follows nextUri and hands over pages; Set-*
 * headers change the session. trino_cancel() may be called from a signal handler's thread: the run ends with
 * ERR_USER_CANCELED. Errors: the server's own (code by its name, message and position as sent), or the
 * transport's. Source: Trino client protocol. */
#pragma once

#include "base/arena.h"
#include "format/json.h"

typedef struct TrinoSession TrinoSession;

typedef struct TrinoColumn { Str name, type; } TrinoColumn;

typedef struct TrinoStats {
    Str state;
    double progress_percent;        /* -1: unknown */
    int64_t elapsed_ms, processed_rows, processed_bytes;
    int64_t completed_splits, total_splits;
    int64_t peak_memory_bytes;
} TrinoStats;

typedef struct TrinoPage {
    Str query_id;
    const TrinoColumn *columns; size_t n_columns;     /* 0: not known yet, or none */
    const Json *rows;                                  /* array of arrays; NULL: none in this page */
    TrinoStats stats;
    Str update_type;                                   /* empty: a query */
    int64_t update_count;                              /* -1: none */
    bool is_last;
} TrinoPage;

TrinoSession *trino_session_new(Str server_url, Str user, Error *err);
void trino_session_free(TrinoSession *session);
void trino_session_set(TrinoSession *session, Str catalog, Str schema, Str time_zone, Str source);
void trino_session_property(TrinoSession *session, Str name, Str value);
Str trino_session_catalog(const TrinoSession *session);
Str trino_session_schema(const TrinoSession *session);

/* Called for every page; everything in it is borrowed during the call. Not 0: cancel the statement. */
typedef int (*TrinoPageFn)(void *arg, const TrinoPage *page);
int trino_run(TrinoSession *session, Str sql, TrinoPageFn on_page, void *arg, Error *err);
void trino_cancel(TrinoSession *session);              /* async-signal-safe: sets a flag */
