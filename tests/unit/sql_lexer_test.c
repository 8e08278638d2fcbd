/* sql_lexer_test.c - tokens, their positions, and cutting scripts into statements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "query/sql/lexer.h"
#include "query/sql/parser.h"

static Token only_token(const char *text)
{
    Lexer lexer = lexer_at(str_from(text), 1, 1);
    Token token = lexer_next(&lexer);
    assert_int_equal(token.len, strlen(text));
    assert_int_equal(lexer_next(&lexer).kind, TOKEN_EOF);
    return token;
}

static void test_kinds(void **state)
{
    static const struct { const char *text; TokenKind kind;
    } cases[] = {
        { "abc", TOKEN_IDENT },
        { "_a1", TOKEN_IDENT },
        { "sElEcT", KW_SELECT },
        { "\"a\"\"b\"", TOKEN_QUOTED },
        { "`a``b`", TOKEN_BACKQUOTED },
        { "1abc", TOKEN_DIGIT_IDENT },
        { "1_", TOKEN_DIGIT_IDENT },
        { "0xFG", TOKEN_DIGIT_IDENT },
        { "'it''s'", TOKEN_STRING },
        { "'a\nb'", TOKEN_STRING },
        { "U&'x'", TOKEN_UNICODE_STRING },
        { "u&'x'", TOKEN_UNICODE_STRING },
        { "X'zz'", TOKEN_BINARY },
        { "0", TOKEN_INTEGER },
        { "1_000", TOKEN_INTEGER },
        { "0xFF", TOKEN_INTEGER },
        { "0X_f_f", TOKEN_INTEGER },
        { "0b101", TOKEN_INTEGER },
        { "0o17", TOKEN_INTEGER },
        { "1.5", TOKEN_DECIMAL },
        { ".5", TOKEN_DECIMAL },
        { "1.", TOKEN_DECIMAL },
        { "1_0.0_1", TOKEN_DECIMAL },
        { "1e5", TOKEN_DOUBLE },
        { "1.E+5", TOKEN_DOUBLE },
        { ".5e-1", TOKEN_DOUBLE },
        { "1e5x", TOKEN_DIGIT_IDENT },
        { "->", TOKEN_ARROW },
        { "=>", TOKEN_FAT_ARROW },
        { "||", TOKEN_CONCAT },
        { "<>", TOKEN_NE },
        { "!=", TOKEN_NE },
        { "<=", TOKEN_LE },
        { ">=", TOKEN_GE },
        { "::", TOKEN_DOUBLE_COLON },
        { "?", TOKEN_QUESTION },
        { "@", TOKEN_AT_SIGN },
        { "!", TOKEN_UNRECOGNIZED },
        { "\xc3\xa9", TOKEN_UNRECOGNIZED },
        { "\x01", TOKEN_UNRECOGNIZED },
        { "\xff", TOKEN_UNRECOGNIZED },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(only_token(cases[i].text).kind, cases[i].kind);
}

static void test_positions(void **state)
{
    static const struct { TokenKind kind; uint32_t line, column;
    } expected[] = {
        { KW_SELECT, 1, 1 },   { TOKEN_STRING, 1, 8 }, { TOKEN_COMMA, 1, 12 },
        { TOKEN_IDENT, 3, 3 }, { TOKEN_EOF, 3, 6 },
    };
    /* "héé" counts in code points; comments and blank lines are skipped. */
    Lexer lexer = lexer_at(str_from("SELECT 'h\xc3\xa9',-- to the end\n/* a\n*/x /**/"), 1, 1);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        Token token = lexer_next(&lexer);
        assert_int_equal(token.kind, expected[i].kind);
        assert_int_equal(token.line, expected[i].line);
        if (token.kind != TOKEN_EOF)
            assert_int_equal(token.column, expected[i].column);
    }
}

static void test_unterminated(void **state)
{
    static const char *const texts[] = { "'abc", "\"abc", "`abc", "/* abc", "X'00", "U&'" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Lexer lexer = lexer_at(str_from(texts[i]), 1, 1);
        while (lexer_next(&lexer).kind != TOKEN_EOF) {
        }
        assert_true(lexer.unterminated);
    }
}

/* Each "/" "*" without an end once scanned the rest of the text: 300,000 of them must not cost 300,000
 * scans. */
static void test_open_comments_are_linear(void **state)
{
    enum { N = 300000 };
    char *text = malloc(3 * N);
    for (size_t i = 0; i < N; i++)
        memcpy(text + 3 * i, "/* ", 3);
    Lexer lexer = lexer_at(str_of(text, 3 * N), 1, 1);
    size_t n = 0;
    while (lexer_next(&lexer).kind != TOKEN_EOF)
        n++;
    assert_true(n > N);
    free(text);
}

static void test_keywords(void **state)
{
    for (size_t i = 0; sql_keywords[i]; i++) {
        Str word = str_from(sql_keywords[i]);
        assert_true(i == 0 || strcmp(sql_keywords[i - 1], sql_keywords[i]) < 0);
        TokenKind kind = keyword_find(word);
        assert_true(token_is_keyword(kind));
        assert_int_equal(strlen(token_display(kind)), word.len + 2);
    }
    assert_true(sql_is_reserved(STR("select")));
    assert_true(sql_is_reserved(STR("Skip")));
    assert_false(sql_is_reserved(STR("limit")));
    assert_false(sql_is_reserved(STR("nothing")));
    assert_false(sql_is_reserved(STR("")));
}

static void test_split(void **state)
{
    static const char *const expected[] = { "SELECT ';'", "SELECT \";\" -- ; no", "SELECT 2" };
    Str script = STR(";; SELECT ';' ;\nSELECT \";\" -- ; no\n;; /* ; */ SELECT 2");
    size_t position = 0, n = 0;
    Str statement;
    while (sql_split_next(script, &position, &statement)) {
        assert_true(n < sizeof expected / sizeof *expected);
        /* a trailing comment is no part of the statement */
        assert_true(str_has_prefix(str_from(expected[n]), statement));
        n++;
    }
    assert_int_equal(n, 3);
    assert_int_equal(position, script.len);
}

static void test_incomplete(void **state)
{
    static const struct { const char *text; bool incomplete;
    } cases[] = {
        { "", false },          { "  -- x", false },        { "SELECT 1", true },
        { "SELECT 1;", false }, { "SELECT 1; ", false },    { "SELECT 1; SELECT", true },
        { "SELECT 'a;", true }, { "SELECT 1; /* x", true }, { "SELECT \"a;", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(sql_is_incomplete(str_from(cases[i].text)), cases[i].incomplete);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_unterminated), cmocka_unit_test(test_open_comments_are_linear),
        cmocka_unit_test(test_keywords),     cmocka_unit_test(test_split),
        cmocka_unit_test(test_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
