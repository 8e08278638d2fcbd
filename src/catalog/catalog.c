/* catalog.c - the role: what it is made of, and its life. */
#include "catalog/catalog.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"

static bool check_database(void *user, Str *ret_message)
{
    const Catalog *c = user;
    bool failed = registry_has_failed(c->registry);

    *ret_message = failed ? STR("a write failed; restarting") : STR("");
    return !failed;
}

static bool check_storage(void *user, Str *ret_message)
{
    const Catalog *c = user;
    bool connected = storage_client_is_connected(c->storage);

    *ret_message = connected ? STR("") : STR("storage is not reachable");
    return connected;
}

static void collect_metrics(void *user)
{
    Catalog *c = user;
    RegConn *conn = registry_borrow(c->registry, NULL);
    int64_t n;

    if (conn && reg_count_tables(conn, &n, NULL) == 0)
        metric_set(METRIC_CATALOG_TABLES, (double)n);
    registry_return(c->registry, conn);
}

static int read_warehouse(Catalog *c, Error *err)
{
    Str warehouse = config_str(c->context->config, "catalog.warehouse"), bucket, key;

    while (warehouse.len > 0 && warehouse.ptr[warehouse.len - 1] == '/')
        warehouse.len--;
    c->warehouse = arena_printf(c->arena, "%.*s/", STR_ARG(warehouse));
    if (!str_has_prefix(c->warehouse, STR("s3://")) ||
        storage_uri_split(c->warehouse, &bucket, &key, NULL) < 0 || bucket.len == 0)
        return err_set(
            err, ERR_CONFIG,
            "catalog.warehouse: \"%.*s\" is no location; expected s3://bucket/ or s3://bucket/path/",
            STR_ARG(warehouse));
    return 0;
}

static void catalog_init(Catalog *c, const RoleContext *context)
{
    *c = (Catalog){.context = context,
                   .arena = arena_new(1 << 20),
                   .documents = cat_document_cache_new(CATALOG_CACHE_BYTES),
                   .keys = map_new(),
                   .reservations = map_new()};
    for (size_t i = 0; i < CATALOG_LOCK_STRIPES; i++)
        pthread_mutex_init(&c->stripes[i], NULL);
    pthread_mutex_init(&c->keys_lock, NULL);
    pthread_cond_init(&c->key_freed, NULL);
    pthread_mutex_init(&c->reservations_lock, NULL);
}

static void catalog_close(Catalog *c)
{
    Str key;
    void *value;

    cat_collector_stop(c->collector);
    cat_pending_close(c->pending);
    registry_close(c->registry);
    storage_client_free(c->storage);
    http_client_free(c->storage_http);
    cat_document_cache_free(c->documents);
    for (size_t i = 0; map_next(c->reservations, &i, &key, &value);)
        free(value);
    map_free(c->reservations);
    map_free(c->keys);
    for (size_t i = 0; i < CATALOG_LOCK_STRIPES; i++)
        pthread_mutex_destroy(&c->stripes[i]);
    pthread_mutex_destroy(&c->keys_lock);
    pthread_cond_destroy(&c->key_freed);
    pthread_mutex_destroy(&c->reservations_lock);
    arena_free(c->arena);
}

static int catalog_open(Catalog *c, Error *err)
{
    const RoleContext *context = c->context;
    Str folder = arena_printf(c->arena, "%.*s/catalog", STR_ARG(context->data_dir));
    Str storage = arena_printf(c->arena, "unix:%.*s/storage.sock", STR_ARG(context->run_dir));

    if (read_warehouse(c, err) < 0 || registry_open(folder.ptr, &c->registry, err) < 0 ||
        cat_pending_open(folder, &c->pending, err) < 0)
        return -1;
    c->storage = storage_client_new(storage, context->capability, err);
    c->storage_http = c->storage ? http_client_new(storage, context->capability, err) : NULL;
    if (!c->storage_http)
        return -1;
    return cat_recover(c, err) < 0 ? -1 : cat_collector_start(c, &c->collector, err);
}

int catalog_main(const RoleContext *context, Error *err)
{
    Catalog *c = calloc(1, sizeof *c);
    static const ReadyCheck checks[] = {{"database", check_database}, {"storage", check_storage}};
    int rc;

    if (!c)
        abort();
    catalog_init(c, context);
    rc = catalog_open(c, err);
    if (rc == 0) {
        metrics_on_collect(collect_metrics, c);
        Service service = {
            .context = context,
            .http = {.name = "catalog", .n_workers = CATALOG_WORKERS, .handler = cat_handle, .user = c},
            .checks = checks,
            .n_checks = sizeof checks / sizeof *checks};
        rc = service_run(&service, err);
    }
    catalog_close(c);
    free(c);
    return rc;
}
