/* analyze_materialized.c - CREATE and REFRESH MATERIALIZED VIEW. A refresh is the insertion of the view's
 * query, in the names of the session that made it, into the table behind the view. */
#include "query/analyzer/internal.h"
#include "query/sql/parser.h"

int analyze_create_materialized(Analyzer *a, Statement *statement, Analysis *analysis)
{
    bool is_months;
    if (statement->or_replace && statement->if_not_exists)
        return FAIL(a, ERR_NOT_SUPPORTED, statement->pos,
                    "'CREATE OR REPLACE' and 'IF NOT EXISTS' clauses can not be used together");
    statement->grace_period_ms = -1;
    const Expr *grace = statement->grace_period;
    if (grace && (!literal_parse_interval(grace, &statement->grace_period_ms, &is_months) || is_months))
        return FAIL(a, ERR_INVALID_LITERAL, grace->pos, "Grace period must be a day to second interval");
    if (grace && statement->grace_period_ms < 0)
        return FAIL(a, ERR_NOT_SUPPORTED, grace->pos, "Grace period cannot be negative");
    return analyze_named_query(a, statement, analysis);
}

static int analyze_definition(Analyzer *a, Statement *statement, const ViewDefinition *definition)
{
    Statement *inner;
    Error why;
    if (sql_parse(definition->sql, a->arena, &inner, &why) < 0 || inner->kind != STMT_QUERY)
        return FAIL(a, ERR_INVALID_VIEW, statement->pos, "Failed parsing stored view: %s", why.message);
    AnalyzerSession session = *a->session;
    session.catalog = definition->catalog;
    session.schema = definition->schema;
    const AnalyzerSession *outer = a->session;
    a->session = &session;
    statement->query = inner->query;
    int failed = analyze_root_query(a, statement->query);
    a->session = outer;
    return failed;
}

int analyze_refresh(Analyzer *a, Statement *statement, Analysis *analysis)
{
    Str parts[3];
    MaterializedView view = {0};
    if (split_table_name(a, &statement->name, parts) < 0)
        return -1;
    if (a->metadata->get_materialized &&
        a->metadata->get_materialized(a->metadata, parts[0], parts[1], parts[2], a->arena, &view, a->err) < 0)
        return -1;
    if (!view.definition.sql.ptr)
        return FAIL(a, ERR_TABLE_NOT_FOUND, statement->pos,
                    "Materialized view '%.*s.%.*s.%.*s' does not exist", STR_ARG(parts[0]), STR_ARG(parts[1]),
                    STR_ARG(parts[2]));
    if (!view.storage)
        return FAIL(a, ERR_INVALID_VIEW, statement->pos,
                    "The storage table of materialized view '%.*s.%.*s.%.*s' does not exist",
                    STR_ARG(parts[0]), STR_ARG(parts[1]), STR_ARG(parts[2]));
    analysis->target = view.storage;
    if (analyze_definition(a, statement, &view.definition) < 0)
        return -1;
    int *map = arena_array(a->arena, int, view.storage->n_columns + 1);
    size_t n = 0;
    for (size_t i = 0; i < view.storage->n_columns; i++)
        if (!view.storage->columns[i].hidden)
            map[n++] = (int)i;
    return analyze_fit_to_target(a, statement, analysis, map, n);
}
