/* statement.h - the statements that the server knows: their life, their pages, their end.
 *
 * A RunningStatement is made by a POST. A statement without side effects starts at once, one with them at the
 * first GET of its nextUri, so that a POST that a client sends twice runs nothing twice. A worker of the
 * statement pool runs it (run.c) and puts pages of rows into a bounded queue; GETs take them out. The answer
 * to the last token is kept and given again for a repeated GET.
 *
 * States are Trino's. A statement whose client has not asked for query.client_timeout is cancelled; an ended
 * one stays for system.runtime.queries until STATEMENT_HISTORY newer ones ended. Reference-counted; every
 * member after `lock` is under it. */
#pragma once

#include <pthread.h>

#include "query/connector/catalogs.h"
#include "query/protocol/session.h"
#include "query/sql/parser.h"

enum {
    STATEMENT_HISTORY = 100,
    STATEMENT_QUEUE_BYTES = 16 << 20,      /* rows waiting for the client; the engine pauses above it */
    STATEMENT_PAGE_BYTES = 1 << 20,        /* a page is handed out when it has this much, or at the end */
    STATEMENT_ARENA_BYTES = 512 << 20,
    STATEMENT_POLL_MS = 1000,
};

typedef enum StatementState {
    STATE_QUEUED,
    STATE_PLANNING,
    STATE_RUNNING,
    STATE_FINISHING,
    STATE_FINISHED,
    STATE_FAILED
} StatementState;

typedef struct StatementPage {
    struct StatementPage *next;
    Buf rows;                              /* "[[1],[2]]" */
    int64_t n_rows;
} StatementPage;

typedef struct SessionHeader { const char *name; Str value; } SessionHeader;

typedef struct Server Server;              /* server.h */

typedef struct RunningStatement {
    Server *server;
    char id[40], slug[40];
    Arena *arena; /* the statement's, used by its worker; freed when it ended and nobody holds it */
    ClientSession session;
    Str sql;
    Statement *ast;                        /* NULL: it did not parse (error is set) */
    bool has_effects;
    int64_t created_us;                    /* wall clock */
    int64_t created_monotonic_us;
    StatementContext context;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    int references;
    StatementState state;
    bool started, ended, cancel_requested;
    Error error;                           /* STATE_FAILED */
    const OutputColumn *columns;           /* arena; NULL: not known, or none */
    size_t n_columns;
    bool columns_known;
    StatementPage *first_page, *last_page;
    size_t queued_bytes;
    bool pages_ready;                      /* a page that is not the last one waits */
    Str update_type;                       /* arena; ptr NULL: none */
    int64_t update_count;                  /* -1: none */
    SessionHeader headers[8]; size_t n_headers;
    struct { int code; const char *name; Str message; } warnings[4]; size_t n_warnings;
    _Atomic int64_t last_token;            /* -1: no token was answered yet */
    Buf last_answer;
    int64_t last_contact_us, started_us, analysed_us, ended_us;      /* monotonic */
    int64_t rows_sent;
    struct RunningStatement *next;         /* the server's list, newest first */
} RunningStatement;

const char *statement_state_name(StatementState state);
bool statement_has_effects(const Statement *ast);

/* The worker's side. */
void statement_set_state(RunningStatement *s, StatementState state);
void statement_set_columns(RunningStatement *s, const OutputColumn *columns, size_t n);
/* Takes the Buf. Waits while the queue is full; -1 when the statement was cancelled. is_last: the statement ends right
 * after it, and a client that waits is woken by that end: it gets rows and end in one answer. */
int statement_put_page(RunningStatement *s, Buf *rows, int64_t n_rows, bool is_last, Error *err);
void statement_add_header(RunningStatement *s, const char *name, Str value);
void statement_set_update(RunningStatement *s, Str type, int64_t count);
void statement_end(RunningStatement *s, const Error *error /* NULL: finished */);

/* The protocol's side. */
RunningStatement *statement_new(Server *server, Arena *arena, const ClientSession *session, Str sql);
void statement_ref(RunningStatement *s);
void statement_unref(RunningStatement *s);
/* Hands it to the statement pool, once. A full queue fails the statement with QUERY_QUEUE_FULL. */
void statement_start(RunningStatement *s);
void statement_cancel(RunningStatement *s, ErrCode code, const char *message);
/* Waits up to `ms` for a full page or the end. */
void statement_wait(RunningStatement *s, int64_t ms);
