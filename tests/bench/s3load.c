/* s3load.c - a load generator for S3: one thread, keep-alive connections, every request signed (Signature
 * Version 4).
 *
 *   s3load --url http://127.0.0.1:9000 --bucket b --access KEY --secret KEY --op put|get --size 4096
 *          [--connections 64] [--seconds 5] [--keys 10000] [--presigned] [--pid SERVER]
 *
 * Prints one JSON object: operations, rate, latencies, and with --pid the server's CPU microseconds per
 * operation (user and system time of /proc/PID/stat), which hold on a busy machine where a rate does not.
 * "get" first puts its keys. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "format/sigv4.h"

enum { MAX_CONNECTIONS = 1024, HEAD_BYTES = 4096, READ_BYTES = 256 * 1024, MAX_LATENCIES = 4 << 20 };

typedef struct Options {
    Str host, bucket, access, secret, op;
    char host_name[128], port[8];
    int64_t size, connections, keys, pid;
    double seconds;
    bool presigned;
} Options;

typedef struct Connection {
    int fd;
    char head[HEAD_BYTES]; /* of the request, then of the answer */
    size_t head_len, sent, got;
    int64_t body_sent, body_left; /* body_left -1: the answer's head is not whole yet */
    int64_t started_us;
    bool is_reading;
} Connection;

typedef struct Load {
    Options o;
    char *body;
    char body_sha256[65];
    int64_t next_key, limit; /* limit 0: by time */
    int64_t done, failed;
    uint32_t *latencies;
    char *discard;
    int epoll;
    bool is_put, is_stopping;
} Load;

static void die(const char *what)
{
    fprintf(stderr, "s3load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- one request ---- */

static void begin_request(Load *load, Connection *c)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Options *o = &load->o;
    char date[TIME_TEXT_MAX];
    Error err;
    Str authorization, query, method = load->is_put ? STR("PUT") : STR("GET");
    int64_t now_us = clock_now_us(), key = load->next_key++ % o->keys;
    Str path = arena_printf(arena, "/%.*s/load/%08lld", STR_ARG(o->bucket), (long long)key);
    time_format_amz(now_us, date);
    int n;
    if (o->presigned) {
        if (sigv4_presign(method, o->host, path, STR(""), o->access, o->secret, STR("us-east-1"), now_us, 60,
                          arena, &query, &err) < 0)
            exit(1);
        n = snprintf(c->head, sizeof c->head, "%.*s %.*s?%.*s HTTP/1.1\r\nHost: %.*s\r\n", STR_ARG(method),
                     STR_ARG(path), STR_ARG(query), STR_ARG(o->host));
    } else {
        SigHeader headers[] = {
            {STR("host"), o->host},
            {STR("x-amz-date"), str_from(date)},
            {STR("x-amz-content-sha256"),
             load->is_put ? str_from(load->body_sha256)
                          : STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")}};
        SigRequest request = {method, path, STR(""), headers, 3};
        if (sigv4_sign(&request, o->access, o->secret, STR("us-east-1"), now_us, arena, &authorization,
                       &err) < 0)
            exit(1);
        n = snprintf(c->head, sizeof c->head,
                     "%.*s %.*s HTTP/1.1\r\nHost: %.*s\r\nx-amz-date: %s\r\nx-amz-content-sha256: %.*s\r\n"
                     "Authorization: %.*s\r\n",
                     STR_ARG(method), STR_ARG(path), STR_ARG(o->host), date, STR_ARG(headers[2].value),
                     STR_ARG(authorization));
    }
    if (load->is_put)
        n +=
            snprintf(c->head + n, sizeof c->head - (size_t)n, "Content-Length: %lld\r\n", (long long)o->size);
    n += snprintf(c->head + n, sizeof c->head - (size_t)n, "\r\n");
    c->head_len = (size_t)n;
    c->sent = c->got = 0;
    c->body_sent = 0;
    c->body_left = -1;
    c->is_reading = false;
    c->started_us = clock_monotonic_us();
}

/* true: all is sent. */
static bool send_some(Load *load, Connection *c)
{
    int64_t size = load->is_put ? load->o.size : 0;
    while (c->sent < c->head_len || c->body_sent < size) {
        ssize_t n;
        if (c->sent < c->head_len && size > 0 && size <= 16384) { /* small ones in one packet */
            char both[HEAD_BYTES + 16384];
            memcpy(both, c->head + c->sent, c->head_len - c->sent);
            memcpy(both + c->head_len - c->sent, load->body, (size_t)size);
            n = send(c->fd, both, c->head_len - c->sent + (size_t)size, MSG_NOSIGNAL);
            if (n > 0 && (size_t)n > c->head_len - c->sent) {
                c->body_sent = n - (ssize_t)(c->head_len - c->sent);
                n = (ssize_t)(c->head_len - c->sent);
            }
            if (n > 0)
                c->sent += (size_t)n;
        } else if (c->sent < c->head_len) {
            n = send(c->fd, c->head + c->sent, c->head_len - c->sent, MSG_NOSIGNAL | (size ? MSG_MORE : 0));
            if (n > 0)
                c->sent += (size_t)n;
        } else {
            n = send(c->fd, load->body + c->body_sent, (size_t)(size - c->body_sent), MSG_NOSIGNAL);
            if (n > 0)
                c->body_sent += n;
        }
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n <= 0)
            die("send");
    }
    c->is_reading = true;
    return true;
}

static void parse_answer(Load *load, Connection *c)
{
    c->head[c->got] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) {
        if (c->got == HEAD_BYTES - 1)
            die("an answer's head is too long");
        return;
    }
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->body_left = 0;
    if (length) {
        Str rest, value = str_trim(str_cut(str_from(length + 17), '\r', &rest));
        if (str_to_i64(value, 0, INT64_MAX / 2, &c->body_left, NULL) < 0)
            die("Content-Length");
    }
    c->body_left -= (int64_t)(c->got - (size_t)(end + 4 - c->head));
    if (strncmp(c->head, "HTTP/1.1 200", 12) != 0) {
        if (load->failed++ == 0)
            fprintf(stderr, "s3load: %.600s\n", c->head);
    }
}

/* true: the answer is whole. */
static bool receive_some(Load *load, Connection *c)
{
    for (;;) {
        if (c->body_left == 0)
            return true;
        ssize_t n = c->body_left < 0 ? recv(c->fd, c->head + c->got, HEAD_BYTES - 1 - c->got, 0)
                                     : recv(c->fd, load->discard,
                                            c->body_left < READ_BYTES ? (size_t)c->body_left : READ_BYTES, 0);
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n <= 0)
            die("the server closed a connection");
        if (c->body_left < 0) {
            c->got += (size_t)n;
            parse_answer(load, c);
        } else {
            c->body_left -= n;
        }
    }
}

/* ---- connections ---- */

static void connect_one(Load *load, Connection *c)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *address;
    int one = 1;
    if (getaddrinfo(load->o.host_name, load->o.port, &hints, &address) != 0)
        die("resolve");
    c->fd = socket(address->ai_family, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, address->ai_addr, address->ai_addrlen) < 0)
        die("connect");
    freeaddrinfo(address);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
        die("epoll");
}

static void advance(Load *load, Connection *c)
{
    for (;;) {
        if (!c->is_reading && !send_some(load, c))
            return;
        if (!receive_some(load, c))
            return;
        int64_t took = clock_monotonic_us() - c->started_us;
        if (load->done < MAX_LATENCIES)
            load->latencies[load->done] = (uint32_t)took;
        load->done++;
        if (load->is_stopping || (load->limit && load->next_key >= load->limit)) {
            close(c->fd);
            c->fd = -1;
            return;
        }
        begin_request(load, c);
    }
}

static double run(Load *load)
{
    static Connection connections[MAX_CONNECTIONS];
    struct epoll_event events[256];
    size_t n_open = (size_t)load->o.connections;
    load->epoll = epoll_create1(0);
    load->done = load->failed = 0;
    load->is_stopping = false;
    int64_t begin = clock_monotonic_us(), end = begin + (int64_t)(load->o.seconds * 1e6);
    for (size_t i = 0; i < n_open; i++) {
        connections[i] = (Connection){.fd = -1};
        connect_one(load, &connections[i]);
        begin_request(load, &connections[i]);
    }
    while (n_open) {
        int n = epoll_wait(load->epoll, events, 256, 1000);
        if (!load->limit && clock_monotonic_us() >= end)
            load->is_stopping = true;
        for (int i = 0; i < n; i++) {
            Connection *c = events[i].data.ptr;
            if (c->fd < 0)
                continue;
            advance(load, c);
            n_open -= c->fd < 0;
        }
    }
    close(load->epoll);
    return (double)(clock_monotonic_us() - begin) / 1e6;
}

/* ---- measuring ---- */

static double cpu_seconds(int64_t pid)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    if (pid <= 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        die(path);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    const char *after = strrchr(text, ')');
    if (!after ||
        sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die("parse stat");
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void report(Load *load, double seconds, double cpu)
{
    size_t n = load->done < MAX_LATENCIES ? (size_t)load->done : MAX_LATENCIES;
    qsort(load->latencies, n, sizeof *load->latencies, compare_u32);
    printf("{\"op\":\"%.*s\",\"size\":%lld,\"connections\":%lld,\"operations\":%lld,\"failed\":%lld,"
           "\"seconds\":%.2f,\"per_second\":%.0f,"
           "\"mib_per_second\":%.1f,\"p50_us\":%u,\"p99_us\":%u,\"server_cpu_us\":%.1f}\n",
           STR_ARG(load->o.op), (long long)load->o.size, (long long)load->o.connections,
           (long long)load->done, (long long)load->failed, seconds, (double)load->done / seconds,
           (double)load->done * (double)load->o.size / seconds / (1 << 20), n ? load->latencies[n / 2] : 0,
           n ? load->latencies[n * 99 / 100] : 0, load->done ? cpu * 1e6 / (double)load->done : 0);
}

static void parse_options(int argc, char **argv, Options *o)
{
    *o = (Options){.op = STR("put"),
                   .size = 4096,
                   .connections = 64,
                   .keys = 10000,
                   .seconds = 5,
                   .access = STR("minioadmin"),
                   .secret = STR("minioadmin")};
    for (int i = 1; i < argc; i++) {
        Str name = str_from(argv[i]), value = i + 1 < argc ? str_from(argv[i + 1]) : STR("");
        if (str_is(name, "--presigned")) {
            o->presigned = true;
            continue;
        }
        i++;
        if (str_is(name, "--url"))
            o->host = str_slice(value, strlen("http://"), value.len);
        else if (str_is(name, "--bucket"))
            o->bucket = value;
        else if (str_is(name, "--access"))
            o->access = value;
        else if (str_is(name, "--secret"))
            o->secret = value;
        else if (str_is(name, "--op"))
            o->op = value;
        else if (str_is(name, "--seconds"))
            str_to_double(value, &o->seconds, NULL);
        else if (str_is(name, "--size"))
            str_to_i64(value, 0, 1ll << 40, &o->size, NULL);
        else if (str_is(name, "--connections"))
            str_to_i64(value, 1, MAX_CONNECTIONS, &o->connections, NULL);
        else if (str_is(name, "--keys"))
            str_to_i64(value, 1, 100000000, &o->keys, NULL);
        else if (str_is(name, "--pid"))
            str_to_i64(value, 1, INT32_MAX, &o->pid, NULL);
        else {
            fprintf(stderr, "s3load: unknown option %s; the head of s3load.c lists them\n", argv[i - 1]);
            exit(2);
        }
    }
    Str port, host = str_cut(o->host, ':', &port);
    if (!host.len || !port.len || !o->bucket.len) {
        fprintf(stderr, "s3load: --url http://host:port and --bucket are needed\n");
        exit(2);
    }
    snprintf(o->host_name, sizeof o->host_name, "%.*s", STR_ARG(host));
    snprintf(o->port, sizeof o->port, "%.*s", STR_ARG(str_slice(port, 0, 5)));
}

int main(int argc, char **argv)
{
    static Load load;
    uint8_t digest[CHECKSUM_MAX_BYTES];
    parse_options(argc, argv, &load.o);
    load.body = malloc((size_t)load.o.size + 1);
    load.discard = malloc(READ_BYTES);
    load.latencies = malloc(sizeof *load.latencies * MAX_LATENCIES);
    if (!load.body || !load.discard || !load.latencies)
        die("memory");
    for (int64_t i = 0; i < load.o.size; i++)
        load.body[i] = (char)(i * 2654435761u >> 13);
    checksum_of(CHECKSUM_SHA256, str_of(load.body, (size_t)load.o.size), digest);
    hex_encode(digest, SHA256_BYTES, load.body_sha256);
    load.is_put = true;
    if (str_is(load.o.op, "get")) {
        load.limit = load.o.keys;
        if (load.o.connections > load.o.keys)
            load.o.connections = load.o.keys;
        run(&load);
        load.is_put = false;
        load.limit = 0;
    }
    double before = cpu_seconds(load.o.pid), seconds = run(&load);
    report(&load, seconds, cpu_seconds(load.o.pid) - before);
    return load.failed ? 1 : 0;
}
