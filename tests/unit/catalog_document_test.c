/* catalog_document_test.c - catalog/document.h: the cache and its bounds, models that hang together */
#include "ice_testing.h"

#include "catalog/document.h"

static const char empty[] =
    "{'format-version':2,'table-uuid':'6f1b1f0e-4f0e-4f5a-9d8e-111111111111','location':'s3://b/"
    "t','last-sequence-number':0,"
    "'last-updated-ms':1,'last-column-id':1,'current-schema-id':0,'schemas':[{'type':'struct','schema-id':0,'"
    "fields':["
    "{'id':1,'name':'a','required':false,'type':'long'}]}],'default-spec-id':0,'partition-specs':[{'spec-id':"
    "0,'fields':[]}],"
    "'last-partition-id':999,'default-sort-order-id':0,'sort-orders':[{'order-id':0,'fields':[]}]}";

static Document *parse_at(const char *location)
{
    Document *d;
    Error err;

    assert_int_equal(cat_document_parse(str_from(location), quoted(empty), &d, &err), 0);
    return d;
}

static void is_canonical(void **state)
{
    Document *d = parse_at("s3://b/0");

    /* what readers demand is there though the file left it out */
    assert_true(str_find(cat_document_text(d), STR("\"snapshot-log\":[]")) > 0);
    assert_true(str_is(cat_document_location(d), "s3://b/0"));
    cat_document_unref(d);
    Error err;
    assert_int_equal(cat_document_parse(STR("s3://b/x"), STR("{}"), &d, &err), -1);
    assert_int_equal(err.code, ERR_ICEBERG_INVALID_METADATA);
}

static void refs_text(void **state)
{
    Document *d = parse_at("s3://b/0"), *e;
    const TableMetadata *base, *next;
    Str refs;
    Error err;

    assert_int_equal(cat_document_table(d, &base, &err), 0);
    next = applied(
        base, NULL,
        "[{'action':'add-snapshot','snapshot':{'snapshot-id':1,'sequence-number':1,'timestamp-ms':5,"
        "'summary':{'operation':'append'},'manifest-list':'one'}},{'action':'add-snapshot','snapshot':{'"
        "snapshot-id':2,"
        "'sequence-number':2,'timestamp-ms':6,'summary':{'operation':'append'},'manifest-list':'two'}},"
        "{'action':'set-snapshot-ref','ref-name':'main','type':'branch','snapshot-id':2}]");
    assert_int_equal(cat_document_new(STR("s3://b/1"), next, &e, &err), 0);
    assert_int_equal(cat_document_refs_text(e, &refs, &err), 0);
    assert_true(str_find(cat_document_text(e), STR("\"one\"")) > 0);
    assert_true(str_find(refs, STR("\"one\"")) < 0 && str_find(refs, STR("\"two\"")) > 0);
    cat_document_unref(e);
    cat_document_unref(d);
}

/* A long line of commits: each model points into the ones before, and memory is let go of now and then. */
static void chain(void **state)
{
    Document *d = parse_at("s3://b/0");
    const TableMetadata *table;
    char text[128];
    Error err;

    for (int i = 0; i < 100; i++) {
        Arena *own = arena_new(1 << 20);
        const Json *updates;
        const TableMetadata *next;
        Document *e;
        assert_int_equal(cat_document_table(d, &table, &err), 0);
        snprintf(text, sizeof text, "[{\"action\":\"set-properties\",\"updates\":{\"p%d\":\"v%d\"}}]", i, i);
        assert_int_equal(json_parse(str_from(text), own, &updates, &err), 0);
        snprintf(text, sizeof text, "s3://b/%d", i);
        assert_int_equal(metadata_apply(table, str_from(text), NULL, updates, own, &next, &err), 0);
        snprintf(text, sizeof text, "s3://b/%d", i + 1);
        assert_int_equal(cat_document_new(str_from(text), next, &e, &err), 0);
        cat_document_set_model(e, next, own, d);
        cat_document_unref(d); /* only its model is still held */
        d = e;
    }
    assert_int_equal(cat_document_table(d, &table, &err), 0);
    assert_int_equal(table->n_properties, 100);
    assert_true(str_is(metadata_property(table, "p0", STR("")), "v0"));
    assert_int_equal(table->n_metadata_log, 100);
    assert_true(str_is(table->metadata_log[0].metadata_file, "s3://b/0"));
    cat_document_unref(d);
}

static void cache(void **state)
{
    DocumentCache *c = cat_document_cache_new(64 << 10);
    Document *d, *first = parse_at("s3://b/0");
    char location[32];
    size_t kept = 0;

    cat_document_cache_put(c, first);
    assert_ptr_equal(d = cat_document_cache_get(c, STR("s3://b/0")), first);
    cat_document_unref(d);
    assert_null(cat_document_cache_get(c, STR("s3://b/1")));
    for (int i = 1; i < 50; i++) {
        snprintf(location, sizeof location, "s3://b/%d", i);
        Document *e = parse_at(location);
        cat_document_cache_put(c, e);
        cat_document_unref(e);
        if ((d = cat_document_cache_get(c, STR("s3://b/0")))) /* used, so it stays */
            cat_document_unref(d);
    }
    for (int i = 0; i < 50; i++) {
        snprintf(location, sizeof location, "s3://b/%d", i);
        if ((d = cat_document_cache_get(c, str_from(location)))) {
            kept++;
            cat_document_unref(d);
        }
    }
    assert_true(kept > 1 && kept < 40);
    assert_non_null(d = cat_document_cache_get(c, STR("s3://b/0")));
    cat_document_unref(d);
    cat_document_cache_remove(c, STR("s3://b/0"));
    assert_null(cat_document_cache_get(c, STR("s3://b/0")));
    cat_document_cache_free(c);
    assert_true(str_is(cat_document_location(first), "s3://b/0")); /* a reference outlives the cache */
    cat_document_unref(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_canonical),
        cmocka_unit_test(refs_text),
        cmocka_unit_test(chain),
        cmocka_unit_test(cache),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
