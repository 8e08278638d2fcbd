/* result_format.h - rows of the Trino protocol to text on a terminal or in a pipe.
 *
 * ALIGNED looks at types (numbers right) and works in batches of ALIGNED_BATCH rows, so that a result of any
 * size prints in bounded memory; the others stream. Values read as Trino's own shell prints them: NULL as
 * NULL (empty in CSV and TSV), [1, 2], {a=1}. */
#pragma once

#include <stdio.h>

#include "client/trino_client.h"

typedef enum ResultFormat {
    FORMAT_ALIGNED,
    FORMAT_VERTICAL,
    FORMAT_CSV,
    FORMAT_CSV_HEADER,
    FORMAT_CSV_UNQUOTED,
    FORMAT_TSV,
    FORMAT_TSV_HEADER,
    FORMAT_JSON,
    FORMAT_MARKDOWN,
    FORMAT_NULL,
} ResultFormat;

enum { ALIGNED_BATCH = 10000, CELL_MAX = 1 << 20 };

typedef struct ResultPrinter ResultPrinter;

int result_format_parse(const char *name, ResultFormat *ret, Error *err);
ResultPrinter *result_printer_new(ResultFormat format, FILE *out);
void result_printer_free(ResultPrinter *printer);
/* The page's columns must be known when it has rows. -1: the output is gone (a pager that was left). */
int result_print_page(ResultPrinter *printer, const TrinoPage *page);
int result_print_end(ResultPrinter *printer);             /* the last batch; "(3 rows)" for ALIGNED */
int64_t result_row_count(const ResultPrinter *printer);
/* Lines printed so far or waiting: does it fit a screen? */
