/* store_reserve.c - a file that only takes room, so that a full disk can still be emptied.
 *
 * A delete needs room, too: the index's log grows before anything gets smaller. When the disk is full the
 * reserve is given up, the writes that free room go through, and nothing else is taken until the reserve
 * could be laid aside again. */
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "storage/store_internal.h"

static void reserve_path(const Store *store, char out[BLOB_PATH_MAX])
{
    snprintf(out, BLOB_PATH_MAX, "%s/reserve", store->dir);
}

static int reserve_write(const char *path, Error *err)
{
    static const char zeros[64 * 1024];
    _cleanup_close_ int fd = -1;
    if (fs_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, err) < 0)
        return -1;
    for (size_t n = 0; n < STORE_RESERVE_BYTES; n += sizeof zeros) {
        if (fs_write_all(fd, zeros, sizeof zeros, err) < 0)
            return -1;
    }
    return 0;
}

void store_lay_reserve(Store *store)
{
    char path[BLOB_PATH_MAX];
    int64_t size;
    struct statvfs disk;
    Error err;
    reserve_path(store, path);
    if (fs_size(path, &size, NULL) == 0 && size == STORE_RESERVE_BYTES) {
        atomic_store(&store->reserve_is_out, false);
        return;
    }
    if (statvfs(store->dir, &disk) < 0 ||
        (uint64_t)disk.f_bavail * disk.f_frsize < 2ull * STORE_RESERVE_BYTES)
        return;
    if (reserve_write(path, &err) < 0) {
        log_warn("storage.reserve_failed", L_ERR(&err));
        fs_unlink(path, NULL);
        return;
    }
    atomic_store(&store->reserve_is_out, false);
}

void store_give_up_reserve(Store *store)
{
    char path[BLOB_PATH_MAX];
    reserve_path(store, path);
    if (!atomic_exchange(&store->reserve_is_out, true))
        log_warn("storage.disk_full", L_CSTR("folder", store->dir));
    fs_unlink(path, NULL);
}

bool store_frees_room(const StoreWrite *write)
{
    return write->op == STORE_DELETE || write->op == STORE_DELETE_BUCKET || write->op == STORE_ABORT_UPLOAD;
}
