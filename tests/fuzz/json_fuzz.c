/* json_fuzz.c - format/json.h: what parses is written and parses again to the same text. */
#include <stdlib.h>

#include "format/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_value(const Json *json, Buf *out)
{
    JsonWriter w = JSON_WRITER(out);
    json_write_value(&w, json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 20);
    _cleanup_buf_ Buf once = BUF_INIT(64 << 20), twice = BUF_INIT(64 << 20);
    const Json *json, *again;
    Error err;

    if (json_parse(str_of((const char *)data, size), arena, &json, &err) < 0)
        return 0;
    write_value(json, &once);
    if (json_parse(buf_str(&once), arena, &again, &err) < 0) {
        if (err.code != ERR_LIMIT)
            abort();
        return 0;
    }
    write_value(again, &twice);
    if (!str_eq(buf_str(&once), buf_str(&twice)))
        abort();
    return 0;
}
