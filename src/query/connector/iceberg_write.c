#include "query/connector/iceberg_write.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"
#include "query/connector/iceberg_layout.h"
#include "query/connector/iceberg_types.h"
#include "query/connector/sql_text.h"

enum {
    FILES_PER_WRITE_MAX = 100000,
    DEFAULT_TARGET_BYTES = 512 << 20,
    ROW_GROUP_ROWS = 122880,
    EXACT_BOUND_BYTES = 200
};

typedef struct Writer {
    StatementContext *context;
    const TableMetadata *table;
    const IceSchema *schema;
    const IcePartitionSpec *spec;
    const IceSortOrder *order;
    IcePartitionType types;
    const WriteSource *source;
    Arena *arena;
    WrittenFiles *out;
    Error *err;
    Vec(Str) paths; /* found in the stage */
} Writer;

/* ---- the SELECT ---- */

static int put_default(Writer *w, const IceField *field, Buf *out)
{
    const SqlType *sql;
    IceValue value = ice_null(field->type->id);
    if (ice_to_sql_type(field->type, w->arena, &sql, w->err))
        return -1;
    if (field->write_default && ice_type_is_primitive(field->type) &&
        ice_value_from_json(field->type, field->write_default, w->arena, &value, w->err))
        return -1;
    if (value.is_null) {
        buf_printf(out, "CAST(NULL AS %.*s)", STR_ARG(ice_file_type(field->type, w->arena)));
        return 0;
    }
    _cleanup_buf_ Buf constant = BUF_INIT(1 << 20);
    ice_put_value(&constant, &value, field->type, sql, w->arena);
    ice_put_write(out, buf_str(&constant), sql, field->type, w->arena);
    return 0;
}

static int put_columns(Writer *w, Buf *out)
{
    for (size_t i = 0; i < w->schema->n_fields; i++) {
        const IceField *field = &w->schema->fields[i];
        int c = w->source->column_of[i];
        buf_puts(out, i ? ", " : "");
        if (c >= 0)
            ice_put_write(out, arena_printf(w->arena, "s.c%d", c), w->source->types[c], field->type,
                          w->arena);
        else if (put_default(w, field, out))
            return -1;
        buf_puts(out, " AS ");
        sql_ident(out, field->name);
    }
    return 0;
}

/* The reserved columns of row lineage: readers find them by id, so that the name only has to be free. */
static Str lineage_name(Writer *w, const char *name)
{
    Str free_name = str_from(name);
    while (ice_schema_find_name(w->schema, free_name, false))
        free_name = arena_printf(w->arena, "_%.*s", STR_ARG(free_name));
    return free_name;
}

static void put_lineage(Writer *w, Buf *out)
{
    const WriteSource *s = w->source;
    if (s->keeps_ids) {
        buf_printf(out, ", s.c%d AS ", s->id_column);
        sql_ident(out, lineage_name(w, "_row_id"));
    }
    if (s->keeps_sequence) {
        buf_printf(out, ", s.c%d AS ", s->sequence_column);
        sql_ident(out, lineage_name(w, "_last_updated_sequence_number"));
    }
}

static void put_field_ids(Writer *w, Buf *out)
{
    static const IceType number = {.id = ICE_LONG};
    const WriteSource *s = w->source;
    size_t n = w->schema->n_fields;
    IceField *fields = arena_array(w->arena, IceField, n + 2);
    memcpy(fields, w->schema->fields, n * sizeof *fields);
    if (s->keeps_ids)
        fields[n++] = (IceField){
            .id = FIELD_LINEAGE_ID, .name = lineage_name(w, "_row_id"), .type = &number};
    if (s->keeps_sequence)
        fields[n++] = (IceField){.id = FIELD_LINEAGE_SEQUENCE,
                                 .name = lineage_name(w, "_last_updated_sequence_number"),
                                 .type = &number};
    ice_put_field_ids(out, fields, n);
}

static bool is_partitioned(const Writer *w)
{
    return w->spec->n_fields > 0;
}
static bool is_sorted(const Writer *w)
{
    bool wanted = !str_is(session_property(w->context, w->context->catalogs->options.iceberg_name,
                                           "sorted_writing_enabled", STR("true")),
                          "false");
    return wanted && w->order && w->order->n_fields > 0;
}

static int put_partition_columns(Writer *w, Buf *out)
{
    for (size_t i = 0; i < w->spec->n_fields; i++) {
        const IcePartitionField *f = &w->spec->fields[i];
        const IceField *source = ice_schema_find(w->schema, f->source_id);
        _cleanup_buf_ Buf column = BUF_INIT(1 << 16);
        if (!source)
            return err_set(w->err, ERR_ICEBERG_INVALID_METADATA, "partition field %.*s has no source column",
                           STR_ARG(f->name));
        if (field_put_path(&column, w->schema, f->source_id, w->err))
            return -1;
        buf_puts(out, ", ");
        if (transform_put_sql(out, buf_str(&column), source->type, &f->transform, false, w->err))
            return -1;
        buf_printf(out, " AS __p%zu", i);
    }
    return 0;
}

/* By partition first, so that a writer has one file open at a time; then as the table is sorted. */
static int put_order(Writer *w, Buf *out)
{
    bool first = true;
    for (size_t i = 0; is_partitioned(w) && i < w->spec->n_fields; i++) {
        buf_printf(out, "%s__p%zu", first ? " ORDER BY " : ", ", i);
        first = false;
    }
    for (size_t i = 0; is_sorted(w) && i < w->order->n_fields; i++) {
        const IceSortField *f = &w->order->fields[i];
        const IceField *source = ice_schema_find(w->schema, f->source_id);
        _cleanup_buf_ Buf column = BUF_INIT(1 << 16);
        if (!source || field_put_path(&column, w->schema, f->source_id, NULL))
            continue;
        buf_puts(out, first ? " ORDER BY " : ", ");
        first = false;
        if (transform_put_sql(out, buf_str(&column), source->type, &f->transform, true, w->err))
            return -1;
        buf_puts(out, f->descending ? " DESC" : " ASC");
        buf_puts(out, f->nulls_last ? " NULLS LAST" : " NULLS FIRST");
    }
    return 0;
}

static int put_select(Writer *w, Buf *out)
{
    bool wraps = is_partitioned(w) || is_sorted(w);
    buf_puts(out, wraps ? "SELECT w.*" : "SELECT ");
    if (is_partitioned(w) && put_partition_columns(w, out))
        return -1;
    buf_puts(out, wraps ? " FROM (SELECT " : "");
    if (put_columns(w, out))
        return -1;
    put_lineage(w, out);
    buf_printf(out, " FROM (%.*s) s", STR_ARG(w->source->sql));
    buf_puts(out, wraps ? ") w" : "");
    return put_order(w, out);
}

/* ---- COPY ---- */

static const char *codec(const Writer *w)
{
    static const struct {
        const char *name, *duckdb;
    } codecs[] = {
        {"zstd", "zstd"},
        {"snappy", "snappy"},
        {"gzip", "gzip"},
        {"lz4", "lz4_raw"},
        {"lz4_raw", "lz4_raw"},
        {"none", "uncompressed"},
        {"uncompressed", "uncompressed"},
        {"brotli", "brotli"},
    };
    Str name = metadata_property(w->table, "write.parquet.compression-codec", STR_NULL);
    if (!name.ptr)
        name = session_property(w->context, w->context->catalogs->options.iceberg_name, "compression_codec",
                                STR("zstd"));
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (str_eq_nocase(name, str_from(codecs[i].name)))
            return codecs[i].duckdb;
    return "zstd";
}

static int64_t target_bytes(const Writer *w)
{
    int64_t bytes;
    Str text = metadata_property(w->table, "write.target-file-size-bytes", STR(""));
    return str_to_i64(text, 1, INT64_MAX, &bytes, NULL) ? DEFAULT_TARGET_BYTES : bytes;
}

static int copy(Writer *w, Str dir, Error *err)
{
    Buf sql = BUF_INIT(SQL_BYTES_MAX * 2);
    buf_puts(&sql, "COPY (");
    int r = put_select(w, &sql);
    buf_puts(&sql, ") TO ");
    bool one_file = w->source->is_small && !is_partitioned(w);
    Str target = one_file ? arena_printf(w->arena, "%.*s/0.parquet", STR_ARG(dir))
                          : arena_printf(w->arena, "%.*s/out", STR_ARG(dir));
    emit_string_literal(&sql, target);
    buf_printf(&sql, " (FORMAT parquet, COMPRESSION %s, ROW_GROUP_SIZE %d, FIELD_IDS ", codec(w),
               ROW_GROUP_ROWS);
    put_field_ids(w, &sql);
    if (is_partitioned(w)) {
        buf_puts(&sql, ", PARTITION_BY (");
        for (size_t i = 0; i < w->spec->n_fields; i++)
            buf_printf(&sql, "%s__p%zu", i ? ", " : "", i);
        /* NULL and the text that stands for it share a folder: only the file's own name keeps them apart. */
        buf_puts(&sql, "), FILENAME_PATTERN '{uuid}'");
    } else if (!one_file)
        buf_printf(&sql, ", FILE_SIZE_BYTES %lld", (long long)target_bytes(w));
    buf_putc(&sql, ')');
    r = r || buf_check(&sql, err) || fault_point("query.write.copy", err) ||
                engine_execute(w->context->connection, buf_str(&sql), NULL, err)
            ? -1
            : 0;
    buf_free(&sql);
    return r;
}

/* ---- what was written ---- */

static int find_files(Writer *w, Str dir, int depth)
{
    DIR *d = opendir(dir.ptr);
    struct dirent *e;
    int r = 0;
    if (!d)
        return depth ? err_set(w->err, ERR_IO, "cannot read the folder %.*s", STR_ARG(dir)) : 0;
    while (!r && (e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        struct stat st;
        Str path = arena_printf(w->arena, "%.*s/%s", STR_ARG(dir), e->d_name);
        if (stat(path.ptr, &st))
            r = err_set(w->err, ERR_IO, "cannot look at %.*s", STR_ARG(path));
        else if (S_ISDIR(st.st_mode))
            r = find_files(w, path, depth + 1);
        else
            *vec_push(w->arena, &w->paths) = path;
        if (!r && w->paths.n > FILES_PER_WRITE_MAX)
            r = err_set(w->err, ERR_ICEBERG_TOO_MANY_OPEN_PARTITIONS,
                        "The statement writes more than %d files", FILES_PER_WRITE_MAX);
    }
    closedir(d);
    return r;
}

/* Bounds as long as they are: partition values are made of them. */
static const IceMetricsConfig full_metrics = {
    .properties = &(const IceProperty){{"write.metadata.metrics.default", 30}, {"full", 4}},
    .n_properties = 1};

/* The value from one row of the file itself: for columns whose statistics are missing or say too little. */
static int value_by_query(Writer *w, const IceField *source, Str path, IceValue *ret)
{
    _cleanup_buf_ Buf sql = BUF_INIT(1 << 20), column = BUF_INIT(1 << 16);
    const Json *rows;
    const SqlType *type = &TYPE_VARCHAR_;
    IceTypeId id = source->type->id;
    bool integral = id == ICE_INT || id == ICE_LONG, instant = id >= ICE_TIME && id <= ICE_TIMESTAMPTZ,
         bytes = id == ICE_BINARY || id == ICE_FIXED;
    if (field_put_path(&column, w->schema, source->id, w->err))
        return -1;
    Str c = buf_str(&column);
    buf_puts(&sql, "SELECT ");
    if (integral || id == ICE_DATE || instant) {
        type = &TYPE_BIGINT_;
        buf_printf(&sql,
                   integral         ? "CAST(%.*s AS BIGINT)"
                   : id == ICE_DATE ? "CAST(%.*s - DATE '1970-01-01' AS BIGINT)"
                                    : "epoch_us(%.*s)",
                   STR_ARG(c));
    } else
        buf_printf(&sql, bytes ? "hex(%.*s)" : "CAST(%.*s AS VARCHAR)", STR_ARG(c));
    buf_puts(&sql, " AS c0 FROM read_parquet(");
    sql_paths(&sql, &path, 1);
    buf_puts(&sql, ", hive_partitioning=false) w LIMIT 1");
    if (buf_check(&sql, w->err) || sql_query_rows(w->context, buf_str(&sql), &type, 1, &rows, w->err))
        return -1;
    const Json *value = rows->array.n ? rows->array.items[0]->array.items[0] : NULL;
    if (json_is_null(value))
        *ret = ice_null(id);
    else if (value->type == JSON_INT)
        *ret = ice_integer(id, value->i64);
    else if (id == ICE_BOOLEAN)
        *ret = ice_boolean(str_is(value->text, "true"));
    else if (id == ICE_FLOAT || id == ICE_DOUBLE) {
        double v = 0;
        if (str_to_double(value->text, &v, NULL))
            v = str_has_prefix(value->text, STR("-")) ? -__builtin_inf()
                : str_is(value->text, "nan")          ? __builtin_nan("")
                                                      : __builtin_inf();
        *ret = id == ICE_FLOAT ? ice_float((float)v) : ice_double(v);
    } else
        return ice_value_from_json(source->type, value, w->arena, ret, w->err);
    return 0;
}

/* Every row of a file has the same partition, so that any of its values gives it: the least one is in the
 * footer. */
static int source_value(Writer *w, const IceDataFile *full, const IceField *source, Str path, IceValue *ret)
{
    const IceColumnMetrics *m = ice_file_column(full, source->id);
    bool is_float = source->type->id == ICE_FLOAT || source->type->id == ICE_DOUBLE;
    if (m && m->null_count >= 0 && m->null_count == m->value_count) {
        *ret = ice_null(source->type->id);
        return 0;
    }
    /* DuckDB cuts the bounds of long texts. */
    if (m && m->lower.ptr && !is_float && m->lower.len < EXACT_BOUND_BYTES)
        return ice_value_from_bytes(source->type, m->lower, ret, w->err);
    return value_by_query(w, source, path, ret);
}

static int fill_partition(Writer *w, const ParquetFooter *footer, int64_t size, Str path, IceDataFile *file)
{
    IceDataFile full = ICE_DATA_FILE_INIT;
    IceValue *tuple = arena_array(w->arena, IceValue, w->spec->n_fields + 1);
    if (ice_data_file_from_parquet(footer, size, w->schema, &full_metrics, w->arena, &full, w->err))
        return -1;
    for (size_t i = 0; i < w->spec->n_fields; i++) {
        IceValue value;
        const IcePartitionField *f = &w->spec->fields[i];
        const IceField *source = ice_schema_find(w->schema, f->source_id);
        if (f->transform.kind == ICE_TRANSFORM_VOID) {
            tuple[i] = ice_null(w->types.types[i]->id);
            continue;
        }
        if (source_value(w, &full, source, path, &value) ||
            ice_transform_apply(&f->transform, &value, &tuple[i], w->err))
            return -1;
    }
    file->partition = tuple;
    file->n_partition = w->spec->n_fields;
    return 0;
}

static int check_not_null(const Writer *w, const IceDataFile *file)
{
    for (size_t i = 0; i < w->schema->n_fields; i++) {
        const IceField *f = &w->schema->fields[i];
        const IceColumnMetrics *m = f->required ? ice_file_column(file, f->id) : NULL;
        if (m && m->null_count > 0)
            return err_set(w->err, ERR_CONSTRAINT_VIOLATION,
                           "NULL value not allowed for NOT NULL column: %.*s", STR_ARG(f->name));
    }
    return 0;
}

static Str data_location(const TableMetadata *table, Arena *arena)
{
    Str set = metadata_property(table, "write.data.path", STR_NULL), location = table->location;
    if (!set.ptr)
        set = metadata_property(table, "write.object-storage.path", STR_NULL);
    while (location.len && location.ptr[location.len - 1] == '/')
        location.len--;
    return set.ptr ? set : arena_printf(arena, "%.*s/data", STR_ARG(location));
}

Str iceberg_new_uri(const TableMetadata *table, const IceDataFile *file, const char *suffix, Arena *arena)
{
    char id[UUID_TEXT_LEN + 1];
    uuid7_text(id);
    const IcePartitionSpec *spec = metadata_spec(table, file->spec_id);
    Str partition = file->n_partition ? ice_partition_path(spec, file->partition, arena) : STR("");
    return arena_printf(arena, "%.*s%s%.*s/%s%s", STR_ARG(data_location(table, arena)),
                        partition.len ? "/" : "", STR_ARG(partition), id, suffix);
}

static int take_file(Writer *w, Str dir, Str path, size_t number)
{
    int64_t size;
    WrittenFile *f = &w->out->files[w->out->n];
    const IceMetricsConfig metrics = {w->table->properties, w->table->n_properties};
    *f = (WrittenFile){.file = ICE_DATA_FILE_INIT,
                       .stage_name = arena_printf(w->arena, "%zu.parquet", number)};
    if (layout_read_footer(path.ptr, path, w->arena, &f->footer, &size, w->err))
        return -1;
    if (f->footer->n_rows == 0)
        return 0;
    if (ice_data_file_from_parquet(f->footer, size, w->schema, &metrics, w->arena, &f->file, w->err) ||
        check_not_null(w, &f->file))
        return -1;
    f->file.content = ICE_CONTENT_DATA;
    f->file.spec_id = w->spec->spec_id;
    if (is_partitioned(w) && fill_partition(w, f->footer, size, path, &f->file))
        return -1;
    if (is_sorted(w) && !is_partitioned(w))
        f->file.sort_order_id = w->order->order_id;
    f->uri = f->file.path = iceberg_new_uri(w->table, &f->file, ".parquet", w->arena);
    Str name = arena_printf(w->arena, "%.*s/%.*s", STR_ARG(dir), STR_ARG(f->stage_name));
    if (!str_eq(name, path) && fs_rename(path.ptr, name.ptr, w->err))
        return -1;
    w->out->rows += f->file.record_count;
    w->out->bytes += size;
    w->out->n++;
    return 0;
}

static int collect(Writer *w, Str dir)
{
    if (find_files(w, dir, 0))
        return -1;
    w->out->cap = w->paths.n + 1;
    w->out->files = arena_array(w->arena, WrittenFile, w->out->cap);
    for (size_t i = 0; i < w->paths.n; i++)
        if (take_file(w, dir, w->paths.items[i], i))
            return -1;
    atomic_fetch_add(&w->context->files_written, (int64_t)w->out->n);
    atomic_fetch_add(&w->context->bytes_written, w->out->bytes);
    atomic_fetch_add(&w->context->rows_written, w->out->rows);
    return 0;
}

void written_files_free(WrittenFiles *files)
{
    storage_stage_free(files->stage);
    files->stage = NULL;
}

static void free_written(void *files)
{
    written_files_free(files);
}

void written_files_add(WrittenFiles *files, const WrittenFile *file, Arena *arena)
{
    if (files->n == files->cap) {
        size_t cap = files->cap ? 2 * files->cap : 8;
        WrittenFile *more = arena_array(arena, WrittenFile, cap);
        if (files->n)
            memcpy(more, files->files, files->n * sizeof *more);
        files->files = more;
        files->cap = cap;
    }
    files->files[files->n++] = *file;
}

int iceberg_stage(StatementContext *context, WrittenFiles *files, Str *ret_dir, Error *err)
{
    if (!files->stage) {
        if (storage_stage_new(context->catalogs->storage, &files->stage, err))
            return -1;
        arena_on_free(context->arena, free_written, files);
    }
    *ret_dir = storage_stage_dir(files->stage);
    return 0;
}

int iceberg_write_files(StatementContext *context, const TableMetadata *table, const WriteSource *source,
                        WrittenFiles *ret, Error *err)
{
    Writer w = {.context = context,
                .table = table,
                .schema = metadata_current_schema(table),
                .spec = metadata_default_spec(table),
                .order = metadata_default_sort_order(table),
                .source = source,
                .arena = context->arena,
                .out = ret,
                .err = err};
    int64_t started_us = clock_monotonic_us();
    *ret = (WrittenFiles){0};
    if (ice_partition_type(table, w.spec->spec_id, w.arena, &w.types, err))
        return -1;
    Str dir;
    if (iceberg_stage(context, ret, &dir, err))
        return -1;
    int64_t staged_us = clock_monotonic_us();
    if (copy(&w, dir, err))
        return -1;
    int64_t copied_us = clock_monotonic_us();
    if (collect(&w, dir))
        return -1;
    log_debug("query.write", L_INT("stage_us", staged_us - started_us),
              L_INT("copy_us", copied_us - staged_us), L_INT("footers_us", clock_monotonic_us() - copied_us),
              L_INT("files", ret->n), L_INT("bytes", ret->bytes));
    return 0;
}
