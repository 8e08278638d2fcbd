/* statement_fuzz.c - statements on the tables of tpch and tpcds: parsed, analysed and emitted, or refused
 * with an error that has a text. Mutations are of tokens, for mutated bytes rarely parse. */
#include <ctype.h>
#include <stdlib.h>

#include "../tables_stub.h"
#include "query/sql/parser.h"

enum { ARENA_BYTES = 64 << 20, SQL_BYTES = 16 << 20, TEXT_MAX = 1 << 16, TOKENS_MAX = 4000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_out_size, unsigned seed);

static void must_have_text(const Error *err)
{
    if (!err->message[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AnalyzerSession session = {.user = STR("fuzz"),
                               .catalog = STR("tpch"),
                               .schema = STR("tiny"),
                               .time_zone = STR("UTC"),
                               .max_recursion_depth = 3};
    _cleanup_arena_ Arena *arena = arena_new(ARENA_BYTES);
    _cleanup_buf_ Buf sql = BUF_INIT(SQL_BYTES);
    EmitContext emit = {.arena = arena, .session = &session, .has_marks = true};
    Error err = {0};
    Statement *statement;
    Analysis *analysis;
    Str text = str_of((const char *)data, size);
    if (sql_parse(text, arena, &statement, &err) < 0 ||
        sql_analyze(statement, &session, &stub_metadata, arena, &analysis, &err) < 0)
        must_have_text(&err);
    else if (statement->query && emit_query(&emit, statement->query, &sql, &err) < 0)
        must_have_text(&err);
    return 0;
}

/* ---- mutation ---- */

static const char *const words[] = {"NULL",
                                    "1",
                                    "0",
                                    "-1",
                                    "1.5",
                                    "1e0",
                                    "'a'",
                                    "''",
                                    "TRUE",
                                    "DATE '2020-02-29'",
                                    "INTERVAL '1' DAY",
                                    "TIMESTAMP '2020-01-01 00:00:00.123456789 Europe/Paris'",
                                    "TIME '01:02:03'",
                                    "DECIMAL '99999999999999999999'",
                                    "X'00ff'",
                                    "U&'\\0041'",
                                    "ARRAY[1, NULL]",
                                    "MAP(ARRAY['k'], ARRAY[1])",
                                    "ROW(1, 'x')",
                                    "x -> x",
                                    "(a, b) -> a",
                                    "*",
                                    "nation.*",
                                    "nationkey",
                                    "name",
                                    "regionkey",
                                    "nation",
                                    "region",
                                    "lineitem",
                                    "(SELECT 1)",
                                    "(SELECT max(nationkey) FROM nation)",
                                    "(VALUES 1, 2)",
                                    "AS t(a, b)",
                                    "AS q",
                                    "count(*)",
                                    "sum(nationkey)",
                                    "array_agg(name ORDER BY nationkey)",
                                    "FILTER (WHERE TRUE)",
                                    "OVER ()",
                                    "OVER (PARTITION BY name ORDER BY nationkey)",
                                    "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
                                    "RANGE UNBOUNDED PRECEDING",
                                    "GROUPS 2 PRECEDING",
                                    "DISTINCT",
                                    "ALL",
                                    "SELECT",
                                    "FROM",
                                    "WHERE",
                                    "GROUP BY",
                                    "GROUP BY ROLLUP (name, regionkey)",
                                    "GROUPING SETS ((name), ())",
                                    "CUBE (name)",
                                    "HAVING",
                                    "ORDER BY",
                                    "LIMIT 1",
                                    "OFFSET 1",
                                    "FETCH FIRST 2 ROWS WITH TIES",
                                    "UNION",
                                    "UNION ALL",
                                    "INTERSECT",
                                    "EXCEPT",
                                    "JOIN",
                                    "LEFT JOIN",
                                    "FULL JOIN",
                                    "CROSS JOIN",
                                    "LATERAL",
                                    "UNNEST(ARRAY[1, 2])",
                                    "WITH ORDINALITY",
                                    "ON TRUE",
                                    "USING (regionkey)",
                                    "NATURAL",
                                    "TABLESAMPLE BERNOULLI (10)",
                                    "WITH RECURSIVE t(n) AS",
                                    "EXISTS",
                                    "IN",
                                    "NOT",
                                    "ANY",
                                    "ALL",
                                    "SOME",
                                    "BETWEEN",
                                    "LIKE",
                                    "ESCAPE '\\'",
                                    "IS NULL",
                                    "IS DISTINCT FROM",
                                    "AND",
                                    "OR",
                                    "=",
                                    "<>",
                                    "<",
                                    ">=",
                                    "+",
                                    "-",
                                    "*",
                                    "/",
                                    "%",
                                    "||",
                                    "(",
                                    ")",
                                    ",",
                                    ".",
                                    "[1]",
                                    "[",
                                    "]",
                                    "?",
                                    "CASE WHEN",
                                    "THEN",
                                    "ELSE",
                                    "END",
                                    "CAST(",
                                    "TRY_CAST(",
                                    "TRY(",
                                    "AS bigint)",
                                    "AS varchar(3))",
                                    "AS decimal(38, 2))",
                                    "AS timestamp(9) with time zone)",
                                    "AS row(a integer, b varchar))",
                                    "AS array(double))",
                                    "AS map(varchar, bigint))",
                                    "COALESCE(",
                                    "NULLIF(",
                                    "IF(",
                                    "EXTRACT(YEAR FROM",
                                    "AT TIME ZONE 'Asia/Seoul'",
                                    "current_timestamp",
                                    "lower(",
                                    "concat(",
                                    "transform(",
                                    "reduce(",
                                    "date_add('day', 1,",
                                    "date_diff('month',",
                                    "format('%s',",
                                    "json_value(",
                                    "JSON_QUERY(",
                                    "JSON_EXISTS(",
                                    "JSON_OBJECT('a' : 1)",
                                    "JSON_ARRAY(1)",
                                    "JSON_TABLE('[]', 'lax $' COLUMNS(a integer))",
                                    "LISTAGG(name, ',') WITHIN GROUP (ORDER BY name)",
                                    "approx_percentile(nationkey, 0.5)",
                                    "max_by(name, nationkey)",
                                    "row_number()",
                                    "lag(name, 1)",
                                    "first_value(name) IGNORE NULLS",
                                    "MATCH_RECOGNIZE (PATTERN (A B+) DEFINE A AS TRUE)",
                                    "TABLE(sequence(1, 3))",
                                    "WITH FUNCTION f(x bigint) RETURNS bigint RETURN x + 1",
                                    "f(1)",
                                    "EXPLAIN",
                                    "grouping(name)",
                                    "INSERT INTO nation",
                                    "DELETE FROM nation",
                                    "UPDATE nation SET name = 'x'",
                                    "VALUES",
                                    "DESCRIBE nation",
                                    "SHOW TABLES"};
enum { N_WORDS = sizeof words / sizeof *words };

typedef struct Tokens {
    Str items[TOKENS_MAX];
    size_t n;
} Tokens;

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '"' || c == '$' || (c & 0x80);
}

static void split(Str text, Tokens *ret)
{
    ret->n = 0;
    for (size_t i = 0; i < text.len && ret->n < TOKENS_MAX;) {
        size_t start = i++;
        if (isspace((unsigned char)text.ptr[start]))
            continue;
        if (text.ptr[start] == '\'') {
            while (i < text.len && text.ptr[i++] != '\'')
                ;
        } else if (is_word(text.ptr[start])) {
            while (i < text.len && is_word(text.ptr[i]))
                i++;
        }
        ret->items[ret->n++] = str_slice(text, start, i);
    }
}

static void join(const Tokens *tokens, Buf *out)
{
    for (size_t i = 0; i < tokens->n; i++) {
        buf_puts(out, i ? " " : "");
        buf_add(out, tokens->items[i]);
    }
}

static size_t give(Buf *text, uint8_t *out, size_t max)
{
    size_t n = text->len < max ? text->len : max;
    memcpy(out, text->data ? text->data : "", n);
    buf_free(text);
    return n;
}

static size_t below(unsigned *state, size_t n)
{
    *state = *state * 1103515245u + 12345u;
    return n ? (*state >> 8) % n : 0;
}

static void insert(Tokens *tokens, size_t at, const Str *what, size_t n)
{
    if (tokens->n + n > TOKENS_MAX)
        return;
    memmove(&tokens->items[at + n], &tokens->items[at], (tokens->n - at) * sizeof(Str));
    memmove(&tokens->items[at], what, n * sizeof(Str));
    tokens->n += n;
}

static void take_out(Tokens *tokens, size_t at, size_t n)
{
    memmove(&tokens->items[at], &tokens->items[at + n], (tokens->n - at - n) * sizeof(Str));
    tokens->n -= n;
}

static void mutate(Tokens *tokens, unsigned *state)
{
    Str part[16];
    size_t at = below(state, tokens->n), other = below(state, tokens->n), n = 1 + below(state, 8);
    Str word = str_from(words[below(state, N_WORDS)]);
    n = tokens->n - other < n ? tokens->n - other : n;
    memcpy(part, &tokens->items[other], n * sizeof *part);
    switch (tokens->n ? below(state, 6) : 0) {
    case 0:
        insert(tokens, tokens->n ? at : 0, &word, 1);
        break;
    case 1:
        tokens->items[at] = word;
        break;
    case 2:
        take_out(tokens, other, n);
        break;
    case 3: /* a part again somewhere else */
        insert(tokens, at, part, n);
        break;
    case 4: /* a part in parentheses */
        insert(tokens, other, &STR("("), 1);
        insert(tokens, other + n + 1, &STR(")"), 1);
        break;
    default:
        tokens->items[at] = tokens->items[other];
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static Tokens tokens;
    unsigned state = seed;
    Buf text = BUF_INIT(TEXT_MAX);
    if (LLVMFuzzerMutate && below(&state, 10) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    split(str_of((const char *)data, size), &tokens);
    for (size_t n = 1 + below(&state, 4); n > 0; n--)
        mutate(&tokens, &state);
    join(&tokens, &text);
    return give(&text, data, max_size);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_out_size, unsigned seed)
{
    static Tokens first, second;
    unsigned state = seed;
    Buf text = BUF_INIT(TEXT_MAX);
    split(str_of((const char *)a, a_size), &first);
    split(str_of((const char *)b, b_size), &second);
    size_t from = below(&state, second.n), n = 1 + below(&state, 30);
    n = second.n - from < n ? second.n - from : n;
    insert(&first, below(&state, first.n + 1), &second.items[from], n);
    join(&first, &text);
    return give(&text, out, max_out_size);
}
