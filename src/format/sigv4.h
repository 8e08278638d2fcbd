/* sigv4.h - AWS request signatures: Signature Version 4 by header, by query and by chunk; Version 2 by query.
 *
 * Pure functions on what was sent; the caller finds the secret and the time. To verify: sigv4_parse(), look
 * the access key up, sigv4_signing_key() (may be cached for a day per key), sigv4_verify(). Strings are
 * borrowed from the request or in the arena.
 *
 * Errors: ERR_AUTH_MALFORMED, ERR_AUTH_QUERY_MALFORMED, ERR_TIME_TOO_SKEWED, ERR_SIGNATURE_MISMATCH,
 * ERR_FORBIDDEN (expired). Source: Amazon S3 API reference, "Authenticating Requests (AWS Signature Version
 * 4)" and "Signing and Authenticating REST Requests" (Version 2, which boto3 still uses for presigned URLs in
 * us-east-1). */
#pragma once

#include "base/arena.h"
#include "format/checksum.h"

enum {
    SIGV4_MAX_SKEW_S = 15 * 60,
    SIGV4_MAX_EXPIRES_S = 7 * 24 * 3600,
    SIGV4_MAX_SIGNED_HEADERS = 64,
    SIGV4_SIGNATURE_CHARS = 64,
};

typedef struct SigHeader {
    Str name, value;
} SigHeader;

typedef struct SigRequest {
    Str method;
    Str path;                 /* as sent, before '?' */
    Str query;                /* as sent, after '?'; may be empty */
    const SigHeader *headers; /* as sent, names in any case */
    size_t n_headers;
} SigRequest;

typedef enum SigKind { SIG_NONE, SIG_V4_HEADER, SIG_V4_QUERY, SIG_V2_QUERY } SigKind;

/* What x-amz-content-sha256 says about the body. */
typedef enum SigPayload {
    SIG_PAYLOAD_UNSIGNED,         /* UNSIGNED-PAYLOAD, or a presigned request without the header */
    SIG_PAYLOAD_SHA256,           /* the hash of the whole body */
    SIG_PAYLOAD_CHUNKS,           /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD */
    SIG_PAYLOAD_CHUNKS_TRAILER,   /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER */
    SIG_PAYLOAD_UNSIGNED_TRAILER, /* STREAMING-UNSIGNED-PAYLOAD-TRAILER */
} SigPayload;

typedef struct SigAuth {
    SigKind kind;
    SigPayload payload;
    uint8_t payload_sha256[SHA256_BYTES]; /* SIG_PAYLOAD_SHA256 only */
    Str access_key;
    Str date, region, service; /* of the credential scope; date is YYYYMMDD */
    Str amz_date;              /* YYYYMMDDTHHMMSSZ */
    Str signed_headers;        /* "host;x-amz-date" */
    Str signature;             /* hex (V4) or base64 (V2) */
    Str payload_text;          /* goes into the canonical request */
    int64_t time_us;
    int64_t expires_s;  /* V4 query: lifetime; V2 query: the moment, seconds since 1970 */
    Str security_token; /* ptr NULL when none */
} SigAuth;

/* Reads what the request says; an unsigned request gives SIG_NONE. */
int sigv4_parse(const SigRequest *request, Arena *arena, SigAuth *ret, Error *err);

void sigv4_signing_key(Str secret, Str date, Str region, Str service, HmacKey *ret_key);
/* Checks time and signature; `key` is made for the scope of `auth`. V4 only. */
int sigv4_verify(const SigRequest *request, const SigAuth *auth, const HmacKey *key, int64_t now_us,
                 Arena *arena, Error *err);
/* V2 query form; `resource_path` is the raw path, with "/bucket" before it for virtual-host requests. */
int sigv2_verify(const SigRequest *request, const SigAuth *auth, Str secret, Str resource_path,
                 int64_t now_us, Arena *arena, Error *err);

/* Signs: the value of the Authorization header (arena). The headers must hold Host, X-Amz-Date and
 * X-Amz-Content-Sha256; all given headers are signed. */
int sigv4_sign(const SigRequest *request, Str access_key, Str secret, Str region, int64_t now_us,
               Arena *arena, Str *ret_authorization, Error *err);
/* Presigns: the query (arena) to send, with the signature at its end. Signs Host only. */
int sigv4_presign(Str method, Str host, Str path, Str query, Str access_key, Str secret, Str region,
                  int64_t now_us, int64_t expires_s, Arena *arena, Str *ret_query, Error *err);

/* Signature of one chunk or of the trailers, 64 hex digits into `out`. `previous` is the signature before it.
 */
void sigv4_sign_chunk(const HmacKey *key, const SigAuth *auth, const char *previous,
                      const uint8_t chunk_sha256[SHA256_BYTES], char out[SIGV4_SIGNATURE_CHARS]);
void sigv4_sign_trailer(const HmacKey *key, const SigAuth *auth, const char *previous,
                        const uint8_t trailer_sha256[SHA256_BYTES], char out[SIGV4_SIGNATURE_CHARS]);
