/* avro.c - reading Avro object container files. */
#include <stdlib.h>

#include "format/avro_internal.h"

enum {
    SYNC_BYTES = 16,
    MAX_SKIP_DEPTH = 48,
    MAX_METADATA_PAIRS = 1000,
};

struct AvroFile {
    Str bytes, name;
    AvroReader reader; /* of the whole file */
    const AvroSchema *schema;
    AvroPair *metadata;
    size_t n_metadata;
    AvroInflater *inflater;
    uint8_t sync[SYNC_BYTES];
    Buf block;
    size_t block_offset; /* in the file, of the current block */
};

/* --- values --- */

void avro_fail(AvroReader *r, const char *what)
{
    if (!r->failed)
        r->failed = what;
    r->end = r->p;
}

int64_t avro_get_long(AvroReader *r)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->p >= r->end) {
            avro_fail(r, "unexpected end");
            return 0;
        }
        uint8_t byte = *r->p++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return (int64_t)(value >> 1 ^ -(value & 1));
    }
    avro_fail(r, "integer of more than 64 bits");
    return 0;
}

Str avro_get_fixed(AvroReader *r, size_t size)
{
    if (size > (size_t)(r->end - r->p)) {
        avro_fail(r, "value goes past the end");
        return STR("");
    }
    Str bytes = str_of((const char *)r->p, size);
    r->p += size;
    return bytes;
}

Str avro_get_bytes(AvroReader *r)
{
    int64_t n = avro_get_long(r);

    if (n < 0) {
        avro_fail(r, "negative length");
        return STR("");
    }
    return avro_get_fixed(r, (size_t)n);
}

bool avro_get_boolean(AvroReader *r)
{
    Str byte = avro_get_fixed(r, 1);
    return byte.len == 1 && byte.ptr[0] != 0;
}

float avro_get_float(AvroReader *r)
{
    float value = 0;
    Str bytes = avro_get_fixed(r, sizeof value);

    if (bytes.len == sizeof value)
        memcpy(&value, bytes.ptr, sizeof value);
    return value;
}

double avro_get_double(AvroReader *r)
{
    double value = 0;
    Str bytes = avro_get_fixed(r, sizeof value);

    if (bytes.len == sizeof value)
        memcpy(&value, bytes.ptr, sizeof value);
    return value;
}

const AvroSchema *avro_get_branch(AvroReader *r, const AvroSchema *schema)
{
    static const AvroSchema null_schema = { .type = AVRO_NULL };

    if (schema->type != AVRO_UNION)
        return schema;
    int64_t branch = avro_get_long(r);
    if (branch < 0 || (uint64_t)branch >= schema->n)
        avro_fail(r, "unknown branch of a union");
    return r->failed ? &null_schema : schema->branches[branch];
}

bool avro_next_item(AvroReader *r, AvroItems *items)
{
    if (items->left == 0) {
        items->left = avro_get_long(r);
        if (items->left < 0) { /* the block's bytes follow */
            if (__builtin_sub_overflow(0, items->left, &items->left) || avro_get_long(r) < 0)
                avro_fail(r, "bad block of items");
        }
        if (items->left > r->end - r->p) /* an item takes a byte at least */
            avro_fail(r, "more items than bytes");
        if (r->failed)
            items->left = 0;
        if (items->left == 0)
            return false;
    }
    items->left--;
    return !r->failed;
}

static void skip_nested(AvroReader *r, const AvroSchema *schema)
{
    AvroItems items = { 0 };

    if (schema->type == AVRO_RECORD) {
        for (size_t i = 0; i < schema->n && !r->failed; i++)
            avro_skip(r, schema->fields[i].type);
        return;
    }
    while (avro_next_item(r, &items)) {
        if (schema->type == AVRO_MAP)
            avro_get_bytes(r);
        avro_skip(r, schema->items);
    }
}

void avro_skip(AvroReader *r, const AvroSchema *schema)
{
    schema = avro_get_branch(r, schema);
    switch (schema->type) {
    case AVRO_NULL:
        break;
    case AVRO_BOOLEAN:
        avro_get_fixed(r, 1);
        break;
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_ENUM:
        avro_get_long(r);
        break;
    case AVRO_FLOAT:
        avro_get_fixed(r, 4);
        break;
    case AVRO_DOUBLE:
        avro_get_fixed(r, 8);
        break;
    case AVRO_BYTES:
    case AVRO_STRING:
        avro_get_bytes(r);
        break;
    case AVRO_FIXED:
        avro_get_fixed(r, schema->size);
        break;
    default:
        if (++r->depth > MAX_SKIP_DEPTH)
            avro_fail(r, "nested too deeply");
        else
            skip_nested(r, schema);
        r->depth--;
    }
}

/* --- the file --- */

static AvroReader reader_of(Str bytes)
{
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    return (AvroReader){ .start = p, .p = p, .end = p + bytes.len };
}

static int corrupt(const AvroFile *file, const char *what, size_t offset, Error *err)
{
    return err_set(err, ERR_CORRUPT, "Avro file %.*s: %s at byte %zu", STR_ARG(file->name), what, offset);
}

int avro_corrupt(const AvroFile *file, const AvroReader *reader, Error *err)
{
    return err_set(err, ERR_CORRUPT, "Avro file %.*s: %s at byte %zu of the block at %zu",
                   STR_ARG(file->name), reader->failed ? reader->failed : "bad data",
                   (size_t)(reader->p - reader->start), file->block_offset);
}

const AvroSchema *avro_schema(const AvroFile *file) { return file->schema; }

Str avro_metadata(const AvroFile *file, Str key)
{
    for (size_t i = 0; i < file->n_metadata; i++)
        if (str_eq(file->metadata[i].key, key))
            return file->metadata[i].value;
    return STR_NULL;
}

static int read_metadata(AvroFile *file, Arena *arena, Error *err)
{
    AvroReader *r = &file->reader;
    AvroItems items = { 0 };
    Vec(AvroPair) pairs = { 0 };

    if (file->bytes.len < 4 || memcmp(file->bytes.ptr, "Obj\1", 4) != 0)
        return corrupt(file, "no Avro file", 0, err);
    r->p += 4;
    while (avro_next_item(r, &items)) {
        Str key = avro_get_bytes(r), value = avro_get_bytes(r);
        if (pairs.n == MAX_METADATA_PAIRS)
            avro_fail(r, "too many metadata keys");
        *vec_push(arena, &pairs) = (AvroPair){ key, value };
    }
    Str sync = avro_get_fixed(r, SYNC_BYTES);
    if (r->failed)
        return corrupt(file, r->failed, (size_t)(r->p - r->start), err);
    memcpy(file->sync, sync.ptr, SYNC_BYTES);
    file->metadata = pairs.items;
    file->n_metadata = pairs.n;
    return 0;
}

static int read_header(AvroFile *file, Arena *arena, Error *err)
{
    const Json *json;

    if (read_metadata(file, arena, err) < 0)
        return -1;
    Str schema = avro_metadata(file, STR("avro.schema")), codec = avro_metadata(file, STR("avro.codec"));
    if (!schema.ptr || schema.len > AVRO_MAX_SCHEMA_BYTES)
        return corrupt(file, "no schema of a sensible size", 0, err);
    file->inflater = avro_inflater_new(codec.len > 0 ? codec : STR("null"));
    if (!file->inflater)
        return err_set(err, ERR_NOT_SUPPORTED, "Avro file %.*s: codec \"%.*s\" is not supported",
                       STR_ARG(file->name), (int)(codec.len < 40 ? codec.len : 40), codec.ptr);
    if (json_parse(schema, arena, &json, err) < 0 ||
        avro_schema_parse(json, arena, &file->schema, err) < 0) {
        if (err && err->code == ERR_BAD_REQUEST)
            err->code = ERR_CORRUPT;
        return err ? err_prefix(err, "Avro file %.*s", STR_ARG(file->name)) : -1;
    }
    return arena_check(arena, err);
}

int avro_open(Str bytes, Str name, Arena *arena, AvroFile **ret, Error *err)
{
    AvroFile *file = calloc(1, sizeof *file);

    if (!file)
        return err_set(err, ERR_LIMIT, "no memory to open the Avro file %.*s", STR_ARG(name));
    file->bytes = bytes;
    file->name = name;
    file->reader = reader_of(bytes);
    file->block = BUF_INIT(AVRO_MAX_BLOCK_BYTES);
    if (read_header(file, arena, err) < 0) {
        avro_close(file);
        return -1;
    }
    *ret = file;
    return 0;
}

void avro_close(AvroFile *file)
{
    if (!file)
        return;
    avro_inflater_free(file->inflater);
    buf_free(&file->block);
    free(file);
}

void avro_closep(AvroFile **file)
{
    avro_close(*file);
    *file = NULL;
}

int avro_next_block(AvroFile *file, AvroReader *ret, int64_t *ret_n_records, Error *err)
{
    AvroReader *r = &file->reader;
    const char *what = "bad data";

    *ret_n_records = 0;
    while (r->p < r->end && *ret_n_records == 0) {
        file->block_offset = (size_t)(r->p - r->start);
        int64_t n = avro_get_long(r);
        Str block = avro_get_bytes(r), sync = avro_get_fixed(r, SYNC_BYTES);
        if (!r->failed && n < 0)
            avro_fail(r, "negative number of records");
        if (!r->failed && memcmp(sync.ptr, file->sync, SYNC_BYTES) != 0)
            avro_fail(r, "no sync marker after the block");
        if (r->failed)
            return corrupt(file, r->failed, file->block_offset, err);
        if (avro_inflate(file->inflater, block, &file->block, &what) < 0)
            return corrupt(file, what, file->block_offset, err);
        if ((uint64_t)n > file->block.len) /* a record takes a byte at least */
            return corrupt(file, "more records than bytes", file->block_offset, err);
        *ret_n_records = n;
        *ret = reader_of(buf_str(&file->block));
    }
    return 0;
}
