/* payload.h - a request's body under its claims: aws-chunked coding, SHA-256 of the signature, Content-MD5,
 * x-amz-checksum-…, length.
 *
 * payload_begin() reads the headers, payload_feed() takes the body piece by piece and gives the decoded bytes
 * to a sink, payload_end() tells whether everything that was claimed holds. One thread at a time. */
#pragma once

#include "format/aws_chunked.h"
#include "storage/s3.h"

typedef struct Payload {
    bool is_chunked;
    AwsChunked chunked;
    bool has_sha256, has_md5, has_content_md5;
    Checksum sha256, md5, sum;
    ChecksumKind kind; /* of `sum`; CHECKSUM_NONE: no checksum is claimed */
    bool is_in_trailer, is_only_computed;
    uint8_t expected_sum[CHECKSUM_MAX_BYTES], expected_md5[MD5_BYTES], expected_sha256[SHA256_BYTES];
    int64_t expected_length; /* -1: not known */
    int64_t received;
    /* after payload_end(): */
    uint8_t md5_digest[CHECKSUM_MAX_BYTES], sum_digest[CHECKSUM_MAX_BYTES];
} Payload;

/* with_md5: compute the MD5 even when nobody claims one (the ETag). */
int payload_begin(Payload *p, S3Request *r, bool with_md5, Error *err);
void payload_free(Payload *p);
int payload_feed(Payload *p, Str bytes, AwsChunkedSink sink, void *arg, Error *err);
int payload_end(Payload *p, Error *err);
/* Computes a checksum that nobody claims. Before the first payload_feed(). */
void payload_compute(Payload *p, ChecksumKind kind);
/* The whole of a small body, checked; *ret is borrowed from `raw` or in the request's arena. */
int payload_read_whole(S3Request *r, Str raw, Str *ret, Error *err);
/* As metadata of the object; nothing when none was claimed. */
void payload_put_checksum(const Payload *p, Buf *meta);
