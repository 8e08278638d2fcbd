/* buf.c - see buf.h. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/internal.h"

void buf_free(Buf *buf)
{
    free(buf->data);
    *buf = (Buf){ .max = buf->max };
}

static char *buf_overflow(Buf *buf)
{
    buf->overflow = true;
    return NULL;
}

/* After an overflow everything is refused until buf_clear(): what follows a hole is worthless. */
char *buf_reserve(Buf *buf, size_t n)
{
    if (buf->overflow || buf->len > buf->max || n > buf->max - buf->len)
        return buf_overflow(buf);
    size_t need = buf->len + n;
    if (need >= SIZE_MAX / 2)
        return buf_overflow(buf);
    if (!buf->data || need + 1 > buf->cap) {
        size_t cap = buf->cap ? buf->cap : 64;
        while (cap < need + 1)
            cap *= 2;
        if (cap / 2 > buf->max)     /* doubling must not pass the maximum by much */
            cap = buf->max + 1;
        if (cap < need + 1)
            cap = need + 1;
        char *data = realloc(buf->data, cap);
        if (!data)
            return buf_overflow(buf);
        buf->data = data;
        buf->cap = cap;
        buf->data[buf->len] = '\0';
    }
    buf->data[need] = '\0';
    return buf->data + buf->len;
}

int buf_append(Buf *buf, const void *bytes, size_t n)
{
    char *to = buf_reserve(buf, n);
    if (!to)
        return -1;
    if (n > 0)
        memcpy(to, bytes, n);
    buf->len += n;
    return 0;
}

int buf_putc(Buf *buf, char c)
{
    if (buf->len + 1 < buf->cap && buf->len < buf->max && !buf->overflow) {
        buf->data[buf->len++] = c;
        buf->data[buf->len] = '\0';
        return 0;
    }
    return buf_append(buf, &c, 1);
}

int buf_vprintf(Buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    size_t room = buf->cap > buf->len ? buf->cap - buf->len : 0;
    int n = vsnprintf(room ? buf->data + buf->len : NULL, room, format, args);
    int result = -1;
    char *to = n < 0 ? buf_overflow(buf) : buf_reserve(buf, (size_t)n);
    if (to) {
        if ((size_t)n >= room)
            vsnprintf(to, (size_t)n + 1, format, again);
        buf->len += (size_t)n;
        result = 0;
    } else if (room) {
        buf->data[buf->len] = '\0';
    }
    va_end(again);
    return result;
}

int buf_printf(Buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int result = buf_vprintf(buf, format, args);
    va_end(args);
    return result;
}

int buf_put_i64(Buf *buf, int64_t value)
{
    char text[20];
    size_t at = sizeof text;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        text[--at] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude);
    if (value < 0)
        text[--at] = '-';
    return buf_append(buf, text + at, sizeof text - at);
}

void buf_consume(Buf *buf, size_t n)
{
    assert(n <= buf->len);
    if (n == 0)
        return;
    buf->len -= n;
    memmove(buf->data, buf->data + n, buf->len);
    buf->data[buf->len] = '\0';
}

char *buf_take(Buf *buf, size_t *ret_len)
{
    if (!buf->data) {
        buf->data = mem_zalloc(1);
        buf->cap = 1;
    }
    char *data = buf->data;
    data[buf->len] = '\0';
    if (ret_len)
        *ret_len = buf->len;
    *buf = (Buf){ .max = buf->max };
    return data;
}

int buf_check(const Buf *buf, Error *err)
{
    if (!buf->overflow)
        return 0;
    return err_set(err, ERR_LIMIT, "more than the allowed %zu bytes", buf->max);
}
