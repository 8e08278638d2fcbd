/* schema.c - types, transforms and lookups; schema_json.c reads and writes them. */
#include "iceberg/schema.h"
#include "iceberg/schema_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- types ---- */

const IcePrimitive ice_primitives[] = {
    {"unknown", ICE_UNKNOWN, 3},
    {"boolean", ICE_BOOLEAN, 1},
    {"int", ICE_INT, 1},
    {"long", ICE_LONG, 1},
    {"float", ICE_FLOAT, 1},
    {"double", ICE_DOUBLE, 1},
    {"date", ICE_DATE, 1},
    {"time", ICE_TIME, 1},
    {"timestamp", ICE_TIMESTAMP, 1},
    {"timestamptz", ICE_TIMESTAMPTZ, 1},
    {"timestamp_ns", ICE_TIMESTAMP_NS, 3},
    {"timestamptz_ns", ICE_TIMESTAMPTZ_NS, 3},
    {"string", ICE_STRING, 1},
    {"uuid", ICE_UUID, 1},
    {"binary", ICE_BINARY, 1},
    {"variant", ICE_VARIANT, 3},
    {NULL, ICE_UNKNOWN, 0},
};

bool ice_type_is_primitive(const IceType *type)
{
    return type->id < ICE_STRUCT && type->id != ICE_VARIANT;
}

int ice_type_min_version(const IceType *type)
{
    if (type->id == ICE_GEOMETRY || type->id == ICE_GEOGRAPHY)
        return 3;
    for (const IcePrimitive *p = ice_primitives; p->name; p++)
        if (p->id == type->id)
            return p->min_version;
    return 1;
}

static bool str_same(Str a, Str b)
{
    return (a.ptr == NULL) == (b.ptr == NULL) && str_eq(a, b);
}

static bool json_member_same(const Json *a, const Json *b)
{
    if (json_is_null(a) || json_is_null(b))
        return json_is_null(a) && json_is_null(b);
    return ice_json_equal(a, b);
}

bool ice_json_equal(const Json *a, const Json *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->type != b->type)
        return false;
    switch (a->type) {
    case JSON_INT:
        return a->i64 == b->i64;
    case JSON_STRING:
    case JSON_NUMBER:
        return str_eq(a->text, b->text);
    case JSON_ARRAY:
        if (a->array.n != b->array.n)
            return false;
        for (size_t i = 0; i < a->array.n; i++)
            if (!ice_json_equal(a->array.items[i], b->array.items[i]))
                return false;
        return true;
    case JSON_OBJECT:
        if (a->object.n != b->object.n)
            return false;
        for (size_t i = 0; i < a->object.n; i++)
            if (!ice_json_equal(a->object.members[i].value, json_get_str_key(b, a->object.members[i].key)))
                return false;
        return true;
    default:
        return true;
    }
}

/* `whole`: docs and defaults count too. */
static bool type_same(const IceType *a, const IceType *b, bool whole);

static bool field_same(const IceField *a, const IceField *b, bool whole)
{
    if (a->id != b->id || a->required != b->required || !str_eq(a->name, b->name) ||
        !type_same(a->type, b->type, whole))
        return false;
    return !whole || (str_same(a->doc, b->doc) && json_member_same(a->initial_default, b->initial_default) &&
                      json_member_same(a->write_default, b->write_default));
}

static bool type_same(const IceType *a, const IceType *b, bool whole)
{
    if (a == b)
        return true;
    if (a->id != b->id || a->n_fields != b->n_fields)
        return false;
    if (a->id == ICE_DECIMAL && (a->precision != b->precision || a->scale != b->scale))
        return false;
    if (a->id == ICE_FIXED && a->length != b->length)
        return false;
    if ((a->id == ICE_GEOMETRY || a->id == ICE_GEOGRAPHY) && !str_eq(a->text, b->text))
        return false;
    for (size_t i = 0; i < a->n_fields; i++)
        if (!field_same(&a->fields[i], &b->fields[i], whole))
            return false;
    return true;
}

bool ice_type_equal(const IceType *a, const IceType *b)
{
    return type_same(a, b, false);
}

bool ice_schema_same(const IceSchema *a, const IceSchema *b)
{
    if (a->n_fields != b->n_fields || a->n_identifier_field_ids != b->n_identifier_field_ids)
        return false;
    for (size_t i = 0; i < a->n_identifier_field_ids; i++) /* both are sorted */
        if (a->identifier_field_ids[i] != b->identifier_field_ids[i])
            return false;
    for (size_t i = 0; i < a->n_fields; i++)
        if (!field_same(&a->fields[i], &b->fields[i], true))
            return false;
    return true;
}

bool ice_type_can_promote(const IceType *from, const IceType *to, int format_version)
{
    if (ice_type_equal(from, to))
        return true;
    switch (from->id) {
    case ICE_INT:
        return to->id == ICE_LONG;
    case ICE_FLOAT:
        return to->id == ICE_DOUBLE;
    case ICE_DECIMAL:
        return to->id == ICE_DECIMAL && to->scale == from->scale && to->precision >= from->precision;
    case ICE_UNKNOWN:
        return format_version >= 3;
    case ICE_DATE:
        return format_version >= 3 && (to->id == ICE_TIMESTAMP || to->id == ICE_TIMESTAMP_NS);
    default:
        return false;
    }
}

static void add_type_name(Buf *out, const IceType *type)
{
    switch (type->id) {
    case ICE_DECIMAL:
        buf_printf(out, "decimal(%d, %d)", type->precision, type->scale);
        return;
    case ICE_FIXED:
        buf_printf(out, "fixed[%d]", type->length);
        return;
    case ICE_GEOMETRY:
    case ICE_GEOGRAPHY:
        buf_add(out, type->text);
        return;
    case ICE_LIST:
    case ICE_MAP:
        buf_puts(out, type->id == ICE_LIST ? "list<" : "map<");
        for (size_t i = 0; i < type->n_fields; i++) {
            buf_puts(out, i ? ", " : "");
            add_type_name(out, type->fields[i].type);
        }
        buf_putc(out, '>');
        return;
    case ICE_STRUCT:
        buf_puts(out, "struct<");
        for (size_t i = 0; i < type->n_fields; i++) {
            const IceField *f = &type->fields[i];
            buf_printf(out, "%s%d: %.*s: %s ", i ? ", " : "", f->id, STR_ARG(f->name),
                       f->required ? "required" : "optional");
            add_type_name(out, f->type);
        }
        buf_putc(out, '>');
        return;
    default:
        for (const IcePrimitive *p = ice_primitives; p->name; p++)
            if (p->id == type->id)
                buf_puts(out, p->name);
    }
}

Str ice_type_name(const IceType *type, Arena *arena)
{
    _cleanup_buf_ Buf out = BUF_INIT(64 << 10);

    add_type_name(&out, type);
    return arena_str(arena, buf_str(&out));
}

/* ---- lookups ---- */

static const IceField *find_id(const IceField *fields, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (fields[i].id == id)
            return &fields[i];
        const IceField *inner = find_id(fields[i].type->fields, fields[i].type->n_fields, id);
        if (inner)
            return inner;
    }
    return NULL;
}

const IceField *ice_schema_find(const IceSchema *schema, int32_t field_id)
{
    return find_id(schema->fields, schema->n_fields, field_id);
}

static bool name_eq(Str a, Str b, bool case_sensitive)
{
    return case_sensitive ? str_eq(a, b) : str_eq_nocase(a, b);
}

/* Field names may hold dots themselves, so each prefix that is a name is tried, the whole name first. */
static const IceField *find_name(const IceField *fields, size_t n, Str name, bool case_sensitive)
{
    for (size_t i = 0; i < n; i++)
        if (name_eq(fields[i].name, name, case_sensitive))
            return &fields[i];
    for (size_t i = 0; i < n; i++) {
        const IceField *f = &fields[i];
        size_t len = f->name.len;
        if (f->type->n_fields == 0 || name.len <= len + 1 || name.ptr[len] != '.')
            continue;
        if (!name_eq(f->name, str_slice(name, 0, len), case_sensitive))
            continue;
        const IceField *inner =
            find_name(f->type->fields, f->type->n_fields, str_slice(name, len + 1, name.len), case_sensitive);
        if (inner)
            return inner;
    }
    return NULL;
}

const IceField *ice_schema_find_name(const IceSchema *schema, Str dotted_name, bool case_sensitive)
{
    return find_name(schema->fields, schema->n_fields, dotted_name, case_sensitive);
}

static bool full_name(const IceField *fields, size_t n, int32_t id, Str prefix, Arena *arena, Str *ret)
{
    for (size_t i = 0; i < n; i++) {
        const IceField *f = &fields[i];
        Str name = prefix.len ? arena_printf(arena, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(f->name)) : f->name;
        if (f->id == id) {
            *ret = name;
            return true;
        }
        if (full_name(f->type->fields, f->type->n_fields, id, name, arena, ret))
            return true;
    }
    return false;
}

Str ice_schema_full_name(const IceSchema *schema, int32_t field_id, Arena *arena)
{
    Str name = STR_NULL;
    full_name(schema->fields, schema->n_fields, field_id, STR_NULL, arena, &name);
    return name;
}

static int32_t max_id(const IceField *fields, size_t n)
{
    int32_t max = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t inner = max_id(fields[i].type->fields, fields[i].type->n_fields);
        max = fields[i].id > max ? fields[i].id : max;
        max = inner > max ? inner : max;
    }
    return max;
}

int32_t ice_schema_max_id(const IceSchema *schema)
{
    return max_id(schema->fields, schema->n_fields);
}

/* ---- fresh ids ---- */

typedef struct FreshIds {
    Arena *arena;
    int32_t last;
    IceIdPairs pairs;
} FreshIds;

/* Ids of one level first, then what is inside each: the order in which the reference assigns them. */
static const IceField *fresh_fields(FreshIds *fresh, const IceField *fields, size_t n)
{
    IceField *copy = arena_array(fresh->arena, IceField, n ? n : 1);

    for (size_t i = 0; i < n; i++) {
        copy[i] = fields[i];
        copy[i].id = ++fresh->last;
        *vec_push(fresh->arena, &fresh->pairs) = (IceIdPair){.from = fields[i].id, .to = copy[i].id};
    }
    for (size_t i = 0; i < n; i++) {
        if (fields[i].type->n_fields == 0)
            continue;
        IceType *type = arena_new_of(fresh->arena, IceType);
        *type = *fields[i].type;
        type->fields = fresh_fields(fresh, type->fields, type->n_fields);
        copy[i].type = type;
    }
    return copy;
}

int32_t ice_id_map(const IceIdPairs *pairs, int32_t from)
{
    for (size_t i = 0; i < pairs->n; i++)
        if (pairs->items[i].from == from)
            return pairs->items[i].to;
    return -1;
}

int ice_compare_i32(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

IceSchema *ice_schema_fresh(const IceSchema *schema, Arena *arena, IceIdPairs *ret_pairs,
                            int32_t *ret_last_id)
{
    FreshIds fresh = {.arena = arena};
    IceSchema *copy = arena_new_of(arena, IceSchema);

    copy->fields = fresh_fields(&fresh, schema->fields, schema->n_fields);
    copy->n_fields = schema->n_fields;
    copy->n_identifier_field_ids = schema->n_identifier_field_ids;
    int32_t *ids = arena_array(arena, int32_t, copy->n_identifier_field_ids + 1);
    for (size_t i = 0; i < copy->n_identifier_field_ids; i++)
        ids[i] = ice_id_map(&fresh.pairs, schema->identifier_field_ids[i]);
    qsort(ids, copy->n_identifier_field_ids, sizeof *ids, ice_compare_i32);
    copy->identifier_field_ids = ids;
    *ret_pairs = fresh.pairs;
    *ret_last_id = fresh.last;
    return copy;
}

IceSchema *ice_schema_assign_fresh_ids(const IceSchema *schema, Arena *arena, int32_t *ret_last_id)
{
    IceIdPairs pairs;
    return ice_schema_fresh(schema, arena, &pairs, ret_last_id);
}

/* ---- transforms ---- */

static const struct {
    const char *name;
    IceTransformKind kind;
} plain_transforms[] = {
    {"identity", ICE_TRANSFORM_IDENTITY}, {"year", ICE_TRANSFORM_YEAR}, {"month", ICE_TRANSFORM_MONTH},
    {"day", ICE_TRANSFORM_DAY},           {"hour", ICE_TRANSFORM_HOUR}, {"void", ICE_TRANSFORM_VOID},
};

/* "NAME[123]": the number, or -1. */
static int64_t bracketed(Str text, const char *name)
{
    size_t len = strlen(name);
    int64_t value;

    if (text.len < len + 3 || !str_eq_nocase(str_slice(text, 0, len), str_from(name)) ||
        text.ptr[len] != '[' || text.ptr[text.len - 1] != ']')
        return -1;
    return str_to_i64(str_slice(text, len + 1, text.len - 1), 0, INT32_MAX, &value, NULL) == 0 ? value : -1;
}

int ice_transform_parse(Str text, Arena *arena, IceTransform *ret, Error *err)
{
    IceTransform t = {.kind = ICE_TRANSFORM_UNKNOWN};

    for (size_t i = 0; i < sizeof plain_transforms / sizeof *plain_transforms; i++)
        if (str_eq_nocase(text, str_from(plain_transforms[i].name)))
            t.kind = plain_transforms[i].kind;
    int64_t buckets = bracketed(text, "bucket"), width = bracketed(text, "truncate");
    if (buckets == 0)
        return err_set(err, ERR_BAD_REQUEST, "Invalid number of buckets: 0 (must be > 0)");
    if (width == 0)
        return err_set(err, ERR_BAD_REQUEST, "Invalid truncate width: 0 (must be > 0)");
    if (buckets > 0) {
        t.kind = ICE_TRANSFORM_BUCKET;
        t.param = (int32_t)buckets;
    } else if (width > 0) {
        t.kind = ICE_TRANSFORM_TRUNCATE;
        t.param = (int32_t)width;
    }
    if (text.len == 0)
        return err_set(err, ERR_BAD_REQUEST, "Invalid transform: empty");
    t.text = t.kind == ICE_TRANSFORM_UNKNOWN ? arena_str(arena, text) : arena_lower(arena, text);
    *ret = t;
    return 0;
}

Str ice_transform_format(const IceTransform *transform, char *out, size_t size)
{
    if (transform->kind == ICE_TRANSFORM_BUCKET)
        return str_of(out, (size_t)snprintf(out, size, "bucket[%d]", transform->param));
    if (transform->kind == ICE_TRANSFORM_TRUNCATE)
        return str_of(out, (size_t)snprintf(out, size, "truncate[%d]", transform->param));
    for (size_t i = 0; i < sizeof plain_transforms / sizeof *plain_transforms; i++)
        if (plain_transforms[i].kind == transform->kind)
            return str_from(plain_transforms[i].name);
    return transform->text;
}

Str ice_transform_text(const IceTransform *transform, Arena *arena)
{
    char text[40];
    return arena_str(arena, ice_transform_format(transform, text, sizeof text));
}

bool ice_transform_equal(const IceTransform *a, const IceTransform *b)
{
    return a->kind == b->kind && a->param == b->param &&
           (a->kind != ICE_TRANSFORM_UNKNOWN || str_eq(a->text, b->text));
}

const IceType *ice_transform_result(const IceTransform *transform, const IceType *source, Arena *arena)
{
    static const IceType int_type = {.id = ICE_INT}, date_type = {.id = ICE_DATE},
                         string_type = {.id = ICE_STRING};

    switch (transform->kind) {
    case ICE_TRANSFORM_BUCKET:
    case ICE_TRANSFORM_YEAR:
    case ICE_TRANSFORM_MONTH:
    case ICE_TRANSFORM_HOUR:
        return &int_type;
    case ICE_TRANSFORM_DAY:
        return &date_type;
    case ICE_TRANSFORM_UNKNOWN:
        return &string_type; /* what the reference gives; nothing may be decided by it */
    default:
        return source;
    }
}

bool ice_transform_accepts(const IceTransform *transform, const IceType *source)
{
    bool is_timestamp = source->id >= ICE_TIMESTAMP && source->id <= ICE_TIMESTAMPTZ_NS;

    switch (transform->kind) {
    case ICE_TRANSFORM_IDENTITY:
        return ice_type_is_primitive(source) && source->id != ICE_GEOMETRY && source->id != ICE_GEOGRAPHY;
    case ICE_TRANSFORM_BUCKET:
        return source->id == ICE_INT || source->id == ICE_LONG || source->id == ICE_DECIMAL ||
               source->id == ICE_DATE || source->id == ICE_TIME || is_timestamp || source->id == ICE_STRING ||
               source->id == ICE_UUID || source->id == ICE_FIXED || source->id == ICE_BINARY;
    case ICE_TRANSFORM_TRUNCATE:
        return source->id == ICE_INT || source->id == ICE_LONG || source->id == ICE_DECIMAL ||
               source->id == ICE_STRING || source->id == ICE_BINARY;
    case ICE_TRANSFORM_YEAR:
    case ICE_TRANSFORM_MONTH:
    case ICE_TRANSFORM_DAY:
        return is_timestamp || source->id == ICE_DATE;
    case ICE_TRANSFORM_HOUR:
        return is_timestamp;
    default:
        return true;
    }
}
