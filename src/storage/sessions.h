/* sessions.h - the clients of the private calls: what each has pinned and staged, for as long as its
 * connection stays open.
 *
 * A session is opened by a streamed GET and ends with it; then its pins are released and its stages removed.
 * Pins are kept by group (one query's pins), so that they can be released together. Thread-safe. Source:
 * docs/internal-api.md. */
#pragma once

#include "net/http_server.h"
#include "storage/s3.h"

enum { SESSION_ID_CHARS = 32 };

Sessions *sessions_new(StorageRole *role);
void sessions_free(Sessions *sessions);

/* Opens the session (or takes it over from an older connection) and keeps `http` open. Answers the request in
 * any case. */
void sessions_open(Sessions *sessions, HttpRequest *http, Str id);
/* Ends all streams, for the drain. */
void sessions_end_streams(Sessions *sessions);

typedef struct SessionPin {
    char *uri; /* owned; NULL when pinned by path */
    uint64_t generation;
} SessionPin;

/* Takes over pins that are held already. ERR_NOT_FOUND (no such session): the pins are released. */
int sessions_add_pins(Sessions *sessions, Str id, Str group, const Str *uris, const uint64_t *generations,
                      size_t n, Error *err);
/* Releases the pins of these URIs in the group; uris NULL: all of it. */
int sessions_unpin(Sessions *sessions, Str id, Str group, const Str *uris, size_t n, Error *err);

/* Makes a stage, or takes an existing one over after a restart when `stage` is given. *ret_dir and *ret_id in
 * the arena. */
int sessions_stage(Sessions *sessions, Str id, Str stage, Arena *arena, Str *ret_id, Str *ret_dir,
                   Error *err);
/* The folder of a stage of the session; ERR_NOT_FOUND. */
int sessions_stage_dir(Sessions *sessions, Str id, Str stage, Arena *arena, Str *ret_dir, Error *err);
int sessions_unstage(Sessions *sessions, Str id, Str stage, Error *err);
/* Removes folders of stages that no session took over. */
void sessions_sweep_stages(Sessions *sessions);
