/* metrics.c - column metrics of a data file from its Parquet footer. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "iceberg/data_file.h"
#include "iceberg/schema_internal.h"

enum { DEFAULT_WIDTH = 16, DEFAULT_MAX_COLUMNS = 100 };

typedef struct Mode {
    IceMetricsMode mode;
    int width;
} Mode;

/* --- which metrics --- */

static bool parse_mode(Str text, Mode *ret)
{
    int64_t width;

    if (str_eq_nocase(text, STR("none"))) {
        *ret = (Mode){ ICE_METRICS_NONE, 0 };
    } else if (str_eq_nocase(text, STR("counts"))) {
        *ret = (Mode){ ICE_METRICS_COUNTS, 0 };
    } else if (str_eq_nocase(text, STR("full"))) {
        *ret = (Mode){ ICE_METRICS_FULL, 0 };
    } else if (text.len > 10 && str_eq_nocase(str_slice(text, 0, 9), STR("truncate(")) &&
               str_has_suffix(text, STR(")")) &&
               str_to_i64(str_slice(text, 9, text.len - 1), 1, INT32_MAX, &width, NULL) == 0) {
        *ret = (Mode){ ICE_METRICS_TRUNCATE, (int)width };
    } else {
        return false;
    }
    return true;
}

static Str property(const IceMetricsConfig *config, Str key)
{
    for (size_t i = 0; config && i < config->n_properties; i++)
        if (str_eq(config->properties[i].key, key))
            return config->properties[i].value;
    return STR_NULL;
}

/* Place of a leaf among the leaves of the schema, depth first; -1 when it is none of them. */
static int leaf_place(const IceField *fields, size_t n, int32_t field_id, int *next)
{
    for (size_t i = 0; i < n; i++) {
        if (fields[i].type->n_fields > 0) {
            int place = leaf_place(fields[i].type->fields, fields[i].type->n_fields, field_id, next);
            if (place >= 0)
                return place;
        } else if (fields[i].id == field_id) {
            return *next;
        } else {
            ++*next;
        }
    }
    return -1;
}

/* As MetricsConfig.from() of the Java library: a column's own mode, the table's default, or truncate(16) for
 * the first columns. Modes that cannot be read are ignored. */
static Mode mode_of(const IceMetricsConfig *config, const IceSchema *schema, int32_t field_id, Arena *arena)
{
    Mode mode;
    int next = 0;
    int64_t max_columns = DEFAULT_MAX_COLUMNS;

    if (config && config->n_properties > 0) {
        Str name = ice_schema_full_name(schema, field_id, arena);
        Str key = arena_printf(arena, "write.metadata.metrics.column.%.*s", STR_ARG(name));
        if (parse_mode(property(config, key), &mode) ||
            parse_mode(property(config, STR("write.metadata.metrics.default")), &mode))
            return mode;
        Str limit = property(config, STR("write.metadata.metrics.max-inferred-column-defaults"));
        if (limit.ptr)
            str_to_i64(limit, 0, INT32_MAX, &max_columns, NULL);
    }
    if (leaf_place(schema->fields, schema->n_fields, field_id, &next) >= max_columns)
        return (Mode){ ICE_METRICS_NONE, 0 };
    return (Mode){ ICE_METRICS_TRUNCATE, DEFAULT_WIDTH };
}

/* --- bounds --- */

Str ice_bound_truncate_lower(const IceType *type, Str value, int width, Arena *arena)
{
    size_t at = 0;

    if (type->id != ICE_STRING)
        return str_slice(value, 0, (size_t)width);
    for (; width > 0 && at < value.len; width--) {
        uint32_t code_point;
        size_t n = utf8_decode(str_slice(value, at, value.len), &code_point);
        if (n == 0)
            break; /* cut inside of a character by its writer */
        at += n;
    }
    return str_slice(value, 0, at);
}

static Str increment_bytes(Str value, Arena *arena)
{
    char *bytes = arena_alloc(arena, value.len + 1);

    memcpy(bytes, value.ptr, value.len);
    for (size_t n = value.len; n > 0; n--) {
        if ((unsigned char)bytes[n - 1] != 0xFF) {
            bytes[n - 1] = (char)((unsigned char)bytes[n - 1] + 1);
            return str_of(bytes, n);
        }
    }
    return STR_NULL;
}

/* The last code point that has a successor is replaced by it, what follows is dropped. */
static Str increment_text(Str value, Arena *arena)
{
    size_t end = value.len;

    while (end > 0) {
        size_t start = end - 1;
        uint32_t code_point = 0;
        while (start > 0 && ((unsigned char)value.ptr[start] & 0xC0) == 0x80)
            start--;
        utf8_decode(str_slice(value, start, end), &code_point);
        if (code_point < 0x10FFFF) {
            char *bytes = arena_alloc(arena, start + 5);
            memcpy(bytes, value.ptr, start);
            code_point = code_point == 0xD7FF ? 0xE000 : code_point + 1;
            return str_of(bytes, start + utf8_encode(code_point, bytes + start));
        }
        end = start;
    }
    return STR_NULL;
}

Str ice_bound_truncate_upper(const IceType *type, Str value, int width, Arena *arena)
{
    Str prefix = ice_bound_truncate_lower(type, value, width, arena);

    if (type->id == ICE_STRING && !utf8_is_valid(value))
        return STR_NULL;
    if (prefix.len == value.len)
        return value;
    return type->id == ICE_STRING ? increment_text(prefix, arena) : increment_bytes(prefix, arena);
}

/* --- statistics of a column chunk --- */

static int64_t stat_integer(Str bytes, bool is_unsigned)
{
    uint32_t u32;
    int64_t i64 = 0;

    if (bytes.len == 4) {
        memcpy(&u32, bytes.ptr, 4);
        return is_unsigned ? (int64_t)u32 : (int32_t)u32;
    }
    memcpy(&i64, bytes.ptr, 8);
    return i64;
}

/* Microseconds or nanoseconds, as the type has it; rounded outwards. false: out of range. */
static bool stat_time(const ParquetNode *leaf, IceTypeId type, bool is_upper, int64_t value, int64_t *ret)
{
    bool nanos = type == ICE_TIMESTAMP_NS || type == ICE_TIMESTAMPTZ_NS;

    *ret = value;
    if (leaf->unit == PARQUET_MILLIS)
        return !__builtin_mul_overflow(value, nanos ? 1000000 : 1000, ret);
    if (leaf->unit == PARQUET_MICROS && nanos)
        return !__builtin_mul_overflow(value, 1000, ret);
    if (leaf->unit == PARQUET_NANOS && !nanos) {
        *ret = value / 1000 - (value % 1000 < 0);
        *ret += is_upper && value % 1000 != 0;
    }
    return true;
}

typedef enum StatResult { STAT_NONE, STAT_VALUE, STAT_BAD } StatResult;

static StatResult integer_stat(const ParquetNode *leaf, const IceType *type, bool is_upper, Str bytes,
                               IceValue *v)
{
    bool is_unsigned = leaf->logical == PARQUET_INTEGER && !leaf->is_signed;
    size_t width = leaf->physical == PARQUET_INT32 ? 4 : 8;

    if (bytes.len != width)
        return STAT_BAD;
    int64_t value = stat_integer(bytes, is_unsigned);
    switch (type->id) {
    case ICE_INT:
    case ICE_DATE:
        if (value < INT32_MIN || value > INT32_MAX)
            return STAT_BAD;
        /* fall through */
    case ICE_LONG:
        if (is_unsigned && width == 8)
            return STAT_NONE;
        v->i64 = value;
        return STAT_VALUE;
    case ICE_DECIMAL:
        v->decimal = value;
        v->scale = (int16_t)leaf->scale;
        return STAT_VALUE;
    case ICE_TIME:
    case ICE_TIMESTAMP:
    case ICE_TIMESTAMPTZ:
    case ICE_TIMESTAMP_NS:
    case ICE_TIMESTAMPTZ_NS:
        if (leaf->logical == PARQUET_DATE) { /* date that was promoted to timestamp */
            IceValue date = ice_integer(ICE_DATE, value);
            return ice_value_convert(&date, type, v) ? STAT_VALUE : STAT_NONE;
        }
        return stat_time(leaf, type->id, is_upper, value, &v->i64) ? STAT_VALUE : STAT_NONE;
    default:
        return STAT_BAD;
    }
}

static StatResult floating_stat(const ParquetNode *leaf, const IceType *type, bool is_upper, Str bytes,
                                IceValue *v)
{
    float single;

    if (bytes.len != (leaf->physical == PARQUET_FLOAT ? 4u : 8u) ||
        (type->id != ICE_FLOAT && type->id != ICE_DOUBLE))
        return STAT_BAD;
    if (leaf->physical == PARQUET_FLOAT) {
        memcpy(&single, bytes.ptr, 4);
        v->f64 = (double)single;
    } else {
        memcpy(&v->f64, bytes.ptr, 8);
    }
    if (v->f64 == 0)
        v->f64 = is_upper ? 0.0 : -0.0; /* writers compare zeros as equal */
    return isnan(v->f64) ? STAT_NONE : STAT_VALUE;
}

static StatResult bytes_stat(const ParquetNode *leaf, const IceType *type, Str bytes, IceValue *v)
{
    switch (type->id) {
    case ICE_STRING:
    case ICE_BINARY:
    case ICE_FIXED:
        v->bytes = bytes;
        return STAT_VALUE;
    case ICE_UUID:
        if (bytes.len != sizeof v->uuid)
            return STAT_BAD;
        memcpy(v->uuid, bytes.ptr, sizeof v->uuid);
        return STAT_VALUE;
    case ICE_DECIMAL:
        v->scale = (int16_t)leaf->scale;
        return ice_decimal_from_bytes(bytes, &v->decimal, NULL) == 0 ? STAT_VALUE : STAT_BAD;
    case ICE_GEOMETRY:
    case ICE_GEOGRAPHY:
    case ICE_VARIANT:
        return STAT_NONE;
    default:
        return STAT_BAD;
    }
}

static StatResult stat_value(const ParquetNode *leaf, const IceType *type, bool is_upper, Str bytes,
                             IceValue *ret)
{
    *ret = (IceValue){ .type = (uint8_t)type->id, .scale = (int16_t)type->scale };
    switch (leaf->physical) {
    case PARQUET_BOOLEAN:
        ret->boolean = bytes.len == 1 && bytes.ptr[0] != 0;
        return type->id == ICE_BOOLEAN && bytes.len == 1 ? STAT_VALUE : STAT_BAD;
    case PARQUET_INT32:
    case PARQUET_INT64:
        return integer_stat(leaf, type, is_upper, bytes, ret);
    case PARQUET_FLOAT:
    case PARQUET_DOUBLE:
        return floating_stat(leaf, type, is_upper, bytes, ret);
    case PARQUET_BYTE_ARRAY:
    case PARQUET_FIXED_LEN_BYTE_ARRAY:
        return bytes_stat(leaf, type, bytes, ret);
    default:
        return STAT_NONE;
    }
}

/* --- a column of the file --- */

typedef struct Merge {
    const ParquetNode *leaf;
    const IceType *type;
    bool has_bounds, lost_bounds; /* lost: some row group has values and no statistics */
    IceValue lower, upper;
} Merge;

static int merge_bounds(Merge *m, const ParquetColumn *column, Error *err)
{
    const ParquetStatistics *s = &column->statistics;
    IceValue lower, upper;

    if (s->null_count == column->value_count)
        return 0;
    StatResult low = s->min.ptr ? stat_value(m->leaf, m->type, false, s->min, &lower) : STAT_NONE;
    StatResult high = s->max.ptr ? stat_value(m->leaf, m->type, true, s->max, &upper) : STAT_NONE;
    if (low == STAT_BAD || high == STAT_BAD)
        return err_set(err, ERR_CORRUPT,
                       "statistics of Parquet column \"%.*s\" do not fit its type in the table",
                       STR_ARG(m->leaf->name));
    if (low == STAT_NONE || high == STAT_NONE) {
        m->lost_bounds = true;
        return 0;
    }
    if (!m->has_bounds || ice_value_compare(&lower, &m->lower) < 0)
        m->lower = lower;
    if (!m->has_bounds || ice_value_compare(&upper, &m->upper) > 0)
        m->upper = upper;
    m->has_bounds = true;
    return 0;
}

static void put_bounds(const Merge *m, Mode mode, Arena *arena, IceColumnMetrics *out)
{
    bool is_bytes = m->type->id == ICE_STRING || m->type->id == ICE_BINARY || m->type->id == ICE_FIXED;

    if (!m->has_bounds || m->lost_bounds || mode.mode < ICE_METRICS_TRUNCATE)
        return;
    IceValue lower = m->lower, upper = m->upper;
    if (lower.type == ICE_DECIMAL && lower.scale != m->type->scale) {
        if (!ice_value_convert(&lower, m->type, &lower) || !ice_value_convert(&upper, m->type, &upper))
            return;
    }
    if (is_bytes) {
        int width = mode.mode == ICE_METRICS_FULL ? INT32_MAX : mode.width;
        lower.bytes = ice_bound_truncate_lower(m->type, lower.bytes, width, arena);
        upper.bytes = ice_bound_truncate_upper(m->type, upper.bytes, width, arena);
    }
    out->lower = ice_value_to_bytes(&lower, arena);
    if (!is_bytes || upper.bytes.ptr)
        out->upper = ice_value_to_bytes(&upper, arena);
}

/* Has the leaf a value in every row, by the schema alone? */
static bool is_always_there(const ParquetNode *node, int32_t column, bool *found)
{
    bool inside = true;

    for (size_t i = 0; i < node->n_children && !*found; i++)
        inside = is_always_there(&node->children[i], column, found);
    *found = *found || node->column == column;
    return *found && inside && node->repetition == PARQUET_REQUIRED;
}

static int column_metrics(const ParquetFooter *footer, size_t column, const IceField *field, Mode mode,
                          Arena *arena, IceColumnMetrics *out, Error *err)
{
    const ParquetNode *leaf = footer->leaves[column];
    Merge merge = { .leaf = leaf, .type = field->type };
    bool nulls_known = true, nans_known = true, found = false;
    bool is_float = field->type->id == ICE_FLOAT || field->type->id == ICE_DOUBLE;
    /* DuckDB leaves out the bounds of a column chunk that holds a NaN: where there are bounds, there is none
     * */
    bool bounds_deny_nan = str_has_prefix(footer->created_by, STR("DuckDB"));
    int64_t nulls = 0, nans = 0, values = 0, size = 0;

    *out = (IceColumnMetrics){ field->id, -1, -1, -1, -1, STR_NULL, STR_NULL };
    for (size_t i = 0; i < footer->n_row_groups; i++) {
        const ParquetColumn *c = &footer->row_groups[i].columns[column];
        const ParquetStatistics *s = &c->statistics;
        size += c->compressed_size;
        values += c->value_count;
        nulls += s->null_count > 0 ? s->null_count : 0;
        nulls_known = nulls_known && s->null_count >= 0;
        nans += s->nan_count > 0 ? s->nan_count : 0;
        nans_known = nans_known && (s->nan_count >= 0 || s->null_count == c->value_count ||
                                    (bounds_deny_nan && s->min.ptr));
        if (!leaf->in_list && mode.mode >= ICE_METRICS_TRUNCATE && merge_bounds(&merge, c, err) < 0)
            return -1;
    }
    out->size_bytes = size;
    if (mode.mode == ICE_METRICS_NONE)
        return 0;
    out->value_count = values;
    if (nulls_known)
        out->null_count = nulls;
    else if (is_always_there(footer->root, (int32_t)column, &found))
        out->null_count = 0;
    if (is_float && nans_known && !leaf->in_list)
        out->nan_count = nans;
    put_bounds(&merge, mode, arena, out);
    return 0;
}

static int compare_columns(const void *a, const void *b)
{
    const IceColumnMetrics *x = a, *y = b;
    return (x->field_id > y->field_id) - (x->field_id < y->field_id);
}

int ice_data_file_from_parquet(const ParquetFooter *footer, int64_t file_size_bytes,
                               const IceSchema *schema, const IceMetricsConfig *config, Arena *arena,
                               IceDataFile *file, Error *err)
{
    IceColumnMetrics *columns = arena_array(arena, IceColumnMetrics, footer->n_columns);
    int64_t *offsets = arena_array(arena, int64_t, footer->n_row_groups);
    size_t n = 0;

    for (size_t i = 0; i < footer->n_columns; i++) {
        int32_t id = footer->leaves[i]->field_id;
        const IceField *field = id >= 0 ? ice_schema_find(schema, id) : NULL;
        if (!field)
            continue;
        if (!ice_type_is_primitive(field->type))
            return err_set(err, ERR_CORRUPT,
                           "Parquet column \"%.*s\" holds single values where the table has a nested type",
                           STR_ARG(footer->leaves[i]->name));
        if (column_metrics(footer, i, field, mode_of(config, schema, id, arena), arena, &columns[n], err) <
            0)
            return -1;
        n++;
    }
    qsort(columns, n, sizeof *columns, compare_columns);
    for (size_t i = 1; i < n; i++)
        if (columns[i - 1].field_id == columns[i].field_id)
            return err_set(err, ERR_CORRUPT, "two Parquet columns have the field id %d",
                           columns[i].field_id);
    for (size_t i = 0; i < footer->n_row_groups; i++)
        offsets[i] = footer->row_groups[i].file_offset;
    file->format = STR("PARQUET");
    file->record_count = footer->n_rows;
    file->size_bytes = file_size_bytes;
    file->columns = columns;
    file->n_columns = n;
    file->split_offsets = offsets;
    file->n_split_offsets = footer->n_row_groups;
    return arena_check(arena, err);
}
