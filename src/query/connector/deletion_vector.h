/* deletion_vector.h - deletion vectors, read and written, and the Puffin file that holds them. Source:
 * Iceberg spec "Delete Formats", Puffin spec "deletion-vector-v1", RoaringFormatSpec (portable 32-bit bitmaps
 * behind 64-bit keys). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

typedef int (*PositionFn)(void *arg, uint64_t position, Error *err);
/* `blob`: length, magic, bitmaps and checksum, as content_offset points at. Positions come in ascending
 * order. ERR_ICEBERG_BAD_DATA. */
int deletion_vector_read(Str blob, Str name, PositionFn fn, void *arg, Error *err);
/* Appends the blob of ascending, distinct positions. */
int deletion_vector_write(const uint64_t *positions, size_t n, Buf *out, Error *err);

typedef struct PuffinBlob {
    Str data_file;
    size_t offset, length, cardinality;
} PuffinBlob;

typedef struct PuffinWriter {
    Buf out; /* the file so far; freed by the owner */
    Arena *arena;
    Vec(PuffinBlob) blobs;
} PuffinWriter;
#define PUFFIN_WRITER(max_bytes, arena_) ((PuffinWriter){.out = BUF_INIT(max_bytes), .arena = (arena_)})

void puffin_begin(PuffinWriter *w);
/* The blob stands in the file from out.len before the call to out.len after it. */
int puffin_add_vector(PuffinWriter *w, Str data_file, const uint64_t *positions, size_t n, Error *err);
int puffin_finish(PuffinWriter *w, Error *err);
