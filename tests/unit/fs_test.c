/* fs_test.c - the file system's calls, fault points, the record of writes and SQLite's way into both. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "base/fs.h"
#include "base/fs_internal.h"

static char root[PATH_MAX];
static char trace_root[PATH_MAX];

/* Path of a name in the test's folder; four of them are kept. */
static const char *at(const char *name)
{
    static char paths[4][PATH_MAX + 64];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

static int make_root(void **state)
{
    char name[] = "/tmp/lakehouse-fs-test-XXXXXX";
    if (!mkdtemp(name) || !realpath(name, root))
        return -1;
    snprintf(trace_root, sizeof trace_root, "%s-trace", name);
    return 0;
}

static int remove_root(void **state)
{
    unsetenv("LAKEHOUSE_FS_TRACE");
    fs_trace_reset_for_test();
    fault_arm_for_test(NULL);
    return fs_remove_tree(root, NULL) < 0 || fs_remove_tree(trace_root, NULL) < 0 ? -1 : 0;
}

static void write_file(const char *path, const char *text)
{
    assert_int_equal(fs_write_file_atomic(path, str_from(text), 0600, NULL), 0);
}

static void assert_content(const char *path, const char *text)
{
    _cleanup_buf_ Buf content = BUF_INIT(1 << 20);
    assert_int_equal(fs_read_file(path, 1 << 20, &content, NULL), 0);
    assert_true(str_is(buf_str(&content), text));
}

static int count_entries(const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    int n = 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void test_write_and_read(void **state)
{
    Error err;
    int fd = -1;
    assert_int_equal(fs_open(at("missing"), O_RDONLY, 0, &fd, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(err.os_errno, ENOENT);
    assert_non_null(strstr(err.message, at("missing")));
    assert_non_null(strstr(err.message, "No such file or directory"));
    assert_int_equal(fd, -1);
    assert_int_equal(fs_open(at("file"), O_RDWR | O_CREAT, 0600, &fd, &err), 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fs_write_all(fd, "hello ", 6, &err), 0);
    assert_int_equal(fs_write_all(fd, "world", 5, &err), 0);
    assert_int_equal(fs_pwrite_all(fd, "W", 1, 6, &err), 0);
    assert_int_equal(fs_datasync(fd, &err), 0);
    char bytes[11];
    assert_int_equal(fs_pread_all(fd, bytes, 11, 0, &err), 0);
    assert_memory_equal(bytes, "hello World", 11);
    assert_int_equal(fs_pread_all(fd, bytes, 11, 1, &err), -1);
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_non_null(strstr(err.message, at("file")));
    assert_int_equal(fs_truncate(fd, 5, &err), 0);
    assert_int_equal(fs_sync(fd, &err), 0);
    close(fd);
    int64_t size = 0;
    assert_int_equal(fs_size(at("file"), &size, &err), 0);
    assert_int_equal(size, 5);
    assert_int_equal(fs_size(at("missing"), &size, &err), -1);
    assert_int_equal(fs_sync_path(at("file"), &err), 0);
    assert_int_equal(fs_sync_dir(root, &err), 0);
    assert_int_equal(fs_sync_dir(at("file"), &err), -1);
    assert_int_equal(fs_write_all(-1, "x", 1, &err), -1);
    assert_int_equal(err.code, ERR_IO);
}

static void test_read_file_limits(void **state)
{
    static char text[20001];
    memset(text, 'x', 20000);
    write_file(at("file"), text);
    Error err;
    for (size_t max = 19999; max <= 20001; max++) {
        _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
        assert_int_equal(fs_read_file(at("file"), max, &out, &err), max < 20000 ? -1 : 0);
        if (max < 20000)
            assert_int_equal(err.code, ERR_LIMIT);
        else
            assert_int_equal(out.len, 20000);
    }
    for (size_t max = 19999; max <= 20001; max++) {     /* the buffer's own maximum */
        _cleanup_buf_ Buf out = BUF_INIT(max);
        assert_int_equal(fs_read_file(at("file"), 1 << 20, &out, &err), max < 20000 ? -1 : 0);
        if (max < 20000)
            assert_int_equal(err.code, ERR_LIMIT);
    }
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    buf_puts(&out, "before:");
    write_file(at("empty"), "");
    assert_int_equal(fs_read_file(at("empty"), 0, &out, &err), 0);
    assert_string_equal(out.data, "before:");
    assert_int_equal(fs_read_file(at("file"), 0, &out, &err), -1);
    assert_int_equal(fs_read_file("/proc/self/stat", 4096, &out, &err), 0);     /* a file of size 0 */
    assert_true(out.len > 20);
    assert_int_equal(fs_read_file(root, 4096, &out, &err), -1);
    assert_int_equal(err.os_errno, EISDIR);
}

static void test_atomic_write(void **state)
{
    mode_t before = umask(0077);
    assert_int_equal(fs_write_file_atomic(at("file"), STR("one"), 0644, NULL), 0);
    umask(before);
    struct stat st;
    assert_int_equal(stat(at("file"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    write_file(at("file"), "two");
    assert_content(at("file"), "two");
    assert_int_equal(count_entries(root), 1);
    Error err;
    assert_int_equal(fs_write_file_atomic(at("none/file"), STR("x"), 0600, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    /* Whatever fails, there is the old content or the new one, and no temporary file. */
    int failures = 0;
    for (int nth = 1;; nth++) {
        char spec[32];
        snprintf(spec, sizeof spec, "*:%d:full", nth);
        fault_arm_for_test(spec);
        int result = fs_write_file_atomic(at("file"), STR("three"), 0600, &err);
        fault_arm_for_test(NULL);
        assert_int_equal(count_entries(root), 1);
        if (result == 0)
            break;
        assert_int_equal(err.code, ERR_DISK_FULL);
        failures++;
        if (strcmp(err.message, "fs.sync_dir: injected fault: No space left on device") == 0)
            assert_content(at("file"), "three");
        else
            assert_content(at("file"), "two");
    }
    assert_int_equal(failures, 5);      /* open, write, sync, rename, folder sync */
    assert_content(at("file"), "three");
}

static void test_names(void **state)
{
    Error err;
    assert_int_equal(fs_mkdir(at("a"), 0700, &err), 0);
    assert_int_equal(fs_mkdir(at("a"), 0700, &err), 0);
    assert_int_equal(fs_mkdir_all(at("a/b//c/d/"), 0700, &err), 0);
    assert_true(fs_exists(at("a/b/c/d")));
    assert_int_equal(fs_mkdir_all(at("a/b/c"), 0700, &err), 0);
    write_file(at("f"), "x");
    assert_int_equal(fs_mkdir(at("f"), 0700, &err), -1);
    assert_int_equal(err.os_errno, ENOTDIR);
    assert_int_equal(fs_mkdir_all(at("f/g"), 0700, &err), -1);
    assert_int_equal(fs_mkdir_all("", 0700, &err), -1);
    assert_int_equal(fs_link(at("f"), at("g"), &err), 0);
    assert_int_equal(fs_link(at("f"), at("g"), &err), -1);
    assert_int_equal(err.os_errno, EEXIST);
    assert_int_equal(fs_rename(at("g"), at("a/h"), &err), 0);
    assert_false(fs_exists(at("g")));
    assert_content(at("a/h"), "x");
    assert_int_equal(fs_rename(at("g"), at("h"), &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "/h"));
    assert_int_equal(fs_unlink(at("f"), &err), 0);
    assert_int_equal(fs_unlink(at("f"), &err), 0);
    assert_int_equal(fs_unlink(at("a"), &err), -1);
}

static void test_remove_tree(void **state)
{
    Error err;
    assert_int_equal(fs_mkdir_all(at("tree/a/b/c"), 0700, &err), 0);
    assert_int_equal(fs_mkdir_all(at("kept"), 0700, &err), 0);
    write_file(at("kept/file"), "x");
    write_file(at("tree/a/b/file"), "x");
    assert_int_equal(symlink(at("kept"), at("tree/a/link")), 0);
    assert_int_equal(symlink("nowhere", at("tree/a/dangling")), 0);
    assert_int_equal(fs_remove_tree(at("tree/"), &err), 0);
    assert_false(fs_exists(at("tree")));
    assert_content(at("kept/file"), "x");       /* a link is removed, not followed */
    assert_int_equal(fs_remove_tree(at("tree"), &err), 0);
    assert_int_equal(symlink(at("kept"), at("link")), 0);
    assert_int_equal(fs_remove_tree(at("link"), &err), 0);
    assert_content(at("kept/file"), "x");
    assert_int_equal(fs_remove_tree(at("kept/file"), &err), 0);
    assert_int_equal(count_entries(at("kept")), 0);
    assert_int_equal(fs_remove_tree("", &err), -1);
}

static void test_fault_points(void **state)
{
    Error err;
    assert_false(fault_point("a.b", &err));
    fault_arm_for_test("a.b:2");
    assert_false(fault_point("a.b", &err));
    assert_false(fault_point("a.bc", &err));
    assert_true(fault_point("a.b", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "a.b"));
    assert_false(fault_point("a.b", &err));     /* only the Nth */
    fault_arm_for_test("a.*:1:full");
    assert_false(fault_point("b.a", NULL));
    assert_true(fault_point("a.x", NULL));
    fault_arm_for_test("*:3:fail");
    assert_false(fault_point("a", &err));
    assert_false(fault_point("b", &err));
    assert_true(fault_point("c", &err));
    setenv("LAKEHOUSE_FAULT", "from.env:1", 1);
    fault_init_from_environment();
    assert_true(fault_point("from.env", &err));
    unsetenv("LAKEHOUSE_FAULT");
    fault_init_from_environment();
    assert_false(fault_armed);
}

/* The test's program again, which makes a folder with that fault armed. */
static int status_of_child_with(const char *spec)
{
    extern char **environ;
    char program[] = "fs_test", spec_text[64], path[PATH_MAX + 64];
    snprintf(spec_text, sizeof spec_text, "%s", spec);
    snprintf(path, sizeof path, "%s", at("made"));
    char *arguments[] = { program, spec_text, path, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = -1;
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
}

static int child(const char *spec, const char *path)
{
    signal(SIGABRT, SIG_DFL);
    fault_arm_for_test(spec);
    return fs_mkdir(path, 0700, NULL) < 0;
}

static void test_fault_kills(void **state)
{
    int status = status_of_child_with("fs.mkdir:1:kill");
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_false(fs_exists(at("made")));
    status = status_of_child_with("fs.mkdir:2:kill");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0 && fs_exists(at("made")));
    static const char *const malformed[] = { "", "x", "x:0", "x:-1", "x:1:", "x:1:melt", ":1", "x:y" };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        assert_true(WIFSIGNALED(status_of_child_with(malformed[i])));
}

/* ---- the trace ---- */

typedef struct Record {
    FsTraceKind kind;
    uint64_t a;
    char path[256];
    Str payload;        /* in trace_text */
} Record;

static Buf trace_text;

static void trace_start(void)
{
    setenv("LAKEHOUSE_FS_TRACE", trace_root, 1);
    fs_trace_reset_for_test();
}

/* Ends the trace and reads it. Paths lose the test's folder. */
static size_t trace_end(Record *records, size_t max)
{
    unsetenv("LAKEHOUSE_FS_TRACE");
    fs_trace_reset_for_test();
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%ld.fstrace", trace_root, (long)getpid());
    trace_text.max = 10 << 20;
    buf_clear(&trace_text);
    assert_int_equal(fs_read_file(path, 10 << 20, &trace_text, NULL), 0);
    assert_int_equal(fs_unlink(path, NULL), 0);
    size_t n = 0;
    uint64_t last_us = 0;
    for (Str rest = buf_str(&trace_text); rest.len > 0;) {
        uint64_t us, a, b, payload_len;
        uint32_t kind, path_len;
        assert_true(rest.len >= 40 && n < max);
        memcpy(&us, rest.ptr, 8);
        memcpy(&kind, rest.ptr + 8, 4);
        memcpy(&path_len, rest.ptr + 12, 4);
        memcpy(&a, rest.ptr + 16, 8);
        memcpy(&b, rest.ptr + 24, 8);
        memcpy(&payload_len, rest.ptr + 32, 8);
        assert_true(us >= last_us);
        last_us = us;
        assert_true(rest.len >= 40 + path_len + payload_len);
        Str name = str_slice(rest, 40, 40 + path_len);
        assert_true(str_has_prefix(name, str_from(root)));
        Record *record = &records[n++];
        record->kind = (FsTraceKind)kind;
        record->a = a;
        Str relative = str_slice(name, strlen(root) + (name.len > strlen(root)), name.len);
        snprintf(record->path, sizeof record->path, "%.*s", STR_ARG(relative));
        record->payload = str_slice(rest, 40 + path_len, 40 + path_len + payload_len);
        rest = str_slice(rest, 40 + path_len + payload_len, rest.len);
    }
    return n;
}

static void assert_record(const Record *record, FsTraceKind kind, const char *path, uint64_t a,
                          const char *payload)
{
    assert_int_equal(record->kind, kind);
    assert_string_equal(record->path, path);
    assert_int_equal(record->a, a);
    assert_true(str_is(record->payload, payload));
}

static void test_trace_of_files(void **state)
{
    static Record r[64];
    int fd;
    trace_start();
    fs_mkdir(at("d"), 0700, NULL);
    fs_mkdir(at("d"), 0700, NULL);                          /* changes nothing: no record */
    fs_open(at("d/../d/f"), O_RDWR | O_CREAT, 0640, &fd, NULL);   /* named by its real folder */
    fs_write_all(fd, "abc", 3, NULL);
    fs_write_all(fd, "def", 3, NULL);
    fs_pwrite_all(fd, "X", 1, 1, NULL);
    fs_truncate(fd, 4, NULL);
    fs_datasync(fd, NULL);
    fs_sync(fd, NULL);
    close(fd);
    fs_open(at("d/f"), O_WRONLY | O_CREAT | O_APPEND, 0640, &fd, NULL);     /* there already: no record */
    fs_write_all(fd, "Z", 1, NULL);
    close(fd);
    fs_open(at("d/f"), O_WRONLY | O_TRUNC, 0, &fd, NULL);
    close(fd);
    fs_link(at("d/f"), at("d/g"), NULL);
    fs_rename(at("d/g"), at("h"), NULL);
    fs_sync_dir(at("d"), NULL);
    fs_unlink(at("h"), NULL);
    fs_unlink(at("h"), NULL);
    fs_remove_tree(at("d"), NULL);
    size_t n = trace_end(r, 64), i = 0;
    char target[PATH_MAX + 8];
    assert_record(&r[i++], FS_TRACE_MKDIR, "d", 0700, "");
    assert_record(&r[i++], FS_TRACE_CREATE, "d/f", 0640, "");
    assert_record(&r[i++], FS_TRACE_WRITE, "d/f", 0, "abc");
    assert_record(&r[i++], FS_TRACE_WRITE, "d/f", 3, "def");
    assert_record(&r[i++], FS_TRACE_WRITE, "d/f", 1, "X");
    assert_record(&r[i++], FS_TRACE_TRUNCATE, "d/f", 4, "");
    assert_record(&r[i++], FS_TRACE_SYNC, "d/f", 0, "");
    assert_record(&r[i++], FS_TRACE_SYNC, "d/f", 0, "");
    assert_record(&r[i++], FS_TRACE_WRITE, "d/f", 4, "Z");
    assert_record(&r[i++], FS_TRACE_TRUNCATE, "d/f", 0, "");
    snprintf(target, sizeof target, "%s/d/g", root);
    assert_record(&r[i++], FS_TRACE_LINK, "d/f", 0, target);
    snprintf(target, sizeof target, "%s/h", root);
    assert_record(&r[i++], FS_TRACE_RENAME, "d/g", 0, target);
    assert_record(&r[i++], FS_TRACE_SYNC_DIR, "d", 0, "");
    assert_record(&r[i++], FS_TRACE_UNLINK, "h", 0, "");
    assert_record(&r[i++], FS_TRACE_UNLINK, "d/f", 0, "");
    assert_record(&r[i++], FS_TRACE_UNLINK, "d", 0, "");
    assert_int_equal(n, i);
}

static void test_trace_of_foreign_files_and_failures(void **state)
{
    static Record r[16];
    FILE *foreign = fopen(at("foreign"), "w");
    fputs("content", foreign);
    fclose(foreign);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    trace_start();
    fs_sync_path(at("foreign"), NULL);
    fs_write_all(ends[1], "x", 1, NULL);        /* a pipe is no file */
    fault_arm_for_test("fs.rename:1");
    assert_int_equal(fs_rename(at("foreign"), at("x"), NULL), -1);
    fault_arm_for_test(NULL);
    assert_int_equal(fs_rename(at("missing"), at("x"), NULL), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(symlink(at("through"), at("link")), 0);
    int fd = -1;
    assert_int_equal(fs_open(at("link"), O_WRONLY | O_CREAT, 0600, &fd, NULL), 0);  /* a link to nothing */
    close(fd);
    close(ends[0]);
    close(ends[1]);
    size_t n = trace_end(r, 16);
    assert_int_equal(n, 1);
    assert_record(&r[0], FS_TRACE_CONTENT, "foreign", 0, "content");
}

/* ---- SQLite ---- */

static const char small_table[] =
    "pragma journal_mode=wal; create table t(x); insert into t values (1)";

static sqlite3 *open_database(void)
{
    sqlite3 *db = NULL;
    assert_int_equal(fs_sqlite_register(NULL), 0);
    assert_int_equal(fs_sqlite_register(NULL), 0);
    assert_int_equal(sqlite3_open(at("test.db"), &db), SQLITE_OK);
    return db;
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int64_t query_int(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void test_sqlite_is_the_default(void **state)
{
    sqlite3 *db = open_database();
    assert_string_equal(sqlite3_vfs_find(NULL)->zName, "lakehouse");
    char *name = NULL;
    assert_int_equal(sqlite3_file_control(db, "main", SQLITE_FCNTL_VFSNAME, &name), SQLITE_OK);
    assert_string_equal(name, "lakehouse/unix");
    sqlite3_free(name);
    assert_int_equal(run(db, small_table), SQLITE_OK);
    assert_true(fs_exists(at("test.db-wal")) && fs_exists(at("test.db-shm")));
    assert_int_equal(run(db, "pragma mmap_size=1000000; pragma temp_store=1"), SQLITE_OK);
    assert_int_equal(run(db, "create temp table u as select * from t"), SQLITE_OK);
    sqlite3 *second = open_database();      /* shared memory works between connections */
    assert_int_equal(run(second, "insert into t values (2)"), SQLITE_OK);
    assert_int_equal(query_int(db, "select sum(x) from t"), 3);
    sqlite3_close(second);
    sqlite3_close(db);
    sqlite3 *without_locks = NULL;          /* its files have no shared memory */
    char uri[PATH_MAX + 64];
    snprintf(uri, sizeof uri, "file:%s?nolock=1", at("nolock.db"));
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
    assert_int_equal(sqlite3_open_v2(uri, &without_locks, flags, NULL), SQLITE_OK);
    assert_int_equal(run(without_locks, "pragma journal_mode=wal; create table t(x)"), SQLITE_OK);
    sqlite3_close(without_locks);
    sqlite3 *memory = NULL;
    assert_int_equal(sqlite3_open(":memory:", &memory), SQLITE_OK);
    assert_int_equal(run(memory, "create table t(x)"), SQLITE_OK);
    sqlite3_close(memory);
    assert_int_equal(sqlite3_open(at("no/such/folder.db"), &db), SQLITE_CANTOPEN);
    sqlite3_close(db);
}

/* Replays the records into files in `to`. */
static void replay(const Record *records, size_t n, const char *to)
{
    for (size_t i = 0; i < n; i++) {
        char path[PATH_MAX + 300];
        snprintf(path, sizeof path, "%s/%s", to, records[i].path);
        int fd = open(path, O_RDWR | O_CREAT, 0600);
        switch (records[i].kind) {
        case FS_TRACE_WRITE:
            assert_int_equal(pwrite(fd, records[i].payload.ptr, records[i].payload.len, (off_t)records[i].a),
                             (ssize_t)records[i].payload.len);
            break;
        case FS_TRACE_TRUNCATE:
            assert_int_equal(ftruncate(fd, (off_t)records[i].a), 0);
            break;
        case FS_TRACE_UNLINK:
            unlink(path);
            break;
        default:
            break;
        }
        close(fd);
    }
}

static size_t count_kind(const Record *records, size_t n, FsTraceKind kind, const char *path)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += records[i].kind == kind && strcmp(records[i].path, path) == 0;
    return count;
}

/* A database rebuilt from the trace alone is the database. */
static void test_sqlite_trace(void **state)
{
    static Record r[4096];
    trace_start();
    sqlite3 *db = open_database();
    assert_int_equal(run(db, "pragma journal_mode=wal; create table t(x, y)"), SQLITE_OK);
    for (int i = 0; i < 50; i++)
        assert_int_equal(run(db, "insert into t select random(), randomblob(300)"), SQLITE_OK);
    assert_int_equal(run(db, "pragma wal_checkpoint(truncate); insert into t values (1, 2)"), SQLITE_OK);
    size_t n = trace_end(r, 4096);
    assert_int_equal(count_kind(r, n, FS_TRACE_CREATE, "test.db"), 1);
    assert_int_equal(count_kind(r, n, FS_TRACE_CREATE, "test.db-wal"), 1);
    assert_true(count_kind(r, n, FS_TRACE_SYNC, "test.db-wal") >= 50);
    assert_true(count_kind(r, n, FS_TRACE_SYNC, "test.db") >= 1);
    assert_true(count_kind(r, n, FS_TRACE_SYNC_DIR, "") >= 1);
    assert_int_equal(count_kind(r, n, FS_TRACE_TRUNCATE, "test.db-wal"), 1);
    for (size_t i = 0; i < n; i++)
        assert_null(strstr(r[i].path, "-shm"));
    /* A log that was synced without its folder would not be there after a crash. */
    for (size_t i = 0, synced = 0; i < n && !synced; i++)
        if (r[i].kind == FS_TRACE_SYNC && strcmp(r[i].path, "test.db-wal") == 0) {
            synced = 1;
            assert_int_equal(r[i + 1].kind, FS_TRACE_SYNC_DIR);
        }
    assert_int_equal(fs_mkdir(at("copy"), 0700, NULL), 0);
    replay(r, n, at("copy"));
    sqlite3 *copy = NULL;
    assert_int_equal(sqlite3_open(at("copy/test.db"), &copy), SQLITE_OK);
    assert_int_equal(query_int(copy, "select count(*) from t"), 51);
    assert_true(query_int(copy, "select sum(x % 1000003) from t") ==
                query_int(db, "select sum(x % 1000003) from t"));
    assert_int_equal(run(copy, "pragma integrity_check"), SQLITE_OK);
    sqlite3_close(copy);
    sqlite3_close(db);
    buf_free(&trace_text);
}

/* Fail the Nth pass of the point until it ends undisturbed: each time there is the whole transaction or
 * nothing of it. */
static void fail_every_call(const char *point, const char *mode, int expected)
{
    int failures = 0;
    for (int nth = 1;; nth++) {
        fs_remove_tree(root, NULL);
        assert_int_equal(fs_mkdir(root, 0700, NULL), 0);
        sqlite3 *db = open_database();
        assert_int_equal(run(db, small_table), SQLITE_OK);
        assert_int_equal(run(db, "pragma wal_checkpoint(truncate)"), SQLITE_OK);
        char spec[40];
        snprintf(spec, sizeof spec, "%s:%d:%s", point, nth, mode);
        fault_arm_for_test(spec);
        int rc = run(db, "insert into t values (2)");
        if (rc == SQLITE_OK)
            rc = run(db, "pragma wal_checkpoint(truncate)");
        bool committed = rc == SQLITE_OK;
        fault_arm_for_test(NULL);
        sqlite3_close(db);
        db = open_database();
        int64_t sum = query_int(db, "select sum(x) from t");
        sqlite3_close(db);
        assert_true(committed ? sum == 3 : sum == 1 || sum == 3);
        if (rc == SQLITE_OK)
            break;
        assert_true((rc & 0xFF) == expected);
        failures++;
    }
    assert_true(failures > 0);
}

static void test_sqlite_faults(void **state)
{
    fail_every_call("fs.sqlite_write", "fail", SQLITE_IOERR);
    fail_every_call("fs.sqlite_sync", "fail", SQLITE_IOERR);
    fail_every_call("fs.sqlite_truncate", "fail", SQLITE_IOERR);
    fail_every_call("fs.sqlite_*", "full", SQLITE_FULL);
    sqlite3 *db = NULL;
    fault_arm_for_test("fs.sqlite_open:1");
    assert_int_equal(sqlite3_open(at("other.db"), &db), SQLITE_CANTOPEN);
    sqlite3_close(db);
    assert_false(fs_exists(at("other.db")));
    db = open_database();
    assert_int_equal(run(db, "pragma journal_mode=delete"), SQLITE_OK);
    fault_arm_for_test("fs.sqlite_delete:1");       /* the journal's, which is the commit */
    assert_int_equal(run(db, "create table u(x)") & 0xFF, SQLITE_IOERR);
    sqlite3_close(db);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return child(argv[1], argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_and_read, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_read_file_limits, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_atomic_write, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_names, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_remove_tree, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_fault_points, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_fault_kills, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_trace_of_files, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_trace_of_foreign_files_and_failures, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_sqlite_is_the_default, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_sqlite_trace, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_sqlite_faults, make_root, remove_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
