/* types_internal.h - what the analyzer and the emitter need of types beyond types.h. */
#pragma once

#include "query/analyzer/types.h"

typedef enum TypeParameters {
    TYPE_PARAMETERS_NONE,
    TYPE_PARAMETERS_DECIMAL,
    TYPE_PARAMETERS_LENGTH,
    TYPE_PARAMETERS_TEMPORAL,
    TYPE_PARAMETERS_NESTED,
} TypeParameters;

typedef struct TypeInfo {
    const char *name;
    TypeParameters parameters;
    const char *duckdb;
    const char *traits;
} TypeInfo;

extern const TypeInfo type_infos[]; /* by TypeKind; types.def */

struct TypeName;

const SqlType *sql_type_plain(TypeKind kind); /* static; of kinds without parameters */
const SqlType *sql_type_function(Arena *arena, const RowField *fields, size_t n);
/* As function messages spell it: "map(varchar(1),integer)", "row(integer,varchar(1))". */
Str sql_type_signature(const SqlType *type, Arena *arena);
bool sql_type_is_integral(const SqlType *t);
/* A type as written to a type. ERR_TYPE_NOT_FOUND "Unknown type: x" without a position. */
int sql_type_resolve(const struct TypeName *name, Arena *arena, const SqlType **ret, Error *err);
/* The decimal that holds every value of an integral type; NULL for others. */
const SqlType *sql_type_decimal_of(const SqlType *t, Arena *arena);
bool sql_type_is_zoned(const SqlType *t);
