/* emit_internal.h - what the emitter's files share.
 *
 * Functions append DuckDB SQL to a Buf and return 0, or -1 with the error set. Text that goes into templates
 * is first written to the arena ("texts"); a text is closed: its only free names are columns and the
 * variables of user lambdas.
 *
 * A value that a form needs twice is bound once: list_transform([value], lambda m: …)[1] ("let"), unless it
 * is simple enough to be repeated. DuckDB evaluates it as one vector operation. The value itself stays
 * outside of the lambda: DuckDB allows no subquery and no correlated column inside. */
#pragma once

#include "query/analyzer/functions.h"
#include "query/engine/emitter.h"

enum {
    EMIT_SQL_MAX = 64 << 20, /* a statement of ours may name many files */
    EMIT_PINNED_MAX = 64,
    EMIT_HOISTED_MAX = 64,
    EMIT_RECURSION_DEPTH = 10, /* Trino's max_recursion_depth */
};

/* A GROUP BY expression: where an output repeats it, its text must be the same to the letter. */
typedef struct Pinned {
    const Expr *expr;
    Str text;      /* ptr NULL: a column, which needs none */
    Str key;       /* what is grouped by, where that is not the value itself (emit_key()); else ptr NULL */
    Str shown;     /* a value of the group, for what is computed of groups; ptr NULL without key */
    bool is_shown; /* of a query around: does `shown` hold where this query stands? */
} Pinned;

typedef struct Emitter {
    EmitContext *context;
    Arena *arena;
    Error *err;
    int next_let;
    int depth; /* 1: the statement's own query */
    /* What is written here is computed before the first row leaves, for an aggregation takes it in: an
     * overflow of optimistic decimals is noticed in time (EmitContext.is_optimistic). */
    bool feeds_aggregate;
    Pinned pinned[EMIT_PINNED_MAX];
    size_t n_pinned, own_pinned; /* the innermost query's begin at own_pinned, */
    bool shows_groups;           /* and this is computed of its groups, not of its rows */
    bool in_having;              /* where DuckDB does not see that m.x is of a lambda's m */
    /* subqueries of an outer join's condition, which are columns of its sides */
    struct {
        const Expr *expr;
        Str text;
    } hoisted[EMIT_HOISTED_MAX];
    size_t n_hoisted;
    int next_hoist;
    const NamedQuery *recursion; /* the recursive query that is being unrolled, */
    int step;                    /* and the step that its own name means */
    bool pattern_rows;           /* inside of an aggregate over t_frame_rows() */
    struct PatternEmit *pattern; /* the row pattern whose conditions or measures are written; NULL: none */
    const struct Wrapped *wrapped; /* relations that stand around FROM for patterns in windows */
    Str *slots;                  /* what the variables of the function that is being written are called */
    int routine_depth;
} Emitter;

/* ---- emit_query.c, emit_relation.c ---- */
int emit_query_body(Emitter *m, const Query *query, bool is_top, Buf *out);
int emit_relation(Emitter *m, const Relation *relation, Buf *out);
int emit_sort_items(Emitter *m, const SortItem *items, size_t n, bool ordinals, Buf *out);

/* ---- emit_marks.c ---- */
void emit_choose_mark(char ret[EMIT_MARK_SIZE]);
int emit_scan(Emitter *m, const TableHandle *handle, const Relation *relation, Buf *out);
Str emit_start_us(Emitter *m); /* the statement's moment, an integer */
Str emit_start_ms(Emitter *m);

/* ---- emit_expr.c ---- */
int emit_expr(Emitter *m, const Expr *e, Buf *out);    /* in its own type */
int emit_coerced(Emitter *m, const Expr *e, Buf *out); /* in the type its context wants */
Str emit_text(Emitter *m, const Expr *e);              /* of emit_coerced; ptr NULL on error */
Str emit_own_text(Emitter *m, const Expr *e);
bool emit_is_simple(const Expr *e); /* cheap to write and to evaluate twice */
/* `left op right` of two texts of one type, with Trino's meaning for that type (NaN, zones, NULL inside of
 * nested values). */
int emit_compare(Emitter *m, BinaryOp op, const SqlType *type, Str left, Str right, bool right_is_constant,
                 Buf *out);
int emit_column(Emitter *m, const Expr *e, Buf *out);

/* ---- emit_key.c ---- */
/* The part of a value that is compared, sorted and grouped by: the instant of a zoned timestamp; inside of
 * nested values too. Of other types the text itself. */
void emit_key(Emitter *m, const SqlType *type, Str text, Buf *out);
bool emit_has_key(const SqlType *type);
bool emit_fields_have_key(const Field *fields, size_t n);
/* "SELECT DISTINCT * FROM (", of columns c0, c1, …, by their keys */
int emit_distinct_rows(Emitter *m, const Field *fields, size_t n, Buf *out);
/* The rows of a set operation (no UNION ALL) whose columns have keys. */
int emit_keyed_set(Emitter *m, const QueryBody *body, Str left, Str right, Buf *out);

/* ---- emit_map.c ---- */
void emit_map_get(Emitter *m, const SqlType *key_type, Str map, Str key, Buf *out); /* NULL: none */
void emit_map_contains(Emitter *m, const SqlType *key_type, Str map, Str key, Buf *out);
/* A map of a list of structs of k and v. */
int emit_map_of_entries(Emitter *m, const SqlType *key_type, Str entries, Buf *out);

/* ---- emit_group.c ---- */
int emit_groups(Emitter *m, const QuerySpec *spec, Buf *out); /* " GROUP BY …" */
Str emit_pinned_text(Emitter *m, const Expr *e);              /* ptr NULL: it has none of its own */
int emit_group_key(Emitter *m, const Expr *e, Buf *out);
/* A query's groups, from begin to end; what is emitted between with shows_groups is computed of them. */
typedef struct GroupScope {
    size_t n_pinned, own_pinned;
    bool shows_groups;
} GroupScope;
void emit_groups_begin(Emitter *m, GroupScope *ret);
int emit_pin_groups(Emitter *m, const QuerySpec *spec);
void emit_groups_end(Emitter *m, const GroupScope *scope);

/* ---- emit_lazy.c ---- */
bool emit_may_fail(const Expr *e);
/* TRY_CAST of what may fail itself, or to a type that Trino refuses when it runs. */
bool emit_try_cast_is_refused(const Expr *e);
int emit_try_cast(Emitter *m, const Expr *e, Str value, Buf *out);

/* ---- emit_subquery.c ---- */
int emit_exists_predicate(Emitter *m, const Expr *e, Buf *out);
int emit_scalar_subquery(Emitter *m, const Expr *e, Buf *out);
int emit_in_subquery(Emitter *m, const Expr *e, Buf *out);
int emit_quantified(Emitter *m, const Expr *e, Buf *out);
int emit_unique(Emitter *m, const Expr *e, Buf *out);
int emit_match_predicate(Emitter *m, const Expr *e, Buf *out);
bool emit_needs_hoist(const Relation *join);
int emit_hoisted_side(Emitter *m, const Relation *join, bool right, Buf *out);

/* ---- emit_literal.c, emit_operator.c, emit_cast.c, emit_call.c ---- */
int emit_literal(Emitter *m, const Expr *e, Buf *out);
int emit_arithmetic(Emitter *m, const Expr *e, Buf *out);
int emit_cast(Emitter *m, const SqlType *from, const SqlType *to, Str value, SqlPos pos, Buf *out);
Str emit_cast_text(Emitter *m, const SqlType *from, const SqlType *to, Str value, SqlPos pos);
bool emit_cast_is_free(const SqlType *from, const SqlType *to); /* the value needs nothing done to it */
int emit_call(Emitter *m, const Expr *e, Buf *out);
int emit_json(Emitter *m, const Expr *e, Buf *out); /* emit_json.c */
int emit_json_table(Emitter *m, const Relation *relation, Buf *out);
int emit_subscript(Emitter *m, const Expr *e, Buf *out);

/* Several values at once, each known as names[i] (made by emit_lets_begin()). */
enum { EMIT_LETS_MAX = 16 };
typedef struct Lets {
    Str variable;
    Str names[EMIT_LETS_MAX], values[EMIT_LETS_MAX];
    size_t n;
} Lets;
Str emit_lets_add(Emitter *m, Lets *lets, Str value); /* the name */
void emit_lets(Buf *out, const Lets *lets, Str body); /* without values: the body alone */

/* ---- emit_try.c ---- */
/* `text`, the emission of e, which DuckDB must not compute anywhere else: it is behind the first of a
 * coalesce(). `id` tells it from equal texts in other places. */
void emit_alone(Emitter *m, const Expr *e, Str text, uint32_t id, Buf *out);
/* TRY around what is emitted of `operand` between the two. */
typedef struct Try {
    const Expr *operand;
    Lets lets;
    size_t hoisted;
} Try;
int emit_try_begin(Emitter *m, const Expr *operand, Try *ret);
int emit_try_end(Emitter *m, Try *try, Str text, Buf *out);

/* ---- emit_variant.c ---- */
int emit_to_variant(Emitter *m, const SqlType *from, Str value, SqlPos pos, Buf *out);

/* ---- emit_time.c ---- */
bool emit_is_wide(const SqlType *type); /* a time or timestamp of more than six digits */
/* A value on its way through an emission of the native types: `value` stands for it, `whole` has all digits.
 */
typedef struct Narrowed {
    const SqlType *type;
    Lets lets;
    Str whole, value;
} Narrowed;
Narrowed emit_narrow_begin(Emitter *m, const SqlType *type, Str value, bool is_simple);
/* `body`, of the native type, with the digits (or without) and the zone that the value had. */
void emit_narrow_end(Emitter *m, const Narrowed *n, Str body, bool keeps_picos, Buf *out);
bool emit_cast_is_wide(const SqlType *from, const SqlType *to);
int emit_wide_cast(Emitter *m, const SqlType *from, const SqlType *to, Str value, SqlPos pos, Buf *out);
int emit_wide_text(const SqlType *from, Str value, Buf *out);
struct TimestampLiteral;
int emit_wide_literal(Emitter *m, const Expr *e, const struct TimestampLiteral *t, int64_t days, Buf *out);
int emit_time_at_zone(Emitter *m, Str value, Str zone, TypeKind zone_kind, Buf *out);
Str emit_now_us(Emitter *m); /* the statement's start */

/* ---- emit_match.c, emit_pattern.c ---- */
typedef struct Wrapped {
    const struct Wrapped *next; /* those inside, and those of queries around */
    const Relation *match;
} Wrapped;
int emit_match(Emitter *m, const Relation *relation, Buf *out);
int emit_pattern_input(Emitter *m, const Expr *e, Buf *out);
/* What goes around an aggregate over rows of a match: its FILTER and OVER. */
int emit_pattern_over(Emitter *m, const Expr *e, Buf *out);
/* In a condition that is asked while matching, an aggregate is a subquery: 1 written, 0 not so here. */
int emit_pattern_aggregate(Emitter *m, const Expr *e, Buf *out);
/* A column of FROM that now stands inside of relations of row patterns; ref->relation NULL: it is not so. */
FieldRef emit_wrapped_ref(const Emitter *m, const FieldRef *ref);
/* The relations of patterns in windows that `from` starts with, on top of those that there are. */
const Wrapped *emit_wrap(Emitter *m, const Relation *from);
/* Which text stands for a value of a row of the match. */
typedef enum PatternMode { PATTERN_SOURCE, PATTERN_DYNAMIC, PATTERN_MEASURE } PatternMode;
typedef struct Lag { const Field *field; int index, physical; } Lag; /* index: of the input's fields */
typedef struct PatternEmit {
    PatternMode mode;
    const Relation *match;
    int label;   /* SOURCE: of the variable that is defined */
    int visible; /* SOURCE: how far back rows may be seen; -1: as far as wanted */
    Vec(Lag) lags;
    Vec(int) asked; /* DYNAMIC: the navigations used */
} PatternEmit;
bool emit_field_is_stored(const Field *field);
/* The pattern as instructions of engine/pattern/matcher.h, written out in numbers. */
struct PatternPlan;
int emit_pattern_program(Emitter *m, const PatternSpec *spec, Buf *out);
/* How a condition can be known. */
bool emit_condition_is_source(const Relation *match, const Expr *e, int label, int *ret_back);
bool emit_condition_has_query(const Expr *e);

/* ---- emit_routine.c ---- */
int emit_routine_call(Emitter *m, const Expr *e, Buf *out);

/* "(DISTINCT args ORDER BY …) FILTER (…) OVER (…)" (emit_call.c) */
int emit_aggregate_list(Emitter *m, const Expr *e, Str args, Buf *out);

/* ---- helpers ---- */
Str emit_zone_literal(Emitter *m); /* the session's zone, quoted */
int emit_not_supported(Emitter *m, SqlPos pos, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Is the type one whose values are not carried yet (more than 6 fractional digits, NUMBER, …)? */
bool emit_type_is_carried(const SqlType *type);
Str emit_let_name(Emitter *m);
/* list_transform([value], lambda name: body)[1] */
void emit_let(Buf *out, Str name, Str value, Str body);

#define DUCKDB(m, type) STR_ARG(sql_type_duckdb((type), (m)->arena))
