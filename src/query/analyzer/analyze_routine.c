/* analyze_routine.c - functions written in SQL: their heads, the types of everything in their bodies, and
 * calls of them.
 *
 * A variable is a slot of its routine, parameters first; in the tree it is an EXPR_COLUMN without relation of
 * depth ROUTINE_DEPTH. A function sees those that were declared before it, never itself. */
#include "query/analyzer/internal.h"

typedef struct Variables {
    Field *items; /* ref.index is the slot; the last one of a name is meant */
    size_t n;
} Variables;

typedef struct LoopScope LoopScope;
struct LoopScope {
    const LoopScope *next;
    const Control *loop;
};

typedef struct RoutineAnalysis {
    Analyzer *a;
    Routine *routine;
    Vec(const SqlType *) slots;
    bool deterministic;
    int depth;
} RoutineAnalysis;

/* ---- expressions ---- */

static int analyze_value(RoutineAnalysis *r, const Variables *variables, Expr *e)
{
    Scope scope = {.fields = variables->items, .n_fields = variables->n};
    ExprContext c = {.a = r->a, .scope = &scope, .no_subquery = "Queries are not allowed in functions"};
    if (analyze_expr(&c, e) < 0)
        return -1;
    const ExprList *found = c.aggregates.n ? &c.aggregates : c.windows.n ? &c.windows : &c.groupings;
    if (found->n)
        return FAIL(r->a, ERR_EXPRESSION_NOT_SCALAR, found->items[0]->pos,
                    "Function cannot contain aggregations, window functions or grouping operations: [%.*s]",
                    STR_ARG(expr_list_text(r->a, found)));
    r->deterministic = r->deterministic && expr_is_deterministic(e);
    return 0;
}

static int analyze_typed(RoutineAnalysis *r, const Variables *variables, Expr *e, const SqlType *type,
                         const char *what)
{
    Analyzer *a = r->a;
    if (analyze_value(r, variables, e) < 0)
        return -1;
    if (!sql_type_can_coerce(e->type, type))
        return FAIL(a, ERR_TYPE_MISMATCH, e->pos, "%s must evaluate to %.*s (actual: %.*s)", what,
                    STR_ARG(sql_type_name(type, a->arena)), STR_ARG(sql_type_name(e->type, a->arena)));
    coerce_to(a, e, type);
    return 0;
}

/* ---- statements ---- */

static int analyze_list(RoutineAnalysis *r, const ControlList *list, const Variables *variables,
                        const LoopScope *loops);

static int resolve_type(RoutineAnalysis *r, const TypeName *name, SqlPos pos, const SqlType **ret)
{
    Error why;
    if (sql_type_resolve(name, r->a->arena, ret, &why) == 0)
        return 0;
    return FAIL(r->a, ERR_TYPE_MISMATCH, pos, "Unknown type: %.*s", STR_ARG(name->name));
}

static void add_variable(RoutineAnalysis *r, Variables *variables, RoutineVariable *variable)
{
    /* A variable of an inner block hides the one of the same name around it. */
    Field *field = NULL;
    for (size_t i = 0; i < variables->n; i++)
        if (name_is(variables->items[i].name, variable->name.text))
            field = &variables->items[i];
    if (!field)
        field = &variables->items[variables->n++];
    variable->slot = (int)r->slots.n;
    *vec_push(r->a->arena, &r->slots) = variable->type;
    *field = (Field){.name = variable->name.text,
                     .type = variable->type,
                     .ref = {.index = variable->slot, .depth = ROUTINE_DEPTH}};
}

static int analyze_block(RoutineAnalysis *r, const Control *block, const Variables *outer,
                         const LoopScope *loops)
{
    Variables own = {arena_array(r->a->arena, Field, outer->n + block->n_variables + 1), outer->n};
    if (outer->n)
        memcpy(own.items, outer->items, outer->n * sizeof *own.items);
    for (size_t i = 0; i < block->n_variables; i++) {
        RoutineVariable *variable = &block->variables[i];
        bool repeats = i > 0 && block->variables[i - 1].initial == variable->initial &&
                       block->variables[i - 1].type_name == variable->type_name;
        if (resolve_type(r, variable->type_name, variable->pos, &variable->type) < 0)
            return -1;
        if (variable->initial && !repeats &&
            analyze_typed(r, &own, variable->initial, variable->type, "Value of DEFAULT") < 0)
            return -1;
        for (size_t j = 0; j < i; j++)
            if (name_is(block->variables[j].name.text, variable->name.text))
                return FAIL(r->a, ERR_TRINO_ALREADY_EXISTS, variable->name.pos,
                            "Variable already declared in this scope: %.*s", STR_ARG(variable->name.text));
        add_variable(r, &own, variable);
    }
    return analyze_list(r, &block->body, &own, loops);
}

static int analyze_set(RoutineAnalysis *r, Control *set, const Variables *variables)
{
    for (size_t i = variables->n; i-- > 0;) {
        const Field *field = &variables->items[i];
        if (!name_is(field->name, set->target.text))
            continue;
        set->slot = field->ref.index;
        Str what = arena_printf(r->a->arena, "Value of SET '%.*s'%c", STR_ARG(set->target.text), 0);
        return analyze_typed(r, variables, set->expr, field->type, what.ptr);
    }
    return FAIL(r->a, ERR_TRINO_NOT_FOUND, set->target.pos, "Variable cannot be resolved: %.*s",
                STR_ARG(set->target.text));
}

static int analyze_case_value(RoutineAnalysis *r, const Control *control, const Variables *variables)
{
    Analyzer *a = r->a;
    if (analyze_value(r, variables, control->expr) < 0)
        return -1;
    const SqlType *common = control->expr->type;
    for (size_t i = 0; i < control->n_branches; i++) {
        Expr *when = control->branches[i].condition;
        if (!when)
            continue;
        if (analyze_value(r, variables, when) < 0)
            return -1;
        common = sql_type_common(common, when->type, a->arena);
        if (!common)
            return FAIL(a, ERR_TYPE_MISMATCH, when->pos,
                        "WHEN clause value must evaluate to CASE value type %.*s (actual: %.*s)",
                        STR_ARG(sql_type_name(control->expr->type, a->arena)),
                        STR_ARG(sql_type_name(when->type, a->arena)));
    }
    /* The branches become comparisons, so that whoever runs them sees conditions only. */
    for (size_t i = 0; i < control->n_branches; i++) {
        Expr *when = control->branches[i].condition;
        if (!when || (when->kind == EXPR_COMPARISON && when->binary.left == control->expr))
            continue;
        Expr *equal = arena_new_of(a->arena, Expr);
        *equal = (Expr){.kind = EXPR_COMPARISON,
                        .pos = when->pos,
                        .type = &TYPE_BOOLEAN_,
                        .coerced = &TYPE_BOOLEAN_,
                        .binary = {.op = OP_EQ, .left = control->expr, .right = when}};
        coerce_to(a, when, common);
        control->branches[i].condition = equal;
    }
    coerce_to(a, control->expr, common);
    return 0;
}

static int analyze_branches(RoutineAnalysis *r, const Control *control, const Variables *variables,
                            const LoopScope *loops)
{
    bool is_if = control->kind == CONTROL_IF;
    if (control->expr && analyze_case_value(r, control, variables) < 0)
        return -1;
    for (size_t i = 0; i < control->n_branches && !is_if && !control->expr; i++)
        if (control->branches[i].condition && analyze_typed(r, variables, control->branches[i].condition,
                                                            &TYPE_BOOLEAN_, "Condition of WHEN clause") < 0)
            return -1;
    for (size_t i = 0; i < control->n_branches; i++) {
        const ControlBranch *branch = &control->branches[i];
        const char *what = i ? "Condition of ELSEIF clause" : "Condition of IF statement";
        if (is_if && branch->condition &&
            analyze_typed(r, variables, branch->condition, &TYPE_BOOLEAN_, what) < 0)
            return -1;
        if (analyze_list(r, &branch->body, variables, loops) < 0)
            return -1;
    }
    return 0;
}

static int analyze_loop(RoutineAnalysis *r, const Control *loop, const Variables *variables,
                        const LoopScope *outer)
{
    LoopScope own = {outer, loop};
    for (const LoopScope *l = outer; l && loop->label.text.ptr; l = l->next)
        if (name_is(l->loop->label.text, loop->label.text))
            return FAIL(r->a, ERR_TRINO_ALREADY_EXISTS, loop->label.pos,
                        "Label already declared in this scope: %.*s", STR_ARG(loop->label.text));
    const char *what =
        loop->kind == CONTROL_WHILE ? "Condition of WHILE statement" : "Condition of REPEAT statement";
    if (loop->expr && analyze_typed(r, variables, loop->expr, &TYPE_BOOLEAN_, what) < 0)
        return -1;
    return analyze_list(r, &loop->body, variables, &own);
}

static int analyze_jump(RoutineAnalysis *r, Control *jump, const LoopScope *loops)
{
    for (const LoopScope *l = loops; l; l = l->next)
        if (name_is(l->loop->label.text, jump->label.text)) {
            jump->loop = l->loop;
            return 0;
        }
    return FAIL(r->a, ERR_TRINO_NOT_FOUND, jump->label.pos, "Label not defined: %.*s",
                STR_ARG(jump->label.text));
}

static int analyze_control(RoutineAnalysis *r, Control *control, const Variables *variables,
                           const LoopScope *loops)
{
    switch (control->kind) {
    case CONTROL_RETURN:
        return analyze_typed(r, variables, control->expr, r->routine->return_type, "Value of RETURN");
    case CONTROL_BLOCK:
        return analyze_block(r, control, variables, loops);
    case CONTROL_SET:
        return analyze_set(r, control, variables);
    case CONTROL_IF:
    case CONTROL_CASE:
        return analyze_branches(r, control, variables, loops);
    case CONTROL_ITERATE:
    case CONTROL_LEAVE:
        return analyze_jump(r, control, loops);
    default:
        return analyze_loop(r, control, variables, loops);
    }
}

static int analyze_list(RoutineAnalysis *r, const ControlList *list, const Variables *variables,
                        const LoopScope *loops)
{
    for (size_t i = 0; i < list->n; i++)
        if (arena_check(r->a->arena, r->a->err) < 0 ||
            analyze_control(r, list->items[i], variables, loops) < 0)
            return -1;
    return 0;
}

/* ---- the head ---- */

static int check_head(Analyzer *a, const Routine *routine)
{
    Str name = routine->name.parts[routine->name.n - 1].text;
    if (routine->language.text.ptr && !name_is(routine->language.text, STR("sql")))
        return FAIL(a, ERR_NOT_SUPPORTED, routine->language.pos, "Unsupported function language: %.*s",
                    STR_ARG(routine->language.quoted ? routine->language.text
                                                     : upper_text(a->arena, routine->language.text)));
    if (routine->second)
        return FAIL(a, ERR_SYNTAX, routine->second_pos, "Multiple %s clauses specified", routine->second);
    if (!routine->body)
        return FAIL(a, ERR_NOT_SUPPORTED, routine->pos, "Only functions in SQL are supported");
    if (str_find_char(name, '@') >= 0 || str_find_char(name, '$') >= 0)
        return FAIL(a, ERR_NOT_SUPPORTED, routine->pos, "Function name cannot contain '@' or '$'");
    const Control *body = routine->body;
    if (body->kind == CONTROL_RETURN)
        return 0;
    if (body->kind != CONTROL_BLOCK || body->body.n == 0 ||
        body->body.items[body->body.n - 1]->kind != CONTROL_RETURN)
        return FAIL(a, ERR_MISSING_RETURN, body->pos, "Function must end in a RETURN statement");
    return 0;
}

static int analyze_parameters(RoutineAnalysis *r, Variables *variables)
{
    Routine *routine = r->routine;
    variables->items = arena_array(r->a->arena, Field, routine->n_parameters + 1);
    for (size_t i = 0; i < routine->n_parameters; i++) {
        RoutineVariable *parameter = &routine->parameters[i];
        if (!parameter->name.text.ptr)
            return FAIL(r->a, ERR_INVALID_ARGUMENTS, parameter->pos, "Function parameters must have a name");
        for (size_t j = 0; j < i; j++)
            if (name_is(routine->parameters[j].name.text, parameter->name.text))
                return FAIL(r->a, ERR_INVALID_ARGUMENTS, parameter->pos,
                            "Duplicate function parameter name: %.*s", STR_ARG(parameter->name.text));
    }
    for (size_t i = 0; i < routine->n_parameters; i++) {
        RoutineVariable *parameter = &routine->parameters[i];
        if (resolve_type(r, parameter->type_name, parameter->pos, &parameter->type) < 0)
            return -1;
        add_variable(r, variables, parameter);
    }
    return 0;
}

int analyze_routine(Analyzer *a, Routine *routine)
{
    RoutineAnalysis r = {.a = a, .routine = routine, .deterministic = true};
    Variables variables = {0};
    if (check_head(a, routine) < 0)
        return -1;
    if (resolve_type(&r, routine->return_name, routine->returns_pos, &routine->return_type) < 0 ||
        analyze_parameters(&r, &variables) < 0)
        return -1;
    const Routine *outer = a->routine;
    a->routine = routine;
    int failed = analyze_control(&r, routine->body, &variables, NULL);
    a->routine = outer;
    if (failed)
        return -1;
    if (routine->not_deterministic == r.deterministic)
        return FAIL(a, ERR_INVALID_ARGUMENTS, routine->pos,
                    r.deterministic ? "Deterministic function declared NOT DETERMINISTIC"
                                    : "Non-deterministic function declared DETERMINISTIC");
    FunctionDef *def = arena_new_of(a->arena, FunctionDef);
    Str name = arena_lower(a->arena, routine->name.parts[routine->name.n - 1].text);
    *def = (FunctionDef){.name = arena_printf(a->arena, "%.*s%c", STR_ARG(name), 0).ptr,
                         .kind = FUNCTION_SCALAR,
                         .signature = "",
                         .variables = "",
                         .emission = "",
                         .deterministic = r.deterministic,
                         .description = ""};
    routine->def = def;
    routine->slot_types = r.slots.items;
    routine->n_slots = r.slots.n;
    routine->id = ++a->next_id;
    return 0;
}

/* WITH FUNCTION …: what they add is taken away again by the caller. */
int analyze_functions(Analyzer *a, const Query *query)
{
    for (size_t i = 0; i < query->n_functions; i++) {
        Routine *routine = query->functions[i];
        if (routine->name.n > 1) {
            _cleanup_buf_ Buf text = BUF_INIT(4096);
            for (size_t j = 0; j < routine->name.n; j++)
                buf_printf(&text, "%s%.*s", j ? "." : "", STR_ARG(routine->name.parts[j].text));
            return FAIL(a, ERR_SYNTAX, routine->pos, "Inline function names cannot be qualified: %.*s",
                        STR_ARG(arena_lower(a->arena, buf_str(&text))));
        }
        if (routine->n_security)
            return FAIL(a, ERR_NOT_SUPPORTED, routine->security_pos,
                        "Security mode not supported for inline functions");
        if (analyze_routine(a, routine) < 0)
            return -1;
        *vec_push(a->arena, &a->routines) = routine;
    }
    return 0;
}

/* ---- calls ---- */

static bool has_name(const Routine *routine, Str name)
{
    return name_is(routine->name.parts[routine->name.n - 1].text, name);
}

bool routine_exists(const Analyzer *a, Str name)
{
    for (size_t i = 0; i < a->routines.n; i++)
        if (has_name(a->routines.items[i], name))
            return true;
    return a->routine && has_name(a->routine, name);
}

/* 2: the same types, 1: can be coerced, 0: no. */
static int fit(const Routine *routine, const Expr *call)
{
    int best = 2;
    if (routine->n_parameters != call->call.n)
        return 0;
    for (size_t i = 0; i < call->call.n; i++) {
        const SqlType *given = call->call.args[i]->type, *wanted = routine->parameters[i].type;
        if (!given || !sql_type_can_coerce(given, wanted))
            return 0;
        if (!sql_type_equal(given, wanted))
            best = 1;
    }
    return best;
}

static bool is_more_specific(const Routine *a, const Routine *b)
{
    for (size_t i = 0; i < a->n_parameters; i++)
        if (!sql_type_can_coerce(a->parameters[i].type, b->parameters[i].type))
            return false;
    return true;
}

static int find_routine(Analyzer *a, Str name, const Expr *call, Routine **ret)
{
    int best = 0;
    for (size_t i = a->routines.n; i-- > 0;) {
        Routine *routine = a->routines.items[i];
        int fits = has_name(routine, name) ? fit(routine, call) : 0;
        if (fits > best || (fits && fits == best && is_more_specific(routine, *ret))) {
            best = fits;
            *ret = routine;
        }
    }
    return best;
}

static Str parameter_types(Analyzer *a, const Routine *routine)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 14);
    for (size_t i = 0; i < routine->n_parameters; i++)
        buf_printf(&out, "%s%.*s", i ? ", " : "",
                   STR_ARG(sql_type_signature(routine->parameters[i].type, a->arena)));
    return arena_str(a->arena, buf_str(&out));
}

static int unexpected(Analyzer *a, Str name, const Expr *call)
{
    _cleanup_buf_ Buf given = BUF_INIT(1 << 14), expected = BUF_INIT(1 << 14);
    for (size_t i = 0; i < call->call.n; i++)
        buf_printf(&given, "%s%.*s", i ? ", " : "",
                   STR_ARG(call->call.args[i]->type ? sql_type_signature(call->call.args[i]->type, a->arena)
                                                    : STR("<function>")));
    for (size_t i = 0; i < a->routines.n; i++)
        if (has_name(a->routines.items[i], name))
            buf_printf(&expected, "%s%.*s(%.*s)", expected.len ? ", " : "", STR_ARG(name),
                       STR_ARG(parameter_types(a, a->routines.items[i])));
    return FAIL(a, ERR_FUNCTION_NOT_FOUND, call->pos,
                "Unexpected parameters (%.*s) for function %.*s. Expected: %.*s", STR_ARG(buf_str(&given)),
                STR_ARG(name), STR_ARG(buf_str(&expected)));
}

/* The arguments are typed. 1: the call is of a routine and bound to it, 0: it is not, -1: error. */
int bind_routine(ExprContext *c, Expr *e, Str name)
{
    Analyzer *a = c->a;
    Routine *routine = NULL;
    if (!routine_exists(a, name))
        return 0;
    if (!find_routine(a, name, e, &routine)) {
        const Routine *self = a->routine;
        if (self && has_name(self, name) && fit(self, e))
            return FAIL(a, ERR_NOT_SUPPORTED, self->pos,
                        "Recursive language functions are not supported: %.*s(%.*s):%.*s", STR_ARG(name),
                        STR_ARG(parameter_types(a, self)),
                        STR_ARG(sql_type_signature(self->return_type, a->arena)));
        return function_exists(name) ? 0 : unexpected(a, name, e);
    }
    const SqlType **types = arena_array(a->arena, const SqlType *, e->call.n + 1);
    for (size_t i = 0; i < e->call.n; i++) {
        types[i] = routine->parameters[i].type;
        coerce_to(a, e->call.args[i], types[i]);
    }
    e->call.def = routine->def;
    e->call.routine = routine;
    e->call.arg_types = types;
    e->type = routine->return_type;
    return 1;
}

static int argument_index(const Routine *routine, Str name)
{
    for (size_t i = 0; i < routine->n_parameters; i++)
        if (name_is(routine->parameters[i].name.text, name))
            return (int)i;
    return -1;
}

/* f(1, b => 2): by the names of the parameters, into their order. */
int place_named_arguments(ExprContext *c, Expr *e, Str name)
{
    Analyzer *a = c->a;
    const Routine *routine = NULL;
    size_t n = e->call.n, positional = 0;
    for (size_t i = a->routines.n; i-- > 0;)
        if (has_name(a->routines.items[i], name) && (!routine || a->routines.items[i]->n_parameters == n))
            routine = a->routines.items[i];
    if (!routine && !routine_exists(a, name) && !function_exists(name))
        return FAIL(a, ERR_FUNCTION_NOT_FOUND, e->pos, "Function '%.*s' not registered", STR_ARG(name));
    const Ident *names = e->call.arg_names;
    while (positional < n && !names[positional].text.ptr)
        positional++;
    for (size_t i = positional; i < n; i++)
        if (!names[i].text.ptr)
            return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, e->call.args[i]->pos,
                        "Positional arguments cannot follow named arguments");
    for (size_t i = positional; i < n; i++)
        for (size_t j = positional; j < i; j++)
            if (name_is(names[i].text, names[j].text))
                return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, names[i].pos, "Duplicate named argument: %.*s",
                            STR_ARG(arena_lower(a->arena, names[i].text)));
    for (size_t i = positional; i < n; i++)
        if (!routine || argument_index(routine, names[i].text) < 0)
            return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, names[i].pos,
                        "No argument named %.*s for function %.*s",
                        STR_ARG(arena_lower(a->arena, names[i].text)), STR_ARG(name));
    for (size_t i = positional; i < n; i++) {
        int at = argument_index(routine, names[i].text);
        if ((size_t)at < positional)
            return FAIL(a, ERR_INVALID_FUNCTION_ARGUMENT, names[i].pos,
                        "Named argument %.*s for function %.*s refers to parameter position %d, which is "
                        "already supplied positionally",
                        STR_ARG(arena_lower(a->arena, names[i].text)), STR_ARG(name), at);
    }
    if (routine->n_parameters != n)
        return FAIL(a, ERR_FUNCTION_NOT_FOUND, e->pos, "Missing arguments for function %.*s", STR_ARG(name));
    Expr **args = arena_array(a->arena, Expr *, n + 1);
    for (size_t i = 0; i < n; i++)
        args[i < positional ? i : (size_t)argument_index(routine, names[i].text)] = e->call.args[i];
    e->call.args = args;
    e->call.arg_names = NULL;
    return 0;
}

/* ---- CREATE and DROP FUNCTION ---- */

/* No catalog here keeps functions, as Trino's Iceberg connector does not either. */
int analyze_function_statement(Analyzer *a, Statement *statement)
{
    const QualifiedName *name = &statement->name;
    bool creates = statement->kind == STMT_CREATE_FUNCTION;
    if (name->n == 1)
        return FAIL(a, ERR_NOT_SUPPORTED, statement->pos,
                    "Catalog and schema must be specified when function schema is not configured");
    if (name->n != 3)
        return FAIL(a, ERR_NOT_SUPPORTED, statement->pos,
                    "Function name must be unqualified or fully qualified with catalog and schema");
    Str catalog = arena_lower(a->arena, name->parts[0].text);
    bool exists = false;
    if (a->metadata->catalog_exists(a->metadata, catalog, &exists, a->err) < 0)
        return -1;
    if (!exists)
        return FAIL(a, ERR_CATALOG_NOT_FOUND, statement->pos, "Catalog '%.*s' not found", STR_ARG(catalog));
    if (!creates && statement->if_exists)
        return 0;
    if (!creates)
        return FAIL(a, ERR_TRINO_NOT_FOUND, statement->pos, "Function not found");
    if (analyze_routine(a, statement->routine) < 0)
        return -1;
    return err_set(a->err, ERR_NOT_SUPPORTED, "This connector does not support creating functions");
}
