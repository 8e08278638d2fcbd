/* program.h - what t_match() is told: the pattern, which columns hold its conditions, what to put out.
 *
 * The emitter writes it as a list of integers in text, so that it can stand in the SQL as a literal. */
#pragma once

#include "base/arena.h"
#include "query/engine/pattern/matcher.h"

enum {
    CONDITION_TRUE,
    CONDITION_COLUMN,  /* field `value` of the rows is the answer */
    CONDITION_DYNAMIC, /* dynamic condition `value` is asked */
};
enum { FRAME_WHOLE, FRAME_TO_END, FRAME_TO_CURRENT, FRAME_TO_OFFSET };
enum { OUTPUT_ONE, OUTPUT_ALL, OUTPUT_ALL_OMIT_EMPTY, OUTPUT_ALL_UNMATCHED, OUTPUT_WINDOW };
enum { AFTER_PAST_LAST, AFTER_TO_NEXT, AFTER_TO_FIRST, AFTER_TO_LAST };

/* back: how far the condition looks back. Where the frame begins nearer than that, at distance d, field
 * value + d holds the answer, else field value + back. */
typedef struct MatchCondition {
    int64_t kind, value, back;
} MatchCondition;
typedef struct MatchNavigation {
    uint64_t labels;
    bool is_last, is_final;
    int64_t logical, physical;
} MatchNavigation;
typedef struct MatchDynamic {
    size_t n_navigations;
    int64_t *navigations;
} MatchDynamic;

typedef struct MatchProgram {
    int64_t output, after, seek, frame, frame_field;
    int64_t every_row; /* rows of a match that are not put out are given, too: aggregates need them */
    uint64_t after_labels;
    size_t n_loops, n_instructions, n_labels, n_navigations, n_output_navigations, n_dynamic, n_aggregates;
    MatchInstruction *instructions;
    MatchCondition *conditions;   /* one a label */
    MatchNavigation *navigations; /* the first n_output_navigations are put out */
    MatchDynamic *dynamic;
    uint64_t *aggregates; /* labels of each aggregate that conditions ask for */
} MatchProgram;

int match_program_parse(Str text, Arena *arena, MatchProgram **ret, Error *err);
