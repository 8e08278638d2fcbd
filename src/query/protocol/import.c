/* import.c - POST /v1/import: the upload goes to a file under DATA/query/tmp, then the connector loads it.
 * docs/import-api.md */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"
#include "query/protocol/results.h"
#include "query/protocol/server.h"

/* An import holds an HTTP worker from its first byte to its end: some must be left for statements. */
enum { CHUNK = 256 << 10, PROGRESS_EVERY_US = 500000, MAX_PARTITION_FIELDS = 32, IMPORTS_AT_ONCE = 32 };

typedef struct Import {
    Server *server;
    HttpRequest *request;
    RunningStatement *statement;
    Str path;
    int fd;
    int64_t bytes, started_us, last_us;
    bool begun;
} Import;

static void send_line(Import *m, Buf *line)
{
    buf_putc(line, '\n');
    if (!m->begun)
        http_begin(m->request, 200, "application/x-ndjson", -1);
    m->begun = true;
    Error ignored;
    http_write(m->request, buf_str(line),
               &ignored); /* a client that left shows itself through http_client_is_gone */
}

/* An upload is contact, too: a long one is not abandoned. */
static void touch(Import *m)
{
    MUTEX_GUARD(&m->statement->lock);
    m->statement->last_contact_us = clock_monotonic_us();
}

static int check_cancelled(Import *m, Error *err)
{
    MUTEX_GUARD(&m->statement->lock);
    if (!m->statement->cancel_requested)
        return 0;
    *err = m->statement->error;
    return -1;
}

static void on_progress(void *arg, const char *state, double percent, int64_t rows)
{
    Import *m = arg;
    int64_t now = clock_monotonic_us();
    if (http_client_is_gone(m->request))
        statement_cancel(m->statement, ERR_USER_CANCELED, "The client is gone");
    touch(m);
    if (now - m->last_us < PROGRESS_EVERY_US)
        return;
    m->last_us = now;
    _cleanup_buf_ Buf line = BUF_INIT(4096);
    JsonWriter w = JSON_WRITER(&line);
    json_object(&w);
    json_kv_cstr(&w, "state", state);
    json_kv_int(&w, "bytes", m->bytes);
    json_kv_int(&w, "rows", rows);
    if (percent >= 0) {
        json_key(&w, "percent");
        json_double(&w, percent);
    }
    json_end_object(&w);
    send_line(m, &line);
}

static int receive(Import *m, Error *err)
{
    char *chunk = malloc(CHUNK);
    if (!chunk)
        abort();
    int r = fs_open(m->path.ptr, O_WRONLY | O_CREAT | O_EXCL, 0600, &m->fd, err);
    for (size_t n = 1; !r && n;) {
        r = check_cancelled(m, err) || http_body_read(m->request, chunk, CHUNK, &n, err) ||
                    (n && fs_write_all(m->fd, chunk, n, err))
                ? -1
                : 0;
        touch(m);
        m->bytes += r ? 0 : (int64_t)n;
    }
    free(chunk);
    if (m->fd >= 0)
        close(TAKE_FD(m->fd));
    return r;
}

static int read_request(HttpRequest *r, ImportRequest *request, Arena *arena, Error *err)
{
    static const char *const known[] = { "table", "format", "name", "partitioned_by" };
    Vec(Str) by = { 0 };
    Str name, value;
    for (size_t position = 0; http_query_next(r, &position, &name, &value);) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found = found || str_is(name, known[i]);
        if (!found)
            return err_set(err, ERR_BAD_REQUEST, "unknown parameter %.*s", STR_ARG(name));
        if (!str_is(name, "partitioned_by"))
            continue;
        _cleanup_buf_ Buf text = BUF_INIT(4096);
        if (percent_decode(value, true, &text, err) || buf_check(&text, err))
            return -1;
        if (by.n == MAX_PARTITION_FIELDS)
            return err_set(err, ERR_BAD_REQUEST, "more than %d partition fields", MAX_PARTITION_FIELDS);
        *vec_push(arena, &by) = arena_str(arena, buf_str(&text));
    }
    request->table = http_query_param(r, "table");
    request->format = http_query_param(r, "format");
    request->name = http_query_param(r, "name");
    request->partitioned_by = by.items;
    request->n_partitioned_by = by.n;
    if (!request->table.len)
        return err_set(err, ERR_BAD_REQUEST, "the parameter table is missing: schema.table");
    if (!request->name.len)
        request->name = STR("the file");
    return 0;
}

static int load(Import *m, ImportRequest *request, ImportResult *result, Error *err)
{
    RunningStatement *s = m->statement;
    EngineConnection *connection;
    AnalyzerSession *session = arena_new_of(s->arena, AnalyzerSession);
    *session = (AnalyzerSession){.user = s->session.user,
                                 .catalog = s->server->iceberg_name,
                                 .time_zone = s->session.time_zone,
                                 .start_us = s->created_us};
    s->context.arena = s->arena;
    s->context.catalogs = s->server->catalogs;
    s->context.session = session;
    s->context.query_id = str_from(s->id);
    s->context.properties = s->session.properties;
    s->context.n_properties = s->session.n_properties;
    if (engine_acquire(s->server->engine, &connection, err))
        return -1;
    pthread_mutex_lock(&s->lock);
    s->context.connection = connection;
    s->started_us = clock_monotonic_us();
    pthread_mutex_unlock(&s->lock);
    statement_set_state(s, STATE_RUNNING);
    request->path = m->path.ptr;
    request->on_progress = on_progress;
    request->arg = m;
    int r = check_cancelled(m, err) || catalogs_import(&s->context, request, result, err) ? -1 : 0;
    pthread_mutex_lock(&s->lock);
    s->context.connection = NULL;
    pthread_mutex_unlock(&s->lock);
    engine_release(connection);
    return r;
}

static void send_result(Import *m, const ImportResult *result)
{
    _cleanup_buf_ Buf line = BUF_INIT(4096);
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)result->snapshot_id);
    JsonWriter w = JSON_WRITER(&line);
    json_object(&w);
    json_kv_str(&w, "table", result->table);
    json_kv_bool(&w, "created", result->created);
    json_kv_int(&w, "rows", result->rows);
    json_kv_int(&w, "files", result->files);
    json_kv_int(&w, "bytes", result->bytes);
    json_kv_cstr(&w, "snapshot_id", id);
    json_kv_int(&w, "elapsed_ms", (clock_monotonic_us() - m->started_us) / 1000);
    json_end_object(&w);
    send_line(m, &line);
    http_end(m->request, true);
}

static void send_failure(Import *m, const Error *err)
{
    Buf body = BUF_INIT(64 << 10);
    JsonWriter w = JSON_WRITER(&body);
    json_object(&w);
    json_key(&w, "error");
    results_error(&w, err);
    json_end_object(&w);
    if (m->begun) {
        send_line(m, &body);
        http_end(m->request, true);
        buf_free(&body);
    } else
        http_reply_buf(m->request, err_info(err->code)->http_status, "application/json", &body);
}

static void import_file(Import *m, ImportRequest *request)
{
    RunningStatement *s = m->statement;
    Error err;
    ImportResult result = { 0 };
    bool received = receive(m, &err) == 0;
    int failed = !received || load(m, request, &result, &err);
    fs_unlink(m->path.ptr, NULL);
    statement_end(s, failed ? &err : NULL);
    if (failed) {
        if (!received)
            http_close_after(m->request);
        send_failure(m, &err);
    } else
        send_result(m, &result);
    statement_drop_work(s);
}

static void import_begin(HttpRequest *r, Server *server)
{
    Error err;
    Arena *arena = arena_new(STATEMENT_ARENA_BYTES), *kept = arena_new(STATEMENT_ARENA_BYTES);
    ClientSession session = { 0 };
    ImportRequest request = { 0 };
    Import m = { .server = server, .request = r, .fd = -1, .started_us = clock_monotonic_us() };
    if (session_read(r, kept, &session, &err) || read_request(r, &request, arena, &err)) {
        http_close_after(r);       /* the body was not read */
        send_failure(&m, &err);
        arena_free(arena);
        arena_free(kept);
        return;
    }
    Str text = session_text(arena_printf(arena, "-- import of %.*s into %.*s", STR_ARG(request.name),
                                         STR_ARG(request.table)),
                            true, kept);
    m.path = arena_printf(arena, "%.*s/query/tmp/import-%016llx", STR_ARG(server->context->data_dir),
                          (unsigned long long)rng_u64());
    m.statement = statement_new(server, arena, kept, &session, text);
    m.statement->started = m.statement->has_effects = true;
    server_add(server, m.statement);
    import_file(&m, &request);
    statement_unref(m.statement);
}

static void import_worker(HttpRequest *r, void *arg)
{
    Server *server = arg;
    if (atomic_fetch_add(&server->imports, 1) < IMPORTS_AT_ONCE)
        import_begin(r, server);
    else {
        Error err;
        Import m = { .server = server, .request = r };
        err_set(&err, ERR_OVERLOADED, "%d imports are running, no more are taken", (int)IMPORTS_AT_ONCE);
        http_set_header(r, "Retry-After", STR("5"));
        http_close_after(r);
        send_failure(&m, &err);
    }
    atomic_fetch_sub(&server->imports, 1);
}

static bool is_type(Str type, const char *name)
{
    Str wanted = str_from(name);
    return type.len >= wanted.len && str_eq_nocase(str_slice(type, 0, wanted.len), wanted);
}

void handle_import(HttpRequest *r, void *arg)
{
    Str type = http_header(r, "Content-Type");
    Error err;
    if (!str_is(http_method(r), "POST")) {
        err_set(&err, ERR_METHOD_NOT_ALLOWED, "only POST is possible here");
        http_set_header(r, "Allow", STR("POST"));
        http_reply_error(r, &err);
        return;
    }
    /* What a browser sends without asking: a page must not be able to load data here. */
    if (is_type(type, "application/x-www-form-urlencoded") || is_type(type, "multipart/form-data") ||
        is_type(type, "text/plain") || !type.len) {
        err_set(&err, ERR_UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/octet-stream");
        http_close_after(r);
        http_reply_error(r, &err);
        return;
    }
    http_offload(r, import_worker, arg);
}
