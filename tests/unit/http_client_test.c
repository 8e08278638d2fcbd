/* http_client_test.c - the HTTP client against a server of this process, and against one that misbehaves. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/un.h>

#include "base/thread.h"
#include "http_harness.h"
#include "net/http_client.h"

static Harness server;
static char unix_base[96];
static char folder[] = "/tmp/http_client_test.XXXXXX";

static void reply_body(HttpRequest *r, Str body, void *arg)
{
    HttpHeader h;
    http_set_headerf(r, "X-Seen", "%.*s %.*s", STR_ARG(http_method(r)), STR_ARG(http_target(r)));
    for (size_t i = 0; http_header_at(r, i, &h); i++)
        if (str_has_prefix(h.name, STR("X-")) || str_eq(h.name, STR("Lakehouse-Capability")))
            http_set_headerf(r, "X-Echo", "%.*s=%.*s", STR_ARG(h.name), STR_ARG(h.value));
    bool added =
        http_header(r, "Expect").ptr || http_header(r, "Accept").ptr || http_header(r, "Content-Type").ptr;
    http_set_header(r, "X-Added", added ? STR("yes") : STR("no"));
    http_reply(r, 200, "text/plain", body);
}

static void work_stream(HttpRequest *r, void *arg)
{
    static const char piece[100000];
    Error err;
    http_begin(r, 200, NULL, -1);
    for (int i = 0; i < 50; i++)
        if (http_write(r, str_of(piece, sizeof piece), &err) != 0)
            break;
    http_end(r, true);
}

static void work_cut(HttpRequest *r, void *arg)
{
    Error err;
    http_begin(r, 200, NULL, 1000);
    http_write(r, STR("only this"), &err);
    http_end(r, false);
}

static void work_slow(HttpRequest *r, void *arg)
{
    clock_sleep_ms(400);
    http_reply(r, 200, NULL, STR("slow"));
}

static void handler(HttpRequest *r, void *user)
{
    Str path = http_path(r);
    if (str_is(path, "/stream"))
        http_offload(r, work_stream, NULL);
    else if (str_is(path, "/cut"))
        http_offload(r, work_cut, NULL);
    else if (str_is(path, "/slow"))
        http_offload(r, work_slow, NULL);
    else if (str_is(path, "/missing"))
        http_reply(r, 404, NULL, STR("nothing"));
    else if (str_is(path, "/moved")) {
        http_set_header(r, "Location", STR("/missing"));
        http_reply(r, 302, NULL, STR(""));
    } else
        http_read_body(r, 64 << 20, reply_body, NULL);
}

static int group_set_up(void **state)
{
    Error err;
    int fd;
    assert_non_null(mkdtemp(folder));
    snprintf(unix_base, sizeof unix_base, "unix:%s/test.sock", folder);
    HttpServerOptions options = { .name = "test", .handler = handler };
    server.server = http_server_new(&options, &err);
    assert_int_equal(http_listen_tcp(STR("127.0.0.1"), 0, &fd, &server.port, &err), 0);
    assert_int_equal(http_server_add_listener(server.server, fd, 1, &err), 0);
    assert_int_equal(http_listen_unix(unix_base + 5, &fd, &err), 0);
    assert_int_equal(http_server_add_listener(server.server, fd, 2, &err), 0);
    return http_server_start(server.server, &err);
}

static int group_tear_down(void **state)
{
    http_server_drain(server.server, 1000);
    http_server_free(server.server);
    unlink(unix_base + 5);
    return rmdir(folder);
}

static HttpClient *tcp_client(void)
{
    char base[64];
    Error err;
    snprintf(base, sizeof base, "http://127.0.0.1:%d", server.port);
    HttpClient *client = http_client_new(str_from(base), STR(""), &err);
    assert_non_null(client);
    return client;
}

static HttpResponse call_ok(HttpClient *client, Arena *arena, HttpCall call)
{
    HttpResponse response;
    Error err;
    if (http_client_call(client, &call, arena, &response, &err) != 0)
        fail_msg("%s", err.message);
    return response;
}

static ErrCode call_fails(HttpClient *client, Arena *arena, HttpCall call)
{
    HttpResponse response;
    Error err;
    assert_int_equal(http_client_call(client, &call, arena, &response, &err), -1);
    return err.code;
}

static void test_calls(void **state)
{
    Error err;
    HttpClient *clients[] = { tcp_client(), http_client_new(str_from(unix_base), STR("c4pability"), &err) };
    for (size_t i = 0; i < 2; i++) {
        _cleanup_arena_ Arena *arena = arena_new(10 << 20);
        HttpHeader headers[] = { { STR("X-One"), STR("1") }, { STR("X-Empty"), STR("") } };
        for (int round = 0; round < 3; round++) {
            HttpResponse a =
                call_ok(clients[i], arena, (HttpCall){ .method = "GET", .target = STR("/a/../b%2F?x=//.") });
            assert_int_equal(a.status, 200);
            assert_true(str_is(http_response_header(&a, "x-seen"), "GET /a/../b%2F?x=//."));
            assert_true(str_is(http_response_header(&a, "X-Added"), "no"));
            assert_true(
                str_is(http_response_header(&a, "X-Echo"), i ? "Lakehouse-Capability=c4pability" : ""));
            assert_int_equal(a.body.len, 0);
            HttpResponse b = call_ok(clients[i], arena, (HttpCall){ .method = "POST", .target = STR("/p"),
                .body = STR("hello"), .headers = headers, .n_headers = 2 });
            assert_true(str_is(b.body, "hello"));
            assert_true(str_is(http_response_header(&b, "X-Seen"), "POST /p"));
            assert_true(str_is(http_response_header(&b, "X-Added"), "no"));
            HttpResponse c = call_ok(clients[i], arena, (HttpCall){ .method = "HEAD", .target = STR("/h") });
            assert_int_equal(c.status, 200);
            assert_true(str_is(http_response_header(&c, "X-Seen"), "HEAD /h"));
            HttpResponse d =
                call_ok(clients[i], arena, (HttpCall){ .method = "DELETE", .target = STR("/missing") });
            assert_int_equal(d.status, 404);
            assert_true(str_is(d.body, "nothing"));
            HttpResponse e =
                call_ok(clients[i], arena, (HttpCall){ .method = "PUT", .target = STR("/empty") });
            assert_true(str_is(http_response_header(&e, "X-Seen"), "PUT /empty"));
            HttpResponse f =
                call_ok(clients[i], arena, (HttpCall){ .method = "GET", .target = STR("/moved") });
            assert_int_equal(f.status, 302);        /* never followed */
        }
        http_client_free(clients[i]);
    }
    assert_int_equal(http_server_connections(server.server) <= 2, 1);
}

/* One connection for calls that follow each other. */
static void test_connection_is_kept(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(10 << 20);
    HttpClient *client = tcp_client();
    wait_until(http_server_connections(server.server) == 0);
    for (int i = 0; i < 20; i++) {
        call_ok(client, arena, (HttpCall){ .method = "GET", .target = STR("/") });
        assert_int_equal(http_server_connections(server.server), 1);
    }
    http_client_free(client);
}

typedef struct Transfer { size_t given, taken, limit; } Transfer;

static ptrdiff_t give(void *arg, char *out, size_t n)
{
    Transfer *t = arg;
    if (t->given == t->limit)
        return t->limit == 7 ? -1 : 0;
    n = n < t->limit - t->given ? n : t->limit - t->given;
    memset(out, 'g', n);
    t->given += n;
    return (ptrdiff_t)n;
}

static int take(void *arg, Str bytes)
{
    Transfer *t = arg;
    t->taken += bytes.len;
    return t->limit == 8 && t->taken > 100000 ? -1 : 0;
}

static void check_streams(HttpClient *client)
{
    _cleanup_arena_ Arena *arena = arena_new(10 << 20);
    const size_t sizes[] = { 0, 1, 100000, 5 << 20 };
    for (size_t i = 0; i < 4; i++) {
        for (int chunked = 0; chunked < 2; chunked++) {
            Transfer t = { .limit = sizes[i] };
            HttpCall call = { .method = "PUT",
                              .target = STR("/up"),
                              .read_body = give,
                              .on_body = take,
                              .arg = &t,
                              .body_length = chunked ? -1 : (int64_t)sizes[i] };
            HttpResponse r = call_ok(client, arena, call);
            assert_int_equal(r.status, 200);
            assert_int_equal(t.given, sizes[i]);
            assert_int_equal(t.taken, sizes[i]);
        }
    }
    Transfer gives_up = { .limit = 7 }, stops = { .limit = 8 };
    assert_int_equal(call_fails(client, arena,
                                (HttpCall){ .method = "PUT",
                                            .target = STR("/up"),
                                            .read_body = give,
                                            .arg = &gives_up,
                                            .body_length = 100 }),
                     ERR_CANCELED);
    assert_int_equal(
        call_fails(client, arena,
                   (HttpCall){ .method = "GET", .target = STR("/stream"), .on_body = take, .arg = &stops }),
        ERR_CANCELED);
    HttpResponse r = call_ok(client, arena, (HttpCall){ .method = "GET", .target = STR("/stream") });
    assert_int_equal(r.body.len, 5000000);
    http_client_free(client);
}

static void test_streams(void **state)
{
    Error err;
    check_streams(tcp_client());
    check_streams(http_client_new(str_from(unix_base), STR(""), &err));
}

static void test_limits(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(100000);
    HttpClient *client = tcp_client();
    HttpCall call = { .method = "GET", .target = STR("/stream"), .max_response_bytes = 100000 };
    assert_int_equal(call_fails(client, arena, call), ERR_LIMIT);
    call.max_response_bytes = 0;        /* more than the arena may hold */
    assert_int_equal(call_fails(client, arena, call), ERR_LIMIT);
    assert_int_equal(call_fails(client, arena,
                                (HttpCall){ .method = "GET",
                                            .target = STR("/"),
                                            .n_headers = 1,
                                            .headers = &(HttpHeader){ STR("X-A"), STR("b\r\nEvil: 1") } }),
                     ERR_INVALID_ARGUMENT);
    http_client_free(client);
    Error err;
    assert_null(http_client_new(STR("ftp://host"), STR(""), &err));
    assert_int_equal(err.code, ERR_CONFIG);
}

static void test_failures(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Error err;
    HttpClient *client = tcp_client();
    assert_int_equal(call_fails(client, arena, (HttpCall){ .method = "GET", .target = STR("/cut") }), ERR_IO);
    assert_int_equal(
        call_fails(client, arena, (HttpCall){ .method = "GET", .target = STR("/slow"), .timeout_ms = 100 }),
        ERR_TIMEOUT);
    call_ok(client, arena, (HttpCall){ .method = "GET", .target = STR("/slow"), .timeout_ms = 4000 });
    call_ok(client, arena, (HttpCall){ .method = "GET", .target = STR("/slow"), .timeout_ms = -1 });
    http_client_free(client);
    const char *nowhere[] = { "http://127.0.0.1:1", "unix:/nonexistent/x.sock" };
    for (size_t i = 0; i < 2; i++) {
        client = http_client_new(str_from(nowhere[i]), STR(""), &err);
        assert_int_equal(call_fails(client, arena, (HttpCall){ .method = "GET", .target = STR("/") }),
                         ERR_UNAVAILABLE);
        http_client_free(client);
    }
}

/* ---- a server that closes connections after it got the request ---- */

typedef struct Rude { int listener, port; atomic_int requests; } Rude;

static void *rude_main(void *arg)
{
    Rude *rude = arg;
    for (;;) {
        int fd = accept(rude->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        char bytes[4096];
        for (int i = 0; i < 2; i++) {       /* answers the first on each connection, drops the second */
            if (recv(fd, bytes, sizeof bytes, 0) <= 0)
                break;
            atomic_fetch_add(&rude->requests, 1);
            if (i == 0)
                send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
        close(fd);
    }
}

/* A POST whose outcome is unknown must not be sent twice; what says that it may be is. */
static void test_no_silent_retry(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Error err;
    Rude rude = { 0 };
    char base[64];
    assert_int_equal(http_listen_tcp(STR("127.0.0.1"), 0, &rude.listener, &rude.port, &err), 0);
    fcntl(rude.listener, F_SETFL, 0);
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "rude", rude_main, &rude, &err), 0);
    snprintf(base, sizeof base, "http://127.0.0.1:%d", rude.port);
    HttpClient *client = http_client_new(str_from(base), STR(""), &err);
    HttpCall post = { .method = "POST", .target = STR("/"), .body = STR("x") };
    call_ok(client, arena, post);
    assert_int_equal(call_fails(client, arena, post), ERR_IO);
    assert_int_equal(atomic_load(&rude.requests), 2);
    call_ok(client, arena, post);
    HttpCall get = { .method = "GET", .target = STR("/"), .head_only_retry = true };
    call_ok(client, arena, get);
    assert_int_equal(atomic_load(&rude.requests), 5);       /* the dropped one, and again */
    http_client_free(client);
    shutdown(rude.listener, SHUT_RDWR);
    close(rude.listener);
    pthread_join(thread, NULL);
}

static void *many_calls(void *arg)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    for (int i = 0; i < 200; i++) {
        HttpResponse response;
        HttpCall call = { .method = "POST", .target = STR("/p"), .body = STR("hello") };
        if (http_client_call(arg, &call, arena, &response, NULL) != 0 || !str_is(response.body, "hello"))
            return arg;
        arena_reset(arena);
    }
    return NULL;
}

static void test_threads(void **state)
{
    Error err;
    HttpClient *client = http_client_new(str_from(unix_base), STR(""), &err);
    pthread_t threads[6];
    for (size_t i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, many_calls, client);
    for (size_t i = 0; i < 6; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    http_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_connection_is_kept),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_no_silent_retry),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
