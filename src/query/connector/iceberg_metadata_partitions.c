/* iceberg_metadata_partitions.c - "t$partitions": data files summed up by partition. What a minimum is when a
 * file does not say: none. Source: Trino 483. */
#include "base/map.h"
#include "query/connector/iceberg_metadata.h"
#include "query/connector/iceberg_types.h"

typedef struct Metric {
    bool has_bounds; /* a file had other values than NULL */
    bool has_min, has_max, no_nulls, no_nans; /* no_: a file did not say how many */
    IceValue min, max;
    int64_t nulls, nans;
} Metric;

typedef struct Partition {
    Str sql; /* of its values; ptr NULL: the table has none */
    int64_t records, files, bytes;
    Metric *metrics;
} Partition;

typedef struct Partitions {
    MetadataRows *m;
    Map *by_key;
    Vec(Partition *) list;
} Partitions;

/* Which fields the file's spec has is part of the key: no field and a NULL are two partitions. */
static Str key_of(const MetadataRows *m, const IceDataFile *file)
{
    const IcePartitionSpec *spec = metadata_spec(m->table->metadata, file->spec_id);
    _cleanup_buf_ Buf key = BUF_INIT(16 << 20);
    for (size_t i = 0; spec && i < spec->n_fields && i < file->n_partition; i++) {
        const IceValue *v = &file->partition[i];
        Str text = v->is_null ? STR("") : ice_value_to_bytes(v, m->context->arena);
        buf_printf(&key, "%d %d %zu:", spec->fields[i].field_id, v->is_null, text.len);
        buf_add(&key, text);
    }
    return arena_str(m->context->arena, buf_str(&key));
}

/* ---- bounds ---- */

static void lower_to(Metric *metric, bool has, const IceValue *value)
{
    if (!has)
        metric->has_min = false;
    else if (metric->has_min && ice_value_compare(value, &metric->min) < 0)
        metric->min = *value;
}

static void raise_to(Metric *metric, bool has, const IceValue *value)
{
    if (!has)
        metric->has_max = false;
    else if (metric->has_max && ice_value_compare(value, &metric->max) > 0)
        metric->max = *value;
}

static void add_bounds(Metric *metric, const IceValue *lower, const IceValue *upper)
{
    if (!metric->has_bounds) {
        metric->has_bounds = true;
        metric->has_min = lower != NULL;
        metric->has_max = upper != NULL;
        if (lower)
            metric->min = *lower;
        if (upper)
            metric->max = *upper;
        return;
    }
    lower_to(metric, lower != NULL, lower);
    raise_to(metric, upper != NULL, upper);
}

static void add_known(Metric *metric, int64_t nulls, int64_t nans)
{
    metric->no_nulls |= nulls < 0;
    metric->no_nans |= nans < 0;
    metric->nulls += nulls;
    metric->nans += nans;
}

/* A column that the file is partitioned by has that value in every row. */
static const IceValue *identity_value(const MetadataRows *m, const IceDataFile *file, int32_t id)
{
    const IcePartitionSpec *spec = metadata_spec(m->table->metadata, file->spec_id);
    for (size_t i = 0; spec && i < spec->n_fields && i < file->n_partition; i++)
        if (spec->fields[i].source_id == id && spec->fields[i].transform.kind == ICE_TRANSFORM_IDENTITY)
            return &file->partition[i];
    return NULL;
}

static void add_metric(const MetadataRows *m, const MetaColumn *c, const IceDataFile *file, Metric *metric)
{
    const IceColumnMetrics *known = ice_file_column(file, c->id);
    const IceValue *constant = identity_value(m, file, c->id);
    int64_t nans = known ? known->nan_count : -1;
    if (constant) {
        add_known(metric, constant->is_null ? file->record_count : 0, nans);
        if (!constant->is_null)
            add_bounds(metric, constant, constant);
        return;
    }
    int64_t nulls = known ? known->null_count : -1;
    IceValue lower, upper;
    bool has_lower = known && meta_bound(c, known->lower, &lower),
         has_upper = known && meta_bound(c, known->upper, &upper);
    add_known(metric, nulls, nans);
    if (nulls != file->record_count)
        add_bounds(metric, has_lower ? &lower : NULL, has_upper ? &upper : NULL);
}

static int add_file(void *arg, const IceManifestFile *manifest, const IceManifestEntry *entry, Error *err)
{
    Partitions *p = arg;
    MetadataRows *m = p->m;
    Arena *arena = m->context->arena;
    const IceDataFile *file = &entry->file;
    (void)manifest;
    if (file->content != ICE_CONTENT_DATA)
        return 0;
    Str key = key_of(m, file);
    Partition *partition = map_get(p->by_key, key);
    if (!partition) {
        partition = arena_new_of(arena, Partition);
        *partition = (Partition){.metrics = arena_array(arena, Metric, m->shape->n_metrics + 1)};
        memset(partition->metrics, 0, (m->shape->n_metrics + 1) * sizeof *partition->metrics);
        if (m->shape->n_partition)
            partition->sql = meta_partition_sql(m, file);
        map_put(p->by_key, key, partition);
        *vec_push(arena, &p->list) = partition;
    }
    partition->records += file->record_count;
    partition->bytes += file->size_bytes;
    partition->files++;
    for (size_t i = 0; i < m->shape->n_metrics && rows_want(m->rows, 4); i++)
        add_metric(m, &m->shape->metrics[i], file, &partition->metrics[i]);
    return arena_check(arena, err);
}

/* ---- rows ---- */

static void put_count(Buf *out, const char *name, bool unknown, int64_t count)
{
    if (unknown)
        buf_printf(out, ", %s := CAST(NULL AS BIGINT)", name);
    else
        buf_printf(out, ", %s := %lld::BIGINT", name, (long long)count);
}

static void put_metric(const MetaColumn *c, const SqlType *type, const Metric *metric, Buf *out, Arena *arena)
{
    IceValue none = ice_null(c->type->id);
    if (!metric->has_min && !metric->has_max && metric->no_nulls) {
        buf_printf(out, "CAST(NULL AS %.*s)", STR_ARG(sql_type_duckdb(type, arena)));
        return;
    }
    buf_puts(out, "struct_pack(f0 := ");
    ice_put_value(out, metric->has_min ? &metric->min : &none, c->type, c->sql, arena);
    buf_puts(out, ", f1 := ");
    ice_put_value(out, metric->has_max ? &metric->max : &none, c->type, c->sql, arena);
    put_count(out, "f2", metric->no_nulls, metric->nulls);
    put_count(out, "f3", metric->no_nans, metric->nans);
    buf_putc(out, ')');
}

static Str metrics_sql(const MetadataRows *m, const Partition *partition)
{
    Arena *arena = m->context->arena;
    _cleanup_buf_ Buf out = BUF_INIT(16 << 20);
    buf_puts(&out, "struct_pack(");
    for (size_t i = 0; i < m->shape->n_metrics; i++) {
        buf_printf(&out, "%sf%zu := ", i ? ", " : "", i);
        put_metric(&m->shape->metrics[i], m->shape->metrics_type->fields[i].type, &partition->metrics[i],
                   &out, arena);
    }
    buf_putc(&out, ')');
    return arena_str(arena, buf_str(&out));
}

static void add_rows(const Partitions *p)
{
    MetadataRows *m = p->m;
    for (size_t i = 0; i < p->list.n; i++) {
        const Partition *partition = p->list.items[i];
        rows_add(m->rows);
        if (partition->sql.ptr)
            row_sql(m->rows, 0, partition->sql);
        row_int(m->rows, 1, partition->records);
        row_int(m->rows, 2, partition->files);
        row_int(m->rows, 3, partition->bytes);
        if (m->shape->n_metrics && rows_want(m->rows, 4))
            row_sql(m->rows, 4, metrics_sql(m, partition));
    }
}

int meta_fill_partitions(MetadataRows *m, Error *err)
{
    ManifestSource source = catalogs_manifest_source(m->context->catalogs);
    if (!m->table->snapshot)
        return 0;
    Partitions p = {.m = m, .by_key = map_new()};
    int r = snapshot_walk(m->table->metadata, m->table->snapshot, true, &source, m->context->arena, add_file,
                          &p, err);
    map_free(p.by_key);
    if (r)
        return -1;
    add_rows(&p);
    return arena_check(m->context->arena, err);
}
