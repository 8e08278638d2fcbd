/* analyze_dml.c - DELETE, UPDATE and MERGE as one query that tells what happens to which row.
 *
 * The query's columns are: the target row's id (of the target's last column, which no name reaches; NULL for
 * a row to be inserted), for MERGE the number of the case that applies (NULL: none), and for UPDATE and MERGE
 * the new values of the table's columns. Source: Trino 483, StatementAnalyzer (texts of errors). */
#include "query/analyzer/internal.h"

static Expr *new_expr(Analyzer *a, ExprKind kind, SqlPos pos, const SqlType *type)
{
    Expr *e = arena_new_of(a->arena, Expr);
    *e = (Expr){.kind = kind, .pos = pos, .type = type, .coerced = type};
    return e;
}

static Expr *target_column(Analyzer *a, Relation *target, size_t index, SqlPos pos)
{
    Expr *e = new_expr(a, EXPR_COLUMN, pos, target->fields[index].type);
    e->column.ref = target->fields[index].ref;
    mark_used(&target->fields[index]);
    return e;
}

static Expr *row_id(Analyzer *a, Relation *target, SqlPos pos)
{
    return target_column(a, target, target->n_fields - 1, pos);
}

/* The query over the target (and a MERGE's source) with these expressions as written; analyzed. */
static int analyze_parts(Analyzer *a, Statement *s, Relation *from, Expr **items, size_t n, Query **ret)
{
    Query *query = arena_new_of(a->arena, Query);
    QueryBody *body = arena_new_of(a->arena, QueryBody);
    QuerySpec *spec = arena_new_of(a->arena, QuerySpec);
    SelectItem *select = arena_array(a->arena, SelectItem, n + 1);
    for (size_t i = 0; i < n; i++)
        select[i] = (SelectItem){.expr = items[i]};
    if (!n) { /* a query must select something */
        select[0] = (SelectItem){.expr = new_expr(a, EXPR_INTEGER, s->pos, NULL)};
        n = 1;
    }
    *spec = (QuerySpec){.pos = s->pos, .items = select, .n_items = n, .from = from, .where = s->where};
    *body = (QueryBody){.kind = BODY_SELECT, .pos = s->pos, .select = spec};
    *query = (Query){.pos = s->pos, .body = body};
    *ret = query;
    return analyze_root_query(a, query);
}

/* Puts the outputs of the finished query in the place of the parts. */
static void set_outputs(Analyzer *a, Query *query, Expr **outputs, size_t n, Analysis *analysis)
{
    QueryBody *body = query->body;
    Field *fields = arena_array(a->arena, Field, n + 1);
    OutputColumn *columns = arena_array(a->arena, OutputColumn, n + 1);
    for (size_t i = 0; i < n; i++) {
        Str name = arena_printf(a->arena, "c%zu", i);
        fields[i] = (Field){.name = name, .type = outputs[i]->coerced};
        columns[i] = (OutputColumn){name, outputs[i]->coerced};
    }
    body->select->output = outputs;
    body->select->n_output = n;
    body->fields = query->fields = fields;
    body->n_fields = query->n_fields = n;
    analysis->columns = columns;
    analysis->n_columns = n;
}

/* The target must be a table of ours whose rows can be told apart: its last column is a row's id. */
static int check_target(Analyzer *a, const Statement *s, const Relation *target, const char *verb_of_view,
                        Analysis *analysis)
{
    const TableHandle *handle = target->table.handle;
    if (target->table.view)
        return FAIL(a, ERR_NOT_SUPPORTED, s->pos, "%s is not supported", verb_of_view);
    if (!handle || !handle->n_columns || handle->columns[handle->n_columns - 1].name.len)
        return err_set(a->err, ERR_NOT_SUPPORTED, "This connector does not support modifying table rows");
    analysis->target = handle;
    return 0;
}

static size_t visible_columns(const TableHandle *handle)
{
    size_t n = 0;
    while (n < handle->n_columns && !handle->columns[n].hidden)
        n++;
    return n;
}

/* A changed row keeps its id of row lineage where the table has that. NULL: it has not. */
static Expr *lineage_id(Analyzer *a, Relation *target, const TableHandle *handle, SqlPos pos)
{
    for (size_t i = visible_columns(handle); i < handle->n_columns; i++)
        if (str_is(handle->columns[i].name, "$row_id"))
            return target_column(a, target, i, pos);
    return NULL;
}

/* The value as the column takes it; its type was found to fit. */
static Expr *fitted(Analyzer *a, Expr *value, const SqlType *type)
{
    bool too_long = value->type->kind == TYPE_VARCHAR && type->kind == TYPE_VARCHAR &&
                    value->type->length > type->length;
    if (too_long)
        return analyze_length_check(a, value, type);
    value->coerced = type;
    return value;
}

static Relation *target_relation(Analyzer *a, const Statement *s)
{
    Relation *target = arena_new_of(a->arena, Relation);
    *target = (Relation){.kind = REL_TABLE,
                         .pos = s->pos,
                         .table = {.name = s->name, .branch = s->branch}};
    return target;
}

int analyze_delete(Analyzer *a, Statement *s, Analysis *analysis)
{
    Relation *target = target_relation(a, s);
    if (analyze_parts(a, s, target, NULL, 0, &s->query) < 0 ||
        check_target(a, s, target, "Deleting from views", analysis) < 0)
        return -1;
    Expr **outputs = arena_array(a->arena, Expr *, 1);
    outputs[0] = row_id(a, target, s->pos);
    set_outputs(a, s->query, outputs, 1, analysis);
    return 0;
}

/* ALTER TABLE … EXECUTE … WHERE: which files, told by the target's conjuncts. */
int analyze_table_execute(Analyzer *a, Statement *s, Analysis *analysis)
{
    Relation *target = target_relation(a, s);
    if (!s->where)
        return 0;
    if (analyze_parts(a, s, target, NULL, 0, &s->query) < 0)
        return -1;
    analysis->target = target->table.handle;
    return 0;
}

/* ---- columns that are set ---- */

/* For each assignment the table's column. */
static int find_columns(Analyzer *a, const TableHandle *table, const Ident *names, size_t n, int *ret)
{
    for (size_t i = 0; i < n; i++) {
        int column = analyze_table_column(table, names[i].text);
        if (column < 0)
            return FAIL(a, ERR_COLUMN_NOT_FOUND, names[i].pos,
                        "The UPDATE SET column does not exist in the target table: %.*s",
                        STR_ARG(arena_lower(a->arena, names[i].text)));
        for (size_t j = 0; j < i; j++)
            if (ret[j] == column)
                return FAIL(a, ERR_DUPLICATE_COLUMN_NAME, names[i].pos,
                            "The UPDATE SET column is specified more than once: %.*s",
                            STR_ARG(arena_lower(a->arena, names[i].text)));
        ret[i] = column;
    }
    return 0;
}

/* "what" of "UPDATE table column types don't match SET expressions: Table: [...], Expressions: [...]". */
static int check_types(Analyzer *a, const Statement *s, const TableHandle *table, const int *columns,
                       Expr *const *values, size_t n, const char *what)
{
    bool fits = true;
    const SqlType **wanted = arena_array(a->arena, const SqlType *, n + 1);
    const SqlType **given = arena_array(a->arena, const SqlType *, n + 1);
    for (size_t i = 0; i < n; i++) {
        wanted[i] = table->columns[columns[i]].type;
        given[i] = values[i]->type;
        fits = fits && analyze_can_assign(given[i], wanted[i]);
    }
    if (fits)
        return 0;
    return FAIL(a, ERR_TYPE_MISMATCH, s->pos, "%s: Table: [%.*s], Expressions: [%.*s]", what,
                STR_ARG(analyze_type_list(a, wanted, n)), STR_ARG(analyze_type_list(a, given, n)));
}

int analyze_update(Analyzer *a, Statement *s, Analysis *analysis)
{
    Relation *target = target_relation(a, s);
    int *columns = arena_array(a->arena, int, s->n_set + 1);
    if (analyze_parts(a, s, target, s->set_values, s->n_set, &s->query) < 0 ||
        check_target(a, s, target, "Updating through views", analysis) < 0 ||
        find_columns(a, analysis->target, s->set_columns, s->n_set, columns) < 0)
        return -1;
    Expr **parts = s->query->body->select->output;
    if (check_types(a, s, analysis->target, columns, parts, s->n_set,
                    "UPDATE table column types don't match SET expressions") < 0)
        return -1;
    size_t n = visible_columns(analysis->target);
    Expr **outputs = arena_array(a->arena, Expr *, n + 2);
    outputs[0] = row_id(a, target, s->pos);
    for (size_t i = 0; i < n; i++)
        outputs[1 + i] = target_column(a, target, i, s->pos);
    for (size_t i = 0; i < s->n_set; i++)
        outputs[1 + columns[i]] = fitted(a, parts[i], analysis->target->columns[columns[i]].type);
    outputs[1 + n] = lineage_id(a, target, analysis->target, s->pos);
    set_outputs(a, s->query, outputs, n + (outputs[1 + n] ? 2 : 1), analysis);
    return 0;
}

/* ---- MERGE ---- */

typedef struct Merge {
    Analyzer *a;
    Statement *s;
    Relation *target;
    Expr **conditions;  /* one a case; NULL: none */
    Expr ***values;     /* case by case */
    int **columns;
    size_t n_columns;   /* of the table */
} Merge;

/* All conditions and values as items of one SELECT. */
static Expr **merge_parts(Merge *m, size_t *ret_n)
{
    size_t n = 0, max = 1;
    for (size_t k = 0; k < m->s->n_merge_cases; k++)
        max += 1 + m->s->merge_cases[k].n_values;
    Expr **items = arena_array(m->a->arena, Expr *, max);
    for (size_t k = 0; k < m->s->n_merge_cases; k++) {
        const MergeCase *c = &m->s->merge_cases[k];
        if (c->condition)
            items[n++] = c->condition;
        for (size_t i = 0; i < c->n_values; i++)
            items[n++] = c->values[i];
    }
    *ret_n = n;
    return items;
}

static int take_merge_parts(Merge *m, Expr **parts)
{
    size_t at = 0;
    for (size_t k = 0; k < m->s->n_merge_cases; k++) {
        const MergeCase *c = &m->s->merge_cases[k];
        m->conditions[k] = NULL;
        if (c->condition) {
            Expr *e = m->conditions[k] = parts[at++];
            if (e->type->kind == TYPE_UNKNOWN)
                coerce_to(m->a, e, &TYPE_BOOLEAN_);
            else if (e->type->kind != TYPE_BOOLEAN)
                return FAIL(m->a, ERR_TYPE_MISMATCH, e->pos,
                            "WHERE clause must evaluate to a boolean: actual type %.*s",
                            STR_ARG(sql_type_name(e->type, m->a->arena)));
        }
        m->values[k] = parts + at;
        at += c->n_values;
    }
    return 0;
}

/* As find_columns(), in the words that MERGE has for it. */
static int find_merge_columns(Merge *m, const TableHandle *table, const MergeCase *c, int *ret)
{
    Analyzer *a = m->a;
    for (size_t i = 0; i < c->n_columns; i++) {
        Str name = arena_lower(a->arena, c->columns[i].text);
        ret[i] = analyze_table_column(table, name);
        if (ret[i] < 0)
            return FAIL(a, ERR_COLUMN_NOT_FOUND, m->s->pos,
                        "Merge column name does not exist in target table: %.*s", STR_ARG(name));
        for (size_t j = 0; j < i; j++)
            if (ret[j] == ret[i])
                return FAIL(a, ERR_DUPLICATE_COLUMN_NAME, m->s->pos,
                            "Merge column name is specified more than once: %.*s", STR_ARG(name));
    }
    return 0;
}

static int merge_case_columns(Merge *m, const TableHandle *table, size_t k)
{
    Analyzer *a = m->a;
    const MergeCase *c = &m->s->merge_cases[k];
    bool all = c->action == MERGE_INSERT && !c->n_columns;
    size_t n = all ? m->n_columns : c->n_columns;
    m->columns[k] = arena_array(a->arena, int, n + 1);
    for (size_t i = 0; all && i < n; i++)
        m->columns[k][i] = (int)i;
    if (!all && find_merge_columns(m, table, c, m->columns[k]) < 0)
        return -1;
    if (n != c->n_values) {
        const SqlType **wanted = arena_array(a->arena, const SqlType *, n + 1);
        const SqlType **given = arena_array(a->arena, const SqlType *, c->n_values + 1);
        for (size_t i = 0; i < n; i++)
            wanted[i] = table->columns[m->columns[k][i]].type;
        for (size_t i = 0; i < c->n_values; i++)
            given[i] = m->values[k][i]->type;
        return FAIL(
            a, ERR_TYPE_MISMATCH, m->s->pos,
            "MERGE table column types don't match for MERGE case %zu, SET expressions: Table: [%.*s], "
            "Expressions: [%.*s]",
            k, STR_ARG(analyze_type_list(a, wanted, n)), STR_ARG(analyze_type_list(a, given, c->n_values)));
    }
    Str what =
        arena_printf(a->arena, "MERGE table column types don't match for MERGE case %zu, SET expressions", k);
    return check_types(a, m->s, table, m->columns[k], m->values[k], n, what.ptr);
}

/* "this case may apply": the row is (not) matched, and the case's own condition. */
static Expr *merge_test(Merge *m, size_t k)
{
    const MergeCase *c = &m->s->merge_cases[k];
    Expr *matched = new_expr(m->a, EXPR_IS_NULL, c->pos, &TYPE_BOOLEAN_);
    matched->is.operand = row_id(m->a, m->target, c->pos);
    matched->is.negated = c->matched;
    if (!m->conditions[k])
        return matched;
    Expr *both = new_expr(m->a, EXPR_AND, c->pos, &TYPE_BOOLEAN_);
    both->list.items = arena_array(m->a->arena, Expr *, 2);
    both->list.n = 2;
    both->list.items[0] = matched;
    both->list.items[1] = m->conditions[k];
    return both;
}

static Expr *merge_number(Merge *m, size_t k)
{
    Expr *e = new_expr(m->a, EXPR_INTEGER, m->s->merge_cases[k].pos, &TYPE_INTEGER_);
    e->integer.value = (int64_t)k;
    e->integer.text = arena_printf(m->a->arena, "%zu", k);
    return e;
}

/* What case k makes of a column; NULL for a row that is deleted. */
static Expr *merge_value(Merge *m, size_t k, size_t column)
{
    const MergeCase *c = &m->s->merge_cases[k];
    const SqlType *type = m->target->fields[column].type;
    for (size_t i = 0; i < c->n_values; i++)
        if (m->columns[k][i] == (int)column)
            return fitted(m->a, m->values[k][i], type);
    if (c->action == MERGE_UPDATE)
        return target_column(m->a, m->target, column, c->pos);
    Expr *null = new_expr(m->a, EXPR_NULL, c->pos, &TYPE_UNKNOWN_);
    null->coerced = type;
    return null;
}

/* CASE WHEN test 0 THEN … WHEN test 1 THEN … END; column < 0: the number of the case. */
static Expr *merge_choice(Merge *m, int column)
{
    const SqlType *type = column < 0 ? &TYPE_INTEGER_ : m->target->fields[column].type;
    size_t n = m->s->n_merge_cases;
    Expr *choice = new_expr(m->a, EXPR_CASE_SEARCHED, m->s->pos, type);
    choice->case_.whens = arena_array(m->a->arena, WhenClause, n);
    choice->case_.n = n;
    for (size_t k = 0; k < n; k++)
        choice->case_.whens[k] = (WhenClause){
            merge_test(m, k), column < 0 ? merge_number(m, k) : merge_value(m, k, (size_t)column)};
    return choice;
}

static Relation *merge_join(Merge *m)
{
    Relation *join = arena_new_of(m->a->arena, Relation);
    *join = (Relation){.kind = REL_JOIN, .pos = m->s->pos};
    join->join.join = JOIN_INNER;
    for (size_t k = 0; k < m->s->n_merge_cases; k++)
        if (!m->s->merge_cases[k].matched)
            join->join.join = JOIN_LEFT;
    join->join.left = m->s->source_relation;
    join->join.right = m->target;
    join->join.on = m->s->merge_on;
    return join;
}

int analyze_merge(Analyzer *a, Statement *s, Analysis *analysis)
{
    size_t n_cases = s->n_merge_cases, n_parts;
    Merge m = {.a = a,
               .s = s,
               .target = s->target_relation,
               .conditions = arena_array(a->arena, Expr *, n_cases),
               .values = arena_array(a->arena, Expr **, n_cases),
               .columns = arena_array(a->arena, int *, n_cases)};
    Expr **items = merge_parts(&m, &n_parts);
    if (analyze_parts(a, s, merge_join(&m), items, n_parts, &s->query) < 0 ||
        check_target(a, s, m.target, "Merging into views", analysis) < 0 ||
        take_merge_parts(&m, s->query->body->select->output) < 0)
        return -1;
    m.n_columns = visible_columns(analysis->target);
    for (size_t k = 0; k < n_cases; k++)
        if (merge_case_columns(&m, analysis->target, k) < 0)
            return -1;
    Expr **outputs = arena_array(a->arena, Expr *, m.n_columns + 3);
    outputs[0] = row_id(a, m.target, s->pos);
    outputs[1] = merge_choice(&m, -1);
    for (size_t i = 0; i < m.n_columns; i++)
        outputs[2 + i] = merge_choice(&m, (int)i);
    outputs[2 + m.n_columns] = lineage_id(a, m.target, analysis->target, s->pos);
    set_outputs(a, s->query, outputs, m.n_columns + (outputs[2 + m.n_columns] ? 3 : 2), analysis);
    return 0;
}
