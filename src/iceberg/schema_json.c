/* schema_json.c - schemas, partition specs and sort orders to and from JSON.
 * Source: Iceberg table spec, "Appendix C: JSON serialization". */
#include "iceberg/schema_internal.h"

#include <stdio.h>
#include <stdlib.h>

static int parse_fields(const Json *array, Arena *arena, const IceField **ret, size_t *ret_n, Error *err);

/* ---- types ---- */

static int get_int32(const Json *object, const char *key, int64_t min, int32_t *ret, Error *err)
{
    int64_t value;

    if (json_need_int(object, key, &value, err) < 0)
        return -1;
    if (value < min || value > INT32_MAX)
        return err_set(err, ERR_BAD_REQUEST, "%s: %lld is out of range", key, (long long)value);
    *ret = (int32_t)value;
    return 0;
}

static int parse_decimal(Str text, IceType *type, Error *err)
{
    int64_t precision, scale;
    Str rest, inner = str_slice(text, strlen("decimal("), text.len - 1);
    Str first = str_trim(str_cut(inner, ',', &rest));

    if (!rest.ptr || str_to_i64(first, 1, 38, &precision, NULL) < 0 ||
        str_to_i64(str_trim(rest), 0, 38, &scale, NULL) < 0 || scale > precision)
        return err_set(err, ERR_BAD_REQUEST,
                       "Invalid type \"%.*s\": expected decimal(P, S) with 1 <= P <= 38 and S <= P",
                       STR_ARG(text));
    type->id = ICE_DECIMAL;
    type->precision = (int32_t)precision;
    type->scale = (int32_t)scale;
    return 0;
}

static int parse_type_text(Str text, Arena *arena, IceType *type, Error *err)
{
    Str lower = arena_lower(arena, text);
    int64_t length;

    for (const IcePrimitive *p = ice_primitives; p->name; p++)
        if (str_is(lower, p->name)) {
            type->id = p->id;
            return 0;
        }
    if (str_has_prefix(lower, STR("decimal(")) && str_has_suffix(lower, STR(")")))
        return parse_decimal(lower, type, err);
    if (str_has_prefix(lower, STR("fixed[")) && str_has_suffix(lower, STR("]"))) {
        if (str_to_i64(str_trim(str_slice(lower, 6, lower.len - 1)), 0, INT32_MAX, &length, NULL) < 0)
            return err_set(err, ERR_BAD_REQUEST, "Invalid type \"%.*s\": expected fixed[L]", STR_ARG(text));
        type->id = ICE_FIXED;
        type->length = (int32_t)length;
        return 0;
    }
    static const struct {
        Str name;
        IceTypeId id;
    } geo[] = {{{"geometry", 8}, ICE_GEOMETRY}, {{"geography", 9}, ICE_GEOGRAPHY}};
    for (size_t i = 0; i < 2; i++) {
        Str name = geo[i].name;
        if (str_eq(lower, name) || (str_has_prefix(lower, name) && lower.len > name.len + 2 &&
                                    lower.ptr[name.len] == '(' && lower.ptr[lower.len - 1] == ')')) {
            type->id = geo[i].id;
            type->text = arena_str(arena, text);
            return 0;
        }
    }
    return err_set(err, ERR_BAD_REQUEST, "Cannot parse type string to primitive: %.*s",
                   STR_ARG(str_slice(text, 0, 200)));
}

/* "element"/"element-id"/"element-required" and the like. */
static int parse_inner(const Json *json, const char *name, bool is_key, Arena *arena, IceField *ret,
                       Error *err)
{
    Str id_key = arena_printf(arena, "%s-id", name), required_key = arena_printf(arena, "%s-required", name);
    const Json *type = json_get(json, name);

    if (!type)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse missing field: %s", name);
    if (get_int32(json, id_key.ptr, 0, &ret->id, err) < 0 || ice_type_parse(type, arena, &ret->type, err) < 0)
        return -1;
    ret->name = str_from(name);
    ret->required = true;
    if (is_key)
        return 0;
    if (!json_is(json_get(json, required_key.ptr), JSON_TRUE) &&
        !json_is(json_get(json, required_key.ptr), JSON_FALSE))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse missing boolean: %s", required_key.ptr);
    return json_get_bool(json, required_key.ptr, false, &ret->required, err);
}

static int parse_nested(const Json *json, Str kind, Arena *arena, IceType *type, Error *err)
{
    if (str_is(kind, "struct")) {
        type->id = ICE_STRUCT;
        return parse_fields(json_get(json, "fields"), arena, &type->fields, &type->n_fields, err);
    }
    IceField *fields = arena_array(arena, IceField, 2);
    type->fields = fields;
    if (str_is(kind, "list")) {
        type->id = ICE_LIST;
        type->n_fields = 1;
        return parse_inner(json, "element", false, arena, &fields[0], err);
    }
    if (str_is(kind, "map")) {
        type->id = ICE_MAP;
        type->n_fields = 2;
        if (parse_inner(json, "key", true, arena, &fields[0], err) < 0)
            return -1;
        return parse_inner(json, "value", false, arena, &fields[1], err);
    }
    return err_set(err, ERR_BAD_REQUEST, "Cannot parse type: %.*s is no struct, list or map",
                   STR_ARG(str_slice(kind, 0, 100)));
}

int ice_type_parse(const Json *json, Arena *arena, const IceType **ret, Error *err)
{
    IceType *type = arena_new_of(arena, IceType);
    Str kind;

    if (json_is(json, JSON_STRING)) {
        if (parse_type_text(json->text, arena, type, err) < 0)
            return -1;
    } else if (json_is(json, JSON_OBJECT)) {
        if (json_need_string(json, "type", &kind, err) < 0 || parse_nested(json, kind, arena, type, err) < 0)
            return -1;
    } else {
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse type: expected a string or an object");
    }
    *ret = type;
    return 0;
}

void ice_type_write(JsonWriter *w, const IceType *type)
{
    char text[64];

    switch (type->id) {
    case ICE_STRUCT:
        json_object(w);
        json_kv_cstr(w, "type", "struct");
        json_key(w, "fields");
        ice_fields_write(w, type->fields, type->n_fields);
        json_end_object(w);
        return;
    case ICE_LIST:
        json_object(w);
        json_kv_cstr(w, "type", "list");
        json_kv_int(w, "element-id", type->fields[0].id);
        json_key(w, "element");
        ice_type_write(w, type->fields[0].type);
        json_kv_bool(w, "element-required", type->fields[0].required);
        json_end_object(w);
        return;
    case ICE_MAP:
        json_object(w);
        json_kv_cstr(w, "type", "map");
        json_kv_int(w, "key-id", type->fields[0].id);
        json_key(w, "key");
        ice_type_write(w, type->fields[0].type);
        json_kv_int(w, "value-id", type->fields[1].id);
        json_key(w, "value");
        ice_type_write(w, type->fields[1].type);
        json_kv_bool(w, "value-required", type->fields[1].required);
        json_end_object(w);
        return;
    case ICE_DECIMAL:
        json_str(w, str_of(text, (size_t)snprintf(text, sizeof text, "decimal(%d, %d)", type->precision,
                                                  type->scale)));
        return;
    case ICE_FIXED:
        json_str(w, str_of(text, (size_t)snprintf(text, sizeof text, "fixed[%d]", type->length)));
        return;
    case ICE_GEOMETRY:
    case ICE_GEOGRAPHY:
        json_str(w, type->text);
        return;
    default:
        for (const IcePrimitive *p = ice_primitives; p->name; p++)
            if (p->id == type->id) {
                json_cstr(w, p->name);
                return;
            }
    }
}

/* ---- schemas ---- */

static int parse_field(const Json *json, Arena *arena, IceField *ret, Error *err)
{
    Str doc;
    const Json *type = json_get(json, "type");

    if (!json_is(json, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse struct field: expected an object");
    if (get_int32(json, "id", 0, &ret->id, err) < 0 || json_need_string(json, "name", &ret->name, err) < 0 ||
        json_get_string(json, "doc", STR_NULL, &doc, err) < 0)
        return -1;
    const Json *required = json_get(json, "required");
    if (!json_is(required, JSON_TRUE) && !json_is(required, JSON_FALSE))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse field %.*s: \"required\" must be true or false",
                       STR_ARG(str_slice(ret->name, 0, 200)));
    if (!type)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse field %.*s: \"type\" is missing",
                       STR_ARG(str_slice(ret->name, 0, 200)));
    if (ice_type_parse(type, arena, &ret->type, err) < 0)
        return err_prefix(err, "field %.*s", STR_ARG(str_slice(ret->name, 0, 200)));
    ret->required = required->type == JSON_TRUE;
    ret->doc = doc;
    ret->initial_default =
        json_is_null(json_get(json, "initial-default")) ? NULL : json_get(json, "initial-default");
    ret->write_default =
        json_is_null(json_get(json, "write-default")) ? NULL : json_get(json, "write-default");
    return arena_check(arena, err);
}

static int parse_fields(const Json *array, Arena *arena, const IceField **ret, size_t *ret_n, Error *err)
{
    if (!json_is(array, JSON_ARRAY))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse struct: \"fields\" must be an array");
    if (array->array.n > ICE_MAX_FIELDS)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse struct: %zu fields, at most %d are accepted",
                       array->array.n, ICE_MAX_FIELDS);
    IceField *fields = arena_array(arena, IceField, array->array.n + 1);
    for (size_t i = 0; i < array->array.n; i++)
        if (parse_field(array->array.items[i], arena, &fields[i], err) < 0)
            return -1;
    *ret = fields;
    *ret_n = array->array.n;
    return 0;
}

static int parse_identifier_ids(const Json *json, Arena *arena, IceSchema *schema, Error *err)
{
    const Json *array;

    if (json_get_array(json, "identifier-field-ids", &array, err) < 0)
        return -1;
    if (!array || array->array.n == 0)
        return 0;
    int32_t *ids = arena_array(arena, int32_t, array->array.n);
    size_t n = 0;
    for (size_t i = 0; i < array->array.n; i++) {
        const Json *id = array->array.items[i];
        if (!json_is(id, JSON_INT) || id->i64 < 0 || id->i64 > INT32_MAX)
            return err_set(err, ERR_BAD_REQUEST, "identifier-field-ids: expected field ids");
        ids[n++] = (int32_t)id->i64;
    }
    qsort(ids, n, sizeof *ids, ice_compare_i32);
    size_t unique = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || ids[i] != ids[i - 1])
            ids[unique++] = ids[i];
    schema->identifier_field_ids = ids;
    schema->n_identifier_field_ids = unique;
    return 0;
}

int ice_schema_parse(const Json *json, Arena *arena, IceSchema **ret, Error *err)
{
    IceSchema *schema = arena_new_of(arena, IceSchema);
    Str type;
    int64_t id;

    if (!json_is(json, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse schema: expected an object");
    if (json_need_string(json, "type", &type, err) < 0 || json_get_int(json, "schema-id", 0, &id, err) < 0)
        return err_prefix(err, "Cannot parse schema");
    if (!str_is(type, "struct"))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse schema: \"type\" must be \"struct\"");
    if (id < 0 || id > INT32_MAX)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse schema: schema-id %lld is out of range",
                       (long long)id);
    schema->schema_id = (int32_t)id;
    if (parse_fields(json_get(json, "fields"), arena, &schema->fields, &schema->n_fields, err) < 0 ||
        parse_identifier_ids(json, arena, schema, err) < 0 || ice_schema_check(schema, arena, err) < 0)
        return -1;
    *ret = schema;
    return 0;
}

void ice_fields_write(JsonWriter *w, const IceField *fields, size_t n)
{
    json_array(w);
    for (size_t i = 0; i < n; i++) {
        const IceField *f = &fields[i];
        json_object(w);
        json_kv_int(w, "id", f->id);
        json_kv_str(w, "name", f->name);
        json_kv_bool(w, "required", f->required);
        json_key(w, "type");
        ice_type_write(w, f->type);
        if (f->doc.ptr)
            json_kv_str(w, "doc", f->doc);
        if (f->initial_default) {
            json_key(w, "initial-default");
            json_write_value(w, f->initial_default);
        }
        if (f->write_default) {
            json_key(w, "write-default");
            json_write_value(w, f->write_default);
        }
        json_end_object(w);
    }
    json_end_array(w);
}

void ice_schema_write(JsonWriter *w, const IceSchema *schema)
{
    json_object(w);
    json_kv_cstr(w, "type", "struct");
    json_kv_int(w, "schema-id", schema->schema_id);
    if (schema->n_identifier_field_ids > 0) {
        json_key(w, "identifier-field-ids");
        json_array(w);
        for (size_t i = 0; i < schema->n_identifier_field_ids; i++)
            json_int(w, schema->identifier_field_ids[i]);
        json_end_array(w);
    }
    json_key(w, "fields");
    ice_fields_write(w, schema->fields, schema->n_fields);
    json_end_object(w);
}

/* ---- partition specs ---- */

/* source-id, or the first of source-ids, which are kept when there are several. */
static int parse_source(const Json *json, int32_t *ret_id, const Json **ret_ids, Error *err)
{
    const Json *ids;

    if (json_get_array(json, "source-ids", &ids, err) < 0)
        return -1;
    if (!ids || json_get(json, "source-id"))
        return get_int32(json, "source-id", 0, ret_id, err);
    for (size_t i = 0; i < ids->array.n; i++)
        if (!json_is(ids->array.items[i], JSON_INT) || ids->array.items[i]->i64 < 0 ||
            ids->array.items[i]->i64 > INT32_MAX)
            return err_set(err, ERR_BAD_REQUEST, "source-ids: expected field ids");
    if (ids->array.n == 0)
        return err_set(err, ERR_BAD_REQUEST, "source-ids: expected at least one field id");
    *ret_id = (int32_t)ids->array.items[0]->i64;
    if (ids->array.n > 1)
        *ret_ids = ids;
    return 0;
}

static int parse_partition_field(const Json *json, Arena *arena, IcePartitionField *ret, Error *err)
{
    Str transform;
    int64_t field_id;

    if (!json_is(json, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse partition field: expected an object");
    if (parse_source(json, &ret->source_id, &ret->source_ids, err) < 0 ||
        json_need_string(json, "name", &ret->name, err) < 0 ||
        json_need_string(json, "transform", &transform, err) < 0 ||
        json_get_int(json, "field-id", -1, &field_id, err) < 0 ||
        ice_transform_parse(transform, arena, &ret->transform, err) < 0)
        return err_prefix(err, "Cannot parse partition field");
    if (field_id < -1 || field_id > INT32_MAX)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse partition field: field-id %lld is out of range",
                       (long long)field_id);
    ret->field_id = (int32_t)field_id;
    return arena_check(arena, err);
}

int ice_spec_fields_parse(const Json *array, Arena *arena, IcePartitionSpec *spec, Error *err)
{
    if (!json_is(array, JSON_ARRAY))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse partition spec: \"fields\" must be an array");
    if (array->array.n > ICE_MAX_FIELDS)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse partition spec: too many fields");
    IcePartitionField *fields = arena_array(arena, IcePartitionField, array->array.n + 1);
    for (size_t i = 0; i < array->array.n; i++)
        if (parse_partition_field(array->array.items[i], arena, &fields[i], err) < 0)
            return -1;
    spec->fields = fields;
    spec->n_fields = array->array.n;
    return 0;
}

int ice_spec_parse(const Json *json, Arena *arena, IcePartitionSpec **ret, Error *err)
{
    IcePartitionSpec *spec = arena_new_of(arena, IcePartitionSpec);
    int64_t id;

    if (!json_is(json, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse partition spec: expected an object");
    if (json_get_int(json, "spec-id", 0, &id, err) < 0 ||
        ice_spec_fields_parse(json_get(json, "fields"), arena, spec, err) < 0)
        return -1;
    if (id < 0 || id > INT32_MAX)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse partition spec: spec-id %lld is out of range",
                       (long long)id);
    spec->spec_id = (int32_t)id;
    *ret = spec;
    return 0;
}

static void write_source(JsonWriter *w, int32_t source_id, const Json *source_ids)
{
    if (source_ids) {
        json_key(w, "source-ids");
        json_write_value(w, source_ids);
    } else {
        json_kv_int(w, "source-id", source_id);
    }
}

void ice_spec_write_fields(JsonWriter *w, const IcePartitionSpec *spec)
{
    char text[40];

    json_array(w);
    for (size_t i = 0; i < spec->n_fields; i++) {
        const IcePartitionField *f = &spec->fields[i];
        json_object(w);
        json_kv_str(w, "name", f->name);
        json_kv_str(w, "transform", ice_transform_format(&f->transform, text, sizeof text));
        write_source(w, f->source_id, f->source_ids);
        if (f->field_id >= 0)
            json_kv_int(w, "field-id", f->field_id);
        json_end_object(w);
    }
    json_end_array(w);
}

void ice_spec_write(JsonWriter *w, const IcePartitionSpec *spec)
{
    json_object(w);
    json_kv_int(w, "spec-id", spec->spec_id);
    json_key(w, "fields");
    ice_spec_write_fields(w, spec);
    json_end_object(w);
}

/* ---- sort orders ---- */

static int parse_sort_field(const Json *json, Arena *arena, IceSortField *ret, Error *err)
{
    Str transform, direction, null_order;

    if (!json_is(json, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse sort field: expected an object");
    if (parse_source(json, &ret->source_id, &ret->source_ids, err) < 0 ||
        json_need_string(json, "transform", &transform, err) < 0 ||
        json_need_string(json, "direction", &direction, err) < 0 ||
        json_need_string(json, "null-order", &null_order, err) < 0 ||
        ice_transform_parse(transform, arena, &ret->transform, err) < 0)
        return err_prefix(err, "Cannot parse sort field");
    if (!str_eq_nocase(direction, STR("asc")) && !str_eq_nocase(direction, STR("desc")))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse sort field: \"direction\" must be asc or desc");
    if (!str_eq_nocase(null_order, STR("nulls-first")) && !str_eq_nocase(null_order, STR("nulls-last")))
        return err_set(err, ERR_BAD_REQUEST,
                       "Cannot parse sort field: \"null-order\" must be nulls-first or nulls-last");
    ret->descending = str_eq_nocase(direction, STR("desc"));
    ret->nulls_last = str_eq_nocase(null_order, STR("nulls-last"));
    return arena_check(arena, err);
}

int ice_sort_order_parse(const Json *json, Arena *arena, IceSortOrder **ret, Error *err)
{
    IceSortOrder *order = arena_new_of(arena, IceSortOrder);
    const Json *array = json_get(json, "fields");
    int64_t id;

    if (!json_is(json, JSON_OBJECT) || !json_is(array, JSON_ARRAY))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse sort order: expected an object with \"fields\"");
    if (array->array.n > ICE_MAX_FIELDS)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse sort order: too many fields");
    if (json_get_int(json, "order-id", array->array.n ? 1 : 0, &id, err) < 0)
        return -1;
    if (id < 0 || id > INT32_MAX)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse sort order: order-id %lld is out of range",
                       (long long)id);
    IceSortField *fields = arena_array(arena, IceSortField, array->array.n + 1);
    for (size_t i = 0; i < array->array.n; i++)
        if (parse_sort_field(array->array.items[i], arena, &fields[i], err) < 0)
            return -1;
    *order = (IceSortOrder){.order_id = (int32_t)id, .fields = fields, .n_fields = array->array.n};
    *ret = order;
    return 0;
}

void ice_sort_order_write(JsonWriter *w, const IceSortOrder *order)
{
    char text[40];

    json_object(w);
    json_kv_int(w, "order-id", order->order_id);
    json_key(w, "fields");
    json_array(w);
    for (size_t i = 0; i < order->n_fields; i++) {
        const IceSortField *f = &order->fields[i];
        json_object(w);
        json_kv_str(w, "transform", ice_transform_format(&f->transform, text, sizeof text));
        write_source(w, f->source_id, f->source_ids);
        json_kv_cstr(w, "direction", f->descending ? "desc" : "asc");
        json_kv_cstr(w, "null-order", f->nulls_last ? "nulls-last" : "nulls-first");
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}
