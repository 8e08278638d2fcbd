#include "format/yaml.h"

#include <assert.h>
#include <yaml.h>

typedef struct Builder {
    yaml_parser_t parser;
    const char *name;
    Arena *arena;
    Error *err;
    size_t nodes;
} Builder;

static int fail_at(Builder *b, yaml_mark_t mark, const char *what)
{
    return err_set(b->err, ERR_CONFIG, "%s:%zu:%zu: %s", b->name, mark.line + 1, mark.column + 1, what);
}

static int next_event(Builder *b, yaml_event_t *event)
{
    if (yaml_parser_parse(&b->parser, event))
        return 0;
    return err_set(b->err, ERR_CONFIG, "%s:%zu:%zu: %s", b->name, b->parser.problem_mark.line + 1,
                   b->parser.problem_mark.column + 1,
                   b->parser.problem ? b->parser.problem : "malformed YAML");
}

static int refuse_anchor(Builder *b, const yaml_event_t *event, const yaml_char_t *anchor,
                         const yaml_char_t *tag)
{
    if (anchor)
        return fail_at(b, event->start_mark, "anchors are not allowed here");
    if (tag)
        return fail_at(b, event->start_mark, "tags are not allowed here");
    return 0;
}

static YamlNode *new_node(Builder *b, YamlKind kind, yaml_mark_t mark)
{
    YamlNode *node = arena_new_of(b->arena, YamlNode);
    node->kind = kind;
    node->line = (int)mark.line + 1;
    node->column = (int)mark.column + 1;
    return node;
}

static int build_node(Builder *b, yaml_event_t *event, int depth, const YamlNode **ret);

static int build_scalar(Builder *b, yaml_event_t *event, const YamlNode **ret)
{
    if (refuse_anchor(b, event, event->data.scalar.anchor, event->data.scalar.tag))
        return -1;
    YamlNode *node = new_node(b, YAML_NODE_SCALAR, event->start_mark);
    node->text =
        arena_str(b->arena, str_of((const char *)event->data.scalar.value, event->data.scalar.length));
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (node->plain && (node->text.len == 0 || str_is(node->text, "~") || str_is(node->text, "null")))
        node->kind = YAML_NODE_NULL;
    *ret = node;
    return 0;
}

static int build_sequence(Builder *b, yaml_event_t *event, int depth, const YamlNode **ret)
{
    if (refuse_anchor(b, event, event->data.sequence_start.anchor, event->data.sequence_start.tag))
        return -1;
    YamlNode *node = new_node(b, YAML_NODE_SEQUENCE, event->start_mark);
    Vec(const YamlNode *) items = { 0 };
    for (;;) {
        yaml_event_t child;
        if (next_event(b, &child))
            return -1;
        bool is_end = child.type == YAML_SEQUENCE_END_EVENT;
        const YamlNode *item = NULL;
        int r = is_end ? 0 : build_node(b, &child, depth + 1, &item);
        yaml_event_delete(&child);
        if (r)
            return -1;
        if (is_end)
            break;
        *vec_push(b->arena, &items) = item;
    }
    node->items = items.items;
    node->n = items.n;
    *ret = node;
    return 0;
}

static int build_mapping(Builder *b, yaml_event_t *event, int depth, const YamlNode **ret)
{
    if (refuse_anchor(b, event, event->data.mapping_start.anchor, event->data.mapping_start.tag))
        return -1;
    YamlNode *node = new_node(b, YAML_NODE_MAPPING, event->start_mark);
    Vec(YamlEntry) entries = { 0 };
    for (;;) {
        yaml_event_t key, value;
        if (next_event(b, &key))
            return -1;
        if (key.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&key);
            break;
        }
        YamlEntry entry = { .line = (int)key.start_mark.line + 1 };
        int r = key.type == YAML_SCALAR_EVENT ? 0 : fail_at(b, key.start_mark, "a key must be a plain word");
        if (!r) {
            entry.key =
                arena_str(b->arena, str_of((const char *)key.data.scalar.value, key.data.scalar.length));
            for (size_t i = 0; i < entries.n && !r; i++)
                if (str_eq(entries.items[i].key, entry.key))
                    r = fail_at(b, key.start_mark, "this key stands twice");
        }
        yaml_event_delete(&key);
        if (r || next_event(b, &value))
            return -1;
        r = build_node(b, &value, depth + 1, &entry.value);
        yaml_event_delete(&value);
        if (r)
            return -1;
        *vec_push(b->arena, &entries) = entry;
    }
    node->entries = entries.items;
    node->n = entries.n;
    *ret = node;
    return 0;
}

static int build_node(Builder *b, yaml_event_t *event, int depth, const YamlNode **ret)
{
    if (depth > YAML_MAX_DEPTH)
        return fail_at(b, event->start_mark, "nested too deeply");
    if (++b->nodes > YAML_MAX_NODES)
        return fail_at(b, event->start_mark, "too many values in one file");
    if (arena_check(b->arena, b->err))
        return -1;
    if (event->type == YAML_SCALAR_EVENT)
        return build_scalar(b, event, ret);
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return build_sequence(b, event, depth, ret);
    if (event->type == YAML_MAPPING_START_EVENT)
        return build_mapping(b, event, depth, ret);
    if (event->type == YAML_ALIAS_EVENT)
        return fail_at(b, event->start_mark, "aliases are not allowed here");
    return fail_at(b, event->start_mark, "unexpected content");
}

static int build_document(Builder *b, const YamlNode **ret)
{
    *ret = NULL;
    for (;;) {
        yaml_event_t event;
        if (next_event(b, &event))
            return -1;
        yaml_event_type_t type = event.type;
        int r = 0;
        if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
            type != YAML_DOCUMENT_END_EVENT && type != YAML_STREAM_END_EVENT)
            r = *ret ? fail_at(b, event.start_mark, "one document only") : build_node(b, &event, 0, ret);
        yaml_event_delete(&event);
        if (r)
            return -1;
        if (type == YAML_STREAM_END_EVENT)
            break;
    }
    if (!*ret)
        *ret = new_node(b, YAML_NODE_NULL, (yaml_mark_t){ 0 });
    return 0;
}

int yaml_parse(Str text, const char *name, Arena *arena, const YamlNode **ret, Error *err)
{
    Builder b = { .name = name, .arena = arena, .err = err };
    const YamlNode *root = NULL;
    if (!yaml_parser_initialize(&b.parser))
        return err_set(err, ERR_INTERNAL, "libyaml could not start");
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)(text.ptr ? text.ptr : ""), text.len);
    int r = build_document(&b, &root);
    yaml_parser_delete(&b.parser);
    if (!r)
        *ret = root;
    return r;
}

const YamlNode *yaml_get(const YamlNode *mapping, const char *key)
{
    if (!mapping || mapping->kind != YAML_NODE_MAPPING)
        return NULL;
    for (size_t i = 0; i < mapping->n; i++)
        if (str_is(mapping->entries[i].key, key))
            return mapping->entries[i].value;
    return NULL;
}
