/* commit.c - how tables change: requirements checked and updates applied on the current metadata, the new
 * file written durably, the pointer swapped. One table or many, all or none.
 *
 * Commits to one table queue on its lock, so the swap fails only when something else than this process moved
 * the pointer; then all is done again on what it points to now, and only a requirement that does not hold
 * there is a conflict. A process that dies before the swap leaves a file that nothing points to (pending.c);
 * after it, the commit is complete. */
#include <assert.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/metrics.h"
#include "catalog/catalog.h"

/* ---- locks ---- */

void cat_table_locks_add(TableLocks *locks, Str namespace_path, Str name)
{
    uint64_t hash = hash_bytes(namespace_path.ptr, namespace_path.len, 0);

    assert(locks->n < sizeof locks->stripes / sizeof *locks->stripes);
    hash = hash_bytes(name.ptr, name.len, hash);
    locks->stripes[locks->n++] = (uint16_t)(hash % CATALOG_LOCK_STRIPES);
}

static int compare_stripes(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

void cat_table_locks_take(Catalog *c, TableLocks *locks)
{
    size_t unique = 0;

    qsort(locks->stripes, locks->n, sizeof *locks->stripes,
          compare_stripes); /* one order for all: no deadlock */
    for (size_t i = 0; i < locks->n; i++)
        if (unique == 0 || locks->stripes[i] != locks->stripes[unique - 1])
            locks->stripes[unique++] = locks->stripes[i];
    locks->n = unique;
    for (size_t i = 0; i < unique; i++)
        pthread_mutex_lock(&c->stripes[locks->stripes[i]]);
}

void cat_table_locks_release(Catalog *c, TableLocks *locks)
{
    for (size_t i = locks->n; i-- > 0;)
        pthread_mutex_unlock(&c->stripes[locks->stripes[i]]);
    locks->n = 0;
}

/* ---- one attempt ---- */

static void forget_attempt(TableCommit *t)
{
    cat_document_unref(t->base);
    cat_document_unref(t->document);
    t->base = t->document = NULL;
    t->base_table = t->table = NULL;
    t->entry = (RegEntry){0};
}

void cat_table_commits_free(TableCommit *commits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        forget_attempt(&commits[i]);
        arena_free(commits[i].arena);
        commits[i].arena = NULL;
    }
}

static int find_pointer(CatRequest *q, RegConn *conn, TableCommit *t, Error *err)
{
    Str shown = reg_display_name(t->namespace_path, t->name, q->arena);
    bool is_create = metadata_is_create(t->requirements);

    if (reg_find_entry_by_path(conn, t->namespace_path, t->name, q->arena, &t->entry, err) < 0)
        return -1;
    if (t->entry.id != 0 && t->entry.kind == REG_VIEW)
        return is_create ? err_set(err, ERR_ALREADY_EXISTS, "View with same name already exists: %.*s",
                                   STR_ARG(shown))
                         : err_set(err, ERR_NO_SUCH_TABLE, "Table does not exist: %.*s", STR_ARG(shown));
    if (t->entry.id != 0)
        return 0;
    if (!is_create)
        return err_set(err, ERR_NO_SUCH_TABLE, "Table does not exist: %.*s", STR_ARG(shown));
    return reg_find_namespace(conn, t->namespace_path, q->arena, &t->ns, err);
}

static int find_pointers(CatRequest *q, TableCommit *commits, size_t n, Error *err)
{
    RegConn *conn = registry_borrow(q->catalog->registry, err);
    int rc = conn ? 0 : -1;

    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = find_pointer(q, conn, &commits[i], err);
    registry_return(q->catalog->registry, conn);
    return rc;
}

/* Before anything is written there; the swap checks again. */
static int check_new_location(CatRequest *q, TableCommit *t, Error *err)
{
    RegConn *conn;
    int rc;

    if (cat_location_owned_form(t->table->location, q->arena, &t->owned_location, err) < 0)
        return -1;
    if (t->base_table && str_eq(t->base_table->location, t->table->location))
        return 0;
    conn = registry_borrow(q->catalog->registry, err);
    rc = conn ? cat_location_check(q->catalog, conn, t->table->location, t->entry.id, q->arena, err) : -1;
    registry_return(q->catalog->registry, conn);
    return rc;
}

/* Makes the table's next document; t->document stays NULL when nothing changes. */
static int prepare(CatRequest *q, TableCommit *t, Error *err)
{
    Str base_location = t->entry.id ? t->entry.metadata_location : STR_NULL;

    if (t->entry.id != 0 && (cat_load(q->catalog, base_location, &t->base, err) < 0 ||
                             cat_document_table(t->base, &t->base_table, err) < 0))
        return -1;
    if (metadata_apply(t->base_table, base_location, t->requirements, t->updates, t->arena, &t->table, err) <
        0)
        return -1;
    if (t->table == t->base_table)
        return 0;
    if (check_new_location(q, t, err) < 0)
        return -1;
    Str location = cat_metadata_file_location(t->table, t->entry.id ? t->entry.version + 1 : 0, q->arena);
    if (cat_document_new(location, t->table, &t->document, err) < 0)
        return -1;
    return cat_store(q->catalog, t->document, err);
}

/* ---- the swap ---- */

typedef struct SwapJob {
    Catalog *catalog;
    Arena *arena;
    TableCommit *commits;
    size_t n;
    bool lost; /* out: a pointer is no longer what the attempt was made on */
} SwapJob;

static int swap_create(SwapJob *job, RegConn *conn, TableCommit *t, Error *err)
{
    RegEntry entry;
    int64_t id;

    if (reg_find_namespace(conn, t->namespace_path, job->arena, &t->ns, err) < 0 ||
        reg_find_entry(conn, t->ns.id, t->name, job->arena, &entry, err) < 0)
        return -1;
    if (entry.id != 0) {
        job->lost = true;
        return err_set(err, ERR_COMMIT_FAILED, "Requirement failed: table already exists");
    }
    if (cat_location_check(job->catalog, conn, t->table->location, 0, job->arena, err) < 0)
        return -1;
    entry = (RegEntry){.namespace_id = t->ns.id,
                       .kind = REG_TABLE,
                       .name = t->name,
                       .uuid = t->table->table_uuid,
                       .metadata_location = cat_document_location(t->document)};
    if (reg_add_entry(conn, &entry, &id, err) < 0)
        return -1;
    return reg_add_location(conn, t->owned_location, id, err);
}

static int drop_old_files(RegConn *conn, const TableCommit *t, Error *err)
{
    const TableMetadata *old = t->base_table, *new = t->table;

    if (!str_eq_nocase(metadata_property(new, "write.metadata.delete-after-commit.enabled", STR("false")),
                       STR("true")))
        return 0;
    /* The log only loses entries at its front. */
    for (size_t i = 0; i < old->n_metadata_log; i++) {
        if (new->n_metadata_log > 0 &&
            str_eq(old->metadata_log[i].metadata_file, new->metadata_log[0].metadata_file))
            break;
        if (reg_add_garbage(conn, old->metadata_log[i].metadata_file, err) < 0)
            return -1;
    }
    return 0;
}

static int swap_change(SwapJob *job, RegConn *conn, TableCommit *t, Error *err)
{
    bool swapped;

    if (reg_swap_entry(conn, t->entry.id, t->entry.metadata_location, cat_document_location(t->document),
                       t->entry.version + 1, &swapped, err) < 0)
        return -1;
    if (!swapped) {
        job->lost = true;
        return err_set(err, ERR_COMMIT_FAILED, "The table was changed meanwhile");
    }
    if (!str_eq(t->base_table->location, t->table->location) &&
        (cat_location_check(job->catalog, conn, t->table->location, t->entry.id, job->arena, err) < 0 ||
         reg_add_location(conn, t->owned_location, t->entry.id, err) < 0))
        return -1;
    if (!str_eq(t->base_table->table_uuid, t->table->table_uuid) &&
        reg_set_entry_uuid(conn, t->entry.id, t->table->table_uuid, err) < 0)
        return -1;
    return drop_old_files(conn, t, err);
}

static int swap_job(RegConn *conn, void *arg, Error *err)
{
    SwapJob *job = arg;

    job->lost = false;
    for (size_t i = 0; i < job->n; i++) {
        TableCommit *t = &job->commits[i];
        if (!t->document)
            continue;
        if ((t->entry.id ? swap_change(job, conn, t, err) : swap_create(job, conn, t, err)) < 0)
            return -1;
    }
    return 0;
}

static bool changes_anything(const TableCommit *commits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (commits[i].document)
            return true;
    return false;
}

/* ---- after it ---- */

/* With its model, which the next commit then need not parse. */
static void keep_document(Catalog *c, TableCommit *t)
{
    if (t->base)
        cat_document_cache_remove(c->documents, cat_document_location(t->base));
    if (t->holds_request)
        cat_document_set_model(t->document, t->table, TAKE_PTR(t->arena), t->base);
    cat_document_cache_put(c->documents, t->document);
}

static void end_attempt(Catalog *c, TableCommit *commits, size_t n, bool committed, bool unknown)
{
    for (size_t i = 0; i < n; i++) {
        TableCommit *t = &commits[i];
        if (!t->document || unknown)
            continue; /* unknown: the next process looks at what was written */
        cat_stored(c, cat_document_location(t->document), committed);
        if (!committed)
            continue;
        if (t->entry.id == 0)
            cat_location_unreserve(c, t->owned_location);
        keep_document(c, t);
    }
}

static int attempt(CatRequest *q, TableCommit *commits, size_t n, bool *ret_lost, Error *err)
{
    SwapJob job = {
        .catalog = q->catalog, .arena = arena_new(CATALOG_ARENA_BYTES), .commits = commits, .n = n};
    Outcome outcome = {q->route->flags & ROUTE_TABLE ? 200 : 204, STR_NULL, STR_NULL};
    size_t done = 0;
    int rc = find_pointers(q, commits, n, err);

    for (; rc == 0 && done < n; done++)
        if ((rc = prepare(q, &commits[done], err)) < 0) {
            cat_document_unref(commits[done].document); /* its file was never whole: cat_store() saw to it */
            commits[done].document = NULL;
        }
    if (rc == 0) {
        if (q->route->flags & ROUTE_TABLE)
            outcome.metadata_location =
                cat_document_location(commits[0].document ? commits[0].document : commits[0].base);
        bool changes = changes_anything(commits, n);
        rc = fault_point("catalog.swap", err) ? -1
                                              : cat_write(q, changes ? swap_job : NULL, &job, &outcome, err);
    }
    end_attempt(q->catalog, commits, done, rc == 0, rc < 0 && err->code == ERR_COMMIT_UNKNOWN);
    *ret_lost = rc < 0 && job.lost;
    arena_free(job.arena);
    return rc;
}

static const char *outcome_name(int rc, const Error *err)
{
    if (rc == 0)
        return "committed";
    if (err->code == ERR_COMMIT_FAILED)
        return "conflict";
    return err->code == ERR_COMMIT_UNKNOWN ? "unknown" : "failed";
}

int cat_commit(CatRequest *q, TableCommit *commits, size_t n, Error *err)
{
    TableLocks *locks = arena_new_of(q->arena, TableLocks);
    bool lost = true;
    int rc = -1;

    assert(n <= CATALOG_TABLES_PER_COMMIT);
    for (size_t i = 0; i < n; i++)
        cat_table_locks_add(locks, commits[i].namespace_path, commits[i].name);
    cat_table_locks_take(q->catalog, locks);
    for (int i = 0; lost && i < CATALOG_COMMIT_ATTEMPTS; i++) {
        for (size_t j = 0; j < n; j++)
            forget_attempt(&commits[j]);
        rc = attempt(q, commits, n, &lost, err);
    }
    cat_table_locks_release(q->catalog, locks);
    for (size_t i = 0; i < n; i++)
        metric_inc(METRIC_CATALOG_COMMITS, outcome_name(rc, err));
    return rc;
}
