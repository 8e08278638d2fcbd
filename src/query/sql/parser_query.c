/* parser_query.c - queries: WITH, SELECT, set operations, GROUP BY, WINDOW, ORDER BY, OFFSET, LIMIT, FETCH
 * FIRST. */
#include "query/sql/parser_internal.h"

static QueryBody *body_new(Parser *p, QueryBodyKind kind, SqlPos pos)
{
    QueryBody *body = arena_new_of(p->arena, QueryBody);
    body->kind = kind;
    body->pos = pos;
    return body;
}

/* ---- the select list ---- */

static int parse_select_item(Parser *p, SelectItem *item)
{
    *item = (SelectItem){ .expr = NULL };
    SqlPos pos = parser_pos(p);
    if (accept(p, TOKEN_STAR)) {
        item->expr = expr_new(p, EXPR_STAR, pos);
        return 0;
    }
    p->star_base = NULL;
    item->expr = parse_expression(p);
    if (!item->expr)
        return -1;
    if (is(p, TOKEN_DOT) && p->star_base == item->expr) {
        advance(p);
        if (expect(p, TOKEN_STAR) < 0)
            return -1;
        item->star_base = item->expr;
        item->expr = expr_new(p, EXPR_STAR, pos);
        return accept(p, KW_AS) ? parse_identifier_list(p, &item->star_aliases, &item->n_star_aliases) : 0;
    }
    if (accept(p, KW_AS))
        return parse_identifier(p, &item->alias);
    if (is_alias_token(p))
        return parse_identifier(p, &item->alias);
    note_expected(p, EXPECT_IDENTIFIER);
    return 0;
}

static int parse_select_items(Parser *p, QuerySpec *spec)
{
    Vec(SelectItem) items = { 0 };
    do {
        SelectItem item;
        if (arena_check(p->arena, p->err) < 0 || parse_select_item(p, &item) < 0)
            return -1;
        *vec_push(p->arena, &items) = item;
    } while (accept(p, TOKEN_COMMA));
    spec->items = items.items;
    spec->n_items = items.n;
    return 0;
}

/* ---- GROUP BY ---- */

typedef struct GroupingSet GroupingSet;
typedef Vec(GroupingSet) SetVec;

/* After the parenthesis: does the expression go on? "(a + b) * 2" against "(a, b), c". */
static bool continues_expression(TokenKind kind)
{
    return (kind >= TOKEN_EQ && kind <= TOKEN_ARROW) || kind == TOKEN_DOT || kind == TOKEN_LBRACKET ||
           kind == KW_AND || kind == KW_OR || kind == KW_IS || kind == KW_IN || kind == KW_LIKE ||
           kind == KW_BETWEEN || kind == KW_NOT || kind == KW_AT;
}

static int parse_grouping_set(Parser *p, GroupingSet *set)
{
    *set = (GroupingSet){ NULL, 0 };
    size_t close = is(p, TOKEN_LPAREN) ? parser_token(p)->match : 0;
    if (close && !is_query_in_parens(p, p->at) && !continues_expression(p->tokens[close + 1].kind)) {
        advance(p);
        if (accept(p, TOKEN_RPAREN))
            return 0;
        return parse_expression_list(p, &set->items, &set->n) < 0 ? -1 : expect(p, TOKEN_RPAREN);
    }
    set->items = arena_new_of(p->arena, Expr *);
    set->n = 1;
    set->items[0] = parse_expression(p);
    return set->items[0] ? 0 : -1;
}

static int parse_grouping_sets(Parser *p, GroupingElement *element)
{
    SetVec sets = { 0 };
    if (expect(p, TOKEN_LPAREN) < 0)
        return -1;
    if (element->kind == GROUPING_SETS || !accept(p, TOKEN_RPAREN)) {
        do {
            if (parse_grouping_set(p, vec_push(p->arena, &sets)) < 0)
                return -1;
        } while (accept(p, TOKEN_COMMA));
        if (expect(p, TOKEN_RPAREN) < 0)
            return -1;
    }
    element->sets = sets.items;
    element->n_sets = sets.n;
    return 0;
}

static int parse_grouping_element(Parser *p, GroupingElement *element)
{
    *element = (GroupingElement){ .kind = GROUPING_SIMPLE, .pos = parser_pos(p) };
    if (accept(p, KW_ROLLUP)) {
        element->kind = GROUPING_ROLLUP;
        return parse_grouping_sets(p, element);
    }
    if (accept(p, KW_CUBE)) {
        element->kind = GROUPING_CUBE;
        return parse_grouping_sets(p, element);
    }
    if (accept_words(p, KW_GROUPING, KW_SETS)) {
        element->kind = GROUPING_SETS;
        return parse_grouping_sets(p, element);
    }
    element->sets = arena_new_of(p->arena, GroupingSet);
    element->n_sets = 1;
    return parse_grouping_set(p, element->sets);
}

static int parse_group_by(Parser *p, QuerySpec *spec)
{
    spec->has_group_by = true;
    if (expect(p, KW_BY) < 0)
        return -1;
    TokenKind next = peek(p, 1);
    if (accept(p, KW_DISTINCT))
        spec->group_distinct = true;
    else if (is(p, KW_ALL) && !continues_expression(next) && next != TOKEN_COMMA && next != TOKEN_EOF)
        advance(p);
    Vec(GroupingElement) groups = { 0 };
    do {
        next = peek(p, 1);
        if (is(p, KW_AUTO) && !spec->group_auto && !continues_expression(next) && next != TOKEN_LPAREN) {
            spec->group_auto = true;
            advance(p);
            continue;
        }
        if (arena_check(p->arena, p->err) < 0 || parse_grouping_element(p, vec_push(p->arena, &groups)) < 0)
            return -1;
    } while (accept(p, TOKEN_COMMA));
    spec->groups = groups.items;
    spec->n_groups = groups.n;
    return 0;
}

/* ---- SELECT ---- */

static int parse_windows(Parser *p, QuerySpec *spec)
{
    Vec(NamedWindow) windows = { 0 };
    do {
        NamedWindow *named = vec_push(p->arena, &windows);
        *named = (NamedWindow){ .window = arena_new_of(p->arena, Window) };
        if (parse_identifier(p, &named->name) < 0 || expect(p, KW_AS) < 0)
            return -1;
        named->window->pos = parser_pos(p);
        if (expect(p, TOKEN_LPAREN) < 0 || parse_window_spec(p, named->window) < 0)
            return -1;
    } while (accept(p, TOKEN_COMMA));
    spec->windows = windows.items;
    spec->n_windows = windows.n;
    return 0;
}

static QueryBody *parse_select(Parser *p)
{
    QueryBody *body = body_new(p, BODY_SELECT, parser_pos(p));
    QuerySpec *spec = arena_new_of(p->arena, QuerySpec);
    body->select = spec;
    spec->pos = body->pos;
    advance(p);
    if (accept(p, KW_DISTINCT)) {
        spec->distinct = true;
    } else if (is(p, KW_ALL) && peek(p, 1) != TOKEN_COMMA && peek(p, 1) != KW_FROM &&
               peek(p, 1) != TOKEN_EOF) {
        advance(p);
    } else {
        note_expected(p, KW_ALL);
    }
    if (parse_select_items(p, spec) < 0)
        return NULL;
    if (accept(p, KW_FROM) && !(spec->from = parse_relation_list(p)))
        return NULL;
    if (accept(p, KW_WHERE) && !(spec->where = parse_expression(p)))
        return NULL;
    if (accept(p, KW_GROUP) && parse_group_by(p, spec) < 0)
        return NULL;
    if (accept(p, KW_HAVING) && !(spec->having = parse_expression(p)))
        return NULL;
    if (accept(p, KW_WINDOW) && parse_windows(p, spec) < 0)
        return NULL;
    return body;
}

Relation *parse_values(Parser *p)
{
    Relation *relation = relation_new(p, REL_VALUES, parser_pos(p));
    advance(p);
    return parse_expression_list(p, &relation->values.rows, &relation->values.n) < 0 ? NULL : relation;
}

static QueryBody *parse_table(Parser *p)
{
    QueryBody *body = body_new(p, BODY_TABLE, parser_pos(p));
    advance(p);
    body->relation = relation_new(p, REL_TABLE, body->pos);
    return parse_qualified_name(p, &body->relation->table.name) < 0 ? NULL : body;
}

static QueryBody *parse_body_primary(Parser *p)
{
    SqlPos pos = parser_pos(p);
    QueryBody *body;
    switch (peek(p, 0)) {
    case KW_SELECT:
        return parse_select(p);
    case KW_TABLE:
        return parse_table(p);
    case KW_VALUES:
        body = body_new(p, BODY_VALUES, pos);
        body->relation = parse_values(p);
        return body->relation ? body : NULL;
    case TOKEN_LPAREN:
        body = body_new(p, BODY_PARENTHESIZED, pos);
        body->query = parse_query_in_parens(p);
        return body->query ? body : NULL;
    default:
        note_expected(p, EXPECT_QUERY);
        syntax_error(p);
        return NULL;
    }
}

/* ---- set operations: INTERSECT binds tighter ---- */

static const struct { TokenKind token; SetOperation op; int precedence; } set_operations[] = {
    { KW_UNION, SET_UNION, 1 }, { KW_EXCEPT, SET_EXCEPT, 1 }, { KW_INTERSECT, SET_INTERSECT, 2 },
};

static int find_set_operation(Parser *p, int minimum)
{
    for (size_t i = 0; i < sizeof set_operations / sizeof *set_operations; i++)
        if (set_operations[i].precedence >= minimum && sees(p, set_operations[i].token))
            return (int)i;
    return -1;
}

static QueryBody *parse_body(Parser *p, int minimum)
{
    QueryBody *left = parse_body_primary(p);
    while (left) {
        int i = find_set_operation(p, minimum);
        if (i < 0)
            return left;
        SqlPos word = parser_pos(p);           /* where Trino reports errors about it */
        advance(p);
        QueryBody *body = body_new(p, BODY_SET_OPERATION, word);
        body->set.op = set_operations[i].op;
        body->set.left = left;
        body->set.all = accept(p, KW_ALL);
        if (!body->set.all)
            accept(p, KW_DISTINCT);
        if (accept(p, KW_CORRESPONDING)) {
            body->set.corresponding = true;
            if (accept(p, KW_BY) && parse_identifier_list(p, &body->set.by, &body->set.n_by) < 0)
                return NULL;
        }
        body->set.right = parse_body(p, set_operations[i].precedence + 1);
        if (!body->set.right || parser_grow(p) < 0)
            return NULL;
        left = body;
    }
    return NULL;
}

/* ---- the whole query ---- */

static int parse_fetch(Parser *p, Query *query)
{
    query->fetch_first = true;
    if (!accept(p, KW_FIRST) && expect(p, KW_NEXT) < 0)
        return -1;
    SqlPos pos = parser_pos(p);
    if (is(p, KW_ROW) || is(p, KW_ROWS)) {                  /* "FETCH FIRST ROW ONLY" is one row */
        query->limit = expr_new(p, EXPR_INTEGER, pos);
        query->limit->integer.value = 1;
        query->limit->integer.text = STR("1");
    } else if (!(query->limit = parse_integer_or_parameter(p))) {
        return -1;
    }
    if (!accept(p, KW_ROW) && expect(p, KW_ROWS) < 0)
        return -1;
    if (accept(p, KW_ONLY))
        return 0;
    query->with_ties = true;
    return expect_all(p, KW_WITH, KW_TIES);
}

int parse_query_rest(Parser *p, Query *query)
{
    query->body = parse_body(p, 1);
    if (!query->body)
        return -1;
    if (accept(p, KW_ORDER) &&
        (expect(p, KW_BY) < 0 || parse_sort_items(p, &query->order_by, &query->n_order_by) < 0))
        return -1;
    if (accept(p, KW_OFFSET)) {
        query->offset = parse_integer_or_parameter(p);
        if (!query->offset)
            return -1;
        if (!accept(p, KW_ROW))
            accept(p, KW_ROWS);
    }
    if (accept(p, KW_LIMIT)) {
        if (accept(p, KW_ALL)) {
            query->limit_all = true;
            return 0;
        }
        query->limit = parse_integer_or_parameter(p);
        return query->limit ? 0 : -1;
    }
    return accept(p, KW_FETCH) ? parse_fetch(p, query) : 0;
}

int parse_with_clause(Parser *p, Query *query)
{
    Vec(NamedQuery *) with = { 0 };
    query->recursive = is(p, KW_RECURSIVE);
    if (query->recursive)
        advance(p);
    do {
        NamedQuery *named = arena_new_of(p->arena, NamedQuery);
        if (parse_identifier(p, &named->name) < 0)
            return -1;
        if (sees(p, TOKEN_LPAREN) && parse_identifier_list(p, &named->columns, &named->n_columns) < 0)
            return -1;
        if (expect(p, KW_AS) < 0)
            return -1;
        named->query = parse_query_in_parens(p);
        if (!named->query)
            return -1;
        *vec_push(p->arena, &with) = named;
    } while (accept(p, TOKEN_COMMA));
    query->with = with.items;
    query->n_with = with.n;
    return 0;
}

Query *parse_query(Parser *p)
{
    int saved;
    if (parser_enter(p, &saved) < 0)
        return NULL;
    Query *query = arena_new_of(p->arena, Query);
    query->pos = parser_pos(p);
    if (accept(p, KW_WITH) && parse_with_clause(p, query) < 0)
        return NULL;
    if (parse_query_rest(p, query) < 0)
        return NULL;
    parser_leave(p, saved);
    return query;
}

Query *parse_query_in_parens(Parser *p)
{
    if (expect(p, TOKEN_LPAREN) < 0)
        return NULL;
    Query *query = parse_query(p);
    return query && expect(p, TOKEN_RPAREN) == 0 ? query : NULL;
}
