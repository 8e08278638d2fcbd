/* text.h - UTF-8 by code points, and parsers of text that several files of functions share. */
#pragma once

#include "base/buf.h"
#include "query/engine/encode_number.h"

/* DuckDB's texts are valid UTF-8: a code point starts at every byte that is no continuation. */
static inline bool text_is_start(char c)
{
    return ((uint8_t)c & 0xc0) != 0x80;
}
static inline size_t text_length(Str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += text_is_start(s.ptr[i]);
    return n;
}
/* Byte offset of code point `n` (from 0); s.len when there are not so many. */
static inline size_t text_offset(Str s, size_t n)
{
    size_t i = 0;
    for (; i < s.len; i++)
        if (text_is_start(s.ptr[i]) && n-- == 0)
            break;
    return i;
}
/* Bytes of the code point at byte i. */
static inline size_t text_step(Str s, size_t i)
{
    size_t n = 1;
    while (i + n < s.len && !text_is_start(s.ptr[i + n]))
        n++;
    return n;
}

bool text_is_letter(uint32_t point, uint32_t *ret_upper);
void text_map_case(Buf *out, Str s, bool upper); /* full Unicode mapping */
bool parse_java_double(Str s, bool is_float, double *ret);
int parse_decimal(Str s, int scale, bool *ret_negative, uint128 *ret);
