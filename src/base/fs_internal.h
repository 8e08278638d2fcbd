/* fs_internal.h - the trace, as fs.c and fs_sqlite.c record into it (fs_trace.h tells the format).
 *
 * While tracing, each call that changes something runs with its record under one lock, so that the order of
 * the records is the order of the calls: a write that was recorded before a sync was made before it.
 * Without LAKEHOUSE_FS_TRACE all of this costs one load. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fs_trace.h"

bool fs_trace_on(void);
void fs_trace_lock_(void);
void fs_trace_unlock_(void);

static inline bool fs_trace_begin_(void)
{
    bool on = fs_trace_on();
    if (on)
        fs_trace_lock_();
    return on;
}
static inline void fs_trace_endp_(bool *on) { if (*on) fs_trace_unlock_(); }
/* Holds the trace to the end of the block; `on` tells whether to record. */
#define FS_TRACE_GUARD(on) __attribute__((cleanup(fs_trace_endp_))) bool on = fs_trace_begin_()

/* Under the guard. The name's folder is resolved, so that one file has one name; errno is kept. */
void fs_trace_path(FsTraceKind kind, const char *path, uint64_t a, const void *payload, size_t n);
void fs_trace_two_paths(FsTraceKind kind, const char *from, const char *to);
/* By descriptor: nothing is recorded for pipes, sockets and files without a name. */
void fs_trace_fd(FsTraceKind kind, int fd, uint64_t a, const void *payload, size_t n);
/* The whole content of the open file, as FS_TRACE_CONTENT. */
void fs_trace_content(const char *path, int fd);

/* Tests: looks at the environment again at the next call. */
void fs_trace_reset_for_test(void);
