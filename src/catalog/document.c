/* document.c - see document.h. */
#include "catalog/document.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/thread.h"
#include "catalog/catalog_limits.h"

/* A model and the memory it is in. A commit's model points into its base's, which it holds. */
typedef struct Model {
    atomic_int refs;
    const TableMetadata *table;
    Arena *arena;
    struct Model *base;
    int chain;    /* how many models hang on this one's memory, itself not counted */
    size_t bytes; /* with those it holds */
} Model;

struct Document {
    atomic_int refs;
    Str location, text;   /* owned */
    pthread_mutex_t lock; /* over what is made later */
    Model *model;
    Str refs_text; /* owned; ptr NULL: not made yet */

    size_t cached_bytes; /* the rest is the cache's, under its lock */
    Document *newer, *older;
};

struct DocumentCache {
    pthread_mutex_t lock;
    Map *map; /* location -> Document */
    Document *newest, *oldest;
    size_t bytes, max_bytes;
};

/* ---- models ---- */

static void model_unref(Model *model)
{
    while (model && atomic_fetch_sub(&model->refs, 1) == 1) {
        Model *base = model->base;
        arena_free(model->arena);
        free(model);
        model = base;
    }
}

static Model *model_new(const TableMetadata *table, Arena *arena, Model *base)
{
    Model *model = calloc(1, sizeof *model);

    if (!model)
        abort();
    *model = (Model){.refs = 1, .table = table, .arena = arena, .base = base, .bytes = arena_used(arena)};
    if (base) {
        atomic_fetch_add(&base->refs, 1);
        model->chain = base->chain + 1;
        model->bytes += base->bytes;
    }
    return model;
}

static int parse_model(Str text, Model **ret, Error *err)
{
    const TableMetadata *table;
    Arena *arena =
        arena_new(CATALOG_ARENA_BYTES + 16 * text.len); /* a tree has some times the size of its text */

    if (metadata_parse(text, arena, &table, err) < 0) {
        arena_free(arena);
        return -1;
    }
    *ret = model_new(table, arena, NULL);
    return 0;
}

/* ---- documents ---- */

static int write_text(const TableMetadata *table, bool refs_only, Str *ret, Error *err)
{
    Buf out = BUF_INIT(LIMIT_METADATA_BYTES);
    JsonWriter w = JSON_WRITER(&out);
    size_t len;

    metadata_write(&w, table, refs_only);
    if (buf_check(&out, err) < 0) {
        buf_free(&out);
        return err_prefix(err, "table metadata");
    }
    char *text = buf_take(&out, &len);
    *ret = str_of(text, len);
    return 0;
}

static Document *make_document(Str location, Str text, Model *model)
{
    Document *d = calloc(1, sizeof *d);
    char *copy = malloc(location.len + 1);

    if (!d || !copy)
        abort();
    memcpy(copy, location.ptr, location.len);
    copy[location.len] = 0;
    *d = (Document){.refs = 1, .location = {copy, location.len}, .text = text, .model = model};
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

int cat_document_parse(Str location, Str text, Document **ret, Error *err)
{
    Model *model;
    Str canonical;

    if (parse_model(text, &model, err) < 0)
        return err_prefix(err, "%.*s", STR_ARG(location));
    if (write_text(model->table, false, &canonical, err) < 0) {
        model_unref(model);
        return -1;
    }
    *ret = make_document(location, canonical, model);
    return 0;
}

int cat_document_new(Str location, const TableMetadata *table, Document **ret, Error *err)
{
    Str text;

    if (write_text(table, false, &text, err) < 0)
        return -1;
    *ret = make_document(location, text, NULL);
    return 0;
}

int cat_document_of_view(Str location, const ViewMetadata *view, Document **ret, Error *err)
{
    Buf out = BUF_INIT(LIMIT_METADATA_BYTES);
    JsonWriter w = JSON_WRITER(&out);
    size_t len;

    view_write(&w, view);
    if (buf_check(&out, err) < 0) {
        buf_free(&out);
        return err_prefix(err, "view metadata");
    }
    char *text = buf_take(&out, &len);
    *ret = make_document(location, str_of(text, len), NULL);
    return 0;
}

static Model *model_of(Document *d)
{
    MUTEX_GUARD(&d->lock);
    return d->model;
}

void cat_document_set_model(Document *d, const TableMetadata *table, Arena *arena, Document *base)
{
    Model *model = model_new(table, arena, base ? model_of(base) : NULL);

    MUTEX_GUARD(&d->lock);
    if (d->model ||
        model->chain >=
            CATALOG_CHAIN_MAX) /* a long chain: the next commit reads the text and all that memory goes */
        model_unref(model);
    else
        d->model = model;
}

Document *cat_document_ref(Document *d)
{
    atomic_fetch_add(&d->refs, 1);
    return d;
}

void cat_document_unref(Document *d)
{
    if (!d || atomic_fetch_sub(&d->refs, 1) != 1)
        return;
    model_unref(d->model);
    free((char *)d->location.ptr);
    free((char *)d->text.ptr);
    free((char *)d->refs_text.ptr);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

void cat_document_unrefp(Document **document)
{
    cat_document_unref(*document);
}

Str cat_document_location(const Document *d)
{
    return d->location;
}

Str cat_document_text(const Document *d)
{
    return d->text;
}

/* With d->lock held. A model once made stays: others may point into it. */
static int need_model(Document *d, Error *err)
{
    return d->model ? 0 : parse_model(d->text, &d->model, err);
}

int cat_document_table(Document *d, const TableMetadata **ret, Error *err)
{
    MUTEX_GUARD(&d->lock);
    if (need_model(d, err) < 0)
        return -1;
    *ret = d->model->table;
    return 0;
}

int cat_document_refs_text(Document *d, Str *ret, Error *err)
{
    MUTEX_GUARD(&d->lock);
    if (!d->refs_text.ptr) {
        if (need_model(d, err) < 0)
            return -1;
        if (d->model->table->n_snapshots < 2) { /* the same text */
            *ret = d->text;
            return 0;
        }
        if (write_text(d->model->table, true, &d->refs_text, err) < 0)
            return -1;
    }
    *ret = d->refs_text;
    return 0;
}

bool cat_document_has_refs_text(Document *d)
{
    MUTEX_GUARD(&d->lock);
    return d->refs_text.ptr != NULL;
}

/* ---- the cache ---- */

DocumentCache *cat_document_cache_new(size_t max_bytes)
{
    DocumentCache *cache = calloc(1, sizeof *cache);

    if (!cache)
        abort();
    pthread_mutex_init(&cache->lock, NULL);
    cache->map = map_new();
    cache->max_bytes = max_bytes;
    return cache;
}

void cat_document_cache_free(DocumentCache *cache)
{
    if (!cache)
        return;
    while (cache->oldest) {
        Document *d = cache->oldest;
        cache->oldest = d->newer;
        cat_document_unref(d);
    }
    map_free(cache->map);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static void unlink_document(DocumentCache *cache, Document *d)
{
    *(d->newer ? &d->newer->older : &cache->newest) = d->older;
    *(d->older ? &d->older->newer : &cache->oldest) = d->newer;
    d->newer = d->older = NULL;
}

static void link_newest(DocumentCache *cache, Document *d)
{
    d->older = cache->newest;
    *(d->older ? &d->older->newer : &cache->oldest) = d;
    cache->newest = d;
}

Document *cat_document_cache_get(DocumentCache *cache, Str location)
{
    MUTEX_GUARD(&cache->lock);
    Document *d = map_get(cache->map, location);
    if (!d)
        return NULL;
    unlink_document(cache, d);
    link_newest(cache, d);
    return cat_document_ref(d);
}

void cat_document_cache_remove(DocumentCache *cache, Str location)
{
    pthread_mutex_lock(&cache->lock);
    Document *d = map_remove(cache->map, location);
    if (d) {
        unlink_document(cache, d);
        cache->bytes -= d->cached_bytes;
    }
    pthread_mutex_unlock(&cache->lock);
    cat_document_unref(d);
}

/* What it takes with all that may be made of it later. */
static size_t document_bytes(Document *d)
{
    MUTEX_GUARD(&d->lock);
    return sizeof *d + d->location.len + 2 * d->text.len + (d->model ? d->model->bytes : 4 * d->text.len);
}

void cat_document_cache_put(DocumentCache *cache, Document *d)
{
    size_t bytes = document_bytes(d);
    Document *dropped = NULL;

    pthread_mutex_lock(&cache->lock);
    if (bytes <= cache->max_bytes && !map_get(cache->map, d->location)) {
        map_put(cache->map, d->location, cat_document_ref(d));
        d->cached_bytes = bytes;
        cache->bytes += bytes;
        link_newest(cache, d);
    }
    while (cache->bytes > cache->max_bytes) {
        Document *old = cache->oldest;
        assert(old);
        unlink_document(cache, old);
        map_remove(cache->map, old->location);
        cache->bytes -= old->cached_bytes;
        old->older = dropped;
        dropped = old;
    }
    pthread_mutex_unlock(&cache->lock);
    while (dropped) {
        Document *next = dropped->older;
        cat_document_unref(dropped);
        dropped = next;
    }
}
