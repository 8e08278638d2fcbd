/* config_test.c - keys, values, layers and the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/config.h"
#include "base/fs.h"

static Config *config;
static char folder[64];

static int setup(void **state)
{
    clearenv();
    config = config_new();
    snprintf(folder, sizeof folder, "/tmp/lakehouse-config-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    config_free(config);
    return fs_remove_tree(folder, NULL);
}

static int set(const char *key, const char *value, Error *err)
{
    return config_set(config, str_from(key), str_from(value), STR("--set"), err);
}

static void refused(const char *key, const char *value, const char *message)
{
    Error err;
    if (set(key, value, &err) == 0)
        fail_msg("%s=%s was taken", key, value);
    assert_int_equal(err.code, ERR_CONFIG);
    if (!strstr(err.message, message))
        fail_msg("\"%s\" has no \"%s\"", err.message, message);
}

static void secret_file(const char *name, Str content, char *out, size_t out_size)
{
    snprintf(out, out_size, "%s/%s", folder, name);
    assert_int_equal(fs_write_file_atomic(out, content, 0600, NULL), 0);
}

static void test_defaults(void **state)
{
    assert_true(str_is(config_str(config, "storage.region"), "us-east-1"));
    assert_int_equal(config_int(config, "storage.port"), 9000);
    assert_int_equal(config_int(config, "storage.inline_limit"), 65536);
    assert_int_equal(config_int(config, "query.client_timeout"), 300000);
    assert_true(config_int(config, "query.max_run_time") == 100ll * 86400000);
    assert_int_equal(config_int(config, "query.memory_limit"), 0);
    assert_null(config_str(config, "storage.root_user").ptr);
    assert_true(config_count() > 10);
    for (size_t i = 0; i < config_count(); i++) {
        ConfigValue value = config_at(config, i);
        assert_true(str_is(value.source, "default"));
        assert_true(value.key->help[0] != '\0');
    }
    assert_string_equal(config_at(config, 0).key->name, "data");
}

static void test_layers(void **state)
{
    char value[] = "eu-west-1", source[] = "lakehouse.yaml:3";
    assert_int_equal(config_set(config, STR("storage.region"), str_from(value), str_from(source), NULL), 0);
    value[0] = source[0] = 'X';     /* copied */
    assert_true(str_is(config_str(config, "storage.region"), "eu-west-1"));
    size_t i = 0;
    while (strcmp(config_at(config, i).key->name, "storage.region") != 0)
        i++;
    assert_true(str_is(config_at(config, i).source, "lakehouse.yaml:3"));
    assert_int_equal(set("storage.region", "ap-northeast-2", NULL), 0);
    assert_true(str_is(config_str(config, "storage.region"), "ap-northeast-2"));
    assert_true(str_is(config_at(config, i).source, "--set"));
    refused("storage.port", "x", "");       /* a refused value leaves the old one */
    assert_int_equal(config_int(config, "storage.port"), 9000);
}

static void test_sizes(void **state)
{
    static const struct { const char *text; int64_t bytes; } good[] = {
        { "0", 0 }, { "65536", 65536 }, { "10B", 10 }, { "1KiB", 1024 }, { "1Ki", 1024 }, { "1KB", 1000 },
        { "64MB", 64000000 }, { "64MiB", 67108864 }, { "512Mi", 536870912 }, { "10GB", 10000000000 },
        { "2GiB", 2147483648 }, { "3TiB", 3298534883328 }, { "9223372036854775807", INT64_MAX },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(set("storage.segment_size", good[i].text, NULL), 0);
        assert_true(config_int(config, "storage.segment_size") == good[i].bytes);
    }
    static const char *const bad[] = { "", "MB", "-1", "1.5GB", "1 MB", "64mb", "1PiB",
                                       "9223372036854775808", "8388608TiB", "1e3", "0x10", "64MiBx" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused("storage.segment_size", bad[i], "is not a size");
}

static void test_durations(void **state)
{
    static const struct { const char *text; int64_t ms; } good[] = {
        { "0", 0 }, { "250ms", 250 }, { "30s", 30000 }, { "5m", 300000 }, { "12h", 43200000 },
        { "100d", 8640000000 },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(set("query.client_timeout", good[i].text, NULL), 0);
        assert_true(config_int(config, "query.client_timeout") == good[i].ms);
    }
    static const char *const bad[] = { "", "5", "m", "-5s", "5 m", "1h30m", "5min", "106751991168d", "5M" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused("query.client_timeout", bad[i], "is not a duration");
}

static void test_malformed_values(void **state)
{
    refused("storage.port", "65536", "\"65536\" is not a port");
    refused("storage.port", "-1", "is not a port");
    refused("query.max_queued", "many", "--set: query.max_queued: \"many\" is not a whole number");
    refused("query.max_queued", "", "is not a whole number");
    refused("storage.region", "\xFF", "not UTF-8");
    refused("storage.root_password", "", "empty");
    Error err;
    assert_int_equal(config_set(config, STR("storage.root_password"), STR("Hunter\0x"), STR("--set"), &err),
                     -1);
    assert_null(strstr(err.message, "Hunter"));        /* a secret is in no message */
}

static void test_unknown_keys(void **state)
{
    refused("storage.prot", "1", "unknown key \"storage.prot\"; did you mean \"storage.port\"?");
    refused("query.memory_limits", "1", "did you mean \"query.memory_limit\"?");
    refused("Storage.port", "1", "did you mean \"storage.port\"?");
    refused("lisen", "1", "did you mean \"listen\"?");
    refused("", "1", "unknown key");
    refused("storage.region_file", "x", "unknown key");     /* only secrets have files */
    Error err;
    assert_int_equal(set("completely.different_thing", "1", &err), -1);
    assert_null(strstr(err.message, "did you mean"));
    char lengthy[3000];
    memset(lengthy, 'k', sizeof lengthy);
    lengthy[2999] = '\0';
    refused(lengthy, "1", "unknown key");
}

static void test_secret_files(void **state)
{
    char path[128];
    secret_file("password", STR("s3cret word\r\n"), path, sizeof path);
    assert_int_equal(set("storage.root_password_file", path, NULL), 0);
    assert_true(str_is(config_str(config, "storage.root_password"), "s3cret word"));
    secret_file("two", STR("a\n\n"), path, sizeof path);       /* one newline is the file's, two are not */
    assert_int_equal(set("storage.root_password_file", path, NULL), 0);
    assert_true(str_is(config_str(config, "storage.root_password"), "a\n"));
    refused("storage.root_password_file", "/no/such/file", "storage.root_password_file: open /no/such/file");
    refused("storage.root_password_file", folder, "");
    refused("storage.root_password_file", "", "expected a path");
    refused("storage.root_password_file", "lake-password", "CREDENTIALS_DIRECTORY is not set");
    secret_file("empty", STR("\n"), path, sizeof path);
    refused("storage.root_password_file", path, "empty");
    secret_file("lake-password", STR("from systemd"), path, sizeof path);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    assert_int_equal(set("storage.root_password_file", "lake-password", NULL), 0);
    assert_true(str_is(config_str(config, "storage.root_password"), "from systemd"));
    refused("storage.root_password_file", "other", "No such file");
}

static void test_environment(void **state)
{
    setenv("LAKEHOUSE_STORAGE__PORT", "9100", 1);
    setenv("LAKEHOUSE_QUERY__MAX_RUN_TIME", "30s", 1);
    setenv("LAKEHOUSE_ROOT_USER", "alias", 1);
    static const char *const others[] = {       /* of other parts, of Kubernetes, and of no form at all */
        "LAKEHOUSE_SERVER", "LAKEHOUSE_FAULT", "LAKEHOUSE_FS_TRACE", "LAKEHOUSE_CAPABILITY_FD",
        "LAKEHOUSE_TASK_KEY", "LAKEHOUSE_SERVICE_HOST", "LAKEHOUSE_STORAGE_PORT_9000_TCP", "LAKEHOUSE_",
        "LAKEHOUSE___", "LAKEHOUSE_X__", "OTHER_STORAGE__REGION",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        setenv(others[i], "tcp://10.0.0.1", 1);
    Error err;
    assert_int_equal(config_apply_environment(config, &err), 0);
    assert_int_equal(config_int(config, "storage.port"), 9100);
    assert_int_equal(config_int(config, "query.max_run_time"), 30000);
    assert_true(str_is(config_str(config, "storage.root_user"), "alias"));
    for (size_t i = 0; i < config_count(); i++)
        if (strcmp(config_at(config, i).key->name, "storage.port") == 0)
            assert_true(str_is(config_at(config, i).source, "LAKEHOUSE_STORAGE__PORT"));
    setenv("LAKEHOUSE_STORAGE__ROOT_USER", "section", 1);       /* the full name wins, in whatever order */
    assert_int_equal(config_apply_environment(config, &err), 0);
    assert_true(str_is(config_str(config, "storage.root_user"), "section"));
}

static void test_environment_files(void **state)
{
    char path[128];
    secret_file("user", STR("from-file\n"), path, sizeof path);
    setenv("LAKEHOUSE_ROOT_USER_FILE", path, 1);
    setenv("LAKEHOUSE_STORAGE__ROOT_PASSWORD_FILE", path, 1);
    Error err;
    assert_int_equal(config_apply_environment(config, &err), 0);
    assert_true(str_is(config_str(config, "storage.root_user"), "from-file"));
    assert_true(str_is(config_str(config, "storage.root_password"), "from-file"));
    setenv("LAKEHOUSE_ROOT_USER", "x", 1);
    assert_int_equal(config_apply_environment(config, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.message, "LAKEHOUSE_ROOT_USER_FILE and LAKEHOUSE_ROOT_USER are both set"));
    unsetenv("LAKEHOUSE_ROOT_USER");
    setenv("LAKEHOUSE_ROOT_USER_FILE", "/no/such/file", 1);
    assert_int_equal(config_apply_environment(config, &err), -1);
    assert_non_null(strstr(err.message, "LAKEHOUSE_ROOT_USER_FILE"));
}

static void test_environment_unknown(void **state)
{
    setenv("LAKEHOUSE_STORAGE__PROT", "1", 1);
    Error err;
    assert_int_equal(config_apply_environment(config, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_string_equal(err.message, "LAKEHOUSE_STORAGE__PROT: unknown key \"storage.prot\"; did you mean "
                                     "\"storage.port\"?");
}

static void test_bytes_are_bounded(void **state)
{
    static char large[300000];
    memset(large, 'x', sizeof large);
    int taken = 0;
    Str value = str_of(large, sizeof large);
    while (taken < 100 && config_set(config, STR("listen"), value, STR("--set"), NULL) == 0)
        taken++;
    assert_true(taken > 0 && taken < 100);
}

int main(void)
{
#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(test_defaults),
        CONFIG_TEST(test_layers),
        CONFIG_TEST(test_sizes),
        CONFIG_TEST(test_durations),
        CONFIG_TEST(test_malformed_values),
        CONFIG_TEST(test_unknown_keys),
        CONFIG_TEST(test_secret_files),
        CONFIG_TEST(test_environment),
        CONFIG_TEST(test_environment_files),
        CONFIG_TEST(test_environment_unknown),
        CONFIG_TEST(test_bytes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
