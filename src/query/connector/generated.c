#include "query/connector/generated.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/thread.h"
#include "query/connector/rows.h"
#include "query/connector/sql_text.h"

/* Part of the folder's name: files that an older generator or an older form of ours left are not read. */
#define CACHE_VERSION "duckdb-1.5.5-1"

enum { CACHE_FOLDERS_MAX = 256 };

static const struct {
    const char *name, *scale;
} schemas[GENERATED_SCHEMAS] = {{"sf1", "1"}, {"sf10", "10"}, {"tiny", "0.01"}};

/* What Trino's connectors list. All schemas "sf<number>" exist; the bigger ones are described, not read. */
static const char *const listed[] = {"sf1",    "sf100",  "sf1000",  "sf10000", "sf100000",
                                     "sf300", "sf3000", "sf30000", "tiny"};
enum { N_LISTED = sizeof listed / sizeof *listed };

struct GeneratedData {
    pthread_mutex_t lock[GENERATED_CATALOGS][GENERATED_SCHEMAS];
    _Atomic bool ready[GENERATED_CATALOGS][GENERATED_SCHEMAS];
};

GeneratedData *generated_data_new(void)
{
    GeneratedData *data = calloc(1, sizeof *data);
    if (!data)
        abort();
    for (size_t c = 0; c < GENERATED_CATALOGS; c++)
        for (size_t s = 0; s < GENERATED_SCHEMAS; s++)
            pthread_mutex_init(&data->lock[c][s], NULL);
    return data;
}

void generated_data_free(GeneratedData *data)
{
    for (size_t c = 0; data && c < GENERATED_CATALOGS; c++)
        for (size_t s = 0; s < GENERATED_SCHEMAS; s++)
            pthread_mutex_destroy(&data->lock[c][s]);
    free(data);
}

static size_t schema_index(Str name)
{
    size_t i = 0;
    while (i < GENERATED_SCHEMAS && !str_is(name, schemas[i].name))
        i++;
    return i;
}

static bool schema_is_known(Str name)
{
    int64_t scale;
    return schema_index(name) < GENERATED_SCHEMAS ||
           (str_has_prefix(name, STR("sf")) &&
            str_to_i64(str_slice(name, 2, name.len), 1, INT32_MAX, &scale, NULL) == 0);
}

/* ---- the cache ---- */

static Str cache_folder(const Catalogs *c, Arena *arena)
{
    return arena_printf(arena, "%.*s/query/cache/" CACHE_VERSION, STR_ARG(c->options.data_dir));
}

static Str data_folder(const Catalogs *c, const GeneratedCatalog *catalog, size_t schema, Arena *arena)
{
    return arena_printf(arena, "%.*s/%s-%s", STR_ARG(cache_folder(c, arena)), catalog->name,
                        schemas[schema].name);
}

static int parts_of(const GeneratedCatalog *catalog, const GeneratedTable *table, size_t schema)
{
    return table->is_fixed ? 1 : catalog->parts[schema];
}

static Str part_path(Str folder, const GeneratedTable *table, int part, Arena *arena)
{
    return arena_printf(arena, "%.*s/%s-%d.parquet", STR_ARG(folder), table->name, part);
}

static bool is_whole(const GeneratedCatalog *catalog, size_t schema, Str folder, Arena *arena)
{
    for (size_t i = 0; i < catalog->n_tables; i++)
        for (int part = 0; part < parts_of(catalog, &catalog->tables[i], schema); part++) {
            int64_t size;
            if (fs_size(part_path(folder, &catalog->tables[i], part, arena).ptr, &size, NULL) || size == 0)
                return false;
        }
    return true;
}

typedef struct CacheEntry {
    Str path;
    int64_t size_bytes;
    struct timespec used;
} CacheEntry;

static int64_t folder_bytes(Str path, Arena *arena)
{
    int64_t sum = 0;
    DIR *dir = opendir(path.ptr);
    for (const struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        int64_t size;
        if (e->d_name[0] != '.' &&
            fs_size(arena_printf(arena, "%.*s/%s", STR_ARG(path), e->d_name).ptr, &size, NULL) == 0)
            sum += size;
    }
    if (dir)
        closedir(dir);
    return sum;
}

static int oldest_first(const void *a, const void *b)
{
    const struct timespec *x = &((const CacheEntry *)a)->used, *y = &((const CacheEntry *)b)->used;
    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

/* What statements of this process may be reading stays. */
static bool is_read(const GeneratedData *data, const GeneratedCatalog *const *catalogs, const char *name)
{
    char known[64];
    for (size_t c = 0; c < GENERATED_CATALOGS; c++)
        for (size_t s = 0; s < GENERATED_SCHEMAS; s++) {
            snprintf(known, sizeof known, "%s-%s", catalogs[c]->name, schemas[s].name);
            if (data->ready[c][s] && strcmp(known, name) == 0)
                return true;
        }
    return false;
}

/* Removes what is not read by this process until the rest fits, and whatever other versions left. */
static void trim_cache(Catalogs *c, Arena *arena)
{
    const GeneratedCatalog *catalogs[GENERATED_CATALOGS] = {&tpch_generated, &tpcds_generated};
    CacheEntry *entries = arena_array(arena, CacheEntry, CACHE_FOLDERS_MAX);
    size_t n = 0;
    int64_t total = 0;
    Str folder = cache_folder(c, arena);
    DIR *dir = opendir(folder.ptr);
    for (const struct dirent *e; dir && n < CACHE_FOLDERS_MAX && (e = readdir(dir)) != NULL;) {
        struct stat st;
        Str path = arena_printf(arena, "%.*s/%s", STR_ARG(folder), e->d_name);
        if (e->d_name[0] == '.' || stat(path.ptr, &st) != 0)
            continue;
        int64_t size = folder_bytes(path, arena);
        total += size;
        if (!is_read(c->generated, catalogs, e->d_name))
            entries[n++] = (CacheEntry){path, size, st.st_mtim};
    }
    if (dir)
        closedir(dir);
    qsort(entries, n, sizeof *entries, oldest_first);
    for (size_t i = 0; i < n && total > c->options.generated_limit_bytes; i++) {
        log_info("generated.evict", L_STR("path", entries[i].path), L_INT("bytes", entries[i].size_bytes));
        if (fs_remove_tree(entries[i].path.ptr, NULL) == 0)
            total -= entries[i].size_bytes;
    }
}

static void remove_other_versions(const Catalogs *c, Arena *arena)
{
    Str folder = arena_printf(arena, "%.*s/query/cache", STR_ARG(c->options.data_dir));
    DIR *dir = opendir(folder.ptr);
    for (const struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.' && strcmp(e->d_name, CACHE_VERSION) != 0)
            fs_remove_tree(arena_printf(arena, "%.*s/%s", STR_ARG(folder), e->d_name).ptr, NULL);
    if (dir)
        closedir(dir);
}

/* ---- making the data ---- */

typedef struct Making {
    StatementContext *context;
    const GeneratedCatalog *catalog;
    size_t schema;
    Str folder; /* where files are written first */
    char source[64];
} Making;

static int run(StatementContext *context, Buf *sql, Error *err)
{
    int r = buf_check(sql, err) || engine_execute(context->connection, buf_str(sql), NULL, err) ? -1 : 0;
    buf_clear(sql);
    return r;
}

/* Columns are taken by their places: names differ in prefixes, and in two misspelt ones. */
static int copy_table(const Making *m, const GeneratedTable *t, int part, Error *err)
{
    size_t n;
    Arena *arena = m->context->arena;
    const TableColumn *columns = columns_of(arena, t->columns, &n);
    _cleanup_buf_ Buf sql = BUF_INIT(1 << 20);
    buf_puts(&sql, "COPY (SELECT ");
    for (size_t i = 0; i < n; i++) {
        bool is_char = columns[i].type->kind == TYPE_CHAR; /* held without its blanks (types.def) */
        buf_printf(&sql, "%sCAST(%s AS %.*s) AS %.*s", i ? ", " : "",
                   arena_printf(arena, is_char ? "rtrim(g%zu)" : "g%zu", i).ptr,
                   STR_ARG(sql_type_duckdb(columns[i].type, arena)), STR_ARG(columns[i].name));
    }
    buf_printf(&sql, " FROM %s.%s AS g(", m->source, t->name);
    for (size_t i = 0; i < n; i++)
        buf_printf(&sql, "%sg%zu", i ? ", " : "", i);
    buf_puts(&sql, ")) TO ");
    emit_string_literal(&sql, part_path(m->folder, t, part, arena));
    buf_puts(&sql, " (FORMAT parquet, COMPRESSION zstd)");
    return run(m->context, &sql, err) ? -1 : fs_sync_path(part_path(m->folder, t, part, arena).ptr, err);
}

static int make_part(const Making *m, int part, Error *err)
{
    Error ignored;
    _cleanup_buf_ Buf sql = BUF_INIT(1 << 16);
    buf_printf(&sql, "DROP SCHEMA IF EXISTS %s CASCADE", m->source);
    if (run(m->context, &sql, err))
        return -1;
    buf_printf(&sql, "CREATE SCHEMA %s", m->source);
    int r = run(m->context, &sql, err);
    buf_printf(&sql, "CALL %s(sf = %s, schema = '%s'", m->catalog->generator, schemas[m->schema].scale,
               m->source);
    if (m->catalog->parts[m->schema] > 1)
        buf_printf(&sql, ", children = %d, step = %d", m->catalog->parts[m->schema], part);
    buf_putc(&sql, ')');
    r = r || run(m->context, &sql, err) ? -1 : 0;
    for (size_t i = 0; !r && i < m->catalog->n_tables; i++)
        if (part < parts_of(m->catalog, &m->catalog->tables[i], m->schema))
            r = copy_table(m, &m->catalog->tables[i], part, err);
    buf_clear(&sql);
    buf_printf(&sql, "DROP SCHEMA IF EXISTS %s CASCADE", m->source);
    if (run(m->context, &sql, &ignored))
        log_warn("generated.drop", L_ERR(&ignored));
    return r;
}

static int make_files(Making *m, Str target, Error *err)
{
    const Catalogs *c = m->context->catalogs;
    Arena *arena = m->context->arena;
    m->folder = arena_printf(arena, "%.*s/query/tmp/%s-%s", STR_ARG(c->options.data_dir), m->catalog->name,
                             schemas[m->schema].name);
    snprintf(m->source, sizeof m->source, "lakehouse_%s_%s", m->catalog->name, schemas[m->schema].name);
    if (fs_remove_tree(m->folder.ptr, err) || fs_mkdir_all(m->folder.ptr, 0700, err))
        return -1;
    int r = 0;
    for (int part = 0; !r && part < m->catalog->parts[m->schema]; part++)
        r = make_part(m, part, err);
    if (r || fs_sync_dir(m->folder.ptr, err) || fs_mkdir_all(cache_folder(c, arena).ptr, 0700, err) ||
        fs_remove_tree(target.ptr, err) || fs_rename(m->folder.ptr, target.ptr, err) ||
        fs_sync_dir(cache_folder(c, arena).ptr, err)) {
        fs_remove_tree(m->folder.ptr, NULL);
        return err_prefix(err, "making %s.%s", m->catalog->name, schemas[m->schema].name);
    }
    return 0;
}

static int make_data(StatementContext *context, const GeneratedCatalog *catalog, size_t schema, Error *err)
{
    GeneratedData *data = context->catalogs->generated;
    if (data->ready[catalog->slot][schema])
        return 0;
    MUTEX_GUARD(&data->lock[catalog->slot][schema]);
    if (data->ready[catalog->slot][schema])
        return 0;
    Making m = {.context = context, .catalog = catalog, .schema = schema};
    Str folder = data_folder(context->catalogs, catalog, schema, context->arena);
    if (!is_whole(catalog, schema, folder, context->arena)) {
        remove_other_versions(context->catalogs, context->arena);
        if (make_files(&m, folder, err))
            return -1;
    } else if (utimensat(AT_FDCWD, folder.ptr, NULL, 0) != 0)
        log_warn("generated.touch", L_STR("path", folder), L_INT("errno", errno));
    data->ready[catalog->slot][schema] = true;
    trim_cache(context->catalogs, context->arena);
    return 0;
}

/* ---- the connector ---- */

static int emit_scan(EmitContext *emit, const TableHandle *handle, const Relation *relation, Buf *out,
                     Error *err)
{
    StatementContext *context = emit->statement;
    const GeneratedCatalog *catalog = handle->data;
    size_t schema = schema_index(handle->schema), t = 0;
    bool first = true;
    while (!str_is(handle->table, catalog->tables[t].name))
        t++;
    if (schema == GENERATED_SCHEMAS)
        return err_set(err, ERR_NOT_SUPPORTED,
                       "Schema %.*s.%.*s is too large to be generated here; use tiny, sf1 or sf10",
                       STR_ARG(handle->catalog), STR_ARG(handle->schema));
    if (make_data(context, catalog, schema, err))
        return -1;
    buf_puts(out, "SELECT ");
    for (size_t i = 0; i < handle->n_columns; i++) {
        if (!relation->used[i])
            continue;
        buf_puts(out, first ? "" : ", ");
        first = false;
        if (handle->columns[i].hidden)
            buf_printf(out, "CAST(p.file_row_number AS BIGINT) AS c%zu", i);
        else
            buf_printf(out, "p.%.*s AS c%zu", STR_ARG(handle->columns[i].name), i);
    }
    buf_puts(out, first ? "1 AS no_column FROM read_parquet([" : " FROM read_parquet([");
    Str folder = data_folder(context->catalogs, catalog, schema, emit->arena);
    for (int part = 0; part < parts_of(catalog, &catalog->tables[t], schema); part++) {
        buf_puts(out, part ? "," : "");
        sql_path(out, part_path(folder, &catalog->tables[t], part, emit->arena));
    }
    buf_puts(out, "], hive_partitioning=false) p");
    return buf_check(out, err);
}

static bool is_same(const TableHandle *a, const TableHandle *b)
{
    return str_eq(a->schema, b->schema) && str_eq(a->table, b->table);
}

int generated_schemas(StatementContext *context, Str catalog, Arena *arena, const Str **ret, size_t *ret_n,
                      Error *err)
{
    Str *names = arena_array(arena, Str, N_LISTED);
    (void)context, (void)catalog, (void)err;
    for (size_t i = 0; i < N_LISTED; i++)
        names[i] = str_from(listed[i]);
    *ret = names;
    *ret_n = N_LISTED;
    return 0;
}

int generated_schema_exists(StatementContext *context, Str schema, bool *ret, Error *err)
{
    (void)context, (void)err;
    *ret = schema_is_known(schema);
    return 0;
}

int generated_tables(const GeneratedCatalog *catalog, Str schema, Arena *arena, const Str **ret,
                     size_t *ret_n)
{
    Str *names = arena_array(arena, Str, catalog->n_tables);
    for (size_t i = 0; i < catalog->n_tables; i++)
        names[i] = str_from(catalog->tables[i].name);
    *ret = names;
    *ret_n = schema_is_known(schema) ? catalog->n_tables : 0;
    return 0;
}

/* Never change: made once for the process. */
static const TableColumn *columns_of_table(const GeneratedCatalog *catalog, size_t table, size_t *ret_n)
{
    enum { TABLES_MAX = 32, ALL_BYTES = 4 << 20 };
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct {
        const TableColumn *columns;
        size_t n;
    } known[GENERATED_CATALOGS][TABLES_MAX];
    static Arena *arena;
    assert(table < TABLES_MAX);
    MUTEX_GUARD(&lock);
    if (!arena)
        arena = arena_new(ALL_BYTES);
    if (!known[catalog->slot][table].columns) {
        size_t n;
        Str text =
            arena_printf(arena, "%s%s", catalog->tables[table].columns, catalog->hidden_columns);
        TableColumn *columns = (TableColumn *)columns_of(arena, text.ptr, &n);
        for (size_t i = 0; i < n; i++)
            columns[i].not_null = catalog->not_null;
        known[catalog->slot][table].columns = columns;
        known[catalog->slot][table].n = n;
    }
    *ret_n = known[catalog->slot][table].n;
    return known[catalog->slot][table].columns;
}

int generated_table(const GeneratedCatalog *catalog, Str name, Str schema, Str table,
                    const Relation *reference, Arena *arena, const TableHandle **ret, Error *err)
{
    static const ConnectorOps ops[GENERATED_CATALOGS] = {{"tpch", emit_scan, is_same},
                                                          {"tpcds", emit_scan, is_same}};
    *ret = NULL;
    if (!schema_is_known(schema))
        return 0;
    for (size_t i = 0; i < catalog->n_tables; i++) {
        if (!str_is(table, catalog->tables[i].name))
            continue;
        if (reference)
            return err_set(err, ERR_NOT_SUPPORTED, "This connector does not support versioned tables");
        TableHandle *handle = arena_new_of(arena, TableHandle);
        size_t n;
        const TableColumn *columns = columns_of_table(catalog, i, &n);
        *handle = (TableHandle){.ops = &ops[catalog->slot],
                                .catalog = arena_str(arena, name),
                                .schema = arena_str(arena, schema),
                                .table = str_from(catalog->tables[i].name),
                                .columns = columns,
                                .n_columns = n,
                                .data = (void *)catalog};
        *ret = handle;
    }
    return 0;
}
