/* scan.c - see scan.h. */
#include "iceberg/scan.h"

#include <assert.h>
#include <stdlib.h>

#include "iceberg/scan_deletes.h"

/* The partition types of the specs that manifests of one snapshot have. */
typedef struct SpecTypes {
    const TableMetadata *table;
    Arena *arena;
    Vec(IcePartitionType) types;
} SpecTypes;

typedef struct Planner {
    const TableMetadata *table;
    const IceSchema *schema;
    const IcePred *filter;
    ManifestSource *source;
    Arena *arena;
    SpecTypes specs;
    ScanPlan *plan;
    Vec(ScanFile) files;
    Vec(const ScanDelete *) deletes;
    int64_t min_sequence_number; /* of `files` */
    Error *err;
} Planner;

static const IcePartitionType *types_of(SpecTypes *specs, int32_t spec_id, Error *err)
{
    for (size_t i = 0; i < specs->types.n; i++)
        if (specs->types.items[i].spec->spec_id == spec_id)
            return &specs->types.items[i];
    IcePartitionType types;
    if (ice_partition_type(specs->table, spec_id, specs->arena, &types, err) < 0)
        return NULL;
    IcePartitionType *slot = vec_push(specs->arena, &specs->types);
    *slot = types;
    return slot;
}

static bool has_live_files(const IceManifestFile *m)
{
    return m->added_files != 0 || m->existing_files != 0;
}

/* --- data --- */

static int add_file(Planner *p, const IceManifestFile *listed, const IceDataFile *file,
                    const IceManifestEntry *entry, IceMatch match)
{
    if (file->key_metadata.len > 0)
        return err_set(p->err, ERR_NOT_SUPPORTED, "data file %.*s is encrypted", STR_ARG(file->path));
    *vec_push(p->arena, &p->files) = (ScanFile){
        .file = file,
        .snapshot_id = entry->snapshot_id,
        .sequence_number = entry->sequence_number,
        .file_sequence_number = entry->file_sequence_number,
        .first_row_id = entry->file.first_row_id,
        .match = match,
        .manifest = listed,
    };
    p->plan->has_residual = p->plan->has_residual || match != ICE_MATCH_ALL;
    if (__builtin_add_overflow(p->plan->record_count, file->record_count, &p->plan->record_count) ||
        __builtin_add_overflow(p->plan->size_bytes, file->size_bytes, &p->plan->size_bytes))
        return err_set(p->err, ERR_ICEBERG_BAD_DATA, "the table's row counts do not add up");
    if (p->min_sequence_number < 0 || entry->sequence_number < p->min_sequence_number)
        p->min_sequence_number = entry->sequence_number;
    return 0;
}

static int plan_data_manifest(Planner *p, const IceManifestFile *listed)
{
    const IcePartitionType *types = types_of(&p->specs, listed->spec_id, p->err);
    const IceManifest *manifest;
    int64_t next_row_id = listed->first_row_id;

    if (!types)
        return -1;
    IceMatch by_manifest = ice_pred_match_manifest(p->filter, listed, types);
    if (by_manifest == ICE_MATCH_NONE) {
        p->plan->n_manifests_pruned++;
        return 0;
    }
    if (manifest_load(p->source, listed, p->table, p->arena, &manifest, p->err) < 0)
        return -1;
    for (size_t i = 0; i < manifest->n; i++) {
        const IceManifestEntry *entry = &manifest->entries[i];
        IceManifestEntry inherited = { .status = entry->status,
                                       .snapshot_id = entry->snapshot_id,
                                       .sequence_number = entry->sequence_number,
                                       .file_sequence_number = entry->file_sequence_number };
        inherited.file.content = entry->file.content;
        inherited.file.first_row_id = entry->file.first_row_id;
        inherited.file.record_count = entry->file.record_count;
        manifest_inherit(listed, &inherited, &next_row_id);
        if (entry->status == ICE_DELETED)
            continue;
        p->plan->n_data_files_seen++;
        IceMatch match = by_manifest == ICE_MATCH_ALL
                             ? ICE_MATCH_ALL
                             : ice_pred_match_file(p->filter, &entry->file, types->spec);
        if (match == ICE_MATCH_NONE) {
            p->plan->n_data_files_pruned++;
            continue;
        }
        if (add_file(p, listed, &entry->file, &inherited, match) < 0)
            return -1;
    }
    return arena_check(p->arena, p->err);
}

/* --- deletes --- */

static int plan_delete_manifest(Planner *p, const IceManifestFile *listed, DeleteIndex *index)
{
    const IcePartitionType *types = types_of(&p->specs, listed->spec_id, p->err);
    const IceManifest *manifest;
    int64_t no_row_id = -1;

    if (!types)
        return -1;
    if (ice_pred_match_manifest(p->filter, listed, types) == ICE_MATCH_NONE) {
        p->plan->n_manifests_pruned++;
        return 0;
    }
    if (manifest_load(p->source, listed, p->table, p->arena, &manifest, p->err) < 0)
        return -1;
    for (size_t i = 0; i < manifest->n; i++) {
        IceManifestEntry entry = { .status = manifest->entries[i].status,
                                   .sequence_number = manifest->entries[i].sequence_number };
        const IceDataFile *file = &manifest->entries[i].file;
        entry.file.content = file->content;
        manifest_inherit(listed, &entry, &no_row_id);
        if (entry.status == ICE_DELETED)
            continue;
        p->plan->n_delete_files_seen++;
        if (entry.sequence_number < p->min_sequence_number ||
            ice_pred_match_partition(p->filter, file, types->spec) == ICE_MATCH_NONE)
            continue;
        if (file->key_metadata.len > 0)
            return err_set(p->err, ERR_NOT_SUPPORTED, "delete file %.*s is encrypted", STR_ARG(file->path));
        ScanDelete *delete = arena_new_of(p->arena, ScanDelete);
        *delete =
            (ScanDelete){ .file = file, .sequence_number = entry.sequence_number, .manifest = listed };
        *vec_push(p->arena, &p->deletes) = delete;
        if (delete_index_add(index, delete, p->err) < 0)
            return -1;
    }
    return arena_check(p->arena, p->err);
}

static int compare_pointers(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (const ScanDelete *const *)a,
              y = (uintptr_t) * (const ScanDelete *const *)b;
    return (x > y) - (x < y);
}

/* Each delete that some file has, once. */
static void collect_deletes(Planner *p)
{
    Vec(const ScanDelete *) used = { 0 };

    for (size_t i = 0; i < p->files.n; i++) {
        const ScanFile *file = &p->files.items[i];
        for (size_t j = 0; j < file->n_deletes; j++) {
            *vec_push(p->arena, &used) = file->deletes[j];
            if (file->deletes[j]->file->content == ICE_CONTENT_EQUALITY_DELETES)
                p->plan->has_equality_deletes = true;
        }
    }
    p->plan->has_deletes = used.n > 0;
    if (used.n > 0)
        qsort(used.items, used.n, sizeof *used.items, compare_pointers);
    size_t n = 0;
    for (size_t i = 0; i < used.n; i++)
        if (n == 0 || used.items[n - 1] != used.items[i])
            used.items[n++] = used.items[i];
    p->plan->deletes = used.items;
    p->plan->n_deletes = n;
}

static int plan_deletes(Planner *p, const IceManifestList *list)
{
    DeleteIndex *index = delete_index_new(p->table, p->schema, p->arena);

    for (size_t i = 0; i < list->n; i++) {
        const IceManifestFile *m = &list->manifests[i];
        if (m->content != ICE_MANIFEST_DELETES || !has_live_files(m))
            continue;
        if (plan_delete_manifest(p, m, index) < 0)
            return -1;
    }
    if (p->deletes.n == 0)
        return 0;
    delete_index_seal(index);
    for (size_t i = 0; i < p->files.n; i++)
        if (delete_index_find(index, &p->files.items[i], p->err) < 0)
            return -1;
    collect_deletes(p);
    return arena_check(p->arena, p->err);
}

/* --- the plan --- */

static int plan_snapshot(Planner *p, const IceSnapshot *snapshot, bool ignore_deletes)
{
    IceManifestList list;

    if (manifest_list_load(p->source, snapshot, p->arena, &list, p->err) < 0)
        return -1;
    p->plan->n_manifests = list.n;
    for (size_t i = 0; i < list.n; i++) {
        const IceManifestFile *m = &list.manifests[i];
        if (m->content == ICE_MANIFEST_DATA && has_live_files(m) && plan_data_manifest(p, m) < 0)
            return -1;
    }
    if (p->files.n > 0 && !ignore_deletes && plan_deletes(p, &list) < 0)
        return -1;
    p->plan->files = p->files.items;
    p->plan->n_files = p->files.n;
    return 0;
}

int scan_plan(const TableMetadata *table, const ScanOptions *options, ManifestSource *source, Arena *arena,
              const ScanPlan **ret, Error *err)
{
    const IceSnapshot *snapshot = options->snapshot ? options->snapshot : metadata_current_snapshot(table);
    Planner p = {
        .table = table,
        .schema = options->schema ? options->schema : metadata_current_schema(table),
        .filter = options->filter ? options->filter : ice_pred_true(),
        .source = source,
        .arena = arena,
        .specs = { .table = table, .arena = arena },
        .plan = arena_new_of(arena, ScanPlan),
        .min_sequence_number = -1,
        .err = err,
    };

    p.plan->snapshot = snapshot;
    if (snapshot && plan_snapshot(&p, snapshot, options->ignore_deletes) < 0)
        return -1;
    *ret = p.plan;
    return 0;
}

int snapshot_walk(const TableMetadata *table, const IceSnapshot *snapshot, bool live,
                  ManifestSource *source, Arena *arena, SnapshotEntryFn fn, void *arg, Error *err)
{
    IceManifestList list;

    if (manifest_list_load(source, snapshot, arena, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        const IceManifestFile *m = &list.manifests[i];
        const IceManifest *manifest;
        int64_t next_row_id = m->first_row_id;
        if (live && !has_live_files(m))
            continue;
        if (manifest_load(source, m, table, arena, &manifest, err) < 0)
            return -1;
        for (size_t j = 0; j < manifest->n; j++) {
            IceManifestEntry entry = manifest->entries[j];
            manifest_inherit(m, &entry, &next_row_id);
            if (live && entry.status == ICE_DELETED)
                continue;
            if (fn(arg, m, &entry, err) < 0)
                return -1;
        }
        if (arena_check(arena, err) < 0)
            return -1;
    }
    return 0;
}
