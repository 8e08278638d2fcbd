/* storage_client.h - the catalog's and the query role's way to the store: private calls and S3 over the Unix
 * socket.
 *
 * A StorageClient holds one session with storage: a connection that a thread of its own keeps open. When it
 * breaks (storage restarted), the thread opens it again and asserts every pin and stage anew, by path; calls
 * made meanwhile wait for that up to 10 seconds. What the session holds is released by storage when the
 * process dies.
 *
 * Names are URIs: "s3://bucket/key", key bytes as they are (not percent-encoded). Results are in the given
 * arena. Thread-safe: a client by any thread; a StoragePins or StorageStage by one thread at a time. Errors
 * of every call: ERR_UNAVAILABLE (storage is not reachable; nothing was sent), ERR_IO and ERR_TIMEOUT (broken
 * after sending: for a write the outcome is unknown), ERR_NO_SUCH_BUCKET, ERR_DISK_FULL, ERR_BAD_REQUEST
 * (malformed URI), and those named below. Source: docs/internal-api.md. */
#pragma once

#include "base/arena.h"

typedef struct StorageClient StorageClient;
typedef struct StoragePins StoragePins;
typedef struct StorageStage StorageStage;

/* base: "unix:/abs/run/storage.sock". Does not wait for storage to be up. */
StorageClient *storage_client_new(Str base, Str capability, Error *err);
void storage_client_free(StorageClient *client); /* after all pins and stages were freed */
/* For ready checks: true while the session is open. Never blocks. */
bool storage_client_is_connected(const StorageClient *client);

/* "s3://bucket/key" apart; borrowed from uri; "s3a://" is taken too. The key may be empty. ERR_BAD_REQUEST
 * when it is no such URI. */
int storage_uri_split(Str uri, Str *ret_bucket, Str *ret_key, Error *err);

/* ---- local files instead of copies ---- */

typedef struct StorageFile {
    bool found;     /* false: no such object; nothing else is set */
    bool is_inline; /* true: small, in a segment: no path, read it with storage_get() */
    Str path;       /* arena, ends in NUL; absolute; an immutable file */
    int64_t size;   /* bytes */
    Str etag;       /* arena; without quotes */
} StorageFile;

/* The pins of one query: files stay in place and unchanged until they are freed, whatever happens to their
 * keys. Freeing tells storage in the background and does not fail. Never NULL. */
StoragePins *storage_pins_new(StorageClient *client);
void storage_pins_free(StoragePins *pins);
void storage_pins_freep(StoragePins **pins);
#define _cleanup_storage_pins_ __attribute__((cleanup(storage_pins_freep)))

/* Looks `n` objects up, all at one moment; ret_files[i] belongs to uris[i]. With `pins` (may be NULL: only a
 * look) each found file is pinned. One round trip for any n; a URI may occur twice. */
int storage_resolve(StorageClient *client, StoragePins *pins, const Str *uris, size_t n, Arena *arena,
                    StorageFile **ret_files, Error *err);

/* An empty folder on the store's file system to write files into. Freeing removes it and what was not
 * adopted. */
int storage_stage_new(StorageClient *client, StorageStage **ret_stage, Error *err);
Str storage_stage_dir(const StorageStage *stage); /* absolute, ends in NUL; lives as long as the stage */
void storage_stage_free(StorageStage *stage);
void storage_stage_freep(StorageStage **stage);
#define _cleanup_storage_stage_ __attribute__((cleanup(storage_stage_freep)))

typedef struct StorageAdopt {
    Str name; /* of a file in the stage's folder: no '/', closed by its writer */
    Str uri;  /* the object that it becomes; an existing one is replaced */
} StorageAdopt;

/* Makes staged files objects without a copy: all or none, durable when it returns. The files are gone from
 * the stage afterwards. On ERR_IO or ERR_TIMEOUT the outcome is unknown: calling again with the same files is
 * safe (what was adopted is recognised). ret_files (may be NULL) gives size and etag. ERR_NOT_FOUND: a name
 * is not in the stage. */
int storage_adopt(StorageStage *stage, const StorageAdopt *files, size_t n, Arena *arena,
                  StorageFile **ret_files, Error *err);

/* ---- S3 ---- */

/* The whole object, at most max_bytes. ERR_NO_SUCH_KEY, ERR_LIMIT. ret_etag (may be NULL): without quotes. */
int storage_get(StorageClient *client, Str uri, size_t max_bytes, Arena *arena, Str *ret_bytes, Str *ret_etag,
                Error *err);
/* Bytes [offset, offset + length) of it, fewer at its end; offset < 0 counts from the end. ERR_NO_SUCH_KEY,
 * ERR_INVALID_RANGE. */
int storage_get_range(StorageClient *client, Str uri, int64_t offset, int64_t length, Arena *arena,
                      Str *ret_bytes, Error *err);
/* Size and etag; ret->found tells whether it is there (a missing object is no error). */
int storage_head(StorageClient *client, Str uri, Arena *arena, StorageFile *ret, Error *err);

typedef enum StoragePutMode {
    STORAGE_PUT_REPLACE,
    STORAGE_PUT_CREATE, /* If-None-Match: *; ERR_PRECONDITION_FAILED when the key exists */
} StoragePutMode;

/* Writes an object; durable when it returns. content_type ptr NULL: application/octet-stream. ret_etag
 * (arena) may be NULL, then arena may be too. */
int storage_put(StorageClient *client, Str uri, Str content_type, Str body, StoragePutMode mode, Arena *arena,
                Str *ret_etag, Error *err);
/* Deletes; a key that is not there is no error. */
int storage_delete(StorageClient *client, Str uri, Error *err);
/* Any number of URIs, in batches of 1,000 a bucket; goes on after a failure and reports the first. */
int storage_delete_many(StorageClient *client, const Str *uris, size_t n, Error *err);

typedef struct StorageListEntry {
    Str uri;  /* arena */
    Str etag; /* arena; without quotes */
    int64_t size;
    int64_t modified_us; /* since 1970 */
} StorageListEntry;

/* One page (at most 1,000) of the objects whose URI starts with prefix_uri ("s3://bucket/",
 * "s3://bucket/a/b/"), in byte order of the key, after `start_after` (a key, not a URI; ptr NULL: from the
 * start). *ret_is_truncated: go on with start_after = the last key. */
int storage_list(StorageClient *client, Str prefix_uri, Str start_after, Arena *arena,
                 StorageListEntry **ret_entries, size_t *ret_n, bool *ret_is_truncated, Error *err);
