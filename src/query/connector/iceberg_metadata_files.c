/* iceberg_metadata_files.c - "t$manifests", "t$files", "t$entries" and those over all snapshots. */
#include <stdlib.h>

#include "base/map.h"
#include "query/connector/iceberg_metadata.h"
#include "query/connector/iceberg_types.h"
#include "query/engine/emitter.h"

enum { CELL_BYTES_MAX = 16 << 20 };

static Str literal(Buf *text, Arena *arena)
{
    Buf out = BUF_INIT(2 * text->len + 64);
    emit_string_literal(&out, buf_str(text));
    Str sql = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return sql;
}

/* ---- manifests ---- */

static void put_summary_bound(Buf *out, const IceTransform *transform, const IceType *type, Str bytes,
                              Arena *arena)
{
    IceValue value;
    if (!bytes.ptr || !type || ice_value_from_bytes(type, bytes, &value, NULL))
        buf_puts(out, "NULL");
    else
        emit_string_literal(out, ice_transform_text_of(transform, &value, arena));
}

/* [{contains_null, contains_nan, lower_bound, upper_bound}] of each field of the manifest's spec. */
static Str summaries_sql(const MetadataRows *m, const IceManifestFile *f)
{
    Arena *arena = m->context->arena;
    IcePartitionType types = {0};
    if (ice_partition_type(m->table->metadata, f->spec_id, arena, &types, NULL))
        return STR_NULL;
    _cleanup_buf_ Buf out = BUF_INIT(CELL_BYTES_MAX);
    buf_putc(&out, '[');
    for (size_t i = 0; i < f->n_partitions && i < types.spec->n_fields; i++) {
        const IceFieldSummary *s = &f->partitions[i];
        const IceTransform *transform = &types.spec->fields[i].transform;
        buf_printf(&out, "%sstruct_pack(f0 := %s, f1 := CAST(%s AS BOOLEAN), f2 := CAST(", i ? ", " : "",
                   s->contains_null ? "true" : "false",
                   s->contains_nan < 0 ? "NULL"
                   : s->contains_nan   ? "true"
                                       : "false");
        put_summary_bound(&out, transform, types.types[i], s->lower, arena);
        buf_puts(&out, " AS VARCHAR), f3 := CAST(");
        put_summary_bound(&out, transform, types.types[i], s->upper, arena);
        buf_puts(&out, " AS VARCHAR))");
    }
    buf_putc(&out, ']');
    return arena_str(arena, buf_str(&out));
}

static void row_count(RowSet *rows, size_t column, int64_t n)
{
    if (n >= 0)
        row_int(rows, column, n);
}

int meta_fill_manifests(MetadataRows *m, Error *err)
{
    IceManifestList list;
    ManifestSource source = catalogs_manifest_source(m->context->catalogs);
    if (!m->table->snapshot)
        return 0;
    if (manifest_list_load(&source, m->table->snapshot, m->context->arena, &list, err))
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        const IceManifestFile *f = &list.manifests[i];
        const int64_t numbers[] = {f->length_bytes,  f->spec_id,       f->added_snapshot_id,
                                   f->added_files,   f->added_rows,    f->existing_files,
                                   f->existing_rows, f->deleted_files, f->deleted_rows};
        rows_add(m->rows);
        row_int(m->rows, 0, f->content);
        row_text(m->rows, 1, f->path);
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            row_count(m->rows, 2 + k, numbers[k]);
        if (rows_want(m->rows, 11))
            row_sql(m->rows, 11, summaries_sql(m, f));
    }
    return arena_check(m->context->arena, err);
}

int meta_fill_all_manifests(MetadataRows *m, Error *err)
{
    ManifestSource source = catalogs_manifest_source(m->context->catalogs);
    const TableMetadata *t = m->table->metadata;
    for (size_t s = 0; s < t->n_snapshots; s++) {
        IceManifestList list;
        if (manifest_list_load(&source, t->snapshots[s], m->context->arena, &list, err))
            return -1;
        for (size_t i = 0; i < list.n; i++) {
            const IceManifestFile *f = &list.manifests[i];
            const int64_t files[] = {f->added_files, f->existing_files, f->deleted_files};
            bool is_data = f->content == ICE_MANIFEST_DATA;
            rows_add(m->rows);
            row_int(m->rows, 0, f->content);
            row_text(m->rows, 1, f->path);
            row_count(m->rows, 2, f->length_bytes);
            row_int(m->rows, 3, f->spec_id);
            row_count(m->rows, 4, f->added_snapshot_id);
            for (size_t k = 0; k < 3; k++) {
                row_count(m->rows, 5 + k, is_data ? files[k] : 0);
                row_count(m->rows, 8 + k, is_data ? 0 : files[k]);
            }
            if (rows_want(m->rows, 11))
                row_sql(m->rows, 11, summaries_sql(m, f));
            row_int(m->rows, 12, t->snapshots[s]->snapshot_id);
        }
        if (atomic_load(&m->context->cancelled))
            return err_set(err, ERR_USER_CANCELED, "Query was canceled");
    }
    return arena_check(m->context->arena, err);
}

/* ---- cells of a file ---- */

enum { METRIC_SIZE, METRIC_VALUES, METRIC_NULLS, METRIC_NANS, METRIC_COUNT };

static int64_t metric_of(const IceColumnMetrics *c, int which)
{
    const int64_t values[METRIC_COUNT] = {c->size_bytes, c->value_count, c->null_count, c->nan_count};
    return values[which];
}

/* The text of a map: one constant, where a map's constructor would be an expression for every entry. */
static Str counts_sql(Arena *arena, const IceDataFile *f, int which)
{
    _cleanup_buf_ Buf out = BUF_INIT(CELL_BYTES_MAX);
    bool first = true;
    if (!f->n_columns)
        return STR("CAST(NULL AS MAP(INTEGER, BIGINT))");
    buf_putc(&out, '{');
    for (size_t i = 0; i < f->n_columns; i++) {
        int64_t value = metric_of(&f->columns[i], which);
        if (value < 0)
            continue;
        buf_printf(&out, "%s%d=%lld", first ? "" : ", ", f->columns[i].field_id, (long long)value);
        first = false;
    }
    buf_putc(&out, '}');
    return arena_printf(arena, "CAST('%.*s' AS MAP(INTEGER, BIGINT))", STR_ARG(buf_str(&out)));
}

static Str bounds_row_sql(const MetadataRows *m, const IceDataFile *f, bool upper)
{
    Arena *arena = m->context->arena;
    _cleanup_buf_ Buf out = BUF_INIT(CELL_BYTES_MAX);
    buf_puts(&out, "struct_pack(");
    for (size_t i = 0; i < m->shape->n_columns; i++) {
        const MetaColumn *c = &m->shape->columns[i];
        const IceColumnMetrics *metrics = ice_file_column(f, c->id);
        IceValue value;
        if (!metrics || !meta_bound(c, upper ? metrics->upper : metrics->lower, &value))
            value = ice_null(c->type->id);
        buf_printf(&out, "%sf%zu := ", i ? ", " : "", i);
        ice_put_value(&out, &value, c->type, c->sql, arena);
    }
    buf_putc(&out, ')');
    return arena_str(arena, buf_str(&out));
}

/* Columns of the table, and the two of position delete files. */
static const IceType *bound_type(const MetadataRows *m, int32_t id)
{
    static const IceType path = {.id = ICE_STRING}, position = {.id = ICE_LONG};
    enum { FIELD_FILE_PATH = 2147483546, FIELD_POS = 2147483545 };
    if (id == FIELD_FILE_PATH || id == FIELD_POS)
        return id == FIELD_POS ? &position : &path;
    for (size_t i = 0; i < m->shape->n_columns; i++)
        if (m->shape->columns[i].id == id)
            return m->shape->columns[i].type;
    return NULL;
}

/* "2024-01-01T10:00:00+00:00": times as JSON has them, without the quotes; all else as partition paths. */
static void put_bound_text(Buf *out, const IceValue *value, Arena *arena)
{
    if (value->type < ICE_DATE || value->type > ICE_TIMESTAMPTZ_NS) {
        emit_string_literal(out, ice_value_text(value, arena));
        return;
    }
    _cleanup_buf_ Buf json = BUF_INIT(256);
    JsonWriter w = JSON_WRITER(&json);
    ice_value_to_json(&w, value, arena);
    emit_string_literal(out, str_slice(buf_str(&json), 1, json.len - 1));
}

static Str bounds_map_sql(const MetadataRows *m, const IceDataFile *f, bool upper)
{
    Arena *arena = m->context->arena;
    _cleanup_buf_ Buf out = BUF_INIT(CELL_BYTES_MAX);
    bool first = true;
    if (!f->n_columns)
        return STR("CAST(NULL AS MAP(INTEGER, VARCHAR))");
    buf_puts(&out, "CAST(MAP {");
    for (size_t i = 0; i < f->n_columns; i++) {
        const IceColumnMetrics *c = &f->columns[i];
        const IceType *type = bound_type(m, c->field_id);
        Str bytes = upper ? c->upper : c->lower;
        IceValue value;
        if (!type || !bytes.ptr || ice_value_from_bytes(type, bytes, &value, NULL))
            continue;
        buf_printf(&out, "%s%d: ", first ? "" : ", ", c->field_id);
        put_bound_text(&out, &value, arena);
        first = false;
    }
    buf_puts(&out, "} AS MAP(INTEGER, VARCHAR))");
    return arena_str(arena, buf_str(&out));
}

static int compare_columns(const void *a, const void *b)
{
    return str_cmp((*(const MetaColumn *const *)a)->path, (*(const MetaColumn *const *)b)->path);
}

static void put_metric(JsonWriter *w, const char *key, int64_t value)
{
    json_key(w, key);
    if (value < 0)
        json_null(w);
    else
        json_int(w, value);
}

static void put_json_bound(JsonWriter *w, const char *key, const MetaColumn *c, Str bytes, Arena *arena)
{
    IceValue value;
    json_key(w, key);
    if (meta_bound(c, bytes, &value))
        ice_value_to_json(w, &value, arena);
    else
        json_null(w);
}

/* {"a.element": {"column_size": …}, …} by the columns' names in order. */
static Str readable_metrics_sql(const MetadataRows *m, const IceDataFile *f)
{
    static const char *const keys[METRIC_COUNT] = {"column_size", "value_count", "null_value_count",
                                                   "nan_value_count"};
    Arena *arena = m->context->arena;
    size_t n = m->shape->n_columns;
    const MetaColumn **sorted = arena_array(arena, const MetaColumn *, n + 1);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &m->shape->columns[i];
    qsort(sorted, n, sizeof *sorted, compare_columns);
    _cleanup_buf_ Buf out = BUF_INIT(CELL_BYTES_MAX);
    JsonWriter w = JSON_WRITER(&out);
    json_object(&w);
    for (size_t i = 0; i < n; i++) {
        const MetaColumn *c = sorted[i];
        const IceColumnMetrics *metrics = ice_file_column(f, c->id);
        json_key_str(&w, c->path);
        json_object(&w);
        for (int k = 0; k < METRIC_COUNT; k++)
            put_metric(&w, keys[k], metrics ? metric_of(metrics, k) : -1);
        put_json_bound(&w, "lower_bound", c, metrics ? metrics->lower : STR_NULL, arena);
        put_json_bound(&w, "upper_bound", c, metrics ? metrics->upper : STR_NULL, arena);
        json_end_object(&w);
    }
    json_end_object(&w);
    return literal(&out, arena);
}

static Str bytes_sql(Arena *arena, Str bytes)
{
    _cleanup_buf_ Buf out = BUF_INIT(CELL_BYTES_MAX);
    IceValue value = ice_binary(bytes);
    static const IceType type = {.id = ICE_BINARY};
    if (!bytes.ptr)
        return STR("CAST(NULL AS BLOB)");
    ice_put_value(&out, &value, &type, &TYPE_VARBINARY_, arena);
    return arena_str(arena, buf_str(&out));
}

static Str offsets_sql(Arena *arena, const IceDataFile *f)
{
    _cleanup_buf_ Buf out = BUF_INIT(CELL_BYTES_MAX);
    if (!f->n_split_offsets)
        return STR("CAST(NULL AS BIGINT[])");
    for (size_t i = 0; i < f->n_split_offsets; i++)
        buf_printf(&out, "%s%lld", i ? ", " : "", (long long)f->split_offsets[i]);
    return arena_printf(arena, "CAST([%.*s] AS BIGINT[])", STR_ARG(buf_str(&out)));
}

static Str equality_sql(Arena *arena, const IceDataFile *f)
{
    _cleanup_buf_ Buf out = BUF_INIT(CELL_BYTES_MAX);
    if (!f->n_equality_ids)
        return STR("CAST(NULL AS INTEGER[])");
    for (size_t i = 0; i < f->n_equality_ids; i++)
        buf_printf(&out, "%s%d", i ? ", " : "", f->equality_ids[i]);
    return arena_printf(arena, "CAST([%.*s] AS INTEGER[])", STR_ARG(buf_str(&out)));
}

static Str number_sql(Arena *arena, int64_t value)
{
    return value < 0 ? STR("NULL") : arena_printf(arena, "%lld", (long long)value);
}

static Str text_sql(Arena *arena, Str text)
{
    _cleanup_buf_ Buf out = BUF_INIT(CELL_BYTES_MAX);
    if (!text.ptr)
        return STR("NULL");
    emit_string_literal(&out, text);
    return arena_str(arena, buf_str(&out));
}

static Str upper_text(Arena *arena, Str text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)(text.ptr[i] >= 'a' && text.ptr[i] <= 'z' ? text.ptr[i] - 32 : text.ptr[i]);
    return (Str){copy, text.len};
}

/* The 17 fields that $files and $entries share, in their order: content … sort_order_id. */
enum {
    FILE_CONTENT,
    FILE_PATH,
    FILE_FORMAT,
    FILE_SPEC_ID,
    FILE_PARTITION,
    FILE_RECORD_COUNT,
    FILE_SIZE,
    FILE_COLUMN_SIZES,
    FILE_LOWER = FILE_COLUMN_SIZES + METRIC_COUNT,
    FILE_UPPER,
    FILE_KEY_METADATA,
    FILE_SPLIT_OFFSETS,
    FILE_EQUALITY_IDS,
    FILE_SORT_ORDER,
    FILE_FIELDS
};

static Str file_cell(const MetadataRows *m, const IceDataFile *f, int field, bool typed_bounds)
{
    Arena *arena = m->context->arena;
    switch (field) {
    case FILE_CONTENT:
        return number_sql(arena, f->content);
    case FILE_PATH:
        return text_sql(arena, f->path);
    case FILE_FORMAT:
        return text_sql(arena, upper_text(arena, f->format));
    case FILE_SPEC_ID:
        return number_sql(arena, f->spec_id);
    case FILE_PARTITION:
        return m->shape->n_partition ? meta_partition_sql(m, f) : STR("NULL");
    case FILE_RECORD_COUNT:
        return number_sql(arena, f->record_count);
    case FILE_SIZE:
        return number_sql(arena, f->size_bytes);
    case FILE_LOWER:
    case FILE_UPPER:
        if (typed_bounds)
            return m->shape->n_columns ? bounds_row_sql(m, f, field == FILE_UPPER) : STR("NULL");
        return bounds_map_sql(m, f, field == FILE_UPPER);
    case FILE_KEY_METADATA:
        return bytes_sql(arena, f->key_metadata);
    case FILE_SPLIT_OFFSETS:
        return offsets_sql(arena, f);
    case FILE_EQUALITY_IDS:
        return equality_sql(arena, f);
    case FILE_SORT_ORDER:
        return number_sql(arena, f->sort_order_id);
    default:
        return counts_sql(arena, f, field - FILE_COLUMN_SIZES);
    }
}

/* ---- $files ---- */

typedef struct FileWalk {
    MetadataRows *m;
    const IceManifestFile *manifest; /* of the last entry */
    int64_t position;                /* of the last entry in it, deleted ones counted */
} FileWalk;

static int add_file(void *arg, const IceManifestFile *manifest, const IceManifestEntry *entry, Error *err)
{
    FileWalk *walk = arg;
    MetadataRows *m = walk->m;
    Arena *arena = m->context->arena;
    const IceDataFile *f = &entry->file;
    bool is_data = f->content == ICE_CONTENT_DATA;
    walk->position = walk->manifest == manifest ? walk->position + 1 : 0;
    walk->manifest = manifest;
    if (entry->status == ICE_DELETED)
        return 0;
    rows_add(m->rows);
    for (int i = 0; i < FILE_FIELDS; i++)
        if (rows_want(m->rows, (size_t)i))
            row_sql(m->rows, (size_t)i, file_cell(m, f, i, true));
    size_t c = FILE_FIELDS;
    if (rows_want(m->rows, c))
        row_sql(m->rows, c, readable_metrics_sql(m, f));
    row_count(m->rows, c + 1, entry->snapshot_id);
    row_count(m->rows, c + 2, entry->file_sequence_number);
    row_count(m->rows, c + 3, entry->sequence_number);
    if (rows_want(m->rows, c + 4))
        row_sql(m->rows, c + 4, text_sql(arena, f->referenced_data_file));
    row_int(m->rows, c + 5, walk->position);
    row_text(m->rows, c + 6, manifest->path);
    row_count(m->rows, c + 7, is_data ? f->first_row_id : -1);
    row_count(m->rows, c + 8, f->content_offset);
    row_count(m->rows, c + 9, f->content_size_bytes);
    return arena_check(arena, err);
}

int meta_fill_files(MetadataRows *m, Error *err)
{
    ManifestSource source = catalogs_manifest_source(m->context->catalogs);
    FileWalk walk = {.m = m};
    if (!m->table->snapshot)
        return 0;
    return snapshot_walk(m->table->metadata, m->table->snapshot, false, &source, m->context->arena, add_file,
                         &walk, err);
}

/* ---- $entries ---- */

static Str data_file_sql(const MetadataRows *m, const IceDataFile *f)
{
    size_t n = 0;
    _cleanup_buf_ Buf out = BUF_INIT(CELL_BYTES_MAX);
    buf_puts(&out, "struct_pack(");
    for (int i = 0; i < FILE_FIELDS; i++) {
        if (i == FILE_PARTITION && !m->shape->n_partition)
            continue;
        buf_printf(&out, "%sf%zu := %.*s", n ? ", " : "", n, STR_ARG(file_cell(m, f, i, false)));
        n++;
    }
    buf_putc(&out, ')');
    return arena_str(m->context->arena, buf_str(&out));
}

static void add_entry_row(MetadataRows *m, const IceManifestEntry *entry)
{
    rows_add(m->rows);
    row_int(m->rows, 0, entry->status);
    row_count(m->rows, 1, entry->snapshot_id);
    row_count(m->rows, 2, entry->sequence_number);
    row_count(m->rows, 3, entry->file_sequence_number);
    if (rows_want(m->rows, 4))
        row_sql(m->rows, 4, data_file_sql(m, &entry->file));
    if (rows_want(m->rows, 5))
        row_sql(m->rows, 5, readable_metrics_sql(m, &entry->file));
}

static int add_entry(void *arg, const IceManifestFile *manifest, const IceManifestEntry *entry, Error *err)
{
    MetadataRows *m = arg;
    (void)manifest;
    add_entry_row(m, entry);
    return arena_check(m->context->arena, err);
}

int meta_fill_entries(MetadataRows *m, Error *err)
{
    ManifestSource source = catalogs_manifest_source(m->context->catalogs);
    if (!m->table->snapshot)
        return 0;
    return snapshot_walk(m->table->metadata, m->table->snapshot, false, &source, m->context->arena, add_entry,
                         m, err);
}

static int add_manifest(MetadataRows *m, ManifestSource *source, const IceManifestFile *f, Error *err)
{
    const IceManifest *manifest;
    int64_t next_row_id = f->first_row_id;
    if (manifest_load(source, f, m->table->metadata, m->context->arena, &manifest, err))
        return -1;
    for (size_t i = 0; i < manifest->n; i++) {
        IceManifestEntry entry = manifest->entries[i];
        manifest_inherit(f, &entry, &next_row_id);
        add_entry_row(m, &entry);
    }
    return arena_check(m->context->arena, err);
}

static int walk_all(MetadataRows *m, Map *seen, Error *err)
{
    const TableMetadata *t = m->table->metadata;
    ManifestSource source = catalogs_manifest_source(m->context->catalogs);
    for (size_t s = 0; s < t->n_snapshots; s++) {
        IceManifestList list;
        if (atomic_load(&m->context->cancelled))
            return err_set(err, ERR_USER_CANCELED, "Query was canceled");
        if (manifest_list_load(&source, t->snapshots[s], m->context->arena, &list, err))
            return -1;
        for (size_t i = 0; i < list.n; i++)
            if (!map_put(seen, list.manifests[i].path, m) &&
                add_manifest(m, &source, &list.manifests[i], err))
                return -1;
    }
    return 0;
}

/* Every manifest that any snapshot has, once. */
int meta_fill_all_entries(MetadataRows *m, Error *err)
{
    Map *seen = map_new();
    int r = walk_all(m, seen, err);
    map_free(seen);
    return r;
}
