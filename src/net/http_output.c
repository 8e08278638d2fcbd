/* http_output.c - sends what http_reply.c built: first `out`, then `mem`, then the file. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/http_internal.h"

size_t output_pending(const HttpRequest *r)
{
    return r->out.len - r->out_at + r->mem_len - r->mem_at + (size_t)r->file_left;
}

void output_drop(HttpRequest *r)
{
    if (r->out.cap > HTTP_KEEP_BYTES)
        buf_free(&r->out);
    buf_clear(&r->out);
    r->out_at = 0;
    free(r->mem);
    r->mem = NULL;
    r->mem_len = r->mem_at = 0;
    if (r->file >= 0)
        close(r->file);
    r->file = -1;
    r->file_at = r->file_left = 0;
}

/* One send of memory. Returns what conn_sendv() does. */
static ssize_t output_send_memory(HttpRequest *r)
{
    struct iovec parts[2];
    int n = 0;
    size_t out_left = r->out.len - r->out_at, mem_left = r->mem_len - r->mem_at;
    if (out_left > 0)
        parts[n++] = (struct iovec){ r->out.data + r->out_at, out_left };
    if (mem_left > 0)
        parts[n++] = (struct iovec){ r->mem + r->mem_at, mem_left };
    ssize_t sent = conn_sendv(r->conn, parts, n, r->file_left > 0);
    if (sent <= 0)
        return sent;
    size_t of_out = (size_t)sent < out_left ? (size_t)sent : out_left;
    r->out_at += of_out;
    r->mem_at += (size_t)sent - of_out;
    if (r->out_at == r->out.len) {
        buf_clear(&r->out);
        r->out_at = 0;
    }
    return sent;
}

static ssize_t output_send_file(HttpRequest *r, size_t slice)
{
    size_t n = (uint64_t)r->file_left < slice ? (size_t)r->file_left : slice;
    ssize_t sent = conn_sendfile(r->conn, r->file, r->file_at, n);
    if (sent == 0) {            /* the file is shorter than was said */
        errno = EIO;
        return -1;
    }
    if (sent > 0) {
        r->file_at += sent;
        r->file_left -= sent;
    }
    return sent;
}

OutputState output_flush(HttpRequest *r, size_t slice)
{
    Conn *c = r->conn;
    size_t done = 0;
    while (output_pending(r) > 0) {
        if (atomic_load(&c->dead))
            return OUTPUT_DEAD;
        if (done >= slice)
            return OUTPUT_SLICE;
        bool memory = r->out.len > r->out_at || r->mem_len > r->mem_at;
        ssize_t sent = memory ? output_send_memory(r) : output_send_file(r, slice - done);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return OUTPUT_BLOCKED;
        if (sent < 0) {
            atomic_store(&c->dead, true);
            return OUTPUT_DEAD;
        }
        done += (size_t)sent;
    }
    return OUTPUT_DONE;
}

/* Whether the loop may learn later that a worker answered everything: nothing waits for it. */
static bool may_sleep(const HttpRequest *r)
{
    const HttpServer *server = r->conn->loop->server;
    return r->ended && !atomic_load(&r->conn->readable) && !atomic_load(&server->draining) && !r->cut &&
           (!r->arena || arena_used(r->arena) <= HTTP_KEEP_BYTES);
}

/* Releases the mutex and hands the request to its loop. */
static void post(HttpRequest *r, bool wake)
{
    HttpServer *server = r->conn->loop->server;
    bool first = !r->posted;
    r->posted = true;
    atomic_fetch_add(&server->posting, 1);
    pthread_mutex_unlock(&r->mutex);
    if (first)
        request_post(r, wake);      /* from here on r is the loop's */
    atomic_fetch_sub(&server->posting, 1);
}

void request_nudge(HttpRequest *r)
{
    Conn *c = r->conn;
    if (http_this_loop != c->loop) {
        post(r, true);
        return;
    }
    pthread_mutex_unlock(&r->mutex);
    if (c->loop->driven != c)
        loop_make_ready(c);
}

void output_submit(HttpRequest *r)
{
    Conn *c = r->conn;
    if (http_this_loop == c->loop) {
        request_nudge(r);
        return;
    }
    OutputState state = OUTPUT_BLOCKED;
    if (http_this_worker == c->loop->server) {
        state = output_flush(r, HTTP_SLICE_BYTES);
        if (state == OUTPUT_DONE && !r->ended) {    /* more is to come */
            pthread_mutex_unlock(&r->mutex);
            return;
        }
    }
    post(r, !(state == OUTPUT_DONE && may_sleep(r)));
}

void output_continue(HttpRequest *r)
{
    if (!atomic_exchange(&r->continue_due, false) || r->in_len > r->in_at)
        return;
    pthread_mutex_lock(&r->mutex);
    if (!r->begun && buf_puts(&r->out, "HTTP/1.1 100 Continue\r\n\r\n") == 0)
        output_flush(r, HTTP_SLICE_BYTES);
    pthread_mutex_unlock(&r->mutex);
}
