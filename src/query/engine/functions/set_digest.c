/* set_digest.c - Trino's SetDigest: a HyperLogLog, and the smallest hashes with how often each came (A.
 * Broder's MinHash), so that sets can be compared. */
#include "query/engine/functions/aggregate.h"
#include "query/engine/functions/sketch.h"

enum { FORMAT = 1, HASHES_MAX = 8192, HLL_BITS = 11, HEAD_BYTES = 1 + 4 };

void set_digest_init(SetDigest *s)
{
    *s = (SetDigest){.most = HASHES_MAX};
    hll_init(&s->hll, HLL_BITS);
}

void set_digest_release(SetDigest *s)
{
    hll_release(&s->hll);
    held_free(s->hashes, s->capacity * sizeof *s->hashes);
    s->hashes = NULL;
    s->n = s->capacity = 0;
}

static size_t find(const SetDigest *s, int64_t hash)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->hashes[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const SetDigest *s, int64_t hash)
{
    size_t at = find(s, hash);
    return at < s->n && s->hashes[at].hash == hash;
}

static int add_count(SetDigest *s, int64_t hash, int count, Error *err)
{
    size_t at = find(s, hash);
    if (at < s->n && s->hashes[at].hash == hash) {
        int sum = s->hashes[at].count + count;
        s->hashes[at].count = (int16_t)(sum < INT16_MAX ? sum : INT16_MAX);
        return 0;
    }
    if (at == s->most)
        return 0; /* would be the greatest and go again */
    if (s->n == s->most)
        s->n--;
    if (s->n == s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 4;
        if (held_resize(&s->hashes, s->capacity * sizeof *s->hashes, capacity * sizeof *s->hashes, err))
            return -1;
        s->capacity = capacity;
    }
    memmove(s->hashes + at + 1, s->hashes + at, (s->n - at) * sizeof *s->hashes);
    s->hashes[at] = (HashCount){hash, (int16_t)count};
    s->n++;
    return 0;
}

int set_digest_add(SetDigest *s, uint64_t hash, Error *err)
{
    return hll_add_hash(&s->hll, hash, err) || add_count(s, (int64_t)hash, 1, err) ? -1 : 0;
}

int set_digest_merge(SetDigest *into, const SetDigest *from, Error *err)
{
    if (hll_merge(&into->hll, &from->hll, err))
        return -1;
    for (size_t i = 0; i < from->n; i++)
        if (add_count(into, from->hashes[i].hash, from->hashes[i].count, err))
            return -1;
    return 0;
}

static bool is_exact(const SetDigest *s)
{
    return s->n < s->most;
}

int64_t set_digest_cardinality(const SetDigest *s)
{
    return is_exact(s) ? (int64_t)s->n : hll_cardinality(&s->hll);
}

double set_digest_jaccard(const SetDigest *a, const SetDigest *b)
{
    size_t smaller = a->n < b->n ? a->n : b->n, i = 0, j = 0;
    double both = 0;
    for (size_t seen = 0; seen < smaller; seen++) {
        int64_t x = i < a->n ? a->hashes[i].hash : INT64_MAX, y = j < b->n ? b->hashes[j].hash : INT64_MAX;
        both += x == y;
        i += x <= y;
        j += y <= x;
    }
    return both / (double)smaller;
}

int64_t set_digest_intersection(const SetDigest *a, const SetDigest *b, Error *err)
{
    if (is_exact(a) && is_exact(b)) {
        int64_t n = 0;
        for (size_t i = 0; i < a->n; i++)
            n += has(b, a->hashes[i].hash);
        return n;
    }
    int64_t of_a = set_digest_cardinality(a), of_b = set_digest_cardinality(b),
            least = of_a < of_b ? of_a : of_b;
    double jaccard = set_digest_jaccard(a, b);
    Hll both;
    hll_init(&both, a->hll.bits);
    int64_t n = -1;
    if (hll_merge(&both, &a->hll, err) == 0 && hll_merge(&both, &b->hll, err) == 0) {
        double product = jaccard * (double)hll_cardinality(&both);
        n = (int64_t)(product + 0.5);
        n = n < least ? n : least;
    }
    hll_release(&both);
    return n;
}

/* ---- bytes ---- */

static void put32(Buf *out, size_t value)
{
    uint32_t v = (uint32_t)value;
    buf_append(out, (const char *)&v, sizeof v);
}

int set_digest_write(const SetDigest *s, Buf *out)
{
    _cleanup_buf_ Buf hll = BUF_INIT(HLL_BYTES_MAX);
    if (hll_write(&s->hll, &hll))
        return -1;
    buf_putc(out, FORMAT);
    put32(out, hll.len);
    buf_add(out, buf_str(&hll));
    put32(out, s->most);
    put32(out, s->n);
    for (size_t i = 0; i < s->n; i++)
        buf_append(out, (const char *)&s->hashes[i].hash, 8);
    for (size_t i = 0; i < s->n; i++)
        buf_append(out, (const char *)&s->hashes[i].count, 2);
    return out->overflow ? -1 : 0;
}

static int bad(Error *err)
{
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Cannot deserialize SetDigest");
}

static uint32_t get32(Str bytes, size_t at)
{
    uint32_t v;
    memcpy(&v, bytes.ptr + at, sizeof v);
    return v;
}

static int read_hashes(Str bytes, size_t at, SetDigest *s, Error *err)
{
    size_t n = s->n;
    if (n && held_resize(&s->hashes, 0, n * sizeof *s->hashes, err))
        return -1;
    s->capacity = n;
    for (size_t i = 0; i < n; i++) {
        memcpy(&s->hashes[i].hash, bytes.ptr + at + 8 * i, 8);
        memcpy(&s->hashes[i].count, bytes.ptr + at + 8 * n + 2 * i, 2);
        if (i && s->hashes[i - 1].hash >= s->hashes[i].hash)
            return bad(err);
    }
    return 0;
}

int set_digest_read(Str bytes, SetDigest *ret, Error *err)
{
    size_t hll = bytes.len >= HEAD_BYTES && bytes.ptr[0] == FORMAT ? get32(bytes, 1) : UINT32_MAX;
    if (hll > HLL_BYTES_MAX || bytes.len < HEAD_BYTES + hll + 8)
        return bad(err);
    SetDigest s = {.most = get32(bytes, HEAD_BYTES + hll)};
    size_t n = get32(bytes, HEAD_BYTES + hll + 4), at = HEAD_BYTES + hll + 8;
    if (s.most < 1 || s.most > 1 << 20 || n > s.most || bytes.len != at + 10 * n)
        return bad(err);
    if (hll_read(str_of(bytes.ptr + HEAD_BYTES, hll), &s.hll, err))
        return -1;
    s.n = n;
    if (read_hashes(bytes, at, &s, err)) {
        set_digest_release(&s);
        return -1;
    }
    *ret = s;
    return 0;
}
