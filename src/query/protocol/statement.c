#include "query/protocol/statement.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "query/protocol/answers.h"
#include "query/protocol/plan.h"
#include "query/protocol/server.h"

const char *statement_state_name(StatementState state)
{
    static const char *const names[] = { "QUEUED", "PLANNING", "RUNNING", "FINISHING", "FINISHED", "FAILED" };
    return names[state];
}

/* Statements that change nothing outside their client's session; only these may run in the POST. */
bool statement_has_effects(const Statement *ast)
{
    switch (ast->kind) {
    case STMT_QUERY:
    case STMT_SHOW_CATALOGS:
    case STMT_SHOW_SCHEMAS:
    case STMT_SHOW_TABLES:
    case STMT_SHOW_COLUMNS:
    case STMT_SHOW_CREATE_TABLE:
    case STMT_SHOW_CREATE_SCHEMA:
    case STMT_SHOW_CREATE_VIEW:
    case STMT_SHOW_CREATE_MATERIALIZED_VIEW:
    case STMT_SHOW_BRANCHES:
    case STMT_SHOW_FUNCTIONS:
    case STMT_SHOW_SESSION: case STMT_SHOW_STATS: case STMT_EXPLAIN: case STMT_USE: case STMT_SET_SESSION:
    case STMT_RESET_SESSION:
    case STMT_SET_TIME_ZONE:
    case STMT_PREPARE:
    case STMT_DEALLOCATE:
    case STMT_DESCRIBE_INPUT:
    case STMT_DESCRIBE_OUTPUT: case STMT_SET_ROLE: case STMT_SET_PATH: case STMT_UNSUPPORTED:
        return false;
    case STMT_EXECUTE_IMMEDIATE:
        return !ast->inner || statement_has_effects(ast->inner);
    default:
        return true;       /* EXECUTE too: what was prepared is known only later (the caller looks) */
    }
}

static bool is_ended(StatementState state) { return state == STATE_FINISHED || state == STATE_FAILED; }

void statement_set_state(RunningStatement *s, StatementState state)
{
    MUTEX_GUARD(&s->lock);
    if (!is_ended(s->state))
        s->state = state;
    if (state == STATE_RUNNING && !s->analysed_us)
        s->analysed_us = clock_monotonic_us();
}

static const SqlType *copy_type(const SqlType *type, Arena *arena)
{
    RowField *fields = type->n_fields ? arena_array(arena, RowField, type->n_fields) : NULL;
    SqlType *copy = arena_new_of(arena, SqlType);
    for (size_t i = 0; i < type->n_fields; i++) {
        Str name = type->fields[i].name;
        fields[i] = (RowField){ name.ptr ? arena_str(arena, name) : STR_NULL,
                                copy_type(type->fields[i].type, arena) };
    }
    *copy = *type;
    copy->fields = fields;
    return copy;
}

void statement_set_columns(RunningStatement *s, const OutputColumn *columns, size_t n)
{
    MUTEX_GUARD(&s->lock);
    OutputColumn *copy = arena_array(s->kept, OutputColumn, n);
    for (size_t i = 0; i < n; i++)
        copy[i] = (OutputColumn){ arena_str(s->kept, columns[i].name), copy_type(columns[i].type, s->kept) };
    s->columns = copy;
    s->n_columns = n;
    s->columns_known = true;
}

int statement_put_page(RunningStatement *s, Buf *rows, int64_t n_rows, bool is_last, Error *err)
{
    StatementPage *page = calloc(1, sizeof *page);
    if (!page)
        abort();
    MUTEX_GUARD(&s->lock);
    while (s->queued_bytes > STATEMENT_QUEUE_BYTES && !s->cancel_requested)
        pthread_cond_wait(&s->room, &s->lock);
    if (s->cancel_requested) {
        free(page);
        return err_set(err, ERR_USER_CANCELED, "Query was canceled");
    }
    page->rows = *rows;
    page->n_rows = n_rows;
    *rows = BUF_INIT(rows->max);
    s->queued_bytes += page->rows.len;
    atomic_fetch_add(&s->server->queued_bytes, (int64_t)page->rows.len);
    if (s->last_page)
        s->last_page->next = page;
    else
        s->first_page = page;
    s->last_page = page;
    if (!is_last) {
        s->pages_ready = true;
        answers_wake(s);
    }
    return 0;
}

void statement_add_header(RunningStatement *s, const char *name, Str value)
{
    MUTEX_GUARD(&s->lock);
    if (s->n_headers < sizeof s->headers / sizeof *s->headers)
        s->headers[s->n_headers++] = (SessionHeader){ name, arena_str(s->kept, value) };
}

void statement_set_update(RunningStatement *s, Str type, int64_t count)
{
    MUTEX_GUARD(&s->lock);
    s->update_type = arena_str(s->kept, type);
    s->update_count = count;
}

StatementPage *statement_take_page(RunningStatement *s)
{
    StatementPage *page = s->first_page;
    if (!page)
        return NULL;
    s->first_page = page->next;
    if (!s->first_page) {
        s->last_page = NULL;
        s->pages_ready = false;
    }
    s->queued_bytes -= page->rows.len;
    atomic_fetch_sub(&s->server->queued_bytes, (int64_t)page->rows.len);
    pthread_cond_broadcast(&s->room);
    return page;
}

void statement_page_free(StatementPage *page)
{
    buf_free(&page->rows);
    free(page);
}

static void drop_pages(RunningStatement *s)
{
    for (StatementPage *page; (page = statement_take_page(s));)
        statement_page_free(page);
}

/* The caller has the lock and frees what is answered. */
static Arena *take_work(RunningStatement *s)
{
    Arena *arena = s->arena;
    s->arena = NULL;
    s->ast = NULL;
    s->found_plan = s->made_plan = NULL;
    s->context.arena = NULL;
    s->context.session = NULL;
    s->context.metadata = NULL;
    return arena;
}

void statement_drop_work(RunningStatement *s)
{
    pthread_mutex_lock(&s->lock);
    const Plan *made = s->made_plan;
    Arena *arena = take_work(s);
    pthread_mutex_unlock(&s->lock);
    plan_leave(s, arena, made);
}

/* The lock is held. */
static void end_as(RunningStatement *s, StatementState state)
{
    s->state = state;
    if (state == STATE_FAILED)
        drop_pages(s);
    s->ended = true;
    s->ended_us = clock_monotonic_us();
    if (!s->started)
        arena_free(take_work(s));        /* no worker comes any more, and nothing is pinned yet */
    metric_inc(METRIC_QUERY_COMPLETED, statement_state_name(state));
    metric_observe(METRIC_QUERY_DURATION, (double)(s->ended_us - s->created_monotonic_us) / 1e6);
    answers_wake(s);
}

void statement_end(RunningStatement *s, const Error *error)
{
    MUTEX_GUARD(&s->lock);
    if (s->ended)
        return;
    /* A cancel that came first decides how the statement ends, whatever the engine made of the interrupt;
     * but a write that went through must not be called cancelled. */
    if (error && !s->cancel_requested)
        s->error = *error;
    bool failed = error || (s->cancel_requested && !s->has_effects);
    end_as(s, failed ? STATE_FAILED : STATE_FINISHED);
}

RunningStatement *statement_new(Server *server, Arena *arena, Arena *kept, const ClientSession *session,
                                Str sql)
{
    RunningStatement *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    pthread_cond_init(&s->room, NULL);
    pthread_mutex_init(&s->lock, NULL);
    s->server = server;
    s->arena = arena;
    s->kept = kept;
    s->session = *session;
    s->sql = sql;
    s->shown_sql = memchr(sql.ptr, 0, sql.len) ? session_text(sql, true, kept) : sql;
    s->references = 1;
    s->update_count = -1;
    s->last_token = -1;
    s->last_answer = BUF_INIT((size_t)1 << 31);
    s->created_us = clock_now_us();
    s->created_monotonic_us = s->last_contact_us = clock_monotonic_us();
    server_make_id(server, s->id);
    uint8_t random[16];
    rng_bytes(random, sizeof random);
    s->slug[0] = 'y';
    hex_encode(random, sizeof random, s->slug + 1);
    return s;
}

void statement_ref(RunningStatement *s)
{
    MUTEX_GUARD(&s->lock);
    s->references++;
}

void statement_unref(RunningStatement *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    bool last = --s->references == 0;
    pthread_mutex_unlock(&s->lock);
    if (!last)
        return;
    assert(!s->waiters);
    drop_pages(s);
    buf_free(&s->last_answer);
    arena_free(s->arena);
    arena_free(s->kept);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->room);
    free(s);
}

void statement_start(RunningStatement *s)
{
    Error err;
    pthread_mutex_lock(&s->lock);
    bool first = !s->started && !s->ended;
    s->started = true;
    if (first)
        s->references++;           /* the worker's */
    pthread_mutex_unlock(&s->lock);
    if (!first)
        return;
    atomic_fetch_add(&s->server->queued, 1);
    if (worker_pool_submit(s->server->pool, run_statement, s, &err) == 0)
        return;
    atomic_fetch_sub(&s->server->queued, 1);
    err_set(&err, ERR_OVERLOADED, "Too many queued queries");
    statement_end(s, &err);
    statement_drop_work(s);
    statement_unref(s);
}

void statement_cancel(RunningStatement *s, ErrCode code, const char *message)
{
    MUTEX_GUARD(&s->lock);
    if (s->state == STATE_FINISHED && s->first_page) {
        /* It ran to its end, but its client did not take the rows and now gives up: to the client it is
         * cancelled. */
        drop_pages(s);
        s->state = STATE_FAILED;
        err_set(&s->error, code, "%s", message);
    }
    if (s->ended || s->cancel_requested)
        return;
    s->cancel_requested = true;
    err_set(&s->error, code, "%s", message);
    atomic_store(&s->context.cancelled, true);
    if (s->context.connection)
        engine_interrupt(s->context.connection);
    if (!s->started)
        end_as(s, STATE_FAILED);
    pthread_cond_broadcast(&s->room);
}
