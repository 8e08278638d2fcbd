/* metadata_write.c - TableMetadata to its document. The members that some readers demand are always there,
 * empty or not: current-snapshot-id, snapshots, snapshot-log, metadata-log, refs, statistics,
 * partition-statistics. */
#include "iceberg/metadata.h"
#include "iceberg/metadata_internal.h"

static void write_schemas(JsonWriter *w, const TableMetadata *m)
{
    if (m->format_version == 1) {
        json_key(w, "schema");
        ice_schema_write(w, metadata_current_schema(m));
    }
    json_kv_int(w, "current-schema-id", m->current_schema_id);
    json_key(w, "schemas");
    json_array(w);
    for (size_t i = 0; i < m->n_schemas; i++)
        ice_schema_write(w, m->schemas[i]);
    json_end_array(w);
}

static void write_specs(JsonWriter *w, const TableMetadata *m)
{
    if (m->format_version == 1) {
        json_key(w, "partition-spec");
        ice_spec_write_fields(w, metadata_default_spec(m));
    }
    json_kv_int(w, "default-spec-id", m->default_spec_id);
    json_key(w, "partition-specs");
    json_array(w);
    for (size_t i = 0; i < m->n_specs; i++)
        ice_spec_write(w, m->specs[i]);
    json_end_array(w);
    json_kv_int(w, "last-partition-id", m->last_partition_id);
}

static void write_sort_orders(JsonWriter *w, const TableMetadata *m)
{
    json_kv_int(w, "default-sort-order-id", m->default_sort_order_id);
    json_key(w, "sort-orders");
    json_array(w);
    for (size_t i = 0; i < m->n_sort_orders; i++)
        ice_sort_order_write(w, m->sort_orders[i]);
    json_end_array(w);
}

static void write_refs(JsonWriter *w, const TableMetadata *m)
{
    json_key(w, "refs");
    json_object(w);
    for (size_t i = 0; i < m->n_refs; i++) {
        const IceRef *ref = &m->refs[i];
        json_key_str(w, ref->name);
        json_object(w);
        json_kv_int(w, "snapshot-id", ref->snapshot_id);
        json_kv_cstr(w, "type", ref->is_tag ? "tag" : "branch");
        if (ref->min_snapshots_to_keep >= 0)
            json_kv_int(w, "min-snapshots-to-keep", ref->min_snapshots_to_keep);
        if (ref->max_snapshot_age_ms >= 0)
            json_kv_int(w, "max-snapshot-age-ms", ref->max_snapshot_age_ms);
        if (ref->max_ref_age_ms >= 0)
            json_kv_int(w, "max-ref-age-ms", ref->max_ref_age_ms);
        json_end_object(w);
    }
    json_end_object(w);
}

static bool has_ref(const TableMetadata *m, int64_t snapshot_id)
{
    for (size_t i = 0; i < m->n_refs; i++)
        if (m->refs[i].snapshot_id == snapshot_id)
            return true;
    return false;
}

static void write_snapshots(JsonWriter *w, const TableMetadata *m, bool refs_only)
{
    json_key(w, "snapshots");
    json_array(w);
    for (size_t i = 0; i < m->n_snapshots; i++)
        if (!refs_only || has_ref(m, m->snapshots[i]->snapshot_id))
            json_raw(w, m->snapshots[i]->json);
    json_end_array(w);
}

static void write_objects(JsonWriter *w, const char *key, const Json *const *items, size_t n)
{
    json_key(w, key);
    json_array(w);
    for (size_t i = 0; i < n; i++)
        json_write_value(w, items[i]);
    json_end_array(w);
}

static void write_logs(JsonWriter *w, const TableMetadata *m)
{
    json_key(w, "snapshot-log");
    json_array(w);
    for (size_t i = 0; i < m->n_snapshot_log; i++) {
        json_object(w);
        json_kv_int(w, "timestamp-ms", m->snapshot_log[i].timestamp_ms);
        json_kv_int(w, "snapshot-id", m->snapshot_log[i].snapshot_id);
        json_end_object(w);
    }
    json_end_array(w);
    json_key(w, "metadata-log");
    json_array(w);
    for (size_t i = 0; i < m->n_metadata_log; i++) {
        json_object(w);
        json_kv_int(w, "timestamp-ms", m->metadata_log[i].timestamp_ms);
        json_kv_str(w, "metadata-file", m->metadata_log[i].metadata_file);
        json_end_object(w);
    }
    json_end_array(w);
}

void ice_properties_write(JsonWriter *w, const IceProperty *items, size_t n)
{
    json_object(w);
    for (size_t i = 0; i < n; i++) {
        json_key_str(w, items[i].key);
        json_str(w, items[i].value);
    }
    json_end_object(w);
}

void metadata_write(JsonWriter *w, const TableMetadata *m, bool refs_only)
{
    json_object(w);
    json_kv_int(w, "format-version", m->format_version);
    if (m->table_uuid.ptr)
        json_kv_str(w, "table-uuid", m->table_uuid);
    json_kv_str(w, "location", m->location);
    if (m->format_version > 1)
        json_kv_int(w, "last-sequence-number", m->last_sequence_number);
    json_kv_int(w, "last-updated-ms", m->last_updated_ms);
    json_kv_int(w, "last-column-id", m->last_column_id);
    write_schemas(w, m);
    write_specs(w, m);
    write_sort_orders(w, m);
    json_key(w, "properties");
    ice_properties_write(w, m->properties, m->n_properties);
    /* Java: TableMetadataParser.MIN_NULL_CURRENT_SNAPSHOT_VERSION */
    if (m->current_snapshot_id == -1 && m->format_version >= 3) {
        json_key(w, "current-snapshot-id");
        json_null(w);
    } else {
        json_kv_int(w, "current-snapshot-id", m->current_snapshot_id);
    }
    if (m->format_version >= 3)
        json_kv_int(w, "next-row-id", m->next_row_id);
    if (m->n_encryption_keys > 0)
        write_objects(w, "encryption-keys", m->encryption_keys, m->n_encryption_keys);
    write_refs(w, m);
    write_snapshots(w, m, refs_only);
    write_objects(w, "statistics", m->statistics, m->n_statistics);
    write_objects(w, "partition-statistics", m->partition_statistics, m->n_partition_statistics);
    write_logs(w, m);
    for (size_t i = 0; i < m->n_extra; i++) {
        json_key_str(w, m->extra[i].key);
        json_write_value(w, m->extra[i].value);
    }
    json_end_object(w);
}
