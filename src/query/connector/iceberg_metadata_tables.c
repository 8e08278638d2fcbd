/* iceberg_metadata_tables.c - "t$snapshots" and its like: what a table's metadata says, as rows. */
#include "query/connector/iceberg_scan.h"
#include "query/connector/rows.h"
#include "query/engine/emitter.h"

typedef struct MetadataRows {
    StatementContext *context;
    const IcebergTable *table;
    RowSet *rows;
} MetadataRows;

typedef struct MetadataTable {
    const char *kind, *columns;
    int (*fill)(MetadataRows *m, Error *err);
} MetadataTable;

typedef struct MetadataHandle {
    const MetadataTable *kind;
    const IcebergTable *table;
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

static int fill_log(MetadataRows *m, Error *err)
{
    const TableMetadata *t = m->table->metadata;
    for (size_t i = 0; i < t->n_metadata_log; i++) {
        rows_add(m->rows);
        row_instant(m->rows, 0, t->metadata_log[i].timestamp_ms * 1000);
        row_text(m->rows, 1, t->metadata_log[i].metadata_file);
    }
    rows_add(m->rows);
    row_instant(m->rows, 0, t->last_updated_ms * 1000);
    row_text(m->rows, 1, m->table->metadata_location);
    if (t->current_snapshot_id >= 0)
        row_int(m->rows, 2, t->current_snapshot_id);
    row_int(m->rows, 3, t->current_schema_id);
    row_int(m->rows, 4, t->last_sequence_number);
    return arena_check(m->context->arena, err);
}

static int fill_manifests(MetadataRows *m, Error *err)
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
            row_int(m->rows, 2 + k, numbers[k]);
    }
    return arena_check(m->context->arena, err);
}

static Str counts_sql(Arena *arena, const IceDataFile *f, int which)
{
    Buf out = BUF_INIT(4 << 20);
    bool first = true;
    buf_puts(&out, "CAST(MAP {");
    for (size_t i = 0; i < f->n_columns; i++) {
        const IceColumnMetrics *c = &f->columns[i];
        int64_t value = which == 0   ? c->size_bytes
                        : which == 1 ? c->value_count
                        : which == 2 ? c->null_count
                                     : c->nan_count;
        if (value < 0)
            continue;
        buf_printf(&out, "%s%d: %lld", first ? "" : ", ", c->field_id, (long long)value);
        first = false;
    }
    buf_puts(&out, "} AS MAP(INTEGER, BIGINT))");
    Str sql = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return sql;
}

static int add_file(void *arg, const IceManifestFile *manifest, const IceManifestEntry *entry, Error *err)
{
    MetadataRows *m = arg;
    const IceDataFile *f = &entry->file;
    rows_add(m->rows);
    row_int(m->rows, 0, f->content);
    row_text(m->rows, 1, arena_str(m->context->arena, f->path));
    row_text(m->rows, 2, arena_str(m->context->arena, f->format));
    row_int(m->rows, 3, f->spec_id);
    row_int(m->rows, 4, f->record_count);
    row_int(m->rows, 5, f->size_bytes);
    for (int i = 0; i < 4; i++)
        row_sql(m->rows, (size_t)(6 + i), counts_sql(m->context->arena, f, i));
    if (f->sort_order_id >= 0)
        row_int(m->rows, 10, f->sort_order_id);
    row_int(m->rows, 11, entry->snapshot_id);
    row_int(m->rows, 12, entry->file_sequence_number);
    row_int(m->rows, 13, entry->sequence_number);
    row_text(m->rows, 14, manifest->path);
    return arena_check(m->context->arena, err);
}

static int fill_files(MetadataRows *m, Error *err)
{
    ManifestSource source = catalogs_manifest_source(m->context->catalogs);
    if (!m->table->snapshot)
        return 0;
    return snapshot_walk(m->table->metadata, m->table->snapshot, true, &source, m->context->arena, add_file,
                         m, err);
}

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
     "existing_rows_count bigint, "
     "deleted_data_files_count integer, deleted_rows_count bigint",
     fill_manifests},
    {"files",
     "content integer, file_path varchar, file_format varchar, spec_id integer, record_count bigint, "
     "file_size_in_bytes bigint, "
     "column_sizes map(integer, bigint), value_counts map(integer, bigint), null_value_counts map(integer, "
     "bigint), "
     "nan_value_counts map(integer, bigint), sort_order_id integer, added_snapshot_id bigint, "
     "file_sequence_number bigint, "
     "data_sequence_number bigint, manifest_location varchar",
     fill_files},
};

static int emit_scan(EmitContext *emit, const TableHandle *handle, const Relation *relation, Buf *out,
                     Error *err)
{
    const MetadataHandle *h = handle->data;
    RowSet rows = rows_new(emit->arena, handle, relation);
    MetadataRows m = {.context = emit->statement, .table = h->table, .rows = &rows};
    return h->kind->fill(&m, err) || rows_emit(&rows, out, err) ? -1 : 0;
}

static const ConnectorOps metadata_ops = {"iceberg_metadata", emit_scan};

int iceberg_metadata_table(StatementContext *context, const TableHandle *table, Str kind,
                           const TableHandle **ret, Error *err)
{
    Arena *arena = context->arena;
    (void)err;
    *ret = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!str_is(kind, kinds[i].kind))
            continue;
        TableHandle *handle = arena_new_of(arena, TableHandle);
        MetadataHandle *h = arena_new_of(arena, MetadataHandle);
        *h = (MetadataHandle){&kinds[i], iceberg_table_of(table)};
        *handle = (TableHandle){.ops = &metadata_ops,
                                .catalog = table->catalog,
                                .schema = table->schema,
                                .table = arena_printf(arena, "%.*s$%s", STR_ARG(table->table), kinds[i].kind),
                                .data = h};
        handle->columns = columns_of(arena, kinds[i].columns, &handle->n_columns);
        *ret = handle;
    }
    return 0;
}
