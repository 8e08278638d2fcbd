/* tdigest.c - T. Dunning's merging t-digest, with airlift's cluster sizes, interpolation and layout. */
#include <math.h>
#include <stdlib.h>

#include "query/engine/functions/aggregate.h"
#include "query/engine/functions/sketch.h"

enum { COMPRESSION = 100, FUDGE = 10, HEAD_BYTES = 1 + 4 * 8 + 4 };

void tdigest_init(TDigest *t)
{
    *t = (TDigest){.min = INFINITY, .max = -INFINITY, .compression = COMPRESSION};
}

void tdigest_release(TDigest *t)
{
    held_free(t->means, t->capacity * 2 * sizeof *t->means);
    t->means = t->weights = NULL;
    t->n = t->capacity = 0;
}

/* Means and weights are one piece of memory. */
static int reserve(TDigest *t, size_t capacity, Error *err)
{
    if (capacity <= t->capacity)
        return 0;
    double *p = NULL;
    if (held_resize(&p, 0, capacity * 2 * sizeof *p, err))
        return -1;
    if (t->n) {
        memcpy(p, t->means, t->n * sizeof *p);
        memcpy(p + capacity, t->weights, t->n * sizeof *p);
    }
    held_free(t->means, t->capacity * 2 * sizeof *p);
    t->means = p;
    t->weights = p + capacity;
    t->capacity = capacity;
    return 0;
}

typedef struct Centroid {
    double mean, weight;
} Centroid;

static int by_mean(const void *a, const void *b)
{
    double x = ((const Centroid *)a)->mean, y = ((const Centroid *)b)->mean;
    return x < y ? -1 : x > y;
}

static double cluster_size(double quantile, double normalizer)
{
    return quantile * (1 - quantile) / normalizer;
}

/* Neighbours are joined as long as their cluster stays within what its quantile allows; every other pass goes
 * from the high end. `c` is sorted and of t->n. */
static size_t join_neighbours(const TDigest *t, double compression, const Centroid *c, Centroid *out)
{
    size_t n = t->n, last = 0;
    double before = 0, normalizer = compression / (4 * log(t->total / compression) + 24),
           allowed = cluster_size(0, normalizer);
    out[0] = c[t->backwards ? n - 1 : 0];
    for (size_t i = 1; i < n; i++) {
        const Centroid *next = &c[t->backwards ? n - 1 - i : i];
        Centroid *at = &out[last];
        double weight = at->weight + next->weight, quantile = fmin((before + weight) / t->total, 1);
        if (weight <= t->total * fmin(allowed, cluster_size(quantile, normalizer))) {
            at->mean += (next->mean - at->mean) * next->weight / weight;
            at->weight = weight;
        } else {
            before += at->weight;
            allowed = cluster_size(before / t->total, normalizer);
            out[++last] = *next;
        }
    }
    return last + 1;
}

static int compress(TDigest *t, double compression, Error *err)
{
    if (t->n == 0)
        return 0;
    Centroid *c = NULL;
    size_t bytes = t->n * 2 * sizeof *c;
    if (held_resize(&c, 0, bytes, err))
        return -1;
    for (size_t i = 0; i < t->n; i++)
        c[i] = (Centroid){t->means[i], t->weights[i]};
    qsort(c, t->n, sizeof *c, by_mean);
    Centroid *out = c + t->n;
    size_t n = join_neighbours(t, compression, c, out);
    for (size_t i = 0; i < n; i++) {
        const Centroid *from = &out[t->backwards ? n - 1 - i : i];
        t->means[i] = from->mean;
        t->weights[i] = from->weight;
    }
    held_free(c, bytes);
    t->n = n;
    t->backwards = !t->backwards;
    t->needs_merge = false;
    return 0;
}

static int compress_if_needed(TDigest *t, Error *err)
{
    return t->needs_merge ? compress(t, 2 * t->compression, err) : 0;
}

int tdigest_add(TDigest *t, double value, double weight, Error *err)
{
    size_t most = (size_t)(6 * (2 * t->compression + FUDGE));
    if (t->n == t->capacity) {
        size_t twice = t->capacity ? t->capacity * 2 : 1;
        if (t->capacity < most ? reserve(t, twice < most ? twice : most, err)
                               : compress(t, 2 * t->compression, err))
            return -1;
        if (t->n == t->capacity && reserve(t, t->capacity * 2, err))
            return -1;
    }
    t->means[t->n] = value;
    t->weights[t->n++] = weight;
    t->total += weight;
    t->min = value < t->min ? value : t->min;
    t->max = value > t->max ? value : t->max;
    t->needs_merge = true;
    return 0;
}

int tdigest_merge(TDigest *into, const TDigest *from, Error *err)
{
    if (!from->n)
        return 0;
    if (into->n + from->n > into->capacity &&
        (compress_if_needed(into, err) || reserve(into, into->n + from->n, err)))
        return -1;
    memcpy(into->means + into->n, from->means, from->n * sizeof *from->means);
    memcpy(into->weights + into->n, from->weights, from->n * sizeof *from->weights);
    into->n += from->n;
    into->total += from->total;
    into->min = fmin(into->min, from->min);
    into->max = fmax(into->max, from->max);
    into->needs_merge = true;
    return 0;
}

/* ---- quantiles ---- */

static double interpolate(double x, double x0, double y0, double x1, double y1)
{
    return (x - x0) / (x1 - x0) * (y1 - y0);
}

/* Between two centroids; `offset` from the middle of the left one. One sample alone is its own cluster. */
static double between(const TDigest *t, size_t left, double offset)
{
    double a = t->weights[left], b = t->weights[left + 1], length = (a + b) / 2;
    if (a == 1 && offset < a / 2)
        return t->means[left];
    if (b == 1 && offset >= a / 2)
        return t->means[left + 1];
    if (a == 1) {
        offset -= a / 2;
        length = b / 2;
    } else if (b == 1) {
        length = a / 2;
    }
    return t->means[left] + interpolate(offset, 0, t->means[left], length, t->means[left + 1]);
}

/* The value at `rank` of the theoretical sequence of all values. */
static double value_at(const TDigest *t, double rank)
{
    size_t last = t->n - 1;
    double half_first = t->weights[0] / 2, half_last = t->weights[last] / 2;
    if (rank < 1)
        return t->min;
    if (rank < half_first)
        return t->min + interpolate(rank, 1, t->min, half_first, t->means[0]);
    if (rank > t->total - 1)
        return t->max;
    if (rank <= t->total - 1 && t->total - rank <= half_last && half_last > 1)
        return t->max + interpolate(t->total - rank, 1, t->max, half_last, t->means[last]);
    if (rank >= t->total - 1)
        return t->max;
    double before = half_first;
    size_t i = 0;
    while (i < last) {
        double step = (t->weights[i] + t->weights[i + 1]) / 2;
        if (before + step > rank)
            return between(t, i, rank - before);
        before += step;
        i++;
    }
    if (half_last > 1)
        return t->max + interpolate(t->total - rank, 1, t->max, half_last, t->means[last]);
    return t->max;
}

int tdigest_values(TDigest *t, const double *quantiles, size_t n, double *ret, Error *err)
{
    if (compress_if_needed(t, err))
        return -1;
    for (size_t i = 0; i < n; i++)
        ret[i] = t->n == 0 ? NAN : t->n == 1 ? t->means[0] : value_at(t, quantiles[i] * t->total);
    return 0;
}

/* ---- bytes ---- */

static void put_doubles(Buf *out, const double *values, size_t n)
{
    buf_append(out, (const char *)values, n * sizeof *values);
}

int tdigest_write(TDigest *t, Buf *out, Error *err)
{
    if (compress(t, t->compression, err))
        return -1;
    double head[] = {t->min, t->max, t->compression, t->total};
    int32_t n = (int32_t)t->n;
    buf_putc(out, 0);
    put_doubles(out, head, 4);
    buf_append(out, (const char *)&n, sizeof n);
    put_doubles(out, t->means, t->n);
    put_doubles(out, t->weights, t->n);
    return buf_check(out, err);
}

int tdigest_read(Str bytes, TDigest *ret, Error *err)
{
    double head[4] = {0};
    int32_t n = -1;
    if (bytes.len >= HEAD_BYTES) {
        memcpy(head, bytes.ptr + 1, sizeof head);
        memcpy(&n, bytes.ptr + 1 + sizeof head, sizeof n);
    }
    if (n < 0 || bytes.ptr[0] != 0 || bytes.len != HEAD_BYTES + (size_t)n * 16 || !(head[2] >= 10) ||
        !(head[2] <= 1e6))
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Cannot deserialize t-digest");
    TDigest t = {.min = head[0], .max = head[1], .compression = head[2], .total = head[3]};
    if (reserve(&t, (size_t)n, err))
        return -1;
    t.n = (size_t)n;
    if (n) {
        memcpy(t.means, bytes.ptr + HEAD_BYTES, t.n * 8);
        memcpy(t.weights, bytes.ptr + HEAD_BYTES + t.n * 8, t.n * 8);
    }
    *ret = t;
    return 0;
}
