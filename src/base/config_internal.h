/* config_internal.h - between config.c and config_value.c. */
#pragma once

#include "base/config.h"

/* Is `value` of the key's kind? Sets *ret_number: INT as it is, SIZE in bytes, DURATION in milliseconds,
 * BOOL 0 or 1. -1 with ERR_CONFIG; the message never holds a SECRET's value. */
int config_value_check(const ConfigKey *key, Str value, int64_t *ret_number, Error *err);

/* Levenshtein distance of at most 80 bytes each; longer ones are far. */
size_t config_edit_distance(Str a, Str b);
