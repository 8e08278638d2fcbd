/* catalog_registry_test.c - catalog/registry.h: rows, locations, the writer */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/thread.h"
#include "catalog/registry.h"

static char folder[64];
static Registry *registry;
static RegConn *conn;
static Arena *arena;

static int set_up(void **state)
{
    Error err;

    snprintf(folder, sizeof folder, "%s", "/tmp/lakehouse-registry-XXXXXX");
    assert_non_null(mkdtemp(folder));
    arena = arena_new(16 << 20);
    assert_int_equal(registry_open(folder, &registry, &err), 0);
    conn = registry_borrow(registry, &err);
    assert_non_null(conn);
    return 0;
}

static int tear_down(void **state)
{
    Error err;

    registry_return(registry, conn);
    registry_close(registry);
    arena_free(arena);
    fs_remove_tree(folder, &err);
    return 0;
}

/* ---- writing by small jobs ---- */

typedef struct Add {
    const char *ns, *name, *location;
    int64_t id;
    ErrCode fail;
} Add;

static int add_namespace(RegConn *c, void *arg, Error *err)
{
    return reg_add_namespace(c, str_from(arg), STR("{}"), err);
}

static int drop_namespace(RegConn *c, void *arg, Error *err)
{
    return reg_drop_namespace(c, str_from(arg), err);
}

static int add_entry(RegConn *c, void *arg, Error *err)
{
    Add *add = arg;
    Arena *a = arena_new(1 << 20);
    RegNamespace ns;
    int rc = reg_find_namespace(c, str_from(add->ns), a, &ns, err);

    if (rc == 0) {
        RegEntry entry = {.namespace_id = ns.id,
                          .name = str_from(add->name),
                          .uuid = STR("u"),
                          .metadata_location = STR("m0")};
        rc = reg_add_entry(c, &entry, &add->id, err);
    }
    if (rc == 0 && add->location)
        rc = reg_add_location(c, str_from(add->location), add->id, err);
    if (rc == 0 && add->fail)
        rc = err_set(err, add->fail, "on purpose");
    arena_free(a);
    return rc;
}

static int64_t table(const char *ns, const char *name, const char *location)
{
    Add add = {ns, name, location, 0, ERR_OK};
    Error err;

    if (registry_write(registry, add_entry, &add, &err) < 0)
        fail_msg("%s", err.message);
    return add.id;
}

static void namespace_(const char *path)
{
    Error err;

    if (registry_write(registry, add_namespace, (void *)(uintptr_t)path, &err) < 0)
        fail_msg("%s", err.message);
}

static void refused(RegistryJob job, const void *arg, ErrCode code, const char *message)
{
    Error err = {0};

    assert_int_equal(registry_write(registry, job, (void *)(uintptr_t)arg, &err), -1);
    assert_string_equal(err.message, message);
    assert_int_equal(err.code, code);
}

static int collect(void *arg, Str name, Error *err)
{
    Buf *out = arg;

    buf_add(out, name);
    return buf_putc(out, ' ');
}

/* ---- namespaces and entries ---- */

static void namespaces(void **state)
{
    Buf out = BUF_INIT(1000);
    RegNamespace ns;
    Error err;

    namespace_("a");
    namespace_("b");
    namespace_("a\x1f"
               "x");
    namespace_("a\x1f"
               "x\x1f"
               "deep");
    refused(add_namespace, "a", ERR_NAMESPACE_EXISTS, "Namespace already exists: a");
    refused(add_namespace,
            "c\x1f"
            "x",
            ERR_NO_SUCH_NAMESPACE, "Namespace does not exist: c");
    refused(drop_namespace,
            "a\x1f"
            "x",
            ERR_NAMESPACE_NOT_EMPTY, "Namespace a.x is not empty. It holds namespaces.");
    refused(drop_namespace, "q", ERR_NO_SUCH_NAMESPACE, "Namespace does not exist: q");
    assert_int_equal(reg_find_namespace(conn,
                                        STR("a\x1f"
                                            "x"),
                                        arena, &ns, &err),
                     0);
    assert_true(str_is(ns.properties, "{}"));
    assert_int_equal(reg_list_namespaces(conn, STR(""), STR(""), 10, collect, &out, &err), 0);
    assert_string_equal(out.data, "a b ");
    buf_clear(&out);
    assert_int_equal(reg_list_namespaces(conn, STR("a"), STR(""), 10, collect, &out, &err), 0);
    assert_string_equal(out.data, "a\x1f"
                                  "x ");
    table("b", "t", NULL);
    refused(drop_namespace, "b", ERR_NAMESPACE_NOT_EMPTY, "Namespace b is not empty. It holds tables.");
    buf_free(&out);
}

typedef struct Swap {
    int64_t id;
    const char *from, *to;
    bool swapped;
} Swap;

static int swap(RegConn *c, void *arg, Error *err)
{
    Swap *s = arg;
    return reg_swap_entry(c, s->id, str_from(s->from), str_from(s->to), 1, &s->swapped, err);
}

static void pointers(void **state)
{
    RegEntry entry;
    Error err;

    namespace_("n");
    int64_t id = table("n", "t", NULL);
    Swap good = {id, "m0", "m1", false}, late = {id, "m0", "m2", true};
    assert_int_equal(registry_write(registry, swap, &good, &err), 0);
    assert_true(good.swapped);
    assert_int_equal(registry_write(registry, swap, &late, &err), 0);
    assert_false(late.swapped);
    assert_int_equal(reg_find_entry_by_path(conn, STR("n"), STR("t"), arena, &entry, &err), 0);
    assert_true(entry.id == id && entry.version == 1 && str_is(entry.metadata_location, "m1"));
    assert_int_equal(reg_find_entry_by_path(conn, STR("n"), STR("T"), arena, &entry, &err), 0);
    assert_true(entry.id == 0);
}

/* A job that fails leaves nothing, whatever it did before; the others of its group are not touched. */
static void failed_jobs(void **state)
{
    Add add = {"n", "t", "s3://b/n/t/", 0, ERR_VALIDATION};
    RegEntry entry;
    RegLocation location;
    Error err;

    namespace_("n");
    refused(add_entry, &add, ERR_VALIDATION, "on purpose");
    assert_int_equal(reg_find_entry_by_path(conn, STR("n"), STR("t"), arena, &entry, &err), 0);
    assert_true(entry.id == 0);
    assert_int_equal(reg_find_owner(conn, STR("s3://b/n/t/"), REG_LOCATION_PURGED, 0, arena, &location, &err),
                     0);
    assert_true(location.id == 0);
}

static void full_disk(void **state)
{
    Add add = {"n", "t", NULL, 0, ERR_OK};
    Error err;

    namespace_("n");
    fault_arm_for_test("fs.sqlite_write:1:full");
    assert_int_equal(registry_write(registry, add_entry, &add, &err), -1);
    assert_int_equal(err.code, ERR_DISK_FULL);
    fault_arm_for_test(NULL);
    assert_false(registry_has_failed(registry));
    table("n", "t", NULL); /* it goes on when there is room again */
}

static void *write_many(void *arg)
{
    char name[32];

    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "t%d-%d", *(int *)arg, i);
        table("n", name, NULL);
    }
    return NULL;
}

static void groups(void **state)
{
    pthread_t threads[8];
    int numbers[8];
    int64_t n;
    Error err;

    namespace_("n");
    for (int i = 0; i < 8; i++) {
        numbers[i] = i;
        assert_int_equal(thread_start(&threads[i], "test", write_many, &numbers[i], &err), 0);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(reg_count_tables(conn, &n, &err), 0);
    assert_int_equal(n, 400);
}

static void survives(void **state)
{
    RegEntry entry;
    Error err;

    namespace_("n");
    table("n", "t", NULL);
    registry_return(registry, conn);
    registry_close(registry);
    assert_int_equal(registry_open(folder, &registry, &err), 0);
    conn = registry_borrow(registry, &err);
    assert_int_equal(reg_find_entry_by_path(conn, STR("n"), STR("t"), arena, &entry, &err), 0);
    assert_true(entry.id != 0);
}

/* ---- locations ---- */

static bool overlaps(const char *uri, RegLocationState max_state, int64_t except)
{
    RegLocation location;
    Error err;

    assert_int_equal(reg_find_overlap(conn, str_from(uri), max_state, except, arena, &location, &err), 0);
    return location.id != 0;
}

typedef struct Release {
    int64_t entry, purge;
    RegLocationState state;
} Release;

static int release(RegConn *c, void *arg, Error *err)
{
    Release *r = arg;

    if (r->state == REG_LOCATION_PURGING && reg_add_purge(c, STR("m"), &r->purge, err) < 0)
        return -1;
    return reg_release_locations(c, r->entry, r->state, r->purge, err) < 0
               ? -1
               : reg_remove_entry(c, r->entry, err);
}

static int end_purge(RegConn *c, void *arg, Error *err)
{
    return reg_end_purge(c, *(int64_t *)arg, err);
}

static void locations(void **state)
{
    namespace_("n");
    int64_t id = table("n", "t", "s3://b/n/t/");

    assert_true(overlaps("s3://b/n/t/", REG_LOCATION_LIVE, 0));
    assert_true(overlaps("s3://b/n/t/inside/", REG_LOCATION_LIVE, 0));
    assert_true(overlaps("s3://b/n/", REG_LOCATION_LIVE, 0));
    assert_true(overlaps("s3://b/", REG_LOCATION_LIVE, 0));
    assert_false(overlaps("s3://b/n/t2/", REG_LOCATION_LIVE, 0));
    assert_false(overlaps("s3://b/n/t-1/", REG_LOCATION_LIVE, 0));
    assert_false(overlaps("s3://b/m/", REG_LOCATION_LIVE, 0));
    assert_false(overlaps("s3://b/n/t/", REG_LOCATION_LIVE, id));
    Release kept = {id, 0, REG_LOCATION_KEPT};
    Error err;
    assert_int_equal(registry_write(registry, release, &kept, &err), 0);
    assert_false(overlaps("s3://b/n/t/", REG_LOCATION_PURGING, 0));
    assert_true(overlaps("s3://b/n/t/", REG_LOCATION_PURGED, 0));
}

static bool may_purge(int64_t purge, const char *uri)
{
    bool may;
    Error err;

    assert_int_equal(reg_may_purge(conn, purge, str_from(uri), &may, &err), 0);
    return may;
}

static void purges(void **state)
{
    RegPurge purge;
    Error err;

    namespace_("n");
    int64_t id = table("n", "t", "s3://b/n/t/");
    table("n", "other", "s3://b/n/other/");
    Release r = {id, 0, REG_LOCATION_PURGING};
    assert_int_equal(registry_write(registry, release, &r, &err), 0);
    table("n", "inner", "s3://b/n/t/inner/");
    assert_true(may_purge(r.purge, "s3://b/n/t/data/x.parquet"));
    assert_false(may_purge(r.purge, "s3://b/n/other/data/x.parquet"));
    assert_false(may_purge(r.purge, "s3://b/n/t2/x.parquet"));
    assert_false(may_purge(r.purge, "s3://b/n/t/inner/x.parquet")); /* given to another meanwhile */
    assert_int_equal(reg_next_purge(conn, 0, arena, &purge, &err), 0);
    assert_true(purge.id == r.purge && str_is(purge.metadata_location, "m"));
    assert_true(overlaps("s3://b/n/t/", REG_LOCATION_PURGING, 0));
    assert_int_equal(registry_write(registry, end_purge, &r.purge, &err), 0);
    assert_int_equal(reg_next_purge(conn, 0, arena, &purge, &err), 0);
    assert_true(purge.id == 0);
    assert_false(may_purge(r.purge, "s3://b/n/t/data/x.parquet"));
}

/* ---- replies ---- */

static int add_reply(RegConn *c, void *arg, Error *err)
{
    RegReply reply = {.status = 200, .fingerprint = UINT64_MAX - 5, .body = STR("{}")};
    return reg_add_reply(c, str_from(arg), &reply, err);
}

static int expire(RegConn *c, void *arg, Error *err)
{
    return reg_expire_replies(c, *(int64_t *)arg, 100, err);
}

static void replies(void **state)
{
    RegReply reply;
    Error err;
    int64_t before;

    clock_set_for_test(1000 * 1000);
    assert_int_equal(registry_write(registry, add_reply, (void *)(uintptr_t) "old", &err), 0);
    clock_set_for_test(5000 * 1000);
    assert_int_equal(registry_write(registry, add_reply, (void *)(uintptr_t) "new", &err), 0);
    clock_set_for_test(-1);
    assert_int_equal(registry_write(registry, add_reply, (void *)(uintptr_t) "new", &err), -1);
    assert_int_equal(reg_find_reply(conn, STR("old"), arena, &reply, &err), 0);
    assert_true(reply.found && reply.fingerprint == UINT64_MAX - 5 && str_is(reply.body, "{}") &&
                !reply.metadata_location.ptr);
    before = 3000;
    assert_int_equal(registry_write(registry, expire, &before, &err), 0);
    assert_int_equal(reg_find_reply(conn, STR("old"), arena, &reply, &err), 0);
    assert_false(reply.found);
    assert_int_equal(reg_find_reply(conn, STR("new"), arena, &reply, &err), 0);
    assert_true(reply.found);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(namespaces), TEST(pointers),  TEST(failed_jobs), TEST(full_disk), TEST(groups),
        TEST(survives),   TEST(locations), TEST(purges),      TEST(replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
