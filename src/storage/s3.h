/* s3.h - what the files of the S3 API share: the role, one request, its route, its answers.
 *
 * A request lives in its HttpRequest's arena. It is parsed, routed and authenticated on the loop thread
 * (s3_route.c); then its handler runs there, or, when the route says so, after the whole (small) body was
 * read, or on the worker pool. Each handler gives exactly one answer. Source: Amazon S3 API reference. */
#pragma once

#include "base/thread.h"
#include "format/sigv4.h"
#include "format/xml.h"
#include "net/http_server.h"
#include "net/service.h"
#include "storage/storage_limits.h"
#include "storage/store.h"

typedef struct Sessions Sessions;
typedef struct Uploads Uploads;

typedef struct SigningKey {
    char date[9];
    HmacKey key;
} SigningKey;

typedef struct StorageRole {
    const RoleContext *context;
    Store *store;
    Sessions *sessions;
    Uploads *uploads;
    WorkerPool *io;                     /* hashes and writes bodies */
    Str region, access_key, secret_key; /* owned */
    char owner_id[65];                  /* S3's canonical user id: 64 hex digits */
    pthread_mutex_t key_lock;
    SigningKey signing_key;       /* of the last day seen */
    _Atomic int64_t upload_bytes; /* held in memory by bodies under way */
} StorageRole;

typedef struct S3Request S3Request;

typedef enum S3Level { S3_SERVICE, S3_BUCKET, S3_OBJECT } S3Level;
typedef enum S3Run {
    S3_ON_LOOP, /* fast, never blocks */
    S3_ON_WORKER,
    S3_WITH_BODY, /* `body` was read and checked; then on a worker */
} S3Run;

typedef struct S3Route {
    S3Level level;
    const char *method;
    const char
        *subresource;   /* query parameter that selects the route; NULL: none of the known ones is there */
    const char *header; /* header that must be there too; NULL: none */
    const char *api;    /* name in metrics and logs */
    S3Run run;
    bool no_bucket; /* the bucket need not exist */
    void (*handle)(S3Request *r);
    const void *data;         /* for the handler */
    bool checksum_is_objects; /* x-amz-checksum-… is not of this request's body */
} S3Route;

struct S3Request {
    HttpRequest *http;
    StorageRole *role;
    Arena *arena;
    const S3Route *route;
    Str method, bucket, key; /* decoded; empty when not given */
    BucketInfo bucket_info;  /* unless the route says no_bucket */
    SigAuth auth;
    const HmacKey *signing_key; /* NULL for unsigned (internal) and Version 2 requests */
    bool is_internal;           /* came over the Unix socket with the capability: no signature needed */
    Str body;                   /* S3_WITH_BODY */
    void *state;                /* of the handler */
};

void s3_handle(HttpRequest *http, void *role); /* the role's HTTP handler */
bool s3_bucket_name_is_valid(Str name);

/* ---- s3_auth.c ---- */
int s3_authenticate(S3Request *r, Error *err);

/* ---- s3_reply.c ---- */
Str s3_param(S3Request *r, const char *name); /* decoded query parameter; ptr NULL when absent */
Str s3_header(const S3Request *r, const char *name);
/* A number in a query parameter: *ret keeps its value when absent; ERR_INVALID_ARGUMENT. */
int s3_param_int(S3Request *r, const char *name, int64_t min, int64_t max, int64_t *ret, Error *err);
void s3_reply_error(S3Request *r, const Error *err);
/* For the codes that only S3 has. */
void s3_refuse(S3Request *r, int status, const char *code, const char *message);
void s3_reply_empty(S3Request *r, int status);
void s3_reply_xml(S3Request *r, int status, Buf *xml); /* takes the memory */
/* A Buf for an answer, begun with the declaration and `<root xmlns=…>`. */
Buf s3_xml(const char *root);
void s3_count(S3Request *r, int status);
void s3_put_owner(Buf *xml, const S3Request *r, const char *element);
void s3_put_time(Buf *xml, const char *element, int64_t us);
void s3_put_etag(Buf *xml, const char *element, const ObjectInfo *object);

/* ---- s3_meta.c: metadata in headers and back ---- */
/* Gathers what a PUT, copy or CreateMultipartUpload says about the object into `meta`. */
int s3_meta_of_headers(S3Request *r, Buf *meta, Error *err);
/* The tags of "a=b&c=d" (x-amz-tagging). */
int s3_meta_of_tagging(S3Request *r, Str tagging, Buf *meta, Error *err);
/* A <Tagging> document. */
int s3_meta_of_tag_set(const XmlNode *root, size_t max_tags, Arena *arena, Buf *meta, Error *err);
void s3_put_tag_set(Buf *xml, Str meta);
void s3_set_object_headers(S3Request *r, const ObjectInfo *object, bool with_checksum);
void s3_set_checksum_headers(S3Request *r, Str meta);
void s3_put_checksums(Buf *xml, Str meta); /* as elements */
/* base64 of a META_CHECKSUM value, with its "-N". */
Str s3_checksum_text(Arena *arena, Str name, Str value);

/* ---- s3_conditions.c ---- */
/* GET and HEAD: 0 go on; 304 or 412. */
int s3_check_read_conditions(const S3Request *r, const ObjectInfo *object);
/* x-amz-copy-source-if-…: ERR_PRECONDITION_FAILED. */
int s3_check_copy_conditions(const S3Request *r, const ObjectInfo *source, Error *err);
StoreCondition s3_write_condition(const S3Request *r);
int s3_check_version_param(S3Request *r, Error *err); /* only "null" exists */

/* ---- s3_copy.c ---- */
typedef struct CopySource {
    Str bucket, key;
    BucketInfo bucket_info;
    ObjectInfo object;
} CopySource;
/* Reads and finds x-amz-copy-source, checks its conditions. */
int s3_find_copy_source(S3Request *r, CopySource *ret, Error *err);

/* ---- handlers ---- */
void s3_list_buckets(S3Request *r);
void s3_create_bucket(S3Request *r);
void s3_head_bucket(S3Request *r);
void s3_delete_bucket(S3Request *r);
void s3_get_location(S3Request *r);
void s3_get_bucket_tagging(S3Request *r);
void s3_put_bucket_tagging(S3Request *r);
void s3_delete_bucket_tagging(S3Request *r);
void s3_fixed_answer(S3Request *r); /* route.data: S3Fixed */
void s3_list_objects(S3Request *r); /* V1 and V2 */
void s3_list_versions(S3Request *r);
void s3_get_object(S3Request *r); /* HEAD too */
void s3_get_attributes(S3Request *r);
void s3_put_object(S3Request *r);
void s3_copy_object(S3Request *r);
void s3_delete_object(S3Request *r);
void s3_delete_objects(S3Request *r);
void s3_get_object_tagging(S3Request *r);
void s3_put_object_tagging(S3Request *r);
void s3_delete_object_tagging(S3Request *r);
void s3_object_acl(S3Request *r);
void s3_bucket_acl(S3Request *r);
void s3_accept_acl(S3Request *r);
void s3_create_upload(S3Request *r);
void s3_upload_part(S3Request *r);
void s3_upload_part_copy(S3Request *r);
void s3_complete_upload(S3Request *r);
void s3_abort_upload(S3Request *r);
void s3_list_parts(S3Request *r);
void s3_list_uploads(S3Request *r);

typedef struct S3Fixed {
    int status;
    const char *code; /* an error's code, or NULL */
    const char *text; /* its message, or the body after the declaration; NULL: no body */
} S3Fixed;
extern const S3Route s3_routes[];
extern const size_t s3_n_routes;
/* Query parameters that select a sub-resource, known or not. */
extern const char *const s3_subresources[];

/* ---- internal_api.c ---- */
void internal_handle(StorageRole *role, HttpRequest *http);
