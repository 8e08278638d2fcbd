/* hll.c - HyperLogLog as airlift has it: exact prefixes of hashes while they are few, then one value a
 * bucket. */
#include <math.h>

#include "query/engine/functions/aggregate.h"
#include "query/engine/functions/sketch.h"

enum {
    TAG_SPARSE = 2,
    TAG_DENSE_V1 = 1,
    TAG_DENSE = 3,
    VALUE_BITS = 6,
    PREFIX_BITS = 32 - VALUE_BITS,
    DELTA_MAX = 15,
    VALUE_MAX = 64, /* zeros of a hash of 64 bits, and one */
    /* When the sparse form is given up: sizes of Java objects, which the layout of Trino's results depends
       on. */
    SPARSE_OBJECT = 24 + 16,
    DENSE_OBJECT = 40 + 16,
    SPARSE_GROWTH = 10,
};

static size_t buckets_of(const Hll *hll)
{
    return (size_t)1 << hll->bits;
}

void hll_init(Hll *hll, int bits)
{
    *hll = (Hll){.bits = bits};
}

void hll_release(Hll *hll)
{
    held_free(hll->entries, hll->capacity * sizeof *hll->entries);
    held_free(hll->values, buckets_of(hll));
    hll->entries = NULL;
    hll->values = NULL;
    hll->n = hll->capacity = 0;
}

/* ---- dense ---- */

static void dense_insert(Hll *hll, size_t bucket, int value)
{
    if (hll->values[bucket] < value)
        hll->values[bucket] = (uint8_t)value;
}

/* Zeros behind the first `bits` bits of a hash. */
static int zeros_behind(uint64_t hash, int bits)
{
    return __builtin_clzll(hash << bits | 1ULL << (bits - 1));
}

static void insert_entry(Hll *hll, uint32_t entry)
{
    uint32_t rest = entry << hll->bits;
    int zeros = rest ? __builtin_clz(rest) : 32, within = PREFIX_BITS - hll->bits;
    if (zeros >= within)
        zeros = within + (int)(entry & ((1U << VALUE_BITS) - 1));
    dense_insert(hll, entry >> (32 - hll->bits), zeros + 1);
}

int hll_make_dense(Hll *hll, Error *err)
{
    if (hll->values)
        return 0;
    if (held_resize(&hll->values, 0, buckets_of(hll), err))
        return -1;
    memset(hll->values, 0, buckets_of(hll));
    for (size_t i = 0; i < hll->n; i++)
        insert_entry(hll, hll->entries[i]);
    held_free(hll->entries, hll->capacity * sizeof *hll->entries);
    hll->entries = NULL;
    hll->n = hll->capacity = 0;
    return 0;
}

/* ---- sparse ---- */

static size_t find_prefix(const Hll *hll, uint32_t prefix)
{
    size_t low = 0, high = hll->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (hll->entries[middle] >> VALUE_BITS < prefix)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int dense_if_large(Hll *hll, size_t capacity, Error *err)
{
    if (SPARSE_OBJECT + 4 * capacity > DENSE_OBJECT + buckets_of(hll) / 2)
        return hll_make_dense(hll, err);
    return 0;
}

static int sparse_insert(Hll *hll, uint64_t hash, Error *err)
{
    uint32_t prefix = (uint32_t)(hash >> (64 - PREFIX_BITS));
    uint32_t entry = prefix << VALUE_BITS | (uint32_t)zeros_behind(hash, PREFIX_BITS);
    size_t at = find_prefix(hll, prefix);
    if (at < hll->n && hll->entries[at] >> VALUE_BITS == prefix) {
        if (hll->entries[at] < entry)
            hll->entries[at] = entry;
        return 0;
    }
    if (hll->n == hll->capacity) {
        size_t capacity = hll->capacity ? hll->capacity + SPARSE_GROWTH : 1;
        if (held_resize(&hll->entries, hll->capacity * sizeof entry, capacity * sizeof entry, err))
            return -1;
        hll->capacity = capacity;
    }
    memmove(hll->entries + at + 1, hll->entries + at, (hll->n - at) * sizeof entry);
    hll->entries[at] = entry;
    hll->n++;
    return dense_if_large(hll, hll->capacity, err);
}

int hll_add_hash(Hll *hll, uint64_t hash, Error *err)
{
    if (!hll->values)
        return sparse_insert(hll, hash, err);
    dense_insert(hll, hash >> (64 - hll->bits), zeros_behind(hash, hll->bits) + 1);
    return 0;
}

/* ---- joining ---- */

static int merge_sparse(Hll *into, const Hll *from, Error *err)
{
    uint32_t *merged = NULL;
    size_t n = 0, i = 0, j = 0, most = into->n + from->n;
    if (!most)
        return 0;
    if (held_resize(&merged, 0, most * sizeof *merged, err))
        return -1;
    while (i < into->n || j < from->n) {
        uint32_t a = i < into->n ? into->entries[i] : UINT32_MAX,
                 b = j < from->n ? from->entries[j] : UINT32_MAX;
        bool left = i < into->n && (j == from->n || a >> VALUE_BITS <= b >> VALUE_BITS);
        bool right = j < from->n && (i == into->n || b >> VALUE_BITS <= a >> VALUE_BITS);
        merged[n++] = left && right ? (a > b ? a : b) : left ? a : b;
        i += left;
        j += right;
    }
    held_free(into->entries, into->capacity * sizeof *merged);
    into->entries = merged;
    into->capacity = most;
    into->n = n;
    return dense_if_large(into, n, err);
}

int hll_merge(Hll *into, const Hll *from, Error *err)
{
    if (into->bits != from->bits)
        return err_set(err, ERR_INTERNAL, "Cannot merge HLLs with different number of buckets: %zu vs %zu",
                       buckets_of(into), buckets_of(from));
    if (!into->values && !from->values)
        return merge_sparse(into, from, err);
    if (hll_make_dense(into, err))
        return -1;
    for (size_t i = 0; i < from->n; i++)
        insert_entry(into, from->entries[i]);
    for (size_t i = 0; from->values && i < buckets_of(from); i++)
        dense_insert(into, i, from->values[i]);
    return 0;
}

/* ---- estimates ---- */

typedef struct BiasPoint {
    double estimate, bias;
} BiasPoint;
static const BiasPoint bias_points[] = {
#define BITS(bits, n)
#define B(estimate, bias) {estimate, bias},
#include "query/engine/functions/hll_bias.def"
#undef BITS
#undef B
};
static const int bias_counts[] = {
#define BITS(bits, n) [bits] = n,
#define B(estimate, bias)
#include "query/engine/functions/hll_bias.def"
#undef BITS
#undef B
};

static double correct_bias(int bits, double raw)
{
    const BiasPoint *points = bias_points;
    for (int b = HLL_BITS_MIN; b < bits; b++)
        points += bias_counts[b];
    size_t n = bits < HLL_BITS_MIN ? 0 : (size_t)bias_counts[bits];
    if (!n || raw < points[0].estimate || raw > points[n - 1].estimate)
        return raw;
    size_t i = 0;
    while (points[i].estimate < raw)
        i++;
    if (points[i].estimate == raw)
        return raw - points[i].bias;
    const BiasPoint *a = &points[i - 1], *b = &points[i];
    return raw - ((raw - a->estimate) * (b->bias - a->bias) / (b->estimate - a->estimate) + a->bias);
}

static double linear_counting(double zeros, double total)
{
    return total * log(total / zeros);
}

static double alpha_of(int bits)
{
    static const double small[] = {[4] = 0.673, [5] = 0.697, [6] = 0.709};
    return bits >= 4 && bits <= 6 ? small[bits] : 0.7213 / (1 + 1.079 / (double)(1 << bits));
}

static int64_t rounded(double v)
{
    v = floor(v + 0.5);
    return v >= 0x1p63 ? INT64_MAX : (int64_t)v; /* only registers that no hash gave are that high */
}

int64_t hll_cardinality(const Hll *hll)
{
    if (!hll->values) {
        double total = (double)(1 << PREFIX_BITS);
        return rounded(linear_counting(total - (double)hll->n, total));
    }
    double n = (double)buckets_of(hll), zeros = 0, sum = 0;
    for (size_t i = 0; i < buckets_of(hll); i++) {
        zeros += hll->values[i] == 0;
        sum += ldexp(1, -hll->values[i]);
    }
    if (zeros > 0.4 * n)
        return rounded(linear_counting(zeros, n));
    return rounded(correct_bias(hll->bits, alpha_of(hll->bits) * n * n / sum));
}

/* ---- bytes ---- */

static void put_le(Buf *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_putc(out, (char)(value >> (8 * i)));
}

static int write_dense(const Hll *hll, Buf *out)
{
    size_t n = buckets_of(hll), overflows = 0;
    int baseline = UINT8_MAX;
    for (size_t i = 0; i < n; i++)
        baseline = hll->values[i] < baseline ? hll->values[i] : baseline;
    put_le(out, TAG_DENSE, 1);
    put_le(out, (uint64_t)hll->bits, 1);
    put_le(out, (uint64_t)baseline, 1);
    for (size_t i = 0; i < n; i += 2) {
        int high = hll->values[i] - baseline, low = hll->values[i + 1] - baseline;
        overflows += (high > DELTA_MAX) + (low > DELTA_MAX);
        high = high > DELTA_MAX ? DELTA_MAX : high;
        low = low > DELTA_MAX ? DELTA_MAX : low;
        put_le(out, (uint64_t)(high << 4 | low), 1);
    }
    put_le(out, overflows, 2);
    for (size_t i = 0; i < n; i++)
        if (hll->values[i] - baseline > DELTA_MAX)
            put_le(out, i, 2);
    for (size_t i = 0; i < n; i++)
        if (hll->values[i] - baseline > DELTA_MAX)
            put_le(out, (uint64_t)(hll->values[i] - baseline - DELTA_MAX), 1);
    return out->overflow ? -1 : 0;
}

int hll_write(const Hll *hll, Buf *out)
{
    if (hll->values)
        return write_dense(hll, out);
    put_le(out, TAG_SPARSE, 1);
    put_le(out, (uint64_t)hll->bits, 1);
    put_le(out, hll->n, 2);
    for (size_t i = 0; i < hll->n; i++)
        put_le(out, hll->entries[i], 4);
    return out->overflow ? -1 : 0;
}

static int bad(Error *err)
{
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Cannot deserialize HyperLogLog");
}

static uint64_t get_le(Str bytes, size_t at, size_t n)
{
    uint64_t value = 0;
    for (size_t i = n; i-- > 0;)
        value = value << 8 | (uint8_t)bytes.ptr[at + i];
    return value;
}

static int read_sparse(Str bytes, Hll *hll, Error *err)
{
    size_t n = bytes.len >= 4 ? get_le(bytes, 2, 2) : 0;
    if (bytes.len != 4 + 4 * n || n > INT16_MAX)
        return bad(err);
    if (n && held_resize(&hll->entries, 0, n * sizeof *hll->entries, err))
        return -1;
    hll->n = hll->capacity = n;
    for (size_t i = 0; i < n; i++) {
        hll->entries[i] = (uint32_t)get_le(bytes, 4 + 4 * i, 4);
        if (i && hll->entries[i - 1] >> VALUE_BITS >= hll->entries[i] >> VALUE_BITS)
            return bad(err);
    }
    return 0;
}

/* More than DELTA_MAX above the baseline. */
static int raise_bucket(Hll *hll, size_t bucket, uint8_t more, Error *err)
{
    if (bucket >= buckets_of(hll) || more == 0 || hll->values[bucket] + more > VALUE_MAX)
        return bad(err);
    hll->values[bucket] = (uint8_t)(hll->values[bucket] + more);
    return 0;
}

static int read_overflows(Str bytes, size_t at, Hll *hll, Error *err)
{
    if (bytes.ptr[0] == TAG_DENSE_V1) {
        size_t bucket = get_le(bytes, at, 2);
        uint8_t more = (uint8_t)get_le(bytes, at + 2, 1);
        if (bytes.len != at + 3)
            return bad(err);
        return bucket <= INT16_MAX && more && more <= INT8_MAX ? raise_bucket(hll, bucket, more, err) : 0;
    }
    size_t n = get_le(bytes, at, 2);
    if (bytes.len != at + 2 + 3 * n || n > buckets_of(hll))
        return bad(err);
    for (size_t i = 0; i < n; i++) {
        size_t bucket = get_le(bytes, at + 2 + 2 * i, 2);
        if (raise_bucket(hll, bucket, (uint8_t)get_le(bytes, at + 2 + 2 * n + i, 1), err))
            return -1;
    }
    return 0;
}

static int read_dense(Str bytes, Hll *hll, Error *err)
{
    size_t n = buckets_of(hll), at = 3 + n / 2;
    if (bytes.len < at + 2 + (bytes.ptr[0] == TAG_DENSE_V1) || bytes.ptr[2] < 0 || bytes.ptr[2] > VALUE_MAX)
        return bad(err);
    if (held_resize(&hll->values, 0, n, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        uint8_t slot = (uint8_t)bytes.ptr[3 + i / 2];
        hll->values[i] = (uint8_t)(bytes.ptr[2] + (i % 2 ? slot & DELTA_MAX : slot >> 4));
        if (hll->values[i] > VALUE_MAX)
            return bad(err);
    }
    return read_overflows(bytes, at, hll, err);
}

int hll_read(Str bytes, Hll *ret, Error *err)
{
    if (bytes.len < 4)
        return bad(err);
    int tag = bytes.ptr[0], bits = bytes.ptr[1];
    bool dense = tag == TAG_DENSE || tag == TAG_DENSE_V1;
    if ((!dense && tag != TAG_SPARSE) || bits < 1 || bits > HLL_BITS_MAX)
        return bad(err);
    Hll hll;
    hll_init(&hll, bits);
    if ((dense ? read_dense : read_sparse)(bytes, &hll, err)) {
        hll_release(&hll);
        return -1;
    }
    *ret = hll;
    return 0;
}
