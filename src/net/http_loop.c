/* http_loop.c - one event loop: epoll, timers, and the queue of what other threads have done.
 *
 * Sockets are registered once, edge-triggered; `readable` remembers an edge until a read came up short. Each
 * kind of timer has one time span, so its list is in order of expiry and everything about timers is O(1).
 * Another thread that posts writes the eventfd only when the loop sleeps: a batch of answers costs one wake.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "net/http_internal.h"

enum { LOOP_EVENTS = 128, LOOP_TICK_MS = 1000 };

__thread Loop *http_this_loop;
__thread HttpServer *http_this_worker;

/* ---- timers ---- */

static void timer_unlink(Conn *c)
{
    TimerList *list = &c->loop->timers[c->timer];
    if (c->timer == TIMER_NONE)
        return;
    *(c->timer_prev ? &c->timer_prev->timer_next : &list->first) = c->timer_next;
    *(c->timer_next ? &c->timer_next->timer_prev : &list->last) = c->timer_prev;
    c->timer_prev = c->timer_next = NULL;
    c->timer = TIMER_NONE;
}

void timer_set(Conn *c, TimerKind kind)
{
    timer_unlink(c);
    if (kind == TIMER_NONE)
        return;
    TimerList *list = &c->loop->timers[kind];
    c->timer = kind;
    c->deadline_ms = c->loop->now_ms + c->loop->server->timeout_ms[kind];
    c->timer_prev = list->last;
    *(list->last ? &list->last->timer_next : &list->first) = c;
    list->last = c;
}

static void loop_expire(Loop *loop)
{
    for (int kind = 0; kind < TIMER_KINDS_; kind++) {
        Conn *c;
        while ((c = loop->timers[kind].first) && c->deadline_ms <= loop->now_ms) {
            timer_unlink(c);
            conn_expire(c);
        }
    }
}

/* ---- the ready list: connections that go on without an event ---- */

void loop_make_ready(Conn *c)
{
    Loop *loop = c->loop;
    if (c->is_ready)
        return;
    c->is_ready = true;
    c->ready_next = NULL;
    *(loop->ready_last ? &loop->ready_last->ready_next : &loop->ready_first) = c;
    loop->ready_last = c;
}

static void loop_run_ready(Loop *loop)
{
    Conn *c = loop->ready_first;
    loop->ready_first = loop->ready_last = NULL;
    for (Conn *next; c; c = next) {
        next = c->ready_next;
        c->is_ready = false;
        c->ready_next = NULL;
        conn_drive(c);
    }
}

/* ---- other threads ---- */

void loop_wake(Loop *loop)
{
    uint64_t one = 1;
    if (write(loop->wake, &one, sizeof one) < 0)
        assert(errno == EAGAIN);
}

static void loop_wake_if_asleep(Loop *loop)
{
    if (atomic_exchange(&loop->sleeping, false))
        loop_wake(loop);
}

/* While a thread is in a batch, what it posts stays here. */
static __thread struct { size_t depth; HttpRequest *first, *last; } batch;

static void loop_push(Loop *loop, HttpRequest *r)
{
    r->next = atomic_load_explicit(&loop->posted, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&loop->posted, &r->next, r))
        ;
}

void request_post(HttpRequest *r, bool wake)
{
    if (batch.depth > 0) {
        r->next = NULL;
        *(batch.last ? &batch.last->next : &batch.first) = r;
        batch.last = r;
        return;
    }
    Loop *loop = r->conn->loop;
    loop_push(loop, r);
    if (wake)
        loop_wake_if_asleep(loop);
}

void http_batch_begin(void)
{
    batch.depth++;
}

void http_batch_end(void)
{
    assert(batch.depth > 0);
    if (--batch.depth > 0)
        return;
    HttpRequest *r = batch.first;
    batch.first = batch.last = NULL;
    HttpServer *server = r ? r->conn->loop->server : NULL;
    if (server)
        atomic_fetch_add(&server->posting, 1);
    Loop *last = NULL;
    for (HttpRequest *next; r; r = next) {
        next = r->next;
        Loop *loop = r->conn->loop;
        assert(loop->server == server);
        loop_push(loop, r);
        if (last && last != loop)
            loop_wake_if_asleep(last);
        last = loop;
    }
    if (last)
        loop_wake_if_asleep(last);
    if (server)
        atomic_fetch_sub(&server->posting, 1);
}

/* First posted, first driven. */
static void loop_run_posted(Loop *loop)
{
    if (!atomic_load_explicit(&loop->posted, memory_order_relaxed))
        return;
    HttpRequest *stack = atomic_exchange(&loop->posted, NULL), *queue = NULL;
    loop->hurry = false;
    for (HttpRequest *next; stack; stack = next) {
        next = stack->next;
        stack->next = queue;
        queue = stack;
    }
    for (HttpRequest *next; queue; queue = next) {
        next = queue->next;
        queue->next = NULL;
        pthread_mutex_lock(&queue->mutex);
        queue->posted = false;
        pthread_mutex_unlock(&queue->mutex);
        conn_drive(queue->conn);
    }
}

static void loop_run_adopted(Loop *loop)
{
    if (!atomic_load_explicit(&loop->adopted, memory_order_relaxed))
        return;
    for (Conn *c = atomic_exchange(&loop->adopted, NULL), *next; c; c = next) {
        next = c->ready_next;
        int fd = c->fd;
        const Listener *listener = c->listener;
        free(c);
        atomic_fetch_sub(&loop->n_conns, 1);      /* counted when it was handed over */
        conn_open(loop, fd, listener);
    }
}

/* ---- accepting ---- */

static void loop_watch_listeners(Loop *loop, bool watch)
{
    HttpServer *server = loop->server;
    for (size_t i = 0; loop->accepting != watch && i < server->n_listeners; i++) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &server->listeners[i] };
        if (epoll_ctl(loop->epoll, watch ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, server->listeners[i].fd, &event) <
            0)
            log_warn("http.listener", L_INT("errno", errno));
    }
    loop->accepting = watch;
}

static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static void refuse_connection(int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
                                 "Connection: close\r\n\r\n";
    send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    metric_inc(METRIC_HTTP_REJECTED, "connections");
}

/* The connection goes to the loop with the fewest. */
static void loop_place(Loop *loop, int fd, const Listener *listener)
{
    HttpServer *server = loop->server;
    Loop *best = loop;
    for (size_t i = 0; i < server->options.n_loops; i++)
        if (atomic_load(&server->loops[i].n_conns) + 1 < atomic_load(&best->n_conns))
            best = &server->loops[i];
    if (best == loop) {
        conn_open(loop, fd, listener);
        return;
    }
    Conn *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    c->fd = fd;
    c->listener = listener;
    atomic_fetch_add(&best->n_conns, 1);
    c->ready_next = atomic_load(&best->adopted);
    while (!atomic_compare_exchange_weak(&best->adopted, &c->ready_next, c))
        ;
    loop_wake_if_asleep(best);
}

static void loop_accept(Loop *loop, const Listener *listener)
{
    HttpServer *server = loop->server;
    for (int i = 0; i < HTTP_ACCEPT_BATCH && loop->accepting; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0) {
            if (errno != EAGAIN) {      /* out of descriptors: again at the next tick */
                log_warn("http.accept", L_INT("errno", errno));
                loop_watch_listeners(loop, false);
                loop->accept_paused = true;
            }
            return;
        }
        if (http_server_connections(server) >= server->options.max_connections)
            refuse_connection(fd);
        else if (listener->is_unix && !is_ours(fd))
            close(fd);
        else
            loop_place(loop, fd, listener);
    }
}

/* ---- the loop ---- */

int loop_init(Loop *loop, HttpServer *server, size_t index, Error *err)
{
    loop->server = server;
    loop->index = index;
    loop->id_seed = rng_u64();
    loop->wake = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return err_set_errno(err, ERR_IO, errno, "epoll_create1 failed");
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake < 0)
        return err_set_errno(err, ERR_IO, errno, "eventfd failed");
    struct epoll_event event = { .events = EPOLLIN | EPOLLET,
                                 .data.ptr = NULL }; /* edges: need not be read */
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event) < 0)
        return err_set_errno(err, ERR_IO, errno, "epoll_ctl failed");
    return 0;
}

void loop_done(Loop *loop)
{
    while (loop->spare) {
        HttpRequest *r = loop->spare;
        loop->spare = r->next;
        request_free(r);
    }
    free(loop->buffer);
    closep_(&loop->wake);
    closep_(&loop->epoll);
}

static void loop_read_clock(Loop *loop)
{
    loop->now_us = clock_monotonic_us();
    loop->now_ms = loop->now_us / 1000;
}

/* Milliseconds until something is due; -1: only events matter. */
static int loop_timeout(const Loop *loop)
{
    if (loop->ready_first || loop->hurry)
        return loop->ready_first ? 0 : 1;
    int64_t due = loop->conns || loop->accept_paused ? loop->next_tick_ms : INT64_MAX;
    for (int kind = 0; kind < TIMER_KINDS_; kind++)
        if (loop->timers[kind].first && loop->timers[kind].first->deadline_ms < due)
            due = loop->timers[kind].first->deadline_ms;
    if (due == INT64_MAX)
        return -1;
    return due <= loop->now_ms                 ? 0
           : due - loop->now_ms > LOOP_TICK_MS ? LOOP_TICK_MS
                                               : (int)(due - loop->now_ms);
}

/* Once a second: spare memory goes back bit by bit, counters reach the registry. */
static void loop_tick(Loop *loop)
{
    loop->next_tick_ms = loop->now_ms + LOOP_TICK_MS;
    for (size_t i = 0, n = loop->n_spare / 4 + 1; i < n && loop->n_spare > 1; i++) {
        HttpRequest *r = loop->spare;
        loop->spare = r->next;
        loop->n_spare--;
        request_free(r);
    }
    if (loop->accept_paused && !atomic_load(&loop->server->draining)) {
        loop->accept_paused = false;
        loop_watch_listeners(loop, true);
    }
    http_server_flush_metrics(loop->server);
}

static void loop_obey_server(Loop *loop)
{
    HttpServer *server = loop->server;
    if (atomic_load(&server->draining) && (loop->accepting || loop->accept_paused)) {
        loop_watch_listeners(loop, false);
        loop->accept_paused = false;
        for (Conn *c = loop->conns, *next; c; c = next) {
            next = c->next;
            if (!c->request && !c->lingering && !atomic_load(&c->readable))
                conn_close(c);
        }
    }
    if (atomic_load(&server->killing) && !loop->killed) {
        loop->killed = true;
        for (Conn *c = loop->conns, *next; c; c = next) {
            next = c->next;
            conn_break(c);
        }
    }
}

static void loop_event(const struct epoll_event *event)
{
    Conn *c = event->data.ptr;
    if (event->events & (EPOLLERR | EPOLLHUP))
        atomic_store(&c->dead, true);
    if (event->events & EPOLLRDHUP)
        c->half_closed = true;
    if (event->events & (EPOLLIN | EPOLLRDHUP))
        atomic_store(&c->readable, true);
    conn_drive(c);
}

static bool is_listener(const HttpServer *server, const void *ptr)
{
    return (const Listener *)ptr >= server->listeners &&
           (const Listener *)ptr < server->listeners + server->n_listeners;
}

void *loop_main(void *arg)
{
    Loop *loop = arg;
    HttpServer *server = loop->server;
    http_this_loop = loop;
    loop_read_clock(loop);
    loop_watch_listeners(loop, true);
    struct epoll_event events[LOOP_EVENTS];
    while (!atomic_load(&server->stopping)) {
        int timeout = loop_timeout(loop);
        atomic_store(&loop->sleeping, true);
        if (atomic_load(&loop->posted) || atomic_load(&loop->adopted))
            timeout = 0;
        int n = epoll_wait(loop->epoll, events, LOOP_EVENTS, timeout);
        atomic_store(&loop->sleeping, false);
        loop_read_clock(loop);
        loop_run_posted(loop);
        loop_run_adopted(loop);
        for (int i = 0; i < n; i++) {
            void *ptr = events[i].data.ptr;
            if (ptr && is_listener(server, ptr))
                loop_accept(loop, ptr);
            else if (ptr)
                loop_event(&events[i]);
        }
        loop_run_ready(loop);
        if (loop->now_ms >= loop->next_tick_ms)
            loop_tick(loop);
        loop_expire(loop);
        loop_obey_server(loop);
        conn_free_closed(loop);
    }
    http_this_loop = NULL;
    return NULL;
}
