/* types.c - types: made, compared, named, and the DuckDB type that holds them. */
#include "query/analyzer/types.h"
#include "query/analyzer/types_internal.h"

#include "base/buf.h"

const TypeInfo type_infos[] = {
#define T(kind, type_name, parameters, duckdb, traits)                                                       \
    [TYPE_##kind] = {type_name, TYPE_PARAMETERS_##parameters, duckdb, traits},
#include "query/analyzer/types.def"
#undef T
};

#define PLAIN(name, which) const SqlType name = {.kind = which}
#define TEMPORAL(name, which, digits) const SqlType name = {.kind = which, .precision = digits}
PLAIN(TYPE_UNKNOWN_, TYPE_UNKNOWN);
PLAIN(TYPE_BOOLEAN_, TYPE_BOOLEAN);
PLAIN(TYPE_TINYINT_, TYPE_TINYINT);
PLAIN(TYPE_SMALLINT_, TYPE_SMALLINT);
PLAIN(TYPE_INTEGER_, TYPE_INTEGER);
PLAIN(TYPE_BIGINT_, TYPE_BIGINT);
PLAIN(TYPE_REAL_, TYPE_REAL);
PLAIN(TYPE_DOUBLE_, TYPE_DOUBLE);
const SqlType TYPE_VARCHAR_ = {.kind = TYPE_VARCHAR, .length = VARCHAR_UNBOUNDED};
PLAIN(TYPE_VARBINARY_, TYPE_VARBINARY);
PLAIN(TYPE_JSON_, TYPE_JSON);
PLAIN(TYPE_DATE_, TYPE_DATE);
PLAIN(TYPE_INTERVAL_DAY_TIME_, TYPE_INTERVAL_DAY_TIME);
PLAIN(TYPE_INTERVAL_YEAR_MONTH_, TYPE_INTERVAL_YEAR_MONTH);
PLAIN(TYPE_UUID_, TYPE_UUID);
TEMPORAL(TYPE_TIMESTAMP_3_, TYPE_TIMESTAMP, 3);
TEMPORAL(TYPE_TIMESTAMP_6_, TYPE_TIMESTAMP, 6);
TEMPORAL(TYPE_TIMESTAMP_TZ_3_, TYPE_TIMESTAMP_TZ, 3);
TEMPORAL(TYPE_TIMESTAMP_TZ_6_, TYPE_TIMESTAMP_TZ, 6);
TEMPORAL(TYPE_TIME_3_, TYPE_TIME, 3);
TEMPORAL(TYPE_TIME_6_, TYPE_TIME, 6);
/* Types without parameters, by kind. */
static const SqlType plain_types[] = {
#define T(which, type_name, parameters, duckdb, traits) [TYPE_##which] = {.kind = TYPE_##which},
#include "query/analyzer/types.def"
#undef T
};

const SqlType *sql_type_plain(TypeKind kind)
{
    return kind == TYPE_VARCHAR ? &TYPE_VARCHAR_ : &plain_types[kind];
}

static SqlType *make(Arena *arena, TypeKind kind)
{
    SqlType *type = arena_new_of(arena, SqlType);
    type->kind = kind;
    return type;
}

const SqlType *sql_type_decimal(Arena *arena, int precision, int scale)
{
    SqlType *type = make(arena, TYPE_DECIMAL);
    type->precision = precision;
    type->scale = scale;
    return type;
}

const SqlType *sql_type_varchar(Arena *arena, int length)
{
    if (length >= VARCHAR_UNBOUNDED)
        return &TYPE_VARCHAR_;
    SqlType *type = make(arena, TYPE_VARCHAR);
    type->length = length < 0 ? 0 : length;
    return type;
}

const SqlType *sql_type_char(Arena *arena, int length)
{
    SqlType *type = make(arena, TYPE_CHAR);
    type->length = length;
    return type;
}

const SqlType *sql_type_temporal(Arena *arena, TypeKind kind, int precision)
{
    SqlType *type = make(arena, kind);
    type->precision = precision;
    return type;
}

static const SqlType *nested(Arena *arena, TypeKind kind, const RowField *fields, size_t n)
{
    SqlType *type = make(arena, kind);
    RowField *copy = arena_array(arena, RowField, n ? n : 1);
    if (n)
        memcpy(copy, fields, n * sizeof *copy);
    type->fields = copy;
    type->n_fields = n;
    return type;
}

const SqlType *sql_type_array(Arena *arena, const SqlType *element)
{
    return nested(arena, TYPE_ARRAY, &(RowField){.type = element}, 1);
}

const SqlType *sql_type_map(Arena *arena, const SqlType *key, const SqlType *value)
{
    RowField fields[2] = {{.type = key}, {.type = value}};
    return nested(arena, TYPE_MAP, fields, 2);
}

const SqlType *sql_type_row(Arena *arena, const RowField *fields, size_t n)
{
    return nested(arena, TYPE_ROW, fields, n);
}

const SqlType *sql_type_function(Arena *arena, const RowField *fields, size_t n)
{
    return nested(arena, TYPE_FUNCTION, fields, n);
}

bool sql_type_equal(const SqlType *a, const SqlType *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->precision != b->precision || a->scale != b->scale ||
        a->length != b->length || a->n_fields != b->n_fields)
        return false;
    for (size_t i = 0; i < a->n_fields; i++) {
        const RowField *x = &a->fields[i], *y = &b->fields[i];
        if ((x->name.ptr == NULL) != (y->name.ptr == NULL) || !str_eq(x->name, y->name))
            return false;
        if (!sql_type_equal(x->type, y->type))
            return false;
    }
    return true;
}

/* ---- names: three spellings that Trino uses in different places ---- */

typedef enum NameStyle {
    NAME_DISPLAY,   /* messages, typeof(): map(integer, bigint), row("a" bigint, integer), decimal(3,2) */
    NAME_PROTOCOL,  /* columns[].type: row(a bigint), decimal(3, 2) */
    NAME_SIGNATURE, /* function messages: map(integer,bigint), row(integer,bigint) */
} NameStyle;

static void put_name(Buf *out, const SqlType *type, NameStyle style);

static bool is_plain_ident(Str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return name.len > 0;
}

static void put_field_name(Buf *out, Str name, NameStyle style)
{
    if (style == NAME_PROTOCOL && is_plain_ident(name)) {
        buf_add(out, name);
    } else {
        buf_putc(out, '"');
        for (size_t i = 0; i < name.len; i++) {
            if (name.ptr[i] == '"')
                buf_putc(out, '"');
            buf_putc(out, name.ptr[i]);
        }
        buf_putc(out, '"');
    }
    buf_putc(out, ' ');
}

static void put_nested(Buf *out, const SqlType *type, NameStyle style)
{
    buf_printf(out, "%s(", type_infos[type->kind].name);
    for (size_t i = 0; i < type->n_fields; i++) {
        if (i > 0)
            buf_puts(out, style == NAME_SIGNATURE ? "," : ", ");
        if (type->kind == TYPE_ROW && type->fields[i].name.ptr)
            put_field_name(out, type->fields[i].name, style);
        put_name(out, type->fields[i].type, style);
    }
    buf_putc(out, ')');
}

static void put_name(Buf *out, const SqlType *type, NameStyle style)
{
    const TypeInfo *info = &type_infos[type->kind];
    if (info->parameters == TYPE_PARAMETERS_NESTED) {
        put_nested(out, type, style);
    } else if (type->kind == TYPE_DECIMAL) {
        buf_printf(out, style == NAME_PROTOCOL ? "decimal(%d, %d)" : "decimal(%d,%d)", type->precision,
                   type->scale);
    } else if (type->kind == TYPE_VARCHAR && type->length == VARCHAR_UNBOUNDED) {
        buf_puts(out, "varchar");
    } else if (info->parameters == TYPE_PARAMETERS_LENGTH) {
        buf_printf(out, "%s(%d)", info->name, type->length);
    } else if (info->parameters == TYPE_PARAMETERS_TEMPORAL) {
        bool zoned = type->kind == TYPE_TIME_TZ || type->kind == TYPE_TIMESTAMP_TZ;
        bool time = type->kind == TYPE_TIME || type->kind == TYPE_TIME_TZ;
        buf_printf(out, "%s(%d)%s", time ? "time" : "timestamp", type->precision,
                   zoned ? " with time zone" : "");
    } else if (style == NAME_PROTOCOL && type->kind == TYPE_INTERVAL_DAY_TIME) {
        buf_puts(out, "INTERVAL DAY TO SECOND");
    } else if (style == NAME_PROTOCOL && type->kind == TYPE_INTERVAL_YEAR_MONTH) {
        buf_puts(out, "INTERVAL YEAR TO MONTH");
    } else {
        buf_puts(out, info->name);
    }
}

enum { TYPE_NAME_MAX = 1 << 16 }; /* a row type may be long, a message need not hold it */

static Str name_in(const SqlType *type, Arena *arena, NameStyle style)
{
    _cleanup_buf_ Buf out = BUF_INIT(TYPE_NAME_MAX);
    put_name(&out, type, style);
    return arena_str(arena, buf_str(&out));
}

Str sql_type_name(const SqlType *type, Arena *arena)
{
    return name_in(type, arena, NAME_DISPLAY);
}

Str sql_type_display(const SqlType *type, Arena *arena)
{
    return name_in(type, arena, NAME_PROTOCOL);
}

Str sql_type_signature(const SqlType *type, Arena *arena)
{
    return name_in(type, arena, NAME_SIGNATURE);
}

/* ---- traits ---- */

static bool has_trait(const SqlType *type, char trait)
{
    return strchr(type_infos[type->kind].traits, trait) != NULL;
}

static bool has_trait_deep(const SqlType *type, char trait)
{
    if (!has_trait(type, trait))
        return false;
    for (size_t i = 0; i < type->n_fields; i++)
        if (!has_trait_deep(type->fields[i].type, trait))
            return false;
    return true;
}

bool sql_type_is_numeric(const SqlType *t)
{
    return has_trait(t, 'N');
}

bool sql_type_is_comparable(const SqlType *t)
{
    return has_trait_deep(t, 'C');
}

bool sql_type_is_orderable(const SqlType *t)
{
    return has_trait_deep(t, 'O');
}

bool sql_type_is_integral(const SqlType *t)
{
    return t->kind >= TYPE_TINYINT && t->kind <= TYPE_BIGINT;
}

/* ---- DuckDB ---- */

static void put_duckdb(Buf *out, const SqlType *type)
{
    const char *fixed = type_infos[type->kind].duckdb;
    if (fixed[0]) {
        buf_puts(out, fixed);
        return;
    }
    if (type->kind == TYPE_DECIMAL) {
        buf_printf(out, "DECIMAL(%d,%d)", type->precision, type->scale);
    } else if (type->kind == TYPE_TIME) {
        buf_puts(out, type->precision <= 6 ? "TIME" : "BIGINT");
    } else if (type->kind == TYPE_TIMESTAMP) {
        buf_puts(out, type->precision <= 6 ? "TIMESTAMP" : "HUGEINT");
    } else if (type->kind == TYPE_TIMESTAMP_TZ) {
        buf_printf(out, "STRUCT(t %s, zone SMALLINT)", type->precision <= 6 ? "TIMESTAMP" : "HUGEINT");
    } else if (type->kind == TYPE_ARRAY) {
        put_duckdb(out, type->fields[0].type);
        buf_puts(out, "[]");
    } else if (type->kind == TYPE_MAP) {
        buf_puts(out, "MAP(");
        put_duckdb(out, type->fields[0].type);
        buf_puts(out, ", ");
        put_duckdb(out, type->fields[1].type);
        buf_putc(out, ')');
    } else {
        buf_puts(out, "STRUCT(");
        for (size_t i = 0; i < type->n_fields; i++) {
            buf_printf(out, "%sf%zu ", i ? ", " : "", i);
            put_duckdb(out, type->fields[i].type);
        }
        buf_putc(out, ')');
    }
}

Str sql_type_duckdb(const SqlType *type, Arena *arena)
{
    _cleanup_buf_ Buf out = BUF_INIT(TYPE_NAME_MAX);
    put_duckdb(&out, type);
    return arena_str(arena, buf_str(&out));
}
