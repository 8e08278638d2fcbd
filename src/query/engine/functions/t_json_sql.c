/* JSON_VALUE, JSON_QUERY, JSON_EXISTS; and JSON_OBJECT, JSON_ARRAY with the encodings of their texts. */
#include <math.h>
#include <stdlib.h>

#include "query/engine/functions/json_call.h"

/* ---- querying ---- */

static void put_answer(Call *c, size_t row, JsonAnswer answer)
{
    if (answer == ANSWER_TEXT)
        call_put_scratch(c, row);
    else if (answer == ANSWER_NULL)
        call_set_null(c, row);
}

/* Reads the row and runs the path. ANSWER_TEXT: *found is there. */
static JsonAnswer find(JsonState *s, size_t row, ItemSeq *found, JsonFault *fault)
{
    JsonRow r = json_read_row(s, row, fault);
    if (r != JSON_ROW_OK)
        return r == JSON_ROW_NULL ? ANSWER_NULL : r == JSON_ROW_FAULT ? ANSWER_FAULT : ANSWER_FAILED;
    if (json_path_run(&s->run, &s->input, found) == 0 && !s->run.is_limit)
        return ANSWER_TEXT;
    json_path_fault(s->call, &s->run, fault);
    return s->call->failed ? ANSWER_FAILED : ANSWER_FAULT;
}

static void value(Call *c)
{
    _cleanup_json_state_ JsonState s = json_state(c);
    for (size_t i = 0; i < c->n && !c->failed; i++) {
        ItemSeq found;
        JsonFault fault;
        buf_clear(&c->scratch);
        JsonAnswer answer = find(&s, i, &found, &fault);
        if (answer == ANSWER_TEXT)
            answer = json_value_of(c, &s.clauses, &found, &c->scratch, &fault);
        put_answer(c, i, json_value_decide(c, &s.clauses, answer, &c->scratch, &fault));
    }
}

static void query(Call *c)
{
    _cleanup_json_state_ JsonState s = json_state(c);
    for (size_t i = 0; i < c->n && !c->failed; i++) {
        ItemSeq found;
        JsonFault fault;
        buf_clear(&c->scratch);
        JsonAnswer answer = find(&s, i, &found, &fault);
        if (answer == ANSWER_TEXT)
            answer = json_query_of(&s.clauses, &found, &c->scratch, &fault);
        put_answer(c, i, json_query_decide(c, &s.clauses, answer, &c->scratch, &fault));
    }
}

static void exists(Call *c)
{
    _cleanup_json_state_ JsonState s = json_state(c);
    for (size_t i = 0; i < c->n && !c->failed; i++) {
        ItemSeq found = {0};
        JsonFault fault;
        JsonAnswer answer = find(&s, i, &found, &fault);
        char flag = s.clauses.flags[0];
        bool unknown = answer == ANSWER_NULL || (answer == ANSWER_FAULT && flag == 'u');
        OUT(c, bool, i) = answer == ANSWER_TEXT ? found.n > 0 : flag == 't';
        if (answer == ANSWER_FAULT && flag == 'e')
            json_fail(c, &fault);
        else if (unknown)
            call_set_null(c, i);
    }
}

/* ---- making: values come as JSON texts ---- */

/* What FORMAT JSON reads. */
static void input(Call *c)
{
    _cleanup_arena_ Arena *arena = arena_new(JSON_ROW_BYTES_MAX);
    CALL_ROWS(c, i)
    {
        JsonNode *node;
        arena_reset(arena);
        buf_clear(&c->scratch);
        if (!json_doc_parse(arg_str(c, 0, i), arena, &node)) {
            call_fail(c, ERR_JSON_INPUT_CONVERSION_ERROR, "conversion to JSON failed: ");
            break;
        }
        json_doc_put(node, &c->scratch);
        call_put_scratch(c, i);
    }
}

/* "$json_to_varchar": a string without its quotes when the last argument says so. */
static void output(Call *c)
{
    _cleanup_arena_ Arena *arena = arena_new(JSON_ROW_BYTES_MAX);
    CALL_ROWS(c, i)
    {
        JsonNode *node;
        arena_reset(arena);
        buf_clear(&c->scratch);
        bool ok = json_doc_parse(arg_str(c, 0, i), arena, &node);
        if (ok && node->kind == KIND_STRING && ARG(c, 1, bool, i))
            call_put_str(c, i, node->text);
        else if (ok)
            call_put_str(c, i, arg_str(c, 0, i));
        else
            call_fail(c, ERR_JSON_OUTPUT_CONVERSION_ERROR, "conversion from JSON failed: ");
    }
}

typedef struct Texts {
    const duckdb_string_t *data;
    const uint64_t *validity;
    duckdb_list_entry at;
} Texts;

static Texts texts_of(const Call *c, size_t argument, size_t row)
{
    duckdb_vector child = duck->list_vector_get_child(c->in[argument].vector);
    return (Texts){duck->vector_get_data(child), duck->vector_get_validity(child),
                   ARG(c, argument, duckdb_list_entry, row)};
}

static Str text_at(const Texts *t, size_t i)
{
    return duckdb_is_valid(t->validity, t->at.offset + i) ? duckdb_str(&t->data[t->at.offset + i]) : STR_NULL;
}

/* A member with its place in a java.util.HashMap, in whose order Trino writes the object. */
typedef struct Member {
    Str key, value;
    uint32_t hash;
    size_t bucket, order;
} Member;

/* String.hashCode() spread as HashMap does. */
static uint32_t java_hash(Str s)
{
    uint32_t h = 0, point;
    for (size_t n; s.len > 0; s = str_slice(s, n, s.len)) {
        n = utf8_decode(s, &point);
        if (n == 0)
            n = 1, point = '?';
        if (point >= 0x10000) {
            h = h * 31 + (0xd800 + ((point - 0x10000) >> 10));
            point = 0xdc00 + (point & 0x3ff);
        }
        h = h * 31 + point;
    }
    return h ^ h >> 16;
}

static int compare_places(const void *a, const void *b)
{
    const Member *x = a, *y = b;
    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static void place(Member *members, size_t n)
{
    size_t buckets = 16;
    while (n * 4 > buckets * 3)
        buckets *= 2;
    for (size_t i = 0; i < n; i++)
        members[i].bucket = members[i].hash & (buckets - 1);
    qsort(members, n, sizeof *members, compare_places);
}

/* Equal keys lie in one bucket. */
static bool has_equal_keys(const Member *members, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n && members[j].bucket == members[i].bucket; j++)
            if (members[i].hash == members[j].hash && str_eq(members[i].key, members[j].key))
                return true;
    return false;
}

/* false: the call failed. */
static bool gather(Call *c, size_t row, Member *members, size_t *ret_n, bool absent)
{
    Texts keys = texts_of(c, 0, row), values = texts_of(c, 1, row);
    size_t n = 0;
    for (size_t i = 0; i < keys.at.length && i < values.at.length; i++) {
        Str key = text_at(&keys, i), text = text_at(&values, i);
        if (!key.ptr) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "null value passed for JSON object key to JSON_OBJECT function");
            return false;
        }
        if (text.ptr || !absent)
            members[n++] = (Member){key, text.ptr ? text : STR("null"), java_hash(key), 0, i};
    }
    *ret_n = n;
    return true;
}

static void put_object(Buf *out, const Member *members, size_t n)
{
    buf_putc(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(out, ',');
        json_put_quoted(out, members[i].key);
        buf_putc(out, ':');
        buf_add(out, members[i].value);
    }
    buf_putc(out, '}');
}

/* keys, values, ABSENT ON NULL, WITH UNIQUE KEYS */
static void make_object(Call *c)
{
    _cleanup_arena_ Arena *arena = arena_new(JSON_ROW_BYTES_MAX);
    CALL_ROWS(c, i)
    {
        size_t n = ARG(c, 0, duckdb_list_entry, i).length;
        arena_reset(arena);
        Member *members = arena_array(arena, Member, n + 1);
        if (!gather(c, i, members, &n, ARG(c, 2, bool, i)))
            break;
        place(members, n);
        if (has_equal_keys(members, n)) {
            if (ARG(c, 3, bool, i))
                call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "duplicate key passed to JSON_OBJECT function");
            else
                call_fail(c, ERR_NOT_SUPPORTED, "cannot construct a JSON object with duplicate key");
            break;
        }
        buf_clear(&c->scratch);
        put_object(&c->scratch, members, n);
        call_put_scratch(c, i);
    }
}

/* values, ABSENT ON NULL */
static void make_array(Call *c)
{
    CALL_ROWS(c, i)
    {
        Texts values = texts_of(c, 0, i);
        bool absent = ARG(c, 1, bool, i), first = true;
        buf_clear(&c->scratch);
        buf_putc(&c->scratch, '[');
        for (size_t k = 0; k < values.at.length; k++) {
            Str text = text_at(&values, k);
            if (!text.ptr && absent)
                continue;
            if (!first)
                buf_putc(&c->scratch, ',');
            first = false;
            buf_add(&c->scratch, text.ptr ? text : STR("null"));
        }
        buf_putc(&c->scratch, ']');
        call_put_scratch(c, i);
    }
}

/* ---- FORMAT JSON ENCODING: little-endian, as Trino has it ---- */

static void put_unit(Buf *out, uint32_t unit, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++, unit >>= 8)
        buf_putc(out, (char)(unit & 0xff));
}

static void encode(Call *c)
{
    size_t bytes = (size_t)c->def->arg;
    CALL_ROWS(c, i)
    {
        uint32_t point;
        buf_clear(&c->scratch);
        Str s = arg_str(c, 0, i);
        for (size_t n; s.len > 0; s = str_slice(s, n, s.len)) {
            n = utf8_decode(s, &point);
            if (n == 0)
                n = 1, point = 0xfffd;
            if (bytes == 2 && point >= 0x10000) {
                put_unit(&c->scratch, 0xd800 + ((point - 0x10000) >> 10), 2);
                point = 0xdc00 + (point & 0x3ff);
            }
            put_unit(&c->scratch, point, bytes);
        }
        call_put_scratch(c, i);
    }
}

static uint32_t unit_at(Str s, size_t at, size_t bytes)
{
    uint32_t unit = 0;
    for (size_t i = bytes; i-- > 0;)
        unit = unit << 8 | (uint8_t)s.ptr[at + i];
    return unit;
}

static void decode(Call *c)
{
    size_t bytes = (size_t)c->def->arg;
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        char text[4];
        buf_clear(&c->scratch);
        for (size_t at = 0; at < s.len; at += bytes) {
            uint32_t point = s.len - at < bytes ? 0xfffd : unit_at(s, at, bytes);
            bool high = bytes == 2 && point >= 0xd800 && point < 0xdc00 && s.len - at >= 4;
            uint32_t low = high ? unit_at(s, at + 2, 2) : 0;
            if (high && low >= 0xdc00 && low < 0xe000) {
                point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
                at += 2;
            }
            if ((point >= 0xd800 && point < 0xe000) || point > 0x10ffff)
                point = 0xfffd;
            buf_append(&c->scratch, text, utf8_encode(point, text));
        }
        call_put_scratch(c, i);
    }
}

const FunctionDef t_json_sql_functions[] = {
    {"t_json_value", "!ss>s", value},
    {"t_json_value", "!ssS>s", value},
    {"t_json_query", "!ss>s", query},
    {"t_json_query", "!ssS>s", query},
    {"t_json_exists", "!ss>b", exists},
    {"t_json_exists", "!ssS>b", exists},
    {"t_json_input", "s>s", input},
    {"t_json_output", "sb>s", output},
    {"t_json_make_object", "SSbb>s", make_object},
    {"t_json_make_array", "Sb>s", make_array},
    {"t_json_utf16", "s>x", encode, 2},
    {"t_json_utf32", "s>x", encode, 4},
    {"t_json_of_utf16", "x>s", decode, 2},
    {"t_json_of_utf32", "x>s", decode, 4},
    {NULL},
};
