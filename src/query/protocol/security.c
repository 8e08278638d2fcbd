/* security.c - roles and grants. There are none: who may do what is decided by whoever lets clients reach the
 * server. What Trino says without an access control that has roles, is said here. */
#include "query/protocol/run.h"

static const struct {
    const char *what;
    const char *query;   /* its answer, or NULL: */
    const char *message; /* why it is refused */
} statements[] = {
    {"CREATE ROLE", NULL, "System roles are not enabled"},
    {"DROP ROLE", NULL, "System roles are not enabled"},
    {"SHOW CURRENT ROLES", "SELECT CAST('' AS varchar) AS \"Role\" WHERE false", NULL},
    {"SHOW ROLES", "SELECT CAST('' AS varchar) AS \"Role\" WHERE false", NULL},
    {"SHOW ROLE GRANTS", "SELECT CAST('' AS varchar) AS \"Role Grants\" WHERE false", NULL},
};
enum { N_STATEMENTS = sizeof statements / sizeof *statements };

static size_t find(const Statement *ast)
{
    size_t i = 0;
    while (i < N_STATEMENTS && !str_is(ast->what, statements[i].what))
        i++;
    return i;
}

bool is_security_statement(const Statement *ast)
{
    return ast->kind == STMT_UNSUPPORTED && find(ast) < N_STATEMENTS;
}

int run_security_statement(RunningStatement *s, const Statement *ast, Error *err)
{
    size_t i = find(ast);
    if (statements[i].query)
        return run_query_text(s, str_from(statements[i].query), err);
    return err_set(err, ERR_NOT_SUPPORTED, "%s", statements[i].message);
}
