/* table_properties.h - WITH (…) of CREATE TABLE and SET PROPERTIES, and back for SHOW CREATE TABLE.
 *
 * table_properties.def lists them; system.metadata.table_properties is made from the same list. Source: Trino
 * 483's Iceberg connector. */
#pragma once

#include "query/connector/iceberg_table.h"

typedef struct PropertyDef {
    const char *name, *default_value, *type, *description;
} PropertyDef;
extern const PropertyDef table_property_defs[];
extern const size_t n_table_property_defs;

typedef struct TableProperties {
    int64_t format_version; /* 0: not given */
    Str location;           /* ptr NULL: not given */
    const Str *partitioning;
    size_t n_partitioning;
    bool has_partitioning;
    const Str *sorted_by;
    size_t n_sorted_by;
    bool has_sorted_by;
    Vec(IceProperty) iceberg; /* as table metadata has them */
} TableProperties;

/* ERR_INVALID_TABLE_PROPERTY with Trino's texts and the property's position. */
int table_properties_read(Str catalog, const Property *properties, size_t n, Arena *arena,
                          TableProperties *ret, Error *err);
/* "day(ts)", "bucket(id, 4)", "c" to fields of a spec with ids from first_field_id. */
int partitioning_parse(const IceSchema *schema, const Str *texts, size_t n, int32_t first_field_id,
                       Arena *arena, IcePartitionSpec *ret, Error *err);
/* "name ASC NULLS FIRST" */
int sorted_by_parse(const IceSchema *schema, const Str *texts, size_t n, Arena *arena, IceSortOrder *ret,
                    Error *err);
Str partitioning_text(const IceSchema *schema, const IcePartitionField *field, Arena *arena);
Str sorted_by_text(const IceSchema *schema, const IceSortField *field, Arena *arena);

/* Constants of properties. */
bool property_text(const Expr *value, Str *ret);
