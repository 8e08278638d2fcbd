/* print_table_function.c - table functions and their arguments to text. */
#include "query/sql/print_internal.h"

static void print_table_argument(Buf *out, const TableArgument *arg, int indent)
{
    buf_puts(out, "TABLE(");
    if (arg->table->kind == REL_TABLE)
        print_name(out, &arg->table->table.name);
    else
        sql_print_query(out, arg->table->query);
    buf_putc(out, ')');
    print_alias(out, &arg->table->alias);
    if (arg->table->n_column_aliases) {
        buf_putc(out, ' ');
        print_names(out, arg->table->column_aliases, arg->table->n_column_aliases);
    }
    if (arg->is_partitioned) {
        buf_puts(out, " PARTITION BY (");
        print_expressions(out, arg->partition_by, arg->n_partition_by);
        buf_putc(out, ')');
    }
    if (arg->empty != EMPTY_NOT_SAID)
        buf_puts(out, arg->empty == EMPTY_PRUNE ? " PRUNE WHEN EMPTY" : " KEEP WHEN EMPTY");
    if (arg->n_order_by) {
        buf_puts(out, " ORDER BY (");
        print_sort_items(out, arg->order_by, arg->n_order_by);
        buf_putc(out, ')');
    }
}

static void print_descriptor(Buf *out, const TableArgument *arg)
{
    if (!arg->fields) {
        buf_puts(out, "CAST(null AS DESCRIPTOR)");
        return;
    }
    buf_puts(out, "DESCRIPTOR(");
    for (size_t i = 0; i < arg->n_fields; i++) {
        buf_puts(out, i ? ", " : "");
        print_identifier(out, &arg->fields[i].name);
        if (arg->fields[i].type) {
            buf_putc(out, ' ');
            print_type_name(out, arg->fields[i].type);
        }
    }
    buf_putc(out, ')');
}

void print_table_function(Buf *out, const Relation *r, int indent)
{
    buf_puts(out, "TABLE(");
    print_name(out, &r->function.name);
    buf_putc(out, '(');
    for (size_t i = 0; i < r->function.n; i++) {
        const TableArgument *arg = &r->function.args[i];
        buf_puts(out, i ? ", " : "");
        if (arg->name.text.ptr) {
            print_identifier(out, &arg->name);
            buf_puts(out, " => ");
        }
        if (arg->kind == ARGUMENT_TABLE)
            print_table_argument(out, arg, indent);
        else if (arg->kind == ARGUMENT_DESCRIPTOR)
            print_descriptor(out, arg);
        else
            print_expression(out, arg->expr);
    }
    for (size_t i = 0; i < r->function.n_copartition; i++) {
        const NameList *list = &r->function.copartition[i];
        buf_puts(out, i ? ", (" : " COPARTITION (");
        for (size_t j = 0; j < list->n; j++) {
            buf_puts(out, j ? ", " : "");
            print_name(out, &list->items[j]);
        }
        buf_putc(out, ')');
    }
    buf_puts(out, "))");
}
