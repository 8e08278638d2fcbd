/* manifest_cache.c - decoded manifests, shared between threads and evicted when they were not used for long.
 * */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/map.h"
#include "iceberg/manifest_internal.h"

struct ManifestRef {
    atomic_int n_references; /* the cache's own included */
    Arena *arena;            /* owned: manifest and path are in it */
    const IceManifest *manifest;
    Str path;
    size_t bytes;
    ManifestRef *newer, *older; /* in the order of use; under the cache's lock */
};

struct ManifestCache {
    pthread_mutex_t lock;
    Map *by_path; /* Str -> ManifestRef */
    ManifestRef *newest, *oldest;
    size_t max_bytes;
    ManifestCacheStats stats;
};

ManifestCache *manifest_cache_new(size_t max_bytes)
{
    ManifestCache *cache = calloc(1, sizeof *cache);

    if (!cache)
        abort();
    pthread_mutex_init(&cache->lock, NULL);
    cache->by_path = map_new();
    cache->max_bytes = max_bytes;
    return cache;
}

void manifest_ref_release(ManifestRef *ref)
{
    if (!ref || atomic_fetch_sub(&ref->n_references, 1) > 1)
        return;
    arena_free(ref->arena);
    free(ref);
}

const IceManifest *manifest_ref_get(const ManifestRef *ref) { return ref->manifest; }

static void unlink_ref(ManifestCache *cache, ManifestRef *ref)
{
    *(ref->newer ? &ref->newer->older : &cache->newest) = ref->older;
    *(ref->older ? &ref->older->newer : &cache->oldest) = ref->newer;
    ref->newer = ref->older = NULL;
}

static void link_newest(ManifestCache *cache, ManifestRef *ref)
{
    ref->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = ref;
    cache->newest = ref;
}

static void drop(ManifestCache *cache, ManifestRef *ref)
{
    unlink_ref(cache, ref);
    map_remove(cache->by_path, ref->path);
    cache->stats.bytes -= ref->bytes;
    cache->stats.entries--;
    manifest_ref_release(ref);
}

void manifest_cache_free(ManifestCache *cache)
{
    if (!cache)
        return;
    while (cache->oldest)
        drop(cache, cache->oldest);
    map_free(cache->by_path);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

ManifestRef *manifest_cache_get(ManifestCache *cache, Str path)
{
    pthread_mutex_lock(&cache->lock);
    ManifestRef *ref = map_get(cache->by_path, path);
    if (ref) {
        atomic_fetch_add(&ref->n_references, 1);
        unlink_ref(cache, ref);
        link_newest(cache, ref);
        cache->stats.hits++;
    } else {
        cache->stats.misses++;
    }
    pthread_mutex_unlock(&cache->lock);
    return ref;
}

ManifestRef *manifest_cache_put(ManifestCache *cache, Str path, Arena *arena, const IceManifest *manifest)
{
    ManifestRef *ref = calloc(1, sizeof *ref);

    if (!ref)
        abort();
    *ref = (ManifestRef){ .arena = arena, .manifest = manifest, .path = arena_str(arena, path) };
    ref->bytes = arena_used(arena) + sizeof *ref;
    atomic_init(&ref->n_references, 1);
    if (!cache || ref->bytes > cache->max_bytes)
        return ref;
    pthread_mutex_lock(&cache->lock);
    ManifestRef *other = map_get(cache->by_path, path);
    if (other) {
        atomic_fetch_add(&other->n_references, 1);
    } else {
        atomic_fetch_add(&ref->n_references, 1);
        map_put(cache->by_path, ref->path, ref);
        link_newest(cache, ref);
        cache->stats.bytes += ref->bytes;
        cache->stats.entries++;
        while (cache->stats.bytes > cache->max_bytes) {
            drop(cache, cache->oldest);
            cache->stats.evictions++;
        }
    }
    pthread_mutex_unlock(&cache->lock);
    if (!other)
        return ref;
    manifest_ref_release(ref);
    return other;
}

ManifestCacheStats manifest_cache_stats(ManifestCache *cache)
{
    pthread_mutex_lock(&cache->lock);
    ManifestCacheStats stats = cache->stats;
    pthread_mutex_unlock(&cache->lock);
    return stats;
}

/* --- loading --- */

static int read_and_decode(ManifestSource *source, const IceManifestFile *listed,
                           const TableMetadata *table, Arena *arena, ManifestRef **ret, Error *err)
{
    size_t budget = source->max_manifest_bytes ? source->max_manifest_bytes : MANIFEST_DEFAULT_BYTES;
    _cleanup_arena_ Arena *scratch = arena_new(budget);
    Arena *own = arena_new(budget);
    IceManifest *manifest = arena_new_of(own, IceManifest);
    IcePartitionType types;
    Str bytes;

    if (ice_partition_type(table, listed->spec_id, scratch, &types, err) < 0 ||
        source->read(source->arg, listed->path, listed->length_bytes, scratch, &bytes, err) < 0 ||
        manifest_decode(bytes, listed, &types, own, manifest, err) < 0) {
        arena_free(own);
        return -1;
    }
    *ret = manifest_cache_put(source->cache, listed->path, own, manifest);
    return 0;
}

static void release(void *arg) { manifest_ref_release(arg); }

int manifest_load(ManifestSource *source, const IceManifestFile *listed, const TableMetadata *table,
                  Arena *arena, const IceManifest **ret, Error *err)
{
    ManifestRef *ref = source->cache ? manifest_cache_get(source->cache, listed->path) : NULL;

    if (!ref && read_and_decode(source, listed, table, arena, &ref, err) < 0)
        return -1;
    arena_on_free(arena, release, ref);
    *ret = ref->manifest;
    return 0;
}

int manifest_list_load(ManifestSource *source, const IceSnapshot *snapshot, Arena *arena,
                       IceManifestList *ret, Error *err)
{
    _cleanup_arena_ Arena *scratch = arena_new(MANIFEST_DEFAULT_BYTES);
    Str bytes;

    if (snapshot->manifest_list.len == 0)
        return err_set(err, ERR_NOT_SUPPORTED,
                       "snapshot %lld has no manifest list (a v1 table that lists its manifests)",
                       (long long)snapshot->snapshot_id);
    if (source->read(source->arg, snapshot->manifest_list, -1, scratch, &bytes, err) < 0)
        return -1;
    return manifest_list_read(bytes, snapshot->manifest_list, arena, ret, err);
}
