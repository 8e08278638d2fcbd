/* format.h - java.util.Formatter, the locale en-US: what t_format.c, t_format_number.c and t_format_time.c
 * share.
 *
 * A format is parsed once into FormatSpecs and checked there, as Java checks it before it looks at any value.
 * Values come as texts with a kind each (format_value() in emit_format.c makes them).
 * Source: Java's documentation of java.util.Formatter; behaviour as of JDK 25, which release 483 runs on. */
#pragma once

#include "base/buf.h"
#include "query/engine/encode_number.h"

enum {
    FORMAT_SPECS_MAX = 1024, /* specifiers and texts between them in one format */
};

typedef enum FormatFlag {
    FLAG_LEFT = 1 << 0,
    FLAG_ALTERNATE = 1 << 1,
    FLAG_PLUS = 1 << 2,
    FLAG_SPACE = 1 << 3,
    FLAG_ZERO = 1 << 4,
    FLAG_GROUP = 1 << 5,
    FLAG_PARENTHESES = 1 << 6,
    FLAG_PREVIOUS = 1 << 7,
    FLAG_UPPER = 1 << 8, /* of the conversion's letter */
} FormatFlag;

typedef struct FormatSpec {
    Str text;  /* of a plain text; ptr NULL: a specifier */
    int index; /* of the argument; 0: the next */
    unsigned flags;
    int width, precision; /* -1: none */
    bool is_time;
    char conversion; /* lower case, but of times */
} FormatSpec;

typedef struct Format {
    Str text;
    size_t n;
    FormatSpec specs[FORMAT_SPECS_MAX];
} Format;
/* The parts borrow from `text`. Errors as below. */
int format_parse(Str text, Format *ret, Error *err);

/* What a value's text is: the Java class that Trino hands to the formatter. */
typedef enum FormatKind {
    KIND_NULL = 'u',
    KIND_BOOLEAN = 'b',
    KIND_LONG = 'l',
    KIND_FLOAT = 'f',
    KIND_DOUBLE = 'd',
    KIND_DECIMAL = 'n',
    KIND_DATE = 'D',
    KIND_TIME = 't',
    KIND_TIMESTAMP = 'T',
    KIND_ZONED = 'Z', /* "<timestamp in UTC>|<zone>" */
    KIND_STRING = 's',
} FormatKind;

typedef struct FormatValue {
    FormatKind kind;
    Str text;
} FormatValue;

/* Each returns 0, or -1 with ERR_INVALID_FUNCTION_ARGUMENT and the text of Java's exception without
 * "java.util." */
int format_conversion_error(const FormatSpec *spec, FormatKind kind, Error *err);
int format_flag_error(const FormatSpec *spec, unsigned flag, Error *err);
int format_number(const FormatSpec *spec, const FormatValue *value, Buf *out, Error *err);
int format_time(const FormatSpec *spec, const FormatValue *value, Buf *out, Error *err);

/* Puts `text` at the width of the specifier, in upper case where it asks so. */
void format_justified(const FormatSpec *spec, Str text, Buf *out);

/* ---- values ---- */

/* A finite number: digits / 10^scale, digits without zeros in front, none for zero. */
typedef struct FormatDecimal {
    char digits[48];
    int n, scale;
    bool negative;
} FormatDecimal;
/* Of the text of a decimal or an integer: "-12.50" keeps scale 2. */
FormatDecimal format_decimal_of(Str text);
void format_put_java_decimal(Str text, Buf *out); /* BigDecimal.toString() */

typedef struct FormatTime {
    int64_t year, days; /* days since 1970-01-01 */
    int month, day, hour, minute, second, nano;
    bool has_date, has_time, has_zone, zone_is_offset;
    int32_t offset_seconds;
    int64_t epoch_seconds;
    Str zone;
} FormatTime;
bool format_time_of(const FormatValue *value, FormatTime *ret);
void format_put_java_time(const FormatTime *t, Buf *out); /* toString() of the java.time class */
int32_t format_hash_time(const FormatValue *value, const FormatTime *t);
int32_t format_hash_string(Str s);
