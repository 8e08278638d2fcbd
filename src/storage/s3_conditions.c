/* s3_conditions.c - If-Match and its kin. Source: RFC 9110, 13.2.2 (their order), and the S3 API reference of
 * each operation. */
#include "base/clock.h"
#include "storage/s3.h"

static Str etag_of(const ObjectInfo *object, char out[OBJECT_ETAG_TEXT])
{
    return str_of(out, object_etag_text(object, out));
}

/* HTTP dates have seconds; a malformed date is no condition. */
static bool parse_seconds(Str text, int64_t *ret)
{
    int64_t us;
    if (!text.ptr || (time_parse_http(text, &us, NULL) < 0 && time_parse_iso(text, &us, NULL) < 0))
        return false;
    *ret = us / 1000000;
    return true;
}

int s3_check_read_conditions(const S3Request *r, const ObjectInfo *object)
{
    char text[OBJECT_ETAG_TEXT];
    Str etag = etag_of(object, text);
    int64_t modified = object->modified_us / 1000000, since;
    Str if_match = s3_header(r, "if-match"), if_none_match = s3_header(r, "if-none-match");
    if (if_match.ptr) {
        if (!http_etag_matches(if_match, etag))
            return 412;
    } else if (parse_seconds(s3_header(r, "if-unmodified-since"), &since) && modified > since) {
        return 412;
    }
    if (if_none_match.ptr) {
        if (http_etag_matches(if_none_match, etag))
            return 304;
    } else if (parse_seconds(s3_header(r, "if-modified-since"), &since) && modified <= since) {
        return 304;
    }
    return 0;
}

int s3_check_copy_conditions(const S3Request *r, const ObjectInfo *source, Error *err)
{
    char text[OBJECT_ETAG_TEXT];
    Str etag = etag_of(source, text);
    int64_t modified = source->modified_us / 1000000, since;
    Str match = s3_header(r, "x-amz-copy-source-if-match"),
        none_match = s3_header(r, "x-amz-copy-source-if-none-match");
    bool holds = true;
    if (match.ptr) {
        holds = http_etag_matches(match, etag);
    } else if (parse_seconds(s3_header(r, "x-amz-copy-source-if-unmodified-since"), &since)) {
        holds = modified <= since;
    }
    if (none_match.ptr) {
        holds = holds && !http_etag_matches(none_match, etag);
    } else if (parse_seconds(s3_header(r, "x-amz-copy-source-if-modified-since"), &since)) {
        holds = holds && modified > since;
    }
    return holds ? 0
                 : err_set(err, ERR_PRECONDITION_FAILED,
                           "at least one of the preconditions you specified did not hold");
}

StoreCondition s3_write_condition(const S3Request *r)
{
    return (StoreCondition){.if_match = s3_header(r, "if-match"),
                            .if_none_match = s3_header(r, "if-none-match")};
}

int s3_check_version_param(S3Request *r, Error *err)
{
    if (http_query(r->http).len == 0)
        return 0;
    Str version = s3_param(r, "versionId");
    if (!version.ptr || str_is(version, "null"))
        return 0;
    if (version.len == 0)
        return err_set(err, ERR_INVALID_ARGUMENT, "version id cannot be the empty string");
    return err_set(err, ERR_NO_SUCH_VERSION, "the specified version does not exist");
}
