#include "query/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "query/engine/engine_internal.h"
#include "query/engine/errors.h"

/* Extensions are loaded by path, with their signature checked, before the file system is closed. A missing
 * one is no reason not to start: what needs it says so. */
static const char *const extensions[] = {"tpch", "tpcds"};

static int run(duckdb_connection connection, const char *sql, Error *err)
{
    duckdb_result result;
    int r = 0;
    if (duck->query(connection, sql, &result) == DuckDBError) {
        engine_error(duck->result_error(&result), err);
        r = err_prefix(err, "%.80s", sql);
    }
    duck->destroy_result(&result);
    return r;
}

static int put_literal(Buf *out, const char *text)
{
    buf_putc(out, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            buf_putc(out, '\'');
        buf_putc(out, *p);
    }
    return buf_putc(out, '\'');
}

static int load_extensions(duckdb_connection connection, const char *dir, Error *err)
{
    for (size_t i = 0; dir && i < sizeof extensions / sizeof *extensions; i++) {
        _cleanup_buf_ Buf path = BUF_INIT(8192), sql = BUF_INIT(16384);
        buf_printf(&path, "%s/%s.duckdb_extension", dir, extensions[i]);
        if (access(path.data, R_OK) != 0) {
            log_warn("engine.extension_missing", L_STR("path", buf_str(&path)));
            continue;
        }
        buf_puts(&sql, "LOAD ");
        put_literal(&sql, path.data);
        if (buf_check(&sql, err) < 0 || run(connection, sql.data, err) < 0)
            return -1;
    }
    return 0;
}

/* The order matters: folders can be named only while access is still open, and nothing can be set after the
 * lock. */
static int lock_down(duckdb_connection connection, const EngineOptions *options, Error *err)
{
    _cleanup_buf_ Buf sql = BUF_INIT(1 << 20);
    buf_puts(&sql, "SET GLOBAL allowed_directories=[");
    for (size_t i = 0; i < options->n_allowed_dirs; i++) {
        if (i > 0)
            buf_putc(&sql, ',');
        put_literal(&sql, options->allowed_dirs[i]);
    }
    buf_puts(&sql, "]");
    if (buf_check(&sql, err) < 0 || run(connection, sql.data, err) < 0)
        return -1;
    static const char *const settings[] = {
        "SET GLOBAL TimeZone='UTC'",
        "SET GLOBAL Calendar='gregorian'",
        "SET GLOBAL scalar_subquery_error_on_multiple_rows=true",
        "SET GLOBAL allow_community_extensions=false",
        "SET GLOBAL enable_external_access=false",
        "SET GLOBAL lock_configuration=true",
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (run(connection, settings[i], err) < 0)
            return -1;
    return 0;
}

static int open_database(const EngineOptions *options, duckdb_database *ret, Error *err)
{
    char memory[32], threads[16], spill[32];
    snprintf(spill, sizeof spill, "%lldB", (long long)options->spill_limit_bytes);
    snprintf(memory, sizeof memory, "%lldB", (long long)options->memory_limit_bytes);
    snprintf(threads, sizeof threads, "%d", options->threads);
    const struct {
        const char *name, *value;
    } settings[] = {
        {"threads", threads},
        {"memory_limit", memory},
        {"temp_directory", options->temp_dir},
        {"max_temp_directory_size", options->spill_limit_bytes > 0 ? spill : NULL},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_unsigned_extensions", "false"},
        {"preserve_insertion_order", "false"},
    };
    duckdb_config config;
    if (duck->create_config(&config) == DuckDBError)
        return err_set(err, ERR_INTERNAL, "DuckDB gives no configuration");
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof settings / sizeof *settings; i++)
        if (settings[i].value && duck->set_config(config, settings[i].name, settings[i].value) == DuckDBError)
            r = err_set(err, ERR_CONFIG, "DuckDB refuses %s=%s", settings[i].name, settings[i].value);
    char *text = NULL;
    if (r == 0 && duck->open_ext(":memory:", ret, config, &text) == DuckDBError)
        r = engine_error(text, err);
    if (text)
        duck->free(text);
    duck->destroy_config(&config);
    return r;
}

static int connection_new(Engine *engine, EngineConnection **ret, Error *err)
{
    EngineConnection *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(err, ERR_LIMIT, "no memory for a connection");
    c->engine = engine;
    if (duck->connect(engine->database, &c->duckdb) == DuckDBError) {
        free(c);
        return err_set(err, ERR_INTERNAL, "DuckDB refuses a connection");
    }
    duckdb_client_context context;
    duck->connection_get_client_context(c->duckdb, &context);
    c->id = duck->client_context_get_connection_id(context);
    duck->destroy_client_context(&context);
    pthread_mutex_lock(&engine->lock);
    c->next = engine->all;
    if (c->next)
        c->next->previous = c;
    engine->all = c;
    pthread_mutex_unlock(&engine->lock);
    *ret = c;
    return 0;
}

EngineConnection *engine_connection_of(Engine *engine, duckdb_client_context context)
{
    uint64_t id = duck->client_context_get_connection_id(context);
    pthread_mutex_lock(&engine->lock);
    EngineConnection *c = engine->all;
    while (c && c->id != id)
        c = c->next;
    pthread_mutex_unlock(&engine->lock);
    return c;
}

/* Progress is known only where a connection asked for it, which it can do only before the configuration is
 * locked: so the pool is filled now; connections beyond it answer -1. */
static int fill_pool(Engine *engine, Error *err)
{
    static const char *const settings[] = {"SET enable_progress_bar=true",
                                           "SET enable_progress_bar_print=false", "SET progress_bar_time=0"};
    while (engine->n_idle < ENGINE_IDLE_MAX) {
        EngineConnection *c;
        if (connection_new(engine, &c, err) < 0)
            return -1;
        engine->idle[engine->n_idle++] = c;
        for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
            if (run(c->duckdb, settings[i], err) < 0)
                return -1;
    }
    return 0;
}

static void connection_free(EngineConnection *c)
{
    pthread_mutex_lock(&c->engine->lock);
    if (c->previous)
        c->previous->next = c->next;
    else
        c->engine->all = c->next;
    if (c->next)
        c->next->previous = c->previous;
    pthread_mutex_unlock(&c->engine->lock);
    duck->disconnect(&c->duckdb);
    free(c);
}

int engine_open(const EngineOptions *options, Engine **ret, Error *err)
{
    if (duckdb_api_load(options->library_path, err) < 0)
        return -1;
    Engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return err_set(err, ERR_LIMIT, "no memory for the engine");
    pthread_mutex_init(&engine->lock, NULL);
    int r = open_database(options, &engine->database, err);
    if (r == 0 && (r = fill_pool(engine, err)) == 0) {
        duckdb_connection c = engine->idle[0]->duckdb;
        if (load_extensions(c, options->extension_dir, err) < 0 || t_functions_register(c, err) < 0 ||
            routine_functions_register(engine, c, err) < 0 ||
            pattern_functions_register(engine, c, err) < 0 || lock_down(c, options, err) < 0)
            r = -1;
    }
    if (r < 0) {
        engine_close(engine);
        return -1;
    }
    *ret = engine;
    return 0;
}

void engine_close(Engine *engine)
{
    if (!engine)
        return;
    for (size_t i = 0; i < engine->n_idle; i++)
        connection_free(engine->idle[i]);
    if (engine->database)
        duck->close(&engine->database);
    pattern_functions_free(engine);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

int engine_acquire(Engine *engine, EngineConnection **ret, Error *err)
{
    if (atomic_load(&engine->invalid))
        return err_set(err, ERR_UNAVAILABLE, "the query engine failed and must be restarted");
    EngineConnection *c = NULL;
    pthread_mutex_lock(&engine->lock);
    if (engine->n_idle > 0)
        c = engine->idle[--engine->n_idle];
    pthread_mutex_unlock(&engine->lock);
    if (!c && connection_new(engine, &c, err) < 0)
        return -1;
    atomic_store(&c->interrupted, false);
    *ret = c;
    return 0;
}

void engine_release(EngineConnection *connection)
{
    if (!connection)
        return;
    Engine *engine = connection->engine;
    pthread_mutex_lock(&engine->lock);
    bool keep = engine->n_idle < ENGINE_IDLE_MAX;
    if (keep)
        engine->idle[engine->n_idle++] = connection;
    pthread_mutex_unlock(&engine->lock);
    if (!keep)
        connection_free(connection);
}

void engine_interrupt(EngineConnection *connection)
{
    atomic_store(&connection->interrupted, true);
    duck->interrupt(connection->duckdb);
}

double engine_progress(EngineConnection *connection)
{
    return duck->query_progress(connection->duckdb).percentage;
}
