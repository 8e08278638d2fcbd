/* t_language.c - what needs tables of languages and of Unicode: stems (Snowball), normal forms, title case.
 */
#include <libstemmer.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "query/engine/functions/function.h"
#include "query/engine/functions/text.h"

/* ---- stems ---- */

/* Trino's language codes. */
static const struct {
    const char *code, *algorithm;
} languages[] = {
    {"ca", "catalan"},    {"da", "danish"},  {"de", "german"},     {"en", "english"},    {"es", "spanish"},
    {"eu", "basque"},     {"fi", "finnish"}, {"fr", "french"},     {"hu", "hungarian"},  {"hy", "armenian"},
    {"ir", "irish"},      {"it", "italian"}, {"lt", "lithuanian"}, {"nl", "dutch"},      {"no", "norwegian"},
    {"pt", "portuguese"}, {"ro", "romanian"}, {"ru", "russian"},   {"sv", "swedish"},    {"tr", "turkish"},
};

static const char *algorithm_of(Str code)
{
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        if (str_is(code, languages[i].code))
            return languages[i].algorithm;
    return NULL;
}

static void word_stem(Call *c)
{
    struct sb_stemmer *stemmer = NULL;
    const char *current = NULL;
    CALL_ROWS(c, i)
    {
        Str word = arg_str(c, 0, i), code = c->n_in == 2 ? arg_str(c, 1, i) : STR("en");
        const char *algorithm = algorithm_of(code);
        if (!algorithm) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Unknown stemmer language: %.*s", STR_ARG(code));
            break;
        }
        if (algorithm != current) {
            sb_stemmer_delete(stemmer);
            stemmer = sb_stemmer_new(algorithm, "UTF_8");
            current = algorithm;
        }
        if (!stemmer || word.len > INT32_MAX) {
            call_fail(c, ERR_INTERNAL, "No stemmer for %s", algorithm);
            break;
        }
        const sb_symbol *stem = sb_stemmer_stem(stemmer, (const sb_symbol *)word.ptr, (int)word.len);
        if (stem)
            call_put_str(c, i, str_of((const char *)stem, (size_t)sb_stemmer_length(stemmer)));
        else
            call_put_str(c, i, word);
    }
    sb_stemmer_delete(stemmer);
}

/* ---- normal forms ---- */

static const struct {
    const char *name;
    utf8proc_option_t options;
} forms[] = {
    {"NFC", UTF8PROC_STABLE | UTF8PROC_COMPOSE},
    {"NFD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE},
    {"NFKC", UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
    {"NFKD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT},
};

static bool is_ascii(Str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.ptr[i] >= 0x80)
            return false;
    return true;
}

/* A buffer of code points that lives as long as the call. */
typedef struct Points {
    utf8proc_int32_t *items;
    size_t capacity;
} Points;

/* Puts the text's code points; their number, or -1: no memory, or too long. */
static utf8proc_ssize_t decompose(Points *p, Str s, utf8proc_option_t options)
{
    utf8proc_ssize_t n = 0;
    for (int attempt = 0; attempt < 2; attempt++) {
        n = utf8proc_decompose((const utf8proc_uint8_t *)s.ptr, (utf8proc_ssize_t)s.len, p->items,
                               (utf8proc_ssize_t)p->capacity, options);
        if (n < 0 || n >= SCRATCH_BYTES_MAX)
            return -1;
        if ((size_t)n < p->capacity)
            return n; /* one more is free: utf8proc_reencode() ends the text with a NUL */
        free(p->items);
        p->capacity = (size_t)n + 1024;
        p->items = malloc(p->capacity * sizeof *p->items);
        if (!p->items) {
            p->capacity = 0;
            return -1;
        }
    }
    return -1;
}

static void normalize(Call *c)
{
    Points points = {NULL, 0};
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i), form = arg_str(c, 1, i);
        size_t f = 0, n_forms = sizeof forms / sizeof *forms;
        while (f < n_forms && !str_is(form, forms[f].name))
            f++;
        if (f == n_forms) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "Normalization form must be one of [NFD, NFC, NFKD, NFKC]");
            break;
        }
        if (is_ascii(s)) { /* the same in every form */
            call_put_str(c, i, s);
            continue;
        }
        utf8proc_ssize_t n = decompose(&points, s, forms[f].options);
        n = n < 0 ? n : utf8proc_reencode(points.items, n, forms[f].options);
        if (n < 0) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "normalize() of a text that is too long");
            break;
        }
        call_put_str(c, i, str_of((const char *)points.items, (size_t)n));
    }
    free(points.items);
}

/* ---- title case ---- */

static bool is_separator(utf8proc_int32_t point)
{
    utf8proc_category_t category = utf8proc_category(point);
    return (point >= 9 && point <= 13) || category == UTF8PROC_CATEGORY_ZS ||
           category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

/* The first character of each word, as white space parts them, in title case, the others in lower case. */
static void title_case(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        buf_clear(&c->scratch);
        bool first = true;
        for (size_t at = 0; at < s.len;) {
            utf8proc_int32_t point;
            utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)s.ptr + at,
                                                     (utf8proc_ssize_t)(s.len - at), &point);
            if (step <= 0)
                break;
            at += (size_t)step;
            utf8proc_uint8_t text[4];
            point = first ? utf8proc_totitle(point) : utf8proc_tolower(point);
            buf_append(&c->scratch, text, (size_t)utf8proc_encode_char(point, text));
            first = is_separator(point);
        }
        call_put_scratch(c, i);
    }
}

const FunctionDef t_language_functions[] = {
    {"t_word_stem", "s>s", word_stem, 0},
    {"t_word_stem", "ss>s", word_stem, 0},
    {"t_normalize", "ss>s", normalize, 0},
    {"t_title_case", "s>s", title_case, 0},
    {NULL, NULL, NULL, 0},
};
