/* emit_routine.c - calls of functions written in SQL.
 *
 * A body without loops is one expression: RETURN is its value, SET and DECLARE are lets, IF is CASE, with
 * what follows it inside of each branch. Any other body becomes a machine: its statements are cut into
 * blocks, the state is a struct of the block's number and all variables, and one step is a CASE over the
 * blocks. Steps are folded by list_reduce() over lists of a few elements, nested, so that a short run is
 * cheap and a long one bounded: ROUTINE_FOLD ^ ROUTINE_LEVELS steps. t_routine_step() ends a query that was
 * cancelled meanwhile.
 *
 * All rows of a vector take a step together; DuckDB evaluates a branch for the rows alone that are in it. */
#include "query/engine/emit_internal.h"

#include "query/analyzer/internal.h"

enum {
    ROUTINE_FOLD = 128,
    ROUTINE_LEVELS = 4,
    ROUTINE_REPEAT_MAX = 160, /* bytes of a value that is written again where it is used, and not let */
    ROUTINE_INLINE_MAX = 64,  /* statements written out, when IF repeats what follows it */
    ROUTINE_CALLS_MAX = 32,   /* calls inside of calls */
};

/* What is left to run after a statement. */
typedef struct Rest Rest;
struct Rest {
    const ControlList *list;
    size_t at;
    const Rest *next;
};

typedef struct Inline {
    Emitter *m;
    const Routine *routine;
    int written;
} Inline;

static Str *slots_copy(Emitter *m, const Routine *routine)
{
    Str *copy = arena_array(m->arena, Str, routine->n_slots + 1);
    memcpy(copy, m->slots, routine->n_slots * sizeof *copy);
    return copy;
}

/* A value in the very type of its slot. */
static Str typed_text(Emitter *m, const Expr *e, const SqlType *type)
{
    Str text = e ? emit_text(m, e) : STR("NULL");
    return text.ptr ? arena_printf(m->arena, "CAST(%.*s AS %.*s)", STR_ARG(text), DUCKDB(m, type)) : STR_NULL;
}

/* ---- bodies without loops ---- */

static int emit_rest(Inline *x, const Rest *rest, Buf *out);

/* The slots get these values, then the rest runs. */
static int emit_assigned(Inline *x, const RoutineVariable *variables, size_t n, const Control *set,
                         const Rest *rest, Buf *out)
{
    Emitter *m = x->m;
    if (!set && n == 0)
        return emit_rest(x, rest, out);
    int slot = set ? set->slot : variables[0].slot;
    Str value = typed_text(m, set ? set->expr : variables[0].initial, x->routine->slot_types[slot]);
    if (!value.ptr)
        return -1;
    Str *outer = m->slots, name = emit_let_name(m);
    m->slots = slots_copy(m, x->routine);
    m->slots[slot] = name;
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    int failed = emit_assigned(x, variables ? variables + 1 : NULL, n ? n - 1 : 0, NULL, rest, &body);
    m->slots = outer;
    if (!failed)
        emit_let(out, name, value, buf_str(&body));
    return failed;
}

static int emit_branch(Inline *x, const ControlList *body, const Rest *rest, Buf *out)
{
    Str *outer = x->m->slots;
    x->m->slots = slots_copy(x->m, x->routine);
    Rest inner = {body, 0, rest};
    int failed = emit_rest(x, body ? &inner : rest, out);
    x->m->slots = outer;
    return failed;
}

static int emit_branches(Inline *x, const Control *control, const Rest *rest, Buf *out)
{
    bool has_else = false;
    buf_puts(out, "CASE");
    for (size_t i = 0; i < control->n_branches; i++) {
        const ControlBranch *branch = &control->branches[i];
        has_else = !branch->condition;
        buf_puts(out, has_else ? " ELSE " : " WHEN ");
        if (!has_else && emit_coerced(x->m, branch->condition, out) < 0)
            return -1;
        buf_puts(out, has_else ? "" : " THEN ");
        if (emit_branch(x, &branch->body, rest, out) < 0)
            return -1;
    }
    if (!has_else) {
        buf_puts(out, " ELSE ");
        if (emit_branch(x, NULL, rest, out) < 0)
            return -1;
    }
    return buf_puts(out, " END");
}

static int emit_rest(Inline *x, const Rest *rest, Buf *out)
{
    const Routine *routine = x->routine;
    while (rest && rest->at == rest->list->n)
        rest = rest->next;
    if (!rest)
        return buf_printf(out, "CAST(NULL AS %.*s)", DUCKDB(x->m, routine->return_type));
    const Control *control = rest->list->items[rest->at];
    Rest next = {rest->list, rest->at + 1, rest->next}, block = {&control->body, 0, &next};
    x->written++;
    switch (control->kind) {
    case CONTROL_RETURN: {
        Str text = typed_text(x->m, control->expr, routine->return_type);
        return text.ptr ? buf_add(out, text) : -1;
    }
    case CONTROL_BLOCK:
        return emit_assigned(x, control->variables, control->n_variables, NULL, &block, out);
    case CONTROL_SET:
        return emit_assigned(x, NULL, 0, control, &next, out);
    default:
        return emit_branches(x, control, &next, out);
    }
}

/* How many statements emit_rest() would write; more than the maximum also when there is a loop. */
static int count_rest(const Rest *rest)
{
    while (rest && rest->at == rest->list->n)
        rest = rest->next;
    if (!rest)
        return 0;
    const Control *control = rest->list->items[rest->at];
    Rest next = {rest->list, rest->at + 1, rest->next}, block = {&control->body, 0, &next};
    int n = 1;
    bool has_else = false;
    switch (control->kind) {
    case CONTROL_RETURN:
        return 1;
    case CONTROL_SET:
        n += count_rest(&next);
        break;
    case CONTROL_BLOCK:
        n += (int)control->n_variables + count_rest(&block);
        break;
    case CONTROL_IF:
    case CONTROL_CASE:
        for (size_t i = 0; i < control->n_branches && n <= ROUTINE_INLINE_MAX; i++) {
            Rest branch = {&control->branches[i].body, 0, &next};
            has_else = !control->branches[i].condition;
            n += count_rest(&branch);
        }
        if (!has_else)
            n += count_rest(&next);
        break;
    default:
        return ROUTINE_INLINE_MAX + 1;
    }
    return n;
}

/* ---- bodies with loops: blocks ---- */

typedef struct Step {
    int slot;
    const Expr *value; /* NULL: NULL */
} Step;

typedef struct Block {
    Vec(Step) steps;
    const Expr *condition; /* where it goes: yes or no; NULL: always yes */
    const Expr *result;    /* RETURN */
    int yes, no;
} Block;

typedef struct LoopBlocks LoopBlocks;
struct LoopBlocks {
    const LoopBlocks *next;
    const Control *loop;
    int iterate, leave;
};

typedef struct Machine {
    Emitter *m;
    const Routine *routine;
    Vec(Block) blocks;
    int at;
} Machine;

static int block_new(Machine *x)
{
    *vec_push(x->m->arena, &x->blocks) = (Block){.yes = -1, .no = -1};
    return (int)x->blocks.n - 1;
}

static void go(Machine *x, const Expr *condition, int yes, int no)
{
    Block *block = &x->blocks.items[x->at];
    block->condition = condition;
    block->yes = yes;
    block->no = no;
}

static void assign(Machine *x, int slot, const Expr *value)
{
    *vec_push(x->m->arena, &x->blocks.items[x->at].steps) = (Step){slot, value};
}

static void cut_list(Machine *x, const ControlList *list, const LoopBlocks *loops);

static void cut_branches(Machine *x, const Control *control, const LoopBlocks *loops)
{
    int end = block_new(x);
    bool has_else = false;
    for (size_t i = 0; i < control->n_branches; i++) {
        const ControlBranch *branch = &control->branches[i];
        has_else = !branch->condition;
        if (!has_else) {
            int yes = block_new(x), no = block_new(x);
            go(x, branch->condition, yes, no);
            x->at = yes;
            cut_list(x, &branch->body, loops);
            go(x, NULL, end, -1);
            x->at = no;
        } else {
            cut_list(x, &branch->body, loops);
        }
    }
    go(x, NULL, end, -1);
    x->at = end;
}

static void cut_loop(Machine *x, const Control *loop, const LoopBlocks *outer)
{
    int start = block_new(x), end = block_new(x), test = loop->kind == CONTROL_REPEAT ? block_new(x) : start;
    LoopBlocks own = {outer, loop, test, end};
    go(x, NULL, start, -1);
    x->at = start;
    if (loop->kind == CONTROL_WHILE) {
        int body = block_new(x);
        go(x, loop->expr, body, end);
        x->at = body;
    }
    cut_list(x, &loop->body, &own);
    go(x, NULL, test, -1);
    if (loop->kind == CONTROL_REPEAT) {
        x->at = test;
        go(x, loop->expr, end, start);
    }
    x->at = end;
}

static void cut(Machine *x, const Control *control, const LoopBlocks *loops)
{
    switch (control->kind) {
    case CONTROL_RETURN:
        x->blocks.items[x->at].result = control->expr;
        x->at = block_new(x); /* what follows is never reached */
        break;
    case CONTROL_BLOCK:
        for (size_t i = 0; i < control->n_variables; i++)
            assign(x, control->variables[i].slot, control->variables[i].initial);
        cut_list(x, &control->body, loops);
        break;
    case CONTROL_SET:
        assign(x, control->slot, control->expr);
        break;
    case CONTROL_IF:
    case CONTROL_CASE:
        cut_branches(x, control, loops);
        break;
    case CONTROL_ITERATE:
    case CONTROL_LEAVE:
        while (loops && loops->loop != control->loop)
            loops = loops->next;
        go(x, NULL, control->kind == CONTROL_LEAVE ? loops->leave : loops->iterate, -1);
        x->at = block_new(x);
        break;
    default:
        cut_loop(x, control, loops);
        break;
    }
}

static void cut_list(Machine *x, const ControlList *list, const LoopBlocks *loops)
{
    for (size_t i = 0; i < list->n; i++)
        cut(x, list->items[i], loops);
}

/* ---- bodies with loops: the machine's SQL ---- */

/* The state after a block: {pc, v0, v1, …, r}. */
static int emit_state(Machine *x, const Block *block, Str state, Buf *out)
{
    Emitter *m = x->m;
    buf_puts(out, "struct_pack(pc := CAST(");
    if (block->result) {
        buf_puts(out, "-1");
    } else if (block->condition) {
        buf_puts(out, "CASE WHEN ");
        if (emit_coerced(m, block->condition, out) < 0)
            return -1;
        buf_printf(out, " THEN %d ELSE %d END", block->yes, block->no);
    } else {
        buf_printf(out, "%d", block->yes);
    }
    buf_puts(out, " AS INTEGER)");
    for (size_t i = 0; i < x->routine->n_slots; i++)
        buf_printf(out, ", v%zu := %.*s", i, STR_ARG(m->slots[i]));
    Str result = block->result ? typed_text(m, block->result, x->routine->return_type)
                               : arena_printf(m->arena, "%.*s.r", STR_ARG(state));
    return result.ptr ? buf_printf(out, ", r := %.*s)", STR_ARG(result)) : -1;
}

/* A let is a list of one element, which costs more than a short expression does. But what nobody reads must
 * still be computed, for its errors, and what is random must be so once. */
static bool may_repeat(const Block *block, size_t at, Str value)
{
    const Step *step = &block->steps.items[at];
    for (size_t i = at + 1; i < block->steps.n; i++)
        if (block->steps.items[i].slot == step->slot)
            return false;
    return value.len <= ROUTINE_REPEAT_MAX && (!step->value || expr_is_deterministic(step->value));
}

static int emit_steps(Machine *x, const Block *block, size_t at, Str state, Buf *out)
{
    Emitter *m = x->m;
    if (at == block->steps.n)
        return emit_state(x, block, state, out);
    const Step *step = &block->steps.items[at];
    Str value = typed_text(m, step->value, x->routine->slot_types[step->slot]), name = emit_let_name(m);
    if (!value.ptr)
        return -1;
    if (may_repeat(block, at, value)) {
        m->slots[step->slot] = value; /* all are set again at the next block */
        return emit_steps(x, block, at + 1, state, out);
    }
    Str before = m->slots[step->slot];
    m->slots[step->slot] = name;
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    int failed = emit_steps(x, block, at + 1, state, &body);
    m->slots[step->slot] = before;
    if (!failed)
        emit_let(out, name, value, buf_str(&body));
    return failed;
}

static int emit_step(Machine *x, Str state, Buf *out)
{
    Emitter *m = x->m;
    for (size_t i = 0; i < x->routine->n_slots; i++)
        m->slots[i] = arena_printf(m->arena, "%.*s.v%zu", STR_ARG(state), i);
    buf_printf(out, "CASE t_routine_step(%.*s.pc)", STR_ARG(state));
    Str *fresh = slots_copy(m, x->routine);
    for (size_t i = 0; i < x->blocks.n; i++) {
        memcpy(m->slots, fresh, x->routine->n_slots * sizeof *fresh);
        buf_printf(out, " WHEN %zu THEN ", i);
        if (emit_steps(x, &x->blocks.items[i], 0, state, out) < 0)
            return -1;
    }
    return buf_printf(out, " ELSE %.*s END", STR_ARG(state));
}

/* The state that `state` is after ROUTINE_FOLD ^ level steps, or as soon as it has ended. */
static int emit_level(Machine *x, int level, Str state, Buf *out)
{
    Emitter *m = x->m;
    if (level == 0)
        return emit_step(x, state, out);
    Str s = emit_let_name(m), ignored = emit_let_name(m);
    buf_printf(
        out, "list_reduce(list_resize([%.*s], %d), lambda %.*s, %.*s: CASE WHEN %.*s.pc < 0 THEN %.*s ELSE ",
        STR_ARG(state), ROUTINE_FOLD + 1, STR_ARG(s), STR_ARG(ignored), STR_ARG(s), STR_ARG(s));
    if (emit_level(x, level - 1, s, out) < 0)
        return -1;
    return buf_puts(out, " END)");
}

static int emit_machine(Emitter *m, const Routine *routine, Buf *out)
{
    Machine x = {.m = m, .routine = routine};
    x.at = block_new(&x);
    cut(&x, routine->body, NULL);
    _cleanup_buf_ Buf start = BUF_INIT(EMIT_SQL_MAX), folded = BUF_INIT(EMIT_SQL_MAX),
                      end = BUF_INIT(EMIT_SQL_MAX);
    buf_puts(&start, "struct_pack(pc := CAST(0 AS INTEGER)");
    for (size_t i = 0; i < routine->n_slots; i++)
        buf_printf(&start, ", v%zu := CAST(%.*s AS %.*s)", i,
                   STR_ARG(i < routine->n_parameters ? m->slots[i] : STR("NULL")),
                   DUCKDB(m, routine->slot_types[i]));
    buf_printf(&start, ", r := CAST(NULL AS %.*s))", DUCKDB(m, routine->return_type));
    Str f = emit_let_name(m);
    if (emit_level(&x, ROUTINE_LEVELS, buf_str(&start), &folded) < 0)
        return -1;
    buf_printf(&end, "CASE WHEN %.*s.pc >= 0 AND t_routine_limit(%.*s.pc) >= 0 THEN NULL ELSE %.*s.r END",
               STR_ARG(f), STR_ARG(f), STR_ARG(f));
    emit_let(out, f, buf_str(&folded), buf_str(&end));
    return 0;
}

/* ---- calls ---- */

/* Arguments that are more than a name are computed once. */
static Str bind_arguments(Emitter *m, const Expr *e, Str *slots, Buf *nulls, Buf *values)
{
    Str variable = emit_let_name(m);
    const Routine *routine = e->call.routine;
    for (size_t i = 0; i < e->call.n; i++) {
        const Expr *arg = e->call.args[i];
        Str text = emit_text(m, arg);
        if (!text.ptr)
            return STR_NULL;
        bool simple = arg->kind == EXPR_COLUMN && sql_type_equal(arg->type, arg->coerced);
        slots[i] = simple ? text : arena_printf(m->arena, "%.*s.a%zu", STR_ARG(variable), i);
        if (!simple)
            buf_printf(values, "%sa%zu := CAST(%.*s AS %.*s)", values->len ? ", " : "", i, STR_ARG(text),
                       DUCKDB(m, routine->slot_types[i]));
        if (routine->null_on_null)
            buf_printf(nulls, "%s%.*s IS NULL", nulls->len ? " OR " : "", STR_ARG(slots[i]));
    }
    return variable;
}

static int emit_body(Emitter *m, const Routine *routine, Buf *out)
{
    Inline inlined = {.m = m, .routine = routine};
    ControlList list = {(Control **)&routine->body, 1};
    Rest rest = {&list, 0, NULL};
    return count_rest(&rest) > ROUTINE_INLINE_MAX ? emit_machine(m, routine, out)
                                                  : emit_rest(&inlined, &rest, out);
}

int emit_routine_call(Emitter *m, const Expr *e, Buf *out)
{
    const Routine *routine = e->call.routine;
    _cleanup_buf_ Buf nulls = BUF_INIT(EMIT_SQL_MAX), values = BUF_INIT(EMIT_SQL_MAX),
                      body = BUF_INIT(EMIT_SQL_MAX);
    Str *outer = m->slots, *slots = arena_array(m->arena, Str, routine->n_slots + 1);
    if (m->routine_depth >= ROUTINE_CALLS_MAX)
        return emit_not_supported(m, e->pos, "Functions that call each other more than %d deep",
                                  ROUTINE_CALLS_MAX);
    Str variable = bind_arguments(m, e, slots, &nulls, &values);
    if (!variable.ptr)
        return -1;
    if (nulls.len)
        buf_printf(&body, "CASE WHEN %.*s THEN CAST(NULL AS %.*s) ELSE ", STR_ARG(buf_str(&nulls)),
                   DUCKDB(m, routine->return_type));
    m->slots = slots;
    m->routine_depth++;
    int failed = emit_body(m, routine, &body);
    m->slots = outer;
    m->routine_depth--;
    if (failed)
        return -1;
    buf_puts(&body, nulls.len ? " END" : "");
    if (buf_check(&body, m->err) < 0)
        return -1;
    if (values.len)
        emit_let(out, variable, arena_printf(m->arena, "struct_pack(%.*s)", STR_ARG(buf_str(&values))),
                 buf_str(&body));
    else
        buf_add(out, buf_str(&body));
    return 0;
}
