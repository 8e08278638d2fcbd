/* fs.c - see fs.h. Removing trees and whole files are in fs_tree.c, SQLite's way here in fs_sqlite.c. */
#include "base/fs.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs_internal.h"

static int fs_error(const char *call, const char *path, Error *err)
{
    int os_errno = errno;
    return err_set_errno(err, err_code_of_errno(os_errno), os_errno, "%s %s", call, path);
}

/* The path is looked up only when there is something to tell; errno is kept. */
static const char *fs_fd_path(int fd, char out[PATH_MAX])
{
    int os_errno = errno;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    out[n > 0 ? n : 0] = '\0';
    errno = os_errno;
    return out;
}

static int fs_fd_error(const char *call, int fd, Error *err)
{
    char path[PATH_MAX];
    return fs_error(call, fs_fd_path(fd, path), err);
}

static int open_retry(const char *path, int flags, mode_t mode)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* As open(), and tells whether it made the file. */
static int open_telling(const char *path, int flags, mode_t mode, bool *ret_created)
{
    for (int round = 0; round < 8; round++) {
        *ret_created = false;
        int fd = flags & O_EXCL ? -1 : open_retry(path, flags & ~O_CREAT, mode);
        if (fd >= 0 || (!(flags & O_EXCL) && errno != ENOENT))
            return fd;
        fd = open_retry(path, flags | O_EXCL, mode);
        *ret_created = fd >= 0;
        if (fd >= 0 || errno != EEXIST || flags & O_EXCL)
            return fd;
    }
    return open_retry(path, flags, mode);   /* a link to nothing */
}

int fs_open(const char *path, int flags, mode_t mode, int *ret_fd, Error *err)
{
    if (flags & (O_CREAT | O_TRUNC) && fault_point("fs.open", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    bool created = false;
    int fd = tracing && flags & O_CREAT ? open_telling(path, flags, mode, &created)
                                        : open_retry(path, flags, mode);
    if (fd < 0)
        return fs_error("open", path, err);
    if (created)
        fs_trace_path(FS_TRACE_CREATE, path, mode, NULL, 0);
    else if (tracing && flags & O_TRUNC)
        fs_trace_fd(FS_TRACE_TRUNCATE, fd, 0, NULL, 0);
    *ret_fd = fd;
    return 0;
}

int fs_write_all(int fd, const void *bytes, size_t n, Error *err)
{
    if (fault_point("fs.write_all", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    const char *p = bytes;
    while (n > 0) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fs_fd_error("write", fd, err);
        if (tracing) {      /* the place is asked afterwards: with O_APPEND only then it is known */
            off_t end = lseek(fd, 0, SEEK_CUR);
            if (end >= written)
                fs_trace_fd(FS_TRACE_WRITE, fd, (uint64_t)(end - written), p, (size_t)written);
        }
        p += written;
        n -= (size_t)written;
    }
    return 0;
}

int fs_pwrite_all(int fd, const void *bytes, size_t n, off_t offset, Error *err)
{
    if (fault_point("fs.pwrite_all", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    const char *p = bytes;
    while (n > 0) {
        ssize_t written = pwrite(fd, p, n, offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fs_fd_error("write", fd, err);
        if (tracing)
            fs_trace_fd(FS_TRACE_WRITE, fd, (uint64_t)offset, p, (size_t)written);
        p += written;
        n -= (size_t)written;
        offset += written;
    }
    return 0;
}

int fs_pread_all(int fd, void *bytes, size_t n, off_t offset, Error *err)
{
    char *p = bytes;
    while (n > 0) {
        ssize_t got = pread(fd, p, n, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fs_fd_error("read", fd, err);
        if (got == 0) {
            char path[PATH_MAX];
            return err_set(err, ERR_CORRUPT, "%s ends at offset %lld, %zu bytes too early",
                           fs_fd_path(fd, path), (long long)offset, n);
        }
        p += got;
        n -= (size_t)got;
        offset += got;
    }
    return 0;
}

int fs_truncate(int fd, off_t size, Error *err)
{
    if (fault_point("fs.truncate", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    int result;
    do
        result = ftruncate(fd, size);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return fs_fd_error("truncate", fd, err);
    if (tracing)
        fs_trace_fd(FS_TRACE_TRUNCATE, fd, (uint64_t)size, NULL, 0);
    return 0;
}

/* No second try: after a failed sync the kernel may have dropped the pages and would report success. */
int fs_datasync(int fd, Error *err)
{
    if (fault_point("fs.datasync", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    if (fdatasync(fd) < 0)
        return fs_fd_error("sync", fd, err);
    if (tracing)
        fs_trace_fd(FS_TRACE_SYNC, fd, 0, NULL, 0);
    return 0;
}

int fs_sync(int fd, Error *err)
{
    if (fault_point("fs.sync", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    if (fsync(fd) < 0)
        return fs_fd_error("sync", fd, err);
    if (tracing)
        fs_trace_fd(FS_TRACE_SYNC, fd, 0, NULL, 0);
    return 0;
}

int fs_sync_dir(const char *path, Error *err)
{
    if (fault_point("fs.sync_dir", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    _cleanup_close_ int fd = open_retry(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fs_error("open folder", path, err);
    if (fsync(fd) < 0)
        return fs_error("sync folder", path, err);
    if (tracing)
        fs_trace_path(FS_TRACE_SYNC_DIR, path, 0, NULL, 0);
    return 0;
}

int fs_sync_path(const char *path, Error *err)
{
    if (fault_point("fs.sync_path", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    _cleanup_close_ int fd = open_retry(path, O_RDONLY, 0);
    if (fd < 0)
        return fs_error("open", path, err);
    if (fsync(fd) < 0)
        return fs_error("sync", path, err);
    if (tracing)
        fs_trace_content(path, fd);
    return 0;
}

int fs_mkdir(const char *path, mode_t mode, Error *err)
{
    if (fault_point("fs.mkdir", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    if (mkdir(path, mode) == 0) {
        if (tracing)
            fs_trace_path(FS_TRACE_MKDIR, path, mode, NULL, 0);
        return 0;
    }
    int os_errno = errno;
    struct stat st;
    if (os_errno == EEXIST && stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        os_errno = ENOTDIR;
    }
    errno = os_errno;
    return fs_error("make folder", path, err);
}

int fs_mkdir_all(const char *path, mode_t mode, Error *err)
{
    size_t len = strlen(path);
    char part[PATH_MAX];
    if (len == 0 || len >= sizeof part) {
        errno = len ? ENAMETOOLONG : ENOENT;
        return fs_error("make folder", path, err);
    }
    for (size_t i = 1; i <= len; i++) {
        if (i < len && (path[i] != '/' || path[i - 1] == '/'))
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        /* Only what is missing is made: above the data folder there may be no right to. */
        if (!fs_exists(part) || i == len)
            if (fs_mkdir(part, mode, err) < 0)
                return -1;
    }
    return 0;
}

int fs_rename(const char *from, const char *to, Error *err)
{
    if (fault_point("fs.rename", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    if (rename(from, to) < 0) {
        int os_errno = errno;
        return err_set_errno(err, err_code_of_errno(os_errno), os_errno, "rename %s to %s", from, to);
    }
    if (tracing)
        fs_trace_two_paths(FS_TRACE_RENAME, from, to);
    return 0;
}

int fs_link(const char *from, const char *to, Error *err)
{
    if (fault_point("fs.link", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    if (link(from, to) < 0) {
        int os_errno = errno;
        return err_set_errno(err, err_code_of_errno(os_errno), os_errno, "link %s to %s", from, to);
    }
    if (tracing)
        fs_trace_two_paths(FS_TRACE_LINK, from, to);
    return 0;
}

int fs_unlink(const char *path, Error *err)
{
    if (fault_point("fs.unlink", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    if (unlink(path) < 0)
        return errno == ENOENT ? 0 : fs_error("delete", path, err);
    if (tracing)
        fs_trace_path(FS_TRACE_UNLINK, path, 0, NULL, 0);
    return 0;
}

int fs_size(const char *path, int64_t *ret_size, Error *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return fs_error("size of", path, err);
    *ret_size = (int64_t)st.st_size;
    return 0;
}

bool fs_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}
