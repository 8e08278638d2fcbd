/* iceberg_metadata_shape.c - the columns of metadata tables that depend on the table. */
#include "query/connector/iceberg_metadata.h"
#include "query/connector/iceberg_types.h"

/* ---- partition fields ---- */

typedef Vec(MetaPartitionField) PartitionFields;

static bool has_field(const PartitionFields *fields, int32_t id)
{
    for (size_t i = 0; i < fields->n; i++)
        if (fields->items[i].field_id == id)
            return true;
    return false;
}

static int add_spec(const IcebergTable *t, const IcePartitionSpec *spec, PartitionFields *fields,
                    Arena *arena, Error *err)
{
    const IceSchema *schema = metadata_current_schema(t->metadata);
    for (size_t i = 0; i < spec->n_fields; i++) {
        const IcePartitionField *f = &spec->fields[i];
        const IceField *source = ice_schema_find(schema, f->source_id);
        if (!source || has_field(fields, f->field_id))
            continue;
        const IceType *type = ice_transform_result(&f->transform, source->type, arena);
        if (!type)
            continue; /* a transform that we do not know */
        MetaPartitionField made = {.field_id = f->field_id, .name = f->name, .type = type};
        if (ice_to_sql_type(type, arena, &made.sql, err))
            return -1;
        *vec_push(arena, fields) = made;
    }
    return 0;
}

static int shape_partition(const IcebergTable *t, MetaShape *shape, Arena *arena, Error *err)
{
    PartitionFields fields = {0};
    for (size_t i = 0; i < t->metadata->n_specs; i++)
        if (add_spec(t, t->metadata->specs[i], &fields, arena, err))
            return -1;
    RowField *row = arena_array(arena, RowField, fields.n + 1);
    for (size_t i = 0; i < fields.n; i++)
        row[i] = (RowField){fields.items[i].name, fields.items[i].sql};
    shape->partition = fields.items;
    shape->n_partition = fields.n;
    shape->partition_type = fields.n ? sql_type_row(arena, row, fields.n) : NULL;
    return 0;
}

/* ---- columns ---- */

typedef Vec(MetaColumn) Columns;

static void add_columns(const IceField *fields, size_t n, Str prefix, Columns *columns, Arena *arena)
{
    for (size_t i = 0; i < n; i++) {
        const IceField *f = &fields[i];
        Str path = prefix.len ? arena_printf(arena, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(f->name)) : f->name;
        MetaColumn made = {.id = f->id, .path = path, .type = f->type, .is_top = !prefix.len};
        if (!ice_type_is_primitive(f->type))
            add_columns(f->type->fields, f->type->n_fields, path, columns, arena);
        else if (!ice_to_sql_type(f->type, arena, &made.sql, NULL))
            *vec_push(arena, columns) = made;
    }
}

static void shape_bounds(MetaShape *shape, Arena *arena)
{
    RowField *row = arena_array(arena, RowField, shape->n_columns + 1);
    for (size_t i = 0; i < shape->n_columns; i++)
        row[i] = (RowField){arena_printf(arena, "%d", shape->columns[i].id), shape->columns[i].sql};
    shape->bounds_type = shape->n_columns ? sql_type_row(arena, row, shape->n_columns) : NULL;
}

static bool is_identity_source(const IcePartitionSpec *spec, int32_t id)
{
    for (size_t i = 0; spec && i < spec->n_fields; i++)
        if (spec->fields[i].source_id == id && spec->fields[i].transform.kind == ICE_TRANSFORM_IDENTITY)
            return true;
    return false;
}

static const SqlType *metric_type(const SqlType *value, Arena *arena)
{
    RowField *row = arena_array(arena, RowField, 4);
    row[0] = (RowField){STR("min"), value};
    row[1] = (RowField){STR("max"), value};
    row[2] = (RowField){STR("null_count"), &TYPE_BIGINT_};
    row[3] = (RowField){STR("nan_count"), &TYPE_BIGINT_};
    return sql_type_row(arena, row, 4);
}

static void shape_metrics(const IcebergTable *t, MetaShape *shape, Arena *arena)
{
    const IcePartitionSpec *spec = metadata_default_spec(t->metadata);
    MetaColumn *metrics = arena_array(arena, MetaColumn, shape->n_columns + 1);
    RowField *row = arena_array(arena, RowField, shape->n_columns + 1);
    size_t n = 0;
    for (size_t i = 0; i < shape->n_columns; i++) {
        const MetaColumn *c = &shape->columns[i];
        if (!c->is_top || is_identity_source(spec, c->id))
            continue;
        row[n] = (RowField){c->path, metric_type(c->sql, arena)};
        metrics[n++] = *c;
    }
    shape->metrics = metrics;
    shape->n_metrics = n;
    shape->metrics_type = n ? sql_type_row(arena, row, n) : NULL;
}

int meta_shape(const IcebergTable *table, Arena *arena, const MetaShape **ret, Error *err)
{
    const IceSchema *schema = metadata_current_schema(table->metadata);
    MetaShape *shape = arena_new_of(arena, MetaShape);
    Columns columns = {0};
    *shape = (MetaShape){0};
    add_columns(schema->fields, schema->n_fields, STR(""), &columns, arena);
    shape->columns = columns.items;
    shape->n_columns = columns.n;
    shape_bounds(shape, arena);
    shape_metrics(table, shape, arena);
    if (shape_partition(table, shape, arena, err))
        return -1;
    *ret = shape;
    return arena_check(arena, err);
}

/* ---- values ---- */

const IceValue *meta_partition_value(const TableMetadata *table, const IceDataFile *file, int32_t field_id)
{
    const IcePartitionSpec *spec = metadata_spec(table, file->spec_id);
    for (size_t i = 0; spec && i < spec->n_fields && i < file->n_partition; i++)
        if (spec->fields[i].field_id == field_id)
            return &file->partition[i];
    return NULL;
}

Str meta_partition_sql(const MetadataRows *m, const IceDataFile *file)
{
    Arena *arena = m->context->arena;
    _cleanup_buf_ Buf out = BUF_INIT(16 << 20);
    buf_puts(&out, "struct_pack(");
    for (size_t i = 0; i < m->shape->n_partition; i++) {
        const MetaPartitionField *f = &m->shape->partition[i];
        const IceValue *value = meta_partition_value(m->table->metadata, file, f->field_id);
        IceValue none = ice_null(f->type->id);
        buf_printf(&out, "%sf%zu := ", i ? ", " : "", i);
        ice_put_value(&out, value ? value : &none, f->type, f->sql, arena);
    }
    buf_putc(&out, ')');
    return arena_str(arena, buf_str(&out));
}

bool meta_bound(const MetaColumn *column, Str bytes, IceValue *ret)
{
    return bytes.ptr && !ice_value_from_bytes(column->type, bytes, ret, NULL);
}
