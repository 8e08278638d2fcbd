/* emit_call.h - what the files that emit calls share: a call, and the table of forms that a template of
 * functions.def cannot say. */
#pragma once

#include "query/engine/emit_internal.h"

typedef struct Call {
    Emitter *m;
    const Expr *e;
    Str *args; /* texts in the types of the signature; of lambdas: not set */
    size_t n;
} Call;

typedef struct CallForm {
    const char *name; /* "@reduce" */
    int (*emit)(Call *c, Buf *out);
} CallForm;

/* DISTINCT arguments that are told apart by a key (emit_key()): puts the key into c->args, or writes the
 * whole call (*ret_done), or refuses it. */
int emit_keyed_distinct(Call *c, bool *ret_done, Buf *out);

/* ---- emit_lazy.c ---- */
/* Writes "CASE WHEN … IS NULL THEN NULL ELSE " where a value before one that may fail may be NULL: then
 * " END" must follow. Returns how many values are looked at. */
int emit_guard(Expr *const *args, const Str *texts, size_t n, bool overflow, Buf *out);
int emit_call_guard(const Call *c, Buf *out);

extern const CallForm emit_list_forms[]; /* of arrays and maps; ends in a NULL name */
extern const CallForm emit_time_forms[]; /* of dates and times; likewise */
extern const CallForm emit_aggregate_forms[]; /* likewise */
extern const CallForm emit_map_forms[]; /* maps by keys; likewise */
extern const CallForm emit_format_forms[]; /* format() and static functions of types; likewise */
