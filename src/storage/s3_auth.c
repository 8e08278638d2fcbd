/* s3_auth.c - who sent the request. There is one account, the root user; requests of our own roles over the
 * Unix socket need no signature. */
#include "base/clock.h"
#include "storage/s3.h"

/* The signing key changes once a day; making it costs more than the rest of the check. */
static const HmacKey *signing_key(S3Request *r)
{
    StorageRole *role = r->role;
    HmacKey *key = arena_new_of(r->arena, HmacKey);
    {
        MUTEX_GUARD(&role->key_lock);
        if (r->auth.date.len == 8 && memcmp(role->signing_key.date, r->auth.date.ptr, 8) == 0) {
            *key = role->signing_key.key;
            return key;
        }
    }
    sigv4_signing_key(role->secret_key, r->auth.date, role->region, STR("s3"), key);
    MUTEX_GUARD(&role->key_lock);
    memcpy(role->signing_key.date, r->auth.date.ptr, 8);
    role->signing_key.key = *key;
    return key;
}

static void sig_request(const S3Request *r, SigRequest *ret)
{
    size_t n = 0;
    HttpHeader header;
    while (http_header_at(r->http, n, &header))
        n++;
    SigHeader *headers = arena_array(r->arena, SigHeader, n + 1);
    for (size_t i = 0; i < n && http_header_at(r->http, i, &header); i++)
        headers[i] = (SigHeader){header.name, header.value};
    *ret = (SigRequest){.method = r->method,
                        .path = http_path(r->http),
                        .query = http_query(r->http),
                        .headers = headers,
                        .n_headers = n};
}

static int check_scope(S3Request *r, Error *err)
{
    ErrCode code = r->auth.kind == SIG_V4_QUERY ? ERR_AUTH_QUERY_MALFORMED : ERR_AUTH_MALFORMED;
    if (!str_eq(r->auth.region, r->role->region)) {
        http_set_header(r->http, "x-amz-bucket-region", r->role->region);
        return err_set(err, code,
                       "the authorization header is malformed; the region '%.*s' is wrong; expecting '%.*s'",
                       STR_ARG(r->auth.region), STR_ARG(r->role->region));
    }
    if (!str_is(r->auth.service, "s3")) {
        return err_set(err, code,
                       "the authorization header is malformed; incorrect service \"%.*s\", this endpoint "
                       "belongs to \"s3\"",
                       STR_ARG(r->auth.service));
    }
    return 0;
}

static int verify(S3Request *r, const SigRequest *request, Error *err)
{
    const SigAuth *auth = &r->auth;
    if (auth->kind == SIG_NONE) {
        BucketInfo bucket;
        if (r->bucket.len && store_find_bucket(r->role->store, r->bucket, &bucket, err) < 0)
            return -1;
        return err_set(err, ERR_FORBIDDEN, "Access Denied");
    }
    if (!str_eq(auth->access_key, r->role->access_key)) {
        return err_set(err, ERR_INVALID_ACCESS_KEY,
                       "the AWS access key id you provided does not exist in our records");
    }
    if (auth->security_token.len)
        return err_set(err, ERR_FORBIDDEN, "the security token is not valid for this access key");
    int64_t now_us = clock_now_us();
    if (auth->kind == SIG_V2_QUERY) {
        return sigv2_verify(request, auth, r->role->secret_key, http_path(r->http), now_us, r->arena, err);
    }
    if (check_scope(r, err) < 0)
        return -1;
    r->signing_key = signing_key(r);
    return sigv4_verify(request, auth, r->signing_key, now_us, r->arena, err);
}

int s3_authenticate(S3Request *r, Error *err)
{
    SigRequest request;
    sig_request(r, &request);
    if (sigv4_parse(&request, r->arena, &r->auth, err) < 0)
        return -1;
    if (r->is_internal && r->auth.kind == SIG_NONE) {
        /* nobody signs on the Unix socket, so there are no signatures of chunks to check either */
        if (r->auth.payload == SIG_PAYLOAD_CHUNKS || r->auth.payload == SIG_PAYLOAD_CHUNKS_TRAILER) {
            return err_set(err, ERR_BAD_REQUEST, "signed chunks in an unsigned request");
        }
        return 0;
    }
    return verify(r, &request, err);
}
