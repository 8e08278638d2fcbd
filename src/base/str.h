/* str.h - a borrowed slice of bytes.
 *
 * A Str is passed by value, never owns what it points to and need not end in NUL. Where a value comes from an
 * arena it says so ("arena"), else it is borrowed for the time the comment of the function says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

typedef struct Str {
    const char *ptr;
    size_t len;
} Str;

#define STR(literal) ((Str){ ("" literal ""), sizeof(literal) - 1 })
#define STR_NULL ((Str){ NULL, 0 })
#define STR_ARG(s) ((int)(s).len), ((s).ptr ? (s).ptr : "") /* for "%.*s" */

static inline Str str_from(const char *c_string)
{
    return (Str){c_string, c_string ? strlen(c_string) : 0};
}
static inline Str str_of(const char *ptr, size_t len) { return (Str){ ptr, len }; }
static inline bool str_eq(Str a, Str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline bool str_is(Str a, const char *c_string) { return str_eq(a, str_from(c_string)); }
static inline bool str_is_empty(Str s) { return s.len == 0; }

bool str_eq_nocase(Str a, Str b);                    /* ASCII only */
int str_cmp(Str a, Str b);                           /* memcmp order, shorter first */
bool str_has_prefix(Str s, Str prefix);
bool str_has_suffix(Str s, Str suffix);
Str str_slice(Str s, size_t from, size_t to);        /* clamped to s */
Str str_trim(Str s);                                 /* ASCII blanks and tabs, CR, LF */
ptrdiff_t str_find_char(Str s, char c);              /* index or -1 */
ptrdiff_t str_rfind_char(Str s, char c);
ptrdiff_t str_find(Str s, Str needle);               /* index or -1 */

/* Cuts `s` at the first `separator`: returns what is before it and sets *rest to what is after (ptr NULL when
 * there was none, so `while (rest.ptr)` walks all parts, empty ones too). */
Str str_cut(Str s, char separator, Str *rest);

/* Whole-string decimal integers within [min, max]; no sign but '-', no blanks. 0, or -1 with ERR_BAD_REQUEST.
 */
int str_to_i64(Str s, int64_t min, int64_t max, int64_t *ret, Error *err);
int str_to_u64(Str s, uint64_t max, uint64_t *ret, Error *err);
int str_to_double(Str s, double *ret, Error *err);   /* C locale, whole string */

bool utf8_is_valid(Str s);                           /* no surrogates, no overlong forms, <= U+10FFFF */
size_t utf8_length(Str s);                           /* code points of valid UTF-8 */
/* Decodes one code point at s.ptr: returns its byte length (1-4), or 0 when malformed or s is empty. */
size_t utf8_decode(Str s, uint32_t *ret_code_point);
size_t utf8_encode(uint32_t code_point, char out[4]);

/* Lower-case hexadecimal. `out` has 2 * n bytes (no NUL). */
void hex_encode(const void *bytes, size_t n, char *out);
int hex_decode(Str s, uint8_t *out, size_t n, Error *err);   /* s.len must be 2 * n */

/* Standard base64 with padding; `url` picks the URL alphabet without padding. */
struct Buf;
int base64_encode(Str bytes, bool url, struct Buf *out);
int base64_decode(Str text, bool url, struct Buf *out, Error *err);

/* Percent-decoding of URI paths and queries ('+' is a blank only when `plus` is set); -1 on a malformed
 * escape. */
int percent_decode(Str s, bool plus, struct Buf *out, Error *err);
/* Percent-encodes all but A-Z a-z 0-9 - . _ ~ and, when `keep_slash`, '/'. AWS's UriEncode. */
int percent_encode(Str s, bool keep_slash, struct Buf *out);
