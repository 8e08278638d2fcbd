/* db.c - see db.h. */
#include "storage/db.h"

#include <assert.h>

int db_fail(sqlite3 *db, int rc, const char *what, Error *err)
{
    ErrCode code = ERR_IO;
    switch (rc & 0xff) {
    case SQLITE_FULL:
        code = ERR_DISK_FULL;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        code = ERR_CORRUPT;
        break;
    case SQLITE_NOMEM:
        code = ERR_OVERLOADED;
        break;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        code = ERR_IO;
        break;
    }
    return err_set(err, code, "index: %s: %s (%d)", what, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc), rc);
}

int db_open(const char *path, bool read_only, sqlite3 **ret, Error *err)
{
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    int rc = sqlite3_open_v2(path, &db, flags, "lakehouse");
    if (rc != SQLITE_OK) {
        db_fail(db, rc, path, err);
        sqlite3_close(db);
        return -1;
    }
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, 5000);
    *ret = db;
    return 0;
}

int db_exec(sqlite3 *db, const char *sql, Error *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : db_fail(db, rc, sql, err);
}

int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, Error *err)
{
    int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
    return rc == SQLITE_OK ? 0 : db_fail(db, rc, sql, err);
}

static void db_bound(int rc)
{
    assert(rc == SQLITE_OK);
    (void)rc;
}

void db_bind_int(sqlite3_stmt *st, int i, int64_t value)
{
    db_bound(sqlite3_bind_int64(st, i, value));
}
void db_bind_null(sqlite3_stmt *st, int i)
{
    db_bound(sqlite3_bind_null(st, i));
}

void db_bind_blob(sqlite3_stmt *st, int i, Str bytes)
{
    db_bound(sqlite3_bind_blob64(st, i, bytes.len ? bytes.ptr : "", bytes.len, SQLITE_STATIC));
}

void db_bind_text(sqlite3_stmt *st, int i, Str text)
{
    db_bound(sqlite3_bind_text64(st, i, text.len ? text.ptr : "", text.len, SQLITE_STATIC, SQLITE_UTF8));
}

int db_step(sqlite3_stmt *st, Error *err)
{
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    return db_fail(sqlite3_db_handle(st), rc, sqlite3_sql(st), err);
}

int db_run(sqlite3_stmt *st, Error *err)
{
    int result = db_step(st, err);
    assert(result <= 0);
    db_done(st);
    return result;
}

void db_done(sqlite3_stmt *st)
{
    sqlite3_reset(st);
}

int64_t db_int(sqlite3_stmt *st, int column)
{
    return sqlite3_column_int64(st, column);
}

Str db_blob(sqlite3_stmt *st, int column)
{
    const void *bytes = sqlite3_column_blob(st, column);
    size_t n = (size_t)sqlite3_column_bytes(st, column);
    return str_of(bytes ? bytes : "", n);
}
