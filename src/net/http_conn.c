/* http_conn.c - the life of a connection: read a head, run the handler, read the body, send the answer,
 * again.
 *
 * conn_drive() takes steps until there is nothing to do but wait. One request at a time: what a client
 * pipelines stays in the buffer or the socket until the answer before it is sent, so answers cannot change
 * order. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "net/http_internal.h"

typedef enum Step { STEP_AGAIN, STEP_WAIT, STEP_YIELD, STEP_CLOSED } Step;

/* ---- request objects ---- */

static HttpRequest *request_new(void)
{
    HttpRequest *r = calloc(1, sizeof *r);
    char *in = malloc(HTTP_IN_BYTES);
    if (!r || !in) {
        free(r);
        free(in);
        return NULL;
    }
    r->in = in;
    r->file = -1;
    r->extra = BUF_INIT(HTTP_SET_HEADERS_BYTES);
    r->out = BUF_INIT(SIZE_MAX / 4);
    pthread_mutex_init(&r->mutex, NULL);
    pthread_cond_init(&r->room, NULL);
    return r;
}

void request_free(HttpRequest *r)
{
    arena_free(r->arena);
    buf_free(&r->extra);
    buf_free(&r->out);
    buf_free(&r->body);
    free(r->chunk_buf);
    free(r->in);
    pthread_mutex_destroy(&r->mutex);
    pthread_cond_destroy(&r->room);
    free(r);
}

/* Forgets everything but the memory; bytes in `in` after in_at become the next request's first. */
static void request_reset(HttpRequest *r)
{
    size_t left = r->in_len - r->in_at;
    if (left > 0)
        memmove(r->in, r->in + r->in_at, left);
    r->in_len = left;
    r->in_at = 0;
    if (r->arena && arena_used(r->arena) > 0)
        arena_reset(r->arena);
    buf_free(&r->body);
    free(r->chunk_buf);
    r->chunk_buf = NULL;
    r->chunk_at = r->chunk_len = 0;
    pthread_mutex_lock(&r->mutex);      /* pairs with the last unlock of a thread that answered */
    output_drop(r);
    if (r->extra.cap > HTTP_KEEP_BYTES)
        buf_free(&r->extra);
    buf_clear(&r->extra);
    r->status = 0;
    r->begun = r->ended = r->cut = r->chunked = r->no_body = r->close_after = r->refused = r->until_close =
        false;
    r->length_left = -1;
    r->gone_fn = NULL;
    pthread_mutex_unlock(&r->mutex);
    atomic_store_explicit(&r->gone, false, memory_order_relaxed);
    atomic_store_explicit(&r->paused, false, memory_order_relaxed);
    atomic_store_explicit(&r->continue_due, false, memory_order_relaxed);
    atomic_store_explicit(&r->body_mode, BODY_DONE, memory_order_relaxed);
    r->running = r->has_trace = false;
    r->id_len = 0;
    r->user_data = NULL;
    r->body_fn = NULL;
    r->sink = (HttpBodySink){ 0 };
    http_parser_reset(&r->parser);
}

static HttpRequest *request_take(Conn *c)
{
    Loop *loop = c->loop;
    HttpRequest *r = loop->spare;
    if (r) {
        loop->spare = r->next;
        loop->n_spare--;
    } else if (!(r = request_new())) {
        return NULL;
    } else {
        request_reset(r);
    }
    r->next = NULL;
    r->conn = c;
    c->request = r;
    return r;
}

static void request_give_back(Conn *c)
{
    HttpRequest *r = c->request;
    Loop *loop = c->loop;
    c->request = NULL;
    r->in_at = r->in_len;
    request_reset(r);
    if (loop->n_spare >= HTTP_SPARE_REQUESTS) {
        request_free(r);
        return;
    }
    r->next = loop->spare;
    loop->spare = r;
    loop->n_spare++;
}

/* ---- opening and closing ---- */

void conn_open(Loop *loop, int fd, const Listener *listener)
{
    Conn *c = atomic_load(&loop->server->draining) ? NULL : calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    c->fd = fd;
    c->loop = loop;
    c->listener = listener;
    c->next = loop->conns;
    if (c->next)
        c->next->prev = c;
    loop->conns = c;
    atomic_fetch_add(&loop->n_conns, 1);
    metric_add(METRIC_HTTP_CONNECTIONS, 1);
    timer_set(c, TIMER_IDLE);
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        conn_close(c);
}

void conn_close(Conn *c)
{
    Loop *loop = c->loop;
    assert(c->fd >= 0 && (!c->request || !c->request->running));
    timer_set(c, TIMER_NONE);
    if (c->request)
        request_give_back(c);
    buf_free(&c->pushback);
    close(c->fd);
    c->fd = -1;
    *(c->prev ? &c->prev->next : &loop->conns) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->next = loop->closed;
    loop->closed = c;
    atomic_fetch_sub(&loop->n_conns, 1);
    metric_add(METRIC_HTTP_CONNECTIONS, -1);
}

void conn_free_closed(Loop *loop)
{
    Conn *kept = NULL;
    for (Conn *c = loop->closed, *next; c; c = next) {
        next = c->next;
        if (c->is_ready) {
            c->next = kept;
            kept = c;
        } else {
            free(c);
        }
    }
    loop->closed = kept;
}

void conn_break(Conn *c)
{
    atomic_store(&c->dead, true);
    shutdown(c->fd, SHUT_RDWR);         /* a worker that waits in http_body_read() wakes up */
    conn_drive(c);
}

/* Sends FIN and reads on for a while: closing with unread input would reset the connection, and the client
 * would lose the answer that says why. */
static Step conn_linger(Conn *c)
{
    request_give_back(c);
    buf_free(&c->pushback);
    shutdown(c->fd, SHUT_WR);
    c->lingering = true;
    c->linger_end_ms = c->loop->now_ms + HTTP_LINGER_MAX_MS;
    timer_set(c, TIMER_LINGER);
    return STEP_AGAIN;
}

static char *loop_buffer(Loop *loop)
{
    if (!loop->buffer)
        loop->buffer = malloc(HTTP_LOOP_BYTES);
    return loop->buffer;
}

static Step linger_step(Conn *c)
{
    char *scrap = loop_buffer(c->loop);
    size_t done = 0;
    while (scrap && !atomic_load(&c->dead) && c->loop->now_ms < c->linger_end_ms) {
        if (done >= HTTP_SLICE_BYTES)
            return STEP_YIELD;
        ssize_t n = conn_read(c, scrap, HTTP_LOOP_BYTES);
        if (n > 0) {
            done += (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            if (done > 0)
                timer_set(c, TIMER_LINGER);
            return STEP_WAIT;
        } else {
            break;
        }
    }
    conn_close(c);
    return STEP_CLOSED;
}

/* ---- the head ---- */

void http_refuse(HttpRequest *r, int status, const char *reason, const char *metric_reason)
{
    metric_inc(METRIC_HTTP_REJECTED, metric_reason);
    r->running = true;
    r->refused = true;
    timer_set(r->conn, TIMER_NONE);
    http_close_after(r);
    char body[256];
    int n = snprintf(body, sizeof body, "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"code\":%d}}",
                     reason, status == 403 ? "ForbiddenException" : "BadRequestException", status);
    assert(n > 0 && (size_t)n < sizeof body);
    http_reply(r, status, "application/json", str_of(body, (size_t)n));
}

static void request_run(HttpRequest *r)
{
    Conn *c = r->conn;
    HttpServer *server = c->loop->server;
    timer_set(c, TIMER_NONE);
    r->running = true;
    r->in_at = r->parser.head_len;
    int64_t length = r->parser.content_length;
    atomic_store_explicit(&r->body_left, length < 0 ? 1 : length, memory_order_relaxed);
    atomic_store_explicit(&r->body_mode, length == 0 ? BODY_DONE : BODY_UNREAD, memory_order_relaxed);
    atomic_store_explicit(&r->continue_due, r->parser.expects_continue && length != 0, memory_order_relaxed);
    const char *reason = NULL;
    int status = policy_check(r, &reason);
    if (status != 0)
        http_refuse(r, status, reason, status == 403 ? "origin" : "host");
    else
        server->options.handler(r, server->options.user);
}

static Step parse_step(HttpRequest *r)
{
    switch (http_parse_head(&r->parser, r->in, r->in_len)) {
    case HTTP_PARSE_HEAD:
        request_run(r);
        return STEP_AGAIN;
    case HTTP_PARSE_REFUSED:
        r->in_at = r->in_len;
        http_refuse(r, r->parser.status, r->parser.reason, "malformed");
        return STEP_AGAIN;
    case HTTP_PARSE_MORE:
    default:
        return STEP_WAIT;
    }
}

/* Reads as much of a head as there is. */
static Step head_step(Conn *c)
{
    HttpRequest *r = c->request;
    if (!r && !atomic_load(&c->readable) && !atomic_load(&c->dead))
        return STEP_WAIT;
    if (atomic_load(&c->dead) || (!r && !(r = request_take(c)))) {
        conn_close(c);
        return STEP_CLOSED;
    }
    if (r->in_len > r->parser.fed) {
        Step step = parse_step(r);
        if (step != STEP_WAIT)
            return step;
        if (c->timer != TIMER_HEADER)
            timer_set(c, TIMER_HEADER);
    }
    if (!atomic_load(&c->readable)) {
        if (r->in_len == 0)
            request_give_back(c);
        return STEP_WAIT;
    }
    size_t room = HTTP_IN_BYTES - r->in_len;
    assert(room > 0);
    ssize_t n = conn_read(c, r->in + r->in_len, room);
    if (n > 0) {
        if (r->in_len == 0)
            r->started_us = c->loop->now_us;
        r->in_len += (size_t)n;
        return STEP_AGAIN;
    }
    if (n < 0 && errno == EAGAIN)
        return STEP_AGAIN;
    conn_close(c);
    return STEP_CLOSED;
}

/* ---- from the handler's call to the end of the answer ---- */

static void log_access(const HttpRequest *r)
{
    if (!log_enabled(LOG_DEBUG))
        return;
    log_debug("http.request", L_STR("method", http_method(r)), L_STR("path", http_path(r)),
              L_INT("status", r->status), L_STR("id", http_request_id(r)), L_STR("peer", http_peer(r)),
              L_INT("us", r->conn->loop->now_us - r->started_us));
}

/* To keep the connection, what is left of the body is read. */
static void request_discard_body(HttpRequest *r)
{
    if (r->chunk_at < r->chunk_len)
        conn_pushback(r->conn, r->chunk_buf + r->chunk_at, r->chunk_len - r->chunk_at);
    r->chunk_at = r->chunk_len = 0;
    r->body_max = 0;
    atomic_store(&r->paused, false);
    atomic_store(&r->body_mode, BODY_DISCARD);
}

/* The answer is sent, or cannot be. */
static Step request_finish(HttpRequest *r)
{
    Conn *c = r->conn;
    bool dead = atomic_load(&c->dead), draining = atomic_load(&c->loop->server->draining);
    if (!dead && !r->close_after && !r->cut && atomic_load(&r->body_mode) != BODY_DONE) {
        request_discard_body(r);
        return STEP_AGAIN;
    }
    http_count_request(c->loop, r);
    log_access(r);
    r->running = false;
    if (dead || r->cut || ((r->close_after || draining) && r->in_at == r->in_len && !r->refused &&
                           atomic_load(&r->body_mode) == BODY_DONE)) {
        if (r->cut && r->until_close)       /* only a reset tells the client that this was not the end */
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
        conn_close(c);
        return STEP_CLOSED;
    }
    if (r->close_after || draining)
        return conn_linger(c);
    if (r->in_at < r->in_len) {
        request_reset(r);
        r->started_us = c->loop->now_us;
        return STEP_AGAIN;
    }
    request_give_back(c);
    timer_set(c, TIMER_IDLE);
    return atomic_load(&c->readable) ? STEP_AGAIN : STEP_WAIT;
}

/* Tells once that the client left. A half-closed client may have sent a body that is still to be read. */
static void request_tell_gone(HttpRequest *r)
{
    const Conn *c = r->conn;
    bool dead = atomic_load(&c->dead);
    if (!dead && !(c->half_closed && atomic_load(&r->body_mode) == BODY_DONE))
        return;
    pthread_mutex_lock(&r->mutex);
    atomic_store(&r->gone, true);
    void (*fn)(HttpRequest *, void *) = r->ended ? NULL : r->gone_fn;
    void *arg = r->gone_arg;
    r->gone_fn = NULL;
    if (dead)
        pthread_cond_broadcast(&r->room);
    pthread_mutex_unlock(&r->mutex);
    if (fn)
        fn(r, arg);
}

typedef struct Sending { OutputState state; bool ended, posted; } Sending;

static Sending request_send(HttpRequest *r)
{
    pthread_mutex_lock(&r->mutex);
    size_t before = output_pending(r);
    Sending sending = { .state = output_flush(r, HTTP_SLICE_BYTES) };
    if (sending.state == OUTPUT_DEAD || (r->ended && r->cut && sending.state == OUTPUT_DONE))
        output_drop(r);
    size_t after = output_pending(r);
    if (before > HTTP_WRITE_LOW_BYTES && after <= HTTP_WRITE_LOW_BYTES)
        pthread_cond_broadcast(&r->room);
    sending.ended = r->ended;
    sending.posted = r->posted;
    if (after == 0 && r->conn->timer == TIMER_SEND)
        timer_set(r->conn, TIMER_NONE);
    else if (after > 0 && (after < before || r->conn->timer == TIMER_NONE))
        timer_set(r->conn, TIMER_SEND);
    pthread_mutex_unlock(&r->mutex);
    return sending;
}

static Step run_step(HttpRequest *r)
{
    Conn *c = r->conn;
    BodyStep body = BODY_WAIT;
    int mode = atomic_load(&r->body_mode);
    if (mode == BODY_WHOLE || mode == BODY_STREAM || mode == BODY_DISCARD)
        body = body_step(r);
    if (c->half_closed || atomic_load(&c->dead))
        request_tell_gone(r);
    Sending sending = request_send(r);
    if (sending.state == OUTPUT_DEAD)
        request_tell_gone(r);
    if (sending.ended && sending.posted)        /* the loop must come by again to finish */
        c->loop->hurry = true;
    else if (sending.ended && sending.state != OUTPUT_BLOCKED && sending.state != OUTPUT_SLICE &&
             !(atomic_load(&r->body_mode) == BODY_DISCARD && !atomic_load(&c->dead)))
        return request_finish(r);
    if (sending.state == OUTPUT_SLICE || body == BODY_AGAIN)
        return STEP_YIELD;
    return body == BODY_OVER || body == BODY_BROKEN ? STEP_AGAIN : STEP_WAIT;
}

void conn_drive(Conn *c)
{
    if (c->fd < 0)
        return;
    Loop *loop = c->loop;
    assert(loop == http_this_loop && !loop->driven);
    loop->driven = c;
    Step step = STEP_AGAIN;
    for (int rounds = 0; step == STEP_AGAIN; rounds++) {
        if (rounds == HTTP_PIPELINE_ROUNDS)
            step = STEP_YIELD;
        else if (c->lingering)
            step = linger_step(c);
        else if (c->request && c->request->running)
            step = run_step(c->request);
        else
            step = head_step(c);
    }
    loop->driven = NULL;
    if (step == STEP_YIELD)
        loop_make_ready(c);
}

void conn_expire(Conn *c)
{
    HttpRequest *r = c->request;
    if (c->lingering || !r) {
        conn_close(c);
        return;
    }
    if (!r->running) {          /* a head that takes too long */
        c->loop->driven = c;
        r->in_at = r->in_len;
        http_refuse(r, 408, "the request head took too long", "timeout");
        c->loop->driven = NULL;
    } else {
        int mode = atomic_load(&r->body_mode);
        if (mode == BODY_WHOLE || mode == BODY_STREAM)
            body_broken(r, 408, "the request body took too long");
        else
            atomic_store(&c->dead, true);
    }
    conn_drive(c);
}
