#include "app/commands.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/config_load.h"
#include "app/instance.h"
#include "app/supervisor.h"
#include "base/fs.h"
#include "format/json.h"

extern char **environ;

/* Starts `lakehouse up` without --detach in a session of its own; fd 3 is where it says that it is ready. */
static int spawn_background(const Parsed *p, const char *log_path, int notify_fd, pid_t *ret_pid, Error *err)
{
    char **argv = arena_array(p->arena, char *, 2 * p->n_options + 8);
    size_t n = 0;
    argv[n++] = arena_cstr(p->arena, STR("lakehouse"));
    argv[n++] = arena_cstr(p->arena, STR("up"));
    for (size_t i = 0; i < p->n_options; i++) {
        const Option *o = p->options[i].option;
        if (strcmp(o->name, "detach") == 0)
            continue;
        argv[n++] = arena_cstr(p->arena, arena_printf(p->arena, "--%s", o->name));
        if (o->value)
            argv[n++] = arena_cstr(p->arena, str_from(p->options[i].value));
    }
    argv[n++] = arena_cstr(p->arena, STR("--notify-fd=3"));
    argv[n] = NULL;

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, notify_fd, 3);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    int r = posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return r ? err_set_errno(err, ERR_INTERNAL, r, "cannot start in the background: %s", strerror(r)) : 0;
}

/* What the supervisor wrote behind `from` that is no log line. */
static void print_last_words(const char *log_path, int64_t from)
{
    char text[64 << 10];
    _cleanup_close_ int fd = -1;
    ssize_t n = fs_open(log_path, O_RDONLY, 0, &fd, NULL) ? -1 : pread(fd, text, sizeof text, (off_t)from);
    for (Str line, rest = n > 0 ? str_of(text, (size_t)n) : STR_NULL; rest.ptr;) {
        line = str_cut(rest, '\n', &rest);
        if (str_has_prefix(line, STR("lakehouse:")))
            fprintf(stderr, "%.*s\n", STR_ARG(line));
    }
}

static void print_endpoints(Str data_dir, Arena *arena)
{
    _cleanup_buf_ Buf text = BUF_INIT(1 << 16);
    const Json *json;
    if (fs_read_file(instance_endpoints_path(data_dir, arena).ptr, 1 << 16, &text, NULL) ||
        json_parse(buf_str(&text), arena, &json, NULL))
        return;
    for (size_t i = 0; i < json->object.n; i++) {
        Str url;
        if (json_is(json->object.members[i].value, JSON_OBJECT) &&
            json_need_string(json->object.members[i].value, "url", &url, NULL) == 0)
            printf("  %-9.*s %.*s\n", STR_ARG(json->object.members[i].key), STR_ARG(url));
    }
    printf("  stop: lakehouse stop --data %.*s\n", STR_ARG(data_dir));
}

static int detach(const Parsed *p, Error *err)
{
    Config *config;
    if (config_load(p, &config, err))
        return -1;
    Str data_dir = config_data_dir(config, p->arena);
    config_free(config);
    if (fs_mkdir_all(arena_printf(p->arena, "%.*s/logs", STR_ARG(data_dir)).ptr, 0700, err))
        return err_set(err, ERR_CONFIG, "data folder %.*s cannot be made: %s", STR_ARG(data_dir),
                       strerror(errno));
    Str log = arena_printf(p->arena, "%.*s/logs/supervisor.log", STR_ARG(data_dir));
    int notify[2];
    /* Above 3, so that the child's dup2 to 3 is a real one and drops close-on-exec. */
    if (pipe2(notify, O_CLOEXEC))
        return err_set_errno(err, ERR_INTERNAL, errno, "pipe");
    int high = fcntl(notify[1], F_DUPFD_CLOEXEC, 10);
    close(notify[1]);
    pid_t pid;
    int64_t log_size = 0;
    if (fs_exists(log.ptr) && fs_size(log.ptr, &log_size, err))
        return -1;
    int r = spawn_background(p, log.ptr, high, &pid, err);
    close(high);
    if (r)
        return -1;
    char byte;
    ssize_t n = read(notify[0], &byte, 1);
    close(notify[0]);
    if (n == 1) {
        printf("lakehouse %s runs in the background (process %d, data: %.*s)\n", LAKEHOUSE_VERSION, (int)pid,
               STR_ARG(data_dir));
        print_endpoints(data_dir, p->arena);
        return 0;
    }
    int status = 0;
    waitpid(pid, &status, 0);
    print_last_words(log.ptr, log_size);
    return err_set(err, WIFEXITED(status) && WEXITSTATUS(status) == 2 ? ERR_CONFIG : ERR_UNAVAILABLE,
                   "the platform did not start");
}

int command_up(const Parsed *parsed)
{
    Error err;
    if (!option_flag(parsed, "detach"))
        return supervisor_run(parsed);
    return detach(parsed, &err) ? command_fail(&err) : 0;
}
