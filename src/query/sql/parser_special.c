/* parser_special.c - expressions with a grammar of their own: CASE, CAST, EXTRACT, TRIM, LISTAGG,
 * JSON_VALUE …
 *
 * Some become calls, as in Trino: POSITION(a IN b) is strpos(b, a), TRIM(LEADING c FROM s) is ltrim(s, c). */
#include "query/sql/parser_internal.h"

typedef Vec(WhenClause) WhenVec;

/* ---- CASE ---- */

static bool starts_predicate(const Parser *p)
{
    TokenKind kind = peek(p, 0), next = peek(p, 1);
    if (kind == KW_NOT)
        return next == KW_BETWEEN || next == KW_IN || next == KW_LIKE;
    return (kind >= TOKEN_EQ && kind <= TOKEN_GE) || kind == KW_BETWEEN || kind == KW_IN || kind == KW_LIKE ||
           kind == KW_IS ||
           (kind == KW_MATCH && (next == TOKEN_LPAREN || next == KW_UNIQUE || next == KW_SIMPLE ||
                                 next == KW_PARTIAL || next == KW_FULL));
}

/* "CASE x WHEN IN (1, 2)": the operand is parsed again as the predicate's value, so that no node has two
 * parents. */
static Expr *parse_when_predicate(Parser *p, size_t operand_at)
{
    size_t here = p->at;
    int parameters = p->n_parameters;
    p->at = operand_at;
    Expr *operand = parse_expression(p);
    if (!operand)
        return NULL;
    if (p->n_parameters != parameters) {
        not_supported(p, operand->pos, "A parameter in the operand of a CASE with predicates");
        return NULL;
    }
    p->at = here;
    p->n_expected = 0;
    bool is_predicate;
    return parse_predicate(p, operand, &is_predicate);
}

/* Makes the searched form of a CASE of which some WHEN is a predicate. */
static int make_searched(Parser *p, Expr *e, size_t operand_at, const bool *is_predicate)
{
    size_t here = p->at;
    for (size_t i = 0; i < e->case_.n; i++) {
        if (is_predicate[i])
            continue;
        p->at = operand_at;
        Expr *equal = expr_new(p, EXPR_COMPARISON, e->case_.whens[i].condition->pos);
        equal->binary.op = OP_EQ;
        equal->binary.left = parse_expression(p);
        equal->binary.right = e->case_.whens[i].condition;
        if (!equal->binary.left)
            return -1;
        e->case_.whens[i].condition = equal;
    }
    p->at = here;
    p->n_expected = 0;
    e->kind = EXPR_CASE_SEARCHED;
    e->case_.operand = NULL;
    return 0;
}

Expr *parse_case(Parser *p)
{
    Expr *e = expr_new(p, EXPR_CASE_SEARCHED, parser_pos(p));
    advance(p);
    size_t operand_at = p->at;
    if (!sees(p, KW_WHEN)) {
        e->kind = EXPR_CASE_SIMPLE;
        e->case_.operand = parse_expression(p);
        if (!e->case_.operand)
            return NULL;
    }
    WhenVec whens = { 0 };
    Vec(bool) is_predicate = { 0 };
    bool any_predicate = false;
    if (!sees(p, KW_WHEN)) {
        syntax_error(p);
        return NULL;
    }
    while (accept(p, KW_WHEN)) {
        WhenClause when = { NULL, NULL };
        bool predicate = e->kind == EXPR_CASE_SIMPLE && starts_predicate(p);
        when.condition = predicate ? parse_when_predicate(p, operand_at) : parse_expression(p);
        if (!when.condition || expect(p, KW_THEN) < 0 || !(when.result = parse_expression(p)))
            return NULL;
        any_predicate |= predicate;
        *vec_push(p->arena, &is_predicate) = predicate;
        *vec_push(p->arena, &whens) = when;
    }
    e->case_.whens = whens.items;
    e->case_.n = whens.n;
    if (accept(p, KW_ELSE) && !(e->case_.otherwise = parse_expression(p)))
        return NULL;
    if (expect(p, KW_END) < 0 || (any_predicate && make_searched(p, e, operand_at, is_predicate.items) < 0))
        return NULL;
    return e;
}

/* ---- CAST, EXTRACT, POSITION, TRIM, NORMALIZE: each at its word, a '(' follows ---- */

static Expr *parse_cast(Parser *p)
{
    Expr *e = expr_new(p, EXPR_CAST, parser_pos(p));
    e->cast.is_try = is(p, KW_TRY_CAST);
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0 || !(e->cast.operand = parse_expression(p)) || expect(p, KW_AS) < 0 ||
        !(e->cast.type_name = parse_type(p)) || expect(p, TOKEN_RPAREN) < 0)
        return NULL;
    return e;
}

static Expr *parse_extract(Parser *p)
{
    static const char *const fields[] = {
        "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DAY_OF_MONTH", "DAY_OF_WEEK", "DOW", "DAY_OF_YEAR", "DOY",
        "YEAR_OF_WEEK", "YOW", "HOUR", "MINUTE", "SECOND", "TIMEZONE_MINUTE", "TIMEZONE_HOUR",
    };
    Expr *e = expr_new(p, EXPR_EXTRACT, parser_pos(p));
    Ident field;
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0 || parse_identifier(p, &field) < 0 || expect(p, KW_FROM) < 0 ||
        !(e->extract.operand = parse_value(p)) || expect(p, TOKEN_RPAREN) < 0)
        return NULL;
    e->extract.field = arena_lower(p->arena, field.text);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_eq_nocase(field.text, str_from(fields[i])))
            return e;
    parse_error(
        p, e->pos,
        "Invalid EXTRACT field %.*s, valid fields are: YEAR, QUARTER, MONTH, WEEK, DAY, DAY_OF_MONTH, "
        "DAY_OF_WEEK, DOW, DAY_OF_YEAR, DOY, YEAR_OF_WEEK, YOW, HOUR, MINUTE, SECOND, TIMEZONE_MINUTE, "
        "TIMEZONE_HOUR",
        STR_ARG(field.text));
    return NULL;
}

static Expr *parse_position(Parser *p)
{
    SqlPos pos = parser_pos(p);
    Expr *needle, *haystack;
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0 || !(needle = parse_value(p)) || expect(p, KW_IN) < 0 ||
        !(haystack = parse_value(p)) || expect(p, TOKEN_RPAREN) < 0)
        return NULL;
    return call_new(p, "strpos", pos, 2, haystack, needle);
}

static Expr *parse_trim(Parser *p)
{
    SqlPos pos = parser_pos(p);
    const char *name = "trim";
    Expr *characters = NULL, *source = NULL;
    bool sql_form = false;
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0)
        return NULL;
    TokenKind word = peek(p, 0), next = peek(p, 1);
    if ((word == KW_BOTH || word == KW_LEADING || word == KW_TRAILING) && next != TOKEN_RPAREN &&
        next != TOKEN_COMMA) {
        name = word == KW_BOTH ? "trim" : word == KW_LEADING ? "ltrim" : "rtrim";
        sql_form = true;
        advance(p);
    }
    if (!is(p, KW_FROM) && !(source = parse_value(p)))
        return NULL;
    if (accept(p, KW_FROM)) {
        characters = source;
        source = parse_value(p);
    } else if (sql_form) {
        syntax_error(p);
        return NULL;
    } else if (accept(p, TOKEN_COMMA)) {
        characters = parse_value(p);
        if (!characters)
            return NULL;
    }
    if (!source || expect(p, TOKEN_RPAREN) < 0)
        return NULL;
    return call_new(p, name, pos, 2, source, characters);
}

static Expr *parse_normalize(Parser *p)
{
    static const struct { TokenKind token; const char *name; } forms[] = {
        { KW_NFC, "NFC" }, { KW_NFD, "NFD" }, { KW_NFKC, "NFKC" }, { KW_NFKD, "NFKD" },
    };
    SqlPos pos = parser_pos(p);
    advance(p);
    Expr *value;
    if (expect(p, TOKEN_LPAREN) < 0 || !(value = parse_value(p)))
        return NULL;
    Expr *form = expr_new(p, EXPR_STRING, pos);
    form->text = STR("NFC");
    if (accept(p, TOKEN_COMMA)) {
        form->pos = parser_pos(p);
        size_t i = 0;
        while (i < sizeof forms / sizeof *forms && !accept(p, forms[i].token))
            i++;
        if (i == sizeof forms / sizeof *forms) {
            syntax_error(p);
            return NULL;
        }
        form->text = str_from(forms[i].name);
    }
    return expect(p, TOKEN_RPAREN) < 0 ? NULL : call_new(p, "normalize", pos, 2, value, form);
}

/* ---- LISTAGG ---- */

static int parse_overflow(Parser *p, Expr *e)
{
    if (expect(p, KW_OVERFLOW) < 0)
        return -1;
    if (accept(p, KW_ERROR))
        return 0;
    if (expect(p, KW_TRUNCATE) < 0)
        return -1;
    e->call.overflow_truncate = true;
    e->call.overflow_filler = STR_NULL;
    if ((is(p, TOKEN_STRING) || is(p, TOKEN_UNICODE_STRING)) && parse_string(p, &e->call.overflow_filler) < 0)
        return -1;
    e->call.overflow_count = accept(p, KW_WITH);
    if (!e->call.overflow_count && expect(p, KW_WITHOUT) < 0)
        return -1;
    return expect(p, KW_COUNT);
}

static Expr *parse_listagg(Parser *p)
{
    SqlPos pos = parser_pos(p);
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0)
        return NULL;
    bool distinct = accept(p, KW_DISTINCT);
    if (!distinct)
        accept(p, KW_ALL);
    Expr *separator = NULL, *value = parse_expression(p);
    if (!value)
        return NULL;
    if (accept(p, TOKEN_COMMA)) {
        separator = expr_new(p, EXPR_STRING, parser_pos(p));
        if (!is(p, TOKEN_STRING) && !is(p, TOKEN_UNICODE_STRING)) {
            note_expected(p, EXPECT_STRING);
            syntax_error(p);
            return NULL;
        }
        if (parse_string(p, &separator->text) < 0)
            return NULL;
    }
    Expr *e = call_new(p, "listagg", pos, 2, value, separator);
    e->call.distinct = distinct;
    if (accept(p, KW_ON) && parse_overflow(p, e) < 0)
        return NULL;
    if (expect_all(p, TOKEN_RPAREN, KW_WITHIN, KW_GROUP, TOKEN_LPAREN, KW_ORDER, KW_BY) < 0 ||
        parse_sort_items(p, &e->call.order_by, &e->call.n_order_by) < 0 || expect(p, TOKEN_RPAREN) < 0)
        return NULL;
    e->call.within_group = true;
    return parse_call_suffixes(p, e) < 0 ? NULL : e;
}

/* ---- constructors, subqueries, current values ---- */

static Expr *parse_row(Parser *p)
{
    Expr *e = expr_new(p, EXPR_ROW, parser_pos(p));
    Vec(Expr *) items = { 0 };
    Vec(Ident) names = { 0 };
    bool named = false;
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0)
        return NULL;
    do {
        Expr *item = parse_expression(p);
        Ident *name = vec_push(p->arena, &names);
        *name = (Ident){ .text = STR_NULL };
        if (!item)
            return NULL;
        *vec_push(p->arena, &items) = item;
        if (accept(p, KW_AS)) {
            named = true;
            if (parse_identifier(p, name) < 0)
                return NULL;
        }
    } while (accept(p, TOKEN_COMMA));
    e->row.items = items.items;
    e->row.n = items.n;
    e->row.names = named ? names.items : NULL;
    return expect(p, TOKEN_RPAREN) < 0 ? NULL : e;
}

static Expr *parse_array(Parser *p)
{
    Expr *e = expr_new(p, EXPR_ARRAY, parser_pos(p));
    if (is(p, KW_ARRAY))
        advance(p);
    advance(p);
    if (accept(p, TOKEN_RBRACKET))
        return e;
    if (parse_expression_list(p, &e->list.items, &e->list.n) < 0 || expect(p, TOKEN_RBRACKET) < 0)
        return NULL;
    return e;
}

static Expr *parse_exists(Parser *p)
{
    Expr *e = expr_new(p, is(p, KW_EXISTS) ? EXPR_EXISTS : EXPR_UNIQUE, parser_pos(p));
    advance(p);
    e->subquery.query = parse_query_in_parens(p);
    return e->subquery.query ? e : NULL;
}

static Expr *parse_grouping(Parser *p)
{
    Expr *e = expr_new(p, EXPR_GROUPING, parser_pos(p));
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0)
        return NULL;
    if (accept(p, TOKEN_RPAREN))
        return e;
    Vec(Expr *) items = { 0 };
    do {
        QualifiedName name;
        if (parse_qualified_name(p, &name) < 0)
            return NULL;
        Expr *item = expr_new(p, EXPR_IDENT, name.pos);
        item->ident = name.parts[0];
        for (size_t i = 1; i < name.n; i++) {
            Expr *base = item;
            item = expr_new(p, EXPR_DEREFERENCE, name.pos);
            item->dereference.base = base;
            item->dereference.field = name.parts[i];
            if (parser_grow(p) < 0)
                return NULL;
        }
        *vec_push(p->arena, &items) = item;
    } while (accept(p, TOKEN_COMMA));
    e->list.items = items.items;
    e->list.n = items.n;
    return expect(p, TOKEN_RPAREN) < 0 ? NULL : e;
}

static Expr *parse_current(Parser *p)
{
    TokenKind word = peek(p, 0);
    Expr *e = expr_new(p, EXPR_CURRENT, parser_pos(p));
    e->current.name = arena_lower(p->arena, token_text(p, parser_token(p)));
    e->current.precision = -1;
    advance(p);
    bool has_precision = word == KW_CURRENT_TIME || word == KW_CURRENT_TIMESTAMP || word == KW_LOCALTIME ||
                         word == KW_LOCALTIMESTAMP;
    if (!has_precision || !accept(p, TOKEN_LPAREN))
        return e;
    int64_t precision;
    if (!sees(p, TOKEN_INTEGER)) {
        syntax_error(p);
        return NULL;
    }
    if (parse_integer_value(p, parser_token(p), false, &precision) < 0)
        return NULL;
    e->current.precision = precision > 1000 ? 1000 : (int)precision;
    advance(p);
    return expect(p, TOKEN_RPAREN) < 0 ? NULL : e;
}

typedef struct SpecialForm {
    TokenKind word, next;        /* next: what must follow, TOKEN_EOF: anything */
    Expr *(*parse)(Parser *p);
} SpecialForm;

static const SpecialForm special_forms[] = {
    { KW_CASE, TOKEN_EOF, parse_case },
    { KW_CAST, TOKEN_EOF, parse_cast },
    { KW_TRY_CAST, TOKEN_LPAREN, parse_cast },
    { KW_EXTRACT, TOKEN_EOF, parse_extract },
    { KW_POSITION, TOKEN_LPAREN, parse_position },
    { KW_TRIM, TOKEN_EOF, parse_trim },
    { KW_NORMALIZE, TOKEN_EOF, parse_normalize },
    { KW_LISTAGG, TOKEN_EOF, parse_listagg },
    { KW_ROW, TOKEN_LPAREN, parse_row },
    { KW_ARRAY, TOKEN_LBRACKET, parse_array },
    { TOKEN_LBRACKET, TOKEN_EOF, parse_array },
    { KW_EXISTS, TOKEN_EOF, parse_exists },
    { KW_UNIQUE, TOKEN_LPAREN, parse_exists },
    { KW_GROUPING, TOKEN_EOF, parse_grouping },
    { KW_CURRENT_DATE, TOKEN_EOF, parse_current },
    { KW_CURRENT_TIME, TOKEN_EOF, parse_current },
    { KW_CURRENT_TIMESTAMP, TOKEN_EOF, parse_current },
    { KW_LOCALTIME, TOKEN_EOF, parse_current },
    { KW_LOCALTIMESTAMP, TOKEN_EOF, parse_current },
    { KW_CURRENT_USER, TOKEN_EOF, parse_current },
    { KW_CURRENT_CATALOG, TOKEN_EOF, parse_current },
    { KW_CURRENT_SCHEMA, TOKEN_EOF, parse_current },
    { KW_CURRENT_PATH, TOKEN_EOF, parse_current },
    { KW_JSON_EXISTS, TOKEN_EOF, parse_json_function },
    { KW_JSON_VALUE, TOKEN_EOF, parse_json_function },
    { KW_JSON_QUERY, TOKEN_EOF, parse_json_function },
    { KW_JSON_OBJECT, TOKEN_EOF, parse_json_function },
    { KW_JSON_ARRAY, TOKEN_EOF, parse_json_function },
};

Expr *parse_special_form(Parser *p, bool *ret_is_special)
{
    TokenKind word = peek(p, 0);
    *ret_is_special = false;
    if (!token_is_keyword(word) && word != TOKEN_LBRACKET)
        return NULL;
    for (size_t i = 0; i < sizeof special_forms / sizeof *special_forms; i++) {
        const SpecialForm *form = &special_forms[i];
        if (form->word != word || (form->next != TOKEN_EOF && peek(p, 1) != form->next))
            continue;
        *ret_is_special = true;
        return form->parse(p);
    }
    return NULL;
}
