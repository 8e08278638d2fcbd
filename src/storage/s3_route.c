/* s3_route.c - from an HTTP request to its handler: path, route, signature, bucket, body. */
#include <stdio.h>

#include "base/log.h"
#include "storage/payload.h"
#include "storage/s3.h"

/* ---- names ---- */

static bool is_bucket_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* S3 user guide, "Bucket naming rules": 3-63, lower case, digits, '-' and '.', labels begin and end with a
 * letter or digit, no IPv4 address. */
bool s3_bucket_name_is_valid(Str name)
{
    bool is_address = true;
    size_t dots = 0;
    if (name.len < 3 || name.len > 63)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool at_edge = i == 0 || i + 1 == name.len || name.ptr[i - 1] == '.' || name.ptr[i + 1] == '.';
        if (!is_bucket_char(c) && c != '-' && c != '.')
            return false;
        if (c != '.' && at_edge && !is_bucket_char(c))
            return false;
        if (c == '.' && (i == 0 || i + 1 == name.len || name.ptr[i - 1] == '.'))
            return false;
        dots += c == '.';
        is_address &= c == '.' || (c >= '0' && c <= '9');
    }
    return !(is_address && dots == 3);
}

static int decode_part(S3Request *r, Str raw, Str *ret, Error *err)
{
    if (raw.len && !memchr(raw.ptr, '%', raw.len)) {
        *ret = raw;
        return 0;
    }
    _cleanup_buf_ Buf out = BUF_INIT(16 * 1024);
    if (percent_decode(raw, false, &out, err) < 0 || buf_check(&out, err) < 0) {
        return err_set(err, ERR_INVALID_ARGUMENT, "the path is not percent-encoded well");
    }
    *ret = arena_str(r->arena, buf_str(&out));
    return 0;
}

static int parse_path(S3Request *r, Error *err)
{
    Str path = http_path(r->http), key;
    if (path.len == 0 || path.ptr[0] != '/')
        return err_set(err, ERR_BAD_REQUEST, "the target must be a path");
    Str bucket = str_cut(str_slice(path, 1, path.len), '/', &key);
    if (decode_part(r, bucket, &r->bucket, err) < 0 || decode_part(r, key, &r->key, err) < 0)
        return -1;
    if (r->key.len > S3_KEY_BYTES)
        return err_set(err, ERR_KEY_TOO_LONG, "your key is too long: %zu bytes, 1,024 are allowed",
                       r->key.len);
    if (r->key.len && !utf8_is_valid(r->key))
        return err_set(err, ERR_INVALID_ARGUMENT, "the key is not UTF-8");
    return 0;
}

/* ---- the route ---- */

/* The sub-resource that the query names; NULL: none. */
static const char *find_subresource(const S3Request *r)
{
    Str name, value;
    for (size_t i = 0; http_query_next(r->http, &i, &name, &value);) {
        for (const char *const *s = s3_subresources; *s; s++) {
            if (str_is(name, *s))
                return *s;
        }
    }
    return NULL;
}

static int find_route(S3Request *r, Error *err)
{
    S3Level level = r->bucket.len == 0 ? S3_SERVICE : r->key.len == 0 ? S3_BUCKET : S3_OBJECT;
    const char *subresource = http_query(r->http).len ? find_subresource(r) : NULL;
    bool knows_method = false;
    for (size_t i = 0; i < s3_n_routes; i++) {
        const S3Route *route = &s3_routes[i];
        if (route->level != level || !str_is(r->method, route->method))
            continue;
        knows_method = true;
        if ((route->subresource == NULL) != (subresource == NULL))
            continue;
        if (subresource && strcmp(subresource, route->subresource) != 0)
            continue;
        if (route->header && !http_header(r->http, route->header).ptr)
            continue;
        r->route = route;
        return 0;
    }
    if (subresource)
        return err_set(err, ERR_NOT_IMPLEMENTED, "%.*s ?%s is not implemented", STR_ARG(r->method),
                       subresource);
    if (knows_method)
        return err_set(err, ERR_NOT_IMPLEMENTED,
                       "a header you provided implies functionality that is not implemented");
    return err_set(err, ERR_METHOD_NOT_ALLOWED, "the specified method is not allowed against this resource");
}

static int find_bucket(S3Request *r, Error *err)
{
    if (r->route->no_bucket)
        return 0;
    Str owner = http_header(r->http, "x-amz-expected-bucket-owner");
    if (owner.ptr && !str_is(owner, r->role->owner_id))
        return err_set(err, ERR_FORBIDDEN, "access denied: the bucket has another owner");
    return store_find_bucket(r->role->store, r->bucket, &r->bucket_info, err);
}

/* What a client asks for and would not get must not look as if it got it. */
static int check_promises(const S3Request *r, Error *err)
{
    HttpHeader header;
    bool is_writing = str_is(r->method, "PUT") || str_is(r->method, "POST");
    for (size_t i = 0; is_writing && http_header_at(r->http, i, &header); i++) {
        Str name = header.name;
        if (!str_eq_nocase(str_slice(name, 0, 6), STR("x-amz-")))
            continue;
        if (str_eq_nocase(str_slice(name, 0, 28), STR("x-amz-server-side-encryption")))
            return err_set(err, ERR_NOT_IMPLEMENTED, "server-side encryption is not implemented");
        if (str_eq_nocase(str_slice(name, 0, 18), STR("x-amz-object-lock-")))
            return err_set(err, ERR_BAD_REQUEST, "Bucket is missing Object Lock Configuration");
        bool is_open_acl = str_eq_nocase(name, STR("x-amz-acl")) && !str_is(header.value, "private") &&
                           !str_has_prefix(header.value, STR("bucket-owner-"));
        if (is_open_acl || str_eq_nocase(str_slice(name, 0, 12), STR("x-amz-grant-")))
            return err_set(err, ERR_NOT_IMPLEMENTED, "access for others than the owner is not implemented");
    }
    return 0;
}

/* ---- running it ---- */

static void run_on_worker(HttpRequest *http, void *arg)
{
    S3Request *r = arg;
    log_context_set(http_request_id(http), http_trace_id(http));
    r->route->handle(r);
    log_context_set(STR_NULL, STR_NULL);
}

static void run_with_body(HttpRequest *http, Str raw, void *arg)
{
    S3Request *r = arg;
    Error err;
    if (payload_read_whole(r, raw, &r->body, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    http_offload(http, run_on_worker, r);
}

static void run_route(S3Request *r)
{
    switch (r->route->run) {
    case S3_ON_LOOP:
        r->route->handle(r);
        break;
    case S3_ON_WORKER:
        http_offload(r->http, run_on_worker, r);
        break;
    case S3_WITH_BODY:
        http_read_body(r->http, S3_XML_BYTES, run_with_body, r);
        break;
    }
}

/* No bucket has CORS rules yet. */
static void refuse_preflight(S3Request *r)
{
    if (!http_header(r->http, "origin").ptr) {
        s3_refuse(r, 400, "BadRequest", "Insufficient information. Origin request header needed.");
    } else {
        s3_refuse(r, 403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.");
    }
}

void s3_handle(HttpRequest *http, void *user)
{
    StorageRole *role = user;
    if (str_has_prefix(http_path(http), STR("/_lakehouse/")) && service_is_internal(role->context, http)) {
        internal_handle(role, http);
        return;
    }
    Arena *arena = http_arena(http);
    S3Request *r = arena_new_of(arena, S3Request);
    *r = (S3Request){.http = http, .role = role, .arena = arena, .method = http_method(http)};
    r->is_internal = service_is_internal(role->context, http);
    Error err;
    if (str_is(r->method, "OPTIONS")) {
        refuse_preflight(r);
        return;
    }
    if (parse_path(r, &err) < 0 || s3_authenticate(r, &err) < 0 || find_route(r, &err) < 0 ||
        find_bucket(r, &err) < 0 || check_promises(r, &err) < 0) {
        s3_reply_error(r, &err);
        return;
    }
    run_route(r);
}
