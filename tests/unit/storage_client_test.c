/* storage_client_test.c - the client and the private calls against a real storage role in a child process,
 * which is killed and started again. */
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/metrics.h"
#include "client/storage_client.h"
#include "net/service.h"

#define CAPABILITY "0123456789abcdef"

typedef struct Fixture {
    char dir[64];
    pid_t pid;
    StorageClient *client;
    Arena *arena;
} Fixture;

static void run_role(const char *dir)
{
    Error err = {0};
    char run[128], sock[160];
    sigset_t set;
    snprintf(run, sizeof run, "%s/run", dir);
    snprintf(sock, sizeof sock, "%s/run/storage.sock", dir);
    fs_mkdir_all(run, 0700, &err);
    log_init("storage", LOG_ERROR, STDERR_FILENO);
    metrics_init("storage", "test");
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    RoleContext c = {.role = "storage",
                     .config = config_new(),
                     .data_dir = str_from(dir),
                     .run_dir = str_from(run),
                     .capability = STR(CAPABILITY),
                     .tcp_fd = -1,
                     .unix_fd = -1,
                     .ready_fd = -1};
    c.stop_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (http_listen_unix(sock, &c.unix_fd, &err) < 0 || storage_main(&c, &err) < 0) {
        fprintf(stderr, "storage: %s\n", err.message);
        _exit(1);
    }
    _exit(0);
}

/* This program again, as the role. */
static void start_role(Fixture *f)
{
    char *const args[] = {(char *)"storage_client_test", (char *)"--role", f->dir, NULL};
    assert_int_equal(posix_spawn(&f->pid, "/proc/self/exe", NULL, NULL, args, environ), 0);
}

static void kill_role(Fixture *f, int signal_number)
{
    kill(f->pid, signal_number);
    waitpid(f->pid, NULL, 0);
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    Error err;
    char base[128];
    snprintf(f->dir, sizeof f->dir, "/tmp/storage-client-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    start_role(f);
    snprintf(base, sizeof base, "unix:%s/run/storage.sock", f->dir);
    f->client = storage_client_new(str_from(base), STR(CAPABILITY), &err);
    assert_non_null(f->client);
    f->arena = arena_new(256 << 20);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    storage_client_free(f->client);
    arena_free(f->arena);
    kill_role(f, SIGTERM);
    fs_remove_tree(f->dir, NULL);
    free(f);
    return 0;
}

#define URI(key) STR("s3://lakehouse-warehouse/" key)
#define OK(call)                                                                                             \
    do {                                                                                                     \
        Error ok_err = {0};                                                                                  \
        Error *err = &ok_err;                                                                                \
        if ((call) < 0)                                                                                      \
            fail_msg("%s: %s", #call, ok_err.message);                                                       \
    } while (0)

static ErrCode code_of(int result, const Error *err)
{
    return result < 0 ? err->code : ERR_OK;
}

static void test_s3(void **state)
{
    Fixture *f = *state;
    Error e = {0};
    Str bytes, etag;
    StorageFile file;
    OK(storage_put(f->client, URI("a b/ü+%.json"), STR("application/json"), STR("{}"), STORAGE_PUT_CREATE,
                   f->arena, &etag, err));
    assert_true(str_is(etag, "99914b932bd37a50b983c5e7c90ae93b"));
    assert_int_equal(code_of(storage_put(f->client, URI("a b/ü+%.json"), STR_NULL, STR("x"),
                                         STORAGE_PUT_CREATE, NULL, NULL, &e),
                             &e),
                     ERR_PRECONDITION_FAILED);
    OK(storage_get(f->client, URI("a b/ü+%.json"), 100, f->arena, &bytes, &etag, err));
    assert_true(str_is(bytes, "{}"));
    OK(storage_head(f->client, URI("a b/ü+%.json"), f->arena, &file, err));
    assert_true(file.found && file.size == 2);
    OK(storage_head(f->client, URI("none"), f->arena, &file, err));
    assert_false(file.found);
    assert_int_equal(code_of(storage_get(f->client, URI("none"), 100, f->arena, &bytes, NULL, &e), &e),
                     ERR_NO_SUCH_KEY);
    assert_int_equal(
        code_of(storage_get(f->client, STR("s3://nowhere/x"), 100, f->arena, &bytes, NULL, &e), &e),
        ERR_NO_SUCH_BUCKET);
    assert_int_equal(
        code_of(storage_get(f->client, STR("file:///etc/passwd"), 100, f->arena, &bytes, NULL, &e), &e),
        ERR_BAD_REQUEST);
    OK(storage_put(f->client, URI("r"), STR_NULL, STR("0123456789"), STORAGE_PUT_REPLACE, NULL, NULL, err));
    OK(storage_get_range(f->client, URI("r"), 2, 3, f->arena, &bytes, err));
    assert_true(str_is(bytes, "234"));
    OK(storage_get_range(f->client, URI("r"), -2, 2, f->arena, &bytes, err));
    assert_true(str_is(bytes, "89"));
    StorageListEntry *entries;
    size_t n;
    bool truncated;
    OK(storage_list(f->client, URI(""), STR_NULL, f->arena, &entries, &n, &truncated, err));
    assert_int_equal(n, 2);
    assert_true(str_is(entries[0].uri, "s3://lakehouse-warehouse/a b/ü+%.json") && !truncated);
    const Str all[] = {entries[0].uri, entries[1].uri, URI("never")};
    OK(storage_delete_many(f->client, all, 3, err));
    OK(storage_list(f->client, URI(""), STR_NULL, f->arena, &entries, &n, &truncated, err));
    assert_int_equal(n, 0);
    OK(storage_delete(f->client, URI("never"), err));
}

static void write_staged(const StorageStage *stage, const char *name, const char *content)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", storage_stage_dir(stage).ptr, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void expect_file(Str path, const char *content)
{
    char got[256] = {0};
    FILE *file = fopen(path.ptr, "r");
    assert_non_null(file);
    size_t n = fread(got, 1, sizeof got - 1, file);
    fclose(file);
    assert_int_equal(n, strlen(content));
    assert_string_equal(got, content);
}

static void test_stage_adopt_resolve(void **state)
{
    Fixture *f = *state;
    Error e = {0};
    _cleanup_storage_pins_ StoragePins *pins = storage_pins_new(f->client);
    StorageStage *stage;
    StorageFile *files;
    OK(storage_stage_new(f->client, &stage, err));
    write_staged(stage, "0.parquet", "first file");
    write_staged(stage, "1.parquet", "second");
    const StorageAdopt missing[] = {{STR("0.parquet"), URI("t/data/0.parquet")},
                                    {STR("9.parquet"), URI("t/data/9.parquet")}};
    assert_int_equal(code_of(storage_adopt(stage, missing, 2, f->arena, NULL, &e), &e), ERR_NOT_FOUND);
    const StorageAdopt outside[] = {{STR("../x"), URI("t/x")}};
    assert_int_equal(code_of(storage_adopt(stage, outside, 1, f->arena, NULL, &e), &e), ERR_BAD_REQUEST);
    const StorageAdopt nowhere[] = {{STR("0.parquet"), STR("s3://nowhere/x")}};
    assert_int_equal(code_of(storage_adopt(stage, nowhere, 1, f->arena, NULL, &e), &e), ERR_NO_SUCH_BUCKET);
    const StorageAdopt both[] = {{STR("0.parquet"), URI("t/data/0.parquet")},
                                 {STR("1.parquet"), URI("t/data/1.parquet")}};
    OK(storage_adopt(stage, both, 2, f->arena, &files, err));
    assert_int_equal(files[0].size, 10);
    Str first_etag = files[0].etag;
    OK(storage_adopt(stage, both, 2, f->arena, &files, err)); /* as after a lost answer */
    assert_true(str_eq(files[0].etag, first_etag));
    storage_stage_free(stage);

    OK(storage_put(f->client, URI("small"), STR_NULL, STR("in a segment"), STORAGE_PUT_REPLACE, NULL, NULL,
                   err));
    const Str uris[] = {URI("t/data/1.parquet"), URI("nothing"), URI("small"), URI("t/data/1.parquet"),
                        STR("s3://nowhere/x")};
    OK(storage_resolve(f->client, pins, uris, 5, f->arena, &files, err));
    assert_true(files[0].found && !files[1].found && files[2].found && files[2].is_inline && files[3].found &&
                !files[4].found);
    expect_file(files[0].path, "second");
    Str bytes;
    OK(storage_get(f->client, uris[0], 100, f->arena, &bytes, NULL, err));
    assert_true(str_is(bytes, "second"));
}

/* Pinned files outlive their keys, and a restart of storage. */
static void test_pins_live_through_a_restart(void **state)
{
    Fixture *f = *state;
    StoragePins *pins = storage_pins_new(f->client);
    StorageStage *stage;
    StorageFile *files;
    Str uri = URI("t/pinned.parquet"), bytes;
    OK(storage_put(f->client, uri, STR_NULL, STR("pinned bytes"), STORAGE_PUT_REPLACE, NULL, NULL, err));
    OK(storage_resolve(f->client, pins, &uri, 1, f->arena, &files, err));
    Str path = files[0].path;
    OK(storage_stage_new(f->client, &stage, err));
    write_staged(stage, "s.parquet", "staged before");
    OK(storage_put(f->client, uri, STR_NULL, STR("new bytes"), STORAGE_PUT_REPLACE, NULL, NULL, err));
    for (int round = 0; round < 3; round++) {
        kill_role(f, round == 1 ? SIGTERM : SIGKILL);
        start_role(f);
        OK(storage_get(f->client, uri, 100, f->arena, &bytes, NULL, err));
        assert_true(str_is(bytes, "new bytes"));
        OK(storage_resolve(f->client, NULL, &uri, 1, f->arena, &files, err));
        expect_file(path, "pinned bytes");
    }
    const StorageAdopt adopt = {STR("s.parquet"), URI("t/staged.parquet")};
    OK(storage_adopt(stage, &adopt, 1, f->arena, NULL, err));
    OK(storage_get(f->client, URI("t/staged.parquet"), 100, f->arena, &bytes, NULL, err));
    assert_true(str_is(bytes, "staged before"));
    storage_stage_free(stage);
    storage_pins_free(pins);
}

static void test_not_there(void **state)
{
    Error e = {0};
    (void)state;
    StorageClient *client = storage_client_new(STR("unix:/tmp/there-is-no-such.sock"), STR("x"), &e);
    assert_non_null(client);
    assert_false(storage_client_is_connected(client));
    storage_client_free(client);
    assert_null(storage_client_new(STR("http://127.0.0.1:1"), STR("x"), &e));
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--role") == 0)
        run_role(argv[2]);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_s3),
        TEST(test_stage_adopt_resolve),
        TEST(test_pins_live_through_a_restart),
        cmocka_unit_test(test_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
