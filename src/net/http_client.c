/* http_client.c - see http_client.h.
 *
 * Each idle handle is one kept-alive connection with its options set; a call takes one, sets what is of this
 * call and drives it by itself (a multi handle of one), so that "no progress" can be timed in milliseconds.
 */
#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/thread.h"
#include "net/http_client.h"
#include "net/http_limits.h"

enum {
    CLIENT_CONNECT_MS = 10000,
    CLIENT_TIMEOUT_MS = 60000,
    CLIENT_RESPONSE_BYTES = 64 << 20,
    CLIENT_HEADERS = 200,
    CLIENT_IDLE_SECONDS = 100, /* below the servers' own: rarely is one closed that we are about to use */
};

typedef struct Handle Handle;
struct Handle {
    Handle *next;
    CURL *easy;
    CURLM *multi;
};

struct HttpClient {
    char *url;                      /* "http://host:port/" */
    char *socket_path;              /* NULL: TCP */
    char *capability_line;          /* "Lakehouse-Capability: …"; NULL: none */
    pthread_mutex_t mutex;
    Handle *idle;
    size_t n_idle;
};

/* One call's state, for the callbacks. */
typedef struct Call {
    const HttpCall *call;
    Arena *arena;
    HttpResponse *response;
    Vec(HttpHeader) headers;
    char *body;                     /* arena: of a known length */
    size_t body_len, body_cap;
    Buf grown;                      /* of an unknown length */
    int64_t last_progress_us;
    int sends;                      /* how often the request was put on a connection */
    bool answered;                  /* a byte of the answer came */
    bool gave_up;                   /* a callback of the caller's said -1 */
    Error error;                    /* code ERR_OK: none */
} Call;

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_start(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static char *join(Str a, Str b)
{
    char *text = malloc(a.len + b.len + 1);
    if (!text)
        return NULL;
    memcpy(text, a.ptr, a.len);
    if (b.len > 0)
        memcpy(text + a.len, b.ptr, b.len);
    text[a.len + b.len] = '\0';
    return text;
}

HttpClient *http_client_new(Str base, Str capability, Error *err)
{
    bool is_unix = str_has_prefix(base, STR("unix:"));
    if (!is_unix && !str_has_prefix(base, STR("http://")) && !str_has_prefix(base, STR("https://"))) {
        err_set(err, ERR_CONFIG, "\"%.*s\" is no base URL; http://…, https://… or unix:/path is expected",
                STR_ARG(base));
        return NULL;
    }
    pthread_once(&curl_once, curl_start);
    HttpClient *client = calloc(1, sizeof *client);
    if (!client) {
        err_set(err, ERR_LIMIT, "no memory for an HTTP client");
        return NULL;
    }
    pthread_mutex_init(&client->mutex, NULL);
    while (!is_unix && str_has_suffix(base, STR("/")))
        base.len--;
    client->url = is_unix ? join(STR("http://localhost/"), STR("")) : join(base, STR("/"));
    bool ok = client->url;
    if (is_unix)
        ok = ok && (client->socket_path = join(str_slice(base, 5, base.len), STR("")));
    if (capability.len > 0)
        ok = ok && (client->capability_line = join(STR("Lakehouse-Capability: "), capability));
    if (!ok) {
        http_client_free(client);
        err_set(err, ERR_LIMIT, "no memory for an HTTP client");
        return NULL;
    }
    return client;
}

static void handle_free(Handle *handle)
{
    if (handle->easy)
        curl_easy_cleanup(handle->easy);
    if (handle->multi)
        curl_multi_cleanup(handle->multi);
    free(handle);
}

void http_client_free(HttpClient *client)
{
    if (!client)
        return;
    while (client->idle) {
        Handle *handle = client->idle;
        client->idle = handle->next;
        handle_free(handle);
    }
    pthread_mutex_destroy(&client->mutex);
    free(client->url);
    free(client->socket_path);
    free(client->capability_line);
    free(client);
}

/* ---- what curl calls ---- */

static int fail(Call *c, ErrCode code, const char *message)
{
    if (c->error.code == ERR_OK)
        err_set(&c->error, code, "%s", message);
    return -1;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
    Call *c = arg;
    n *= size;
    c->answered = true;
    c->last_progress_us = clock_monotonic_us();
    Str line = str_trim(str_of(bytes, n)), value;
    if (str_has_prefix(line, STR("HTTP/"))) {       /* a new answer: the one before was 1xx */
        c->headers.n = 0;
        return n;
    }
    Str name = str_cut(line, ':', &value);
    if (line.len == 0 || !value.ptr)
        return n;
    if (c->headers.n == CLIENT_HEADERS || arena_check(c->arena, NULL) != 0) {
        fail(c, ERR_LIMIT, "the answer has too many header fields");
        return 0;
    }
    *vec_push(c->arena, &c->headers) =
        (HttpHeader){ arena_str(c->arena, str_trim(name)), arena_str(c->arena, str_trim(value)) };
    return n;
}

/* The answer's length, when it says one, so that its body needs no second copy. */
static int64_t announced_length(const Call *c)
{
    for (size_t i = 0; i < c->headers.n; i++) {
        int64_t length;
        if (str_eq_nocase(c->headers.items[i].name, STR("Content-Length")) &&
            str_to_i64(c->headers.items[i].value, 0, INT64_MAX, &length, NULL) == 0)
            return length;
    }
    return -1;
}

static int keep_body(Call *c, const char *bytes, size_t n)
{
    size_t max = c->call->max_response_bytes ? c->call->max_response_bytes : CLIENT_RESPONSE_BYTES;
    size_t have = c->body ? c->body_len : c->grown.len;
    if (n > max - have)
        return fail(c, ERR_LIMIT, "the answer is larger than allowed");
    if (have == 0 && !c->body) {
        int64_t length = announced_length(c);
        c->grown.max = max;
        if (length >= (int64_t)n && (uint64_t)length <= max &&
            (c->body = arena_try(c->arena, (size_t)length + 1, NULL)))
            c->body_cap = (size_t)length;
    }
    if (!c->body)
        return buf_append(&c->grown, bytes, n) == 0 ? 0 : fail(c, ERR_LIMIT, "no memory for the answer");
    if (n > c->body_cap - c->body_len)
        return fail(c, ERR_IO, "the answer is longer than it said");
    memcpy(c->body + c->body_len, bytes, n);
    c->body_len += n;
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    Call *c = arg;
    n *= size;
    c->answered = true;
    c->last_progress_us = clock_monotonic_us();
    if (c->call->on_body) {
        if (c->call->on_body(c->call->arg, str_of(bytes, n)) == 0)
            return n;
        c->gave_up = true;
        fail(c, ERR_CANCELED, "the receiver gave up");
        return 0;
    }
    return keep_body(c, bytes, n) == 0 ? n : 0;
}

static size_t on_read(char *out, size_t size, size_t n, void *arg)
{
    Call *c = arg;
    c->last_progress_us = clock_monotonic_us();
    ptrdiff_t got = c->call->read_body(c->call->arg, out, size * n);
    if (got >= 0)
        return (size_t)got;
    c->gave_up = true;
    fail(c, ERR_CANCELED, "the sender gave up");
    return CURL_READFUNC_ABORT;
}

/* Before each sending of the request. curl sends again by itself when a reused connection broke before the
 * answer; that is for the caller to allow. */
static int on_send(void *arg, char *remote, char *local, int remote_port, int local_port)
{
    Call *c = arg;
    if (++c->sends > 1 && (!c->call->head_only_retry || c->call->read_body))
        return CURL_PREREQFUNC_ABORT;
    return CURL_PREREQFUNC_OK;
}

/* ---- handles ---- */

static Handle *handle_new(const HttpClient *client)
{
    Handle *handle = calloc(1, sizeof *handle);
    if (!handle)
        return NULL;
    handle->easy = curl_easy_init();
    handle->multi = curl_multi_init();
    if (!handle->easy || !handle->multi) {
        handle_free(handle);
        return NULL;
    }
    CURL *easy = handle->easy;
    curl_multi_setopt(handle->multi, CURLMOPT_MAXCONNECTS, 1L);
    curl_easy_setopt(easy, CURLOPT_URL, client->url);
    if (client->socket_path)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CLIENT_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L * 1024);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 128L * 1024);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "lakehouse/" LAKEHOUSE_VERSION);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CLIENT_IDLE_SECONDS);
    return handle;
}

static Handle *handle_take(HttpClient *client)
{
    pthread_mutex_lock(&client->mutex);
    Handle *handle = client->idle;
    if (handle) {
        client->idle = handle->next;
        client->n_idle--;
    }
    pthread_mutex_unlock(&client->mutex);
    return handle ? handle : handle_new(client);
}

static void handle_give_back(HttpClient *client, Handle *handle)
{
    pthread_mutex_lock(&client->mutex);
    bool keep = client->n_idle < HTTP_CLIENT_SPARE;
    if (keep) {
        handle->next = client->idle;
        client->idle = handle;
        client->n_idle++;
    }
    pthread_mutex_unlock(&client->mutex);
    if (!keep)
        handle_free(handle);
}

/* ---- a call ---- */

static void set_method(CURL *easy, const HttpCall *call)
{
    bool is_head = strcmp(call->method, "HEAD") == 0;
    bool has_body = call->body.ptr || call->read_body;
    bool wants_length = strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0 ||
                        strcmp(call->method, "PATCH") == 0;
    curl_easy_setopt(easy, CURLOPT_NOBODY, is_head ? 1L : 0L);
    if (call->read_body) {
        curl_easy_setopt(easy, CURLOPT_POST, 0L);
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                         (curl_off_t)(call->body_length < 0 ? -1 : call->body_length));
    } else if (has_body || wants_length) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L);
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.ptr ? call->body.ptr : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
    } else if (!is_head) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, is_head ? NULL : call->method);
}

static bool append_line(struct curl_slist **lines, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*lines, line);
    if (longer)
        *lines = longer;
    return longer;
}

/* What curl would add by itself is taken out: an Expect, a form's content type, Accept. */
static int set_headers(const HttpClient *client, const HttpCall *call, Arena *arena, struct curl_slist **ret,
                       Error *err)
{
    bool has_type = false, has_accept = false, ok = append_line(ret, "Expect:");
    if (client->capability_line)
        ok = ok && append_line(ret, client->capability_line);
    for (size_t i = 0; ok && i < call->n_headers; i++) {
        Str name = call->headers[i].name, value = call->headers[i].value;
        if (memchr(value.ptr ? value.ptr : "", '\n', value.len) ||
            memchr(value.ptr ? value.ptr : "", '\r', value.len))
            return err_set(err, ERR_INVALID_ARGUMENT, "the header %.*s has a line break", STR_ARG(name));
        has_type = has_type || str_eq_nocase(name, STR("Content-Type"));
        has_accept = has_accept || str_eq_nocase(name, STR("Accept"));
        /* "Name;" is curl's form for an empty value */
        Str line = value.len ? arena_printf(arena, "%.*s: %.*s", STR_ARG(name), STR_ARG(value))
                             : arena_printf(arena, "%.*s;", STR_ARG(name));
        ok = append_line(ret, line.ptr);
    }
    ok = ok && (has_type || append_line(ret, "Content-Type:"));
    ok = ok && (has_accept || append_line(ret, "Accept:"));
    return ok ? 0 : err_set(err, ERR_LIMIT, "no memory for the request's headers");
}

static int64_t bytes_moved(CURL *easy)
{
    curl_off_t up = 0, down = 0;
    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    return up + down;
}

/* Drives the transfer to its end. */
static CURLcode run(Handle *handle, Call *c, int64_t timeout_ms)
{
    int64_t moved = 0;
    int running = 1;
    c->last_progress_us = clock_monotonic_us();
    for (;;) {
        CURLMcode code = curl_multi_perform(handle->multi, &running);
        if (code != CURLM_OK)
            return CURLE_OUT_OF_MEMORY;
        if (!running)
            break;
        int wait_ms = 1000;
        if (timeout_ms > 0) {
            int64_t now = clock_monotonic_us(), moved_now = bytes_moved(handle->easy);
            if (moved_now != moved)
                c->last_progress_us = now;
            moved = moved_now;
            int64_t left_ms = timeout_ms - (now - c->last_progress_us) / 1000;
            if (left_ms <= 0)
                return CURLE_OPERATION_TIMEDOUT;
            wait_ms = left_ms < wait_ms ? (int)left_ms : wait_ms;
        }
        curl_multi_poll(handle->multi, NULL, 0, wait_ms, NULL);
    }
    int left;
    CURLMsg *message = curl_multi_info_read(handle->multi, &left);
    return message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_RECV_ERROR;
}

/* Nothing was sent: safe to try again. Something was: the outcome is unknown. */
static int call_error(const HttpClient *client, const Call *c, CURLcode code, Error *err)
{
    const char *where = client->socket_path ? client->socket_path : client->url;
    const char *what = curl_easy_strerror(code);
    if (c->error.code != ERR_OK)
        return err_set(err, c->error.code, "%s: %s", where, c->error.message);
    if (c->sends == 0)
        return err_set(err, ERR_UNAVAILABLE, "%s cannot be reached: %s", where, what);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ERR_TIMEOUT, "%s did not answer in time", where);
    return err_set(err, ERR_IO, "the connection to %s broke after the request was sent: %s", where,
                   code == CURLE_ABORTED_BY_CALLBACK ? "it was an idle connection that the server had closed"
                                                     : what);
}

static int call_finish(Call *c, CURL *easy, HttpResponse *ret, Error *err)
{
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    Str body = c->body ? str_of(c->body, c->body_len) : STR("");
    if (c->grown.len > 0) {
        char *copy = arena_try(c->arena, c->grown.len + 1, err);
        if (!copy)
            return -1;
        memcpy(copy, c->grown.data, c->grown.len);
        copy[c->grown.len] = '\0';
        body = str_of(copy, c->grown.len);
    }
    *ret = (HttpResponse){
        .status = (int)status, .body = body, .headers = c->headers.items, .n_headers = c->headers.n
    };
    return 0;
}

int http_client_call(HttpClient *client, const HttpCall *call, Arena *arena, HttpResponse *ret, Error *err)
{
    assert(call->method && call->target.len > 0);
    if (fault_point("net.client.call", err))
        return -1;
    Handle *handle = handle_take(client);
    if (!handle)
        return err_set(err, ERR_LIMIT, "no memory for an HTTP call");
    Call c = { .call = call, .arena = arena };
    struct curl_slist *lines = NULL;
    CURL *easy = handle->easy;
    int result = set_headers(client, call, arena, &lines, err);
    if (result == 0) {
        set_method(easy, call);
        curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, arena_cstr(arena, call->target));
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, &c);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &c);
        curl_easy_setopt(easy, CURLOPT_READDATA, &c);
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, &c);
        curl_multi_add_handle(handle->multi, easy);
        CURLcode code = run(handle, &c, call->timeout_ms == 0 ? CLIENT_TIMEOUT_MS : call->timeout_ms);
        result = code == CURLE_OK ? call_finish(&c, easy, ret, err) : call_error(client, &c, code, err);
        curl_multi_remove_handle(handle->multi, easy);
    }
    buf_free(&c.grown);
    curl_slist_free_all(lines);
    if (result == 0)
        handle_give_back(client, handle);
    else
        handle_free(handle);            /* with its connection, whose state is unknown */
    return result;
}

Str http_response_header(const HttpResponse *response, const char *name)
{
    for (size_t i = 0; i < response->n_headers; i++)
        if (str_eq_nocase(response->headers[i].name, str_from(name)))
            return response->headers[i].value;
    return STR_NULL;
}
