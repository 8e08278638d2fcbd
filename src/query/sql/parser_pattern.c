/* parser_pattern.c - row patterns: MATCH_RECOGNIZE (…) after a relation, and the same clauses around a
 * window's frame. */
#include "query/sql/parser_internal.h"

static RowPattern *parse_row_pattern(Parser *p);

static RowPattern *pattern_new(Parser *p, PatternKind kind, SqlPos pos)
{
    RowPattern *pattern = arena_new_of(p->arena, RowPattern);
    *pattern = (RowPattern){ .kind = kind, .pos = pos, .least = -1, .most = -1 };
    return pattern;
}

static RowPattern *pattern_of_one(Parser *p, PatternKind kind, SqlPos pos, RowPattern *item)
{
    RowPattern *pattern = pattern_new(p, kind, pos);
    pattern->items = arena_new_of(p->arena, RowPattern *);
    pattern->items[0] = item;
    pattern->n = 1;
    return pattern;
}

/* ---- the pattern ---- */

static RowPattern *parse_permutation(Parser *p)
{
    Vec(RowPattern *) items = { 0 };
    RowPattern *pattern = pattern_new(p, PATTERN_PERMUTATION, parser_pos(p));
    advance(p);
    advance(p);
    do {
        RowPattern *item = parse_row_pattern(p);
        if (!item || arena_check(p->arena, p->err) < 0)
            return NULL;
        *vec_push(p->arena, &items) = item;
    } while (accept(p, TOKEN_COMMA));
    pattern->items = items.items;
    pattern->n = items.n;
    return expect(p, TOKEN_RPAREN) < 0 ? NULL : pattern;
}

static bool starts_primary(const Parser *p)
{
    TokenKind kind = peek(p, 0);
    return is_identifier_token(kind) || kind == TOKEN_LPAREN || kind == TOKEN_CARET || kind == TOKEN_DOLLAR ||
           kind == TOKEN_LBRACE_MINUS;
}

static RowPattern *parse_primary_pattern(Parser *p)
{
    SqlPos pos = parser_pos(p);
    if (is(p, KW_PERMUTE) && peek(p, 1) == TOKEN_LPAREN)
        return parse_permutation(p);
    if (accept(p, TOKEN_LPAREN)) {
        if (accept(p, TOKEN_RPAREN))
            return pattern_new(p, PATTERN_EMPTY, pos);
        RowPattern *inner = parse_row_pattern(p);
        return inner && expect(p, TOKEN_RPAREN) == 0 ? inner : NULL;
    }
    if (accept(p, TOKEN_LBRACE_MINUS)) {
        RowPattern *inner = parse_row_pattern(p);
        return inner && expect(p, TOKEN_MINUS_RBRACE) == 0 ? pattern_of_one(p, PATTERN_EXCLUDED, pos, inner)
                                                           : NULL;
    }
    if (accept(p, TOKEN_CARET))
        return pattern_new(p, PATTERN_START, pos);
    if (accept(p, TOKEN_DOLLAR))
        return pattern_new(p, PATTERN_END, pos);
    RowPattern *variable = pattern_new(p, PATTERN_VARIABLE, pos);
    note_expected(p, KW_PERMUTE);
    return parse_identifier(p, &variable->name) < 0 ? NULL : variable;
}

/* {n}, {n,}, {,m}, {n,m}: after the brace. */
static int parse_range(Parser *p, RowPattern *pattern)
{
    pattern->is_range = true;
    if (is(p, TOKEN_INTEGER)) {
        if (parse_integer_value(p, parser_token(p), false, &pattern->least) < 0)
            return -1;
        advance(p);
        if (accept(p, TOKEN_RBRACE)) {
            pattern->most = pattern->least;
            return 0;
        }
    }
    if (expect(p, TOKEN_COMMA) < 0)
        return -1;
    if (is(p, TOKEN_INTEGER)) {
        if (parse_integer_value(p, parser_token(p), false, &pattern->most) < 0)
            return -1;
        advance(p);
    }
    return expect(p, TOKEN_RBRACE);
}

static RowPattern *parse_quantified(Parser *p)
{
    RowPattern *item = parse_primary_pattern(p);
    if (!item)
        return NULL;
    SqlPos pos = parser_pos(p);
    bool star = accept(p, TOKEN_STAR), plus = !star && accept(p, TOKEN_PLUS);
    bool question = !star && !plus && accept(p, TOKEN_QUESTION);
    bool range = !star && !plus && !question && accept(p, TOKEN_LBRACE);
    if (!star && !plus && !question && !range)
        return item;
    RowPattern *pattern = pattern_of_one(p, PATTERN_QUANTIFIED, item->pos, item);
    pattern->quantifier_pos = pos;
    pattern->least = plus ? 1 : range ? -1 : 0;
    pattern->most = question ? 1 : -1;
    if (range && parse_range(p, pattern) < 0)
        return NULL;
    pattern->reluctant = accept(p, TOKEN_QUESTION);
    return pattern;
}

static RowPattern *parse_concatenation(Parser *p)
{
    Vec(RowPattern *) items = { 0 };
    SqlPos pos = parser_pos(p);
    do {
        RowPattern *item = parse_quantified(p);
        if (!item || arena_check(p->arena, p->err) < 0)
            return NULL;
        *vec_push(p->arena, &items) = item;
    } while (starts_primary(p));
    if (items.n == 1)
        return items.items[0];
    RowPattern *pattern = pattern_new(p, PATTERN_CONCATENATION, pos);
    pattern->items = items.items;
    pattern->n = items.n;
    return pattern;
}

static RowPattern *parse_row_pattern(Parser *p)
{
    int saved;
    Vec(RowPattern *) items = { 0 };
    SqlPos pos = parser_pos(p);
    if (parser_enter(p, &saved) < 0)
        return NULL;
    do {
        RowPattern *item = parse_concatenation(p);
        if (!item)
            return NULL;
        *vec_push(p->arena, &items) = item;
    } while (accept(p, TOKEN_PIPE));
    parser_leave(p, saved);
    if (items.n == 1)
        return items.items[0];
    RowPattern *pattern = pattern_new(p, PATTERN_ALTERNATION, pos);
    pattern->items = items.items;
    pattern->n = items.n;
    return pattern;
}

/* ---- the clauses ---- */

int parse_pattern_measures(Parser *p, PatternSpec *spec)
{
    Vec(PatternMeasure) measures = { 0 };
    if (!accept(p, KW_MEASURES))
        return 0;
    do {
        PatternMeasure *measure = vec_push(p->arena, &measures);
        measure->expr = parse_expression(p);
        if (!measure->expr || expect(p, KW_AS) < 0 || parse_identifier(p, &measure->name) < 0)
            return -1;
    } while (accept(p, TOKEN_COMMA));
    spec->measures = measures.items;
    spec->n_measures = measures.n;
    return 0;
}

static int parse_rows_per_match(Parser *p, PatternSpec *spec)
{
    if (accept(p, KW_ONE)) {
        spec->rows = ROWS_ONE;
        return expect_all(p, KW_ROW, KW_PER, KW_MATCH);
    }
    if (!accept(p, KW_ALL))
        return 0;
    spec->rows = ROWS_ALL;
    if (expect_all(p, KW_ROWS, KW_PER, KW_MATCH) < 0)
        return -1;
    if (accept(p, KW_SHOW)) {
        spec->show_empty = true;
        return expect_all(p, KW_EMPTY, KW_MATCHES);
    }
    if (accept(p, KW_OMIT)) {
        spec->rows = ROWS_ALL_OMIT_EMPTY;
        return expect_all(p, KW_EMPTY, KW_MATCHES);
    }
    if (!accept(p, KW_WITH))
        return 0;
    spec->rows = ROWS_ALL_UNMATCHED;
    return expect_all(p, KW_UNMATCHED, KW_ROWS);
}

/* After AFTER. */
static int parse_skip(Parser *p, PatternSpec *spec)
{
    if (expect(p, KW_MATCH) < 0)
        return -1;
    spec->skip_pos = parser_pos(p);
    if (expect(p, KW_SKIP) < 0)
        return -1;
    if (accept(p, KW_PAST)) {
        spec->skip = SKIP_PAST_LAST;
        return expect_all(p, KW_LAST, KW_ROW);
    }
    if (expect(p, KW_TO) < 0)
        return -1;
    if (is(p, KW_NEXT) && peek(p, 1) == KW_ROW) {
        advance(p);
        advance(p);
        spec->skip = SKIP_TO_NEXT;
        return 0;
    }
    note_expected(p, KW_NEXT);
    /* A variable may be named FIRST or LAST. */
    bool first = is(p, KW_FIRST) && is_identifier_token(peek(p, 1)),
         last = is(p, KW_LAST) && is_identifier_token(peek(p, 1));
    TokenKind after = peek(p, 1);
    if ((first || last) && (after == KW_PATTERN || after == KW_INITIAL || after == KW_SEEK))
        first = last = is_identifier_token(peek(p, 2)) || peek(p, 2) == KW_PATTERN;
    if (first || last)
        advance(p);
    spec->skip = first ? SKIP_TO_FIRST : SKIP_TO_LAST;
    spec->skip_is_short = !first && !last;
    return parse_identifier(p, &spec->skip_label);
}

static int parse_subsets(Parser *p, PatternSpec *spec)
{
    Vec(PatternSubset) subsets = { 0 };
    do {
        PatternSubset *subset = vec_push(p->arena, &subsets);
        if (parse_identifier(p, &subset->name) < 0 || expect(p, TOKEN_EQ) < 0 ||
            parse_identifier_list(p, &subset->items, &subset->n) < 0)
            return -1;
    } while (accept(p, TOKEN_COMMA));
    spec->subsets = subsets.items;
    spec->n_subsets = subsets.n;
    return 0;
}

static int parse_defines(Parser *p, PatternSpec *spec)
{
    Vec(PatternMeasure) defines = { 0 };
    do {
        PatternMeasure *define = vec_push(p->arena, &defines);
        if (parse_identifier(p, &define->name) < 0 || expect(p, KW_AS) < 0 ||
            !(define->expr = parse_expression(p)))
            return -1;
    } while (accept(p, TOKEN_COMMA));
    spec->defines = defines.items;
    spec->n_defines = defines.n;
    return 0;
}

/* AFTER MATCH …, INITIAL or SEEK, PATTERN, SUBSET, DEFINE */
int parse_pattern_clauses(Parser *p, PatternSpec *spec, bool is_window)
{
    if (accept(p, KW_AFTER) && parse_skip(p, spec) < 0)
        return -1;
    spec->search_pos = parser_pos(p);
    spec->search = accept(p, KW_INITIAL) ? SEARCH_INITIAL : accept(p, KW_SEEK) ? SEARCH_SEEK : SEARCH_DEFAULT;
    if (is_window ? accept(p, KW_PATTERN) : expect(p, KW_PATTERN) == 0) {
        if (expect(p, TOKEN_LPAREN) < 0 || !(spec->pattern = parse_row_pattern(p)) ||
            expect(p, TOKEN_RPAREN) < 0)
            return -1;
    } else if (!is_window) {
        return -1;
    }
    if (accept(p, KW_SUBSET) && parse_subsets(p, spec) < 0)
        return -1;
    if (is_window ? accept(p, KW_DEFINE) : expect(p, KW_DEFINE) == 0)
        return parse_defines(p, spec);
    return is_window ? 0 : -1;
}

/* MATCH_RECOGNIZE (…) [AS] alias, over `input`. */
Relation *parse_match_recognize(Parser *p, Relation *input)
{
    Relation *r = relation_new(p, REL_MATCH, input->pos);
    PatternSpec *spec = arena_new_of(p->arena, PatternSpec);
    spec->pos = parser_pos(p);
    r->match.input = input;
    r->match.spec = spec;
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0)
        return NULL;
    if (accept(p, KW_PARTITION) &&
        (expect(p, KW_BY) < 0 ||
         parse_expression_list(p, &r->match.partition_by, &r->match.n_partition_by) < 0))
        return NULL;
    if (accept(p, KW_ORDER) &&
        (expect(p, KW_BY) < 0 || parse_sort_items(p, &r->match.order_by, &r->match.n_order_by) < 0))
        return NULL;
    if (parse_pattern_measures(p, spec) < 0 || parse_rows_per_match(p, spec) < 0 ||
        parse_pattern_clauses(p, spec, false) < 0 || expect(p, TOKEN_RPAREN) < 0)
        return NULL;
    return parse_optional_alias(p, r) < 0 ? NULL : r;
}
