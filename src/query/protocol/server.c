#include "query/protocol/server.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/metrics.h"

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
                        .query = s->sql,
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

/* What a statement needs at this moment: nothing, an end, or to be forgotten. */
static bool is_forgettable(Server *server, RunningStatement *s, int64_t now, size_t *n_ended)
{
    pthread_mutex_lock(&s->lock);
    bool ended = s->ended;
    bool abandoned = !ended && now - s->last_contact_us > server->client_timeout_us;
    bool overdue = !ended && now - s->created_monotonic_us > server->max_run_time_us;
    /* A client may still ask for the last pages of an ended statement. */
    bool in_use = !ended || (s->first_page && now - s->last_contact_us < server->client_timeout_us);
    pthread_mutex_unlock(&s->lock);
    if (abandoned)
        statement_cancel(s, ERR_ABANDONED_QUERY,
                         "Query was abandoned by the client, as it may have exited or stopped "
                         "checking for query results");
    else if (overdue)
        statement_cancel(s, ERR_EXCEEDED_TIME_LIMIT, "Query exceeded the maximum run time");
    return ended && !in_use && ++*n_ended > STATEMENT_HISTORY;
}

void server_sweep(Server *server)
{
    int64_t now = clock_monotonic_us();
    size_t n_ended = 0;
    RunningStatement *dropped = NULL;
    pthread_mutex_lock(&server->lock);
    for (RunningStatement **at = &server->statements; *at;) {
        RunningStatement *s = *at;
        if (is_forgettable(server, s, now, &n_ended)) {
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
