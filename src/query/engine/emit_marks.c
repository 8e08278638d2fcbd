/* emit_marks.c - texts that are run more than once: MARK and a number stand for a scan, MARK and a letter for
 * the statement's moment. */
#include <stdio.h>

#include "base/rng.h"
#include "query/engine/emit_internal.h"

enum { MARK_LENGTH = EMIT_MARK_SIZE - 1 };

void emit_choose_mark(char ret[EMIT_MARK_SIZE])
{
    snprintf(ret, EMIT_MARK_SIZE, "%016llx", (unsigned long long)rng_u64());
}

int emit_scan(Emitter *m, const TableHandle *handle, const Relation *relation, Buf *out)
{
    EmitContext *context = m->context;
    if (!context->has_marks)
        return handle->ops->emit_scan(context, handle, relation, out, m->err);
    buf_printf(out, "%s%zu;", context->mark, context->scans.n);
    *vec_push(context->arena, &context->scans) = (EmittedScan){handle, relation};
    return 0;
}

static Str moment(Emitter *m, char letter, int64_t value)
{
    if (m->context->has_marks)
        return arena_printf(m->arena, "%s%c", m->context->mark, letter);
    return arena_printf(m->arena, "%lld", (long long)value);
}

Str emit_start_us(Emitter *m)
{
    return moment(m, 'u', m->context->session->start_us);
}

Str emit_start_ms(Emitter *m)
{
    return moment(m, 'm', m->context->session->start_us / 1000);
}

static int fill_scan(EmitContext *context, const EmittedScan *scan, Buf *out, Error *err)
{
    return scan->handle->ops->emit_scan(context, scan->handle, scan->relation, out, err);
}

int emit_fill_marks(EmitContext *context, Str text, const char *mark, const EmittedScan *scans, Buf *out,
                    Error *err)
{
    const char *at = text.ptr, *end = text.ptr + text.len;
    for (const char *next; (next = memmem(at, (size_t)(end - at), mark, MARK_LENGTH)); ) {
        buf_add(out, (Str){at, (size_t)(next - at)});
        at = next + MARK_LENGTH;
        if (*at == 'u') {
            buf_printf(out, "%lld", (long long)context->session->start_us);
        } else if (*at == 'm') {
            buf_printf(out, "%lld", (long long)context->session->start_us / 1000);
        } else {
            size_t n = 0;
            for (; *at != ';'; at++)
                n = n * 10 + (size_t)(*at - '0');
            if (fill_scan(context, &scans[n], out, err))
                return -1;
        }
        at++;
    }
    buf_add(out, (Str){at, (size_t)(end - at)});
    return buf_check(out, err);
}
