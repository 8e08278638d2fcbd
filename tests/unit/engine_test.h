/* engine_test.h - an engine on the real libduckdb for the tests of engine/; skipped where the library is
 * absent. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "query/engine/engine.h"

static Engine *test_engine;
static char test_dir[64];

/* The library's folder comes from the environment that meson sets: LAKEHOUSE_DUCKDB_DIR. */
static bool test_engine_open(void)
{
    const char *dir = getenv("LAKEHOUSE_DUCKDB_DIR");
    char library[1024], extensions[1024], allowed[80];
    Error err;
    snprintf(library, sizeof library, "%s/libduckdb.so", dir ? dir : "");
    if (!dir || access(library, R_OK) != 0) {
        fprintf(stderr, "skipped: no libduckdb.so in LAKEHOUSE_DUCKDB_DIR (%s)\n", dir ? dir : "not set");
        return false;
    }
    snprintf(extensions, sizeof extensions, "%s/extensions", dir);
    snprintf(test_dir, sizeof test_dir, "/tmp/engine_test_XXXXXX");
    if (!mkdtemp(test_dir))
        return false;
    snprintf(allowed, sizeof allowed, "%s/", test_dir);
    const char *const allowed_dirs[] = {allowed};
    EngineOptions options = {
        .library_path = library,
        .extension_dir = extensions,
        .temp_dir = test_dir,
        .allowed_dirs = allowed_dirs,
        .n_allowed_dirs = 1,
        .memory_limit_bytes = INT64_C(1) << 30,
        .threads = 2,
    };
    if (engine_open(&options, &test_engine, &err) < 0) {
        fprintf(stderr, "engine_open: %s\n", err.message);
        exit(1);
    }
    return true;
}

/* The rows of a query as JSON, or "ERROR_NAME: message". Valid until the next call. */
__attribute__((unused)) static const char *test_query(const char *sql, const SqlType *const *types,
                                                      size_t n_types)
{
    static Buf out;
    Error err = {0};
    EngineConnection *connection;
    EngineResult *result = NULL;
    EngineChunk *chunk;
    buf_free(&out);
    out = BUF_INIT(64 << 20);
    assert_int_equal(engine_acquire(test_engine, &connection, &err), 0);
    int r = engine_query(connection, str_from(sql), &result, &err);
    while (r == 0 && (r = engine_next(result, &chunk, &err)) == 0 && chunk) {
        if (out.len > 0)
            buf_putc(&out, ',');
        r = engine_chunk_to_json(chunk, types, n_types, 0, engine_chunk_rows(chunk), &out, &err);
    }
    engine_result_free(result);
    engine_release(connection);
    if (r < 0) {
        buf_clear(&out);
        buf_printf(&out, "%s: %s", err_info(err.code)->trino_name, err.message);
    }
    buf_putc(&out, 0);
    return out.data;
}

/* SQL expressions whose values, as text by DuckDB, or whose errors are known. */
typedef struct TestCase {
    const char *sql, *expected;
} TestCase;

__attribute__((unused)) static void test_cases(const TestCase *cases, size_t n)
{
    static const SqlType text = {.kind = TYPE_VARCHAR, .length = VARCHAR_UNBOUNDED};
    const SqlType *types[] = {&text};
    size_t failed = 0;
    for (size_t i = 0; i < n; i++) {
        char sql[4096], expected[4096];
        snprintf(sql, sizeof sql, "SELECT CAST(%s AS VARCHAR)", cases[i].sql);
        const char *e = cases[i].expected, *got = test_query(sql, types, 1);
        bool is_error = e && strstr(e, ": ") && e[0] >= 'A' && e[0] <= 'Z' && e[1] >= 'A' && e[1] <= 'Z';
        snprintf(expected, sizeof expected, !e ? "[null]" : is_error ? "%s" : "[\"%s\"]", e);
        if (strcmp(got, expected) != 0) {
            fprintf(stderr, "%s\n  gives    %s\n  expected %s\n", cases[i].sql, got, expected);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}
#define TEST_CASES(cases) test_cases((cases), sizeof(cases) / sizeof *(cases))

/* Runs the tests on an engine; 77 (skipped, says Meson) without the library. */
#define test_engine_run(tests, n) test_engine_run_((tests), (n), __FILE__)
static int test_engine_run_(const struct CMUnitTest *tests, size_t n, const char *name)
{
    Error err;
    if (!test_engine_open())
        return 77;
    int failed = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
    engine_close(test_engine);
    fs_remove_tree(test_dir, &err);
    return failed;
}
