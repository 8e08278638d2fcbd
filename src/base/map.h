/* map.h - hash map from byte strings to pointers. Owns copies of its keys, never the values. Not thread-safe.
 */
#pragma once

#include "base/str.h"

typedef struct Map Map;

Map *map_new(void);
void map_free(Map *map);
void *map_get(const Map *map, Str key);                 /* NULL when absent */
void *map_put(Map *map, Str key,
              void *value); /* returns the value that was there, or NULL; value may not be NULL */
void *map_remove(Map *map, Str key);                    /* returns the value that was there, or NULL */
size_t map_count(const Map *map);
/* Iteration: `for (size_t i = 0; map_next(map, &i, &key, &value);)`; the map must not change meanwhile. */
bool map_next(const Map *map, size_t *position, Str *ret_key, void **ret_value);
uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed);
