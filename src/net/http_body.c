/* http_body.c - request bodies: whole, in chunks, discarded, or read by a worker.
 *
 * Bytes come from the request's buffer first (read together with the head), then from the socket: straight
 * into the whole body's memory, or into the loop's one buffer, from which pieces are handed out without a
 * copy. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "net/http_internal.h"

static bool is_chunked(const HttpRequest *r)
{
    return r->parser.content_length < 0;
}

static bool is_answered(HttpRequest *r)
{
    pthread_mutex_lock(&r->mutex);
    bool ended = r->ended;
    pthread_mutex_unlock(&r->mutex);
    return ended;
}

/* ---- by the loop ---- */

void body_broken(HttpRequest *r, int status, const char *reason)
{
    Conn *c = r->conn;
    int mode = atomic_exchange(&r->body_mode, BODY_UNREAD);
    timer_set(c, TIMER_NONE);
    if (mode == BODY_WHOLE && status != 0) {
        http_refuse(r, status, reason, status == 413 ? "size" : status == 408 ? "timeout" : "malformed");
        return;
    }
    atomic_store(&c->dead, true);
    if (mode == BODY_STREAM && !is_answered(r)) {
        r->sink.on_end(r, false, r->body_arg);
    } else if (mode == BODY_WHOLE) {        /* nobody waits for this request */
        pthread_mutex_lock(&r->mutex);
        r->begun = r->ended = true;
        pthread_mutex_unlock(&r->mutex);
    }
}

static BodyStep body_over(HttpRequest *r)
{
    int mode = atomic_exchange(&r->body_mode, BODY_DONE);
    timer_set(r->conn, TIMER_NONE);
    if (mode == BODY_WHOLE)
        r->body_fn(r, buf_str(&r->body), r->body_arg);
    else if (mode == BODY_STREAM && !is_answered(r))
        r->sink.on_end(r, true, r->body_arg);
    return BODY_OVER;
}

/* Hands on one piece. BODY_AGAIN: go on. */
static BodyStep body_deliver(HttpRequest *r, Str piece)
{
    switch (atomic_load(&r->body_mode)) {
    case BODY_WHOLE:
        if (piece.len > r->body_max - r->body.len || buf_add(&r->body, piece) != 0) {
            body_broken(r, 413, "the request body is too large");
            return BODY_BROKEN;
        }
        return BODY_AGAIN;
    case BODY_STREAM:
        if (is_answered(r)) {
            atomic_store(&r->body_mode, BODY_UNREAD);
            return BODY_OVER;
        }
        r->sink.on_chunk(r, piece, r->body_arg);
        return BODY_AGAIN;
    default:
        r->body_max += piece.len;       /* of what is discarded */
        if (r->body_max > HTTP_DISCARD_BYTES) {
            atomic_store(&r->conn->dead, true);
            return BODY_BROKEN;
        }
        return BODY_AGAIN;
    }
}

/* Decodes and hands on until the bytes or the body end, or the handler pauses. */
static BodyStep body_feed(HttpRequest *r, const char *bytes, size_t n, size_t *ret_used)
{
    BodyStep step = BODY_AGAIN;
    size_t used = 0;
    while (used < n && step == BODY_AGAIN && !atomic_load(&r->paused)) {
        Str piece;
        bool ended;
        size_t took;
        if (is_chunked(r)) {
            if (http_parse_chunk(&r->parser, bytes + used, n - used, &took, &piece, &ended) != 0) {
                body_broken(r, r->parser.status, r->parser.reason);
                step = BODY_BROKEN;
                break;
            }
        } else {
            int64_t left = atomic_load(&r->body_left);
            took = (uint64_t)left < n - used ? (size_t)left : n - used;
            piece = str_of(bytes + used, took);
            ended = (uint64_t)left == took;
            atomic_store_explicit(&r->body_left, left - (int64_t)took, memory_order_relaxed);
        }
        used += took;
        if (piece.len > 0)
            step = body_deliver(r, piece);
        if (ended && step == BODY_AGAIN && !atomic_load(&r->paused))
            step = body_over(r);
    }
    *ret_used = used;
    return step;
}

/* Reads into the memory of a whole body of known length; the first read found some of it in `in`. */
static ssize_t whole_recv(HttpRequest *r, size_t *ret_asked)
{
    Conn *c = r->conn;
    Buf *body = &r->body;
    size_t left = (size_t)atomic_load(&r->body_left);
    size_t room = body->cap > body->len + 1 ? body->cap - body->len - 1 : 0;
    if (room == 0)
        room = body->len > HTTP_WHOLE_FIRST_BYTES ? body->len : HTTP_WHOLE_FIRST_BYTES;
    *ret_asked = room < left ? room : left;
    char *to = buf_reserve(body, *ret_asked);
    if (!to) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t n = conn_read(c, to, *ret_asked);
    if (n > 0) {
        body->len += (size_t)n;
        atomic_store_explicit(&r->body_left, (int64_t)left - n, memory_order_relaxed);
    }
    return n;
}

/* One read from the socket. *ret_n: bytes that came. */
static BodyStep body_recv(HttpRequest *r, size_t *ret_n)
{
    Conn *c = r->conn;
    Loop *loop = c->loop;
    bool straight = atomic_load(&r->body_mode) == BODY_WHOLE && !is_chunked(r);
    size_t asked = HTTP_LOOP_BYTES;
    ssize_t n;
    if (straight) {
        n = whole_recv(r, &asked);
    } else {
        if (!is_chunked(r) && (uint64_t)atomic_load(&r->body_left) < asked)
            asked = (size_t)atomic_load(&r->body_left);
        if (!loop->buffer && !(loop->buffer = malloc(HTTP_LOOP_BYTES)))
            return BODY_WAIT;
        n = conn_read(c, loop->buffer, asked);
    }
    *ret_n = n > 0 ? (size_t)n : 0;
    if (n < 0 && errno == EAGAIN)
        return BODY_AGAIN;
    if (n <= 0) {
        body_broken(r, 0, NULL);
        return BODY_BROKEN;
    }
    if (straight)
        return atomic_load(&r->body_left) == 0 ? body_over(r) : BODY_AGAIN;
    size_t used = 0;
    BodyStep step = body_feed(r, loop->buffer, (size_t)n, &used);
    if (used < (size_t)n)
        conn_pushback(c, loop->buffer + used, (size_t)n - used);
    return step;
}

/* The whole body lies behind its head already: no copy. */
static bool whole_in_place(HttpRequest *r)
{
    if (atomic_load(&r->body_mode) != BODY_WHOLE || is_chunked(r) || r->body.len > 0)
        return false;
    size_t length = (size_t)r->parser.content_length;
    if (r->in_len - r->in_at < length || r->in_at != r->parser.head_len)
        return false;
    Str body = str_of(r->in + r->in_at, length);
    r->in_at += length;
    atomic_store(&r->body_left, 0);
    atomic_store(&r->body_mode, BODY_DONE);
    r->body_fn(r, body, r->body_arg);
    return true;
}

BodyStep body_step(HttpRequest *r)
{
    Conn *c = r->conn;
    if (whole_in_place(r))
        return BODY_OVER;
    size_t done = 0;
    BodyStep step = BODY_AGAIN;
    while (step == BODY_AGAIN) {
        if (atomic_load(&r->paused)) {
            timer_set(c, TIMER_NONE);
            return BODY_WAIT;
        }
        if (is_chunked(r) ? r->parser.ended : atomic_load(&r->body_left) == 0)
            return body_over(r);
        if (atomic_load(&c->dead)) {
            body_broken(r, 0, NULL);
            return BODY_BROKEN;
        }
        if (done >= HTTP_SLICE_BYTES) {
            timer_set(c, TIMER_BODY);       /* progress, also of a client that never lets us wait */
            return BODY_AGAIN;
        }
        if (r->in_at < r->in_len) {
            size_t used = 0;
            step = body_feed(r, r->in + r->in_at, r->in_len - r->in_at, &used);
            r->in_at += used;
        } else if (atomic_load(&c->readable)) {
            size_t n = 0;
            step = body_recv(r, &n);
            done += n;
        } else {
            if (done > 0 || c->timer == TIMER_NONE)
                timer_set(c, TIMER_BODY);
            return BODY_WAIT;
        }
    }
    return step;
}

void http_read_body(HttpRequest *r, size_t max_bytes, void (*fn)(HttpRequest *r, Str body, void *arg),
                    void *arg)
{
    int mode = atomic_load(&r->body_mode);
    assert(http_this_loop == r->conn->loop && (mode == BODY_UNREAD || mode == BODY_DONE) && !r->body_fn);
    r->body_fn = fn;
    r->body_arg = arg;
    r->body_max = max_bytes;
    r->body.max = max_bytes;
    atomic_store(&r->body_mode, BODY_WHOLE);
    if (r->parser.content_length > 0 && (uint64_t)r->parser.content_length > max_bytes)
        body_broken(r, 413, "the request body is too large");
    else if (mode == BODY_UNREAD)
        output_continue(r);
    if (r->conn->loop->driven != r->conn)
        loop_make_ready(r->conn);
}

void http_stream_body(HttpRequest *r, HttpBodySink sink, void *arg)
{
    int mode = atomic_load(&r->body_mode);
    assert(http_this_loop == r->conn->loop && (mode == BODY_UNREAD || mode == BODY_DONE) &&
           !r->sink.on_chunk);
    r->sink = sink;
    r->body_arg = arg;
    atomic_store(&r->body_mode, BODY_STREAM);
    if (mode == BODY_UNREAD)
        output_continue(r);
    if (r->conn->loop->driven != r->conn)
        loop_make_ready(r->conn);
}

void http_pause_body(HttpRequest *r)
{
    atomic_store(&r->paused, true);
}

void http_resume_body(HttpRequest *r)
{
    pthread_mutex_lock(&r->mutex);
    atomic_store(&r->paused, false);
    request_nudge(r);
}

/* ---- by a worker ---- */

static void offload_main(void *arg)
{
    HttpRequest *r = arg;
    http_this_worker = r->conn->loop->server;
    log_context_set(http_request_id(r), r->has_trace ? str_of(r->trace, sizeof r->trace) : STR_NULL);
    r->offload_fn(r, r->offload_arg);
}

void http_offload(HttpRequest *r, void (*fn)(HttpRequest *r, void *arg), void *arg)
{
    r->offload_fn = fn;
    r->offload_arg = arg;
    Error err;
    if (worker_pool_submit(r->conn->loop->server->workers, offload_main, r, &err) == 0)
        return;
    metric_inc(METRIC_HTTP_REJECTED, "overloaded");
    http_set_header(r, "Retry-After", STR("1"));
    http_reply_error(r, &err);
}

/* Waits for bytes as long as body_timeout_ms. */
static ssize_t worker_recv(HttpRequest *r, void *bytes, size_t max, Error *err)
{
    Conn *c = r->conn;
    int timeout = (int)c->loop->server->timeout_ms[TIMER_BODY];
    for (;;) {
        ssize_t n = atomic_load(&c->dead) ? 0 : conn_recv(c, bytes, max);
        if (n > 0)
            return n;
        if (n == 0 || errno != EAGAIN)
            return err_set(err, ERR_INCOMPLETE_BODY,
                           "the client closed the connection before the end of the body");
        struct pollfd poll_fd = { .fd = c->fd, .events = POLLIN };
        int ready = poll(&poll_fd, 1, timeout);
        if (ready == 0)
            return err_set(err, ERR_TIMEOUT, "no byte of the body came for %d ms", timeout);
    }
}

static int worker_read_length(HttpRequest *r, void *bytes, size_t max, size_t *ret_n, Error *err)
{
    int64_t left = atomic_load(&r->body_left);
    if ((uint64_t)left < max)
        max = (size_t)left;
    ssize_t n;
    if (r->in_at < r->in_len) {
        n = (ssize_t)(r->in_len - r->in_at < max ? r->in_len - r->in_at : max);
        memcpy(bytes, r->in + r->in_at, (size_t)n);
        r->in_at += (size_t)n;
    } else if ((n = worker_recv(r, bytes, max, err)) < 0) {
        return -1;
    }
    atomic_store(&r->body_left, left - n);
    if (left == n)
        atomic_store(&r->body_mode, BODY_DONE);
    *ret_n = (size_t)n;
    return 0;
}

/* The next raw bytes of a chunked body, in `in` or chunk_buf; *ret_at is to be moved past what is used. */
static int worker_fill(HttpRequest *r, size_t **ret_at, Str *ret, Error *err)
{
    if (r->in_at < r->in_len) {
        *ret_at = &r->in_at;
        *ret = str_of(r->in + r->in_at, r->in_len - r->in_at);
        return 0;
    }
    if (r->chunk_at == r->chunk_len) {
        if (!r->chunk_buf && !(r->chunk_buf = malloc(HTTP_IN_BYTES)))
            return err_set(err, ERR_LIMIT, "no memory to read the body");
        ssize_t n = worker_recv(r, r->chunk_buf, HTTP_IN_BYTES, err);
        if (n < 0)
            return -1;
        r->chunk_at = 0;
        r->chunk_len = (size_t)n;
    }
    *ret_at = &r->chunk_at;
    *ret = str_of(r->chunk_buf + r->chunk_at, r->chunk_len - r->chunk_at);
    return 0;
}

static int worker_read_chunked(HttpRequest *r, void *bytes, size_t max, size_t *ret_n, Error *err)
{
    for (;;) {
        size_t *at = NULL, used;
        Str raw = STR_NULL, piece;
        bool ended;
        if (worker_fill(r, &at, &raw, err) != 0)
            return -1;
        /* At most max bytes of data fit: what is decoded is never longer than what it is decoded from. */
        if (http_parse_chunk(&r->parser, raw.ptr, raw.len < max ? raw.len : max, &used, &piece, &ended) != 0)
            return err_set(err, ERR_INCOMPLETE_BODY, "the chunked body is malformed: %s", r->parser.reason);
        *at += used;
        if (piece.len > 0)
            memcpy(bytes, piece.ptr, piece.len);
        *ret_n = piece.len;
        if (ended) {
            if (r->chunk_at < r->chunk_len)
                conn_pushback(r->conn, r->chunk_buf + r->chunk_at, r->chunk_len - r->chunk_at);
            r->chunk_at = r->chunk_len = 0;
            atomic_store(&r->body_mode, BODY_DONE);
        }
        if (piece.len > 0 || ended)
            return 0;
    }
}

int http_body_read(HttpRequest *r, void *bytes, size_t max, size_t *ret_n, Error *err)
{
    assert(max > 0 && http_this_loop != r->conn->loop);
    int mode = atomic_load(&r->body_mode);
    *ret_n = 0;
    if (mode == BODY_DONE)
        return 0;
    assert(mode == BODY_UNREAD || mode == BODY_WORKER);
    if (mode == BODY_UNREAD) {
        atomic_store(&r->body_mode, BODY_WORKER);
        output_continue(r);
    }
    int result = is_chunked(r) ? worker_read_chunked(r, bytes, max, ret_n, err)
                               : worker_read_length(r, bytes, max, ret_n, err);
    if (result != 0)
        http_close_after(r);
    return result;
}
