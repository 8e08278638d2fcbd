/* analyze_relation.c - what stands in FROM: tables, WITH queries, views, joins, VALUES, UNNEST, LATERAL,
 * samples. */
#include "query/analyzer/internal.h"
#include "query/analyzer/json_clauses.h"
#include "query/sql/parser.h"

Field *new_fields(Analyzer *a, Relation *relation, size_t n)
{
    relation->fields = arena_array(a->arena, Field, n ? n : 1);
    relation->n_fields = n;
    if (!relation->id)
        relation->id = ++a->next_id;
    return relation->fields;
}

void set_field(Relation *relation, size_t i, Str name, const SqlType *type, Str qualifier)
{
    relation->fields[i] = (Field){.name = name,
                                  .type = type,
                                  .relation = relation,
                                  .qualifier = qualifier,
                                  .ref = {relation, (int)i, 0}};
}

/* "t" and "t (a, b)". */
static int apply_alias(Analyzer *a, Relation *relation)
{
    if (!relation->alias.text.ptr)
        return 0;
    size_t visible = 0;
    for (size_t i = 0; i < relation->n_fields; i++)
        visible += !relation->fields[i].hidden;
    if (relation->n_column_aliases && relation->n_column_aliases != visible)
        return FAIL(a, ERR_MISMATCHED_COLUMN_ALIASES, relation->pos,
                    "Column alias list has %zu entries but '%.*s' has %zu columns available",
                    relation->n_column_aliases, STR_ARG(relation->alias.text), visible);
    for (size_t i = 0, at = 0; i < relation->n_fields; i++) {
        Field *field = &relation->fields[i];
        field->qualifier = relation->alias.text;
        if (relation->kind == REL_JOIN || relation->kind == REL_SAMPLED || relation->kind == REL_MATCH)
            field->relation = relation;
        if (!field->hidden && relation->n_column_aliases)
            field->name = relation->column_aliases[at++].text;
    }
    return 0;
}

/* ---- tables ---- */

int split_table_name(Analyzer *a, const QualifiedName *name, Str parts[3])
{
    if (name->n > 3)
        return FAIL(a, ERR_SYNTAX, name->pos, "Too many dots in table name");
    parts[2] = arena_lower(a->arena, name->parts[name->n - 1].text);
    parts[1] = name->n > 1 ? arena_lower(a->arena, name->parts[name->n - 2].text) : a->session->schema;
    parts[0] = name->n > 2 ? arena_lower(a->arena, name->parts[0].text) : a->session->catalog;
    if (parts[0].len == 0)
        return FAIL(a, ERR_MISSING_CATALOG_NAME, name->pos,
                    "Catalog must be specified when session catalog is not set");
    if (parts[1].len == 0)
        return FAIL(a, ERR_MISSING_SCHEMA_NAME, name->pos,
                    "Schema must be specified when session schema is not set");
    return 0;
}

static bool is_plain_name(Str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c != '_' && !(c >= 'a' && c <= 'z') && !(i && c >= '0' && c <= '9'))
            return false;
    }
    return name.len > 0;
}

/* As messages print a part of a name. */
static Str name_text(Analyzer *a, Str name)
{
    if (is_plain_name(name))
        return name;
    char *text = arena_alloc(a->arena, name.len * 2 + 2);
    size_t n = 0;
    text[n++] = '"';
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            text[n++] = '"';
        text[n++] = name.ptr[i];
    }
    text[n++] = '"';
    return (Str){text, n};
}

int analyze_table_not_found(Analyzer *a, SqlPos pos, const Str parts[3])
{
    bool exists = false;
    if (a->metadata->catalog_exists(a->metadata, parts[0], &exists, a->err) < 0)
        return -1;
    if (!exists)
        return FAIL(a, ERR_CATALOG_NOT_FOUND, pos, "Catalog '%.*s' not found", STR_ARG(parts[0]));
    if (a->metadata->schema_exists(a->metadata, parts[0], parts[1], &exists, a->err) < 0)
        return -1;
    if (!exists)
        return FAIL(a, ERR_SCHEMA_NOT_FOUND, pos, "Schema '%.*s' does not exist", STR_ARG(parts[1]));
    return FAIL(a, ERR_TABLE_NOT_FOUND, pos, "Table '%.*s.%.*s.%.*s' does not exist",
                STR_ARG(name_text(a, parts[0])), STR_ARG(name_text(a, parts[1])),
                STR_ARG(name_text(a, parts[2])));
}

void use_handle(Analyzer *a, Relation *relation, const TableHandle *handle)
{
    relation->table.handle = handle;
    new_fields(a, relation, handle->n_columns);
    relation->used = arena_array(a->arena, bool, handle->n_columns + 1);
    for (size_t i = 0; i < handle->n_columns; i++) {
        set_field(relation, i, handle->columns[i].name, handle->columns[i].type, handle->table);
        relation->fields[i].hidden = handle->columns[i].hidden;
    }
    *vec_push(a->arena, &a->tables) = (TableAccess){handle, relation};
}

/* Outputs of a query, as a relation's columns. */
static void use_query_fields(Analyzer *a, Relation *relation, const Field *fields, size_t n, Str qualifier)
{
    new_fields(a, relation, n);
    for (size_t i = 0; i < n; i++)
        set_field(relation, i, fields[i].name, fields[i].type, qualifier);
}

static int use_view(Analyzer *a, Relation *relation, const ViewDefinition *view, const Str parts[3])
{
    Statement *statement;
    Error why;
    if (a->view_depth >= VIEW_DEPTH_MAX)
        return FAIL(a, ERR_INVALID_VIEW, relation->pos, "View is recursive");
    if (view->is_stale)
        return FAIL(a, ERR_VIEW_IS_STALE, relation->pos, "Materialized view '%.*s.%.*s.%.*s' is stale",
                    STR_ARG(parts[0]), STR_ARG(parts[1]), STR_ARG(parts[2]));
    if (sql_parse(view->sql, a->arena, &statement, &why) < 0 || statement->kind != STMT_QUERY)
        return FAIL(a, ERR_INVALID_VIEW, relation->pos, "Failed parsing stored view '%.*s.%.*s.%.*s': %s",
                    STR_ARG(parts[0]), STR_ARG(parts[1]), STR_ARG(parts[2]), why.message);
    /* Unqualified names in a view are of the session that made it. */
    AnalyzerSession session = *a->session;
    session.catalog = view->catalog;
    session.schema = view->schema;
    const AnalyzerSession *outer = a->session;
    a->session = &session;
    a->view_depth++;
    /* A view sees no functions of the query around it. */
    __typeof__(a->routines) routines = a->routines;
    memset(&a->routines, 0, sizeof a->routines);
    int failed = analyze_root_query(a, statement->query);
    a->routines = routines;
    a->view_depth--;
    a->session = outer;
    if (failed)
        return -1;
    if (view->n_columns && statement->query->n_fields != view->n_columns)
        return FAIL(a, ERR_VIEW_IS_STALE, relation->pos,
                    "View '%.*s.%.*s.%.*s' is stale or in invalid state: stored view column count (%zu) does "
                    "not match "
                    "column count derived from the view query analysis (%zu)",
                    STR_ARG(parts[0]), STR_ARG(parts[1]), STR_ARG(parts[2]), view->n_columns,
                    statement->query->n_fields);
    relation->table.view = statement->query;
    use_query_fields(a, relation, statement->query->fields, statement->query->n_fields, parts[2]);
    return 0;
}

static int analyze_version(Analyzer *a, Relation *relation)
{
    ExprContext c = {.a = a, .no_subquery = "Subqueries are not supported in a table version"};
    Expr *versions[] = {relation->table.version, relation->table.timestamp};
    for (size_t i = 0; i < 2; i++)
        if (versions[i] && analyze_expr(&c, versions[i]) < 0)
            return -1;
    return 0;
}

static int analyze_table(Analyzer *a, Relation *relation, const NamedScope *named)
{
    const QualifiedName *name = &relation->table.name;
    for (const NamedScope *scope = named; scope && name->n == 1; scope = scope->next) {
        if (!name_is(scope->query->name.text, name->parts[0].text))
            continue;
        relation->table.named = scope->query;
        use_query_fields(a, relation, scope->query->fields, scope->query->n_fields, scope->query->name.text);
        return 0;
    }
    Str parts[3];
    const TableHandle *handle = NULL;
    ViewDefinition view = {0};
    if (split_table_name(a, name, parts) < 0 || analyze_version(a, relation) < 0)
        return -1;
    Error *err = a->err;
    if (a->metadata->get_view &&
        a->metadata->get_view(a->metadata, parts[0], parts[1], parts[2], a->arena, &view, err) < 0)
        return -1;
    if (view.sql.ptr)
        return use_view(a, relation, &view, parts);
    if (a->metadata->get_table(a->metadata, parts[0], parts[1], parts[2], relation, a->arena, &handle, err) <
        0)
        return -1;
    if (!handle)
        return analyze_table_not_found(a, relation->pos, parts);
    use_handle(a, relation, handle);
    return 0;
}

/* ---- VALUES ---- */

/* A row of VALUES is (a, b), one value, or one value of a row type, whose fields are then the columns. */
static bool is_row_value(const Expr *row)
{
    return row->kind != EXPR_ROW && row->type->kind == TYPE_ROW;
}

static size_t row_width(const Expr *row)
{
    return row->kind == EXPR_ROW ? row->row.n : is_row_value(row) ? row->type->n_fields : 1;
}

static Expr *row_item(Expr *row, size_t i)
{
    return row->kind == EXPR_ROW ? row->row.items[i] : row;
}

static const SqlType *row_item_type(Expr *row, size_t i)
{
    return is_row_value(row) ? row->type->fields[i].type : row_item(row, i)->type;
}

static void coerce_row(Analyzer *a, Expr *row, const SqlType *const *types, size_t width)
{
    if (!is_row_value(row)) {
        for (size_t i = 0; i < width; i++)
            coerce_to(a, row_item(row, i), types[i]);
        return;
    }
    RowField *fields = arena_array(a->arena, RowField, width);
    for (size_t i = 0; i < width; i++)
        fields[i] = (RowField){row->type->fields[i].name, types[i]};
    coerce_to(a, row, sql_type_row(a->arena, fields, width));
}

int analyze_values(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named)
{
    ExprContext c = {.a = a, .scope = parent, .named = named};
    /* The expressions of VALUES are one level below the queries around. */
    Scope empty = {.parent = parent};
    c.scope = &empty;
    for (size_t r = 0; r < relation->values.n; r++)
        if (analyze_expr(&c, relation->values.rows[r]) < 0)
            return -1;
    size_t width = row_width(relation->values.rows[0]);
    const SqlType **types = arena_array(a->arena, const SqlType *, width + 1);
    for (size_t i = 0; i < width; i++)
        types[i] = &TYPE_UNKNOWN_;
    for (size_t r = 0; r < relation->values.n; r++) {
        Expr *row = relation->values.rows[r];
        if (row_width(row) != width)
            return FAIL(a, ERR_TYPE_MISMATCH, relation->pos, "Values rows have mismatched sizes: %zu vs %zu",
                        width, row_width(row));
        for (size_t i = 0; i < width; i++) {
            const SqlType *type = row_item_type(row, i), *common = sql_type_common(types[i], type, a->arena);
            if (!common)
                return FAIL(a, ERR_TYPE_MISMATCH, relation->pos,
                            "Values rows have mismatched types: column %zu: %.*s vs %.*s", i + 1,
                            STR_ARG(sql_type_name(types[i], a->arena)),
                            STR_ARG(sql_type_name(type, a->arena)));
            types[i] = common;
        }
    }
    if (c.aggregates.n + c.windows.n + c.groupings.n > 0)
        return FAIL(a, ERR_EXPRESSION_NOT_SCALAR, relation->pos,
                    "VALUES clause cannot contain aggregations, window functions or grouping "
                    "operations");
    new_fields(a, relation, width);
    for (size_t i = 0; i < width; i++) {
        set_field(relation, i, STR_NULL, types[i], STR_NULL);
    }
    for (size_t r = 0; r < relation->values.n; r++)
        coerce_row(a, relation->values.rows[r], types, width);
    return 0;
}

/* ---- UNNEST ---- */

static int analyze_unnest(Analyzer *a, Relation *relation, const Scope *scope, const NamedScope *named)
{
    ExprContext c = {.a = a, .scope = scope, .named = named};
    Vec(RowField) columns = {0};
    for (size_t i = 0; i < relation->unnest.n; i++) {
        Expr *item = relation->unnest.items[i];
        if (analyze_expr(&c, item) < 0)
            return -1;
        const SqlType *type = item->type;
        if (type->kind == TYPE_MAP) {
            *vec_push(a->arena, &columns) = (RowField){.type = type->fields[0].type};
            *vec_push(a->arena, &columns) = (RowField){.type = type->fields[1].type};
        } else if (type->kind == TYPE_ARRAY && type->fields[0].type->kind == TYPE_ROW) {
            for (size_t j = 0; j < type->fields[0].type->n_fields; j++)
                *vec_push(a->arena, &columns) = type->fields[0].type->fields[j];
        } else if (type->kind == TYPE_ARRAY) {
            *vec_push(a->arena, &columns) = (RowField){.type = type->fields[0].type};
        } else {
            return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, item->pos, "Cannot unnest type: %.*s",
                        STR_ARG(sql_type_name(type, a->arena)));
        }
    }
    if (relation->unnest.ordinality)
        *vec_push(a->arena, &columns) = (RowField){.type = &TYPE_BIGINT_};
    new_fields(a, relation, columns.n);
    for (size_t i = 0; i < columns.n; i++)
        set_field(relation, i, columns.items[i].name, columns.items[i].type, STR_NULL);
    return 0;
}

/* ---- joins ---- */

static Expr *column_of(Analyzer *a, const Field *field, SqlPos pos)
{
    Expr *e = arena_new_of(a->arena, Expr);
    Expr *original = arena_new_of(a->arena, Expr);
    *original = (Expr){.kind = EXPR_IDENT, .pos = pos, .ident = {.text = field->name, .pos = pos}};
    *e = (Expr){.kind = EXPR_COLUMN,
                .pos = pos,
                .type = field->type,
                .coerced = field->type,
                .column = {.ref = field->ref, .original = original}};
    mark_used(field);
    return e;
}

static const Field *using_field(Analyzer *a, const Relation *side, const Ident *name, const char *which)
{
    const Field *found = NULL;
    for (size_t i = 0; i < side->n_fields; i++) {
        if (!name_is(side->fields[i].name, name->text))
            continue;
        if (found) {
            FAIL(a, ERR_AMBIGUOUS_NAME, name->pos, "Column '%.*s' is ambiguous", STR_ARG(name->text));
            return NULL;
        }
        found = &side->fields[i];
    }
    if (!found)
        FAIL(a, ERR_COLUMN_NOT_FOUND, name->pos, "Column '%.*s' is missing from %s side of join",
             STR_ARG(name->text), which);
    return found;
}

/* USING (a, b): the condition is written out as l.a = r.a AND …; the join's first columns are the joined
 * ones. */
static int analyze_using(Analyzer *a, Relation *join)
{
    Relation *left = join->join.left, *right = join->join.right;
    size_t n = join->join.n_using;
    Expr **equals = arena_array(a->arena, Expr *, n);
    bool *joined = arena_array(a->arena, bool, left->n_fields + right->n_fields + 1);
    ExprContext c = {.a = a};
    new_fields(a, join, left->n_fields + right->n_fields - n);
    for (size_t i = 0; i < n; i++) {
        const Ident *name = &join->join.using_columns[i];
        for (size_t j = 0; j < i; j++)
            if (name_is(join->join.using_columns[j].text, name->text))
                return FAIL(a, ERR_DUPLICATE_COLUMN_NAME, name->pos,
                            "Column '%.*s' appears multiple times in USING clause", STR_ARG(name->text));
        const Field *l = using_field(a, left, name, "left");
        const Field *r = l ? using_field(a, right, name, "right") : NULL;
        if (!r)
            return -1;
        joined[l - left->fields] = joined[left->n_fields + (size_t)(r - right->fields)] = true;
        Expr *equal = arena_new_of(a->arena, Expr);
        *equal = (Expr){
            .kind = EXPR_COMPARISON,
            .pos = name->pos,
            .binary = {.op = OP_EQ, .left = column_of(a, l, name->pos), .right = column_of(a, r, name->pos)}};
        if (analyze_comparison(&c, equal) < 0)
            return -1;
        equal->coerced = equal->type;
        equals[i] = equal;
        set_field(join, i, name->text, equal->binary.left->coerced, STR_NULL);
    }
    size_t at = n;
    for (size_t i = 0; i < left->n_fields + right->n_fields; i++)
        if (!joined[i])
            join->fields[at++] = i < left->n_fields ? left->fields[i] : right->fields[i - left->n_fields];
    Expr *on = arena_new_of(a->arena, Expr);
    *on = (Expr){.kind = EXPR_AND,
                 .pos = join->pos,
                 .type = &TYPE_BOOLEAN_,
                 .coerced = &TYPE_BOOLEAN_,
                 .list = {equals, n}};
    join->join.on = on;
    return 0;
}

static bool is_true(const Expr *e)
{
    return e->kind == EXPR_BOOLEAN && e->boolean;
}

static int check_join_kind(Analyzer *a, const Relation *join)
{
    static const char *const names[] = {
        [JOIN_INNER] = "INNER", [JOIN_LEFT] = "LEFT", [JOIN_RIGHT] = "RIGHT", [JOIN_FULL] = "FULL"};
    RelationKind right = join->join.right->kind;
    if ((right != REL_UNNEST && right != REL_LATERAL && right != REL_JSON_TABLE) ||
        join->join.join == JOIN_CROSS || (join->join.on && is_true(join->join.on)))
        return 0;
    if (right == REL_LATERAL && join->join.join != JOIN_FULL)
        return 0;
    SqlPos pos = join->join.on ? join->join.on->pos : join->pos;
    return FAIL(a, ERR_NOT_SUPPORTED, pos, "%s JOIN involving %s is only supported with condition ON TRUE",
                names[join->join.join], right == REL_UNNEST       ? "UNNEST"
                : right == REL_JSON_TABLE ? "JSON_TABLE"
                                          : "LATERAL relation");
}

static int analyze_on(Analyzer *a, Relation *join, const Scope *parent, const NamedScope *named)
{
    Scope scope = {parent, join->fields, join->n_fields};
    ExprContext c = {.a = a, .scope = &scope, .named = named};
    Expr *on = join->join.on;
    bool outer = join->join.join != JOIN_INNER;
    a->no_correlation += outer;
    int failed = analyze_expr(&c, on);
    a->no_correlation -= outer;
    if (failed)
        return -1;
    if (!sql_type_can_coerce(on->type, &TYPE_BOOLEAN_))
        return FAIL(a, ERR_TYPE_MISMATCH, on->pos,
                    "JOIN ON clause must evaluate to a boolean: actual type %.*s",
                    STR_ARG(sql_type_name(on->type, a->arena)));
    coerce_to(a, on, &TYPE_BOOLEAN_);
    const ExprList *found = c.aggregates.n ? &c.aggregates : c.windows.n ? &c.windows : &c.groupings;
    if (found->n)
        return FAIL(a, ERR_EXPRESSION_NOT_SCALAR, on->pos,
                    "JOIN clause cannot contain aggregations, window functions or grouping operations: "
                    "[%.*s]",
                    STR_ARG(expr_list_text(a, found)));
    return 0;
}

static int analyze_join(Analyzer *a, Relation *join, const Scope *parent, const NamedScope *named)
{
    Relation *left = join->join.left, *right = join->join.right;
    if (join->join.natural)
        return FAIL(a, ERR_NOT_SUPPORTED, join->pos, "Natural join not supported");
    if (analyze_relation(a, left, parent, named) < 0)
        return -1;
    /* UNNEST and LATERAL see what stands to their left; nothing else does. */
    Scope seen = {parent, left->fields, left->n_fields};
    const Relation *inner = right->kind == REL_SAMPLED ? right->sample.relation : right;
    bool lateral = inner->kind == REL_UNNEST || inner->kind == REL_LATERAL || inner->kind == REL_JSON_TABLE;
    if (analyze_relation(a, right, lateral ? &seen : parent, named) < 0)
        return -1;
    if (join->join.n_using)
        return analyze_using(a, join);
    new_fields(a, join, left->n_fields + right->n_fields);
    for (size_t i = 0; i < join->n_fields; i++)
        join->fields[i] = i < left->n_fields ? left->fields[i] : right->fields[i - left->n_fields];
    if (join->join.on && analyze_on(a, join, parent, named) < 0)
        return -1;
    return check_join_kind(a, join);
}

/* ---- the others ---- */

static int analyze_subquery(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named)
{
    if (relation->nearest ? analyze_nearest(a, relation, parent, named)
                          : analyze_query(a, relation->query, parent, named))
        return -1;
    use_query_fields(a, relation, relation->query->fields, relation->query->n_fields, STR_NULL);
    if (relation->nearest)
        name_nearest(relation);
    return 0;
}

static int analyze_sample(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named)
{
    Expr *percent = relation->sample.percent;
    ExprContext c = {.a = a, .scope = parent};
    if (analyze_relation(a, relation->sample.relation, parent, named) < 0 || analyze_expr(&c, percent) < 0)
        return -1;
    if (!sql_type_is_numeric(percent->type) && percent->type->kind != TYPE_UNKNOWN)
        return FAIL(a, ERR_TYPE_MISMATCH, percent->pos, "Sample percentage should be a numeric expression");
    if (percent->kind == EXPR_NULL ||
        (percent->kind == EXPR_CAST && percent->cast.operand->kind == EXPR_NULL))
        return FAIL(a, ERR_INVALID_ARGUMENTS, percent->pos, "Sample percentage cannot be NULL");
    double value = percent->kind == EXPR_INTEGER ? (double)percent->integer.value : 0;
    if (percent->kind == EXPR_DECIMAL || percent->kind == EXPR_DOUBLE)
        (void)str_to_double(percent->text, &value, NULL);
    else if (percent->kind != EXPR_INTEGER)
        return FAIL(a, ERR_NOT_SUPPORTED, percent->pos, "Sample percentage must be a constant");
    if (value < 0 || value > 100)
        return FAIL(a, ERR_NUMERIC_VALUE_OUT_OF_RANGE, percent->pos, "Sample percentage must be %s",
                    value < 0 ? "greater than or equal to 0" : "less than or equal to 100");
    const Relation *inner = relation->sample.relation;
    new_fields(a, relation, inner->n_fields);
    memcpy(relation->fields, inner->fields, inner->n_fields * sizeof *inner->fields);
    return 0;
}

static int analyze_json_relation(Analyzer *a, Relation *relation, const Scope *scope, const NamedScope *named)
{
    const JsonColumn *const *columns;
    size_t n;
    if (analyze_json_table(a, relation, scope, named, &columns, &n) < 0)
        return -1;
    new_fields(a, relation, n);
    for (size_t i = 0; i < n; i++)
        set_field(relation, i, json_canonical_name(a->arena, &columns[i]->name), columns[i]->output.type,
                  STR_NULL);
    return 0;
}

static int analyze_kind(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named)
{
    switch (relation->kind) {
    case REL_TABLE:
        return analyze_table(a, relation, named);
    case REL_SUBQUERY:
        return analyze_subquery(a, relation, parent, named);
    case REL_LATERAL:
        return analyze_subquery(a, relation, parent, named);
    case REL_JOIN:
        return analyze_join(a, relation, parent, named);
    case REL_VALUES:
        return analyze_values(a, relation, parent, named);
    case REL_JSON_TABLE:
        return analyze_json_relation(a, relation, parent, named);
    case REL_UNNEST:
        return analyze_unnest(a, relation, parent, named);
    case REL_SAMPLED:
        return analyze_sample(a, relation, parent, named);
    case REL_TABLE_FUNCTION:
        return analyze_table_function(a, relation, parent, named);
    default:
        return analyze_match(a, relation, parent, named);
    }
}

int analyze_relation(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named)
{
    if (arena_check(a->arena, a->err) < 0 || analyze_kind(a, relation, parent, named) < 0)
        return -1;
    return apply_alias(a, relation);
}
