#include "query/connector/deletion_vector.h"

#include <libdeflate.h>
#include <stdio.h>

#include "format/json.h"

enum { COOKIE_PLAIN = 12346, ARRAY_MAX = 4096, BITMAP_BYTES = 8192 };
enum { FIELD_ROW_POSITION = 2147483645 }; /* reserved: _pos */

static const uint8_t vector_magic[] = {0xd1, 0xd3, 0x39, 0x64};
static const char puffin_magic[] = "PFA1";

static void put_le(Buf *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_putc(out, (char)(value >> (8 * i) & 0xff));
}

static void put_be32(Buf *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_putc(out, (char)(value >> shift & 0xff));
}

/* Positions that share all bits above the lowest 16. */
static size_t container_end(const uint64_t *positions, size_t n, size_t from)
{
    size_t to = from;
    while (to < n && positions[to] >> 16 == positions[from] >> 16)
        to++;
    return to;
}

static void put_container(Buf *out, const uint64_t *positions, size_t n)
{
    if (n <= ARRAY_MAX) {
        for (size_t i = 0; i < n; i++)
            put_le(out, positions[i] & 0xffff, 2);
        return;
    }
    uint8_t bits[BITMAP_BYTES] = {0};
    for (size_t i = 0; i < n; i++) {
        unsigned low = (unsigned)(positions[i] & 0xffff);
        bits[low / 8] |= (uint8_t)(1u << (low % 8));
    }
    buf_add(out, str_of((const char *)bits, sizeof bits));
}

/* One 32-bit bitmap: headers, offsets, containers. */
static void put_bitmap(Buf *out, const uint64_t *positions, size_t n)
{
    size_t n_containers = 0, offset;
    for (size_t from = 0; from < n; from = container_end(positions, n, from))
        n_containers++;
    put_le(out, COOKIE_PLAIN, 4);
    put_le(out, n_containers, 4);
    for (size_t from = 0, to; from < n; from = to) {
        to = container_end(positions, n, from);
        put_le(out, positions[from] >> 16 & 0xffff, 2);
        put_le(out, to - from - 1, 2);
    }
    offset = 8 + n_containers * 8;
    for (size_t from = 0, to; from < n; from = to) {
        to = container_end(positions, n, from);
        put_le(out, offset, 4);
        offset += to - from <= ARRAY_MAX ? 2 * (to - from) : BITMAP_BYTES;
    }
    for (size_t from = 0, to; from < n; from = to) {
        to = container_end(positions, n, from);
        put_container(out, positions + from, to - from);
    }
}

static size_t bitmap_end(const uint64_t *positions, size_t n, size_t from)
{
    size_t to = from;
    while (to < n && positions[to] >> 32 == positions[from] >> 32)
        to++;
    return to;
}

int deletion_vector_write(const uint64_t *positions, size_t n, Buf *out, Error *err)
{
    size_t start = out->len, n_bitmaps = 0;
    for (size_t from = 0; from < n; from = bitmap_end(positions, n, from))
        n_bitmaps++;
    put_be32(out, 0);
    buf_add(out, str_of((const char *)vector_magic, sizeof vector_magic));
    put_le(out, n_bitmaps, 8);
    for (size_t from = 0, to; from < n; from = to) {
        to = bitmap_end(positions, n, from);
        put_le(out, positions[from] >> 32, 4);
        put_bitmap(out, positions + from, to - from);
    }
    if (buf_check(out, err))
        return -1;
    uint32_t length = (uint32_t)(out->len - start - 4);
    for (int i = 0; i < 4; i++)
        out->data[start + (size_t)i] = (char)(length >> (24 - 8 * i) & 0xff);
    put_be32(out, libdeflate_crc32(0, out->data + start + 4, length));
    return buf_check(out, err);
}

void puffin_begin(PuffinWriter *w)
{
    buf_puts(&w->out, puffin_magic);
}

int puffin_add_vector(PuffinWriter *w, Str data_file, const uint64_t *positions, size_t n, Error *err)
{
    size_t offset = w->out.len;
    if (deletion_vector_write(positions, n, &w->out, err))
        return -1;
    *vec_push(w->arena, &w->blobs) = (PuffinBlob){data_file, offset, w->out.len - offset, n};
    return 0;
}

static void put_blob(JsonWriter *j, const PuffinBlob *blob)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", blob->cardinality);
    json_object(j);
    json_kv_cstr(j, "type", "deletion-vector-v1");
    json_key(j, "fields");
    json_array(j);
    json_int(j, FIELD_ROW_POSITION);
    json_end_array(j);
    json_kv_int(j, "snapshot-id", -1); /* both are inherited from the manifest */
    json_kv_int(j, "sequence-number", -1);
    json_kv_int(j, "offset", (int64_t)blob->offset);
    json_kv_int(j, "length", (int64_t)blob->length);
    json_key(j, "properties");
    json_object(j);
    json_kv_str(j, "referenced-data-file", blob->data_file);
    json_kv_cstr(j, "cardinality", text);
    json_end_object(j);
    json_end_object(j);
}

int puffin_finish(PuffinWriter *w, Error *err)
{
    buf_puts(&w->out, puffin_magic);
    size_t start = w->out.len;
    JsonWriter j = JSON_WRITER(&w->out);
    json_object(&j);
    json_key(&j, "blobs");
    json_array(&j);
    for (size_t i = 0; i < w->blobs.n; i++)
        put_blob(&j, &w->blobs.items[i]);
    json_end_array(&j);
    json_key(&j, "properties");
    json_object(&j);
    json_kv_cstr(&j, "created-by", "lakehouse");
    json_end_object(&j);
    json_end_object(&j);
    put_le(&w->out, w->out.len - start, 4);
    put_le(&w->out, 0, 4); /* flags: the payload is not compressed */
    buf_puts(&w->out, puffin_magic);
    return buf_check(&w->out, err);
}
