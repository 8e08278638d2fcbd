/* Strings, by code points. */
#include <stdlib.h>

#include "query/engine/functions/function.h"
#include "query/engine/functions/text.h"

enum { LEVENSHTEIN_MAX = 10000 }; /* code points of the shorter text; the work is their product */

static void invalid(Call *c, const char *message)
{
    call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s", message);
}

/* ---- parts ---- */

/* Code points [start, start + length) counted from 1; a negative start counts from the end. Bytes when
 * `bytes`. */
static Str slice_points(Str s, int64_t start, int64_t length, bool bytes)
{
    bool ascii = bytes;
    size_t n = bytes ? s.len : text_length(s);
    ascii = ascii || n == s.len;
    int64_t total = (int64_t)n;
    if (start == 0 || length <= 0 || start > total || start < -total)
        return STR("");
    int64_t from = start > 0 ? start - 1 : total + start, to = length > total - from ? total : from + length;
    if (ascii)
        return str_slice(s, (size_t)from, (size_t)to);
    size_t at = text_offset(s, (size_t)from);
    Str rest = str_slice(s, at, s.len);
    return to == total ? rest : str_slice(rest, 0, text_offset(rest, (size_t)(to - from)));
}

static void substr(Call *c)
{
    CALL_ROWS(c, i)
    call_put_str(c, i,
                 slice_points(arg_str(c, 0, i), ARG(c, 1, int64_t, i),
                              c->n_in == 3 ? ARG(c, 2, int64_t, i) : INT64_MAX, c->def->arg));
}

/* Byte offset of the nth occurrence (they may overlap), -1: none. */
static ptrdiff_t find_nth(Str s, Str needle, int64_t n)
{
    size_t from = 0;
    for (;;) {
        ptrdiff_t at = str_find(str_slice(s, from, s.len), needle);
        if (at < 0)
            return -1;
        if (--n == 0)
            return (ptrdiff_t)from + at;
        from += (size_t)at + 1;
    }
}

static ptrdiff_t find_nth_from_end(Str s, Str needle, int64_t n)
{
    if (needle.len > s.len)
        return -1;
    for (size_t at = s.len - needle.len + 1; at-- > 0;)
        if (memcmp(s.ptr + at, needle.ptr, needle.len) == 0 && --n == 0)
            return (ptrdiff_t)at;
    return -1;
}

static void strpos(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i), needle = arg_str(c, 1, i);
        int64_t n = c->n_in == 3 ? ARG(c, 2, int64_t, i) : 1;
        if (n == 0) {
            invalid(c, "'instance' must be a positive or negative number.");
            break;
        }
        if (needle.len == 0) {
            OUT(c, int64_t, i) = 1;
            continue;
        }
        ptrdiff_t at =
            n > 0 ? find_nth(s, needle, n) : find_nth_from_end(s, needle, n == INT64_MIN ? INT64_MAX : -n);
        OUT(c, int64_t, i) = at < 0 ? 0 : (int64_t)text_length(str_slice(s, 0, (size_t)at)) + 1;
    }
}

static void split_part(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i), delimiter = arg_str(c, 1, i);
        int64_t n = ARG(c, 2, int64_t, i);
        if (n <= 0) {
            invalid(c, "Index must be greater than zero");
            break;
        }
        if (delimiter.len == 0) { /* every code point is a part */
            if ((uint64_t)n > text_length(s)) {
                call_set_null(c, i);
                continue;
            }
            size_t at = text_offset(s, (size_t)n - 1);
            call_put_str(c, i, str_slice(s, at, at + (at < s.len ? text_step(s, at) : 0)));
            continue;
        }
        ptrdiff_t at = 0;
        while (n > 1 && (at = str_find(s, delimiter)) >= 0) {
            s = str_slice(s, (size_t)at + delimiter.len, s.len);
            n--;
        }
        if (n > 1) {
            call_set_null(c, i);
            continue;
        }
        at = str_find(s, delimiter);
        call_put_str(c, i, at < 0 ? s : str_slice(s, 0, (size_t)at));
    }
}

static void split(Call *c)
{
    ListOut out = list_out(c);
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i), delimiter = arg_str(c, 1, i);
        int64_t limit = c->n_in == 3 ? ARG(c, 2, int64_t, i) : INT64_MAX;
        const char *bad = limit <= 0                          ? "Limit must be positive"
                          : c->n_in == 3 && limit > INT32_MAX ? "Limit is too large"
                          : delimiter.len == 0                ? "The delimiter may not be the empty string"
                                                              : NULL;
        if (bad) {
            invalid(c, bad);
            break;
        }
        list_out_begin(&out, i);
        ptrdiff_t at;
        for (; limit > 1 && (at = str_find(s, delimiter)) >= 0; limit--) {
            list_out_add(&out, str_slice(s, 0, (size_t)at));
            s = str_slice(s, (size_t)at + delimiter.len, s.len);
        }
        list_out_add(&out, s);
        list_out_end(&out, i);
    }
}

typedef struct MapOut {
    duckdb_vector keys, values;
    size_t n, capacity;
} MapOut;

static bool map_has_key(const MapOut *m, size_t from, Str key)
{
    const duckdb_string_t *keys = duck->vector_get_data(m->keys);
    for (size_t k = from; k < m->n; k++)
        if (str_eq(duckdb_str(&keys[k]), key))
            return true;
    return false;
}

/* Takes the next entry off *s; false: the call failed. */
static bool next_entry(Call *c, Str *s, Str entry_delimiter, Str key_delimiter, Str *ret_key, Str *ret_value)
{
    ptrdiff_t at = str_find(*s, entry_delimiter);
    Str entry = at < 0 ? *s : str_slice(*s, 0, (size_t)at);
    *s = at < 0 ? STR("") : str_slice(*s, (size_t)at + entry_delimiter.len, s->len);
    ptrdiff_t middle = str_find(entry, key_delimiter);
    *ret_value = middle < 0 ? entry : str_slice(entry, (size_t)middle + key_delimiter.len, entry.len);
    if (middle < 0 || str_find(*ret_value, key_delimiter) >= 0) {
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                  "Key-value delimiter must appear exactly once in each entry. Bad input: %s%.*s%s",
                  c->def->arg ? "'" : "", STR_ARG(entry), c->def->arg ? "'" : "");
        return false;
    }
    *ret_key = str_slice(entry, 0, (size_t)middle);
    return true;
}

static bool check_delimiters(Call *c, Str entry_delimiter, Str key_delimiter)
{
    const char *bad = entry_delimiter.len == 0 ? "entryDelimiter is empty"
                      : key_delimiter.len == 0 ? "keyValueDelimiter is empty"
                      : str_eq(entry_delimiter, key_delimiter)
                          ? "entryDelimiter and keyValueDelimiter must not be the same"
                          : NULL;
    if (bad)
        invalid(c, bad);
    return !bad;
}

/* One row's entries; false: the call failed. */
static bool split_entries(Call *c, MapOut *m, Str s, Str entry_delimiter, Str key_delimiter)
{
    size_t from = m->n;
    while (s.len > 0) {
        Str key, value;
        if (!next_entry(c, &s, entry_delimiter, key_delimiter, &key, &value))
            return false;
        if (map_has_key(m, from, key)) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Duplicate keys (%.*s) are not allowed",
                      STR_ARG(key));
            return false;
        }
        if (m->n == m->capacity) {
            m->capacity = m->capacity ? m->capacity * 2 : 1024;
            duck->list_vector_reserve(c->out, m->capacity);
        }
        duck->vector_assign_string_element_len(m->keys, m->n, key.ptr, key.len);
        duck->vector_assign_string_element_len(m->values, m->n++, value.ptr, value.len);
    }
    return true;
}

static void split_to_map(Call *c)
{
    duckdb_vector child = duck->list_vector_get_child(c->out);
    MapOut m = {duck->struct_vector_get_child(child, 0), duck->struct_vector_get_child(child, 1), 0, 0};
    CALL_ROWS(c, i)
    {
        Str entry_delimiter = arg_str(c, 1, i), key_delimiter = arg_str(c, 2, i);
        if (!check_delimiters(c, entry_delimiter, key_delimiter))
            break;
        size_t from = m.n;
        if (split_entries(c, &m, arg_str(c, 0, i), entry_delimiter, key_delimiter))
            OUT(c, duckdb_list_entry, i) = (duckdb_list_entry){from, m.n - from};
    }
    duck->list_vector_set_size(c->out, m.n);
}

/* split_to_multimap's entries: [key, value] each, of any keys. */
static void split_pairs(Call *c)
{
    ListOut out = list_out(c);
    duckdb_vector pairs = out.child, texts = duck->list_vector_get_child(pairs);
    size_t n = 0;
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i), entry_delimiter = arg_str(c, 1, i), key_delimiter = arg_str(c, 2, i);
        size_t from = n;
        if (!check_delimiters(c, entry_delimiter, key_delimiter))
            break;
        while (s.len > 0) {
            Str key, value;
            if (!next_entry(c, &s, entry_delimiter, key_delimiter, &key, &value))
                return;
            duck->list_vector_reserve(c->out, n + 1);
            duck->list_vector_reserve(pairs, 2 * n + 2);
            duck->vector_assign_string_element_len(texts, 2 * n, key.ptr ? key.ptr : "", key.len);
            duck->vector_assign_string_element_len(texts, 2 * n + 1, value.ptr ? value.ptr : "", value.len);
            ((duckdb_list_entry *)duck->vector_get_data(pairs))[n] = (duckdb_list_entry){2 * n, 2};
            n++;
            duck->list_vector_set_size(pairs, 2 * n);
            duck->list_vector_set_size(c->out, n);
        }
        OUT(c, duckdb_list_entry, i) = (duckdb_list_entry){from, n - from};
    }
}

/* ---- built texts ---- */

enum { PAD_LEFT = 1, PAD_BYTES = 2 };

static size_t units(Str s, bool bytes)
{
    return bytes ? s.len : text_length(s);
}
static size_t unit_offset(Str s, size_t n, bool bytes)
{
    return bytes ? (n < s.len ? n : s.len) : text_offset(s, n);
}

static void pad(Call *c)
{
    bool left = c->def->arg & PAD_LEFT, bytes = c->def->arg & PAD_BYTES;
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i), with = arg_str(c, 2, i);
        int64_t want = ARG(c, 1, int64_t, i);
        const char *bad =
            want < 0 || want > INT32_MAX ? "Target length must be in the range [0..2147483647]"
            : with.len == 0 ? (bytes ? "Padding bytes must not be empty" : "Padding string must not be empty")
                            : NULL;
        if (bad) {
            invalid(c, bad);
            break;
        }
        size_t n = units(s, bytes), total = (size_t)want;
        if (n >= total) {
            call_put_str(c, i, str_slice(s, 0, unit_offset(s, total, bytes)));
            continue;
        }
        buf_clear(&c->scratch);
        if (!left)
            buf_add(&c->scratch, s);
        size_t missing = total - n, unit = units(with, bytes);
        for (; missing >= unit && !c->scratch.overflow; missing -= unit)
            buf_add(&c->scratch, with);
        buf_add(&c->scratch, str_slice(with, 0, unit_offset(with, missing % unit, bytes)));
        if (left)
            buf_add(&c->scratch, s);
        call_put_scratch(c, i);
    }
}

static void replace(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i), search = arg_str(c, 1, i), with = c->n_in == 3 ? arg_str(c, 2, i) : STR("");
        buf_clear(&c->scratch);
        if (search.len == 0) {
            for (size_t at = 0, step; at < s.len; at += step) {
                step = text_step(s, at);
                buf_add(&c->scratch, with);
                buf_append(&c->scratch, s.ptr + at, step);
            }
            buf_add(&c->scratch, with);
        } else {
            for (ptrdiff_t at; (at = str_find(s, search)) >= 0;
                 s = str_slice(s, (size_t)at + search.len, s.len)) {
                buf_append(&c->scratch, s.ptr, (size_t)at);
                buf_add(&c->scratch, with);
            }
            buf_add(&c->scratch, s);
        }
        call_put_scratch(c, i);
    }
}

static void reverse(Call *c)
{
    bool bytes = c->def->arg;
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        buf_clear(&c->scratch);
        char *p = buf_reserve(&c->scratch, s.len + 1);
        for (size_t at = 0, step; p && at < s.len; at += step) {
            step = bytes ? 1 : text_step(s, at);
            memcpy(p + s.len - at - step, s.ptr + at, step);
        }
        c->scratch.len = p ? s.len : 0;
        call_put_scratch(c, i);
    }
}

/* The first code point of `from` at this place decides; those beyond the end of `to` are dropped. */
static void translate(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i), from = arg_str(c, 1, i), to = arg_str(c, 2, i);
        buf_clear(&c->scratch);
        for (size_t at = 0, step; at < s.len; at += step) {
            step = text_step(s, at);
            Str point = str_slice(s, at, at + step);
            size_t index = 0, k = 0;
            for (size_t width; k < from.len; k += width, index++) {
                width = text_step(from, k);
                if (str_eq(point, str_slice(from, k, k + width)))
                    break;
            }
            if (k >= from.len) {
                buf_add(&c->scratch, point);
                continue;
            }
            size_t target = text_offset(to, index);
            if (target < to.len)
                buf_append(&c->scratch, to.ptr + target, text_step(to, target));
        }
        call_put_scratch(c, i);
    }
}

static void chr(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t v = ARG(c, 0, int64_t, i);
        char text[4];
        if (v < 0 || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Not a valid Unicode code point: %lld", (long long)v);
        else
            call_put_str(c, i, str_of(text, utf8_encode((uint32_t)v, text)));
    }
}

static void codepoint(Call *c)
{
    CALL_ROWS(c, i)
    {
        uint32_t v = 0;
        Str s = arg_str(c, 0, i);
        size_t n = utf8_decode(s, &v);
        if (n == 0 || n != s.len)
            invalid(c, "Input string must be a single character string");
        OUT(c, int32_t, i) = (int32_t)v;
    }
}

static void concat_ws(Call *c)
{
    duckdb_vector child = duck->list_vector_get_child(c->in[1].vector);
    const duckdb_string_t *items = duck->vector_get_data(child);
    const uint64_t *validity = duck->vector_get_validity(child);
    CALL_ROWS(c, i)
    {
        duckdb_list_entry e = ARG(c, 1, duckdb_list_entry, i);
        bool first = true;
        buf_clear(&c->scratch);
        for (uint64_t k = e.offset; k < e.offset + e.length; k++) {
            if (!duckdb_is_valid(validity, k))
                continue;
            if (!first)
                buf_add(&c->scratch, arg_str(c, 0, i));
            first = false;
            buf_add(&c->scratch, duckdb_str(&items[k]));
        }
        call_put_scratch(c, i);
    }
}

/* ---- listagg ---- */

/* What Trino lets one value of listagg be. */
enum { LISTAGG_MAX_BYTES = 1 << 20, LISTAGG_FILLER_MAX_BYTES = 65536 };

static void listagg_fits(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str text = arg_str(c, 0, i);
        if (text.len > LISTAGG_MAX_BYTES)
            call_fail(c, ERR_EXCEEDED_FUNCTION_MEMORY_LIMIT,
                      "Concatenated string has the length in bytes larger than the maximum output length %d",
                      LISTAGG_MAX_BYTES);
        else
            call_put_str(c, i, text);
    }
}

/* The entries until one does not fit, then the filler and, if wanted, how many are left out. */
static void listagg_truncate_row(Call *c, size_t i, const duckdb_string_t *items, const uint64_t *validity)
{
    duckdb_list_entry e = ARG(c, 0, duckdb_list_entry, i);
    Str separator = arg_str(c, 1, i);
    size_t entries = 0, written = 0, size = 0;
    bool is_full = false;
    buf_clear(&c->scratch);
    for (uint64_t k = e.offset; k < e.offset + e.length; k++) {
        if (!duckdb_is_valid(validity, k))
            continue;
        Str item = duckdb_str(&items[k]);
        entries++;
        size += item.len + (written ? separator.len : 0);
        is_full = is_full || size > LISTAGG_MAX_BYTES;
        if (is_full)
            continue;
        buf_add(&c->scratch, written++ ? separator : STR(""));
        buf_add(&c->scratch, item);
    }
    if (entries == 0) {
        call_set_null(c, i);
        return;
    }
    if (is_full) {
        buf_add(&c->scratch, written ? separator : STR(""));
        buf_add(&c->scratch, arg_str(c, 2, i));
        if (ARG(c, 3, bool, i))
            buf_printf(&c->scratch, "(%zu)", entries - written);
    }
    call_put_scratch(c, i);
}

static void listagg_truncate(Call *c)
{
    duckdb_vector child = duck->list_vector_get_child(c->in[0].vector);
    const duckdb_string_t *items = duck->vector_get_data(child);
    const uint64_t *validity = duck->vector_get_validity(child);
    CALL_ROWS(c, i)
    {
        Str filler = arg_str(c, 2, i);
        if (filler.len > LISTAGG_FILLER_MAX_BYTES)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "Overflow filler length %zu exceeds maximum length %d", filler.len,
                      LISTAGG_FILLER_MAX_BYTES);
        else
            listagg_truncate_row(c, i, items, validity);
    }
}

/* ---- distances and checks ---- */

static uint32_t *code_points(Str s, size_t *ret_n)
{
    uint32_t *points = malloc((s.len + 1) * sizeof *points);
    size_t n = 0;
    for (size_t at = 0; points && at < s.len; n++)
        at += utf8_decode(str_slice(s, at, s.len), &points[n]);
    *ret_n = n;
    return points;
}

static int64_t levenshtein(const uint32_t *a, size_t na, const uint32_t *b, size_t nb, int32_t *row)
{
    for (size_t k = 0; k <= nb; k++)
        row[k] = (int32_t)k;
    for (size_t i = 0; i < na; i++) {
        int32_t diagonal = row[0];
        row[0] = (int32_t)i + 1;
        for (size_t k = 0; k < nb; k++) {
            int32_t best = diagonal + (a[i] != b[k]);
            best = row[k] + 1 < best ? row[k] + 1 : best;
            diagonal = row[k + 1];
            row[k + 1] = diagonal + 1 < best ? diagonal + 1 : best;
        }
    }
    return row[nb];
}

static void levenshtein_distance(Call *c)
{
    CALL_ROWS(c, i)
    {
        size_t na, nb;
        uint32_t *a = code_points(arg_str(c, 0, i), &na), *b = code_points(arg_str(c, 1, i), &nb);
        int32_t *row = malloc((nb + 1) * sizeof *row);
        if (!a || !b || !row || (na < nb ? na : nb) > LEVENSHTEIN_MAX)
            invalid(c, "The combined inputs for Levenshtein distance are too large");
        else
            OUT(c, int64_t, i) = levenshtein(a, na, b, nb, row);
        free(a);
        free(b);
        free(row);
    }
}

static void hamming_distance(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str a = arg_str(c, 0, i), b = arg_str(c, 1, i);
        int64_t n = 0;
        size_t at = 0, bt = 0;
        while (at < a.len && bt < b.len) {
            size_t sa = text_step(a, at), sb = text_step(b, bt);
            n += !str_eq(str_slice(a, at, at + sa), str_slice(b, bt, bt + sb));
            at += sa;
            bt += sb;
        }
        if (at < a.len || bt < b.len)
            invalid(c, "The input strings to hamming_distance function must have the same length");
        OUT(c, int64_t, i) = n;
    }
}

/* A letter that is not Latin fails the call; other characters do not count. */
static bool soundex_unmapped(Call *c, Str s)
{
    uint32_t point = 0, upper;
    char text[4];
    utf8_decode(s, &point);
    if (!text_is_letter(point, &upper))
        return false;
    int n = (int)utf8_encode(upper, text);
    call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "The character is not mapped: %.*s (index=%d)", n, text,
              (int)upper - 'A');
    return true;
}

static void soundex(Call *c)
{
    static const char codes[] = "01230120022455012623010202";
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        char text[4] = {'0', '0', '0', '0'};
        size_t n = 0;
        char last = 0;
        for (size_t k = 0; k < s.len && n < 4; k++) {
            char ch = s.ptr[k], up = ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch;
            if ((uint8_t)ch >= 0xc0 && soundex_unmapped(c, str_slice(s, k, s.len)))
                break;
            if (up < 'A' || up > 'Z')
                continue;
            char code = codes[up - 'A'];
            if (n == 0)
                text[n++] = up;
            else if (code != '0' && code != last)
                text[n++] = code;
            if (up != 'H' && up != 'W') /* these do not part equal codes */
                last = code;
        }
        call_put_str(c, i, n == 0 ? STR("") : str_of(text, 4));
    }
}

static void luhn_check(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        int sum = 0;
        for (size_t k = s.len, place = 0; k-- > 0; place++) {
            int digit = s.ptr[k] - '0';
            if (digit < 0 || digit > 9) {
                invalid(c, "Input contains non-digit character");
                break;
            }
            digit = place % 2 ? digit * 2 : digit;
            sum += digit > 9 ? digit - 9 : digit;
        }
        OUT(c, bool, i) = s.len > 0 && sum % 10 == 0;
    }
}

const FunctionDef t_string_functions[] = {
    {"t_substr", "s8>s", substr, 0},
    {"t_substr", "s88>s", substr, 0},
    {"t_blob_substr", "x8>x", substr, 1},
    {"t_blob_substr", "x88>x", substr, 1},
    {"t_strpos", "ss>8", strpos},
    {"t_strpos", "ss8>8", strpos},
    {"t_split_part", "ss8>s", split_part},
    {"t_split", "ss>S", split},
    {"t_split", "ss8>S", split},
    {"t_split_to_map", "sss>M", split_to_map, 1}, /* its message quotes the entry */
    {"t_split_pairs", "sss>G", split_pairs},
    {"t_lpad", "s8s>s", pad, PAD_LEFT},
    {"t_lpad", "x8x>x", pad, PAD_LEFT | PAD_BYTES},
    {"t_rpad", "s8s>s", pad, 0},
    {"t_rpad", "x8x>x", pad, PAD_BYTES},
    {"t_replace", "ss>s", replace},
    {"t_replace", "sss>s", replace},
    {"t_reverse", "s>s", reverse, 0},
    {"t_reverse", "x>x", reverse, 1},
    {"t_translate", "sss>s", translate},
    {"t_chr", "8>s", chr},
    {"t_codepoint", "s>4", codepoint},
    {"t_concat_ws", "sS>s", concat_ws},
    {"t_listagg_fits", "s>s", listagg_fits},
    {"t_listagg_truncate", "Sssb>s", listagg_truncate},
    {"t_levenshtein_distance", "ss>8", levenshtein_distance},
    {"t_hamming_distance", "ss>8", hamming_distance},
    {"t_soundex", "s>s", soundex},
    {"t_luhn_check", "s>b", luhn_check},
    {NULL},
};
