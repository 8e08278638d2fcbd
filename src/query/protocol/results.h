/* results.h - QueryResults: the JSON of one answer of the statement protocol. Source: trino.md 1.4 and 1.5.
 */
#pragma once

#include "format/json.h"
#include "query/protocol/statement.h"

/* Writes the answer for the state under s->lock (held by the caller), taking the first queued page when
 * `take_page`. next_uri empty: the last answer. */
void results_write(RunningStatement *s, Str next_uri, bool take_page, Buf *out);
/* {"rawType":…,"arguments":[…]} */
void results_type_signature(JsonWriter *w, const SqlType *type, Arena *arena);
void results_error(JsonWriter *w, const Error *error);
/* The type as the client can take it: without PARAMETRIC_DATETIME precision 3, without NUMBER varchar, … */
const SqlType *results_client_type(const SqlType *type, const ClientSession *session, Arena *arena);
