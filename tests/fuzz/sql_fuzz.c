/* sql_fuzz.c - SQL text: parses or is refused, and what parses prints as text that parses to the same
 * tree. */
#include <stdlib.h>

#include "base/buf.h"
#include "query/sql/parser.h"
#include "query/sql/print.h"

enum { ARENA_BYTES = 64 << 20, TEXT_BYTES = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Printing adds parentheses, so a tree that was just within the limits may be over them when read back. */
static bool is_limit(const Error *err)
{
    return err->code == ERR_LIMIT || err->code == ERR_QUERY_TEXT_TOO_LARGE ||
           str_find(str_from(err->message), STR("statement is too large")) >= 0;
}

static void check_round_trip(Arena *arena, const Statement *statement)
{
    _cleanup_buf_ Buf first = BUF_INIT(TEXT_BYTES), second = BUF_INIT(TEXT_BYTES);
    Error err = { 0 };
    Statement *again = NULL;
    sql_print_statement(&first, statement);
    if (first.overflow)
        return;
    if (sql_parse(buf_str(&first), arena, &again, &err) < 0) {
        if (!is_limit(&err))
            abort();
        return;
    }
    sql_print_statement(&second, again);
    if (again->kind != statement->kind || !str_eq(buf_str(&first), buf_str(&second)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str text = str_of((const char *)data, size);
    _cleanup_arena_ Arena *arena = arena_new(ARENA_BYTES);
    Error err = { 0 };
    Statement *statement = NULL;
    if (sql_parse(text, arena, &statement, &err) == 0)
        check_round_trip(arena, statement);
    Expr *expression = NULL;
    sql_parse_expression(text, arena, &expression, &err);
    TypeName *type = NULL;
    sql_parse_type_name(text, arena, &type, &err);
    size_t position = 0;
    while (sql_split_next(text, &position, &(Str){ 0 })) {
    }
    sql_is_incomplete(text);
    return 0;
}
