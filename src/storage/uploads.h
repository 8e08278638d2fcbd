/* uploads.h - where the parts of a running multipart upload are put, so that Complete need not copy them.
 *
 * Nearly all clients send parts of one size S and a smaller last one. So the first part opens a base file and
 * part n is written at (n-1)*S of it; when all came that way the base file is the object. What does not fit
 * gets a file of its own and is copied in at Complete: a part sent again (the one before must stay whole
 * until then), or one of unknown length. A longer part than S (the short last one came first) begins a new
 * base file.
 *
 * The registry is a cache of what the index says; entries that nobody uses may be dropped. Thread-safe. */
#pragma once

#include "storage/store.h"

typedef struct Uploads Uploads;
typedef struct Upload Upload;

typedef struct PartPlace {
    uint64_t generation;
    int64_t position;
    bool is_new_file; /* it has to be created */
    bool is_slot;     /* in the base file */
} PartPlace;

Uploads *uploads_new(Store *store);
void uploads_free(Uploads *uploads);

/* Takes part in the upload; released by upload_release(). ERR_NO_SUCH_UPLOAD; ERR_CONDITIONAL_CONFLICT while
 * it is being completed. */
int upload_acquire(Uploads *uploads, Str id, Upload **ret, Error *err);
void upload_release(Uploads *uploads, Upload *upload);
/* Where part `number` of `size` bytes (-1: not known) goes. */
PartPlace upload_place(Uploads *uploads, Upload *upload, uint32_t number, int64_t size);
/* The part was not recorded: its slot is free again. */
void upload_unplace(Uploads *uploads, Upload *upload, uint32_t number, const PartPlace *place);
/* For Complete: from now on nobody else gets the upload. *ret_is_alone: nobody else is writing into its
 * files. ERR_CONDITIONAL_CONFLICT: another Complete runs. */
int upload_begin_end(Uploads *uploads, Str id, Upload **ret, bool *ret_is_alone, Error *err);
/* After it; the base file is not written any more whatever came of it. */
void upload_finish_end(Uploads *uploads, Upload *upload);
