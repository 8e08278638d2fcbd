/* registry_db.c - see registry_db.h. */
#include "catalog/registry_db.h"

#include <assert.h>
#include <stdlib.h>

static const char *const statement_sql[] = {
#define S(id, sql) sql,
#include "catalog/registry_sql.def"
#undef S
};

int regdb_fail(sqlite3 *db, int rc, const char *what, Error *err)
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
    default:
        break;
    }
    return err_set(err, code, "catalog database: %s: %s (%d)", what,
                   db ? sqlite3_errmsg(db) : sqlite3_errstr(rc), rc);
}

int regdb_open(Str path, bool read_only, RegConn **ret, Error *err)
{
    RegConn *conn = calloc(1, sizeof *conn);
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);

    if (!conn)
        return err_set(err, ERR_OVERLOADED, "out of memory");
    int rc = sqlite3_open_v2(path.ptr, &conn->db, flags, "lakehouse");
    if (rc != SQLITE_OK) {
        regdb_fail(conn->db, rc, path.ptr, err);
        regdb_close(conn);
        return -1;
    }
    sqlite3_extended_result_codes(conn->db, 1);
    sqlite3_busy_timeout(conn->db, 5000);
    *ret = conn;
    return 0;
}

void regdb_close(RegConn *conn)
{
    if (!conn)
        return;
    for (size_t i = 0; i < REG_STATEMENT_COUNT_; i++)
        sqlite3_finalize(conn->statements[i]);
    sqlite3_close(conn->db);
    free(conn);
}

int regdb_exec(RegConn *conn, const char *sql, Error *err)
{
    int rc = sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : regdb_fail(conn->db, rc, sql, err);
}

sqlite3_stmt *regdb_use(RegConn *conn, RegStatement id, Error *err)
{
    sqlite3_stmt **st = &conn->statements[id];

    if (!*st) {
        int rc = sqlite3_prepare_v3(conn->db, statement_sql[id], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
        if (rc != SQLITE_OK) {
            regdb_fail(conn->db, rc, statement_sql[id], err);
            return NULL;
        }
    }
    return *st;
}

void regdb_bind_int(sqlite3_stmt *st, int i, int64_t value)
{
    int rc = sqlite3_bind_int64(st, i, value);
    assert(rc == SQLITE_OK);
    (void)rc;
}

void regdb_bind_text(sqlite3_stmt *st, int i, Str text)
{
    int rc = text.ptr ? sqlite3_bind_text64(st, i, text.ptr, text.len, SQLITE_STATIC, SQLITE_UTF8)
                      : sqlite3_bind_null(st, i);
    assert(rc == SQLITE_OK);
    (void)rc;
}

int regdb_step(sqlite3_stmt *st, Error *err)
{
    int rc = sqlite3_step(st);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    return regdb_fail(sqlite3_db_handle(st), rc, sqlite3_sql(st), err);
}

int regdb_run(sqlite3_stmt *st, Error *err)
{
    int rc = regdb_step(st, err);

    assert(rc <= 0);
    sqlite3_reset(st);
    return rc;
}

Str regdb_text(sqlite3_stmt *st, int column, Arena *arena)
{
    const unsigned char *text = sqlite3_column_text(st, column);

    if (!text)
        return STR_NULL;
    return arena_str(arena, str_of((const char *)text, (size_t)sqlite3_column_bytes(st, column)));
}
