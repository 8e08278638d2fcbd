#include "query/connector/iceberg_scan.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "query/connector/iceberg_types.h"
#include "query/connector/rows.h"
#include "query/connector/sql_text.h"

enum {
    CONSTANT_GROUPS_MAX = 64, /* more branches of a UNION cost more to plan than the files cost to read */
    INLINE_BYTES_MAX = 16 << 20,
};

typedef struct Scan {
    StatementContext *context;
    const TableHandle *handle;
    const IcebergTable *table;
    const Relation *relation;
    const ScanPlan *plan;
    Arena *arena;
    Buf *out;
    Error *err;
    size_t n_branches; /* of the UNION ALL, so far */
} Scan;

/* ---- plan ---- */

int iceberg_plan(StatementContext *context, const TableHandle *handle, const Relation *relation,
                 const ScanPlan **ret, Error *err)
{
    const IcebergTable *t = iceberg_table_of(handle);
    if (t->plan) {
        *ret = t->plan;
        return 0;
    }
    ManifestSource source = catalogs_manifest_source(context->catalogs);
    ScanOptions options = {.snapshot = t->snapshot,
                           .schema = t->schema,
                           .filter = iceberg_predicate(context, t->schema, relation, context->arena)};
    return scan_plan(t->metadata, &options, &source, context->arena, ret, err);
}

/* ---- local files ---- */

typedef struct Held {
    struct Held *next;
    void (*let_go)(void *arg);
    void *arg;
} Held;

void catalogs_statement_ended(StatementContext *context)
{
    for (Held *h = context->held; h; h = h->next) {
        h->let_go(h->arg);
        h->let_go = NULL;
    }
    context->held = NULL;
}

static void free_held(void *arg)
{
    Held *h = arg;
    if (h->let_go)
        h->let_go(h->arg);
    h->let_go = NULL;
}

void iceberg_hold(StatementContext *context, void (*let_go)(void *arg), void *arg)
{
    Held *h = arena_new_of(context->arena, Held);
    *h = (Held){context->held, let_go, arg};
    arena_on_free(context->arena, free_held, h);
    context->held = h;
}

static void free_pins(void *pins)
{
    storage_pins_free(pins);
}

static StoragePins *new_pins(StatementContext *context)
{
    StoragePins *pins = storage_pins_new(context->catalogs->storage);
    iceberg_hold(context, free_pins, pins);
    return pins;
}

static void remove_file(void *path)
{
    fs_unlink(path, NULL);
}

void iceberg_hold_file(StatementContext *context, Str path)
{
    iceberg_hold(context, remove_file, (void *)path.ptr);
}

static int missing_file(Str uri, Error *err)
{
    if (err)
        snprintf(err->resource, sizeof err->resource, "%.*s", STR_ARG(uri));
    return err_set(err, ERR_ICEBERG_CANNOT_OPEN_SPLIT,
                   "Error opening Iceberg split %.*s: the file does not exist in storage", STR_ARG(uri));
}

/* A small object has no file of its own: it gets one for as long as the statement lives. */
static int copy_inline(StatementContext *context, Str uri, LocalFile *ret, Error *err)
{
    Str bytes;
    Catalogs *c = context->catalogs;
    Str path = arena_printf(context->arena, "%.*s/query/tmp/inline-%016llx", STR_ARG(c->options.data_dir),
                            (unsigned long long)rng_u64());
    if (storage_get(c->storage, uri, INLINE_BYTES_MAX, context->arena, &bytes, NULL, err))
        return -1;
    _cleanup_close_ int fd = -1;
    if (fs_open(path.ptr, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, err))
        return -1;
    iceberg_hold_file(context, path);
    ret->path = path;
    return fs_write_all(fd, bytes.ptr, bytes.len, err);
}

int iceberg_open_files(StatementContext *context, const Str *uris, size_t n, LocalFile *ret, Error *err)
{
    StorageFile *found;
    if (!n)
        return 0;
    StoragePins *pins = new_pins(context);
    if (storage_resolve(context->catalogs->storage, pins, uris, n, context->arena, &found, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!found[i].found)
            return missing_file(uris[i], err);
        ret[i] = (LocalFile){.uri = uris[i], .path = found[i].path, .size = found[i].size};
        if (found[i].is_inline && copy_inline(context, uris[i], &ret[i], err))
            return -1;
    }
    return 0;
}

/* ---- what is known without the file ---- */

static const IcePartitionType *partition_type(Scan *s, int32_t spec_id)
{
    IcePartitionType *type = arena_new_of(s->arena, IcePartitionType);
    return ice_partition_type(s->table->metadata, spec_id, s->arena, type, NULL) ? NULL : type;
}

/* The value that every row of a file has in a column, by its identity partition. */
static const IceValue *identity_value(Scan *s, const IceDataFile *file, int32_t field_id)
{
    const IcePartitionSpec *spec = metadata_spec(s->table->metadata, file->spec_id);
    for (size_t i = 0; spec && i < spec->n_fields && i < file->n_partition; i++)
        if (spec->fields[i].source_id == field_id && spec->fields[i].transform.kind == ICE_TRANSFORM_IDENTITY)
            return &file->partition[i];
    return NULL;
}

static Str partition_text(Scan *s, const IceDataFile *file)
{
    const IcePartitionType *type = partition_type(s, file->spec_id);
    return type ? ice_partition_path(type->spec, file->partition, s->arena) : STR("");
}

static bool is_hidden(const Scan *s, size_t column, size_t which)
{
    return column == s->table->schema->n_fields + which;
}

static void put_as(Buf *out, size_t column)
{
    buf_printf(out, " AS c%zu", column);
}

/* The select list of a file without opening it; false: some column must be read. */
static bool put_constants(Scan *s, const IceDataFile *file, Buf *out)
{
    const IceSchema *schema = s->table->schema;
    bool first = true;
    for (size_t i = 0; i < s->handle->n_columns; i++) {
        if (!s->relation->used[i])
            continue;
        buf_puts(out, first ? "" : ", ");
        first = false;
        const IceValue *value = i < schema->n_fields ? identity_value(s, file, schema->fields[i].id) : NULL;
        if (value)
            ice_put_value(out, value, schema->fields[i].type, s->handle->columns[i].type, s->arena);
        else if (is_hidden(s, i, HIDDEN_PATH))
            emit_string_literal(out, file->path);
        else if (is_hidden(s, i, HIDDEN_PARTITION))
            emit_string_literal(out, partition_text(s, file));
        else
            return false;
        put_as(out, i);
    }
    if (first)
        buf_puts(out, "1 AS no_column");
    return true;
}

static void begin_branch(Scan *s)
{
    buf_puts(s->out, s->n_branches++ ? " UNION ALL " : "");
}

typedef struct ConstantGroup {
    Str select;
    int64_t rows;
} ConstantGroup;

/* Files whose rows are known from metadata become range(rows); `ret_left` are those that must be read. */
static void emit_constant_files(Scan *s, const ScanFile **ret_left, size_t *ret_n_left)
{
    Vec(ConstantGroup) groups = {0};
    _cleanup_buf_ Buf select = BUF_INIT(SQL_BYTES_MAX);
    size_t n_left = 0;
    for (size_t i = 0; i < s->plan->n_files; i++) {
        const ScanFile *scan = &s->plan->files[i];
        buf_clear(&select);
        if (groups.n > CONSTANT_GROUPS_MAX || scan->n_deletes || !put_constants(s, scan->file, &select)) {
            ret_left[n_left++] = scan;
            continue;
        }
        size_t g = 0;
        while (g < groups.n && !str_eq(groups.items[g].select, buf_str(&select)))
            g++;
        if (g == groups.n)
            *vec_push(s->arena, &groups) = (ConstantGroup){arena_str(s->arena, buf_str(&select)), 0};
        groups.items[g].rows += scan->file->record_count;
    }
    if (groups.n > CONSTANT_GROUPS_MAX) {
        for (size_t i = 0; i < s->plan->n_files; i++)
            ret_left[i] = &s->plan->files[i];
        *ret_n_left = s->plan->n_files;
        return;
    }
    for (size_t g = 0; g < groups.n; g++) {
        begin_branch(s);
        buf_printf(s->out, "SELECT %.*s FROM range(%lld)", STR_ARG(groups.items[g].select),
                   (long long)groups.items[g].rows);
    }
    *ret_n_left = n_left;
}

/* ---- groups of files ---- */

typedef struct GroupBuilder {
    const Layout *layout;
    Str constants;      /* SQL of columns that the files lack: column after column, empty where read */
    const Str *missing; /* n_fields of them; ptr NULL: read from the file, or NULL */
    Vec(const ScanFile *) scans;
    Vec(LocalFile) files;
} GroupBuilder;

static const ParquetNode *find_reserved(const Layout *layout, int32_t field_id)
{
    for (size_t i = 0; layout->has_ids && i < layout->root->n_children; i++)
        if (layout->root->children[i].field_id == field_id)
            return &layout->root->children[i];
    return NULL;
}

static const ParquetNode *find_column(const Layout *layout, const IceField *field)
{
    for (size_t i = 0; i < layout->root->n_children; i++) {
        const ParquetNode *node = &layout->root->children[i];
        if (layout->has_ids ? node->field_id == field->id : str_eq(node->name, field->name))
            return node;
    }
    return NULL;
}

static Str group_key(Scan *s, const ScanFile *scan, const Layout *layout, const Str *missing)
{
    _cleanup_buf_ Buf key = BUF_INIT(16 << 20);
    bool positions = false;
    buf_printf(&key, "%p", (const void *)layout);
    for (size_t i = 0; i < scan->n_deletes; i++) {
        const ScanDelete *d = scan->deletes[i];
        if (d->file->content == ICE_CONTENT_EQUALITY_DELETES)
            buf_printf(&key, " %p", (const void *)d);
        else
            positions = true;
    }
    buf_puts(&key, positions ? " +" : "");
    for (size_t i = 0; missing && i < s->table->schema->n_fields; i++)
        if (missing[i].ptr)
            buf_printf(&key, " %zu=%.*s", i, STR_ARG(missing[i]));
    return arena_str(s->arena, buf_str(&key));
}

/* Columns that are in no file because a Hive table was taken over: their value is the partition's. */
static const Str *missing_constants(Scan *s, const ScanFile *scan, const Layout *layout)
{
    const IceSchema *schema = s->table->schema;
    Str *missing = NULL;
    for (size_t i = 0; i < schema->n_fields; i++) {
        const IceField *field = &schema->fields[i];
        if (!s->relation->used[i] || find_column(layout, field))
            continue;
        const IceValue *value = identity_value(s, scan->file, field->id);
        if (!value)
            continue;
        if (!missing)
            missing = arena_array(s->arena, Str, schema->n_fields);
        _cleanup_buf_ Buf text = BUF_INIT(1 << 20);
        ice_put_value(&text, value, field->type, s->handle->columns[i].type, s->arena);
        missing[i] = arena_str(s->arena, buf_str(&text));
    }
    return missing;
}

typedef Vec(GroupBuilder *) GroupList;

static int group_files(Scan *s, const ScanFile **scans, const LocalFile *files, size_t n, GroupList *groups)
{
    Map *by_key = map_new();
    int r = 0;
    for (size_t i = 0; i < n && !r; i++) {
        const Layout *layout;
        if ((r = layout_of_file(s->context->catalogs->layouts, files[i].path, files[i].uri, &layout, s->err)))
            break;
        const Str *missing = missing_constants(s, scans[i], layout);
        Str key = group_key(s, scans[i], layout, missing);
        GroupBuilder *g = map_get(by_key, key);
        if (!g) {
            g = arena_new_of(s->arena, GroupBuilder);
            g->layout = layout;
            g->missing = missing;
            map_put(by_key, key, g);
            *vec_push(s->arena, groups) = g;
        }
        *vec_push(s->arena, &g->scans) = scans[i];
        *vec_push(s->arena, &g->files) = files[i];
        r = arena_check(s->arena, s->err);
    }
    map_free(by_key);
    return r;
}

/* ---- one group ---- */

/* A value for each file of the group, chosen by its number in the list. */
static void put_by_file(Scan *s, const GroupBuilder *g,
                        Str (*value_of)(Scan *s, const GroupBuilder *g, size_t i))
{
    if (g->files.n == 1) {
        buf_add(s->out, value_of(s, g, 0));
        return;
    }
    buf_putc(s->out, '[');
    for (size_t i = 0; i < g->files.n; i++) {
        buf_puts(s->out, i ? "," : "");
        buf_add(s->out, value_of(s, g, i));
    }
    buf_puts(s->out, "][CAST(p.file_index AS BIGINT) + 1]");
}

static Str literal_of(Scan *s, Str text)
{
    _cleanup_buf_ Buf out = BUF_INIT(text.len * 2 + 64);
    emit_string_literal(&out, text);
    return arena_str(s->arena, buf_str(&out));
}

static Str path_value(Scan *s, const GroupBuilder *g, size_t i)
{
    return literal_of(s, g->scans.items[i]->file->path);
}
static Str partition_value(Scan *s, const GroupBuilder *g, size_t i)
{
    return literal_of(s, partition_text(s, g->scans.items[i]->file));
}

static Str modified_value(Scan *s, const GroupBuilder *g, size_t i)
{
    struct stat st = {0};
    (void)stat(g->files.items[i].path.ptr, &st);
    long long ms = (long long)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return arena_printf(s->arena, "struct_pack(t := make_timestamp(%lld), zone := 0::SMALLINT)", ms * 1000);
}

/* Files get their numbers in the order of the list that read_parquet() is given. */
static void put_row_id(Scan *s, const GroupBuilder *g)
{
    RowIdFiles *ids = s->table->row_ids;
    buf_printf(s->out, "((CAST(p.file_index AS BIGINT) + %zu) << %d) + p.file_row_number", ids->files.n,
               ROW_ID_POSITION_BITS);
    for (size_t i = 0; i < g->scans.n; i++)
        *vec_push(s->arena, &ids->files) = g->scans.items[i];
}

static Str number_or_null(Scan *s, int64_t value)
{
    return value < 0 ? STR("CAST(NULL AS BIGINT)")
                     : arena_printf(s->arena, "CAST('%lld' AS BIGINT)", (long long)value);
}

static Str first_row_id(Scan *s, const GroupBuilder *g, size_t i)
{
    return number_or_null(s, g->scans.items[i]->first_row_id);
}
static Str sequence_number(Scan *s, const GroupBuilder *g, size_t i)
{
    return number_or_null(s, g->scans.items[i]->sequence_number);
}

/* What a file says of a row, or where it says nothing what the row inherits from its file's entry. */
static void put_lineage(Scan *s, const GroupBuilder *g, int32_t field_id)
{
    const ParquetNode *node = find_reserved(g->layout, field_id);
    if (node) {
        buf_puts(s->out, "coalesce(CAST(p.");
        sql_ident(s->out, node->name);
        buf_puts(s->out, " AS BIGINT), ");
    }
    if (field_id == FIELD_LINEAGE_ID) {
        buf_putc(s->out, '(');
        put_by_file(s, g, first_row_id);
        buf_puts(s->out, " + p.file_row_number)");
    } else
        put_by_file(s, g, sequence_number);
    buf_puts(s->out, node ? ")" : "");
}

static int put_column(Scan *s, const GroupBuilder *g, size_t column)
{
    const IceSchema *schema = s->table->schema;
    if (is_hidden(s, column, HIDDEN_PATH))
        put_by_file(s, g, path_value);
    else if (is_hidden(s, column, HIDDEN_PARTITION))
        put_by_file(s, g, partition_value);
    else if (is_hidden(s, column, HIDDEN_FILE_MODIFIED_TIME))
        put_by_file(s, g, modified_value);
    else if (is_hidden(s, column, HIDDEN_LINEAGE_ID))
        put_lineage(s, g, FIELD_LINEAGE_ID);
    else if (is_hidden(s, column, HIDDEN_LINEAGE_SEQUENCE))
        put_lineage(s, g, FIELD_LINEAGE_SEQUENCE);
    else if (is_hidden(s, column, HIDDEN_ROW_ID))
        put_row_id(s, g);
    else {
        const IceField *field = &schema->fields[column];
        const ParquetNode *node = find_column(g->layout, field);
        if (!node && g->missing && g->missing[column].ptr) {
            buf_add(s->out, g->missing[column]);
        } else if (!node) {
            return ice_put_missing(s->out, field, s->arena, s->err);
        } else {
            _cleanup_buf_ Buf name = BUF_INIT(1 << 16);
            buf_puts(&name, "p.");
            sql_ident(&name, node->name);
            return ice_put_read(s->out, buf_str(&name), field->type, node, g->layout->has_ids, s->arena,
                                s->err);
        }
    }
    return 0;
}

static int emit_group(Scan *s, const GroupBuilder *g)
{
    bool first = true;
    begin_branch(s);
    buf_puts(s->out, "SELECT ");
    for (size_t i = 0; i < s->handle->n_columns; i++) {
        if (!s->relation->used[i])
            continue;
        buf_puts(s->out, first ? "" : ", ");
        first = false;
        if (put_column(s, g, i))
            return -1;
        put_as(s->out, i);
    }
    buf_puts(s->out, first ? "1 AS no_column FROM read_parquet(" : " FROM read_parquet(");
    Str *paths = arena_array(s->arena, Str, g->files.n);
    for (size_t i = 0; i < g->files.n; i++)
        paths[i] = g->files.items[i].path;
    sql_paths(s->out, paths, g->files.n);
    buf_puts(s->out, ", hive_partitioning=false) p");
    FileGroup group = {
        .layout = g->layout, .scans = g->scans.items, .files = g->files.items, .n = g->files.n};
    return iceberg_put_deletes(s->context, s->table, &group, s->out, s->err);
}

static int check_format(const ScanFile *scan, Error *err)
{
    if (str_eq_nocase(scan->file->format, STR("PARQUET")))
        return 0;
    return err_set(err, ERR_NOT_SUPPORTED, "Data file %.*s has format %.*s; only PARQUET can be read",
                   STR_ARG(scan->file->path), STR_ARG(scan->file->format));
}

static int emit_files(Scan *s, const ScanFile **scans, size_t n)
{
    GroupList groups = {0};
    Str *uris = arena_array(s->arena, Str, n + 1);
    LocalFile *files = arena_array(s->arena, LocalFile, n + 1);
    int64_t bytes = 0, rows = 0;
    for (size_t i = 0; i < n; i++) {
        if (check_format(scans[i], s->err))
            return -1;
        uris[i] = scans[i]->file->path;
        bytes += scans[i]->file->size_bytes;
        rows += scans[i]->file->record_count;
    }
    if (iceberg_open_files(s->context, uris, n, files, s->err) || group_files(s, scans, files, n, &groups))
        return -1;
    for (size_t i = 0; i < groups.n; i++)
        if (emit_group(s, groups.items[i]))
            return -1;
    atomic_fetch_add(&s->context->files_read, (int64_t)n);
    atomic_fetch_add(&s->context->bytes_read, bytes);
    atomic_fetch_add(&s->context->rows_read, rows);
    metric_add(METRIC_QUERY_FILES_READ, (double)n);
    return 0;
}

/* Live data files of the snapshot, for the count of what was left out; -1: the writer did not say. */
static int64_t total_files(const IceSnapshot *snapshot)
{
    int64_t n;
    for (size_t i = 0; snapshot && i < snapshot->n_summary; i++)
        if (str_is(snapshot->summary[i].key, "total-data-files") &&
            !str_to_i64(snapshot->summary[i].value, 0, INT64_MAX, &n, NULL))
            return n;
    return -1;
}

static int emit_scan(EmitContext *emit, const TableHandle *handle, const Relation *relation, Buf *out,
                     Error *err)
{
    Scan s = {.context = emit->statement,
              .handle = handle,
              .table = iceberg_table_of(handle),
              .relation = relation,
              .arena = emit->arena,
              .out = out,
              .err = err};
    size_t n_left = 0;
    if (iceberg_plan(s.context, handle, relation, &s.plan, err))
        return -1;
    if (s.plan->n_files > STATEMENT_FILES_MAX)
        return err_set(err, ERR_LIMIT,
                       "The scan of %.*s needs %zu files; at most %d can be read by one statement",
                       STR_ARG(handle->table), s.plan->n_files, STATEMENT_FILES_MAX);
    int64_t total = total_files(s.plan->snapshot);
    int64_t pruned = total > (int64_t)s.plan->n_files ? total - (int64_t)s.plan->n_files
                                                      : (int64_t)s.plan->n_data_files_pruned;
    atomic_fetch_add(&s.context->files_pruned, pruned);
    metric_add(METRIC_QUERY_FILES_PRUNED, (double)pruned);
    const ScanFile **left = arena_array(s.arena, const ScanFile *, s.plan->n_files + 1);
    emit_constant_files(&s, left, &n_left);
    if (n_left && emit_files(&s, left, n_left))
        return -1;
    if (!s.n_branches) {
        RowSet none = rows_new(s.arena, handle, relation);
        return rows_emit(&none, out, err);
    }
    return buf_check(out, err);
}

static bool is_same(const TableHandle *a, const TableHandle *b)
{
    return str_eq(iceberg_table_of(a)->metadata_location, iceberg_table_of(b)->metadata_location);
}

const ConnectorOps iceberg_ops = {"iceberg", emit_scan, is_same};

/* ---- EXPLAIN ---- */

int catalogs_explain_scan(StatementContext *context, const TableAccess *access, Buf *out, Error *err)
{
    const ScanPlan *plan;
    if (access->handle->ops != &iceberg_ops)
        return 0;
    if (iceberg_plan(context, access->handle, access->relation, &plan, err))
        return -1;
    int64_t total = total_files(plan->snapshot);
    buf_printf(out, "    files: %zu", plan->n_files);
    if (total >= 0)
        buf_printf(out, " of %lld", (long long)total);
    buf_printf(out,
               ", rows: %lld, bytes: %lld\n    manifests: %zu, pruned: %zu; data files pruned by partition "
               "or statistics: %zu\n",
               (long long)plan->record_count, (long long)plan->size_bytes, plan->n_manifests,
               plan->n_manifests_pruned, plan->n_data_files_pruned);
    if (plan->n_deletes)
        buf_printf(out, "    delete files: %zu\n", plan->n_deletes);
    return buf_check(out, err);
}
