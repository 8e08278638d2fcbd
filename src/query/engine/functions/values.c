/* values.c - views of vectors; comparison and hashes of values of any type. */
#include "query/engine/functions/values.h"

#include <math.h>
#include <xxhash.h>

/* ---- views ---- */

static const struct {
    duckdb_type type;
    ValueKind kind;
    uint8_t width;
} plain[] = {
    {DUCKDB_TYPE_BOOLEAN, VALUE_UNSIGNED, 1},  {DUCKDB_TYPE_TINYINT, VALUE_SIGNED, 1},
    {DUCKDB_TYPE_SMALLINT, VALUE_SIGNED, 2},   {DUCKDB_TYPE_INTEGER, VALUE_SIGNED, 4},
    {DUCKDB_TYPE_BIGINT, VALUE_SIGNED, 8},     {DUCKDB_TYPE_HUGEINT, VALUE_SIGNED, 16},
    {DUCKDB_TYPE_UUID, VALUE_SIGNED, 16},      {DUCKDB_TYPE_FLOAT, VALUE_FLOAT, 4},
    {DUCKDB_TYPE_DOUBLE, VALUE_DOUBLE, 8},     {DUCKDB_TYPE_DATE, VALUE_SIGNED, 4},
    {DUCKDB_TYPE_TIME, VALUE_SIGNED, 8},       {DUCKDB_TYPE_TIMESTAMP, VALUE_SIGNED, 8},
    {DUCKDB_TYPE_TIMESTAMP_S, VALUE_SIGNED, 8}, {DUCKDB_TYPE_TIMESTAMP_MS, VALUE_SIGNED, 8},
    {DUCKDB_TYPE_TIMESTAMP_NS, VALUE_SIGNED, 8}, {DUCKDB_TYPE_VARCHAR, VALUE_BYTES, 16},
    {DUCKDB_TYPE_BLOB, VALUE_BYTES, 16},       {DUCKDB_TYPE_SQLNULL, VALUE_NULL, 0},
};

static uint8_t decimal_bytes(duckdb_logical_type type)
{
    uint8_t precision = duck->decimal_width(type);
    return precision <= 4 ? 2 : precision <= 9 ? 4 : precision <= 18 ? 8 : 16;
}

static int list_children(duckdb_vector vector, Arena *arena, Values *v, Error *err)
{
    Values *children = arena_array(arena, Values, 1);
    v->children = children;
    v->n_children = 1;
    return values_of(duck->list_vector_get_child(vector), arena, children, err);
}

/* The zone of an instant is no part of its value. */
static int row_children(duckdb_vector vector, duckdb_logical_type type, Arena *arena, Values *v, Error *err)
{
    size_t n = duck->struct_type_child_count(type);
    Values *children = arena_array(arena, Values, n + 1);
    v->children = children;
    for (size_t i = 0; i < n; i++) {
        char *name = duck->struct_type_child_name(type, i);
        bool is_zone = name && strcmp(name, "zone") == 0;
        duck->free(name);
        if (is_zone)
            continue;
        if (values_of(duck->struct_vector_get_child(vector, i), arena, &children[v->n_children++], err) < 0)
            return -1;
    }
    return 0;
}

static int fill(duckdb_vector vector, duckdb_logical_type type, Arena *arena, Values *v, Error *err)
{
    duckdb_type id = duck->get_type_id(type);
    if (id == DUCKDB_TYPE_LIST || id == DUCKDB_TYPE_MAP) {
        v->kind = id == DUCKDB_TYPE_LIST ? VALUE_LIST : VALUE_MAP;
        return list_children(vector, arena, v, err);
    }
    if (id == DUCKDB_TYPE_STRUCT) {
        v->kind = VALUE_ROW;
        return row_children(vector, type, arena, v, err);
    }
    if (id == DUCKDB_TYPE_DECIMAL) {
        v->kind = VALUE_SIGNED;
        v->width = decimal_bytes(type);
        return 0;
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i].type == id) {
            v->kind = plain[i].kind;
            v->width = plain[i].width;
            return 0;
        }
    return err_set(err, ERR_NOT_SUPPORTED, "Comparison of values of DuckDB's type %d is not supported",
                   (int)id);
}

int values_of(duckdb_vector vector, Arena *arena, Values *ret, Error *err)
{
    *ret = (Values){.data = duck->vector_get_data(vector), .validity = duck->vector_get_validity(vector)};
    duckdb_logical_type type = duck->vector_get_column_type(vector);
    int failed = fill(vector, type, arena, ret, err);
    duck->destroy_logical_type(&type);
    return failed;
}

duckdb_list_entry value_list(const Values *v, size_t i)
{
    return ((const duckdb_list_entry *)v->data)[i];
}

/* ---- plain values ---- */

static int128 integer_at(const Values *v, size_t i)
{
    switch (v->width) {
    case 1:
        return v->kind == VALUE_UNSIGNED ? ((const uint8_t *)v->data)[i] : ((const int8_t *)v->data)[i];
    case 2:
        return ((const int16_t *)v->data)[i];
    case 4:
        return ((const int32_t *)v->data)[i];
    case 8:
        return ((const int64_t *)v->data)[i];
    default:
        return ((const int128 *)v->data)[i];
    }
}

static double number_at(const Values *v, size_t i)
{
    return v->kind == VALUE_FLOAT ? (double)((const float *)v->data)[i] : ((const double *)v->data)[i];
}

static Str bytes_at(const Values *v, size_t i)
{
    return duckdb_str(&((const duckdb_string_t *)v->data)[i]);
}

static bool is_floating(const Values *v)
{
    return v->kind == VALUE_FLOAT || v->kind == VALUE_DOUBLE;
}

/* Of values that are no NaN. */
static int order_plain(const Values *a, size_t i, const Values *b, size_t j)
{
    if (is_floating(a)) {
        double x = number_at(a, i), y = number_at(b, j);
        return x < y ? -1 : x > y;
    }
    if (a->kind == VALUE_BYTES) {
        int order = str_cmp(bytes_at(a, i), bytes_at(b, j));
        return order < 0 ? -1 : order > 0;
    }
    int128 x = integer_at(a, i), y = integer_at(b, j);
    return x < y ? -1 : x > y;
}

static bool is_nan_at(const Values *v, size_t i)
{
    return is_floating(v) && isnan(number_at(v, i));
}

/* ---- maps ---- */

enum { MAP_SCAN_MAX = 16 }; /* entries up to which looking at all of them is cheapest */

/* Where the key of entry i is among the entries of map j; SIZE_MAX: nowhere. */
static size_t find_key(const Values *keys, size_t key, const Values *others, duckdb_list_entry in)
{
    for (size_t i = in.offset; i < in.offset + in.length; i++)
        if (value_identical(keys, key, others, i))
            return i;
    return SIZE_MAX;
}

typedef Tristate (*Equality)(const Values *a, size_t i, const Values *b, size_t j);

static Tristate identical_or_not(const Values *a, size_t i, const Values *b, size_t j)
{
    return value_identical(a, i, b, j) ? IS_TRUE : IS_FALSE;
}

static Tristate equal_or_null(const Values *a, size_t i, const Values *b, size_t j)
{
    if (value_is_null(a, i) || value_is_null(b, j))
        return IS_NULL;
    return value_equal(a, i, b, j);
}

/* Same keys, and each key's values equal. */
static Tristate compare_maps(const Values *a, size_t i, const Values *b, size_t j, Equality equality)
{
    duckdb_list_entry x = value_list(a, i), y = value_list(b, j);
    if (x.length != y.length)
        return IS_FALSE;
    const Values *keys = &a->children[0].children[0], *others = &b->children[0].children[0];
    _cleanup_arena_ Arena *arena = NULL;
    ValueSet set = {0};
    if (y.length > MAP_SCAN_MAX) {
        arena = arena_new(0);
        set = value_set_new(others, y.length, arena);
        for (size_t k = y.offset; k < y.offset + y.length; k++)
            value_set_add(&set, k);
    }
    Tristate result = IS_TRUE;
    for (size_t k = x.offset; k < x.offset + x.length; k++) {
        size_t at = set.slots ? value_set_find(&set, keys, k) : find_key(keys, k, others, y);
        if (at == SIZE_MAX)
            return IS_FALSE;
        Tristate same = equality(&a->children[0].children[1], k, &b->children[0].children[1], at);
        if (same == IS_FALSE)
            return IS_FALSE;
        if (same == IS_NULL)
            result = IS_NULL;
    }
    return result;
}

/* ---- equality ---- */

static Tristate compare_lists(const Values *a, size_t i, const Values *b, size_t j, Equality equality)
{
    duckdb_list_entry x = value_list(a, i), y = value_list(b, j);
    if (x.length != y.length)
        return IS_FALSE;
    Tristate result = IS_TRUE;
    for (size_t k = 0; k < x.length; k++) {
        Tristate same = equality(&a->children[0], x.offset + k, &b->children[0], y.offset + k);
        if (same == IS_FALSE)
            return IS_FALSE;
        if (same == IS_NULL)
            result = IS_NULL;
    }
    return result;
}

static Tristate compare_rows(const Values *a, size_t i, const Values *b, size_t j, Equality equality)
{
    Tristate result = IS_TRUE;
    for (size_t k = 0; k < a->n_children; k++) {
        Tristate same = equality(&a->children[k], i, &b->children[k], j);
        if (same == IS_FALSE)
            return IS_FALSE;
        if (same == IS_NULL)
            result = IS_NULL;
    }
    return result;
}

Tristate value_equal(const Values *a, size_t i, const Values *b, size_t j)
{
    if (a->kind != b->kind)
        return IS_NULL; /* one is of the type of a bare NULL */
    switch (a->kind) {
    case VALUE_LIST:
        return compare_lists(a, i, b, j, equal_or_null);
    case VALUE_MAP:
        return compare_maps(a, i, b, j, equal_or_null);
    case VALUE_ROW:
        return compare_rows(a, i, b, j, equal_or_null);
    case VALUE_NULL:
        return IS_NULL;
    default:
        if (is_nan_at(a, i) || is_nan_at(b, j))
            return IS_FALSE;
        return order_plain(a, i, b, j) == 0 ? IS_TRUE : IS_FALSE;
    }
}

bool value_identical(const Values *a, size_t i, const Values *b, size_t j)
{
    bool null_a = value_is_null(a, i), null_b = value_is_null(b, j);
    if (null_a || null_b)
        return null_a && null_b;
    switch (a->kind) {
    case VALUE_LIST:
        return compare_lists(a, i, b, j, identical_or_not) == IS_TRUE;
    case VALUE_MAP:
        return compare_maps(a, i, b, j, identical_or_not) == IS_TRUE;
    case VALUE_ROW:
        return compare_rows(a, i, b, j, identical_or_not) == IS_TRUE;
    default:
        if (is_nan_at(a, i) || is_nan_at(b, j))
            return is_nan_at(a, i) && is_nan_at(b, j);
        return order_plain(a, i, b, j) == 0;
    }
}

/* ---- order ---- */

/* The pair that decides: the first that is not equal. */
static Tristate less_pair(const Values *a, size_t i, const Values *b, size_t j, bool *ret_decided)
{
    Tristate equal = equal_or_null(a, i, b, j);
    *ret_decided = equal != IS_TRUE;
    return equal == IS_NULL ? IS_NULL : value_less(a, i, b, j, false);
}

Tristate value_less(const Values *a, size_t i, const Values *b, size_t j, bool or_equal)
{
    bool decided = false;
    if (a->kind != b->kind || a->kind == VALUE_NULL || a->kind == VALUE_MAP)
        return IS_NULL;
    if (a->kind == VALUE_ROW) {
        for (size_t k = 0; k < a->n_children; k++) {
            Tristate less = less_pair(&a->children[k], i, &b->children[k], j, &decided);
            if (decided)
                return less;
        }
        return or_equal ? IS_TRUE : IS_FALSE;
    }
    if (a->kind == VALUE_LIST) {
        duckdb_list_entry x = value_list(a, i), y = value_list(b, j);
        for (size_t k = 0; k < x.length && k < y.length; k++) {
            Tristate less = less_pair(&a->children[0], x.offset + k, &b->children[0], y.offset + k, &decided);
            if (decided)
                return less;
        }
        return x.length < y.length || (or_equal && x.length == y.length) ? IS_TRUE : IS_FALSE;
    }
    if (is_nan_at(a, i) || is_nan_at(b, j))
        return IS_FALSE;
    int order = order_plain(a, i, b, j);
    return order < 0 || (or_equal && order == 0) ? IS_TRUE : IS_FALSE;
}

static int order_inner(const Values *a, size_t i, const Values *b, size_t j, bool unordered_first)
{
    bool null_a = value_is_null(a, i), null_b = value_is_null(b, j);
    if (null_a || null_b)
        return null_a == null_b ? 0 : null_a == unordered_first ? -1 : 1;
    return value_order(a, i, b, j, unordered_first);
}

int value_order(const Values *a, size_t i, const Values *b, size_t j, bool unordered_first)
{
    int order = 0;
    if (a->kind == VALUE_ROW) {
        for (size_t k = 0; k < a->n_children && order == 0; k++)
            order = order_inner(&a->children[k], i, &b->children[k], j, unordered_first);
        return order;
    }
    if (a->kind == VALUE_LIST) {
        duckdb_list_entry x = value_list(a, i), y = value_list(b, j);
        for (size_t k = 0; k < x.length && k < y.length && order == 0; k++)
            order =
                order_inner(&a->children[0], x.offset + k, &b->children[0], y.offset + k, unordered_first);
        return order ? order : x.length < y.length ? -1 : x.length > y.length;
    }
    bool nan_a = is_nan_at(a, i), nan_b = is_nan_at(b, j);
    if (nan_a || nan_b)
        return nan_a == nan_b ? 0 : nan_a == unordered_first ? -1 : 1;
    return order_plain(a, i, b, j);
}

bool value_has_null(const Values *v, size_t i)
{
    if (value_is_null(v, i))
        return true;
    if (v->kind == VALUE_LIST || v->kind == VALUE_MAP) {
        duckdb_list_entry list = value_list(v, i);
        for (size_t k = list.offset; k < list.offset + list.length; k++)
            if (value_has_null(&v->children[0], k))
                return true;
        return false;
    }
    for (size_t k = 0; k < v->n_children; k++)
        if (value_has_null(&v->children[k], i))
            return true;
    return false;
}

/* ---- hashes ---- */

static uint64_t mix(uint64_t seed, uint64_t value)
{
    return (seed ^ value) * 0x9E3779B97F4A7C15ULL ^ (seed >> 29);
}

static uint64_t hash_number(const Values *v, size_t i)
{
    double x = number_at(v, i);
    if (isnan(x))
        return 0x7FF8;
    if (x == 0)
        x = 0; /* both zeros */
    return XXH3_64bits(&x, sizeof x);
}

uint64_t value_hash(const Values *v, size_t i)
{
    if (value_is_null(v, i))
        return 0x6E756C6C;
    if (v->kind == VALUE_LIST || v->kind == VALUE_MAP) {
        duckdb_list_entry list = value_list(v, i);
        uint64_t hash = list.length;
        for (size_t k = list.offset; k < list.offset + list.length; k++)
            hash = v->kind == VALUE_MAP ? hash + value_hash(&v->children[0], k) /* entries have no order */
                                        : mix(hash, value_hash(&v->children[0], k));
        return hash;
    }
    if (v->kind == VALUE_ROW) {
        uint64_t hash = 1;
        for (size_t k = 0; k < v->n_children; k++)
            hash = mix(hash, value_hash(&v->children[k], i));
        return hash;
    }
    if (is_floating(v))
        return hash_number(v, i);
    if (v->kind == VALUE_BYTES) {
        Str s = bytes_at(v, i);
        return XXH3_64bits(s.ptr, s.len);
    }
    int128 x = integer_at(v, i);
    return XXH3_64bits(&x, sizeof x);
}

/* ---- sets ---- */

ValueSet value_set_new(const Values *values, size_t most, Arena *arena)
{
    size_t size = 16;
    while (size < most * 2)
        size *= 2;
    return (ValueSet){values, arena_array(arena, size_t, size), size - 1, 0};
}

size_t value_set_find(const ValueSet *set, const Values *other, size_t i)
{
    for (size_t slot = value_hash(other, i) & set->mask; set->slots[slot]; slot = (slot + 1) & set->mask)
        if (value_identical(set->values, set->slots[slot] - 1, other, i))
            return set->slots[slot] - 1;
    return SIZE_MAX;
}

size_t value_set_add(ValueSet *set, size_t i)
{
    size_t slot = value_hash(set->values, i) & set->mask;
    for (; set->slots[slot]; slot = (slot + 1) & set->mask)
        if (value_identical(set->values, set->slots[slot] - 1, set->values, i))
            return set->slots[slot] - 1;
    set->slots[slot] = i + 1;
    set->n++;
    return i;
}

/* ---- sizes ---- */

enum { SIZE_OF_NULL_FLAG = 1, SIZE_OF_OFFSET = 4 };

uint64_t value_size(const Values *v, size_t i)
{
    uint64_t size = SIZE_OF_NULL_FLAG;
    if (v->kind == VALUE_NULL || value_is_null(v, i))
        return size;
    if (v->kind == VALUE_BYTES)
        return size + SIZE_OF_OFFSET + bytes_at(v, i).len;
    if (v->kind == VALUE_LIST || v->kind == VALUE_MAP) {
        duckdb_list_entry list = value_list(v, i);
        size += SIZE_OF_OFFSET;
        for (size_t k = list.offset; k < list.offset + list.length; k++)
            size += value_size(&v->children[0], k);
        return size;
    }
    for (size_t k = 0; k < v->n_children; k++)
        size += value_size(&v->children[k], i);
    return size + v->width;
}
