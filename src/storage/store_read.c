/* store_read.c - lookups and lists. Statements run to their end before anything is given to a client. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/store_internal.h"

/* ---- readers ---- */

static Reader *reader_open(Store *store, Error *err)
{
    char path[BLOB_PATH_MAX];
    Reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        abort();
    snprintf(path, sizeof path, "%s/index.sqlite", store->dir);
    if (db_open(path, true, &reader->db, err) < 0 || store_prepare_reader(reader, err) < 0) {
        for (size_t i = 0; i < READ_COUNT_; i++)
            sqlite3_finalize(reader->statements[i]);
        sqlite3_close(reader->db);
        free(reader);
        return NULL;
    }
    return reader;
}

Reader *store_take_reader(Store *store, Error *err)
{
    {
        MUTEX_GUARD(&store->readers_lock);
        while (!store->readers && store->n_readers == STORE_READERS)
            pthread_cond_wait(&store->reader_free, &store->readers_lock);
        Reader *reader = store->readers;
        if (reader) {
            store->readers = reader->next;
            return reader;
        }
        store->n_readers++;
    }
    Reader *reader = reader_open(store, err);
    if (!reader) {
        MUTEX_GUARD(&store->readers_lock);
        store->n_readers--;
        pthread_cond_signal(&store->reader_free);
    }
    return reader;
}

void store_give_reader(Store *store, Reader *reader)
{
    MUTEX_GUARD(&store->readers_lock);
    reader->next = store->readers;
    store->readers = reader;
    pthread_cond_signal(&store->reader_free);
}

void store_close_readers(Store *store)
{
    while (store->readers) {
        Reader *reader = store->readers;
        store->readers = reader->next;
        for (size_t i = 0; i < READ_COUNT_; i++)
            sqlite3_finalize(reader->statements[i]);
        sqlite3_close(reader->db);
        free(reader);
    }
}

/* ---- buckets ---- */

int store_find_bucket(Store *store, Str name, BucketInfo *ret, Error *err)
{
    pthread_rwlock_rdlock(&store->buckets_lock);
    const Bucket *bucket = map_get(store->buckets, name);
    if (bucket)
        *ret = bucket->info;
    pthread_rwlock_unlock(&store->buckets_lock);
    return bucket ? 0 : err_set(err, ERR_NO_SUCH_BUCKET, "the bucket %.*s does not exist", STR_ARG(name));
}

static int bucket_compare(const void *a, const void *b)
{
    return strcmp(((const BucketInfo *)a)->name, ((const BucketInfo *)b)->name);
}

size_t store_list_buckets(Store *store, Arena *arena, BucketInfo **ret)
{
    pthread_rwlock_rdlock(&store->buckets_lock);
    BucketInfo *list = arena_array(arena, BucketInfo, map_count(store->buckets) + 1);
    Str name;
    void *value;
    size_t n = 0;
    for (size_t i = 0; map_next(store->buckets, &i, &name, &value);)
        list[n++] = ((const Bucket *)value)->info;
    pthread_rwlock_unlock(&store->buckets_lock);
    qsort(list, n, sizeof *list, bucket_compare);
    *ret = list;
    return n;
}

int store_bucket_setting(Store *store, uint32_t bucket, const char *name, Arena *arena, Str *ret, Error *err)
{
    Reader *reader = store_take_reader(store, err);
    if (!reader)
        return -1;
    sqlite3_stmt *st = reader->statements[READ_SETTING];
    db_bind_int(st, 1, bucket);
    db_bind_text(st, 2, str_from(name));
    int result = db_step(st, err);
    *ret = result > 0 ? arena_str(arena, db_blob(st, 0)) : STR_NULL;
    db_done(st);
    store_give_reader(store, reader);
    return result < 0 ? -1 : 0;
}

/* ---- objects ---- */

void store_row_object(sqlite3_stmt *st, int first_column, ObjectInfo *ret)
{
    Str etag = db_blob(st, first_column + 3);
    *ret = (ObjectInfo){
        .generation = (uint64_t)db_int(st, first_column),
        .size = db_int(st, first_column + 1),
        .modified_us = db_int(st, first_column + 2),
        .etag_parts = (uint32_t)db_int(st, first_column + 4),
        .segment = (uint32_t)db_int(st, first_column + 5),
        .position = (uint64_t)db_int(st, first_column + 6),
    };
    memcpy(ret->etag, etag.ptr, etag.len < MD5_BYTES ? etag.len : MD5_BYTES);
}

static int reader_find(Reader *reader, uint32_t bucket, Str key, Arena *arena, ObjectInfo *ret,
                       bool *ret_found, Error *err)
{
    sqlite3_stmt *st = reader->statements[READ_FIND];
    db_bind_int(st, 1, bucket);
    db_bind_blob(st, 2, key);
    int result = db_step(st, err);
    *ret_found = result > 0;
    if (result > 0) {
        store_row_object(st, 0, ret);
        ret->meta = arena_str(arena, db_blob(st, 7));
    }
    db_done(st);
    return result < 0 ? -1 : 0;
}

int store_find(Store *store, uint32_t bucket, Str key, Arena *arena, ObjectInfo *ret, Error *err)
{
    if (cache_get(store->cache, bucket, key, arena, ret))
        return 0;
    uint64_t ticket = cache_ticket(store->cache, bucket, key);
    Reader *reader = store_take_reader(store, err);
    if (!reader)
        return -1;
    bool found;
    int result = reader_find(reader, bucket, key, arena, ret, &found, err);
    store_give_reader(store, reader);
    if (result < 0)
        return -1;
    if (!found)
        return err_set(err, ERR_NO_SUCH_KEY, "the key %.*s does not exist", STR_ARG(key));
    cache_fill(store->cache, bucket, key, ticket, ret);
    return 0;
}

int store_read_inline(Store *store, uint32_t bucket, Str key, const ObjectInfo *object, Buf *out, Error *err)
{
    assert(!object_is_file(object));
    return segments_read(store->segments, object->segment, object->position, bucket, key, object->generation,
                         object->size, out, err);
}

int store_find_many(Store *store, const uint32_t *buckets, const Str *keys, size_t n, bool pin, Arena *arena,
                    ObjectInfo *ret_objects, bool *ret_found, Error *err)
{
    Reader *reader = store_take_reader(store, err);
    if (!reader)
        return -1;
    /* the pins' lock is taken before the snapshot: see blobs.h */
    if (pin)
        blobs_lock_pins(store->blobs);
    int result = db_exec(reader->db, "BEGIN", err);
    for (size_t i = 0; i < n && result == 0; i++) {
        result = reader_find(reader, buckets[i], keys[i], arena, &ret_objects[i], &ret_found[i], err);
    }
    if (result == 0 && pin) {
        for (size_t i = 0; i < n; i++) {
            if (ret_found[i] && object_is_file(&ret_objects[i]))
                blobs_pin_locked(store->blobs, ret_objects[i].generation);
        }
    }
    if (pin)
        blobs_unlock_pins(store->blobs);
    db_exec(reader->db, "COMMIT", NULL);
    store_give_reader(store, reader);
    return result;
}

int store_object_parts(Store *store, uint64_t generation, Arena *arena, Str *ret, Error *err)
{
    Reader *reader = store_take_reader(store, err);
    if (!reader)
        return -1;
    sqlite3_stmt *st = reader->statements[READ_PARTS_OF];
    db_bind_int(st, 1, (int64_t)generation);
    int result = db_step(st, err);
    *ret = result > 0 ? arena_str(arena, db_blob(st, 0)) : STR_NULL;
    db_done(st);
    store_give_reader(store, reader);
    return result < 0 ? -1 : 0;
}

/* ---- lists ---- */

/* The least key that is greater than all that start with `prefix`; false: there is none. */
static bool list_successor(Str prefix, Buf *out)
{
    buf_clear(out);
    buf_add(out, prefix);
    while (out->len && (unsigned char)out->data[out->len - 1] == 0xff)
        out->len--;
    if (out->len == 0)
        return false;
    out->data[out->len - 1] = (char)((unsigned char)out->data[out->len - 1] + 1);
    return true;
}

/* The common prefix that the key falls under; ptr NULL: none. */
static Str list_common_prefix(const ListQuery *query, Str key)
{
    if (query->delimiter.len == 0)
        return STR_NULL;
    ptrdiff_t at = str_find(str_slice(key, query->prefix.len, key.len), query->delimiter);
    return at < 0 ? STR_NULL : str_slice(key, 0, query->prefix.len + (size_t)at + query->delimiter.len);
}

static void list_entry(sqlite3_stmt *st, Str key, Arena *arena, ListEntry *entry)
{
    Str etag = db_blob(st, 4);
    *entry = (ListEntry){.key = arena_str(arena, key)};
    entry->object = (ObjectInfo){.generation = (uint64_t)db_int(st, 1),
                                 .size = db_int(st, 2),
                                 .modified_us = db_int(st, 3),
                                 .etag_parts = (uint32_t)db_int(st, 5),
                                 .segment = (uint32_t)db_int(st, 6)};
    memcpy(entry->object.etag, etag.ptr, etag.len < MD5_BYTES ? etag.len : MD5_BYTES);
}

/* Moves the statement to the first key >= `from`. */
static void list_seek(sqlite3_stmt *st, uint32_t bucket, Str from)
{
    db_done(st);
    db_bind_int(st, 1, bucket);
    db_bind_blob(st, 2, from);
}

static int list_run(sqlite3_stmt *st, const ListQuery *query, Buf *from, Arena *arena, ListEntry *entries,
                    size_t *ret_n, bool *ret_truncated, Error *err)
{
    size_t n = 0;
    int result;
    list_seek(st, query->bucket, buf_str(from));
    while ((result = db_step(st, err)) > 0) {
        Str key = db_blob(st, 0);
        if (!str_has_prefix(key, query->prefix))
            break;
        Str common = list_common_prefix(query, key);
        bool is_repeated = common.ptr && query->after.ptr && str_eq(common, query->after);
        if (!is_repeated) {
            if (n == query->max) {
                *ret_truncated = true;
                break;
            }
            if (common.ptr) {
                entries[n++] = (ListEntry){.key = arena_str(arena, common), .is_prefix = true};
            } else {
                list_entry(st, key, arena, &entries[n++]);
            }
        }
        if (common.ptr) {
            if (!list_successor(common, from))
                break;
            list_seek(st, query->bucket, buf_str(from));
        }
    }
    db_done(st);
    *ret_n = n;
    return result < 0 ? -1 : 0;
}

int store_list(Store *store, const ListQuery *query, Arena *arena, ListEntry **ret_entries, size_t *ret_n,
               bool *ret_truncated, Error *err)
{
    *ret_n = 0;
    *ret_truncated = false;
    *ret_entries = arena_array(arena, ListEntry, query->max + 1);
    if (query->max == 0)
        return 0;
    _cleanup_buf_ Buf from = BUF_INIT(16 * 1024);
    buf_add(&from, query->prefix);
    if (query->after.ptr && str_cmp(query->after, query->prefix) >= 0) {
        buf_clear(&from);
        buf_add(&from, query->after);
        buf_putc(&from, 0);
    }
    if (buf_check(&from, err) < 0)
        return -1;
    Reader *reader = store_take_reader(store, err);
    if (!reader)
        return -1;
    /* one snapshot for all the seeks of the page */
    int result = db_exec(reader->db, "BEGIN", err);
    if (result == 0)
        result = list_run(reader->statements[READ_LIST], query, &from, arena, *ret_entries, ret_n,
                          ret_truncated, err);
    db_exec(reader->db, "COMMIT", NULL);
    store_give_reader(store, reader);
    return result;
}
