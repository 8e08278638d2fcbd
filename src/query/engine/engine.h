/* engine.h - DuckDB, behind one module: nothing else includes duckdb.h but engine/ (and protocol/encode.c
 * through it).
 *
 * libduckdb is opened at run time (dlopen) by the query role only. One instance; a pool of connections, all
 * at UTC, insertion order not preserved, configuration locked, external access only to the folders that were
 * named. Every t_* function is registered at start.
 *
 * Errors of DuckDB become Errors: "TRINO:<code>:<NAME>:<message>" anywhere in the text gives that code and
 * message; out of memory is ERR_EXCEEDED_LOCAL_MEMORY_LIMIT; interrupted ERR_USER_CANCELED; conversion,
 * overflow and division errors of DuckDB's own get the Trino code they stand for; anything else is
 * ERR_INTERNAL with the text (a bug of the emitter). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "query/analyzer/types.h"

typedef struct Engine Engine;
typedef struct EngineConnection EngineConnection;
typedef struct EngineResult EngineResult;
typedef struct EngineChunk EngineChunk;

typedef struct EngineOptions {
    const char *library_path, *extension_dir, *temp_dir;
    const char *const *allowed_dirs;
    size_t n_allowed_dirs; /* folders that may be read and written: storage's objects and stages */
    int64_t memory_limit_bytes;
    int64_t spill_limit_bytes; /* of temp_dir */
    int threads;
} EngineOptions;

int engine_open(const EngineOptions *options, Engine **ret, Error *err);
void engine_close(Engine *engine);
int engine_acquire(Engine *engine, EngineConnection **ret, Error *err);       /* from the pool */
void engine_release(EngineConnection *connection);

/* Runs SQL that gives no rows (COPY, CREATE TEMP TABLE …). *ret_rows: rows changed, may be NULL. */
int engine_execute(EngineConnection *connection, Str sql, int64_t *ret_rows, Error *err);
/* Starts a query whose result is streamed. */
int engine_query(EngineConnection *connection, Str sql, EngineResult **ret, Error *err);
/* The next chunk, NULL at the end. Valid until the next call. */
int engine_next(EngineResult *result, EngineChunk **ret, Error *err);
void engine_result_free(EngineResult *result);
size_t engine_chunk_rows(const EngineChunk *chunk);
/* The values of a BIGINT column that has no NULLs; valid as long as the chunk. */
const int64_t *engine_chunk_bigints(const EngineChunk *chunk, size_t column);
void engine_interrupt(EngineConnection *connection);          /* any thread */
double engine_progress(EngineConnection *connection);         /* 0..100, or -1 when unknown; any thread */

/* Appends rows [from, to) of the chunk as JSON arrays of Trino's protocol ("[1,\"a\"],[2,null]"), by the
 * columns' Trino types (trino.md 1.5: exact digits of times, decimals as strings, doubles with a fraction,
 * chars padded, zoned timestamps with their zone). Without the client capability PARAMETRIC_DATETIME times
 * are rounded to 3 digits by the caller giving such types. */
int engine_chunk_to_json(const EngineChunk *chunk, const SqlType *const *types, size_t n_types, size_t from,
                         size_t to, Buf *out, Error *err);
