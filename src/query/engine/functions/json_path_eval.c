/* json_path_eval.c - a path on a document: accessors, filters, arithmetic, methods. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "query/engine/functions/json_path.h"
#include "query/engine/functions/text.h"

/* ---- errors and limits ---- */

int path_fail(PathRun *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(run->message, sizeof run->message, format, args);
    va_end(args);
    return -1;
}

bool path_step(PathRun *run)
{
    if (++run->steps <= JSON_PATH_STEPS_MAX && !arena_is_exceeded(run->arena))
        return true;
    run->is_limit = true;
    path_fail(run, "JSON path evaluation takes more than %d steps, or too much memory", JSON_PATH_STEPS_MAX);
    return false;
}

static int type_error(PathRun *run, const char *expected, const Item *actual)
{
    char text[64];
    _cleanup_buf_ Buf out = BUF_INIT(sizeof text - 1);
    item_put_type(actual, &out);
    return path_fail(run, "invalid item type. Expected: %s, actual: %.*s", expected, STR_ARG(buf_str(&out)));
}

static int push(PathRun *run, ItemSeq *seq, Item item)
{
    if (!path_step(run))
        return -1;
    if (seq->n == seq->cap) {
        size_t cap = seq->cap ? seq->cap * 2 : 4;
        Item *items = arena_array(run->arena, Item, cap);
        if (seq->n)
            memcpy(items, seq->items, seq->n * sizeof *items);
        seq->items = items;
        seq->cap = cap;
    }
    seq->items[seq->n++] = item;
    return 0;
}

static Item json_item(const JsonNode *node)
{
    return (Item){.kind = ITEM_JSON, .json = node};
}

static bool is_json(const Item *item, JsonKind kind)
{
    return item->kind == ITEM_JSON && item->json->kind == kind;
}

static int push_children(PathRun *run, const JsonNode *node, ItemSeq *ret)
{
    for (const JsonNode *child = node->first; child; child = child->next)
        if (push(run, ret, json_item(child)) < 0)
            return -1;
    return 0;
}

int path_unwrap(PathRun *run, const ItemSeq *from, ItemSeq *ret)
{
    bool any = false;
    for (size_t i = 0; i < from->n && !any; i++)
        any = is_json(&from->items[i], KIND_ARRAY);
    *ret = any ? (ItemSeq){0} : *from;
    for (size_t i = 0; any && i < from->n; i++) {
        const Item *item = &from->items[i];
        int r = is_json(item, KIND_ARRAY) ? push_children(run, item->json, ret) : push(run, ret, *item);
        if (r < 0)
            return -1;
    }
    return 0;
}

/* The base's items; in lax mode arrays are opened. */
static int eval_base(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    ItemSeq base = {0};
    if (path_eval(run, node->left, scope, &base) < 0)
        return -1;
    if (run->path->lax)
        return path_unwrap(run, &base, ret);
    *ret = base;
    return 0;
}

/* A JSON number as an SQL one; an SQL value as it is. */
static int number_of(PathRun *run, const Item *item, Item *ret)
{
    bool too_big;
    *ret = *item;
    if (item->kind != ITEM_JSON)
        return item_is_number(item) ? 0 : type_error(run, "NUMBER", item);
    if (!item_is_number(item))
        return type_error(run, "NUMBER", item);
    return item_of_json(item->json, ret, &too_big) ? 0 : path_fail(run, "%s", "");
}

/* ---- accessors ---- */

static int eval_member(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    ItemSeq base = {0};
    if (eval_base(run, node, scope, &base) < 0)
        return -1;
    for (size_t i = 0; i < base.n; i++) {
        const Item *item = &base.items[i];
        if (!is_json(item, KIND_OBJECT)) {
            if (!run->path->lax)
                return type_error(run, "OBJECT", item);
            continue;
        }
        if (node->op == PATH_MEMBERS) {
            if (push_children(run, item->json, ret) < 0)
                return -1;
            continue;
        }
        const JsonNode *value = json_doc_member(item->json, node->text);
        if (!value && !run->path->lax)
            return path_fail(run, "structural error: missing member '%.*s' in JSON object",
                             STR_ARG(node->text));
        if (value && push(run, ret, json_item(value)) < 0)
            return -1;
    }
    return 0;
}

static int push_descendants(PathRun *run, const JsonNode *node, Str key, ItemSeq *ret)
{
    const JsonNode *value = json_doc_member(node, key);
    if (value && push(run, ret, json_item(value)) < 0)
        return -1;
    for (const JsonNode *child = node->first; child; child = child->next)
        if (child->first && (!path_step(run) || push_descendants(run, child, key, ret) < 0))
            return -1;
    return 0;
}

static int eval_descendant(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    ItemSeq base = {0};
    if (path_eval(run, node->left, scope, &base) < 0)
        return -1;
    for (size_t i = 0; i < base.n; i++)
        if (base.items[i].kind == ITEM_JSON && push_descendants(run, base.items[i].json, node->text, ret) < 0)
            return -1;
    return 0;
}

static int index_of(PathRun *run, const Item *item, int64_t *ret)
{
    static const Item bigint = {.kind = ITEM_BIGINT};
    Item number;
    char text[NUMBER_TEXT_MAX];
    _cleanup_buf_ Buf out = BUF_INIT(sizeof text);
    bool too_big;
    if (item->kind == ITEM_JSON && !item_is_number(item))
        return type_error(run, "NUMBER", item);
    if (item->kind != ITEM_JSON && !item_is_number(item))
        return type_error(run, "NUMBER", item);
    number = *item;
    if (item->kind == ITEM_JSON) {
        /* A fraction of a JSON number is cut, that of an SQL number is rounded. */
        bool ok = item_of_json(item->json, &number, &too_big);
        if (ok && number.kind == ITEM_DOUBLE)
            number.number = trunc(number.number);
        if (!ok || (number.kind == ITEM_DOUBLE && !(fabs(number.number) < 9.2e18)))
            return path_fail(run, "cannot convert value %.*s to long", STR_ARG(item->json->text));
    }
    if (item_cast(&number, &bigint, &out) != ITEM_OK ||
        str_to_i64(buf_str(&out), INT64_MIN, INT64_MAX, ret, NULL) < 0)
        return path_fail(run, "%s", "");
    return 0;
}

/* The one number that a subscript must be. */
static int index_in(PathRun *run, const ItemSeq *seq, const char *which, int64_t *ret)
{
    if (seq->n != 1)
        return path_fail(run, "array subscript '%s' value must be singleton numeric", which);
    return index_of(run, &seq->items[0], ret);
}

typedef struct Elements {
    const Item *single; /* in lax mode an item that is no array is one of one element */
    const JsonNode *array;
    size_t n;
} Elements;

static int push_range(PathRun *run, const Elements *e, int64_t from, int64_t to, ItemSeq *ret)
{
    int64_t i = 0, n = (int64_t)e->n;
    if (!run->path->lax && (from < 0 || from >= n || to < 0 || to >= n || from > to))
        return path_fail(run, "structural error: invalid array subscript: [%lld, %lld] for array of size %zu",
                         (long long)from, (long long)to, e->n);
    if (e->single)
        return from <= 0 && to >= 0 ? push(run, ret, *e->single) : 0;
    for (const JsonNode *child = e->array->first; child && i <= to; child = child->next, i++)
        if (i >= from && push(run, ret, json_item(child)) < 0)
            return -1;
    return 0;
}

static int eval_subscripts(PathRun *run, const PathNode *node, const PathScope *scope, const Elements *e,
                           ItemSeq *ret)
{
    PathScope inner = *scope;
    inner.last = (int64_t)e->n - 1;
    for (size_t i = 0; i < node->n; i += 2) {
        ItemSeq from = {0}, to = {0};
        int64_t low, high;
        const PathNode *end = node->items[i + 1];
        if (path_eval(run, node->items[i], &inner, &from) < 0 ||
            (end && path_eval(run, end, &inner, &to) < 0) || index_in(run, &from, "from", &low) < 0)
            return -1;
        high = low;
        if (end && index_in(run, &to, "to", &high) < 0)
            return -1;
        if (push_range(run, e, low, high, ret) < 0)
            return -1;
    }
    return 0;
}

static int eval_elements(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    ItemSeq base = {0};
    if (path_eval(run, node->left, scope, &base) < 0)
        return -1;
    for (size_t i = 0; i < base.n; i++) {
        const Item *item = &base.items[i];
        bool is_array = is_json(item, KIND_ARRAY);
        if (!is_array && !run->path->lax)
            return type_error(run, "ARRAY", item);
        Elements e = {is_array ? NULL : item, is_array ? item->json : NULL, is_array ? item->json->n : 1};
        int r = 0;
        if (node->n > 0 && e.n == 0)
            r = run->path->lax ? 0
                               : path_fail(run, "structural error: invalid array subscript for empty array");
        else if (node->n > 0)
            r = eval_subscripts(run, node, scope, &e, ret);
        else
            r = is_array ? push_children(run, item->json, ret) : push(run, ret, *item);
        if (r < 0)
            return -1;
    }
    return 0;
}

static int eval_filter(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    ItemSeq base = {0};
    if (eval_base(run, node, scope, &base) < 0)
        return -1;
    for (size_t i = 0; i < base.n; i++) {
        PathScope inner = *scope;
        inner.current = &base.items[i];
        int truth = path_test(run, node->right, &inner);
        if (run->is_limit || (truth == 1 && push(run, ret, base.items[i]) < 0))
            return -1;
    }
    return 0;
}

/* ---- arithmetic ---- */

static int eval_arithmetic(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    static const struct {
        char symbol;
        const char *name;
    } names[] = {{'+', "ADD"}, {'-', "SUBTRACT"}, {'*', "MULTIPLY"}, {'/', "DIVIDE"}, {'%', "MODULUS"}};
    ItemSeq sides[2] = {0}, opened[2];
    const PathNode *operands[] = {node->left, node->right};
    Item numbers[2], result;
    for (size_t i = 0; i < 2; i++)
        if (path_eval(run, operands[i], scope, &sides[i]) < 0)
            return -1;
    for (size_t i = 0; i < 2; i++) {
        opened[i] = sides[i];
        if (run->path->lax && path_unwrap(run, &sides[i], &opened[i]) < 0)
            return -1;
    }
    if (opened[0].n != 1 || opened[1].n != 1)
        return path_fail(run, "arithmetic binary expression requires singleton operands");
    for (size_t i = 0; i < 2; i++) {
        numbers[i] = opened[i].items[0];
        if (numbers[i].kind == ITEM_JSON && number_of(run, &opened[i].items[0], &numbers[i]) < 0)
            return -1;
    }
    ItemResult r = item_arithmetic(node->symbol, &numbers[0], &numbers[1], &result);
    for (size_t i = 0; r == ITEM_NO_OPERATOR && i < sizeof names / sizeof *names; i++) {
        if (names[i].symbol != node->symbol)
            continue;
        _cleanup_buf_ Buf left = BUF_INIT(64), right = BUF_INIT(64);
        item_put_type(&numbers[0], &left);
        item_put_type(&numbers[1], &right);
        return path_fail(run, "invalid operand types to %s operator (%.*s, %.*s)", names[i].name,
                         STR_ARG(buf_str(&left)), STR_ARG(buf_str(&right)));
    }
    return r == ITEM_OK ? push(run, ret, result) : path_fail(run, "%s", "");
}

static int eval_sign(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    ItemSeq base = {0};
    if (eval_base(run, node, scope, &base) < 0)
        return -1;
    for (size_t i = 0; i < base.n; i++) {
        Item number, result;
        if (number_of(run, &base.items[i], &number) < 0)
            return -1;
        result = number;
        if (node->symbol == '-' && item_negate(&number, &result) != ITEM_OK)
            return path_fail(run, "%s", "");
        if (push(run, ret, result) < 0)
            return -1;
    }
    return 0;
}

/* ---- methods ---- */

static int absolute(PathRun *run, const Item *number, Item *ret)
{
    bool negative = number->kind >= ITEM_REAL      ? signbit(number->number)
                    : number->kind == ITEM_DECIMAL ? number->wide < 0
                                                   : number->integer < 0;
    *ret = *number;
    return negative && item_negate(number, ret) != ITEM_OK ? path_fail(run, "%s", "") : 0;
}

static int double_of(PathRun *run, const Item *item, Item *ret)
{
    static const Item type = {.kind = ITEM_DOUBLE};
    _cleanup_buf_ Buf out = BUF_INIT(NUMBER_TEXT_MAX);
    bool too_big;
    Item value = *item;
    if (!item_is_number(item) && !item_is_text(item))
        return type_error(run, "NUMBER or TEXT", item);
    if (item->kind == ITEM_JSON && !item_of_json(item->json, &value, &too_big))
        return path_fail(run, "%s", "");
    *ret = type;
    if (item_cast(&value, &type, &out) != ITEM_OK || !parse_java_double(buf_str(&out), false, &ret->number))
        return path_fail(run, "%s", "");
    return 0;
}

static int datetime_of(PathRun *run, const PathNode *node, const Item *item, Item *ret)
{
    if (!item_is_text(item))
        return type_error(run, "TEXT", item);
    Str text = item->kind == ITEM_JSON ? item->json->text : item->text;
    bool ok = node->has_text ? item_of_template(node->text, text, ret) : item_of_datetime(text, ret);
    return ok ? 0 : path_fail(run, "%s", "");
}

static int apply_method(PathRun *run, const PathNode *node, const Item *item, Item *ret)
{
    Item number;
    if (node->op == PATH_DOUBLE)
        return double_of(run, item, ret);
    if (node->op == PATH_DATETIME)
        return datetime_of(run, node, item, ret);
    if (number_of(run, item, &number) < 0)
        return -1;
    if (node->op == PATH_ABS)
        return absolute(run, &number, ret);
    return item_round(&number, node->op == PATH_CEILING, ret) == ITEM_OK ? 0 : path_fail(run, "%s", "");
}

static int eval_method(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    ItemSeq base = {0};
    if (eval_base(run, node, scope, &base) < 0)
        return -1;
    for (size_t i = 0; i < base.n; i++) {
        Item result;
        if (apply_method(run, node, &base.items[i], &result) < 0 || push(run, ret, result) < 0)
            return -1;
    }
    return 0;
}

static const JsonNode *pair_of(PathRun *run, const JsonNode *member)
{
    char id[NUMBER_TEXT_MAX];
    JsonNode *nodes = arena_array(run->arena, JsonNode, 4);
    JsonNode *object = &nodes[0], *name = &nodes[1], *value = &nodes[2], *number = &nodes[3];
    *name = (JsonNode){.kind = KIND_STRING, .key = STR("name"), .text = member->key, .next = value};
    *value = *member;
    value->key = STR("value");
    value->next = number;
    *number = (JsonNode){.kind = KIND_INTEGER,
                         .key = STR("id"),
                         .text = arena_str(run->arena, str_of(id, (size_t)(put_i64(id, run->next_id) - id)))};
    *object = (JsonNode){.kind = KIND_OBJECT, .first = name, .n = 3};
    return object;
}

static int eval_keyvalue(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    ItemSeq base = {0};
    if (eval_base(run, node, scope, &base) < 0)
        return -1;
    for (size_t i = 0; i < base.n; i++) {
        if (!is_json(&base.items[i], KIND_OBJECT))
            return type_error(run, "OBJECT", &base.items[i]);
        for (const JsonNode *member = base.items[i].json->first; member; member = member->next)
            if (push(run, ret, json_item(pair_of(run, member))) < 0)
                return -1;
        run->next_id++;
    }
    return 0;
}

static int eval_size(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    ItemSeq base = {0};
    if (path_eval(run, node->left, scope, &base) < 0)
        return -1;
    for (size_t i = 0; i < base.n; i++) {
        bool is_array = is_json(&base.items[i], KIND_ARRAY);
        if (!is_array && !run->path->lax)
            return type_error(run, "ARRAY", &base.items[i]);
        Item size = {.kind = ITEM_INTEGER, .integer = is_array ? (int64_t)base.items[i].json->n : 1};
        if (push(run, ret, size) < 0)
            return -1;
    }
    return 0;
}

static Str type_name(const Item *item)
{
    static const char *const json[] = {
        [KIND_NULL] = "null",      [KIND_FALSE] = "boolean", [KIND_TRUE] = "boolean",
        [KIND_INTEGER] = "number", [KIND_NUMBER] = "number", [KIND_STRING] = "string",
        [KIND_ARRAY] = "array",    [KIND_OBJECT] = "object",
    };
    static const char *const moments[] = {
        [ITEM_DATE] = "date",
        [ITEM_TIME] = "time without time zone",
        [ITEM_TIME_TZ] = "time with time zone",
        [ITEM_TIMESTAMP] = "timestamp without time zone",
        [ITEM_TIMESTAMP_TZ] = "timestamp with time zone",
    };
    if (item->kind == ITEM_JSON)
        return str_from(json[item->json->kind]);
    if (item_is_number(item))
        return STR("number");
    if (item_is_text(item))
        return STR("string");
    return item->kind == ITEM_BOOLEAN ? STR("boolean") : str_from(moments[item->kind]);
}

static int eval_type(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    ItemSeq base = {0};
    if (path_eval(run, node->left, scope, &base) < 0)
        return -1;
    for (size_t i = 0; i < base.n; i++) {
        Item name = {.kind = ITEM_VARCHAR, .precision = 27, .text = type_name(&base.items[i])};
        if (push(run, ret, name) < 0)
            return -1;
    }
    return 0;
}

/* ---- dispatch ---- */

static int eval_leaf(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    static const JsonNode null = {.kind = KIND_NULL, .text = {"null", 4}};
    switch (node->op) {
    case PATH_CONTEXT:
        return push(run, ret, *scope->input);
    case PATH_CURRENT:
        if (!scope->current)
            return path_fail(run, "accessing current filter item with no enclosing filter");
        return push(run, ret, *scope->current);
    case PATH_LAST:
        if (scope->last < 0)
            return path_fail(run, "accessing the last array index with no enclosing array");
        return push(run, ret, (Item){.kind = ITEM_INTEGER, .integer = scope->last});
    case PATH_NULL:
        return push(run, ret, json_item(&null));
    case PATH_VARIABLE:
        if (run->parameters[node->variable].kind == ITEM_NONE)
            return 0;
        return push(run, ret, run->parameters[node->variable]);
    default:
        return push(run, ret, node->literal);
    }
}

int path_eval(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    static int (*const evals[])(PathRun *, const PathNode *, const PathScope *, ItemSeq *) = {
        [PATH_CONTEXT] = eval_leaf,
        [PATH_CURRENT] = eval_leaf,
        [PATH_LAST] = eval_leaf,
        [PATH_VARIABLE] = eval_leaf,
        [PATH_NULL] = eval_leaf,
        [PATH_LITERAL] = eval_leaf,
        [PATH_MEMBER] = eval_member,
        [PATH_MEMBERS] = eval_member,
        [PATH_DESCENDANT] = eval_descendant,
        [PATH_ELEMENTS] = eval_elements,
        [PATH_FILTER] = eval_filter,
        [PATH_SIGN] = eval_sign,
        [PATH_ARITHMETIC] = eval_arithmetic,
        [PATH_ABS] = eval_method,
        [PATH_CEILING] = eval_method,
        [PATH_DATETIME] = eval_method,
        [PATH_DOUBLE] = eval_method,
        [PATH_FLOOR] = eval_method,
        [PATH_KEYVALUE] = eval_keyvalue,
        [PATH_SIZE] = eval_size,
        [PATH_TYPE] = eval_type,
    };
    return evals[node->op](run, node, scope, ret);
}

int json_path_run(PathRun *run, const Item *input, ItemSeq *ret)
{
    PathScope scope = {.input = input, .last = -1};
    run->next_id = 0;
    *ret = (ItemSeq){0};
    return path_eval(run, run->path->root, &scope, ret);
}
