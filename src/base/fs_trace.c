/* fs_trace.c - records writes and syncs for the crash tests; see fs_internal.h and fs_trace.h.
 *
 * A record goes out in one write(2) to a file opened with O_APPEND, so it survives SIGKILL whole. A trace
 * that cannot be written ends the process: a crash test on half a record would prove nothing. */
#include "base/fs_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs_internal.h"

enum { TRACE_UNKNOWN, TRACE_OFF, TRACE_ON };

static int trace_state;             /* atomic */
static pthread_mutex_t trace_mutex = PTHREAD_MUTEX_INITIALIZER;
static int trace_fd = -1;           /* under trace_mutex, like trace_pid */
static pid_t trace_pid;

typedef struct TraceHeader {
    uint64_t monotonic_us;
    uint32_t kind, path_len;
    uint64_t a, b, payload_len;
} TraceHeader;
_Static_assert(sizeof(TraceHeader) == 40, "fs_trace.h: a record's header has 40 bytes");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the header is written as it is in memory");

bool fs_trace_on(void)
{
    int state = __atomic_load_n(&trace_state, __ATOMIC_RELAXED);
    if (__builtin_expect(state == TRACE_UNKNOWN, 0)) {
        const char *folder = getenv("LAKEHOUSE_FS_TRACE");
        state = folder && *folder ? TRACE_ON : TRACE_OFF;
        __atomic_store_n(&trace_state, state, __ATOMIC_RELAXED);
    }
    return state == TRACE_ON;
}

void fs_trace_lock_(void)
{
    pthread_mutex_lock(&trace_mutex);
}

void fs_trace_unlock_(void)
{
    pthread_mutex_unlock(&trace_mutex);
}

void fs_trace_reset_for_test(void)
{
    pthread_mutex_lock(&trace_mutex);
    if (trace_fd >= 0)
        close(trace_fd);
    trace_fd = -1;
    __atomic_store_n(&trace_state, TRACE_UNKNOWN, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&trace_mutex);
}

static _Noreturn void trace_die(const char *what)
{
    fprintf(stderr, "lakehouse: LAKEHOUSE_FS_TRACE: %s: %s\n", what, strerrordesc_np(errno));
    abort();
}

static void trace_open(void)
{
    if (trace_fd >= 0 && trace_pid == getpid())     /* a forked child gets a file of its own */
        return;
    const char *folder = getenv("LAKEHOUSE_FS_TRACE");
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        trace_die(folder);
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%ld.fstrace", folder, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        trace_die(folder);
    }
    if (trace_fd >= 0)
        close(trace_fd);
    trace_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (trace_fd < 0)
        trace_die(path);
    trace_pid = getpid();
}

static void trace_put(FsTraceKind kind, const char *path, uint64_t a, const void *payload, size_t n)
{
    trace_open();
    TraceHeader header = {
        .monotonic_us = (uint64_t)clock_monotonic_us(), .kind = (uint32_t)kind,
        .path_len = (uint32_t)strlen(path), .a = a, .payload_len = n,
    };
    struct iovec parts[3] = {
        { &header, sizeof header }, { (void *)(uintptr_t)path, header.path_len },
        { (void *)(uintptr_t)payload, n },
    };
    int first = 0;
    while (first < 3) {
        ssize_t written = writev(trace_fd, parts + first, 3 - first);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            trace_die("write");
        for (; first < 3 && (size_t)written >= parts[first].iov_len; first++)
            written -= (ssize_t)parts[first].iov_len;
        if (first < 3) {
            parts[first].iov_base = (char *)parts[first].iov_base + written;
            parts[first].iov_len -= (size_t)written;
        }
    }
}

/* The name with its folder resolved; the last component stays, it may be a link or gone. */
static bool trace_resolve(const char *path, char out[PATH_MAX])
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0 || len >= PATH_MAX)
        return false;
    char folder[PATH_MAX];
    memcpy(folder, path, len);
    folder[len] = '\0';
    char *slash = strrchr(folder, '/');
    const char *base = path + (slash ? slash - folder + 1 : 0);
    size_t base_len = len - (size_t)(base - path);
    if (!slash)
        memcpy(folder, ".", 2);
    else
        slash[slash == folder] = '\0';
    if (!realpath(folder, out))
        return false;
    size_t n = strlen(out);
    if (n + base_len + 2 > PATH_MAX)
        return false;
    if (base_len > 0 && out[n - 1] != '/')
        out[n++] = '/';
    memcpy(out + n, base, base_len);
    out[n + base_len] = '\0';
    return true;
}

void fs_trace_path(FsTraceKind kind, const char *path, uint64_t a, const void *payload, size_t n)
{
    int saved_errno = errno;
    char resolved[PATH_MAX];
    bool known = kind == FS_TRACE_SYNC_DIR ? realpath(path, resolved) != NULL : trace_resolve(path, resolved);
    trace_put(kind, known ? resolved : path, a, payload, n);
    errno = saved_errno;
}

void fs_trace_two_paths(FsTraceKind kind, const char *from, const char *to)
{
    int saved_errno = errno;
    char resolved[PATH_MAX];
    const char *target = trace_resolve(to, resolved) ? resolved : to;
    fs_trace_path(kind, from, 0, target, strlen(target));
    errno = saved_errno;
}

/* false: a pipe, a socket, or a file without a name. */
static bool trace_fd_path(int fd, char out[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    if (n <= 0 || out[0] != '/')
        return false;
    out[n] = '\0';
    static const char deleted[] = " (deleted)";
    size_t tail = sizeof deleted - 1;
    return (size_t)n <= tail || strcmp(out + n - tail, deleted) != 0;
}

void fs_trace_fd(FsTraceKind kind, int fd, uint64_t a, const void *payload, size_t n)
{
    int saved_errno = errno;
    char path[PATH_MAX];
    if (trace_fd_path(fd, path))
        trace_put(kind, path, a, payload, n);
    errno = saved_errno;
}

void fs_trace_content(const char *path, int fd)
{
    int saved_errno = errno;
    struct stat st;
    if (fstat(fd, &st) < 0)
        trace_die(path);
    size_t size = (size_t)st.st_size, n = 0;
    char *content = malloc(size ? size : 1);
    if (!content)
        trace_die(path);
    while (n < size) {
        ssize_t got = pread(fd, content + n, size - n, (off_t)n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            trace_die(path);
        if (got == 0)
            break;
        n += (size_t)got;
    }
    char resolved[PATH_MAX];
    trace_put(FS_TRACE_CONTENT, trace_fd_path(fd, resolved) ? resolved : path, 0, content, n);
    free(content);
    errno = saved_errno;
}
