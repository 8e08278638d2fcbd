/* Regular expressions: PCRE2, whose syntax is nearest to Trino's (Joni, Java's syntax), with limits on the
 * steps of a match. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "query/engine/functions/function.h"
#include "query/engine/functions/text.h"

enum { MATCH_STEPS_MAX = 10000000, MATCH_HEAP_KIB = 65536, PATTERN_BYTES_MAX = 65536, GROUPS_MAX = 100 };

/* The pattern of the row at hand; compiled again only when its text changes. */
typedef struct Regexp {
    Str text;
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
    uint32_t n_groups;
} Regexp;

static void regexp_free(Regexp *r)
{
    pcre2_match_data_free(r->match);
    pcre2_code_free(r->code);
    pcre2_match_context_free(r->context);
}
#define _cleanup_regexp_ __attribute__((cleanup(regexp_free)))

static void fail_compile(Call *c, int code)
{
    static const struct {
        int code;
        const char *text;
    } known[] = {
        /* as Joni says it */
        {PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS, "end pattern with unmatched parenthesis"},
        {PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS, "unmatched close parenthesis"},
        {PCRE2_ERROR_MISSING_SQUARE_BRACKET, "premature end of char-class"},
        {PCRE2_ERROR_QUANTIFIER_INVALID, "target of repeat operator is not specified"},
        {PCRE2_ERROR_END_BACKSLASH, "end pattern at escape"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == code) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s", known[i].text);
            return;
        }
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(code, text, sizeof text);
    call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s", (const char *)text);
}

/* What Joni reads otherwise than PCRE2: \w, \d and \s are of ASCII alone (\p{Alpha} and \b are not),
 * \h is the letter, and \p{…} knows the names of POSIX. */
static const struct {
    char letter;
    const char *members; /* of a class */
} joni_escapes[] = {
    {'w', "A-Za-z0-9_"},
    {'W', "\\x{0}-/:-@\\[-\\^`{-\\x{10ffff}"},
    {'d', "0-9"},
    {'D', "\\x{0}-/:-\\x{10ffff}"},
    {'s', "\\t-\\r "},
    {'S', "\\x{0}-\\x{8}\\x{e}-\\x{1f}!-\\x{10ffff}"},
    {'h', "h"},
    {'H', "H"},
};
static const char *const posix_classes[] = {"alnum", "blank", "cntrl", "digit", "graph",
                                            "print", "punct", "xdigit", NULL};

/* "\p{Digit}" at the front of `s`: its length, or 0. */
static size_t posix_class(Str s, bool in_class, Buf *out)
{
    ptrdiff_t end = str_find_char(s, '}');
    if (s.len < 4 || (s.ptr[1] != 'p' && s.ptr[1] != 'P') || s.ptr[2] != '{' || end < 0)
        return 0;
    bool turned = s.ptr[1] == 'P' || s.ptr[3] == '^';
    Str name = str_slice(s, 3 + (s.ptr[3] == '^'), (size_t)end);
    for (size_t i = 0; posix_classes[i]; i++) {
        if (!str_eq_nocase(name, str_from(posix_classes[i])))
            continue;
        buf_printf(out, in_class ? "[:%s%s:]" : "[[:%s%s:]]", turned ? "^" : "", posix_classes[i]);
        return (size_t)end + 1;
    }
    return 0;
}

/* An escape at the front of `s`: how much of it was read. */
static size_t translate_escape(Str s, bool in_class, Buf *out)
{
    size_t taken = posix_class(s, in_class, out);
    if (taken)
        return taken;
    if (str_has_prefix(s, STR("\\Q"))) {
        ptrdiff_t end = str_find(s, STR("\\E"));
        size_t n = end < 0 ? s.len : (size_t)end + 2;
        buf_append(out, s.ptr, n);
        return n;
    }
    for (size_t i = 0; s.len > 1 && i < sizeof joni_escapes / sizeof *joni_escapes; i++) {
        if (joni_escapes[i].letter != s.ptr[1])
            continue;
        buf_printf(out, in_class ? "%s" : "[%s]", joni_escapes[i].members);
        return 2;
    }
    size_t n = s.len < 2 ? s.len : 2;
    buf_append(out, s.ptr, n);
    return n;
}

static void translate(Str pattern, Buf *out)
{
    size_t class_from = 0; /* where the class that is open started; 0: none */
    for (size_t i = 0; i < pattern.len;) {
        Str rest = str_slice(pattern, i, pattern.len);
        if (rest.ptr[0] == '\\') {
            i += translate_escape(rest, class_from > 0, out);
            continue;
        }
        bool is_first =
            class_from > 0 && (i == class_from || (i == class_from + 1 && pattern.ptr[i - 1] == '^'));
        ptrdiff_t posix_end = class_from && str_has_prefix(rest, STR("[:")) ? str_find(rest, STR(":]")) : -1;
        if (posix_end >= 0) {
            buf_append(out, rest.ptr, (size_t)posix_end + 2);
            i += (size_t)posix_end + 2;
            continue;
        }
        if (rest.ptr[0] == '[' && !class_from)
            class_from = i + 1;
        else if (rest.ptr[0] == ']' && class_from && !is_first)
            class_from = 0;
        buf_putc(out, rest.ptr[0]);
        i++;
    }
}

/* false: the call failed. */
static bool compile(Call *c, Regexp *r, Str pattern)
{
    if (r->code && str_eq(r->text, pattern))
        return true;
    int code;
    size_t position;
    regexp_free(r);
    *r = (Regexp){.text = pattern};
    if (pattern.len > PATTERN_BYTES_MAX) {
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Pattern is longer than %d bytes", PATTERN_BYTES_MAX);
        return false;
    }
    _cleanup_buf_ Buf joni = BUF_INIT(32 * PATTERN_BYTES_MAX);
    translate(pattern, &joni);
    r->code = pcre2_compile((PCRE2_SPTR)(joni.len ? joni.data : ""), joni.len,
                            PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_DUPNAMES, &code,
                            &position, NULL);
    if (!r->code) {
        fail_compile(c, code);
        return false;
    }
    pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
    pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->n_groups);
    r->match = pcre2_match_data_create_from_pattern(r->code, NULL);
    r->context = pcre2_match_context_create(NULL);
    if (!r->match || !r->context || r->n_groups > GROUPS_MAX) {
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Pattern has more than %d groups", GROUPS_MAX);
        return false;
    }
    pcre2_set_match_limit(r->context, MATCH_STEPS_MAX);
    pcre2_set_heap_limit(r->context, MATCH_HEAP_KIB);
    return true;
}

typedef struct Match {
    size_t from, to;
} Match; /* byte offsets */

/* The next match at or after `from`. */
static bool find(Call *c, const Regexp *r, Str s, size_t from, Match *ret)
{
    if (from > s.len)
        return false;
    int n = pcre2_match(r->code, (PCRE2_SPTR)(s.ptr ? s.ptr : ""), s.len, from, PCRE2_NO_UTF_CHECK, r->match,
                        r->context);
    if (n == PCRE2_ERROR_NOMATCH)
        return false;
    if (n < 0) {
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                  "Regular expression matching exceeded the limit of %d steps", MATCH_STEPS_MAX);
        return false;
    }
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(r->match);
    *ret = (Match){v[0], v[1] > v[0] ? v[1] : v[0]};
    return true;
}

/* Where to look after a match: an empty one moves on by a code point. */
static size_t next_from(Str s, Match m)
{
    if (m.to > m.from)
        return m.to;
    return m.to < s.len ? m.to + text_step(s, m.to) : s.len + 1;
}

static bool group_of(const Regexp *r, Str s, uint32_t group, Str *ret)
{
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(r->match);
    if (v[2 * group] == PCRE2_UNSET)
        return false;
    *ret = str_slice(s, v[2 * group], v[2 * group + 1]);
    if (!ret->ptr)
        *ret = STR("");
    return true;
}

static bool check_group(Call *c, const Regexp *r, int64_t group)
{
    if (group < 0)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Group cannot be negative");
    else if (group > r->n_groups)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Pattern has %u groups. Cannot access group %lld",
                  r->n_groups, (long long)group);
    return !c->failed;
}

static void like(Call *c)
{
    _cleanup_regexp_ Regexp r = {.code = NULL};
    CALL_ROWS(c, i)
    {
        Match m;
        if (compile(c, &r, arg_str(c, 1, i)))
            OUT(c, bool, i) = find(c, &r, arg_str(c, 0, i), 0, &m);
    }
}

static void extract(Call *c)
{
    _cleanup_regexp_ Regexp r = {.code = NULL};
    CALL_ROWS(c, i)
    {
        Match m;
        Str s = arg_str(c, 0, i), part;
        int64_t group = c->n_in == 3 ? ARG(c, 2, int64_t, i) : 0;
        if (!compile(c, &r, arg_str(c, 1, i)) || !check_group(c, &r, group))
            break;
        if (find(c, &r, s, 0, &m) && group_of(&r, s, (uint32_t)group, &part))
            call_put_str(c, i, part);
        else
            call_set_null(c, i);
    }
}

static void extract_all(Call *c)
{
    _cleanup_regexp_ Regexp r = {.code = NULL};
    ListOut out = list_out(c);
    CALL_ROWS(c, i)
    {
        Match m;
        Str s = arg_str(c, 0, i), part;
        int64_t group = c->n_in == 3 ? ARG(c, 2, int64_t, i) : 0;
        if (!compile(c, &r, arg_str(c, 1, i)) || !check_group(c, &r, group))
            break;
        list_out_begin(&out, i);
        for (size_t from = 0; find(c, &r, s, from, &m); from = next_from(s, m)) {
            if (group_of(&r, s, (uint32_t)group, &part))
                list_out_add(&out, part);
            else
                list_out_add_null(&out);
        }
        list_out_end(&out, i);
    }
}

static void split(Call *c)
{
    _cleanup_regexp_ Regexp r = {.code = NULL};
    ListOut out = list_out(c);
    CALL_ROWS(c, i)
    {
        Match m;
        Str s = arg_str(c, 0, i);
        size_t start = 0;
        if (!compile(c, &r, arg_str(c, 1, i)))
            break;
        list_out_begin(&out, i);
        for (size_t from = 0; find(c, &r, s, from, &m); from = next_from(s, m)) {
            list_out_add(&out, str_slice(s, start, m.from));
            start = m.to;
        }
        list_out_add(&out, str_slice(s, start, s.len));
        list_out_end(&out, i);
    }
}

/* The groups of every match: for lambdas. */
static void groups(Call *c)
{
    _cleanup_regexp_ Regexp r = {.code = NULL};
    ListOut out = list_out(c);
    duckdb_vector matches = out.child, texts = duck->list_vector_get_child(matches);
    size_t n_matches = 0, n_texts = 0;
    CALL_ROWS(c, i)
    {
        Match m;
        Str s = arg_str(c, 0, i), part;
        size_t first = n_matches;
        if (!compile(c, &r, arg_str(c, 1, i)))
            break;
        for (size_t from = 0; find(c, &r, s, from, &m); from = next_from(s, m)) {
            size_t start = n_texts;
            duck->list_vector_reserve(c->out, n_matches + 1);
            duck->list_vector_reserve(matches, n_texts + r.n_groups);
            for (uint32_t g = 1; g <= r.n_groups; g++, n_texts++) {
                if (group_of(&r, s, g, &part)) {
                    duck->vector_assign_string_element_len(texts, n_texts, part.ptr, part.len);
                } else {
                    duck->vector_ensure_validity_writable(texts);
                    duck->vector_get_validity(texts)[n_texts >> 6] &= ~(1ULL << (n_texts & 63));
                }
            }
            ((duckdb_list_entry *)duck->vector_get_data(matches))[n_matches++] =
                (duckdb_list_entry){start, n_texts - start};
            duck->list_vector_set_size(matches, n_texts);
            duck->list_vector_set_size(c->out, n_matches);
        }
        OUT(c, duckdb_list_entry, i) = (duckdb_list_entry){first, n_matches - first};
    }
}

/* The texts between matches, with a replacement between each two; NULL when a replacement is. */
static void weave(Call *c)
{
    duckdb_vector lists[2] = {duck->list_vector_get_child(c->in[0].vector),
                              duck->list_vector_get_child(c->in[1].vector)};
    const duckdb_string_t *texts[2] = {duck->vector_get_data(lists[0]), duck->vector_get_data(lists[1])};
    const uint64_t *validity = duck->vector_get_validity(lists[1]);
    CALL_ROWS(c, i)
    {
        duckdb_list_entry between = ARG(c, 0, duckdb_list_entry, i), by = ARG(c, 1, duckdb_list_entry, i);
        bool null = false;
        buf_clear(&c->scratch);
        for (size_t k = 0; k < between.length; k++) {
            buf_add(&c->scratch, duckdb_str(&texts[0][between.offset + k]));
            if (k >= by.length)
                continue;
            null = null || !duckdb_is_valid(validity, by.offset + k);
            if (!null)
                buf_add(&c->scratch, duckdb_str(&texts[1][by.offset + k]));
        }
        if (null)
            call_set_null(c, i);
        else
            call_put_scratch(c, i);
    }
}

static void count(Call *c)
{
    _cleanup_regexp_ Regexp r = {.code = NULL};
    CALL_ROWS(c, i)
    {
        Match m;
        Str s = arg_str(c, 0, i);
        int64_t n = 0;
        if (!compile(c, &r, arg_str(c, 1, i)))
            break;
        for (size_t from = 0; find(c, &r, s, from, &m); from = next_from(s, m))
            n++;
        OUT(c, int64_t, i) = n;
    }
}

static void position(Call *c)
{
    _cleanup_regexp_ Regexp r = {.code = NULL};
    CALL_ROWS(c, i)
    {
        Match m = {0, 0};
        Str s = arg_str(c, 0, i);
        int64_t start = c->n_in >= 3 ? ARG(c, 2, int64_t, i) : 1,
                nth = c->n_in == 4 ? ARG(c, 3, int64_t, i) : 1;
        if (start < 1 || nth < 1) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s cannot be smaller than 1",
                      start < 1 ? "start position" : "occurrence");
            break;
        }
        if (!compile(c, &r, arg_str(c, 1, i)))
            break;
        size_t length = text_length(s),
               from = (uint64_t)start > length ? s.len + 1 : text_offset(s, (size_t)start - 1);
        bool found = false;
        for (; nth > 0 && (found = find(c, &r, s, from, &m)); nth--)
            from = next_from(s, m);
        OUT(c, int64_t, i) = found ? (int64_t)text_length(str_slice(s, 0, m.from)) + 1 : -1;
    }
}

/* ---- replacement ---- */

static void fail_sequence(Call *c, Str rest)
{
    call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Illegal replacement sequence: %.*s", STR_ARG(rest));
}

/* ${name} after the '$'. Returns the bytes used, 0 when the call failed. */
static size_t put_named(Call *c, const Regexp *r, Str s, Str rest)
{
    ptrdiff_t end = str_find_char(rest, '}');
    char name[64];
    Str text = end < 0 ? STR("") : str_slice(rest, 2, (size_t)end), part;
    if (end < 0) {
        fail_sequence(c, rest);
        return 0;
    }
    memcpy(name, text.ptr, text.len < sizeof name ? text.len : 0);
    name[text.len < sizeof name ? text.len : 0] = 0;
    PCRE2_SPTR first, last;
    int size = pcre2_substring_nametable_scan(r->code, (PCRE2_SPTR)name, &first, &last);
    if (size <= 0) {
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Illegal replacement sequence: unknown group { %.*s }",
                  STR_ARG(text));
        return 0;
    }
    for (PCRE2_SPTR entry = first; entry <= last; entry += size)
        if (group_of(r, s, (uint32_t)(entry[0] << 8 | entry[1]), &part)) {
            buf_add(&c->scratch, part);
            break;
        }
    return (size_t)end + 1;
}

/* $12: as many digits as make a group that exists. */
static size_t put_numbered(Call *c, const Regexp *r, Str s, Str rest)
{
    uint32_t group = (uint32_t)(rest.ptr[1] - '0');
    size_t used = 2;
    Str part;
    if (group > r->n_groups) {
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Illegal replacement sequence: unknown group %u", group);
        return 0;
    }
    for (; used < rest.len && rest.ptr[used] >= '0' && rest.ptr[used] <= '9'; used++) {
        uint32_t longer = group * 10 + (uint32_t)(rest.ptr[used] - '0');
        if (longer > r->n_groups)
            break;
        group = longer;
    }
    if (group_of(r, s, group, &part))
        buf_add(&c->scratch, part);
    return used;
}

static void put_replacement(Call *c, const Regexp *r, Str s, Str with)
{
    for (size_t used; with.len > 0 && !c->failed; with = str_slice(with, used, with.len)) {
        used = 1;
        if (with.ptr[0] == '\\' && with.len > 1) {
            used = 1 + text_step(with, 1);
            buf_append(&c->scratch, with.ptr + 1, used - 1);
        } else if (with.ptr[0] == '$' && with.len > 1 && with.ptr[1] == '{') {
            used = put_named(c, r, s, with);
        } else if (with.ptr[0] == '$' && with.len > 1 && with.ptr[1] >= '0' && with.ptr[1] <= '9') {
            used = put_numbered(c, r, s, with);
        } else if (with.ptr[0] == '$' || with.ptr[0] == '\\') {
            fail_sequence(c, with);
        } else {
            buf_putc(&c->scratch, with.ptr[0]);
        }
    }
}

static void replace(Call *c)
{
    _cleanup_regexp_ Regexp r = {.code = NULL};
    CALL_ROWS(c, i)
    {
        Match m;
        Str s = arg_str(c, 0, i), with = c->n_in == 3 ? arg_str(c, 2, i) : STR("");
        size_t start = 0;
        if (!compile(c, &r, arg_str(c, 1, i)))
            break;
        buf_clear(&c->scratch);
        for (size_t from = 0; !c->failed && find(c, &r, s, from, &m); from = next_from(s, m)) {
            buf_add(&c->scratch, str_slice(s, start, m.from));
            put_replacement(c, &r, s, with);
            start = m.to;
        }
        buf_add(&c->scratch, str_slice(s, start, s.len));
        call_put_scratch(c, i);
    }
}

/* ---- LIKE ---- */

/* Code points against a pattern with % and _; backtracks to the last % only. */
static bool like_match(Str s, Str p, Str escape, Call *c)
{
    size_t si = 0, pi = 0, star = SIZE_MAX, star_s = 0;
    while (si < s.len || pi < p.len) {
        if (pi < p.len) {
            size_t step = text_step(p, pi);
            Str point = str_slice(p, pi, pi + step);
            bool escaped = escape.len > 0 && str_eq(point, escape);
            if (escaped) {
                pi += step;
                step = pi < p.len ? text_step(p, pi) : 0;
                point = str_slice(p, pi, pi + step);
                if (!str_is(point, "%") && !str_is(point, "_") && !str_eq(point, escape)) {
                    call_fail(
                        c, ERR_INVALID_FUNCTION_ARGUMENT,
                        "Escape character must be followed by '%%', '_' or the escape character itself");
                    return false;
                }
            } else if (str_is(point, "%")) {
                star = ++pi;
                star_s = si;
                continue;
            }
            if (si < s.len) {
                size_t width = text_step(s, si);
                if ((!escaped && str_is(point, "_")) || str_eq(point, str_slice(s, si, si + width))) {
                    si += width;
                    pi += step;
                    continue;
                }
            }
        }
        if (star == SIZE_MAX || star_s >= s.len)
            return false;
        pi = star;
        star_s += text_step(s, star_s);
        si = star_s;
    }
    return true;
}

static void sql_like(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str escape = c->n_in == 3 ? arg_str(c, 2, i) : STR("");
        if (c->n_in == 3 && text_length(escape) != 1)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Escape string must be a single character");
        else
            OUT(c, bool, i) = like_match(arg_str(c, 0, i), arg_str(c, 1, i), escape, c);
    }
}

const FunctionDef t_regexp_functions[] = {
    {"t_regexp_like", "ss>b", like},
    {"t_regexp_extract", "ss>s", extract},
    {"t_regexp_extract", "ss8>s", extract},
    {"t_regexp_extract_all", "ss>S", extract_all},
    {"t_regexp_extract_all", "ss8>S", extract_all},
    {"t_regexp_split", "ss>S", split},
    {"t_regexp_groups", "ss>G", groups},
    {"t_weave", "SS>s", weave},
    {"t_regexp_count", "ss>8", count},
    {"t_regexp_position", "ss>8", position},
    {"t_regexp_position", "ss8>8", position},
    {"t_regexp_position", "ss88>8", position},
    {"t_regexp_replace", "ss>s", replace},
    {"t_regexp_replace", "sss>s", replace},
    {"t_like", "ss>b", sql_like},
    {"t_like", "sss>b", sql_like},
    {NULL},
};
