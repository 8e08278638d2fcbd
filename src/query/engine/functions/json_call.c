/* json_call.c - what JSON_VALUE, JSON_QUERY, JSON_EXISTS and JSON_TABLE have in common. */
#include "query/engine/functions/json_call.h"

#include <stdarg.h>
#include <stdio.h>

enum { CONSTANT_BYTES_MAX = 16 << 20 };

/* ---- clauses ---- */

bool json_take_number(Str *s, char end, size_t *ret)
{
    uint64_t v;
    ptrdiff_t at = str_find_char(*s, end);
    if (at < 0 || str_to_u64(str_slice(*s, 0, (size_t)at), INT32_MAX, &v, NULL) < 0)
        return false;
    *ret = (size_t)v;
    *s = str_slice(*s, (size_t)at + 1, s->len);
    return true;
}

bool json_take_text(Str *s, Str *ret)
{
    size_t n;
    if (!json_take_number(s, ':', &n) || n > s->len)
        return false;
    *ret = str_slice(*s, 0, n);
    *s = str_slice(*s, n, s->len);
    return true;
}

bool json_clauses_take(Str *s, Arena *arena, JsonClauses *ret)
{
    size_t precision, scale;
    if (s->len < 5)
        return false;
    memcpy(ret->flags, s->ptr, sizeof ret->flags);
    char tag = s->ptr[4];
    *s = str_slice(*s, 5, s->len);
    if (!json_take_number(s, ',', &precision) || !json_take_number(s, ':', &scale) ||
        !json_take_number(s, ':', &ret->n_names))
        return false;
    ret->type = (Item){.kind = ITEM_JSON, .precision = (int32_t)precision, .scale = (int32_t)scale};
    while (ret->type.kind < ITEM_NONE && item_tag(ret->type.kind) != tag)
        ret->type.kind++;
    ret->names = arena_array(arena, Str, ret->n_names + 1);
    for (size_t i = 0; i < ret->n_names; i++)
        if (!json_take_text(s, &ret->names[i]))
            return false;
    return true;
}

/* ---- errors ---- */

int json_fault(JsonFault *fault, ErrCode code, const char *prefix, const char *format, ...)
{
    va_list args;
    fault->code = code;
    fault->prefix = prefix;
    va_start(args, format);
    vsnprintf(fault->message, sizeof fault->message, format, args);
    va_end(args);
    return -1;
}

void json_fail(Call *c, const JsonFault *fault)
{
    call_fail(c, fault->code, "%s%s", fault->prefix, fault->message);
}

int json_path_fault(Call *c, const PathRun *run, JsonFault *fault)
{
    if (run->is_limit)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s", run->message);
    return json_fault(fault, ERR_PATH_EVALUATION_ERROR, "path evaluation failed: ", "%s", run->message);
}

/* ---- rows ---- */

JsonState json_state(Call *c)
{
    return (JsonState){
        .call = c, .constant = arena_new(CONSTANT_BYTES_MAX), .row = arena_new(JSON_ROW_BYTES_MAX)};
}

void json_state_free(JsonState *s)
{
    arena_free(s->constant);
    arena_free(s->row);
}

/* The clauses are constant: they are read at the first row. */
static bool read_clauses(JsonState *s, Str text)
{
    JsonPathError why = {.message = "clauses"};
    if (s->text.ptr && str_eq(s->text, text))
        return true;
    arena_reset(s->constant);
    s->text = arena_str(s->constant, text);
    Str rest = s->text;
    if (!json_clauses_take(&rest, s->constant, &s->clauses) ||
        json_path_parse(rest, s->clauses.names, s->clauses.n_names, s->constant, &s->path, &why) < 0) {
        call_fail(s->call, ERR_INTERNAL, "%s: %s", s->call->def->name, why.message);
        return false;
    }
    return true;
}

static bool is_null(const Call *c, size_t argument, size_t row)
{
    return !duckdb_is_valid(c->in[argument].validity, row);
}

/* false: one of them is malformed. */
static bool read_parameters(JsonState *s, size_t row)
{
    static const JsonNode null = {.kind = KIND_NULL, .text = {"null", 4}};
    const Call *c = s->call;
    Item *items = arena_array(s->row, Item, s->clauses.n_names + 1);
    s->run.parameters = items;
    if (s->clauses.n_names == 0 || c->n_in < 3 || is_null(c, 2, row))
        return s->clauses.n_names == 0;
    duckdb_vector child = duck->list_vector_get_child(c->in[2].vector);
    const duckdb_string_t *texts = duck->vector_get_data(child);
    const uint64_t *validity = duck->vector_get_validity(child);
    duckdb_list_entry list = ARG(c, 2, duckdb_list_entry, row);
    for (size_t i = 0; i < s->clauses.n_names && i < list.length; i++) {
        items[i] = (Item){.kind = ITEM_JSON, .json = &null};
        if (!duckdb_is_valid(validity, list.offset + i))
            continue;
        Str text = duckdb_str(&texts[list.offset + i]);
        items[i] = item_of_tagged(text, s->row);
        if (items[i].kind == ITEM_NONE && text.len > 0 && text.ptr[0] != item_tag(ITEM_NONE))
            return false;
    }
    return true;
}

JsonRow json_read_document(JsonState *s, size_t row, JsonFault *fault)
{
    JsonNode *document = NULL;
    *fault = (JsonFault){.code = 0};
    arena_reset(s->row);
    s->run = (PathRun){.path = &s->path, .arena = s->row};
    if (is_null(s->call, 0, row))
        return JSON_ROW_NULL;
    if (json_doc_parse(arg_str(s->call, 0, row), s->row, &document) && read_parameters(s, row)) {
        s->input = (Item){.kind = ITEM_JSON, .json = document};
        return JSON_ROW_OK;
    }
    if (arena_is_exceeded(s->row)) {
        call_fail(s->call, ERR_INVALID_FUNCTION_ARGUMENT, "JSON value takes more than %d bytes of memory",
                  JSON_ROW_BYTES_MAX);
        return JSON_ROW_FAILED;
    }
    json_fault(fault, ERR_JSON_INPUT_CONVERSION_ERROR, "conversion to JSON failed: ", "%s", "");
    return JSON_ROW_FAULT;
}

JsonRow json_read_row(JsonState *s, size_t row, JsonFault *fault)
{
    *fault = (JsonFault){.code = 0};
    if (is_null(s->call, 1, row))
        return JSON_ROW_NULL;
    return read_clauses(s, arg_str(s->call, 1, row)) ? json_read_document(s, row, fault) : JSON_ROW_FAILED;
}

/* ---- JSON_VALUE ---- */

#define VALUE_PREFIX "cannot extract SQL scalar from JSON: "
#define OUTPUT_PREFIX "conversion from JSON failed: "

static JsonAnswer cast_value(Call *c, const JsonClauses *clauses, const Item *item, Buf *out,
                             JsonFault *fault)
{
    ItemResult r = item_cast(item, &clauses->type, out);
    if (r == ITEM_OK)
        return ANSWER_TEXT;
    _cleanup_buf_ Buf from = BUF_INIT(64), to = BUF_INIT(64);
    item_put_type(item, &from);
    item_put_type(&clauses->type, &to);
    if (r == ITEM_REFUSED) {
        call_fail(c, ERR_NOT_SUPPORTED, "JSON_VALUE of a %.*s returning %.*s is not supported",
                  STR_ARG(buf_str(&from)), STR_ARG(buf_str(&to)));
        return ANSWER_FAILED;
    }
    json_fault(fault, ERR_JSON_VALUE_RESULT_ERROR, VALUE_PREFIX,
               "Cannot cast value of type %.*s to declared return type of function JSON_VALUE: %.*s",
               STR_ARG(buf_str(&from)), STR_ARG(buf_str(&to)));
    return ANSWER_FAULT;
}

JsonAnswer json_value_of(Call *c, const JsonClauses *clauses, const ItemSeq *found, Buf *out,
                         JsonFault *fault)
{
    bool too_big;
    if (found->n == 0) {
        json_fault(fault, ERR_JSON_VALUE_RESULT_ERROR, VALUE_PREFIX, "JSON path found no items");
        return ANSWER_EMPTY;
    }
    if (found->n > 1) {
        json_fault(fault, ERR_JSON_VALUE_RESULT_ERROR, VALUE_PREFIX, "JSON path found multiple items");
        return ANSWER_FAULT;
    }
    Item item = found->items[0];
    if (item.kind == ITEM_JSON && item.json->kind == KIND_NULL)
        return ANSWER_NULL;
    if (item.kind == ITEM_JSON && !item_of_json(found->items[0].json, &item, &too_big)) {
        json_fault(fault, ERR_JSON_VALUE_RESULT_ERROR, VALUE_PREFIX,
                   "JSON path found an item that cannot be converted to an SQL value");
        return ANSWER_FAULT;
    }
    return cast_value(c, clauses, &item, out, fault);
}

JsonAnswer json_value_decide(Call *c, const JsonClauses *clauses, JsonAnswer answer, Buf *out,
                             const JsonFault *fault)
{
    bool tagged = clauses->flags[0] == 'd' || clauses->flags[1] == 'd';
    if (answer == ANSWER_NULL || answer == ANSWER_FAILED)
        return answer;
    if (answer == ANSWER_TEXT) {
        if (tagged && buf_append(out, "=", 1) == 0) { /* in front */
            memmove(out->data + 1, out->data, out->len - 1);
            out->data[0] = '=';
        }
        return answer;
    }
    char flag = clauses->flags[answer == ANSWER_EMPTY ? 0 : 1];
    if (flag == 'n')
        return ANSWER_NULL;
    if (flag == 'e') {
        json_fail(c, fault);
        return ANSWER_FAILED;
    }
    buf_clear(out);
    buf_putc(out, answer == ANSWER_EMPTY ? 'E' : 'X');
    return ANSWER_TEXT;
}

/* ---- JSON_QUERY ---- */

static JsonAnswer put_wrapped(const ItemSeq *found, Buf *out)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < found->n; i++) {
        if (i > 0)
            buf_putc(out, ',');
        item_put_json(&found->items[i], out);
    }
    buf_putc(out, ']');
    return ANSWER_TEXT;
}

static bool has_json_form(const ItemSeq *found, JsonFault *fault)
{
    for (size_t i = 0; i < found->n; i++) {
        if (found->items[i].kind < ITEM_DATE)
            continue;
        _cleanup_buf_ Buf type = BUF_INIT(64);
        item_put_type(&found->items[i], &type);
        json_fault(fault, ERR_JSON_OUTPUT_CONVERSION_ERROR, OUTPUT_PREFIX,
                   "JSON path returned a scalar SQL value of type %.*s that cannot be represented as JSON",
                   STR_ARG(buf_str(&type)));
        return false;
    }
    return true;
}

JsonAnswer json_query_of(const JsonClauses *clauses, const ItemSeq *found, Buf *out, JsonFault *fault)
{
    if (found->n == 0) {
        json_fault(fault, ERR_JSON_OUTPUT_CONVERSION_ERROR, OUTPUT_PREFIX, "JSON path found no items");
        return ANSWER_EMPTY;
    }
    if (!has_json_form(found, fault))
        return ANSWER_FAULT;
    const Item *first = &found->items[0];
    bool is_container = first->kind == ITEM_JSON && first->json->kind >= KIND_ARRAY;
    if (clauses->flags[0] == 'u' || (clauses->flags[0] == 'c' && (found->n != 1 || !is_container)))
        return put_wrapped(found, out);
    if (found->n > 1) {
        json_fault(fault, ERR_JSON_OUTPUT_CONVERSION_ERROR, OUTPUT_PREFIX, "JSON path found multiple items");
        return ANSWER_FAULT;
    }
    if (clauses->flags[1] == 'o' && item_is_text(first)) {
        if (first->kind == ITEM_JSON)
            buf_add(out, first->json->text);
        else
            item_put_text(first, out);
    } else {
        item_put_json(first, out);
    }
    return ANSWER_TEXT;
}

JsonAnswer json_query_decide(Call *c, const JsonClauses *clauses, JsonAnswer answer, Buf *out,
                             const JsonFault *fault)
{
    if (answer != ANSWER_EMPTY && answer != ANSWER_FAULT)
        return answer;
    char flag = clauses->flags[answer == ANSWER_EMPTY ? 2 : 3];
    if (flag == 'n')
        return ANSWER_NULL;
    if (flag == 'e') {
        json_fail(c, fault);
        return ANSWER_FAILED;
    }
    buf_clear(out);
    buf_puts(out, flag == 'a' ? "[]" : "{}");
    return ANSWER_TEXT;
}
