/* iceberg_expire.c - expire_snapshots, remove_orphan_files, rollback_to_snapshot. Source: Iceberg's Java
 * library, RemoveSnapshots and IncrementalFileCleanup; Trino 483 for the results' names. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_procedures.h"

enum { DELETE_BATCH = 1000, NANOS_TEXT = 32 };

/* ---- what snapshots reach ---- */

typedef struct Reach {
    Procedure *p;
    ManifestSource source;
    Map *manifests; /* path -> IceManifestFile */
    Map *files;     /* of live entries */
    int64_t n_processed;
} Reach;

static Reach reach_new(Procedure *p)
{
    return (Reach){.p = p,
                   .source = catalogs_manifest_source(p->context->catalogs),
                   .manifests = map_new(),
                   .files = map_new()};
}

static void reach_free(Reach *r)
{
    map_free(r->manifests);
    map_free(r->files);
}

static int reach_manifests(Reach *r, const IceSnapshot *snapshot, Error *err)
{
    IceManifestList list;
    if (manifest_list_load(&r->source, snapshot, r->p->arena, &list, err))
        return -1;
    for (size_t i = 0; i < list.n; i++)
        map_put(r->manifests, list.manifests[i].path, (void *)&list.manifests[i]);
    return arena_check(r->p->arena, err);
}

static int reach_files(Reach *r, const IceManifestFile *manifest, Error *err)
{
    const IceManifest *decoded;
    if (manifest_load(&r->source, manifest, r->p->table->metadata, r->p->arena, &decoded, err))
        return -1;
    r->n_processed++;
    for (size_t i = 0; i < decoded->n; i++)
        if (decoded->entries[i].status != ICE_DELETED)
            map_put(r->files, decoded->entries[i].file.path, r);
    return 0;
}

/* ---- expire_snapshots ---- */

static int check_retention(Procedure *p, const char *property, const char *config, Error *err)
{
    int64_t given = p->args[0].number;
    ProcedureArg least = {.type = ARG_DURATION};
    Str text = session_property(p->context, p->handle->catalog, property, STR("7d"));
    if (!procedure_parse_duration(text, &least.number))
        return err_set(err, ERR_INVALID_SESSION_PROPERTY, "%s is invalid: %.*s", property, STR_ARG(text));
    if (given >= least.number)
        return 0;
    char shown_given[NANOS_TEXT], shown_least[NANOS_TEXT];
    procedure_duration_text(given, shown_given, sizeof shown_given);
    procedure_duration_text(least.number, shown_least, sizeof shown_least);
    return err_set(
        err, ERR_INVALID_PROCEDURE_ARGUMENT,
        "Retention specified (%s) is shorter than the minimum retention configured in the system (%s). "
        "Minimum retention can be changed with %s configuration property or %.*s.%s session property",
        shown_given, shown_least, config, STR_ARG(p->handle->catalog), property);
}

/* The ancestors of a branch that stay: the newest `least` and all that are young enough. */
static void keep_branch(const TableMetadata *t, const IceRef *ref, int64_t least, int64_t cutoff_ms,
                        bool *keep)
{
    int64_t n = 0;
    if (ref->min_snapshots_to_keep > 0)
        least = ref->min_snapshots_to_keep;
    if (ref->max_snapshot_age_ms > 0)
        cutoff_ms = clock_now_ms() - ref->max_snapshot_age_ms;
    for (const IceSnapshot *s = metadata_snapshot(t, ref->snapshot_id); s;
         s = s->parent_id >= 0 ? metadata_snapshot(t, s->parent_id) : NULL) {
        if (n++ >= least && s->timestamp_ms < cutoff_ms)
            return;
        for (size_t i = 0; i < t->n_snapshots; i++)
            if (t->snapshots[i] == s)
                keep[i] = true;
    }
}

static bool is_ancestor_of_ref(const TableMetadata *t, const bool *keep_refs, const IceSnapshot *wanted)
{
    for (size_t i = 0; i < t->n_refs; i++)
        for (const IceSnapshot *s = metadata_snapshot(t, t->refs[i].snapshot_id); s && keep_refs[i];
             s = s->parent_id >= 0 ? metadata_snapshot(t, s->parent_id) : NULL)
            if (s == wanted)
                return true;
    return false;
}

/* Branches and tags older than they may get go; main stays. */
static bool *choose_kept_refs(Procedure *p, bool *ret_some_go)
{
    const TableMetadata *t = p->table->metadata;
    bool *keep = arena_array(p->arena, bool, t->n_refs + 1);
    int64_t most, now_ms = clock_now_ms();
    Str text = metadata_property(t, "history.expire.max-ref-age-ms", STR(""));
    if (str_to_i64(text, 1, INT64_MAX, &most, NULL))
        most = INT64_MAX;
    *ret_some_go = false;
    for (size_t i = 0; i < t->n_refs; i++) {
        const IceSnapshot *head = metadata_snapshot(t, t->refs[i].snapshot_id);
        int64_t age_ms = head ? now_ms - head->timestamp_ms : INT64_MAX,
                limit = t->refs[i].max_ref_age_ms > 0 ? t->refs[i].max_ref_age_ms : most;
        keep[i] = str_is(t->refs[i].name, "main") || age_ms <= limit;
        *ret_some_go |= !keep[i];
    }
    return keep;
}

static bool *choose_kept(Procedure *p, const bool *keep_refs, int64_t cutoff_ms, int64_t least)
{
    const TableMetadata *t = p->table->metadata;
    bool *keep = arena_array(p->arena, bool, t->n_snapshots + 1);
    memset(keep, 0, t->n_snapshots);
    for (size_t i = 0; i < t->n_refs; i++) {
        if (!keep_refs[i])
            continue;
        if (!t->refs[i].is_tag)
            keep_branch(t, &t->refs[i], least, cutoff_ms, keep);
        for (size_t k = 0; k < t->n_snapshots; k++)
            keep[k] |= t->snapshots[k]->snapshot_id == t->refs[i].snapshot_id;
    }
    for (size_t k = 0; k < t->n_snapshots; k++)
        if (!keep[k] && t->snapshots[k]->timestamp_ms >= cutoff_ms &&
            !is_ancestor_of_ref(t, keep_refs, t->snapshots[k]))
            keep[k] = true;
    return keep;
}

static void put_uuid_requirement(Buf *out, const TableMetadata *t)
{
    JsonWriter w = JSON_WRITER(out);
    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-table-uuid");
    json_kv_str(&w, "uuid", t->table_uuid);
    json_end_object(&w);
    for (size_t i = 0; i < t->n_refs; i++) { /* a branch that moved may need what is about to go */
        json_object(&w);
        json_kv_cstr(&w, "type", "assert-ref-snapshot-id");
        json_kv_str(&w, "ref", t->refs[i].name);
        json_kv_int(&w, "snapshot-id", t->refs[i].snapshot_id);
        json_end_object(&w);
    }
    json_end_array(&w);
}

static int commit_expiry(Procedure *p, const bool *keep_refs, const bool *keep, Error *err)
{
    const TableMetadata *t = p->table->metadata;
    _cleanup_buf_ Buf requirements = BUF_INIT(16 << 20), updates = BUF_INIT(64 << 20);
    put_uuid_requirement(&requirements, t);
    JsonWriter w = JSON_WRITER(&updates);
    json_array(&w);
    for (size_t i = 0; i < t->n_refs; i++) {
        if (keep_refs[i])
            continue;
        json_object(&w);
        json_kv_cstr(&w, "action", "remove-snapshot-ref");
        json_kv_str(&w, "ref-name", t->refs[i].name);
        json_end_object(&w);
    }
    json_object(&w);
    json_kv_cstr(&w, "action", "remove-snapshots");
    json_key(&w, "snapshot-ids");
    json_array(&w);
    for (size_t i = 0; i < t->n_snapshots; i++)
        if (!keep[i])
            json_int(&w, t->snapshots[i]->snapshot_id);
    json_end_array(&w);
    json_end_object(&w);
    json_end_array(&w);
    if (buf_check(&requirements, err) || buf_check(&updates, err))
        return -1;
    return iceberg_commit_updates(p->context, p->table->namespace_, p->table->name, buf_str(&requirements),
                                  buf_str(&updates), err);
}

/* Files that only snapshots which go have. Read before the commit; deleted after it. */
static int find_garbage(Procedure *p, const bool *keep, StrList *garbage, Error *err)
{
    const TableMetadata *t = p->table->metadata;
    Reach kept = reach_new(p), gone = reach_new(p);
    int r = 0;
    Str path;
    void *value;
    for (size_t i = 0; i < t->n_snapshots && !r; i++) {
        r = reach_manifests(keep[i] ? &kept : &gone, t->snapshots[i], err);
        if (!keep[i] && t->snapshots[i]->manifest_list.len)
            *vec_push(p->arena, garbage) = t->snapshots[i]->manifest_list;
    }
    for (size_t i = 0; !r && map_next(gone.manifests, &i, &path, &value);) {
        if (map_get(kept.manifests, path))
            continue;
        *vec_push(p->arena, garbage) = arena_str(p->arena, path);
        r = reach_files(&gone, value, err);
    }
    if (!r && map_count(gone.files))
        for (size_t i = 0; !r && map_next(kept.manifests, &i, &path, &value);)
            r = reach_files(&kept, value, err);
    for (size_t i = 0; !r && map_next(gone.files, &i, &path, &value);)
        if (!map_get(kept.files, path))
            *vec_push(p->arena, garbage) = arena_str(p->arena, path);
    reach_free(&kept);
    reach_free(&gone);
    return r ? -1 : arena_check(p->arena, err);
}

int procedure_expire_snapshots(Procedure *p, Error *err)
{
    const TableMetadata *t = p->table->metadata;
    StrList garbage = {0};
    if (p->args[1].number < 1)
        return err_set(err, ERR_INVALID_PROCEDURE_ARGUMENT,
                       "Number of snapshots to retain must be at least 1, cannot be: %lld",
                       (long long)p->args[1].number);
    if (check_retention(p, "expire_snapshots_min_retention", "iceberg.expire-snapshots.min-retention", err))
        return -1;
    bool some, *keep_refs = choose_kept_refs(p, &some);
    bool *keep = choose_kept(p, keep_refs, clock_now_ms() - p->args[0].number, p->args[1].number);
    for (size_t i = 0; i < t->n_snapshots; i++)
        some |= !keep[i];
    if (!some)
        return 0;
    if (find_garbage(p, keep, &garbage, err) || commit_expiry(p, keep_refs, keep, err))
        return -1;
    Error ignored;
    if (storage_delete_many(p->context->catalogs->storage, garbage.items, garbage.n, &ignored))
        log_warn("query.expire", L_ERR(&ignored)); /* what is left are orphans */
    return 0;
}

/* ---- remove_orphan_files ---- */

typedef struct Orphans {
    Procedure *p;
    Reach reach;
    StrList found; /* objects old enough, as they were listed before the metadata was read */
    Vec(int64_t) sizes;
    int64_t n_scanned, n_deleted, deleted_bytes;
} Orphans;

static int list_objects(Orphans *o, int64_t before_us, Error *err)
{
    Procedure *p = o->p;
    Str location = p->table->metadata->location, after = STR_NULL, bucket;
    bool more = true;
    while (location.len && location.ptr[location.len - 1] == '/')
        location.len--;
    Str prefix = arena_printf(p->arena, "%.*s/", STR_ARG(location));
    while (more) {
        StorageListEntry *entries;
        size_t n;
        if (storage_list(p->context->catalogs->storage, prefix, after, p->arena, &entries, &n, &more, err))
            return -1;
        for (size_t i = 0; i < n; i++) {
            o->n_scanned++;
            if (entries[i].modified_us >= before_us ||
                in_flight_has(p->context->catalogs->in_flight, entries[i].uri))
                continue;
            *vec_push(p->arena, &o->found) = entries[i].uri;
            *vec_push(p->arena, &o->sizes) = entries[i].size;
        }
        if (n && storage_uri_split(entries[n - 1].uri, &bucket, &after, err))
            return -1;
        more = more && n;
    }
    return arena_check(p->arena, err);
}

static void reach_statistics(Orphans *o, const Json *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        Str path;
        if (!json_get_string(items[i], "statistics-path", STR_NULL, &path, NULL) && path.ptr)
            map_put(o->reach.files, path, o);
    }
}

/* The table as it is now: a commit that was under way when the objects were listed may have ended since. */
static int reach_table(Orphans *o, Error *err)
{
    LoadedTable loaded;
    Procedure *p = o->p;
    Catalogs *c = p->context->catalogs;
    if (table_cache_load(c->tables, c->catalog, p->table->namespace_, p->table->name, p->arena, &loaded, err))
        return -1;
    const TableMetadata *t = loaded.metadata;
    Str path;
    void *value;
    for (size_t i = 0; i < t->n_snapshots; i++) {
        if (reach_manifests(&o->reach, t->snapshots[i], err))
            return -1;
        map_put(o->reach.files, t->snapshots[i]->manifest_list, o);
    }
    for (size_t i = 0; map_next(o->reach.manifests, &i, &path, &value);) {
        map_put(o->reach.files, path, o);
        if (reach_files(&o->reach, value, err))
            return -1;
    }
    map_put(o->reach.files, loaded.metadata_location, o);
    for (size_t i = 0; i < t->n_metadata_log; i++)
        map_put(o->reach.files, t->metadata_log[i].metadata_file, o);
    reach_statistics(o, t->statistics, t->n_statistics);
    reach_statistics(o, t->partition_statistics, t->n_partition_statistics);
    return 0;
}

static bool is_orphan(const Orphans *o, Str uri)
{
    return !map_get(o->reach.files, uri) && !str_has_suffix(uri, STR("/version-hint.text"));
}

static int delete_orphans(Orphans *o, Error *err)
{
    StrList batch = {0};
    for (size_t i = 0; i < o->found.n; i++) {
        if (!is_orphan(o, o->found.items[i]))
            continue;
        *vec_push(o->p->arena, &batch) = o->found.items[i];
        o->n_deleted++;
        o->deleted_bytes += o->sizes.items[i];
    }
    return batch.n ? storage_delete_many(o->p->context->catalogs->storage, batch.items, batch.n, err) : 0;
}

/* Another table's files may stand below ours when a client chose its location so. */
static int check_overlap(Procedure *p, Error *err)
{
    Str owner = metadata_property(p->table->metadata, "gc.enabled", STR("true"));
    return str_is(owner, "false") ? err_set(err, ERR_NOT_SUPPORTED,
                                            "Cannot remove orphan files: gc.enabled is false for this table")
                                  : 0;
}

int procedure_remove_orphan_files(Procedure *p, Error *err)
{
    Orphans o = {.p = p, .reach = reach_new(p)};
    int64_t before_us = clock_now_us() - p->args[0].number * 1000;
    int r = check_retention(p, "remove_orphan_files_min_retention",
                            "iceberg.remove-orphan-files.min-retention", err) ||
                    check_overlap(p, err) || list_objects(&o, before_us, err) || reach_table(&o, err) ||
                    delete_orphans(&o, err)
                ? -1
                : 0;
    if (!r) {
        procedure_metric(p, "processed_manifests_count", o.reach.n_processed);
        procedure_metric(p, "active_files_count", (int64_t)map_count(o.reach.files));
        procedure_metric(p, "scanned_files_count", o.n_scanned);
        procedure_metric(p, "deleted_files_count", o.n_deleted);
        procedure_metric(p, "deleted_bytes", o.deleted_bytes);
    }
    reach_free(&o.reach);
    return r;
}

/* ---- rollback_to_snapshot ---- */

static bool is_ancestor(const TableMetadata *t, int64_t snapshot_id)
{
    for (const IceSnapshot *s = metadata_current_snapshot(t); s;
         s = s->parent_id >= 0 ? metadata_snapshot(t, s->parent_id) : NULL)
        if (s->snapshot_id == snapshot_id)
            return true;
    return false;
}

int procedure_rollback(Procedure *p, int64_t snapshot_id, Error *err)
{
    const TableMetadata *t = p->table->metadata;
    _cleanup_buf_ Buf requirements = BUF_INIT(16 << 20), updates = BUF_INIT(1 << 20);
    if (!metadata_snapshot(t, snapshot_id))
        return err_set(err, ERR_INTERNAL, "Cannot roll back to unknown snapshot id: %lld",
                       (long long)snapshot_id);
    if (!is_ancestor(t, snapshot_id))
        return err_set(err, ERR_INTERNAL,
                       "Cannot roll back to snapshot, not an ancestor of the current state: %lld",
                       (long long)snapshot_id);
    put_uuid_requirement(&requirements, t);
    JsonWriter w = JSON_WRITER(&updates);
    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "action", "set-snapshot-ref");
    json_kv_cstr(&w, "ref-name", "main");
    json_kv_cstr(&w, "type", "branch");
    json_kv_int(&w, "snapshot-id", snapshot_id);
    json_end_object(&w);
    json_end_array(&w);
    return iceberg_commit_updates(p->context, p->table->namespace_, p->table->name, buf_str(&requirements),
                                  buf_str(&updates), err);
}
