/* The life of a statement: what stays when its memory goes, how it ends, the limits of a session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/metrics.h"
#include "query/protocol/results.h"
#include "query/protocol/server.h"

static Server *make_server(void)
{
    Server *server = calloc(1, sizeof *server);
    pthread_mutex_init(&server->lock, NULL);
    server->client_timeout_us = 300 * 1000000LL;
    server->max_run_time = session_time_limit(100LL * 86400 * 1000000);
    return server;
}

static RunningStatement *make_statement(Server *server, const char *sql)
{
    Arena *kept = arena_new(1 << 20);
    ClientSession session = { .user = STR("u"), .base_uri = STR("http://h") };
    RunningStatement *s =
        statement_new(server, arena_new(1 << 20), kept, &session, arena_str(kept, str_from(sql)));
    server_add(server, s);
    return s;
}

static void free_server(Server *server)
{
    while (server->statements) {
        RunningStatement *s = server->statements;
        server->statements = s->next;
        statement_unref(s);
    }
    pthread_mutex_destroy(&server->lock);
    free(server);
}

static int put_rows(RunningStatement *s, const char *rows)
{
    Error err;
    Buf page = BUF_INIT(1 << 20);
    buf_puts(&page, rows);
    int r = statement_put_page(s, &page, 1, true, &err);
    buf_free(&page);
    return r;
}

static Str answer(RunningStatement *s, Buf *out)
{
    pthread_mutex_lock(&s->lock);
    buf_clear(out);
    results_write(s, STR_NULL, true, out);
    pthread_mutex_unlock(&s->lock);
    return buf_str(out);
}

static void test_answers_outlive_the_work(void **state)
{
    Server *server = make_server();
    RunningStatement *s = make_statement(server, "SELECT 1");
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    s->started = true;
    RowField *field = arena_new_of(s->arena, RowField);
    *field = (RowField){ arena_str(s->arena, STR("inner_name")), sql_type_decimal(s->arena, 10, 2) };
    OutputColumn *column = arena_new_of(s->arena, OutputColumn);
    *column = (OutputColumn){ arena_str(s->arena, STR("my_column")), sql_type_row(s->arena, field, 1) };
    statement_set_columns(s, column, 1);
    statement_add_header(s, "X-Trino-Set-Schema", arena_str(s->arena, STR("there")));
    assert_int_equal(put_rows(s, "[[[\"1.00\"]]]"), 0);
    statement_end(s, NULL);
    statement_drop_work(s);
    assert_null(s->arena);
    Str text = answer(s, &out);
    assert_true(str_find(text, STR("my_column")) > 0 && str_find(text, STR("inner_name")) > 0);
    assert_true(str_find(text, STR("\"data\":[[[\"1.00\"]]]")) > 0);
    assert_true(str_is(s->headers[0].value, "there"));
    assert_int_equal(atomic_load(&server->queued_bytes), 0);
    statement_unref(s);
    free_server(server);
}

static void test_cancelled_before_it_started(void **state)
{
    Server *server = make_server();
    RunningStatement *s = make_statement(server, "INSERT INTO t VALUES (1)");
    s->has_effects = true;
    statement_cancel(s, ERR_USER_CANCELED, "Query was canceled");
    assert_true(s->ended && s->state == STATE_FAILED && !s->arena);
    statement_start(s);         /* nothing starts any more */
    assert_false(s->started && s->references > 2);
    statement_unref(s);
    free_server(server);
}

/* A cancel stops a query; a write that was done is told as done. */
static void test_cancel_against_the_end(void **state)
{
    for (int has_effects = 0; has_effects < 2; has_effects++) {
        Server *server = make_server();
        RunningStatement *s = make_statement(server, "x");
        s->started = true;
        s->has_effects = has_effects;
        statement_cancel(s, ERR_USER_CANCELED, "Query was canceled");
        assert_false(s->ended);
        assert_int_equal(put_rows(s, "[[1]]"), -1);
        statement_end(s, NULL);
        assert_int_equal(s->state, has_effects ? STATE_FINISHED : STATE_FAILED);
        statement_drop_work(s);
        statement_unref(s);
        free_server(server);
    }
}

static void test_sweep(void **state)
{
    Server *server = make_server();
    RunningStatement *silent = make_statement(server, "silent"), *slow = make_statement(server, "slow");
    silent->started = slow->started = true;
    silent->last_contact_us -= server->client_timeout_us + 1;
    slow->created_monotonic_us -= 2000000;
    slow->session.max_run_time = session_time_limit(1500000);
    server_sweep(server);
    assert_int_equal(silent->error.code, ERR_ABANDONED_QUERY);
    assert_int_equal(slow->error.code, ERR_EXCEEDED_TIME_LIMIT);
    assert_string_equal(slow->error.message, "Query exceeded the maximum run time limit of 1.50s");
    statement_end(silent, NULL);
    statement_end(slow, NULL);
    statement_unref(silent);
    statement_unref(slow);
    free_server(server);
}

static size_t count(const Server *server)
{
    size_t n = 0;
    for (const RunningStatement *s = server->statements; s; s = s->next)
        n++;
    return n;
}

static void test_history_is_bounded(void **state)
{
    Server *server = make_server();
    char *large = malloc(2 << 20);
    memset(large, 'x', (2 << 20) - 1);
    large[(2 << 20) - 1] = '\0';
    for (int i = 0; i < STATEMENT_HISTORY + 50; i++) {
        RunningStatement *s = make_statement(server, "SELECT 1");
        statement_end(s, NULL);
        statement_unref(s);
    }
    server_sweep(server);
    assert_int_equal(count(server), STATEMENT_HISTORY);
    for (int i = 0; i < 50; i++) {
        RunningStatement *s = make_statement(server, large);
        statement_end(s, NULL);
        statement_unref(s);
    }
    server_sweep(server);
    assert_in_range(count(server), 20, 40);        /* 64 MiB of them */
    free(large);
    free_server(server);
}

static void test_durations(void **state)
{
    static const struct { const char *text, *shown; int64_t us; } good[] = {
        {"1ms", "1.00ms", 1000},          {"10m", "10.00m", 600000000LL}, {" 1.5 h ", "1.50h", 5400000000LL},
        {"100d", "100.00d", 8640000000000LL}, {"0s", "0.00s", 1},             {"1ns", "1.00ns", 1},
    };
    static const char *const bad[] = {"", " ", "5", "m", "5 parsec", "-1s", "1.2.3s", "1e3s", "s1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        TimeLimit limit = { 0 };
        assert_int_equal(session_parse_duration(str_from(good[i].text), &limit, NULL), 0);
        assert_int_equal(limit.us, good[i].us);
        assert_string_equal(limit.text, good[i].shown);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        TimeLimit limit;
        Error err;
        assert_int_equal(session_parse_duration(str_from(bad[i]), &limit, &err), -1);
        assert_int_equal(err.code, ERR_INVALID_SESSION_PROPERTY);
    }
    assert_string_equal(session_time_limit(90000000).text, "1.50m");
}

int main(void)
{
    metrics_init("query", "test");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_outlive_the_work), cmocka_unit_test(test_cancelled_before_it_started),
        cmocka_unit_test(test_cancel_against_the_end),   cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_history_is_bounded),       cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
