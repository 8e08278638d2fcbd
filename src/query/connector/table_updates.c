#include "query/connector/table_updates.h"

JsonWriter updates_begin(TableUpdates *updates, const char *action)
{
    buf_clear(&updates->buf);
    JsonWriter w = JSON_WRITER(&updates->buf);
    json_object(&w);
    json_kv_cstr(&w, "action", action);
    return w;
}

void updates_end(TableUpdates *updates, JsonWriter *w)
{
    json_end_object(w);
    *vec_push(updates->arena, &updates->items) = arena_str(updates->arena, buf_str(&updates->buf));
}

void updates_int(TableUpdates *updates, const char *action, const char *key, int64_t value)
{
    JsonWriter w = updates_begin(updates, action);
    json_kv_int(&w, key, value);
    updates_end(updates, &w);
}

void updates_str(TableUpdates *updates, const char *action, const char *key, Str value)
{
    JsonWriter w = updates_begin(updates, action);
    json_kv_str(&w, key, value);
    updates_end(updates, &w);
}
