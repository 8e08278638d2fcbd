/* plan.h - what parsing and analysis make of a query, kept for the next statement with the same text.
 *
 * A plan is everything of a query that does not change from run to run: its output columns and its text for
 * DuckDB with marks in place of the scans. A statement that finds one of an earlier statement (same text,
 * same session) neither parses nor analyses; it asks the catalogs for the tables again, and when all are as
 * they were, plans their scans and runs. A plan lives in the arena of the statement that made it, which goes
 * to the cache when the statement ended well. */
#pragma once

#include "base/arena_cache.h"
#include "query/engine/emitter.h"
#include "query/protocol/statement.h"

enum {
    PLANS_MAX = 1000,
    PLANS_BYTES_MAX = 64 << 20,
    PLAN_BYTES_MAX = 8 << 20,      /* of one */
    PLAN_KEY_BYTES_MAX = 64 << 10, /* text and session; of longer ones none is kept */
};

struct Plan {
    const Analysis *analysis;
    Str text;
    char mark[EMIT_MARK_SIZE];
    bool is_optimistic; /* emitter.h */
    const EmittedScan *scans;
    size_t n_scans;
    const KnownTable *tables; /* every name that was asked for */
    size_t n_tables;
};

/* Of an earlier statement; NULL: none. Held until s->arena is freed. */
const Plan *plan_find(RunningStatement *s);
int plan_make(RunningStatement *s, const Query *query, const Analysis *analysis, bool optimistic, Plan **ret,
              Error *err);
/* The text for this run. *ret_stale: the plan is another statement's, and a table is not what it was. */
int plan_fill(RunningStatement *s, const Plan *plan, Str *ret, bool *ret_stale, Error *err);
/* The arena of a statement that ended: kept with its plan for others, or freed. */
void plan_leave(RunningStatement *s, Arena *arena, const Plan *made);
