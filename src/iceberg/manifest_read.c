/* manifest_read.c - manifests, entry by entry. Field ids: spec, "Manifest Entry Fields" and "Data File
 * Fields". */
#include <assert.h>
#include <stdlib.h>

#include "iceberg/manifest_internal.h"

static const FieldName entry_names[] = {
    { "status", 0 },          { "snapshot_id", 1 },          { "data_file", 2 },
    { "sequence_number", 3 }, { "file_sequence_number", 4 }, { NULL, -1 },
};
static const FieldName file_names[] = {
    { "content", 134 },
    { "file_path", 100 },
    { "file_format", 101 },
    { "partition", 102 },
    { "record_count", 103 },
    { "file_size_in_bytes", 104 },
    { "column_sizes", 108 },
    { "value_counts", 109 },
    { "null_value_counts", 110 },
    { "nan_value_counts", 137 },
    { "lower_bounds", 125 },
    { "upper_bounds", 128 },
    { "key_metadata", 131 },
    { "split_offsets", 132 },
    { "equality_ids", 135 },
    { "sort_order_id", 140 },
    { "first_row_id", 142 },
    { "referenced_data_file", 143 },
    { "content_offset", 144 },
    { "content_size_in_bytes", 145 },
    { NULL, -1 },
};

enum { MAX_METRIC_COLUMNS = 100000 };

/* How one manifest is decoded. `arena` is where entries go: the manifest's, or one that is emptied after
 * each entry. */
typedef struct Decoder {
    AvroFile *file;
    const AvroSchema *schema;
    const IceManifestFile *listed;
    const IcePartitionType *types; /* NULL: as the Avro schema has it */
    Arena *arena;
    AvroReader r;
    IceColumnMetrics *columns; /* of the entry at hand */
    size_t n_columns, cap_columns, cursor;
} Decoder;

/* --- column metrics: six maps become one sorted array --- */

/* The maps of one file mostly have the same keys in the same order: the search goes on where the last one
 * ended. */
static IceColumnMetrics *column_slot(Decoder *d, int32_t field_id)
{
    for (size_t i = 0; i < d->n_columns; i++) {
        size_t at = d->cursor + i < d->n_columns ? d->cursor + i : d->cursor + i - d->n_columns;
        if (d->columns[at].field_id == field_id) {
            d->cursor = at + 1 < d->n_columns ? at + 1 : 0;
            return &d->columns[at];
        }
    }
    if (d->n_columns == d->cap_columns) {
        if (d->n_columns >= MAX_METRIC_COLUMNS) {
            avro_fail(&d->r, "metrics of too many columns");
            return NULL;
        }
        d->columns = arena_grow_(d->arena, d->columns, &d->cap_columns, sizeof *d->columns);
    }
    IceColumnMetrics *slot = &d->columns[d->n_columns++];
    *slot = (IceColumnMetrics){ field_id, -1, -1, -1, -1, STR_NULL, STR_NULL };
    return slot;
}

static void read_metric(Decoder *d, int32_t id, const AvroSchema *type, int32_t key)
{
    int64_t value = -1;
    Str bytes = STR_NULL;
    bool is_bound = id == 125 || id == 128;
    bool has = is_bound ? manifest_get_bytes(&d->r, type, &bytes) : manifest_get_long(&d->r, type, &value);
    IceColumnMetrics *slot = has ? column_slot(d, key) : NULL;

    if (!slot)
        return;
    switch (id) {
    case 108:
        slot->size_bytes = value;
        break;
    case 109:
        slot->value_count = value;
        break;
    case 110:
        slot->null_count = value;
        break;
    case 137:
        slot->nan_count = value;
        break;
    case 125:
        slot->lower = bytes;
        break;
    default:
        slot->upper = bytes;
    }
}

/* A map with integer keys: an array of records with two fields, of any order and other fields. */
static void read_metrics_map(Decoder *d, int32_t id, const AvroSchema *schema)
{
    AvroItems items = { 0 };

    schema = avro_get_branch(&d->r, schema);
    if (schema->type == AVRO_NULL)
        return;
    const AvroSchema *pair = schema->items;
    if (schema->type != AVRO_ARRAY || pair->type != AVRO_RECORD || pair->n != 2 ||
        !str_is(pair->fields[0].name, "key")) {
        avro_fail(&d->r, "metrics are no array of keys and values");
        return;
    }
    while (avro_next_item(&d->r, &items)) {
        int64_t key;
        if (!manifest_get_long(&d->r, pair->fields[0].type, &key) || key < INT32_MIN || key > INT32_MAX) {
            avro_fail(&d->r, "metrics key is no field id");
            return;
        }
        read_metric(d, id, pair->fields[1].type, (int32_t)key);
    }
}

static int compare_columns(const void *a, const void *b)
{
    const IceColumnMetrics *x = a, *y = b;
    return (x->field_id > y->field_id) - (x->field_id < y->field_id);
}

static void take_columns(Decoder *d, IceDataFile *file)
{
    bool sorted = true;

    for (size_t i = 1; i < d->n_columns; i++)
        sorted = sorted && d->columns[i - 1].field_id < d->columns[i].field_id;
    if (!sorted)
        qsort(d->columns, d->n_columns, sizeof *d->columns, compare_columns);
    /* what is handed over is exactly as long as needed: the scratch array serves the next entry */
    IceColumnMetrics *columns = arena_array(d->arena, IceColumnMetrics, d->n_columns);
    if (d->n_columns > 0)
        memcpy(columns, d->columns, d->n_columns * sizeof *columns);
    file->columns = columns;
    file->n_columns = d->n_columns;
}

/* --- partition tuple --- */

static int64_t field_place(const IcePartitionSpec *spec, const AvroField *field, size_t index)
{
    for (size_t i = 0; i < spec->n_fields; i++)
        if (field->field_id >= 0 ? spec->fields[i].field_id == field->field_id
                                 : str_eq(spec->fields[i].name, field->name))
            return (int64_t)i;
    return field->field_id < 0 && index < spec->n_fields ? (int64_t)index : -1;
}

/* Writers differ in how they type a day, and an old value may be of a type that was promoted since. */
static IceValue adapt_value(AvroReader *r, IceValue value, const IceType *type)
{
    IceValue adapted;

    if (type->id == ICE_UNKNOWN)
        return value;
    if (value.is_null)
        return ice_null(type->id);
    if (value.type == ICE_INT && type->id == ICE_DATE)
        value.type = ICE_DATE;
    else if (value.type == ICE_DATE && type->id == ICE_INT)
        value.type = ICE_INT;
    else if (value.type == ICE_LONG && (type->id >= ICE_TIME && type->id <= ICE_TIMESTAMPTZ_NS))
        value.type = (uint8_t)type->id; /* a writer that left the logical type out */
    else if (value.type == ICE_TIMESTAMP || value.type == ICE_TIMESTAMPTZ)
        value.type =
            type->id == ICE_TIMESTAMP || type->id == ICE_TIMESTAMPTZ ? (uint8_t)type->id : value.type;
    else if (value.type == ICE_FIXED && type->id == ICE_UUID && value.bytes.len == 16) {
        IceValue uuid = { .type = ICE_UUID };
        memcpy(uuid.uuid, value.bytes.ptr, 16);
        return uuid;
    }
    if (!ice_value_convert(&value, type, &adapted)) {
        avro_fail(r, "partition value does not fit the table's partition type");
        return ice_null(type->id);
    }
    return adapted;
}

static void read_partition(Decoder *d, const AvroSchema *schema, IceDataFile *file)
{
    schema = avro_get_branch(&d->r, schema);
    if (schema->type != AVRO_RECORD) {
        avro_fail(&d->r, "partition is no record");
        return;
    }
    size_t n = d->types ? d->types->spec->n_fields : schema->n;
    IceValue *tuple = arena_array(d->arena, IceValue, n);
    for (size_t i = 0; i < n; i++)
        tuple[i] = ice_null(d->types ? d->types->types[i]->id : ICE_UNKNOWN);
    for (size_t i = 0; i < schema->n && !d->r.failed; i++) {
        IceValue value = manifest_get_value(&d->r, schema->fields[i].type);
        int64_t place = d->types ? field_place(d->types->spec, &schema->fields[i], i) : (int64_t)i;
        if (place >= 0)
            tuple[place] = d->types ? adapt_value(&d->r, value, d->types->types[place]) : value;
    }
    file->partition = tuple;
    file->n_partition = n;
}

/* --- the data file --- */

static size_t read_numbers(Decoder *d, const AvroSchema *schema, const int64_t **ret)
{
    Vec(int64_t) numbers = { 0 };
    AvroItems items = { 0 };
    int64_t value;

    schema = avro_get_branch(&d->r, schema);
    if (schema->type == AVRO_NULL)
        return 0;
    if (schema->type != AVRO_ARRAY) {
        avro_fail(&d->r, "expected an array");
        return 0;
    }
    while (avro_next_item(&d->r, &items))
        if (manifest_get_long(&d->r, schema->items, &value))
            *vec_push(d->arena, &numbers) = value;
    *ret = numbers.items;
    return numbers.n;
}

static void read_equality_ids(Decoder *d, const AvroSchema *schema, IceDataFile *file)
{
    const int64_t *numbers = NULL;
    size_t n = read_numbers(d, schema, &numbers);
    int32_t *ids = arena_array(d->arena, int32_t, n);

    for (size_t i = 0; i < n; i++) {
        if (numbers[i] < INT32_MIN || numbers[i] > INT32_MAX)
            avro_fail(&d->r, "equality id is no field id");
        ids[i] = (int32_t)numbers[i];
    }
    file->equality_ids = ids;
    file->n_equality_ids = n;
}

static void read_file_number(Decoder *d, int32_t id, int64_t value, IceDataFile *file)
{
    switch (id) {
    case 134:
        if (value < ICE_CONTENT_DATA || value > ICE_CONTENT_EQUALITY_DELETES)
            avro_fail(&d->r, "unknown file content");
        file->content = (uint8_t)value;
        break;
    case 103:
    case 104:
        if (value < 0)
            avro_fail(&d->r, "negative count of a file");
        *(id == 103 ? &file->record_count : &file->size_bytes) = value;
        break;
    case 140:
        if (value >= 0 && value <= INT32_MAX)
            file->sort_order_id = (int32_t)value;
        break;
    case 142:
        file->first_row_id = value;
        break;
    case 144:
        file->content_offset = value;
        break;
    default:
        file->content_size_bytes = value;
    }
}

static void read_file_field(Decoder *d, int32_t id, const AvroSchema *type, IceDataFile *file)
{
    int64_t value;

    switch (id) {
    case 100:
        manifest_get_bytes(&d->r, type, &file->path);
        break;
    case 101:
        manifest_get_bytes(&d->r, type, &file->format);
        break;
    case 102:
        read_partition(d, type, file);
        break;
    case 108:
    case 109:
    case 110:
    case 125:
    case 128:
    case 137:
        read_metrics_map(d, id, type);
        break;
    case 131:
        manifest_get_bytes(&d->r, type, &file->key_metadata);
        break;
    case 132:
        file->n_split_offsets = read_numbers(d, type, &file->split_offsets);
        break;
    case 135:
        read_equality_ids(d, type, file);
        break;
    case 143:
        manifest_get_bytes(&d->r, type, &file->referenced_data_file);
        break;
    case 103:
    case 104:
    case 134:
    case 140:
    case 142:
    case 144:
    case 145:
        if (manifest_get_long(&d->r, type, &value))
            read_file_number(d, id, value, file);
        break;
    default:
        avro_skip(&d->r, type);
    }
}

static Str canonical_format(Str format, Arena *arena)
{
    static const char *const formats[] = { "PARQUET", "AVRO", "ORC", "PUFFIN" };

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (str_eq_nocase(format, str_from(formats[i])))
            return str_from(formats[i]);
    return format;
}

static void read_data_file(Decoder *d, const AvroSchema *schema, IceDataFile *file)
{
    *file = ICE_DATA_FILE_INIT;
    file->spec_id = d->listed->spec_id;
    d->n_columns = d->cursor = 0;
    schema = avro_get_branch(&d->r, schema);
    if (schema->type != AVRO_RECORD) {
        avro_fail(&d->r, "data file is no record");
        return;
    }
    for (size_t i = 0; i < schema->n && !d->r.failed; i++)
        read_file_field(d, manifest_field_id(&schema->fields[i], file_names), schema->fields[i].type, file);
    take_columns(d, file);
    file->format = canonical_format(file->format, d->arena);
    if (!d->r.failed && file->path.len == 0)
        avro_fail(&d->r, "data file without a path");
    if (!d->r.failed && (file->content == ICE_CONTENT_DATA) != (d->listed->content == ICE_MANIFEST_DATA))
        avro_fail(&d->r, "file content contradicts the manifest's");
}

static void read_entry(Decoder *d, IceManifestEntry *entry)
{
    const AvroSchema *schema = d->schema;
    int64_t status = -1;
    bool has_file = false;

    *entry = (IceManifestEntry){ .snapshot_id = -1, .sequence_number = -1, .file_sequence_number = -1 };
    for (size_t i = 0; i < schema->n && !d->r.failed; i++) {
        const AvroSchema *type = schema->fields[i].type;
        switch (manifest_field_id(&schema->fields[i], entry_names)) {
        case 0:
            manifest_get_long(&d->r, type, &status);
            break;
        case 1:
            manifest_get_long(&d->r, type, &entry->snapshot_id);
            break;
        case 2:
            read_data_file(d, type, &entry->file);
            has_file = true;
            break;
        case 3:
            manifest_get_long(&d->r, type, &entry->sequence_number);
            break;
        case 4:
            manifest_get_long(&d->r, type, &entry->file_sequence_number);
            break;
        default:
            avro_skip(&d->r, type);
        }
    }
    if (!d->r.failed && (status < ICE_EXISTING || status > ICE_DELETED || !has_file))
        avro_fail(&d->r, "entry without a status or a data file");
    entry->status = (IceStatus)status;
}

/* --- whole manifests --- */

void manifest_inherit(const IceManifestFile *listed, IceManifestEntry *entry, int64_t *next_row_id)
{
    /* v1 manifests have no sequence numbers: theirs in the list is 0 */
    if (entry->sequence_number < 0 && (entry->status == ICE_ADDED || listed->sequence_number <= 0))
        entry->sequence_number = listed->sequence_number < 0 ? 0 : listed->sequence_number;
    if (entry->file_sequence_number < 0 && (entry->status == ICE_ADDED || listed->sequence_number <= 0))
        entry->file_sequence_number = listed->sequence_number < 0 ? 0 : listed->sequence_number;
    if (entry->snapshot_id < 0)
        entry->snapshot_id = listed->added_snapshot_id;
    bool takes_row_ids = entry->file.content == ICE_CONTENT_DATA && entry->status != ICE_DELETED;
    if (takes_row_ids && entry->file.first_row_id < 0 && *next_row_id >= 0) {
        entry->file.first_row_id = *next_row_id;
        if (__builtin_add_overflow(*next_row_id, entry->file.record_count, next_row_id))
            *next_row_id = -1;
    }
}

static int open_manifest(Str bytes, const IceManifestFile *listed, const IcePartitionType *types,
                         Arena *arena, Decoder *d, Error *err)
{
    *d = (Decoder){ .listed = listed, .types = types, .arena = arena };
    if (listed->key_metadata.len > 0)
        return err_set(err, ERR_NOT_SUPPORTED, "manifest %.*s is encrypted", STR_ARG(listed->path));
    assert(!types || types->spec->spec_id == listed->spec_id);
    if (avro_open(bytes, listed->path, arena, &d->file, err) < 0)
        return -1;
    d->schema = avro_schema(d->file);
    if (d->schema->type != AVRO_RECORD) {
        avro_closep(&d->file);
        return err_set(err, ERR_CORRUPT, "Avro file %.*s holds no records", STR_ARG(listed->path));
    }
    return 0;
}

static int walk_block(Decoder *d, int64_t n, int64_t *next_row_id, ManifestEntryFn fn, void *arg,
                      Error *err)
{
    for (int64_t i = 0; i < n; i++) {
        IceManifestEntry entry;
        read_entry(d, &entry);
        if (d->r.failed)
            return avro_corrupt(d->file, &d->r, err);
        if (arena_check(d->arena, err) < 0)
            return -1;
        manifest_inherit(d->listed, &entry, next_row_id);
        if (fn(arg, &entry, err) < 0)
            return -1;
        d->columns = NULL;
        d->cap_columns = 0;
        arena_reset(d->arena);
    }
    return 0;
}

int manifest_read(Str bytes, const IceManifestFile *listed, const IcePartitionType *types,
                  ManifestEntryFn fn, void *arg, Error *err)
{
    _cleanup_arena_ Arena *header = arena_new(MANIFEST_DEFAULT_BYTES);
    _cleanup_arena_ Arena *entries = arena_new(MANIFEST_DEFAULT_BYTES);
    Decoder d;
    int64_t n = 1, next_row_id = listed->first_row_id;
    int result = 0;

    if (open_manifest(bytes, listed, types, header, &d, err) < 0)
        return -1;
    d.arena = entries;
    while (result == 0 && n > 0) {
        result = avro_next_block(d.file, &d.r, &n, err);
        if (result == 0)
            result = walk_block(&d, n, &next_row_id, fn, arg, err);
    }
    avro_close(d.file);
    return result;
}

int manifest_decode(Str bytes, const IceManifestFile *listed, const IcePartitionType *types, Arena *arena,
                    IceManifest *ret, Error *err)
{
    Vec(IceManifestEntry) entries = { 0 };
    Decoder d;
    int64_t n = 1;
    int result = 0;

    if (open_manifest(bytes, listed, types, arena, &d, err) < 0)
        return -1;
    while (result == 0 && n > 0) {
        result = avro_next_block(d.file, &d.r, &n, err);
        if (result < 0 || n == 0)
            break;
        /* text and bounds point into a copy of the block */
        size_t size = (size_t)(d.r.end - d.r.start);
        uint8_t *block = arena_try(arena, size, err);
        if (!block) {
            result = -1;
            break;
        }
        memcpy(block, d.r.start, size);
        d.r = (AvroReader){ .start = block, .p = block, .end = block + size };
        for (int64_t i = 0; i < n && result == 0; i++) {
            read_entry(&d, vec_push(arena, &entries));
            if (d.r.failed)
                result = avro_corrupt(d.file, &d.r, err);
            else
                result = arena_check(arena, err);
        }
    }
    avro_close(d.file);
    if (result == 0)
        *ret = (IceManifest){ entries.items, entries.n };
    return result;
}
