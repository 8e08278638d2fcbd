/* sigv2.c - Signature Version 2 in the query form, for presigned URLs of boto3 in us-east-1. Declared in
 * sigv4.h. Source: Amazon S3 developer guide, "Signing and Authenticating REST Requests", "Query String
 * Request Authentication". */
#include <stdlib.h>

#include "format/sigv4.h"

enum { SIGV2_TEXT_MAX = 64 * 1024 };

/* The sub-resources and overrides that are part of the signed resource, in byte order. */
static const char *const sigv2_subresources[] = {
    "accelerate",
    "acl",
    "cors",
    "delete",
    "encryption",
    "lifecycle",
    "location",
    "logging",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
};

static int sigv2_compare_headers(const void *a, const void *b)
{
    return str_cmp(((const SigHeader *)a)->name, ((const SigHeader *)b)->name);
}

static void sigv2_put_amz_headers(Buf *out, const SigRequest *request, Arena *arena)
{
    SigHeader *headers = arena_array(arena, SigHeader, request->n_headers + 1);
    size_t n = 0;
    for (size_t i = 0; i < request->n_headers; i++) {
        if (!str_eq_nocase(str_slice(request->headers[i].name, 0, 6), STR("x-amz-")))
            continue;
        headers[n++] =
            (SigHeader){arena_lower(arena, request->headers[i].name), str_trim(request->headers[i].value)};
    }
    qsort(headers, n, sizeof *headers, sigv2_compare_headers);
    for (size_t i = 0; i < n; i++) {
        if (i && str_eq(headers[i].name, headers[i - 1].name)) {
            buf_putc(out, ',');
        } else {
            if (i)
                buf_putc(out, '\n');
            buf_add(out, headers[i].name);
            buf_putc(out, ':');
        }
        buf_add(out, headers[i].value);
    }
    if (n)
        buf_putc(out, '\n');
}

static int sigv2_put_resource(Buf *out, const SigRequest *request, Str resource_path, Error *err)
{
    char separator = '?';
    buf_add(out, resource_path);
    for (size_t i = 0; i < sizeof sigv2_subresources / sizeof *sigv2_subresources; i++) {
        for (Str rest = request->query; rest.ptr && rest.len;) {
            Str value;
            Str name = str_cut(str_cut(rest, '&', &rest), '=', &value);
            if (!str_is(name, sigv2_subresources[i]))
                continue;
            buf_putc(out, separator);
            separator = '&';
            buf_add(out, name);
            if (!value.ptr || (value.len == 0 && !str_has_prefix(name, STR("response-"))))
                break;
            buf_putc(out, '=');
            if (percent_decode(value, true, out, err) < 0)
                return -1;
            break;
        }
    }
    return 0;
}

int sigv2_verify(const SigRequest *request, const SigAuth *auth, Str secret, Str resource_path,
                 int64_t now_us, Arena *arena, Error *err)
{
    if (now_us / 1000000 > auth->expires_s)
        return err_set(err, ERR_FORBIDDEN, "Request has expired");
    _cleanup_buf_ Buf text = BUF_INIT(SIGV2_TEXT_MAX);
    Str md5 = STR(""), type = STR("");
    for (size_t i = 0; i < request->n_headers; i++) {
        if (str_eq_nocase(request->headers[i].name, STR("content-md5")))
            md5 = request->headers[i].value;
        if (str_eq_nocase(request->headers[i].name, STR("content-type")))
            type = request->headers[i].value;
    }
    buf_add(&text, request->method);
    buf_putc(&text, '\n');
    buf_add(&text, md5);
    buf_putc(&text, '\n');
    buf_add(&text, type);
    buf_printf(&text, "\n%lld\n", (long long)auth->expires_s);
    sigv2_put_amz_headers(&text, request, arena);
    if (sigv2_put_resource(&text, request, resource_path, err) < 0 || buf_check(&text, err) < 0)
        return -1;
    uint8_t digest[20];
    hmac_sha1(secret, buf_str(&text), digest);
    _cleanup_buf_ Buf expected = BUF_INIT(64);
    base64_encode(str_of((const char *)digest, sizeof digest), false, &expected);
    if (auth->signature.len != expected.len ||
        !bytes_equal_constant_time(auth->signature.ptr, expected.data, expected.len)) {
        return err_set(err, ERR_SIGNATURE_MISMATCH,
                       "the request signature we calculated does not match the signature you provided; "
                       "check your key and signing method");
    }
    return 0;
}
