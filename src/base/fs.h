/* fs.h - the file system, with fault points and a record of writes and syncs.
 *
 * Everything durable goes through here: data files, segments, and SQLite (through the VFS that
 * fs_sqlite_register() installs and that calls the same functions). Each call that changes something passes
 * the fault point named "fs.<call>". When LAKEHOUSE_FS_TRACE names a folder, each such call is also appended
 * to FOLDER/<pid>.fstrace, so that a test can replay any prefix of a run with unsynced data dropped
 * (fs_trace.h tells the format).
 *
 * Errors: ERR_DISK_FULL, ERR_NOT_FOUND, ERR_IO, with the path and the system's words in the message. A failed
 * sync is final: callers must stop accepting writes, never sync again and hope. */
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"

static inline void closep_(int *fd) { extern int close(int); if (*fd >= 0) close(*fd); }
#define _cleanup_close_ __attribute__((cleanup(closep_)))
#define TAKE_FD(fd) __extension__({ int take_fd_ = (fd); (fd) = -1; take_fd_; })
#define TAKE_PTR(p) __extension__({ __typeof__(p) take_ptr_ = (p); (p) = NULL; take_ptr_; })

int fs_open(const char *path, int flags, mode_t mode, int *ret_fd, Error *err);  /* O_CLOEXEC is added */
int fs_write_all(int fd, const void *bytes, size_t n, Error *err);
int fs_pwrite_all(int fd, const void *bytes, size_t n, off_t offset, Error *err);
int fs_pread_all(int fd, void *bytes, size_t n, off_t offset, Error *err);       /* short file: ERR_CORRUPT */
int fs_truncate(int fd, off_t size, Error *err);
int fs_datasync(int fd, Error *err);
int fs_sync(int fd, Error *err);
int fs_sync_dir(const char *path, Error *err);
int fs_sync_path(const char *path, Error *err);      /* opens and syncs a file that something else wrote */
int fs_mkdir(const char *path, mode_t mode, Error *err);          /* an existing folder is fine */
int fs_mkdir_all(const char *path, mode_t mode, Error *err);
int fs_rename(const char *from, const char *to, Error *err);
int fs_link(const char *from, const char *to, Error *err);
int fs_unlink(const char *path, Error *err);         /* a missing file is fine */
int fs_remove_tree(const char *path, Error *err);
int fs_size(const char *path, int64_t *ret_size, Error *err);
bool fs_exists(const char *path);
int fs_read_file(const char *path, size_t max_bytes, Buf *out, Error *err);
/* Writes a whole file so that after a crash there is either the old or the new one: temp file, sync, rename,
 * dir sync. */
int fs_write_file_atomic(const char *path, Str content, mode_t mode, Error *err);

/* Makes "lakehouse" SQLite's default VFS; idempotent. */
int fs_sqlite_register(Error *err);
