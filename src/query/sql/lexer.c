/* lexer.c - Trino's lexical rules by hand. The longest match wins, as in the grammar that this follows:
 * "1e5" is a number and not a name that starts with a digit, "1e5x" is the latter. */
#include "query/sql/lexer.h"

#include <stdlib.h>

#include "query/sql/parser.h"

static const struct { const char *word, *display; uint8_t len; bool reserved; } keywords[] = {
#define K(word, reserved) { #word, "'" #word "'", sizeof #word - 1, reserved },
#include "query/sql/keywords.def"
#undef K
};
enum { KEYWORD_COUNT = sizeof keywords / sizeof *keywords, KEYWORD_LEN_MAX = 24 };

const char *const sql_keywords[] = {
#define K(word, reserved) #word,
#include "query/sql/keywords.def"
#undef K
    NULL,
};

static const char *const displays[TOKEN_FIRST_KEYWORD_ + 1] = {
    [TOKEN_EOF] = "<EOF>",
    [TOKEN_IDENT] = "<identifier>",
    [TOKEN_QUOTED] = "<identifier>",
    [TOKEN_BACKQUOTED] = "<identifier>",
    [TOKEN_DIGIT_IDENT] = "<identifier>",
    [TOKEN_STRING] = "<string>",
    [TOKEN_UNICODE_STRING] = "<string>",
    [TOKEN_BINARY] = "<binary>",
    [TOKEN_INTEGER] = "<integer>",
    [TOKEN_DECIMAL] = "<decimal>",
    [TOKEN_DOUBLE] = "<double>",
    [TOKEN_EQ] = "'='",
    [TOKEN_NE] = "'<>'",
    [TOKEN_LT] = "'<'",
    [TOKEN_LE] = "'<='",
    [TOKEN_GT] = "'>'",
    [TOKEN_GE] = "'>='",
    [TOKEN_PLUS] = "'+'",
    [TOKEN_MINUS] = "'-'",
    [TOKEN_STAR] = "'*'",
    [TOKEN_SLASH] = "'/'",
    [TOKEN_PERCENT] = "'%'",
    [TOKEN_CONCAT] = "'||'",
    [TOKEN_ARROW] = "'->'",
    [TOKEN_FAT_ARROW] = "'=>'",
    [TOKEN_DOUBLE_COLON] = "'::'",
    [TOKEN_LPAREN] = "'('",
    [TOKEN_RPAREN] = "')'",
    [TOKEN_LBRACKET] = "'['",
    [TOKEN_RBRACKET] = "']'",
    [TOKEN_COMMA] = "','",
    [TOKEN_DOT] = "'.'",
    [TOKEN_COLON] = "':'",
    [TOKEN_SEMICOLON] = "';'",
    [TOKEN_QUESTION] = "'?'",
    [TOKEN_AT_SIGN] = "'@'",
    [TOKEN_PIPE] = "'|'",
    [TOKEN_CARET] = "'^'",
    [TOKEN_DOLLAR] = "'$'",
    [TOKEN_LBRACE] = "'{'",
    [TOKEN_RBRACE] = "'}'",
    [TOKEN_LBRACE_MINUS] = "'{-'",
    [TOKEN_MINUS_RBRACE] = "'-}'",
    [TOKEN_DOLLAR_STRING] = "<dollar string>",
    [TOKEN_UNRECOGNIZED] = "<unrecognized>",
    [TOKEN_FIRST_KEYWORD_] = "",
};

/* Signs of two characters before the ones that start like them. */
static const struct { char text[3]; TokenKind kind;
} signs[] = {
    { "<>", TOKEN_NE },      { "!=", TOKEN_NE },     { "<=", TOKEN_LE },        { ">=", TOKEN_GE },
    { "{-", TOKEN_LBRACE_MINUS }, { "-}", TOKEN_MINUS_RBRACE },
    { "||", TOKEN_CONCAT },  { "->", TOKEN_ARROW },  { "=>", TOKEN_FAT_ARROW }, { "::", TOKEN_DOUBLE_COLON },
    { "=", TOKEN_EQ },       { "<", TOKEN_LT },      { ">", TOKEN_GT },         { "+", TOKEN_PLUS },
    { "-", TOKEN_MINUS },    { "*", TOKEN_STAR },    { "/", TOKEN_SLASH },      { "%", TOKEN_PERCENT },
    { "(", TOKEN_LPAREN },   { ")", TOKEN_RPAREN },  { "[", TOKEN_LBRACKET },   { "]", TOKEN_RBRACKET },
    { ",", TOKEN_COMMA },    { ".", TOKEN_DOT },     { ":", TOKEN_COLON },      { ";", TOKEN_SEMICOLON },
    { "?", TOKEN_QUESTION }, { "@", TOKEN_AT_SIGN }, { "|", TOKEN_PIPE },       { "^", TOKEN_CARET },
    { "$", TOKEN_DOLLAR },   { "{", TOKEN_LBRACE },  { "}", TOKEN_RBRACE },
};

static bool is_digit(int c) { return c >= '0' && c <= '9'; }
static bool is_letter(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_word(int c) { return is_letter(c) || is_digit(c) || c == '_'; }
static bool is_hex(int c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
static bool is_octal(int c) { return c >= '0' && c <= '7'; }
static bool is_binary(int c) { return c == '0' || c == '1'; }

const char *token_display(TokenKind kind)
{
    return token_is_keyword(kind) ? keywords[kind - TOKEN_FIRST_KEYWORD_ - 1].display : displays[kind];
}

TokenKind keyword_find(Str word)
{
    char upper[KEYWORD_LEN_MAX];
    if (word.len == 0 || word.len > sizeof upper)
        return TOKEN_IDENT;
    for (size_t i = 0; i < word.len; i++)
        upper[i] = (char)(word.ptr[i] >= 'a' && word.ptr[i] <= 'z' ? word.ptr[i] - 32 : word.ptr[i]);
    size_t low = 0, high = KEYWORD_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp(str_of(upper, word.len), str_of(keywords[middle].word, keywords[middle].len));
        if (order == 0)
            return (TokenKind)(TOKEN_FIRST_KEYWORD_ + 1 + (int)middle);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return TOKEN_IDENT;
}

bool keyword_is_reserved(TokenKind kind)
{
    return token_is_keyword(kind) && keywords[kind - TOKEN_FIRST_KEYWORD_ - 1].reserved;
}

bool sql_is_reserved(Str word) { return keyword_is_reserved(keyword_find(word)); }

Lexer lexer_at(Str text, int line, int column)
{
    return (Lexer){ .text = text, .line = (uint32_t)line, .column = (uint32_t)column };
}

/* The byte `ahead` of the current one, or -1 past the end. */
static int look(const Lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.len ? (unsigned char)l->text.ptr[l->at + ahead] : -1;
}

static void consume(Lexer *l, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)l->text.ptr[l->at++];
        if (c == '\n') {
            l->line++;
            l->column = 1;
        } else if ((c & 0xC0) != 0x80) {
            l->column++;
        }
    }
}

/* Length of a quoted run that starts `from` bytes ahead (at its quote), or 0 when it does not end. A
 * doubled quote stands for one, unless `plain`. */
static size_t quoted_length(const Lexer *l, size_t from, int quote, bool plain)
{
    for (size_t n = from + 1; look(l, n) >= 0; n++) {
        if (look(l, n) != quote)
            continue;
        if (plain || look(l, n + 1) != quote)
            return n + 1;
        n++;
    }
    return 0;
}

static void skip_blanks_and_comments(Lexer *l)
{
    for (;;) {
        int c = look(l, 0);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            consume(l, 1);
        } else if (c == '-' && look(l, 1) == '-') {
            size_t n = 2;
            while (look(l, n) >= 0 && look(l, n) != '\n' && look(l, n) != '\r')
                n++;
            consume(l, n);
        } else if (c == '/' && look(l, 1) == '*' && !l->no_comment_end) {
            size_t n = 2;
            while (look(l, n) >= 0 && !(look(l, n) == '*' && look(l, n + 1) == '/'))
                n++;
            if (look(l, n) < 0) {
                l->unterminated = l->no_comment_end = true;
                return;
            }
            consume(l, n + 2);
        } else {
            return;
        }
    }
}

/* DIGIT ('_'? DIGIT)* from `from` on; the length up to its end, or `from` when there is no digit. */
static size_t digits(const Lexer *l, size_t from, bool (*accepts)(int), bool leading_underscore)
{
    size_t n = from;
    while (accepts(look(l, n)) ||
           (look(l, n) == '_' && (n > from || leading_underscore) && accepts(look(l, n + 1))))
        n++;
    return n;
}

/* 'E' [+-]? DIGIT+ at `from`: the length up to its end, or 0. */
static size_t exponent(const Lexer *l, size_t from)
{
    if (look(l, from) != 'e' && look(l, from) != 'E')
        return 0;
    size_t n = from + 1;
    if (look(l, n) == '+' || look(l, n) == '-')
        n++;
    if (!is_digit(look(l, n)))
        return 0;
    while (is_digit(look(l, n)))
        n++;
    return n;
}

static size_t integer_length(const Lexer *l)
{
    static const struct { char lower, upper; bool (*accepts)(int); } bases[] = {
        { 'x', 'X', is_hex }, { 'o', 'O', is_octal }, { 'b', 'B', is_binary },
    };
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        if (look(l, 0) != '0' || (look(l, 1) != bases[i].lower && look(l, 1) != bases[i].upper))
            continue;
        size_t n = digits(l, 2, bases[i].accepts, true);
        if (n > 2)
            return n;
    }
    return digits(l, 0, is_digit, false);
}

static TokenKind lex_number(const Lexer *l, size_t *ret_len)
{
    TokenKind kind = TOKEN_INTEGER;
    size_t len = integer_length(l);                /* 0 when it starts with a point */
    size_t whole = digits(l, 0, is_digit, false);
    if (whole == len && look(l, whole) == '.') {
        kind = TOKEN_DECIMAL;
        len = digits(l, whole + 1, is_digit, false);
    }
    /* An exponent's mantissa has no underscores: "1_0e5" is a name that starts with a digit. */
    size_t mantissa = 0;
    while (is_digit(look(l, mantissa)))
        mantissa++;
    if (look(l, mantissa) == '.') {
        mantissa++;
        while (is_digit(look(l, mantissa)))
            mantissa++;
    }
    size_t with_exponent = exponent(l, mantissa);
    if (with_exponent > len) {
        kind = TOKEN_DOUBLE;
        len = with_exponent;
    }
    size_t name = 0;
    while (is_digit(look(l, 0)) && is_word(look(l, name)))
        name++;
    if (name > len) {
        kind = TOKEN_DIGIT_IDENT;
        len = name;
    }
    *ret_len = len;
    return kind;
}

/* Strings and quoted names; TOKEN_EOF when there is none here or it does not end. */
static TokenKind lex_quoted(Lexer *l, size_t *ret_len)
{
    int c = look(l, 0);
    TokenKind kind = TOKEN_EOF;
    size_t at_quote = 0;
    if (c == '\'')
        kind = TOKEN_STRING;
    else if (c == '"')
        kind = TOKEN_QUOTED;
    else if (c == '`')
        kind = TOKEN_BACKQUOTED;
    else if ((c == 'x' || c == 'X') && look(l, 1) == '\'')
        kind = TOKEN_BINARY, at_quote = 1;
    else if ((c == 'u' || c == 'U') && look(l, 1) == '&' && look(l, 2) == '\'')
        kind = TOKEN_UNICODE_STRING, at_quote = 2;
    if (kind == TOKEN_EOF)
        return TOKEN_EOF;
    *ret_len = quoted_length(l, at_quote, look(l, at_quote), kind == TOKEN_BINARY);
    if (*ret_len == 0) {
        l->unterminated = true;
        return TOKEN_EOF;
    }
    return kind;
}

/* $$ … $$: a function's body in another language. 0: it does not end. */
static size_t dollar_string_length(Lexer *l)
{
    for (size_t n = 2; look(l, n) >= 0; n++)
        if (look(l, n) == '$' && look(l, n + 1) == '$')
            return n + 2;
    l->unterminated = true;
    return 0;
}

static TokenKind lex_token(Lexer *l, size_t *ret_len)
{
    TokenKind kind = lex_quoted(l, ret_len);
    if (kind != TOKEN_EOF)
        return kind;
    int c = look(l, 0);
    if (is_digit(c) || (c == '.' && is_digit(look(l, 1))))
        return lex_number(l, ret_len);
    if (c == '$' && look(l, 1) == '$' && (*ret_len = dollar_string_length(l)) > 0)
        return TOKEN_DOLLAR_STRING;
    if (is_letter(c) || c == '_') {
        size_t n = 1;
        while (is_word(look(l, n)))
            n++;
        *ret_len = n;
        return keyword_find(str_of(l->text.ptr + l->at, n));
    }
    Str rest = str_of(l->text.ptr + l->at, l->text.len - l->at);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        Str sign = str_from(signs[i].text);
        if (str_has_prefix(rest, sign)) {
            *ret_len = sign.len;
            return signs[i].kind;
        }
    }
    uint32_t code_point;
    *ret_len = utf8_decode(rest, &code_point);
    if (*ret_len == 0)
        *ret_len = 1;
    return TOKEN_UNRECOGNIZED;
}

Token lexer_next(Lexer *l)
{
    skip_blanks_and_comments(l);
    Token token = { .kind = TOKEN_EOF, .start = (uint32_t)l->at, .line = l->line, .column = l->column };
    if (l->at >= l->text.len)
        return token;
    size_t len = 0;
    token.kind = lex_token(l, &len);
    token.len = (uint32_t)len;
    consume(l, len);
    return token;
}

bool sql_split_next(Str script, size_t *position, Str *ret_statement)
{
    Str rest = str_slice(script, *position, script.len);
    Lexer lexer = lexer_at(rest, 1, 1);
    size_t from = 0, to = 0;
    bool any = false;
    for (Token t = lexer_next(&lexer);; t = lexer_next(&lexer)) {
        if (t.kind == TOKEN_EOF || (t.kind == TOKEN_SEMICOLON && any)) {
            *position += t.kind == TOKEN_EOF ? rest.len : t.start + t.len;
            *ret_statement = str_slice(rest, from, to);
            return any;
        }
        if (t.kind == TOKEN_SEMICOLON)
            continue;
        if (!any)
            from = t.start;
        any = true;
        to = t.start + t.len;
    }
}

bool sql_is_incomplete(Str text)
{
    Lexer lexer = lexer_at(text, 1, 1);
    bool open = false;
    for (Token t = lexer_next(&lexer); t.kind != TOKEN_EOF; t = lexer_next(&lexer))
        open = t.kind != TOKEN_SEMICOLON;
    return open || lexer.unterminated;
}
