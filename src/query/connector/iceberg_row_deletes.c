/* iceberg_row_deletes.c - which rows of a data file are gone: position delete files for v2 tables, one Puffin
 * file of deletion vectors for v3. Source: Iceberg spec, "Delete Formats"; Puffin spec. */
#include <stdlib.h>

#include "base/fault.h"
#include "base/fs.h"
#include "query/connector/deletion_vector.h"
#include "query/connector/iceberg_dml.h"
#include "query/connector/iceberg_scan.h"
#include "query/connector/sql_text.h"

/* Reserved field ids of a position delete file. */
enum { FIELD_FILE_PATH = 2147483546, FIELD_POS = 2147483545 };
enum { POSITIONS_MAX = 64 << 20, DV_BYTES_MAX = 256 << 20, PUFFIN_BYTES_MAX = 1 << 30 };

static bool is_same_partition(const IceDataFile *a, const IceDataFile *b)
{
    return ice_partition_equal(a, b);
}

/* ---- v2: Parquet files, one a partition ---- */

static int copy_positions(Change *c, const TouchedFile *const *files, size_t n, Str path, Error *err)
{
    Buf sql = BUF_INIT(SQL_BYTES_MAX);
    buf_printf(&sql,
               "COPY (SELECT m.p AS file_path, c.c0 & %lld AS pos FROM __changes c JOIN (VALUES ",
               (1LL << ROW_ID_POSITION_BITS) - 1);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&sql, "%s(%lld::BIGINT, ", i ? ", " : "", (long long)files[i]->number);
        emit_string_literal(&sql, files[i]->scan->file->path);
        buf_putc(&sql, ')');
    }
    buf_printf(&sql, ") m(f, p) ON c.c0 >> %d = m.f ORDER BY 1, 2) TO ", ROW_ID_POSITION_BITS);
    emit_string_literal(&sql, path);
    buf_printf(&sql, " (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {file_path: %d, pos: %d})",
               FIELD_FILE_PATH, FIELD_POS);
    int r = buf_check(&sql, err) || fault_point("query.write.deletes", err) ||
                    engine_execute(c->context->connection, buf_str(&sql), NULL, err)
                ? -1
                : 0;
    buf_free(&sql);
    return r;
}

static const IceSchema *position_schema(void)
{
    static const IceType text = {.id = ICE_STRING}, number = {.id = ICE_LONG};
    static const IceField fields[] = {
        {.id = FIELD_POS, .name = {"pos", 3}, .required = true, .type = &number},
        {.id = FIELD_FILE_PATH, .name = {"file_path", 9}, .required = true, .type = &text}};
    static const IceSchema schema = {.fields = fields, .n_fields = 2};
    return &schema;
}

static int write_partition_deletes(Change *c, const TouchedFile *const *files, size_t n, Error *err)
{
    static const IceProperty full = {{"write.metadata.metrics.default", 30}, {"full", 4}};
    const IceMetricsConfig metrics = {&full, 1};
    const ParquetFooter *footer;
    int64_t size;
    Str dir;
    if (iceberg_stage(c->context, c->files, &dir, err))
        return -1;
    WrittenFile f = {.file = ICE_DATA_FILE_INIT,
                     .stage_name = arena_printf(c->arena, "deletes-%zu.parquet", c->files->n)};
    Str path = arena_printf(c->arena, "%.*s/%.*s", STR_ARG(dir), STR_ARG(f.stage_name));
    if (copy_positions(c, files, n, path, err) ||
        layout_read_footer(path.ptr, path, c->arena, &footer, &size, err) ||
        ice_data_file_from_parquet(footer, size, position_schema(), &metrics, c->arena, &f.file, err))
        return -1;
    f.footer = footer;
    f.file.content = ICE_CONTENT_POSITION_DELETES;
    f.file.spec_id = files[0]->scan->file->spec_id;
    f.file.partition = files[0]->scan->file->partition;
    f.file.n_partition = files[0]->scan->file->n_partition;
    if (n == 1)
        f.file.referenced_data_file = files[0]->scan->file->path;
    f.uri = f.file.path = iceberg_new_uri(c->table->metadata, &f.file, "-deletes.parquet", c->arena);
    written_files_add(c->files, &f, c->arena);
    return 0;
}

static int write_position_deletes(Change *c, const TouchedFile **files, size_t n, Error *err)
{
    const TouchedFile **group = arena_array(c->arena, const TouchedFile *, n + 1);
    for (size_t i = 0; i < n; i++) {
        size_t n_group = 0;
        if (!files[i])
            continue;
        const IceDataFile *first = files[i]->scan->file;
        for (size_t k = i; k < n; k++)
            if (files[k] && is_same_partition(first, files[k]->scan->file)) {
                group[n_group++] = files[k];
                files[k] = NULL;
            }
        if (write_partition_deletes(c, group, n_group, err))
            return -1;
    }
    return 0;
}

/* ---- v3: deletion vectors ---- */

typedef struct Positions {
    uint64_t *items;
    size_t n, cap;
} Positions;

static int add_position(void *arg, uint64_t position, Error *err)
{
    Positions *p = arg;
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 1024;
        uint64_t *more = p->n < POSITIONS_MAX ? realloc(p->items, cap * sizeof *more) : NULL;
        if (!more)
            return err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT,
                           "More than %d rows of one data file are deleted by one statement", POSITIONS_MAX);
        p->items = more;
        p->cap = cap;
    }
    p->items[p->n++] = position;
    return 0;
}

static int add_query(Change *c, Str sql, Positions *p, Error *err)
{
    EngineResult *result;
    EngineChunk *chunk;
    if (engine_query(c->context->connection, sql, &result, err))
        return -1;
    int r;
    while (!(r = engine_next(result, &chunk, err)) && chunk) {
        const int64_t *values = engine_chunk_bigints(chunk, 0);
        for (size_t i = 0; !r && i < engine_chunk_rows(chunk); i++)
            r = add_position(p, (uint64_t)values[i], err);
        if (r)
            break;
    }
    engine_result_free(result);
    return r;
}

/* A later reader looks at the vector alone, so that it holds what older deletes say, too. */
static int add_older(Change *c, const ScanFile *scan, Positions *p, Error *err)
{
    for (size_t i = 0; i < scan->n_deletes; i++) {
        const IceDataFile *d = scan->deletes[i]->file;
        if (d->content == ICE_CONTENT_EQUALITY_DELETES)
            continue;
        if (ice_file_is_dv(d)) {
            Str bytes;
            _cleanup_arena_ Arena *scratch = arena_new(DV_BYTES_MAX + (1 << 20));
            if (storage_get_range(c->context->catalogs->storage, d->path, d->content_offset,
                                  d->content_size_bytes, scratch, &bytes, err) ||
                deletion_vector_read(bytes, d->path, add_position, p, err))
                return -1;
            change_remove(c, d, scan->deletes[i]->manifest);
            continue;
        }
        LocalFile local;
        _cleanup_buf_ Buf sql = BUF_INIT(1 << 20);
        if (iceberg_open_files(c->context, &d->path, 1, &local, err))
            return -1;
        buf_puts(&sql, "SELECT pos FROM read_parquet(");
        sql_paths(&sql, &local.path, 1);
        buf_puts(&sql, ", hive_partitioning=false) WHERE file_path = ");
        emit_string_literal(&sql, scan->file->path);
        if (buf_check(&sql, err) || add_query(c, buf_str(&sql), p, err))
            return -1;
    }
    return 0;
}

static int compare_positions(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort_positions(Positions *p)
{
    size_t n = 0;
    qsort(p->items, p->n, sizeof *p->items, compare_positions);
    for (size_t i = 0; i < p->n; i++)
        if (!n || p->items[n - 1] != p->items[i])
            p->items[n++] = p->items[i];
    p->n = n;
}

static int gather_positions(Change *c, const TouchedFile *file, Positions *p, Error *err)
{
    Str sql = arena_printf(c->arena, "SELECT c0 & %lld FROM __changes WHERE c0 >> %d = %lld",
                           (1LL << ROW_ID_POSITION_BITS) - 1, ROW_ID_POSITION_BITS, (long long)file->number);
    if (add_query(c, sql, p, err) || add_older(c, file->scan, p, err))
        return -1;
    sort_positions(p);
    return 0;
}

/* All rows of the file are gone now: it leaves the snapshot with its vector. */
static bool is_emptied(Change *c, const TouchedFile *file, const Positions *p)
{
    if ((int64_t)p->n != file->scan->file->record_count)
        return false;
    change_remove(c, file->scan->file, file->scan->manifest);
    return true;
}

static int add_vector(Change *c, const TouchedFile *file, PuffinWriter *puffin, WrittenFile *ret, Error *err)
{
    Positions p = {0};
    int r = gather_positions(c, file, &p, err);
    *ret = (WrittenFile){.file = ICE_DATA_FILE_INIT};
    if (!r && !is_emptied(c, file, &p)) {
        IceDataFile *f = &ret->file;
        const IceDataFile *data = file->scan->file;
        f->content_offset = (int64_t)puffin->out.len;
        r = puffin_add_vector(puffin, data->path, p.items, p.n, err);
        f->content_size_bytes = (int64_t)puffin->out.len - f->content_offset;
        f->content = ICE_CONTENT_POSITION_DELETES;
        f->format = STR("PUFFIN");
        f->spec_id = data->spec_id;
        f->partition = data->partition;
        f->n_partition = data->n_partition;
        f->record_count = (int64_t)p.n;
        f->referenced_data_file = data->path;
    }
    free(p.items);
    return r;
}

static int store_puffin(Change *c, PuffinWriter *puffin, Str name, Error *err)
{
    Str dir;
    _cleanup_close_ int fd = -1;
    if (puffin_finish(puffin, err) || iceberg_stage(c->context, c->files, &dir, err))
        return -1;
    Str path = arena_printf(c->arena, "%.*s/%.*s", STR_ARG(dir), STR_ARG(name));
    if (fault_point("query.write.deletes", err) ||
        fs_open(path.ptr, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, err))
        return -1;
    return fs_write_all(fd, puffin->out.data, puffin->out.len, err);
}

static int write_vectors_with(Change *c, const TouchedFile **files, size_t n, PuffinWriter *puffin,
                              Error *err)
{
    WrittenFile *made = arena_array(c->arena, WrittenFile, n + 1);
    size_t n_made = 0;
    for (size_t i = 0; i < n; i++) {
        if (add_vector(c, files[i], puffin, &made[n_made], err))
            return -1;
        n_made += made[n_made].file.content_offset >= 0;
    }
    if (!n_made)
        return 0;
    if (store_puffin(c, puffin, STR("deletes.puffin"), err))
        return -1;
    Str uri = iceberg_new_uri(c->table->metadata, &ICE_DATA_FILE_INIT, "-deletes.puffin", c->arena);
    for (size_t i = 0; i < n_made; i++) {
        made[i].uri = made[i].file.path = uri;
        made[i].file.size_bytes = (int64_t)puffin->out.len;
        if (!i) /* the others are in the same file */
            made[i].stage_name = STR("deletes.puffin");
        written_files_add(c->files, &made[i], c->arena);
    }
    return 0;
}

static int write_vectors(Change *c, const TouchedFile **files, size_t n, Error *err)
{
    PuffinWriter puffin = PUFFIN_WRITER(PUFFIN_BYTES_MAX, c->arena);
    puffin_begin(&puffin);
    int r = write_vectors_with(c, files, n, &puffin, err);
    buf_free(&puffin.out);
    return r;
}

int iceberg_write_row_deletes(Change *c, Error *err)
{
    size_t n = 0;
    const TouchedFile **files = arena_array(c->arena, const TouchedFile *, c->n_touched + 1);
    for (size_t i = 0; i < c->n_touched; i++)
        if (!c->touched[i].is_whole)
            files[n++] = &c->touched[i];
    if (!n)
        return 0;
    return c->table->metadata->format_version >= 3 ? write_vectors(c, files, n, err)
                                                   : write_position_deletes(c, files, n, err);
}
