/* registry_db.h - the calls of SQLite that the registry needs, with our errors. Private to registry*.c. */
#pragma once

#include <sqlite3.h>

#include "catalog/registry.h"

typedef enum RegStatement {
#define S(id, sql) REG_##id,
#include "catalog/registry_sql.def"
#undef S
    REG_STATEMENT_COUNT_,
} RegStatement;

struct RegConn {
    sqlite3 *db;
    sqlite3_stmt *statements[REG_STATEMENT_COUNT_]; /* prepared when first used */
    RegConn *next_free;
};

int regdb_open(Str path, bool read_only, RegConn **ret, Error *err);
void regdb_close(RegConn *conn);
int regdb_exec(RegConn *conn, const char *sql, Error *err);
int regdb_fail(sqlite3 *db, int rc, const char *what, Error *err); /* returns -1 */

/* Resets and gives a statement; NULL with err. Parameters are bound by position; texts are borrowed until
 * regdb_done(). */
sqlite3_stmt *regdb_use(RegConn *conn, RegStatement id, Error *err);
void regdb_bind_int(sqlite3_stmt *st, int i, int64_t value);
void regdb_bind_text(sqlite3_stmt *st, int i, Str text); /* ptr NULL: NULL */
int regdb_step(sqlite3_stmt *st, Error *err);            /* 1 a row, 0 the end, -1 */
int regdb_run(sqlite3_stmt *st, Error *err);             /* for statements without rows: steps and resets */
static inline void regdb_donep(sqlite3_stmt **st)
{
    if (*st)
        sqlite3_reset(*st);
}
#define _cleanup_statement_ __attribute__((cleanup(regdb_donep)))
Str regdb_text(sqlite3_stmt *st, int column, Arena *arena); /* ptr NULL: NULL */
