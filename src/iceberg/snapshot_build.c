/* snapshot_build.c - a snapshot against a base: step 2 of snapshot_write.h. */
#include <assert.h>

#include "base/map.h"
#include "format/avro.h"
#include "iceberg/snapshot_internal.h"

static const int64_t DEFAULT_TARGET_BYTES = 8 << 20; /* commit.manifest.target-size-bytes */
static const int64_t DEFAULT_MIN_COUNT = 100;        /* commit.manifest.min-count-to-merge */

typedef struct Removal {
    const RemovedFile *file; /* NULL: a deletion vector that goes with its data file */
    bool found;
} Removal;

typedef struct Build {
    const TableMetadata *base;
    const SnapshotChange *change;
    const IceSnapshot *parent;
    ManifestSource *source;
    Arena *arena;
    Error *err;
    Map *removals;                  /* file key -> Removal */
    Map *data_paths;                /* path of removed data files -> anything */
    size_t n_wanted[2], n_found[2]; /* removed files by manifest content */
    Vec(IceManifestFile) manifests; /* of the new snapshot */
    Vec(IceOutputFile) outputs;
    SummaryCounts added, removed;
    ManifestCounts counts;
    Map *partitions; /* that changed */
} Build;

/* --- small things --- */

Str snapshot_branch(const SnapshotChange *change)
{
    return change->branch.ptr ? change->branch : STR("main");
}

const IceSnapshot *snapshot_head(const TableMetadata *table, Str branch)
{
    const IceRef *ref = metadata_ref(table, branch);

    if (ref)
        return metadata_snapshot(table, ref->snapshot_id);
    return str_is(branch, "main") ? metadata_current_snapshot(table) : NULL;
}

static IceManifestContent content_of(const IceDataFile *file)
{
    return file->content == ICE_CONTENT_DATA ? ICE_MANIFEST_DATA : ICE_MANIFEST_DELETES;
}

/* Deletion vectors share files: they are told by their data file too. */
static Str file_key(const IceDataFile *file, Arena *arena)
{
    if (!ice_file_is_dv(file))
        return file->path;
    return arena_printf(arena, "%.*s\n%.*s", STR_ARG(file->path), STR_ARG(file->referenced_data_file));
}

static void note_partition(Build *b, const IceDataFile *file)
{
    _cleanup_buf_ Buf key = BUF_INIT(1 << 24);

    buf_append(&key, &file->spec_id, sizeof file->spec_id);
    for (size_t i = 0; i < file->n_partition; i++) {
        buf_putc(&key, file->partition[i].is_null);
        if (!file->partition[i].is_null)
            avro_put_bytes(&key, ice_value_to_bytes(&file->partition[i], b->arena));
    }
    map_put(b->partitions, buf_str(&key), b);
}

static Str output_path(Build *b)
{
    Str name = arena_printf(b->arena, "%.*s-a%d-m%zu.avro", STR_ARG(b->change->uuid), b->change->attempt,
                            b->outputs.n);
    return snapshot_metadata_path(b->base, name, b->arena);
}

static ManifestWriter *new_writer(Build *b, const IceManifestFile *like)
{
    IcePartitionType *types = arena_new_of(b->arena, IcePartitionType);

    if (ice_partition_type(b->base, like->spec_id, b->arena, types, b->err) < 0)
        return NULL;
    IceManifestHeader header = { b->base->format_version, metadata_current_schema(b->base), types,
                                 like->content, b->change->snapshot_id };
    return manifest_writer_new(&header, SNAPSHOT_MAX_MANIFEST_BYTES, b->arena);
}

static int finish_writer(Build *b, ManifestWriter *w)
{
    Str path = output_path(b), bytes;

    if (manifest_writer_finish(w, path, &bytes, vec_push(b->arena, &b->manifests), b->err) < 0)
        return -1;
    *vec_push(b->arena, &b->outputs) = (IceOutputFile){ path, bytes };
    b->counts.created++;
    return 0;
}

/* --- removed files --- */

static void prepare_removals(Build *b)
{
    const SnapshotChange *change = b->change;

    for (size_t i = 0; i < change->n_removed; i++) {
        Removal *removal = arena_new_of(b->arena, Removal);
        *removal = (Removal){ .file = &change->removed[i] };
        if (!map_put(b->removals, file_key(change->removed[i].file, b->arena), removal))
            b->n_wanted[content_of(change->removed[i].file)]++;
        if (change->removed[i].file->content == ICE_CONTENT_DATA)
            map_put(b->data_paths, change->removed[i].file->path, b);
    }
}

/* Does the entry go? Counts those that were asked for. */
static bool is_removed(Build *b, const IceDataFile *file)
{
    Removal *removal = map_get(b->removals, file_key(file, b->arena));

    if (removal) {
        b->n_found[content_of(file)] += !removal->found;
        removal->found = true;
        return true;
    }
    return ice_file_is_dv(file) && !b->change->keep_dangling_deletes &&
           map_get(b->data_paths, file->referenced_data_file) != NULL;
}

static bool holds_removed(Build *b, const IceManifest *manifest)
{
    bool holds = false;

    for (size_t i = 0; i < manifest->n; i++)
        holds = (manifest->entries[i].status != ICE_DELETED && is_removed(b, &manifest->entries[i].file)) ||
                holds;
    return holds;
}

/* The manifest without the removed files: they become DELETED, the rest EXISTING, what was DELETED before
 * goes. */
static int rewrite_without(Build *b, const IceManifestFile *listed, const IceManifest *manifest)
{
    ManifestWriter *w = new_writer(b, listed);
    int64_t next_row_id = listed->first_row_id;

    if (!w)
        return -1;
    for (size_t i = 0; i < manifest->n; i++) {
        IceManifestEntry entry = manifest->entries[i];
        manifest_inherit(listed, &entry, &next_row_id);
        b->counts.entries++;
        if (entry.status == ICE_DELETED)
            continue;
        entry.status = ICE_EXISTING;
        if (is_removed(b, &entry.file)) {
            entry.status = ICE_DELETED;
            entry.snapshot_id = b->change->snapshot_id;
            summary_count(&b->removed, &entry.file);
            note_partition(b, &entry.file);
        }
        if (manifest_writer_add(w, &entry, b->err) < 0)
            return -1;
    }
    b->counts.replaced++;
    return finish_writer(b, w);
}

/* Need a manifest of this content be searched still? Which vectors go with their data files shows only at
 * the end. */
static bool may_hold_removed(const Build *b, IceManifestContent content)
{
    bool vectors_may_go = map_count(b->data_paths) > 0 && !b->change->keep_dangling_deletes;

    return b->n_found[content] < b->n_wanted[content] ||
           (content == ICE_MANIFEST_DELETES && vectors_may_go);
}

static bool has_live_files(const IceManifestFile *m)
{
    return m->added_files != 0 || m->existing_files != 0;
}

static bool is_hinted(const Build *b, const IceManifestFile *listed)
{
    for (size_t i = 0; i < b->change->n_removed; i++)
        if (b->change->removed[i].manifest && str_eq(b->change->removed[i].manifest->path, listed->path))
            return true;
    return false;
}

/* Carries over one manifest of the parent, rewritten when it holds removed files. */
static int carry_over(Build *b, const IceManifestFile *listed, bool search)
{
    const IceManifest *manifest;

    if (search) {
        if (manifest_load(b->source, listed, b->base, b->arena, &manifest, b->err) < 0)
            return -1;
        if (holds_removed(b, manifest))
            return rewrite_without(b, listed, manifest);
    }
    *vec_push(b->arena, &b->manifests) = *listed;
    b->counts.kept++;
    return 0;
}

static int check_all_found(Build *b)
{
    for (size_t i = 0; i < b->change->n_removed; i++) {
        const IceDataFile *file = b->change->removed[i].file;
        const Removal *removal = map_get(b->removals, file_key(file, b->arena));
        if (!removal->found)
            return err_set(b->err, ERR_COMMIT_FAILED, "Missing required files to delete: %.*s",
                           STR_ARG(file->path));
    }
    return 0;
}

/* The parent's manifests of one content. Those that are hinted at are searched first: mostly nothing else
 * need be read. */
static int carry_over_content(Build *b, const IceManifestList *list, IceManifestContent content)
{
    bool *hinted = arena_array(b->arena, bool, list->n);

    for (size_t i = 0; i < list->n && map_count(b->removals) > 0; i++) {
        const IceManifestFile *m = &list->manifests[i];
        const IceManifest *manifest;
        hinted[i] = m->content == content && has_live_files(m) && is_hinted(b, m);
        if (!hinted[i])
            continue;
        if (manifest_load(b->source, m, b->base, b->arena, &manifest, b->err) < 0)
            return -1;
        holds_removed(b, manifest);
    }
    for (size_t i = 0; i < list->n; i++) {
        const IceManifestFile *m = &list->manifests[i];
        if (m->content != content || !has_live_files(m)) /* one that lists nothing alive is dropped */
            continue;
        if (carry_over(b, m, hinted[i] || may_hold_removed(b, content)) < 0)
            return -1;
    }
    return arena_check(b->arena, b->err);
}

/* --- merging --- */

/* Several manifests of one spec and content become one. None of them has entries of the new snapshot. */
static int merge(Build *b, const IceManifestFile *bin, size_t n)
{
    ManifestWriter *w = new_writer(b, &bin[0]);

    if (!w)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const IceManifest *manifest;
        int64_t next_row_id = bin[i].first_row_id;
        if (manifest_load(b->source, &bin[i], b->base, b->arena, &manifest, b->err) < 0)
            return -1;
        for (size_t j = 0; j < manifest->n; j++) {
            IceManifestEntry entry = manifest->entries[j];
            manifest_inherit(&bin[i], &entry, &next_row_id);
            if (entry.status == ICE_DELETED)
                continue;
            entry.status = ICE_EXISTING;
            b->counts.entries++;
            if (manifest_writer_add(w, &entry, b->err) < 0)
                return -1;
        }
    }
    b->counts.replaced += (int64_t)n;
    b->counts.kept -= (int64_t)n;
    return finish_writer(b, w);
}

/* Packs manifests of one spec and content, in their order, up to the target size. The new snapshot's own
 * stay apart: they may be needed as they are by the next attempt. */
static int merge_group(Build *b, const IceManifestFile *group, size_t n)
{
    int64_t target = snapshot_property(b->base, "commit.manifest.target-size-bytes", DEFAULT_TARGET_BYTES);
    size_t start = 0;
    int64_t size = 0;

    for (size_t i = 0; i <= n; i++) {
        if (i < n && (i == start || size + group[i].length_bytes <= target)) {
            size += group[i].length_bytes;
            continue;
        }
        if (i - start > 1) {
            if (merge(b, group + start, i - start) < 0)
                return -1;
        } else if (i > start) {
            *vec_push(b->arena, &b->manifests) = group[start];
        }
        start = i;
        size = i < n ? group[i].length_bytes : 0;
    }
    return 0;
}

static bool is_mergeable(const Build *b, const IceManifestFile *m)
{
    return m->added_snapshot_id != b->change->snapshot_id;
}

static int merge_manifests(Build *b)
{
    int64_t min_count =
        b->change->merge_min_count
            ? b->change->merge_min_count
            : snapshot_property(b->base, "commit.manifest.min-count-to-merge", DEFAULT_MIN_COUNT);
    IceManifestFile *old = b->manifests.items,
                    *group = arena_array(b->arena, IceManifestFile, b->manifests.n);
    size_t n_old = b->manifests.n;
    bool *done = arena_array(b->arena, bool, n_old);

    b->manifests.items = NULL;
    b->manifests.n = b->manifests.cap = 0;
    for (size_t i = 0; i < n_old; i++) {
        size_t n = 0;
        if (done[i])
            continue;
        for (size_t j = i; j < n_old && is_mergeable(b, &old[i]); j++) {
            if (done[j] || old[j].spec_id != old[i].spec_id || old[j].content != old[i].content ||
                !is_mergeable(b, &old[j]))
                continue;
            done[j] = true;
            group[n++] = old[j];
        }
        if (n == 0) {
            *vec_push(b->arena, &b->manifests) = old[i];
        } else if ((int64_t)n < min_count) {
            for (size_t j = 0; j < n; j++)
                *vec_push(b->arena, &b->manifests) = group[j];
        } else if (merge_group(b, group, n) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- the manifests of the snapshot --- */

static void add_new_manifests(Build *b, IceManifestContent content)
{
    const AddedFiles *added = b->change->added;

    for (size_t i = 0; added && i < added->n; i++) {
        if (added->manifests[i].content != content)
            continue;
        *vec_push(b->arena, &b->manifests) = added->manifests[i];
        b->counts.created++;
    }
}

static int collect_manifests(Build *b)
{
    IceManifestList list = { 0 };

    if (b->parent && manifest_list_load(b->source, b->parent, b->arena, &list, b->err) < 0)
        return -1;
    prepare_removals(b);
    for (int content = ICE_MANIFEST_DATA; content <= ICE_MANIFEST_DELETES; content++) {
        add_new_manifests(b, (IceManifestContent)content);
        if (carry_over_content(b, &list, (IceManifestContent)content) < 0)
            return -1;
    }
    if (check_all_found(b) < 0)
        return -1;
    for (size_t i = 0; b->change->added && i < b->change->added->n_files; i++) {
        summary_count(&b->added, b->change->added->files[i].file);
        note_partition(b, b->change->added->files[i].file);
    }
    return b->change->merge_manifests ? merge_manifests(b) : 0;
}

/* --- the snapshot --- */

static int write_list(Build *b, IceSnapshot *snapshot)
{
    const SnapshotChange *change = b->change;
    bool lineage = b->base->format_version >= 3;
    IceManifestListHeader header = { b->base->format_version, change->snapshot_id, snapshot->parent_id,
                                     snapshot->sequence_number, lineage ? b->base->next_row_id : -1 };
    Str name = arena_printf(b->arena, "snap-%lld-%d-%.*s.avro", (long long)change->snapshot_id,
                            change->attempt + 1, STR_ARG(change->uuid));
    _cleanup_buf_ Buf out = BUF_INIT(SNAPSHOT_MAX_MANIFEST_BYTES);
    int64_t next_row_id = -1;

    if (manifest_list_write(&header, b->manifests.items, b->manifests.n, &out, &next_row_id, b->err) < 0)
        return -1;
    snapshot->manifest_list = snapshot_metadata_path(b->base, name, b->arena);
    snapshot->first_row_id = lineage ? header.first_row_id : -1;
    snapshot->added_rows = lineage ? next_row_id - header.first_row_id : -1;
    *vec_push(b->arena, &b->outputs) =
        (IceOutputFile){ snapshot->manifest_list, arena_str(b->arena, buf_str(&out)) };
    return 0;
}

static Str snapshot_json(const IceSnapshot *s, Arena *arena)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 24);
    JsonWriter w = JSON_WRITER(&out);

    json_object(&w);
    json_kv_int(&w, "sequence-number", s->sequence_number);
    json_kv_int(&w, "snapshot-id", s->snapshot_id);
    if (s->parent_id >= 0)
        json_kv_int(&w, "parent-snapshot-id", s->parent_id);
    json_kv_int(&w, "timestamp-ms", s->timestamp_ms);
    json_key(&w, "summary");
    json_object(&w);
    for (size_t i = 0; i < s->n_summary; i++) {
        json_key_str(&w, s->summary[i].key);
        json_str(&w, s->summary[i].value);
    }
    json_end_object(&w);
    json_kv_str(&w, "manifest-list", s->manifest_list);
    json_kv_int(&w, "schema-id", s->schema_id);
    if (s->first_row_id >= 0)
        json_kv_int(&w, "first-row-id", s->first_row_id);
    if (s->added_rows >= 0)
        json_kv_int(&w, "added-rows", s->added_rows);
    json_end_object(&w);
    return arena_str(arena, buf_str(&out));
}

static Str updates_json(Build *b, const IceSnapshot *snapshot)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 24);
    JsonWriter w = JSON_WRITER(&out);
    Str branch = snapshot_branch(b->change);
    const IceRef *ref = metadata_ref(b->base, branch);

    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "action", "add-snapshot");
    json_key(&w, "snapshot");
    json_raw(&w, snapshot->json);
    json_end_object(&w);
    json_object(&w);
    json_kv_cstr(&w, "action", "set-snapshot-ref");
    json_kv_str(&w, "ref-name", branch);
    json_kv_cstr(&w, "type", "branch");
    json_kv_int(&w, "snapshot-id", snapshot->snapshot_id);
    if (ref && ref->min_snapshots_to_keep >= 0)
        json_kv_int(&w, "min-snapshots-to-keep", ref->min_snapshots_to_keep);
    if (ref && ref->max_snapshot_age_ms >= 0)
        json_kv_int(&w, "max-snapshot-age-ms", ref->max_snapshot_age_ms);
    if (ref && ref->max_ref_age_ms >= 0)
        json_kv_int(&w, "max-ref-age-ms", ref->max_ref_age_ms);
    json_end_object(&w);
    json_end_array(&w);
    return arena_str(b->arena, buf_str(&out));
}

static Str requirements_json(Build *b)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    JsonWriter w = JSON_WRITER(&out);

    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-table-uuid");
    json_kv_str(&w, "uuid", b->base->table_uuid);
    json_end_object(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-ref-snapshot-id");
    json_kv_str(&w, "ref", snapshot_branch(b->change));
    json_key(&w, "snapshot-id");
    if (b->parent)
        json_int(&w, b->parent->snapshot_id);
    else
        json_null(&w);
    json_end_object(&w);
    json_end_array(&w);
    return arena_str(b->arena, buf_str(&out));
}

static int make_snapshot(Build *b, NewSnapshot *ret)
{
    const TableMetadata *base = b->base;
    IceSnapshot *s = &ret->snapshot;

    *s = (IceSnapshot){
        .snapshot_id = b->change->snapshot_id,
        .parent_id = b->parent ? b->parent->snapshot_id : -1,
        .sequence_number = base->last_sequence_number + 1,
        .timestamp_ms = b->change->timestamp_ms > base->last_updated_ms ? b->change->timestamp_ms
                                                                        : base->last_updated_ms,
        .schema_id = base->current_schema_id,
    };
    if (collect_manifests(b) < 0 ||
        summary_make(base, b->change, b->parent, &b->added, &b->removed, (int64_t)map_count(b->partitions),
                     &b->counts, b->source, b->arena, s, b->err) < 0 ||
        write_list(b, s) < 0)
        return -1;
    s->json = snapshot_json(s, b->arena);
    ret->updates = updates_json(b, s);
    ret->requirements = requirements_json(b);
    ret->outputs = b->outputs.items;
    ret->n_outputs = b->outputs.n;
    return arena_check(b->arena, b->err);
}

int snapshot_build(const TableMetadata *base, const SnapshotChange *change, ManifestSource *source,
                   Arena *arena, NewSnapshot *ret, Error *err)
{
    Build b = {
        .base = base,
        .change = change,
        .parent = snapshot_head(base, snapshot_branch(change)),
        .source = source,
        .arena = arena,
        .err = err,
        .removals = map_new(),
        .data_paths = map_new(),
        .partitions = map_new(),
    };

    assert(change->snapshot_id > 0);
    int result = make_snapshot(&b, ret);
    map_free(b.removals);
    map_free(b.data_paths);
    map_free(b.partitions);
    return result;
}
