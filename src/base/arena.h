/* arena.h - memory that lives as long as one request, query or run.
 *
 * An arena hands out memory that is freed all at once. It has a byte budget from configuration. Two ways to
 * take memory: arena_alloc(): never NULL. Past the budget it still answers (so that straight-line code needs
 * no checks) and the arena is marked as exceeded; loops over what a client sent call arena_check() and stop
 * with ERR_LIMIT. arena_try(): for sizes that a client names; NULL with ERR_LIMIT when the budget would be
 * passed. The process aborts only when the machine itself has no memory for a small allocation.
 *
 * Not thread-safe: an arena belongs to one thread at a time. Memory is 16-byte aligned; arena_alloc zeroes
 * it. */
#pragma once

#include <stdarg.h>

#include "base/str.h"

typedef struct Arena Arena;

Arena *arena_new(size_t budget_bytes);
void arena_free(Arena *arena);                 /* runs the cleanups, last registered first; NULL is fine */
void arena_freep(Arena **arena);
void arena_reset(Arena *arena);                /* as free and new, keeping one block */
#define _cleanup_arena_ __attribute__((cleanup(arena_freep)))

void *arena_alloc(Arena *arena, size_t size);
void *arena_try(Arena *arena, size_t size, Error *err);
bool arena_is_exceeded(const Arena *arena);
int arena_check(const Arena *arena, Error *err);   /* 0, or -1 with ERR_LIMIT once exceeded */
size_t arena_used(const Arena *arena);

#define arena_new_of(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))
#define arena_array(arena, Type, n) ((Type *)arena_alloc((arena), sizeof(Type) * (size_t)(n)))

Str arena_str(Arena *arena, Str s);            /* copy, ends in NUL too */
char *arena_cstr(Arena *arena, Str s);
Str arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
Str arena_vprintf(Arena *arena, const char *format, va_list args);
Str arena_lower(Arena *arena, Str s);          /* ASCII lower case */

/* Runs fn(arg) when the arena is freed or reset: for descriptors and foreign handles. */
void arena_on_free(Arena *arena, void (*fn)(void *arg), void *arg);

/* A growing array in an arena: `Vec(T) v = {0}; *vec_push(arena, &v) = x; v.items[i]; v.n`. */
#define Vec(T) struct { T *items; size_t n, cap; }
#define vec_push(arena, v)                                                                                   \
    (((v)->n == (v)->cap ? ((v)->items = arena_grow_((arena), (v)->items, &(v)->cap, sizeof *(v)->items))    \
                         : NULL),                                                                            \
     &(v)->items[(v)->n++])
void *arena_grow_(Arena *arena, void *items, size_t *cap, size_t item_size);
