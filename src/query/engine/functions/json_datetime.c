/* json_datetime.c - datetime() of the path language: texts that tell by their shape what they are, and the
 * templates of ISO/IEC 9075-2:2023 9.46 (YYYY-MM-DD"T"HH24:MI:SS.FF3TZH:TZM). */
#include "query/engine/functions/datetime.h"
#include "query/engine/functions/json_path.h"
#include "query/engine/functions/wide_time.h"
#include "query/engine/functions/zones.h"

/* ---- by shape ---- */

static int fraction_digits(Str s)
{
    ptrdiff_t point = str_find_char(s, '.');
    size_t n = 0;
    while (point >= 0 && (size_t)point + 1 + n < s.len && s.ptr[(size_t)point + 1 + n] >= '0' &&
           s.ptr[(size_t)point + 1 + n] <= '9')
        n++;
    return (int)n;
}

static int128 clock_picos(const WallClock *w)
{
    return (int128)w->second_of_day * SECOND_PICOS + w->picos;
}

static bool offset_of(Str zone, int32_t *ret_minutes)
{
    int64_t hours, minutes;
    bool negative = zone.len > 0 && zone.ptr[0] == '-';
    if (zone.len == 0 || (zone.ptr[0] != '-' && zone.ptr[0] != '+'))
        return false;
    zone = str_slice(zone, 1, zone.len);
    if (!take_digits(&zone, 2, 2, &hours) || !take_char(&zone, ':') || !take_digits(&zone, 2, 2, &minutes) ||
        zone.len > 0)
        return false;
    *ret_minutes = (int32_t)(hours * 60 + minutes) * (negative ? -1 : 1);
    return minutes < 60 && hours * 60 + minutes <= ZONE_OFFSET_MAX;
}

static bool time_of(Str text, Item *ret)
{
    WallClock w;
    int32_t offset = 0;
    if (!parse_clock(text, &w) || (w.zone.ptr && !offset_of(w.zone, &offset)))
        return false;
    *ret = (Item){.kind = w.zone.ptr ? ITEM_TIME_TZ : ITEM_TIME,
                  .precision = fraction_digits(text),
                  .wide = clock_picos(&w),
                  .zone = (int16_t)offset};
    return true;
}

static bool timestamp_of(Str text, Item *ret)
{
    WallClock w;
    if (!parse_wall_clock(text, &w) || !timestamp_in_range(w.days))
        return false;
    *ret = (Item){.kind = ITEM_TIMESTAMP,
                  .precision = fraction_digits(text),
                  .wide = (int128)w.days * DAY_PICOS + clock_picos(&w)};
    if (!w.zone.ptr)
        return true;
    ret->kind = ITEM_TIMESTAMP_TZ;
    if (!zone_find(w.zone, &ret->zone))
        return false;
    int64_t seconds = w.days * 86400 + w.second_of_day;
    ret->wide -= (int128)zone_offset_of_local(ret->zone, seconds) * SECOND_PICOS;
    return true;
}

bool item_of_datetime(Str text, Item *ret)
{
    if (str_find_char(text, ' ') >= 0)
        return timestamp_of(text, ret);
    if (str_find_char(text, ':') >= 0)
        return time_of(text, ret);
    *ret = (Item){.kind = ITEM_DATE};
    return parse_date(text, &ret->integer);
}

/* ---- templates ---- */

typedef enum Field {
    FIELD_YEAR,
    FIELD_ROUNDED_YEAR,
    FIELD_MONTH,
    FIELD_DAY,
    FIELD_DAY_OF_YEAR,
    FIELD_HOUR12,
    FIELD_HOUR24,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_SECOND_OF_DAY,
    FIELD_FRACTION,
    FIELD_AM_PM,
    FIELD_ZONE_HOUR,
    FIELD_ZONE_MINUTE,
    FIELD_COUNT,
    FIELD_LITERAL,
} Field;

enum { SEGMENTS_MAX = 64, FRACTION_WIDTH_MAX = 12, REFERENCE_YEAR = 1970 };

typedef struct Segment {
    Field field;
    int width;
    bool delimited; /* no other field stands right before or after it: it may be shorter */
    Str literal;    /* quotes removed, "" inside still doubled */
} Segment;

typedef struct Template {
    Segment segments[SEGMENTS_MAX];
    size_t n;
    bool has[FIELD_COUNT];
    int precision;
} Template;

/* Longest first where one starts another. */
static const struct {
    const char *word;
    Field field;
    int width;
} words[] = {
    {"YYYY", FIELD_YEAR, 4},
    {"YYY", FIELD_YEAR, 3},
    {"YY", FIELD_YEAR, 2},
    {"Y", FIELD_YEAR, 1},
    {"RRRR", FIELD_ROUNDED_YEAR, 4},
    {"RR", FIELD_ROUNDED_YEAR, 2},
    {"MM", FIELD_MONTH, 2},
    {"DDD", FIELD_DAY_OF_YEAR, 3},
    {"DD", FIELD_DAY, 2},
    {"HH24", FIELD_HOUR24, 2},
    {"HH12", FIELD_HOUR12, 2},
    {"HH", FIELD_HOUR12, 2},
    {"MI", FIELD_MINUTE, 2},
    {"SSSSS", FIELD_SECOND_OF_DAY, 5},
    {"SS", FIELD_SECOND, 2},
    {"A.M.", FIELD_AM_PM, 0},
    {"P.M.", FIELD_AM_PM, 0},
    {"TZH", FIELD_ZONE_HOUR, 3},
    {"TZM", FIELD_ZONE_MINUTE, 2},
};

static const char *const field_names[] = {
    "year",           "rounded year",     "month",  "day",           "day of year", "12-hour field",
    "24-hour field",  "minute",           "second", "second-of-day", "fraction",    "AM/PM",
    "time zone hour", "time zone minute",
};

static bool take_word(Str *s, Segment *ret)
{
    int64_t width;
    if (s->len >= 3 && str_eq_nocase(str_slice(*s, 0, 2), STR("FF"))) {
        Str digits = str_slice(*s, 2, s->len);
        if (take_digits(&digits, 1, 2, &width)) {
            *ret = (Segment){.field = FIELD_FRACTION, .width = (int)width};
            *s = digits;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        Str word = str_from(words[i].word);
        if (s->len < word.len || !str_eq_nocase(str_slice(*s, 0, word.len), word))
            continue;
        *ret = (Segment){.field = words[i].field, .width = words[i].width};
        *s = str_slice(*s, word.len, s->len);
        return true;
    }
    return false;
}

/* A delimiter or "quoted text"; *ret_delimiter says which. */
static bool take_literal(Str *s, Segment *ret, bool *ret_delimiter)
{
    *ret = (Segment){.field = FIELD_LITERAL, .literal = str_slice(*s, 0, 1)};
    *ret_delimiter = s->ptr[0] != '"';
    if (*ret_delimiter) {
        *s = str_slice(*s, 1, s->len);
        return ret->literal.ptr[0] && strchr("-./,';: ", ret->literal.ptr[0]);
    }
    size_t i = 1;
    while (i < s->len && (s->ptr[i] != '"' || (i + 1 < s->len && s->ptr[i + 1] == '"')))
        i += s->ptr[i] == '"' ? 2 : 1;
    if (i >= s->len)
        return false;
    ret->literal = str_slice(*s, 1, i);
    *s = str_slice(*s, i + 1, s->len);
    return true;
}

static const char *check_fields(const bool has[FIELD_COUNT])
{
    bool any = false;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        any |= has[i];
    if (!any)
        return "datetime() format template must contain at least one datetime field";
    if (has[FIELD_YEAR] && has[FIELD_ROUNDED_YEAR])
        return "datetime() format template cannot contain both year and rounded year fields";
    if (has[FIELD_DAY_OF_YEAR] && (has[FIELD_MONTH] || has[FIELD_DAY]))
        return "datetime() format template with DDD cannot contain MM or DD";
    if (has[FIELD_HOUR24] && (has[FIELD_HOUR12] || has[FIELD_AM_PM]))
        return "datetime() format template with HH24 cannot contain HH, HH12, A.M. or P.M.";
    if (has[FIELD_HOUR12] && !has[FIELD_AM_PM])
        return "datetime() format template with HH or HH12 requires A.M. or P.M.";
    if (has[FIELD_AM_PM] && !has[FIELD_HOUR12])
        return "datetime() format template with A.M. or P.M. requires HH or HH12";
    if (has[FIELD_SECOND_OF_DAY] && (has[FIELD_HOUR24] || has[FIELD_HOUR12] || has[FIELD_MINUTE] ||
                                     has[FIELD_SECOND] || has[FIELD_AM_PM]))
        return "datetime() format template with SSSSS cannot contain HH, HH12, HH24, MI, SS, A.M. or P.M.";
    if (has[FIELD_ZONE_MINUTE] && !has[FIELD_ZONE_HOUR])
        return "datetime() format template with TZM requires TZH";
    return NULL;
}

static void mark_delimited(Template *t)
{
    for (size_t i = 0; i < t->n; i++)
        t->segments[i].delimited = (i == 0 || t->segments[i - 1].field == FIELD_LITERAL) &&
                                   (i + 1 == t->n || t->segments[i + 1].field == FIELD_LITERAL);
}

/* NULL, or what is wrong. */
static const char *read_template(Str s, Template *t)
{
    bool after_delimiter = false;
    *t = (Template){.n = 0};
    if (s.len == 0)
        return "datetime() format template is empty";
    while (s.len > 0) {
        Segment segment;
        bool delimiter = false;
        if (t->n == SEGMENTS_MAX)
            return "datetime() format template is too long";
        if (!take_word(&s, &segment) && !take_literal(&s, &segment, &delimiter))
            return "invalid datetime() format template";
        if (segment.field == FIELD_LITERAL && segment.literal.len == 0)
            return "datetime() format template cannot contain empty quoted literal";
        if (delimiter && after_delimiter)
            return "datetime() format template cannot contain consecutive delimiters";
        if (segment.field == FIELD_FRACTION && (segment.width < 1 || segment.width > FRACTION_WIDTH_MAX))
            return "invalid datetime() format template fraction width";
        if (segment.field < FIELD_COUNT && t->has[segment.field])
            return field_names[segment.field];
        if (segment.field < FIELD_COUNT)
            t->has[segment.field] = true;
        if (segment.field == FIELD_FRACTION)
            t->precision = segment.width;
        after_delimiter = delimiter;
        t->segments[t->n++] = segment;
    }
    mark_delimited(t);
    return check_fields(t->has);
}

static Item type_of(const Template *t)
{
    bool date = false, time = false, zone = t->has[FIELD_ZONE_HOUR];
    for (size_t i = FIELD_YEAR; i <= FIELD_DAY_OF_YEAR; i++)
        date |= t->has[i];
    for (size_t i = FIELD_HOUR12; i <= FIELD_AM_PM; i++)
        time |= t->has[i];
    ItemKind kind = date   ? zone   ? ITEM_TIMESTAMP_TZ
                             : time ? ITEM_TIMESTAMP
                                    : ITEM_DATE
                    : zone ? ITEM_TIME_TZ
                           : ITEM_TIME;
    return (Item){.kind = kind, .precision = t->precision};
}

const char *json_template_check(Str template, Item *ret_type)
{
    static const char *const duplicates[] = {
        "datetime() format template contains duplicate year field",
        "datetime() format template contains duplicate rounded year field",
        "datetime() format template contains duplicate month field",
        "datetime() format template contains duplicate day field",
        "datetime() format template contains duplicate day of year field",
        "datetime() format template contains duplicate 12-hour field field",
        "datetime() format template contains duplicate 24-hour field field",
        "datetime() format template contains duplicate minute field",
        "datetime() format template contains duplicate second field",
        "datetime() format template contains duplicate second-of-day field",
        "datetime() format template contains duplicate fraction field",
        "datetime() format template contains duplicate AM/PM field",
        "datetime() format template contains duplicate time zone hour field",
        "datetime() format template contains duplicate time zone minute field",
    };
    Template t;
    const char *wrong = read_template(template, &t);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (wrong == field_names[i])
            return duplicates[i];
    if (!wrong)
        *ret_type = type_of(&t);
    return wrong;
}

/* ---- values ---- */

typedef struct Fields {
    int64_t values[FIELD_COUNT];
    int year_digits, fraction_digits;
    bool negative_offset;
} Fields;

static bool take_literal_text(Str *s, Str literal)
{
    for (size_t i = 0; i < literal.len; i++) {
        if (!take_char(s, literal.ptr[i]))
            return false;
        i += literal.ptr[i] == '"'; /* stands there twice */
    }
    return true;
}

static bool take_field(Str *s, const Segment *segment, Fields *f)
{
    static const struct {
        Field field;
        int64_t low, high;
    } ranges[] = {
        {FIELD_HOUR12, 1, 12},       {FIELD_SECOND_OF_DAY, 0, 86399},
        {FIELD_ZONE_MINUTE, 0, 59},  {FIELD_HOUR24, 0, 23},
        {FIELD_MINUTE, 0, 59},       {FIELD_SECOND, 0, 59},
        {FIELD_MONTH, 1, 12},        {FIELD_DAY, 1, 31},
        {FIELD_DAY_OF_YEAR, 1, 366},
    };
    int64_t *value = &f->values[segment->field];
    size_t width = (size_t)segment->width, before = s->len;
    if (segment->field == FIELD_AM_PM) {
        *value = s->len >= 4 && (s->ptr[0] | 32) == 'p';
        bool ok = s->len >= 4 && str_eq_nocase(str_slice(*s, 0, 4), *value ? STR("P.M.") : STR("A.M."));
        *s = str_slice(*s, 4, s->len);
        return ok;
    }
    if (segment->field == FIELD_ZONE_HOUR) {
        f->negative_offset = s->len > 0 && s->ptr[0] == '-';
        if (!take_char(s, '-') && !take_char(s, '+') && !take_char(s, ' '))
            return false;
        width = 2;
    }
    before = s->len;
    if (!take_digits(s, segment->delimited ? 1 : width, width, value))
        return false;
    if (segment->field <= FIELD_ROUNDED_YEAR)
        f->year_digits = (int)(before - s->len);
    if (segment->field == FIELD_FRACTION)
        f->fraction_digits = (int)(before - s->len);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].field == segment->field && (*value < ranges[i].low || *value > ranges[i].high))
            return false;
    return true;
}

/* Digits that were not given are those of 1970. */
static int64_t year_of(const Template *t, const Fields *f)
{
    int64_t unit = 1, value = f->values[t->has[FIELD_YEAR] ? FIELD_YEAR : FIELD_ROUNDED_YEAR];
    for (int i = 0; i < f->year_digits; i++)
        unit *= 10;
    if (t->has[FIELD_YEAR])
        return f->year_digits >= 4 ? value : REFERENCE_YEAR / unit * unit + value;
    if (t->has[FIELD_ROUNDED_YEAR])
        return f->year_digits > 2 ? value : value <= 49 ? 2000 + value : 1900 + value;
    return REFERENCE_YEAR;
}

static bool days_of(const Template *t, const Fields *f, int64_t *ret)
{
    int64_t year = year_of(t, f);
    int month = t->has[FIELD_MONTH] ? (int)f->values[FIELD_MONTH] : 1;
    int day = t->has[FIELD_DAY] ? (int)f->values[FIELD_DAY] : 1;
    if (day > days_in_month(year, month) || (f->values[FIELD_DAY_OF_YEAR] == 366 && !is_leap_year(year)))
        return false;
    *ret = days_of_civil(year, month, day);
    if (t->has[FIELD_DAY_OF_YEAR])
        *ret += f->values[FIELD_DAY_OF_YEAR] - 1;
    return true;
}

static int128 time_picos(const Template *t, const Fields *f)
{
    const int64_t *v = f->values;
    int64_t hour = t->has[FIELD_HOUR12] ? v[FIELD_HOUR12] % 12 + 12 * v[FIELD_AM_PM] : v[FIELD_HOUR24];
    int64_t seconds = (hour * 60 + v[FIELD_MINUTE]) * 60 + v[FIELD_SECOND] + v[FIELD_SECOND_OF_DAY];
    int64_t picos = v[FIELD_FRACTION];
    for (int i = f->fraction_digits; i < FRACTION_WIDTH_MAX; i++)
        picos *= 10;
    return (int128)seconds * SECOND_PICOS + picos;
}

static bool put_offset_of(const Fields *f, Item *ret)
{
    int64_t minutes = f->values[FIELD_ZONE_HOUR] * 60 + f->values[FIELD_ZONE_MINUTE];
    int32_t offset = (int32_t)minutes * (f->negative_offset ? -1 : 1);
    if (minutes > ZONE_OFFSET_MAX)
        return false;
    ret->zone = ret->kind == ITEM_TIME_TZ ? (int16_t)offset : offset ? zone_of_offset(offset) : ZONE_UTC;
    if (ret->kind == ITEM_TIMESTAMP_TZ)
        ret->wide -= (int128)offset * 60 * SECOND_PICOS;
    return true;
}

bool item_of_template(Str template, Str text, Item *ret)
{
    Template t;
    Fields f = {.year_digits = 0};
    int64_t days = 0;
    if (read_template(template, &t))
        return false;
    for (size_t i = 0; i < t.n; i++) {
        const Segment *segment = &t.segments[i];
        if (segment->field == FIELD_LITERAL ? !take_literal_text(&text, segment->literal)
                                            : !take_field(&text, segment, &f))
            return false;
    }
    *ret = type_of(&t);
    if (text.len > 0 || !days_of(&t, &f, &days))
        return false;
    bool has_date = ret->kind == ITEM_TIMESTAMP || ret->kind == ITEM_TIMESTAMP_TZ;
    if (ret->kind == ITEM_DATE)
        ret->integer = days;
    else
        ret->wide = time_picos(&t, &f) + (has_date ? (int128)days * DAY_PICOS : 0);
    bool zoned = ret->kind == ITEM_TIME_TZ || ret->kind == ITEM_TIMESTAMP_TZ;
    return !zoned || put_offset_of(&f, ret);
}
