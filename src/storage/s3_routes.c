/* s3_routes.c - the table of what is answered, and by whom. The first row that fits wins; a sub-resource
 * without a row is 501. */
#include "storage/s3.h"

static const S3Fixed no_policy = {404, "NoSuchBucketPolicy", "The bucket policy does not exist"};
static const S3Fixed no_cors = {404, "NoSuchCORSConfiguration", "The CORS configuration does not exist"};
static const S3Fixed no_lifecycle = {404, "NoSuchLifecycleConfiguration",
                                     "The lifecycle configuration does not exist"};
static const S3Fixed no_encryption = {404, "ServerSideEncryptionConfigurationNotFoundError",
                                      "The server side encryption configuration was not found"};
static const S3Fixed no_lock = {404, "ObjectLockConfigurationNotFoundError",
                                "Object Lock configuration does not exist for this bucket"};
static const S3Fixed no_object_lock = {400, "InvalidRequest", "Bucket is missing Object Lock Configuration"};
static const S3Fixed no_website = {404, "NoSuchWebsiteConfiguration",
                                   "The specified bucket does not have a website configuration"};
static const S3Fixed no_replication = {404, "ReplicationConfigurationNotFoundError",
                                       "The replication configuration was not found"};
static const S3Fixed no_access_block = {404, "NoSuchPublicAccessBlockConfiguration",
                                        "The public access block configuration was not found"};
static const S3Fixed no_ownership = {404, "OwnershipControlsNotFoundError",
                                     "The bucket ownership controls were not found"};
static const S3Fixed no_torrent = {404, "NoSuchKey", "The specified key does not exist"};
static const S3Fixed not_public = {
    200, NULL, "<PolicyStatus xmlns=\"" XML_S3_NAMESPACE "\"><IsPublic>false</IsPublic></PolicyStatus>"};
static const S3Fixed no_versioning = {200, NULL, "<VersioningConfiguration xmlns=\"" XML_S3_NAMESPACE "\"/>"};
static const S3Fixed no_logging = {200, NULL, "<BucketLoggingStatus xmlns=\"" XML_S3_NAMESPACE "\"/>"};
static const S3Fixed no_notification = {200, NULL,
                                        "<NotificationConfiguration xmlns=\"" XML_S3_NAMESPACE "\"/>"};
static const S3Fixed no_accelerate = {200, NULL, "<AccelerateConfiguration xmlns=\"" XML_S3_NAMESPACE "\"/>"};
static const S3Fixed owner_pays = {200, NULL,
                                   "<RequestPaymentConfiguration xmlns=\"" XML_S3_NAMESPACE
                                   "\"><Payer>BucketOwner</Payer>"
                                   "</RequestPaymentConfiguration>"};
static const S3Fixed deleted = {204, NULL, NULL};

const S3Route s3_routes[] = {
    {S3_SERVICE, "GET", NULL, NULL, "ListBuckets", S3_ON_LOOP, true, s3_list_buckets, NULL},

    {S3_BUCKET, "GET", "location", NULL, "GetBucketLocation", S3_ON_LOOP, false, s3_get_location, NULL},
    {S3_BUCKET, "GET", "uploads", NULL, "ListMultipartUploads", S3_ON_WORKER, false, s3_list_uploads, NULL},
    {S3_BUCKET, "GET", "versions", NULL, "ListObjectVersions", S3_ON_WORKER, false, s3_list_versions, NULL},
    {S3_BUCKET, "GET", "tagging", NULL, "GetBucketTagging", S3_ON_WORKER, false, s3_get_bucket_tagging, NULL},
    {S3_BUCKET, "PUT", "tagging", NULL, "PutBucketTagging", S3_WITH_BODY, false, s3_put_bucket_tagging, NULL},
    {S3_BUCKET, "DELETE", "tagging", NULL, "DeleteBucketTagging", S3_ON_WORKER, false,
     s3_delete_bucket_tagging, NULL},
    {S3_BUCKET, "POST", "delete", NULL, "DeleteObjects", S3_WITH_BODY, false, s3_delete_objects, NULL},
    {S3_BUCKET, "GET", "acl", NULL, "GetBucketAcl", S3_ON_LOOP, false, s3_bucket_acl, NULL},
    {S3_BUCKET, "PUT", "acl", NULL, "PutBucketAcl", S3_WITH_BODY, false, s3_accept_acl, NULL},
    {S3_BUCKET, "GET", "versioning", NULL, "GetBucketVersioning", S3_ON_LOOP, false, s3_fixed_answer,
     &no_versioning},
    {S3_BUCKET, "GET", "policy", NULL, "GetBucketPolicy", S3_ON_LOOP, false, s3_fixed_answer, &no_policy},
    {S3_BUCKET, "DELETE", "policy", NULL, "DeleteBucketPolicy", S3_ON_LOOP, false, s3_fixed_answer, &deleted},
    {S3_BUCKET, "GET", "policyStatus", NULL, "GetBucketPolicyStatus", S3_ON_LOOP, false, s3_fixed_answer,
     &not_public},
    {S3_BUCKET, "GET", "cors", NULL, "GetBucketCors", S3_ON_LOOP, false, s3_fixed_answer, &no_cors},
    {S3_BUCKET, "DELETE", "cors", NULL, "DeleteBucketCors", S3_ON_LOOP, false, s3_fixed_answer, &deleted},
    {S3_BUCKET, "GET", "lifecycle", NULL, "GetBucketLifecycle", S3_ON_LOOP, false, s3_fixed_answer,
     &no_lifecycle},
    {S3_BUCKET, "DELETE", "lifecycle", NULL, "DeleteBucketLifecycle", S3_ON_LOOP, false, s3_fixed_answer,
     &deleted},
    {S3_BUCKET, "GET", "encryption", NULL, "GetBucketEncryption", S3_ON_LOOP, false, s3_fixed_answer,
     &no_encryption},
    {S3_BUCKET, "DELETE", "encryption", NULL, "DeleteBucketEncryption", S3_ON_LOOP, false, s3_fixed_answer,
     &deleted},
    {S3_BUCKET, "GET", "object-lock", NULL, "GetObjectLockConfiguration", S3_ON_LOOP, false, s3_fixed_answer,
     &no_lock},
    {S3_BUCKET, "GET", "website", NULL, "GetBucketWebsite", S3_ON_LOOP, false, s3_fixed_answer, &no_website},
    {S3_BUCKET, "DELETE", "website", NULL, "DeleteBucketWebsite", S3_ON_LOOP, false, s3_fixed_answer,
     &deleted},
    {S3_BUCKET, "GET", "replication", NULL, "GetBucketReplication", S3_ON_LOOP, false, s3_fixed_answer,
     &no_replication},
    {S3_BUCKET, "DELETE", "replication", NULL, "DeleteBucketReplication", S3_ON_LOOP, false, s3_fixed_answer,
     &deleted},
    {S3_BUCKET, "GET", "publicAccessBlock", NULL, "GetPublicAccessBlock", S3_ON_LOOP, false, s3_fixed_answer,
     &no_access_block},
    {S3_BUCKET, "DELETE", "publicAccessBlock", NULL, "DeletePublicAccessBlock", S3_ON_LOOP, false,
     s3_fixed_answer, &deleted},
    {S3_BUCKET, "GET", "ownershipControls", NULL, "GetBucketOwnershipControls", S3_ON_LOOP, false,
     s3_fixed_answer, &no_ownership},
    {S3_BUCKET, "DELETE", "ownershipControls", NULL, "DeleteBucketOwnershipControls", S3_ON_LOOP, false,
     s3_fixed_answer, &deleted},
    {S3_BUCKET, "GET", "logging", NULL, "GetBucketLogging", S3_ON_LOOP, false, s3_fixed_answer, &no_logging},
    {S3_BUCKET, "GET", "notification", NULL, "GetBucketNotification", S3_ON_LOOP, false, s3_fixed_answer,
     &no_notification},
    {S3_BUCKET, "GET", "accelerate", NULL, "GetBucketAccelerate", S3_ON_LOOP, false, s3_fixed_answer,
     &no_accelerate},
    {S3_BUCKET, "GET", "requestPayment", NULL, "GetBucketRequestPayment", S3_ON_LOOP, false, s3_fixed_answer,
     &owner_pays},
    {S3_BUCKET, "GET", NULL, NULL, "ListObjects", S3_ON_WORKER, false, s3_list_objects, NULL},
    {S3_BUCKET, "HEAD", NULL, NULL, "HeadBucket", S3_ON_LOOP, false, s3_head_bucket, NULL},
    {S3_BUCKET, "PUT", NULL, NULL, "CreateBucket", S3_WITH_BODY, true, s3_create_bucket, NULL},
    {S3_BUCKET, "DELETE", NULL, NULL, "DeleteBucket", S3_ON_WORKER, false, s3_delete_bucket, NULL},

    {S3_OBJECT, "PUT", "uploadId", "x-amz-copy-source", "UploadPartCopy", S3_ON_WORKER, false,
     s3_upload_part_copy, NULL},
    {S3_OBJECT, "PUT", "uploadId", NULL, "UploadPart", S3_ON_LOOP, false, s3_upload_part, NULL},
    {S3_OBJECT, "POST", "uploads", NULL, "CreateMultipartUpload", S3_ON_WORKER, false, s3_create_upload,
     NULL},
    {S3_OBJECT, "POST", "uploadId", NULL, "CompleteMultipartUpload", S3_WITH_BODY, false, s3_complete_upload,
     NULL, true},
    {S3_OBJECT, "DELETE", "uploadId", NULL, "AbortMultipartUpload", S3_ON_WORKER, false, s3_abort_upload,
     NULL},
    {S3_OBJECT, "GET", "uploadId", NULL, "ListParts", S3_ON_WORKER, false, s3_list_parts, NULL},
    {S3_OBJECT, "GET", "tagging", NULL, "GetObjectTagging", S3_ON_LOOP, false, s3_get_object_tagging, NULL},
    {S3_OBJECT, "PUT", "tagging", NULL, "PutObjectTagging", S3_WITH_BODY, false, s3_put_object_tagging, NULL},
    {S3_OBJECT, "DELETE", "tagging", NULL, "DeleteObjectTagging", S3_ON_WORKER, false,
     s3_delete_object_tagging, NULL},
    {S3_OBJECT, "GET", "attributes", NULL, "GetObjectAttributes", S3_ON_WORKER, false, s3_get_attributes,
     NULL},
    {S3_OBJECT, "GET", "acl", NULL, "GetObjectAcl", S3_ON_LOOP, false, s3_object_acl, NULL},
    {S3_OBJECT, "PUT", "acl", NULL, "PutObjectAcl", S3_WITH_BODY, false, s3_accept_acl, NULL},
    {S3_OBJECT, "GET", "retention", NULL, "GetObjectRetention", S3_ON_LOOP, false, s3_fixed_answer,
     &no_object_lock},
    {S3_OBJECT, "PUT", "retention", NULL, "PutObjectRetention", S3_ON_LOOP, false, s3_fixed_answer,
     &no_object_lock},
    {S3_OBJECT, "GET", "legal-hold", NULL, "GetObjectLegalHold", S3_ON_LOOP, false, s3_fixed_answer,
     &no_object_lock},
    {S3_OBJECT, "PUT", "legal-hold", NULL, "PutObjectLegalHold", S3_ON_LOOP, false, s3_fixed_answer,
     &no_object_lock},
    {S3_OBJECT, "GET", "torrent", NULL, "GetObjectTorrent", S3_ON_LOOP, false, s3_fixed_answer, &no_torrent},
    {S3_OBJECT, "PUT", NULL, "x-amz-copy-source", "CopyObject", S3_ON_WORKER, false, s3_copy_object, NULL},
    {S3_OBJECT, "PUT", NULL, NULL, "PutObject", S3_ON_LOOP, false, s3_put_object, NULL},
    {S3_OBJECT, "GET", NULL, NULL, "GetObject", S3_ON_LOOP, false, s3_get_object, NULL},
    {S3_OBJECT, "HEAD", NULL, NULL, "HeadObject", S3_ON_LOOP, false, s3_get_object, NULL},
    {S3_OBJECT, "DELETE", NULL, NULL, "DeleteObject", S3_ON_LOOP, false, s3_delete_object, NULL},
};
const size_t s3_n_routes = sizeof s3_routes / sizeof *s3_routes;

const char *const s3_subresources[] = {
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "website",
    "renameObject",
    "session",
    "metadataTable",
    NULL,
};
