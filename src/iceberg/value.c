/* value.c - comparing, converting, hashing values, and their binary form. Text and JSON: value_text.c. */
#include "iceberg/value.h"

#include <assert.h>
#include <math.h>

static const int64_t DAY_MICROS = INT64_C(86400000000);

/* Types that share a payload and compare with each other. */
typedef enum Family {
    FAMILY_NONE,
    FAMILY_BOOLEAN,
    FAMILY_INTEGER,
    FAMILY_FLOATING,
    FAMILY_DECIMAL,
    FAMILY_DATE,
    FAMILY_TIME,
    FAMILY_TIMESTAMP,
    FAMILY_TIMESTAMPTZ,
    FAMILY_TIMESTAMP_NS,
    FAMILY_TIMESTAMPTZ_NS,
    FAMILY_STRING,
    FAMILY_UUID,
    FAMILY_BYTES,
} Family;

static Family family_of(IceTypeId type)
{
    static const uint8_t families[ICE_MAP + 1] = {
        [ICE_BOOLEAN] = FAMILY_BOOLEAN,
        [ICE_INT] = FAMILY_INTEGER,
        [ICE_LONG] = FAMILY_INTEGER,
        [ICE_FLOAT] = FAMILY_FLOATING,
        [ICE_DOUBLE] = FAMILY_FLOATING,
        [ICE_DECIMAL] = FAMILY_DECIMAL,
        [ICE_DATE] = FAMILY_DATE,
        [ICE_TIME] = FAMILY_TIME,
        [ICE_TIMESTAMP] = FAMILY_TIMESTAMP,
        [ICE_TIMESTAMPTZ] = FAMILY_TIMESTAMPTZ,
        [ICE_TIMESTAMP_NS] = FAMILY_TIMESTAMP_NS,
        [ICE_TIMESTAMPTZ_NS] = FAMILY_TIMESTAMPTZ_NS,
        [ICE_STRING] = FAMILY_STRING,
        [ICE_UUID] = FAMILY_UUID,
        [ICE_FIXED] = FAMILY_BYTES,
        [ICE_BINARY] = FAMILY_BYTES,
        [ICE_GEOMETRY] = FAMILY_BYTES,
        [ICE_GEOGRAPHY] = FAMILY_BYTES,
        [ICE_VARIANT] = FAMILY_BYTES,
    };
    return families[type];
}

bool ice_value_is_nan(const IceValue *v)
{
    return !v->is_null && (v->type == ICE_FLOAT || v->type == ICE_DOUBLE) && isnan(v->f64);
}

/* --- order --- */

bool ice_value_comparable(const IceValue *a, const IceValue *b)
{
    return a->is_null || b->is_null ||
           (family_of(a->type) == family_of(b->type) && family_of(a->type) != FAMILY_NONE);
}

/* The IEEE 754 total order, as the spec has it: the bits as a sign-magnitude integer. */
static int compare_doubles(double a, double b)
{
    int64_t x, y;

    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    x ^= (int64_t)((uint64_t)(x >> 63) >> 1);
    y ^= (int64_t)((uint64_t)(y >> 63) >> 1);
    return (x > y) - (x < y);
}

static int compare_decimals(__int128 a, int a_scale, __int128 b, int b_scale)
{
    __int128 scaled;

    for (; a_scale < b_scale; a_scale++, a = scaled)
        if (__builtin_mul_overflow(a, 10, &scaled))
            return a > 0 ? 1 : -1;
    for (; b_scale < a_scale; b_scale++, b = scaled)
        if (__builtin_mul_overflow(b, 10, &scaled))
            return b > 0 ? -1 : 1;
    return (a > b) - (a < b);
}

int ice_value_compare(const IceValue *a, const IceValue *b)
{
    if (a->is_null || b->is_null)
        return (int)b->is_null - (int)a->is_null;
    assert(ice_value_comparable(a, b));
    switch (family_of(a->type)) {
    case FAMILY_BOOLEAN:
        return (int)a->boolean - (int)b->boolean;
    case FAMILY_FLOATING:
        return compare_doubles(a->f64, b->f64);
    case FAMILY_DECIMAL:
        return compare_decimals(a->decimal, a->scale, b->decimal, b->scale);
    case FAMILY_UUID:
        return memcmp(a->uuid, b->uuid, sizeof a->uuid);
    case FAMILY_STRING:
    case FAMILY_BYTES:
        return str_cmp(a->bytes, b->bytes);
    default:
        return (a->i64 > b->i64) - (a->i64 < b->i64);
    }
}

bool ice_value_equal(const IceValue *a, const IceValue *b)
{
    return ice_value_comparable(a, b) && ice_value_compare(a, b) == 0;
}

/* --- decimals --- */

size_t ice_decimal_bytes(__int128 unscaled, uint8_t out[16])
{
    size_t n = 16;

    /* a leading byte goes when it only repeats the sign of the next */
    while (n > 1) {
        int top = (int)(unscaled >> (8 * (n - 1)) & 0xFF), next = (int)(unscaled >> (8 * (n - 2)) & 0xFF);
        if (!(top == 0x00 && next < 0x80) && !(top == 0xFF && next >= 0x80))
            break;
        n--;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(unscaled >> (8 * (n - 1 - i)));
    return n;
}

int ice_decimal_from_bytes(Str bytes, __int128 *ret, Error *err)
{
    if (bytes.len == 0)
        return err_set(err, ERR_CORRUPT, "a decimal of no bytes");
    bool negative = (unsigned char)bytes.ptr[0] >= 0x80;
    while (bytes.len > 16) {
        if ((unsigned char)bytes.ptr[0] != (negative ? 0xFF : 0x00))
            return err_set(err, ERR_CORRUPT, "a decimal of %zu bytes does not fit into 128 bits",
                           bytes.len);
        bytes = str_slice(bytes, 1, bytes.len);
        if (((unsigned char)bytes.ptr[0] >= 0x80) != negative)
            return err_set(err, ERR_CORRUPT, "a decimal does not fit into 128 bits");
    }
    unsigned __int128 value = negative ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (unsigned char)bytes.ptr[i];
    *ret = (__int128)value;
    return 0;
}

/* --- binary single values --- */

static int wrong_length(const IceType *type, Str bytes, Error *err)
{
    static const char *const names[ICE_MAP + 1] = {
        [ICE_BOOLEAN] = "boolean",
        [ICE_INT] = "int",
        [ICE_LONG] = "long",
        [ICE_FLOAT] = "float",
        [ICE_DOUBLE] = "double",
        [ICE_DATE] = "date",
        [ICE_TIME] = "time",
        [ICE_TIMESTAMP] = "timestamp",
        [ICE_TIMESTAMPTZ] = "timestamptz",
        [ICE_TIMESTAMP_NS] = "timestamp_ns",
        [ICE_TIMESTAMPTZ_NS] = "timestamptz_ns",
        [ICE_UUID] = "uuid",
    };
    return err_set(err, ERR_CORRUPT, "a value of %zu bytes is no %s", bytes.len, names[type->id]);
}

static int64_t little_endian(Str bytes)
{
    uint64_t value = 0;

    for (size_t i = bytes.len; i-- > 0;)
        value = value << 8 | (unsigned char)bytes.ptr[i];
    return bytes.len == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

static bool days_to_timestamp(IceTypeId type, int64_t days, int64_t *ret)
{
    bool nanos = type == ICE_TIMESTAMP_NS || type == ICE_TIMESTAMPTZ_NS;
    return !__builtin_mul_overflow(days, nanos ? DAY_MICROS * 1000 : DAY_MICROS, ret);
}

static int integer_from_bytes(const IceType *type, Str bytes, int64_t *ret, Error *err)
{
    bool is_short = type->id == ICE_INT || type->id == ICE_DATE;

    if (bytes.len != 4 && (bytes.len != 8 || is_short))
        return wrong_length(type, bytes, err);
    *ret = little_endian(bytes);
    if (is_short || bytes.len == 8 || type->id == ICE_LONG)
        return 0;
    /* a date that was promoted to a timestamp */
    if (type->id == ICE_TIME || !days_to_timestamp(type->id, *ret, ret))
        return wrong_length(type, bytes, err);
    return 0;
}

static int floating_from_bytes(const IceType *type, Str bytes, double *ret, Error *err)
{
    float single;

    if (bytes.len == 4) {
        memcpy(&single, bytes.ptr, 4);
        *ret = (double)single;
    } else if (bytes.len == 8 && type->id == ICE_DOUBLE) {
        memcpy(ret, bytes.ptr, 8);
    } else {
        return wrong_length(type, bytes, err);
    }
    return 0;
}

int ice_value_from_bytes(const IceType *type, Str bytes, IceValue *ret, Error *err)
{
    IceValue v = { .type = (uint8_t)type->id, .scale = (int16_t)type->scale };
    int result = 0;

    switch (family_of(type->id)) {
    case FAMILY_NONE:
        return err_set(err, ERR_CORRUPT, "a value of a type that has none");
    case FAMILY_BOOLEAN:
        if (bytes.len != 1)
            return wrong_length(type, bytes, err);
        v.boolean = bytes.ptr[0] != 0;
        break;
    case FAMILY_FLOATING:
        result = floating_from_bytes(type, bytes, &v.f64, err);
        break;
    case FAMILY_DECIMAL:
        result = ice_decimal_from_bytes(bytes, &v.decimal, err);
        break;
    case FAMILY_UUID:
        if (bytes.len != sizeof v.uuid)
            return wrong_length(type, bytes, err);
        memcpy(v.uuid, bytes.ptr, sizeof v.uuid);
        break;
    case FAMILY_STRING:
    case FAMILY_BYTES:
        v.bytes = bytes;
        break;
    default:
        result = integer_from_bytes(type, bytes, &v.i64, err);
    }
    if (result == 0)
        *ret = v;
    return result;
}

Str ice_value_to_bytes(const IceValue *v, Arena *arena)
{
    uint8_t out[16];
    size_t n = 8;
    uint64_t bits = (uint64_t)v->i64;

    assert(!v->is_null);
    switch (family_of(v->type)) {
    case FAMILY_BOOLEAN:
        bits = v->boolean;
        n = 1;
        break;
    case FAMILY_FLOATING:
        if (v->type == ICE_FLOAT) {
            float single = (float)v->f64;
            uint32_t single_bits;
            memcpy(&single_bits, &single, 4);
            bits = single_bits;
            n = 4;
        } else {
            memcpy(&bits, &v->f64, 8);
        }
        break;
    case FAMILY_DECIMAL:
        n = ice_decimal_bytes(v->decimal, out);
        return arena_str(arena, str_of((const char *)out, n));
    case FAMILY_UUID:
        return arena_str(arena, str_of((const char *)v->uuid, sizeof v->uuid));
    case FAMILY_STRING:
    case FAMILY_BYTES:
        return arena_str(arena, v->bytes);
    default:
        n = v->type == ICE_INT || v->type == ICE_DATE ? 4 : 8;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(bits >> (8 * i));
    return arena_str(arena, str_of((const char *)out, n));
}

/* --- conversion of literals --- */

static bool rescale(__int128 unscaled, int from, int to, __int128 *ret)
{
    for (; from < to; from++)
        if (__builtin_mul_overflow(unscaled, 10, &unscaled))
            return false;
    for (; from > to; from--) {
        if (unscaled % 10 != 0)
            return false;
        unscaled /= 10;
    }
    *ret = unscaled;
    return true;
}

static bool fits_precision(__int128 unscaled, int precision)
{
    __int128 limit = 1;

    for (int i = 0; i < precision; i++)
        if (__builtin_mul_overflow(limit, 10, &limit))
            return true;
    return unscaled < limit && unscaled > -limit;
}

/* The value as an unscaled decimal, when it is a whole number or a decimal. */
static bool exact_decimal(const IceValue *v, __int128 *ret, int *ret_scale)
{
    *ret_scale = v->type == ICE_DECIMAL ? v->scale : 0;
    if (family_of(v->type) == FAMILY_DECIMAL)
        *ret = v->decimal;
    else if (family_of(v->type) == FAMILY_INTEGER)
        *ret = v->i64;
    else if (family_of(v->type) == FAMILY_FLOATING && fabs(v->f64) < 0x1p62 && v->f64 == floor(v->f64))
        *ret = (int64_t)v->f64;
    else
        return false;
    return true;
}

static bool convert_to_integer(const IceValue *v, IceTypeId to, IceValue *ret)
{
    __int128 unscaled;
    int scale;

    if (!exact_decimal(v, &unscaled, &scale) || !rescale(unscaled, scale, 0, &unscaled))
        return false;
    if (unscaled < (to == ICE_INT ? INT32_MIN : INT64_MIN) ||
        unscaled > (to == ICE_INT ? INT32_MAX : INT64_MAX))
        return false;
    ret->i64 = (int64_t)unscaled;
    return true;
}

static bool convert_to_decimal(const IceValue *v, const IceType *to, IceValue *ret)
{
    __int128 unscaled;
    int scale;

    if (!exact_decimal(v, &unscaled, &scale) || !rescale(unscaled, scale, to->scale, &unscaled) ||
        !fits_precision(unscaled, to->precision))
        return false;
    ret->decimal = unscaled;
    return true;
}

static bool convert_to_floating(const IceValue *v, IceTypeId to, IceValue *ret)
{
    if (family_of(v->type) == FAMILY_FLOATING) {
        ret->f64 = v->f64;
    } else {
        IceValue whole;
        if (!convert_to_integer(v, ICE_LONG, &whole))
            return false;
        ret->f64 = (double)whole.i64;
        if (fabs(ret->f64) > 0x1p62 || (int64_t)ret->f64 != whole.i64)
            return false;
    }
    return to == ICE_DOUBLE || isnan(ret->f64) || (double)(float)ret->f64 == ret->f64;
}

static bool is_nanos(IceTypeId type) { return type == ICE_TIMESTAMP_NS || type == ICE_TIMESTAMPTZ_NS; }

static bool is_zoned(IceTypeId type) { return type == ICE_TIMESTAMPTZ || type == ICE_TIMESTAMPTZ_NS; }

static bool convert_to_timestamp(const IceValue *v, IceTypeId to, IceValue *ret)
{
    if (v->type == ICE_DATE)
        return days_to_timestamp(to, v->i64, &ret->i64);
    if (v->type < ICE_TIMESTAMP || v->type > ICE_TIMESTAMPTZ_NS || is_zoned(v->type) != is_zoned(to))
        return false;
    ret->i64 = v->i64;
    if (is_nanos(to) && !is_nanos(v->type))
        return !__builtin_mul_overflow(v->i64, 1000, &ret->i64);
    if (!is_nanos(to) && is_nanos(v->type)) {
        ret->i64 = v->i64 / 1000;
        return v->i64 % 1000 == 0;
    }
    return true;
}

static bool convert_to_date(const IceValue *v, IceValue *ret)
{
    if (v->type == ICE_DATE) {
        ret->i64 = v->i64;
        return true;
    }
    if (v->type < ICE_TIMESTAMP || v->type > ICE_TIMESTAMPTZ_NS || is_zoned(v->type))
        return false;
    int64_t day = is_nanos(v->type) ? DAY_MICROS * 1000 : DAY_MICROS;
    ret->i64 = v->i64 / day;
    return v->i64 % day == 0;
}

bool ice_value_convert(const IceValue *v, const IceType *to, IceValue *ret)
{
    IceValue out = { .type = (uint8_t)to->id, .scale = (int16_t)to->scale, .is_null = v->is_null };
    bool ok = false;

    if (v->is_null) {
        *ret = out;
        return true;
    }
    switch (family_of(to->id)) {
    case FAMILY_INTEGER:
        ok = convert_to_integer(v, to->id, &out);
        break;
    case FAMILY_FLOATING:
        ok = convert_to_floating(v, to->id, &out);
        break;
    case FAMILY_DECIMAL:
        ok = convert_to_decimal(v, to, &out);
        break;
    case FAMILY_DATE:
        ok = convert_to_date(v, &out);
        break;
    case FAMILY_TIMESTAMP:
    case FAMILY_TIMESTAMPTZ:
    case FAMILY_TIMESTAMP_NS:
    case FAMILY_TIMESTAMPTZ_NS:
        ok = convert_to_timestamp(v, to->id, &out);
        break;
    case FAMILY_NONE:
        break;
    default:
        ok = family_of(v->type) == family_of(to->id) &&
             (to->id != ICE_FIXED || v->bytes.len == (size_t)to->length);
        out = *v;
        out.type = (uint8_t)to->id;
    }
    if (ok)
        *ret = out;
    return ok;
}

/* --- hash --- */

static inline uint32_t rotate_left(uint32_t x, int n) { return x << n | x >> (32 - n); }

uint32_t murmur3_x86_32(const void *bytes, size_t n, uint32_t seed)
{
    const uint8_t *p = bytes;
    uint32_t h = seed, k;
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        memcpy(&k, p + i, 4);
        k = rotate_left(k * 0xcc9e2d51u, 15) * 0x1b873593u;
        h = rotate_left(h ^ k, 13) * 5 + 0xe6546b64u;
    }
    k = 0;
    for (size_t tail = n; tail-- > i;)
        k = k << 8 | p[tail];
    h ^= rotate_left(k * 0xcc9e2d51u, 15) * 0x1b873593u;
    h ^= (uint32_t)n;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

static int32_t hash_long(int64_t value) { return (int32_t)murmur3_x86_32(&value, sizeof value, 0); }

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

int32_t ice_value_hash(const IceValue *v)
{
    uint8_t bytes[16];
    double f64;
    int64_t bits;

    assert(!v->is_null);
    switch (family_of(v->type)) {
    case FAMILY_BOOLEAN:
        return hash_long(v->boolean);
    case FAMILY_FLOATING:
        f64 = v->f64 == 0 ? 0.0 : isnan(v->f64) ? (double)NAN : v->f64;
        memcpy(&bits, &f64, sizeof bits);
        return hash_long(bits);
    case FAMILY_DECIMAL:
        return (int32_t)murmur3_x86_32(bytes, ice_decimal_bytes(v->decimal, bytes), 0);
    case FAMILY_UUID:
        return (int32_t)murmur3_x86_32(v->uuid, sizeof v->uuid, 0);
    case FAMILY_STRING:
    case FAMILY_BYTES:
        return (int32_t)murmur3_x86_32(v->bytes.ptr, v->bytes.len, 0);
    case FAMILY_TIMESTAMP_NS:
    case FAMILY_TIMESTAMPTZ_NS:
        return hash_long(floor_div(v->i64, 1000));
    default:
        return hash_long(v->i64);
    }
}
