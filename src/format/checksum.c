/* checksum.c - see checksum.h. CRC32 and CRC32C by ISA-L; CRC64NVME by carry-less multiplication where the
 * CPU has it. */
#include "format/checksum.h"

#include <assert.h>
#include <isa-l/crc.h>
#include <pthread.h>
#include <strings.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef struct ChecksumInfo {
    const char *name, *header, *element;
    size_t size;
} ChecksumInfo;

static const ChecksumInfo checksum_infos[CHECKSUM_COUNT_] = {
    [CHECKSUM_NONE] = {"", NULL, NULL, 0},
    [CHECKSUM_CRC32] = {"CRC32", "x-amz-checksum-crc32", "ChecksumCRC32", 4},
    [CHECKSUM_CRC32C] = {"CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C", 4},
    [CHECKSUM_CRC64NVME] = {"CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", 8},
    [CHECKSUM_SHA1] = {"SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", 20},
    [CHECKSUM_SHA256] = {"SHA256", "x-amz-checksum-sha256", "ChecksumSHA256", 32},
    [CHECKSUM_MD5] = {"MD5", NULL, NULL, 16},
};

/* Reflected polynomials. */
#define POLY_CRC32 0xEDB88320ull
#define POLY_CRC32C 0x82F63B78ull
#define POLY_CRC64NVME 0x9A6C9329AC4BC9B5ull

size_t checksum_size(ChecksumKind kind)
{
    return checksum_infos[kind].size;
}
const char *checksum_name(ChecksumKind kind)
{
    return checksum_infos[kind].name;
}
const char *checksum_header(ChecksumKind kind)
{
    return checksum_infos[kind].header;
}
const char *checksum_element(ChecksumKind kind)
{
    return checksum_infos[kind].element;
}

bool checksum_is_crc(ChecksumKind kind)
{
    return kind == CHECKSUM_CRC32 || kind == CHECKSUM_CRC32C || kind == CHECKSUM_CRC64NVME;
}

ChecksumKind checksum_from_name(Str name)
{
    for (ChecksumKind kind = CHECKSUM_CRC32; kind < CHECKSUM_MD5; kind++) {
        if (str_eq_nocase(name, str_from(checksum_infos[kind].name)))
            return kind;
    }
    return CHECKSUM_NONE;
}

/* ---- CRC64NVME ---- */

static uint64_t crc64_tables[8][256];
static uint64_t crc64_fold_near[2],
    crc64_fold_far[2]; /* x^(D+63), x^(D-1) mod P for D = 128 and D = 512 bits */
static pthread_once_t crc64_once = PTHREAD_ONCE_INIT;

/* x^n mod P, reflected: bit 63 is x^0. */
static uint64_t crc64_power_of_x(unsigned n)
{
    uint64_t v = 1ull << 63;
    for (unsigned i = 0; i < n; i++)
        v = (v >> 1) ^ ((v & 1) ? POLY_CRC64NVME : 0);
    return v;
}

static void crc64_make_tables(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t v = i;
        for (int bit = 0; bit < 8; bit++)
            v = (v >> 1) ^ ((v & 1) ? POLY_CRC64NVME : 0);
        crc64_tables[0][i] = v;
    }
    for (unsigned i = 0; i < 256; i++) {
        for (int t = 1; t < 8; t++) {
            uint64_t v = crc64_tables[t - 1][i];
            crc64_tables[t][i] = (v >> 8) ^ crc64_tables[0][v & 0xff];
        }
    }
    /* A carry-less product of two reflected 64-bit values is one power of x too high, hence the -1. */
    crc64_fold_near[0] = crc64_power_of_x(128 + 64 - 1);
    crc64_fold_near[1] = crc64_power_of_x(128 - 1);
    crc64_fold_far[0] = crc64_power_of_x(512 + 64 - 1);
    crc64_fold_far[1] = crc64_power_of_x(512 - 1);
}

static uint64_t crc64_by_table(uint64_t crc, const uint8_t *p, size_t n)
{
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        crc ^= word;
        crc = crc64_tables[7][crc & 0xff] ^ crc64_tables[6][(crc >> 8) & 0xff] ^
              crc64_tables[5][(crc >> 16) & 0xff] ^ crc64_tables[4][(crc >> 24) & 0xff] ^
              crc64_tables[3][(crc >> 32) & 0xff] ^ crc64_tables[2][(crc >> 40) & 0xff] ^
              crc64_tables[1][(crc >> 48) & 0xff] ^ crc64_tables[0][crc >> 56];
    }
    for (; n; n--)
        crc = (crc >> 8) ^ crc64_tables[0][(crc ^ *p++) & 0xff];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("pclmul,sse4.1"))) static inline __m128i crc64_fold(__m128i x, __m128i k, __m128i next)
{
    return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x, k, 0x00), _mm_clmulepi64_si128(x, k, 0x11)),
                         next);
}

__attribute__((target("pclmul,sse4.1"))) static uint64_t crc64_by_clmul(uint64_t crc, const uint8_t *p,
                                                                        size_t n)
{
    const __m128i near = _mm_set_epi64x((int64_t)crc64_fold_near[1], (int64_t)crc64_fold_near[0]);
    const __m128i far = _mm_set_epi64x((int64_t)crc64_fold_far[1], (int64_t)crc64_fold_far[0]);
    const __m128i *block = (const __m128i *)(const void *)p;
    __m128i x[4];
    for (int i = 0; i < 4; i++)
        x[i] = _mm_loadu_si128(block + i);
    x[0] = _mm_xor_si128(x[0], _mm_set_epi64x(0, (int64_t)crc));
    block += 4;
    n -= 64;
    for (; n >= 64; n -= 64, block += 4) {
        for (int i = 0; i < 4; i++)
            x[i] = crc64_fold(x[i], far, _mm_loadu_si128(block + i));
    }
    __m128i last = x[0];
    for (int i = 1; i < 4; i++)
        last = crc64_fold(last, near, x[i]);
    for (; n >= 16; n -= 16, block++)
        last = crc64_fold(last, near, _mm_loadu_si128(block));
    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)(void *)rest, last);
    return crc64_by_table(crc64_by_table(0, rest, sizeof rest), (const uint8_t *)block, n);
}
#endif

uint64_t crc64nvme_update(uint64_t crc, const void *bytes, size_t n)
{
    pthread_once(&crc64_once, crc64_make_tables);
    crc = ~crc;
#if defined(__x86_64__)
    if (n >= 64 && __builtin_cpu_supports("pclmul"))
        return ~crc64_by_clmul(crc, bytes, n);
#endif
    return ~crc64_by_table(crc, bytes, n);
}

uint32_t crc32c_update(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    crc = ~crc;
    while (n) {
        size_t step = n < (1u << 30) ? n : (1u << 30); /* ISA-L takes an int */
        crc = crc32_iscsi((unsigned char *)(uintptr_t)p, (int)step, crc);
        p += step;
        n -= step;
    }
    return ~crc;
}

/* ---- combining ---- */

/* a * b mod P of `width` bits, reflected. */
static uint64_t crc_multiply(uint64_t a, uint64_t b, uint64_t poly, int width)
{
    uint64_t product = 0;
    for (int bit = width - 1; bit >= 0; bit--) { /* bit width-1 of `a` is x^0 */
        if ((a >> bit) & 1)
            product ^= b;
        b = (b >> 1) ^ ((b & 1) ? poly : 0);
    }
    return product;
}

static uint64_t crc_shift_zeros(uint64_t crc, uint64_t n_bytes, uint64_t poly, int width)
{
    uint64_t power = 1ull << (width - 1 - 8); /* x^8 */
    for (; n_bytes; n_bytes >>= 1) {
        if (n_bytes & 1)
            crc = crc_multiply(crc, power, poly, width);
        power = crc_multiply(power, power, poly, width);
    }
    return crc;
}

static uint64_t read_be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static void write_be(uint8_t *p, size_t n, uint64_t v)
{
    for (size_t i = n; i > 0; i--, v >>= 8)
        p[i - 1] = (uint8_t)v;
}

void checksum_combine(ChecksumKind kind, uint8_t a_and_out[CHECKSUM_MAX_BYTES], const uint8_t *b,
                      uint64_t b_length)
{
    assert(checksum_is_crc(kind));
    size_t size = checksum_size(kind);
    uint64_t poly = kind == CHECKSUM_CRC32    ? POLY_CRC32
                    : kind == CHECKSUM_CRC32C ? POLY_CRC32C
                                              : POLY_CRC64NVME;
    uint64_t shifted = crc_shift_zeros(read_be(a_and_out, size), b_length, poly, (int)size * 8);
    write_be(a_and_out, size, shifted ^ read_be(b, size));
}

/* ---- streaming ---- */

void checksum_init(Checksum *c, ChecksumKind kind)
{
    memset(c, 0, sizeof *c);
    c->kind = kind;
    if (kind == CHECKSUM_MD5)
        MD5_Init(&c->state.md5);
    if (kind == CHECKSUM_SHA1)
        SHA1_Init(&c->state.sha1);
    if (kind == CHECKSUM_SHA256)
        SHA256_Init(&c->state.sha256);
}

static uint32_t crc32_update(uint32_t crc, const uint8_t *p, size_t n)
{
    return crc32_gzip_refl(crc, p, n);
}

void checksum_update(Checksum *c, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    switch (c->kind) {
    case CHECKSUM_CRC32:
        c->state.crc32 = crc32_update(c->state.crc32, bytes, n);
        break;
    case CHECKSUM_CRC32C:
        c->state.crc32 = crc32c_update(c->state.crc32, bytes, n);
        break;
    case CHECKSUM_CRC64NVME:
        c->state.crc64 = crc64nvme_update(c->state.crc64, bytes, n);
        break;
    case CHECKSUM_SHA1:
        SHA1_Update(&c->state.sha1, bytes, n);
        break;
    case CHECKSUM_SHA256:
        SHA256_Update(&c->state.sha256, bytes, n);
        break;
    case CHECKSUM_MD5:
        MD5_Update(&c->state.md5, bytes, n);
        break;
    case CHECKSUM_NONE:
    case CHECKSUM_COUNT_:
        break;
    }
}

size_t checksum_final(Checksum *c, uint8_t out[CHECKSUM_MAX_BYTES])
{
    switch (c->kind) {
    case CHECKSUM_CRC32:
    case CHECKSUM_CRC32C:
        write_be(out, 4, c->state.crc32);
        break;
    case CHECKSUM_CRC64NVME:
        write_be(out, 8, c->state.crc64);
        break;
    case CHECKSUM_SHA1:
        SHA1_Final(out, &c->state.sha1);
        break;
    case CHECKSUM_SHA256:
        SHA256_Final(out, &c->state.sha256);
        break;
    case CHECKSUM_MD5:
        MD5_Final(out, &c->state.md5);
        break;
    case CHECKSUM_NONE:
    case CHECKSUM_COUNT_:
        break;
    }
    return checksum_size(c->kind);
}

size_t checksum_of(ChecksumKind kind, Str bytes, uint8_t out[CHECKSUM_MAX_BYTES])
{
    Checksum c;
    checksum_init(&c, kind);
    checksum_update(&c, bytes.ptr, bytes.len);
    return checksum_final(&c, out);
}

/* ---- HMAC ---- */

void hmac_key_init(HmacKey *key, const void *bytes, size_t n)
{
    uint8_t block[SHA256_CBLOCK] = {0};
    if (n > sizeof block) {
        SHA256(bytes, n, block);
    } else if (n) {
        memcpy(block, bytes, n);
    }
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    SHA256_Init(&key->inner);
    SHA256_Update(&key->inner, block, sizeof block);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    SHA256_Init(&key->outer);
    SHA256_Update(&key->outer, block, sizeof block);
}

void hmac_sign(const HmacKey *key, Str message, uint8_t out[SHA256_BYTES])
{
    SHA256_CTX ctx = key->inner;
    uint8_t digest[SHA256_BYTES];
    if (message.len)
        SHA256_Update(&ctx, message.ptr, message.len);
    SHA256_Final(digest, &ctx);
    ctx = key->outer;
    SHA256_Update(&ctx, digest, sizeof digest);
    SHA256_Final(out, &ctx);
}

void hmac_sha1(Str key, Str message, uint8_t out[20])
{
    uint8_t block[SHA_CBLOCK] = {0};
    if (key.len > sizeof block) {
        SHA1((const uint8_t *)key.ptr, key.len, block);
    } else if (key.len) {
        memcpy(block, key.ptr, key.len);
    }
    SHA_CTX ctx;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    SHA1_Init(&ctx);
    SHA1_Update(&ctx, block, sizeof block);
    if (message.len)
        SHA1_Update(&ctx, message.ptr, message.len);
    SHA1_Final(out, &ctx);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    SHA1_Init(&ctx);
    SHA1_Update(&ctx, block, sizeof block);
    SHA1_Update(&ctx, out, 20);
    SHA1_Final(out, &ctx);
}

bool bytes_equal_constant_time(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < n; i++)
        difference |= x[i] ^ y[i];
    return difference == 0;
}
