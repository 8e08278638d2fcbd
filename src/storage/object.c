/* object.c - see object.h. */
#include "storage/object.h"

#include <stdio.h>

size_t object_etag_text(const ObjectInfo *object, char out[OBJECT_ETAG_TEXT])
{
    hex_encode(object->etag, MD5_BYTES, out);
    out[2 * MD5_BYTES] = 0;
    if (object->etag_parts == 0)
        return 2 * MD5_BYTES;
    return 2 * MD5_BYTES +
           (size_t)snprintf(out + 2 * MD5_BYTES, OBJECT_ETAG_TEXT - 2 * MD5_BYTES, "-%u", object->etag_parts);
}

void meta_put(Buf *out, MetaTag tag, Str name, Str value)
{
    if (name.len > UINT16_MAX)
        name.len = UINT16_MAX;
    if (value.len > UINT16_MAX)
        value.len = UINT16_MAX;
    const uint8_t head[5] = {(uint8_t)tag, (uint8_t)name.len, (uint8_t)(name.len >> 8), (uint8_t)value.len,
                             (uint8_t)(value.len >> 8)};
    buf_append(out, head, sizeof head);
    if (name.len)
        buf_add(out, name);
    if (value.len)
        buf_add(out, value);
}

bool meta_next(Str meta, size_t *position, MetaTag *ret_tag, Str *ret_name, Str *ret_value)
{
    if (meta.len < 5 || *position > meta.len - 5)
        return false;
    const uint8_t *head = (const uint8_t *)meta.ptr + *position;
    size_t name_len = (size_t)head[1] | (size_t)head[2] << 8,
           value_len = (size_t)head[3] | (size_t)head[4] << 8;
    if (name_len + value_len > meta.len - *position - 5)
        return false;
    *ret_tag = (MetaTag)head[0];
    *ret_name = str_of((const char *)head + 5, name_len);
    *ret_value = str_of((const char *)head + 5 + name_len, value_len);
    *position += 5 + name_len + value_len;
    return true;
}

Str meta_get(Str meta, MetaTag tag)
{
    MetaTag at;
    Str name, value;
    for (size_t i = 0; meta_next(meta, &i, &at, &name, &value);) {
        if (at == tag)
            return value;
    }
    return STR_NULL;
}

size_t meta_count(Str meta, MetaTag tag)
{
    MetaTag at;
    Str name, value;
    size_t n = 0;
    for (size_t i = 0; meta_next(meta, &i, &at, &name, &value);)
        n += at == tag;
    return n;
}

void meta_copy_without(Buf *out, Str meta, MetaTag tag)
{
    MetaTag at;
    Str name, value;
    for (size_t i = 0; meta_next(meta, &i, &at, &name, &value);) {
        if (at != tag)
            meta_put(out, at, name, value);
    }
}
