/* DuckDB behind engine.h: statements, streams, errors, limits, interrupts. */
#include "engine_test.h"

#include <fcntl.h>
#include <time.h>

#include "base/thread.h"
#include "query/engine/engine_internal.h"
#include "query/engine/errors.h"

static const SqlType type_int = {.kind = TYPE_INTEGER}, type_bigint = {.kind = TYPE_BIGINT};

static void select_one(void **state)
{
    const SqlType *types[] = {&type_int};
    assert_string_equal(test_query("SELECT 1", types, 1), "[1]");
    assert_string_equal(test_query("SELECT 1 WHERE false", types, 1), "");
}

static void stream_is_whole(void **state)
{
    const SqlType *types[] = {&type_bigint};
    Error err;
    EngineConnection *c;
    EngineResult *r;
    EngineChunk *chunk;
    size_t rows = 0;
    assert_int_equal(engine_acquire(test_engine, &c, &err), 0);
    assert_int_equal(engine_query(c, STR("SELECT range FROM range(1000000)"), &r, &err), 0);
    while (engine_next(r, &chunk, &err) == 0 && chunk)
        rows += engine_chunk_rows(chunk);
    assert_int_equal(rows, 1000000);
    engine_result_free(r);
    /* a stream that is not read to its end frees the connection too */
    assert_int_equal(engine_query(c, STR("SELECT range FROM range(100000000)"), &r, &err), 0);
    assert_int_equal(engine_next(r, &chunk, &err), 0);
    Buf out = BUF_INIT(1 << 20);
    assert_int_equal(engine_chunk_to_json(chunk, types, 1, 0, 2, &out, &err), 0);
    assert_true(out.len > 3);
    buf_free(&out);
    engine_result_free(r);
    assert_int_equal(engine_query(c, STR("SELECT 1"), &r, &err), 0);
    engine_result_free(r);
    engine_release(c);
}

static int execute(const char *sql, int64_t *rows, Error *err)
{
    EngineConnection *c;
    assert_int_equal(engine_acquire(test_engine, &c, err), 0);
    int r = engine_execute(c, str_from(sql), rows, err);
    engine_release(c);
    return r;
}

static void execute_counts_rows(void **state)
{
    Error err;
    int64_t rows = -1;
    char sql[512];
    assert_int_equal(
        execute("CREATE OR REPLACE TABLE engine_test AS SELECT range AS a FROM range(5)", &rows, &err), 0);
    assert_int_equal(execute("INSERT INTO engine_test SELECT range FROM range(7)", &rows, &err), 0);
    assert_int_equal(rows, 7);
    snprintf(sql, sizeof sql, "COPY engine_test TO '%s/t.parquet' (FORMAT parquet)", test_dir);
    assert_int_equal(execute(sql, &rows, &err), 0);
    assert_int_equal(rows, 12);
    assert_int_equal(execute("DROP TABLE engine_test", NULL, &err), 0);
}

/* What DuckDB says, and what Trino says. */
static const struct {
    const char *duckdb, *trino;
} texts[] = {
    {"Invalid Input Error: TRINO:8:DIVISION_BY_ZERO:Division by zero", "DIVISION_BY_ZERO: Division by zero"},
    {"Invalid Input Error: TRINO:9:INVALID_CAST_ARGUMENT:Cannot cast 'a:b' to INT\n\nLINE 1: x",
     "INVALID_CAST_ARGUMENT: Cannot cast 'a:b' to INT"},
    {"Out of Range Error: Overflow in addition of INT64 (9223372036854775807 + 1)!",
     "NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow: 9223372036854775807 + 1"},
    {"Out of Range Error: Overflow in multiplication of INT16 (300 * 300)!",
     "NUMERIC_VALUE_OUT_OF_RANGE: smallint multiplication overflow: 300 * 300"},
    {"Out of Range Error: Overflow in addition of DECIMAL(38) (1 + 2);",
     "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow"},
    {"Conversion Error: Type INT32 with value 300 can't be cast because the value is out of range for the "
     "destination type INT8\n\nLINE 1: select",
     "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for tinyint: 300"},
    {"Conversion Error: Casting value \"99999.5\" to type DECIMAL(3,1) failed: value is out of range!",
     "NUMERIC_VALUE_OUT_OF_RANGE: Cannot cast DECIMAL '99999.5' to DECIMAL(3, 1)"},
    {"Invalid Input Error: More than one row returned by a subquery used as an expression",
     "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows"},
    {"Invalid Input Error: Map keys must be unique.",
     "INVALID_FUNCTION_ARGUMENT: Duplicate map keys are not allowed"},
    {"INTERRUPT Error: Interrupted!", "USER_CANCELED: Query was canceled"},
    {"Binder Error: no 'Parquet' here: TRINO",
     "GENERIC_INTERNAL_ERROR: Binder Error: no 'Parquet' here: TRINO"},
    {NULL, "GENERIC_INTERNAL_ERROR: DuckDB failed without a message"},
};

static void errors_are_mapped(void **state)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Error err;
        char got[2048];
        assert_int_equal(engine_error(texts[i].duckdb, &err), -1);
        snprintf(got, sizeof got, "%s: %s", err_info(err.code)->trino_name, err.message);
        assert_string_equal(got, texts[i].trino);
    }
    Error err;
    engine_error("IO Error: Could not write file \"/x\": No space left on device", &err);
    assert_int_equal(err.code, ERR_DISK_FULL);
    assert_true(engine_error_is_fatal("FATAL Error: Failed: database has been invalidated"));
    assert_false(engine_error_is_fatal("IO Error: x"));
}

static void errors_of_queries(void **state)
{
    const SqlType *types[] = {&type_int};
    const char *bad = test_query("SELECT nonsense FROM nowhere", types, 1);
    assert_non_null(strstr(bad, "GENERIC_INTERNAL_ERROR: Catalog Error"));
    /* an error after the first rows were streamed */
    const char *late =
        test_query("SELECT CAST(t_div(1::BIGINT, 500000 - range) AS INTEGER) FROM range(1000000)", types, 1);
    assert_string_equal(late, "DIVISION_BY_ZERO: Division by zero");
    /* a column that is not what the analyzer said is a bug, not garbage */
    assert_non_null(strstr(test_query("SELECT 'x'", types, 1), "GENERIC_INTERNAL_ERROR: a result's column"));
    assert_non_null(
        strstr(test_query("SELECT 1, 2", types, 1), "GENERIC_INTERNAL_ERROR: a result has 2 columns"));
}

/* What DuckDB does when a worker fails while nobody fetches: the flag of an interrupt is set, and is all that
 * the next fetch sees. */
static void the_error_of_a_worker_is_kept(void **state)
{
    static const char *const cases[][2] = {
        {"SELECT CAST(t_div(1::BIGINT, 500000 - range) AS INTEGER) FROM range(1000000)", "Division by zero"},
        {"SELECT range FROM range(1000000)",
         "the statement failed in DuckDB, and did not when it was run again"},
    };
    EngineConnection *c;
    EngineResult *r;
    EngineChunk *chunk;
    Error err = {0};
    assert_int_equal(engine_acquire(test_engine, &c, &err), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(engine_query(c, str_from(cases[i][0]), &r, &err), 0);
        assert_int_equal(engine_next(r, &chunk, &err), 0);
        duck->interrupt(c->duckdb);
        while (engine_next(r, &chunk, &err) == 0)
            assert_non_null(chunk);
        assert_string_equal(err.message, cases[i][1]);
        engine_result_free(r);
    }
    engine_release(c);
}

static void write_file(const char *path, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

static ErrCode read_error(const char *name, char resource[256])
{
    char sql[512];
    Error err = {0};
    EngineConnection *c;
    EngineResult *r = NULL;
    EngineChunk *chunk;
    snprintf(sql, sizeof sql, "SELECT * FROM read_parquet('%s/%s')", test_dir, name);
    assert_int_equal(engine_acquire(test_engine, &c, &err), 0);
    int result = engine_query(c, str_from(sql), &r, &err);
    while (result == 0 && (result = engine_next(r, &chunk, &err)) == 0 && chunk)
        ;
    engine_result_free(r);
    engine_release(c);
    assert_int_equal(result, -1);
    snprintf(resource, 256, "%s", err.resource);
    assert_non_null(strstr(err.message, name));
    return err.code;
}

static void broken_files_are_named(void **state)
{
    char path[256], resource[256], sql[512];
    Error err;
    assert_int_equal(read_error("missing", resource), ERR_ICEBERG_CANNOT_OPEN_SPLIT);
    assert_non_null(strstr(resource, "/missing"));
    snprintf(path, sizeof path, "%s/short", test_dir);
    write_file(path, "PAR1", 4);
    assert_int_equal(read_error("short", resource), ERR_ICEBERG_BAD_DATA);
    snprintf(path, sizeof path, "%s/nomagic", test_dir);
    write_file(path, "this is a text and not a Parquet file at all, whatever its name says", 68);
    assert_int_equal(read_error("nomagic", resource), ERR_ICEBERG_BAD_DATA);
    /* a page that is overwritten */
    snprintf(
        sql, sizeof sql,
        "COPY (SELECT range AS a, hash(range)::VARCHAR AS b FROM range(50000)) TO '%s/page' (FORMAT parquet, "
        "COMPRESSION zstd)",
        test_dir);
    assert_int_equal(execute(sql, NULL, &err), 0);
    snprintf(path, sizeof path, "%s/page", test_dir);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    assert_int_equal(pwrite(fd, junk, sizeof junk, 200000), sizeof junk);
    close(fd);
    assert_int_equal(read_error("page", resource), ERR_ICEBERG_BAD_DATA);
    /* a footer that is no Thrift */
    snprintf(path, sizeof path, "%s/thrift", test_dir);
    write_file(path, "PAR1zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\x10\0\0\0PAR1", 44);
    const SqlType *types[] = {&type_int};
    snprintf(sql, sizeof sql, "SELECT * FROM read_parquet('%s/thrift')", test_dir);
    assert_non_null(strstr(test_query(sql, types, 1), "ICEBERG_BAD_DATA"));
}

static void nothing_else_can_be_reached(void **state)
{
    static const char *const refused[] = {
        "COPY (SELECT 1) TO '/tmp/engine_test_outside.parquet'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SET lock_configuration=false",
        "SET memory_limit='1TB'",
        "SET enable_external_access=true",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH '/tmp/engine_test_outside.db'",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        Error err;
        if (execute(refused[i], NULL, &err) == 0)
            fail_msg("%s was not refused", refused[i]);
    }
    assert_int_not_equal(access("/tmp/engine_test_outside.parquet", F_OK), 0);
}

static void memory_has_a_limit(void **state)
{
    const SqlType *types[] = {&type_bigint};
    const char *got = test_query(
        "SELECT length(string_agg(repeat(range::VARCHAR, 20), ',')) FROM range(20000000)", types, 1);
    assert_non_null(strstr(got, "EXCEEDED_LOCAL_MEMORY_LIMIT"));
}

static void *interrupt_soon(void *connection)
{
    struct timespec wait = {.tv_nsec = 50 * 1000 * 1000};
    nanosleep(&wait, NULL);
    engine_progress(connection);
    engine_interrupt(connection);
    return NULL;
}

static void interrupts_from_another_thread(void **state)
{
    Error err;
    EngineConnection *c;
    EngineResult *r = NULL;
    pthread_t thread;
    assert_int_equal(engine_acquire(test_engine, &c, &err), 0);
    assert_int_equal(thread_start(&thread, "interrupt", interrupt_soon, c, &err), 0);
    assert_int_equal(
        engine_query(
            c, STR("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 3"), &r,
            &err),
        -1);
    assert_int_equal(err.code, ERR_USER_CANCELED);
    pthread_join(thread, NULL);
    /* once interrupted, it stays so until it goes back to the pool */
    assert_int_equal(engine_query(c, STR("SELECT 1"), &r, &err), -1);
    assert_int_equal(err.code, ERR_USER_CANCELED);
    engine_release(c);
    assert_int_equal(engine_acquire(test_engine, &c, &err), 0);
    assert_int_equal(engine_query(c, STR("SELECT 1"), &r, &err), 0);
    engine_result_free(r);
    engine_release(c);
}

static void many_connections(void **state)
{
    enum { N = 40 };
    EngineConnection *c[N];
    Error err;
    for (size_t i = 0; i < N; i++)
        assert_int_equal(engine_acquire(test_engine, &c[i], &err), 0);
    for (size_t i = 0; i < N; i++) {
        EngineResult *r;
        assert_int_equal(engine_query(c[i], STR("SELECT 1"), &r, &err), 0);
        engine_result_free(r);
        engine_release(c[i]);
    }
}

static void a_missing_library_is_an_error(void **state)
{
    const char *const no_dirs[] = {NULL};
    EngineOptions options = {.library_path = "/nowhere/libduckdb.so",
                             .allowed_dirs = no_dirs,
                             .memory_limit_bytes = 1 << 28,
                             .threads = 1};
    Engine *engine;
    Error err;
    assert_int_equal(engine_open(&options, &engine, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.message, "/nowhere/libduckdb.so"));
}

int main(void)
{
    const struct CMUnitTest first[] = {cmocka_unit_test(a_missing_library_is_an_error),
                                       cmocka_unit_test(errors_are_mapped)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(select_one),
        cmocka_unit_test(stream_is_whole),
        cmocka_unit_test(execute_counts_rows),
        cmocka_unit_test(errors_of_queries),
        cmocka_unit_test(the_error_of_a_worker_is_kept),
        cmocka_unit_test(broken_files_are_named),
        cmocka_unit_test(nothing_else_can_be_reached),
        cmocka_unit_test(memory_has_a_limit),
        cmocka_unit_test(interrupts_from_another_thread),
        cmocka_unit_test(many_connections),
    };
    int failed = cmocka_run_group_tests(first, NULL, NULL);
    return failed ? failed : test_engine_run(tests, sizeof tests / sizeof *tests);
}
