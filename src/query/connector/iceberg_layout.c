#include "query/connector/iceberg_layout.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/map.h"
#include "base/thread.h"

enum {
    LAYOUT_PATHS_MAX = 500000, /* some 150 bytes each; when it is full it starts anew */
    LAYOUT_ARENA_BYTES = 256 << 20,
    FOOTER_ARENA_BYTES = 512 << 20,
    SIGNATURE_BYTES_MAX = 16 << 20,
};

struct LayoutCache {
    pthread_mutex_t lock;
    Arena *arena; /* layouts */
    Map *by_signature, *by_path;
};

LayoutCache *layout_cache_new(void)
{
    LayoutCache *cache = calloc(1, sizeof *cache);
    if (!cache)
        abort();
    pthread_mutex_init(&cache->lock, NULL);
    cache->arena = arena_new(LAYOUT_ARENA_BYTES);
    cache->by_signature = map_new();
    cache->by_path = map_new();
    return cache;
}

void layout_cache_free(LayoutCache *cache)
{
    if (!cache)
        return;
    map_free(cache->by_signature);
    map_free(cache->by_path);
    arena_free(cache->arena);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static void put_signature(Buf *out, const ParquetNode *n)
{
    buf_printf(out, "%zu:%.*s %d %d %d %d %d %d %d %d %d%d %d(", n->name.len, STR_ARG(n->name), n->field_id,
               n->physical, n->repetition == PARQUET_REPEATED, n->logical, n->type_length, n->precision,
               n->scale, n->bit_width, n->is_signed, n->adjusted_to_utc, n->unit);
    for (size_t i = 0; i < n->n_children; i++)
        put_signature(out, &n->children[i]);
    buf_putc(out, ')');
}

static ParquetNode copy_node(Arena *arena, const ParquetNode *n)
{
    ParquetNode copy = *n;
    ParquetNode *children = arena_array(arena, ParquetNode, n->n_children + 1);
    copy.name = arena_str(arena, n->name);
    for (size_t i = 0; i < n->n_children; i++)
        children[i] = copy_node(arena, &n->children[i]);
    copy.children = children;
    return copy;
}

static const Layout *intern(LayoutCache *cache, Str path, const ParquetFooter *footer)
{
    _cleanup_buf_ Buf signature = BUF_INIT(SIGNATURE_BYTES_MAX);
    put_signature(&signature, footer->root);
    MUTEX_GUARD(&cache->lock);
    Layout *layout = map_get(cache->by_signature, buf_str(&signature));
    if (!layout) {
        ParquetNode *root = arena_new_of(cache->arena, ParquetNode);
        *root = copy_node(cache->arena, footer->root);
        layout = arena_new_of(cache->arena, Layout);
        *layout = (Layout){root, footer->has_field_ids};
        map_put(cache->by_signature, buf_str(&signature), layout);
    }
    if (map_count(cache->by_path) >= LAYOUT_PATHS_MAX) {
        map_free(cache->by_path);
        cache->by_path = map_new();
    }
    map_put(cache->by_path, path, layout);
    return layout;
}

void layout_remember(LayoutCache *cache, Str path, const ParquetFooter *footer)
{
    intern(cache, path, footer);
}

static int bad_file(Error *err, Str name)
{
    if (!err)
        return -1;
    bool gone = err->code == ERR_NOT_FOUND;
    err->code = gone ? ERR_ICEBERG_CANNOT_OPEN_SPLIT : err->code == ERR_IO ? ERR_IO : ERR_ICEBERG_BAD_DATA;
    err_prefix(err, "Error opening Iceberg split %.*s", STR_ARG(name));
    snprintf(err->resource, sizeof err->resource, "%.*s", STR_ARG(name));
    return -1;
}

int layout_read_footer(const char *path, Str name, Arena *arena, const ParquetFooter **ret, int64_t *ret_size,
                       Error *err)
{
    _cleanup_close_ int fd = -1;
    int64_t size, length;
    if (fs_open(path, O_RDONLY, 0, &fd, err) || fs_size(path, &size, err))
        return bad_file(err, name);
    size_t n = size < PARQUET_TAIL_BYTES ? (size_t)size : PARQUET_TAIL_BYTES;
    char *tail = arena_try(arena, n + 1, err);
    if (!tail || fs_pread_all(fd, tail, n, size - (int64_t)n, err) ||
        parquet_footer_length(str_of(tail, n), size, &length, err))
        return bad_file(err, name);
    if ((size_t)length > n) {
        n = (size_t)length;
        tail = arena_try(arena, n + 1, err);
        if (!tail || fs_pread_all(fd, tail, n, size - (int64_t)n, err))
            return bad_file(err, name);
    }
    if (parquet_footer_parse(str_of(tail, n), size, name, arena, ret, err))
        return bad_file(err, name);
    if (ret_size)
        *ret_size = size;
    return 0;
}

int layout_of_file(LayoutCache *cache, Str path, Str name, const Layout **ret, Error *err)
{
    const ParquetFooter *footer;
    pthread_mutex_lock(&cache->lock);
    const Layout *known = map_get(cache->by_path, path);
    pthread_mutex_unlock(&cache->lock);
    if (known) {
        *ret = known;
        return 0;
    }
    _cleanup_arena_ Arena *arena = arena_new(FOOTER_ARENA_BYTES);
    if (layout_read_footer(path.ptr, name, arena, &footer, NULL, err))
        return -1;
    *ret = intern(cache, path, footer);
    return 0;
}
