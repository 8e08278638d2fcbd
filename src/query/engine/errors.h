/* errors.h - DuckDB's error texts to Errors.
 *
 * DuckDB reports "<Class> Error: <text>[\n\nLINE 1: …]". The functions of ours put
 * "TRINO:<code>:<NAME>:<message>" into the text; texts of DuckDB's own that a correct emitter can still cause
 * (overflow, memory, files) are mapped by one table in errors.c; all others are bugs of the emitter and
 * become ERR_INTERNAL with the text. */
#pragma once

#include <stdarg.h>

#include "base/str.h"

/* The text by which a function of ours fails: engine_error() takes it apart again. */
enum { ENGINE_ERROR_TEXT_MAX = ERROR_MESSAGE_MAX + 128 };
void engine_error_text(ErrCode code, const char *format, va_list args, char out[ENGINE_ERROR_TEXT_MAX])
    __attribute__((format(printf, 2, 0)));

/* Returns -1 with err. `file` of data errors goes to err->resource. */
int engine_error(const char *duckdb_text, Error *err);
/* The database can no longer be used (DuckDB's FATAL errors): the process must be restarted. */
bool engine_error_is_fatal(const char *duckdb_text);
