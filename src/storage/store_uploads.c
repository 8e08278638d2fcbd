/* store_uploads.c - lookups of multipart uploads and their parts. */
#include "storage/store_internal.h"

static void upload_row(sqlite3_stmt *st, Arena *arena, UploadInfo *ret)
{
    *ret = (UploadInfo){.id = arena_str(arena, db_blob(st, 0)),
                        .bucket = (uint32_t)db_int(st, 1),
                        .key = arena_str(arena, db_blob(st, 2)),
                        .initiated_us = db_int(st, 3),
                        .checksum = arena_str(arena, db_blob(st, 4)),
                        .meta = arena_str(arena, db_blob(st, 5))};
}

int store_find_upload(Store *store, Str id, Arena *arena, UploadInfo *ret, Error *err)
{
    Reader *reader = store_take_reader(store, err);
    if (!reader)
        return -1;
    sqlite3_stmt *st = reader->statements[READ_UPLOAD];
    db_bind_text(st, 1, id);
    int result = db_step(st, err);
    if (result > 0)
        upload_row(st, arena, ret);
    db_done(st);
    store_give_reader(store, reader);
    if (result == 0)
        return err_set(err, ERR_NO_SUCH_UPLOAD,
                       "the upload %.*s does not exist; it may have been aborted or completed", STR_ARG(id));
    return result < 0 ? -1 : 0;
}

int store_list_parts(Store *store, Str upload, uint32_t after_number, size_t max, Arena *arena,
                     StorePart **ret, size_t *ret_n, Error *err)
{
    Reader *reader = store_take_reader(store, err);
    if (!reader)
        return -1;
    Vec(StorePart) parts = {0};
    sqlite3_stmt *st = reader->statements[READ_UPLOAD_PARTS];
    db_bind_text(st, 1, upload);
    db_bind_int(st, 2, after_number);
    int result = 0;
    while (parts.n < max && (result = db_step(st, err)) > 0) {
        StorePart *part = vec_push(arena, &parts);
        *part = (StorePart){.number = (uint32_t)db_int(st, 0),
                            .size = db_int(st, 1),
                            .modified_us = db_int(st, 2),
                            .checksum = arena_str(arena, db_blob(st, 4)),
                            .generation = (uint64_t)db_int(st, 5),
                            .position = db_int(st, 6)};
        Str etag = db_blob(st, 3);
        memcpy(part->etag, etag.ptr, etag.len < MD5_BYTES ? etag.len : MD5_BYTES);
    }
    db_done(st);
    store_give_reader(store, reader);
    *ret = parts.items;
    *ret_n = parts.n;
    return result < 0 ? -1 : 0;
}

int store_list_uploads(Store *store, uint32_t bucket, Str prefix, Str after_key, Str after_id, size_t max,
                       Arena *arena, UploadInfo **ret, size_t *ret_n, Error *err)
{
    Reader *reader = store_take_reader(store, err);
    if (!reader)
        return -1;
    Vec(UploadInfo) uploads = {0};
    sqlite3_stmt *st = reader->statements[READ_UPLOADS];
    db_bind_int(st, 1, bucket);
    db_bind_blob(st, 2, after_key);
    db_bind_text(st, 3, after_id);
    int result = 0;
    while (uploads.n < max && (result = db_step(st, err)) > 0) {
        if (!str_has_prefix(db_blob(st, 2), prefix)) {
            if (str_cmp(db_blob(st, 2), prefix) > 0)
                break;
            continue;
        }
        upload_row(st, arena, vec_push(arena, &uploads));
    }
    db_done(st);
    store_give_reader(store, reader);
    *ret = uploads.items;
    *ret_n = uploads.n;
    return result < 0 ? -1 : 0;
}

int store_find_completed(Store *store, Str id, uint32_t bucket, Str key, Arena *arena, ObjectInfo *ret,
                         Error *err)
{
    Reader *reader = store_take_reader(store, err);
    if (!reader)
        return -1;
    sqlite3_stmt *st = reader->statements[READ_COMPLETED];
    db_bind_text(st, 1, id);
    db_bind_int(st, 2, bucket);
    db_bind_blob(st, 3, key);
    int result = db_step(st, err);
    if (result > 0) {
        store_row_object(st, 0, ret);
        ret->meta = arena_str(arena, db_blob(st, 7));
    }
    db_done(st);
    store_give_reader(store, reader);
    if (result == 0)
        return err_set(err, ERR_NO_SUCH_UPLOAD,
                       "the upload %.*s does not exist; it may have been aborted or completed", STR_ARG(id));
    return result < 0 ? -1 : 0;
}
