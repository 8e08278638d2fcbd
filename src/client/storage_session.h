/* storage_session.h - the session behind a StorageClient: what storage_client.c, storage_session.c and
 * storage_s3.c share. */
#pragma once

#include "base/thread.h"
#include "client/storage_client.h"
#include "format/json.h"
#include "net/http_client.h"

enum {
    STORAGE_SESSION_CHARS = 32,
    STORAGE_WAIT_MS = 10000, /* how long a call waits for storage to come back */
    STORAGE_RETRY_MS = 20,
};

struct StoragePins {
    StorageClient *client;
    char group[24];
    char **paths; /* owned */
    size_t n, cap;
    StoragePins *next, *previous;
};

struct StorageStage {
    StorageClient *client;
    char *id, *dir; /* owned */
    StorageStage *next, *previous;
};

typedef struct Released { /* a group to unpin or a stage to remove, in the background */
    struct Released *next;
    bool is_stage;
    char name[STORAGE_SESSION_CHARS + 1];
} Released;

struct StorageClient {
    HttpClient *http;
    char *socket_path, *capability;
    char session[STORAGE_SESSION_CHARS + 1];
    pthread_t thread;
    int wake_fd;          /* eventfd: stop, or something was released */
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    bool is_connected, is_stopping;
    uint64_t next_group;
    StoragePins *pins;
    StorageStage *stages;
    Released *released;
};

int storage_session_start(StorageClient *client, Error *err);
void storage_session_stop(StorageClient *client);
/* Waits until the session is open, at most until `deadline_us` (monotonic). ERR_UNAVAILABLE. */
int storage_session_wait(StorageClient *client, int64_t deadline_us, Error *err);
void storage_session_wake(StorageClient *client);

/* One private call: `body` is JSON. Waits for storage and repeats while it is away; `repeat` tells whether
 * also after a broken answer. */
int storage_call(StorageClient *client, const char *name, Str body, bool repeat, Arena *arena,
                 const Json **ret, Error *err);
/* The call itself, once, whether or not the session is open. */
int storage_call_once(StorageClient *client, const char *name, Str body, Arena *arena, const Json **ret,
                      Error *err);
