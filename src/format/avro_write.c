/* avro_write.c - writing Avro object container files. */
#include <assert.h>
#include <stdlib.h>

#include <libdeflate.h>

#include "format/avro.h"

enum {
    BLOCK_BYTES = 64000, /* uncompressed; what the Java library takes */
    DEFLATE_LEVEL = 6,
    SYNC_BYTES = 16,
};

struct AvroWriter {
    Buf *out;
    Buf block, compressed;
    int64_t n_records;
    struct libdeflate_compressor *deflate; /* NULL: codec null */
    uint8_t sync[SYNC_BYTES];
};

void avro_put_long(Buf *out, int64_t value)
{
    uint64_t zigzag = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    char bytes[10];
    size_t n = 0;

    for (; zigzag >= 0x80; zigzag >>= 7)
        bytes[n++] = (char)(zigzag | 0x80);
    bytes[n++] = (char)zigzag;
    buf_append(out, bytes, n);
}

void avro_put_boolean(Buf *out, bool value) { buf_putc(out, value); }

void avro_put_float(Buf *out, float value) { buf_append(out, &value, sizeof value); }

void avro_put_double(Buf *out, double value) { buf_append(out, &value, sizeof value); }

void avro_put_bytes(Buf *out, Str bytes)
{
    avro_put_long(out, (int64_t)bytes.len);
    buf_add(out, bytes);
}

static void put_pair(Buf *out, Str key, Str value)
{
    avro_put_bytes(out, key);
    avro_put_bytes(out, value);
}

AvroWriter *avro_writer_new(Buf *out, Str schema_json, const AvroPair *metadata, size_t n_metadata,
                            AvroCodec codec, const uint8_t sync[16])
{
    AvroWriter *w = calloc(1, sizeof *w);

    if (!w)
        abort();
    w->out = out;
    w->block = w->compressed = BUF_INIT(AVRO_MAX_BLOCK_BYTES);
    memcpy(w->sync, sync, SYNC_BYTES);
    if (codec == AVRO_CODEC_DEFLATE && !(w->deflate = libdeflate_alloc_compressor(DEFLATE_LEVEL)))
        abort();
    buf_append(out, "Obj\1", 4);
    avro_put_long(out, (int64_t)n_metadata + 2);
    put_pair(out, STR("avro.schema"), schema_json);
    put_pair(out, STR("avro.codec"), codec == AVRO_CODEC_DEFLATE ? STR("deflate") : STR("null"));
    for (size_t i = 0; i < n_metadata; i++)
        put_pair(out, metadata[i].key, metadata[i].value);
    avro_put_long(out, 0);
    buf_append(out, w->sync, SYNC_BYTES);
    return w;
}

void avro_writer_free(AvroWriter *w)
{
    if (!w)
        return;
    if (w->deflate)
        libdeflate_free_compressor(w->deflate);
    buf_free(&w->block);
    buf_free(&w->compressed);
    free(w);
}

Buf *avro_writer_record(AvroWriter *w) { return &w->block; }

static void flush_block(AvroWriter *w)
{
    Str block = buf_str(&w->block);

    if (w->n_records == 0)
        return;
    if (w->block.overflow)
        w->out->overflow = true;
    if (w->deflate) {
        size_t room = libdeflate_deflate_compress_bound(w->deflate, block.len);
        char *target = buf_reserve(&w->compressed, room);
        if (!target) {
            w->out->overflow = true;
            return;
        }
        w->compressed.len = libdeflate_deflate_compress(w->deflate, block.ptr, block.len, target, room);
        block = buf_str(&w->compressed);
    }
    avro_put_long(w->out, w->n_records);
    avro_put_bytes(w->out, block);
    buf_append(w->out, w->sync, SYNC_BYTES);
    buf_clear(&w->block);
    buf_clear(&w->compressed);
    w->n_records = 0;
}

void avro_writer_end_record(AvroWriter *w)
{
    w->n_records++;
    if (w->block.len >= BLOCK_BYTES)
        flush_block(w);
}

size_t avro_writer_pending(const AvroWriter *w) { return w->block.len; }

int avro_writer_finish(AvroWriter *w, Error *err)
{
    flush_block(w);
    return buf_check(w->out, err);
}
