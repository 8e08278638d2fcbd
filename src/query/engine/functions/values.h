/* values.h - values of any type, as they lie in DuckDB's vectors: equality, order and hashes as Trino has
 * them.
 *
 * DuckDB's own comparison of nested values takes NULL for a value, NaN for the greatest number and equal to
 * itself, and looks at the zone of a zoned timestamp. Trino does none of that, so whatever compares elements
 * of arrays, maps and rows goes through here.
 *
 * Values is a view of one vector and of its children: borrowed, valid as long as the chunk; the view itself
 * lives in the arena. */
#pragma once

#include "base/arena.h"
#include "query/engine/functions/function.h"

typedef enum ValueKind {
    VALUE_SIGNED,   /* `width` bytes; also dates, times, instants, decimals, UUIDs */
    VALUE_UNSIGNED, /* 1 byte: booleans */
    VALUE_FLOAT,
    VALUE_DOUBLE,
    VALUE_BYTES, /* texts and binary: in the order of their bytes */
    VALUE_LIST,
    VALUE_MAP, /* children: one, a row of key and value */
    VALUE_ROW,
    VALUE_NULL, /* the type of a bare NULL */
} ValueKind;

typedef struct Values Values;
struct Values {
    ValueKind kind;
    uint8_t width;
    const void *data;
    const uint64_t *validity;
    const Values *children; /* of rows: only what counts, not the zone of an instant */
    size_t n_children;
};

/* ERR_NOT_SUPPORTED for a type that no SQL type is held in. */
int values_of(duckdb_vector vector, Arena *arena, Values *ret, Error *err);
static inline bool value_is_null(const Values *v, size_t i)
{
    return v->kind == VALUE_NULL || !duckdb_is_valid(v->validity, i);
}
/* The elements of list i. */
duckdb_list_entry value_list(const Values *v, size_t i);

typedef enum Tristate { IS_FALSE, IS_TRUE, IS_NULL } Tristate;

/* a = b, three-valued: NULL where a NULL inside decides; NaN equals nothing. Neither may be NULL itself. */
Tristate value_equal(const Values *a, size_t i, const Values *b, size_t j);
/* a < b (or a <= b), likewise. */
Tristate value_less(const Values *a, size_t i, const Values *b, size_t j, bool or_equal);
/* IS NOT DISTINCT FROM: NULL is a value, NaN is one too. */
bool value_identical(const Values *a, size_t i, const Values *b, size_t j);
uint64_t value_hash(const Values *v, size_t i);
/* -1, 0, 1, with NaN and the NULLs inside below or above all else. */
int value_order(const Values *a, size_t i, const Values *b, size_t j, bool unordered_first);
/* Is the value or anything in it NULL? */
bool value_has_null(const Values *v, size_t i);

/* A set of positions whose values are distinct; open addressing. Memory: 8 bytes a slot, in the arena. */
typedef struct ValueSet {
    const Values *values;
    size_t *slots; /* position + 1 */
    size_t mask, n;
} ValueSet;
ValueSet value_set_new(const Values *values, size_t most, Arena *arena);
/* Where the value is in the set: the position, or SIZE_MAX. */
size_t value_set_find(const ValueSet *set, const Values *other, size_t i);
/* Adds position i; gives the position that was there with an identical value, or i. */
size_t value_set_add(ValueSet *set, size_t i);
/* About what Trino takes for the value in memory. */
uint64_t value_size(const Values *v, size_t i);
