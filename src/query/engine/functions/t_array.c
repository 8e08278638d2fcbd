/* t_array.c - functions of arrays whose result depends on how elements compare.
 *
 * A function of DuckDB's C API cannot give back its argument's type. So these answer with positions (from 1),
 * and list_select() or list_extract() of the same list takes the elements. */
#include "query/engine/functions/values.h"

#include <stdlib.h>

enum {
    SCRATCH_ARENA_BYTES = 1 << 30, /* sets and orders of one chunk's lists */
};

/* ---- results ---- */

/* BIGINT[], or the inner lists of BIGINT[][]. */
typedef struct Positions {
    Call *call;
    duckdb_vector list; /* the vector of lists whose child grows */
    int64_t *data;
    size_t n, capacity, start;
} Positions;

static Positions positions_new(Call *c, duckdb_vector list)
{
    return (Positions){.call = c, .list = list};
}

static void positions_add(Positions *p, size_t position)
{
    if (p->n == p->capacity) {
        p->capacity = p->capacity ? p->capacity * 2 : 2048;
        duck->list_vector_set_size(p->list, p->n);
        duck->list_vector_reserve(p->list, p->capacity);
        p->data = duck->vector_get_data(duck->list_vector_get_child(p->list));
    }
    p->data[p->n++] = (int64_t)position;
}

static void positions_end(Positions *p, size_t row)
{
    ((duckdb_list_entry *)duck->vector_get_data(p->list))[row] =
        (duckdb_list_entry){p->start, p->n - p->start};
    p->start = p->n;
    duck->list_vector_set_size(p->list, p->n);
}

/* BIGINT[][]. */
typedef struct Groups {
    Positions inner;
    duckdb_vector outer;
    size_t n, capacity, start;
} Groups;

static Groups groups_new(Call *c)
{
    return (Groups){.inner = positions_new(c, duck->list_vector_get_child(c->out)), .outer = c->out};
}

static void groups_end_inner(Groups *g)
{
    if (g->n == g->capacity) {
        g->capacity = g->capacity ? g->capacity * 2 : 2048;
        duck->list_vector_set_size(g->outer, g->n);
        duck->list_vector_reserve(g->outer, g->capacity);
    }
    positions_end(&g->inner, g->n++);
}

static void groups_end(Groups *g, size_t row)
{
    OUT(g->inner.call, duckdb_list_entry, row) = (duckdb_list_entry){g->start, g->n - g->start};
    g->start = g->n;
    duck->list_vector_set_size(g->outer, g->n);
}

/* ---- arguments ---- */

typedef struct Lists {
    Arena *arena;
    Values of[2]; /* the arguments */
} Lists;

static bool lists_open(Call *c, Lists *l)
{
    Error err = {0};
    l->arena = arena_new(SCRATCH_ARENA_BYTES);
    for (size_t i = 0; i < c->n_in && i < 2; i++)
        if (values_of(c->in[i].vector, l->arena, &l->of[i], &err) < 0)
            call_fail_error(c, &err);
    return !c->failed;
}

static void lists_close(Lists *l)
{
    arena_free(l->arena);
}

static const Values *elements(const Lists *l, size_t arg)
{
    return &l->of[arg].children[0];
}

static void fail_contains_null(Call *c, const char *name)
{
    call_fail(c, ERR_NOT_SUPPORTED, "%s does not support arrays with elements that are null or contain null",
              name);
}

/* ---- sets ---- */

static void run_distinct(Call *c)
{
    Lists l;
    Positions out = positions_new(c, c->out);
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            duckdb_list_entry list = value_list(&l.of[0], row);
            _cleanup_arena_ Arena *arena = arena_new(SCRATCH_ARENA_BYTES);
            ValueSet set = value_set_new(elements(&l, 0), list.length, arena);
            for (size_t i = list.offset; i < list.offset + list.length; i++)
                if (value_set_add(&set, i) == i)
                    positions_add(&out, i - list.offset + 1);
            positions_end(&out, row);
        }
    lists_close(&l);
}

/* except (arg 0): each of the first that is not in the second; intersect (arg 1): each of the longer (the
 * first, when equally long) that is in the other. */
static void run_membership(Call *c)
{
    Lists l;
    Positions out = positions_new(c, c->out);
    bool wanted = c->def->arg;
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            duckdb_list_entry lists[2] = {value_list(&l.of[0], row), value_list(&l.of[1], row)};
            size_t of = wanted && lists[0].length < lists[1].length, in = 1 - of;
            _cleanup_arena_ Arena *arena = arena_new(SCRATCH_ARENA_BYTES);
            ValueSet seen = value_set_new(elements(&l, of), lists[of].length, arena),
                     others = value_set_new(elements(&l, in), lists[in].length, arena);
            for (size_t i = lists[in].offset; i < lists[in].offset + lists[in].length; i++)
                value_set_add(&others, i);
            for (size_t i = lists[of].offset; i < lists[of].offset + lists[of].length; i++)
                if (value_set_add(&seen, i) == i &&
                    (value_set_find(&others, elements(&l, of), i) != SIZE_MAX) == wanted)
                    positions_add(&out, i - lists[of].offset + 1);
            positions_end(&out, row);
        }
    lists_close(&l);
}

static bool has_null(const Values *v, duckdb_list_entry list)
{
    for (size_t i = list.offset; i < list.offset + list.length; i++)
        if (value_is_null(v, i))
            return true;
    return false;
}

static void run_overlap(Call *c)
{
    Lists l;
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            duckdb_list_entry a = value_list(&l.of[0], row), b = value_list(&l.of[1], row);
            _cleanup_arena_ Arena *arena = arena_new(SCRATCH_ARENA_BYTES);
            ValueSet set = value_set_new(elements(&l, 0), a.length, arena);
            for (size_t i = a.offset; i < a.offset + a.length; i++)
                value_set_add(&set, i);
            bool found = false;
            for (size_t i = b.offset; i < b.offset + b.length && !found; i++)
                found = !value_is_null(elements(&l, 1), i) &&
                        value_set_find(&set, elements(&l, 1), i) != SIZE_MAX;
            OUT(c, bool, row) = found;
            if (!found && a.length && b.length &&
                (has_null(elements(&l, 0), a) || has_null(elements(&l, 1), b)))
                call_set_null(c, row);
        }
    lists_close(&l);
}

static void check_entries(Call *c, const Values *rows, duckdb_list_entry list)
{
    if (has_null(rows, list))
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "map entry cannot be null");
    else if (has_null(&rows->children[0], list))
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "map key cannot be null");
}

/* Positions of equal elements, group by group in the order of their first; arg 1: of rows with equal first
 * fields, which are entries of a map. */
static void run_groups(Call *c)
{
    Lists l;
    Groups out = groups_new(c);
    bool entries = c->def->arg;
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            duckdb_list_entry list = value_list(&l.of[0], row);
            const Values *keys = entries ? &elements(&l, 0)->children[0] : elements(&l, 0);
            if (entries)
                check_entries(c, elements(&l, 0), list);
            _cleanup_arena_ Arena *arena = arena_new(SCRATCH_ARENA_BYTES);
            ValueSet set = value_set_new(keys, list.length, arena);
            size_t *next = arena_array(arena, size_t, list.length + 1), /* of the same group; from 1 */
                *last = arena_array(arena, size_t, list.length + 1);
            for (size_t i = 0; i < list.length; i++) {
                size_t first = value_set_add(&set, list.offset + i) - list.offset;
                if (first != i)
                    next[last[first]] = i + 1;
                last[first] = i;
            }
            for (size_t i = 0; i < list.length; i++) {
                if (last[i] < i)
                    continue; /* not the first of its group */
                for (size_t at = i + 1; at; at = next[at - 1])
                    positions_add(&out.inner, at);
                groups_end_inner(&out);
            }
            groups_end(&out, row);
        }
    lists_close(&l);
}

/* ---- one element ---- */

/* The first equal element's position, 0: none. Fails where equality is not known. */
static size_t find_equal(Call *c, const Lists *l, duckdb_list_entry list, size_t row, const char *name)
{
    for (size_t i = 0; i < list.length; i++) {
        if (value_is_null(elements(l, 0), list.offset + i))
            continue;
        Tristate equal = value_equal(elements(l, 0), list.offset + i, &l->of[1], row);
        if (equal == IS_TRUE)
            return i + 1;
        if (equal == IS_NULL) {
            fail_contains_null(c, name);
            return 0;
        }
    }
    return 0;
}

static void run_contains(Call *c)
{
    Lists l;
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            duckdb_list_entry list = value_list(&l.of[0], row);
            bool found = find_equal(c, &l, list, row, "contains") > 0;
            OUT(c, bool, row) = found;
            if (!found && has_null(elements(&l, 0), list))
                call_set_null(c, row);
        }
    lists_close(&l);
}

static void run_position(Call *c)
{
    Lists l;
    if (lists_open(c, &l))
        CALL_ROWS(c, row)
            OUT(c, int64_t, row) =
                (int64_t)find_equal(c, &l, value_list(&l.of[0], row), row, "array_position");
    lists_close(&l);
}

static void run_remove(Call *c)
{
    Lists l;
    Positions out = positions_new(c, c->out);
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            duckdb_list_entry list = value_list(&l.of[0], row);
            for (size_t i = 0; i < list.length; i++) {
                Tristate equal = value_is_null(elements(&l, 0), list.offset + i)
                                     ? IS_FALSE
                                     : value_equal(elements(&l, 0), list.offset + i, &l.of[1], row);
                if (equal == IS_NULL)
                    fail_contains_null(c, "array_remove");
                if (equal == IS_FALSE)
                    positions_add(&out, i + 1);
            }
            positions_end(&out, row);
        }
    lists_close(&l);
}

static void run_contains_sequence(Call *c)
{
    Lists l;
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            duckdb_list_entry list = value_list(&l.of[0], row), run = value_list(&l.of[1], row);
            bool found = run.length == 0;
            for (size_t i = 0; !found && i + run.length <= list.length; i++) {
                size_t n = 0;
                while (n < run.length && value_identical(elements(&l, 0), list.offset + i + n,
                                                         elements(&l, 1), run.offset + n))
                    n++;
                found = n == run.length;
            }
            OUT(c, bool, row) = found;
        }
    lists_close(&l);
}

/* ---- order ---- */

/* Merges sorted halves of positions[0..n), stable. */
static void merge_sort(const Values *of, size_t *positions, size_t *scratch, size_t n)
{
    if (n < 2)
        return;
    size_t half = n / 2;
    merge_sort(of, positions, scratch, half);
    merge_sort(of, positions + half, scratch, n - half);
    memcpy(scratch, positions, n * sizeof *scratch);
    for (size_t i = 0, j = half, k = 0; k < n; k++) {
        bool second = i == half || (j < n && value_order(of, scratch[j], of, scratch[i], false) < 0);
        positions[k] = second ? scratch[j++] : scratch[i++];
    }
}

/* Ascending, NaN last, then the NULLs. */
static void run_sort(Call *c)
{
    Lists l;
    Positions out = positions_new(c, c->out);
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            duckdb_list_entry list = value_list(&l.of[0], row);
            _cleanup_arena_ Arena *arena = arena_new(SCRATCH_ARENA_BYTES);
            size_t *order = arena_array(arena, size_t, list.length + 1),
                   *scratch = arena_array(arena, size_t, list.length + 1), n = 0;
            for (size_t i = list.offset; i < list.offset + list.length; i++)
                if (!value_is_null(elements(&l, 0), i))
                    order[n++] = i;
            merge_sort(elements(&l, 0), order, scratch, n);
            for (size_t i = 0; i < n; i++)
                positions_add(&out, order[i] - list.offset + 1);
            for (size_t i = list.offset; i < list.offset + list.length; i++)
                if (value_is_null(elements(&l, 0), i))
                    positions_add(&out, i - list.offset + 1);
            positions_end(&out, row);
        }
    lists_close(&l);
}

/* arg: 1 the greatest, -1 the least. NaN only where there is nothing else; NULL when an element is. */
static void run_extreme(Call *c)
{
    Lists l;
    int sign = c->def->arg;
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            duckdb_list_entry list = value_list(&l.of[0], row);
            if (list.length == 0 || has_null(elements(&l, 0), list)) {
                call_set_null(c, row);
                continue;
            }
            size_t best = list.offset;
            for (size_t i = best + 1; i < list.offset + list.length; i++)
                if (sign * value_order(elements(&l, 0), i, elements(&l, 0), best, sign > 0) > 0)
                    best = i;
            OUT(c, int64_t, row) = (int64_t)(best - list.offset + 1);
        }
    lists_close(&l);
}

/* array_sort with a comparator: the layers of Batcher's odd-even merge sort of n values. Layer after layer, p
 * = 1, 2, 4 … below n and k = p … 1. */
static bool layer_of(int64_t n, int64_t layer, int64_t *ret_p, int64_t *ret_k)
{
    int64_t at = 0;
    for (int64_t p = 1; p < n; p *= 2)
        for (int64_t k = p; k >= 1; k /= 2, at++)
            if (at == layer) {
                *ret_p = p;
                *ret_k = k;
                return true;
            }
    *ret_p = at; /* how many there are */
    return false;
}

static void run_sort_layers(Call *c)
{
    CALL_ROWS(c, row) {
        int64_t count, k;
        layer_of(ARG(c, 0, int64_t, row), -1, &count, &k);
        OUT(c, int64_t, row) = count;
    }
}

/* Is `at` the lower of a pair that is compared with at + k? */
static bool is_lower(int64_t at, int64_t n, int64_t p, int64_t k)
{
    int64_t first = k % p;
    return at >= first && (at - first) % (2 * k) < k && at + k < n && at / (2 * p) == (at + k) / (2 * p);
}

/* For each position the one it is compared with in that layer; itself: none. */
static void run_sort_partners(Call *c)
{
    Positions out = positions_new(c, c->out);
    CALL_ROWS(c, row) {
        int64_t n = ARG(c, 0, int64_t, row), p, k;
        if (!layer_of(n, ARG(c, 1, int64_t, row), &p, &k))
            n = 0;
        for (int64_t at = 0; at < n; at++) {
            int64_t partner = is_lower(at, n, p, k)                  ? at + k
                              : at >= k && is_lower(at - k, n, p, k) ? at - k
                                                                     : at;
            positions_add(&out, (size_t)partner + 1);
        }
        positions_end(&out, row);
    }
}

/* What the comparator said of elements i > j (from 0); the call fails where it said nothing usable. */
static int compared(Call *c, duckdb_list_entry rows, const Values *lists, size_t i, size_t j)
{
    size_t at = value_list(lists, rows.offset + i - 1).offset + j;
    const Values *said = &lists->children[0];
    int32_t order = value_is_null(said, at) ? 2 : ((const int32_t *)said->data)[at];
    if (order < -1 || order > 1)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Lambda comparator must return either -1, 0, or 1");
    return order;
}

/* Java's sort of fewer than 32 elements: the run at the start, turned when it descends, then binary
 * insertion. Comparators that contradict themselves (as with NULLs they do) give what Java gives. */
static void insertion_sort(Call *c, duckdb_list_entry rows, const Values *lists, size_t *order)
{
    size_t n = rows.length + 1, run = 2;
    bool descends = compared(c, rows, lists, 1, 0) < 0;
    while (run < n && (compared(c, rows, lists, run, run - 1) < 0) == descends)
        run++;
    for (size_t i = 0; i < n; i++)
        order[i] = descends && i < run ? run - 1 - i : i;
    for (size_t next = run; next < n && !c->failed; next++) {
        size_t low = 0, high = next;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (compared(c, rows, lists, next, order[middle]) < 0)
                high = middle;
            else
                low = middle + 1;
        }
        memmove(order + low + 1, order + low, (next - low) * sizeof *order);
        order[low] = next;
    }
}

/* From the comparisons of each element but the first with all before it. */
static void run_insertion(Call *c)
{
    enum { INSERTION_MAX = 31 };
    Lists l;
    Positions out = positions_new(c, c->out);
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            duckdb_list_entry rows = value_list(&l.of[0], row);
            size_t order[INSERTION_MAX + 1] = {0};
            if (rows.length > 0 && rows.length < INSERTION_MAX)
                insertion_sort(c, rows, elements(&l, 0), order);
            for (size_t i = 0; i <= rows.length && i < INSERTION_MAX; i++)
                positions_add(&out, order[i] + 1);
            positions_end(&out, row);
        }
    lists_close(&l);
}

static void run_check_keys(Call *c)
{
    Lists l;
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            duckdb_list_entry list = value_list(&l.of[0], row);
            for (size_t i = list.offset; i < list.offset + list.length; i++)
                if (!value_is_null(elements(&l, 0), i) && value_has_null(elements(&l, 0), i))
                    call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "map key cannot be indeterminate");
            OUT(c, bool, row) = true;
        }
    lists_close(&l);
}

static void run_check_comparator(Call *c)
{
    for (size_t row = 0; row < c->n && !c->failed; row++) {
        int32_t order = ARG(c, 0, int32_t, row);
        if (!duckdb_is_valid(c->in[0].validity, row) || order < -1 || order > 1)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Lambda comparator must return either -1, 0, or 1");
        OUT(c, int32_t, row) = order;
    }
}

/* ---- two values ---- */

enum { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };

static void run_compare(Call *c)
{
    Lists l;
    int op = c->def->arg;
    if (lists_open(c, &l))
        CALL_ROWS(c, row) {
            bool turned = op >= COMPARE_GT;
            Tristate result = op <= COMPARE_NE ? value_equal(&l.of[0], row, &l.of[1], row)
                                               : value_less(&l.of[turned], row, &l.of[!turned], row,
                                                            op == COMPARE_LE || op == COMPARE_GE);
            OUT(c, bool, row) = (result == IS_TRUE) != (op == COMPARE_NE);
            if (result == IS_NULL)
                call_set_null(c, row);
        }
    lists_close(&l);
}

static void run_identical(Call *c)
{
    Lists l;
    if (lists_open(c, &l))
        for (size_t row = 0; row < c->n; row++)
            OUT(c, bool, row) = value_identical(&l.of[0], row, &l.of[1], row);
    lists_close(&l);
}

/* ---- runs and choices ---- */

enum { COMBINATION_MAX = 5, COMBINATIONS_MAX = 100000, NGRAM_POSITIONS_MAX = 64 << 20 };

/* n over k, or -1 when it is more than `most`. */
static int64_t binomial(int64_t n, int64_t k, int64_t most)
{
    int64_t result = 1;
    for (int64_t i = 1; i <= k; i++) {
        result = result * (n - k + i) / i;
        if (result > most * COMBINATION_MAX)
            return -1;
    }
    return result;
}

static bool check_combinations(Call *c, int64_t n, int64_t k)
{
    if (k < 0) {
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "combination size must not be negative: %lld",
                  (long long)k);
        return false;
    }
    if (k > COMBINATION_MAX) {
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "combination size must not exceed %d: %lld",
                  COMBINATION_MAX, (long long)k);
        return false;
    }
    int64_t count = k > n ? 0 : n > INT32_MAX ? -1 : binomial(n, k, COMBINATIONS_MAX);
    if (count < 0 || count * k > COMBINATIONS_MAX) {
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "combinations exceed max size");
        return false;
    }
    return true;
}

/* All choices of k out of n positions, in lexicographic order of the last chosen. */
static void run_combinations(Call *c)
{
    Groups out = groups_new(c);
    CALL_ROWS(c, row) {
        int64_t n = ARG(c, 0, int64_t, row), k = ARG(c, 1, int32_t, row);
        if (!check_combinations(c, n, k))
            return;
        int64_t chosen[COMBINATION_MAX + 1];
        for (int64_t i = 0; i < k; i++)
            chosen[i] = i;
        chosen[k] = n;
        for (bool more = k <= n; more;) {
            for (int64_t i = 0; i < k; i++)
                positions_add(&out.inner, (size_t)chosen[i] + 1);
            groups_end_inner(&out);
            int64_t i = 0;
            while (i < k && chosen[i] + 1 == chosen[i + 1]) {
                chosen[i] = i;
                i++;
            }
            more = i < k;
            if (more)
                chosen[i]++;
        }
        groups_end(&out, row);
    }
}

/* Runs of n neighbours; all of them when there are no more. */
static void run_ngrams(Call *c)
{
    Groups out = groups_new(c);
    CALL_ROWS(c, row) {
        int64_t length = ARG(c, 0, int64_t, row), n = ARG(c, 1, int32_t, row);
        if (n <= 0) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "N must be positive");
            return;
        }
        int64_t size = n < length ? n : length, runs = length - size + 1;
        if ((int64_t)out.inner.n + runs * size > NGRAM_POSITIONS_MAX) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "The result of ngrams has more than %d elements",
                      NGRAM_POSITIONS_MAX);
            return;
        }
        for (int64_t i = 0; i < runs; i++) {
            for (int64_t k = 0; k < size; k++)
                positions_add(&out.inner, (size_t)(i + k) + 1);
            groups_end_inner(&out);
        }
        groups_end(&out, row);
    }
}

const FunctionDef t_array_functions[] = {
    {"t_distinct_positions", "*>P", run_distinct, 0},
    {"t_except_positions", "**>P", run_membership, 0},
    {"t_intersect_positions", "**>P", run_membership, 1},
    {"t_remove_positions", "**>P", run_remove, 0},
    {"t_sort_positions", "*>P", run_sort, 0},
    {"t_group_positions", "*>Q", run_groups, 0},
    {"t_entry_groups", "*>Q", run_groups, 1},
    {"t_sort_layers", "8>8", run_sort_layers, 0},
    {"t_sort_partners", "88>P", run_sort_partners, 0},
    {"t_insertion_positions", "*>P", run_insertion, 0},
    {"t_keys_are_known", "*>b", run_check_keys, 0},
    {"t_check_comparator", "!4>4", run_check_comparator, 0},
    {"t_combination_positions", "84>Q", run_combinations, 0},
    {"t_ngram_positions", "84>Q", run_ngrams, 0},
    {"t_max_position", "*>8", run_extreme, 1},
    {"t_min_position", "*>8", run_extreme, -1},
    {"t_array_position", "**>8", run_position, 0},
    {"t_array_contains", "**>b", run_contains, 0},
    {"t_arrays_overlap", "**>b", run_overlap, 0},
    {"t_contains_sequence", "**>b", run_contains_sequence, 0},
    {"t_nested_eq", "**>b", run_compare, COMPARE_EQ},
    {"t_nested_ne", "**>b", run_compare, COMPARE_NE},
    {"t_nested_lt", "**>b", run_compare, COMPARE_LT},
    {"t_nested_le", "**>b", run_compare, COMPARE_LE},
    {"t_nested_gt", "**>b", run_compare, COMPARE_GT},
    {"t_nested_ge", "**>b", run_compare, COMPARE_GE},
    {"t_identical", "!**>b", run_identical, 0},
    {NULL, NULL, NULL, 0},
};
