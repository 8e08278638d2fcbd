/* parser_type.c - type names: row(a int, b array(varchar)), timestamp(3) with time zone, array<bigint>,
 * bigint array. */
#include "query/sql/parser_internal.h"

typedef Vec(const TypeName *) TypeVec;
typedef Vec(Ident) IdentVec;

static TypeName *type_new(Parser *p, Str name, SqlPos pos)
{
    TypeName *type = arena_new_of(p->arena, TypeName);
    type->name = name;
    type->pos = pos;
    return type;
}

static void set_args(TypeName *type, TypeVec args)
{
    type->args = args.items;
    type->n_args = args.n;
}

bool is_interval_field(TokenKind kind)
{
    return kind == KW_YEAR || kind == KW_MONTH || kind == KW_DAY || kind == KW_HOUR || kind == KW_MINUTE ||
           kind == KW_SECOND;
}

/* Has the current token the start of a field's name, and not of its type? "row(a int)" against "row(int)". */
static bool is_named_field(const Parser *p)
{
    TokenKind first = peek(p, 0), second = peek(p, 1), third = peek(p, 2);
    if (!is_identifier_token(first) || !is_identifier_token(second))
        return false;
    bool type_ends = third == TOKEN_COMMA || third == TOKEN_RPAREN;
    if (first == KW_DOUBLE && second == KW_PRECISION)
        return !type_ends;
    if ((first == KW_TIMESTAMP || first == KW_TIME) && second == KW_WITHOUT)
        return third != KW_TIME;
    if (first == KW_INTERVAL && is_interval_field(second))
        return third != KW_TO && !type_ends;
    if (second == KW_ARRAY)                             /* "a array(int)" is a field, "int array" a type */
        return third == TOKEN_LPAREN || third == TOKEN_LT;
    return true;
}

static int parse_row_fields(Parser *p, TypeName *type)
{
    TypeVec types = { 0 };
    IdentVec names = { 0 };
    do {
        if (!is_identifier_token(peek(p, 0))) {
            note_expected(p, TOKEN_INTEGER);
            note_expected(p, EXPECT_TYPE);
            return syntax_error(p);
        }
        Ident *name = vec_push(p->arena, &names);
        *name = (Ident){ .text = STR_NULL };
        if (is_named_field(p) && parse_identifier(p, name) < 0)
            return -1;
        const TypeName *field = parse_type(p);
        if (!field)
            return -1;
        *vec_push(p->arena, &types) = field;
    } while (accept(p, TOKEN_COMMA));
    set_args(type, types);
    type->field_names = names.items;
    return expect(p, TOKEN_RPAREN);
}

static int push_number(Parser *p, TypeName *type)
{
    int64_t value;
    if (parse_integer_value(p, parser_token(p), false, &value) < 0)
        return -1;
    advance(p);
    int64_t *numbers = arena_array(p->arena, int64_t, type->n_numbers + 1);
    if (type->n_numbers)
        memcpy(numbers, type->numbers, type->n_numbers * sizeof *numbers);
    numbers[type->n_numbers++] = value;
    type->numbers = numbers;
    return 0;
}

enum { NUMBERS_MAX = 16 };       /* decimal has two; push_number copies */

/* '(' INTEGER or type, … ')' */
static int parse_type_parameters(Parser *p, TypeName *type)
{
    TypeVec args = { 0 };
    do {
        if (sees(p, TOKEN_INTEGER) && type->n_numbers < NUMBERS_MAX) {
            if (push_number(p, type) < 0)
                return -1;
        } else {
            const TypeName *arg = parse_type(p);
            if (!arg)
                return -1;
            *vec_push(p->arena, &args) = arg;
        }
    } while (accept(p, TOKEN_COMMA));
    set_args(type, args);
    return expect(p, TOKEN_RPAREN);
}

static int parse_angle_arguments(Parser *p, TypeName *type, size_t n)
{
    TypeVec args = { 0 };
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && expect(p, TOKEN_COMMA) < 0)
            return -1;
        const TypeName *arg = parse_type(p);
        if (!arg)
            return -1;
        *vec_push(p->arena, &args) = arg;
    }
    set_args(type, args);
    return expect(p, TOKEN_GT);
}

/* TIMESTAMP and TIME, after their word. */
static int parse_date_time(Parser *p, TypeName *type)
{
    if (accept(p, TOKEN_LPAREN)) {
        if (!sees(p, TOKEN_INTEGER)) {
            note_expected(p, EXPECT_TYPE);
            return syntax_error(p);
        }
        if (push_number(p, type) < 0 || expect(p, TOKEN_RPAREN) < 0)
            return -1;
    }
    bool with = is(p, KW_WITH) && peek(p, 1) == KW_TIME;
    if (with || (is(p, KW_WITHOUT) && peek(p, 1) == KW_TIME)) {
        advance(p);
        if (expect_all(p, KW_TIME, KW_ZONE) < 0)
            return -1;
    }
    if (with)
        type->name = arena_printf(p->arena, "%.*s with time zone", STR_ARG(type->name));
    return 0;
}

static bool accept_field(Parser *p, const TokenKind *fields, size_t n, Str *ret)
{
    for (size_t i = 0; i < n; i++) {
        *ret = arena_lower(p->arena, token_text(p, parser_token(p)));
        if (accept(p, fields[i]))
            return true;
    }
    return false;
}

int parse_interval_qualifier(Parser *p, Str *ret_from, Str *ret_to)
{
    static const TokenKind fields[] = { KW_YEAR, KW_MONTH, KW_DAY, KW_HOUR, KW_MINUTE, KW_SECOND };
    SqlPos pos = parser_pos(p);
    TokenKind from = peek(p, 0), to = peek(p, 2);
    *ret_to = STR("");
    if (!accept_field(p, fields, sizeof fields / sizeof *fields, ret_from))
        return syntax_error(p);
    /* Other pairs are left alone: "INTERVAL '1' SECOND TO" is a column named "to". */
    bool months = from == KW_YEAR && to == KW_MONTH;
    bool times = (from == KW_DAY || from == KW_HOUR || from == KW_MINUTE) &&
                 (to == KW_HOUR || to == KW_MINUTE || to == KW_SECOND);
    if (peek(p, 0) != KW_TO || !(months || times))
        return 0;
    advance(p);
    *ret_to = arena_lower(p->arena, token_text(p, parser_token(p)));
    advance(p);
    if (times && (from == to || (from == KW_MINUTE && to == KW_HOUR)))
        return parse_error(p, pos, "Invalid interval qualifier: %s TO %s",
                           from == KW_MINUTE ? "MINUTE" : "HOUR", to == KW_MINUTE ? "MINUTE" : "HOUR");
    return 0;
}

static TypeName *parse_interval_type(Parser *p, SqlPos pos)
{
    Str from, to;
    if (parse_interval_qualifier(p, &from, &to) < 0)
        return NULL;
    return type_new(p, to.len ? arena_printf(p->arena, "interval %.*s to %.*s", STR_ARG(from), STR_ARG(to))
                              : arena_printf(p->arena, "interval %.*s", STR_ARG(from)), pos);
}

static TypeName *parse_base_type(Parser *p)
{
    SqlPos pos = parser_pos(p);
    TokenKind kind = peek(p, 0), next = peek(p, 1);
    if (!is_identifier_token(kind)) {
        note_expected(p, EXPECT_TYPE);
        syntax_error(p);
        return NULL;
    }
    Ident name;
    if (parse_identifier(p, &name) < 0)
        return NULL;
    if (kind == KW_INTERVAL && is_interval_field(next))
        return parse_interval_type(p, pos);
    TypeName *type = type_new(p, arena_lower(p->arena, name.text), pos);
    int status = 0;
    if (kind == KW_ROW && accept(p, TOKEN_LPAREN)) {
        status = parse_row_fields(p, type);
    } else if (kind == KW_TIMESTAMP || kind == KW_TIME) {
        status = parse_date_time(p, type);
    } else if (kind == KW_DOUBLE && next == KW_PRECISION) {
        advance(p);
    } else if ((kind == KW_ARRAY || kind == KW_MAP) && next == TOKEN_LT) {
        advance(p);
        status = parse_angle_arguments(p, type, kind == KW_ARRAY ? 1 : 2);
    } else if (accept(p, TOKEN_LPAREN)) {
        status = parse_type_parameters(p, type);
    }
    return status < 0 ? NULL : type;
}

TypeName *parse_type(Parser *p)
{
    int saved;
    if (parser_enter(p, &saved) < 0)
        return NULL;
    TypeName *type = parse_base_type(p);
    while (type && accept(p, KW_ARRAY)) {
        const TypeName **element = arena_new_of(p->arena, const TypeName *);
        *element = type;
        type = type_new(p, STR("array"), type->pos);
        type->args = element;
        type->n_args = 1;
        if (parser_grow(p) < 0)
            return NULL;
        if (is(p, TOKEN_LBRACKET)) {                    /* "array[5]": the bound says nothing */
            advance(p);
            if (expect_all(p, TOKEN_INTEGER, TOKEN_RBRACKET) < 0)
                return NULL;
        }
    }
    parser_leave(p, saved);
    return type;
}
