/* print_call.c - function calls, windows and sort items to text. */
#include "query/sql/print_internal.h"

void print_arguments(Buf *out, Expr *const *items, const Ident *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        if (names && names[i].text.ptr) {
            print_identifier(out, &names[i]);
            buf_puts(out, " => ");
        }
        print_expression(out, items[i]);
    }
}

void print_sort_items(Buf *out, const SortItem *items, size_t n)
{
    static const char *const nulls[] = {
        [NULLS_DEFAULT] = "", [NULLS_FIRST] = " NULLS FIRST", [NULLS_LAST] = " NULLS LAST"};
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        print_expression(out, items[i].expr);
        buf_puts(out, items[i].descending ? " DESC" : " ASC");
        buf_puts(out, nulls[items[i].nulls]);
    }
}

static void print_bound(Buf *out, const FrameBound *bound)
{
    static const char *const texts[] = {
        [BOUND_UNBOUNDED_PRECEDING] = "UNBOUNDED PRECEDING", [BOUND_PRECEDING] = " PRECEDING",
        [BOUND_CURRENT_ROW] = "CURRENT ROW", [BOUND_FOLLOWING] = " FOLLOWING",
        [BOUND_UNBOUNDED_FOLLOWING] = "UNBOUNDED FOLLOWING",
    };
    if (bound->value)
        print_expression(out, bound->value);
    buf_puts(out, texts[bound->kind]);
}

void print_window(Buf *out, const Window *window)
{
    static const char *const units[] = {
        [FRAME_ROWS] = "ROWS", [FRAME_RANGE] = "RANGE", [FRAME_GROUPS] = "GROUPS"};
    const char *separator = "";
    buf_putc(out, '(');
    if (window->name.text.ptr) {
        print_identifier(out, &window->name);
        separator = " ";
    }
    if (window->n_partition_by) {
        buf_printf(out, "%sPARTITION BY ", separator);
        print_expressions(out, window->partition_by, window->n_partition_by);
        separator = " ";
    }
    if (window->n_order_by) {
        buf_printf(out, "%sORDER BY ", separator);
        print_sort_items(out, window->order_by, window->n_order_by);
        separator = " ";
    }
    if (window->pattern && window->pattern->n_measures) {
        print_pattern_clauses(out, window->pattern, true);
        separator = " ";
    }
    if (window->unit != FRAME_NONE) {
        buf_printf(out, "%s%s BETWEEN ", separator, units[window->unit]);
        print_bound(out, &window->from);
        buf_puts(out, " AND ");
        print_bound(out, &window->to);
    }
    if (window->pattern)
        print_pattern_clauses(out, window->pattern, false);
    buf_putc(out, ')');
}

void print_over(Buf *out, const Window *window)
{
    buf_puts(out, " OVER ");
    if (window->name.text.ptr && !window->n_partition_by && !window->n_order_by && window->unit == FRAME_NONE)
        print_identifier(out, &window->name);
    else
        print_window(out, window);
}

/* Words that cannot be called as plain functions, but whose forms became calls. */
static bool is_form(const Expr *e, const char *name)
{
    const QualifiedName *called = &e->call.name;
    return called->n == 1 && !called->parts[0].quoted && !e->call.is_method && !e->call.static_type &&
           str_eq_nocase(called->parts[0].text, str_from(name));
}

static void print_callee(Buf *out, const Expr *e)
{
    const Ident *last = &e->call.name.parts[e->call.name.n - 1];
    if (e->call.is_method) {
        const Expr *receiver = e->call.args[0];
        bool wrap = receiver->kind == EXPR_IDENT || receiver->kind == EXPR_DEREFERENCE ||
                    receiver->kind == EXPR_UNARY || receiver->kind == EXPR_INTEGER ||
                    receiver->kind == EXPR_DECIMAL || receiver->kind == EXPR_DOUBLE;
        buf_puts(out, wrap ? "(" : "");
        print_expression(out, receiver);
        buf_puts(out, wrap ? ")." : ".");
    } else if (e->call.static_type) {
        print_type_name(out, e->call.static_type);
        buf_puts(out, "::");
    }
    /* Any word may name a method; trim and normalize are forms. */
    if (is_form(e, "$overlay"))
        buf_puts(out, "overlay");
    else if (!last->quoted &&
        (e->call.is_method || is_form(e, "trim") || is_form(e, "normalize") || is_form(e, "listagg")))
        buf_add(out, last->text);
    else
        print_name(out, &e->call.name);
}

static void print_overflow(Buf *out, const Expr *e)
{
    if (!e->call.overflow_truncate)
        return;
    buf_puts(out, " ON OVERFLOW TRUNCATE ");
    if (e->call.overflow_filler.ptr) {
        sql_print_string(out, e->call.overflow_filler);
        buf_putc(out, ' ');
    }
    buf_puts(out, e->call.overflow_count ? "WITH COUNT" : "WITHOUT COUNT");
}

/* overlay(x PLACING y FROM a [FOR n]) */
static void print_overlay(Buf *out, const Expr *e)
{
    static const char *const words[] = {"", " PLACING ", " FROM ", " FOR "};
    for (size_t i = 0; i < e->call.n && i < sizeof words / sizeof *words; i++) {
        buf_puts(out, words[i]);
        print_expression(out, e->call.args[i]);
    }
}

static void print_call_arguments(Buf *out, const Expr *e)
{
    size_t first = e->call.is_method;
    buf_putc(out, '(');
    buf_puts(out, e->call.distinct ? "DISTINCT " : "");
    if (e->call.star) {
        if (e->call.label.text.ptr) {
            print_identifier(out, &e->call.label);
            buf_putc(out, '.');
        }
        buf_putc(out, '*');
    } else if (is_form(e, "$overlay")) {
        print_overlay(out, e);
    } else if (is_form(e, "normalize") && e->call.n == 2 && e->call.args[1]->kind == EXPR_STRING) {
        print_expression(out, e->call.args[0]);
        buf_puts(out, ", ");
        buf_add(out, e->call.args[1]->text);
    } else {
        print_arguments(out, first ? e->call.args + first : e->call.args,
                        e->call.arg_names && first ? e->call.arg_names + first : e->call.arg_names,
                        e->call.n - first);
    }
    print_overflow(out, e);
    if (e->call.n_order_by && !e->call.within_group) {
        buf_puts(out, " ORDER BY ");
        print_sort_items(out, e->call.order_by, e->call.n_order_by);
    }
    buf_putc(out, ')');
}

void sql_print_call(Buf *out, const Expr *e)
{
    if (e->call.processing)
        buf_puts(out, e->call.processing == PROCESSING_FINAL ? "FINAL " : "RUNNING ");
    print_callee(out, e);
    print_call_arguments(out, e);
    if (e->call.within_group) {
        buf_puts(out, " WITHIN GROUP (ORDER BY ");
        print_sort_items(out, e->call.order_by, e->call.n_order_by);
        buf_putc(out, ')');
    }
    if (e->call.filter) {
        buf_puts(out, " FILTER (WHERE ");
        print_expression(out, e->call.filter);
        buf_putc(out, ')');
    }
    if (e->call.nulls != NULLS_UNSPECIFIED)
        buf_puts(out, e->call.nulls == NULLS_IGNORE ? " IGNORE NULLS" : " RESPECT NULLS");
    if (e->call.over)
        print_over(out, e->call.over);
}
