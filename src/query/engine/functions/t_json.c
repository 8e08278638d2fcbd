/* The json type: made from text, made into other types. */
#include <math.h>
#include <stdlib.h>

#include "query/engine/functions/decimal.h"
#include "query/engine/functions/function.h"
#include "query/engine/functions/json_text.h"
#include "query/engine/functions/text.h"

static void parse(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        buf_clear(&c->scratch);
        if (!json_canonical(s, &c->scratch))
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Cannot convert value to JSON: '%.*s'", STR_ARG(s));
        else
            call_put_scratch(c, i);
    }
}

static void quote(Call *c)
{
    CALL_ROWS(c, i)
    {
        buf_clear(&c->scratch);
        json_put_quoted(&c->scratch, arg_str(c, 0, i));
        call_put_scratch(c, i);
    }
}

static void of_double(Call *c)
{
    bool is_float = c->def->arg;
    CALL_ROWS(c, i)
    {
        double v = is_float ? (double)ARG(c, 0, float, i) : ARG(c, 0, double, i);
        char text[NUMBER_TEXT_MAX + 2], *p = text;
        bool quoted = !isfinite(v);
        if (quoted)
            *p++ = '"';
        p = is_float ? put_float(p, (float)v) : put_double(p, v);
        if (quoted)
            *p++ = '"';
        call_put_str(c, i, str_of(text, (size_t)(p - text)));
    }
}

/* ---- casts ---- */

enum { TO_TINYINT, TO_SMALLINT, TO_INTEGER, TO_BIGINT, TO_DOUBLE, TO_REAL, TO_BOOLEAN };
static const struct {
    const char *json_name, *text_name;
    double low, high;
} targets[] = {
    {"tinyint", "TINYINT", -128, 127},
    {"smallint", "SMALLINT", -32768, 32767},
    {"integer", "INT", -2147483648.0, 2147483647.0},
    {"bigint", "BIGINT", -9223372036854775808.0, 9223372036854775807.0},
    {"double", "DOUBLE", 0, 0},
    {"real", "REAL", 0, 0},
    {"boolean", "BOOLEAN", 0, 0},
};

static void fail_json(Call *c, Str json)
{
    call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast '%.*s' to %s", STR_ARG(json),
              targets[c->def->arg].json_name);
}

static void fail_text(Call *c, Str text)
{
    call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast '%.*s' to %s", STR_ARG(text),
              targets[c->def->arg].text_name);
}

/* The unescaped text of a JSON string, in c->scratch. */
static Str string_text(Call *c, Str json)
{
    buf_clear(&c->scratch);
    json_unescape(&c->scratch, str_slice(json, 1, json.len - 1));
    return buf_str(&c->scratch);
}

static void put_integer(Call *c, size_t row, int64_t v)
{
    switch (c->def->arg) {
    case TO_TINYINT:
        OUT(c, int8_t, row) = (int8_t)v;
        break;
    case TO_SMALLINT:
        OUT(c, int16_t, row) = (int16_t)v;
        break;
    case TO_INTEGER:
        OUT(c, int32_t, row) = (int32_t)v;
        break;
    default:
        OUT(c, int64_t, row) = v;
    }
}

static void integer_of_json(Call *c, size_t i, Str json, JsonKind kind)
{
    double low = targets[c->def->arg].low, high = targets[c->def->arg].high, number = 0;
    int64_t v = kind == KIND_TRUE, min = low <= -9e18 ? INT64_MIN : (int64_t)low,
            max = high >= 9e18 ? INT64_MAX : (int64_t)high;
    if (kind == KIND_STRING) {
        Str text = string_text(c, json), digits = str_trim(text);
        digits = str_slice(digits, digits.len > 1 && digits.ptr[0] == '+', digits.len);
        if (str_to_i64(digits, min, max, &v, NULL) < 0)
            fail_text(c, text);
    } else if (kind == KIND_NUMBER) {
        parse_java_double(json, false, &number);
        number = round(number);
        if (!(number >= low && number <= high)) {
            char text[NUMBER_TEXT_MAX], *end = put_double(text, number);
            call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Out of range for %s: %.*s",
                      targets[c->def->arg].json_name, (int)(end - text), text);
            return;
        }
        v = number >= 9223372036854775808.0 ? INT64_MAX : (int64_t)number;
    } else if (kind == KIND_INTEGER && str_to_i64(json, min, max, &v, NULL) < 0) {
        call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast '%.*s' to %s", STR_ARG(json),
                  targets[c->def->arg].json_name);
    }
    put_integer(c, i, v);
}

static void floating_of_json(Call *c, size_t i, Str json, JsonKind kind)
{
    bool is_float = c->def->arg == TO_REAL;
    double v = kind == KIND_TRUE;
    if (kind == KIND_STRING) {
        Str text = string_text(c, json);
        if (!parse_java_double(text, is_float, &v))
            fail_text(c, text);
    } else if (kind == KIND_NUMBER || kind == KIND_INTEGER) {
        parse_java_double(json, is_float, &v);
    }
    if (is_float)
        OUT(c, float, i) = (float)v;
    else
        OUT(c, double, i) = v;
}

static void boolean_of_json(Call *c, size_t i, Str json, JsonKind kind)
{
    static const char *const words[] = {"f", "false", "0", "t", "true", "1"};
    bool v = kind == KIND_TRUE, found = kind != KIND_STRING;
    double number = 0;
    int64_t integer;
    if (kind == KIND_INTEGER && str_to_i64(json, INT64_MIN, INT64_MAX, &integer, NULL) < 0)
        fail_json(c, json);
    if (kind == KIND_NUMBER || kind == KIND_INTEGER) {
        parse_java_double(json, false, &number);
        v = number != 0;
    } else if (kind == KIND_STRING) {
        Str text = string_text(c, json);
        for (size_t k = 0; k < 6 && !found; k++)
            if ((found = str_eq_nocase(text, str_from(words[k]))))
                v = k >= 3;
        if (!found)
            fail_text(c, text);
    }
    OUT(c, bool, i) = v;
}

static void to_scalar(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str json = arg_str(c, 0, i);
        JsonKind kind = json_kind(json);
        if (kind == KIND_NULL)
            call_set_null(c, i);
        else if (kind == KIND_OBJECT || kind == KIND_ARRAY || kind == KIND_NONE)
            fail_json(c, json);
        else if (c->def->arg == TO_BOOLEAN)
            boolean_of_json(c, i, json, kind);
        else if (c->def->arg >= TO_DOUBLE)
            floating_of_json(c, i, json, kind);
        else
            integer_of_json(c, i, json, kind);
    }
}

static void to_decimal(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str json = arg_str(c, 0, i), text = json;
        JsonKind kind = json_kind(json);
        int precision = ARG(c, 1, int32_t, i), r = 0;
        bool negative = false;
        uint128 v = 0;
        if (kind == KIND_NULL) {
            call_set_null(c, i);
            continue;
        }
        if (kind == KIND_STRING)
            text = string_text(c, json);
        if (kind == KIND_TRUE || kind == KIND_FALSE)
            text = kind == KIND_TRUE ? STR("1") : STR("0");
        if (kind != KIND_OBJECT && kind != KIND_ARRAY)
            r = parse_decimal(text, c->scale, &negative, &v);
        if (r == 0)
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast '%.*s' to DECIMAL(%d,%d)", STR_ARG(json),
                      precision, c->scale);
        else if (r < 0 || v >= decimal_pow10(precision))
            call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Cannot cast input json to DECIMAL(%d,%d)",
                      precision, c->scale);
        else
            put_d38(c, i, negative ? -(int128)v : (int128)v);
    }
}

/* Numbers with a fraction as doubles are written: 1.289E2. */
static void put_scalar_text(Call *c, size_t row, Str json, JsonKind kind)
{
    char text[NUMBER_TEXT_MAX];
    double number = 0;
    if (kind == KIND_NUMBER) {
        parse_java_double(json, false, &number);
        json = str_of(text, (size_t)(put_double_scientific(text, number) - text));
    }
    call_put_str(c, row, kind == KIND_STRING ? string_text(c, json) : json);
}

static void to_varchar(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str json = arg_str(c, 0, i);
        JsonKind kind = json_kind(json);
        if (kind == KIND_NULL)
            call_set_null(c, i);
        else if (kind == KIND_OBJECT || kind == KIND_ARRAY)
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast '%.*s' to varchar(2147483647)",
                      STR_ARG(json));
        else
            put_scalar_text(c, i, json, kind);
    }
}

/* What a failed cast to a nested type shows of the value: a string without quotes, a bracket of nested ones.
 */
static Str token_text(Call *c, Str json, JsonKind kind)
{
    return kind == KIND_STRING   ? string_text(c, json)
           : kind == KIND_OBJECT ? STR("{")
           : kind == KIND_ARRAY  ? STR("[")
                                 : json;
}

static void elements(Call *c)
{
    ListOut out = list_out(c);
    CALL_ROWS(c, i)
    {
        Str json = arg_str(c, 0, i), key, item;
        JsonKind kind = json_kind(json);
        if (kind == KIND_NULL) {
            call_set_null(c, i);
            continue;
        }
        if (kind != KIND_ARRAY) {
            call_fail(c, ERR_INVALID_CAST_ARGUMENT,
                      "Cannot cast to array. Expected a json array, but got %.*s",
                      STR_ARG(token_text(c, json, kind)));
            break;
        }
        JsonWalk w = json_walk(json);
        list_out_begin(&out, i);
        while (json_next(&w, &key, &item))
            list_out_add(&out, item);
        list_out_end(&out, i);
    }
}

static void entries(Call *c)
{
    duckdb_vector child = duck->list_vector_get_child(c->out), keys = duck->struct_vector_get_child(child, 0);
    duckdb_vector values = duck->struct_vector_get_child(child, 1);
    size_t n = 0, capacity = 0;
    CALL_ROWS(c, i)
    {
        Str json = arg_str(c, 0, i), key, item;
        JsonKind kind = json_kind(json);
        if (kind == KIND_NULL) {
            call_set_null(c, i);
            continue;
        }
        if (kind != KIND_OBJECT) {
            call_fail(c, ERR_INVALID_CAST_ARGUMENT,
                      "Cannot cast to map. Expected a json object, but got %.*s",
                      STR_ARG(token_text(c, json, kind)));
            break;
        }
        size_t from = n;
        for (JsonWalk w = json_walk(json); json_next(&w, &key, &item); n++) {
            if (n == capacity)
                duck->list_vector_reserve(c->out, capacity = capacity ? capacity * 2 : 1024);
            buf_clear(&c->scratch);
            json_unescape(&c->scratch, key);
            duck->vector_assign_string_element_len(keys, n, c->scratch.data ? c->scratch.data : "",
                                                   c->scratch.len);
            duck->vector_assign_string_element_len(values, n, item.ptr, item.len);
        }
        OUT(c, duckdb_list_entry, i) = (duckdb_list_entry){from, n - from};
    }
    duck->list_vector_set_size(c->out, n);
}

typedef struct Pair {
    Str key, value;
    size_t order;
} Pair;

static int compare_pairs(const void *a, const void *b)
{
    const Pair *x = a, *y = b;
    int r = str_cmp(x->key, y->key);
    return r ? r : x->order < y->order ? -1 : 1;
}

static void put_pairs(Buf *out, Pair *pairs, size_t n)
{
    if (n > 1)
        qsort(pairs, n, sizeof *pairs, compare_pairs);
    buf_putc(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(out, ',');
        json_put_quoted(out, pairs[i].key);
        buf_putc(out, ':');
        buf_add(out, pairs[i].value);
    }
    buf_putc(out, '}');
}

/* keys and values are lists; a NULL value is JSON's null. Equal keys (a row's anonymous fields) are kept. */
static void object(Call *c)
{
    duckdb_vector key_child = duck->list_vector_get_child(c->in[0].vector);
    duckdb_vector value_child = duck->list_vector_get_child(c->in[1].vector);
    const duckdb_string_t *keys = duck->vector_get_data(key_child),
                          *values = duck->vector_get_data(value_child);
    const uint64_t *validity = duck->vector_get_validity(value_child);
    CALL_ROWS(c, i)
    {
        duckdb_list_entry k = ARG(c, 0, duckdb_list_entry, i), v = ARG(c, 1, duckdb_list_entry, i);
        size_t n = k.length < v.length ? k.length : v.length;
        Pair *pairs = calloc(n + 1, sizeof *pairs);
        for (size_t m = 0; pairs && m < n; m++)
            pairs[m] = (Pair){
                duckdb_str(&keys[k.offset + m]),
                duckdb_is_valid(validity, v.offset + m) ? duckdb_str(&values[v.offset + m]) : STR("null"), m};
        buf_clear(&c->scratch);
        if (pairs)
            put_pairs(&c->scratch, pairs, n);
        else
            c->scratch.overflow = true;
        free(pairs);
        call_put_scratch(c, i);
    }
}

const FunctionDef t_json_functions[] = {
    {"t_json_parse", "s>s", parse},
    {"t_json_quote", "s>s", quote},
    {"t_json_of_double", "d>s", of_double, 0},
    {"t_json_of_double", "f>s", of_double, 1},
    {"t_json_to_tinyint", "s>1", to_scalar, TO_TINYINT},
    {"t_json_to_smallint", "s>2", to_scalar, TO_SMALLINT},
    {"t_json_to_integer", "s>4", to_scalar, TO_INTEGER},
    {"t_json_to_bigint", "s>8", to_scalar, TO_BIGINT},
    {"t_json_to_double", "s>d", to_scalar, TO_DOUBLE},
    {"t_json_to_real", "s>f", to_scalar, TO_REAL},
    {"t_json_to_boolean", "s>b", to_scalar, TO_BOOLEAN},
    {"t_json_to_decimal", "s4>N", to_decimal},
    {"t_json_to_varchar", "s>s", to_varchar},
    {"t_json_elements", "s>S", elements},
    {"t_json_entries", "s>M", entries},
    {"t_json_object", "SS>s", object},
    {NULL},
};
