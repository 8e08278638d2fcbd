/* types.h - Trino's types.
 *
 * A SqlType is immutable; parametrised ones live in the arena they were made in, the others are static. Two
 * types are the same when sql_type_equal() says so (row field names count, as in Trino). How a value of a
 * type is held in DuckDB is decided by one table, types.def; nothing else may decide it. */
#pragma once

#include "base/arena.h"

typedef enum TypeKind {
    TYPE_UNKNOWN,
    TYPE_BOOLEAN,
    TYPE_TINYINT,
    TYPE_SMALLINT,
    TYPE_INTEGER,
    TYPE_BIGINT,
    TYPE_REAL,
    TYPE_DOUBLE,
    TYPE_DECIMAL,
    TYPE_NUMBER,
    TYPE_VARCHAR,
    TYPE_CHAR,
    TYPE_VARBINARY,
    TYPE_JSON,
    TYPE_VARIANT,
    TYPE_DATE,
    TYPE_TIME,
    TYPE_TIME_TZ,
    TYPE_TIMESTAMP,
    TYPE_TIMESTAMP_TZ,
    TYPE_INTERVAL_DAY_TIME,
    TYPE_INTERVAL_YEAR_MONTH,
    TYPE_ARRAY,
    TYPE_MAP,
    TYPE_ROW,
    TYPE_UUID,
    TYPE_IPADDRESS,
    TYPE_HYPERLOGLOG,
    TYPE_P4HYPERLOGLOG,
    TYPE_TDIGEST,
    TYPE_QDIGEST,
    TYPE_SETDIGEST,
    TYPE_COLOR,
    TYPE_FUNCTION,
} TypeKind;

typedef struct SqlType SqlType;

typedef struct RowField {
    Str name;                     /* ptr NULL: anonymous */
    const SqlType *type;
} RowField;

enum { VARCHAR_UNBOUNDED = 2147483647 };

struct SqlType {
    TypeKind kind;
    int32_t precision;            /* decimal; fractional digits of time and timestamp types */
    int32_t scale;                /* decimal */
    int32_t length;               /* varchar (VARCHAR_UNBOUNDED: none), char */
    const RowField
        *fields; /* row: n; array: 1; map: 2 (key, value); function: arguments then result; qdigest: 1 */
    size_t n_fields;
};

extern const SqlType TYPE_UNKNOWN_, TYPE_BOOLEAN_, TYPE_TINYINT_, TYPE_SMALLINT_, TYPE_INTEGER_, TYPE_BIGINT_,
    TYPE_REAL_, TYPE_DOUBLE_, TYPE_VARCHAR_, TYPE_VARBINARY_, TYPE_JSON_, TYPE_DATE_, TYPE_INTERVAL_DAY_TIME_,
    TYPE_INTERVAL_YEAR_MONTH_, TYPE_UUID_, TYPE_TIMESTAMP_3_, TYPE_TIMESTAMP_6_, TYPE_TIMESTAMP_TZ_3_,
    TYPE_TIMESTAMP_TZ_6_, TYPE_TIME_3_, TYPE_TIME_6_;

const SqlType *sql_type_decimal(Arena *arena, int precision, int scale);
const SqlType *sql_type_varchar(Arena *arena, int length);
const SqlType *sql_type_char(Arena *arena, int length);
const SqlType *sql_type_temporal(Arena *arena, TypeKind kind,
                                 int precision); /* time, timestamp and their zoned forms */
const SqlType *sql_type_array(Arena *arena, const SqlType *element);
const SqlType *sql_type_map(Arena *arena, const SqlType *key, const SqlType *value);
const SqlType *sql_type_row(Arena *arena, const RowField *fields, size_t n);

bool sql_type_equal(const SqlType *a, const SqlType *b);
/* "decimal(10,2)", "varchar", "row(a bigint, \"B c\" varchar)", "timestamp(3) with time zone": typeof(),
 * messages, SHOW. */
Str sql_type_name(const SqlType *type, Arena *arena);
/* As in the protocol's columns[].type: differs by "decimal(10, 2)". */
Str sql_type_display(const SqlType *type, Arena *arena);
/* Parses a type's text ("array(row(a bigint))"). ERR_TYPE_NOT_FOUND "Unknown type: …". */
int sql_type_parse(Str text, Arena *arena, const SqlType **ret, Error *err);
bool sql_type_is_numeric(const SqlType *t);
bool sql_type_is_comparable(const SqlType *t);
bool sql_type_is_orderable(const SqlType *t);
/* The type both can be coerced to implicitly, NULL when there is none. */
const SqlType *sql_type_common(const SqlType *a, const SqlType *b, Arena *arena);
bool sql_type_can_coerce(const SqlType *from, const SqlType *to);
bool sql_type_can_cast(const SqlType *from, const SqlType *to);
/* Can a value be made from JSON, which the cast alone does not tell? */
bool sql_type_is_json_made(const SqlType *t);
/* The DuckDB type in which a value is held: "DECIMAL(10,2)", "STRUCT(t TIMESTAMP, zone SMALLINT)". */
Str sql_type_duckdb(const SqlType *type, Arena *arena);
