/* parquet_footer.c - see parquet_footer.h. Field numbers are those of parquet.thrift. */
#include "format/parquet_footer.h"

#include <assert.h>

#include "format/thrift.h"

enum {
    MAX_SCHEMA_NODES = 100000, /* wider files are no tables */
    MAX_SCHEMA_DEPTH = 64,
    TRAILER_BYTES = 8, /* length and magic */
};

/* A schema element as it is in the file; the tree is built from the list of them. */
typedef struct Element {
    ParquetNode node;
    int64_t n_children;
    int32_t converted; /* -1: none */
} Element;

typedef struct Parser {
    Thrift thrift;
    Arena *arena;
    Str name;
    Element *elements;
    size_t n_elements, next_element;
    Vec(const ParquetNode *) leaves;
    Error *err;
} Parser;

static int corrupt(Parser *ps, const char *what)
{
    return err_set(ps->err, ERR_CORRUPT, "Parquet file %.*s: %s at byte %zu of the footer",
                   STR_ARG(ps->name), what, (size_t)(ps->thrift.p - ps->thrift.start));
}

/* --- schema --- */

static void read_unit(Thrift *t, ThriftType type, ParquetUnit *ret)
{
    ThriftField f = { 0 };

    if (type != THRIFT_STRUCT) {
        thrift_skip(t, type);
        return;
    }
    while (thrift_next(t, &f)) {
        if (f.id >= 1 && f.id <= 3)
            *ret = (ParquetUnit)(f.id - 1);
        thrift_skip(t, f.type);
    }
}

/* The members of one logical type; what the type has none of is skipped. */
static void read_logical_details(Thrift *t, ThriftType type, ParquetNode *node)
{
    ThriftField f = { 0 };

    if (type != THRIFT_STRUCT) {
        thrift_skip(t, type);
        return;
    }
    while (thrift_next(t, &f)) {
        if (node->logical == PARQUET_DECIMAL && f.id == 1)
            node->scale = (int32_t)thrift_int(t, f.type);
        else if (node->logical == PARQUET_DECIMAL && f.id == 2)
            node->precision = (int32_t)thrift_int(t, f.type);
        else if ((node->logical == PARQUET_TIME || node->logical == PARQUET_TIMESTAMP) && f.id == 1)
            node->adjusted_to_utc = f.type == THRIFT_TRUE;
        else if ((node->logical == PARQUET_TIME || node->logical == PARQUET_TIMESTAMP) && f.id == 2)
            read_unit(t, f.type, &node->unit);
        else if (node->logical == PARQUET_INTEGER && f.id == 1)
            node->bit_width = (int32_t)thrift_int(t, f.type);
        else if (node->logical == PARQUET_INTEGER && f.id == 2)
            node->is_signed = f.type == THRIFT_TRUE;
        else
            thrift_skip(t, f.type);
    }
}

static void read_logical_type(Thrift *t, ThriftType type, ParquetNode *node)
{
    static const uint8_t kinds[] = {
        [1] = PARQUET_STRING,     [2] = PARQUET_MAP,      [3] = PARQUET_LIST,     [4] = PARQUET_ENUM,
        [5] = PARQUET_DECIMAL,    [6] = PARQUET_DATE,     [7] = PARQUET_TIME,     [8] = PARQUET_TIMESTAMP,
        [10] = PARQUET_INTEGER,   [11] = PARQUET_NULL,    [12] = PARQUET_JSON,    [13] = PARQUET_BSON,
        [14] = PARQUET_UUID,      [15] = PARQUET_FLOAT16, [16] = PARQUET_VARIANT, [17] = PARQUET_GEOMETRY,
        [18] = PARQUET_GEOGRAPHY,
    };
    ThriftField f = { 0 };

    if (type != THRIFT_STRUCT) {
        thrift_skip(t, type);
        return;
    }
    while (thrift_next(t, &f)) {
        node->logical = PARQUET_LOGICAL_UNKNOWN;
        if (f.id > 0 && (size_t)f.id < sizeof kinds && kinds[f.id])
            node->logical = (ParquetLogical)kinds[f.id];
        read_logical_details(t, f.type, node);
    }
}

static void map_converted_type(Element *e)
{
    static const struct {
        uint8_t logical, bit_width, unit;
        bool is_signed;
    } converted[] = {
        { PARQUET_STRING },
        { PARQUET_MAP },
        { PARQUET_MAP },
        { PARQUET_LIST },
        { PARQUET_ENUM },
        { PARQUET_DECIMAL },
        { PARQUET_DATE },
        { PARQUET_TIME, 0, PARQUET_MILLIS },
        { PARQUET_TIME, 0, PARQUET_MICROS },
        { PARQUET_TIMESTAMP, 0, PARQUET_MILLIS },
        { PARQUET_TIMESTAMP, 0, PARQUET_MICROS },
        { PARQUET_INTEGER, 8 },
        { PARQUET_INTEGER, 16 },
        { PARQUET_INTEGER, 32 },
        { PARQUET_INTEGER, 64 },
        { PARQUET_INTEGER, 8, 0, true },
        { PARQUET_INTEGER, 16, 0, true },
        { PARQUET_INTEGER, 32, 0, true },
        { PARQUET_INTEGER, 64, 0, true },
        { PARQUET_JSON },
        { PARQUET_BSON },
        { PARQUET_INTERVAL },
    };
    ParquetNode *node = &e->node;

    if (node->logical != PARQUET_LOGICAL_NONE || e->converted < 0 ||
        (size_t)e->converted >= sizeof converted / sizeof converted[0])
        return;
    node->logical = (ParquetLogical)converted[e->converted].logical;
    node->unit = (ParquetUnit)converted[e->converted].unit;
    node->bit_width = converted[e->converted].bit_width;
    node->is_signed = converted[e->converted].is_signed;
    node->adjusted_to_utc = node->logical == PARQUET_TIME || node->logical == PARQUET_TIMESTAMP;
}

static void read_element(Thrift *t, Element *e)
{
    ThriftField f = { 0 };

    e->node.field_id = -1;
    e->node.physical = PARQUET_GROUP;
    e->node.column = -1;
    e->converted = -1;
    while (thrift_next(t, &f)) {
        switch (f.id) {
        case 1:
            e->node.physical = (ParquetPhysical)thrift_int(t, f.type);
            if (e->node.physical < PARQUET_BOOLEAN || e->node.physical > PARQUET_FIXED_LEN_BYTE_ARRAY)
                thrift_fail(t, "unknown physical type");
            break;
        case 2:
            e->node.type_length = (int32_t)thrift_int(t, f.type);
            break;
        case 3:
            e->node.repetition = (ParquetRepetition)thrift_int(t, f.type);
            if (e->node.repetition > PARQUET_REPEATED)
                thrift_fail(t, "unknown repetition type");
            break;
        case 4:
            e->node.name = thrift_binary(t, f.type);
            break;
        case 5:
            e->n_children = thrift_int(t, f.type);
            break;
        case 6:
            e->converted = (int32_t)thrift_int(t, f.type);
            break;
        case 7:
            e->node.scale = (int32_t)thrift_int(t, f.type);
            break;
        case 8:
            e->node.precision = (int32_t)thrift_int(t, f.type);
            break;
        case 9:
            e->node.field_id = (int32_t)thrift_int(t, f.type);
            break;
        case 10:
            read_logical_type(t, f.type, &e->node);
            break;
        default:
            thrift_skip(t, f.type);
        }
    }
    map_converted_type(e);
}

static int read_elements(Parser *ps, ThriftType type)
{
    size_t n = thrift_list(&ps->thrift, type, THRIFT_STRUCT);

    if (n > MAX_SCHEMA_NODES)
        return err_set(ps->err, ERR_LIMIT, "Parquet file %.*s has a schema of %zu nodes, more than %d",
                       STR_ARG(ps->name), n, MAX_SCHEMA_NODES);
    ps->elements = arena_try(ps->arena, n * sizeof *ps->elements, ps->err);
    if (!ps->elements)
        return -1;
    for (size_t i = 0; i < n; i++)
        read_element(&ps->thrift, &ps->elements[i]);
    ps->n_elements = n;
    return 0;
}

/* The elements are the tree in depth-first order. */
static int build_tree(Parser *ps, ParquetNode *node, bool in_list, int depth)
{
    if (ps->next_element >= ps->n_elements)
        return corrupt(ps, "schema ends inside a group");
    if (depth > MAX_SCHEMA_DEPTH)
        return corrupt(ps, "schema is nested too deeply");
    const Element *e = &ps->elements[ps->next_element++];
    *node = e->node;
    node->in_list = in_list || (depth > 0 && node->repetition == PARQUET_REPEATED);
    if (node->physical != PARQUET_GROUP) {
        node->column = (int32_t)ps->leaves.n;
        *vec_push(ps->arena, &ps->leaves) = node;
        return 0;
    }
    if (e->n_children < 0 || (size_t)e->n_children > ps->n_elements - ps->next_element)
        return corrupt(ps, "schema ends inside a group");
    ParquetNode *children = arena_try(ps->arena, (size_t)e->n_children * sizeof *children, ps->err);
    if (!children)
        return -1;
    node->children = children;
    node->n_children = (size_t)e->n_children;
    for (size_t i = 0; i < node->n_children; i++)
        if (build_tree(ps, &children[i], node->in_list, depth + 1) < 0)
            return -1;
    return 0;
}

/* --- row groups --- */

static void read_statistics(Thrift *t, ThriftType type, const ParquetNode *leaf, ParquetStatistics *ret)
{
    ThriftField f = { 0 };
    Str old_min = STR_NULL, old_max = STR_NULL;

    if (type != THRIFT_STRUCT) {
        thrift_skip(t, type);
        return;
    }
    while (thrift_next(t, &f)) {
        switch (f.id) {
        case 1:
            old_max = thrift_binary(t, f.type);
            break;
        case 2:
            old_min = thrift_binary(t, f.type);
            break;
        case 3:
            ret->null_count = thrift_int(t, f.type);
            break;
        case 4:
            ret->distinct_count = thrift_int(t, f.type);
            break;
        case 5:
            ret->max = thrift_binary(t, f.type);
            break;
        case 6:
            ret->min = thrift_binary(t, f.type);
            break;
        case 7:
            ret->max_exact = f.type == THRIFT_TRUE;
            thrift_skip(t, f.type);
            break;
        case 8:
            ret->min_exact = f.type == THRIFT_TRUE;
            thrift_skip(t, f.type);
            break;
        case 9:
            ret->nan_count = thrift_int(t, f.type);
            break;
        default:
            thrift_skip(t, f.type);
        }
    }
    /* the old fields were compared as signed bytes: of use only where that is the type's order */
    bool is_unsigned = leaf->logical == PARQUET_INTEGER && !leaf->is_signed;
    if (leaf->physical == PARQUET_BYTE_ARRAY || leaf->physical == PARQUET_FIXED_LEN_BYTE_ARRAY ||
        leaf->physical == PARQUET_INT96 || is_unsigned)
        return;
    if (!ret->min.ptr && !ret->max.ptr) {
        ret->min = old_min;
        ret->max = old_max;
    }
}

static void read_column_metadata(Thrift *t, ThriftType type, const ParquetNode *leaf, ParquetColumn *column)
{
    ThriftField f = { 0 };

    if (type != THRIFT_STRUCT) {
        thrift_skip(t, type);
        return;
    }
    while (thrift_next(t, &f)) {
        switch (f.id) {
        case 1:
            if (thrift_int(t, f.type) != leaf->physical)
                thrift_fail(t, "column chunk of another type than the schema's");
            break;
        case 4:
            column->codec = (int32_t)thrift_int(t, f.type);
            break;
        case 5:
            column->value_count = thrift_int(t, f.type);
            break;
        case 6:
            column->uncompressed_size = thrift_int(t, f.type);
            break;
        case 7:
            column->compressed_size = thrift_int(t, f.type);
            break;
        case 9:
            column->data_page_offset = thrift_int(t, f.type);
            break;
        case 11:
            column->dictionary_page_offset = thrift_int(t, f.type);
            break;
        case 12:
            read_statistics(t, f.type, leaf, &column->statistics);
            break;
        default:
            thrift_skip(t, f.type);
        }
    }
    if (column->value_count < 0 || column->compressed_size < 0 || column->uncompressed_size < 0)
        thrift_fail(t, "negative count in a column chunk");
}

static void read_column(Thrift *t, const ParquetNode *leaf, ParquetColumn *column)
{
    ThriftField f = { 0 };

    column->dictionary_page_offset = -1;
    column->statistics.null_count = column->statistics.distinct_count = column->statistics.nan_count = -1;
    while (thrift_next(t, &f)) {
        if (f.id == 1)
            column->file_path = thrift_binary(t, f.type);
        else if (f.id == 3)
            read_column_metadata(t, f.type, leaf, column);
        else
            thrift_skip(t, f.type);
    }
}

static int read_columns(Parser *ps, ThriftType type, ParquetRowGroup *group)
{
    size_t n = thrift_list(&ps->thrift, type, THRIFT_STRUCT);

    if (ps->thrift.failed)
        return 0;
    if (n != ps->leaves.n)
        return corrupt(ps, "row group with another number of columns than the schema");
    ParquetColumn *columns = arena_try(ps->arena, n * sizeof *columns, ps->err);
    if (!columns)
        return -1;
    for (size_t i = 0; i < n; i++)
        read_column(&ps->thrift, ps->leaves.items[i], &columns[i]);
    group->columns = columns;
    if (n > 0) {
        int64_t dictionary = columns[0].dictionary_page_offset, data = columns[0].data_page_offset;
        group->file_offset = dictionary > 0 && dictionary < data ? dictionary : data;
    }
    return 0;
}

static int read_row_group(Parser *ps, ParquetRowGroup *group)
{
    ThriftField f = { 0 };

    while (thrift_next(&ps->thrift, &f)) {
        if (f.id == 1) {
            if (read_columns(ps, f.type, group) < 0)
                return -1;
        } else if (f.id == 2) {
            group->total_byte_size = thrift_int(&ps->thrift, f.type);
        } else if (f.id == 3) {
            group->n_rows = thrift_int(&ps->thrift, f.type);
        } else {
            thrift_skip(&ps->thrift, f.type);
        }
    }
    if (!ps->thrift.failed && (group->n_rows < 0 || (!group->columns && ps->leaves.n > 0)))
        return corrupt(ps, "incomplete row group");
    return 0;
}

static int read_row_groups(Parser *ps, ThriftType type, ParquetFooter *footer)
{
    size_t n = thrift_list(&ps->thrift, type, THRIFT_STRUCT);

    if (ps->n_elements == 0)
        return corrupt(ps, "row groups before the schema");
    ParquetRowGroup *groups = arena_try(ps->arena, n * sizeof *groups, ps->err);
    if (!groups)
        return -1;
    for (size_t i = 0; i < n && !ps->thrift.failed; i++)
        if (read_row_group(ps, &groups[i]) < 0)
            return -1;
    footer->row_groups = groups;
    footer->n_row_groups = n;
    return 0;
}

/* --- the file --- */

static int read_key_values(Parser *ps, ThriftType type, ParquetFooter *footer)
{
    size_t n = thrift_list(&ps->thrift, type, THRIFT_STRUCT);
    ParquetKeyValue *pairs = arena_try(ps->arena, n * sizeof *pairs, ps->err);

    if (!pairs)
        return -1;
    for (size_t i = 0; i < n; i++) {
        ThriftField f = { 0 };
        while (thrift_next(&ps->thrift, &f)) {
            Str text = thrift_binary(&ps->thrift, f.type);
            if (f.id == 1)
                pairs[i].key = text;
            else if (f.id == 2)
                pairs[i].value = text;
        }
    }
    footer->key_values = pairs;
    footer->n_key_values = n;
    return 0;
}

static int read_schema(Parser *ps, ThriftType type, ParquetFooter *footer)
{
    ParquetNode *root = arena_new_of(ps->arena, ParquetNode);

    if (ps->n_elements > 0)
        return corrupt(ps, "second schema");
    if (read_elements(ps, type) < 0)
        return -1;
    if (ps->thrift.failed)
        return 0;
    if (build_tree(ps, root, false, 0) < 0)
        return -1;
    if (root->physical != PARQUET_GROUP || ps->next_element != ps->n_elements)
        return corrupt(ps, "schema is no single group");
    for (size_t i = 0; i < ps->n_elements; i++)
        footer->has_field_ids = footer->has_field_ids || ps->elements[i].node.field_id >= 0;
    footer->root = root;
    footer->leaves = ps->leaves.items;
    footer->n_columns = ps->leaves.n;
    return 0;
}

static int read_file_metadata(Parser *ps, ParquetFooter *footer)
{
    ThriftField f = { 0 };
    int result = 0;

    while (result == 0 && thrift_next(&ps->thrift, &f)) {
        switch (f.id) {
        case 1:
            footer->version = (int32_t)thrift_int(&ps->thrift, f.type);
            break;
        case 2:
            result = read_schema(ps, f.type, footer);
            break;
        case 3:
            footer->n_rows = thrift_int(&ps->thrift, f.type);
            break;
        case 4:
            result = read_row_groups(ps, f.type, footer);
            break;
        case 5:
            result = read_key_values(ps, f.type, footer);
            break;
        case 6:
            footer->created_by = thrift_binary(&ps->thrift, f.type);
            break;
        case 8:
            return err_set(ps->err, ERR_NOT_SUPPORTED, "Parquet file %.*s is encrypted", STR_ARG(ps->name));
        default:
            thrift_skip(&ps->thrift, f.type);
        }
    }
    return result;
}

static int check_rows(Parser *ps, const ParquetFooter *footer)
{
    int64_t rows = 0;

    if (!footer->root)
        return corrupt(ps, "no schema");
    for (size_t i = 0; i < footer->n_row_groups; i++)
        if (__builtin_add_overflow(rows, footer->row_groups[i].n_rows, &rows))
            return corrupt(ps, "too many rows");
    if (rows != footer->n_rows)
        return corrupt(ps, "row groups have another number of rows than the file");
    return 0;
}

int parquet_footer_length(Str tail, int64_t file_size_bytes, int64_t *ret_length, Error *err)
{
    uint32_t length;

    if (file_size_bytes < 4 + TRAILER_BYTES || tail.len < TRAILER_BYTES)
        return err_set(err, ERR_CORRUPT, "a file of %lld bytes is no Parquet file",
                       (long long)file_size_bytes);
    const char *trailer = tail.ptr + tail.len - TRAILER_BYTES;
    if (memcmp(trailer + 4, "PARE", 4) == 0)
        return err_set(err, ERR_NOT_SUPPORTED, "the Parquet footer is encrypted");
    if (memcmp(trailer + 4, "PAR1", 4) != 0)
        return err_set(err, ERR_CORRUPT, "no Parquet file: it does not end in PAR1");
    memcpy(&length, trailer, sizeof length);
    if (length > file_size_bytes - 4 - TRAILER_BYTES || length > PARQUET_MAX_FOOTER_BYTES)
        return err_set(err, ERR_CORRUPT, "Parquet footer of %u bytes in a file of %lld bytes", length,
                       (long long)file_size_bytes);
    *ret_length = (int64_t)length + TRAILER_BYTES;
    return 0;
}

int parquet_footer_parse(Str tail, int64_t file_size_bytes, Str name, Arena *arena,
                         const ParquetFooter **ret, Error *err)
{
    Error unused;
    int64_t length;

    err = err ? err : &unused;
    if (parquet_footer_length(tail, file_size_bytes, &length, err) < 0)
        return err_prefix(err, "Parquet file %.*s", STR_ARG(name));
    assert((size_t)length <= tail.len);
    Str metadata = str_of(tail.ptr + tail.len - (size_t)length, (size_t)length - TRAILER_BYTES);
    Parser ps = { .thrift = thrift_of(metadata), .arena = arena, .name = name, .err = err };
    ParquetFooter *footer = arena_new_of(arena, ParquetFooter);
    if (read_file_metadata(&ps, footer) < 0)
        return -1;
    if (ps.thrift.failed)
        return corrupt(&ps, ps.thrift.failed);
    if (check_rows(&ps, footer) < 0 || arena_check(arena, err) < 0)
        return -1;
    *ret = footer;
    return 0;
}

const ParquetNode *parquet_find_field(const ParquetNode *root, int32_t field_id)
{
    for (size_t i = 0; i < root->n_children; i++) {
        const ParquetNode *child = &root->children[i];
        if (child->field_id == field_id)
            return child;
        const ParquetNode *found = parquet_find_field(child, field_id);
        if (found)
            return found;
    }
    return NULL;
}
