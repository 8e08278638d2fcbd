/* log.h - one JSON line an event on standard error.
 *
 *     log_info("storage.put", L_STR("bucket", b), L_INT("bytes", n));
 * gives
 * {"ts":"…","level":"info","role":"storage","event":"storage.put","request_id":"…","bucket":…}.
 * Fields carry data, never secrets or signatures. Thread-safe; a line is one write(2). */
#pragma once

#include "base/str.h"

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } LogLevel;

typedef struct LogField {
    const char *name;
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_DOUBLE } kind;
    Str str;
    int64_t i64;
    double f64;
} LogField;

#define L_STR(field_name, value) ((LogField){ .name = (field_name), .kind = LOG_FIELD_STR, .str = (value) })
#define L_CSTR(field_name, value) L_STR(field_name, str_from(value))
#define L_INT(field_name, value)                                                                             \
    ((LogField){.name = (field_name), .kind = LOG_FIELD_INT, .i64 = (int64_t)(value)})
#define L_DOUBLE(field_name, value)                                                                          \
    ((LogField){.name = (field_name), .kind = LOG_FIELD_DOUBLE, .f64 = (value)})
#define L_ERR(err) L_CSTR("error", (err)->message), L_CSTR("code", err_info((err)->code)->name)

#define log_at_(level, event, ...) \
    do { \
        if (log_enabled(level)) { \
            LogField log_fields_[] = { { .name = NULL }, ##__VA_ARGS__ }; \
            log_write((level), (event), log_fields_ + 1, sizeof log_fields_ / sizeof *log_fields_ - 1); \
        } \
    } while (0)
#define log_debug(event, ...) log_at_(LOG_DEBUG, event, ##__VA_ARGS__)
#define log_info(event, ...) log_at_(LOG_INFO, event, ##__VA_ARGS__)
#define log_warn(event, ...) log_at_(LOG_WARN, event, ##__VA_ARGS__)
#define log_error(event, ...) log_at_(LOG_ERROR, event, ##__VA_ARGS__)

void log_init(const char *role, LogLevel minimum, int fd);
bool log_enabled(LogLevel level);
void log_write(LogLevel level, const char *event, const LogField *fields, size_t n_fields);

/* The request this thread works for; NULL strings clear. Copied (up to 64 bytes each). */
void log_context_set(Str request_id, Str trace_id);
