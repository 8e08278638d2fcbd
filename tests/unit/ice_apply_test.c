/* ice_apply_test.c - metadata_apply(): every update, every requirement (iceberg/metadata.h) */
#include "ice_testing.h"

/* Two columns, unpartitioned, no snapshot; made by updates alone as a create transaction does. */
static const TableMetadata *empty_table(int version)
{
    char updates[1200];

    snprintf(updates, sizeof updates,
             "[{'action':'assign-uuid','uuid':'6f1b1f0e-4f0e-4f5a-9d8e-111111111111'},"
             "{'action':'upgrade-format-version','format-version':%d},"
             "{'action':'add-schema','schema':{'type':'struct','schema-id':0,'fields':["
             "{'id':1,'name':'a','required':true,'type':'long'},{'id':2,'name':'d','required':false,'type':'"
             "date'}]}},"
             "{'action':'set-current-schema','schema-id':-1},{'action':'add-spec','spec':{'spec-id':0,'"
             "fields':[]}},"
             "{'action':'set-default-spec','spec-id':-1},{'action':'add-sort-order','sort-order':{'order-id':"
             "0,'fields':[]}},"
             "{'action':'set-default-sort-order','sort-order-id':-1},{'action':'set-location','location':'s3:"
             "//b/t'},"
             "{'action':'set-properties','updates':{'owner':'me'}}]",
             version);
    return applied(NULL, "[{'type':'assert-create'}]", updates);
}

#define SNAPSHOT(id, parent, seq, more)                                                                      \
    "{'action':'add-snapshot','snapshot':{'snapshot-id':" #id "," parent "'sequence-number':" #seq           \
    ",'timestamp-ms':17000000" #id "0000,"                                                                   \
    "'summary':{'operation':'append'},'manifest-list':'s3://b/t/metadata/snap-" #id                          \
    ".avro','schema-id':0" more "}}"
#define MAIN(id) "{'action':'set-snapshot-ref','ref-name':'main','type':'branch','snapshot-id':" #id "}"

static void create(void **state)
{
    const TableMetadata *m = empty_table(2);

    assert_int_equal(m->format_version, 2);
    assert_int_equal(m->last_column_id, 2);
    assert_int_equal(m->n_schemas, 1);
    assert_true(m->current_snapshot_id == -1);
    assert_int_equal(m->n_metadata_log, 0);
    assert_string_equal(written(parsed(written(m))), written(m));
    refused(m, "[{'type':'assert-create'}]", "[]", ERR_COMMIT_FAILED,
            "Requirement failed: table already exists");
    refused(NULL, "[{'type':'assert-create'}]", "[]", ERR_BAD_REQUEST,
            "Cannot create a table without a current schema");
    refused(NULL, "[{'type':'assert-create'},{'type':'assert-table-uuid','uuid':'x'}]", "[]", ERR_BAD_REQUEST,
            "Invalid create requirements: assert-table-uuid beside assert-create");
}

/* The format version holds for the whole request, also for what stands before it. */
static void create_any_version(void **state)
{
    static const char updates[] =
        "[{'action':'add-schema','schema':{'type':'struct','fields':["
        "{'id':1,'name':'v','required':false,'type':'%s'}]}},{'action':'set-current-schema','schema-id':-1},"
        "{'action':'set-location','location':'s3://b/t'},"
        "{'action':'upgrade-format-version','format-version':%d}]";
    char text[600];

    snprintf(text, sizeof text, updates, "variant", 3);
    assert_int_equal(applied(NULL, "[{'type':'assert-create'}]", text)->format_version, 3);
    snprintf(text, sizeof text, updates, "int", 1);
    assert_int_equal(applied(NULL, "[{'type':'assert-create'}]", text)->format_version, 1);
    snprintf(text, sizeof text, updates, "variant", 2);
    refused(NULL, "[{'type':'assert-create'}]", text, ERR_BAD_REQUEST,
            "Invalid schema for v2:\n- Invalid type for v: variant is not supported until v3");
}

static void no_change(void **state)
{
    const TableMetadata *m = empty_table(2);

    assert_ptr_equal(applied(m, NULL, NULL), m);
    assert_ptr_equal(applied(m, "[]", "[]"), m);
    assert_ptr_equal(applied(m, NULL,
                             "[{'action':'set-properties','updates':{'owner':'me'}},"
                             "{'action':'remove-properties','removals':['other']},"
                             "{'action':'set-location','location':'s3://b/t/'},"
                             "{'action':'upgrade-format-version','format-version':2},"
                             "{'action':'remove-snapshots','snapshot-ids':[7]},"
                             "{'action':'remove-snapshot-ref','ref-name':'x'},"
                             "{'action':'remove-statistics','snapshot-id':7}]"),
                     m);
}

static void requirements(void **state)
{
    const TableMetadata *m =
        applied(empty_table(2), NULL,
                "[" SNAPSHOT(11, "", 1, "") "," MAIN(11) ",{'action':'set-snapshot-ref',"
                                                         "'ref-name':'v1','type':'tag','snapshot-id':11}]");
    static const char ok[] =
        "[{'type':'assert-table-uuid','uuid':'6F1B1F0E-4f0e-4f5a-9d8e-111111111111'},"
        "{'type':'assert-ref-snapshot-id','ref':'main','snapshot-id':11},"
        "{'type':'assert-ref-snapshot-id','ref':'none','snapshot-id':null},{'type':'assert-last-assigned-"
        "field-id',"
        "'last-assigned-field-id':2},{'type':'assert-current-schema-id','current-schema-id':0},"
        "{'type':'assert-last-assigned-partition-id','last-assigned-partition-id':999},"
        "{'type':'assert-default-spec-id','default-spec-id':0},{'type':'assert-default-sort-order-id','"
        "default-sort-order-id':0}]";
    assert_ptr_equal(applied(m, ok, "[]"), m);
    refused(m, "[{'type':'assert-table-uuid','uuid':'z'}]", "[]", ERR_COMMIT_FAILED,
            "Requirement failed: UUID does not match: expected 6f1b1f0e-4f0e-4f5a-9d8e-111111111111 != z");
    refused(m, "[{'type':'assert-ref-snapshot-id','ref':'main','snapshot-id':12}]", "[]", ERR_COMMIT_FAILED,
            "Requirement failed: branch main has changed: expected id 12 != 11");
    refused(m, "[{'type':'assert-ref-snapshot-id','ref':'v1','snapshot-id':null}]", "[]", ERR_COMMIT_FAILED,
            "Requirement failed: tag v1 was created concurrently");
    refused(m, "[{'type':'assert-ref-snapshot-id','ref':'b','snapshot-id':3}]", "[]", ERR_COMMIT_FAILED,
            "Requirement failed: branch or tag b is missing, expected 3");
    refused(m, "[{'type':'assert-last-assigned-field-id','last-assigned-field-id':1}]", "[]",
            ERR_COMMIT_FAILED, "Requirement failed: last assigned field id changed: expected id 1 != 2");
    refused(m, "[{'type':'assert-current-schema-id','current-schema-id':1}]", "[]", ERR_COMMIT_FAILED,
            "Requirement failed: current schema changed: expected id 1 != 0");
    refused(m, "[{'type':'assert-last-assigned-partition-id','last-assigned-partition-id':1}]", "[]",
            ERR_COMMIT_FAILED,
            "Requirement failed: last assigned partition id changed: expected id 1 != 999");
    refused(m, "[{'type':'assert-default-spec-id','default-spec-id':1}]", "[]", ERR_COMMIT_FAILED,
            "Requirement failed: default partition spec changed: expected id 1 != 0");
    refused(m, "[{'type':'assert-default-sort-order-id','default-sort-order-id':1}]", "[]", ERR_COMMIT_FAILED,
            "Requirement failed: default sort order changed: expected id 1 != 0");
    /* what is unknown is refused before anything else is looked at */
    refused(m, "[{'type':'assert-current-schema-id','current-schema-id':1},{'type':'assert-weather'}]", "[]",
            ERR_BAD_REQUEST, "Cannot check unknown requirement: assert-weather");
}

static void unknown_updates(void **state)
{
    const TableMetadata *m = empty_table(2);

    refused(m, NULL, "[{'action':'make-coffee'}]", ERR_BAD_REQUEST,
            "Cannot apply unknown update action: make-coffee");
    refused(m, NULL, "[{'act':'x'}]", ERR_BAD_REQUEST, "updates[0]: \"action\" is missing");
    refused(m, NULL, "{}", ERR_BAD_REQUEST, "updates: expected an array");
}

static void schemas(void **state)
{
    const TableMetadata *m = empty_table(2);
    const TableMetadata *added =
        applied(m, NULL,
                "[{'action':'add-schema','last-column-id':3,'schema':{'type':'struct','schema-id':9,"
                "'fields':[{'id':1,'name':'a','required':true,'type':'long'},"
                "{'id':3,'name':'n','required':false,'type':'string'}]}},"
                "{'action':'set-current-schema','schema-id':-1}]");

    assert_int_equal(added->n_schemas, 2);
    assert_int_equal(added->current_schema_id, 1); /* the id is the table's, not the request's */
    assert_int_equal(added->last_column_id, 3);
    assert_int_equal(added->n_metadata_log, 1);
    /* the same schema again is the old one */
    const TableMetadata *back = applied(added, NULL,
                                        "[{'action':'add-schema','schema':{'type':'struct','fields':["
                                        "{'id':1,'name':'a','required':true,'type':'long'},"
                                        "{'id':2,'name':'d','required':false,'type':'date'}]}},"
                                        "{'action':'set-current-schema','schema-id':-1}]");
    assert_int_equal(back->n_schemas, 2);
    assert_int_equal(back->current_schema_id, 0);
    const TableMetadata *removed = applied(back, NULL, "[{'action':'remove-schemas','schema-ids':[1]}]");
    assert_int_equal(removed->n_schemas, 1);
    refused(back, NULL, "[{'action':'remove-schemas','schema-ids':[0,1]}]", ERR_BAD_REQUEST,
            "Cannot remove the current schema");
    refused(m, NULL, "[{'action':'set-current-schema','schema-id':4}]", ERR_BAD_REQUEST,
            "Cannot set current schema to unknown schema: 4");
    refused(m, NULL, "[{'action':'set-current-schema','schema-id':-1}]", ERR_VALIDATION,
            "Cannot set last added schema: no schema has been added");
    refused(m, NULL,
            "[{'action':'add-schema','schema':{'type':'struct','fields':["
            "{'id':1,'name':'t','required':false,'type':'timestamp_ns'},"
            "{'id':2,'name':'i','required':false,'type':'int','initial-default':4}]}}]",
            ERR_BAD_REQUEST,
            "Invalid schema for v2:\n- Invalid type for t: timestamp_ns is not supported until v3\n"
            "- Invalid initial default for i: non-null default is not supported until v3");
    /* deprecated, and sent too low by clients that deleted a column */
    assert_int_equal(
        applied(m, NULL,
                "[{'action':'add-schema','last-column-id':1,'schema':{'type':'struct','fields':[]}}]")
            ->last_column_id,
        2);
    assert_int_equal(
        applied(m, NULL,
                "[{'action':'add-schema','last-column-id':9,'schema':{'type':'struct','fields':[]}}]")
            ->last_column_id,
        9);
}

static void defaults(void **state)
{
    const TableMetadata *m = empty_table(3);
    static const char ok[] =
        "[{'action':'add-schema','schema':{'type':'struct','fields':["
        "{'id':3,'name':'i','required':true,'type':'int','initial-default':4,'write-default':5},"
        "{'id':4,'name':'d','required':false,'type':'decimal(5,2)','write-default':'1.50'},"
        "{'id':5,'name':'t','required':false,'type':'timestamptz','write-default':'2020-01-01T10:00:00+00:00'"
        "},"
        "{'id':6,'name':'u','required':false,'type':'unknown'},"
        "{'id':7,'name':'b','required':false,'type':'binary','write-default':'00ff'}]}}]";
    assert_int_equal(applied(m, NULL, ok)->n_schemas, 2);
    refused(m, NULL,
            "[{'action':'add-schema','schema':{'type':'struct','fields':["
            "{'id':3,'name':'i','required':true,'type':'int','initial-default':'4'},"
            "{'id':4,'name':'d','required':false,'type':'decimal(5,2)','write-default':'1.5'}]}}]",
            ERR_BAD_REQUEST,
            "Invalid schema for v3:\n- Invalid initial default for i: no value of type int\n"
            "- Invalid write default for d: no value of type decimal(5, 2)");
}

static void specs(void **state)
{
    const TableMetadata *m = empty_table(2);
    const TableMetadata *p =
        applied(m, NULL,
                "[{'action':'add-spec','spec':{'spec-id':7,'fields':[{'source-id':2,'transform':'month',"
                "'name':'d_month','field-id':1000}]}},{'action':'set-default-spec','spec-id':-1}]");

    assert_int_equal(p->default_spec_id, 1);
    assert_int_equal(p->last_partition_id, 1000);
    /* ids are given by the table where the client leaves them out: known fields keep theirs */
    const TableMetadata *q =
        applied(p, NULL,
                "[{'action':'add-spec','spec':{'fields':[{'source-id':1,'transform':'bucket[8]',"
                "'name':'b'},{'source-id':2,'transform':'month','name':'renamed'}]}},"
                "{'action':'set-default-spec','spec-id':-1}]");
    assert_int_equal(metadata_default_spec(q)->fields[0].field_id, 1001);
    assert_int_equal(metadata_default_spec(q)->fields[1].field_id, 1000);
    assert_int_equal(q->last_partition_id, 1001);
    assert_int_equal(applied(q, NULL,
                             "[{'action':'set-default-spec','spec-id':0},{'action':'remove-partition-specs','"
                             "spec-ids':[1,2]}]")
                         ->n_specs,
                     1);
    refused(q, NULL, "[{'action':'remove-partition-specs','spec-ids':[2]}]", ERR_BAD_REQUEST,
            "Cannot remove the default partition spec");
    refused(m, NULL, "[{'action':'set-default-spec','spec-id':3}]", ERR_BAD_REQUEST,
            "Cannot set default partition spec to unknown spec: 3");
    refused(m, NULL, "[{'action':'set-default-spec','spec-id':-1}]", ERR_VALIDATION,
            "Cannot set last added spec: no spec has been added");
    refused(m, NULL,
            "[{'action':'add-spec','spec':{'fields':[{'source-id':1,'transform':'day','name':'x'}]}}]",
            ERR_VALIDATION, "Invalid source type long for transform: day");
    refused(m, NULL,
            "[{'action':'add-spec','spec':{'fields':[{'source-id':1,'transform':'identity','name':'x','field-"
            "id':5}]}}]",
            ERR_BAD_REQUEST, "Invalid partition field id 5: below 1000");
    /* a column that partitions cannot go */
    refused(q, NULL,
            "[{'action':'add-schema','schema':{'type':'struct','fields':[{'id':1,'name':'a','required':true,'"
            "type':'long'}]}},"
            "{'action':'set-current-schema','schema-id':-1}]",
            ERR_VALIDATION, "Cannot find source column for partition field: renamed");
}

static void sort_orders(void **state)
{
    const TableMetadata *m = empty_table(2);
    const TableMetadata *s =
        applied(m, NULL,
                "[{'action':'add-sort-order','sort-order':{'order-id':9,'fields':[{'source-id':1,"
                "'transform':'identity','direction':'asc','null-order':'nulls-first'}]}},"
                "{'action':'set-default-sort-order','sort-order-id':-1}]");

    assert_int_equal(s->default_sort_order_id, 1);
    assert_int_equal(applied(s, NULL,
                             "[{'action':'add-sort-order','sort-order':{'order-id':0,'fields':[]}},"
                             "{'action':'set-default-sort-order','sort-order-id':-1}]")
                         ->default_sort_order_id,
                     0);
    refused(m, NULL, "[{'action':'add-sort-order','sort-order':{'order-id':3,'fields':[]}}]", ERR_BAD_REQUEST,
            "Unsorted order ID must be 0");
    refused(m, NULL, "[{'action':'set-default-sort-order','sort-order-id':3}]", ERR_BAD_REQUEST,
            "Cannot set default sort order to unknown sort order: 3");
}

static void snapshots(void **state)
{
    const TableMetadata *m = empty_table(2);
    const TableMetadata *a = applied(m, NULL, "[" SNAPSHOT(11, "", 1, "") "," MAIN(11) "]");
    const TableMetadata *b =
        applied(a, NULL, "[" SNAPSHOT(12, "'parent-snapshot-id':11,", 2, "") "," MAIN(12) "]");

    assert_true(b->current_snapshot_id == 12 && b->last_sequence_number == 2 &&
                b->last_updated_ms == 17000000120000);
    assert_int_equal(b->n_snapshot_log, 2);
    assert_int_equal(b->n_metadata_log, 2);
    assert_true(b->metadata_log[1].timestamp_ms == a->last_updated_ms);
    /* behind: someone else committed, so the client builds anew */
    refused(b, NULL, "[" SNAPSHOT(13, "'parent-snapshot-id':12,", 2, "") "]", ERR_COMMIT_FAILED,
            "Cannot add snapshot with sequence number 2 older than last sequence number 2");
    refused(b, NULL, "[" SNAPSHOT(12, "", 3, "") "]", ERR_VALIDATION, "Snapshot already exists for id: 12");
    refused(b, NULL, "[" MAIN(99) "]", ERR_VALIDATION, "Cannot set main to unknown snapshot: 99");
    refused(b, NULL,
            "[{'action':'add-snapshot','snapshot':{'snapshot-id':13,'timestamp-ms':1,'sequence-number':3}}]",
            ERR_BAD_REQUEST, "Cannot parse snapshot 13: manifest-list is missing");
    /* two in one commit: only the last was ever current */
    const TableMetadata *two = applied(m, NULL,
                                       "[" SNAPSHOT(11, "", 1, "") "," MAIN(11) "," SNAPSHOT(
                                           12, "'parent-snapshot-id':11,", 2, "") "," MAIN(12) "]");
    assert_int_equal(two->n_snapshots, 2);
    assert_int_equal(two->n_snapshot_log, 1);
    assert_true(two->snapshot_log[0].snapshot_id == 12);
}

static void rollback_and_log(void **state)
{
    const TableMetadata *m = applied(empty_table(2), NULL, "[" SNAPSHOT(11, "", 1, "") "," MAIN(11) "]");
    const TableMetadata *n =
        applied(m, NULL, "[" SNAPSHOT(12, "'parent-snapshot-id':11,", 2, "") "," MAIN(12) "]");
    const TableMetadata *back = applied(n, NULL, "[" MAIN(11) "]");

    assert_true(back->current_snapshot_id == 11);
    assert_int_equal(back->n_snapshot_log, 3);
    /* the log stays in order though the clock (1.7e12) is behind the snapshots' (1.7e13) */
    assert_true(back->snapshot_log[2].timestamp_ms >= back->snapshot_log[1].timestamp_ms);
    assert_true(back->last_updated_ms >= n->last_updated_ms);
    /* 12 removed: what was before it in the history cannot be told any more */
    const TableMetadata *r = applied(back, NULL, "[{'action':'remove-snapshots','snapshot-ids':[12]}]");
    assert_int_equal(r->n_snapshots, 1);
    assert_int_equal(r->n_snapshot_log, 1);
    assert_true(r->snapshot_log[0].snapshot_id == 11);
    const TableMetadata *gone = applied(r, NULL, "[{'action':'remove-snapshots','snapshot-ids':[11]}]");
    assert_true(gone->current_snapshot_id == -1);
    assert_int_equal(gone->n_refs, 0);
}

static void refs(void **state)
{
    const TableMetadata *m = applied(
        empty_table(2), NULL,
        "[" SNAPSHOT(11, "", 1, "") "," MAIN(
            11) ",{'action':'set-snapshot-ref',"
                "'ref-name':'b','type':'branch','snapshot-id':11,'min-snapshots-to-keep':2,"
                "'max-snapshot-age-ms':3,'max-ref-age-ms':4},{'action':'set-snapshot-ref','ref-name':'t',"
                "'type':'tag','snapshot-id':11}]");

    assert_int_equal(m->n_refs, 3);
    assert_true(metadata_ref(m, STR("b"))->min_snapshots_to_keep == 2);
    assert_ptr_equal(
        applied(m, NULL, "[{'action':'set-snapshot-ref','ref-name':'t','type':'tag','snapshot-id':11}]"), m);
    assert_int_equal(applied(m, NULL, "[{'action':'remove-snapshot-ref','ref-name':'b'}]")->n_refs, 2);
    assert_true(
        applied(m, NULL, "[{'action':'remove-snapshot-ref','ref-name':'main'}]")->current_snapshot_id == -1);
    refused(m, NULL, "[{'action':'set-snapshot-ref','ref-name':'main','type':'tag','snapshot-id':11}]",
            ERR_VALIDATION, "Cannot set main to a tag: it is a branch");
    refused(m, NULL,
            "[{'action':'set-snapshot-ref','ref-name':'x','type':'tag','snapshot-id':11,'min-snapshots-to-"
            "keep':1}]",
            ERR_VALIDATION, "Tags do not support setting minSnapshotsToKeep");
    refused(
        m, NULL,
        "[{'action':'set-snapshot-ref','ref-name':'x','type':'branch','snapshot-id':11,'max-ref-age-ms':0}]",
        ERR_VALIDATION, "Max reference age must be greater than 0");
}

static void row_lineage(void **state)
{
    const TableMetadata *m = empty_table(3);
    const TableMetadata *a =
        applied(m, NULL, "[" SNAPSHOT(11, "", 1, ",'first-row-id':0,'added-rows':25") "," MAIN(11) "]");

    assert_true(a->next_row_id == 25);
    refused(a, NULL, "[" SNAPSHOT(12, "'parent-snapshot-id':11,", 2, "") "]", ERR_VALIDATION,
            "Cannot add a snapshot: first-row-id is null");
    refused(a, NULL, "[" SNAPSHOT(12, "'parent-snapshot-id':11,", 2, ",'first-row-id':24,'added-rows':1") "]",
            ERR_COMMIT_FAILED, "Cannot add a snapshot, first-row-id is behind table next-row-id: 24 < 25");
    const TableMetadata *up =
        applied(empty_table(2), NULL, "[{'action':'upgrade-format-version','format-version':3}]");
    assert_true(up->next_row_id == 0 && up->format_version == 3);
    refused(up, NULL, "[{'action':'upgrade-format-version','format-version':2}]", ERR_BAD_REQUEST,
            "Cannot downgrade v3 table to v2");
    refused(up, NULL, "[{'action':'upgrade-format-version','format-version':4}]", ERR_BAD_REQUEST,
            "Cannot upgrade table to unsupported format version: v4 (supported: v3)");
}

static void statistics_and_keys(void **state)
{
    static const char set[] = "[{'action':'set-statistics','statistics':{'snapshot-id':11,'statistics-path':'"
                              "s3://b/t/metadata/s.puffin',"
                              "'file-size-in-bytes':10,'file-footer-size-in-bytes':4,'blob-metadata':[]}},"
                              "{'action':'set-partition-statistics','partition-statistics':{'snapshot-id':11,"
                              "'statistics-path':'s3://b/t/p.parquet','file-size-in-bytes':10}}]";
    const TableMetadata *m = applied(
        empty_table(3), NULL, "[" SNAPSHOT(11, "", 1, ",'first-row-id':0,'added-rows':0") "," MAIN(11) "]");
    const TableMetadata *s = applied(m, NULL, set);

    assert_int_equal(s->n_statistics, 1);
    assert_int_equal(s->n_partition_statistics, 1);
    assert_ptr_equal(applied(s, NULL, set), s);
    assert_int_equal(applied(s, NULL, "[{'action':'remove-statistics','snapshot-id':11}]")->n_statistics, 0);
    const TableMetadata *r = applied(s, NULL, "[{'action':'remove-snapshots','snapshot-ids':[11]}]");
    assert_int_equal(r->n_statistics + r->n_partition_statistics, 0);
    refused(m, NULL, "[{'action':'set-statistics','statistics':{'snapshot-id':11}}]", ERR_BAD_REQUEST,
            "Cannot parse statistics file: \"statistics-path\" is missing");
    const TableMetadata *k = applied(m, NULL,
                                     "[{'action':'add-encryption-key','encryption-key':{'key-id':'k1',"
                                     "'encrypted-key-metadata':'eA=='}}]");
    assert_int_equal(k->n_encryption_keys, 1);
    assert_int_equal(
        applied(k, NULL, "[{'action':'remove-encryption-key','key-id':'k1'}]")->n_encryption_keys, 0);
}

static void metadata_log_is_trimmed(void **state)
{
    const TableMetadata *m = applied(empty_table(2), NULL,
                                     "[{'action':'set-properties','updates':"
                                     "{'write.metadata.previous-versions-max':'3'}}]");
    char updates[128];

    for (int i = 0; i < 10; i++) {
        snprintf(updates, sizeof updates, "[{'action':'set-properties','updates':{'i':'%d'}}]", i);
        m = applied(m, NULL, updates);
    }
    assert_int_equal(m->n_metadata_log, 3);
    const TableMetadata *one = applied(
        m, NULL, "[{'action':'set-properties','updates':{'write.metadata.previous-versions-max':'0'}}]");
    assert_int_equal(one->n_metadata_log, 1);
}

static void uuid_and_location(void **state)
{
    const TableMetadata *m = empty_table(2);

    refused(m, NULL, "[{'action':'assign-uuid','uuid':'00000000-0000-0000-0000-000000000000'}]",
            ERR_BAD_REQUEST, "Cannot reassign uuid: the table has 6f1b1f0e-4f0e-4f5a-9d8e-111111111111");
    assert_true(
        str_is(applied(m, NULL, "[{'action':'set-location','location':'s3://b/u/'}]")->location, "s3://b/u"));
    const TableMetadata *p = applied(m, NULL, "[{'action':'remove-properties','removals':['owner','x']}]");
    assert_int_equal(p->n_properties, 0);
}

static void v1_tables(void **state)
{
    const TableMetadata *m = empty_table(2);
    const TableMetadata *v1 =
        parsed("{'format-version':1,'location':'s3://b/t','last-updated-ms':1600000000000,'last-column-id':1,"
               "'schema':{'type':'struct','fields':[{'id':1,'name':'a','required':true,'type':'long'}]},"
               "'partition-spec':[],'properties':{}}");

    const TableMetadata *s = applied(v1, NULL, "[" SNAPSHOT(11, "", 0, "") "," MAIN(11) "]");
    assert_true(s->last_sequence_number == 0 && s->current_snapshot_id == 11);
    refused(s, NULL, "[{'action':'upgrade-format-version','format-version':2}]", ERR_BAD_REQUEST,
            "UUID is required in format v2");
    const TableMetadata *up =
        applied(s, NULL,
                "[{'action':'assign-uuid','uuid':'6f1b1f0e-4f0e-4f5a-9d8e-222222222222'},"
                "{'action':'upgrade-format-version','format-version':2}]");
    assert_int_equal(up->format_version, 2);
    assert_string_equal(written(parsed(written(up))), written(up));
    (void)m;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create),
        cmocka_unit_test(create_any_version),
        cmocka_unit_test(no_change),
        cmocka_unit_test(requirements),
        cmocka_unit_test(unknown_updates),
        cmocka_unit_test(schemas),
        cmocka_unit_test(defaults),
        cmocka_unit_test(specs),
        cmocka_unit_test(sort_orders),
        cmocka_unit_test(snapshots),
        cmocka_unit_test(rollback_and_log),
        cmocka_unit_test(refs),
        cmocka_unit_test(row_lineage),
        cmocka_unit_test(statistics_and_keys),
        cmocka_unit_test(metadata_log_is_trimmed),
        cmocka_unit_test(uuid_and_location),
        cmocka_unit_test(v1_tables),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
