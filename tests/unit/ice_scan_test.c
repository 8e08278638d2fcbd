/* ice_scan_test.c - iceberg/predicate.h, iceberg/scan.h and iceberg/snapshot_write.h.
 *
 * Pruning is checked against the rows: random rows go to files, random SQL predicates are put to files and
 * manifests, and what these answer must be true of the rows. The three-valued reference is in this file. */
#include <math.h>
#include <time.h>

#include "ice_store.h"

static Store store;
static uint64_t seed = 88172645463325252u;

static int make_store(void **state)
{
    store = (Store){ .arena = arena_new((size_t)2 << 30), .files = map_new() };
    return 0;
}

static int drop_store(void **state)
{
    map_free(store.files);
    arena_free(store.arena);
    return 0;
}

static unsigned random_below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 20) % n;
}

/* --- rows --- */

static const char columns[] = "{'id':1,'name':'i','required':false,'type':'int'},"
                              "{'id':2,'name':'s','required':false,'type':'string'},"
                              "{'id':3,'name':'f','required':false,'type':'double'},"
                              "{'id':4,'name':'ts','required':false,'type':'timestamp'},"
                              "{'id':5,'name':'dec','required':false,'type':'decimal(9,2)'},"
                              "{'id':6,'name':'d','required':false,'type':'date'}";
enum { N_COLUMNS = 6, ROWS_PER_FILE = 6, N_FILES = 60 };

typedef struct Row {
    IceValue values[N_COLUMNS];
} Row;

static IceValue random_value(int column)
{
    static const char *const texts[] = {
        "", "a", "ab", "abc", "abcd", "b", "ba", "\xED\x95\x9C", "\xED\x95\x9Cxyz", "zz"
    };
    static const double doubles[] = { -1.5, -0.0, 0.0, 1.0, 2.5, 1e10 };

    if (random_below(8) == 0)
        return ice_null(
            (IceTypeId[]){ ICE_INT, ICE_STRING, ICE_DOUBLE, ICE_TIMESTAMP, ICE_DECIMAL, ICE_DATE }[column]);
    switch (column) {
    case 0:
        return ice_integer(ICE_INT, (int)random_below(12) - 4);
    case 1:
        return ice_string(str_from(texts[random_below(10)]));
    case 2:
        return random_below(7) == 0 ? ice_double((double)NAN) : ice_double(doubles[random_below(6)]);
    case 3:
        return ice_integer(ICE_TIMESTAMP, ((int64_t)random_below(200) - 100) * INT64_C(3600000000) / 2 -
                                              (random_below(2) ? 1 : 0));
    case 4:
        return ice_decimal((int)random_below(400) - 200, 2);
    default:
        return ice_integer(ICE_DATE, (int)random_below(800) - 400);
    }
}

/* A row like the others of its file, so that files differ from each other. */
static Row random_row(const Row *first)
{
    Row row;

    for (int c = 0; c < N_COLUMNS; c++)
        row.values[c] = first && random_below(3) > 0 ? first->values[c] : random_value(c);
    return row;
}

static IceColumnMetrics metrics_of(const Row *rows, size_t n, int c, bool truncated,
                                   const IceSchema *schema)
{
    IceColumnMetrics m = { .field_id = c + 1, .size_bytes = 1, .value_count = (int64_t)n };
    IceValue lower = ice_null(ICE_INT), upper = ice_null(ICE_INT);

    m.nan_count = c == 2 ? 0 : -1;
    for (size_t i = 0; i < n; i++) {
        const IceValue *v = &rows[i].values[c];
        m.null_count += v->is_null;
        m.nan_count += ice_value_is_nan(v);
        if (v->is_null || ice_value_is_nan(v))
            continue;
        if (lower.is_null || ice_value_compare(v, &lower) < 0)
            lower = *v;
        if (upper.is_null || ice_value_compare(v, &upper) > 0)
            upper = *v;
    }
    if (lower.is_null)
        return m;
    if (c == 1 && truncated) {
        lower.bytes = ice_bound_truncate_lower(schema->fields[1].type, lower.bytes, 2, store.arena);
        upper.bytes = ice_bound_truncate_upper(schema->fields[1].type, upper.bytes, 2, store.arena);
    }
    m.lower = ice_value_to_bytes(&lower, store.arena);
    m.upper = ice_value_to_bytes(&upper, store.arena);
    return m;
}

static Str path_of(int i) { return arena_printf(store.arena, "s3://b/t/data/%05d.parquet", i); }

/* A data file of the rows; those that are of another partition than the first are replaced by copies of it.
 * */
static IceDataFile *file_of(const TableMetadata *table, Row *rows, size_t n, int number, bool with_metrics)
{
    const IcePartitionSpec *spec = metadata_default_spec(table);
    IceDataFile *file = arena_new_of(store.arena, IceDataFile);
    IceValue *tuple = arena_array(store.arena, IceValue, spec->n_fields);
    IceColumnMetrics *columns_of = arena_array(store.arena, IceColumnMetrics, N_COLUMNS);

    for (size_t r = 0; r < n; r++) {
        for (size_t f = 0; f < spec->n_fields; f++) {
            IceValue value;
            const IceValue *source = &rows[r].values[spec->fields[f].source_id - 1];
            assert_int_equal(ice_transform_apply(&spec->fields[f].transform, source, &value, NULL), 0);
            if (r == 0)
                tuple[f] = value;
            else if (!ice_value_equal(&value, &tuple[f]) || value.is_null != tuple[f].is_null)
                rows[r] = rows[0];
        }
    }
    for (int c = 0; c < N_COLUMNS; c++)
        columns_of[c] = metrics_of(rows, n, c, number % 2, metadata_current_schema(table));
    *file = ICE_DATA_FILE_INIT;
    file->path = path_of(number);
    file->format = STR("PARQUET");
    file->partition = tuple;
    file->n_partition = spec->n_fields;
    file->record_count = (int64_t)n;
    file->size_bytes = 100;
    file->columns = columns_of;
    file->n_columns = with_metrics ? N_COLUMNS : 0;
    return file;
}

/* --- predicates and their three-valued reference: 1 true, 0 false, -1 NULL --- */

typedef struct Node Node;
struct Node {
    char op; /* & | ! and the kinds of leaves: = # < { > } i n N S ? ('?' opaque) */
    int column;
    IceValue values[3];
    size_t n;
    Node *a, *b;
};

static Node *random_node(int depth)
{
    static const char leaves[] = "=#<{>}innNS=<>?";
    Node *node = arena_new_of(store.arena, Node);
    unsigned kind = depth > 0 ? random_below(4) : 3;

    if (kind < 3) {
        node->op = "&|!"[kind];
        node->a = random_node(depth - 1);
        node->b = kind < 2 ? random_node(depth - 1) : NULL;
        return node;
    }
    node->op = leaves[random_below(sizeof leaves - 1)];
    node->column = node->op == 'S' ? 1 : node->op == 'N' ? 2 : (int)random_below(N_COLUMNS);
    node->n = node->op == 'i' ? 1 + random_below(3) : 1;
    for (size_t i = 0; i < node->n; i++)
        node->values[i] = random_value(node->column);
    return node;
}

static int three_valued_equal(const IceValue *a, const IceValue *b)
{
    if (a->is_null || b->is_null)
        return -1;
    if (a->type == ICE_DOUBLE)
        return a->f64 == b->f64;
    return ice_value_compare(a, b) == 0;
}

static int three_valued_less(const IceValue *a, const IceValue *b, bool or_equal)
{
    if (a->is_null || b->is_null)
        return -1;
    if (a->type == ICE_DOUBLE)
        return or_equal ? a->f64 <= b->f64 : a->f64 < b->f64;
    return or_equal ? ice_value_compare(a, b) <= 0 : ice_value_compare(a, b) < 0;
}

static int negation(int value) { return value < 0 ? -1 : !value; }

static int evaluate_in(const Node *node, const IceValue *v)
{
    bool unknown = false;

    for (size_t i = 0; i < node->n; i++) {
        int equal = three_valued_equal(v, &node->values[i]);
        if (equal == 1)
            return 1;
        unknown = unknown || equal < 0;
    }
    return unknown ? -1 : 0;
}

static int evaluate(const Node *node, const Row *row)
{
    const IceValue *v = &row->values[node->column], *w = &node->values[0];
    int a = node->a ? evaluate(node->a, row) : 0, b = node->b ? evaluate(node->b, row) : 0;

    switch (node->op) {
    case '&':
        return a == 0 || b == 0 ? 0 : a < 0 || b < 0 ? -1 : 1;
    case '|':
        return a == 1 || b == 1 ? 1 : a < 0 || b < 0 ? -1 : 0;
    case '!':
        return negation(a);
    case '=':
        return three_valued_equal(v, w);
    case '#':
        return negation(three_valued_equal(v, w));
    case '<':
    case '{':
        return three_valued_less(v, w, node->op == '{');
    case '>':
    case '}':
        return three_valued_less(w, v, node->op == '}');
    case 'i':
        return evaluate_in(node, v);
    case 'n':
        return v->is_null;
    case 'N':
        return v->is_null ? -1 : ice_value_is_nan(v);
    case 'S':
        return v->is_null || w->is_null ? -1 : str_has_prefix(v->bytes, w->bytes);
    default:
        return 1;
    }
}

static bool has_opaque(const Node *node)
{
    return node->op == '?' || (node->a && has_opaque(node->a)) || (node->b && has_opaque(node->b));
}

static const IcePred *build(const Node *node, const IceSchema *schema)
{
    static const char order[] = "=#<{>}";
    const IceField *field = &schema->fields[node->column];
    Arena *arena = store.arena;

    switch (node->op) {
    case '&':
        return ice_pred_and2(arena, build(node->a, schema), build(node->b, schema));
    case '|':
        return ice_pred_or2(arena, build(node->a, schema), build(node->b, schema));
    case '!':
        return ice_pred_not(arena, build(node->a, schema));
    case 'i':
        return ice_pred_in(arena, field, node->values, node->n, false);
    case 'n':
        return ice_pred_unary(arena, ICE_PRED_IS_NULL, field);
    case 'N':
        return ice_pred_unary(arena, ICE_PRED_IS_NAN, field);
    case 'S':
        return ice_pred_compare(arena, ICE_PRED_STARTS_WITH, field, node->values[0]);
    case '?':
        return ice_pred_opaque();
    default:
        return ice_pred_compare(arena, (IcePredKind)(ICE_PRED_EQ + (strchr(order, node->op) - order)),
                                field, node->values[0]);
    }
}

static IceValue value_of_row(void *arg, int32_t field_id) { return ((Row *)arg)->values[field_id - 1]; }

typedef struct Tally {
    size_t none, some, all;
} Tally;

static void check_match(IceMatch match, const Node *node, const Row *rows, size_t n, Tally *tally)
{
    size_t selected = 0;
    bool opaque = has_opaque(node);

    for (size_t i = 0; i < n; i++)
        selected += evaluate(node, &rows[i]) == 1;
    if (!opaque && match == ICE_MATCH_NONE)
        assert_int_equal(selected, 0);
    if (!opaque && match == ICE_MATCH_ALL)
        assert_int_equal(selected, n);
    tally->none += match == ICE_MATCH_NONE;
    tally->some += match == ICE_MATCH_SOME;
    tally->all += match == ICE_MATCH_ALL;
}

static const char *const specs[] = {
    "",
    "{'source-id':1,'field-id':1000,'name':'i','transform':'identity'},"
    "{'source-id':2,'field-id':1001,'name':'s_trunc','transform':'truncate[2]'}",
    "{'source-id':1,'field-id':1000,'name':'i_bucket','transform':'bucket[3]'},"
    "{'source-id':4,'field-id':1001,'name':'ts_day','transform':'day'}",
    "{'source-id':4,'field-id':1000,'name':'ts_hour','transform':'hour'},"
    "{'source-id':5,'field-id':1001,'name':'dec_trunc','transform':'truncate[50]'}",
    "{'source-id':6,'field-id':1000,'name':'d_month','transform':'month'},"
    "{'source-id':3,'field-id':1001,'name':'f','transform':'identity'}",
    "{'source-id':6,'field-id':1000,'name':'d_year','transform':'year'},"
    "{'source-id':1,'field-id':1001,'name':'i_trunc','transform':'truncate[5]'},"
    "{'source-id':2,'field-id':1002,'name':'s','transform':'void'}",
};
enum { N_SPECS = sizeof specs / sizeof specs[0] };

/* One table: rows in files, files in manifests. */
typedef struct Data {
    const TableMetadata *table;
    Row rows[N_FILES][ROWS_PER_FILE];
    NewFile files[N_FILES];
} Data;

static Data *random_data(int version, const char *spec, bool with_metrics)
{
    Data *data = arena_new_of(store.arena, Data);

    data->table = store_table(&store, version, columns, spec);
    for (int f = 0; f < N_FILES; f++) {
        for (int r = 0; r < ROWS_PER_FILE; r++)
            data->rows[f][r] = random_row(r == 0 ? NULL : &data->rows[f][0]);
        data->files[f] =
            (NewFile){ file_of(data->table, data->rows[f], ROWS_PER_FILE, f, with_metrics), -1 };
    }
    return data;
}

static void pruning_is_true_of_the_rows(void **state)
{
    for (size_t s = 0; s < N_SPECS; s++) {
        Data *data = random_data(2, specs[s], s % 2 == 0);
        const IceSchema *schema = metadata_current_schema(data->table);
        const IcePartitionSpec *spec = metadata_default_spec(data->table);
        Tally files = { 0 }, partitions = { 0 };
        for (int p = 0; p < 400; p++) {
            const Node *node = random_node(3);
            const IcePred *pred = build(node, schema);
            for (int f = 0; f < N_FILES; f++) {
                const IceDataFile *file = data->files[f].file;
                check_match(ice_pred_match_file(pred, file, spec), node, data->rows[f], ROWS_PER_FILE,
                            &files);
                check_match(ice_pred_match_partition(pred, file, spec), node, data->rows[f], ROWS_PER_FILE,
                            &partitions);
                if (has_opaque(node))
                    continue;
                for (int r = 0; r < ROWS_PER_FILE; r++)
                    assert_int_equal(ice_pred_match_row(pred, value_of_row, &data->rows[f][r]),
                                     evaluate(node, &data->rows[f][r]) == 1);
            }
        }
        if (s % 2 == 0)
            assert_true(files.none > 2500 && files.all > 2500);
        if (s > 0)
            assert_true(partitions.none > 750 && partitions.all > 250);
    }
}

static void manifests_prune(void **state)
{
    for (size_t s = 1; s < N_SPECS; s++) {
        Data *data = random_data(2, specs[s], true);
        const TableMetadata *table = data->table;
        const IceSchema *schema = metadata_current_schema(table);
        ManifestSource source = { .read = store_read, .arg = &store };
        IcePartitionType types;
        IceManifestList list;
        Tally tally = { 0 };
        for (int f = 0; f < N_FILES; f += 2) /* a manifest of two files each */
            table = store_commit(&store, table, ICE_APPEND, &data->files[f], 2, NULL, 0, false);
        assert_int_equal(ice_partition_type(table, 0, store.arena, &types, NULL), 0);
        assert_int_equal(
            manifest_list_load(&source, metadata_current_snapshot(table), store.arena, &list, NULL), 0);
        assert_int_equal(list.n, N_FILES / 2);
        for (int p = 0; p < 200; p++) {
            const Node *node = random_node(2);
            const IcePred *pred = build(node, schema);
            for (size_t m = 0; m < list.n; m++) {
                size_t first = N_FILES - 2 - 2 * m; /* the newest manifest comes first */
                check_match(ice_pred_match_manifest(pred, &list.manifests[m], &types), node,
                            data->rows[first], 2 * ROWS_PER_FILE, &tally);
            }
        }
        assert_true(tally.none > 200 && tally.all > 40);
    }
}

/* --- plans --- */

static const ScanPlan *plan(const TableMetadata *table, const IcePred *filter, ManifestCache *cache)
{
    ManifestSource source = { .read = store_read, .arg = &store, .cache = cache };
    ScanOptions options = { .filter = filter };
    const ScanPlan *ret;
    Error err;

    if (scan_plan(table, &options, &source, store.arena, &ret, &err) < 0)
        fail_msg("%s", err.message);
    return ret;
}

static const ScanFile *planned(const ScanPlan *p, int number)
{
    for (size_t i = 0; i < p->n_files; i++)
        if (str_eq(p->files[i].file->path, path_of(number)))
            return &p->files[i];
    return NULL;
}

static void plans_hold_all_selected_rows(void **state)
{
    for (size_t s = 0; s < N_SPECS; s++) {
        Data *data = random_data(3, specs[s], true);
        const TableMetadata *table = data->table;
        ManifestCache *cache = manifest_cache_new(64 << 20);
        assert_null(plan(table, NULL, cache)->snapshot);
        for (int f = 0; f < N_FILES; f += 10)
            table = store_commit(&store, table, ICE_APPEND, &data->files[f], 10, NULL, 0, false);
        const ScanPlan *whole = plan(table, NULL, cache);
        assert_int_equal(whole->n_files, N_FILES);
        assert_int_equal(whole->record_count, N_FILES * ROWS_PER_FILE);
        assert_false(whole->has_residual || whole->has_deletes);
        assert_int_equal(planned(whole, 0)->sequence_number, 1);
        assert_int_equal(planned(whole, N_FILES - 1)->sequence_number, N_FILES / 10);
        assert_int_equal(planned(whole, 10)->first_row_id, 10 * ROWS_PER_FILE);
        assert_int_equal(planned(whole, 13)->first_row_id, 13 * ROWS_PER_FILE);
        size_t reads = store.n_reads;
        for (int p = 0; p < 60; p++) {
            const Node *node = random_node(2);
            const ScanPlan *some = plan(table, build(node, metadata_current_schema(table)), cache);
            int64_t records = 0;
            for (int f = 0; f < N_FILES; f++) {
                const ScanFile *file = planned(some, f);
                Tally tally = { 0 };
                check_match(file ? file->match : ICE_MATCH_NONE, node, data->rows[f], ROWS_PER_FILE,
                            &tally);
                records += file ? file->file->record_count : 0;
            }
            assert_int_equal(some->record_count, records);
        }
        assert_int_equal(store.n_reads, reads + 60); /* manifest lists only: the manifests are cached */
        manifest_cache_free(cache);
    }
}

static IceDataFile *delete_file(const IceDataFile *like, int number, IceContent content, Str referenced)
{
    static const int32_t ids[] = { 1 };
    IceDataFile *file = arena_new_of(store.arena, IceDataFile);

    *file = *like;
    file->content = (uint8_t)content;
    file->path = arena_printf(store.arena, "s3://b/t/data/delete-%d.parquet", number);
    file->n_columns = 0;
    file->record_count = 2;
    file->referenced_data_file = referenced;
    if (content == ICE_CONTENT_EQUALITY_DELETES) {
        file->equality_ids = ids;
        file->n_equality_ids = 1;
    }
    return file;
}

static IceDataFile *vector_of(const IceDataFile *data, int number)
{
    IceDataFile *file = delete_file(data, number, ICE_CONTENT_POSITION_DELETES, data->path);

    file->format = STR("PUFFIN");
    file->content_offset = 4;
    file->content_size_bytes = 40;
    return file;
}

static bool has_delete(const ScanFile *file, const IceDataFile *delete)
{
    for (size_t i = 0; i < file->n_deletes; i++)
        if (str_eq(file->deletes[i]->file->path, delete->path))
            return true;
    return false;
}

static void position_and_equality_deletes(void **state)
{
    Data *data = random_data(2, specs[1], true);
    const IceDataFile *a = data->files[0].file, *b = NULL;
    int other = 1;
    while (ice_partition_equal(a, data->files[other].file))
        other++;
    b = data->files[other].file;
    IceDataFile *twin = arena_new_of(store.arena, IceDataFile); /* of a's partition, added later */
    *twin = *a;
    twin->path = path_of(900);
    NewFile first[] = { { a, -1 }, { b, -1 } }, later[] = { { twin, -1 } };
    const IceDataFile *by_path = delete_file(a, 1, ICE_CONTENT_POSITION_DELETES, a->path);
    const IceDataFile *by_partition = delete_file(a, 2, ICE_CONTENT_POSITION_DELETES, STR_NULL);
    const IceDataFile *equality = delete_file(a, 3, ICE_CONTENT_EQUALITY_DELETES, STR_NULL);
    NewFile deletes[] = { { by_path, -1 }, { by_partition, -1 }, { equality, -1 } };

    const TableMetadata *table = store_commit(&store, data->table, ICE_APPEND, first, 2, NULL, 0, false);
    table = store_commit(&store, table, ICE_OVERWRITE, deletes, 3, NULL, 0, false);
    table = store_commit(&store, table, ICE_APPEND, later, 1, NULL, 0, false);
    const ScanPlan *p = plan(table, NULL, NULL);
    assert_true(p->has_deletes && p->has_equality_deletes);
    assert_int_equal(p->n_deletes, 3);
    assert_int_equal(planned(p, 0)->n_deletes, 3);
    assert_int_equal(planned(p, other)->n_deletes, 0);
    assert_int_equal(planned(p, 900)->n_deletes, 0); /* newer than all deletes */
    assert_true(str_is(store_summary(table, "total-delete-files"), "3"));
    assert_true(str_is(store_summary(table, "total-position-deletes"), "4"));
    assert_true(str_is(store_summary(table, "total-equality-deletes"), "2"));

    /* rows written in the snapshot of an equality delete stay, those of a position delete may go */
    NewFile together[] = { { a, -1 }, { by_partition, -1 }, { equality, -1 } };
    table = store_commit(&store, data->table, ICE_OVERWRITE, together, 3, NULL, 0, false);
    p = plan(table, NULL, NULL);
    assert_int_equal(planned(p, 0)->n_deletes, 1);
    assert_true(has_delete(planned(p, 0), by_partition));
}

static void equality_deletes_without_partition_are_global(void **state)
{
    Data *data = random_data(2, specs[0], true);
    IceDataFile *equality = delete_file(data->files[0].file, 1, ICE_CONTENT_EQUALITY_DELETES, STR_NULL);
    IceDataFile *far = delete_file(data->files[0].file, 2, ICE_CONTENT_EQUALITY_DELETES, STR_NULL);
    IceColumnMetrics out_of_range = { 1, 10, 2, 0, -1, STR("\x10\x27\0\0"), STR("\x10\x27\0\0") };
    far->columns = &out_of_range;
    far->n_columns = 1;
    NewFile deletes[] = { { equality, -1 }, { far, -1 } };

    const TableMetadata *table =
        store_commit(&store, data->table, ICE_APPEND, data->files, N_FILES, NULL, 0, false);
    table = store_commit(&store, table, ICE_DELETE, deletes, 2, NULL, 0, false);
    const ScanPlan *p = plan(table, NULL, NULL);
    assert_int_equal(p->n_deletes, 1); /* no row has 10000: the second applies to nothing */
    for (size_t i = 0; i < p->n_files; i++)
        assert_true(p->files[i].n_deletes == 1 && has_delete(&p->files[i], equality));
}

static void deletion_vectors(void **state)
{
    Data *data = random_data(3, specs[1], true);
    const IceDataFile *a = data->files[0].file;
    IceDataFile *old = delete_file(a, 1, ICE_CONTENT_POSITION_DELETES, a->path), *vector = vector_of(a, 2);
    NewFile deletes[] = { { old, -1 }, { vector, -1 } };
    ManifestSource source = { .read = store_read, .arg = &store };
    ScanOptions options = { 0 };
    const ScanPlan *p;
    Error err;

    const TableMetadata *base =
        store_commit(&store, data->table, ICE_APPEND, data->files, N_FILES, NULL, 0, false);
    const TableMetadata *table = store_commit(&store, base, ICE_OVERWRITE, deletes, 2, NULL, 0, false);
    p = plan(table, NULL, NULL);
    assert_int_equal(planned(p, 0)->n_deletes, 1); /* the vector stands for the older position deletes */
    assert_true(has_delete(planned(p, 0), vector));
    assert_true(str_is(store_summary(table, "added-dvs"), "1"));

    /* removing the data file takes its vector along */
    RemovedFile removed[] = { { a, planned(p, 0)->manifest } };
    const TableMetadata *without = store_commit(&store, table, ICE_DELETE, NULL, 0, removed, 1, false);
    p = plan(without, NULL, NULL);
    assert_null(planned(p, 0));
    assert_int_equal(p->n_files, N_FILES - 1);
    assert_true(str_is(store_summary(without, "removed-dvs"), "1"));
    assert_true(str_is(store_summary(without, "deleted-data-files"), "1"));
    assert_true(str_is(store_summary(without, "total-data-files"), "59"));
    assert_true(str_is(store_summary(without, "total-records"), "354"));

    /* a new vector replaces the old one; two at once are corrupt, and so is one of another partition */
    NewFile replacement[] = { { vector_of(a, 3), -1 } };
    RemovedFile replaced[] = { { vector, NULL } };
    p = plan(store_commit(&store, table, ICE_OVERWRITE, replacement, 1, replaced, 1, false), NULL, NULL);
    assert_true(has_delete(planned(p, 0), replacement[0].file));
    table = store_commit(&store, table, ICE_OVERWRITE, replacement, 1, NULL, 0, false);
    assert_int_equal(scan_plan(table, &options, &source, store.arena, &p, &err), -1);
    assert_int_equal(err.code, ERR_ICEBERG_BAD_DATA);
    IceDataFile *misplaced = vector_of(a, 4);
    int other = 1;
    while (ice_partition_equal(a, data->files[other].file))
        other++;
    misplaced->partition = data->files[other].file->partition;
    table = store_commit(&store, base, ICE_OVERWRITE, (NewFile[]){ { misplaced, -1 } }, 1, NULL, 0, false);
    assert_int_equal(scan_plan(table, &options, &source, store.arena, &p, &err), -1);
    assert_int_equal(err.code, ERR_ICEBERG_BAD_DATA);
}

/* --- snapshots --- */

static void removals_and_totals(void **state)
{
    Data *data = random_data(2, specs[2], true);
    const TableMetadata *table = data->table;
    ManifestSource source = { .read = store_read, .arg = &store };
    Error err;

    for (int f = 0; f < N_FILES; f += 20)
        table = store_commit(&store, table, ICE_APPEND, &data->files[f], 20, NULL, 0, false);
    RemovedFile removed[] = { { data->files[3].file, NULL }, { data->files[44].file, NULL } };
    const TableMetadata *next = store_commit(&store, table, ICE_OVERWRITE, NULL, 0, removed, 2, false);
    const ScanPlan *p = plan(next, NULL, NULL);
    assert_int_equal(p->n_files, N_FILES - 2);
    assert_int_equal(planned(p, 5)->sequence_number, 1); /* survivors keep their numbers */
    assert_int_equal(planned(p, 45)->sequence_number, 3);
    assert_true(str_is(store_summary(next, "manifests-replaced"), "2"));
    assert_true(str_is(store_summary(next, "manifests-kept"), "1"));
    assert_true(str_is(store_summary(next, "total-files-size"), "5800"));
    assert_int_equal(plan(table, NULL, NULL)->n_files, N_FILES); /* the old snapshot is as it was */

    /* compacted rows keep the data sequence number that they are given */
    IceDataFile *compacted = file_of(table, data->rows[0], ROWS_PER_FILE, 700, true);
    RemovedFile inputs[] = { { data->files[0].file, NULL } };
    NewFile output[] = { { compacted, 1 } };
    p = plan(store_commit(&store, next, ICE_REPLACE, output, 1, inputs, 1, false), NULL, NULL);
    assert_int_equal(planned(p, 700)->sequence_number, 1);
    assert_int_equal(planned(p, 700)->file_sequence_number, 5);

    SnapshotChange again = { .operation = ICE_DELETE,
                             .snapshot_id = 5,
                             .timestamp_ms = 1,
                             .uuid = STR("x"),
                             .removed = removed,
                             .n_removed = 1 };
    NewSnapshot unused;
    assert_int_equal(snapshot_build(next, &again, &source, store.arena, &unused, &err), -1);
    assert_int_equal(err.code, ERR_COMMIT_FAILED);
    assert_string_equal(err.message, "Missing required files to delete: s3://b/t/data/00003.parquet");
}

static void merging(void **state)
{
    for (int version = 2; version <= 3; version++) {
        Data *data = random_data(version, specs[1], true);
        const TableMetadata *table = data->table;
        for (int f = 0; f < N_FILES; f++)
            table = store_commit(&store, table, ICE_APPEND, &data->files[f], 1, NULL, 0, false);
        const ScanPlan *before = plan(table, NULL, NULL);
        table = store_apply(&store, table, STR("[]"),
                            STR("[{\"action\":\"set-properties\",\"updates\":{\"commit.manifest.min-count-"
                                "to-merge\":\"10\"}}]"));
        table = store_commit(&store, table, ICE_APPEND,
                             (NewFile[]){ { file_of(table, data->rows[0], 6, 800, true), -1 } }, 1, NULL, 0,
                             true);
        const ScanPlan *after = plan(table, NULL, NULL);
        assert_int_equal(before->n_manifests, N_FILES);
        assert_int_equal(after->n_manifests, 2);
        assert_int_equal(after->n_files, N_FILES + 1);
        for (int f = 0; f < N_FILES; f++) {
            assert_int_equal(planned(after, f)->sequence_number, f + 1);
            assert_int_equal(planned(after, f)->snapshot_id, planned(before, f)->snapshot_id);
            assert_int_equal(planned(after, f)->first_row_id, version == 3 ? f * ROWS_PER_FILE : -1);
        }
        assert_int_equal(planned(after, 800)->first_row_id, version == 3 ? N_FILES * ROWS_PER_FILE : -1);
    }
}

static int check(const TableMetadata *base, int64_t start, const SnapshotChecks *like, Error *err)
{
    ManifestSource source = { .read = store_read, .arg = &store };
    SnapshotChecks checks = *like;

    checks.start_snapshot_id = start;
    return snapshot_check(base, STR_NULL, &checks, &source, store.arena, err);
}

static void conflicts(void **state)
{
    Data *data = random_data(2, specs[1], true);
    const IceSchema *schema = metadata_current_schema(data->table);
    const IceDataFile *a = data->files[0].file;
    const TableMetadata *base =
        store_commit(&store, data->table, ICE_APPEND, data->files, 10, NULL, 0, false);
    int64_t start = base->current_snapshot_id;
    Str paths[] = { a->path };
    Error err;

    const IcePred *same =
        a->partition[0].is_null
            ? ice_pred_unary(store.arena, ICE_PRED_IS_NULL, &schema->fields[0])
            : ice_pred_compare(store.arena, ICE_PRED_EQ, &schema->fields[0], a->partition[0]);
    const IcePred *none =
        ice_pred_compare(store.arena, ICE_PRED_EQ, &schema->fields[0], ice_integer(ICE_INT, 9999));
    IceDataFile *twin = arena_new_of(store.arena, IceDataFile);
    *twin = *a;
    twin->path = path_of(900);
    const TableMetadata *appended =
        store_commit(&store, base, ICE_APPEND, (NewFile[]){ { twin, -1 } }, 1, NULL, 0, false);
    assert_int_equal(check(base, start, &(SnapshotChecks){ .no_new_data = true }, &err), 0);
    assert_int_equal(
        check(appended, start,
              &(SnapshotChecks){ .no_new_deletes = true, .data_paths = paths, .n_data_paths = 1 }, &err),
        0);
    assert_int_equal(check(appended, start, &(SnapshotChecks){ .filter = none, .no_new_data = true }, &err),
                     0);
    assert_int_equal(check(appended, start, &(SnapshotChecks){ .filter = same, .no_new_data = true }, &err),
                     -1);
    assert_int_equal(err.code, ERR_COMMIT_FAILED);

    NewFile delete[] = { { delete_file(a, 1, ICE_CONTENT_POSITION_DELETES, a->path), -1 } };
    const TableMetadata *deleted = store_commit(&store, base, ICE_DELETE, delete, 1, NULL, 0, false);
    assert_int_equal(check(deleted, start, &(SnapshotChecks){ .no_new_data = true }, &err), 0);
    assert_int_equal(
        check(deleted, start, &(SnapshotChecks){ .filter = none, .no_new_deletes = true }, &err), 0);
    assert_int_equal(
        check(deleted, start, &(SnapshotChecks){ .filter = same, .no_new_deletes = true }, &err), -1);
    assert_int_equal(
        check(deleted, start, &(SnapshotChecks){ .data_paths = paths, .n_data_paths = 1 }, &err), -1);
    Str other[] = { path_of(1) };
    assert_int_equal(
        check(deleted, start, &(SnapshotChecks){ .data_paths = other, .n_data_paths = 1 }, &err), 0);

    RemovedFile removed[] = { { a, NULL } };
    const TableMetadata *gone = store_commit(&store, base, ICE_OVERWRITE, NULL, 0, removed, 1, false);
    assert_int_equal(check(gone, start, &(SnapshotChecks){ .data_paths = paths, .n_data_paths = 1 }, &err),
                     -1);
    assert_int_equal(check(gone, 12345, &(SnapshotChecks){ .no_new_data = true }, &err),
                     -1); /* history is lost */
}

static void totals_are_found_again(void **state)
{
    Data *data = random_data(2, specs[0], true);
    const TableMetadata *table =
        store_commit(&store, data->table, ICE_APPEND, data->files, 10, NULL, 0, false);
    TableMetadata *bare = arena_new_of(store.arena, TableMetadata);
    IceSnapshot *snapshot = arena_new_of(store.arena, IceSnapshot);
    const IceSnapshot **snapshots = arena_array(store.arena, const IceSnapshot *, 1);

    *snapshot = *table->snapshots[0];
    snapshot->n_summary = 1; /* a writer that only said what it did */
    snapshots[0] = snapshot;
    *bare = *table;
    bare->snapshots = snapshots;
    table = store_commit(&store, bare, ICE_APPEND, &data->files[10], 5, NULL, 0, false);
    assert_true(str_is(store_summary(table, "total-data-files"), "15"));
    assert_true(str_is(store_summary(table, "total-files-size"), "1500"));
}

static void many_files(void **state)
{
    enum { N = 13000, PER_MANIFEST = 1000 };
    Data *data = random_data(2, specs[1], true);
    const TableMetadata *table = data->table;
    NewFile *files = arena_array(store.arena, NewFile, N);
    ManifestCache *cache = manifest_cache_new(256 << 20);
    struct timespec from, to;

    for (int f = 0; f < N; f++)
        files[f] = (NewFile){ file_of(table, data->rows[f % N_FILES], ROWS_PER_FILE, f, true), -1 };
    for (int f = 0; f < N; f += PER_MANIFEST)
        table = store_commit(&store, table, ICE_APPEND, files + f, PER_MANIFEST, NULL, 0, false);
    const IcePred *filter = ice_pred_compare(
        store.arena, ICE_PRED_GE, &metadata_current_schema(table)->fields[0], ice_integer(ICE_INT, 0));
    for (int round = 0; round < 2; round++) {
        clock_gettime(CLOCK_MONOTONIC, &from);
        const ScanPlan *p = plan(table, filter, cache);
        clock_gettime(CLOCK_MONOTONIC, &to);
        assert_int_equal(p->n_data_files_seen, N);
        assert_true(p->n_files > 0 && p->n_files < N);
        print_message("%d files planned in %.1f ms (%s)\n", N,
                      (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6,
                      round ? "cached" : "read");
    }
    assert_int_equal(manifest_cache_stats(cache).hits, N / PER_MANIFEST);
    manifest_cache_free(cache);
}

static void missing_and_encrypted_files(void **state)
{
    Data *data = random_data(2, specs[0], true);
    IceDataFile *file = (IceDataFile *)data->files[0].file;
    ManifestSource source = { .read = store_read, .arg = &store };
    ScanOptions options = { 0 };
    const ScanPlan *p;
    Error err;

    file->key_metadata = STR("key");
    const TableMetadata *table =
        store_commit(&store, data->table, ICE_APPEND, data->files, 1, NULL, 0, false);
    assert_int_equal(scan_plan(table, &options, &source, store.arena, &p, &err), -1);
    assert_int_equal(err.code, ERR_NOT_SUPPORTED);
    map_remove(store.files, metadata_current_snapshot(table)->manifest_list);
    assert_int_equal(scan_plan(table, &options, &source, store.arena, &p, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* --- the REST form --- */

static void rest_filters(void **state)
{
    static const struct {
        const char *json, *selected;
    } cases[] = {
        /* of rows i = NULL, 1, 5 */
        { "true", "111" },
        { "{'type':'false'}", "000" },
        { "{'type':'eq','term':'i','value':5}", "001" },
        { "{'type':'not-eq','term':'i','value':5}", "110" },
        { "{'type':'not','child':{'type':'eq','left':{'type':'reference','name':'i'},'right':{'type':'"
          "literal','value':5}}}",
          "110" },
        { "{'type':'not','child':{'type':'lt','term':'i','value':5}}", "101" },
        { "{'type':'gt-eq','term':'i','value':5}", "001" },
        { "{'type':'in','term':'i','values':[1,7]}", "010" },
        { "{'type':'not-in','term':'i','values':[1,7]}", "101" },
        { "{'type':'is-null','child':{'type':'reference','id':1}}", "100" },
        { "{'type':'and','left':{'type':'not-null','term':'i'},'right':{'type':'not-eq','term':'i','value':"
          "1}}",
          "001" },
        { "{'type':'or','left':{'type':'is-null','term':'i'},'right':{'type':'lt-eq','term':'i','value':1}"
          "}",
          "110" },
        { "{'type':'not','child':{'type':'not','child':{'type':'eq','term':'i','value':1}}}", "010" },
    };
    static const char *const bad[] = {
        "1",
        "{}",
        "{'type':'like','term':'i'}",
        "{'type':'eq','term':'i'}",
        "{'type':'eq','term':'nope','value':1}",
        "{'type':'eq','term':'i','value':'x'}",
        "{'type':'and','left':true}",
        "{'type':'not'}",
        "{'type':'in','term':'i'}",
        "{'type':'eq','term':'i','value':null}",
    };
    const TableMetadata *table = store_table(&store, 2, columns, "");
    const IceSchema *schema = metadata_current_schema(table);
    const IcePred *pred;
    Error err;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Row rows[3] = { { { ice_null(ICE_INT) } },
                        { { ice_integer(ICE_INT, 1) } },
                        { { ice_integer(ICE_INT, 5) } } };
        if (ice_pred_from_json(quoted_json(store.arena, cases[i].json), schema, true, store.arena, &pred,
                               &err) < 0)
            fail_msg("%s: %s", cases[i].json, err.message);
        for (int r = 0; r < 3; r++)
            if (ice_pred_match_row(pred, value_of_row, &rows[r]) != (cases[i].selected[r] == '1'))
                fail_msg("%s of row %d", cases[i].json, r);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(
            ice_pred_from_json(quoted_json(store.arena, bad[i]), schema, true, store.arena, &pred, &err),
            -1);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
    }
    assert_int_equal(ice_pred_from_json(quoted_json(store.arena, "{'type':'eq','term':'I','value':5}"),
                                        schema, false, store.arena, &pred, &err),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pruning_is_true_of_the_rows),
        cmocka_unit_test(manifests_prune),
        cmocka_unit_test(plans_hold_all_selected_rows),
        cmocka_unit_test(position_and_equality_deletes),
        cmocka_unit_test(equality_deletes_without_partition_are_global),
        cmocka_unit_test(deletion_vectors),
        cmocka_unit_test(removals_and_totals),
        cmocka_unit_test(merging),
        cmocka_unit_test(conflicts),
        cmocka_unit_test(totals_are_found_again),
        cmocka_unit_test(many_files),
        cmocka_unit_test(missing_and_encrypted_files),
        cmocka_unit_test(rest_filters),
    };
    return cmocka_run_group_tests_name("ice_scan", tests, make_store, drop_store);
}
