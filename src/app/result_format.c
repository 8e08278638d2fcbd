#include "app/result_format.h"

#include <stdlib.h>

#include "base/buf.h"

typedef struct Cell { Str text; bool is_null; } Cell;

struct ResultPrinter {
    ResultFormat format;
    FILE *out;
    Arena *columns_arena, *rows_arena;
    TrinoColumn *columns;
    size_t n_columns;
    Vec(Cell) cells;               /* the batch of ALIGNED and MARKDOWN */
    size_t n_batch;
    int64_t n_rows;
    bool header_done;
};

static const struct { const char *name; ResultFormat format;
} names[] = {
    {"ALIGNED", FORMAT_ALIGNED},
    {"VERTICAL", FORMAT_VERTICAL},
    {"CSV", FORMAT_CSV},
    {"CSV_HEADER", FORMAT_CSV_HEADER},
    {"CSV_UNQUOTED", FORMAT_CSV_UNQUOTED},
    {"TSV", FORMAT_TSV},
    {"TSV_HEADER", FORMAT_TSV_HEADER},
    {"JSON", FORMAT_JSON},
    {"MARKDOWN", FORMAT_MARKDOWN},
    {"NULL", FORMAT_NULL},
};

int result_format_parse(const char *name, ResultFormat *ret, Error *err)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_nocase(str_from(name), str_from(names[i].name))) {
            *ret = names[i].format;
            return 0;
        }
    return err_set(err, ERR_CONFIG, "unknown output format %s (lakehouse sql --help lists them)", name);
}

ResultPrinter *result_printer_new(ResultFormat format, FILE *out)
{
    ResultPrinter *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->format = format;
    p->out = out;
    p->columns_arena = arena_new(16 << 20);
    p->rows_arena = arena_new((size_t)1 << 30);
    return p;
}

void result_printer_free(ResultPrinter *p)
{
    if (!p)
        return;
    arena_free(p->columns_arena);
    arena_free(p->rows_arena);
    free(p);
}

int64_t result_row_count(const ResultPrinter *printer) { return printer->n_rows; }

/* ---- values ---- */

static void value_text(Buf *out, const Json *v)
{
    if (json_is_null(v))
        buf_puts(out, "NULL");
    else if (v->type == JSON_STRING || v->type == JSON_NUMBER)
        buf_add(out, v->text);
    else if (v->type == JSON_INT)
        buf_put_i64(out, v->i64);
    else if (v->type == JSON_ARRAY) {
        buf_putc(out, '[');
        for (size_t i = 0; i < v->array.n; i++) {
            buf_puts(out, i ? ", " : "");
            value_text(out, v->array.items[i]);
        }
        buf_putc(out, ']');
    } else if (v->type == JSON_OBJECT) {
        buf_putc(out, '{');
        for (size_t i = 0; i < v->object.n; i++) {
            buf_puts(out, i ? ", " : "");
            buf_add(out, v->object.members[i].key);
            buf_putc(out, '=');
            value_text(out, v->object.members[i].value);
        }
        buf_putc(out, '}');
    } else
        buf_puts(out, v->type == JSON_TRUE ? "true" : "false");
}

static Cell make_cell(Arena *arena, const Json *v)
{
    _cleanup_buf_ Buf text = BUF_INIT(CELL_MAX);
    value_text(&text, v);
    return (Cell){ .text = arena_str(arena, buf_str(&text)), .is_null = json_is_null(v) };
}

static bool is_number(Str type)
{
    static const char *const numeric[] = {"tinyint", "smallint", "integer", "bigint",
                                          "real",    "double",   "decimal", "number"};
    for (size_t i = 0; i < sizeof numeric / sizeof *numeric; i++)
        if (str_has_prefix(type, str_from(numeric[i])))
            return true;
    return false;
}

/* ---- delimited ---- */

static void put_csv(Buf *out, Str text, bool quoted)
{
    if (!quoted) {
        buf_add(out, text);
        return;
    }
    buf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_putc(out, '"');
        buf_putc(out, text.ptr[i]);
    }
    buf_putc(out, '"');
}

static void put_tsv(Buf *out, Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        const char *escape = c == '\t'   ? "\\t"
                             : c == '\n' ? "\\n"
                             : c == '\r' ? "\\r"
                             : c == '\\' ? "\\\\"
                                         : NULL;
        if (escape)
            buf_puts(out, escape);
        else
            buf_putc(out, c);
    }
}

static void put_delimited(const ResultPrinter *p, Buf *out, const Cell *cells)
{
    bool tsv = p->format == FORMAT_TSV || p->format == FORMAT_TSV_HEADER;
    for (size_t c = 0; c < p->n_columns; c++) {
        if (c)
            buf_putc(out, tsv ? '\t' : ',');
        Str text = cells[c].is_null ? STR("") : cells[c].text;
        if (tsv)
            put_tsv(out, text);
        else if (!cells[c].is_null)
            put_csv(out, text, p->format != FORMAT_CSV_UNQUOTED);
    }
    buf_putc(out, '\n');
}

static void put_json_row(const ResultPrinter *p, Buf *out, const Json *row)
{
    JsonWriter w = JSON_WRITER(out);
    json_object(&w);
    for (size_t c = 0; c < p->n_columns && c < row->array.n; c++) {
        json_key_str(&w, p->columns[c].name);
        json_write_value(&w, row->array.items[c]);
    }
    json_end_object(&w);
    buf_putc(out, '\n');
}

static void put_vertical(const ResultPrinter *p, Buf *out, const Cell *cells)
{
    size_t widest = 0;
    for (size_t c = 0; c < p->n_columns; c++) {
        size_t n = utf8_length(p->columns[c].name);
        widest = n > widest ? n : widest;
    }
    buf_printf(out, "-[ RECORD %lld ]\n", (long long)p->n_rows);
    for (size_t c = 0; c < p->n_columns; c++)
        buf_printf(out, "%.*s%*s | %.*s\n", STR_ARG(p->columns[c].name),
                   (int)(widest - utf8_length(p->columns[c].name)), "", STR_ARG(cells[c].text));
}

/* ---- tables ---- */

static void pad(Buf *out, size_t n)
{
    while (n--)
        buf_putc(out, ' ');
}

static void put_aligned_cell(Buf *out, Str text, size_t width, bool right)
{
    size_t n = utf8_length(text), gap = width > n ? width - n : 0;
    buf_putc(out, ' ');
    pad(out, right ? gap : 0);
    for (size_t i = 0; i < text.len; i++) {    /* a line break would tear the table, ESC steer the terminal */
        unsigned char c = (unsigned char)text.ptr[i];
        buf_putc(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
    }
    pad(out, right ? 0 : gap);
    buf_putc(out, ' ');
}

static void put_table_header(const ResultPrinter *p, Buf *out, const size_t *width)
{
    bool markdown = p->format == FORMAT_MARKDOWN;
    buf_puts(out, markdown ? "|" : "");
    for (size_t c = 0; c < p->n_columns; c++) {
        size_t n = utf8_length(p->columns[c].name), left = markdown ? 0 : (width[c] - n) / 2;
        buf_puts(out, c && !markdown ? "|" : "");
        buf_putc(out, ' ');
        pad(out, left);
        buf_add(out, p->columns[c].name);
        pad(out, width[c] - n - left + 1);
        buf_puts(out, markdown ? "|" : "");
    }
    buf_puts(out, markdown ? "\n|" : "\n");
    for (size_t c = 0; c < p->n_columns; c++) {
        bool right = is_number(p->columns[c].type);
        buf_puts(out, c && !markdown ? "+" : "");
        for (size_t i = 0; i < width[c] + 2; i++)
            buf_putc(out, markdown && ((right && i == width[c] + 1) || (!right && i == 0)) ? ':' : '-');
        buf_puts(out, markdown ? "|" : "");
    }
    buf_putc(out, '\n');
}

static void flush_table(ResultPrinter *p, Buf *out)
{
    bool markdown = p->format == FORMAT_MARKDOWN;
    if (!p->n_columns)
        return;
    size_t *width = arena_array(p->rows_arena, size_t, p->n_columns);
    for (size_t c = 0; c < p->n_columns; c++) {
        width[c] = utf8_length(p->columns[c].name);
        for (size_t r = 0; r < p->n_batch; r++) {
            size_t n = utf8_length(p->cells.items[r * p->n_columns + c].text);
            width[c] = n > width[c] ? n : width[c];
        }
    }
    if (!p->header_done)
        put_table_header(p, out, width);
    p->header_done = true;
    for (size_t r = 0; r < p->n_batch; r++) {
        buf_puts(out, markdown ? "|" : "");
        for (size_t c = 0; c < p->n_columns; c++) {
            buf_puts(out, c && !markdown ? "|" : "");
            put_aligned_cell(out, p->cells.items[r * p->n_columns + c].text, width[c],
                             is_number(p->columns[c].type));
            buf_puts(out, markdown ? "|" : "");
        }
        buf_putc(out, '\n');
    }
    p->cells.items = NULL;
    p->cells.n = p->cells.cap = 0;
    p->n_batch = 0;
    arena_reset(p->rows_arena);
}

/* ---- pages ---- */

static int write_out(ResultPrinter *p, const Buf *out)
{
    if (out->len && fwrite(out->data, 1, out->len, p->out) != out->len)
        return -1;
    return 0;
}

static void take_columns(ResultPrinter *p, const TrinoPage *page)
{
    if (p->columns || !page->n_columns)
        return;
    p->columns = arena_array(p->columns_arena, TrinoColumn, page->n_columns);
    p->n_columns = page->n_columns;
    for (size_t i = 0; i < page->n_columns; i++) {
        p->columns[i].name = arena_str(p->columns_arena, page->columns[i].name);
        p->columns[i].type = arena_str(p->columns_arena, page->columns[i].type);
    }
}

static void put_column_line(ResultPrinter *p, Buf *out)
{
    bool wanted = p->format == FORMAT_CSV_HEADER || p->format == FORMAT_TSV_HEADER;
    if (!wanted || p->header_done || !p->columns)
        return;
    Cell *cells = arena_array(p->columns_arena, Cell, p->n_columns);
    for (size_t i = 0; i < p->n_columns; i++)
        cells[i].text = p->columns[i].name;
    put_delimited(p, out, cells);
    p->header_done = true;
}

static void put_row(ResultPrinter *p, Buf *out, const Json *row)
{
    p->n_rows++;
    if (p->format == FORMAT_NULL)
        return;
    if (p->format == FORMAT_JSON) {
        put_json_row(p, out, row);
        return;
    }
    bool table = p->format == FORMAT_ALIGNED || p->format == FORMAT_MARKDOWN;
    Cell *cells = table ? NULL : arena_array(p->rows_arena, Cell, p->n_columns);
    for (size_t c = 0; c < p->n_columns; c++) {
        Cell cell = make_cell(p->rows_arena, c < row->array.n ? row->array.items[c] : NULL);
        if (table)
            *vec_push(p->rows_arena, &p->cells) = cell;
        else
            cells[c] = cell;
    }
    if (table) {
        if (++p->n_batch == ALIGNED_BATCH)
            flush_table(p, out);
        return;
    }
    if (p->format == FORMAT_VERTICAL)
        put_vertical(p, out, cells);
    else
        put_delimited(p, out, cells);
    arena_reset(p->rows_arena);
}

int result_print_page(ResultPrinter *p, const TrinoPage *page)
{
    _cleanup_buf_ Buf out = BUF_INIT((size_t)1 << 31);
    take_columns(p, page);
    put_column_line(p, &out);
    for (size_t i = 0; page->rows && i < page->rows->array.n; i++) {
        put_row(p, &out, page->rows->array.items[i]);
        if (out.len > (1 << 20)) {
            if (write_out(p, &out))
                return -1;
            buf_clear(&out);
        }
    }
    return write_out(p, &out);
}

int result_print_end(ResultPrinter *p)
{
    _cleanup_buf_ Buf out = BUF_INIT((size_t)1 << 31);
    bool table = p->format == FORMAT_ALIGNED || p->format == FORMAT_MARKDOWN;
    if (table && (p->n_batch || !p->header_done))
        flush_table(p, &out);
    if (p->format == FORMAT_ALIGNED && p->columns)
        buf_printf(&out, "(%lld row%s)\n", (long long)p->n_rows, p->n_rows == 1 ? "" : "s");
    int r = write_out(p, &out);
    return fflush(p->out) || r ? -1 : 0;
}
