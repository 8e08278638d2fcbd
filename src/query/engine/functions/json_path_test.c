/* json_path_test.c - predicates of the path language: true, false or unknown.
 *
 * An error inside of a predicate makes it unknown and ends it; in lax mode it ends at the first success too.
 */
#include "query/engine/functions/json_path.h"

typedef struct Kinds {
    bool null, scalar, container;
} Kinds;

static Kinds kinds_of(const ItemSeq *seq)
{
    Kinds kinds = {false, false, false};
    for (size_t i = 0; i < seq->n; i++) {
        const Item *item = &seq->items[i];
        if (item->kind == ITEM_JSON && item->json->kind == KIND_NULL)
            kinds.null = true;
        else if (item->kind == ITEM_JSON && item->json->kind >= KIND_ARRAY)
            kinds.container = true;
        else
            kinds.scalar = true;
    }
    return kinds;
}

/* The operand's items, opened in lax mode. false: unknown. */
static bool operand(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret)
{
    ItemSeq seq = {0};
    if (path_eval(run, node, scope, &seq) < 0)
        return false;
    *ret = seq;
    return !run->path->lax || path_unwrap(run, &seq, ret) == 0;
}

/* Scalars as SQL values; others are left out. false: one is a number too large. */
static bool scalars(PathRun *run, const ItemSeq *seq, ItemSeq *ret)
{
    bool too_big = false;
    *ret = (ItemSeq){arena_array(run->arena, Item, seq->n + 1), 0, seq->n + 1};
    for (size_t i = 0; i < seq->n && !too_big; i++) {
        Item value = seq->items[i];
        if (value.kind != ITEM_JSON || item_of_json(seq->items[i].json, &value, &too_big))
            ret->items[ret->n++] = value;
    }
    return !too_big;
}

/* 1, 0, -1 */
static int compare(PathRun *run, char symbol, const Item *left, const Item *right)
{
    int order = 0;
    if (!path_step(run))
        return -1;
    ItemResult r = item_compare(left, right, &order);
    if (r == ITEM_REFUSED) {
        run->is_limit = true;
        path_fail(run, "comparing values with and without time zone in a JSON path is not supported");
    }
    if (r != ITEM_OK)
        return -1;
    switch (symbol) {
    case '=':
        return order == 0;
    case '!':
        return order != 0;
    case '<':
        return order == -1;
    case '>':
        return order == 1;
    case 'l':
        return order == -1 || order == 0;
    default:
        return order == 1 || order == 0;
    }
}

static int compare_all(PathRun *run, const PathNode *node, const ItemSeq *left, const ItemSeq *right,
                       bool found)
{
    ItemSeq a, b;
    /* Values of no use to each other are told by their types, and those by the order of <: > is < turned. */
    if (!scalars(run, left, &a) || !scalars(run, right, &b))
        return -1;
    for (size_t i = 0; i < a.n; i++)
        for (size_t j = 0; j < b.n; j++) {
            int r = compare(run, node->symbol, &a.items[i], &b.items[j]);
            if (r < 0 || (r == 1 && run->path->lax))
                return r;
            found |= r == 1;
        }
    return found;
}

static int test_comparison(PathRun *run, const PathNode *node, const PathScope *scope)
{
    ItemSeq left = {0}, right = {0};
    if (!operand(run, node->left, scope, &left) || !operand(run, node->right, scope, &right))
        return -1;
    if (left.n == 0 || right.n == 0)
        return 0;
    Kinds l = kinds_of(&left), r = kinds_of(&right);
    if ((l.container && (r.container || r.scalar)) || (l.scalar && r.container))
        return -1;
    bool found = (node->symbol == '=' && l.null && r.null) ||
                 (node->symbol == '!' &&
                  ((l.null && (r.scalar || r.container)) || (r.null && (l.scalar || l.container))));
    if ((found && run->path->lax) || !l.scalar || !r.scalar)
        return found;
    return compare_all(run, node, &left, &right, found);
}

static bool text_of(const Item *item, Arena *arena, Str *ret)
{
    if (!item_is_text(item))
        return false;
    *ret = item->kind == ITEM_JSON ? item->json->text : item->text;
    if (item->kind == ITEM_CHAR) {
        _cleanup_buf_ Buf padded = BUF_INIT(1 << 20);
        item_put_text(item, &padded);
        *ret = arena_str(arena, buf_str(&padded));
    }
    return true;
}

static int matches(PathRun *run, const PathNode *node, Str text, Str prefix)
{
    if (!path_step(run))
        return -1;
    if (node->op == PATH_STARTS_WITH)
        return str_has_prefix(text, prefix);
    int r = path_regex_find(node, text);
    if (r < 0) {
        run->is_limit = true;
        path_fail(run, "like_regex takes too many steps");
    }
    return r;
}

/* starts with, like_regex */
static int test_text(PathRun *run, const PathNode *node, const PathScope *scope)
{
    ItemSeq values = {0}, prefixes = {0};
    Str prefix = STR(""), text;
    bool found = false;
    if (!operand(run, node->left, scope, &values))
        return -1;
    if (node->right && (!operand(run, node->right, scope, &prefixes) || prefixes.n != 1 ||
                        !text_of(&prefixes.items[0], run->arena, &prefix)))
        return -1;
    for (size_t i = 0; i < values.n; i++) {
        if (!text_of(&values.items[i], run->arena, &text))
            return -1;
        int r = matches(run, node, text, prefix);
        if (r < 0 || (r == 1 && run->path->lax))
            return r;
        found |= r == 1;
    }
    return found;
}

static int test_logical(PathRun *run, const PathNode *node, const PathScope *scope)
{
    int decides = node->op == PATH_OR;
    int left = path_test(run, node->left, scope);
    if (left == decides || run->is_limit)
        return left;
    int right = path_test(run, node->right, scope);
    return right == decides ? right : left < 0 || right < 0 ? -1 : !decides;
}

int path_test(PathRun *run, const PathNode *node, const PathScope *scope)
{
    ItemSeq seq = {0};
    int r;
    switch (node->op) {
    case PATH_AND:
    case PATH_OR:
        return test_logical(run, node, scope);
    case PATH_NOT:
        r = path_test(run, node->left, scope);
        return r < 0 ? r : !r;
    case PATH_IS_UNKNOWN:
        return path_test(run, node->left, scope) < 0;
    case PATH_EXISTS:
        return path_eval(run, node->left, scope, &seq) < 0 ? -1 : seq.n > 0;
    case PATH_COMPARISON:
        return test_comparison(run, node, scope);
    default:
        return test_text(run, node, scope);
    }
}
