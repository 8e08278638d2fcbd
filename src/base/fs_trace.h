/* fs_trace.h - the format of the record of writes and syncs.
 *
 * A file is a run of records, little-endian: u64 monotonic microseconds, u32 kind, u32 path length, u64 a,
 * u64 b, u64 payload length, path, payload. Kinds: */
#pragma once

typedef enum FsTraceKind {
    FS_TRACE_WRITE = 1,     /* a: offset; payload: the bytes */
    FS_TRACE_TRUNCATE = 2,  /* a: size */
    FS_TRACE_SYNC = 3,      /* the file's bytes up to here are on disk */
    FS_TRACE_CREATE = 4,    /* a: mode; the name is not on disk before its folder is synced */
    FS_TRACE_RENAME = 5,    /* payload: the new path */
    FS_TRACE_LINK = 6,      /* payload: the new path */
    FS_TRACE_UNLINK = 7,
    FS_TRACE_MKDIR = 8,
    FS_TRACE_SYNC_DIR = 9,
    FS_TRACE_CONTENT = 10,  /* a foreign writer's file was synced; payload: its whole content */
} FsTraceKind;
