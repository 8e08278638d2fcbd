#include "query/engine/encode_time.h"

#include "query/engine/calendar.h"
#include "query/engine/encode_number.h"

char *put_date(char *out, int64_t days)
{
    Civil c = civil_of_days(days);
    int64_t y = c.year;
    if (y < 0) {
        *out++ = '-';
        y = -y;
    } else if (y > 9999) {
        *out++ = '+';
    }
    out = y > 9999 ? put_i64(out, y) : put_padded(out, (uint64_t)y, 4);
    *out++ = '-';
    out = put_padded(out, (uint64_t)c.month, 2);
    *out++ = '-';
    return put_padded(out, (uint64_t)c.day, 2);
}

char *put_fraction(char *out, int64_t picos, int p)
{
    if (p == 0)
        return out;
    for (int i = p; i < 12; i++)
        picos /= 10;
    *out++ = '.';
    return put_padded(out, (uint64_t)picos, p);
}

static char *put_clock(char *out, int64_t seconds)
{
    out = put_padded(out, (uint64_t)(seconds / 3600), 2);
    *out++ = ':';
    out = put_padded(out, (uint64_t)(seconds / 60 % 60), 2);
    *out++ = ':';
    return put_padded(out, (uint64_t)(seconds % 60), 2);
}

char *put_time(char *out, int64_t picos_of_day, int p)
{
    const int64_t second = INT64_C(1000000000000);
    return put_fraction(put_clock(out, picos_of_day / second), picos_of_day % second, p);
}

char *put_timestamp(char *out, int64_t us, int32_t picos, int p)
{
    int64_t days = floor_div(us, DAY_US), rest = us - days * DAY_US;
    out = put_date(out, days);
    *out++ = ' ';
    out = put_clock(out, rest / SECOND_US);
    return put_fraction(out, rest % SECOND_US * 1000000 + picos, p);
}

char *put_offset(char *out, int32_t minutes)
{
    *out++ = minutes < 0 ? '-' : '+';
    uint64_t m = (uint64_t)(minutes < 0 ? -minutes : minutes);
    out = put_padded(out, m / 60, 2);
    *out++ = ':';
    return put_padded(out, m % 60, 2);
}

char *put_interval_day(char *out, int64_t ms)
{
    uint64_t v = (uint64_t)ms;
    if (ms < 0) {
        *out++ = '-';
        v = 0 - v;
    }
    out = put_u64(out, v / (uint64_t)DAY_MS);
    *out++ = ' ';
    uint64_t rest = v % (uint64_t)DAY_MS;
    out = put_clock(out, (int64_t)(rest / 1000));
    *out++ = '.';
    return put_padded(out, rest % 1000, 3);
}

char *put_interval_year(char *out, int64_t months)
{
    uint64_t v = (uint64_t)(months < 0 ? -months : months);
    if (months < 0)
        *out++ = '-';
    out = put_u64(out, v / 12);
    *out++ = '-';
    return put_u64(out, v % 12);
}
