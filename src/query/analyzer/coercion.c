/* coercion.c - which types turn into which, implicitly (common type) and by CAST.
 * Source: Trino's documentation "Types" and "Conversion functions"; behaviour of release 483. */
#include "query/analyzer/types_internal.h"

enum { DECIMAL_MAX = 38 };

/* Digits of the decimal that holds an integral type. */
static int integral_digits(TypeKind kind)
{
    static const int digits[] = {
        [TYPE_TINYINT] = 3, [TYPE_SMALLINT] = 5, [TYPE_INTEGER] = 10, [TYPE_BIGINT] = 19};
    return kind >= TYPE_TINYINT && kind <= TYPE_BIGINT ? digits[kind] : 0;
}

const SqlType *sql_type_decimal_of(const SqlType *t, Arena *arena)
{
    if (t->kind == TYPE_DECIMAL)
        return t;
    int digits = integral_digits(t->kind);
    return digits ? sql_type_decimal(arena, digits, 0) : NULL;
}

bool sql_type_is_zoned(const SqlType *t)
{
    return t->kind == TYPE_TIME_TZ || t->kind == TYPE_TIMESTAMP_TZ;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static const SqlType *common_decimal(const SqlType *a, const SqlType *b, Arena *arena)
{
    int scale = max_int(a->scale, b->scale);
    int whole = max_int(a->precision - a->scale, b->precision - b->scale);
    int precision = whole + scale > DECIMAL_MAX ? DECIMAL_MAX : whole + scale;
    return sql_type_decimal(arena, precision, scale);
}

static const SqlType *common_fields(const SqlType *a, const SqlType *b, Arena *arena)
{
    if (a->n_fields != b->n_fields)
        return NULL;
    RowField *fields = arena_array(arena, RowField, a->n_fields ? a->n_fields : 1);
    for (size_t i = 0; i < a->n_fields; i++) {
        fields[i].type = sql_type_common(a->fields[i].type, b->fields[i].type, arena);
        if (!fields[i].type)
            return NULL;
        bool same_name =
            a->fields[i].name.ptr && b->fields[i].name.ptr && str_eq(a->fields[i].name, b->fields[i].name);
        fields[i].name = same_name ? a->fields[i].name : STR_NULL;
    }
    SqlType *type = arena_new_of(arena, SqlType);
    *type = *a;
    type->fields = fields;
    return type;
}

static const SqlType *common_same_kind(const SqlType *a, const SqlType *b, Arena *arena)
{
    switch (type_infos[a->kind].parameters) {
    case TYPE_PARAMETERS_DECIMAL:
        return common_decimal(a, b, arena);
    case TYPE_PARAMETERS_LENGTH:
        return a->length >= b->length ? a : b;
    case TYPE_PARAMETERS_TEMPORAL:
        return a->precision >= b->precision ? a : b;
    case TYPE_PARAMETERS_NESTED:
        return a->kind == TYPE_FUNCTION ? NULL : common_fields(a, b, arena);
    case TYPE_PARAMETERS_NONE:
        break;
    }
    return a;
}

/* `from` in the shape of kind `to`, when a value can turn into that implicitly; NULL otherwise. */
static const SqlType *widen(const SqlType *from, TypeKind to, Arena *arena)
{
    static const struct {
        TypeKind from, to;
    } plain[] = {
        {TYPE_TINYINT, TYPE_SMALLINT},
        {TYPE_TINYINT, TYPE_INTEGER},
        {TYPE_TINYINT, TYPE_BIGINT},
        {TYPE_SMALLINT, TYPE_INTEGER},
        {TYPE_SMALLINT, TYPE_BIGINT},
        {TYPE_INTEGER, TYPE_BIGINT},
        {TYPE_TINYINT, TYPE_REAL},
        {TYPE_SMALLINT, TYPE_REAL},
        {TYPE_INTEGER, TYPE_REAL},
        {TYPE_BIGINT, TYPE_REAL},
        {TYPE_TINYINT, TYPE_DOUBLE},
        {TYPE_SMALLINT, TYPE_DOUBLE},
        {TYPE_INTEGER, TYPE_DOUBLE},
        {TYPE_BIGINT, TYPE_DOUBLE},
        {TYPE_DECIMAL, TYPE_REAL},
        {TYPE_DECIMAL, TYPE_DOUBLE},
        {TYPE_REAL, TYPE_DOUBLE},
        {TYPE_TINYINT, TYPE_NUMBER},
        {TYPE_SMALLINT, TYPE_NUMBER},
        {TYPE_INTEGER, TYPE_NUMBER},
        {TYPE_BIGINT, TYPE_NUMBER},
        {TYPE_DECIMAL, TYPE_NUMBER},
        {TYPE_P4HYPERLOGLOG, TYPE_HYPERLOGLOG},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i].from == from->kind && plain[i].to == to)
            return sql_type_plain(to);
    if (to == TYPE_DECIMAL && integral_digits(from->kind))
        return sql_type_decimal_of(from, arena);
    if (from->kind == TYPE_DATE && (to == TYPE_TIMESTAMP || to == TYPE_TIMESTAMP_TZ))
        return sql_type_temporal(arena, to, 0);
    if ((from->kind == TYPE_TIME && to == TYPE_TIME_TZ) ||
        (from->kind == TYPE_TIMESTAMP && to == TYPE_TIMESTAMP_TZ))
        return sql_type_temporal(arena, to, from->precision);
    if (from->kind == TYPE_CHAR && to == TYPE_VARCHAR)
        return sql_type_varchar(arena, from->length);
    return NULL;
}

const SqlType *sql_type_common(const SqlType *a, const SqlType *b, Arena *arena)
{
    if (sql_type_equal(a, b))
        return a;
    if (a->kind == TYPE_UNKNOWN)
        return b;
    if (b->kind == TYPE_UNKNOWN)
        return a;
    if (a->kind == b->kind)
        return common_same_kind(a, b, arena);
    const SqlType *wide = widen(a, b->kind, arena);
    if (wide)
        return common_same_kind(wide, b, arena);
    wide = widen(b, a->kind, arena);
    return wide ? common_same_kind(wide, a, arena) : NULL;
}

static bool fields_all(const SqlType *from, const SqlType *to, bool (*fits)(const SqlType *, const SqlType *))
{
    if (from->n_fields != to->n_fields)
        return false;
    for (size_t i = 0; i < from->n_fields; i++)
        if (!fits(from->fields[i].type, to->fields[i].type))
            return false;
    return true;
}

static bool fits_decimal(const SqlType *from, const SqlType *to)
{
    return from->scale <= to->scale && from->precision - from->scale <= to->precision - to->scale;
}

bool sql_type_can_coerce(const SqlType *from, const SqlType *to)
{
    if (from->kind == TYPE_UNKNOWN || sql_type_equal(from, to))
        return true;
    if (from->kind == to->kind) {
        TypeParameters parameters = type_infos[from->kind].parameters;
        if (parameters == TYPE_PARAMETERS_DECIMAL)
            return fits_decimal(from, to);
        if (parameters == TYPE_PARAMETERS_LENGTH)
            return from->length <= to->length;
        if (parameters == TYPE_PARAMETERS_TEMPORAL)
            return from->precision <= to->precision;
        return parameters == TYPE_PARAMETERS_NESTED && from->kind != TYPE_FUNCTION &&
               fields_all(from, to, sql_type_can_coerce);
    }
    int digits = integral_digits(from->kind);
    if (to->kind == TYPE_DECIMAL && digits)
        return digits <= to->precision - to->scale;
    if (from->kind == TYPE_DATE)
        return to->kind == TYPE_TIMESTAMP || to->kind == TYPE_TIMESTAMP_TZ;
    if ((from->kind == TYPE_TIME && to->kind == TYPE_TIME_TZ) ||
        (from->kind == TYPE_TIMESTAMP && to->kind == TYPE_TIMESTAMP_TZ))
        return from->precision <= to->precision;
    if (from->kind == TYPE_CHAR && to->kind == TYPE_VARCHAR)
        return from->length <= to->length;
    return widen(from, to->kind, NULL) != NULL;
}

/* ---- CAST ---- */

#define B(kind) (UINT64_C(1) << TYPE_##kind)
#define INTEGRAL (B(TINYINT) | B(SMALLINT) | B(INTEGER) | B(BIGINT))
#define NUMERIC (INTEGRAL | B(REAL) | B(DOUBLE) | B(DECIMAL) | B(NUMBER))
#define TEXT (B(VARCHAR) | B(CHAR))
#define INSTANTS (B(DATE) | B(TIMESTAMP) | B(TIMESTAMP_TZ))
#define TIMES (B(TIME) | B(TIME_TZ))
#define DIGESTS (B(HYPERLOGLOG) | B(P4HYPERLOGLOG) | B(TDIGEST) | B(QDIGEST) | B(SETDIGEST))

static const uint64_t casts[] = {
    [TYPE_UNKNOWN] = UINT64_MAX & ~B(FUNCTION),
    [TYPE_BOOLEAN] = B(BOOLEAN) | NUMERIC | B(VARCHAR) | B(JSON) | B(VARIANT),
    [TYPE_TINYINT] = B(BOOLEAN) | NUMERIC | B(VARCHAR) | B(JSON) | B(VARIANT),
    [TYPE_SMALLINT] = B(BOOLEAN) | NUMERIC | B(VARCHAR) | B(JSON) | B(VARIANT),
    [TYPE_INTEGER] = B(BOOLEAN) | NUMERIC | B(VARCHAR) | B(JSON) | B(VARIANT),
    [TYPE_BIGINT] = B(BOOLEAN) | NUMERIC | B(VARCHAR) | B(JSON) | B(VARIANT),
    [TYPE_REAL] = B(BOOLEAN) | NUMERIC | B(VARCHAR) | B(JSON) | B(VARIANT),
    [TYPE_DOUBLE] = B(BOOLEAN) | NUMERIC | B(VARCHAR) | B(JSON) | B(VARIANT),
    [TYPE_DECIMAL] = B(BOOLEAN) | NUMERIC | B(VARCHAR) | B(JSON) | B(VARIANT),
    [TYPE_NUMBER] = NUMERIC | B(VARCHAR) | B(JSON),
    [TYPE_VARCHAR] = B(BOOLEAN) | NUMERIC | TEXT | B(VARBINARY) | B(JSON) | B(VARIANT) | INSTANTS | TIMES |
                     B(UUID) | B(IPADDRESS),
    [TYPE_CHAR] = TEXT | B(BOOLEAN) | INTEGRAL | B(REAL) | B(DOUBLE) | B(NUMBER) | B(VARBINARY) | INSTANTS,
    [TYPE_VARBINARY] = B(VARBINARY) | B(VARIANT) | B(UUID) | B(IPADDRESS) | DIGESTS,
    [TYPE_JSON] = B(BOOLEAN) | NUMERIC | B(VARCHAR) | B(JSON) | B(VARIANT) | B(ARRAY) | B(MAP) | B(ROW),
    [TYPE_VARIANT] = UINT64_MAX & ~(B(FUNCTION) | DIGESTS),
    [TYPE_DATE] = INSTANTS | B(VARCHAR) | B(JSON) | B(VARIANT),
    [TYPE_TIME] = TIMES | B(TIMESTAMP) | B(TIMESTAMP_TZ) | B(VARCHAR) | B(VARIANT),
    [TYPE_TIME_TZ] = TIMES | B(TIMESTAMP) | B(TIMESTAMP_TZ) | B(VARCHAR),
    [TYPE_TIMESTAMP] = INSTANTS | TIMES | B(VARCHAR) | B(JSON) | B(VARIANT),
    [TYPE_TIMESTAMP_TZ] = INSTANTS | TIMES | B(VARCHAR) | B(VARIANT),
    [TYPE_INTERVAL_DAY_TIME] = B(INTERVAL_DAY_TIME) | B(VARCHAR),
    [TYPE_INTERVAL_YEAR_MONTH] = B(INTERVAL_YEAR_MONTH) | B(VARCHAR),
    [TYPE_ARRAY] = B(ARRAY) | B(JSON) | B(VARIANT),
    [TYPE_MAP] = B(MAP) | B(JSON) | B(VARIANT),
    [TYPE_ROW] = B(ROW) | B(JSON) | B(VARIANT),
    [TYPE_UUID] = B(UUID) | B(VARCHAR) | B(VARBINARY) | B(VARIANT),
    [TYPE_IPADDRESS] = B(IPADDRESS) | B(VARCHAR) | B(VARBINARY),
    [TYPE_HYPERLOGLOG] = B(HYPERLOGLOG) | B(P4HYPERLOGLOG) | B(VARBINARY),
    [TYPE_P4HYPERLOGLOG] = B(HYPERLOGLOG) | B(P4HYPERLOGLOG) | B(VARBINARY),
    [TYPE_TDIGEST] = B(TDIGEST) | B(VARBINARY),
    [TYPE_QDIGEST] = B(QDIGEST) | B(VARBINARY),
    [TYPE_SETDIGEST] = B(SETDIGEST) | B(VARBINARY),
    [TYPE_COLOR] = B(COLOR),
    [TYPE_FUNCTION] = 0,
};

static bool fits_variant(const SqlType *t)
{
    if (t->kind == TYPE_MAP && t->fields[0].type->kind != TYPE_VARCHAR)
        return false;
    for (size_t i = 0; i < t->n_fields; i++)
        if (!fits_variant(t->fields[i].type))
            return false;
    return t->kind == TYPE_UNKNOWN || (casts[t->kind] & B(VARIANT)) != 0;
}

#define JSON_KEYS ((NUMERIC & ~B(NUMBER)) | B(BOOLEAN) | B(VARCHAR) | B(UNKNOWN))

/* Can a value of this type be a member of a JSON document (to), or be made from one (from)? */
static bool fits_json(const SqlType *t, bool to_json)
{
    if (t->kind == TYPE_ARRAY)
        return fits_json(t->fields[0].type, to_json);
    if (t->kind == TYPE_MAP) {
        const SqlType *key = t->fields[0].type;
        /* From JSON whatever a text turns into passes; which keys there are is asked when it runs. */
        uint64_t keys = to_json ? JSON_KEYS | B(NUMBER) : JSON_KEYS | casts[TYPE_VARCHAR];
        return (keys & (UINT64_C(1) << key->kind)) != 0 && fits_json(t->fields[1].type, to_json);
    }
    if (t->kind == TYPE_ROW) {
        for (size_t i = 0; i < t->n_fields; i++)
            if (!fits_json(t->fields[i].type, to_json))
                return false;
        return true;
    }
    uint64_t allowed = NUMERIC | B(BOOLEAN) | B(VARCHAR) | B(JSON) | B(DATE) | B(TIMESTAMP) |
                       B(TIMESTAMP_TZ) | B(TIME) | B(TIME_TZ) | B(UNKNOWN);
    if (!to_json)
        allowed = NUMERIC | B(BOOLEAN) | B(VARCHAR) | B(JSON) | B(UNKNOWN);
    return (allowed & (UINT64_C(1) << t->kind)) != 0;
}

static bool has_json_keys(const SqlType *t)
{
    bool is_map = t->kind == TYPE_MAP;
    if (is_map && !(JSON_KEYS & (UINT64_C(1) << t->fields[0].type->kind)))
        return false;
    for (size_t i = is_map; i < t->n_fields; i++)
        if (!has_json_keys(t->fields[i].type))
            return false;
    return true;
}

bool sql_type_is_json_made(const SqlType *t)
{
    return fits_json(t, false) && has_json_keys(t);
}

bool sql_type_can_cast(const SqlType *from, const SqlType *to)
{
    if (!(casts[from->kind] & (UINT64_C(1) << to->kind)))
        return false;
    if (from->kind == TYPE_IPADDRESS && to->kind == TYPE_VARCHAR)
        return to->length == VARCHAR_UNBOUNDED;
    if (to->kind == TYPE_VARIANT && from->kind >= TYPE_ARRAY && from->kind <= TYPE_ROW)
        return fits_variant(from);
    if (from->kind == to->kind &&
        (from->kind == TYPE_ARRAY || from->kind == TYPE_MAP || from->kind == TYPE_ROW))
        return fields_all(from, to, sql_type_can_cast);
    if (to->kind == TYPE_JSON && from->kind >= TYPE_ARRAY && from->kind <= TYPE_ROW)
        return fits_json(from, true);
    if (from->kind == TYPE_JSON && to->kind >= TYPE_ARRAY && to->kind <= TYPE_ROW)
        return to->kind == TYPE_ROW || fits_json(to, false); /* a row's fields are asked when it runs */
    return true;
}
