/* internal.h - what the files of base/ share among themselves and nobody else includes. */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* Memory for small things of our own, whose loss nobody could handle: aborts when the machine has none.
 * Zeroed. */
void *mem_zalloc(size_t size);
void *mem_realloc(void *p, size_t size);
_Noreturn void mem_die(size_t size);

enum { DOUBLE_TEXT_MAX = 40 };
/* Shortest decimal text that reads back as the same double; "NaN", "+Inf", "-Inf" as Prometheus writes
 * them. Returns the length; out ends in NUL. */
size_t double_text(double value, char out[DOUBLE_TEXT_MAX]);

/* The largest n' <= n at which valid UTF-8 text may be cut without splitting a code point. */
size_t utf8_cut(const char *text, size_t n);

/* The first bytes of s for a message, at most `max`, cut between code points. */
static inline Str str_shown(Str s, size_t max)
{
    return s.len > max ? str_of(s.ptr, utf8_cut(s.ptr, max)) : s;
}
