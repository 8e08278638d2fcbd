/* schema_internal.h - what schema*.c, metadata*.c and apply*.c share and no one else needs. */
#pragma once

#include "iceberg/schema.h"

enum {
    ICE_MAX_FIELD_ID = 2147483447, /* spec, "Reserved Field IDs" */
    ICE_MAX_FIELDS = 20000,        /* of one schema, at any depth; wider tables are mistakes */
    ICE_MAX_SCHEMA_DEPTH = 48,     /* of its JSON: below LIMIT_JSON_DEPTH with the documents around it */
    ICE_FIRST_PARTITION_ID = 1000,
};

typedef struct IcePrimitive {
    const char *name; /* NULL ends the table */
    IceTypeId id;
    int min_version;
} IcePrimitive;
extern const IcePrimitive ice_primitives[]; /* the types that are a bare word */

/* The first format version that has this type (its children are not looked at). */
int ice_type_min_version(const IceType *type);
/* Same columns with docs, defaults and identifier ids; the schema ids do not count. */
bool ice_schema_same(const IceSchema *a, const IceSchema *b);
int ice_compare_i32(const void *a, const void *b); /* for qsort */
bool ice_json_equal(const Json *a, const Json *b);
unsigned ice_json_depth(const Json *json); /* 0 for a plain value */
/* "a.b.c"; ptr NULL when there is no such field. Arena. */
Str ice_schema_full_name(const IceSchema *schema, int32_t field_id, Arena *arena);

typedef struct IceIdPair {
    int32_t from, to;
} IceIdPair;
typedef Vec(IceIdPair) IceIdPairs;
/* ice_schema_assign_fresh_ids() that also tells which id became which. */
IceSchema *ice_schema_fresh(const IceSchema *schema, Arena *arena, IceIdPairs *ret_pairs,
                            int32_t *ret_last_id);
int32_t ice_id_map(const IceIdPairs *pairs, int32_t from); /* -1: unknown */

void ice_fields_write(JsonWriter *w, const IceField *fields, size_t n);
/* The fields array alone (v1's "partition-spec"); absent field ids become -1. */
int ice_spec_fields_parse(const Json *array, Arena *arena, IcePartitionSpec *spec, Error *err);

/* As ice_transform_text(), into out[40] where the text is not one of the transform's own. */
Str ice_transform_format(const IceTransform *transform, char *out, size_t size);
bool ice_transform_equal(const IceTransform *a, const IceTransform *b);
/* Is this transform defined on values of this type? Spec, "Partition Transforms". */
bool ice_transform_accepts(const IceTransform *transform, const IceType *source);

/* ---- checks that a document or a commit must pass (schema_check.c) ---- */

/* Ids unique and within bounds, names unique within each struct, identifier fields as the spec demands.
 * ERR_BAD_REQUEST. */
int ice_schema_check(const IceSchema *schema, Arena *arena, Error *err);
/* Types and defaults that this format version has. ERR_BAD_REQUEST: "Invalid schema for v2:\n- …". */
int ice_schema_check_version(const IceSchema *schema, int format_version, Arena *arena, Error *err);
/* Every source column is there and the transform takes its type. ERR_VALIDATION. */
int ice_spec_check(const IcePartitionSpec *spec, const IceSchema *schema, Arena *arena, Error *err);
/* What a new spec must also fulfil: names unique and no column's, no field twice. */
int ice_spec_check_new(const IcePartitionSpec *spec, const IceSchema *schema, Arena *arena, Error *err);
int ice_sort_order_check(const IceSortOrder *order, const IceSchema *schema, Arena *arena, Error *err);
/* Is `value` a JSON single value of this type? (Spec, "JSON single-value serialization"; dates and numbers by
 * shape.) */
bool ice_default_is_valid(const IceType *type, const Json *value);
