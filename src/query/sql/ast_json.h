/* ast_json.h - the SQL/JSON functions and JSON_TABLE in the syntax tree. Part of ast.h. */
#pragma once

typedef enum JsonFormat {
    JSON_FORMAT_NONE, /* not written */
    JSON_FORMAT_JSON,
    JSON_FORMAT_UTF8,
    JSON_FORMAT_UTF16,
    JSON_FORMAT_UTF32
} JsonFormat;

typedef enum JsonBehavior {
    JSON_BEHAVIOR_NONE, /* not written */
    JSON_BEHAVIOR_NULL,
    JSON_BEHAVIOR_ERROR,
    JSON_BEHAVIOR_DEFAULT,
    JSON_BEHAVIOR_EMPTY_ARRAY,
    JSON_BEHAVIOR_EMPTY_OBJECT,
    JSON_BEHAVIOR_TRUE,
    JSON_BEHAVIOR_FALSE,
    JSON_BEHAVIOR_UNKNOWN,
    JSON_BEHAVIOR_EMPTY
} JsonBehavior;

typedef enum JsonWrapper {
    JSON_WRAPPER_NONE,
    JSON_WRAPPER_WITHOUT,
    JSON_WRAPPER_ALWAYS,
    JSON_WRAPPER_CONDITIONAL
} JsonWrapper;
typedef enum JsonQuotes { JSON_QUOTES_NONE, JSON_QUOTES_KEEP, JSON_QUOTES_OMIT } JsonQuotes;
typedef enum JsonNulls { JSON_NULLS_NONE, JSON_NULLS_NULL, JSON_NULLS_ABSENT } JsonNulls;
typedef enum JsonFunction {
    CALL_JSON_EXISTS,
    CALL_JSON_VALUE,
    CALL_JSON_QUERY,
    CALL_JSON_OBJECT,
    CALL_JSON_ARRAY
} JsonFunction;

typedef struct JsonInput { Expr *expr; JsonFormat format; } JsonInput;
typedef struct JsonArgument { JsonInput value; Ident name; } JsonArgument;     /* PASSING value AS name */
typedef struct JsonPair { Expr *key; JsonInput value; } JsonPair;          /* JSON_ARRAY: without a key */

typedef struct JsonInvocation {
    JsonInput input;
    Str path;
    SqlPos path_pos;
    Ident path_name;              /* text.ptr NULL: none */
    JsonArgument *args; size_t n_args;
} JsonInvocation;

/* What becomes of the items found. */
typedef struct JsonOutput {
    const TypeName *returning;    /* NULL: none */
    JsonFormat format;
    JsonWrapper wrapper;
    JsonQuotes quotes;
    JsonBehavior on_empty, on_error;
    Expr *empty_default, *error_default;
    /* analyzer: */
    const SqlType *type;
} JsonOutput;

typedef struct JsonExpr {
    JsonFunction function;
    JsonInvocation invocation;    /* EXISTS, VALUE, QUERY */
    JsonOutput output;
    JsonPair *members; size_t n_members;         /* OBJECT, ARRAY */
    JsonNulls nulls;
    bool unique_keys;
} JsonExpr;

/* ---- JSON_TABLE ---- */

typedef enum JsonColumnKind {
    JSON_COLUMN_ORDINALITY,
    JSON_COLUMN_VALUE,
    JSON_COLUMN_QUERY,
    JSON_COLUMN_NESTED
} JsonColumnKind;

typedef struct JsonColumn JsonColumn;
struct JsonColumn {
    JsonColumnKind kind;
    SqlPos pos;
    Ident name;                   /* NESTED: the path's name; text.ptr NULL: none */
    JsonOutput output;
    Str path;                     /* ptr NULL: by the column's name */
    SqlPos path_pos;
    JsonColumn *columns; size_t n_columns;         /* NESTED */
    /* analyzer: */
    size_t index;                 /* of the output column */
};

typedef enum JsonPlanKind {
    JSON_PLAN_LEAF,
    JSON_PLAN_OUTER,
    JSON_PLAN_INNER,
    JSON_PLAN_UNION,
    JSON_PLAN_CROSS
} JsonPlanKind;
typedef struct JsonPlan JsonPlan;
struct JsonPlan {
    JsonPlanKind kind;
    SqlPos pos;
    Ident name;                   /* LEAF, and the parent of OUTER and INNER */
    JsonPlan **items; size_t n;   /* OUTER, INNER: the child; UNION, CROSS: two or more */
};

typedef struct JsonTable {
    JsonInvocation invocation;
    JsonColumn *columns; size_t n_columns;
    JsonPlan *plan;               /* NULL: PLAN DEFAULT, or none */
    bool has_default_plan, is_inner, is_cross;     /* else OUTER, UNION */
    JsonBehavior on_error;        /* ERROR, EMPTY or not written */
} JsonTable;
