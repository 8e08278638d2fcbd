/* db.h - the few calls of SQLite that the index needs, with our errors.
 *
 * Statements are prepared once and kept. db_step() says 1 for a row, 0 at the end, -1 with err; SQLITE_FULL
 * is ERR_DISK_FULL, a damaged file ERR_CORRUPT, all else ERR_IO. A DbStatement in use is reset by db_done(),
 * also by the cleanup form. */
#pragma once

#include <sqlite3.h>

#include "base/str.h"

int db_open(const char *path, bool read_only, sqlite3 **ret, Error *err);
int db_exec(sqlite3 *db, const char *sql, Error *err);
int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, Error *err);
int db_fail(sqlite3 *db, int rc, const char *what, Error *err); /* returns -1 */

void db_bind_int(sqlite3_stmt *st, int i, int64_t value);
void db_bind_blob(sqlite3_stmt *st, int i,
                  Str bytes); /* borrowed until db_done(); an empty Str is an empty blob */
void db_bind_text(sqlite3_stmt *st, int i, Str text); /* borrowed until db_done() */
void db_bind_null(sqlite3_stmt *st, int i);
int db_step(sqlite3_stmt *st, Error *err);
int db_run(sqlite3_stmt *st, Error *err); /* for statements without rows: steps and resets */
void db_done(sqlite3_stmt *st);
static inline void db_donep(sqlite3_stmt **st)
{
    if (*st)
        db_done(*st);
}
#define _cleanup_done_ __attribute__((cleanup(db_donep)))
int64_t db_int(sqlite3_stmt *st, int column);
Str db_blob(sqlite3_stmt *st, int column); /* borrowed until the next step; text too */
