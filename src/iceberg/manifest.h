/* manifest.h - manifests and manifest lists, read and written.
 *
 * A manifest list is read whole (it is small). A manifest can be walked entry by entry in bounded memory, or
 * decoded into an immutable IceManifest that threads may share. Reading accepts v1, v2 and v3 files of any
 * writer: fields are resolved by field id, by name where a writer left ids out; codecs null, deflate,
 * snappy, zstandard. Writing makes v2 and v3 with the required-ness of the Java writer, codec deflate.
 *
 * Inheritance: a NULL snapshot id, sequence number or first row id of an entry comes from the manifest list.
 * The walk (manifest_read) hands out inherited values; a decoded manifest keeps -1 and manifest_inherit() is
 * applied when it is used, because one manifest may be listed by tables of different versions.
 *
 * Errors: ERR_CORRUPT names the file and the place.
 * Source: Iceberg table spec, "Manifests", "Manifest Lists". */
#pragma once

#include "iceberg/data_file.h"
#include "iceberg/transform.h"

typedef enum IceStatus { ICE_EXISTING, ICE_ADDED, ICE_DELETED } IceStatus;
typedef enum IceManifestContent { ICE_MANIFEST_DATA, ICE_MANIFEST_DELETES } IceManifestContent;

typedef struct IceFieldSummary {
    bool contains_null;
    int8_t contains_nan; /* 0, 1, -1: unknown */
    Str lower, upper;    /* single-value form; ptr NULL: none */
} IceFieldSummary;

/* One line of a manifest list. Counts are -1 where a v1 writer left them out. */
typedef struct IceManifestFile {
    Str path;
    int64_t length_bytes;
    int32_t spec_id;
    IceManifestContent content;
    int64_t sequence_number, min_sequence_number; /* -1 in what was just written: the new snapshot's */
    int64_t added_snapshot_id;
    int32_t added_files, existing_files, deleted_files;
    int64_t added_rows, existing_rows, deleted_rows;
    const IceFieldSummary *partitions; /* n is 0 or that of the spec's fields */
    size_t n_partitions;
    Str key_metadata;     /* ptr NULL: none */
    int64_t first_row_id; /* v3; -1: none */
} IceManifestFile;

typedef struct IceManifestEntry {
    IceStatus status;
    int64_t snapshot_id;                           /* -1: NULL in the file */
    int64_t sequence_number, file_sequence_number; /* -1: NULL in the file */
    IceDataFile file;
} IceManifestEntry;

typedef struct IceManifestList {
    const IceManifestFile *manifests;
    size_t n;
} IceManifestList;

typedef struct IceManifest {
    const IceManifestEntry *entries; /* in the order of the file, DELETED ones too; values not inherited */
    size_t n;
} IceManifest;

/* `path` is for messages. Nothing in the result borrows from `bytes`. */
int manifest_list_read(Str bytes, Str path, Arena *arena, IceManifestList *ret, Error *err);

typedef struct IceManifestListHeader {
    int32_t format_version;
    int64_t snapshot_id, parent_id; /* parent -1: none */
    int64_t sequence_number;
    int64_t first_row_id; /* v3: what the first data manifest gets */
} IceManifestListHeader;
/* Writes the list. Sequence numbers of -1 become the header's. v3: data manifests without a first row id get
 * one; *ret_next_row_id (may be NULL) is what follows the last. */
int manifest_list_write(const IceManifestListHeader *header, const IceManifestFile *manifests, size_t n,
                        Buf *out, int64_t *ret_next_row_id, Error *err);

/* Walks a manifest. The entry and all it points to are gone when `fn` returns; -1 from `fn` stops the walk
 * with its error. `types` (may be NULL): the partition types of the listed spec, else those of the Avro
 * schema are taken. */
typedef int (*ManifestEntryFn)(void *arg, const IceManifestEntry *entry, Error *err);
int manifest_read(Str bytes, const IceManifestFile *listed, const IcePartitionType *types,
                  ManifestEntryFn fn, void *arg, Error *err);

/* Decodes a whole manifest into an arena. Nothing in the result borrows from `bytes`. */
int manifest_decode(Str bytes, const IceManifestFile *listed, const IcePartitionType *types, Arena *arena,
                    IceManifest *ret, Error *err);

/* Values that an entry inherits from its line in the manifest list. *next_row_id starts at
 * listed->first_row_id and runs through the entries of the manifest in order. */
void manifest_inherit(const IceManifestFile *listed, IceManifestEntry *entry, int64_t *next_row_id);

/* Writes one manifest: one spec, one content kind. */
typedef struct ManifestWriter ManifestWriter;
typedef struct IceManifestHeader {
    int32_t format_version;
    const IceSchema *schema; /* of the snapshot */
    const IcePartitionType *types;
    IceManifestContent content;
    int64_t snapshot_id; /* the snapshot that this manifest is added by */
} IceManifestHeader;

/* The writer lives in the arena; `max_bytes` bounds the file. */
ManifestWriter *manifest_writer_new(const IceManifestHeader *header, size_t max_bytes, Arena *arena);
/* What the entry points to must stay until finish. ADDED entries are written with NULL sequence numbers
 * unless they are given (>= 0), so that the manifest survives a retry; EXISTING and DELETED ones must have
 * all three. ERR_LIMIT when the file gets larger than max_bytes. */
int manifest_writer_add(ManifestWriter *w, const IceManifestEntry *entry, Error *err);
size_t manifest_writer_size(const ManifestWriter *w); /* bytes so far, about */
/* Ends the file: its bytes (owned by the writer until the arena is freed) and its line for the manifest
 * list, for which the caller says the path. */
int manifest_writer_finish(ManifestWriter *w, Str path, Str *ret_bytes, IceManifestFile *ret, Error *err);

/* --- decoded manifests, shared --- */

/* Least-recently-used cache of decoded manifests by path. Thread-safe. A reference keeps a manifest alive
 * after it was evicted. */
typedef struct ManifestCache ManifestCache;
typedef struct ManifestRef ManifestRef;
ManifestCache *manifest_cache_new(size_t max_bytes);
void manifest_cache_free(ManifestCache *cache); /* references that are left stay valid; NULL is fine */
ManifestRef *manifest_cache_get(ManifestCache *cache, Str path); /* a reference, or NULL */
/* Takes over `arena`, which holds the manifest. Returns a reference to it, or to what another thread put
 * there before. `cache` may be NULL: only a reference is made. */
ManifestRef *manifest_cache_put(ManifestCache *cache, Str path, Arena *arena, const IceManifest *manifest);
const IceManifest *manifest_ref_get(const ManifestRef *ref);
void manifest_ref_release(ManifestRef *ref); /* NULL is fine */
typedef struct ManifestCacheStats {
    uint64_t hits, misses, evictions;
    size_t bytes, entries;
} ManifestCacheStats;
ManifestCacheStats manifest_cache_stats(ManifestCache *cache);

/* Where manifests and manifest lists come from. */
typedef struct ManifestSource {
    /* Gives the bytes of a file, which must stay valid while `arena` does. length is -1 when not known. */
    int (*read)(void *arg, Str path, int64_t length_bytes, Arena *arena, Str *ret_bytes, Error *err);
    void *arg;
    ManifestCache *cache;      /* NULL: none */
    size_t max_manifest_bytes; /* memory for one decoded manifest; 0: the default of 1 GiB */
} ManifestSource;

/* A decoded manifest, from the cache or read; the reference is released when `arena` is freed. */
int manifest_load(ManifestSource *source, const IceManifestFile *listed, const TableMetadata *table,
                  Arena *arena, const IceManifest **ret, Error *err);
int manifest_list_load(ManifestSource *source, const IceSnapshot *snapshot, Arena *arena,
                       IceManifestList *ret, Error *err);
