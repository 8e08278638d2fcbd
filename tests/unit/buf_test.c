/* buf_test.c - growing buffers and their maximum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"

/* The address sanitizer ends the process at sizes that malloc() answers with NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }

static void test_append(void **state)
{
    _cleanup_buf_ Buf buf = BUF_INIT(1000);
    assert_string_equal(buf_str(&buf).ptr, "");
    assert_int_equal(buf_append(&buf, NULL, 0), 0);
    assert_non_null(buf.data);
    assert_int_equal(buf_puts(&buf, "ab"), 0);
    assert_int_equal(buf_putc(&buf, 'c'), 0);
    assert_int_equal(buf_add(&buf, STR("de")), 0);
    assert_int_equal(buf_printf(&buf, "-%d-%s", 42, "x"), 0);
    assert_string_equal(buf.data, "abcde-42-x");
    assert_int_equal(buf.len, 10);
    assert_int_equal(buf_check(&buf, NULL), 0);
}

static void test_grows_and_ends_in_nul(void **state)
{
    _cleanup_buf_ Buf buf = BUF_INIT(100000);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(buf_putc(&buf, (char)('a' + i % 26)), 0);
        assert_int_equal(buf.data[buf.len], 0);
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_printf(&buf, "%d,", i), 0);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(buf.data[i], 'a' + i % 26);
    assert_memory_equal(buf.data + 10000, "0,1,2,3,", 8);
    assert_string_equal(buf.data + buf.len - 8, "998,999,");
}

static void test_maximum_is_exact(void **state)
{
    _cleanup_buf_ Buf buf = BUF_INIT(4);
    Error err;
    assert_int_equal(buf_puts(&buf, "abcd"), 0);
    assert_int_equal(buf_check(&buf, &err), 0);
    assert_int_equal(buf_putc(&buf, 'e'), -1);
    assert_true(buf.overflow);
    assert_string_equal(buf.data, "abcd");
    assert_int_equal(buf_check(&buf, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    buf_clear(&buf);
    assert_int_equal(buf_check(&buf, &err), 0);
    assert_int_equal(buf_puts(&buf, "abcde"), -1);
    assert_int_equal(buf_puts(&buf, "a"), -1);      /* nothing comes after a hole */
    assert_int_equal(buf.len, 0);
}

static void test_printf_overflow_keeps_what_was_there(void **state)
{
    _cleanup_buf_ Buf buf = BUF_INIT(8);
    assert_int_equal(buf_puts(&buf, "abcd"), 0);
    assert_int_equal(buf_printf(&buf, "%s", "0123456789"), -1);
    assert_true(buf.overflow);
    assert_int_equal(buf.len, 4);
    assert_string_equal(buf.data, "abcd");
    buf_clear(&buf);
    assert_int_equal(buf_printf(&buf, "%08d", 7), 0);
    assert_string_equal(buf.data, "00000007");
}

static void test_huge_sizes_do_not_wrap(void **state)
{
    _cleanup_buf_ Buf buf = BUF_INIT(SIZE_MAX);
    assert_int_equal(buf_puts(&buf, "abcd"), 0);
    assert_null(buf_reserve(&buf, SIZE_MAX - 2));
    assert_true(buf.overflow);
    buf_clear(&buf);
    assert_null(buf_reserve(&buf, SIZE_MAX));
    buf_clear(&buf);
    assert_null(buf_reserve(&buf, SIZE_MAX / 2 - 4096));    /* no such memory: an overflow, no abort */
    assert_true(buf.overflow);
    _cleanup_buf_ Buf none = BUF_INIT(0);
    assert_int_equal(buf_putc(&none, 'a'), -1);
}

static void test_reserve(void **state)
{
    _cleanup_buf_ Buf buf = BUF_INIT(1000);
    char *to = buf_reserve(&buf, 10);
    assert_non_null(to);
    memcpy(to, "0123456789", 10);
    buf.len += 10;
    assert_string_equal(buf.data, "0123456789");
}

static void test_i64(void **state)
{
    static const struct { int64_t value; const char *text; } cases[] = {
        { 0, "0" }, { 7, "7" }, { -1, "-1" }, { 1234567890123, "1234567890123" },
        { INT64_MAX, "9223372036854775807" }, { INT64_MIN, "-9223372036854775808" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_buf_ Buf buf = BUF_INIT(100);
        assert_int_equal(buf_put_i64(&buf, cases[i].value), 0);
        assert_string_equal(buf.data, cases[i].text);
    }
}

static void test_consume_and_take(void **state)
{
    _cleanup_buf_ Buf buf = BUF_INIT(100);
    buf_consume(&buf, 0);
    buf_puts(&buf, "header body");
    buf_consume(&buf, 7);
    assert_string_equal(buf.data, "body");
    size_t len = 0;
    char *taken = buf_take(&buf, &len);
    assert_string_equal(taken, "body");
    assert_int_equal(len, 4);
    free(taken);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf_puts(&buf, "again"), 0);
    buf_consume(&buf, 5);
    assert_string_equal(buf.data, "");
    _cleanup_buf_ Buf empty = BUF_INIT(10);
    taken = buf_take(&empty, NULL);
    assert_string_equal(taken, "");
    free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_grows_and_ends_in_nul),
        cmocka_unit_test(test_maximum_is_exact),
        cmocka_unit_test(test_printf_overflow_keeps_what_was_there),
        cmocka_unit_test(test_huge_sizes_do_not_wrap),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_i64),
        cmocka_unit_test(test_consume_and_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
