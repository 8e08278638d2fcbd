/* multipart.h - the part table of a multipart object, as it is kept in the index. Pure.
 *
 * Per part: u32 number, i64 size (little-endian), u8 length of the checksum, checksum. */
#pragma once

#include "storage/store.h"

typedef struct MultipartPart {
    uint32_t number;
    int64_t size, offset;
    Str checksum; /* digest; may be empty */
} MultipartPart;

void multipart_put(Buf *table, uint32_t number, int64_t size, Str checksum);
size_t multipart_count(Str table);
/* The i-th part (0-based); false past the end or when malformed. Linear: for pages of parts and single
 * lookups. */
bool multipart_part(Str table, size_t i, MultipartPart *ret);
/* Walks: *position and *offset start at 0. */
bool multipart_next(Str table, size_t *position, int64_t *offset, MultipartPart *ret);
