/* tzif.h - time zone rules from a TZif file (RFC 8536), version 2 and later with its footer, or version 1.
 *
 * A TzRules is immutable after tzif_parse(): every function may be called from any thread. Instants are
 * seconds since 1970-01-01 UTC, local times are seconds as if that wall clock were UTC, offsets are seconds
 * east of UTC. */
#pragma once

#include "base/str.h"

typedef struct TzRules TzRules;

/* Limits: 64 KiB of input, 4,096 transitions, 256 local time types; real files have at most some 240
 * transitions. */
int tzif_parse(Str bytes, TzRules **ret, Error *err); /* owned: tzif_free(). ERR_CORRUPT, ERR_LIMIT */
void tzif_free(TzRules *rules);

int32_t tzif_offset_at(const TzRules *rules, int64_t utc_seconds);

typedef struct TzLocal {
    enum { TZ_LOCAL_UNIQUE, TZ_LOCAL_GAP, TZ_LOCAL_OVERLAP } kind;
    int32_t offset_before; /* unique: the offset; else the one before the transition */
    int32_t offset_after;  /* unique: the same */
} TzLocal;

/* Which instants show `local_seconds` on the clock: one, none (the clock jumped over it) or two. */
TzLocal tzif_local(const TzRules *rules, int64_t local_seconds);
