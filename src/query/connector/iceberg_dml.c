/* iceberg_dml.c - DELETE, UPDATE, MERGE and TRUNCATE: rows told by id, deletes beside new files, one commit.
 *
 * The statement's query (analyze_dml.c) runs once, into a temporary table that may spill: row id, for MERGE
 * the case, new values. From there: files all of whose rows go leave the snapshot; for others the positions
 * are written (iceberg_row_deletes.c); new values become data files. Where metadata says that all rows of the
 * files match, nothing is read at all. */
#include "query/connector/iceberg_dml.h"

#include "base/log.h"
#include "query/connector/iceberg_scan.h"
#include "query/connector/sql_text.h"

#define CHANGES "__changes"

/* ---- conflicts ---- */

static bool is_serializable(const Change *c)
{
    const char *property = c->kind == STMT_DELETE   ? "write.delete.isolation-level"
                           : c->kind == STMT_UPDATE ? "write.update.isolation-level"
                                                    : "write.merge.isolation-level";
    return !str_is(metadata_property(c->table->metadata, property, STR("serializable")), "snapshot");
}

static const SnapshotChecks *make_checks(Change *c)
{
    SnapshotChecks *checks = arena_new_of(c->arena, SnapshotChecks);
    Str *paths = arena_array(c->arena, Str, c->n_touched + 1);
    for (size_t i = 0; i < c->n_touched; i++)
        paths[i] = c->touched[i].scan->file->path;
    *checks = (SnapshotChecks){.start_snapshot_id = c->table->snapshot ? c->table->snapshot->snapshot_id : -1,
                               .filter = c->filter,
                               .no_new_data = is_serializable(c),
                               .no_new_deletes = true,
                               .data_paths = paths,
                               .n_data_paths = c->n_touched};
    return checks;
}

static IceOperation operation_of(const Change *c)
{
    if (c->has_new_rows)
        return c->n_touched ? ICE_OVERWRITE : ICE_APPEND;
    return ICE_DELETE;
}

static int commit(Change *c, Error *err)
{
    CommitTarget target = {.namespace_ = c->table->namespace_,
                           .name = c->table->name,
                          .branch = c->table->branch,
                           .base = c->table->metadata,
                           .operation = operation_of(c),
                           .removed = c->removed.items,
                           .n_removed = c->removed.n,
                           .checks = make_checks(c)};
    if (!c->files->n && !c->removed.n) {
        written_files_free(c->files);
        return 0;
    }
    return iceberg_commit_files(c->context, &target, c->files, NULL, err);
}

void change_remove(Change *c, const IceDataFile *file, const IceManifestFile *manifest)
{
    *vec_push(c->arena, &c->removed) = (RemovedFile){file, manifest};
}

/* ---- whole files, by metadata alone ---- */

static void remove_plan(Change *c, const ScanPlan *plan)
{
    c->touched = arena_array(c->arena, TouchedFile, plan->n_files + 1);
    for (size_t i = 0; i < plan->n_files; i++) {
        c->touched[c->n_touched++] =
            (TouchedFile){&plan->files[i], plan->files[i].file->record_count, true};
        change_remove(c, plan->files[i].file, plan->files[i].manifest);
    }
    for (size_t i = 0; i < plan->n_deletes; i++)
        if (!c->is_partial_plan && !ice_file_is_dv(plan->deletes[i]->file))
            change_remove(c, plan->deletes[i]->file, plan->deletes[i]->manifest);
}

/* 1: done, 0: rows must be looked at. */
static int delete_by_metadata(Change *c, const Relation *relation, int64_t *ret_rows, Error *err)
{
    const ScanPlan *plan;
    if (iceberg_plan(c->context, c->handle, relation, &plan, err))
        return -1;
    if (plan->has_residual || plan->has_deletes)
        return 0;
    c->is_partial_plan = relation->n_conjuncts > 0;
    remove_plan(c, plan);
    *ret_rows = plan->record_count;
    return commit(c, err) ? -1 : 1;
}

/* ---- the changes ---- */

static int make_changes(Change *c, Str source_sql, Error *err)
{
    Buf sql = BUF_INIT(SQL_BYTES_MAX * 2);
    buf_printf(&sql, "CREATE OR REPLACE TEMP TABLE " CHANGES " AS SELECT * FROM (%.*s)", STR_ARG(source_sql));
    if (c->kind == STMT_MERGE)
        buf_puts(&sql, " WHERE c1 IS NOT NULL");
    int r = buf_check(&sql, err) || engine_execute(c->context->connection, buf_str(&sql), NULL, err) ? -1 : 0;
    buf_free(&sql);
    return r;
}

static void drop_changes(Change *c)
{
    Error ignored;
    if (engine_execute(c->context->connection, STR("DROP TABLE IF EXISTS " CHANGES), NULL, &ignored))
        log_debug("query.changes_left", L_ERR(&ignored));
}

/* How many rows change in each file. A row that a MERGE's source matches twice is an error. */
static int count_changes(Change *c, Error *err)
{
    const SqlType *types[] = {&TYPE_BIGINT_, &TYPE_BIGINT_, &TYPE_BIGINT_};
    const RowIdFiles *ids = c->table->row_ids;
    const Json *rows;
    Str sql = arena_printf(c->arena,
                           "SELECT c0 >> %d, count(*), %s FROM " CHANGES
                           " WHERE c0 IS NOT NULL GROUP BY 1 ORDER BY 1",
                           ROW_ID_POSITION_BITS, c->kind == STMT_MERGE ? "count(DISTINCT c0)" : "count(*)");
    if (sql_query_rows(c->context, sql, types, 3, &rows, err))
        return -1;
    c->touched = arena_array(c->arena, TouchedFile, rows->array.n + 1);
    for (size_t i = 0; i < rows->array.n; i++) {
        const Json *const *row = rows->array.items[i]->array.items;
        int64_t number = row[0]->i64, n = row[1]->i64, distinct = row[2]->i64;
        if (number < 0 || (size_t)number >= ids->files.n)
            return err_set(err, ERR_INTERNAL, "a row id names file %lld of %zu", (long long)number,
                           ids->files.n);
        if (n != distinct)
            return err_set(err, ERR_MERGE_TARGET_ROW_MULTIPLE_MATCHES,
                           "One MERGE target table row matched more than one source row");
        const ScanFile *scan = ids->files.items[number];
        bool is_whole = !scan->n_deletes && n == scan->file->record_count;
        c->touched[c->n_touched++] = (TouchedFile){scan, n, is_whole, number};
        if (is_whole)
            change_remove(c, scan->file, scan->manifest);
    }
    return 0;
}

static int count_rows(Change *c, int64_t *ret, Error *err)
{
    const SqlType *types[] = {&TYPE_BIGINT_};
    const Json *rows;
    if (sql_query_rows(c->context, STR("SELECT count(*) FROM " CHANGES), types, 1, &rows, err))
        return -1;
    *ret = rows->array.items[0]->array.items[0]->i64;
    return 0;
}

/* The rows with new values: all of an UPDATE's, a MERGE's but for those of its DELETE cases. */
static int write_new_rows(Change *c, const Statement *s, const Analysis *analysis, Error *err)
{
    size_t first = c->kind == STMT_MERGE ? 2 : 1, n_fields = c->table->schema->n_fields;
    size_t n = analysis->n_columns - first; /* the last, on v3, is what the row's id was */
    const SqlType **types = arena_array(c->arena, const SqlType *, n + 1);
    int *column_of = arena_array(c->arena, int, n + 1);
    _cleanup_buf_ Buf sql = BUF_INIT(16 << 20);
    buf_puts(&sql, "SELECT ");
    for (size_t i = 0; i < n; i++) {
        buf_printf(&sql, "%sc%zu AS c%zu", i ? ", " : "", first + i, i);
        types[i] = analysis->columns[first + i].type;
        column_of[i] = (int)i;
    }
    buf_puts(&sql, " FROM " CHANGES);
    const char *sep = " WHERE c1 NOT IN (";
    for (size_t k = 0; k < s->n_merge_cases; k++)
        if (s->merge_cases[k].action == MERGE_DELETE) {
            buf_printf(&sql, "%s%zu", sep, k);
            sep = ", ";
        }
    buf_puts(&sql, *sep == ',' ? ")" : "");
    WriteSource source = {.sql = arena_str(c->arena, buf_str(&sql)),
                          .types = types,
                          .column_of = column_of,
                          .keeps_ids = n > n_fields,
                          .id_column = (int)n_fields};
    if (buf_check(&sql, err) || iceberg_write_files(c->context, c->table->metadata, &source, c->files, err))
        return -1;
    c->has_new_rows = c->files->n > 0;
    return 0;
}

static int change_rows(Change *c, const Statement *s, const Analysis *analysis, Str source_sql,
                       int64_t *ret_rows, Error *err)
{
    if (make_changes(c, source_sql, err) || count_changes(c, err) || count_rows(c, ret_rows, err))
        return -1;
    if (c->kind != STMT_DELETE && *ret_rows && write_new_rows(c, s, analysis, err))
        return -1;
    return iceberg_write_row_deletes(c, err) || commit(c, err) ? -1 : 0;
}

static const Relation *target_access(const Analysis *analysis)
{
    for (size_t i = 0; i < analysis->n_tables; i++) {
        const TableAccess *access = &analysis->tables[i];
        if (access->handle == analysis->target && access->relation->used[access->handle->n_columns - 1])
            return access->relation;
    }
    return NULL;
}

static int open_change(StatementContext *context, const TableHandle *handle, StatementKind kind, Change *ret,
                       Error *err)
{
    if (handle->ops != &iceberg_ops)
        return err_set(err, ERR_NOT_SUPPORTED, "This connector does not support modifying table rows");
    const IcebergTable *table = iceberg_table_of(handle);
    *ret = (Change){.context = context,
                    .kind = kind,
                    .handle = handle,
                    .table = table,
                    .arena = context->arena,
                    .files = arena_new_of(context->arena, WrittenFiles)};
    return 0;
}

static int check_version(const Change *c, Error *err)
{
    if (c->table->metadata->format_version >= 2)
        return 0;
    return err_set(err, ERR_NOT_SUPPORTED, "Iceberg table updates require at least format version 2");
}

int catalogs_change_rows(StatementContext *context, const Statement *statement, const Analysis *analysis,
                         Str source_sql, int64_t *ret_rows, Error *err)
{
    Change c;
    const Relation *target = target_access(analysis);
    if (open_change(context, analysis->target, statement->kind, &c, err))
        return -1;
    if (!target)
        return err_set(err, ERR_INTERNAL, "the statement reads no row ids");
    c.filter = iceberg_predicate(context, c.table->schema, target, c.arena);
    if (statement->kind == STMT_DELETE && (!statement->where || target->n_conjuncts)) {
        int done = delete_by_metadata(&c, target, ret_rows, err);
        if (done)
            return done < 0 ? -1 : 0;
    }
    if (check_version(&c, err))
        return -1;
    int r = change_rows(&c, statement, analysis, source_sql, ret_rows, err);
    drop_changes(&c);
    return r;
}

int catalogs_truncate(StatementContext *context, const TableHandle *handle, Error *err)
{
    Change c;
    const ScanPlan *plan;
    if (open_change(context, handle, STMT_TRUNCATE, &c, err))
        return -1;
    ManifestSource source = catalogs_manifest_source(context->catalogs);
    ScanOptions options = {.snapshot = c.table->snapshot, .schema = c.table->schema};
    if (scan_plan(c.table->metadata, &options, &source, c.arena, &plan, err))
        return -1;
    remove_plan(&c, plan);
    return commit(&c, err);
}
