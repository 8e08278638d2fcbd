/* agg_hash.c - checksum and approx_distinct, over the hash of a value as Trino has it (t_xx_hash in
 * t_sketch.c). */
#include <math.h>

#include "query/engine/functions/aggregate.h"
#include "query/engine/functions/sketch.h"

#define CHECKSUM_PRIME 0x9E3779B185EBCA87ULL /* the first prime of xxHash64 */

typedef struct Checksum {
    AggObject head;
    uint64_t sum;
} Checksum;

/* (hash); a NULL counts, too */
static void add_checksum(AggCall *c, void *object, size_t row)
{
    Checksum *s = object;
    s->sum += agg_is_null(c, 0, row) ? CHECKSUM_PRIME : AGG_ARG(c, 0, uint64_t, row) * CHECKSUM_PRIME;
}

static void merge_checksum(AggCall *c, void *into, const void *from)
{
    ((Checksum *)into)->sum += ((const Checksum *)from)->sum;
}

static void finish_checksum(AggCall *c, void *object, size_t row)
{
    if (object)
        agg_put_str(c, row, str_of((const char *)&((Checksum *)object)->sum, 8));
    else
        agg_set_null(c, row);
}

/* ---- approx_distinct ---- */

#define ERROR_LEAST 0.0040625
#define ERROR_MOST 0.26

typedef struct Distinct {
    AggObject head;
    Hll hll;
} Distinct;

/* The index bits that give a standard error of 1.04 / sqrt(buckets). */
static int bits_for(double error)
{
    double buckets = ceil(1.0816 / (error * error));
    int bits = HLL_BITS_MIN;
    while (bits < HLL_BITS_MAX && (double)(1 << bits) < buckets)
        bits++;
    return bits;
}

static bool check_error(AggCall *c, double error)
{
    char text[NUMBER_TEXT_MAX];
    if (!(error >= ERROR_LEAST && error <= ERROR_MOST))
        agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Max standard error must be in [0.0040625, 0.26]: %.*s",
                 (int)(put_double(text, error) - text), text);
    return !c->failed;
}

/* (hash, error) */
static void add_distinct(AggCall *c, void *object, size_t row)
{
    Distinct *d = object;
    Error err;
    if (agg_is_null(c, 0, row) || agg_is_null(c, 1, row))
        return;
    if (!d->hll.bits) {
        if (!check_error(c, AGG_ARG(c, 1, double, row)))
            return;
        hll_init(&d->hll, bits_for(AGG_ARG(c, 1, double, row)));
    }
    if (hll_add_hash(&d->hll, AGG_ARG(c, 0, uint64_t, row), &err))
        agg_fail_error(c, &err);
}

static void merge_distinct(AggCall *c, void *into, const void *from)
{
    Distinct *d = into;
    const Distinct *other = from;
    Error err;
    if (!other->hll.bits)
        return;
    if (!d->hll.bits)
        hll_init(&d->hll, other->hll.bits);
    if (hll_merge(&d->hll, &other->hll, &err))
        agg_fail_error(c, &err);
}

static void finish_distinct(AggCall *c, void *object, size_t row)
{
    const Distinct *d = object;
    AGG_OUT(c, int64_t, row) = d && d->hll.bits ? hll_cardinality(&d->hll) : 0;
}

static void release_distinct(void *object)
{
    Distinct *d = object;
    if (d->hll.bits)
        hll_release(&d->hll);
}

const AggDef agg_hash_aggregates[] = {
    {"t_checksum", "!8>x", sizeof(Checksum), add_checksum, merge_checksum, finish_checksum, NULL, 0},
    {"t_approx_distinct", "!8d>8", sizeof(Distinct), add_distinct, merge_distinct, finish_distinct,
     release_distinct, 0},
    {0},
};
