/* uploads.c - see uploads.h. */
#include "storage/uploads.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/thread.h"
#include "storage/storage_limits.h"

enum { UPLOADS_CACHED = 1024 };
#define UPLOAD_BASE_MAX_BYTES                                                                                \
    (1ll << 40) /* ext4 ends files at 16 TiB; part 10,000 of 5 GiB sent first must not need more */

struct Upload {
    char id[64];
    unsigned users;
    bool is_ending;
    uint64_t base; /* generation; 0: none yet */
    int64_t part_size;
    uint8_t used[S3_PARTS / 8 + 1]; /* slots of the base file that hold a part or are being written */
};

struct Uploads {
    Store *store;
    pthread_mutex_t lock;
    Map *by_id;
};

Uploads *uploads_new(Store *store)
{
    Uploads *uploads = calloc(1, sizeof *uploads);
    if (!uploads)
        abort();
    uploads->store = store;
    uploads->by_id = map_new();
    pthread_mutex_init(&uploads->lock, NULL);
    return uploads;
}

void uploads_free(Uploads *uploads)
{
    Str id;
    void *upload;
    if (!uploads)
        return;
    for (size_t i = 0; map_next(uploads->by_id, &i, &id, &upload);)
        free(upload);
    map_free(uploads->by_id);
    pthread_mutex_destroy(&uploads->lock);
    free(uploads);
}

static bool slot_is_used(const Upload *u, uint32_t number)
{
    return u->used[number / 8] >> (number % 8) & 1;
}
static void slot_use(Upload *u, uint32_t number)
{
    u->used[number / 8] |= (uint8_t)(1u << (number % 8));
}
static void slot_free(Upload *u, uint32_t number)
{
    u->used[number / 8] &= (uint8_t) ~(1u << (number % 8));
}

/* What earlier requests (or an earlier life of the process) placed. */
static void upload_recall(Upload *u, const StorePart *parts, size_t n)
{
    for (size_t i = 0; i < n && u->part_size == 0; i++) {
        if (parts[i].number > 1 && parts[i].position > 0) {
            u->base = parts[i].generation;
            u->part_size = parts[i].position / (parts[i].number - 1);
        } else if (parts[i].number == 1 && n == 1) {
            u->base = parts[i].generation;
            u->part_size = parts[i].size;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (parts[i].generation == u->base &&
            parts[i].position == (int64_t)(parts[i].number - 1) * u->part_size)
            slot_use(u, parts[i].number);
    }
}

static void uploads_trim(Uploads *uploads)
{
    Str id;
    void *value;
    if (map_count(uploads->by_id) < UPLOADS_CACHED)
        return;
    Str victims[64];
    size_t n = 0;
    for (size_t i = 0; n < 64 && map_next(uploads->by_id, &i, &id, &value);) {
        if (((const Upload *)value)->users == 0)
            victims[n++] = str_from(((const Upload *)value)->id);
    }
    for (size_t i = 0; i < n; i++) {
        Upload *u = map_get(uploads->by_id, victims[i]);
        map_remove(uploads->by_id, victims[i]);
        free(u);
    }
}

/* Under the lock; reads the index when the upload is not known yet. */
static Upload *upload_find(Uploads *uploads, Str id, Error *err)
{
    Upload *u = map_get(uploads->by_id, id);
    if (u)
        return u;
    _cleanup_arena_ Arena *arena = arena_new(16 << 20);
    UploadInfo info;
    StorePart *parts;
    size_t n;
    if (store_find_upload(uploads->store, id, arena, &info, err) < 0 ||
        store_list_parts(uploads->store, id, 0, S3_PARTS, arena, &parts, &n, err) < 0) {
        return NULL;
    }
    uploads_trim(uploads);
    u = calloc(1, sizeof *u);
    if (!u)
        abort();
    memcpy(u->id, id.ptr, id.len < sizeof u->id - 1 ? id.len : sizeof u->id - 1);
    upload_recall(u, parts, n);
    map_put(uploads->by_id, id, u);
    return u;
}

int upload_acquire(Uploads *uploads, Str id, Upload **ret, Error *err)
{
    MUTEX_GUARD(&uploads->lock);
    Upload *u = upload_find(uploads, id, err);
    if (!u)
        return -1;
    if (u->is_ending)
        return err_set(err, ERR_CONDITIONAL_CONFLICT, "the upload %.*s is being completed", STR_ARG(id));
    u->users++;
    *ret = u;
    return 0;
}

void upload_release(Uploads *uploads, Upload *u)
{
    MUTEX_GUARD(&uploads->lock);
    u->users--;
}

PartPlace upload_place(Uploads *uploads, Upload *u, uint32_t number, int64_t size)
{
    PartPlace place = {.is_new_file = true};
    MUTEX_GUARD(&uploads->lock);
    bool fits_base = size >= 0 && size <= u->part_size && !slot_is_used(u, number);
    bool is_longer = size > u->part_size; /* also: the first */
    if (is_longer && (int64_t)(number - 1) * size <= UPLOAD_BASE_MAX_BYTES) {
        u->base = blobs_new_generation(store_blobs(uploads->store));
        u->part_size = size;
        memset(u->used, 0, sizeof u->used);
        place.generation = u->base;
        place.is_slot = true;
    } else if (fits_base && u->base && (int64_t)(number - 1) * u->part_size <= UPLOAD_BASE_MAX_BYTES) {
        place.generation = u->base;
        place.is_slot = true;
        place.is_new_file = false;
    } else {
        place.generation = blobs_new_generation(store_blobs(uploads->store));
    }
    if (place.is_slot) {
        place.position = (int64_t)(number - 1) * u->part_size;
        slot_use(u, number);
    }
    return place;
}

void upload_unplace(Uploads *uploads, Upload *u, uint32_t number, const PartPlace *place)
{
    MUTEX_GUARD(&uploads->lock);
    if (place->is_slot && u->base == place->generation)
        slot_free(u, number);
}

int upload_begin_end(Uploads *uploads, Str id, Upload **ret, bool *ret_is_alone, Error *err)
{
    MUTEX_GUARD(&uploads->lock);
    Upload *u = upload_find(uploads, id, err);
    if (!u)
        return -1;
    if (u->is_ending)
        return err_set(err, ERR_CONDITIONAL_CONFLICT, "the upload %.*s is being completed", STR_ARG(id));
    u->is_ending = true;
    *ret_is_alone = u->users == 0;
    u->users++;
    *ret = u;
    return 0;
}

void upload_finish_end(Uploads *uploads, Upload *u)
{
    MUTEX_GUARD(&uploads->lock);
    u->is_ending = false;
    u->users--;
    u->base = 0;
    u->part_size = 0;
}
