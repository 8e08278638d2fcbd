/* engine_internal.h - what engine*.c and encode*.c share. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "query/engine/duckdb_api.h"
#include "query/engine/engine.h"

enum { ENGINE_IDLE_MAX = 16 }; /* connections kept; a connection is some 10 KB */

struct Engine {
    duckdb_database database;
    pthread_mutex_t lock;
    EngineConnection *idle[ENGINE_IDLE_MAX];
    size_t n_idle;
    EngineConnection *all; /* every connection there is */
    struct Registry *patterns; /* of t_match.c */
    atomic_bool invalid; /* DuckDB gave a FATAL error: only a new process helps */
};

struct EngineConnection {
    Engine *engine;
    duckdb_connection duckdb;
    /* DuckDB forgets an interrupt that comes before a statement starts to run; this does not. Cleared on
     * acquire. */
    atomic_bool interrupted;
    uint64_t id; /* DuckDB's */
    EngineConnection *next, *previous;
};

struct EngineChunk {
    duckdb_data_chunk duckdb;
    size_t n_rows;
};

struct EngineResult {
    EngineConnection *connection;
    char *explain_analyze; /* EXPLAIN ANALYZE and the statement: only for find_lost_error */
    duckdb_prepared_statement statement;
    duckdb_result duckdb;
    bool has_result;
    EngineChunk chunk;
};

/* The connection that DuckDB knows by this context; NULL: none of ours. Functions that run long look at its
 * `interrupted`: DuckDB itself looks only between vectors. */
EngineConnection *engine_connection_of(Engine *engine, duckdb_client_context context);
/* t_routine_step, t_routine_limit; t_match, t_frame, t_frame_rows. */
int routine_functions_register(Engine *engine, duckdb_connection connection, Error *err);
int pattern_functions_register(Engine *engine, duckdb_connection connection, Error *err);
void pattern_functions_free(Engine *engine);
/* Registers every t_* function. */
int t_functions_register(duckdb_connection connection, Error *err);
