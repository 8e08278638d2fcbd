/* http_life_test.c - the HTTP server in time: timeouts, clients that leave, answers from other threads,
 * overload, drain. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fault.h"
#include "http_harness.h"

enum { MANY = 64, SLOW_MS = 40 };

static Harness server;
static atomic_int gone_calls, cut_writes, cut_streams, n_held, n_blocked;
static atomic_bool released;                /* those that block go on */
static HttpRequest *_Atomic held[MANY];     /* requests that the test answers itself */

static void on_gone(HttpRequest *r, void *arg)
{
    atomic_fetch_add(&gone_calls, 1);
    if (arg)
        http_reply(r, 500, NULL, STR("nobody reads this"));
}

static void hold(HttpRequest *r)
{
    int i = atomic_fetch_add(&n_held, 1);
    assert_true(i < MANY);
    atomic_store(&held[i], r);
}

static HttpRequest *held_at(int i)
{
    wait_until(atomic_load(&held[i]));
    return atomic_load(&held[i]);
}

static void work_slowly(HttpRequest *r, void *arg)
{
    clock_sleep_ms(SLOW_MS);
    http_reply(r, 200, "text/plain", STR("slow"));
}

static void work_blocked(HttpRequest *r, void *arg)
{
    atomic_fetch_add(&n_blocked, 1);
    while (!atomic_load(&released))
        clock_sleep_ms(1);
    http_reply(r, 200, "text/plain", STR("at last"));
}

static void work_write(HttpRequest *r, void *arg)
{
    static const char piece[100000];
    Error err;
    http_begin(r, 200, "application/octet-stream", -1);
    for (int i = 0; i < 1000; i++) {
        if (http_write(r, str_of(piece, sizeof piece), &err) != 0) {
            assert_int_equal(err.code, ERR_CANCELED);
            atomic_fetch_add(&cut_writes, 1);
            break;
        }
    }
    http_end(r, true);
}

static void work_read(HttpRequest *r, void *arg)
{
    Error err;
    char bytes[5000];
    size_t n = 1;
    while (n > 0) {
        if (http_body_read(r, bytes, sizeof bytes, &n, &err) != 0) {
            http_reply_error(r, &err);
            return;
        }
    }
    http_reply(r, 200, NULL, STR(""));
}

static void pause_chunk(HttpRequest *r, Str bytes, void *arg)
{
    http_pause_body(r);
    http_on_gone(r, on_gone, NULL);
    hold(r);
}

static void drop_chunk(HttpRequest *r, Str bytes, void *arg)
{
}

static void end_stream(HttpRequest *r, bool complete, void *arg)
{
    atomic_fetch_add(&cut_streams, !complete);
    http_reply(r, complete ? 200 : 400, NULL, STR(""));
}

static void whole(HttpRequest *r, Str body, void *arg)
{
    http_reply(r, 200, NULL, body);
}

static void handler(HttpRequest *r, void *user)
{
    Str path = http_path(r);
    if (str_is(path, "/hold")) {
        http_on_gone(r, on_gone, NULL);
        hold(r);
    } else if (str_is(path, "/gone-reply")) {
        http_on_gone(r, on_gone, r);
    } else if (str_is(path, "/slow")) {
        http_offload(r, work_slowly, NULL);
    } else if (str_is(path, "/block")) {
        http_offload(r, work_blocked, NULL);
    } else if (str_is(path, "/write")) {
        http_offload(r, work_write, NULL);
    } else if (str_is(path, "/read")) {
        http_offload(r, work_read, NULL);
    } else if (str_is(path, "/pause")) {
        http_stream_body(r, (HttpBodySink){ pause_chunk, end_stream }, NULL);
    } else if (str_is(path, "/drop")) {
        http_stream_body(r, (HttpBodySink){ drop_chunk, end_stream }, NULL);
    } else if (str_is(path, "/whole")) {
        http_read_body(r, 1 << 20, whole, NULL);
    } else if (str_is(path, "/open")) {
        http_begin(r, 200, "text/plain", -1);
        http_write(r, STR("begun"), NULL);
        http_on_gone(r, on_gone, NULL);
        hold(r);
    } else {
        http_reply(r, 204, NULL, STR(""));
    }
}

static void start(HttpServerOptions options)
{
    for (size_t i = 0; i < MANY; i++)
        atomic_store(&held[i], NULL);
    atomic_store(&n_held, 0);
    atomic_store(&gone_calls, 0);
    atomic_store(&cut_writes, 0);
    atomic_store(&cut_streams, 0);
    options.handler = handler;
    options.n_workers = options.n_workers ? options.n_workers : 4;
    harness_start(&server, options);
}

static int set_up(void **state)
{
    start((HttpServerOptions){ 0 });
    return 0;
}

static int set_up_two_loops(void **state)
{
    start((HttpServerOptions){ .n_loops = 2 });
    return 0;
}

static int set_up_hurried(void **state)
{
    start((HttpServerOptions){ .header_timeout_ms = 100, .body_timeout_ms = 150, .idle_timeout_ms = 200 });
    return 0;
}

static int tear_down(void **state)
{
    harness_stop(&server);
    return 0;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* ---- timeouts ---- */

static void test_slow_header(void **state)
{
    int fd = harness_connect(&server);
    int64_t began = clock_monotonic_us();
    send_text(fd, "GET /none HT");
    assert_int_equal(status_of(fd), 408);
    assert_true(is_closed(fd));
    int64_t took = (clock_monotonic_us() - began) / 1000;
    assert_true(took >= 95 && took < 3000);
    close(fd);
    fd = harness_connect(&server);          /* a byte now and then does not help */
    bool ended = false;
    for (const char *c = "GET /none HTTP/1.1\r\nHost: localhost"; *c && !ended; c++) {
        ended = send(fd, c, 1, MSG_NOSIGNAL) != 1;
        clock_sleep_ms(10);
    }
    assert_true(ended || status_of(fd) == 408);
    close(fd);
}

static void test_slow_bodies(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, "POST /whole HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab");
    assert_int_equal(status_of(fd), 408);
    close(fd);
    fd = harness_connect(&server);
    send_text(fd, "POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab");
    assert_int_equal(status_of(fd), err_info(ERR_TIMEOUT)->http_status);
    assert_true(is_closed(fd));
    close(fd);
    fd = harness_connect(&server);          /* progress is what counts */
    send_text(fd, "POST /whole HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        clock_sleep_ms(80);
        send_text(fd, "x");
    }
    assert_int_equal(status_of(fd), 200);
    close(fd);
}

/* A client that is so fast that the server never waits for it has not stalled. */
static void test_fast_body(void **state)
{
    int fd = harness_connect(&server);
    static char chunk[(4 << 20) + 10] = "400000\r\n";
    memcpy(chunk + 8 + (4 << 20), "\r\n", 2);
    send_text(fd, "POST /drop HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int64_t end = clock_monotonic_us() + 500000; clock_monotonic_us() < end;)
        send_bytes(fd, chunk, sizeof chunk);
    send_text(fd, "0\r\n\r\n");
    assert_int_equal(status_of(fd), 200);
    close(fd);
}

static void test_idle(void **state)
{
    int fd = harness_connect(&server), quiet = harness_connect(&server);
    send_text(fd, GET("/none"));
    assert_int_equal(status_of(fd), 204);
    assert_true(is_closed(fd));
    assert_true(is_closed(quiet));
    close(fd);
    close(quiet);
}

/* A client that does not read its answer is given up. */
static void test_stalled_reader(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, GET("/write"));
    wait_until(atomic_load(&cut_writes) == 1);
    wait_until(http_server_connections(server.server) == 0);
    close(fd);
}

/* ---- clients that leave ---- */

static void test_gone_is_told(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, GET("/hold"));
    HttpRequest *r = held_at(0);
    assert_false(http_client_is_gone(r));
    assert_int_equal(atomic_load(&gone_calls), 0);
    close(fd);
    wait_until(atomic_load(&gone_calls) == 1);
    assert_true(http_client_is_gone(r));
    http_reply(r, 200, NULL, STR("too late"));
    wait_until(http_server_connections(server.server) == 0);
    assert_int_equal(atomic_load(&gone_calls), 1);
}

static void test_gone_may_answer(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, GET("/gone-reply"));
    clock_sleep_ms(20);
    close(fd);
    wait_until(atomic_load(&gone_calls) == 1);
    wait_until(http_server_connections(server.server) == 0);
}

/* Registered late, it is still told. */
static void test_gone_before_asked(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, GET("/hold"));
    HttpRequest *r = held_at(0);
    close(fd);
    wait_until(atomic_load(&gone_calls) == 1);
    http_on_gone(r, on_gone, NULL);
    wait_until(atomic_load(&gone_calls) == 2);
    http_reply(r, 200, NULL, STR(""));
}

/* A client that says that it sends no more still gets its answers. */
static void test_half_closed(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, GET("/slow") GET("/none"));
    shutdown(fd, SHUT_WR);
    assert_int_equal(status_of(fd), 200);
    assert_int_equal(status_of(fd), 204);
    assert_true(is_closed(fd));
    close(fd);
}

static void test_gone_while_writing(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, GET("/write"));
    char bytes[100];
    assert_true(receive(fd, bytes, sizeof bytes, HARNESS_WAIT_MS) > 0);
    close(fd);
    wait_until(atomic_load(&cut_writes) == 1);
}

static void test_gone_while_paused(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, "POST /pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\nabc");
    HttpRequest *r = held_at(0);
    struct linger reset = { .l_onoff = 1 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    wait_until(http_client_is_gone(r));
    assert_int_equal(atomic_load(&cut_streams), 0);     /* whoever paused may be at work with the chunk */
    http_resume_body(r);
    wait_until(atomic_load(&cut_streams) == 1);
}

/* While paused, what the client sends fills its socket and goes no further. */
static void test_back_pressure(void **state)
{
    int fd = harness_connect(&server);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    send_text(fd, "POST /pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\nabc");
    HttpRequest *r = held_at(0);
    static const char block[1 << 16];
    size_t sent = 0;
    for (int quiet = 0; quiet < 20 && sent < 90000000;) {
        ssize_t n = send(fd, block, sizeof block, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            quiet = 0;
        } else {
            quiet++;
            clock_sleep_ms(5);
        }
    }
    assert_true(sent < 60000000);
    http_reply(r, 200, NULL, STR(""));      /* answered while paused, with far too much unread */
    assert_int_equal(status_of(fd), 200);
    close(fd);
}

/* The end of the body waits for the one who paused. */
static void test_pause_holds_the_end(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, "POST /pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
    HttpRequest *r = held_at(0);
    assert_true(is_silent(fd, 50));
    http_resume_body(r);
    assert_int_equal(status_of(fd), 200);
    close(fd);
}

/* A client that closed its sending half after a whole body is not gone while we have not read it. */
static void test_half_closed_after_body(void **state)
{
    int fd = harness_connect(&server);
    _cleanup_buf_ Buf body = BUF_INIT(1 << 20);
    memset(buf_reserve(&body, 100000), 'x', 100000);
    body.len = 100000;
    send_text(fd, "POST /pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n");
    send_bytes(fd, body.data, body.len);
    shutdown(fd, SHUT_WR);
    HttpRequest *r = held_at(0);
    assert_true(is_silent(fd, 50));
    assert_int_equal(atomic_load(&gone_calls), 0);
    struct pollfd answer = { .fd = fd, .events = POLLIN };
    while (r) {                     /* each piece pauses again */
        atomic_store(&n_held, 0);
        atomic_store(&held[0], NULL);
        http_resume_body(r);
        while (!(r = atomic_load(&held[0])) && poll(&answer, 1, 1) == 0)
            ;
    }
    assert_int_equal(status_of(fd), 200);
    close(fd);
}

/* ---- other threads ---- */

/* An answer wakes a loop that sleeps; at its next tick, up to a second later, it would come anyway. */
static void test_answers_wake_the_loop(void **state)
{
    int fd = harness_connect(&server);
    int64_t waited_us = 0;
    for (int i = 0; i < 5; i++) {
        send_text(fd, GET("/hold"));
        HttpRequest *r = held_at(i);
        clock_sleep_ms(50);
        int64_t began = clock_monotonic_us();
        http_reply(r, 200, NULL, STR(""));
        assert_int_equal(status_of(fd), 200);
        waited_us += clock_monotonic_us() - began;
    }
    assert_true(waited_us < 1200000);
    close(fd);
}

static void *answer_all(void *arg)
{
    for (int i = 0; i < MANY; i++)
        http_set_headerf(held_at(i), "X-Number", "%d", i);
    http_batch_begin();
    for (int i = 0; i < MANY; i++)
        http_reply(held_at(i), 200, "text/plain", STR("from a thread"));
    http_batch_end();
    return NULL;
}

static void test_answers_from_threads(void **state)
{
    int fds[MANY];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < MANY; i++) {
            if (round == 0)
                fds[i] = harness_connect(&server);
            send_text(fds[i], GET("/hold"));
        }
        pthread_t thread;
        pthread_create(&thread, NULL, answer_all, NULL);
        for (int i = 0; i < MANY; i++) {
            _cleanup_answer_ Answer a = read_answer(fds[i]);
            assert_int_equal(a.status, 200);
            assert_body(&a, "from a thread");
            assert_true(answer_header(&a, "X-Number").len > 0);
        }
        pthread_join(thread, NULL);
        for (int i = 0; i < MANY; i++)
            atomic_store(&held[i], NULL);
        atomic_store(&n_held, 0);
    }
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
}

static void test_open_stream(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, GET("/open"));
    HttpRequest *r = held_at(0);
    char bytes[1000];
    Error err;
    wait_until(receive(fd, bytes, sizeof bytes, 100) > 0);
    assert_true(is_silent(fd, 50));
    assert_int_equal(http_write(r, STR("more"), &err), 0);
    ssize_t n = receive(fd, bytes, sizeof bytes, HARNESS_WAIT_MS);
    assert_int_equal(n, 9);
    assert_memory_equal(bytes, "4\r\nmore\r\n", 9);
    close(fd);
    wait_until(atomic_load(&gone_calls) == 1);
    http_end(r, true);
}

/* Several clients at once, each with many requests, on paths that cross threads. */
static void *hammer(void *arg)
{
    int fd = harness_connect(&server);
    for (int i = 0; i < 200; i++) {
        _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
        size_t n = (size_t)(i * 97) % 30000;
        buf_printf(&out, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
                   i % 3 ? "/read" : "/whole", n);
        memset(buf_reserve(&out, n), 'x', n);
        out.len += n;
        send_bytes(fd, out.data, out.len);
        if (status_of(fd) != 200)
            return arg;
    }
    close(fd);
    return NULL;
}

static void test_many_clients(void **state)
{
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, hammer, &server);
    for (size_t i = 0; i < 8; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
}

/* ---- overload ---- */

/* How many of the connections have something to read. */
static int count_answered(const int *fds, size_t n)
{
    int answered = 0;
    for (size_t i = 0; i < n; i++) {
        struct pollfd p = { .fd = fds[i], .events = POLLIN };
        answered += poll(&p, 1, 0) == 1;
    }
    return answered;
}

/* One runs, 64 wait, the others are told to come back. */
static void test_full_queue(void **state)
{
    start((HttpServerOptions){ .n_workers = 1 });
    int fds[80], refused = 0, done = 0;
    atomic_store(&released, false);
    for (size_t i = 0; i < 80; i++) {
        fds[i] = harness_connect(&server);
        send_text(fds[i], GET("/block"));
        if (i == 0)
            wait_until(atomic_load(&n_blocked) == 1);
    }
    wait_until(count_answered(fds, 80) == 15);
    clock_sleep_ms(20);
    assert_int_equal(count_answered(fds, 80), 15);
    atomic_store(&released, true);
    for (size_t i = 0; i < 80; i++) {
        _cleanup_answer_ Answer a = read_answer(fds[i]);
        refused += a.status == 503 && answer_header(&a, "Retry-After").len > 0;
        done += a.status == 200;
        close(fds[i]);
    }
    assert_int_equal(refused, 15);
    assert_int_equal(done, 65);
    harness_stop(&server);
}

static void test_too_many_connections(void **state)
{
    start((HttpServerOptions){ .max_connections = 2 });
    int a = harness_connect(&server), b = harness_connect(&server);
    send_text(a, GET("/none"));
    send_text(b, GET("/none"));
    assert_int_equal(status_of(a), 204);
    assert_int_equal(status_of(b), 204);
    int c = harness_connect(&server);
    assert_int_equal(status_of(c), 503);
    close(a);
    wait_until(http_server_connections(server.server) == 1);
    int d = harness_connect(&server);
    send_text(d, GET("/none"));
    assert_int_equal(status_of(d), 204);
    close(b);
    close(c);
    close(d);
    harness_stop(&server);
}

/* ---- Unix sockets ---- */

static void test_unix_socket(void **state)
{
    char folder[] = "/tmp/http_life_test.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/role.sock", folder);
    Error err;
    int listener, again, port;
    HttpServerOptions options = { .handler = handler };
    for (int round = 0; round < 2; round++) {       /* the second finds a stale socket */
        assert_int_equal(http_listen_unix(path, &listener, &err), 0);
        assert_int_equal(http_listen_unix(path, &again, &err), -1);
        assert_int_equal(err.code, ERR_CONFIG);
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        HttpServer *s = http_server_new(&options, &err);
        assert_int_equal(http_server_add_listener(s, listener, 2, &err), 0);
        assert_int_equal(http_server_start(s, &err), 0);
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        memcpy(to.sun_path, path, strlen(path) + 1);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
        send_text(fd, "GET /none HTTP/1.1\r\nHost: anything.goes\r\n\r\n");
        assert_int_equal(status_of(fd), 204);
        close(fd);
        http_server_free(s);
    }
    assert_int_equal(http_listen_tcp(STR("127.0.0.1"), server.port, &again, &port, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_int_equal(http_listen_tcp(STR("no.address"), 0, &again, &port, &err), -1);
    unlink(path);
    rmdir(folder);
}

/* ---- drain ---- */

static void *drain(void *arg)
{
    http_server_drain(server.server, 5000);
    return NULL;
}

static void test_drain(void **state)
{
    start((HttpServerOptions){ 0 });
    int idle = harness_connect(&server), busy = harness_connect(&server), part = harness_connect(&server);
    send_text(idle, GET("/none"));
    assert_int_equal(status_of(idle), 204);
    send_text(part, "GET /none HTTP/1.1\r\nHo");
    send_text(busy, GET("/hold"));
    HttpRequest *r = held_at(0);
    pthread_t thread;
    pthread_create(&thread, NULL, drain, NULL);
    assert_true(is_closed(idle));
    send_text(part, "st: localhost\r\n\r\n");       /* a request that had begun is served */
    assert_int_equal(status_of(part), 204);
    assert_true(is_closed(part));
    assert_true(is_silent(busy, 50));
    http_reply(r, 200, "text/plain", STR("last"));
    _cleanup_answer_ Answer a = read_answer(busy);
    assert_body(&a, "last");
    assert_true(str_is(answer_header(&a, "Connection"), "close"));
    assert_true(is_closed(busy));
    pthread_join(thread, NULL);
    assert_int_equal(http_server_connections(server.server), 0);
    http_server_free(server.server);
    close(idle);
    close(busy);
    close(part);
}

/* Whoever does not end in time is cut; its request still wants its answer. */
static void test_drain_cuts(void **state)
{
    start((HttpServerOptions){ 0 });
    int fd = harness_connect(&server), fd2 = harness_connect(&server);
    send_text(fd, GET("/open"));
    HttpRequest *r = held_at(0);
    send_text(fd2, "POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab");
    clock_sleep_ms(20);
    http_server_drain(server.server, 50);
    assert_true(http_client_is_gone(r));
    assert_int_equal(http_write(r, STR("x"), NULL), -1);
    http_end(r, true);
    http_server_free(server.server);
    close(fd);
    close(fd2);
}

/* ---- faults ---- */

/* One exchange on a connection of its own; false when it was cut. */
static bool exchange(const char *head, size_t n_body)
{
    int fd = harness_connect(&server);
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    buf_printf(&out, "%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", head, n_body);
    memset(buf_reserve(&out, n_body), 'x', n_body);
    out.len += n_body;
    send(fd, out.data, out.len, MSG_NOSIGNAL);
    _cleanup_answer_ Answer a = read_answer(fd);
    close(fd);
    return a.whole && (a.status == 200 || a.status == 204);
}

/* Fails the first, second, third ... read or write of a run until one run is undisturbed. Each fault costs
 * one exchange; the server lives and loses nothing. */
static void test_faults(void **state)
{
    int n_failed = 1;
    for (int nth = 1; n_failed > 0; nth++) {
        char spec[40];
        assert_true(nth < 200);
        snprintf(spec, sizeof spec, "net.http.*:%d", nth);
        fault_arm_for_test(spec);
        start((HttpServerOptions){ 0 });
        n_failed = !exchange("GET /none", 0) + !exchange("POST /whole", 100000) +
                   !exchange("POST /read", 100000) + !exchange("GET /slow", 0) + !exchange("PUT /pause", 0) +
                   !exchange("GET /none", 0);
        assert_true(n_failed <= 1);
        harness_stop(&server);
        fault_arm_for_test(NULL);
    }
}

int main(void)
{
#define ON_SERVER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define ON_TWO_LOOPS(name) cmocka_unit_test_setup_teardown(name, set_up_two_loops, tear_down)
#define ON_HURRIED(name) cmocka_unit_test_setup_teardown(name, set_up_hurried, tear_down)
    const struct CMUnitTest tests[] = {
        ON_HURRIED(test_slow_header),
        ON_HURRIED(test_slow_bodies),
        ON_HURRIED(test_fast_body),
        ON_HURRIED(test_idle),
        ON_HURRIED(test_stalled_reader),
        ON_SERVER(test_gone_is_told),
        ON_SERVER(test_gone_may_answer),
        ON_SERVER(test_gone_before_asked),
        ON_SERVER(test_half_closed),
        ON_SERVER(test_gone_while_writing),
        ON_SERVER(test_gone_while_paused),
        ON_SERVER(test_back_pressure),
        ON_SERVER(test_pause_holds_the_end),
        ON_SERVER(test_half_closed_after_body),
        ON_SERVER(test_answers_wake_the_loop),
        ON_SERVER(test_answers_from_threads),
        ON_TWO_LOOPS(test_answers_from_threads),
        ON_SERVER(test_open_stream),
        ON_SERVER(test_many_clients),
        ON_TWO_LOOPS(test_many_clients),
        cmocka_unit_test(test_full_queue),
        cmocka_unit_test(test_too_many_connections),
        ON_SERVER(test_unix_socket),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_cuts),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
