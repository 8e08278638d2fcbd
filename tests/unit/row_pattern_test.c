/* Row patterns without DuckDB: the search, what is put out, and programs that cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "query/engine/pattern/partition.h"

/* Rows are letters; the condition of label i is that the row is the letter 'a' + i. */
typedef struct Rows { Partition p; const char *text; size_t asked; } Rows;

static int is_letter(void *self, size_t row, Error *err)
{
    Rows *rows = self;
    rows->asked++;
    return rows->text[row] == 'a' + (rows->p.matcher.labels[row - rows->p.matcher.start] & ~MATCH_EXCLUDED);
}

static bool never(void *self)
{
    return false;
}

static void run(Rows *rows, MatchProgram *program, MatchInstruction *code, size_t n, const char *text)
{
    Error err = {0};
    program->instructions = code;
    program->n_instructions = n;
    *rows = (Rows){.text = text};
    rows->p = (Partition){.program = program, .n_rows = strlen(text), .self = rows};
    rows->p.matcher = (Matcher){.program = code, .n_program = n, .n_loops = 4, .independent = true,
                                .test = is_letter, .interrupted = never, .self = rows};
    assert_int_equal(partition_run(&rows->p, &err), 0);
}

/* a a* b */
static MatchInstruction runs_of_a[] = {
    {MATCH_LABEL, 0, 0, 0}, {MATCH_LOOP, 2, 4, 0}, {MATCH_LABEL, 0, 0, 0},
    {MATCH_JUMP, 1, 0, 0},  {MATCH_LABEL, 1, 0, 0}, {MATCH_DONE, 0, 0, 0},
};

static void matches_do_not_overlap(void **state)
{
    Rows rows;
    MatchProgram program = {.output = OUTPUT_ALL, .after = AFTER_PAST_LAST};
    run(&rows, &program, runs_of_a, 6, "aabxaab");
    static const int64_t at[] = {0, 1, 2, 4, 5, 6}, numbers[] = {1, 1, 1, 2, 2, 2};
    assert_int_equal(rows.p.n, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(rows.p.rows[i].row, at[i]);
        assert_int_equal(rows.p.rows[i].number, numbers[i]);
    }
    partition_free(&rows.p);
    program.after = AFTER_TO_NEXT;
    program.output = OUTPUT_ONE;
    run(&rows, &program, runs_of_a, 6, "aabxaab");
    assert_int_equal(rows.p.n, 4);
    partition_free(&rows.p);
}

static void unmatched_rows_are_put_out_once(void **state)
{
    Rows rows;
    MatchProgram program = {.output = OUTPUT_ALL_UNMATCHED, .after = AFTER_TO_NEXT};
    run(&rows, &program, runs_of_a, 6, "xaab");
    /* x alone; a a b; a b; the last row is part of a match */
    assert_int_equal(rows.p.n, 6);
    assert_int_equal(rows.p.rows[0].number, -1);
    assert_int_equal(rows.p.rows[5].number, 2);
    partition_free(&rows.p);
}

/* ((a+)+ b) over rows of a alone: 2^n ways, of which each state is looked at once. */
static void a_failed_state_is_not_tried_again(void **state)
{
    enum { N = 200 };
    static MatchInstruction code[] = {
        {MATCH_LABEL, 0, 0, 0}, {MATCH_LOOP, 2, 4, 0}, {MATCH_LABEL, 0, 0, 0}, {MATCH_JUMP, 1, 0, 0},
        {MATCH_LOOP, 5, 10, 1}, {MATCH_LABEL, 0, 0, 0}, {MATCH_LOOP, 7, 9, 2}, {MATCH_LABEL, 0, 0, 0},
        {MATCH_JUMP, 6, 0, 0},  {MATCH_JUMP, 4, 0, 0},  {MATCH_LABEL, 1, 0, 0}, {MATCH_DONE, 0, 0, 0},
    };
    char text[N + 1];
    memset(text, 'a', N);
    text[N] = '\0';
    Rows rows;
    MatchProgram program = {.output = OUTPUT_ONE};
    run(&rows, &program, code, 12, text);
    assert_int_equal(rows.p.n, 0);
    assert_in_range(rows.asked, N, 12 * (size_t)N * N);
    partition_free(&rows.p);
}

/* (()*)* ends: a loop that took no row is left. */
static void empty_loops_end(void **state)
{
    static MatchInstruction code[] = {
        {MATCH_LOOP, 1, 4, 0}, {MATCH_LOOP, 2, 3, 1}, {MATCH_JUMP, 1, 0, 0}, {MATCH_JUMP, 0, 0, 0},
        {MATCH_DONE, 0, 0, 0},
    };
    Rows rows;
    MatchProgram program = {.output = OUTPUT_ALL};
    run(&rows, &program, code, 5, "ab");
    assert_int_equal(rows.p.n, 2);
    assert_int_equal(rows.p.rows[1].label, -1);
    assert_int_equal(rows.p.rows[1].number, 2);
    partition_free(&rows.p);
}

static void bad_programs_are_refused(void **state)
{
    static const char *const bad[] = {"", "1", "x", "0 0 0 0 0 0 0 0 1 2 9 9 0 0 0 0 0 0",
                                      "0 0 0 0 0 0 0 0 99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        _cleanup_arena_ Arena *arena = arena_new(1 << 20);
        MatchProgram *program;
        Error err;
        assert_int_equal(match_program_parse(str_from(bad[i]), arena, &program, &err), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_do_not_overlap),
        cmocka_unit_test(unmatched_rows_are_put_out_once),
        cmocka_unit_test(a_failed_state_is_not_tried_again),
        cmocka_unit_test(empty_loops_end),
        cmocka_unit_test(bad_programs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
