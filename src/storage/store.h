/* store.h - the object store under the S3 contract: buckets, objects, uploads; durable, linearizable per key.
 *
 * Reads go to a lookup cache or a read-only connection of the index and never wait for writes. Writes are
 * StoreWrites, given to store_submit(): one thread takes all that wait, decides each against the index,
 * writes their small bodies to a segment, syncs it, commits the index once, and only then calls their done().
 * Large bodies were made durable files (blobs.h) by the submitter before. A failed sync makes the store
 * refuse writes for the rest of its life (what is on disk is unknown); reads go on.
 *
 * Folder: index.sqlite (WAL), segments/, objects/, stages/. Thread-safe. */
#pragma once

#include "storage/blobs.h"
#include "storage/object.h"

typedef struct Store Store;

typedef struct StoreOptions {
    Str dir;               /* DATA/storage; made when missing */
    uint64_t inline_limit; /* bytes; larger objects are files */
    uint64_t segment_bytes;
    int64_t grace_ms; /* negative: STORE_GRACE_MS */
} StoreOptions;

int store_open(const StoreOptions *options, Store **ret, Error *err);
/* Calls fn(arg) once when the grace period is over, on the store's own thread. */
void store_on_grace_end(Store *store, void (*fn)(void *arg), void *arg);
void store_quiesce(
    Store *store); /* ends the clean-up thread: after it fn of store_on_grace_end() is not called */
void store_close(Store *store); /* ends the threads; all writes must be done */
/* False once a sync failed; *ret_message (static while the store lives) says what. */
bool store_is_writable(Store *store, Str *ret_message);
Blobs *store_blobs(Store *store);
Str store_dir(const Store *store);
/* An object of this key and size is kept in a segment (else: a file). size -1: not known. */
bool store_is_inline(const Store *store, Str key, int64_t size);

/* ---- buckets ---- */

typedef struct BucketInfo {
    uint32_t id;
    char name[64];
    int64_t created_us;
    int64_t objects, bytes;
} BucketInfo;

int store_find_bucket(Store *store, Str name, BucketInfo *ret, Error *err); /* ERR_NO_SUCH_BUCKET */
size_t store_list_buckets(Store *store, Arena *arena, BucketInfo **ret);    /* by name */
/* A setting of a bucket ("tagging"); ptr NULL when not set. */
int store_bucket_setting(Store *store, uint32_t bucket, const char *name, Arena *arena, Str *ret, Error *err);

/* ---- reading ---- */

/* ERR_NO_SUCH_KEY. The metadata is in the arena. */
int store_find(Store *store, uint32_t bucket, Str key, Arena *arena, ObjectInfo *ret, Error *err);
/* Appends an inline object's bytes. ERR_NOT_FOUND: it moved or was replaced since; find it again. */
int store_read_inline(Store *store, uint32_t bucket, Str key, const ObjectInfo *object, Buf *out, Error *err);
/* Several lookups at one moment of the index; found[i] false: none. With `pin` files are pinned. */
int store_find_many(Store *store, const uint32_t *buckets, const Str *keys, size_t n, bool pin, Arena *arena,
                    ObjectInfo *ret_objects, bool *ret_found, Error *err);
/* The part table of a multipart object (multipart.h decodes it); ptr NULL when it is none. */
int store_object_parts(Store *store, uint64_t generation, Arena *arena, Str *ret, Error *err);

typedef struct ListEntry {
    Str key; /* or a common prefix */
    bool is_prefix;
    ObjectInfo object; /* meta is left empty */
} ListEntry;

typedef struct ListQuery {
    uint32_t bucket;
    Str prefix, delimiter; /* may be empty */
    Str after;             /* keys after this one, in byte order; ptr NULL: from the start */
    size_t max;            /* entries, keys and prefixes together */
} ListQuery;

/* A common prefix equal to `after` is not given again. */
int store_list(Store *store, const ListQuery *query, Arena *arena, ListEntry **ret_entries, size_t *ret_n,
               bool *ret_truncated, Error *err);

/* ---- writing ---- */

typedef struct StoreCondition {
    Str if_match, if_none_match; /* header values; ptr NULL: none */
} StoreCondition;

typedef struct StorePut {
    Str bucket, key;
    ObjectInfo object; /* generation, size, etag, meta; modified_us 0: now. Segment and position are set by
                          the writer */
    bool is_inline;
    Str body;  /* inline only */
    Str parts; /* part table; ptr NULL: none */
    StoreCondition condition;
} StorePut;

typedef struct StoreDelete {
    Str key;
    Str if_match;
    Error *error; /* may be NULL; code ERR_OK when deleted or absent */
} StoreDelete;

typedef struct StorePart {
    uint32_t number;
    int64_t size, modified_us;
    uint8_t etag[MD5_BYTES];
    Str checksum;        /* the digest of the upload's kind; may be empty */
    uint64_t generation; /* of the file that holds it */
    int64_t position;    /* in that file */
} StorePart;

typedef enum StoreOp {
    STORE_PUT,      /* puts[0..n): all or none */
    STORE_COMPLETE, /* puts[0], ends `upload` */
    STORE_DELETE,   /* deletes[0..n) of `bucket` */
    STORE_SET_TAGS, /* replaces the tags of bucket/key by `value` (encoded metadata) */
    STORE_CREATE_BUCKET,
    STORE_DELETE_BUCKET,
    STORE_BUCKET_SETTING, /* name, value; value.ptr NULL: removed */
    STORE_CREATE_UPLOAD,  /* upload, bucket, key, value: encoded metadata, name: checksum kind and type */
    STORE_PUT_PART,       /* upload, part */
    STORE_ABORT_UPLOAD,   /* upload */
    STORE_MOVE, /* puts[0..n) that still are where they were go to the current segment (compaction) */
    STORE_OP_COUNT_,
} StoreOp;

typedef struct StoreWrite StoreWrite;
struct StoreWrite {
    StoreOp op;
    Str bucket, key, name, value, upload; /* borrowed until done */
    StorePut *puts;
    size_t n_puts;
    StoreDelete *deletes;
    size_t n_deletes;
    StorePart part;
    void (*done)(StoreWrite *write); /* on the writer's thread, after the commit or the refusal */
    void *arg;
    Error error; /* code ERR_OK: done and durable */
    /* private to the store */
    StoreWrite *next;
    size_t queued_bytes;
};

/* 0: done() will be called; -1 (ERR_OVERLOADED, ERR_IO after a failed sync): it will not. */
int store_submit(Store *store, StoreWrite *write, Error *err);
/* For threads that may block: submits and waits. */
int store_write(Store *store, StoreWrite *write, Error *err);

/* ---- uploads ---- */

typedef struct UploadInfo {
    Str id, key, meta;
    Str checksum; /* "CRC32 COMPOSITE", or empty */
    uint32_t bucket;
    int64_t initiated_us;
} UploadInfo;

int store_find_upload(Store *store, Str id, Arena *arena, UploadInfo *ret,
                      Error *err); /* ERR_NO_SUCH_UPLOAD */
/* Parts in order of their numbers, after `after_number`. */
int store_list_parts(Store *store, Str upload, uint32_t after_number, size_t max, Arena *arena,
                     StorePart **ret, size_t *ret_n, Error *err);
/* Uploads of a bucket by key, then id, after (after_key, after_id); key must start with prefix. */
int store_list_uploads(Store *store, uint32_t bucket, Str prefix, Str after_key, Str after_id, size_t max,
                       Arena *arena, UploadInfo **ret, size_t *ret_n, Error *err);
/* An upload that was completed a short while ago: the object it became; for retries of Complete.
 * ERR_NO_SUCH_UPLOAD. */
int store_find_completed(Store *store, Str id, uint32_t bucket, Str key, Arena *arena, ObjectInfo *ret,
                         Error *err);
