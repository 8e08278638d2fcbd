/* handle_changes.c - commits, and what happens to a table as a whole: register, unregister, drop, rename. */
#include <stdlib.h>

#include "base/fs.h"
#include "catalog/routes.h"
#include "catalog/table_add.h"

/* ---- commits ---- */

static int read_changes(const Json *json, TableCommit *t, Error *err)
{
    if (json_get_array(json, "requirements", &t->requirements, err) < 0 ||
        json_get_array(json, "updates", &t->updates, err) < 0)
        return -1;
    return 0;
}

int cat_update_table(CatRequest *q, Error *err)
{
    TableCommit t = {.namespace_path = q->namespace_path, .name = q->name, .holds_request = true};
    int rc;

    if (read_changes(q->json, &t, err) < 0)
        return -1;
    t.arena = TAKE_PTR(q->own_arena);
    rc = cat_commit(q, &t, 1, err);
    if (rc == 0)
        rc = cat_reply_table(q, t.document ? t.document : t.base, false, false, err);
    cat_table_commits_free(&t, 1);
    return rc;
}

static int read_transaction(CatRequest *q, const Json *changes, TableCommit *commits, Error *err)
{
    Map *seen = map_new();
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < changes->array.n; i++) {
        const Json *change = changes->array.items[i];
        TableCommit *t = &commits[i];
        if ((rc = cat_identifier_of_json(json_get(change, "identifier"), q->arena, &t->namespace_path,
                                         &t->name, err)) < 0 ||
            (rc = read_changes(change, t, err)) < 0) {
            err_prefix(err, "table-changes[%zu]", i);
            break;
        }
        Str key = arena_printf(q->arena, "%.*s\x1e%.*s", STR_ARG(t->namespace_path), STR_ARG(t->name));
        if (map_put(seen, key, t))
            rc = err_set(err, ERR_BAD_REQUEST, "table-changes[%zu]: %.*s is changed twice", i,
                         STR_ARG(reg_display_name(t->namespace_path, t->name, q->arena)));
    }
    map_free(seen);
    return rc;
}

int cat_commit_transaction(CatRequest *q, Error *err)
{
    const Json *changes;
    int rc;

    if (json_get_array(q->json, "table-changes", &changes, err) < 0)
        return -1;
    if (!changes || changes->array.n == 0 || changes->array.n > CATALOG_TABLES_PER_COMMIT)
        return err_set(err, ERR_BAD_REQUEST, "table-changes: expected 1 to %d changes",
                       CATALOG_TABLES_PER_COMMIT);
    size_t n = changes->array.n;
    TableCommit *commits = arena_array(q->arena, TableCommit, n);
    if (read_transaction(q, changes, commits, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        commits[i].arena = arena_new(CATALOG_ARENA_BYTES);
    rc = cat_commit(q, commits, n, err);
    cat_table_commits_free(commits, n);
    if (rc == 0)
        cat_reply_empty(q, 204);
    return rc;
}

/* ---- register, unregister ---- */

int cat_register_table(CatRequest *q, Error *err)
{
    _cleanup_arena_ Arena *job_arena = arena_new(CATALOG_ARENA_BYTES);
    _cleanup_document_ Document *d = NULL;
    TableAdd add = {.namespace_path = q->namespace_path, .catalog = q->catalog, .arena = job_arena};
    const TableMetadata *table;

    if (json_need_string(q->json, "name", &add.name, err) < 0 || cat_name_check(add.name, err) < 0 ||
        json_need_string(q->json, "metadata-location", &add.metadata_location, err) < 0 ||
        json_get_bool(q->json, "overwrite", false, &add.overwrite, err) < 0)
        return -1;
    if (!cat_location_is_ours(add.metadata_location))
        return err_set(err, ERR_BAD_REQUEST, "metadata-location: expected a file of this storage (s3://…)");
    if (cat_load(q->catalog, add.metadata_location, &d, err) < 0 || cat_document_table(d, &table, err) < 0) {
        if (err->code == ERR_ICEBERG_INVALID_METADATA)
            err->code = ERR_BAD_REQUEST; /* what the client names is no table */
        return -1;
    }
    add.uuid = table->table_uuid;
    add.location = table->location;
    add.version = cat_metadata_file_version(add.metadata_location);
    Outcome outcome = {200, STR_NULL, add.metadata_location};
    TableLocks locks = {.n = 0};
    Catalog *c = q->catalog;
    cat_table_locks_add(&locks, add.namespace_path, add.name);
    cat_table_locks_take(c, &locks);
    int rc = cat_write(q, cat_table_add_job, &add, &outcome, err);
    cat_table_locks_release(c, &locks);
    return rc < 0 ? -1 : cat_reply_table(q, d, false, false, err);
}

typedef struct RemoveJob {
    Str namespace_path, name;
    RegKind kind;
    bool purge;
    RegEntry entry; /* as it was found before; out: as it was removed */
    Arena *arena;
    Outcome *outcome; /* unregister: gets the last metadata location */
} RemoveJob;

static int remove_job(RegConn *conn, void *arg, Error *err)
{
    RemoveJob *job = arg;
    int64_t purge_id = 0;

    if (reg_find_entry_by_path(conn, job->namespace_path, job->name, job->arena, &job->entry, err) < 0)
        return -1;
    if (job->entry.id == 0 || job->entry.kind != job->kind)
        return (job->kind == REG_VIEW ? cat_fail_no_view : cat_fail_no_table)(job->namespace_path, job->name,
                                                                              job->arena, err);
    if (job->purge && reg_add_purge(conn, job->entry.metadata_location, &purge_id, err) < 0)
        return -1;
    if (job->outcome->status == 200)
        job->outcome->metadata_location = job->entry.metadata_location;
    if (reg_release_locations(conn, job->entry.id, job->purge ? REG_LOCATION_PURGING : REG_LOCATION_KEPT,
                              purge_id, err) < 0)
        return -1;
    return reg_remove_entry(conn, job->entry.id, err);
}

static int remove_table(CatRequest *q, RemoveJob *job, Error *err)
{
    TableLocks locks = {.n = 0};
    Catalog *c = q->catalog;

    cat_table_locks_add(&locks, job->namespace_path, job->name);
    cat_table_locks_take(c, &locks);
    int rc = cat_write(q, remove_job, job, job->outcome, err);
    cat_table_locks_release(c, &locks);
    return rc;
}

/* The table as it is now, or NULL when its metadata file is gone; then it can still be dropped. */
static int load_current(CatRequest *q, Document **ret, Error *err)
{
    RegConn *conn = registry_borrow(q->catalog->registry, err);
    RegEntry entry;
    int rc = conn ? reg_find_entry_by_path(conn, q->namespace_path, q->name, q->arena, &entry, err) : -1;

    registry_return(q->catalog->registry, conn);
    if (rc < 0)
        return -1;
    if (entry.id == 0 || entry.kind != REG_TABLE)
        return cat_fail_no_table(q->namespace_path, q->name, q->arena, err);
    return cat_load(q->catalog, entry.metadata_location, ret, err);
}

int cat_unregister_table(CatRequest *q, Error *err)
{
    _cleanup_arena_ Arena *job_arena = arena_new(CATALOG_ARENA_BYTES);
    _cleanup_document_ Document *d = NULL;
    Outcome outcome = {200, STR_NULL, STR_NULL};
    RemoveJob job = {
        .namespace_path = q->namespace_path, .name = q->name, .arena = job_arena, .outcome = &outcome};

    if (load_current(q, &d, err) < 0) /* a table that cannot be answered with is not let go */
        return -1;
    if (remove_table(q, &job, err) < 0)
        return -1;
    cat_document_unref(TAKE_PTR(d));
    if (cat_load(q->catalog, outcome.metadata_location, &d, err) < 0)
        return -1;
    return cat_reply_table(q, d, false, false, err);
}

/* ---- drop ---- */

static int check_purge(CatRequest *q, Error *err)
{
    _cleanup_document_ Document *d = NULL;
    const TableMetadata *table;

    if (load_current(q, &d, err) < 0)
        return err->code == ERR_NOT_FOUND ? 0 : -1;
    if (cat_document_table(d, &table, err) < 0)
        return -1;
    if (str_eq_nocase(metadata_property(table, "gc.enabled", STR("true")), STR("false")))
        return err_set(err, ERR_VALIDATION,
                       "Cannot purge table: GC is disabled (deleting files may corrupt other tables)");
    return 0;
}

int cat_drop_table(CatRequest *q, Error *err)
{
    _cleanup_arena_ Arena *job_arena = arena_new(CATALOG_ARENA_BYTES);
    Outcome outcome = {204, STR_NULL, STR_NULL};
    RemoveJob job = {
        .namespace_path = q->namespace_path, .name = q->name, .arena = job_arena, .outcome = &outcome};
    Str purge = http_query_param(q->http, "purgeRequested");

    job.purge = str_eq_nocase(purge, STR("true"));
    if (purge.len > 0 && !job.purge && !str_eq_nocase(purge, STR("false")))
        return err_set(err, ERR_BAD_REQUEST, "Invalid purgeRequested: expected true or false");
    if ((job.purge && check_purge(q, err) < 0) || remove_table(q, &job, err) < 0)
        return -1;
    cat_document_cache_remove(q->catalog->documents, job.entry.metadata_location);
    if (job.purge)
        cat_collector_wake(q->catalog->collector);
    cat_reply_empty(q, 204);
    return 0;
}

int cat_drop_view(CatRequest *q, Error *err)
{
    _cleanup_arena_ Arena *job_arena = arena_new(CATALOG_ARENA_BYTES);
    Outcome outcome = {204, STR_NULL, STR_NULL};
    RemoveJob job = {.namespace_path = q->namespace_path,
                     .name = q->name,
                     .kind = REG_VIEW,
                     .arena = job_arena,
                     .outcome = &outcome};

    if (remove_table(q, &job, err) < 0)
        return -1;
    cat_document_cache_remove(q->catalog->documents, job.entry.metadata_location);
    cat_reply_empty(q, 204);
    return 0;
}

/* ---- rename ---- */

typedef struct RenameJob {
    Str from_namespace, from_name, to_namespace, to_name;
    RegKind kind;
    Arena *arena;
} RenameJob;

static int fail_rename(const RenameJob *job, RegKind kind, Error *err)
{
    return err_set(err, ERR_ALREADY_EXISTS, "Cannot rename %.*s to %.*s. %s already exists",
                   STR_ARG(reg_display_name(job->from_namespace, job->from_name, job->arena)),
                   STR_ARG(reg_display_name(job->to_namespace, job->to_name, job->arena)),
                   kind == REG_VIEW ? "View" : "Table");
}

static int rename_job(RegConn *conn, void *arg, Error *err)
{
    const RenameJob *job = arg;
    RegEntry from, to;
    RegNamespace ns;

    if (reg_find_entry_by_path(conn, job->from_namespace, job->from_name, job->arena, &from, err) < 0)
        return -1;
    if (from.id == 0 || from.kind != job->kind)
        return (job->kind == REG_VIEW ? cat_fail_no_view : cat_fail_no_table)(
            job->from_namespace, job->from_name, job->arena, err);
    if (reg_find_namespace(conn, job->to_namespace, job->arena, &ns, err) < 0 ||
        reg_find_entry(conn, ns.id, job->to_name, job->arena, &to, err) < 0)
        return -1;
    if (to.id != 0)
        return fail_rename(job, to.kind, err);
    return reg_move_entry(conn, from.id, ns.id, job->to_name, err);
}

static int rename_entry(CatRequest *q, RegKind kind, Error *err)
{
    _cleanup_arena_ Arena *job_arena = arena_new(CATALOG_ARENA_BYTES);
    Outcome outcome = {204, STR_NULL, STR_NULL};
    RenameJob job = {.kind = kind, .arena = job_arena};
    TableLocks locks = {.n = 0};
    Catalog *c = q->catalog;

    if (cat_identifier_of_json(json_get(q->json, "source"), q->arena, &job.from_namespace, &job.from_name,
                               err) < 0)
        return err_prefix(err, "source");
    if (cat_identifier_of_json(json_get(q->json, "destination"), q->arena, &job.to_namespace, &job.to_name,
                               err) < 0)
        return err_prefix(err, "destination");
    cat_table_locks_add(&locks, job.from_namespace, job.from_name);
    cat_table_locks_add(&locks, job.to_namespace, job.to_name);
    cat_table_locks_take(c, &locks);
    int rc = cat_write(q, rename_job, &job, &outcome, err);
    cat_table_locks_release(c, &locks);
    if (rc == 0)
        cat_reply_empty(q, 204);
    return rc;
}

int cat_rename_table(CatRequest *q, Error *err)
{
    return rename_entry(q, REG_TABLE, err);
}

int cat_rename_view(CatRequest *q, Error *err)
{
    return rename_entry(q, REG_VIEW, err);
}
