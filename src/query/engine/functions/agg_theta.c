/* agg_theta.c - t_theta: a Theta sketch of values in Iceberg's single-value form, as the bytes of a compact
 * sketch of Apache DataSketches. Source: Puffin spec, "apache-datasketches-theta-v1"; the library's
 * PreambleUtil for the layout.
 *
 * A value is its hash below 2^63. The state holds the distinct hashes below theta; when there are too many,
 * theta becomes the SKETCH_NOMINAL-th smallest. */
#include <stdlib.h>

#include "query/engine/functions/aggregate.h"
#include "query/engine/functions/sketch.h"

enum {
    SKETCH_NOMINAL = 4096,
    SKETCH_MOST = 2 * SKETCH_NOMINAL * 15 / 16, /* hashes held before theta sinks */
    SLOTS_FIRST = 64,
    SEED = 9001,
    SEED_HASH = 0x93cc,
    SKETCH_BYTES_MAX = 24 + 8 * SKETCH_MOST,
};
enum { VERSION = 3, FAMILY_COMPACT = 3 };
enum { FLAG_READ_ONLY = 2, FLAG_EMPTY = 4, FLAG_COMPACT = 8, FLAG_ORDERED = 16, FLAG_SINGLE = 32 };

typedef struct Theta {
    AggObject head;
    uint64_t *slots; /* 0: free */
    size_t n_slots, n;
    uint64_t theta; /* 0: not begun; INT64_MAX: every value counts */
} Theta;

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void put(Theta *t, uint64_t hash)
{
    size_t at = hash & (t->n_slots - 1);
    while (t->slots[at] && t->slots[at] != hash)
        at = (at + 1) & (t->n_slots - 1);
    t->n += !t->slots[at];
    t->slots[at] = hash;
}

/* The hashes below theta, sorted, at the front of `ret`. */
static size_t collect(const Theta *t, uint64_t *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_slots; i++)
        if (t->slots[i] && t->slots[i] < t->theta)
            ret[n++] = t->slots[i];
    qsort(ret, n, sizeof *ret, compare_hashes);
    return n;
}

static int resize(Theta *t, size_t n_slots, Error *err)
{
    uint64_t *old = t->slots, *more = NULL;
    size_t n_old = t->n_slots;
    if (held_resize(&more, 0, n_slots * sizeof *more, err))
        return -1;
    memset(more, 0, n_slots * sizeof *more);
    t->slots = more;
    t->n_slots = n_slots;
    t->n = 0;
    for (size_t i = 0; i < n_old; i++)
        if (old[i] && old[i] < t->theta)
            put(t, old[i]);
    if (old)
        held_free(old, n_old * sizeof *old);
    return 0;
}

static int sink(Theta *t, Error *err)
{
    uint64_t sorted[SKETCH_MOST + 1];
    size_t n = collect(t, sorted);
    if (n > SKETCH_NOMINAL)
        t->theta = sorted[SKETCH_NOMINAL];
    return resize(t, t->n_slots, err);
}

static int add_hash(Theta *t, uint64_t hash, Error *err)
{
    if (!t->theta)
        t->theta = INT64_MAX;
    if (!hash || hash >= t->theta)
        return 0;
    if (t->n + 1 > t->n_slots / 2 && resize(t, t->n_slots ? 2 * t->n_slots : SLOTS_FIRST, err))
        return -1;
    put(t, hash);
    return t->n > SKETCH_MOST ? sink(t, err) : 0;
}

static void add_bytes(AggCall *c, Theta *t, Str bytes)
{
    uint64_t hash[2];
    Error err;
    if (!bytes.len) /* the library passes over it */
        return;
    murmur3_seeded(bytes, SEED, hash);
    if (add_hash(t, hash[0] >> 1, &err))
        agg_fail_error(c, &err);
}

#define ADD_FIXED(NAME, TYPE)                                                                                \
    static void add_##NAME(AggCall *c, void *object, size_t row)                                             \
    {                                                                                                        \
        add_bytes(c, object, str_of((const char *)&AGG_ARG(c, 0, TYPE, row), sizeof(TYPE)));                 \
    }
ADD_FIXED(byte, uint8_t)
ADD_FIXED(int, int32_t)
ADD_FIXED(long, int64_t)

static void add_text(AggCall *c, void *object, size_t row)
{
    add_bytes(c, object, agg_str(c, 0, row));
}

/* A UUID's bytes; DuckDB holds it with the first bit turned. */
static void add_uuid(AggCall *c, void *object, size_t row)
{
    char bytes[16];
    unsigned __int128 v = AGG_ARG(c, 0, unsigned __int128, row) ^ ((unsigned __int128)1 << 127);
    for (int i = 15; i >= 0; i--, v >>= 8)
        bytes[i] = (char)v;
    add_bytes(c, object, str_of(bytes, sizeof bytes));
}

/* The unscaled value of a decimal: two's complement, big-endian, as few bytes as hold it. */
static void add_unscaled(AggCall *c, void *object, size_t row)
{
    char bytes[16];
    int128 v = AGG_ARG(c, 0, int128, row), rest = v;
    int first = 16;
    do {
        bytes[--first] = (char)rest;
        rest >>= 8;
    } while (first > 0 && !((rest == 0 && !(bytes[first] & 0x80)) || (rest == -1 && (bytes[first] & 0x80))));
    add_bytes(c, object, str_of(bytes + first, (size_t)(16 - first)));
}

static void merge(AggCall *c, void *into, const void *from)
{
    Theta *t = into;
    const Theta *other = from;
    Error err;
    if (!other->theta)
        return;
    if (!t->theta)
        t->theta = INT64_MAX;
    if (other->theta < t->theta) {
        t->theta = other->theta;
        if (t->n_slots && resize(t, t->n_slots, &err)) {
            agg_fail_error(c, &err);
            return;
        }
    }
    for (size_t i = 0; i < other->n_slots && !c->failed; i++)
        if (other->slots[i] && add_hash(t, other->slots[i], &err))
            agg_fail_error(c, &err);
}

static void put_le(char **out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        *(*out)++ = (char)(value >> (8 * i));
}

static void finish(AggCall *c, void *object, size_t row)
{
    static _Thread_local char bytes[SKETCH_BYTES_MAX];
    uint64_t sorted[SKETCH_MOST + 1];
    const Theta *t = object;
    bool exact = !t->theta || t->theta == INT64_MAX;
    size_t n = t->n_slots ? collect(t, sorted) : 0;
    int longs = !exact ? 3 : n > 1 ? 2 : 1;
    unsigned flags = FLAG_READ_ONLY | FLAG_COMPACT | FLAG_ORDERED | (exact && n == 0 ? FLAG_EMPTY : 0) |
                     (exact && n == 1 ? FLAG_SINGLE : 0);
    char *out = bytes;
    put_le(&out, (uint64_t)longs, 1);
    put_le(&out, VERSION, 1);
    put_le(&out, FAMILY_COMPACT, 1);
    put_le(&out, 0, 2);
    put_le(&out, flags, 1);
    put_le(&out, SEED_HASH, 2);
    if (longs > 1) {
        put_le(&out, n, 4);
        put_le(&out, 0x3f800000, 4); /* the sampling probability: 1.0 */
    }
    if (longs > 2)
        put_le(&out, t->theta, 8);
    for (size_t i = 0; i < n; i++)
        put_le(&out, sorted[i], 8);
    agg_put_str(c, row, str_of(bytes, (size_t)(out - bytes)));
}

static void release(void *object)
{
    Theta *t = object;
    if (t->slots)
        held_free(t->slots, t->n_slots * sizeof *t->slots);
}

#define THETA(SIGNATURE, ADD) {"t_theta", SIGNATURE, sizeof(Theta), ADD, merge, finish, release, 0}
const AggDef agg_theta_aggregates[] = {
    THETA("b>x", add_byte), THETA("4>x", add_int),  THETA("8>x", add_long),     THETA("f>x", add_int),
    THETA("d>x", add_long), THETA("s>x", add_text), THETA("x>x", add_text),     THETA("D>x", add_int),
    THETA("t>x", add_long), THETA("T>x", add_long), THETA("W>x", add_unscaled), THETA("u>x", add_uuid),
    {0},
};
