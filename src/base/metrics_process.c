/* metrics_process.c - what the kernel says about this process (proc(5)). */
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/metrics.h"
#include "base/metrics_internal.h"

enum { PROC_FILE_BYTES = 64 * 1024 };

/* The nth (from 0) field of text separated by single blanks; ptr NULL when there are fewer. */
static Str field_at(Str text, size_t n)
{
    Str rest = text, field = STR_NULL;
    for (size_t i = 0; i <= n; i++) {
        if (!rest.ptr)
            return STR_NULL;
        field = str_cut(rest, ' ', &rest);
    }
    return field;
}

/* Seconds since the epoch when the machine was started. */
static bool boot_time(int64_t *ret_seconds)
{
    _cleanup_buf_ Buf text = BUF_INIT(PROC_FILE_BYTES);
    /* With many interrupts /proc/stat is long, so what could be read is looked at. */
    if (fs_read_file("/proc/stat", PROC_FILE_BYTES, &text, NULL) < 0 && text.len == 0)
        return false;
    Str rest = buf_str(&text);
    while (rest.ptr) {
        Str line = str_cut(rest, '\n', &rest);
        if (str_has_prefix(line, STR("btime ")))
            return str_to_i64(str_slice(line, 6, line.len), 0, INT64_MAX, ret_seconds, NULL) == 0;
    }
    return false;
}

static void collect_start_time(void)
{
    _cleanup_buf_ Buf text = BUF_INIT(PROC_FILE_BYTES);
    int64_t boot, ticks;
    if (fs_read_file("/proc/self/stat", PROC_FILE_BYTES, &text, NULL) < 0 || !boot_time(&boot))
        return;
    /* Field 22; the second is the program's name in parentheses and may hold blanks. */
    Str all = buf_str(&text);
    ptrdiff_t end = str_rfind_char(all, ')');
    Str start = field_at(str_slice(all, end < 0 ? all.len : (size_t)end + 2, all.len), 19);
    long per_second = sysconf(_SC_CLK_TCK);
    if (per_second > 0 && str_to_i64(start, 0, INT64_MAX, &ticks, NULL) == 0)
        metric_set(METRIC_PROCESS_START_TIME, (double)boot + (double)ticks / (double)per_second);
}

static void collect_rss(void)
{
    _cleanup_buf_ Buf text = BUF_INIT(PROC_FILE_BYTES);
    int64_t pages;
    if (fs_read_file("/proc/self/statm", PROC_FILE_BYTES, &text, NULL) < 0)
        return;
    if (str_to_i64(field_at(buf_str(&text), 1), 0, INT64_MAX, &pages, NULL) == 0)
        metric_set(METRIC_PROCESS_RSS, (double)pages * (double)sysconf(_SC_PAGESIZE));
}

static void collect_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return;
    int n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    metric_set(METRIC_PROCESS_FDS, n - 3);      /* ".", ".." and the folder itself */
}

void metrics_collect_process(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        metric_set(METRIC_PROCESS_CPU, (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    collect_start_time();
    collect_rss();
    collect_fds();
}
