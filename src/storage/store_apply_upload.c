/* store_apply_upload.c - the writes of multipart uploads. */
#include <assert.h>

#include "base/clock.h"
#include "storage/store_internal.h"

enum { COMPLETED_KEPT_S = 24 * 3600 };

/* The upload's bucket id; ERR_NO_SUCH_UPLOAD. */
static int upload_bucket(Store *store, Str id, uint32_t *ret, Error *err)
{
    sqlite3_stmt *st = store->write[WRITE_UPLOAD_FIND];
    db_bind_text(st, 1, id);
    int result = db_step(st, err);
    if (result > 0)
        *ret = (uint32_t)db_int(st, 0);
    db_done(st);
    if (result < 0)
        return store_broken(store);
    if (result == 0)
        return err_set(err, ERR_NO_SUCH_UPLOAD,
                       "the upload %.*s does not exist; it may have been aborted or completed", STR_ARG(id));
    return 0;
}

static int apply_create_upload(Store *store, StoreWrite *w, Error *err)
{
    const Bucket *bucket = store_writable_bucket(store, w->bucket, err);
    if (!bucket)
        return -1;
    sqlite3_stmt *st = store->write[WRITE_UPLOAD_ADD];
    db_bind_text(st, 1, w->upload);
    db_bind_int(st, 2, bucket->info.id);
    db_bind_blob(st, 3, w->key);
    db_bind_int(st, 4, clock_now_us() / 1000 * 1000);
    db_bind_text(st, 5, w->name);
    db_bind_blob(st, 6, w->value);
    return db_run(st, err) < 0 ? store_broken(store) : 0;
}

static int upload_files(Store *store, Str id, Arena *arena, uint64_t **ret, size_t *ret_n, Error *err)
{
    Vec(uint64_t) files = {0};
    sqlite3_stmt *st = store->write[WRITE_PARTS_FILES];
    int result;
    db_bind_text(st, 1, id);
    while ((result = db_step(st, err)) > 0)
        *vec_push(arena, &files) = (uint64_t)db_int(st, 0);
    db_done(st);
    *ret = files.items;
    *ret_n = files.n;
    return result < 0 ? store_broken(store) : 0;
}

/* The upload and its parts go; so do their files, but `kept` (0: none). */
static int remove_upload(Store *store, Str id, uint64_t kept, Error *err)
{
    uint64_t *files;
    size_t n;
    if (upload_files(store, id, store->group.arena, &files, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (files[i] != kept && store_drop_file(store, files[i], err) < 0)
            return -1;
    }
    static const WriteStatement statements[] = {WRITE_UPLOAD_PARTS_REMOVE, WRITE_UPLOAD_REMOVE};
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *st = store->write[statements[i]];
        db_bind_text(st, 1, id);
        if (db_run(st, err) < 0)
            return store_broken(store);
    }
    return 0;
}

static int apply_abort(Store *store, StoreWrite *w, Error *err)
{
    uint32_t bucket;
    if (upload_bucket(store, w->upload, &bucket, err) < 0)
        return -1;
    return remove_upload(store, w->upload, 0, err);
}

/* A part sent again replaces the one before; a file of its own that the old one had stays until the upload
 * ends. */
static int apply_part(Store *store, StoreWrite *w, Error *err)
{
    uint32_t bucket;
    const StorePart *part = &w->part;
    if (upload_bucket(store, w->upload, &bucket, err) < 0)
        return -1;
    if (store_add_file(store, part->generation, err) < 0)
        return -1;
    sqlite3_stmt *st = store->write[WRITE_PART_PUT];
    db_bind_text(st, 1, w->upload);
    db_bind_int(st, 2, part->number);
    db_bind_int(st, 3, part->size);
    db_bind_int(st, 4, clock_now_us() / 1000 * 1000);
    db_bind_blob(st, 5, str_of((const char *)part->etag, MD5_BYTES));
    db_bind_blob(st, 6, part->checksum);
    db_bind_int(st, 7, (int64_t)part->generation);
    db_bind_int(st, 8, part->position);
    return db_run(st, err) < 0 ? store_broken(store) : 0;
}

static int remember_completed(Store *store, Str id, const Bucket *bucket, const StorePut *put, Error *err)
{
    int64_t now = clock_now_us();
    sqlite3_stmt *st = store->write[WRITE_COMPLETED_TRIM];
    db_bind_int(st, 1, now - (int64_t)COMPLETED_KEPT_S * 1000000);
    if (db_run(st, err) < 0)
        return store_broken(store);
    st = store->write[WRITE_COMPLETED_ADD];
    db_bind_text(st, 1, id);
    db_bind_int(st, 2, bucket->info.id);
    db_bind_blob(st, 3, put->key);
    db_bind_int(st, 4, now);
    db_bind_int(st, 5, put->object.size);
    db_bind_blob(st, 6, str_of((const char *)put->object.etag, MD5_BYTES));
    db_bind_int(st, 7, put->object.etag_parts);
    db_bind_blob(st, 8, put->object.meta);
    return db_run(st, err) < 0 ? store_broken(store) : 0;
}

static int apply_complete(Store *store, StoreWrite *w, Error *err)
{
    uint32_t owner;
    assert(w->n_puts == 1 && !w->puts[0].is_inline);
    Bucket *bucket = store_writable_bucket(store, w->puts[0].bucket, err);
    if (!bucket || upload_bucket(store, w->upload, &owner, err) < 0)
        return -1;
    if (owner != bucket->info.id)
        return err_set(err, ERR_NO_SUCH_UPLOAD, "the upload %.*s is of another bucket", STR_ARG(w->upload));
    if (store_apply_put(store, bucket, &w->puts[0], err) < 0)
        return -1;
    if (remove_upload(store, w->upload, w->puts[0].object.generation, err) < 0)
        return -1;
    return remember_completed(store, w->upload, bucket, &w->puts[0], err);
}

int store_apply_upload(Store *store, StoreWrite *w, Error *err)
{
    switch (w->op) {
    case STORE_CREATE_UPLOAD:
        return apply_create_upload(store, w, err);
    case STORE_PUT_PART:
        return apply_part(store, w, err);
    case STORE_ABORT_UPLOAD:
        return apply_abort(store, w, err);
    default:
        return apply_complete(store, w, err);
    }
}
