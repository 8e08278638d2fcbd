/* powerloss_test.c - what a power cut leaves of the store.
 *
 * A storage role runs with LAKEHOUSE_FS_TRACE: every write, sync, rename and so on is recorded, in order.
 * Clients put, replace, delete, adopt and upload in parts, and note when each call began and was
 * acknowledged. Then, for many cut points, the folder is rebuilt as the disk would have it: bytes only up to
 * their file's last sync (or, in half of the cuts, with a random part of the unsynced writes as well), names
 * only as of their folder's last sync. The store is opened on it, and for every key it must have what was
 * acknowledged last before the cut, or what was under way then: whole, or not at all.
 *
 *   powerloss_test [--cuts N] [--seed N] [--long]      default 200 cuts, --long 2,000 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/fs_trace.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "client/storage_client.h"
#include "net/http_client.h"
#include "net/service.h"
#include "storage/store.h"

#define CAPABILITY "0123456789abcdef"
#define BUCKET "lakehouse-warehouse"

enum { WORKERS = 6, KEYS = 8, OPS = 70, BODY_MAX = 200 * 1024 };

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

/* ---- the history of each key ---- */

typedef struct Op {
    int64_t begin_us, ack_us; /* ack_us INT64_MAX: never */
    size_t size;              /* SIZE_MAX: a delete */
    uint32_t seed;
} Op;

typedef struct Key {
    char name[64];
    Op ops[OPS + 1];
    size_t n;
} Key;

typedef struct Worker {
    int id;
    StorageClient *client;
    HttpClient *http;
    Key keys[KEYS];
    pthread_t thread;
} Worker;

static void make_body(char *out, size_t size, uint32_t seed)
{
    uint64_t x = seed * 0x9E3779B97F4A7C15ull + 1;
    for (size_t i = 0; i < size; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        out[i] = (char)(x >> 24);
    }
}

/* ---- the role under test ---- */

static void run_role(const char *dir)
{
    Error err = {0};
    char run[160], sock[200];
    sigset_t set;
    snprintf(run, sizeof run, "%s/run", dir);
    snprintf(sock, sizeof sock, "%s/run/storage.sock", dir);
    fs_mkdir_all(run, 0700, &err);
    log_init("storage", LOG_WARN, STDERR_FILENO);
    metrics_init("storage", "test");
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    RoleContext c = {.role = "storage",
                     .config = config_new(),
                     .data_dir = str_from(dir),
                     .run_dir = str_from(run),
                     .capability = STR(CAPABILITY),
                     .tcp_fd = -1,
                     .unix_fd = -1,
                     .ready_fd = -1};
    config_set((Config *)c.config, STR("storage.segment_size"), STR("1MiB"), STR("test"), &err);
    c.stop_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (http_listen_unix(sock, &c.unix_fd, &err) < 0 || storage_main(&c, &err) < 0)
        fail("storage: %s", err.message);
    _exit(0);
}

/* This program again, as the role, with the trace on. */
static pid_t start_role(const char *dir, const char *trace)
{
    char *const args[] = {(char *)"powerloss_test", (char *)"--role", (char *)dir, NULL};
    pid_t pid;
    setenv("LAKEHOUSE_FS_TRACE", trace, 1);
    setenv("LAKEHOUSE_TEST_GRACE_MS", "0", 1);
    if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, args, environ) != 0)
        fail("cannot start the role");
    unsetenv("LAKEHOUSE_FS_TRACE");
    return pid;
}

/* ---- the load ---- */

static int upload_in_parts(Worker *w, const char *key, Str body, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(16 << 20);
    HttpResponse response;
    HttpCall create = {
        .method = "POST", .target = arena_printf(arena, "/" BUCKET "/%s?uploads", key), .body = STR("")};
    if (http_client_call(w->http, &create, arena, &response, err) < 0)
        return -1;
    ptrdiff_t at = str_find(response.body, STR("<UploadId>"));
    if (response.status != 200 || at < 0)
        return err_set(err, ERR_IO, "no upload: %d", response.status);
    Str id = str_slice(response.body, (size_t)at + 10, (size_t)at + 10 + 32);
    HttpCall part = {.method = "PUT",
                     .body = body,
                     .target =
                         arena_printf(arena, "/" BUCKET "/%s?partNumber=3&uploadId=%.*s", key, STR_ARG(id))};
    if (http_client_call(w->http, &part, arena, &response, err) < 0)
        return -1;
    if (response.status != 200)
        return err_set(err, ERR_IO, "no part: %d", response.status);
    Str list = arena_printf(arena,
                            "<CompleteMultipartUpload><Part><PartNumber>3</PartNumber><ETag>%.*s</ETag></"
                            "Part></CompleteMultipartUpload>",
                            STR_ARG(http_response_header(&response, "etag")));
    HttpCall complete = {.method = "POST",
                         .body = list,
                         .target = arena_printf(arena, "/" BUCKET "/%s?uploadId=%.*s", key, STR_ARG(id))};
    if (http_client_call(w->http, &complete, arena, &response, err) < 0)
        return -1;
    return response.status == 200 ? 0 : err_set(err, ERR_IO, "not completed: %.*s", STR_ARG(response.body));
}

static int adopt(Worker *w, const char *key, Str body, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    _cleanup_storage_stage_ StorageStage *stage = NULL;
    if (storage_stage_new(w->client, &stage, err) < 0)
        return -1;
    Str path = arena_printf(arena, "%.*s/f.parquet", STR_ARG(storage_stage_dir(stage)));
    FILE *file = fopen(path.ptr, "w");
    if (!file || fwrite(body.ptr, 1, body.len, file) != body.len || fclose(file) != 0)
        return err_set(err, ERR_IO, "cannot stage");
    const StorageAdopt one = {STR("f.parquet"), arena_printf(arena, "s3://" BUCKET "/%s", key)};
    return storage_adopt(stage, &one, 1, arena, NULL, err);
}

static void one_op(Worker *w, Key *key, unsigned *random, char *body)
{
    Error err = {0};
    char uri[128];
    Op *op = &key->ops[key->n++];
    int kind = rand_r(random) % 20;
    *op = (Op){.ack_us = INT64_MAX, .seed = (uint32_t)rand_r(random), .size = (size_t)rand_r(random) % 5000};
    if (kind >= 14)
        op->size = (size_t)rand_r(random) % BODY_MAX;
    if (kind < 4)
        op->size = SIZE_MAX;
    if (op->size != SIZE_MAX)
        make_body(body, op->size, op->seed);
    snprintf(uri, sizeof uri, "s3://" BUCKET "/%s", key->name);
    Str content = str_of(body, op->size);
    op->begin_us = clock_monotonic_us();
    int result = kind < 4    ? storage_delete(w->client, str_from(uri), &err)
                 : kind < 16 ? storage_put(w->client, str_from(uri), STR_NULL, content, STORAGE_PUT_REPLACE,
                                           NULL, NULL, &err)
                 : kind < 18 ? adopt(w, key->name, content, &err)
                             : upload_in_parts(w, key->name, content, &err);
    if (result < 0)
        fail("%s: %s", key->name, err.message);
    op->ack_us = clock_monotonic_us();
}

static void *work(void *arg)
{
    Worker *w = arg;
    unsigned random = (unsigned)w->id * 7919 + 1;
    char *body = malloc(BODY_MAX);
    for (int i = 0; i < OPS * KEYS; i++) {
        Key *key = &w->keys[rand_r(&random) % KEYS];
        if (key->n < OPS)
            one_op(w, key, &random, body);
    }
    free(body);
    return NULL;
}

static void run_load(const char *dir, Worker *workers)
{
    char base[200];
    Error err;
    snprintf(base, sizeof base, "unix:%s/run/storage.sock", dir);
    StorageClient *client = storage_client_new(str_from(base), STR(CAPABILITY), &err);
    HttpClient *http = http_client_new(str_from(base), STR(CAPABILITY), &err);
    if (!client || !http)
        fail("%s", err.message);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].id = i;
        workers[i].client = client;
        workers[i].http = http;
        for (int k = 0; k < KEYS; k++)
            snprintf(workers[i].keys[k].name, sizeof workers[i].keys[k].name, "w%d/k%d%s", i, k,
                     k % 4 ? "" : ".parquet");
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    http_client_free(http);
    storage_client_free(client);
}

/* ---- the disk ---- */

typedef struct Range {
    size_t from, to;
} Range;

typedef struct Inode {
    char *now, *durable;
    size_t now_len, now_cap, durable_len, durable_cap;
    Range dirty[4096];
    size_t n_dirty;
    bool is_resized;
} Inode;

typedef struct Disk {
    Map *now, *durable; /* path -> Inode; folders: &folder */
} Disk;

static Inode folder;

static void grow(char **bytes, size_t *cap, size_t need)
{
    if (need <= *cap)
        return;
    size_t cap_new = need * 2 + 4096;
    *bytes = realloc(*bytes, cap_new);
    if (!*bytes)
        abort();
    memset(*bytes + *cap, 0, cap_new - *cap);
    *cap = cap_new;
}

static void inode_sync(Inode *f)
{
    grow(&f->durable, &f->durable_cap, f->now_len);
    if (f->n_dirty == sizeof f->dirty / sizeof *f->dirty || f->is_resized) {
        memcpy(f->durable, f->now, f->now_len);
    } else {
        for (size_t i = 0; i < f->n_dirty; i++)
            memcpy(f->durable + f->dirty[i].from, f->now + f->dirty[i].from,
                   f->dirty[i].to - f->dirty[i].from);
    }
    f->durable_len = f->now_len;
    f->n_dirty = 0;
    f->is_resized = false;
}

static void inode_write(Inode *f, size_t at, const char *bytes, size_t n)
{
    grow(&f->now, &f->now_cap, at + n);
    if (at + n > f->now_len)
        f->now_len = at + n;
    memcpy(f->now + at, bytes, n);
    if (f->n_dirty < sizeof f->dirty / sizeof *f->dirty)
        f->dirty[f->n_dirty++] = (Range){at, at + n};
    if (f->n_dirty == sizeof f->dirty / sizeof *f->dirty)
        f->is_resized = true;
}

static Inode *disk_file(Disk *d, Str path)
{
    Inode *f = map_get(d->now, path);
    if (f)
        return f;
    f = calloc(1, sizeof *f);
    if (!f)
        abort();
    map_put(d->now, path, f);
    return f;
}

static bool is_in(Str path, Str dir)
{
    return path.len > dir.len + 1 && str_has_prefix(path, dir) && path.ptr[dir.len] == '/' &&
           str_find_char(str_slice(path, dir.len + 1, path.len), '/') < 0;
}

/* The folder's names are now as they are. */
static void disk_sync_folder(Disk *d, Str dir)
{
    Str path;
    void *f;
    char **gone = calloc(map_count(d->durable) + 1, sizeof *gone);
    size_t n = 0;
    for (size_t i = 0; map_next(d->durable, &i, &path, &f);) {
        if (is_in(path, dir) && !map_get(d->now, path))
            gone[n++] = strndup(path.ptr, path.len);
    }
    for (size_t i = 0; i < n; i++) {
        map_remove(d->durable, str_from(gone[i]));
        free(gone[i]);
    }
    free(gone);
    for (size_t i = 0; map_next(d->now, &i, &path, &f);) {
        if (is_in(path, dir))
            map_put(d->durable, path, f);
    }
}

static void disk_apply(Disk *d, uint32_t kind, Str path, uint64_t a, Str payload)
{
    Inode *f = map_get(d->now, path);
    switch (kind) {
    case FS_TRACE_WRITE:
        inode_write(disk_file(d, path), a, payload.ptr, payload.len);
        break;
    case FS_TRACE_TRUNCATE:
        f = disk_file(d, path);
        grow(&f->now, &f->now_cap, a);
        if (a < f->now_len)
            memset(f->now + a, 0, f->now_len - a);
        f->now_len = a;
        f->is_resized = true;
        break;
    case FS_TRACE_SYNC:
        inode_sync(disk_file(d, path));
        break;
    case FS_TRACE_CREATE:
        disk_file(d, path);
        break;
    case FS_TRACE_MKDIR:
        map_put(d->now, path, &folder);
        break;
    case FS_TRACE_RENAME:
        if (f)
            map_remove(d->now, path), map_put(d->now, payload, f);
        break;
    case FS_TRACE_LINK:
        if (f)
            map_put(d->now, payload, f);
        break;
    case FS_TRACE_UNLINK:
        map_remove(d->now, path);
        break;
    case FS_TRACE_SYNC_DIR:
        disk_sync_folder(d, path);
        break;
    case FS_TRACE_CONTENT:
        f = disk_file(d, path);
        f->now_len = 0;
        inode_write(f, 0, payload.ptr, payload.len);
        f->is_resized = true;
        inode_sync(f);
        break;
    default:
        fail("unknown record %u", kind);
    }
}

/* What is left of a file: its durable bytes, and with `torn` some of the writes after them. */
static void write_left(const char *to, const Inode *f, bool torn, unsigned *random)
{
    size_t len = f->durable_len;
    char *bytes = calloc(1, (f->now_len > len ? f->now_len : len) + 1);
    if (len)
        memcpy(bytes, f->durable, len);
    for (size_t i = 0; torn && !f->is_resized && i < f->n_dirty; i++) {
        Range r = f->dirty[i];
        if (rand_r(random) % 2)
            continue;
        if (rand_r(random) % 4 == 0)
            r.to = r.from + (r.to - r.from) / 2;
        memcpy(bytes + r.from, f->now + r.from, r.to - r.from);
        if (r.to > len)
            len = r.to;
    }
    FILE *file = fopen(to, "w");
    if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
        fail("cannot write %s", to);
    free(bytes);
}

static void disk_build(Disk *d, Str from_dir, const char *to_dir, bool torn, unsigned *random)
{
    Str path;
    void *f;
    char to[512];
    mkdir(to_dir, 0700);
    for (int depth = 0; depth < 4; depth++) { /* folders before what is in them */
        for (size_t i = 0; map_next(d->durable, &i, &path, &f);) {
            int slashes = 0;
            if (!str_has_prefix(path, from_dir))
                continue;
            for (size_t c = from_dir.len + 1; c < path.len; c++)
                slashes += path.ptr[c] == '/';
            snprintf(to, sizeof to, "%s%.*s", to_dir, STR_ARG(str_slice(path, from_dir.len, path.len)));
            if (slashes == depth && f == &folder)
                mkdir(to, 0700);
        }
    }
    for (size_t i = 0; map_next(d->durable, &i, &path, &f);) {
        if (f == &folder || !str_has_prefix(path, from_dir))
            continue;
        snprintf(to, sizeof to, "%s%.*s", to_dir, STR_ARG(str_slice(path, from_dir.len, path.len)));
        char parent[512];
        snprintf(parent, sizeof parent, "%s", to);
        *strrchr(parent, '/') = 0;
        if (access(parent, F_OK) == 0)
            write_left(to, f, torn, random); /* else its folder's name was lost */
    }
}

/* ---- the check ---- */

static bool is_op_result(const Op *op, bool found, Str body, char *scratch)
{
    if (op->size == SIZE_MAX)
        return !found;
    if (!found || body.len != op->size)
        return false;
    make_body(scratch, op->size, op->seed);
    return memcmp(scratch, body.ptr, op->size) == 0;
}

static void check_key(const Key *key, int64_t cut_us, bool found, Str body, size_t cut, char *scratch)
{
    static const Op nothing = {.size = SIZE_MAX};
    size_t acked = 0;
    while (acked < key->n && key->ops[acked].ack_us <= cut_us)
        acked++;
    if (is_op_result(acked ? &key->ops[acked - 1] : &nothing, found, body, scratch))
        return;
    if (acked < key->n && is_op_result(&key->ops[acked], found, body, scratch))
        return;
    fail("cut %zu: %s: %s of %zu bytes, but %zu operations were acknowledged, the last one with %zd bytes",
         cut, key->name, found ? "an object" : "nothing", body.len, acked,
         acked ? (ssize_t)key->ops[acked - 1].size : -1);
}

static bool read_object(Store *store, uint32_t bucket, Str key, Arena *arena, Buf *out)
{
    ObjectInfo object;
    Error err = {0};
    int fd;
    if (store_find(store, bucket, key, arena, &object, &err) < 0) {
        if (err.code == ERR_NO_SUCH_KEY)
            return false;
        fail("%.*s: %s", STR_ARG(key), err.message);
    }
    if (!object_is_file(&object)) {
        if (store_read_inline(store, bucket, key, &object, out, &err) < 0)
            fail("%.*s: %s", STR_ARG(key), err.message);
        return true;
    }
    char *to = buf_reserve(out, (size_t)object.size);
    if (!to || blob_open(store_blobs(store), object.generation, &fd, &err) < 0 ||
        fs_pread_all(fd, to, (size_t)object.size, 0, &err) < 0) {
        fail("%.*s: %s", STR_ARG(key), err.message);
    }
    close(fd);
    out->len += (size_t)object.size;
    return true;
}

static void check_nothing(const Worker *workers, int64_t cut_us, size_t cut)
{
    static char scratch[BODY_MAX];
    for (int i = 0; i < WORKERS * KEYS; i++)
        check_key(&workers[i / KEYS].keys[i % KEYS], cut_us, false, STR(""), cut, scratch);
}

static void check_store(const char *dir, const Worker *workers, int64_t cut_us, size_t cut)
{
    static char scratch[BODY_MAX];
    Error err;
    Store *store;
    BucketInfo bucket;
    StoreOptions options = {
        .dir = str_from(dir), .inline_limit = 65536, .segment_bytes = 1 << 20, .grace_ms = 1000000};
    if (store_open(&options, &store, &err) < 0)
        fail("cut %zu: the store does not open: %s", cut, err.message);
    bool has_bucket = store_find_bucket(store, STR(BUCKET), &bucket, &err) == 0;
    for (int i = 0; i < WORKERS; i++) {
        for (int k = 0; k < KEYS; k++) {
            _cleanup_arena_ Arena *arena = arena_new(1 << 20);
            _cleanup_buf_ Buf body = BUF_INIT(BODY_MAX + 1);
            const Key *key = &workers[i].keys[k];
            bool found = has_bucket && read_object(store, bucket.id, str_from(key->name), arena, &body);
            check_key(key, cut_us, found, buf_str(&body), cut, scratch);
        }
    }
    store_close(store);
}

typedef struct TraceHead {
    uint64_t us;
    uint32_t kind, path_len;
    uint64_t a, b, payload_len;
} TraceHead;

static size_t replay(Str trace, Str data_dir, const char *scratch_dir, const Worker *workers, size_t n_cuts,
                     unsigned random)
{
    Disk disk = {map_new(), map_new()};
    size_t n_records = 0, cut = 0, record = 0;
    TraceHead head;
    for (size_t at = 0; at + sizeof head <= trace.len; n_records++) {
        memcpy(&head, trace.ptr + at, sizeof head);
        at += sizeof head + head.path_len + head.payload_len;
    }
    for (size_t at = 0; at + sizeof head <= trace.len && cut < n_cuts; record++) {
        memcpy(&head, trace.ptr + at, sizeof head);
        const char *path = trace.ptr + at + sizeof head;
        disk_apply(&disk, head.kind, str_of(path, head.path_len), head.a,
                   str_of(path + head.path_len, head.payload_len));
        at += sizeof head + head.path_len + head.payload_len;
        /* cuts spread over the run, a little at random */
        if ((record + 1) * n_cuts / n_records == record * n_cuts / n_records)
            continue;
        fs_remove_tree(scratch_dir, NULL);
        disk_build(&disk, data_dir, scratch_dir, cut % 2, &random);
        char store_dir[300];
        snprintf(store_dir, sizeof store_dir, "%s/storage", scratch_dir);
        if (access(store_dir, F_OK) == 0) {
            check_store(store_dir, workers, (int64_t)head.us, cut);
        } else {
            check_nothing(workers, (int64_t)head.us, cut);
        }
        cut++;
    }
    fs_remove_tree(scratch_dir, NULL);
    fprintf(stderr, "powerloss: %zu records, %zu cuts\n", n_records, cut);
    return cut;
}

static void read_trace(const char *folder_path, Buf *out)
{
    DIR *dir = opendir(folder_path);
    Error err;
    if (!dir)
        fail("no trace");
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[512];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder_path, entry->d_name);
        if (fs_read_file(path, out->max, out, &err) < 0)
            fail("%s", err.message);
    }
    closedir(dir);
}

int main(int argc, char **argv)
{
    static Worker workers[WORKERS];
    char top[] = "/tmp/powerloss-XXXXXX", dir[64], trace_dir[64], scratch[64];
    int64_t cuts = 200, seed = 1;
    if (argc == 3 && strcmp(argv[1], "--role") == 0)
        run_role(argv[2]);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--long") == 0)
            cuts = 2000;
        if (i + 1 < argc && strcmp(argv[i], "--cuts") == 0)
            str_to_i64(str_from(argv[i + 1]), 1, 1000000, &cuts, NULL);
        if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            str_to_i64(str_from(argv[i + 1]), 0, 1000000, &seed, NULL);
    }
    if (!mkdtemp(top))
        fail("mkdtemp");
    snprintf(dir, sizeof dir, "%s/data", top);
    snprintf(trace_dir, sizeof trace_dir, "%s/trace", top);
    snprintf(scratch, sizeof scratch, "%s/cut", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : top);
    if (strncmp(scratch, "/dev/shm", 8) == 0)
        snprintf(scratch, sizeof scratch, "/dev/shm/powerloss-%ld", (long)getpid());
    mkdir(dir, 0700);
    pid_t pid = start_role(dir, trace_dir);
    run_load(dir, workers);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    Buf trace = BUF_INIT((size_t)4 << 30);
    read_trace(trace_dir, &trace);
    size_t done = replay(buf_str(&trace), str_from(dir), scratch, workers, (size_t)cuts, (unsigned)seed);
    buf_free(&trace);
    fs_remove_tree(top, NULL);
    if (done < (size_t)cuts)
        fail("only %zu cuts", done);
    return 0;
}
