/* object.h - what the index knows of an object, and its metadata as one run of bytes.
 *
 * Metadata is a list of (tag, name, value), encoded as u8 tag, u16 name length, u16 value length
 * (little-endian), name, value. An object's bytes are in a segment (segment != 0) or are the file of its
 * generation. Pure. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "format/checksum.h"

typedef enum MetaTag {
    META_CONTENT_TYPE = 1,
    META_CACHE_CONTROL,
    META_CONTENT_DISPOSITION,
    META_CONTENT_ENCODING,
    META_CONTENT_LANGUAGE,
    META_EXPIRES,
    META_STORAGE_CLASS,
    META_REDIRECT,
    META_USER, /* name without "x-amz-meta-", lower case */
    META_OBJECT_TAG,
    META_CHECKSUM,      /* name: "CRC32"; value: the digest's bytes, then "-N" for a composite one */
    META_CHECKSUM_TYPE, /* "FULL_OBJECT" or "COMPOSITE" */
    META_FILE_CRC64,    /* 8 bytes: of a file's bytes, for the search for rotten ones */
    META_ORIGIN,        /* stage and name that an adopted file came from */
} MetaTag;

typedef struct ObjectInfo {
    uint64_t generation; /* unique for ever; names the file */
    int64_t size;
    int64_t modified_us;
    uint8_t etag[MD5_BYTES];
    uint32_t etag_parts; /* 0: the etag is the MD5 of the bytes, else it ends in "-<parts>" */
    uint32_t segment;    /* 0: a file of its own */
    uint64_t position;   /* of the record in the segment */
    Str meta;
} ObjectInfo;

static inline bool object_is_file(const ObjectInfo *object)
{
    return object->segment == 0;
}

enum { OBJECT_ETAG_TEXT = 48 };
size_t object_etag_text(const ObjectInfo *object,
                        char out[OBJECT_ETAG_TEXT]); /* without quotes, ends in NUL */

void meta_put(Buf *out, MetaTag tag, Str name, Str value);
/* Walks the list; false at the end (or at malformed bytes). *position starts at 0. */
bool meta_next(Str meta, size_t *position, MetaTag *ret_tag, Str *ret_name, Str *ret_value);
Str meta_get(Str meta, MetaTag tag); /* value of the first; ptr NULL when absent */
size_t meta_count(Str meta, MetaTag tag);
/* Appends all of `meta` to `out` but the given tag. */
void meta_copy_without(Buf *out, Str meta, MetaTag tag);
