/* metadata.h - table metadata (v1 to v3, read and written), and apply(): the only way it changes.
 *
 * TableMetadata lives in an arena and is immutable; apply() makes a new one. What the model does not know of
 * a document (unknown top-level members) is an error only where the spec says so; else it is kept in `extra`
 * and written back. Source: Iceberg table spec "Table Metadata"; REST spec "CommitTableRequest"; the
 * behaviour of the Java reference builder. */
#pragma once

#include "iceberg/schema.h"

typedef struct IceProperty {
    Str key, value;
} IceProperty;

typedef struct IceSnapshot {
    int64_t snapshot_id, parent_id; /* parent -1: none */
    int64_t sequence_number, timestamp_ms;
    Str manifest_list;
    int32_t schema_id;                /* -1: none */
    int64_t first_row_id, added_rows; /* v3; -1: none */
    Str key_id;
    const Json *manifests;      /* v1 without a manifest list: their paths; NULL otherwise */
    const IceProperty *summary; /* "operation" included */
    size_t n_summary;
    Str json; /* its canonical JSON text, spliced when the document is written */
} IceSnapshot;

typedef struct IceRef {
    Str name;
    bool is_tag;
    int64_t snapshot_id;
    int64_t min_snapshots_to_keep, max_snapshot_age_ms, max_ref_age_ms; /* -1: none */
} IceRef;

typedef struct IceSnapshotLogEntry {
    int64_t timestamp_ms, snapshot_id;
} IceSnapshotLogEntry;
typedef struct IceMetadataLogEntry {
    int64_t timestamp_ms;
    Str metadata_file;
} IceMetadataLogEntry;

typedef struct TableMetadata {
    int32_t format_version;
    Str table_uuid, location;
    int64_t last_sequence_number, last_updated_ms;
    int32_t last_column_id;
    const IceSchema *const *schemas;
    size_t n_schemas;
    int32_t current_schema_id;
    const IcePartitionSpec *const *specs;
    size_t n_specs;
    int32_t default_spec_id, last_partition_id;
    const IceSortOrder *const *sort_orders;
    size_t n_sort_orders;
    int32_t default_sort_order_id;
    const IceProperty *properties;
    size_t n_properties;         /* sorted by key */
    int64_t current_snapshot_id; /* -1: none */
    const IceSnapshot *const *snapshots;
    size_t n_snapshots;
    const IceSnapshotLogEntry *snapshot_log;
    size_t n_snapshot_log;
    const IceMetadataLogEntry *metadata_log;
    size_t n_metadata_log;
    const IceRef *refs;
    size_t n_refs;
    const Json *const *statistics;
    size_t n_statistics;
    const Json *const *partition_statistics;
    size_t n_partition_statistics;
    const Json *const *encryption_keys;
    size_t n_encryption_keys;
    int64_t next_row_id; /* v3 */
    const JsonMember *extra;
    size_t n_extra; /* members of the document that this model does not know */
} TableMetadata;

/* Errors: ERR_ICEBERG_INVALID_METADATA, naming the member. */
int metadata_parse(Str json, Arena *arena, const TableMetadata **ret, Error *err);
/* The same of a parsed document, which must live in `arena` or longer. */
int metadata_of_json(const Json *document, Arena *arena, const TableMetadata **ret, Error *err);
/* refs_only: snapshots that no ref names are left out (loadTable with snapshots=refs). */
void metadata_write(JsonWriter *w, const TableMetadata *metadata, bool refs_only);

const IceSchema *metadata_schema(const TableMetadata *m, int32_t schema_id); /* NULL when unknown */
const IceSchema *metadata_current_schema(const TableMetadata *m);
const IcePartitionSpec *metadata_spec(const TableMetadata *m, int32_t spec_id);
const IcePartitionSpec *metadata_default_spec(const TableMetadata *m);
const IceSortOrder *metadata_default_sort_order(const TableMetadata *m);
const IceSnapshot *metadata_snapshot(const TableMetadata *m, int64_t snapshot_id); /* NULL when unknown */
const IceSnapshot *metadata_current_snapshot(const TableMetadata *m);              /* NULL: empty table */
const IceRef *metadata_ref(const TableMetadata *m, Str name);
Str metadata_property(const TableMetadata *m, const char *key, Str default_value);

typedef struct NewTable {
    Str location;
    const IceSchema *schema;        /* ids are reassigned */
    const IcePartitionSpec *spec;   /* NULL: unpartitioned; source ids are those of `schema` */
    const IceSortOrder *sort_order; /* NULL: unsorted */
    const IceProperty *properties;
    size_t n_properties; /* format-version is taken from here (default 2) */
} NewTable;
int metadata_new(const NewTable *table, Arena *arena, const TableMetadata **ret, Error *err);

/* Applies a CommitTableRequest. `base` NULL: the table does not exist (assert-create). `base_location`: its
 * metadata file, for the metadata log (copied). requirements and updates are the request's arrays (NULL:
 * none); *ret points into them and into `base`, which must live as long as it. ERR_COMMIT_FAILED "Requirement
 * failed: …" (final for this base); ERR_BAD_REQUEST unknown requirement or action, or an update that makes no
 * valid table; ERR_VALIDATION. *ret == base when nothing changed. */
int metadata_apply(const TableMetadata *base, Str base_location, const Json *requirements,
                   const Json *updates, Arena *arena, const TableMetadata **ret, Error *err);
/* Do the requirements hold assert-create? */
bool metadata_is_create(const Json *requirements);
/* Checks the requirements alone. */
int metadata_check_requirements(const TableMetadata *base, const Json *requirements, Error *err);
