/* t_list_size.c - what is checked before a list is made: DuckDB's lists are under no memory limit, so a size
 * that a statement names is looked at first. */
#include "query/engine/functions/values.h"

enum {
    REPEAT_MAX = 100000,
    REPEAT_BYTES_MAX = 4 << 20,
    SEQUENCE_MAX = 10000,
    STEP_DAY_MS = 86400000,
};

/* repeat(value, count) */
static void repeat_count(Call *c)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Values value;
    Error err = {0};
    if (values_of(c->in[0].vector, arena, &value, &err) < 0) {
        call_fail_error(c, &err);
        return;
    }
    for (size_t row = 0; row < c->n && !c->failed; row++) {
        if (!duckdb_is_valid(c->in[1].validity, row)) {
            call_set_null(c, row);
            continue;
        }
        int64_t count = ARG(c, 1, int64_t, row);
        if (count > REPEAT_MAX)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "count argument of repeat function must be less than or equal to %d", REPEAT_MAX);
        else if (count < 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "count argument of repeat function must be greater than or equal to 0");
        else if (count > 0 && value_size(&value, row) > (uint64_t)(REPEAT_BYTES_MAX / count))
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "result of repeat function must not take more than %d bytes", REPEAT_BYTES_MAX);
        OUT(c, int64_t, row) = count;
    }
}

/* trim_array(array, size): size, when the array (of length) has as many elements. */
static void trim_size(Call *c)
{
    CALL_ROWS(c, row) {
        int64_t size = ARG(c, 0, int64_t, row), length = ARG(c, 1, int64_t, row);
        if (size < 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "size must not be negative: %lld", (long long)size);
        else if (size > length)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "size must not exceed array cardinality %lld: %lld",
                      (long long)length, (long long)size);
        OUT(c, int64_t, row) = size;
    }
}

/* slice(array, start, count): where it begins, past the end when there is nothing. */
static void slice_begin(Call *c)
{
    CALL_ROWS(c, row) {
        int64_t start = ARG(c, 0, int64_t, row), count = ARG(c, 1, int64_t, row),
                length = ARG(c, 2, int64_t, row);
        if (count < 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "length must be greater than or equal to 0");
        else if (start == 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "SQL array indices start at 1");
        int64_t begin = start > 0 ? start : length + start + 1;
        OUT(c, int64_t, row) = begin < 1 || begin > length || count == 0 ? length + 1 : begin;
    }
}

/* The last position: of `begin`, count, length. */
static void slice_end(Call *c)
{
    CALL_ROWS(c, row) {
        int64_t begin = ARG(c, 0, int64_t, row), count = ARG(c, 1, int64_t, row),
                length = ARG(c, 2, int64_t, row);
        OUT(c, int64_t, row) = count > length - begin ? length : begin + count - 1;
    }
}

/* sequence(date, date, interval): whole days. */
static void day_step(Call *c)
{
    CALL_ROWS(c, row) {
        int64_t ms = ARG(c, 0, int64_t, row);
        if (ms % STEP_DAY_MS != 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "sequence step must be a day interval if start and end values are dates");
        OUT(c, int64_t, row) = ms / STEP_DAY_MS;
    }
}

/* sequence by months: start and stop in any unit, the whole months between them, and the step. Gives the last
 * number of months to add. */
static void month_stop(Call *c)
{
    CALL_ROWS(c, row) {
        int64_t start = ARG(c, 0, int64_t, row), stop = ARG(c, 1, int64_t, row),
                months = ARG(c, 2, int64_t, row), step = ARG(c, 3, int64_t, row);
        if (step == 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "step must not be zero");
        else if (step > 0 ? stop < start : stop > start)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "sequence stop value should be greater than or equal to start value if step is greater "
                      "than zero otherwise stop should be less than or equal to start");
        else if (months / step >= SEQUENCE_MAX)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "result of sequence function must not have more than %d entries", SEQUENCE_MAX);
        OUT(c, int64_t, row) = months;
    }
}

const FunctionDef t_list_size_functions[] = {
    {"t_repeat_count", "!*8>8", repeat_count, 0}, {"t_trim_size", "88>8", trim_size, 0},
    {"t_slice_begin", "888>8", slice_begin, 0},   {"t_slice_end", "888>8", slice_end, 0},
    {"t_day_step", "8>8", day_step, 0},           {"t_month_stop", "8888>8", month_stop, 0},
    {NULL, NULL, NULL, 0},
};
