/* avro_schema.c - Avro schemas from JSON. */
#include "format/avro_internal.h"

enum { MAX_DEPTH = 40 };

typedef struct Named {
    Str name, full_name;
    const AvroSchema *schema;
} Named;

typedef struct Parser {
    Arena *arena;
    Vec(Named) names;
    size_t n_types;
    Error *err;
} Parser;

static const AvroSchema *parse_type(Parser *ps, const Json *json, Str name_space, int depth);

static const AvroSchema *refuse(Parser *ps, const char *what, Str name)
{
    err_set(ps->err, ERR_CORRUPT, "Avro schema: %s \"%.*s\"", what, (int)(name.len < 100 ? name.len : 100),
            name.ptr ? name.ptr : "");
    return NULL;
}

static bool primitive_of(Str name, AvroType *ret)
{
    static const struct {
        const char *name;
        AvroType type;
    } primitives[] = {
        { "null", AVRO_NULL },   { "boolean", AVRO_BOOLEAN }, { "int", AVRO_INT },
        { "long", AVRO_LONG },   { "float", AVRO_FLOAT },     { "double", AVRO_DOUBLE },
        { "bytes", AVRO_BYTES }, { "string", AVRO_STRING },
    };
    for (size_t i = 0; i < sizeof primitives / sizeof primitives[0]; i++) {
        if (str_is(name, primitives[i].name)) {
            *ret = primitives[i].type;
            return true;
        }
    }
    return false;
}

static const AvroSchema *parse_name(Parser *ps, Str name)
{
    AvroType type;

    if (primitive_of(name, &type)) {
        AvroSchema *schema = arena_new_of(ps->arena, AvroSchema);
        schema->type = type;
        schema->element_id = -1;
        return schema;
    }
    for (size_t i = 0; i < ps->names.n; i++)
        if (str_eq(ps->names.items[i].full_name, name) || str_eq(ps->names.items[i].name, name))
            return ps->names.items[i].schema;
    return refuse(ps, "unknown type", name);
}

/* An attribute that is an integer within [min, max]; else `default_value`. */
static int32_t int_attribute(const Json *json, const char *key, int32_t default_value)
{
    const Json *value = json_get(json, key);
    return json_is(value, JSON_INT) && value->i64 >= 0 && value->i64 <= INT32_MAX ? (int32_t)value->i64
                                                                                  : default_value;
}

static Str text_attribute(const Json *json, const char *key)
{
    const Json *value = json_get(json, key);
    return json_is(value, JSON_STRING) ? value->text : STR("");
}

/* Registers a named type before its fields are parsed: they may refer to it. */
static bool add_name(Parser *ps, const Json *json, AvroSchema *schema, Str *name_space)
{
    Str name = text_attribute(json, "name"), own = text_attribute(json, "namespace");
    ptrdiff_t dot = str_rfind_char(name, '.');

    if (name.len == 0) {
        refuse(ps, "type without a name", STR(""));
        return false;
    }
    if (own.len > 0)
        *name_space = own;
    Named named = { name, name, schema };
    if (dot >= 0) {
        *name_space = str_slice(name, 0, (size_t)dot);
        named.name = str_slice(name, (size_t)dot + 1, name.len);
    } else if (name_space->len > 0) {
        named.full_name = arena_printf(ps->arena, "%.*s.%.*s", STR_ARG(*name_space), STR_ARG(name));
    }
    schema->name = named.name;
    *vec_push(ps->arena, &ps->names) = named;
    return true;
}

static const AvroSchema *parse_record(Parser *ps, const Json *json, AvroSchema *schema, Str name_space,
                                      int depth)
{
    const Json *fields = json_get(json, "fields");

    schema->type = AVRO_RECORD;
    if (!json_is(fields, JSON_ARRAY))
        return refuse(ps, "no fields in record", text_attribute(json, "name"));
    if (!add_name(ps, json, schema, &name_space))
        return NULL;
    AvroField *out = arena_array(ps->arena, AvroField, fields->array.n);
    schema->fields = out;
    schema->n = fields->array.n;
    for (size_t i = 0; i < fields->array.n; i++) {
        const Json *field = fields->array.items[i], *type = json_get(field, "type");
        out[i] = (AvroField){ .name = text_attribute(field, "name"),
                              .field_id = int_attribute(field, "field-id", -1),
                              .json = field };
        if (!type)
            return refuse(ps, "no type for field", out[i].name);
        out[i].type = parse_type(ps, type, name_space, depth + 1);
        if (!out[i].type)
            return NULL;
    }
    return schema;
}

static const AvroSchema *parse_union(Parser *ps, const Json *json, Str name_space, int depth)
{
    AvroSchema *schema = arena_new_of(ps->arena, AvroSchema);
    const AvroSchema **branches = arena_array(ps->arena, const AvroSchema *, json->array.n);

    schema->type = AVRO_UNION;
    schema->element_id = -1;
    schema->branches = branches;
    schema->n = json->array.n;
    if (schema->n == 0)
        return refuse(ps, "empty union", STR(""));
    for (size_t i = 0; i < schema->n; i++) {
        branches[i] = parse_type(ps, json->array.items[i], name_space, depth + 1);
        if (!branches[i])
            return NULL;
        if (branches[i]->type == AVRO_UNION)
            return refuse(ps, "union in a union", STR(""));
    }
    return schema;
}

static const AvroSchema *parse_items(Parser *ps, const Json *json, AvroSchema *schema, const char *key,
                                     Str name_space, int depth)
{
    const Json *items = json_get(json, key);

    if (!items)
        return refuse(ps, "array or map without the attribute", str_from(key));
    schema->items = parse_type(ps, items, name_space, depth + 1);
    return schema->items ? schema : NULL;
}

static const AvroSchema *parse_object(Parser *ps, const Json *json, Str name_space, int depth)
{
    const Json *type = json_get(json, "type");
    const Json *utc = json_get(json, "adjust-to-utc");
    AvroSchema *schema = arena_new_of(ps->arena, AvroSchema);

    if (!type)
        return refuse(ps, "type missing", text_attribute(json, "name"));
    if (type->type != JSON_STRING) /* {"type": {...}}: a wrapper */
        return parse_type(ps, type, name_space, depth + 1);
    schema->logical_type = text_attribute(json, "logicalType");
    schema->element_id = int_attribute(json, "element-id", -1);
    schema->precision = int_attribute(json, "precision", 0);
    schema->scale = int_attribute(json, "scale", 0);
    schema->adjust_to_utc = json_is(utc, JSON_TRUE);
    if (str_is(type->text, "record") || str_is(type->text, "error"))
        return parse_record(ps, json, schema, name_space, depth);
    if (str_is(type->text, "array")) {
        schema->type = AVRO_ARRAY;
        return parse_items(ps, json, schema, "items", name_space, depth);
    }
    if (str_is(type->text, "map")) {
        schema->type = AVRO_MAP;
        return parse_items(ps, json, schema, "values", name_space, depth);
    }
    if (str_is(type->text, "fixed") || str_is(type->text, "enum")) {
        const Json *symbols = json_get(json, "symbols");
        schema->type = str_is(type->text, "fixed") ? AVRO_FIXED : AVRO_ENUM;
        schema->size = schema->type == AVRO_FIXED     ? (size_t)int_attribute(json, "size", 0)
                       : json_is(symbols, JSON_ARRAY) ? symbols->array.n
                                                      : 0;
        return add_name(ps, json, schema, &name_space) ? schema : NULL;
    }
    if (primitive_of(type->text, &schema->type))
        return schema;
    return parse_name(ps, type->text);
}

static const AvroSchema *parse_type(Parser *ps, const Json *json, Str name_space, int depth)
{
    if (depth > MAX_DEPTH || ++ps->n_types > AVRO_MAX_SCHEMA_TYPES)
        return refuse(ps, "nested too deeply, or too many types", STR(""));
    switch (json->type) {
    case JSON_STRING:
        return parse_name(ps, json->text);
    case JSON_ARRAY:
        return parse_union(ps, json, name_space, depth);
    case JSON_OBJECT:
        return parse_object(ps, json, name_space, depth);
    default:
        return refuse(ps, "a type is a name, an object or an array", STR(""));
    }
}

int avro_schema_parse(const Json *json, Arena *arena, const AvroSchema **ret, Error *err)
{
    Parser ps = { .arena = arena, .err = err };

    *ret = parse_type(&ps, json, STR(""), 0);
    return *ret ? 0 : -1;
}

const AvroSchema *avro_nullable(const AvroSchema *schema, bool *ret_is_nullable)
{
    const AvroSchema *other = NULL;

    *ret_is_nullable = schema->type == AVRO_NULL;
    if (schema->type != AVRO_UNION)
        return schema;
    for (size_t i = 0; i < schema->n; i++) {
        if (schema->branches[i]->type == AVRO_NULL)
            *ret_is_nullable = true;
        else if (other)
            return NULL;
        else
            other = schema->branches[i];
    }
    return other ? other : schema->branches[0];
}
