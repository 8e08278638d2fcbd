/* agg_frequent.c - approx_most_frequent: the Space-Saving algorithm of A. Metwally et al., "Efficient
 * Computation of Frequent and Top-k Elements in Data Streams" (2005). A new value takes the place of the
 * least frequent one, and its count; among equal counts the one that has had it longest goes, and comes first
 * in the result. */
#include <stdlib.h>
#include <xxhash.h>

#include "query/engine/functions/aggregate.h"

typedef struct Counter {
    int64_t count;
    uint64_t since; /* when it got this count */
    uint64_t hash;
    int64_t number; /* the value, or the length of the text */
    char *text;
    size_t heap_at;
} Counter;

typedef struct Frequent {
    AggObject head;
    Counter *counters;
    uint32_t *heap;  /* of counters, the least frequent on top */
    uint32_t *slots; /* hash table of counters + 1 */
    size_t n, room, n_slots;
    uint64_t clock;
    int32_t buckets, capacity;
} Frequent;

typedef struct Value {
    uint64_t hash;
    int64_t number;
    const char *text; /* NULL: a number */
} Value;

/* ---- memory: counters, heap and slots grow together ---- */

static void place(Frequent *f, uint32_t i)
{
    size_t at = f->counters[i].hash & (f->n_slots - 1);
    while (f->slots[at])
        at = (at + 1) & (f->n_slots - 1);
    f->slots[at] = i + 1;
}

static int grow(Frequent *f, Error *err)
{
    size_t room = f->room ? f->room * 2 : 8, n_slots = room * 2;
    if (held_resize(&f->counters, f->room * sizeof *f->counters, room * sizeof *f->counters, err))
        return -1;
    if (held_resize(&f->heap, f->room * sizeof *f->heap, room * sizeof *f->heap, err)) {
        Error ignored;
        held_resize(&f->counters, room * sizeof *f->counters, (f->room ? f->room : 1) * sizeof *f->counters,
                    &ignored);
        return -1;
    }
    f->room = room;
    uint32_t *slots = NULL;
    if (held_resize(&slots, 0, n_slots * sizeof *slots, err))
        return -1;
    held_free(f->slots, f->n_slots * sizeof *slots);
    memset(slots, 0, n_slots * sizeof *slots);
    f->slots = slots;
    f->n_slots = n_slots;
    for (size_t i = 0; i < f->n; i++)
        place(f, (uint32_t)i);
    return 0;
}

static int take_text(Counter *counter, const Value *value, Error *err)
{
    char *text = NULL;
    if (value->text) {
        size_t n = (size_t)value->number;
        if (held_resize(&text, 0, n + 1, err))
            return -1;
        memcpy(text, value->text, n);
    }
    counter->text = text;
    counter->number = value->number;
    counter->hash = value->hash;
    return 0;
}

static void drop_text(Counter *counter)
{
    held_free(counter->text, (size_t)counter->number + 1);
}

static void release(void *object)
{
    Frequent *f = object;
    for (size_t i = 0; i < f->n; i++)
        if (f->counters[i].text)
            drop_text(&f->counters[i]);
    held_free(f->counters, f->room * sizeof *f->counters);
    held_free(f->heap, f->room * sizeof *f->heap);
    held_free(f->slots, f->n_slots * sizeof *f->slots);
}

/* ---- heap ---- */

static bool rarer(const Frequent *f, uint32_t a, uint32_t b)
{
    const Counter *x = &f->counters[a], *y = &f->counters[b];
    return x->count < y->count || (x->count == y->count && x->since < y->since);
}

static void put_at(Frequent *f, size_t at, uint32_t i)
{
    f->heap[at] = i;
    f->counters[i].heap_at = at;
}

/* A count has grown, or is new at the end. */
static void sift(Frequent *f, uint32_t i)
{
    size_t at = f->counters[i].heap_at;
    while (at > 0 && rarer(f, i, f->heap[(at - 1) / 2])) {
        put_at(f, at, f->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (size_t child; (child = 2 * at + 1) < f->n; at = child) {
        if (child + 1 < f->n && rarer(f, f->heap[child + 1], f->heap[child]))
            child++;
        if (!rarer(f, f->heap[child], i))
            break;
        put_at(f, at, f->heap[child]);
    }
    put_at(f, at, i);
}

/* ---- counting ---- */

static bool same(const Counter *counter, const Value *value)
{
    return counter->hash == value->hash && counter->number == value->number &&
           (!value->text || memcmp(counter->text, value->text, (size_t)value->number) == 0);
}

static int64_t find(const Frequent *f, const Value *value)
{
    if (!f->n_slots)
        return -1;
    for (size_t at = value->hash & (f->n_slots - 1); f->slots[at]; at = (at + 1) & (f->n_slots - 1))
        if (same(&f->counters[f->slots[at] - 1], value))
            return f->slots[at] - 1;
    return -1;
}

/* Takes counter i out of the hash table; what collided with it moves up. */
static void unplace(Frequent *f, uint32_t i)
{
    size_t mask = f->n_slots - 1, at = f->counters[i].hash & mask;
    while (f->slots[at] != i + 1)
        at = (at + 1) & mask;
    f->slots[at] = 0;
    for (size_t next = (at + 1) & mask; f->slots[next]; next = (next + 1) & mask) {
        uint32_t moved = f->slots[next] - 1;
        f->slots[next] = 0;
        place(f, moved);
    }
}

static int counter_for(Frequent *f, const Value *value, uint32_t *ret, Error *err)
{
    int64_t known = find(f, value);
    if (known >= 0) {
        *ret = (uint32_t)known;
        return 0;
    }
    if (f->n < (size_t)f->capacity) {
        if (f->n == f->room && grow(f, err))
            return -1;
        uint32_t i = (uint32_t)f->n;
        f->counters[i] = (Counter){.heap_at = i};
        if (take_text(&f->counters[i], value, err))
            return -1;
        f->n++;
        f->heap[i] = i;
        place(f, i);
        *ret = i;
        return 0;
    }
    uint32_t i = f->heap[0];
    Counter taken = f->counters[i];
    if (take_text(&taken, value, err))
        return -1;
    unplace(f, i);
    if (f->counters[i].text)
        drop_text(&f->counters[i]);
    f->counters[i] = taken;
    place(f, i);
    *ret = i;
    return 0;
}

static int offer(Frequent *f, const Value *value, int64_t times, Error *err)
{
    uint32_t i;
    if (f->capacity < 1)
        return err_set(err, ERR_INTERNAL, "Cannot read field \"counterList\" because \"min\" is null");
    if (counter_for(f, value, &i, err))
        return -1;
    f->counters[i].count += times;
    f->counters[i].since = ++f->clock;
    sift(f, i);
    return 0;
}

/* ---- the aggregate ---- */

static bool begin(AggCall *c, Frequent *f, int64_t buckets, int64_t capacity)
{
    if (buckets < 2)
        agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                 "approx_most_frequent bucket count must be greater than one");
    else if (buckets > INT32_MAX || capacity > INT32_MAX || capacity < INT32_MIN)
        agg_fail(c, ERR_INTERNAL, "integer overflow");
    f->buckets = (int32_t)buckets;
    f->capacity = (int32_t)capacity;
    return !c->failed;
}

static Value value_of(const AggCall *c, size_t row)
{
    if (c->def->signature[1] == '8') {
        int64_t number = AGG_ARG(c, 1, int64_t, row);
        return (Value){XXH64(&number, sizeof number, 0), number, NULL};
    }
    Str s = agg_str(c, 1, row);
    return (Value){XXH64(s.ptr, s.len, 0), (int64_t)s.len, s.ptr ? s.ptr : ""};
}

/* (buckets, value, capacity) */
static void add(AggCall *c, void *object, size_t row)
{
    Frequent *f = object;
    Error err;
    if (!f->buckets && !begin(c, f, AGG_ARG(c, 0, int64_t, row), AGG_ARG(c, 2, int64_t, row)))
        return;
    Value value = value_of(c, row);
    if (offer(f, &value, 1, &err))
        agg_fail_error(c, &err);
}

static int by_frequency(const void *a, const void *b)
{
    const Counter *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->since < y->since ? -1 : 1;
}

/* The counters, most frequent first; of f->n. */
static int sorted(const Frequent *f, Counter **ret, Error *err)
{
    Counter *all = NULL;
    if (held_resize(&all, 0, (f->n + 1) * sizeof *all, err))
        return -1;
    if (f->n) {
        memcpy(all, f->counters, f->n * sizeof *all);
        qsort(all, f->n, sizeof *all, by_frequency);
    }
    *ret = all;
    return 0;
}

static void merge(AggCall *c, void *into, const void *from)
{
    Frequent *f = into;
    const Frequent *other = from;
    Counter *all;
    Error err;
    if (!f->buckets) {
        f->buckets = other->buckets;
        f->capacity = other->capacity;
    }
    if (sorted(other, &all, &err)) {
        agg_fail_error(c, &err);
        return;
    }
    for (size_t i = 0; i < other->n && !c->failed; i++) {
        Value value = {all[i].hash, all[i].number, all[i].text};
        if (offer(f, &value, all[i].count, &err))
            agg_fail_error(c, &err);
    }
    held_free(all, (other->n + 1) * sizeof *all);
}

static void finish(AggCall *c, void *object, size_t row)
{
    const Frequent *f = object;
    size_t n = f->n < (size_t)f->buckets ? f->n : (size_t)f->buckets;
    Counter *all;
    Error err;
    if (sorted(f, &all, &err)) {
        agg_fail_error(c, &err);
        return;
    }
    duckdb_vector pairs;
    size_t at = agg_put_list(c, row, n, &pairs);
    duckdb_vector keys = duck->struct_vector_get_child(pairs, 0);
    int64_t *counts = duck->vector_get_data(duck->struct_vector_get_child(pairs, 1));
    for (size_t i = 0; i < n; i++) {
        if (all[i].text)
            duck->vector_assign_string_element_len(keys, at + i, all[i].text, (idx_t)all[i].number);
        else
            ((int64_t *)duck->vector_get_data(keys))[at + i] = all[i].number;
        counts[at + i] = all[i].count;
    }
    held_free(all, (f->n + 1) * sizeof *all);
}

#define FREQUENT sizeof(Frequent), add, merge, finish, release, 0
const AggDef agg_frequent_aggregates[] = {
    {"t_most_frequent", "888>E88", FREQUENT},
    {"t_most_frequent", "8s8>Es8", FREQUENT},
    {0},
};
