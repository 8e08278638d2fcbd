/* Trino's old JSONPath ($.a["b"][0]) and the functions on arrays. Text that is no JSON gives NULL. */
#include <math.h>

#include "query/engine/functions/function.h"
#include "query/engine/functions/json_text.h"
#include "query/engine/functions/text.h"

enum { STEPS_MAX = 100, PATH_TEXT_MAX = 4096 };

typedef struct Step {
    Str name;
    int64_t index;
} Step; /* index -1: the name is no number */

typedef struct Path {
    Str text; /* ptr NULL: none yet */
    Step steps[STEPS_MAX];
    size_t n;
    char names[PATH_TEXT_MAX]; /* unescaped quoted names */
    size_t n_names;
} Path;

static bool is_subscript_char(Str s)
{
    uint8_t ch = (uint8_t)s.ptr[0];
    return ch >= 0x80 || ch == '_' || (ch >= '0' && ch <= '9') || ((ch | 32) >= 'a' && (ch | 32) <= 'z');
}

static bool is_member_char(Str s)
{
    return is_subscript_char(s) || (s.ptr[0] && strchr(":$-/@|# ", s.ptr[0]));
}

static Str take_while(Str *s, bool (*accepts)(Str))
{
    size_t n = 0;
    while (n < s->len && accepts(str_slice(*s, n, s->len)))
        n++;
    Str taken = str_slice(*s, 0, n);
    *s = str_slice(*s, n, s->len);
    return taken;
}

static bool take_char(Str *s, char ch)
{
    if (s->len == 0 || s->ptr[0] != ch)
        return false;
    *s = str_slice(*s, 1, s->len);
    return true;
}

/* After the opening quote; \" and \\ are the only escapes. */
static bool take_quoted(Path *p, Str *s, Str *ret)
{
    size_t from = p->n_names;
    while (s->len > 0 && s->ptr[0] != '"') {
        if (s->ptr[0] == '\\') {
            *s = str_slice(*s, 1, s->len);
            if (s->len == 0 || (s->ptr[0] != '"' && s->ptr[0] != '\\'))
                return false;
        }
        if (p->n_names == PATH_TEXT_MAX)
            return false;
        p->names[p->n_names++] = s->ptr[0];
        *s = str_slice(*s, 1, s->len);
    }
    *ret = str_of(p->names + from, p->n_names - from);
    return take_char(s, '"');
}

static bool take_step(Path *p, Str *s)
{
    Str name = STR_NULL;
    bool fits = p->n < STEPS_MAX;
    if (take_char(s, '.')) {
        name = take_while(s, is_member_char);
        fits = fits && name.len > 0;
    } else if (take_char(s, '[')) {
        if (take_char(s, '"'))
            fits = take_quoted(p, s, &name) && fits;
        else
            fits = (name = take_while(s, is_subscript_char)).len > 0 && fits;
        fits = take_char(s, ']') && fits;
    } else {
        return false;
    }
    if (!fits)
        return false;
    Step *step = &p->steps[p->n++];
    *step = (Step){name, -1};
    if (str_to_i64(name, 0, INT32_MAX, &step->index, NULL) < 0)
        step->index = -1;
    return true;
}

/* false: the call failed. Paths are constants nearly always. */
static bool compile(Call *c, Path *p, Str text)
{
    if (p->text.ptr && str_eq(p->text, text))
        return true;
    Str s = text;
    p->text = text;
    p->n = p->n_names = 0;
    bool good = take_char(&s, '$');
    while (good && s.len > 0)
        good = take_step(p, &s);
    if (!good)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid JSON path: '%.*s'", STR_ARG(text));
    return good;
}

/* The first value at the path. */
static bool find(Call *c, const Path *p, Str json, Str *ret)
{
    Str rest = json, value;
    JsonKind kind = json_take_value(&rest, &value);
    for (size_t i = 0; i < p->n; i++) {
        const Step *step = &p->steps[i];
        if (kind != KIND_OBJECT && (kind != KIND_ARRAY || step->index < 0))
            return false;
        Str key, item;
        bool found = false;
        int64_t n = 0;
        for (JsonWalk w = json_walk(value); !found && json_next(&w, &key, &item); n++)
            found = kind == KIND_OBJECT ? json_key_is(key, step->name, &c->scratch) : n == step->index;
        if (!found)
            return false;
        value = item;
        kind = json_kind(value);
    }
    *ret = value;
    return kind != KIND_NONE;
}

static void put_string(Call *c, size_t row, Str json)
{
    buf_clear(&c->scratch);
    json_unescape(&c->scratch, str_slice(json, 1, json.len - 1));
    call_put_scratch(c, row);
}

static void extract(Call *c)
{
    Path path = {.text = STR_NULL};
    CALL_ROWS(c, i)
    {
        Str value;
        if (!compile(c, &path, arg_str(c, 1, i)))
            break;
        if (!find(c, &path, arg_str(c, 0, i), &value)) {
            call_set_null(c, i);
            continue;
        }
        buf_clear(&c->scratch);
        json_copy(value, &c->scratch);
        call_put_scratch(c, i);
    }
}

static void extract_scalar(Call *c)
{
    Path path = {.text = STR_NULL};
    CALL_ROWS(c, i)
    {
        Str value;
        if (!compile(c, &path, arg_str(c, 1, i)))
            break;
        JsonKind kind = find(c, &path, arg_str(c, 0, i), &value) ? json_kind(value) : KIND_NONE;
        if (kind == KIND_NONE || kind == KIND_NULL || kind >= KIND_ARRAY)
            call_set_null(c, i);
        else if (kind == KIND_STRING)
            put_string(c, i, value);
        else
            call_put_str(c, i, value);
    }
}

static int64_t count_items(Str value)
{
    Str key, item;
    int64_t n = 0;
    for (JsonWalk w = json_walk(value); json_next(&w, &key, &item);)
        n++;
    return n;
}

static void size(Call *c)
{
    Path path = {.text = STR_NULL};
    CALL_ROWS(c, i)
    {
        Str value;
        if (!compile(c, &path, arg_str(c, 1, i)))
            break;
        if (find(c, &path, arg_str(c, 0, i), &value))
            OUT(c, int64_t, i) = json_kind(value) >= KIND_ARRAY ? count_items(value) : 0;
        else
            call_set_null(c, i);
    }
}

static void array_length(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str value;
        JsonKind kind;
        if (json_is_value(arg_str(c, 0, i), &value, &kind) && kind == KIND_ARRAY)
            OUT(c, int64_t, i) = count_items(value);
        else
            call_set_null(c, i);
    }
}

/* Strings come without their quotes, as in Trino. */
static void array_get(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str value, key, item, text = arg_str(c, 0, i);
        int64_t at = ARG(c, 1, int64_t, i), n = 0;
        bool found = false;
        if (json_take_value(&text, &value) == KIND_ARRAY) {
            at = at < 0 && at > INT64_MIN ? count_items(value) + at : at;
            for (JsonWalk w = json_walk(value); at >= 0 && !found && json_next(&w, &key, &item); n++)
                found = n == at;
        }
        JsonKind kind = found ? json_kind(item) : KIND_NULL;
        if (kind == KIND_NULL) {
            call_set_null(c, i);
        } else if (kind == KIND_STRING) {
            put_string(c, i, item);
        } else if (kind < KIND_ARRAY) {
            call_put_str(c, i, item);
        } else {
            buf_clear(&c->scratch);
            json_copy(item, &c->scratch);
            call_put_scratch(c, i);
        }
    }
}

enum { HAS_BIGINT, HAS_DOUBLE, HAS_BOOLEAN, HAS_TEXT };

static bool item_is(Call *c, size_t row, Str item)
{
    JsonKind kind = json_kind(item);
    int64_t integer;
    double number;
    switch (c->def->arg) {
    case HAS_BIGINT:
        return kind == KIND_INTEGER && str_to_i64(item, INT64_MIN, INT64_MAX, &integer, NULL) == 0 &&
               integer == ARG(c, 1, int64_t, row);
    case HAS_DOUBLE:
        return kind == KIND_NUMBER && parse_java_double(item, false, &number) &&
               number == ARG(c, 1, double, row);
    case HAS_BOOLEAN:
        return kind == (ARG(c, 1, bool, row) ? KIND_TRUE : KIND_FALSE);
    default:
        return kind == KIND_STRING &&
               json_key_is(str_slice(item, 1, item.len - 1), arg_str(c, 1, row), &c->scratch);
    }
}

static void array_contains(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str value, key, item;
        JsonKind kind;
        bool found = false;
        bool never = c->def->arg == HAS_DOUBLE &&
                     !isfinite(ARG(c, 1, double, i)); /* asked before the text is looked at */
        if (!never && (!json_is_value(arg_str(c, 0, i), &value, &kind) || kind != KIND_ARRAY)) {
            call_set_null(c, i);
            continue;
        }
        for (JsonWalk w = json_walk(never ? STR("") : value); !found && json_next(&w, &key, &item);)
            found = item_is(c, i, item);
        OUT(c, bool, i) = found;
    }
}

static void is_scalar(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str value, text = arg_str(c, 0, i);
        JsonKind kind;
        if (!json_is_value(text, &value, &kind))
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid JSON value: %.*s", STR_ARG(text));
        OUT(c, bool, i) = kind < KIND_ARRAY;
    }
}

const FunctionDef t_json_path_functions[] = {
    {"t_json_extract", "ss>s", extract},
    {"t_json_extract_scalar", "ss>s", extract_scalar},
    {"t_json_size", "ss>8", size},
    {"t_json_array_length", "s>8", array_length},
    {"t_json_array_get", "s8>s", array_get},
    {"t_json_array_contains", "s8>b", array_contains, HAS_BIGINT},
    {"t_json_array_contains", "sd>b", array_contains, HAS_DOUBLE},
    {"t_json_array_contains", "sb>b", array_contains, HAS_BOOLEAN},
    {"t_json_array_contains", "ss>b", array_contains, HAS_TEXT},
    {"t_is_json_scalar", "s>b", is_scalar},
    {NULL},
};
