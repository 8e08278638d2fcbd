/* parser_util.c - tokens, notes of what was expected, errors, names and the values of literals. */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "query/sql/parser_internal.h"

enum { SMALL_TEXT = 4096 }; /* up to here a token a byte is reserved, beyond it tokens are counted first */

/* ---- tokens ---- */

static size_t count_tokens(Str text)
{
    size_t n = 1;
    Lexer lexer = lexer_at(text, 1, 1);
    while (lexer_next(&lexer).kind != TOKEN_EOF)
        n++;
    return n;
}

static void link_parentheses(Parser *p)
{
    /* The open ones form a stack through their own `match`. */
    uint32_t top = UINT32_MAX;
    for (size_t i = 0; i < p->n_tokens; i++) {
        Token *t = &p->tokens[i];
        if (t->kind == TOKEN_LPAREN) {
            t->match = top;
            top = (uint32_t)i;
        } else if (t->kind == TOKEN_RPAREN && top != UINT32_MAX) {
            uint32_t open = top;
            top = p->tokens[open].match;
            p->tokens[open].match = (uint32_t)i;
            t->match = open;
        }
    }
    while (top != UINT32_MAX) {
        uint32_t open = top;
        top = p->tokens[open].match;
        p->tokens[open].match = 0;
    }
}

int parser_init(Parser *p, Str text, int line, int column, Arena *arena, Error *err)
{
    *p = (Parser){ .arena = arena, .err = err };
    if (text.len > LIMIT_SQL_BYTES)
        return err_set(err, ERR_QUERY_TEXT_TOO_LARGE,
                       "Query text length (%zu) exceeds the maximum length (%d)", text.len, LIMIT_SQL_BYTES);
    p->text = arena_str(arena, text);
    size_t capacity = text.len <= SMALL_TEXT ? text.len + 1 : count_tokens(p->text);
    p->tokens = arena_try(arena, capacity * sizeof *p->tokens, err);
    if (!p->tokens)
        return -1;
    Lexer lexer = lexer_at(p->text, line, column);
    do {
        assert(p->n_tokens < capacity);
        p->tokens[p->n_tokens] = lexer_next(&lexer);
    } while (p->tokens[p->n_tokens++].kind != TOKEN_EOF);
    if (p->n_tokens > 1 && p->tokens[p->n_tokens - 2].kind == TOKEN_SEMICOLON) {
        p->n_tokens--;
        p->tokens[p->n_tokens - 1].kind = TOKEN_EOF;
        p->tokens[p->n_tokens - 1].len = 0;
    }
    link_parentheses(p);
    return 0;
}

Str token_text(const Parser *p, const Token *token) { return str_of(p->text.ptr + token->start, token->len); }

void advance(Parser *p)
{
    if (p->at + 1 < p->n_tokens)
        p->at++;
    p->n_expected = 0;
}

void note_expected(Parser *p, int what)
{
    if (p->n_expected < EXPECTED_MAX)
        p->expected[p->n_expected++] = what;
}

bool sees(Parser *p, TokenKind kind)
{
    if (is(p, kind))
        return true;
    note_expected(p, kind);
    return false;
}

bool accept(Parser *p, TokenKind kind)
{
    if (!sees(p, kind))
        return false;
    advance(p);
    return true;
}

int expect(Parser *p, TokenKind kind) { return accept(p, kind) ? 0 : syntax_error(p); }

bool accept_words(Parser *p, TokenKind first, TokenKind second)
{
    if (!is(p, first) || peek(p, 1) != second) {
        note_expected(p, first);
        return false;
    }
    advance(p);
    advance(p);
    return true;
}

int expect_words(Parser *p, const TokenKind *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (expect(p, words[i]) < 0)
            return -1;
    return 0;
}

bool is_identifier_token(TokenKind kind)
{
    return (kind >= TOKEN_IDENT && kind <= TOKEN_DIGIT_IDENT) ||
           (token_is_keyword(kind) && !keyword_is_reserved(kind));
}

Str text_between(const Parser *p, size_t first_token, size_t end_token)
{
    if (first_token >= end_token)
        return STR("");
    const Token *last = &p->tokens[end_token - 1];
    return str_slice(p->text, p->tokens[first_token].start, last->start + last->len);
}

/* ---- errors ---- */

static const char *expected_display(int what)
{
    static const char *const rules[] = { "<expression>", "<identifier>", "<query>",
                                         "<type>",       "<string>",     "<predicate>" };
    return what < SQL_EXPECT_FIRST ? token_display((TokenKind)what) : rules[what - SQL_EXPECT_FIRST];
}

static int compare_displays(const void *a, const void *b)
{
    return strcmp(expected_display(*(const int *)a), expected_display(*(const int *)b));
}

int syntax_error(Parser *p)
{
    _cleanup_buf_ Buf list = BUF_INIT(ERROR_MESSAGE_MAX);
    qsort(p->expected, p->n_expected, sizeof *p->expected, compare_displays);
    const char *last = "";
    for (size_t i = 0; i < p->n_expected; i++) {
        const char *display = expected_display(p->expected[i]);
        if (strcmp(display, last) != 0)
            buf_printf(&list, "%s%s", list.len ? ", " : "", display);
        last = display;
    }
    const Token *token = parser_token(p);
    Str found = token->kind == TOKEN_EOF ? STR("<EOF>") : token_text(p, token);
    return parse_error(p, parser_pos(p), "mismatched input '%.*s'. Expecting: %.*s", STR_ARG(found),
                       STR_ARG(buf_str(&list)));
}

int not_supported(Parser *p, SqlPos pos, const char *what)
{
    return err_set_sql(p->err, ERR_NOT_SUPPORTED, pos.line, pos.column, "%s is not supported", what);
}

static int too_large(Parser *p)
{
    return parse_error(p, ((SqlPos){ 1, 1 }), "statement is too large (stack overflow while parsing)");
}

int parser_enter(Parser *p, int *ret_saved)
{
    if (p->depth >= SQL_DEPTH_MAX)
        return too_large(p);
    if (arena_check(p->arena, p->err) < 0)
        return -1;
    p->depth++;
    *ret_saved = p->height;
    p->height = 0;
    return 0;
}

void parser_leave(Parser *p, int saved)
{
    p->depth--;
    int own = p->height + 1;
    p->height = own > saved ? own : saved;
}

int parser_grow(Parser *p)
{
    if (++p->height > SQL_HEIGHT_MAX)
        return too_large(p);
    return arena_check(p->arena, p->err);
}

/* ---- names ---- */

/* The text of a quoted run without its quotes, doubled ones made single. */
static Str unquote(Parser *p, Str quoted)
{
    char quote = quoted.ptr[0];
    Str inner = str_slice(quoted, 1, quoted.len - 1);
    if (str_find_char(inner, quote) < 0)
        return inner;
    char *out = arena_alloc(p->arena, inner.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < inner.len; i++) {
        out[n++] = inner.ptr[i];
        if (inner.ptr[i] == quote)
            i++;
    }
    return str_of(out, n);
}

Ident ident_of(Parser *p, const Token *token)
{
    Str text = token_text(p, token);
    bool quoted = token->kind == TOKEN_QUOTED;
    return (Ident){ .text = quoted ? unquote(p, text) : text, .quoted = quoted,
                    .pos = { (int)token->line, (int)token->column } };
}

int parse_identifier(Parser *p, Ident *ret)
{
    const Token *token = parser_token(p);
    if (!is_identifier_token(token->kind)) {
        note_expected(p, EXPECT_IDENTIFIER);
        return syntax_error(p);
    }
    if (token->kind == TOKEN_BACKQUOTED)
        return parse_error(
            p, parser_pos(p),
            "backquoted identifiers are not supported; use double quotes to quote identifiers");
    if (token->kind == TOKEN_DIGIT_IDENT)
        return parse_error(
            p, parser_pos(p),
            "identifiers must not start with a digit; surround the identifier with double quotes");
    *ret = ident_of(p, token);
    if (ret->text.len == 0)
        return parse_error(p, parser_pos(p), "Zero-length delimited identifier not allowed");
    advance(p);
    return 0;
}

int parse_qualified_name(Parser *p, QualifiedName *ret)
{
    Vec(Ident) parts = { 0 };
    SqlPos pos = parser_pos(p);
    do {
        if (arena_check(p->arena, p->err) < 0 || parse_identifier(p, vec_push(p->arena, &parts)) < 0)
            return -1;
    } while (accept(p, TOKEN_DOT));
    *ret = (QualifiedName){ .parts = parts.items, .n = parts.n, .pos = pos };
    return 0;
}

int parse_identifier_list(Parser *p, const Ident **ret, size_t *ret_n)
{
    Vec(Ident) names = { 0 };
    if (expect(p, TOKEN_LPAREN) < 0)
        return -1;
    do {
        if (arena_check(p->arena, p->err) < 0 || parse_identifier(p, vec_push(p->arena, &names)) < 0)
            return -1;
    } while (accept(p, TOKEN_COMMA));
    *ret = names.items;
    *ret_n = names.n;
    return expect(p, TOKEN_RPAREN);
}

/* ---- values of literals ---- */

static bool is_hex_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int hex_digit(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

/* U&'…' : \XXXX and \+XXXXXX with the escape character. */
static int decode_unicode(Parser *p, Str raw, char escape, SqlPos pos, Str *ret)
{
    char *out = arena_alloc(p->arena, raw.len + 1);     /* never longer than the escapes */
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] != escape) {
            out[n++] = raw.ptr[i];
            continue;
        }
        size_t from = i + 1;
        if (from >= raw.len)
            return parse_error(p, pos, "Incomplete escape sequence: ");
        if (raw.ptr[from] == escape) {
            out[n++] = escape;
            i++;
            continue;
        }
        size_t need = 4;
        if (raw.ptr[from] == '+') {
            need = 6;
            from++;
        } else if (!is_hex_digit(raw.ptr[from])) {
            return parse_error(p, pos, "Invalid hexadecimal digit: %c", raw.ptr[from]);
        }
        uint32_t code_point = 0;
        for (size_t k = 0; k < need; k++) {
            if (from + k >= raw.len || !is_hex_digit(raw.ptr[from + k]))
                return parse_error(p, pos, "Incomplete escape sequence: %.*s",
                                   STR_ARG(str_slice(raw, from, from + k)));
            code_point = code_point * 16 + (uint32_t)hex_digit(raw.ptr[from + k]);
        }
        Str digits = str_slice(raw, from, from + need);
        if (code_point > 0x10FFFF)
            return parse_error(p, pos, "Invalid escaped character: %.*s", STR_ARG(digits));
        if (code_point >= 0xD800 && code_point <= 0xDFFF)
            return parse_error(p, pos, "Invalid escaped character: %.*s. Escaped character is a surrogate. "
                               "Use '\\+123456' instead.", STR_ARG(digits));
        n += utf8_encode(code_point, out + n);
        i = from + need - 1;
    }
    *ret = str_of(out, n);
    return 0;
}

static int parse_unicode_string(Parser *p, Str *ret)
{
    SqlPos pos = parser_pos(p);
    Str token = token_text(p, parser_token(p));
    advance(p);
    char escape = '\\';
    if (is(p, KW_UESCAPE)) {
        advance(p);
        if (!sees(p, TOKEN_STRING))
            return syntax_error(p);
        Str text = unquote(p, token_text(p, parser_token(p)));
        advance(p);
        if (text.len == 0)
            return parse_error(p, pos, "Empty Unicode escape character");
        if (text.len != 1 || text.ptr[0] <= 0x20 || text.ptr[0] >= 0x7F || is_hex_digit(text.ptr[0]) ||
            text.ptr[0] == '"' || text.ptr[0] == '+' || text.ptr[0] == '\'')
            return parse_error(p, pos, "Invalid Unicode escape character: %.*s", STR_ARG(text));
        escape = text.ptr[0];
    }
    return decode_unicode(p, unquote(p, str_slice(token, 2, token.len)), escape, pos, ret);
}

int parse_string(Parser *p, Str *ret)
{
    if (is(p, TOKEN_UNICODE_STRING))
        return parse_unicode_string(p, ret);
    if (!sees(p, TOKEN_STRING))
        return syntax_error(p);
    *ret = unquote(p, token_text(p, parser_token(p)));
    advance(p);
    return 0;
}

int parse_optional_string(Parser *p, TokenKind word, Str *ret)
{
    return accept(p, word) ? parse_string(p, ret) : 0;
}

int decode_binary(Parser *p, const Token *token, Str *ret)
{
    SqlPos pos = { (int)token->line, (int)token->column };
    Str text = token_text(p, token);
    Str digits = str_slice(text, 2, text.len - 1);
    uint8_t *out = arena_alloc(p->arena, digits.len / 2 + 1);
    size_t n = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[i];
        if (c == ' ' || (c >= '\t' && c <= '\r'))
            continue;
        if (!is_hex_digit(c))
            return parse_error(p, pos, "Binary literal can only contain hexadecimal digits");
        out[n / 2] = (uint8_t)(out[n / 2] << 4 | hex_digit(c));
        n++;
    }
    if (n % 2)
        return parse_error(p, pos, "Binary literal must contain an even number of digits");
    *ret = str_of((const char *)out, n / 2);
    return 0;
}

int parse_integer_value(Parser *p, const Token *token, bool negative, int64_t *ret)
{
    Str text = token_text(p, token);
    unsigned base = 10;
    size_t i = 0;
    if (text.len > 2 && text.ptr[0] == '0' && text.ptr[1] > '9' && text.ptr[1] != '_') {
        base = (text.ptr[1] | 0x20) == 'x' ? 16 : (text.ptr[1] | 0x20) == 'o' ? 8 : 2;
        i = 2;
    }
    uint64_t value = 0;
    uint64_t limit = (uint64_t)INT64_MAX + negative;
    for (; i < text.len; i++) {
        if (text.ptr[i] == '_')
            continue;
        unsigned digit = (unsigned)hex_digit(text.ptr[i]);
        if (value > (limit - digit) / base) {
            const Token *first = negative ? token - 1 : token;
            return parse_error(p, ((SqlPos){ (int)first->line, (int)first->column }),
                               "Invalid numeric literal: %s%.*s", negative ? "-" : "", STR_ARG(text));
        }
        value = value * base + digit;
    }
    *ret = (int64_t)(negative ? 0 - value : value);
    return 0;
}

/* ---- lookahead ---- */

static bool is_query_word(TokenKind kind)
{
    return kind == KW_SELECT || kind == KW_VALUES || kind == KW_TABLE || kind == KW_WITH;
}

static bool continues_query(TokenKind kind)
{
    return kind == KW_UNION || kind == KW_INTERSECT || kind == KW_EXCEPT || kind == KW_ORDER ||
           kind == KW_LIMIT || kind == KW_OFFSET || kind == KW_FETCH;
}

bool is_query_in_parens(const Parser *p, size_t open)
{
    /* "((SELECT 1) UNION …)" is a query, "((SELECT 1) + 1)" is not: what follows the inner group decides. */
    for (size_t nested = 0; nested < SQL_DEPTH_MAX; nested++, open++) {
        TokenKind first = p->tokens[open + 1].kind;
        if (first != TOKEN_LPAREN)
            return is_query_word(first);
        size_t inner_close = p->tokens[open + 1].match;
        if (inner_close == 0)
            continue;
        bool whole = inner_close + 1 == p->tokens[open].match;
        if (!whole && !continues_query(p->tokens[inner_close + 1].kind))
            return false;
    }
    return false;
}

bool starts_query(const Parser *p)
{
    return is_query_word(peek(p, 0)) || (is(p, TOKEN_LPAREN) && is_query_in_parens(p, p->at));
}
