/* parser_expr.c - operators and predicates, by Trino's precedence.
 *
 * From loose to tight: OR, AND, NOT, one predicate (they do not chain: a = b = c is an error), ||, + -, * /
 * %, unary + -, AT TIME ZONE. A node's position is where Trino reports errors about it: the operator of a
 * binary one, the first word of a predicate, else the first token. */
#include "query/sql/parser_internal.h"

typedef Vec(Expr *) ExprVec;

Expr *expr_new(Parser *p, ExprKind kind, SqlPos pos)
{
    Expr *e = arena_new_of(p->arena, Expr);
    e->kind = kind;
    e->pos = pos;
    return e;
}

/* ---- value expressions ---- */

typedef struct BinaryRule {
    TokenKind token;
    int precedence;
    ExprKind kind;
    BinaryOp op;
} BinaryRule;

static const BinaryRule binary_rules[] = {
    { TOKEN_CONCAT, 1, EXPR_CONCAT, OP_ADD },      { TOKEN_PLUS, 2, EXPR_ARITHMETIC, OP_ADD },
    { TOKEN_MINUS, 2, EXPR_ARITHMETIC, OP_SUB },   { TOKEN_STAR, 3, EXPR_ARITHMETIC, OP_MUL },
    { TOKEN_SLASH, 3, EXPR_ARITHMETIC, OP_DIV },   { TOKEN_PERCENT, 3, EXPR_ARITHMETIC, OP_MOD },
};

/* "x AT TIME ZONE 'y'", "x AT LOCAL"; else AT is an alias. */
static Expr *parse_at_time_zone(Parser *p, Expr *value)
{
    for (;;) {
        TokenKind next = peek(p, 1);
        if (!is(p, KW_AT) || (next != KW_TIME && next != KW_LOCAL)) {
            note_expected(p, KW_AT);
            return value;
        }
        Expr *e = expr_new(p, EXPR_AT_TIME_ZONE, parser_pos(p));
        advance(p);
        e->at_time_zone.value = value;
        if (parser_grow(p) < 0)
            return NULL;
        if (!accept(p, KW_LOCAL)) {
            if (expect_all(p, KW_TIME, KW_ZONE) < 0)
                return NULL;
            e->at_time_zone.zone = parse_primary(p);
            if (!e->at_time_zone.zone)
                return NULL;
        }
        value = e;
    }
}

static bool is_number(TokenKind kind)
{
    return kind == TOKEN_INTEGER || kind == TOKEN_DECIMAL || kind == TOKEN_DOUBLE;
}

static Expr *parse_unary(Parser *p)
{
    bool minus = is(p, TOKEN_MINUS);
    if (!(minus && !is_number(peek(p, 1))) && !is(p, TOKEN_PLUS)) {
        Expr *e = parse_primary(p);                /* "-1" is a literal */
        return e ? parse_at_time_zone(p, e) : NULL;
    }
    int saved;
    if (parser_enter(p, &saved) < 0)
        return NULL;
    Expr *e = expr_new(p, EXPR_UNARY, parser_pos(p));
    e->unary.op = minus ? '-' : '+';
    advance(p);
    e->unary.operand = parse_unary(p);
    parser_leave(p, saved);
    return e->unary.operand ? e : NULL;
}

static const BinaryRule *binary_rule(Parser *p, int minimum)
{
    for (size_t i = 0; i < sizeof binary_rules / sizeof *binary_rules; i++)
        if (binary_rules[i].precedence >= minimum && sees(p, binary_rules[i].token))
            return &binary_rules[i];
    return NULL;
}

static Expr *parse_binary(Parser *p, int minimum)
{
    Expr *left = parse_unary(p);
    while (left) {
        const BinaryRule *rule = binary_rule(p, minimum);
        if (!rule)
            return left;
        Expr *e = expr_new(p, rule->kind, parser_pos(p));
        advance(p);
        e->binary.op = rule->op;
        e->binary.left = left;
        e->binary.right = parse_binary(p, rule->precedence + 1);
        if (!e->binary.right || parser_grow(p) < 0)
            return NULL;
        left = e;
    }
    return NULL;
}

/* The value expression of a rule that is bracketed already. */
static Expr *parse_operand(Parser *p) { return parse_binary(p, 1); }

Expr *parse_value(Parser *p)
{
    int saved;
    if (parser_enter(p, &saved) < 0)
        return NULL;
    Expr *e = parse_operand(p);
    parser_leave(p, saved);
    return e;
}

/* ---- predicates ---- */

static const struct { TokenKind token; BinaryOp op;
} comparisons[] = {
    { TOKEN_EQ, OP_EQ }, { TOKEN_NE, OP_NE }, { TOKEN_LT, OP_LT },
    { TOKEN_LE, OP_LE }, { TOKEN_GT, OP_GT }, { TOKEN_GE, OP_GE },
};

static Expr *parse_comparison(Parser *p, Expr *value, BinaryOp op)
{
    SqlPos pos = parser_pos(p);
    advance(p);
    TokenKind quantifier = peek(p, 0);
    bool quantified = (quantifier == KW_ALL || quantifier == KW_ANY || quantifier == KW_SOME) &&
                      peek(p, 1) == TOKEN_LPAREN && is_query_in_parens(p, p->at + 1);
    if (quantified) {
        advance(p);
        Expr *e = expr_new(p, EXPR_QUANTIFIED, pos);
        e->quantified.op = op;
        e->quantified.all = quantifier == KW_ALL;
        e->quantified.value = value;
        e->quantified.query = parse_query_in_parens(p);
        return e->quantified.query ? e : NULL;
    }
    Expr *e = expr_new(p, EXPR_COMPARISON, pos);
    e->binary.op = op;
    e->binary.left = value;
    e->binary.right = parse_operand(p);
    return e->binary.right ? e : NULL;
}

static Expr *parse_between(Parser *p, Expr *value, SqlPos pos, bool negated)
{
    Expr *e = expr_new(p, EXPR_BETWEEN, pos);
    e->between.value = value;
    e->between.negated = negated;
    if (is(p, KW_SYMMETRIC) || is(p, KW_ASYMMETRIC)) {
        e->between.symmetric = is(p, KW_SYMMETRIC);
        advance(p);
    }
    e->between.low = parse_operand(p);
    if (!e->between.low || expect(p, KW_AND) < 0)
        return NULL;
    e->between.high = parse_operand(p);
    return e->between.high ? e : NULL;
}

static Expr *parse_in(Parser *p, Expr *value, SqlPos pos, bool negated)
{
    Expr *e = expr_new(p, EXPR_IN_LIST, pos);
    e->in.value = value;
    e->in.negated = negated;
    if (is(p, TOKEN_LPAREN) && is_query_in_parens(p, p->at)) {
        e->kind = EXPR_IN_SUBQUERY;
        e->in.query = parse_query_in_parens(p);
        return e->in.query ? e : NULL;
    }
    if (expect(p, TOKEN_LPAREN) < 0 || parse_expression_list(p, &e->in.items, &e->in.n) < 0 ||
        expect(p, TOKEN_RPAREN) < 0)
        return NULL;
    return e;
}

static Expr *parse_like(Parser *p, Expr *value, SqlPos pos, bool negated)
{
    Expr *e = expr_new(p, EXPR_LIKE, pos);
    e->like.value = value;
    e->like.negated = negated;
    e->like.pattern = parse_operand(p);
    if (!e->like.pattern)
        return NULL;
    if (accept(p, KW_ESCAPE)) {
        e->like.escape = parse_operand(p);
        if (!e->like.escape)
            return NULL;
    }
    return e;
}

/* After IS. */
static Expr *parse_is(Parser *p, Expr *value, SqlPos pos)
{
    static const struct {
        TokenKind token;
        int truth;
    } truths[] = { { KW_TRUE, 1 }, { KW_FALSE, 0 }, { KW_UNKNOWN, -1 } };
    bool negated = accept(p, KW_NOT);
    Expr *e = expr_new(p, EXPR_IS_NULL, pos);
    if (accept(p, KW_DISTINCT)) {
        e->kind = EXPR_DISTINCT_FROM;
        e->binary.negated = negated;
        e->binary.left = value;
        if (expect(p, KW_FROM) < 0)
            return NULL;
        e->binary.right = parse_operand(p);
        return e->binary.right ? e : NULL;
    }
    e->is.operand = value;
    e->is.negated = negated;
    if (accept(p, KW_NULL))
        return e;
    e->kind = EXPR_IS_TRUTH;
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++) {
        if (accept(p, truths[i].token)) {
            e->is.truth = truths[i].truth;
            return e;
        }
    }
    syntax_error(p);
    return NULL;
}

/* After MATCH. */
static Expr *parse_match(Parser *p, Expr *value, SqlPos pos)
{
    static const struct { TokenKind token; Str text; } modes[] = {
        { KW_SIMPLE, { "SIMPLE", 6 } }, { KW_PARTIAL, { "PARTIAL", 7 } }, { KW_FULL, { "FULL", 4 } },
    };
    Expr *e = expr_new(p, EXPR_MATCH, pos);
    e->match.value = value;
    e->match.unique = accept(p, KW_UNIQUE);
    for (size_t i = 0; i < sizeof modes / sizeof *modes && e->match.mode.len == 0; i++)
        if (accept(p, modes[i].token))
            e->match.mode = modes[i].text;
    e->match.query = parse_query_in_parens(p);
    return e->match.query ? e : NULL;
}

typedef Expr *NegatablePredicate(Parser *p, Expr *value, SqlPos pos, bool negated);

static Expr *parse_predicate_words(Parser *p, Expr *value, bool *ret_is_predicate)
{
    static const struct { TokenKind token; NegatablePredicate *parse; } negatable[] = {
        { KW_BETWEEN, parse_between }, { KW_IN, parse_in }, { KW_LIKE, parse_like },
    };
    SqlPos pos = parser_pos(p);
    bool negated = is(p, KW_NOT);
    TokenKind word = peek(p, negated);
    *ret_is_predicate = true;
    for (size_t i = 0; i < sizeof negatable / sizeof *negatable; i++) {
        if (word != negatable[i].token)
            continue;
        if (negated)
            advance(p);
        advance(p);
        return negatable[i].parse(p, value, pos, negated);
    }
    if (word == KW_IS && !negated) {
        advance(p);
        return parse_is(p, value, pos);
    }
    TokenKind next = peek(p, 1);
    if (word == KW_MATCH && !negated && (next == TOKEN_LPAREN || next == KW_UNIQUE || next == KW_SIMPLE ||
                                         next == KW_PARTIAL || next == KW_FULL)) {
        advance(p);
        return parse_match(p, value, pos);
    }
    *ret_is_predicate = false;
    note_expected(p, EXPECT_PREDICATE);
    return value;
}

Expr *parse_predicate(Parser *p, Expr *value, bool *ret_is_predicate)
{
    *ret_is_predicate = true;
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++)
        if (is(p, comparisons[i].token))
            return parse_comparison(p, value, comparisons[i].op);
    return parse_predicate_words(p, value, ret_is_predicate);
}

/* ---- AND, OR, NOT ---- */

static Expr *parse_not(Parser *p)
{
    if (!is(p, KW_NOT)) {
        Expr *value = parse_operand(p);
        bool is_predicate;
        return value ? parse_predicate(p, value, &is_predicate) : NULL;
    }
    int saved;
    if (parser_enter(p, &saved) < 0)
        return NULL;
    Expr *e = expr_new(p, EXPR_NOT, parser_pos(p));
    advance(p);
    e->is.operand = parse_not(p);
    parser_leave(p, saved);
    return e->is.operand ? e : NULL;
}

/* One AND or OR of all that the word joins; a nested one stays nested: (a AND b) AND c has two items. */
static Expr *parse_logical(Parser *p, TokenKind word, ExprKind kind, Expr *(*operand)(Parser *p))
{
    SqlPos pos = parser_pos(p);
    Expr *first = operand(p);
    if (!first || !accept(p, word))
        return first;
    ExprVec items = { 0 };
    *vec_push(p->arena, &items) = first;
    do {
        Expr *next = operand(p);
        if (!next)
            return NULL;
        *vec_push(p->arena, &items) = next;
    } while (accept(p, word));
    Expr *e = expr_new(p, kind, pos);
    e->list.items = items.items;
    e->list.n = items.n;
    return e;
}

static Expr *parse_and(Parser *p) { return parse_logical(p, KW_AND, EXPR_AND, parse_not); }

Expr *parse_expression(Parser *p)
{
    int saved;
    if (parser_enter(p, &saved) < 0)
        return NULL;
    Expr *e = parse_logical(p, KW_OR, EXPR_OR, parse_and);
    parser_leave(p, saved);
    return e;
}

int parse_expression_list(Parser *p, Expr ***ret, size_t *ret_n)
{
    ExprVec items = { 0 };
    do {
        Expr *e = parse_expression(p);
        if (!e)
            return -1;
        *vec_push(p->arena, &items) = e;
    } while (accept(p, TOKEN_COMMA));
    *ret = items.items;
    *ret_n = items.n;
    return 0;
}

Expr *parse_integer_or_parameter(Parser *p)
{
    if (is(p, TOKEN_QUESTION)) {
        Expr *e = expr_new(p, EXPR_PARAMETER, parser_pos(p));
        e->parameter = p->n_parameters++;
        advance(p);
        return e;
    }
    note_expected(p, TOKEN_QUESTION);
    if (!sees(p, TOKEN_INTEGER)) {
        syntax_error(p);
        return NULL;
    }
    Expr *e = expr_new(p, EXPR_INTEGER, parser_pos(p));
    if (parse_integer_value(p, parser_token(p), false, &e->integer.value) < 0)
        return NULL;
    e->integer.text = token_text(p, parser_token(p));
    advance(p);
    return e;
}
