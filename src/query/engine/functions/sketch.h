/* sketch.h - the approximate states of Trino's aggregates, and their bytes.
 *
 * Each is a value of memory counted by held_resize(); release() gives it back, and leaves the state empty.
 * Functions that can need memory, or read foreign bytes, return -1 with err: ERR_EXCEEDED_LOCAL_MEMORY_LIMIT,
 * ERR_INVALID_CAST_ARGUMENT (bytes that are no such sketch), ERR_INVALID_FUNCTION_ARGUMENT.
 *
 * Layouts: airlift's stats library, "HyperLogLog" (docs/hll.md), TDigest and QuantileDigest; all
 * little-endian.
 */
#pragma once

#include "base/buf.h"

enum {
    HLL_BITS_MIN = 4,
    HLL_BITS_MAX = 16,
    HLL_BITS_SET = 12,                       /* approx_set: 4096 buckets */
    HLL_BYTES_MAX = (1 << HLL_BITS_MAX) * 4, /* more is no HyperLogLog */
    SKETCH_NODES_MAX = 1 << 22,
};

/* Sparse: the first 26 bits of each hash and the zeros behind them, sorted. Dense: one value a bucket. */
typedef struct Hll {
    int bits;
    uint32_t *entries;
    size_t n, capacity;
    uint8_t *values; /* 2^bits when dense */
} Hll;
void hll_init(Hll *hll, int bits);
int hll_add_hash(Hll *hll, uint64_t hash, Error *err);
int hll_merge(Hll *into, const Hll *from, Error *err);
int hll_make_dense(Hll *hll, Error *err);
int64_t hll_cardinality(const Hll *hll);
int hll_write(const Hll *hll, Buf *out);
int hll_read(Str bytes, Hll *ret, Error *err);
void hll_release(Hll *hll);

typedef struct TDigest {
    double *means, *weights;
    size_t n, capacity;
    double total, min, max, compression;
    bool backwards, needs_merge;
} TDigest;
void tdigest_init(TDigest *t);
/* value finite, weight finite and positive */
int tdigest_add(TDigest *t, double value, double weight, Error *err);
int tdigest_merge(TDigest *into, const TDigest *from, Error *err);
/* quantiles sorted, in [0, 1]; an empty digest gives NaN */
int tdigest_values(TDigest *t, const double *quantiles, size_t n, double *ret, Error *err);
int tdigest_write(TDigest *t, Buf *out, Error *err);
int tdigest_read(Str bytes, TDigest *ret, Error *err);
void tdigest_release(TDigest *t);

typedef struct QNode {
    double count;
    uint64_t value;
    int32_t left, right; /* -1: none */
    uint8_t level;
} QNode;
typedef struct QDigest {
    QNode *nodes;
    size_t n, capacity;
    int32_t root, first_free;
    size_t n_free;
    double max_error, weight;
    int64_t min, max;
} QDigest;
void qdigest_init(QDigest *q, double max_error);
int qdigest_add(QDigest *q, int64_t value, double weight, Error *err);
int qdigest_merge(QDigest *into, const QDigest *from, Error *err);
/* quantiles sorted, in [0, 1] */
void qdigest_values(const QDigest *q, const double *quantiles, size_t n, int64_t *ret);
/* Which quantile a value between min and max is. */
double qdigest_quantile_of(const QDigest *q, int64_t value);
int qdigest_write(QDigest *q, Buf *out);
int qdigest_read(Str bytes, QDigest *ret, Error *err);
void qdigest_release(QDigest *q);

/* A HyperLogLog and the MinHash of up to 8192 hashes with their counts. */
typedef struct HashCount {
    int64_t hash;
    int16_t count;
} HashCount;
typedef struct SetDigest {
    Hll hll;
    HashCount *hashes; /* sorted by hash, signed */
    size_t n, capacity;
    size_t most;
} SetDigest;
void set_digest_init(SetDigest *s);
int set_digest_add(SetDigest *s, uint64_t hash, Error *err);
int set_digest_merge(SetDigest *into, const SetDigest *from, Error *err);
int64_t set_digest_cardinality(const SetDigest *s);
double set_digest_jaccard(const SetDigest *a, const SetDigest *b);
int64_t set_digest_intersection(const SetDigest *a, const SetDigest *b, Error *err);
int set_digest_write(const SetDigest *s, Buf *out);
int set_digest_read(Str bytes, SetDigest *ret, Error *err);
void set_digest_release(SetDigest *s);

/* MurmurHash3 x64 128, seed 0; out[0] is Trino's hash64. */
void murmur3_of(Str s, uint64_t out[2]); /* with the seed 0 */
void murmur3_seeded(Str s, uint64_t seed, uint64_t out[2]);
/* Doubles and reals as integers of the same order, and back. */
static inline int64_t double_to_sortable(double v)
{
    int64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits ^ ((bits >> 63) & INT64_MAX);
}
static inline double sortable_to_double(int64_t v)
{
    v = v ^ ((v >> 63) & INT64_MAX);
    double d;
    memcpy(&d, &v, sizeof d);
    return d;
}
static inline int64_t float_to_sortable(float v)
{
    int32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits ^ ((bits >> 31) & INT32_MAX);
}
static inline float sortable_to_float(int64_t v)
{
    int32_t bits = (int32_t)v;
    bits = bits ^ ((bits >> 31) & INT32_MAX);
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
