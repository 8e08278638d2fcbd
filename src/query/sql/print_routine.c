/* print_routine.c - functions written in SQL to text. */
#include "query/sql/print_internal.h"

static void print_control(Buf *out, const Control *control);

static void print_list(Buf *out, const ControlList *list)
{
    for (size_t i = 0; i < list->n; i++) {
        print_control(out, list->items[i]);
        buf_puts(out, "; ");
    }
}

static void print_block(Buf *out, const Control *block)
{
    buf_puts(out, "BEGIN ");
    for (size_t i = 0; i < block->n_variables; i++) {
        const RoutineVariable *variable = &block->variables[i];
        buf_puts(out, "DECLARE ");
        print_identifier(out, &variable->name);
        buf_putc(out, ' ');
        print_type_name(out, variable->type_name);
        if (variable->initial) {
            buf_puts(out, " DEFAULT ");
            print_expression(out, variable->initial);
        }
        buf_puts(out, "; ");
    }
    print_list(out, &block->body);
    buf_puts(out, "END");
}

static void print_branches(Buf *out, const Control *control)
{
    bool is_if = control->kind == CONTROL_IF;
    if (!is_if) {
        buf_puts(out, "CASE ");
        if (control->expr) {
            print_expression(out, control->expr);
            buf_putc(out, ' ');
        }
    }
    for (size_t i = 0; i < control->n_branches; i++) {
        const ControlBranch *branch = &control->branches[i];
        if (!branch->condition) {
            buf_puts(out, "ELSE ");
        } else {
            buf_puts(out, !is_if ? "WHEN " : i ? "ELSEIF " : "IF ");
            print_expression(out, branch->condition);
            buf_puts(out, " THEN ");
        }
        print_list(out, &branch->body);
    }
    buf_puts(out, is_if ? "END IF" : "END CASE");
}

static void print_loop(Buf *out, const Control *loop)
{
    if (loop->label.text.ptr) {
        print_identifier(out, &loop->label);
        buf_puts(out, ": ");
    }
    if (loop->kind == CONTROL_WHILE) {
        buf_puts(out, "WHILE ");
        print_expression(out, loop->expr);
        buf_puts(out, " DO ");
    } else {
        buf_puts(out, loop->kind == CONTROL_LOOP ? "LOOP " : "REPEAT ");
    }
    print_list(out, &loop->body);
    if (loop->kind == CONTROL_REPEAT) {
        buf_puts(out, "UNTIL ");
        print_expression(out, loop->expr);
        buf_putc(out, ' ');
    }
    buf_puts(out, loop->kind == CONTROL_LOOP    ? "END LOOP"
                  : loop->kind == CONTROL_WHILE ? "END WHILE"
                                                : "END REPEAT");
}

static void print_control(Buf *out, const Control *control)
{
    switch (control->kind) {
    case CONTROL_RETURN:
        buf_puts(out, "RETURN ");
        print_expression(out, control->expr);
        break;
    case CONTROL_BLOCK:
        print_block(out, control);
        break;
    case CONTROL_SET:
        buf_puts(out, "SET ");
        print_identifier(out, &control->target);
        buf_puts(out, " = ");
        print_expression(out, control->expr);
        break;
    case CONTROL_IF:
    case CONTROL_CASE:
        print_branches(out, control);
        break;
    case CONTROL_ITERATE:
    case CONTROL_LEAVE:
        buf_puts(out, control->kind == CONTROL_LEAVE ? "LEAVE " : "ITERATE ");
        print_identifier(out, &control->label);
        break;
    default:
        print_loop(out, control);
        break;
    }
}

static void print_characteristics(Buf *out, const Routine *routine)
{
    if (routine->language.text.ptr) {
        buf_puts(out, " LANGUAGE ");
        print_identifier(out, &routine->language);
    }
    if (routine->n_deterministic)
        buf_puts(out, routine->not_deterministic ? " NOT DETERMINISTIC" : " DETERMINISTIC");
    if (routine->n_null_call)
        buf_puts(out, routine->null_on_null ? " RETURNS NULL ON NULL INPUT" : " CALLED ON NULL INPUT");
    if (routine->n_security)
        buf_puts(out, routine->security_definer ? " SECURITY DEFINER" : " SECURITY INVOKER");
    if (routine->n_comment) {
        buf_puts(out, " COMMENT ");
        sql_print_string(out, routine->comment);
    }
    for (size_t i = 0; i < routine->n_properties; i++) {
        buf_puts(out, i ? ", " : " WITH (");
        print_identifier(out, &routine->properties[i].name);
        buf_puts(out, " = ");
        if (routine->properties[i].value)
            print_expression(out, routine->properties[i].value);
        else
            buf_puts(out, "DEFAULT");
    }
    buf_puts(out, routine->n_properties ? ")" : "");
}

void print_routine(Buf *out, const Routine *routine)
{
    buf_puts(out, "FUNCTION ");
    print_name(out, &routine->name);
    buf_putc(out, '(');
    for (size_t i = 0; i < routine->n_parameters; i++) {
        buf_puts(out, i ? ", " : "");
        if (routine->parameters[i].name.text.ptr) {
            print_identifier(out, &routine->parameters[i].name);
            buf_putc(out, ' ');
        }
        print_type_name(out, routine->parameters[i].type_name);
    }
    buf_puts(out, ") RETURNS ");
    print_type_name(out, routine->return_name);
    print_characteristics(out, routine);
    if (routine->definition.ptr)
        buf_printf(out, " AS %.*s", STR_ARG(routine->definition));
    if (!routine->body)
        return;
    buf_putc(out, ' ');
    print_control(out, routine->body);
}
