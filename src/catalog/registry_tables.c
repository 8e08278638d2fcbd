/* registry_tables.c - the registry's rows: namespaces, tables and views, locations, purges, kept replies. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "catalog/registry_db.h"

#define USE(name, conn, id)                                                                                  \
    _cleanup_statement_ sqlite3_stmt *name = regdb_use((conn), (id), err);                                   \
    if (!name)                                                                                               \
    return -1

/* ---- names ---- */

Str reg_display_namespace(Str path, Arena *arena)
{
    char *text = arena_cstr(arena, path);

    for (size_t i = 0; i < path.len; i++)
        if (text[i] == '\x1f')
            text[i] = '.';
    return str_of(text, path.len);
}

Str reg_display_name(Str namespace_path, Str name, Arena *arena)
{
    return arena_printf(arena, "%.*s.%.*s", STR_ARG(reg_display_namespace(namespace_path, arena)),
                        STR_ARG(name));
}

/* For messages made without an arena. */
static int fail_namespace(Str path, ErrCode code, const char *detail, Error *err)
{
    char text[600];
    size_t n = path.len < sizeof text ? path.len : sizeof text - 1;

    for (size_t i = 0; i < n; i++)
        text[i] = path.ptr[i] == '\x1f' ? '.' : path.ptr[i];
    if (code == ERR_NO_SUCH_NAMESPACE)
        return err_set(err, code, "Namespace does not exist: %.*s%s", (int)n, text, detail);
    if (code == ERR_NAMESPACE_EXISTS)
        return err_set(err, code, "Namespace already exists: %.*s%s", (int)n, text, detail);
    return err_set(err, code, "Namespace %.*s is not empty. %s", (int)n, text, detail);
}

/* ---- namespaces ---- */

int reg_find_namespace(RegConn *conn, Str path, Arena *arena, RegNamespace *ret, Error *err)
{
    USE(st, conn, REG_FIND_NAMESPACE);
    regdb_bind_text(st, 1, path);
    int rc = regdb_step(st, err);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return fail_namespace(path, ERR_NO_SUCH_NAMESPACE, "", err);
    *ret = (RegNamespace){sqlite3_column_int64(st, 0), path, regdb_text(st, 1, arena)};
    return 0;
}

static int find_namespace_id(RegConn *conn, Str path, int64_t *ret_id, Error *err)
{
    USE(st, conn, REG_FIND_NAMESPACE);
    regdb_bind_text(st, 1, path);
    int rc = regdb_step(st, err);
    if (rc < 0)
        return -1;
    *ret_id = rc ? sqlite3_column_int64(st, 0) : 0;
    return 0;
}

static Str parent_of(Str path)
{
    ptrdiff_t at = str_rfind_char(path, '\x1f');
    return at < 0 ? STR("") : str_slice(path, 0, (size_t)at);
}

int reg_add_namespace(RegConn *conn, Str path, Str properties, Error *err)
{
    Str parent = parent_of(path);
    int64_t id;

    if (find_namespace_id(conn, path, &id, err) < 0)
        return -1;
    if (id != 0)
        return fail_namespace(path, ERR_NAMESPACE_EXISTS, "", err);
    if (parent.len > 0) {
        if (find_namespace_id(conn, parent, &id, err) < 0)
            return -1;
        if (id == 0)
            return fail_namespace(parent, ERR_NO_SUCH_NAMESPACE, "", err);
    }
    USE(st, conn, REG_ADD_NAMESPACE);
    regdb_bind_text(st, 1, path);
    regdb_bind_text(st, 2, parent);
    regdb_bind_text(st, 3, properties);
    return regdb_run(st, err);
}

int reg_set_namespace_properties(RegConn *conn, int64_t id, Str properties, Error *err)
{
    USE(st, conn, REG_SET_NAMESPACE_PROPERTIES);
    regdb_bind_int(st, 1, id);
    regdb_bind_text(st, 2, properties);
    return regdb_run(st, err);
}

static int check_empty(RegConn *conn, Str path, int64_t id, Error *err)
{
    USE(child, conn, REG_NAMESPACE_HAS_CHILD);
    regdb_bind_text(child, 1, path);
    int rc = regdb_step(child, err);
    if (rc != 0)
        return rc < 0 ? -1 : fail_namespace(path, ERR_NAMESPACE_NOT_EMPTY, "It holds namespaces.", err);
    USE(entry, conn, REG_NAMESPACE_HAS_ENTRY);
    regdb_bind_int(entry, 1, id);
    rc = regdb_step(entry, err);
    if (rc <= 0)
        return rc;
    return fail_namespace(path, ERR_NAMESPACE_NOT_EMPTY,
                          sqlite3_column_int64(entry, 0) == REG_VIEW ? "It holds views." : "It holds tables.",
                          err);
}

int reg_drop_namespace(RegConn *conn, Str path, Error *err)
{
    int64_t id;

    if (find_namespace_id(conn, path, &id, err) < 0)
        return -1;
    if (id == 0)
        return fail_namespace(path, ERR_NO_SUCH_NAMESPACE, "", err);
    if (check_empty(conn, path, id, err) < 0)
        return -1;
    USE(st, conn, REG_DROP_NAMESPACE);
    regdb_bind_int(st, 1, id);
    return regdb_run(st, err);
}

static int list_names(sqlite3_stmt *st, RegNameFn fn, void *arg, Error *err)
{
    int rc;

    while ((rc = regdb_step(st, err)) > 0) {
        Str name = {(const char *)sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0)};
        if (fn(arg, name, err) < 0)
            return -1;
    }
    return rc;
}

int reg_list_namespaces(RegConn *conn, Str parent, Str after, int64_t limit, RegNameFn fn, void *arg,
                        Error *err)
{
    USE(st, conn, REG_LIST_NAMESPACES);
    regdb_bind_text(st, 1, parent.ptr ? parent : STR(""));
    regdb_bind_text(st, 2, after.ptr ? after : STR(""));
    regdb_bind_int(st, 3, limit);
    return list_names(st, fn, arg, err);
}

/* ---- tables and views ---- */

static int read_entry(sqlite3_stmt *st, Arena *arena, RegEntry *ret, Error *err)
{
    int rc = regdb_step(st, err);

    if (rc < 0)
        return -1;
    *ret = (RegEntry){0};
    if (rc == 0)
        return 0;
    ret->id = sqlite3_column_int64(st, 0);
    ret->namespace_id = sqlite3_column_int64(st, 1);
    ret->kind = (RegKind)sqlite3_column_int64(st, 2);
    ret->name = regdb_text(st, 3, arena);
    ret->uuid = regdb_text(st, 4, arena);
    ret->metadata_location = regdb_text(st, 5, arena);
    ret->version = sqlite3_column_int64(st, 6);
    return 0;
}

int reg_find_entry(RegConn *conn, int64_t namespace_id, Str name, Arena *arena, RegEntry *ret, Error *err)
{
    USE(st, conn, REG_FIND_ENTRY);
    regdb_bind_int(st, 1, namespace_id);
    regdb_bind_text(st, 2, name);
    return read_entry(st, arena, ret, err);
}

int reg_find_entry_by_path(RegConn *conn, Str namespace_path, Str name, Arena *arena, RegEntry *ret,
                           Error *err)
{
    USE(st, conn, REG_FIND_ENTRY_BY_PATH);
    regdb_bind_text(st, 1, namespace_path);
    regdb_bind_text(st, 2, name);
    return read_entry(st, arena, ret, err);
}

int reg_find_entry_by_id(RegConn *conn, int64_t id, Arena *arena, RegEntry *ret, Error *err)
{
    USE(st, conn, REG_FIND_ENTRY_BY_ID);
    regdb_bind_int(st, 1, id);
    return read_entry(st, arena, ret, err);
}

int reg_is_current_file(RegConn *conn, Str metadata_location, bool *ret, Error *err)
{
    USE(st, conn, REG_IS_CURRENT_FILE);
    regdb_bind_text(st, 1, metadata_location);
    int rc = regdb_step(st, err);
    *ret = rc > 0;
    return rc < 0 ? -1 : 0;
}

int reg_list_entries(RegConn *conn, int64_t namespace_id, RegKind kind, Str after, int64_t limit,
                     RegNameFn fn, void *arg, Error *err)
{
    USE(st, conn, REG_LIST_ENTRIES);
    regdb_bind_int(st, 1, namespace_id);
    regdb_bind_int(st, 2, kind);
    regdb_bind_text(st, 3, after.ptr ? after : STR(""));
    regdb_bind_int(st, 4, limit);
    return list_names(st, fn, arg, err);
}

int reg_count_tables(RegConn *conn, int64_t *ret, Error *err)
{
    USE(st, conn, REG_COUNT_TABLES);
    int rc = regdb_step(st, err);
    *ret = rc > 0 ? sqlite3_column_int64(st, 0) : 0;
    return rc < 0 ? -1 : 0;
}

int reg_add_entry(RegConn *conn, const RegEntry *entry, int64_t *ret_id, Error *err)
{
    USE(ns, conn, REG_NAMESPACE_BY_ID);
    regdb_bind_int(ns, 1, entry->namespace_id);
    int rc = regdb_step(ns, err);
    if (rc <= 0)
        return rc < 0 ? -1
                      : err_set(err, ERR_NO_SUCH_NAMESPACE,
                                "Namespace does not exist: it was dropped meanwhile");
    USE(st, conn, REG_ADD_ENTRY);
    regdb_bind_int(st, 1, entry->namespace_id);
    regdb_bind_int(st, 2, entry->kind);
    regdb_bind_text(st, 3, entry->name);
    regdb_bind_text(st, 4, entry->uuid);
    regdb_bind_text(st, 5, entry->metadata_location);
    regdb_bind_int(st, 6, entry->version);
    if (regdb_run(st, err) < 0)
        return -1;
    *ret_id = sqlite3_last_insert_rowid(conn->db);
    return 0;
}

int reg_swap_entry(RegConn *conn, int64_t id, Str expected, Str metadata_location, int64_t version,
                   bool *ret_swapped, Error *err)
{
    USE(st, conn, REG_SWAP_ENTRY);
    regdb_bind_int(st, 1, id);
    regdb_bind_text(st, 2, expected);
    regdb_bind_text(st, 3, metadata_location);
    regdb_bind_int(st, 4, version);
    if (regdb_run(st, err) < 0)
        return -1;
    *ret_swapped = sqlite3_changes(conn->db) == 1;
    return 0;
}

int reg_set_entry_uuid(RegConn *conn, int64_t id, Str uuid, Error *err)
{
    USE(st, conn, REG_SET_ENTRY_UUID);
    regdb_bind_int(st, 1, id);
    regdb_bind_text(st, 2, uuid);
    return regdb_run(st, err);
}

int reg_move_entry(RegConn *conn, int64_t id, int64_t to_namespace_id, Str to_name, Error *err)
{
    USE(st, conn, REG_MOVE_ENTRY);
    regdb_bind_int(st, 1, id);
    regdb_bind_int(st, 2, to_namespace_id);
    regdb_bind_text(st, 3, to_name);
    return regdb_run(st, err);
}

int reg_remove_entry(RegConn *conn, int64_t id, Error *err)
{
    USE(st, conn, REG_REMOVE_ENTRY);
    regdb_bind_int(st, 1, id);
    return regdb_run(st, err);
}

/* ---- locations ---- */

static void read_location(sqlite3_stmt *st, Arena *arena, RegLocation *ret)
{
    *ret = (RegLocation){.id = sqlite3_column_int64(st, 0),
                         .entry_id = sqlite3_column_int64(st, 1),
                         .uri = regdb_text(st, 2, arena),
                         .state = (RegLocationState)sqlite3_column_int64(st, 3)};
}

static int find_at(RegConn *conn, Str uri, RegLocationState max_state, int64_t except_entry, Arena *arena,
                   RegLocation *ret, Error *err)
{
    USE(st, conn, REG_LOCATION_AT);
    regdb_bind_text(st, 1, uri);
    regdb_bind_int(st, 2, max_state);
    regdb_bind_int(st, 3, except_entry);
    int rc = regdb_step(st, err);
    if (rc > 0)
        read_location(st, arena, ret);
    return rc < 0 ? -1 : 0;
}

int reg_find_owner(RegConn *conn, Str uri, RegLocationState max_state, int64_t except_entry, Arena *arena,
                   RegLocation *ret, Error *err)
{
    *ret = (RegLocation){0};
    for (size_t n = uri.len; n > 0 && ret->id == 0; n--)
        if (uri.ptr[n - 1] == '/' &&
            find_at(conn, str_slice(uri, 0, n), max_state, except_entry, arena, ret, err) < 0)
            return -1;
    return 0;
}

int reg_find_overlap(RegConn *conn, Str uri, RegLocationState max_state, int64_t except_entry, Arena *arena,
                     RegLocation *ret, Error *err)
{
    assert(uri.len > 0 && uri.ptr[uri.len - 1] == '/');
    if (reg_find_owner(conn, uri, max_state, except_entry, arena, ret, err) < 0 || ret->id != 0)
        return ret->id != 0 ? 0 : -1;
    char *end = arena_cstr(arena, uri);
    end[uri.len - 1] = '/' + 1; /* the first text behind all that begin with uri */
    USE(st, conn, REG_LOCATION_INSIDE);
    regdb_bind_text(st, 1, uri);
    regdb_bind_int(st, 2, max_state);
    regdb_bind_int(st, 3, except_entry);
    regdb_bind_text(st, 4, str_of(end, uri.len));
    int rc = regdb_step(st, err);
    if (rc > 0)
        read_location(st, arena, ret);
    return rc < 0 ? -1 : 0;
}

int reg_add_location(RegConn *conn, Str uri, int64_t entry_id, Error *err)
{
    USE(known, conn, REG_LOCATION_OF_ENTRY);
    regdb_bind_text(known, 1, uri);
    regdb_bind_int(known, 2, entry_id);
    int rc = regdb_step(known, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    USE(st, conn, REG_ADD_LOCATION);
    regdb_bind_text(st, 1, uri);
    regdb_bind_int(st, 2, entry_id);
    return regdb_run(st, err);
}

int reg_release_locations(RegConn *conn, int64_t entry_id, RegLocationState state, int64_t purge_id,
                          Error *err)
{
    USE(st, conn, REG_RELEASE_LOCATIONS);
    regdb_bind_int(st, 1, entry_id);
    regdb_bind_int(st, 2, state);
    if (purge_id)
        regdb_bind_int(st, 3, purge_id);
    else
        regdb_bind_text(st, 3, STR_NULL);
    return regdb_run(st, err);
}

/* ---- purges and garbage ---- */

int reg_add_purge(RegConn *conn, Str metadata_location, int64_t *ret_id, Error *err)
{
    USE(st, conn, REG_ADD_PURGE);
    regdb_bind_text(st, 1, metadata_location);
    if (regdb_run(st, err) < 0)
        return -1;
    *ret_id = sqlite3_last_insert_rowid(conn->db);
    return 0;
}

int reg_next_purge(RegConn *conn, int64_t after_id, Arena *arena, RegPurge *ret, Error *err)
{
    USE(st, conn, REG_NEXT_PURGE);
    regdb_bind_int(st, 1, after_id);
    int rc = regdb_step(st, err);
    *ret = (RegPurge){0};
    if (rc > 0)
        *ret = (RegPurge){sqlite3_column_int64(st, 0), regdb_text(st, 1, arena)};
    return rc < 0 ? -1 : 0;
}

int reg_end_purge(RegConn *conn, int64_t purge_id, Error *err)
{
    USE(locations, conn, REG_END_PURGE_LOCATIONS);
    regdb_bind_int(locations, 1, purge_id);
    if (regdb_run(locations, err) < 0)
        return -1;
    USE(st, conn, REG_END_PURGE);
    regdb_bind_int(st, 1, purge_id);
    return regdb_run(st, err);
}

int reg_may_purge(RegConn *conn, int64_t purge_id, Str uri, bool *ret, Error *err)
{
    bool inside = false;

    *ret = false;
    for (size_t n = uri.len; n > 0; n--) {
        if (uri.ptr[n - 1] != '/')
            continue;
        USE(st, conn, REG_LOCATION_ALL_AT);
        regdb_bind_text(st, 1, str_slice(uri, 0, n));
        int rc;
        while ((rc = regdb_step(st, err)) > 0) {
            int64_t state = sqlite3_column_int64(st, 0);
            if (state == REG_LOCATION_LIVE || state == REG_LOCATION_KEPT)
                return 0; /* the nearest or a farther owner still needs its files */
            inside = inside || sqlite3_column_int64(st, 1) == purge_id;
        }
        if (rc < 0)
            return -1;
    }
    *ret = inside;
    return 0;
}

int reg_add_garbage(RegConn *conn, Str uri, Error *err)
{
    USE(st, conn, REG_ADD_GARBAGE);
    regdb_bind_text(st, 1, uri);
    return regdb_run(st, err);
}

int reg_next_garbage(RegConn *conn, Arena *arena, size_t max, Str *ret_uris, size_t *ret_n, Error *err)
{
    USE(st, conn, REG_NEXT_GARBAGE);
    regdb_bind_int(st, 1, (int64_t)max);
    int rc = 0;
    *ret_n = 0;
    while (*ret_n < max && (rc = regdb_step(st, err)) > 0)
        ret_uris[(*ret_n)++] = regdb_text(st, 0, arena);
    return rc < 0 ? -1 : 0;
}

int reg_end_garbage(RegConn *conn, Str uri, Error *err)
{
    USE(st, conn, REG_END_GARBAGE);
    regdb_bind_text(st, 1, uri);
    return regdb_run(st, err);
}

/* ---- kept replies ---- */

int reg_find_reply(RegConn *conn, Str key, Arena *arena, RegReply *ret, Error *err)
{
    USE(st, conn, REG_FIND_REPLY);
    regdb_bind_text(st, 1, key);
    int rc = regdb_step(st, err);
    *ret = (RegReply){0};
    if (rc > 0)
        *ret = (RegReply){.found = true,
                          .status = sqlite3_column_int64(st, 0),
                          .fingerprint = (uint64_t)sqlite3_column_int64(st, 1),
                          .body = regdb_text(st, 2, arena),
                          .metadata_location = regdb_text(st, 3, arena)};
    return rc < 0 ? -1 : 0;
}

int reg_add_reply(RegConn *conn, Str key, const RegReply *reply, Error *err)
{
    USE(st, conn, REG_ADD_REPLY);
    regdb_bind_text(st, 1, key);
    regdb_bind_int(st, 2, reply->status);
    regdb_bind_int(st, 3, (int64_t)reply->fingerprint);
    regdb_bind_text(st, 4, reply->body);
    regdb_bind_text(st, 5, reply->metadata_location);
    regdb_bind_int(st, 6, clock_now_ms());
    return regdb_run(st, err);
}

int reg_expire_replies(RegConn *conn, int64_t before_ms, int64_t limit, Error *err)
{
    USE(st, conn, REG_EXPIRE_REPLIES);
    regdb_bind_int(st, 1, before_ms);
    regdb_bind_int(st, 2, limit);
    return regdb_run(st, err);
}
