/* http_server.c - making, draining and freeing a server; its counters. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "net/http_internal.h"

enum { DRAIN_POLL_MS = 2, KILL_WAIT_MS = 1000 };

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

static void server_set_options(HttpServer *server, const HttpServerOptions *options)
{
    HttpServerOptions *o = &server->options;
    *o = *options;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    o->n_loops = o->n_loops ? o->n_loops : 1;
    o->n_workers = o->n_workers ? o->n_workers : 2 * (size_t)(cores > 0 ? cores : 1);
    o->max_connections = o->max_connections ? o->max_connections : 4096;
    server->timeout_ms[TIMER_HEADER] = or_default(o->header_timeout_ms, 15000);
    server->timeout_ms[TIMER_BODY] = or_default(o->body_timeout_ms, 60000);
    server->timeout_ms[TIMER_SEND] = server->timeout_ms[TIMER_BODY];
    server->timeout_ms[TIMER_IDLE] = or_default(o->idle_timeout_ms, 120000);
    server->timeout_ms[TIMER_LINGER] = HTTP_LINGER_MS;
    snprintf(server->name, sizeof server->name, "%s", o->name ? o->name : "http");
}

HttpServer *http_server_new(const HttpServerOptions *options, Error *err)
{
    assert(options->handler);
    signal(SIGPIPE, SIG_IGN);           /* sendfile() has no MSG_NOSIGNAL */
    HttpServer *server = calloc(1, sizeof *server);
    if (!server) {
        err_set(err, ERR_LIMIT, "no memory for a server");
        return NULL;
    }
    pthread_mutex_init(&server->metrics_mutex, NULL);
    server_set_options(server, options);
    size_t n_loops = server->options.n_loops, n_workers = server->options.n_workers;
    server->loops = calloc(n_loops, sizeof *server->loops);
    int result = server->loops ? policy_init(server, err) : err_set(err, ERR_LIMIT, "no memory for a server");
    for (size_t i = 0; server->loops && i < n_loops; i++) {
        server->loops[i].epoll = server->loops[i].wake = -1;
        if (result == 0)
            result = loop_init(&server->loops[i], server, i, err);
    }
    if (result != 0) {
        http_server_free(server);
        return NULL;
    }
    char name[24];
    snprintf(name, sizeof name, "%.9s-work", server->name);
    server->workers = worker_pool_new(name, n_workers, n_workers * HTTP_QUEUED_PER_WORKER);
    return server;
}

int http_server_add_listener(HttpServer *server, int fd, int tag, Error *err)
{
    size_t max = sizeof server->listeners / sizeof *server->listeners;
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;
    if (server->n_listeners == max)
        return err_set(err, ERR_LIMIT, "a server listens on at most %zu sockets", max);
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return err_set_errno(err, ERR_IO, errno, "descriptor %d is no socket", fd);
    int flags = fcntl(fd, F_GETFL), on = 1;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_set_errno(err, ERR_IO, errno, "fcntl on a listening socket failed");
    bool is_unix = address.ss_family == AF_UNIX;
    if (!is_unix)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    server->listeners[server->n_listeners++] = (Listener){ .fd = fd, .tag = tag, .is_unix = is_unix };
    return 0;
}

int http_server_start(HttpServer *server, Error *err)
{
    for (size_t i = 0; i < server->options.n_loops; i++) {
        Loop *loop = &server->loops[i];
        char name[40];
        snprintf(name, sizeof name, "%.10s-%zu", server->name, i);
        if (thread_start(&loop->thread, name, loop_main, loop, err) != 0)
            return -1;
        loop->started = true;
    }
    return 0;
}

size_t http_server_connections(const HttpServer *server)
{
    size_t n = 0;
    for (size_t i = 0; i < server->options.n_loops; i++)
        n += atomic_load(&((HttpServer *)server)->loops[i].n_conns);
    return n;
}

static void server_wake(HttpServer *server)
{
    for (size_t i = 0; i < server->options.n_loops; i++)
        if (server->loops[i].started)
            loop_wake(&server->loops[i]);
}

static bool server_wait_empty(HttpServer *server, int64_t limit_ms)
{
    int64_t end = clock_monotonic_us() + limit_ms * 1000;
    while (http_server_connections(server) > 0) {
        if (clock_monotonic_us() >= end)
            return false;
        clock_sleep_ms(DRAIN_POLL_MS);
    }
    return true;
}

void http_server_drain(HttpServer *server, int64_t grace_ms)
{
    atomic_store(&server->draining, true);
    server_wake(server);
    if (!server_wait_empty(server, grace_ms)) {
        if (grace_ms > 0)
            log_warn("http.drain.cut", L_CSTR("server", server->name),
                     L_INT("connections", http_server_connections(server)));
        atomic_store(&server->killing, true);
        server_wake(server);
        server_wait_empty(server, KILL_WAIT_MS);
    }
    http_server_flush_metrics(server);
}

void http_server_free(HttpServer *server)
{
    if (!server)
        return;
    bool started = server->loops && server->loops[0].started;
    if (started && http_server_connections(server) > 0)
        http_server_drain(server, 0);
    atomic_store(&server->draining, true);
    worker_pool_free(server->workers);
    bool empty = !started || server_wait_empty(server, KILL_WAIT_MS);
    atomic_store(&server->stopping, true);
    if (started)
        server_wake(server);
    for (size_t i = 0; server->loops && i < server->options.n_loops; i++)
        if (server->loops[i].started)
            pthread_join(server->loops[i].thread, NULL);
    while (atomic_load(&server->posting) > 0)
        clock_sleep_ms(1);
    for (size_t i = 0; i < server->n_listeners; i++)
        close(server->listeners[i].fd);
    if (!empty) {       /* somebody may still answer: better to leak than to crash */
        log_error("http.unanswered", L_CSTR("server", server->name));
        return;
    }
    for (size_t i = 0; server->loops && i < server->options.n_loops; i++)
        loop_done(&server->loops[i]);
    policy_free(server);
    pthread_mutex_destroy(&server->metrics_mutex);
    free(server->loops);
    free(server);
}

/* ---- counters ---- */

static const char *const method_names[METHOD_SLOTS] = {
    "other", "GET", "PUT", "POST", "HEAD", "DELETE", "PATCH", "OPTIONS",
};

static size_t method_slot(uint8_t method)
{
    static const uint8_t slots[] = {
        [HTTP_GET] = 1, [HTTP_PUT] = 2, [HTTP_POST] = 3, [HTTP_HEAD] = 4, [HTTP_DELETE] = 5, [HTTP_PATCH] = 6,
        [HTTP_OPTIONS] = 7,
    };
    return method < sizeof slots ? slots[method] : 0;
}

/* Codes 200-511 that are used lie in few slots: 2xx, 3xx, 4xx, 5xx with their last digits below 32, 16 for
 * 2xx, 3xx. */
static size_t code_slot(int status)
{
    int last = status % 100;
    switch (status / 100) {
    case 2: return last < 8 ? (size_t)last : CODE_SLOTS - 1;
    case 3: return last < 10 ? 8 + (size_t)last : CODE_SLOTS - 1;
    case 4: return last < 32 ? 18 + (size_t)last : CODE_SLOTS - 1;
    case 5: return last < 12 ? 50 + (size_t)last : CODE_SLOTS - 1;
    default: return CODE_SLOTS - 1;
    }
}

static int slot_code(size_t slot)
{
    return slot < 8 ? 200 + (int)slot : slot < 18 ? 300 + (int)slot - 8 : slot < 50 ? 400 + (int)slot - 18
         : slot < 62 ? 500 + (int)slot - 50 : 0;
}

void http_count_request(Loop *loop, const HttpRequest *r)
{
    _Atomic uint32_t *counter =
        &loop->counters.requests[method_slot(r->parser.ll.method)][code_slot(r->status)];
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    metric_observe(METRIC_HTTP_DURATION, (double)(clock_monotonic_us() - r->started_us) / 1e6);
}

void http_server_flush_metrics(HttpServer *server)
{
    MUTEX_GUARD(&server->metrics_mutex);
    for (size_t l = 0; l < server->options.n_loops; l++) {
        LoopCounters *counters = &server->loops[l].counters;
        for (size_t m = 0; m < METHOD_SLOTS; m++) {
            for (size_t c = 0; c < CODE_SLOTS; c++) {
                uint32_t now = atomic_load_explicit(&counters->requests[m][c], memory_order_relaxed);
                uint32_t more = now - counters->flushed[m][c];
                if (more == 0)
                    continue;
                char code[8];
                snprintf(code, sizeof code, "%d", slot_code(c));
                metric_add(METRIC_HTTP_REQUESTS, more, method_names[m] ? method_names[m] : "other", code);
                counters->flushed[m][c] = now;
            }
        }
    }
}
