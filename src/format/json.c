/* json.c - the JSON reader of json.h.
 *
 * One pass over a copy of the text in the arena; strings are unescaped in place. What belongs to open
 * containers waits on a stack, outside of the arena, and moves into one exact block when its container
 * closes. The stack needs no limit of its own: an entry is never larger than the arena's part of the same
 * value. */
#include "format/json.h"

#include <assert.h>
#include <stdlib.h>

enum {
    FIRST_WORDS = 192,          /* of the stack, in the C frame: enough for small documents */
    FIRST_SLAB = 16,            /* values that are taken from the arena at once; doubles up to MAX_SLAB */
    MAX_SLAB = 1024,
    SCAN_MEMBERS = 12,          /* up to here duplicate keys are found by comparing all pairs */
    MEMBER_WORDS = 3,
};

typedef struct Parser {
    char *start, *p, *end;      /* the copy of the text; bytes before p may have been unescaped over */
    Str text;                   /* the text as given, for positions in messages */
    Arena *arena;
    Json *slab;                 /* unused values */
    size_t n_slab, slab_size;
    uintptr_t *words, *heap;    /* an item is a pointer, a member a JsonMember; heap: words, or NULL */
    size_t n_words, cap_words;
    unsigned depth;
    Error *err;
} Parser;

static_assert(sizeof(JsonMember) == MEMBER_WORDS * sizeof(uintptr_t), "a JsonMember moves as words");

static int parse_value(Parser *ps, Json *ret);

static int fail_at(Parser *ps, const char *at, const char *what)
{
    size_t offset = (size_t)(at - ps->start), line = 1, column = 1;

    for (size_t i = 0; i < offset && i < ps->text.len; i++) {
        unsigned char c = (unsigned char)ps->text.ptr[i];
        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xC0) != 0x80) {
            column++;
        }
    }
    return err_set(ps->err, ERR_BAD_REQUEST, "JSON line %zu column %zu: %s", line, column, what);
}

static int fail(Parser *ps, const char *what)
{
    return fail_at(ps, ps->p, ps->p >= ps->end ? "unexpected end of text" : what);
}

static inline void skip_blanks(Parser *ps)
{
    while (ps->p < ps->end && (*ps->p == ' ' || *ps->p == '\n' || *ps->p == '\r' || *ps->p == '\t'))
        ps->p++;
}

static int push_words(Parser *ps, const void *value, size_t n)
{
    if (ps->n_words + n > ps->cap_words) {
        uintptr_t *more = reallocarray(ps->heap, 2 * ps->cap_words, sizeof *more);
        if (!more)
            return err_set(ps->err, ERR_LIMIT, "no memory for a JSON document of %zu bytes", ps->text.len);
        if (!ps->heap)
            memcpy(more, ps->words, ps->n_words * sizeof *more);
        ps->words = ps->heap = more;
        ps->cap_words *= 2;
    }
    memcpy(ps->words + ps->n_words, value, n * sizeof *ps->words);
    ps->n_words += n;
    return 0;
}

static Json *new_value(Parser *ps)
{
    if (ps->n_slab == 0) {
        ps->slab = arena_try(ps->arena, ps->slab_size * sizeof(Json), ps->err);
        if (!ps->slab)
            return NULL;
        ps->n_slab = ps->slab_size;
        ps->slab_size = ps->slab_size < MAX_SLAB ? 2 * ps->slab_size : MAX_SLAB;
    }
    ps->n_slab--;
    return ps->slab++;
}

/* --- strings --- */

/* First byte at or after p that is no plain string byte: '"', '\', a control or not ASCII. */
static inline char *skip_plain(char *p, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;

    while (end - p >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
        uint64_t quoted = ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
        if ((quoted | (word - ones * 0x20) | word) & high)
            break;
        p += 8;
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

static int parse_hex4(Parser *ps, uint32_t *ret)
{
    uint32_t value = 0;

    if (ps->end - ps->p < 4)
        return fail_at(ps, ps->end, "unexpected end of text");
    for (int i = 0; i < 4; i++) {
        char c = ps->p[i], lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return fail_at(ps, ps->p + i, "expected four hexadecimal digits after \\u");
    }
    ps->p += 4;
    *ret = value;
    return 0;
}

static int parse_unicode_escape(Parser *ps, char **out)
{
    uint32_t c, low;

    if (parse_hex4(ps, &c) < 0)
        return -1;
    if (c == 0)
        return fail_at(ps, ps->p - 4, "\\u0000 is not accepted");
    if (c >= 0xD800 && c <= 0xDFFF) {
        if (c >= 0xDC00 || ps->end - ps->p < 2 || ps->p[0] != '\\' || ps->p[1] != 'u')
            return fail_at(ps, ps->p - 4, "a surrogate without its pair");
        ps->p += 2;
        if (parse_hex4(ps, &low) < 0)
            return -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return fail_at(ps, ps->p - 4, "a surrogate without its pair");
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    *out += utf8_encode(c, *out);
    return 0;
}

static int parse_escape(Parser *ps, char **out)
{
    static const char plain[128] = { ['"'] = '"', ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                     ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t' };
    if (++ps->p >= ps->end)
        return fail(ps, "");
    unsigned char c = (unsigned char)*ps->p;
    if (c == 'u') {
        ps->p++;
        return parse_unicode_escape(ps, out);
    }
    if (c >= sizeof plain || !plain[c])
        return fail(ps, "unknown escape in a string");
    *(*out)++ = plain[c];
    ps->p++;
    return 0;
}

/* At the opening quote. An escape is never shorter than what it stands for, so output never passes input. */
static int parse_string(Parser *ps, Str *ret)
{
    char *begin = ++ps->p, *out = begin;

    for (;;) {
        char *plain = ps->p;
        ps->p = skip_plain(plain, ps->end);
        if (out != plain)
            memmove(out, plain, (size_t)(ps->p - plain));
        out += ps->p - plain;
        if (ps->p >= ps->end)
            return fail(ps, "");
        unsigned char c = (unsigned char)*ps->p;
        if (c == '"')
            break;
        if (c == '\\') {
            if (parse_escape(ps, &out) < 0)
                return -1;
        } else if (c < 0x20) {
            return fail(ps, "a control character in a string must be escaped");
        } else {
            uint32_t code_point;
            size_t n = utf8_decode(str_of(ps->p, (size_t)(ps->end - ps->p)), &code_point);
            if (n == 0)
                return fail(ps, "the text is not UTF-8");
            memmove(out, ps->p, n);
            out += n;
            ps->p += n;
        }
    }
    ps->p++;
    *ret = str_of(begin, (size_t)(out - begin));
    return 0;
}

/* --- numbers and words --- */

static inline bool is_digit(const Parser *ps)
{
    return ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9';
}

static int skip_digits(Parser *ps)
{
    if (!is_digit(ps))
        return fail(ps, "expected a digit");
    while (is_digit(ps))
        ps->p++;
    return 0;
}

static int parse_number(Parser *ps, Json *ret)
{
    char *begin = ps->p;
    bool negative = *begin == '-', is_integer = true;
    uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + negative;

    ps->p += negative;
    if (is_digit(ps) && *ps->p == '0' && ps->p + 1 < ps->end && ps->p[1] >= '0' && ps->p[1] <= '9')
        return fail(ps, "a number must not begin with 0");
    if (!is_digit(ps))
        return fail(ps, "expected a digit");
    for (; is_digit(ps); ps->p++)
        is_integer = is_integer && !__builtin_mul_overflow(magnitude, 10, &magnitude) &&
                     !__builtin_add_overflow(magnitude, (uint64_t)(*ps->p - '0'), &magnitude) &&
                     magnitude <= limit;
    if (ps->p < ps->end && *ps->p == '.') {
        is_integer = false;
        ps->p++;
        if (skip_digits(ps) < 0)
            return -1;
    }
    if (ps->p < ps->end && (*ps->p == 'e' || *ps->p == 'E')) {
        is_integer = false;
        ps->p++;
        if (ps->p < ps->end && (*ps->p == '+' || *ps->p == '-'))
            ps->p++;
        if (skip_digits(ps) < 0)
            return -1;
    }
    if (is_integer && !(negative && magnitude == 0))     /* -0 keeps its sign as text */
        *ret = (Json){ .type = JSON_INT, .i64 = (int64_t)(negative ? -magnitude : magnitude) };
    else
        *ret = (Json){ .type = JSON_NUMBER, .text = str_of(begin, (size_t)(ps->p - begin)) };
    return 0;
}

static int parse_word(Parser *ps, Str word, JsonType type, Json *ret)
{
    if ((size_t)(ps->end - ps->p) < word.len || memcmp(ps->p, word.ptr, word.len) != 0)
        return fail(ps, "expected a value");
    ps->p += word.len;
    ret->type = type;
    return 0;
}

/* --- containers --- */

static bool equal_keys_by_pairs(const JsonMember *members, size_t n, size_t *ret)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (str_eq(members[i].key, members[j].key)) {
                *ret = i;
                return true;
            }
        }
    }
    return false;
}

static int compare_members(const void *a, const void *b)
{
    return str_cmp((*(const JsonMember *const *)a)->key, (*(const JsonMember *const *)b)->key);
}

static int check_keys(Parser *ps, const JsonMember *members, size_t n)
{
    size_t duplicate = 0;
    bool found = false;

    if (n <= SCAN_MEMBERS) {
        found = equal_keys_by_pairs(members, n, &duplicate);
    } else {                /* sorted, not hashed: a client must not choose how long this takes */
        const JsonMember **sorted = malloc(n * sizeof *sorted);
        if (!sorted)
            return err_set(ps->err, ERR_LIMIT, "no memory for a JSON object of %zu members", n);
        for (size_t i = 0; i < n; i++)
            sorted[i] = &members[i];
        qsort(sorted, n, sizeof *sorted, compare_members);
        for (size_t i = 1; i < n && !found; i++) {
            found = str_eq(sorted[i - 1]->key, sorted[i]->key);
            duplicate = (size_t)(sorted[i] - members);
        }
        free(sorted);
    }
    if (!found)
        return 0;
    Str key = members[duplicate].key;
    fail_at(ps, key.ptr - 1, "duplicate key");
    return err_prefix(ps->err, "key \"%.*s\"", (int)(key.len < 100 ? key.len : 100), key.ptr);
}

static int close_container(Parser *ps, size_t base, bool is_object, Json *ret)
{
    size_t n_words = ps->n_words - base;
    void *block = NULL;

    if (n_words > 0) {
        block = arena_try(ps->arena, n_words * sizeof(uintptr_t), ps->err);
        if (!block)
            return -1;
        memcpy(block, ps->words + base, n_words * sizeof(uintptr_t));
    }
    ps->n_words = base;
    if (!is_object) {
        *ret = (Json){ .type = JSON_ARRAY, .array = { block, n_words } };
        return 0;
    }
    *ret = (Json){ .type = JSON_OBJECT, .object = { block, n_words / MEMBER_WORDS } };
    return check_keys(ps, block, n_words / MEMBER_WORDS);
}

static int parse_member(Parser *ps, bool with_key)
{
    Json *value = new_value(ps);
    JsonMember member = { .value = value };

    if (!value)
        return -1;
    skip_blanks(ps);
    if (with_key) {
        if (ps->p >= ps->end || *ps->p != '"')
            return fail(ps, "expected a key in double quotes");
        if (parse_string(ps, &member.key) < 0)
            return -1;
        skip_blanks(ps);
        if (ps->p >= ps->end || *ps->p != ':')
            return fail(ps, "expected ':'");
        ps->p++;
    }
    if (parse_value(ps, value) < 0)
        return -1;
    return with_key ? push_words(ps, &member, MEMBER_WORDS) : push_words(ps, &member.value, 1);
}

static int parse_container(Parser *ps, bool is_object, Json *ret)
{
    size_t base = ps->n_words;
    char closing = is_object ? '}' : ']';

    if (++ps->depth > LIMIT_JSON_DEPTH)
        return fail(ps, "nested too deeply");
    ps->p++;
    skip_blanks(ps);
    if (ps->p < ps->end && *ps->p == closing) {
        ps->p++;
    } else {
        for (;;) {
            if (parse_member(ps, is_object) < 0)
                return -1;
            skip_blanks(ps);
            if (ps->p >= ps->end || (*ps->p != ',' && *ps->p != closing))
                return fail(ps, is_object ? "expected ',' or '}'" : "expected ',' or ']'");
            if (*ps->p++ == closing)
                break;
        }
    }
    ps->depth--;
    return close_container(ps, base, is_object, ret);
}

static int parse_value(Parser *ps, Json *ret)
{
    skip_blanks(ps);
    *ret = (Json){ 0 };
    if (ps->p >= ps->end)
        return fail(ps, "");
    switch (*ps->p) {
    case '{':
        return parse_container(ps, true, ret);
    case '[':
        return parse_container(ps, false, ret);
    case '"':
        ret->type = JSON_STRING;
        return parse_string(ps, &ret->text);
    case 't':
        return parse_word(ps, STR("true"), JSON_TRUE, ret);
    case 'f':
        return parse_word(ps, STR("false"), JSON_FALSE, ret);
    case 'n':
        return parse_word(ps, STR("null"), JSON_NULL, ret);
    default:
        if (*ps->p == '-' || is_digit(ps))
            return parse_number(ps, ret);
        return fail(ps, "expected a value");
    }
}

static int parse_document(Parser *ps, const Json **ret)
{
    Json *root = new_value(ps);

    if (!root || parse_value(ps, root) < 0)
        return -1;
    skip_blanks(ps);
    if (ps->p < ps->end)
        return fail(ps, "text after the end of the document");
    assert(ps->depth == 0 && ps->n_words == 0);
    *ret = root;
    return 0;
}

int json_parse(Str text, Arena *arena, const Json **ret, Error *err)
{
    uintptr_t first[FIRST_WORDS];
    Error unused;
    Parser ps = { .text = text, .arena = arena, .err = err ? err : &unused,
                  .slab_size = FIRST_SLAB, .words = first, .cap_words = FIRST_WORDS };

    ps.start = ps.p = arena_try(arena, text.len + 1, ps.err);
    if (!ps.start)
        return -1;
    if (text.len > 0)
        memcpy(ps.start, text.ptr, text.len);
    ps.start[text.len] = '\0';
    ps.end = ps.start + text.len;
    int result = parse_document(&ps, ret);
    free(ps.heap);
    return result;
}

/* --- access --- */

const Json *json_get_str_key(const Json *object, Str key)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    for (size_t i = 0; i < object->object.n; i++)
        if (str_eq(object->object.members[i].key, key))
            return object->object.members[i].value;
    return NULL;
}

const Json *json_get(const Json *object, const char *key)
{
    return json_get_str_key(object, str_from(key));
}

static const char *type_name(const Json *value)
{
    static const char *const names[] = { "null",     "a boolean", "a boolean", "a number",
                                         "a number", "a string",  "an array",  "an object" };
    return names[value->type];
}

static int wrong_type(const Json *value, const char *key, const char *expected, Error *err)
{
    return err_set(err, ERR_BAD_REQUEST, "\"%s\" must be %s, not %s", key, expected, type_name(value));
}

static int need(const Json *object, const char *key, Error *err)
{
    if (json_is_null(json_get(object, key)))
        return err_set(err, ERR_BAD_REQUEST, "\"%s\" is missing", key);
    return 0;
}

int json_get_string(const Json *object, const char *key, Str default_value, Str *ret, Error *err)
{
    const Json *value = json_get(object, key);

    if (!json_is_null(value) && value->type != JSON_STRING)
        return wrong_type(value, key, "a string", err);
    *ret = json_is_null(value) ? default_value : value->text;
    return 0;
}

int json_get_int(const Json *object, const char *key, int64_t default_value, int64_t *ret, Error *err)
{
    const Json *value = json_get(object, key);

    if (json_is(value, JSON_NUMBER))
        return err_set(err, ERR_BAD_REQUEST, "\"%s\" must be a 64-bit integer, not %.*s", key,
                       (int)(value->text.len < 60 ? value->text.len : 60), value->text.ptr);
    if (!json_is_null(value) && value->type != JSON_INT)
        return wrong_type(value, key, "an integer", err);
    *ret = json_is_null(value) ? default_value : value->i64;
    return 0;
}

int json_get_bool(const Json *object, const char *key, bool default_value, bool *ret, Error *err)
{
    const Json *value = json_get(object, key);

    if (!json_is_null(value) && value->type != JSON_TRUE && value->type != JSON_FALSE)
        return wrong_type(value, key, "true or false", err);
    *ret = json_is_null(value) ? default_value : value->type == JSON_TRUE;
    return 0;
}

static int get_container(const Json *object, const char *key, JsonType type, const char *type_text,
                         const Json **ret, Error *err)
{
    const Json *value = json_get(object, key);

    if (!json_is_null(value) && value->type != type)
        return wrong_type(value, key, type_text, err);
    *ret = json_is_null(value) ? NULL : value;
    return 0;
}

int json_get_array(const Json *object, const char *key, const Json **ret, Error *err)
{
    return get_container(object, key, JSON_ARRAY, "an array", ret, err);
}

int json_get_object(const Json *object, const char *key, const Json **ret, Error *err)
{
    return get_container(object, key, JSON_OBJECT, "an object", ret, err);
}

int json_need_string(const Json *object, const char *key, Str *ret, Error *err)
{
    return need(object, key, err) < 0 ? -1 : json_get_string(object, key, STR_NULL, ret, err);
}

int json_need_int(const Json *object, const char *key, int64_t *ret, Error *err)
{
    return need(object, key, err) < 0 ? -1 : json_get_int(object, key, 0, ret, err);
}

double json_to_double(const Json *number)
{
    double value = 0;

    if (number->type == JSON_INT)
        return (double)number->i64;
    assert(number->type == JSON_NUMBER);
    str_to_double(number->text, &value, NULL);
    return value;
}
