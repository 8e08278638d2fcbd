/* internal_api.c - the private calls of docs/internal-api.md: resolve, pin, unpin, stage, adopt, unstage.
 * JSON in, JSON out. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "format/json.h"
#include "storage/s3.h"
#include "storage/sessions.h"

enum { INTERNAL_BODY_BYTES = 32 << 20, INTERNAL_REPLY_BYTES = 64 << 20 };

typedef struct InternalCall {
    StorageRole *role;
    HttpRequest *http;
    Arena *arena;
    const struct InternalRoute *route;
    Str body;
    const Json *json;
    Str session;
    Buf *out; /* an open JSON object is written here */
    JsonWriter w;
} InternalCall;

typedef struct InternalRoute {
    const char *path;
    int (*handle)(InternalCall *call, Error *err);
} InternalRoute;

/* "s3://bucket/key"; s3a:// too. */
static int parse_uri(Str uri, Str *ret_bucket, Str *ret_key, Error *err)
{
    ptrdiff_t at = str_find(uri, STR("://"));
    Str scheme = str_slice(uri, 0, at < 0 ? 0 : (size_t)at);
    if (!str_is(scheme, "s3") && !str_is(scheme, "s3a"))
        return err_set(err, ERR_BAD_REQUEST, "not an s3:// URI: %.*s", STR_ARG(uri));
    *ret_bucket = str_cut(str_slice(uri, (size_t)at + 3, uri.len), '/', ret_key);
    if (!ret_key->len || ret_key->len > S3_KEY_BYTES || !ret_bucket->len) {
        return err_set(err, ERR_BAD_REQUEST, "not an object's URI: %.*s", STR_ARG(uri));
    }
    return 0;
}

static int read_strings(const InternalCall *call, const char *name, Str **ret, size_t *ret_n, Error *err)
{
    const Json *array;
    if (json_get_array(call->json, name, &array, err) < 0)
        return -1;
    *ret_n = array ? array->array.n : 0;
    *ret = array ? arena_array(call->arena, Str, *ret_n + 1) : NULL;
    for (size_t i = 0; i < *ret_n; i++) {
        if (!json_is(array->array.items[i], JSON_STRING))
            return err_set(err, ERR_BAD_REQUEST, "%s must be strings", name);
        (*ret)[i] = array->array.items[i]->text;
    }
    return arena_check(call->arena, err);
}

static void write_object(InternalCall *call, const ObjectInfo *object, bool with_path)
{
    char etag[OBJECT_ETAG_TEXT], path[BLOB_PATH_MAX];
    object_etag_text(object, etag);
    json_object(&call->w);
    if (with_path && object_is_file(object)) {
        blob_path(store_blobs(call->role->store), object->generation, path);
        json_kv_cstr(&call->w, "path", path);
    } else if (with_path) {
        json_kv_bool(&call->w, "inline", true);
    }
    json_kv_int(&call->w, "size", object->size);
    json_kv_cstr(&call->w, "etag", etag);
    json_end_object(&call->w);
}

/* ---- resolve and pins ---- */

/* Lookup of all; a missing bucket is a missing object. */
static int find_all(InternalCall *call, const Str *uris, size_t n, bool pin, ObjectInfo *objects, bool *found,
                    Error *err)
{
    uint32_t *buckets = arena_array(call->arena, uint32_t, n + 1);
    Str *keys = arena_array(call->arena, Str, n + 1);
    for (size_t i = 0; i < n; i++) {
        Str bucket;
        BucketInfo info;
        if (parse_uri(uris[i], &bucket, &keys[i], err) < 0)
            return -1;
        buckets[i] =
            store_find_bucket(call->role->store, bucket, &info, NULL) < 0 ? 0 : info.id; /* ids begin at 1 */
    }
    return store_find_many(call->role->store, buckets, keys, n, pin, call->arena, objects, found, err);
}

static int handle_resolve(InternalCall *call, Error *err)
{
    Str *uris, group;
    size_t n, n_pinned = 0;
    bool pin;
    if (read_strings(call, "uris", &uris, &n, err) < 0 ||
        json_get_bool(call->json, "pin", false, &pin, err) < 0 ||
        json_get_string(call->json, "group", STR(""), &group, err) < 0) {
        return -1;
    }
    ObjectInfo *objects = arena_array(call->arena, ObjectInfo, n + 1);
    bool *found = arena_array(call->arena, bool, n + 1);
    Str *pinned = arena_array(call->arena, Str, n + 1);
    uint64_t *generations = arena_array(call->arena, uint64_t, n + 1);
    if (find_all(call, uris, n, pin, objects, found, err) < 0)
        return -1;
    for (size_t i = 0; pin && i < n; i++) {
        if (!found[i] || !object_is_file(&objects[i]))
            continue;
        pinned[n_pinned] = uris[i];
        generations[n_pinned++] = objects[i].generation;
    }
    if (pin &&
        sessions_add_pins(call->role->sessions, call->session, group, pinned, generations, n_pinned, err) < 0)
        return -1;
    json_key(&call->w, "files");
    json_array(&call->w);
    for (size_t i = 0; i < n; i++) {
        if (found[i]) {
            write_object(call, &objects[i], true);
        } else {
            json_null(&call->w);
        }
    }
    json_end_array(&call->w);
    return 0;
}

/* Of ".../objects/ab/00000100000000ab"; false when it is no such file. */
static bool generation_of_path(const InternalCall *call, Str path, uint64_t *ret)
{
    uint8_t bytes[8];
    char expected[BLOB_PATH_MAX];
    ptrdiff_t slash = str_rfind_char(path, '/');
    if (slash < 0 || hex_decode(str_slice(path, (size_t)slash + 1, path.len), bytes, sizeof bytes, NULL) < 0)
        return false;
    *ret = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        *ret = *ret << 8 | bytes[i];
    blob_path(store_blobs(call->role->store), *ret, expected);
    return str_is(path, expected);
}

/* After a restart: the client names the files that it still uses. */
static int handle_pin(InternalCall *call, Error *err)
{
    Str *paths, group;
    size_t n;
    Blobs *blobs = store_blobs(call->role->store);
    if (read_strings(call, "paths", &paths, &n, err) < 0 ||
        json_get_string(call->json, "group", STR(""), &group, err) < 0)
        return -1;
    json_key(&call->w, "pinned");
    json_array(&call->w);
    for (size_t i = 0; i < n; i++) {
        uint64_t generation;
        char path[BLOB_PATH_MAX];
        bool is_there = generation_of_path(call, paths[i], &generation);
        if (is_there) {
            blobs_lock_pins(blobs);
            blob_path(blobs, generation, path);
            is_there = fs_exists(path);
            if (is_there)
                blobs_pin_locked(blobs, generation);
            blobs_unlock_pins(blobs);
        }
        if (is_there &&
            sessions_add_pins(call->role->sessions, call->session, group, NULL, &generation, 1, err) < 0)
            return -1;
        json_bool(&call->w, is_there);
    }
    json_end_array(&call->w);
    return 0;
}

static int handle_unpin(InternalCall *call, Error *err)
{
    Str *uris, group;
    size_t n;
    if (read_strings(call, "uris", &uris, &n, err) < 0 ||
        json_get_string(call->json, "group", STR(""), &group, err) < 0)
        return -1;
    return sessions_unpin(call->role->sessions, call->session, group, uris, n, err);
}

/* ---- stages ---- */

static int handle_stage(InternalCall *call, Error *err)
{
    Str stage, id, dir;
    if (json_get_string(call->json, "stage", STR(""), &stage, err) < 0 ||
        sessions_stage(call->role->sessions, call->session, stage, call->arena, &id, &dir, err) < 0) {
        return -1;
    }
    json_kv_str(&call->w, "stage", id);
    json_kv_str(&call->w, "dir", dir);
    return 0;
}

static int handle_unstage(InternalCall *call, Error *err)
{
    Str stage;
    if (json_need_string(call->json, "stage", &stage, err) < 0)
        return -1;
    return sessions_unstage(call->role->sessions, call->session, stage, err);
}

typedef struct AdoptFile {
    Str name, path, origin;
    StorePut put;
    bool is_done; /* by an earlier call whose answer was lost */
} AdoptFile;

static int read_adopt(InternalCall *call, Str stage, Str dir, const Json *item, AdoptFile *file, Error *err)
{
    Str uri;
    if (json_need_string(item, "name", &file->name, err) < 0 ||
        json_need_string(item, "uri", &uri, err) < 0 ||
        parse_uri(uri, &file->put.bucket, &file->put.key, err) < 0) {
        return -1;
    }
    if (file->name.len == 0 || file->name.ptr[0] == '.' || str_find_char(file->name, '/') >= 0 ||
        memchr(file->name.ptr, 0, file->name.len)) {
        return err_set(err, ERR_BAD_REQUEST, "not a file's name: %.*s", STR_ARG(file->name));
    }
    file->path = arena_printf(call->arena, "%.*s/%.*s", STR_ARG(dir), STR_ARG(file->name));
    file->origin = arena_printf(call->arena, "%.*s/%.*s", STR_ARG(stage), STR_ARG(file->name));
    return 0;
}

/* The file is not in the stage: it may have been adopted by a call whose answer was lost. */
static int find_adopted(InternalCall *call, AdoptFile *file, Error *err)
{
    BucketInfo bucket;
    if (store_find_bucket(call->role->store, file->put.bucket, &bucket, err) < 0)
        return -1;
    if (store_find(call->role->store, bucket.id, file->put.key, call->arena, &file->put.object, NULL) == 0 &&
        str_eq(meta_get(file->put.object.meta, META_ORIGIN), file->origin)) {
        file->is_done = true;
        return 0;
    }
    return err_set(err, ERR_NOT_FOUND, "there is no file %.*s in the stage", STR_ARG(file->name));
}

static int hash_file(InternalCall *call, AdoptFile *file, uint64_t *ret_crc, Error *err)
{
    _cleanup_close_ int fd = -1;
    /* Not of the arena: a call adopts hundreds of files. */
    _cleanup_buf_ Buf buffer = BUF_INIT(UPLOAD_PIECE_BYTES);
    char *piece = buf_reserve(&buffer, UPLOAD_PIECE_BYTES);
    if (!piece)
        return err_set(err, ERR_LIMIT, "no memory to read %.*s", STR_ARG(file->name));
    if (fs_open(file->path.ptr, O_RDONLY | O_NOFOLLOW, 0, &fd, err) < 0 ||
        fs_size(file->path.ptr, &file->put.object.size, err) < 0) {
        return -1;
    }
    *ret_crc = 0;
    for (int64_t at = 0; at < file->put.object.size;) {
        size_t n = file->put.object.size - at < UPLOAD_PIECE_BYTES ? (size_t)(file->put.object.size - at)
                                                                   : UPLOAD_PIECE_BYTES;
        if (fs_pread_all(fd, piece, n, at, err) < 0)
            return -1;
        *ret_crc = crc64nvme_update(*ret_crc, piece, n);
        at += (int64_t)n;
    }
    return 0;
}

/* The bytes are durable under a name of the store. Their etag is no MD5 (nobody sent one), so it has the form
 * of a multipart object's. */
static int take_file(InternalCall *call, AdoptFile *file, Error *err)
{
    uint64_t crc64;
    uint8_t seed[24], md5[CHECKSUM_MAX_BYTES], crc[8];
    ObjectInfo *object = &file->put.object;
    if (!fs_exists(file->path.ptr))
        return find_adopted(call, file, err);
    if (hash_file(call, file, &crc64, err) < 0)
        return -1;
    object->generation = blobs_new_generation(store_blobs(call->role->store));
    if (blob_adopt(store_blobs(call->role->store), file->path.ptr, object->generation, err) < 0)
        return -1;
    for (int i = 0; i < 8; i++)
        crc[i] = (uint8_t)(crc64 >> (56 - 8 * i));
    memcpy(seed, &object->generation, 8);
    memcpy(seed + 8, &object->size, 8);
    memcpy(seed + 16, crc, 8);
    checksum_of(CHECKSUM_MD5, str_of((const char *)seed, sizeof seed), md5);
    memcpy(object->etag, md5, MD5_BYTES);
    object->etag_parts = 1;
    _cleanup_buf_ Buf meta = BUF_INIT(16 * 1024);
    meta_put(&meta, META_FILE_CRC64, STR(""), str_of((const char *)crc, sizeof crc));
    meta_put(&meta, META_CHECKSUM, STR("CRC64NVME"), str_of((const char *)crc, sizeof crc));
    meta_put(&meta, META_CHECKSUM_TYPE, STR(""), STR("FULL_OBJECT"));
    meta_put(&meta, META_ORIGIN, STR(""), file->origin);
    object->meta = arena_str(call->arena, buf_str(&meta));
    return 0;
}

static int commit_files(InternalCall *call, AdoptFile *files, size_t n, Error *err)
{
    StorePut *puts = arena_array(call->arena, StorePut, n + 1);
    StoreWrite write = {.op = STORE_PUT, .puts = puts};
    for (size_t i = 0; i < n; i++) {
        if (!files[i].is_done)
            puts[write.n_puts++] = files[i].put;
    }
    return write.n_puts ? store_write(call->role->store, &write, err) : 0;
}

static int adopt_files(InternalCall *call, AdoptFile *files, size_t n, Error *err)
{
    size_t taken = 0;
    int result = 0;
    for (; taken < n && result == 0; taken++)
        result = take_file(call, &files[taken], err);
    if (result == 0)
        result = commit_files(call, files, n, err);
    for (size_t i = 0; i < taken; i++) {
        if (files[i].is_done)
            continue;
        if (result == 0) {
            fs_unlink(files[i].path.ptr, NULL);
        } else if (files[i].put.object.generation) {
            blob_discard(store_blobs(call->role->store), files[i].put.object.generation);
        }
    }
    return result;
}

static int handle_adopt(InternalCall *call, Error *err)
{
    Str stage, dir;
    const Json *array;
    if (json_need_string(call->json, "stage", &stage, err) < 0 ||
        json_get_array(call->json, "files", &array, err) < 0 ||
        sessions_stage_dir(call->role->sessions, call->session, stage, call->arena, &dir, err) < 0) {
        return -1;
    }
    size_t n = array ? array->array.n : 0;
    AdoptFile *files = arena_array(call->arena, AdoptFile, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (read_adopt(call, stage, dir, array->array.items[i], &files[i], err) < 0)
            return -1;
    }
    if (arena_check(call->arena, err) < 0 || adopt_files(call, files, n, err) < 0)
        return -1;
    json_key(&call->w, "files");
    json_array(&call->w);
    for (size_t i = 0; i < n; i++)
        write_object(call, &files[i].put.object, false);
    json_end_array(&call->w);
    return 0;
}

/* ---- dispatch ---- */

static const InternalRoute routes[] = {
    {"/_lakehouse/v1/resolve", handle_resolve}, {"/_lakehouse/v1/pin", handle_pin},
    {"/_lakehouse/v1/unpin", handle_unpin},     {"/_lakehouse/v1/stage", handle_stage},
    {"/_lakehouse/v1/adopt", handle_adopt},     {"/_lakehouse/v1/unstage", handle_unstage},
};

static int run_call(InternalCall *call, Error *err)
{
    if (http_require_json(call->http, err) < 0 || json_parse(call->body, call->arena, &call->json, err) < 0 ||
        json_get_string(call->json, "session", STR(""), &call->session, err) < 0) {
        return -1;
    }
    json_object(&call->w);
    if (call->route->handle(call, err) < 0)
        return -1;
    json_end_object(&call->w);
    return buf_check(call->out, err);
}

static void run_on_worker(HttpRequest *http, void *arg)
{
    InternalCall *call = arg;
    Error err;
    Buf out = BUF_INIT(INTERNAL_REPLY_BYTES);
    log_context_set(http_request_id(http), http_trace_id(http));
    call->out = &out;
    call->w = JSON_WRITER(&out);
    if (run_call(call, &err) < 0) {
        buf_free(&out);
        http_reply_error(http, &err);
    } else {
        http_reply_buf(http, 200, "application/json", &out);
    }
    log_context_set(STR_NULL, STR_NULL);
}

static void on_body(HttpRequest *http, Str body, void *arg)
{
    InternalCall *call = arg;
    call->body = body;
    http_offload(http, run_on_worker, call);
}

static void open_session(HttpRequest *http, void *arg)
{
    StorageRole *role = arg;
    const Str prefix = STR("/_lakehouse/v1/session/");
    sessions_open(role->sessions, http, str_slice(http_path(http), prefix.len, http_path(http).len));
}

void internal_handle(StorageRole *role, HttpRequest *http)
{
    Error err;
    Str path = http_path(http);
    bool is_post = str_is(http_method(http), "POST");
    if (str_has_prefix(path, STR("/_lakehouse/v1/session/")) && str_is(http_method(http), "GET")) {
        http_offload(http, open_session, role);
        return;
    }
    for (size_t i = 0; is_post && i < sizeof routes / sizeof *routes; i++) {
        if (!str_is(path, routes[i].path))
            continue;
        InternalCall *call = arena_new_of(http_arena(http), InternalCall);
        *call = (InternalCall){.role = role, .http = http, .arena = http_arena(http), .route = &routes[i]};
        http_read_body(http, INTERNAL_BODY_BYTES, on_body, call);
        return;
    }
    err_set(&err, ERR_NOT_FOUND, "there is no such call: %.*s", STR_ARG(path));
    http_reply_error(http, &err);
}
