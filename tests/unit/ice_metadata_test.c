/* ice_metadata_test.c - documents in and out (iceberg/metadata.h) */
#include "ice_testing.h"

static const char v2[] =
    "{'format-version':2,'table-uuid':'6f1b1f0e-4f0e-4f5a-9d8e-111111111111','location':'s3://b/"
    "t','last-sequence-number':2,"
    "'last-updated-ms':1700000000000,'last-column-id':2,'current-schema-id':1,'schemas':["
    "{'type':'struct','schema-id':0,'fields':[{'id':1,'name':'a','required':true,'type':'long'}]},"
    "{'type':'struct','schema-id':1,'fields':[{'id':1,'name':'a','required':true,'type':'long'},"
    "{'id':2,'name':'day','required':false,'type':'date'}]}],"
    "'default-spec-id':0,'partition-specs':[{'spec-id':0,'fields':[{'name':'day','transform':'identity','"
    "source-id':2,"
    "'field-id':1000}]}],'last-partition-id':1000,'default-sort-order-id':0,'sort-orders':[{'order-id':0,'"
    "fields':[]}],"
    "'properties':{'owner':'me','write.format.default':'parquet'},'current-snapshot-id':22,"
    "'refs':{'main':{'snapshot-id':22,'type':'branch'},'old':{'snapshot-id':11,'type':'tag','max-ref-age-ms':"
    "5}},"
    "'snapshots':[{'sequence-number':1,'snapshot-id':11,'timestamp-ms':1600000000000,'summary':{'operation':'"
    "append',"
    "'added-records':'3'},'manifest-list':'s3://b/t/metadata/snap-11.avro','schema-id':0},"
    "{'sequence-number':2,'snapshot-id':22,'parent-snapshot-id':11,'timestamp-ms':1600000001000,'summary':{'"
    "operation':'delete'},"
    "'manifest-list':'s3://b/t/metadata/snap-22.avro','schema-id':1}],"
    "'statistics':[{'snapshot-id':11,'statistics-path':'s3://b/t/metadata/s.puffin','file-size-in-bytes':4,"
    "'file-footer-size-in-bytes':2,'blob-metadata':[]}],'partition-statistics':[],"
    "'snapshot-log':[{'timestamp-ms':1600000000000,'snapshot-id':11},{'timestamp-ms':1600000001000,'snapshot-"
    "id':22}],"
    "'metadata-log':[{'timestamp-ms':1600000000000,'metadata-file':'s3://b/t/metadata/"
    "00000-a.metadata.json'}],"
    "'made-by':{'name':'someone else'}}";

/* Everything is kept, also what the model does not know. */
static void v2_round_trip(void **state)
{
    const TableMetadata *m = parsed(v2);

    assert_string_equal(written(m), quoted(v2).ptr);
    assert_int_equal(m->n_snapshots, 2);
    assert_true(metadata_current_snapshot(m)->snapshot_id == 22);
    assert_true(metadata_ref(m, STR("old"))->is_tag);
    assert_true(str_is(metadata_property(m, "owner", STR("")), "me"));
    assert_true(str_is(metadata_property(m, "nothing", STR("d")), "d"));
    assert_int_equal(metadata_current_schema(m)->n_fields, 2);
}

static void refs_only(void **state)
{
    Buf out = BUF_INIT(1 << 20);
    JsonWriter w = JSON_WRITER(&out);
    const TableMetadata *m = applied(parsed(v2), NULL, "[{'action':'remove-snapshot-ref','ref-name':'old'}]");

    metadata_write(&w, m, true);
    assert_true(str_find(buf_str(&out), STR("\"snapshot-id\":22,\"parent-snapshot-id\"")) > 0);
    assert_true(str_find(buf_str(&out), STR("snap-11.avro")) < 0);
    assert_true(str_find(buf_str(&out), STR("\"timestamp-ms\":1600000000000,\"snapshot-id\":11")) >
                0); /* the log stays */
    buf_free(&out);
}

static const char v1[] =
    "{'format-version':1,'location':'s3://b/t/','last-updated-ms':1600000000000,'last-column-id':1,"
    "'schema':{'type':'struct','fields':[{'id':1,'name':'a','required':true,'type':'long'}]},"
    "'partition-spec':[{'name':'a_bucket','transform':'bucket[4]','source-id':1}],'properties':{},'current-"
    "snapshot-id':5,"
    "'snapshots':[{'snapshot-id':5,'timestamp-ms':1500000000000,'manifests':['s3://b/t/m1.avro']}]}";

static void v1_is_completed(void **state)
{
    const TableMetadata *m = parsed(v1);

    assert_int_equal(m->format_version, 1);
    assert_true(str_is(m->location, "s3://b/t"));
    assert_int_equal(m->n_schemas, 1);
    assert_int_equal(metadata_default_spec(m)->fields[0].field_id, 1000);
    assert_int_equal(m->last_partition_id, 1000);
    assert_int_equal(metadata_default_sort_order(m)->order_id, 0);
    assert_true(metadata_ref(m, STR("main"))->snapshot_id == 5);
    assert_true(strstr(written(m), "\"manifests\":[\"s3://b/t/m1.avro\"]") != NULL);
    assert_true(strstr(written(m), "\"partition-spec\":[{\"name\":\"a_bucket\"") != NULL);
    assert_true(strstr(written(m), "last-sequence-number") == NULL);
    /* what is written is read again */
    assert_string_equal(written(parsed(written(m))), written(m));
}

static void v3_members(void **state)
{
    const TableMetadata *m = parsed("{'format-version':3,'table-uuid':'6f1b1f0e-4f0e-4f5a-9d8e-111111111111',"
                                    "'location':'s3://b/t','last-sequence-number':0,"
                                    "'last-updated-ms':1,'last-column-id':1,'next-row-id':7,'current-schema-"
                                    "id':0,'schemas':[{'type':'struct','schema-id':0,"
                                    "'fields':[{'id':1,'name':'v','required':false,'type':'variant'}]}],'"
                                    "default-spec-id':0,'partition-specs':[{'spec-id':0,"
                                    "'fields':[]}],'last-partition-id':999,'default-sort-order-id':0,'sort-"
                                    "orders':[{'order-id':0,'fields':[]}],"
                                    "'encryption-keys':[{'key-id':'k','encrypted-key-metadata':'eA=='}]}");

    assert_true(m->next_row_id == 7);
    assert_true(strstr(written(m), "\"current-snapshot-id\":null") != NULL);
    assert_true(strstr(written(m), "\"encryption-keys\":[{\"key-id\":\"k\"") != NULL);
    assert_true(
        strstr(
            written(m),
            "\"refs\":{},\"snapshots\":[],\"statistics\":[],\"partition-statistics\":[],\"snapshot-log\":[],"
            "\"metadata-log\":[]") != NULL);
}

/* The document with one piece of it replaced. */
static void broken(const char *piece, const char *by, const char *message)
{
    Str whole = quoted(v2), old = quoted(piece);
    ptrdiff_t at = str_find(whole, old);
    const TableMetadata *m;
    Error err = {0};

    assert_true(at >= 0);
    Str text = arena_printf(arena, "%.*s%s%.*s", (int)at, whole.ptr, quoted(by).ptr,
                            STR_ARG(str_slice(whole, (size_t)at + old.len, whole.len)));
    assert_int_equal(metadata_parse(text, arena, &m, &err), -1);
    assert_string_equal(err.message, message);
    assert_int_equal(err.code, ERR_ICEBERG_INVALID_METADATA);
}

static void refusals(void **state)
{
    broken("'format-version':2", "'format-version':4",
           "table metadata: Cannot read unsupported version 4 (supported: 1 to 3)");
    broken("'table-uuid':'6f1b1f0e-4f0e-4f5a-9d8e-111111111111',", "",
           "table metadata: table-uuid is required in format v2");
    broken("'current-schema-id':1", "'current-schema-id':7",
           "table metadata: Cannot find schema with current-schema-id=7 from schemas");
    broken("'schemas':[", "'no':[", "table metadata: schemas must exist in format v2");
    broken("'partition-specs':[", "'no':[", "table metadata: partition-specs must exist in format v2");
    broken("'last-partition-id':1000,", "", "table metadata: last-partition-id must exist in format v2");
    broken("'sort-orders':[", "'no':[", "table metadata: sort-orders must exist in format v2");
    broken("'default-spec-id':0", "'default-spec-id':3",
           "table metadata: Cannot find partition spec with default-spec-id=3");
    broken("'current-snapshot-id':22", "'current-snapshot-id':23",
           "table metadata: Cannot find current snapshot 23 among the snapshots");
    broken("'current-snapshot-id':22", "'current-snapshot-id':11",
           "table metadata: Current snapshot ID does not match main branch (11 != 22)");
    broken("'snapshot-id':11,'type':'tag'", "'snapshot-id':12,'type':'tag'",
           "table metadata: Snapshot for reference old does not exist in the existing snapshots list");
    broken("'sequence-number':2,'snapshot-id':22", "'sequence-number':3,'snapshot-id':22",
           "table metadata: Invalid snapshot with sequence number 3 greater than last sequence number 2");
    broken("'snapshot-id':22,'parent", "'snapshot-id':11,'parent",
           "table metadata: snapshots: id 11 is used twice");
    broken("'owner':'me'", "'owner':1",
           "table metadata: properties: the value of \"owner\" must be a string");
    broken("'summary':{'operation':'delete'}", "'summary':{'what':'delete'}",
           "table metadata: snapshots: Cannot parse snapshot 22: the summary has no operation");
}

static IceSchema *three_columns(void)
{
    IceSchema *s;
    Error err;

    assert_int_equal(
        ice_schema_parse(json("{'type':'struct','schema-id':5,'fields':["
                              "{'id':10,'name':'k','required':true,'type':'long'},"
                              "{'id':20,'name':'s','required':false,'type':{'type':'struct','fields':["
                              "{'id':21,'name':'t','required':false,'type':'timestamp'}]}},"
                              "{'id':30,'name':'d','required':false,'type':'date'}]}"),
                         arena, &s, &err),
        0);
    return s;
}

static void new_table(void **state)
{
    IcePartitionSpec *spec;
    IceSortOrder *order;
    const TableMetadata *m;
    Error err;
    IceProperty properties[] = {
        {STR("format-version"), STR("2")}, {STR("owner"), STR("x")}, {STR("uuid"), STR("y")}};

    assert_int_equal(ice_spec_parse(json("{'fields':[{'source-id':21,'transform':'month','name':'t_month'},"
                                         "{'source-id':30,'transform':'identity','name':'d'}]}"),
                                    arena, &spec, &err),
                     0);
    assert_int_equal(
        ice_sort_order_parse(
            json("{'order-id':7,'fields':[{'source-id':10,'transform':'identity','direction':'asc',"
                 "'null-order':'nulls-first'}]}"),
            arena, &order, &err),
        0);
    NewTable table = {STR("s3://b/ns/t/"), three_columns(), spec, order, properties, 3};
    assert_int_equal(metadata_new(&table, arena, &m, &err), 0);
    assert_int_equal(m->last_column_id, 4);
    assert_int_equal(m->current_schema_id, 0);
    assert_int_equal(m->last_partition_id, 1001);
    assert_int_equal(metadata_default_spec(m)->fields[0].source_id, 4); /* s.t: nested come last */
    assert_int_equal(metadata_default_spec(m)->fields[1].source_id, 3);
    assert_int_equal(m->default_sort_order_id, 1);
    assert_true(str_is(m->location, "s3://b/ns/t"));
    assert_true(str_is(metadata_property(m, "write.parquet.compression-codec", STR("")), "zstd"));
    assert_int_equal(m->n_properties, 2);
    assert_string_equal(written(parsed(written(m))), written(m));
}

static void new_table_refusals(void **state)
{
    IceProperty v9[] = {{STR("format-version"), STR("9")}};
    NewTable table = {STR("s3://b/t"), three_columns(), NULL, NULL, v9, 1};
    const TableMetadata *m;
    IceSchema *schema;
    IcePartitionSpec *spec;
    Error err;

    assert_int_equal(metadata_new(&table, arena, &m, &err), -1);
    assert_string_equal(err.message, "Unsupported format version: v9 (supported: v3)");
    assert_int_equal(
        ice_schema_parse(
            json("{'type':'struct','fields':[{'id':1,'name':'v','required':false,'type':'variant'}]}"), arena,
            &schema, &err),
        0);
    table = (NewTable){STR("s3://b/t"), schema, NULL, NULL, NULL, 0};
    assert_int_equal(metadata_new(&table, arena, &m, &err), -1);
    assert_string_equal(err.message,
                        "Invalid schema for v2:\n- Invalid type for v: variant is not supported until v3");
    static const struct {
        const char *spec, *message;
    } cases[] = {
        {"{'fields':[{'source-id':20,'transform':'identity','name':'p'}]}",
         "Cannot partition by non-primitive source field: struct<4: t: optional timestamp>"},
        {"{'fields':[{'source-id':30,'transform':'hour','name':'p'}]}",
         "Invalid source type date for transform: hour"},
        {"{'fields':[{'source-id':99,'transform':'hour','name':'p'}]}",
         "Cannot find source column for partition field: p"},
        {"{'fields':[{'source-id':30,'transform':'year','name':'k'}]}",
         "Cannot create partition from name that exists in schema: k"},
        {"{'fields':[{'source-id':30,'transform':'year','name':'p'},{'source-id':30,'transform':'month','"
         "name':'p'}]}",
         "Cannot use partition name more than once: p"},
        {"{'fields':[{'source-id':30,'transform':'year','name':'p'},{'source-id':30,'transform':'year','name'"
         ":'q'}]}",
         "Cannot add redundant partition: q conflicts with p"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ice_spec_parse(json(cases[i].spec), arena, &spec, &err), 0);
        table = (NewTable){STR("s3://b/t"), three_columns(), spec, NULL, NULL, 0};
        assert_int_equal(metadata_new(&table, arena, &m, &err), -1);
        assert_string_equal(err.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v2_round_trip),      cmocka_unit_test(refs_only), cmocka_unit_test(v1_is_completed),
        cmocka_unit_test(v3_members),         cmocka_unit_test(refusals),  cmocka_unit_test(new_table),
        cmocka_unit_test(new_table_refusals),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
