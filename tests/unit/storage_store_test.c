/* storage_store_test.c - the store without HTTP: writes, lookups, lists, conditions, what a restart finds,
 * compaction, garbage. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "storage/store.h"

typedef struct Fixture {
    char dir[64];
    Store *store;
    Arena *arena;
} Fixture;

static void open_store(Fixture *f)
{
    Error err;
    StoreOptions options = {
        .dir = str_from(f->dir), .inline_limit = 1024, .segment_bytes = 16 * 1024, .grace_ms = 0};
    if (store_open(&options, &f->store, &err) < 0)
        fail_msg("%s", err.message);
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/storage-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->arena = arena_new(64 << 20);
    open_store(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    store_close(f->store);
    arena_free(f->arena);
    fs_remove_tree(f->dir, NULL);
    free(f);
    return 0;
}

static void reopen(Fixture *f)
{
    store_close(f->store);
    open_store(f);
}

static int make_bucket(Fixture *f, const char *name, Error *err)
{
    StoreWrite w = {.op = STORE_CREATE_BUCKET, .bucket = str_from(name)};
    return store_write(f->store, &w, err);
}

static int put_if(Fixture *f, Str key, Str body, StoreCondition condition, Error *err)
{
    StorePut put = {
        .bucket = STR("b"),
        .key = key,
        .is_inline = true,
        .body = body,
        .condition = condition,
        .object = {.generation = blobs_new_generation(store_blobs(f->store)), .size = (int64_t)body.len}};
    uint8_t md5[CHECKSUM_MAX_BYTES];
    checksum_of(CHECKSUM_MD5, body, md5);
    memcpy(put.object.etag, md5, MD5_BYTES);
    StoreWrite w = {.op = STORE_PUT, .puts = &put, .n_puts = 1};
    return store_write(f->store, &w, err);
}

static int put(Fixture *f, const char *key, const char *body)
{
    Error err;
    return put_if(f, str_from(key), str_from(body), (StoreCondition){0}, &err);
}

static uint32_t bucket_id(Fixture *f)
{
    BucketInfo info;
    Error err;
    assert_int_equal(store_find_bucket(f->store, STR("b"), &info, &err), 0);
    return info.id;
}

static void expect_body(Fixture *f, const char *key, const char *body)
{
    ObjectInfo object;
    Error err;
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    if (store_find(f->store, bucket_id(f), str_from(key), f->arena, &object, &err) < 0)
        fail_msg("%s: %s", key, err.message);
    if (store_read_inline(f->store, bucket_id(f), str_from(key), &object, &out, &err) < 0)
        fail_msg("%s: %s", key, err.message);
    assert_true(str_is(buf_str(&out), body));
}

static ErrCode find_code(Fixture *f, const char *key)
{
    ObjectInfo object;
    Error err = {0};
    return store_find(f->store, bucket_id(f), str_from(key), f->arena, &object, &err) < 0 ? err.code : ERR_OK;
}

static ErrCode delete_code(Fixture *f, const char *key)
{
    StoreDelete item = {.key = str_from(key)};
    StoreWrite w = {.op = STORE_DELETE, .bucket = STR("b"), .deletes = &item, .n_deletes = 1};
    Error err = {0};
    return store_write(f->store, &w, &err) < 0 ? err.code : ERR_OK;
}

static void test_put_get_delete(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    assert_int_equal(put(f, "k", "v"), -1);
    assert_int_equal(make_bucket(f, "b", &err), 0);
    assert_int_equal(make_bucket(f, "b", &err), -1);
    assert_int_equal(err.code, ERR_BUCKET_ALREADY_OWNED);
    assert_int_equal(put(f, "k", "one"), 0);
    expect_body(f, "k", "one");
    assert_int_equal(put(f, "k", "two"), 0);
    expect_body(f, "k", "two");
    assert_int_equal(put(f, "empty", ""), 0);
    expect_body(f, "empty", "");
    assert_int_equal(put(f, "a/b", "x"), 0);
    assert_int_equal(put(f, "a/b/c", "y"), 0);
    reopen(f);
    expect_body(f, "k", "two");
    expect_body(f, "a/b", "x");
    expect_body(f, "a/b/c", "y");
    assert_int_equal(delete_code(f, "k"), ERR_OK);
    assert_int_equal(delete_code(f, "k"), ERR_OK);
    assert_int_equal(find_code(f, "k"), ERR_NO_SUCH_KEY);
    BucketInfo info;
    store_find_bucket(f->store, STR("b"), &info, &err);
    assert_int_equal(info.objects, 3);
    assert_int_equal(info.bytes, 2);
    StoreWrite w = {.op = STORE_DELETE_BUCKET, .bucket = STR("b")};
    assert_int_equal(store_write(f->store, &w, &err), -1);
    assert_int_equal(err.code, ERR_BUCKET_NOT_EMPTY);
    delete_code(f, "empty");
    delete_code(f, "a/b");
    delete_code(f, "a/b/c");
    assert_int_equal(store_write(f->store, &w, &err), 0);
    assert_int_equal(store_find_bucket(f->store, STR("b"), &info, &err), -1);
    assert_int_equal(put(f, "k", "v"), -1);
}

static void test_conditions(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    make_bucket(f, "b", &err);
    assert_int_equal(put_if(f, STR("k"), STR("1"), (StoreCondition){.if_match = STR("*")}, &err), -1);
    assert_int_equal(err.code, ERR_NO_SUCH_KEY);
    assert_int_equal(put_if(f, STR("k"), STR("1"), (StoreCondition){.if_none_match = STR("*")}, &err), 0);
    assert_int_equal(put_if(f, STR("k"), STR("2"), (StoreCondition){.if_none_match = STR("*")}, &err), -1);
    assert_int_equal(err.code, ERR_PRECONDITION_FAILED);
    expect_body(f, "k", "1");
    assert_int_equal(put_if(f, STR("k"), STR("2"),
                            (StoreCondition){.if_match = STR("\"c4ca4238a0b923820dcc509a6f75849b\"")}, &err),
                     0);
    assert_int_equal(put_if(f, STR("k"), STR("3"),
                            (StoreCondition){.if_match = STR("\"c4ca4238a0b923820dcc509a6f75849b\"")}, &err),
                     -1);
    assert_int_equal(err.code, ERR_PRECONDITION_FAILED);
    expect_body(f, "k", "2");
}

/* ---- of many that create the same key at the same time, one wins ---- */

typedef struct Racer {
    Fixture *f;
    int id;
    bool won;
} Racer;

static void *race(void *arg)
{
    Racer *r = arg;
    Error err = {0};
    char body[16];
    snprintf(body, sizeof body, "%d", r->id);
    r->won =
        put_if(r->f, STR("race"), str_from(body), (StoreCondition){.if_none_match = STR("*")}, &err) == 0;
    return NULL;
}

static void test_race(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    make_bucket(f, "b", &err);
    for (int round = 0; round < 20; round++) {
        pthread_t threads[8];
        Racer racers[8];
        int winners = 0, winner = -1;
        for (int i = 0; i < 8; i++) {
            racers[i] = (Racer){f, i, false};
            pthread_create(&threads[i], NULL, race, &racers[i]);
        }
        for (int i = 0; i < 8; i++) {
            pthread_join(threads[i], NULL);
            if (racers[i].won)
                winners++, winner = i;
        }
        assert_int_equal(winners, 1);
        char body[16];
        snprintf(body, sizeof body, "%d", winner);
        expect_body(f, "race", body);
        delete_code(f, "race");
    }
}

static void list_to(Fixture *f, const char *prefix, const char *delimiter, const char *after, size_t max,
                    Buf *out)
{
    ListQuery query = {.bucket = bucket_id(f),
                       .prefix = str_from(prefix),
                       .delimiter = str_from(delimiter),
                       .after = after ? str_from(after) : STR_NULL,
                       .max = max};
    ListEntry *entries;
    size_t n;
    bool truncated;
    Error err;
    buf_clear(out);
    assert_int_equal(store_list(f->store, &query, f->arena, &entries, &n, &truncated, &err), 0);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%.*s%s", i ? " " : "", STR_ARG(entries[i].key), entries[i].is_prefix ? "*" : "");
    if (truncated)
        buf_puts(out, " ...");
    buf_puts(out, "");
}

static void test_list(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    make_bucket(f, "b", &err);
    static const char *const keys[] = {"a", "a/", "a/b", "a/b/c", "b/1", "b/2", "b0", "c", "\xff"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put(f, keys[i], "x");
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    list_to(f, "", "", NULL, 1000, &out);
    assert_string_equal(out.data, "a a/ a/b a/b/c b/1 b/2 b0 c \xff");
    list_to(f, "", "/", NULL, 1000, &out);
    assert_string_equal(out.data, "a a/* b/* b0 c \xff");
    list_to(f, "a/", "/", NULL, 1000, &out);
    assert_string_equal(out.data, "a/ a/b a/b/*");
    list_to(f, "", "/", "a/", 2, &out);
    assert_string_equal(out.data, "b/* b0 ...");
    list_to(f, "", "", "a/b", 2, &out);
    assert_string_equal(out.data, "a/b/c b/1 ...");
    list_to(f, "b", "", NULL, 3, &out);
    assert_string_equal(out.data, "b/1 b/2 b0");
    list_to(f, "", "", NULL, 0, &out);
    assert_string_equal(out.data, "");
    list_to(f, "zz", "/", NULL, 10, &out);
    assert_string_equal(out.data, "");
}

static int count_files(const char *dir, const char *pattern)
{
    char command[256];
    int n = -1;
    snprintf(command, sizeof command, "find %s/%s -type f | wc -l", dir, pattern);
    FILE *pipe = popen(command, "r");
    if (pipe && fscanf(pipe, "%d", &n) != 1)
        n = -1;
    if (pipe)
        pclose(pipe);
    return n;
}

static void test_compaction(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    char key[32], body[1001];
#define NUMBER_BODY(i) body[snprintf(body, 16, "%07d", (i))] = 'x'
    make_bucket(f, "b", &err);
    memset(body, 'x', 1000);
    body[1000] = 0;
    for (int i = 0; i < 120; i++) {
        snprintf(key, sizeof key, "k%03d", i);
        NUMBER_BODY(i);
        assert_int_equal(put(f, key, body), 0);
    }
    int before = count_files(f->dir, "segments");
    assert_true(before >= 8);
    for (int i = 0; i < 120; i++) {
        snprintf(key, sizeof key, "k%03d", i);
        if (i % 10)
            assert_int_equal(delete_code(f, key), ERR_OK);
    }
    for (int wait = 0; wait < 150 && count_files(f->dir, "segments") > 3; wait++)
        usleep(100000);
    assert_true(count_files(f->dir, "segments") <= 3);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 120; i += 10) {
            snprintf(key, sizeof key, "k%03d", i);
            NUMBER_BODY(i);
            expect_body(f, key, body);
        }
        reopen(f);
    }
}

static uint64_t put_file(Fixture *f, const char *key, const char *content)
{
    Error err;
    int fd;
    Blobs *blobs = store_blobs(f->store);
    uint64_t generation = blobs_new_generation(blobs);
    assert_int_equal(blob_create(blobs, generation, &fd, &err), 0);
    assert_int_equal(fs_write_all(fd, content, strlen(content), &err), 0);
    assert_int_equal(blob_sync(blobs, generation, fd, &err), 0);
    close(fd);
    StorePut item = {.bucket = STR("b"),
                     .key = str_from(key),
                     .object = {.generation = generation, .size = (int64_t)strlen(content)}};
    StoreWrite w = {.op = STORE_PUT, .puts = &item, .n_puts = 1};
    assert_int_equal(store_write(f->store, &w, &err), 0);
    return generation;
}

static bool is_there(Fixture *f, uint64_t generation)
{
    char path[BLOB_PATH_MAX];
    blob_path(store_blobs(f->store), generation, path);
    return fs_exists(path);
}

static bool goes_away(Fixture *f, uint64_t generation)
{
    for (int i = 0; i < 40 && is_there(f, generation); i++)
        usleep(100000);
    return !is_there(f, generation);
}

static void test_pins_and_garbage(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    make_bucket(f, "b", &err);
    uint64_t old = put_file(f, "t.parquet", "first");
    uint32_t id = bucket_id(f);
    Str key = STR("t.parquet");
    ObjectInfo object;
    bool found;
    assert_int_equal(store_find_many(f->store, &id, &key, 1, true, f->arena, &object, &found, &err), 0);
    assert_true(found && object.generation == old);
    uint64_t new = put_file(f, "t.parquet", "second");
    sleep(2);
    assert_true(is_there(f, old));
    blobs_unpin(store_blobs(f->store), old);
    assert_true(goes_away(f, old));
    assert_true(is_there(f, new));
    /* files of an earlier life that no row knows */
    int fd;
    uint64_t orphan = blobs_new_generation(store_blobs(f->store));
    assert_int_equal(blob_create(store_blobs(f->store), orphan, &fd, &err), 0);
    close(fd);
    reopen(f);
    assert_true(goes_away(f, orphan));
    assert_true(is_there(f, new));
}

/* A group whose commit fails leaves no trace, and the store goes on. */
static void test_failed_commit(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    make_bucket(f, "b", &err);
    put(f, "k", "before");
    static const char *const points[] = {"storage.index.commit:1", "storage.segment.write:1",
                                         "storage.segment.write:1:full"};
    for (size_t i = 0; i < 3; i++) {
        fault_arm_for_test(points[i]);
        assert_int_equal(put(f, "k", "after"), -1);
        fault_arm_for_test(NULL);
        expect_body(f, "k", "before");
    }
    assert_int_equal(put(f, "k2", "more"), 0);
    reopen(f);
    expect_body(f, "k", "before");
    expect_body(f, "k2", "more");
}

/* After a failed sync nothing more is taken, and what was acknowledged stays readable. */
static void test_failed_sync(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    make_bucket(f, "b", &err);
    put(f, "k", "before");
    fault_arm_for_test("storage.segment.sync:1");
    assert_int_equal(put(f, "k", "after"), -1);
    fault_arm_for_test(NULL);
    assert_int_equal(put(f, "k", "later"), -1);
    assert_false(store_is_writable(f->store, NULL));
    expect_body(f, "k", "before");
    reopen(f);
    expect_body(f, "k", "before");
    assert_int_equal(put(f, "k", "later"), 0);
}

static void test_rotten_segment(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    make_bucket(f, "b", &err);
    put(f, "k", "the bytes of this body will rot");
    char path[128];
    snprintf(path, sizeof path, "%s/segments/00000001.seg", f->dir);
    FILE *file = fopen(path, "r+");
    fseek(file, -5, SEEK_END);
    fputc('!', file);
    fclose(file);
    ObjectInfo object;
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    assert_int_equal(store_find(f->store, bucket_id(f), STR("k"), f->arena, &object, &err), 0);
    assert_int_equal(store_read_inline(f->store, bucket_id(f), STR("k"), &object, &out, &err), -1);
    assert_int_equal(err.code, ERR_CORRUPT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_put_get_delete), TEST(test_conditions),  TEST(test_race),
        TEST(test_list),           TEST(test_compaction),  TEST(test_pins_and_garbage),
        TEST(test_failed_commit),  TEST(test_failed_sync), TEST(test_rotten_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
