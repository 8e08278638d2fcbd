/* server.h - the query role's state: engine, catalogs, the statements. */
#pragma once

#include "base/arena_cache.h"
#include "base/thread.h"
#include "net/service.h"
#include "query/protocol/statement.h"
#include "query/protocol/transactions.h"

struct Server {
    const RoleContext *context;
    Engine *engine;
    Catalogs *catalogs;
    WorkerPool *pool;                      /* runs statements */
    Str iceberg_name, node_id;
    char coordinator_id[8];
    int64_t started_us, client_timeout_us;
    TimeLimit max_run_time;
    _Atomic bool ready, draining, stopped;
    Transactions transactions;
    ArenaCache *plans;                     /* plan.h */

    pthread_mutex_t lock;
    RunningStatement *statements;          /* newest first */
    size_t n_ended;
    int64_t next_number;
    _Atomic int running, queued, imports, n_waiters;
    _Atomic int64_t queued_bytes;          /* of all statements' pages */
};

void server_add(Server *server, RunningStatement *s);
RunningStatement *server_find(Server *server, Str id);     /* referenced; NULL */
void server_each_query(void *server, void (*fn)(void *fn_arg, const QueryInfo *info), void *fn_arg);
void server_make_id(Server *server, char out[40]);
/* By the timer thread. Answers the requests that have waited long enough. */
void server_expire_waiters(Server *server);
/* Drops old ended statements and cancels abandoned and overdue ones. */
void server_sweep(Server *server);

void server_cancel_all(Server *server);

void run_statement(void *statement);       /* run.c: the worker's entry */
void handle_request(HttpRequest *r, void *server);
void handle_import(HttpRequest *r, void *server);
