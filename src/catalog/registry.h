/* registry.h - the catalog's database: namespaces, tables and views by name, whose location is whose, and
 * replies kept for clients that ask again.
 *
 * SQLite (write-ahead log, synchronous=FULL) in DATA/catalog/catalog.db. One thread writes: jobs that wait
 * are run in one transaction, each in a savepoint of its own, and are told after the commit is durable. Any
 * thread reads, with a connection borrowed for the time of one request; what it sees is durable.
 *
 * When it is not known whether a commit reached the disk, the jobs of it get ERR_COMMIT_UNKNOWN, later ones
 * ERR_UNAVAILABLE, and the process ends so that a new one reads what is there. A full disk is told apart
 * (ERR_DISK_FULL: it did not happen).
 *
 * A namespace is known by its path, the levels joined by 0x1F. Tables and views of a namespace share one
 * space of names. */
#pragma once

#include "base/arena.h"

typedef struct Registry Registry;
typedef struct RegConn RegConn; /* one connection; by one thread at a time */

int registry_open(const char *folder, Registry **ret, Error *err);
void registry_close(Registry *registry);
bool registry_has_failed(Registry *registry);

RegConn *registry_borrow(Registry *registry, Error *err); /* waits for a free one; NULL with ERR_IO */
/* One that is free at this moment, or NULL; never waits. */
RegConn *registry_try_borrow(Registry *registry);
void registry_return(Registry *registry, RegConn *conn); /* NULL is fine */

/* Runs job(conn, arg, err) in a transaction and returns when it is durable; -1 from the job undoes it and is
 * returned. The job runs on the writer's thread, must not block, and may be run again from the start: it must
 * not change `arg` in a way that matters then. */
typedef int (*RegistryJob)(RegConn *conn, void *arg, Error *err);
int registry_write(Registry *registry, RegistryJob job, void *arg, Error *err);

/* ---- namespaces ---- */

typedef struct RegNamespace {
    int64_t id;
    Str path;
    Str properties; /* JSON object of strings; arena */
} RegNamespace;

/* "a.b" of a path, as messages show it. Arena. */
Str reg_display_namespace(Str path, Arena *arena);
Str reg_display_name(Str namespace_path, Str name, Arena *arena);

/* ERR_NO_SUCH_NAMESPACE "Namespace does not exist: a.b". */
int reg_find_namespace(RegConn *conn, Str path, Arena *arena, RegNamespace *ret, Error *err);
int reg_add_namespace(RegConn *conn, Str path, Str properties,
                      Error *err); /* ERR_NAMESPACE_EXISTS; the parent's absence */
int reg_set_namespace_properties(RegConn *conn, int64_t id, Str properties, Error *err);
int reg_drop_namespace(RegConn *conn, Str path, Error *err); /* ERR_NAMESPACE_NOT_EMPTY */
/* Calls fn for each child of `parent` (empty: top level) after `after`, in byte order, at most `limit`. */
typedef int (*RegNameFn)(void *arg, Str name, Error *err);
int reg_list_namespaces(RegConn *conn, Str parent, Str after, int64_t limit, RegNameFn fn, void *arg,
                        Error *err);

/* ---- tables and views ---- */

typedef enum RegKind { REG_TABLE, REG_VIEW } RegKind;

typedef struct RegEntry {
    int64_t id, namespace_id;
    RegKind kind;
    Str name;
    Str uuid;
    Str metadata_location;
    int64_t version; /* number of the metadata file's name */
} RegEntry;

/* ret->id 0: there is none. */
int reg_find_entry(RegConn *conn, int64_t namespace_id, Str name, Arena *arena, RegEntry *ret, Error *err);
/* By the namespace's path in one query; ret->id 0 when there is no such entry or namespace. */
int reg_find_entry_by_path(RegConn *conn, Str namespace_path, Str name, Arena *arena, RegEntry *ret,
                           Error *err);
int reg_find_entry_by_id(RegConn *conn, int64_t id, Arena *arena, RegEntry *ret,
                         Error *err); /* ret->id 0: none */
/* Is it some table's or view's current metadata file? Looks through all. */
int reg_is_current_file(RegConn *conn, Str metadata_location, bool *ret, Error *err);
int reg_list_entries(RegConn *conn, int64_t namespace_id, RegKind kind, Str after, int64_t limit,
                     RegNameFn fn, void *arg, Error *err);
int reg_count_tables(RegConn *conn, int64_t *ret, Error *err);

/* Adds; *ret_id. The namespace must exist (ERR_NO_SUCH_NAMESPACE otherwise), the name be free. */
int reg_add_entry(RegConn *conn, const RegEntry *entry, int64_t *ret_id, Error *err);
/* The compare-and-swap: *ret_swapped false when the pointer is no longer `expected`. */
int reg_swap_entry(RegConn *conn, int64_t id, Str expected, Str metadata_location, int64_t version,
                   bool *ret_swapped, Error *err);
int reg_set_entry_uuid(RegConn *conn, int64_t id, Str uuid, Error *err);
int reg_move_entry(RegConn *conn, int64_t id, int64_t to_namespace_id, Str to_name, Error *err);
int reg_remove_entry(RegConn *conn, int64_t id, Error *err);

/* ---- locations ---- */

typedef enum RegLocationState {                    /* the order is that of reg_find_overlap()'s max_state */
                                REG_LOCATION_LIVE, /* of a table or view in the catalog */
                                REG_LOCATION_PURGING,
                                REG_LOCATION_KEPT,   /* of one that was dropped or unregistered without purge:
                                                        its files are still there */
                                REG_LOCATION_PURGED, /* emptied of what the table reached; not given out again
                                                        by itself */
} RegLocationState;

typedef struct RegLocation {
    int64_t id, entry_id; /* entry 0: none */
    Str uri;              /* ends in '/' */
    RegLocationState state;
} RegLocation;

/* The first location that is `uri` (ending in '/'), lies in it or holds it, has a state up to max_state and
 * belongs to another entry than `except_entry`; ret->id 0: none. */
int reg_find_overlap(RegConn *conn, Str uri, RegLocationState max_state, int64_t except_entry, Arena *arena,
                     RegLocation *ret, Error *err);
/* As reg_find_overlap(), but only those that hold `uri` or are it. */
int reg_find_owner(RegConn *conn, Str uri, RegLocationState max_state, int64_t except_entry, Arena *arena,
                   RegLocation *ret, Error *err);
int reg_add_location(RegConn *conn, Str uri, int64_t entry_id,
                     Error *err); /* nothing when the entry has it */
int reg_release_locations(RegConn *conn, int64_t entry_id, RegLocationState state, int64_t purge_id,
                          Error *err);

/* ---- purges and garbage ---- */

typedef struct RegPurge {
    int64_t id;
    Str metadata_location;
} RegPurge;
int reg_add_purge(RegConn *conn, Str metadata_location, int64_t *ret_id, Error *err);
int reg_next_purge(RegConn *conn, int64_t after_id, Arena *arena, RegPurge *ret,
                   Error *err); /* ret->id 0: none */
int reg_end_purge(RegConn *conn, int64_t purge_id, Error *err);
/* Is `uri` inside a location of this purge, and in no live or kept one below it? */
int reg_may_purge(RegConn *conn, int64_t purge_id, Str uri, bool *ret, Error *err);

/* Files to delete, by their URI. */
int reg_add_garbage(RegConn *conn, Str uri, Error *err);
int reg_next_garbage(RegConn *conn, Arena *arena, size_t max, Str *ret_uris, size_t *ret_n, Error *err);
int reg_end_garbage(RegConn *conn, Str uri, Error *err);

/* ---- kept replies (Idempotency-Key) ---- */

typedef struct RegReply {
    bool found;
    int64_t status;
    uint64_t fingerprint;  /* of the request */
    Str body;              /* ptr NULL: none */
    Str metadata_location; /* ptr NULL: none; else the reply is this table */
} RegReply;

int reg_find_reply(RegConn *conn, Str key, Arena *arena, RegReply *ret, Error *err);
int reg_add_reply(RegConn *conn, Str key, const RegReply *reply, Error *err);
int reg_expire_replies(RegConn *conn, int64_t before_ms, int64_t limit, Error *err);
