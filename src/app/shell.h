/* shell.h - running statements for `lakehouse sql`: one at a time, with progress, Ctrl-C, output and footer.
 */
#pragma once

#include "app/result_format.h"
#include "client/trino_client.h"

typedef struct Shell {
    TrinoSession *session;
    ResultFormat format;
    bool interactive;         /* footer, pager */
    bool show_progress;       /* on standard error, a terminal */
    bool use_pager;
} Shell;

/* Runs one statement and prints its result. 0, or -1 after the error was printed. */
int shell_run(Shell *shell, Str sql);
/* The interactive loop; the exit code. */
int shell_interact(Shell *shell);
