/* storage_limits.h - the limits of the storage role, each with its reason. S3's own are from the user guide,
 * "Amazon S3 quotas". */
#pragma once

enum {
    S3_KEY_BYTES = 1024,           /* S3 */
    S3_USER_METADATA_BYTES = 2048, /* S3: names and values together */
    S3_TAGS = 10,                  /* S3: per object; 50 per bucket */
    S3_BUCKET_TAGS = 50,
    S3_TAG_KEY_CHARS = 128,      /* S3 */
    S3_TAG_VALUE_CHARS = 256,    /* S3 */
    S3_BUCKETS_PAGE = 10000,     /* S3: max-buckets */
    S3_PAGE = 1000,              /* S3: keys of a list page, of DeleteObjects, parts of a ListParts page */
    S3_PARTS = 10000,            /* S3 */
    S3_MIN_PART_BYTES = 5 << 20, /* S3: all but the last part */
    S3_XML_BYTES = 4 << 20,      /* 10,000 parts with checksums are 2.5 MB */

    STORE_GROUP_REQUESTS = 256,    /* a group larger than this gains nothing and delays its first */
    STORE_GROUP_BYTES = 8 << 20,   /* memory of one group's segment buffer */
    STORE_QUEUE_BYTES = 64 << 20,  /* bodies waiting for the writer; more are refused with SlowDown */
    STORE_CACHE_BYTES = 16 << 20,  /* lookups kept in memory */
    STORE_READERS = 32,            /* index connections; each takes up to 2 MiB */
    STORE_OPEN_SEGMENTS = 64,      /* descriptors of segments kept open for reading */
    STORE_RESERVE_BYTES = 4 << 20, /* what a group of deletes may need on a full disk, and then some */
    STORE_GRACE_MS = 30000,   /* after a start nothing unreferenced is removed: clients assert their pins */
    STORE_COMPACT_BATCH = 64, /* records moved by one write */

    UPLOAD_PIECE_BYTES = 256 << 10,  /* of a body handed to a worker at once */
    UPLOAD_BUFFER_BYTES = 512 << 10, /* of one body waiting in memory before TCP pushes back */
    UPLOAD_TOTAL_BYTES = 512 << 20,  /* of all bodies in memory */

    SESSIONS = 1024, /* a session is one connection of a role of ours */
    SESSION_STAGES = 4096,
};

#define S3_OBJECT_BYTES (5ll << 40) /* S3: 5 TiB; also for a single PUT, as MinIO takes it */
