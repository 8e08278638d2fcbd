/* types_parse.c - types as written in SQL. Source: Trino's documentation "Data types" and the names its
 * server accepts. */
#include "query/analyzer/types_internal.h"
#include "query/sql/parser.h"

enum { VARCHAR_MAX = VARCHAR_UNBOUNDED - 1, CHAR_MAX_LENGTH = 65536, DECIMAL_MAX = 38, TEMPORAL_MAX = 12 };

static const struct {
    const char *alias;
    TypeKind kind;
} names[] = {
    {"int", TYPE_INTEGER},
    {"time with time zone", TYPE_TIME_TZ},
    {"time without time zone", TYPE_TIME},
    {"timestamp without time zone", TYPE_TIMESTAMP},
    {"dec", TYPE_DECIMAL},
    {"numeric", TYPE_DECIMAL},
    {"double precision", TYPE_DOUBLE},
    {"character varying", TYPE_VARCHAR},
    {"character", TYPE_CHAR},
    {"string", TYPE_UNKNOWN},
};

static bool find_kind(Str name, TypeKind *ret)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_nocase(name, str_from(names[i].alias)) && names[i].kind != TYPE_UNKNOWN) {
            *ret = names[i].kind;
            return true;
        }
    for (int kind = TYPE_UNKNOWN; kind < TYPE_FUNCTION; kind++)
        if (str_eq_nocase(name, str_from(type_infos[kind].name))) {
            *ret = (TypeKind)kind;
            return true;
        }
    return false;
}

static int resolve_decimal(const TypeName *name, Arena *arena, const SqlType **ret, Error *err)
{
    int64_t precision = name->n_numbers > 0 ? name->numbers[0] : DECIMAL_MAX;
    int64_t scale = name->n_numbers > 1 ? name->numbers[1] : 0;
    if (precision < 1 || precision > DECIMAL_MAX)
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT,
                       "DECIMAL precision must be in range [1, 38]: %lld", (long long)precision);
    if (scale < 0 || scale > precision)
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT,
                       "DECIMAL scale must be in range [0, precision (%lld)]: %lld", (long long)precision,
                       (long long)scale);
    *ret = sql_type_decimal(arena, (int)precision, (int)scale);
    return 0;
}

static int resolve_length(const TypeName *name, TypeKind kind, Arena *arena, const SqlType **ret, Error *err)
{
    if (name->n_numbers == 0) {
        *ret = kind == TYPE_VARCHAR ? &TYPE_VARCHAR_ : sql_type_char(arena, 1);
        return 0;
    }
    int64_t length = name->numbers[0];
    int64_t most = kind == TYPE_VARCHAR ? VARCHAR_MAX : CHAR_MAX_LENGTH;
    if (length < 0 || length > most)
        return err_set(err, ERR_TYPE_NOT_FOUND, "Invalid %s length %lld", type_infos[kind].name,
                       (long long)length);
    *ret = kind == TYPE_VARCHAR ? sql_type_varchar(arena, (int)length) : sql_type_char(arena, (int)length);
    return 0;
}

static int resolve_temporal(const TypeName *name, TypeKind kind, Arena *arena, const SqlType **ret,
                            Error *err)
{
    static const char *const upper[] = {
        [TYPE_TIME] = "TIME",
        [TYPE_TIME_TZ] = "TIME WITH TIME ZONE",
        [TYPE_TIMESTAMP] = "TIMESTAMP",
        [TYPE_TIMESTAMP_TZ] = "TIMESTAMP WITH TIME ZONE",
    };
    int64_t precision = name->n_numbers > 0 ? name->numbers[0] : 3;
    if (precision < 0 || precision > TEMPORAL_MAX)
        return err_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "%s precision must be in range [0, 12]: %lld",
                       upper[kind], (long long)precision);
    *ret = sql_type_temporal(arena, kind, (int)precision);
    return 0;
}

static int resolve_nested(const TypeName *name, TypeKind kind, Arena *arena, const SqlType **ret, Error *err)
{
    RowField *fields = arena_array(arena, RowField, name->n_args ? name->n_args : 1);
    for (size_t i = 0; i < name->n_args; i++) {
        if (sql_type_resolve(name->args[i], arena, &fields[i].type, err) < 0)
            return -1;
        if (kind == TYPE_ROW && name->field_names && name->field_names[i].text.ptr)
            fields[i].name = name->field_names[i].quoted ? name->field_names[i].text
                                                         : arena_lower(arena, name->field_names[i].text);
    }
    size_t wanted = kind == TYPE_MAP ? 2 : 1;
    if (kind != TYPE_ROW && name->n_args != wanted)
        return err_set(err, ERR_TYPE_NOT_FOUND, "Unknown type: %s", type_infos[kind].name);
    *ret = sql_type_row(arena, fields, name->n_args);
    ((SqlType *)*ret)->kind = kind;
    return 0;
}

int sql_type_resolve(const TypeName *name, Arena *arena, const SqlType **ret, Error *err)
{
    TypeKind kind;
    if (!find_kind(name->name, &kind))
        return err_set(err, ERR_TYPE_NOT_FOUND, "Unknown type: %.*s", STR_ARG(name->name));
    switch (type_infos[kind].parameters) {
    case TYPE_PARAMETERS_DECIMAL:
        return resolve_decimal(name, arena, ret, err);
    case TYPE_PARAMETERS_LENGTH:
        return resolve_length(name, kind, arena, ret, err);
    case TYPE_PARAMETERS_TEMPORAL:
        return resolve_temporal(name, kind, arena, ret, err);
    case TYPE_PARAMETERS_NESTED:
        return resolve_nested(name, kind, arena, ret, err);
    case TYPE_PARAMETERS_NONE:
        break;
    }
    if (name->n_numbers > 0 || name->n_args > 0)
        return err_set(err, ERR_TYPE_NOT_FOUND, "Unknown type: %.*s", STR_ARG(name->name));
    *ret = sql_type_plain(kind);
    return 0;
}

int sql_type_parse(Str text, Arena *arena, const SqlType **ret, Error *err)
{
    TypeName *name;
    if (sql_parse_type_name(text, arena, &name, err) < 0)
        return err_set(err, ERR_TYPE_NOT_FOUND, "Unknown type: %.*s", STR_ARG(text));
    return sql_type_resolve(name, arena, ret, err);
}
