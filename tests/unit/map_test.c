/* map_test.c - the hash map against a plain model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/map.h"

static int values[2000];

static void test_put_get_remove(void **state)
{
    Map *map = map_new();
    assert_null(map_get(map, STR("a")));
    assert_null(map_remove(map, STR("a")));
    assert_null(map_put(map, STR("a"), &values[1]));
    assert_ptr_equal(map_put(map, STR("a"), &values[2]), &values[1]);
    assert_int_equal(map_count(map), 1);
    assert_ptr_equal(map_get(map, STR("a")), &values[2]);
    assert_null(map_get(map, STR("A")));
    assert_ptr_equal(map_remove(map, STR("a")), &values[2]);
    assert_int_equal(map_count(map), 0);
    assert_null(map_get(map, STR("a")));
    map_free(map);
    map_free(NULL);
}

static void test_keys_are_bytes(void **state)
{
    Map *map = map_new();
    map_put(map, STR(""), &values[0]);
    map_put(map, STR("\0"), &values[1]);
    map_put(map, STR("\0\0"), &values[2]);
    char key[] = "key";
    map_put(map, str_from(key), &values[3]);
    key[0] = 'X';       /* the map has its own copy */
    assert_ptr_equal(map_get(map, STR_NULL), &values[0]);
    assert_ptr_equal(map_get(map, STR("\0")), &values[1]);
    assert_ptr_equal(map_get(map, STR("\0\0")), &values[2]);
    assert_ptr_equal(map_get(map, STR("key")), &values[3]);
    map_free(map);
}

static void test_iteration_is_in_insertion_order(void **state)
{
    Map *map = map_new();
    char text[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "key-%d", i);
        map_put(map, str_from(text), &values[i]);
    }
    for (int i = 0; i < 1000; i += 2) {
        snprintf(text, sizeof text, "key-%d", i);
        assert_ptr_equal(map_remove(map, str_from(text)), &values[i]);
    }
    Str key;
    void *value;
    int expected = 1;
    for (size_t i = 0; map_next(map, &i, &key, &value); expected += 2) {
        snprintf(text, sizeof text, "key-%d", expected);
        assert_true(str_is(key, text));
        assert_ptr_equal(value, &values[expected]);
    }
    assert_int_equal(expected, 1001);
    map_free(map);
}

static void test_against_a_model(void **state)
{
    enum { KEYS = 300, STEPS = 200000 };
    void *model[KEYS] = { NULL };
    size_t count = 0;
    Map *map = map_new();
    uint32_t random = 12345;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        int k = (int)(random >> 16) % KEYS;
        char text[32];
        snprintf(text, sizeof text, "%d/%d", k % 7, k);
        Str key = str_from(text);
        assert_ptr_equal(map_get(map, key), model[k]);
        if (random >> 8 & 1) {
            count += model[k] == NULL;
            assert_ptr_equal(map_put(map, key, &values[step % 2000]), model[k]);
            model[k] = &values[step % 2000];
        } else {
            count -= model[k] != NULL;
            assert_ptr_equal(map_remove(map, key), model[k]);
            model[k] = NULL;
        }
        assert_int_equal(map_count(map), count);
    }
    size_t seen = 0;
    for (size_t i = 0; map_next(map, &i, NULL, NULL);)
        seen++;
    assert_int_equal(seen, count);
    map_free(map);
}

static void test_hash_depends_on_seed(void **state)
{
    assert_true(hash_bytes("abc", 3, 1) == hash_bytes("abc", 3, 1));
    assert_true(hash_bytes("abc", 3, 1) != hash_bytes("abc", 3, 2));
    assert_true(hash_bytes("abc", 3, 1) != hash_bytes("abd", 3, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_get_remove),
        cmocka_unit_test(test_keys_are_bytes),
        cmocka_unit_test(test_iteration_is_in_insertion_order),
        cmocka_unit_test(test_against_a_model),
        cmocka_unit_test(test_hash_depends_on_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
