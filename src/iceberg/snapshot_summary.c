/* snapshot_summary.c - the summary of a snapshot. Readers compute with the totals: they are always there.
 * Source: SnapshotSummary of the Java library; Iceberg table spec, "Optional Snapshot Summary Fields". */
#include "iceberg/snapshot_internal.h"

typedef struct Summary {
    Arena *arena;
    Vec(IceProperty) items;
} Summary;

static void put(Summary *s, const char *key, Str value)
{
    *vec_push(s->arena, &s->items) = (IceProperty){ str_from(key), value };
}

static void put_number(Summary *s, const char *key, int64_t value)
{
    put(s, key, arena_printf(s->arena, "%lld", (long long)value));
}

static void put_positive(Summary *s, const char *key, int64_t value)
{
    if (value > 0)
        put_number(s, key, value);
}

void summary_count(SummaryCounts *c, const IceDataFile *file)
{
    bool is_vector = ice_file_is_dv(file);

    c->size_bytes +=
        is_vector && file->content_size_bytes >= 0 ? file->content_size_bytes : file->size_bytes;
    if (file->content == ICE_CONTENT_DATA) {
        c->data_files++;
        c->records += file->record_count;
        return;
    }
    c->delete_files++;
    if (file->content == ICE_CONTENT_EQUALITY_DELETES) {
        c->equality_delete_files++;
        c->equality_deletes += file->record_count;
    } else {
        c->vectors += is_vector;
        c->position_delete_files += !is_vector;
        c->position_deletes += file->record_count;
    }
}

static int count_entry(void *arg, const IceManifestFile *manifest, const IceManifestEntry *entry,
                       Error *err)
{
    summary_count(arg, &entry->file);
    return 0;
}

static bool total_of(const IceSnapshot *parent, const char *key, int64_t *ret)
{
    for (size_t i = 0; i < parent->n_summary; i++)
        if (str_is(parent->summary[i].key, key))
            return str_to_i64(parent->summary[i].value, 0, INT64_MAX, ret, NULL) == 0;
    return false;
}

/* What the parent's files are in all. */
static int parent_totals(const TableMetadata *base, const IceSnapshot *parent, ManifestSource *source,
                         Arena *arena, SummaryCounts *ret, Error *err)
{
    *ret = (SummaryCounts){ 0 };
    if (!parent)
        return 0;
    if (total_of(parent, "total-data-files", &ret->data_files) &&
        total_of(parent, "total-delete-files", &ret->delete_files) &&
        total_of(parent, "total-records", &ret->records) &&
        total_of(parent, "total-files-size", &ret->size_bytes) &&
        total_of(parent, "total-position-deletes", &ret->position_deletes) &&
        total_of(parent, "total-equality-deletes", &ret->equality_deletes))
        return 0;
    *ret = (SummaryCounts){ 0 };
    return snapshot_walk(base, parent, true, source, arena, count_entry, ret, err);
}

static void put_changes(Summary *s, const SummaryCounts *a, const SummaryCounts *r)
{
    put_positive(s, "added-data-files", a->data_files);
    put_positive(s, "deleted-data-files", r->data_files);
    put_positive(s, "added-delete-files", a->delete_files);
    put_positive(s, "removed-delete-files", r->delete_files);
    put_positive(s, "added-position-delete-files", a->position_delete_files);
    put_positive(s, "removed-position-delete-files", r->position_delete_files);
    put_positive(s, "added-dvs", a->vectors);
    put_positive(s, "removed-dvs", r->vectors);
    put_positive(s, "added-equality-delete-files", a->equality_delete_files);
    put_positive(s, "removed-equality-delete-files", r->equality_delete_files);
    put_positive(s, "added-records", a->records);
    put_positive(s, "deleted-records", r->records);
    put_positive(s, "added-files-size", a->size_bytes);
    put_positive(s, "removed-files-size", r->size_bytes);
    put_positive(s, "added-position-deletes", a->position_deletes);
    put_positive(s, "removed-position-deletes", r->position_deletes);
    put_positive(s, "added-equality-deletes", a->equality_deletes);
    put_positive(s, "removed-equality-deletes", r->equality_deletes);
}

int summary_make(const TableMetadata *base, const SnapshotChange *change, const IceSnapshot *parent,
                 const SummaryCounts *added, const SummaryCounts *removed, int64_t changed_partitions,
                 const ManifestCounts *manifests, ManifestSource *source, Arena *arena,
                 IceSnapshot *snapshot, Error *err)
{
    static const char *const operations[] = { "append", "replace", "overwrite", "delete" };
    Summary s = { .arena = arena };
    SummaryCounts before;

    if (parent_totals(base, parent, source, arena, &before, err) < 0)
        return -1;
    put(&s, "operation", str_from(operations[change->operation]));
    for (size_t i = 0; i < change->n_summary; i++)
        *vec_push(arena, &s.items) = change->summary[i];
    put_changes(&s, added, removed);
    put_number(&s, "changed-partition-count", changed_partitions);
    put_number(&s, "manifests-created", manifests->created);
    put_number(&s, "manifests-kept", manifests->kept);
    put_number(&s, "manifests-replaced", manifests->replaced);
    put_positive(&s, "entries-processed", manifests->entries);
    put_number(&s, "total-records", before.records + added->records - removed->records);
    put_number(&s, "total-files-size", before.size_bytes + added->size_bytes - removed->size_bytes);
    put_number(&s, "total-data-files", before.data_files + added->data_files - removed->data_files);
    put_number(&s, "total-delete-files", before.delete_files + added->delete_files - removed->delete_files);
    put_number(&s, "total-position-deletes",
               before.position_deletes + added->position_deletes - removed->position_deletes);
    put_number(&s, "total-equality-deletes",
               before.equality_deletes + added->equality_deletes - removed->equality_deletes);
    snapshot->summary = s.items.items;
    snapshot->n_summary = s.items.n;
    return 0;
}
