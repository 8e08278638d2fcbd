/* arena_cache.h - values that live in arenas of their own, by name; the least recently used go first.
 *
 * Thread-safe. The cache owns the arenas. A value that was handed out stays until its holder's arena is
 * freed, even when it left the cache before; values must not change after they were put. Above either limit
 * the oldest leave, never the one that was just put. */
#pragma once

#include "base/arena.h"

typedef struct ArenaCache ArenaCache;

ArenaCache *arena_cache_new(size_t max_values, size_t max_bytes);
/* NULL is fine. No holder may be alive. */
void arena_cache_free(ArenaCache *cache);
/* NULL: not there. It becomes the newest. */
const void *arena_cache_get(ArenaCache *cache, Str key, Arena *holder);
/* Takes `owned`, in which `value` lies, in place of what had the key; holder NULL: the caller does not use it
 * any more. */
void arena_cache_put(ArenaCache *cache, Str key, Arena *owned, const void *value, Arena *holder);
void arena_cache_drop(ArenaCache *cache, Str key);
