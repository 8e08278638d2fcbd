#include "app/options.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"

/* Levenshtein distance, for suggestions; names are short. */
static size_t edit_distance(Str a, Str b)
{
    enum { LONGEST = 64 };
    size_t row[LONGEST + 1];
    if (a.len > LONGEST || b.len > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[b.len];
}

static const Option *find_option(const Command *command, Str name)
{
    for (const Option *o = command->options; o->name; o++)
        if (str_is(name, o->name) || (name.len == 1 && o->letter && name.ptr[0] == o->letter))
            return o;
    return NULL;
}

static int unknown_option(const Command *command, const char *text, Str name, Error *err)
{
    const Option *nearest = NULL;
    size_t distance = 4;
    for (const Option *o = command->options; o->name; o++) {
        size_t d = edit_distance(name, str_from(o->name));
        if (d < distance) {
            distance = d;
            nearest = o;
        }
    }
    if (nearest)
        return err_set(err, ERR_CONFIG, "unknown option %s: did you mean --%s?", text, nearest->name);
    return err_set(err, ERR_CONFIG, "unknown option %s (lakehouse %s --help lists them)", text,
                   command->name);
}

static int take_option(const Command *command, int argc, char **argv, int *i, Parsed *p, Error *err)
{
    const char *text = argv[*i];
    bool is_long = text[1] == '-';
    Str rest, name = str_cut(str_from(text + (is_long ? 2 : 1)), '=', &rest);
    const Option *option = find_option(command, name);
    if (!option || (!is_long && name.len != 1))
        return unknown_option(command, text, name, err);
    const char *value = rest.ptr;
    if (!option->value && value)
        return err_set(err, ERR_CONFIG, "option --%s takes no value", option->name);
    if (option->value && !value) {
        if (*i + 1 >= argc)
            return err_set(err, ERR_CONFIG, "option --%s needs a value: %s", option->name, option->value);
        value = argv[++*i];
    }
    if (!option->repeats &&
        (option->value ? option_value(p, option->name) != NULL : option_flag(p, option->name)))
        return err_set(err, ERR_CONFIG, "option --%s stands twice", option->name);
    p->options[p->n_options].option = option;
    p->options[p->n_options++].value = value;
    return 0;
}

int options_parse(const Command *command, int argc, char **argv, Arena *arena, Parsed *ret, Error *err)
{
    Parsed p = { .command = command, .arena = arena };
    const char **args = arena_array(arena, const char *, argc + 1);
    p.args = args;
    p.options = arena_alloc(arena, sizeof *p.options * (size_t)(argc + 1));
    bool only_args = false;
    for (int i = 0; i < argc; i++) {
        if (!only_args && strcmp(argv[i], "--") == 0)
            only_args = true;
        else if (!only_args && argv[i][0] == '-' && argv[i][1]) {
            if (take_option(command, argc, argv, &i, &p, err))
                return -1;
        } else
            args[p.n_args++] = argv[i];
    }
    if ((int)p.n_args < command->min_args || (int)p.n_args > command->max_args)
        return err_set(err, ERR_CONFIG, "usage: lakehouse %s [options]%s%s", command->name,
                       *command->arguments ? " " : "", command->arguments);
    *ret = p;
    return 0;
}

bool option_flag(const Parsed *parsed, const char *name)
{
    for (size_t i = 0; i < parsed->n_options; i++)
        if (strcmp(parsed->options[i].option->name, name) == 0)
            return true;
    return false;
}

const char *option_value(const Parsed *parsed, const char *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < parsed->n_options; i++)
        if (strcmp(parsed->options[i].option->name, name) == 0)
            found = parsed->options[i].value;
    return found;
}

const char *option_next(const Parsed *parsed, const char *name, size_t *position)
{
    while (*position < parsed->n_options) {
        size_t i = (*position)++;
        if (strcmp(parsed->options[i].option->name, name) == 0)
            return parsed->options[i].value;
    }
    return NULL;
}

void options_print_help(const Command *command, int fd)
{
    _cleanup_buf_ Buf out = BUF_INIT(64 << 10);
    buf_printf(&out, "%s\n\nUsage: lakehouse %s [options]%s%s\n", command->summary, command->name,
               *command->arguments ? " " : "", command->arguments);
    if (command->options->name)
        buf_puts(&out, "\nOptions:\n");
    for (const Option *o = command->options; o->name; o++) {
        char left[64];
        snprintf(left, sizeof left, "%c%c%s--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                 o->letter ? ", " : "  ", o->name, o->value ? " " : "", o->value ? o->value : "");
        buf_printf(&out, "  %-34s %s\n", left, o->help);
    }
    if (command->examples)
        buf_printf(&out, "\nExamples:\n%s", command->examples);
    if (write(fd, out.data, out.len) < 0)
        return;
}
