/* http_internal.h - what the files of the HTTP server share. Not for other modules.
 *
 * Who may touch what:
 *   - A Conn and the input side of its HttpRequest belong to the loop thread, except that a worker which
 *     calls http_body_read() owns reading until the answer ends (BODY_WORKER).
 *   - The output side is under request->mutex; any thread may build and send.
 *   - A thread that is not the loop's announces what it did by request_post(); the loop then drives the
 *     connection. A request is finished (and reused) by the loop only, and never while `posted`.
 *
 * http_server.c makes, drains and frees; http_loop.c is epoll, timers and the queue of other threads;
 * http_conn.c is the life of a connection; http_body.c reads bodies; http_reply.c builds answers and
 * http_output.c sends them; http_policy.c is Host and Origin. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"
#include "net/http_limits.h"
#include "net/http_parse.h"
#include "net/http_server.h"

typedef struct Loop Loop;
typedef struct Conn Conn;

typedef struct Listener {
    int fd, tag;
    bool is_unix;
} Listener;

typedef enum TimerKind {
    TIMER_NONE, TIMER_HEADER, TIMER_BODY, TIMER_IDLE, TIMER_SEND, TIMER_LINGER, TIMER_KINDS_,
} TimerKind;

struct Conn {
    int fd;
    Loop *loop;
    const Listener *listener;
    HttpRequest *request;           /* NULL between requests */
    Conn *prev, *next;              /* all connections of the loop */
    Conn *timer_prev, *timer_next;
    Conn *ready_next;
    int64_t deadline_ms;
    int64_t linger_end_ms;
    Buf pushback;                   /* bytes that were read too far: the next to be read */
    TimerKind timer;
    bool is_ready;                  /* in the loop's ready list */
    bool half_closed;               /* the client sends no more (EPOLLRDHUP) */
    bool lingering;
    atomic_bool readable;           /* the socket may have bytes */
    atomic_bool dead;               /* broken or given up: nothing can be sent or read */
    char peer[64];                  /* made when asked for */
    size_t peer_len;
};

typedef enum BodyMode {
    BODY_DONE,          /* none, or all of it was read */
    BODY_UNREAD,        /* nobody asked for it yet */
    BODY_WHOLE, BODY_STREAM, BODY_DISCARD,      /* read by the loop */
    BODY_WORKER,        /* read by http_body_read() */
} BodyMode;

struct HttpRequest {
    HttpRequest *next;              /* spare list, or queue of posted ones */
    Conn *conn;
    char *in;                       /* HTTP_IN_BYTES: the head, then what was read with it */
    size_t in_len, in_at;           /* in_at: where what is not consumed begins */
    HttpParser parser;
    bool running;                   /* the handler was called */
    int64_t started_us;
    char id[HTTP_REQUEST_ID_MAX];
    size_t id_len;
    char trace[32];
    bool has_trace;

    atomic_int body_mode;
    _Atomic int64_t body_left;      /* by Content-Length; chunked: 1 until the end */
    atomic_bool continue_due;       /* 100 Continue is awaited */
    size_t body_max;
    Buf body;                       /* BODY_WHOLE, unless it lies in `in` */
    void (*body_fn)(HttpRequest *r, Str body, void *arg);
    HttpBodySink sink;
    void *body_arg;
    atomic_bool paused;
    char *chunk_buf;                /* BODY_WORKER and chunked: HTTP_IN_BYTES */
    size_t chunk_at, chunk_len;

    void (*offload_fn)(HttpRequest *r, void *arg);
    void *offload_arg;
    void *user_data;
    Arena *arena;

    pthread_mutex_t mutex;          /* over all that follows */
    pthread_cond_t room;            /* http_write() may go on */
    Buf extra;                      /* headers set by the handler */
    Buf out;                        /* head, small body, written pieces */
    size_t out_at;
    char *mem;                      /* a body whose memory was taken over */
    size_t mem_len, mem_at;
    int file;                       /* -1: none */
    int64_t file_at, file_left;
    int status;
    bool begun, ended;              /* the answer */
    bool cut;                       /* the answer is not whole: end the connection */
    bool chunked, no_body;          /* the answer's framing */
    bool until_close;               /* the answer ends with the connection (HTTP/1.0) */
    bool close_after;               /* no further request on this connection */
    bool refused;                   /* by the server itself: what follows is not to be trusted */
    bool posted;                    /* in (or on the way to) the loop's queue */
    int64_t length_left;            /* of a declared Content-Length, to be written; -1: none declared */
    atomic_bool gone;
    void (*gone_fn)(HttpRequest *r, void *arg);
    void *gone_arg;
};

typedef struct TimerList { Conn *first, *last; } TimerList;

enum { METHOD_SLOTS = 10, CODE_SLOTS = 64 };

/* Counted by the loop alone, read by anyone; http_server_flush_metrics() moves them into the registry. */
typedef struct LoopCounters {
    _Atomic uint32_t requests[METHOD_SLOTS][CODE_SLOTS];
    uint32_t flushed[METHOD_SLOTS][CODE_SLOTS];      /* under the server's metrics_mutex */
} LoopCounters;

struct Loop {
    HttpServer *server;
    size_t index;
    pthread_t thread;
    bool started;
    int epoll, wake;
    int64_t now_ms, now_us;
    int64_t next_tick_ms;
    Conn *conns;
    atomic_size_t n_conns;
    Conn *ready_first, *ready_last;
    Conn *closed;                   /* freed at the end of the round: events may still name them */
    Conn *driven;                   /* being driven right now */
    TimerList timers[TIMER_KINDS_];
    HttpRequest *spare;
    size_t n_spare;
    char *buffer;                   /* HTTP_LOOP_BYTES, made at the first large body */
    bool accepting, accept_paused, killed;
    bool hurry;                     /* a thread is about to post, perhaps without a wake: do not sleep long */
    char good_host[64];             /* the last Host that was found to be ours */
    size_t good_host_len;
    uint64_t id_seed;
    _Atomic uint64_t id_counter;
    _Atomic(HttpRequest *) posted;  /* stack, by any thread */
    _Atomic(Conn *) adopted;        /* new connections from other loops, by ready_next */
    atomic_bool sleeping;
    LoopCounters counters;
};

struct HttpServer {
    HttpServerOptions options;
    char name[16];
    char **hosts;                   /* lower case; owned */
    size_t n_hosts;
    Listener listeners[8];
    size_t n_listeners;
    Loop *loops;
    WorkerPool *workers;
    atomic_bool draining, killing, stopping;
    atomic_size_t posting;          /* threads between queueing a request and waking its loop */
    int64_t timeout_ms[TIMER_KINDS_];
    pthread_mutex_t metrics_mutex;
};

/* The loop whose thread this is, and the server whose worker this is; NULL in other threads. */
extern __thread Loop *http_this_loop;
extern __thread HttpServer *http_this_worker;

/* http_loop.c */
int loop_init(Loop *loop, HttpServer *server, size_t index, Error *err);
void *loop_main(void *arg);
void loop_done(Loop *loop);
void loop_wake(Loop *loop);
void loop_make_ready(Conn *c);
void timer_set(Conn *c, TimerKind kind);
/* Hands `r` to its loop. The caller set r->posted under the mutex, released it, and does not touch r
 * afterwards. wake false: it is enough when the loop sees it with whatever wakes it next. */
void request_post(HttpRequest *r, bool wake);

/* http_conn.c */
void conn_open(Loop *loop, int fd, const Listener *listener);
void conn_drive(Conn *c);
void conn_expire(Conn *c);
void conn_close(Conn *c);
void conn_free_closed(Loop *loop);
/* Nothing more can be sent or read; closes when no answer is owed. Loop thread. */
void conn_break(Conn *c);
void request_free(HttpRequest *r);
/* The server's own refusal: a small JSON body, then the connection ends. Loop thread. */
void http_refuse(HttpRequest *r, int status, const char *reason, const char *metric_reason);

/* http_io.c: the connection's bytes; where TLS would go. -1: errno (EAGAIN: not now). */
ssize_t conn_recv(Conn *c, void *bytes, size_t n);
/* On the loop thread: also notes when the socket is drained, so that only the next edge makes it readable. A
 * worker must not: an edge could come between its read and its note. */
ssize_t conn_read(Conn *c, void *bytes, size_t n);
ssize_t conn_sendv(Conn *c, const struct iovec *parts, int n_parts, bool more);
ssize_t conn_sendfile(Conn *c, int file, int64_t offset, size_t n);
void conn_pushback(Conn *c, const char *bytes, size_t n);

/* http_body.c */
typedef enum BodyStep { BODY_WAIT, BODY_AGAIN, BODY_OVER, BODY_BROKEN } BodyStep;
BodyStep body_step(HttpRequest *r);
void body_broken(HttpRequest *r, int status, const char *reason);

/* http_output.c; all with the mutex held. */
typedef enum OutputState { OUTPUT_DONE, OUTPUT_BLOCKED, OUTPUT_SLICE, OUTPUT_DEAD } OutputState;
OutputState output_flush(HttpRequest *r, size_t slice);
size_t output_pending(const HttpRequest *r);
void output_drop(HttpRequest *r);
/* After something was added: sends it or has the loop send it. Releases the mutex. */
void output_submit(HttpRequest *r);
/* Has the loop drive the connection, whether or not there is output. Releases the mutex. */
void request_nudge(HttpRequest *r);
void output_continue(HttpRequest *r);      /* "100 Continue", when it is due; takes the mutex itself */

/* http_policy.c */
int policy_init(HttpServer *server, Error *err);
void policy_free(HttpServer *server);
/* 0, or the status to refuse with. */
int policy_check(const HttpRequest *r, const char **ret_reason);

/* http_server.c */
void http_server_flush_metrics(HttpServer *server);
void http_count_request(Loop *loop, const HttpRequest *r);
Str request_span(const HttpRequest *r, HttpSpan span);
