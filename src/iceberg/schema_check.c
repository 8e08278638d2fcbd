/* schema_check.c - what a schema, a partition spec or a sort order must fulfil to be in a table.
 * Source: Iceberg table spec, "Schemas and Data Types", "Identifier Field IDs", "Partitioning", "Sorting".
 * The texts of the errors are those of the Java reference where clients show them. */
#include "iceberg/schema_internal.h"

#include <math.h>
#include <stdlib.h>

/* ---- schemas ---- */

typedef struct SchemaCheck {
    Arena *arena;
    Vec(int32_t) ids;
} SchemaCheck;

static int compare_str(const void *a, const void *b)
{
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

static int check_names(const IceField *fields, size_t n, Arena *arena, Error *err)
{
    Str *names = arena_array(arena, Str, n + 1);

    for (size_t i = 0; i < n; i++)
        names[i] = fields[i].name;
    qsort(names, n, sizeof *names, compare_str);
    for (size_t i = 1; i < n; i++)
        if (str_eq(names[i], names[i - 1]))
            return err_set(err, ERR_BAD_REQUEST, "Invalid schema: multiple fields for name %.*s",
                           STR_ARG(str_slice(names[i], 0, 200)));
    return 0;
}

unsigned ice_json_depth(const Json *json)
{
    unsigned depth = 0, inner;

    if (json && json->type == JSON_ARRAY)
        for (size_t i = 0; i < json->array.n; i++)
            depth = (inner = 1 + ice_json_depth(json->array.items[i])) > depth ? inner : depth;
    if (json && json->type == JSON_OBJECT)
        for (size_t i = 0; i < json->object.n; i++)
            depth = (inner = 1 + ice_json_depth(json->object.members[i].value)) > depth ? inner : depth;
    return depth;
}

/* depth: of the JSON in which this level is written; a document must stay readable when a schema is put into
 * it. */
static int check_fields(SchemaCheck *check, const IceField *fields, size_t n, unsigned depth, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        unsigned inner = depth + (fields[i].type->id == ICE_STRUCT ? 3 : 1);
        if (inner + ice_json_depth(fields[i].initial_default) > ICE_MAX_SCHEMA_DEPTH ||
            inner + ice_json_depth(fields[i].write_default) > ICE_MAX_SCHEMA_DEPTH)
            return err_set(err, ERR_BAD_REQUEST, "Invalid schema: field %.*s is nested too deeply",
                           STR_ARG(str_slice(fields[i].name, 0, 200)));
        if (fields[i].id > ICE_MAX_FIELD_ID)
            return err_set(err, ERR_BAD_REQUEST, "Invalid schema: field id %d of %.*s is reserved",
                           fields[i].id, STR_ARG(str_slice(fields[i].name, 0, 200)));
        *vec_push(check->arena, &check->ids) = fields[i].id;
        if (check->ids.n > ICE_MAX_FIELDS)
            return err_set(err, ERR_BAD_REQUEST, "Invalid schema: more than %d fields", ICE_MAX_FIELDS);
        if (check_fields(check, fields[i].type->fields, fields[i].type->n_fields, inner, err) < 0)
            return -1;
    }
    return check_names(fields, n, check->arena, err);
}

/* The path to a field from the top; false when there is none. */
static const IceField *identifier_path(const IceField *fields, size_t n, int32_t id,
                                       const IceField **ret_bad_parent)
{
    for (size_t i = 0; i < n; i++) {
        const IceField *f = &fields[i];
        if (f->id == id)
            return f;
        const IceField *found = identifier_path(f->type->fields, f->type->n_fields, id, ret_bad_parent);
        if (found) {
            if (f->type->id != ICE_STRUCT || !f->required)
                *ret_bad_parent = f;
            return found;
        }
    }
    return NULL;
}

static int check_identifiers(const IceSchema *schema, Error *err)
{
    for (size_t i = 0; i < schema->n_identifier_field_ids; i++) {
        int32_t id = schema->identifier_field_ids[i];
        const IceField *bad = NULL, *f = identifier_path(schema->fields, schema->n_fields, id, &bad);
        if (!f)
            return err_set(err, ERR_BAD_REQUEST,
                           "Cannot add fieldId %d as an identifier field: field does not exist", id);
        Str name = str_slice(f->name, 0, 200);
        if (!ice_type_is_primitive(f->type))
            return err_set(err, ERR_BAD_REQUEST,
                           "Cannot add field %.*s as an identifier field: not a primitive type field",
                           STR_ARG(name));
        if (!f->required)
            return err_set(err, ERR_BAD_REQUEST,
                           "Cannot add field %.*s as an identifier field: not a required field",
                           STR_ARG(name));
        if (f->type->id == ICE_FLOAT || f->type->id == ICE_DOUBLE)
            return err_set(err, ERR_BAD_REQUEST,
                           "Cannot add field %.*s as an identifier field: must not be float or double field",
                           STR_ARG(name));
        if (bad)
            return err_set(err, ERR_BAD_REQUEST,
                           "Cannot add field %.*s as an identifier field: must not be nested in %.*s, "
                           "which is no required struct",
                           STR_ARG(name), STR_ARG(str_slice(bad->name, 0, 200)));
    }
    return 0;
}

int ice_schema_check(const IceSchema *schema, Arena *arena, Error *err)
{
    SchemaCheck check = {.arena = arena};

    if (check_fields(&check, schema->fields, schema->n_fields, 3, err) < 0)
        return -1;
    if (check.ids.n > 0)
        qsort(check.ids.items, check.ids.n, sizeof *check.ids.items, ice_compare_i32);
    for (size_t i = 1; i < check.ids.n; i++)
        if (check.ids.items[i] == check.ids.items[i - 1])
            return err_set(err, ERR_BAD_REQUEST, "Invalid schema: field id %d is used twice",
                           check.ids.items[i]);
    return check_identifiers(schema, err);
}

/* ---- defaults ---- */

static bool is_decimal_text(Str text, int32_t scale)
{
    size_t i = text.len > 0 && text.ptr[0] == '-', digits = 0;
    ptrdiff_t point = str_find_char(text, '.');

    if (scale > 0 ? point < 0 || text.len - (size_t)point - 1 != (size_t)scale : point >= 0)
        return false;
    for (; i < text.len; i++) {
        if (text.ptr[i] == '.')
            continue;
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        digits++;
    }
    return digits > 0 && digits <= 39;
}

/* Against a pattern where '9' is a digit. */
static bool has_shape(Str text, const char *shape)
{
    if (text.len != strlen(shape))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (shape[i] == '9' ? text.ptr[i] < '0' || text.ptr[i] > '9' : text.ptr[i] != shape[i])
            return false;
    return true;
}

/* "HH:MM", "HH:MM:SS" with up to `digits` fraction digits, as Java's ISO formats leave out what is zero. */
static bool is_time_text(Str text, size_t digits)
{
    if (has_shape(text, "99:99"))
        return true;
    if (!has_shape(str_slice(text, 0, 8), "99:99:99"))
        return false;
    return text.len == 8 || (text.ptr[8] == '.' && text.len > 9 && text.len <= 9 + digits &&
                             has_shape(str_slice(text, 9, text.len), &"999999999"[9 - (text.len - 9)]));
}

static bool is_timestamp_text(Str text, size_t digits, bool zoned)
{
    if (zoned) {
        if (!str_has_suffix(text, STR("+00:00")))
            return false;
        text = str_slice(text, 0, text.len - 6);
    }
    return text.len > 11 && has_shape(str_slice(text, 0, 10), "9999-99-99") && text.ptr[10] == 'T' &&
           is_time_text(str_slice(text, 11, text.len), digits);
}

static bool is_hex_text(Str text, size_t n_bytes)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)(text.ptr[i] | 0x20);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return text.len % 2 == 0 && (n_bytes == SIZE_MAX || text.len == 2 * n_bytes);
}

static bool is_text_default(const IceType *type, Str text)
{
    switch (type->id) {
    case ICE_DECIMAL:
        return is_decimal_text(text, type->scale);
    case ICE_DATE:
        return has_shape(text, "9999-99-99");
    case ICE_TIME:
        return is_time_text(text, 6);
    case ICE_TIMESTAMP:
    case ICE_TIMESTAMPTZ:
        return is_timestamp_text(text, 6, type->id == ICE_TIMESTAMPTZ);
    case ICE_TIMESTAMP_NS:
    case ICE_TIMESTAMPTZ_NS:
        return is_timestamp_text(text, 9, type->id == ICE_TIMESTAMPTZ_NS);
    case ICE_STRING:
        return true;
    case ICE_UUID:
        return text.len == 36 && text.ptr[8] == '-' && text.ptr[13] == '-' && text.ptr[18] == '-' &&
               text.ptr[23] == '-';
    case ICE_FIXED:
        return is_hex_text(text, (size_t)type->length);
    case ICE_BINARY:
        return is_hex_text(text, SIZE_MAX);
    default:
        return false;
    }
}

static bool is_list_default(const IceType *type, const Json *array)
{
    if (!json_is(array, JSON_ARRAY))
        return false;
    for (size_t i = 0; i < array->array.n; i++) {
        const Json *item = array->array.items[i];
        if (json_is_null(item) ? type->fields[0].required : !ice_default_is_valid(type->fields[0].type, item))
            return false;
    }
    return true;
}

bool ice_default_is_valid(const IceType *type, const Json *value)
{
    switch (type->id) {
    case ICE_BOOLEAN:
        return value->type == JSON_TRUE || value->type == JSON_FALSE;
    case ICE_INT:
        return value->type == JSON_INT && value->i64 >= INT32_MIN && value->i64 <= INT32_MAX;
    case ICE_LONG:
        return value->type == JSON_INT;
    case ICE_FLOAT:
    case ICE_DOUBLE:
        return value->type == JSON_INT || value->type == JSON_NUMBER;
    case ICE_STRUCT:
        return value->type == JSON_OBJECT && value->object.n == 0; /* sub-field defaults live in the fields */
    case ICE_LIST:
        return is_list_default(type, value);
    case ICE_MAP: {
        const Json *keys = json_get(value, "keys"), *values = json_get(value, "values");
        IceType key_list = {.id = ICE_LIST, .fields = &type->fields[0], .n_fields = 1};
        IceType value_list = {.id = ICE_LIST, .fields = &type->fields[1], .n_fields = 1};
        return is_list_default(&key_list, keys) && is_list_default(&value_list, values) &&
               keys->array.n == values->array.n;
    }
    default:
        return value->type == JSON_STRING && is_text_default(type, value->text);
    }
}

/* ---- what a format version has ---- */

typedef struct VersionCheck {
    const IceSchema *schema;
    int version;
    Arena *arena;
    Buf problems;
} VersionCheck;

static void check_field_version(VersionCheck *check, const IceField *f)
{
    int needed = ice_type_min_version(f->type);
    const struct {
        const char *what;
        const Json *value;
    } defaults[] = {{"initial", f->initial_default}, {"write", f->write_default}};
    if (needed > check->version) {
        Str name = ice_schema_full_name(check->schema, f->id, check->arena);
        buf_printf(&check->problems, "\n- Invalid type for %.*s: %.*s is not supported until v%d",
                   STR_ARG(name), STR_ARG(ice_type_name(f->type, check->arena)), needed);
    }
    if (f->type->id == ICE_UNKNOWN && f->required)
        buf_printf(&check->problems, "\n- Invalid field %.*s: an unknown column must be optional",
                   STR_ARG(f->name));
    for (size_t i = 0; i < 2; i++) {
        if (!defaults[i].value)
            continue;
        if (check->version < 3 && i == 0)
            buf_printf(&check->problems,
                       "\n- Invalid initial default for %.*s: non-null default is not supported until v3",
                       STR_ARG(ice_schema_full_name(check->schema, f->id, check->arena)));
        else if (!ice_default_is_valid(f->type, defaults[i].value))
            buf_printf(&check->problems, "\n- Invalid %s default for %.*s: no value of type %.*s",
                       defaults[i].what, STR_ARG(ice_schema_full_name(check->schema, f->id, check->arena)),
                       STR_ARG(ice_type_name(f->type, check->arena)));
    }
    for (size_t i = 0; i < f->type->n_fields && !check->problems.overflow; i++)
        check_field_version(check, &f->type->fields[i]);
}

int ice_schema_check_version(const IceSchema *schema, int format_version, Arena *arena, Error *err)
{
    VersionCheck check = {
        .schema = schema, .version = format_version, .arena = arena, .problems = BUF_INIT(800)};

    for (size_t i = 0; i < schema->n_fields && !check.problems.overflow; i++)
        check_field_version(&check, &schema->fields[i]);
    int rc = 0;
    if (check.problems.len > 0 || check.problems.overflow)
        rc = err_set(err, ERR_BAD_REQUEST, "Invalid schema for v%d:%.*s", format_version,
                     STR_ARG(buf_str(&check.problems)));
    buf_free(&check.problems);
    return rc;
}

/* ---- partition specs and sort orders ---- */

/* A source below a list or a map has no one value in a row. */
static bool is_repeated(const IceField *fields, size_t n, int32_t id, bool inside)
{
    for (size_t i = 0; i < n; i++) {
        if (fields[i].id == id)
            return inside;
        const IceType *t = fields[i].type;
        if (is_repeated(t->fields, t->n_fields, id, inside || t->id == ICE_LIST || t->id == ICE_MAP))
            return true;
    }
    return false;
}

static int check_source(const char *what, Str name, int32_t source_id, const IceTransform *transform,
                        const IceSchema *schema, Arena *arena, Error *err)
{
    const IceField *source = ice_schema_find(schema, source_id);

    if (transform->kind == ICE_TRANSFORM_VOID)
        return 0; /* v1: the column may be gone */
    if (!source)
        return err_set(err, ERR_VALIDATION, "Cannot find source column for %s field: %.*s", what,
                       STR_ARG(name));
    if (transform->kind == ICE_TRANSFORM_UNKNOWN)
        return 0;
    if (!ice_type_is_primitive(source->type))
        return err_set(err, ERR_VALIDATION, "Cannot %s by non-primitive source field: %.*s", what,
                       STR_ARG(ice_type_name(source->type, arena)));
    if (!ice_transform_accepts(transform, source->type)) {
        Str text = ice_transform_text(transform, arena);
        return err_set(err, ERR_VALIDATION, "Invalid source type %.*s for transform: %.*s",
                       STR_ARG(ice_type_name(source->type, arena)), STR_ARG(text));
    }
    if (is_repeated(schema->fields, schema->n_fields, source_id, false))
        return err_set(err, ERR_VALIDATION, "Invalid %s field: source column %.*s is inside a list or a map",
                       what, STR_ARG(ice_schema_full_name(schema, source_id, arena)));
    return 0;
}

int ice_spec_check(const IcePartitionSpec *spec, const IceSchema *schema, Arena *arena, Error *err)
{
    for (size_t i = 0; i < spec->n_fields; i++) {
        const IcePartitionField *f = &spec->fields[i];
        if (check_source("partition", f->name, f->source_id, &f->transform, schema, arena, err) < 0)
            return -1;
    }
    return 0;
}

int ice_spec_check_new(const IcePartitionSpec *spec, const IceSchema *schema, Arena *arena, Error *err)
{
    enum { MAX_PARTITION_FIELDS = 1000 }; /* the loop below compares all pairs */

    if (spec->n_fields > MAX_PARTITION_FIELDS)
        return err_set(err, ERR_VALIDATION, "Invalid partition spec: more than %d fields",
                       MAX_PARTITION_FIELDS);
    for (size_t i = 0; i < spec->n_fields; i++) {
        const IcePartitionField *f = &spec->fields[i];
        if (f->name.len == 0)
            return err_set(err, ERR_VALIDATION, "Cannot use empty or null partition name");
        const IceField *column = ice_schema_find_name(schema, f->name, true);
        if (column && column->id != f->source_id)
            return err_set(err, ERR_VALIDATION,
                           "Cannot create partition from name that exists in schema: %.*s", STR_ARG(f->name));
        for (size_t j = 0; j < i; j++) {
            const IcePartitionField *other = &spec->fields[j];
            if (str_eq(f->name, other->name))
                return err_set(err, ERR_VALIDATION, "Cannot use partition name more than once: %.*s",
                               STR_ARG(f->name));
            if (f->field_id >= 0 && f->field_id == other->field_id)
                return err_set(err, ERR_VALIDATION, "Cannot use partition field id more than once: %d",
                               f->field_id);
            if (f->source_id == other->source_id && f->transform.kind != ICE_TRANSFORM_VOID &&
                ice_transform_equal(&f->transform, &other->transform))
                return err_set(err, ERR_VALIDATION,
                               "Cannot add redundant partition: %.*s conflicts with %.*s", STR_ARG(f->name),
                               STR_ARG(other->name));
        }
    }
    return ice_spec_check(spec, schema, arena, err);
}

int ice_sort_order_check(const IceSortOrder *order, const IceSchema *schema, Arena *arena, Error *err)
{
    for (size_t i = 0; i < order->n_fields; i++) {
        const IceSortField *f = &order->fields[i];
        const IceField *source = ice_schema_find(schema, f->source_id);
        Str name = source ? source->name : arena_printf(arena, "%d", f->source_id);
        if (check_source("sort", name, f->source_id, &f->transform, schema, arena, err) < 0)
            return -1;
    }
    return 0;
}
