/* store_schema.c - the tables of the index and all its statements. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "storage/store_internal.h"

enum { SCHEMA_VERSION = 1 };

static const char schema[] =
    "CREATE TABLE settings(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE buckets(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created INTEGER "
    "NOT NULL,"
    " objects INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE bucket_settings(bucket INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY(bucket, name)) WITHOUT ROWID;"
    /* the current version of each key; segment 0: the file of the generation */
    "CREATE TABLE objects(bucket INTEGER NOT NULL, key BLOB NOT NULL, generation INTEGER NOT NULL, size "
    "INTEGER NOT NULL,"
    " modified INTEGER NOT NULL, etag BLOB NOT NULL, parts INTEGER NOT NULL, segment INTEGER NOT NULL, "
    "position INTEGER NOT NULL,"
    " meta BLOB NOT NULL, PRIMARY KEY(bucket, key)) WITHOUT ROWID;"
    /* every file that an object or an upload refers to */
    "CREATE TABLE files(generation INTEGER PRIMARY KEY);"
    "CREATE TABLE object_parts(generation INTEGER PRIMARY KEY, parts BLOB NOT NULL);"
    "CREATE TABLE segments(id INTEGER PRIMARY KEY, size INTEGER NOT NULL, live INTEGER NOT NULL);"
    "CREATE TABLE uploads(id TEXT PRIMARY KEY, bucket INTEGER NOT NULL, key BLOB NOT NULL, initiated INTEGER "
    "NOT NULL,"
    " checksum TEXT NOT NULL, meta BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX uploads_by_key ON uploads(bucket, key, id);"
    "CREATE TABLE upload_parts(upload TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, "
    "modified INTEGER NOT NULL,"
    " etag BLOB NOT NULL, checksum BLOB NOT NULL, generation INTEGER NOT NULL, position INTEGER NOT NULL,"
    " PRIMARY KEY(upload, number)) WITHOUT ROWID;"
    /* for retries of CompleteMultipartUpload whose answer was lost */
    "CREATE TABLE completed(upload TEXT PRIMARY KEY, bucket INTEGER NOT NULL, key BLOB NOT NULL, at INTEGER "
    "NOT NULL,"
    " size INTEGER NOT NULL, etag BLOB NOT NULL, parts INTEGER NOT NULL, meta BLOB NOT NULL);";

static const char *const read_sql[READ_COUNT_] = {
    [READ_FIND] = "SELECT " OBJECT_COLUMNS " FROM objects WHERE bucket = ?1 AND key = ?2",
    [READ_LIST] = "SELECT key, generation, size, modified, etag, parts, segment, position FROM objects"
                  " WHERE bucket = ?1 AND key >= ?2 ORDER BY key",
    [READ_PARTS_OF] = "SELECT parts FROM object_parts WHERE generation = ?1",
    [READ_SETTING] = "SELECT value FROM bucket_settings WHERE bucket = ?1 AND name = ?2",
    [READ_UPLOAD] = "SELECT id, bucket, key, initiated, checksum, meta FROM uploads WHERE id = ?1",
    [READ_UPLOAD_PARTS] =
        "SELECT number, size, modified, etag, checksum, generation, position FROM upload_parts"
        " WHERE upload = ?1 AND number > ?2 ORDER BY number",
    [READ_UPLOADS] = "SELECT id, bucket, key, initiated, checksum, meta FROM uploads"
                     " WHERE bucket = ?1 AND (key, id) > (?2, ?3) ORDER BY key, id",
    [READ_COMPLETED] = "SELECT 0, size, at, etag, parts, 0, 0, meta FROM completed WHERE upload = ?1 AND "
                       "bucket = ?2 AND key = ?3",
    [READ_KNOWN_FILE] = "SELECT 1 FROM files WHERE generation = ?1",
};

static const char *const write_sql[WRITE_COUNT_] = {
    [WRITE_BEGIN] = "BEGIN IMMEDIATE",
    [WRITE_COMMIT] = "COMMIT",
    [WRITE_ROLLBACK] = "ROLLBACK",
    [WRITE_FIND] = "SELECT " OBJECT_COLUMNS " FROM objects WHERE bucket = ?1 AND key = ?2",
    [WRITE_PUT] = "INSERT OR REPLACE INTO objects(bucket, key, " OBJECT_COLUMNS
                  ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [WRITE_DELETE] = "DELETE FROM objects WHERE bucket = ?1 AND key = ?2",
    [WRITE_SET_META] = "UPDATE objects SET meta = ?3 WHERE bucket = ?1 AND key = ?2",
    [WRITE_FILE_ADD] = "INSERT OR IGNORE INTO files(generation) VALUES(?1)",
    [WRITE_FILE_REMOVE] = "DELETE FROM files WHERE generation = ?1",
    [WRITE_SEGMENT] = "INSERT OR REPLACE INTO segments(id, size, live) VALUES(?1, ?2, ?3)",
    [WRITE_SEGMENT_REMOVE] = "DELETE FROM segments WHERE id = ?1",
    [WRITE_BUCKET_ADD] = "INSERT INTO buckets(name, created) VALUES(?1, ?2)",
    [WRITE_BUCKET_FIND] = "SELECT id FROM buckets WHERE name = ?1",
    [WRITE_BUCKET_REMOVE] = "DELETE FROM buckets WHERE id = ?1",
    [WRITE_BUCKET_COUNTS] = "UPDATE buckets SET objects = objects + ?2, bytes = bytes + ?3 WHERE id = ?1",
    [WRITE_BUCKET_ANY_KEY] = "SELECT 1 FROM objects WHERE bucket = ?1 LIMIT 1",
    [WRITE_BUCKET_ANY_UPLOAD] = "SELECT id FROM uploads WHERE bucket = ?1 LIMIT 1",
    [WRITE_SETTING_PUT] = "INSERT OR REPLACE INTO bucket_settings(bucket, name, value) VALUES(?1, ?2, ?3)",
    [WRITE_SETTING_REMOVE] = "DELETE FROM bucket_settings WHERE bucket = ?1 AND name = ?2",
    [WRITE_SETTINGS_REMOVE] = "DELETE FROM bucket_settings WHERE bucket = ?1",
    [WRITE_PARTS_ADD] = "INSERT OR REPLACE INTO object_parts(generation, parts) VALUES(?1, ?2)",
    [WRITE_PARTS_REMOVE] = "DELETE FROM object_parts WHERE generation = ?1",
    [WRITE_UPLOAD_ADD] =
        "INSERT INTO uploads(id, bucket, key, initiated, checksum, meta) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [WRITE_UPLOAD_FIND] = "SELECT bucket FROM uploads WHERE id = ?1",
    [WRITE_UPLOAD_REMOVE] = "DELETE FROM uploads WHERE id = ?1",
    [WRITE_PART_PUT] = "INSERT OR REPLACE INTO upload_parts(upload, number, size, modified, etag, checksum, "
                       "generation, position)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [WRITE_PART_FIND] = "SELECT generation FROM upload_parts WHERE upload = ?1 AND number = ?2",
    [WRITE_PARTS_FILES] = "SELECT DISTINCT generation FROM upload_parts WHERE upload = ?1",
    [WRITE_UPLOAD_PARTS_REMOVE] = "DELETE FROM upload_parts WHERE upload = ?1",
    [WRITE_COMPLETED_ADD] =
        "INSERT OR REPLACE INTO completed(upload, bucket, key, at, size, etag, parts, meta)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [WRITE_COMPLETED_TRIM] = "DELETE FROM completed WHERE at < ?1",
};

int store_prepare_reader(Reader *reader, Error *err)
{
    if (db_exec(reader->db, "PRAGMA cache_size = -1024", err) < 0)
        return -1;
    for (size_t i = 0; i < READ_COUNT_; i++) {
        if (db_prepare(reader->db, read_sql[i], &reader->statements[i], err) < 0)
            return -1;
    }
    return 0;
}

static int store_pragma_int(Store *store, const char *sql, int64_t *ret, Error *err)
{
    sqlite3_stmt *st;
    if (db_prepare(store->db, sql, &st, err) < 0)
        return -1;
    int result = db_step(st, err);
    *ret = result > 0 ? db_int(st, 0) : 0;
    sqlite3_finalize(st);
    return result < 0 ? -1 : 0;
}

static int store_load_buckets(Store *store, Error *err)
{
    sqlite3_stmt *st;
    int result;
    if (db_prepare(store->db, "SELECT id, name, created, objects, bytes FROM buckets", &st, err) < 0)
        return -1;
    while ((result = db_step(st, err)) > 0) {
        Bucket *bucket = calloc(1, sizeof *bucket);
        if (!bucket)
            abort();
        Str name = db_blob(st, 1);
        bucket->info = (BucketInfo){.id = (uint32_t)db_int(st, 0),
                                    .created_us = db_int(st, 2),
                                    .objects = db_int(st, 3),
                                    .bytes = db_int(st, 4)};
        memcpy(bucket->info.name, name.ptr, name.len < 63 ? name.len : 63);
        map_put(store->buckets, str_from(bucket->info.name), bucket);
    }
    sqlite3_finalize(st);
    return result;
}

static int store_load_segments(Store *store, Error *err)
{
    sqlite3_stmt *st;
    int result;
    if (db_prepare(store->db, "SELECT id, size, live FROM segments ORDER BY id", &st, err) < 0)
        return -1;
    while ((result = db_step(st, err)) > 0) {
        if (store->n_segments == store->segments_cap) {
            store->segments_cap = store->segments_cap ? 2 * store->segments_cap : 64;
            store->segment_stats =
                realloc(store->segment_stats, store->segments_cap * sizeof *store->segment_stats);
            if (!store->segment_stats)
                abort();
        }
        store->segment_stats[store->n_segments++] =
            (SegmentStat){(uint32_t)db_int(st, 0), (uint64_t)db_int(st, 1), (uint64_t)db_int(st, 2)};
    }
    sqlite3_finalize(st);
    if (result < 0)
        return -1;
    const SegmentStat *last = store->n_segments ? &store->segment_stats[store->n_segments - 1] : NULL;
    segments_resume(store->segments, last ? last->id : 0, last ? last->size : 0);
    return 0;
}

/* Counts this start; generations begin with its number. */
static int store_count_boot(Store *store, Error *err)
{
    int64_t boot;
    if (db_exec(store->db,
                "INSERT INTO settings(name, value) VALUES('boot', 1) ON CONFLICT(name) DO UPDATE SET value = "
                "value + 1",
                err) < 0 ||
        store_pragma_int(store, "SELECT value FROM settings WHERE name = 'boot'", &boot, err) < 0) {
        return -1;
    }
    blobs_set_boot(store->blobs, (uint64_t)boot);
    return 0;
}

static int store_make_schema(Store *store, Error *err)
{
    int64_t version;
    if (store_pragma_int(store, "PRAGMA user_version", &version, err) < 0)
        return -1;
    if (version > SCHEMA_VERSION) {
        return err_set(err, ERR_CONFIG,
                       "%s was written by a newer version (format %lld, this program knows %d)", store->dir,
                       (long long)version, SCHEMA_VERSION);
    }
    if (version == SCHEMA_VERSION)
        return 0;
    if (db_exec(store->db, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    if (db_exec(store->db, schema, err) < 0 || db_exec(store->db, "PRAGMA user_version = 1", err) < 0) {
        db_exec(store->db, "ROLLBACK", NULL);
        return -1;
    }
    return db_exec(store->db, "COMMIT", err);
}

static int open_database(Store *store, const char *path, Error *err)
{
    if (fs_sqlite_register(err) < 0 || db_open(path, false, &store->db, err) < 0)
        return -1;
    static const char *const pragmas[] = {
        "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",    "PRAGMA temp_store = MEMORY",
        "PRAGMA cache_size = -8192", "PRAGMA locking_mode = NORMAL",
    };
    for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++) {
        if (db_exec(store->db, pragmas[i], err) < 0)
            return -1;
    }
    return store_make_schema(store, err);
}

int store_open_index(Store *store, Error *err)
{
    char path[BLOB_PATH_MAX];
    snprintf(path, sizeof path, "%s/index.sqlite", store->dir);
    bool is_new = !fs_exists(path);
    if (open_database(store, path, err) < 0)
        return err_prefix(err, "%s", path);
    for (size_t i = 0; i < WRITE_COUNT_; i++) {
        if (db_prepare(store->db, write_sql[i], &store->write[i], err) < 0)
            return -1;
    }
    if (store_count_boot(store, err) < 0)
        return -1;
    if (is_new && fs_sync_dir(store->dir, err) < 0)
        return -1;
    return store_load_buckets(store, err) < 0 ? -1 : store_load_segments(store, err);
}
