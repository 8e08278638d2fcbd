/* apply_snapshot.c - updates of snapshots, references, statistics and keys. */
#include "iceberg/apply_internal.h"

#include "base/clock.h"

static const IceSnapshot *find_snapshot(const MetadataBuilder *b, int64_t id, size_t *ret_at)
{
    for (size_t i = b->snapshots.n; i-- > 0;)
        if (b->snapshots.items[i]->snapshot_id == id) {
            *ret_at = i;
            return b->snapshots.items[i];
        }
    return NULL;
}

static IceRef *find_ref(MetadataBuilder *b, Str name)
{
    for (size_t i = 0; i < b->refs.n; i++)
        if (str_eq(b->refs.items[i].name, name))
            return &b->refs.items[i];
    return NULL;
}

/* ---- snapshots ---- */

/* A sequence number or row id that is behind means that someone else committed meanwhile: the client must
 * build the snapshot again on the new base, which is what 409 tells it. */
static int check_order(const MetadataBuilder *b, const IceSnapshot *s, Error *err)
{
    if (b->m.format_version > 1 && s->sequence_number <= b->m.last_sequence_number && s->parent_id != -1)
        return err_set(err, ERR_COMMIT_FAILED,
                       "Cannot add snapshot with sequence number %lld older than last sequence number %lld",
                       (long long)s->sequence_number, (long long)b->m.last_sequence_number);
    if (b->m.format_version == 1 && s->sequence_number != 0)
        return err_set(err, ERR_VALIDATION,
                       "Cannot add snapshot with sequence number %lld: a v1 table has none",
                       (long long)s->sequence_number);
    if (b->m.format_version < 3)
        return 0;
    if (s->first_row_id < 0)
        return err_set(err, ERR_VALIDATION, "Cannot add a snapshot: first-row-id is null");
    if (s->added_rows < 0)
        return err_set(err, ERR_VALIDATION, "Cannot add a snapshot: added-rows is null");
    if (s->first_row_id < b->m.next_row_id)
        return err_set(err, ERR_COMMIT_FAILED,
                       "Cannot add a snapshot, first-row-id is behind table next-row-id: %lld < %lld",
                       (long long)s->first_row_id, (long long)b->m.next_row_id);
    return 0;
}

int ice_apply_add_snapshot(MetadataBuilder *b, const Json *update, Error *err)
{
    const IceSnapshot *s;
    size_t at;

    if (b->schemas.n == 0)
        return err_set(err, ERR_VALIDATION, "Attempting to add a snapshot before a schema is added");
    if (b->specs.n == 0 && b->base)
        return err_set(err, ERR_VALIDATION, "Attempting to add a snapshot before a partition spec is added");
    if (ice_snapshot_parse(json_get(update, "snapshot"), b->arena, &b->scratch, &s, err) < 0)
        return -1;
    if (s->manifests && b->m.format_version > 1)
        return err_set(err, ERR_VALIDATION, "Cannot add snapshot %lld: manifest-list is required",
                       (long long)s->snapshot_id);
    if (find_snapshot(b, s->snapshot_id, &at))
        return err_set(err, ERR_VALIDATION, "Snapshot already exists for id: %lld",
                       (long long)s->snapshot_id);
    if (check_order(b, s, err) < 0)
        return -1;
    if (b->m.format_version >= 3 && __builtin_add_overflow(s->first_row_id, s->added_rows, &b->m.next_row_id))
        return err_set(err, ERR_VALIDATION, "Cannot add a snapshot: added-rows %lld is out of range",
                       (long long)s->added_rows);
    b->last_updated_ms = s->timestamp_ms;
    if (s->sequence_number > b->m.last_sequence_number)
        b->m.last_sequence_number = s->sequence_number;
    *vec_push(b->arena, &b->snapshots) = s;
    b->changed = true;
    return 0;
}

static void remove_by_snapshot(MetadataBuilder *b, const int64_t *ids, size_t n)
{
    size_t kept = 0;
    int64_t id;

    for (size_t i = 0; i < b->statistics.n; i++)
        if (json_get_int(b->statistics.items[i], "snapshot-id", -1, &id, NULL) < 0 || !ice_has_id(ids, n, id))
            b->statistics.items[kept++] = b->statistics.items[i];
    b->changed = b->changed || kept != b->statistics.n;
    b->statistics.n = kept;
    kept = 0;
    for (size_t i = 0; i < b->partition_statistics.n; i++)
        if (json_get_int(b->partition_statistics.items[i], "snapshot-id", -1, &id, NULL) < 0 ||
            !ice_has_id(ids, n, id))
            b->partition_statistics.items[kept++] = b->partition_statistics.items[i];
    b->changed = b->changed || kept != b->partition_statistics.n;
    b->partition_statistics.n = kept;
}

int ice_apply_remove_snapshots(MetadataBuilder *b, const Json *update, Error *err)
{
    int64_t *ids;
    size_t n, kept = 0, first_added = b->first_added_snapshot;

    if (ice_update_ids(update, "snapshot-ids", b->arena, &ids, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < b->snapshots.n; i++) {
        if (!ice_has_id(ids, n, b->snapshots.items[i]->snapshot_id))
            b->snapshots.items[kept++] = b->snapshots.items[i];
        else if (i < b->first_added_snapshot)
            first_added--;
    }
    if (kept == b->snapshots.n)
        return 0;
    b->snapshots.n = kept;
    b->first_added_snapshot = first_added;
    b->removed_snapshots = b->changed = true;
    remove_by_snapshot(b, ids, n);
    kept = 0;
    for (size_t i = 0; i < b->refs.n; i++) /* a reference goes with its snapshot */
        if (!ice_has_id(ids, n, b->refs.items[i].snapshot_id))
            b->refs.items[kept++] = b->refs.items[i];
    b->refs.n = kept;
    if (ice_has_id(ids, n, b->m.current_snapshot_id))
        b->m.current_snapshot_id = -1;
    return 0;
}

/* ---- references ---- */

static int check_ref(const IceRef *ref, Error *err)
{
    if (str_is(ref->name, "main") && ref->is_tag)
        return err_set(err, ERR_VALIDATION, "Cannot set main to a tag: it is a branch");
    if (ref->name.len == 0)
        return err_set(err, ERR_VALIDATION, "ref-name: expected a name");
    if (ref->is_tag && ref->min_snapshots_to_keep != -1)
        return err_set(err, ERR_VALIDATION, "Tags do not support setting minSnapshotsToKeep");
    if (ref->is_tag && ref->max_snapshot_age_ms != -1)
        return err_set(err, ERR_VALIDATION, "Tags do not support setting maxSnapshotAgeMs");
    if (ref->min_snapshots_to_keep != -1 && ref->min_snapshots_to_keep <= 0)
        return err_set(err, ERR_VALIDATION, "Min snapshots to keep must be greater than 0");
    if (ref->max_snapshot_age_ms != -1 && ref->max_snapshot_age_ms <= 0)
        return err_set(err, ERR_VALIDATION, "Max snapshot age must be greater than 0 ms");
    if (ref->max_ref_age_ms != -1 && ref->max_ref_age_ms <= 0)
        return err_set(err, ERR_VALIDATION, "Max reference age must be greater than 0");
    return 0;
}

static bool same_ref(const IceRef *a, const IceRef *b)
{
    return a->is_tag == b->is_tag && a->snapshot_id == b->snapshot_id &&
           a->min_snapshots_to_keep == b->min_snapshots_to_keep &&
           a->max_snapshot_age_ms == b->max_snapshot_age_ms && a->max_ref_age_ms == b->max_ref_age_ms;
}

/* Readers demand a log in the order of time, give or take a minute; clients' clocks do not keep to that. */
static void log_snapshot(MetadataBuilder *b, int64_t snapshot_id)
{
    int64_t ms = b->last_updated_ms;

    if (b->snapshot_log.n > 0 && ms < b->snapshot_log.items[b->snapshot_log.n - 1].timestamp_ms)
        ms = b->snapshot_log.items[b->snapshot_log.n - 1].timestamp_ms;
    *vec_push(b->arena, &b->snapshot_log) = (IceSnapshotLogEntry){ms, snapshot_id};
}

int ice_apply_set_ref(MetadataBuilder *b, const Json *update, Error *err)
{
    IceRef ref, *old;
    Str name;
    size_t at = 0;

    if (json_need_string(update, "ref-name", &name, err) < 0 || ice_ref_parse(name, update, &ref, err) < 0 ||
        check_ref(&ref, err) < 0)
        return -1;
    old = find_ref(b, name);
    if (old && same_ref(old, &ref))
        return 0;
    const IceSnapshot *s = find_snapshot(b, ref.snapshot_id, &at);
    if (!s)
        return err_set(err, ERR_VALIDATION, "Cannot set %.*s to unknown snapshot: %lld", STR_ARG(name),
                       (long long)ref.snapshot_id);
    bool is_added = at >= b->first_added_snapshot;
    if (is_added)
        b->last_updated_ms = s->timestamp_ms;
    if (str_is(name, "main")) {
        if (b->last_updated_ms < 0)
            b->last_updated_ms = clock_now_ms();
        b->m.current_snapshot_id = ref.snapshot_id;
        log_snapshot(b, ref.snapshot_id);
        if (is_added)
            *vec_push(b->arena, &b->main_ids) = ref.snapshot_id;
    }
    if (old)
        *old = ref;
    else
        *vec_push(b->arena, &b->refs) = ref;
    b->changed = true;
    return 0;
}

int ice_apply_remove_ref(MetadataBuilder *b, const Json *update, Error *err)
{
    Str name;

    if (json_need_string(update, "ref-name", &name, err) < 0)
        return -1;
    IceRef *old = find_ref(b, name);
    if (!old)
        return 0;
    if (str_is(name, "main"))
        b->m.current_snapshot_id = -1;
    *old = b->refs.items[--b->refs.n];
    b->changed = true;
    return 0;
}

static bool is_intermediate(const MetadataBuilder *b, int64_t id)
{
    if (id == b->m.current_snapshot_id)
        return false;
    for (size_t i = 0; i < b->main_ids.n; i++)
        if (b->main_ids.items[i] == id)
            return true;
    return false;
}

/* Snapshots that were only passed through in this commit were never current to anyone; and before a removed
 * snapshot the history has a hole, so it begins after it. */
void ice_builder_finish_snapshot_log(MetadataBuilder *b)
{
    size_t kept = 0, at, first_added_log = b->base ? b->base->n_snapshot_log : 0;

    if (!b->removed_snapshots && b->main_ids.n < 2)
        return;
    for (size_t i = 0; i < b->snapshot_log.n; i++) {
        IceSnapshotLogEntry entry = b->snapshot_log.items[i];
        bool is_new = i >= first_added_log;
        if (b->removed_snapshots && !find_snapshot(b, entry.snapshot_id, &at))
            kept = 0;
        else if (!is_new || !is_intermediate(b, entry.snapshot_id))
            b->snapshot_log.items[kept++] = entry;
    }
    b->snapshot_log.n = kept;
}

/* ---- statistics ---- */

static int check_statistics(const Json *stats, bool whole, int64_t *ret_id, Error *err)
{
    Str path;
    int64_t size;
    const Json *blobs;

    if (!json_is(stats, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse statistics file: expected an object");
    if (ice_json_depth(stats) > ICE_MAX_SCHEMA_DEPTH)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse statistics file: nested too deeply");
    if (json_need_int(stats, "snapshot-id", ret_id, err) < 0 ||
        json_need_string(stats, "statistics-path", &path, err) < 0 ||
        json_need_int(stats, "file-size-in-bytes", &size, err) < 0)
        return err_prefix(err, "Cannot parse statistics file");
    if (!whole)
        return 0;
    if (json_need_int(stats, "file-footer-size-in-bytes", &size, err) < 0 ||
        json_get_array(stats, "blob-metadata", &blobs, err) < 0)
        return err_prefix(err, "Cannot parse statistics file");
    if (!blobs)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse statistics file: blob-metadata is missing");
    return 0;
}

#define SET_FILE(b, list, file, id)                                                                          \
    do {                                                                                                     \
        size_t set_i_ = 0;                                                                                   \
        int64_t set_id_;                                                                                     \
        while (set_i_ < (b)->list.n &&                                                                       \
               (json_get_int((b)->list.items[set_i_], "snapshot-id", -1, &set_id_, NULL) < 0 ||              \
                set_id_ != (id)))                                                                            \
            set_i_++;                                                                                        \
        if (set_i_ == (b)->list.n)                                                                           \
            (void)vec_push((b)->arena, &(b)->list);                                                          \
        (b)->changed = (b)->changed || !ice_json_equal((b)->list.items[set_i_], (file));                     \
        (b)->list.items[set_i_] = (file);                                                                    \
    } while (0)

int ice_apply_set_statistics(MetadataBuilder *b, const Json *update, Error *err)
{
    const Json *stats = json_get(update, "statistics");
    int64_t id;

    if (check_statistics(stats, true, &id, err) < 0)
        return -1;
    SET_FILE(b, statistics, stats, id);
    return 0;
}

int ice_apply_set_partition_statistics(MetadataBuilder *b, const Json *update, Error *err)
{
    const Json *stats = json_get(update, "partition-statistics");
    int64_t id;

    if (check_statistics(stats, false, &id, err) < 0)
        return -1;
    SET_FILE(b, partition_statistics, stats, id);
    return 0;
}

static void remove_file(MetadataBuilder *b, const Json **items, size_t *n, int64_t id)
{
    int64_t item_id;

    for (size_t i = 0; i < *n; i++)
        if (json_get_int(items[i], "snapshot-id", -1, &item_id, NULL) == 0 && item_id == id) {
            memmove(&items[i], &items[i + 1], (*n - i - 1) * sizeof *items);
            (*n)--;
            b->changed = true;
            return;
        }
}

int ice_apply_remove_statistics(MetadataBuilder *b, const Json *update, Error *err)
{
    int64_t id;

    if (json_need_int(update, "snapshot-id", &id, err) < 0)
        return -1;
    remove_file(b, b->statistics.items, &b->statistics.n, id);
    return 0;
}

int ice_apply_remove_partition_statistics(MetadataBuilder *b, const Json *update, Error *err)
{
    int64_t id;

    if (json_need_int(update, "snapshot-id", &id, err) < 0)
        return -1;
    remove_file(b, b->partition_statistics.items, &b->partition_statistics.n, id);
    return 0;
}

/* ---- encryption keys ---- */

static bool key_is(const Json *key, Str key_id)
{
    Str id;
    return json_need_string(key, "key-id", &id, NULL) == 0 && str_eq(id, key_id);
}

int ice_apply_add_encryption_key(MetadataBuilder *b, const Json *update, Error *err)
{
    const Json *key = json_get(update, "encryption-key");
    Str key_id, metadata;

    if (!json_is(key, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "encryption-key: expected an object");
    if (json_need_string(key, "key-id", &key_id, err) < 0 ||
        json_need_string(key, "encrypted-key-metadata", &metadata, err) < 0)
        return err_prefix(err, "encryption-key");
    if (b->m.format_version < 3)
        return err_set(err, ERR_VALIDATION,
                       "Cannot add an encryption key to a v%d table: not supported until v3",
                       b->m.format_version);
    if (ice_json_depth(key) > ICE_MAX_SCHEMA_DEPTH)
        return err_set(err, ERR_BAD_REQUEST, "encryption-key: nested too deeply");
    for (size_t i = 0; i < b->encryption_keys.n; i++)
        if (key_is(b->encryption_keys.items[i], key_id))
            return 0;
    *vec_push(b->arena, &b->encryption_keys) = key;
    b->changed = true;
    return 0;
}

int ice_apply_remove_encryption_key(MetadataBuilder *b, const Json *update, Error *err)
{
    Str key_id;

    if (json_need_string(update, "key-id", &key_id, err) < 0)
        return -1;
    for (size_t i = 0; i < b->encryption_keys.n; i++)
        if (key_is(b->encryption_keys.items[i], key_id)) {
            b->encryption_keys.items[i] = b->encryption_keys.items[--b->encryption_keys.n];
            b->changed = true;
            return 0;
        }
    return 0;
}
