/* json_clauses.h - what the analyzer's files on SQL/JSON share. */
#pragma once

#include "query/analyzer/internal.h"
#include "query/engine/functions/json_path.h"

Str json_canonical_name(Arena *arena, const Ident *name); /* in upper case, unless it was quoted */
/* Parses and checks; *ret_type: ITEM_NONE or the type of every item. */
int json_check_path(Analyzer *a, Str path, SqlPos pos, const Str *names, size_t n_names, Item *ret_type);
/* The document, the parameters and the path. e NULL: of a JSON_TABLE. */
int analyze_json_invocation(ExprContext *c, const Expr *e, JsonInvocation *invocation, const char *function,
                            Item *ret_type);
int analyze_json_text_output(ExprContext *c, SqlPos pos, JsonOutput *output);
int analyze_json_value_output(ExprContext *c, SqlPos pos, JsonOutput *output, const Item *found,
                              bool in_table);
int analyze_json_quotes(ExprContext *c, SqlPos pos, const JsonOutput *output);
