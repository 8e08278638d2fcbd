#include "base/arena_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/thread.h"

typedef struct Entry Entry;
struct Entry {
    Entry *newer, *older;
    Str key; /* in the arena */
    Arena *arena;
    const void *value;
    size_t bytes;
    int references; /* the cache's own counts too */
};

struct ArenaCache {
    pthread_mutex_t lock;
    Map *by_key;
    Entry *newest, *oldest;
    size_t n, bytes, max_values, max_bytes;
};

typedef struct Hold {
    ArenaCache *cache;
    Entry *entry;
} Hold;

ArenaCache *arena_cache_new(size_t max_values, size_t max_bytes)
{
    ArenaCache *cache = calloc(1, sizeof *cache);
    if (!cache)
        abort();
    pthread_mutex_init(&cache->lock, NULL);
    cache->by_key = map_new();
    cache->max_values = max_values;
    cache->max_bytes = max_bytes;
    return cache;
}

static void unlink_entry(ArenaCache *cache, Entry *e)
{
    *(e->newer ? &e->newer->older : &cache->newest) = e->older;
    *(e->older ? &e->older->newer : &cache->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void link_newest(ArenaCache *cache, Entry *e)
{
    e->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = e;
    cache->newest = e;
}

/* Under the lock; the caller frees what comes back, outside of it: cleanups of an arena may take long. */
static Arena *release(Entry *e)
{
    return --e->references == 0 ? e->arena : NULL;
}

static Arena *evict(ArenaCache *cache, Entry *e)
{
    map_remove(cache->by_key, e->key);
    unlink_entry(cache, e);
    cache->n--;
    cache->bytes -= e->bytes;
    return release(e);
}

void arena_cache_free(ArenaCache *cache)
{
    if (!cache)
        return;
    while (cache->newest)
        arena_free(evict(cache, cache->newest));
    map_free(cache->by_key);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static void drop_hold(void *arg)
{
    Hold *hold = arg;
    pthread_mutex_lock(&hold->cache->lock);
    Arena *dead = release(hold->entry);
    pthread_mutex_unlock(&hold->cache->lock);
    arena_free(dead);
}

/* The reference was counted already. */
static void give(ArenaCache *cache, Entry *e, Arena *holder)
{
    Hold *hold = arena_new_of(holder, Hold);
    *hold = (Hold){cache, e};
    arena_on_free(holder, drop_hold, hold);
}

const void *arena_cache_get(ArenaCache *cache, Str key, Arena *holder)
{
    pthread_mutex_lock(&cache->lock);
    Entry *e = map_get(cache->by_key, key);
    if (e) {
        e->references++;
        unlink_entry(cache, e);
        link_newest(cache, e);
    }
    pthread_mutex_unlock(&cache->lock);
    if (!e)
        return NULL;
    give(cache, e, holder);
    return e->value;
}

void arena_cache_put(ArenaCache *cache, Str key, Arena *owned, const void *value, Arena *holder)
{
    Entry *e = arena_new_of(owned, Entry);
    *e = (Entry){.key = arena_str(owned, key), .arena = owned, .value = value, .references = holder ? 2 : 1};
    e->bytes = arena_used(owned);
    if (holder)
        give(cache, e, holder);
    pthread_mutex_lock(&cache->lock);
    Entry *old = map_get(cache->by_key, key), *dead = NULL;
    Arena *replaced = old ? evict(cache, old) : NULL;
    map_put(cache->by_key, e->key, e);
    link_newest(cache, e);
    cache->n++;
    cache->bytes += e->bytes;
    while (cache->oldest != e && (cache->n > cache->max_values || cache->bytes > cache->max_bytes)) {
        Entry *oldest = cache->oldest;
        if (evict(cache, oldest)) {
            oldest->older = dead;
            dead = oldest;
        }
    }
    pthread_mutex_unlock(&cache->lock);
    arena_free(replaced);
    while (dead) {
        Arena *arena = dead->arena;
        dead = dead->older;
        arena_free(arena);
    }
}

void arena_cache_drop(ArenaCache *cache, Str key)
{
    pthread_mutex_lock(&cache->lock);
    Entry *e = map_get(cache->by_key, key);
    Arena *dead = e ? evict(cache, e) : NULL;
    pthread_mutex_unlock(&cache->lock);
    arena_free(dead);
}
