/* metrics_test.c - the registry and its two texts.
 *
 * The registry is one for the process: each test looks at metrics that no other one touches. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/thread.h"

static Buf text;

static const char *exposition(bool open_metrics)
{
    text.max = 4 << 20;
    buf_clear(&text);
    assert_int_equal(metrics_write(open_metrics, &text), 0);
    return text.data;
}

#define assert_has(line) assert_non_null(strstr(exposition(false), line))
#define assert_has_not(line) assert_null(strstr(exposition(false), line))

static int start(void **state)
{
    metrics_init("query", "1.2.3");
    return 0;
}

static int end(void **state)
{
    buf_free(&text);
    return 0;
}

static void test_plain(void **state)
{
    assert_has("# HELP lakehouse_query_submitted_total Statements received.\n"
               "# TYPE lakehouse_query_submitted_total counter\n"
               "lakehouse_query_submitted_total 0\n");
    metric_inc(METRIC_QUERY_SUBMITTED);
    metric_add(METRIC_QUERY_SUBMITTED, 41);
    assert_has("\nlakehouse_query_submitted_total 42\n");
    metric_set(METRIC_QUERY_RUNNING, 7);
    metric_add(METRIC_QUERY_RUNNING, -2.5);
    assert_has("\nlakehouse_query_running 4.5\n");
    assert_has("lakehouse_build_info{version=\"1.2.3\",role=\"query\"} 1\n");
}

static void test_other_roles_are_silent_until_touched(void **state)
{
    assert_has_not("lakehouse_catalog_tables");
    metric_set(METRIC_CATALOG_TABLES, 0);
    assert_has("\nlakehouse_catalog_tables 0\n");
}

static void test_labels(void **state)
{
    char method[] = "GET";
    metric_inc(METRIC_HTTP_REQUESTS, method, "200");
    memcpy(method, "PUT", 3);           /* values are compared, not addresses */
    metric_inc(METRIC_HTTP_REQUESTS, method, "200");
    metric_add(METRIC_HTTP_REQUESTS, 2, "PUT", "200");
    metric_inc(METRIC_HTTP_REQUESTS, "a", "b");
    metric_inc(METRIC_HTTP_REQUESTS, "", "ab");     /* not the same as "a", "b" */
    assert_has("# TYPE lakehouse_http_requests_total counter\n"
               "lakehouse_http_requests_total{method=\"GET\",code=\"200\"} 1\n"
               "lakehouse_http_requests_total{method=\"PUT\",code=\"200\"} 3\n"
               "lakehouse_http_requests_total{method=\"a\",code=\"b\"} 1\n"
               "lakehouse_http_requests_total{method=\"\",code=\"ab\"} 1\n");
    metric_inc(METRIC_HTTP_REJECTED, "q\"b\\n\n\xFF가");
    assert_has("lakehouse_http_rejected_total{reason=\"q\\\"b\\\\n\\n\xEF\xBF\xBD가\"} 1\n");
}

static void test_long_label_values_are_cut(void **state)
{
    char value[400];
    memset(value, 'x', sizeof value);
    value[399] = '\0';
    metric_inc(METRIC_QUERY_COMPLETED, value);
    metric_inc(METRIC_QUERY_COMPLETED, value);
    value[127] = '\0';
    char line[600];
    snprintf(line, sizeof line, "lakehouse_query_completed_total{state=\"%s\"} 2\n", value);
    assert_has(line);
}

static void test_series_are_limited(void **state)
{
    for (int i = 0; i < METRIC_SERIES_MAX + 50; i++) {
        char bucket[32];
        snprintf(bucket, sizeof bucket, "bucket-%d", i);
        metric_add(METRIC_S3_OBJECTS, i, bucket);
        metric_add(METRIC_S3_OBJECTS, 1, bucket);
    }
    assert_has("lakehouse_s3_objects{bucket=\"bucket-0\"} 1\n");
    assert_has("lakehouse_s3_objects{bucket=\"bucket-255\"} 256\n");
    assert_has_not("\"bucket-256\"");
    char line[64];
    snprintf(line, sizeof line, "lakehouse_s3_objects{bucket=\"other\"} %d\n", (256 + 305) * 50 / 2 + 50);
    assert_has(line);
    metric_set(METRIC_S3_OBJECTS, 5, "bucket-3");   /* the known ones go on */
    assert_has("lakehouse_s3_objects{bucket=\"bucket-3\"} 5\n");
}

static void test_histogram(void **state)
{
    static const double values[] = { 0.0001, 0.001, 0.0011, 3, 1000, 1e300 };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        metric_observe(METRIC_QUERY_DURATION, values[i]);
    assert_has("# TYPE lakehouse_query_duration_seconds histogram\n");
    assert_has("lakehouse_query_duration_seconds_bucket{le=\"0.0005\"} 1\n"
               "lakehouse_query_duration_seconds_bucket{le=\"0.001\"} 2\n"
               "lakehouse_query_duration_seconds_bucket{le=\"0.0025\"} 3\n");
    assert_has("lakehouse_query_duration_seconds_bucket{le=\"2.5\"} 3\n"
               "lakehouse_query_duration_seconds_bucket{le=\"5\"} 4\n");
    assert_has("lakehouse_query_duration_seconds_bucket{le=\"300\"} 4\n"
               "lakehouse_query_duration_seconds_bucket{le=\"+Inf\"} 6\n"
               "lakehouse_query_duration_seconds_sum 1e+300\n"
               "lakehouse_query_duration_seconds_count 6\n");
}

static void test_open_metrics(void **state)
{
    metric_add(METRIC_S3_SENT, 10);
    const char *all = exposition(true);
    assert_non_null(strstr(all, "# HELP lakehouse_s3_sent_bytes Object bytes sent.\n"
                                "# TYPE lakehouse_s3_sent_bytes counter\n"
                                "# UNIT lakehouse_s3_sent_bytes bytes\n"
                                "lakehouse_s3_sent_bytes_total 10\n"));
    assert_non_null(strstr(all, "_seconds_bucket{le=\"1.0\"}"));
    assert_non_null(strstr(all, "_seconds_bucket{le=\"2.5\"}"));
    assert_string_equal(all + strlen(all) - 6, "# EOF\n");
    assert_null(strstr(exposition(false), "# EOF"));
    assert_null(strstr(exposition(false), "# UNIT"));
}

static double value_of(const char *name)
{
    char prefix[100];
    snprintf(prefix, sizeof prefix, "\n%s ", name);
    const char *found = strstr(exposition(false), prefix);
    assert_non_null(found);
    double value = NAN;
    Str rest, line = str_cut(str_from(found + strlen(prefix)), '\n', &rest);
    assert_int_equal(str_to_double(line, &value, NULL), 0);
    return value;
}

static void test_process(void **state)
{
    double now = (double)clock_now_us() / 1e6;
    assert_true(fabs(value_of("process_start_time_seconds") - now) < 600);
    assert_true(value_of("process_resident_memory_bytes") > 100000);
    double fds = value_of("process_open_fds");
    assert_true(fds >= 1);
    FILE *file = fopen("/dev/null", "r");
    assert_true(value_of("process_open_fds") == fds + 1);
    fclose(file);
    double cpu = value_of("process_cpu_seconds_total");
    for (volatile int i = 0; i < 30000000; i++)
        ;
    assert_true(value_of("process_cpu_seconds_total") > cpu);
}

static void set_ready(void *arg)
{
    metric_set(METRIC_READY, *(int *)arg);
}

static void test_collectors(void **state)
{
    static int ready = 1;
    metrics_on_collect(set_ready, &ready);
    assert_has("\nlakehouse_ready 1\n");
    ready = 0;
    assert_has("\nlakehouse_ready 0\n");
}

static void test_write_into_a_small_buffer(void **state)
{
    _cleanup_buf_ Buf small = BUF_INIT(100);
    assert_int_equal(metrics_write(false, &small), -1);
}

enum { THREADS = 4, ROUNDS = 100000 };

static void *count_up(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        char code[8];
        snprintf(code, sizeof code, "%d", i % 7);
        metric_inc(METRIC_QUERY_ROWS);
        metric_inc(METRIC_S3_REQUESTS, "PutObject", code);
    }
    return NULL;
}

static void test_threads_lose_nothing(void **state)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&threads[i], "count", count_up, NULL, NULL), 0);
    exposition(false);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_has("\nlakehouse_query_result_rows_total 400000\n");
    char line[100];
    for (int code = 0; code < 7; code++) {
        snprintf(line, sizeof line, "lakehouse_s3_requests_total{api=\"PutObject\",code=\"%d\"} %d\n", code,
                 THREADS * (ROUNDS / 7 + (code < ROUNDS % 7)));
        assert_has(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_other_roles_are_silent_until_touched),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_long_label_values_are_cut),
        cmocka_unit_test(test_series_are_limited),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_open_metrics),
        cmocka_unit_test(test_process),
        cmocka_unit_test(test_collectors),
        cmocka_unit_test(test_write_into_a_small_buffer),
        cmocka_unit_test(test_threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, start, end);
}
