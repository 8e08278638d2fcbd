/* json_text.h - JSON as Trino's json type sees it: canonical text, and walks over text that is not taken
 * apart.
 *
 * The reader of format/json.h is for what clients send us and stricter than SQL may be: here duplicate keys
 * are taken (the last wins in canonical form), numbers of any size, and any nesting up to
 * JSON_TEXT_DEPTH_MAX. */
#pragma once

#include "base/buf.h"

enum { JSON_TEXT_DEPTH_MAX = 500 };

typedef enum JsonKind {
    KIND_NONE,
    KIND_NULL,
    KIND_FALSE,
    KIND_TRUE,
    KIND_INTEGER,
    KIND_NUMBER,
    KIND_STRING,
    KIND_ARRAY,
    KIND_OBJECT,
} JsonKind;

/* Takes one value off the front of *s (blanks before it too). KIND_NONE: there is none or it is malformed.
 * *ret_raw: its text. */
JsonKind json_take_value(Str *s, Str *ret_raw);
JsonKind json_kind(Str value); /* of a value that was taken */
/* A whole text is one value. */
bool json_is_value(Str text, Str *ret_raw, JsonKind *ret_kind);

/* Members and elements of a taken value: `JsonWalk w = json_walk(raw); while (json_next(&w, &key, &value))`.
 * key: raw, without quotes. */
typedef struct JsonWalk {
    Str rest;
    bool is_object, first;
} JsonWalk;
JsonWalk json_walk(Str value);
bool json_next(JsonWalk *w, Str *ret_key, Str *ret_value);

void json_unescape(Buf *out, Str raw); /* the text of a string without its quotes */
bool json_key_is(Str raw_key, Str name, Buf *scratch);
void json_put_quoted(Buf *out, Str text); /* with quotes, escaped as Jackson does */

/* Keys sorted, the last of duplicates kept, blanks gone, numbers as BigDecimal prints them. false: not JSON.
 */
bool json_canonical(Str text, Buf *out);
/* A taken value as Trino's json_extract copies it: blanks gone, keys as they are, numbers with a fraction as
 * doubles. */
void json_copy(Str value, Buf *out);
/* The canonical form of a number. */
void json_put_number(Buf *out, Str number);
