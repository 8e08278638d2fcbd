/* fs_sqlite.c - SQLite's files, with the fault points and the trace of fs.h.
 *
 * A VFS shim over the platform's own: every call goes on to it, and those that change a durable file
 * (database, journal, write-ahead log) pass a fault point and are recorded first. Temporary files are not
 * durable and neither is the shared memory index (-shm), which SQLite rebuilds: they pass through.
 * Source: https://www.sqlite.org/vfs.html and os_unix.c. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/fs_internal.h"

typedef struct ShimFile {
    sqlite3_file base;
    bool durable;
    bool sync_folder;           /* a new journal or log: its first sync is one of its folder too */
    const char *path;           /* borrowed until xClose: SQLite keeps the name of a durable file that long */
    _Alignas(8) char real[];    /* the platform's sqlite3_file; SQLite aligns files to 8 */
} ShimFile;

static sqlite3_vfs *real_vfs;   /* set once, before the shim is registered */

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)((ShimFile *)file)->real;
}

static int shim_close(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    int rc = real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
    file->pMethods = NULL;
    return rc;
}

static int shim_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), bytes, n, offset);
}

/* SQLITE_OK, or what SQLite shall see instead of the call: `failure`, or SQLITE_FULL for a full disk. */
static int shim_fault(const char *name, bool durable, int failure)
{
    Error err;
    if (!durable || !fault_point(name, &err))
        return SQLITE_OK;
    return err.code == ERR_DISK_FULL ? SQLITE_FULL : failure;
}

static int shim_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    const ShimFile *shim = (const ShimFile *)file;
    sqlite3_file *real = real_of(file);
    if (!shim->durable)
        return real->pMethods->xWrite(real, bytes, n, offset);
    int rc = shim_fault("fs.sqlite_write", true, SQLITE_IOERR_WRITE);
    if (rc != SQLITE_OK)
        return rc;
    FS_TRACE_GUARD(tracing);
    rc = real->pMethods->xWrite(real, bytes, n, offset);
    if (rc == SQLITE_OK && tracing)
        fs_trace_path(FS_TRACE_WRITE, shim->path, (uint64_t)offset, bytes, (size_t)n);
    return rc;
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    const ShimFile *shim = (const ShimFile *)file;
    sqlite3_file *real = real_of(file);
    int rc = shim_fault("fs.sqlite_truncate", shim->durable, SQLITE_IOERR_TRUNCATE);
    if (rc != SQLITE_OK)
        return rc;
    FS_TRACE_GUARD(tracing);
    rc = real->pMethods->xTruncate(real, size);
    if (rc == SQLITE_OK && tracing && shim->durable)
        fs_trace_path(FS_TRACE_TRUNCATE, shim->path, (uint64_t)size, NULL, 0);
    return rc;
}

static void trace_folder_sync(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n == 0 || n >= sizeof folder)
        n = 1;
    memcpy(folder, slash ? path : ".", n);
    folder[n] = '\0';
    fs_trace_path(FS_TRACE_SYNC_DIR, folder, 0, NULL, 0);
}

static int shim_sync(sqlite3_file *file, int flags)
{
    ShimFile *shim = (ShimFile *)file;
    sqlite3_file *real = real_of(file);
    int rc = shim_fault("fs.sqlite_sync", shim->durable, SQLITE_IOERR_FSYNC);
    if (rc != SQLITE_OK)
        return rc;
    FS_TRACE_GUARD(tracing);
    rc = real->pMethods->xSync(real, flags);
    if (rc != SQLITE_OK || !tracing || !shim->durable)
        return rc;
    fs_trace_path(FS_TRACE_SYNC, shim->path, 0, NULL, 0);
    if (shim->sync_folder)
        trace_folder_sync(shim->path);
    shim->sync_folder = false;
    return rc;
}

static int shim_file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), ret_size);
}

static int shim_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int shim_check_reserved_lock(sqlite3_file *file, int *ret_reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret_reserved);
}

static int shim_file_control(sqlite3_file *file, int op, void *arg)
{
    int rc = real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
    if (op == SQLITE_FCNTL_VFSNAME && rc == SQLITE_OK)
        *(char **)arg = sqlite3_mprintf("lakehouse/%z", *(char **)arg);
    return rc;
}

static int shim_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int shim_device_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int shim_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret_memory)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, ret_memory);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int shim_shm_unmap(sqlite3_file *file, int delete_flag)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), delete_flag);
}

static int shim_fetch(sqlite3_file *file, sqlite3_int64 offset, int n, void **ret_page)
{
    return real_of(file)->pMethods->xFetch(real_of(file), offset, n, ret_page);
}

static int shim_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page)
{
    return real_of(file)->pMethods->xUnfetch(real_of(file), offset, page);
}

/* One table for each version that the real file may have: SQLite looks at the version to know what is
 * there. */
#define SHIM_METHODS(version) { \
    .iVersion = (version), .xClose = shim_close, .xRead = shim_read, .xWrite = shim_write, \
    .xTruncate = shim_truncate, .xSync = shim_sync, .xFileSize = shim_file_size, .xLock = shim_lock, \
    .xUnlock = shim_unlock, .xCheckReservedLock = shim_check_reserved_lock, \
    .xFileControl = shim_file_control, .xSectorSize = shim_sector_size, \
    .xDeviceCharacteristics = shim_device_characteristics, \
    .xShmMap = (version) >= 2 ? shim_shm_map : NULL, .xShmLock = (version) >= 2 ? shim_shm_lock : NULL, \
    .xShmBarrier = (version) >= 2 ? shim_shm_barrier : NULL, \
    .xShmUnmap = (version) >= 2 ? shim_shm_unmap : NULL, \
    .xFetch = (version) >= 3 ? shim_fetch : NULL, .xUnfetch = (version) >= 3 ? shim_unfetch : NULL }
static const sqlite3_io_methods shim_methods[] = { SHIM_METHODS(1), SHIM_METHODS(2), SHIM_METHODS(3) };

static const sqlite3_io_methods *methods_like(const sqlite3_io_methods *real)
{
    int version = real->iVersion < 3 ? real->iVersion : 3;
    if (version >= 2 && !real->xShmMap)     /* "nolock" says version 3 but has no shared memory */
        version = 1;
    return &shim_methods[version - 1];
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    (void)vfs;
    const int durable_types = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL |
                              SQLITE_OPEN_SUPER_JOURNAL;
    const int folder_types = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL | SQLITE_OPEN_SUPER_JOURNAL;
    ShimFile *shim = (ShimFile *)file;
    sqlite3_file *real = real_of(file);
    shim->base.pMethods = NULL;         /* until the open succeeded there is nothing to close */
    shim->durable = name && flags & durable_types && !(flags & SQLITE_OPEN_DELETEONCLOSE);
    shim->sync_folder = false;
    shim->path = name;
    real->pMethods = NULL;
    FS_TRACE_GUARD(tracing);
    bool creates = shim->durable && flags & SQLITE_OPEN_CREATE;
    bool made = creates && tracing && !fs_exists(name);
    if (creates && shim_fault("fs.sqlite_open", true, SQLITE_CANTOPEN) != SQLITE_OK)
        return SQLITE_CANTOPEN;
    int rc = real_vfs->xOpen(real_vfs, name, real, flags, ret_flags);
    if (real->pMethods)                 /* also after some failures: SQLite will then close it */
        shim->base.pMethods = methods_like(real->pMethods);
    if (rc != SQLITE_OK)
        return rc;
    shim->sync_folder = creates && flags & folder_types;
    struct stat st;
    if (made && stat(name, &st) == 0)
        fs_trace_path(FS_TRACE_CREATE, name, st.st_mode & 07777, NULL, 0);
    return SQLITE_OK;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    int rc = shim_fault("fs.sqlite_delete", true, SQLITE_IOERR_DELETE);
    if (rc != SQLITE_OK)
        return rc;
    FS_TRACE_GUARD(tracing);
    rc = real_vfs->xDelete(real_vfs, name, sync_folder);
    if (rc == SQLITE_OK && tracing) {
        fs_trace_path(FS_TRACE_UNLINK, name, 0, NULL, 0);
        if (sync_folder)
            trace_folder_sync(name);
    }
    return rc;
}

static int shim_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_result)
{
    (void)vfs;
    return real_vfs->xAccess(real_vfs, name, flags, ret_result);
}

static int shim_full_pathname(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    (void)vfs;
    return real_vfs->xFullPathname(real_vfs, name, n, out);
}

static void *shim_dl_open(sqlite3_vfs *vfs, const char *name)
{
    (void)vfs;
    return real_vfs->xDlOpen(real_vfs, name);
}

static void shim_dl_error(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    real_vfs->xDlError(real_vfs, n, out);
}

static void (*shim_dl_sym(sqlite3_vfs *vfs, void *library, const char *symbol))(void)
{
    (void)vfs;
    return real_vfs->xDlSym(real_vfs, library, symbol);
}

static void shim_dl_close(sqlite3_vfs *vfs, void *library)
{
    (void)vfs;
    real_vfs->xDlClose(real_vfs, library);
}

static int shim_randomness(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    return real_vfs->xRandomness(real_vfs, n, out);
}

static int shim_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return real_vfs->xSleep(real_vfs, microseconds);
}

static int shim_current_time(sqlite3_vfs *vfs, double *ret_days)
{
    (void)vfs;
    return real_vfs->xCurrentTime(real_vfs, ret_days);
}

static int shim_get_last_error(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    return real_vfs->xGetLastError(real_vfs, n, out);
}

static int shim_current_time_int64(sqlite3_vfs *vfs, sqlite3_int64 *ret_ms)
{
    (void)vfs;
    return real_vfs->xCurrentTimeInt64(real_vfs, ret_ms);
}

static int register_result;

static void register_once(void)
{
    static sqlite3_vfs shim = {
        .iVersion = 2, .zName = "lakehouse", .xOpen = shim_open, .xDelete = shim_delete,
        .xAccess = shim_access, .xFullPathname = shim_full_pathname, .xDlOpen = shim_dl_open,
        .xDlError = shim_dl_error, .xDlSym = shim_dl_sym, .xDlClose = shim_dl_close,
        .xRandomness = shim_randomness, .xSleep = shim_sleep, .xCurrentTime = shim_current_time,
        .xGetLastError = shim_get_last_error,
        .xCurrentTimeInt64 = shim_current_time_int64,
    };
    register_result = sqlite3_initialize();
    if (register_result != SQLITE_OK)
        return;
    real_vfs = sqlite3_vfs_find("unix");
    if (!real_vfs || real_vfs->iVersion < 2) {
        register_result = SQLITE_ERROR;
        return;
    }
    shim.szOsFile = (int)sizeof(ShimFile) + real_vfs->szOsFile;
    shim.mxPathname = real_vfs->mxPathname;
    register_result = sqlite3_vfs_register(&shim, 1);
}

int fs_sqlite_register(Error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_once);
    if (register_result != SQLITE_OK)
        return err_set(err, ERR_INTERNAL, "SQLite's VFS cannot be registered: %s",
                       sqlite3_errstr(register_result));
    return 0;
}
