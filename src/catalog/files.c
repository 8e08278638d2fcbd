/* files.c - metadata files: their names, reading through the cache, writing. */
#include <libdeflate.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/rng.h"
#include "catalog/catalog.h"

/* ---- names ---- */

/* Properties of tables and views have the same names. */
static bool is_gzip(Str codec)
{
    return str_eq_nocase(codec, STR("gzip"));
}

static Str file_location(Str location, Str folder, Str codec, int64_t version, Arena *arena)
{
    char uuid[UUID_TEXT_LEN + 1];

    while (folder.len > 0 && folder.ptr[folder.len - 1] == '/')
        folder.len--;
    if (!folder.ptr || !cat_location_is_ours(folder))
        folder = arena_printf(arena, "%.*s/metadata", STR_ARG(location));
    uuid4_text(uuid);
    return arena_printf(arena, "%.*s/%05lld-%s%s.metadata.json", STR_ARG(folder), (long long)version, uuid,
                        is_gzip(codec) ? ".gz" : "");
}

Str cat_metadata_file_location(const TableMetadata *table, int64_t version, Arena *arena)
{
    return file_location(table->location, metadata_property(table, "write.metadata.path", STR_NULL),
                         metadata_property(table, "write.metadata.compression-codec", STR("")), version,
                         arena);
}

Str cat_view_file_location(const ViewMetadata *view, int64_t version, Arena *arena)
{
    return file_location(view->location, view_property(view, "write.metadata.path", STR_NULL),
                         view_property(view, "write.metadata.compression-codec", STR("")), version, arena);
}

int64_t cat_metadata_file_version(Str location)
{
    ptrdiff_t slash = str_rfind_char(location, '/');
    Str rest, number = str_cut(str_slice(location, (size_t)(slash + 1), location.len), '-', &rest);
    int64_t version;

    if (str_has_prefix(number, STR("v"))) /* tables of the Hadoop catalog: v3.metadata.json */
        number =
            str_slice(number, 1, (size_t)(str_find_char(number, '.') < 0 ? 0 : str_find_char(number, '.')));
    return str_to_i64(number, 0, INT32_MAX, &version, NULL) == 0 ? version : 0;
}

/* ---- gzip ---- */

static int gunzip(Str bytes, Arena *arena, Str *ret, Error *err)
{
    const unsigned char *end = (const unsigned char *)bytes.ptr + bytes.len;
    struct libdeflate_decompressor *d;
    size_t size, got = 0;
    char *out;

    if (bytes.len < 18)
        return err_set(err, ERR_ICEBERG_INVALID_METADATA, "the gzip file is too short");
    size = (size_t)end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 | (size_t)end[-1] << 24;
    if (size > LIMIT_METADATA_BYTES)
        return err_set(err, ERR_LIMIT, "the metadata file is larger than %d bytes", LIMIT_METADATA_BYTES);
    out = arena_try(arena, size + 1, err);
    if (!out)
        return -1;
    d = libdeflate_alloc_decompressor();
    if (!d)
        abort();
    enum libdeflate_result rc = libdeflate_gzip_decompress(d, bytes.ptr, bytes.len, out, size, &got);
    libdeflate_free_decompressor(d);
    if (rc != LIBDEFLATE_SUCCESS || got != size)
        return err_set(err, ERR_ICEBERG_INVALID_METADATA, "the gzip file is damaged");
    *ret = str_of(out, size);
    return 0;
}

static char *gzip(Str text, size_t *ret_len)
{
    struct libdeflate_compressor *z = libdeflate_alloc_compressor(6);
    size_t bound = z ? libdeflate_gzip_compress_bound(z, text.len) : 0;
    char *out = malloc(bound);

    if (!z || !out)
        abort();
    *ret_len = libdeflate_gzip_compress(z, text.ptr, text.len, out, bound);
    libdeflate_free_compressor(z);
    return out;
}

/* ---- reading ---- */

static int read_text(Catalog *c, Str location, Arena *arena, Str *ret, Error *err)
{
    if (!cat_location_is_ours(location))
        return err_set(err, ERR_NOT_FOUND, "Failed to open input stream for file: %.*s (not of this storage)",
                       STR_ARG(location));
    if (storage_get(c->storage, location, LIMIT_METADATA_BYTES, arena, ret, NULL, err) < 0) {
        if (err->code == ERR_NO_SUCH_KEY || err->code == ERR_NO_SUCH_BUCKET || err->code == ERR_NOT_FOUND)
            return err_set(err, ERR_NOT_FOUND, "Failed to open input stream for file: %.*s",
                           STR_ARG(location));
        /* Reading changes nothing: whatever broke, the client may ask again. */
        if (err->code == ERR_IO || err->code == ERR_TIMEOUT)
            err->code = ERR_UNAVAILABLE;
        return -1;
    }
    if (ret->len > 2 && (unsigned char)ret->ptr[0] == 0x1f && (unsigned char)ret->ptr[1] == 0x8b)
        return gunzip(*ret, arena, ret, err);
    return 0;
}

int cat_load(Catalog *c, Str location, Document **ret, Error *err)
{
    Document *d = cat_document_cache_get(c->documents, location);
    Str text;

    if (d) {
        *ret = d;
        return 0;
    }
    _cleanup_arena_ Arena *arena = arena_new(2ul * LIMIT_METADATA_BYTES);
    if (read_text(c, location, arena, &text, err) < 0 || cat_document_parse(location, text, ret, err) < 0)
        return -1;
    cat_document_cache_put(c->documents, *ret);
    return 0;
}

int cat_load_view(Catalog *c, Str location, Document **ret, Error *err)
{
    _cleanup_arena_ Arena *arena = NULL;
    const ViewMetadata *view;
    Str text;

    *ret = cat_document_cache_get(c->documents, location);
    if (*ret)
        return 0;
    arena = arena_new(2ul * LIMIT_METADATA_BYTES);
    if (read_text(c, location, arena, &text, err) < 0 || view_parse(text, arena, &view, err) < 0 ||
        cat_document_of_view(location, view, ret, err) < 0)
        return -1;
    cat_document_cache_put(c->documents, *ret);
    return 0;
}

/* ---- writing ---- */

int cat_store(Catalog *c, const Document *document, Error *err)
{
    Str location = cat_document_location(document), text = cat_document_text(document);
    char *zipped = NULL;
    int rc;

    if (cat_pending_add(c->pending, location, err) < 0)
        return -1;
    if (str_has_suffix(location, STR(".gz.metadata.json"))) {
        size_t len;
        zipped = gzip(text, &len);
        text = str_of(zipped, len);
    }
    rc = fault_point("catalog.metadata.put", err) ? -1
                                                  : storage_put(c->storage, location, STR("application/json"),
                                                                text, STORAGE_PUT_CREATE, NULL, NULL, err);
    free(zipped);
    if (rc == 0)
        return 0;
    cat_stored(c, location, false);
    err_prefix(err, "The metadata file was not written");
    /* Whether the file is there or not: nothing points to it, so nothing happened and the client may ask
     * again. */
    if (err->code == ERR_IO || err->code == ERR_TIMEOUT)
        err->code = ERR_UNAVAILABLE;
    if (err->code == ERR_NO_SUCH_BUCKET)
        err->code = ERR_VALIDATION;
    return -1;
}

typedef struct GarbageJob {
    Str uri;
} GarbageJob;

static int garbage_job(RegConn *conn, void *arg, Error *err)
{
    const GarbageJob *job = arg;
    return reg_add_garbage(conn, job->uri, err);
}

void cat_stored(Catalog *c, Str location, bool is_used)
{
    GarbageJob job = {location};
    Error err;

    /* Not ended when even that fails: then the next start finds it. */
    if (!is_used) {
        if (registry_write(c->registry, garbage_job, &job, &err) < 0)
            return;
        cat_collector_wake(c->collector);
    }
    cat_pending_end(c->pending, location);
}
