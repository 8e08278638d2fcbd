/* store_writer.c - the one thread that changes the index: it takes the writes that wait as a group, and makes
 * them durable with one sync of the segment and one of the index's log. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/http_server.h"
#include "storage/store_internal.h"

enum { GROUP_ARENA_BYTES = 256 << 20 };

SegmentDelta *store_segment_delta(Store *store, uint32_t id)
{
    Group *g = &store->group;
    for (size_t i = 0; i < g->segments.n; i++) {
        if (g->segments.items[i].id == id)
            return &g->segments.items[i];
    }
    SegmentDelta *delta = vec_push(g->arena, &g->segments);
    *delta = (SegmentDelta){.id = id};
    return delta;
}

enum {
    CHECKPOINT_PAGES = 4000
}; /* 16 MB of log: pages that change often are then written once, not a hundred times */

/* After this no write is taken: what reached the disk is not known. */
static void store_fail(Store *store, const Error *err)
{
    snprintf(store->failure, sizeof store->failure, "%.480s", err->message);
    atomic_store(&store->has_failed, true);
    log_error("storage.write_failed", L_ERR(err));
}

static SegmentStat *segment_stat(Store *store, uint32_t id)
{
    for (size_t i = store->n_segments; i > 0; i--) {
        if (store->segment_stats[i - 1].id == id)
            return &store->segment_stats[i - 1];
    }
    return NULL;
}

static int group_write_counts(Store *store, Error *err)
{
    Group *g = &store->group;
    for (size_t i = 0; i < g->buckets.n; i++) {
        sqlite3_stmt *st = store->write[WRITE_BUCKET_COUNTS];
        db_bind_int(st, 1, g->buckets.items[i].bucket->info.id);
        db_bind_int(st, 2, g->buckets.items[i].objects);
        db_bind_int(st, 3, g->buckets.items[i].bytes);
        if (db_run(st, err) < 0)
            return -1;
    }
    uint64_t tail;
    uint32_t current = segments_current(store->segments, &tail);
    for (size_t i = 0; i < g->segments.n; i++) {
        const SegmentDelta *delta = &g->segments.items[i];
        const SegmentStat *stat = segment_stat(store, delta->id);
        uint64_t size = delta->grown ? delta->grown : stat ? stat->size : 0;
        int64_t live = (stat ? (int64_t)stat->live : 0) + delta->live;
        assert(live >= 0);
        if (live == 0 && delta->id != current)
            *vec_push(g->arena, &g->gone_segments) = delta->id;
        sqlite3_stmt *st =
            store->write[live == 0 && delta->id != current ? WRITE_SEGMENT_REMOVE : WRITE_SEGMENT];
        db_bind_int(st, 1, delta->id);
        if (st == store->write[WRITE_SEGMENT]) {
            db_bind_int(st, 2, (int64_t)size);
            db_bind_int(st, 3, live);
        }
        if (db_run(st, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- what becomes visible after the commit ---- */

static void group_publish_segments(Store *store)
{
    const Group *g = &store->group;
    MUTEX_GUARD(&store->segments_lock);
    for (size_t i = 0; i < g->segments.n; i++) {
        const SegmentDelta *delta = &g->segments.items[i];
        SegmentStat *stat = segment_stat(store, delta->id);
        if (!stat) {
            if (store->n_segments == store->segments_cap) {
                store->segments_cap = store->segments_cap ? 2 * store->segments_cap : 64;
                store->segment_stats =
                    realloc(store->segment_stats, store->segments_cap * sizeof *store->segment_stats);
                if (!store->segment_stats)
                    abort();
            }
            stat = &store->segment_stats[store->n_segments++];
            *stat = (SegmentStat){.id = delta->id};
        }
        if (delta->grown)
            stat->size = delta->grown;
        stat->live = (uint64_t)((int64_t)stat->live + delta->live);
    }
    for (size_t i = 0; i < g->gone_segments.n; i++) {
        SegmentStat *stat = segment_stat(store, g->gone_segments.items[i]);
        if (!stat)
            continue;
        *stat = store->segment_stats[--store->n_segments];
    }
    /* the order of ids is kept for segment_stat()'s sake only: the newest are found first */
}

static void group_publish_buckets(Store *store)
{
    const Group *g = &store->group;
    pthread_rwlock_wrlock(&store->buckets_lock);
    for (size_t i = 0; i < g->new_buckets.n; i++) {
        map_put(store->buckets, str_from(g->new_buckets.items[i]->info.name), g->new_buckets.items[i]);
    }
    for (size_t i = 0; i < g->buckets.n; i++) {
        g->buckets.items[i].bucket->info.objects += g->buckets.items[i].objects;
        g->buckets.items[i].bucket->info.bytes += g->buckets.items[i].bytes;
    }
    for (size_t i = 0; i < g->gone_buckets.n; i++) {
        map_remove(store->buckets, str_from(g->gone_buckets.items[i]->info.name));
        free(g->gone_buckets.items[i]);
    }
    pthread_rwlock_unlock(&store->buckets_lock);
}

/* Of several changes of one key in the group only the last may be cached: the others were never visible. */
static bool change_is_last(const Group *g, size_t i)
{
    const KeyChange *change = &g->changes.items[i];
    for (size_t j = i + 1; j < g->changes.n; j++) {
        const KeyChange *later = &g->changes.items[j];
        if (later->hash == change->hash && later->bucket == change->bucket && str_eq(later->key, change->key))
            return false;
    }
    return true;
}

static void group_publish(Store *store)
{
    Group *g = &store->group;
    segments_commit(store->segments);
    group_publish_segments(store);
    group_publish_buckets(store);
    for (size_t i = 0; i < g->changes.n; i++) {
        const KeyChange *change = &g->changes.items[i];
        bool is_cached = change->exists && change_is_last(g, i);
        cache_end_change(store->cache, change->bucket, change->key, is_cached ? &change->object : NULL);
    }
    for (size_t i = 0; i < g->dead.n; i++)
        blobs_dereference(store->blobs, g->dead.items[i]);
    for (size_t i = 0; i < g->gone_segments.n; i++) {
        Error err;
        if (segments_remove(store->segments, g->gone_segments.items[i], &err) < 0)
            log_warn("storage.segment.remove_failed", L_ERR(&err));
    }
    if (g->dead.n)
        pthread_cond_signal(&store->maintenance_wake);
}

static void group_undo(Store *store)
{
    Group *g = &store->group;
    segments_rollback(store->segments);
    for (size_t i = 0; i < g->changes.n; i++)
        cache_end_change(store->cache, g->changes.items[i].bucket, g->changes.items[i].key, NULL);
    for (size_t i = 0; i < g->new_buckets.n; i++)
        free(g->new_buckets.items[i]);
    for (size_t i = 0; i < g->gone_buckets.n; i++)
        g->gone_buckets.items[i]->is_deleting = false;
    if (sqlite3_get_autocommit(store->db))
        return;
    Error err;
    if (db_run(store->write[WRITE_ROLLBACK], &err) < 0)
        store_fail(store, &err);
}

/* ---- one group ---- */

/* Applies all; refused ones carry their error. -1: the group is broken. */
static int group_apply(Store *store, StoreWrite *writes, size_t *ret_applied, Error *err)
{
    *ret_applied = 0;
    if (db_run(store->write[WRITE_BEGIN], err) < 0)
        return -1;
    for (StoreWrite *w = writes; w; w = w->next) {
        w->error.code = ERR_OK;
        if (store_apply(store, w, &w->error) == 0) {
            (*ret_applied)++;
        } else if (store->group.is_broken) {
            *err = w->error;
            return -1;
        }
    }
    return group_write_counts(store, err);
}

static int group_commit(Store *store, StoreWrite *writes, Error *err)
{
    size_t applied;
    if (group_apply(store, writes, &applied, err) < 0)
        return -1;
    if (segments_write(store->segments, err) < 0)
        return -1;
    if (segments_sync(store->segments, err) < 0) {
        store_fail(store, err);
        return -1;
    }
    if (fault_point("storage.index.commit", err))
        return -1;
    if (db_run(store->write[WRITE_COMMIT], err) < 0) {
        if (err->code != ERR_DISK_FULL)
            store_fail(store, err);
        return -1;
    }
    metric_inc(METRIC_S3_GROUP_COMMITS);
    metric_add(METRIC_S3_GROUP_SIZE, (double)applied);
    return 0;
}

static int group_try(Store *store, StoreWrite *writes, Error *err)
{
    Arena *arena = store->group.arena;
    arena_reset(arena);
    store->group = (Group){.arena = arena};
    int result = atomic_load(&store->has_failed)
                     ? err_set(err, ERR_IO, "the store takes no more writes: %s", store->failure)
                     : group_commit(store, writes, err);
    if (result == 0) {
        group_publish(store);
    } else {
        group_undo(store);
    }
    return result;
}

static void group_answer(StoreWrite *writes, int result, const Error *err)
{
    http_batch_begin();
    for (StoreWrite *w = writes, *next; w; w = next) {
        next = w->next;
        if (result < 0)
            w->error = *err; /* a refusal may have rested on what was rolled back */
        w->done(w);
    }
    http_batch_end();
}

static void group_run(Store *store, StoreWrite *writes)
{
    Error err = {0};
    int result = group_try(store, writes, &err);
    if (result == 0 || err.code != ERR_DISK_FULL) {
        group_answer(writes, result, &err);
        return;
    }
    /* What frees room is tried again with the reserve's. */
    StoreWrite *freeing = NULL, **freeing_tail = &freeing, *others = NULL, **others_tail = &others;
    for (StoreWrite *w = writes; w; w = w->next) {
        StoreWrite ***tail = store_frees_room(w) ? &freeing_tail : &others_tail;
        **tail = w;
        *tail = &w->next;
    }
    *freeing_tail = *others_tail = NULL;
    group_answer(others, -1, &err);
    if (!freeing)
        return;
    store_give_up_reserve(store);
    result = group_try(store, freeing, &err);
    group_answer(freeing, result, &err);
}

/* Waits for writes; takes as many as a group may have. NULL: stop. */
static StoreWrite *writer_take(Store *store)
{
    MUTEX_GUARD(&store->queue_lock);
    while (!store->queue_head && !store->is_stopping)
        pthread_cond_wait(&store->queue_filled, &store->queue_lock);
    StoreWrite *first = store->queue_head, *last = NULL;
    size_t n = 0, bytes = 0;
    for (StoreWrite *w = first;
         w && n < STORE_GROUP_REQUESTS && (n == 0 || bytes + w->queued_bytes <= STORE_GROUP_BYTES);
         w = w->next) {
        last = w;
        n++;
        bytes += w->queued_bytes;
    }
    if (!last)
        return NULL;
    store->queue_head = last->next;
    if (!store->queue_head)
        store->queue_tail = &store->queue_head;
    last->next = NULL;
    store->queued_bytes -= bytes;
    return first;
}

/* SQLite's own automatic checkpoint would hide that the index could not be synced. */
static int writer_checkpoint(void *arg, sqlite3 *db, const char *name, int pages)
{
    Store *store = arg;
    if (pages < CHECKPOINT_PAGES)
        return SQLITE_OK;
    int rc = sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if ((rc & 0xff) == SQLITE_IOERR) {
        Error err;
        db_fail(db, rc, "checkpoint", &err);
        store_fail(store, &err);
    }
    return SQLITE_OK;
}

static void *writer_main(void *arg)
{
    Store *store = arg;
    sqlite3_wal_hook(store->db, writer_checkpoint, store);
    for (StoreWrite *writes; (writes = writer_take(store)) != NULL;)
        group_run(store, writes);
    return NULL;
}

int store_start_writer(Store *store, Error *err)
{
    store->group.arena = arena_new(GROUP_ARENA_BYTES);
    store->queue_tail = &store->queue_head;
    if (thread_start(&store->writer, "storage-writer", writer_main, store, err) < 0)
        return -1;
    store->has_writer = true;
    return 0;
}

void store_stop_writer(Store *store)
{
    if (!store->has_writer)
        return;
    pthread_mutex_lock(&store->queue_lock);
    store->is_stopping = true;
    pthread_cond_signal(&store->queue_filled);
    pthread_mutex_unlock(&store->queue_lock);
    pthread_join(store->writer, NULL);
    store->has_writer = false;
}

/* ---- for the others ---- */

bool store_is_writable(Store *store, Str *ret_message)
{
    bool failed = atomic_load(&store->has_failed);
    if (ret_message)
        *ret_message = failed ? str_from(store->failure) : STR("");
    return !failed;
}

int store_submit(Store *store, StoreWrite *write, Error *err)
{
    Str failure;
    if (!store_is_writable(store, &failure)) {
        return err_set(err, ERR_IO,
                       "the store takes no more writes, restart it after the disk was checked: %.*s",
                       STR_ARG(failure));
    }
    if (atomic_load(&store->reserve_is_out) && !store_frees_room(write))
        return err_set(err, ERR_DISK_FULL, "the disk is full: only deletes are taken until there is room");
    write->queued_bytes = sizeof *write;
    for (size_t i = 0; i < write->n_puts; i++)
        write->queued_bytes += write->puts[i].body.len;
    write->next = NULL;
    MUTEX_GUARD(&store->queue_lock);
    if (store->queued_bytes > STORE_QUEUE_BYTES)
        return err_set(err, ERR_OVERLOADED, "too many writes wait; try again");
    bool was_empty = store->queue_head == NULL;
    *store->queue_tail = write;
    store->queue_tail = &write->next;
    store->queued_bytes += write->queued_bytes;
    if (was_empty)
        pthread_cond_signal(&store->queue_filled);
    return 0;
}

typedef struct Waiter {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
} Waiter;

static void waiter_done(StoreWrite *write)
{
    Waiter *waiter = write->arg;
    MUTEX_GUARD(&waiter->lock);
    waiter->is_done = true;
    pthread_cond_signal(&waiter->done);
}

int store_write(Store *store, StoreWrite *write, Error *err)
{
    Waiter waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    write->done = waiter_done;
    write->arg = &waiter;
    if (store_submit(store, write, err) < 0)
        return -1;
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.is_done)
        pthread_cond_wait(&waiter.done, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    pthread_mutex_destroy(&waiter.lock);
    pthread_cond_destroy(&waiter.done);
    if (write->error.code == ERR_OK)
        return 0;
    if (err)
        *err = write->error;
    return -1;
}
