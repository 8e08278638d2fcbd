/* metrics.h - the registry of metrics.def. Thread-safe. Label values are copied; a metric keeps at most
 * METRIC_SERIES_MAX combinations, later ones are counted under "other". */
#pragma once

#include "base/buf.h"

typedef enum MetricId {
#define M(id, name, kind, unit, labels, help) METRIC_##id,
#include "base/metrics.def"
#undef M
    METRIC_COUNT_,
} MetricId;

enum { METRIC_SERIES_MAX = 256 };

/* label values in the order of metrics.def, NULL-terminated by the macro; none for metrics without labels. */
#define metric_add(id, amount, ...)                                                                          \
    metric_add_((id), (amount), (const char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define metric_set(id, value, ...)                                                                           \
    metric_set_((id), (value), (const char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define metric_inc(id, ...) metric_add(id, 1, ##__VA_ARGS__)
#define metric_observe(id, value) metric_observe_((id), (value))
void metric_add_(MetricId id, double amount, const char *const *labels);
void metric_set_(MetricId id, double value, const char *const *labels);
void metric_observe_(MetricId id, double value);

/* Called before each exposition, to set gauges that are cheap to compute then. At most 16. */
void metrics_on_collect(void (*fn)(void *arg), void *arg);
void metrics_init(const char *role, const char *version);
/* Prometheus text 0.0.4, or OpenMetrics 1.0 when `open_metrics`. */
int metrics_write(bool open_metrics, Buf *out);
