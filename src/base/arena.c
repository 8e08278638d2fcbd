/* arena.c - see arena.h.
 *
 * Blocks come from calloc() and are handed out from the front, so memory is zero without another pass; only
 * the block that arena_reset() keeps must be zeroed by hand. In an address sanitizer build every allocation
 * is a block of its own, so that a write past one is seen. */
#include "base/arena.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/internal.h"

enum {
    ARENA_ALIGN = 16,
    ARENA_BLOCK_MIN = 4096,
    ARENA_BLOCK_MAX = 256 * 1024,
};

#if defined(__SANITIZE_ADDRESS__)
enum { ARENA_ONE_BLOCK_EACH = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { ARENA_ONE_BLOCK_EACH = 1 };
#else
enum { ARENA_ONE_BLOCK_EACH = 0 };
#endif
#else
enum { ARENA_ONE_BLOCK_EACH = 0 };
#endif

typedef struct Block {
    struct Block *next;
    size_t size, used;
    _Alignas(ARENA_ALIGN) char data[];
} Block;

typedef struct Cleanup {
    struct Cleanup *next;
    void (*fn)(void *arg);
    void *arg;
} Cleanup;

struct Arena {
    Block *blocks;      /* the one being filled is first */
    Cleanup *cleanups;
    size_t budget, used, block_size;
    bool exceeded;
};

void mem_die(size_t size)
{
    fprintf(stderr, "lakehouse: the machine has no memory for %zu bytes\n", size);
    abort();
}

void *mem_zalloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p)
        mem_die(size);
    return p;
}

void *mem_realloc(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);
    if (!q)
        mem_die(size);
    return q;
}

Arena *arena_new(size_t budget_bytes)
{
    Arena *arena = mem_zalloc(sizeof *arena);
    arena->budget = budget_bytes;
    arena->block_size = ARENA_BLOCK_MIN;
    return arena;
}

static void arena_run_cleanups(Arena *arena)
{
    while (arena->cleanups) {
        Cleanup *cleanup = arena->cleanups;
        arena->cleanups = cleanup->next;
        cleanup->fn(cleanup->arg);
    }
}

void arena_free(Arena *arena)
{
    if (!arena)
        return;
    arena_run_cleanups(arena);
    for (Block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

void arena_freep(Arena **arena)
{
    arena_free(*arena);
    *arena = NULL;
}

void arena_reset(Arena *arena)
{
    arena_run_cleanups(arena);
    Block *kept = NULL;
    for (Block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        if (!ARENA_ONE_BLOCK_EACH && block->size <= ARENA_BLOCK_MAX && (!kept || block->size > kept->size)) {
            free(kept);
            kept = block;
        } else {
            free(block);
        }
    }
    if (kept) {
        memset(kept->data, 0, kept->used);
        kept->used = 0;
        kept->next = NULL;
    }
    arena->blocks = kept;
    arena->used = 0;
    arena->exceeded = false;
}

/* `size` is rounded up. NULL when the machine has no memory. */
static void *arena_take(Arena *arena, size_t size)
{
    Block *block = arena->blocks;
    if (!ARENA_ONE_BLOCK_EACH && block && size <= block->size - block->used) {
        void *p = block->data + block->used;
        block->used += size;
        return p;
    }
    bool large = ARENA_ONE_BLOCK_EACH || size > arena->block_size / 4;
    size_t block_size = large ? size : arena->block_size;
    if (block_size > SIZE_MAX - sizeof(Block))
        return NULL;
    Block *fresh = calloc(1, sizeof *fresh + block_size);
    if (!fresh)
        return NULL;
    fresh->size = block_size;
    fresh->used = size;
    if (large && block) {       /* a full block: the one being filled stays first */
        fresh->next = block->next;
        block->next = fresh;
    } else {
        fresh->next = block;
        arena->blocks = fresh;
    }
    if (!large && arena->block_size < ARENA_BLOCK_MAX)
        arena->block_size *= 2;
    return fresh->data;
}

/* Sanitizers should see the exact size; else sizes are rounded so that the next one is aligned. */
static size_t arena_round(size_t size)
{
    if (size == 0)
        size = 1;
    if (ARENA_ONE_BLOCK_EACH || size > SIZE_MAX - ARENA_ALIGN)
        return size;
    return (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
}

static void arena_count(Arena *arena, size_t size)
{
    if (__builtin_add_overflow(arena->used, size, &arena->used))
        arena->used = SIZE_MAX;
    if (arena->used > arena->budget)
        arena->exceeded = true;
}

void *arena_alloc(Arena *arena, size_t size)
{
    size = arena_round(size);
    void *p = arena_take(arena, size);
    if (!p)
        mem_die(size);
    arena_count(arena, size);
    return p;
}

static int arena_error(const Arena *arena, Error *err)
{
    return err_set(err, ERR_LIMIT, "the request needs more than its memory budget of %zu bytes",
                   arena->budget);
}

void *arena_try(Arena *arena, size_t size, Error *err)
{
    size = arena_round(size);
    void *p = NULL;
    if (arena->used <= arena->budget && size <= arena->budget - arena->used)
        p = arena_take(arena, size);
    if (p)
        arena_count(arena, size);
    else
        arena_error(arena, err);
    return p;
}

bool arena_is_exceeded(const Arena *arena)
{
    return arena->exceeded;
}

int arena_check(const Arena *arena, Error *err)
{
    return arena->exceeded ? arena_error(arena, err) : 0;
}

size_t arena_used(const Arena *arena)
{
    return arena->used;
}

Str arena_str(Arena *arena, Str s)
{
    return (Str){ arena_cstr(arena, s), s.len };
}

char *arena_cstr(Arena *arena, Str s)
{
    char *copy = arena_alloc(arena, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

Str arena_vprintf(Arena *arena, const char *format, va_list args)
{
    char small[256];
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    assert(n >= 0);
    size_t len = n < 0 ? 0 : (size_t)n;
    char *text = arena_alloc(arena, len + 1);
    if (len < sizeof small)
        memcpy(text, small, len);
    else
        vsnprintf(text, len + 1, format, again);
    va_end(again);
    return (Str){ text, len };
}

Str arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    Str s = arena_vprintf(arena, format, args);
    va_end(args);
    return s;
}

Str arena_lower(Arena *arena, Str s)
{
    char *copy = arena_cstr(arena, s);
    for (size_t i = 0; i < s.len; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + 32);
    return (Str){ copy, s.len };
}

void arena_on_free(Arena *arena, void (*fn)(void *arg), void *arg)
{
    Cleanup *cleanup = arena_new_of(arena, Cleanup);
    *cleanup = (Cleanup){ .next = arena->cleanups, .fn = fn, .arg = arg };
    arena->cleanups = cleanup;
}

void *arena_grow_(Arena *arena, void *items, size_t *cap, size_t item_size)
{
    assert(item_size > 0);
    size_t new_cap = *cap ? *cap * 2 : 8;
    size_t old_bytes = *cap * item_size, new_bytes;
    if (__builtin_mul_overflow(new_cap, item_size, &new_bytes))
        mem_die(SIZE_MAX);
    *cap = new_cap;
    Block *block = arena->blocks;
    size_t old_rounded = arena_round(old_bytes), new_rounded = arena_round(new_bytes);
    /* The last array handed out grows where it is. */
    if (!ARENA_ONE_BLOCK_EACH && items && block && (char *)items + old_rounded == block->data + block->used &&
        new_rounded - old_rounded <= block->size - block->used) {
        block->used += new_rounded - old_rounded;
        arena_count(arena, new_rounded - old_rounded);
        return items;
    }
    void *grown = arena_alloc(arena, new_bytes);
    if (old_bytes > 0)
        memcpy(grown, items, old_bytes);
    return grown;
}
