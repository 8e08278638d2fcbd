/* s3_multipart.h - what the files of multipart upload share. */
#pragma once

#include "storage/multipart.h"
#include "storage/s3.h"
#include "storage/uploads.h"

/* The upload that the request names, of its bucket and key. ERR_NO_SUCH_UPLOAD. */
int s3_find_upload(S3Request *r, UploadInfo *ret, Error *err);
/* "CRC32 COMPOSITE" apart; CHECKSUM_NONE when empty. */
void upload_checksum_of(Str text, ChecksumKind *ret_kind, bool *ret_is_full);

/* A part's checksum in the index: CRC64NVME of its bytes (8, big-endian), then the digest of the upload's
 * kind, if it has one. */
enum { PART_CRC64_BYTES = 8 };
static inline Str part_digest(const StorePart *part)
{
    return str_slice(part->checksum, PART_CRC64_BYTES, part->checksum.len);
}
