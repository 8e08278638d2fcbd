/* json_doc.c - JSON text to a tree of nodes, and back. */
#include "query/engine/functions/json_path.h"

#include <math.h>
#include <stdlib.h>

#include "query/engine/functions/text.h"

enum { SCAN_KEYS = 16 }; /* up to so many members duplicates are looked for one by one */

typedef struct Reader {
    Str rest;
    Arena *arena;
} Reader;

static JsonNode *read_value(Reader *r, int depth);

static void skip_blanks(Reader *r)
{
    size_t i = 0;
    while (i < r->rest.len && (r->rest.ptr[i] == ' ' || r->rest.ptr[i] == '\t' || r->rest.ptr[i] == '\n' ||
                               r->rest.ptr[i] == '\r'))
        i++;
    r->rest = str_slice(r->rest, i, r->rest.len);
}

static bool read_mark(Reader *r, char mark)
{
    skip_blanks(r);
    if (r->rest.len == 0 || r->rest.ptr[0] != mark)
        return false;
    r->rest = str_slice(r->rest, 1, r->rest.len);
    return true;
}

static Str unescaped(Reader *r, Str raw)
{
    if (raw.len == 0 || !memchr(raw.ptr, '\\', raw.len))
        return raw;
    _cleanup_buf_ Buf out = BUF_INIT(raw.len + 1);
    json_unescape(&out, raw);
    return arena_str(r->arena, buf_str(&out));
}

/* A string, number or word, as json_text.h checks them. */
static bool read_scalar(Reader *r, JsonNode *node)
{
    Str raw;
    node->kind = json_take_value(&r->rest, &raw);
    if (node->kind == KIND_NONE)
        return false;
    node->text = node->kind == KIND_STRING ? unescaped(r, str_slice(raw, 1, raw.len - 1)) : raw;
    return true;
}

typedef struct Member {
    JsonNode *node;
    size_t order;
} Member;

static int compare_members(const void *a, const void *b)
{
    const Member *x = a, *y = b;
    int r = str_cmp(x->node->key, y->node->key);
    return r ? r : x->order < y->order ? -1 : 1;
}

static bool has_duplicates(const JsonNode *object)
{
    for (const JsonNode *m = object->first; m; m = m->next)
        for (const JsonNode *other = m->next; other; other = other->next)
            if (str_eq(m->key, other->key))
                return true;
    return false;
}

static void take_value_of(JsonNode *earlier, const JsonNode *later)
{
    JsonNode *next = earlier->next;
    *earlier = *later;
    earlier->next = next;
}

static void unlink_removed(JsonNode *object)
{
    object->n = 0;
    for (JsonNode **link = &object->first; *link;) {
        if ((*link)->kind == KIND_NONE) {
            *link = (*link)->next;
        } else {
            object->n++;
            link = &(*link)->next;
        }
    }
}

/* Of equal keys the first stays, with the value of the last. */
static void merge_duplicates(Reader *r, JsonNode *object)
{
    Member *sorted = arena_array(r->arena, Member, object->n);
    size_t n = 0;
    for (JsonNode *m = object->first; m; m = m->next, n++)
        sorted[n] = (Member){m, n};
    qsort(sorted, n, sizeof *sorted, compare_members);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && str_eq(sorted[to].node->key, sorted[from].node->key);)
            to++;
        if (to == from + 1)
            continue;
        take_value_of(sorted[from].node, sorted[to - 1].node);
        for (size_t i = from + 1; i < to; i++)
            sorted[i].node->kind = KIND_NONE;
    }
    unlink_removed(object);
}

static bool read_members(Reader *r, JsonNode *node, int depth)
{
    bool is_object = node->kind == KIND_OBJECT;
    char close = is_object ? '}' : ']';
    JsonNode **end = &node->first;
    if (depth >= JSON_DOC_DEPTH_MAX)
        return false;
    if (read_mark(r, close))
        return true;
    do {
        JsonNode name = {.kind = KIND_NONE};
        skip_blanks(r);
        if (is_object && (!read_scalar(r, &name) || name.kind != KIND_STRING || !read_mark(r, ':')))
            return false;
        JsonNode *child = read_value(r, depth + 1);
        if (!child)
            return false;
        child->key = name.text;
        *end = child;
        end = &child->next;
        node->n++;
    } while (read_mark(r, ','));
    if (is_object && (node->n > SCAN_KEYS || has_duplicates(node)))
        merge_duplicates(r, node);
    return read_mark(r, close);
}

static JsonNode *read_value(Reader *r, int depth)
{
    skip_blanks(r);
    if (r->rest.len == 0 || arena_is_exceeded(r->arena))
        return NULL;
    JsonNode *node = arena_new_of(r->arena, JsonNode);
    char c = r->rest.ptr[0];
    if (c != '{' && c != '[')
        return read_scalar(r, node) ? node : NULL;
    node->kind = c == '{' ? KIND_OBJECT : KIND_ARRAY;
    r->rest = str_slice(r->rest, 1, r->rest.len);
    return read_members(r, node, depth) ? node : NULL;
}

bool json_doc_parse(Str text, Arena *arena, JsonNode **ret)
{
    Reader r = {text, arena};
    JsonNode *node = read_value(&r, 0);
    if (!node)
        return false;
    /* "12x" is no number followed by something. */
    bool is_word = node->kind >= KIND_NULL && node->kind <= KIND_NUMBER;
    if (is_word && r.rest.len > 0 && !strchr(" \t\r\n", r.rest.ptr[0]))
        return false;
    *ret = node;
    return true;
}

const JsonNode *json_doc_member(const JsonNode *object, Str key)
{
    for (const JsonNode *m = object->kind == KIND_OBJECT ? object->first : NULL; m; m = m->next)
        if (str_eq(m->key, key))
            return m;
    return NULL;
}

static void put_number(const JsonNode *node, Buf *out)
{
    char text[NUMBER_TEXT_MAX];
    double value = 0;
    if (node->kind == KIND_INTEGER) {
        buf_add(out, str_is(node->text, "-0") ? STR("0") : node->text);
        return;
    }
    parse_java_double(node->text, false, &value);
    const char *quote = isfinite(value) ? "" : "\"";
    buf_puts(out, quote);
    buf_append(out, text, (size_t)(put_double(text, value) - text));
    buf_puts(out, quote);
}

void json_doc_put(const JsonNode *node, Buf *out)
{
    bool is_object = node->kind == KIND_OBJECT;
    switch (node->kind) {
    case KIND_OBJECT:
    case KIND_ARRAY:
        buf_putc(out, is_object ? '{' : '[');
        for (const JsonNode *m = node->first; m; m = m->next) {
            if (m != node->first)
                buf_putc(out, ',');
            if (is_object) {
                json_put_quoted(out, m->key);
                buf_putc(out, ':');
            }
            json_doc_put(m, out);
        }
        buf_putc(out, is_object ? '}' : ']');
        break;
    case KIND_STRING:
        json_put_quoted(out, node->text);
        break;
    case KIND_INTEGER:
    case KIND_NUMBER:
        put_number(node, out);
        break;
    default:
        buf_add(out, node->text);
    }
}
