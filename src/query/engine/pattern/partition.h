/* partition.h - the matches of one partition, and the rows that are put out for them.
 *
 * The order of things is Trino's: a match is looked for at each row that no earlier match skipped; what is
 * put out depends on the rows-per-match option. Positions are counted from 0. */
#pragma once

#include "query/engine/pattern/program.h"

/* One row of the output, or of a match, which aggregates need although it is not put out. */
typedef struct MatchRow {
    int64_t match;    /* counts what is put out: groups the rows of aggregates */
    int64_t number;   /* MATCH_NUMBER(); -1: no match */
    int64_t sequence; /* in the match */
    int64_t row;      /* -1: none (an empty match, a row without a match) */
    int64_t current;  /* whose columns are put out */
    int32_t label;    /* -1: none */
    bool is_output;
} MatchRow;

typedef struct Partition {
    const MatchProgram *program;
    Matcher matcher;
    size_t n_rows;
    /* Rows [first, end) may be looked at from row `current` of a window. */
    int64_t (*frame_end)(void *self, size_t row);
    void *self;
    /* the match that is being looked for, for its conditions */
    int64_t number;
    size_t search_first, search_end;
    /* the result */
    MatchRow *rows;
    int64_t *navigated, *labels; /* n_output_navigations a row: position or -1, label or -1 */
    size_t n, cap;
} Partition;

int partition_run(Partition *p, Error *err);
void partition_free(Partition *p);
/* Where the navigation leads, seen from the row `index` of the match: -1 nowhere. *ret_label: the row's
 * label, -1 when it is not in the match. */
int64_t partition_navigate(const Partition *p, const MatchNavigation *n, size_t n_labels, size_t index,
                           int64_t *ret_label);
