/* json_path_check.c - what a path's types say before any document is seen. */
#include <stdarg.h>
#include <stdio.h>

#include "query/engine/functions/json_path.h"

typedef struct PathCheck {
    JsonPathError *err;
} PathCheck;

static int check(PathCheck *c, const PathNode *node, Item *ret);

static int wrong(PathCheck *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int wrong(PathCheck *c, const char *format, ...)
{
    va_list args;
    *c->err = (JsonPathError){.line = 1};
    va_start(args, format);
    vsnprintf(c->err->message, sizeof c->err->message, format, args);
    va_end(args);
    return -1;
}

typedef struct TypeText {
    char text[64];
} TypeText;

static TypeText type_text(const Item *type)
{
    TypeText ret;
    _cleanup_buf_ Buf out = BUF_INIT(sizeof ret.text - 1);
    item_put_type(type, &out);
    snprintf(ret.text, sizeof ret.text, "%.*s", STR_ARG(buf_str(&out)));
    return ret;
}

static int check_numeric_method(PathCheck *c, const PathNode *node, Item *type)
{
    static const char *const names[] = {
        [PATH_ABS] = "abs", [PATH_CEILING] = "ceiling", [PATH_FLOOR] = "floor"};
    if (type->kind == ITEM_NONE)
        return 0;
    if (!item_is_number(type))
        return wrong(
            c,
            "cannot perform JSON path %s() method with %s argument: Unexpected parameters (%s) for function "
            "%s",
            names[node->op], type_text(type).text, type_text(type).text, names[node->op]);
    if (node->op != PATH_ABS && type->kind == ITEM_DECIMAL) {
        int digits = type->precision - type->scale + (type->scale > 0);
        *type = (Item){.kind = ITEM_DECIMAL, .precision = digits > 38 ? 38 : digits};
    }
    return 0;
}

static int check_arithmetic(PathCheck *c, const PathNode *node, Item *ret)
{
    Item left, right, one = *ret;
    if (check(c, node->left, &left) < 0 || check(c, node->right, &right) < 0)
        return -1;
    *ret = (Item){.kind = ITEM_NONE};
    if (left.kind == ITEM_NONE || right.kind == ITEM_NONE)
        return 0;
    /* Any two numbers show the result's type: 0 divides nothing, so 1 it is. */
    Item *both[] = {&left, &right};
    for (size_t i = 0; i < 2; i++) {
        one = (Item){.kind = both[i]->kind, .precision = both[i]->precision, .scale = both[i]->scale};
        if (one.kind == ITEM_DECIMAL)
            one.wide = 1;
        else if (one.kind == ITEM_REAL || one.kind == ITEM_DOUBLE)
            one.number = 1;
        else
            one.integer = 1;
        *both[i] = one;
    }
    if (item_arithmetic(node->symbol, &left, &right, ret) == ITEM_NO_OPERATOR)
        return wrong(
            c,
            "invalid operand types (%s and %s) in JSON path arithmetic binary expression: Cannot apply "
            "operator: %s %c %s",
            type_text(&left).text, type_text(&right).text, type_text(&left).text, node->symbol,
            type_text(&right).text);
    return 0;
}

static int check_sign(PathCheck *c, const PathNode *node, const Item *type)
{
    if (type->kind == ITEM_NONE || item_is_number(type))
        return 0;
    if (node->symbol == '+')
        return wrong(c, "Invalid operand type (%s) in JSON path arithmetic unary expression",
                     type_text(type).text);
    return wrong(c, "invalid operand type (%s) in JSON path arithmetic unary expression: Cannot negate %s",
                 type_text(type).text, type_text(type).text);
}

static int check_datetime(PathCheck *c, const PathNode *node, Item *type)
{
    if (type->kind != ITEM_NONE && !item_is_text(type))
        return wrong(c, "JSON path datetime() method requires character string argument (found %s)",
                     type_text(type).text);
    *type = (Item){.kind = ITEM_NONE};
    const char *fault = node->has_text ? json_template_check(node->text, type) : NULL;
    return fault ? wrong(c, "invalid datetime() format template in JSON path: %s", fault) : 0;
}

static int check_double(PathCheck *c, Item *type)
{
    if (type->kind != ITEM_NONE && !item_is_number(type) && !item_is_text(type))
        return wrong(c, "cannot perform JSON path double() method with %s argument", type_text(type).text);
    *type = (Item){.kind = ITEM_DOUBLE};
    return 0;
}

static int check_children(PathCheck *c, const PathNode *node)
{
    Item ignored;
    if (node->right && check(c, node->right, &ignored) < 0)
        return -1;
    for (size_t i = 0; i < node->n; i++)
        if (node->items[i] && check(c, node->items[i], &ignored) < 0)
            return -1;
    return 0;
}

/* *ret: the type of the base at first, of the node in the end. */
static int check_node(PathCheck *c, const PathNode *node, Item *ret)
{
    switch (node->op) {
    case PATH_LITERAL:
        *ret = node->literal;
        return 0;
    case PATH_LAST:
    case PATH_SIZE:
        *ret = (Item){.kind = ITEM_INTEGER};
        return 0;
    case PATH_TYPE:
        *ret = (Item){.kind = ITEM_VARCHAR, .precision = 27};
        return 0;
    case PATH_FILTER:
        return 0;
    case PATH_SIGN:
        return check_sign(c, node, ret);
    case PATH_ABS:
    case PATH_CEILING:
    case PATH_FLOOR:
        return check_numeric_method(c, node, ret);
    case PATH_DATETIME:
        return check_datetime(c, node, ret);
    case PATH_DOUBLE:
        return check_double(c, ret);
    default:
        *ret = (Item){.kind = ITEM_NONE};
        return 0;
    }
}

static int check(PathCheck *c, const PathNode *node, Item *ret)
{
    *ret = (Item){.kind = ITEM_NONE};
    if (node->op == PATH_ARITHMETIC)
        return check_arithmetic(c, node, ret);
    if ((node->left && check(c, node->left, ret) < 0) || check_children(c, node) < 0)
        return -1;
    return check_node(c, node, ret);
}

int json_path_check(const JsonPath *path, Item *ret_type, JsonPathError *err)
{
    PathCheck c = {err};
    return check(&c, path->root, ret_type);
}
