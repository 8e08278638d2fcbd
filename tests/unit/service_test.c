/* service_test.c - what every role answers: health, readiness, metrics, the capability, draining. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/un.h>

#include "base/metrics.h"
#include "base/thread.h"
#include "http_harness.h"
#include "net/http_client.h"
#include "net/service.h"

static atomic_bool index_ready;
static atomic_int drained, internal_calls, external_calls;
static char folder[] = "/tmp/service_test.XXXXXX";
static char path[64];
static int port;
static RoleContext context;
static pthread_t thread;
static int ready_pipe[2];

static bool check_index(void *user, Str *ret_message)
{
    assert_string_equal(user, "role");
    *ret_message = atomic_load(&index_ready) ? STR("") : STR("the \"index\" is being opened");
    return atomic_load(&index_ready);
}

static void handler(HttpRequest *r, void *user)
{
    assert_string_equal(user, "role");
    atomic_fetch_add(service_is_internal(&context, r) ? &internal_calls : &external_calls, 1);
    http_reply(r, 204, NULL, STR(""));
}

static void on_drain(void *user)
{
    assert_string_equal(user, "role");
    atomic_fetch_add(&drained, 1);
}

static void *run(void *arg)
{
    static char user[] = "role";
    static const ReadyCheck checks[] = { { "index", check_index } };
    Service service = {
        .context = &context, .http = { .handler = handler, .user = user }, .checks = checks, .n_checks = 1,
        .on_drain = on_drain, .drain_ms = 2000,
    };
    Error err;
    return service_run(&service, &err) == 0 ? NULL : arg;
}

static int set_up(void **state)
{
    Error err;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/role.sock", folder);
    metrics_init("role", "1");
    assert_int_equal(pipe(ready_pipe), 0);
    context = (RoleContext){
        .role = "role", .capability = STR("0123456789abcdef"), .public_url = STR("http://x"),
        .stop_fd = eventfd(0, EFD_CLOEXEC), .ready_fd = ready_pipe[1],
    };
    assert_int_equal(http_listen_tcp(STR("127.0.0.1"), 0, &context.tcp_fd, &port, &err), 0);
    assert_int_equal(http_listen_unix(path, &context.unix_fd, &err), 0);
    return thread_start(&thread, "service", run, &context, &err);
}

static int tear_down(void **state)
{
    unlink(path);
    close(context.stop_fd);
    close(ready_pipe[0]);
    close(ready_pipe[1]);
    return rmdir(folder);
}

static HttpResponse get(bool over_unix, Str capability, const char *target, Arena *arena)
{
    Error err;
    char base[100];
    if (over_unix)
        snprintf(base, sizeof base, "unix:%s", path);
    else
        snprintf(base, sizeof base, "http://127.0.0.1:%d", port);
    HttpClient *client = http_client_new(str_from(base), capability, &err);
    HttpResponse response = { 0 };
    HttpCall call = { .method = "GET", .target = str_from(target) };
    if (http_client_call(client, &call, arena, &response, &err) != 0)
        fail_msg("%s", err.message);
    http_client_free(client);
    return response;
}

static void test_ready(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    HttpResponse health = get(false, STR(""), "/health", arena);
    assert_int_equal(health.status, 200);
    HttpResponse before = get(false, STR(""), "/ready", arena);
    assert_int_equal(before.status, 503);
    assert_true(str_is(before.body, "{\"ready\":false,\"checks\":[{\"name\":\"index\",\"ready\":false,"
                                    "\"message\":\"the \\\"index\\\" is being opened\"}]}"));
    assert_true(is_silent(ready_pipe[0], 60));
    atomic_store(&index_ready, true);
    char byte;
    assert_int_equal(read(ready_pipe[0], &byte, 1), 1);
    HttpResponse after = get(true, STR(""), "/ready?x", arena);
    assert_int_equal(after.status, 200);
    assert_true(str_is(after.body,
                       "{\"ready\":true,\"checks\":[{\"name\":\"index\",\"ready\":true,\"message\":\"\"}]}"));
}

static void test_metrics(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    get(true, STR(""), "/something", arena);
    HttpResponse metrics = get(false, STR(""), "/metrics", arena);
    assert_int_equal(metrics.status, 200);
    assert_true(
        str_has_prefix(http_response_header(&metrics, "Content-Type"), STR("text/plain; version=0.0.4")));
    assert_true(str_find(metrics.body, STR("lakehouse_http_requests_total{method=\"GET\",code=\"204\"}")) >=
                0);
    assert_true(str_find(metrics.body, STR("lakehouse_ready 1")) >= 0);
}

static void test_capability(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    atomic_store(&internal_calls, 0);
    atomic_store(&external_calls, 0);
    assert_int_equal(get(true, STR("0123456789abcdef"), "/x", arena).status, 204);
    assert_int_equal(atomic_load(&internal_calls), 1);
    assert_int_equal(get(true, STR("0123456789abcdeF"), "/x", arena).status, 204);
    assert_int_equal(get(true, STR("0123456789abcde"), "/x", arena).status, 204);
    assert_int_equal(get(true, STR(""), "/x", arena).status, 204);
    assert_int_equal(get(false, STR(""), "/x", arena).status, 204);
    assert_int_equal(atomic_load(&internal_calls), 1);
    assert_int_equal(atomic_load(&external_calls), 4);
    assert_int_equal(get(false, STR("0123456789abcdef"), "/x", arena).status, 403);
    assert_int_equal(get(false, STR("0123456789abcdef"), "/health", arena).status, 403);
    assert_int_equal(atomic_load(&external_calls), 4);
}

static void test_stop(void **state)
{
    uint64_t one = 1;
    assert_int_equal(atomic_load(&drained), 0);
    assert_int_equal(write(context.stop_fd, &one, sizeof one), sizeof one);
    void *result;
    pthread_join(thread, &result);
    assert_null(result);
    assert_int_equal(atomic_load(&drained), 1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), -1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_capability),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
