/* print_json.c - the SQL/JSON functions and JSON_TABLE as text. */
#include "query/sql/print_internal.h"

static void print_format(Buf *out, JsonFormat format)
{
    static const char *const formats[] = {
        [JSON_FORMAT_NONE] = "",
        [JSON_FORMAT_JSON] = " FORMAT JSON",
        [JSON_FORMAT_UTF8] = " FORMAT JSON ENCODING UTF8",
        [JSON_FORMAT_UTF16] = " FORMAT JSON ENCODING UTF16",
        [JSON_FORMAT_UTF32] = " FORMAT JSON ENCODING UTF32",
    };
    buf_puts(out, formats[format]);
}

static void print_input(Buf *out, const JsonInput *input)
{
    print_expression(out, input->expr);
    print_format(out, input->format);
}

static void print_invocation(Buf *out, const JsonInvocation *invocation)
{
    print_input(out, &invocation->input);
    buf_puts(out, ", ");
    sql_print_string(out, invocation->path);
    if (invocation->path_name.text.ptr) {
        buf_puts(out, " AS ");
        print_identifier(out, &invocation->path_name);
    }
    for (size_t i = 0; i < invocation->n_args; i++) {
        buf_puts(out, i == 0 ? " PASSING " : ", ");
        print_input(out, &invocation->args[i].value);
        buf_puts(out, " AS ");
        print_identifier(out, &invocation->args[i].name);
    }
}

static void print_behavior(Buf *out, JsonBehavior behavior, const Expr *value, const char *when)
{
    static const char *const names[] = {
        [JSON_BEHAVIOR_NULL] = "NULL",
        [JSON_BEHAVIOR_ERROR] = "ERROR",
        [JSON_BEHAVIOR_DEFAULT] = "DEFAULT ",
        [JSON_BEHAVIOR_EMPTY_ARRAY] = "EMPTY ARRAY",
        [JSON_BEHAVIOR_EMPTY_OBJECT] = "EMPTY OBJECT",
        [JSON_BEHAVIOR_TRUE] = "TRUE",
        [JSON_BEHAVIOR_FALSE] = "FALSE",
        [JSON_BEHAVIOR_UNKNOWN] = "UNKNOWN",
        [JSON_BEHAVIOR_EMPTY] = "EMPTY",
    };
    if (behavior == JSON_BEHAVIOR_NONE)
        return;
    buf_printf(out, " %s", names[behavior]);
    print_expression(out, value);
    buf_printf(out, " ON %s", when);
}

static void print_output(Buf *out, const JsonOutput *output)
{
    static const char *const wrappers[] = {
        [JSON_WRAPPER_NONE] = "",
        [JSON_WRAPPER_WITHOUT] = " WITHOUT ARRAY WRAPPER",
        [JSON_WRAPPER_ALWAYS] = " WITH UNCONDITIONAL ARRAY WRAPPER",
        [JSON_WRAPPER_CONDITIONAL] = " WITH CONDITIONAL ARRAY WRAPPER",
    };
    static const char *const quotes[] = {"", " KEEP QUOTES ON SCALAR STRING",
                                         " OMIT QUOTES ON SCALAR STRING"};
    buf_puts(out, wrappers[output->wrapper]);
    buf_puts(out, quotes[output->quotes]);
    print_behavior(out, output->on_empty, output->empty_default, "EMPTY");
    print_behavior(out, output->on_error, output->error_default, "ERROR");
}

static void print_returning(Buf *out, const JsonOutput *output)
{
    if (!output->returning)
        return;
    buf_puts(out, " RETURNING ");
    print_type_name(out, output->returning);
    print_format(out, output->format);
}

static void print_members(Buf *out, const JsonExpr *json)
{
    bool is_object = json->function == CALL_JSON_OBJECT;
    static const char *const nulls[] = {"", " NULL ON NULL", " ABSENT ON NULL"};
    for (size_t i = 0; i < json->n_members; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        if (is_object) {
            buf_puts(out, "KEY ");
            print_expression(out, json->members[i].key);
            buf_puts(out, " VALUE ");
        }
        print_input(out, &json->members[i].value);
    }
    if (json->n_members == 0)
        return;
    JsonNulls usual = is_object ? JSON_NULLS_NULL : JSON_NULLS_ABSENT;
    buf_puts(out, nulls[json->nulls ? json->nulls : usual]);
    if (is_object)
        buf_puts(out, json->unique_keys ? " WITH UNIQUE KEYS" : " WITHOUT UNIQUE KEYS");
}

void print_json_function(Buf *out, const Expr *e)
{
    static const char *const names[] = {
        [CALL_JSON_EXISTS] = "JSON_EXISTS(", [CALL_JSON_VALUE] = "JSON_VALUE(",
        [CALL_JSON_QUERY] = "JSON_QUERY(",   [CALL_JSON_OBJECT] = "JSON_OBJECT(",
        [CALL_JSON_ARRAY] = "JSON_ARRAY(",
    };
    const JsonExpr *json = e->json;
    buf_puts(out, names[json->function]);
    if (json->function <= CALL_JSON_QUERY)
        print_invocation(out, &json->invocation);
    else
        print_members(out, json);
    print_returning(out, &json->output);
    print_output(out, &json->output);
    buf_putc(out, ')');
}

/* ---- JSON_TABLE ---- */

static void print_columns(Buf *out, const JsonColumn *columns, size_t n);

static void print_column(Buf *out, const JsonColumn *column)
{
    if (column->kind == JSON_COLUMN_NESTED) {
        buf_puts(out, "NESTED PATH ");
        sql_print_string(out, column->path);
        if (column->name.text.ptr) {
            buf_puts(out, " AS ");
            print_identifier(out, &column->name);
        }
        print_columns(out, column->columns, column->n_columns);
        return;
    }
    print_identifier(out, &column->name);
    if (column->kind == JSON_COLUMN_ORDINALITY) {
        buf_puts(out, " FOR ORDINALITY");
        return;
    }
    buf_putc(out, ' ');
    print_type_name(out, column->output.returning);
    print_format(out, column->output.format);
    if (column->path.ptr) {
        buf_puts(out, " PATH ");
        sql_print_string(out, column->path);
    }
    print_output(out, &column->output);
}

static void print_columns(Buf *out, const JsonColumn *columns, size_t n)
{
    buf_puts(out, " COLUMNS (");
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        print_column(out, &columns[i]);
    }
    buf_putc(out, ')');
}

static void print_plan(Buf *out, const JsonPlan *plan)
{
    static const char *const words[] = {
        [JSON_PLAN_OUTER] = " OUTER ",
        [JSON_PLAN_INNER] = " INNER ",
        [JSON_PLAN_UNION] = " UNION ",
        [JSON_PLAN_CROSS] = " CROSS ",
    };
    bool siblings = plan->kind == JSON_PLAN_UNION || plan->kind == JSON_PLAN_CROSS;
    if (!siblings)
        print_identifier(out, &plan->name);
    for (size_t i = 0; i < plan->n; i++) {
        bool wrap = plan->items[i]->kind != JSON_PLAN_LEAF;
        buf_puts(out, siblings && i == 0 ? "" : words[plan->kind]);
        buf_puts(out, wrap ? "(" : "");
        print_plan(out, plan->items[i]);
        buf_puts(out, wrap ? ")" : "");
    }
}

void print_json_table(Buf *out, const JsonTable *table)
{
    buf_puts(out, "JSON_TABLE(");
    print_invocation(out, &table->invocation);
    print_columns(out, table->columns, table->n_columns);
    if (table->plan) {
        buf_puts(out, " PLAN (");
        print_plan(out, table->plan);
        buf_putc(out, ')');
    } else if (table->has_default_plan) {
        buf_printf(out, " PLAN DEFAULT (%s, %s)", table->is_inner ? "INNER" : "OUTER",
                   table->is_cross ? "CROSS" : "UNION");
    }
    print_behavior(out, table->on_error, NULL, "ERROR");
    buf_putc(out, ')');
}
