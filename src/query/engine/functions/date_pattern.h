/* date_pattern.h - date and time patterns: MySQL's (%Y-%m-%d) and Joda's (yyyy-MM-dd), printed and parsed by
 * one machine.
 *
 * Numbers are parsed as Joda does: as many digits as the field may have, fewer are fine. Texts are English.
 */
#pragma once

#include "base/buf.h"
#include "query/engine/calendar.h"

typedef enum DateField {
    FIELD_LITERAL,
    FIELD_ERA,
    FIELD_CENTURY,
    FIELD_YEAR,
    FIELD_YEAR_2,
    FIELD_YEAR_OF_ERA,
    FIELD_WEEKYEAR,
    FIELD_WEEKYEAR_2,
    FIELD_WEEK,
    FIELD_WEEKDAY,
    FIELD_WEEKDAY_TEXT,
    FIELD_DAY_OF_YEAR,
    FIELD_MONTH,
    FIELD_MONTH_TEXT,
    FIELD_DAY,
    FIELD_AM_PM,
    FIELD_HOUR_0_11,
    FIELD_HOUR_1_12,
    FIELD_HOUR_0_23,
    FIELD_HOUR_1_24,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_FRACTION,
    FIELD_OFFSET,
    FIELD_ZONE_ID,
    FIELD_ZONE_TEXT,
} DateField;

typedef struct PatternToken {
    DateField field;
    int min, max; /* digits; texts: min 0 short, 1 long; offset: min 1 with a colon */
    Str literal;
} PatternToken;

enum { PATTERN_TOKENS_MAX = 200 };

typedef struct DatePattern {
    PatternToken tokens[PATTERN_TOKENS_MAX];
    size_t n;
} DatePattern;

/* The pattern's text must outlive the result. -1 with Trino's ERR_INVALID_FUNCTION_ARGUMENT. */
int date_pattern_mysql(Str text, DatePattern *ret, Error *err);
int date_pattern_joda(Str text, DatePattern *ret, Error *err);

void date_pattern_print(const DatePattern *pattern, int64_t local_us, int16_t zone, int32_t offset_seconds,
                        Buf *out);

typedef struct ParsedDate {
    int64_t local_us;
    bool has_zone;
    int16_t zone;
} ParsedDate;
/* -1 with ERR_INVALID_FUNCTION_ARGUMENT in Joda's words. */
int date_pattern_parse(const DatePattern *pattern, Str text, ParsedDate *ret, Error *err);
/* 'Invalid format: "x" is malformed at "y"' */
int date_format_error(Str text, size_t position, Error *err);
