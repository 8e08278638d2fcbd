/* parser_primary.c - primary expressions: literals, names, parentheses, lambdas, and what is hung on them
 * (a[1], a.b). */
#include "query/sql/parser_internal.h"

typedef Vec(Ident) IdentVec;

/* ---- literals ---- */

static Str without_underscores(Parser *p, Str text, bool negative)
{
    if (str_find_char(text, '_') < 0 && !negative)
        return text;
    char *out = arena_alloc(p->arena, text.len + 2);
    size_t n = 0;
    if (negative)
        out[n++] = '-';
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '_')
            out[n++] = text.ptr[i];
    return str_of(out, n);
}

static Expr *parse_number(Parser *p)
{
    Expr *e = expr_new(p, EXPR_INTEGER, parser_pos(p));
    bool negative = is(p, TOKEN_MINUS);
    if (negative)
        advance(p);
    const Token *token = parser_token(p);
    Str text = without_underscores(p, token_text(p, token), negative);
    if (token->kind == TOKEN_INTEGER) {
        if (parse_integer_value(p, token, negative, &e->integer.value) < 0)
            return NULL;
        e->integer.text = text;
    } else {
        e->kind = token->kind == TOKEN_DECIMAL ? EXPR_DECIMAL : EXPR_DOUBLE;
        e->text = text;
    }
    advance(p);
    return e;
}

static bool is_string(TokenKind kind) { return kind == TOKEN_STRING || kind == TOKEN_UNICODE_STRING; }

Expr *parse_interval_literal(Parser *p)
{
    Expr *e = expr_new(p, EXPR_INTERVAL, parser_pos(p));
    advance(p);
    e->interval.negative = is(p, TOKEN_MINUS);
    if (is(p, TOKEN_MINUS) || is(p, TOKEN_PLUS))
        advance(p);
    if (parse_string(p, &e->interval.text) < 0 ||
        parse_interval_qualifier(p, &e->interval.from, &e->interval.to) < 0)
        return NULL;
    return e;
}

/* TYPE 'text' */
static Expr *parse_generic_literal(Parser *p)
{
    Expr *e = expr_new(p, EXPR_GENERIC_LITERAL, parser_pos(p));
    TypeName *type = arena_new_of(p->arena, TypeName);
    type->pos = e->pos;
    Ident name;
    if (parse_identifier(p, &name) < 0)
        return NULL;
    if (is(p, KW_PRECISION))
        advance(p);
    type->name = arena_lower(p->arena, name.text);
    e->generic.type_name = type;
    return parse_string(p, &e->generic.text) < 0 ? NULL : e;
}

static Expr *parse_string_literal(Parser *p)
{
    Expr *e = expr_new(p, EXPR_STRING, parser_pos(p));
    return parse_string(p, &e->text) < 0 ? NULL : e;
}

static Expr *parse_binary_literal(Parser *p)
{
    Expr *e = expr_new(p, EXPR_BINARY, parser_pos(p));
    if (decode_binary(p, parser_token(p), &e->text) < 0)
        return NULL;
    advance(p);
    return e;
}

static Expr *parse_word_literal(Parser *p)
{
    Expr *e = expr_new(p, is(p, KW_NULL) ? EXPR_NULL : EXPR_BOOLEAN, parser_pos(p));
    e->boolean = is(p, KW_TRUE);
    advance(p);
    return e;
}

static bool is_number(TokenKind kind)
{
    return kind == TOKEN_INTEGER || kind == TOKEN_DECIMAL || kind == TOKEN_DOUBLE;
}

Expr *parse_literal(Parser *p, bool *ret_is_literal)
{
    TokenKind kind = peek(p, 0), next = peek(p, 1);
    *ret_is_literal = true;
    if (is_number(kind) || (kind == TOKEN_MINUS && is_number(next)))
        return parse_number(p);
    if (is_string(kind))
        return parse_string_literal(p);
    if (kind == TOKEN_BINARY)
        return parse_binary_literal(p);
    if (kind == TOKEN_QUESTION)
        return parse_integer_or_parameter(p);
    if (kind == KW_NULL || kind == KW_TRUE || kind == KW_FALSE)
        return parse_word_literal(p);
    bool sign = next == TOKEN_MINUS || next == TOKEN_PLUS;
    /* Without a field after it, "INTERVAL '1'" is a literal of a type that does not exist. */
    if (kind == KW_INTERVAL &&
        (sign ? is_string(peek(p, 2)) : is_string(next) && is_interval_field(peek(p, 2))))
        return parse_interval_literal(p);
    if (is_identifier_token(kind) &&
        (is_string(next) || (kind == KW_DOUBLE && next == KW_PRECISION && is_string(peek(p, 2)))))
        return parse_generic_literal(p);
    *ret_is_literal = false;
    return NULL;
}

/* ---- lambdas, parentheses, names ---- */

static Expr *parse_lambda(Parser *p)
{
    Expr *e = expr_new(p, EXPR_LAMBDA, parser_pos(p));
    IdentVec params = { 0 };
    if (!is(p, TOKEN_LPAREN)) {
        if (parse_identifier(p, vec_push(p->arena, &params)) < 0)
            return NULL;
    } else {
        advance(p);
        while (!is(p, TOKEN_RPAREN)) {
            if (params.n > 0 && expect(p, TOKEN_COMMA) < 0)
                return NULL;
            if (arena_check(p->arena, p->err) < 0 || parse_identifier(p, vec_push(p->arena, &params)) < 0)
                return NULL;
        }
        advance(p);
    }
    if (expect(p, TOKEN_ARROW) < 0)
        return NULL;
    e->lambda.params = params.items;
    e->lambda.n = params.n;
    e->lambda.body = parse_expression(p);
    return e->lambda.body ? e : NULL;
}

static Expr *parse_parentheses(Parser *p)
{
    size_t close = parser_token(p)->match;
    if (close && p->tokens[close + 1].kind == TOKEN_ARROW)
        return parse_lambda(p);
    SqlPos pos = parser_pos(p);
    if (is_query_in_parens(p, p->at)) {
        Expr *e = expr_new(p, EXPR_SUBQUERY, pos);
        e->subquery.query = parse_query_in_parens(p);
        return e->subquery.query ? e : NULL;
    }
    advance(p);
    Expr **items;
    size_t n;
    if (parse_expression_list(p, &items, &n) < 0 || expect(p, TOKEN_RPAREN) < 0)
        return NULL;
    if (n == 1)
        return items[0];
    Expr *row = expr_new(p, EXPR_ROW, pos);
    row->row.items = items;
    row->row.n = n;
    return row;
}

static Expr *dereference(Parser *p, Expr *base, Ident field)
{
    Expr *e = expr_new(p, EXPR_DEREFERENCE, base->pos);
    e->dereference.base = base;
    e->dereference.field = field;
    return parser_grow(p) < 0 ? NULL : e;
}

static Expr *parse_static_call(Parser *p)
{
    TypeName *type = arena_new_of(p->arena, TypeName);
    type->pos = parser_pos(p);
    Ident name;
    if (parse_identifier(p, &name) < 0 || expect(p, TOKEN_DOUBLE_COLON) < 0)
        return NULL;
    type->name = arena_lower(p->arena, name.text);
    Ident *method = arena_new_of(p->arena, Ident);
    if (parse_identifier(p, method) < 0 || !sees(p, TOKEN_LPAREN)) {
        syntax_error(p);
        return NULL;
    }
    Expr *call = parse_call(p, &(QualifiedName){ .parts = method, .n = 1, .pos = type->pos });
    if (call && call->kind == EXPR_FUNCTION)
        call->call.static_type = type;
    return call;
}

/* name OVER w: a measure of the window's row pattern. */
static Expr *parse_measure(Parser *p)
{
    Expr *e = expr_new(p, EXPR_MEASURE, parser_pos(p));
    if (parse_identifier(p, &e->measure.name) < 0)
        return NULL;
    advance(p);
    return parse_over(p, &e->measure.over) < 0 ? NULL : e;
}

/* RUNNING f(x), FINAL f(x) */
static Expr *parse_processing(Parser *p)
{
    SqlPos pos = parser_pos(p);
    Processing processing = is(p, KW_RUNNING) ? PROCESSING_RUNNING : PROCESSING_FINAL;
    QualifiedName name;
    advance(p);
    if (parse_qualified_name(p, &name) < 0)
        return NULL;
    Expr *call = parse_call(p, &name);
    if (!call || call->kind != EXPR_FUNCTION)
        return call;
    call->pos = call->call.processing_pos = pos;
    call->call.processing = processing;
    return call;
}

static bool is_processing(const Parser *p)
{
    if ((!is(p, KW_RUNNING) && !is(p, KW_FINAL)) || !is_identifier_token(peek(p, 1)))
        return false;
    size_t n = 2;
    while (peek(p, n) == TOKEN_DOT && is_identifier_token(peek(p, n + 1)))
        n += 2;
    return peek(p, n) == TOKEN_LPAREN;
}

/* A column, or a function when a '(' follows the whole dotted name. */
static Expr *parse_name(Parser *p)
{
    if (is_processing(p))
        return parse_processing(p);
    if (peek(p, 1) == TOKEN_ARROW)
        return parse_lambda(p);
    if (peek(p, 1) == TOKEN_DOUBLE_COLON)
        return parse_static_call(p);
    size_t n = 1;
    while (peek(p, n) == TOKEN_DOT && is_identifier_token(peek(p, n + 1)))
        n += 2;
    if (peek(p, n) == TOKEN_LPAREN) {
        QualifiedName name;
        if (parse_qualified_name(p, &name) < 0)
            return NULL;
        return parse_call(p, &name);
    }
    if (n == 1 && peek(p, 1) == KW_OVER && (peek(p, 2) == TOKEN_LPAREN || is_identifier_token(peek(p, 2))))
        return parse_measure(p);
    Expr *e = expr_new(p, EXPR_IDENT, parser_pos(p));
    return parse_identifier(p, &e->ident) < 0 ? NULL : e;
}

static Expr *parse_head(Parser *p)
{
    bool found;
    Expr *e = parse_literal(p, &found);
    if (found)
        return e;
    e = parse_special_form(p, &found);
    if (found)
        return e;
    if (is(p, TOKEN_LPAREN))
        return parse_parentheses(p);
    if (is_identifier_token(peek(p, 0)))
        return parse_name(p);
    note_expected(p, EXPECT_EXPRESSION);
    syntax_error(p);
    return NULL;
}

/* ---- what follows: a[1], a.b, 'x'.length() ---- */

static Expr *parse_subscript(Parser *p, Expr *base)
{
    Expr *e = expr_new(p, EXPR_SUBSCRIPT, base->pos);
    advance(p);
    e->subscript.base = base;
    e->subscript.index = parse_value(p);
    if (!e->subscript.index || expect(p, TOKEN_RBRACKET) < 0 || parser_grow(p) < 0)
        return NULL;
    return e;
}

/* Makes `receiver` the first argument. */
static void add_receiver(Parser *p, Expr *call, Expr *receiver)
{
    size_t n = call->call.n;
    Expr **args = arena_array(p->arena, Expr *, n + 1);
    args[0] = receiver;
    if (n)
        memcpy(args + 1, call->call.args, n * sizeof *args);
    if (call->call.arg_names) {
        Ident *names = arena_array(p->arena, Ident, n + 1);
        memcpy(names + 1, call->call.arg_names, n * sizeof *names);
        call->call.arg_names = names;
    }
    call->call.args = args;
    call->call.n++;
}

static Expr *parse_member(Parser *p, Expr *base)
{
    advance(p);
    Ident *name = arena_new_of(p->arena, Ident);
    *name = ident_of(p, parser_token(p));
    bool is_word = token_is_keyword(peek(p, 0));          /* "x.trim()": any word may name a method */
    if (peek(p, 1) == TOKEN_LPAREN && (is_word || is_identifier_token(peek(p, 0)))) {
        advance(p);
        Expr *call = expr_new(p, EXPR_FUNCTION, base->pos);
        call->call.name = (QualifiedName){ .parts = name, .n = 1, .pos = base->pos };
        call->call.is_method = true;
        if (parse_arguments(p, call) < 0 || parser_grow(p) < 0)
            return NULL;
        add_receiver(p, call, base);
        return call;
    }
    if (parse_identifier(p, name) < 0)
        return NULL;
    return dereference(p, base, *name);
}

Expr *parse_primary(Parser *p)
{
    SqlPos start = parser_pos(p);
    Expr *e = parse_head(p);
    while (e) {
        if (sees(p, TOKEN_LBRACKET)) {
            e = parse_subscript(p, e);
        } else if (sees(p, TOKEN_DOT) && peek(p, 1) != TOKEN_STAR) {
            e = parse_member(p, e);
        } else {
            if (is(p, TOKEN_DOT))
                p->star_base = e;
            break;
        }
        if (e)
            e->pos = start;                    /* that of "(a)[1]" is the parenthesis */
    }
    return e;
}
