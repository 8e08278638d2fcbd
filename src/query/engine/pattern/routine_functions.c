/* routine_functions.c - what the machines of emit_routine.c call: t_routine_step(block) gives its argument
 * back, or ends a query that was cancelled; t_routine_limit(block) ends a function that ran for too long. */
#include <stdio.h>
#include <string.h>

#include "query/engine/engine_internal.h"

static void *same(void *data)
{
    return data;
}

static void bind_connection(duckdb_bind_info info)
{
    Engine *engine = duck->scalar_function_bind_get_extra_info(info);
    duckdb_client_context context;
    duck->scalar_function_get_client_context(info, &context);
    duck->scalar_function_set_bind_data(info, engine_connection_of(engine, context), NULL);
    duck->scalar_function_set_bind_data_copy(info, same);
    duck->destroy_client_context(&context);
}

static void fail(duckdb_function_info info, ErrCode code, const char *message)
{
    char text[ERROR_MESSAGE_MAX];
    const ErrInfo *e = err_info(code);
    snprintf(text, sizeof text, "TRINO:%d:%s:%s", e->trino_code, e->trino_name, message);
    duck->scalar_function_set_error(info, text);
}

static void step(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_vector out)
{
    EngineConnection *connection = duck->scalar_function_get_bind_data(info);
    if (connection && atomic_load_explicit(&connection->interrupted, memory_order_relaxed)) {
        fail(info, ERR_USER_CANCELED, "Query was canceled");
        return;
    }
    size_t n = duck->data_chunk_get_size(chunk);
    memcpy(duck->vector_get_data(out), duck->vector_get_data(duck->data_chunk_get_vector(chunk, 0)),
           n * sizeof(int32_t));
}

static void limit(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_vector out)
{
    if (duck->data_chunk_get_size(chunk) > 0)
        fail(info, ERR_EXCEEDED_TIME_LIMIT, "A function ran for more than 268435456 steps");
}

static int register_one(Engine *engine, duckdb_connection connection, const char *name,
                        duckdb_scalar_function_t run, Error *err)
{
    duckdb_scalar_function f = duck->create_scalar_function();
    duckdb_logical_type type = duck->create_logical_type(DUCKDB_TYPE_INTEGER);
    duck->scalar_function_set_name(f, name);
    duck->scalar_function_add_parameter(f, type);
    duck->scalar_function_set_return_type(f, type);
    duck->scalar_function_set_extra_info(f, engine, NULL);
    duck->scalar_function_set_bind(f, bind_connection);
    duck->scalar_function_set_function(f, run);
    duck->scalar_function_set_volatile(f); /* else constant arguments run while the plan is made */
    duckdb_state state = duck->register_scalar_function(connection, f);
    duck->destroy_logical_type(&type);
    duck->destroy_scalar_function(&f);
    return state == DuckDBError ? err_set(err, ERR_INTERNAL, "DuckDB refuses %s", name) : 0;
}

int routine_functions_register(Engine *engine, duckdb_connection connection, Error *err)
{
    if (register_one(engine, connection, "t_routine_step", step, err) < 0)
        return -1;
    return register_one(engine, connection, "t_routine_limit", limit, err);
}
