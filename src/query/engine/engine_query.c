#include <stdlib.h>

#include "query/engine/engine_internal.h"
#include "query/engine/errors.h"

static int fail(EngineConnection *c, const char *text, Error *err)
{
    if (text && engine_error_is_fatal(text))
        atomic_store(&c->engine->invalid, true);
    return engine_error(text, err);
}

static int check_interrupted(EngineConnection *c, Error *err)
{
    return atomic_load(&c->interrupted) ? err_set(err, ERR_USER_CANCELED, "Query was canceled") : 0;
}

static int to_c_string(Str sql, char **ret, Error *err)
{
    if (memchr(sql.ptr, 0, sql.len))
        return err_set(err, ERR_INTERNAL, "the emitted SQL contains a NUL byte");
    char *text = malloc(sql.len + 1);
    if (!text)
        return err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT, "no memory for %zu bytes of SQL", sql.len);
    memcpy(text, sql.ptr, sql.len);
    text[sql.len] = 0;
    *ret = text;
    return 0;
}

static int prepare(EngineConnection *c, const char *sql, duckdb_prepared_statement *ret, Error *err)
{
    if (check_interrupted(c, err) < 0)
        return -1;
    if (duck->prepare(c->duckdb, sql, ret) == DuckDBError) {
        fail(c, duck->prepare_error(*ret), err);
        duck->destroy_prepare(ret);
        return -1;
    }
    return 0;
}

static int run_prepared(EngineConnection *c, duckdb_prepared_statement statement, bool streaming,
                        duckdb_result *ret, Error *err)
{
    duckdb_pending_result pending = NULL;
    duckdb_state state = streaming ? duck->pending_prepared_streaming(statement, &pending)
                                   : duck->pending_prepared(statement, &pending);
    int r = 0;
    if (state == DuckDBError) {
        r = fail(c, duck->pending_error(pending), err);
    } else if ((r = check_interrupted(c, err)) == 0 && duck->execute_pending(pending, ret) == DuckDBError) {
        r = fail(c, duck->result_error(ret), err);
        duck->destroy_result(ret);
    }
    duck->destroy_pending(&pending);
    return r;
}

int engine_execute(EngineConnection *connection, Str sql, int64_t *ret_rows, Error *err)
{
    char *text;
    if (to_c_string(sql, &text, err) < 0)
        return -1;
    duckdb_prepared_statement statement = NULL;
    duckdb_result result;
    int r = prepare(connection, text, &statement, err);
    free(text);
    if (r < 0)
        return -1;
    if ((r = run_prepared(connection, statement, false, &result, err)) == 0) {
        if (ret_rows)
            *ret_rows = (int64_t)duck->rows_changed(&result);
        duck->destroy_result(&result);
    }
    duck->destroy_prepare(&statement);
    return r;
}

int engine_query(EngineConnection *connection, Str sql, EngineResult **ret, Error *err)
{
    char *text;
    if (to_c_string(sql, &text, err) < 0)
        return -1;
    EngineResult *result = calloc(1, sizeof *result);
    int r = result ? 0 : err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT, "no memory for a result");
    if (r == 0) {
        result->connection = connection;
        r = prepare(connection, text, &result->statement, err);
    }
    if (r == 0 && (r = run_prepared(connection, result->statement, true, &result->duckdb, err)) == 0)
        result->has_result = true;
    free(text);
    if (r < 0) {
        engine_result_free(result);
        return -1;
    }
    *ret = result;
    return 0;
}

int engine_next(EngineResult *result, EngineChunk **ret, Error *err)
{
    EngineChunk *chunk = &result->chunk;
    if (chunk->duckdb)
        duck->destroy_data_chunk(&chunk->duckdb);
    *ret = NULL;
    if (check_interrupted(result->connection, err) < 0)
        return -1;
    chunk->duckdb = duck->fetch_chunk(result->duckdb);
    if (!chunk->duckdb) {
        const char *text = duck->result_error(&result->duckdb);
        return text && *text ? fail(result->connection, text, err) : 0;
    }
    chunk->n_rows = duck->data_chunk_get_size(chunk->duckdb);
    if (chunk->n_rows > 0)
        *ret = chunk;
    return 0;
}

void engine_result_free(EngineResult *result)
{
    if (!result)
        return;
    if (result->chunk.duckdb)
        duck->destroy_data_chunk(&result->chunk.duckdb);
    if (result->has_result)
        duck->destroy_result(&result->duckdb);
    duck->destroy_prepare(&result->statement);
    free(result);
}

size_t engine_chunk_rows(const EngineChunk *chunk)
{
    return chunk->n_rows;
}

const int64_t *engine_chunk_bigints(const EngineChunk *chunk, size_t column)
{
    return duck->vector_get_data(duck->data_chunk_get_vector(chunk->duckdb, (idx_t)column));
}
