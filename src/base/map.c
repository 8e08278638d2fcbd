/* map.c - see map.h.
 *
 * Entries stand in an array in the order they were put; a table of slots (linear probing) finds them. So
 * iteration is in insertion order, the same on every run, although the hash is seeded against crafted
 * keys. */
#include "base/map.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/internal.h"

typedef struct Entry {
    char *key;          /* owned; NULL: removed */
    size_t len;
    uint64_t hash;
    void *value;
} Entry;

enum { SLOT_EMPTY = 0, SLOT_REMOVED = 1, SLOT_FIRST = 2 };  /* else: index into entries, plus SLOT_FIRST */

struct Map {
    Entry *entries;
    size_t n_entries, cap_entries;  /* removed ones included */
    size_t count;
    uint32_t *slots;
    size_t n_slots;                 /* a power of two, or 0 */
};

static uint64_t map_seed;

/* Not from rng.h: a map must not shift the sequence that a test has seeded. */
static void map_seed_make(void)
{
    if (getrandom(&map_seed, sizeof map_seed, 0) != (ssize_t)sizeof map_seed)
        map_seed = (uint64_t)(uintptr_t)&map_seed;
}

uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, n, seed);
}

static uint64_t map_hash(Str key)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, map_seed_make);
    return hash_bytes(key.ptr, key.len, map_seed);
}

Map *map_new(void)
{
    return mem_zalloc(sizeof(Map));
}

void map_free(Map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->n_entries; i++)
        free(map->entries[i].key);
    free(map->entries);
    free(map->slots);
    free(map);
}

/* The slot that holds the key, or NULL. */
static uint32_t *map_find(const Map *map, Str key, uint64_t hash)
{
    if (map->count == 0)
        return NULL;
    for (size_t i = hash & (map->n_slots - 1);; i = (i + 1) & (map->n_slots - 1)) {
        uint32_t slot = map->slots[i];
        if (slot == SLOT_EMPTY)
            return NULL;
        if (slot == SLOT_REMOVED)
            continue;
        const Entry *entry = &map->entries[slot - SLOT_FIRST];
        if (entry->hash == hash && str_eq(key, (Str){ entry->key, entry->len }))
            return &map->slots[i];
    }
}

static void map_insert_slot(Map *map, uint64_t hash, size_t entry_index)
{
    size_t i = hash & (map->n_slots - 1);
    while (map->slots[i] != SLOT_EMPTY)
        i = (i + 1) & (map->n_slots - 1);
    map->slots[i] = (uint32_t)(entry_index + SLOT_FIRST);
}

/* Drops removed entries and makes room for one more, at a load of at most 2/3. */
static void map_rebuild(Map *map)
{
    size_t n = 0;
    for (size_t i = 0; i < map->n_entries; i++)
        if (map->entries[i].key)
            map->entries[n++] = map->entries[i];
    assert(n == map->count);
    map->n_entries = n;
    size_t n_slots = 16;
    while (n_slots < (n + 1) * 2)
        n_slots *= 2;
    assert(n_slots < UINT32_MAX);
    map->cap_entries = n_slots * 2 / 3;
    map->entries = mem_realloc(map->entries, map->cap_entries * sizeof *map->entries);
    free(map->slots);
    map->slots = mem_zalloc(n_slots * sizeof *map->slots);
    map->n_slots = n_slots;
    for (size_t i = 0; i < n; i++)
        map_insert_slot(map, map->entries[i].hash, i);
}

void *map_get(const Map *map, Str key)
{
    const uint32_t *slot = map_find(map, key, map_hash(key));
    return slot ? map->entries[*slot - SLOT_FIRST].value : NULL;
}

void *map_put(Map *map, Str key, void *value)
{
    assert(value);
    uint64_t hash = map_hash(key);
    const uint32_t *slot = map_find(map, key, hash);
    if (slot) {
        void *old = map->entries[*slot - SLOT_FIRST].value;
        map->entries[*slot - SLOT_FIRST].value = value;
        return old;
    }
    /* Every put uses an entry and a slot, removed ones included, so full entries bound the load of the
     * slots too. */
    if (map->n_entries == map->cap_entries)
        map_rebuild(map);
    char *copy = mem_zalloc(key.len + 1);
    if (key.len > 0)
        memcpy(copy, key.ptr, key.len);
    map->entries[map->n_entries] = (Entry){ .key = copy, .len = key.len, .hash = hash, .value = value };
    map_insert_slot(map, hash, map->n_entries++);
    map->count++;
    return NULL;
}

void *map_remove(Map *map, Str key)
{
    uint32_t *slot = map_find(map, key, map_hash(key));
    if (!slot)
        return NULL;
    Entry *entry = &map->entries[*slot - SLOT_FIRST];
    void *old = entry->value;
    free(entry->key);
    *entry = (Entry){ .key = NULL };
    *slot = SLOT_REMOVED;
    map->count--;
    return old;
}

size_t map_count(const Map *map)
{
    return map->count;
}

bool map_next(const Map *map, size_t *position, Str *ret_key, void **ret_value)
{
    while (*position < map->n_entries) {
        const Entry *entry = &map->entries[(*position)++];
        if (!entry->key)
            continue;
        if (ret_key)
            *ret_key = (Str){ entry->key, entry->len };
        if (ret_value)
            *ret_value = entry->value;
        return true;
    }
    return false;
}
