#include "query/connector/iceberg_types.h"

#include "base/buf.h"
#include "iceberg/value.h"
#include "query/connector/sql_text.h"

/* ---- types ---- */

typedef struct PlainType {
    IceTypeId ice;
    const SqlType *sql;
    const char *file_type;
} PlainType;
static const SqlType TYPE_TIMESTAMP_9_ = {.kind = TYPE_TIMESTAMP, .precision = 9};
static const SqlType TYPE_TIMESTAMP_TZ_9_ = {.kind = TYPE_TIMESTAMP_TZ, .precision = 9};
static const PlainType plain_types[] = {
    {ICE_BOOLEAN, &TYPE_BOOLEAN_, "BOOLEAN"},
    {ICE_INT, &TYPE_INTEGER_, "INTEGER"},
    {ICE_LONG, &TYPE_BIGINT_, "BIGINT"},
    {ICE_FLOAT, &TYPE_REAL_, "FLOAT"},
    {ICE_DOUBLE, &TYPE_DOUBLE_, "DOUBLE"},
    {ICE_DATE, &TYPE_DATE_, "DATE"},
    {ICE_TIME, &TYPE_TIME_6_, "TIME"},
    {ICE_TIMESTAMP, &TYPE_TIMESTAMP_6_, "TIMESTAMP"},
    {ICE_TIMESTAMPTZ, &TYPE_TIMESTAMP_TZ_6_, "TIMESTAMPTZ"},
    {ICE_TIMESTAMP_NS, &TYPE_TIMESTAMP_9_, "TIMESTAMP_NS"},
    {ICE_TIMESTAMPTZ_NS, &TYPE_TIMESTAMP_TZ_9_, "TIMESTAMP_NS"},
    {ICE_STRING, &TYPE_VARCHAR_, "VARCHAR"},
    {ICE_UUID, &TYPE_UUID_, "UUID"},
    {ICE_FIXED, &TYPE_VARBINARY_, "BLOB"},
    {ICE_BINARY, &TYPE_VARBINARY_, "BLOB"},
};

static const PlainType *plain_type(IceTypeId id)
{
    for (size_t i = 0; i < sizeof plain_types / sizeof *plain_types; i++)
        if (plain_types[i].ice == id)
            return &plain_types[i];
    return NULL;
}

int ice_to_sql_type(const IceType *type, Arena *arena, const SqlType **ret, Error *err)
{
    const PlainType *plain = plain_type(type->id);
    if (plain) {
        *ret = plain->sql;
        return 0;
    }
    if (type->id == ICE_DECIMAL) {
        *ret = sql_type_decimal(arena, type->precision, type->scale);
        return 0;
    }
    if (type->id != ICE_STRUCT && type->id != ICE_LIST && type->id != ICE_MAP)
        return err_set(err, ERR_NOT_SUPPORTED, "Iceberg type is not supported: %.*s",
                       STR_ARG(ice_type_name(type, arena)));
    RowField *fields = arena_array(arena, RowField, type->n_fields + 1);
    for (size_t i = 0; i < type->n_fields; i++) {
        fields[i].name = type->fields[i].name;
        if (ice_to_sql_type(type->fields[i].type, arena, &fields[i].type, err))
            return -1;
    }
    *ret = type->id == ICE_LIST  ? sql_type_array(arena, fields[0].type)
           : type->id == ICE_MAP ? sql_type_map(arena, fields[0].type, fields[1].type)
                                 : sql_type_row(arena, fields, type->n_fields);
    return 0;
}

static IceTypeId simple_id(const SqlType *type, bool nanos)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
        return ICE_BOOLEAN;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
        return ICE_INT;
    case TYPE_BIGINT:
        return ICE_LONG;
    case TYPE_REAL:
        return ICE_FLOAT;
    case TYPE_DOUBLE:
        return ICE_DOUBLE;
    case TYPE_DECIMAL:
        return ICE_DECIMAL;
    case TYPE_VARCHAR:
        return ICE_STRING;
    case TYPE_VARBINARY:
        return ICE_BINARY;
    case TYPE_DATE:
        return ICE_DATE;
    case TYPE_TIME:
        return ICE_TIME;
    case TYPE_TIMESTAMP:
        return nanos ? ICE_TIMESTAMP_NS : ICE_TIMESTAMP;
    case TYPE_TIMESTAMP_TZ:
        return nanos ? ICE_TIMESTAMPTZ_NS : ICE_TIMESTAMPTZ;
    case TYPE_UUID:
        return ICE_UUID;
    case TYPE_ARRAY:
        return ICE_LIST;
    case TYPE_MAP:
        return ICE_MAP;
    case TYPE_ROW:
        return ICE_STRUCT;
    default:
        return ICE_UNKNOWN;
    }
}

int sql_to_ice_type(const SqlType *type, int format_version, int32_t *next_id, Arena *arena,
                    const IceType **ret, Error *err)
{
    static const Str list_names[] = {{"element", 7}}, map_names[] = {{"key", 3}, {"value", 5}};
    IceTypeId id = simple_id(type, format_version >= 3 && type->precision > 6);
    if (id == ICE_UNKNOWN)
        return err_set(err, ERR_NOT_SUPPORTED, "Type not supported for Iceberg: %.*s",
                       STR_ARG(sql_type_name(type, arena)));
    IceType *made = arena_new_of(arena, IceType);
    *made = (IceType){.id = id};
    *ret = made;
    if (id == ICE_DECIMAL) {
        made->precision = type->precision;
        made->scale = type->scale;
    }
    if (id != ICE_LIST && id != ICE_MAP && id != ICE_STRUCT)
        return 0;
    IceField *fields = arena_array(arena, IceField, type->n_fields + 1);
    made->fields = fields;
    made->n_fields = type->n_fields;
    for (size_t i = 0; i < type->n_fields; i++) {
        fields[i].id = (*next_id)++;
        fields[i].name = id == ICE_LIST ? list_names[i] : id == ICE_MAP ? map_names[i] : type->fields[i].name;
        fields[i].required = id == ICE_MAP && i == 0;
        if (!fields[i].name.ptr)
            return err_set(err, ERR_NOT_SUPPORTED, "Row type field does not have a name: %.*s",
                           STR_ARG(sql_type_name(type, arena)));
    }
    for (size_t i = 0; i < type->n_fields; i++)
        if (sql_to_ice_type(type->fields[i].type, format_version, next_id, arena, &fields[i].type, err))
            return -1;
    return 0;
}

static void put_file_type(Buf *out, const IceType *type)
{
    const PlainType *plain = plain_type(type->id);
    if (plain) {
        buf_puts(out, plain->file_type);
    } else if (type->id == ICE_DECIMAL) {
        buf_printf(out, "DECIMAL(%d,%d)", type->precision, type->scale);
    } else if (type->id == ICE_LIST) {
        put_file_type(out, type->fields[0].type);
        buf_puts(out, "[]");
    } else {
        buf_puts(out, type->id == ICE_MAP ? "MAP(" : "STRUCT(");
        for (size_t i = 0; i < type->n_fields; i++) {
            buf_puts(out, i ? ", " : "");
            if (type->id == ICE_STRUCT) {
                sql_ident(out, type->fields[i].name);
                buf_putc(out, ' ');
            }
            put_file_type(out, type->fields[i].type);
        }
        buf_putc(out, ')');
    }
}

Str ice_file_type(const IceType *type, Arena *arena)
{
    Buf out = BUF_INIT(1 << 20);
    put_file_type(&out, type);
    Str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

/* ---- what a file has ---- */

const ParquetNode *parquet_list_element(const ParquetNode *node)
{
    if (node->physical != PARQUET_GROUP || node->n_children != 1)
        return NULL;
    const ParquetNode *repeated = &node->children[0];
    if (repeated->repetition != PARQUET_REPEATED || node->logical == PARQUET_MAP)
        return NULL;
    bool wrapped = repeated->physical == PARQUET_GROUP && repeated->n_children == 1 &&
                   !str_is(repeated->name, "array") && !str_has_suffix(repeated->name, STR("_tuple"));
    return wrapped ? &repeated->children[0] : repeated;
}

const ParquetNode *parquet_map_entry(const ParquetNode *node)
{
    bool is_map = node->physical == PARQUET_GROUP && node->logical == PARQUET_MAP && node->n_children == 1;
    return is_map && node->children[0].n_children == 2 ? &node->children[0] : NULL;
}

static bool is_integer(const ParquetNode *n, ParquetPhysical physical, int bits)
{
    return n->physical == physical &&
           (n->logical == PARQUET_LOGICAL_NONE ||
            (n->logical == PARQUET_INTEGER && n->is_signed && n->bit_width == bits));
}

bool ice_read_is_plain(const IceType *type, const ParquetNode *n)
{
    const ParquetNode *part;
    switch (type->id) {
    case ICE_BOOLEAN:
        return n->physical == PARQUET_BOOLEAN;
    case ICE_INT:
        return is_integer(n, PARQUET_INT32, 32);
    case ICE_LONG:
        return is_integer(n, PARQUET_INT64, 64);
    case ICE_FLOAT:
        return n->physical == PARQUET_FLOAT;
    case ICE_DOUBLE:
        return n->physical == PARQUET_DOUBLE;
    case ICE_DECIMAL:
        return n->logical == PARQUET_DECIMAL && n->precision == type->precision && n->scale == type->scale;
    case ICE_DATE:
        return n->logical == PARQUET_DATE;
    case ICE_TIME:
        return n->logical == PARQUET_TIME && n->unit == PARQUET_MICROS && !n->adjusted_to_utc;
    case ICE_TIMESTAMP:
        return n->logical == PARQUET_TIMESTAMP && n->unit == PARQUET_MICROS && !n->adjusted_to_utc;
    case ICE_STRING:
        return n->logical == PARQUET_STRING;
    case ICE_UUID:
        return n->logical == PARQUET_UUID;
    case ICE_FIXED:
    case ICE_BINARY:
        return n->logical == PARQUET_LOGICAL_NONE &&
               (n->physical == PARQUET_BYTE_ARRAY || n->physical == PARQUET_FIXED_LEN_BYTE_ARRAY);
    case ICE_LIST:
        return (part = parquet_list_element(n)) && ice_read_is_plain(type->fields[0].type, part);
    case ICE_MAP:
        return (part = parquet_map_entry(n)) && ice_read_is_plain(type->fields[0].type, &part->children[0]) &&
               ice_read_is_plain(type->fields[1].type, &part->children[1]);
    default:
        return false; /* structs have other names, instants get their zone */
    }
}

/* ---- reading ---- */

/* Picoseconds since 1970 (types.def). */
static void put_nanos(Buf *out, Str e)
{
    buf_printf(out, "(CAST(epoch_ns(%.*s) AS HUGEINT) * 1000)", STR_ARG(e));
}

static void put_read_primitive(Buf *out, Str e, const IceType *type, const ParquetNode *node)
{
    bool is_bytes = node->logical == PARQUET_LOGICAL_NONE &&
                    (node->physical == PARQUET_BYTE_ARRAY || node->physical == PARQUET_FIXED_LEN_BYTE_ARRAY);
    switch (type->id) {
    case ICE_TIMESTAMP:
        if (node->adjusted_to_utc || node->physical == PARQUET_INT96)
            buf_printf(out, "make_timestamp(epoch_us(%.*s))", STR_ARG(e));
        else
            buf_printf(out, "CAST(%.*s AS TIMESTAMP)", STR_ARG(e));
        return;
    case ICE_TIMESTAMPTZ:
        buf_printf(out,
                   "CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(t := make_timestamp(epoch_us(%.*s)), "
                   "zone := 0::SMALLINT) END",
                   STR_ARG(e), STR_ARG(e));
        return;
    case ICE_TIMESTAMP_NS:
    case ICE_TIMESTAMPTZ_NS:
        buf_printf(out, "CASE WHEN %.*s IS NULL THEN NULL ELSE ", STR_ARG(e));
        buf_puts(out, type->id == ICE_TIMESTAMPTZ_NS ? "struct_pack(t := " : "");
        put_nanos(out, e);
        buf_puts(out, type->id == ICE_TIMESTAMPTZ_NS ? ", zone := 0::SMALLINT) END" : " END");
        return;
    case ICE_STRING:
        buf_printf(out, is_bytes ? "decode(%.*s)" : "CAST(%.*s AS VARCHAR)", STR_ARG(e));
        return;
    case ICE_FIXED:
    case ICE_BINARY:
        buf_printf(out, "encode(CAST(%.*s AS VARCHAR))", STR_ARG(e));
        return;
    case ICE_UUID:
        buf_printf(out, is_bytes ? "CAST(lower(hex(%.*s)) AS UUID)" : "CAST(%.*s AS UUID)", STR_ARG(e));
        return;
    default:
        buf_printf(out, "CAST(%.*s AS ", STR_ARG(e));
        put_file_type(out, type);
        buf_putc(out, ')');
    }
}

static const ParquetNode *find_child(const ParquetNode *group, const IceField *field, bool has_ids)
{
    for (size_t i = 0; i < group->n_children; i++) {
        const ParquetNode *child = &group->children[i];
        if (has_ids ? child->field_id == field->id : str_eq(child->name, field->name))
            return child;
    }
    return NULL;
}

static int put_read_struct(Buf *out, Str e, const IceType *type, const ParquetNode *node, bool has_ids,
                           Arena *arena, Error *err)
{
    bool any = type->n_fields == 0;
    for (size_t i = 0; i < type->n_fields; i++)
        any = any || find_child(node, &type->fields[i], has_ids);
    /* As Trino has it: a row of which the file knows no field is no row. */
    if (!any) {
        IceField nothing = {.type = type};
        return ice_put_missing(out, &nothing, arena, err);
    }
    buf_printf(out, "CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(", STR_ARG(e));
    for (size_t i = 0; i < type->n_fields; i++) {
        const ParquetNode *child = find_child(node, &type->fields[i], has_ids);
        buf_printf(out, "%sf%zu := ", i ? ", " : "", i);
        int r;
        if (child) {
            Buf inner = BUF_INIT(1 << 20);
            buf_printf(&inner, "(%.*s).", STR_ARG(e));
            sql_ident(&inner, child->name);
            r = ice_put_read(out, buf_str(&inner), type->fields[i].type, child, has_ids, arena, err);
            buf_free(&inner);
        } else
            r = ice_put_missing(out, &type->fields[i], arena, err);
        if (r)
            return -1;
    }
    buf_puts(out, ") END");
    return 0;
}

/* A name for a lambda's parameter that no enclosing one has: their names end where this expression begins. */
static Str lambda_name(Str e, Arena *arena)
{
    return arena_printf(arena, "x%zu", e.len);
}

static int put_read_list(Buf *out, Str e, const IceType *type, const ParquetNode *node, bool has_ids,
                         Arena *arena, Error *err)
{
    Str x = lambda_name(e, arena);
    buf_printf(out, "list_transform(%.*s, lambda %.*s: ", STR_ARG(e), STR_ARG(x));
    if (ice_put_read(out, x, type->fields[0].type, parquet_list_element(node), has_ids, arena, err))
        return -1;
    buf_putc(out, ')');
    return 0;
}

static int put_read_map(Buf *out, Str e, const IceType *type, const ParquetNode *node, bool has_ids,
                        Arena *arena, Error *err)
{
    const ParquetNode *entry = parquet_map_entry(node);
    Str x = lambda_name(e, arena);
    buf_printf(out, "map_from_entries(list_transform(map_entries(%.*s), lambda %.*s: struct_pack(k := ",
               STR_ARG(e), STR_ARG(x));
    if (ice_put_read(out, arena_printf(arena, "%.*s.key", STR_ARG(x)), type->fields[0].type,
                     &entry->children[0], has_ids, arena, err))
        return -1;
    buf_puts(out, ", v := ");
    if (ice_put_read(out, arena_printf(arena, "%.*s.value", STR_ARG(x)), type->fields[1].type,
                     &entry->children[1], has_ids, arena, err))
        return -1;
    buf_puts(out, ")))");
    return 0;
}

int ice_put_read(Buf *out, Str e, const IceType *type, const ParquetNode *node, bool has_ids, Arena *arena,
                 Error *err)
{
    bool group = node->physical == PARQUET_GROUP;
    if (ice_read_is_plain(type, node))
        return buf_add(out, e), 0;
    if (type->id == ICE_STRUCT && group)
        return put_read_struct(out, e, type, node, has_ids, arena, err);
    if (type->id == ICE_LIST && parquet_list_element(node))
        return put_read_list(out, e, type, node, has_ids, arena, err);
    if (type->id == ICE_MAP && parquet_map_entry(node))
        return put_read_map(out, e, type, node, has_ids, arena, err);
    if (group || !ice_type_is_primitive(type))
        return err_set(err, ERR_ICEBERG_BAD_DATA, "the file's column \"%.*s\" is no %.*s",
                       STR_ARG(node->name), STR_ARG(ice_type_name(type, arena)));
    put_read_primitive(out, e, type, node);
    return 0;
}

/* ---- constants ---- */

static void put_bytes(Buf *out, Str bytes)
{
    buf_puts(out, "unhex('");
    char *hex = buf_reserve(out, bytes.len * 2);
    if (hex) {
        hex_encode(bytes.ptr, bytes.len, hex);
        out->len += bytes.len * 2;
    }
    buf_puts(out, "')");
}

static void put_value(Buf *out, const IceValue *v, const IceType *type, Arena *arena)
{
    long long i = v->i64;
    switch (type->id) {
    case ICE_BOOLEAN:
        buf_puts(out, v->boolean ? "true" : "false");
        return;
    case ICE_INT:
        buf_printf(out, "CAST(%lld AS INTEGER)", i);
        return;
    case ICE_LONG:
        buf_printf(out, "CAST('%lld' AS BIGINT)", i);
        return;
    case ICE_DATE:
        buf_printf(out, "(DATE '1970-01-01' + CAST(%lld AS INTEGER))", i);
        return;
    case ICE_TIME:
        buf_printf(out, "CAST(make_timestamp(%lld) AS TIME)", i);
        return;
    case ICE_TIMESTAMP:
        buf_printf(out, "make_timestamp(%lld)", i);
        return;
    case ICE_TIMESTAMPTZ:
        buf_printf(out, "struct_pack(t := make_timestamp(%lld), zone := 0::SMALLINT)", i);
        return;
    case ICE_TIMESTAMP_NS:
        buf_printf(out, "(CAST('%lld' AS HUGEINT) * 1000)", i);
        return;
    case ICE_TIMESTAMPTZ_NS:
        buf_printf(out, "struct_pack(t := (CAST('%lld' AS HUGEINT) * 1000), zone := 0::SMALLINT)", i);
        return;
    case ICE_FLOAT:
    case ICE_DOUBLE:
        buf_printf(out, "CAST('%.17g' AS %s)", v->f64, type->id == ICE_FLOAT ? "FLOAT" : "DOUBLE");
        return;
    case ICE_STRING:
        emit_string_literal(out, v->bytes);
        return;
    case ICE_FIXED:
    case ICE_BINARY:
        put_bytes(out, v->bytes);
        return;
    default:
        buf_puts(out, "CAST('");
        buf_add(out, ice_value_text(v, arena));
        buf_puts(out, "' AS ");
        put_file_type(out, type);
        buf_putc(out, ')');
    }
}

void ice_put_value(Buf *out, const IceValue *v, const IceType *type, const SqlType *sql, Arena *arena)
{
    buf_puts(out, "CAST(");
    if (v->is_null)
        buf_puts(out, "NULL");
    else
        put_value(out, v, type, arena);
    buf_printf(out, " AS %.*s)", STR_ARG(sql_type_duckdb(sql, arena)));
}

int ice_put_missing(Buf *out, const IceField *field, Arena *arena, Error *err)
{
    const SqlType *sql;
    IceValue value = ice_null(field->type->id);
    if (ice_to_sql_type(field->type, arena, &sql, err))
        return -1;
    if (field->initial_default && ice_type_is_primitive(field->type) &&
        ice_value_from_json(field->type, field->initial_default, arena, &value, err))
        return -1;
    ice_put_value(out, &value, field->type, sql, arena);
    return 0;
}

/* ---- writing ---- */

static bool write_is_plain(const SqlType *from, const IceType *type, Arena *arena)
{
    return str_eq(sql_type_duckdb(from, arena), ice_file_type(type, arena));
}

static void put_write_temporal(Buf *out, Str e, const SqlType *from, const IceType *type)
{
    bool wide = from->precision > 6; /* held in picoseconds (types.def) */
    bool nanos = type->id == ICE_TIMESTAMP_NS || type->id == ICE_TIMESTAMPTZ_NS;
    bool zoned = from->kind == TYPE_TIMESTAMP_TZ;
    const char *t = zoned ? ".t" : "", *make = zoned ? "make_timestamptz" : "make_timestamp";
    if (wide && nanos)
        buf_printf(out, "make_timestamp_ns(CAST(t_wide_round(%.*s, 9)%s // 1000 AS BIGINT))", STR_ARG(e), t);
    else if (nanos)
        buf_printf(out, "CAST((%.*s)%s AS TIMESTAMP_NS)", STR_ARG(e), t);
    else if (type->id == ICE_TIME)
        buf_printf(out, wide ? "t_narrow(t_wide_round(%.*s, 6))" : "%.*s", STR_ARG(e));
    else if (wide)
        buf_printf(out, "%s(epoch_us(t_narrow(t_wide_round(%.*s, 6))%s))", make, STR_ARG(e), t);
    else
        buf_printf(out, "%s(epoch_us((%.*s)%s))", make, STR_ARG(e), t);
}

static void put_write_struct(Buf *out, Str e, const SqlType *from, const IceType *type, Arena *arena)
{
    buf_printf(out, "CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(", STR_ARG(e));
    for (size_t i = 0; i < type->n_fields; i++) {
        buf_puts(out, i ? ", " : "");
        sql_ident(out, type->fields[i].name);
        buf_puts(out, " := ");
        ice_put_write(out, arena_printf(arena, "(%.*s).f%zu", STR_ARG(e), i), from->fields[i].type,
                      type->fields[i].type, arena);
    }
    buf_puts(out, ") END");
}

static void put_write_nested(Buf *out, Str e, const SqlType *from, const IceType *type, Arena *arena)
{
    Str x = lambda_name(e, arena);
    if (type->id == ICE_STRUCT) {
        put_write_struct(out, e, from, type, arena);
    } else if (type->id == ICE_LIST) {
        buf_printf(out, "list_transform(%.*s, lambda %.*s: ", STR_ARG(e), STR_ARG(x));
        ice_put_write(out, x, from->fields[0].type, type->fields[0].type, arena);
        buf_putc(out, ')');
    } else {
        buf_printf(out, "map_from_entries(list_transform(map_entries(%.*s), lambda %.*s: struct_pack(k := ",
                   STR_ARG(e), STR_ARG(x));
        ice_put_write(out, arena_printf(arena, "%.*s.key", STR_ARG(x)), from->fields[0].type,
                      type->fields[0].type, arena);
        buf_puts(out, ", v := ");
        ice_put_write(out, arena_printf(arena, "%.*s.value", STR_ARG(x)), from->fields[1].type,
                      type->fields[1].type, arena);
        buf_puts(out, ")))");
    }
}

void ice_put_write(Buf *out, Str e, const SqlType *from, const IceType *type, Arena *arena)
{
    bool temporal = type->id >= ICE_TIME && type->id <= ICE_TIMESTAMPTZ_NS;
    if (write_is_plain(from, type, arena)) {
        buf_add(out, e);
    } else if (temporal && from->kind >= TYPE_TIME && from->kind <= TYPE_TIMESTAMP_TZ) {
        put_write_temporal(out, e, from, type);
    } else if (!ice_type_is_primitive(type) && from->n_fields == type->n_fields) {
        put_write_nested(out, e, from, type, arena);
    } else {
        buf_printf(out, "CAST(%.*s AS ", STR_ARG(e));
        put_file_type(out, type);
        buf_putc(out, ')');
    }
}

void ice_put_field_ids(Buf *out, const IceField *fields, size_t n)
{
    buf_putc(out, '{');
    for (size_t i = 0; i < n; i++) {
        const IceType *type = fields[i].type;
        buf_puts(out, i ? ", " : "");
        sql_ident(out, fields[i].name);
        if (ice_type_is_primitive(type)) {
            buf_printf(out, ": %d", fields[i].id);
            continue;
        }
        Buf inner = BUF_INIT(1 << 20);
        ice_put_field_ids(&inner, type->fields, type->n_fields);
        buf_printf(out, ": {__duckdb_field_id: %d, %.*s", fields[i].id,
                   STR_ARG(str_slice(buf_str(&inner), 1, inner.len)));
        buf_free(&inner);
    }
    buf_putc(out, '}');
}
