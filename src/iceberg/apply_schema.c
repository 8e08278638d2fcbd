/* apply_schema.c - updates of schemas, partition specs and sort orders. */
#include "iceberg/apply_internal.h"

const IceSchema *ice_builder_current_schema(const MetadataBuilder *b)
{
    for (size_t i = 0; i < b->schemas.n; i++)
        if (b->schemas.items[i]->schema_id == b->m.current_schema_id)
            return b->schemas.items[i];
    return NULL;
}

/* The schema that new specs and orders are checked against: the current one, or before there is one the last
 * added. */
static const IceSchema *binding_schema(const MetadataBuilder *b, Error *err)
{
    const IceSchema *schema = ice_builder_current_schema(b);

    if (!schema && b->schemas.n > 0)
        schema = b->schemas.items[b->schemas.n - 1];
    if (!schema)
        err_set(err, ERR_BAD_REQUEST, "Cannot add a partition spec or sort order before a schema");
    return schema;
}

/* ---- schemas ---- */

int ice_apply_add_schema(MetadataBuilder *b, const Json *update, Error *err)
{
    IceSchema *schema;
    int64_t last_column_id;
    int32_t next_id = 0;

    if (ice_schema_parse(json_get(update, "schema"), b->arena, &schema, err) < 0 ||
        json_get_int(update, "last-column-id", -1, &last_column_id, err) < 0 ||
        ice_schema_check_version(schema, b->m.format_version, b->arena, err) < 0)
        return -1;
    if (last_column_id > ICE_MAX_FIELD_ID)
        return err_set(err, ERR_BAD_REQUEST, "Invalid last column ID: %lld", (long long)last_column_id);
    int32_t highest = ice_schema_max_id(schema);
    /* Deprecated, and sent without what was deleted: it may only raise. */
    highest = last_column_id > highest ? (int32_t)last_column_id : highest;
    if (highest > b->m.last_column_id) {
        b->m.last_column_id = highest;
        b->changed = true;
    }
    for (size_t i = 0; i < b->schemas.n; i++) {
        const IceSchema *old = b->schemas.items[i];
        if (ice_schema_same(old, schema)) {
            b->last_schema_id = old->schema_id;
            return 0;
        }
        next_id = old->schema_id >= next_id ? old->schema_id + 1 : next_id;
    }
    schema->schema_id = next_id;
    *vec_push(b->arena, &b->schemas) = schema;
    b->last_schema_id = next_id;
    b->changed = true;
    return 0;
}

int ice_apply_set_current_schema(MetadataBuilder *b, const Json *update, Error *err)
{
    int32_t id;

    if (ice_update_need_int32(update, "schema-id", &id, err) < 0)
        return -1;
    if (id == -1 && b->last_schema_id == -1)
        return err_set(err, ERR_VALIDATION, "Cannot set last added schema: no schema has been added");
    id = id == -1 ? b->last_schema_id : id;
    if (id == b->m.current_schema_id)
        return 0;
    bool known = false;
    for (size_t i = 0; i < b->schemas.n; i++)
        known = known || b->schemas.items[i]->schema_id == id;
    if (!known)
        return err_set(err, ERR_BAD_REQUEST, "Cannot set current schema to unknown schema: %d", id);
    b->m.current_schema_id = id;
    b->changed = true;
    return 0;
}

int ice_apply_remove_schemas(MetadataBuilder *b, const Json *update, Error *err)
{
    int64_t *ids;
    size_t n, kept = 0;

    if (ice_update_ids(update, "schema-ids", b->arena, &ids, &n, err) < 0)
        return -1;
    if (ice_has_id(ids, n, b->m.current_schema_id))
        return err_set(err, ERR_BAD_REQUEST, "Cannot remove the current schema");
    for (size_t i = 0; i < b->schemas.n; i++)
        if (!ice_has_id(ids, n, b->schemas.items[i]->schema_id))
            b->schemas.items[kept++] = b->schemas.items[i];
    b->changed = b->changed || kept != b->schemas.n;
    b->schemas.n = kept;
    return 0;
}

/* ---- partition specs ---- */

static bool same_partition_field(const IcePartitionField *a, const IcePartitionField *b)
{
    return a->source_id == b->source_id && ice_transform_equal(&a->transform, &b->transform) &&
           json_is_null(a->source_ids) == json_is_null(b->source_ids) &&
           (!a->source_ids || ice_json_equal(a->source_ids, b->source_ids));
}

static bool same_spec(const IcePartitionSpec *a, const IcePartitionSpec *b)
{
    if (a->n_fields != b->n_fields)
        return false;
    for (size_t i = 0; i < a->n_fields; i++)
        if (!same_partition_field(&a->fields[i], &b->fields[i]) ||
            !str_eq(a->fields[i].name, b->fields[i].name))
            return false;
    return true;
}

/* The id of an equivalent field of any spec ("Partition field IDs must be reused"), or -1. */
static int32_t known_field_id(const MetadataBuilder *b, const IcePartitionField *field)
{
    for (size_t i = 0; i < b->specs.n; i++)
        for (size_t j = 0; j < b->specs.items[i]->n_fields; j++)
            if (same_partition_field(&b->specs.items[i]->fields[j], field))
                return b->specs.items[i]->fields[j].field_id;
    return -1;
}

static bool uses_field_id(const IcePartitionField *fields, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i].field_id == id)
            return true;
    return false;
}

static int assign_field_ids(MetadataBuilder *b, IcePartitionSpec *spec, Error *err)
{
    IcePartitionField *fields = arena_array(b->arena, IcePartitionField, spec->n_fields + 1);
    int32_t last = b->m.last_partition_id;

    if (spec->n_fields > 0)
        memcpy(fields, spec->fields, spec->n_fields * sizeof *fields);
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (fields[i].field_id >= 0 && fields[i].field_id < ICE_FIRST_PARTITION_ID)
            return err_set(err, ERR_BAD_REQUEST, "Invalid partition field id %d: below %d",
                           fields[i].field_id, ICE_FIRST_PARTITION_ID);
        last = fields[i].field_id > last ? fields[i].field_id : last;
    }
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (fields[i].field_id >= 0)
            continue;
        int32_t id = known_field_id(b, &fields[i]);
        if (id < 0 || uses_field_id(fields, spec->n_fields, id)) {
            if (last == INT32_MAX)
                return err_set(err, ERR_BAD_REQUEST, "No partition field id is left");
            id = ++last;
        }
        fields[i].field_id = id;
    }
    spec->fields = fields;
    for (size_t i = 0; b->m.format_version == 1 && i < spec->n_fields; i++)
        if (fields[i].field_id != ICE_FIRST_PARTITION_ID + (int32_t)i)
            return err_set(err, ERR_VALIDATION, "Spec does not use sequential IDs that are required in v1");
    b->m.last_partition_id = last;
    return 0;
}

int ice_apply_add_spec(MetadataBuilder *b, const Json *update, Error *err)
{
    const IceSchema *schema = binding_schema(b, err);
    IcePartitionSpec *spec;
    int32_t next_id = 0;

    if (!schema || ice_spec_parse(json_get(update, "spec"), b->arena, &spec, err) < 0)
        return -1;
    for (size_t i = 0; i < b->specs.n; i++) {
        const IcePartitionSpec *old = b->specs.items[i];
        if (same_spec(old, spec)) {
            b->last_spec_id = old->spec_id;
            return 0;
        }
        next_id = old->spec_id >= next_id ? old->spec_id + 1 : next_id;
    }
    if (ice_spec_check_new(spec, schema, b->arena, err) < 0 || assign_field_ids(b, spec, err) < 0)
        return -1;
    spec->spec_id = next_id;
    *vec_push(b->arena, &b->specs) = spec;
    b->last_spec_id = next_id;
    b->changed = true;
    return 0;
}

int ice_apply_set_default_spec(MetadataBuilder *b, const Json *update, Error *err)
{
    int32_t id;

    if (ice_update_need_int32(update, "spec-id", &id, err) < 0)
        return -1;
    if (id == -1 && b->last_spec_id == -1)
        return err_set(err, ERR_VALIDATION, "Cannot set last added spec: no spec has been added");
    id = id == -1 ? b->last_spec_id : id;
    if (id == b->m.default_spec_id)
        return 0;
    bool known = false;
    for (size_t i = 0; i < b->specs.n; i++)
        known = known || b->specs.items[i]->spec_id == id;
    if (!known)
        return err_set(err, ERR_BAD_REQUEST, "Cannot set default partition spec to unknown spec: %d", id);
    b->m.default_spec_id = id;
    b->changed = true;
    return 0;
}

int ice_apply_remove_specs(MetadataBuilder *b, const Json *update, Error *err)
{
    int64_t *ids;
    size_t n, kept = 0;

    if (ice_update_ids(update, "spec-ids", b->arena, &ids, &n, err) < 0)
        return -1;
    if (ice_has_id(ids, n, b->m.default_spec_id))
        return err_set(err, ERR_BAD_REQUEST, "Cannot remove the default partition spec");
    for (size_t i = 0; i < b->specs.n; i++)
        if (!ice_has_id(ids, n, b->specs.items[i]->spec_id))
            b->specs.items[kept++] = b->specs.items[i];
    b->changed = b->changed || kept != b->specs.n;
    b->specs.n = kept;
    return 0;
}

/* ---- sort orders ---- */

static bool same_order(const IceSortOrder *a, const IceSortOrder *b)
{
    if (a->n_fields != b->n_fields)
        return false;
    for (size_t i = 0; i < a->n_fields; i++) {
        const IceSortField *x = &a->fields[i], *y = &b->fields[i];
        if (x->source_id != y->source_id || x->descending != y->descending ||
            x->nulls_last != y->nulls_last || !ice_transform_equal(&x->transform, &y->transform))
            return false;
    }
    return true;
}

int ice_apply_add_sort_order(MetadataBuilder *b, const Json *update, Error *err)
{
    const IceSchema *schema = binding_schema(b, err);
    IceSortOrder *order;
    int32_t next_id = 1;

    if (!schema || ice_sort_order_parse(json_get(update, "sort-order"), b->arena, &order, err) < 0)
        return -1;
    if (order->n_fields == 0 && order->order_id != 0)
        return err_set(err, ERR_BAD_REQUEST, "Unsorted order ID must be 0");
    if (order->n_fields > 0 && order->order_id == 0)
        return err_set(err, ERR_BAD_REQUEST, "Sort order ID 0 is reserved for unsorted order");
    for (size_t i = 0; i < b->sort_orders.n; i++) {
        const IceSortOrder *old = b->sort_orders.items[i];
        if (same_order(old, order)) {
            b->last_order_id = old->order_id;
            return 0;
        }
        next_id = old->order_id >= next_id ? old->order_id + 1 : next_id;
    }
    if (ice_sort_order_check(order, schema, b->arena, err) < 0)
        return -1;
    order->order_id = order->n_fields == 0 ? 0 : next_id;
    *vec_push(b->arena, &b->sort_orders) = order;
    b->last_order_id = order->order_id;
    b->changed = true;
    return 0;
}

int ice_apply_set_default_sort_order(MetadataBuilder *b, const Json *update, Error *err)
{
    int32_t id;

    if (ice_update_need_int32(update, "sort-order-id", &id, err) < 0)
        return -1;
    if (id == -1 && b->last_order_id == -1)
        return err_set(err, ERR_VALIDATION, "Cannot set last added sort order: no sort order has been added");
    id = id == -1 ? b->last_order_id : id;
    if (id == b->m.default_sort_order_id)
        return 0;
    bool known = false;
    for (size_t i = 0; i < b->sort_orders.n; i++)
        known = known || b->sort_orders.items[i]->order_id == id;
    if (!known)
        return err_set(err, ERR_BAD_REQUEST, "Cannot set default sort order to unknown sort order: %d", id);
    b->m.default_sort_order_id = id;
    b->changed = true;
    return 0;
}
