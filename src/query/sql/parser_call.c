/* parser_call.c - function calls: arguments, WITHIN GROUP, FILTER, IGNORE NULLS, OVER with frames; the
 * calls that are syntax (IF, COALESCE, NULLIF, TRY). */
#include <stdarg.h>

#include "query/sql/parser_internal.h"

typedef Vec(Expr *) ExprVec;

Expr *call_new(Parser *p, const char *name, SqlPos pos, size_t n_args, ...)
{
    Expr *e = expr_new(p, EXPR_FUNCTION, pos);
    Ident *part = arena_new_of(p->arena, Ident);
    *part = (Ident){ .text = str_from(name), .pos = pos };
    e->call.name = (QualifiedName){ .parts = part, .n = 1, .pos = pos };
    e->call.args = arena_array(p->arena, Expr *, n_args + 1);
    va_list args;
    va_start(args, n_args);
    for (size_t i = 0; i < n_args; i++) {
        Expr *arg = va_arg(args, Expr *);
        if (arg)
            e->call.args[e->call.n++] = arg;
    }
    va_end(args);
    return e;
}

/* ---- arguments ---- */

int parse_call_arguments(Parser *p, Expr ***ret, const Ident **ret_names, size_t *ret_n)
{
    ExprVec args = { 0 };
    Vec(Ident) names = { 0 };
    bool named = false;
    do {
        Ident *name = vec_push(p->arena, &names);
        *name = (Ident){ .text = STR_NULL };
        if (is_identifier_token(peek(p, 0)) && peek(p, 1) == TOKEN_FAT_ARROW) {
            named = true;
            if (parse_identifier(p, name) < 0 || expect(p, TOKEN_FAT_ARROW) < 0)
                return -1;
        }
        Expr *e = parse_expression(p);
        if (!e)
            return -1;
        *vec_push(p->arena, &args) = e;
    } while (accept(p, TOKEN_COMMA));
    *ret = args.items;
    *ret_n = args.n;
    *ret_names = named ? names.items : NULL;
    return 0;
}

int parse_sort_item(Parser *p, SortItem *item)
{
    *item = (SortItem){ .expr = parse_expression(p) };
    if (!item->expr)
        return -1;
    if (accept(p, KW_DESC))
        item->descending = true;
    else
        accept(p, KW_ASC);
    if (!accept(p, KW_NULLS))
        return 0;
    if (accept(p, KW_FIRST))
        item->nulls = NULLS_FIRST;
    else if (accept(p, KW_LAST))
        item->nulls = NULLS_LAST;
    else
        return syntax_error(p);
    return 0;
}

int parse_sort_items(Parser *p, SortItem **ret, size_t *ret_n)
{
    Vec(SortItem) items = { 0 };
    do {
        if (parse_sort_item(p, vec_push(p->arena, &items)) < 0)
            return -1;
    } while (accept(p, TOKEN_COMMA));
    *ret = items.items;
    *ret_n = items.n;
    return 0;
}

/* SUBSTRING(x FROM a [FOR b]), OVERLAY(x PLACING y FROM a [FOR b]): after x, at the word. */
static int parse_words_of_arguments(Parser *p, Expr *call)
{
    ExprVec args = { 0 };
    *vec_push(p->arena, &args) = call->call.args[0];
    static const TokenKind words[] = { KW_PLACING, KW_FROM, KW_FOR };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!accept(p, words[i]))
            continue;
        Expr *arg = parse_value(p);
        if (!arg)
            return -1;
        *vec_push(p->arena, &args) = arg;
    }
    call->call.args = args.items;
    call->call.n = args.n;
    /* OVERLAY is no function that can be called by its name. */
    bool is_substring = call->call.name.parts[0].text.len == strlen("substring");
    call->call.name = call_new(p, is_substring ? "substr" : "$overlay", call->pos, 0)->call.name;
    return expect(p, TOKEN_RPAREN);
}

static bool takes_words(const Expr *call)
{
    const QualifiedName *name = &call->call.name;
    return name->n == 1 && !name->parts[0].quoted && !call->call.is_method &&
           (str_eq_nocase(name->parts[0].text, STR("substring")) ||
            str_eq_nocase(name->parts[0].text, STR("overlay")));
}

/* '(' … ')' */
int parse_arguments(Parser *p, Expr *e)
{
    if (expect(p, TOKEN_LPAREN) < 0)
        return -1;
    if (is(p, TOKEN_STAR)) {
        advance(p);
        e->call.star = true;
        return expect(p, TOKEN_RPAREN);
    }
    if (is_identifier_token(peek(p, 0)) && peek(p, 1) == TOKEN_DOT && peek(p, 2) == TOKEN_STAR &&
        peek(p, 3) == TOKEN_RPAREN) {
        e->call.star = true;
        return parse_identifier(p, &e->call.label) < 0 ? -1
                                                       : expect_all(p, TOKEN_DOT, TOKEN_STAR, TOKEN_RPAREN);
    }
    if (accept(p, TOKEN_RPAREN))
        return 0;
    bool quantified = false;
    if (is(p, KW_DISTINCT) || (is(p, KW_ALL) && peek(p, 1) != TOKEN_COMMA && peek(p, 1) != TOKEN_RPAREN)) {
        e->call.distinct = is(p, KW_DISTINCT);
        quantified = true;
        advance(p);
    } else {
        note_expected(p, KW_DISTINCT);
        note_expected(p, KW_ALL);
        note_expected(p, TOKEN_STAR);
    }
    if (quantified || !is(p, KW_ORDER)) {
        if (parse_call_arguments(p, &e->call.args, &e->call.arg_names, &e->call.n) < 0)
            return -1;
    }
    if (e->call.n == 1 && takes_words(e) && (is(p, KW_FROM) || is(p, KW_PLACING)))
        return parse_words_of_arguments(p, e);
    if (accept(p, KW_ORDER) &&
        (expect(p, KW_BY) < 0 || parse_sort_items(p, &e->call.order_by, &e->call.n_order_by) < 0))
        return -1;
    return expect(p, TOKEN_RPAREN);
}

/* ---- windows ---- */

static int parse_frame_bound(Parser *p, FrameBound *bound)
{
    TokenKind next = peek(p, 1);
    if (is(p, KW_UNBOUNDED) && (next == KW_PRECEDING || next == KW_FOLLOWING)) {
        bound->kind = next == KW_PRECEDING ? BOUND_UNBOUNDED_PRECEDING : BOUND_UNBOUNDED_FOLLOWING;
        advance(p);
        advance(p);
        return 0;
    }
    note_expected(p, KW_UNBOUNDED);
    if (accept_words(p, KW_CURRENT, KW_ROW)) {
        bound->kind = BOUND_CURRENT_ROW;
        return 0;
    }
    bound->value = parse_expression(p);
    if (!bound->value)
        return -1;
    bound->kind = BOUND_PRECEDING;
    if (accept(p, KW_PRECEDING))
        return 0;
    bound->kind = BOUND_FOLLOWING;
    return expect(p, KW_FOLLOWING);
}

static const struct { TokenKind token; FrameUnit unit; } frame_units[] = {
    { KW_RANGE, FRAME_RANGE }, { KW_ROWS, FRAME_ROWS }, { KW_GROUPS, FRAME_GROUPS },
};

static bool is_frame_unit(TokenKind kind) { return kind == KW_RANGE || kind == KW_ROWS || kind == KW_GROUPS; }

static int parse_frame(Parser *p, Window *window)
{
    for (size_t i = 0; i < sizeof frame_units / sizeof *frame_units; i++) {
        if (!accept(p, frame_units[i].token))
            continue;
        window->unit = frame_units[i].unit;
        window->to.kind = BOUND_CURRENT_ROW;
        if (!accept(p, KW_BETWEEN))
            return parse_frame_bound(p, &window->from);
        return parse_frame_bound(p, &window->from) < 0 || expect(p, KW_AND) < 0
                   ? -1
                   : parse_frame_bound(p, &window->to);
    }
    return 0;
}

static bool is_existing_window(const Parser *p)
{
    TokenKind kind = peek(p, 0), next = peek(p, 1);
    if (!is_identifier_token(kind))
        return false;
    bool ends = next == TOKEN_RPAREN;
    return !(kind == KW_PARTITION && next == KW_BY) && !(is_frame_unit(kind) && !ends) &&
           !(kind == KW_MEASURES && !ends);
}

int parse_window_spec(Parser *p, Window *window)
{
    if (is_existing_window(p) && parse_identifier(p, &window->name) < 0)
        return -1;
    if (accept(p, KW_PARTITION)) {
        Expr **items;
        if (expect(p, KW_BY) < 0 || parse_expression_list(p, &items, &window->n_partition_by) < 0)
            return -1;
        window->partition_by = items;
    }
    if (accept(p, KW_ORDER) &&
        (expect(p, KW_BY) < 0 || parse_sort_items(p, &window->order_by, &window->n_order_by) < 0))
        return -1;
    PatternSpec spec = { .pos = parser_pos(p), .rows = ROWS_WINDOW };
    if (parse_pattern_measures(p, &spec) < 0 || parse_frame(p, window) < 0)
        return -1;
    if (spec.n_measures && window->unit == FRAME_NONE)
        return syntax_error(p);
    if (window->unit != FRAME_NONE && !is(p, TOKEN_RPAREN) && parse_pattern_clauses(p, &spec, true) < 0)
        return -1;
    if (spec.n_measures || spec.skip || spec.search || spec.pattern || spec.n_subsets || spec.n_defines) {
        window->pattern = arena_new_of(p->arena, PatternSpec);
        *window->pattern = spec;
    }
    return expect(p, TOKEN_RPAREN);
}

/* After OVER. */
int parse_over(Parser *p, Window **ret)
{
    Window *over = *ret = arena_new_of(p->arena, Window);
    over->pos = parser_pos(p);
    if (accept(p, TOKEN_LPAREN))
        return parse_window_spec(p, over);
    return parse_identifier(p, &over->name);
}

static int parse_filter(Parser *p, Expr *e)
{
    if (!is(p, KW_FILTER) || peek(p, 1) != TOKEN_LPAREN)
        return 0;
    advance(p);
    if (expect_all(p, TOKEN_LPAREN, KW_WHERE) < 0)
        return -1;
    e->call.filter = parse_expression(p);
    return e->call.filter ? expect(p, TOKEN_RPAREN) : -1;
}

/* FILTER (…), IGNORE NULLS, OVER: words that could also be the column's alias. */
int parse_call_suffixes(Parser *p, Expr *e)
{
    if (parse_filter(p, e) < 0)
        return -1;
    if ((is(p, KW_IGNORE) || is(p, KW_RESPECT)) && peek(p, 1) == KW_NULLS) {
        e->call.nulls = is(p, KW_IGNORE) ? NULLS_IGNORE : NULLS_RESPECT;
        advance(p);
        advance(p);
        if (!sees(p, KW_OVER))
            return syntax_error(p);
    }
    if (is(p, KW_OVER) && (peek(p, 1) == TOKEN_LPAREN || is_identifier_token(peek(p, 1)))) {
        advance(p);
        return parse_over(p, &e->call.over);
    }
    return 0;
}

/* ---- the calls that are syntax ---- */

typedef Expr *CallRewrite(Parser *p, Expr *call);

static Expr *rewrite_if(Parser *p, Expr *call)
{
    if (call->call.n != 2 && call->call.n != 3) {
        parse_error(p, call->pos, "Invalid number of arguments for 'if' function");
        return NULL;
    }
    Expr *e = expr_new(p, EXPR_IF, call->pos);
    e->case_.whens = arena_new_of(p->arena, WhenClause);
    e->case_.whens[0] = (WhenClause){ .condition = call->call.args[0], .result = call->call.args[1] };
    e->case_.n = 1;
    e->case_.otherwise = call->call.n == 3 ? call->call.args[2] : NULL;
    return e;
}

static Expr *rewrite_nullif(Parser *p, Expr *call)
{
    if (call->call.n != 2) {
        parse_error(p, call->pos, "Invalid number of arguments for 'nullif' function");
        return NULL;
    }
    Expr *e = expr_new(p, EXPR_NULLIF, call->pos);
    e->binary.left = call->call.args[0];
    e->binary.right = call->call.args[1];
    return e;
}

static Expr *rewrite_coalesce(Parser *p, Expr *call)
{
    if (call->call.n < 2) {
        parse_error(p, call->pos, "The 'coalesce' function must have at least two arguments");
        return NULL;
    }
    Expr *e = expr_new(p, EXPR_COALESCE, call->pos);
    e->list.items = call->call.args;
    e->list.n = call->call.n;
    return e;
}

static Expr *rewrite_try(Parser *p, Expr *call)
{
    if (call->call.n != 1) {
        parse_error(p, call->pos, "The 'try' function must have exactly one argument");
        return NULL;
    }
    Expr *e = expr_new(p, EXPR_TRY, call->pos);
    e->is.operand = call->call.args[0];
    return e;
}

static Expr *check_format(Parser *p, Expr *call)
{
    if (call->call.n < 2) {
        parse_error(p, call->pos, "The 'format' function must have at least two arguments");
        return NULL;
    }
    return call;
}

static const struct { const char *name; CallRewrite *rewrite; } rewrites[] = {
    { "if", rewrite_if },   { "nullif", rewrite_nullif },   { "coalesce", rewrite_coalesce },
    { "try", rewrite_try }, { "format", check_format },
};

static Expr *rewrite_call(Parser *p, Expr *call)
{
    if (call->call.name.n != 1 || call->call.star)
        return call;
    Str name = call->call.name.parts[0].text;
    for (size_t i = 0; i < sizeof rewrites / sizeof *rewrites; i++) {
        if (!str_eq_nocase(name, str_from(rewrites[i].name)))
            continue;
        const char *clause = call->call.over       ? "OVER clause"
                             : call->call.distinct ? "DISTINCT"
                             : call->call.nulls    ? "Null treatment clause"
                             : call->call.filter   ? "FILTER"
                                                   : NULL;
        if (clause) {
            parse_error(p, call->pos, "%s not valid for '%s' function", clause, rewrites[i].name);
            return NULL;
        }
        return rewrites[i].rewrite(p, call);
    }
    return call;
}

Expr *parse_call(Parser *p, const QualifiedName *name)
{
    Expr *e = expr_new(p, EXPR_FUNCTION, name->pos);
    e->call.name = *name;
    if (parse_arguments(p, e) < 0 || parse_call_suffixes(p, e) < 0)
        return NULL;
    return rewrite_call(p, e);
}
