/* ice_manifest_test.c - iceberg/manifest.h. Files of other writers: tests/interop. */
#include "ice_store.h"

static Store store;

static const char columns[] = "{'id':1,'name':'id','required':true,'type':'long'},"
                              "{'id':2,'name':'d','required':false,'type':'date'},"
                              "{'id':3,'name':'s','required':false,'type':'string'},"
                              "{'id':4,'name':'u','required':false,'type':'uuid'},"
                              "{'id':5,'name':'dec','required':false,'type':'decimal(20,2)'},"
                              "{'id':6,'name':'f','required':false,'type':'double'},"
                              "{'id':7,'name':'fx','required':false,'type':'fixed[3]'},"
                              "{'id':8,'name':'ts','required':false,'type':'timestamptz'}";
static const char all_kinds[] =
    "{'source-id':2,'field-id':1000,'name':'order date','transform':'identity'},"
    "{'source-id':1,'field-id':1001,'name':'id_bucket','transform':'bucket[4]'},"
    "{'source-id':3,'field-id':1002,'name':'3s','transform':'truncate[2]'},"
    "{'source-id':4,'field-id':1003,'name':'u','transform':'identity'},"
    "{'source-id':5,'field-id':1004,'name':'dec','transform':'identity'},"
    "{'source-id':6,'field-id':1005,'name':'f','transform':'identity'},"
    "{'source-id':7,'field-id':1006,'name':'fx','transform':'identity'},"
    "{'source-id':8,'field-id':1007,'name':'ts_hour','transform':'hour'},"
    "{'source-id':4,'field-id':1008,'name':'u_again','transform':'identity'},"
    "{'source-id':8,'field-id':1009,'name':'ts','transform':'identity'},"
    "{'source-id':2,'field-id':1010,'name':'d_day','transform':'day'},"
    "{'source-id':1,'field-id':1011,'name':'gone','transform':'void'}";
enum { N_KINDS = 12 };

static int make_store(void **state)
{
    store = (Store){ .arena = arena_new(256 << 20), .files = map_new() };
    return 0;
}

static int drop_store(void **state)
{
    map_free(store.files);
    arena_free(store.arena);
    return 0;
}

static IceDataFile sample_file(int i, bool with_nulls)
{
    static IceValue tuples[4][N_KINDS];
    static IceColumnMetrics metrics[4][3];
    static const int64_t offsets[] = { 4, 1000000 };
    IceValue *t = tuples[i];
    IceDataFile file = ICE_DATA_FILE_INIT;

    t[0] = ice_integer(ICE_DATE, 19723 + i);
    t[1] = ice_integer(ICE_INT, i);
    t[2] = with_nulls ? ice_null(ICE_STRING) : ice_string(STR("\xED\x95\x9Cx"));
    t[3] = t[8] = (IceValue){ .type = ICE_UUID, .uuid = { 1, 2, 3, (uint8_t)i } };
    t[4] = ice_decimal(-1234567890123 + i, 2);
    t[5] = i == 2 ? ice_double(__builtin_nan("")) : ice_double(1.5 * i);
    t[6] = (IceValue){ .type = ICE_FIXED, .bytes = STR("abc") };
    t[7] = ice_integer(ICE_INT, 473352 + i);
    t[9] = ice_integer(ICE_TIMESTAMPTZ, 1704067200000000 + i);
    t[10] = ice_integer(ICE_DATE, 19723);
    t[11] = ice_null(ICE_LONG);
    metrics[i][0] =
        (IceColumnMetrics){ 1, 100 + i, 10, 0, -1, STR("\1\0\0\0\0\0\0\0"), STR("\7\0\0\0\0\0\0\0") };
    metrics[i][1] = (IceColumnMetrics){ 3, 200, 10, 10, -1, STR_NULL, STR_NULL };
    metrics[i][2] = (IceColumnMetrics){ 6, 300, 10, 1, 2, STR("\0\0\0\0\0\0\0\0"), STR_NULL };
    file.path = arena_printf(store.arena, "s3://b/t/data/f%d.parquet", i);
    file.format = STR("PARQUET");
    file.partition = t;
    file.n_partition = N_KINDS;
    file.record_count = 10 + i;
    file.size_bytes = 1000 + i;
    file.columns = metrics[i];
    file.n_columns = 3;
    file.split_offsets = offsets;
    file.n_split_offsets = 2;
    file.sort_order_id = 0;
    return file;
}

static void assert_same_file(const IceDataFile *a, const IceDataFile *b)
{
    assert_true(str_eq(a->path, b->path) && str_eq(a->format, b->format));
    assert_int_equal(a->content, b->content);
    assert_int_equal(a->record_count, b->record_count);
    assert_int_equal(a->size_bytes, b->size_bytes);
    assert_true(ice_partition_equal(a, b));
    assert_int_equal(a->n_columns, b->n_columns);
    for (size_t i = 0; i < a->n_columns; i++) {
        const IceColumnMetrics *x = &a->columns[i], *y = &b->columns[i];
        assert_true(x->field_id == y->field_id && x->size_bytes == y->size_bytes &&
                    x->value_count == y->value_count && x->null_count == y->null_count &&
                    x->nan_count == y->nan_count);
        assert_true(!x->lower.ptr == !y->lower.ptr && str_eq(x->lower, y->lower));
        assert_true(!x->upper.ptr == !y->upper.ptr && str_eq(x->upper, y->upper));
    }
    assert_int_equal(a->n_split_offsets, b->n_split_offsets);
    for (size_t i = 0; i < a->n_split_offsets; i++)
        assert_int_equal(a->split_offsets[i], b->split_offsets[i]);
    assert_int_equal(a->n_equality_ids, b->n_equality_ids);
    for (size_t i = 0; i < a->n_equality_ids; i++)
        assert_int_equal(a->equality_ids[i], b->equality_ids[i]);
    assert_int_equal(a->sort_order_id, b->sort_order_id);
    assert_int_equal(a->first_row_id, b->first_row_id);
    assert_true(str_eq(a->referenced_data_file, b->referenced_data_file));
    assert_int_equal(a->content_offset, b->content_offset);
    assert_int_equal(a->content_size_bytes, b->content_size_bytes);
}

typedef struct Written {
    Str bytes;
    IceManifestFile line;
    IcePartitionType types;
    const TableMetadata *table;
} Written;

static Written write_manifest(int version, const char *spec, IceManifestContent content,
                              const IceManifestEntry *entries, size_t n)
{
    Written out;
    Error err;

    out.table = store_table(&store, version, columns, spec);
    assert_int_equal(ice_partition_type(out.table, 0, store.arena, &out.types, NULL), 0);
    IceManifestHeader header = { version, metadata_current_schema(out.table), &out.types, content, 77 };
    ManifestWriter *w = manifest_writer_new(&header, 1 << 20, store.arena);
    for (size_t i = 0; i < n; i++)
        if (manifest_writer_add(w, &entries[i], &err) < 0)
            fail_msg("%s", err.message);
    if (manifest_writer_finish(w, STR("s3://b/t/metadata/m0.avro"), &out.bytes, &out.line, &err) < 0)
        fail_msg("%s", err.message);
    return out;
}

static IceManifest decode(const Written *w, bool typed)
{
    IceManifest manifest;
    Error err;

    if (manifest_decode(w->bytes, &w->line, typed ? &w->types : NULL, store.arena, &manifest, &err) < 0)
        fail_msg("%s", err.message);
    return manifest;
}

static void all_partition_types(void **state)
{
    for (int version = 2; version <= 3; version++) {
        IceManifestEntry entries[4];
        for (int i = 0; i < 4; i++)
            entries[i] = (IceManifestEntry){ ICE_ADDED, -1, -1, -1, sample_file(i, i == 1) };
        Written w = write_manifest(version, all_kinds, ICE_MANIFEST_DATA, entries, 4);
        for (int typed = 0; typed < 2; typed++) {
            IceManifest m = decode(&w, typed);
            assert_int_equal(m.n, 4);
            for (size_t i = 0; i < 4; i++) {
                assert_int_equal(m.entries[i].status, ICE_ADDED);
                assert_int_equal(m.entries[i].snapshot_id, 77);
                assert_int_equal(m.entries[i].sequence_number, -1);
                assert_int_equal(m.entries[i].file_sequence_number, -1);
                if (typed)
                    assert_same_file(&m.entries[i].file, &entries[i].file);
            }
        }
        const IceFieldSummary *s = w.line.partitions;
        assert_int_equal(w.line.n_partitions, N_KINDS);
        assert_true(w.line.added_files == 4 && w.line.existing_files == 0 && w.line.deleted_files == 0);
        assert_int_equal(w.line.added_rows, 46);
        assert_true(str_eq(s[0].lower, str_of("\x0B\x4D\0\0", 4)) &&
                    str_eq(s[0].upper, str_of("\x0E\x4D\0\0", 4)));
        assert_true(!s[0].contains_null && s[0].contains_nan == 0);
        assert_true(s[2].contains_null && s[2].lower.ptr);
        assert_true(s[5].contains_nan == 1 && !s[5].contains_null && s[5].upper.ptr);
        assert_true(s[11].contains_null && !s[11].lower.ptr);
    }
}

static void statuses_and_inheritance(void **state)
{
    IceManifestEntry entries[3] = {
        { ICE_ADDED, -1, -1, -1, sample_file(0, false) },
        { ICE_EXISTING, 50, 3, 2, sample_file(1, false) },
        { ICE_DELETED, 77, 4, 4, sample_file(2, false) },
    };
    Written w = write_manifest(3, all_kinds, ICE_MANIFEST_DATA, entries, 3);
    IceManifest m = decode(&w, true);

    assert_true(w.line.added_files == 1 && w.line.existing_files == 1 && w.line.deleted_files == 1);
    assert_true(w.line.added_rows == 10 && w.line.existing_rows == 11 && w.line.deleted_rows == 12);
    assert_int_equal(w.line.sequence_number, -1);
    assert_int_equal(w.line.min_sequence_number, 3);
    w.line.sequence_number = 9;
    w.line.first_row_id = 1000;
    int64_t next_row_id = w.line.first_row_id;
    IceManifestEntry e[3];
    for (int i = 0; i < 3; i++) {
        e[i] = m.entries[i];
        manifest_inherit(&w.line, &e[i], &next_row_id);
    }
    assert_true(e[0].sequence_number == 9 && e[0].file_sequence_number == 9 && e[0].snapshot_id == 77);
    assert_true(e[1].sequence_number == 3 && e[1].file_sequence_number == 2 && e[1].snapshot_id == 50);
    assert_true(e[2].sequence_number == 4 && e[2].status == ICE_DELETED);
    assert_int_equal(e[0].file.first_row_id, 1000);
    assert_int_equal(e[1].file.first_row_id, 1010);
    assert_int_equal(e[2].file.first_row_id, -1);
    assert_int_equal(next_row_id, 1021);
}

static void delete_files(void **state)
{
    static const int32_t ids[] = { 1, 3 };
    IceManifestEntry entries[3];

    for (int i = 0; i < 3; i++)
        entries[i] = (IceManifestEntry){ ICE_ADDED, -1, -1, -1, sample_file(i, false) };
    entries[0].file.content = ICE_CONTENT_EQUALITY_DELETES;
    entries[0].file.equality_ids = ids;
    entries[0].file.n_equality_ids = 2;
    entries[1].file.content = entries[2].file.content = ICE_CONTENT_POSITION_DELETES;
    entries[1].file.sort_order_id = entries[2].file.sort_order_id = -1;
    entries[1].file.referenced_data_file = entries[2].file.referenced_data_file =
        STR("s3://b/t/data/x.parquet");
    entries[2].file.format = STR("PUFFIN");
    entries[2].file.content_offset = 4;
    entries[2].file.content_size_bytes = 50;
    Written w = write_manifest(3, all_kinds, ICE_MANIFEST_DELETES, entries, 3);
    IceManifest m = decode(&w, true);
    for (int i = 0; i < 3; i++)
        assert_same_file(&m.entries[i].file, &entries[i].file);
    assert_true(ice_file_is_dv(&m.entries[2].file));
    assert_false(ice_file_is_dv(&m.entries[1].file));
    w.line.content = ICE_MANIFEST_DATA; /* the list says something else */
    IceManifest unused;
    Error err;
    assert_int_equal(manifest_decode(w.bytes, &w.line, &w.types, store.arena, &unused, &err), -1);
    assert_int_equal(err.code, ERR_CORRUPT);
}

static int count_entry(void *arg, const IceManifestEntry *entry, Error *err)
{
    int64_t *counts = arg;

    counts[0]++;
    counts[1] += entry->file.record_count;
    assert_int_equal(entry->sequence_number, 5);
    assert_true(str_has_prefix(entry->file.path, STR("s3://b/t/data/f")));
    return counts[0] == counts[2] ? err_set(err, ERR_CANCELED, "enough") : 0;
}

static void walking(void **state)
{
    enum { N = 3000 };
    IceManifestEntry *entries = arena_array(store.arena, IceManifestEntry, N);
    int64_t counts[3] = { 0, 0, -1 };
    Error err;

    for (int i = 0; i < N; i++)
        entries[i] = (IceManifestEntry){ ICE_ADDED, -1, -1, -1, sample_file(i % 4, false) };
    Written w = write_manifest(2, all_kinds, ICE_MANIFEST_DATA, entries, N);
    w.line.sequence_number = 5;
    assert_int_equal(manifest_read(w.bytes, &w.line, &w.types, count_entry, counts, &err), 0);
    assert_int_equal(counts[0], N);
    assert_int_equal(counts[1], N / 4 * 46);
    counts[0] = counts[1] = 0;
    counts[2] = 7;
    assert_int_equal(manifest_read(w.bytes, &w.line, &w.types, count_entry, counts, &err), -1);
    assert_int_equal(err.code, ERR_CANCELED);
    assert_int_equal(counts[0], 7);
}

static void wrong_partitions(void **state)
{
    const TableMetadata *table = store_table(&store, 2, columns, all_kinds);
    IcePartitionType types;
    Error err;

    assert_int_equal(ice_partition_type(table, 0, store.arena, &types, NULL), 0);
    IceManifestHeader header = { 2, metadata_current_schema(table), &types, ICE_MANIFEST_DATA, 77 };
    ManifestWriter *w = manifest_writer_new(&header, 1 << 20, store.arena);
    IceManifestEntry entry = { ICE_ADDED, -1, -1, -1, sample_file(0, false) };
    entry.file.n_partition = 3;
    assert_int_equal(manifest_writer_add(w, &entry, &err), -1);
    assert_int_equal(err.code, ERR_ICEBERG_INVALID_PARTITION_VALUE);
    entry = (IceManifestEntry){ ICE_ADDED, -1, -1, -1, sample_file(0, false) };
    ((IceValue *)entry.file.partition)[0] = ice_string(STR("2024-01-01"));
    assert_int_equal(manifest_writer_add(w, &entry, &err), -1);
    assert_int_equal(err.code, ERR_ICEBERG_INVALID_PARTITION_VALUE);
    assert_int_equal(ice_partition_type(table, 9, store.arena, &types, &err), -1);
    assert_int_equal(err.code, ERR_ICEBERG_INVALID_METADATA);
}

static void manifest_lists(void **state)
{
    const IceFieldSummary summaries[] = { { true, 0, STR("a"), STR("z") },
                                          { false, -1, STR_NULL, STR_NULL } };
    IceManifestFile lines[] = {
        { STR("s3://a"), 100, 0, ICE_MANIFEST_DATA, -1, -1, 77, 1, 2, 3, 10, 20, 30, summaries, 2, STR_NULL,
          -1 },
        { STR("s3://b"), 101, 1, ICE_MANIFEST_DATA, 3, 2, 70, 0, 5, 0, 0, 50, 0, NULL, 0, STR_NULL, 400 },
        { STR("s3://c"), 102, 1, ICE_MANIFEST_DELETES, 4, 4, 71, 1, 0, 0, 5, 0, 0, NULL, 0, STR("key"),
          -1 },
        { STR("s3://d"), 103, 1, ICE_MANIFEST_DATA, 4, 4, 71, 1, 0, 0, 7, 0, 0, NULL, 0, STR_NULL, -1 },
    };
    for (int version = 2; version <= 3; version++) {
        IceManifestListHeader header = { version, 77, version == 2 ? -1 : 70, 5, 1000 };
        _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
        IceManifestList list;
        int64_t next_row_id = -1;
        Error err;
        assert_int_equal(manifest_list_write(&header, lines, 4, &out, &next_row_id, &err), 0);
        if (manifest_list_read(buf_str(&out), STR("list"), store.arena, &list, &err) < 0)
            fail_msg("%s", err.message);
        assert_int_equal(list.n, 4);
        const IceManifestFile *m = list.manifests;
        assert_true(str_is(m[0].path, "s3://a") && m[0].length_bytes == 100 && m[0].sequence_number == 5);
        assert_true(m[0].min_sequence_number == 5 && m[0].added_snapshot_id == 77);
        assert_true(m[0].added_files == 1 && m[0].existing_files == 2 && m[0].deleted_files == 3);
        assert_true(m[0].added_rows == 10 && m[0].existing_rows == 20 && m[0].deleted_rows == 30);
        assert_true(m[0].n_partitions == 2 && m[0].partitions[0].contains_null &&
                    m[0].partitions[1].contains_nan == -1);
        assert_true(str_is(m[0].partitions[0].lower, "a") && !m[0].partitions[1].lower.ptr);
        assert_true(m[1].sequence_number == 3 && m[1].min_sequence_number == 2 && m[1].n_partitions == 0);
        assert_true(m[2].content == ICE_MANIFEST_DELETES && str_is(m[2].key_metadata, "key"));
        assert_int_equal(m[0].first_row_id, version == 3 ? 1000 : -1);
        assert_int_equal(m[1].first_row_id, version == 3 ? 400 : -1);
        assert_int_equal(m[2].first_row_id, -1);
        assert_int_equal(m[3].first_row_id, version == 3 ? 1030 : -1);
        assert_int_equal(next_row_id, 1037);
    }
}

static void damaged_manifests(void **state)
{
    IceManifestEntry entries[2];

    for (int i = 0; i < 2; i++)
        entries[i] = (IceManifestEntry){ ICE_ADDED, -1, -1, -1, sample_file(i, false) };
    Written w = write_manifest(3, all_kinds, ICE_MANIFEST_DATA, entries, 2);
    for (size_t at = 0; at < w.bytes.len; at++) {
        _cleanup_arena_ Arena *own = arena_new(16 << 20);
        char *broken = malloc(w.bytes.len);
        IceManifest unused;
        Error err;
        memcpy(broken, w.bytes.ptr, w.bytes.len);
        broken[at] = (char)(broken[at] ^ (1 << (at % 8)));
        if (manifest_decode(str_of(broken, w.bytes.len), &w.line, at % 2 ? &w.types : NULL, own, &unused,
                            &err) < 0)
            assert_true(err.code == ERR_CORRUPT || err.code == ERR_LIMIT || err.code == ERR_NOT_SUPPORTED);
        free(broken);
    }
}

static ManifestRef *put(ManifestCache *cache, const char *path, size_t size)
{
    Arena *arena = arena_new(1 << 20);
    IceManifest *manifest = arena_new_of(arena, IceManifest);

    arena_alloc(arena, size);
    return manifest_cache_put(cache, str_from(path), arena, manifest);
}

static void cache(void **state)
{
    ManifestCache *c = manifest_cache_new(300000);

    assert_null(manifest_cache_get(c, STR("a")));
    ManifestRef *a = put(c, "a", 100000), *again = put(c, "a", 100000);
    assert_ptr_equal(a, again); /* the second to come takes what is there */
    ManifestRef *b = put(c, "b", 100000);
    ManifestRef *used = manifest_cache_get(c, STR("a"));
    assert_ptr_equal(used, a);
    ManifestRef *d = put(c, "d", 100000); /* evicts b, which was used least recently */
    assert_null(manifest_cache_get(c, STR("b")));
    assert_non_null(manifest_ref_get(b));         /* but the reference still holds it */
    ManifestRef *large = put(c, "large", 400000); /* larger than the cache: not kept */
    assert_null(manifest_cache_get(c, STR("large")));
    ManifestCacheStats stats = manifest_cache_stats(c);
    assert_int_equal(stats.entries, 2);
    assert_int_equal(stats.evictions, 1);
    assert_int_equal(stats.hits, 1);
    manifest_ref_release(a);
    manifest_ref_release(again);
    manifest_ref_release(b);
    manifest_ref_release(used);
    manifest_ref_release(large);
    manifest_cache_free(c);
    manifest_ref_release(d); /* outlives the cache */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_partition_types), cmocka_unit_test(statuses_and_inheritance),
        cmocka_unit_test(delete_files),        cmocka_unit_test(walking),
        cmocka_unit_test(wrong_partitions),    cmocka_unit_test(manifest_lists),
        cmocka_unit_test(damaged_manifests),   cmocka_unit_test(cache),
    };
    return cmocka_run_group_tests_name("ice_manifest", tests, make_store, drop_store);
}
