/* analyze_columns.c - ANALYZE: the statement's query becomes a SELECT of the columns that are analyzed. */
#include "query/analyzer/internal.h"
#include "query/sql/parser.h"
#include "query/sql/print.h"

enum { SELECT_BYTES_MAX = 4 << 20 };

static bool is_scalar(const TableColumn *column)
{
    TypeKind kind = column->type->kind;
    return !column->hidden && kind != TYPE_ARRAY && kind != TYPE_MAP && kind != TYPE_ROW &&
           kind != TYPE_JSON && kind != TYPE_VARIANT;
}

static int find_table(Analyzer *a, Statement *s, const TableHandle **ret, Str parts[3])
{
    ViewDefinition view = {0};
    if (split_table_name(a, &s->name, parts) < 0 ||
        a->metadata->get_table(a->metadata, parts[0], parts[1], parts[2], NULL, a->arena, ret, a->err) < 0 ||
        (a->metadata->get_view &&
         a->metadata->get_view(a->metadata, parts[0], parts[1], parts[2], a->arena, &view, a->err) < 0))
        return -1;
    if (view.sql.ptr)
        return FAIL(a, ERR_NOT_SUPPORTED, s->pos, "Analyzing views is not supported");
    if (!*ret)
        return FAIL(a, ERR_TABLE_NOT_FOUND, s->pos, "Table '%.*s.%.*s.%.*s' does not exist",
                    STR_ARG(parts[0]), STR_ARG(parts[1]), STR_ARG(parts[2]));
    if (strcmp((*ret)->ops->name, "iceberg") != 0)
        return err_set(a->err, ERR_NOT_SUPPORTED, "This connector does not support analyze");
    return 0;
}

static const Expr *array_of(const Expr *value)
{
    while (value && value->kind == EXPR_CAST)
        value = value->cast.operand;
    return value && value->kind == EXPR_ARRAY ? value : NULL;
}

/* WITH (columns = ARRAY['a', …]): marks them. */
static int choose_columns(Analyzer *a, const Statement *s, const TableHandle *table, Str catalog,
                          bool *chosen)
{
    for (size_t i = 0; i < table->n_columns; i++)
        chosen[i] = is_scalar(&table->columns[i]);
    for (size_t i = 0; i < s->n_properties; i++) {
        const Property *p = &s->properties[i];
        const Expr *array = array_of(p->value);
        if (!name_is(p->name.text, STR("columns")))
            return FAIL(a, ERR_INVALID_ANALYZE_PROPERTY, p->pos,
                        "Catalog '%.*s' analyze property '%.*s' does not exist", STR_ARG(catalog),
                        STR_ARG(arena_lower(a->arena, p->name.text)));
        if (!p->value) /* DEFAULT */
            continue;
        if (!array)
            return FAIL(a, ERR_INVALID_ANALYZE_PROPERTY, p->pos,
                        "Invalid value for catalog '%.*s' analyze property 'columns': Cannot convert the "
                        "value to array(varchar)",
                        STR_ARG(catalog));
        if (!array->list.n)
            return err_set(a->err, ERR_INVALID_ANALYZE_PROPERTY,
                           "Cannot specify empty list of columns for analysis");
        memset(chosen, 0, table->n_columns * sizeof *chosen);
        for (size_t k = 0; k < array->list.n; k++) {
            const Expr *item = array->list.items[k];
            int column = item->kind == EXPR_STRING ? analyze_table_column(table, item->text) : -1;
            if (column < 0 || !is_scalar(&table->columns[column]))
                return err_set(a->err, ERR_INVALID_ANALYZE_PROPERTY,
                               "Invalid columns specified for analysis: [%.*s]",
                               STR_ARG(item->kind == EXPR_STRING ? item->text : STR("")));
            chosen[column] = true;
        }
    }
    return 0;
}

int analyze_analyze(Analyzer *a, Statement *s, Analysis *analysis)
{
    Str parts[3];
    Statement *inner;
    const TableHandle *table = NULL;
    if (find_table(a, s, &table, parts) < 0)
        return -1;
    bool *chosen = arena_array(a->arena, bool, table->n_columns + 1);
    int *map = arena_array(a->arena, int, table->n_columns + 1);
    size_t n = 0;
    if (choose_columns(a, s, table, parts[0], chosen) < 0)
        return -1;
    _cleanup_buf_ Buf text = BUF_INIT(SELECT_BYTES_MAX);
    buf_puts(&text, "SELECT ");
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!chosen[i])
            continue;
        buf_puts(&text, n ? ", " : "");
        sql_print_ident(&text, table->columns[i].name);
        map[n++] = (int)i;
    }
    buf_puts(&text, n ? " FROM " : "1 FROM ");
    for (size_t i = 0; i < 3; i++) {
        buf_puts(&text, i ? "." : "");
        sql_print_ident(&text, parts[i]);
    }
    if (buf_check(&text, a->err) ||
        sql_parse(arena_str(a->arena, buf_str(&text)), a->arena, &inner, a->err) < 0)
        return -1;
    s->query = inner->query;
    if (analyze_root_query(a, s->query) < 0)
        return -1;
    OutputColumn *columns = arena_array(a->arena, OutputColumn, n + 1);
    for (size_t i = 0; i < n; i++)
        columns[i] = (OutputColumn){table->columns[map[i]].name, table->columns[map[i]].type};
    analysis->columns = columns;
    analysis->n_columns = n;
    analysis->target = table;
    analysis->insert_map = map;
    analysis->n_insert_map = n;
    return 0;
}
