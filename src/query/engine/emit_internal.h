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
    EMIT_RECURSION_MAX = 10, /* Trino's max_recursion_depth */
};

typedef struct Emitter {
    EmitContext *context;
    Arena *arena;
    Error *err;
    int next_let;
    int depth; /* 1: the statement's own query */
    /* GROUP BY expressions and their texts: where an output repeats one, its text must be the same to the
     * letter. */
    struct {
        const Expr *expr;
        Str text;
    } pinned[EMIT_PINNED_MAX];
    size_t n_pinned;
    const NamedQuery *recursion; /* the recursive query that is being unrolled, */
    int step;                    /* and the step that its own name means */
} Emitter;

/* ---- emit_query.c, emit_relation.c ---- */
int emit_query_body(Emitter *m, const Query *query, bool is_top, Buf *out);
int emit_relation(Emitter *m, const Relation *relation, Buf *out);
int emit_sort_items(Emitter *m, const SortItem *items, size_t n, bool ordinals, Buf *out);

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
/* The part of a value that is compared, sorted and grouped by: the instant of a zoned timestamp. */
void emit_key(const SqlType *type, Str text, Buf *out);

/* ---- emit_literal.c, emit_operator.c, emit_cast.c, emit_call.c ---- */
int emit_literal(Emitter *m, const Expr *e, Buf *out);
int emit_arithmetic(Emitter *m, const Expr *e, Buf *out);
int emit_cast(Emitter *m, const SqlType *from, const SqlType *to, Str value, SqlPos pos, Buf *out);
Str emit_cast_text(Emitter *m, const SqlType *from, const SqlType *to, Str value, SqlPos pos);
bool emit_cast_is_free(const SqlType *from, const SqlType *to); /* the value needs nothing done to it */
int emit_call(Emitter *m, const Expr *e, Buf *out);
int emit_subscript(Emitter *m, const Expr *e, Buf *out);

/* ---- helpers ---- */
Str emit_zone_literal(Emitter *m); /* the session's zone, quoted */
int emit_not_supported(Emitter *m, SqlPos pos, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Is the type one whose values are not carried yet (more than 6 fractional digits, NUMBER, …)? */
bool emit_type_is_carried(const SqlType *type);
Str emit_let_name(Emitter *m);
/* list_transform([value], lambda name: body)[1] */
void emit_let(Buf *out, Str name, Str value, Str body);

/* Several values at once, each known as names[i] (made by emit_lets_begin()). */
enum { EMIT_LETS_MAX = 16 };
typedef struct Lets {
    Str variable;
    Str names[EMIT_LETS_MAX], values[EMIT_LETS_MAX];
    size_t n;
} Lets;
Str emit_lets_add(Emitter *m, Lets *lets, Str value); /* the name */
void emit_lets(Buf *out, const Lets *lets, Str body); /* without values: the body alone */
#define DUCKDB(m, type) STR_ARG(sql_type_duckdb((type), (m)->arena))
