/* apply_internal.h - the state of one metadata_apply(), shared by apply*.c. */
#pragma once

#include "iceberg/metadata_internal.h"

typedef struct MetadataBuilder {
    const TableMetadata *base; /* NULL: a new table */
    Arena *arena;
    TableMetadata m; /* what does not grow; the lists below are put in at the end */
    Vec(const IceSchema *) schemas;
    Vec(const IcePartitionSpec *) specs;
    Vec(const IceSortOrder *) sort_orders;
    Vec(IceProperty) properties; /* in no order until the end */
    Vec(const IceSnapshot *) snapshots;
    Vec(IceSnapshotLogEntry) snapshot_log;
    Vec(IceRef) refs;
    Vec(const Json *) statistics;
    Vec(const Json *) partition_statistics;
    Vec(const Json *) encryption_keys;
    Buf scratch; /* for snapshots' texts */

    bool changed;
    int64_t last_updated_ms; /* -1: now */
    int32_t last_schema_id, last_spec_id,
        last_order_id;           /* what -1 in an update means; -1: nothing was added */
    size_t first_added_snapshot; /* snapshots from here on were added by these updates */
    Vec(int64_t) main_ids;       /* snapshots that main was set to, of those added here */
    bool removed_snapshots;
} MetadataBuilder;

/* apply_schema.c */
int ice_apply_add_schema(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_set_current_schema(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_remove_schemas(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_add_spec(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_set_default_spec(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_remove_specs(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_add_sort_order(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_set_default_sort_order(MetadataBuilder *b, const Json *update, Error *err);
const IceSchema *ice_builder_current_schema(const MetadataBuilder *b); /* NULL before the first */

/* apply_snapshot.c */
int ice_apply_add_snapshot(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_set_ref(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_remove_ref(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_remove_snapshots(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_set_statistics(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_remove_statistics(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_set_partition_statistics(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_remove_partition_statistics(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_add_encryption_key(MetadataBuilder *b, const Json *update, Error *err);
int ice_apply_remove_encryption_key(MetadataBuilder *b, const Json *update, Error *err);
/* The snapshot log as the new document has it. */
void ice_builder_finish_snapshot_log(MetadataBuilder *b);

/* Ids of an array of integers. Arena. ERR_BAD_REQUEST. */
int ice_update_ids(const Json *update, const char *key, Arena *arena, int64_t **ret_ids, size_t *ret_n,
                   Error *err);
bool ice_has_id(const int64_t *ids, size_t n, int64_t id); /* sorted, as ice_update_ids() gives them */
int ice_update_need_int32(const Json *update, const char *key, int32_t *ret, Error *err); /* at least -1 */
