/* rng.h - randomness, injected: getrandom(2), or a seeded sequence in tests. Thread-safe. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void rng_bytes(void *out, size_t n);
uint64_t rng_u64(void);
int64_t rng_positive_i64(void);          /* 1 .. 2^63-1: snapshot ids */
void rng_seed_for_test(uint64_t seed);
enum { UUID_TEXT_LEN = 36 };
void uuid4_text(char out[UUID_TEXT_LEN + 1]);
void uuid7_text(char out[UUID_TEXT_LEN + 1]);
