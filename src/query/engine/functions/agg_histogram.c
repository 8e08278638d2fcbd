/* agg_histogram.c - numeric_histogram: Y. Ben-Haim, E. Tom-Tov, "A Streaming Parallel Decision Tree
 * Algorithm" (2010): buckets are joined where that moves the least weight. */
#include <math.h>
#include <stdlib.h>

#include "query/engine/functions/aggregate.h"

typedef struct Bucket {
    double value, weight;
} Bucket;

typedef struct Histogram {
    AggObject head;
    Bucket *buckets;
    size_t n, capacity;
    int32_t most;
} Histogram;

static int by_value(const void *a, const void *b)
{
    double x = ((const Bucket *)a)->value, y = ((const Bucket *)b)->value;
    if (x < y || x > y)
        return x < y ? -1 : 1;
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return !!signbit(y) - !!signbit(x);
}

/* Sorts, and joins what has the same value. */
static void join_same(Histogram *h)
{
    size_t last = 0;
    qsort(h->buckets, h->n, sizeof *h->buckets, by_value);
    for (size_t i = 1; i < h->n; i++) {
        if (h->buckets[last].value == h->buckets[i].value)
            h->buckets[last].weight += h->buckets[i].weight;
        else
            h->buckets[++last] = h->buckets[i];
    }
    h->n = h->n ? last + 1 : 0;
}

/* ---- joining the closest: a heap of penalties whose entries may be out of date ---- */

typedef struct Step {
    double penalty;
    uint32_t id, stamp;
} Step;

typedef struct Link {
    int32_t left, right;
    uint32_t stamp;
    bool gone;
} Link;

typedef struct Joining {
    Bucket *buckets;
    Link *links;
    Step *heap;
    size_t n_heap;
} Joining;

static bool before(const Step *a, const Step *b)
{
    return a->penalty < b->penalty || (a->penalty == b->penalty && a->id < b->id) ||
           (isnan(b->penalty) && !isnan(a->penalty));
}

static void push(Joining *j, uint32_t id)
{
    const Bucket *a = &j->buckets[id];
    Link *link = &j->links[id];
    Step step = {INFINITY, id, ++link->stamp};
    if (link->right >= 0) {
        const Bucket *b = &j->buckets[link->right];
        double weight = a->weight + b->weight, apart = a->value - b->value;
        step.penalty = weight * (apart * apart) * (a->weight * b->weight / (weight * weight));
    }
    size_t at = j->n_heap++;
    while (at > 0 && before(&step, &j->heap[(at - 1) / 2])) {
        j->heap[at] = j->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    j->heap[at] = step;
}

static Step pop(Joining *j)
{
    Step top = j->heap[0], last = j->heap[--j->n_heap];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < j->n_heap; at = child) {
        if (child + 1 < j->n_heap && before(&j->heap[child + 1], &j->heap[child]))
            child++;
        if (!before(&j->heap[child], &last))
            break;
        j->heap[at] = j->heap[child];
    }
    j->heap[at] = last;
    return top;
}

static void join_with_right(Joining *j, uint32_t id)
{
    Link *link = &j->links[id], *right = &j->links[link->right];
    Bucket *a = &j->buckets[id];
    const Bucket *b = &j->buckets[link->right];
    double weight = a->weight + b->weight;
    a->value = (a->value * a->weight + b->value * b->weight) / weight;
    a->weight = weight;
    right->gone = true;
    link->right = right->right;
    if (link->right >= 0)
        j->links[link->right].left = (int32_t)id;
    push(j, id);
    if (link->left >= 0)
        push(j, (uint32_t)link->left);
}

static int join_closest(Histogram *h, Error *err)
{
    size_t n = h->n, links_bytes = n * sizeof(Link), heap_bytes = 3 * n * sizeof(Step);
    Joining j = {.buckets = h->buckets};
    if (held_resize(&j.links, 0, links_bytes, err))
        return -1;
    if (held_resize(&j.heap, 0, heap_bytes, err)) {
        held_free(j.links, links_bytes);
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        j.links[i] = (Link){(int32_t)i - 1, i + 1 < n ? (int32_t)i + 1 : -1, 0, false};
    for (size_t i = 0; i < n; i++)
        push(&j, (uint32_t)i);
    for (size_t left = n; left > (size_t)h->most && j.n_heap;) {
        Step step = pop(&j);
        const Link *link = &j.links[step.id];
        if (link->gone || link->stamp != step.stamp || link->right < 0)
            continue;
        join_with_right(&j, step.id);
        left--;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!j.links[i].gone)
            h->buckets[kept++] = h->buckets[i];
    h->n = kept;
    qsort(h->buckets, h->n, sizeof *h->buckets, by_value);
    held_free(j.links, links_bytes);
    held_free(j.heap, heap_bytes);
    return 0;
}

static int compact(Histogram *h, Error *err)
{
    join_same(h);
    return h->n > (size_t)h->most ? join_closest(h, err) : 0;
}

/* ---- the aggregate ---- */

/* Room for one more: up to a fifth more than the buckets are kept before they are joined. */
static int reserve(Histogram *h, Error *err)
{
    size_t spare = (size_t)(h->most * 0.2), most = (size_t)h->most + (spare > 1 ? spare : 1);
    if (h->n < h->capacity)
        return 0;
    if (h->n >= most)
        return compact(h, err);
    size_t capacity = h->capacity ? h->capacity * 2 : 8;
    capacity = capacity < most ? capacity : most;
    if (held_resize(&h->buckets, h->capacity * sizeof *h->buckets, capacity * sizeof *h->buckets, err))
        return -1;
    h->capacity = capacity;
    return 0;
}

static int add_bucket(Histogram *h, double value, double weight, Error *err)
{
    if (reserve(h, err))
        return -1;
    h->buckets[h->n++] = (Bucket){value, weight};
    return 0;
}

/* (buckets, value [, weight]) */
static void add(AggCall *c, void *object, size_t row)
{
    Histogram *h = object;
    Error err;
    int64_t most = AGG_ARG(c, 0, int64_t, row);
    if (!h->most) {
        if (most < 2)
            agg_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                     "numeric_histogram bucket count must be greater than one");
        else if (most > INT32_MAX)
            agg_fail(c, ERR_INTERNAL, "integer overflow");
        if (c->failed)
            return;
        h->most = (int32_t)most;
    }
    if (add_bucket(h, AGG_ARG(c, 1, double, row), c->n_in > 2 ? AGG_ARG(c, 2, double, row) : 1, &err))
        agg_fail_error(c, &err);
}

static void merge(AggCall *c, void *into, const void *from)
{
    Histogram *h = into;
    const Histogram *other = from;
    Error err;
    if (!h->most)
        h->most = other->most;
    for (size_t i = 0; i < other->n && !c->failed; i++)
        if (add_bucket(h, other->buckets[i].value, other->buckets[i].weight, &err))
            agg_fail_error(c, &err);
}

static void finish(AggCall *c, void *object, size_t row)
{
    Histogram *h = object;
    Error err;
    if (compact(h, &err)) {
        agg_fail_error(c, &err);
        return;
    }
    duckdb_vector pairs;
    size_t at = agg_put_list(c, row, h->n, &pairs);
    double *keys = duck->vector_get_data(duck->struct_vector_get_child(pairs, 0)),
           *values = duck->vector_get_data(duck->struct_vector_get_child(pairs, 1));
    for (size_t i = 0; i < h->n; i++) {
        keys[at + i] = h->buckets[i].value;
        values[at + i] = h->buckets[i].weight;
    }
}

static void release(void *object)
{
    Histogram *h = object;
    held_free(h->buckets, h->capacity * sizeof *h->buckets);
}

#define HISTOGRAM sizeof(Histogram), add, merge, finish, release, 0
const AggDef agg_histogram_aggregates[] = {
    {"t_numeric_histogram", "8d>Edd", HISTOGRAM},
    {"t_numeric_histogram", "8dd>Edd", HISTOGRAM},
    {0},
};
