/* metadata_parse.c - a metadata document to TableMetadata.
 * Source: Iceberg table spec, "Table Metadata Fields", "Snapshots", "Snapshot References", "Appendix C",
 * "Appendix E". */
#include "iceberg/metadata.h"
#include "iceberg/metadata_internal.h"

#include <stdlib.h>

typedef struct Parse {
    const Json *doc;
    Arena *arena;
    TableMetadata *m;
    Error *err;
} Parse;

#define BAD(ps, ...) err_set((ps)->err, ERR_ICEBERG_INVALID_METADATA, __VA_ARGS__)

static const char *const known_members[] = {
    "format-version",
    "table-uuid",
    "location",
    "last-sequence-number",
    "last-updated-ms",
    "last-column-id",
    "schema",
    "schemas",
    "current-schema-id",
    "partition-spec",
    "partition-specs",
    "default-spec-id",
    "last-partition-id",
    "sort-orders",
    "default-sort-order-id",
    "properties",
    "current-snapshot-id",
    "snapshots",
    "snapshot-log",
    "metadata-log",
    "refs",
    "statistics",
    "partition-statistics",
    "encryption-keys",
    "next-row-id",
    NULL,
};

static int need_int32(Parse *ps, const char *key, int32_t *ret)
{
    int64_t value;

    if (json_need_int(ps->doc, key, &value, ps->err) < 0)
        return -1;
    if (value < -1 || value > INT32_MAX)
        return BAD(ps, "%s: %lld is out of range", key, (long long)value);
    *ret = (int32_t)value;
    return 0;
}

static int compare_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int check_unique(Parse *ps, int64_t *ids, size_t n, const char *what)
{
    if (n > 1)
        qsort(ids, n, sizeof *ids, compare_i64);
    for (size_t i = 1; i < n; i++)
        if (ids[i] == ids[i - 1])
            return BAD(ps, "%s: id %lld is used twice", what, (long long)ids[i]);
    return 0;
}

int ice_properties_parse(const Json *object, const char *what, Arena *arena, const IceProperty **ret,
                         size_t *ret_n, Error *err)
{
    *ret = NULL;
    *ret_n = 0;
    if (json_is_null(object))
        return 0;
    if (!json_is(object, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "%s: expected an object of strings", what);
    IceProperty *items = arena_array(arena, IceProperty, object->object.n + 1);
    for (size_t i = 0; i < object->object.n; i++) {
        const JsonMember *member = &object->object.members[i];
        if (!json_is(member->value, JSON_STRING))
            return err_set(err, ERR_BAD_REQUEST, "%s: the value of \"%.*s\" must be a string", what,
                           STR_ARG(str_slice(member->key, 0, 200)));
        items[i] = (IceProperty){member->key, member->value->text};
    }
    *ret = items;
    *ret_n = object->object.n;
    return arena_check(arena, err);
}

static int compare_property(const void *a, const void *b)
{
    return str_cmp(((const IceProperty *)a)->key, ((const IceProperty *)b)->key);
}

void ice_properties_sort(IceProperty *items, size_t n)
{
    if (n > 1)
        qsort(items, n, sizeof *items, compare_property);
}

/* ---- schemas, specs, sort orders ---- */

static int parse_schemas(Parse *ps)
{
    TableMetadata *m = ps->m;
    const Json *array, *single = json_get(ps->doc, "schema");
    IceSchema *schema;

    if (json_get_array(ps->doc, "schemas", &array, ps->err) < 0)
        return -1;
    if (!array && m->format_version > 1)
        return BAD(ps, "schemas must exist in format v%d", m->format_version);
    if (array && need_int32(ps, "current-schema-id", &m->current_schema_id) < 0)
        return -1;
    size_t n = array ? array->array.n : 1;
    const IceSchema **schemas = arena_array(ps->arena, const IceSchema *, n + 1);
    int64_t *ids = arena_array(ps->arena, int64_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (ice_schema_parse(array ? array->array.items[i] : single, ps->arena, &schema, ps->err) < 0)
            return err_prefix(ps->err, array ? "schemas" : "schema");
        schemas[i] = schema;
        ids[i] = schema->schema_id;
    }
    if (!array)
        m->current_schema_id = schemas[0]->schema_id;
    m->schemas = schemas;
    m->n_schemas = n;
    if (check_unique(ps, ids, n, "schemas") < 0)
        return -1;
    if (!metadata_current_schema(m))
        return BAD(ps, "Cannot find schema with current-schema-id=%d from schemas", m->current_schema_id);
    return 0;
}

/* v1 did not write field ids: they count up from 1000 in each spec. */
static int32_t complete_field_ids(IcePartitionSpec *spec, Arena *arena)
{
    IcePartitionField *fields = arena_array(arena, IcePartitionField, spec->n_fields + 1);
    int32_t last = ICE_FIRST_PARTITION_ID - 1;

    for (size_t i = 0; i < spec->n_fields; i++) {
        fields[i] = spec->fields[i];
        if (fields[i].field_id < 0)
            fields[i].field_id = ICE_FIRST_PARTITION_ID + (int32_t)i;
        last = fields[i].field_id > last ? fields[i].field_id : last;
    }
    spec->fields = fields;
    return last;
}

static int parse_specs(Parse *ps)
{
    TableMetadata *m = ps->m;
    const Json *array;
    int32_t last = ICE_FIRST_PARTITION_ID - 1;

    if (json_get_array(ps->doc, "partition-specs", &array, ps->err) < 0)
        return -1;
    if (!array && m->format_version > 1)
        return BAD(ps, "partition-specs must exist in format v%d", m->format_version);
    if (array && need_int32(ps, "default-spec-id", &m->default_spec_id) < 0)
        return -1;
    size_t n = array ? array->array.n : 1;
    const IcePartitionSpec **specs = arena_array(ps->arena, const IcePartitionSpec *, n + 1);
    int64_t *ids = arena_array(ps->arena, int64_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        IcePartitionSpec *spec = arena_new_of(ps->arena, IcePartitionSpec);
        if ((array
                 ? ice_spec_parse(array->array.items[i], ps->arena, &spec, ps->err)
                 : ice_spec_fields_parse(json_get(ps->doc, "partition-spec"), ps->arena, spec, ps->err)) < 0)
            return err_prefix(ps->err, array ? "partition-specs" : "partition-spec");
        int32_t spec_last = complete_field_ids(spec, ps->arena);
        last = spec_last > last ? spec_last : last;
        specs[i] = spec;
        ids[i] = spec->spec_id;
    }
    m->specs = specs;
    m->n_specs = n;
    m->last_partition_id = last;
    if (check_unique(ps, ids, n, "partition-specs") < 0)
        return -1;
    if (!metadata_default_spec(m))
        return BAD(ps, "Cannot find partition spec with default-spec-id=%d", m->default_spec_id);
    if (json_get(ps->doc, "last-partition-id"))
        return need_int32(ps, "last-partition-id", &m->last_partition_id);
    return m->format_version > 1 ? BAD(ps, "last-partition-id must exist in format v%d", m->format_version)
                                 : 0;
}

static int parse_sort_orders(Parse *ps)
{
    TableMetadata *m = ps->m;
    const Json *array;
    IceSortOrder *order;

    if (json_get_array(ps->doc, "sort-orders", &array, ps->err) < 0)
        return -1;
    if (!array && m->format_version > 1)
        return BAD(ps, "sort-orders must exist in format v%d", m->format_version);
    size_t n = array ? array->array.n : 1;
    const IceSortOrder **orders = arena_array(ps->arena, const IceSortOrder *, n + 1);
    int64_t *ids = arena_array(ps->arena, int64_t, n + 1);
    if (!array) {
        orders[0] = &ice_unsorted;
    } else if (need_int32(ps, "default-sort-order-id", &m->default_sort_order_id) < 0) {
        return -1;
    }
    for (size_t i = 0; array && i < n; i++) {
        if (ice_sort_order_parse(array->array.items[i], ps->arena, &order, ps->err) < 0)
            return err_prefix(ps->err, "sort-orders");
        orders[i] = order;
        ids[i] = order->order_id;
    }
    m->sort_orders = orders;
    m->n_sort_orders = n;
    if (check_unique(ps, ids, n, "sort-orders") < 0)
        return -1;
    if (!metadata_default_sort_order(m))
        return BAD(ps, "Cannot find sort order with default-sort-order-id=%d", m->default_sort_order_id);
    return 0;
}

/* ---- snapshots ---- */

static void write_summary(JsonWriter *w, const IceSnapshot *s)
{
    json_object(w);
    for (size_t i = 0; i < s->n_summary; i++)
        if (str_is(s->summary[i].key, "operation"))
            json_kv_str(w, "operation", s->summary[i].value);
    for (size_t i = 0; i < s->n_summary; i++) {
        if (str_is(s->summary[i].key, "operation"))
            continue;
        json_key_str(w, s->summary[i].key);
        json_str(w, s->summary[i].value);
    }
    json_end_object(w);
}

static void write_snapshot(JsonWriter *w, const IceSnapshot *s)
{
    json_object(w);
    if (s->sequence_number > 0)
        json_kv_int(w, "sequence-number", s->sequence_number);
    json_kv_int(w, "snapshot-id", s->snapshot_id);
    if (s->parent_id != -1)
        json_kv_int(w, "parent-snapshot-id", s->parent_id);
    json_kv_int(w, "timestamp-ms", s->timestamp_ms);
    if (s->n_summary > 0) {
        json_key(w, "summary");
        write_summary(w, s);
    }
    if (s->manifests) {
        json_key(w, "manifests");
        json_write_value(w, s->manifests);
    } else {
        json_kv_str(w, "manifest-list", s->manifest_list);
    }
    if (s->schema_id >= 0)
        json_kv_int(w, "schema-id", s->schema_id);
    if (s->first_row_id >= 0)
        json_kv_int(w, "first-row-id", s->first_row_id);
    if (s->added_rows >= 0)
        json_kv_int(w, "added-rows", s->added_rows);
    if (s->key_id.ptr)
        json_kv_str(w, "key-id", s->key_id);
    json_end_object(w);
}

static int parse_snapshot_members(const Json *json, IceSnapshot *s, Error *err)
{
    int64_t schema_id;

    if (json_need_int(json, "snapshot-id", &s->snapshot_id, err) < 0 ||
        json_get_int(json, "parent-snapshot-id", -1, &s->parent_id, err) < 0 ||
        json_get_int(json, "sequence-number", 0, &s->sequence_number, err) < 0 ||
        json_need_int(json, "timestamp-ms", &s->timestamp_ms, err) < 0 ||
        json_get_string(json, "manifest-list", STR_NULL, &s->manifest_list, err) < 0 ||
        json_get_int(json, "schema-id", -1, &schema_id, err) < 0 ||
        json_get_int(json, "first-row-id", -1, &s->first_row_id, err) < 0 ||
        json_get_int(json, "added-rows", -1, &s->added_rows, err) < 0 ||
        json_get_string(json, "key-id", STR_NULL, &s->key_id, err) < 0 ||
        json_get_array(json, "manifests", &s->manifests, err) < 0)
        return -1;
    if (schema_id < -1 || schema_id > INT32_MAX)
        return err_set(err, ERR_BAD_REQUEST, "schema-id: %lld is out of range", (long long)schema_id);
    s->schema_id = (int32_t)schema_id;
    return 0;
}

int ice_snapshot_parse(const Json *json, Arena *arena, Buf *scratch, const IceSnapshot **ret, Error *err)
{
    IceSnapshot *s = arena_new_of(arena, IceSnapshot);

    if (!json_is(json, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse snapshot: expected an object");
    if (parse_snapshot_members(json, s, err) < 0 ||
        ice_properties_parse(json_get(json, "summary"), "summary", arena, &s->summary, &s->n_summary, err) <
            0)
        return err_prefix(err, "Cannot parse snapshot");
    bool has_operation = s->n_summary == 0;
    for (size_t i = 0; i < s->n_summary; i++)
        has_operation = has_operation || str_is(s->summary[i].key, "operation");
    if (!has_operation)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse snapshot %lld: the summary has no operation",
                       (long long)s->snapshot_id);
    if (!s->manifest_list.ptr && !s->manifests)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse snapshot %lld: manifest-list is missing",
                       (long long)s->snapshot_id);
    if (s->snapshot_id < 0 || s->sequence_number < 0)
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse snapshot %lld: negative id or sequence number",
                       (long long)s->snapshot_id);
    if (s->manifest_list.ptr)
        s->manifests = NULL;
    buf_clear(scratch);
    JsonWriter w = JSON_WRITER(scratch);
    write_snapshot(&w, s);
    if (buf_check(scratch, err) < 0)
        return -1;
    s->json = arena_str(arena, buf_str(scratch));
    *ret = s;
    return arena_check(arena, err);
}

static int parse_snapshots(Parse *ps)
{
    TableMetadata *m = ps->m;
    const Json *array;
    _cleanup_buf_ Buf scratch = BUF_INIT(LIMIT_SNAPSHOT_BYTES);

    if (json_get_array(ps->doc, "snapshots", &array, ps->err) < 0)
        return -1;
    size_t n = array ? array->array.n : 0;
    const IceSnapshot **snapshots = arena_array(ps->arena, const IceSnapshot *, n + 1);
    int64_t *ids = arena_array(ps->arena, int64_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (ice_snapshot_parse(array->array.items[i], ps->arena, &scratch, &snapshots[i], ps->err) < 0)
            return err_prefix(ps->err, "snapshots");
        ids[i] = snapshots[i]->snapshot_id;
        if (snapshots[i]->sequence_number > m->last_sequence_number)
            return BAD(ps,
                       "Invalid snapshot with sequence number %lld greater than last sequence number %lld",
                       (long long)snapshots[i]->sequence_number, (long long)m->last_sequence_number);
    }
    m->snapshots = snapshots;
    m->n_snapshots = n;
    return check_unique(ps, ids, n, "snapshots");
}

/* ---- references ---- */

int ice_ref_parse(Str name, const Json *json, IceRef *ret, Error *err)
{
    Str type;
    IceRef ref = {.name = name};

    if (!json_is(json, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse snapshot ref %.*s: expected an object",
                       STR_ARG(name));
    if (json_need_int(json, "snapshot-id", &ref.snapshot_id, err) < 0 ||
        json_need_string(json, "type", &type, err) < 0 ||
        json_get_int(json, "min-snapshots-to-keep", -1, &ref.min_snapshots_to_keep, err) < 0 ||
        json_get_int(json, "max-snapshot-age-ms", -1, &ref.max_snapshot_age_ms, err) < 0 ||
        json_get_int(json, "max-ref-age-ms", -1, &ref.max_ref_age_ms, err) < 0)
        return err_prefix(err, "Cannot parse snapshot ref %.*s", STR_ARG(str_slice(name, 0, 200)));
    ref.is_tag = str_eq_nocase(type, STR("tag"));
    if (!ref.is_tag && !str_eq_nocase(type, STR("branch")))
        return err_set(err, ERR_BAD_REQUEST, "Cannot parse snapshot ref %.*s: \"type\" must be branch or tag",
                       STR_ARG(name));
    *ret = ref;
    return 0;
}

static int compare_ref(const void *a, const void *b)
{
    return str_cmp(((const IceRef *)a)->name, ((const IceRef *)b)->name);
}

static int parse_current_snapshot(Parse *ps)
{
    TableMetadata *m = ps->m;

    if (json_get_int(ps->doc, "current-snapshot-id", -1, &m->current_snapshot_id, ps->err) < 0)
        return -1;
    if (m->current_snapshot_id != -1 && !metadata_current_snapshot(m))
        return BAD(ps, "Cannot find current snapshot %lld among the snapshots",
                   (long long)m->current_snapshot_id);
    return 0;
}

static int parse_refs(Parse *ps)
{
    TableMetadata *m = ps->m;
    const Json *object;

    if (parse_current_snapshot(ps) < 0 || json_get_object(ps->doc, "refs", &object, ps->err) < 0)
        return -1;
    size_t n = object ? object->object.n : 0;
    IceRef *refs = arena_array(ps->arena, IceRef, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (ice_ref_parse(object->object.members[i].key, object->object.members[i].value, &refs[i], ps->err) <
            0)
            return -1;
        if (!metadata_snapshot(m, refs[i].snapshot_id))
            return BAD(ps, "Snapshot for reference %.*s does not exist in the existing snapshots list",
                       STR_ARG(refs[i].name));
    }
    if (n > 1)
        qsort(refs, n, sizeof *refs, compare_ref);
    m->refs = refs;
    m->n_refs = n;
    const IceRef *main_ref = metadata_ref(m, STR("main"));
    if (!main_ref && m->current_snapshot_id != -1) {
        refs[m->n_refs++] = (IceRef){STR("main"), false, m->current_snapshot_id, -1, -1, -1};
        qsort(refs, m->n_refs, sizeof *refs, compare_ref);
    } else if (main_ref && main_ref->snapshot_id != m->current_snapshot_id) {
        return BAD(ps, "Current snapshot ID does not match main branch (%lld != %lld)",
                   (long long)m->current_snapshot_id, (long long)main_ref->snapshot_id);
    }
    return 0;
}

/* ---- logs and the rest ---- */

static int parse_logs(Parse *ps)
{
    TableMetadata *m = ps->m;
    const Json *snapshots, *files;

    if (json_get_array(ps->doc, "snapshot-log", &snapshots, ps->err) < 0 ||
        json_get_array(ps->doc, "metadata-log", &files, ps->err) < 0)
        return -1;
    size_t n = snapshots ? snapshots->array.n : 0;
    IceSnapshotLogEntry *log = arena_array(ps->arena, IceSnapshotLogEntry, n + 1);
    for (size_t i = 0; i < n; i++)
        if (json_need_int(snapshots->array.items[i], "timestamp-ms", &log[i].timestamp_ms, ps->err) < 0 ||
            json_need_int(snapshots->array.items[i], "snapshot-id", &log[i].snapshot_id, ps->err) < 0)
            return err_prefix(ps->err, "snapshot-log");
    m->snapshot_log = log;
    m->n_snapshot_log = n;
    n = files ? files->array.n : 0;
    IceMetadataLogEntry *metadata_log = arena_array(ps->arena, IceMetadataLogEntry, n + 1);
    for (size_t i = 0; i < n; i++)
        if (json_need_int(files->array.items[i], "timestamp-ms", &metadata_log[i].timestamp_ms, ps->err) <
                0 ||
            json_need_string(files->array.items[i], "metadata-file", &metadata_log[i].metadata_file,
                             ps->err) < 0)
            return err_prefix(ps->err, "metadata-log");
    m->metadata_log = metadata_log;
    m->n_metadata_log = n;
    return 0;
}

static int parse_objects(Parse *ps, const char *key, const Json *const **ret, size_t *ret_n)
{
    const Json *array;

    if (json_get_array(ps->doc, key, &array, ps->err) < 0)
        return -1;
    for (size_t i = 0; array && i < array->array.n; i++)
        if (!json_is(array->array.items[i], JSON_OBJECT) ||
            ice_json_depth(array->array.items[i]) > ICE_MAX_SCHEMA_DEPTH)
            return BAD(ps, "%s: expected objects, not too deeply nested", key);
    *ret = array ? array->array.items : NULL;
    *ret_n = array ? array->array.n : 0;
    return 0;
}

static int keep_extra(Parse *ps)
{
    Vec(JsonMember) extra = {0};

    for (size_t i = 0; i < ps->doc->object.n; i++) {
        bool known = false;
        for (const char *const *name = known_members; *name && !known; name++)
            known = str_is(ps->doc->object.members[i].key, *name);
        if (known)
            continue;
        if (ice_json_depth(ps->doc->object.members[i].value) > ICE_MAX_SCHEMA_DEPTH)
            return BAD(ps, "%.*s: nested too deeply",
                       STR_ARG(str_slice(ps->doc->object.members[i].key, 0, 200)));
        *vec_push(ps->arena, &extra) = ps->doc->object.members[i];
    }
    ps->m->extra = extra.items;
    ps->m->n_extra = extra.n;
    return 0;
}

Str ice_location_trim(Str location)
{
    while (location.len > 0 && location.ptr[location.len - 1] == '/' && !str_has_suffix(location, STR("://")))
        location.len--;
    return location;
}

static int parse_head(Parse *ps)
{
    TableMetadata *m = ps->m;
    int64_t version;

    if (json_need_int(ps->doc, "format-version", &version, ps->err) < 0)
        return -1;
    if (version < 1 || version > ICE_MAX_FORMAT_VERSION)
        return BAD(ps, "Cannot read unsupported version %lld (supported: 1 to %d)", (long long)version,
                   ICE_MAX_FORMAT_VERSION);
    m->format_version = (int32_t)version;
    if (json_get_string(ps->doc, "table-uuid", STR_NULL, &m->table_uuid, ps->err) < 0 ||
        json_need_string(ps->doc, "location", &m->location, ps->err) < 0 ||
        json_need_int(ps->doc, "last-updated-ms", &m->last_updated_ms, ps->err) < 0 ||
        need_int32(ps, "last-column-id", &m->last_column_id) < 0)
        return -1;
    if (version > 1 && !m->table_uuid.ptr)
        return BAD(ps, "table-uuid is required in format v%lld", (long long)version);
    if (version > 1 && json_need_int(ps->doc, "last-sequence-number", &m->last_sequence_number, ps->err) < 0)
        return -1;
    if (version > 2 && json_need_int(ps->doc, "next-row-id", &m->next_row_id, ps->err) < 0)
        return -1;
    m->location = ice_location_trim(m->location);
    return 0;
}

static int parse_document(Parse *ps)
{
    TableMetadata *m = ps->m;
    IceProperty *properties;

    if (!json_is(ps->doc, JSON_OBJECT))
        return BAD(ps, "expected an object");
    if (parse_head(ps) < 0 || parse_schemas(ps) < 0 || parse_specs(ps) < 0 || parse_sort_orders(ps) < 0 ||
        ice_properties_parse(json_get(ps->doc, "properties"), "properties", ps->arena, &m->properties,
                             &m->n_properties, ps->err) < 0 ||
        parse_snapshots(ps) < 0 || parse_refs(ps) < 0 || parse_logs(ps) < 0 ||
        parse_objects(ps, "statistics", &m->statistics, &m->n_statistics) < 0 ||
        parse_objects(ps, "partition-statistics", &m->partition_statistics, &m->n_partition_statistics) < 0 ||
        parse_objects(ps, "encryption-keys", &m->encryption_keys, &m->n_encryption_keys) < 0)
        return -1;
    properties = arena_array(ps->arena, IceProperty, m->n_properties + 1);
    if (m->n_properties > 0)
        memcpy(properties, m->properties, m->n_properties * sizeof *properties);
    ice_properties_sort(properties, m->n_properties);
    m->properties = properties;
    return keep_extra(ps) < 0 ? -1 : arena_check(ps->arena, ps->err);
}

int metadata_of_json(const Json *document, Arena *arena, const TableMetadata **ret, Error *err)
{
    Error local;
    Parse ps = {
        .doc = document, .arena = arena, .m = arena_new_of(arena, TableMetadata), .err = err ? err : &local};

    ps.m->current_snapshot_id = -1;
    if (parse_document(&ps) < 0) {
        if (ps.err->code == ERR_BAD_REQUEST || ps.err->code == ERR_VALIDATION)
            ps.err->code = ERR_ICEBERG_INVALID_METADATA;
        return err_prefix(ps.err, "table metadata");
    }
    *ret = ps.m;
    return 0;
}

int metadata_parse(Str json, Arena *arena, const TableMetadata **ret, Error *err)
{
    const Json *document;
    Error local;

    err = err ? err : &local;
    if (json_parse(json, arena, &document, err) < 0) {
        if (err->code == ERR_BAD_REQUEST)
            err->code = ERR_ICEBERG_INVALID_METADATA;
        return err_prefix(err, "table metadata");
    }
    return metadata_of_json(document, arena, ret, err);
}
