/* segments.h - append-only files of small objects.
 *
 * A segment is DATA/storage/segments/<id in 8 hex digits>.seg: records one after the other, each with a
 * header that tells its length, its owner and checksums. One thread appends: segments_append() gathers a
 * group in memory, segments_write() writes it with one call a segment, segments_sync() makes it durable; then
 * the index may refer to it. What the index does not refer to beyond the tail that it recorded is overwritten
 * after a restart. Any thread reads. A read checks the header, the key, the generation and the body's CRC32C.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

typedef struct Segments Segments;

enum { SEGMENT_HEADER_BYTES = 32 };

typedef struct SegmentRecord {
    uint32_t bucket; /* id */
    uint64_t generation;
    Str key, body;
} SegmentRecord;

Segments *segments_new(Str dir, uint64_t max_bytes);
void segments_free(Segments *s);

/* Where to go on: the last segment and its tail as the index recorded them; id 0: none yet. */
void segments_resume(Segments *s, uint32_t id, uint64_t tail);
int segments_append(Segments *s, const SegmentRecord *record, uint32_t *ret_id, uint64_t *ret_position,
                    Error *err);
int segments_write(Segments *s, Error *err);
int segments_sync(Segments *s, Error *err);
void segments_commit(Segments *s);   /* the group is in the index */
void segments_rollback(Segments *s); /* it is not: its room is used again */
uint32_t segments_current(const Segments *s, uint64_t *ret_tail);

static inline uint64_t segment_record_bytes(size_t key_len, int64_t size)
{
    return SEGMENT_HEADER_BYTES + key_len + (uint64_t)size;
}

/* Appends the body of one record to `out`. ERR_NOT_FOUND: the segment is gone (look the object up again);
 * ERR_CORRUPT. */
int segments_read(Segments *s, uint32_t id, uint64_t position, uint32_t bucket, Str key, uint64_t generation,
                  int64_t size, Buf *out, Error *err);
/* Reads the record at *position whole and moves *position behind it; 0, or -1: no valid record there. Body
 * and key in the arena. */
int segments_scan(Segments *s, uint32_t id, uint64_t *position, uint64_t end, Arena *arena,
                  SegmentRecord *ret, Error *err);
int segments_remove(Segments *s, uint32_t id, Error *err);
