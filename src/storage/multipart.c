/* multipart.c - see multipart.h. */
#include "storage/multipart.h"

enum { PART_HEAD = 4 + 8 + 1 };

void multipart_put(Buf *table, uint32_t number, int64_t size, Str checksum)
{
    char head[PART_HEAD];
    memcpy(head, &number, 4);
    memcpy(head + 4, &size, 8);
    head[12] = (char)checksum.len;
    buf_append(table, head, sizeof head);
    if (checksum.len)
        buf_add(table, checksum);
}

bool multipart_next(Str table, size_t *position, int64_t *offset, MultipartPart *ret)
{
    if (table.len < PART_HEAD || *position > table.len - PART_HEAD)
        return false;
    const char *head = table.ptr + *position;
    size_t n = (uint8_t)head[12];
    if (n > table.len - *position - PART_HEAD)
        return false;
    memcpy(&ret->number, head, 4);
    memcpy(&ret->size, head + 4, 8);
    ret->offset = *offset;
    ret->checksum = str_of(head + PART_HEAD, n);
    *position += PART_HEAD + n;
    *offset += ret->size;
    return true;
}

size_t multipart_count(Str table)
{
    size_t n = 0, position = 0;
    int64_t offset = 0;
    MultipartPart part;
    while (multipart_next(table, &position, &offset, &part))
        n++;
    return n;
}

bool multipart_part(Str table, size_t i, MultipartPart *ret)
{
    size_t position = 0;
    int64_t offset = 0;
    do {
        if (!multipart_next(table, &position, &offset, ret))
            return false;
    } while (i-- > 0);
    return true;
}
