#include "query/engine/functions/date_pattern.h"

#include "query/engine/encode_number.h"
#include "query/engine/encode_time.h"
#include "query/engine/functions/datetime.h"
#include "query/engine/functions/text.h"
#include "query/engine/functions/zones.h"

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const weekday_names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                            "Friday", "Saturday", "Sunday"};

static int add_token(DatePattern *p, DateField field, int min, int max, Str literal, Error *err)
{
    if (p->n == PATTERN_TOKENS_MAX)
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Pattern has more than %d parts",
                       PATTERN_TOKENS_MAX);
    p->tokens[p->n++] = (PatternToken){field, min, max, literal};
    return 0;
}

/* ---- MySQL ---- */

static const struct {
    char letter;
    DateField field;
    int min, max;
} mysql_fields[] = {
    {'a', FIELD_WEEKDAY_TEXT, 0, 0}, {'b', FIELD_MONTH_TEXT, 0, 0},   {'c', FIELD_MONTH, 1, 2},
    {'d', FIELD_DAY, 2, 2},          {'e', FIELD_DAY, 1, 2},          {'f', FIELD_FRACTION, 6, 9},
    {'H', FIELD_HOUR_0_23, 2, 2},    {'h', FIELD_HOUR_1_12, 2, 2},    {'I', FIELD_HOUR_1_12, 2, 2},
    {'i', FIELD_MINUTE, 2, 2},       {'j', FIELD_DAY_OF_YEAR, 3, 3},  {'k', FIELD_HOUR_0_23, 1, 2},
    {'l', FIELD_HOUR_1_12, 1, 2},    {'M', FIELD_MONTH_TEXT, 1, 1},   {'m', FIELD_MONTH, 2, 2},
    {'p', FIELD_AM_PM, 0, 0},        {'S', FIELD_SECOND, 2, 2},       {'s', FIELD_SECOND, 2, 2},
    {'v', FIELD_WEEK, 2, 2},         {'W', FIELD_WEEKDAY_TEXT, 1, 1}, {'x', FIELD_WEEKYEAR, 4, 9},
    {'Y', FIELD_YEAR, 4, 9},         {'y', FIELD_YEAR_2, 2, 2},
};

static int add_mysql(DatePattern *p, Str *text, Error *err)
{
    char letter = text->ptr[0];
    size_t step = text_step(*text, 0);
    Str self = str_slice(*text, 0, step);
    *text = str_slice(*text, step, text->len);
    if (step == 1 && strchr("DUuVwX", letter))
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "%%%c not supported in date format string",
                       letter);
    if (letter == 'r' || letter == 'T') {
        const char *nested = letter == 'T' ? "%H:%i:%s" : "%h:%i:%s %p";
        for (Str rest = str_from(nested); rest.len > 0;) {
            bool field = take_char(&rest, '%');
            if (field ? add_mysql(p, &rest, err) < 0
                      : add_token(p, FIELD_LITERAL, 0, 0, str_slice(rest, 0, 1), err) < 0)
                return -1;
            if (!field)
                rest = str_slice(rest, 1, rest.len);
        }
        return 0;
    }
    for (size_t i = 0; i < sizeof mysql_fields / sizeof *mysql_fields; i++)
        if (mysql_fields[i].letter == letter)
            return add_token(p, mysql_fields[i].field, mysql_fields[i].min, mysql_fields[i].max, STR_NULL,
                             err);
    return add_token(p, FIELD_LITERAL, 0, 0, self, err);
}

int date_pattern_mysql(Str text, DatePattern *ret, Error *err)
{
    ret->n = 0;
    if (text.len == 0)
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Both printing and parsing not supported");
    while (text.len > 0) {
        if (text.ptr[0] == '%' && text.len > 1) {
            text = str_slice(text, 1, text.len);
            if (add_mysql(ret, &text, err) < 0)
                return -1;
            continue;
        }
        ptrdiff_t end = str_find_char(str_slice(text, 1, text.len), '%');
        size_t n = end < 0 ? text.len : (size_t)end + 1;
        if (add_token(ret, FIELD_LITERAL, 0, 0, str_slice(text, 0, n), err) < 0)
            return -1;
        text = str_slice(text, n, text.len);
    }
    return 0;
}

/* ---- Joda ---- */

static const struct {
    char letter;
    DateField field;
    int max;
} joda_fields[] = {
    {'G', FIELD_ERA, 0},         {'C', FIELD_CENTURY, 9},      {'y', FIELD_YEAR, 9},
    {'Y', FIELD_YEAR_OF_ERA, 9}, {'x', FIELD_WEEKYEAR, 9},     {'w', FIELD_WEEK, 2},
    {'e', FIELD_WEEKDAY, 1},     {'E', FIELD_WEEKDAY_TEXT, 0}, {'D', FIELD_DAY_OF_YEAR, 3},
    {'M', FIELD_MONTH, 2},       {'d', FIELD_DAY, 2},          {'a', FIELD_AM_PM, 0},
    {'K', FIELD_HOUR_0_11, 2},   {'h', FIELD_HOUR_1_12, 2},    {'H', FIELD_HOUR_0_23, 2},
    {'k', FIELD_HOUR_1_24, 2},   {'m', FIELD_MINUTE, 2},       {'s', FIELD_SECOND, 2},
    {'S', FIELD_FRACTION, 9},    {'z', FIELD_ZONE_TEXT, 0},    {'Z', FIELD_OFFSET, 0},
};

static int add_joda(DatePattern *p, char letter, int n, Error *err)
{
    for (size_t i = 0; i < sizeof joda_fields / sizeof *joda_fields; i++) {
        if (joda_fields[i].letter != letter)
            continue;
        DateField field = joda_fields[i].field;
        int min = n, max = joda_fields[i].max > n ? joda_fields[i].max : n;
        if (n == 2 && (field == FIELD_YEAR || field == FIELD_YEAR_OF_ERA))
            field = FIELD_YEAR_2;
        else if (n == 2 && field == FIELD_WEEKYEAR)
            field = FIELD_WEEKYEAR_2;
        else if (field == FIELD_MONTH && n >= 3)
            field = FIELD_MONTH_TEXT, min = n >= 4;
        else if (field == FIELD_WEEKDAY_TEXT)
            min = n >= 4;
        else if (field == FIELD_FRACTION)
            max = n;
        else if (field == FIELD_OFFSET && n >= 3)
            field = FIELD_ZONE_ID;
        else if (field == FIELD_OFFSET)
            min = n == 2;
        return add_token(p, field, min, max, STR_NULL, err);
    }
    char text[64];
    int shown = n < (int)sizeof text - 1 ? n : (int)sizeof text - 1;
    memset(text, letter, (size_t)shown);
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Illegal pattern component: %.*s", shown, text);
}

/* 'quoted' text; '' is a quote, inside too. */
static int add_quoted(DatePattern *p, Str *text, Error *err)
{
    *text = str_slice(*text, 1, text->len);
    if (text->len > 0 && text->ptr[0] == '\'') {
        *text = str_slice(*text, 1, text->len);
        return add_token(p, FIELD_LITERAL, 0, 0, STR("'"), err);
    }
    while (text->len > 0) {
        ptrdiff_t end = str_find_char(*text, '\'');
        size_t n = end < 0 ? text->len : (size_t)end;
        if (add_token(p, FIELD_LITERAL, 0, 0, str_slice(*text, 0, n), err) < 0)
            return -1;
        *text = str_slice(*text, n + (end >= 0), text->len);
        if (text->len == 0 || text->ptr[0] != '\'')
            return 0;
        *text = str_slice(*text, 1, text->len);
        if (add_token(p, FIELD_LITERAL, 0, 0, STR("'"), err) < 0)
            return -1;
    }
    return 0;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int date_pattern_joda(Str text, DatePattern *ret, Error *err)
{
    ret->n = 0;
    if (text.len == 0)
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT,
                       "Invalid pattern specification: Pattern is null or empty");
    while (text.len > 0) {
        size_t n = 1;
        int r;
        if (text.ptr[0] == '\'') {
            if (add_quoted(ret, &text, err) < 0)
                return -1;
            continue;
        }
        if (is_letter(text.ptr[0])) {
            while (n < text.len && text.ptr[n] == text.ptr[0])
                n++;
            r = add_joda(ret, text.ptr[0], n > 1000 ? 1000 : (int)n, err);
        } else {
            while (n < text.len && !is_letter(text.ptr[n]) && text.ptr[n] != '\'')
                n++;
            r = add_token(ret, FIELD_LITERAL, 0, 0, str_slice(text, 0, n), err);
        }
        if (r < 0)
            return -1;
        text = str_slice(text, n, text.len);
    }
    return 0;
}

/* ---- printing ---- */

static void put_number(Buf *out, int64_t v, int min)
{
    char text[NUMBER_TEXT_MAX];
    if (v < 0) {
        buf_putc(out, '-');
        v = -v;
    }
    ptrdiff_t n = put_i64(text, v) - text;
    for (ptrdiff_t k = n; k < min && k < 1000; k++)
        buf_putc(out, '0');
    buf_append(out, text, (size_t)n);
}

static void put_name(Buf *out, const char *name, int is_long)
{
    buf_append(out, name, is_long ? strlen(name) : 3);
}

static void put_zone(Buf *out, const PatternToken *t, int16_t zone, int32_t offset)
{
    char text[ZONE_NAME_MAX];
    char *end;
    if (t->field == FIELD_OFFSET) {
        end = put_offset(text, offset / 60);
        if (!t->min) {
            memmove(text + 3, text + 4, 2); /* without the colon */
            end--;
        }
    } else {
        end = zone_put_name(text, zone);
    }
    buf_append(out, text, (size_t)(end - text));
}

static void put_fraction_digits(Buf *out, int64_t us, int digits)
{
    char text[16];
    put_padded(text, (uint64_t)floor_mod(us, SECOND_US), 6);
    buf_append(out, text, digits < 6 ? (size_t)digits : 6);
    for (int k = 6; k < digits; k++)
        buf_putc(out, '0');
}

static int64_t date_field(const PatternToken *t, int64_t days)
{
    Civil d = civil_of_days(days);
    int64_t weekyear;
    int week = iso_week(days, &weekyear);
    switch (t->field) {
    case FIELD_CENTURY:
        return d.year / 100;
    case FIELD_YEAR:
        return d.year;
    case FIELD_YEAR_OF_ERA:
        return d.year > 0 ? d.year : 1 - d.year;
    case FIELD_YEAR_2:
        return floor_mod(d.year, 100);
    case FIELD_WEEKYEAR:
        return weekyear;
    case FIELD_WEEKYEAR_2:
        return floor_mod(weekyear, 100);
    case FIELD_WEEK:
        return week;
    case FIELD_WEEKDAY:
        return iso_weekday(days);
    case FIELD_DAY_OF_YEAR:
        return day_of_year(days);
    case FIELD_MONTH:
        return d.month;
    default:
        return d.day;
    }
}

static int64_t clock_field(const PatternToken *t, int64_t second_of_day)
{
    int64_t hour = second_of_day / 3600;
    switch (t->field) {
    case FIELD_HOUR_0_11:
        return hour % 12;
    case FIELD_HOUR_1_12:
        return hour % 12 ? hour % 12 : 12;
    case FIELD_HOUR_0_23:
        return hour;
    case FIELD_HOUR_1_24:
        return hour ? hour : 24;
    case FIELD_MINUTE:
        return second_of_day / 60 % 60;
    default:
        return second_of_day % 60;
    }
}

void date_pattern_print(const DatePattern *pattern, int64_t local_us, int16_t zone, int32_t offset_seconds,
                        Buf *out)
{
    int64_t days = floor_div(local_us, DAY_US), second = floor_mod(local_us, DAY_US) / SECOND_US;
    for (size_t i = 0; i < pattern->n; i++) {
        const PatternToken *t = &pattern->tokens[i];
        if (t->field == FIELD_LITERAL)
            buf_add(out, t->literal);
        else if (t->field == FIELD_ERA)
            buf_puts(out, civil_of_days(days).year > 0 ? "AD" : "BC");
        else if (t->field == FIELD_AM_PM)
            buf_puts(out, second < 43200 ? "AM" : "PM");
        else if (t->field == FIELD_MONTH_TEXT)
            put_name(out, month_names[civil_of_days(days).month - 1], t->min);
        else if (t->field == FIELD_WEEKDAY_TEXT)
            put_name(out, weekday_names[iso_weekday(days) - 1], t->min);
        else if (t->field == FIELD_FRACTION)
            put_fraction_digits(out, local_us, t->min);
        else if (t->field >= FIELD_OFFSET)
            put_zone(out, t, zone, offset_seconds);
        else
            put_number(out, t->field < FIELD_AM_PM ? date_field(t, days) : clock_field(t, second), t->min);
    }
}
