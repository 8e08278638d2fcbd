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
};

/* The query's columns come out as c0, c1, … in the coerced types of analysis->columns. */
int emit_query(EmitContext *context, const Query *query, Buf *out, Error *err);
/* A scalar expression without columns (parameters, session values). */
int emit_constant(EmitContext *context, const Expr *expr, Buf *out, Error *err);
void emit_string_literal(Buf *out, Str value);
