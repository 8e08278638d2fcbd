/* storage_session.c - the thread that keeps the session's connection open, and the private calls.
 *
 * The connection is a plain socket, not an HttpClient's: it must be watched together with the wake-up, and
 * ended at once. */
#include "client/storage_session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"

enum { SESSION_ARENA_BYTES = 64 << 20, SESSION_BACKOFF_MIN_MS = 10, SESSION_BACKOFF_MAX_MS = 500 };

void storage_session_wake(StorageClient *client)
{
    uint64_t one = 1;
    if (write(client->wake_fd, &one, sizeof one) < 0)
        log_debug("storage_client.wake_failed", L_INT("errno", errno));
}

/* ---- calls ---- */

static int call_error(const HttpResponse *response, Arena *arena, Error *err)
{
    const Json *json = NULL;
    Str message = STR("storage refused the call"), type = STR("");
    if (json_parse(response->body, arena, &json, NULL) == 0) {
        const Json *inner = json_get(json, "error");
        json_get_string(inner, "message", message, &message, NULL);
        json_get_string(inner, "type", type, &type, NULL);
    }
    ErrCode code = err_code_of_iceberg_type(arena_cstr(arena, type), response->status);
    if (response->status == 404)
        code = str_find(message, STR("bucket")) >= 0 ? ERR_NO_SUCH_BUCKET : ERR_NOT_FOUND;
    if (response->status == 507)
        code = ERR_DISK_FULL;
    if (response->status == 503)
        code = ERR_OVERLOADED;
    return err_set(err, code, "storage: %.*s", STR_ARG(message));
}

int storage_call_once(StorageClient *client, const char *name, Str body, Arena *arena, const Json **ret,
                      Error *err)
{
    char target[64];
    const HttpHeader header = {STR("Content-Type"), STR("application/json")};
    HttpResponse response;
    snprintf(target, sizeof target, "/_lakehouse/v1/%s", name);
    HttpCall call = {
        .method = "POST", .target = str_from(target), .headers = &header, .n_headers = 1, .body = body};
    if (http_client_call(client->http, &call, arena, &response, err) < 0)
        return -1;
    if (response.status != 200)
        return call_error(&response, arena, err);
    return json_parse(response.body, arena, ret, err);
}

static bool is_lost_session(const Error *err)
{
    return err->code == ERR_NOT_FOUND && strstr(err->message, "no such session");
}

int storage_call(StorageClient *client, const char *name, Str body, bool repeat, Arena *arena,
                 const Json **ret, Error *err)
{
    int64_t deadline = clock_monotonic_us() + (int64_t)STORAGE_WAIT_MS * 1000;
    Error own;
    if (!err)
        err = &own;
    for (;;) {
        if (storage_session_wait(client, deadline, err) < 0)
            return -1;
        if (storage_call_once(client, name, body, arena, ret, err) == 0)
            return 0;
        bool is_away =
            err->code == ERR_UNAVAILABLE || is_lost_session(err) || (repeat && err->code == ERR_IO);
        if (!is_away || clock_monotonic_us() >= deadline)
            return -1;
        clock_sleep_ms(STORAGE_RETRY_MS);
    }
}

int storage_session_wait(StorageClient *client, int64_t deadline_us, Error *err)
{
    MUTEX_GUARD(&client->lock);
    while (!client->is_connected) {
        int64_t left = deadline_us - clock_monotonic_us();
        if (left <= 0)
            return err_set(err, ERR_UNAVAILABLE, "storage does not answer at %s", client->socket_path);
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += left / 1000000;
        until.tv_nsec += left % 1000000 * 1000;
        if (until.tv_nsec >= 1000000000)
            until.tv_sec++, until.tv_nsec -= 1000000000;
        pthread_cond_timedwait(&client->changed, &client->lock, &until);
    }
    return 0;
}

/* ---- asserting again ---- */

static void json_session(JsonWriter *w, const StorageClient *client)
{
    json_object(w);
    json_kv_cstr(w, "session", client->session);
}

/* What has to be said to a storage that does not know us; built under the lock, sent without it. */
typedef struct Assertion {
    const char *call;
    Str body;
} Assertion;

static size_t gather_assertions(StorageClient *client, Arena *arena, Assertion **ret)
{
    Vec(Assertion) list = {0};
    MUTEX_GUARD(&client->lock);
    for (const StoragePins *pins = client->pins; pins; pins = pins->next) {
        if (pins->n == 0)
            continue;
        _cleanup_buf_ Buf body = BUF_INIT(32 << 20);
        JsonWriter w = JSON_WRITER(&body);
        json_session(&w, client);
        json_kv_cstr(&w, "group", pins->group);
        json_key(&w, "paths");
        json_array(&w);
        for (size_t i = 0; i < pins->n; i++)
            json_cstr(&w, pins->paths[i]);
        json_end_array(&w);
        json_end_object(&w);
        *vec_push(arena, &list) = (Assertion){"pin", arena_str(arena, buf_str(&body))};
    }
    for (const StorageStage *stage = client->stages; stage; stage = stage->next) {
        _cleanup_buf_ Buf body = BUF_INIT(4096);
        JsonWriter w = JSON_WRITER(&body);
        json_session(&w, client);
        json_kv_cstr(&w, "stage", stage->id);
        json_end_object(&w);
        *vec_push(arena, &list) = (Assertion){"stage", arena_str(arena, buf_str(&body))};
    }
    *ret = list.items;
    return list.n;
}

static int session_assert(StorageClient *client, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(SESSION_ARENA_BYTES);
    Assertion *list;
    size_t n = gather_assertions(client, arena, &list);
    for (size_t i = 0; i < n; i++) {
        const Json *answer;
        if (storage_call_once(client, list[i].call, list[i].body, arena, &answer, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- the connection ---- */

static int session_connect(StorageClient *client, int *ret_fd, Error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char request[512];
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_errno(err, ERR_UNAVAILABLE, errno, "cannot make a socket: %s", strerror(errno));
    if (strlen(client->socket_path) >= sizeof address.sun_path)
        return err_set(err, ERR_CONFIG, "%s is too long", client->socket_path);
    memcpy(address.sun_path, client->socket_path, strlen(client->socket_path));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        return err_set_errno(err, ERR_UNAVAILABLE, errno, "%s: %s", client->socket_path, strerror(errno));
    }
    int n = snprintf(
        request, sizeof request,
        "GET /_lakehouse/v1/session/%s HTTP/1.1\r\nHost: localhost\r\nLakehouse-Capability: %s\r\n\r\n",
        client->session, client->capability);
    if (n < 0 || (size_t)n >= sizeof request || send(fd, request, (size_t)n, MSG_NOSIGNAL) != n) {
        return err_set_errno(err, ERR_UNAVAILABLE, errno, "%s: cannot send", client->socket_path);
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Waits for the connection or the wake-up. 1: readable, 0: woken, -1: the time is over. */
static int session_poll(StorageClient *client, int fd, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = client->wake_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    int n = poll(fds, fd < 0 ? 1 : 2, timeout_ms);
    if (n <= 0)
        return -1;
    if (fds[0].revents) {
        uint64_t count;
        if (read(client->wake_fd, &count, sizeof count) < 0)
            log_debug("storage_client.wake_failed", L_INT("errno", errno));
    }
    return fd >= 0 && fds[1].revents ? 1 : 0;
}

static bool session_is_stopping(StorageClient *client)
{
    MUTEX_GUARD(&client->lock);
    return client->is_stopping;
}

/* Reads the head and the first word of the answer. */
static int session_greet(StorageClient *client, int fd, Error *err)
{
    char text[2048];
    size_t n = 0;
    while (n < sizeof text - 1) {
        int ready = session_poll(client, fd, STORAGE_WAIT_MS);
        if (session_is_stopping(client))
            return err_set(err, ERR_CANCELED, "stopping");
        if (ready < 0)
            return err_set(err, ERR_TIMEOUT, "storage does not open the session");
        if (ready == 0)
            continue;
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        text[n] = 0;
        if (strncmp(text, "HTTP/1.1 200", n < 12 ? n : 12) != 0)
            break;
        if (strstr(text, "open\n"))
            return 0;
    }
    return err_set(err, ERR_UNAVAILABLE, "storage did not open the session: %.40s",
                   n ? text : "(connection closed)");
}

static void set_connected(StorageClient *client, bool is_connected)
{
    MUTEX_GUARD(&client->lock);
    client->is_connected = is_connected;
    pthread_cond_broadcast(&client->changed);
}

static void release_one(StorageClient *client, const Released *released)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    _cleanup_buf_ Buf body = BUF_INIT(4096);
    JsonWriter w = JSON_WRITER(&body);
    const Json *answer;
    Error err;
    json_session(&w, client);
    json_kv_cstr(&w, released->is_stage ? "stage" : "group", released->name);
    json_end_object(&w);
    /* should this fail, the end of the connection releases it */
    if (storage_call_once(client, released->is_stage ? "unstage" : "unpin", buf_str(&body), arena, &answer,
                          &err) < 0) {
        log_debug("storage_client.release_failed", L_ERR(&err));
    }
}

static void release_all(StorageClient *client)
{
    for (;;) {
        pthread_mutex_lock(&client->lock);
        Released *released = client->released;
        if (released)
            client->released = released->next;
        pthread_mutex_unlock(&client->lock);
        if (!released)
            return;
        release_one(client, released);
        free(released);
    }
}

/* One life of the connection. */
static void session_live(StorageClient *client, Error *err)
{
    _cleanup_close_ int fd = -1;
    char ignored[256];
    if (session_connect(client, &fd, err) < 0 || session_greet(client, fd, err) < 0 ||
        session_assert(client, err) < 0)
        return;
    err->code = ERR_OK;
    set_connected(client, true);
    for (;;) {
        int ready = session_poll(client, fd, -1);
        if (session_is_stopping(client))
            break;
        if (ready == 0)
            release_all(client);
        if (ready > 0 && recv(fd, ignored, sizeof ignored, 0) <= 0)
            break;
    }
    set_connected(client, false);
}

static void *session_main(void *arg)
{
    StorageClient *client = arg;
    int backoff_ms = SESSION_BACKOFF_MIN_MS;
    while (!session_is_stopping(client)) {
        Error err = {0};
        session_live(client, &err);
        if (session_is_stopping(client))
            break;
        if (err.code == ERR_OK) {
            log_info("storage_client.disconnected");
            backoff_ms = SESSION_BACKOFF_MIN_MS;
        } else {
            log_debug("storage_client.connect_failed", L_ERR(&err));
        }
        session_poll(client, -1, backoff_ms);
        backoff_ms = backoff_ms * 2 > SESSION_BACKOFF_MAX_MS ? SESSION_BACKOFF_MAX_MS : backoff_ms * 2;
    }
    return NULL;
}

int storage_session_start(StorageClient *client, Error *err)
{
    uint8_t random[STORAGE_SESSION_CHARS / 2];
    rng_bytes(random, sizeof random);
    hex_encode(random, sizeof random, client->session);
    client->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (client->wake_fd < 0)
        return err_set_errno(err, ERR_INTERNAL, errno, "eventfd: %s", strerror(errno));
    if (thread_start(&client->thread, "storage-session", session_main, client, err) < 0) {
        close(client->wake_fd);
        return -1;
    }
    return 0;
}

void storage_session_stop(StorageClient *client)
{
    pthread_mutex_lock(&client->lock);
    client->is_stopping = true;
    pthread_mutex_unlock(&client->lock);
    storage_session_wake(client);
    pthread_join(client->thread, NULL);
    close(client->wake_fd);
}
