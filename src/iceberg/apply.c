/* apply.c - metadata_apply(): a table's next document from the one it has and a commit's updates.
 *
 * A builder starts as a copy of the base, each update changes it, and what it holds at the end is checked as
 * a whole and becomes the new document. Nothing of the base is written to; the new document points into it.
 * Source: REST spec "CommitTableRequest"; the behaviour of the Java reference (TableMetadata.Builder). */
#include "iceberg/apply_internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"

typedef int (*ApplyFn)(MetadataBuilder *b, const Json *update, Error *err);

/* ---- helpers of all updates ---- */

int ice_update_need_int32(const Json *update, const char *key, int32_t *ret, Error *err)
{
    int64_t value;

    if (json_need_int(update, key, &value, err) < 0)
        return -1;
    if (value < -1 || value > INT32_MAX)
        return err_set(err, ERR_BAD_REQUEST, "%s: %lld is out of range", key, (long long)value);
    *ret = (int32_t)value;
    return 0;
}

static int compare_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int ice_update_ids(const Json *update, const char *key, Arena *arena, int64_t **ret_ids, size_t *ret_n,
                   Error *err)
{
    const Json *array;

    if (json_get_array(update, key, &array, err) < 0)
        return -1;
    if (!array)
        return err_set(err, ERR_BAD_REQUEST, "%s is missing", key);
    int64_t *ids = arena_array(arena, int64_t, array->array.n + 1);
    for (size_t i = 0; i < array->array.n; i++) {
        if (!json_is(array->array.items[i], JSON_INT))
            return err_set(err, ERR_BAD_REQUEST, "%s: expected integers", key);
        ids[i] = array->array.items[i]->i64;
    }
    if (array->array.n > 1)
        qsort(ids, array->array.n, sizeof *ids, compare_i64);
    *ret_ids = ids;
    *ret_n = array->array.n;
    return 0;
}

bool ice_has_id(const int64_t *ids, size_t n, int64_t id)
{
    return n > 0 && bsearch(&id, ids, n, sizeof *ids, compare_i64) != NULL;
}

/* ---- updates of the table itself ---- */

static int apply_assign_uuid(MetadataBuilder *b, const Json *update, Error *err)
{
    Str uuid;

    if (json_need_string(update, "uuid", &uuid, err) < 0)
        return -1;
    if (uuid.len != UUID_TEXT_LEN)
        return err_set(err, ERR_BAD_REQUEST, "uuid: \"%.*s\" is no UUID", STR_ARG(str_slice(uuid, 0, 100)));
    if (b->base && b->m.table_uuid.ptr && !str_eq_nocase(b->m.table_uuid, uuid))
        return err_set(err, ERR_BAD_REQUEST, "Cannot reassign uuid: the table has %.*s",
                       STR_ARG(b->m.table_uuid));
    if (b->m.table_uuid.ptr && str_eq_nocase(b->m.table_uuid, uuid))
        return 0;
    b->m.table_uuid = uuid;
    b->changed = true;
    return 0;
}

static int apply_upgrade(MetadataBuilder *b, const Json *update, Error *err)
{
    int32_t version;

    if (ice_update_need_int32(update, "format-version", &version, err) < 0)
        return -1;
    if (version > ICE_MAX_FORMAT_VERSION || version < 1)
        return err_set(err, ERR_BAD_REQUEST,
                       "Cannot upgrade table to unsupported format version: v%d (supported: v%d)", version,
                       ICE_MAX_FORMAT_VERSION);
    if (b->base && version < b->m.format_version)
        return err_set(err, ERR_BAD_REQUEST, "Cannot downgrade v%d table to v%d", b->m.format_version,
                       version);
    b->changed = b->changed || version != b->m.format_version;
    b->m.format_version = version;
    return 0;
}

static int apply_set_location(MetadataBuilder *b, const Json *update, Error *err)
{
    Str location;

    if (json_need_string(update, "location", &location, err) < 0)
        return -1;
    location = ice_location_trim(location);
    if (location.len == 0)
        return err_set(err, ERR_BAD_REQUEST, "location: expected a URI");
    b->changed = b->changed || !str_eq(b->m.location, location);
    b->m.location = location;
    return 0;
}

static IceProperty *find_property(MetadataBuilder *b, Str key)
{
    for (size_t i = 0; i < b->properties.n; i++)
        if (str_eq(b->properties.items[i].key, key))
            return &b->properties.items[i];
    return NULL;
}

static int apply_set_properties(MetadataBuilder *b, const Json *update, Error *err)
{
    const Json *object =
        json_get(update, "updates") ? json_get(update, "updates") : json_get(update, "updated");
    const IceProperty *items;
    size_t n;

    if (!object)
        return err_set(err, ERR_BAD_REQUEST, "updates is missing");
    if (ice_properties_parse(object, "updates", b->arena, &items, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        IceProperty *old = find_property(b, items[i].key);
        if (old && str_eq(old->value, items[i].value))
            continue;
        b->changed = true;
        if (old)
            old->value = items[i].value;
        else
            *vec_push(b->arena, &b->properties) = items[i];
    }
    return 0;
}

static int apply_remove_properties(MetadataBuilder *b, const Json *update, Error *err)
{
    const Json *array =
        json_get(update, "removals") ? json_get(update, "removals") : json_get(update, "removed");

    if (!json_is(array, JSON_ARRAY))
        return err_set(err, ERR_BAD_REQUEST, "removals: expected an array of property names");
    for (size_t i = 0; i < array->array.n; i++) {
        if (!json_is(array->array.items[i], JSON_STRING))
            return err_set(err, ERR_BAD_REQUEST, "removals: expected property names");
        IceProperty *old = find_property(b, array->array.items[i]->text);
        if (!old)
            continue;
        *old = b->properties.items[--b->properties.n];
        b->changed = true;
    }
    return 0;
}

static const struct {
    const char *action;
    ApplyFn fn;
} actions[] = {
    {"assign-uuid", apply_assign_uuid},
    {"upgrade-format-version", apply_upgrade},
    {"add-schema", ice_apply_add_schema},
    {"set-current-schema", ice_apply_set_current_schema},
    {"add-spec", ice_apply_add_spec},
    {"set-default-spec", ice_apply_set_default_spec},
    {"add-sort-order", ice_apply_add_sort_order},
    {"set-default-sort-order", ice_apply_set_default_sort_order},
    {"add-snapshot", ice_apply_add_snapshot},
    {"set-snapshot-ref", ice_apply_set_ref},
    {"remove-snapshots", ice_apply_remove_snapshots},
    {"remove-snapshot-ref", ice_apply_remove_ref},
    {"set-location", apply_set_location},
    {"set-properties", apply_set_properties},
    {"remove-properties", apply_remove_properties},
    {"set-statistics", ice_apply_set_statistics},
    {"remove-statistics", ice_apply_remove_statistics},
    {"set-partition-statistics", ice_apply_set_partition_statistics},
    {"remove-partition-statistics", ice_apply_remove_partition_statistics},
    {"remove-partition-specs", ice_apply_remove_specs},
    {"remove-schemas", ice_apply_remove_schemas},
    {"add-encryption-key", ice_apply_add_encryption_key},
    {"remove-encryption-key", ice_apply_remove_encryption_key},
};

static ApplyFn find_action(Str action)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (str_is(action, actions[i].action))
            return actions[i].fn;
    return NULL;
}

/* A new table has its version from the start, wherever in the request it stands. */
static int start_version(MetadataBuilder *b, const Json *updates, Error *err)
{
    for (size_t i = 0; !b->base && i < updates->array.n; i++) {
        const Json *action = json_get(updates->array.items[i], "action");
        if (json_is(action, JSON_STRING) && str_is(action->text, "upgrade-format-version"))
            return apply_upgrade(b, updates->array.items[i], err);
    }
    return 0;
}

static int apply_all(MetadataBuilder *b, const Json *updates, Error *err)
{
    if (start_version(b, updates, err) < 0)
        return -1;
    for (size_t i = 0; i < updates->array.n; i++) {
        const Json *update = updates->array.items[i];
        Str action;
        if (json_need_string(update, "action", &action, err) < 0)
            return err_prefix(err, "updates[%zu]", i);
        ApplyFn fn = find_action(action);
        if (!fn)
            return err_set(err, ERR_BAD_REQUEST, "Cannot apply unknown update action: %.*s",
                           STR_ARG(str_slice(action, 0, 100)));
        if (fn(b, update, err) < 0 || arena_check(b->arena, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- from and to TableMetadata ---- */

#define COPY_LIST(b, to, from, n_from)                                                                       \
    do {                                                                                                     \
        for (size_t copy_i_ = 0; copy_i_ < (n_from); copy_i_++)                                              \
            *vec_push((b)->arena, &(b)->to) = (from)[copy_i_];                                               \
    } while (0)

static void builder_start(MetadataBuilder *b, const TableMetadata *base)
{
    b->last_updated_ms = -1;
    b->last_schema_id = b->last_spec_id = b->last_order_id = -1;
    if (!base) {
        b->m = (TableMetadata){.format_version = ICE_DEFAULT_FORMAT_VERSION,
                               .current_schema_id = -1,
                               .default_spec_id = -1,
                               .default_sort_order_id = -1,
                               .current_snapshot_id = -1,
                               .last_partition_id = ICE_FIRST_PARTITION_ID - 1};
        b->changed = true;
        return;
    }
    b->m = *base;
    COPY_LIST(b, schemas, base->schemas, base->n_schemas);
    COPY_LIST(b, specs, base->specs, base->n_specs);
    COPY_LIST(b, sort_orders, base->sort_orders, base->n_sort_orders);
    COPY_LIST(b, properties, base->properties, base->n_properties);
    COPY_LIST(b, snapshots, base->snapshots, base->n_snapshots);
    COPY_LIST(b, snapshot_log, base->snapshot_log, base->n_snapshot_log);
    COPY_LIST(b, refs, base->refs, base->n_refs);
    COPY_LIST(b, statistics, base->statistics, base->n_statistics);
    COPY_LIST(b, partition_statistics, base->partition_statistics, base->n_partition_statistics);
    COPY_LIST(b, encryption_keys, base->encryption_keys, base->n_encryption_keys);
    b->first_added_snapshot = base->n_snapshots;
}

static void finish_metadata_log(MetadataBuilder *b, Str base_location)
{
    const TableMetadata *base = b->base;
    Str text = STR("100");
    int64_t max;

    if (!base || base_location.len == 0)
        return;
    for (size_t i = 0; i < b->properties.n; i++)
        if (str_is(b->properties.items[i].key, "write.metadata.previous-versions-max"))
            text = b->properties.items[i].value;
    if (str_to_i64(text, INT64_MIN, INT64_MAX, &max, NULL) < 0)
        max = 100;
    size_t keep = max < 1 ? 0 : (size_t)max - 1;
    keep = keep < base->n_metadata_log ? keep : base->n_metadata_log;
    IceMetadataLogEntry *log = arena_array(b->arena, IceMetadataLogEntry, keep + 1);
    if (keep > 0)
        memcpy(log, base->metadata_log + base->n_metadata_log - keep, keep * sizeof *log);
    log[keep] = (IceMetadataLogEntry){base->last_updated_ms, arena_str(b->arena, base_location)};
    b->m.metadata_log = log;
    b->m.n_metadata_log = keep + 1;
}

/* A table that is made by updates alone may leave out what has a natural default. */
static int complete_new_table(MetadataBuilder *b, Error *err)
{
    static const IcePartitionSpec unpartitioned = {.spec_id = 0};
    char uuid[UUID_TEXT_LEN + 1];

    if (b->m.current_schema_id < 0)
        return err_set(err, ERR_BAD_REQUEST, "Cannot create a table without a current schema");
    if (b->m.location.len == 0)
        return err_set(err, ERR_BAD_REQUEST, "Cannot create a table without a location");
    if (b->m.default_spec_id < 0) {
        if (b->specs.n == 0)
            *vec_push(b->arena, &b->specs) = &unpartitioned;
        b->m.default_spec_id = b->specs.items[0]->spec_id;
    }
    if (b->m.default_sort_order_id < 0) {
        if (b->sort_orders.n == 0)
            *vec_push(b->arena, &b->sort_orders) = &ice_unsorted;
        b->m.default_sort_order_id = b->sort_orders.items[0]->order_id;
    }
    if (!b->m.table_uuid.ptr) {
        uuid4_text(uuid);
        b->m.table_uuid = arena_str(b->arena, str_of(uuid, UUID_TEXT_LEN));
    }
    return 0;
}

static int check_result(const TableMetadata *m, Arena *arena, Error *err)
{
    const IceSchema *schema = metadata_current_schema(m);

    if (!metadata_default_spec(m) || !metadata_default_sort_order(m))
        return err_set(err, ERR_BAD_REQUEST, "The default partition spec or sort order is missing");
    if (ice_schema_check_version(schema, m->format_version, arena, err) < 0 ||
        ice_spec_check(metadata_default_spec(m), schema, arena, err) < 0 ||
        ice_sort_order_check(metadata_default_sort_order(m), schema, arena, err) < 0)
        return -1;
    if (m->format_version > 1 && !m->table_uuid.ptr)
        return err_set(err, ERR_BAD_REQUEST, "UUID is required in format v%d", m->format_version);
    return 0;
}

static int compare_ref(const void *a, const void *b)
{
    return str_cmp(((const IceRef *)a)->name, ((const IceRef *)b)->name);
}

static int builder_finish(MetadataBuilder *b, Str base_location, const TableMetadata **ret, Error *err)
{
    TableMetadata *m = arena_new_of(b->arena, TableMetadata);

    if (!b->base && complete_new_table(b, err) < 0)
        return -1;
    /* Readers refuse a document older than its own logs, so clocks that went back are not believed. */
    b->m.last_updated_ms = b->last_updated_ms >= 0 ? b->last_updated_ms : clock_now_ms();
    if (b->base && b->m.last_updated_ms < b->base->last_updated_ms)
        b->m.last_updated_ms = b->base->last_updated_ms;
    ice_builder_finish_snapshot_log(b);
    finish_metadata_log(b, base_location);
    ice_properties_sort(b->properties.items, b->properties.n);
    if (b->refs.n > 1)
        qsort(b->refs.items, b->refs.n, sizeof *b->refs.items, compare_ref);
    *m = b->m;
    m->schemas = b->schemas.items, m->n_schemas = b->schemas.n;
    m->specs = b->specs.items, m->n_specs = b->specs.n;
    m->sort_orders = b->sort_orders.items, m->n_sort_orders = b->sort_orders.n;
    m->properties = b->properties.items, m->n_properties = b->properties.n;
    m->snapshots = b->snapshots.items, m->n_snapshots = b->snapshots.n;
    m->snapshot_log = b->snapshot_log.items, m->n_snapshot_log = b->snapshot_log.n;
    m->refs = b->refs.items, m->n_refs = b->refs.n;
    m->statistics = b->statistics.items, m->n_statistics = b->statistics.n;
    m->partition_statistics = b->partition_statistics.items,
    m->n_partition_statistics = b->partition_statistics.n;
    m->encryption_keys = b->encryption_keys.items, m->n_encryption_keys = b->encryption_keys.n;
    if (check_result(m, b->arena, err) < 0)
        return -1;
    *ret = m;
    return arena_check(b->arena, err);
}

int metadata_apply(const TableMetadata *base, Str base_location, const Json *requirements,
                   const Json *updates, Arena *arena, const TableMetadata **ret, Error *err)
{
    MetadataBuilder b = {.base = base, .arena = arena, .scratch = BUF_INIT(LIMIT_SNAPSHOT_BYTES)};
    int rc;

    if (metadata_check_requirements(base, requirements, err) < 0)
        return -1;
    if (!json_is_null(updates) && !json_is(updates, JSON_ARRAY))
        return err_set(err, ERR_BAD_REQUEST, "updates: expected an array");
    if (updates && updates->array.n > LIMIT_APPLY_UPDATES)
        return err_set(err, ERR_BAD_REQUEST, "updates: %zu, at most %d are accepted", updates->array.n,
                       LIMIT_APPLY_UPDATES);
    builder_start(&b, base);
    rc = json_is(updates, JSON_ARRAY) ? apply_all(&b, updates, err) : 0;
    if (rc == 0 && !b.changed)
        *ret = base;
    else if (rc == 0)
        rc = builder_finish(&b, base_location, ret, err);
    buf_free(&b.scratch);
    return rc;
}
