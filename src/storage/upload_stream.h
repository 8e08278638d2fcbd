/* upload_stream.h - takes a large request body into a file: hashed and written by worker threads, piece by
 * piece, while the loop thread receives the next piece. No thread waits for the client; a client faster than
 * the disk is slowed by TCP.
 *
 * The caller makes the file and says where in it the bytes go; `finish` is called once on a worker, with
 * everything checked and written but not synced, or with the error. It must answer the request. */
#pragma once

#include "storage/payload.h"

typedef struct UploadStream UploadStream;

typedef struct UploadResult {
    Payload *payload; /* checked; its digests are valid */
    int64_t size;
    uint64_t crc64; /* CRC64NVME of the bytes */
} UploadResult;

/* `payload` was begun with its MD5; owned by the stream from now on. max_bytes: ERR_ENTITY_TOO_LARGE above.
 * finish gets result NULL and err on failure. */
void upload_stream_start(S3Request *r, Payload *payload, int fd, int64_t offset, int64_t max_bytes,
                         void (*finish)(S3Request *r, const UploadResult *result, const Error *err));
