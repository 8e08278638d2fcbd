/* Bytes: digests, encodings, numbers as bytes. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <xxhash.h>

#include "query/engine/functions/function.h"
#include "query/engine/functions/sketch.h"

static void invalid(Call *c, const char *message)
{
    call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s", message);
}

/* ---- digests ---- */

typedef const EVP_MD *(*Digest)(void);
static const Digest digests[] = {EVP_md5, EVP_sha1, EVP_sha256, EVP_sha512};

static void digest(Call *c)
{
    const EVP_MD *md = digests[c->def->arg]();
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        unsigned char out[EVP_MAX_MD_SIZE];
        unsigned n = 0;
        if (EVP_Digest(s.ptr, s.len, out, &n, md, NULL) != 1)
            call_fail(c, ERR_INTERNAL, "OpenSSL gives no digest for %s", c->def->name);
        else
            call_put_str(c, i, str_of((const char *)out, n));
    }
}

static void hmac(Call *c)
{
    const EVP_MD *md = digests[c->def->arg]();
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i), key = arg_str(c, 1, i);
        unsigned char out[EVP_MAX_MD_SIZE];
        unsigned n = 0;
        if (key.len == 0)
            call_fail(c, ERR_INTERNAL, "Empty key");
        else if (!HMAC(md, key.ptr, (int)key.len, (const unsigned char *)s.ptr, s.len, out, &n))
            call_fail(c, ERR_INTERNAL, "OpenSSL gives no HMAC for %s", c->def->name);
        else
            call_put_str(c, i, str_of((const char *)out, n));
    }
}

static void put_be(char *out, uint64_t v, size_t n)
{
    for (size_t i = n; i-- > 0; v >>= 8)
        out[i] = (char)v;
}

static uint64_t get_be(Str s)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.len; i++)
        v = v << 8 | (uint8_t)s.ptr[i];
    return v;
}

static void xxhash64(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        char out[8];
        put_be(out, XXH64(s.ptr, s.len, 0), 8);
        call_put_str(c, i, str_of(out, 8));
    }
}

static uint64_t rotate(uint64_t v, int n)
{
    return v << n | v >> (64 - n);
}
static uint64_t mix(uint64_t k)
{
    k ^= k >> 33;
    k *= 0xff51afd7ed558ccdULL;
    k ^= k >> 33;
    k *= 0xc4ceb9fe1a85ec53ULL;
    return k ^ k >> 33;
}

/* MurmurHash3 x64 128, seed 0 (A. Appleby, public domain algorithm); the two halves little-endian. */
void murmur3_of(Str s, uint64_t out[2])
{
    murmur3_seeded(s, 0, out);
}

void murmur3_seeded(Str s, uint64_t seed, uint64_t out[2])
{
    const uint64_t c1 = 0x87c37b91114253d5ULL, c2 = 0x4cf5ad432745937fULL;
    uint64_t h1 = seed, h2 = seed, k1, k2;
    size_t at = 0;
    for (; at + 16 <= s.len; at += 16) {
        memcpy(&k1, s.ptr + at, 8);
        memcpy(&k2, s.ptr + at + 8, 8);
        h1 ^= rotate(k1 * c1, 31) * c2;
        h1 = (rotate(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= rotate(k2 * c2, 33) * c1;
        h2 = (rotate(h2, 31) + h1) * 5 + 0x38495ab5;
    }
    char tail[16] = {0};
    memcpy(tail, s.ptr + at, s.len - at);
    memcpy(&k1, tail, 8);
    memcpy(&k2, tail + 8, 8);
    h2 ^= rotate(k2 * c2, 33) * c1;
    h1 ^= rotate(k1 * c1, 31) * c2;
    h1 ^= s.len;
    h2 ^= s.len;
    h1 += h2;
    h2 += h1;
    h1 = mix(h1);
    h2 = mix(h2);
    out[0] = h1 + h2;
    out[1] = h2 + out[0];
}

static void murmur3(Call *c)
{
    CALL_ROWS(c, i)
    {
        uint64_t out[2];
        murmur3_of(arg_str(c, 0, i), out);
        call_put_str(c, i, str_of((const char *)out, 16));
    }
}

/* CRC-32 of IEEE 802.3, a nibble at a time: rarely used, no table worth having. */
static void crc32(Call *c)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        uint32_t crc = ~0u;
        for (size_t k = 0; k < s.len; k++) {
            crc ^= (uint8_t)s.ptr[k];
            crc = crc >> 4 ^ table[crc & 15];
            crc = crc >> 4 ^ table[crc & 15];
        }
        OUT(c, int64_t, i) = (int64_t)(uint32_t)~crc;
    }
}

/* ---- encodings ---- */

static void to_hex(Call *c)
{
    static const char digits[] = "0123456789ABCDEF";
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        buf_clear(&c->scratch);
        char *p = buf_reserve(&c->scratch, s.len * 2 + 1);
        for (size_t k = 0; p && k < s.len; k++) {
            p[2 * k] = digits[(uint8_t)s.ptr[k] >> 4];
            p[2 * k + 1] = digits[(uint8_t)s.ptr[k] & 15];
        }
        c->scratch.len = p ? s.len * 2 : 0;
        call_put_scratch(c, i);
    }
}

static int hex_value(char ch)
{
    return ch >= '0' && ch <= '9'                              ? ch - '0'
           : (ch | 32) >= 'a' && (ch | 32) <= 'f' && ch >= 'A' ? (ch | 32) - 'a' + 10
                                                               : -1;
}

static void from_hex(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        buf_clear(&c->scratch);
        if (s.len % 2) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "invalid input length %zu", s.len);
            break;
        }
        for (size_t k = 0; k < s.len && !c->failed; k++) {
            int v = hex_value(s.ptr[k]);
            if (v < 0)
                call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "not a hexadecimal digit: \"%c\" = %d", s.ptr[k],
                          s.ptr[k]);
            else if (k % 2 == 0)
                buf_putc(&c->scratch, (char)(v << 4));
            else
                c->scratch.data[c->scratch.len - 1] |= (char)v;
        }
        call_put_scratch(c, i);
    }
}

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base32_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
typedef struct Encoding {
    const char *alphabet;
    int bits, group;
} Encoding; /* group: characters that padding fills up */
static const Encoding encodings[] = {
    {base64_alphabet, 6, 4}, {base64url_alphabet, 6, 4}, {base32_alphabet, 5, 8}};

static void encode(Call *c)
{
    const Encoding *e = &encodings[c->def->arg];
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        uint32_t bits = 0;
        int n = 0;
        buf_clear(&c->scratch);
        for (size_t k = 0; k < s.len; k++) {
            bits = bits << 8 | (uint8_t)s.ptr[k];
            for (n += 8; n >= e->bits; n -= e->bits)
                buf_putc(&c->scratch, e->alphabet[bits >> (n - e->bits) & ((1u << e->bits) - 1)]);
        }
        if (n > 0)
            buf_putc(&c->scratch, e->alphabet[bits << (e->bits - n) & ((1u << e->bits) - 1)]);
        while (c->scratch.len % (size_t)e->group)
            buf_putc(&c->scratch, '=');
        call_put_scratch(c, i);
    }
}

static void fail_decode(Call *c, char ch)
{
    bool printable = ch > ' ' && ch < 127;
    if (encodings[c->def->arg].bits == 6)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Illegal base64 character %s%x", ch < 0 ? "-" : "",
                  ch < 0 ? -ch : ch);
    else if (printable)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Unrecognized character: %c", ch);
    else
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Unrecognized character: 0x%x", (uint8_t)ch);
}

static void decode(Call *c)
{
    const Encoding *e = &encodings[c->def->arg];
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        uint32_t bits = 0;
        int n = 0;
        buf_clear(&c->scratch);
        while (s.len > 0 && s.ptr[s.len - 1] == '=')
            s.len--;
        if (e->bits == 5 && (s.len % 8 == 1 || s.len % 8 == 3 || s.len % 8 == 6))
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid input length %zu", s.len);
        for (size_t k = 0; k < s.len && !c->failed; k++) {
            const char *at = s.ptr[k] ? strchr(e->alphabet, s.ptr[k]) : NULL;
            if (!at) {
                fail_decode(c, s.ptr[k]);
                break;
            }
            bits = bits << e->bits | (uint32_t)(at - e->alphabet);
            n += e->bits;
            if (n >= 8) {
                n -= 8;
                buf_putc(&c->scratch, (char)(bits >> n));
            }
        }
        if (e->bits == 6 && s.len % 4 == 1 && !c->failed)
            invalid(c, s.len == 1 ? "Input byte[] should at least have 2 bytes for base64 bytes"
                                  : "Last unit does not have enough valid bits");
        call_put_scratch(c, i);
    }
}

/* ---- numbers ---- */

enum { BE_64, BE_32, IEEE_64, IEEE_32 };

static void to_bytes(Call *c)
{
    size_t n = c->def->arg == BE_32 || c->def->arg == IEEE_32 ? 4 : 8;
    CALL_ROWS(c, i)
    {
        uint64_t v = n == 8 ? ARG(c, 0, uint64_t, i) : ARG(c, 0, uint32_t, i);
        char out[8];
        put_be(out, v, n);
        call_put_str(c, i, str_of(out, n));
    }
}

static void from_bytes(Call *c)
{
    bool ieee = c->def->arg >= IEEE_64;
    size_t n = c->def->arg == BE_32 || c->def->arg == IEEE_32 ? 4 : 8;
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        if (s.len != n && ieee)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "Input floating-point value must be exactly %zu bytes long", n);
        else if (s.len != n)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "expected %zu-byte input, but got instead: %zu", n,
                      s.len);
        else if (n == 8)
            OUT(c, uint64_t, i) = get_be(s);
        else
            OUT(c, uint32_t, i) = (uint32_t)get_be(s);
    }
}

const FunctionDef t_binary_functions[] = {
    {"t_md5", "x>x", digest, 0},
    {"t_sha1", "x>x", digest, 1},
    {"t_sha256", "x>x", digest, 2},
    {"t_sha512", "x>x", digest, 3},
    {"t_hmac_md5", "xx>x", hmac, 0},
    {"t_hmac_sha1", "xx>x", hmac, 1},
    {"t_hmac_sha256", "xx>x", hmac, 2},
    {"t_hmac_sha512", "xx>x", hmac, 3},
    {"t_xxhash64", "x>x", xxhash64},
    {"t_murmur3", "x>x", murmur3},
    {"t_crc32", "x>8", crc32},
    {"t_to_hex", "x>s", to_hex},
    {"t_from_hex", "s>x", from_hex},
    {"t_to_base64", "x>s", encode, 0},
    {"t_to_base64url", "x>s", encode, 1},
    {"t_to_base32", "x>s", encode, 2},
    {"t_from_base64", "s>x", decode, 0},
    {"t_from_base64url", "s>x", decode, 1},
    {"t_from_base32", "s>x", decode, 2},
    {"t_to_big_endian_64", "8>x", to_bytes, BE_64},
    {"t_to_big_endian_32", "4>x", to_bytes, BE_32},
    {"t_from_big_endian_64", "x>8", from_bytes, BE_64},
    {"t_from_big_endian_32", "x>4", from_bytes, BE_32},
    {"t_to_ieee754_64", "d>x", to_bytes, IEEE_64},
    {"t_to_ieee754_32", "f>x", to_bytes, IEEE_32},
    {"t_from_ieee754_64", "x>d", from_bytes, IEEE_64},
    {"t_from_ieee754_32", "x>f", from_bytes, IEEE_32},
    {NULL},
};
