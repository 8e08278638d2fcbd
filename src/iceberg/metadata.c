/* metadata.c - lookups in TableMetadata, and a new table's first document. */
#include "iceberg/metadata.h"
#include "iceberg/metadata_internal.h"

#include "base/clock.h"
#include "base/rng.h"

const IceSortOrder ice_unsorted = {.order_id = 0};

const IceSchema *metadata_schema(const TableMetadata *m, int32_t schema_id)
{
    for (size_t i = 0; i < m->n_schemas; i++)
        if (m->schemas[i]->schema_id == schema_id)
            return m->schemas[i];
    return NULL;
}

const IceSchema *metadata_current_schema(const TableMetadata *m)
{
    return metadata_schema(m, m->current_schema_id);
}

const IcePartitionSpec *metadata_spec(const TableMetadata *m, int32_t spec_id)
{
    for (size_t i = 0; i < m->n_specs; i++)
        if (m->specs[i]->spec_id == spec_id)
            return m->specs[i];
    return NULL;
}

const IcePartitionSpec *metadata_default_spec(const TableMetadata *m)
{
    return metadata_spec(m, m->default_spec_id);
}

const IceSortOrder *metadata_default_sort_order(const TableMetadata *m)
{
    for (size_t i = 0; i < m->n_sort_orders; i++)
        if (m->sort_orders[i]->order_id == m->default_sort_order_id)
            return m->sort_orders[i];
    return NULL;
}

const IceSnapshot *metadata_snapshot(const TableMetadata *m, int64_t snapshot_id)
{
    for (size_t i = m->n_snapshots; i-- > 0;) /* the newest is asked for most */
        if (m->snapshots[i]->snapshot_id == snapshot_id)
            return m->snapshots[i];
    return NULL;
}

const IceSnapshot *metadata_current_snapshot(const TableMetadata *m)
{
    return m->current_snapshot_id == -1 ? NULL : metadata_snapshot(m, m->current_snapshot_id);
}

const IceRef *metadata_ref(const TableMetadata *m, Str name)
{
    for (size_t i = 0; i < m->n_refs; i++)
        if (str_eq(m->refs[i].name, name))
            return &m->refs[i];
    return NULL;
}

Str metadata_property(const TableMetadata *m, const char *key, Str default_value)
{
    size_t low = 0, high = m->n_properties;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(m->properties[middle].key, str_from(key));
        if (order == 0)
            return m->properties[middle].value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return default_value;
}

/* ---- a new table ---- */

/* Settings of the request and facts about the table, never stored as properties. Java:
 * TableProperties.RESERVED_PROPERTIES. */
static const char *const reserved_properties[] = {
    "format-version",      "uuid",
    "snapshot-count",      "current-snapshot-summary",
    "current-snapshot-id", "current-snapshot-timestamp-ms",
    "current-schema",      "default-partition-spec",
    "default-sort-order",  NULL,
};

static bool is_reserved(Str key)
{
    for (const char *const *name = reserved_properties; *name; name++)
        if (str_is(key, *name))
            return true;
    return false;
}

static int new_properties(const NewTable *table, Arena *arena, TableMetadata *m, Error *err)
{
    IceProperty *properties = arena_array(arena, IceProperty, table->n_properties + 1);
    bool has_codec = false;
    int64_t version = ICE_DEFAULT_FORMAT_VERSION;
    size_t n = 0;

    for (size_t i = 0; i < table->n_properties; i++) {
        const IceProperty *p = &table->properties[i];
        if (str_is(p->key, "format-version") &&
            str_to_i64(p->value, 1, ICE_MAX_FORMAT_VERSION, &version, NULL) < 0)
            return err_set(err, ERR_BAD_REQUEST, "Unsupported format version: v%.*s (supported: v%d)",
                           STR_ARG(str_slice(p->value, 0, 40)), ICE_MAX_FORMAT_VERSION);
        has_codec = has_codec || str_is(p->key, "write.parquet.compression-codec");
        if (!is_reserved(p->key))
            properties[n++] = *p;
    }
    if (!has_codec)
        properties[n++] = (IceProperty){STR("write.parquet.compression-codec"), STR("zstd")};
    ice_properties_sort(properties, n);
    m->properties = properties;
    m->n_properties = n;
    m->format_version = (int32_t)version;
    return 0;
}

static int new_spec(const NewTable *table, const IceIdPairs *pairs, Arena *arena, TableMetadata *m,
                    Error *err)
{
    IcePartitionSpec *spec = arena_new_of(arena, IcePartitionSpec);
    const IcePartitionSpec **specs = arena_array(arena, const IcePartitionSpec *, 1);
    size_t n = table->spec ? table->spec->n_fields : 0;
    IcePartitionField *fields = arena_array(arena, IcePartitionField, n + 1);

    for (size_t i = 0; i < n; i++) {
        fields[i] = table->spec->fields[i];
        fields[i].source_id = ice_id_map(pairs, fields[i].source_id);
        fields[i].field_id = ICE_FIRST_PARTITION_ID + (int32_t)i;
        if (fields[i].source_id < 0 || fields[i].source_ids)
            return err_set(err, ERR_VALIDATION, "Cannot find source column for partition field: %.*s",
                           STR_ARG(fields[i].name));
    }
    *spec = (IcePartitionSpec){.fields = fields, .n_fields = n};
    specs[0] = spec;
    m->specs = specs;
    m->n_specs = 1;
    m->last_partition_id = ICE_FIRST_PARTITION_ID - 1 + (int32_t)n;
    return ice_spec_check_new(spec, m->schemas[0], arena, err);
}

static int new_sort_order(const NewTable *table, const IceIdPairs *pairs, Arena *arena, TableMetadata *m,
                          Error *err)
{
    IceSortOrder *order = arena_new_of(arena, IceSortOrder);
    const IceSortOrder **orders = arena_array(arena, const IceSortOrder *, 1);
    size_t n = table->sort_order ? table->sort_order->n_fields : 0;
    IceSortField *fields = arena_array(arena, IceSortField, n + 1);

    for (size_t i = 0; i < n; i++) {
        fields[i] = table->sort_order->fields[i];
        fields[i].source_id = ice_id_map(pairs, fields[i].source_id);
        if (fields[i].source_id < 0 || fields[i].source_ids)
            return err_set(err, ERR_VALIDATION, "Cannot find source column for sort field %zu", i);
    }
    *order = (IceSortOrder){.order_id = n ? 1 : 0, .fields = fields, .n_fields = n};
    orders[0] = order;
    m->sort_orders = orders;
    m->n_sort_orders = 1;
    m->default_sort_order_id = order->order_id;
    return ice_sort_order_check(order, m->schemas[0], arena, err);
}

int metadata_new(const NewTable *table, Arena *arena, const TableMetadata **ret, Error *err)
{
    TableMetadata *m = arena_new_of(arena, TableMetadata);
    const IceSchema **schemas = arena_array(arena, const IceSchema *, 1);
    char uuid[UUID_TEXT_LEN + 1];
    IceIdPairs pairs;

    if (new_properties(table, arena, m, err) < 0)
        return -1;
    schemas[0] = ice_schema_fresh(table->schema, arena, &pairs, &m->last_column_id);
    m->schemas = schemas;
    m->n_schemas = 1;
    if (ice_schema_check_version(schemas[0], m->format_version, arena, err) < 0 ||
        new_spec(table, &pairs, arena, m, err) < 0 || new_sort_order(table, &pairs, arena, m, err) < 0)
        return -1;
    uuid4_text(uuid);
    m->table_uuid = arena_str(arena, str_of(uuid, UUID_TEXT_LEN));
    m->location = ice_location_trim(arena_str(arena, table->location));
    m->last_updated_ms = clock_now_ms();
    m->current_snapshot_id = -1;
    *ret = m;
    return arena_check(arena, err);
}
