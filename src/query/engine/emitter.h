/* emitter.h - an analyzed statement to DuckDB SQL in which nothing depends on DuckDB's implicit behaviour.
 *
 * Relations are named r<id>, columns c<index>; user text reaches DuckDB only as quoted literals. Every
 * operator whose meaning differs goes through a t_* function (engine/functions) or a plain operator where the
 * analyzer's facts prove them equal. */
#pragma once

#include "query/analyzer/analyzer.h"

struct EmitContext {
    Arena *arena;
    const AnalyzerSession *session;
    void *statement; /* the running statement, for connectors: pins, statistics (connector/scan_context.h) */
    /* Arithmetic of decimals under an aggregate is done in 64 bits where DuckDB would do so by itself, and
     * would fail beyond. That happens to no real data. When it does (NUMERIC_VALUE_OUT_OF_RANGE before the
     * first row), emit again with exact_decimals and run that; writes ask for it from the start. */
    bool exact_decimals;
    bool is_optimistic; /* set by emit_query(): it did so */
};

/* The query's columns come out as c0, c1, … in the coerced types of analysis->columns. */
int emit_query(EmitContext *context, const Query *query, Buf *out, Error *err);
/* A scalar expression without columns (parameters, session values). */
int emit_constant(EmitContext *context, const Expr *expr, Buf *out, Error *err);
void emit_string_literal(Buf *out, Str value);
