/* answers.h - what a statement's client is told: at once, or as soon as there are rows or the end.
 *
 * A request that finds nothing to tell becomes a waiter of its statement and takes no thread. Who puts a page
 * or ends the statement answers it (answers_wake), and the server's timer does after STATEMENT_POLL_MS
 * (answers_expire). A waiter holds a reference; whoever answers it holds another. */
#pragma once

#include "query/protocol/statement.h"

/* The answer to the POST: with the first rows or the end when they come soon, else with where to ask. */
void answers_post(HttpRequest *r, RunningStatement *s);
/* True when the request waits now (never blocks); false: answers_give() has something to tell. */
bool answers_wait(HttpRequest *r, RunningStatement *s, int64_t token);
void answers_give(HttpRequest *r, RunningStatement *s, int64_t token);

/* Under the statement's lock, by someone who holds a reference. */
void answers_wake(RunningStatement *s);
void answers_expire(RunningStatement *s, int64_t now_us);

void reply_text(HttpRequest *r, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
