/* metadata_internal.h - what metadata*.c and apply*.c share. */
#pragma once

#include "base/buf.h"
#include "iceberg/metadata.h"
#include "iceberg/schema_internal.h"

enum {
    ICE_MAX_FORMAT_VERSION = 3,
    ICE_DEFAULT_FORMAT_VERSION = 2,
    LIMIT_SNAPSHOT_BYTES = 1 << 20, /* one snapshot's JSON; real ones have about 1 KiB */
    LIMIT_APPLY_UPDATES = 10000,    /* of one commit; updates may look through what the others added */
};

extern const IceSortOrder ice_unsorted;

/* An object of strings, in its order; absent or null: none. ERR_BAD_REQUEST. */
int ice_properties_parse(const Json *object, const char *what, Arena *arena, const IceProperty **ret,
                         size_t *ret_n, Error *err);
void ice_properties_sort(IceProperty *items, size_t n);
/* scratch: an empty Buf of LIMIT_SNAPSHOT_BYTES that may be used again. */
int ice_snapshot_parse(const Json *json, Arena *arena, Buf *scratch, const IceSnapshot **ret, Error *err);
int ice_ref_parse(Str name, const Json *json, IceRef *ret, Error *err);
Str ice_location_trim(Str location); /* without slashes at the end */
void ice_properties_write(JsonWriter *w, const IceProperty *items, size_t n);
