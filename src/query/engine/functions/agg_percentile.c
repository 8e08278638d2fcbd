/* agg_percentile.c - approx_percentile: over a t-digest; with an accuracy, over a q-digest. */
#include <math.h>

#include "query/engine/functions/aggregate.h"
#include "query/engine/functions/sketch.h"

/* Values reach these functions as doubles (t-digest) or as integers of the same order (q-digest). */
enum { WEIGHTED = 1, ARRAY = 2, PERCENTILES_MAX = 10000 };

typedef struct Percentile {
    AggObject head;
    TDigest digest;
    double *percentiles;
    size_t n, capacity;
} Percentile;

static bool check_weight(AggCall *c, double weight)
{
    char text[NUMBER_TEXT_MAX];
    int n = (int)(put_double(text, weight) - text);
    if (!isfinite(weight))
        agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "weight must be finite, was %.*s", n, text);
    else if (weight < 1)
        agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "weight must be >= 1, was %.*s", n, text);
    return !c->failed;
}

static bool check_value(AggCall *c, double value)
{
    char text[NUMBER_TEXT_MAX];
    int n = (int)(put_double(text, value) - text);
    if (!isfinite(value))
        agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "value must be finite; was %.*s", n, text);
    return !c->failed;
}

static int take_percentiles(AggCall *c, Percentile *p, size_t arg, size_t row, Error *err)
{
    duckdb_list_entry list = AGG_ARG(c, arg, duckdb_list_entry, row);
    if (list.length > PERCENTILES_MAX)
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "More than %d percentiles", PERCENTILES_MAX);
    duckdb_vector child = duck->list_vector_get_child(c->in[arg].vector);
    const double *values = duck->vector_get_data(child);
    const uint64_t *validity = duck->vector_get_validity(child);
    if (list.length > p->capacity) {
        if (held_resize(&p->percentiles, p->capacity * 8, list.length * 8, err))
            return -1;
        p->capacity = list.length;
    }
    for (size_t i = 0; i < list.length; i++) {
        if (!duckdb_is_valid(validity, list.offset + i))
            return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Percentile cannot be null");
        p->percentiles[i] = values[list.offset + i];
        if (!(p->percentiles[i] >= 0 && p->percentiles[i] <= 1))
            return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Percentile must be between 0 and 1");
    }
    p->n = list.length;
    return 0;
}

static int take_percentile(AggCall *c, Percentile *p, size_t arg, size_t row, Error *err)
{
    if (!p->capacity) {
        if (held_resize(&p->percentiles, 0, 8, err))
            return -1;
        p->capacity = 1;
    }
    p->percentiles[0] = AGG_ARG(c, arg, double, row);
    p->n = 1;
    return 0;
}

/* (value [, weight], percentile or percentiles); the last percentile of a group is what counts */
static void add(AggCall *c, void *object, size_t row)
{
    Percentile *p = object;
    Error err;
    double value = AGG_ARG(c, 0, double, row), weight = 1;
    size_t last = c->n_in - 1;
    if (p->digest.compression == 0)
        tdigest_init(&p->digest);
    bool is_array = c->def->arg & ARRAY;
    if (is_array && take_percentiles(c, p, last, row, &err)) {
        agg_fail_error(c, &err);
        return;
    }
    if (c->def->arg & WEIGHTED) {
        weight = AGG_ARG(c, 1, double, row);
        if (!check_weight(c, weight))
            return;
    }
    if (!check_value(c, value))
        return;
    if (tdigest_add(&p->digest, value, weight, &err) || (!is_array && take_percentile(c, p, last, row, &err)))
        agg_fail_error(c, &err);
}

static void merge(AggCall *c, void *into, const void *from)
{
    Percentile *p = into;
    const Percentile *other = from;
    Error err;
    if (p->digest.compression == 0)
        tdigest_init(&p->digest);
    if (tdigest_merge(&p->digest, &other->digest, &err) ||
        (other->n > p->capacity && held_resize(&p->percentiles, p->capacity * 8, other->n * 8, &err))) {
        agg_fail_error(c, &err);
        return;
    }
    p->capacity = other->n > p->capacity ? other->n : p->capacity;
    p->n = other->n;
    if (p->n)
        memcpy(p->percentiles, other->percentiles, p->n * 8);
}

static void release(void *object)
{
    Percentile *p = object;
    tdigest_release(&p->digest);
    held_free(p->percentiles, p->capacity * 8);
}

static void finish(AggCall *c, void *object, size_t row)
{
    Percentile *p = object;
    Error err;
    if (p->digest.total == 0) {
        agg_set_null(c, row);
        return;
    }
    if (!(c->def->arg & ARRAY)) {
        if (!(p->percentiles[0] >= 0 && p->percentiles[0] <= 1))
            agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Percentile must be between 0 and 1");
        else if (tdigest_values(&p->digest, p->percentiles, 1, &AGG_OUT(c, double, row), &err))
            agg_fail_error(c, &err);
        return;
    }
    duckdb_vector child;
    size_t at = agg_put_list(c, row, p->n, &child);
    if (tdigest_values(&p->digest, p->percentiles, p->n, (double *)duck->vector_get_data(child) + at, &err))
        agg_fail_error(c, &err);
}

/* ---- with an accuracy ---- */

typedef struct Accurate {
    AggObject head;
    QDigest digest;
    double percentile;
} Accurate;

/* (value, weight, percentile, accuracy) */
static void add_accurate(AggCall *c, void *object, size_t row)
{
    Accurate *p = object;
    Error err;
    double weight = AGG_ARG(c, 1, double, row), accuracy = AGG_ARG(c, 3, double, row);
    if (!(weight > 0)) {
        agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "percentile weight must be > 0");
        return;
    }
    if (p->digest.max_error == 0) {
        if (!(accuracy > 0 && accuracy < 1)) {
            agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                     "Percentile accuracy must be strictly between 0 and 1");
            return;
        }
        qdigest_init(&p->digest, accuracy);
    }
    if (qdigest_add(&p->digest, AGG_ARG(c, 0, int64_t, row), weight, &err))
        agg_fail_error(c, &err);
    p->percentile = AGG_ARG(c, 2, double, row);
}

static void merge_accurate(AggCall *c, void *into, const void *from)
{
    Accurate *p = into;
    const Accurate *other = from;
    Error err;
    if (p->digest.max_error == 0)
        qdigest_init(&p->digest, other->digest.max_error);
    if (qdigest_merge(&p->digest, &other->digest, &err))
        agg_fail_error(c, &err);
    p->percentile = other->percentile;
}

static void release_accurate(void *object)
{
    qdigest_release(&((Accurate *)object)->digest);
}

static void finish_accurate(AggCall *c, void *object, size_t row)
{
    const Accurate *p = object;
    if (p->digest.weight == 0)
        agg_set_null(c, row);
    else if (!(p->percentile >= 0 && p->percentile <= 1))
        agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Percentile must be between 0 and 1");
    else
        qdigest_values(&p->digest, &p->percentile, 1, &AGG_OUT(c, int64_t, row));
}

#define PERCENTILE sizeof(Percentile), add, merge, finish, release
const AggDef agg_percentile_aggregates[] = {
    {"t_approx_percentile", "dd>d", PERCENTILE, 0},
    {"t_approx_percentile", "ddd>d", PERCENTILE, WEIGHTED},
    {"t_approx_percentile", "dF>F", PERCENTILE, ARRAY},
    {"t_approx_percentile", "ddF>F", PERCENTILE, WEIGHTED | ARRAY},
    {"t_approx_percentile_accurate", "8ddd>8", sizeof(Accurate), add_accurate, merge_accurate,
     finish_accurate, release_accurate, 0},
    {0},
};
