#include "query/protocol/server.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "query/protocol/answers.h"

void server_make_id(Server *server, char out[40])
{
    CivilTime t = civil_from_us(clock_now_us());
    pthread_mutex_lock(&server->lock);
    int64_t number = server->next_number++ % 100000;
    pthread_mutex_unlock(&server->lock);
    snprintf(out, 40, "%04d%02d%02d_%02d%02d%02d_%05d_%s", t.year, t.month, t.day, t.hour, t.minute, t.second,
             (int)number, server->coordinator_id);
}

void server_add(Server *server, RunningStatement *s)
{
    statement_ref(s);
    MUTEX_GUARD(&server->lock);
    s->next = server->statements;
    server->statements = s;
}

RunningStatement *server_find(Server *server, Str id)
{
    MUTEX_GUARD(&server->lock);
    for (RunningStatement *s = server->statements; s; s = s->next)
        if (str_is(id, s->id)) {
            statement_ref(s);
            return s;
        }
    return NULL;
}

static void describe(RunningStatement *s, QueryInfo *info)
{
    MUTEX_GUARD(&s->lock);
    int64_t offset = s->created_us - s->created_monotonic_us;
    *info = (QueryInfo){.query_id = str_from(s->id),
                        .state = str_from(statement_state_name(s->state)),
                        .user = s->session.user,
                        .source = s->session.source,
                        .query = s->shown_sql,
                        .created_us = s->created_us,
                        .started_us = s->started_us ? s->started_us + offset : 0,
                        .last_heartbeat_us = s->last_contact_us + offset,
                        .end_us = s->ended_us ? s->ended_us + offset : 0};
    info->queued_ms = s->started_us ? (s->started_us - s->created_monotonic_us) / 1000 : 0;
    info->analysis_ms = s->analysed_us && s->started_us ? (s->analysed_us - s->started_us) / 1000 : 0;
    if (s->state == STATE_FAILED) {
        info->error_type = str_from(err_trino_type(s->error.code));
        info->error_code = str_from(err_info(s->error.code)->trino_name);
    }
}

void server_each_query(void *arg, void (*fn)(void *fn_arg, const QueryInfo *info), void *fn_arg)
{
    Server *server = arg;
    enum { MOST = 4096 };
    static_assert((int)MOST > (int)STATEMENT_HISTORY, "all of the history must fit");
    RunningStatement *found[MOST];
    size_t n = 0;
    pthread_mutex_lock(&server->lock);
    for (RunningStatement *s = server->statements; s && n < MOST; s = s->next) {
        statement_ref(s);
        found[n++] = s;
    }
    pthread_mutex_unlock(&server->lock);
    while (n--) {
        QueryInfo info;
        describe(found[n], &info);
        fn(fn_arg, &info);
        statement_unref(found[n]);
    }
}

void server_cancel_all(Server *server)
{
    MUTEX_GUARD(&server->lock);
    for (RunningStatement *s = server->statements; s; s = s->next)
        statement_cancel(s, ERR_USER_CANCELED, "The server is shutting down");
}

void server_expire_waiters(Server *server)
{
    if (!atomic_load(&server->n_waiters))
        return;
    int64_t now = clock_monotonic_us();
    MUTEX_GUARD(&server->lock);
    for (RunningStatement *s = server->statements; s; s = s->next) {
        MUTEX_GUARD(&s->lock);
        answers_expire(s, now);
    }
}

/* ---- the sweep ---- */

typedef struct Sweep {
    int64_t now, patience_us;      /* how long a client may be silent */
    size_t n_ended, bytes;         /* the ended ones so far, newest first */
} Sweep;

static int over(int64_t begin_us, TimeLimit limit, const char *what, const Sweep *sweep, Error *ret)
{
    if (!begin_us || !limit.us || sweep->now - begin_us <= limit.us)
        return 0;
    return err_set(ret, ERR_EXCEEDED_TIME_LIMIT, "Query exceeded the maximum %s time limit of %s", what,
                   limit.text);
}

/* Why a statement must not go on; 0 when it may. The lock is held. */
static int check_limits(const RunningStatement *s, const Sweep *sweep, Error *ret)
{
    const ClientSession *c = &s->session;
    bool has_rows_left = s->ended && s->first_page;
    if ((!s->ended || has_rows_left) && sweep->now - s->last_contact_us > sweep->patience_us && !s->waiters)
        return err_set(ret, ERR_ABANDONED_QUERY,
                       "Query was abandoned by the client, as it may have exited or stopped "
                       "checking for query results");
    if (s->ended)
        return 0;
    int64_t planning = s->analysed_us ? 0 : s->started_us;
    TimeLimit run = c->max_run_time.us ? c->max_run_time : s->server->max_run_time;
    return over(s->created_monotonic_us, run, "run", sweep, ret) ||
                   over(s->analysed_us, c->max_execution_time, "execution", sweep, ret) ||
                   over(planning, c->max_planning_time, "planning", sweep, ret)
               ? -1
               : 0;
}

/* The lock is held. A client may still ask for rows, or once more for the last of them. */
static bool is_forgettable(RunningStatement *s, Sweep *sweep)
{
    if (!s->ended)
        return false;
    if (s->last_answer.len && sweep->now - s->last_contact_us > (int64_t)STATEMENT_RETRY_MS * 1000)
        buf_free(&s->last_answer);
    sweep->n_ended++;
    sweep->bytes += arena_used(s->kept) + s->last_answer.cap;
    bool is_full = sweep->n_ended > STATEMENT_HISTORY || sweep->bytes > STATEMENT_HISTORY_BYTES;
    return is_full && !s->first_page && !s->waiters &&
           (!s->last_answer.len || sweep->bytes > STATEMENT_HISTORY_BYTES);
}

static bool sweep_one(RunningStatement *s, Sweep *sweep)
{
    Error why;
    pthread_mutex_lock(&s->lock);
    int over_limit = check_limits(s, sweep, &why);
    bool forgettable = !over_limit && is_forgettable(s, sweep);
    /* An interrupt that came between two queries of a statement reached neither. */
    if (s->cancel_requested && s->context.connection)
        engine_interrupt(s->context.connection);
    pthread_mutex_unlock(&s->lock);
    if (over_limit)
        statement_cancel(s, why.code, why.message);
    return forgettable;
}

void server_sweep(Server *server)
{
    bool must_hurry = atomic_load(&server->queued_bytes) > STATEMENT_ALL_QUEUES_BYTES;
    int64_t hurry_us = (int64_t)STATEMENT_HURRY_MS * 1000;
    Sweep sweep = { .now = clock_monotonic_us(), .patience_us = server->client_timeout_us };
    if (must_hurry && sweep.patience_us > hurry_us)
        sweep.patience_us = hurry_us;
    RunningStatement *dropped = NULL;
    pthread_mutex_lock(&server->lock);
    for (RunningStatement **at = &server->statements; *at;) {
        RunningStatement *s = *at;
        if (sweep_one(s, &sweep)) {
            *at = s->next;
            s->next = dropped;
            dropped = s;
        } else
            at = &s->next;
    }
    pthread_mutex_unlock(&server->lock);
    while (dropped) {
        RunningStatement *s = dropped;
        dropped = s->next;
        statement_unref(s);
    }
    metric_set(METRIC_QUERY_RUNNING, atomic_load(&server->running));
    metric_set(METRIC_QUERY_QUEUED, atomic_load(&server->queued));
}
