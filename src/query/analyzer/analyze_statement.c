/* analyze_statement.c - statements: queries, INSERT, CREATE TABLE [AS], CREATE VIEW, and what is around them
 * (EXPLAIN). */
#include "query/analyzer/internal.h"

/* Checks text against a bounded column's length; made by the analyzer only. */
static const FunctionDef insert_length = {
    "$insert_length", FUNCTION_SCALAR, "varchar->varchar", "", "@insert_length", true, "",
};

static int output_columns(Analyzer *a, const Query *query, Analysis *analysis)
{
    OutputColumn *columns = arena_array(a->arena, OutputColumn, query->n_fields + 1);
    for (size_t i = 0; i < query->n_fields; i++) {
        Str name = query->fields[i].name;
        columns[i] =
            (OutputColumn){name.ptr ? name : arena_printf(a->arena, "_col%zu", i), query->fields[i].type};
    }
    analysis->columns = columns;
    analysis->n_columns = query->n_fields;
    return 0;
}

static int analyze_query_statement(Analyzer *a, Statement *statement, Analysis *analysis)
{
    if (analyze_root_query(a, statement->query) < 0)
        return -1;
    return output_columns(a, statement->query, analysis);
}

/* ---- INSERT ---- */

int analyze_table_column(const TableHandle *table, Str name)
{
    for (size_t i = 0; i < table->n_columns; i++)
        if (!table->columns[i].hidden && name_is(table->columns[i].name, name))
            return (int)i;
    return -1;
}

static int insert_columns(Analyzer *a, const Statement *statement, const TableHandle *table, int **ret_map,
                          size_t *ret_n)
{
    int *map = arena_array(a->arena, int, table->n_columns + statement->n_columns + 1);
    size_t n = 0;
    for (size_t i = 0; !statement->n_columns && i < table->n_columns; i++)
        if (!table->columns[i].hidden)
            map[n++] = (int)i;
    for (size_t i = 0; i < statement->n_columns; i++) {
        Str name = statement->columns[i].text;
        int column = analyze_table_column(table, name);
        if (column < 0)
            return FAIL(a, ERR_COLUMN_NOT_FOUND, statement->pos,
                        "Insert column name does not exist in target table: %.*s",
                        STR_ARG(arena_lower(a->arena, name)));
        for (size_t j = 0; j < n; j++)
            if (map[j] == column)
                return FAIL(a, ERR_DUPLICATE_COLUMN_NAME, statement->pos,
                            "Insert column name is specified more than once: %.*s",
                            STR_ARG(arena_lower(a->arena, name)));
        map[n++] = column;
    }
    *ret_map = map;
    *ret_n = n;
    return 0;
}

bool analyze_can_assign(const SqlType *from, const SqlType *to)
{
    if (sql_type_can_coerce(from, to))
        return true;
    if (from->kind == to->kind && from->kind != TYPE_ARRAY && from->kind != TYPE_MAP &&
        from->kind != TYPE_ROW)
        return true; /* decimals, texts and times of other sizes: the value must fit */
    if (from->kind == TYPE_DOUBLE && to->kind == TYPE_REAL)
        return true;
    if (sql_type_is_integral(from) && sql_type_is_integral(to))
        return true;
    return (to->kind == TYPE_DECIMAL && sql_type_is_integral(from)) ||
           (from->kind == TYPE_VARCHAR && to->kind == TYPE_CHAR) ||
           (from->kind == TYPE_CHAR && to->kind == TYPE_VARCHAR);
}

Str analyze_type_list(Analyzer *a, const SqlType *const *types, size_t n)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    for (size_t i = 0; i < n; i++)
        buf_printf(&out, "%s%.*s", i ? ", " : "", STR_ARG(sql_type_name(types[i], a->arena)));
    return arena_str(a->arena, buf_str(&out));
}

Expr *analyze_length_check(Analyzer *a, Expr *column, const SqlType *target)
{
    Expr *e = arena_new_of(a->arena, Expr);
    Expr **args = arena_array(a->arena, Expr *, 1);
    const SqlType **types = arena_array(a->arena, const SqlType *, 1);
    args[0] = column;
    types[0] = column->type;
    *e = (Expr){.kind = EXPR_FUNCTION,
                .pos = column->pos,
                .type = target,
                .coerced = target,
                .call = {.args = args, .n = 1, .def = &insert_length, .arg_types = types}};
    return e;
}

/* Texts that may be too long for their column go through a check: SELECT check(c0), c1 FROM (query). */
static Query *with_length_checks(Analyzer *a, Query *query, const SqlType *const *types)
{
    bool needed = false;
    for (size_t i = 0; i < query->n_fields; i++)
        needed |= query->fields[i].type->kind == TYPE_VARCHAR && types[i]->kind == TYPE_VARCHAR &&
                  query->fields[i].type->length > types[i]->length;
    if (!needed)
        return query;
    Relation *relation = arena_new_of(a->arena, Relation);
    *relation = (Relation){.kind = REL_SUBQUERY, .pos = query->pos, .query = query};
    relation->id = ++a->next_id;
    relation->fields = query->fields;
    relation->n_fields = query->n_fields;
    QuerySpec *spec = arena_new_of(a->arena, QuerySpec);
    QueryBody *body = arena_new_of(a->arena, QueryBody);
    Query *outer = arena_new_of(a->arena, Query);
    *spec = (QuerySpec){.pos = query->pos,
                        .from = relation,
                        .output = arena_array(a->arena, Expr *, query->n_fields + 1),
                        .n_output = query->n_fields};
    Field *fields = arena_array(a->arena, Field, query->n_fields + 1);
    for (size_t i = 0; i < query->n_fields; i++) {
        const SqlType *type = query->fields[i].type;
        Expr *column = arena_new_of(a->arena, Expr);
        *column = (Expr){.kind = EXPR_COLUMN,
                         .pos = query->pos,
                         .type = type,
                         .coerced = type,
                         .column = {.ref = {relation, (int)i, 0}}};
        bool check =
            type->kind == TYPE_VARCHAR && types[i]->kind == TYPE_VARCHAR && type->length > types[i]->length;
        spec->output[i] = check ? analyze_length_check(a, column, types[i]) : column;
        fields[i] = (Field){.name = query->fields[i].name, .type = spec->output[i]->type};
    }
    *body = (QueryBody){.kind = BODY_SELECT,
                        .pos = query->pos,
                        .select = spec,
                        .fields = fields,
                        .n_fields = query->n_fields};
    *outer = (Query){.pos = query->pos, .body = body, .fields = fields, .n_fields = query->n_fields};
    return outer;
}

static int find_target(Analyzer *a, Statement *statement, Analysis *analysis)
{
    Str parts[3];
    if (split_table_name(a, &statement->name, parts) < 0)
        return -1;
    Relation *reference = arena_new_of(a->arena, Relation);
    *reference = (Relation){.kind = REL_TABLE,
                            .pos = statement->pos,
                            .table = {.name = statement->name, .branch = statement->branch}};
    if (a->metadata->get_table(a->metadata, parts[0], parts[1], parts[2], reference, a->arena,
                               &analysis->target, a->err) < 0)
        return -1;
    if (analysis->target)
        return 0;
    return analyze_table_not_found(a, statement->pos, parts);
}

int analyze_fit_to_target(Analyzer *a, Statement *statement, Analysis *analysis, const int *map, size_t n)
{
    Query *query = statement->query;
    const SqlType **wanted = arena_array(a->arena, const SqlType *, n + 1);
    const SqlType **given = arena_array(a->arena, const SqlType *, query->n_fields + 1);
    bool fits = n == query->n_fields;
    for (size_t i = 0; i < query->n_fields; i++)
        given[i] = query->fields[i].type;
    for (size_t i = 0; i < n; i++) {
        wanted[i] = analysis->target->columns[map[i]].type;
        fits = fits && analyze_can_assign(given[i], wanted[i]);
    }
    if (!fits)
        return FAIL(a, ERR_TYPE_MISMATCH, statement->pos,
                    "Insert query has mismatched column types: Table: [%.*s], Query: [%.*s]",
                    STR_ARG(analyze_type_list(a, wanted, n)),
                    STR_ARG(analyze_type_list(a, given, query->n_fields)));
    statement->query = query = with_length_checks(a, query, wanted);
    coerce_body(query->body, wanted, a->arena);
    query->fields = query->body->fields;
    OutputColumn *columns = arena_array(a->arena, OutputColumn, n + 1);
    for (size_t i = 0; i < n; i++)
        columns[i] = (OutputColumn){analysis->target->columns[map[i]].name, wanted[i]};
    analysis->columns = columns;
    analysis->n_columns = n;
    analysis->insert_map = map;
    analysis->n_insert_map = n;
    return 0;
}

static int analyze_insert(Analyzer *a, Statement *statement, Analysis *analysis)
{
    int *map;
    size_t n;
    return find_target(a, statement, analysis) < 0 || analyze_root_query(a, statement->query) < 0 ||
                   insert_columns(a, statement, analysis->target, &map, &n) < 0
               ? -1
               : analyze_fit_to_target(a, statement, analysis, map, n);
}

/* ---- CREATE TABLE, CREATE VIEW ---- */

static int analyze_create_table(Analyzer *a, Statement *statement)
{
    for (size_t i = 0; i < statement->n_column_defs; i++) {
        ColumnDef *column = &statement->column_defs[i];
        Error why;
        if (column->is_like)
            continue;
        if (sql_type_resolve(column->type, a->arena, &column->resolved, &why) < 0)
            return FAIL(a, why.code, column->name.pos, "Unknown type '%.*s' for column '%.*s'",
                        STR_ARG(column->type->name), STR_ARG(arena_lower(a->arena, column->name.text)));
        for (size_t j = 0; j < i; j++)
            if (!statement->column_defs[j].is_like &&
                name_is(statement->column_defs[j].name.text, column->name.text))
                return FAIL(a, ERR_DUPLICATE_COLUMN_NAME, column->name.pos,
                            "Column name '%.*s' specified more than once",
                            STR_ARG(arena_lower(a->arena, column->name.text)));
    }
    return 0;
}

/* CREATE TABLE AS and CREATE VIEW: every column has a name and a type. */
int analyze_named_query(Analyzer *a, Statement *statement, Analysis *analysis)
{
    Query *query = statement->query;
    if (analyze_root_query(a, query) < 0)
        return -1;
    if (statement->n_columns && statement->n_columns != query->n_fields)
        return FAIL(a, ERR_MISMATCHED_COLUMN_ALIASES, statement->pos,
                    "Column alias list has %zu entries but relation has %zu columns", statement->n_columns,
                    query->n_fields);
    OutputColumn *columns = arena_array(a->arena, OutputColumn, query->n_fields + 1);
    const SqlType **types = arena_array(a->arena, const SqlType *, query->n_fields + 1);
    for (size_t i = 0; i < query->n_fields; i++) {
        Str name = statement->n_columns ? statement->columns[i].text : query->fields[i].name;
        types[i] = query->fields[i].type;
        if (!name.ptr)
            return FAIL(a, ERR_MISSING_COLUMN_NAME, statement->pos,
                        "Column name not specified at position %zu", i + 1);
        if (types[i]->kind == TYPE_UNKNOWN)
            return FAIL(a, ERR_COLUMN_TYPE_UNKNOWN, statement->pos, "Column type is unknown at position %zu",
                        i + 1);
        columns[i] = (OutputColumn){arena_lower(a->arena, name), types[i]};
        for (size_t j = 0; j < i; j++)
            if (str_eq(columns[j].name, columns[i].name))
                return FAIL(a, ERR_DUPLICATE_COLUMN_NAME, statement->pos,
                            "Column name '%.*s' specified more than once", STR_ARG(columns[i].name));
    }
    analysis->columns = columns;
    analysis->n_columns = query->n_fields;
    return 0;
}

/* ---- dispatch ---- */

static int analyze_statement(Analyzer *a, Statement *statement, Analysis *analysis)
{
    switch (statement->kind) {
    case STMT_QUERY:
        return analyze_query_statement(a, statement, analysis);
    case STMT_INSERT:
        return analyze_insert(a, statement, analysis);
    case STMT_CREATE_TABLE:
        return analyze_create_table(a, statement);
    case STMT_CREATE_TABLE_AS:
    case STMT_CREATE_VIEW:
        return analyze_named_query(a, statement, analysis);
    case STMT_CREATE_MATERIALIZED_VIEW:
        return analyze_create_materialized(a, statement, analysis);
    case STMT_ANALYZE:
        return analyze_analyze(a, statement, analysis);
    case STMT_REFRESH_MATERIALIZED_VIEW:
        return analyze_refresh(a, statement, analysis);
    case STMT_EXPLAIN:
    case STMT_EXPLAIN_ANALYZE:
        return analyze_statement(a, statement->inner, analysis);
    case STMT_DELETE:
        return analyze_delete(a, statement, analysis);
    case STMT_UPDATE:
        return analyze_update(a, statement, analysis);
    case STMT_MERGE:
        return analyze_merge(a, statement, analysis);
    case STMT_ALTER_EXECUTE:
        return analyze_table_execute(a, statement, analysis);
    case STMT_CREATE_FUNCTION:
    case STMT_DROP_FUNCTION:
        return analyze_function_statement(a, statement);
    default:
        return 0;
    }
}

int sql_analyze(Statement *statement, const AnalyzerSession *session, MetadataSource *metadata, Arena *arena,
                Analysis **ret, Error *err)
{
    Error ignored;
    Analyzer a = {.arena = arena, .session = session, .metadata = metadata, .err = err ? err : &ignored};
    Analysis *analysis = arena_new_of(arena, Analysis);
    size_t n = statement->n_parameters > 0 ? (size_t)statement->n_parameters : 0;
    a.parameter_types = arena_array(arena, const SqlType *, n + 1);
    a.n_parameters = n;
    for (size_t i = 0; i < n; i++)
        a.parameter_types[i] = &TYPE_UNKNOWN_;
    if (!session->describe_only && n != session->n_parameters)
        return err_set_sql(a.err, ERR_INVALID_PARAMETER_USAGE, statement->pos.line, statement->pos.column,
                           "Incorrect number of parameters: expected %zu but found %zu", n,
                           session->n_parameters);
    if (analyze_statement(&a, statement, analysis) < 0)
        return -1;
    analysis->tables = a.tables.items;
    analysis->n_tables = a.tables.n;
    analysis->parameter_types = a.parameter_types;
    analysis->n_parameters = n;
    *ret = analysis;
    return arena_check(arena, a.err);
}
