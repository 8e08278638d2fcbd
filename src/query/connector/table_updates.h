/* table_updates.h - updates of a table as the catalog's commit takes them: one JSON object each.
 * Source: Iceberg REST catalog specification, TableUpdate. */
#pragma once

#include "format/json.h"

/* {.buf = BUF_INIT(most bytes of one update), .arena = of the texts}; the caller checks and frees buf. */
typedef struct TableUpdates {
    Vec(Str) items;
    Buf buf;
    Arena *arena;
} TableUpdates;

/* An update is begun, written to and ended, before the next one. */
JsonWriter updates_begin(TableUpdates *updates, const char *action);
void updates_end(TableUpdates *updates, JsonWriter *w);
/* Whole ones, with one member. */
void updates_int(TableUpdates *updates, const char *action, const char *key, int64_t value);
void updates_str(TableUpdates *updates, const char *action, const char *key, Str value);
