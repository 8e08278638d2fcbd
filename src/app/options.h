/* options.h - command-line options from tables: parsing, --help and the errors are made from them.
 *
 * An option is "--name VALUE" or "--name=VALUE" or a flag "--name". Unknown options are ERR_CONFIG with the
 * nearest one named. "--" ends the options. */
#pragma once

#include "base/arena.h"

typedef struct Option {
    const char *name;        /* "data" */
    char letter;             /* 'd' or 0 */
    const char *value;       /* "DIR"; NULL: a flag */
    const char *help;
    bool repeats;            /* may stand several times */
} Option;

struct Parsed;

typedef struct Command {
    const char *name;              /* "sql" */
    const char *arguments;         /* "FILE" for the usage line; "" */
    const char *summary;           /* one line */
    const char *examples;          /* lines, may be NULL */
    const Option *options;         /* ended by name NULL */
    int min_args, max_args;
    int (*run)(const struct Parsed *parsed);     /* the exit code */
} Command;

typedef struct Parsed {
    const Command *command;
    Arena *arena;
    const char *const *args; size_t n_args;
    struct ParsedOption { const Option *option; const char *value; } *options; size_t n_options;
} Parsed;

/* argv begins after the command's name. */
int options_parse(const Command *command, int argc, char **argv, Arena *arena, Parsed *ret, Error *err);
bool option_flag(const Parsed *parsed, const char *name);
const char *option_value(const Parsed *parsed, const char *name); /* the last one; NULL when absent */
/* Walks a repeated option; NULL at the end. *position starts at 0. */
const char *option_next(const Parsed *parsed, const char *name, size_t *position);
void options_print_help(const Command *command, int fd);
