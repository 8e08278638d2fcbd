/* schema.h - Iceberg types, schemas, partition specs and sort orders. All in an arena, immutable once built.
 * Source: Iceberg table spec, "Schemas and Data Types", "Partitioning", "Sorting", "Appendix C: JSON
 * serialization". */
#pragma once

#include "base/arena.h"
#include "format/json.h"

typedef enum IceTypeId {
    ICE_UNKNOWN,
    ICE_BOOLEAN,
    ICE_INT,
    ICE_LONG,
    ICE_FLOAT,
    ICE_DOUBLE,
    ICE_DECIMAL,
    ICE_DATE,
    ICE_TIME,
    ICE_TIMESTAMP,
    ICE_TIMESTAMPTZ,
    ICE_TIMESTAMP_NS,
    ICE_TIMESTAMPTZ_NS,
    ICE_STRING,
    ICE_UUID,
    ICE_FIXED,
    ICE_BINARY,
    ICE_VARIANT,
    ICE_GEOMETRY,
    ICE_GEOGRAPHY,
    ICE_STRUCT,
    ICE_LIST,
    ICE_MAP,
} IceTypeId;

typedef struct IceType IceType;

typedef struct IceField {
    int32_t id;
    Str name;
    bool required;
    const IceType *type;
    Str doc;                     /* ptr NULL: none */
    const Json *initial_default; /* NULL: none (v3) */
    const Json *write_default;
} IceField;

struct IceType {
    IceTypeId id;
    int32_t precision, scale; /* decimal */
    int32_t length;           /* fixed */
    Str text;                 /* geometry and geography: the whole type string */
    const IceField *fields;   /* struct: n; list: 1 ("element"); map: 2 ("key", "value") */
    size_t n_fields;
};

typedef struct IceSchema {
    int32_t schema_id;
    const IceField *fields;
    size_t n_fields;
    const int32_t *identifier_field_ids;
    size_t n_identifier_field_ids;
} IceSchema;

typedef enum IceTransformKind {
    ICE_TRANSFORM_IDENTITY,
    ICE_TRANSFORM_BUCKET,
    ICE_TRANSFORM_TRUNCATE,
    ICE_TRANSFORM_YEAR,
    ICE_TRANSFORM_MONTH,
    ICE_TRANSFORM_DAY,
    ICE_TRANSFORM_HOUR,
    ICE_TRANSFORM_VOID,
    ICE_TRANSFORM_UNKNOWN,
} IceTransformKind;

typedef struct IceTransform {
    IceTransformKind kind;
    int32_t param; /* bucket count or truncate width */
    Str text;      /* "bucket[16]"; as it was written for UNKNOWN */
} IceTransform;

typedef struct IcePartitionField {
    int32_t source_id, field_id; /* field_id >= 1000 */
    Str name;
    IceTransform transform;
    const Json *source_ids; /* v3 multi-argument; NULL otherwise */
} IcePartitionField;

typedef struct IcePartitionSpec {
    int32_t spec_id;
    const IcePartitionField *fields;
    size_t n_fields;
} IcePartitionSpec;

typedef struct IceSortField {
    int32_t source_id;
    IceTransform transform;
    bool descending, nulls_last;
    const Json *source_ids; /* v3 multi-argument; NULL otherwise */
} IceSortField;

typedef struct IceSortOrder {
    int32_t order_id; /* 0: unsorted */
    const IceSortField *fields;
    size_t n_fields;
} IceSortOrder;

/* JSON both ways; errors are ERR_BAD_REQUEST naming the field and what was expected. */
int ice_type_parse(const Json *json, Arena *arena, const IceType **ret, Error *err);
void ice_type_write(JsonWriter *w, const IceType *type);
int ice_schema_parse(const Json *json, Arena *arena, IceSchema **ret, Error *err);
void ice_schema_write(JsonWriter *w, const IceSchema *schema); /* with "type":"struct" and "schema-id" */
int ice_spec_parse(const Json *json, Arena *arena, IcePartitionSpec **ret, Error *err);
void ice_spec_write(JsonWriter *w, const IcePartitionSpec *spec);
void ice_spec_write_fields(JsonWriter *w,
                           const IcePartitionSpec *spec); /* the array alone, as manifests carry it */
int ice_sort_order_parse(const Json *json, Arena *arena, IceSortOrder **ret, Error *err);
void ice_sort_order_write(JsonWriter *w, const IceSortOrder *order);
int ice_transform_parse(Str text, Arena *arena, IceTransform *ret, Error *err);
Str ice_transform_text(const IceTransform *transform, Arena *arena);

bool ice_type_equal(const IceType *a, const IceType *b); /* with field ids and names */
bool ice_type_is_primitive(const IceType *type);
/* May `from` be read as `to` (v2 promotions; v3's too when format_version >= 3)? */
bool ice_type_can_promote(const IceType *from, const IceType *to, int format_version);
const IceField *ice_schema_find(const IceSchema *schema, int32_t field_id); /* any depth; NULL */
const IceField *ice_schema_find_name(const IceSchema *schema, Str dotted_name, bool case_sensitive);
int32_t ice_schema_max_id(const IceSchema *schema);
/* The type of a partition value: identity and truncate the source's, bucket/year/month/hour int, day date,
 * void the source's. */
const IceType *ice_transform_result(const IceTransform *transform, const IceType *source, Arena *arena);
/* Copies a schema with ids reassigned from 1 in pre-order, top level first (table creation). */
IceSchema *ice_schema_assign_fresh_ids(const IceSchema *schema, Arena *arena, int32_t *ret_last_id);
Str ice_type_name(const IceType *type, Arena *arena); /* "decimal(10, 2)" */
