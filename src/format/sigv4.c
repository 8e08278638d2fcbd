/* sigv4.c - see sigv4.h. The canonical request is built once per request in one buffer of the arena. */
#include "format/sigv4.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/clock.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { CANONICAL_MAX = 64 * 1024 }; /* above what 16 KiB of headers and 8 KiB of target can make */

static Str sig_header(const SigRequest *request, const char *name)
{
    for (size_t i = 0; i < request->n_headers; i++) {
        if (str_eq_nocase(request->headers[i].name, str_from(name)))
            return request->headers[i].value;
    }
    return STR_NULL;
}

/* ---- the query, decoded and encoded again in canonical form ---- */

typedef struct QueryParam {
    Str name, value;
} QueryParam; /* canonical encoding */
typedef struct QueryParams {
    QueryParam *items;
    size_t n, cap;
} QueryParams;

static bool sig_is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Decodes and encodes again; returns `raw` itself when it is canonical already (the usual case). */
static int sig_canonical_encode(Str raw, bool keep_slash, bool plus, Arena *arena, Str *ret, Error *err)
{
    bool is_canonical = true;
    for (size_t i = 0; i < raw.len && is_canonical; i++) {
        unsigned char c = (unsigned char)raw.ptr[i];
        is_canonical = sig_is_unreserved(c) || (keep_slash && c == '/');
    }
    if (is_canonical) {
        *ret = raw;
        return 0;
    }
    _cleanup_buf_ Buf decoded = BUF_INIT(CANONICAL_MAX);
    _cleanup_buf_ Buf encoded = BUF_INIT(CANONICAL_MAX);
    if (percent_decode(raw, plus, &decoded, err) < 0)
        return -1;
    percent_encode(buf_str(&decoded), keep_slash, &encoded);
    if (buf_check(&decoded, err) < 0 || buf_check(&encoded, err) < 0)
        return -1;
    *ret = arena_str(arena, buf_str(&encoded));
    return 0;
}

static int sig_compare_params(const void *a, const void *b)
{
    const QueryParam *x = a, *y = b;
    int order = str_cmp(x->name, y->name);
    return order ? order : str_cmp(x->value, y->value);
}

static int sig_query_params(Str query, Arena *arena, QueryParams *ret, Error *err)
{
    for (Str rest = query; rest.ptr && rest.len;) {
        Str part = str_cut(rest, '&', &rest);
        if (part.len == 0)
            continue;
        Str value;
        Str name = str_cut(part, '=', &value);
        QueryParam param;
        if (sig_canonical_encode(name, false, true, arena, &param.name, err) < 0 ||
            sig_canonical_encode(value.ptr ? value : STR(""), false, true, arena, &param.value, err) < 0) {
            return -1;
        }
        *vec_push(arena, ret) = param;
    }
    if (ret->n > 1)
        qsort(ret->items, ret->n, sizeof *ret->items, sig_compare_params);
    return 0;
}

/* The decoded value of a parameter by its exact name; ptr NULL when absent. */
static int sig_query_value(Str query, const char *name, Arena *arena, Str *ret, Error *err)
{
    *ret = STR_NULL;
    for (Str rest = query; rest.ptr && rest.len;) {
        Str part = str_cut(rest, '&', &rest);
        Str value;
        if (!str_is(str_cut(part, '=', &value), name))
            continue;
        _cleanup_buf_ Buf decoded = BUF_INIT(CANONICAL_MAX);
        if (percent_decode(value.ptr ? value : STR(""), true, &decoded, err) < 0 ||
            buf_check(&decoded, err) < 0)
            return -1;
        *ret = arena_str(arena, buf_str(&decoded));
        return 0;
    }
    return 0;
}

/* ---- parsing ---- */

static int sig_parse_scope(Str credential, SigAuth *auth, ErrCode code, Error *err)
{
    /* AKID/20261124/us-east-1/s3/aws4_request, where the key id itself may hold a '/' */
    Str parts[4];
    for (int i = 3; i >= 0; i--) {
        ptrdiff_t slash = str_rfind_char(credential, '/');
        if (slash < 0) {
            return err_set(
                err, code,
                "the credential is malformed; expected \"<key>/YYYYMMDD/REGION/SERVICE/aws4_request\"");
        }
        parts[i] = str_slice(credential, (size_t)slash + 1, credential.len);
        credential = str_slice(credential, 0, (size_t)slash);
    }
    if (credential.len == 0 || parts[0].len != 8 || !str_is(parts[3], "aws4_request")) {
        return err_set(
            err, code,
            "the credential is malformed; expected \"<key>/YYYYMMDD/REGION/SERVICE/aws4_request\"");
    }
    auth->access_key = credential;
    auth->date = parts[0];
    auth->region = parts[1];
    auth->service = parts[2];
    return 0;
}

static int sig_parse_payload(const SigRequest *request, SigAuth *auth, Error *err)
{
    Str text = sig_header(request, "x-amz-content-sha256");
    static const struct {
        const char *text;
        SigPayload payload;
    } words[] = {
        {"UNSIGNED-PAYLOAD", SIG_PAYLOAD_UNSIGNED},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SIG_PAYLOAD_CHUNKS},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", SIG_PAYLOAD_CHUNKS_TRAILER},
        {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", SIG_PAYLOAD_UNSIGNED_TRAILER},
    };
    if (!text.ptr) {
        if (auth->kind == SIG_V4_HEADER) {
            return err_set(err, ERR_BAD_REQUEST,
                           "missing required header for this request: x-amz-content-sha256");
        }
        auth->payload = SIG_PAYLOAD_UNSIGNED;
        auth->payload_text = STR("UNSIGNED-PAYLOAD");
        return 0;
    }
    auth->payload_text = text;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!str_is(text, words[i].text))
            continue;
        auth->payload = words[i].payload;
        return 0;
    }
    auth->payload = SIG_PAYLOAD_SHA256;
    if (text.len != 64 || hex_decode(text, auth->payload_sha256, SHA256_BYTES, NULL) < 0) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
                       "[-TRAILER], STREAMING-UNSIGNED-PAYLOAD-TRAILER or a SHA-256 in hexadecimal");
    }
    return 0;
}

static int sig_parse_authorization(Str text, SigAuth *auth, Error *err)
{
    text = str_trim(str_slice(text, strlen(ALGORITHM), text.len));
    Str credential = STR_NULL;
    for (Str rest = text; rest.ptr;) {
        Str value;
        Str name = str_trim(str_cut(str_cut(rest, ',', &rest), '=', &value));
        value = str_trim(value);
        if (str_is(name, "Credential"))
            credential = value;
        if (str_is(name, "SignedHeaders"))
            auth->signed_headers = value;
        if (str_is(name, "Signature"))
            auth->signature = value;
    }
    if (!credential.ptr || !auth->signed_headers.ptr || !auth->signature.ptr) {
        return err_set(
            err, ERR_AUTH_MALFORMED,
            "the authorization header is malformed; it needs Credential, SignedHeaders and Signature");
    }
    return sig_parse_scope(credential, auth, ERR_AUTH_MALFORMED, err);
}

static int sig_parse_header_form(const SigRequest *request, Str authorization, SigAuth *auth, Error *err)
{
    auth->kind = SIG_V4_HEADER;
    if (!str_has_prefix(authorization, STR(ALGORITHM))) {
        return err_set(
            err, ERR_BAD_REQUEST,
            "the authorization mechanism you have provided is not supported; please use " ALGORITHM);
    }
    if (sig_parse_authorization(authorization, auth, err) < 0)
        return -1;
    auth->amz_date = sig_header(request, "x-amz-date");
    auth->security_token = sig_header(request, "x-amz-security-token");
    if (!auth->amz_date.ptr) {
        Str date = sig_header(request, "date");
        if (!date.ptr)
            return err_set(err, ERR_FORBIDDEN,
                           "AWS authentication requires a valid Date or x-amz-date header");
        auth->amz_date = date;
    }
    if (time_parse_amz(auth->amz_date, &auth->time_us, NULL) < 0 &&
        time_parse_http(auth->amz_date, &auth->time_us, NULL) < 0) {
        return err_set(err, ERR_FORBIDDEN, "AWS authentication requires a valid Date or x-amz-date header");
    }
    return sig_parse_payload(request, auth, err);
}

static int sig_parse_query_form(const SigRequest *request, Arena *arena, SigAuth *auth, Error *err)
{
    Str algorithm, credential, expires;
    auth->kind = SIG_V4_QUERY;
    if (sig_query_value(request->query, "X-Amz-Algorithm", arena, &algorithm, err) < 0 ||
        sig_query_value(request->query, "X-Amz-Credential", arena, &credential, err) < 0 ||
        sig_query_value(request->query, "X-Amz-Date", arena, &auth->amz_date, err) < 0 ||
        sig_query_value(request->query, "X-Amz-Expires", arena, &expires, err) < 0 ||
        sig_query_value(request->query, "X-Amz-SignedHeaders", arena, &auth->signed_headers, err) < 0 ||
        sig_query_value(request->query, "X-Amz-Security-Token", arena, &auth->security_token, err) < 0 ||
        sig_query_value(request->query, "X-Amz-Signature", arena, &auth->signature, err) < 0) {
        return -1;
    }
    if (!str_is(algorithm, ALGORITHM) || !credential.ptr || !auth->amz_date.ptr || !expires.ptr ||
        !auth->signed_headers.ptr || !auth->signature.ptr) {
        return err_set(err, ERR_AUTH_QUERY_MALFORMED,
                       "query-string authentication version 4 requires X-Amz-Algorithm, X-Amz-Credential, "
                       "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders and X-Amz-Expires");
    }
    if (sig_parse_scope(credential, auth, ERR_AUTH_QUERY_MALFORMED, err) < 0)
        return -1;
    if (time_parse_amz(auth->amz_date, &auth->time_us, NULL) < 0) {
        return err_set(err, ERR_AUTH_QUERY_MALFORMED,
                       "X-Amz-Date must be in the ISO 8601 basic format YYYYMMDD'T'HHMMSS'Z'");
    }
    if (str_to_i64(expires, INT32_MIN, INT32_MAX, &auth->expires_s, NULL) < 0) {
        return err_set(err, ERR_AUTH_QUERY_MALFORMED, "X-Amz-Expires should be a number");
    }
    return sig_parse_payload(request, auth, err);
}

static int sig_parse_v2_form(const SigRequest *request, Arena *arena, SigAuth *auth, Error *err)
{
    Str expires;
    auth->kind = SIG_V2_QUERY;
    if (sig_query_value(request->query, "AWSAccessKeyId", arena, &auth->access_key, err) < 0 ||
        sig_query_value(request->query, "Signature", arena, &auth->signature, err) < 0 ||
        sig_query_value(request->query, "x-amz-security-token", arena, &auth->security_token, err) < 0 ||
        sig_query_value(request->query, "Expires", arena, &expires, err) < 0) {
        return -1;
    }
    if (!auth->access_key.ptr || !auth->signature.ptr || !expires.ptr) {
        return err_set(
            err, ERR_FORBIDDEN,
            "query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters");
    }
    if (str_to_i64(expires, INT64_MIN / 2, INT64_MAX / 2, &auth->expires_s, NULL) < 0) {
        return err_set(err, ERR_FORBIDDEN, "invalid date (should be seconds since epoch): %.*s",
                       STR_ARG(expires));
    }
    return sig_parse_payload(request, auth, err);
}

int sigv4_parse(const SigRequest *request, Arena *arena, SigAuth *ret, Error *err)
{
    memset(ret, 0, sizeof *ret);
    Str authorization = sig_header(request, "authorization");
    if (str_trim(authorization).len)
        return sig_parse_header_form(request, authorization, ret, err);
    if (str_find(request->query, STR("X-Amz-")) >= 0) {
        Str any;
        static const char *const marks[] = {"X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential"};
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
            if (sig_query_value(request->query, marks[i], arena, &any, err) < 0)
                return -1;
            if (any.ptr)
                return sig_parse_query_form(request, arena, ret, err);
        }
    }
    if (str_find(request->query, STR("AWSAccessKeyId=")) >= 0)
        return sig_parse_v2_form(request, arena, ret, err);
    return sig_parse_payload(request, ret, err);
}

/* ---- the canonical request ---- */

/* Trimmed, runs of blanks as one. */
static void sig_put_header_value(Buf *out, Str value)
{
    value = str_trim(value);
    if (str_find(value, STR("  ")) < 0 && str_find_char(value, '\t') < 0) {
        buf_add(out, value);
        return;
    }
    bool blank = false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == ' ' || c == '\t') {
            blank = true;
            continue;
        }
        if (blank)
            buf_putc(out, ' ');
        blank = false;
        buf_putc(out, c);
    }
}

static void sig_put_header(Buf *out, const SigRequest *request, Str name)
{
    buf_add(out, name);
    buf_putc(out, ':');
    bool is_first = true;
    for (size_t i = 0; i < request->n_headers; i++) {
        if (!str_eq_nocase(request->headers[i].name, name))
            continue;
        if (!is_first)
            buf_putc(out, ',');
        is_first = false;
        sig_put_header_value(out, request->headers[i].value);
    }
    buf_putc(out, '\n');
}

/* Everything that could change what the request means must be under the signature. */
static int sig_check_signed_headers(const SigRequest *request, const SigAuth *auth, Error *err)
{
    bool has_host = false;
    size_t n = 0;
    for (Str rest = auth->signed_headers; rest.ptr; n++)
        has_host |= str_eq_nocase(str_cut(rest, ';', &rest), STR("host"));
    if (n > SIGV4_MAX_SIGNED_HEADERS)
        return err_set(err, ERR_AUTH_MALFORMED, "more than 64 signed headers");
    if (!has_host)
        return err_set(err, ERR_FORBIDDEN, "the Host header must be signed");
    for (size_t i = 0; i < request->n_headers; i++) {
        Str name = request->headers[i].name;
        if (!str_eq_nocase(str_slice(name, 0, 6), STR("x-amz-")))
            continue;
        if (str_eq_nocase(name, STR("x-amz-content-sha256")) && auth->kind == SIG_V4_QUERY)
            continue;
        bool is_signed = false;
        for (Str rest = auth->signed_headers; rest.ptr && !is_signed;)
            is_signed = str_eq_nocase(str_cut(rest, ';', &rest), name);
        if (!is_signed) {
            return err_set(err, ERR_FORBIDDEN,
                           "there were headers present in the request which were not signed: %.*s",
                           STR_ARG(name));
        }
    }
    return 0;
}

static int sig_put_canonical(Buf *out, const SigRequest *request, const SigAuth *auth, Arena *arena,
                             Error *err)
{
    Str path;
    QueryParams params = {0};
    if (sig_canonical_encode(request->path, true, false, arena, &path, err) < 0)
        return -1;
    if (sig_query_params(request->query, arena, &params, err) < 0)
        return -1;
    buf_add(out, request->method);
    buf_putc(out, '\n');
    buf_add(out, path.len ? path : STR("/"));
    buf_putc(out, '\n');
    bool is_first = true;
    for (size_t i = 0; i < params.n; i++) {
        if (auth->kind == SIG_V4_QUERY && str_is(params.items[i].name, "X-Amz-Signature"))
            continue;
        if (!is_first)
            buf_putc(out, '&');
        is_first = false;
        buf_add(out, params.items[i].name);
        buf_putc(out, '=');
        buf_add(out, params.items[i].value);
    }
    buf_putc(out, '\n');
    for (Str rest = auth->signed_headers; rest.ptr;)
        sig_put_header(out, request, str_cut(rest, ';', &rest));
    buf_putc(out, '\n');
    buf_add(out, auth->signed_headers);
    buf_putc(out, '\n');
    buf_add(out, auth->payload_text);
    return buf_check(out, err);
}

static void sig_put_scope(Buf *out, const SigAuth *auth)
{
    buf_add(out, auth->date);
    buf_putc(out, '/');
    buf_add(out, auth->region);
    buf_putc(out, '/');
    buf_add(out, auth->service);
    buf_puts(out, "/aws4_request\n");
}

/* The time in the string to sign: as the client wrote it, or made from the Date header. */
static void sig_put_time(Buf *out, const SigAuth *auth)
{
    char amz_date[TIME_TEXT_MAX];
    if (auth->amz_date.len == 16) {
        buf_add(out, auth->amz_date);
        return;
    }
    time_format_amz(auth->time_us, amz_date);
    buf_puts(out, amz_date);
}

static int sig_compute(const SigRequest *request, const SigAuth *auth, const HmacKey *key, Arena *arena,
                       char out[SIGV4_SIGNATURE_CHARS], Error *err)
{
    uint8_t digest[SHA256_BYTES];
    _cleanup_buf_ Buf text = BUF_INIT(CANONICAL_MAX);
    buf_reserve(&text, 1024);
    if (sig_put_canonical(&text, request, auth, arena, err) < 0)
        return -1;
    SHA256((const uint8_t *)text.data, text.len, digest);
    char hex[SIGV4_SIGNATURE_CHARS];
    hex_encode(digest, sizeof digest, hex);
    buf_clear(&text);
    buf_puts(&text, ALGORITHM "\n");
    sig_put_time(&text, auth);
    buf_putc(&text, '\n');
    sig_put_scope(&text, auth);
    buf_append(&text, hex, sizeof hex);
    if (buf_check(&text, err) < 0)
        return -1;
    hmac_sign(key, buf_str(&text), digest);
    hex_encode(digest, sizeof digest, out);
    return 0;
}

void sigv4_signing_key(Str secret, Str date, Str region, Str service, HmacKey *ret_key)
{
    uint8_t digest[SHA256_BYTES];
    _cleanup_buf_ Buf first = BUF_INIT(4096);
    buf_puts(&first, "AWS4");
    buf_add(&first, secret);
    HmacKey key;
    hmac_key_init(&key, first.data, first.len);
    const Str steps[] = {date, region, service, STR("aws4_request")};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        hmac_sign(&key, steps[i], digest);
        hmac_key_init(&key, digest, sizeof digest);
    }
    *ret_key = key;
    if (first.len)
        OPENSSL_cleanse(first.data, first.len);
}

static int sig_check_time(const SigAuth *auth, int64_t now_us, Error *err)
{
    const int64_t skew_us = (int64_t)SIGV4_MAX_SKEW_S * 1000000;
    char made[TIME_TEXT_MAX];
    Str day = str_slice(auth->amz_date, 0, 8);
    if (auth->amz_date.len != 16) {
        time_format_amz(auth->time_us, made);
        day = str_of(made, 8);
    }
    if (!str_eq(day, auth->date)) {
        return err_set(err, auth->kind == SIG_V4_QUERY ? ERR_AUTH_QUERY_MALFORMED : ERR_SIGNATURE_MISMATCH,
                       "invalid credential date; it must be the date of x-amz-date");
    }
    if (auth->kind == SIG_V4_HEADER) {
        if (llabs(now_us - auth->time_us) <= skew_us)
            return 0;
        return err_set(err, ERR_TIME_TOO_SKEWED,
                       "the difference between the request time and the server's time is too large");
    }
    if (auth->expires_s <= 0 || auth->expires_s > SIGV4_MAX_EXPIRES_S) {
        return err_set(err, ERR_FORBIDDEN, "X-Amz-Expires must be between 1 and %d seconds",
                       SIGV4_MAX_EXPIRES_S);
    }
    if (auth->time_us - now_us > skew_us)
        return err_set(err, ERR_FORBIDDEN, "Request is not valid yet");
    if (now_us > auth->time_us + auth->expires_s * 1000000)
        return err_set(err, ERR_FORBIDDEN, "Request has expired");
    return 0;
}

int sigv4_verify(const SigRequest *request, const SigAuth *auth, const HmacKey *key, int64_t now_us,
                 Arena *arena, Error *err)
{
    char expected[SIGV4_SIGNATURE_CHARS];
    if (sig_check_time(auth, now_us, err) < 0)
        return -1;
    if (sig_check_signed_headers(request, auth, err) < 0)
        return -1;
    if (sig_compute(request, auth, key, arena, expected, err) < 0)
        return -1;
    if (auth->signature.len != sizeof expected ||
        !bytes_equal_constant_time(auth->signature.ptr, expected, sizeof expected)) {
        return err_set(err, ERR_SIGNATURE_MISMATCH,
                       "the request signature we calculated does not match the signature you provided; "
                       "check your key and signing method");
    }
    return 0;
}

/* ---- signing ---- */

static int sig_compare_names(const void *a, const void *b)
{
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

static Str sig_list_headers(const SigRequest *request, Arena *arena)
{
    Str *names = arena_array(arena, Str, request->n_headers + 1);
    for (size_t i = 0; i < request->n_headers; i++)
        names[i] = arena_lower(arena, request->headers[i].name);
    qsort(names, request->n_headers, sizeof *names, sig_compare_names);
    _cleanup_buf_ Buf list = BUF_INIT(CANONICAL_MAX);
    for (size_t i = 0; i < request->n_headers; i++) {
        if (i && str_eq(names[i], names[i - 1]))
            continue;
        if (list.len)
            buf_putc(&list, ';');
        buf_add(&list, names[i]);
    }
    return arena_str(arena, buf_str(&list));
}

int sigv4_sign(const SigRequest *request, Str access_key, Str secret, Str region, int64_t now_us,
               Arena *arena, Str *ret_authorization, Error *err)
{
    char date[TIME_TEXT_MAX], signature[SIGV4_SIGNATURE_CHARS];
    time_format_amz(now_us, date);
    SigAuth auth = {.kind = SIG_V4_HEADER,
                    .date = str_of(date, 8),
                    .region = region,
                    .service = STR("s3"),
                    .time_us = now_us};
    auth.payload_text = sig_header(request, "x-amz-content-sha256");
    if (!auth.payload_text.ptr)
        return err_set(err, ERR_INTERNAL, "nothing to sign: x-amz-content-sha256 is missing");
    auth.signed_headers = sig_list_headers(request, arena);
    HmacKey key;
    sigv4_signing_key(secret, auth.date, region, auth.service, &key);
    if (sig_compute(request, &auth, &key, arena, signature, err) < 0)
        return -1;
    *ret_authorization = arena_printf(
        arena, ALGORITHM " Credential=%.*s/%.8s/%.*s/s3/aws4_request, SignedHeaders=%.*s, Signature=%.64s",
        STR_ARG(access_key), date, STR_ARG(region), STR_ARG(auth.signed_headers), signature);
    return 0;
}

int sigv4_presign(Str method, Str host, Str path, Str query, Str access_key, Str secret, Str region,
                  int64_t now_us, int64_t expires_s, Arena *arena, Str *ret_query, Error *err)
{
    char date[TIME_TEXT_MAX], signature[SIGV4_SIGNATURE_CHARS];
    time_format_amz(now_us, date);
    _cleanup_buf_ Buf credential = BUF_INIT(4096);
    Str scope =
        arena_printf(arena, "%.*s/%.8s/%.*s/s3/aws4_request", STR_ARG(access_key), date, STR_ARG(region));
    percent_encode(scope, false, &credential);
    Str full = arena_printf(
        arena,
        "%.*s%sX-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=%.*s&X-Amz-Date=%s&X-Amz-Expires=%lld"
        "&X-Amz-SignedHeaders=host",
        STR_ARG(query), query.len ? "&" : "", STR_ARG(buf_str(&credential)), date, (long long)expires_s);
    const SigHeader header = {STR("host"), host};
    SigRequest request = {.method = method, .path = path, .query = full, .headers = &header, .n_headers = 1};
    SigAuth auth = {.kind = SIG_V4_QUERY,
                    .date = str_of(date, 8),
                    .region = region,
                    .service = STR("s3"),
                    .time_us = now_us,
                    .payload_text = STR("UNSIGNED-PAYLOAD"),
                    .signed_headers = STR("host")};
    HmacKey key;
    sigv4_signing_key(secret, auth.date, region, auth.service, &key);
    if (sig_compute(&request, &auth, &key, arena, signature, err) < 0)
        return -1;
    *ret_query = arena_printf(arena, "%.*s&X-Amz-Signature=%.64s", STR_ARG(full), signature);
    return 0;
}

/* ---- chunks ---- */

static void sig_sign_stream(const char *algorithm, const HmacKey *key, const SigAuth *auth,
                            const char *previous, const char *middle, const uint8_t sha256[SHA256_BYTES],
                            char out[SIGV4_SIGNATURE_CHARS])
{
    char hex[SIGV4_SIGNATURE_CHARS];
    uint8_t digest[SHA256_BYTES];
    _cleanup_buf_ Buf text = BUF_INIT(CANONICAL_MAX);
    hex_encode(sha256, SHA256_BYTES, hex);
    buf_reserve(&text, 512);
    buf_puts(&text, algorithm);
    buf_putc(&text, '\n');
    sig_put_time(&text, auth);
    buf_putc(&text, '\n');
    sig_put_scope(&text, auth);
    buf_append(&text, previous, SIGV4_SIGNATURE_CHARS);
    buf_puts(&text, middle);
    buf_append(&text, hex, sizeof hex);
    hmac_sign(key, buf_str(&text), digest);
    hex_encode(digest, sizeof digest, out);
}

void sigv4_sign_chunk(const HmacKey *key, const SigAuth *auth, const char *previous,
                      const uint8_t chunk_sha256[SHA256_BYTES], char out[SIGV4_SIGNATURE_CHARS])
{
    sig_sign_stream("AWS4-HMAC-SHA256-PAYLOAD", key, auth, previous,
                    "\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n", chunk_sha256,
                    out);
}

void sigv4_sign_trailer(const HmacKey *key, const SigAuth *auth, const char *previous,
                        const uint8_t trailer_sha256[SHA256_BYTES], char out[SIGV4_SIGNATURE_CHARS])
{
    sig_sign_stream("AWS4-HMAC-SHA256-TRAILER", key, auth, previous, "\n", trailer_sha256, out);
}
