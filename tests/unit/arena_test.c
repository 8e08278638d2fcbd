/* arena_test.c - arenas: alignment, zeroed memory, budgets, cleanups, vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"

/* The address sanitizer ends the process at sizes that malloc() answers with NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }

static void test_memory_is_aligned_and_zero(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(100 << 20);
    for (size_t round = 0; round < 3; round++) {
        for (size_t size = 0; size < 3000; size += 7) {
            unsigned char *p = arena_alloc(arena, size);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xAA, size);
        }
        unsigned char *large = arena_alloc(arena, 1 << 20);
        for (size_t i = 0; i < 1 << 20; i += 4096)
            assert_int_equal(large[i], 0);
        memset(large, 0xAA, 1 << 20);
        arena_reset(arena);
        assert_int_equal(arena_used(arena), 0);
    }
}

static void test_budget(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1000);
    Error err;
    arena_alloc(arena, 500);
    assert_false(arena_is_exceeded(arena));
    assert_int_equal(arena_check(arena, &err), 0);
    assert_null(arena_try(arena, 600, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    assert_false(arena_is_exceeded(arena));         /* what was refused was not taken */
    assert_non_null(arena_try(arena, 400, &err));
    assert_null(arena_try(arena, SIZE_MAX, &err));
    assert_null(arena_try(arena, SIZE_MAX - 15, &err));
    memset(arena_alloc(arena, 5000), 1, 5000);      /* past the budget it still answers */
    assert_true(arena_is_exceeded(arena));
    assert_int_equal(arena_check(arena, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_null(arena_try(arena, 1, &err));
    arena_reset(arena);
    assert_false(arena_is_exceeded(arena));
    assert_non_null(arena_try(arena, 900, &err));
}

static void test_budget_is_exact(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(64);
    assert_non_null(arena_try(arena, 64, NULL));
    assert_int_equal(arena_used(arena), 64);
    assert_null(arena_try(arena, 1, NULL));
    _cleanup_arena_ Arena *none = arena_new(0);
    assert_null(arena_try(none, 1, NULL));
    assert_non_null(arena_alloc(none, 1));
    assert_true(arena_is_exceeded(none));
}

/* No such memory on any machine: an error, not an abort. */
static void test_try_without_memory(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(SIZE_MAX);
    Error err;
    assert_null(arena_try(arena, SIZE_MAX / 4, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    assert_false(arena_is_exceeded(arena));
}

static void test_strings(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    char text[] = "Lake";
    Str copy = arena_str(arena, str_from(text));
    text[0] = 'X';
    assert_string_equal(copy.ptr, "Lake");
    assert_string_equal(arena_cstr(arena, STR_NULL), "");
    assert_string_equal(arena_lower(arena, STR("ÀBC_Z")).ptr, "Àbc_z");     /* ASCII only */
    Str with_nul = arena_str(arena, STR("a\0b"));
    assert_int_equal(with_nul.len, 3);
    assert_memory_equal(with_nul.ptr, "a\0b", 4);
    assert_string_equal(arena_printf(arena, "%s-%d", "x", 5).ptr, "x-5");
    for (int width = 250; width < 262; width++) {       /* around the size that is formatted in one go */
        Str wide = arena_printf(arena, "%*d", width, 7);
        assert_int_equal(wide.len, width);
        assert_int_equal(wide.ptr[width - 1], '7');
        assert_int_equal(wide.ptr[width], 0);
    }
}

static char order[8];

static void note(void *arg)
{
    order[strlen(order)] = *(const char *)arg;
}

static void test_cleanups_run_last_first(void **state)
{
    char digits[4][2] = { "0", "1", "2", "3" };
    Arena *arena = arena_new(1 << 20);
    memset(order, 0, sizeof order);
    arena_on_free(arena, note, digits[1]);
    arena_on_free(arena, note, digits[2]);
    arena_reset(arena);
    assert_string_equal(order, "21");
    arena_on_free(arena, note, digits[3]);
    arena_free(arena);
    assert_string_equal(order, "213");
    arena_free(NULL);
}

static void test_vec(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(100 << 20);
    Vec(uint32_t) v = { 0 };
    Vec(uint32_t) w = { 0 };
    for (uint32_t i = 0; i < 100000; i++) {
        *vec_push(arena, &v) = i;
        if (i % 3 == 0)     /* sometimes another allocation stands behind the array, sometimes not */
            *vec_push(arena, &w) = i;
    }
    assert_int_equal(v.n, 100000);
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(v.items[i], i);
    for (uint32_t i = 0; i < w.n; i++)
        assert_int_equal(w.items[i], 3 * i);
    typedef struct Wide { char bytes[48]; } Wide;
    Vec(Wide) x = { 0 };
    for (int i = 0; i < 1000; i++)
        memset(vec_push(arena, &x), i % 127, sizeof(Wide));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(x.items[i].bytes[47], i % 127);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_aligned_and_zero),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_budget_is_exact),
        cmocka_unit_test(test_try_without_memory),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_cleanups_run_last_first),
        cmocka_unit_test(test_vec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
