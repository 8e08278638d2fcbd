/* statement_context.h - one running statement as the connectors and the engine see it.
 *
 * Made by protocol/ for each statement, reached by connectors through EmitContext.statement. Numbers are
 * written by the statement's thread and read by others (protocol statistics): they are atomic. What a
 * statement holds (pins, stages) is registered with arena_on_free(arena, …) and so is let go when the
 * statement ends, however it ends. */
#pragma once

#include <stdatomic.h>

#include "query/analyzer/analyzer.h"
#include "query/engine/engine.h"

typedef struct Catalogs Catalogs;

struct SessionProperty;

typedef struct StatementContext {
    Arena *arena;
    Catalogs *catalogs;
    const AnalyzerSession *session;
    EngineConnection *connection;
    Str query_id;
    Str task_key; /* exactly-once key of a workflow's task; empty: none */
    /* Session properties of the connector's, validated (session_properties.def): name and text,
     * NULL-terminated names. */
    const struct SessionProperty *properties;
    size_t n_properties;
    void *held;               /* what catalogs_statement_ended() lets go of */
    MetadataSource *metadata; /* made by catalogs_metadata(); one a statement */
    _Atomic bool cancelled;
    _Atomic int64_t files_read, files_pruned, bytes_read, rows_read, files_written, bytes_written,
        rows_written;
} StatementContext;

typedef struct SessionProperty {
    Str catalog /* empty: system */, name, value;
} SessionProperty;
