#include "app/shell.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

enum { PROGRESS_AFTER_US = 500000, PROGRESS_EVERY_US = 100000, BAR_WIDTH = 30 };

typedef struct Run {
    Shell *shell;
    ResultPrinter *printer;
    FILE *out;
    bool is_pager, progress_shown;
    int64_t started_us, last_progress_us;
    Str update_type;
    char update_text[64];
    int64_t update_count;
    bool has_columns, cannot_write;
    TrinoStats stats;
} Run;

static TrinoSession *running;      /* for the signal handler; one statement at a time */

static void on_interrupt(int signal_number)
{
    if (running)
        trino_cancel(running);
}

static void clear_progress(Run *r)
{
    if (r->progress_shown)
        fprintf(stderr, "\r\033[K");
    r->progress_shown = false;
}

/* "1.23M": three digits and a unit, for people. */
static void human(double value, const char *const *units, char *out, size_t size)
{
    size_t unit = 0;
    while (value >= 1000 && units[unit + 1]) {
        value /= 1000;
        unit++;
    }
    snprintf(out, size,
             unit == 0     ? "%.0f%s"
             : value < 10  ? "%.2f%s"
             : value < 100 ? "%.1f%s"
                           : "%.0f%s",
             value, units[unit]);
}

static const char *const row_units[] = { "", "K", "M", "B", "T", NULL };
static const char *const byte_units[] = { "B", "kB", "MB", "GB", "TB", NULL };

static void show_progress(Run *r, const TrinoPage *page)
{
    int64_t now = clock_monotonic_us();
    if (!r->shell->show_progress || now - r->started_us < PROGRESS_AFTER_US ||
        now - r->last_progress_us < PROGRESS_EVERY_US)
        return;
    char rows[32], bar[BAR_WIDTH + 1];
    double percent = page->stats.progress_percent;
    int filled = percent < 0 ? 0 : (int)(percent / 100 * BAR_WIDTH);
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '=' : i == filled ? '>' : ' ';
    bar[BAR_WIDTH] = '\0';
    human((double)page->stats.processed_rows, row_units, rows, sizeof rows);
    fprintf(stderr, "\r\033[K%.*s %.*s %.1fs [%s] %3.0f%% %s rows", STR_ARG(page->query_id),
            STR_ARG(page->stats.state), (double)(now - r->started_us) / 1e6, bar, percent < 0 ? 0 : percent,
            rows);
    fflush(stderr);
    r->progress_shown = true;
    r->last_progress_us = now;
}

static int screen_rows(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 4 ? size.ws_row : 24;
}

/* A pager starts with the first page that is longer than the screen; shorter results print at once. */
static void open_output(Run *r, const TrinoPage *page)
{
    if (r->printer)
        return;
    r->out = stdout;
    bool is_long = page->rows && page->rows->array.n + 4 > (size_t)screen_rows();
    if (r->shell->use_pager && isatty(STDOUT_FILENO) && (is_long || (!page->is_last && page->rows))) {
        const char *pager = getenv("LAKEHOUSE_PAGER");
        FILE *p = pager && !*pager ? NULL : popen(pager ? pager : "less -FRSX", "w");
        if (p) {
            r->out = p;
            r->is_pager = true;
        }
    }
    r->printer = result_printer_new(r->shell->format, r->out);
}

static int on_page(void *arg, const TrinoPage *page)
{
    Run *r = arg;
    r->stats = page->stats;
    if (page->update_type.len) {
        snprintf(r->update_text, sizeof r->update_text, "%.*s", STR_ARG(page->update_type));
        r->update_count = page->update_count;
    }
    r->has_columns = r->has_columns || page->n_columns > 0;
    show_progress(r, page);
    if (r->update_text[0] || !page->n_columns)
        return 0;
    if (page->rows || page->is_last) {
        clear_progress(r);
        open_output(r, page);
        r->cannot_write = result_print_page(r->printer, page) != 0;
        return r->cannot_write ? -1 : 0;
    }
    return 0;
}

static void print_footer(const Run *r)
{
    char rows[32], bytes[32], rate[32];
    double seconds = (double)(clock_monotonic_us() - r->started_us) / 1e6;
    human((double)r->stats.processed_rows, row_units, rows, sizeof rows);
    human((double)r->stats.processed_bytes, byte_units, bytes, sizeof bytes);
    human(seconds > 0 ? (double)r->stats.processed_rows / seconds : 0, row_units, rate, sizeof rate);
    printf("Time: %.3fs [%s rows, %s, %s rows/s]\n\n", seconds, rows, bytes, rate);
}

static void print_error(const Error *err, Str sql)
{
    fflush(stdout);
    fprintf(stderr, "Query failed: %s\n", err->message);
    if (err->sql_line < 1)
        return;
    Str line = STR_NULL, rest = sql;
    for (int i = 0; i < err->sql_line && rest.ptr; i++)
        line = str_cut(rest, '\n', &rest);
    if (line.ptr && line.len)
        fprintf(stderr, "%.*s\n%*s^\n", STR_ARG(line), err->sql_column > 0 ? err->sql_column - 1 : 0, "");
}

static void print_update(const Run *r)
{
    if (r->update_count >= 0)
        printf("%s: %lld row%s\n", r->update_text, (long long)r->update_count,
               r->update_count == 1 ? "" : "s");
    else
        printf("%s\n", r->update_text);
}

/* Ends the output. Ctrl-C is the pager's while it runs. */
static void close_output(Run *r, bool complete)
{
    if (!r->printer)
        return;
    if ((complete ? result_print_end(r->printer) : fflush(r->out)) != 0)
        r->cannot_write = true;
    result_printer_free(r->printer);
    if (!r->is_pager)
        return;
    struct sigaction ignore = { .sa_handler = SIG_IGN }, previous;
    sigaction(SIGINT, &ignore, &previous);
    pclose(r->out);
    sigaction(SIGINT, &previous, NULL);
}

int shell_run(Shell *shell, Str sql)
{
    Error err;
    Run r = { .shell = shell, .started_us = clock_monotonic_us(), .update_count = -1 };
    struct sigaction action = { .sa_handler = on_interrupt }, previous;
    running = shell->session;
    sigaction(SIGINT, &action, &previous);
    int result = trino_run(shell->session, sql, on_page, &r, &err);
    sigaction(SIGINT, &previous, NULL);
    running = NULL;
    clear_progress(&r);
    close_output(&r, result == 0);
    if (r.cannot_write)         /* a pager that was left, or a reader that has enough (| head) */
        return r.is_pager ? 0 : -1;
    if (result) {
        print_error(&err, sql);
        return -1;
    }
    if (r.update_text[0] && shell->format != FORMAT_NULL)
        print_update(&r);
    if (shell->interactive)
        print_footer(&r);
    return fflush(stdout) ? -1 : 0;
}
