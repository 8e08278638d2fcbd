/* transform.h - partition transforms on values, and the partition paths that people see.
 * Source: Iceberg table spec, "Partition Transforms"; path text: PartitionSpec.partitionToPath and
 * Transform.toHumanString of the Java library. */
#pragma once

#include "iceberg/metadata.h"
#include "iceberg/value.h"

/* Applies a transform to a source value; null gives null. The result may borrow from `source`; bytes cut by
 * truncate need no memory. ERR_NOT_SUPPORTED for an unknown transform or a source type that the transform is
 * not defined for. */
int ice_transform_apply(const IceTransform *transform, const IceValue *source, IceValue *ret, Error *err);

/* "2024-01", "2024-01-01-10", "null"; not URL-encoded. */
Str ice_transform_text_of(const IceTransform *transform, const IceValue *value, Arena *arena);
/* "order_date=2024-01-01/region=a%2Fb": `tuple` has a value for each field of the spec. Empty for an
 * unpartitioned spec. */
Str ice_partition_path(const IcePartitionSpec *spec, const IceValue *tuple, Arena *arena);

/* The result types of a spec's fields, in their order. A field whose source column is in no schema of the
 * table any more, or whose transform is unknown, has type ICE_UNKNOWN. */
typedef struct IcePartitionType {
    const IcePartitionSpec *spec;
    const IceType *const *types;
} IcePartitionType;

/* ERR_ICEBERG_INVALID_METADATA when the table has no such spec. */
int ice_partition_type(const TableMetadata *table, int32_t spec_id, Arena *arena, IcePartitionType *ret,
                       Error *err);

/* The source values that a partition value can stand for (bucket and void: none known). Both ends belong to
 * it, but the upper one when `upper_open`. For time transforms of values before 1970 the range also holds
 * the values that old writers, which rounded towards zero, put there. Values live in the arena or borrow
 * from `value`. */
typedef struct IceRange {
    bool has_lower, has_upper, upper_open;
    IceValue lower, upper;
} IceRange;
void ice_transform_source_range(const IceTransform *transform, const IceType *source_type,
                                const IceValue *value, Arena *arena, IceRange *ret);
