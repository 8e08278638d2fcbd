/* matcher.h - finds a match of a row pattern that starts at a given row.
 *
 * The pattern is a small program (MatchOp). Trino prefers the match that comes first when alternatives are
 * tried from left to right and quantifiers greedily (or reluctantly where asked): so this is a backtracking
 * search in that order. Where no condition depends on the labels of earlier rows, a state (instruction, row)
 * that failed once is not tried again, and an attempt takes time of order instructions * rows; else it can
 * take exponential time, as in Trino. The search has no recursion; its memory has a limit, and `interrupted`
 * is asked every 65536 steps.
 *
 * No DuckDB here. Thread-safe: a Matcher belongs to one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    MATCH_PROGRAM_MAX = 65536,    /* instructions: quantifiers with bounds are written out */
    MATCH_MEMORY_MAX = 512 << 20, /* of the search and of one partition's output each */
    MATCH_EXCLUDED = 0x80,        /* beside the label: the row is in {- -} */
};

typedef enum MatchOp {
    MATCH_DONE,
    MATCH_LABEL, /* the row has label a; b: it is excluded from the output */
    MATCH_SPLIT, /* tries a, then b */
    MATCH_LOOP,  /* the same at the head of loop c: dies when it comes back without having taken a row */
    MATCH_JUMP,  /* to a */
    MATCH_START, /* the partition starts here */
    MATCH_END
} MatchOp;

typedef struct MatchInstruction {
    MatchOp op;
    int32_t a, b, c;
} MatchInstruction;

typedef struct Matcher {
    const MatchInstruction *program;
    size_t n_program, n_loops;
    bool independent; /* conditions depend on label and row alone */
    /* May row `row` be the one with labels[row - start]? 1, 0, or -1 with err. */
    int (*test)(void *self, size_t row, Error *err);
    bool (*interrupted)(void *self);
    void *self;
    /* the result: labels of the rows from `start` on */
    uint8_t *labels;
    size_t n_labels, start;
    /* the search's own */
    struct MatchChoice *stack;
    size_t n_stack, cap_stack, cap_labels, cap_seen, cap_trail, n_trail;
    struct MatchTrail *trail;
    size_t *loop_row;
    uint64_t *seen;
    bool seen_ready;
    uint64_t steps;
} Matcher;

/* Tries the rows [start, end) of a partition whose own bounds are [first, end). */
int matcher_run(Matcher *m, size_t first, size_t start, size_t end, bool *ret_matched, Error *err);
void matcher_free(Matcher *m);
