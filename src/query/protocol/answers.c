#include "query/protocol/answers.h"

#include <assert.h>

#include "base/clock.h"
#include "query/protocol/results.h"
#include "query/protocol/server.h"

enum { ANSWER_MAX = 1 << 30, TOKEN_OF_POST = -1 };

struct StatementWaiter {
    StatementWaiter *next;
    HttpRequest *request;          /* we are in its arena */
    int64_t token, until_us;
};

void reply_text(HttpRequest *r, int status, const char *format, ...)
{
    _cleanup_buf_ Buf text = BUF_INIT(64 << 10);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    http_reply(r, status, "text/plain;charset=utf-8", buf_str(&text));
}

/* ---- one answer; the lock is held ---- */

static void set_headers(HttpRequest *r, const RunningStatement *s)
{
    for (size_t i = 0; i < s->n_headers; i++)
        http_set_header(r, s->headers[i].name, s->headers[i].value);
    http_set_header(r, "X-Content-Type-Options", STR("nosniff"));
    http_set_header(r, "Cache-Control", STR("no-store"));
}

static Str next_uri(const RunningStatement *s, int64_t token, Arena *arena)
{
    return arena_printf(arena, "%.*s/v1/statement/executing/%s/%s/%lld", STR_ARG(s->session.base_uri), s->id,
                        s->slug, (long long)token);
}

/* A page is the last one when the statement ended and nothing waits behind it. */
static bool ends_with_this_answer(const RunningStatement *s)
{
    return s->ended && (!s->first_page || !s->first_page->next);
}

/* Makes the answer to `token`, keeps it for repeats, and sends it. */
static void answer_token(HttpRequest *r, RunningStatement *s, int64_t token)
{
    Str next = ends_with_this_answer(s) ? STR_NULL : next_uri(s, token + 1, http_arena(r));
    buf_clear(&s->last_answer);
    results_write(s, next, true, &s->last_answer);
    s->last_token = token;
    s->last_contact_us = clock_monotonic_us();
    set_headers(r, s);
    http_reply(r, 200, "application/json", buf_str(&s->last_answer));
}

/* Rows go into the answer to the POST only where the client takes them from there, and then under the token
 * 0. When that was all, nobody can ask again: the client knows no address. */
static void answer_post(HttpRequest *r, RunningStatement *s)
{
    bool waits_for_get =
        !s->session.reads_first_answer || (s->has_effects && !s->started && !s->ended);
    if (!waits_for_get && !ends_with_this_answer(s)) {
        answer_token(r, s, 0);
        return;
    }
    Buf out = BUF_INIT(ANSWER_MAX);
    results_write(s, waits_for_get ? next_uri(s, 0, http_arena(r)) : STR_NULL, !waits_for_get, &out);
    if (!waits_for_get)
        s->last_token = 0;
    s->last_contact_us = clock_monotonic_us();
    set_headers(r, s);
    http_reply_buf(r, 200, "application/json", &out);
}

static void answer(HttpRequest *r, RunningStatement *s, int64_t token)
{
    s->last_contact_us = clock_monotonic_us();
    if (token == TOKEN_OF_POST)
        answer_post(r, s);
    else if (token == s->last_token && s->last_answer.len) {
        set_headers(r, s);
        http_reply(r, 200, "application/json", buf_str(&s->last_answer));
    } else if (token == s->last_token + 1)
        answer_token(r, s, token);
    else if (token <= s->last_token)
        reply_text(r, 410, "Error 410 Gone: HTTP 410 Gone");
    else
        reply_text(r, 404, "Error 404 Not Found: Query not found");
}

/* ---- waiting ---- */

static bool has_news(const RunningStatement *s) { return s->ended || s->pages_ready; }

static void add_waiter(HttpRequest *r, RunningStatement *s, int64_t token)
{
    StatementWaiter **end = &s->waiters, *w = arena_new_of(http_arena(r), StatementWaiter);
    *w = (StatementWaiter){ NULL, r, token, clock_monotonic_us() + STATEMENT_POLL_MS * 1000 };
    while (*end)
        end = &(*end)->next;
    *end = w;
    s->references++;
    s->last_contact_us = clock_monotonic_us();
    atomic_fetch_add(&s->server->n_waiters, 1);
}

static void answer_oldest(RunningStatement *s)
{
    StatementWaiter w = *s->waiters;       /* it goes with its request */
    s->waiters = w.next;
    answer(w.request, s, w.token);
    assert(s->references > 1);
    s->references--;
    atomic_fetch_sub(&s->server->n_waiters, 1);
}

void answers_post(HttpRequest *r, RunningStatement *s)
{
    MUTEX_GUARD(&s->lock);
    if (s->session.reads_first_answer && s->started && !has_news(s))
        add_waiter(r, s, TOKEN_OF_POST);
    else
        answer_post(r, s);
}

bool answers_wait(HttpRequest *r, RunningStatement *s, int64_t token)
{
    MUTEX_GUARD(&s->lock);
    if (token != s->last_token + 1 || has_news(s))
        return false;
    add_waiter(r, s, token);
    return true;
}

void answers_give(HttpRequest *r, RunningStatement *s, int64_t token)
{
    MUTEX_GUARD(&s->lock);
    answer(r, s, token);
}

void answers_wake(RunningStatement *s)
{
    while (s->waiters && has_news(s))
        answer_oldest(s);
}

void answers_expire(RunningStatement *s, int64_t now_us)
{
    while (s->waiters && s->waiters->until_us <= now_us)
        answer_oldest(s);
}
