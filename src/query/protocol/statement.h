/* statement.h - the statements that the server knows: their life, their pages, their end.
 *
 * A RunningStatement is made by a POST. A statement without side effects starts at once, one with them at the
 * first GET of its nextUri, so that a POST that a client sends twice runs nothing twice. A worker of the
 * statement pool runs it (run.c) and puts pages of rows into a bounded queue; GETs take them out. The answer
 * to the last token is kept and given again for a repeated GET.
 *
 * States are Trino's. A statement whose client has not asked for query.client_timeout is cancelled; an ended
 * one stays for system.runtime.queries until STATEMENT_HISTORY newer ones ended or the history's bytes are
 * needed. Reference-counted; every member after `lock` is under it.
 *
 * Memory: `arena` has what only running needs (syntax tree, analysis, and by its cleanups pins and stages).
 * It belongs to the POST until server_add(), then to the worker, and goes when the statement ended. `kept`
 * has what is told afterwards; after server_add() it is under the lock. */
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
    STATEMENT_POLL_MS = 1000,              /* a GET waits for so long for rows or the end */
    STATEMENT_HISTORY_BYTES = 64 << 20,    /* of ended statements: texts and last answers */
    STATEMENT_RETRY_MS = 10000,            /* so long an ended statement's last answer can be asked again */
    /* All waiting rows of all statements; above it, clients have only so long to come for theirs. */
    STATEMENT_ALL_QUEUES_BYTES = 512 << 20,
    STATEMENT_HURRY_MS = 15000,
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

typedef struct StatementWaiter StatementWaiter;    /* answers.h */
typedef struct Server Server;              /* server.h */
typedef struct Plan Plan;                  /* plan.h */

typedef struct RunningStatement {
    Server *server;
    char id[40], slug[40];
    Arena *kept;
    Arena *arena;                          /* NULL once nothing runs any more */
    ClientSession session;
    Str sql, shown_sql;                    /* shown: without NUL, for system.runtime.queries */
    Statement *ast;                        /* NULL: it did not parse (error is set), or has a plan */
    Str plan_key;                          /* kept; ptr NULL: no plan is looked for or left */
    const Plan *found_plan, *made_plan;    /* of an earlier statement; its own, to be kept */
    bool has_effects;
    int64_t created_us;                    /* wall clock */
    int64_t created_monotonic_us;
    StatementContext context;

    pthread_mutex_t lock;
    pthread_cond_t room;                   /* in the queue of pages, or cancelled */
    int references;
    StatementState state;
    bool started, ended, cancel_requested;
    Error error;                           /* STATE_FAILED */
    const OutputColumn *columns;           /* kept; NULL: not known, or none */
    size_t n_columns;
    bool columns_known;
    StatementPage *first_page, *last_page;
    size_t queued_bytes;
    bool pages_ready;                      /* a page that is not the last one waits */
    Str update_type;                       /* kept; ptr NULL: none */
    int64_t update_count;                  /* -1: none */
    SessionHeader headers[8]; size_t n_headers;
    struct { int code; const char *name; Str message; } warnings[4]; size_t n_warnings;
    _Atomic int64_t last_token;            /* -1: no token was answered yet */
    Buf last_answer;                       /* empty: it cannot be asked again */
    StatementWaiter *waiters;              /* requests that wait for rows or the end, oldest first */
    int64_t last_contact_us, started_us, analysed_us, ended_us;      /* monotonic */
    int64_t rows_sent;
    struct RunningStatement *next;         /* the server's list, newest first */
} RunningStatement;

const char *statement_state_name(StatementState state);
bool statement_has_effects(const Statement *ast);

/* The worker's side. Columns, headers and texts are copied. */
void statement_set_state(RunningStatement *s, StatementState state);
void statement_set_columns(RunningStatement *s, const OutputColumn *columns, size_t n);
/* Takes the Buf. Waits while the queue is full; -1 when the statement was cancelled. is_last: the statement
 * ends right after it, and a client that waits is woken by that end: it gets rows and end in one answer. */
int statement_put_page(RunningStatement *s, Buf *rows, int64_t n_rows, bool is_last, Error *err);
void statement_add_header(RunningStatement *s, const char *name, Str value);
void statement_set_update(RunningStatement *s, Str type, int64_t count);
void statement_end(RunningStatement *s, const Error *error /* NULL: finished */);
/* Lets go of the arena and of what it holds; a plan in it may be kept for others. */
void statement_drop_work(RunningStatement *s);

/* The protocol's side. */
/* The session and `sql` (valid UTF-8) are in `kept`; takes both arenas. */
RunningStatement *statement_new(Server *server, Arena *arena, Arena *kept, const ClientSession *session,
                                Str sql);
void statement_ref(RunningStatement *s);
void statement_unref(RunningStatement *s);
/* Hands it to the statement pool, once. A full queue fails the statement with QUERY_QUEUE_FULL. */
void statement_start(RunningStatement *s);
void statement_cancel(RunningStatement *s, ErrCode code, const char *message);
/* Under the lock: takes the first page out of the queue; NULL when there is none. */
StatementPage *statement_take_page(RunningStatement *s);
void statement_page_free(StatementPage *page);
