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

extern const CallForm emit_list_forms[]; /* of arrays and maps; ends in a NULL name */
extern const CallForm emit_time_forms[]; /* of dates and times; likewise */
extern const CallForm emit_aggregate_forms[]; /* likewise */
extern const CallForm emit_format_forms[]; /* format() and static functions of types; likewise */
