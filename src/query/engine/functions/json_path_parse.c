/* json_path_parse.c - text of a path to its tree. */
#include <stdio.h>

#include "query/engine/functions/decimal.h"
#include "query/engine/functions/json_path.h"
#include "query/engine/functions/text.h"

typedef enum Token {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_NAMED_VARIABLE,
    TOKEN_TEXT,
    TOKEN_INTEGER_VALUE,
    TOKEN_DECIMAL_VALUE,
    TOKEN_DOUBLE_VALUE,
    TOKEN_SYMBOL, /* its characters tell which */
    TOKEN_UNKNOWN,
} Token;

typedef struct Lexeme {
    Token token;
    Str text;
    size_t line, column, offset; /* in code points */
    size_t match;                /* '(': the token that closes it */
} Lexeme;

typedef struct PathParser {
    Arena *arena;
    Vec(Lexeme) tokens;
    size_t at;
    const Str *names;
    size_t n_names;
    int depth;
    JsonPathError *err;
} PathParser;

static PathNode *parse_path(PathParser *p);
static PathNode *parse_predicate(PathParser *p);

/* ---- tokens ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static size_t digits_at(Str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && is_digit(s.ptr[at + n]))
        n++;
    return n;
}

static size_t number_size(Str s, Token *ret)
{
    size_t n = digits_at(s, 0);
    *ret = TOKEN_INTEGER_VALUE;
    if (n < s.len && s.ptr[n] == '.') {
        n += 1 + digits_at(s, n + 1);
        *ret = TOKEN_DECIMAL_VALUE;
    }
    if (n < s.len && (s.ptr[n] | 32) == 'e') {
        size_t sign = n + 1 < s.len && (s.ptr[n + 1] == '+' || s.ptr[n + 1] == '-');
        size_t digits = digits_at(s, n + 1 + sign);
        if (digits > 0) {
            *ret = TOKEN_DOUBLE_VALUE;
            n += 1 + sign + digits;
        }
    }
    return n;
}

static size_t name_size(Str s)
{
    size_t n = 0;
    while (n < s.len && (is_letter(s.ptr[n]) || s.ptr[n] == '_' || (n > 0 && is_digit(s.ptr[n]))))
        n++;
    return n;
}

/* "text", a quote inside is written twice. */
static size_t text_size(Str s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] != '"')
            continue;
        if (i + 1 == s.len || s.ptr[i + 1] != '"')
            return i + 1;
        i++;
    }
    return 0;
}

static size_t symbol_size(Str s)
{
    static const char *const symbols[] = {
        "..", "==", "<>", "!=", "<=", ">=", "&&", "||", "$", "@", "+", "-", "*",
        "/",  "%",  ".",  "[",  "]",  "(",  ")",  "?",  ",", "<", ">", "!",
    };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        if (str_has_prefix(s, str_from(symbols[i])))
            return strlen(symbols[i]);
    return 0;
}

static size_t lexeme_size(Str s, Token *ret)
{
    size_t n;
    char c = s.ptr[0];
    if (is_digit(c) || (c == '.' && s.len > 1 && is_digit(s.ptr[1])))
        return number_size(s, ret);
    *ret = TOKEN_NAME;
    if ((n = name_size(s)) > 0)
        return n;
    *ret = TOKEN_NAMED_VARIABLE;
    if (c == '$' && (n = name_size(str_slice(s, 1, s.len))) > 0)
        return n + 1;
    *ret = TOKEN_TEXT;
    if (c == '"' && (n = text_size(s)) > 0)
        return n;
    *ret = TOKEN_SYMBOL;
    if ((n = symbol_size(s)) > 0)
        return n;
    *ret = TOKEN_UNKNOWN;
    return text_step(s, 0);
}

static void match_parentheses(PathParser *p)
{
    size_t *open = arena_array(p->arena, size_t, p->tokens.n), n = 0;
    for (size_t i = 0; i < p->tokens.n; i++) {
        Lexeme *t = &p->tokens.items[i];
        if (t->token != TOKEN_SYMBOL)
            continue;
        if (str_is(t->text, "("))
            open[n++] = i;
        else if (str_is(t->text, ")") && n > 0)
            p->tokens.items[open[--n]].match = i;
    }
}

static void tokenise(PathParser *p, Str s)
{
    Lexeme at = {.line = 1};
    while (s.len > 0) {
        char c = s.ptr[0];
        size_t n = 1;
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            n = lexeme_size(s, &at.token);
            at.text = str_slice(s, 0, n);
            *vec_push(p->arena, &p->tokens) = at;
        }
        for (size_t i = 0; i < n; i++) {
            if (!text_is_start(s.ptr[i]))
                continue;
            at.offset++;
            at.column++;
            if (s.ptr[i] == '\n') {
                at.line++;
                at.column = 0;
            }
        }
        s = str_slice(s, n, s.len);
    }
    at.token = TOKEN_END;
    at.text = STR("<EOF>");
    *vec_push(p->arena, &p->tokens) = at;
    match_parentheses(p);
}

static const Lexeme *here(const PathParser *p)
{
    return &p->tokens.items[p->at];
}

static const Lexeme *ahead(const PathParser *p, size_t n)
{
    size_t at = p->at + n < p->tokens.n ? p->at + n : p->tokens.n - 1;
    return &p->tokens.items[at];
}

static bool is(const Lexeme *t, const char *text)
{
    return (t->token == TOKEN_SYMBOL || t->token == TOKEN_NAME) && str_is(t->text, text);
}

static bool accept(PathParser *p, const char *text)
{
    if (!is(here(p), text))
        return false;
    p->at++;
    return true;
}

/* ---- errors ---- */

static void *fail_at(PathParser *p, bool is_syntax, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void *fail_at(PathParser *p, bool is_syntax, const char *format, ...)
{
    const Lexeme *t = here(p);
    va_list args;
    *p->err =
        (JsonPathError){.is_syntax = is_syntax, .offset = t->offset, .line = t->line, .column = t->column};
    va_start(args, format);
    vsnprintf(p->err->message, sizeof p->err->message, format, args);
    va_end(args);
    return NULL;
}

#define PATH_STARTS                                                                                          \
    "'+', '(', '$', '@', 'false', 'last', '-', 'null', 'true', DECIMAL_VALUE, DOUBLE_VALUE, "                \
    "INTEGER_VALUE, STRING, NAMED_VARIABLE"
#define PATH_GOES_ON "'+', '*', '/', '%', '.', '..', '[', '?'"

static void *mismatch(PathParser *p, const char *expected)
{
    return fail_at(p, true, "mismatched input '%.*s' expecting %s", STR_ARG(here(p)->text), expected);
}

static bool expect(PathParser *p, const char *text)
{
    if (accept(p, text))
        return true;
    if (strcmp(text, ")") == 0)
        mismatch(p, "{" PATH_GOES_ON ", ')', '-'}");
    else
        fail_at(p, true, "mismatched input '%.*s' expecting '%s'", STR_ARG(here(p)->text), text);
    return false;
}

static bool enter(PathParser *p)
{
    if (arena_is_exceeded(p->arena) || p->depth >= JSON_PATH_DEPTH_MAX) {
        fail_at(p, true, "JSON path is nested too deeply");
        return false;
    }
    p->depth++;
    return true;
}

/* ---- nodes ---- */

/* Once its children are set: bounds the height of the tree, which chains of accessors make without nesting.
 */
static PathNode *settle(PathParser *p, PathNode *node)
{
    PathNode *children[] = {node->left, node->right};
    int height = 0;
    for (size_t i = 0; i < 2; i++)
        if (children[i] && children[i]->height > height)
            height = children[i]->height;
    for (size_t i = 0; i < node->n; i++)
        if (node->items[i] && node->items[i]->height > height)
            height = node->items[i]->height;
    node->height = height + 1;
    return node->height > JSON_PATH_DEPTH_MAX ? fail_at(p, true, "JSON path is nested too deeply") : node;
}

static PathNode *node_new(PathParser *p, PathOp op, PathNode *left, PathNode *right)
{
    PathNode *node = arena_new_of(p->arena, PathNode);
    *node = (PathNode){.op = op, .left = left, .right = right};
    return settle(p, node);
}

static Str text_value(PathParser *p, const Lexeme *t)
{
    Str inner = str_slice(t->text, 1, t->text.len - 1);
    if (inner.len == 0 || !memchr(inner.ptr, '"', inner.len))
        return inner.len ? inner : STR("");
    _cleanup_buf_ Buf out = BUF_INIT(inner.len + 1);
    for (size_t i = 0; i < inner.len; i++) {
        buf_putc(&out, inner.ptr[i]);
        i += inner.ptr[i] == '"';
    }
    return arena_str(p->arena, buf_str(&out));
}

/* ---- literals and variables ---- */

static bool decimal_value(Str text, Item *ret)
{
    ptrdiff_t point = str_find_char(text, '.');
    int scale = (int)(text.len - (size_t)point) - 1, whole = (int)point;
    for (size_t i = 0; i < (size_t)point && text.ptr[i] == '0'; i++)
        whole--;
    bool negative;
    uint128 v = 0;
    int precision = whole + scale;
    *ret = (Item){.kind = ITEM_DECIMAL, .precision = precision ? precision : 1, .scale = scale};
    if (precision > 38 || parse_decimal(text, scale, &negative, &v) != 1)
        return false;
    ret->wide = (int128)v;
    return true;
}

static PathNode *number_literal(PathParser *p, bool negative)
{
    const Lexeme *t = here(p);
    PathNode *node = node_new(p, PATH_LITERAL, NULL, NULL);
    Item *item = &node->literal;
    bool ok;
    if (t->token == TOKEN_INTEGER_VALUE) {
        *item = (Item){.kind = ITEM_BIGINT};
        ok = str_to_i64(t->text, 0, INT64_MAX, &item->integer, NULL) == 0;
        if (item->integer <= INT32_MAX)
            item->kind = ITEM_INTEGER;
        item->integer = negative ? -item->integer : item->integer;
    } else if (t->token == TOKEN_DECIMAL_VALUE) {
        ok = decimal_value(t->text, item);
        item->wide = negative ? -item->wide : item->wide;
    } else {
        *item = (Item){.kind = ITEM_DOUBLE};
        ok = parse_java_double(t->text, false, &item->number);
        item->number = negative ? -item->number : item->number;
    }
    if (!ok)
        return fail_at(p, true, "Invalid numeric literal: %.*s", STR_ARG(t->text));
    p->at++;
    return node;
}

static PathNode *variable(PathParser *p)
{
    Str name = str_slice(here(p)->text, 1, here(p)->text.len);
    PathNode *node = node_new(p, PATH_VARIABLE, NULL, NULL);
    for (size_t i = 0; i < p->n_names; i++) {
        if (!str_eq(p->names[i], name))
            continue;
        node->variable = i;
        p->at++;
        return node;
    }
    for (size_t i = 0; i < p->n_names; i++)
        if (str_eq_nocase(p->names[i], name))
            return fail_at(
                p, false,
                "no value passed for parameter %.*s. Try quoting \"%.*s\" in the PASSING clause to "
                "match case",
                STR_ARG(name), STR_ARG(name));
    return fail_at(p, false, "no value passed for parameter %.*s", STR_ARG(name));
}

static PathNode *text_literal(PathParser *p)
{
    PathNode *node = node_new(p, PATH_LITERAL, NULL, NULL);
    Str text = text_value(p, here(p));
    node->literal = (Item){.kind = ITEM_VARCHAR, .precision = (int32_t)text_length(text), .text = text};
    p->at++;
    return node;
}

static PathNode *word(PathParser *p)
{
    static const struct {
        const char *text;
        PathOp op;
        bool value;
    } words[] = {
        {"$", PATH_CONTEXT, false}, {"@", PATH_CURRENT, false},   {"last", PATH_LAST, false},
        {"null", PATH_NULL, false}, {"true", PATH_LITERAL, true}, {"false", PATH_LITERAL, false},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!accept(p, words[i].text))
            continue;
        PathNode *node = node_new(p, words[i].op, NULL, NULL);
        node->literal = (Item){.kind = ITEM_BOOLEAN, .boolean = words[i].value};
        return node;
    }
    return mismatch(p, "{" PATH_STARTS "}");
}

static bool is_number(const Lexeme *t)
{
    return t->token >= TOKEN_INTEGER_VALUE && t->token <= TOKEN_DOUBLE_VALUE;
}

static PathNode *parse_primary(PathParser *p)
{
    const Lexeme *t = here(p);
    if (is_number(t))
        return number_literal(p, false);
    if (is(t, "-") && is_number(ahead(p, 1))) {
        p->at++;
        return number_literal(p, true);
    }
    if (t->token == TOKEN_TEXT)
        return text_literal(p);
    if (t->token == TOKEN_NAMED_VARIABLE)
        return variable(p);
    if (!is(t, "("))
        return word(p);
    p->at++;
    PathNode *inner = parse_path(p);
    return inner && expect(p, ")") ? inner : NULL;
}

/* ---- accessors ---- */

static bool parse_subscript(PathParser *p, PathNode *node)
{
    PathNode **items = arena_array(p->arena, PathNode *, node->n + 2);
    if (node->n)
        memcpy(items, node->items, node->n * sizeof *items);
    node->items = items;
    if (!(items[node->n] = parse_path(p)))
        return false;
    if (accept(p, "to") && !(items[node->n + 1] = parse_path(p)))
        return false;
    node->n += 2;
    return true;
}

static PathNode *parse_subscripts(PathParser *p, PathNode *node)
{
    if (accept(p, "*"))
        return expect(p, "]") ? node : NULL;
    /* The list is copied at each step: a path has few subscripts, and no more than its bytes. */
    do {
        if (node->n > 2 * JSON_PATH_DEPTH_MAX)
            return fail_at(p, true, "JSON path has too many subscripts");
        if (!parse_subscript(p, node))
            return NULL;
    } while (accept(p, ","));
    return expect(p, "]") ? settle(p, node) : NULL;
}

/* .name, ."name", .*, .method() */
static PathNode *parse_member(PathParser *p, PathNode *node)
{
    static const struct {
        const char *name;
        PathOp op;
    } methods[] = {
        {"abs", PATH_ABS},       {"ceiling", PATH_CEILING}, {"datetime", PATH_DATETIME},
        {"double", PATH_DOUBLE}, {"floor", PATH_FLOOR},     {"keyvalue", PATH_KEYVALUE},
        {"size", PATH_SIZE},     {"type", PATH_TYPE},
    };
    const Lexeme *t = here(p);
    bool is_descendant = node->op == PATH_DESCENDANT;
    if (!is_descendant && accept(p, "*")) {
        node->op = PATH_MEMBERS;
        return node;
    }
    if (t->token != TOKEN_NAME && t->token != TOKEN_TEXT)
        return mismatch(p, is_descendant ? "{STRING, IDENTIFIER}" : "{'*', STRING, IDENTIFIER}");
    p->at++;
    node->text = t->token == TOKEN_TEXT ? text_value(p, t) : t->text;
    if (is_descendant || t->token == TOKEN_TEXT || !is(here(p), "("))
        return node;
    size_t i = 0;
    while (i < sizeof methods / sizeof *methods && !str_is(t->text, methods[i].name))
        i++;
    if (i == sizeof methods / sizeof *methods)
        return mismatch(p, "{<EOF>, " PATH_GOES_ON ", '-'}");
    node->op = methods[i].op;
    p->at++;
    if (node->op == PATH_DATETIME && here(p)->token == TOKEN_TEXT) {
        node->has_text = true;
        node->text = text_value(p, here(p));
        p->at++;
    }
    return expect(p, ")") ? node : NULL;
}

static PathNode *parse_filter(PathParser *p, PathNode *node)
{
    if (!expect(p, "(") || !(node->right = parse_predicate(p)) || !expect(p, ")"))
        return NULL;
    return settle(p, node);
}

static PathNode *parse_accessors(PathParser *p)
{
    static const struct {
        const char *symbol;
        PathOp op;
        PathNode *(*parse)(PathParser *p, PathNode *node);
    } accessors[] = {
        {".", PATH_MEMBER, parse_member},
        {"..", PATH_DESCENDANT, parse_member},
        {"[", PATH_ELEMENTS, parse_subscripts},
        {"?", PATH_FILTER, parse_filter},
    };
    PathNode *node = parse_primary(p);
    for (size_t i = 0; node && i < sizeof accessors / sizeof *accessors; i++) {
        if (!accept(p, accessors[i].symbol))
            continue;
        node = node_new(p, accessors[i].op, node, NULL);
        node = node ? accessors[i].parse(p, node) : NULL;
        i = SIZE_MAX; /* from the first again */
    }
    return node;
}

/* ---- arithmetic ---- */

static PathNode *parse_signed(PathParser *p)
{
    bool sign = is(here(p), "+") || (is(here(p), "-") && !is_number(ahead(p, 1)));
    if (!sign)
        return parse_accessors(p);
    PathNode *node = node_new(p, PATH_SIGN, NULL, NULL);
    node->symbol = here(p)->text.ptr[0];
    p->at++;
    if (!enter(p))
        return NULL;
    node->left = parse_signed(p);
    p->depth--;
    return node->left ? settle(p, node) : NULL;
}

static PathNode *parse_binary(PathParser *p, const char *symbols, PathNode *(*operand)(PathParser *p))
{
    PathNode *left = operand(p);
    while (left && here(p)->token == TOKEN_SYMBOL && here(p)->text.len == 1 &&
           strchr(symbols, here(p)->text.ptr[0])) {
        char symbol = here(p)->text.ptr[0];
        p->at++;
        PathNode *right = operand(p);
        left = right ? node_new(p, PATH_ARITHMETIC, left, right) : NULL;
        if (left)
            left->symbol = symbol;
    }
    return left;
}

static PathNode *parse_product(PathParser *p)
{
    return parse_binary(p, "*/%", parse_signed);
}

static PathNode *parse_path(PathParser *p)
{
    if (!enter(p))
        return NULL;
    PathNode *node = parse_binary(p, "+-", parse_product);
    p->depth--;
    return node;
}

/* ---- predicates ---- */

static PathNode *parse_like_regex(PathParser *p, PathNode *base)
{
    char message[256];
    Str flags = STR("");
    PathNode *node = node_new(p, PATH_LIKE_REGEX, base, NULL);
    if (here(p)->token != TOKEN_TEXT)
        return mismatch(p, "STRING");
    node->text = text_value(p, here(p));
    p->at++;
    if (accept(p, "flag")) {
        if (here(p)->token != TOKEN_TEXT)
            return mismatch(p, "STRING");
        flags = text_value(p, here(p));
        p->at++;
    }
    const char *wrong = path_regex_compile(node, flags, p->arena, message);
    return wrong ? fail_at(p, false, "invalid like_regex %s", wrong) : node;
}

static PathNode *parse_starts_with(PathParser *p, PathNode *whole)
{
    if (!expect(p, "with"))
        return NULL;
    PathNode *initial = here(p)->token == TOKEN_TEXT             ? text_literal(p)
                        : here(p)->token == TOKEN_NAMED_VARIABLE ? variable(p)
                                                                 : mismatch(p, "{STRING, NAMED_VARIABLE}");
    return initial ? node_new(p, PATH_STARTS_WITH, whole, initial) : NULL;
}

static PathNode *parse_comparison(PathParser *p)
{
    static const struct {
        const char *text;
        char symbol;
    } symbols[] = {{"==", '='}, {"<>", '!'}, {"!=", '!'}, {"<=", 'l'}, {">=", 'g'}, {"<", '<'}, {">", '>'}};
    PathNode *left = parse_path(p);
    if (!left)
        return NULL;
    if (accept(p, "like_regex"))
        return parse_like_regex(p, left);
    if (accept(p, "starts"))
        return parse_starts_with(p, left);
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        if (!accept(p, symbols[i].text))
            continue;
        PathNode *right = parse_path(p);
        PathNode *node = right ? node_new(p, PATH_COMPARISON, left, right) : NULL;
        if (node)
            node->symbol = symbols[i].symbol;
        return node;
    }
    return mismatch(p, "{'==', '<>', '!=', '<', '>', '<=', '>=', " PATH_GOES_ON
                       ", 'like_regex', '-', 'starts'}");
}

/* What follows the parenthesis tells whether it holds a predicate or is an operand. */
static bool holds_predicate(const PathParser *p)
{
    if (!is(here(p), "("))
        return false;
    const Lexeme *t = here(p)->match ? &p->tokens.items[here(p)->match + 1] : ahead(p, p->tokens.n);
    return t->token == TOKEN_END || is(t, ")") || is(t, "&&") || is(t, "||") || is(t, "is");
}

/* exists(path) or (predicate) */
static PathNode *parse_delimited(PathParser *p)
{
    bool exists = accept(p, "exists");
    if (!expect(p, "("))
        return NULL;
    PathNode *inner = exists ? parse_path(p) : parse_predicate(p);
    if (!inner || !expect(p, ")"))
        return NULL;
    return exists ? node_new(p, PATH_EXISTS, inner, NULL) : inner;
}

static PathNode *parse_predicate_primary(PathParser *p)
{
    if (accept(p, "!")) {
        if (!is(here(p), "(") && !is(here(p), "exists"))
            return mismatch(p, "{'(', 'exists'}");
        PathNode *inner = parse_delimited(p);
        return inner ? node_new(p, PATH_NOT, inner, NULL) : NULL;
    }
    if (is(here(p), "exists") && is(ahead(p, 1), "("))
        return parse_delimited(p);
    if (!holds_predicate(p))
        return parse_comparison(p);
    PathNode *inner = parse_delimited(p);
    if (!inner || !accept(p, "is"))
        return inner;
    return expect(p, "unknown") ? node_new(p, PATH_IS_UNKNOWN, inner, NULL) : NULL;
}

static PathNode *parse_and(PathParser *p)
{
    PathNode *left = parse_predicate_primary(p);
    while (left && accept(p, "&&")) {
        PathNode *right = parse_predicate_primary(p);
        left = right ? node_new(p, PATH_AND, left, right) : NULL;
    }
    return left;
}

static PathNode *parse_predicate(PathParser *p)
{
    if (!enter(p))
        return NULL;
    PathNode *left = parse_and(p);
    while (left && accept(p, "||")) {
        PathNode *right = parse_and(p);
        left = right ? node_new(p, PATH_OR, left, right) : NULL;
    }
    p->depth--;
    return left;
}

int json_path_parse(Str text, const Str *names, size_t n_names, Arena *arena, JsonPath *ret,
                    JsonPathError *err)
{
    PathParser p = {.arena = arena, .names = names, .n_names = n_names, .err = err};
    if (text.len > JSON_PATH_BYTES_MAX) {
        *err = (JsonPathError){.line = 1, .message = "JSON path is too long"};
        return -1;
    }
    tokenise(&p, text);
    ret->lax = is(here(&p), "lax");
    if (!accept(&p, "lax") && !accept(&p, "strict")) {
        mismatch(&p, "{'lax', 'strict'}");
        return -1;
    }
    ret->root = parse_path(&p);
    if (!ret->root)
        return -1;
    if (here(&p)->token != TOKEN_END) {
        mismatch(&p, "{<EOF>, " PATH_GOES_ON ", '-'}");
        return -1;
    }
    return 0;
}
