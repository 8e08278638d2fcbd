/* error_test.c - errors, their mapping to the protocols, and log lines. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"

static void test_set(void **state)
{
    Error err;
    memset(&err, 0xAA, sizeof err);
    assert_int_equal(err_set(&err, ERR_NO_SUCH_KEY, "object %s does not exist", "x"), -1);
    assert_int_equal(err.code, ERR_NO_SUCH_KEY);
    assert_string_equal(err.message, "object x does not exist");
    assert_non_null(strstr(err.file, "error_test.c"));
    assert_true(err.os_errno == 0 && err.sql_line == 0 && err.resource[0] == '\0');
    assert_int_equal(err_set(NULL, ERR_IO, "nobody cares"), -1);
    err_set(&err, ERR_IO, "outer: %s", err.message);        /* the argument is the old message */
    assert_string_equal(err.message, "outer: object x does not exist");
    assert_int_equal(err_prefix(&err, "while %s", "testing"), -1);
    assert_string_equal(err.message, "while testing: outer: object x does not exist");
    assert_int_equal(err_prefix(NULL, "x"), -1);
}

static void test_errno(void **state)
{
    Error err;
    err_set_errno(&err, ERR_IO, EACCES, "open /x");
    assert_string_equal(err.message, "open /x: Permission denied");
    assert_int_equal(err.os_errno, EACCES);
    err_set_errno(&err, ERR_IO, EACCES, "open /x: %s", strerror(EACCES));
    assert_string_equal(err.message, "open /x: Permission denied");
    assert_int_equal(err_code_of_errno(ENOSPC), ERR_DISK_FULL);
    assert_int_equal(err_code_of_errno(EDQUOT), ERR_DISK_FULL);
    assert_int_equal(err_code_of_errno(ENOENT), ERR_NOT_FOUND);
    assert_int_equal(err_code_of_errno(EIO), ERR_IO);
}

static void test_sql_position(void **state)
{
    Error err;
    assert_int_equal(err_set_sql(&err, ERR_COLUMN_NOT_FOUND, 3, 14, "Column '%s' cannot be resolved", "x"),
                     -1);
    assert_string_equal(err.message, "line 3:14: Column 'x' cannot be resolved");
    assert_true(err.sql_line == 3 && err.sql_column == 14);
}

/* Three-byte characters around the end: what stays is whole ones. */
static void test_long_messages_are_cut_between_characters(void **state)
{
    char text[3 * ERROR_MESSAGE_MAX + 1];
    for (size_t i = 0; i < ERROR_MESSAGE_MAX; i++)
        memcpy(text + 3 * i, "가", 3);
    text[sizeof text - 1] = '\0';
    for (int shift = 0; shift < 3; shift++) {
        Error err;
        err_set(&err, ERR_IO, "%.*s%s", shift, "ab", text);
        size_t len = strlen(err.message);
        assert_true(len < ERROR_MESSAGE_MAX && len > ERROR_MESSAGE_MAX - 4);
        assert_true(utf8_is_valid(str_of(err.message, len)));
        err_prefix(&err, "prefix%.*s", shift, "xy");
        len = strlen(err.message);
        assert_true(len < ERROR_MESSAGE_MAX && len > ERROR_MESSAGE_MAX - 4);
        assert_true(utf8_is_valid(str_of(err.message, len)));
    }
}

static void test_info(void **state)
{
    const ErrInfo *info = err_info(ERR_NO_SUCH_TABLE);
    assert_string_equal(info->name, "NO_SUCH_TABLE");
    assert_int_equal(info->http_status, 404);
    assert_string_equal(info->iceberg_type, "NoSuchTableException");
    assert_string_equal(info->trino_name, "TABLE_NOT_FOUND");
    assert_int_equal(info->trino_code, 46);
    assert_string_equal(err_trino_type(ERR_SYNTAX), "USER_ERROR");
    assert_string_equal(err_trino_type(ERR_INTERNAL), "INTERNAL_ERROR");
    assert_string_equal(err_trino_type(ERR_OVERLOADED), "INSUFFICIENT_RESOURCES");
    assert_string_equal(err_trino_type(ERR_ICEBERG_BAD_DATA), "EXTERNAL");
}

static void test_code_of_trino(void **state)
{
    assert_int_equal(err_code_of_trino(1), ERR_SYNTAX);
    assert_int_equal(err_code_of_trino(0), ERR_GENERIC_USER_ERROR);     /* never OK */
    assert_int_equal(err_code_of_trino(5), ERR_TRINO_NOT_FOUND);
    assert_int_equal(err_code_of_trino(12), ERR_TRINO_ALREADY_EXISTS);
    assert_int_equal(err_code_of_trino(46), ERR_TABLE_NOT_FOUND);
    assert_int_equal(err_code_of_trino(65536), ERR_INTERNAL);
    assert_int_equal(err_code_of_trino(84148228), ERR_ICEBERG_BAD_DATA);
    assert_int_equal(err_code_of_trino(999999), ERR_INTERNAL);
    assert_int_equal(err_code_of_trino_name("TABLE_NOT_FOUND"), ERR_TABLE_NOT_FOUND);
    assert_int_equal(err_code_of_trino_name("SYNTAX_ERROR"), ERR_SYNTAX);
    assert_int_equal(err_code_of_trino_name("QUERY_QUEUE_FULL"), ERR_OVERLOADED);
    assert_int_equal(err_code_of_trino_name("NO SUCH NAME"), ERR_INTERNAL);
    assert_int_equal(err_code_of_trino_name(NULL), ERR_INTERNAL);
    for (int code = ERR_OK + 1; code < ERR_COUNT_; code++) {    /* there and back keeps Trino's error */
        const ErrInfo *info = err_info((ErrCode)code);
        assert_string_equal(err_info(err_code_of_trino_name(info->trino_name))->trino_name, info->trino_name);
        assert_int_equal(err_info(err_code_of_trino(info->trino_code))->trino_code, info->trino_code);
    }
}

static void test_code_of_iceberg(void **state)
{
    assert_int_equal(err_code_of_iceberg_type("NoSuchTableException", 404), ERR_NO_SUCH_TABLE);
    assert_int_equal(err_code_of_iceberg_type("AlreadyExistsException", 409), ERR_ALREADY_EXISTS);
    assert_int_equal(err_code_of_iceberg_type("CommitFailedException", 409), ERR_COMMIT_FAILED);
    assert_int_equal(err_code_of_iceberg_type("CommitStateUnknownException", 500), ERR_COMMIT_UNKNOWN);
    assert_int_equal(err_code_of_iceberg_type("CommitStateUnknownException", 504), ERR_COMMIT_UNKNOWN);
    assert_int_equal(err_code_of_iceberg_type("NotAuthorizedException", 401), ERR_UNAUTHORIZED);
    assert_int_equal(err_code_of_iceberg_type("BadRequestException", 400), ERR_BAD_REQUEST);
    assert_int_equal(err_code_of_iceberg_type("InternalServerError", 500), ERR_INTERNAL);
    assert_int_equal(err_code_of_iceberg_type("SomethingElse", 404), ERR_NOT_FOUND);
    assert_int_equal(err_code_of_iceberg_type(NULL, 503), ERR_UNAVAILABLE);
    assert_int_equal(err_code_of_iceberg_type("", 418), ERR_BAD_REQUEST);
    assert_int_equal(err_code_of_iceberg_type("", 599), ERR_INTERNAL);
}

static char logged[64 * 1024];

static Str read_logged(int fd)
{
    ssize_t n = read(fd, logged, sizeof logged);
    assert_true(n > 0);
    return str_of(logged, (size_t)n);
}

static void test_log_line(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    log_init("storage", LOG_INFO, ends[1]);
    log_context_set(STR("req-1"), STR_NULL);
    log_debug("not.written", L_INT("x", 1));
    assert_int_equal(read(ends[0], logged, sizeof logged), -1);
    log_info("storage.put", L_STR("bucket", STR("a\"b\\\n\x01\xFF가")), L_INT("bytes", INT64_MIN),
             L_DOUBLE("seconds", 0.1), L_STR("none", STR_NULL));
    Str line = read_logged(ends[0]);
    ptrdiff_t at = str_find(line, STR("\",\"level\""));
    assert_true(at > 0 && str_has_prefix(line, STR("{\"ts\":\"20")));
    assert_true(str_is(str_slice(line, (size_t)at, line.len),
                       "\",\"level\":\"info\",\"role\":\"storage\",\"event\":\"storage.put\","
                       "\"request_id\":\"req-1\","
                       "\"bucket\":\"a\\\"b\\\\\\n\\u0001\xEF\xBF\xBD가\",\"bytes\":-9223372036854775808,"
                       "\"seconds\":0.1,\"none\":null}\n"));
    log_context_set(STR_NULL, STR_NULL);
    log_error("plain");
    line = read_logged(ends[0]);
    assert_true(str_has_suffix(line, STR("\"event\":\"plain\"}\n")));
    close(ends[0]);
    close(ends[1]);
    log_init("", LOG_INFO, STDERR_FILENO);
}

static void test_log_line_has_a_limit(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_init("storage", LOG_INFO, ends[1]);
    static char quotes[100 * 1024];
    memset(quotes, '"', sizeof quotes);
    Str many = str_of(quotes, sizeof quotes);
    log_info("big", L_STR("a", many), L_STR("b", many), L_STR("c", many), L_INT("last", 7));
    Str line = read_logged(ends[0]);
    assert_true(line.len <= 16 * 1024);
    assert_true(str_has_suffix(line, STR(",\"last\":7,\"cut\":true}\n")));
    assert_true(str_find(line, STR("\"c\"")) < 0);      /* a field that does not fit is left out whole */
    assert_true(str_find(line, STR(",,")) < 0);
    close(ends[0]);
    close(ends[1]);
    log_init("", LOG_INFO, STDERR_FILENO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_sql_position),
        cmocka_unit_test(test_long_messages_are_cut_between_characters),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_code_of_trino),
        cmocka_unit_test(test_code_of_iceberg),
        cmocka_unit_test(test_log_line),
        cmocka_unit_test(test_log_line_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
