/* blobs.h - objects that are files of their own: one immutable file per generation, and the pins that keep
 * it.
 *
 * DATA/storage/objects/<low byte, 2 hex>/<generation, 16 hex>, mode 0444. A file is written and synced before
 * the index refers to it and is never written again. A file that the index stopped referring to is removed
 * when no pin holds it, by a thread of the store; one that the index never knew (a crash) is found by
 * blobs_sweep().
 *
 * Thread-safe. The pin lock orders "look up, then pin" against "is it pinned? then remove": take it around
 * both. */
#pragma once

#include "base/arena.h"

typedef struct Blobs Blobs;

enum { BLOB_PATH_MAX = 4096, GENERATION_BOOT_SHIFT = 40 };

Blobs *blobs_new(Str store_dir);
void blobs_free(Blobs *b);
int blobs_prepare(Blobs *b, Error *err); /* makes the folders */
/* Generations are boot << 40 | counter: those of earlier starts are recognised by their boot. */
void blobs_set_boot(Blobs *b, uint64_t boot);
uint64_t blobs_new_generation(Blobs *b);

void blob_path(const Blobs *b, uint64_t generation, char out[BLOB_PATH_MAX]);
int blob_create(Blobs *b, uint64_t generation, int *ret_fd, Error *err); /* read and write, empty */
int blob_sync(Blobs *b, uint64_t generation, int fd, Error *err); /* bytes and name are durable, mode 0444 */
int blob_open(const Blobs *b, uint64_t generation, int *ret_fd,
              Error *err); /* read only; ERR_NOT_FOUND: removed */
/* A second name for the same bytes: a copy that costs nothing. Durable. ERR_LIMIT: no more links, copy. */
int blob_link(Blobs *b, uint64_t from_generation, uint64_t to_generation, Error *err);
/* Takes a file from elsewhere on the same file system under a second name. Durable, mode 0444. */
int blob_adopt(Blobs *b, const char *path, uint64_t generation, Error *err);
void blob_discard(Blobs *b, uint64_t generation); /* of a file that the index never knew */

void blobs_lock_pins(Blobs *b);
void blobs_unlock_pins(Blobs *b);
void blobs_pin_locked(Blobs *b, uint64_t generation);
void blobs_unpin(Blobs *b, uint64_t generation);

/* The index no longer refers to the file. */
void blobs_dereference(Blobs *b, uint64_t generation);
/* Removes what may be removed now; returns how many were. Called by the store's own thread, not before the
 * grace period's end. */
size_t blobs_reap(Blobs *b);
/* Dereferences every file of an earlier boot that `is_known` denies. */
int blobs_sweep(Blobs *b, int (*is_known)(void *arg, uint64_t generation, bool *ret, Error *err), void *arg,
                Error *err);
