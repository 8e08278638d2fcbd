/* iceberg_replace.c - CREATE OR REPLACE TABLE: the new definition as updates of the table that is there. Its
 * uuid, snapshots and log go on; main begins anew. One commit with the snapshot of the new rows. Source: the
 * Java library's TableMetadata.buildReplacement. */
#include "query/connector/iceberg_ddl.h"
#include "query/connector/table_updates.h"

enum { UPDATE_BYTES_MAX = 64 << 20 };

/* ---- ids ---- */

typedef struct Ids {
    Arena *arena;
    int32_t last;
} Ids;

static void reuse(Ids *ids, const IceField *before, size_t n_before, IceField *fields, size_t n);

static const IceType *reuse_in_type(Ids *ids, const IceType *before, const IceType *type)
{
    if (ice_type_is_primitive(type) || !type->n_fields)
        return type;
    IceType *copy = arena_new_of(ids->arena, IceType);
    IceField *fields = arena_array(ids->arena, IceField, type->n_fields);
    memcpy(fields, type->fields, type->n_fields * sizeof *fields);
    *copy = *type;
    copy->fields = fields;
    bool same_kind = before && before->id == type->id;
    reuse(ids, same_kind ? before->fields : NULL, same_kind ? before->n_fields : 0, fields, type->n_fields);
    return copy;
}

/* The ids of one level before those of the next, as the library gives them out. */
static void reuse(Ids *ids, const IceField *before, size_t n_before, IceField *fields, size_t n)
{
    const IceField **old = arena_array(ids->arena, const IceField *, n + 1);
    for (size_t i = 0; i < n; i++) {
        old[i] = NULL;
        for (size_t k = 0; k < n_before && !old[i]; k++)
            if (str_eq(before[k].name, fields[i].name))
                old[i] = &before[k];
        fields[i].id = old[i] ? old[i]->id : ++ids->last;
    }
    for (size_t i = 0; i < n; i++)
        fields[i].type = reuse_in_type(ids, old[i] ? old[i]->type : NULL, fields[i].type);
}

void ddl_reuse_ids(const TableMetadata *base, IceSchema *schema, Arena *arena, int32_t *ret_last_column_id)
{
    const IceSchema *before = metadata_current_schema(base);
    Ids ids = {arena, base->last_column_id};
    reuse(&ids, before->fields, before->n_fields, (IceField *)schema->fields, schema->n_fields);
    *ret_last_column_id = ids.last;
}

/* ---- updates ---- */

static void put_spec(TableUpdates *u, const TableMetadata *base, const NewTableParts *parts)
{
    IcePartitionSpec spec = parts->spec ? *parts->spec : (IcePartitionSpec){0};
    ddl_keep_known_fields(base, &spec);
    JsonWriter w = updates_begin(u, "add-spec");
    json_key(&w, "spec");
    ice_spec_write(&w, &spec);
    updates_end(u, &w);
    updates_int(u, "set-default-spec", "spec-id", -1);
}

static void put_order(TableUpdates *u, const TableMetadata *base, const NewTableParts *parts)
{
    IceSortOrder order = parts->order ? *parts->order : (IceSortOrder){0};
    for (size_t i = 0; order.n_fields && i < base->n_sort_orders; i++)
        if (base->sort_orders[i]->order_id >= order.order_id)
            order.order_id = base->sort_orders[i]->order_id + 1;
    JsonWriter w = updates_begin(u, "add-sort-order");
    json_key(&w, "sort-order");
    ice_sort_order_write(&w, &order);
    updates_end(u, &w);
    updates_int(u, "set-default-sort-order", "sort-order-id", -1);
}

static void put_properties(TableUpdates *u, const NewTableParts *parts)
{
    JsonWriter w = updates_begin(u, "set-properties");
    json_key(&w, "updates");
    json_object(&w);
    for (size_t i = 0; i < parts->n_properties; i++) {
        if (str_is(parts->properties[i].key, "format-version"))
            continue;
        json_key_str(&w, parts->properties[i].key);
        json_str(&w, parts->properties[i].value);
    }
    json_end_object(&w);
    updates_end(u, &w);
}

int ddl_replacement(StatementContext *context, const DdlName *name, const TableMetadata *base,
                    const NewTableParts *parts, CommitTarget *ret, const TableMetadata **ret_staged,
                    Error *err)
{
    TableUpdates *u = arena_new_of(context->arena, TableUpdates);
    *u = (TableUpdates){.buf = BUF_INIT(UPDATE_BYTES_MAX), .arena = context->arena};
    if (parts->version > base->format_version)
        updates_int(u, "upgrade-format-version", "format-version", parts->version);
    JsonWriter w = updates_begin(u, "remove-snapshot-ref");
    json_kv_cstr(&w, "ref-name", "main");
    updates_end(u, &w);
    w = updates_begin(u, "add-schema");
    json_key(&w, "schema");
    ice_schema_write(&w, parts->schema);
    json_kv_int(&w, "last-column-id", parts->last_column_id);
    updates_end(u, &w);
    updates_int(u, "set-current-schema", "schema-id", -1);
    put_spec(u, base, parts);
    put_order(u, base, parts);
    put_properties(u, parts);
    int r = buf_check(&u->buf, err);
    buf_free(&u->buf);
    *ret = (CommitTarget){.namespace_ = name->namespace_,
                          .name = name->table,
                          .base = base,
                          .create_updates = u->items.items,
                          .n_create_updates = u->items.n,
                          .replaces = true,
                          .operation = ICE_APPEND};
    return r || iceberg_replaced(ret, base, context->arena, ret_staged, err) ? -1 : 0;
}
