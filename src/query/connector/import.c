/* import.c - a file into a table, whole or not at all. docs/import-api.md */
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/thread.h"
#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_types.h"
#include "query/connector/import_types.h"
#include "query/connector/sql_text.h"

enum { HEAD_BYTES = 4096, PROGRESS_EVERY_MS = 250 };
typedef enum FileFormat { FORMAT_PARQUET, FORMAT_CSV, FORMAT_JSON, FORMAT_UNKNOWN } FileFormat;
static const char *const format_names[] = {"parquet", "csv", "json"};

typedef struct FileColumn {
    Str original, name;
    ImportType *type;
} FileColumn;

typedef struct Job {
    StatementContext *context;
    const ImportRequest *request;
    Arena *arena;
    Error *err;
    DdlName name;
    FileFormat format;
    Str reader; /* DuckDB SQL: read_…('path', …) */
    FileColumn *columns;
    size_t n_columns;
    bool creates, created_schema;
    const TableMetadata *table; /* existing or staged */
    WrittenFiles *files;
    ImportResult *result;
} Job;

/* ---- what the file is ---- */

static bool ends_with(Str name, const char *ending)
{
    Str e = str_from(ending);
    return name.len > e.len && str_eq_nocase(str_slice(name, name.len - e.len, name.len), e);
}

static FileFormat format_of_name(Str name)
{
    static const struct {
        const char *ending;
        FileFormat format;
    } endings[] = {
        {".parquet", FORMAT_PARQUET}, {".pq", FORMAT_PARQUET},  {".csv", FORMAT_CSV},
        {".tsv", FORMAT_CSV},         {".txt", FORMAT_CSV},     {".json", FORMAT_JSON},
        {".jsonl", FORMAT_JSON},      {".ndjson", FORMAT_JSON},
    };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(name, endings[i].ending))
            return endings[i].format;
    return FORMAT_UNKNOWN;
}

static const char *what_it_is(Str head, FileFormat *ret)
{
    static const struct {
        const char *magic;
        size_t n;
        const char *what;
    } known[] = {
        {"\x1f\x8b", 2, "gzip-compressed data"},
        {"PK\x03\x04", 4, "a ZIP archive (an XLSX workbook, perhaps)"},
        {"\x28\xb5\x2f\xfd", 4, "zstd-compressed data"},
        {"ORC", 3, "an ORC file"},
        {"Obj\x01", 4, "an Avro file"},
        {"\x89PNG", 4, "a PNG image"},
        {"%PDF", 4, "a PDF document"},
        {"SQLite format 3", 15, "an SQLite database"},
        {"BZh", 3, "bzip2-compressed data"},
        {"\xd0\xcf\x11\xe0", 4, "an old Office document"},
    };
    *ret = FORMAT_UNKNOWN;
    if (str_has_prefix(head, STR("PAR1"))) {
        *ret = FORMAT_PARQUET;
        return "a Parquet file";
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (head.len >= known[i].n && memcmp(head.ptr, known[i].magic, known[i].n) == 0)
            return known[i].what;
    if (memchr(head.ptr, 0, head.len))
        return "binary data";
    Str text = str_trim(head);
    *ret = text.len && (text.ptr[0] == '{' || text.ptr[0] == '[') ? FORMAT_JSON : FORMAT_CSV;
    return *ret == FORMAT_JSON ? "JSON" : "text";
}

static int find_format(Job *j)
{
    const ImportRequest *q = j->request;
    _cleanup_buf_ Buf head = BUF_INIT(HEAD_BYTES + 1);
    _cleanup_close_ int fd = -1;
    int64_t size;
    FileFormat found, wanted = FORMAT_UNKNOWN;
    if (fs_open(q->path, O_RDONLY, 0, &fd, j->err) || fs_size(q->path, &size, j->err))
        return -1;
    if (!size)
        return err_set(j->err, ERR_INVALID_ARGUMENTS, "%.*s is empty", STR_ARG(q->name));
    size_t n = size < HEAD_BYTES ? (size_t)size : HEAD_BYTES;
    char *at = buf_reserve(&head, n);
    if (!at || fs_pread_all(fd, at, n, 0, j->err))
        return -1;
    const char *what = what_it_is(str_of(at, n), &found);
    for (size_t i = 0; i < 3; i++)
        if (str_eq_nocase(q->format, str_from(format_names[i])))
            wanted = (FileFormat)i;
    if (q->format.len && wanted == FORMAT_UNKNOWN)
        return err_set(j->err, ERR_INVALID_ARGUMENTS,
                       "Unknown format '%.*s'; known are parquet, csv and json", STR_ARG(q->format));
    if (wanted == FORMAT_UNKNOWN)
        wanted = format_of_name(q->name);
    j->format = wanted == FORMAT_UNKNOWN ? found : wanted;
    /* A JSON document may be meant as one column of text, but hardly ever is; text that is named JSON is an
     * error of its reader's. */
    bool fits = j->format == found || (j->format == FORMAT_CSV && found == FORMAT_JSON);
    if (found == FORMAT_UNKNOWN || !fits)
        return err_set(j->err, ERR_INVALID_ARGUMENTS, "%.*s is not a %s file: it is %s", STR_ARG(q->name),
                       j->format < FORMAT_UNKNOWN ? format_names[j->format] : "Parquet, CSV or JSON", what);
    return 0;
}

static void make_reader(Job *j)
{
    Buf out = BUF_INIT(1 << 16);
    static const char *const readers[] = {"read_parquet([", "read_csv(", "read_json("};
    static const char *const options[] = {"], hive_partitioning=false)",
                                          ", sample_size=-1, hive_partitioning=false)",
                                          ", sample_size=-1, hive_partitioning=false)"};
    buf_puts(&out, readers[j->format]);
    sql_path(&out, str_from(j->request->path));
    buf_puts(&out, options[j->format]);
    j->reader = arena_str(j->arena, buf_str(&out));
    buf_free(&out);
}

/* DuckDB's words name our copy of the file; the user's name for it is put in their place. */
static int bad_file(Job *j)
{
    if (!j->err || j->err->code == ERR_USER_CANCELED)
        return -1;
    char text[ERROR_MESSAGE_MAX];
    snprintf(text, sizeof text, "%s", j->err->message);
    Str message = str_from(text);
    ptrdiff_t end = str_find_char(message, '\n');
    if (end >= 0)
        message = str_slice(message, 0, (size_t)end);
    ptrdiff_t path = str_find(message, str_from(j->request->path));
    Str before = path < 0 ? message : str_slice(message, 0, (size_t)path);
    Str after = path < 0 ? STR("") : str_slice(message, (size_t)path + strlen(j->request->path), message.len);
    return err_set(j->err, ERR_INVALID_ARGUMENTS, "%.*s cannot be read as %s: %.*s%.*s%.*s",
                   STR_ARG(j->request->name), format_names[j->format], STR_ARG(before),
                   STR_ARG(path < 0 ? STR("") : j->request->name), STR_ARG(after));
}

static void name_column(Job *j, size_t i)
{
    FileColumn *c = &j->columns[i];
    Str base = import_column_name(c->original, i, j->arena);
    c->name = base;
    for (int suffix = 1;; suffix++) {
        size_t k = 0;
        while (k < i && !str_eq(j->columns[k].name, c->name))
            k++;
        if (k == i)
            return;
        c->name = arena_printf(j->arena, "%.*s_%d", STR_ARG(base), suffix);
    }
}

static int describe(Job *j)
{
    const SqlType *types[] = {&TYPE_VARCHAR_, &TYPE_VARCHAR_};
    const Json *rows;
    Str sql = arena_printf(j->arena,
                           "SELECT column_name AS c0, column_type AS c1 FROM (DESCRIBE SELECT * FROM %.*s)",
                           STR_ARG(j->reader));
    if (sql_query_rows(j->context, sql, types, 2, &rows, j->err))
        return bad_file(j);
    j->n_columns = rows->array.n;
    j->columns = arena_array(j->arena, FileColumn, j->n_columns + 1);
    for (size_t i = 0; i < j->n_columns; i++) {
        const Json *row = rows->array.items[i];
        j->columns[i].original = row->array.items[0]->text;
        name_column(j, i);
        if (import_type_parse(row->array.items[1]->text, j->arena, &j->columns[i].type, j->err))
            return err_prefix(j->err, "%.*s, column %.*s", STR_ARG(j->request->name),
                              STR_ARG(j->columns[i].original));
    }
    return 0;
}

/* ---- the table ---- */

static int split_name(Job *j)
{
    Str parts[3] = {STR_NULL, STR_NULL, STR_NULL}, rest = j->request->table;
    size_t n = 0;
    while (rest.ptr && n < 3)
        parts[n++] = arena_lower(j->arena, str_trim(str_cut(rest, '.', &rest)));
    bool valid = !rest.ptr && n >= 2;
    for (size_t i = 0; i < n; i++)
        valid = valid && parts[i].len;
    if (!valid)
        return err_set(j->err, ERR_INVALID_ARGUMENTS,
                       "'%.*s' is no table name: schema.table or catalog.schema.table is expected",
                       STR_ARG(j->request->table));
    Str catalog = n == 3 ? parts[0] : j->context->catalogs->options.iceberg_name;
    j->name = (DdlName){catalog, parts[n - 2], parts[n - 1], namespace_of_schema(parts[n - 2], j->arena)};
    return iceberg_need(j->context, catalog, "imports", j->err);
}

static int load_table(Job *j)
{
    LoadedTable loaded;
    Error e;
    Catalogs *c = j->context->catalogs;
    j->creates = false;
    if (!table_cache_load(c->tables, c->catalog, j->name.namespace_, j->name.table, j->arena, &loaded, &e)) {
        j->table = loaded.metadata;
        if (j->request->n_partitioned_by)
            return err_set(
                j->err, ERR_INVALID_ARGUMENTS,
                "Table %.*s exists: its partitioning cannot be chosen by an import",
                STR_ARG(table_name_text(j->arena, j->name.catalog, j->name.schema, j->name.table)));
        return 0;
    }
    if (e.code != ERR_NO_SUCH_TABLE && e.code != ERR_NO_SUCH_NAMESPACE) {
        if (j->err)
            *j->err = e;
        return -1;
    }
    j->creates = true;
    return 0;
}

static Property *partitioning_property(Job *j)
{
    size_t n = j->request->n_partitioned_by;
    Property *p = arena_new_of(j->arena, Property);
    Expr *array = arena_new_of(j->arena, Expr), **items = arena_array(j->arena, Expr *, n + 1);
    for (size_t i = 0; i < n; i++) {
        items[i] = arena_new_of(j->arena, Expr);
        *items[i] = (Expr){.kind = EXPR_STRING, .text = j->request->partitioned_by[i]};
    }
    *array = (Expr){.kind = EXPR_ARRAY, .list = {items, n}};
    *p = (Property){.name = {.text = STR("partitioning")}, .value = array};
    return p;
}

static int stage_table(Job *j)
{
    NewTableParts parts;
    CatalogTable staged;
    Error e;
    NewColumn *columns = arena_array(j->arena, NewColumn, j->n_columns + 1);
    CatalogClient *catalog = j->context->catalogs->catalog;
    for (size_t i = 0; i < j->n_columns; i++)
        columns[i] =
            (NewColumn){.name = j->columns[i].name, .comment = STR_NULL, .type = j->columns[i].type->sql};
    if (ddl_new_table(j->context, j->name.catalog, NULL, columns, j->n_columns, partitioning_property(j),
                      j->request->n_partitioned_by ? 1 : 0, STR_NULL, &parts, j->err))
        return -1;
    if (!catalog_create_namespace(catalog, j->name.namespace_, (CatalogProperties){0}, j->arena, &e))
        j->created_schema = true;
    else if (e.code != ERR_NAMESPACE_EXISTS && e.code != ERR_ALREADY_EXISTS) {
        if (j->err)
            *j->err = e;
        return -1;
    }
    CatalogNewTable table = {.namespace_ = j->name.namespace_,
                             .name = j->name.table,
                             .location = parts.location,
                             .schema = parts.schema,
                             .spec = parts.spec,
                             .sort_order = parts.order,
                             .properties = {parts.properties, parts.n_properties},
                             .stage = true};
    if (catalog_create_table(catalog, &table, j->arena, &staged, j->err))
        return -1;
    j->table = staged.metadata;
    return 0;
}

static int match_columns(Job *j, int *column_of)
{
    const IceSchema *schema = metadata_current_schema(j->table);
    Str table = table_name_text(j->arena, j->name.catalog, j->name.schema, j->name.table);
    for (size_t i = 0; i < schema->n_fields; i++)
        column_of[i] = -1;
    for (size_t i = 0; i < j->n_columns; i++) {
        size_t k = 0;
        const SqlType *to;
        while (k < schema->n_fields && !str_eq_nocase(schema->fields[k].name, j->columns[i].name))
            k++;
        if (k == schema->n_fields)
            return err_set(j->err, ERR_COLUMN_NOT_FOUND,
                           "%.*s has the column '%.*s', which table %.*s does not have",
                           STR_ARG(j->request->name), STR_ARG(j->columns[i].original), STR_ARG(table));
        if (ice_to_sql_type(schema->fields[k].type, j->arena, &to, j->err))
            return -1;
        const SqlType *from = j->columns[i].type->sql;
        if (!sql_type_can_coerce(from, to))
            return err_set(
                j->err, ERR_TYPE_MISMATCH, "%.*s: column '%.*s' is of type %.*s, table %.*s has %.*s",
                STR_ARG(j->request->name), STR_ARG(j->columns[i].original),
                STR_ARG(sql_type_name(from, j->arena)), STR_ARG(table), STR_ARG(sql_type_name(to, j->arena)));
        column_of[k] = (int)i;
    }
    return 0;
}

/* ---- reading and writing ---- */

static Str source_sql(Job *j)
{
    Buf out = BUF_INIT(16 << 20);
    buf_puts(&out, "SELECT ");
    for (size_t i = 0; i < j->n_columns; i++) {
        _cleanup_buf_ Buf name = BUF_INIT(1 << 16);
        buf_puts(&name, "f.");
        sql_ident(&name, j->columns[i].original);
        buf_puts(&out, i ? ", " : "");
        import_put(&out, buf_str(&name), j->columns[i].type, j->arena);
        buf_printf(&out, " AS c%zu", i);
    }
    buf_printf(&out, " FROM %.*s f", STR_ARG(j->reader));
    Str sql = arena_str(j->arena, buf_str(&out));
    buf_free(&out);
    return sql;
}

typedef struct Watcher {
    const Job *job;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool is_over;
} Watcher;

/* COPY blocks its thread: this one tells how far it is. */
static void *watch(void *arg)
{
    Watcher *w = arg;
    const ImportRequest *q = w->job->request;
    pthread_mutex_lock(&w->lock);
    while (!w->is_over) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += PROGRESS_EVERY_MS * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&w->ended, &w->lock, &until);
        if (!w->is_over)
            q->on_progress(q->arg, "writing", engine_progress(w->job->context->connection), 0);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static int write_rows(Job *j)
{
    const IceSchema *schema = metadata_current_schema(j->table);
    int *column_of = arena_array(j->arena, int, schema->n_fields + 1);
    const SqlType **types = arena_array(j->arena, const SqlType *, j->n_columns + 1);
    Watcher w = {.job = j, .lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    if (match_columns(j, column_of))
        return -1;
    for (size_t i = 0; i < j->n_columns; i++)
        types[i] = j->columns[i].type->sql;
    WriteSource source = {.sql = source_sql(j), .types = types, .column_of = column_of};
    j->files = arena_new_of(j->arena, WrittenFiles);
    bool watched = j->request->on_progress && thread_start(&thread, "import", watch, &w, NULL) == 0;
    int r = iceberg_write_files(j->context, j->table, &source, j->files, j->err);
    if (watched) {
        pthread_mutex_lock(&w.lock);
        w.is_over = true;
        pthread_cond_signal(&w.ended);
        pthread_mutex_unlock(&w.lock);
        pthread_join(thread, NULL);
    }
    bool readers_fault = r && j->err &&
                         (j->err->code == ERR_INVALID_CAST_ARGUMENT || j->err->code == ERR_ICEBERG_BAD_DATA ||
                          j->err->code == ERR_INTERNAL || j->err->code == ERR_CORRUPT);
    return readers_fault ? bad_file(j) : r;
}

static int commit(Job *j)
{
    const ImportRequest *q = j->request;
    CommitTarget target = {
        .namespace_ = j->name.namespace_, .name = j->name.table, .base = j->table, .operation = ICE_APPEND};
    if (q->on_progress)
        q->on_progress(q->arg, "committing", 100, j->files->rows);
    if (j->creates)
        ddl_creation_updates(j->table, j->arena, &target.create_updates, &target.n_create_updates);
    *j->result =
        (ImportResult){.table = table_name_text(j->arena, j->name.catalog, j->name.schema, j->name.table),
                       .created = j->creates,
                       .rows = j->files->rows,
                       .files = (int64_t)j->files->n,
                       .bytes = j->files->bytes};
    return iceberg_commit_files(j->context, &target, j->files, &j->result->snapshot_id, j->err);
}

int catalogs_import(StatementContext *context, const ImportRequest *request, ImportResult *ret, Error *err)
{
    Error e = {0};
    Job j = {.context = context, .request = request, .arena = context->arena, .err = &e, .result = ret};
    int r = split_name(&j) || find_format(&j) ? -1 : 0;
    if (!r && request->on_progress)
        request->on_progress(request->arg, "reading", -1, 0);
    if (!r)
        make_reader(&j);
    r = r || load_table(&j) || describe(&j) || (j.creates && stage_table(&j)) || write_rows(&j) || commit(&j)
            ? -1
            : 0;
    if (r && j.created_schema)
        catalog_drop_namespace(context->catalogs->catalog, j.name.namespace_, j.arena, NULL);
    if (r && err)
        *err = e;
    return r;
}
