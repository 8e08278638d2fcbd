/* iceberg_deletes.c - rows that other writers deleted without rewriting their files: an anti-join with
 * positions or with equal values.
 *
 * read_parquet()'s file_index is a file's place in the list and file_row_number a row's place in its file;
 * both survive filter pushdown. */
#include <stdio.h>

#include "base/fs.h"
#include "base/rng.h"
#include "query/connector/deletion_vector.h"
#include "query/connector/iceberg_scan.h"
#include "query/connector/sql_text.h"

enum { DV_BYTES_MAX = 256 << 20 };

typedef struct Deletes {
    StatementContext *context;
    const FileGroup *group;
    Arena *arena;
    Buf *out;
    Error *err;
} Deletes;

typedef Vec(const ScanDelete *) DeleteList;

static size_t list_add(Arena *arena, DeleteList *list, const ScanDelete *d)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i] == d)
            return i;
    *vec_push(arena, list) = d;
    return list->n - 1;
}

static LocalFile *open_list(Deletes *x, const DeleteList *list)
{
    Str *uris = arena_array(x->arena, Str, list->n + 1);
    LocalFile *files = arena_array(x->arena, LocalFile, list->n + 1);
    for (size_t i = 0; i < list->n; i++) {
        const IceDataFile *f = list->items[i]->file;
        if (!str_eq_nocase(f->format, STR("PARQUET"))) {
            err_set(x->err, ERR_NOT_SUPPORTED, "Delete file %.*s has format %.*s; only PARQUET can be read",
                    STR_ARG(f->path), STR_ARG(f->format));
            return NULL;
        }
        uris[i] = f->path;
    }
    return iceberg_open_files(x->context, uris, list->n, files, x->err) ? NULL : files;
}

static void put_paths(Buf *out, const LocalFile *files, size_t n, Arena *arena)
{
    Str *paths = arena_array(arena, Str, n + 1);
    for (size_t i = 0; i < n; i++)
        paths[i] = files[i].path;
    sql_paths(out, paths, n);
}

/* ---- positions ---- */

/* Which delete file counts for which data file is written out: a later data file of the same path would not
 * be touched. */
static int put_position_files(Deletes *x, const DeleteList *list, Buf *out)
{
    bool first = true;
    LocalFile *files = open_list(x, list);
    if (!files)
        return -1;
    buf_puts(out, "SELECT m.i, d.pos FROM read_parquet(");
    put_paths(out, files, list->n, x->arena);
    buf_puts(out, ", hive_partitioning=false) d JOIN (VALUES ");
    for (size_t i = 0; i < x->group->n; i++) {
        const ScanFile *scan = x->group->scans[i];
        for (size_t k = 0; k < scan->n_deletes; k++) {
            if (scan->deletes[k]->file->content != ICE_CONTENT_POSITION_DELETES ||
                ice_file_is_dv(scan->deletes[k]->file))
                continue;
            buf_puts(out, first ? "(" : ",(");
            emit_string_literal(out, scan->file->path);
            buf_printf(out, ",%zu::UBIGINT,%zu::UBIGINT)",
                       list_add(x->arena, (DeleteList *)list, scan->deletes[k]), i);
            first = false;
        }
    }
    buf_puts(out, ") m(uri, k, i) ON d.file_path = m.uri AND d.file_index = m.k");
    return 0;
}

typedef struct VectorFile {
    int fd;
    size_t file_index;
    Buf text;
} VectorFile;

static int write_position(void *arg, uint64_t position, Error *err)
{
    VectorFile *f = arg;
    buf_printf(&f->text, "%zu,%llu\n", f->file_index, (unsigned long long)position);
    if (f->text.len < 60000)
        return 0;
    int r = fs_write_all(f->fd, f->text.data, f->text.len, err);
    buf_clear(&f->text);
    return r;
}

static int write_vectors(Deletes *x, Str path)
{
    VectorFile f = {.fd = -1, .text = BUF_INIT(1 << 20)};
    int r = fs_open(path.ptr, O_WRONLY | O_CREAT | O_EXCL, 0600, &f.fd, x->err);
    iceberg_hold_file(x->context, path);
    for (size_t i = 0; !r && i < x->group->n; i++) {
        const ScanFile *scan = x->group->scans[i];
        for (size_t k = 0; !r && k < scan->n_deletes; k++) {
            const IceDataFile *dv = scan->deletes[k]->file;
            Str bytes;
            if (!ice_file_is_dv(dv))
                continue;
            f.file_index = i;
            _cleanup_arena_ Arena *scratch = arena_new(DV_BYTES_MAX + (1 << 20));
            r = dv->content_size_bytes > DV_BYTES_MAX
                    ? err_set(x->err, ERR_LIMIT, "The deletion vector in %.*s is too large",
                              STR_ARG(dv->path))
                    : storage_get_range(x->context->catalogs->storage, dv->path, dv->content_offset,
                                        dv->content_size_bytes, scratch, &bytes, x->err);
            r = r || deletion_vector_read(bytes, dv->path, write_position, &f, x->err) ? -1 : 0;
        }
    }
    if (!r && f.text.len)
        r = fs_write_all(f.fd, f.text.data, f.text.len, x->err);
    closep_(&f.fd);
    buf_free(&f.text);
    return r;
}

static int put_positions(Deletes *x, const DeleteList *files, bool has_vectors)
{
    buf_puts(x->out, " ANTI JOIN (");
    if (files->n && put_position_files(x, files, x->out))
        return -1;
    if (has_vectors) {
        Str path =
            arena_printf(x->arena, "%.*s/query/tmp/dv-%016llx.csv",
                         STR_ARG(x->context->catalogs->options.data_dir), (unsigned long long)rng_u64());
        if (write_vectors(x, path))
            return -1;
        buf_puts(x->out, files->n ? " UNION ALL " : "");
        buf_puts(x->out, "SELECT i, pos FROM read_csv(");
        sql_path(x->out, path);
        buf_puts(x->out, ", header=false, auto_detect=false, columns={'i': 'UBIGINT', 'pos': 'BIGINT'})");
    }
    buf_puts(x->out, ") x ON p.file_index = x.i AND p.file_row_number = x.pos");
    return 0;
}

/* ---- equal values ---- */

static const ParquetNode *top_node(const Layout *layout, int32_t field_id)
{
    for (size_t i = 0; i < layout->root->n_children; i++)
        if (layout->root->children[i].field_id == field_id)
            return &layout->root->children[i];
    return NULL;
}

static int put_equality_file(Deletes *x, const ScanDelete *d, const LocalFile *file, size_t number)
{
    const Layout *layout;
    if (layout_of_file(x->context->catalogs->layouts, file->path, file->uri, &layout, x->err))
        return -1;
    buf_puts(x->out, " ANTI JOIN (SELECT * FROM read_parquet(");
    sql_paths(x->out, &file->path, 1);
    buf_printf(x->out, ", hive_partitioning=false)) e%zu ON true", number);
    for (size_t i = 0; i < d->file->n_equality_ids; i++) {
        const ParquetNode *theirs = top_node(layout, d->file->equality_ids[i]),
                          *ours = top_node(x->group->layout, d->file->equality_ids[i]);
        if (!theirs)
            return err_set(x->err, ERR_ICEBERG_BAD_DATA, "Equality delete file %.*s has no column with id %d",
                           STR_ARG(file->uri), d->file->equality_ids[i]);
        buf_printf(x->out, " AND e%zu.", number);
        sql_ident(x->out, theirs->name);
        buf_puts(x->out, " IS NOT DISTINCT FROM ");
        if (ours) {
            buf_puts(x->out, "p.");
            sql_ident(x->out, ours->name);
        } else
            buf_puts(x->out, "NULL");
    }
    return 0;
}

int iceberg_put_deletes(StatementContext *context, const IcebergTable *table, const FileGroup *group,
                        Buf *out, Error *err)
{
    Deletes x = {.context = context, .group = group, .arena = context->arena, .out = out, .err = err};
    DeleteList positions = {0}, equalities = {0};
    bool has_vectors = false;
    (void)table;
    for (size_t i = 0; i < group->n; i++)
        for (size_t k = 0; k < group->scans[i]->n_deletes; k++) {
            const ScanDelete *d = group->scans[i]->deletes[k];
            if (ice_file_is_dv(d->file))
                has_vectors = true;
            else
                list_add(x.arena, d->file->content == ICE_CONTENT_EQUALITY_DELETES ? &equalities : &positions,
                         d);
        }
    if ((positions.n || has_vectors) && put_positions(&x, &positions, has_vectors))
        return -1;
    if (!equalities.n)
        return 0;
    LocalFile *files = open_list(&x, &equalities);
    for (size_t i = 0; files && i < equalities.n; i++)
        if (put_equality_file(&x, equalities.items[i], &files[i], i))
            return -1;
    return files ? 0 : -1;
}
