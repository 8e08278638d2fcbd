/* arena_cache_test.c - limits, replacement, holders that outlive their entry, threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena_cache.h"
#include "base/thread.h"

static int n_freed;

static void count_freed(void *arg)
{
    (void)arg;
    __atomic_add_fetch(&n_freed, 1, __ATOMIC_RELAXED);
}

static void put(ArenaCache *cache, const char *key, int value, size_t extra_bytes, Arena *holder)
{
    Arena *owned = arena_new(1 << 20);
    int *n = arena_new_of(owned, int);
    *n = value;
    arena_alloc(owned, extra_bytes);
    arena_on_free(owned, count_freed, NULL);
    arena_cache_put(cache, str_from(key), owned, n, holder);
}

static int get(ArenaCache *cache, const char *key)
{
    _cleanup_arena_ Arena *holder = arena_new(1 << 20);
    const int *n = arena_cache_get(cache, str_from(key), holder);
    return n ? *n : -1;
}

static void test_least_recently_used_leaves(void **state)
{
    n_freed = 0;
    ArenaCache *cache = arena_cache_new(3, 1 << 20);
    put(cache, "a", 1, 0, NULL);
    put(cache, "b", 2, 0, NULL);
    put(cache, "c", 3, 0, NULL);
    assert_int_equal(get(cache, "a"), 1);
    put(cache, "d", 4, 0, NULL);
    assert_int_equal(get(cache, "b"), -1);
    assert_int_equal(get(cache, "a"), 1);
    assert_int_equal(get(cache, "d"), 4);
    arena_cache_drop(cache, STR("a"));
    arena_cache_drop(cache, STR("a"));
    assert_int_equal(get(cache, "a"), -1);
    assert_int_equal(n_freed, 2);
    arena_cache_free(cache);
    assert_int_equal(n_freed, 4);
}

static void test_bytes_have_a_limit(void **state)
{
    ArenaCache *cache = arena_cache_new(1000, 100000);
    char key[16];
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "k%d", i);
        put(cache, key, i, 10000, NULL);
    }
    assert_int_equal(get(cache, "k99"), 99);
    assert_int_equal(get(cache, "k80"), -1);
    put(cache, "large", 7, 500000, NULL); /* the newest stays, whatever its size */
    assert_int_equal(get(cache, "large"), 7);
    assert_int_equal(get(cache, "k99"), -1);
    arena_cache_free(cache);
}

static void test_held_values_stay(void **state)
{
    n_freed = 0;
    ArenaCache *cache = arena_cache_new(10, 1 << 20);
    Arena *holder = arena_new(1 << 20), *second = arena_new(1 << 20);
    put(cache, "a", 1, 0, holder);
    const int *old = arena_cache_get(cache, STR("a"), second);
    put(cache, "a", 2, 0, NULL);
    assert_int_equal(get(cache, "a"), 2);
    assert_int_equal(*old, 1);
    arena_free(holder);
    assert_int_equal(n_freed, 0);
    assert_int_equal(*old, 1);
    arena_free(second);
    assert_int_equal(n_freed, 1);
    arena_cache_free(cache);
    assert_int_equal(n_freed, 2);
}

static void *use_cache(void *arg)
{
    ArenaCache *cache = arg;
    char key[16];
    for (int i = 0; i < 5000; i++) {
        int n = i * 7919 % 10;
        snprintf(key, sizeof key, "k%d", n);
        _cleanup_arena_ Arena *holder = arena_new(1 << 20);
        const int *value = arena_cache_get(cache, str_from(key), holder);
        if (!value)
            put(cache, key, n, 0, holder);
        else
            assert_int_equal(*value, n);
        if (i % 11 == 0)
            arena_cache_drop(cache, str_from(key));
    }
    return NULL;
}

static void test_threads(void **state)
{
    ArenaCache *cache = arena_cache_new(5, 1 << 20);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(thread_start(&threads[i], "user", use_cache, cache, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    arena_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least_recently_used_leaves),
        cmocka_unit_test(test_bytes_have_a_limit),
        cmocka_unit_test(test_held_values_stay),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
