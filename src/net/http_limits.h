/* http_limits.h - the limits of the HTTP server and client, each with its reason. Those that other modules
 * share are in base/limits.h. */
#pragma once

#include "base/limits.h"

enum {
    HTTP_IN_BYTES = LIMIT_HTTP_HEADER_BYTES,    /* a request's buffer: its whole head, and small bodies */
    HTTP_TRAILER_BYTES = 8 * 1024,      /* trailer fields are read and dropped */
    HTTP_LOOP_BYTES = 256 * 1024,       /* one read of a large body; one buffer a loop */
    HTTP_SLICE_BYTES = 1 << 20,         /* bytes of one connection before others have their turn */
    HTTP_PIPELINE_ROUNDS = 32,          /* steps of one connection before others have their turn */
    HTTP_COPY_BYTES = 16 * 1024,        /* smaller answers travel in one buffer with their head */
    HTTP_KEEP_BYTES = 32 * 1024,        /* larger buffers are not kept for the next request */
    HTTP_WRITE_HIGH_BYTES = 1 << 20,    /* http_write() waits above this ... */
    HTTP_WRITE_LOW_BYTES = 512 * 1024,  /* ... until below this */
    HTTP_SPARE_REQUESTS = 128,          /* request objects kept for reuse by each loop, 18 KiB each */
    HTTP_DISCARD_BYTES = 256 * 1024,    /* an unread body up to this is read to keep the connection */
    HTTP_LINGER_MS = 2000,              /* quiet time after which a refused client's connection is closed */
    HTTP_LINGER_MAX_MS = 10000,         /* in all */
    HTTP_WHOLE_FIRST_BYTES = 1 << 20,   /* memory taken on the word of Content-Length alone */
    HTTP_ARENA_BYTES = 64 << 20,        /* of each request; only the query role comes near it */
    HTTP_REQUEST_ID_MAX = 64,           /* of a client's X-Request-Id, for logs */
    HTTP_QUEUED_PER_WORKER = 64,        /* offloaded requests that wait, for each worker */
    HTTP_SET_HEADERS_BYTES = 64 * 1024, /* headers that a handler sets: S3 metadata and then some */
    HTTP_ACCEPT_BATCH = 64,             /* connections accepted before others have their turn */
    HTTP_BACKLOG = 1024,
    HTTP_CLIENT_SPARE = 64,             /* idle connections kept by a client */
};
