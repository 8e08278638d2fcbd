/* emitter.h - an analyzed statement to DuckDB SQL in which nothing depends on DuckDB's implicit behaviour.
 *
 * Relations are named r<id>, columns c<index>; user text reaches DuckDB only as quoted literals. Every
 * operator whose meaning differs goes through a t_* function (engine/functions) or a plain operator where the
 * analyzer's facts prove them equal. */
#pragma once

#include "query/analyzer/analyzer.h"

/* A scan that is written later, for each run of the text anew. */
typedef struct EmittedScan {
    const TableHandle *handle;
    const Relation *relation;
} EmittedScan;

enum { EMIT_MARK_SIZE = 17 };

struct EmitContext {
    Arena *arena;
    const AnalyzerSession *session;
    void *statement; /* the running statement, for connectors: pins, statistics (connector/scan_context.h) */
    /* Arithmetic of decimals under an aggregate is done in 64 bits where DuckDB would do so by itself, and
     * would fail beyond. That happens to no real data. When it does (NUMERIC_VALUE_OUT_OF_RANGE before the
     * first row), emit again with exact_decimals and run that; writes ask for it from the start. */
    bool exact_decimals;
    bool is_optimistic; /* set by emit_query(): it did so */
    /* The text is to be run more than once: scans and the statement's moment are left out, and marks stand
     * for them, which no text of a user can hold (hexadecimal digits by chance). */
    bool has_marks;
    char mark[EMIT_MARK_SIZE]; /* set by emit_query() */
    Vec(EmittedScan) scans;
};

/* The query's columns come out as c0, c1, … in the coerced types of analysis->columns. */
int emit_query(EmitContext *context, const Query *query, Buf *out, Error *err);
/* The text of another statement's emit_query(), for this one: `scans` with handles of this statement. */
int emit_fill_marks(EmitContext *context, Str text, const char *mark, const EmittedScan *scans, Buf *out,
                    Error *err);
/* A scalar expression without columns (parameters, session values). */
int emit_constant(EmitContext *context, const Expr *expr, Buf *out, Error *err);
void emit_string_literal(Buf *out, Str value);
