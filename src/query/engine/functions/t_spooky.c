/* t_spooky.c - SpookyHash V2, as its author Bob Jenkins describes it (burtleburtle.net/bob/hash/spooky.html).
 */
#include "query/engine/functions/function.h"

enum {
    VARIABLES = 12,
    BLOCK_BYTES = VARIABLES * 8,
    SHORT_BYTES = 2 * BLOCK_BYTES, /* below, four variables are enough */
};
#define FILLER 0xdeadbeefdeadbeefULL

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t word(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x; /* little-endian, as the whole program is */
}

static void short_mix(uint64_t h[4])
{
    static const uint8_t turns[12] = {50, 52, 30, 41, 54, 48, 38, 37, 62, 34, 5, 36};
    for (int i = 0; i < 12; i++) {
        uint64_t *x = &h[(i + 2) & 3], *next = &h[(i + 3) & 3], *last = &h[i & 3];
        *x = rotate(*x, turns[i]) + *next;
        *last ^= *x;
    }
}

static void short_end(uint64_t h[4])
{
    static const uint8_t turns[11] = {15, 52, 26, 51, 28, 9, 47, 54, 32, 25, 63};
    for (int i = 0; i < 11; i++) {
        uint64_t *x = &h[(i + 3) & 3], *before = &h[(i + 2) & 3];
        *x ^= *before;
        *before = rotate(*before, turns[i]);
        *x += *before;
    }
}

static uint64_t hash_short(const uint8_t *p, size_t length)
{
    uint64_t h[4] = {0, 0, FILLER, FILLER};
    size_t rest = length;
    for (; rest >= 32; rest -= 32, p += 32) {
        h[2] += word(p);
        h[3] += word(p + 8);
        short_mix(h);
        h[0] += word(p + 16);
        h[1] += word(p + 24);
    }
    if (rest >= 16) {
        h[2] += word(p);
        h[3] += word(p + 8);
        short_mix(h);
        rest -= 16;
        p += 16;
    }
    h[3] += (uint64_t)length << 56;
    if (rest == 0) {
        h[2] += FILLER;
        h[3] += FILLER;
    }
    uint8_t last[16] = {0};
    memcpy(last, p, rest);
    h[2] += word(last);
    h[3] += word(last + 8);
    short_end(h);
    return h[0];
}

static void mix(const uint64_t *data, uint64_t s[VARIABLES])
{
    static const uint8_t turns[VARIABLES] = {11, 32, 43, 31, 17, 28, 39, 57, 55, 54, 22, 46};
    for (int i = 0; i < VARIABLES; i++) {
        uint64_t *x = &s[i], *last = &s[(i + 11) % VARIABLES];
        *x += data[i];
        s[(i + 2) % VARIABLES] ^= s[(i + 10) % VARIABLES];
        *last ^= *x;
        *x = rotate(*x, turns[i]);
        *last += s[(i + 1) % VARIABLES];
    }
}

static void end_partial(uint64_t h[VARIABLES])
{
    static const uint8_t turns[VARIABLES] = {44, 15, 34, 21, 38, 33, 10, 13, 38, 53, 42, 54};
    for (int i = 0; i < VARIABLES; i++) {
        uint64_t *a = &h[(i + 11) % VARIABLES], *b = &h[(i + 1) % VARIABLES];
        *a += *b;
        h[(i + 2) % VARIABLES] ^= *a;
        *b = rotate(*b, turns[i]);
    }
}

static uint64_t hash_long(const uint8_t *p, size_t length)
{
    uint64_t h[VARIABLES], data[VARIABLES];
    for (int i = 0; i < VARIABLES; i++)
        h[i] = i % 3 == 2 ? FILLER : 0;
    for (; length >= BLOCK_BYTES; length -= BLOCK_BYTES, p += BLOCK_BYTES) {
        memcpy(data, p, BLOCK_BYTES);
        mix(data, h);
    }
    uint8_t last[BLOCK_BYTES] = {0};
    memcpy(last, p, length);
    last[BLOCK_BYTES - 1] = (uint8_t)length;
    memcpy(data, last, BLOCK_BYTES);
    for (int i = 0; i < VARIABLES; i++)
        h[i] += data[i];
    for (int i = 0; i < 3; i++)
        end_partial(h);
    return h[0];
}

/* arg: the bytes of the result, big-endian. */
static void spooky(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        const uint8_t *p = (const uint8_t *)(s.ptr ? s.ptr : "");
        uint64_t hash = s.len < SHORT_BYTES ? hash_short(p, s.len) : hash_long(p, s.len);
        char bytes[8];
        for (int b = 0; b < c->def->arg; b++)
            bytes[b] = (char)(hash >> 8 * (c->def->arg - 1 - b));
        call_put_str(c, i, str_of(bytes, (size_t)c->def->arg));
    }
}

const FunctionDef t_spooky_functions[] = {
    {"t_spooky_hash_v2_32", "x>x", spooky, 4},
    {"t_spooky_hash_v2_64", "x>x", spooky, 8},
    {NULL, NULL, NULL, 0},
};
