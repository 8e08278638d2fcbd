#include "app/instance.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/supervisor.h"
#include "base/clock.h"
#include "base/fs.h"

enum { LOCK_POLL_MS = 20, LOCK_WAIT_MS = DRAIN_TIMEOUT_MS, LOCK_GLANCE_MS = 200 };

static Str lock_path(Str data_dir, Arena *arena)
{
    return arena_printf(arena, "%.*s/run/lock", STR_ARG(data_dir));
}

Str instance_endpoints_path(Str data_dir, Arena *arena)
{
    return arena_printf(arena, "%.*s/run/endpoints.json", STR_ARG(data_dir));
}

static int check_writable(Str data_dir, Error *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%.*s", STR_ARG(data_dir));
    struct stat st;
    if (stat(path, &st) || !S_ISDIR(st.st_mode))
        return err_set(err, ERR_CONFIG, "data folder %s is no folder", path);
    if (access(path, R_OK | W_OK | X_OK))
        return err_set_errno(err, ERR_CONFIG, errno, "data folder %s cannot be written: %s", path,
                             strerror(errno));
    if ((st.st_mode & 077) && chmod(path, 0700))
        return err_set_errno(err, ERR_CONFIG, errno,
                             "data folder %s is open to others and its mode cannot be changed", path);
    return 0;
}

/* 0: a supervisor that has not written it yet. */
static pid_t read_pid(int lock_fd)
{
    char text[32];
    int64_t pid = 0;
    ssize_t n = pread(lock_fd, text, sizeof text, 0);
    if (n <= 0 || str_to_i64(str_trim(str_of(text, (size_t)n)), 1, INT32_MAX, &pid, NULL))
        return 0;
    return (pid_t)pid;
}

static bool is_gone(pid_t pid)
{
    return pid > 0 && kill(pid, 0) < 0 && errno == ESRCH;
}

/* The roles hold the lock, too. After SIGKILL of their supervisor they still end what they were doing, with
 * files and ports in use: the next supervisor waits for them. */
static int take_lock(int lock_fd)
{
    for (int64_t waited = 0;; waited += LOCK_POLL_MS) {
        if (flock(lock_fd, LOCK_EX | LOCK_NB) == 0)
            return ftruncate(lock_fd, 0);   /* the pid of the last one is not ours */
        /* `status` and `stop` hold it for a moment to see whether somebody has it. */
        if (waited >= LOCK_WAIT_MS || (waited >= LOCK_GLANCE_MS && !is_gone(read_pid(lock_fd))))
            return -1;
        clock_sleep_ms(LOCK_POLL_MS);
    }
}

int instance_claim(Str data_dir, Arena *arena, Instance *ret, Error *err)
{
    Instance c = { .data_dir = data_dir, .lock_fd = -1 };
    c.run_dir = arena_printf(arena, "%.*s/run", STR_ARG(data_dir));
    if (fs_mkdir_all(arena_cstr(arena, data_dir), 0700, err))
        return err_set(err, ERR_CONFIG, "data folder %.*s cannot be made: %s", STR_ARG(data_dir),
                       strerror(errno));
    if (check_writable(data_dir, err) || fs_mkdir(c.run_dir.ptr, 0700, err) ||
        fs_mkdir(arena_printf(arena, "%.*s/logs", STR_ARG(data_dir)).ptr, 0700, err) ||
        fs_open(lock_path(data_dir, arena).ptr, O_RDWR | O_CREAT, 0600, &c.lock_fd, err))
        return -1;
    if (take_lock(c.lock_fd)) {
        pid_t pid = 0;
        close(c.lock_fd);
        if (!instance_find(data_dir, arena, &pid, NULL) && pid)
            return err_set(err, ERR_CONFIG,
                           "data folder %.*s is in use by process %d (lakehouse stop --data %.*s)",
                           STR_ARG(data_dir), (int)pid, STR_ARG(data_dir));
        return err_set(err, ERR_CONFIG, "data folder %.*s is in use by another process", STR_ARG(data_dir));
    }
    *ret = c;
    return 0;
}

int instance_write_pid(const Instance *instance, Error *err)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (fs_truncate(instance->lock_fd, 0, err))
        return -1;
    return fs_pwrite_all(instance->lock_fd, text, (size_t)n, 0, err);
}

int instance_find(Str data_dir, Arena *arena, pid_t *ret_pid, Error *err)
{
    *ret_pid = 0;
    _cleanup_close_ int fd = open(lock_path(data_dir, arena).ptr, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    pid_t pid = read_pid(fd);
    if (!pid)
        return err_set(err, ERR_UNAVAILABLE, "a supervisor is starting on %.*s", STR_ARG(data_dir));
    if (!is_gone(pid))
        *ret_pid = pid;
    return 0;
}
