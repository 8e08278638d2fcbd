/* log.c - see log.h. */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/internal.h"

enum {
    LOG_LINE_MAX = 16 * 1024,       /* lines over PIPE_BUF (4096) may mix on a shared pipe; those are rare */
    LOG_VALUE_MAX = 4 * 1024,       /* bytes of one value; the rest is cut */
    LOG_TAIL = 32,                  /* kept free for how a line ends */
    LOG_CONTEXT_MAX = 64,
    LOG_ROLE_MAX = 32,
};

static struct {
    char role[LOG_ROLE_MAX];
    int minimum;                    /* atomic */
    int fd;
} logger = { .minimum = LOG_INFO, .fd = STDERR_FILENO };

static _Thread_local struct {
    char request_id[LOG_CONTEXT_MAX], trace_id[LOG_CONTEXT_MAX];
    size_t request_id_len, trace_id_len;
} context;

typedef struct Line {
    char text[LOG_LINE_MAX];
    size_t len;
    bool cut;
} Line;

void log_init(const char *role, LogLevel minimum, int fd)
{
    snprintf(logger.role, sizeof logger.role, "%s", role ? role : "");
    logger.fd = fd;
    __atomic_store_n(&logger.minimum, (int)minimum, __ATOMIC_RELAXED);
}

bool log_enabled(LogLevel level)
{
    return (int)level >= __atomic_load_n(&logger.minimum, __ATOMIC_RELAXED);
}

static size_t context_copy(char out[LOG_CONTEXT_MAX], Str s)
{
    size_t n = s.len > LOG_CONTEXT_MAX ? utf8_cut(s.ptr, LOG_CONTEXT_MAX) : s.len;
    if (n > 0)
        memcpy(out, s.ptr, n);
    return n;
}

void log_context_set(Str request_id, Str trace_id)
{
    context.request_id_len = context_copy(context.request_id, request_id);
    context.trace_id_len = context_copy(context.trace_id, trace_id);
}

static bool line_add(Line *line, const char *bytes, size_t n)
{
    if (n > LOG_LINE_MAX - LOG_TAIL - line->len) {
        line->cut = true;
        return false;
    }
    memcpy(line->text + line->len, bytes, n);
    line->len += n;
    return true;
}

static bool line_puts(Line *line, const char *text)
{
    return line_add(line, text, strlen(text));
}

/* One code point, or one malformed byte, of a JSON string. Returns the bytes used of s. */
static size_t line_put_char(Line *line, Str s)
{
    uint32_t c = 0;
    size_t n = utf8_decode(s, &c);
    if (n == 0) {
        line_puts(line, "\xEF\xBF\xBD");
        return 1;
    }
    char escape[8];
    if (c == '"' || c == '\\') {
        escape[0] = '\\';
        escape[1] = (char)c;
        line_add(line, escape, 2);
    } else if (c == '\n') {
        line_puts(line, "\\n");
    } else if (c < 0x20 || c == 0x7F) {
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c);
        line_puts(line, escape);
    } else {
        line_add(line, s.ptr, n);
    }
    return n;
}

static void line_put_string(Line *line, Str s)
{
    bool long_value = s.len > LOG_VALUE_MAX;
    if (long_value)
        s.len = utf8_cut(s.ptr, LOG_VALUE_MAX);
    line_puts(line, "\"");
    for (size_t i = 0; i < s.len && !line->cut;)
        i += line_put_char(line, (Str){ s.ptr + i, s.len - i });
    if (long_value)
        line_puts(line, "…");
    line_puts(line, "\"");
}

static void line_put_double(Line *line, double value)
{
    char text[DOUBLE_TEXT_MAX];
    if (isfinite(value))
        line_add(line, text, double_text(value, text));
    else
        line_puts(line, "null");
}

/* A field that does not fit is left out whole, so that the line stays JSON. */
static void line_put_field(Line *line, const LogField *field)
{
    size_t start = line->len;
    bool was_cut = line->cut;
    char number[24];
    line->cut = false;
    line_puts(line, ",");
    line_put_string(line, str_from(field->name));
    line_puts(line, ":");
    switch (field->kind) {
    case LOG_FIELD_STR:
        if (field->str.ptr)
            line_put_string(line, field->str);
        else
            line_puts(line, "null");
        break;
    case LOG_FIELD_INT:
        snprintf(number, sizeof number, "%lld", (long long)field->i64);
        line_puts(line, number);
        break;
    case LOG_FIELD_DOUBLE:
        line_put_double(line, field->f64);
        break;
    }
    if (line->cut)
        line->len = start;
    line->cut = line->cut || was_cut;
}

void log_write(LogLevel level, const char *event, const LogField *fields, size_t n_fields)
{
    static const char *const level_names[] = { "debug", "info", "warn", "error" };
    assert(level >= LOG_DEBUG && level <= LOG_ERROR);
    if (!log_enabled(level))
        return;
    int saved_errno = errno;        /* logging between a failed call and the look at errno is harmless */
    Line line;
    line.len = 0;
    line.cut = false;
    char ts[TIME_TEXT_MAX];
    time_format_iso(clock_now_us(), 6, ts);
    line_puts(&line, "{\"ts\":\"");
    line_puts(&line, ts);
    line_puts(&line, "\",\"level\":\"");
    line_puts(&line, level_names[level]);
    line_puts(&line, "\"");
    line_put_field(&line, &L_CSTR("role", logger.role));
    line_put_field(&line, &L_CSTR("event", event));
    if (context.request_id_len > 0)
        line_put_field(&line, &L_STR("request_id", str_of(context.request_id, context.request_id_len)));
    if (context.trace_id_len > 0)
        line_put_field(&line, &L_STR("trace_id", str_of(context.trace_id, context.trace_id_len)));
    for (size_t i = 0; i < n_fields; i++)
        line_put_field(&line, &fields[i]);
    const char *end = line.cut ? ",\"cut\":true}\n" : "}\n";
    memcpy(line.text + line.len, end, strlen(end));
    line.len += strlen(end);
    ssize_t written = write(logger.fd, line.text, line.len);
    (void)written;                  /* there is nobody to tell */
    errno = saved_errno;
}
