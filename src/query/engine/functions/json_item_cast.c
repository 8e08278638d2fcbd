/* json_item_cast.c - CAST of an item to the type that JSON_VALUE returns. */
#include <math.h>
#include <stdio.h>

#include "query/engine/functions/datetime.h"
#include "query/engine/functions/decimal.h"
#include "query/engine/functions/json_path.h"
#include "query/engine/functions/text.h"
#include "query/engine/functions/wide_time.h"
#include "query/engine/functions/zones.h"

enum { CAST_TEXT_MAX = 1 << 20, DOUBLE_TEXT_MAX = 512, ROUNDING_DIGITS = 60 };

typedef ItemResult (*CastTo)(const Item *item, const Item *type, Buf *out);

static ItemResult ok_if(bool ok)
{
    return ok ? ITEM_OK : ITEM_FAILED;
}

static ItemResult to_varchar(const Item *item, const Item *type, Buf *out)
{
    if (type->precision == 0) {
        item_put_text(item, out);
        return ITEM_OK;
    }
    _cleanup_buf_ Buf text = BUF_INIT(out->max);
    item_put_text(item, &text);
    Str s = buf_str(&text);
    size_t end = text_offset(s, (size_t)type->precision);
    if (end < s.len && !item_is_text(item))
        return ITEM_FAILED;
    buf_add(out, str_slice(s, 0, end));
    return ITEM_OK;
}

static ItemResult to_char(const Item *item, const Item *type, Buf *out)
{
    return item_is_text(item) ? to_varchar(item, type, out) : ITEM_NO_OPERATOR;
}

static ItemResult to_boolean(const Item *item, const Item *type, Buf *out)
{
    static const char *const words[] = {"f", "false", "0", "t", "true", "1"};
    bool v = false, found = true;
    (void)type;
    if (item->kind == ITEM_BOOLEAN)
        v = item->boolean;
    else if (item->kind >= ITEM_REAL && item->kind <= ITEM_DOUBLE)
        v = item->number != 0;
    else if (item_is_number(item))
        v = item->kind == ITEM_DECIMAL ? item->wide != 0 : item->integer != 0;
    else if (!item_is_text(item))
        return ITEM_NO_OPERATOR;
    else
        found = false;
    for (size_t i = 0; i < sizeof words / sizeof *words && !found; i++)
        if ((found = str_eq_nocase(item->text, str_from(words[i]))))
            v = i >= 3;
    buf_puts(out, v ? "true" : "false");
    return ok_if(found);
}

/* Half up, as the casts of doubles and decimals do. */
static bool integer_of(const Item *item, int64_t *ret)
{
    uint128 v;
    if (item->kind >= ITEM_REAL && item->kind <= ITEM_DOUBLE) {
        double rounded = round(item->number);
        if (!(rounded >= -9223372036854775808.0 && rounded < 9223372036854775808.0))
            return false;
        *ret = (int64_t)rounded;
        return true;
    }
    if (item->kind == ITEM_DECIMAL) {
        bool negative = item->wide < 0;
        uint128 magnitude = negative ? 0 - (uint128)item->wide : (uint128)item->wide;
        if (!decimal_rescale(magnitude, -item->scale, &v) || v > INT64_MAX)
            return false;
        *ret = negative ? -(int64_t)v : (int64_t)v;
        return true;
    }
    if (item_is_text(item)) {
        Str s = str_trim(item->text);
        s = str_slice(s, s.len > 1 && s.ptr[0] == '+', s.len);
        return str_to_i64(s, INT64_MIN, INT64_MAX, ret, NULL) == 0;
    }
    *ret = item->kind == ITEM_BOOLEAN ? item->boolean : item->integer;
    return true;
}

static ItemResult to_integer(const Item *item, const Item *type, Buf *out)
{
    static const int bits[] = {[ITEM_TINYINT] = 7, [ITEM_SMALLINT] = 15, [ITEM_INTEGER] = 31};
    int64_t v = 0;
    if (!item_is_number(item) && !item_is_text(item) && item->kind != ITEM_BOOLEAN)
        return ITEM_NO_OPERATOR;
    if (!integer_of(item, &v))
        return ITEM_FAILED;
    int64_t limit = type->kind == ITEM_BIGINT ? 0 : INT64_C(1) << bits[type->kind];
    buf_put_i64(out, v);
    return ok_if(limit == 0 || (v >= -limit && v < limit));
}

static ItemResult to_floating(const Item *item, const Item *type, Buf *out)
{
    Item v = {.kind = type->kind};
    bool is_real = type->kind == ITEM_REAL;
    if (item_is_text(item)) {
        if (!parse_java_double(item->text, is_real, &v.number))
            return ITEM_FAILED;
    } else if (item->kind == ITEM_DECIMAL) {
        v.number = decimal_to_double(item->wide, item->scale);
    } else if (item->kind == ITEM_REAL || item->kind == ITEM_DOUBLE) {
        v.number = item->number;
    } else if (item_is_number(item) || item->kind == ITEM_BOOLEAN) {
        v.number = item->kind == ITEM_BOOLEAN ? item->boolean : (double)item->integer;
    } else {
        return ITEM_NO_OPERATOR;
    }
    if (is_real)
        v.number = (double)(float)v.number;
    item_put_text(&v, out);
    return ITEM_OK;
}

static ItemResult to_decimal(const Item *item, const Item *type, Buf *out)
{
    _cleanup_buf_ Buf text = BUF_INIT(CAST_TEXT_MAX);
    char exact[DOUBLE_TEXT_MAX], digits[NUMBER_TEXT_MAX];
    bool negative;
    uint128 v = 0;
    if (item->kind == ITEM_REAL || item->kind == ITEM_DOUBLE) {
        /* All digits that can decide the rounding. */
        int n = snprintf(exact, sizeof exact, "%.*f", type->scale + ROUNDING_DIGITS, item->number);
        if (!isfinite(item->number) || n < 0 || (size_t)n >= sizeof exact)
            return ITEM_FAILED;
        buf_puts(&text, exact);
    } else if (item->kind == ITEM_BOOLEAN) {
        buf_puts(&text, item->boolean ? "1" : "0");
    } else if (item_is_number(item) || item_is_text(item)) {
        item_put_text(item, &text);
    } else {
        return ITEM_NO_OPERATOR;
    }
    if (parse_decimal(buf_str(&text), type->scale, &negative, &v) != 1 || v >= decimal_pow10(type->precision))
        return ITEM_FAILED;
    int128 value = negative ? -(int128)v : (int128)v;
    return ok_if(buf_append(out, digits, (size_t)(put_decimal(digits, value, type->scale) - digits)) == 0);
}

/* ---- dates and times ---- */

static ItemResult text_to_moment(const Item *item, const Item *type, Buf *out)
{
    WallClock w;
    int64_t days;
    int16_t zone;
    Str s = str_trim(item->text);
    bool ok = false;
    if (type->kind == ITEM_DATE)
        ok = parse_date(s, &days);
    else if (type->kind == ITEM_TIME || type->kind == ITEM_TIME_TZ)
        ok = parse_clock(s, &w) && (w.zone.ptr != NULL) == (type->kind == ITEM_TIME_TZ);
    else
        ok = parse_wall_clock(s, &w) &&
             (w.zone.ptr ? type->kind == ITEM_TIMESTAMP_TZ && zone_find(w.zone, &zone) : true);
    buf_add(out, item->text);
    return ok_if(ok);
}

static int128 local_picos(const Item *item)
{
    if (item->kind == ITEM_DATE)
        return (int128)item->integer * DAY_PICOS;
    if (item->kind != ITEM_TIMESTAMP_TZ)
        return item->wide;
    int64_t seconds = floor_div(wide_us(item->wide), SECOND_US);
    return item->wide + (int128)zone_offset_at(item->zone, seconds) * SECOND_PICOS;
}

static ItemResult to_moment(const Item *item, const Item *type, Buf *out)
{
    if (item_is_text(item))
        return text_to_moment(item, type, out);
    bool has_date =
        item->kind == ITEM_DATE || item->kind == ITEM_TIMESTAMP || item->kind == ITEM_TIMESTAMP_TZ;
    bool has_time = item->kind >= ITEM_TIME && item->kind < ITEM_NONE;
    Item v = {.kind = type->kind, .precision = type->precision, .zone = item->zone};
    bool zoned = type->kind == ITEM_TIMESTAMP_TZ || type->kind == ITEM_TIME_TZ;
    if (type->kind == ITEM_DATE ? !has_date : !has_time && !has_date)
        return ITEM_NO_OPERATOR;
    if (item->kind != type->kind && (zoned || !has_date))
        return ITEM_REFUSED;
    int128 local = zoned || !has_date ? item->wide : local_picos(item);
    int128 days = (int128)floor_div(wide_us(local), DAY_US);
    if (type->kind == ITEM_DATE)
        v.integer = (int64_t)days;
    else if (type->kind == ITEM_TIME || type->kind == ITEM_TIME_TZ)
        v.wide = round_day_picos((int64_t)(has_date ? local - days * DAY_PICOS : local), type->precision);
    else
        v.wide = wide_round(local, type->precision);
    item_put_text(&v, out);
    return ITEM_OK;
}

ItemResult item_cast(const Item *item, const Item *type, Buf *out)
{
    static const CastTo casts[] = {
        [ITEM_TINYINT] = to_integer, [ITEM_SMALLINT] = to_integer, [ITEM_INTEGER] = to_integer,
        [ITEM_BIGINT] = to_integer,  [ITEM_DECIMAL] = to_decimal,  [ITEM_REAL] = to_floating,
        [ITEM_DOUBLE] = to_floating, [ITEM_BOOLEAN] = to_boolean,  [ITEM_VARCHAR] = to_varchar,
        [ITEM_CHAR] = to_char,       [ITEM_DATE] = to_moment,      [ITEM_TIME] = to_moment,
        [ITEM_TIME_TZ] = to_moment,  [ITEM_TIMESTAMP] = to_moment, [ITEM_TIMESTAMP_TZ] = to_moment,
    };
    return casts[type->kind](item, type, out);
}
