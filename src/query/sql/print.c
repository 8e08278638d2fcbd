/* print.c - statements to text. A table gives each kind its function; forms that share a shape share one. */
#include "query/sql/print_internal.h"

static void print_properties(Buf *out, const Property *properties, size_t n, const char *before,
                             const char *after)
{
    if (n == 0)
        return;
    buf_puts(out, before);
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        print_identifier(out, &properties[i].name);
        buf_puts(out, " = ");
        if (properties[i].value)
            print_expression(out, properties[i].value);
        else
            buf_puts(out, "DEFAULT");
    }
    buf_puts(out, after);
}

static void print_comment_clause(Buf *out, Str comment)
{
    if (!comment.ptr)
        return;
    buf_puts(out, " COMMENT ");
    sql_print_string(out, comment);
}

static void print_target(Buf *out, const Statement *s, const char *words)
{
    buf_puts(out, words);
    print_name(out, &s->name);
    if (s->branch.text.ptr) {
        buf_puts(out, " @ ");
        print_identifier(out, &s->branch);
    }
}

static void print_where(Buf *out, const Statement *s)
{
    if (!s->where)
        return;
    buf_puts(out, "\nWHERE ");
    print_expression(out, s->where);
}

/* ---- queries and rows ---- */

static void print_query_statement(Buf *out, const Statement *s)
{
    for (size_t i = 0; i < s->n_session; i++) {
        buf_puts(out, i == 0 ? "WITH SESSION " : ", ");
        print_name(out, &s->session[i].name);
        buf_puts(out, " = ");
        print_expression(out, s->session[i].value);
    }
    buf_puts(out, s->n_session ? "\n" : "");
    sql_print_query(out, s->query);
}

static void print_insert(Buf *out, const Statement *s)
{
    print_target(out, s, "INSERT INTO ");
    if (s->n_columns) {
        buf_putc(out, ' ');
        print_names(out, s->columns, s->n_columns);
    }
    buf_putc(out, '\n');
    sql_print_query(out, s->query);
}

static void print_delete(Buf *out, const Statement *s)
{
    print_target(out, s, "DELETE FROM ");
    print_where(out, s);
}

static void print_assignments(Buf *out, const Ident *columns, Expr *const *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        print_identifier(out, &columns[i]);
        buf_puts(out, " = ");
        print_expression(out, values[i]);
    }
}

static void print_update(Buf *out, const Statement *s)
{
    print_target(out, s, "UPDATE ");
    buf_puts(out, " SET ");
    print_assignments(out, s->set_columns, s->set_values, s->n_set);
    print_where(out, s);
}

static void print_merge_case(Buf *out, const MergeCase *merge)
{
    buf_puts(out, merge->matched ? "\nWHEN MATCHED" : "\nWHEN NOT MATCHED");
    if (merge->condition) {
        buf_puts(out, " AND ");
        print_expression(out, merge->condition);
    }
    buf_puts(out, " THEN ");
    if (merge->action == MERGE_DELETE) {
        buf_puts(out, "DELETE");
    } else if (merge->action == MERGE_UPDATE) {
        buf_puts(out, "UPDATE SET ");
        print_assignments(out, merge->columns, merge->values, merge->n_columns);
    } else {
        buf_puts(out, "INSERT ");
        if (merge->n_columns) {
            print_names(out, merge->columns, merge->n_columns);
            buf_putc(out, ' ');
        }
        buf_puts(out, "VALUES (");
        print_expressions(out, merge->values, merge->n_values);
        buf_putc(out, ')');
    }
}

static void print_merge(Buf *out, const Statement *s)
{
    print_target(out, s, "MERGE INTO ");
    print_alias(out, &s->target_relation->alias);
    buf_puts(out, "\nUSING ");
    print_relation(out, s->source_relation, 0);
    buf_puts(out, " ON ");
    print_expression(out, s->merge_on);
    for (size_t i = 0; i < s->n_merge_cases; i++)
        print_merge_case(out, &s->merge_cases[i]);
}

static void print_truncate(Buf *out, const Statement *s) { print_target(out, s, "TRUNCATE TABLE "); }

/* ---- definitions ---- */

static void print_column_type(Buf *out, const ColumnDef *column)
{
    buf_putc(out, ' ');
    print_type_name(out, column->type);
    if (column->default_value) {
        buf_puts(out, " DEFAULT ");
        print_expression(out, column->default_value);
    }
    buf_puts(out, column->not_null ? " NOT NULL" : "");
    print_comment_clause(out, column->comment);
    print_properties(out, column->properties, column->n_properties, " WITH (", ")");
}

static void print_column_defs(Buf *out, const Statement *s)
{
    buf_puts(out, " (\n");
    for (size_t i = 0; i < s->n_column_defs; i++) {
        const ColumnDef *column = &s->column_defs[i];
        buf_puts(out, i > 0 ? ",\n   " : "   ");
        if (column->is_like) {
            buf_puts(out, "LIKE ");
            print_name(out, &column->like);
            buf_puts(out, column->including_properties ? " INCLUDING PROPERTIES" : "");
        } else {
            print_identifier(out, &column->name);
            print_column_type(out, column);
        }
    }
    buf_puts(out, "\n)");
}

static void print_create_table(Buf *out, const Statement *s)
{
    buf_puts(out, s->or_replace ? "CREATE OR REPLACE TABLE " : "CREATE TABLE ");
    print_target(out, s, s->if_not_exists ? "IF NOT EXISTS " : "");
    if (s->n_columns) {
        buf_putc(out, ' ');
        print_names(out, s->columns, s->n_columns);
    }
    if (s->kind == STMT_CREATE_TABLE)
        print_column_defs(out, s);
    print_comment_clause(out, s->comment);
    print_properties(out, s->properties, s->n_properties, " WITH (", ")");
    if (s->kind == STMT_CREATE_TABLE_AS) {
        buf_puts(out, " AS\n");
        sql_print_query(out, s->query);
        buf_puts(out, s->with_data ? "" : "\nWITH NO DATA");
    }
}

static void print_create_schema(Buf *out, const Statement *s)
{
    print_target(out, s, s->if_not_exists ? "CREATE SCHEMA IF NOT EXISTS " : "CREATE SCHEMA ");
    print_properties(out, s->properties, s->n_properties, " WITH (", ")");
}

static void print_create_view(Buf *out, const Statement *s)
{
    print_target(out, s, s->or_replace ? "CREATE OR REPLACE VIEW " : "CREATE VIEW ");
    print_comment_clause(out, s->comment);
    buf_puts(out, s->view_security_invoker ? " SECURITY INVOKER AS\n" : " SECURITY DEFINER AS\n");
    sql_print_query(out, s->query);
}

static void print_drop(Buf *out, const Statement *s)
{
    buf_puts(out, s->kind == STMT_DROP_TABLE               ? "DROP TABLE "
                  : s->kind == STMT_DROP_VIEW              ? "DROP VIEW "
                  : s->kind == STMT_DROP_MATERIALIZED_VIEW ? "DROP MATERIALIZED VIEW "
                                                           : "DROP SCHEMA ");
    print_target(out, s, s->if_exists ? "IF EXISTS " : "");
    buf_puts(out, s->cascade ? " CASCADE" : "");
}

static void print_rename(Buf *out, const Statement *s)
{
    buf_puts(out, s->kind == STMT_RENAME_SCHEMA              ? "ALTER SCHEMA "
                  : s->kind == STMT_RENAME_VIEW              ? "ALTER VIEW "
                  : s->kind == STMT_RENAME_MATERIALIZED_VIEW ? "ALTER MATERIALIZED VIEW "
                                                             : "ALTER TABLE ");
    print_target(out, s, s->if_exists ? "IF EXISTS " : "");
    buf_puts(out, " RENAME TO ");
    print_name(out, &s->target);
}

static void print_alter_column(Buf *out, const Statement *s)
{
    print_target(out, s, s->if_exists ? "ALTER TABLE IF EXISTS " : "ALTER TABLE ");
    buf_puts(out, s->kind == STMT_ADD_COLUMN ? " ADD COLUMN " : s->kind == STMT_DROP_COLUMN ? " DROP COLUMN "
                  : s->kind == STMT_RENAME_COLUMN ? " RENAME COLUMN " : " ALTER COLUMN ");
    buf_puts(out, s->column_if_exists ? "IF EXISTS " : s->if_not_exists ? "IF NOT EXISTS " : "");
    print_name(out, &s->column);
    if (s->kind == STMT_ADD_COLUMN) {
        print_column_type(out, &s->column_defs[0]);
        buf_puts(out, s->column_first ? " FIRST" : s->column_after.text.ptr ? " AFTER " : "");
        if (s->column_after.text.ptr)
            print_identifier(out, &s->column_after);
    } else if (s->kind == STMT_RENAME_COLUMN) {
        buf_puts(out, " TO ");
        print_name(out, &s->target);
    } else if (s->kind == STMT_SET_COLUMN_TYPE) {
        buf_puts(out, " SET DATA TYPE ");
        print_type_name(out, s->column_type);
    }
}

static void print_create_materialized(Buf *out, const Statement *s)
{
    buf_puts(out, s->or_replace ? "CREATE OR REPLACE MATERIALIZED VIEW " : "CREATE MATERIALIZED VIEW ");
    print_target(out, s, s->if_not_exists ? "IF NOT EXISTS " : "");
    if (s->grace_period) {
        buf_puts(out, "\nGRACE PERIOD ");
        print_expression(out, s->grace_period);
    }
    if (s->when_stale)
        buf_puts(out, s->when_stale == WHEN_STALE_FAIL ? "\nWHEN STALE FAIL" : "\nWHEN STALE INLINE");
    print_comment_clause(out, s->comment);
    print_properties(out, s->properties, s->n_properties, " WITH (", ")");
    buf_puts(out, " AS\n");
    sql_print_query(out, s->query);
}

static void print_refresh(Buf *out, const Statement *s)
{
    print_target(out, s, "REFRESH MATERIALIZED VIEW ");
}

static void print_branch(Buf *out, const Statement *s)
{
    bool creates = s->kind == STMT_CREATE_BRANCH;
    buf_puts(out, creates ? (s->or_replace ? "CREATE OR REPLACE BRANCH " : "CREATE BRANCH ")
                  : s->kind == STMT_DROP_BRANCH ? "DROP BRANCH "
                                                : "ALTER BRANCH ");
    buf_puts(out, s->if_not_exists ? "IF NOT EXISTS " : s->if_exists ? "IF EXISTS " : "");
    print_identifier(out, &s->branch);
    print_properties(out, s->properties, s->n_properties, " WITH (", ")");
    buf_puts(out, " IN TABLE ");
    print_name(out, &s->name);
    if (!s->other_branch.text.ptr)
        return;
    buf_puts(out, creates ? " FROM " : " FAST FORWARD TO ");
    print_identifier(out, &s->other_branch);
}

static void print_set_properties(Buf *out, const Statement *s)
{
    if (s->kind == STMT_SET_MATERIALIZED_VIEW_PROPERTIES)
        print_target(out, s, "ALTER MATERIALIZED VIEW ");
    else
        print_target(out, s, s->if_exists ? "ALTER TABLE IF EXISTS " : "ALTER TABLE ");
    print_properties(out, s->properties, s->n_properties, " SET PROPERTIES ", "");
}

static void print_table_execute(Buf *out, const Statement *s)
{
    print_target(out, s, s->if_exists ? "ALTER TABLE IF EXISTS " : "ALTER TABLE ");
    buf_puts(out, " EXECUTE ");
    print_name(out, &s->target);
    if (s->n_args) {
        buf_putc(out, '(');
        print_arguments(out, s->args, s->arg_names, s->n_args);
        buf_putc(out, ')');
    }
    print_where(out, s);
}

static void print_comment(Buf *out, const Statement *s)
{
    print_target(out, s, s->is_view_comment ? "COMMENT ON VIEW " : s->is_column_comment ? "COMMENT ON COLUMN "
                         : "COMMENT ON TABLE ");
    buf_puts(out, " IS ");
    if (s->comment.ptr)
        sql_print_string(out, s->comment);
    else
        buf_puts(out, "NULL");
}

static void print_analyze(Buf *out, const Statement *s)
{
    print_target(out, s, "ANALYZE ");
    print_properties(out, s->properties, s->n_properties, " WITH (", ")");
}

static void print_call_statement(Buf *out, const Statement *s)
{
    print_target(out, s, "CALL ");
    buf_putc(out, '(');
    print_arguments(out, s->args, s->arg_names, s->n_args);
    buf_putc(out, ')');
}

/* ---- SHOW, EXPLAIN ---- */

static void print_show(Buf *out, const Statement *s)
{
    static const struct { StatementKind kind; const char *words; } words[] = {
        { STMT_SHOW_CATALOGS, "SHOW CATALOGS" },   { STMT_SHOW_SCHEMAS, "SHOW SCHEMAS" },
        { STMT_SHOW_TABLES, "SHOW TABLES" },       { STMT_SHOW_COLUMNS, "SHOW COLUMNS FROM " },
        { STMT_SHOW_FUNCTIONS, "SHOW FUNCTIONS" }, { STMT_SHOW_SESSION, "SHOW SESSION" },
        { STMT_SHOW_CREATE_TABLE, "SHOW CREATE TABLE " }, { STMT_SHOW_CREATE_SCHEMA, "SHOW CREATE SCHEMA " },
        { STMT_SHOW_CREATE_VIEW, "SHOW CREATE VIEW " }, { STMT_SHOW_STATS, "SHOW STATS FOR " },
        { STMT_SHOW_CREATE_MATERIALIZED_VIEW, "SHOW CREATE MATERIALIZED VIEW " },
        { STMT_SHOW_BRANCHES, "SHOW BRANCHES FROM TABLE " },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].kind == s->kind)
            buf_puts(out, words[i].words);
    print_name(out, &s->name);
    if (s->query)
        print_query_in_parens(out, s->query);
    if (s->target.n) {
        buf_puts(out, " FROM ");
        print_name(out, &s->target);
    }
    if (s->like.ptr) {
        buf_puts(out, " LIKE ");
        sql_print_string(out, s->like);
    }
    if (s->like_escape.ptr) {
        buf_puts(out, " ESCAPE ");
        sql_print_string(out, s->like_escape);
    }
}

static void print_explain(Buf *out, const Statement *s)
{
    buf_puts(out, s->kind == STMT_EXPLAIN ? "EXPLAIN"
                  : s->verbose            ? "EXPLAIN ANALYZE VERBOSE"
                                          : "EXPLAIN ANALYZE");
    const char *separator = " (";
    if (s->explain_type.len) {
        buf_printf(out, "%sTYPE %.*s", separator, STR_ARG(s->explain_type));
        separator = ", ";
    }
    if (s->explain_format.len) {
        buf_printf(out, "%sFORMAT %.*s", separator, STR_ARG(s->explain_format));
        separator = ", ";
    }
    buf_puts(out, separator[0] == ',' ? ")\n" : "\n");
    sql_print_statement(out, s->inner);
}

/* ---- the session ---- */

static void print_use(Buf *out, const Statement *s) { print_target(out, s, "USE "); }
static void print_reset(Buf *out, const Statement *s) { print_target(out, s, "RESET SESSION "); }

static void print_set_session(Buf *out, const Statement *s)
{
    print_target(out, s, "SET SESSION ");
    buf_puts(out, " = ");
    print_expression(out, s->value);
}

static void print_set_time_zone(Buf *out, const Statement *s)
{
    buf_puts(out, s->value ? "SET TIME ZONE " : "SET TIME ZONE LOCAL");
    print_expression(out, s->value);
}

static void print_set_role(Buf *out, const Statement *s)
{
    buf_puts(out, "SET ROLE ");
    if (s->name.n)
        print_name(out, &s->name);
    else
        buf_add(out, s->what);
    if (s->target.n) {
        buf_puts(out, " IN ");
        print_name(out, &s->target);
    }
}

static void print_set_path(Buf *out, const Statement *s)
{
    buf_puts(out, "SET PATH ");
    print_expressions(out, s->args, s->n_args);
}

static void print_authorization(Buf *out, const Statement *s)
{
    if (s->kind == STMT_RESET_SESSION_AUTHORIZATION) {
        buf_puts(out, "RESET SESSION AUTHORIZATION");
        return;
    }
    buf_puts(out, "SET SESSION AUTHORIZATION ");
    print_expression(out, s->value);
}

static void print_prepare(Buf *out, const Statement *s)
{
    print_target(out, s, "PREPARE ");
    buf_puts(out, " FROM\n");
    sql_print_statement(out, s->inner);
}

static void print_deallocate(Buf *out, const Statement *s) { print_target(out, s, "DEALLOCATE PREPARE "); }

static void print_describe(Buf *out, const Statement *s)
{
    print_target(out, s, s->kind == STMT_DESCRIBE_INPUT ? "DESCRIBE INPUT " : "DESCRIBE OUTPUT ");
}

static void print_execute(Buf *out, const Statement *s)
{
    buf_puts(out, "EXECUTE ");
    if (s->kind == STMT_EXECUTE_IMMEDIATE) {
        buf_puts(out, "IMMEDIATE ");
        sql_print_string(out, s->immediate);
    } else {
        print_name(out, &s->name);
    }
    if (s->n_args) {
        buf_puts(out, " USING ");
        print_expressions(out, s->args, s->n_args);
    }
}

static void print_start(Buf *out, const Statement *s)
{
    buf_puts(out, "START TRANSACTION");
    if (s->isolation.len)
        buf_printf(out, " ISOLATION LEVEL %.*s", STR_ARG(s->isolation));
    if (s->read_only)
        buf_puts(out, s->isolation.len ? ", READ ONLY" : " READ ONLY");
}

static void print_commit(Buf *out, const Statement *s)
{
    buf_puts(out, s->kind == STMT_COMMIT ? "COMMIT" : "ROLLBACK");
}
static void print_text(Buf *out, const Statement *s) { buf_add(out, s->text); }

static void (*const printers[])(Buf *out, const Statement *s) = {
    [STMT_QUERY] = print_query_statement,
    [STMT_INSERT] = print_insert,
    [STMT_DELETE] = print_delete,
    [STMT_UPDATE] = print_update,
    [STMT_MERGE] = print_merge,
    [STMT_TRUNCATE] = print_truncate,
    [STMT_CREATE_SCHEMA] = print_create_schema,
    [STMT_DROP_SCHEMA] = print_drop,
    [STMT_RENAME_SCHEMA] = print_rename,
    [STMT_CREATE_TABLE] = print_create_table,
    [STMT_CREATE_TABLE_AS] = print_create_table,
    [STMT_DROP_TABLE] = print_drop,
    [STMT_RENAME_TABLE] = print_rename,
    [STMT_RENAME_VIEW] = print_rename,
    [STMT_ADD_COLUMN] = print_alter_column,
    [STMT_DROP_COLUMN] = print_alter_column,
    [STMT_RENAME_COLUMN] = print_alter_column,
    [STMT_SET_COLUMN_TYPE] = print_alter_column,
    [STMT_SET_PROPERTIES] = print_set_properties,
    [STMT_COMMENT] = print_comment,
    [STMT_CREATE_VIEW] = print_create_view,
    [STMT_DROP_VIEW] = print_drop,
    [STMT_CREATE_MATERIALIZED_VIEW] = print_create_materialized,
    [STMT_REFRESH_MATERIALIZED_VIEW] = print_refresh,
    [STMT_DROP_MATERIALIZED_VIEW] = print_drop,
    [STMT_RENAME_MATERIALIZED_VIEW] = print_rename,
    [STMT_SET_MATERIALIZED_VIEW_PROPERTIES] = print_set_properties,
    [STMT_CREATE_BRANCH] = print_branch,
    [STMT_DROP_BRANCH] = print_branch,
    [STMT_FAST_FORWARD_BRANCH] = print_branch,
    [STMT_SHOW_CATALOGS] = print_show,
    [STMT_SHOW_SCHEMAS] = print_show,
    [STMT_SHOW_TABLES] = print_show,
    [STMT_SHOW_COLUMNS] = print_show,
    [STMT_SHOW_CREATE_TABLE] = print_show,
    [STMT_SHOW_CREATE_SCHEMA] = print_show,
    [STMT_SHOW_CREATE_VIEW] = print_show,
    [STMT_SHOW_FUNCTIONS] = print_show,
    [STMT_SHOW_SESSION] = print_show,
    [STMT_SHOW_STATS] = print_show,
    [STMT_SHOW_BRANCHES] = print_show,
    [STMT_SHOW_CREATE_MATERIALIZED_VIEW] = print_show,
    [STMT_EXPLAIN] = print_explain,
    [STMT_EXPLAIN_ANALYZE] = print_explain,
    [STMT_USE] = print_use,
    [STMT_SET_SESSION] = print_set_session,
    [STMT_RESET_SESSION] = print_reset,
    [STMT_SET_TIME_ZONE] = print_set_time_zone,
    [STMT_PREPARE] = print_prepare,
    [STMT_DEALLOCATE] = print_deallocate,
    [STMT_EXECUTE] = print_execute,
    [STMT_EXECUTE_IMMEDIATE] = print_execute,
    [STMT_DESCRIBE_INPUT] = print_describe,
    [STMT_DESCRIBE_OUTPUT] = print_describe,
    [STMT_START_TRANSACTION] = print_start,
    [STMT_COMMIT] = print_commit,
    [STMT_ROLLBACK] = print_commit,
    [STMT_CALL] = print_call_statement,
    [STMT_ANALYZE] = print_analyze,
    [STMT_SET_ROLE] = print_set_role,
    [STMT_SET_PATH] = print_set_path,
    [STMT_SET_SESSION_AUTHORIZATION] = print_authorization,
    [STMT_RESET_SESSION_AUTHORIZATION] = print_authorization,
    [STMT_ALTER_EXECUTE] = print_table_execute,
    [STMT_CREATE_FUNCTION] = print_text,
    [STMT_DROP_FUNCTION] = print_text,
    [STMT_UNSUPPORTED] = print_text,
};

void sql_print_statement(Buf *out, const Statement *statement)
{
    if ((size_t)statement->kind < sizeof printers / sizeof *printers && printers[statement->kind])
        printers[statement->kind](out, statement);
}
