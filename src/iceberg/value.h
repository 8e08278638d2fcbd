/* value.h - one value of a primitive Iceberg type, and what the format does with it.
 *
 * A value is small and passed around by copy; text and bytes are borrowed from what it was decoded from (or
 * an arena). Integers of every width, dates and times are held in i64, float and double in f64: promotion
 * changes only `type`.
 * Source: Iceberg table spec, "Appendix B: 32-bit Hash Requirements", "Appendix D:
 * Single-value serialization". */
#pragma once

#include "iceberg/schema.h"

typedef struct IceValue {
    uint8_t type; /* IceTypeId */
    bool is_null;
    int16_t scale; /* decimal */
    union {
        bool boolean;
        int64_t i64; /* int, long; date: days; time, timestamp, timestamptz: µs; timestamp(tz)_ns: ns */
        double f64;  /* float, double */
        __int128 decimal; /* unscaled */
        uint8_t uuid[16]; /* big-endian */
        Str bytes;        /* string, fixed, binary, geometry, geography, variant */
    };
} IceValue;

static inline IceValue ice_null(IceTypeId type)
{
    return (IceValue){ .type = (uint8_t)type, .is_null = true };
}
static inline IceValue ice_boolean(bool v) { return (IceValue){ .type = ICE_BOOLEAN, .boolean = v }; }
/* int, long, date, time and timestamps */
static inline IceValue ice_integer(IceTypeId type, int64_t v)
{
    return (IceValue){ .type = (uint8_t)type, .i64 = v };
}
static inline IceValue ice_double(double v) { return (IceValue){ .type = ICE_DOUBLE, .f64 = v }; }
static inline IceValue ice_float(float v) { return (IceValue){ .type = ICE_FLOAT, .f64 = (double)v }; }
static inline IceValue ice_string(Str v) { return (IceValue){ .type = ICE_STRING, .bytes = v }; }
static inline IceValue ice_binary(Str v) { return (IceValue){ .type = ICE_BINARY, .bytes = v }; }
static inline IceValue ice_decimal(__int128 unscaled, int scale)
{
    return (IceValue){ .type = ICE_DECIMAL, .scale = (int16_t)scale, .decimal = unscaled };
}

bool ice_value_is_nan(const IceValue *v);

/* Total order of the spec: null first; -NaN < -inf < ... < -0 < +0 < ... < NaN; text and bytes as unsigned
 * bytes. Values must be comparable: int with long, float with double, decimals of any scale, text and bytes
 * kinds among themselves. */
int ice_value_compare(const IceValue *a, const IceValue *b);
bool ice_value_comparable(const IceValue *a, const IceValue *b);
bool ice_value_equal(const IceValue *a, const IceValue *b); /* comparable and equal; null equals null */

/* Binary single-value form, as bounds have it. `bytes` may be of a type that was promoted to `type`. The
 * result borrows from `bytes`. ERR_CORRUPT when the length is not the type's. */
int ice_value_from_bytes(const IceType *type, Str bytes, IceValue *ret, Error *err);
Str ice_value_to_bytes(const IceValue *v, Arena *arena); /* arena; v is not null */

/* JSON single-value form ("2024-01-01", 14.20 as "14.20", hex for bytes). ERR_BAD_REQUEST. */
int ice_value_from_json(const IceType *type, const Json *json, Arena *arena, IceValue *ret, Error *err);
void ice_value_to_json(JsonWriter *w, const IceValue *v, Arena *arena);

/* Changes a literal to a column's type where that loses nothing (int to long, 1 to 1.0, date to timestamp,
 * "1.50" scale 2 to scale 3, ...). false: no such value exists in `to`, or the kinds do not convert. */
bool ice_value_convert(const IceValue *v, const IceType *to, IceValue *ret);

/* murmur3_x86_32, seed 0, of the bytes that the spec names for the type; v is not null. */
int32_t ice_value_hash(const IceValue *v);
uint32_t murmur3_x86_32(const void *bytes, size_t n, uint32_t seed);

/* Text as Java's toHumanString of the identity transform has it: "2024-01-01", "2024-01-01T10:00:00", base64
 * for bytes; "null". */
Str ice_value_text(const IceValue *v, Arena *arena);

/* Minimal two's-complement big-endian form of a decimal; returns its length. */
size_t ice_decimal_bytes(__int128 unscaled, uint8_t out[16]);
int ice_decimal_from_bytes(Str bytes, __int128 *ret, Error *err);
Str ice_decimal_text(__int128 unscaled, int scale, Arena *arena);
int ice_decimal_from_text(Str text, int scale, __int128 *ret, Error *err);
