/* store.c - opening and closing; see store.h. */
#include "storage/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "storage/store_internal.h"

static Store *store_new(const StoreOptions *options)
{
    Store *store = calloc(1, sizeof *store);
    char segments[BLOB_PATH_MAX];
    if (!store)
        abort();
    store->dir = strndup(options->dir.ptr, options->dir.len);
    store->inline_limit = options->inline_limit;
    store->grace_end_us =
        clock_monotonic_us() + 1000 * (options->grace_ms < 0 ? STORE_GRACE_MS : options->grace_ms);
    snprintf(segments, sizeof segments, "%s/segments", store->dir);
    store->segments = segments_new(str_from(segments), options->segment_bytes);
    store->blobs = blobs_new(options->dir);
    store->cache = cache_new(STORE_CACHE_BYTES);
    store->buckets = map_new();
    pthread_rwlock_init(&store->buckets_lock, NULL);
    pthread_mutex_init(&store->readers_lock, NULL);
    pthread_cond_init(&store->reader_free, NULL);
    pthread_mutex_init(&store->segments_lock, NULL);
    pthread_mutex_init(&store->queue_lock, NULL);
    pthread_cond_init(&store->queue_filled, NULL);
    pthread_mutex_init(&store->maintenance_lock, NULL);
    pthread_cond_init(&store->maintenance_wake, NULL);
    return store;
}

static int store_make_folders(Store *store, Error *err)
{
    static const char *const names[] = {"segments", "stages"};
    char path[BLOB_PATH_MAX];
    if (fs_mkdir_all(store->dir, 0700, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", store->dir, names[i]);
        if (fs_mkdir(path, 0700, err) < 0)
            return -1;
    }
    if (blobs_prepare(store->blobs, err) < 0 || fs_sync_dir(store->dir, err) < 0)
        return -1;
    /* the store's own name, and that of the folder that it is in */
    for (int up = 0; up < 2; up++) {
        snprintf(path, sizeof path, "%s%s", store->dir, up ? "/../.." : "/..");
        if (fs_sync_dir(path, err) < 0)
            return -1;
    }
    return 0;
}

int store_open(const StoreOptions *options, Store **ret, Error *err)
{
    Store *store = store_new(options);
    if (store_make_folders(store, err) < 0 || store_open_index(store, err) < 0 ||
        store_start_writer(store, err) < 0 || store_start_maintenance(store, err) < 0) {
        store_close(store);
        return -1;
    }
    store_lay_reserve(store);
    *ret = store;
    return 0;
}

void store_on_grace_end(Store *store, void (*fn)(void *arg), void *arg)
{
    MUTEX_GUARD(&store->maintenance_lock);
    store->on_grace_end = fn;
    store->grace_arg = arg;
}

void store_quiesce(Store *store)
{
    if (store)
        store_stop_maintenance(store);
}

void store_close(Store *store)
{
    if (!store)
        return;
    store_stop_maintenance(store);
    store_stop_writer(store);
    store_close_readers(store);
    for (size_t i = 0; i < WRITE_COUNT_; i++)
        sqlite3_finalize(store->write[i]);
    sqlite3_close(store->db);
    arena_free(store->group.arena);
    Str name;
    void *bucket;
    for (size_t i = 0; map_next(store->buckets, &i, &name, &bucket);)
        free(bucket);
    map_free(store->buckets);
    cache_free(store->cache);
    blobs_free(store->blobs);
    segments_free(store->segments);
    free(store->segment_stats);
    pthread_rwlock_destroy(&store->buckets_lock);
    pthread_mutex_destroy(&store->readers_lock);
    pthread_cond_destroy(&store->reader_free);
    pthread_mutex_destroy(&store->segments_lock);
    pthread_mutex_destroy(&store->queue_lock);
    pthread_cond_destroy(&store->queue_filled);
    pthread_mutex_destroy(&store->maintenance_lock);
    pthread_cond_destroy(&store->maintenance_wake);
    free(store->dir);
    free(store);
}

Blobs *store_blobs(Store *store)
{
    return store->blobs;
}
Str store_dir(const Store *store)
{
    return str_from(store->dir);
}

/* Parquet files are files whatever their size: engines open them by path. */
bool store_is_inline(const Store *store, Str key, int64_t size)
{
    return size >= 0 && (uint64_t)size <= store->inline_limit && !str_has_suffix(key, STR(".parquet"));
}
