/* query_main.c - the query role: DuckDB inside, Trino's protocol outside. Read server.h and statement.h
 * first. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"
#include "query/protocol/plan.h"
#include "query/protocol/server.h"

enum { TICK_MS = 200, TICKS_A_SWEEP = 5 };

static Str find_library(const RoleContext *c, Arena *arena)
{
    Str set = config_str(c->config, "query.duckdb_library");
    if (set.len)
        return set;
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    Str dir = n > 0 ? str_of(exe, (size_t)n) : STR("");
    dir = str_slice(dir, 0, (size_t)(str_rfind_char(dir, '/') + 1));
    static const char *const places[] = {"../third_party/duckdb/libduckdb.so",
                                         "../lib/lakehouse/libduckdb.so", "libduckdb.so"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        Str path = arena_printf(arena, "%.*s%s", STR_ARG(dir), places[i]);
        if (fs_exists(path.ptr))
            return path;
    }
    return STR("libduckdb.so");
}

static Str find_extensions(const RoleContext *c, Str library, Arena *arena)
{
    Str set = config_str(c->config, "query.extension_folder");
    if (set.len)
        return set;
    ptrdiff_t slash = str_rfind_char(library, '/');
    return slash < 0 ? STR("")
                     : arena_printf(arena, "%.*s/extensions", STR_ARG(str_slice(library, 0, (size_t)slash)));
}

/* Storage needs room where queries spill: a runaway query must not take the disk from it. */
static int64_t spill_limit(const Config *config, const char *folder)
{
    struct statvfs disk;
    int64_t set = config_int(config, "query.spill_limit");
    if (set > 0)
        return set;
    if (statvfs(folder, &disk) != 0)
        return INT64_C(10) << 30;
    return (int64_t)(disk.f_bavail / 2 * disk.f_frsize);
}

static int64_t memory_limit(const Config *config)
{
    int64_t set = config_int(config, "query.memory_limit");
    if (set)
        return set;
    return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 2;
}

static int open_engine(Server *server, Arena *arena, Error *err)
{
    const RoleContext *c = server->context;
    Str library = find_library(c, arena);
    Str temp = arena_printf(arena, "%.*s/query/tmp", STR_ARG(c->data_dir));
    Str storage = arena_printf(arena, "%.*s/storage", STR_ARG(c->data_dir));
    /* What an earlier run left: spilled data and uploads that were never finished. */
    Str cache = arena_printf(arena, "%.*s/query/cache", STR_ARG(c->data_dir));
    if (fs_remove_tree(temp.ptr, err) || fs_mkdir_all(temp.ptr, 0700, err) ||
        fs_mkdir_all(cache.ptr, 0700, err))
        return -1;
    const char *dirs[] = { temp.ptr, storage.ptr, cache.ptr };
    int threads = (int)config_int(c->config, "query.threads");
    EngineOptions options = {.library_path = library.ptr,
                             .extension_dir = find_extensions(c, library, arena).ptr,
                             .temp_dir = temp.ptr,
                             .allowed_dirs = dirs,
                             .n_allowed_dirs = sizeof dirs / sizeof *dirs,
                             .memory_limit_bytes = memory_limit(c->config),
                             .spill_limit_bytes = spill_limit(c->config, temp.ptr),
                             .threads = threads ? threads : (int)sysconf(_SC_NPROCESSORS_ONLN)};
    return engine_open(&options, &server->engine, err);
}

static int open_catalogs(Server *server, Error *err)
{
    const RoleContext *c = server->context;
    CatalogsOptions options = {.iceberg_name = server->iceberg_name,
                               .data_dir = c->data_dir,
                               .run_dir = c->run_dir,
                               .capability = c->capability,
                               .warehouse = config_str(c->config, "catalog.warehouse"),
                               .generated_limit_bytes =
                                   config_int(c->config, "query.generated_data_limit"),
                               .engine = server->engine,
                               .node_uri = c->public_url,
                               .node_id = server->node_id,
                               .each_query = server_each_query,
                               .each_query_arg = server};
    return catalogs_new(&options, &server->catalogs, err);
}

static bool check_storage(void *user, Str *ret_message)
{
    *ret_message = STR("the storage role does not answer");
    return catalogs_storage_ready(((Server *)user)->catalogs);
}

static bool check_catalog(void *user, Str *ret_message)
{
    *ret_message = STR("the catalog role does not answer");
    return catalogs_catalog_ready(((Server *)user)->catalogs);
}

/* Goes on while the server drains: requests that wait are still to be answered. */
static void *sweep(void *arg)
{
    Server *server = arg;
    for (int tick = 1; !server->stopped; tick++) {
        clock_sleep_ms(TICK_MS);
        server_expire_waiters(server);
        if (tick % TICKS_A_SWEEP == 0)
            server_sweep(server);
    }
    return NULL;
}

static void begin_drain(void *user) { ((Server *)user)->draining = true; }

static void make_names(Server *server, Arena *arena)
{
    static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
    for (size_t i = 0; i < 5; i++)
        server->coordinator_id[i] = alphabet[rng_u64() % (sizeof alphabet - 1)];
    server->node_id = arena_printf(arena, "lakehouse-%s", server->coordinator_id);
    server->iceberg_name = config_str(server->context->config, "query.catalog");
}

int query_main(const RoleContext *context, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Server *server = calloc(1, sizeof *server);
    if (!server)
        abort();
    server->context = context;
    server->started_us = clock_monotonic_us();
    server->client_timeout_us = config_int(context->config, "query.client_timeout") * 1000;
    server->plans = arena_cache_new(PLANS_MAX, PLANS_BYTES_MAX);
    server->max_run_time = session_time_limit(config_int(context->config, "query.max_run_time") * 1000);
    pthread_mutex_init(&server->lock, NULL);
    pthread_mutex_init(&server->transactions.lock, NULL);
    make_names(server, arena);
    if (open_engine(server, arena, err) || open_catalogs(server, err))
        return -1;
    server->pool = worker_pool_new("statement", (size_t)config_int(context->config, "query.max_concurrent"),
                                   (size_t)config_int(context->config, "query.max_queued"));
    pthread_t sweeper;
    if (thread_start(&sweeper, "sweeper", sweep, server, err))
        return -1;
    static const ReadyCheck checks[] = { { "storage", check_storage }, { "catalog", check_catalog } };
    Service service = {
        .context = context,
        .checks = checks,
        .n_checks = 2,
        .on_drain = begin_drain,
        .http = {.name = "query", .n_workers = 256, .handler = handle_request, .user = server}};
    server->ready = true;
    int r = service_run(&service, err);
    server->draining = server->stopped = true;
    pthread_join(sweeper, NULL);
    server_cancel_all(server);       /* no client can take results any more */
    worker_pool_free(server->pool);
    arena_cache_free(server->plans);
    catalogs_free(server->catalogs);
    engine_close(server->engine);
    return r;
}
