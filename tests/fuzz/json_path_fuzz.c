/* json_path_fuzz.c - functions/json_path.h: a path (the first line) on a document (the rest). What is found
 * is written as JSON that is read again to the same text. */
#include <stdlib.h>

#include "query/engine/functions/json_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_item(const Item *item, Arena *arena)
{
    _cleanup_buf_ Buf once = BUF_INIT(16 << 20), twice = BUF_INIT(16 << 20);
    JsonNode *node;
    if (item_put_json(item, &once) < 0 || once.overflow)
        return;
    if (!json_doc_parse(buf_str(&once), arena, &node)) {
        if (!arena_is_exceeded(arena))
            abort();
        return;
    }
    json_doc_put(node, &twice);
    if (!twice.overflow && item->kind == ITEM_JSON && !str_eq(buf_str(&once), buf_str(&twice)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const Str names[] = {{"x", 1}, {"y", 1}};
    _cleanup_arena_ Arena *arena = arena_new(32 << 20);
    Str text = str_of((const char *)data, size), document;
    Str path_text = str_cut(text, '\n', &document);
    JsonNode *node;
    JsonPath path;
    JsonPathError err;
    Item type;
    ItemSeq found;

    if (!utf8_is_valid(text) || json_path_parse(path_text, names, 2, arena, &path, &err) < 0 ||
        json_path_check(&path, &type, &err) < 0 || !json_doc_parse(document, arena, &node))
        return 0;
    Item parameters[] = {item_of_tagged(STR("D3,1:12.5"), arena),
                         item_of_tagged(STR("S3,0:2020-01-02"), arena)};
    Item input = {.kind = ITEM_JSON, .json = node};
    PathRun run = {
        .path = &path, .arena = arena, .parameters = parameters, .steps = JSON_PATH_STEPS_MAX - 100000};
    if (json_path_run(&run, &input, &found) < 0)
        return 0;
    for (size_t i = 0; i < found.n && i < 100; i++)
        check_item(&found.items[i], arena);
    return 0;
}
