/* agg_sketch.c - approx_set, qdigest_agg, tdigest_agg, make_set_digest, and the merges of their results. */
#include <math.h>

#include "query/engine/functions/aggregate.h"
#include "query/engine/functions/sketch.h"

static void check(AggCall *c, int r, const Error *err)
{
    if (r)
        agg_fail_error(c, err);
}

static void put(AggCall *c, size_t row, int r, const Buf *bytes, const Error *err)
{
    if (r)
        agg_fail_error(c, err);
    else
        agg_put_str(c, row, buf_str(bytes));
}

/* Bytes that are no sketch: Java throws, and nobody catches. */
static void bad_bytes(AggCall *c, Error *err)
{
    agg_fail(c, err->code == ERR_INVALID_FUNCTION_ARGUMENT ? ERR_INTERNAL : err->code, "%s", err->message);
}

static uint64_t murmur_of(const AggCall *c, size_t row)
{
    uint64_t hash[2];
    if (c->def->signature[0] == 's' || c->def->signature[0] == 'x')
        murmur3_of(agg_str(c, 0, row), hash);
    else
        murmur3_of(str_of((const char *)&AGG_ARG(c, 0, int64_t, row), 8), hash);
    return hash[0];
}

/* ---- HyperLogLog ---- */

typedef struct HllState {
    AggObject head;
    Hll hll;
} HllState;

static void add_hll(AggCall *c, void *object, size_t row)
{
    HllState *s = object;
    Error err;
    if (!s->hll.bits)
        hll_init(&s->hll, HLL_BITS_SET);
    check(c, hll_add_hash(&s->hll, murmur_of(c, row), &err), &err);
}

static void join_hll(AggCall *c, HllState *s, const Hll *other)
{
    Error err;
    if (!s->hll.bits)
        hll_init(&s->hll, other->bits);
    check(c, hll_merge(&s->hll, other, &err), &err);
}

static void merge_hll(AggCall *c, void *into, const void *from)
{
    join_hll(c, into, &((const HllState *)from)->hll);
}

static void add_bytes_hll(AggCall *c, void *object, size_t row)
{
    Hll other;
    Error err;
    if (hll_read(agg_str(c, 0, row), &other, &err)) {
        bad_bytes(c, &err);
        return;
    }
    join_hll(c, object, &other);
    hll_release(&other);
}

static void finish_hll(AggCall *c, void *object, size_t row)
{
    _cleanup_buf_ Buf out = BUF_INIT(HLL_BYTES_MAX);
    Error err = {0};
    hll_write(&((HllState *)object)->hll, &out);
    put(c, row, buf_check(&out, &err), &out, &err);
}

static void release_hll(void *object)
{
    hll_release(&((HllState *)object)->hll);
}

/* ---- q-digest: values come as integers of their order ---- */

typedef struct QState {
    AggObject head;
    QDigest digest;
} QState;

/* (value, weight, accuracy) */
static void add_qdigest(AggCall *c, void *object, size_t row)
{
    QState *s = object;
    Error err;
    int64_t weight = AGG_ARG(c, 1, int64_t, row);
    double accuracy = AGG_ARG(c, 2, double, row);
    if (!(accuracy > 0 && accuracy < 1)) {
        char text[NUMBER_TEXT_MAX];
        agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                 "Percentile accuracy must be exclusively between 0 and 1, was %.*s",
                 (int)(put_double(text, accuracy) - text), text);
        return;
    }
    if (weight <= 0) {
        agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Percentile weight must be > 0, was %lld",
                 (long long)weight);
        return;
    }
    if (s->digest.max_error == 0)
        qdigest_init(&s->digest, accuracy);
    check(c, qdigest_add(&s->digest, AGG_ARG(c, 0, int64_t, row), (double)weight, &err), &err);
}

static void join_qdigest(AggCall *c, QState *s, const QDigest *other)
{
    Error err;
    if (s->digest.max_error == 0)
        qdigest_init(&s->digest, other->max_error);
    check(c, qdigest_merge(&s->digest, other, &err), &err);
}

static void merge_qdigest(AggCall *c, void *into, const void *from)
{
    join_qdigest(c, into, &((const QState *)from)->digest);
}

static void add_bytes_qdigest(AggCall *c, void *object, size_t row)
{
    QDigest other;
    Error err;
    if (qdigest_read(agg_str(c, 0, row), &other, &err)) {
        bad_bytes(c, &err);
        return;
    }
    join_qdigest(c, object, &other);
    qdigest_release(&other);
}

enum { QDIGEST_BYTES_MAX = 96 << 20 };

static void finish_qdigest(AggCall *c, void *object, size_t row)
{
    _cleanup_buf_ Buf out = BUF_INIT(QDIGEST_BYTES_MAX);
    Error err = {0};
    qdigest_write(&((QState *)object)->digest, &out);
    put(c, row, buf_check(&out, &err), &out, &err);
}

static void release_qdigest(void *object)
{
    qdigest_release(&((QState *)object)->digest);
}

/* ---- t-digest ---- */

typedef struct TState {
    AggObject head;
    TDigest digest;
} TState;

/* (value [, weight]) */
static void add_tdigest(AggCall *c, void *object, size_t row)
{
    TState *s = object;
    Error err;
    double value = AGG_ARG(c, 0, double, row), weight = c->n_in > 1 ? AGG_ARG(c, 1, double, row) : 1;
    char text[NUMBER_TEXT_MAX];
    int n = (int)(put_double(text, weight) - text);
    if (!isfinite(weight))
        agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "weight must be finite, was %.*s", n, text);
    else if (weight < 1)
        agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "weight must be >= 1, was %.*s", n, text);
    else if (isnan(value))
        agg_fail(c, ERR_INTERNAL, "value is NaN");
    else if (isinf(value))
        agg_fail(c, ERR_INTERNAL, "value must be finite");
    if (c->failed)
        return;
    if (s->digest.compression == 0)
        tdigest_init(&s->digest);
    check(c, tdigest_add(&s->digest, value, weight, &err), &err);
}

static void join_tdigest(AggCall *c, TState *s, const TDigest *other)
{
    Error err;
    if (s->digest.compression == 0)
        tdigest_init(&s->digest);
    check(c, tdigest_merge(&s->digest, other, &err), &err);
}

static void merge_tdigest(AggCall *c, void *into, const void *from)
{
    join_tdigest(c, into, &((const TState *)from)->digest);
}

static void add_bytes_tdigest(AggCall *c, void *object, size_t row)
{
    TDigest other;
    Error err;
    if (tdigest_read(agg_str(c, 0, row), &other, &err)) {
        bad_bytes(c, &err);
        return;
    }
    join_tdigest(c, object, &other);
    tdigest_release(&other);
}

static void finish_tdigest(AggCall *c, void *object, size_t row)
{
    _cleanup_buf_ Buf out = BUF_INIT(QDIGEST_BYTES_MAX);
    Error err = {0};
    int r = tdigest_write(&((TState *)object)->digest, &out, &err);
    put(c, row, r, &out, &err);
}

static void release_tdigest(void *object)
{
    tdigest_release(&((TState *)object)->digest);
}

/* ---- SetDigest ---- */

typedef struct SetState {
    AggObject head;
    SetDigest digest;
} SetState;

static void add_set(AggCall *c, void *object, size_t row)
{
    SetState *s = object;
    Error err;
    if (!s->digest.most)
        set_digest_init(&s->digest);
    check(c, set_digest_add(&s->digest, murmur_of(c, row), &err), &err);
}

static void join_set(AggCall *c, SetState *s, const SetDigest *other)
{
    Error err;
    if (!s->digest.most) {
        set_digest_init(&s->digest);
        s->digest.most = other->most;
        s->digest.hll.bits = other->hll.bits;
    }
    check(c, set_digest_merge(&s->digest, other, &err), &err);
}

static void merge_set(AggCall *c, void *into, const void *from)
{
    join_set(c, into, &((const SetState *)from)->digest);
}

static void add_bytes_set(AggCall *c, void *object, size_t row)
{
    SetDigest other;
    Error err;
    if (set_digest_read(agg_str(c, 0, row), &other, &err)) {
        bad_bytes(c, &err);
        return;
    }
    join_set(c, object, &other);
    set_digest_release(&other);
}

static void finish_set(AggCall *c, void *object, size_t row)
{
    _cleanup_buf_ Buf out = BUF_INIT(QDIGEST_BYTES_MAX);
    Error err = {0};
    set_digest_write(&((SetState *)object)->digest, &out);
    put(c, row, buf_check(&out, &err), &out, &err);
}

static void release_set(void *object)
{
    set_digest_release(&((SetState *)object)->digest);
}

#define HLL(add) sizeof(HllState), add, merge_hll, finish_hll, release_hll, 0
#define QDIGEST(add) sizeof(QState), add, merge_qdigest, finish_qdigest, release_qdigest, 0
#define TDIGEST(add) sizeof(TState), add, merge_tdigest, finish_tdigest, release_tdigest, 0
#define SET(add) sizeof(SetState), add, merge_set, finish_set, release_set, 0
const AggDef agg_sketch_aggregates[] = {
    {"t_approx_set", "8>x", HLL(add_hll)},
    {"t_approx_set", "d>x", HLL(add_hll)},
    {"t_approx_set", "s>x", HLL(add_hll)},
    {"t_hll_merge", "x>x", HLL(add_bytes_hll)},
    {"t_qdigest", "88d>x", QDIGEST(add_qdigest)},
    {"t_qdigest_merge", "x>x", QDIGEST(add_bytes_qdigest)},
    {"t_tdigest", "d>x", TDIGEST(add_tdigest)},
    {"t_tdigest", "dd>x", TDIGEST(add_tdigest)},
    {"t_tdigest_merge", "x>x", TDIGEST(add_bytes_tdigest)},
    {"t_set_digest", "8>x", SET(add_set)},
    {"t_set_digest", "s>x", SET(add_set)},
    {"t_set_digest", "x>x", SET(add_set)},
    {"t_set_digest_merge", "x>x", SET(add_bytes_set)},
    {0},
};
