#include "query/engine/pattern/matcher.h"

#include <stdlib.h>
#include <string.h>

enum { CHECK_STEPS = 65536, SEEN_AFTER_STEPS = 1024 };

typedef struct MatchChoice {
    int32_t pc;
    size_t row, trail;
} MatchChoice;
typedef struct MatchTrail {
    int32_t loop;
    size_t row;
} MatchTrail;

static int no_memory(Error *err)
{
    return err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT, "Row pattern matching needs more than %d bytes",
                   MATCH_MEMORY_MAX);
}

static int grow(void **items, size_t *cap, size_t need, size_t size, Error *err)
{
    if (need <= *cap)
        return 0;
    size_t wanted = *cap ? *cap * 2 : 256;
    wanted = wanted < need ? need : wanted;
    if (wanted > MATCH_MEMORY_MAX / size)
        return no_memory(err);
    void *more = realloc(*items, wanted * size);
    if (!more)
        return no_memory(err);
    *items = more;
    *cap = wanted;
    return 0;
}

static int push(Matcher *m, int32_t pc, size_t row, Error *err)
{
    if (grow((void **)&m->stack, &m->cap_stack, m->n_stack + 1, sizeof *m->stack, err) < 0)
        return -1;
    m->stack[m->n_stack++] = (MatchChoice){pc, row, m->n_trail};
    return 0;
}

/* 1: goes on at *pc, 0: this way is dead, -1: error. */
static int enter_loop(Matcher *m, const MatchInstruction *i, size_t row, int32_t *pc, Error *err)
{
    if (m->loop_row[i->c] == row)
        return 0;
    if (grow((void **)&m->trail, &m->cap_trail, m->n_trail + 1, sizeof *m->trail, err) < 0)
        return -1;
    m->trail[m->n_trail++] = (MatchTrail){i->c, m->loop_row[i->c]};
    m->loop_row[i->c] = row;
    *pc = i->a;
    return push(m, i->b, row, err) < 0 ? -1 : 1;
}

static bool back(Matcher *m, int32_t *pc, size_t *row)
{
    if (m->n_stack == 0)
        return false;
    const MatchChoice *choice = &m->stack[--m->n_stack];
    while (m->n_trail > choice->trail) {
        m->n_trail--;
        m->loop_row[m->trail[m->n_trail].loop] = m->trail[m->n_trail].row;
    }
    *pc = choice->pc;
    *row = choice->row;
    return true;
}

/* Was the row tried at this instruction before, in this attempt? Noted from now on. */
static int tried(Matcher *m, int32_t pc, size_t row, size_t n_rows, bool *ret, Error *err)
{
    size_t words = (m->n_program * (n_rows + 1) + 63) / 64, bit = (size_t)pc * (n_rows + 1) + row - m->start;
    if (!m->seen_ready) {
        if (grow((void **)&m->seen, &m->cap_seen, words, sizeof *m->seen, err) < 0)
            return -1;
        memset(m->seen, 0, words * sizeof *m->seen);
        m->seen_ready = true;
    }
    *ret = m->seen[bit >> 6] >> (bit & 63) & 1;
    m->seen[bit >> 6] |= 1ULL << (bit & 63);
    return 0;
}

static int try_label(Matcher *m, const MatchInstruction *i, size_t row, size_t end, bool use_seen, Error *err)
{
    bool again = false;
    if (row >= end)
        return 0;
    if (use_seen && tried(m, (int32_t)(i - m->program), row, end - m->start, &again, err) < 0)
        return -1;
    if (again)
        return 0;
    if (grow((void **)&m->labels, &m->cap_labels, row - m->start + 1, 1, err) < 0)
        return -1;
    m->labels[row - m->start] = (uint8_t)(i->a | (i->b ? MATCH_EXCLUDED : 0));
    return m->test(m->self, row, err);
}

static int prepare(Matcher *m, size_t start, Error *err)
{
    m->start = start;
    m->n_stack = m->n_trail = m->n_labels = 0;
    m->steps = 0;
    m->seen_ready = false;
    if (!m->loop_row && !(m->loop_row = malloc((m->n_loops + 1) * sizeof *m->loop_row)))
        return no_memory(err);
    for (size_t i = 0; i < m->n_loops; i++)
        m->loop_row[i] = SIZE_MAX;
    return 0;
}

int matcher_run(Matcher *m, size_t first, size_t start, size_t end, bool *ret_matched, Error *err)
{
    int32_t pc = 0;
    size_t row = start;
    bool use_seen = false;
    *ret_matched = false;
    if (prepare(m, start, err) < 0)
        return -1;
    for (;;) {
        const MatchInstruction *i = &m->program[pc];
        int alive = 1;
        if (++m->steps % CHECK_STEPS == 0 && m->interrupted(m->self))
            return err_set(err, ERR_USER_CANCELED, "Query was canceled");
        if (m->steps == SEEN_AFTER_STEPS && m->independent)
            use_seen = true;
        if (i->op == MATCH_DONE) {
            m->n_labels = row - start;
            *ret_matched = true;
            return 0;
        }
        if (i->op == MATCH_LABEL) {
            alive = try_label(m, i, row, end, use_seen, err);
            row += alive > 0;
            pc++;
        } else if (i->op == MATCH_SPLIT) {
            alive = push(m, i->b, row, err) < 0 ? -1 : 1;
            pc = i->a;
        } else if (i->op == MATCH_LOOP) {
            alive = enter_loop(m, i, row, &pc, err);
        } else if (i->op == MATCH_JUMP) {
            pc = i->a;
        } else {
            alive = row == (i->op == MATCH_START ? first : end);
            pc++;
        }
        if (alive < 0)
            return -1;
        if (!alive && !back(m, &pc, &row))
            return 0;
    }
}

void matcher_free(Matcher *m)
{
    free(m->labels);
    free(m->stack);
    free(m->trail);
    free(m->loop_row);
    free(m->seen);
    memset(m, 0, sizeof *m);
}
