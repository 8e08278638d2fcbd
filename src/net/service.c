/* service.c - see service.h. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "format/json.h"
#include "net/http_internal.h"
#include "net/service.h"

enum { READY_POLL_MS = 20, SERVICE_DRAIN_MS = 30000, METRICS_BYTES = 16 << 20 };

typedef struct ServiceRun {
    const Service *service;
    HttpServer *server;
} ServiceRun;

static bool is_ready(const Service *service, JsonWriter *w)
{
    bool ready = true;
    json_array(w);
    for (size_t i = 0; i < service->n_checks; i++) {
        Str message = STR("");
        bool ok = service->checks[i].check(service->http.user, &message);
        ready = ready && ok;
        json_object(w);
        json_kv_cstr(w, "name", service->checks[i].name);
        json_kv_bool(w, "ready", ok);
        json_kv_str(w, "message", message);
        json_end_object(w);
    }
    json_end_array(w);
    return ready;
}

static void reply_ready(HttpRequest *r, const Service *service)
{
    _cleanup_buf_ Buf checks = BUF_INIT(64 * 1024), body = BUF_INIT(65 * 1024);
    JsonWriter inner = JSON_WRITER(&checks), w = JSON_WRITER(&body);
    bool ready = is_ready(service, &inner);
    metric_set(METRIC_READY, ready ? 1 : 0);
    json_object(&w);
    json_kv_bool(&w, "ready", ready);
    json_key(&w, "checks");
    json_raw(&w, buf_str(&checks));
    json_end_object(&w);
    http_reply(r, ready ? 200 : 503, "application/json", buf_str(&body));
}

static void reply_metrics(HttpRequest *r, HttpServer *server)
{
    Str accept = http_header(r, "Accept");
    bool open_metrics = accept.ptr && str_find(accept, STR("application/openmetrics-text")) >= 0;
    Buf body = BUF_INIT(METRICS_BYTES);
    http_server_flush_metrics(server);
    if (metrics_write(open_metrics, &body) != 0) {
        buf_free(&body);
        http_reply(r, 500, "text/plain", STR("the metrics are too large\n"));
        return;
    }
    http_reply_buf(r, 200, open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                        : "text/plain; version=0.0.4; charset=utf-8", &body);
}

/* The paths that every role answers. */
static bool service_answers(HttpRequest *r, const ServiceRun *run)
{
    Str path = http_path(r), method = http_method(r);
    bool health = str_is(path, "/health"), ready = str_is(path, "/ready"), metrics = str_is(path, "/metrics");
    if (!health && !ready && !metrics)
        return false;
    if (!str_is(method, "GET") && !str_is(method, "HEAD"))
        return false;           /* "PUT /metrics" makes a bucket */
    if (health)
        http_reply(r, 200, "application/json", STR("{\"status\":\"ok\"}"));
    else if (ready)
        reply_ready(r, run->service);
    else
        reply_metrics(r, run->server);
    return true;
}

static void service_handler(HttpRequest *r, void *user)
{
    const ServiceRun *run = user;
    if (!http_is_unix(r) && http_header(r, "Lakehouse-Capability").ptr) {
        Error err;
        err_set(&err, ERR_FORBIDDEN, "Lakehouse-Capability is for the platform's own sockets");
        http_reply_error(r, &err);
        return;
    }
    if (!service_answers(r, run))
        run->service->http.handler(r, run->service->http.user);
}

/* The time that it takes must not tell how much of a guess was right. */
static bool equal_in_constant_time(Str a, Str b)
{
    if (a.len != b.len)
        return false;
    unsigned char difference = 0;
    for (size_t i = 0; i < a.len; i++)
        difference |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
    return difference == 0;
}

bool service_is_internal(const RoleContext *context, const HttpRequest *r)
{
    if (!http_is_unix(r) || context->capability.len == 0)
        return false;
    Str presented = http_header(r, "Lakehouse-Capability");
    return presented.ptr && equal_in_constant_time(presented, context->capability);
}

static int add_listeners(HttpServer *server, const RoleContext *context, Error *err)
{
    if (context->tcp_fd >= 0 && http_server_add_listener(server, context->tcp_fd, LISTENER_TCP, err) != 0)
        return -1;
    if (context->unix_fd >= 0 && http_server_add_listener(server, context->unix_fd, LISTENER_UNIX, err) != 0)
        return -1;
    return 0;
}

/* Until all checks pass: looks often; afterwards only stop_fd matters. */
static void wait_for_stop(const Service *service)
{
    const RoleContext *context = service->context;
    bool told = false;
    for (;;) {
        if (!told) {
            _cleanup_buf_ Buf scrap = BUF_INIT(64 * 1024);
            JsonWriter w = JSON_WRITER(&scrap);
            told = is_ready(service, &w);
            if (told) {
                metric_set(METRIC_READY, 1);
                log_info("service.ready", L_CSTR("service", context->role));
                if (context->ready_fd >= 0 && write(context->ready_fd, "1", 1) != 1)
                    log_warn("service.ready_fd", L_INT("errno", errno));
            }
        }
        struct pollfd stop = { .fd = context->stop_fd, .events = POLLIN };
        int n = poll(&stop, 1, told ? -1 : READY_POLL_MS);
        if (n > 0)
            return;
    }
}

int service_run(const Service *service, Error *err)
{
    const RoleContext *context = service->context;
    ServiceRun run = { .service = service };
    HttpServerOptions options = service->http;
    options.handler = service_handler;
    options.user = &run;
    if (!options.name)
        options.name = context->role;
    run.server = http_server_new(&options, err);
    if (!run.server)
        return -1;
    if (add_listeners(run.server, context, err) != 0 || http_server_start(run.server, err) != 0) {
        http_server_free(run.server);
        return -1;
    }
    log_info("service.start", L_CSTR("service", context->role), L_STR("url", context->public_url));
    wait_for_stop(service);
    log_info("service.drain", L_CSTR("service", context->role));
    metric_set(METRIC_READY, 0);
    if (service->on_drain)
        service->on_drain(service->http.user);
    http_server_drain(run.server, service->drain_ms > 0 ? service->drain_ms : SERVICE_DRAIN_MS);
    http_server_free(run.server);
    log_info("service.stop", L_CSTR("service", context->role));
    return 0;
}
