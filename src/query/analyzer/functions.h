/* functions.h - the functions of SQL, and which one a call means.
 *
 * functions.def is the table. A signature is a text such as "array(T),function(T,boolean)->array(T)";
 * function_bind() chooses among a name's signatures as Trino does: an exact match first, then the most
 * specific one that the arguments can be coerced to. */
#pragma once

#include "query/analyzer/types_internal.h"

typedef enum FunctionKind { FUNCTION_SCALAR, FUNCTION_AGGREGATE, FUNCTION_WINDOW } FunctionKind;

typedef struct FunctionDef {
    const char *name;
    FunctionKind kind;
    const char *signature;
    const char *variables; /* "T:comparable, U"; for messages */
    const char *emission;  /* see functions.def */
    bool deterministic;
    const char *description;
} FunctionDef;

/* The table, sorted by name: SHOW FUNCTIONS walks it. */
const FunctionDef *function_table(size_t *ret_n);
bool function_exists(Str name);
bool function_is_aggregate(Str name); /* in any case */
/* One signature's parts as SHOW FUNCTIONS prints them: "bigint", "varchar(x), bigint". */
Str function_return_text(const FunctionDef *def, Arena *arena);
Str function_arguments_text(const FunctionDef *def, Arena *arena);

typedef struct FunctionArgs {
    const SqlType *const *types; /* NULL entries are lambdas */
    const size_t *lambda_params; /* number of parameters of the lambdas; 0 for others */
    size_t n;
    /* Types the body of lambda `index` with these parameters; NULL with err when it cannot be. */
    const SqlType *(*type_lambda)(void *self, size_t index, const SqlType *const *params, size_t n,
                                  Error *err);
    void *self;
} FunctionArgs;

typedef struct BoundFunction {
    const FunctionDef *def;
    const SqlType *const
        *arg_types; /* what each argument must be coerced to; of lambdas: the function type */
    const SqlType *result;
} BoundFunction;

/* ERR_FUNCTION_NOT_FOUND with Trino's text, or an error of type_lambda(); no position. */
int function_bind(Str name, const FunctionArgs *args, Arena *arena, BoundFunction *ret, Error *err);
