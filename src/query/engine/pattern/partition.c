#include "query/engine/pattern/partition.h"

#include <stdlib.h>
#include <string.h>

static int label_at(const Partition *p, size_t index)
{
    return p->matcher.labels[index] & ~MATCH_EXCLUDED;
}

static bool has_label(const Partition *p, uint64_t labels, size_t index)
{
    return labels == 0 || (labels >> label_at(p, index) & 1);
}

/* The index in the match, or -1. FIRST looks through the whole match in any case, as Trino's does. */
static int64_t find(const Partition *p, const MatchNavigation *n, size_t n_labels, size_t index)
{
    int64_t wanted = n->logical;
    if (n->is_last) {
        for (size_t i = n->is_final ? n_labels : index + 1; i-- > 0;)
            if (has_label(p, n->labels, i) && wanted-- == 0)
                return (int64_t)i;
        return -1;
    }
    for (size_t i = 0; i < n_labels; i++)
        if (has_label(p, n->labels, i) && wanted-- == 0)
            return (int64_t)i;
    return -1;
}

int64_t partition_navigate(const Partition *p, const MatchNavigation *n, size_t n_labels, size_t index,
                           int64_t *ret_label)
{
    int64_t found = n_labels ? find(p, n, n_labels, index) : -1;
    *ret_label = -1;
    if (found < 0)
        return -1;
    int64_t row = (int64_t)p->matcher.start + found + n->physical;
    if (row < (int64_t)p->search_first || row >= (int64_t)p->search_end)
        return -1;
    int64_t at = row - (int64_t)p->matcher.start;
    if (at >= 0 && at < (int64_t)n_labels)
        *ret_label = label_at(p, (size_t)at);
    return row;
}

/* ---- output ---- */

static int reserve(Partition *p, Error *err)
{
    size_t navigations = p->program->n_output_navigations;
    size_t row_bytes = sizeof *p->rows + navigations * 2 * sizeof *p->navigated;
    if (p->n < p->cap)
        return 0;
    size_t cap = p->cap ? p->cap * 2 : 256;
    void *rows = NULL, *navigated = NULL, *labels = NULL;
    if (cap <= MATCH_MEMORY_MAX / row_bytes) {
        if ((rows = realloc(p->rows, cap * sizeof *p->rows)))
            p->rows = rows;
        if ((navigated = realloc(p->navigated, (cap * navigations + 1) * sizeof *p->navigated)))
            p->navigated = navigated;
        if ((labels = realloc(p->labels, (cap * navigations + 1) * sizeof *p->labels)))
            p->labels = labels;
    }
    if (!rows || !navigated || !labels)
        return err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT,
                       "The row pattern matches of one partition need more than %d bytes", MATCH_MEMORY_MAX);
    p->cap = cap;
    return 0;
}

static int put(Partition *p, const MatchRow *row, size_t n_labels, size_t index, Error *err)
{
    size_t n = p->program->n_output_navigations;
    if (reserve(p, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        p->navigated[p->n * n + i] =
            partition_navigate(p, &p->program->navigations[i], n_labels, index, &p->labels[p->n * n + i]);
    p->rows[p->n++] = *row;
    return 0;
}

/* A row without a match, or an empty match. */
static int put_alone(Partition *p, size_t current, int64_t number, int64_t *match, Error *err)
{
    MatchRow row = {.match = (*match)++,
                    .number = number,
                    .row = -1,
                    .current = (int64_t)current,
                    .label = -1,
                    .is_output = true};
    return put(p, &row, 0, 0, err);
}

/* The last row of a match with the positions that a long match's rows share looked up once would be faster
 * still; a navigation costs a walk through the match only when its label is rare. */
static int put_match(Partition *p, size_t current, int64_t *match, Error *err)
{
    const MatchProgram *program = p->program;
    size_t n = p->matcher.n_labels, start = p->matcher.start;
    bool one = program->output == OUTPUT_ONE || program->output == OUTPUT_WINDOW;
    int64_t number = (*match)++;
    for (size_t i = one && !program->every_row ? n - 1 : 0; i < n; i++) {
        bool excluded = p->matcher.labels[i] & MATCH_EXCLUDED;
        MatchRow row = {.match = number,
                        .number = p->number,
                        .sequence = (int64_t)i,
                        .row = (int64_t)(start + i),
                        .current = (int64_t)(one ? current : start + i),
                        .label = label_at(p, i),
                        .is_output = one ? i == n - 1 : !excluded};
        if (!row.is_output && !program->every_row)
            continue;
        if (put(p, &row, n, i, err) < 0)
            return -1;
        if (i % 4096 == 4095 && p->matcher.interrupted(p->matcher.self))
            return err_set(err, ERR_USER_CANCELED, "Query was canceled");
    }
    return 0;
}

/* ---- the walk ---- */

static int skip_to(const Partition *p, int64_t *ret_skipped, Error *err)
{
    const MatchProgram *program = p->program;
    MatchNavigation n = {
        .labels = program->after_labels, .is_last = program->after == AFTER_TO_LAST, .is_final = true};
    int64_t label, to = partition_navigate(p, &n, p->matcher.n_labels, p->matcher.n_labels - 1, &label);
    if (to < 0)
        return err_set(err, ERR_GENERIC_USER_ERROR,
                       "AFTER MATCH SKIP failed: pattern variable is not present in match");
    if (to == (int64_t)p->matcher.start)
        return err_set(err, ERR_GENERIC_USER_ERROR,
                       "AFTER MATCH SKIP failed: cannot skip to first row of match");
    *ret_skipped = to - 1;
    return 0;
}

static int search(Partition *p, size_t current, bool *ret_matched, Error *err)
{
    const MatchProgram *program = p->program;
    p->search_first = program->frame == FRAME_WHOLE ? 0 : current;
    p->search_end = p->n_rows;
    if (program->frame == FRAME_TO_CURRENT)
        p->search_end = current + 1;
    if (program->frame == FRAME_TO_OFFSET) {
        int64_t ahead = p->frame_end(p->self, current);
        if (ahead < 0)
            return err_set(err, ERR_INVALID_WINDOW_FRAME,
                           "Window frame ending offset must not be negative or null");
        if ((uint64_t)ahead < p->n_rows - current - 1)
            p->search_end = current + 1 + (size_t)ahead;
    }
    size_t start = current;
    for (;;) {
        if (matcher_run(&p->matcher, p->search_first, start, p->search_end, ret_matched, err) < 0)
            return -1;
        if (*ret_matched || !program->seek || start + 1 >= p->search_end)
            return 0;
        start++;
    }
}

int partition_run(Partition *p, Error *err)
{
    const MatchProgram *program = p->program;
    int64_t skipped = -1, matched = -1, match = 0;
    bool window = program->output == OUTPUT_WINDOW;
    p->number = 1;
    for (size_t current = 0; current < p->n_rows; current++) {
        bool found = false;
        if ((int64_t)current <= skipped) {
            if (window && put_alone(p, current, -1, &match, err) < 0)
                return -1;
            continue;
        }
        if (current % 1024 == 0 && p->matcher.interrupted(p->matcher.self))
            return err_set(err, ERR_USER_CANCELED, "Query was canceled");
        if (search(p, current, &found, err) < 0)
            return -1;
        skipped = (int64_t)current;
        if (!found) {
            bool shown = window || (program->output == OUTPUT_ALL_UNMATCHED && (int64_t)current > matched);
            if (shown && put_alone(p, current, -1, &match, err) < 0)
                return -1;
            continue;
        }
        if (p->matcher.n_labels == 0) {
            bool shown = program->output != OUTPUT_ALL_OMIT_EMPTY;
            if (shown && put_alone(p, current, p->number, &match, err) < 0)
                return -1;
            p->number++;
            continue;
        }
        if (put_match(p, current, &match, err) < 0)
            return -1;
        int64_t last = (int64_t)(p->matcher.start + p->matcher.n_labels) - 1;
        matched = last > matched ? last : matched;
        if (program->after == AFTER_PAST_LAST)
            skipped = last;
        else if (program->after != AFTER_TO_NEXT && skip_to(p, &skipped, err) < 0)
            return -1;
        p->number++;
    }
    return 0;
}

void partition_free(Partition *p)
{
    matcher_free(&p->matcher);
    free(p->rows);
    free(p->navigated);
    free(p->labels);
    p->rows = NULL;
    p->navigated = p->labels = NULL;
}
