/* predicate.c - building predicates, and putting them to single rows. Files: predicate_match.c. */
#include "iceberg/predicate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "iceberg/predicate_internal.h"

static const IcePred constant_false = { .kind = ICE_PRED_FALSE };
static const IcePred constant_true = { .kind = ICE_PRED_TRUE };
static const IcePred constant_opaque = { .kind = ICE_PRED_OPAQUE };
/* SQL's NULL: selects nothing, and neither does its negation. Not folded away like FALSE, for the sake of
 * NOT. */
static const IcePred constant_null = { .kind = ICE_PRED_FALSE };

const IcePred *ice_pred_true(void) { return &constant_true; }

const IcePred *ice_pred_false(void) { return &constant_false; }

const IcePred *ice_pred_opaque(void) { return &constant_opaque; }

/* --- AND, OR, NOT --- */

static const IcePred *combine(Arena *arena, IcePredKind kind, const IcePred *const *children, size_t n)
{
    const IcePred *neutral = kind == ICE_PRED_AND ? &constant_true : &constant_false;
    const IcePred *dominant = kind == ICE_PRED_AND ? &constant_false : &constant_true;
    Vec(const IcePred *) kept = { 0 };

    for (size_t i = 0; i < n; i++) {
        if (children[i] == dominant)
            return dominant;
        if (children[i] == neutral)
            continue;
        if (children[i]->kind != kind) {
            *vec_push(arena, &kept) = children[i];
            continue;
        }
        for (size_t j = 0; j < children[i]->n_children; j++)
            *vec_push(arena, &kept) = children[i]->children[j];
    }
    if (kept.n <= 1)
        return kept.n == 1 ? kept.items[0] : neutral;
    IcePred *pred = arena_new_of(arena, IcePred);
    *pred = (IcePred){ .kind = kind, .children = kept.items, .n_children = kept.n };
    return pred;
}

const IcePred *ice_pred_and(Arena *arena, const IcePred *const *children, size_t n)
{
    return combine(arena, ICE_PRED_AND, children, n);
}

const IcePred *ice_pred_or(Arena *arena, const IcePred *const *children, size_t n)
{
    return combine(arena, ICE_PRED_OR, children, n);
}

const IcePred *ice_pred_and2(Arena *arena, const IcePred *a, const IcePred *b)
{
    return combine(arena, ICE_PRED_AND, (const IcePred *[]){ a, b }, 2);
}

const IcePred *ice_pred_or2(Arena *arena, const IcePred *a, const IcePred *b)
{
    return combine(arena, ICE_PRED_OR, (const IcePred *[]){ a, b }, 2);
}

static const IcePred *leaf_like(Arena *arena, IcePredKind kind, const IcePred *leaf)
{
    IcePred *pred = arena_new_of(arena, IcePred);

    *pred = *leaf;
    pred->kind = kind;
    return pred;
}

static const IcePred *negate_leaf(Arena *arena, const IcePred *leaf)
{
    static const uint8_t opposite[] = {
        [ICE_PRED_EQ] = ICE_PRED_NE,
        [ICE_PRED_NE] = ICE_PRED_EQ,
        [ICE_PRED_LT] = ICE_PRED_GE,
        [ICE_PRED_LE] = ICE_PRED_GT,
        [ICE_PRED_GT] = ICE_PRED_LE,
        [ICE_PRED_GE] = ICE_PRED_LT,
        [ICE_PRED_IN] = ICE_PRED_NOT_IN,
        [ICE_PRED_NOT_IN] = ICE_PRED_IN,
        [ICE_PRED_IS_NULL] = ICE_PRED_NOT_NULL,
        [ICE_PRED_NOT_NULL] = ICE_PRED_IS_NULL,
        [ICE_PRED_IS_NAN] = ICE_PRED_NOT_NAN,
        [ICE_PRED_NOT_NAN] = ICE_PRED_IS_NAN,
        [ICE_PRED_STARTS_WITH] = ICE_PRED_NOT_STARTS_WITH,
        [ICE_PRED_NOT_STARTS_WITH] = ICE_PRED_STARTS_WITH,
    };
    bool is_order = leaf->kind >= ICE_PRED_LT && leaf->kind <= ICE_PRED_GE;
    const IcePred *negated = leaf_like(arena, (IcePredKind)opposite[leaf->kind], leaf);

    if (is_order && ice_pred_is_float(leaf->type)) /* NaN is not less, hence it is in the negation */
        return ice_pred_or2(arena, negated, leaf_like(arena, ICE_PRED_IS_NAN, leaf));
    return negated;
}

const IcePred *ice_pred_not(Arena *arena, const IcePred *child)
{
    if (child == &constant_null || child->kind == ICE_PRED_OPAQUE)
        return child;
    if (child->kind == ICE_PRED_TRUE)
        return &constant_false;
    if (child->kind == ICE_PRED_FALSE)
        return &constant_true;
    if (child->kind != ICE_PRED_AND && child->kind != ICE_PRED_OR)
        return negate_leaf(arena, child);
    const IcePred **children = arena_array(arena, const IcePred *, child->n_children);
    for (size_t i = 0; i < child->n_children; i++)
        children[i] = ice_pred_not(arena, child->children[i]);
    return combine(arena, child->kind == ICE_PRED_AND ? ICE_PRED_OR : ICE_PRED_AND, children,
                   child->n_children);
}

/* --- leaves --- */

static const IcePred *make_leaf(Arena *arena, IcePredKind kind, const IceField *field,
                                const IceValue *values, size_t n)
{
    IcePred *pred = arena_new_of(arena, IcePred);

    *pred = (IcePred){
        .kind = kind, .field_id = field->id, .type = field->type, .values = values, .n_values = n
    };
    return pred;
}

static bool is_of_type(const IceValue *literal, const IceType *type)
{
    IceValue as_type = { .type = (uint8_t)type->id };
    return ice_type_is_primitive(type) && ice_value_comparable(literal, &as_type);
}

const IcePred *ice_pred_compare(Arena *arena, IcePredKind kind, const IceField *field, IceValue literal)
{
    bool is_prefix = kind == ICE_PRED_STARTS_WITH || kind == ICE_PRED_NOT_STARTS_WITH;

    assert((kind >= ICE_PRED_EQ && kind <= ICE_PRED_GE) || is_prefix);
    if (literal.is_null)
        return &constant_null;
    if (!is_of_type(&literal, field->type) || (is_prefix && field->type->id != ICE_STRING))
        return &constant_opaque;
    if (ice_value_is_nan(&literal)) /* never true; `<>` always, but for NULL */
        return make_leaf(arena, kind == ICE_PRED_NE ? ICE_PRED_NOT_IN : ICE_PRED_IN, field, NULL, 0);
    IceValue *value = arena_new_of(arena, IceValue);
    *value = literal;
    return make_leaf(arena, kind, field, value, 1);
}

const IcePred *ice_pred_unary(Arena *arena, IcePredKind kind, const IceField *field)
{
    bool is_nan = kind == ICE_PRED_IS_NAN || kind == ICE_PRED_NOT_NAN;

    assert(is_nan || kind == ICE_PRED_IS_NULL || kind == ICE_PRED_NOT_NULL);
    if (is_nan && !ice_pred_is_float(field->type)) /* false or true for all that is not NULL */
        return make_leaf(arena, kind == ICE_PRED_IS_NAN ? ICE_PRED_IN : ICE_PRED_NOT_IN, field, NULL, 0);
    return make_leaf(arena, kind, field, NULL, 0);
}

static int compare_values(const void *a, const void *b) { return ice_value_compare(a, b); }

const IcePred *ice_pred_in(Arena *arena, const IceField *field, const IceValue *literals, size_t n,
                           bool negated)
{
    IceValue *values = arena_array(arena, IceValue, n);
    size_t n_values = 0, n_distinct = 0;
    bool has_null = false;

    for (size_t i = 0; i < n; i++) {
        has_null = has_null || literals[i].is_null;
        if (literals[i].is_null || ice_value_is_nan(&literals[i]))
            continue;
        if (!is_of_type(&literals[i], field->type))
            return &constant_opaque;
        values[n_values++] = literals[i];
    }
    qsort(values, n_values, sizeof *values, compare_values);
    for (size_t i = 0; i < n_values; i++)
        if (n_distinct == 0 || ice_value_compare(&values[n_distinct - 1], &values[i]) != 0)
            values[n_distinct++] = values[i];
    const IcePred *in = make_leaf(arena, ICE_PRED_IN, field, values, n_distinct);
    if (has_null)
        in = ice_pred_or2(arena, in, &constant_null);
    return negated ? ice_pred_not(arena, in) : in;
}

/* --- one row --- */

int ice_pred_order(const IceValue *a, const IceValue *b)
{
    if (ice_pred_is_float_id(a->type) && ice_pred_is_float_id(b->type))
        return (a->f64 > b->f64) - (a->f64 < b->f64); /* the two zeros are equal */
    return ice_value_compare(a, b);
}

bool ice_pred_has_value(const IcePred *pred, const IceValue *value)
{
    for (size_t i = 0; i < pred->n_values; i++)
        if (ice_pred_order(&pred->values[i], value) == 0)
            return true;
    return false;
}

static bool compare_selects(const IcePred *pred, const IceValue *value)
{
    int order = ice_value_is_nan(value) ? 0 : ice_pred_order(value, &pred->values[0]);

    if (ice_value_is_nan(value))
        return pred->kind == ICE_PRED_NE;
    switch (pred->kind) {
    case ICE_PRED_EQ:
        return order == 0;
    case ICE_PRED_NE:
        return order != 0;
    case ICE_PRED_LT:
        return order < 0;
    case ICE_PRED_LE:
        return order <= 0;
    case ICE_PRED_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

bool ice_pred_match_row(const IcePred *pred, IceValueOf value_of, void *arg)
{
    if (pred->kind <= ICE_PRED_OPAQUE)
        return pred->kind != ICE_PRED_FALSE;
    if (pred->kind == ICE_PRED_AND || pred->kind == ICE_PRED_OR) {
        bool is_and = pred->kind == ICE_PRED_AND;
        for (size_t i = 0; i < pred->n_children; i++)
            if (ice_pred_match_row(pred->children[i], value_of, arg) != is_and)
                return !is_and;
        return is_and;
    }
    IceValue value = value_of(arg, pred->field_id);
    if (value.is_null)
        return pred->kind == ICE_PRED_IS_NULL;
    switch (pred->kind) {
    case ICE_PRED_IS_NULL:
    case ICE_PRED_NOT_NULL:
        return pred->kind == ICE_PRED_NOT_NULL;
    case ICE_PRED_IS_NAN:
    case ICE_PRED_NOT_NAN:
        return ice_value_is_nan(&value) == (pred->kind == ICE_PRED_IS_NAN);
    case ICE_PRED_IN:
    case ICE_PRED_NOT_IN:
        if (ice_value_is_nan(&value))
            return pred->kind == ICE_PRED_NOT_IN;
        return ice_pred_has_value(pred, &value) == (pred->kind == ICE_PRED_IN);
    case ICE_PRED_STARTS_WITH:
    case ICE_PRED_NOT_STARTS_WITH:
        return str_has_prefix(value.bytes, pred->values[0].bytes) == (pred->kind == ICE_PRED_STARTS_WITH);
    default:
        return compare_selects(pred, &value);
    }
}
