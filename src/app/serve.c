#include "app/roles.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/config_load.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/metrics.h"

static void lower_own_standing(const Role *role)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%d", role->default_oom_score);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, text, (size_t)n) < 0)
            log_debug("serve.oom_score", L_INT("errno", errno));
        close(fd);
    }
}

/* The supervisor's capability came over a pipe, not the environment, which other processes of the user could
 * read. */
static int read_capability(Arena *arena, Str *ret, Error *err)
{
    char hex[64];
    ssize_t n = read(CHILD_FD_CAPABILITY, hex, sizeof hex);
    int os_errno = errno;
    close(CHILD_FD_CAPABILITY);
    if (n != (ssize_t)sizeof hex)
        return err_set_errno(err, ERR_INTERNAL, n < 0 ? os_errno : 0, "the supervisor sent no capability");
    *ret = arena_str(arena, str_of(hex, sizeof hex));
    return 0;
}

static int open_own_listeners(RoleContext *c, const Role *role, Arena *arena, Error *err)
{
    Str host = config_str(c->config, "listen");
    int port;
    if (role_check_listen(host, err) ||
        http_listen_tcp(host, role_port(c->config, role), &c->tcp_fd, &port, err) ||
        fs_mkdir_all(c->run_dir.ptr, 0700, err) ||
        http_listen_unix(arena_printf(arena, "%.*s/%s.sock", STR_ARG(c->run_dir), role->name).ptr,
                         &c->unix_fd, err))
        return -1;
    c->public_url = arena_printf(arena, "http://%.*s:%d", STR_ARG(host), port);
    return 0;
}

static int take_listeners(RoleContext *c, const Role *role, Arena *arena, Error *err)
{
    const char *fds = getenv("LISTEN_FDS");
    if (!fds)
        return open_own_listeners(c, role, arena, err);
    int64_t n;
    if (str_to_i64(str_from(fds), 1, 16, &n, err))
        return err_prefix(err, "LISTEN_FDS");
    c->tcp_fd = CHILD_FD_TCP;
    if (n > 1)
        c->unix_fd = CHILD_FD_UNIX;
    const char *url = getenv("LAKEHOUSE_PUBLIC_URL");
    c->public_url = url ? arena_str(arena, str_from(url)) : STR_NULL;
    if (getenv("LAKEHOUSE_CAPABILITY_FD")) {
        if (read_capability(arena, &c->capability, err))
            return -1;
        c->ready_fd = CHILD_FD_READY;
    }
    return 0;
}

static int stop_signals(int *ret_fd, Error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    *ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *ret_fd < 0 ? err_set_errno(err, ERR_INTERNAL, errno, "signalfd") : 0;
}

static LogLevel log_level(const Config *config)
{
    Str level = config_str(config, "log.level");
    return str_is(level, "debug") ? LOG_DEBUG : str_is(level, "warn") ? LOG_WARN
         : str_is(level, "error") ? LOG_ERROR : LOG_INFO;
}

/* What a role makes durable inside is worth nothing without the folder's own name. */
static int make_folder(const RoleContext *c, const Role *role, Arena *arena, Error *err)
{
    Str folder = arena_printf(arena, "%.*s/%s", STR_ARG(c->data_dir), role->name);
    if (fs_mkdir_all(folder.ptr, 0700, err))
        return -1;
    /* Also after a start that was killed in between. */
    return fs_sync_dir(arena_cstr(arena, c->data_dir), err);
}

static int serve(const Role *role, const Config *config, Arena *arena, Error *err)
{
    RoleContext c = { .role = role->name, .config = config, .tcp_fd = -1, .unix_fd = -1, .ready_fd = -1 };
    c.data_dir = config_data_dir(config, arena);
    c.run_dir = arena_printf(arena, "%.*s/run", STR_ARG(c.data_dir));
    if (getenv("LAKEHOUSE_CAPABILITY_FD")) {
        /* The supervisor's death is ours. The check after closes the race with a supervisor that is already
         * gone. */
        const char *supervisor = getenv("LAKEHOUSE_SUPERVISOR_PID");
        int64_t pid = 0;
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (!supervisor || str_to_i64(str_from(supervisor), 1, INT32_MAX, &pid, err) || getppid() != pid)
            return err_set(err, ERR_INTERNAL, "the supervisor is gone");
        prctl(PR_SET_DUMPABLE, 0);
    }
    if (stop_signals(&c.stop_fd, err) || take_listeners(&c, role, arena, err) ||
        make_folder(&c, role, arena, err))
        return -1;
    lower_own_standing(role);
    log_info("role.start", L_CSTR("version", LAKEHOUSE_VERSION), L_STR("url", c.public_url));
    int r = role->main(&c, err);
    log_info("role.stop", L_INT("ok", r == 0));
    return r;
}

int serve_run(const Parsed *parsed)
{
    Error err;
    Config *config = NULL;
    const Role *role = role_find(str_from(parsed->args[0]));
    if (!role) {
        fprintf(stderr, "lakehouse: there is no role %s (storage, catalog, query)\n", parsed->args[0]);
        return 2;
    }
    if (config_load(parsed, &config, &err)) {
        fprintf(stderr, "lakehouse: %s\n", err.message);
        return 2;
    }
    log_init(role->name, log_level(config), STDERR_FILENO);
    fault_init_from_environment();
    metrics_init(role->name, LAKEHOUSE_VERSION);
    int r = serve(role, config, parsed->arena, &err);
    if (r) {
        log_error("role.failed", L_ERR(&err));
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "lakehouse: %s: %s\n", role->name, err.message);
    }
    config_free(config);
    return r ? 1 : 0;
}
