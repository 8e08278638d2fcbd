/* view.h - view metadata, and how a commit changes it.
 *
 * As TableMetadata: in an arena, immutable, changed only by view_apply(). Source: Iceberg view spec; REST
 * spec "CommitViewRequest"; the behaviour of the Java reference (ViewMetadata.Builder). */
#pragma once

#include "iceberg/metadata.h"

typedef struct IceViewRepresentation {
    Str type; /* "sql"; others are kept as they are */
    Str sql, dialect;
    const Json *json;
} IceViewRepresentation;

typedef struct IceViewVersion {
    int32_t version_id, schema_id;
    int64_t timestamp_ms;
    const IceProperty *summary;
    size_t n_summary;
    const IceViewRepresentation *representations;
    size_t n_representations;
    Str default_catalog; /* ptr NULL: the view's own */
    const Json *default_namespace;
} IceViewVersion;

typedef struct IceViewLogEntry {
    int64_t timestamp_ms;
    int32_t version_id;
} IceViewLogEntry;

typedef struct ViewMetadata {
    int32_t format_version;
    Str view_uuid, location;
    int32_t current_version_id;
    const IceViewVersion *const *versions;
    size_t n_versions;
    const IceViewLogEntry *log;
    size_t n_log;
    const IceSchema *const *schemas;
    size_t n_schemas;
    const IceProperty *properties;
    size_t n_properties; /* sorted by key */
} ViewMetadata;

/* Errors: ERR_ICEBERG_INVALID_METADATA, naming the member. */
int view_parse(Str json, Arena *arena, const ViewMetadata **ret, Error *err);
int view_of_json(const Json *document, Arena *arena, const ViewMetadata **ret, Error *err);
void view_write(JsonWriter *w, const ViewMetadata *view);

const IceViewVersion *view_current_version(const ViewMetadata *view);
const IceSchema *view_schema(const ViewMetadata *view, int32_t schema_id); /* NULL when unknown */
Str view_property(const ViewMetadata *view, const char *key, Str default_value);

/* Makes a view of a CreateViewRequest (its schema, view-version and properties). ERR_BAD_REQUEST. */
int view_new(const Json *request, Str location, Arena *arena, const ViewMetadata **ret, Error *err);
/* Applies a CommitViewRequest. ERR_COMMIT_FAILED "Requirement failed: …"; ERR_BAD_REQUEST; ERR_VALIDATION.
 * *ret == base when nothing changed. What it makes points into the arrays and into `base`. */
int view_apply(const ViewMetadata *base, const Json *requirements, const Json *updates, Arena *arena,
               const ViewMetadata **ret, Error *err);
