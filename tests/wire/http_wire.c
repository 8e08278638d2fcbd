/* http_wire.c - runs wire test files against the HTTP server: see README.md for their form. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "net/http_server.h"

enum { ANSWER_WAIT_MS = 5000, SILENCE_MS = 30, PAUSE_MS = 10, ANSWER_MAX = 1 << 20, BODY_MAX = 16 << 20 };

static int wire_port;
static bool foreign;            /* --connect: another server's bodies are its own */

/* ---- the server under test ---- */

static void echo_body(HttpRequest *r, Str body, void *arg)
{
    Str method = http_method(r), target = http_target(r);
    Str text = arena_printf(http_arena(r), "%.*s %.*s %zu", STR_ARG(method), STR_ARG(target), body.len);
    http_reply(r, 200, "text/plain", text);
}

static void handler(HttpRequest *r, void *user)
{
    http_read_body(r, BODY_MAX, echo_body, NULL);
}

/* ---- sending ---- */

static int open_connection(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)wire_port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void unescape_into(Str text, Buf *out);

/* "\*N{bytes}" at `at`: returns where it ends. */
static size_t unescape_repeat(Str text, size_t at, Buf *out)
{
    Str rest = str_slice(text, at + 2, text.len), inner;
    Str count = str_cut(rest, '{', &inner);
    int64_t n = 0;
    ptrdiff_t close_at = inner.ptr ? str_find_char(inner, '}') : -1;
    if (close_at < 0 || str_to_i64(count, 0, 1 << 20, &n, NULL) != 0)
        return text.len;
    for (int64_t i = 0; i < n; i++)
        unescape_into(str_slice(inner, 0, (size_t)close_at), out);
    return at + 2 + count.len + 1 + (size_t)close_at + 1;
}

static void unescape_into(Str text, Buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\\' || i + 1 == text.len) {
            buf_putc(out, text.ptr[i]);
            continue;
        }
        uint8_t byte = 0;
        char c = text.ptr[i + 1];
        if (c == '*') {
            i = unescape_repeat(text, i, out) - 1;
            continue;
        }
        if (c == 'x') {
            hex_decode(str_slice(text, i + 2, i + 4), &byte, 1, NULL);
            buf_putc(out, (char)byte);
            i += 3;
            continue;
        }
        buf_putc(out, c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? '\0' : c);
        i++;
    }
}

/* A server that refuses may close while we send: what it answered is still to be read. */
static void send_all(int fd, Str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes = str_slice(bytes, (size_t)n, bytes.len);
    }
}

/* ---- receiving ---- */

/* More bytes: their number, 0 at the end, -1 when it stays silent. */
static ssize_t more(int fd, Buf *in, int wait_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    if (poll(&p, 1, wait_ms) <= 0)
        return -1;
    char bytes[65536];
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    if (n > 0)
        buf_append(in, bytes, (size_t)n);
    return n < 0 ? 0 : n;
}

static int64_t content_length(Str head)
{
    Str rest = head;
    int64_t length = 0;
    while (rest.ptr) {
        Str value, line = str_cut(rest, '\n', &rest), name = str_cut(line, ':', &value);
        if (value.ptr && str_eq_nocase(name, STR("Content-Length")))
            str_to_i64(str_trim(value), 0, BODY_MAX, &length, NULL);
    }
    return length;
}

/* Takes one answer off `in`. Its status, or 0 when the connection ended, or -1 when nothing came. */
static int take_answer(int fd, Buf *in, bool no_body, Buf *ret_body)
{
    ptrdiff_t head;
    while ((head = str_find(buf_str(in), STR("\r\n\r\n"))) < 0) {
        ssize_t n = more(fd, in, ANSWER_WAIT_MS);
        if (n <= 0)
            return (int)n;
    }
    int64_t status = 0;
    Str text = str_slice(buf_str(in), 0, (size_t)head + 4);
    str_to_i64(str_slice(text, 9, 12), 100, 999, &status, NULL);
    int64_t length = no_body || status == 100 ? 0 : content_length(text);
    buf_consume(in, (size_t)head + 4);
    while (in->len < (size_t)length)
        if (more(fd, in, ANSWER_WAIT_MS) <= 0)
            return 0;
    buf_clear(ret_body);
    buf_append(ret_body, in->data, (size_t)length);
    buf_consume(in, (size_t)length);
    return (int)status;
}

/* ---- a case ---- */

typedef struct Case {
    Str name;
    Buf actions;            /* lines as in the file */
    Str expected;
} Case;

static void fail(const Case *c, const char *what, const char *expected, const char *got)
{
    printf("  %.*s: %s: expected %s, got %s\n", STR_ARG(c->name), what, expected, got);
}

static Str next_word(Str *rest)
{
    *rest = str_trim(*rest);
    if (rest->len > 0 && rest->ptr[0] == '"') {
        ptrdiff_t end = str_find_char(str_slice(*rest, 1, rest->len), '"');
        Str word = str_slice(*rest, 0, (size_t)end + 2);
        *rest = str_slice(*rest, word.len, rest->len);
        return word;
    }
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != ' ')
        n++;
    Str word = str_slice(*rest, 0, n);
    *rest = str_slice(*rest, n, rest->len);
    return word;
}

static bool check_end(const Case *c, int fd, Buf *in, bool close_expected)
{
    ssize_t n = in->len > 0 ? (ssize_t)in->len : more(fd, in, close_expected ? ANSWER_WAIT_MS : SILENCE_MS);
    if (n == (close_expected ? 0 : -1))
        return true;
    fail(c, "end", close_expected ? "close" : "open", n > 0 ? in->data : n == 0 ? "close" : "open");
    return false;
}

static bool check_answers(const Case *c, int fd)
{
    _cleanup_buf_ Buf in = BUF_INIT(ANSWER_MAX), body = BUF_INIT(ANSWER_MAX);
    Str rest = c->expected, word;
    while ((word = next_word(&rest)).len > 0) {
        if (str_is(word, "close") || str_is(word, "open"))
            return check_end(c, fd, &in, str_is(word, "close"));
        int64_t wanted = 0;
        char got[16], expected[16];
        if (str_to_i64(word, 100, 999, &wanted, NULL) != 0) {
            fail(c, "test file", "a status", "another word");
            return false;
        }
        Str peek = rest, next = next_word(&peek);
        bool has_body = next.len > 0 && next.ptr[0] == '"';
        int status = take_answer(fd, &in, has_body && next.len == 2, &body);
        snprintf(got, sizeof got, "%d", status);
        snprintf(expected, sizeof expected, "%d", (int)wanted);
        if (status != wanted) {
            fail(c, "status", expected, got);
            return false;
        }
        if (has_body && !foreign && !str_eq(str_slice(next, 1, next.len - 1), buf_str(&body))) {
            fail(c, "body", "another", body.data);
            return false;
        }
        if (has_body)
            rest = peek;
    }
    return true;
}

static bool run_case(const Case *c)
{
    int fd = open_connection();
    if (fd < 0) {
        fail(c, "connection", "one", "none");
        return false;
    }
    Str rest = buf_str(&c->actions);
    _cleanup_buf_ Buf bytes = BUF_INIT(BODY_MAX);
    while (rest.ptr && rest.len > 0) {
        Str line = str_cut(rest, '\n', &rest);
        if (str_is(line, "|")) {
            send_all(fd, buf_str(&bytes));
            buf_clear(&bytes);
            clock_sleep_ms(PAUSE_MS);
        } else {
            unescape_into(str_slice(line, 2, line.len), &bytes);
        }
    }
    send_all(fd, buf_str(&bytes));
    bool ok = check_answers(c, fd);
    close(fd);
    return ok;
}

/* ---- files ---- */

static void run_file(const char *path, size_t *passed, size_t *failed)
{
    _cleanup_buf_ Buf text = BUF_INIT(ANSWER_MAX);
    Error err;
    if (fs_read_file(path, ANSWER_MAX, &text, &err) != 0) {
        printf("%s: %s\n", path, err.message);
        ++*failed;
        return;
    }
    Case c = { .actions = BUF_INIT(ANSWER_MAX) };
    Str rest = buf_str(&text);
    while (rest.ptr) {
        Str line = str_cut(rest, '\n', &rest);
        if (str_has_prefix(line, STR("== "))) {
            c.name = str_slice(line, 3, line.len);
            buf_clear(&c.actions);
        } else if (str_has_prefix(line, STR("> ")) || str_is(line, "|")) {
            buf_add(&c.actions, line);
            buf_putc(&c.actions, '\n');
        } else if (str_has_prefix(line, STR("< "))) {
            c.expected = str_slice(line, 2, line.len);
            ++*(run_case(&c) ? passed : failed);
        } else if (line.len > 0 && line.ptr[0] != '#') {
            printf("%s: not understood: %.*s\n", path, STR_ARG(line));
            ++*failed;
        }
    }
    buf_free(&c.actions);
}

static HttpServer *start_server(void)
{
    Error err;
    int fd;
    HttpServerOptions options = { .name = "wire", .handler = handler };
    HttpServer *server = http_server_new(&options, &err);
    if (!server || http_listen_tcp(STR("127.0.0.1"), 0, &fd, &wire_port, &err) != 0 ||
        http_server_add_listener(server, fd, 1, &err) != 0 || http_server_start(server, &err) != 0) {
        printf("no server: %s\n", err.message);
        exit(1);
    }
    return server;
}

int main(int argc, char **argv)
{
    size_t passed = 0, failed = 0;
    int first = 1;
    HttpServer *server = NULL;
    if (argc > 2 && strcmp(argv[1], "--connect") == 0) {
        Str port;
        str_cut(str_from(argv[2]), ':', &port);
        int64_t number = 0;
        str_to_i64(port, 1, 65535, &number, NULL);
        wire_port = (int)number;
        foreign = true;
        first = 3;
    } else {
        server = start_server();
    }
    for (int i = first; i < argc; i++)
        run_file(argv[i], &passed, &failed);
    http_server_free(server);
    printf("%zu passed, %zu failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
