/* metadata_fuzz.c - table and view metadata, and commits on them.
 *
 * Input: {"table": metadata, "view": metadata, "requirements": […], "updates": […]}, each part optional. A
 * document that is read is written, read and written again to the same text; so is what a commit makes of it.
 */
#include <stdlib.h>

#include "iceberg/view.h"

enum { ARENA_BYTES = 64 << 20, TEXT_BYTES = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_table(const TableMetadata *table, Arena *arena)
{
    _cleanup_buf_ Buf first = BUF_INIT(TEXT_BYTES), second = BUF_INIT(TEXT_BYTES);
    JsonWriter w = JSON_WRITER(&first), w2 = JSON_WRITER(&second);
    const TableMetadata *again;
    Error err;

    metadata_write(&w, table, false);
    if (first.overflow || arena_is_exceeded(arena))
        return;
    if (metadata_parse(buf_str(&first), arena, &again, &err) < 0) {
        if (err.code != ERR_LIMIT)
            abort();
        return;
    }
    metadata_write(&w2, again, false);
    if (!str_eq(buf_str(&first), buf_str(&second)))
        abort();
}

static void check_view(const ViewMetadata *view, Arena *arena)
{
    _cleanup_buf_ Buf first = BUF_INIT(TEXT_BYTES), second = BUF_INIT(TEXT_BYTES);
    JsonWriter w = JSON_WRITER(&first), w2 = JSON_WRITER(&second);
    const ViewMetadata *again;
    Error err;

    view_write(&w, view);
    if (first.overflow || arena_is_exceeded(arena))
        return;
    if (view_parse(buf_str(&first), arena, &again, &err) < 0) {
        if (err.code != ERR_LIMIT)
            abort();
        return;
    }
    view_write(&w2, again);
    if (!str_eq(buf_str(&first), buf_str(&second)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena *arena = arena_new(ARENA_BYTES);
    const Json *input, *requirements, *updates;
    const TableMetadata *table = NULL, *changed;
    const ViewMetadata *view = NULL, *changed_view;
    Error err;

    if (json_parse(str_of((const char *)data, size), arena, &input, &err) == 0) {
        requirements = json_get(input, "requirements");
        updates = json_get(input, "updates");
        if (json_get(input, "table") && metadata_of_json(json_get(input, "table"), arena, &table, &err) == 0)
            check_table(table, arena);
        if (metadata_apply(table, STR("s3://b/t/metadata/00000-x.metadata.json"), requirements, updates,
                           arena, &changed, &err) == 0 &&
            changed)
            check_table(changed, arena);
        if (json_get(input, "view") && view_of_json(json_get(input, "view"), arena, &view, &err) == 0) {
            check_view(view, arena);
            if (view_apply(view, requirements, updates, arena, &changed_view, &err) == 0)
                check_view(changed_view, arena);
        }
    }
    arena_free(arena);
    return 0;
}
