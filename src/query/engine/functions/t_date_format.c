/* date_format, date_parse (MySQL's patterns), format_datetime, parse_datetime (Joda's). */
#include "query/engine/functions/date_pattern.h"
#include "query/engine/functions/datetime.h"
#include "query/engine/functions/function.h"
#include "query/engine/functions/zones.h"

enum { MYSQL, JODA };

/* Patterns are constants nearly always: compiled again only when the text differs. false: the call failed. */
static bool compile(Call *c, Str text, Str *last, DatePattern *pattern)
{
    Error err;
    if (last->ptr && str_eq(*last, text))
        return true;
    int r = c->def->arg == MYSQL ? date_pattern_mysql(text, pattern, &err)
                                 : date_pattern_joda(text, pattern, &err);
    if (r < 0)
        call_fail_error(c, &err);
    *last = text;
    return r == 0;
}

/* Java has names of zones in words, which tzdata has not. */
static bool names_zone(const DatePattern *pattern)
{
    for (size_t i = 0; i < pattern->n; i++)
        if (pattern->tokens[i].field == FIELD_ZONE_TEXT)
            return true;
    return false;
}

static bool asks_zone(const DatePattern *pattern)
{
    for (size_t i = 0; i < pattern->n; i++)
        if (pattern->tokens[i].field >= FIELD_OFFSET && pattern->tokens[i].field <= FIELD_ZONE_TEXT)
            return true;
    return false;
}

/* Both print milliseconds, rounded. */
static void format_timestamp(Call *c)
{
    DatePattern pattern;
    Str last = STR_NULL;
    CALL_ROWS(c, i)
    {
        if (!compile(c, arg_str(c, 1, i), &last, &pattern))
            break;
        if (asks_zone(&pattern)) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "format_datetime for TIMESTAMP type, cannot use 'Z' nor 'z' in format, as this type "
                      "does not contain TZ information");
            break;
        }
        buf_clear(&c->scratch);
        date_pattern_print(&pattern, round_us(ARG(c, 0, int64_t, i), 3), ZONE_UTC, 0, &c->scratch);
        call_put_scratch(c, i);
    }
}

static void format_zoned(Call *c)
{
    DatePattern pattern;
    Str last = STR_NULL;
    CALL_ROWS(c, i)
    {
        if (!compile(c, arg_str(c, 1, i), &last, &pattern))
            break;
        int64_t us = round_us(c->in[0].instant[i], 3);
        int16_t zone = c->in[0].zone[i];
        if (zone != ZONE_UTC && !zone_is_offset(zone) && names_zone(&pattern)) {
            call_fail(c, ERR_NOT_SUPPORTED,
                      "The name of a time zone (z) in a date format is not supported yet");
            break;
        }
        int32_t offset = zone_offset_at(zone, floor_div(us, SECOND_US));
        buf_clear(&c->scratch);
        date_pattern_print(&pattern, us + offset * SECOND_US, zone, offset, &c->scratch);
        call_put_scratch(c, i);
    }
}

static void parse_timestamp(Call *c)
{
    DatePattern pattern;
    ParsedDate parsed;
    Error err;
    Str last = STR_NULL;
    CALL_ROWS(c, i)
    {
        if (!compile(c, arg_str(c, 1, i), &last, &pattern))
            break;
        if (date_pattern_parse(&pattern, arg_str(c, 0, i), &parsed, &err) < 0)
            call_fail_error(c, &err);
        else
            OUT(c, int64_t, i) = parsed.local_us;
    }
}

static void parse_zoned(Call *c)
{
    DatePattern pattern;
    ParsedDate parsed;
    Error err;
    Str last = STR_NULL;
    CALL_ROWS(c, i)
    {
        int16_t zone = ZONE_UTC;
        if (!compile(c, arg_str(c, 1, i), &last, &pattern))
            break;
        if (date_pattern_parse(&pattern, arg_str(c, 0, i), &parsed, &err) < 0) {
            call_fail_error(c, &err);
            break;
        }
        if (parsed.has_zone)
            zone = parsed.zone;
        else
            zone_find(arg_str(c, 2, i), &zone);
        c->out_instant[i] =
            parsed.local_us - zone_offset_of_local(zone, floor_div(parsed.local_us, SECOND_US)) * SECOND_US;
        c->out_zone[i] = zone;
    }
}

const FunctionDef t_date_format_functions[] = {
    {"t_date_format", "Ts>s", format_timestamp, MYSQL},
    {"t_date_parse", "ss>T", parse_timestamp, MYSQL},
    {"t_format_datetime", "Ts>s", format_timestamp, JODA},
    {"t_format_datetime", "Zs>s", format_zoned, JODA},
    {"t_parse_datetime", "sss>Z", parse_zoned, JODA},
    {NULL},
};
