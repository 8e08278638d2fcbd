/* iceberg_optimize.c - rewriting small files and files with deletes into large ones; rewriting manifests.
 * Source: Trino 483, "optimize": files below the threshold or with deletes, not alone in their partition. */
#include "base/map.h"
#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_procedures.h"
#include "query/connector/iceberg_scan.h"
#include "query/connector/sql_text.h"

typedef struct Optimize {
    Procedure *p;
    const Relation *filter; /* the WHERE's relation; NULL: all */
    const ScanPlan *plan;
    ScanFile *files; /* to be rewritten */
    size_t n_files;
    Map *chosen; /* their paths */
    RemovedFile *removed;
    size_t n_removed, n_removed_deletes;
} Optimize;

static Str partition_key(Optimize *o, const IceDataFile *file)
{
    const TableMetadata *t = o->p->table->metadata;
    Str path = file->n_partition
                   ? ice_partition_path(metadata_spec(t, file->spec_id), file->partition, o->p->arena)
                   : STR("");
    return arena_printf(o->p->arena, "%d %.*s", file->spec_id, STR_ARG(path));
}

/* What is alone in its partition and has no deletes gains nothing. */
static void choose_files(Optimize *o, int64_t threshold)
{
    Procedure *p = o->p;
    Map *counts = map_new();
    const ScanPlan *plan = o->plan;
    int32_t spec = metadata_default_spec(p->table->metadata)->spec_id;
    size_t *count_of = arena_array(p->arena, size_t, plan->n_files + 1);
    o->files = arena_array(p->arena, ScanFile, plan->n_files + 1);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < plan->n_files; i++) {
            const ScanFile *f = &plan->files[i];
            bool is_poor = f->file->size_bytes < threshold || f->n_deletes || f->file->spec_id != spec;
            if (!is_poor)
                continue;
            Str key = partition_key(o, f->file);
            size_t *n = map_get(counts, key);
            if (!n) {
                n = &count_of[i];
                *n = 0;
                map_put(counts, key, n);
            }
            if (!pass)
                ++*n;
            else if (*n > 1 || f->n_deletes || f->file->spec_id != spec)
                o->files[o->n_files++] = *f;
        }
    map_free(counts);
}

static bool is_chosen(const Optimize *o, Str path)
{
    return map_get(o->chosen, path) != NULL;
}

/* A delete file goes with the last data file that it applies to. */
static bool is_applied(const Optimize *o, const IceDataFile *d)
{
    if (ice_file_is_dv(d))
        return false; /* goes with its data file by itself */
    return !o->filter || (d->referenced_data_file.ptr && is_chosen(o, d->referenced_data_file));
}

static void choose_removed(Optimize *o)
{
    o->removed = arena_array(o->p->arena, RemovedFile, o->n_files + o->plan->n_deletes + 1);
    o->chosen = map_new();
    for (size_t i = 0; i < o->n_files; i++) {
        o->removed[o->n_removed++] = (RemovedFile){o->files[i].file, o->files[i].manifest};
        map_put(o->chosen, o->files[i].file->path, o);
    }
    for (size_t i = 0; i < o->plan->n_deletes; i++) {
        const ScanDelete *d = o->plan->deletes[i];
        bool goes_by_itself = ice_file_is_dv(d->file) && is_chosen(o, d->file->referenced_data_file);
        if (is_applied(o, d->file))
            o->removed[o->n_removed++] = (RemovedFile){d->file, d->manifest};
        o->n_removed_deletes += goes_by_itself || is_applied(o, d->file);
    }
    map_free(o->chosen);
    o->chosen = NULL;
}

static bool keeps_lineage(const Procedure *p)
{
    return p->table->metadata->format_version >= 3;
}

/* The rows of the chosen files, deletes applied: c0, c1, … */
static int put_rows(Optimize *o, Buf *out, const SqlType ***ret_types, int **ret_column_of, Error *err)
{
    Procedure *p = o->p;
    ScanPlan *plan = arena_new_of(p->arena, ScanPlan);
    IcebergTable *table = arena_new_of(p->arena, IcebergTable);
    TableHandle *handle = arena_new_of(p->arena, TableHandle);
    Relation *relation = arena_new_of(p->arena, Relation);
    size_t n = p->table->schema->n_fields;
    *plan = *o->plan;
    plan->files = o->files;
    plan->n_files = o->n_files;
    *table = *p->table;
    table->plan = plan;
    *handle = *p->handle;
    handle->data = table;
    *relation = (Relation){.kind = REL_TABLE, .used = arena_array(p->arena, bool, handle->n_columns)};
    *ret_types = arena_array(p->arena, const SqlType *, n + 1);
    *ret_column_of = arena_array(p->arena, int, n + 1);
    for (size_t i = 0; i < handle->n_columns; i++)
        relation->used[i] = i < n || (keeps_lineage(p) && (i == n + HIDDEN_LINEAGE_ID ||
                                                           i == n + HIDDEN_LINEAGE_SEQUENCE));
    for (size_t i = 0; i < n; i++) {
        (*ret_types)[i] = handle->columns[i].type;
        (*ret_column_of)[i] = (int)i;
    }
    EmitContext emit = {.arena = p->arena, .session = p->context->session, .statement = p->context};
    return handle->ops->emit_scan(&emit, handle, relation, out, err);
}

static int rewrite(Optimize *o, WrittenFiles *files, Error *err)
{
    Procedure *p = o->p;
    const SqlType **types;
    int *column_of;
    _cleanup_buf_ Buf sql = BUF_INIT(SQL_BYTES_MAX);
    if (put_rows(o, &sql, &types, &column_of, err) || buf_check(&sql, err))
        return -1;
    int n = (int)p->table->schema->n_fields;
    WriteSource source = {.sql = arena_str(p->arena, buf_str(&sql)),
                          .types = types,
                          .column_of = column_of,
                          .keeps_ids = keeps_lineage(p),
                          .keeps_sequence = keeps_lineage(p),
                          .id_column = n + HIDDEN_LINEAGE_ID,
                          .sequence_column = n + HIDDEN_LINEAGE_SEQUENCE};
    return iceberg_write_files(p->context, p->table->metadata, &source, files, err);
}

static int replace(Optimize *o, WrittenFiles *files, Error *err)
{
    Procedure *p = o->p;
    Str *paths = arena_array(p->arena, Str, o->n_files + 1);
    for (size_t i = 0; i < o->n_files; i++)
        paths[i] = o->files[i].file->path;
    SnapshotChecks checks = {.start_snapshot_id = p->table->snapshot->snapshot_id,
                             .data_paths = paths,
                             .n_data_paths = o->n_files};
    CommitTarget target = {.namespace_ = p->table->namespace_,
                           .name = p->table->name,
                           .base = p->table->metadata,
                           .operation = ICE_REPLACE,
                           .removed = o->removed,
                           .n_removed = o->n_removed,
                           .data_sequence_number = p->table->snapshot->sequence_number,
                           .checks = &checks};
    return iceberg_commit_files(p->context, &target, files, NULL, err);
}

static int make_plan(Optimize *o, Error *err)
{
    Procedure *p = o->p;
    Relation all = {.kind = REL_TABLE};
    if (iceberg_plan(p->context, p->handle, o->filter ? o->filter : &all, &o->plan, err))
        return -1;
    if (o->filter && o->plan->has_residual)
        return err_set(
            err, ERR_NOT_SUPPORTED,
            "Unexpected FilterNode found in plan; probably connector was not able to handle provided "
            "WHERE expression");
    return 0;
}

int procedure_optimize(Procedure *p, Error *err)
{
    Optimize o = {.p = p, .filter = p->where};
    WrittenFiles *files = arena_new_of(p->arena, WrittenFiles);
    *files = (WrittenFiles){0};
    if (p->table->snapshot) {
        if (make_plan(&o, err))
            return -1;
        choose_files(&o, p->args[0].number);
    }
    if (o.n_files) {
        choose_removed(&o);
        if (rewrite(&o, files, err))
            return -1;
    }
    int64_t n_added = (int64_t)files->n;
    if (o.n_files && replace(&o, files, err))
        return -1;
    procedure_metric(p, "rewritten_data_files_count", (int64_t)o.n_files);
    procedure_metric(p, "removed_delete_files_count", (int64_t)o.n_removed_deletes);
    procedure_metric(p, "added_data_files_count", n_added);
    return 0;
}

/* ---- optimize_manifests ---- */

static int count_manifests(Procedure *p, const IceSnapshot *snapshot, int64_t *ret_manifests,
                           int64_t *ret_entries, Error *err)
{
    IceManifestList list;
    ManifestSource source = catalogs_manifest_source(p->context->catalogs);
    *ret_manifests = *ret_entries = 0;
    if (!snapshot)
        return 0;
    if (manifest_list_load(&source, snapshot, p->arena, &list, err))
        return -1;
    *ret_manifests = (int64_t)list.n;
    for (size_t i = 0; i < list.n; i++)
        *ret_entries += (list.manifests[i].added_files > 0 ? list.manifests[i].added_files : 0) +
                        (list.manifests[i].existing_files > 0 ? list.manifests[i].existing_files : 0);
    return 0;
}

int procedure_optimize_manifests(Procedure *p, Error *err)
{
    int64_t before, after, n_entries, ignored;
    LoadedTable loaded;
    Catalogs *c = p->context->catalogs;
    if (count_manifests(p, p->table->snapshot, &before, &n_entries, err))
        return -1;
    if (before < 2) {
        procedure_metric(p, "rewritten_manifests_count", 0);
        procedure_metric(p, "added_manifests_count", 0);
        procedure_metric(p, "kept_manifests_count", before);
        procedure_metric(p, "processed_manifest_entries_count", 0);
        return 0;
    }
    CommitTarget target = {.namespace_ = p->table->namespace_,
                           .name = p->table->name,
                           .base = p->table->metadata,
                           .operation = ICE_REPLACE,
                           .merges_all_manifests = true};
    if (iceberg_commit_files(p->context, &target, NULL, NULL, err) ||
        table_cache_load(c->tables, c->catalog, p->table->namespace_, p->table->name, p->arena, &loaded,
                         err) ||
        count_manifests(p, metadata_current_snapshot(loaded.metadata), &after, &ignored, err))
        return -1;
    procedure_metric(p, "rewritten_manifests_count", before);
    procedure_metric(p, "added_manifests_count", after);
    procedure_metric(p, "kept_manifests_count", 0);
    procedure_metric(p, "processed_manifest_entries_count", n_entries);
    return 0;
}
