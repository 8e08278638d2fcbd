/* aggregate.h - how an aggregate function of ours is written.
 *
 * A state in DuckDB is one pointer: to the aggregate's object, made when the first value comes and NULL
 * before that. An AggDef says how a row is added, how two objects are joined (the source stays as it is:
 * windows use it again) and how the result is written. A row with a NULL argument is not seen, nor is a group
 * without an object (its result is NULL), unless the signature starts with '!'.
 *
 * Signatures are those of function.h, and: L<type> a list, E<key><value> a map.
 *
 * What objects hold is counted for the whole process: more than HELD_BYTES_MAX ends the statement with
 * EXCEEDED_LOCAL_MEMORY_LIMIT. Objects come from different threads, but one is used by one thread at a time.
 */
#pragma once

#include "query/engine/functions/function.h"

enum { AGG_ARGS_MAX = 6 };
#define HELD_BYTES_MAX ((size_t)2 << 30)

typedef struct AggDef AggDef;

/* What every object begins with. */
typedef struct AggObject {
    const AggDef *def;
} AggObject;

typedef struct AggIn {
    duckdb_vector vector;
    const void *data;
    const uint64_t *validity;
} AggIn;

typedef struct AggCall {
    duckdb_function_info info;
    const AggDef *def;
    AggIn in[AGG_ARGS_MAX];
    size_t n_in;
    duckdb_vector out; /* finish only */
    void *out_data;
    bool failed;
} AggCall;

struct AggDef {
    const char *name, *signature;
    size_t size; /* of the object; zeroed when it is made */
    void (*update)(AggCall *c, void *object, size_t row);
    void (*merge)(AggCall *c, void *into, const void *from);
    void (*finish)(AggCall *c, void *object, size_t row); /* object NULL: only with '!' */
    void (*release)(void *object);                        /* what it owns; NULL: nothing */
    int arg;                                              /* the file's own */
};

#define AGG_ARG(c, i, T, row) (((const T *)(c)->in[i].data)[row])
#define AGG_OUT(c, T, row) (((T *)(c)->out_data)[row])
static inline Str agg_str(const AggCall *c, size_t i, size_t row)
{
    return duckdb_str(&AGG_ARG(c, i, duckdb_string_t, row));
}
static inline bool agg_is_null(const AggCall *c, size_t i, size_t row)
{
    return !duckdb_is_valid(c->in[i].validity, row);
}
void agg_set_null(AggCall *c, size_t row);
static inline void agg_put_str(AggCall *c, size_t row, Str s)
{
    duck->vector_assign_string_element_len(c->out, row, s.ptr ? s.ptr : "", s.len);
}
/* Room for n elements of the list or map in this row; *ret_child: a list's elements, or a map's pairs. Gives
 * the index of the first. */
size_t agg_put_list(AggCall *c, size_t row, size_t n, duckdb_vector *ret_child);
void agg_fail(AggCall *c, ErrCode code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void agg_fail_error(AggCall *c, const Error *err);

/* Memory of objects. held_resize() changes *p (and keeps it when it fails, with err
 * ERR_EXCEEDED_LOCAL_MEMORY_LIMIT). */
int held_resize(void *p, size_t old_bytes, size_t new_bytes, Error *err);
void held_free(void *p, size_t bytes);

int aggregates_register(duckdb_connection connection, Error *err);

/* The tables, each ends in a NULL name. */
extern const AggDef agg_moment_aggregates[], agg_percentile_aggregates[], agg_sketch_aggregates[],
    agg_frequent_aggregates[], agg_histogram_aggregates[], agg_hash_aggregates[], agg_number_aggregates[],
    agg_theta_aggregates[];
