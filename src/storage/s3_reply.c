/* s3_reply.c - answers in S3's form: XML bodies, errors, ids; and the request's parameters. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "storage/s3.h"

enum { S3_REPLY_MAX = 64 << 20 };

Str s3_param(S3Request *r, const char *name)
{
    return http_query_param(r->http, name);
}
Str s3_header(const S3Request *r, const char *name)
{
    return http_header(r->http, name);
}

int s3_param_int(S3Request *r, const char *name, int64_t min, int64_t max, int64_t *ret, Error *err)
{
    Str text = s3_param(r, name);
    if (!text.ptr || text.len == 0)
        return 0;
    if (str_to_i64(text, min, max, ret, NULL) == 0)
        return 0;
    return err_set(err, ERR_INVALID_ARGUMENT, "provided %s is not an integer or within integer range", name);
}

void s3_count(S3Request *r, int status)
{
    char code[12];
    snprintf(code, sizeof code, "%d", status);
    metric_inc(METRIC_S3_REQUESTS, r->route ? r->route->api : "Unknown", code);
    http_set_header(r->http, "x-amz-request-id", http_request_id(r->http));
}

static void reply_error_xml(S3Request *r, int status, const char *code, const char *message,
                            const char *extra)
{
    Buf xml = BUF_INIT(S3_REPLY_MAX);
    buf_puts(&xml, XML_DECLARATION "<Error>");
    xml_element(&xml, "Code", str_from(code));
    xml_element(&xml, "Message", str_from(message));
    if (extra)
        buf_puts(&xml, extra);
    if (r->bucket.len)
        xml_element(&xml, "BucketName", r->bucket);
    if (r->key.len)
        xml_element(&xml, "Key", r->key);
    xml_element(&xml, "Resource", http_path(r->http));
    xml_element(&xml, "RequestId", http_request_id(r->http));
    xml_element(&xml, "HostId", STR("lakehouse"));
    buf_puts(&xml, "</Error>");
    s3_count(r, status);
    http_reply_buf(r->http, status, "application/xml", &xml);
}

void s3_refuse(S3Request *r, int status, const char *code, const char *message)
{
    reply_error_xml(r, status, code, message, NULL);
}

void s3_reply_error(S3Request *r, const Error *err)
{
    const ErrInfo *info = err_info(err->code);
    char extra[256] = "";
    if (err->code == ERR_AUTH_MALFORMED || err->code == ERR_AUTH_QUERY_MALFORMED) {
        snprintf(extra, sizeof extra, "<Region>%.*s</Region>", STR_ARG(r->role->region));
    } else if (err->code == ERR_SIGNATURE_MISMATCH && utf8_is_valid(r->auth.access_key) &&
               r->auth.access_key.len < 128) {
        _cleanup_buf_ Buf key = BUF_INIT(1024);
        xml_element(&key, "AWSAccessKeyId", r->auth.access_key);
        snprintf(extra, sizeof extra, "%.255s", key.len < sizeof extra ? key.data : "");
    }
    if (info->http_status >= 500) {
        log_error("storage.request_failed", L_CSTR("api", r->route ? r->route->api : "?"),
                  L_STR("path", http_path(r->http)), L_ERR(err));
    }
    if (err->code == ERR_OVERLOADED)
        http_set_header(r->http, "Retry-After", STR("1"));
    reply_error_xml(r, info->http_status, info->s3_code, err->message, extra);
}

void s3_reply_empty(S3Request *r, int status)
{
    s3_count(r, status);
    http_reply(r->http, status, NULL, STR(""));
}

void s3_reply_xml(S3Request *r, int status, Buf *xml)
{
    Error err;
    if (buf_check(xml, &err) < 0) {
        buf_free(xml);
        s3_reply_error(r, &err);
        return;
    }
    s3_count(r, status);
    http_reply_buf(r->http, status, "application/xml", xml);
}

Buf s3_xml(const char *root)
{
    Buf xml = BUF_INIT(S3_REPLY_MAX);
    buf_printf(&xml, XML_DECLARATION "<%s xmlns=\"" XML_S3_NAMESPACE "\">", root);
    return xml;
}

void s3_put_owner(Buf *xml, const S3Request *r, const char *element)
{
    xml_open(xml, element);
    xml_element(xml, "ID", str_from(r->role->owner_id));
    xml_element(xml, "DisplayName", r->role->access_key);
    xml_close(xml, element);
}

void s3_put_time(Buf *xml, const char *element, int64_t us)
{
    char text[TIME_TEXT_MAX];
    time_format_iso(us, 3, text);
    xml_element(xml, element, str_from(text));
}

void s3_put_etag(Buf *xml, const char *element, const ObjectInfo *object)
{
    char text[OBJECT_ETAG_TEXT];
    object_etag_text(object, text);
    xml_open(xml, element);
    buf_puts(xml, "&quot;");
    buf_puts(xml, text);
    buf_puts(xml, "&quot;");
    xml_close(xml, element);
}
