/* analyze_table_function.c - TABLE(f(…)) in FROM: which function, its arguments, the columns it gives.
 *
 * Trino's built-in ones are sequence and exclude_columns. Arguments come all by name or all by position, and
 * the order in which they are looked at is Trino's, so that of two errors the same one is told. */
#include "query/analyzer/internal.h"

enum { SPEC_ARGS_MAX = 4 };

typedef struct ArgumentSpec {
    const char *name;
    TableArgumentKind kind;
    const SqlType *type; /* of a scalar */
    bool has_default;
    int64_t value;
} ArgumentSpec;

typedef struct TableCall {
    Analyzer *a;
    Relation *relation;
    const Scope *parent;
    const NamedScope *named;
    SqlPos first; /* of the first argument, or of the name */
    TableArgument *given[SPEC_ARGS_MAX];
    int64_t values[SPEC_ARGS_MAX];
    bool is_null[SPEC_ARGS_MAX];
    Str texts[SPEC_ARGS_MAX];
} TableCall;

typedef struct TableFunction {
    const char *schema, *name;
    bool in_every_catalog;
    ArgumentSpec args[SPEC_ARGS_MAX];
    size_t n_args;
    int (*analyze)(TableCall *call);
} TableFunction;

/* ---- constants ---- */

static int fold(Analyzer *a, const Expr *e, bool *ret_null, int64_t *ret);

static int out_of_range(Analyzer *a, const Expr *e)
{
    return FAIL(a, ERR_NUMERIC_VALUE_OUT_OF_RANGE, e->pos, "bigint overflow");
}

static int fold_arithmetic(Analyzer *a, const Expr *e, bool *ret_null, int64_t *ret)
{
    bool left_null, right_null, failed = false;
    int64_t l = 0, r = 0;
    if (fold(a, e->binary.left, &left_null, &l) < 0 || fold(a, e->binary.right, &right_null, &r) < 0)
        return -1;
    if ((*ret_null = left_null || right_null))
        return 0;
    BinaryOp op = e->binary.op;
    if ((op == OP_DIV || op == OP_MOD) && r == 0)
        return FAIL(a, ERR_DIVISION_BY_ZERO, e->pos, "Division by zero");
    if (op == OP_ADD)
        failed = __builtin_add_overflow(l, r, ret);
    else if (op == OP_SUB)
        failed = __builtin_sub_overflow(l, r, ret);
    else if (op == OP_MUL)
        failed = __builtin_mul_overflow(l, r, ret);
    else if (r == -1)
        failed = op == OP_DIV && __builtin_sub_overflow((int64_t)0, l, ret);
    else
        *ret = op == OP_DIV ? l / r : l % r;
    if (op == OP_MOD && r == -1)
        *ret = 0;
    return failed ? out_of_range(a, e) : 0;
}

/* The value of a constant of an integer type. */
static int fold(Analyzer *a, const Expr *e, bool *ret_null, int64_t *ret)
{
    *ret_null = e->kind == EXPR_NULL;
    if (*ret_null)
        return 0;
    if (e->kind == EXPR_INTEGER) {
        *ret = e->integer.value;
        return 0;
    }
    if (e->kind == EXPR_UNARY && sql_type_is_integral(e->type)) {
        if (fold(a, e->unary.operand, ret_null, ret) < 0)
            return -1;
        if (!*ret_null && e->unary.op == '-' && __builtin_sub_overflow((int64_t)0, *ret, ret))
            return out_of_range(a, e);
        return 0;
    }
    if (e->kind == EXPR_ARITHMETIC && e->type->kind == TYPE_BIGINT)
        return fold_arithmetic(a, e, ret_null, ret);
    if (e->kind == EXPR_ARITHMETIC && sql_type_is_integral(e->type)) {
        if (fold_arithmetic(a, e, ret_null, ret) < 0)
            return -1;
        if (!*ret_null && e->type->kind == TYPE_INTEGER && *ret == (int32_t)*ret)
            return 0;
    }
    bool to_wide = e->kind == EXPR_CAST && e->type->kind == TYPE_BIGINT &&
                   (sql_type_is_integral(e->cast.operand->type) || e->cast.operand->kind == EXPR_NULL);
    if (to_wide)
        return fold(a, e->cast.operand, ret_null, ret);
    if (e->kind == EXPR_CAST && e->cast.operand->kind == EXPR_NULL) {
        *ret_null = true;
        return 0;
    }
    return FAIL(a, ERR_NOT_SUPPORTED, e->pos, "This argument of a table function is not supported yet");
}

static int analyze_scalar(TableCall *call, const ArgumentSpec *spec, TableArgument *arg, size_t i)
{
    Analyzer *a = call->a;
    ExprContext c = {.a = a, .no_subquery = "Constant expression cannot contain a subquery"};
    if (a->session->describe_only && arg->expr->kind == EXPR_PARAMETER)
        return FAIL(a, ERR_NOT_SUPPORTED, arg->expr->pos,
                    "DESCRIBE is not supported if a table function uses parameters");
    if (analyze_expr(&c, arg->expr) < 0)
        return -1;
    if (!sql_type_can_coerce(arg->expr->type, spec->type))
        return FAIL(a, ERR_TYPE_MISMATCH, arg->expr->pos, "Cannot cast type %.*s to %.*s",
                    STR_ARG(sql_type_name(arg->expr->type, a->arena)),
                    STR_ARG(sql_type_name(spec->type, a->arena)));
    if (spec->type->kind == TYPE_BIGINT)
        return fold(a, arg->expr, &call->is_null[i], &call->values[i]);
    call->is_null[i] = arg->expr->kind == EXPR_NULL;
    if (arg->expr->kind == EXPR_STRING)
        call->texts[i] = arg->expr->text;
    else if (!call->is_null[i])
        return FAIL(a, ERR_NOT_SUPPORTED, arg->expr->pos,
                    "This argument of a table function is not supported yet");
    return 0;
}

/* ---- arguments ---- */

static bool calls_descriptor(const Expr *e)
{
    return e->kind == EXPR_FUNCTION &&
           name_is(e->call.name.parts[e->call.name.n - 1].text, STR("descriptor"));
}

static int refuse_kind(Analyzer *a, const ArgumentSpec *spec, const TableArgument *arg)
{
    static const char *const kinds[] = {[ARGUMENT_EXPRESSION] = "expression",
                                        [ARGUMENT_TABLE] = "table",
                                        [ARGUMENT_DESCRIPTOR] = "descriptor"};
    bool call = arg->kind == ARGUMENT_EXPRESSION && arg->expr->kind == EXPR_FUNCTION;
    if (spec->kind == ARGUMENT_TABLE && call)
        return FAIL(a, ERR_NOT_SUPPORTED, arg->pos,
                    "Invalid table argument %s. Table functions are not allowed as table function arguments",
                    spec->name);
    if (spec->kind == ARGUMENT_DESCRIPTOR && call && calls_descriptor(arg->expr))
        return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, arg->pos,
                    "Invalid descriptor argument %s. Descriptors should be formatted as 'DESCRIPTOR(name "
                    "[type], ...)'",
                    spec->name);
    return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, arg->pos, "Invalid argument %s. Expected %s, got %s",
                spec->name, kinds[spec->kind], kinds[arg->kind]);
}

/* The table arguments that there are have row semantics. */
static int analyze_table_argument(TableCall *call, const ArgumentSpec *spec, TableArgument *arg)
{
    Analyzer *a = call->a;
    if (analyze_relation(a, arg->table, call->parent, call->named) < 0)
        return -1;
    const char *what = arg->is_partitioned            ? "Partitioning"
                       : arg->n_order_by              ? "Ordering"
                       : arg->empty != EMPTY_NOT_SAID ? "Empty behavior"
                                                      : NULL;
    if (!what)
        return 0;
    return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, what[0] == 'E' ? arg->empty_pos : arg->pos,
                "Invalid argument %s. %s specified for table argument with row semantics", spec->name, what);
}

static int analyze_descriptor(Analyzer *a, const TableArgument *arg)
{
    for (size_t i = 0; i < arg->n_fields; i++) {
        const SqlType *type;
        Error why;
        if (arg->fields[i].type && sql_type_resolve(arg->fields[i].type, a->arena, &type, &why) < 0)
            return FAIL(a, ERR_TYPE_MISMATCH, arg->fields[i].type->pos, "Unknown type: %.*s",
                        STR_ARG(arg->fields[i].type->name));
    }
    return 0;
}

static int analyze_argument(TableCall *call, const TableFunction *function, size_t i, TableArgument *arg)
{
    const ArgumentSpec *spec = &function->args[i];
    call->given[i] = arg;
    if (spec->kind != arg->kind)
        return refuse_kind(call->a, spec, arg);
    if (arg->kind == ARGUMENT_TABLE)
        return analyze_table_argument(call, spec, arg);
    if (arg->kind == ARGUMENT_DESCRIPTOR)
        return analyze_descriptor(call->a, arg);
    if (calls_descriptor(arg->expr))
        return FAIL(call->a, ERR_INVALID_FUNCTION_ARGUMENT, arg->pos,
                    "'descriptor' function is not allowed as a table function argument");
    return analyze_scalar(call, spec, arg, i);
}

/* An argument's name as Trino's messages have it: in capitals unless it was quoted. */
static Str canonical(Analyzer *a, const Ident *name)
{
    return name->quoted ? name->text : upper_text(a->arena, name->text);
}

static int arguments_by_name(TableCall *call, const TableFunction *function)
{
    Analyzer *a = call->a;
    TableArgument *args = call->relation->function.args;
    for (size_t k = 0; k < call->relation->function.n; k++) {
        Str name = canonical(a, &args[k].name);
        for (size_t j = 0; j < k; j++)
            if (str_eq(canonical(a, &args[j].name), name))
                return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, args[k].name.pos,
                            "Duplicate argument name: %.*s", STR_ARG(name));
        size_t i = 0;
        while (i < function->n_args && !str_is(name, function->args[i].name))
            i++;
        if (i == function->n_args)
            return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, args[k].name.pos, "Unexpected argument name: %.*s",
                        STR_ARG(name));
        if (analyze_argument(call, function, i, &args[k]) < 0)
            return -1;
    }
    return 0;
}

static int analyze_arguments(TableCall *call, const TableFunction *function)
{
    Analyzer *a = call->a;
    size_t n = call->relation->function.n, named = 0;
    TableArgument *args = call->relation->function.args;
    if (n > function->n_args)
        return FAIL(a, ERR_INVALID_ARGUMENTS, call->first,
                    "Too many arguments. Expected at most %zu arguments, got %zu arguments", function->n_args,
                    n);
    for (size_t k = 0; k < n; k++)
        named += args[k].name.text.ptr != NULL;
    if (named != 0 && named != n)
        return FAIL(a, ERR_INVALID_ARGUMENTS, call->first,
                    "All arguments must be passed by name or all must be passed positionally");
    if (named) {
        if (arguments_by_name(call, function) < 0)
            return -1;
    } else {
        for (size_t k = 0; k < n; k++)
            if (analyze_argument(call, function, k, &args[k]) < 0)
                return -1;
    }
    for (size_t i = 0; i < function->n_args; i++) {
        if (call->given[i])
            continue;
        if (!function->args[i].has_default)
            return FAIL(a, ERR_MISSING_ARGUMENT, call->first, "Missing argument: %s", function->args[i].name);
        call->values[i] = function->args[i].value;
    }
    return 0;
}

/* Only partitioned tables can be named in COPARTITION, and no function here takes one. */
static int check_copartition(TableCall *call)
{
    const Relation *r = call->relation;
    for (size_t i = 0; i < r->function.n_copartition; i++) {
        const QualifiedName *name = &r->function.copartition[i].items[0];
        _cleanup_buf_ Buf text = BUF_INIT(4096);
        for (size_t j = 0; j < name->n; j++)
            buf_printf(&text, "%s%.*s", j ? "." : "", STR_ARG(name->parts[j].text));
        Str lower = arena_lower(call->a->arena, buf_str(&text));
        bool found = false;
        for (size_t j = 0; j < r->function.n && !found; j++)
            found = r->function.args[j].kind == ARGUMENT_TABLE &&
                    name_is(r->function.args[j].table->fields[0].qualifier, name->parts[name->n - 1].text);
        return FAIL(call->a, ERR_INVALID_COPARTITIONING, name->parts[0].pos,
                    found ? "Table %.*s referenced in COPARTITION clause is not partitioned"
                          : "No table argument found for name: %.*s",
                    STR_ARG(lower));
    }
    return 0;
}

/* ---- the functions ---- */

static int no_position(Analyzer *a, ErrCode code, Str message)
{
    return err_set(a->err, code, "%.*s", STR_ARG(message));
}

static int analyze_sequence(TableCall *call)
{
    static const char *const names[] = {"Start", "Stop", "Step"};
    Analyzer *a = call->a;
    int64_t start = call->values[0], stop = call->values[1], step = call->values[2];
    for (size_t i = 0; i < 3; i++)
        if (call->is_null[i])
            return no_position(a, ERR_INVALID_FUNCTION_ARGUMENT,
                               arena_printf(a->arena, "%s is null", names[i]));
    bool up = start < stop;
    if (start != stop && (up ? step <= 0 : step >= 0))
        return no_position(a, ERR_INVALID_FUNCTION_ARGUMENT,
                           arena_printf(a->arena, "Step must be %s for sequence [%lld, %lld]",
                                        up ? "positive" : "negative", (long long)start, (long long)stop));
    Relation *r = call->relation;
    r->function.start = start;
    r->function.stop = stop;
    r->function.step = start == stop ? 1 : step;
    new_fields(a, r, 1);
    set_field(r, 0, STR("sequential_number"), &TYPE_BIGINT_, STR_NULL);
    return 0;
}

static bool is_excluded(const TableArgument *columns, Str name)
{
    for (size_t i = 0; i < columns->n_fields; i++)
        if (name_is(columns->fields[i].name.text, name))
            return true;
    return false;
}

static int check_excluded(Analyzer *a, const TableArgument *columns, const Relation *input)
{
    _cleanup_buf_ Buf missing = BUF_INIT(1 << 16);
    for (size_t i = 0; i < columns->n_fields; i++) {
        Str name = columns->fields[i].name.text;
        bool known = false;
        for (size_t j = 0; j < i && !known; j++)
            known = name_is(columns->fields[j].name.text, name);
        for (size_t j = 0; j < input->n_fields && !known; j++)
            known = !input->fields[j].hidden && name_is(input->fields[j].name, name);
        if (!known)
            buf_printf(&missing, "%s%.*s", missing.len ? ", " : "", STR_ARG(arena_lower(a->arena, name)));
    }
    if (!missing.len)
        return 0;
    return no_position(a, ERR_INVALID_FUNCTION_ARGUMENT,
                       arena_printf(a->arena, "Excluded columns: [%.*s] not present in the table",
                                    STR_ARG(buf_str(&missing))));
}

static int analyze_exclude_columns(TableCall *call)
{
    Analyzer *a = call->a;
    Relation *r = call->relation, *input = call->given[0]->table;
    const TableArgument *columns = call->given[1];
    if (!columns->fields)
        return no_position(a, ERR_INVALID_FUNCTION_ARGUMENT, STR("COLUMNS descriptor is null"));
    for (size_t i = 0; i < columns->n_fields; i++)
        if (columns->fields[i].type)
            return no_position(a, ERR_INVALID_FUNCTION_ARGUMENT, STR("COLUMNS descriptor contains types"));
    if (check_excluded(a, columns, input) < 0)
        return -1;
    r->function.input = input;
    /* The columns keep their places; the excluded ones are hidden and not read. */
    Field *fields = new_fields(a, r, input->n_fields);
    size_t n = 0;
    for (size_t i = 0; i < input->n_fields; i++) {
        const Field *field = &input->fields[i];
        if (field->hidden || is_excluded(columns, field->name))
            continue;
        set_field(r, n, field->name, field->type, STR_NULL);
        fields[n].ref = field->ref;
        fields[n].relation = r;
        n++;
    }
    r->n_fields = n;
    return n ? 0 : no_position(a, ERR_INVALID_FUNCTION_ARGUMENT, STR("All columns are excluded"));
}

/* The table as of the later snapshot, with the range in the reference. */
static Relation *changes_reference(TableCall *call)
{
    Arena *arena = call->a->arena;
    Relation *reference = arena_new_of(arena, Relation);
    Expr *version = arena_new_of(arena, Expr);
    *version = (Expr){.kind = EXPR_INTEGER,
                      .pos = call->relation->pos,
                      .type = &TYPE_BIGINT_,
                      .coerced = &TYPE_BIGINT_};
    version->integer.value = call->values[3];
    version->integer.text = arena_printf(arena, "%lld", (long long)call->values[3]);
    *reference = (Relation){.kind = REL_TABLE, .pos = call->relation->pos};
    reference->table.is_changes = true;
    reference->table.version = version;
    reference->table.changes_after = call->values[2];
    reference->table.changes_until = call->values[3];
    return reference;
}

static int check_change_arguments(TableCall *call)
{
    static const char *const texts[] = {"SCHEMA_NAME", "TABLE_NAME"};
    for (size_t i = 0; i < 2; i++)
        if (call->is_null[i])
            return no_position(call->a, ERR_INVALID_FUNCTION_ARGUMENT,
                               arena_printf(call->a->arena, "%s argument not found", texts[i]));
    if (call->is_null[2] || call->is_null[3])
        return no_position(call->a, ERR_INVALID_FUNCTION_ARGUMENT,
                           STR("table_changes arguments may not be null"));
    return 0;
}

static int analyze_table_changes(TableCall *call)
{
    Analyzer *a = call->a;
    Relation *r = call->relation;
    const TableHandle *handle = NULL;
    bool exists = false;
    Str catalog = r->function.name.n == 3 ? arena_lower(a->arena, r->function.name.parts[0].text)
                                          : a->session->catalog;
    if (check_change_arguments(call) < 0 || check_copartition(call) < 0)
        return -1;
    Str schema = arena_lower(a->arena, call->texts[0]), table = arena_lower(a->arena, call->texts[1]);
    if (a->metadata->schema_exists(a->metadata, catalog, schema, &exists, a->err) < 0)
        return -1;
    if (exists && a->metadata->get_table(a->metadata, catalog, schema, table, changes_reference(call),
                                         a->arena, &handle, a->err) < 0)
        return -1;
    if (!handle)
        return no_position(a, ERR_TRINO_NOT_FOUND,
                           arena_printf(a->arena, "Table '%.*s.%.*s' not found", STR_ARG(call->texts[0]),
                                        STR_ARG(call->texts[1])));
    r->kind = REL_TABLE;
    memset(&r->table, 0, sizeof r->table);
    use_handle(a, r, handle);
    for (size_t i = 0; i < r->n_fields; i++)
        r->fields[i].qualifier = STR_NULL; /* the columns of a function are of no table */
    return 0;
}

static const TableFunction functions[] = {
    {"builtin",
     "sequence",
     false,
     {{"START", ARGUMENT_EXPRESSION, &TYPE_BIGINT_, true, 0},
      {"STOP", ARGUMENT_EXPRESSION, &TYPE_BIGINT_, false, 0},
      {"STEP", ARGUMENT_EXPRESSION, &TYPE_BIGINT_, true, 1}},
     3,
     analyze_sequence},
    {"builtin",
     "exclude_columns",
     false,
     {{"INPUT", ARGUMENT_TABLE, NULL, false, 0}, {"COLUMNS", ARGUMENT_DESCRIPTOR, NULL, false, 0}},
     2,
     analyze_exclude_columns},
    {"system",
     "table_changes",
     true,
     {{"SCHEMA_NAME", ARGUMENT_EXPRESSION, &TYPE_VARCHAR_, false, 0},
      {"TABLE_NAME", ARGUMENT_EXPRESSION, &TYPE_VARCHAR_, false, 0},
      {"START_SNAPSHOT_ID", ARGUMENT_EXPRESSION, &TYPE_BIGINT_, false, 0},
      {"END_SNAPSHOT_ID", ARGUMENT_EXPRESSION, &TYPE_BIGINT_, false, 0}},
     4,
     analyze_table_changes},
};

/* f and system.builtin.f; a catalog's own are catalog.system.f. */
static const TableFunction *find_function(Analyzer *a, const QualifiedName *name)
{
    Str catalog = name->n == 3 ? name->parts[0].text : a->session->catalog;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        const TableFunction *f = &functions[i];
        if (!name_is(name->parts[name->n - 1].text, str_from(f->name)))
            continue;
        if (name->n == 1 && !f->in_every_catalog)
            return f;
        if (name->n >= 2 && !name_is(name->parts[name->n - 2].text, str_from(f->schema)))
            continue;
        if (name->n >= 2 && name_is(catalog, f->in_every_catalog ? STR("iceberg") : STR("system")))
            return f;
    }
    return NULL;
}

int analyze_table_function(Analyzer *a, Relation *relation, const Scope *parent, const NamedScope *named)
{
    const QualifiedName *name = &relation->function.name;
    const TableFunction *function = find_function(a, name);
    if (!function) {
        _cleanup_buf_ Buf text = BUF_INIT(4096);
        for (size_t i = 0; i < name->n; i++)
            buf_printf(&text, "%s%.*s", i ? "." : "", STR_ARG(name->parts[i].text));
        return FAIL(a, ERR_FUNCTION_NOT_FOUND, relation->pos, "Table function '%.*s' not registered",
                    STR_ARG(arena_lower(a->arena, buf_str(&text))));
    }
    relation->function.which = (int)(function - functions);
    TableCall call = {.a = a, .relation = relation, .parent = parent, .named = named, .first = relation->pos};
    if (relation->function.n) {
        const TableArgument *arg = &relation->function.args[0];
        call.first = arg->name.text.ptr ? arg->name.pos : arg->pos;
    }
    if (analyze_arguments(&call, function) < 0 || function->analyze(&call) < 0)
        return -1;
    return relation->kind == REL_TABLE_FUNCTION ? check_copartition(&call) : 0;
}
