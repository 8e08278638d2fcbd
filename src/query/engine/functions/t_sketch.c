/* t_sketch.c - functions on sketches (HyperLogLog, q-digest, t-digest, SetDigest), and what aggregates are
 * given: hashes as Trino has them, checked counts, numbers in sortable form. */
#include <math.h>
#include <xxhash.h>

#include "query/engine/functions/sketch.h"
#include "query/engine/functions/values.h"

/* Java throws from the constructor, and nobody catches. */
static void bad_bytes(Call *c, const Error *err)
{
    call_fail(c, err->code == ERR_INVALID_FUNCTION_ARGUMENT ? ERR_INTERNAL : err->code, "%s", err->message);
}

/* ---- hashes ---- */

static uint64_t hash64(int64_t v)
{
    return XXH64(&v, sizeof v, 0);
}

static int128 wide_floor(int128 v, int128 by, int64_t *ret_rest)
{
    int128 q = v / by, rest = v % by;
    if (rest < 0) {
        rest += by;
        q--;
    }
    *ret_rest = (int64_t)rest;
    return q;
}

static int64_t signed_at(const Values *v, size_t i)
{
    switch (v->width) {
    case 1:
        return ((const int8_t *)v->data)[i];
    case 2:
        return ((const int16_t *)v->data)[i];
    case 4:
        return ((const int32_t *)v->data)[i];
    default:
        return ((const int64_t *)v->data)[i];
    }
}

static uint64_t hash_float(float v)
{
    int32_t bits;
    v = v == 0 ? 0 : v;
    memcpy(&bits, &v, sizeof bits);
    return hash64(isnan(v) ? 0x7fc00000 : bits);
}

static uint64_t hash_double(double v)
{
    int64_t bits;
    v = v == 0 ? 0 : v;
    memcpy(&bits, &v, sizeof bits);
    return hash64(isnan(v) ? 0x7ff8000000000000LL : bits);
}

enum { PICOS_A_MICRO = 1000000, MICROS_A_MILLI = 1000, PICOS_A_NANO = 1000 };
#define PICOS_A_MILLI 1000000000LL

/* A whole part and a rest, each hashed: timestamps that take more than 64 bits in Trino. */
static uint64_t hash_parts(int128 v, int128 by, int64_t rest_unit)
{
    int64_t rest;
    int64_t whole = (int64_t)wide_floor(v, by, &rest);
    return hash64(whole) ^ hash64(rest * rest_unit);
}

/* By the letters of hash_kind() in emit_aggregate.c. */
static uint64_t hash_scalar(char kind, const Values *v, size_t i)
{
    const Values *instant = v->n_children ? &v->children[0] : v;
    int64_t rest;
    switch (kind) {
    case 'b':
        return hash64(((const uint8_t *)v->data)[i]);
    case 'f':
        return hash_float(((const float *)v->data)[i]);
    case 'd':
        return hash_double(((const double *)v->data)[i]);
    case 's': {
        Str s = duckdb_str(&((const duckdb_string_t *)v->data)[i]);
        return XXH64(s.ptr, s.len, 0);
    }
    case 'w': {
        int128 wide = ((const int128 *)v->data)[i];
        return hash64((int64_t)wide) ^ hash64((int64_t)(wide >> 64));
    }
    case 't':
        return hash64(signed_at(v, i) * PICOS_A_MICRO);
    case 'T':
        return hash_parts(((const int128 *)v->data)[i], PICOS_A_MICRO, 1);
    case 'z':
        return hash64((int64_t)wide_floor(signed_at(instant, i), MICROS_A_MILLI, &rest));
    case 'y':
        return hash_parts(signed_at(instant, i), MICROS_A_MILLI, PICOS_A_MICRO);
    case 'Y':
        return hash_parts(((const int128 *)instant->data)[i], PICOS_A_MILLI, 1);
    case 'o':
        return hash64(signed_at(instant, i) / PICOS_A_NANO);
    default:
        return hash64(signed_at(instant, i));
    }
}

/* *kind moves past what describes v. */
static uint64_t hash_value(const char **kind, const Values *v, size_t i);

static uint64_t hash_child(const char **kind, const Values *v, size_t i)
{
    uint64_t hash = hash_value(kind, v, i);
    return value_is_null(v, i) ? 0 : hash;
}

static void skip_kind(const char **kind)
{
    char letter = *(*kind)++;
    int n = letter == 'a' ? 1 : letter == 'm' ? 2 : 0;
    if (letter == 'r')
        while (**kind != ')')
            skip_kind(kind);
    (*kind) += letter == 'r';
    while (n-- > 0)
        skip_kind(kind);
}

static uint64_t hash_list(const char *kind, const Values *v, size_t i)
{
    duckdb_list_entry list = value_list(v, i);
    uint64_t hash = 0;
    for (size_t k = list.offset; k < list.offset + list.length; k++) {
        const char *at = kind;
        hash = 31 * hash + hash_child(&at, &v->children[0], k);
    }
    return hash;
}

static uint64_t hash_map(const char *kind, const Values *v, size_t i)
{
    duckdb_list_entry list = value_list(v, i);
    const Values *pairs = &v->children[0];
    uint64_t hash = 0;
    for (size_t k = list.offset; k < list.offset + list.length; k++) {
        const char *at = kind;
        uint64_t key = hash_child(&at, &pairs->children[0], k);
        hash += key ^ hash_child(&at, &pairs->children[1], k);
    }
    return hash;
}

static uint64_t hash_value(const char **kind, const Values *v, size_t i)
{
    const char *start = *kind, *at = start + 1;
    skip_kind(kind);
    if (value_is_null(v, i))
        return 0;
    if (*start == 'a')
        return hash_list(at, v, i);
    if (*start == 'm')
        return hash_map(at, v, i);
    if (*start != 'r')
        return hash_scalar(*start, v, i);
    uint64_t hash = 1;
    for (size_t f = 0; *at != ')'; f++)
        hash = 31 * hash + hash_child(&at, &v->children[f], i);
    return hash;
}

/* (value, kind) */
static void run_hash(Call *c)
{
    enum { KIND_MAX = 1000 };
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Values v;
    Error err = {0};
    if (values_of(c->in[0].vector, arena, &v, &err) < 0) {
        call_fail_error(c, &err);
        return;
    }
    CALL_ROWS(c, row)
    {
        char kind[KIND_MAX + 1] = {0};
        Str text = arg_str(c, 1, row);
        if (text.len > KIND_MAX) {
            call_fail(c, ERR_NOT_SUPPORTED, "Hash of a type with more than %d parts", KIND_MAX);
            return;
        }
        memcpy(kind, text.ptr, text.len);
        const char *at = kind;
        OUT(c, uint64_t, row) = hash_value(&at, &v, row);
    }
}

/* ---- sizes for statistics: the bytes of what a value is made of ---- */

static uint64_t data_size(const Values *v, size_t i)
{
    uint64_t sum = 0;
    if (value_is_null(v, i))
        return 0;
    if (v->kind == VALUE_BYTES)
        return duckdb_str(&((const duckdb_string_t *)v->data)[i]).len;
    if (v->kind == VALUE_LIST || v->kind == VALUE_MAP) {
        duckdb_list_entry list = value_list(v, i);
        for (size_t k = list.offset; k < list.offset + list.length; k++)
            sum += data_size(&v->children[0], k);
        return sum;
    }
    if (v->kind == VALUE_ROW) {
        for (size_t f = 0; f < v->n_children; f++)
            sum += data_size(&v->children[f], i);
        return sum;
    }
    return v->kind == VALUE_DOUBLE     ? 8
           : v->kind == VALUE_FLOAT    ? 4
           : v->kind == VALUE_UNSIGNED ? 1
                                       : v->width;
}

static void run_data_size(Call *c)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Values v;
    Error err = {0};
    if (values_of(c->in[0].vector, arena, &v, &err) < 0) {
        call_fail_error(c, &err);
        return;
    }
    CALL_ROWS(c, row)
    OUT(c, uint64_t, row) = data_size(&v, row);
}

/* ---- HyperLogLog ---- */

static void hll_cardinality_of(Call *c)
{
    CALL_ROWS(c, row)
    {
        Hll hll;
        Error err;
        if (hll_read(arg_str(c, 0, row), &hll, &err)) {
            bad_bytes(c, &err);
            return;
        }
        OUT(c, int64_t, row) = hll_cardinality(&hll);
        hll_release(&hll);
    }
}

/* P4HyperLogLog is the same in the dense form. */
static void hll_dense(Call *c)
{
    CALL_ROWS(c, row)
    {
        Hll hll;
        Error err;
        if (hll_read(arg_str(c, 0, row), &hll, &err)) {
            bad_bytes(c, &err);
            return;
        }
        buf_clear(&c->scratch);
        if (hll_make_dense(&hll, &err))
            bad_bytes(c, &err);
        else if (hll_write(&hll, &c->scratch) == 0)
            call_put_scratch(c, row);
        hll_release(&hll);
    }
}

/* ---- quantiles ---- */

enum { QUANTILES_MAX = 10000 };

static bool check_quantile(Call *c, double q)
{
    char text[NUMBER_TEXT_MAX];
    if (!(q >= 0 && q <= 1))
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Quantile should be within bounds [0, 1], was: %.*s",
                  (int)(put_double(text, q) - text), text);
    return !c->failed;
}

static void qdigest_value(Call *c)
{
    CALL_ROWS(c, row)
    {
        QDigest digest;
        Error err;
        double q = ARG(c, 1, double, row);
        if (!check_quantile(c, q))
            return;
        if (qdigest_read(arg_str(c, 0, row), &digest, &err)) {
            bad_bytes(c, &err);
            return;
        }
        qdigest_values(&digest, &q, 1, &OUT(c, int64_t, row));
        qdigest_release(&digest);
    }
}

/* NULL outside of what the digest has seen. */
static void qdigest_quantile(Call *c)
{
    CALL_ROWS(c, row)
    {
        QDigest digest;
        Error err;
        int64_t value = ARG(c, 1, int64_t, row);
        if (qdigest_read(arg_str(c, 0, row), &digest, &err)) {
            bad_bytes(c, &err);
            return;
        }
        if (digest.weight == 0 || value < digest.min || value > digest.max)
            call_set_null(c, row);
        else
            OUT(c, double, row) = qdigest_quantile_of(&digest, value);
        qdigest_release(&digest);
    }
}

static void tdigest_value(Call *c)
{
    CALL_ROWS(c, row)
    {
        TDigest digest;
        Error err;
        double q = ARG(c, 1, double, row);
        if (q < 0 || q > 1) {
            call_fail(c, ERR_INTERNAL, "quantiles should be in [0, 1] range");
            return;
        }
        if (tdigest_read(arg_str(c, 0, row), &digest, &err)) {
            bad_bytes(c, &err);
            return;
        }
        if (tdigest_values(&digest, &q, 1, &OUT(c, double, row), &err))
            bad_bytes(c, &err);
        tdigest_release(&digest);
    }
}

/* The elements of a list of doubles; NULL elements are 0, as in Java. */
static size_t quantiles_of(Call *c, size_t row, double *ret)
{
    duckdb_list_entry list = ARG(c, 1, duckdb_list_entry, row);
    duckdb_vector child = duck->list_vector_get_child(c->in[1].vector);
    const double *values = duck->vector_get_data(child);
    const uint64_t *validity = duck->vector_get_validity(child);
    if (list.length > QUANTILES_MAX) {
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "More than %d quantiles", QUANTILES_MAX);
        return 0;
    }
    for (size_t i = 0; i < list.length; i++)
        ret[i] = duckdb_is_valid(validity, list.offset + i) ? values[list.offset + i] : 0;
    return list.length;
}

/* Room in the result's list for n elements of this row: the index of the first. */
static size_t list_room(Call *c, size_t row, size_t *used, size_t n)
{
    size_t at = *used;
    *used += n;
    duck->list_vector_reserve(c->out, *used);
    duck->list_vector_set_size(c->out, *used);
    OUT(c, duckdb_list_entry, row) = (duckdb_list_entry){at, n};
    return at;
}

static void qdigest_values_of(Call *c)
{
    double q[QUANTILES_MAX];
    size_t used = 0;
    CALL_ROWS(c, row)
    {
        QDigest digest;
        Error err;
        size_t n = quantiles_of(c, row, q);
        for (size_t i = 0; i < n && !c->failed; i++)
            check_quantile(c, q[i]);
        if (c->failed)
            return;
        if (qdigest_read(arg_str(c, 0, row), &digest, &err)) {
            bad_bytes(c, &err);
            return;
        }
        size_t at = list_room(c, row, &used, n);
        int64_t *out = duck->vector_get_data(duck->list_vector_get_child(c->out));
        for (size_t i = 0; i < n; i++)
            qdigest_values(&digest, &q[i], 1, &out[at + i]);
        qdigest_release(&digest);
    }
}

static bool check_ascending(Call *c, const double *q, size_t n)
{
    for (size_t i = 0; i < n && !c->failed; i++) {
        if (i && q[i - 1] > q[i])
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "percentiles must be sorted in increasing order");
    }
    for (size_t i = 0; i < n && !c->failed; i++)
        if (q[i] < 0 || q[i] > 1)
            call_fail(c, ERR_INTERNAL, "quantiles should be in [0, 1] range");
    return !c->failed;
}

static void tdigest_values_of(Call *c)
{
    double q[QUANTILES_MAX];
    size_t used = 0;
    CALL_ROWS(c, row)
    {
        TDigest digest;
        Error err;
        size_t n = quantiles_of(c, row, q);
        if (c->failed || !check_ascending(c, q, n))
            return;
        if (tdigest_read(arg_str(c, 0, row), &digest, &err)) {
            bad_bytes(c, &err);
            return;
        }
        size_t at = list_room(c, row, &used, n);
        double *out = duck->vector_get_data(duck->list_vector_get_child(c->out));
        if (tdigest_values(&digest, q, n, out + at, &err))
            bad_bytes(c, &err);
        tdigest_release(&digest);
    }
}

/* ---- SetDigest ---- */

static void set_cardinality(Call *c)
{
    CALL_ROWS(c, row)
    {
        SetDigest s;
        Error err;
        if (set_digest_read(arg_str(c, 0, row), &s, &err)) {
            bad_bytes(c, &err);
            return;
        }
        OUT(c, int64_t, row) = set_digest_cardinality(&s);
        set_digest_release(&s);
    }
}

enum { JACCARD, INTERSECTION };

static void set_compare(Call *c)
{
    CALL_ROWS(c, row)
    {
        SetDigest a, b;
        Error err;
        if (set_digest_read(arg_str(c, 0, row), &a, &err)) {
            bad_bytes(c, &err);
            return;
        }
        if (set_digest_read(arg_str(c, 1, row), &b, &err)) {
            set_digest_release(&a);
            bad_bytes(c, &err);
            return;
        }
        if (c->def->arg == JACCARD) {
            OUT(c, double, row) = set_digest_jaccard(&a, &b);
        } else {
            int64_t n = set_digest_intersection(&a, &b, &err);
            if (n < 0)
                bad_bytes(c, &err);
            OUT(c, int64_t, row) = n;
        }
        set_digest_release(&a);
        set_digest_release(&b);
    }
}

/* The hashes, or their counts. */
static void set_hashes(Call *c)
{
    size_t used = 0;
    CALL_ROWS(c, row)
    {
        SetDigest s;
        Error err;
        if (set_digest_read(arg_str(c, 0, row), &s, &err)) {
            bad_bytes(c, &err);
            return;
        }
        size_t at = list_room(c, row, &used, s.n);
        int64_t *out = duck->vector_get_data(duck->list_vector_get_child(c->out));
        for (size_t i = 0; i < s.n; i++)
            out[at + i] = c->def->arg ? s.hashes[i].count : s.hashes[i].hash;
        set_digest_release(&s);
    }
}

/* ---- numbers on their way into aggregates and back ---- */

static void sortable_of_double(Call *c)
{
    CALL_ROWS(c, row)
    OUT(c, int64_t, row) = double_to_sortable(ARG(c, 0, double, row));
}
static void sortable_of_float(Call *c)
{
    CALL_ROWS(c, row)
    OUT(c, int64_t, row) = float_to_sortable(ARG(c, 0, float, row));
}
static void double_of_sortable(Call *c)
{
    CALL_ROWS(c, row)
    OUT(c, double, row) = sortable_to_double(ARG(c, 0, int64_t, row));
}
static void float_of_sortable(Call *c)
{
    CALL_ROWS(c, row)
    OUT(c, float, row) = sortable_to_float(ARG(c, 0, int64_t, row));
}

/* Java's cast from double to long. */
static int64_t to_long(double v)
{
    return isnan(v) ? 0 : v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

static void exact_double(Call *c)
{
    CALL_ROWS(c, row)
    {
        int64_t v = ARG(c, 0, int64_t, row);
        double d = (double)v;
        if (to_long(d) != v)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "no exact double representation for long: %lld",
                      (long long)v);
        OUT(c, double, row) = d;
    }
}

/* Java's Math.round: halves go up. */
static void java_round(Call *c)
{
    CALL_ROWS(c, row)
    OUT(c, int64_t, row) = to_long(floor(ARG(c, 0, double, row) + 0.5));
}

/* (n, name): how many values max(x, n) and its like may give */
static void check_n(Call *c)
{
    enum { N_MAX = 10000 };
    CALL_ROWS(c, row)
    {
        int64_t n = ARG(c, 0, int64_t, row);
        Str name = arg_str(c, 1, row);
        bool by = str_has_suffix(name, STR("_by"));
        const char *which = by ? "third" : "second";
        if (n <= 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      by ? "%s argument of %.*s must be a positive integer"
                         : "%s argument of %.*s must be positive",
                      which, STR_ARG(name));
        else if (n > N_MAX)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "%s argument of %.*s must be less than or equal to %d; found %lld", which,
                      STR_ARG(name), N_MAX, (long long)n);
        OUT(c, int64_t, row) = n;
    }
}

const FunctionDef t_sketch_functions[] = {
    {"t_xx_hash", "*s>8", run_hash, 0},
    {"t_data_size", "*>8", run_data_size, 0},
    {"t_hll_cardinality", "x>8", hll_cardinality_of, 0},
    {"t_hll_dense", "x>x", hll_dense, 0},
    {"t_qdigest_value", "xd>8", qdigest_value, 0},
    {"t_qdigest_values", "xF>P", qdigest_values_of, 0},
    {"t_qdigest_quantile", "x8>d", qdigest_quantile, 0},
    {"t_tdigest_value", "xd>d", tdigest_value, 0},
    {"t_tdigest_values", "xF>F", tdigest_values_of, 0},
    {"t_set_cardinality", "x>8", set_cardinality, 0},
    {"t_set_jaccard", "xx>d", set_compare, JACCARD},
    {"t_set_intersection", "xx>8", set_compare, INTERSECTION},
    {"t_set_hashes", "x>P", set_hashes, 0},
    {"t_set_counts", "x>P", set_hashes, 1},
    {"t_sortable", "d>8", sortable_of_double, 0},
    {"t_sortable", "f>8", sortable_of_float, 0},
    {"t_sortable_double", "8>d", double_of_sortable, 0},
    {"t_sortable_real", "8>f", float_of_sortable, 0},
    {"t_exact_double", "8>d", exact_double, 0},
    {"t_java_round", "d>8", java_round, 0},
    {"t_check_n", "8s>8", check_n, 0},
    {NULL, NULL, NULL, 0},
};
