/* emit_json.c - the SQL/JSON functions and JSON_TABLE. How their clauses reach the t_json_* functions is
 * said in functions/json_call.h and functions/t_json_table.c. */
#include "query/analyzer/json_clauses.h"
#include "query/engine/emit_internal.h"

/* ---- inputs ---- */

static Str call1(Emitter *m, const char *function, Str argument)
{
    return argument.ptr ? arena_printf(m->arena, "%s(%.*s)", function, STR_ARG(argument)) : STR_NULL;
}

/* The JSON text of an input, unread. */
static Str input_text(Emitter *m, const JsonInput *input)
{
    static const char *const decoders[] = {
        [JSON_FORMAT_NONE] = "t_from_utf8",      [JSON_FORMAT_JSON] = "t_from_utf8",
        [JSON_FORMAT_UTF8] = "t_from_utf8",      [JSON_FORMAT_UTF16] = "t_json_of_utf16",
        [JSON_FORMAT_UTF32] = "t_json_of_utf32",
    };
    Str text = emit_text(m, input->expr);
    return input->expr->coerced->kind == TYPE_VARBINARY ? call1(m, decoders[input->format], text) : text;
}

static char tag_of(const SqlType *type)
{
    static const ItemKind kinds[] = {
        [TYPE_BOOLEAN] = ITEM_BOOLEAN,
        [TYPE_TINYINT] = ITEM_TINYINT,
        [TYPE_SMALLINT] = ITEM_SMALLINT,
        [TYPE_INTEGER] = ITEM_INTEGER,
        [TYPE_BIGINT] = ITEM_BIGINT,
        [TYPE_REAL] = ITEM_REAL,
        [TYPE_DOUBLE] = ITEM_DOUBLE,
        [TYPE_DECIMAL] = ITEM_DECIMAL,
        [TYPE_VARCHAR] = ITEM_VARCHAR,
        [TYPE_CHAR] = ITEM_CHAR,
        [TYPE_DATE] = ITEM_DATE,
        [TYPE_TIME] = ITEM_TIME,
        [TYPE_TIME_TZ] = ITEM_TIME_TZ,
        [TYPE_TIMESTAMP] = ITEM_TIMESTAMP,
        [TYPE_TIMESTAMP_TZ] = ITEM_TIMESTAMP_TZ,
    };
    ItemKind kind = type->kind < sizeof kinds / sizeof *kinds ? kinds[type->kind] : ITEM_JSON;
    return item_tag(kind == ITEM_JSON ? ITEM_VARCHAR : kind);
}

/* "D10,2:" */
static void put_type(Buf *out, const SqlType *type)
{
    int length = type->length == VARCHAR_UNBOUNDED ? 0 : type->length;
    bool is_text = type->kind == TYPE_VARCHAR || type->kind == TYPE_CHAR;
    buf_printf(out, "%c%d,%d:", tag_of(type), is_text ? length : type->precision, type->scale);
}

/* The text of a value: of its own type, for char without the padding. */
static Str value_text(Emitter *m, const SqlType *type, Str value, SqlPos pos)
{
    if (type->kind == TYPE_VARCHAR || type->kind == TYPE_CHAR)
        return value;
    return emit_cast_text(m, type, &TYPE_VARCHAR_, value, pos);
}

static Str parameter_text(Emitter *m, const JsonInput *input)
{
    _cleanup_buf_ Buf tag = BUF_INIT(64);
    if (input->format != JSON_FORMAT_NONE) {
        Str text = input_text(m, input);
        return text.ptr ? arena_printf(m->arena, "coalesce('j0,0:' || %.*s, 'e0,0:')", STR_ARG(text))
                        : STR_NULL;
    }
    const SqlType *type = input->expr->coerced;
    Str value = emit_text(m, input->expr);
    Str text = value.ptr ? value_text(m, type, value, input->expr->pos) : STR_NULL;
    put_type(&tag, type);
    return text.ptr ? arena_printf(m->arena, "'%.*s' || %.*s", STR_ARG(buf_str(&tag)), STR_ARG(text))
                    : STR_NULL;
}

/* ", [p, q]" */
static int put_parameters(Emitter *m, const JsonInvocation *invocation, Buf *out)
{
    if (invocation->n_args == 0)
        return 0;
    buf_puts(out, ", [");
    for (size_t i = 0; i < invocation->n_args; i++) {
        Str text = parameter_text(m, &invocation->args[i].value);
        if (!text.ptr)
            return -1;
        buf_printf(out, "%s%.*s", i ? ", " : "", STR_ARG(text));
    }
    return buf_putc(out, ']');
}

/* ---- clauses ---- */

typedef struct Flags {
    char c[5];
} Flags;

static char behavior_flag(JsonBehavior behavior, char otherwise)
{
    static const char flags[] = {
        [JSON_BEHAVIOR_NULL] = 'n',        [JSON_BEHAVIOR_ERROR] = 'e',        [JSON_BEHAVIOR_DEFAULT] = 'd',
        [JSON_BEHAVIOR_EMPTY_ARRAY] = 'a', [JSON_BEHAVIOR_EMPTY_OBJECT] = 'o', [JSON_BEHAVIOR_TRUE] = 't',
        [JSON_BEHAVIOR_FALSE] = 'f',       [JSON_BEHAVIOR_UNKNOWN] = 'u',      [JSON_BEHAVIOR_EMPTY] = 'n',
    };
    return behavior == JSON_BEHAVIOR_NONE ? otherwise : flags[behavior];
}

static Flags value_flags(const JsonOutput *output, char on_error)
{
    return (Flags){
        {behavior_flag(output->on_empty, 'n'), behavior_flag(output->on_error, on_error), '-', '-', 0}};
}

static Flags query_flags(const JsonOutput *output, char on_error)
{
    static const char wrappers[] = {'n', 'n', 'u', 'c'};
    return (Flags){{wrappers[output->wrapper], output->quotes == JSON_QUOTES_OMIT ? 'o' : 'k',
                    behavior_flag(output->on_empty, 'n'), behavior_flag(output->on_error, on_error), 0}};
}

static void put_clauses(Emitter *m, Flags flags, const SqlType *type, const JsonInvocation *invocation,
                        Buf *out)
{
    size_t n = invocation ? invocation->n_args : 0;
    buf_puts(out, flags.c);
    put_type(out, type);
    buf_printf(out, "%zu:", n);
    for (size_t i = 0; i < n; i++) {
        Str name = json_canonical_name(m->arena, &invocation->args[i].name);
        buf_printf(out, "%zu:", name.len);
        buf_add(out, name);
    }
}

/* t_json_x(document, clauses[, parameters]) */
static int put_call(Emitter *m, const char *function, const JsonInvocation *invocation, Str clauses, Buf *out)
{
    Str document = input_text(m, &invocation->input);
    if (!document.ptr)
        return -1;
    buf_printf(out, "%s(%.*s, ", function, STR_ARG(document));
    emit_string_literal(out, clauses);
    if (put_parameters(m, invocation, out) < 0)
        return -1;
    return buf_putc(out, ')');
}

static Str path_call(Emitter *m, const char *function, const JsonExpr *json, Flags flags)
{
    _cleanup_buf_ Buf clauses = BUF_INIT(EMIT_SQL_MAX), out = BUF_INIT(EMIT_SQL_MAX);
    put_clauses(m, flags, json->output.type, &json->invocation, &clauses);
    buf_add(&clauses, json->invocation.path);
    if (put_call(m, function, &json->invocation, buf_str(&clauses), &out) < 0)
        return STR_NULL;
    return arena_str(m->arena, buf_str(&out));
}

/* ---- JSON_VALUE ---- */

static bool cannot_fail(const Expr *e, const SqlType *type)
{
    return emit_is_simple(e) && (e->type->kind == TYPE_UNKNOWN || emit_cast_is_free(e->type, type));
}

static Str default_text(Emitter *m, const Expr *e, const SqlType *type)
{
    Str value = emit_text(m, e);
    return value.ptr ? emit_cast_text(m, e->coerced, type, value, e->pos) : STR_NULL;
}

/* What stands for an empty result; its own failure is one that ON ERROR decides about. */
static Str empty_default(Emitter *m, const JsonOutput *output, Str otherwise, char on_error)
{
    Str value = default_text(m, output->empty_default, output->type);
    char flag = behavior_flag(output->on_error, on_error);
    if (!value.ptr || flag == 'e' || cannot_fail(output->empty_default, output->type))
        return value;
    /* Not "TRY(x) IS NULL": DuckDB takes a TRY of what is never NULL for never NULL. And x may stand nowhere
     * but in the TRY, or DuckDB computes it once for all places, outside. */
    Str tried = arena_printf(m->arena, "TRY([%.*s])", STR_ARG(value));
    if (flag == 'n')
        return arena_printf(m->arena, "list_extract(%.*s, 1)", STR_ARG(tried));
    return arena_printf(m->arena, "CASE WHEN len(%.*s) = 1 THEN list_extract(%.*s, 1) ELSE %.*s END",
                        STR_ARG(tried), STR_ARG(tried), STR_ARG(otherwise));
}

/* "=text", "E", "X" or NULL in `tagged`, to the value. */
static Str untag(Emitter *m, const JsonOutput *output, Str tagged, char on_error, SqlPos pos)
{
    static const Str null = {"NULL", 4};
    Str text = arena_printf(m->arena, "substr(%.*s, 2)", STR_ARG(tagged));
    Str value = emit_cast_text(m, &TYPE_VARCHAR_, output->type, text, pos);
    Str error = output->error_default ? default_text(m, output->error_default, output->type) : null;
    Str empty = output->empty_default ? empty_default(m, output, error, on_error) : null;
    if (!value.ptr || !error.ptr || !empty.ptr)
        return STR_NULL;
    return arena_printf(
        m->arena,
        "CASE WHEN coalesce(starts_with(%.*s, '='), true) THEN %.*s WHEN %.*s = 'E' THEN %.*s ELSE "
        "%.*s END",
        STR_ARG(tagged), STR_ARG(value), STR_ARG(tagged), STR_ARG(empty), STR_ARG(error));
}

static bool is_tagged(const JsonOutput *output)
{
    return output->empty_default || output->error_default;
}

static void find_column(Expr *child, void *arg)
{
    if (child->kind == EXPR_COLUMN || child->kind == EXPR_FUNCTION)
        *(bool *)arg = true;
    expr_children(child, find_column, arg);
}

/* Only constants may stand inside of a let: DuckDB has no correlated columns there. */
static bool is_closed(const Expr *e)
{
    bool found = false;
    if (e)
        find_column((Expr *)e, &found);
    return !found;
}

static int emit_value_function(Emitter *m, const Expr *e, Buf *out)
{
    const JsonOutput *output = &e->json->output;
    Str call = path_call(m, "t_json_value", e->json, value_flags(output, 'n'));
    if (!call.ptr)
        return -1;
    if (!is_tagged(output))
        return emit_cast(m, &TYPE_VARCHAR_, output->type, call, e->pos, out);
    bool closed = is_closed(output->empty_default) && is_closed(output->error_default);
    Str name = closed ? emit_let_name(m) : call;
    Str body = untag(m, output, name, 'n', e->pos);
    if (!body.ptr)
        return -1;
    if (closed)
        emit_let(out, name, call, body);
    else
        buf_add(out, body);
    return 0;
}

/* ---- results that are JSON text ---- */

static int put_text_as(Emitter *m, const JsonOutput *output, Str text, SqlPos pos, Buf *out)
{
    static const char *const encoders[] = {
        [JSON_FORMAT_NONE] = "t_to_utf8",     [JSON_FORMAT_JSON] = "t_to_utf8",
        [JSON_FORMAT_UTF8] = "t_to_utf8",     [JSON_FORMAT_UTF16] = "t_json_utf16",
        [JSON_FORMAT_UTF32] = "t_json_utf32",
    };
    if (!text.ptr)
        return -1;
    if (output->type->kind == TYPE_VARBINARY)
        return buf_printf(out, "%s(%.*s)", encoders[output->format], STR_ARG(text));
    return emit_cast(m, &TYPE_VARCHAR_, output->type, text, pos, out);
}

static int emit_query_function(Emitter *m, const Expr *e, Buf *out)
{
    const JsonOutput *output = &e->json->output;
    return put_text_as(m, output, path_call(m, "t_json_query", e->json, query_flags(output, 'n')), e->pos,
                       out);
}

static int emit_exists_function(Emitter *m, const Expr *e, Buf *out)
{
    Flags flags = {{behavior_flag(e->json->output.on_error, 'f'), '-', '-', '-', 0}};
    Str call = path_call(m, "t_json_exists", e->json, flags);
    return call.ptr ? buf_add(out, call) : -1;
}

/* A member's or element's JSON text. */
static Str member_text(Emitter *m, const JsonInput *input)
{
    const SqlType *type = input->expr->coerced;
    if (input->format != JSON_FORMAT_NONE)
        return call1(m, "t_json_input", input_text(m, input));
    Str value = emit_text(m, input->expr);
    bool own_form = type->kind == TYPE_UNKNOWN || type->kind == TYPE_BOOLEAN ||
                    (type->kind >= TYPE_TINYINT && type->kind <= TYPE_DECIMAL);
    if (!value.ptr)
        return STR_NULL;
    if (own_form)
        return emit_cast_text(m, type, &TYPE_JSON_, value, input->expr->pos);
    if (type->kind == TYPE_CHAR)
        value = arena_printf(m->arena, "t_char_pad(%.*s, %d)", STR_ARG(value), type->length);
    return call1(m, "t_json_quote", value_text(m, type, value, input->expr->pos));
}

static int put_members(Emitter *m, const JsonExpr *json, bool keys, Buf *out)
{
    buf_puts(out, "CAST([");
    for (size_t i = 0; i < json->n_members; i++) {
        Str text = keys ? emit_text(m, json->members[i].key) : member_text(m, &json->members[i].value);
        if (!text.ptr)
            return -1;
        buf_printf(out, "%s%.*s", i ? ", " : "", STR_ARG(text));
    }
    return buf_puts(out, "] AS VARCHAR[])");
}

static int emit_constructor(Emitter *m, const Expr *e, Buf *out)
{
    const JsonExpr *json = e->json;
    bool is_object = json->function == CALL_JSON_OBJECT;
    bool absent = json->nulls == JSON_NULLS_ABSENT || (!is_object && json->nulls == JSON_NULLS_NONE);
    _cleanup_buf_ Buf call = BUF_INIT(EMIT_SQL_MAX);
    buf_puts(&call, is_object ? "t_json_make_object(" : "t_json_make_array(");
    if (is_object && put_members(m, json, true, &call) < 0)
        return -1;
    buf_puts(&call, is_object ? ", " : "");
    if (put_members(m, json, false, &call) < 0)
        return -1;
    buf_printf(&call, ", %s", absent ? "true" : "false");
    if (is_object)
        buf_puts(&call, json->unique_keys ? ", true" : ", false");
    buf_putc(&call, ')');
    return put_text_as(m, &json->output, arena_str(m->arena, buf_str(&call)), e->pos, out);
}

int emit_json(Emitter *m, const Expr *e, Buf *out)
{
    static int (*const emitters[])(Emitter *, const Expr *, Buf *) = {
        [CALL_JSON_EXISTS] = emit_exists_function, [CALL_JSON_VALUE] = emit_value_function,
        [CALL_JSON_QUERY] = emit_query_function,   [CALL_JSON_OBJECT] = emit_constructor,
        [CALL_JSON_ARRAY] = emit_constructor,
    };
    return emitters[e->json->function](m, e, out);
}

/* ---- JSON_TABLE ---- */

static void put_text(Buf *out, Str text)
{
    buf_printf(out, "%zu:", text.len);
    buf_add(out, text);
}

static void put_column(Emitter *m, const JsonColumn *column, char on_error, Buf *out)
{
    _cleanup_buf_ Buf clauses = BUF_INIT(EMIT_SQL_MAX);
    bool is_value = column->kind == JSON_COLUMN_VALUE;
    buf_printf(out, "%zu:%c", column->index,
               column->kind == JSON_COLUMN_ORDINALITY ? 'o'
               : is_value                             ? 'v'
                                                      : 'q');
    if (column->kind == JSON_COLUMN_ORDINALITY)
        return;
    put_clauses(m, is_value ? value_flags(&column->output, on_error) : query_flags(&column->output, on_error),
                column->output.type, NULL, &clauses);
    buf_add(&clauses, column->path);
    put_text(out, buf_str(&clauses));
}

static const JsonColumn *nested_named(Emitter *m, const JsonColumn *columns, size_t n, const Ident *name)
{
    for (size_t i = 0; i < n; i++)
        if (columns[i].kind == JSON_COLUMN_NESTED && columns[i].name.text.ptr &&
            str_eq(json_canonical_name(m->arena, &columns[i].name), json_canonical_name(m->arena, name)))
            return &columns[i];
    return NULL;
}

static void put_path(Emitter *m, const JsonTable *table, Str path, const JsonColumn *columns, size_t n,
                     const JsonPlan *plan, Buf *out);

/* UNION and CROSS of several are of the first and of the rest. */
static void put_siblings(Emitter *m, const JsonTable *table, const JsonColumn *columns, size_t n,
                         const JsonPlan *plan, Buf *out)
{
    if (plan->kind == JSON_PLAN_UNION || plan->kind == JSON_PLAN_CROSS) {
        for (size_t i = 0; i < plan->n; i++) {
            if (i + 1 < plan->n)
                buf_putc(out, plan->kind == JSON_PLAN_UNION ? 'U' : 'X');
            put_siblings(m, table, columns, n, plan->items[i], out);
        }
        return;
    }
    const JsonColumn *nested = nested_named(m, columns, n, &plan->name);
    if (nested)
        put_path(m, table, nested->path, nested->columns, nested->n_columns, plan, out);
}

static void put_default_siblings(Emitter *m, const JsonTable *table, const JsonColumn *columns, size_t n,
                                 size_t n_nested, Buf *out)
{
    for (size_t i = 0, left = n_nested; i < n; i++) {
        if (columns[i].kind != JSON_COLUMN_NESTED)
            continue;
        if (--left > 0)
            buf_putc(out, table->is_cross ? 'X' : 'U');
        put_path(m, table, columns[i].path, columns[i].columns, columns[i].n_columns, NULL, out);
    }
}

/* plan NULL: the default plan */
static void put_path(Emitter *m, const JsonTable *table, Str path, const JsonColumn *columns, size_t n,
                     const JsonPlan *plan, Buf *out)
{
    char on_error = table->on_error == JSON_BEHAVIOR_ERROR ? 'e' : 'n';
    size_t nested = 0;
    for (size_t i = 0; i < n; i++)
        nested += columns[i].kind == JSON_COLUMN_NESTED;
    buf_putc(out, 'N');
    put_text(out, path);
    buf_printf(out, "%zu:", n - nested);
    for (size_t i = 0; i < n; i++)
        if (columns[i].kind != JSON_COLUMN_NESTED)
            put_column(m, &columns[i], on_error, out);
    if (nested == 0) {
        buf_putc(out, '-');
    } else if (plan) {
        buf_putc(out, plan->kind == JSON_PLAN_INNER ? 'I' : 'O');
        put_siblings(m, table, columns, n, plan->items[0], out);
    } else {
        buf_putc(out, table->is_inner ? 'I' : 'O');
        put_default_siblings(m, table, columns, n, nested, out);
    }
}

static int put_column_values(Emitter *m, const JsonTable *table, const JsonColumn *columns, size_t n,
                             SqlPos pos, Buf *out)
{
    char on_error = table->on_error == JSON_BEHAVIOR_ERROR ? 'e' : 'n';
    for (size_t i = 0; i < n; i++) {
        const JsonColumn *column = &columns[i];
        if (column->kind == JSON_COLUMN_NESTED) {
            if (put_column_values(m, table, column->columns, column->n_columns, pos, out) < 0)
                return -1;
            continue;
        }
        Str cell = arena_printf(m->arena, "list_extract(j, %zu)", column->index + 1);
        buf_puts(out, column->index ? ", " : "");
        int failed = 0;
        if (column->kind == JSON_COLUMN_ORDINALITY) {
            buf_printf(out, "CAST(%.*s AS BIGINT)", STR_ARG(cell));
        } else if (column->kind == JSON_COLUMN_QUERY) {
            failed = put_text_as(m, &column->output, cell, pos, out);
        } else if (is_tagged(&column->output)) {
            Str value = untag(m, &column->output, cell, on_error, pos);
            failed = value.ptr ? buf_add(out, value) : -1;
        } else {
            failed = emit_cast(m, &TYPE_VARCHAR_, column->output.type, cell, pos, out);
        }
        if (failed)
            return -1;
        buf_printf(out, " AS c%zu", column->index);
    }
    return 0;
}

int emit_json_table(Emitter *m, const Relation *relation, Buf *out)
{
    const JsonTable *table = relation->json_table;
    Flags flags = {{table->on_error == JSON_BEHAVIOR_ERROR ? 'e' : 'n', '-', '-', '-', 0}};
    _cleanup_buf_ Buf clauses = BUF_INIT(EMIT_SQL_MAX);
    put_clauses(m, flags, &TYPE_VARCHAR_, &table->invocation, &clauses);
    put_path(m, table, table->invocation.path, table->columns, table->n_columns, table->plan, &clauses);
    buf_puts(out, "LATERAL (SELECT ");
    if (put_column_values(m, table, table->columns, table->n_columns, relation->pos, out) < 0)
        return -1;
    buf_puts(out, " FROM (SELECT unnest(");
    if (put_call(m, "t_json_table", &table->invocation, buf_str(&clauses), out) < 0)
        return -1;
    return buf_printf(out, ") AS j)) AS r%d", relation->id);
}
