/* iceberg_changes.c - system.table_changes: rows that snapshots added and removed, oldest first.
 *
 * A snapshot's added data files are its inserts, its removed ones its deletes; snapshots that only replace
 * files change no rows. Snapshots with delete files are refused, as Trino does. Source: Trino 483,
 * TableChangesFunction; BaseIncrementalChangelogScan of the Java library. */
#include "query/connector/iceberg_scan.h"
#include "query/connector/rows.h"
#include "query/engine/emitter.h"

/* After the schema's columns. */
enum { CHANGE_TYPE, CHANGE_VERSION, CHANGE_TIMESTAMP, CHANGE_ORDINAL, CHANGE_COLUMNS };

typedef struct Changes {
    const TableHandle *end; /* the table as of the last snapshot */
    const IceSnapshot **snapshots; /* oldest first */
    size_t n_snapshots;
} Changes;

typedef struct ChangeScan {
    EmitContext *emit;
    StatementContext *context;
    const TableHandle *handle;
    const Changes *changes;
    const Relation *relation;
    Buf *out;
    size_t n_branches;
    Error *err;
} ChangeScan;

/* ---- which files ---- */

typedef Vec(ScanFile) ScanFiles;

static int add_manifest(ChangeScan *s, ManifestSource *source, const IceManifestFile *listed,
                        const IceSnapshot *snapshot, IceStatus status, ScanFiles *files)
{
    Arena *arena = s->emit->arena;
    const IceManifest *manifest;
    int64_t next_row_id = listed->first_row_id;
    const TableMetadata *t = iceberg_table_of(s->changes->end)->metadata;
    if (manifest_load(source, listed, t, arena, &manifest, s->err))
        return -1;
    for (size_t i = 0; i < manifest->n; i++) {
        IceManifestEntry entry = manifest->entries[i];
        manifest_inherit(listed, &entry, &next_row_id);
        if (entry.status != status || entry.snapshot_id != snapshot->snapshot_id)
            continue;
        if (entry.file.key_metadata.len)
            return err_set(s->err, ERR_NOT_SUPPORTED, "data file %.*s is encrypted",
                           STR_ARG(entry.file.path));
        *vec_push(arena, files) = (ScanFile){.file = &manifest->entries[i].file,
                                             .snapshot_id = entry.snapshot_id,
                                             .sequence_number = entry.sequence_number,
                                             .file_sequence_number = entry.file_sequence_number,
                                             .first_row_id = entry.file.first_row_id,
                                             .match = ICE_MATCH_ALL,
                                             .manifest = listed};
    }
    return 0;
}

static int changed_files(ChangeScan *s, const IceSnapshot *snapshot, IceStatus status, ScanFiles *files)
{
    IceManifestList list;
    ManifestSource source = catalogs_manifest_source(s->context->catalogs);
    if (manifest_list_load(&source, snapshot, s->emit->arena, &list, s->err))
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        const IceManifestFile *f = &list.manifests[i];
        if (f->content == ICE_MANIFEST_DELETES)
            return err_set(s->err, ERR_NOT_SUPPORTED,
                           "Table uses features which are not yet supported by the table_changes function");
        if (f->added_snapshot_id == snapshot->snapshot_id &&
            add_manifest(s, &source, f, snapshot, status, files))
            return -1;
    }
    return 0;
}

/* ---- the relation ---- */

static void put_change(ChangeScan *s, const IceSnapshot *snapshot, IceStatus status, size_t ordinal,
                       size_t column)
{
    switch (column) {
    case CHANGE_TYPE:
        buf_puts(s->out, status == ICE_ADDED ? "'insert'" : "'delete'");
        return;
    case CHANGE_VERSION:
        buf_printf(s->out, "CAST('%lld' AS BIGINT)", (long long)snapshot->snapshot_id);
        return;
    case CHANGE_TIMESTAMP:
        buf_printf(s->out, "struct_pack(t := make_timestamp(%lld), zone := 0::SMALLINT)",
                   (long long)snapshot->timestamp_ms * 1000);
        return;
    default:
        buf_printf(s->out, "%zu::INTEGER", ordinal);
    }
}

static int emit_files(ChangeScan *s, const IceSnapshot *snapshot, IceStatus status, size_t ordinal,
                      const ScanFiles *files)
{
    Arena *arena = s->emit->arena;
    const TableHandle *end = s->changes->end;
    size_t n = iceberg_table_of(end)->schema->n_fields;
    ScanPlan *plan = arena_new_of(arena, ScanPlan);
    IcebergTable *table = arena_new_of(arena, IcebergTable);
    TableHandle *handle = arena_new_of(arena, TableHandle);
    Relation *relation = arena_new_of(arena, Relation);
    *plan = (ScanPlan){.snapshot = snapshot, .files = files->items, .n_files = files->n};
    *table = *iceberg_table_of(end);
    table->plan = plan;
    *handle = *end;
    handle->data = table;
    *relation = (Relation){.kind = REL_TABLE, .used = arena_array(arena, bool, handle->n_columns)};
    for (size_t i = 0; i < handle->n_columns; i++)
        relation->used[i] = i < n && s->relation->used[i];
    bool first = true;
    buf_puts(s->out, s->n_branches++ ? " UNION ALL SELECT " : "SELECT ");
    for (size_t i = 0; i < s->handle->n_columns; i++) {
        if (!s->relation->used[i])
            continue;
        buf_puts(s->out, first ? "" : ", ");
        first = false;
        if (i < n)
            buf_printf(s->out, "c%zu", i);
        else {
            put_change(s, snapshot, status, ordinal, i - n);
            buf_printf(s->out, " AS c%zu", i);
        }
    }
    buf_puts(s->out, first ? "1 AS no_column FROM (" : " FROM (");
    if (end->ops->emit_scan(s->emit, handle, relation, s->out, s->err))
        return -1;
    buf_putc(s->out, ')');
    return buf_check(s->out, s->err);
}

static int emit_changes(EmitContext *emit, const TableHandle *handle, const Relation *relation, Buf *out,
                        Error *err)
{
    const Changes *c = handle->data;
    ChangeScan s = {.emit = emit,
                    .context = emit->statement,
                    .handle = handle,
                    .changes = c,
                    .relation = relation,
                    .out = out,
                    .err = err};
    static const IceStatus kinds[] = {ICE_DELETED, ICE_ADDED};
    for (size_t i = 0; i < c->n_snapshots; i++)
        for (size_t k = 0; k < 2; k++) {
            ScanFiles files = {0};
            if (atomic_load(&s.context->cancelled))
                return err_set(err, ERR_USER_CANCELED, "Query was canceled");
            if (changed_files(&s, c->snapshots[i], kinds[k], &files) ||
                (files.n && emit_files(&s, c->snapshots[i], kinds[k], i, &files)))
                return -1;
        }
    if (s.n_branches)
        return 0;
    RowSet none = rows_new(emit->arena, handle, relation);
    return rows_emit(&none, out, err);
}

static const ConnectorOps changes_ops = {.name = "iceberg_changes", .emit_scan = emit_changes};

/* ---- the handle ---- */

static bool is_replace(const IceSnapshot *s)
{
    for (size_t i = 0; i < s->n_summary; i++)
        if (str_is(s->summary[i].key, "operation"))
            return str_is(s->summary[i].value, "replace");
    return false;
}

/* The snapshots after `from` up to `to`, both of which there are. */
static int find_snapshots(const TableMetadata *t, int64_t from, int64_t to, Arena *arena, Changes *ret,
                          Error *err)
{
    const IceSnapshot **found = arena_array(arena, const IceSnapshot *, t->n_snapshots + 1);
    size_t n = 0, seen = 0;
    const IceSnapshot *s = metadata_snapshot(t, to);
    bool reached = false;
    while (s && !reached && seen++ < t->n_snapshots) {
        if (!is_replace(s))
            found[n++] = s;
        reached = s->parent_id == from;
        s = s->parent_id >= 0 ? metadata_snapshot(t, s->parent_id) : NULL;
    }
    if (!reached)
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT,
                       "Starting snapshot (exclusive) %lld is not a parent ancestor of end snapshot %lld",
                       (long long)from, (long long)to);
    for (size_t i = 0; i < n / 2; i++) {
        const IceSnapshot *swap = found[i];
        found[i] = found[n - 1 - i];
        found[n - 1 - i] = swap;
    }
    ret->snapshots = found;
    ret->n_snapshots = n;
    return 0;
}

int iceberg_changes_handle(StatementContext *context, const TableHandle *table, const Relation *reference,
                           const TableHandle **ret, Error *err)
{
    Arena *arena = context->arena;
    const IcebergTable *t = iceberg_table_of(table);
    Changes *changes = arena_new_of(arena, Changes);
    TableHandle *handle = arena_new_of(arena, TableHandle);
    size_t n_added, n = t->schema->n_fields;
    *changes = (Changes){.end = table};
    if (find_snapshots(t->metadata, reference->table.changes_after, reference->table.changes_until, arena,
                       changes, err))
        return -1;
    const TableColumn *added = columns_of(
        arena,
        "_change_type varchar, _change_version_id bigint, _change_timestamp timestamp(3) with time zone, "
        "_change_ordinal integer",
        &n_added);
    TableColumn *columns = arena_array(arena, TableColumn, n + n_added);
    memcpy(columns, table->columns, n * sizeof *columns);
    memcpy(columns + n, added, n_added * sizeof *columns);
    *handle = *table;
    handle->ops = &changes_ops;
    handle->columns = columns;
    handle->n_columns = n + n_added;
    handle->data = changes;
    *ret = handle;
    return arena_check(arena, err);
}
