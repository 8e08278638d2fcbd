/* checksum.h - the digests of the S3 contract, streaming: MD5, SHA-1, SHA-256, CRC32, CRC32C, CRC64NVME.
 *
 * Pure; a Checksum is a value that may be copied to branch off. Digests come out big-endian, as S3 writes
 * them in base64. Source: Amazon S3 user guide, "Checking object integrity"; RFC 1321, FIPS 180-4; CRC
 * parameters from the CRC catalogue (CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME). */
#pragma once

#define OPENSSL_SUPPRESS_DEPRECATED /* the EVP layer costs 1 us a digest: a tenth of a small request */
#include <openssl/md5.h>
#include <openssl/sha.h>

#include "base/buf.h"
#include "base/str.h"

typedef enum ChecksumKind {
    CHECKSUM_NONE,
    CHECKSUM_CRC32,
    CHECKSUM_CRC32C,
    CHECKSUM_CRC64NVME,
    CHECKSUM_SHA1,
    CHECKSUM_SHA256,
    CHECKSUM_MD5,
    CHECKSUM_COUNT_,
} ChecksumKind;

enum { CHECKSUM_MAX_BYTES = 32, MD5_BYTES = 16, SHA256_BYTES = 32 };

typedef struct Checksum {
    ChecksumKind kind;
    union {
        uint32_t crc32;
        uint64_t crc64;
        MD5_CTX md5;
        SHA_CTX sha1;
        SHA256_CTX sha256;
    } state;
} Checksum;

void checksum_init(Checksum *c, ChecksumKind kind);
void checksum_update(Checksum *c, const void *bytes, size_t n);
/* Writes checksum_size(kind) bytes; returns that size. The state is used up. */
size_t checksum_final(Checksum *c, uint8_t out[CHECKSUM_MAX_BYTES]);
size_t checksum_of(ChecksumKind kind, Str bytes, uint8_t out[CHECKSUM_MAX_BYTES]);

size_t checksum_size(ChecksumKind kind);      /* bytes; 0 for CHECKSUM_NONE */
const char *checksum_name(ChecksumKind kind); /* "CRC64NVME"; static */
const char *
checksum_header(ChecksumKind kind); /* "x-amz-checksum-crc64nvme"; static; NULL for NONE and MD5 */
const char *checksum_element(ChecksumKind kind); /* "ChecksumCRC64NVME", the XML element; static */
ChecksumKind checksum_from_name(Str name);       /* any case; CHECKSUM_NONE when unknown (MD5 too) */
bool checksum_is_crc(ChecksumKind kind);

/* The CRC of A||B from that of A, that of B and B's length; CRC kinds only. Big-endian bytes in and out. */
void checksum_combine(ChecksumKind kind, uint8_t a_and_out[CHECKSUM_MAX_BYTES], const uint8_t *b,
                      uint64_t b_length);

/* Incremental forms for internal use: start with 0, feed the result back in. */
uint32_t crc32c_update(uint32_t crc, const void *bytes, size_t n);
uint64_t crc64nvme_update(uint64_t crc, const void *bytes, size_t n);

/* HMAC-SHA256 with the key's two compressions done once. */
typedef struct HmacKey {
    SHA256_CTX inner, outer;
} HmacKey;
void hmac_key_init(HmacKey *key, const void *bytes, size_t n);
void hmac_sign(const HmacKey *key, Str message, uint8_t out[SHA256_BYTES]);
void hmac_sha1(Str key, Str message, uint8_t out[20]);
/* Compares in time that depends on n only. */
bool bytes_equal_constant_time(const void *a, const void *b, size_t n);
