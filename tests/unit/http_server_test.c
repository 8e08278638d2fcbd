/* http_server_test.c - the HTTP server over real sockets: framing, bodies both ways, limits, timeouts,
 * threads, drain. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/fs.h"
#include "http_harness.h"

enum { WHOLE_MAX = 1 << 20, BIG_FILE = 9 << 20 };

static Harness server;
static int big_file = -1;
static atomic_int ended_streams, cut_streams;

/* ---- the handler: a path for each thing to try ---- */

static void reply_whole(HttpRequest *r, Str body, void *arg)
{
    http_set_header(r, "X-Length", arena_printf(http_arena(r), "%zu", body.len));
    http_reply(r, 200, "application/octet-stream", body);
}

typedef struct Count { size_t n; unsigned sum; bool paused_once; } Count;

static void count_chunk(HttpRequest *r, Str bytes, void *arg)
{
    Count *count = arg;
    count->n += bytes.len;
    for (size_t i = 0; i < bytes.len; i++)
        count->sum += (unsigned char)bytes.ptr[i];
}

static void count_end(HttpRequest *r, bool complete, void *arg)
{
    const Count *count = arg;
    atomic_fetch_add(complete ? &ended_streams : &cut_streams, 1);
    char text[64];
    int n = snprintf(text, sizeof text, "%zu %u", count->n, count->sum);
    http_reply(r, complete ? 200 : 400, "text/plain", str_of(text, (size_t)n));
}

/* Pauses at the first chunk; another thread resumes. */
static void *resume_later(void *arg)
{
    clock_sleep_ms(50);
    http_resume_body(arg);
    return NULL;
}

static void pausing_chunk(HttpRequest *r, Str bytes, void *arg)
{
    Count *count = arg;
    count_chunk(r, bytes, arg);
    if (count->paused_once)
        return;
    count->paused_once = true;
    http_pause_body(r);
    pthread_t thread;
    pthread_create(&thread, NULL, resume_later, r);
    pthread_detach(thread);
}

static void early_chunk(HttpRequest *r, Str bytes, void *arg)
{
    http_reply(r, 403, "text/plain", STR("no"));
}

static void work(HttpRequest *r, void *arg)
{
    http_reply(r, 200, "text/plain", STR("worked"));
}

static void work_slowly(HttpRequest *r, void *arg)
{
    clock_sleep_ms(100);
    http_reply(r, 200, "text/plain", STR("slow"));
}

static void work_read(HttpRequest *r, void *arg)
{
    Error err;
    char bytes[5000];
    size_t n = 0, total = 0;
    unsigned sum = 0;
    for (;;) {
        if (http_body_read(r, bytes, sizeof bytes, &n, &err) != 0) {
            http_reply_error(r, &err);
            return;
        }
        if (n == 0)
            break;
        total += n;
        for (size_t i = 0; i < n; i++)
            sum += (unsigned char)bytes[i];
    }
    char text[64];
    n = (size_t)snprintf(text, sizeof text, "%zu %u", total, sum);
    http_reply(r, 200, "text/plain", str_of(text, n));
}

/* Reads a little and answers. */
static void work_peek(HttpRequest *r, void *arg)
{
    char bytes[100];
    size_t n;
    Error err;
    int status = http_body_read(r, bytes, sizeof bytes, &n, &err) == 0 && n > 0 ? 200 : 500;
    if (http_query(r).len > 0)
        clock_sleep_ms(60);
    http_reply(r, status, "text/plain", STR("enough"));
}

/* Writes 100 pieces of 100,000 bytes: far more than sockets hold. */
static void work_write(HttpRequest *r, void *arg)
{
    static const char piece[100000];
    Error err;
    bool known = http_query(r).len > 0;
    http_begin(r, 200, "application/octet-stream", known ? 100 * (int64_t)sizeof piece : -1);
    for (int i = 0; i < 100; i++) {
        if (http_write(r, str_of(piece, sizeof piece), &err) != 0) {
            assert_int_equal(err.code, ERR_CANCELED);
            http_end(r, false);
            return;
        }
    }
    http_end(r, true);
}

static void work_cut(HttpRequest *r, void *arg)
{
    Error err;
    http_begin(r, 200, "text/plain", -1);
    http_write(r, STR("half"), &err);
    http_end(r, false);
}

static void echo_headers(HttpRequest *r)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    HttpHeader h;
    buf_printf(&out, "%.*s|%.*s|%.*s\n", STR_ARG(http_method(r)), STR_ARG(http_path(r)),
               STR_ARG(http_query(r)));
    for (size_t i = 0; http_header_at(r, i, &h); i++)
        buf_printf(&out, "%.*s=%.*s\n", STR_ARG(h.name), STR_ARG(h.value));
    http_reply(r, 200, "text/plain", buf_str(&out));
}

static void handle_stream(HttpRequest *r, void (*on_chunk)(HttpRequest *r, Str bytes, void *arg))
{
    HttpBodySink sink = { .on_chunk = on_chunk, .on_end = count_end };
    http_stream_body(r, sink, arena_new_of(http_arena(r), Count));
}

static void route_whole(HttpRequest *r) { http_read_body(r, WHOLE_MAX, reply_whole, NULL); }
static void route_stream(HttpRequest *r) { handle_stream(r, count_chunk); }
static void route_pause(HttpRequest *r) { handle_stream(r, pausing_chunk); }
static void route_early(HttpRequest *r) { handle_stream(r, early_chunk); }
static void route_refuse(HttpRequest *r) { http_reply(r, 403, "text/plain", STR("refused")); }
static void route_offload(HttpRequest *r) { http_offload(r, work, NULL); }
static void route_slow(HttpRequest *r) { http_offload(r, work_slowly, NULL); }
static void route_read(HttpRequest *r) { http_offload(r, work_read, NULL); }
static void route_write(HttpRequest *r) { http_offload(r, work_write, NULL); }
static void route_cut(HttpRequest *r) { http_offload(r, work_cut, NULL); }
static void route_peek(HttpRequest *r) { http_offload(r, work_peek, NULL); }
static void route_none(HttpRequest *r) { http_reply(r, 204, NULL, STR("")); }

static void route_file(HttpRequest *r)
{
    int64_t from = 0, to = BIG_FILE - 1;
    Error err;
    int ranged = http_parse_range(http_header(r, "Range"), BIG_FILE, &from, &to, &err);
    if (ranged < 0) {
        http_reply_error(r, &err);
        return;
    }
    http_set_header(r, "Content-Type", STR("application/x-test"));
    http_reply_file(r, ranged ? 200 : 206, NULL, fcntl(big_file, F_DUPFD_CLOEXEC, 0), from, to - from + 1);
}

/* A file that is shorter than what is announced. */
static void route_short(HttpRequest *r)
{
    http_reply_file(r, 200, NULL, fcntl(big_file, F_DUPFD_CLOEXEC, 0), BIG_FILE - 100000, 200000);
}

static void route_inject(HttpRequest *r)
{
    http_set_header(r, "X-Safe", STR("a\r\nX-Evil: 1\r\n\r\nb\0c"));
    http_set_headerf(r, "X-Long", "%0*d", 2000, 7);
    http_reply(r, 200, NULL, STR(""));
}

static void route_big(HttpRequest *r)
{
    Buf body = BUF_INIT(3 << 20);
    char *to = buf_reserve(&body, 3 << 20);
    for (size_t i = 0; i < 3 << 20; i++)
        to[i] = (char)(i * 7);
    body.len = 3 << 20;
    if (http_query(r).len > 0)
        http_reply_buf(r, 200, "application/octet-stream", &body);
    else
        http_reply(r, 200, "application/octet-stream", buf_str(&body));
    buf_free(&body);
}

static void route_ids(HttpRequest *r)
{
    _cleanup_buf_ Buf out = BUF_INIT(1000);
    Str a = http_query_param(r, "a"), b = http_query_param(r, "b");
    buf_printf(&out, "%.*s %.*s %d a=%.*s b=%s", STR_ARG(http_request_id(r)), STR_ARG(http_trace_id(r)),
               http_listener_tag(r), STR_ARG(a), b.ptr ? "yes" : "no");
    http_reply(r, 200, "text/plain", buf_str(&out));
}

static const struct { const char *path; void (*run)(HttpRequest *r); } routes[] = {
    { "/echo", echo_headers },     { "/whole", route_whole }, { "/stream", route_stream },
    { "/pause", route_pause },     { "/early", route_early }, { "/refuse", route_refuse },
    { "/offload", route_offload }, { "/slow", route_slow },   { "/read", route_read },
    { "/write", route_write },     { "/cut", route_cut },     { "/none", route_none },
    { "/file", route_file },       { "/big", route_big },     { "/ids", route_ids },
    { "/peek", route_peek },       { "/short", route_short }, { "/inject", route_inject },
};

static void handler(HttpRequest *r, void *user)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (str_is(http_path(r), routes[i].path)) {
            routes[i].run(r);
            return;
        }
    }
    http_reply(r, 404, "text/plain", STR("none"));
}

static HttpServerOptions default_options(void)
{
    static const char *const hosts[] = { "Lake.example", NULL };
    return (HttpServerOptions){ .handler = handler, .n_workers = 4, .hosts = hosts };
}

static int set_up(void **state)
{
    harness_start(&server, default_options());
    return 0;
}

static int tear_down(void **state)
{
    harness_stop(&server);
    return 0;
}

/* ---- requests and answers ---- */

static void test_keep_alive(void **state)
{
    int fd = harness_connect(&server);
    for (int i = 0; i < 50; i++) {
        send_text(fd, "GET /echo?a=1&b HTTP/1.1\r\nHost: localhost\r\nX-One:  padded \t\r\nX-Empty:\r\n\r\n");
        _cleanup_answer_ Answer a = read_answer(fd);
        assert_int_equal(a.status, 200);
        assert_body(&a, "GET|/echo|a=1&b\nHost=localhost\nX-One=padded\nX-Empty=\n");
        assert_null(answer_header(&a, "Connection").ptr);
        assert_true(str_has_suffix(answer_header(&a, "Date"), STR(" GMT")));
    }
    send_text(fd, "GET /none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    _cleanup_answer_ Answer a = read_answer(fd);
    assert_int_equal(a.status, 204);
    assert_null(answer_header(&a, "Content-Length").ptr);
    assert_true(str_is(answer_header(&a, "Connection"), "close"));
    assert_true(is_closed(fd));
    close(fd);
}

static void test_http_1_0(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, "GET /echo HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
    _cleanup_answer_ Answer a = read_answer(fd);
    assert_int_equal(a.status, 200);
    assert_true(str_is(answer_header(&a, "Connection"), "keep-alive"));
    send_text(fd, "GET /write HTTP/1.0\r\nHost: localhost\r\n\r\n");       /* a stream without chunks */
    _cleanup_answer_ Answer b = read_answer(fd);
    assert_null(answer_header(&b, "Transfer-Encoding").ptr);
    assert_int_equal(b.body.len, 10000000);
    close(fd);
}

/* Answers come in order although the first is the slowest; requests arrive in odd pieces. */
static void test_pipelining(void **state)
{
    int fd = harness_connect(&server);
    const char *text =
        "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "POST /whole HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
        "POST /whole HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        "GET /offload HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const char *expected[] = { "slow", "hello", "abc", "worked", "GET|/echo|\nHost=localhost\n" };
    for (int round = 0; round < 2; round++) {
        if (round == 0)
            send_text(fd, text);
        for (size_t i = 0; round == 1 && i < strlen(text); i += 7) {
            send_bytes(fd, text + i, strlen(text) - i < 7 ? strlen(text) - i : 7);
            clock_sleep_ms(1);
        }
        for (size_t i = 0; i < 5; i++) {
            _cleanup_answer_ Answer a = read_answer(fd);
            assert_int_equal(a.status, 200);
            assert_body(&a, expected[i]);
        }
    }
    close(fd);
}

static void test_many_pipelined(void **state)
{
    int fd = harness_connect(&server);
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    for (int i = 0; i < 500; i++)
        buf_printf(&out, "GET /echo?%d HTTP/1.1\r\nHost: localhost\r\n\r\n", i);
    send_bytes(fd, out.data, out.len);
    for (int i = 0; i < 500; i++) {
        char text[64];
        snprintf(text, sizeof text, "GET|/echo|%d\nHost=localhost\n", i);
        _cleanup_answer_ Answer a = read_answer(fd);
        assert_body(&a, text);
    }
    close(fd);
}

static void test_head(void **state)
{
    int fd = harness_connect(&server);
    const char *paths[] = { "/echo", "/file", "/big", "/big?taken", "/write?known", "/none" };
    const char *lengths[] = { "27", "9437184", "3145728", "3145728", "10000000", NULL };
    for (size_t i = 0; i < 6; i++) {
        char text[100];
        snprintf(text, sizeof text, "HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n", paths[i]);
        send_text(fd, text);
        _cleanup_answer_ Answer a = read_answer_to(fd, true);
        assert_true(a.status == 200 || a.status == 204);
        if (lengths[i])
            assert_true(str_is(answer_header(&a, "Content-Length"), lengths[i]));
    }
    send_text(fd, "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n");      /* nothing but heads came before */
    assert_int_equal(status_of(fd), 204);
    close(fd);
}

static void test_ids(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, "GET /ids?x&a=1%202+3&%62=7 HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: abc-1\r\n"
                  "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n");
    _cleanup_answer_ Answer a = read_answer(fd);
    assert_body(&a, "abc-1 0af7651916cd43dd8448eb211c80319c 7 a=1 2 3 b=yes");
    send_text(fd,
              "GET /ids HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: no token\r\ntraceparent: junk\r\n\r\n");
    _cleanup_answer_ Answer b = read_answer(fd);
    assert_int_equal(b.body.len, 16 + 1 + 32 + strlen(" 7 a= b=no"));
    close(fd);
}

/* ---- bodies ---- */

static void post(int fd, const char *path, const char *extra, size_t n)
{
    _cleanup_buf_ Buf out = BUF_INIT(64 << 20);
    buf_printf(&out, "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n", path, extra, n);
    char *to = buf_reserve(&out, n);
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(i * 31);
    out.len += n;
    send_bytes(fd, out.data, out.len);
}

static unsigned sum_of(size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (unsigned char)(i * 31);
    return sum;
}

static void assert_counted(int fd, size_t n)
{
    char text[64];
    snprintf(text, sizeof text, "%zu %u", n, sum_of(n));
    _cleanup_answer_ Answer a = read_answer(fd);
    assert_int_equal(a.status, 200);
    assert_body(&a, text);
}

static const size_t body_sizes[] = { 0, 1, 4096, 15000, 16384, 100000, 1 << 20, 5 << 20 };

static void test_whole_bodies(void **state)
{
    int fd = harness_connect(&server);
    for (size_t i = 0; i < 7; i++) {
        post(fd, "/whole", "", body_sizes[i]);
        _cleanup_answer_ Answer a = read_answer(fd);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.body.len, body_sizes[i]);
        for (size_t b = 0; b < a.body.len; b++)
            assert_int_equal((unsigned char)a.body.data[b], (unsigned char)(b * 31));
    }
    close(fd);
}

static void test_streamed_bodies(void **state)
{
    int fd = harness_connect(&server);
    const char *paths[] = { "/stream", "/pause", "/read" };
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 0; i < 8; i++) {
            if (p == 1 && body_sizes[i] == 0)
                continue;           /* nothing to pause at */
            post(fd, paths[p], "", body_sizes[i]);
            assert_counted(fd, body_sizes[i]);
        }
    }
    close(fd);
}

/* The body in chunks of growing size, with extensions and trailers, then a pipelined request. */
static void test_chunked_bodies(void **state)
{
    const char *paths[] = { "/stream", "/pause", "/read", "/whole" };
    for (size_t p = 0; p < 4; p++) {
        int fd = harness_connect(&server);
        _cleanup_buf_ Buf out = BUF_INIT(8 << 20);
        buf_printf(&out, "POST %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
                   paths[p]);
        size_t n = 0;
        for (size_t size = 1; n + size < 900000; size = size * 3 / 2 + 1) {
            buf_printf(&out, "%zX%s\r\n", size, size % 2 ? ";a=\"d\"" : "");
            for (size_t i = 0; i < size; i++, n++)
                buf_putc(&out, (char)(n * 31));
            buf_puts(&out, "\r\n");
        }
        buf_puts(&out, "0\r\nX-Trailer: 1\r\n\r\nGET /none HTTP/1.1\r\nHost: localhost\r\n\r\n");
        send_bytes(fd, out.data, out.len);
        if (p < 3) {
            assert_counted(fd, n);
        } else {
            _cleanup_answer_ Answer a = read_answer(fd);
            assert_int_equal(a.body.len, n);
        }
        assert_int_equal(status_of(fd), 204);
        close(fd);
    }
}

static void test_cut_bodies(void **state)
{
    const char *paths[] = { "/stream", "/whole", "/read" };
    int before = atomic_load(&cut_streams);
    for (size_t p = 0; p < 3; p++) {
        char text[200];
        int fd = harness_connect(&server);
        snprintf(text, sizeof text,
                 "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nabc", paths[p]);
        send_text(fd, text);
        clock_sleep_ms(20);
        close(fd);
    }
    wait_until(http_server_connections(server.server) == 0);
    assert_int_equal(atomic_load(&cut_streams), before + 1);
}

static void test_continue(void **state)
{
    const char *paths[] = { "/whole", "/stream", "/read" };
    for (size_t p = 0; p < 3; p++) {
        char text[200];
        int fd = harness_connect(&server);
        snprintf(text, sizeof text,
                 "PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
                 paths[p]);
        for (int round = 0; round < 2; round++) {
            send_text(fd, text);
            assert_int_equal(status_of(fd), 100);
            send_text(fd, "abc");
            assert_int_equal(status_of(fd), 200);
        }
        send_bytes(fd, text, strlen(text));     /* a client that does not wait */
        send_text(fd, "abc");
        int status = status_of(fd);
        assert_true(status == 200 || (status == 100 && status_of(fd) == 200));
        close(fd);
    }
    int fd = harness_connect(&server);
    send_text(fd,
              "PUT /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    _cleanup_answer_ Answer a = read_answer(fd);
    assert_int_equal(a.status, 403);
    assert_true(str_is(answer_header(&a, "Connection"), "close"));
    assert_true(is_closed(fd));
    close(fd);
}

/* Unread bodies: small ones are skipped and the connection lives, large ones end it, but the answer always
 * arrives. */
static void test_unread_bodies(void **state)
{
    int fd = harness_connect(&server);
    for (int i = 0; i < 3; i++) {
        post(fd, i < 2 ? "/refuse" : "/early", "", 100000);
        assert_int_equal(status_of(fd), 403);
    }
    send_text(fd, "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(status_of(fd), 204);
    post(fd, "/refuse", "", 8 << 20);
    _cleanup_answer_ Answer a = read_answer(fd);
    assert_int_equal(a.status, 403);
    assert_true(str_is(answer_header(&a, "Connection"), "close"));
    assert_true(is_closed(fd));
    close(fd);
}

static void send_after(int fd, Buf *out, int ms)
{
    send_bytes(fd, out->data, out->len);
    buf_clear(out);
    clock_sleep_ms(ms);
}

/* A worker that answers before it read all of a chunked body: the rest is skipped, wherever it lies: with the
 * head, in the worker's hands, or in the socket since before or after the worker read. */
static void test_peeked_bodies(void **state)
{
    int fd = harness_connect(&server);
    for (int round = 0; round < 6; round++) {
        _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
        buf_printf(&out, "POST /peek%s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
                   round % 2 ? "?slowly" : "");
        if (round < 4)
            send_after(fd, &out, 30);
        for (int i = 0; i < 40; i++) {
            buf_printf(&out, "3e8\r\n%01000d\r\n", i);
            if (i == 3 && round % 2)
                send_after(fd, &out, 20);
        }
        buf_puts(&out, "0\r\n\r\nGET /none HTTP/1.1\r\nHost: localhost\r\n\r\n");
        send_bytes(fd, out.data, out.len);
        assert_int_equal(status_of(fd), 200);
        assert_int_equal(status_of(fd), 204);
    }
    close(fd);
}

/* ---- large answers ---- */

static void test_files(void **state)
{
    static const struct { const char *range; int status; size_t from, n; } cases[] = {
        { "", 200, 0, BIG_FILE },
        { "Range: bytes=0-0\r\n", 206, 0, 1 },
        { "Range: bytes=100-20099\r\n", 206, 100, 20000 },
        { "Range: bytes=1000000-\r\n", 206, 1000000, BIG_FILE - 1000000 },
        { "Range: bytes=-5\r\n", 206, BIG_FILE - 5, 5 },
        { "Range: bytes=9437184-\r\n", 416, 0, 0 },
        { "Range: bytes=5-2\r\n", 200, 0, BIG_FILE },
    };
    int fd = harness_connect(&server);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "GET /file HTTP/1.1\r\nHost: localhost\r\n%s\r\n", cases[i].range);
        send_text(fd, text);
        _cleanup_answer_ Answer a = read_answer(fd);
        assert_int_equal(a.status, cases[i].status);
        if (a.status == 416)
            continue;
        assert_int_equal(a.body.len, cases[i].n);
        assert_true(str_is(answer_header(&a, "Content-Type"), "application/x-test"));
        for (size_t b = 0; b < a.body.len; b += 4093)
            assert_int_equal((unsigned char)a.body.data[b], (unsigned char)((cases[i].from + b) / 3));
    }
    close(fd);
}

static void test_large_answers(void **state)
{
    const char *paths[] = { "/big", "/big?taken" };
    int fd = harness_connect(&server);
    for (int i = 0; i < 2; i++) {
        char text[100];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", paths[i]);
        send_text(fd, text);
        clock_sleep_ms(20);         /* the socket is full before we read */
        _cleanup_answer_ Answer a = read_answer(fd);
        assert_int_equal(a.body.len, 3 << 20);
        for (size_t b = 0; b < a.body.len; b++)
            assert_int_equal(a.body.data[b], (char)(b * 7));
    }
    close(fd);
}

static void test_streamed_answers(void **state)
{
    const char *paths[] = { "/write", "/write?known" };
    int fd = harness_connect(&server);
    for (int i = 0; i < 2; i++) {
        char text[100];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", paths[i]);
        send_text(fd, text);
        clock_sleep_ms(50);
        _cleanup_answer_ Answer a = read_answer(fd);
        assert_true(a.whole);
        assert_int_equal(a.body.len, 10000000);
        assert_true((answer_header(&a, "Transfer-Encoding").ptr != NULL) == (i == 0));
    }
    send_text(fd, "GET /cut HTTP/1.1\r\nHost: localhost\r\n\r\n");
    _cleanup_answer_ Answer a = read_answer(fd);
    assert_body(&a, "half");
    assert_false(a.whole);
    close(fd);
}

/* Whatever ends an answer early, the client can tell. */
static void test_cut_answers(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, "GET /short HTTP/1.1\r\nHost: localhost\r\n\r\n");
    _cleanup_answer_ Answer a = read_answer(fd);
    assert_int_equal(a.status, 200);
    assert_false(a.whole);
    assert_int_equal(a.body.len, 100000);
    close(fd);
    fd = harness_connect(&server);          /* without a length or chunks only a reset says so */
    send_text(fd, "GET /cut HTTP/1.0\r\nHost: localhost\r\n\r\n");
    char bytes[1000];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        ;
    assert_true(n < 0 && errno == ECONNRESET);
    close(fd);
}

static void test_set_headers(void **state)
{
    int fd = harness_connect(&server);
    send_text(fd, "GET /inject HTTP/1.1\r\nHost: localhost\r\n\r\n");
    _cleanup_answer_ Answer a = read_answer(fd);
    assert_true(str_is(answer_header(&a, "X-Safe"), "a  X-Evil: 1    b c"));
    assert_null(answer_header(&a, "X-Evil").ptr);
    assert_int_equal(answer_header(&a, "X-Long").len, 2000);
    close(fd);
}

/* ---- limits and policy ---- */

static int status_for(const char *start, const char *filler, size_t n_filler, const char *end)
{
    int fd = harness_connect(&server);
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    buf_puts(&out, start);
    for (size_t i = 0; i < n_filler; i++)
        buf_puts(&out, filler);
    buf_puts(&out, end);
    send(fd, out.data, out.len, MSG_NOSIGNAL);
    _cleanup_answer_ Answer a = read_answer(fd);
    if (a.status >= 400)
        assert_true(is_closed(fd));
    close(fd);
    return a.status;
}

static void test_limits(void **state)
{
    assert_int_equal(status_for("GET /none HTTP/1.1\r\nHost: localhost\r\nX: ", "a", 15000, "\r\n\r\n"), 204);
    assert_int_equal(status_for("GET /none HTTP/1.1\r\nHost: localhost\r\nX: ", "a", 16500, "\r\n\r\n"), 431);
    assert_int_equal(status_for("GET /none HTTP/1.1\r\nHost: localhost\r\n", "a: b\r\n", 99, "\r\n"), 204);
    assert_int_equal(status_for("GET /none HTTP/1.1\r\nHost: localhost\r\n", "a: b\r\n", 100, "\r\n"), 431);
    assert_int_equal(status_for("GET /none?", "a", 8100, " HTTP/1.1\r\nHost: localhost\r\n\r\n"), 204);
    assert_int_equal(status_for("GET /none?", "a", 8200, " HTTP/1.1\r\nHost: localhost\r\n\r\n"), 414);
    assert_int_equal(status_for("GET /none?", "a", 70000, " HTTP/1.1\r\nHost: localhost\r\n\r\n"), 414);
    assert_int_equal(
        status_for("POST /whole HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n", "", 0, ""),
        413);
}

static void test_chunked_limit(void **state)
{
    int fd = harness_connect(&server);
    static const char chunk[65536 + 9] = "10000\r\n";
    send_text(fd, "POST /whole HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    char whole[sizeof chunk];
    memset(whole, 'x', sizeof whole);
    memcpy(whole, "10000\r\n", 7);
    memcpy(whole + 7 + 65536, "\r\n", 2);
    for (int i = 0; i < 17; i++)
        send(fd, whole, sizeof whole, MSG_NOSIGNAL);
    assert_int_equal(status_of(fd), 413);
    close(fd);
}

static void test_host_and_origin(void **state)
{
    static const struct { const char *headers; int status; } cases[] = {
        { "Host: localhost\r\n", 204 },
        { "Host: LOCALHOST:9000\r\n", 204 },
        { "Host: 127.0.0.1:1\r\n", 204 },
        { "Host: 127.9.9.9\r\n", 204 },
        { "Host: [::1]:8080\r\n", 204 },
        { "Host: lake.EXAMPLE\r\n", 204 },
        { "Host: evil.example\r\n", 421 },
        { "Host: localhost.evil.example\r\n", 421 },
        { "Host: 127.0.0.1.evil.example\r\n", 421 },
        { "Host: 192.0.2.1\r\n", 421 },
        { "Host: [::2]\r\n", 421 },
        { "Host: \r\n", 400 },
        { "Host: local host\r\n", 400 },
        { "Host: localhost:port\r\n", 400 },
        { "Host: user@localhost\r\n", 400 },
        { "", 400 },
        { "Host: localhost\r\nHost: localhost\r\n", 400 },
        { "Host: localhost:9000\r\nOrigin: http://localhost:9000\r\n", 204 },
        { "Host: localhost:80\r\nOrigin: http://localhost\r\n", 204 },
        { "Host: lake.example\r\nOrigin: https://lake.example\r\n", 204 },
        { "Host: localhost:9000\r\nOrigin: http://localhost:9001\r\n", 403 },
        { "Host: localhost:9000\r\nOrigin: http://evil.example\r\n", 403 },
        { "Host: localhost:9000\r\nOrigin: null\r\n", 403 },
        { "Host: localhost:9000\r\nOrigin: \r\n", 403 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = status_for("GET /none HTTP/1.1\r\n", cases[i].headers, 1, "\r\n");
        if (status != cases[i].status)
            print_error("%s gives %d\n", cases[i].headers, status);
        assert_int_equal(status, cases[i].status);
    }
}

/* ---- pure helpers ---- */

static void test_range(void **state)
{
    static const struct { const char *header; int64_t size; int result; int64_t from, to; } cases[] = {
        { "bytes=0-9", 100, 0, 0, 9 }, { "bytes=90-200", 100, 0, 90, 99 }, { "bytes=-10", 100, 0, 90, 99 },
        { "bytes=-1000", 100, 0, 0, 99 }, { "bytes=99-", 100, 0, 99, 99 }, { "BYTES=0-0", 1, 0, 0, 0 },
        { "bytes=100-", 100, -1, 0, 0 }, { "bytes=-0", 100, -1, 0, 0 }, { "bytes=0-", 0, -1, 0, 0 },
        { "bytes=-5", 0, -1, 0, 0 }, { "bytes=9223372036854775807-", 100, -1, 0, 0 },
        { "bytes=5-1", 100, 1, 0, 0 }, { "bytes=-", 100, 1, 0, 0 }, { "bytes=a-b", 100, 1, 0, 0 },
        { "bytes=0-1,4-5", 100, 1, 0, 0 }, { "items=0-1", 100, 1, 0, 0 }, { "bytes=+1-2", 100, 1, 0, 0 },
        { "bytes=99999999999999999999-", 100, 1, 0, 0 }, { "", 100, 1, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t from = -7, to = -7;
        Error err = { 0 };
        int result = http_parse_range(str_from(cases[i].header), cases[i].size, &from, &to, &err);
        if (result != cases[i].result)
            print_error("%s gives %d\n", cases[i].header, result);
        assert_int_equal(result, cases[i].result);
        assert_int_equal(from, result == 0 ? cases[i].from : -7);
        assert_int_equal(to, result == 0 ? cases[i].to : -7);
        if (result < 0)
            assert_int_equal(err.code, ERR_INVALID_RANGE);
    }
    assert_int_equal(http_parse_range(STR_NULL, 5, &(int64_t){ 0 }, &(int64_t){ 0 }, NULL), 1);
}

static void test_etags(void **state)
{
    static const struct { const char *header; bool matches; } cases[] = {
        { "\"abc\"", true },   { "W/\"abc\"", true },      { "abc", true },
        { "*", true },         { "\"x\", \"abc\"", true }, { "\"x\",W/\"abc\" , \"y\"", true },
        { " \"abc\" ", true }, { "\"abcd\"", false },      { "\"ab\"", false },
        { "", false },         { "\"x, abc\"", false },    { "\"x\" , *", true },
        { "W/", false },       { "\"abc", true },          { ",,,", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(http_etag_matches(str_from(cases[i].header), STR("abc")), cases[i].matches);
    assert_false(http_etag_matches(STR_NULL, STR("abc")));
}

static void test_status_texts(void **state)
{
    assert_string_equal(http_status_text(200), "OK");
    assert_string_equal(http_status_text(421), "Misdirected Request");
    assert_string_equal(http_status_text(999), "Unknown");
    for (int code = 0; code < ERR_COUNT_; code++)
        assert_string_not_equal(http_status_text(err_info((ErrCode)code)->http_status), "Unknown");
}

static int group_set_up(void **state)
{
    char path[] = "/tmp/http_server_test.XXXXXX";
    big_file = mkstemp(path);
    unlink(path);
    static unsigned char bytes[BIG_FILE];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i / 3);
    return big_file < 0 || fs_write_all(big_file, bytes, sizeof bytes, NULL);
}

int main(void)
{
#define ON_SERVER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_SERVER(test_keep_alive),
        ON_SERVER(test_http_1_0),
        ON_SERVER(test_pipelining),
        ON_SERVER(test_many_pipelined),
        ON_SERVER(test_head),
        ON_SERVER(test_ids),
        ON_SERVER(test_whole_bodies),
        ON_SERVER(test_streamed_bodies),
        ON_SERVER(test_chunked_bodies),
        ON_SERVER(test_cut_bodies),
        ON_SERVER(test_continue),
        ON_SERVER(test_unread_bodies),
        ON_SERVER(test_peeked_bodies),
        ON_SERVER(test_files),
        ON_SERVER(test_large_answers),
        ON_SERVER(test_streamed_answers),
        ON_SERVER(test_cut_answers),
        ON_SERVER(test_set_headers),
        ON_SERVER(test_limits),
        ON_SERVER(test_chunked_limit),
        ON_SERVER(test_host_and_origin),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_etags),
        cmocka_unit_test(test_status_texts),
    };
    return cmocka_run_group_tests(tests, group_set_up, NULL);
}
