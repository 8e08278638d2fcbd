/* catalog_names_test.c - names, folders and pending files of the catalog */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "catalog/catalog.h"

static Arena *arena;
static char folder[64];

static int set_up(void **state)
{
    snprintf(folder, sizeof folder, "%s", "/tmp/lakehouse-names-XXXXXX");
    assert_non_null(mkdtemp(folder));
    arena = arena_new(16 << 20);
    return 0;
}

static int tear_down(void **state)
{
    Error err;

    arena_free(arena);
    return fs_remove_tree(folder, &err);
}

static void names(void **state)
{
    static const struct {
        Str raw;
        const char *path;
    } good[] = {
        {STR("a"), "a"},
        {STR("a%1Fb"), "a\x1f"
                       "b"},
        {STR("a.b%2Fc+d"), "a.b/c+d"},
        {STR("%ED%95%9C"), "\xed\x95\x9c"},
    };
    static const Str bad[] = {STR(""),     STR("%"),     STR("%zz"), STR("%00"), STR("a%1F"),
                              STR("%1Fa"), STR("a%0Ab"), STR("%ff"), STR(".."),  STR("%2E")};
    Str path;
    Error err;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(cat_namespace_of_segment(good[i].raw, arena, &path, &err), 0);
        assert_true(str_is(path, good[i].path));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(cat_namespace_of_segment(bad[i], arena, &path, &err), -1);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
    }
}

static void owned_forms(void **state)
{
    static const struct {
        const char *location, *owned;
    } cases[] = {
        {"s3://b/a/t", "s3://b/a/t/"},
        {"s3://b/a/t///", "s3://b/a/t/"},
        {"s3a://b/a", "s3://b/a/"},
        {"s3n://b/a", "s3://b/a/"},
        {"s3://b", NULL},
        {"s3://b/", NULL},
        {"file:/tmp/t", NULL},
        {"s3://b/a\nb", NULL},
        {"", NULL},
    };
    Str owned;
    Error err;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = cat_location_owned_form(str_from(cases[i].location), arena, &owned, &err);
        assert_int_equal(rc, cases[i].owned ? 0 : -1);
        if (cases[i].owned)
            assert_true(str_is(owned, cases[i].owned));
    }
}

static void file_versions(void **state)
{
    assert_int_equal(cat_metadata_file_version(STR("s3://b/t/metadata/00012-abc.metadata.json")), 12);
    assert_int_equal(cat_metadata_file_version(STR("s3://b/t/metadata/123456-abc.gz.metadata.json")), 123456);
    assert_int_equal(cat_metadata_file_version(STR("s3://b/t/metadata/v7.metadata.json")), 7);
    assert_int_equal(cat_metadata_file_version(STR("s3://b/t/metadata/last.json")), 0);
}

/* What was begun and not ended is found by the next process, also when that one did not come to clean up. */
static void pending_files(void **state)
{
    Pending *p;
    Str *uris;
    size_t n;
    Error err;

    for (int life = 0; life < 2; life++) {
        char uri[32];
        assert_int_equal(cat_pending_open(str_from(folder), &p, &err), 0);
        assert_int_equal(cat_pending_add(p, STR("s3://b/ended"), &err), 0);
        snprintf(uri, sizeof uri, "s3://b/life%d", life);
        assert_int_equal(cat_pending_add(p, str_from(uri), &err), 0);
        cat_pending_end(p, STR("s3://b/ended"));
        assert_int_equal(cat_pending_add(p, STR("s3://b/a\nb"), &err), -1);
        cat_pending_close(p);
    }
    assert_int_equal(cat_pending_open(str_from(folder), &p, &err), 0);
    assert_int_equal(cat_pending_left(p, arena, &uris, &n, &err), 0);
    assert_int_equal(n, 2);
    assert_int_equal(strncmp(uris[0].ptr, "s3://b/life", 11), 0);
    cat_pending_recovered(p);
    assert_int_equal(cat_pending_left(p, arena, &uris, &n, &err), 0);
    assert_int_equal(n, 0);
    cat_pending_close(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(names), TEST(owned_forms), TEST(file_versions),
                                       TEST(pending_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
