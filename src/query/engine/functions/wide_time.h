/* wide_time.h - picoseconds: of a day in 64 bits, since 1970 in 128. */
#pragma once

#include "query/engine/calendar.h"
#include "query/engine/encode_number.h"

#define US_PICOS INT64_C(1000000)
#define SECOND_PICOS INT64_C(1000000000000)
#define DAY_PICOS (86400 * SECOND_PICOS)

enum { WIDE_DIGITS = 12 };

static inline int128 wide_make(int64_t us, int64_t picos)
{
    return (int128)us * US_PICOS + picos;
}
/* The microseconds below. */
static inline int64_t wide_us(int128 v)
{
    int128 us = v / US_PICOS;
    return (int64_t)(us - (us * US_PICOS > v));
}
/* What is above them: 0 … 999,999. */
static inline int64_t wide_picos(int128 v)
{
    int64_t picos = (int64_t)(v % US_PICOS);
    return picos < 0 ? picos + US_PICOS : picos;
}

/* Picoseconds of the last of p digits. */
static inline int64_t digit_picos(int p)
{
    int64_t unit = 1;
    for (int i = p; i < WIDE_DIGITS; i++)
        unit *= 10;
    return unit;
}
/* Half up to p digits. */
static inline int128 wide_round(int128 v, int p)
{
    int64_t unit = digit_picos(p);
    int128 moved = v + unit / 2, rest = moved % unit;
    return moved - (rest < 0 ? rest + unit : rest);
}
/* Likewise, of a day: the last second may become the first. */
static inline int64_t round_day_picos(int64_t v, int p)
{
    int64_t unit = digit_picos(p);
    return (v + unit / 2) / unit * unit % DAY_PICOS;
}
