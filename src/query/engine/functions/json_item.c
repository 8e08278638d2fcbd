/* json_item.c - items of the path language: what they are, and their forms as text and as JSON. */
#include <math.h>
#include <stdio.h>

#include "query/engine/encode_time.h"
#include "query/engine/functions/json_path.h"
#include "query/engine/functions/text.h"
#include "query/engine/functions/wide_time.h"
#include "query/engine/functions/zones.h"

static const struct {
    char tag;
    const char *name;
} kinds[] = {
    [ITEM_JSON] = {'j', "json"},
    [ITEM_TINYINT] = {'t', "tinyint"},
    [ITEM_SMALLINT] = {'s', "smallint"},
    [ITEM_INTEGER] = {'i', "integer"},
    [ITEM_BIGINT] = {'l', "bigint"},
    [ITEM_DECIMAL] = {'D', "decimal"},
    [ITEM_REAL] = {'r', "real"},
    [ITEM_DOUBLE] = {'d', "double"},
    [ITEM_BOOLEAN] = {'b', "boolean"},
    [ITEM_VARCHAR] = {'v', "varchar"},
    [ITEM_CHAR] = {'c', "char"},
    [ITEM_DATE] = {'A', "date"},
    [ITEM_TIME] = {'T', "time"},
    [ITEM_TIME_TZ] = {'Z', "time"},
    [ITEM_TIMESTAMP] = {'S', "timestamp"},
    [ITEM_TIMESTAMP_TZ] = {'Y', "timestamp"},
    [ITEM_NONE] = {'e', ""},
};

char item_tag(ItemKind kind)
{
    return kinds[kind].tag;
}

bool item_is_number(const Item *item)
{
    if (item->kind == ITEM_JSON)
        return item->json->kind == KIND_INTEGER || item->json->kind == KIND_NUMBER;
    return item->kind >= ITEM_TINYINT && item->kind <= ITEM_DOUBLE;
}

bool item_is_text(const Item *item)
{
    return item->kind == ITEM_JSON ? item->json->kind == KIND_STRING
                                   : item->kind == ITEM_VARCHAR || item->kind == ITEM_CHAR;
}

void item_put_type(const Item *item, Buf *out)
{
    static const char *const nodes[] = {
        [KIND_NULL] = "NULL",      [KIND_FALSE] = "BOOLEAN", [KIND_TRUE] = "BOOLEAN",
        [KIND_INTEGER] = "NUMBER", [KIND_NUMBER] = "NUMBER", [KIND_STRING] = "STRING",
        [KIND_ARRAY] = "ARRAY",    [KIND_OBJECT] = "OBJECT",
    };
    if (item->kind == ITEM_JSON) {
        buf_puts(out, nodes[item->json->kind]);
        return;
    }
    buf_puts(out, kinds[item->kind].name);
    if (item->kind == ITEM_DECIMAL)
        buf_printf(out, "(%d,%d)", item->precision, item->scale);
    else if (item->kind >= ITEM_TIME || (item->kind >= ITEM_VARCHAR && item->precision > 0))
        buf_printf(out, "(%d)", item->precision);
    if (item->kind == ITEM_TIME_TZ || item->kind == ITEM_TIMESTAMP_TZ)
        buf_puts(out, " with time zone");
}

bool item_of_json(const JsonNode *node, Item *ret, bool *ret_too_big)
{
    *ret_too_big = false;
    switch (node->kind) {
    case KIND_FALSE:
    case KIND_TRUE:
        *ret = (Item){.kind = ITEM_BOOLEAN, .boolean = node->kind == KIND_TRUE};
        return true;
    case KIND_STRING:
        *ret = (Item){.kind = ITEM_VARCHAR, .text = node->text};
        return true;
    case KIND_NUMBER:
        *ret = (Item){.kind = ITEM_DOUBLE};
        return parse_java_double(node->text, false, &ret->number);
    case KIND_INTEGER:
        *ret = (Item){.kind = ITEM_BIGINT};
        if (str_to_i64(node->text, INT64_MIN, INT64_MAX, &ret->integer, NULL) < 0) {
            *ret_too_big = true;
            return false;
        }
        if (ret->integer >= INT32_MIN && ret->integer <= INT32_MAX)
            ret->kind = ITEM_INTEGER;
        return true;
    default:
        return false;
    }
}

/* ---- text ---- */

static char *put_zoned(char *p, const Item *item)
{
    int64_t us = wide_us(item->wide);
    int32_t offset = zone_offset_at(item->zone, floor_div(us, SECOND_US));
    p = put_timestamp(p, us + offset * SECOND_US, (int32_t)wide_picos(item->wide), item->precision);
    *p++ = ' ';
    return zone_put_name(p, item->zone);
}

static char *put_moment(char *p, const Item *item)
{
    switch (item->kind) {
    case ITEM_DATE:
        return put_date(p, item->integer);
    case ITEM_TIME:
        return put_time(p, (int64_t)item->wide, item->precision);
    case ITEM_TIME_TZ:
        return put_offset(put_time(p, (int64_t)item->wide, item->precision), item->zone);
    case ITEM_TIMESTAMP:
        return put_timestamp(p, wide_us(item->wide), (int32_t)wide_picos(item->wide), item->precision);
    default:
        return put_zoned(p, item);
    }
}

/* `java`: as Double.toString writes it, else as Trino's cast. */
static char *put_numeric(char *p, const Item *item, bool java)
{
    switch (item->kind) {
    case ITEM_DECIMAL:
        return put_decimal(p, item->wide, item->scale);
    case ITEM_REAL:
        return java ? put_float(p, (float)item->number) : put_float_scientific(p, (float)item->number);
    case ITEM_DOUBLE:
        return java ? put_double(p, item->number) : put_double_scientific(p, item->number);
    default:
        return put_i64(p, item->integer);
    }
}

static void put_padded_text(const Item *item, Buf *out)
{
    buf_add(out, item->text);
    for (size_t n = text_length(item->text); item->kind == ITEM_CHAR && n < (size_t)item->precision; n++)
        buf_putc(out, ' ');
}

void item_put_text(const Item *item, Buf *out)
{
    char text[TIME_TEXT_MAX + ZONE_NAME_MAX];
    if (item_is_text(item)) {
        put_padded_text(item, out);
        return;
    }
    if (item->kind == ITEM_BOOLEAN) {
        buf_puts(out, item->boolean ? "true" : "false");
        return;
    }
    char *end = item_is_number(item) ? put_numeric(text, item, false) : put_moment(text, item);
    buf_append(out, text, (size_t)(end - text));
}

/* ---- JSON ---- */

int item_put_json(const Item *item, Buf *out)
{
    char text[NUMBER_TEXT_MAX];
    if (item->kind == ITEM_JSON) {
        json_doc_put(item->json, out);
        return 0;
    }
    if (item_is_number(item)) {
        bool finite = item->kind < ITEM_REAL || isfinite(item->number);
        buf_puts(out, finite ? "" : "\"");
        buf_append(out, text, (size_t)(put_numeric(text, item, true) - text));
        buf_puts(out, finite ? "" : "\"");
        return 0;
    }
    if (item->kind == ITEM_BOOLEAN)
        return buf_puts(out, item->boolean ? "true" : "false");
    if (!item_is_text(item))
        return -1;
    _cleanup_buf_ Buf padded = BUF_INIT(out->max);
    put_padded_text(item, &padded);
    json_put_quoted(out, buf_str(&padded));
    return 0;
}

JsonNode *item_to_json(const Item *item, Arena *arena)
{
    if (item->kind == ITEM_JSON)
        return (JsonNode *)item->json;
    JsonNode *node = arena_new_of(arena, JsonNode);
    char text[NUMBER_TEXT_MAX];
    if (item_is_text(item)) {
        node->kind = KIND_STRING;
        node->text = item->text;
    } else if (item->kind == ITEM_BOOLEAN) {
        node->kind = item->boolean ? KIND_TRUE : KIND_FALSE;
        node->text = item->boolean ? STR("true") : STR("false");
    } else if (item_is_number(item)) {
        node->kind = item->kind <= ITEM_BIGINT ? KIND_INTEGER : KIND_NUMBER;
        node->text = arena_str(arena, str_of(text, (size_t)(put_numeric(text, item, true) - text)));
    } else {
        return NULL;
    }
    return node;
}

/* ---- parameters ---- */

static bool read_number_tag(Str *s, char end, int32_t *ret)
{
    int64_t v;
    ptrdiff_t at = str_find_char(*s, end);
    if (at < 0 || str_to_i64(str_slice(*s, 0, (size_t)at), 0, INT32_MAX, &v, NULL) < 0)
        return false;
    *ret = (int32_t)v;
    *s = str_slice(*s, (size_t)at + 1, s->len);
    return true;
}

static bool read_moment(Str text, Item *ret)
{
    Item type = *ret;
    if (!item_of_datetime(text, ret))
        return false;
    ret->precision = type.precision;
    return ret->kind == type.kind;
}

static bool read_value(Str text, Arena *arena, Item *ret)
{
    bool negative;
    uint128 v;
    JsonNode *json;
    switch (ret->kind) {
    case ITEM_JSON:
        if (!json_doc_parse(text, arena, &json))
            return false;
        ret->json = json;
        return true;
    case ITEM_DECIMAL:
        if (parse_decimal(text, ret->scale, &negative, &v) != 1)
            return false;
        ret->wide = negative ? -(int128)v : (int128)v;
        return true;
    case ITEM_REAL:
    case ITEM_DOUBLE:
        return parse_java_double(text, ret->kind == ITEM_REAL, &ret->number);
    case ITEM_BOOLEAN:
        ret->boolean = str_is(text, "true");
        return true;
    case ITEM_VARCHAR:
    case ITEM_CHAR:
        ret->text = text;
        return true;
    default:
        if (ret->kind >= ITEM_DATE)
            return read_moment(text, ret);
        return str_to_i64(text, INT64_MIN, INT64_MAX, &ret->integer, NULL) == 0;
    }
}

Item item_of_tagged(Str text, Arena *arena)
{
    Item item = {.kind = ITEM_NONE};
    for (size_t i = 0; text.len > 0 && i < ITEM_NONE; i++)
        if (kinds[i].tag == text.ptr[0])
            item.kind = (ItemKind)i;
    text = str_slice(text, 1, text.len);
    if (item.kind == ITEM_NONE || !read_number_tag(&text, ',', &item.precision) ||
        !read_number_tag(&text, ':', &item.scale) || !read_value(text, arena, &item))
        item.kind = ITEM_NONE;
    return item;
}
