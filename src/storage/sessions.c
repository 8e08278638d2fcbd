/* sessions.c - see sessions.h. */
#include "storage/sessions.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/map.h"
#include "base/rng.h"

typedef struct PinGroup {
    SessionPin *pins;
    size_t n, cap;
} PinGroup;

typedef struct Session {
    char id[SESSION_ID_CHARS + 1];
    HttpRequest *stream;
    Map *groups; /* name -> PinGroup */
    Map *stages; /* id -> the session itself */
} Session;

struct Sessions {
    StorageRole *role;
    pthread_mutex_t lock;
    Map *by_id;
    bool is_ending; /* the role drains: no more of them */
};

Sessions *sessions_new(StorageRole *role)
{
    Sessions *sessions = calloc(1, sizeof *sessions);
    if (!sessions)
        abort();
    sessions->role = role;
    sessions->by_id = map_new();
    pthread_mutex_init(&sessions->lock, NULL);
    return sessions;
}

static bool is_hex_id(Str id)
{
    if (id.len != SESSION_ID_CHARS)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        if (!((id.ptr[i] >= '0' && id.ptr[i] <= '9') || (id.ptr[i] >= 'a' && id.ptr[i] <= 'f')))
            return false;
    }
    return true;
}

static void stage_path(const Sessions *sessions, Str stage, char out[BLOB_PATH_MAX])
{
    snprintf(out, BLOB_PATH_MAX, "%.*s/stages/%.*s", STR_ARG(store_dir(sessions->role->store)),
             STR_ARG(stage));
}

/* ---- the end of a session ---- */

static void group_free(Sessions *sessions, PinGroup *group)
{
    for (size_t i = 0; i < group->n; i++) {
        blobs_unpin(store_blobs(sessions->role->store), group->pins[i].generation);
        free(group->pins[i].uri);
    }
    free(group->pins);
    free(group);
}

static void remove_stage(const Sessions *sessions, Str stage)
{
    char path[BLOB_PATH_MAX];
    Error err;
    stage_path(sessions, stage, path);
    if (fs_remove_tree(path, &err) < 0)
        log_warn("storage.stage.remove_failed", L_ERR(&err));
}

static void session_free(Sessions *sessions, Session *session, bool keep_stages)
{
    Str name;
    void *value;
    for (size_t i = 0; map_next(session->groups, &i, &name, &value);)
        group_free(sessions, value);
    for (size_t i = 0; !keep_stages && map_next(session->stages, &i, &name, &value);)
        remove_stage(sessions, name);
    map_free(session->groups);
    map_free(session->stages);
    free(session);
}

void sessions_free(Sessions *sessions)
{
    Str id;
    void *value;
    if (!sessions)
        return;
    /* the clients live on and come back after our restart: their stages stay */
    for (size_t i = 0; map_next(sessions->by_id, &i, &id, &value);)
        session_free(sessions, value, true);
    map_free(sessions->by_id);
    pthread_mutex_destroy(&sessions->lock);
    free(sessions);
}

typedef struct SessionEnd {
    Sessions *sessions;
    Session *session;
} SessionEnd;

static void end_on_worker(void *arg)
{
    SessionEnd *end = arg;
    log_info("storage.session.closed", L_CSTR("session", end->session->id));
    session_free(end->sessions, end->session, false);
    free(end);
}

/* On the loop thread: the client's connection is gone. */
static void on_stream_gone(HttpRequest *http, void *arg)
{
    Sessions *sessions = arg;
    Session *found = NULL;
    {
        MUTEX_GUARD(&sessions->lock);
        Str id;
        void *value;
        for (size_t i = 0; !found && map_next(sessions->by_id, &i, &id, &value);) {
            if (((Session *)value)->stream == http)
                found = value;
        }
        if (found)
            map_remove(sessions->by_id, str_from(found->id));
    }
    if (found) {
        SessionEnd *end = malloc(sizeof *end);
        if (!end)
            abort();
        *end = (SessionEnd){sessions, found};
        if (worker_pool_submit(sessions->role->io, end_on_worker, end, NULL) < 0)
            end_on_worker(end);
    }
    if (found) /* else somebody else took the stream out, and ends it */
        http_end(http, false);
}

/* ---- its beginning ---- */

/* Under the lock: a stream that is in the map has begun, and whoever takes it out again ends it. */
static void stream_begin(Sessions *sessions, HttpRequest *http)
{
    http_begin(http, 200, "application/octet-stream", -1);
    http_write(http, STR("open\n"), NULL);
    http_on_gone(http, on_stream_gone, sessions);
}

static int session_begin(Sessions *sessions, Str id, HttpRequest *http, HttpRequest **ret_old, Error *err)
{
    MUTEX_GUARD(&sessions->lock);
    Session *session = map_get(sessions->by_id, id);
    *ret_old = NULL;
    if (sessions->is_ending)
        return err_set(err, ERR_UNAVAILABLE, "storage is stopping");
    if (session) {
        *ret_old = session->stream;
        session->stream = http;
        stream_begin(sessions, http);
        return 0;
    }
    if (map_count(sessions->by_id) >= SESSIONS)
        return err_set(err, ERR_OVERLOADED, "there are %d sessions already", SESSIONS);
    session = calloc(1, sizeof *session);
    if (!session)
        abort();
    memcpy(session->id, id.ptr, SESSION_ID_CHARS);
    session->stream = http;
    session->groups = map_new();
    session->stages = map_new();
    map_put(sessions->by_id, id, session);
    stream_begin(sessions, http);
    return 0;
}

void sessions_open(Sessions *sessions, HttpRequest *http, Str id)
{
    Error err;
    HttpRequest *old;
    if (!is_hex_id(id)) {
        err_set(&err, ERR_BAD_REQUEST, "a session id has %d lower-case hexadecimal digits", SESSION_ID_CHARS);
        http_reply_error(http, &err);
        return;
    }
    if (session_begin(sessions, id, http, &old, &err) < 0) {
        http_reply_error(http, &err);
        return;
    }
    log_info("storage.session.opened", L_STR("session", id));
    if (old)
        http_end(old, true);
}

void sessions_end_streams(Sessions *sessions)
{
    MUTEX_GUARD(&sessions->lock);
    Str id;
    void *value;
    sessions->is_ending = true;
    for (size_t i = 0; map_next(sessions->by_id, &i, &id, &value);) {
        Session *session = value;
        if (session->stream)
            http_end(session->stream, true);
        session->stream = NULL;
    }
}

/* Under the lock. */
static Session *find_session(Sessions *sessions, Str id, Error *err)
{
    Session *session = map_get(sessions->by_id, id);
    if (!session)
        err_set(err, ERR_NOT_FOUND, "no such session: %.*s", STR_ARG(str_slice(id, 0, 64)));
    return session;
}

/* ---- pins ---- */

static PinGroup *find_group(Session *session, Str name)
{
    PinGroup *group = map_get(session->groups, name);
    if (group)
        return group;
    group = calloc(1, sizeof *group);
    if (!group)
        abort();
    map_put(session->groups, name, group);
    return group;
}

static void group_add(PinGroup *group, Str uri, uint64_t generation)
{
    if (group->n == group->cap) {
        group->cap = group->cap ? 2 * group->cap : 16;
        group->pins = realloc(group->pins, group->cap * sizeof *group->pins);
        if (!group->pins)
            abort();
    }
    group->pins[group->n++] =
        (SessionPin){.uri = uri.ptr ? strndup(uri.ptr, uri.len) : NULL, .generation = generation};
}

int sessions_add_pins(Sessions *sessions, Str id, Str group_name, const Str *uris,
                      const uint64_t *generations, size_t n, Error *err)
{
    {
        MUTEX_GUARD(&sessions->lock);
        Session *session = find_session(sessions, id, err);
        if (session) {
            PinGroup *group = find_group(session, group_name);
            for (size_t i = 0; i < n; i++)
                group_add(group, uris ? uris[i] : STR_NULL, generations[i]);
            return 0;
        }
    }
    for (size_t i = 0; i < n; i++)
        blobs_unpin(store_blobs(sessions->role->store), generations[i]);
    return -1;
}

static void group_remove(Sessions *sessions, PinGroup *group, Str uri)
{
    for (size_t i = 0; i < group->n; i++) {
        if (!group->pins[i].uri || !str_is(uri, group->pins[i].uri))
            continue;
        blobs_unpin(store_blobs(sessions->role->store), group->pins[i].generation);
        free(group->pins[i].uri);
        group->pins[i] = group->pins[--group->n];
        return;
    }
}

int sessions_unpin(Sessions *sessions, Str id, Str group_name, const Str *uris, size_t n, Error *err)
{
    MUTEX_GUARD(&sessions->lock);
    Session *session = find_session(sessions, id, err);
    if (!session)
        return -1;
    PinGroup *group = map_get(session->groups, group_name);
    for (size_t i = 0; group && i < n; i++)
        group_remove(sessions, group, uris[i]);
    if (group && (!uris || group->n == 0)) {
        map_remove(session->groups, group_name);
        group_free(sessions, group);
    }
    return 0;
}

/* ---- stages ---- */

int sessions_stage(Sessions *sessions, Str id, Str stage, Arena *arena, Str *ret_id, Str *ret_dir, Error *err)
{
    char path[BLOB_PATH_MAX], made[SESSION_ID_CHARS];
    uint8_t random[SESSION_ID_CHARS / 2];
    if (stage.len && !is_hex_id(stage))
        return err_set(err, ERR_BAD_REQUEST, "malformed stage id");
    if (!stage.len) {
        rng_bytes(random, sizeof random);
        hex_encode(random, sizeof random, made);
        stage = str_of(made, sizeof made);
    }
    MUTEX_GUARD(&sessions->lock);
    Session *session = find_session(sessions, id, err);
    if (!session)
        return -1;
    if (map_count(session->stages) >= SESSION_STAGES)
        return err_set(err, ERR_OVERLOADED, "the session has %d stages already", SESSION_STAGES);
    stage_path(sessions, stage, path);
    if (fs_mkdir(path, 0700, err) < 0)
        return -1;
    map_put(session->stages, stage, session);
    *ret_id = arena_str(arena, stage);
    *ret_dir = arena_str(arena, str_from(path));
    return 0;
}

int sessions_stage_dir(Sessions *sessions, Str id, Str stage, Arena *arena, Str *ret_dir, Error *err)
{
    char path[BLOB_PATH_MAX];
    MUTEX_GUARD(&sessions->lock);
    const Session *session = find_session(sessions, id, err);
    if (!session)
        return -1;
    if (!map_get(session->stages, stage))
        return err_set(err, ERR_NOT_FOUND, "no such stage: %.*s", STR_ARG(str_slice(stage, 0, 64)));
    stage_path(sessions, stage, path);
    *ret_dir = arena_str(arena, str_from(path));
    return 0;
}

int sessions_unstage(Sessions *sessions, Str id, Str stage, Error *err)
{
    {
        MUTEX_GUARD(&sessions->lock);
        Session *session = find_session(sessions, id, err);
        if (!session)
            return -1;
        if (!map_remove(session->stages, stage))
            return 0;
    }
    remove_stage(sessions, stage);
    return 0;
}

void sessions_sweep_stages(Sessions *sessions)
{
    char path[BLOB_PATH_MAX];
    stage_path(sessions, STR(""), path);
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        Str stage = str_from(entry->d_name), id;
        void *value;
        bool is_owned = !is_hex_id(stage);
        {
            MUTEX_GUARD(&sessions->lock);
            for (size_t i = 0; !is_owned && map_next(sessions->by_id, &i, &id, &value);)
                is_owned = map_get(((Session *)value)->stages, stage);
        }
        if (!is_owned)
            remove_stage(sessions, stage);
    }
    closedir(dir);
}
