#include "format/tzif.h"

#include <stdlib.h>

enum { INPUT_MAX = 64 * 1024, TRANSITIONS_MAX = 4096, TYPES_MAX = 256, DAY_SECONDS = 86400 };

/* When a clock changes in a year, from the POSIX TZ string of the footer (RFC 8536, section 3.3). */
typedef struct ChangeRule {
    enum { RULE_MONTH_WEEK_DAY, RULE_JULIAN_NO_LEAP, RULE_DAY_OF_YEAR } kind;
    int month, week, day;
    int32_t time; /* local seconds, may be negative or over a day */
} ChangeRule;

struct TzRules {
    size_t n;
    int64_t *at;          /* ascending instants */
    int32_t *offset;      /* from at[i] on */
    int32_t first_offset; /* before at[0] */
    bool has_footer, has_dst;
    int32_t std_offset, dst_offset;
    ChangeRule dst_start, dst_end;
};

/* ---- calendar ---- */

static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t year_of(int64_t seconds)
{
    int64_t days = floor_div(seconds, DAY_SECONDS), y = 1970 + floor_div(days * 400, 146097);
    while (days_from_civil(y, 1, 1) > days)
        y--;
    while (days_from_civil(y + 1, 1, 1) <= days)
        y++;
    return y;
}

static bool is_leap(int64_t y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* The rule's local second in year y. */
static int64_t rule_at(const ChangeRule *r, int64_t y)
{
    int64_t first = days_from_civil(y, 1, 1);
    if (r->kind == RULE_DAY_OF_YEAR)
        return (first + r->day) * DAY_SECONDS + r->time;
    if (r->kind == RULE_JULIAN_NO_LEAP)
        return (first + r->day - 1 + (is_leap(y) && r->day >= 60)) * DAY_SECONDS + r->time;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t month_first = days_from_civil(y, r->month, 1);
    int weekday = (int)(((month_first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    int day = (r->day - weekday + 7) % 7 + (r->week - 1) * 7;
    int length = lengths[r->month - 1] + (r->month == 2 && is_leap(y));
    while (day >= length)
        day -= 7;
    return (month_first + day) * DAY_SECONDS + r->time;
}

/* ---- the footer ---- */

typedef struct Reader {
    const char *p, *end;
    bool bad;
} Reader;

static bool take(Reader *r, char c)
{
    if (r->p < r->end && *r->p == c) {
        r->p++;
        return true;
    }
    return false;
}

static int read_number(Reader *r, int max)
{
    int n = 0, digits = 0;
    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9' && digits < 4; r->p++, digits++)
        n = n * 10 + (*r->p - '0');
    if (digits == 0 || n > max)
        r->bad = true;
    return n;
}

/* [+-]hh[:mm[:ss]]; hours up to 167 as RFC 8536 extends them. */
static int32_t read_time(Reader *r)
{
    int sign = take(r, '-') ? -1 : (take(r, '+'), 1);
    int32_t t = read_number(r, 167) * 3600;
    if (take(r, ':'))
        t += read_number(r, 59) * 60;
    if (take(r, ':'))
        t += read_number(r, 59);
    return sign * t;
}

static void skip_name(Reader *r)
{
    const char *from = r->p;
    if (take(r, '<')) {
        while (r->p < r->end && *r->p != '>')
            r->p++;
        if (!take(r, '>'))
            r->bad = true;
        return;
    }
    while (r->p < r->end && ((*r->p | 32) >= 'a' && (*r->p | 32) <= 'z'))
        r->p++;
    if (r->p == from)
        r->bad = true;
}

static ChangeRule read_rule(Reader *r)
{
    ChangeRule rule = {.time = 2 * 3600};
    if (take(r, 'M')) {
        rule.kind = RULE_MONTH_WEEK_DAY;
        rule.month = read_number(r, 12);
        r->bad |= !take(r, '.');
        rule.week = read_number(r, 5);
        r->bad |= !take(r, '.');
        rule.day = read_number(r, 6);
        r->bad |= rule.month < 1 || rule.week < 1;
    } else if (take(r, 'J')) {
        rule.kind = RULE_JULIAN_NO_LEAP;
        rule.day = read_number(r, 365);
        r->bad |= rule.day < 1;
    } else {
        rule.kind = RULE_DAY_OF_YEAR;
        rule.day = read_number(r, 365);
    }
    if (take(r, '/'))
        rule.time = read_time(r);
    return rule;
}

/* An empty footer means: nothing is known after the last transition. */
static int parse_footer(Str text, TzRules *rules, Error *err)
{
    if (text.len == 0)
        return 0;
    Reader r = {text.ptr, text.ptr + text.len, false};
    skip_name(&r);
    rules->std_offset = -read_time(&r);
    if (r.p < r.end && !r.bad) {
        rules->has_dst = true;
        skip_name(&r);
        rules->dst_offset = rules->std_offset + 3600;
        if (r.p < r.end && *r.p != ',')
            rules->dst_offset = -read_time(&r);
        r.bad |= !take(&r, ',');
        rules->dst_start = read_rule(&r);
        r.bad |= !take(&r, ',');
        rules->dst_end = read_rule(&r);
    }
    if (r.bad || r.p != r.end)
        return err_set(err, ERR_CORRUPT, "time zone footer '%.*s' is no POSIX TZ string", STR_ARG(text));
    rules->has_footer = true;
    return 0;
}

/* ---- the file ---- */

typedef struct Header {
    uint32_t isutc, isstd, leap, time, type, chars;
} Header;

static uint32_t be32(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}
static int64_t be64(const char *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static int read_header(Str bytes, Header *h, Error *err)
{
    if (bytes.len < 44 || memcmp(bytes.ptr, "TZif", 4) != 0)
        return err_set(err, ERR_CORRUPT, "not a TZif file");
    const char *p = bytes.ptr + 20;
    *h = (Header){be32(p), be32(p + 4), be32(p + 8), be32(p + 12), be32(p + 16), be32(p + 20)};
    if (h->time > TRANSITIONS_MAX || h->type > TYPES_MAX || h->type == 0 || h->chars > 4096 ||
        h->leap > 4096 || h->isutc > h->type || h->isstd > h->type)
        return err_set(err, ERR_CORRUPT, "TZif header out of limits");
    return 0;
}

static size_t body_size(const Header *h, size_t time_size)
{
    return h->time * (time_size + 1) + h->type * 6u + h->chars + h->leap * (time_size + 4) + h->isstd +
           h->isutc;
}

static int read_body(Str bytes, const Header *h, size_t time_size, TzRules *rules, Error *err)
{
    if (bytes.len < body_size(h, time_size))
        return err_set(err, ERR_CORRUPT, "TZif file is cut short");
    const char *times = bytes.ptr, *indexes = times + h->time * time_size, *types = indexes + h->time;
    rules->n = h->time;
    rules->at = calloc(h->time + 1u, sizeof *rules->at);
    rules->offset = calloc(h->time + 1u, sizeof *rules->offset);
    if (!rules->at || !rules->offset)
        return err_set(err, ERR_LIMIT, "no memory for time zone rules");
    for (uint32_t i = 0; i < h->type; i++) {
        int32_t offset = (int32_t)be32(types + 6 * i);
        if (offset < -26 * 3600 || offset > 26 * 3600)
            return err_set(err, ERR_CORRUPT, "TZif offset %d out of range", offset);
    }
    for (uint32_t i = 0; i < h->time; i++) {
        rules->at[i] = time_size == 8 ? be64(times + 8 * i) : (int32_t)be32(times + 4 * i);
        uint8_t type = (uint8_t)indexes[i];
        if (type >= h->type || (i > 0 && rules->at[i] <= rules->at[i - 1]))
            return err_set(err, ERR_CORRUPT, "TZif transitions are not in order");
        rules->offset[i] = (int32_t)be32(types + 6 * type);
    }
    rules->first_offset = (int32_t)be32(types);
    return 0;
}

static int parse(Str bytes, TzRules *rules, Error *err)
{
    Header h;
    if (bytes.len > INPUT_MAX)
        return err_set(err, ERR_LIMIT, "TZif file of %zu bytes", bytes.len);
    if (read_header(bytes, &h, err) < 0)
        return -1;
    if (bytes.ptr[4] == 0)
        return read_body(str_slice(bytes, 44, bytes.len), &h, 4, rules, err);
    Str second = str_slice(bytes, 44 + body_size(&h, 4), bytes.len);
    if (read_header(second, &h, err) < 0 ||
        read_body(str_slice(second, 44, second.len), &h, 8, rules, err) < 0)
        return -1;
    Str footer = str_slice(second, 44 + body_size(&h, 8), second.len);
    if (footer.len < 2 || footer.ptr[0] != '\n' || footer.ptr[footer.len - 1] != '\n')
        return err_set(err, ERR_CORRUPT, "TZif file without a footer");
    return parse_footer(str_slice(footer, 1, footer.len - 1), rules, err);
}

int tzif_parse(Str bytes, TzRules **ret, Error *err)
{
    TzRules *rules = calloc(1, sizeof *rules);
    if (!rules)
        return err_set(err, ERR_LIMIT, "no memory for time zone rules");
    if (parse(bytes, rules, err) < 0) {
        tzif_free(rules);
        return -1;
    }
    *ret = rules;
    return 0;
}

void tzif_free(TzRules *rules)
{
    if (!rules)
        return;
    free(rules->at);
    free(rules->offset);
    free(rules);
}

/* ---- look-up ---- */

static int32_t footer_offset(const TzRules *r, int64_t utc)
{
    if (!r->has_dst)
        return r->std_offset;
    int64_t y = year_of(utc + r->std_offset);
    int64_t start = rule_at(&r->dst_start, y) - r->std_offset, end = rule_at(&r->dst_end, y) - r->dst_offset;
    bool dst = start < end ? utc >= start && utc < end : !(utc >= end && utc < start);
    return dst ? r->dst_offset : r->std_offset;
}

int32_t tzif_offset_at(const TzRules *r, int64_t utc_seconds)
{
    if (r->n == 0 || utc_seconds >= r->at[r->n - 1]) {
        if (r->has_footer)
            return footer_offset(r, utc_seconds);
        return r->n > 0 ? r->offset[r->n - 1] : r->first_offset;
    }
    if (utc_seconds < r->at[0])
        return r->first_offset;
    size_t low = 0, high = r->n - 1; /* at[low] <= t < at[high] */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (r->at[middle] <= utc_seconds)
            low = middle;
        else
            high = middle;
    }
    return r->offset[low];
}

TzLocal tzif_local(const TzRules *r, int64_t local)
{
    /* Every offset is under a day, so the instant is within a day of `local`; two changes are never that
     * near. */
    int64_t low = local - DAY_SECONDS, high = local + DAY_SECONDS;
    int32_t before = tzif_offset_at(r, low), after = tzif_offset_at(r, high);
    if (before == after)
        return (TzLocal){TZ_LOCAL_UNIQUE, before, before};
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (tzif_offset_at(r, middle) == before)
            low = middle;
        else
            high = middle;
    }
    int64_t old_clock = high + before, new_clock = high + after; /* both clocks at the transition */
    if (local < old_clock && local < new_clock)
        return (TzLocal){TZ_LOCAL_UNIQUE, before, before};
    if (local >= old_clock && local >= new_clock)
        return (TzLocal){TZ_LOCAL_UNIQUE, after, after};
    return (TzLocal){after > before ? TZ_LOCAL_GAP : TZ_LOCAL_OVERLAP, before, after};
}
