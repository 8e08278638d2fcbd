/* t_format.c - format(): the format's syntax, its errors, and the conversions b h s c % n. */
#include "query/engine/functions/format.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/engine/functions/function.h"
#include "query/engine/functions/text.h"

/* ---- errors ---- */

static const char *class_of(FormatKind kind)
{
    static const struct {
        FormatKind kind;
        const char *name;
    } classes[] = {
        {KIND_BOOLEAN, "java.lang.Boolean"},     {KIND_LONG, "java.lang.Long"},
        {KIND_FLOAT, "java.lang.Float"},         {KIND_DOUBLE, "java.lang.Double"},
        {KIND_DECIMAL, "java.math.BigDecimal"},  {KIND_DATE, "java.time.LocalDate"},
        {KIND_TIME, "java.time.LocalTime"},      {KIND_TIMESTAMP, "java.time.LocalDateTime"},
        {KIND_ZONED, "java.time.ZonedDateTime"}, {KIND_STRING, "java.lang.String"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (classes[i].kind == kind)
            return classes[i].name;
    return "null";
}

int format_conversion_error(const FormatSpec *spec, FormatKind kind, Error *err)
{
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "IllegalFormatConversion: %c != %s", spec->conversion,
                   class_of(kind));
}

static const char flag_letters[] = "-#+ 0,(<";

static const char *flags_text(unsigned flags, char text[16])
{
    size_t n = 0;
    for (size_t i = 0; flag_letters[i]; i++)
        if (flags & 1u << i)
            text[n++] = flag_letters[i];
    text[n] = 0;
    return text;
}

int format_flag_error(const FormatSpec *spec, unsigned flag, Error *err)
{
    char text[16];
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT,
                   "FormatFlagsConversionMismatch: Conversion = %c, Flags = %s", spec->conversion,
                   flags_text(flag, text));
}

/* The specifier as Java prints it in messages. */
static const char *spec_text(const FormatSpec *spec, char text[80])
{
    char flags[16], index[16] = "", width[16] = "", precision[16] = "";
    if (spec->index > 0)
        snprintf(index, sizeof index, "%d$", spec->index);
    if (spec->width >= 0)
        snprintf(width, sizeof width, "%d", spec->width);
    if (spec->precision >= 0)
        snprintf(precision, sizeof precision, ".%d", spec->precision);
    bool upper = spec->flags & FLAG_UPPER;
    snprintf(text, 80, "%%%s%s%s%s%s%c", flags_text(spec->flags, flags), index, width, precision,
             !spec->is_time ? ""
             : upper        ? "T"
                            : "t",
             upper ? (char)toupper((unsigned char)spec->conversion) : spec->conversion);
    return text;
}

static int unknown_conversion(Str what, Error *err)
{
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "UnknownFormatConversion: Conversion = '%.*s'",
                   STR_ARG(what));
}

/* ---- checks of one specifier, in Java's order ---- */

static int check_bad_flags(const FormatSpec *spec, unsigned bad, Error *err)
{
    static const unsigned order[] = {FLAG_ALTERNATE, FLAG_PLUS,  FLAG_SPACE,
                                     FLAG_ZERO,      FLAG_GROUP, FLAG_PARENTHESES};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (spec->flags & bad & order[i])
            return format_flag_error(spec, order[i], err);
    return 0;
}

static int check_precision(const FormatSpec *spec, Error *err)
{
    return spec->precision < 0
               ? 0
               : err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "IllegalFormatPrecision: %d", spec->precision);
}

static int check_width(const FormatSpec *spec, unsigned needing, Error *err)
{
    char text[80];
    return spec->width >= 0 || !(spec->flags & needing)
               ? 0
               : err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "MissingFormatWidth: %s", spec_text(spec, text));
}

static int bad_flags(const FormatSpec *spec, Error *err)
{
    char text[16];
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "IllegalFormatFlags: Flags = '%s'",
                   flags_text(spec->flags, text));
}

static int check_numeric(const FormatSpec *spec, Error *err)
{
    const unsigned signs = FLAG_PLUS | FLAG_SPACE, fills = FLAG_LEFT | FLAG_ZERO;
    if (check_width(spec, fills, err) < 0)
        return -1;
    if ((spec->flags & signs) == signs || (spec->flags & fills) == fills)
        return bad_flags(spec, err);
    static const struct {
        char conversion;
        unsigned bad;
    } rules[] = {
        {'d', FLAG_ALTERNATE}, {'o', FLAG_GROUP}, {'x', FLAG_GROUP},     {'a', FLAG_PARENTHESES | FLAG_GROUP},
        {'e', FLAG_GROUP},     {'f', 0},          {'g', FLAG_ALTERNATE},
    };
    bool integral = spec->conversion == 'd' || spec->conversion == 'o' || spec->conversion == 'x';
    if (integral && check_precision(spec, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].conversion == spec->conversion)
            return check_bad_flags(spec, rules[i].bad, err);
    return 0;
}

static int check_text(const FormatSpec *spec, Error *err)
{
    unsigned allowed = spec->conversion == '%' ? FLAG_LEFT : 0;
    if (check_precision(spec, err) < 0)
        return -1;
    if (spec->conversion == 'n' && spec->width >= 0)
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "IllegalFormatWidth: %d", spec->width);
    if (spec->flags & ~allowed)
        return bad_flags(spec, err);
    return check_width(spec, FLAG_LEFT, err);
}

static int check_spec(const FormatSpec *spec, Error *err)
{
    const unsigned all = FLAG_ALTERNATE | FLAG_PLUS | FLAG_SPACE | FLAG_ZERO | FLAG_GROUP | FLAG_PARENTHESES;
    static const char times[] = "HIklMNLQpsSTzZaAbBhCdejmyYrRDFc";
    if (spec->is_time) {
        if (check_precision(spec, err) < 0)
            return -1;
        if (!strchr(times, spec->conversion))
            return unknown_conversion((Str){(char[]){'t', spec->conversion}, 2}, err);
        return check_bad_flags(spec, all, err) < 0 ? -1 : check_width(spec, FLAG_LEFT, err);
    }
    switch (spec->conversion) {
    case 'b':
    case 'h':
        if (spec->flags & FLAG_ALTERNATE)
            return format_flag_error(spec, FLAG_ALTERNATE, err);
        /* fall through */
    case 's':
        return check_width(spec, FLAG_LEFT, err) < 0 ? -1 : check_bad_flags(spec, all & ~FLAG_ALTERNATE, err);
    case 'c':
        if (check_precision(spec, err) < 0 || check_bad_flags(spec, all, err) < 0)
            return -1;
        return check_width(spec, FLAG_LEFT, err);
    case '%':
    case 'n':
        return check_text(spec, err);
    default:
        return check_numeric(spec, err);
    }
}

/* ---- syntax ---- */

/* Digits at *at; false: there are none. *ret is INT32_MIN when they are too many, as Java says it then. */
static bool read_int(Str s, size_t *at, int *ret)
{
    size_t from = *at;
    int64_t value = 0;
    for (; *at < s.len && s.ptr[*at] >= '0' && s.ptr[*at] <= '9'; (*at)++)
        value = value > INT32_MAX ? value : value * 10 + (s.ptr[*at] - '0');
    *ret = value > INT32_MAX ? INT32_MIN : (int)value;
    return *at > from;
}

static int read_flags(Str s, size_t *at, FormatSpec *spec, Error *err)
{
    for (; *at < s.len && s.ptr[*at]; (*at)++) {
        const char *letter = strchr(flag_letters, s.ptr[*at]);
        if (!letter)
            break;
        unsigned flag = 1u << (letter - flag_letters);
        if (spec->flags & flag)
            return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "DuplicateFormatFlags: Flags = '%c'", *letter);
        spec->flags |= flag;
    }
    return 0;
}

/* The specifier after the % at `start`; *at is moved behind it. */
static int read_spec(Str s, size_t start, size_t *at, FormatSpec *spec, Error *err)
{
    *spec = (FormatSpec){.width = -1, .precision = -1};
    size_t i = start + 1;
    int number;
    if (i >= s.len)
        return unknown_conversion(STR("%"), err);
    if (s.ptr[i] != '0' && read_int(s, &i, &number)) {
        if (i < s.len && s.ptr[i] == '$') {
            i++;
            spec->index = number;
            if (number == INT32_MIN)
                return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT,
                               "IllegalFormatArgumentIndex: Illegal format argument index = %d", number);
        } else {
            i = start + 1;
        }
    }
    if (read_flags(s, &i, spec, err) < 0)
        return -1;
    if (read_int(s, &i, &number)) {
        spec->width = number;
        if (number == INT32_MIN)
            return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "IllegalFormatWidth: %d", number);
    }
    if (i < s.len && s.ptr[i] == '.') {
        i++;
        if (!read_int(s, &i, &number))
            return unknown_conversion(str_slice(s, start + 1, start + 2), err);
        if (number == INT32_MIN)
            return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "IllegalFormatPrecision: %d", number);
        spec->precision = number;
    }
    if (i < s.len && (s.ptr[i] == 't' || s.ptr[i] == 'T')) {
        spec->is_time = true;
        spec->flags |= s.ptr[i] == 'T' ? FLAG_UPPER : 0;
        i++;
    }
    if (i >= s.len)
        return unknown_conversion(spec->is_time ? STR("t") : str_slice(s, start + 1, start + 2), err);
    char c = s.ptr[i];
    if (!spec->is_time) {
        if (!c || !strchr("bBhHsScCdoxXeEgGfaA%n", c))
            return unknown_conversion(str_slice(s, i, i + text_step(s, i)), err);
        spec->flags |= isupper((unsigned char)c) ? FLAG_UPPER : 0;
        c = (char)tolower((unsigned char)c);
    }
    spec->conversion = c;
    *at = i + 1;
    return check_spec(spec, err);
}

int format_parse(Str s, Format *f, Error *err)
{
    f->text = s;
    f->n = 0;
    for (size_t i = 0; i < s.len;) {
        if (f->n == FORMAT_SPECS_MAX)
            return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "more than %d specifiers", FORMAT_SPECS_MAX);
        FormatSpec *spec = &f->specs[f->n++];
        ptrdiff_t percent = str_find_char(str_slice(s, i, s.len), '%');
        size_t end = percent < 0 ? s.len : i + (size_t)percent;
        if (end > i)
            *spec = (FormatSpec){.text = str_slice(s, i, end)};
        else if (read_spec(s, end, &end, spec, err) < 0)
            return -1;
        i = end;
    }
    return 0;
}

/* ---- output ---- */

/* Java counts UTF-16 units: two beyond the basic plane. */
static size_t utf16_length(Str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += text_is_start(s.ptr[i]) + ((uint8_t)s.ptr[i] >= 0xf0);
    return n;
}

static void put_fill(Buf *out, char c, size_t n)
{
    for (; n > 0 && !out->overflow; n--)
        buf_putc(out, c);
}

void format_justified(const FormatSpec *spec, Str text, Buf *out)
{
    size_t width = spec->width > 0 ? (size_t)spec->width : 0, length = 0;
    bool left = spec->flags & FLAG_LEFT, counts = width > 0;
    if (spec->flags & FLAG_UPPER) {
        Buf upper = BUF_INIT(out->max);
        text_map_case(&upper, text, true);
        length = counts ? utf16_length(buf_str(&upper)) : 0;
        if (!left && width > length)
            put_fill(out, ' ', width - length);
        buf_add(out, buf_str(&upper));
        buf_free(&upper);
    } else {
        length = counts ? utf16_length(text) : 0;
        if (!left && width > length)
            put_fill(out, ' ', width - length);
        buf_add(out, text);
    }
    if (left && width > length)
        put_fill(out, ' ', width - length);
}

/* At most `precision` UTF-16 units; half of a pair becomes '?', as Java writes it as UTF-8. */
static void put_cut(const FormatSpec *spec, Str text, Buf *out)
{
    if (spec->precision < 0 || utf16_length(text) <= (size_t)spec->precision) {
        format_justified(spec, text, out);
        return;
    }
    size_t i = 0, left = (size_t)spec->precision;
    bool half = false;
    while (i < text.len && left > 0 && !half) {
        bool pair = (uint8_t)text.ptr[i] >= 0xf0;
        half = pair && left == 1;
        if (half)
            break;
        i += text_step(text, i);
        left -= pair ? 2 : 1;
    }
    Buf cut = BUF_INIT(out->max);
    buf_add(&cut, str_slice(text, 0, i));
    if (half)
        buf_putc(&cut, '?');
    format_justified(spec, buf_str(&cut), out);
    buf_free(&cut);
}

int32_t format_hash_string(Str s)
{
    uint32_t hash = 0, point;
    for (size_t i = 0, step; i < s.len && (step = utf8_decode(str_slice(s, i, s.len), &point)) > 0;
         i += step) {
        if (point >= 0x10000) {
            hash = hash * 31 + (0xd800 + ((point - 0x10000) >> 10));
            point = 0xdc00 + ((point - 0x10000) & 0x3ff);
        }
        hash = hash * 31 + point;
    }
    return (int32_t)hash;
}

static uint32_t fold64(uint64_t v)
{
    return (uint32_t)(v ^ v >> 32);
}

/* BigDecimal.hashCode(): of the unscaled value, in 32-bit words, and the scale. */
static uint32_t hash_decimal(Str text)
{
    FormatDecimal d = format_decimal_of(text);
    uint128 v = 0;
    uint32_t hash = 0;
    for (int i = 0; i < d.n; i++)
        v = v * 10 + (uint128)(d.digits[i] - '0');
    for (int word = 3; word >= 0; word--)
        if (hash || v >> (32 * word))
            hash = 31 * hash + (uint32_t)(v >> (32 * word));
    return 31 * (d.negative ? 0 - hash : hash) + (uint32_t)d.scale;
}

static uint32_t hash_of(const FormatValue *value)
{
    FormatTime t;
    double number = 0;
    switch (value->kind) {
    case KIND_BOOLEAN:
        return str_is(value->text, "true") ? 1231 : 1237;
    case KIND_LONG: {
        int64_t v = 0;
        (void)str_to_i64(value->text, INT64_MIN, INT64_MAX, &v, NULL);
        return fold64((uint64_t)v);
    }
    case KIND_FLOAT: {
        uint32_t bits;
        (void)parse_java_double(value->text, true, &number);
        float f = isnan(number) ? NAN : (float)number;
        memcpy(&bits, &f, sizeof bits);
        return isnan(number) ? 0x7fc00000 : bits;
    }
    case KIND_DOUBLE: {
        uint64_t bits;
        (void)parse_java_double(value->text, false, &number);
        memcpy(&bits, &number, sizeof bits);
        return fold64(isnan(number) ? 0x7ff8000000000000ULL : bits);
    }
    case KIND_DECIMAL:
        return hash_decimal(value->text);
    case KIND_STRING:
    case KIND_NULL:
        return (uint32_t)format_hash_string(value->text);
    default:
        return format_time_of(value, &t) ? (uint32_t)format_hash_time(value, &t) : 0;
    }
}

/* toString() of the value that Java has. */
static void put_java_text(const FormatValue *value, Buf *out)
{
    FormatTime t;
    bool is_time = value->kind == KIND_DATE || value->kind == KIND_TIME || value->kind == KIND_TIMESTAMP ||
                   value->kind == KIND_ZONED;
    if (value->kind == KIND_DECIMAL)
        format_put_java_decimal(value->text, out);
    else if (is_time && format_time_of(value, &t))
        format_put_java_time(&t, out);
    else
        buf_add(out, value->text);
}

static int put_value(const FormatSpec *spec, const FormatValue *value, Buf *out, Error *err)
{
    bool null = value->kind == KIND_NULL;
    if (spec->conversion == 's' && !spec->is_time && (spec->flags & FLAG_ALTERNATE))
        return format_flag_error(spec, FLAG_ALTERNATE, err);
    if (spec->conversion == 'b' && !spec->is_time) {
        bool is_true = value->kind == KIND_BOOLEAN ? str_is(value->text, "true") : !null;
        put_cut(spec, is_true ? STR("true") : STR("false"), out);
        return 0;
    }
    if (null) {
        put_cut(spec, STR("null"), out);
        return 0;
    }
    if (spec->is_time)
        return format_time(spec, value, out, err);
    if (spec->conversion == 'c') /* Trino's integers are Longs, which are no characters */
        return format_conversion_error(spec, value->kind, err);
    if (spec->conversion == 'h') {
        char text[16];
        int n = snprintf(text, sizeof text, "%x", hash_of(value));
        put_cut(spec, str_of(text, (size_t)n), out);
        return 0;
    }
    if (spec->conversion != 's')
        return format_number(spec, value, out, err);
    Buf text = BUF_INIT(out->max);
    put_java_text(value, &text);
    put_cut(spec, buf_str(&text), out);
    buf_free(&text);
    return 0;
}

static int missing(const FormatSpec *spec, Error *err)
{
    char text[80];
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "MissingFormatArgument: Format specifier '%s'",
                   spec_text(spec, text));
}

typedef struct Values {
    Str kinds;
    duckdb_vector vector; /* VARCHAR, the elements of the lists */
    const duckdb_string_t *texts;
    const uint64_t *validity;
} Values;

static int write_row(const Format *f, const Values *values, duckdb_list_entry list, Buf *out, Error *err)
{
    int64_t last = -1, ordinary = -1;
    for (size_t i = 0; i < f->n; i++) {
        const FormatSpec *spec = &f->specs[i];
        if (spec->text.ptr) {
            buf_add(out, spec->text);
            continue;
        }
        if (!spec->is_time && (spec->conversion == '%' || spec->conversion == 'n')) {
            format_justified(spec, spec->conversion == '%' ? STR("%") : STR("\n"), out);
            continue;
        }
        if (!(spec->flags & FLAG_PREVIOUS))
            last = spec->index > 0 ? spec->index - 1 : ++ordinary;
        if (last < 0 || last >= (int64_t)list.length || last >= (int64_t)values->kinds.len)
            return missing(spec, err);
        uint64_t at = list.offset + (uint64_t)last;
        bool valid = duckdb_is_valid(values->validity, at);
        FormatValue value = {valid ? (FormatKind)values->kinds.ptr[last] : KIND_NULL,
                             valid ? duckdb_str(&values->texts[at]) : STR("")};
        if (put_value(spec, &value, out, err) < 0)
            return -1;
    }
    return 0;
}

/* t_format(format, values, kinds): a letter of FormatKind for each value. */
static void format(Call *c)
{
    Format *f = malloc(sizeof *f); /* one a vector: too large for the stack */
    Error err = {0};
    if (!f) {
        call_fail(c, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT, "no memory for a format");
        return;
    }
    f->text = STR_NULL;
    Values values = {.vector = duck->list_vector_get_child(c->in[1].vector)};
    values.texts = duck->vector_get_data(values.vector);
    values.validity = duck->vector_get_validity(values.vector);
    CALL_ROWS(c, i)
    {
        Str text = arg_str(c, 0, i);
        bool known = f->text.ptr && str_eq(f->text, text);
        values.kinds = arg_str(c, 2, i);
        c->scratch.len = 0;
        if ((!known && format_parse(text, f, &err) < 0) ||
            write_row(f, &values, ARG(c, 1, duckdb_list_entry, i), &c->scratch, &err) < 0) {
            if (err.code != ERR_INVALID_FUNCTION_ARGUMENT)
                call_fail_error(c, &err);
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid format string: %.*s (%s)", STR_ARG(text),
                      err.message);
        } else {
            call_put_scratch(c, i);
        }
    }
    free(f);
}

const FunctionDef t_format_functions[] = {
    {"t_format", "sSs>s", format},
    {NULL},
};
