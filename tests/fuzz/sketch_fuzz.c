/* sketch_fuzz.c - functions/sketch.h: bytes as each sketch; what can be read can be joined, asked and
 * written, and what was written is read to the same bytes. */
#include <stdlib.h>

#include "query/engine/functions/sketch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 64 << 20 };

static void try_hll(Str bytes)
{
    _cleanup_buf_ Buf once = BUF_INIT(OUT_MAX), twice = BUF_INIT(OUT_MAX);
    Hll hll, copy, again;
    Error err;
    if (hll_read(bytes, &hll, &err))
        return;
    hll_init(&copy, hll.bits);
    if (hll_merge(&copy, &hll, &err) || hll_cardinality(&copy) < 0 || hll_write(&copy, &once) ||
        hll_read(buf_str(&once), &again, &err) || hll_write(&again, &twice) ||
        !str_eq(buf_str(&once), buf_str(&twice)))
        abort();
    if (hll_add_hash(&copy, 0x9E3779B97F4A7C15ULL, &err) || hll_make_dense(&copy, &err))
        abort();
    hll_release(&again);
    hll_release(&copy);
    hll_release(&hll);
}

static void try_tdigest(Str bytes)
{
    static const double quantiles[] = {0, 0.01, 0.5, 1};
    _cleanup_buf_ Buf out = BUF_INIT(OUT_MAX);
    double values[4];
    TDigest t, copy;
    Error err;
    if (tdigest_read(bytes, &t, &err))
        return;
    tdigest_init(&copy);
    if (tdigest_values(&t, quantiles, 4, values, &err) || tdigest_merge(&copy, &t, &err) ||
        tdigest_add(&copy, 1, 1, &err) || tdigest_write(&copy, &out, &err))
        abort();
    tdigest_release(&copy);
    tdigest_release(&t);
}

static void try_qdigest(Str bytes)
{
    static const double quantiles[] = {0, 0.5, 1};
    _cleanup_buf_ Buf out = BUF_INIT(OUT_MAX);
    int64_t values[3];
    QDigest q, copy, again;
    Error err;
    if (qdigest_read(bytes, &q, &err))
        return;
    qdigest_values(&q, quantiles, 3, values);
    qdigest_quantile_of(&q, values[1]);
    qdigest_init(&copy, 0.01);
    if (qdigest_add(&copy, 7, 1, &err) || qdigest_merge(&copy, &q, &err) || qdigest_write(&copy, &out))
        abort();
    if (qdigest_read(buf_str(&out), &again, &err) == 0)
        qdigest_release(&again);
    qdigest_release(&copy);
    qdigest_release(&q);
}

static void try_set_digest(Str bytes)
{
    _cleanup_buf_ Buf out = BUF_INIT(OUT_MAX);
    SetDigest s;
    Error err;
    if (set_digest_read(bytes, &s, &err))
        return;
    set_digest_cardinality(&s);
    set_digest_jaccard(&s, &s);
    if (set_digest_intersection(&s, &s, &err) < 0 || set_digest_write(&s, &out))
        abort();
    set_digest_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str bytes = str_of((const char *)data, size);
    try_hll(bytes);
    try_tdigest(bytes);
    try_qdigest(bytes);
    try_set_digest(bytes);
    return 0;
}
