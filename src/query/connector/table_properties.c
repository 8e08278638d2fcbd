#include "query/connector/table_properties.h"

#include <stdio.h>

#include "query/connector/sql_text.h"

const PropertyDef table_property_defs[] = {
#define P(name, default_value, type, description, iceberg) {name, default_value, type, description},
#include "query/connector/table_properties.def"
#undef P
};
const size_t n_table_property_defs = sizeof table_property_defs / sizeof *table_property_defs;

static const char *const iceberg_names[] = {
#define P(name, default_value, type, description, iceberg) iceberg,
#include "query/connector/table_properties.def"
#undef P
};

/* ---- constants ---- */

typedef struct Reading {
    Str catalog;
    const Property *property;
    Arena *arena;
    TableProperties *out;
    Error *err;
} Reading;

static int invalid(Reading *r, Str value, const char *why)
{
    return err_set_sql(r->err, ERR_INVALID_TABLE_PROPERTY, r->property->pos.line, r->property->pos.column,
                       "Unable to set catalog '%.*s' table property '%.*s' to [%.*s]: %s",
                       STR_ARG(r->catalog), STR_ARG(arena_lower(r->arena, r->property->name.text)),
                       STR_ARG(value), why);
}

static int wrong_type(Reading *r, const char *type)
{
    return err_set_sql(
        r->err, ERR_INVALID_TABLE_PROPERTY, r->property->pos.line, r->property->pos.column,
        "Invalid value for catalog '%.*s' table property '%.*s': Cannot convert the value to %s",
        STR_ARG(r->catalog), STR_ARG(arena_lower(r->arena, r->property->name.text)), type);
}

bool property_text(const Expr *value, Str *ret)
{
    return expr_constant_text(value, ret);
}

static int read_text(Reading *r, Str *ret)
{
    return property_text(r->property->value, ret) ? 0 : wrong_type(r, "varchar");
}

static int read_array(Reading *r, const Expr *value, const Str **ret, size_t *ret_n)
{
    while (value && value->kind == EXPR_CAST)
        value = value->cast.operand;
    if (!value || value->kind != EXPR_ARRAY)
        return wrong_type(r, "array(varchar)");
    Str *items = arena_array(r->arena, Str, value->list.n + 1);
    for (size_t i = 0; i < value->list.n; i++)
        if (!property_text(value->list.items[i], &items[i]))
            return wrong_type(r, "array(varchar)");
    *ret = items;
    *ret_n = value->list.n;
    return 0;
}

static void add_iceberg(Reading *r, const char *key, Str value)
{
    *vec_push(r->arena, &r->out->iceberg) = (IceProperty){str_from(key), value};
}

/* ---- one property each ---- */

static int read_format(Reading *r)
{
    static const char *const formats[] = {"ORC", "PARQUET", "AVRO"};
    Str text;
    if (read_text(r, &text))
        return -1;
    for (size_t i = 0; i < 3; i++)
        if (str_eq_nocase(text, str_from(formats[i]))) {
            if (i != 1)
                return err_set_sql(r->err, ERR_NOT_SUPPORTED, r->property->pos.line, r->property->pos.column,
                                   "Writing format %s is not supported; use PARQUET", formats[i]);
            add_iceberg(r, "write.format.default", STR("PARQUET"));
            return 0;
        }
    return invalid(
        r, arena_printf(r->arena, "'%.*s'", STR_ARG(text)),
        arena_printf(r->arena, "Invalid value [%.*s]. Valid values: [ORC, PARQUET, AVRO]", STR_ARG(text))
            .ptr);
}

static int read_codec(Reading *r)
{
    static const char *const codecs[] = {"NONE", "SNAPPY", "LZ4", "ZSTD", "GZIP"};
    Str text;
    if (read_text(r, &text))
        return -1;
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (str_eq_nocase(text, str_from(codecs[i]))) {
            add_iceberg(r, "write.parquet.compression-codec",
                        i == 0 ? STR("uncompressed") : arena_lower(r->arena, text));
            return 0;
        }
    return invalid(r, arena_printf(r->arena, "'%.*s'", STR_ARG(text)),
                   arena_printf(r->arena,
                                "Invalid value [%.*s]. Valid values: [NONE, SNAPPY, LZ4, ZSTD, GZIP]",
                                STR_ARG(text))
                       .ptr);
}

static int read_version(Reading *r)
{
    if (!expr_constant_int(r->property->value, &r->out->format_version))
        return wrong_type(r, "integer");
    int64_t v = r->out->format_version;
    if (v < 1 || v > 3)
        return invalid(r, arena_printf(r->arena, "%lld", (long long)v),
                       "format_version must be between 1 and 3");
    return 0;
}

static int read_location(Reading *r)
{
    return read_text(r, &r->out->location);
}

static int read_partitioning(Reading *r)
{
    r->out->has_partitioning = true;
    return read_array(r, r->property->value, &r->out->partitioning, &r->out->n_partitioning);
}

static int read_sorted_by(Reading *r)
{
    r->out->has_sorted_by = true;
    return read_array(r, r->property->value, &r->out->sorted_by, &r->out->n_sorted_by);
}

static int read_extra(Reading *r)
{
    const Str *keys, *values;
    size_t n_keys, n_values;
    const Expr *e = r->property->value;
    if (!e || e->kind != EXPR_FUNCTION || e->call.n != 2)
        return wrong_type(r, "map(varchar, varchar)");
    if (read_array(r, e->call.args[0], &keys, &n_keys) || read_array(r, e->call.args[1], &values, &n_values))
        return -1;
    for (size_t i = 0; i < n_keys && i < n_values; i++)
        *vec_push(r->arena, &r->out->iceberg) = (IceProperty){keys[i], values[i]};
    return 0;
}

/* "512MB" as Trino's DataSize. */
static bool read_size(Str text, int64_t *ret)
{
    static const struct {
        const char *unit;
        int shift;
    } units[] = {{"kB", 10}, {"MB", 20}, {"GB", 30}, {"TB", 40}, {"B", 0}};
    double number;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        Str unit = str_from(units[i].unit), digits;
        if (text.len <= unit.len || !str_eq_nocase(str_slice(text, text.len - unit.len, text.len), unit))
            continue;
        digits = str_trim(str_slice(text, 0, text.len - unit.len));
        if (str_to_double(digits, &number, NULL) || number < 0 || number > 1e6)
            return false;
        *ret = (int64_t)(number * (double)(1LL << units[i].shift));
        return true;
    }
    return false;
}

static int read_target_size(Reading *r)
{
    Str text;
    int64_t bytes;
    if (read_text(r, &text))
        return -1;
    if (!read_size(text, &bytes) || bytes < 1)
        return invalid(r, arena_printf(r->arena, "'%.*s'", STR_ARG(text)),
                       "size is not a valid data size string");
    add_iceberg(r, "write.target-file-size-bytes", arena_printf(r->arena, "%lld", (long long)bytes));
    return 0;
}

static int read_plain(Reading *r, size_t i)
{
    Str text;
    int64_t number;
    const Expr *value = r->property->value;
    const char *type = table_property_defs[i].type;
    if (str_is(str_from(type), "boolean")) {
        if (value->kind != EXPR_BOOLEAN)
            return wrong_type(r, type);
        text = value->boolean ? STR("true") : STR("false");
    } else if (str_is(str_from(type), "integer")) {
        if (!expr_constant_int(value, &number))
            return wrong_type(r, type);
        text = arena_printf(r->arena, "%lld", (long long)number);
    } else if (read_text(r, &text))
        return -1;
    add_iceberg(r, iceberg_names[i], text);
    return 0;
}

static const struct {
    const char *name;
    int (*read)(Reading *r);
} readers[] = {
    {"compression_codec", read_codec}, {"extra_properties", read_extra},
    {"format", read_format},           {"format_version", read_version},
    {"location", read_location},       {"partitioning", read_partitioning},
    {"sorted_by", read_sorted_by},     {"target_max_file_size", read_target_size},
};

static int read_property(Reading *r)
{
    Str name = arena_lower(r->arena, r->property->name.text);
    if (!r->property->value)
        return 0; /* DEFAULT */
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (str_is(name, readers[i].name))
            return readers[i].read(r);
    for (size_t i = 0; i < n_table_property_defs; i++)
        if (str_is(name, table_property_defs[i].name)) {
            if (iceberg_names[i][0])
                return read_plain(r, i);
            return err_set_sql(r->err, ERR_NOT_SUPPORTED, r->property->pos.line, r->property->pos.column,
                               "Table property '%.*s' is not supported", STR_ARG(name));
        }
    return err_set_sql(r->err, ERR_INVALID_TABLE_PROPERTY, r->property->pos.line, r->property->pos.column,
                       "Catalog '%.*s' table property '%.*s' does not exist", STR_ARG(r->catalog),
                       STR_ARG(name));
}

int table_properties_read(Str catalog, const Property *properties, size_t n, Arena *arena,
                          TableProperties *ret, Error *err)
{
    *ret = (TableProperties){.location = STR_NULL};
    for (size_t i = 0; i < n; i++) {
        Reading r = {catalog, &properties[i], arena, ret, err};
        for (size_t k = 0; k < i; k++)
            if (str_eq_nocase(properties[k].name.text, properties[i].name.text))
                return err_set_sql(err, ERR_DUPLICATE_PROPERTY, properties[i].pos.line,
                                   properties[i].pos.column, "Duplicate property: %.*s",
                                   STR_ARG(arena_lower(arena, properties[i].name.text)));
        if (read_property(&r))
            return -1;
    }
    return 0;
}

/* ---- partitioning ---- */

static const struct {
    const char *name, *suffix;
    IceTransformKind kind;
    bool has_param;
} transforms[] = {
    {"year", "year", ICE_TRANSFORM_YEAR, false},      {"month", "month", ICE_TRANSFORM_MONTH, false},
    {"day", "day", ICE_TRANSFORM_DAY, false},         {"hour", "hour", ICE_TRANSFORM_HOUR, false},
    {"bucket", "bucket", ICE_TRANSFORM_BUCKET, true}, {"truncate", "trunc", ICE_TRANSFORM_TRUNCATE, true},
    {"void", "null", ICE_TRANSFORM_VOID, false},
};

static Str unquote(Str text)
{
    text = str_trim(text);
    bool quoted = text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
    return quoted ? str_slice(text, 1, text.len - 1) : text;
}

static int bad_declaration(Str text, Error *err)
{
    return err_set(err, ERR_INVALID_TABLE_PROPERTY,
                   "Unable to parse partitioning value: Invalid partition field declaration: %.*s",
                   STR_ARG(text));
}

static int parse_transform(Str text, Arena *arena, Str *ret_column, const char **ret_suffix,
                           IceTransform *ret, Error *err)
{
    ptrdiff_t open = str_find_char(text, '(');
    *ret_suffix = NULL;
    *ret = (IceTransform){.kind = ICE_TRANSFORM_IDENTITY, .text = STR("identity")};
    *ret_column = unquote(text);
    if (open < 0 || text.ptr[0] == '"')
        return 0;
    Str name = str_trim(str_slice(text, 0, (size_t)open)), args = str_slice(text, (size_t)open + 1, text.len);
    if (!args.len || args.ptr[args.len - 1] != ')')
        return bad_declaration(text, err);
    args = str_slice(args, 0, args.len - 1);
    for (size_t i = 0; i < sizeof transforms / sizeof *transforms; i++) {
        int64_t param = 0;
        if (!str_eq_nocase(name, str_from(transforms[i].name)))
            continue;
        ptrdiff_t comma = str_rfind_char(args, ',');
        if (transforms[i].has_param != (comma >= 0) ||
            (comma >= 0 &&
             str_to_i64(str_trim(str_slice(args, (size_t)comma + 1, args.len)), 1, INT32_MAX, &param, NULL)))
            return bad_declaration(text, err);
        *ret_column = unquote(comma >= 0 ? str_slice(args, 0, (size_t)comma) : args);
        *ret_suffix = transforms[i].suffix;
        *ret = (IceTransform){.kind = transforms[i].kind, .param = (int32_t)param};
        ret->text = param ? arena_printf(arena, "%s[%d]", transforms[i].name, (int)param)
                          : str_from(transforms[i].name);
        return 0;
    }
    return bad_declaration(text, err);
}

int partitioning_parse(const IceSchema *schema, const Str *texts, size_t n, int32_t first_field_id,
                       Arena *arena, IcePartitionSpec *ret, Error *err)
{
    IcePartitionField *fields = arena_array(arena, IcePartitionField, n + 1);
    for (size_t i = 0; i < n; i++) {
        Str column;
        const char *suffix;
        if (parse_transform(str_trim(texts[i]), arena, &column, &suffix, &fields[i].transform, err))
            return -1;
        const IceField *source = ice_schema_find_name(schema, column, false);
        if (!source)
            return err_set(err, ERR_INVALID_TABLE_PROPERTY,
                           "Unable to parse partitioning value: Cannot find source column: %.*s",
                           STR_ARG(column));
        if (!ice_type_is_primitive(source->type))
            return err_set(
                err, ERR_INVALID_TABLE_PROPERTY,
                "Unable to parse partitioning value: Cannot partition by non-primitive source field: %.*s",
                STR_ARG(ice_type_name(source->type, arena)));
        fields[i].source_id = source->id;
        fields[i].field_id = first_field_id + (int32_t)i;
        fields[i].name = suffix ? arena_printf(arena, "%.*s_%s", STR_ARG(column), suffix) : column;
        for (size_t k = 0; k < i; k++)
            if (str_eq(fields[k].name, fields[i].name))
                return err_set(
                    err, ERR_INVALID_TABLE_PROPERTY,
                    "Unable to parse partitioning value: Cannot use partition name more than once: %.*s",
                    STR_ARG(fields[i].name));
    }
    *ret = (IcePartitionSpec){.fields = fields, .n_fields = n};
    return 0;
}

static Str quoted_if_needed(Str name, Arena *arena)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || c == '_' || (i && c >= '0' && c <= '9');
        if (!plain)
            return arena_printf(arena, "\"%.*s\"", STR_ARG(name));
    }
    return name;
}

/* The dotted name of a field at any depth. */
static bool field_name(const IceField *fields, size_t n, int32_t id, Str prefix, Arena *arena, Str *ret)
{
    for (size_t i = 0; i < n; i++) {
        Str name = prefix.len ? arena_printf(arena, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(fields[i].name))
                              : fields[i].name;
        *ret = name;
        if (fields[i].id == id)
            return true;
        if (fields[i].type->id == ICE_STRUCT &&
            field_name(fields[i].type->fields, fields[i].type->n_fields, id, name, arena, ret))
            return true;
    }
    return false;
}

static Str column_text(const IceSchema *schema, int32_t id, Arena *arena)
{
    Str name;
    return field_name(schema->fields, schema->n_fields, id, STR(""), arena, &name)
               ? quoted_if_needed(name, arena)
               : STR("?");
}

Str partitioning_text(const IceSchema *schema, const IcePartitionField *field, Arena *arena)
{
    Str column = column_text(schema, field->source_id, arena);
    for (size_t i = 0; i < sizeof transforms / sizeof *transforms; i++)
        if (transforms[i].kind == field->transform.kind)
            return transforms[i].has_param
                       ? arena_printf(arena, "%s(%.*s, %d)", transforms[i].name, STR_ARG(column),
                                      field->transform.param)
                       : arena_printf(arena, "%s(%.*s)", transforms[i].name, STR_ARG(column));
    return column;
}

/* ---- sorted_by ---- */

static bool take_word(Str *text, const char *word)
{
    Str w = str_from(word);
    Str s = str_trim(*text);
    if (s.len < w.len || !str_eq_nocase(str_slice(s, s.len - w.len, s.len), w))
        return false;
    if (s.len > w.len && s.ptr[s.len - w.len - 1] != ' ')
        return false;
    *text = str_trim(str_slice(s, 0, s.len - w.len));
    return true;
}

int sorted_by_parse(const IceSchema *schema, const Str *texts, size_t n, Arena *arena, IceSortOrder *ret,
                    Error *err)
{
    IceSortField *fields = arena_array(arena, IceSortField, n + 1);
    for (size_t i = 0; i < n; i++) {
        Str text = texts[i], column;
        const char *suffix;
        bool last = take_word(&text, "NULLS LAST"), first = !last && take_word(&text, "NULLS FIRST");
        fields[i].descending = take_word(&text, "DESC");
        if (!fields[i].descending)
            take_word(&text, "ASC");
        fields[i].nulls_last = last || (!first && fields[i].descending);
        if (parse_transform(text, arena, &column, &suffix, &fields[i].transform, NULL) ||
            fields[i].transform.kind != ICE_TRANSFORM_IDENTITY)
            return err_set(err, ERR_INVALID_TABLE_PROPERTY, "Unable to parse sort field: [%.*s]",
                           STR_ARG(texts[i]));
        const IceField *source = ice_schema_find_name(schema, column, false);
        if (!source)
            return err_set(err, ERR_COLUMN_NOT_FOUND, "Column not found: %.*s", STR_ARG(column));
        fields[i].source_id = source->id;
    }
    *ret = (IceSortOrder){.order_id = n ? 1 : 0, .fields = fields, .n_fields = n};
    return 0;
}

Str sorted_by_text(const IceSchema *schema, const IceSortField *field, Arena *arena)
{
    return arena_printf(arena, "%.*s %s NULLS %s", STR_ARG(column_text(schema, field->source_id, arena)),
                        field->descending ? "DESC" : "ASC", field->nulls_last ? "LAST" : "FIRST");
}
