/* table_cache.c - metadata of tables by name, shared by statements; every use asks the catalog whether it is
 * still current. */
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/thread.h"
#include "query/connector/catalogs_internal.h"

typedef struct CachedTable CachedTable;
struct CachedTable {
    CachedTable *newer, *older;
    Str key, etag; /* in the arena */
    Arena *arena;
    size_t bytes;
    int references; /* the cache's own counts too */
    LoadedTable table;
};

struct TableCache {
    pthread_mutex_t lock;
    Map *by_name;
    CachedTable *newest, *oldest;
    size_t n, bytes, max_tables, max_bytes;
};

enum { TABLE_ARENA_BYTES = 512 << 20 };

TableCache *table_cache_new(size_t max_tables, size_t max_bytes)
{
    TableCache *cache = calloc(1, sizeof *cache);
    if (!cache)
        abort();
    pthread_mutex_init(&cache->lock, NULL);
    cache->by_name = map_new();
    cache->max_tables = max_tables;
    cache->max_bytes = max_bytes;
    return cache;
}

/* Under the lock, or by the only owner. */
static void release(CachedTable *t)
{
    if (--t->references == 0)
        arena_free(t->arena);
}

static void unlink_table(TableCache *cache, CachedTable *t)
{
    *(t->newer ? &t->newer->older : &cache->newest) = t->older;
    *(t->older ? &t->older->newer : &cache->oldest) = t->newer;
    t->newer = t->older = NULL;
}

static void link_newest(TableCache *cache, CachedTable *t)
{
    t->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = t;
    cache->newest = t;
}

static void evict(TableCache *cache, CachedTable *t)
{
    map_remove(cache->by_name, t->key);
    unlink_table(cache, t);
    cache->n--;
    cache->bytes -= t->bytes;
    release(t);
}

void table_cache_free(TableCache *cache)
{
    if (!cache)
        return;
    while (cache->newest)
        evict(cache, cache->newest);
    map_free(cache->by_name);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

typedef struct TableHold {
    TableCache *cache;
    CachedTable *table;
} TableHold;

static void drop_hold(void *arg)
{
    TableHold *hold = arg;
    MUTEX_GUARD(&hold->cache->lock);
    release(hold->table);
}

/* The reference that the caller has passes to the arena. */
static void give(TableCache *cache, CachedTable *t, Arena *arena, LoadedTable *ret)
{
    TableHold *hold = arena_new_of(arena, TableHold);
    *hold = (TableHold){cache, t};
    arena_on_free(arena, drop_hold, hold);
    *ret = t->table;
}

static Str cache_key(Str namespace_, Str name, Arena *arena)
{
    return arena_printf(arena, "%.*s%c%.*s", STR_ARG(namespace_), '\n', STR_ARG(name));
}

static CachedTable *find(TableCache *cache, Str key)
{
    MUTEX_GUARD(&cache->lock);
    CachedTable *t = map_get(cache->by_name, key);
    if (t)
        t->references++;
    return t;
}

static CachedTable *store(TableCache *cache, Str key, Arena *owned, const CatalogTable *table)
{
    CachedTable *t = arena_new_of(owned, CachedTable);
    *t = (CachedTable){.key = arena_str(owned, key),
                       .etag = arena_str(owned, table->etag),
                       .arena = owned,
                       .references = 1,
                       .table = {table->metadata, table->metadata_location},
                       .bytes = arena_used(owned)};
    MUTEX_GUARD(&cache->lock);
    CachedTable *old = map_get(cache->by_name, key);
    if (old)
        evict(cache, old);
    map_put(cache->by_name, t->key, t);
    link_newest(cache, t);
    cache->n++;
    cache->bytes += t->bytes;
    t->references++; /* the caller's, so that it cannot be evicted here */
    while (cache->oldest != t && (cache->n > cache->max_tables || cache->bytes > cache->max_bytes))
        evict(cache, cache->oldest);
    return t;
}

void table_cache_drop(TableCache *cache, Str namespace_, Str name)
{
    _cleanup_arena_ Arena *scratch = arena_new(1 << 20);
    Str key = cache_key(namespace_, name, scratch);
    MUTEX_GUARD(&cache->lock);
    CachedTable *t = map_get(cache->by_name, key);
    if (t)
        evict(cache, t);
}

int table_cache_load(TableCache *cache, CatalogClient *client, Str namespace_, Str name, Arena *arena,
                     LoadedTable *ret, Error *err)
{
    CatalogTable table;
    Str key = cache_key(namespace_, name, arena);
    CachedTable *known = find(cache, key);
    Arena *owned = arena_new(TABLE_ARENA_BYTES);
    if (catalog_load_table(client, namespace_, name, known ? known->etag : STR(""), false, owned, &table,
                           err)) {
        arena_free(owned);
        if (known)
            drop_hold(&(TableHold){cache, known});
        return -1;
    }
    if (table.not_modified && known) {
        arena_free(owned);
        pthread_mutex_lock(&cache->lock);
        if (map_get(cache->by_name, key) == known) {
            unlink_table(cache, known);
            link_newest(cache, known);
        }
        pthread_mutex_unlock(&cache->lock);
        give(cache, known, arena, ret);
        return 0;
    }
    if (known)
        drop_hold(&(TableHold){cache, known});
    give(cache, store(cache, key, owned, &table), arena, ret);
    return 0;
}

void table_cache_put(TableCache *cache, Str namespace_, Str name, Arena *owned, const CatalogTable *table)
{
    Str key = cache_key(namespace_, name, owned);
    if (!table->metadata || !table->etag.len) {
        table_cache_drop(cache, namespace_, name);
        arena_free(owned);
        return;
    }
    CachedTable *t = store(cache, key, owned, table);
    drop_hold(&(TableHold){cache, t});
}
