#include "app/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "format/json.h"
#include "net/http_client.h"

enum { BAR_WIDTH = 30, PROGRESS_EVERY_US = 100000, MAX_LINE = 1 << 20, IMPORT_TARGET_MAX = 8000 };

typedef struct Import {
    int fd;
    int64_t size, sent;               /* size -1: unknown */
    bool show_progress, bar_shown;
    int64_t last_us, started_us;
    Buf line;                         /* the answer, until its line ends */
    Arena *arena;
    bool done, failed;
    Error error;
} Import;

static void clear_bar(Import *m)
{
    if (m->bar_shown)
        fprintf(stderr, "\r\033[K");
    m->bar_shown = false;
}

static void show_bar(Import *m, const char *what, double percent, int64_t bytes, int64_t rows)
{
    int64_t now = clock_monotonic_us();
    if (!m->show_progress || now - m->last_us < PROGRESS_EVERY_US)
        return;
    m->last_us = now;
    m->bar_shown = true;
    char bar[BAR_WIDTH + 1];
    int filled = percent < 0 ? 0 : (int)(percent / 100 * BAR_WIDTH);
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '=' : i == filled ? '>' : ' ';
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r\033[K%-10s [%s] %3.0f%% %.1f MB", what, bar, percent < 0 ? 0 : percent,
            (double)bytes / 1e6);
    if (rows > 0)
        fprintf(stderr, ", %lld rows", (long long)rows);
    fflush(stderr);
}

static ptrdiff_t read_file(void *arg, char *out, size_t n)
{
    Import *m = arg;
    ssize_t got;
    do
        got = read(m->fd, out, n);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        err_set_errno(&m->error, ERR_IO, errno, "cannot read the file: %s", strerror(errno));
        m->failed = true;
        return -1;
    }
    m->sent += got;
    show_bar(m, "uploading", m->size > 0 ? 100.0 * (double)m->sent / (double)m->size : -1, m->sent, 0);
    return got;
}

static void take_error(Import *m, const Json *error)
{
    Str message = STR("the server told no reason"), name = STR("GENERIC_INTERNAL_ERROR");
    json_get_string(error, "message", message, &message, NULL);
    json_get_string(error, "errorName", name, &name, NULL);
    err_set(&m->error, err_code_of_trino_name(arena_cstr(m->arena, name)), "%.*s", STR_ARG(message));
    m->failed = true;
}

static void take_line(Import *m, Str text)
{
    const Json *json;
    int64_t rows = 0, bytes = 0, files = 0;
    Str table, state;
    if (!str_trim(text).len || json_parse(text, m->arena, &json, NULL))
        return;
    const Json *error = json_get(json, "error");
    if (json_is(error, JSON_OBJECT)) {
        take_error(m, error);
        return;
    }
    json_get_int(json, "rows", 0, &rows, NULL);
    json_get_int(json, "bytes", 0, &bytes, NULL);
    if (json_need_string(json, "state", &state, NULL) == 0) {
        const Json *percent = json_get(json, "percent");
        bool known = json_is(percent, JSON_INT) || json_is(percent, JSON_NUMBER);
        show_bar(m, arena_cstr(m->arena, state), known ? json_to_double(percent) : -1, bytes, rows);
        return;
    }
    if (json_need_string(json, "table", &table, NULL))
        return;
    bool created = false;
    json_get_bool(json, "created", false, &created, NULL);
    json_get_int(json, "files", 0, &files, NULL);
    clear_bar(m);
    printf("%.*s: %lld rows %s in %lld file%s, %.2f s\n", STR_ARG(table), (long long)rows,
           created ? "loaded into a new table" : "added", (long long)files, files == 1 ? "" : "s",
           (double)(clock_monotonic_us() - m->started_us) / 1e6);
    m->done = true;
}

static int on_answer(void *arg, Str bytes)
{
    Import *m = arg;
    for (Str rest = bytes; rest.ptr;) {
        Str piece = str_cut(rest, '\n', &rest);
        if (buf_add(&m->line, piece))
            return -1;
        if (!rest.ptr)
            break;
        take_line(m, buf_str(&m->line));
        buf_clear(&m->line);
    }
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(path, "-") == 0 ? "standard input" : slash ? slash + 1 : path;
}

static Str make_target(const Parsed *p)
{
    _cleanup_buf_ Buf t = BUF_INIT(IMPORT_TARGET_MAX);
    const char *format = option_value(p, "format");
    buf_puts(&t, "/v1/import?table=");
    percent_encode(str_from(option_value(p, "table")), false, &t);
    buf_puts(&t, "&name=");
    percent_encode(str_from(base_name(p->args[0])), false, &t);
    if (format) {
        buf_puts(&t, "&format=");
        percent_encode(str_from(format), false, &t);
    }
    size_t position = 0;
    for (const char *by; (by = option_next(p, "partitioned-by", &position));) {
        buf_puts(&t, "&partitioned_by=");
        percent_encode(str_from(by), false, &t);
    }
    return arena_str(p->arena, buf_str(&t));
}

static int open_source(const Parsed *p, Import *m, Error *err)
{
    struct stat st;
    m->size = -1;
    if (strcmp(p->args[0], "-") == 0) {
        m->fd = STDIN_FILENO;
        return 0;
    }
    m->fd = open(p->args[0], O_RDONLY | O_CLOEXEC);
    if (m->fd < 0)
        return err_set_errno(err, ERR_CONFIG, errno, "cannot open %s: %s", p->args[0], strerror(errno));
    if (fstat(m->fd, &st))
        return err_set_errno(err, ERR_CONFIG, errno, "cannot read %s: %s", p->args[0], strerror(errno));
    if (S_ISDIR(st.st_mode))
        return err_set(err, ERR_CONFIG, "%s is a folder; a file is expected", p->args[0]);
    m->size = S_ISREG(st.st_mode) ? st.st_size : -1;
    return 0;
}

static int import(const Parsed *p, Import *m, Error *err)
{
    const char *user = option_value(p, "user");
    struct passwd *entry = getpwuid(geteuid());
    if (!option_value(p, "table"))
        return err_set(err, ERR_CONFIG, "--table SCHEMA.TABLE is missing");
    if (open_source(p, m, err))
        return -1;
    HttpClient *client = http_client_new(command_server(p), STR_NULL, err);
    if (!client)
        return -1;
    HttpHeader headers[] = {{STR("X-Trino-User"), str_from(user    ? user
                                                           : entry ? entry->pw_name
                                                                   : "lakehouse")},
                            {STR("Content-Type"), STR("application/octet-stream")}};
    HttpCall call = {.method = "POST",
                     .target = make_target(p),
                     .headers = headers,
                     .n_headers = 2,
                     .read_body = read_file,
                     .body_length = m->size,
                     .on_body = on_answer,
                     .arg = m,
                     .timeout_ms = -1};
    HttpResponse response;
    int r = http_client_call(client, &call, m->arena, &response, err);
    http_client_free(client);
    if (m->line.len)
        take_line(m, buf_str(&m->line));
    clear_bar(m);
    if (m->failed) {
        *err = m->error;
        return -1;
    }
    if (r)
        return -1;
    return m->done
               ? 0
               : err_set(
                     err, ERR_IO,
                     "the server's answer (status %d) ended early: whether the import happened is unknown",
                     response.status);
}

int command_import(const Parsed *p)
{
    Error err;
    Import m = {.fd = -1, .line = BUF_INIT(MAX_LINE), .arena = p->arena, .started_us = clock_monotonic_us()};
    m.show_progress = isatty(STDERR_FILENO) && !option_flag(p, "no-progress");
    int r = import(p, &m, &err);
    if (m.fd > STDERR_FILENO)
        close(m.fd);
    buf_free(&m.line);
    return r ? command_fail(&err) : 0;
}
