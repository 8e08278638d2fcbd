/* iceberg_metadata_tables.c - "t$snapshots" and its like: what a table's metadata says, as rows. */
#include "query/connector/iceberg_metadata.h"
#include "query/engine/emitter.h"

/* clang-format off */
#define SUMMARIES                                                                                          \
    "partition_summaries array(row(contains_null boolean, contains_nan boolean, lower_bound varchar, "     \
    "upper_bound varchar))"
#define FILE_COLUMNS                                                                                       \
    "content integer, file_path varchar, file_format varchar, spec_id integer, partition unknown, "        \
    "record_count bigint, file_size_in_bytes bigint, column_sizes map(integer, bigint), "                  \
    "value_counts map(integer, bigint), null_value_counts map(integer, bigint), "                          \
    "nan_value_counts map(integer, bigint)"
#define FILE_REST                                                                                          \
    "key_metadata varbinary, split_offsets array(bigint), equality_ids array(integer), "                   \
    "sort_order_id integer"
#define ENTRY_COLUMNS                                                                                      \
    "status integer, snapshot_id bigint, sequence_number bigint, file_sequence_number bigint, "            \
    "data_file unknown, readable_metrics json"
/* clang-format on */

typedef struct MetadataTable {
    const char *kind, *columns;
    int (*fill)(MetadataRows *m, Error *err);
} MetadataTable;

typedef struct MetadataHandle {
    const MetadataTable *kind;
    const IcebergTable *table;
    const MetaShape *shape;
} MetadataHandle;

static Str map_sql(Arena *arena, const IceProperty *items, size_t n, const char *without)
{
    Buf out = BUF_INIT(16 << 20);
    bool first = true;
    buf_puts(&out, "CAST(MAP {");
    for (size_t i = 0; i < n; i++) {
        if (without && str_is(items[i].key, without))
            continue;
        buf_puts(&out, first ? "" : ", ");
        first = false;
        emit_string_literal(&out, items[i].key);
        buf_puts(&out, ": ");
        emit_string_literal(&out, items[i].value);
    }
    buf_puts(&out, "} AS MAP(VARCHAR, VARCHAR))");
    Str sql = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return sql;
}

static int fill_snapshots(MetadataRows *m, Error *err)
{
    const TableMetadata *t = m->table->metadata;
    for (size_t i = 0; i < t->n_snapshots; i++) {
        const IceSnapshot *s = t->snapshots[i];
        rows_add(m->rows);
        row_instant(m->rows, 0, s->timestamp_ms * 1000);
        row_int(m->rows, 1, s->snapshot_id);
        if (s->parent_id >= 0)
            row_int(m->rows, 2, s->parent_id);
        for (size_t k = 0; k < s->n_summary; k++)
            if (str_is(s->summary[k].key, "operation"))
                row_text(m->rows, 3, s->summary[k].value);
        row_text(m->rows, 4, s->manifest_list);
        row_sql(m->rows, 5, map_sql(m->context->arena, s->summary, s->n_summary, "operation"));
    }
    return arena_check(m->context->arena, err);
}

static bool is_ancestor(const TableMetadata *t, int64_t id)
{
    const IceSnapshot *s = metadata_current_snapshot(t);
    for (size_t i = 0; s && i <= t->n_snapshots; i++) {
        if (s->snapshot_id == id)
            return true;
        s = s->parent_id >= 0 ? metadata_snapshot(t, s->parent_id) : NULL;
    }
    return false;
}

static int fill_history(MetadataRows *m, Error *err)
{
    const TableMetadata *t = m->table->metadata;
    for (size_t i = 0; i < t->n_snapshot_log; i++) {
        const IceSnapshotLogEntry *e = &t->snapshot_log[i];
        const IceSnapshot *s = metadata_snapshot(t, e->snapshot_id);
        rows_add(m->rows);
        row_instant(m->rows, 0, e->timestamp_ms * 1000);
        row_int(m->rows, 1, e->snapshot_id);
        if (s && s->parent_id >= 0)
            row_int(m->rows, 2, s->parent_id);
        row_bool(m->rows, 3, is_ancestor(t, e->snapshot_id));
    }
    return arena_check(m->context->arena, err);
}

static int fill_refs(MetadataRows *m, Error *err)
{
    const TableMetadata *t = m->table->metadata;
    for (size_t i = 0; i < t->n_refs; i++) {
        const IceRef *r = &t->refs[i];
        rows_add(m->rows);
        row_text(m->rows, 0, r->name);
        row_text(m->rows, 1, r->is_tag ? STR("TAG") : STR("BRANCH"));
        row_int(m->rows, 2, r->snapshot_id);
        if (r->max_ref_age_ms >= 0)
            row_int(m->rows, 3, r->max_ref_age_ms);
        if (r->min_snapshots_to_keep >= 0)
            row_int(m->rows, 4, r->min_snapshots_to_keep);
        if (r->max_snapshot_age_ms >= 0)
            row_int(m->rows, 5, r->max_snapshot_age_ms);
    }
    return arena_check(m->context->arena, err);
}

static void add_property(MetadataRows *m, Str key, Str value)
{
    rows_add(m->rows);
    row_text(m->rows, 0, key);
    row_text(m->rows, 1, value);
}

static int fill_properties(MetadataRows *m, Error *err)
{
    const TableMetadata *t = m->table->metadata;
    Arena *arena = m->context->arena;
    add_property(m, STR("format"), STR("iceberg/PARQUET"));
    add_property(m, STR("provider"), STR("iceberg"));
    add_property(m, STR("current-snapshot-id"),
                 t->current_snapshot_id >= 0 ? arena_printf(arena, "%lld", (long long)t->current_snapshot_id)
                                             : STR("none"));
    add_property(m, STR("location"), t->location);
    add_property(m, STR("format-version"), arena_printf(arena, "%d", t->format_version));
    for (size_t i = 0; i < t->n_properties; i++)
        add_property(m, t->properties[i].key, t->properties[i].value);
    return arena_check(arena, err);
}

/* The snapshot that was current when a metadata file was written. */
static const IceSnapshot *snapshot_at(const TableMetadata *t, int64_t timestamp_ms)
{
    const IceSnapshot *found = NULL;
    for (size_t i = 0; i < t->n_snapshot_log; i++)
        if (t->snapshot_log[i].timestamp_ms <= timestamp_ms)
            found = metadata_snapshot(t, t->snapshot_log[i].snapshot_id);
    return found;
}

static void add_log_entry(MetadataRows *m, int64_t timestamp_ms, Str file)
{
    const IceSnapshot *s = snapshot_at(m->table->metadata, timestamp_ms);
    rows_add(m->rows);
    row_instant(m->rows, 0, timestamp_ms * 1000);
    row_text(m->rows, 1, file);
    if (!s)
        return;
    row_int(m->rows, 2, s->snapshot_id);
    if (s->schema_id >= 0)
        row_int(m->rows, 3, s->schema_id);
    row_int(m->rows, 4, s->sequence_number);
}

static int fill_log(MetadataRows *m, Error *err)
{
    const TableMetadata *t = m->table->metadata;
    for (size_t i = 0; i < t->n_metadata_log; i++)
        add_log_entry(m, t->metadata_log[i].timestamp_ms, t->metadata_log[i].metadata_file);
    add_log_entry(m, t->last_updated_ms, m->table->metadata_location);
    return arena_check(m->context->arena, err);
}

/* Columns whose type is "unknown" here are made for the table (shape_columns()). */
static const MetadataTable kinds[] = {
    {"snapshots",
     "committed_at timestamp(3) with time zone, snapshot_id bigint, parent_id bigint, operation varchar, "
     "manifest_list varchar, "
     "summary map(varchar, varchar)",
     fill_snapshots},
    {"history",
     "made_current_at timestamp(3) with time zone, snapshot_id bigint, parent_id bigint, is_current_ancestor "
     "boolean",
     fill_history},
    {"refs",
     "name varchar, type varchar, snapshot_id bigint, max_reference_age_in_ms bigint, min_snapshots_to_keep "
     "integer, "
     "max_snapshot_age_in_ms bigint",
     fill_refs},
    {"properties", "key varchar, value varchar", fill_properties},
    {"metadata_log_entries",
     "timestamp timestamp(3) with time zone, file varchar, latest_snapshot_id bigint, latest_schema_id "
     "integer, "
     "latest_sequence_number bigint",
     fill_log},
    {"manifests",
     "content integer, path varchar, length bigint, partition_spec_id integer, added_snapshot_id bigint, "
     "added_data_files_count integer, added_rows_count bigint, existing_data_files_count integer, "
     "existing_rows_count bigint, deleted_data_files_count integer, deleted_rows_count bigint, " SUMMARIES,
     meta_fill_manifests},
    {"all_manifests",
     "content integer, path varchar, length bigint, partition_spec_id integer, added_snapshot_id bigint, "
     "added_data_files_count integer, existing_data_files_count integer, deleted_data_files_count integer, "
     "added_delete_files_count integer, existing_delete_files_count integer, "
     "deleted_delete_files_count integer, " SUMMARIES ", reference_snapshot_id bigint",
     meta_fill_all_manifests},
    {"partitions",
     "partition unknown, record_count bigint, file_count bigint, total_size bigint, data unknown",
     meta_fill_partitions},
    {"files",
     FILE_COLUMNS ", lower_bounds unknown, upper_bounds unknown, " FILE_REST
                  ", readable_metrics json, added_snapshot_id bigint, file_sequence_number bigint, "
                  "data_sequence_number bigint, referenced_data_file varchar, pos bigint, "
                  "manifest_location varchar, first_row_id bigint, content_offset bigint, "
                  "content_size_in_bytes bigint",
     meta_fill_files},
    {"entries", ENTRY_COLUMNS, meta_fill_entries},
    {"all_entries", ENTRY_COLUMNS, meta_fill_all_entries},
};

/* ---- columns of this table ---- */

/* A row type of "name type" pairs, with the table's partition where it has one. */
static const SqlType *data_file_type(const MetaShape *shape, Arena *arena)
{
    size_t n, made = 0;
    const TableColumn *columns =
        columns_of(arena,
                   FILE_COLUMNS ", lower_bounds map(integer, varchar), upper_bounds map(integer, varchar), "
                                FILE_REST,
                   &n);
    RowField *fields = arena_array(arena, RowField, n + 1);
    for (size_t i = 0; i < n; i++) {
        const SqlType *type = columns[i].type->kind == TYPE_UNKNOWN ? shape->partition_type : columns[i].type;
        if (type)
            fields[made++] = (RowField){columns[i].name, type};
    }
    return sql_type_row(arena, fields, made);
}

static const SqlType *shape_type(const MetaShape *shape, Str column, Arena *arena)
{
    if (str_is(column, "partition"))
        return shape->partition_type;
    if (str_is(column, "data"))
        return shape->metrics_type;
    if (str_is(column, "data_file"))
        return data_file_type(shape, arena);
    return shape->bounds_type;
}

/* A column that this table has not got keeps its place: hidden, under a name that no SQL reaches. */
static void shape_columns(TableHandle *handle, const MetaShape *shape, Arena *arena)
{
    TableColumn *columns = arena_array(arena, TableColumn, handle->n_columns + 1);
    for (size_t i = 0; i < handle->n_columns; i++) {
        columns[i] = handle->columns[i];
        if (columns[i].type->kind != TYPE_UNKNOWN)
            continue;
        const SqlType *type = shape_type(shape, columns[i].name, arena);
        if (type)
            columns[i].type = type;
        else
            columns[i] = (TableColumn){
                .name = STR(""), .type = &TYPE_BOOLEAN_, .hidden = true, .extra = STR("")};
    }
    handle->columns = columns;
}

static int emit_scan(EmitContext *emit, const TableHandle *handle, const Relation *relation, Buf *out,
                     Error *err)
{
    const MetadataHandle *h = handle->data;
    RowSet rows = rows_new(emit->arena, handle, relation);
    MetadataRows m = {.context = emit->statement, .table = h->table, .shape = h->shape, .rows = &rows};
    return h->kind->fill(&m, err) || rows_emit(&rows, out, err) ? -1 : 0;
}

static const ConnectorOps metadata_ops = {"iceberg_metadata", emit_scan};

int iceberg_metadata_table(StatementContext *context, const TableHandle *table, Str kind,
                           const TableHandle **ret, Error *err)
{
    Arena *arena = context->arena;
    *ret = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!str_is(kind, kinds[i].kind))
            continue;
        TableHandle *handle = arena_new_of(arena, TableHandle);
        MetadataHandle *h = arena_new_of(arena, MetadataHandle);
        *h = (MetadataHandle){&kinds[i], iceberg_table_of(table), NULL};
        if (meta_shape(h->table, arena, &h->shape, err))
            return -1;
        *handle = (TableHandle){.ops = &metadata_ops,
                                .catalog = table->catalog,
                                .schema = table->schema,
                                .table = arena_printf(arena, "%.*s$%s", STR_ARG(table->table), kinds[i].kind),
                                .data = h};
        handle->columns = columns_of(arena, kinds[i].columns, &handle->n_columns);
        shape_columns(handle, h->shape, arena);
        *ret = handle;
    }
    return 0;
}
