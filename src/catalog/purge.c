/* purge.c - see purge.h. */
#include "catalog/purge.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "iceberg/manifest.h"

enum { PURGE_BATCH = 1000 };

typedef struct Purge {
    Catalog *catalog;
    int64_t id;
    RegConn *conn;
    Arena *batch_arena; /* of the URIs that wait */
    Str batch[PURGE_BATCH];
    size_t n_batch;
    int64_t n_deleted;
} Purge;

static int flush(Purge *p, Error *err)
{
    if (p->n_batch == 0)
        return 0;
    if (fault_point("catalog.purge", err) ||
        storage_delete_many(p->catalog->storage, p->batch, p->n_batch, err) < 0)
        return -1;
    p->n_deleted += (int64_t)p->n_batch;
    p->n_batch = 0;
    arena_reset(p->batch_arena);
    return 0;
}

static int delete_later(Purge *p, Str uri, Error *err)
{
    bool may;

    if (!cat_location_is_ours(uri))
        return 0;
    if (p->n_batch == PURGE_BATCH && flush(p, err) < 0)
        return -1;
    if (reg_may_purge(p->conn, p->id, uri, &may, err) < 0)
        return -1;
    if (may)
        p->batch[p->n_batch++] = arena_str(p->batch_arena, uri);
    return 0;
}

/* 1: it is gone, or cannot be understood, and there is nothing to follow. */
static int read_file(Purge *p, Str uri, Arena *arena, Str *ret, Error *err)
{
    if (storage_get(p->catalog->storage, uri, LIMIT_METADATA_BYTES, arena, ret, NULL, err) == 0)
        return 0;
    if (err->code == ERR_NO_SUCH_KEY || err->code == ERR_NO_SUCH_BUCKET || err->code == ERR_NOT_FOUND ||
        err->code == ERR_BAD_REQUEST)
        return 1;
    return -1;
}

static int skip_corrupt(Str path, Error *err)
{
    if (err->code != ERR_CORRUPT)
        return -1;
    log_warn("catalog.purge.unreadable", L_STR("file", path), L_ERR(err));
    return 0;
}

static int delete_entry(void *arg, const IceManifestEntry *entry, Error *err)
{
    return delete_later(arg, entry->file.path, err);
}

static int purge_manifest(Purge *p, const IceManifestFile *listed, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(2ul * LIMIT_METADATA_BYTES);
    Str bytes;
    int rc = read_file(p, listed->path, arena, &bytes, err);

    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (manifest_read(bytes, listed, NULL, delete_entry, p, err) < 0)
        return skip_corrupt(listed->path, err);
    return 0;
}

/* Data files of each manifest once; the manifests' paths stay in `manifests` for later. */
static int purge_list(Purge *p, Str list_path, Map *manifests, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(2ul * LIMIT_METADATA_BYTES);
    IceManifestList list;
    Str bytes;
    int rc = read_file(p, list_path, arena, &bytes, err);

    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (manifest_list_read(bytes, list_path, arena, &list, err) < 0)
        return skip_corrupt(list_path, err);
    for (size_t i = 0; i < list.n; i++) {
        if (map_put(manifests, list.manifests[i].path, p))
            continue;
        if (purge_manifest(p, &list.manifests[i], err) < 0)
            return -1;
    }
    return 0;
}

static int purge_v1_manifests(Purge *p, const IceSnapshot *s, Map *manifests, Error *err)
{
    for (size_t i = 0; s->manifests && i < s->manifests->array.n; i++) {
        const Json *path = s->manifests->array.items[i];
        IceManifestFile listed = {.length_bytes = -1};
        if (!json_is(path, JSON_STRING) || map_put(manifests, path->text, p))
            continue;
        listed.path = path->text;
        if (purge_manifest(p, &listed, err) < 0)
            return -1;
    }
    return 0;
}

static int delete_statistics(Purge *p, const Json *const *items, size_t n, Error *err)
{
    Str path;

    for (size_t i = 0; i < n; i++)
        if (json_need_string(items[i], "statistics-path", &path, NULL) == 0 && delete_later(p, path, err) < 0)
            return -1;
    return 0;
}

static int purge_metadata(Purge *p, const TableMetadata *table, Str location, Map *manifests, Error *err)
{
    Str path;
    void *value;

    for (size_t i = 0; i < table->n_snapshots; i++) {
        const IceSnapshot *s = table->snapshots[i];
        if ((s->manifests ? purge_v1_manifests(p, s, manifests, err)
                          : purge_list(p, s->manifest_list, manifests, err)) < 0)
            return -1;
    }
    if (delete_statistics(p, table->statistics, table->n_statistics, err) < 0 ||
        delete_statistics(p, table->partition_statistics, table->n_partition_statistics, err) < 0 ||
        flush(p, err) < 0)
        return -1;
    for (size_t i = 0; map_next(manifests, &i, &path, &value);)
        if (delete_later(p, path, err) < 0)
            return -1;
    if (flush(p, err) < 0)
        return -1;
    for (size_t i = 0; i < table->n_snapshots; i++)
        if (table->snapshots[i]->manifest_list.ptr &&
            delete_later(p, table->snapshots[i]->manifest_list, err) < 0)
            return -1;
    for (size_t i = 0; i < table->n_metadata_log; i++)
        if (delete_later(p, table->metadata_log[i].metadata_file, err) < 0)
            return -1;
    if (flush(p, err) < 0 || delete_later(p, location, err) < 0)
        return -1;
    return flush(p, err);
}

int cat_purge_run(Catalog *c, const RegPurge *purge, Error *err)
{
    Purge *p = calloc(1, sizeof *p);
    Document *d = NULL;
    const TableMetadata *table;
    Map *manifests = map_new();
    int rc;

    if (!p)
        abort();
    *p = (Purge){.catalog = c, .id = purge->id, .batch_arena = arena_new(64 << 20)};
    p->conn = registry_borrow(c->registry, err);
    rc = p->conn ? cat_load(c, purge->metadata_location, &d, err) : -1;
    if (rc == 0)
        rc = cat_document_table(d, &table, err);
    if (rc == 0)
        rc = purge_metadata(p, table, purge->metadata_location, manifests, err);
    else if (p->conn && (err->code == ERR_NOT_FOUND || err->code == ERR_ICEBERG_INVALID_METADATA))
        rc = 0; /* its last file is gone: an earlier run came to its end */
    if (rc == 0)
        log_info("catalog.purged", L_STR("metadata", purge->metadata_location), L_INT("files", p->n_deleted));
    cat_document_cache_remove(c->documents, purge->metadata_location);
    cat_document_unref(d);
    registry_return(c->registry, p->conn);
    map_free(manifests);
    arena_free(p->batch_arena);
    free(p);
    return rc;
}
