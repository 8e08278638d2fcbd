/* http_harness.h - for tests of the HTTP server: a server of this process on a free port, and raw sockets to
 * it. */
#pragma once

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/http_server.h"

enum { HARNESS_WAIT_MS = 5000, HARNESS_ANSWER_MAX = 128 << 20 };

#define HARNESS_UNUSED __attribute__((unused))

typedef struct Harness {
    HttpServer *server;
    int port;
    size_t refs;
} Harness;

HARNESS_UNUSED static void harness_start(Harness *h, HttpServerOptions options)
{
    Error err;
    int fd;
    *h = (Harness){ 0 };
    if (!options.name)
        options.name = "test";
    h->server = http_server_new(&options, &err);
    assert_non_null(h->server);
    assert_int_equal(http_listen_tcp(STR("127.0.0.1"), 0, &fd, &h->port, &err), 0);
    assert_int_equal(http_server_add_listener(h->server, fd, 7, &err), 0);
    assert_int_equal(http_server_start(h->server, &err), 0);
}

HARNESS_UNUSED static void harness_stop(Harness *h)
{
    http_server_drain(h->server, 2000);
    assert_int_equal(http_server_connections(h->server), 0);
    http_server_free(h->server);
    h->server = NULL;
}

HARNESS_UNUSED static int harness_connect(const Harness *h)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)h->port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return fd;
}

HARNESS_UNUSED static void send_bytes(int fd, const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t sent = send(fd, (const char *)bytes + done, n - done, MSG_NOSIGNAL);
        assert_true(sent > 0);
        done += (size_t)sent;
    }
}

HARNESS_UNUSED static void send_text(int fd, const char *text)
{
    send_bytes(fd, text, strlen(text));
}

/* Waits for bytes: their number, 0 at the end (or a reset), -1 after wait_ms of silence. */
HARNESS_UNUSED static ssize_t receive(int fd, void *bytes, size_t n, int wait_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    if (poll(&p, 1, wait_ms) <= 0)
        return -1;
    ssize_t got = recv(fd, bytes, n, 0);
    return got < 0 ? 0 : got;
}

HARNESS_UNUSED static bool is_closed(int fd)
{
    char byte;
    return receive(fd, &byte, 1, HARNESS_WAIT_MS) == 0;
}

HARNESS_UNUSED static bool is_silent(int fd, int ms)
{
    char byte;
    return receive(fd, &byte, 1, ms) < 0;
}

typedef struct Answer {
    int status;             /* 0: the connection ended before a whole head */
    bool whole;             /* the body came to its announced end */
    Buf head, body;         /* the body without its chunking */
} Answer;

HARNESS_UNUSED static void answer_free(Answer *a)
{
    buf_free(&a->head);
    buf_free(&a->body);
}
#define _cleanup_answer_ __attribute__((cleanup(answer_free)))

/* A header of an answer; ptr NULL when absent. */
HARNESS_UNUSED static Str answer_header(const Answer *a, const char *name)
{
    Str rest = buf_str(&a->head);
    while (rest.ptr) {
        Str value, line = str_trim(str_cut(rest, '\n', &rest));
        Str key = str_cut(line, ':', &value);
        if (value.ptr && str_eq_nocase(key, str_from(name)))
            return str_trim(value);
    }
    return STR_NULL;
}

HARNESS_UNUSED static bool read_line(int fd, Buf *line)
{
    for (;;) {
        char c;
        if (receive(fd, &c, 1, HARNESS_WAIT_MS) <= 0)
            return false;
        buf_putc(line, c);
        if (c == '\n')
            return true;
    }
}

HARNESS_UNUSED static bool read_exactly(int fd, Buf *out, size_t n)
{
    while (n > 0) {
        char *to = buf_reserve(out, n < 65536 ? n : 65536);
        assert_non_null(to);
        ssize_t got = receive(fd, to, n < 65536 ? n : 65536, HARNESS_WAIT_MS);
        if (got <= 0)
            return false;
        out->len += (size_t)got;
        n -= (size_t)got;
    }
    return true;
}

HARNESS_UNUSED static bool read_chunks(int fd, Buf *out)
{
    for (;;) {
        _cleanup_buf_ Buf line = BUF_INIT(4096), crlf = BUF_INIT(16);
        if (!read_line(fd, &line))
            return false;
        size_t n = 0;
        const char *end = line.data;
        for (; isxdigit((unsigned char)*end); end++)
            n = n * 16 + (size_t)(*end <= '9' ? *end - '0' : (*end | 32) - 'a' + 10);
        assert_string_equal(end, "\r\n");
        if (!read_exactly(fd, out, n) || !read_exactly(fd, &crlf, 2))
            return false;
        assert_string_equal(crlf.data, "\r\n");
        if (n == 0)
            return true;
    }
}

/* Reads one answer. `no_body`: to a HEAD. */
HARNESS_UNUSED static Answer read_answer_to(int fd, bool no_body)
{
    Answer a = { .head = BUF_INIT(1 << 20), .body = BUF_INIT(HARNESS_ANSWER_MAX) };
    do {
        if (!read_line(fd, &a.head))
            return a;
    } while (!str_has_suffix(buf_str(&a.head), STR("\r\n\r\n")));
    assert_true(str_has_prefix(buf_str(&a.head), STR("HTTP/1.1 ")));
    int64_t status, length;
    assert_int_equal(str_to_i64(str_slice(buf_str(&a.head), 9, 12), 100, 999, &status, NULL), 0);
    a.status = (int)status;
    Str value = answer_header(&a, "Content-Length");
    if (no_body || status == 204 || status == 304 || status == 100) {
        a.whole = true;
    } else if (answer_header(&a, "Transfer-Encoding").ptr) {
        a.whole = read_chunks(fd, &a.body);
    } else if (value.ptr) {
        assert_int_equal(str_to_i64(value, 0, INT64_MAX, &length, NULL), 0);
        a.whole = read_exactly(fd, &a.body, (size_t)length);
    } else {
        char bytes[65536];
        ssize_t got;
        while ((got = receive(fd, bytes, sizeof bytes, HARNESS_WAIT_MS)) > 0)
            buf_append(&a.body, bytes, (size_t)got);
        a.whole = got == 0;
    }
    return a;
}

HARNESS_UNUSED static Answer read_answer(int fd)
{
    return read_answer_to(fd, false);
}

#define assert_body(answer, text) assert_true(str_is(buf_str(&(answer)->body), (text)))

HARNESS_UNUSED static int status_of(int fd)
{
    _cleanup_answer_ Answer a = read_answer(fd);
    return a.status;
}

/* Waits for a condition that another thread makes true. */
#define wait_until(condition) \
    do { \
        int64_t until_ = clock_monotonic_us() + HARNESS_WAIT_MS * 1000; \
        while (!(condition)) { \
            assert_true(clock_monotonic_us() < until_); \
            clock_sleep_ms(1); \
        } \
    } while (0)
