/* snapshot_check.c - conflicts between an operation and what was committed since it read the table.
 * Source: MergingSnapshotProducer.validate* of the Java library; Iceberg table spec, "Commit Conflict
 * Resolution". */
#include <assert.h>

#include "base/map.h"
#include "iceberg/snapshot_internal.h"

enum { DELETE_FILE_PATH_ID = 2147483546 };

typedef struct Check {
    const TableMetadata *base;
    const SnapshotChecks *checks;
    const IcePred *filter;
    ManifestSource *source;
    Arena *arena;
    Map *data_paths;
    Error *err;
} Check;

static bool is_operation(const IceSnapshot *snapshot, const char *operation)
{
    for (size_t i = 0; i < snapshot->n_summary; i++)
        if (str_is(snapshot->summary[i].key, "operation"))
            return str_is(snapshot->summary[i].value, operation);
    return false;
}

static int conflict(Check *c, const IceDataFile *file, const char *what)
{
    return err_set(c->err, ERR_COMMIT_FAILED,
                   "Found conflicting files that can contain records matching the filter: %s %.*s", what,
                   STR_ARG(file->path));
}

static Str single_path(const IceDataFile *file)
{
    const IceColumnMetrics *paths = ice_file_column(file, DELETE_FILE_PATH_ID);

    if (file->referenced_data_file.ptr)
        return file->referenced_data_file;
    return paths && paths->lower.ptr && paths->upper.ptr && str_eq(paths->lower, paths->upper)
               ? paths->lower
               : STR_NULL;
}

static int check_added_delete(Check *c, const IceDataFile *file, const IcePartitionSpec *spec)
{
    Str path = file->content == ICE_CONTENT_POSITION_DELETES ? single_path(file) : STR_NULL;

    if (path.ptr && map_get(c->data_paths, path))
        return err_set(c->err, ERR_COMMIT_FAILED, "Found concurrently added deletes for data file %.*s",
                       STR_ARG(path));
    bool may_apply = c->checks->no_new_deletes || (!path.ptr && c->checks->n_data_paths > 0);
    if (may_apply && ice_pred_match_partition(c->filter, file, spec) != ICE_MATCH_NONE)
        return conflict(c, file, "new deletes");
    return 0;
}

static int check_entry(Check *c, const IceManifestEntry *entry, const IcePartitionSpec *spec,
                       bool is_replace)
{
    const IceDataFile *file = &entry->file;

    if (entry->status == ICE_DELETED) {
        if (file->content == ICE_CONTENT_DATA && map_get(c->data_paths, file->path))
            return err_set(c->err, ERR_COMMIT_FAILED,
                           "Cannot commit, missing data file %.*s: it was removed by another commit",
                           STR_ARG(file->path));
        return 0;
    }
    if (entry->status != ICE_ADDED || is_replace) /* compaction changes no rows */
        return 0;
    if (file->content != ICE_CONTENT_DATA)
        return check_added_delete(c, file, spec);
    if (c->checks->no_new_data && ice_pred_match_file(c->filter, file, spec) != ICE_MATCH_NONE)
        return conflict(c, file, "new data");
    return 0;
}

static int check_snapshot(Check *c, const IceSnapshot *snapshot)
{
    IceManifestList list;

    if (manifest_list_load(c->source, snapshot, c->arena, &list, c->err) < 0)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        const IceManifestFile *m = &list.manifests[i];
        const IcePartitionSpec *spec = metadata_spec(c->base, m->spec_id);
        const IceManifest *manifest;
        int64_t next_row_id = -1;
        if (m->added_snapshot_id != snapshot->snapshot_id)
            continue;
        if (manifest_load(c->source, m, c->base, c->arena, &manifest, c->err) < 0)
            return -1;
        assert(spec);
        for (size_t j = 0; j < manifest->n; j++) {
            IceManifestEntry entry = manifest->entries[j];
            manifest_inherit(m, &entry, &next_row_id);
            if (entry.snapshot_id == snapshot->snapshot_id &&
                check_entry(c, &entry, spec, is_operation(snapshot, "replace")) < 0)
                return -1;
        }
    }
    return arena_check(c->arena, c->err);
}

static int check_history(Check *c, Str branch)
{
    const IceSnapshot *snapshot = snapshot_head(c->base, branch);
    int64_t start = c->checks->start_snapshot_id;
    size_t steps = 0;

    for (; snapshot && snapshot->snapshot_id != start;
         snapshot = metadata_snapshot(c->base, snapshot->parent_id)) {
        if (steps++ > c->base->n_snapshots)
            return err_set(c->err, ERR_ICEBERG_INVALID_METADATA,
                           "the snapshots of the table are their own ancestors");
        if (check_snapshot(c, snapshot) < 0)
            return -1;
    }
    if (!snapshot && start >= 0)
        return err_set(c->err, ERR_COMMIT_FAILED,
                       "Cannot determine history since snapshot %lld: it is no ancestor any more",
                       (long long)start);
    return 0;
}

int snapshot_check(const TableMetadata *base, Str branch, const SnapshotChecks *checks,
                   ManifestSource *source, Arena *arena, Error *err)
{
    Check c = {
        .base = base,
        .checks = checks,
        .filter = checks->filter ? checks->filter : ice_pred_true(),
        .source = source,
        .arena = arena,
        .data_paths = map_new(),
        .err = err,
    };

    for (size_t i = 0; i < checks->n_data_paths; i++)
        map_put(c.data_paths, checks->data_paths[i], &c);
    int result = check_history(&c, branch.ptr ? branch : STR("main"));
    map_free(c.data_paths);
    return result;
}
