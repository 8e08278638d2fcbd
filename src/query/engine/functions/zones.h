/* zones.h - time zones by number, as they are held in STRUCT(t TIMESTAMP, zone SMALLINT).
 *
 *     0                        UTC and all its other names
 *     10000 + minutes          a fixed offset, 9160 (-14:00) to 10840 (+14:00), without 10000
 *     1 … ZONE_NAMED_MAX       a name of the system's tzdata; stable in one process only, so never stored
 *
 * Names come from the list in tzdata (tzdata.zi), rules are read when a zone is first used and kept for good.
 * Thread-safe. */
#pragma once

#include "base/str.h"
#include "format/tzif.h"

enum {
    ZONE_UTC = 0,
    ZONE_OFFSET_BASE = 10000,
    ZONE_OFFSET_MAX = 840,
    ZONE_NAMED_MAX = 9000,
    ZONE_NAME_MAX = 64
};

static inline bool zone_is_offset(int16_t zone)
{
    return zone >= ZONE_OFFSET_BASE - ZONE_OFFSET_MAX;
}
int16_t zone_of_offset(int32_t minutes); /* within ±ZONE_OFFSET_MAX */

/* A name (any case), "UTC+5", "GMT-03:30", "+05:30", "-8". false: there is no such zone. */
bool zone_find(Str name, int16_t *ret_zone);
/* "America/New_York", "UTC", "+05:30": written at out (ZONE_NAME_MAX bytes), returns the end. */
char *zone_put_name(char *out, int16_t zone);

int32_t zone_offset_at(int16_t zone, int64_t utc_seconds); /* seconds east */
/* The offset of a wall clock. A time that was skipped or came twice takes the offset before the change, as
 * java.time does. */
int32_t zone_offset_of_local(int16_t zone, int64_t local_seconds);
/* Does that wall clock exist? Not where the clocks were set forward. */
bool zone_has_local(int16_t zone, int64_t local_seconds);
