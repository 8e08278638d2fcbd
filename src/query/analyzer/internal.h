/* internal.h - what the analyzer's files share.
 *
 * Names are resolved through scopes: a Scope is what the names of one query's expressions can mean, its
 * parent that of the query around it. Functions return 0, or -1 with the error set; the tree is annotated in
 * place and may be analyzed twice (a lambda's body is typed again when its parameters' types change).
 *
 * Resolved names are EXPR_COLUMN: of a relation (ref.relation), of a lambda (relation NULL, depth -1, index
 * is the parameter's number, original the lambda), or of the query's own output in ORDER BY (relation NULL,
 * depth 0). */
#pragma once

#include "query/analyzer/analyzer.h"
#include "query/analyzer/functions.h"

/* The depth of a column that is a variable of a function written in SQL. */
enum { ROUTINE_DEPTH = -2 };
enum { GROUPING_SETS_MAX = 2048, VIEW_DEPTH_MAX = 32 };

typedef struct NamedScope NamedScope;
struct NamedScope {
    const NamedScope *next;
    NamedQuery *query;
    bool is_own; /* a recursive query's reference to itself */
};

typedef struct Scope Scope;
struct Scope {
    const Scope *parent; /* of the query around; NULL: none */
    const Field *fields;
    size_t n_fields;
};

typedef struct LambdaScope LambdaScope;
struct LambdaScope {
    const LambdaScope *next;
    const Expr *lambda;
};

typedef Vec(Expr *) ExprList;

typedef struct Analyzer {
    Arena *arena;
    const AnalyzerSession *session;
    MetadataSource *metadata;
    Error *err;
    int next_id; /* of relations, named queries and lambdas */
    int view_depth;
    Vec(Routine *) routines; /* WITH FUNCTION: those that can be called here */
    const Routine *routine;  /* the one being analyzed */
    int no_correlation; /* > 0: in the ON of an outer join, where nothing of an outer scope may stand */
    Vec(TableAccess) tables;
    const SqlType **parameter_types;
    size_t n_parameters;
    Vec(struct OuterRef {
        Expr *expr;
        const Scope *scope;
    }) outer_refs; /* columns of a query used inside its subqueries */
} Analyzer;

/* What an expression may contain, and what was found in it. */
typedef struct ExprContext {
    Analyzer *a;
    const Scope *scope; /* NULL: no columns at all */
    const NamedScope *named;
    const LambdaScope *lambdas;
    ExprList aggregates, windows, groupings; /* calls found; the caller decides whether they may be there */
    const NamedWindow *window_names;
    size_t n_window_names;
    struct PatternContext *pattern; /* in MEASURES and DEFINE; else NULL */
    const char *no_subquery; /* why a subquery is refused here; NULL: it is not */
} ExprContext;

#define FAIL(a, code, position, ...)                                                                         \
    err_set_sql((a)->err, (code), (position).line, (position).column, __VA_ARGS__)

/* ---- analyze_expr.c, analyze_operator.c, analyze_call.c, literal.c ---- */
int analyze_expr(ExprContext *c, Expr *e);
int analyze_operator(ExprContext *c, Expr *e);
int analyze_comparison(ExprContext *c, Expr *e);
int analyze_call(ExprContext *c, Expr *e);
/* analyze_special_call.c: as binding does, these set def, arg_types and type. */
int bind_format(ExprContext *c, Expr *e);
typedef enum StaticCall { STATIC_BOUND, STATIC_PLAIN } StaticCall; /* PLAIN: a function of that name */
int bind_static(ExprContext *c, Expr *e, StaticCall *ret);
int analyze_literal(ExprContext *c, Expr *e);
int analyze_subquery_expr(ExprContext *c, Expr *e);
int analyze_json(ExprContext *c, Expr *e); /* analyze_json.c */
/* The columns in the order of their places; analyze_json_table.c. */
int analyze_json_table(Analyzer *a, Relation *relation, const Scope *scope, const NamedScope *named,
                       const JsonColumn *const **ret_columns, size_t *ret_n);
/* Sets what the context wants; the caller has checked that it can be. */
void coerce_to(Analyzer *a, Expr *e, const SqlType *type);
/* Analyzes, and demands a boolean: "<what> must evaluate to a boolean (actual: integer)". */
int analyze_boolean(ExprContext *c, Expr *e, const char *what);
/* Coerces all to their common type; error text "<what> must be the same type or coercible to a common type.
 * …". */
int coerce_to_common(ExprContext *c, Expr *const *items, size_t n, const char *what, const SqlType **ret);
int analyze_window(ExprContext *c, Window *window);
int merge_named_window(ExprContext *c, Window *window); /* OVER w, (w …): takes over what w says */
/* Replaces a ? by its value. */
int analyze_parameter(ExprContext *c, Expr *e);

/* ---- literals ---- */
typedef struct TimestampLiteral {
    int64_t year;
    int month, day, hour, minute, second;
    int64_t picos; /* of the second */
    int precision; /* digits of the fraction written */
    bool has_time;
    Str zone; /* ptr NULL: none */
} TimestampLiteral;
bool literal_parse_date(Str text, int64_t *ret_days);
bool literal_parse_timestamp(Str text, TimestampLiteral *ret);
bool literal_parse_time(Str text, TimestampLiteral *ret);
/* Milliseconds, or months when *ret_is_months. */
/* analyze_statement.c */
int analyze_named_query(Analyzer *a, Statement *statement, Analysis *analysis);
/* The statement's query in the types of the target's columns `map`, for INSERT. */
int analyze_fit_to_target(Analyzer *a, Statement *statement, Analysis *analysis, const int *map, size_t n);
/* analyze_columns.c */
int analyze_analyze(Analyzer *a, Statement *statement, Analysis *analysis);
/* analyze_materialized.c */
int analyze_create_materialized(Analyzer *a, Statement *statement, Analysis *analysis);
int analyze_refresh(Analyzer *a, Statement *statement, Analysis *analysis);
bool literal_parse_interval(const Expr *e, int64_t *ret, bool *ret_is_months);
/* Digits and scale of a decimal literal; false when it is none. */
bool literal_parse_decimal(Str text, int *ret_precision, int *ret_scale);

/* ---- scope.c ---- */
/* Resolves an EXPR_IDENT or EXPR_DEREFERENCE in place. */
int resolve_name(ExprContext *c, Expr *e);
bool name_is(Str a, Str b); /* as identifiers compare: case does not count */
/* As names of windows compare: quoted ones are as written, others in capitals. */
bool ident_equal(const Ident *a, const Ident *b);
bool field_has_qualifier(const Field *field, const Ident *parts, size_t n);
void mark_used(const Field *field);
/* Flattens a.b.c to its parts; false when the base is no name. */
bool name_parts(Analyzer *a, const Expr *e, QualifiedName *ret);

/* ---- analyze_relation.c, analyze_query.c, analyze_select.c, analyze_aggregate.c ---- */
int analyze_relation(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named);
void use_handle(Analyzer *a, Relation *relation, const TableHandle *handle);
/* Which part of the name it is that there is not, as the statement's error. */
int analyze_table_not_found(Analyzer *a, SqlPos pos, const Str parts[3]);
int analyze_query(Analyzer *a, Query *query, const Scope *parent, const NamedScope *named);
int analyze_select(Analyzer *a, QueryBody *body, SortItem *order_by, size_t n_order_by, const Scope *parent,
                   const NamedScope *named);
int analyze_order_by_output(Analyzer *a, SortItem *items, size_t n, const Field *fields, size_t n_fields,
                            const Scope *parent, const NamedScope *named);
/* ORDER BY 2, ORDER BY alias. 1: it was one (ordinal set), 0: not, -1: error. */
int resolve_order_ordinal(Analyzer *a, SortItem *item, const Field *fields, size_t n_fields);
int check_aggregation(Analyzer *a, QuerySpec *spec, const ExprList *grouping, Expr *const *exprs, size_t n);
int flatten_grouping(Analyzer *a, const QuerySpec *spec, ExprList *ret);
int analyze_values(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named);
/* Gives the body's outputs these types; emission casts. */
void coerce_body(QueryBody *body, const SqlType *const *types, Arena *arena);
int analyze_nearest(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named);
void name_nearest(Relation *relation); /* when its fields have been made */
/* A query that stands by itself: analyze_query(), then check_correlation(). */
int analyze_root_query(Analyzer *a, Query *query);
/* Refuses the correlated subqueries that Trino refuses. */
int check_correlation(Analyzer *a, const Query *query);
/* WHERE and inner-join conditions that touch one table only, kept with that table for pruning. */
void collect_conjuncts(Analyzer *a, Relation *from, Expr *where);
/* ---- analyze_pattern.c ---- */
int analyze_match(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named);
int analyze_pattern_clauses(Analyzer *a, PatternSpec *spec);
int analyze_pattern_expressions(Analyzer *a, PatternSpec *spec, const Scope *scope, const NamedScope *named);
/* Names and calls in MEASURES and DEFINE. 1: done, 0: it is an ordinary one, -1: error. */
int resolve_pattern_name(ExprContext *c, Expr *e);
int analyze_pattern_function(ExprContext *c, Expr *e, Str name);
int begin_pattern_aggregate(ExprContext *c, Expr *e, Str name, size_t *ret_uses);
int end_pattern_aggregate(ExprContext *c, Expr *e, size_t uses);
int check_processing(ExprContext *c, const Expr *e);
/* ---- analyze_pattern_window.c ---- */
int analyze_window_pattern(ExprContext *c, Window *window);
int analyze_measure(ExprContext *c, Expr *e);
/* Row patterns in windows become a relation around FROM and WHERE. */
int place_window_patterns(Analyzer *a, QuerySpec *spec, SortItem *order_by, size_t n_order_by);

/* ---- analyze_routine.c ---- */
int analyze_functions(Analyzer *a, const Query *query);
int analyze_routine(Analyzer *a, Routine *routine);
bool routine_exists(const Analyzer *a, Str name);
int bind_routine(ExprContext *c, Expr *e, Str name);
int place_named_arguments(ExprContext *c, Expr *e, Str name);
int analyze_function_statement(Analyzer *a, Statement *statement);

int analyze_table_function(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named);
Field *new_fields(Analyzer *a, Relation *relation, size_t n);
void set_field(Relation *relation, size_t i, Str name, const SqlType *type, Str qualifier);
int split_table_name(Analyzer *a, const QualifiedName *name, Str parts[3]);

/* ---- analyze_statement.c, analyze_dml.c ---- */
/* The visible column's index; -1: none. */
int analyze_table_column(const TableHandle *table, Str name);
/* Whether INSERT, UPDATE and MERGE take a value of this type for a column: where it is no coercion the value
 * itself must fit. */
bool analyze_can_assign(const SqlType *from, const SqlType *to);
Str analyze_type_list(Analyzer *a, const SqlType *const *types, size_t n);
/* A text that may be too long for its column. */
Expr *analyze_length_check(Analyzer *a, Expr *column, const SqlType *target);
int analyze_delete(Analyzer *a, Statement *s, Analysis *analysis);
int analyze_update(Analyzer *a, Statement *s, Analysis *analysis);
int analyze_merge(Analyzer *a, Statement *s, Analysis *analysis);
int analyze_table_execute(Analyzer *a, Statement *s, Analysis *analysis);

/* ---- expr_util.c ---- */
typedef void (*ExprVisit)(Expr *child, void *arg);
void expr_children(const Expr *e, ExprVisit visit, void *arg); /* not into subqueries */
void json_children(const Expr *e, ExprVisit visit, void *arg); /* of EXPR_JSON_FUNCTION */
bool expr_equal(const Expr *a, const Expr *b);
bool expr_is_deterministic(const Expr *e);
Str upper_text(Arena *arena, Str text);
Str expr_text(Analyzer *a, const Expr *e); /* as messages show it */
Str expr_list_text(Analyzer *a, const ExprList *list);
void expr_list_add(Analyzer *a, ExprList *list, Expr *e); /* once */
