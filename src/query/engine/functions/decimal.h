/* decimal.h - decimal arithmetic that several files share. Magnitudes only: signs are the caller's.
 */
#pragma once

#include "query/engine/encode_number.h"

uint128 decimal_pow10(int n); /* 0 <= n <= 38 */
/* v * 10^by, or v / 10^-by rounded half up. false: over 128 bits. */
bool decimal_rescale(uint128 v, int by, uint128 *ret);
double decimal_to_double(int128 value, int scale); /* correctly rounded */
