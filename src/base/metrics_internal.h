/* metrics_internal.h - between metrics.c and metrics_process.c. */
#pragma once

/* Sets the process_* metrics. */
void metrics_collect_process(void);
