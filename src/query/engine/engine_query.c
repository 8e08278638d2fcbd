#include <stdlib.h>

#include "query/engine/engine_internal.h"
#include "query/engine/errors.h"

static const char explain_analyze[] = "EXPLAIN ANALYZE ";

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

static int to_c_string(const char *prefix, Str sql, char **ret, Error *err)
{
    size_t n = strlen(prefix);
    if (memchr(sql.ptr, 0, sql.len))
        return err_set(err, ERR_INTERNAL, "the emitted SQL contains a NUL byte");
    char *text = malloc(n + sql.len + 1);
    if (!text)
        return err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT, "no memory for %zu bytes of SQL", sql.len);
    memcpy(text, prefix, n);
    memcpy(text + n, sql.ptr, sql.len);
    text[n + sql.len] = 0;
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
    if (to_c_string("", sql, &text, err) < 0)
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
    if (to_c_string(explain_analyze, sql, &text, err) < 0)
        return -1;
    EngineResult *result = calloc(1, sizeof *result);
    int r = result ? 0 : err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT, "no memory for a result");
    if (r == 0) {
        result->connection = connection;
        result->explain_analyze = text;
        r = prepare(connection, text + sizeof explain_analyze - 1, &result->statement, err);
    } else {
        free(text);
    }
    if (r == 0 && (r = run_prepared(connection, result->statement, true, &result->duckdb, err)) == 0)
        result->has_result = true;
    if (r < 0) {
        engine_result_free(result);
        return -1;
    }
    *ret = result;
    return 0;
}

/* When a statement fails in a worker's thread between two fetches, DuckDB 1.5.5 says "Interrupted!" and loses
 * the failure: SimpleBufferedData looks at the flag by which the failing task stops the others. EXPLAIN
 * ANALYZE runs the statement again, drops its rows and keeps its error. */
static int find_lost_error(EngineResult *result, Error *err)
{
    if (result->has_result)
        duck->destroy_result(&result->duckdb);
    result->has_result = false;
    if (engine_execute(result->connection, str_from(result->explain_analyze), NULL, err) < 0)
        return -1;
    return err_set(err, ERR_INTERNAL, "the statement failed in DuckDB, and did not when it was run again");
}

static int fetch_failed(EngineResult *result, const char *text, Error *err)
{
    int r = fail(result->connection, text, err);
    if (err->code == ERR_USER_CANCELED && check_interrupted(result->connection, err) == 0)
        return find_lost_error(result, err);
    return r;
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
        return text && *text ? fetch_failed(result, text, err) : 0;
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
    free(result->explain_analyze);
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
