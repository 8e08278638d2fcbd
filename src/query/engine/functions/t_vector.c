/* t_vector.c - vectors: arrays of doubles, and maps from anything to doubles (sparse vectors). */
#include "query/engine/functions/values.h"

#include <math.h>

enum { VECTOR_DOT, VECTOR_EUCLIDEAN, VECTOR_SIMILARITY, VECTOR_DISTANCE };

typedef struct Sums {
    double dot, square, squares[2]; /* square: of the difference */
} Sums;

static double finish(int what, const Sums *s, double magnitudes)
{
    double similarity = s->dot / magnitudes;
    switch (what) {
    case VECTOR_DOT:
        return s->dot;
    case VECTOR_EUCLIDEAN:
        return sqrt(s->square);
    case VECTOR_SIMILARITY:
        return similarity;
    default:
        return 1 - similarity;
    }
}

/* A NULL element counts as 0; false when there was one. */
static bool sum_lists(const double *data[2], uint64_t *const validity[2], duckdb_list_entry x, size_t y,
                      Sums *s)
{
    bool complete = true;
    for (size_t i = 0; i < x.length; i++) {
        bool has_a = duckdb_is_valid(validity[0], x.offset + i), has_b = duckdb_is_valid(validity[1], y + i);
        double a = has_a ? data[0][x.offset + i] : 0, b = has_b ? data[1][y + i] : 0;
        complete = complete && has_a && has_b;
        s->dot += a * b;
        s->square += (a - b) * (a - b);
        s->squares[0] += a * a;
        s->squares[1] += b * b;
    }
    return complete;
}

static void run_lists(Call *c)
{
    const double *data[2];
    uint64_t *validity[2];
    for (size_t i = 0; i < 2; i++) {
        duckdb_vector child = duck->list_vector_get_child(c->in[i].vector);
        data[i] = duck->vector_get_data(child);
        validity[i] = duck->vector_get_validity(child);
    }
    CALL_ROWS(c, row) {
        duckdb_list_entry x = ARG(c, 0, duckdb_list_entry, row), y = ARG(c, 1, duckdb_list_entry, row);
        Sums s = {0};
        if (x.length != y.length) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "The arguments must have the same length");
            return;
        }
        if (!sum_lists(data, validity, x, y.offset, &s) && c->def->arg >= VECTOR_SIMILARITY) {
            call_set_null(c, row);
            continue;
        }
        if (c->def->arg >= VECTOR_SIMILARITY && (s.squares[0] == 0 || s.squares[1] == 0)) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Vector magnitude cannot be zero");
            return;
        }
        OUT(c, double, row) = finish(c->def->arg, &s, sqrt(s.squares[0] * s.squares[1]));
    }
}

static double number(const Values *v, size_t i)
{
    return ((const double *)v->data)[i];
}

/* The dot product by the keys of the first map; false when a value is NULL. */
static bool sum_maps(const Values *maps, size_t row, Arena *arena, Sums *s)
{
    const Values *keys[2], *values[2];
    duckdb_list_entry in[2];
    for (size_t m = 0; m < 2; m++) {
        keys[m] = &maps[m].children[0].children[0];
        values[m] = &maps[m].children[0].children[1];
        in[m] = value_list(&maps[m], row);
        for (size_t i = in[m].offset; i < in[m].offset + in[m].length; i++) {
            if (value_is_null(values[m], i))
                return false;
            s->squares[m] += number(values[m], i) * number(values[m], i);
        }
    }
    ValueSet set = value_set_new(keys[1], in[1].length, arena);
    for (size_t i = in[1].offset; i < in[1].offset + in[1].length; i++)
        value_set_add(&set, i);
    for (size_t i = in[0].offset; i < in[0].offset + in[0].length; i++) {
        size_t at = value_set_find(&set, keys[0], i);
        if (at != SIZE_MAX)
            s->dot += number(values[0], i) * number(values[1], at);
    }
    return true;
}

static void run_maps(Call *c)
{
    _cleanup_arena_ Arena *views = arena_new(1 << 20);
    Values maps[2];
    Error err = {0};
    for (size_t i = 0; i < 2; i++)
        if (values_of(c->in[i].vector, views, &maps[i], &err) < 0) {
            call_fail_error(c, &err);
            return;
        }
    CALL_ROWS(c, row) {
        _cleanup_arena_ Arena *arena = arena_new(1 << 30);
        Sums s = {0};
        if (!sum_maps(maps, row, arena, &s))
            call_set_null(c, row);
        else
            OUT(c, double, row) = finish(c->def->arg, &s, sqrt(s.squares[0]) * sqrt(s.squares[1]));
    }
}

const FunctionDef t_vector_functions[] = {
    {"t_dot_product", "FF>d", run_lists, VECTOR_DOT},
    {"t_euclidean_distance", "FF>d", run_lists, VECTOR_EUCLIDEAN},
    {"t_cosine_similarity", "FF>d", run_lists, VECTOR_SIMILARITY},
    {"t_cosine_distance", "FF>d", run_lists, VECTOR_DISTANCE},
    {"t_map_cosine_similarity", "**>d", run_maps, VECTOR_SIMILARITY},
    {"t_map_cosine_distance", "**>d", run_maps, VECTOR_DISTANCE},
    {NULL, NULL, NULL, 0},
};
