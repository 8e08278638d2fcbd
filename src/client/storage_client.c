/* storage_client.c - pins, stages and adoption; see storage_client.h. */
#include "client/storage_client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "client/storage_session.h"

enum { CALL_BODY_BYTES = 32 << 20 };

StorageClient *storage_client_new(Str base, Str capability, Error *err)
{
    const Str unix_prefix = STR("unix:");
    if (!str_has_prefix(base, unix_prefix)) {
        err_set(err, ERR_CONFIG, "storage is reached over a Unix socket, expected unix:/path, not %.*s",
                STR_ARG(base));
        return NULL;
    }
    HttpClient *http = http_client_new(base, capability, err);
    if (!http)
        return NULL;
    StorageClient *client = calloc(1, sizeof *client);
    if (!client)
        abort();
    client->http = http;
    client->socket_path = strndup(base.ptr + unix_prefix.len, base.len - unix_prefix.len);
    client->capability = strndup(capability.ptr ? capability.ptr : "", capability.len);
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->changed, NULL);
    if (storage_session_start(client, err) == 0)
        return client;
    http_client_free(http);
    free(client->socket_path);
    free(client->capability);
    free(client);
    return NULL;
}

void storage_client_free(StorageClient *client)
{
    if (!client)
        return;
    assert(!client->pins && !client->stages);
    storage_session_stop(client);
    while (client->released) {
        Released *released = client->released;
        client->released = released->next;
        free(released);
    }
    http_client_free(client->http);
    pthread_mutex_destroy(&client->lock);
    pthread_cond_destroy(&client->changed);
    free(client->socket_path);
    free(client->capability);
    free(client);
}

bool storage_client_is_connected(const StorageClient *client)
{
    return __atomic_load_n(&client->is_connected, __ATOMIC_RELAXED);
}

int storage_uri_split(Str uri, Str *ret_bucket, Str *ret_key, Error *err)
{
    ptrdiff_t at = str_find(uri, STR("://"));
    Str scheme = str_slice(uri, 0, at < 0 ? 0 : (size_t)at);
    if (!str_is(scheme, "s3") && !str_is(scheme, "s3a") && !str_is(scheme, "s3n")) {
        return err_set(err, ERR_BAD_REQUEST, "not an s3:// URI: %.*s", STR_ARG(uri));
    }
    *ret_bucket = str_cut(str_slice(uri, (size_t)at + 3, uri.len), '/', ret_key);
    if (!ret_key->ptr)
        *ret_key = STR("");
    return ret_bucket->len ? 0 : err_set(err, ERR_BAD_REQUEST, "no bucket in the URI %.*s", STR_ARG(uri));
}

static void client_release(StorageClient *client, bool is_stage, const char *name)
{
    Released *released = calloc(1, sizeof *released);
    if (!released)
        abort();
    released->is_stage = is_stage;
    snprintf(released->name, sizeof released->name, "%s", name);
    pthread_mutex_lock(&client->lock);
    released->next = client->released;
    client->released = released;
    pthread_mutex_unlock(&client->lock);
    storage_session_wake(client);
}

/* ---- pins ---- */

StoragePins *storage_pins_new(StorageClient *client)
{
    StoragePins *pins = calloc(1, sizeof *pins);
    if (!pins)
        abort();
    pins->client = client;
    MUTEX_GUARD(&client->lock);
    snprintf(pins->group, sizeof pins->group, "%llx", (unsigned long long)++client->next_group);
    pins->next = client->pins;
    if (pins->next)
        pins->next->previous = pins;
    client->pins = pins;
    return pins;
}

void storage_pins_free(StoragePins *pins)
{
    if (!pins)
        return;
    StorageClient *client = pins->client;
    pthread_mutex_lock(&client->lock);
    *(pins->previous ? &pins->previous->next : &client->pins) = pins->next;
    if (pins->next)
        pins->next->previous = pins->previous;
    pthread_mutex_unlock(&client->lock);
    if (pins->n)
        client_release(client, false, pins->group);
    for (size_t i = 0; i < pins->n; i++)
        free(pins->paths[i]);
    free(pins->paths);
    free(pins);
}

void storage_pins_freep(StoragePins **pins)
{
    storage_pins_free(*pins);
}

/* Under the client's lock: the session's thread reads the paths. */
static void pins_add(StoragePins *pins, Str path)
{
    if (pins->n == pins->cap) {
        pins->cap = pins->cap ? 2 * pins->cap : 16;
        pins->paths = realloc(pins->paths, pins->cap * sizeof *pins->paths);
        if (!pins->paths)
            abort();
    }
    pins->paths[pins->n++] = strndup(path.ptr, path.len);
}

static int read_file(const Json *item, Arena *arena, StorageFile *ret, Error *err)
{
    Str path, etag;
    *ret = (StorageFile){0};
    if (json_is_null(item))
        return 0;
    ret->found = true;
    if (json_get_string(item, "path", STR_NULL, &path, err) < 0 ||
        json_need_int(item, "size", &ret->size, err) < 0 || json_need_string(item, "etag", &etag, err) < 0 ||
        json_get_bool(item, "inline", false, &ret->is_inline, err) < 0) {
        return -1;
    }
    if (path.ptr)
        ret->path = arena_str(arena, path);
    ret->etag = arena_str(arena, etag);
    return 0;
}

static int read_files(const Json *answer, size_t n, Arena *arena, StorageFile **ret, Error *err)
{
    const Json *array;
    if (json_get_array(answer, "files", &array, err) < 0)
        return -1;
    if (!array || array->array.n != n)
        return err_set(err, ERR_INTERNAL, "storage answered for another number of files");
    *ret = arena_array(arena, StorageFile, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (read_file(array->array.items[i], arena, &(*ret)[i], err) < 0)
            return -1;
    }
    return 0;
}

int storage_resolve(StorageClient *client, StoragePins *pins, const Str *uris, size_t n, Arena *arena,
                    StorageFile **ret_files, Error *err)
{
    _cleanup_buf_ Buf body = BUF_INIT(CALL_BODY_BYTES);
    JsonWriter w = JSON_WRITER(&body);
    const Json *answer;
    json_object(&w);
    json_kv_cstr(&w, "session", client->session);
    if (pins)
        json_kv_cstr(&w, "group", pins->group);
    json_kv_bool(&w, "pin", pins != NULL);
    json_key(&w, "uris");
    json_array(&w);
    for (size_t i = 0; i < n; i++)
        json_str(&w, uris[i]);
    json_end_array(&w);
    json_end_object(&w);
    if (buf_check(&body, err) < 0 ||
        storage_call(client, "resolve", buf_str(&body), true, arena, &answer, err) < 0 ||
        read_files(answer, n, arena, ret_files, err) < 0) {
        return -1;
    }
    if (!pins)
        return 0;
    MUTEX_GUARD(&client->lock);
    for (size_t i = 0; i < n; i++) {
        if ((*ret_files)[i].path.ptr)
            pins_add(pins, (*ret_files)[i].path);
    }
    return 0;
}

/* ---- stages ---- */

int storage_stage_new(StorageClient *client, StorageStage **ret_stage, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    _cleanup_buf_ Buf body = BUF_INIT(4096);
    JsonWriter w = JSON_WRITER(&body);
    const Json *answer;
    Str id, dir;
    json_object(&w);
    json_kv_cstr(&w, "session", client->session);
    json_end_object(&w);
    /* a stage whose answer was lost is empty, and goes with the session */
    if (storage_call(client, "stage", buf_str(&body), true, arena, &answer, err) < 0 ||
        json_need_string(answer, "stage", &id, err) < 0 || json_need_string(answer, "dir", &dir, err) < 0) {
        return -1;
    }
    StorageStage *stage = calloc(1, sizeof *stage);
    if (!stage)
        abort();
    stage->client = client;
    stage->id = strndup(id.ptr, id.len);
    stage->dir = strndup(dir.ptr, dir.len);
    MUTEX_GUARD(&client->lock);
    stage->next = client->stages;
    if (stage->next)
        stage->next->previous = stage;
    client->stages = stage;
    *ret_stage = stage;
    return 0;
}

Str storage_stage_dir(const StorageStage *stage)
{
    return str_from(stage->dir);
}

void storage_stage_free(StorageStage *stage)
{
    if (!stage)
        return;
    StorageClient *client = stage->client;
    pthread_mutex_lock(&client->lock);
    *(stage->previous ? &stage->previous->next : &client->stages) = stage->next;
    if (stage->next)
        stage->next->previous = stage->previous;
    pthread_mutex_unlock(&client->lock);
    client_release(client, true, stage->id);
    free(stage->id);
    free(stage->dir);
    free(stage);
}

void storage_stage_freep(StorageStage **stage)
{
    storage_stage_free(*stage);
}

int storage_adopt(StorageStage *stage, const StorageAdopt *files, size_t n, Arena *arena,
                  StorageFile **ret_files, Error *err)
{
    _cleanup_buf_ Buf body = BUF_INIT(CALL_BODY_BYTES);
    JsonWriter w = JSON_WRITER(&body);
    const Json *answer;
    StorageFile *adopted;
    json_object(&w);
    json_kv_cstr(&w, "session", stage->client->session);
    json_kv_cstr(&w, "stage", stage->id);
    json_key(&w, "files");
    json_array(&w);
    for (size_t i = 0; i < n; i++) {
        json_object(&w);
        json_kv_str(&w, "name", files[i].name);
        json_kv_str(&w, "uri", files[i].uri);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    if (buf_check(&body, err) < 0 ||
        storage_call(stage->client, "adopt", buf_str(&body), true, arena, &answer, err) < 0 ||
        read_files(answer, n, arena, &adopted, err) < 0) {
        return -1;
    }
    if (ret_files)
        *ret_files = adopted;
    return 0;
}
