/* lookup_cache.h - lookups of the index kept in memory, in step with its commits.
 *
 * A reader that missed notes cache_ticket() before it reads the index and gives it to cache_fill(): the entry
 * is taken only if no change of its shard was begun or ended since. The writer begins a change before the
 * commit (from then on lookups miss and go to the index) and ends it after. So a lookup never goes back in
 * time. Thread-safe; bounded; least recently used entries go. */
#pragma once

#include "storage/object.h"

typedef struct LookupCache LookupCache;

LookupCache *cache_new(size_t max_bytes);
void cache_free(LookupCache *cache);
/* On a hit fills *ret, metadata copied to the arena. */
bool cache_get(LookupCache *cache, uint32_t bucket, Str key, Arena *arena, ObjectInfo *ret);
uint64_t cache_ticket(LookupCache *cache, uint32_t bucket, Str key);
void cache_fill(LookupCache *cache, uint32_t bucket, Str key, uint64_t ticket, const ObjectInfo *object);
void cache_begin_change(LookupCache *cache, uint32_t bucket, Str key);
/* object NULL: removed, or not known (a rolled back change). */
void cache_end_change(LookupCache *cache, uint32_t bucket, Str key, const ObjectInfo *object);
