/* Upper and lower case, white space, and UTF-8 as bytes. */
#include <locale.h>
#include <pthread.h>
#include <wctype.h>

#include "query/engine/functions/function.h"
#include "query/engine/functions/text.h"

/* Code points whose upper case is more than one code point (Unicode's SpecialCasing.txt, unconditional);
 * lower: one. */
typedef struct Special {
    uint32_t from;
    const char *to;
} Special;
static const Special special_upper[] = {
    {0x00df, "SS"},
    {0x0149, "\u02BCN"},
    {0x01f0, "J\u030C"},
    {0x0390, "\u0399\u0308\u0301"},
    {0x03b0, "\u03A5\u0308\u0301"},
    {0x0587, "\u0535\u0552"},
    {0x1e96, "H\u0331"},
    {0x1e97, "T\u0308"},
    {0x1e98, "W\u030A"},
    {0x1e99, "Y\u030A"},
    {0x1e9a, "A\u02BE"},
    {0xfb00, "FF"},
    {0xfb01, "FI"},
    {0xfb02, "FL"},
    {0xfb03, "FFI"},
    {0xfb04, "FFL"},
    {0xfb05, "ST"},
    {0xfb06, "ST"},
};

/* The C locale knows only ASCII; this one is made once and never freed. */
static locale_t utf8_locale;
static void make_locale(void)
{
    utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}
static locale_t ctype_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_locale);
    return utf8_locale;
}

bool text_is_letter(uint32_t point, uint32_t *ret_upper)
{
    locale_t locale = ctype_locale();
    *ret_upper = locale ? (uint32_t)towupper_l((wint_t)point, locale) : point;
    return locale && iswalpha_l((wint_t)point, locale);
}

static bool is_ascii(Str s)
{
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t w;
        memcpy(&w, s.ptr + i, 8);
        if (w & 0x8080808080808080ULL)
            return false;
    }
    for (; i < s.len; i++)
        if ((uint8_t)s.ptr[i] >= 0x80)
            return false;
    return true;
}

static void map_ascii(Buf *out, Str s, bool upper)
{
    char *p = buf_reserve(out, s.len + 1), first = upper ? 'a' : 'A';
    for (size_t i = 0; p && i < s.len; i++) {
        char ch = s.ptr[i];
        p[i] = (unsigned char)(ch - first) < 26 ? (char)(ch ^ 0x20) : ch;
    }
    out->len += p ? s.len : 0;
}

static const char *find_special(uint32_t point)
{
    for (size_t i = 0; i < sizeof special_upper / sizeof *special_upper; i++)
        if (special_upper[i].from == point)
            return special_upper[i].to;
    return NULL;
}

void text_map_case(Buf *out, Str s, bool upper)
{
    locale_t locale = ctype_locale();
    for (size_t at = 0, step; at < s.len; at += step) {
        uint32_t point;
        char text[4];
        step = utf8_decode(str_slice(s, at, s.len), &point);
        if (step == 0)
            break;
        const char *special = upper ? find_special(point) : NULL;
        if (special) {
            buf_puts(out, special);
            continue;
        }
        if (locale)
            point = (uint32_t)(upper ? towupper_l((wint_t)point, locale) : towlower_l((wint_t)point, locale));
        buf_append(out, text, utf8_encode(point, text));
    }
}

static void change_case(Call *c)
{
    bool upper = c->def->arg;
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        buf_clear(&c->scratch);
        if (is_ascii(s))
            map_ascii(&c->scratch, s, upper);
        else
            text_map_case(&c->scratch, s, upper);
        call_put_scratch(c, i);
    }
}

/* ---- white space ---- */

static bool is_space(uint32_t p)
{
    return (p >= 9 && p <= 13) || (p >= 0x1c && p <= 0x20) || p == 0x1680 ||
           (p >= 0x2000 && p <= 0x200a && p != 0x2007) || p == 0x2028 || p == 0x2029 || p == 0x205f ||
           p == 0x3000;
}

enum { TRIM_LEFT = 1, TRIM_RIGHT = 2 };

static bool in_set(uint32_t point, Str set, bool given)
{
    if (!given)
        return is_space(point);
    for (size_t at = 0, step; at < set.len; at += step) {
        uint32_t member;
        step = utf8_decode(str_slice(set, at, set.len), &member);
        if (step == 0)
            break;
        if (member == point)
            return true;
    }
    return false;
}

static void trim(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i), set = c->n_in == 2 ? arg_str(c, 1, i) : STR("");
        bool given = c->n_in == 2;
        uint32_t point;
        for (size_t step; c->def->arg & TRIM_LEFT && s.len > 0; s = str_slice(s, step, s.len))
            if (!(step = utf8_decode(s, &point)) || !in_set(point, set, given))
                break;
        while (c->def->arg & TRIM_RIGHT && s.len > 0) {
            size_t at = s.len - 1;
            while (at > 0 && !text_is_start(s.ptr[at]))
                at--;
            if (!utf8_decode(str_slice(s, at, s.len), &point) || !in_set(point, set, given))
                break;
            s.len = at;
        }
        call_put_str(c, i, s);
    }
}

/* ---- bytes ---- */

static void copy_bytes(Call *c)
{
    CALL_ROWS(c, i) call_put_str(c, i, arg_str(c, 0, i));
}

/* Bytes that cannot belong to one code point: a start with as many continuations as fit is replaced at once.
 */
static size_t bad_run(Str s)
{
    size_t n = 1, want = (uint8_t)s.ptr[0] >= 0xf0   ? 4
                         : (uint8_t)s.ptr[0] >= 0xe0 ? 3
                         : (uint8_t)s.ptr[0] >= 0xc0 ? 2
                                                     : 1;
    while (n < want && n < s.len && !text_is_start(s.ptr[n]))
        n++;
    return n;
}

static void put_utf8(Buf *out, Str s, Str replacement)
{
    for (size_t step; s.len > 0; s = str_slice(s, step, s.len)) {
        uint32_t point;
        step = utf8_decode(s, &point);
        if (step > 0) {
            buf_append(out, s.ptr, step);
        } else {
            step = bad_run(s);
            buf_add(out, replacement);
        }
    }
}

static void from_utf8(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str replacement = c->n_in == 2 ? arg_str(c, 1, i) : STR("\xef\xbf\xbd");
        if (text_length(replacement) > 1) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "Replacement character string must empty or a single character");
            break;
        }
        buf_clear(&c->scratch);
        put_utf8(&c->scratch, arg_str(c, 0, i), replacement);
        call_put_scratch(c, i);
    }
}

static void from_utf8_point(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t point = ARG(c, 1, int64_t, i);
        char text[4];
        Str bytes = arg_str(c, 0, i);
        uint32_t low = (uint32_t)point; /* as Java casts it */
        if (point > 0x10ffff || (low >= 0xd800 && low < 0xe000)) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid replacement character");
            break;
        }
        bool is_point = low <= 0x10ffff;
        if (!is_point && !utf8_is_valid(bytes)) { /* else it is not asked for */
            call_fail(c, ERR_INTERNAL, "Invalid code point 0x%X", low);
            break;
        }
        buf_clear(&c->scratch);
        put_utf8(&c->scratch, bytes, str_of(text, is_point ? utf8_encode(low, text) : 0));
        call_put_scratch(c, i);
    }
}

const FunctionDef t_unicode_functions[] = {
    {"t_upper", "s>s", change_case, 1},
    {"t_lower", "s>s", change_case, 0},
    {"t_trim", "s>s", trim, TRIM_LEFT | TRIM_RIGHT},
    {"t_trim", "ss>s", trim, TRIM_LEFT | TRIM_RIGHT},
    {"t_ltrim", "s>s", trim, TRIM_LEFT},
    {"t_ltrim", "ss>s", trim, TRIM_LEFT},
    {"t_rtrim", "s>s", trim, TRIM_RIGHT},
    {"t_rtrim", "ss>s", trim, TRIM_RIGHT},
    {"t_to_utf8", "s>x", copy_bytes},
    {"t_from_utf8", "x>s", from_utf8},
    {"t_from_utf8", "xs>s", from_utf8},
    {"t_from_utf8", "x8>s", from_utf8_point},
    {NULL},
};
