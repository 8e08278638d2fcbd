/* avro_codec.c - block compression of Avro files: null, deflate, snappy (with its CRC), zstandard. */
#include <stdlib.h>

#include <libdeflate.h>
#include <snappy-c.h>
#include <zstd.h>

#include "format/avro_internal.h"

typedef enum Codec { CODEC_NULL, CODEC_DEFLATE, CODEC_SNAPPY, CODEC_ZSTD } Codec;

struct AvroInflater {
    Codec codec;
    struct libdeflate_decompressor *deflate; /* made when first needed */
    ZSTD_DCtx *zstd;
};

AvroInflater *avro_inflater_new(Str codec)
{
    static const char *const names[] = { "null", "deflate", "snappy", "zstandard" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!str_is(codec, names[i]))
            continue;
        AvroInflater *inflater = calloc(1, sizeof *inflater);
        if (inflater)
            inflater->codec = (Codec)i;
        return inflater;
    }
    return NULL;
}

void avro_inflater_free(AvroInflater *inflater)
{
    if (!inflater)
        return;
    libdeflate_free_decompressor(inflater->deflate);
    ZSTD_freeDCtx(inflater->zstd);
    free(inflater);
}

static int fault(const char **ret_what, const char *what)
{
    *ret_what = what;
    return -1;
}

/* Deflate does not say how long its output is: room is doubled until it fits. */
static int inflate_deflate(AvroInflater *inflater, Str block, Buf *out, const char **ret_what)
{
    size_t room = block.len < 16384 ? 65536 : 4 * block.len;

    if (!inflater->deflate && !(inflater->deflate = libdeflate_alloc_decompressor()))
        return fault(ret_what, "no memory for a decompressor");
    for (;;) {
        size_t n = 0;
        room = room < out->max ? room : out->max;
        char *target = buf_reserve(out, room);
        if (!target)
            return fault(ret_what, "block is too large");
        enum libdeflate_result result =
            libdeflate_deflate_decompress(inflater->deflate, block.ptr, block.len, target, room, &n);
        if (result == LIBDEFLATE_SUCCESS) {
            out->len = n;
            return 0;
        }
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return fault(ret_what, "deflate data is corrupt");
        if (room >= out->max)
            return fault(ret_what, "block is too large");
        room *= 2;
    }
}

static int inflate_snappy(Str block, Buf *out, const char **ret_what)
{
    size_t n;

    if (block.len < 4 || snappy_uncompressed_length(block.ptr, block.len - 4, &n) != SNAPPY_OK)
        return fault(ret_what, "snappy data is corrupt");
    char *target = buf_reserve(out, n);
    if (!target)
        return fault(ret_what, "block is too large");
    if (snappy_uncompress(block.ptr, block.len - 4, target, &n) != SNAPPY_OK)
        return fault(ret_what, "snappy data is corrupt");
    const uint8_t *end = (const uint8_t *)block.ptr + block.len - 4;
    uint32_t crc = (uint32_t)end[0] << 24 | (uint32_t)end[1] << 16 | (uint32_t)end[2] << 8 | end[3];
    if (libdeflate_crc32(0, target, n) != crc)
        return fault(ret_what, "checksum of a block is wrong");
    out->len = n;
    return 0;
}

static int inflate_zstd(AvroInflater *inflater, Str block, Buf *out, const char **ret_what)
{
    ZSTD_inBuffer in = { block.ptr, block.len, 0 };
    size_t result = 1;

    if (!inflater->zstd && !(inflater->zstd = ZSTD_createDCtx()))
        return fault(ret_what, "no memory for a decompressor");
    ZSTD_DCtx_reset(inflater->zstd, ZSTD_reset_session_only);
    while (in.pos < in.size || result != 0) {
        size_t step = ZSTD_DStreamOutSize();
        char *target = buf_reserve(out, step);
        if (!target)
            return fault(ret_what, "block is too large");
        ZSTD_outBuffer to = { target, step, 0 };
        size_t before = in.pos;
        result = ZSTD_decompressStream(inflater->zstd, &to, &in);
        if (ZSTD_isError(result))
            return fault(ret_what, "zstandard data is corrupt");
        out->len += to.pos;
        if (in.pos == before && to.pos == 0)
            return fault(ret_what, "zstandard data ends early");
    }
    return 0;
}

int avro_inflate(AvroInflater *inflater, Str block, Buf *out, const char **ret_what)
{
    buf_clear(out);
    switch (inflater->codec) {
    case CODEC_DEFLATE:
        return inflate_deflate(inflater, block, out, ret_what);
    case CODEC_SNAPPY:
        return inflate_snappy(block, out, ret_what);
    case CODEC_ZSTD:
        return inflate_zstd(inflater, block, out, ret_what);
    default:
        return buf_add(out, block) < 0 ? fault(ret_what, "block is too large") : 0;
    }
}
