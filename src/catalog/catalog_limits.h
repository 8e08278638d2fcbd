/* catalog_limits.h - the catalog's limits, each with its reason. */
#pragma once

enum {
    CATALOG_BODY_BYTES = 16 << 20,   /* of a request; a commit that expires 500,000 snapshots has 10 MB */
    CATALOG_REPLY_BYTES = 512 << 20, /* LIMIT_METADATA_BYTES and what is around it */
    CATALOG_LIST_BYTES = 64 << 20,   /* a listing without pages: about a million names */
    CATALOG_PAGE_DEFAULT = 1000,
    CATALOG_PAGE_MAX = 10000,
    CATALOG_NAME_BYTES = 255, /* of one table, view or namespace level: what file systems take as a folder */
    CATALOG_NAMESPACE_BYTES = 512, /* of all levels; with a table and a file it fits in an S3 key of 1024 */
    CATALOG_NAMESPACE_LEVELS = 32,
    CATALOG_PROPERTIES_BYTES = 1 << 20, /* of one namespace, as JSON */
    CATALOG_LOCATION_BYTES = 1000,      /* an S3 key has at most 1024 */
    CATALOG_TABLES_PER_COMMIT = 1000,
    CATALOG_CACHE_BYTES = 64 << 20, /* metadata documents: some 10,000 small tables */
    CATALOG_CHAIN_MAX = 16,         /* documents that may build on another's memory before one is read anew */
    CATALOG_ARENA_BYTES = 64 << 20, /* of one request beyond what its documents need */
    CATALOG_COMMIT_ATTEMPTS = 5,    /* the first and 4 more, as the reference does */
    CATALOG_LOCK_STRIPES = 512,     /* tables share one of these locks by their name's hash */
    CATALOG_READERS_MAX = 16,       /* read connections; each has its own page cache of up to 2 MB */
    CATALOG_LOOP_BYTES = 128 << 10, /* a reply that the loop thread may copy itself */
    CATALOG_WORKERS = 24,           /* they wait for the disk most of the time */
    CATALOG_GROUP_MAX = 256,        /* writes in one transaction */
    CATALOG_IDEMPOTENCY_LIFETIME_MS = 30 * 60 * 1000,
    CATALOG_IDEMPOTENCY_GRACE_MS = 30 * 60 * 1000,
    CATALOG_RESERVATIONS_MAX = 10000, /* locations of staged tables, in memory */
    CATALOG_RESERVATION_MS = 24 * 60 * 60 * 1000,
};
#define CATALOG_IDEMPOTENCY_LIFETIME "PT30M"
