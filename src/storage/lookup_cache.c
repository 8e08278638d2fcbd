/* lookup_cache.c - see lookup_cache.h. Shards by the key's hash; each a chained table with a list in order of
 * use. */
#include "storage/lookup_cache.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/thread.h"

enum { CACHE_SHARDS = 64, CACHE_CHAINS = 1024 };

typedef struct CacheEntry CacheEntry;
struct CacheEntry {
    CacheEntry *next; /* of the chain */
    CacheEntry *newer, *older;
    uint64_t hash;
    uint32_t bucket;
    uint32_t key_len;
    ObjectInfo object; /* meta points behind the key */
    char bytes[];      /* key, meta */
};

typedef struct CacheShard {
    _Alignas(64) pthread_mutex_t lock;
    uint64_t changes; /* begun or ended */
    unsigned in_change;
    size_t bytes;
    CacheEntry *newest, *oldest;
    CacheEntry *chains[CACHE_CHAINS];
} CacheShard;

struct LookupCache {
    size_t max_shard_bytes;
    CacheShard shards[CACHE_SHARDS];
};

LookupCache *cache_new(size_t max_bytes)
{
    LookupCache *cache = aligned_alloc(64, sizeof *cache + (64 - sizeof *cache % 64) % 64);
    if (!cache)
        abort();
    memset(cache, 0, sizeof *cache);
    cache->max_shard_bytes = max_bytes / CACHE_SHARDS;
    for (size_t i = 0; i < CACHE_SHARDS; i++)
        pthread_mutex_init(&cache->shards[i].lock, NULL);
    return cache;
}

void cache_free(LookupCache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < CACHE_SHARDS; i++) {
        for (CacheEntry *e = cache->shards[i].newest; e;) {
            CacheEntry *older = e->older;
            free(e);
            e = older;
        }
        pthread_mutex_destroy(&cache->shards[i].lock);
    }
    free(cache);
}

static CacheShard *cache_shard(LookupCache *cache, uint32_t bucket, Str key, uint64_t *ret_hash)
{
    *ret_hash = hash_bytes(key.ptr, key.len, bucket);
    return &cache->shards[*ret_hash % CACHE_SHARDS];
}

static CacheEntry **cache_find(CacheShard *shard, uint64_t hash, uint32_t bucket, Str key)
{
    CacheEntry **at = &shard->chains[hash / CACHE_SHARDS % CACHE_CHAINS];
    for (; *at; at = &(*at)->next) {
        const CacheEntry *e = *at;
        if (e->hash == hash && e->bucket == bucket && str_eq(str_of(e->bytes, e->key_len), key))
            break;
    }
    return at;
}

static void cache_unlink_use(CacheShard *shard, CacheEntry *e)
{
    *(e->newer ? &e->newer->older : &shard->newest) = e->older;
    *(e->older ? &e->older->newer : &shard->oldest) = e->newer;
}

static void cache_link_newest(CacheShard *shard, CacheEntry *e)
{
    e->newer = NULL;
    e->older = shard->newest;
    *(shard->newest ? &shard->newest->newer : &shard->oldest) = e;
    shard->newest = e;
}

static size_t cache_entry_bytes(const CacheEntry *e)
{
    return sizeof *e + e->key_len + e->object.meta.len;
}

static void cache_drop(CacheShard *shard, CacheEntry **at)
{
    CacheEntry *e = *at;
    *at = e->next;
    cache_unlink_use(shard, e);
    shard->bytes -= cache_entry_bytes(e);
    free(e);
}

static void cache_insert(LookupCache *cache, CacheShard *shard, uint64_t hash, uint32_t bucket, Str key,
                         const ObjectInfo *object)
{
    CacheEntry **at = cache_find(shard, hash, bucket, key);
    if (*at)
        cache_drop(shard, at);
    CacheEntry *e = malloc(sizeof *e + key.len + object->meta.len);
    if (!e)
        return;
    *e = (CacheEntry){.hash = hash, .bucket = bucket, .key_len = (uint32_t)key.len, .object = *object};
    if (key.len)
        memcpy(e->bytes, key.ptr, key.len);
    if (object->meta.len)
        memcpy(e->bytes + key.len, object->meta.ptr, object->meta.len);
    e->object.meta.ptr = e->bytes + key.len;
    CacheEntry **chain = &shard->chains[hash / CACHE_SHARDS % CACHE_CHAINS];
    e->next = *chain;
    *chain = e;
    cache_link_newest(shard, e);
    shard->bytes += cache_entry_bytes(e);
    while (shard->bytes > cache->max_shard_bytes && shard->oldest) {
        const CacheEntry *old = shard->oldest;
        cache_drop(shard, cache_find(shard, old->hash, old->bucket, str_of(old->bytes, old->key_len)));
    }
}

bool cache_get(LookupCache *cache, uint32_t bucket, Str key, Arena *arena, ObjectInfo *ret)
{
    uint64_t hash;
    CacheShard *shard = cache_shard(cache, bucket, key, &hash);
    MUTEX_GUARD(&shard->lock);
    CacheEntry *e = *cache_find(shard, hash, bucket, key);
    if (!e)
        return false;
    if (shard->newest != e) {
        cache_unlink_use(shard, e);
        cache_link_newest(shard, e);
    }
    *ret = e->object;
    ret->meta = arena_str(arena, e->object.meta);
    return true;
}

uint64_t cache_ticket(LookupCache *cache, uint32_t bucket, Str key)
{
    uint64_t hash;
    CacheShard *shard = cache_shard(cache, bucket, key, &hash);
    MUTEX_GUARD(&shard->lock);
    return shard->changes;
}

void cache_fill(LookupCache *cache, uint32_t bucket, Str key, uint64_t ticket, const ObjectInfo *object)
{
    uint64_t hash;
    CacheShard *shard = cache_shard(cache, bucket, key, &hash);
    MUTEX_GUARD(&shard->lock);
    if (shard->changes == ticket && shard->in_change == 0)
        cache_insert(cache, shard, hash, bucket, key, object);
}

void cache_begin_change(LookupCache *cache, uint32_t bucket, Str key)
{
    uint64_t hash;
    CacheShard *shard = cache_shard(cache, bucket, key, &hash);
    MUTEX_GUARD(&shard->lock);
    shard->changes++;
    shard->in_change++;
    CacheEntry **at = cache_find(shard, hash, bucket, key);
    if (*at)
        cache_drop(shard, at);
}

void cache_end_change(LookupCache *cache, uint32_t bucket, Str key, const ObjectInfo *object)
{
    uint64_t hash;
    CacheShard *shard = cache_shard(cache, bucket, key, &hash);
    MUTEX_GUARD(&shard->lock);
    shard->changes++;
    shard->in_change--;
    CacheEntry **at = cache_find(shard, hash, bucket, key);
    if (*at)
        cache_drop(shard, at);
    if (object)
        cache_insert(cache, shard, hash, bucket, key, object);
}
