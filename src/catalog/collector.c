/* collector.c - the thread that does what no client waits for: the warehouse's bucket, files that an earlier
 * process left, garbage, purges, old replies. All of it is in the registry and goes on after a restart. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/thread.h"
#include "catalog/catalog.h"
#include "catalog/purge.h"

enum {
    COLLECTOR_IDLE_MS = 1000,
    COLLECTOR_RETRY_MS = 5000, /* after something failed */
    COLLECTOR_BATCH = 500,
    COLLECTOR_EXPIRE_MS = 60 * 1000,
    COLLECTOR_ARENA_BYTES = 64 << 20,
};

struct Collector {
    Catalog *catalog;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool woken, stopping;

    bool has_bucket;
    int64_t retry_us, expire_us; /* monotonic; not before */
};

/* ---- the warehouse's bucket ---- */

static int make_bucket(Catalog *c, Arena *arena, Error *err)
{
    Str bucket, key;
    HttpResponse response;

    if (storage_uri_split(c->warehouse, &bucket, &key, err) < 0)
        return -1;
    HttpCall call = {.method = "PUT",
                     .target = arena_printf(arena, "/%.*s", STR_ARG(bucket)),
                     .body = STR(""),
                     .timeout_ms = 10000};
    if (http_client_call(c->storage_http, &call, arena, &response, err) < 0)
        return -1;
    if (response.status != 200 && response.status != 409)
        return err_set(err, ERR_UNAVAILABLE, "storage answered %d for bucket %.*s", response.status,
                       STR_ARG(bucket));
    return 0;
}

/* ---- what an earlier process left ---- */

/* Deletes only what cannot be, or have been, a table's metadata: hints may be old. */
static int is_left_over(RegConn *conn, Str uri, Arena *arena, bool *ret, Error *err)
{
    int64_t version = cat_metadata_file_version(uri);
    RegLocation owner;
    RegEntry entry;
    bool is_current;

    *ret = false;
    if (reg_is_current_file(conn, uri, &is_current, err) < 0 ||
        reg_find_owner(conn, uri, REG_LOCATION_PURGED, 0, arena, &owner, err) < 0)
        return -1;
    if (is_current)
        return 0;
    if (owner.id == 0) {
        *ret = version == 0; /* the first file of a table that never came to be */
        return 0;
    }
    if (owner.entry_id == 0)
        return 0;
    if (reg_find_entry_by_id(conn, owner.entry_id, arena, &entry, err) < 0)
        return -1;
    *ret = entry.id != 0 && version >= entry.version;
    return 0;
}

typedef struct Leftovers {
    Arena *arena;
    Str *uris;
    size_t n;
} Leftovers;

static int recover_job(RegConn *conn, void *arg, Error *err)
{
    const Leftovers *left = arg;
    bool is_left;

    for (size_t i = 0; i < left->n; i++)
        if (is_left_over(conn, left->uris[i], left->arena, &is_left, err) < 0 ||
            (is_left && reg_add_garbage(conn, left->uris[i], err) < 0))
            return -1;
    return 0;
}

/* Before the first request: what is judged by is the state in which the earlier process left the tables. */
int cat_recover(Catalog *c, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(COLLECTOR_ARENA_BYTES);
    Leftovers left = {.arena = arena};

    if (cat_pending_left(c->pending, arena, &left.uris, &left.n, err) < 0)
        return -1;
    if (left.n > 0) {
        log_info("catalog.recover", L_INT("files", left.n));
        if (registry_write(c->registry, recover_job, &left, err) < 0)
            return -1;
    }
    cat_pending_recovered(c->pending);
    return 0;
}

/* ---- garbage, purges, replies ---- */

typedef struct GarbageBatch {
    Str uris[COLLECTOR_BATCH];
    size_t n;
} GarbageBatch;

static int end_garbage_job(RegConn *conn, void *arg, Error *err)
{
    const GarbageBatch *batch = arg;

    for (size_t i = 0; i < batch->n; i++)
        if (reg_end_garbage(conn, batch->uris[i], err) < 0)
            return -1;
    return 0;
}

/* What names no place in this storage can never be deleted, and must not hold up the rest. */
static int delete_batch(Catalog *c, const GarbageBatch *batch, Error *err)
{
    Str uris[COLLECTOR_BATCH];
    size_t n = 0;

    for (size_t i = 0; i < batch->n; i++)
        if (cat_location_is_ours(batch->uris[i]))
            uris[n++] = batch->uris[i];
    if (fault_point("catalog.garbage", err))
        return -1;
    if (n == 0 || storage_delete_many(c->storage, uris, n, err) == 0)
        return 0;
    if (err->code != ERR_BAD_REQUEST && err->code != ERR_NO_SUCH_BUCKET)
        return -1;
    log_warn("catalog.garbage", L_ERR(err));
    return 0;
}

/* *ret_more: the batch was full. */
static int collect_garbage(Catalog *c, Arena *arena, bool *ret_more, Error *err)
{
    GarbageBatch *batch = arena_new_of(arena, GarbageBatch);
    RegConn *conn = registry_borrow(c->registry, err);
    int rc = conn ? reg_next_garbage(conn, arena, COLLECTOR_BATCH, batch->uris, &batch->n, err) : -1;

    registry_return(c->registry, conn);
    *ret_more = batch->n == COLLECTOR_BATCH;
    if (rc < 0 || batch->n == 0)
        return rc;
    if (delete_batch(c, batch, err) < 0)
        return -1;
    return registry_write(c->registry, end_garbage_job, batch, err);
}

static int end_purge_job(RegConn *conn, void *arg, Error *err)
{
    return reg_end_purge(conn, *(int64_t *)arg, err);
}

static bool is_stopping(Collector *k)
{
    MUTEX_GUARD(&k->lock);
    return k->stopping;
}

/* One after the other; one that fails does not hold up the others. */
static int run_purges(Collector *k, Error *err)
{
    Catalog *c = k->catalog;
    RegPurge purge = {0};
    int failed = 0;

    while (!is_stopping(k)) {
        _cleanup_arena_ Arena *arena = arena_new(COLLECTOR_ARENA_BYTES);
        RegConn *conn = registry_borrow(c->registry, err);
        int rc = conn ? reg_next_purge(conn, purge.id, arena, &purge, err) : -1;
        registry_return(c->registry, conn);
        if (rc < 0)
            return -1;
        if (purge.id == 0)
            break;
        if (cat_purge_run(c, &purge, err) < 0 ||
            registry_write(c->registry, end_purge_job, &purge.id, err) < 0) {
            log_warn("catalog.purge", L_STR("metadata", purge.metadata_location), L_ERR(err));
            failed = -1;
        }
    }
    return failed;
}

static int expire_job(RegConn *conn, void *arg, Error *err)
{
    int64_t before = clock_now_ms() - CATALOG_IDEMPOTENCY_LIFETIME_MS - CATALOG_IDEMPOTENCY_GRACE_MS;
    return reg_expire_replies(conn, before, 10000, err);
}

static int run_once(Collector *k, Error *err)
{
    Catalog *c = k->catalog;
    _cleanup_arena_ Arena *arena = arena_new(COLLECTOR_ARENA_BYTES);
    int64_t now = clock_monotonic_us();
    bool more = true;

    if (now >= k->expire_us) {
        k->expire_us = now + COLLECTOR_EXPIRE_MS * 1000ll;
        if (registry_write(c->registry, expire_job, NULL, err) < 0)
            return -1;
    }
    if (!k->has_bucket && make_bucket(c, arena, err) < 0)
        return -1;
    k->has_bucket = true;
    while (more && !is_stopping(k))
        if (collect_garbage(c, arena, &more, err) < 0)
            return -1;
    return run_purges(k, err);
}

/* ---- the thread ---- */

static void wait_for_work(Collector *k)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += COLLECTOR_IDLE_MS / 1000;
    pthread_mutex_lock(&k->lock);
    if (!k->woken && !k->stopping)
        pthread_cond_timedwait(&k->wake, &k->lock, &until);
    k->woken = false;
    pthread_mutex_unlock(&k->lock);
}

static void *collector_main(void *arg)
{
    Collector *k = arg;
    Error err;

    while (!is_stopping(k)) {
        if (clock_monotonic_us() >= k->retry_us && storage_client_is_connected(k->catalog->storage) &&
            run_once(k, &err) < 0) {
            log_warn("catalog.collector", L_ERR(&err));
            k->retry_us = clock_monotonic_us() + COLLECTOR_RETRY_MS * 1000ll;
        }
        wait_for_work(k);
    }
    return NULL;
}

int cat_collector_start(Catalog *c, Collector **ret, Error *err)
{
    Collector *k = calloc(1, sizeof *k);

    if (!k)
        abort();
    k->catalog = c;
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->wake, NULL);
    if (thread_start(&k->thread, "cat-collector", collector_main, k, err) < 0) {
        free(k);
        return -1;
    }
    *ret = k;
    return 0;
}

void cat_collector_stop(Collector *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->stopping = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->wake);
    free(k);
}

void cat_collector_wake(Collector *k)
{
    MUTEX_GUARD(&k->lock);
    k->woken = true;
    pthread_cond_signal(&k->wake);
}
