/* metrics.c - see metrics.h.
 *
 * metric_add() stands on paths that run 30,000 times a second: it takes no lock. A metric without labels is
 * one 8-byte cell. One with labels has an open-addressing table of series that only grows: a reader hashes
 * the label values and probes it; a series that is not there is added under a mutex and published with a
 * release store. */
#include "base/metrics.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/internal.h"
#include "base/map.h"
#include "base/metrics_internal.h"

enum {
    METRIC_SLOTS = 1024,            /* over METRIC_SERIES_MAX: probes are short, one slot is always empty */
    METRIC_LABELS_MAX = 4,
    METRIC_LABEL_BYTES = 128,       /* a longer value is cut */
    METRIC_COLLECTORS_MAX = 16,
    METRIC_BUCKETS_MAX = 20,
    METRIC_OTHER_SERIES = METRIC_SERIES_MAX,
};

typedef enum MetricKind { COUNTER, GAUGE, HISTOGRAM } MetricKind;

typedef struct MetricInfo {
    const char *name, *unit, *labels, *help;
    MetricKind kind;
} MetricInfo;

static const MetricInfo metric_infos[METRIC_COUNT_] = {
#define M(id, metric_name, metric_kind, metric_unit, metric_labels, metric_help) \
    { .name = (metric_name), .kind = (metric_kind), .unit = (metric_unit), .labels = (metric_labels), \
      .help = (metric_help) },
#include "base/metrics.def"
#undef M
};

/* Values are doubles in their bits, changed by compare-and-swap: C's own atomic doubles save and restore
 * the floating point environment on each addition. */
typedef struct Series {
    uint64_t bits;                  /* atomic */
    uint64_t hash;
    size_t len;
    char labels[];                  /* the values, each with its NUL */
} Series;

typedef struct Metric {
    uint64_t bits;                  /* atomic; the value without labels */
    bool touched;                   /* atomic */
    Series **slots;                 /* atomic pointers; NULL until the first series */
    size_t n_series;                /* under metrics_mutex */
    Series *series[METRIC_SERIES_MAX + 1];  /* as they came, "other" last; under metrics_mutex */
} Metric;

typedef struct Histogram {
    uint64_t buckets[METRIC_BUCKETS_MAX + 1];   /* atomic; each its own, not cumulative; the last is +Inf */
    uint64_t sum_bits;                          /* atomic */
} Histogram;

static const double seconds_bounds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                         1, 2.5, 5, 10, 30, 60, 300 };
static const double bytes_bounds[] = { 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216,
                                       67108864, 268435456, 1073741824 };

#define N_SECONDS_BOUNDS (sizeof seconds_bounds / sizeof *seconds_bounds)
#define N_BYTES_BOUNDS (sizeof bytes_bounds / sizeof *bytes_bounds)
_Static_assert(N_SECONDS_BOUNDS <= METRIC_BUCKETS_MAX && N_BYTES_BOUNDS <= METRIC_BUCKETS_MAX,
               "raise METRIC_BUCKETS_MAX");

static Metric metrics[METRIC_COUNT_];
static Histogram histograms[METRIC_COUNT_];     /* few are used; so metrics.def stays one list */
static pthread_mutex_t metrics_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct { void (*fn)(void *arg); void *arg; } collectors[METRIC_COLLECTORS_MAX];
static size_t n_collectors;
static char metrics_role[32];

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void bits_add(uint64_t *bits, double amount)
{
    uint64_t old = __atomic_load_n(bits, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(bits, &old, bits_of(double_of(old) + amount), true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
        ;
}

static size_t label_count(const MetricInfo *info)
{
    size_t n = *info->labels != '\0';
    for (const char *p = info->labels; *p; p++)
        n += *p == ',';
    return n;
}

/* The values one after the other, each with its NUL. Returns the length. */
static size_t join_labels(const MetricInfo *info, const char *const *labels,
                          char out[METRIC_LABELS_MAX * METRIC_LABEL_BYTES])
{
    size_t n = 0, count = 0;
    for (; labels[count]; count++) {
        assert(count < METRIC_LABELS_MAX);
        size_t len = strlen(labels[count]);
        if (len > METRIC_LABEL_BYTES - 1)
            len = utf8_cut(labels[count], METRIC_LABEL_BYTES - 1);
        memcpy(out + n, labels[count], len);
        out[n + len] = '\0';
        n += len + 1;
    }
    assert(count == label_count(info));
    return n;
}

static Series *series_find(Metric *metric, uint64_t hash, const char *labels, size_t len)
{
    Series **slots = __atomic_load_n(&metric->slots, __ATOMIC_ACQUIRE);
    if (!slots)
        return NULL;
    for (size_t i = hash % METRIC_SLOTS;; i = (i + 1) % METRIC_SLOTS) {
        Series *series = __atomic_load_n(&slots[i], __ATOMIC_ACQUIRE);
        if (!series)
            return NULL;
        if (series->hash == hash && series->len == len && memcmp(series->labels, labels, len) == 0)
            return series;
    }
}

static Series *series_new(Metric *metric, size_t index, uint64_t hash, const char *labels, size_t len)
{
    Series *series = mem_zalloc(sizeof *series + len);
    series->hash = hash;
    series->len = len;
    memcpy(series->labels, labels, len);
    __atomic_store_n(&metric->series[index], series, __ATOMIC_RELEASE);
    return series;
}

/* Everything past the limit is counted here; it is not in the table, since no real value stands for it. */
static Series *series_other(Metric *metric, const MetricInfo *info)
{
    if (!metric->series[METRIC_OTHER_SERIES]) {
        const char *others[METRIC_LABELS_MAX + 1] = { NULL };
        char text[METRIC_LABELS_MAX * METRIC_LABEL_BYTES];
        for (size_t i = 0; i < label_count(info); i++)
            others[i] = "other";
        series_new(metric, METRIC_OTHER_SERIES, 0, text, join_labels(info, others, text));
    }
    return metric->series[METRIC_OTHER_SERIES];
}

static Series *series_add(Metric *metric, const MetricInfo *info, uint64_t hash, const char *labels,
                          size_t len)
{
    pthread_mutex_lock(&metrics_mutex);
    Series *series = series_find(metric, hash, labels, len);    /* another thread may have been faster */
    if (!series && metric->n_series == METRIC_SERIES_MAX) {
        series = series_other(metric, info);
    } else if (!series) {
        if (!metric->slots)
            __atomic_store_n(&metric->slots, mem_zalloc(METRIC_SLOTS * sizeof(Series *)), __ATOMIC_RELEASE);
        series = series_new(metric, metric->n_series++, hash, labels, len);
        size_t i = hash % METRIC_SLOTS;
        while (metric->slots[i])
            i = (i + 1) % METRIC_SLOTS;
        __atomic_store_n(&metric->slots[i], series, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&metrics_mutex);
    return series;
}

static uint64_t *metric_cell(MetricId id, const char *const *labels)
{
    assert((unsigned)id < METRIC_COUNT_);
    const MetricInfo *info = &metric_infos[id];
    Metric *metric = &metrics[id];
    assert(info->kind != HISTOGRAM);
    if (!labels[0]) {
        assert(*info->labels == '\0');
        if (!__atomic_load_n(&metric->touched, __ATOMIC_RELAXED))
            __atomic_store_n(&metric->touched, true, __ATOMIC_RELAXED);
        return &metric->bits;
    }
    char text[METRIC_LABELS_MAX * METRIC_LABEL_BYTES];
    size_t len = join_labels(info, labels, text);
    uint64_t hash = hash_bytes(text, len, 0);
    Series *series = series_find(metric, hash, text, len);
    if (series)
        return &series->bits;
    /* Once "other" is there no series comes any more, and a client that makes up names must not make us
     * lock. */
    series = __atomic_load_n(&metric->series[METRIC_OTHER_SERIES], __ATOMIC_ACQUIRE);
    return series ? &series->bits : &series_add(metric, info, hash, text, len)->bits;
}

void metric_add_(MetricId id, double amount, const char *const *labels)
{
    bits_add(metric_cell(id, labels), amount);
}

void metric_set_(MetricId id, double value, const char *const *labels)
{
    __atomic_store_n(metric_cell(id, labels), bits_of(value), __ATOMIC_RELAXED);
}

static const double *bounds_of(const MetricInfo *info, size_t *ret_n)
{
    bool bytes = strcmp(info->unit, "bytes") == 0;
    *ret_n = bytes ? N_BYTES_BOUNDS : N_SECONDS_BOUNDS;
    return bytes ? bytes_bounds : seconds_bounds;
}

void metric_observe_(MetricId id, double value)
{
    assert((unsigned)id < METRIC_COUNT_ && metric_infos[id].kind == HISTOGRAM);
    Histogram *histogram = &histograms[id];
    size_t n, i = 0;
    const double *bounds = bounds_of(&metric_infos[id], &n);
    while (i < n && !(value <= bounds[i]))
        i++;
    bits_add(&histogram->sum_bits, value);
    __atomic_fetch_add(&histogram->buckets[i], 1, __ATOMIC_RELAXED);
    if (!__atomic_load_n(&metrics[id].touched, __ATOMIC_RELAXED))
        __atomic_store_n(&metrics[id].touched, true, __ATOMIC_RELAXED);
}

void metrics_on_collect(void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&metrics_mutex);
    assert(n_collectors < METRIC_COLLECTORS_MAX);
    collectors[n_collectors].fn = fn;
    collectors[n_collectors].arg = arg;
    n_collectors++;
    pthread_mutex_unlock(&metrics_mutex);
}

void metrics_init(const char *role, const char *version)
{
    snprintf(metrics_role, sizeof metrics_role, "%s", role);
    metric_set(METRIC_BUILD_INFO, 1, version, role);
}

/* What a role never counts is no news at zero; it is written once it was touched. */
static bool is_of_role(const MetricInfo *info)
{
    static const struct { const char *prefix, *role; } parts[] = {
        { "lakehouse_s3_", "storage" }, { "lakehouse_catalog_", "catalog" }, { "lakehouse_query_", "query" },
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (str_has_prefix(str_from(info->name), str_from(parts[i].prefix)))
            return strcmp(parts[i].role, metrics_role) == 0;
    return true;
}

static void put_number(Buf *out, double value)
{
    char text[DOUBLE_TEXT_MAX];
    buf_append(out, text, double_text(value, text));
}

/* Label values come from clients: malformed UTF-8 is replaced, and \, " and newline are escaped. */
static void put_label_value(Buf *out, Str s)
{
    while (s.len > 0) {
        uint32_t c = 0;
        size_t n = utf8_decode(s, &c);
        if (n == 0)
            buf_puts(out, "\xEF\xBF\xBD");
        else if (c == '\\' || c == '"')
            buf_printf(out, "\\%c", (char)c);
        else if (c == '\n')
            buf_puts(out, "\\n");
        else
            buf_append(out, s.ptr, n);
        s = str_slice(s, n ? n : 1, s.len);
    }
}

static void put_series(const MetricInfo *info, Str name, const Series *series, Buf *out)
{
    buf_add(out, name);
    buf_putc(out, '{');
    const char *value = series->labels;
    Str rest = str_from(info->labels);
    for (bool first = true; rest.ptr; first = false) {
        Str label = str_cut(rest, ',', &rest);
        buf_printf(out, "%s%.*s=\"", first ? "" : ",", STR_ARG(label));
        put_label_value(out, str_from(value));
        buf_putc(out, '"');
        value += strlen(value) + 1;
    }
    buf_puts(out, "} ");
    put_number(out, double_of(__atomic_load_n(&series->bits, __ATOMIC_RELAXED)));
    buf_putc(out, '\n');
}

static void put_histogram(MetricId id, bool open_metrics, Buf *out)
{
    const MetricInfo *info = &metric_infos[id];
    Histogram *histogram = &histograms[id];
    size_t n;
    const double *bounds = bounds_of(info, &n);
    uint64_t count = 0;
    for (size_t i = 0; i <= n; i++) {
        count += __atomic_load_n(&histogram->buckets[i], __ATOMIC_RELAXED);
        buf_printf(out, "%s_bucket{le=\"", info->name);
        if (i < n)
            put_number(out, bounds[i]);
        else
            buf_puts(out, "+Inf");
        /* OpenMetrics 1.0, "Considerations: Canonical Numbers": le is written as a float. */
        bool whole = i < n && bounds[i] == floor(bounds[i]);
        buf_printf(out, "%s\"} %llu\n", open_metrics && whole ? ".0" : "", (unsigned long long)count);
    }
    buf_printf(out, "%s_sum ", info->name);
    put_number(out, double_of(__atomic_load_n(&histogram->sum_bits, __ATOMIC_RELAXED)));
    buf_printf(out, "\n%s_count %llu\n", info->name, (unsigned long long)count);
}

/* OpenMetrics names a counter's family without "_total", and allows a unit only where the name ends in it. */
static void put_head(const MetricInfo *info, bool open_metrics, Buf *out)
{
    static const char *const kinds[] = { "counter", "gauge", "histogram" };
    Str family = str_from(info->name);
    if (open_metrics && info->kind == COUNTER && str_has_suffix(family, STR("_total")))
        family.len -= strlen("_total");
    buf_printf(out, "# HELP %.*s %s\n", STR_ARG(family), info->help);
    buf_printf(out, "# TYPE %.*s %s\n", STR_ARG(family), kinds[info->kind]);
    if (open_metrics && *info->unit && str_has_suffix(family, str_from(info->unit)))
        buf_printf(out, "# UNIT %.*s %s\n", STR_ARG(family), info->unit);
}

/* Under metrics_mutex. */
static void put_metric(MetricId id, bool open_metrics, Buf *out)
{
    const MetricInfo *info = &metric_infos[id];
    Metric *metric = &metrics[id];
    bool labeled = *info->labels != '\0';
    bool touched = __atomic_load_n(&metric->touched, __ATOMIC_RELAXED);
    if (labeled ? metric->n_series == 0 : !touched && !is_of_role(info))
        return;
    put_head(info, open_metrics, out);
    if (info->kind == HISTOGRAM) {
        put_histogram(id, open_metrics, out);
    } else if (labeled) {
        for (size_t i = 0; i < metric->n_series; i++)
            put_series(info, str_from(info->name), metric->series[i], out);
        if (metric->series[METRIC_OTHER_SERIES])
            put_series(info, str_from(info->name), metric->series[METRIC_OTHER_SERIES], out);
    } else {
        buf_printf(out, "%s ", info->name);
        put_number(out, double_of(__atomic_load_n(&metric->bits, __ATOMIC_RELAXED)));
        buf_putc(out, '\n');
    }
}

int metrics_write(bool open_metrics, Buf *out)
{
    metrics_collect_process();
    pthread_mutex_lock(&metrics_mutex);
    size_t n = n_collectors;
    pthread_mutex_unlock(&metrics_mutex);
    for (size_t i = 0; i < n; i++)      /* without the lock: they set metrics */
        collectors[i].fn(collectors[i].arg);
    pthread_mutex_lock(&metrics_mutex);
    for (int id = 0; id < METRIC_COUNT_; id++)
        put_metric((MetricId)id, open_metrics, out);
    pthread_mutex_unlock(&metrics_mutex);
    if (open_metrics)
        buf_puts(out, "# EOF\n");
    return out->overflow ? -1 : 0;
}
