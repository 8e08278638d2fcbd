/* iceberg_layout.h - how a data file holds its columns, remembered by file.
 *
 * A layout is the Parquet schema of a file (names, field ids, types, nested). Files with the same layout are
 * read by one read_parquet() call. Layouts are interned: the same pointer is the same layout. A file of
 * storage never changes, so that a layout is found once for its local path; files that we write ourselves are
 * told when they are written. Thread-safe. Layouts live as long as the cache. */
#pragma once

#include "base/arena.h"
#include "format/parquet_footer.h"

typedef struct Layout {
    const ParquetNode *root;
    bool has_ids;
} Layout;

typedef struct LayoutCache LayoutCache;
LayoutCache *layout_cache_new(void);
void layout_cache_free(LayoutCache *cache);

/* Reads the footer of a file at a local path. `name` is for messages. ERR_ICEBERG_BAD_DATA,
 * ERR_ICEBERG_CANNOT_OPEN_SPLIT. */
int layout_read_footer(const char *path, Str name, Arena *arena, const ParquetFooter **ret, int64_t *ret_size,
                       Error *err);
/* From the cache, or the file's footer. */
int layout_of_file(LayoutCache *cache, Str path, Str name, const Layout **ret, Error *err);
/* What was just written at `path`: no need to read its footer again. */
void layout_remember(LayoutCache *cache, Str path, const ParquetFooter *footer);
