/* checksum_test.c - digests against the published check values, CRC combination and streaming in odd pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/checksum.h"

static void expect_digest(ChecksumKind kind, const char *text, const char *hex)
{
    uint8_t out[CHECKSUM_MAX_BYTES];
    char got[2 * CHECKSUM_MAX_BYTES + 1] = {0};
    size_t n = checksum_of(kind, str_from(text), out);
    assert_int_equal(n, checksum_size(kind));
    hex_encode(out, n, got);
    assert_string_equal(got, hex);
}

/* "123456789": the check column of the CRC catalogue. */
static void test_check_values(void **state)
{
    expect_digest(CHECKSUM_CRC32, "123456789", "cbf43926");
    expect_digest(CHECKSUM_CRC32C, "123456789", "e3069283");
    expect_digest(CHECKSUM_CRC64NVME, "123456789", "ae8b14860a799888");
    expect_digest(CHECKSUM_MD5, "", "d41d8cd98f00b204e9800998ecf8427e");
    expect_digest(CHECKSUM_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect_digest(CHECKSUM_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static uint64_t crc64_bit_by_bit(const uint8_t *p, size_t n)
{
    uint64_t crc = ~0ull;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) ? 0x9A6C9329AC4BC9B5ull : 0);
    }
    return ~crc;
}

/* The folding form must agree with the definition at every length and start. */
static void test_crc64_lengths(void **state)
{
    uint8_t bytes[700];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 131 + 7);
    for (size_t n = 0; n < sizeof bytes - 3; n++) {
        assert_true(crc64nvme_update(0, bytes + n % 3, n) == crc64_bit_by_bit(bytes + n % 3, n));
    }
    for (size_t cut = 0; cut < 600; cut += 37) {
        uint64_t crc = crc64nvme_update(crc64nvme_update(0, bytes, cut), bytes + cut, 600 - cut);
        assert_true(crc == crc64_bit_by_bit(bytes, 600));
    }
}

static void test_combine(void **state)
{
    static const ChecksumKind kinds[] = {CHECKSUM_CRC32, CHECKSUM_CRC32C, CHECKSUM_CRC64NVME};
    static char bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 17 + i / 256);
    for (size_t k = 0; k < 3; k++) {
        for (size_t cut = 0; cut <= sizeof bytes; cut += 333) {
            uint8_t a[CHECKSUM_MAX_BYTES], b[CHECKSUM_MAX_BYTES], whole[CHECKSUM_MAX_BYTES];
            checksum_of(kinds[k], str_of(bytes, cut), a);
            checksum_of(kinds[k], str_of(bytes + cut, sizeof bytes - cut), b);
            checksum_of(kinds[k], str_of(bytes, sizeof bytes), whole);
            checksum_combine(kinds[k], a, b, sizeof bytes - cut);
            assert_memory_equal(a, whole, checksum_size(kinds[k]));
        }
    }
}

static void test_names(void **state)
{
    assert_int_equal(checksum_from_name(STR("crc64nvme")), CHECKSUM_CRC64NVME);
    assert_int_equal(checksum_from_name(STR("SHA256")), CHECKSUM_SHA256);
    assert_int_equal(checksum_from_name(STR("MD5")), CHECKSUM_NONE);
    assert_int_equal(checksum_from_name(STR("")), CHECKSUM_NONE);
}

/* RFC 4231, test case 2 and 6 (a key longer than a block); RFC 2202 case 2. */
static void test_hmac(void **state)
{
    HmacKey key;
    uint8_t out[SHA256_BYTES], want[SHA256_BYTES];
    hmac_key_init(&key, "Jefe", 4);
    hmac_sign(&key, STR("what do ya want for nothing?"), out);
    hex_decode(STR("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"), want, 32, NULL);
    assert_memory_equal(out, want, 32);
    uint8_t long_key[131];
    memset(long_key, 0xaa, sizeof long_key);
    hmac_key_init(&key, long_key, sizeof long_key);
    hmac_sign(&key, STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    hex_decode(STR("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"), want, 32, NULL);
    assert_memory_equal(out, want, 32);
    hmac_sha1(STR("Jefe"), STR("what do ya want for nothing?"), out);
    hex_decode(STR("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"), want, 20, NULL);
    assert_memory_equal(out, want, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_values), cmocka_unit_test(test_crc64_lengths),
        cmocka_unit_test(test_combine),      cmocka_unit_test(test_names),
        cmocka_unit_test(test_hmac),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
