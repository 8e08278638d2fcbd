/* service.h - what every role has in common: its listeners, /health, /ready, /metrics, logs, drain.
 *
 * The supervisor starts `lakehouse serve ROLE` with sockets (LISTEN_FDS, LISTEN_FDNAMES: "tcp", "unix"), the
 * data folder and a capability, a secret of this run that roles present to each other on the Unix sockets in
 * DATA/run/. A role's main fills a Service and calls service_run().
 *
 * GET /health: 200 while the process lives. GET /ready:
 * {"ready":bool,"checks":[{"name":…,"ready":…,"message":…}]}, 200 or 503. GET /metrics: text 0.0.4 or
 * OpenMetrics by Accept. These are answered before the role's handler. On a TCP listener requests that carry
 * Lakehouse-Capability are refused. */
#pragma once

#include "base/config.h"
#include "net/http_server.h"

typedef struct RoleContext {
    const char *role;             /* "storage" */
    const Config *config;
    Str data_dir;                 /* absolute; the role's own folder is data_dir/ROLE */
    Str run_dir;                  /* data_dir/run: ROLE.sock */
    Str capability;               /* hex; empty when the role runs alone */
    int tcp_fd, unix_fd;          /* -1 when not given */
    Str public_url;               /* "http://127.0.0.1:9000" */
    int stop_fd;                  /* readable when the role shall drain (signalfd of SIGTERM and SIGINT) */
    int ready_fd;                 /* service_run writes one byte here once ready; -1: none */
} RoleContext;

typedef struct ReadyCheck {
    const char *name;                               /* "index", "storage" */
    bool (*check)(void *user, Str *ret_message);    /* fast; static message; any thread */
} ReadyCheck;

typedef struct Service {
    const RoleContext *context;
    HttpServerOptions http;                         /* handler and user are the role's */
    const ReadyCheck *checks;
    size_t n_checks;
    int64_t drain_ms;                               /* 0: 30000 */
    void (*on_drain)(void *user);                   /* before the server drains; may be NULL */
} Service;

enum { LISTENER_TCP = 1, LISTENER_UNIX = 2 };

/* Serves until stop_fd is readable and the drain is over. */
int service_run(const Service *service, Error *err);
/* True when the request came over the Unix socket with this run's capability (constant-time comparison). */
bool service_is_internal(const RoleContext *context, const HttpRequest *r);

/* The roles' mains: run until drained. 0, or -1 with err (start-up failed). */
int storage_main(const RoleContext *context, Error *err);
int catalog_main(const RoleContext *context, Error *err);
int query_main(const RoleContext *context, Error *err);
