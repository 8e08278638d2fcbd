#include "query/engine/functions/aggregate.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/engine/engine_internal.h"
#include "query/engine/errors.h"

static const AggDef *const tables[] = {
    agg_moment_aggregates,    agg_percentile_aggregates, agg_sketch_aggregates, agg_frequent_aggregates,
    agg_histogram_aggregates, agg_hash_aggregates,       agg_number_aggregates, agg_theta_aggregates,
};

/* ---- memory ---- */

static atomic_size_t held_bytes;

int held_resize(void *p, size_t old_bytes, size_t new_bytes, Error *err)
{
    void **at = p;
    size_t grown = new_bytes > old_bytes ? new_bytes - old_bytes : 0;
    if (atomic_fetch_add(&held_bytes, grown) + grown > HELD_BYTES_MAX) {
        atomic_fetch_sub(&held_bytes, grown);
        return err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT,
                       "Query exceeded per-node memory limit of %zuMB for the states of aggregations",
                       HELD_BYTES_MAX >> 20);
    }
    void *moved = realloc(*at, new_bytes);
    if (!moved) {
        atomic_fetch_sub(&held_bytes, grown);
        return err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT, "No memory for the state of an aggregation");
    }
    if (new_bytes < old_bytes)
        atomic_fetch_sub(&held_bytes, old_bytes - new_bytes);
    *at = moved;
    return 0;
}

void held_free(void *p, size_t bytes)
{
    if (!p)
        return;
    atomic_fetch_sub(&held_bytes, bytes);
    free(p);
}

/* ---- a call ---- */

void agg_fail(AggCall *c, ErrCode code, const char *format, ...)
{
    char text[ENGINE_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    engine_error_text(code, format, args, text);
    va_end(args);
    if (!c->failed)
        duck->aggregate_function_set_error(c->info, text);
    c->failed = true;
}

void agg_fail_error(AggCall *c, const Error *err)
{
    agg_fail(c, err->code, "%s", err->message);
}

void agg_set_null(AggCall *c, size_t row)
{
    duck->vector_ensure_validity_writable(c->out);
    duck->vector_get_validity(c->out)[row >> 6] &= ~(1ULL << (row & 63));
}

size_t agg_put_list(AggCall *c, size_t row, size_t n, duckdb_vector *ret_child)
{
    size_t at = duck->list_vector_get_size(c->out);
    duck->list_vector_reserve(c->out, at + n);
    duck->list_vector_set_size(c->out, at + n);
    AGG_OUT(c, duckdb_list_entry, row) = (duckdb_list_entry){at, n};
    *ret_child = duck->list_vector_get_child(c->out);
    return at;
}

/* ---- what DuckDB calls ---- */

static idx_t state_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(AggObject *);
}

static void state_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    *(AggObject **)state = NULL;
}

static AggObject *object_new(AggCall *c)
{
    AggObject *object = NULL;
    Error err;
    if (held_resize(&object, 0, c->def->size, &err)) {
        agg_fail_error(c, &err);
        return NULL;
    }
    memset(object, 0, c->def->size);
    object->def = c->def;
    return object;
}

static void object_free(AggObject *object)
{
    if (object->def->release)
        object->def->release(object);
    held_free(object, object->def->size);
}

static bool has_null(const AggCall *c, size_t row)
{
    for (size_t i = 0; i < c->n_in; i++)
        if (agg_is_null(c, i, row))
            return true;
    return false;
}

static void update(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_aggregate_state *states)
{
    AggCall c = {.info = info, .def = duck->aggregate_function_get_extra_info(info)};
    c.n_in = duck->data_chunk_get_column_count(chunk);
    size_t n = duck->data_chunk_get_size(chunk);
    for (size_t i = 0; i < c.n_in; i++) {
        AggIn *in = &c.in[i];
        in->vector = duck->data_chunk_get_vector(chunk, i);
        in->data = duck->vector_get_data(in->vector);
        in->validity = duck->vector_get_validity(in->vector);
    }
    bool takes_nulls = c.def->signature[0] == '!';
    for (size_t row = 0; row < n && !c.failed; row++) {
        if (!takes_nulls && has_null(&c, row))
            continue;
        AggObject **object = (AggObject **)states[row];
        if (!*object)
            *object = object_new(&c);
        if (*object)
            c.def->update(&c, *object, row);
    }
}

static void combine(duckdb_function_info info, duckdb_aggregate_state *sources,
                    duckdb_aggregate_state *targets, idx_t n)
{
    AggCall c = {.info = info, .def = duck->aggregate_function_get_extra_info(info)};
    for (size_t i = 0; i < n && !c.failed; i++) {
        const AggObject *from = *(AggObject **)sources[i];
        AggObject **into = (AggObject **)targets[i];
        if (!from)
            continue;
        if (!*into)
            *into = object_new(&c);
        if (*into)
            c.def->merge(&c, *into, from);
    }
}

static void finish(duckdb_function_info info, duckdb_aggregate_state *states, duckdb_vector out, idx_t n,
                   idx_t offset)
{
    AggCall c = {.info = info, .def = duck->aggregate_function_get_extra_info(info), .out = out};
    c.out_data = duck->vector_get_data(out);
    bool takes_nulls = c.def->signature[0] == '!';
    for (size_t i = 0; i < n && !c.failed; i++) {
        AggObject *object = *(AggObject **)states[i];
        if (object || takes_nulls)
            c.def->finish(&c, object, offset + i);
        else
            agg_set_null(&c, offset + i);
    }
}

static void destroy(duckdb_aggregate_state *states, idx_t n)
{
    for (size_t i = 0; i < n; i++) {
        AggObject **object = (AggObject **)states[i];
        if (*object)
            object_free(*object);
        *object = NULL;
    }
}

/* ---- registration ---- */

static duckdb_logical_type next_type(const char **p)
{
    char letter = *(*p)++;
    if (letter != 'L' && letter != 'E')
        return function_type(letter);
    duckdb_logical_type first = next_type(p), second = letter == 'E' ? next_type(p) : NULL;
    duckdb_logical_type type = second ? duck->create_map_type(first, second) : duck->create_list_type(first);
    duck->destroy_logical_type(&first);
    if (second)
        duck->destroy_logical_type(&second);
    return type;
}

static duckdb_aggregate_function aggregate_new(const AggDef *def)
{
    duckdb_aggregate_function f = duck->create_aggregate_function();
    duck->aggregate_function_set_name(f, def->name);
    duck->aggregate_function_set_special_handling(f);
    const char *p = def->signature;
    p += *p == '!';
    while (*p) {
        bool result = *p == '>';
        p += result;
        duckdb_logical_type type = next_type(&p);
        if (result)
            duck->aggregate_function_set_return_type(f, type);
        else
            duck->aggregate_function_add_parameter(f, type);
        duck->destroy_logical_type(&type);
    }
    duck->aggregate_function_set_functions(f, state_size, state_init, update, combine, finish);
    duck->aggregate_function_set_destructor(f, destroy);
    duck->aggregate_function_set_extra_info(f, (void *)def, NULL);
    return f;
}

/* defs[0..n) share a name. */
static int register_set(duckdb_connection connection, const AggDef *defs, size_t n, Error *err)
{
    duckdb_aggregate_function_set set = duck->create_aggregate_function_set(defs->name);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        duckdb_aggregate_function f = aggregate_new(&defs[i]);
        if (duck->add_aggregate_function_to_set(set, f) == DuckDBError)
            r = err_set(err, ERR_INTERNAL, "DuckDB refuses %s(%s)", defs->name, defs[i].signature);
        duck->destroy_aggregate_function(&f);
    }
    if (r == 0 && duck->register_aggregate_function_set(connection, set) == DuckDBError)
        r = err_set(err, ERR_INTERNAL, "DuckDB refuses %s", defs->name);
    duck->destroy_aggregate_function_set(&set);
    return r;
}

int aggregates_register(duckdb_connection connection, Error *err)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const AggDef *defs = tables[t]; defs->name;) {
            size_t n = 1;
            while (defs[n].name && strcmp(defs[n].name, defs->name) == 0)
                n++;
            if (register_set(connection, defs, n, err) < 0)
                return -1;
            defs += n;
        }
    return 0;
}
