/* parser_relation.c - FROM: tables, joins, subqueries, UNNEST, LATERAL, TABLESAMPLE, time travel, aliases. */
#include "query/sql/parser_internal.h"

Relation *relation_new(Parser *p, RelationKind kind, SqlPos pos)
{
    Relation *relation = arena_new_of(p->arena, Relation);
    relation->kind = kind;
    relation->pos = pos;
    return relation;
}

/* A word that is not reserved may be an alias, unless with its next word it starts a clause: "LIMIT 5"
 * does, "limit" does not. */
bool is_alias_token(const Parser *p)
{
    TokenKind kind = peek(p, 0), next = peek(p, 1);
    bool count = next == TOKEN_INTEGER || next == TOKEN_QUESTION;
    switch (kind) {
    case KW_LIMIT:
        return !count && next != KW_ALL;
    case KW_OFFSET:
        return !count;
    case KW_FETCH:
        return next != KW_FIRST && next != KW_NEXT;
    case KW_WINDOW:
        return !(is_identifier_token(next) && peek(p, 2) == KW_AS && peek(p, 3) == TOKEN_LPAREN);
    case KW_TABLESAMPLE:
        return next != KW_BERNOULLI && next != KW_SYSTEM;
    case KW_MATCH:
        return p->nearest == 0;
    case KW_MATCH_RECOGNIZE:
        return next != TOKEN_LPAREN;
    default:
        return is_identifier_token(kind);
    }
}

int parse_optional_alias(Parser *p, Relation *relation)
{
    if (!accept(p, KW_AS) && !is_alias_token(p)) {
        note_expected(p, EXPECT_IDENTIFIER);
        return 0;
    }
    if (parse_identifier(p, &relation->alias) < 0)
        return -1;
    return sees(p, TOKEN_LPAREN)
               ? parse_identifier_list(p, &relation->column_aliases, &relation->n_column_aliases)
               : 0;
}

int parse_branch(Parser *p, Ident *ret) { return accept(p, TOKEN_AT_SIGN) ? parse_identifier(p, ret) : 0; }

/* ---- primaries ---- */

static Relation *parse_table_name(Parser *p)
{
    Relation *r = relation_new(p, REL_TABLE, parser_pos(p));
    if (parse_qualified_name(p, &r->table.name) < 0 ||
        (is(p, TOKEN_AT_SIGN) && parse_branch(p, &r->table.branch) < 0))
        return NULL;
    SqlPos for_pos = parser_pos(p);
    if (!accept(p, KW_FOR))
        return r;
    r->table.for_pos = for_pos;
    bool version = accept(p, KW_VERSION);
    if ((!version && expect(p, KW_TIMESTAMP) < 0) || expect_all(p, KW_AS, KW_OF) < 0)
        return NULL;
    Expr *value = parse_value(p);
    if (!value)
        return NULL;
    *(version ? &r->table.version : &r->table.timestamp) = value;
    return r;
}

static Relation *parse_parenthesized(Parser *p)
{
    SqlPos pos = parser_pos(p);
    if (is_query_in_parens(p, p->at)) {
        Relation *r = relation_new(p, REL_SUBQUERY, pos);
        r->query = parse_query_in_parens(p);
        return r->query ? r : NULL;
    }
    advance(p);
    Relation *r = parse_relation(p);
    return r && expect(p, TOKEN_RPAREN) == 0 ? r : NULL;
}

static Relation *parse_unnest(Parser *p)
{
    Relation *r = relation_new(p, REL_UNNEST, parser_pos(p));
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0 || parse_expression_list(p, &r->unnest.items, &r->unnest.n) < 0 ||
        expect(p, TOKEN_RPAREN) < 0)
        return NULL;
    if (accept(p, KW_WITH)) {
        r->unnest.ordinality = true;
        if (expect(p, KW_ORDINALITY) < 0)
            return NULL;
    }
    return r;
}

static Relation *parse_lateral(Parser *p)
{
    Relation *r = relation_new(p, REL_LATERAL, parser_pos(p));
    advance(p);
    r->query = parse_query_in_parens(p);
    return r->query ? r : NULL;
}

/* NEAREST (FROM r WHERE x MATCH y): SELECT * FROM r WHERE x, with the comparison y beside it. */
static Relation *parse_nearest(Parser *p)
{
    SqlPos pos = parser_pos(p);
    Relation *r = relation_new(p, REL_LATERAL, pos);
    QuerySpec *spec = arena_new_of(p->arena, QuerySpec);
    QueryBody *body = arena_new_of(p->arena, QueryBody);
    SelectItem *all = arena_new_of(p->arena, SelectItem);
    r->query = arena_new_of(p->arena, Query);
    advance(p);
    *all = (SelectItem){ .expr = expr_new(p, EXPR_STAR, pos) };
    *spec = (QuerySpec){ .pos = pos, .items = all, .n_items = 1 };
    *body = (QueryBody){ .kind = BODY_SELECT, .pos = pos, .select = spec };
    *r->query = (Query){ .pos = pos, .body = body };
    if (expect_all(p, TOKEN_LPAREN, KW_FROM) < 0)
        return NULL;
    p->nearest++;
    spec->from = parse_relation(p);
    p->nearest--;
    if (!spec->from)
        return NULL;
    if (accept(p, KW_WHERE) && !(spec->where = parse_expression(p)))
        return NULL;
    if (expect(p, KW_MATCH) < 0 || !(r->nearest = parse_expression(p)) || expect(p, TOKEN_RPAREN) < 0)
        return NULL;
    return r;
}

static Relation *parse_relation_primary(Parser *p)
{
    bool open = peek(p, 1) == TOKEN_LPAREN;
    if (is(p, TOKEN_LPAREN))
        return parse_parenthesized(p);
    if (is(p, KW_UNNEST))
        return parse_unnest(p);
    if (is(p, KW_LATERAL) && open)
        return parse_lateral(p);
    if (is(p, KW_TABLE))
        return parse_table_function(p);
    if (is(p, KW_JSON_TABLE))
        return parse_json_table(p);
    if (is(p, KW_NEAREST) && open)
        return parse_nearest(p);
    if (is_identifier_token(peek(p, 0)))
        return parse_table_name(p);
    static const int starts[] = { TOKEN_LPAREN, KW_JSON_TABLE, KW_LATERAL,       KW_NEAREST,
                                  KW_TABLE,     KW_UNNEST,     EXPECT_IDENTIFIER };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        note_expected(p, starts[i]);
    syntax_error(p);
    return NULL;
}

/* relation [MATCH_RECOGNIZE …] [AS x (a, b)] [TABLESAMPLE …] */
static Relation *parse_sampled(Parser *p)
{
    Relation *r = parse_relation_primary(p);
    if (!r || parse_optional_alias(p, r) < 0)
        return NULL;
    if (is(p, KW_MATCH_RECOGNIZE) && peek(p, 1) == TOKEN_LPAREN) {
        if (!(r = parse_match_recognize(p, r)))
            return NULL;
    } else {
        note_expected(p, KW_MATCH_RECOGNIZE);
    }
    if (!accept(p, KW_TABLESAMPLE))
        return r;
    Relation *sampled = relation_new(p, REL_SAMPLED, r->pos);
    sampled->sample.relation = r;
    sampled->sample.system = accept(p, KW_SYSTEM);
    if ((!sampled->sample.system && expect(p, KW_BERNOULLI) < 0) || expect(p, TOKEN_LPAREN) < 0 ||
        !(sampled->sample.percent = parse_expression(p)) || expect(p, TOKEN_RPAREN) < 0)
        return NULL;
    return sampled;
}

/* ---- joins ---- */

static bool accept_join_type(Parser *p, JoinKind *kind)
{
    static const struct { TokenKind word; JoinKind kind; } types[] = {
        { KW_LEFT, JOIN_LEFT }, { KW_RIGHT, JOIN_RIGHT }, { KW_FULL, JOIN_FULL },
    };
    *kind = JOIN_INNER;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (accept(p, types[i].word)) {
            *kind = types[i].kind;
            accept(p, KW_OUTER);
            return true;
        }
    }
    return accept(p, KW_INNER) || sees(p, KW_JOIN);
}

static int parse_join_criteria(Parser *p, Relation *join)
{
    if (accept(p, KW_USING))
        return parse_identifier_list(p, &join->join.using_columns, &join->join.n_using);
    if (expect(p, KW_ON) < 0)
        return -1;
    join->join.on = parse_expression(p);
    return join->join.on ? 0 : -1;
}

/* One join onto `left`; *ret_found false when none is here. */
static Relation *parse_join(Parser *p, Relation *left, bool *ret_found)
{
    JoinKind kind = JOIN_CROSS;
    bool cross = accept(p, KW_CROSS);
    bool natural = !cross && accept(p, KW_NATURAL);
    *ret_found = cross || accept_join_type(p, &kind);
    if (!*ret_found) {
        if (natural)
            syntax_error(p);
        return natural ? NULL : left;
    }
    Relation *join = relation_new(p, REL_JOIN, left->pos);
    join->join.join = kind;
    join->join.left = left;
    join->join.natural = natural;
    if (expect(p, KW_JOIN) < 0)
        return NULL;
    /* The right side of a join with ON or USING may itself be a join: a JOIN b JOIN c ON … ON … */
    join->join.right = cross || natural ? parse_sampled(p) : parse_relation(p);
    if (!join->join.right || (!cross && !natural && parse_join_criteria(p, join) < 0) || parser_grow(p) < 0)
        return NULL;
    return join;
}

Relation *parse_relation(Parser *p)
{
    int saved;
    if (parser_enter(p, &saved) < 0)
        return NULL;
    Relation *r = parse_sampled(p);
    bool found = r != NULL;
    while (r && found)
        r = parse_join(p, r, &found);
    parser_leave(p, saved);
    return r;
}

Relation *parse_relation_list(Parser *p)
{
    Relation *left = parse_relation(p);
    while (left && accept(p, TOKEN_COMMA)) {
        Relation *join = relation_new(p, REL_JOIN, left->pos);
        join->join.join = JOIN_CROSS;
        join->join.implicit = true;
        join->join.left = left;
        join->join.right = parse_relation(p);
        if (!join->join.right || parser_grow(p) < 0)
            return NULL;
        left = join;
    }
    return left;
}
