/* t_color.c - colors, held as the texts in which they are shown ("red", "#ff8000"), and what terminals make
 * of them. */
#include "query/engine/functions/function.h"

#include <math.h>

static const char *const system_colors[] = {"black", "red",     "green", "yellow",
                                            "blue",  "magenta", "cyan",  "white"};
enum { SYSTEM_COLORS = sizeof system_colors / sizeof *system_colors };
#define ANSI_RESET "\x1b[0m"

typedef struct Color {
    int system; /* -1: by its parts */
    int parts[3];
} Color;

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F'                                ? c - 'A' + 10
                                                                 : -1;
}

/* "red", or '#' and so many digits for each part. */
static bool parse_color(Str s, int digits, Color *ret)
{
    *ret = (Color){.system = -1};
    for (int i = 0; i < SYSTEM_COLORS; i++)
        if (str_eq_nocase(s, str_from(system_colors[i]))) {
            ret->system = i;
            return true;
        }
    if (s.len != (size_t)(1 + 3 * digits) || s.ptr[0] != '#')
        return false;
    for (int i = 0; i < 3; i++) {
        int high = hex_digit(s.ptr[1 + i * digits]), low = hex_digit(s.ptr[1 + i * digits + digits - 1]);
        if (high < 0 || low < 0)
            return false;
        ret->parts[i] = high * 16 + low;
    }
    return true;
}

static void put_color(Call *c, size_t row, const Color *color)
{
    buf_clear(&c->scratch);
    if (color->system >= 0)
        buf_puts(&c->scratch, system_colors[color->system]);
    else
        buf_printf(&c->scratch, "#%02x%02x%02x", color->parts[0], color->parts[1], color->parts[2]);
    call_put_scratch(c, row);
}

static void color(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        Color parsed;
        if (parse_color(s, 1, &parsed))
            put_color(c, i, &parsed);
        else
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid color: '%.*s'", STR_ARG(s));
    }
}

static void rgb(Call *c)
{
    static const char *const names[] = {"red", "green", "blue"};
    CALL_ROWS(c, i)
    {
        Color made = {.system = -1};
        for (size_t part = 0; part < 3; part++) {
            int64_t value = ARG(c, part, int64_t, i);
            if (value < 0 || value > 255)
                call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s must be between 0 and 255", names[part]);
            made.parts[part] = (int)value;
        }
        put_color(c, i, &made);
    }
}

/* Hue, saturation and brightness, as java.awt.Color has them. */
static void hsb_of(const Color *color, float hsb[3])
{
    const int *p = color->parts;
    int most = p[0] > p[1] ? p[0] : p[1], least = p[0] < p[1] ? p[0] : p[1];
    most = p[2] > most ? p[2] : most;
    least = p[2] < least ? p[2] : least;
    float width = (float)(most - least), hue = 0;
    hsb[2] = (float)most / 255.0F;
    hsb[1] = most ? width / (float)most : 0;
    if (hsb[1] != 0) {
        float red = (float)(most - p[0]) / width, green = (float)(most - p[1]) / width,
              blue = (float)(most - p[2]) / width;
        hue = p[0] == most ? blue - green : p[1] == most ? 2.0F + red - blue : 4.0F + green - red;
        hue /= 6.0F;
        hue = hue < 0 ? hue + 1.0F : hue;
    }
    hsb[0] = hue;
}

static Color color_of_hsb(const float hsb[3])
{
    float b = hsb[2], h = (hsb[0] - floorf(hsb[0])) * 6.0F, f = h - floorf(h);
    float p = b * (1.0F - hsb[1]), q = b * (1.0F - hsb[1] * f), t = b * (1.0F - hsb[1] * (1.0F - f));
    const float sixths[6][3] = {{b, t, p}, {q, b, p}, {p, b, t}, {p, q, b}, {t, p, b}, {b, p, q}};
    const float grey[3] = {b, b, b}, *parts = hsb[1] == 0 ? grey : sixths[(int)h % 6];
    Color made = {.system = -1};
    for (int i = 0; i < 3; i++)
        made.parts[i] = (int)(parts[i] * 255.0F + 0.5F);
    return made;
}

static Color between(double fraction, const Color *low, const Color *high)
{
    float a[3], b[3], part = (float)fmax(0, fmin(1, fraction));
    hsb_of(low, a);
    hsb_of(high, b);
    for (int i = 0; i < 3; i++)
        a[i] = part * (b[i] - a[i]) + a[i];
    return color_of_hsb(a);
}

/* Colors given as arguments `first` and the next; they must have parts. */
static bool color_args(Call *c, size_t first, size_t row, Color ret[2])
{
    static const char *const names[] = {"lowColor", "highColor"};
    for (size_t i = 0; i < 2; i++)
        if (!parse_color(arg_str(c, first + i, row), 2, &ret[i]) || ret[i].system >= 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s not a valid RGB color", names[i]);
    return !c->failed;
}

/* color(fraction, low, high), color(value, low, high, low color, high color) */
static void interpolate(Call *c)
{
    CALL_ROWS(c, i)
    {
        Color ends[2];
        double value = ARG(c, 0, double, i);
        if (c->n_in == 5) {
            double low = ARG(c, 1, double, i), high = ARG(c, 2, double, i);
            value = (value - low) / (high - low);
        }
        if (!color_args(c, c->n_in - 2, i, ends))
            return;
        Color made = between(value, &ends[0], &ends[1]);
        put_color(c, i, &made);
    }
}

static void put_ansi(Buf *out, const Color *color)
{
    int code = color->system;
    if (code < 0)
        code =
            16 + color->parts[0] * 6 / 256 * 36 + color->parts[1] * 6 / 256 * 6 + color->parts[2] * 6 / 256;
    buf_printf(out, "\x1b[38;5;%dm", code);
}

static void render(Call *c)
{
    CALL_ROWS(c, i)
    {
        Color parsed;
        buf_clear(&c->scratch);
        if (parse_color(arg_str(c, 1, i), 2, &parsed))
            put_ansi(&c->scratch, &parsed);
        buf_add(&c->scratch, arg_str(c, 0, i));
        buf_puts(&c->scratch, ANSI_RESET);
        call_put_scratch(c, i);
    }
}

static void render_boolean(Call *c)
{
    CALL_ROWS(c, i)
    {
        bool value = ARG(c, 0, bool, i);
        Color shown = {.system = value ? 2 : 1};
        buf_clear(&c->scratch);
        put_ansi(&c->scratch, &shown);
        buf_puts(&c->scratch, value ? "\xe2\x9c\x93" : "\xe2\x9c\x97");
        buf_puts(&c->scratch, ANSI_RESET);
        call_put_scratch(c, i);
    }
}

/* bar(part, width [, low color, high color]) */
static void bar(Call *c)
{
    enum { WIDTH_MAX = 1 << 20 };
    CALL_ROWS(c, i)
    {
        double part = ARG(c, 0, double, i);
        int64_t width = ARG(c, 1, int64_t, i);
        Color ends[2] = {{-1, {255, 0, 0}}, {-1, {0, 255, 0}}};
        if (c->n_in == 4 && !color_args(c, 2, i, ends))
            return;
        if (width > WIDTH_MAX) {
            call_fail(c, ERR_INTERNAL, "Requested array size exceeds VM limit");
            return;
        }
        double filled =
            isnan(part) || width < 0 ? 0 : fmax(0, fmin((double)width, trunc(part * (double)width)));
        int64_t count = (int64_t)filled;
        buf_clear(&c->scratch);
        for (int64_t at = 0; at < count; at++) {
            Color shown = between((float)((double)at / (double)(width - 1)), &ends[0], &ends[1]);
            put_ansi(&c->scratch, &shown);
            buf_puts(&c->scratch, "\xe2\x96\x88");
        }
        buf_puts(&c->scratch, ANSI_RESET);
        for (int64_t at = count; at < width; at++)
            buf_putc(&c->scratch, ' ');
        call_put_scratch(c, i);
    }
}

const FunctionDef t_color_functions[] = {
    {"t_color", "s>s", color, 0},        {"t_color", "dss>s", interpolate, 0},
    {"t_color", "dddss>s", interpolate, 0}, {"t_rgb", "888>s", rgb, 0},
    {"t_render", "b>s", render_boolean, 0}, {"t_render", "ss>s", render, 0},
    {"t_bar", "d8>s", bar, 0},           {"t_bar", "d8ss>s", bar, 0},
    {NULL, NULL, NULL, 0},
};
