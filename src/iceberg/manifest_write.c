/* manifest_write.c - manifests, written. */
#include <assert.h>
#include <stdlib.h>

#include "base/rng.h"
#include "iceberg/manifest_internal.h"

/* What the manifest list says of a partition field. */
typedef struct Summary {
    bool has_bounds, contains_null, contains_nan;
    IceValue lower, upper;
} Summary;

struct ManifestWriter {
    IceManifestHeader header;
    Arena *arena;
    Buf out;
    AvroWriter *avro; /* NULL until the first entry, and after the end */
    Summary *summaries;
    IceManifestFile line;
};

static void free_writer(void *arg)
{
    ManifestWriter *w = arg;

    avro_writer_free(w->avro);
    buf_free(&w->out);
}

ManifestWriter *manifest_writer_new(const IceManifestHeader *header, size_t max_bytes, Arena *arena)
{
    ManifestWriter *w = arena_new_of(arena, ManifestWriter);

    w->header = *header;
    w->arena = arena;
    w->out = BUF_INIT(max_bytes);
    w->summaries = arena_array(arena, Summary, header->types->spec->n_fields);
    w->line = (IceManifestFile){ .spec_id = header->types->spec->spec_id,
                                 .content = header->content,
                                 .sequence_number = -1,
                                 .min_sequence_number = INT64_MAX,
                                 .added_snapshot_id = header->snapshot_id,
                                 .first_row_id = -1 };
    arena_on_free(arena, free_writer, w);
    return w;
}

static Str json_text(Arena *arena, const IceManifestHeader *header, bool of_spec)
{
    _cleanup_buf_ Buf out = BUF_INIT(AVRO_MAX_SCHEMA_BYTES);
    JsonWriter w = JSON_WRITER(&out);

    if (of_spec)
        ice_spec_write_fields(&w, header->types->spec);
    else
        ice_schema_write(&w, header->schema);
    return arena_str(arena, buf_str(&out));
}

static int start(ManifestWriter *w, Error *err)
{
    const IceManifestHeader *h = &w->header;
    Str schema;
    uint8_t sync[16];

    if (h->format_version < 2 || h->format_version > 3)
        return err_set(err, ERR_NOT_SUPPORTED, "tables of format version %d are not written",
                       h->format_version);
    if (manifest_entry_schema(h->format_version, h->types, w->arena, &schema, err) < 0)
        return -1;
    AvroPair pairs[] = {
        { STR("schema"), json_text(w->arena, h, false) },
        { STR("schema-id"), arena_printf(w->arena, "%d", h->schema->schema_id) },
        { STR("partition-spec"), json_text(w->arena, h, true) },
        { STR("partition-spec-id"), arena_printf(w->arena, "%d", h->types->spec->spec_id) },
        { STR("format-version"), arena_printf(w->arena, "%d", h->format_version) },
        { STR("content"), h->content == ICE_MANIFEST_DATA ? STR("data") : STR("deletes") },
    };
    rng_bytes(sync, sizeof sync);
    w->avro =
        avro_writer_new(&w->out, schema, pairs, sizeof pairs / sizeof pairs[0], AVRO_CODEC_DEFLATE, sync);
    return 0;
}

/* --- data files --- */

typedef int64_t (*CountOf)(const IceColumnMetrics *column);

static int64_t size_of(const IceColumnMetrics *c) { return c->size_bytes; }
static int64_t values_of(const IceColumnMetrics *c) { return c->value_count; }
static int64_t nulls_of(const IceColumnMetrics *c) { return c->null_count; }
static int64_t nans_of(const IceColumnMetrics *c) { return c->nan_count; }

static void put_counts(Buf *out, const IceDataFile *file, CountOf count_of)
{
    size_t n = 0;

    for (size_t i = 0; i < file->n_columns; i++)
        n += count_of(&file->columns[i]) >= 0;
    avro_put_long(out, n > 0 ? 1 : 0);
    if (n == 0)
        return;
    avro_put_long(out, (int64_t)n);
    for (size_t i = 0; i < file->n_columns; i++) {
        if (count_of(&file->columns[i]) < 0)
            continue;
        avro_put_long(out, file->columns[i].field_id);
        avro_put_long(out, count_of(&file->columns[i]));
    }
    avro_put_long(out, 0);
}

static void put_bounds(Buf *out, const IceDataFile *file, bool is_upper)
{
    size_t n = 0;

    for (size_t i = 0; i < file->n_columns; i++)
        n += (is_upper ? file->columns[i].upper.ptr : file->columns[i].lower.ptr) != NULL;
    avro_put_long(out, n > 0 ? 1 : 0);
    if (n == 0)
        return;
    avro_put_long(out, (int64_t)n);
    for (size_t i = 0; i < file->n_columns; i++) {
        Str bound = is_upper ? file->columns[i].upper : file->columns[i].lower;
        if (!bound.ptr)
            continue;
        avro_put_long(out, file->columns[i].field_id);
        avro_put_bytes(out, bound);
    }
    avro_put_long(out, 0);
}

static void put_lists(Buf *out, const IceDataFile *file)
{
    avro_put_long(out, file->n_split_offsets > 0 ? 1 : 0);
    if (file->n_split_offsets > 0) {
        avro_put_long(out, (int64_t)file->n_split_offsets);
        for (size_t i = 0; i < file->n_split_offsets; i++)
            avro_put_long(out, file->split_offsets[i]);
        avro_put_long(out, 0);
    }
    avro_put_long(out, file->n_equality_ids > 0 ? 1 : 0);
    if (file->n_equality_ids > 0) {
        avro_put_long(out, (int64_t)file->n_equality_ids);
        for (size_t i = 0; i < file->n_equality_ids; i++)
            avro_put_long(out, file->equality_ids[i]);
        avro_put_long(out, 0);
    }
}

/* The order is that of manifest_entry_schema(). */
static void put_data_file(Buf *out, const IceManifestHeader *header, const IceDataFile *file)
{
    avro_put_long(out, file->content);
    avro_put_bytes(out, file->path);
    avro_put_bytes(out, file->format);
    for (size_t i = 0; i < file->n_partition; i++)
        manifest_put_value(out, header->types->types[i], &file->partition[i]);
    avro_put_long(out, file->record_count);
    avro_put_long(out, file->size_bytes);
    put_counts(out, file, size_of);
    put_counts(out, file, values_of);
    put_counts(out, file, nulls_of);
    put_counts(out, file, nans_of);
    put_bounds(out, file, false);
    put_bounds(out, file, true);
    manifest_put_optional_bytes(out, file->key_metadata);
    put_lists(out, file);
    manifest_put_optional_long(out, file->sort_order_id);
    if (header->format_version >= 3)
        manifest_put_optional_long(out, file->first_row_id);
    manifest_put_optional_bytes(out, file->referenced_data_file);
    if (header->format_version >= 3) {
        manifest_put_optional_long(out, file->content_offset);
        manifest_put_optional_long(out, file->content_size_bytes);
    }
}

/* --- the line for the manifest list --- */

static void summarize(ManifestWriter *w, const IceDataFile *file)
{
    for (size_t i = 0; i < file->n_partition; i++) {
        const IceValue *value = &file->partition[i];
        Summary *s = &w->summaries[i];
        if (value->is_null) {
            s->contains_null = true;
        } else if (ice_value_is_nan(value)) {
            s->contains_nan = true;
        } else {
            if (!s->has_bounds || ice_value_compare(value, &s->lower) < 0)
                s->lower = *value;
            if (!s->has_bounds || ice_value_compare(value, &s->upper) > 0)
                s->upper = *value;
            s->has_bounds = true;
        }
    }
}

static void count(ManifestWriter *w, const IceManifestEntry *entry)
{
    IceManifestFile *line = &w->line;
    int64_t rows = entry->file.record_count;

    if (entry->status == ICE_ADDED) {
        line->added_files++;
        line->added_rows += rows;
    } else if (entry->status == ICE_EXISTING) {
        line->existing_files++;
        line->existing_rows += rows;
    } else {
        line->deleted_files++;
        line->deleted_rows += rows;
    }
    /* new entries have the sequence number of the snapshot, which is larger than all others: -1 stands for
     * it */
    if (entry->status != ICE_DELETED && entry->sequence_number >= 0 &&
        entry->sequence_number < line->min_sequence_number)
        line->min_sequence_number = entry->sequence_number;
}

static int check_entry(const ManifestWriter *w, const IceManifestEntry *entry, Error *err)
{
    const IceDataFile *file = &entry->file;
    const IceManifestHeader *h = &w->header;

    assert(entry->status == ICE_ADDED || (entry->sequence_number >= 0 && entry->snapshot_id >= 0));
    assert((file->content == ICE_CONTENT_DATA) == (h->content == ICE_MANIFEST_DATA));
    if (file->n_partition != h->types->spec->n_fields)
        return err_set(err, ERR_ICEBERG_INVALID_PARTITION_VALUE,
                       "file %.*s has %zu partition values, its spec %d has %zu", STR_ARG(file->path),
                       file->n_partition, h->types->spec->spec_id, h->types->spec->n_fields);
    for (size_t i = 0; i < file->n_partition; i++)
        if (!file->partition[i].is_null && file->partition[i].type != h->types->types[i]->id)
            return err_set(err, ERR_ICEBERG_INVALID_PARTITION_VALUE,
                           "file %.*s: partition value %.*s is of another type", STR_ARG(file->path),
                           STR_ARG(h->types->spec->fields[i].name));
    if (ice_file_is_dv(file) && h->format_version < 3)
        return err_set(err, ERR_NOT_SUPPORTED, "deletion vectors need a table of format version 3");
    return 0;
}

int manifest_writer_add(ManifestWriter *w, const IceManifestEntry *entry, Error *err)
{
    if (check_entry(w, entry, err) < 0 || (!w->avro && start(w, err) < 0))
        return -1;
    bool is_new = entry->status == ICE_ADDED;
    Buf *out = avro_writer_record(w->avro);
    avro_put_long(out, entry->status);
    manifest_put_optional_long(out, is_new && entry->snapshot_id < 0 ? w->header.snapshot_id
                                                                     : entry->snapshot_id);
    manifest_put_optional_long(out, entry->sequence_number);
    manifest_put_optional_long(out, entry->file_sequence_number);
    put_data_file(out, &w->header, &entry->file);
    avro_writer_end_record(w->avro);
    summarize(w, &entry->file);
    count(w, entry);
    return buf_check(&w->out, err);
}

size_t manifest_writer_size(const ManifestWriter *w)
{
    return w->out.len + (w->avro ? avro_writer_pending(w->avro) / 3 : 0);
}

static void take_summaries(ManifestWriter *w)
{
    size_t n = w->header.types->spec->n_fields;
    IceFieldSummary *out = arena_array(w->arena, IceFieldSummary, n);

    for (size_t i = 0; i < n; i++) {
        const Summary *s = &w->summaries[i];
        out[i] = (IceFieldSummary){ .contains_null = s->contains_null, .contains_nan = s->contains_nan };
        if (s->has_bounds) {
            out[i].lower = ice_value_to_bytes(&s->lower, w->arena);
            out[i].upper = ice_value_to_bytes(&s->upper, w->arena);
        }
    }
    w->line.partitions = out;
    w->line.n_partitions = n;
}

int manifest_writer_finish(ManifestWriter *w, Str path, Str *ret_bytes, IceManifestFile *ret, Error *err)
{
    if (!w->avro && start(w, err) < 0)
        return -1;
    if (avro_writer_finish(w->avro, err) < 0)
        return -1;
    avro_writer_free(w->avro);
    w->avro = NULL;
    take_summaries(w);
    w->line.path = arena_str(w->arena, path);
    w->line.length_bytes = (int64_t)w->out.len;
    if (w->line.min_sequence_number == INT64_MAX)
        w->line.min_sequence_number = -1;
    *ret = w->line;
    *ret_bytes = buf_str(&w->out);
    return 0;
}
