/* json_path_regex.c - like_regex: XQuery's patterns, on PCRE2.
 *
 * What XQuery has not (lookaround, named and atomic groups, possessive quantifiers, inline flags, POSIX
 * classes, \xHH) is refused, as Trino does: a pattern must not mean something else elsewhere. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

#include "query/engine/functions/json_path.h"

enum { MATCH_STEPS_MAX = 10000000, MATCH_HEAP_KIB = 65536 };

static const char *check_group(Str s)
{
    static const struct {
        const char *start, *message;
    } groups[] = {
        {"(?<=", "lookbehind assertions ((?<=...), (?<!...)) are not valid XQuery regex syntax"},
        {"(?<!", "lookbehind assertions ((?<=...), (?<!...)) are not valid XQuery regex syntax"},
        {"(?<", "named groups ((?<name>...)) are not valid XQuery regex syntax"},
        {"(?>", "atomic groups ((?>...)) are not valid XQuery regex syntax"},
        {"(?(", "conditional groups ((?(cond)...)) are not valid XQuery regex syntax"},
        {"(?P", "Python-style named groups ((?P<name>...)) are not valid XQuery regex syntax"},
        {"(?=", "lookahead assertions ((?=...), (?!...)) are not valid XQuery regex syntax"},
        {"(?!", "lookahead assertions ((?=...), (?!...)) are not valid XQuery regex syntax"},
    };
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (str_has_prefix(s, str_from(groups[i].start)))
            return groups[i].message;
    if (s.len > 2 && s.ptr[1] == '?' && s.ptr[2] && strchr("-imsx", s.ptr[2]))
        return "inline regex flags ((?i), (?ims:...), (?-i)) are not valid XQuery regex syntax; pass flags "
               "as the "
               "like_regex flag argument";
    return NULL;
}

static const char *check_pattern(Str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], next = i + 1 < s.len ? s.ptr[i + 1] : 0;
        Str rest = str_slice(s, i, s.len);
        if (c == '\\') {
            if (next == 'x' && (rest.len < 3 || rest.ptr[2] != '{'))
                return "\\xHH numeric escape is not valid XQuery regex syntax; use \\x{HHHH}";
            if (next == 'u')
                return "\\uHHHH numeric escape is not valid XQuery regex syntax; use \\x{HHHH}";
            i++;
            continue;
        }
        if (str_has_prefix(rest, STR("[[:")))
            return "POSIX bracket classes ([[:class:]]) are not valid XQuery regex syntax; use \\p{IsClass}";
        const char *wrong = c == '(' ? check_group(rest) : NULL;
        if (wrong)
            return wrong;
        if (next == '+' && (c == '*' || c == '+' || c == '?' || c == '}'))
            return "possessive quantifiers (*+, ++, ?+, }+) are not valid XQuery regex syntax";
    }
    return NULL;
}

static uint32_t options_of(Str flags, char *ret_bad, bool *ret_twice)
{
    static const struct {
        char flag;
        uint32_t option;
    } known[] = {{'i', PCRE2_CASELESS}, {'m', PCRE2_MULTILINE}, {'s', PCRE2_DOTALL}, {'x', PCRE2_EXTENDED}};
    uint32_t options = 0;
    for (size_t i = 0; i < flags.len; i++) {
        size_t k = 0;
        while (k < sizeof known / sizeof *known && known[k].flag != flags.ptr[i])
            k++;
        bool unknown = k == sizeof known / sizeof *known;
        if (unknown || (options & known[k].option)) {
            *ret_bad = flags.ptr[i];
            *ret_twice = !unknown;
            return options;
        }
        options |= known[k].option;
    }
    return options;
}

static void free_code(void *code)
{
    pcre2_code_free(code);
}

const char *path_regex_compile(PathNode *node, Str flags, Arena *arena, char message[256])
{
    char bad = 0;
    bool twice = false;
    int code;
    size_t at;
    PCRE2_UCHAR text[160];
    uint32_t options = options_of(flags, &bad, &twice);
    if (bad) {
        snprintf(message, 256, "flags in JSON path: %s XQuery regular expression flag: %c",
                 twice ? "duplicate" : "invalid", bad);
        return message;
    }
    const char *wrong = check_pattern(node->text);
    pcre2_code *compiled =
        wrong ? NULL
              : pcre2_compile((PCRE2_SPTR)node->text.ptr, node->text.len,
                              options | PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
    if (!wrong && !compiled) {
        pcre2_get_error_message(code, text, sizeof text);
        wrong = (const char *)text;
    }
    if (wrong) {
        snprintf(message, 256, "pattern in JSON path: %s", wrong);
        return message;
    }
    pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
    arena_on_free(arena, free_code, compiled);
    node->regex = compiled;
    return NULL;
}

int path_regex_find(const PathNode *node, Str text)
{
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    int n = PCRE2_ERROR_NOMEMORY;
    if (match && context) {
        pcre2_set_match_limit(context, MATCH_STEPS_MAX);
        pcre2_set_heap_limit(context, MATCH_HEAP_KIB);
        n = pcre2_match(node->regex, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, PCRE2_NO_UTF_CHECK,
                        match, context);
    }
    pcre2_match_data_free(match);
    pcre2_match_context_free(context);
    return n == PCRE2_ERROR_NOMATCH ? 0 : n < 0 ? -1 : 1;
}
