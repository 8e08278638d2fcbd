/* view_apply.c - a view's next document from the one it has and a commit's updates; see view.h. */
#include "base/clock.h"
#include "base/rng.h"
#include "iceberg/view_internal.h"

enum { VIEW_HISTORY_DEFAULT = 10 }; /* Java: ViewProperties.VERSION_HISTORY_SIZE_DEFAULT */

typedef struct ViewBuilder {
    const ViewMetadata *base; /* NULL: a new view */
    Arena *arena;
    ViewMetadata m;
    Vec(const IceViewVersion *) versions;
    Vec(IceViewLogEntry) log;
    Vec(const IceSchema *) schemas;
    Vec(IceProperty) properties;
    bool changed;
    size_t n_added; /* versions added here; they are the last ones */
    int32_t last_schema_id, last_version_id;
} ViewBuilder;

/* ---- schemas and versions ---- */

static int add_schema(ViewBuilder *b, const Json *json, Error *err)
{
    IceSchema *schema;
    int32_t next = 0;

    if (ice_schema_parse(json, b->arena, &schema, err) < 0)
        return -1;
    for (size_t i = 0; i < b->schemas.n; i++) {
        if (ice_schema_same(b->schemas.items[i], schema)) {
            b->last_schema_id = b->schemas.items[i]->schema_id;
            return 0;
        }
        next = b->schemas.items[i]->schema_id >= next ? b->schemas.items[i]->schema_id + 1 : next;
    }
    schema->schema_id = next;
    *vec_push(b->arena, &b->schemas) = schema;
    b->last_schema_id = next;
    b->changed = true;
    return 0;
}

static bool same_properties(const IceProperty *a, size_t n_a, const IceProperty *b, size_t n_b)
{
    if (n_a != n_b)
        return false;
    for (size_t i = 0; i < n_a; i++) {
        bool found = false;
        for (size_t j = 0; j < n_b && !found; j++)
            found = str_eq(a[i].key, b[j].key) && str_eq(a[i].value, b[j].value);
        if (!found)
            return false;
    }
    return true;
}

/* The same definition; ids and time do not count. */
static bool same_version(const IceViewVersion *a, const IceViewVersion *b)
{
    if (a->schema_id != b->schema_id || a->n_representations != b->n_representations ||
        (a->default_catalog.ptr == NULL) != (b->default_catalog.ptr == NULL) ||
        !str_eq(a->default_catalog, b->default_catalog) ||
        !ice_json_equal(a->default_namespace, b->default_namespace) ||
        !same_properties(a->summary, a->n_summary, b->summary, b->n_summary))
        return false;
    for (size_t i = 0; i < a->n_representations; i++)
        if (!ice_json_equal(a->representations[i].json, b->representations[i].json))
            return false;
    return true;
}

static const IceViewVersion *find_version(const ViewBuilder *b, int32_t id, size_t *ret_at)
{
    for (size_t i = 0; i < b->versions.n; i++)
        if (b->versions.items[i]->version_id == id) {
            *ret_at = i;
            return b->versions.items[i];
        }
    return NULL;
}

static int add_version(ViewBuilder *b, const Json *json, Error *err)
{
    IceViewVersion *v;
    int32_t next = 1;
    bool known = false;

    if (ice_view_version_parse(json, b->arena, &v, err) < 0)
        return -1;
    if (v->schema_id == -1) {
        if (b->last_schema_id < 0)
            return err_set(err, ERR_VALIDATION, "Cannot set last added schema: no schema has been added");
        v->schema_id = b->last_schema_id;
    }
    for (size_t i = 0; i < b->schemas.n; i++)
        known = known || b->schemas.items[i]->schema_id == v->schema_id;
    if (!known)
        return err_set(err, ERR_BAD_REQUEST, "Cannot add version with unknown schema: %d", v->schema_id);
    for (size_t i = 0; i < b->versions.n; i++) {
        if (same_version(b->versions.items[i], v)) {
            b->last_version_id = b->versions.items[i]->version_id;
            return 0;
        }
        next = b->versions.items[i]->version_id >= next ? b->versions.items[i]->version_id + 1 : next;
    }
    v->version_id = next;
    *vec_push(b->arena, &b->versions) = v;
    b->n_added++;
    b->last_version_id = next;
    b->changed = true;
    return 0;
}

static int set_current_version(ViewBuilder *b, int32_t id, Error *err)
{
    size_t at;

    if (id == -1 && b->last_version_id < 0)
        return err_set(err, ERR_VALIDATION, "Cannot set last version id: no current version id has been set");
    id = id == -1 ? b->last_version_id : id;
    if (id == b->m.current_version_id)
        return 0;
    const IceViewVersion *v = find_version(b, id, &at);
    if (!v)
        return err_set(err, ERR_BAD_REQUEST, "Cannot set current version to unknown version: %d", id);
    b->m.current_version_id = id;
    bool is_added = at >= b->versions.n - b->n_added;
    *vec_push(b->arena, &b->log) = (IceViewLogEntry){is_added ? v->timestamp_ms : clock_now_ms(), id};
    b->changed = true;
    return 0;
}

/* ---- the other updates ---- */

static int assign_uuid(ViewBuilder *b, const Json *update, Error *err)
{
    Str uuid;

    if (json_need_string(update, "uuid", &uuid, err) < 0)
        return -1;
    if (b->base && !str_eq_nocase(uuid, b->m.view_uuid))
        return err_set(err, ERR_BAD_REQUEST, "Cannot reassign uuid: the view has %.*s",
                       STR_ARG(b->m.view_uuid));
    return 0;
}

static int upgrade(ViewBuilder *b, const Json *update, Error *err)
{
    int64_t version;

    if (json_need_int(update, "format-version", &version, err) < 0)
        return -1;
    return version == 1 ? 0
                        : err_set(err, ERR_BAD_REQUEST, "Unsupported format version: v%lld (supported: v1)",
                                  (long long)version);
}

static int set_location(ViewBuilder *b, const Json *update, Error *err)
{
    Str location;

    if (json_need_string(update, "location", &location, err) < 0)
        return -1;
    location = ice_location_trim(location);
    if (location.len == 0)
        return err_set(err, ERR_BAD_REQUEST, "location: expected a URI");
    b->changed = b->changed || !str_eq(location, b->m.location);
    b->m.location = location;
    return 0;
}

static IceProperty *find_property(ViewBuilder *b, Str key)
{
    for (size_t i = 0; i < b->properties.n; i++)
        if (str_eq(b->properties.items[i].key, key))
            return &b->properties.items[i];
    return NULL;
}

static int set_properties(ViewBuilder *b, const Json *object, Error *err)
{
    const IceProperty *items;
    size_t n;

    if (ice_properties_parse(object, "updates", b->arena, &items, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        IceProperty *old = find_property(b, items[i].key);
        if (old && str_eq(old->value, items[i].value))
            continue;
        if (!old)
            old = vec_push(b->arena, &b->properties);
        *old = items[i];
        b->changed = true;
    }
    return 0;
}

static int remove_properties(ViewBuilder *b, const Json *update, Error *err)
{
    const Json *array =
        json_get(update, "removals") ? json_get(update, "removals") : json_get(update, "removed");

    if (!json_is(array, JSON_ARRAY))
        return err_set(err, ERR_BAD_REQUEST, "removals: expected an array of property names");
    for (size_t i = 0; i < array->array.n; i++) {
        const Json *key = array->array.items[i];
        IceProperty *old = json_is(key, JSON_STRING) ? find_property(b, key->text) : NULL;
        if (!json_is(key, JSON_STRING))
            return err_set(err, ERR_BAD_REQUEST, "removals: expected property names");
        if (!old)
            continue;
        *old = b->properties.items[--b->properties.n];
        b->changed = true;
    }
    return 0;
}

static int apply_update(ViewBuilder *b, const Json *update, Str action, Error *err)
{
    int64_t id;

    if (str_is(action, "assign-uuid"))
        return assign_uuid(b, update, err);
    if (str_is(action, "upgrade-format-version"))
        return upgrade(b, update, err);
    if (str_is(action, "add-schema"))
        return add_schema(b, json_get(update, "schema"), err);
    if (str_is(action, "set-location"))
        return set_location(b, update, err);
    if (str_is(action, "set-properties"))
        return set_properties(
            b, json_get(update, "updates") ? json_get(update, "updates") : json_get(update, "updated"), err);
    if (str_is(action, "remove-properties"))
        return remove_properties(b, update, err);
    if (str_is(action, "add-view-version"))
        return add_version(b, json_get(update, "view-version"), err);
    if (str_is(action, "set-current-view-version")) {
        if (json_need_int(update, "view-version-id", &id, err) < 0)
            return -1;
        if (id < -1 || id > INT32_MAX)
            return err_set(err, ERR_BAD_REQUEST, "view-version-id: %lld is out of range", (long long)id);
        return set_current_version(b, (int32_t)id, err);
    }
    return err_set(err, ERR_BAD_REQUEST, "Cannot apply unknown update action: %.*s",
                   STR_ARG(str_slice(action, 0, 100)));
}

/* ---- the result ---- */

static bool has_dialect(const IceViewVersion *v, Str dialect)
{
    for (size_t i = 0; i < v->n_representations; i++)
        if (str_eq_nocase(v->representations[i].dialect, dialect))
            return true;
    return false;
}

static Str dialects(const IceViewVersion *v, Arena *arena)
{
    Str text = STR("");

    for (size_t i = 0; i < v->n_representations && i < 20; i++)
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i ? ", " : "",
                            STR_ARG(v->representations[i].dialect));
    return text;
}

/* An engine that replaces a view must not take it from another engine unasked. */
static int check_dialects(const ViewBuilder *b, const IceViewVersion *now, Error *err)
{
    const IceViewVersion *before = b->base ? view_current_version(b->base) : NULL;
    Str allowed = STR("false");

    for (size_t i = 0; i < b->properties.n; i++)
        if (str_is(b->properties.items[i].key, "replace.drop-dialect.allowed"))
            allowed = b->properties.items[i].value;
    if (!before || before->version_id == now->version_id || str_eq_nocase(allowed, STR("true")))
        return 0;
    for (size_t i = 0; i < before->n_representations; i++) {
        Str dialect = before->representations[i].dialect;
        if (dialect.ptr && !has_dialect(now, dialect))
            return err_set(
                err, ERR_VALIDATION,
                "Cannot replace view due to loss of view dialects "
                "(replace.drop-dialect.allowed=false):\nPrevious dialects: [%.*s]\nNew dialects: [%.*s]",
                STR_ARG(dialects(before, b->arena)), STR_ARG(dialects(now, b->arena)));
    }
    return 0;
}

static int history_size(const ViewBuilder *b, size_t *ret, Error *err)
{
    Str text = STR("");
    int64_t size = VIEW_HISTORY_DEFAULT;

    for (size_t i = 0; i < b->properties.n; i++)
        if (str_is(b->properties.items[i].key, "version.history.num-entries"))
            text = b->properties.items[i].value;
    if (text.len > 0 && str_to_i64(text, 1, INT32_MAX, &size, NULL) < 0)
        return err_set(err, ERR_BAD_REQUEST, "version.history.num-entries must be positive but was %.*s",
                       STR_ARG(str_slice(text, 0, 40)));
    *ret = (size_t)size > b->n_added ? (size_t)size : b->n_added;
    return 0;
}

/* Oldest versions go first, the current one never; the log begins after what is gone. */
static void expire_versions(ViewBuilder *b, size_t keep)
{
    size_t drop = b->versions.n > keep ? b->versions.n - keep : 0, kept = 0, at;

    if (drop == 0)
        return;
    for (size_t i = 0; i < b->versions.n; i++) {
        if (drop > 0 && b->versions.items[i]->version_id != b->m.current_version_id)
            drop--;
        else
            b->versions.items[kept++] = b->versions.items[i];
    }
    b->versions.n = kept;
    kept = 0;
    for (size_t i = 0; i < b->log.n; i++) {
        if (find_version(b, b->log.items[i].version_id, &at))
            b->log.items[kept++] = b->log.items[i];
        else
            kept = 0;
    }
    b->log.n = kept;
}

static int finish(ViewBuilder *b, const ViewMetadata **ret, Error *err)
{
    ViewMetadata *view = arena_new_of(b->arena, ViewMetadata);
    size_t at, keep;
    const IceViewVersion *now = find_version(b, b->m.current_version_id, &at);

    if (!now)
        return err_set(err, ERR_BAD_REQUEST, "Cannot create a view without a current version");
    if (check_dialects(b, now, err) < 0 || history_size(b, &keep, err) < 0)
        return -1;
    expire_versions(b, keep);
    ice_properties_sort(b->properties.items, b->properties.n);
    *view = b->m;
    view->versions = b->versions.items, view->n_versions = b->versions.n;
    view->log = b->log.items, view->n_log = b->log.n;
    view->schemas = b->schemas.items, view->n_schemas = b->schemas.n;
    view->properties = b->properties.items, view->n_properties = b->properties.n;
    *ret = view;
    return arena_check(b->arena, err);
}

static void start(ViewBuilder *b, const ViewMetadata *base, Arena *arena)
{
    *b = (ViewBuilder){.base = base, .arena = arena, .last_schema_id = -1, .last_version_id = -1};
    b->m = base ? *base : (ViewMetadata){.format_version = 1, .current_version_id = -1};
    for (size_t i = 0; base && i < base->n_versions; i++)
        *vec_push(arena, &b->versions) = base->versions[i];
    for (size_t i = 0; base && i < base->n_log; i++)
        *vec_push(arena, &b->log) = base->log[i];
    for (size_t i = 0; base && i < base->n_schemas; i++)
        *vec_push(arena, &b->schemas) = base->schemas[i];
    for (size_t i = 0; base && i < base->n_properties; i++)
        *vec_push(arena, &b->properties) = base->properties[i];
}

int view_new(const Json *request, Str location, Arena *arena, const ViewMetadata **ret, Error *err)
{
    char uuid[UUID_TEXT_LEN + 1];
    const Json *version = json_get(request, "view-version");
    JsonMember *members;
    Json *copy = arena_new_of(arena, Json), *minus_one = arena_new_of(arena, Json);
    ViewBuilder b;

    start(&b, NULL, arena);
    uuid4_text(uuid);
    b.m.view_uuid = arena_str(arena, str_of(uuid, UUID_TEXT_LEN));
    b.m.location = ice_location_trim(arena_str(arena, location));
    if (!json_is(version, JSON_OBJECT))
        return err_set(err, ERR_BAD_REQUEST, "\"view-version\" is missing");
    /* The schema-id that was sent is not the one that the schema gets. */
    members = arena_array(arena, JsonMember, version->object.n + 1);
    *minus_one = (Json){.type = JSON_INT, .i64 = -1};
    *copy = (Json){.type = JSON_OBJECT, .object = {members, version->object.n}};
    for (size_t i = 0; i < version->object.n; i++) {
        members[i] = version->object.members[i];
        if (str_is(members[i].key, "schema-id"))
            members[i].value = minus_one;
    }
    if (add_schema(&b, json_get(request, "schema"), err) < 0 ||
        set_properties(&b, json_get(request, "properties"), err) < 0 || add_version(&b, copy, err) < 0 ||
        set_current_version(&b, -1, err) < 0)
        return -1;
    return finish(&b, ret, err);
}

static int check_requirements(const ViewMetadata *base, const Json *requirements, Error *err)
{
    Str type, uuid;

    if (!json_is_null(requirements) && !json_is(requirements, JSON_ARRAY))
        return err_set(err, ERR_BAD_REQUEST, "requirements: expected an array");
    for (size_t i = 0; json_is(requirements, JSON_ARRAY) && i < requirements->array.n; i++) {
        const Json *r = requirements->array.items[i];
        if (json_need_string(r, "type", &type, err) < 0)
            return err_prefix(err, "requirements[%zu]", i);
        if (!str_is(type, "assert-view-uuid"))
            return err_set(err, ERR_BAD_REQUEST, "Cannot check unknown requirement: %.*s",
                           STR_ARG(str_slice(type, 0, 100)));
        if (json_need_string(r, "uuid", &uuid, err) < 0)
            return -1;
        if (!str_eq_nocase(uuid, base->view_uuid))
            return err_set(err, ERR_COMMIT_FAILED,
                           "Requirement failed: view UUID does not match: expected %.*s != %.*s",
                           STR_ARG(base->view_uuid), STR_ARG(str_slice(uuid, 0, 100)));
    }
    return 0;
}

int view_apply(const ViewMetadata *base, const Json *requirements, const Json *updates, Arena *arena,
               const ViewMetadata **ret, Error *err)
{
    ViewBuilder b;
    Str action;

    if (check_requirements(base, requirements, err) < 0)
        return -1;
    if (!json_is_null(updates) && !json_is(updates, JSON_ARRAY))
        return err_set(err, ERR_BAD_REQUEST, "updates: expected an array");
    if (updates && updates->array.n > LIMIT_APPLY_UPDATES)
        return err_set(err, ERR_BAD_REQUEST, "updates: %zu, at most %d are accepted", updates->array.n,
                       LIMIT_APPLY_UPDATES);
    start(&b, base, arena);
    for (size_t i = 0; json_is(updates, JSON_ARRAY) && i < updates->array.n; i++) {
        const Json *update = updates->array.items[i];
        if (json_need_string(update, "action", &action, err) < 0)
            return err_prefix(err, "updates[%zu]", i);
        if (apply_update(&b, update, action, err) < 0 || arena_check(arena, err) < 0)
            return -1;
    }
    if (b.changed)
        return finish(&b, ret, err);
    *ret = base;
    return 0;
}
