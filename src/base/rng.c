/* rng.c - see rng.h. */
#include "base/rng.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

static pthread_mutex_t test_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool test_seeded;        /* atomic */
static uint64_t test_state;     /* under test_mutex */

/* splitmix64: every seed gives a full sequence, and there is nothing to get wrong. */
static uint64_t test_next(void)
{
    uint64_t z = test_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void test_bytes(unsigned char *out, size_t n)
{
    pthread_mutex_lock(&test_mutex);
    while (n > 0) {
        uint64_t word = test_next();
        size_t part = n < sizeof word ? n : sizeof word;
        memcpy(out, &word, part);
        out += part;
        n -= part;
    }
    pthread_mutex_unlock(&test_mutex);
}

void rng_bytes(void *out, size_t n)
{
    unsigned char *to = out;
    if (__atomic_load_n(&test_seeded, __ATOMIC_ACQUIRE)) {
        test_bytes(to, n);
        return;
    }
    while (n > 0) {
        ssize_t got = getrandom(to, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {     /* keys and ids come from here: without randomness nothing may go on */
            fprintf(stderr, "lakehouse: getrandom failed: %s\n", strerrordesc_np(errno));
            abort();
        }
        to += got;
        n -= (size_t)got;
    }
}

uint64_t rng_u64(void)
{
    uint64_t value;
    rng_bytes(&value, sizeof value);
    return value;
}

int64_t rng_positive_i64(void)
{
    for (;;) {
        int64_t value = (int64_t)(rng_u64() >> 1);
        if (value > 0)
            return value;
    }
}

void rng_seed_for_test(uint64_t seed)
{
    pthread_mutex_lock(&test_mutex);
    test_state = seed;
    pthread_mutex_unlock(&test_mutex);
    __atomic_store_n(&test_seeded, true, __ATOMIC_RELEASE);
}

static void uuid_text(uint8_t bytes[16], int version, char out[UUID_TEXT_LEN + 1])
{
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
    char hex[32];
    hex_encode(bytes, 16, hex);
    snprintf(out, UUID_TEXT_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

void uuid4_text(char out[UUID_TEXT_LEN + 1])
{
    uint8_t bytes[16];
    rng_bytes(bytes, sizeof bytes);
    uuid_text(bytes, 4, out);
}

/* RFC 9562, section 5.7, with the 12 bits after the version as a fraction of a millisecond (section 6.2,
 * method 3), so that names made in one process sort by time. */
void uuid7_text(char out[UUID_TEXT_LEN + 1])
{
    uint8_t bytes[16];
    rng_bytes(bytes, sizeof bytes);
    int64_t us = clock_now_us();
    uint64_t ms = (uint64_t)(us / 1000);
    for (int i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    unsigned fraction = (unsigned)(us % 1000) * 4096 / 1000;
    bytes[6] = (uint8_t)(fraction >> 8);
    bytes[7] = (uint8_t)fraction;
    uuid_text(bytes, 7, out);
}
