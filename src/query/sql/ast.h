/* ast.h - the syntax tree of Trino SQL, and the slots that the analyzer fills.
 *
 * Everything lives in the arena given to the parser. The parser sets what the text says; members under
 * "analyzer:" are NULL or 0 until sql_analyze() has run. Identifiers keep the text and whether they were
 * quoted; names compare in lower case (as Trino does, quoted or not). */
#pragma once

#include "query/analyzer/types.h"

typedef struct SqlPos { int line, column; } SqlPos;       /* 1-based; column in code points */

typedef struct Ident {
    Str text;                    /* as written, quotes removed */
    bool quoted;
    SqlPos pos;
} Ident;

typedef struct QualifiedName {
    const Ident *parts;
    size_t n;                    /* 1..3 for tables, more in dereferences */
    SqlPos pos;
} QualifiedName;

typedef struct Expr Expr;
typedef struct Query Query;
typedef struct Relation Relation;
typedef struct Statement Statement;

/* ---- types as written ---- */

typedef struct TypeName TypeName;
struct TypeName {
    SqlPos pos;
    Str name; /* lower case: "decimal", "timestamp with time zone", "row", "array", "map", "interval day to
                 second" */
    const TypeName *const *args; /* type arguments (array, map, row fields' types) */
    const Ident *field_names;    /* row: one each, text.ptr NULL for anonymous; else NULL */
    size_t n_args;
    const int64_t *numbers;      /* decimal(10,2), varchar(5), timestamp(3) */
    size_t n_numbers;
};

/* ---- expressions ---- */

typedef enum ExprKind {
    EXPR_NULL,
    EXPR_BOOLEAN,
    EXPR_INTEGER /* integer and bigint literals */,
    EXPR_DECIMAL /* text kept */,
    EXPR_DOUBLE,
    EXPR_STRING,
    EXPR_BINARY,
    EXPR_GENERIC_LITERAL /* TYPE 'text' */,
    EXPR_INTERVAL,
    EXPR_PARAMETER /* ? */,
    EXPR_IDENT,
    EXPR_DEREFERENCE /* base.field */,
    EXPR_STAR /* only as count(*)'s argument and in select items */,
    EXPR_UNARY /* - + */,
    EXPR_ARITHMETIC,
    EXPR_CONCAT,
    EXPR_COMPARISON,
    EXPR_DISTINCT_FROM /* IS [NOT] DISTINCT FROM */,
    EXPR_AND,
    EXPR_OR,
    EXPR_NOT,
    EXPR_IS_NULL,
    EXPR_IS_TRUTH /* IS [NOT] TRUE|FALSE|UNKNOWN */,
    EXPR_BETWEEN,
    EXPR_IN_LIST,
    EXPR_IN_SUBQUERY,
    EXPR_LIKE,
    EXPR_EXISTS,
    EXPR_SUBQUERY /* scalar */,
    EXPR_QUANTIFIED /* = ANY|ALL|SOME (q) */,
    EXPR_CAST,
    EXPR_CASE_SIMPLE,
    EXPR_CASE_SEARCHED,
    EXPR_IF,
    EXPR_COALESCE,
    EXPR_NULLIF,
    EXPR_TRY,
    EXPR_FUNCTION,
    EXPR_LAMBDA,
    EXPR_EXTRACT,
    EXPR_AT_TIME_ZONE,
    EXPR_SUBSCRIPT,
    EXPR_ARRAY,
    EXPR_ROW,
    EXPR_GROUPING,
    EXPR_CURRENT /* current_date, current_user, … */,
    EXPR_JSON_FUNCTION /* JSON_VALUE, JSON_OBJECT … */,
    EXPR_MEASURE /* measure OVER w */,
    EXPR_UNIQUE /* UNIQUE (q) */,
    EXPR_MATCH /* x MATCH [UNIQUE] [SIMPLE|PARTIAL|FULL] (q) */,
    /* made by the analyzer only */
    EXPR_COLUMN /* resolved column */,
    EXPR_PATTERN_INPUT /* a column, CLASSIFIER() or MATCH_NUMBER() in MEASURES and DEFINE */,
} ExprKind;

typedef enum BinaryOp {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE
} BinaryOp;
typedef enum SortNulls { NULLS_DEFAULT, NULLS_FIRST, NULLS_LAST } SortNulls;
typedef enum NullTreatment { NULLS_UNSPECIFIED, NULLS_RESPECT, NULLS_IGNORE } NullTreatment;

typedef struct SortItem {
    Expr *expr;
    bool descending;
    SortNulls nulls;
    int ordinal;                  /* analyzer: > 0: output column it names (1-based), by number or alias */
} SortItem;

typedef enum FrameUnit { FRAME_NONE, FRAME_ROWS, FRAME_RANGE, FRAME_GROUPS } FrameUnit;
typedef enum FrameBoundKind {
    BOUND_UNBOUNDED_PRECEDING,
    BOUND_PRECEDING,
    BOUND_CURRENT_ROW,
    BOUND_FOLLOWING,
    BOUND_UNBOUNDED_FOLLOWING
} FrameBoundKind;
typedef struct FrameBound { FrameBoundKind kind; Expr *value; } FrameBound;

typedef struct PatternSpec PatternSpec;

typedef struct Window {
    SqlPos pos;
    PatternSpec *pattern;         /* row pattern recognition in the frame; NULL: none */
    Ident name; /* OVER w, or the existing window that this one starts from; text.ptr NULL: none */
    Expr *const *partition_by; size_t n_partition_by;
    SortItem *order_by; size_t n_order_by;
    FrameUnit unit;
    FrameBound from, to;          /* `to` is CURRENT ROW when only one bound was written */
} Window;

typedef struct WhenClause { Expr *condition, *result; } WhenClause;

/* analyzer: where a column comes from. One FieldRef a relation's output column; identity is (relation,
 * index). */
typedef struct FieldRef {
    const Relation
        *relation; /* the leaf relation (table, subquery alias, unnest, values, join USING column) */
    int index;                    /* its output column */
    int depth;                    /* 0: this query, n: n-th outer query (correlated) */
} FieldRef;

typedef struct FunctionDef FunctionDef;    /* functions.h */

#include "query/sql/ast_json.h"
typedef struct Routine Routine;            /* a function written in SQL, below */

typedef enum Processing { PROCESSING_DEFAULT, PROCESSING_RUNNING, PROCESSING_FINAL } Processing;
typedef enum PatternInput {
    PATTERN_INPUT_COLUMN,
    PATTERN_INPUT_CLASSIFIER,
    PATTERN_INPUT_MATCH_NUMBER
} PatternInput;

struct Expr {
    ExprKind kind;
    SqlPos pos;
    /* analyzer: */
    const SqlType *type;          /* own type before coercion */
    const SqlType *coerced;       /* type wanted by the context; == type when none */
    union {
        bool boolean;
        struct { int64_t value; Str text; } integer;
        Str text; /* DECIMAL, DOUBLE, STRING, BINARY (bytes) */
        struct { const TypeName *type_name; Str text; const SqlType *resolved; } generic;
        struct {
            bool negative;
            Str text;
            Str from, to;
        } interval; /* fields lower case: "day", "year"; `to` may be empty */
        int parameter;                                                     /* 0-based */
        Ident ident;
        struct { Expr *base; Ident field; } dereference;
        struct {
            BinaryOp op;
            Expr *left, *right;
            bool negated;
        } binary; /* ARITHMETIC, CONCAT, COMPARISON, DISTINCT_FROM, NULLIF */
        struct { char op; Expr *operand; } unary;
        struct {
            Expr **items;
            size_t n;
        } list; /* AND, OR, COALESCE, ARRAY, GROUPING */
        struct {
            Expr **items;
            size_t n;
            const Ident *names;
        } row; /* names NULL or one each (text.ptr NULL: none) */
        struct {
            Expr *operand;
            bool negated;
            int truth;
        } is; /* IS_NULL; IS_TRUTH truth 1 0 -1; NOT, TRY: operand alone */
        struct { Expr *value, *low, *high; bool negated, symmetric; } between;
        struct { Expr *value; Expr **items; size_t n; Query *query; bool negated; } in;
        struct { Expr *value, *pattern, *escape; bool negated; } like;
        struct { Query *query; bool negated; } subquery;                   /* EXISTS, SUBQUERY, UNIQUE */
        struct {
            Expr *value;
            Query *query;
            bool unique;
            Str mode;
        } match; /* mode: "SIMPLE", "PARTIAL", "FULL"; empty: none */
        struct { BinaryOp op; bool all; Expr *value; Query *query; } quantified;
        struct { Expr *operand; const TypeName *type_name; const SqlType *resolved; bool is_try; } cast;
        struct { Expr *operand; WhenClause *whens; size_t n; Expr *otherwise; } case_;   /* IF: n == 1 */
        struct {
            QualifiedName name;
            Expr **args; size_t n;
            const Ident *arg_names;            /* name => value; NULL: none */
            bool distinct, star;               /* star: count(*), without args */
            Expr *filter;
            SortItem *order_by; size_t n_order_by;          /* inside the parentheses, or WITHIN GROUP */
            bool within_group;
            NullTreatment nulls;
            Window *over;
            bool overflow_truncate, overflow_count;
            Str overflow_filler;               /* listagg; filler's ptr NULL: none */
            Processing processing;             /* RUNNING, FINAL */
            SqlPos processing_pos;
            Ident label;                       /* count(A.*); text.ptr NULL: none */
            bool is_method;                    /* receiver.name(args): the receiver is args[0] */
            const TypeName *static_type;       /* type::name(args); else NULL */
            /* analyzer: */
            const FunctionDef *def;
            const SqlType *const *arg_types;                /* bound parameter types, n of them */
            Routine *routine;                               /* it is a call of this; def is routine_def */
            int aggregate; /* > 0: over rows of a pattern's match, number of PatternSpec's aggregates + 1 */
        } call;
        struct {
            const Ident *params;
            size_t n;
            Expr *body;
            const SqlType *const *param_types;
            int id;
        } lambda; /* id: analyzer */
        struct {
            Str field;
            Expr *operand;
        } extract; /* lower case, one of Trino's fields */
        struct { Expr *value, *zone; } at_time_zone;                       /* zone NULL: AT LOCAL */
        struct { Expr *base, *index; } subscript;
        struct {
            Str name;
            int precision;
        } current; /* "current_timestamp"; precision -1: none */
        struct JsonExpr *json; /* JSON_FUNCTION */
        struct {
            Str name, text;
        } json_function;
        struct { FieldRef ref; const Expr *original; } column;
        struct { Ident name; Window *over; } measure;
        struct {
            PatternInput what;
            Expr *column;         /* PATTERN_INPUT_COLUMN: the EXPR_COLUMN */
            int navigation;       /* of PatternSpec's navigations; -1: the row that an aggregate takes */
            const Expr *original;
        } input;
    };
};

/* ---- row patterns: MATCH_RECOGNIZE and patterns in window frames ---- */

typedef enum PatternKind {
    PATTERN_VARIABLE,
    PATTERN_EMPTY,
    PATTERN_CONCATENATION,
    PATTERN_ALTERNATION,
    PATTERN_PERMUTATION,
    PATTERN_QUANTIFIED,
    PATTERN_EXCLUDED,
    PATTERN_START,
    PATTERN_END
} PatternKind;

typedef struct RowPattern RowPattern;
struct RowPattern {
    PatternKind kind;
    SqlPos pos;
    Ident name;                   /* VARIABLE */
    RowPattern **items; size_t n; /* QUANTIFIED, EXCLUDED: one */
    int64_t least, most;          /* QUANTIFIED; -1: not said */
    SqlPos quantifier_pos;
    bool is_range, reluctant;     /* {n,m}; followed by ? */
    int label;                    /* analyzer: VARIABLE */
};

typedef struct PatternMeasure { Expr *expr; Ident name; } PatternMeasure;     /* of MEASURES and DEFINE */
typedef struct PatternSubset { Ident name; const Ident *items; size_t n; } PatternSubset;
typedef enum RowsPerMatch {
    ROWS_DEFAULT,
    ROWS_ONE,
    ROWS_ALL,
    ROWS_ALL_OMIT_EMPTY,
    ROWS_ALL_UNMATCHED,
    ROWS_WINDOW
} RowsPerMatch;
typedef enum SkipTo { SKIP_DEFAULT, SKIP_PAST_LAST, SKIP_TO_NEXT, SKIP_TO_FIRST, SKIP_TO_LAST } SkipTo;
typedef enum PatternSearch { SEARCH_DEFAULT, SEARCH_INITIAL, SEARCH_SEEK } PatternSearch;

/* analyzer: which row a value is of. The last (first) row of the match with one of the labels, `logical` such
 * rows back (on), then `physical` rows on. */
typedef struct Navigation {
    uint64_t labels;              /* bit i: label i; 0: any */
    bool is_last, is_final;
    int logical, physical;
} Navigation;

typedef struct PatternAggregate { Expr *call; uint64_t labels; bool is_final; } PatternAggregate;

struct PatternSpec {
    SqlPos pos;
    PatternMeasure *measures; size_t n_measures;
    RowsPerMatch rows;
    bool show_empty;              /* SHOW EMPTY MATCHES was written */
    SkipTo skip;
    SqlPos skip_pos;
    Ident skip_label;             /* text.ptr NULL: none */
    bool skip_is_short;           /* SKIP TO x: neither FIRST nor LAST was written */
    PatternSearch search;
    SqlPos search_pos;
    RowPattern *pattern;          /* NULL in a window without one */
    PatternSubset *subsets; size_t n_subsets;
    PatternMeasure *defines; size_t n_defines;
    /* analyzer: */
    Str *labels; size_t n_labels; /* primary variables, as CLASSIFIER() gives them */
    uint64_t *subset_labels;      /* of each subset */
    uint64_t skip_labels;
    int *define_labels;           /* of each DEFINE */
    Navigation *navigations; size_t n_navigations;
    PatternAggregate *aggregates; size_t n_aggregates;
    bool is_analyzed;
};

/* ---- functions written in SQL ---- */

typedef struct Property { Ident name; Expr *value; /* NULL: DEFAULT */ SqlPos pos; } Property;

typedef enum ControlKind {
    CONTROL_RETURN,
    CONTROL_BLOCK,
    CONTROL_SET,
    CONTROL_IF,
    CONTROL_CASE,
    CONTROL_LOOP,
    CONTROL_WHILE,
    CONTROL_REPEAT,
    CONTROL_ITERATE,
    CONTROL_LEAVE
} ControlKind;

typedef struct Control Control;
typedef struct ControlList { Control **items; size_t n; } ControlList;
typedef struct ControlBranch { Expr *condition; ControlList body; } ControlBranch; /* ELSE: condition NULL */
typedef struct RoutineVariable {
    Ident name;
    const TypeName *type_name;
    Expr *initial;                /* DEFAULT; NULL: none */
    SqlPos pos;
    const SqlType *type;          /* analyzer */
    int slot;                     /* analyzer: of the routine's variables, parameters first */
} RoutineVariable;

struct Control {
    ControlKind kind;
    SqlPos pos;
    Ident label;                  /* of a loop, or the one that ITERATE and LEAVE name; text.ptr NULL: none */
    Expr *expr;                   /* RETURN, SET: value; WHILE, REPEAT: condition; CASE: operand */
    Ident target;                 /* SET */
    int slot;                     /* analyzer: SET */
    RoutineVariable *variables; size_t n_variables;      /* BLOCK: DECLARE */
    ControlList body;             /* BLOCK, LOOP, WHILE, REPEAT */
    ControlBranch *branches; size_t n_branches;          /* IF, CASE */
    const Control *loop;          /* analyzer: ITERATE, LEAVE: the loop they mean */
};

struct Routine {
    SqlPos pos;                   /* of the word FUNCTION */
    QualifiedName name;
    RoutineVariable *parameters; size_t n_parameters;
    const TypeName *return_name;
    SqlPos returns_pos;
    /* characteristics: how often each was written, and where last */
    Ident language;               /* text.ptr NULL: SQL */
    int n_language, n_deterministic, n_null_call, n_security, n_comment;
    SqlPos second_pos;            /* of the first clause that came twice */
    const char *second;           /* its name; NULL: none did */
    bool not_deterministic, null_on_null, security_definer;
    SqlPos security_pos;
    Str comment;
    Property *properties; size_t n_properties;
    Control *body;
    Str definition;               /* AS $$ … $$; ptr NULL: none */
    /* analyzer: */
    bool is_analyzed;
    const SqlType *return_type;
    const SqlType *const *slot_types; size_t n_slots;
    int id;
    const FunctionDef *def;
};

/* ---- relations ---- */

typedef enum RelationKind {
    REL_TABLE,
    REL_SUBQUERY,
    REL_JOIN,
    REL_VALUES,
    REL_UNNEST,
    REL_LATERAL,
    REL_SAMPLED,
    REL_TABLE_FUNCTION,
    REL_MATCH /* MATCH_RECOGNIZE, and what the analyzer makes of patterns in windows */,
    REL_JSON_TABLE
} RelationKind;

typedef enum TableArgumentKind { ARGUMENT_EXPRESSION, ARGUMENT_TABLE, ARGUMENT_DESCRIPTOR } TableArgumentKind;
typedef enum EmptyTreatment { EMPTY_NOT_SAID, EMPTY_PRUNE, EMPTY_KEEP } EmptyTreatment;
typedef struct DescriptorField { Ident name; const TypeName *type; } DescriptorField;    /* type NULL: none */

/* An argument of a table function. */
typedef struct TableArgument {
    TableArgumentKind kind;
    SqlPos pos;
    Ident name;                   /* name => …; text.ptr NULL: none */
    Expr *expr;
    Relation *table;
    bool is_partitioned;          /* PARTITION BY () is, too */
    Expr **partition_by; size_t n_partition_by;
    SortItem *order_by; size_t n_order_by;
    EmptyTreatment empty;
    SqlPos empty_pos;
    const DescriptorField *fields; size_t n_fields;      /* CAST(NULL AS DESCRIPTOR): fields NULL */
} TableArgument;

typedef struct NameList { const QualifiedName *items; size_t n; } NameList;
typedef enum JoinKind { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL, JOIN_CROSS } JoinKind;

/* analyzer: one output column of a relation or query */
typedef struct Field {
    Str name;                     /* ptr NULL: anonymous */
    const SqlType *type;
    const Relation *relation;     /* leaf that it comes from, for qualified references */
    Str qualifier;                /* alias or table name; ptr NULL: none */
    bool hidden;
    FieldRef ref;
} Field;

typedef struct TableHandle TableHandle;    /* connector.h */
typedef struct NamedQuery NamedQuery;

struct Relation {
    RelationKind kind;
    SqlPos pos;
    Ident alias;                  /* text.ptr NULL: none */
    const Ident *column_aliases; size_t n_column_aliases;
    union {
        struct {
            QualifiedName name;
            Ident branch;                          /* t @ branch; text.ptr NULL: none */
            Expr *version, *timestamp;             /* FOR VERSION AS OF, FOR TIMESTAMP AS OF */
            SqlPos for_pos;                        /* of that FOR */
            bool is_changes;                       /* analyzer: of table_changes, between two snapshots; */
            int64_t changes_after, changes_until;  /* `version` is the later one */
            /* analyzer: exactly one of these */
            const TableHandle *handle;
            const NamedQuery *named;               /* a WITH query */
            Query *view;                           /* an expanded view */
        } table;
        Query *query;                              /* SUBQUERY, LATERAL */
        struct {
            JoinKind join;
            Relation *left, *right;
            Expr *on;                              /* NULL with USING, NATURAL, CROSS and comma */
            const Ident *using_columns; size_t n_using;
            bool natural, implicit;                /* implicit: a comma */
        } join;
        struct { Expr **rows; size_t n; } values;  /* each an EXPR_ROW or a single expression */
        struct { Expr **items; size_t n; bool ordinality; } unnest;
        struct { Relation *relation; bool system; Expr *percent; } sample;
        struct {
            QualifiedName name;
            TableArgument *args; size_t n;
            NameList *copartition; size_t n_copartition;
            /* analyzer: which function; sequence: the three values; exclude_columns: the input */
            int which;
            int64_t start, stop, step;
            Relation *input;
        } function;
        JsonTable *json_table;
        struct {
            Relation *input;
            Expr **partition_by; size_t n_partition_by;
            SortItem *order_by; size_t n_order_by;
            PatternSpec *spec;
            /* analyzer, patterns in windows: the frame's end, and the WHERE of the query around */
            const Window *window;
            Expr *where;
            Expr **outputs; size_t n_outputs;      /* behind the input's fields, which come first */
        } match;
    };
    /* analyzer: */
    Field *fields; size_t n_fields;
    Expr *nearest; /* LATERAL: it was NEAREST (FROM … [WHERE …] MATCH nearest); the WHERE is the query's.
                      NULL: not */
    int id; /* unique in the statement; the emitter names it r<id> and its columns c<index> */
    bool *used;                   /* REL_TABLE: columns that the statement needs, n_fields of them */
    Expr **conjuncts;
    size_t n_conjuncts; /* REL_TABLE: parts of WHERE/ON that only touch this table, for pruning */
};

/* ---- queries ---- */

typedef struct SelectItem {
    Expr *expr;                   /* EXPR_STAR with `qualifier` for t.* */
    Ident alias;                  /* text.ptr NULL: none */
    Expr *star_base;              /* x.* ; NULL for plain * */
    const Ident *star_aliases; size_t n_star_aliases;    /* row.* AS (a, b) */
} SelectItem;

typedef enum GroupingKind { GROUPING_SIMPLE, GROUPING_ROLLUP, GROUPING_CUBE, GROUPING_SETS } GroupingKind;
typedef struct GroupingElement {
    GroupingKind kind;
    SqlPos pos;
    struct GroupingSet {
        Expr **items;
        size_t n;
    } * sets; /* SIMPLE: one set; ROLLUP and CUBE: one set an item */
    size_t n_sets;
} GroupingElement;

typedef struct NamedWindow { Ident name; Window *window; } NamedWindow;

typedef struct QuerySpec {
    SqlPos pos;
    bool distinct;
    SelectItem *items; size_t n_items;
    Relation *from;               /* NULL: none; commas are implicit cross joins */
    Expr *where;
    GroupingElement *groups; size_t n_groups;
    bool group_distinct, group_auto, has_group_by;
    Expr *having;
    NamedWindow *windows; size_t n_windows;
    /* analyzer: */
    bool is_aggregated;
    Expr **output; size_t n_output;          /* stars expanded, one expression an output column */
} QuerySpec;

typedef enum QueryBodyKind {
    BODY_SELECT,
    BODY_VALUES,
    BODY_TABLE,
    BODY_SET_OPERATION,
    BODY_PARENTHESIZED
} QueryBodyKind;
typedef enum SetOperation { SET_UNION, SET_INTERSECT, SET_EXCEPT } SetOperation;

typedef struct QueryBody QueryBody;
struct QueryBody {
    QueryBodyKind kind;
    SqlPos pos;
    union {
        QuerySpec *select;
        Relation *relation;                        /* VALUES (REL_VALUES), TABLE t (REL_TABLE) */
        struct { SetOperation op; bool all, corresponding; QueryBody *left, *right;
                 const Ident *by; size_t n_by; /* CORRESPONDING BY (…) */ } set;
        Query *query;                              /* (query) */
    };
    /* analyzer: */
    Field *fields; size_t n_fields;
};

struct NamedQuery {
    Ident name;
    const Ident *columns; size_t n_columns;
    Query *query;
    /* analyzer: */
    int id;
    Field *fields; size_t n_fields;
    bool is_recursive;
};

struct Query {
    SqlPos pos;
    Routine **functions; size_t n_functions;      /* WITH FUNCTION … */
    bool recursive;
    NamedQuery **with; size_t n_with;
    QueryBody *body;
    SortItem *order_by; size_t n_order_by;
    Expr *offset, *limit;         /* integer or parameter; LIMIT ALL: NULL */
    bool limit_all, with_ties;    /* FETCH FIRST … WITH TIES */
    bool fetch_first;
    /* analyzer: */
    Field *fields; size_t n_fields;
    bool is_correlated;
    int first_relation, last_relation; /* the relations inside have ids first < id <= last */
};

/* ---- statements ---- */

typedef struct SessionAssignment {
    QualifiedName name;
    Expr *value;
    SqlPos pos;
} SessionAssignment; /* WITH SESSION a.b = 1 */

typedef enum MergeAction { MERGE_UPDATE, MERGE_DELETE, MERGE_INSERT } MergeAction;
typedef struct MergeCase {
    SqlPos pos;
    bool matched;                 /* WHEN [NOT] MATCHED */
    MergeAction action;
    Expr *condition;              /* AND …; NULL: none */
    const Ident *columns; size_t n_columns;   /* UPDATE SET, INSERT (…); none: INSERT VALUES in table order */
    Expr **values; size_t n_values;
} MergeCase;

typedef struct ColumnDef {
    Ident name;
    const TypeName *type;
    bool not_null;
    Expr *default_value;
    Str comment;                  /* ptr NULL: none */
    Property *properties; size_t n_properties;
    /* LIKE t [INCLUDING PROPERTIES]: */
    bool is_like, including_properties;
    QualifiedName like;
    const SqlType *resolved;      /* analyzer */
} ColumnDef;

typedef enum WhenStale { WHEN_STALE_UNSAID, WHEN_STALE_INLINE, WHEN_STALE_FAIL } WhenStale;

typedef enum StatementKind {
    STMT_QUERY,
    STMT_INSERT,
    STMT_DELETE,
    STMT_UPDATE,
    STMT_MERGE,
    STMT_TRUNCATE,
    STMT_CREATE_SCHEMA,
    STMT_DROP_SCHEMA,
    STMT_RENAME_SCHEMA,
    STMT_CREATE_TABLE,
    STMT_CREATE_TABLE_AS,
    STMT_DROP_TABLE,
    STMT_RENAME_TABLE,
    STMT_ADD_COLUMN,
    STMT_DROP_COLUMN,
    STMT_RENAME_COLUMN,
    STMT_SET_COLUMN_TYPE,
    STMT_SET_PROPERTIES,
    STMT_COMMENT,
    STMT_CREATE_VIEW,
    STMT_DROP_VIEW,
    STMT_RENAME_VIEW,
    STMT_CREATE_MATERIALIZED_VIEW,
    STMT_REFRESH_MATERIALIZED_VIEW,
    STMT_DROP_MATERIALIZED_VIEW,
    STMT_RENAME_MATERIALIZED_VIEW,
    STMT_SET_MATERIALIZED_VIEW_PROPERTIES,
    STMT_CREATE_BRANCH,
    STMT_DROP_BRANCH,
    STMT_FAST_FORWARD_BRANCH,
    STMT_SHOW_CATALOGS,
    STMT_SHOW_SCHEMAS,
    STMT_SHOW_TABLES,
    STMT_SHOW_COLUMNS /* also DESCRIBE */,
    STMT_SHOW_CREATE_TABLE,
    STMT_SHOW_CREATE_SCHEMA,
    STMT_SHOW_CREATE_VIEW,
    STMT_SHOW_CREATE_MATERIALIZED_VIEW,
    STMT_SHOW_FUNCTIONS,
    STMT_SHOW_SESSION,
    STMT_SHOW_STATS,
    STMT_SHOW_BRANCHES,
    STMT_EXPLAIN,
    STMT_EXPLAIN_ANALYZE,
    STMT_USE,
    STMT_SET_SESSION,
    STMT_RESET_SESSION,
    STMT_SET_TIME_ZONE,
    STMT_PREPARE,
    STMT_DEALLOCATE,
    STMT_EXECUTE,
    STMT_EXECUTE_IMMEDIATE,
    STMT_DESCRIBE_INPUT,
    STMT_DESCRIBE_OUTPUT,
    STMT_START_TRANSACTION,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_CALL,
    STMT_ANALYZE,
    STMT_SET_ROLE,
    STMT_SET_PATH,
    STMT_SET_SESSION_AUTHORIZATION,
    STMT_RESET_SESSION_AUTHORIZATION,
    STMT_ALTER_EXECUTE,
    STMT_CREATE_FUNCTION,
    STMT_DROP_FUNCTION,
    STMT_UNSUPPORTED /* recognised by its first words, refused with NOT_SUPPORTED; `what` says what it is */,
} StatementKind;

struct Statement {
    StatementKind kind;
    SqlPos pos;
    Str text;                     /* the whole statement, without a trailing semicolon */
    int n_parameters;             /* of the statement itself, PREPARE's inner ones not counted */
    bool if_exists, if_not_exists, or_replace;
    QualifiedName name;           /* table, schema, view, session property, prepared statement, procedure */
    QualifiedName
        target; /* RENAME … TO; SHOW … FROM/IN; ALTER TABLE EXECUTE: procedure; USE: schema in `name` */
    Ident branch;                 /* INSERT INTO t @ branch; CREATE, DROP, ALTER BRANCH branch */
    Ident other_branch;           /* CREATE BRANCH … FROM x, FAST FORWARD TO x; text.ptr NULL: none */
    Query *query;                 /* QUERY, INSERT, CREATE TABLE AS, CREATE VIEW */
    const Ident *columns; size_t n_columns;        /* INSERT (a, b), CREATE TABLE AS (a, b) */
    ColumnDef *column_defs; size_t n_column_defs;
    Property *properties; size_t n_properties;
    Str comment;                  /* ptr NULL: none, or COMMENT IS NULL */
    bool with_data, cascade, view_security_invoker, is_view_comment, is_column_comment;
    Str like, like_escape;        /* SHOW … LIKE 'x' ESCAPE 'y'; ptr NULL: none */
    Statement *inner;             /* EXPLAIN, PREPARE, EXECUTE IMMEDIATE (parsed from `immediate`) */
    Str immediate;                /* EXECUTE IMMEDIATE 'text' */
    Expr **args; size_t n_args;   /* EXECUTE … USING, CALL, ALTER TABLE EXECUTE, SET PATH (names) */
    const Ident *arg_names;       /* CALL p(a => 1); NULL: none */
    Str explain_type, explain_format;     /* upper case; empty: none */
    Expr *value; /* SET SESSION, SET TIME ZONE (NULL: LOCAL), SET SESSION AUTHORIZATION (a string) */
    Expr *where;                  /* DELETE, UPDATE, ALTER TABLE EXECUTE */
    const Ident *set_columns; Expr **set_values; size_t n_set;   /* UPDATE */
    Str what; /* UNSUPPORTED: "CREATE ROLE"; SET ROLE: "ALL", "NONE" or "ROLE" (then in `name`) */
    const TypeName *column_type;  /* SET DATA TYPE */
    Str isolation; bool read_only;
    Relation *target_relation, *source_relation; Expr *merge_on;    /* MERGE: parsed, refused for now */
    MergeCase *merge_cases; size_t n_merge_cases;
    QualifiedName column;  /* ADD, DROP, RENAME COLUMN, SET DATA TYPE: more than one part is a nested field */
    bool column_if_exists; /* DROP, RENAME COLUMN IF EXISTS; ADD COLUMN IF NOT EXISTS sets if_not_exists */
    bool column_first; Ident column_after;                          /* ADD COLUMN … FIRST | AFTER x */
    bool verbose;                 /* EXPLAIN ANALYZE VERBOSE */
    Routine *routine;             /* CREATE FUNCTION; DROP FUNCTION: its parameters */
    Expr *grace_period;           /* CREATE MATERIALIZED VIEW: an interval; NULL: not said */
    int64_t grace_period_ms;      /* analyzer; -1: unlimited */
    WhenStale when_stale;
    SessionAssignment *session; size_t n_session;                   /* WITH SESSION …, before a query */
};
