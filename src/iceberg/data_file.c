/* data_file.c - looking into data files, and their REST form. Metrics from Parquet: metrics.c. */
#include "iceberg/data_file.h"

#include <stdlib.h>

const IceColumnMetrics *ice_file_column(const IceDataFile *file, int32_t field_id)
{
    size_t low = 0, high = file->n_columns;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->columns[middle].field_id < field_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < file->n_columns && file->columns[low].field_id == field_id ? &file->columns[low] : NULL;
}

bool ice_partition_equal(const IceDataFile *a, const IceDataFile *b)
{
    if (a->spec_id != b->spec_id || a->n_partition != b->n_partition)
        return false;
    for (size_t i = 0; i < a->n_partition; i++)
        if (a->partition[i].is_null != b->partition[i].is_null ||
            !ice_value_equal(&a->partition[i], &b->partition[i]))
            return false;
    return true;
}

/* --- REST form --- */

typedef int64_t (*CountOf)(const IceColumnMetrics *column);

static int64_t size_of(const IceColumnMetrics *c) { return c->size_bytes; }
static int64_t values_of(const IceColumnMetrics *c) { return c->value_count; }
static int64_t nulls_of(const IceColumnMetrics *c) { return c->null_count; }
static int64_t nans_of(const IceColumnMetrics *c) { return c->nan_count; }

static void write_counts(JsonWriter *w, const char *key, const IceDataFile *file, CountOf count_of)
{
    size_t n = 0;

    for (size_t i = 0; i < file->n_columns; i++)
        n += count_of(&file->columns[i]) >= 0;
    if (n == 0)
        return;
    json_key(w, key);
    json_object(w);
    json_key(w, "keys");
    json_array(w);
    for (size_t i = 0; i < file->n_columns; i++)
        if (count_of(&file->columns[i]) >= 0)
            json_int(w, file->columns[i].field_id);
    json_end_array(w);
    json_key(w, "values");
    json_array(w);
    for (size_t i = 0; i < file->n_columns; i++)
        if (count_of(&file->columns[i]) >= 0)
            json_int(w, count_of(&file->columns[i]));
    json_end_array(w);
    json_end_object(w);
}

static bool bound_of(const IceColumnMetrics *column, const IceSchema *schema, bool is_upper, IceValue *ret)
{
    Str bytes = is_upper ? column->upper : column->lower;
    const IceField *field = bytes.ptr ? ice_schema_find(schema, column->field_id) : NULL;

    return field && ice_value_from_bytes(field->type, bytes, ret, NULL) == 0;
}

static void write_bounds(JsonWriter *w, const char *key, const IceDataFile *file, const IceSchema *schema,
                         bool is_upper, Arena *arena)
{
    Vec(IceValue) values = { 0 };
    Vec(int32_t) ids = { 0 };
    IceValue value;

    for (size_t i = 0; i < file->n_columns; i++) {
        if (bound_of(&file->columns[i], schema, is_upper, &value)) {
            *vec_push(arena, &values) = value;
            *vec_push(arena, &ids) = file->columns[i].field_id;
        }
    }
    if (ids.n == 0)
        return;
    json_key(w, key);
    json_object(w);
    json_key(w, "keys");
    json_array(w);
    for (size_t i = 0; i < ids.n; i++)
        json_int(w, ids.items[i]);
    json_end_array(w);
    json_key(w, "values");
    json_array(w);
    for (size_t i = 0; i < values.n; i++)
        ice_value_to_json(w, &values.items[i], arena);
    json_end_array(w);
    json_end_object(w);
}

static void write_hex(JsonWriter *w, const char *key, Str bytes, Arena *arena)
{
    IceValue value = ice_binary(bytes);

    json_key(w, key);
    ice_value_to_json(w, &value, arena);
}

static void write_delete_members(JsonWriter *w, const IceDataFile *file)
{
    if (file->n_equality_ids > 0) {
        json_key(w, "equality-ids");
        json_array(w);
        for (size_t i = 0; i < file->n_equality_ids; i++)
            json_int(w, file->equality_ids[i]);
        json_end_array(w);
    }
    if (file->referenced_data_file.ptr)
        json_kv_str(w, "referenced-data-file", file->referenced_data_file);
    if (file->content_offset >= 0)
        json_kv_int(w, "content-offset", file->content_offset);
    if (file->content_size_bytes >= 0)
        json_kv_int(w, "content-size-in-bytes", file->content_size_bytes);
}

void ice_data_file_to_json(JsonWriter *w, const IceDataFile *file, const IceSchema *schema, Arena *arena)
{
    static const char *const contents[] = { "data", "position-deletes", "equality-deletes" };

    json_object(w);
    json_kv_cstr(w, "content", contents[file->content]);
    json_kv_str(w, "file-path", file->path);
    json_kv_str(w, "file-format", arena_lower(arena, file->format));
    json_kv_int(w, "spec-id", file->spec_id);
    json_key(w, "partition");
    json_array(w);
    for (size_t i = 0; i < file->n_partition; i++)
        ice_value_to_json(w, &file->partition[i], arena);
    json_end_array(w);
    json_kv_int(w, "file-size-in-bytes", file->size_bytes);
    json_kv_int(w, "record-count", file->record_count);
    if (file->key_metadata.ptr)
        write_hex(w, "key-metadata", file->key_metadata, arena);
    if (file->n_split_offsets > 0) {
        json_key(w, "split-offsets");
        json_array(w);
        for (size_t i = 0; i < file->n_split_offsets; i++)
            json_int(w, file->split_offsets[i]);
        json_end_array(w);
    }
    if (file->sort_order_id >= 0)
        json_kv_int(w, "sort-order-id", file->sort_order_id);
    if (file->first_row_id >= 0)
        json_kv_int(w, "first-row-id", file->first_row_id);
    write_counts(w, "column-sizes", file, size_of);
    write_counts(w, "value-counts", file, values_of);
    write_counts(w, "null-value-counts", file, nulls_of);
    write_counts(w, "nan-value-counts", file, nans_of);
    write_bounds(w, "lower-bounds", file, schema, false, arena);
    write_bounds(w, "upper-bounds", file, schema, true, arena);
    write_delete_members(w, file);
    json_end_object(w);
}
