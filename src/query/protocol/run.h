/* run.h - the statement kinds and what runs them; the parts of run.c that show.c and session_statements.c
 * share. */
#pragma once

#include "query/protocol/statement.h"

/* Runs a query (already parsed) and streams its rows. */
int run_query(RunningStatement *s, Statement *ast, Error *err);
/* Parses and runs SQL that we made (SHOW rewrites); `names` overrides nothing: aliases in the SQL name the
 * columns. */
int run_query_text(RunningStatement *s, Str sql, Error *err);
/* One column of text, one row. */
int run_text_result(RunningStatement *s, const char *column, Str text, Error *err);

int run_show(RunningStatement *s, const Statement *ast, Error *err);                 /* show.c */
int run_explain(RunningStatement *s, Statement *ast, Error *err);                    /* explain.c */
int run_explain_analyze(RunningStatement *s, Statement *ast, Error *err);
typedef struct RunMeasure { int64_t rows, planning_us, execution_us; } RunMeasure;
/* Runs an analyzed query for its costs alone. */
int run_and_count(RunningStatement *s, const Query *query, RunMeasure *ret, Error *err);
/* WITH SESSION a = 1, …: for this statement. */
int run_inline_session(RunningStatement *s, const Statement *ast, Error *err);
/* Roles and grants, which no catalog here has. */
bool is_security_statement(const Statement *ast);
int run_security_statement(RunningStatement *s, const Statement *ast, Error *err);
int run_session_statement(RunningStatement *s, Statement *ast, Error *err); /* session_statements.c */
/* The client's text; what EXECUTE and the DESCRIBEs name of its prepared statements becomes their `inner`. */
int run_parse(RunningStatement *s, Statement **ret, Error *err);
int run_describe_prepared(RunningStatement *s, Statement *ast, Error *err);
/* Analysis of `ast` with the session's parameters. */
int run_analyze(RunningStatement *s, Statement *ast, Expr *const *parameters, size_t n_parameters,
                bool describe_only, Analysis **ret, Error *err);
