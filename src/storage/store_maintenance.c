/* store_maintenance.c - a thread that removes files nobody refers to, and compacts segments that are mostly
 * dead. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "storage/store_internal.h"

enum {
    MAINTENANCE_PERIOD_MS = 1000,
    COMPACT_LIVE_PERCENT =
        50, /* below this share a segment is rewritten: at most as much is written as is won */
    COMPACT_ARENA_BYTES = 32 << 20,
};

static int is_known_file(void *arg, uint64_t generation, bool *ret, Error *err)
{
    Store *store = arg;
    Reader *reader = store_take_reader(store, err);
    if (!reader)
        return -1;
    sqlite3_stmt *st = reader->statements[READ_KNOWN_FILE];
    db_bind_int(st, 1, (int64_t)generation);
    int result = db_step(st, err);
    db_done(st);
    store_give_reader(store, reader);
    *ret = result > 0;
    return result < 0 ? -1 : 0;
}

/* Segment files that the index does not know: made by a group that never committed, or whose removal was not
 * synced. */
static int sweep_segments(Store *store, Error *err)
{
    char path[BLOB_PATH_MAX];
    snprintf(path, sizeof path, "%s/segments", store->dir);
    DIR *dir = opendir(path);
    if (!dir)
        return err_set_errno(err, err_code_of_errno(errno), errno, "%s: %s", path, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        uint32_t id;
        char suffix[8];
        if (sscanf(entry->d_name, "%8" SCNx32 "%7s", &id, suffix) != 2 || strcmp(suffix, ".seg") != 0)
            continue;
        bool is_known = false;
        uint32_t newest = 0;
        pthread_mutex_lock(&store->segments_lock);
        for (size_t i = 0; i < store->n_segments; i++) {
            is_known |= store->segment_stats[i].id == id;
            if (store->segment_stats[i].id > newest)
                newest = store->segment_stats[i].id;
        }
        pthread_mutex_unlock(&store->segments_lock);
        if (!is_known && id < newest)
            segments_remove(store->segments, id, NULL);
    }
    closedir(dir);
    return 0;
}

/* The segment most worth rewriting; id 0: none. Never the newest, which is being written. */
static SegmentStat pick_segment(Store *store)
{
    SegmentStat best = {0};
    uint32_t newest = 0;
    MUTEX_GUARD(&store->segments_lock);
    for (size_t i = 0; i < store->n_segments; i++) {
        if (store->segment_stats[i].id > newest)
            newest = store->segment_stats[i].id;
    }
    for (size_t i = 0; i < store->n_segments; i++) {
        const SegmentStat *s = &store->segment_stats[i];
        if (s->id == newest || s->live * 100 >= s->size * COMPACT_LIVE_PERCENT)
            continue;
        if (best.id == 0 || s->live * best.size < best.live * s->size)
            best = *s;
    }
    return best;
}

static Str bucket_name_of(Store *store, uint32_t id, Arena *arena)
{
    Str key, name = STR_NULL;
    void *value;
    pthread_rwlock_rdlock(&store->buckets_lock);
    for (size_t i = 0; map_next(store->buckets, &i, &key, &value);) {
        if (((const Bucket *)value)->info.id == id)
            name = arena_str(arena, key);
    }
    pthread_rwlock_unlock(&store->buckets_lock);
    return name;
}

/* Moves the next records of the segment; *position goes on. 1: more to do, 0: the end, -1: failed. */
static int compact_step(Store *store, const SegmentStat *segment, uint64_t *position, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(COMPACT_ARENA_BYTES);
    StorePut *puts = arena_array(arena, StorePut, STORE_COMPACT_BATCH);
    StoreWrite move = {.op = STORE_MOVE, .puts = puts, .part = {.number = segment->id}};
    bool at_end = false;
    while (move.n_puts < STORE_COMPACT_BATCH && !at_end) {
        SegmentRecord record;
        uint64_t at = *position;
        if (segments_scan(store->segments, segment->id, position, segment->size, arena, &record, err) < 0) {
            if (at + SEGMENT_HEADER_BYTES <= segment->size)
                return -1;
            at_end = true;
            break;
        }
        Str bucket = bucket_name_of(store, record.bucket, arena);
        if (!bucket.ptr || !record.body.ptr)
            continue; /* a deleted bucket's; or rotten: stays where it is, so that reads say so */
        puts[move.n_puts++] = (StorePut){.bucket = bucket,
                                         .key = record.key,
                                         .is_inline = true,
                                         .body = record.body,
                                         .object = {.generation = record.generation,
                                                    .position = at,
                                                    .segment = segment->id,
                                                    .size = (int64_t)record.body.len}};
    }
    if (store_write(store, &move, err) < 0)
        return -1;
    return at_end ? 0 : 1;
}

static void compact(Store *store)
{
    SegmentStat segment = pick_segment(store);
    uint64_t position = 0;
    Error err = {0};
    int result = 1;
    if (segment.id == 0 || !store_is_writable(store, NULL))
        return;
    while (result > 0)
        result = compact_step(store, &segment, &position, &err);
    if (result < 0) {
        log_warn("storage.compact_failed", L_INT("segment", segment.id), L_ERR(&err));
    } else {
        log_debug("storage.compacted", L_INT("segment", segment.id),
                  L_INT("bytes", segment.size - segment.live));
    }
}

/* Waits for work or the period's end; true: stop. */
static bool maintenance_wait(Store *store)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += MAINTENANCE_PERIOD_MS / 1000;
    MUTEX_GUARD(&store->maintenance_lock);
    if (!store->is_maintenance_stopping)
        pthread_cond_timedwait(&store->maintenance_wake, &store->maintenance_lock, &until);
    return store->is_maintenance_stopping;
}

static void tell_grace_end(Store *store)
{
    pthread_mutex_lock(&store->maintenance_lock);
    void (*fn)(void *arg) = store->on_grace_end;
    void *arg = store->grace_arg;
    pthread_mutex_unlock(&store->maintenance_lock);
    if (fn)
        fn(arg);
}

static void *maintenance_main(void *arg)
{
    Store *store = arg;
    bool is_swept = false;
    while (!maintenance_wait(store)) {
        if (clock_monotonic_us() < store->grace_end_us)
            continue;
        Error err = {0};
        if (!is_swept) {
            is_swept = true;
            tell_grace_end(store);
            if (blobs_sweep(store->blobs, is_known_file, store, &err) < 0 ||
                sweep_segments(store, &err) < 0) {
                log_warn("storage.sweep_failed", L_ERR(&err));
            }
        }
        blobs_reap(store->blobs);
        if (atomic_load(&store->reserve_is_out))
            store_lay_reserve(store);
        compact(store);
    }
    return NULL;
}

int store_start_maintenance(Store *store, Error *err)
{
    if (thread_start(&store->maintenance, "storage-maint", maintenance_main, store, err) < 0)
        return -1;
    store->has_maintenance = true;
    return 0;
}

void store_stop_maintenance(Store *store)
{
    if (!store->has_maintenance)
        return;
    pthread_mutex_lock(&store->maintenance_lock);
    store->is_maintenance_stopping = true;
    pthread_cond_signal(&store->maintenance_wake);
    pthread_mutex_unlock(&store->maintenance_lock);
    pthread_join(store->maintenance, NULL);
    store->has_maintenance = false;
}
