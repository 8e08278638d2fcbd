#include "query/connector/import_types.h"

#include "query/connector/sql_text.h"

enum { NESTING_MAX = 32 };

typedef struct PlainName {
    const char *duckdb;
    const SqlType *sql;
    int kind;
} PlainName;
static const PlainName plain_names[] = {
    {"BOOLEAN", &TYPE_BOOLEAN_, IMPORT_PLAIN},
    {"TINYINT", &TYPE_INTEGER_, IMPORT_CAST},
    {"SMALLINT", &TYPE_INTEGER_, IMPORT_CAST},
    {"INTEGER", &TYPE_INTEGER_, IMPORT_PLAIN},
    {"BIGINT", &TYPE_BIGINT_, IMPORT_PLAIN},
    {"UTINYINT", &TYPE_INTEGER_, IMPORT_CAST},
    {"USMALLINT", &TYPE_INTEGER_, IMPORT_CAST},
    {"UINTEGER", &TYPE_BIGINT_, IMPORT_CAST},
    {"FLOAT", &TYPE_REAL_, IMPORT_PLAIN},
    {"DOUBLE", &TYPE_DOUBLE_, IMPORT_PLAIN},
    {"VARCHAR", &TYPE_VARCHAR_, IMPORT_PLAIN},
    {"JSON", &TYPE_VARCHAR_, IMPORT_CAST},
    {"BLOB", &TYPE_VARBINARY_, IMPORT_PLAIN},
    {"DATE", &TYPE_DATE_, IMPORT_PLAIN},
    {"TIME", &TYPE_TIME_6_, IMPORT_PLAIN},
    {"TIMESTAMP", &TYPE_TIMESTAMP_6_, IMPORT_PLAIN},
    {"TIMESTAMP_S", &TYPE_TIMESTAMP_6_, IMPORT_CAST},
    {"TIMESTAMP_MS", &TYPE_TIMESTAMP_6_, IMPORT_CAST},
    {"TIMESTAMP_NS", &TYPE_TIMESTAMP_6_, IMPORT_CAST},
    {"TIMESTAMP WITH TIME ZONE", &TYPE_TIMESTAMP_TZ_6_, IMPORT_ZONED},
    {"UUID", &TYPE_UUID_, IMPORT_PLAIN},
    {"INTERVAL", &TYPE_VARCHAR_, IMPORT_CAST},
    {"TIME WITH TIME ZONE", &TYPE_VARCHAR_, IMPORT_CAST},
    {"\"NULL\"", &TYPE_VARCHAR_, IMPORT_CAST},
    {"BIT", &TYPE_VARCHAR_, IMPORT_CAST},
};

/* The end of one part of a list: `stop` outside of parentheses and quotes. */
static size_t part_end(Str s, char stop)
{
    int depth = 0;
    char quote = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (quote) {
            quote = c == quote ? 0 : quote;
            continue;
        }
        if (c == '"' || c == '\'')
            quote = c;
        else if (c == '(')
            depth++;
        else if (c == ')')
            depth--;
        else if (c == stop && depth == 0)
            return i;
    }
    return s.len;
}

static int parse(Str text, int depth, Arena *arena, ImportType **ret, Error *err);

static Str unquote_name(Str name, Arena *arena)
{
    if (name.len < 2 || name.ptr[0] != '"')
        return name;
    char *out = arena_alloc(arena, name.len);
    size_t n = 0;
    for (size_t i = 1; i + 1 < name.len; i++) {
        out[n++] = name.ptr[i];
        if (name.ptr[i] == '"')
            i++;
    }
    return str_of(out, n);
}

static int parse_struct(Str body, int depth, Arena *arena, ImportType *t, Error *err)
{
    enum { FIELDS_MAX = 10000 };
    Vec(Str) names = {0};
    Vec(ImportType *) children = {0};
    Vec(RowField) fields = {0};
    while (body.len && children.n < FIELDS_MAX) {
        size_t end = part_end(body, ',');
        Str part = str_trim(str_slice(body, 0, end));
        body = str_slice(body, end + 1, body.len);
        size_t blank = part_end(part, ' ');
        Str name = unquote_name(str_slice(part, 0, blank), arena);
        ImportType *child;
        if (parse(str_trim(str_slice(part, blank, part.len)), depth + 1, arena, &child, err))
            return -1;
        *vec_push(arena, &names) = name;
        *vec_push(arena, &children) = child;
        *vec_push(arena, &fields) = (RowField){import_column_name(name, fields.n, arena), child->sql};
    }
    *t = (ImportType){.kind = IMPORT_STRUCT,
                      .names = names.items,
                      .children = children.items,
                      .n_children = children.n,
                      .sql = sql_type_row(arena, fields.items, fields.n)};
    return 0;
}

static int parse_map(Str body, int depth, Arena *arena, ImportType *t, Error *err)
{
    size_t end = part_end(body, ',');
    t->children = arena_array(arena, ImportType *, 2);
    if (parse(str_trim(str_slice(body, 0, end)), depth + 1, arena, &t->children[0], err) ||
        parse(str_trim(str_slice(body, end + 1, body.len)), depth + 1, arena, &t->children[1], err))
        return -1;
    t->kind = IMPORT_MAP;
    t->n_children = 2;
    t->sql = sql_type_map(arena, t->children[0]->sql, t->children[1]->sql);
    return 0;
}

static int parse_decimal(Str text, Arena *arena, ImportType *t, Error *err)
{
    int64_t precision, scale;
    Str rest = str_slice(text, strlen("DECIMAL("), text.len - 1), digits = str_cut(rest, ',', &rest);
    if (str_to_i64(digits, 1, 38, &precision, err) ||
        str_to_i64(rest.ptr ? rest : STR("0"), 0, 38, &scale, err))
        return -1;
    t->sql = sql_type_decimal(arena, (int)precision, (int)scale);
    return 0;
}

static int parse(Str text, int depth, Arena *arena, ImportType **ret, Error *err)
{
    ImportType *t = *ret = arena_new_of(arena, ImportType);
    if (depth > NESTING_MAX)
        return err_set(err, ERR_NOT_SUPPORTED, "columns nested deeper than %d levels are not supported",
                       NESTING_MAX);
    if (str_has_suffix(text, STR("]"))) {
        size_t open = (size_t)str_rfind_char(text, '[');
        t->kind = IMPORT_LIST;
        t->n_children = 1;
        t->children = arena_array(arena, ImportType *, 1);
        if (parse(str_slice(text, 0, open), depth + 1, arena, &t->children[0], err))
            return -1;
        t->sql = sql_type_array(arena, t->children[0]->sql);
        return 0;
    }
    if (str_has_prefix(text, STR("STRUCT(")))
        return parse_struct(str_slice(text, 7, text.len - 1), depth, arena, t, err);
    if (str_has_prefix(text, STR("MAP(")))
        return parse_map(str_slice(text, 4, text.len - 1), depth, arena, t, err);
    if (str_has_prefix(text, STR("DECIMAL(")))
        return parse_decimal(text, arena, t, err);
    bool huge = str_is(text, "HUGEINT") || str_is(text, "UHUGEINT"), ulong = str_is(text, "UBIGINT");
    if (huge || ulong || str_has_prefix(text, STR("ENUM("))) {
        t->kind = IMPORT_CAST;
        t->sql = huge    ? sql_type_decimal(arena, 38, 0)
                 : ulong ? sql_type_decimal(arena, 20, 0)
                         : &TYPE_VARCHAR_;
        return 0;
    }
    for (size_t i = 0; i < sizeof plain_names / sizeof *plain_names; i++)
        if (str_is(text, plain_names[i].duckdb)) {
            t->kind = plain_names[i].kind;
            t->sql = plain_names[i].sql;
            return 0;
        }
    return err_set(err, ERR_NOT_SUPPORTED, "columns of type %.*s are not supported", STR_ARG(text));
}

int import_type_parse(Str duckdb_type, Arena *arena, ImportType **ret, Error *err)
{
    return parse(str_trim(duckdb_type), 0, arena, ret, err);
}

static bool is_plain(const ImportType *t)
{
    if (t->kind == IMPORT_LIST || t->kind == IMPORT_MAP) {
        for (size_t i = 0; i < t->n_children; i++)
            if (!is_plain(t->children[i]))
                return false;
        return true;
    }
    return t->kind == IMPORT_PLAIN;
}

static void put_struct(Buf *out, Str e, const ImportType *t, Arena *arena)
{
    buf_printf(out, "CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(", STR_ARG(e));
    for (size_t i = 0; i < t->n_children; i++) {
        Buf inner = BUF_INIT(1 << 20);
        buf_printf(&inner, "(%.*s).", STR_ARG(e));
        sql_ident(&inner, t->names[i]);
        buf_printf(out, "%sf%zu := ", i ? ", " : "", i);
        import_put(out, buf_str(&inner), t->children[i], arena);
        buf_free(&inner);
    }
    buf_puts(out, ") END");
}

void import_put(Buf *out, Str e, const ImportType *t, Arena *arena)
{
    Str x = arena_printf(arena, "y%zu", e.len);
    if (is_plain(t)) {
        buf_add(out, e);
    } else if (t->kind == IMPORT_ZONED) {
        buf_printf(out,
                   "CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(t := make_timestamp(epoch_us(%.*s)), "
                   "zone := 0::SMALLINT) END",
                   STR_ARG(e), STR_ARG(e));
    } else if (t->kind == IMPORT_CAST) {
        buf_printf(out, "CAST(%.*s AS %.*s)", STR_ARG(e), STR_ARG(sql_type_duckdb(t->sql, arena)));
    } else if (t->kind == IMPORT_STRUCT) {
        put_struct(out, e, t, arena);
    } else if (t->kind == IMPORT_LIST) {
        buf_printf(out, "list_transform(%.*s, lambda %.*s: ", STR_ARG(e), STR_ARG(x));
        import_put(out, x, t->children[0], arena);
        buf_putc(out, ')');
    } else {
        buf_printf(out, "map_from_entries(list_transform(map_entries(%.*s), lambda %.*s: struct_pack(k := ",
                   STR_ARG(e), STR_ARG(x));
        import_put(out, arena_printf(arena, "%.*s.key", STR_ARG(x)), t->children[0], arena);
        buf_puts(out, ", v := ");
        import_put(out, arena_printf(arena, "%.*s.value", STR_ARG(x)), t->children[1], arena);
        buf_puts(out, ")))");
    }
}

Str import_column_name(Str name, size_t position, Arena *arena)
{
    Str trimmed = arena_lower(arena, str_trim(name));
    char *out = (char *)trimmed.ptr;
    for (size_t i = 0; i < trimmed.len; i++) {
        unsigned char c = (unsigned char)out[i];
        bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
        out[i] = keep ? (char)c : '_';
    }
    return trimmed.len ? trimmed : arena_printf(arena, "column_%zu", position + 1);
}
