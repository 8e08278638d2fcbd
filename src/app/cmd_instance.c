/* stop, status and config: commands on a data folder. */
#include "app/commands.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "app/config_load.h"
#include "app/instance.h"
#include "base/clock.h"
#include "base/fs.h"
#include "format/json.h"
#include "net/http_client.h"

enum { STOP_TIMEOUT_MS = 120000 };

static int stop(const Parsed *p, Error *err)
{
    Config *config;
    if (config_load(p, &config, err))
        return -1;
    Str data_dir = config_data_dir(config, p->arena);
    config_free(config);
    pid_t pid;
    if (instance_find(data_dir, p->arena, &pid, err))
        return -1;
    if (!pid) {
        printf("nothing runs on %.*s\n", STR_ARG(data_dir));
        return 0;
    }
    if (kill(pid, SIGTERM))
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot signal process %d: %s", (int)pid,
                             strerror(errno));
    bool tty = isatty(STDERR_FILENO);
    int64_t start = clock_monotonic_us();
    for (pid_t now = pid; now == pid;) {
        int64_t waited = (clock_monotonic_us() - start) / 1000;
        if (waited > STOP_TIMEOUT_MS)
            return err_set(err, ERR_TIMEOUT, "process %d has not ended after %d s", (int)pid,
                           STOP_TIMEOUT_MS / 1000);
        if (tty && waited > 1000)
            fprintf(stderr, "\rdraining … %llds ", (long long)(waited / 1000));
        clock_sleep_ms(20);
        if (instance_find(data_dir, p->arena, &now, err))
            now = pid;
    }
    printf("%sstopped\n", tty ? "\r\033[K" : "");
    return 0;
}

int command_stop(const Parsed *parsed)
{
    Error err;
    return stop(parsed, &err) ? command_fail(&err) : 0;
}

typedef struct RoleStatus { bool answered, ready; Str message; } RoleStatus;

static RoleStatus ask_ready(Str url, Arena *arena)
{
    RoleStatus status = { 0 };
    Error err;
    HttpClient *client = http_client_new(url, STR_NULL, &err);
    if (!client) {
        status.message = arena_str(arena, str_from(err.message));
        return status;
    }
    HttpCall call = { .method = "GET", .target = STR("/ready"), .timeout_ms = 5000 };
    HttpResponse response;
    const Json *json = NULL, *checks = NULL;
    if (http_client_call(client, &call, arena, &response, &err))
        status.message = arena_str(arena, str_from(err.message));
    else {
        status.answered = true;
        status.ready = response.status == 200;
        if (json_parse(response.body, arena, &json, NULL) == 0)
            json_get_array(json, "checks", &checks, NULL);
    }
    for (size_t i = 0; checks && i < checks->array.n; i++) {
        bool ready = true;
        Str name = STR_NULL, message = STR_NULL;
        const Json *check = checks->array.items[i];
        if (json_get_bool(check, "ready", true, &ready, NULL) || ready ||
            json_get_string(check, "name", STR(""), &name, NULL) ||
            json_get_string(check, "message", STR(""), &message, NULL))
            continue;
        status.message = arena_printf(arena, "%.*s: %.*s", STR_ARG(name), STR_ARG(message));
    }
    http_client_free(client);
    return status;
}

static int print_status(const Json *endpoints, Arena *arena)
{
    bool all_ready = true;
    printf("%-9s %-26s %-12s %8s %9s\n", "role", "url", "state", "pid", "restarts");
    for (size_t i = 0; i < endpoints->object.n; i++) {
        const JsonMember *m = &endpoints->object.members[i];
        Str url;
        int64_t pid = 0, restarts = 0;
        if (!json_is(m->value, JSON_OBJECT) || json_need_string(m->value, "url", &url, NULL) ||
            json_get_int(m->value, "pid", 0, &pid, NULL) ||
            json_get_int(m->value, "restarts", 0, &restarts, NULL))
            continue;
        RoleStatus s = ask_ready(url, arena);
        all_ready = all_ready && s.ready;
        printf("%-9.*s %-26.*s %-12s %8lld %9lld%s%.*s\n", STR_ARG(m->key), STR_ARG(url),
               s.ready      ? "ready"
               : s.answered ? "not ready"
                            : "unreachable",
               (long long)pid, (long long)restarts, s.message.len ? "  " : "", STR_ARG(s.message));
    }
    return all_ready ? 0 : 1;
}

static int status(const Parsed *p, int *ret_exit, Error *err)
{
    Config *config;
    if (config_load(p, &config, err))
        return -1;
    Str data_dir = config_data_dir(config, p->arena);
    config_free(config);
    pid_t pid;
    _cleanup_buf_ Buf text = BUF_INIT(1 << 16);
    const Json *json;
    if (instance_find(data_dir, p->arena, &pid, err))
        return -1;
    if (!pid) {
        printf("nothing runs on %.*s\n", STR_ARG(data_dir));
        *ret_exit = 1;
        return 0;
    }
    if (fs_read_file(instance_endpoints_path(data_dir, p->arena).ptr, 1 << 16, &text, err) ||
        json_parse(buf_str(&text), p->arena, &json, err))
        return -1;
    if (option_flag(p, "json"))
        printf("%.*s\n", STR_ARG(buf_str(&text)));
    *ret_exit = option_flag(p, "json") ? 0 : print_status(json, p->arena);
    return 0;
}

int command_status(const Parsed *parsed)
{
    Error err;
    int code = 0;
    return status(parsed, &code, &err) ? command_fail(&err) : code;
}

int command_config(const Parsed *parsed)
{
    Error err;
    Config *config;
    if (strcmp(parsed->args[0], "show") != 0) {
        err_set(&err, ERR_CONFIG, "unknown action %s: expected show", parsed->args[0]);
        return command_fail(&err);
    }
    if (config_load(parsed, &config, &err))
        return command_fail(&err);
    for (size_t i = 0; i < config_count(); i++) {
        ConfigValue v = config_at(config, i);
        bool secret = v.key->kind == CONFIG_SECRET && v.text.ptr;
        printf("%-26s %-28.*s # %.*s\n", v.key->name,
               STR_ARG(secret       ? STR("(secret)")
                       : v.text.ptr ? v.text
                                    : STR("(not set)")),
               STR_ARG(v.source));
    }
    config_free(config);
    return 0;
}
