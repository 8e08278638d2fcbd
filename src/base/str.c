/* str.c - slices: comparison, search and numbers. Encodings are in encoding.c. See str.h. */
#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/internal.h"

static inline unsigned char ascii_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

bool str_eq_nocase(Str a, Str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower((unsigned char)a.ptr[i]) != ascii_lower((unsigned char)b.ptr[i]))
            return false;
    return true;
}

int str_cmp(Str a, Str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool str_has_prefix(Str s, Str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_has_suffix(Str s, Str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + (s.len - suffix.len), suffix.ptr, suffix.len) == 0);
}

Str str_slice(Str s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from > to)
        from = to;
    return (Str){ s.ptr ? s.ptr + from : NULL, to - from };
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

Str str_trim(Str s)
{
    size_t from = 0, to = s.len;
    while (from < to && is_blank(s.ptr[from]))
        from++;
    while (to > from && is_blank(s.ptr[to - 1]))
        to--;
    return str_slice(s, from, to);
}

ptrdiff_t str_find_char(Str s, char c)
{
    const char *found = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return found ? found - s.ptr : -1;
}

ptrdiff_t str_rfind_char(Str s, char c)
{
    const char *found = s.len ? memrchr(s.ptr, c, s.len) : NULL;
    return found ? found - s.ptr : -1;
}

ptrdiff_t str_find(Str s, Str needle)
{
    if (needle.len == 0)
        return 0;
    const char *found = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return found ? found - s.ptr : -1;
}

Str str_cut(Str s, char separator, Str *rest)
{
    ptrdiff_t at = str_find_char(s, separator);
    if (at < 0) {
        *rest = STR_NULL;
        return s;
    }
    *rest = (Str){ s.ptr + at + 1, s.len - (size_t)at - 1 };
    return (Str){ s.ptr, (size_t)at };
}

/* Client text in messages is cut: the message is for people, and the text may be a megabyte. */
static int number_error(Str s, const char *expected, Error *err)
{
    Str shown = str_shown(s, 40);
    return err_set(err, ERR_BAD_REQUEST, "\"%.*s\"%s is not %s", STR_ARG(shown), shown.len < s.len ? "…" : "",
                   expected);
}

/* Digits only. false: none, another character, or over UINT64_MAX. */
static bool parse_digits(Str s, uint64_t *ret)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    *ret = value;
    return true;
}

int str_to_i64(Str s, int64_t min, int64_t max, int64_t *ret, Error *err)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t magnitude = 0;
    bool ok = parse_digits(negative ? str_slice(s, 1, s.len) : s, &magnitude) &&
              magnitude <= (uint64_t)INT64_MAX + negative;
    int64_t value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (!ok || value < min || value > max) {
        char expected[80];
        snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)min,
                 (long long)max);
        return number_error(s, expected, err);
    }
    *ret = value;
    return 0;
}

int str_to_u64(Str s, uint64_t max, uint64_t *ret, Error *err)
{
    uint64_t value = 0;
    if (!parse_digits(s, &value) || value > max) {
        char expected[80];
        snprintf(expected, sizeof expected, "a whole number from 0 to %llu", (unsigned long long)max);
        return number_error(s, expected, err);
    }
    *ret = value;
    return 0;
}

/* strtod() takes blanks and hexadecimal too; numbers in the formats we read have neither. */
static bool is_decimal_number(Str s)
{
    size_t i = 0, digits = 0;
    if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+'))
        i++;
    Str word = str_slice(s, i, s.len);
    if (str_eq_nocase(word, STR("nan")) || str_eq_nocase(word, STR("inf")) ||
        str_eq_nocase(word, STR("infinity")))
        return true;
    for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
        digits++;
    if (i < s.len && s.ptr[i] == '.')
        for (i++; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
            digits++;
    if (digits == 0)
        return false;
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        i++;
        if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+'))
            i++;
        size_t from = i;
        while (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9')
            i++;
        if (i == from)
            return false;
    }
    return i == s.len;
}

static locale_t c_locale;

static void c_locale_make(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

int str_to_double(Str s, double *ret, Error *err)
{
    enum { NUMBER_TEXT_MAX = 4096 };   /* a double needs at most 767 significant digits */
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char text[NUMBER_TEXT_MAX];
    if (s.len >= sizeof text || !is_decimal_number(s))
        return number_error(s, "a number", err);
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    pthread_once(&once, c_locale_make);
    char *end = NULL;
    errno = 0;
    double value = c_locale ? strtod_l(text, &end, c_locale) : strtod(text, &end);
    if (end != text + s.len)
        return number_error(s, "a number", err);
    if (errno == ERANGE && isinf(value))
        return number_error(s, "a number within the range of a double", err);
    *ret = value;
    return 0;
}

size_t double_text(double value, char out[DOUBLE_TEXT_MAX])
{
    int n = 0;
    if (isnan(value))
        n = snprintf(out, DOUBLE_TEXT_MAX, "NaN");
    else if (isinf(value))
        n = snprintf(out, DOUBLE_TEXT_MAX, value > 0 ? "+Inf" : "-Inf");
    else if (fabs(value) < 1e15 && value == trunc(value))
        n = snprintf(out, DOUBLE_TEXT_MAX, "%.0f", value);
    else
        for (int digits = 15; digits <= 17; digits++) {
            n = snprintf(out, DOUBLE_TEXT_MAX, "%.*g", digits, value);
            if (strtod(out, NULL) == value)
                break;
        }
    return n > 0 ? (size_t)n : 0;
}
