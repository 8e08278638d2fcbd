/* transform.c - see transform.h. */
#include "iceberg/transform.h"

#include <assert.h>

#include "base/clock.h"
#include "iceberg/schema_internal.h"

static const int64_t DAY_MICROS = INT64_C(86400000000);
static const int64_t HOUR_MICROS = INT64_C(3600000000);

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static bool is_nanos(IceTypeId type) { return type == ICE_TIMESTAMP_NS || type == ICE_TIMESTAMPTZ_NS; }

/* --- truncate --- */

/* Bytes of the first `width` code points. */
static size_t prefix_length(Str text, int width)
{
    size_t at = 0;

    for (; width > 0 && at < text.len; width--) {
        at++;
        while (at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80)
            at++;
    }
    return at;
}

/* Wraps below the smallest value, as Java does. */
static int64_t truncate_long(int64_t value, int64_t width)
{
    int64_t rest = ((value % width) + width) % width;
    return (int64_t)((uint64_t)value - (uint64_t)rest);
}

static void apply_truncate(int32_t width, const IceValue *source, IceValue *ret)
{
    *ret = *source;
    switch ((IceTypeId)source->type) {
    case ICE_INT:
    case ICE_LONG:
        ret->i64 = truncate_long(source->i64, width);
        if (source->type == ICE_INT)
            ret->i64 = (int32_t)(uint32_t)ret->i64;
        break;
    case ICE_DECIMAL: {
        __int128 rest = ((source->decimal % width) + width) % width;
        ret->decimal = source->decimal - rest;
        break;
    }
    case ICE_STRING:
        ret->bytes.len = prefix_length(source->bytes, width);
        break;
    default:
        if (source->bytes.len > (size_t)width)
            ret->bytes.len = (size_t)width;
    }
}

/* --- time --- */

static int64_t to_days(const IceValue *v)
{
    if (v->type == ICE_DATE)
        return v->i64;
    return floor_div(v->i64, is_nanos(v->type) ? DAY_MICROS * 1000 : DAY_MICROS);
}

static int64_t time_ordinal(IceTransformKind kind, const IceValue *source)
{
    int year, month, day;

    if (kind == ICE_TRANSFORM_HOUR)
        return floor_div(source->i64, is_nanos(source->type) ? HOUR_MICROS * 1000 : HOUR_MICROS);
    int64_t days = to_days(source);
    if (kind == ICE_TRANSFORM_DAY)
        return days;
    civil_from_days(days, &year, &month, &day);
    return kind == ICE_TRANSFORM_YEAR ? year - 1970 : (year - 1970) * INT64_C(12) + month - 1;
}

int ice_transform_apply(const IceTransform *transform, const IceValue *source, IceValue *ret, Error *err)
{
    IceType type = { .id = source->type };

    if (transform->kind == ICE_TRANSFORM_UNKNOWN)
        return err_set(err, ERR_NOT_SUPPORTED, "partition transform \"%.*s\" is not known",
                       STR_ARG(transform->text));
    if (!ice_transform_accepts(transform, &type) && source->type != ICE_UNKNOWN)
        return err_set(err, ERR_NOT_SUPPORTED, "partition transform \"%.*s\" does not take such values",
                       STR_ARG(transform->text));
    switch (transform->kind) {
    case ICE_TRANSFORM_IDENTITY:
        *ret = *source;
        break;
    case ICE_TRANSFORM_VOID:
        *ret = ice_null(source->type);
        break;
    case ICE_TRANSFORM_BUCKET:
        *ret = ice_null(ICE_INT);
        if (!source->is_null)
            *ret = ice_integer(ICE_INT, (ice_value_hash(source) & INT32_MAX) % transform->param);
        break;
    case ICE_TRANSFORM_TRUNCATE:
        if (source->is_null)
            *ret = *source;
        else
            apply_truncate(transform->param, source, ret);
        break;
    default: {
        IceTypeId type_id = transform->kind == ICE_TRANSFORM_DAY ? ICE_DATE : ICE_INT;
        *ret = source->is_null ? ice_null(type_id)
                               : ice_integer(type_id, time_ordinal(transform->kind, source));
    }
    }
    return 0;
}

/* --- paths --- */

static Str time_text(const IceTransform *transform, int64_t ordinal, Arena *arena)
{
    int year, month, day;

    switch (transform->kind) {
    case ICE_TRANSFORM_YEAR:
        return arena_printf(arena, "%04lld", (long long)(1970 + ordinal));
    case ICE_TRANSFORM_MONTH:
        return arena_printf(arena, "%04lld-%02d", (long long)(1970 + floor_div(ordinal, 12)),
                            (int)(ordinal - floor_div(ordinal, 12) * 12) + 1);
    case ICE_TRANSFORM_DAY:
        civil_from_days(ordinal, &year, &month, &day);
        return arena_printf(arena, "%04d-%02d-%02d", year, month, day);
    default:
        civil_from_days(floor_div(ordinal, 24), &year, &month, &day);
        return arena_printf(arena, "%04d-%02d-%02d-%02d", year, month, day,
                            (int)(ordinal - floor_div(ordinal, 24) * 24));
    }
}

Str ice_transform_text_of(const IceTransform *transform, const IceValue *value, Arena *arena)
{
    if (value->is_null || transform->kind == ICE_TRANSFORM_VOID)
        return STR("null");
    if (transform->kind >= ICE_TRANSFORM_YEAR && transform->kind <= ICE_TRANSFORM_HOUR &&
        (value->type == ICE_INT || value->type == ICE_DATE))
        return time_text(transform, value->i64, arena);
    return ice_value_text(value, arena);
}

/* Java's URLEncoder: letters, digits and ".-*_" stay, a blank becomes '+'. */
static void put_url_encoded(Buf *out, Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && c < 0x80) ||
            (c && strchr(".-*_", c)))
            buf_putc(out, (char)c);
        else if (c == ' ')
            buf_putc(out, '+');
        else
            buf_printf(out, "%%%02X", c);
    }
}

Str ice_partition_path(const IcePartitionSpec *spec, const IceValue *tuple, Arena *arena)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 26);

    for (size_t i = 0; i < spec->n_fields; i++) {
        if (i > 0)
            buf_putc(&out, '/');
        put_url_encoded(&out, spec->fields[i].name);
        buf_putc(&out, '=');
        put_url_encoded(&out, ice_transform_text_of(&spec->fields[i].transform, &tuple[i], arena));
    }
    return arena_str(arena, buf_str(&out));
}

/* --- types --- */

static const IceType *source_type(const TableMetadata *table, int32_t source_id)
{
    const IceSchema *current = metadata_current_schema(table);
    const IceField *field = current ? ice_schema_find(current, source_id) : NULL;

    for (size_t i = table->n_schemas; !field && i-- > 0;)
        field = ice_schema_find(table->schemas[i], source_id);
    return field ? field->type : NULL;
}

int ice_partition_type(const TableMetadata *table, int32_t spec_id, Arena *arena, IcePartitionType *ret,
                       Error *err)
{
    static const IceType unknown = { .id = ICE_UNKNOWN };
    const IcePartitionSpec *spec = metadata_spec(table, spec_id);

    if (!spec)
        return err_set(err, ERR_ICEBERG_INVALID_METADATA, "the table has no partition spec %d", spec_id);
    const IceType **types = arena_array(arena, const IceType *, spec->n_fields);
    for (size_t i = 0; i < spec->n_fields; i++) {
        const IcePartitionField *field = &spec->fields[i];
        const IceType *source = source_type(table, field->source_id);
        types[i] = source && field->transform.kind != ICE_TRANSFORM_UNKNOWN
                       ? ice_transform_result(&field->transform, source, arena)
                       : NULL;
        if (!types[i])
            types[i] = &unknown;
    }
    *ret = (IcePartitionType){ spec, types };
    return 0;
}

/* --- from a partition value back to source values --- */

/* First source value of an ordinal; false past what the type holds. */
static bool time_start(IceTransformKind kind, int64_t ordinal, IceTypeId type, int64_t *ret)
{
    int64_t unit = is_nanos(type) ? 1000 : 1, days = ordinal;

    if (kind == ICE_TRANSFORM_HOUR)
        return !__builtin_mul_overflow(ordinal, HOUR_MICROS * unit, ret);
    if (kind == ICE_TRANSFORM_YEAR || kind == ICE_TRANSFORM_MONTH) {
        int64_t months = kind == ICE_TRANSFORM_YEAR ? ordinal * 12 : ordinal;
        if (ordinal < -10000000 || ordinal > 10000000)
            return false;
        days = civil_to_days((int)(1970 + floor_div(months, 12)),
                             (int)(months - floor_div(months, 12) * 12) + 1, 1);
    }
    if (type == ICE_DATE) {
        *ret = days;
        return true;
    }
    return !__builtin_mul_overflow(days, DAY_MICROS * unit, ret);
}

static void time_range(IceTransformKind kind, IceTypeId type, int64_t ordinal, IceRange *ret)
{
    int64_t start, end;
    bool rounds = !(kind == ICE_TRANSFORM_DAY && type == ICE_DATE);

    /* writers before Iceberg 0.7.1 rounded towards zero: what belongs to ordinal - 1 may be here */
    if (time_start(kind, rounds && ordinal <= 0 ? ordinal - 1 : ordinal, type, &start)) {
        ret->has_lower = true;
        ret->lower = ice_integer(type, start);
    }
    if (time_start(kind, ordinal + 1, type, &end)) {
        ret->has_upper = true;
        ret->upper = ice_integer(type, end - 1);
    }
}

static void truncate_range(const IceTransform *transform, const IceType *source_type_,
                           const IceValue *value, Arena *arena, IceRange *ret)
{
    bool is_text = value->type == ICE_STRING;

    ret->has_lower = ret->has_upper = true;
    ret->lower = ret->upper = *value;
    if (value->type == ICE_INT || value->type == ICE_LONG) {
        bool wrapped = __builtin_add_overflow(value->i64, transform->param - 1, &ret->upper.i64) ||
                       (value->type == ICE_INT && ret->upper.i64 > INT32_MAX);
        ret->has_lower = ret->has_upper = !wrapped;
    } else if (value->type == ICE_DECIMAL) {
        ret->upper.decimal += transform->param - 1;
    } else if (is_text || value->type == ICE_BINARY || value->type == ICE_FIXED) {
        size_t length = is_text ? utf8_length(value->bytes) : value->bytes.len;
        if (length < (size_t)transform->param)
            return; /* not cut: exactly this value */
        /* all that begins with the prefix: below the prefix with its last byte incremented */
        char *bytes = arena_alloc(arena, value->bytes.len + 1);
        memcpy(bytes, value->bytes.ptr, value->bytes.len);
        size_t n = value->bytes.len;
        while (n > 0 && (unsigned char)bytes[n - 1] == 0xFF)
            n--;
        if (n == 0) {
            ret->has_upper = false;
            return;
        }
        bytes[n - 1] = (char)((unsigned char)bytes[n - 1] + 1);
        ret->upper.bytes = str_of(bytes, n);
        ret->upper_open = true;
    } else {
        ret->has_lower = ret->has_upper = false;
    }
}

void ice_transform_source_range(const IceTransform *transform, const IceType *type, const IceValue *value,
                                Arena *arena, IceRange *ret)
{
    *ret = (IceRange){ 0 };
    if (value->is_null)
        return;
    switch (transform->kind) {
    case ICE_TRANSFORM_IDENTITY:
        ret->has_lower = ret->has_upper = true;
        ret->lower = ret->upper = *value;
        break;
    case ICE_TRANSFORM_TRUNCATE:
        truncate_range(transform, type, value, arena, ret);
        break;
    case ICE_TRANSFORM_YEAR:
    case ICE_TRANSFORM_MONTH:
    case ICE_TRANSFORM_DAY:
    case ICE_TRANSFORM_HOUR:
        if (value->type == ICE_INT || value->type == ICE_DATE)
            time_range(transform->kind, type->id, value->i64, ret);
        break;
    default:
        break;
    }
}
