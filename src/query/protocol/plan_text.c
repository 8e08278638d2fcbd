/* plan_text.c - the text, JSON and Graphviz forms of a plan. */
#include "format/json.h"
#include "query/protocol/plan_tree.h"

enum { PREFIX_MAX = 1 << 16, LINES_MAX = 1 << 20 };

/* ---- text ---- */

typedef struct Printer {
    PlanScanFn put_scan;
    void *arg;
    Arena *arena;
    Buf *out;
} Printer;

static void put_lines(Printer *p, Str prefix, Str lines)
{
    for (Str rest = lines; rest.len;) {
        Str line = str_cut(rest, '\n', &rest);
        if (line.len)
            buf_printf(p->out, "%.*s%.*s\n", STR_ARG(prefix), STR_ARG(line));
    }
}

static int put_details(Printer *p, const PlanNode *node, Str prefix, Error *err)
{
    buf_printf(p->out, "%.*sLayout: [", STR_ARG(prefix));
    for (size_t i = 0; i < node->n_outputs; i++)
        buf_printf(p->out, "%s%.*s:%.*s", i ? ", " : "", STR_ARG(node->outputs[i].name),
                   STR_ARG(sql_type_name(node->outputs[i].type, p->arena)));
    buf_puts(p->out, "]\n");
    for (size_t i = 0; i < node->n_details; i++)
        buf_printf(p->out, "%.*s%.*s\n", STR_ARG(prefix), STR_ARG(node->details[i]));
    if (!node->scan || !p->put_scan)
        return 0;
    _cleanup_buf_ Buf lines = BUF_INIT(LINES_MAX);
    if (p->put_scan(p->arg, node->scan, &lines, err))
        return -1;
    put_lines(p, prefix, buf_str(&lines));
    return 0;
}

/* `indent` stands before the node's lines, `first` before its name. */
static int put_node(Printer *p, const PlanNode *node, Str first, Str indent, Error *err)
{
    buf_printf(p->out, "%.*s%s[%.*s]\n", STR_ARG(first), node->name, STR_ARG(node->descriptor));
    Str details = arena_printf(p->arena, "%.*s%s", STR_ARG(indent), node->n_children ? "│   " : "    ");
    if (put_details(p, node, details, err))
        return -1;
    for (size_t i = 0; i < node->n_children; i++) {
        bool last = i + 1 == node->n_children;
        Str name = arena_printf(p->arena, "%.*s%s", STR_ARG(indent), last ? "└─ " : "├─ ");
        Str under = arena_printf(p->arena, "%.*s%s", STR_ARG(indent), last ? "   " : "│  ");
        if (under.len > PREFIX_MAX)
            return err_set(err, ERR_LIMIT, "The plan is too deep to be shown");
        if (put_node(p, node->children[i], name, under, err))
            return -1;
    }
    return 0;
}

int plan_put_text(const PlanNode *root, PlanScanFn put_scan, void *arg, Arena *arena, Buf *out, Error *err)
{
    Printer p = { put_scan, arg, arena, out };
    buf_puts(out, "Fragment 0 [SINGLE]\n    Output layout: [");
    for (size_t i = 0; i < root->n_outputs; i++)
        buf_printf(out, "%s%.*s", i ? ", " : "", STR_ARG(root->outputs[i].name));
    buf_puts(out, "]\n    Output partitioning: SINGLE []\n");
    return put_node(&p, root, STR("    "), STR("    "), err);
}

/* ---- JSON ---- */

static void put_json_node(JsonWriter *w, const PlanNode *node, Arena *arena)
{
    json_object(w);
    json_kv_str(w, "id", arena_printf(arena, "%d", node->id));
    json_kv_cstr(w, "name", node->name);
    json_key(w, "descriptor");
    json_object(w);
    Str value, key = str_cut(node->descriptor, '=', &value);
    if (value.ptr)
        json_kv_str(w, arena_cstr(arena, str_trim(key)), str_trim(value));
    json_end_object(w);
    json_key(w, "outputs");
    json_array(w);
    for (size_t i = 0; i < node->n_outputs; i++) {
        json_object(w);
        json_kv_str(w, "type", sql_type_name(node->outputs[i].type, arena));
        json_kv_str(w, "name", node->outputs[i].name);
        json_end_object(w);
    }
    json_end_array(w);
    json_key(w, "details");
    json_array(w);
    for (size_t i = 0; i < node->n_details; i++)
        json_str(w, node->details[i]);
    json_end_array(w);
    json_key(w, "estimates");
    json_array(w);
    json_end_array(w);
    json_key(w, "children");
    json_array(w);
    for (size_t i = 0; i < node->n_children; i++)
        put_json_node(w, node->children[i], arena);
    json_end_array(w);
    json_end_object(w);
}

void plan_put_json(const PlanNode *root, Arena *arena, Buf *out)
{
    JsonWriter w = JSON_WRITER(out);
    json_object(&w);
    json_key(&w, "0");
    put_json_node(&w, root, arena);
    json_end_object(&w);
}

/* ---- Graphviz ---- */

static void put_label(Buf *out, Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\n')
            c = ' ';
        if (c == '"' || c == '\\' || c == '{' || c == '}' || c == '|' || c == '<' || c == '>')
            buf_putc(out, '\\');
        buf_putc(out, c);
    }
}

static void put_graph_nodes(Buf *out, const PlanNode *node)
{
    buf_printf(out, "plannode_%d[label=\"{%s[", node->id, node->name);
    put_label(out, node->descriptor);
    buf_puts(out, "]}\", style=\"rounded, filled\", shape=record, fillcolor=white];\n");
    for (size_t i = 0; i < node->n_children; i++)
        put_graph_nodes(out, node->children[i]);
}

static void put_graph_edges(Buf *out, const PlanNode *node)
{
    for (size_t i = 0; i < node->n_children; i++) {
        buf_printf(out, "plannode_%d -> plannode_%d;\n", node->id, node->children[i]->id);
        put_graph_edges(out, node->children[i]);
    }
}

void plan_put_graphviz(const PlanNode *root, Buf *out)
{
    buf_puts(out, "digraph distributed_plan {\nsubgraph cluster_0 {\nlabel = \"SINGLE\"\n");
    put_graph_nodes(out, root);
    buf_puts(out, "}\n");
    put_graph_edges(out, root);
    buf_puts(out, "}\n");
}
