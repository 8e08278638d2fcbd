/* agg_moment.c - variance, skewness, kurtosis, covariance, correlation and regression, with Trino's answers
 * for one row, NaN and infinity (DuckDB's own fail there, or say NaN for NULL). Central moments are updated
 * as in P. Pébay, "Formulas for Robust, One-Pass Parallel Computation" (2008). */
#include <math.h>

#include "query/engine/functions/aggregate.h"

typedef struct Moments {
    AggObject head;
    double n, mean, m2, m3, m4;
} Moments;

enum { VAR_SAMP, VAR_POP, STDDEV_SAMP, STDDEV_POP, SKEWNESS, KURTOSIS };

static void join_moments(Moments *a, double n, double mean, double m2, double m3, double m4)
{
    if (n == 0)
        return;
    if (a->n == 0) { /* else 0 times infinity, where the square of the mean is no double */
        a->n = n, a->mean = mean, a->m2 = m2, a->m3 = m3, a->m4 = m4;
        return;
    }
    double total = a->n + n, delta = mean - a->mean, d_n = delta / total, nn = a->n * n;
    a->m4 += m4 + delta * d_n * d_n * d_n * nn * (a->n * a->n - nn + n * n) +
             6 * d_n * d_n * (a->n * a->n * m2 + n * n * a->m2) + 4 * d_n * (a->n * m3 - n * a->m3);
    a->m3 += m3 + delta * d_n * d_n * nn * (a->n - n) + 3 * d_n * (a->n * m2 - n * a->m2);
    a->m2 += m2 + delta * d_n * nn;
    a->mean += d_n * n;
    a->n = total;
}

static void add_moments(AggCall *c, void *object, size_t row)
{
    Moments *a = object;
    double x = AGG_ARG(c, 0, double, row), before = a->n;
    a->n += 1;
    double delta = x - a->mean, d_n = delta / a->n, term = delta * d_n * before;
    if (c->def->arg >= SKEWNESS) {
        a->m4 += term * d_n * d_n * (a->n * a->n - 3 * a->n + 3) + 6 * d_n * d_n * a->m2 - 4 * d_n * a->m3;
        a->m3 += term * d_n * (a->n - 2) - 3 * d_n * a->m2;
    }
    a->m2 += delta * (x - (a->mean + d_n));
    a->mean += d_n;
}

static void merge_moments(AggCall *c, void *into, const void *from)
{
    const Moments *b = from;
    join_moments(into, b->n, b->mean, b->m2, b->m3, b->m4);
}

static void finish_moments(AggCall *c, void *object, size_t row)
{
    const Moments *a = object;
    static const double least[] = {
        [VAR_SAMP] = 2, [VAR_POP] = 1, [STDDEV_SAMP] = 2, [STDDEV_POP] = 1, [SKEWNESS] = 3, [KURTOSIS] = 4};
    double n = a->n, variance = a->m2 / (n - 1);
    if (n < least[c->def->arg]) {
        agg_set_null(c, row);
        return;
    }
    const double results[] = {
        [VAR_SAMP] = variance,
        [VAR_POP] = a->m2 / n,
        [STDDEV_SAMP] = sqrt(variance),
        [STDDEV_POP] = sqrt(a->m2 / n),
        [SKEWNESS] = sqrt(n) * a->m3 / pow(a->m2, 1.5),
        [KURTOSIS] = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * a->m4 / (variance * variance) -
                     3 * (n - 1) * (n - 1) / ((n - 2) * (n - 3)),
    };
    AGG_OUT(c, double, row) = results[c->def->arg];
}

/* ---- two variables ---- */

typedef struct Pair {
    AggObject head;
    double n, mean_x, mean_y, m2_x, m2_y, c2;
} Pair;

enum { COVAR_SAMP, COVAR_POP, CORR, SLOPE, INTERCEPT };

/* (y, x), in SQL's order */
static void add_pair(AggCall *c, void *object, size_t row)
{
    Pair *a = object;
    double y = AGG_ARG(c, 0, double, row), x = AGG_ARG(c, 1, double, row);
    a->n += 1;
    double dx = x - a->mean_x, dy = y - a->mean_y;
    a->mean_x += dx / a->n;
    a->mean_y += dy / a->n;
    a->c2 += dx * (y - a->mean_y);
    a->m2_x += dx * (x - a->mean_x);
    a->m2_y += dy * (y - a->mean_y);
}

static void merge_pair(AggCall *c, void *into, const void *from)
{
    Pair *a = into;
    const Pair *b = from;
    if (a->n == 0) {
        AggObject head = a->head;
        *a = *b;
        a->head = head;
        return;
    }
    double n = a->n + b->n, dx = b->mean_x - a->mean_x, dy = b->mean_y - a->mean_y, part = a->n * b->n / n;
    a->mean_x += dx * b->n / n;
    a->mean_y += dy * b->n / n;
    a->c2 += b->c2 + dx * dy * part;
    a->m2_x += b->m2_x + dx * dx * part;
    a->m2_y += b->m2_y + dy * dy * part;
    a->n = n;
}

static void finish_pair(AggCall *c, void *object, size_t row)
{
    const Pair *a = object;
    int what = c->def->arg;
    double slope = a->c2 / a->m2_x;
    const double results[] = {
        [COVAR_SAMP] = a->c2 / (a->n - 1),
        [COVAR_POP] = a->c2 / a->n,
        [CORR] = a->c2 / (sqrt(a->m2_x) * sqrt(a->m2_y)),
        [SLOPE] = slope,
        [INTERCEPT] = a->mean_y - slope * a->mean_x,
    };
    double result = results[what];
    bool needs_finite = what >= CORR;
    if ((what == COVAR_SAMP && a->n < 2) || (needs_finite && !isfinite(result)))
        agg_set_null(c, row);
    else
        AGG_OUT(c, double, row) = result;
}

/* ---- geometric mean ---- */

typedef struct Geometric {
    AggObject head;
    double n, sum;
} Geometric;

static void add_geometric(AggCall *c, void *object, size_t row)
{
    Geometric *a = object;
    a->n += 1;
    a->sum += log(AGG_ARG(c, 0, double, row));
}

static void merge_geometric(AggCall *c, void *into, const void *from)
{
    Geometric *a = into;
    const Geometric *b = from;
    a->n += b->n;
    a->sum += b->sum;
}

static void finish_geometric(AggCall *c, void *object, size_t row)
{
    const Geometric *a = object;
    AGG_OUT(c, double, row) = exp(a->sum / a->n);
}

#define MOMENTS "d>d", sizeof(Moments), add_moments, merge_moments, finish_moments, NULL
#define PAIR "dd>d", sizeof(Pair), add_pair, merge_pair, finish_pair, NULL
const AggDef agg_moment_aggregates[] = {
    {"t_var_samp", MOMENTS, VAR_SAMP},
    {"t_var_pop", MOMENTS, VAR_POP},
    {"t_stddev_samp", MOMENTS, STDDEV_SAMP},
    {"t_stddev_pop", MOMENTS, STDDEV_POP},
    {"t_skewness", MOMENTS, SKEWNESS},
    {"t_kurtosis", MOMENTS, KURTOSIS},
    {"t_covar_samp", PAIR, COVAR_SAMP},
    {"t_covar_pop", PAIR, COVAR_POP},
    {"t_corr", PAIR, CORR},
    {"t_regr_slope", PAIR, SLOPE},
    {"t_regr_intercept", PAIR, INTERCEPT},
    {"t_geometric_mean", "d>d", sizeof(Geometric), add_geometric, merge_geometric, finish_geometric, NULL, 0},
    {0},
};
