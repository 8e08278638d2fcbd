/* duckdb_api.h - DuckDB's C API, resolved at run time.
 *
 * libduckdb is no link dependency: only the query role pays for its 70 MB, and only this folder knows it. The
 * table is filled once by duckdb_api_load() and never changes; `duck->vector_get_data(v)` is
 * duckdb_vector_get_data(v). Header and library are pinned together (design, "DuckDB"): the header is older,
 * the functions named here are the same in both. */
#pragma once

#include <duckdb.h>

#include "base/str.h"

typedef struct DuckdbApi {
#define F(name) __typeof__(&duckdb_##name) name;
#include "query/engine/duckdb_functions.def"
#undef F
} DuckdbApi;

extern const DuckdbApi *duck; /* static; NULL before duckdb_api_load() */

/* Opens the library (RTLD_LOCAL) and resolves every function. Idempotent, thread-safe; a second path is
 * ignored. ERR_CONFIG names the file, or the function that it lacks. */
int duckdb_api_load(const char *library_path, Error *err);

/* A string in a vector: short ones are inside, longer ones are pointed to. */
static inline Str duckdb_str(const duckdb_string_t *s)
{
    uint32_t n = s->value.inlined.length;
    return (Str){n <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr, n};
}
static inline bool duckdb_is_valid(const uint64_t *validity, size_t row)
{
    return !validity || (validity[row >> 6] >> (row & 63) & 1);
}
