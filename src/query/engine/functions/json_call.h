/* json_call.h - how the SQL/JSON functions get their clauses, and what they share.
 *
 * A function takes the document's text, one constant text of clauses, and a list of the PASSING values as
 * tagged texts ("i0,0:12"; a NULL is JSON's null, "e0,0:" the empty sequence). The clauses:
 *
 *     <4 flags><type tag>p,s:<n>:<n times: length:name><path>
 *
 * Flags: JSON_VALUE on empty, on error (n null, e error, d default); JSON_QUERY wrapper (n, u, c), quotes (k,
 * o), on empty, on error (n, e, a array, o object); JSON_EXISTS on error (t, f, u, e). The rest are '-'. */
#pragma once

#include "query/engine/functions/function.h"
#include "query/engine/functions/json_path.h"

enum { JSON_ROW_BYTES_MAX = 512 << 20 }; /* document, items and result of one row */

typedef struct JsonClauses {
    char flags[4];
    Item type;
    Str *names;
    size_t n_names;
} JsonClauses;

/* Takes the clauses off the front of *s; what is left is the path. */
bool json_clauses_take(Str *s, Arena *arena, JsonClauses *ret);
bool json_take_number(Str *s, char end, size_t *ret);
bool json_take_text(Str *s, Str *ret); /* "3:abc" */

/* Why there is no value: an error that ON ERROR decides about. */
typedef struct JsonFault {
    ErrCode code; /* 0: none */
    const char *prefix;
    char message[400];
} JsonFault;
int json_fault(JsonFault *fault, ErrCode code, const char *prefix, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void json_fail(Call *c, const JsonFault *fault);
/* After a failed json_path_run(). The call fails at once for what is no fault of the document. */
int json_path_fault(Call *c, const PathRun *run, JsonFault *fault);

/* What a call keeps from row to row. */
typedef struct JsonState {
    Call *call;
    Arena *constant, *row; /* the compiled clauses; the row at hand */
    Str text;              /* of the clauses; ptr NULL: none yet */
    JsonClauses clauses;
    JsonPath path;
    PathRun run;
    Item input;
} JsonState;
void json_state_free(JsonState *s);
#define _cleanup_json_state_ __attribute__((cleanup(json_state_free)))
JsonState json_state(Call *c);

typedef enum JsonRow { JSON_ROW_NULL, JSON_ROW_OK, JSON_ROW_FAULT, JSON_ROW_FAILED } JsonRow;
/* Reads the row's clauses (compiled once), document and parameters; or the last two alone. */
JsonRow json_read_row(JsonState *s, size_t row, JsonFault *fault);
JsonRow json_read_document(JsonState *s, size_t row, JsonFault *fault);

/* JSON_VALUE and JSON_QUERY of the items found. */
typedef enum JsonAnswer { ANSWER_NULL, ANSWER_TEXT, ANSWER_EMPTY, ANSWER_FAULT, ANSWER_FAILED } JsonAnswer;
JsonAnswer json_value_of(Call *c, const JsonClauses *clauses, const ItemSeq *found, Buf *out,
                         JsonFault *fault);
JsonAnswer json_query_of(const JsonClauses *clauses, const ItemSeq *found, Buf *out, JsonFault *fault);
/* ON EMPTY and ON ERROR on top: the answer is text or NULL. Of JSON_VALUE with a default: "=text", "E", "X".
 */
JsonAnswer json_value_decide(Call *c, const JsonClauses *clauses, JsonAnswer answer, Buf *out,
                             const JsonFault *fault);
JsonAnswer json_query_decide(Call *c, const JsonClauses *clauses, JsonAnswer answer, Buf *out,
                             const JsonFault *fault);
