/* blobs.c - see blobs.h. */
#include "storage/blobs.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/map.h"
#include "base/thread.h"

enum { BLOB_FOLDERS = 256 };

struct Blobs {
    char *dir;
    _Atomic uint64_t next_generation;
    uint64_t first_generation; /* of this boot */
    pthread_mutex_t lock;      /* of all below */
    Map *pins;                 /* generation (8 bytes) -> count as a pointer */
    uint64_t *dead;
    size_t n_dead, dead_cap;
};

Blobs *blobs_new(Str store_dir)
{
    Blobs *b = calloc(1, sizeof *b);
    if (!b || asprintf(&b->dir, "%.*s/objects", STR_ARG(store_dir)) < 0)
        abort();
    b->pins = map_new();
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

void blobs_free(Blobs *b)
{
    if (!b)
        return;
    map_free(b->pins);
    pthread_mutex_destroy(&b->lock);
    free(b->dead);
    free(b->dir);
    free(b);
}

static void blob_folder(const Blobs *b, uint64_t generation, char out[BLOB_PATH_MAX])
{
    snprintf(out, BLOB_PATH_MAX, "%s/%02x", b->dir, (unsigned)(generation & 0xff));
}

void blob_path(const Blobs *b, uint64_t generation, char out[BLOB_PATH_MAX])
{
    snprintf(out, BLOB_PATH_MAX, "%s/%02x/%016" PRIx64, b->dir, (unsigned)(generation & 0xff), generation);
}

int blobs_prepare(Blobs *b, Error *err)
{
    char path[BLOB_PATH_MAX];
    blob_folder(b, BLOB_FOLDERS - 1, path);
    if (fs_exists(path))
        return 0;
    if (fs_mkdir_all(b->dir, 0700, err) < 0)
        return -1;
    for (uint64_t i = 0; i < BLOB_FOLDERS; i++) {
        blob_folder(b, i, path);
        if (fs_mkdir(path, 0700, err) < 0)
            return -1;
    }
    return fs_sync_dir(b->dir, err);
}

void blobs_set_boot(Blobs *b, uint64_t boot)
{
    b->first_generation = boot << GENERATION_BOOT_SHIFT;
    atomic_store(&b->next_generation, b->first_generation + 1);
}

uint64_t blobs_new_generation(Blobs *b)
{
    return atomic_fetch_add(&b->next_generation, 1);
}

/* ---- files ---- */

int blob_create(Blobs *b, uint64_t generation, int *ret_fd, Error *err)
{
    char path[BLOB_PATH_MAX];
    blob_path(b, generation, path);
    if (fault_point("storage.blob.create", err))
        return -1;
    return fs_open(path, O_RDWR | O_CREAT | O_EXCL, 0600, ret_fd, err);
}

static int blob_sync_folder(Blobs *b, uint64_t generation, Error *err)
{
    char path[BLOB_PATH_MAX];
    blob_folder(b, generation, path);
    return fs_sync_dir(path, err);
}

int blob_sync(Blobs *b, uint64_t generation, int fd, Error *err)
{
    if (fchmod(fd, 0444) < 0)
        return err_set_errno(err, ERR_IO, errno, "cannot make a file read-only: %s", strerror(errno));
    if (fault_point("storage.blob.sync", err))
        return -1;
    if (fs_sync(fd, err) < 0)
        return -1;
    return blob_sync_folder(b, generation, err);
}

int blob_open(const Blobs *b, uint64_t generation, int *ret_fd, Error *err)
{
    char path[BLOB_PATH_MAX];
    blob_path(b, generation, path);
    return fs_open(path, O_RDONLY, 0, ret_fd, err);
}

int blob_link(Blobs *b, uint64_t from_generation, uint64_t to_generation, Error *err)
{
    char from[BLOB_PATH_MAX], to[BLOB_PATH_MAX];
    Error link_err;
    blob_path(b, from_generation, from);
    blob_path(b, to_generation, to);
    if (fs_link(from, to, &link_err) < 0) {
        if (link_err.os_errno == EMLINK)
            return err_set(err, ERR_LIMIT, "%s has too many links", from);
        if (err)
            *err = link_err;
        return -1;
    }
    return blob_sync_folder(b, to_generation, err);
}

int blob_adopt(Blobs *b, const char *path, uint64_t generation, Error *err)
{
    char to[BLOB_PATH_MAX];
    blob_path(b, generation, to);
    if (chmod(path, 0444) < 0)
        return err_set_errno(err, err_code_of_errno(errno), errno, "%s: %s", path, strerror(errno));
    if (fault_point("storage.blob.adopt", err))
        return -1;
    if (fs_sync_path(path, err) < 0 || fs_link(path, to, err) < 0)
        return -1;
    return blob_sync_folder(b, generation, err);
}

void blob_discard(Blobs *b, uint64_t generation)
{
    char path[BLOB_PATH_MAX];
    Error err;
    blob_path(b, generation, path);
    if (fs_unlink(path, &err) < 0)
        log_warn("storage.blob.unlink_failed", L_ERR(&err));
}

/* ---- pins ---- */

void blobs_lock_pins(Blobs *b)
{
    pthread_mutex_lock(&b->lock);
}
void blobs_unlock_pins(Blobs *b)
{
    pthread_mutex_unlock(&b->lock);
}

static Str generation_key(const uint64_t *generation)
{
    return str_of((const char *)generation, sizeof *generation);
}

void blobs_pin_locked(Blobs *b, uint64_t generation)
{
    uintptr_t count = (uintptr_t)map_get(b->pins, generation_key(&generation));
    map_put(b->pins, generation_key(&generation), (void *)(count + 1));
}

void blobs_unpin(Blobs *b, uint64_t generation)
{
    MUTEX_GUARD(&b->lock);
    uintptr_t count = (uintptr_t)map_get(b->pins, generation_key(&generation));
    if (count > 1) {
        map_put(b->pins, generation_key(&generation), (void *)(count - 1));
    } else {
        map_remove(b->pins, generation_key(&generation));
    }
}

void blobs_dereference(Blobs *b, uint64_t generation)
{
    MUTEX_GUARD(&b->lock);
    if (b->n_dead == b->dead_cap) {
        b->dead_cap = b->dead_cap ? b->dead_cap * 2 : 256;
        b->dead = realloc(b->dead, b->dead_cap * sizeof *b->dead);
        if (!b->dead)
            abort();
    }
    b->dead[b->n_dead++] = generation;
}

/* Takes one removable generation off the list. The lock is given back between files: an unlink of a big one
 * takes milliseconds. */
static bool blobs_take_dead(Blobs *b, size_t *position, uint64_t *ret)
{
    MUTEX_GUARD(&b->lock);
    while (*position < b->n_dead) {
        uint64_t generation = b->dead[*position];
        if (map_get(b->pins, generation_key(&generation))) {
            (*position)++;
            continue;
        }
        b->dead[*position] = b->dead[--b->n_dead];
        *ret = generation;
        return true;
    }
    return false;
}

size_t blobs_reap(Blobs *b)
{
    size_t position = 0, n = 0;
    uint64_t generation;
    for (; blobs_take_dead(b, &position, &generation); n++)
        blob_discard(b, generation);
    return n;
}

int blobs_sweep(Blobs *b, int (*is_known)(void *arg, uint64_t generation, bool *ret, Error *err), void *arg,
                Error *err)
{
    for (uint64_t folder = 0; folder < BLOB_FOLDERS; folder++) {
        char path[BLOB_PATH_MAX];
        blob_folder(b, folder, path);
        DIR *dir = opendir(path);
        if (!dir)
            return err_set_errno(err, err_code_of_errno(errno), errno, "%s: %s", path, strerror(errno));
        int result = 0;
        for (const struct dirent *entry; result == 0 && (entry = readdir(dir));) {
            uint8_t bytes[8];
            bool known = true;
            if (hex_decode(str_from(entry->d_name), bytes, sizeof bytes, NULL) < 0)
                continue;
            uint64_t generation = 0;
            for (size_t i = 0; i < sizeof bytes; i++)
                generation = generation << 8 | bytes[i];
            if (generation >= b->first_generation)
                continue;
            result = is_known(arg, generation, &known, err);
            if (result == 0 && !known)
                blobs_dereference(b, generation);
        }
        closedir(dir);
        if (result < 0)
            return -1;
    }
    return 0;
}
