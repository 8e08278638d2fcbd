/* view.c - view documents in and out. Source: Iceberg view spec, "View Metadata". */
#include <stdlib.h>

#include "iceberg/view_internal.h"

const IceViewVersion *view_current_version(const ViewMetadata *view)
{
    for (size_t i = 0; i < view->n_versions; i++)
        if (view->versions[i]->version_id == view->current_version_id)
            return view->versions[i];
    return NULL;
}

const IceSchema *view_schema(const ViewMetadata *view, int32_t schema_id)
{
    for (size_t i = 0; i < view->n_schemas; i++)
        if (view->schemas[i]->schema_id == schema_id)
            return view->schemas[i];
    return NULL;
}

Str view_property(const ViewMetadata *view, const char *key, Str default_value)
{
    for (size_t i = 0; i < view->n_properties; i++)
        if (str_is(view->properties[i].key, key))
            return view->properties[i].value;
    return default_value;
}

/* ---- reading ---- */

static int parse_representation(const Json *json, IceViewRepresentation *ret, Error *err)
{
    if (!json_is(json, JSON_OBJECT) || ice_json_depth(json) > ICE_MAX_SCHEMA_DEPTH)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse view representation: expected an object");
    ret->json = json;
    if (json_need_string(json, "type", &ret->type, err) < 0)
        return err_prefix(err, "Cannot parse view representation");
    if (!str_is(ret->type, "sql"))
        return 0;
    if (json_need_string(json, "sql", &ret->sql, err) < 0 ||
        json_need_string(json, "dialect", &ret->dialect, err) < 0)
        return err_prefix(err, "Cannot parse view representation");
    return 0;
}

static int parse_representations(const Json *array, Arena *arena, IceViewVersion *v, Error *err)
{
    IceViewRepresentation *items = arena_array(arena, IceViewRepresentation, array->array.n + 1);

    for (size_t i = 0; i < array->array.n; i++) {
        if (parse_representation(array->array.items[i], &items[i], err) < 0)
            return -1;
        for (size_t j = 0; items[i].dialect.ptr && j < i; j++)
            if (items[j].dialect.ptr && str_eq_nocase(items[i].dialect, items[j].dialect))
                return err_set(err, ERR_BAD_REQUEST,
                               "Invalid view version: Cannot add multiple queries for dialect %.*s",
                               STR_ARG(str_slice(items[i].dialect, 0, 100)));
        if (arena_check(arena, err) < 0)
            return -1;
    }
    v->representations = items;
    v->n_representations = array->array.n;
    return 0;
}

static bool is_string_array(const Json *array)
{
    for (size_t i = 0; json_is(array, JSON_ARRAY) && i < array->array.n; i++)
        if (!json_is(array->array.items[i], JSON_STRING))
            return false;
    return json_is(array, JSON_ARRAY);
}

int ice_view_version_parse(const Json *json, Arena *arena, IceViewVersion **ret, Error *err)
{
    IceViewVersion *v = arena_new_of(arena, IceViewVersion);
    const Json *representations;
    int64_t id, schema_id;

    if (!json_is(json, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse view version: expected an object");
    if (json_need_int(json, "version-id", &id, err) < 0 ||
        json_need_int(json, "timestamp-ms", &v->timestamp_ms, err) < 0 ||
        json_need_int(json, "schema-id", &schema_id, err) < 0 ||
        json_get_string(json, "default-catalog", STR_NULL, &v->default_catalog, err) < 0 ||
        json_get_array(json, "representations", &representations, err) < 0 ||
        ice_properties_parse(json_get(json, "summary"), "summary", arena, &v->summary, &v->n_summary, err) <
            0)
        return err_prefix(err, "Cannot parse view version");
    if (id < -1 || id > INT32_MAX || schema_id < -1 || schema_id > INT32_MAX)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse view version: an id is out of range");
    if (!representations)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse view version: \"representations\" is missing");
    v->version_id = (int32_t)id;
    v->schema_id = (int32_t)schema_id;
    v->default_namespace = json_get(json, "default-namespace");
    if (!is_string_array(v->default_namespace))
        return err_set(err, ERR_BAD_REQUEST,
                       "Cannot parse view version: \"default-namespace\" must be an array of strings");
    if (parse_representations(representations, arena, v, err) < 0)
        return -1;
    *ret = v;
    return 0;
}

static int parse_versions(const Json *doc, Arena *arena, ViewMetadata *view, Error *err)
{
    const Json *versions, *log;
    int64_t id;

    if (json_get_array(doc, "versions", &versions, err) < 0 ||
        json_get_array(doc, "version-log", &log, err) < 0)
        return -1;
    if (!versions || !log)
        return err_set(err, ERR_BAD_REQUEST, "\"versions\" and \"version-log\" are required");
    const IceViewVersion **items = arena_array(arena, const IceViewVersion *, versions->array.n + 1);
    for (size_t i = 0; i < versions->array.n; i++) {
        IceViewVersion *v;
        if (ice_view_version_parse(versions->array.items[i], arena, &v, err) < 0)
            return -1;
        if (!view_schema(view, v->schema_id))
            return err_set(err, ERR_BAD_REQUEST, "Cannot find schema %d of version %d", v->schema_id,
                           v->version_id);
        items[i] = v;
    }
    view->versions = items;
    view->n_versions = versions->array.n;
    IceViewLogEntry *entries = arena_array(arena, IceViewLogEntry, log->array.n + 1);
    for (size_t i = 0; i < log->array.n; i++) {
        if (json_need_int(log->array.items[i], "timestamp-ms", &entries[i].timestamp_ms, err) < 0 ||
            json_need_int(log->array.items[i], "version-id", &id, err) < 0)
            return err_prefix(err, "version-log");
        entries[i].version_id = (int32_t)id;
    }
    view->log = entries;
    view->n_log = log->array.n;
    return 0;
}

static int parse_schemas(const Json *doc, Arena *arena, ViewMetadata *view, Error *err)
{
    const Json *array;

    if (json_get_array(doc, "schemas", &array, err) < 0)
        return -1;
    if (!array)
        return err_set(err, ERR_BAD_REQUEST, "\"schemas\" is missing");
    const IceSchema **schemas = arena_array(arena, const IceSchema *, array->array.n + 1);
    for (size_t i = 0; i < array->array.n; i++) {
        IceSchema *schema;
        if (ice_schema_parse(array->array.items[i], arena, &schema, err) < 0)
            return -1;
        schemas[i] = schema;
    }
    view->schemas = schemas;
    view->n_schemas = array->array.n;
    return 0;
}

static int parse_document(const Json *doc, Arena *arena, ViewMetadata *view, Error *err)
{
    const IceProperty *properties;
    int64_t version, current;

    if (!json_is(doc, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "expected an object");
    if (json_need_int(doc, "format-version", &version, err) < 0 ||
        json_need_string(doc, "view-uuid", &view->view_uuid, err) < 0 ||
        json_need_string(doc, "location", &view->location, err) < 0 ||
        json_need_int(doc, "current-version-id", &current, err) < 0 ||
        parse_schemas(doc, arena, view, err) < 0 || parse_versions(doc, arena, view, err) < 0 ||
        ice_properties_parse(json_get(doc, "properties"), "properties", arena, &properties,
                             &view->n_properties, err) < 0)
        return -1;
    if (version != 1)
        return err_set(err, ERR_BAD_REQUEST, "Unsupported format version: %lld", (long long)version);
    view->format_version = 1;
    view->current_version_id = (int32_t)current;
    if (!view_current_version(view))
        return err_set(err, ERR_BAD_REQUEST, "Cannot find current version %lld in view versions",
                       (long long)current);
    IceProperty *sorted = arena_array(arena, IceProperty, view->n_properties + 1);
    if (view->n_properties > 0)
        memcpy(sorted, properties, view->n_properties * sizeof *sorted);
    ice_properties_sort(sorted, view->n_properties);
    view->properties = sorted;
    view->location = ice_location_trim(view->location);
    return arena_check(arena, err);
}

int view_of_json(const Json *document, Arena *arena, const ViewMetadata **ret, Error *err)
{
    ViewMetadata *view = arena_new_of(arena, ViewMetadata);
    Error local;

    err = err ? err : &local;
    if (parse_document(document, arena, view, err) < 0) {
        if (err->code == ERR_BAD_REQUEST)
            err->code = ERR_ICEBERG_INVALID_METADATA;
        return err_prefix(err, "view metadata");
    }
    *ret = view;
    return 0;
}

int view_parse(Str json, Arena *arena, const ViewMetadata **ret, Error *err)
{
    const Json *document;
    Error local;

    err = err ? err : &local;
    if (json_parse(json, arena, &document, err) < 0) {
        if (err->code == ERR_BAD_REQUEST)
            err->code = ERR_ICEBERG_INVALID_METADATA;
        return err_prefix(err, "view metadata");
    }
    return view_of_json(document, arena, ret, err);
}

/* ---- writing ---- */

static void write_version(JsonWriter *w, const IceViewVersion *v)
{
    json_object(w);
    json_kv_int(w, "version-id", v->version_id);
    json_kv_int(w, "timestamp-ms", v->timestamp_ms);
    json_kv_int(w, "schema-id", v->schema_id);
    json_key(w, "summary");
    ice_properties_write(w, v->summary, v->n_summary);
    if (v->default_catalog.ptr)
        json_kv_str(w, "default-catalog", v->default_catalog);
    json_key(w, "default-namespace");
    json_write_value(w, v->default_namespace);
    json_key(w, "representations");
    json_array(w);
    for (size_t i = 0; i < v->n_representations; i++)
        json_write_value(w, v->representations[i].json);
    json_end_array(w);
    json_end_object(w);
}

void view_write(JsonWriter *w, const ViewMetadata *view)
{
    json_object(w);
    json_kv_str(w, "view-uuid", view->view_uuid);
    json_kv_int(w, "format-version", view->format_version);
    json_kv_str(w, "location", view->location);
    json_key(w, "properties");
    ice_properties_write(w, view->properties, view->n_properties);
    json_key(w, "schemas");
    json_array(w);
    for (size_t i = 0; i < view->n_schemas; i++)
        ice_schema_write(w, view->schemas[i]);
    json_end_array(w);
    json_kv_int(w, "current-version-id", view->current_version_id);
    json_key(w, "versions");
    json_array(w);
    for (size_t i = 0; i < view->n_versions; i++)
        write_version(w, view->versions[i]);
    json_end_array(w);
    json_key(w, "version-log");
    json_array(w);
    for (size_t i = 0; i < view->n_log; i++) {
        json_object(w);
        json_kv_int(w, "timestamp-ms", view->log[i].timestamp_ms);
        json_kv_int(w, "version-id", view->log[i].version_id);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}
