/* buf.h - bytes being built, with a stated maximum.
 *
 * A Buf owns its memory (malloc). Appending past the maximum sets `overflow`, drops the bytes and answers -1;
 * it is enough to call buf_check() once at the end. data is never NULL after the first append and ends in
 * NUL. _cleanup_buf_ Buf out = BUF_INIT(1 << 20); */
#pragma once

#include <stdarg.h>

#include "base/str.h"

typedef struct Buf {
    char *data;
    size_t len, cap, max;
    bool overflow;
} Buf;

#define BUF_INIT(max_bytes) ((Buf){ .max = (max_bytes) })
#define _cleanup_buf_ __attribute__((cleanup(buf_free)))

void buf_free(Buf *buf);
static inline void buf_clear(Buf *buf) { buf->len = 0; buf->overflow = false; }
static inline Str buf_str(const Buf *buf) { return (Str){ buf->data ? buf->data : "", buf->len }; }
int buf_append(Buf *buf, const void *bytes, size_t n);
static inline int buf_add(Buf *buf, Str s) { return buf_append(buf, s.ptr, s.len); }
static inline int buf_puts(Buf *buf, const char *c_string)
{
    return buf_append(buf, c_string, strlen(c_string));
}
int buf_putc(Buf *buf, char c);
int buf_printf(Buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(Buf *buf, const char *format, va_list args);
int buf_put_i64(Buf *buf, int64_t value);       /* decimal, fast */
/* Room for n more bytes: pointer to write at, then set len by hand; NULL when over the maximum. */
char *buf_reserve(Buf *buf, size_t n);
void buf_consume(Buf *buf, size_t n);           /* drops the first n bytes */
/* Hands over the memory (free() it); the Buf is empty afterwards. */
char *buf_take(Buf *buf, size_t *ret_len);
int buf_check(const Buf *buf, Error *err);      /* -1 with ERR_LIMIT after an overflow */
