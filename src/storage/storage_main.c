/* storage_main.c - the storage role: opens the store, makes keys and the warehouse's bucket, serves. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "storage/s3.h"
#include "storage/sessions.h"
#include "storage/uploads.h"

enum { ACCESS_KEY_CHARS = 20, SECRET_KEY_CHARS = 40, CREDENTIALS_MAX = 4096, IO_QUEUE = 16384 };

/* ---- keys ---- */

static Str own(Str s)
{
    char *copy = strndup(s.ptr ? s.ptr : "", s.len);
    if (!copy)
        abort();
    return str_of(copy, s.len);
}

static void random_key(char *out, size_t n, const char *alphabet)
{
    size_t letters = strlen(alphabet), limit = 256 - 256 % letters;
    for (size_t i = 0; i < n;) {
        uint8_t byte;
        rng_bytes(&byte, 1);
        if (byte < limit)
            out[i++] = alphabet[byte % letters];
    }
}

/* Lines "access_key=…" and "secret_key=…". */
static int read_credentials(StorageRole *role, const char *path, Error *err)
{
    _cleanup_buf_ Buf text = BUF_INIT(CREDENTIALS_MAX);
    if (fs_read_file(path, CREDENTIALS_MAX, &text, err) < 0)
        return -1;
    for (Str rest = buf_str(&text); rest.ptr;) {
        Str value;
        Str name = str_trim(str_cut(str_cut(rest, '\n', &rest), '=', &value));
        if (str_is(name, "access_key"))
            role->access_key = own(str_trim(value));
        if (str_is(name, "secret_key"))
            role->secret_key = own(str_trim(value));
    }
    if (role->access_key.len && role->secret_key.len)
        return 0;
    return err_set(err, ERR_CONFIG, "%s: expected lines access_key=… and secret_key=…", path);
}

static int make_credentials(StorageRole *role, const char *path, Error *err)
{
    char access[ACCESS_KEY_CHARS], secret[SECRET_KEY_CHARS];
    _cleanup_buf_ Buf text = BUF_INIT(CREDENTIALS_MAX);
    random_key(access, sizeof access, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    random_key(secret, sizeof secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    buf_printf(&text, "access_key=%.*s\nsecret_key=%.*s\n", ACCESS_KEY_CHARS, access, SECRET_KEY_CHARS,
               secret);
    if (fs_write_file_atomic(path, buf_str(&text), 0600, err) < 0)
        return -1;
    role->access_key = own(str_of(access, sizeof access));
    role->secret_key = own(str_of(secret, sizeof secret));
    return 0;
}

static int load_keys(StorageRole *role, Error *err)
{
    char path[BLOB_PATH_MAX];
    Str user = config_str(role->context->config, "storage.root_user"),
        password = config_str(role->context->config, "storage.root_password");
    if (user.len || password.len) {
        if (user.len < 3)
            return err_set(err, ERR_CONFIG, "storage.root_user must have at least 3 characters");
        if (password.len < 8)
            return err_set(err, ERR_CONFIG, "storage.root_password must have at least 8 characters");
        role->access_key = own(user);
        role->secret_key = own(password);
        return 0;
    }
    snprintf(path, sizeof path, "%.*s/root-credentials", STR_ARG(store_dir(role->store)));
    return fs_exists(path) ? read_credentials(role, path, err) : make_credentials(role, path, err);
}

static void name_owner(StorageRole *role)
{
    uint8_t digest[CHECKSUM_MAX_BYTES];
    checksum_of(CHECKSUM_SHA256, role->access_key, digest);
    hex_encode(digest, SHA256_BYTES, role->owner_id);
    role->owner_id[2 * SHA256_BYTES] = 0;
}

/* ---- start ---- */

static int make_warehouse(StorageRole *role, Error *err)
{
    Str uri = config_str(role->context->config, "catalog.warehouse"), key;
    BucketInfo info;
    if (!str_has_prefix(uri, STR("s3://")))
        return 0;
    Str bucket = str_cut(str_slice(uri, 5, uri.len), '/', &key);
    if (!s3_bucket_name_is_valid(bucket))
        return err_set(err, ERR_CONFIG, "catalog.warehouse: %.*s is not a bucket's name", STR_ARG(bucket));
    if (store_find_bucket(role->store, bucket, &info, NULL) == 0)
        return 0;
    StoreWrite write = {.op = STORE_CREATE_BUCKET, .bucket = bucket};
    return store_write(role->store, &write, err);
}

static void on_grace_end(void *arg)
{
    sessions_sweep_stages(arg);
}

/* Crash tests cannot wait half a minute for the first removal. */
static int64_t grace_ms(void)
{
    const char *text = getenv("LAKEHOUSE_TEST_GRACE_MS");
    int64_t ms = -1;
    if (text)
        str_to_i64(str_from(text), 0, STORE_GRACE_MS, &ms, NULL);
    return ms;
}

static int open_store(StorageRole *role, Error *err)
{
    char dir[BLOB_PATH_MAX];
    const Config *config = role->context->config;
    snprintf(dir, sizeof dir, "%.*s/storage", STR_ARG(role->context->data_dir));
    StoreOptions options = {.dir = str_from(dir),
                            .inline_limit = (uint64_t)config_int(config, "storage.inline_limit"),
                            .segment_bytes = (uint64_t)config_int(config, "storage.segment_size"),
                            .grace_ms = grace_ms()};
    if (options.inline_limit > 4 << 20)
        return err_set(err, ERR_CONFIG, "storage.inline_limit may be 4 MiB at most");
    if (options.segment_bytes < 1 << 20 || options.segment_bytes > 1ull << 32) {
        return err_set(err, ERR_CONFIG, "storage.segment_size must be between 1 MiB and 4 GiB");
    }
    return store_open(&options, &role->store, err);
}

/* ---- what the service asks ---- */

static bool index_is_ready(void *user, Str *ret_message)
{
    return store_is_writable(((StorageRole *)user)->store, ret_message);
}

static void collect_metrics(void *arg)
{
    StorageRole *role = arg;
    _cleanup_arena_ Arena *arena = arena_new(16 << 20);
    BucketInfo *buckets;
    size_t n = store_list_buckets(role->store, arena, &buckets);
    for (size_t i = 0; i < n; i++) {
        metric_set(METRIC_S3_OBJECTS, (double)buckets[i].objects, buckets[i].name);
        metric_set(METRIC_S3_BYTES, (double)buckets[i].bytes, buckets[i].name);
    }
}

static void on_drain(void *user)
{
    sessions_end_streams(((StorageRole *)user)->sessions);
}

static size_t worker_count(const StorageRole *role)
{
    int64_t n = config_int(role->context->config, "storage.threads");
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 1024 ? (size_t)n : 2 * (size_t)(cores > 0 ? cores : 1);
}

static int serve(StorageRole *role, Error *err)
{
    const ReadyCheck checks[] = {{"index", index_is_ready}};
    Service service = {
        .context = role->context,
        .http = {.name = "storage", .n_workers = worker_count(role), .handler = s3_handle, .user = role},
        .checks = checks,
        .n_checks = 1,
        .on_drain = on_drain,
    };
    metrics_on_collect(collect_metrics, role);
    return service_run(&service, err);
}

static void role_close(StorageRole *role)
{
    store_quiesce(role->store);
    if (role->io)
        worker_pool_free(role->io);
    sessions_free(role->sessions);
    uploads_free(role->uploads);
    store_close(role->store);
    free((char *)role->access_key.ptr);
    if (role->secret_key.len)
        OPENSSL_cleanse((char *)role->secret_key.ptr, role->secret_key.len);
    free((char *)role->secret_key.ptr);
    free((char *)role->region.ptr);
    pthread_mutex_destroy(&role->key_lock);
}

int storage_main(const RoleContext *context, Error *err)
{
    StorageRole role = {.context = context, .region = own(config_str(context->config, "storage.region"))};
    pthread_mutex_init(&role.key_lock, NULL);
    int result = open_store(&role, err);
    if (result == 0)
        result = load_keys(&role, err);
    if (result == 0) {
        name_owner(&role);
        role.sessions = sessions_new(&role);
        role.uploads = uploads_new(role.store);
        store_on_grace_end(role.store, on_grace_end, role.sessions);
        role.io = worker_pool_new("storage-io", worker_count(&role), IO_QUEUE);
        result = make_warehouse(&role, err);
    }
    if (result == 0)
        result = serve(&role, err);
    role_close(&role);
    return result;
}
