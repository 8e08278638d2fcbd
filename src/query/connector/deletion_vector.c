#include "query/connector/deletion_vector.h"

enum {
    COOKIE_RUNS = 12347,
    COOKIE_PLAIN = 12346,
    ARRAY_MAX = 4096,
    BITMAP_BYTES = 8192,
    OFFSETS_FROM = 4,
    CONTAINERS_MAX = 65536
};

typedef struct Reader {
    const uint8_t *p, *end;
    bool failed;
} Reader;

static uint64_t take(Reader *r, size_t bytes)
{
    uint64_t v = 0;
    if ((size_t)(r->end - r->p) < bytes) {
        r->failed = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)r->p[i] << (8 * i);
    r->p += bytes;
    return v;
}

static const uint8_t *take_bytes(Reader *r, size_t n)
{
    const uint8_t *at = r->p;
    if ((size_t)(r->end - r->p) < n) {
        r->failed = true;
        return NULL;
    }
    r->p += n;
    return at;
}

typedef struct Sink {
    PositionFn fn;
    void *arg;
    Error *err;
    int result;
} Sink;

static void give(Sink *s, uint64_t position)
{
    if (!s->result)
        s->result = s->fn(s->arg, position, s->err);
}

static void read_runs(Reader *r, uint64_t base, Sink *sink)
{
    uint64_t n = take(r, 2);
    for (uint64_t i = 0; i < n && !r->failed; i++) {
        uint64_t start = take(r, 2), length = take(r, 2);
        for (uint64_t k = 0; k <= length && start + k <= 65535 && !r->failed && !sink->result; k++)
            give(sink, base | (start + k));
    }
}

static void read_container(Reader *r, uint64_t base, size_t cardinality, bool is_run, Sink *sink)
{
    if (is_run) {
        read_runs(r, base, sink);
    } else if (cardinality <= ARRAY_MAX) {
        for (size_t i = 0; i < cardinality && !r->failed && !sink->result; i++) {
            uint64_t low = take(r, 2);
            if (!r->failed)
                give(sink, base | low);
        }
    } else {
        const uint8_t *bits = take_bytes(r, BITMAP_BYTES);
        for (size_t i = 0; bits && i < BITMAP_BYTES * 8 && !sink->result; i++)
            if (bits[i / 8] >> (i % 8) & 1)
                give(sink, base | i);
    }
}

static void read_bitmap(Reader *r, uint64_t high, Sink *sink)
{
    uint32_t cookie = (uint32_t)take(r, 4);
    bool has_runs = (cookie & 0xffff) == COOKIE_RUNS;
    size_t n = has_runs ? (cookie >> 16) + 1 : (size_t)take(r, 4);
    if ((!has_runs && cookie != COOKIE_PLAIN) || n > CONTAINERS_MAX) {
        r->failed = true;
        return;
    }
    const uint8_t *runs = has_runs ? take_bytes(r, (n + 7) / 8) : NULL;
    const uint8_t *headers = take_bytes(r, n * 4);
    if (!has_runs || n >= OFFSETS_FROM)
        take_bytes(r, n * 4);
    for (size_t i = 0; i < n && !r->failed && !sink->result; i++) {
        uint64_t key = headers[i * 4] | (uint64_t)headers[i * 4 + 1] << 8;
        size_t cardinality = (size_t)(headers[i * 4 + 2] | headers[i * 4 + 3] << 8) + 1;
        read_container(r, high << 32 | key << 16, cardinality, runs && (runs[i / 8] >> (i % 8) & 1), sink);
    }
}

int deletion_vector_read(Str blob, Str name, PositionFn fn, void *arg, Error *err)
{
    static const uint8_t magic[] = {0xd1, 0xd3, 0x39, 0x64};
    Reader r = {(const uint8_t *)blob.ptr, (const uint8_t *)blob.ptr + blob.len, false};
    Sink sink = {fn, arg, err, 0};
    const uint8_t *length = take_bytes(&r, 4), *start = take_bytes(&r, 4);
    if (!start || memcmp(start, magic, 4) != 0)
        return err_set(err, ERR_ICEBERG_BAD_DATA, "no deletion vector at the given offset of %.*s",
                       STR_ARG(name));
    uint64_t bytes =
        (uint64_t)length[0] << 24 | (uint64_t)length[1] << 16 | (uint64_t)length[2] << 8 | length[3];
    if (bytes + 8 != blob.len)
        return err_set(err, ERR_ICEBERG_BAD_DATA,
                       "the deletion vector in %.*s has %zu bytes, its length says %llu", STR_ARG(name),
                       blob.len, (unsigned long long)bytes + 8);
    r.end -= 4;
    uint64_t n = take(&r, 8);
    for (uint64_t i = 0; i < n && !r.failed && !sink.result; i++) {
        uint64_t high = take(&r, 4);
        if (!r.failed)
            read_bitmap(&r, high, &sink);
    }
    if (r.failed)
        return err_set(err, ERR_ICEBERG_BAD_DATA, "the deletion vector in %.*s is malformed", STR_ARG(name));
    return sink.result;
}
