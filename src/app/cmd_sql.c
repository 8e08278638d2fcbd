#include "app/commands.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/shell.h"
#include "base/fs.h"
#include "query/sql/parser.h"

enum { SCRIPT_MAX = 64 << 20 };

static const char *user_name(const Parsed *p)
{
    const char *user = option_value(p, "user");
    if (user)
        return user;
    struct passwd *entry = getpwuid(geteuid());
    return entry ? entry->pw_name : "lakehouse";
}

/* The system's zone by name: TZ, else the target of /etc/localtime; UTC when neither tells. */
static Str local_zone(Arena *arena)
{
    const char *tz = getenv("TZ");
    if (tz && *tz && *tz != ':' && *tz != '/')
        return str_from(tz);
    char target[512];
    ssize_t n = readlink("/etc/localtime", target, sizeof target);
    ptrdiff_t at = n > 0 ? str_find(str_of(target, (size_t)n), STR("zoneinfo/")) : -1;
    if (at < 0)
        return STR("UTC");
    Str zone = str_slice(str_of(target, (size_t)n), (size_t)at + 9, (size_t)n);
    return str_is(zone, "Etc/UTC") ? STR("UTC") : arena_str(arena, zone);
}

static int run_script(Shell *shell, Str script, bool ignore_errors)
{
    size_t position = 0;
    Str statement;
    int failed = 0;
    while (sql_split_next(script, &position, &statement)) {
        if (!str_trim(statement).len)
            continue;
        if (shell_run(shell, str_trim(statement))) {
            failed = 1;
            if (!ignore_errors)
                break;
        }
    }
    return failed;
}

static int read_script(const char *path, Buf *out, Error *err)
{
    if (strcmp(path, "-") != 0)
        return fs_read_file(path, SCRIPT_MAX, out, err);
    char chunk[65536];
    for (ssize_t n; (n = read(STDIN_FILENO, chunk, sizeof chunk)) > 0;)
        if (buf_append(out, chunk, (size_t)n))
            break;
    return buf_check(out, err);
}

static int apply_session(const Parsed *p, TrinoSession *session, Error *err)
{
    const char *catalog = option_value(p, "catalog"), *schema = option_value(p, "schema");
    const char *zone = option_value(p, "timezone");
    trino_session_set(session, catalog ? str_from(catalog) : STR("iceberg"),
                      schema ? str_from(schema) : STR_NULL, zone ? str_from(zone) : local_zone(p->arena),
                      STR("lakehouse-sql"));
    size_t position = 0;
    for (const char *text; (text = option_next(p, "session", &position));) {
        Str value, name = str_cut(str_from(text), '=', &value);
        if (!value.ptr)
            return err_set(err, ERR_CONFIG, "--session %s: expected KEY=VALUE", text);
        trino_session_property(session, name, value);
    }
    return 0;
}

static int run(const Parsed *p, Shell *shell, int *ret_code, Error *err)
{
    const char *execute = option_value(p, "execute"), *file = option_value(p, "file");
    if (execute && file)
        return err_set(err, ERR_CONFIG, "give --execute or --file, not both");
    bool ignore = option_flag(p, "ignore-errors");
    if (execute) {
        *ret_code = run_script(shell, str_from(execute), ignore);
        return 0;
    }
    if (!file && isatty(STDIN_FILENO)) {
        shell->interactive = true;
        *ret_code = shell_interact(shell);
        return 0;
    }
    _cleanup_buf_ Buf script = BUF_INIT(SCRIPT_MAX);
    if (read_script(file ? file : "-", &script, err))
        return -1;
    *ret_code = run_script(shell, buf_str(&script), ignore);
    return 0;
}

int command_sql(const Parsed *p)
{
    Error err;
    int code = 0;
    signal(SIGPIPE, SIG_IGN);       /* who leaves our output early ends the statement, not us */
    bool piped = option_value(p, "execute") || option_value(p, "file") || !isatty(STDIN_FILENO);
    const char *format = option_value(p, "output-format");
    Shell shell = { .format = piped && !isatty(STDOUT_FILENO) ? FORMAT_CSV : FORMAT_ALIGNED };
    shell.show_progress = isatty(STDERR_FILENO) && !option_flag(p, "no-progress");
    shell.use_pager = !option_flag(p, "no-pager") && !piped;
    if (format && result_format_parse(format, &shell.format, &err))
        return command_fail(&err);
    shell.session = trino_session_new(command_server(p), str_from(user_name(p)), &err);
    if (!shell.session)
        return command_fail(&err);
    int r = apply_session(p, shell.session, &err) || run(p, &shell, &code, &err) ? -1 : 0;
    trino_session_free(shell.session);
    return r ? command_fail(&err) : code;
}
