/* qdigest.c - the q-digest (N. Shrivastava et al., "Medians and Beyond", 2004) with airlift's compression,
 * and its layout: the tree in post-order. A node stands for the values that share their bits above its level.
 */
#include <math.h>

#include "query/engine/functions/aggregate.h"
#include "query/engine/functions/sketch.h"

enum { LEVEL_MAX = 64, HAS_LEFT = 1, HAS_RIGHT = 2, HEAD_BYTES = 1 + 5 * 8 + 4, NODE_BYTES = 17, NONE = -1 };
#define SIGN_BIT (1ULL << 63)
#define WEIGHT_ZERO 1e-5 /* less than this is nothing */

void qdigest_init(QDigest *q, double max_error)
{
    *q = (QDigest){
        .root = NONE, .first_free = NONE, .max_error = max_error, .min = INT64_MAX, .max = INT64_MIN};
}

void qdigest_release(QDigest *q)
{
    held_free(q->nodes, q->capacity * sizeof *q->nodes);
    q->nodes = NULL;
    q->n = q->capacity = q->n_free = 0;
    q->root = q->first_free = NONE;
}

static int64_t compression_of(const QDigest *q)
{
    if (q->root == NONE)
        return 1;
    double factor = (q->nodes[q->root].level + 1) / q->max_error;
    int64_t whole = factor < INT32_MAX ? (int64_t)factor : INT32_MAX;
    return whole > 1 ? whole : 1;
}

/* ---- nodes ---- */

static int node_new(QDigest *q, uint64_t value, int level, double count, int32_t *ret, Error *err)
{
    int32_t at = q->first_free;
    if (at != NONE) {
        q->first_free = q->nodes[at].left;
        q->n_free--;
    } else {
        if (q->n == q->capacity) {
            size_t capacity = q->capacity ? q->capacity * 2 : 1;
            if (capacity > SKETCH_NODES_MAX)
                return err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT,
                               "A quantile digest of more than %d nodes", SKETCH_NODES_MAX);
            if (held_resize(&q->nodes, q->capacity * sizeof *q->nodes, capacity * sizeof *q->nodes, err))
                return -1;
            q->capacity = capacity;
        }
        at = (int32_t)q->n++;
    }
    q->nodes[at] = (QNode){count, value, NONE, NONE, (uint8_t)level};
    q->weight += count;
    *ret = at;
    return 0;
}

static bool same_subtree(uint64_t a, uint64_t b, int level)
{
    return level >= LEVEL_MAX || a >> level == b >> level;
}

/* The child of a node at `level` under which a value is. */
static int32_t *child_of(QNode *node, uint64_t value, int level)
{
    return value >> (level - 1) & 1 ? &node->right : &node->left;
}

/* A parent of two nodes, neither of which is above the other. */
static int siblings(QDigest *q, int32_t a, int32_t b, int32_t *ret, Error *err)
{
    uint64_t value = q->nodes[a].value, other = q->nodes[b].value;
    int level = LEVEL_MAX - __builtin_clzll(value ^ other);
    int32_t parent;
    if (node_new(q, value, level, 0, &parent, err))
        return -1;
    *child_of(&q->nodes[parent], value, level) = a;
    *child_of(&q->nodes[parent], other, level) = b;
    *ret = parent;
    return 0;
}

static void node_remove(QDigest *q, int32_t node)
{
    if ((size_t)node == q->n - 1) {
        q->n--;
    } else {
        q->nodes[node].left = q->first_free;
        q->first_free = node;
        q->n_free++;
    }
}

/* What stands in a node's place when its weight has gone to its parent. */
static int32_t without(QDigest *q, int32_t node)
{
    int32_t left = q->nodes[node].left, right = q->nodes[node].right;
    if (left != NONE && right != NONE) {
        q->nodes[node].count = 0;
        return node;
    }
    node_remove(q, node);
    return left != NONE ? left : right;
}

static void compress_node(QDigest *q, int32_t at, double bound)
{
    if (at == NONE)
        return;
    compress_node(q, q->nodes[at].left, bound);
    compress_node(q, q->nodes[at].right, bound);
    QNode *node = &q->nodes[at];
    double left = node->left == NONE ? 0 : q->nodes[node->left].count,
           right = node->right == NONE ? 0 : q->nodes[node->right].count;
    bool joins = node->count + left + right < bound;
    if (node->left != NONE && (joins || left < WEIGHT_ZERO)) {
        node->left = without(q, node->left);
        node->count += left;
    }
    if (node->right != NONE && (joins || right < WEIGHT_ZERO)) {
        node->right = without(q, node->right);
        node->count += right;
    }
}

static void compress(QDigest *q)
{
    compress_node(q, q->root, floor(q->weight / (double)compression_of(q)));
    if (q->root != NONE && q->nodes[q->root].count < WEIGHT_ZERO)
        q->root = without(q, q->root);
}

/* ---- adding ---- */

static int insert(QDigest *q, uint64_t value, double weight, Error *err)
{
    if (weight < WEIGHT_ZERO)
        return 0;
    int32_t parent = NONE, at = q->root, leaf, put;
    while (at != NONE && same_subtree(value, q->nodes[at].value, q->nodes[at].level)) {
        QNode *node = &q->nodes[at];
        if (node->level == 0) {
            node->count += weight;
            q->weight += weight;
            return 0;
        }
        parent = at;
        at = *child_of(node, value, node->level);
    }
    if (node_new(q, value, 0, weight, &leaf, err))
        return -1;
    put = leaf;
    if (at != NONE && siblings(q, at, leaf, &put, err))
        return -1;
    if (parent == NONE)
        q->root = put;
    else
        *child_of(&q->nodes[parent], value, q->nodes[parent].level) = put;
    return 0;
}

int qdigest_add(QDigest *q, int64_t value, double weight, Error *err)
{
    double before = q->weight;
    q->max = value > q->max ? value : q->max;
    q->min = value < q->min ? value : q->min;
    if (insert(q, (uint64_t)value ^ SIGN_BIT, weight, err))
        return -1;
    double factor = (double)compression_of(q);
    if (floor(trunc(before) / factor) != floor(trunc(q->weight) / factor))
        compress(q);
    return 0;
}

static int copy(QDigest *q, const QDigest *other, int32_t from, int32_t *ret, Error *err)
{
    if (from == NONE) {
        *ret = NONE;
        return 0;
    }
    const QNode *node = &other->nodes[from];
    int32_t at, left, right;
    if (node_new(q, node->value, node->level, node->count, &at, err) ||
        copy(q, other, node->left, &left, err) || copy(q, other, node->right, &right, err))
        return -1;
    q->nodes[at].left = left;
    q->nodes[at].right = right;
    *ret = at;
    return 0;
}

static int join(QDigest *q, int32_t at, const QDigest *other, int32_t from, int32_t *ret, Error *err);

/* `from` is above `at`: a node of ours for it, with `at` among its children. */
static int join_below(QDigest *q, int32_t at, const QDigest *other, int32_t from, int32_t *ret, Error *err)
{
    const QNode *node = &other->nodes[from];
    bool is_right = q->nodes[at].value >> (node->level - 1) & 1;
    int32_t near, far, parent;
    if (join(q, at, other, is_right ? node->right : node->left, &near, err) ||
        copy(q, other, is_right ? node->left : node->right, &far, err) ||
        node_new(q, node->value, node->level, node->count, &parent, err))
        return -1;
    q->nodes[parent].left = is_right ? far : near;
    q->nodes[parent].right = is_right ? near : far;
    *ret = parent;
    return 0;
}

static int join_same(QDigest *q, int32_t at, const QDigest *other, const QNode *node, Error *err)
{
    int32_t left, right;
    q->weight += node->count;
    q->nodes[at].count += node->count;
    if (join(q, q->nodes[at].left, other, node->left, &left, err) ||
        join(q, q->nodes[at].right, other, node->right, &right, err))
        return -1;
    q->nodes[at].left = left;
    q->nodes[at].right = right;
    return 0;
}

static int join(QDigest *q, int32_t at, const QDigest *other, int32_t from, int32_t *ret, Error *err)
{
    *ret = at;
    if (from == NONE)
        return 0;
    if (at == NONE)
        return copy(q, other, from, ret, err);
    const QNode *node = &other->nodes[from];
    int level = q->nodes[at].level, other_level = node->level;
    if (!same_subtree(q->nodes[at].value, node->value, level > other_level ? level : other_level)) {
        int32_t copied;
        return copy(q, other, from, &copied, err) || siblings(q, at, copied, ret, err) ? -1 : 0;
    }
    if (level < other_level)
        return join_below(q, at, other, from, ret, err);
    if (level == other_level)
        return join_same(q, at, other, node, err);
    int32_t joined, child = *child_of(&q->nodes[at], node->value, level);
    if (join(q, child, other, from, &joined, err))
        return -1;
    *child_of(&q->nodes[at], node->value, level) = joined;
    return 0;
}

int qdigest_merge(QDigest *into, const QDigest *from, Error *err)
{
    int32_t root;
    if (join(into, into->root, from, from->root, &root, err))
        return -1;
    into->root = root;
    into->max = from->max > into->max ? from->max : into->max;
    into->min = from->min < into->min ? from->min : into->min;
    compress(into);
    return 0;
}

/* ---- quantiles ---- */

static int64_t upper_bound(const QNode *node)
{
    uint64_t below = node->level == 0 ? 0 : UINT64_MAX >> (LEVEL_MAX - node->level);
    return (int64_t)((node->value | below) ^ SIGN_BIT);
}

typedef struct Walk {
    const QDigest *q;
    const double *quantiles;
    int64_t *ret;
    size_t n, i;
    double sum;
} Walk;

static void walk(Walk *w, int32_t at)
{
    if (at == NONE || w->i == w->n)
        return;
    const QNode *node = &w->q->nodes[at];
    walk(w, node->left);
    walk(w, node->right);
    w->sum += node->count;
    int64_t bound = upper_bound(node);
    while (w->i < w->n && w->sum > w->quantiles[w->i] * w->q->weight)
        w->ret[w->i++] = bound < w->q->max ? bound : w->q->max;
}

void qdigest_values(const QDigest *q, const double *quantiles, size_t n, int64_t *ret)
{
    Walk w = {q, quantiles, ret, n, 0, 0};
    walk(&w, q->root);
    while (w.i < n)
        ret[w.i++] = q->max;
}

/* The weight of all nodes whose values are below `value`. */
static double weight_below(const QDigest *q, int32_t at, int64_t value)
{
    if (at == NONE)
        return 0;
    const QNode *node = &q->nodes[at];
    double sum = upper_bound(node) < value ? node->count : 0;
    return sum + weight_below(q, node->left, value) + weight_below(q, node->right, value);
}

double qdigest_quantile_of(const QDigest *q, int64_t value)
{
    return q->weight > 0 ? weight_below(q, q->root, value) / q->weight : NAN;
}

/* ---- bytes ---- */

static void put(Buf *out, const void *value, size_t n)
{
    buf_append(out, value, n);
}

static void write_node(const QDigest *q, int32_t at, Buf *out)
{
    if (at == NONE)
        return;
    const QNode *node = &q->nodes[at];
    write_node(q, node->left, out);
    write_node(q, node->right, out);
    int level = node->level > 0 ? node->level - 1 : 0;
    buf_putc(out, (char)(level << 2 | (node->left != NONE ? HAS_LEFT : 0) |
                         (node->right != NONE ? HAS_RIGHT : 0)));
    put(out, &node->count, sizeof node->count);
    put(out, &node->value, sizeof node->value);
}

int qdigest_write(QDigest *q, Buf *out)
{
    compress(q);
    int32_t n = (int32_t)(q->n - q->n_free);
    const double alpha = 0;
    const int64_t landmark = 0;
    buf_putc(out, 0);
    put(out, &q->max_error, 8);
    put(out, &alpha, 8);
    put(out, &landmark, 8);
    put(out, &q->min, 8);
    put(out, &q->max, 8);
    put(out, &n, 4);
    write_node(q, q->root, out);
    return out->overflow ? -1 : 0;
}

static int bad(Error *err)
{
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Cannot deserialize quantile digest");
}

/* Takes the last root of the forest as a child of `level`. */
static bool take_child(const QDigest *q, int32_t *last, const int32_t *next, int level, int32_t *ret)
{
    if (*last == NONE || q->nodes[*last].level >= level)
        return false;
    *ret = *last;
    *last = next[*last];
    return true;
}

/* Nodes come in post-order: what has no parent yet is a list, linked by `next`. */
static int read_nodes(QDigest *q, const char *p, int32_t *next, Error *err)
{
    int32_t last = NONE;
    for (int32_t i = 0; (size_t)i < q->n; i++, p += NODE_BYTES) {
        QNode *node = &q->nodes[i];
        int structure = (uint8_t)p[0];
        *node = (QNode){.left = NONE, .right = NONE};
        bool inner = structure & (HAS_LEFT | HAS_RIGHT);
        node->level = (uint8_t)((structure >> 2) + inner);
        memcpy(&node->count, p + 1, 8);
        memcpy(&node->value, p + 9, 8);
        if (((structure & HAS_RIGHT) && !take_child(q, &last, next, node->level, &node->right)) ||
            ((structure & HAS_LEFT) && !take_child(q, &last, next, node->level, &node->left)) ||
            !(node->count >= 0) || isinf(node->count))
            return bad(err);
        next[i] = last;
        last = i;
        q->weight += node->count;
    }
    q->root = last;
    return last == NONE || next[last] == NONE ? 0 : bad(err);
}

int qdigest_read(Str bytes, QDigest *ret, Error *err)
{
    int32_t n = -1;
    double alpha = 1, max_error = -1;
    if (bytes.len >= HEAD_BYTES) {
        memcpy(&max_error, bytes.ptr + 1, 8);
        memcpy(&alpha, bytes.ptr + 9, 8);
        memcpy(&n, bytes.ptr + 41, 4);
    }
    if (n < 0 || n > SKETCH_NODES_MAX || bytes.ptr[0] != 0 || alpha != 0 || !(max_error > 0) ||
        max_error > 1 || bytes.len != HEAD_BYTES + (size_t)n * NODE_BYTES)
        return bad(err);
    QDigest q;
    qdigest_init(&q, max_error);
    memcpy(&q.min, bytes.ptr + 25, 8);
    memcpy(&q.max, bytes.ptr + 33, 8);
    int32_t *next = NULL;
    size_t next_bytes = ((size_t)n + 1) * sizeof *next;
    if (held_resize(&q.nodes, 0, (size_t)(n ? n : 1) * sizeof *q.nodes, err))
        return -1;
    q.capacity = (size_t)(n ? n : 1);
    q.n = (size_t)n;
    int r = held_resize(&next, 0, next_bytes, err);
    if (r == 0)
        r = read_nodes(&q, bytes.ptr + HEAD_BYTES, next, err);
    held_free(next, next_bytes);
    if (r) {
        qdigest_release(&q);
        return -1;
    }
    *ret = q;
    return 0;
}
