/* http_soak_test.c - random requests, pipelined and cut into random pieces, on several connections at once:
 * every one gets its own answer, in order, with the length and sum of its body. HTTP_SOAK_SECONDS makes it
 * run longer. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/thread.h"
#include "http_harness.h"

enum { CLIENTS = 6, PIPELINE = 8, BODY_MAX = 250000, TEXT_MAX = 64 };

static Harness server;
static pthread_mutex_t queue_mutex = PTHREAD_MUTEX_INITIALIZER;
static HttpRequest *queued[CLIENTS];            /* for the committer, which answers in groups */
static size_t n_queued;
static atomic_bool stopping, all_answered;

/* ---- handlers: each answers "length sum" of the body ---- */

typedef struct Sum { size_t n; unsigned sum; } Sum;

static void sum_add(Sum *sum, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum->sum = sum->sum * 31 + (unsigned char)bytes[i];
    sum->n += n;
}

static void reply_sum(HttpRequest *r, const Sum *sum)
{
    char text[TEXT_MAX];
    int n = snprintf(text, sizeof text, "%zu %u", sum->n, sum->sum);
    http_reply(r, 200, "text/plain", str_of(text, (size_t)n));
}

static void whole(HttpRequest *r, Str body, void *arg)
{
    Sum sum = { 0 };
    sum_add(&sum, body.ptr, body.len);
    reply_sum(r, &sum);
}

static void *resume(void *arg)
{
    http_resume_body(arg);
    return NULL;
}

static void chunk(HttpRequest *r, Str bytes, void *arg)
{
    Sum *sum = arg;
    sum_add(sum, bytes.ptr, bytes.len);
    if (!str_is(http_path(r), "/pause"))
        return;
    pthread_t thread;
    http_pause_body(r);
    pthread_create(&thread, NULL, resume, r);
    pthread_detach(thread);
}

static void end(HttpRequest *r, bool complete, void *arg)
{
    assert_true(complete);
    reply_sum(r, arg);
}

static void work(HttpRequest *r, void *arg)
{
    Sum sum = { 0 };
    Error err;
    char bytes[7000];
    size_t n = 1;
    while (n > 0) {
        if (http_body_read(r, bytes, sizeof bytes, &n, &err) != 0) {
            http_reply_error(r, &err);
            return;
        }
        sum_add(&sum, bytes, n);
    }
    reply_sum(r, &sum);
}

static void whole_for_committer(HttpRequest *r, Str body, void *arg)
{
    Sum *sum = arena_new_of(http_arena(r), Sum);
    sum_add(sum, body.ptr, body.len);
    http_set_user_data(r, sum);
    MUTEX_GUARD(&queue_mutex);
    queued[n_queued++] = r;
}

static void *committer(void *arg)
{
    while (!atomic_load(&all_answered)) {
        HttpRequest *group[CLIENTS];
        pthread_mutex_lock(&queue_mutex);
        size_t n = n_queued;
        memcpy(group, queued, sizeof group);
        n_queued = 0;
        pthread_mutex_unlock(&queue_mutex);
        http_batch_begin();
        for (size_t i = 0; i < n; i++)
            reply_sum(group[i], http_user_data(group[i]));
        http_batch_end();
        clock_sleep_ms(1);
    }
    return NULL;
}

static void handler(HttpRequest *r, void *user)
{
    Str path = http_path(r);
    if (str_is(path, "/whole"))
        http_read_body(r, BODY_MAX, whole, NULL);
    else if (str_is(path, "/stream") || str_is(path, "/pause"))
        http_stream_body(r, (HttpBodySink){ chunk, end }, arena_new_of(http_arena(r), Sum));
    else if (str_is(path, "/work"))
        http_offload(r, work, NULL);
    else if (str_is(path, "/commit"))
        http_read_body(r, BODY_MAX, whole_for_committer, NULL);
    else
        http_reply(r, 200, "text/plain", STR("unread"));
}

/* ---- clients ---- */

static const char *const paths[] = { "/whole", "/stream", "/pause", "/work", "/commit", "/unread" };

typedef struct Client {
    pthread_t thread;
    unsigned seed;
    int fd;
    Buf out;
    const char *failure;
    size_t n_answers;
} Client;

static size_t pick(Client *c, size_t below)
{
    return (size_t)rand_r(&c->seed) % below;
}

static void put_body(Client *c, size_t n, Sum *sum)
{
    char bytes[4096];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)rand_r(&c->seed);
    bool chunked = pick(c, 2);
    if (chunked)
        buf_puts(&c->out, "Transfer-Encoding: chunked\r\n\r\n");
    else
        buf_printf(&c->out, "Content-Length: %zu\r\n\r\n", n);
    while (n > 0) {
        size_t most = n < sizeof bytes ? n : sizeof bytes;
        size_t piece = 1 + pick(c, pick(c, 2) || most < 20 ? most : 20);
        if (chunked)
            buf_printf(&c->out, "%zx\r\n", piece);
        buf_append(&c->out, bytes, piece);
        if (chunked)
            buf_puts(&c->out, "\r\n");
        sum_add(sum, bytes, piece);
        n -= piece;
    }
    if (chunked)
        buf_puts(&c->out, "0\r\n\r\n");
}

static void *send_pieces(void *arg)
{
    Client *c = arg;
    unsigned seed = (unsigned)c->out.len;
    for (size_t at = 0; at < c->out.len;) {
        size_t n = c->out.len - at;
        if (rand_r(&seed) % 2)
            n = 1 + (size_t)rand_r(&seed) % n;
        if (send(c->fd, c->out.data + at, n, MSG_NOSIGNAL) != (ssize_t)n)
            break;
        at += n;
        if (rand_r(&seed) % 4 == 0)
            clock_sleep_ms(rand_r(&seed) % 3);
    }
    return NULL;
}

/* One connection's life. */
static void client_round(Client *c)
{
    static const size_t sizes[] = { 0, 1, 100, 5000, 16000, 17000, 60000, BODY_MAX };
    char expected[PIPELINE][TEXT_MAX];
    size_t n = 1 + pick(c, PIPELINE);
    buf_clear(&c->out);
    for (size_t i = 0; i < n; i++) {
        const char *path = paths[pick(c, sizeof paths / sizeof *paths)];
        Sum sum = { 0 };
        buf_printf(&c->out, "PUT %s HTTP/1.1\r\nHost: localhost\r\n", path);
        put_body(c, sizes[pick(c, sizeof sizes / sizeof *sizes)], &sum);
        if (strcmp(path, "/unread") == 0)
            snprintf(expected[i], TEXT_MAX, "unread");
        else
            snprintf(expected[i], TEXT_MAX, "%zu %u", sum.n, sum.sum);
    }
    c->fd = harness_connect(&server);
    pthread_t sender;
    pthread_create(&sender, NULL, send_pieces, c);
    for (size_t i = 0; i < n && !c->failure; i++) {
        Answer a = read_answer(c->fd);
        if (a.status != 200 || !str_is(buf_str(&a.body), expected[i]))
            c->failure = a.status == 200 ? "another answer" : "no answer";
        answer_free(&a);
        c->n_answers++;
    }
    if (c->failure)
        shutdown(c->fd, SHUT_RDWR);
    pthread_join(sender, NULL);
    close(c->fd);
}

static void *client_main(void *arg)
{
    Client *c = arg;
    while (!atomic_load(&stopping) && !c->failure)
        client_round(c);
    return NULL;
}

static void test_soak(void **state)
{
    const char *seconds = getenv("HTTP_SOAK_SECONDS");
    int64_t ms = 1500, given;
    if (seconds && str_to_i64(str_from(seconds), 1, 100000, &given, NULL) == 0)
        ms = given * 1000;
    Client clients[CLIENTS];
    pthread_t commits;
    harness_start(&server, (HttpServerOptions){ .handler = handler, .n_loops = 2, .n_workers = 4 });
    pthread_create(&commits, NULL, committer, NULL);
    unsigned seed = (unsigned)clock_now_us();
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (Client){ .seed = seed + i, .out = BUF_INIT(64 << 20) };
        pthread_create(&clients[i].thread, NULL, client_main, &clients[i]);
    }
    clock_sleep_ms(ms);
    atomic_store(&stopping, true);
    size_t n_answers = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        if (clients[i].failure)
            print_error("seed %u: %s\n", seed, clients[i].failure);
        assert_null(clients[i].failure);
        n_answers += clients[i].n_answers;
        buf_free(&clients[i].out);
    }
    atomic_store(&all_answered, true);
    pthread_join(commits, NULL);
    assert_true(n_answers > 0);
    harness_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_soak) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
