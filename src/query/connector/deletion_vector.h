/* deletion_vector.h - the positions in a deletion vector. Source: Iceberg spec "Delete Formats", Puffin spec
 * "deletion-vector-v1", RoaringFormatSpec (portable 32-bit bitmaps behind 64-bit keys). */
#pragma once

#include "base/str.h"

typedef int (*PositionFn)(void *arg, uint64_t position, Error *err);
/* `blob`: length, magic, bitmaps and checksum, as content_offset points at. Positions come in ascending
 * order. ERR_ICEBERG_BAD_DATA. */
int deletion_vector_read(Str blob, Str name, PositionFn fn, void *arg, Error *err);
