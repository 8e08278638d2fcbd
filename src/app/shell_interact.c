#include "app/shell.h"

#include <editline/readline.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/buf.h"
#include "query/sql/parser.h"

enum { HISTORY_ENTRIES = 1000, MAX_NAMES = 20000, INTERRUPT_AGAIN_MS = 20 };

static Shell *the_shell;           /* libedit's completion has no user pointer */
static Arena *names_arena;
static Vec(const char *) names;    /* tables and columns, for completion */
static Str names_for;              /* catalog.schema that they were read for */

static int take_names(void *arg, const TrinoPage *page)
{
    for (size_t i = 0; page->rows && i < page->rows->array.n && names.n < MAX_NAMES; i++) {
        const Json *row = page->rows->array.items[i];
        for (size_t c = 0; c < row->array.n; c++)
            if (json_is(row->array.items[c], JSON_STRING))
                *vec_push(names_arena, &names) = arena_cstr(names_arena, row->array.items[c]->text);
    }
    return 0;
}

static void read_names(void)
{
    Str catalog = trino_session_catalog(the_shell->session),
        schema = trino_session_schema(the_shell->session);
    if (!names_arena)
        names_arena = arena_new(16 << 20);
    Str key = arena_printf(names_arena, "%.*s.%.*s", STR_ARG(catalog), STR_ARG(schema));
    if (!catalog.len || str_eq(key, names_for))
        return;
    names_for = key;
    names.n = 0;
    Error ignored;
    Str sql =
        schema.len
            ? arena_printf(names_arena,
                           "SELECT table_name FROM information_schema.tables WHERE table_schema = '%.*s'",
                           STR_ARG(schema))
            : STR("SELECT DISTINCT table_schema || '.' || table_name FROM information_schema.tables "
                  "WHERE table_schema <> 'information_schema'");
    trino_run(the_shell->session, sql, take_names, NULL, &ignored);
}

static char *match_name(const char *text, int state)
{
    static size_t keyword, name;
    size_t n = strlen(text);
    if (!state) {
        keyword = name = 0;
        read_names();
    }
    while (name < names.n) {
        const char *candidate = names.items[name++];
        if (strncasecmp(candidate, text, n) == 0)
            return strdup(candidate);
    }
    while (sql_keywords[keyword]) {
        const char *candidate = sql_keywords[keyword++];
        if (strncasecmp(candidate, text, n) == 0)
            return strdup(candidate);
    }
    return NULL;
}

static char **complete(const char *text, int start, int end)
{
    rl_attempted_completion_over = 1;
    return rl_completion_matches(text, match_name);
}

static Str history_path(Arena *arena)
{
    const char *home = getenv("HOME");
    return home && *home ? arena_printf(arena, "%s/.lakehouse_history", home) : STR_NULL;
}

static const char *prompt(Arena *arena, bool more)
{
    Str schema = trino_session_schema(the_shell->session);
    Str text = schema.len ? arena_printf(arena, "lakehouse:%.*s> ", STR_ARG(schema)) : STR("lakehouse> ");
    if (!more)
        return text.ptr;
    char *dots = arena_alloc(arena, text.len + 1);
    memset(dots, ' ', text.len);
    memcpy(dots + (text.len > 5 ? text.len - 5 : 0), "->", 2);
    return dots;
}

static void print_shell_help(void)
{
    printf("Statements end with a semicolon and may take several lines. Also:\n"
           "  help       this text\n  quit, exit leave (Ctrl-D too)\n  clear      empty the screen\n"
           "Ctrl-C cancels a running statement or drops what was typed. SHOW CATALOGS; SHOW SCHEMAS; SHOW "
           "TABLES FROM demo;\n");
}

/* Shell words stand alone on a line. 1: handled, -1: leave, 0: SQL. */
static int shell_word(Str line)
{
    Str word = str_trim(line);
    if (word.len && word.ptr[word.len - 1] == ';')
        word = str_trim(str_slice(word, 0, word.len - 1));
    if (str_eq_nocase(word, STR("quit")) || str_eq_nocase(word, STR("exit")))
        return -1;
    if (str_eq_nocase(word, STR("help"))) {
        print_shell_help();
        return 1;
    }
    if (str_eq_nocase(word, STR("clear"))) {
        printf("\033[H\033[2J");
        return 1;
    }
    return 0;
}

static void run_complete(Buf *typed)
{
    size_t position = 0;
    Str statement;
    while (sql_split_next(buf_str(typed), &position, &statement))
        if (str_trim(statement).len)
            shell_run(the_shell, str_trim(statement));
}

static volatile sig_atomic_t is_reading, interrupted;

static void set_timer(int ms)
{
    struct itimerval timer = { .it_value.tv_usec = ms * 1000 };
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* SIGINT, and the timer: libedit is left by interrupting its read, and the first signal may come just before
 * that begins. */
static void on_prompt_signal(int signal_number)
{
    if (!is_reading)
        return;
    interrupted = 1;
    set_timer(INTERRUPT_AGAIN_MS);
}

static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_prompt_signal };      /* no SA_RESTART: the read ends */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
}

/* NULL: the end of the input. An interrupted line is "", and what was typed before it is dropped. */
static char *read_line(const char *text, Buf *typed)
{
    interrupted = 0;
    is_reading = 1;
    char *line = readline(text);
    is_reading = 0;
    set_timer(0);
    if (!interrupted)
        return line;
    free(line);
    buf_clear(typed);
    printf("\n");
    return strdup("");
}

int shell_interact(Shell *shell)
{
    catch_signals();
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    _cleanup_buf_ Buf typed = BUF_INIT(4 << 20);
    the_shell = shell;
    rl_readline_name = "lakehouse";
    rl_attempted_completion_function = complete;
    static char breaks[] = " \t\n\"'`@$><=;|&{(,";
    rl_completer_word_break_characters = breaks;
    using_history();
    stifle_history(HISTORY_ENTRIES);
    Str path = history_path(arena);
    if (path.ptr)
        read_history(path.ptr);
    for (;;) {
        char *line = read_line(prompt(arena, typed.len > 0), &typed);
        arena_reset(arena);
        if (!line)
            break;
        int word = typed.len ? 0 : shell_word(str_from(line));
        if (word == 0 && (typed.len || str_trim(str_from(line)).len)) {
            buf_puts(&typed, typed.len ? "\n" : "");
            buf_puts(&typed, line);
        }
        free(line);
        if (word < 0)
            break;
        if (!typed.len || sql_is_incomplete(buf_str(&typed)))
            continue;
        add_history(typed.data);
        run_complete(&typed);
        buf_clear(&typed);
    }
    path = history_path(arena);
    if (path.ptr)
        write_history(path.ptr);
    printf("\n");
    return 0;
}
