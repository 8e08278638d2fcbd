/* json.h - JSON: a streaming writer, and a strict reader into an arena.
 *
 * Writer: values go straight into a Buf. Commas and nesting are tracked; misuse is an assert. Integers are
 * written exactly; a double always with a fraction or an exponent ("1.0", "1.0E100" as Java writes it), NaN
 * and infinities as strings. Bytes that are no UTF-8 become U+FFFD.
 *
 * Reader: json_parse() checks the whole text (RFC 8259, UTF-8, depth at most LIMIT_JSON_DEPTH; duplicate
 * keys, lone surrogates and \u0000 are refused) and gives a tree in an arena, with its own copy of the text.
 * Integers keep all 64 bits; a number that is no 64-bit integer keeps its text. The tree is immutable.
 * Errors: ERR_BAD_REQUEST with line and column in the message. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"

typedef struct JsonWriter {
    Buf *out;
    uint8_t depth;
    bool needs_comma[2 * LIMIT_JSON_DEPTH];      /* a parsed document inside one of ours */
} JsonWriter;

#define JSON_WRITER(buf) ((JsonWriter){ .out = (buf) })

void json_object(JsonWriter *w);
void json_end_object(JsonWriter *w);
void json_array(JsonWriter *w);
void json_end_array(JsonWriter *w);
void json_key(JsonWriter *w, const char *key);
void json_key_str(JsonWriter *w, Str key);
void json_str(JsonWriter *w, Str value);
void json_cstr(JsonWriter *w, const char *value);
void json_int(JsonWriter *w, int64_t value);
void json_double(JsonWriter *w, double value);
void json_bool(JsonWriter *w, bool value);
void json_null(JsonWriter *w);
void json_raw(JsonWriter *w, Str json);         /* a whole JSON value, not checked */
/* key and value in one */
void json_kv_str(JsonWriter *w, const char *key, Str value);
void json_kv_cstr(JsonWriter *w, const char *key, const char *value);
void json_kv_int(JsonWriter *w, const char *key, int64_t value);
void json_kv_bool(JsonWriter *w, const char *key, bool value);
void json_escape(Buf *out, Str value);          /* with the quotes */

typedef enum JsonType {
    JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_INT, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT,
} JsonType;

typedef struct Json Json;
typedef struct JsonMember { Str key; const Json *value; } JsonMember;
struct Json {
    JsonType type;
    union {
        int64_t i64;                    /* JSON_INT */
        Str text;                       /* JSON_STRING: unescaped; JSON_NUMBER: as written */
        struct { const Json *const *items; size_t n; } array;
        struct { const JsonMember *members; size_t n; } object;   /* in the order of the text */
    };
};

int json_parse(Str text, Arena *arena, const Json **ret, Error *err);
/* NULL when absent, or when `object` is NULL or no object. */
const Json *json_get(const Json *object, const char *key);
const Json *json_get_str_key(const Json *object, Str key);
static inline bool json_is(const Json *j, JsonType type) { return j && j->type == type; }
static inline bool json_is_null(const Json *j) { return !j || j->type == JSON_NULL; }
/* Optional members: absent or null gives the default; another type is ERR_BAD_REQUEST that names the key. */
int json_get_string(const Json *object, const char *key, Str default_value, Str *ret, Error *err);
int json_get_int(const Json *object, const char *key, int64_t default_value, int64_t *ret, Error *err);
int json_get_bool(const Json *object, const char *key, bool default_value, bool *ret, Error *err);
int json_get_array(const Json *object, const char *key, const Json **ret, Error *err);    /* NULL: absent */
int json_get_object(const Json *object, const char *key, const Json **ret, Error *err);
/* Required members: absence is ERR_BAD_REQUEST too. */
int json_need_string(const Json *object, const char *key, Str *ret, Error *err);
int json_need_int(const Json *object, const char *key, int64_t *ret, Error *err);
double json_to_double(const Json *number);                    /* JSON_INT or JSON_NUMBER */
void json_write_value(JsonWriter *w, const Json *value);      /* a parsed value, numbers as they were */
