#include "query/engine/pattern/program.h"

typedef struct Reader {
    Str text;
    size_t at;
    bool bad;
} Reader;

static int64_t next(Reader *r)
{
    size_t from = r->at;
    while (r->at < r->text.len && r->text.ptr[r->at] != ' ')
        r->at++;
    int64_t value = 0;
    if (str_to_i64(str_slice(r->text, from, r->at), INT64_MIN, INT64_MAX, &value, NULL) < 0)
        r->bad = true;
    r->at++;
    return value;
}

/* A count of things that take at least two characters each. */
static size_t count(Reader *r)
{
    int64_t n = next(r);
    if (n < 0 || (uint64_t)n > r->text.len)
        r->bad = true;
    return r->bad ? 0 : (size_t)n;
}

static void read_instructions(Reader *r, MatchProgram *p, Arena *arena)
{
    p->n_loops = count(r);
    p->n_instructions = count(r);
    p->instructions = arena_array(arena, MatchInstruction, p->n_instructions + 1);
    for (size_t i = 0; i < p->n_instructions && !r->bad; i++) {
        MatchInstruction *x = &p->instructions[i];
        x->op = (MatchOp)next(r);
        x->a = (int32_t)next(r);
        x->b = (int32_t)next(r);
        x->c = (int32_t)next(r);
        bool jumps = x->op == MATCH_SPLIT || x->op == MATCH_LOOP || x->op == MATCH_JUMP;
        int64_t n = (int64_t)p->n_instructions;
        if (jumps &&
            (x->a < 0 || x->a >= n || x->b < 0 || x->b >= n || x->c < 0 || (size_t)x->c > p->n_loops))
            r->bad = true;
    }
    if (p->n_instructions == 0 || p->instructions[p->n_instructions - 1].op != MATCH_DONE)
        r->bad = true;
}

static void read_tables(Reader *r, MatchProgram *p, Arena *arena)
{
    p->n_labels = count(r);
    p->conditions = arena_array(arena, MatchCondition, p->n_labels + 1);
    for (size_t i = 0; i < p->n_labels; i++) {
        p->conditions[i].kind = next(r);
        p->conditions[i].value = next(r);
        p->conditions[i].back = next(r);
    }
    p->n_navigations = count(r);
    p->n_output_navigations = count(r);
    p->navigations = arena_array(arena, MatchNavigation, p->n_navigations + 1);
    for (size_t i = 0; i < p->n_navigations; i++) {
        MatchNavigation *n = &p->navigations[i];
        n->labels = (uint64_t)next(r);
        n->is_last = next(r);
        n->is_final = next(r);
        n->logical = next(r);
        n->physical = next(r);
    }
    p->n_aggregates = count(r);
    p->aggregates = arena_array(arena, uint64_t, p->n_aggregates + 1);
    for (size_t i = 0; i < p->n_aggregates; i++)
        p->aggregates[i] = (uint64_t)next(r);
    p->n_dynamic = count(r);
    p->dynamic = arena_array(arena, MatchDynamic, p->n_dynamic + 1);
    for (size_t i = 0; i < p->n_dynamic; i++) {
        MatchDynamic *d = &p->dynamic[i];
        d->n_navigations = count(r);
        d->navigations = arena_array(arena, int64_t, d->n_navigations + 1);
        for (size_t j = 0; j < d->n_navigations; j++) {
            d->navigations[j] = next(r);
            if (d->navigations[j] < 0 || (size_t)d->navigations[j] >= p->n_navigations)
                r->bad = true;
        }
    }
}

int match_program_parse(Str text, Arena *arena, MatchProgram **ret, Error *err)
{
    Reader r = {.text = text};
    MatchProgram *p = arena_new_of(arena, MatchProgram);
    p->output = next(&r);
    p->after = next(&r);
    p->seek = next(&r);
    p->frame = next(&r);
    p->frame_field = next(&r);
    p->every_row = next(&r);
    p->after_labels = (uint64_t)next(&r);
    read_instructions(&r, p, arena);
    if (!r.bad)
        read_tables(&r, p, arena);
    if (r.bad)
        return err_set(err, ERR_INTERNAL, "a row pattern's program cannot be read");
    *ret = p;
    return arena_check(arena, err);
}
