/* store_internal.h - the parts of a Store that its files share. Nobody else includes it. */
#pragma once

#include <stdatomic.h>

#include "base/map.h"
#include "base/thread.h"
#include "storage/db.h"
#include "storage/lookup_cache.h"
#include "storage/segments.h"
#include "storage/storage_limits.h"
#include "storage/store.h"

typedef struct Bucket {
    BucketInfo info;  /* counters: under buckets_lock */
    bool is_deleting; /* writer only: deleted in the running group */
} Bucket;

typedef enum ReadStatement {
    READ_FIND,
    READ_LIST,
    READ_PARTS_OF,
    READ_SETTING,
    READ_UPLOAD,
    READ_UPLOAD_PARTS,
    READ_UPLOADS,
    READ_COMPLETED,
    READ_KNOWN_FILE,
    READ_COUNT_,
} ReadStatement;

typedef struct Reader Reader;
struct Reader {
    sqlite3 *db;
    sqlite3_stmt *statements[READ_COUNT_];
    Reader *next;
};

typedef enum WriteStatement {
    WRITE_BEGIN,
    WRITE_COMMIT,
    WRITE_ROLLBACK,
    WRITE_FIND,
    WRITE_PUT,
    WRITE_DELETE,
    WRITE_SET_META,
    WRITE_FILE_ADD,
    WRITE_FILE_REMOVE,
    WRITE_SEGMENT,
    WRITE_SEGMENT_REMOVE,
    WRITE_BUCKET_ADD,
    WRITE_BUCKET_FIND,
    WRITE_BUCKET_REMOVE,
    WRITE_BUCKET_COUNTS,
    WRITE_BUCKET_ANY_KEY,
    WRITE_BUCKET_ANY_UPLOAD,
    WRITE_SETTING_PUT,
    WRITE_SETTING_REMOVE,
    WRITE_SETTINGS_REMOVE,
    WRITE_PARTS_ADD,
    WRITE_PARTS_REMOVE,
    WRITE_UPLOAD_ADD,
    WRITE_UPLOAD_FIND,
    WRITE_UPLOAD_REMOVE,
    WRITE_PART_PUT,
    WRITE_PART_FIND,
    WRITE_PARTS_FILES,
    WRITE_UPLOAD_PARTS_REMOVE,
    WRITE_COMPLETED_ADD,
    WRITE_COMPLETED_TRIM,
    WRITE_COUNT_,
} WriteStatement;

typedef struct SegmentStat {
    uint32_t id;
    uint64_t size, live; /* bytes */
} SegmentStat;

typedef struct KeyChange {
    uint32_t bucket;
    Str key;
    uint64_t hash;
    bool exists;
    ObjectInfo object;
} KeyChange;

typedef struct BucketDelta {
    Bucket *bucket;
    int64_t objects, bytes;
} BucketDelta;
typedef struct SegmentDelta {
    uint32_t id;
    uint64_t grown;
    int64_t live;
} SegmentDelta;

/* What a group does besides its rows; takes effect when the group committed. Everything in the group's arena.
 */
typedef struct Group {
    Arena *arena;
    bool is_broken; /* a statement failed: the whole group is rolled back */
    Vec(KeyChange) changes;
    Vec(uint64_t) dead; /* generations of files */
    Vec(BucketDelta) buckets;
    Vec(SegmentDelta) segments;
    Vec(Bucket *) new_buckets;
    Vec(Bucket *) gone_buckets;
    Vec(uint32_t) gone_segments;
} Group;

struct Store {
    char *dir;
    uint64_t inline_limit;
    int64_t grace_end_us; /* monotonic */
    Segments *segments;
    Blobs *blobs;
    LookupCache *cache;

    pthread_rwlock_t buckets_lock;
    Map *buckets; /* name -> Bucket */

    pthread_mutex_t readers_lock;
    pthread_cond_t reader_free;
    Reader *readers;
    size_t n_readers;

    /* the writer's */
    sqlite3 *db;
    sqlite3_stmt *write[WRITE_COUNT_];
    Group group;
    pthread_mutex_t segments_lock; /* of the list below: written by the writer, read by maintenance */
    SegmentStat *segment_stats;
    size_t n_segments, segments_cap;
    pthread_t writer;
    bool has_writer;

    pthread_mutex_t queue_lock;
    pthread_cond_t queue_filled;
    StoreWrite *queue_head, **queue_tail;
    size_t queued_bytes;
    bool is_stopping; /* under queue_lock: the writer */

    atomic_bool has_failed;
    atomic_bool reserve_is_out; /* store_reserve.c */
    char failure[512];

    pthread_t maintenance;
    bool has_maintenance;
    pthread_mutex_t maintenance_lock;
    pthread_cond_t maintenance_wake;
    bool is_maintenance_stopping; /* under maintenance_lock */
    void (*on_grace_end)(void *arg); /* under maintenance_lock, as the next */
    void *grace_arg;
};

/* store_read.c */
Reader *store_take_reader(Store *store, Error *err);
void store_give_reader(Store *store, Reader *reader);
void store_close_readers(Store *store);
void store_row_object(sqlite3_stmt *st, int first_column, ObjectInfo *ret); /* borrowed until the next step */
#define OBJECT_COLUMNS "generation, size, modified, etag, parts, segment, position, meta"

/* store_schema.c */
int store_open_index(Store *store, Error *err);
int store_prepare_reader(Reader *reader, Error *err);

/* store_apply.c: one write inside the running transaction. -1: refused, or with group.is_broken the group
 * failed. */
int store_apply(Store *store, StoreWrite *write, Error *err);
int store_apply_upload(Store *store, StoreWrite *write, Error *err); /* store_apply_upload.c */
int store_broken(Store *store);                                      /* marks the group; returns -1 */
Bucket *store_writable_bucket(Store *store, Str name, Error *err);
int store_add_file(Store *store, uint64_t generation, Error *err);
int store_drop_file(Store *store, uint64_t generation, Error *err);
int store_apply_put(Store *store, Bucket *bucket, StorePut *put, Error *err);
int store_check_condition(Store *store, const Bucket *bucket, const StorePut *put, Error *err);

/* store_writer.c */
int store_start_writer(Store *store, Error *err);
void store_stop_writer(Store *store);
SegmentDelta *store_segment_delta(Store *store, uint32_t id);

/* store_reserve.c */
void store_lay_reserve(Store *store); /* as soon as there is room for it */
void store_give_up_reserve(Store *store);
bool store_frees_room(const StoreWrite *write);

/* store_maintenance.c */
int store_start_maintenance(Store *store, Error *err);
void store_stop_maintenance(Store *store);
