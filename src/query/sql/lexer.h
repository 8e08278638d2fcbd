/* lexer.h - Trino SQL text to tokens.
 *
 * A token is a slice of the text and never a copy. The lexer cannot fail: what is no token (a lone quote, a
 * control character) is TOKEN_UNRECOGNIZED of one character, and the parser says what it expected there, as
 * Trino does. Positions count from 1, columns in code points. Source: lexical rules of Trino's SqlBase
 * grammar, release 483. */
#pragma once

#include "base/str.h"

typedef enum TokenKind {
    TOKEN_EOF,
    TOKEN_IDENT, TOKEN_QUOTED, TOKEN_BACKQUOTED, TOKEN_DIGIT_IDENT,
    TOKEN_STRING, TOKEN_UNICODE_STRING, TOKEN_BINARY,
    TOKEN_INTEGER, TOKEN_DECIMAL, TOKEN_DOUBLE,
    TOKEN_EQ, TOKEN_NE, TOKEN_LT, TOKEN_LE, TOKEN_GT, TOKEN_GE,
    TOKEN_PLUS, TOKEN_MINUS, TOKEN_STAR, TOKEN_SLASH, TOKEN_PERCENT, TOKEN_CONCAT,
    TOKEN_ARROW, TOKEN_FAT_ARROW, TOKEN_DOUBLE_COLON,
    TOKEN_LPAREN, TOKEN_RPAREN, TOKEN_LBRACKET, TOKEN_RBRACKET,
    TOKEN_COMMA, TOKEN_DOT, TOKEN_COLON, TOKEN_SEMICOLON, TOKEN_QUESTION, TOKEN_AT_SIGN,
    TOKEN_PIPE, TOKEN_CARET, TOKEN_DOLLAR, TOKEN_LBRACE, TOKEN_RBRACE, TOKEN_LBRACE_MINUS, TOKEN_MINUS_RBRACE,
    TOKEN_DOLLAR_STRING,
    TOKEN_UNRECOGNIZED,
    TOKEN_FIRST_KEYWORD_,
#define K(word, reserved) KW_##word,
#include "query/sql/keywords.def"
#undef K
    TOKEN_COUNT_,
} TokenKind;

typedef struct Token {
    TokenKind kind;
    uint32_t start, len;          /* bytes of the text */
    uint32_t line, column;
    uint32_t match;               /* of a parenthesis: index of the other one; 0: none. Set by the parser. */
} Token;

typedef struct Lexer {
    Str text;
    size_t at;
    uint32_t line, column;
    bool unterminated;            /* a string, quoted name or comment ran into the end of the text */
    bool no_comment_end; /* no comment ends after here: not searched for again, or "/" "*" repeated costs n^2
                          */
} Lexer;

Lexer lexer_at(Str text, int line, int column);       /* positions start at line:column */
Token lexer_next(Lexer *lexer);                       /* TOKEN_EOF at the end, for ever */

/* How Trino names a token in "Expecting: …": "'SELECT'", "','", "<EOF>". Static. */
const char *token_display(TokenKind kind);
/* The keyword that `word` is in any case, or TOKEN_IDENT. */
TokenKind keyword_find(Str word);
static inline bool token_is_keyword(TokenKind kind) { return kind > TOKEN_FIRST_KEYWORD_; }
bool keyword_is_reserved(TokenKind kind);
