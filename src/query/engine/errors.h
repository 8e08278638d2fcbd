/* errors.h - DuckDB's error texts to Errors.
 *
 * DuckDB reports "<Class> Error: <text>[\n\nLINE 1: …]". The functions of ours put
 * "TRINO:<code>:<NAME>:<message>" into the text; texts of DuckDB's own that a correct emitter can still cause
 * (overflow, memory, files) are mapped by one table in errors.c; all others are bugs of the emitter and
 * become ERR_INTERNAL with the text. */
#pragma once

#include "base/str.h"

/* Returns -1 with err. `file` of data errors goes to err->resource. */
int engine_error(const char *duckdb_text, Error *err);
/* The database can no longer be used (DuckDB's FATAL errors): the process must be restarted. */
bool engine_error_is_fatal(const char *duckdb_text);
