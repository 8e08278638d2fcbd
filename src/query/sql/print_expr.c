/* print_expr.c - expressions to text. Every operator is put in parentheses, as Trino's formatter does, so
 * that no precedence needs to be known here and two trees have the same text only when they are the same. */
#include "query/sql/print_internal.h"

/* ---- names and literals ---- */

static bool is_plain_word(Str name)
{
    if (name.len == 0 || (name.ptr[0] >= '0' && name.ptr[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!word)
            return false;
    }
    return true;
}

static void print_quoted(Buf *out, Str text, char quote)
{
    buf_putc(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        buf_putc(out, text.ptr[i]);
        if (text.ptr[i] == quote)
            buf_putc(out, quote);
    }
    buf_putc(out, quote);
}

void sql_print_ident(Buf *out, Str name)
{
    if (is_plain_word(name) && !keyword_is_reserved(keyword_find(name)))
        buf_add(out, name);
    else
        print_quoted(out, name, '"');
}

void sql_print_string(Buf *out, Str value) { print_quoted(out, value, '\''); }

void print_identifier(Buf *out, const Ident *ident)
{
    if (ident->quoted)
        print_quoted(out, ident->text, '"');
    else
        sql_print_ident(out, ident->text);
}

void print_name(Buf *out, const QualifiedName *name)
{
    for (size_t i = 0; i < name->n; i++) {
        if (i > 0)
            buf_putc(out, '.');
        print_identifier(out, &name->parts[i]);
    }
}

void print_names(Buf *out, const Ident *names, size_t n)
{
    buf_putc(out, '(');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_puts(out, ", ");
        print_identifier(out, &names[i]);
    }
    buf_putc(out, ')');
}

void print_alias(Buf *out, const Ident *alias)
{
    if (!alias->text.ptr)
        return;
    /* "f(x) over" before LIMIT would read as a window. */
    bool keyword = !alias->quoted && token_is_keyword(keyword_find(alias->text));
    buf_puts(out, keyword ? " AS " : " ");
    print_identifier(out, alias);
}

void print_upper(Buf *out, Str text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_putc(out, (char)(text.ptr[i] >= 'a' && text.ptr[i] <= 'z' ? text.ptr[i] - 32 : text.ptr[i]));
}

static void print_hex(Buf *out, Str bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    buf_puts(out, "X'");
    for (size_t i = 0; i < bytes.len; i++) {
        buf_putc(out, digits[(unsigned char)bytes.ptr[i] >> 4]);
        buf_putc(out, digits[(unsigned char)bytes.ptr[i] & 15]);
    }
    buf_putc(out, '\'');
}

static void print_literal(Buf *out, const Expr *e)
{
    switch (e->kind) {
    case EXPR_NULL:
        buf_puts(out, "null");
        break;
    case EXPR_BOOLEAN:
        buf_puts(out, e->boolean ? "true" : "false");
        break;
    case EXPR_INTEGER:
        if (e->integer.text.len)
            buf_add(out, e->integer.text);
        else
            buf_put_i64(out, e->integer.value);
        break;
    case EXPR_STRING:
        sql_print_string(out, e->text);
        break;
    case EXPR_BINARY:
        print_hex(out, e->text);
        break;
    default:
        buf_add(out, e->text);
    }
}

static void print_generic_literal(Buf *out, const Expr *e)
{
    Str name = e->generic.type_name->name;
    if (is_plain_word(name) && !keyword_is_reserved(keyword_find(name)))
        print_upper(out, name);
    else
        print_quoted(out, name, '"');
    buf_putc(out, ' ');
    sql_print_string(out, e->generic.text);
}

static void print_interval(Buf *out, const Expr *e)
{
    buf_puts(out, e->interval.negative ? "INTERVAL -" : "INTERVAL ");
    sql_print_string(out, e->interval.text);
    buf_putc(out, ' ');
    print_upper(out, e->interval.from);
    if (e->interval.to.len) {
        buf_puts(out, " TO ");
        print_upper(out, e->interval.to);
    }
}

/* ---- types ---- */

static void print_type_word(Buf *out, Str name)
{
    Str rest, first = str_cut(name, ' ', &rest);
    bool built_in = is_plain_word(first) && (str_is(rest, "with time zone") || str_is(first, "interval"));
    if (built_in)
        buf_add(out, name);
    else
        sql_print_ident(out, name);
}

void print_type_name(Buf *out, const TypeName *type)
{
    /* "timestamp(3) with time zone": the number stands inside the name. */
    Str zone = STR(" with time zone");
    bool zoned = str_has_suffix(type->name, zone) && type->n_numbers > 0;
    print_type_word(out, zoned ? str_slice(type->name, 0, type->name.len - zone.len) : type->name);
    if (type->n_args + type->n_numbers > 0) {
        buf_putc(out, '(');
        for (size_t i = 0; i < type->n_numbers; i++)
            buf_printf(out, "%s%lld", i > 0 ? ", " : "", (long long)type->numbers[i]);
        for (size_t i = 0; i < type->n_args; i++) {
            if (i + type->n_numbers > 0)
                buf_puts(out, ", ");
            if (type->field_names && type->field_names[i].text.ptr) {
                print_identifier(out, &type->field_names[i]);
                buf_putc(out, ' ');
            }
            print_type_name(out, type->args[i]);
        }
        buf_putc(out, ')');
    }
    if (zoned)
        buf_add(out, zone);
}

/* ---- operators and predicates ---- */

static const char *const operators[] = {
    [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/", [OP_MOD] = "%", [OP_EQ] = "=",
    [OP_NE] = "<>", [OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">", [OP_GE] = ">=",
};

static bool is_number(const Expr *e)
{
    return e->kind == EXPR_INTEGER || e->kind == EXPR_DECIMAL || e->kind == EXPR_DOUBLE;
}

/* What "[1]", ".f" or "AT TIME ZONE" is hung on. */
static void print_base(Buf *out, const Expr *e)
{
    bool wrap = is_number(e) || e->kind == EXPR_UNARY;
    buf_puts(out, wrap ? "(" : "");
    print_expression(out, e);
    buf_puts(out, wrap ? ")" : "");
}

static void print_binary(Buf *out, const Expr *e)
{
    const char *op = e->kind == EXPR_CONCAT ? "||" : operators[e->binary.op];
    if (e->kind == EXPR_DISTINCT_FROM)
        op = e->binary.negated ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM";
    buf_putc(out, '(');
    print_expression(out, e->binary.left);
    buf_printf(out, " %s ", op);
    print_expression(out, e->binary.right);
    buf_putc(out, ')');
}

static void print_unary(Buf *out, const Expr *e)
{
    const Expr *operand = e->unary.operand;
    /* "- 1" is a literal and "--" a comment. */
    bool wrap = e->unary.op == '-' && (is_number(operand) || operand->kind == EXPR_UNARY);
    buf_putc(out, e->unary.op);
    buf_puts(out, wrap ? "(" : "");
    print_expression(out, operand);
    buf_puts(out, wrap ? ")" : "");
}

static void print_logical(Buf *out, const Expr *e)
{
    buf_putc(out, '(');
    for (size_t i = 0; i < e->list.n; i++) {
        if (i > 0)
            buf_puts(out, e->kind == EXPR_AND ? " AND " : " OR ");
        print_expression(out, e->list.items[i]);
    }
    buf_putc(out, ')');
}

static void print_not(Buf *out, const Expr *e)
{
    buf_puts(out, "(NOT ");
    print_expression(out, e->is.operand);
    buf_putc(out, ')');
}

static void print_is(Buf *out, const Expr *e)
{
    const char *what = e->kind == EXPR_IS_NULL ? "NULL"
                       : e->is.truth > 0       ? "TRUE"
                       : e->is.truth == 0      ? "FALSE"
                                               : "UNKNOWN";
    buf_putc(out, '(');
    print_expression(out, e->is.operand);
    buf_printf(out, " IS %s%s)", e->is.negated ? "NOT " : "", what);
}

static void print_between(Buf *out, const Expr *e)
{
    buf_putc(out, '(');
    print_expression(out, e->between.value);
    buf_printf(out, "%s BETWEEN %s", e->between.negated ? " NOT" : "",
               e->between.symmetric ? "SYMMETRIC " : "");
    print_expression(out, e->between.low);
    buf_puts(out, " AND ");
    print_expression(out, e->between.high);
    buf_putc(out, ')');
}

static void print_in(Buf *out, const Expr *e)
{
    buf_putc(out, '(');
    print_expression(out, e->in.value);
    buf_puts(out, e->in.negated ? " NOT IN " : " IN ");
    if (e->kind == EXPR_IN_SUBQUERY) {
        print_query_in_parens(out, e->in.query);
    } else {
        buf_putc(out, '(');
        print_expressions(out, e->in.items, e->in.n);
        buf_putc(out, ')');
    }
    buf_putc(out, ')');
}

static void print_like(Buf *out, const Expr *e)
{
    buf_putc(out, '(');
    print_expression(out, e->like.value);
    buf_puts(out, e->like.negated ? " NOT LIKE " : " LIKE ");
    print_expression(out, e->like.pattern);
    if (e->like.escape) {
        buf_puts(out, " ESCAPE ");
        print_expression(out, e->like.escape);
    }
    buf_putc(out, ')');
}

static void print_quantified(Buf *out, const Expr *e)
{
    buf_putc(out, '(');
    print_expression(out, e->quantified.value);
    buf_printf(out, " %s %s ", operators[e->quantified.op], e->quantified.all ? "ALL" : "ANY");
    print_query_in_parens(out, e->quantified.query);
    buf_putc(out, ')');
}

static void print_match(Buf *out, const Expr *e)
{
    buf_putc(out, '(');
    print_expression(out, e->match.value);
    buf_printf(out, " MATCH %s%.*s%s", e->match.unique ? "UNIQUE " : "", STR_ARG(e->match.mode),
               e->match.mode.len ? " " : "");
    print_query_in_parens(out, e->match.query);
    buf_putc(out, ')');
}

static void print_subquery(Buf *out, const Expr *e)
{
    buf_puts(out, e->kind == EXPR_EXISTS ? "EXISTS " : e->kind == EXPR_UNIQUE ? "UNIQUE " : "");
    print_query_in_parens(out, e->subquery.query);
}

static void print_measure(Buf *out, const Expr *e)
{
    print_identifier(out, &e->measure.name);
    print_over(out, e->measure.over);
}

static void print_pattern_input(Buf *out, const Expr *e) { print_expression(out, e->input.original); }

/* ---- calls and forms of their own ---- */

static void print_named_list(Buf *out, const char *name, Expr *const *items, size_t n)
{
    buf_puts(out, name);
    buf_putc(out, '(');
    print_expressions(out, items, n);
    buf_putc(out, ')');
}

static void print_list(Buf *out, const Expr *e)
{
    print_named_list(out, e->kind == EXPR_COALESCE ? "COALESCE" : "GROUPING", e->list.items, e->list.n);
}

static void print_array(Buf *out, const Expr *e)
{
    buf_puts(out, "ARRAY[");
    for (size_t i = 0; i < e->list.n; i++) {
        buf_puts(out, i > 0 ? "," : "");
        print_expression(out, e->list.items[i]);
    }
    buf_putc(out, ']');
}

static void print_row(Buf *out, const Expr *e)
{
    buf_puts(out, "ROW (");
    for (size_t i = 0; i < e->row.n; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        print_expression(out, e->row.items[i]);
        if (e->row.names && e->row.names[i].text.ptr) {
            buf_puts(out, " AS ");
            print_identifier(out, &e->row.names[i]);
        }
    }
    buf_putc(out, ')');
}

static void print_nullif(Buf *out, const Expr *e)
{
    Expr *const items[] = { e->binary.left, e->binary.right };
    print_named_list(out, "NULLIF", items, 2);
}

static void print_try(Buf *out, const Expr *e) { print_named_list(out, "TRY", &e->is.operand, 1); }

static void print_if(Buf *out, const Expr *e)
{
    Expr *const items[] = { e->case_.whens[0].condition, e->case_.whens[0].result, e->case_.otherwise };
    print_named_list(out, "IF", items, e->case_.otherwise ? 3 : 2);
}

static void print_case(Buf *out, const Expr *e)
{
    buf_puts(out, "(CASE");
    if (e->kind == EXPR_CASE_SIMPLE) {
        buf_putc(out, ' ');
        print_expression(out, e->case_.operand);
    }
    for (size_t i = 0; i < e->case_.n; i++) {
        buf_puts(out, " WHEN ");
        print_expression(out, e->case_.whens[i].condition);
        buf_puts(out, " THEN ");
        print_expression(out, e->case_.whens[i].result);
    }
    if (e->case_.otherwise) {
        buf_puts(out, " ELSE ");
        print_expression(out, e->case_.otherwise);
    }
    buf_puts(out, " END)");
}

static void print_cast(Buf *out, const Expr *e)
{
    buf_puts(out, e->cast.is_try ? "TRY_CAST(" : "CAST(");
    print_expression(out, e->cast.operand);
    buf_puts(out, " AS ");
    print_type_name(out, e->cast.type_name);
    buf_putc(out, ')');
}

static void print_extract(Buf *out, const Expr *e)
{
    buf_puts(out, "EXTRACT(");
    print_upper(out, e->extract.field);
    buf_puts(out, " FROM ");
    print_expression(out, e->extract.operand);
    buf_putc(out, ')');
}

static void print_at_time_zone(Buf *out, const Expr *e)
{
    buf_putc(out, '(');
    print_base(out, e->at_time_zone.value);
    if (e->at_time_zone.zone) {
        buf_puts(out, " AT TIME ZONE ");
        print_base(out, e->at_time_zone.zone);
    } else {
        buf_puts(out, " AT LOCAL");
    }
    buf_putc(out, ')');
}

static void print_subscript(Buf *out, const Expr *e)
{
    print_base(out, e->subscript.base);
    buf_putc(out, '[');
    print_expression(out, e->subscript.index);
    buf_putc(out, ']');
}

static void print_dereference(Buf *out, const Expr *e)
{
    print_base(out, e->dereference.base);
    buf_putc(out, '.');
    print_identifier(out, &e->dereference.field);
}

static void print_lambda(Buf *out, const Expr *e)
{
    buf_putc(out, '(');
    print_names(out, e->lambda.params, e->lambda.n);
    buf_puts(out, " -> ");
    print_expression(out, e->lambda.body);
    buf_putc(out, ')');
}

static void print_current(Buf *out, const Expr *e)
{
    print_upper(out, e->current.name);
    if (e->current.precision >= 0)
        buf_printf(out, "(%d)", e->current.precision);
}

static void print_ident_expression(Buf *out, const Expr *e) { print_identifier(out, &e->ident); }
static void print_parameter(Buf *out, const Expr *e) { buf_putc(out, '?'); (void)e; }
static void print_star(Buf *out, const Expr *e) { buf_putc(out, '*'); (void)e; }

static void print_column(Buf *out, const Expr *e)
{
    const Expr *original = e->column.original;
    /* A lambda's parameter names the lambda that it belongs to. */
    if (original && original->kind == EXPR_LAMBDA && (size_t)e->column.ref.index < original->lambda.n)
        sql_print_ident(out, original->lambda.params[e->column.ref.index].text);
    else if (original)
        print_expression(out, original);
}

static void (*const printers[])(Buf *out, const Expr *e) = {
    [EXPR_NULL] = print_literal,
    [EXPR_BOOLEAN] = print_literal,
    [EXPR_INTEGER] = print_literal,
    [EXPR_DECIMAL] = print_literal,
    [EXPR_DOUBLE] = print_literal,
    [EXPR_STRING] = print_literal,
    [EXPR_BINARY] = print_literal,
    [EXPR_GENERIC_LITERAL] = print_generic_literal,
    [EXPR_INTERVAL] = print_interval,
    [EXPR_PARAMETER] = print_parameter,
    [EXPR_IDENT] = print_ident_expression,
    [EXPR_DEREFERENCE] = print_dereference,
    [EXPR_STAR] = print_star,
    [EXPR_UNARY] = print_unary,
    [EXPR_ARITHMETIC] = print_binary,
    [EXPR_CONCAT] = print_binary,
    [EXPR_COMPARISON] = print_binary,
    [EXPR_DISTINCT_FROM] = print_binary,
    [EXPR_AND] = print_logical,
    [EXPR_OR] = print_logical,
    [EXPR_NOT] = print_not,
    [EXPR_IS_NULL] = print_is,
    [EXPR_IS_TRUTH] = print_is,
    [EXPR_BETWEEN] = print_between,
    [EXPR_IN_LIST] = print_in,
    [EXPR_IN_SUBQUERY] = print_in,
    [EXPR_LIKE] = print_like,
    [EXPR_EXISTS] = print_subquery,
    [EXPR_SUBQUERY] = print_subquery,
    [EXPR_QUANTIFIED] = print_quantified,
    [EXPR_CAST] = print_cast,
    [EXPR_CASE_SIMPLE] = print_case,
    [EXPR_CASE_SEARCHED] = print_case,
    [EXPR_IF] = print_if,
    [EXPR_COALESCE] = print_list,
    [EXPR_NULLIF] = print_nullif,
    [EXPR_TRY] = print_try,
    [EXPR_FUNCTION] = sql_print_call,
    [EXPR_LAMBDA] = print_lambda,
    [EXPR_EXTRACT] = print_extract,
    [EXPR_AT_TIME_ZONE] = print_at_time_zone,
    [EXPR_SUBSCRIPT] = print_subscript,
    [EXPR_ARRAY] = print_array,
    [EXPR_ROW] = print_row,
    [EXPR_GROUPING] = print_list,
    [EXPR_CURRENT] = print_current,
    [EXPR_JSON_FUNCTION] = print_json_function,
    [EXPR_MEASURE] = print_measure,
    [EXPR_PATTERN_INPUT] = print_pattern_input,
    [EXPR_UNIQUE] = print_subquery,
    [EXPR_MATCH] = print_match,
    [EXPR_COLUMN] = print_column,
};

void print_expression(Buf *out, const Expr *e)
{
    if (e && (size_t)e->kind < sizeof printers / sizeof *printers && printers[e->kind])
        printers[e->kind](out, e);
}

void print_expressions(Buf *out, Expr *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        print_expression(out, items[i]);
    }
}

void sql_print_expression(Buf *out, const Expr *expr) { print_expression(out, expr); }
