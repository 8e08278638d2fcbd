/* plan_tree.h - a statement as a tree of Trino's plan nodes, for EXPLAIN.
 *
 * It is made from the analyzed syntax tree: what is read, joined, filtered and aggregated, in the order in
 * which that is meant. The engine is free to do it in another order; on one node there is one fragment.
 *
 * Everything lives in the arena. */
#pragma once

#include "query/analyzer/analyzer.h"

typedef struct PlanNode PlanNode;
struct PlanNode {
    int id;
    const char *name;                      /* "InnerJoin" */
    Str descriptor;                        /* "criteria = (a = b)"; empty: none */
    const OutputColumn *outputs; size_t n_outputs;
    const Str *details; size_t n_details;  /* "x := y" */
    const TableAccess *scan;               /* TableScan; NULL: no table */
    PlanNode *const *children; size_t n_children;
};

PlanNode *plan_tree(const Query *query, const Analysis *analysis, Arena *arena);

/* Text, JSON and Graphviz forms. `put_scan` adds what is known of a scan, a line each, and may be NULL. */
typedef int (*PlanScanFn)(void *arg, const TableAccess *scan, Buf *lines, Error *err);
int plan_put_text(const PlanNode *root, PlanScanFn put_scan, void *arg, Arena *arena, Buf *out, Error *err);
void plan_put_json(const PlanNode *root, Arena *arena, Buf *out);
void plan_put_graphviz(const PlanNode *root, Buf *out);
