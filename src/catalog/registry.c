/* registry.c - opening the database, its reader connections and its writer thread. */
#include "catalog/registry.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/thread.h"
#include "catalog/catalog_limits.h"
#include "catalog/registry_db.h"

enum {
    REGISTRY_VERSION = 1,
    CHECKPOINT_PAGES = 2000,       /* 8 MB of log before its pages go to the database */
    FAILURE_REPLY_US = 500 * 1000, /* time for the answers to leave before the process ends */
};

typedef struct Job {
    RegistryJob fn;
    void *arg;
    int rc;
    Error err;
    bool done;
    struct Job *next;
} Job;

struct Registry {
    Str path;        /* owned */
    RegConn *writer; /* the writer thread's */
    pthread_t thread;
    bool thread_runs;

    pthread_mutex_t lock;
    pthread_cond_t work, done, reader_free;
    Job *first, *last; /* waiting jobs */
    bool stopping;
    RegConn *free_readers;
    size_t n_readers; /* opened, free or not */

    atomic_bool failed;
};

/* ---- opening ---- */

static const char *const schema_sql =
    "CREATE TABLE namespaces(id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, parent TEXT "
    "NOT NULL,"
    " properties TEXT NOT NULL);"
    "CREATE INDEX namespaces_by_parent ON namespaces(parent, path);"
    "CREATE TABLE entries(id INTEGER PRIMARY KEY AUTOINCREMENT, namespace_id INTEGER NOT NULL, kind INTEGER "
    "NOT NULL,"
    " name TEXT NOT NULL, uuid TEXT NOT NULL, metadata_location TEXT NOT NULL, version INTEGER NOT NULL,"
    " UNIQUE(namespace_id, name));"
    "CREATE TABLE locations(id INTEGER PRIMARY KEY, uri TEXT NOT NULL, entry_id INTEGER, state INTEGER NOT "
    "NULL,"
    " purge_id INTEGER);"
    "CREATE INDEX locations_by_uri ON locations(uri);"
    "CREATE INDEX locations_by_entry ON locations(entry_id) WHERE entry_id IS NOT NULL;"
    "CREATE INDEX locations_by_purge ON locations(purge_id) WHERE purge_id IS NOT NULL;"
    "CREATE TABLE purges(id INTEGER PRIMARY KEY AUTOINCREMENT, metadata_location TEXT NOT NULL);"
    "CREATE TABLE garbage(uri TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE replies(key TEXT PRIMARY KEY, status INTEGER NOT NULL, fingerprint INTEGER NOT NULL, body "
    "TEXT,"
    " metadata_location TEXT, created_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX replies_by_age ON replies(created_ms);"
    "PRAGMA user_version = 1;";

static int read_version(RegConn *conn, int *ret, Error *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(conn->db, "PRAGMA user_version", -1, &st, NULL);

    if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        *ret = sqlite3_column_int(st, 0);
        sqlite3_finalize(st);
        return 0;
    }
    regdb_fail(conn->db, rc, "user_version", err);
    sqlite3_finalize(st);
    return -1;
}

static int prepare_database(RegConn *conn, Error *err)
{
    int version;

    if (regdb_exec(conn, "PRAGMA journal_mode = WAL", err) < 0 ||
        regdb_exec(conn, "PRAGMA synchronous = FULL", err) < 0 ||
        regdb_exec(conn, "PRAGMA journal_size_limit = 67108864", err) < 0 ||
        read_version(conn, &version, err) < 0)
        return -1;
    sqlite3_wal_autocheckpoint(conn->db, CHECKPOINT_PAGES);
    if (version > REGISTRY_VERSION)
        return err_set(err, ERR_CONFIG,
                       "the catalog database has version %d, made by a newer lakehouse; this one knows %d",
                       version, REGISTRY_VERSION);
    if (version == REGISTRY_VERSION)
        return 0;
    if (regdb_exec(conn, "BEGIN IMMEDIATE", err) < 0 || regdb_exec(conn, schema_sql, err) < 0)
        return -1;
    return regdb_exec(conn, "COMMIT", err);
}

static void *writer_main(void *arg);

int registry_open(const char *folder, Registry **ret, Error *err)
{
    Registry *r = calloc(1, sizeof *r);
    char *path;

    if (!r || asprintf(&path, "%s/catalog.db", folder) < 0) {
        free(r);
        return err_set(err, ERR_OVERLOADED, "out of memory");
    }
    r->path = str_from(path);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->work, NULL);
    pthread_cond_init(&r->done, NULL);
    pthread_cond_init(&r->reader_free, NULL);
    if (fs_sqlite_register(err) < 0 || fs_mkdir_all(folder, 0700, err) < 0 ||
        regdb_open(r->path, false, &r->writer, err) < 0 || prepare_database(r->writer, err) < 0 ||
        thread_start(&r->thread, "cat-writer", writer_main, r, err) < 0) {
        registry_close(r);
        return -1;
    }
    r->thread_runs = true;
    *ret = r;
    return 0;
}

void registry_close(Registry *r)
{
    if (!r)
        return;
    if (r->thread_runs) {
        pthread_mutex_lock(&r->lock);
        r->stopping = true;
        pthread_cond_signal(&r->work);
        pthread_mutex_unlock(&r->lock);
        pthread_join(r->thread, NULL);
    }
    while (r->free_readers) {
        RegConn *conn = r->free_readers;
        r->free_readers = conn->next_free;
        regdb_close(conn);
    }
    regdb_close(r->writer);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->work);
    pthread_cond_destroy(&r->done);
    pthread_cond_destroy(&r->reader_free);
    free((char *)r->path.ptr);
    free(r);
}

bool registry_has_failed(Registry *r)
{
    return atomic_load(&r->failed);
}

/* ---- readers ---- */

RegConn *registry_borrow(Registry *r, Error *err)
{
    RegConn *conn = NULL;

    pthread_mutex_lock(&r->lock);
    while (!r->free_readers && r->n_readers >= CATALOG_READERS_MAX)
        pthread_cond_wait(&r->reader_free, &r->lock);
    if (r->free_readers) {
        conn = r->free_readers;
        r->free_readers = conn->next_free;
    } else {
        r->n_readers++;
    }
    pthread_mutex_unlock(&r->lock);
    if (conn || regdb_open(r->path, true, &conn, err) == 0)
        return conn;
    pthread_mutex_lock(&r->lock);
    r->n_readers--;
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

RegConn *registry_try_borrow(Registry *r)
{
    MUTEX_GUARD(&r->lock);
    RegConn *conn = r->free_readers;
    if (conn)
        r->free_readers = conn->next_free;
    return conn;
}

void registry_return(Registry *r, RegConn *conn)
{
    if (!conn)
        return;
    pthread_mutex_lock(&r->lock);
    conn->next_free = r->free_readers;
    r->free_readers = conn;
    pthread_cond_signal(&r->reader_free);
    pthread_mutex_unlock(&r->lock);
}

/* ---- the writer ---- */

static void run_job(Registry *r, Job *job)
{
    Error ignored;

    if (regdb_exec(r->writer, "SAVEPOINT job", &job->err) < 0) {
        job->rc = -1;
        return;
    }
    job->rc = job->fn(r->writer, job->arg, &job->err);
    if (job->rc < 0)
        regdb_exec(r->writer, "ROLLBACK TO job", &ignored);
    regdb_exec(r->writer, "RELEASE job", &ignored);
}

static void fail_group(Job *first, const Error *err)
{
    for (Job *job = first; job; job = job->next) {
        if (job->rc < 0)
            continue; /* it was undone for its own reason */
        job->rc = -1;
        job->err = *err;
    }
}

/* What the disk holds is not known: no more is written, and the next process will see. */
static void fail_registry(Registry *r, Job *first, const Error *cause)
{
    Error unknown;

    log_error("catalog.write_failed", L_ERR(cause));
    err_set(&unknown, ERR_COMMIT_UNKNOWN, "It is not known whether the change was stored: %.300s",
            cause->message);
    atomic_store(&r->failed, true);
    fail_group(first, &unknown);
}

static void commit_group(Registry *r, Job *first)
{
    Error err;

    if (fault_point("catalog.commit", &err) || regdb_exec(r->writer, "COMMIT", &err) < 0) {
        bool is_full = err.code == ERR_DISK_FULL;
        Error undo;
        bool undone = sqlite3_get_autocommit(r->writer->db) || regdb_exec(r->writer, "ROLLBACK", &undo) == 0;
        if (is_full && undone)
            fail_group(first, &err); /* the log was not written to its end, so the commit is not in it */
        else
            fail_registry(r, first, &err);
    }
}

static void run_group(Registry *r, Job *first)
{
    Error err;

    if (atomic_load(&r->failed)) {
        err_set(&err, ERR_UNAVAILABLE, "The catalog is restarting after a failed write");
        fail_group(first, &err);
        return;
    }
    if (regdb_exec(r->writer, "BEGIN IMMEDIATE", &err) < 0) {
        fail_group(first, &err);
        return;
    }
    for (Job *job = first; job; job = job->next) {
        run_job(r, job);
        if (sqlite3_get_autocommit(r->writer->db)) { /* SQLite itself undid the whole transaction */
            err = job->err;
            fail_group(first, &err);
            return;
        }
    }
    commit_group(r, first);
}

static Job *take_group(Registry *r)
{
    Job *first = r->first, *last = first;

    for (size_t n = 1; last && last->next && n < CATALOG_GROUP_MAX; n++)
        last = last->next;
    r->first = last ? last->next : NULL;
    if (!r->first)
        r->last = NULL;
    if (last)
        last->next = NULL;
    return first;
}

static void *writer_main(void *arg)
{
    Registry *r = arg;

    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (!r->first && !r->stopping)
            pthread_cond_wait(&r->work, &r->lock);
        Job *first = take_group(r);
        if (!first)
            break;
        pthread_mutex_unlock(&r->lock);
        run_group(r, first);
        pthread_mutex_lock(&r->lock);
        for (Job *job = first, *next; job; job = next) {
            next = job->next; /* the job is its caller's again once it is done */
            job->done = true;
        }
        pthread_cond_broadcast(&r->done);
        if (atomic_load(&r->failed)) {
            pthread_mutex_unlock(&r->lock);
            usleep(FAILURE_REPLY_US);
            _exit(1);
        }
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

int registry_write(Registry *r, RegistryJob fn, void *arg, Error *err)
{
    Job job = {.fn = fn, .arg = arg};

    pthread_mutex_lock(&r->lock);
    if (r->last)
        r->last->next = &job;
    else
        r->first = &job;
    r->last = &job;
    pthread_cond_signal(&r->work);
    while (!job.done)
        pthread_cond_wait(&r->done, &r->lock);
    pthread_mutex_unlock(&r->lock);
    if (job.rc < 0 && err)
        *err = job.err;
    return job.rc;
}
