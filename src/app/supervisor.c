#include "app/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/config_load.h"
#include "app/endpoints.h"
#include "app/instance.h"
#include "app/log_file.h"
#include "app/roles.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"

extern char **environ;

/* The descriptors below are the children's. */
enum { FIRST_OWN_FD = 10 };

typedef struct Child {
    const Role *role;
    pid_t pid;                  /* 0: not running */
    int tcp_fd, unix_fd, log_fd;
    Str log_path;
    int ready_fd;               /* our end of the pipe; -1 once ready or dead */
    int port;
    bool ready;
    Str url;
    int64_t started_ms;         /* monotonic */
    int64_t restart_at_ms;      /* 0: none due */
    int64_t backoff_ms;
    int64_t n_restarts;
    char **argv, **env;         /* made once */
} Child;

typedef struct Supervisor {
    const Parsed *parsed;
    Config *config;
    Arena *arena;
    Instance instance;
    Child children[ROLE_MAX];
    char capability[64];
    int signal_fd;
    bool stopping, announced;
    int64_t started_ms, stop_deadline_ms;
    size_t stop_stage;          /* roles drain in reverse order: children[n - 1 - stage] */
    int notify_fd;              /* --detach: the parent waits for a byte; -1: none */
    const Child *first_exit;    /* failed before everything was ready */
    int64_t log_check_ms;
} Supervisor;

static int64_t now_ms(void) { return clock_monotonic_us() / 1000; }

/* ---- sockets ---- */

static int open_sockets(Supervisor *s, Error *err)
{
    const char *listen = option_value(s->parsed, "listen");
    Str rest = STR_NULL,
        host = listen ? str_cut(str_from(listen), ':', &rest) : config_str(s->config, "listen");
    bool any_port = rest.ptr && str_is(rest, "0");
    if (rest.ptr && !any_port)
        return err_set(err, ERR_CONFIG,
                       "--listen %s: only port 0 (free ports) may be given; set storage.port, "
                       "catalog.port, query.port for others",
                       listen);
    if (role_check_listen(host, err))
        return -1;
    for (size_t i = 0; i < n_roles; i++) {
        Child *c = &s->children[i];
        c->role = &roles[i];
        c->ready_fd = -1;
        int port = any_port ? 0 : role_port(s->config, c->role);
        if (http_listen_tcp(host, port, &c->tcp_fd, &c->port, err))
            return err_prefix(err, "%s", c->role->name);
        c->url = arena_printf(s->arena, "http://%.*s:%d", STR_ARG(host), c->port);
        Str path = arena_printf(s->arena, "%.*s/%s.sock", STR_ARG(s->instance.run_dir), c->role->name);
        if (http_listen_unix(path.ptr, &c->unix_fd, err))
            return -1;
        c->log_path =
            arena_printf(s->arena, "%.*s/logs/%s.log", STR_ARG(s->instance.data_dir), c->role->name);
        if (fs_open(c->log_path.ptr, O_WRONLY | O_CREAT | O_APPEND, 0600, &c->log_fd, err))
            return -1;
    }
    return 0;
}

/* ---- children ---- */

static char **child_environment(Supervisor *s, const Child *c)
{
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **env = arena_array(s->arena, char *, n + 8);
    for (size_t i = 0; i < n; i++) {
        Str e = str_from(environ[i]);
        bool is_secret =
            str_has_prefix(e, STR("LAKEHOUSE_ROOT_")) || str_has_prefix(e, STR("LAKEHOUSE_STORAGE__ROOT_"));
        if (is_secret && strcmp(c->role->name, "storage"))
            continue;           /* a bug in another role must not be able to tell it */
        if (!str_has_prefix(e, STR("LISTEN_")) && !str_has_prefix(e, STR("LAKEHOUSE_PUBLIC_URL=")))
            env[kept++] = environ[i];
    }
    env[kept++] = arena_cstr(s->arena, STR("LISTEN_FDS=2"));
    env[kept++] = arena_cstr(s->arena, STR("LISTEN_FDNAMES=tcp:unix"));
    env[kept++] = arena_cstr(s->arena, STR("LAKEHOUSE_CAPABILITY_FD=5"));
    env[kept++] = arena_cstr(s->arena, arena_printf(s->arena, "LAKEHOUSE_SUPERVISOR_PID=%d", (int)getpid()));
    env[kept++] = arena_cstr(s->arena, arena_printf(s->arena, "LAKEHOUSE_PUBLIC_URL=%.*s", STR_ARG(c->url)));
    env[kept] = NULL;
    return env;
}

static char **child_arguments(Supervisor *s, const Child *c)
{
    const Parsed *p = s->parsed;
    char **argv = arena_array(s->arena, char *, 2 * p->n_options + 8);
    size_t n = 0;
    argv[n++] = arena_cstr(s->arena, STR("lakehouse"));
    argv[n++] = arena_cstr(s->arena, STR("serve"));
    for (size_t i = 0; i < p->n_options; i++) {
        const char *name = p->options[i].option->name;
        if (strcmp(name, "config") && strcmp(name, "env") && strcmp(name, "set"))
            continue;
        argv[n++] = arena_cstr(s->arena, arena_printf(s->arena, "--%s", name));
        argv[n++] = arena_cstr(s->arena, str_from(p->options[i].value));
    }
    argv[n++] = arena_cstr(s->arena, STR("--data"));
    argv[n++] = arena_cstr(s->arena, s->instance.data_dir);
    argv[n++] = arena_cstr(s->arena, str_from(c->role->name));
    argv[n] = NULL;
    return argv;
}

static int spawn(Supervisor *s, Child *c, int capability_fd, int ready_fd, Error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    /* All sources are above the targets: the supervisor's own descriptors 3 to 9 are kept occupied
     * (reserve_low_fds). */
    assert(capability_fd >= FIRST_OWN_FD && ready_fd >= FIRST_OWN_FD && c->tcp_fd >= FIRST_OWN_FD &&
           c->unix_fd >= FIRST_OWN_FD && s->instance.lock_fd >= FIRST_OWN_FD);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, c->log_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, c->log_fd, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, c->tcp_fd, CHILD_FD_TCP);
    posix_spawn_file_actions_adddup2(&actions, c->unix_fd, CHILD_FD_UNIX);
    posix_spawn_file_actions_adddup2(&actions, capability_fd, CHILD_FD_CAPABILITY);
    posix_spawn_file_actions_adddup2(&actions, ready_fd, CHILD_FD_READY);
    posix_spawn_file_actions_adddup2(&actions, s->instance.lock_fd, CHILD_FD_LOCK);
    if (!c->argv) {
        c->argv = child_arguments(s, c);
        c->env = child_environment(s, c);
    }
    pid_t pid;
    int r = fault_point("supervisor.spawn", err)
                ? EAGAIN : posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, c->argv, c->env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (r)
        return err_set_errno(err, ERR_INTERNAL, r, "cannot start %s: %s", c->role->name, strerror(r));
    c->pid = pid;
    return 0;
}

static int start_child(Supervisor *s, Child *c, Error *err)
{
    int capability[2], ready[2];
    if (pipe2(capability, O_CLOEXEC))
        return err_set_errno(err, ERR_INTERNAL, errno, "pipe: %s", strerror(errno));
    if (pipe2(ready, O_CLOEXEC | O_NONBLOCK)) {
        close(capability[0]);
        close(capability[1]);
        return err_set_errno(err, ERR_INTERNAL, errno, "pipe: %s", strerror(errno));
    }
    int r = fs_write_all(capability[1], s->capability, sizeof s->capability, err) ||
            spawn(s, c, capability[0], ready[1], err) ? -1 : 0;
    close(capability[0]);
    close(capability[1]);
    close(ready[1]);
    if (r) {
        close(ready[0]);
        return -1;
    }
    c->ready_fd = ready[0];
    c->ready = false;
    c->started_ms = now_ms();
    c->restart_at_ms = 0;
    log_info("supervisor.started", L_CSTR("child", c->role->name), L_INT("pid", c->pid));
    return 0;
}

static void restart_later(Child *c, bool was_steady)
{
    c->backoff_ms = was_steady || c->backoff_ms == 0 ? RESTART_FIRST_MS : c->backoff_ms * 2;
    if (c->backoff_ms > RESTART_LAST_MS)
        c->backoff_ms = RESTART_LAST_MS;
    c->restart_at_ms = now_ms() + c->backoff_ms;
}

static void child_ended(Supervisor *s, Child *c, int status)
{
    int64_t lived = now_ms() - c->started_ms;
    log_warn("supervisor.ended", L_CSTR("child", c->role->name), L_INT("pid", c->pid),
             L_INT("lived_ms", lived), L_INT("exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
             L_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
    c->pid = 0;
    c->ready = false;
    if (c->ready_fd >= 0)
        close(c->ready_fd);
    c->ready_fd = -1;
    if (s->stopping)
        return;
    if (!s->announced && WIFEXITED(status)) {
        s->first_exit = s->first_exit ? s->first_exit : c;
        return;
    }
    restart_later(c, lived >= RESTART_STEADY_MS);
    c->n_restarts++;
}

static void reap(Supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < n_roles; i++)
            if (s->children[i].pid == pid)
                child_ended(s, &s->children[i], status);
}

/* ---- readiness ---- */

static int write_endpoints(Supervisor *s, Error *err)
{
    EndpointList list = { .n = n_roles, .pid = getpid(), .data_dir = s->instance.data_dir };
    for (size_t i = 0; i < n_roles; i++) {
        list.items[i].role = s->children[i].role->name;
        list.items[i].url = s->children[i].url;
        list.items[i].pid = s->children[i].pid;
        list.items[i].n_restarts = s->children[i].n_restarts;
    }
    return endpoints_write_run_file(&list, s->config, s->arena, err);
}

static void print_banner(const Supervisor *s)
{
    printf("lakehouse %s is ready in %lld ms (data: %.*s)\n", LAKEHOUSE_VERSION,
           (long long)(now_ms() - s->started_ms), STR_ARG(s->instance.data_dir));
    for (size_t i = 0; i < n_roles; i++)
        printf("  %-9s %-14s %.*s\n", s->children[i].role->name, s->children[i].role->contract,
               STR_ARG(s->children[i].url));
    printf("  lakehouse sql            the SQL shell\n  Ctrl-C or `lakehouse stop` ends it\n");
    fflush(stdout);
}

static int announce(Supervisor *s, Error *err)
{
    s->announced = true;
    const char *path = option_value(s->parsed, "endpoints");
    EndpointList list = { .n = n_roles, .pid = getpid(), .data_dir = s->instance.data_dir };
    for (size_t i = 0; i < n_roles; i++) {
        list.items[i].role = s->children[i].role->name;
        list.items[i].url = s->children[i].url;
    }
    if (path && endpoints_write_client_file(&list, s->config, path, s->arena, err))
        return -1;
    if (s->notify_fd >= 0) {
        if (write(s->notify_fd, "1", 1) < 0)
            log_warn("supervisor.notify", L_INT("errno", errno));
        close(TAKE_FD(s->notify_fd));
    } else
        print_banner(s);
    return 0;
}

static int child_ready(Supervisor *s, Child *c, Error *err)
{
    char byte;
    ssize_t n = read(c->ready_fd, &byte, 1);
    if (n < 0 && errno == EAGAIN)
        return 0;
    close(c->ready_fd);
    c->ready_fd = -1;
    if (n != 1)
        return 0;
    c->ready = true;
    if (write_endpoints(s, err)) {
        if (!s->announced)
            return -1;
        log_warn("supervisor.endpoints", L_ERR(err));       /* a full disk must not end what runs */
    }
    for (size_t i = 0; i < n_roles; i++)
        if (!s->children[i].ready)
            return 0;
    return s->announced ? 0 : announce(s, err);
}

/* ---- stopping ---- */

/* Query drains first so that its statements still find storage and catalog. */
static void stop_next(Supervisor *s)
{
    while (s->stop_stage < n_roles) {
        Child *c = &s->children[n_roles - 1 - s->stop_stage];
        if (c->pid) {
            kill(c->pid, SIGTERM);
            s->stop_deadline_ms = now_ms() + DRAIN_TIMEOUT_MS;
            return;
        }
        s->stop_stage++;
    }
}

static void check_stop_deadline(Supervisor *s)
{
    if (!s->stopping || s->stop_stage >= n_roles || now_ms() < s->stop_deadline_ms)
        return;
    Child *c = &s->children[n_roles - 1 - s->stop_stage];
    if (c->pid) {
        log_warn("supervisor.kill", L_CSTR("child", c->role->name));
        kill(c->pid, SIGKILL);
    }
    s->stop_deadline_ms = now_ms() + DRAIN_TIMEOUT_MS;
}

static bool all_stopped(const Supervisor *s)
{
    for (size_t i = 0; i < n_roles; i++)
        if (s->children[i].pid)
            return false;
    return true;
}

static void begin_stop(Supervisor *s)
{
    if (s->stopping)
        return;
    s->stopping = true;
    for (size_t i = 0; i < n_roles; i++)
        s->children[i].restart_at_ms = 0;
    stop_next(s);
}

/* ---- the loop ---- */

static void handle_signals(Supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(s);
            if (s->stopping)
                stop_next(s);
        } else if (s->stopping && info.ssi_signo == SIGINT)
            s->stop_deadline_ms = 0;
        else
            begin_stop(s);
    }
}

static int next_timeout(const Supervisor *s)
{
    int64_t soonest = s->stopping ? 1000 : LOG_CHECK_MS, now = now_ms();
    if (!s->announced && READY_TIMEOUT_MS < soonest)
        soonest = READY_TIMEOUT_MS;
    for (size_t i = 0; i < n_roles; i++)
        if (s->children[i].restart_at_ms) {
            int64_t left = s->children[i].restart_at_ms - now;
            soonest = left < 0 ? 0 : left < soonest ? left : soonest;
        }
    return (int)soonest;
}

static int restart_due(Supervisor *s, Error *err)
{
    for (size_t i = 0; i < n_roles; i++) {
        Child *c = &s->children[i];
        if (s->stopping || !c->restart_at_ms || c->restart_at_ms > now_ms() || start_child(s, c, err) == 0)
            continue;
        if (!s->announced)
            return -1;
        log_warn("supervisor.restart", L_ERR(err));     /* no memory or processes now: the others run on */
        restart_later(c, false);
    }
    return 0;
}

static void check_logs(Supervisor *s)
{
    if (now_ms() < s->log_check_ms)
        return;
    s->log_check_ms = now_ms() + LOG_CHECK_MS;
    for (size_t i = 0; i < n_roles; i++)
        log_file_trim(s->children[i].log_path.ptr, s->children[i].log_fd);
}

static int start_failed(const Supervisor *s, Error *err)
{
    const Child *c = s->first_exit;
    for (size_t i = 0; i < n_roles && !c; i++)
        c = s->children[i].ready ? NULL : &s->children[i];
    if (!c)
        return err_set(err, ERR_UNAVAILABLE, "the platform did not start");
    return err_set(err, ERR_UNAVAILABLE, "%s did not start; see %.*s", c->role->name, STR_ARG(c->log_path));
}

static int loop_once(Supervisor *s, Error *err)
{
    struct pollfd fds[1 + ROLE_MAX] = { { .fd = s->signal_fd, .events = POLLIN } };
    for (size_t i = 0; i < n_roles; i++)
        fds[1 + i] = (struct pollfd){ .fd = s->children[i].ready_fd, .events = POLLIN };
    if (poll(fds, 1 + n_roles, next_timeout(s)) < 0 && errno != EINTR)
        return err_set_errno(err, ERR_INTERNAL, errno, "poll");
    /* Readiness before deaths: a role that became ready and died at once must not be taken for one that never
     * was. */
    for (size_t i = 0; i < n_roles; i++)
        if (fds[1 + i].revents && s->children[i].ready_fd >= 0 && child_ready(s, &s->children[i], err))
            return -1;
    if (fds[0].revents)
        handle_signals(s);
    check_stop_deadline(s);
    check_logs(s);
    if (!s->announced && !s->stopping && (s->first_exit || now_ms() - s->started_ms > READY_TIMEOUT_MS))
        return start_failed(s, err);
    return restart_due(s, err);
}

/* Children get descriptors 3 to 7; with ours above them no dup2 of one clobbers the source of the next. */
static void reserve_low_fds(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && fd < FIRST_OWN_FD)
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd >= FIRST_OWN_FD)
        close(fd);
}

/* Moved above the reserved descriptors: it is closed when all is ready, and its number must not become free
 * for the pipe of a child that is started later. Its end tells the parent that we are gone. */
static int take_notify_fd(const Parsed *parsed)
{
    const char *text = option_value(parsed, "notify-fd");
    int64_t fd;
    if (!text || str_to_i64(str_from(text), 0, 1 << 20, &fd, NULL))
        return -1;
    int moved = fcntl((int)fd, F_DUPFD_CLOEXEC, FIRST_OWN_FD);
    if (moved >= 0)
        close((int)fd);
    return moved;
}

static int open_signals(Supervisor *s, Error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);        /* the terminal is gone */
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signal_fd < 0 ? err_set_errno(err, ERR_INTERNAL, errno, "signalfd") : 0;
}

static int supervise(Supervisor *s, Error *err)
{
    uint8_t secret[32];
    rng_bytes(secret, sizeof secret);
    hex_encode(secret, sizeof secret, s->capability);
    if (instance_claim(config_data_dir(s->config, s->arena), s->arena, &s->instance, err) ||
        open_sockets(s, err) || instance_write_pid(&s->instance, err) || open_signals(s, err) ||
        write_endpoints(s, err))
        return -1;
    int r = 0;
    for (size_t i = 0; i < n_roles && !r; i++)
        r = start_child(s, &s->children[i], err);
    while (!r && !(s->stopping && all_stopped(s)))
        r = loop_once(s, err);
    if (r) {                       /* a failed start, or our own failure: take the children down */
        Error ignored;
        begin_stop(s);
        while (!all_stopped(s) && loop_once(s, &ignored) == 0)
            ;
    }
    fs_unlink(instance_endpoints_path(s->instance.data_dir, s->arena).ptr, NULL);
    return r;
}

int supervisor_run(const Parsed *parsed)
{
    Error err;
    Supervisor s = { .parsed = parsed, .arena = parsed->arena, .notify_fd = -1, .started_ms = now_ms() };
    s.notify_fd = take_notify_fd(parsed);
    reserve_low_fds();
    signal(SIGPIPE, SIG_IGN);       /* whoever read our output or waited for us may have left */
    log_init("supervisor", isatty(STDERR_FILENO) ? LOG_ERROR : LOG_INFO, STDERR_FILENO);
    fault_init_from_environment();
    if (config_load(parsed, &s.config, &err)) {
        fprintf(stderr, "lakehouse: %s\n", err.message);
        return 2;
    }
    int r = supervise(&s, &err);
    if (r)
        fprintf(stderr, "lakehouse: %s\n", err.message);
    config_free(s.config);
    return !r ? 0 : err.code == ERR_CONFIG ? 2 : 1;
}
