/* manifest_avro.c - Iceberg values in Avro: types, partition values, the schemas of manifests and manifest
 * lists. */
#include <assert.h>
#include <stdio.h>

#include "iceberg/manifest_internal.h"

/* --- reading --- */

int32_t manifest_field_id(const AvroField *field, const FieldName *names)
{
    if (field->field_id >= 0)
        return field->field_id;
    for (; names->name; names++)
        if (str_is(field->name, names->name))
            return names->id;
    return -1;
}

bool manifest_get_long(AvroReader *r, const AvroSchema *schema, int64_t *ret)
{
    schema = avro_get_branch(r, schema);
    if (schema->type == AVRO_NULL)
        return false;
    if (schema->type != AVRO_INT && schema->type != AVRO_LONG) {
        avro_fail(r, "expected an integer");
        return false;
    }
    *ret = avro_get_long(r);
    return !r->failed;
}

bool manifest_get_bytes(AvroReader *r, const AvroSchema *schema, Str *ret)
{
    schema = avro_get_branch(r, schema);
    if (schema->type == AVRO_NULL)
        return false;
    if (schema->type == AVRO_FIXED) {
        *ret = avro_get_fixed(r, schema->size);
    } else if (schema->type == AVRO_BYTES || schema->type == AVRO_STRING) {
        *ret = avro_get_bytes(r);
    } else {
        avro_fail(r, "expected text or bytes");
    }
    return !r->failed;
}

bool manifest_get_boolean(AvroReader *r, const AvroSchema *schema, bool *ret)
{
    schema = avro_get_branch(r, schema);
    if (schema->type == AVRO_NULL)
        return false;
    if (schema->type != AVRO_BOOLEAN) {
        avro_fail(r, "expected a boolean");
        return false;
    }
    *ret = avro_get_boolean(r);
    return !r->failed;
}

static IceValue get_integer(AvroReader *r, const AvroSchema *schema)
{
    static const struct {
        const char *logical;
        IceTypeId id, zoned;
        int64_t unit;
    } times[] = {
        { "date", ICE_DATE, ICE_DATE, 1 },
        { "time-micros", ICE_TIME, ICE_TIME, 1 },
        { "time-millis", ICE_TIME, ICE_TIME, 1000 },
        { "timestamp-micros", ICE_TIMESTAMP, ICE_TIMESTAMPTZ, 1 },
        { "timestamp-millis", ICE_TIMESTAMP, ICE_TIMESTAMPTZ, 1000 },
        { "timestamp-nanos", ICE_TIMESTAMP_NS, ICE_TIMESTAMPTZ_NS, 1 },
        { "local-timestamp-micros", ICE_TIMESTAMP, ICE_TIMESTAMP, 1 },
        { "local-timestamp-millis", ICE_TIMESTAMP, ICE_TIMESTAMP, 1000 },
        { "local-timestamp-nanos", ICE_TIMESTAMP_NS, ICE_TIMESTAMP_NS, 1 },
    };
    int64_t value = avro_get_long(r);

    if (schema->type == AVRO_INT && (value < INT32_MIN || value > INT32_MAX))
        avro_fail(r, "an int of more than 32 bits");
    for (size_t i = 0; schema->logical_type.len > 0 && i < sizeof times / sizeof times[0]; i++) {
        if (!str_is(schema->logical_type, times[i].logical))
            continue;
        if (__builtin_mul_overflow(value, times[i].unit, &value))
            avro_fail(r, "time out of range");
        return ice_integer(schema->adjust_to_utc ? times[i].zoned : times[i].id, value);
    }
    return ice_integer(schema->type == AVRO_INT ? ICE_INT : ICE_LONG, value);
}

static IceValue get_bytes_value(AvroReader *r, const AvroSchema *schema)
{
    Str bytes = schema->type == AVRO_FIXED ? avro_get_fixed(r, schema->size) : avro_get_bytes(r);
    IceValue value = { .type = schema->type == AVRO_FIXED    ? ICE_FIXED
                               : schema->type == AVRO_STRING ? ICE_STRING
                                                             : ICE_BINARY,
                       .bytes = bytes };

    if (str_is(schema->logical_type, "decimal") && schema->type != AVRO_STRING) {
        __int128 unscaled = 0;
        if (!r->failed && ice_decimal_from_bytes(bytes, &unscaled, NULL) < 0)
            avro_fail(r, "bad decimal");
        return ice_decimal(unscaled, schema->scale);
    }
    if (str_is(schema->logical_type, "uuid") && bytes.len == sizeof value.uuid) {
        value = (IceValue){ .type = ICE_UUID };
        memcpy(value.uuid, bytes.ptr, sizeof value.uuid);
    }
    return value;
}

IceValue manifest_get_value(AvroReader *r, const AvroSchema *schema)
{
    schema = avro_get_branch(r, schema);
    switch (schema->type) {
    case AVRO_NULL:
        return ice_null(ICE_UNKNOWN);
    case AVRO_BOOLEAN:
        return ice_boolean(avro_get_boolean(r));
    case AVRO_INT:
    case AVRO_LONG:
        return get_integer(r, schema);
    case AVRO_FLOAT:
        return ice_float(avro_get_float(r));
    case AVRO_DOUBLE:
        return ice_double(avro_get_double(r));
    case AVRO_BYTES:
    case AVRO_STRING:
    case AVRO_FIXED:
        return get_bytes_value(r, schema);
    default:
        avro_fail(r, "partition value of a nested type");
        return ice_null(ICE_UNKNOWN);
    }
}

/* --- writing values --- */

int manifest_decimal_size(int precision)
{
    __int128 largest = 1;
    int size = 1;

    for (int i = 0; i < precision && i < 38; i++)
        largest *= 10;
    largest -= 1;
    while (size < 16 && largest >> (8 * size - 1) > 0)
        size++;
    return size;
}

void manifest_put_optional_bytes(Buf *out, Str bytes)
{
    avro_put_long(out, bytes.ptr ? 1 : 0);
    if (bytes.ptr)
        avro_put_bytes(out, bytes);
}

void manifest_put_optional_long(Buf *out, int64_t value)
{
    avro_put_long(out, value >= 0 ? 1 : 0);
    if (value >= 0)
        avro_put_long(out, value);
}

void manifest_put_value(Buf *out, const IceType *type, const IceValue *value)
{
    char bytes[16];

    avro_put_long(out, value->is_null ? 0 : 1);
    if (value->is_null)
        return;
    switch (type->id) {
    case ICE_BOOLEAN:
        avro_put_boolean(out, value->boolean);
        break;
    case ICE_FLOAT:
        avro_put_float(out, (float)value->f64);
        break;
    case ICE_DOUBLE:
        avro_put_double(out, value->f64);
        break;
    case ICE_DECIMAL: {
        size_t n = (size_t)manifest_decimal_size(type->precision);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)(value->decimal >> (8 * (n - 1 - i)));
        buf_append(out, bytes, n);
        break;
    }
    case ICE_UUID:
        buf_append(out, value->uuid, sizeof value->uuid);
        break;
    case ICE_FIXED:
        buf_add(out, value->bytes);
        break;
    case ICE_STRING:
    case ICE_BINARY:
        avro_put_bytes(out, value->bytes);
        break;
    default:
        avro_put_long(out, value->i64);
    }
}

/* --- schemas --- */

/* Member of a manifest or manifest list: a type of Avro's, or "map" and "list" forms of Iceberg's. */
typedef struct Member {
    int id;
    const char *name, *type;
    char form; /* ' ' plain, 'm' map, 'l' list */
    bool optional;
    int key_id, value_id; /* of a map; value_id: element id of a list */
    int min_version;
} Member;

static void put_plain_type(JsonWriter *w, const char *type) { json_cstr(w, type); }

/* Maps with integer keys are arrays of pairs. */
static void put_map_type(JsonWriter *w, const Member *m)
{
    char name[32];

    snprintf(name, sizeof name, "k%d_v%d", m->key_id, m->value_id);
    json_object(w);
    json_kv_cstr(w, "type", "array");
    json_key(w, "items");
    json_object(w);
    json_kv_cstr(w, "type", "record");
    json_kv_cstr(w, "name", name);
    json_key(w, "fields");
    json_array(w);
    json_object(w);
    json_kv_cstr(w, "name", "key");
    json_kv_cstr(w, "type", "int");
    json_kv_int(w, "field-id", m->key_id);
    json_end_object(w);
    json_object(w);
    json_kv_cstr(w, "name", "value");
    json_kv_cstr(w, "type", m->type);
    json_kv_int(w, "field-id", m->value_id);
    json_end_object(w);
    json_end_array(w);
    json_end_object(w);
    json_kv_cstr(w, "logicalType", "map");
    json_end_object(w);
}

static void put_list_type(JsonWriter *w, const Member *m)
{
    json_object(w);
    json_kv_cstr(w, "type", "array");
    json_key(w, "items");
    json_cstr(w, m->type);
    json_kv_int(w, "element-id", m->value_id);
    json_end_object(w);
}

/* The end of a field: its id, and the default that an optional one has. */
static void end_field(JsonWriter *w, int32_t id, bool optional)
{
    if (optional) {
        json_end_array(w);
        json_key(w, "default");
        json_null(w);
    }
    json_kv_int(w, "field-id", id);
    json_end_object(w);
}

static void begin_field(JsonWriter *w, Str name, bool optional)
{
    json_object(w);
    json_kv_str(w, "name", name);
    json_key(w, "type");
    if (optional) {
        json_array(w);
        json_cstr(w, "null");
    }
}

static void put_member(JsonWriter *w, const Member *m)
{
    begin_field(w, str_from(m->name), m->optional);
    if (m->form == 'm')
        put_map_type(w, m);
    else if (m->form == 'l')
        put_list_type(w, m);
    else
        put_plain_type(w, m->type);
    end_field(w, m->id, m->optional);
}

static void begin_record(JsonWriter *w, const char *name)
{
    json_object(w);
    json_kv_cstr(w, "type", "record");
    json_kv_cstr(w, "name", name);
    json_key(w, "fields");
    json_array(w);
}

static void end_record(JsonWriter *w)
{
    json_end_array(w);
    json_end_object(w);
}

static void put_summaries(JsonWriter *w)
{
    static const Member members[] = {
        { 509, "contains_null", "boolean", ' ', false },
        { 518, "contains_nan", "boolean", ' ', true },
        { 510, "lower_bound", "bytes", ' ', true },
        { 511, "upper_bound", "bytes", ' ', true },
    };

    begin_field(w, STR("partitions"), true);
    json_object(w);
    json_kv_cstr(w, "type", "array");
    json_key(w, "items");
    begin_record(w, "r508");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        put_member(w, &members[i]);
    end_record(w);
    json_kv_int(w, "element-id", 508);
    json_end_object(w);
    end_field(w, 507, true);
}

Str manifest_list_schema(int format_version, Arena *arena)
{
    static const Member members[] = {
        { 500, "manifest_path", "string", ' ', false },
        { 501, "manifest_length", "long", ' ', false },
        { 502, "partition_spec_id", "int", ' ', false },
        { 517, "content", "int", ' ', false },
        { 515, "sequence_number", "long", ' ', false },
        { 516, "min_sequence_number", "long", ' ', false },
        { 503, "added_snapshot_id", "long", ' ', false },
        { 504, "added_files_count", "int", ' ', false },
        { 505, "existing_files_count", "int", ' ', false },
        { 506, "deleted_files_count", "int", ' ', false },
        { 512, "added_rows_count", "long", ' ', false },
        { 513, "existing_rows_count", "long", ' ', false },
        { 514, "deleted_rows_count", "long", ' ', false },
    };
    static const Member key_metadata = { 519, "key_metadata", "bytes", ' ', true };
    static const Member first_row_id = { 520, "first_row_id", "long", ' ', true };
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    JsonWriter w = JSON_WRITER(&out);

    begin_record(&w, "manifest_file");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        put_member(&w, &members[i]);
    put_summaries(&w);
    put_member(&w, &key_metadata);
    if (format_version >= 3)
        put_member(&w, &first_row_id);
    end_record(&w);
    return arena_str(arena, buf_str(&out));
}

/* An Avro name: other characters become _x and their code. Ids, not names, tell fields apart. */
static Str sanitize_name(Str name, Arena *arena)
{
    _cleanup_buf_ Buf out = BUF_INIT(16 * name.len + 16);
    bool first = true;

    while (name.len > 0) {
        uint32_t c;
        size_t n = utf8_decode(name, &c);
        bool digit = c >= '0' && c <= '9', letter = n == 1 && ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (n == 0)
            n = 1, c = (unsigned char)name.ptr[0], digit = letter = false;
        if (letter || c == '_' || (digit && !first))
            buf_putc(&out, (char)c);
        else if (digit)
            buf_printf(&out, "_%c", (char)c);
        else
            buf_printf(&out, "_x%X", c);
        name = str_slice(name, n, name.len);
        first = false;
    }
    return arena_str(arena, first ? STR("_") : buf_str(&out));
}

/* A type that Avro names: the second of the same kind is a reference to the first. */
static bool is_reference(JsonWriter *w, const IcePartitionType *types, size_t index, Str name)
{
    const IceType *type = types->types[index];

    for (size_t i = 0; i < index; i++) {
        const IceType *t = types->types[i];
        if (t->id == type->id && t->length == type->length && t->precision == type->precision &&
            t->scale == type->scale) {
            json_str(w, name);
            return true;
        }
    }
    return false;
}

static void put_fixed_type(JsonWriter *w, const IcePartitionType *types, size_t index, Str name, int size,
                           const char *logical)
{
    const IceType *type = types->types[index];

    if (is_reference(w, types, index, name))
        return;
    json_object(w);
    json_kv_cstr(w, "type", "fixed");
    json_kv_str(w, "name", name);
    json_kv_int(w, "size", size);
    if (logical)
        json_kv_cstr(w, "logicalType", logical);
    if (type->id == ICE_DECIMAL) {
        json_kv_int(w, "precision", type->precision);
        json_kv_int(w, "scale", type->scale);
    }
    json_end_object(w);
}

static void put_logical_type(JsonWriter *w, const char *type, const char *logical, const bool *utc)
{
    json_object(w);
    json_kv_cstr(w, "type", type);
    json_kv_cstr(w, "logicalType", logical);
    if (utc)
        json_kv_bool(w, "adjust-to-utc", *utc);
    json_end_object(w);
}

static int put_value_type(JsonWriter *w, const IcePartitionType *types, size_t index, Arena *arena,
                          Error *err)
{
    const IceType *type = types->types[index];
    static const bool yes = true, no = false;

    switch (type->id) {
    case ICE_UNKNOWN: /* only nulls: the union is ["null", "boolean"] */
    case ICE_BOOLEAN:
        json_cstr(w, "boolean");
        break;
    case ICE_INT:
        json_cstr(w, "int");
        break;
    case ICE_LONG:
        json_cstr(w, "long");
        break;
    case ICE_FLOAT:
        json_cstr(w, "float");
        break;
    case ICE_DOUBLE:
        json_cstr(w, "double");
        break;
    case ICE_STRING:
        json_cstr(w, "string");
        break;
    case ICE_BINARY:
        json_cstr(w, "bytes");
        break;
    case ICE_DATE:
        put_logical_type(w, "int", "date", NULL);
        break;
    case ICE_TIME:
        put_logical_type(w, "long", "time-micros", NULL);
        break;
    case ICE_TIMESTAMP:
    case ICE_TIMESTAMPTZ:
        put_logical_type(w, "long", "timestamp-micros", type->id == ICE_TIMESTAMPTZ ? &yes : &no);
        break;
    case ICE_TIMESTAMP_NS:
    case ICE_TIMESTAMPTZ_NS:
        put_logical_type(w, "long", "timestamp-nanos", type->id == ICE_TIMESTAMPTZ_NS ? &yes : &no);
        break;
    case ICE_UUID:
        put_fixed_type(w, types, index, STR("uuid_fixed"), 16, "uuid");
        break;
    case ICE_FIXED:
        put_fixed_type(w, types, index, arena_printf(arena, "fixed_%d", type->length), type->length, NULL);
        break;
    case ICE_DECIMAL:
        put_fixed_type(w, types, index, arena_printf(arena, "decimal_%d_%d", type->precision, type->scale),
                       manifest_decimal_size(type->precision), "decimal");
        break;
    default:
        return err_set(err, ERR_NOT_SUPPORTED, "a partition field of type %.*s cannot be written",
                       STR_ARG(ice_type_name(type, arena)));
    }
    return 0;
}

static int put_partition(JsonWriter *w, const IcePartitionType *types, Arena *arena, Error *err)
{
    begin_field(w, STR("partition"), false);
    begin_record(w, "r102");
    for (size_t i = 0; i < types->spec->n_fields; i++) {
        const IcePartitionField *field = &types->spec->fields[i];
        begin_field(w, sanitize_name(field->name, arena), true);
        if (put_value_type(w, types, i, arena, err) < 0)
            return -1;
        end_field(w, field->field_id, true);
    }
    end_record(w);
    end_field(w, 102, false);
    return 0;
}

static int put_data_file(JsonWriter *w, int format_version, const IcePartitionType *types, Arena *arena,
                         Error *err)
{
    static const Member members[] = {
        { 134, "content", "int", ' ', false },
        { 100, "file_path", "string", ' ', false },
        { 101, "file_format", "string", ' ', false },
        { 102, NULL, NULL, ' ', false },
        { 103, "record_count", "long", ' ', false },
        { 104, "file_size_in_bytes", "long", ' ', false },
        { 108, "column_sizes", "long", 'm', true, 117, 118 },
        { 109, "value_counts", "long", 'm', true, 119, 120 },
        { 110, "null_value_counts", "long", 'm', true, 121, 122 },
        { 137, "nan_value_counts", "long", 'm', true, 138, 139 },
        { 125, "lower_bounds", "bytes", 'm', true, 126, 127 },
        { 128, "upper_bounds", "bytes", 'm', true, 129, 130 },
        { 131, "key_metadata", "bytes", ' ', true },
        { 132, "split_offsets", "long", 'l', true, 0, 133 },
        { 135, "equality_ids", "int", 'l', true, 0, 136 },
        { 140, "sort_order_id", "int", ' ', true },
        { 142, "first_row_id", "long", ' ', true, 0, 0, 3 },
        { 143, "referenced_data_file", "string", ' ', true },
        { 144, "content_offset", "long", ' ', true, 0, 0, 3 },
        { 145, "content_size_in_bytes", "long", ' ', true, 0, 0, 3 },
    };

    begin_field(w, STR("data_file"), false);
    begin_record(w, "r2");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (!members[i].name) {
            if (put_partition(w, types, arena, err) < 0)
                return -1;
        } else if (members[i].min_version <= format_version) {
            put_member(w, &members[i]);
        }
    }
    end_record(w);
    end_field(w, 2, false);
    return 0;
}

int manifest_entry_schema(int format_version, const IcePartitionType *types, Arena *arena, Str *ret,
                          Error *err)
{
    static const Member members[] = {
        { 0, "status", "int", ' ', false },
        { 1, "snapshot_id", "long", ' ', true },
        { 3, "sequence_number", "long", ' ', true },
        { 4, "file_sequence_number", "long", ' ', true },
    };
    _cleanup_buf_ Buf out = BUF_INIT(AVRO_MAX_SCHEMA_BYTES);
    JsonWriter w = JSON_WRITER(&out);

    begin_record(&w, "manifest_entry");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        put_member(&w, &members[i]);
    if (put_data_file(&w, format_version, types, arena, err) < 0)
        return -1;
    end_record(&w);
    if (buf_check(&out, err) < 0)
        return -1;
    *ret = arena_str(arena, buf_str(&out));
    return 0;
}
