/* table_cache.c - metadata of tables by name, shared by statements; every use asks the catalog whether it is
 * still current. */
#include "base/arena_cache.h"
#include "query/connector/catalogs_internal.h"

typedef struct CachedTable {
    Str etag;
    LoadedTable table;
} CachedTable;

enum { TABLE_ARENA_BYTES = 512 << 20 };

static Str cache_key(Str namespace_, Str name, Arena *arena)
{
    return arena_printf(arena, "%.*s%c%.*s", STR_ARG(namespace_), '\n', STR_ARG(name));
}

static const CachedTable *store(ArenaCache *cache, Str key, Arena *owned, const CatalogTable *table,
                                Arena *holder)
{
    CachedTable *t = arena_new_of(owned, CachedTable);
    *t = (CachedTable){arena_str(owned, table->etag), {table->metadata, table->metadata_location}};
    arena_cache_put(cache, key, owned, t, holder);
    return t;
}

void table_cache_drop(ArenaCache *cache, Str namespace_, Str name)
{
    _cleanup_arena_ Arena *scratch = arena_new(1 << 20);
    arena_cache_drop(cache, cache_key(namespace_, name, scratch));
}

int table_cache_load(ArenaCache *cache, CatalogClient *client, Str namespace_, Str name, Arena *arena,
                     LoadedTable *ret, Error *err)
{
    CatalogTable table;
    Str key = cache_key(namespace_, name, arena);
    const CachedTable *known = arena_cache_get(cache, key, arena);
    Arena *owned = arena_new(TABLE_ARENA_BYTES);
    if (catalog_load_table(client, namespace_, name, known ? known->etag : STR(""), false, owned, &table,
                           err)) {
        arena_free(owned);
        return -1;
    }
    if (table.not_modified && known)
        arena_free(owned);
    else
        known = store(cache, key, owned, &table, arena);
    *ret = known->table;
    return 0;
}

void table_cache_put(ArenaCache *cache, Str namespace_, Str name, Arena *owned, const CatalogTable *table)
{
    if (!table->metadata || !table->etag.len) {
        table_cache_drop(cache, namespace_, name);
        arena_free(owned);
        return;
    }
    store(cache, cache_key(namespace_, name, owned), owned, table, NULL);
}
