/* print_pattern.c - row patterns to text: MATCH_RECOGNIZE and the clauses around a window's frame. */
#include "query/sql/print_internal.h"

static void print_row_pattern(Buf *out, const RowPattern *pattern);

static void print_items(Buf *out, const RowPattern *pattern, const char *before, const char *between,
                        const char *after)
{
    buf_puts(out, before);
    for (size_t i = 0; i < pattern->n; i++) {
        buf_puts(out, i ? between : "");
        print_row_pattern(out, pattern->items[i]);
    }
    buf_puts(out, after);
}

static void print_quantifier(Buf *out, const RowPattern *pattern)
{
    if (!pattern->is_range) {
        buf_putc(out, pattern->most == 1 ? '?' : pattern->least == 1 ? '+' : '*');
    } else {
        buf_putc(out, '{');
        if (pattern->least >= 0)
            buf_printf(out, "%lld", (long long)pattern->least);
        buf_putc(out, ',');
        if (pattern->most >= 0)
            buf_printf(out, "%lld", (long long)pattern->most);
        buf_putc(out, '}');
    }
    buf_puts(out, pattern->reluctant ? "?" : "");
}

static void print_row_pattern(Buf *out, const RowPattern *pattern)
{
    switch (pattern->kind) {
    case PATTERN_VARIABLE:
        print_identifier(out, &pattern->name);
        break;
    case PATTERN_EMPTY:
        buf_puts(out, "()");
        break;
    case PATTERN_CONCATENATION:
        print_items(out, pattern, "(", " ", ")");
        break;
    case PATTERN_ALTERNATION:
        print_items(out, pattern, "(", " | ", ")");
        break;
    case PATTERN_PERMUTATION:
        print_items(out, pattern, "PERMUTE(", ", ", ")");
        break;
    case PATTERN_EXCLUDED:
        print_items(out, pattern, "{-", " ", "-}");
        break;
    case PATTERN_QUANTIFIED:
        print_items(out, pattern, "(", " ", ")");
        print_quantifier(out, pattern);
        break;
    case PATTERN_START:
        buf_putc(out, '^');
        break;
    case PATTERN_END:
        buf_putc(out, '$');
        break;
    }
}

static void print_skip(Buf *out, const PatternSpec *spec)
{
    static const char *const texts[] = {
        [SKIP_DEFAULT] = "",
        [SKIP_PAST_LAST] = " AFTER MATCH SKIP PAST LAST ROW",
        [SKIP_TO_NEXT] = " AFTER MATCH SKIP TO NEXT ROW",
        [SKIP_TO_FIRST] = " AFTER MATCH SKIP TO FIRST ",
        [SKIP_TO_LAST] = " AFTER MATCH SKIP TO LAST ",
    };
    buf_puts(out, texts[spec->skip]);
    if (spec->skip_label.text.ptr)
        print_identifier(out, &spec->skip_label);
}

static void print_measures(Buf *out, const PatternSpec *spec)
{
    for (size_t i = 0; i < spec->n_measures; i++) {
        buf_puts(out, i ? ", " : " MEASURES ");
        print_expression(out, spec->measures[i].expr);
        buf_puts(out, " AS ");
        print_identifier(out, &spec->measures[i].name);
    }
}

/* Without `window` all clauses of MATCH_RECOGNIZE; with it those that stand behind the frame (the measures
 * stand before it). */
void print_pattern_clauses(Buf *out, const PatternSpec *spec, bool measures)
{
    static const char *const rows[] = {
        [ROWS_DEFAULT] = "",
        [ROWS_ONE] = " ONE ROW PER MATCH",
        [ROWS_ALL] = " ALL ROWS PER MATCH",
        [ROWS_ALL_OMIT_EMPTY] = " ALL ROWS PER MATCH OMIT EMPTY MATCHES",
        [ROWS_ALL_UNMATCHED] = " ALL ROWS PER MATCH WITH UNMATCHED ROWS",
        [ROWS_WINDOW] = "",
    };
    if (measures) {
        print_measures(out, spec);
        return;
    }
    buf_puts(out, rows[spec->rows]);
    buf_puts(out, spec->show_empty ? " SHOW EMPTY MATCHES" : "");
    print_skip(out, spec);
    buf_puts(out, spec->search == SEARCH_INITIAL ? " INITIAL" : spec->search == SEARCH_SEEK ? " SEEK" : "");
    if (spec->pattern) {
        buf_puts(out, " PATTERN (");
        print_row_pattern(out, spec->pattern);
        buf_putc(out, ')');
    }
    for (size_t i = 0; i < spec->n_subsets; i++) {
        buf_puts(out, i ? ", " : " SUBSET ");
        print_identifier(out, &spec->subsets[i].name);
        buf_puts(out, " = ");
        print_names(out, spec->subsets[i].items, spec->subsets[i].n);
    }
    for (size_t i = 0; i < spec->n_defines; i++) {
        buf_puts(out, i ? ", " : " DEFINE ");
        print_identifier(out, &spec->defines[i].name);
        buf_puts(out, " AS ");
        print_expression(out, spec->defines[i].expr);
    }
}

void print_match_recognize(Buf *out, const Relation *r, int indent)
{
    print_relation(out, r->match.input, indent);
    buf_puts(out, " MATCH_RECOGNIZE (");
    if (r->match.n_partition_by) {
        buf_puts(out, " PARTITION BY ");
        print_expressions(out, r->match.partition_by, r->match.n_partition_by);
    }
    if (r->match.n_order_by) {
        buf_puts(out, " ORDER BY ");
        print_sort_items(out, r->match.order_by, r->match.n_order_by);
    }
    print_pattern_clauses(out, r->match.spec, true);
    print_pattern_clauses(out, r->match.spec, false);
    buf_puts(out, ")");
}
