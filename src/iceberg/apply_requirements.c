/* apply_requirements.c - what a commit's client says must still hold.
 * Source: REST spec "TableRequirement"; the texts are those of the Java reference (UpdateRequirement). */
#include "iceberg/metadata_internal.h"

#define FAILED(err, format, ...)                                                                             \
    err_set((err), ERR_COMMIT_FAILED, "Requirement failed: " format, ##__VA_ARGS__)

static int check_create(const TableMetadata *base, const Json *r, Error *err)
{
    return base ? FAILED(err, "table already exists") : 0;
}

static int check_uuid(const TableMetadata *base, const Json *r, Error *err)
{
    Str uuid;

    if (json_need_string(r, "uuid", &uuid, err) < 0)
        return -1;
    if (!str_eq_nocase(uuid, base->table_uuid))
        return FAILED(err, "UUID does not match: expected %.*s != %.*s", STR_ARG(base->table_uuid),
                      STR_ARG(str_slice(uuid, 0, 100)));
    return 0;
}

static int check_ref(const TableMetadata *base, const Json *r, Error *err)
{
    Str name;
    int64_t id;

    if (json_need_string(r, "ref", &name, err) < 0 || json_get_int(r, "snapshot-id", -1, &id, err) < 0)
        return -1;
    bool must_be_absent = json_is_null(json_get(r, "snapshot-id"));
    const IceRef *ref = metadata_ref(base, name);
    Str shown = str_slice(name, 0, 200);
    if (ref && must_be_absent)
        return FAILED(err, "%s %.*s was created concurrently", ref->is_tag ? "tag" : "branch",
                      STR_ARG(shown));
    if (ref && ref->snapshot_id != id)
        return FAILED(err, "%s %.*s has changed: expected id %lld != %lld", ref->is_tag ? "tag" : "branch",
                      STR_ARG(shown), (long long)id, (long long)ref->snapshot_id);
    if (!ref && !must_be_absent)
        return FAILED(err, "branch or tag %.*s is missing, expected %lld", STR_ARG(shown), (long long)id);
    return 0;
}

static int check_id(const Json *r, const char *key, const char *what, int64_t actual, Error *err)
{
    int64_t expected;

    if (json_need_int(r, key, &expected, err) < 0)
        return -1;
    if (expected != actual)
        return FAILED(err, "%s changed: expected id %lld != %lld", what, (long long)expected,
                      (long long)actual);
    return 0;
}

static int check_field_id(const TableMetadata *base, const Json *r, Error *err)
{
    return check_id(r, "last-assigned-field-id", "last assigned field id", base->last_column_id, err);
}

static int check_schema_id(const TableMetadata *base, const Json *r, Error *err)
{
    return check_id(r, "current-schema-id", "current schema", base->current_schema_id, err);
}

static int check_partition_id(const TableMetadata *base, const Json *r, Error *err)
{
    return check_id(r, "last-assigned-partition-id", "last assigned partition id", base->last_partition_id,
                    err);
}

static int check_spec_id(const TableMetadata *base, const Json *r, Error *err)
{
    return check_id(r, "default-spec-id", "default partition spec", base->default_spec_id, err);
}

static int check_order_id(const TableMetadata *base, const Json *r, Error *err)
{
    return check_id(r, "default-sort-order-id", "default sort order", base->default_sort_order_id, err);
}

static const struct {
    const char *type;
    int (*check)(const TableMetadata *base, const Json *requirement, Error *err);
} requirement_types[] = {
    {"assert-create", check_create},
    {"assert-table-uuid", check_uuid},
    {"assert-ref-snapshot-id", check_ref},
    {"assert-last-assigned-field-id", check_field_id},
    {"assert-current-schema-id", check_schema_id},
    {"assert-last-assigned-partition-id", check_partition_id},
    {"assert-default-spec-id", check_spec_id},
    {"assert-default-sort-order-id", check_order_id},
};

bool metadata_is_create(const Json *requirements)
{
    for (size_t i = 0; json_is(requirements, JSON_ARRAY) && i < requirements->array.n; i++) {
        const Json *type = json_get(requirements->array.items[i], "type");
        if (json_is(type, JSON_STRING) && str_is(type->text, "assert-create"))
            return true;
    }
    return false;
}

/* What is wrong in itself comes before what does not hold: a request that can never succeed is no conflict.
 */
static int check_known(const Json *requirements, Error *err)
{
    bool is_create = metadata_is_create(requirements);
    Str type;

    for (size_t i = 0; i < requirements->array.n; i++) {
        bool known = false;
        if (json_need_string(requirements->array.items[i], "type", &type, err) < 0)
            return err_prefix(err, "requirements[%zu]", i);
        for (size_t j = 0; j < sizeof requirement_types / sizeof *requirement_types; j++)
            known = known || str_is(type, requirement_types[j].type);
        if (!known)
            return err_set(err, ERR_BAD_REQUEST, "Cannot check unknown requirement: %.*s",
                           STR_ARG(str_slice(type, 0, 100)));
        if (is_create && !str_is(type, "assert-create"))
            return err_set(err, ERR_BAD_REQUEST, "Invalid create requirements: %.*s beside assert-create",
                           STR_ARG(type));
    }
    return 0;
}

int metadata_check_requirements(const TableMetadata *base, const Json *requirements, Error *err)
{
    if (json_is_null(requirements))
        return 0;
    if (!json_is(requirements, JSON_ARRAY))
        return err_set(err, ERR_BAD_REQUEST, "requirements: expected an array");
    if (requirements->array.n > LIMIT_APPLY_UPDATES)
        return err_set(err, ERR_BAD_REQUEST, "requirements: %zu, at most %d are accepted",
                       requirements->array.n, LIMIT_APPLY_UPDATES);
    if (check_known(requirements, err) < 0)
        return -1;
    for (size_t i = 0; i < requirements->array.n; i++) {
        const Json *r = requirements->array.items[i];
        Str type = json_get(r, "type")->text;
        for (size_t j = 0; j < sizeof requirement_types / sizeof *requirement_types; j++) {
            if (!str_is(type, requirement_types[j].type))
                continue;
            if (!base && j > 0)
                return FAILED(err, "the table does not exist");
            if (requirement_types[j].check(base, r, err) < 0)
                return -1;
        }
    }
    return 0;
}
