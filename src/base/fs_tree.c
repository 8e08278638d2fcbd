/* fs_tree.c - whole files and whole trees, out of the calls of fs.c. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/fs_internal.h"
#include "base/rng.h"

enum {
    READ_STEP_MIN = 4096,
    TREE_DEPTH_MAX = 128,       /* each level holds a descriptor */
};

int fs_read_file(const char *path, size_t max_bytes, Buf *out, Error *err)
{
    _cleanup_close_ int fd = -1;
    if (fs_open(path, O_RDONLY, 0, &fd, err) < 0)
        return -1;
    struct stat st;
    size_t step = 0, total = 0;
    if (fstat(fd, &st) == 0 && st.st_size > 0 && (size_t)st.st_size < max_bytes)
        step = (size_t)st.st_size + 1;
    for (;;) {
        if (step < READ_STEP_MIN)
            step = READ_STEP_MIN;
        size_t slack = out->cap > out->len + 1 ? out->cap - out->len - 1 : 0;
        if (slack > 0)      /* first what is there: the last read, of nothing, must not grow the buffer */
            step = slack;
        /* One byte past the limit tells a file that is too long; out's own maximum may be smaller. */
        size_t want = max_bytes - total < step ? max_bytes - total + 1 : step;
        size_t room = out->max - out->len;
        char small[1];
        char *to = room > 0 ? buf_reserve(out, want < room ? want : room) : small;
        if (!to)
            return err_set(err, ERR_LIMIT, "%s does not fit into memory", path);
        ssize_t got = read(fd, to, room == 0 ? sizeof small : want < room ? want : room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set_errno(err, err_code_of_errno(errno), errno, "read %s", path);
        if (got == 0)
            break;
        total += (size_t)got;
        if (room == 0 || total > max_bytes)
            return err_set(err, ERR_LIMIT, "%s is longer than the allowed %zu bytes", path,
                           room == 0 ? out->max : max_bytes);
        out->len += (size_t)got;
        step = READ_STEP_MIN + total / 2;
    }
    char *end = buf_reserve(out, 0);
    if (end)
        *end = '\0';
    return 0;
}

static int folder_of(const char *path, char out[PATH_MAX], Error *err)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= PATH_MAX)
        return err_set_errno(err, ERR_IO, ENAMETOOLONG, "%s", path);
    if (!slash) {
        memcpy(out, ".", 2);
    } else {
        n += n == 0;
        memcpy(out, path, n);
        out[n] = '\0';
    }
    return 0;
}

static int write_new_file(const char *path, Str content, mode_t mode, Error *err)
{
    _cleanup_close_ int fd = -1;
    if (fs_open(path, O_WRONLY | O_CREAT | O_EXCL, mode, &fd, err) < 0)
        return -1;
    if (fchmod(fd, mode) < 0)       /* whatever the umask is */
        return err_set_errno(err, ERR_IO, errno, "mode of %s", path);
    if (fs_write_all(fd, content.ptr, content.len, err) < 0)
        return -1;
    return fs_sync(fd, err);
}

int fs_write_file_atomic(const char *path, Str content, mode_t mode, Error *err)
{
    char folder[PATH_MAX], temporary[PATH_MAX];
    if (folder_of(path, folder, err) < 0)
        return -1;
    int n = snprintf(temporary, sizeof temporary, "%s.%016llx.tmp", path, (unsigned long long)rng_u64());
    if (n < 0 || (size_t)n >= sizeof temporary)
        return err_set_errno(err, ERR_IO, ENAMETOOLONG, "%s", path);
    if (write_new_file(temporary, content, mode, err) < 0 || fs_rename(temporary, path, err) < 0) {
        fs_unlink(temporary, NULL);
        return -1;
    }
    return fs_sync_dir(folder, err);
}

static int remove_one(int folder_fd, const char *name, const char *path, int flags, Error *err)
{
    if (fault_point("fs.remove_tree", err))
        return -1;
    FS_TRACE_GUARD(tracing);
    if (unlinkat(folder_fd, name, flags) < 0) {
        if (errno == ENOENT)
            return 0;
        return err_set_errno(err, err_code_of_errno(errno), errno, "delete %s", path);
    }
    if (tracing)
        fs_trace_path(FS_TRACE_UNLINK, path, 0, NULL, 0);
    return 0;
}

static void closedirp(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

/* Empties and removes the folder `name` of folder_fd. Links are removed, never followed. `path` is a buffer
 * of PATH_MAX that holds its whole name, and does so again afterwards. */
static int remove_folder(int folder_fd, const char *name, char *path, int depth, Error *err)
{
    if (depth > TREE_DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "%s: folders are nested deeper than %d", path, TREE_DEPTH_MAX);
    int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0
                               : err_set_errno(err, err_code_of_errno(errno), errno, "open folder %s", path);
    __attribute__((cleanup(closedirp))) DIR *dir = fdopendir(fd);
    if (!dir) {
        err_set_errno(err, ERR_IO, errno, "open folder %s", path);
        close(fd);
        return -1;
    }
    size_t len = strlen(path);
    for (const struct dirent *entry; errno = 0, (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int n = snprintf(path + len, PATH_MAX - len, "/%s", entry->d_name);
        if (n < 0 || (size_t)n >= PATH_MAX - len)
            return err_set_errno(err, ERR_IO, ENAMETOOLONG, "delete in %.*s", (int)len, path);
        struct stat st;
        bool is_folder = entry->d_type == DT_DIR ||
                         (entry->d_type == DT_UNKNOWN &&
                          fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode));
        if (is_folder ? remove_folder(fd, entry->d_name, path, depth + 1, err) < 0
                      : remove_one(fd, entry->d_name, path, 0, err) < 0)
            return -1;
        path[len] = '\0';
    }
    if (errno != 0)
        return err_set_errno(err, ERR_IO, errno, "read folder %s", path);
    return remove_one(folder_fd, name, path, AT_REMOVEDIR, err);
}

int fs_remove_tree(const char *path, Error *err)
{
    char whole[PATH_MAX];
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0 || len >= sizeof whole)
        return err_set_errno(err, ERR_IO, len ? ENAMETOOLONG : EINVAL, "delete %s", path);
    memcpy(whole, path, len);
    whole[len] = '\0';
    struct stat st;
    if (lstat(whole, &st) < 0)
        return errno == ENOENT ? 0 : err_set_errno(err, err_code_of_errno(errno), errno, "delete %s", whole);
    if (!S_ISDIR(st.st_mode))
        return remove_one(AT_FDCWD, whole, whole, 0, err);
    char name[PATH_MAX];
    memcpy(name, whole, len + 1);
    return remove_folder(AT_FDCWD, name, whole, 0, err);
}
