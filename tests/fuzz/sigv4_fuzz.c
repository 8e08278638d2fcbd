/* sigv4_fuzz.c - a request's head and body: signature parsing and verification (V4 header and query, V2
 * query), then the aws-chunked decoder in pieces. The input: method, target, "Name: value" lines, an empty
 * line, the body. */
#include "format/aws_chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_HEADERS = 64 };

static int count_bytes(void *arg, const void *bytes, size_t n, Error *err)
{
    (void)bytes, (void)err;
    *(uint64_t *)arg += n;
    return 0;
}

static void decode(const SigAuth *auth, const HmacKey *key, Str body)
{
    static const SigPayload payloads[] = {SIG_PAYLOAD_CHUNKS, SIG_PAYLOAD_CHUNKS_TRAILER,
                                          SIG_PAYLOAD_UNSIGNED_TRAILER};
    for (size_t i = 0; i < 3; i++) {
        AwsChunked c;
        SigAuth as = *auth;
        uint64_t n = 0;
        Error err;
        as.payload = payloads[i];
        aws_chunked_init(&c, &as, key);
        size_t piece = body.len % 7 + 1;
        int result = 0;
        for (size_t at = 0; at < body.len && result == 0; at += piece) {
            result = aws_chunked_feed(&c, str_slice(body, at, at + piece), count_bytes, &n, &err);
        }
        if (result == 0 && aws_chunked_end(&c, &err) == 0 && n != c.decoded_length)
            __builtin_trap();
        (void)aws_chunked_trailer(&c, "x-amz-checksum-crc32");
        aws_chunked_free(&c);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_arena_ Arena *arena = arena_new(32 << 20);
    SigHeader headers[FUZZ_HEADERS];
    SigRequest request = {.headers = headers};
    SigAuth auth;
    HmacKey key;
    Error err;
    Str rest = str_of((const char *)data, size), line;
    request.method = str_cut(rest, '\n', &rest);
    request.path = str_cut(str_cut(rest.ptr ? rest : STR(""), '\n', &rest), '?', &request.query);
    if (!request.query.ptr)
        request.query = STR("");
    while (rest.ptr && (line = str_cut(rest, '\n', &rest)).len && request.n_headers < FUZZ_HEADERS) {
        Str value;
        Str name = str_cut(line, ':', &value);
        headers[request.n_headers++] = (SigHeader){name, str_trim(value.ptr ? value : STR(""))};
    }
    if (sigv4_parse(&request, arena, &auth, &err) < 0)
        return 0;
    sigv4_signing_key(STR("secret"), auth.date, auth.region, auth.service, &key);
    if (auth.kind == SIG_V4_HEADER || auth.kind == SIG_V4_QUERY)
        sigv4_verify(&request, &auth, &key, 1369353600000000, arena, &err);
    if (auth.kind == SIG_V2_QUERY)
        sigv2_verify(&request, &auth, STR("secret"), request.path, 1175139600000000, arena, &err);
    decode(&auth, &key, rest.ptr ? rest : STR(""));
    return 0;
}
