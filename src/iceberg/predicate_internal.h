/* predicate_internal.h - what the predicate*.c files share. */
#pragma once

#include "iceberg/predicate.h"

static inline bool ice_pred_is_float_id(uint8_t type) { return type == ICE_FLOAT || type == ICE_DOUBLE; }

static inline bool ice_pred_is_float(const IceType *type)
{
    return ice_pred_is_float_id((uint8_t)type->id);
}

/* SQL's order of two values that are neither NULL nor NaN: -0 equals +0. */
int ice_pred_order(const IceValue *a, const IceValue *b);
bool ice_pred_has_value(const IcePred *pred, const IceValue *value);
