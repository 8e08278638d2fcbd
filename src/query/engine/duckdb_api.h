/* duckdb_api.h - DuckDB's C API, resolved at run time.
 *
 * libduckdb is no link dependency: only the query role pays for its 70 MB, and only this folder knows it. The table is filled
 * once by duckdb_api_load() and never changes; `duck->vector_get_data(v)` is duckdb_vector_get_data(v).
 * Header and library are pinned together (design, "DuckDB"): the header is older, the functions named here are the same in both. */
#pragma once

#include <duckdb.h>

#include "base/str.h"

#define DUCKDB_API_FUNCTIONS(F) \
    F(open_ext) F(close) F(connect) F(disconnect) F(interrupt) F(query_progress) F(library_version) \
    F(create_config) F(set_config) F(destroy_config) \
    F(query) F(destroy_result) F(rows_changed) F(result_error) F(result_error_type) F(result_return_type) \
    F(prepare) F(destroy_prepare) F(prepare_error) \
    F(pending_prepared) F(pending_prepared_streaming) F(pending_error) F(execute_pending) F(destroy_pending) \
    F(fetch_chunk) F(column_count) F(column_logical_type) F(free) \
    F(create_logical_type) F(create_list_type) F(create_map_type) F(create_struct_type) F(create_decimal_type) \
    F(destroy_logical_type) F(get_type_id) F(decimal_width) F(decimal_scale) F(list_type_child_type) \
    F(map_type_key_type) F(map_type_value_type) F(struct_type_child_count) F(struct_type_child_type) \
    F(destroy_data_chunk) F(data_chunk_get_column_count) F(data_chunk_get_vector) F(data_chunk_get_size) \
    F(vector_get_column_type) F(vector_get_data) F(vector_get_validity) F(vector_ensure_validity_writable) \
    F(vector_assign_string_element_len) F(list_vector_get_child) F(list_vector_get_size) F(list_vector_set_size) \
    F(list_vector_reserve) F(struct_vector_get_child) F(vector_size) \
    F(create_scalar_function) F(destroy_scalar_function) F(scalar_function_set_name) \
    F(scalar_function_set_special_handling) F(scalar_function_set_volatile) F(scalar_function_add_parameter) \
    F(scalar_function_set_return_type) F(scalar_function_set_extra_info) F(scalar_function_set_function) \
    F(scalar_function_set_varargs) F(scalar_function_get_extra_info) F(scalar_function_set_error) \
    F(create_scalar_function_set) F(destroy_scalar_function_set) F(add_scalar_function_to_set) \
    F(register_scalar_function_set) \
    F(create_aggregate_function) F(destroy_aggregate_function) F(aggregate_function_set_name) \
    F(aggregate_function_add_parameter) F(aggregate_function_set_return_type) F(aggregate_function_set_functions) \
    F(aggregate_function_set_destructor) F(aggregate_function_set_special_handling) \
    F(aggregate_function_set_extra_info) F(aggregate_function_get_extra_info) F(aggregate_function_set_error) \
    F(create_aggregate_function_set) F(destroy_aggregate_function_set) F(add_aggregate_function_to_set) \
    F(register_aggregate_function_set)

typedef struct DuckdbApi {
#define F(name) __typeof__(&duckdb_##name) name;
    DUCKDB_API_FUNCTIONS(F)
#undef F
} DuckdbApi;

extern const DuckdbApi *duck;       /* static; NULL before duckdb_api_load() */

/* Opens the library (RTLD_LOCAL) and resolves every function. Idempotent, thread-safe; a second path is ignored.
 * ERR_CONFIG names the file, or the function that it lacks. */
int duckdb_api_load(const char *library_path, Error *err);

/* A string in a vector: short ones are inside, longer ones are pointed to. */
static inline Str duckdb_str(const duckdb_string_t *s) {
    uint32_t n = s->value.inlined.length;
    return (Str){ n <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr, n };
}
static inline bool duckdb_is_valid(const uint64_t *validity, size_t row) {
    return !validity || (validity[row >> 6] >> (row & 63) & 1);
}
