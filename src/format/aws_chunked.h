/* aws_chunked.h - takes the aws-chunked coding off a request body, piece by piece, and checks chunk and
 * trailer signatures.
 *
 * Feed what arrives; decoded bytes go to the sink as they come, before the signature of their chunk is known,
 * so nothing may be made visible before aws_chunked_end() said 0. Bounded memory: one line of at most
 * AWS_CHUNKED_LINE_MAX bytes is kept. Errors: ERR_INCOMPLETE_BODY, ERR_SIGNATURE_MISMATCH, ERR_BAD_REQUEST,
 * and what the sink says. Source: Amazon S3 API reference, "Signature Calculations for the Authorization
 * Header: Transferring Payload in Multiple Chunks (Chunked Upload)" and "... Including Trailing Headers". */
#pragma once

#include "format/sigv4.h"

enum {
    AWS_CHUNKED_LINE_MAX = 4096,
    AWS_CHUNKED_TRAILERS_MAX = 8,
    AWS_CHUNKED_CHUNK_MAX = 1 << 30, /* SDKs send 64 KiB to 1 MiB */
};

typedef int (*AwsChunkedSink)(void *arg, const void *bytes, size_t n, Error *err);

typedef struct AwsChunked {
    const SigAuth *auth; /* borrowed */
    const HmacKey *key;  /* borrowed; unused for unsigned chunks */
    bool is_signed, has_trailer;
    enum {
        AWS_CHUNKED_HEADER,
        AWS_CHUNKED_DATA,
        AWS_CHUNKED_DATA_END,
        AWS_CHUNKED_TRAILER,
        AWS_CHUNKED_DONE
    } state;
    uint64_t chunk_left;
    bool is_last_chunk;
    char previous[SIGV4_SIGNATURE_CHARS];
    char claimed[SIGV4_SIGNATURE_CHARS];
    Checksum chunk_hash;
    Buf line, trailers; /* trailers: "name:value\n" each, canonical */
    bool trailer_is_verified;
    uint64_t decoded_length;
} AwsChunked;

/* For the payloads SIG_PAYLOAD_CHUNKS, _CHUNKS_TRAILER and _UNSIGNED_TRAILER. */
void aws_chunked_init(AwsChunked *c, const SigAuth *auth, const HmacKey *key);
void aws_chunked_free(AwsChunked *c);
int aws_chunked_feed(AwsChunked *c, Str bytes, AwsChunkedSink sink, void *arg, Error *err);
/* After the last byte: 0 when the body was whole and every signature right. */
int aws_chunked_end(AwsChunked *c, Error *err);
/* The value of a trailer by its lower-case name; borrowed from c; ptr NULL when absent. After
 * aws_chunked_end(). */
Str aws_chunked_trailer(const AwsChunked *c, const char *name);
