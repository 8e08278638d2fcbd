/* manifest_list.c - manifest lists, read and written. */
#include "base/rng.h"
#include "iceberg/manifest_internal.h"

/* Names of v1, v2 and v3 writers. */
static const FieldName names[] = {
    { "manifest_path", 500 },
    { "manifest_length", 501 },
    { "partition_spec_id", 502 },
    { "added_snapshot_id", 503 },
    { "added_files_count", 504 },
    { "added_data_files_count", 504 },
    { "existing_files_count", 505 },
    { "existing_data_files_count", 505 },
    { "deleted_files_count", 506 },
    { "deleted_data_files_count", 506 },
    { "partitions", 507 },
    { "added_rows_count", 512 },
    { "existing_rows_count", 513 },
    { "deleted_rows_count", 514 },
    { "sequence_number", 515 },
    { "min_sequence_number", 516 },
    { "content", 517 },
    { "key_metadata", 519 },
    { "first_row_id", 520 },
    { NULL, -1 },
};
static const FieldName summary_names[] = {
    { "contains_null", 509 },
    { "contains_nan", 518 },
    { "lower_bound", 510 },
    { "upper_bound", 511 },
    { NULL, -1 },
};

/* --- reading --- */

static Str copy_optional(AvroReader *r, const AvroSchema *schema, Arena *arena)
{
    Str bytes;
    return manifest_get_bytes(r, schema, &bytes) ? arena_str(arena, bytes) : STR_NULL;
}

static IceFieldSummary read_summary(AvroReader *r, const AvroSchema *schema, Arena *arena)
{
    IceFieldSummary summary = { .contains_nan = -1 };
    bool contains_nan;

    schema = avro_get_branch(r, schema);
    if (schema->type != AVRO_RECORD) {
        avro_fail(r, "partition summary is no record");
        return summary;
    }
    for (size_t i = 0; i < schema->n && !r->failed; i++) {
        const AvroSchema *type = schema->fields[i].type;
        switch (manifest_field_id(&schema->fields[i], summary_names)) {
        case 509:
            manifest_get_boolean(r, type, &summary.contains_null);
            break;
        case 518:
            if (manifest_get_boolean(r, type, &contains_nan))
                summary.contains_nan = contains_nan;
            break;
        case 510:
            summary.lower = copy_optional(r, type, arena);
            break;
        case 511:
            summary.upper = copy_optional(r, type, arena);
            break;
        default:
            avro_skip(r, type);
        }
    }
    return summary;
}

static void read_summaries(AvroReader *r, const AvroSchema *schema, Arena *arena, IceManifestFile *m)
{
    Vec(IceFieldSummary) summaries = { 0 };
    AvroItems items = { 0 };

    schema = avro_get_branch(r, schema);
    if (schema->type == AVRO_NULL)
        return;
    if (schema->type != AVRO_ARRAY) {
        avro_fail(r, "partition summaries are no array");
        return;
    }
    while (avro_next_item(r, &items))
        *vec_push(arena, &summaries) = read_summary(r, schema->items, arena);
    m->partitions = summaries.items;
    m->n_partitions = summaries.n;
}

static void read_number(AvroReader *r, int32_t id, int64_t value, IceManifestFile *m)
{
    bool is_int = id == 502 || id == 504 || id == 505 || id == 506;

    if (is_int && (value < 0 || value > INT32_MAX)) {
        avro_fail(r, "number out of range");
        return;
    }
    switch (id) {
    case 501:
        m->length_bytes = value;
        break;
    case 502:
        m->spec_id = (int32_t)value;
        break;
    case 503:
        m->added_snapshot_id = value;
        break;
    case 504:
        m->added_files = (int32_t)value;
        break;
    case 505:
        m->existing_files = (int32_t)value;
        break;
    case 506:
        m->deleted_files = (int32_t)value;
        break;
    case 512:
        m->added_rows = value;
        break;
    case 513:
        m->existing_rows = value;
        break;
    case 514:
        m->deleted_rows = value;
        break;
    case 515:
        m->sequence_number = value;
        break;
    case 516:
        m->min_sequence_number = value;
        break;
    case 517:
        if (value != ICE_MANIFEST_DATA && value != ICE_MANIFEST_DELETES)
            avro_fail(r, "unknown manifest content");
        m->content = (IceManifestContent)value;
        break;
    default:
        m->first_row_id = value;
    }
}

static void read_manifest_file(AvroReader *r, const AvroSchema *schema, Arena *arena, IceManifestFile *m)
{
    int64_t value;

    *m = (IceManifestFile){ .added_files = -1,
                            .existing_files = -1,
                            .deleted_files = -1,
                            .added_rows = -1,
                            .existing_rows = -1,
                            .deleted_rows = -1,
                            .first_row_id = -1,
                            .added_snapshot_id = -1 };
    for (size_t i = 0; i < schema->n && !r->failed; i++) {
        const AvroSchema *type = schema->fields[i].type;
        int32_t id = manifest_field_id(&schema->fields[i], names);
        switch (id) {
        case 500:
            m->path = copy_optional(r, type, arena);
            break;
        case 507:
            read_summaries(r, type, arena, m);
            break;
        case 519:
            m->key_metadata = copy_optional(r, type, arena);
            break;
        case 501 ... 506:
        case 512 ... 517:
        case 520:
            if (manifest_get_long(r, type, &value))
                read_number(r, id, value, m);
            break;
        default:
            avro_skip(r, type);
        }
    }
    if (!r->failed && m->path.len == 0)
        avro_fail(r, "manifest without a path");
}

int manifest_list_read(Str bytes, Str path, Arena *arena, IceManifestList *ret, Error *err)
{
    __attribute__((cleanup(avro_closep))) AvroFile *file = NULL;
    Vec(IceManifestFile) manifests = { 0 };
    AvroReader r;
    int64_t n;

    if (avro_open(bytes, arena_str(arena, path), arena, &file, err) < 0)
        return -1;
    const AvroSchema *schema = avro_schema(file);
    if (schema->type != AVRO_RECORD)
        return err_set(err, ERR_CORRUPT, "Avro file %.*s holds no records", STR_ARG(path));
    for (;;) {
        if (avro_next_block(file, &r, &n, err) < 0)
            return -1;
        if (n == 0)
            break;
        for (int64_t i = 0; i < n; i++) {
            read_manifest_file(&r, schema, arena, vec_push(arena, &manifests));
            if (r.failed)
                return avro_corrupt(file, &r, err);
        }
        if (manifests.n > MANIFEST_MAX_LIST_ENTRIES)
            return err_set(err, ERR_LIMIT, "manifest list %.*s has more than %d entries", STR_ARG(path),
                           MANIFEST_MAX_LIST_ENTRIES);
        if (arena_check(arena, err) < 0)
            return -1;
    }
    ret->manifests = manifests.items;
    ret->n = manifests.n;
    return 0;
}

/* --- writing --- */

static void put_summaries(Buf *out, const IceManifestFile *m)
{
    avro_put_long(out, m->n_partitions > 0 ? 1 : 0);
    if (m->n_partitions == 0)
        return;
    avro_put_long(out, (int64_t)m->n_partitions);
    for (size_t i = 0; i < m->n_partitions; i++) {
        const IceFieldSummary *s = &m->partitions[i];
        avro_put_boolean(out, s->contains_null);
        avro_put_long(out, s->contains_nan >= 0 ? 1 : 0);
        if (s->contains_nan >= 0)
            avro_put_boolean(out, s->contains_nan);
        manifest_put_optional_bytes(out, s->lower);
        manifest_put_optional_bytes(out, s->upper);
    }
    avro_put_long(out, 0);
}

static int64_t or_zero(int64_t value) { return value < 0 ? 0 : value; }

static void put_manifest_file(Buf *out, const IceManifestListHeader *header, const IceManifestFile *m,
                              int64_t first_row_id)
{
    avro_put_bytes(out, m->path);
    avro_put_long(out, m->length_bytes);
    avro_put_long(out, m->spec_id);
    avro_put_long(out, m->content);
    avro_put_long(out, m->sequence_number < 0 ? header->sequence_number : m->sequence_number);
    avro_put_long(out, m->min_sequence_number < 0 ? header->sequence_number : m->min_sequence_number);
    avro_put_long(out, m->added_snapshot_id);
    avro_put_long(out, or_zero(m->added_files));
    avro_put_long(out, or_zero(m->existing_files));
    avro_put_long(out, or_zero(m->deleted_files));
    avro_put_long(out, or_zero(m->added_rows));
    avro_put_long(out, or_zero(m->existing_rows));
    avro_put_long(out, or_zero(m->deleted_rows));
    put_summaries(out, m);
    manifest_put_optional_bytes(out, m->key_metadata);
    if (header->format_version >= 3)
        manifest_put_optional_long(out, first_row_id);
}

/* Java writes these keys, "null" for no parent. */
static size_t header_pairs(const IceManifestListHeader *header, Arena *arena, AvroPair pairs[8])
{
    size_t n = 0;

    pairs[n++] =
        (AvroPair){ STR("snapshot-id"), arena_printf(arena, "%lld", (long long)header->snapshot_id) };
    pairs[n++] =
        (AvroPair){ STR("parent-snapshot-id"),
                    header->parent_id < 0 ? STR("null")
                                          : arena_printf(arena, "%lld", (long long)header->parent_id) };
    pairs[n++] = (AvroPair){ STR("sequence-number"),
                             arena_printf(arena, "%lld", (long long)header->sequence_number) };
    if (header->format_version >= 3)
        pairs[n++] =
            (AvroPair){ STR("first-row-id"), arena_printf(arena, "%lld", (long long)header->first_row_id) };
    pairs[n++] = (AvroPair){ STR("format-version"), arena_printf(arena, "%d", header->format_version) };
    return n;
}

int manifest_list_write(const IceManifestListHeader *header, const IceManifestFile *manifests, size_t n,
                        Buf *out, int64_t *ret_next_row_id, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    AvroPair pairs[8];
    uint8_t sync[16];
    int64_t next_row_id = header->first_row_id;

    if (header->format_version < 2)
        return err_set(err, ERR_NOT_SUPPORTED, "tables of format version %d are not written",
                       header->format_version);
    rng_bytes(sync, sizeof sync);
    size_t n_pairs = header_pairs(header, arena, pairs);
    AvroWriter *w = avro_writer_new(out, manifest_list_schema(header->format_version, arena), pairs,
                                    n_pairs, AVRO_CODEC_DEFLATE, sync);
    int result = 0;
    for (size_t i = 0; i < n && result == 0; i++) {
        int64_t first_row_id = manifests[i].content == ICE_MANIFEST_DATA ? manifests[i].first_row_id : -1;
        if (manifests[i].content == ICE_MANIFEST_DATA && first_row_id < 0) {
            first_row_id = next_row_id;
            if (__builtin_add_overflow(next_row_id, or_zero(manifests[i].added_rows), &next_row_id) ||
                __builtin_add_overflow(next_row_id, or_zero(manifests[i].existing_rows), &next_row_id))
                result = err_set(err, ERR_ICEBERG_BAD_DATA, "the table's row ids are used up");
        }
        put_manifest_file(avro_writer_record(w), header, &manifests[i], first_row_id);
        avro_writer_end_record(w);
    }
    if (result == 0)
        result = avro_writer_finish(w, err);
    avro_writer_free(w);
    if (result == 0 && ret_next_row_id)
        *ret_next_row_id = next_row_id;
    return result;
}
