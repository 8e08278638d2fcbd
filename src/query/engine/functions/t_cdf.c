/* Distributions: by the regularized incomplete beta function (continued fraction, Lentz) and erf. */
#include <math.h>

#include "query/engine/functions/function.h"

enum { ITERATIONS_MAX = 500 };

static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m <= ITERATIONS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        double step = d * c;
        h *= step;
        if (fabs(step - 1) < 1e-16)
            break;
    }
    return h;
}

static double log_gamma(double v)
{
    int sign;
    return lgamma_r(v, &sign); /* lgamma() writes a global */
}

static double regularized_beta(double x, double a, double b)
{
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                     : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double inverse_normal(double p)
{
    double low = -40, high = 40;
    for (int i = 0; i < 200 && high - low > 1e-16 * fabs(low + high); i++) {
        double middle = (low + high) / 2;
        if (erfc(-middle / M_SQRT2) / 2 < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static bool need(Call *c, bool holds, const char *message)
{
    if (!holds)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s", message);
    return holds;
}

#define THREE(name) static double name(Call *c, double a, double b, double v)
THREE(normal_cdf)
{
    return need(c, b > 0, "standardDeviation must be > 0") ? erfc(-(v - a) / (b * M_SQRT2)) / 2 : 0;
}
THREE(inverse_normal_cdf)
{
    return need(c, v > 0 && v < 1, "p must be 0 > p > 1") && need(c, b > 0, "sd must be > 0")
               ? a + b * inverse_normal(v)
               : 0;
}
THREE(beta_cdf)
{
    return need(c, v >= 0 && v <= 1, "value must be 0 >= v >= 1") &&
                   need(c, a > 0 && b > 0, "a, b must be > 0")
               ? regularized_beta(v, a, b)
               : 0;
}
THREE(inverse_beta_cdf)
{
    if (!need(c, v >= 0 && v <= 1, "p must be 0 >= p >= 1") || !need(c, a > 0 && b > 0, "a, b must be > 0"))
        return 0;
    double low = 0, high = 1;
    if (v == 0 || v == 1)
        return v;
    for (int i = 0; i < 200 && high - low > 1e-17; i++) {
        double middle = (low + high) / 2;
        if (regularized_beta(middle, a, b) < v)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static double (*const of_three[])(Call *, double, double, double) = {normal_cdf, inverse_normal_cdf, beta_cdf,
                                                                     inverse_beta_cdf};

static void run_three(Call *c)
{
    CALL_ROWS(c, i)
    OUT(c, double, i) =
        of_three[c->def->arg](c, ARG(c, 0, double, i), ARG(c, 1, double, i), ARG(c, 2, double, i));
}

static void t_cdf(Call *c)
{
    CALL_ROWS(c, i)
    {
        double x = ARG(c, 0, double, i), df = ARG(c, 1, double, i);
        if (!need(c, !(df < 1), "degrees of freedom must be greater than or equal to 1"))
            break;
        if (x != 0 && isfinite(df) && isinf(df * df)) {
            call_fail(c, ERR_INTERNAL, "illegal state: Continued fraction diverged to NaN for value 1");
            break;
        }
        double tail = regularized_beta(df / (df + x * x), df / 2, 0.5) / 2;
        OUT(c, double, i) = x == 0 ? 0.5 : x < 0 ? tail : 1 - tail;
    }
}

static void t_pdf(Call *c)
{
    CALL_ROWS(c, i)
    {
        double x = ARG(c, 0, double, i), df = ARG(c, 1, double, i);
        if (!need(c, !(df < 1), "degrees of freedom must be greater than or equal to 1"))
            break;
        /* In this order: with very many degrees of freedom the gammas swallow the rest, and Trino's do too.
         */
        double half = (df + 1) / 2;
        OUT(c, double, i) = exp(log_gamma(half) - 0.5 * (log(M_PI) + log(df)) - log_gamma(df / 2) -
                                half * log(1 + x * x / df));
    }
}

static void wilson(Call *c)
{
    double side = c->def->arg ? 1 : -1;
    CALL_ROWS(c, i)
    {
        int64_t successes = ARG(c, 0, int64_t, i), trials = ARG(c, 1, int64_t, i);
        double z = ARG(c, 2, double, i);
        if (!need(c, successes >= 0, "number of successes must not be negative") ||
            !need(c, trials > 0, "number of trials must be positive") ||
            !need(c, successes <= trials, "number of successes must not be larger than number of trials") ||
            !need(c, z >= 0, "z-score must not be negative"))
            break;
        double s = (double)successes, n = (double)trials, p = s / n;
        OUT(c, double, i) =
            (p + z * z / (2 * n) + side * z * sqrt((p * (1 - p) + z * z / (4 * n)) / n)) / (1 + z * z / n);
    }
}

const FunctionDef t_cdf_functions[] = {
    {"t_normal_cdf", "ddd>d", run_three, 0},
    {"t_inverse_normal_cdf", "ddd>d", run_three, 1},
    {"t_beta_cdf", "ddd>d", run_three, 2},
    {"t_inverse_beta_cdf", "ddd>d", run_three, 3},
    {"t_t_cdf", "dd>d", t_cdf},
    {"t_t_pdf", "dd>d", t_pdf},
    {"t_wilson_interval_lower", "88d>d", wilson, 0},
    {"t_wilson_interval_upper", "88d>d", wilson, 1},
    {NULL},
};
