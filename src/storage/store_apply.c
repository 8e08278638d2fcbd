/* store_apply.c - what each write does to the index, inside the group's transaction. A refusal changes
 * nothing; a failed statement breaks the group, which is then rolled back whole. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/http_server.h"
#include "storage/store_internal.h"

int store_broken(Store *store)
{
    store->group.is_broken = true;
    return -1;
}

/* For the writer the map is the truth, less what this group deletes. */
Bucket *store_writable_bucket(Store *store, Str name, Error *err)
{
    pthread_rwlock_rdlock(&store->buckets_lock);
    Bucket *bucket = map_get(store->buckets, name);
    pthread_rwlock_unlock(&store->buckets_lock);
    if (bucket && !bucket->is_deleting)
        return bucket;
    err_set(err, ERR_NO_SUCH_BUCKET, "the bucket %.*s does not exist", STR_ARG(name));
    return NULL;
}

static void group_count(Store *store, Bucket *bucket, int64_t objects, int64_t bytes)
{
    Group *g = &store->group;
    for (size_t i = 0; i < g->buckets.n; i++) {
        if (g->buckets.items[i].bucket != bucket)
            continue;
        g->buckets.items[i].objects += objects;
        g->buckets.items[i].bytes += bytes;
        return;
    }
    *vec_push(g->arena, &g->buckets) = (BucketDelta){bucket, objects, bytes};
}

/* From here to the group's end lookups of the key go to the index. */
static void group_change(Store *store, const Bucket *bucket, Str key, const ObjectInfo *object)
{
    Group *g = &store->group;
    cache_begin_change(store->cache, bucket->info.id, key);
    KeyChange *change = vec_push(g->arena, &g->changes);
    *change = (KeyChange){
        .bucket = bucket->info.id, .key = key, .hash = hash_bytes(key.ptr, key.len, bucket->info.id)};
    if (object) {
        change->exists = true;
        change->object = *object;
    }
}

static int write_int(Store *store, WriteStatement which, uint64_t value, Error *err)
{
    sqlite3_stmt *st = store->write[which];
    db_bind_int(st, 1, (int64_t)value);
    return db_run(st, err) < 0 ? store_broken(store) : 0;
}

int store_add_file(Store *store, uint64_t generation, Error *err)
{
    return write_int(store, WRITE_FILE_ADD, generation, err);
}

int store_drop_file(Store *store, uint64_t generation, Error *err)
{
    *vec_push(store->group.arena, &store->group.dead) = generation;
    return write_int(store, WRITE_FILE_REMOVE, generation, err);
}

/* The row of a key; *ret_found false: none. Metadata in the group's arena. */
static int write_find(Store *store, const Bucket *bucket, Str key, ObjectInfo *ret, bool *ret_found,
                      Error *err)
{
    sqlite3_stmt *st = store->write[WRITE_FIND];
    db_bind_int(st, 1, bucket->info.id);
    db_bind_blob(st, 2, key);
    int result = db_step(st, err);
    *ret_found = result > 0;
    if (result > 0) {
        store_row_object(st, 0, ret);
        ret->meta = arena_str(store->group.arena, db_blob(st, 7));
    }
    db_done(st);
    return result < 0 ? store_broken(store) : 0;
}

static int write_row(Store *store, const Bucket *bucket, Str key, const ObjectInfo *object, Error *err)
{
    sqlite3_stmt *st = store->write[WRITE_PUT];
    db_bind_int(st, 1, bucket->info.id);
    db_bind_blob(st, 2, key);
    db_bind_int(st, 3, (int64_t)object->generation);
    db_bind_int(st, 4, object->size);
    db_bind_int(st, 5, object->modified_us);
    db_bind_blob(st, 6, str_of((const char *)object->etag, MD5_BYTES));
    db_bind_int(st, 7, object->etag_parts);
    db_bind_int(st, 8, object->segment);
    db_bind_int(st, 9, (int64_t)object->position);
    db_bind_blob(st, 10, object->meta);
    return db_run(st, err) < 0 ? store_broken(store) : 0;
}

/* The bytes of an object that a row no longer refers to. */
static int release_bytes(Store *store, Str key, const ObjectInfo *object, Error *err)
{
    if (object->etag_parts && write_int(store, WRITE_PARTS_REMOVE, object->generation, err) < 0)
        return -1;
    if (object_is_file(object))
        return store_drop_file(store, object->generation, err);
    store_segment_delta(store, object->segment)->live -= (int64_t)segment_record_bytes(key.len, object->size);
    return 0;
}

static int append_inline(Store *store, const Bucket *bucket, Str key, Str body, ObjectInfo *object,
                         Error *err)
{
    SegmentRecord record = {
        .bucket = bucket->info.id, .generation = object->generation, .key = key, .body = body};
    if (segments_append(store->segments, &record, &object->segment, &object->position, err) < 0)
        return store_broken(store);
    SegmentDelta *delta = store_segment_delta(store, object->segment);
    uint64_t n = segment_record_bytes(key.len, object->size);
    delta->live += (int64_t)n;
    delta->grown = object->position + n;
    return 0;
}

/* ---- objects ---- */

static int check_condition(const StorePut *put, bool exists, const ObjectInfo *old, Error *err)
{
    const StoreCondition *c = &put->condition;
    char etag[OBJECT_ETAG_TEXT];
    size_t n = exists ? object_etag_text(old, etag) : 0;
    if (c->if_match.ptr) {
        if (!exists)
            return err_set(err, ERR_NO_SUCH_KEY, "the key %.*s does not exist", STR_ARG(put->key));
        if (!http_etag_matches(c->if_match, str_of(etag, n))) {
            return err_set(err, ERR_PRECONDITION_FAILED,
                           "at least one of the preconditions you specified did not hold: If-Match");
        }
    }
    if (c->if_none_match.ptr && exists && http_etag_matches(c->if_none_match, str_of(etag, n))) {
        return err_set(err, ERR_PRECONDITION_FAILED,
                       "at least one of the preconditions you specified did not hold: If-None-Match");
    }
    return 0;
}

int store_check_condition(Store *store, const Bucket *bucket, const StorePut *put, Error *err)
{
    ObjectInfo old;
    bool exists;
    if (!put->condition.if_match.ptr && !put->condition.if_none_match.ptr)
        return 0;
    if (write_find(store, bucket, put->key, &old, &exists, err) < 0)
        return -1;
    return check_condition(put, exists, &old, err);
}

int store_apply_put(Store *store, Bucket *bucket, StorePut *put, Error *err)
{
    ObjectInfo old;
    bool exists;
    if (write_find(store, bucket, put->key, &old, &exists, err) < 0)
        return -1;
    if (check_condition(put, exists, &old, err) < 0)
        return -1;
    ObjectInfo *object = &put->object;
    if (object->modified_us == 0)
        object->modified_us = clock_now_us() / 1000 * 1000;
    if (put->is_inline) {
        if (append_inline(store, bucket, put->key, put->body, object, err) < 0)
            return -1;
    } else {
        object->segment = 0;
        if (store_add_file(store, object->generation, err) < 0)
            return -1;
    }
    if (write_row(store, bucket, put->key, object, err) < 0)
        return -1;
    if (put->parts.ptr) {
        sqlite3_stmt *st = store->write[WRITE_PARTS_ADD];
        db_bind_int(st, 1, (int64_t)object->generation);
        db_bind_blob(st, 2, put->parts);
        if (db_run(st, err) < 0)
            return store_broken(store);
    }
    if (exists && release_bytes(store, put->key, &old, err) < 0)
        return -1;
    group_count(store, bucket, exists ? 0 : 1, object->size - (exists ? old.size : 0));
    group_change(store, bucket, put->key, object);
    return 0;
}

/* All or none: what can be refused is refused before the first change. */
static int apply_puts(Store *store, StoreWrite *w, Error *err)
{
    for (size_t i = 0; w->n_puts > 1 && i < w->n_puts; i++) {
        const Bucket *bucket = store_writable_bucket(store, w->puts[i].bucket, err);
        if (!bucket || store_check_condition(store, bucket, &w->puts[i], err) < 0)
            return -1;
    }
    for (size_t i = 0; i < w->n_puts; i++) {
        Bucket *bucket = store_writable_bucket(store, w->puts[i].bucket, err);
        if (!bucket)
            return -1;
        if (store_apply_put(store, bucket, &w->puts[i], err) < 0)
            return w->n_puts > 1 ? store_broken(store) : -1;
    }
    return 0;
}

static int apply_delete(Store *store, Bucket *bucket, StoreDelete *item, Error *err)
{
    ObjectInfo old;
    bool exists;
    if (write_find(store, bucket, item->key, &old, &exists, err) < 0)
        return -1;
    if (!exists)
        return 0;
    if (item->if_match.ptr) {
        char etag[OBJECT_ETAG_TEXT];
        size_t n = object_etag_text(&old, etag);
        if (!http_etag_matches(item->if_match, str_of(etag, n))) {
            return err_set(err, ERR_PRECONDITION_FAILED,
                           "at least one of the preconditions you specified did not hold: If-Match");
        }
    }
    sqlite3_stmt *st = store->write[WRITE_DELETE];
    db_bind_int(st, 1, bucket->info.id);
    db_bind_blob(st, 2, item->key);
    if (db_run(st, err) < 0)
        return store_broken(store);
    if (release_bytes(store, item->key, &old, err) < 0)
        return -1;
    group_count(store, bucket, -1, -old.size);
    group_change(store, bucket, item->key, NULL);
    return 0;
}

static int apply_deletes(Store *store, StoreWrite *w, Error *err)
{
    Bucket *bucket = store_writable_bucket(store, w->bucket, err);
    if (!bucket)
        return -1;
    for (size_t i = 0; i < w->n_deletes; i++) {
        Error item_error = {0};
        int result = apply_delete(store, bucket, &w->deletes[i], &item_error);
        if (store->group.is_broken) {
            if (err)
                *err = item_error;
            return -1;
        }
        if (w->deletes[i].error)
            *w->deletes[i].error = item_error;
        if (result < 0 && !w->deletes[i].error) {
            if (err)
                *err = item_error;
            return -1;
        }
    }
    return 0;
}

static int apply_set_tags(Store *store, StoreWrite *w, Error *err)
{
    ObjectInfo object;
    bool exists;
    Bucket *bucket = store_writable_bucket(store, w->bucket, err);
    if (!bucket || write_find(store, bucket, w->key, &object, &exists, err) < 0)
        return -1;
    if (!exists)
        return err_set(err, ERR_NO_SUCH_KEY, "the key %.*s does not exist", STR_ARG(w->key));
    _cleanup_buf_ Buf meta = BUF_INIT(256 * 1024);
    meta_copy_without(&meta, object.meta, META_OBJECT_TAG);
    buf_add(&meta, w->value);
    if (buf_check(&meta, err) < 0)
        return -1;
    object.meta = arena_str(store->group.arena, buf_str(&meta));
    sqlite3_stmt *st = store->write[WRITE_SET_META];
    db_bind_int(st, 1, bucket->info.id);
    db_bind_blob(st, 2, w->key);
    db_bind_blob(st, 3, object.meta);
    if (db_run(st, err) < 0)
        return store_broken(store);
    group_change(store, bucket, w->key, &object);
    return 0;
}

/* Compaction: records that the index still refers to are appended anew; when nothing is left in their segment
 * it goes. */
static int apply_move(Store *store, StoreWrite *w, Error *err)
{
    uint32_t segment = w->part.number;
    store_segment_delta(store, segment); /* so that it is looked at even if nothing moves */
    for (size_t i = 0; i < w->n_puts; i++) {
        StorePut *put = &w->puts[i];
        ObjectInfo object;
        bool exists;
        Bucket *bucket = store_writable_bucket(store, put->bucket, NULL);
        if (!bucket)
            continue;
        if (write_find(store, bucket, put->key, &object, &exists, err) < 0)
            return -1;
        if (!exists || object.generation != put->object.generation || object.segment != segment ||
            object.position != put->object.position) {
            continue;
        }
        store_segment_delta(store, segment)->live -= (int64_t)segment_record_bytes(put->key.len, object.size);
        if (append_inline(store, bucket, put->key, put->body, &object, err) < 0)
            return -1;
        if (write_row(store, bucket, put->key, &object, err) < 0)
            return -1;
        group_change(store, bucket, put->key, &object);
    }
    return 0;
}

/* ---- buckets ---- */

static int apply_create_bucket(Store *store, StoreWrite *w, Error *err)
{
    sqlite3_stmt *st = store->write[WRITE_BUCKET_FIND];
    db_bind_text(st, 1, w->bucket);
    int result = db_step(st, err);
    db_done(st);
    if (result < 0)
        return store_broken(store);
    if (result > 0)
        return err_set(err, ERR_BUCKET_ALREADY_OWNED, "the bucket %.*s already exists and is yours",
                       STR_ARG(w->bucket));
    int64_t now = clock_now_us() / 1000 * 1000;
    st = store->write[WRITE_BUCKET_ADD];
    db_bind_text(st, 1, w->bucket);
    db_bind_int(st, 2, now);
    if (db_run(st, err) < 0)
        return store_broken(store);
    Bucket *bucket = calloc(1, sizeof *bucket);
    if (!bucket)
        abort();
    bucket->info.id = (uint32_t)sqlite3_last_insert_rowid(store->db);
    bucket->info.created_us = now;
    memcpy(bucket->info.name, w->bucket.ptr, w->bucket.len < 63 ? w->bucket.len : 63);
    *vec_push(store->group.arena, &store->group.new_buckets) = bucket;
    return 0;
}

static int bucket_has_key(Store *store, const Bucket *bucket, bool *ret, Error *err)
{
    sqlite3_stmt *st = store->write[WRITE_BUCKET_ANY_KEY];
    db_bind_int(st, 1, bucket->info.id);
    int result = db_step(st, err);
    db_done(st);
    *ret = result > 0;
    return result < 0 ? store_broken(store) : 0;
}

/* Open uploads do not keep a bucket; they end with it. */
static int bucket_abort_uploads(Store *store, const Bucket *bucket, Error *err)
{
    for (;;) {
        sqlite3_stmt *st = store->write[WRITE_BUCKET_ANY_UPLOAD];
        db_bind_int(st, 1, bucket->info.id);
        int result = db_step(st, err);
        Str id = result > 0 ? arena_str(store->group.arena, db_blob(st, 0)) : STR_NULL;
        db_done(st);
        if (result < 0)
            return store_broken(store);
        if (result == 0)
            return 0;
        StoreWrite abort_write = {.op = STORE_ABORT_UPLOAD, .upload = id};
        if (store_apply_upload(store, &abort_write, err) < 0)
            return -1;
    }
}

static int apply_delete_bucket(Store *store, StoreWrite *w, Error *err)
{
    bool has_key;
    Bucket *bucket = store_writable_bucket(store, w->bucket, err);
    if (!bucket || bucket_has_key(store, bucket, &has_key, err) < 0)
        return -1;
    if (has_key)
        return err_set(err, ERR_BUCKET_NOT_EMPTY, "the bucket %.*s is not empty", STR_ARG(w->bucket));
    if (bucket_abort_uploads(store, bucket, err) < 0 ||
        write_int(store, WRITE_SETTINGS_REMOVE, bucket->info.id, err) < 0 ||
        write_int(store, WRITE_BUCKET_REMOVE, bucket->info.id, err) < 0) {
        return -1;
    }
    bucket->is_deleting = true;
    *vec_push(store->group.arena, &store->group.gone_buckets) = bucket;
    return 0;
}

static int apply_bucket_setting(Store *store, StoreWrite *w, Error *err)
{
    Bucket *bucket = store_writable_bucket(store, w->bucket, err);
    if (!bucket)
        return -1;
    sqlite3_stmt *st = store->write[w->value.ptr ? WRITE_SETTING_PUT : WRITE_SETTING_REMOVE];
    db_bind_int(st, 1, bucket->info.id);
    db_bind_text(st, 2, w->name);
    if (w->value.ptr)
        db_bind_blob(st, 3, w->value);
    return db_run(st, err) < 0 ? store_broken(store) : 0;
}

int store_apply(Store *store, StoreWrite *w, Error *err)
{
    static int (*const table[STORE_OP_COUNT_])(Store *, StoreWrite *, Error *) = {
        [STORE_PUT] = apply_puts,
        [STORE_DELETE] = apply_deletes,
        [STORE_SET_TAGS] = apply_set_tags,
        [STORE_CREATE_BUCKET] = apply_create_bucket,
        [STORE_DELETE_BUCKET] = apply_delete_bucket,
        [STORE_BUCKET_SETTING] = apply_bucket_setting,
        [STORE_MOVE] = apply_move,
        [STORE_CREATE_UPLOAD] = store_apply_upload,
        [STORE_PUT_PART] = store_apply_upload,
        [STORE_ABORT_UPLOAD] = store_apply_upload,
        [STORE_COMPLETE] = store_apply_upload,
    };
    return table[w->op](store, w, err);
}
