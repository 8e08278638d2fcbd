#include "query/protocol/plan.h"

#include "base/log.h"
#include "base/metrics.h"
#include "query/protocol/server.h"

enum { SQL_MAX = 256 << 20 };

/* ---- the key: all that analysis and emission look at, but for the tables ---- */

static void put_part(Buf *key, Str part)
{
    buf_printf(key, "%zu:", part.len);
    buf_add(key, part);
}

static Str make_key(RunningStatement *s)
{
    const ClientSession *session = &s->session;
    _cleanup_buf_ Buf key = BUF_INIT(PLAN_KEY_BYTES_MAX);
    const Str parts[] = {session->user, session->catalog, session->schema, session->path, session->time_zone,
                         s->sql};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        put_part(&key, parts[i]);
    for (size_t i = 0; i < session->n_properties; i++) {
        put_part(&key, session->properties[i].catalog);
        put_part(&key, session->properties[i].name);
        put_part(&key, session->properties[i].value);
    }
    buf_putc(&key, ';');
    for (size_t i = 0; i < session->n_prepared; i++) {
        put_part(&key, session->prepared[i].name);
        put_part(&key, session->prepared[i].sql);
    }
    return buf_check(&key, NULL) ? STR_NULL : arena_str(s->kept, buf_str(&key));
}

const Plan *plan_find(RunningStatement *s)
{
    /* Inside of a transaction more is asked about tables than a plan knows. */
    if (s->session.transaction_id.ptr)
        return NULL;
    s->plan_key = make_key(s);
    return s->plan_key.ptr ? arena_cache_get(s->server->plans, s->plan_key, s->arena) : NULL;
}

/* ---- made ---- */

int plan_make(RunningStatement *s, const Query *query, const Analysis *analysis, bool optimistic, Plan **ret,
              Error *err)
{
    Plan *plan = arena_new_of(s->arena, Plan);
    _cleanup_buf_ Buf text = BUF_INIT(SQL_MAX);
    EmitContext emit = {.arena = s->arena,
                        .session = s->context.session,
                        .statement = &s->context,
                        .exact_decimals = !optimistic,
                        .has_marks = true};
    if (emit_query(&emit, query, &text, err) || buf_check(&text, err))
        return -1;
    *plan = (Plan){.analysis = analysis,
                   .text = arena_str(s->arena, buf_str(&text)),
                   .is_optimistic = emit.is_optimistic,
                   .scans = emit.scans.items,
                   .n_scans = emit.scans.n};
    memcpy(plan->mark, emit.mark, sizeof plan->mark);
    *ret = plan;
    return 0;
}

/* ---- filled ---- */

/* The scans with this statement's handles. A scan of a handle that no name stands for is another's. */
static bool take_handles(const Plan *plan, const TableHandle *const *now, EmittedScan *ret)
{
    for (size_t i = 0; i < plan->n_scans; i++) {
        size_t t = 0;
        while (t < plan->n_tables && plan->tables[t].handle != plan->scans[i].handle)
            t++;
        if (t == plan->n_tables)
            return false;
        ret[i] = (EmittedScan){now[t], plan->scans[i].relation};
    }
    return true;
}

static int fill(RunningStatement *s, const Plan *plan, const EmittedScan *scans, Str *ret, Error *err)
{
    _cleanup_buf_ Buf sql = BUF_INIT(SQL_MAX);
    EmitContext emit = {.arena = s->arena, .session = s->context.session, .statement = &s->context};
    if (emit_fill_marks(&emit, plan->text, plan->mark, scans, &sql, err) || buf_check(&sql, err))
        return -1;
    *ret = arena_str(s->arena, buf_str(&sql));
    log_debug("query.sql", L_CSTR("query_id", s->id), L_STR("sql", *ret));
    return 0;
}

int plan_fill(RunningStatement *s, const Plan *plan, Str *ret, bool *ret_stale, Error *err)
{
    bool same = true;
    *ret_stale = false;
    if (plan != s->found_plan)
        return fill(s, plan, plan->scans, ret, err);
    const TableHandle **now = arena_array(s->arena, const TableHandle *, plan->n_tables + 1);
    EmittedScan *scans = arena_array(s->arena, EmittedScan, plan->n_scans + 1);
    if (catalogs_find_again(&s->context, plan->tables, plan->n_tables, now, &same, err))
        return -1;
    *ret_stale = !same || !take_handles(plan, now, scans);
    return *ret_stale ? 0 : fill(s, plan, scans, ret, err);
}

/* ---- left to others ---- */

void plan_leave(RunningStatement *s, Arena *arena, const Plan *made)
{
    if (made && s->plan_key.ptr && arena_used(arena) <= PLAN_BYTES_MAX)
        arena_cache_put(s->server->plans, s->plan_key, arena, made, NULL);
    else
        arena_free(arena);
}
