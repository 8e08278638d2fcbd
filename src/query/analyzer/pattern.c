/* pattern.c - parses, matches and fills in the patterns of function signatures. */
#include "query/analyzer/pattern.h"

#include <assert.h>

typedef struct Reader {
    Str rest;
    Arena *arena;
} Reader;

static const struct {
    const char *name;
    TypeKind kind;
} aliases[] = {
    {"joniregexp", TYPE_VARCHAR},
    {"jsonpath", TYPE_VARCHAR},
    {"codepoints", TYPE_VARCHAR},
    {"time with time zone", TYPE_TIME_TZ},
    {"timestamp with time zone", TYPE_TIMESTAMP_TZ},
};

static TypeKind kind_of_name(Str name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (str_is(name, aliases[i].name))
            return aliases[i].kind;
    for (int kind = TYPE_UNKNOWN; kind <= TYPE_FUNCTION; kind++)
        if (str_eq_nocase(name, str_from(type_infos[kind].name)))
            return (TypeKind)kind;
    assert(!"a signature names an unknown type");
    return TYPE_UNKNOWN;
}

static Str read_word(Reader *r)
{
    size_t n = 0;
    while (n < r->rest.len && !strchr("(),.", r->rest.ptr[n]))
        n++;
    Str word = str_slice(r->rest, 0, n);
    r->rest = str_slice(r->rest, n, r->rest.len);
    return str_trim(word);
}

static bool accept(Reader *r, const char *text)
{
    if (!str_has_prefix(r->rest, str_from(text)))
        return false;
    r->rest = str_slice(r->rest, strlen(text), r->rest.len);
    return true;
}

static Pattern *read_pattern(Reader *r);

static void read_arguments(Reader *r, Pattern *pattern)
{
    bool numbers = pattern->kind != TYPE_QDIGEST && pattern->kind != TYPE_ARRAY &&
                   pattern->kind != TYPE_MAP && pattern->kind != TYPE_ROW && pattern->kind != TYPE_FUNCTION;
    Vec(const Pattern *) args = {0};
    do {
        if (numbers)
            pattern->numbers[pattern->n_numbers++] = read_word(r);
        else
            *vec_push(r->arena, &args) = read_pattern(r);
    } while (accept(r, ","));
    accept(r, ")");
    pattern->args = args.items;
    pattern->n_args = args.n;
}

static Pattern *read_pattern(Reader *r)
{
    Pattern *pattern = arena_new_of(r->arena, Pattern);
    Str word = read_word(r);
    pattern->name = word;
    pattern->is_variable = word.len <= 2 && word.ptr[0] >= 'A' && word.ptr[0] <= 'Z';
    if (!pattern->is_variable)
        pattern->kind = kind_of_name(word);
    if (accept(r, "("))
        read_arguments(r, pattern);
    if (accept(r, " with time zone"))
        pattern->kind = pattern->kind == TYPE_TIME ? TYPE_TIME_TZ : TYPE_TIMESTAMP_TZ;
    pattern->variadic = accept(r, "...");
    return pattern;
}

const Pattern *pattern_parse(Str text, Arena *arena)
{
    Reader r = {text, arena};
    return read_pattern(&r);
}

PatternList pattern_parse_list(Str text, Arena *arena)
{
    Reader r = {text, arena};
    Vec(const Pattern *) items = {0};
    if (text.len == 0)
        return (PatternList){NULL, 0};
    do {
        *vec_push(arena, &items) = read_pattern(&r);
    } while (accept(&r, ","));
    return (PatternList){items.items, items.n};
}

/* ---- matching ---- */

static bool is_number(Str text)
{
    return text.len > 0 && text.ptr[0] >= '0' && text.ptr[0] <= '9';
}

static int number_value(Str text)
{
    int64_t value = 0;
    (void)str_to_i64(text, 0, VARCHAR_UNBOUNDED, &value, NULL);
    return (int)value;
}

static bool bind_number(Str name, int value, bool exact, Bindings *b)
{
    if (is_number(name))
        return exact ? value == number_value(name) : value <= number_value(name);
    for (size_t i = 0; i < b->n_numbers; i++) {
        if (!str_eq(b->numbers[i].name, name))
            continue;
        if (exact && b->numbers[i].value != value)
            return false;
        if (value > b->numbers[i].value)
            b->numbers[i].value = value;
        return true;
    }
    assert(b->n_numbers < BINDINGS_MAX);
    b->numbers[b->n_numbers].name = name;
    b->numbers[b->n_numbers++].value = value;
    return true;
}

static bool bind_type(Str name, const SqlType *type, bool exact, Bindings *b, Arena *arena)
{
    for (size_t i = 0; i < b->n_types; i++) {
        if (!str_eq(b->types[i].name, name))
            continue;
        if (exact)
            return sql_type_equal(b->types[i].type, type);
        const SqlType *common = sql_type_common(b->types[i].type, type, arena);
        if (common)
            b->types[i].type = common;
        return common != NULL;
    }
    assert(b->n_types < BINDINGS_MAX);
    b->types[b->n_types].name = name;
    b->types[b->n_types++].type = type;
    return true;
}

/* The actual type in the shape of a parametrised kind, by coercion; NULL when it cannot be. */
static const SqlType *in_shape(const SqlType *actual, TypeKind kind, Arena *arena)
{
    if (kind == TYPE_DECIMAL)
        return sql_type_decimal_of(actual, arena);
    if (kind == TYPE_VARCHAR && actual->kind == TYPE_CHAR)
        return sql_type_varchar(arena, actual->length);
    if ((kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMP_TZ) && actual->kind == TYPE_DATE)
        return sql_type_temporal(arena, kind, 0);
    if ((kind == TYPE_TIMESTAMP_TZ && actual->kind == TYPE_TIMESTAMP) ||
        (kind == TYPE_TIME_TZ && actual->kind == TYPE_TIME))
        return sql_type_temporal(arena, kind, actual->precision);
    return NULL;
}

/* What a bare NULL is taken for where a parametrised kind is wanted. */
static const SqlType *unknown_as(TypeKind kind)
{
    static const SqlType least = {.precision = 1}, millis = {.precision = 3};
    return kind == TYPE_DECIMAL || kind == TYPE_VARCHAR || kind == TYPE_CHAR ? &least : &millis;
}

static bool match_numbers(const Pattern *pattern, const SqlType *actual, bool exact, Bindings *b)
{
    if (pattern->kind == TYPE_DECIMAL)
        return bind_number(pattern->numbers[0], actual->precision, exact, b) &&
               bind_number(pattern->numbers[1], actual->scale, exact, b);
    bool has_length = pattern->kind == TYPE_VARCHAR || pattern->kind == TYPE_CHAR;
    return bind_number(pattern->numbers[0], has_length ? actual->length : actual->precision, exact, b);
}

bool pattern_match(const Pattern *pattern, const SqlType *actual, bool exact, Bindings *b, Arena *arena)
{
    if (pattern->is_variable)
        return bind_type(pattern->name, actual, exact, b, arena);
    if (pattern->n_args > 0) {
        if (actual->kind == TYPE_UNKNOWN)
            return !exact;
        if (actual->kind != pattern->kind || actual->n_fields != pattern->n_args)
            return false;
        for (size_t i = 0; i < pattern->n_args; i++)
            if (!pattern_match(pattern->args[i], actual->fields[i].type, exact, b, arena))
                return false;
        return true;
    }
    if (pattern->n_numbers > 0) {
        if (actual->kind == TYPE_UNKNOWN)
            return !exact && match_numbers(pattern, unknown_as(pattern->kind), exact, b);
        if (actual->kind != pattern->kind)
            actual = exact ? NULL : in_shape(actual, pattern->kind, arena);
        return actual && match_numbers(pattern, actual, exact, b);
    }
    const SqlType *wanted = sql_type_plain(pattern->kind);
    return exact ? sql_type_equal(actual, wanted) : sql_type_can_coerce(actual, wanted);
}

/* ---- substitution ---- */

static int bound_number(Str name, const Bindings *b, int otherwise)
{
    if (is_number(name))
        return number_value(name);
    for (size_t i = 0; i < b->n_numbers; i++)
        if (str_eq(b->numbers[i].name, name))
            return b->numbers[i].value;
    return otherwise;
}

static const SqlType *substitute_numbers(const Pattern *pattern, const Bindings *b, Arena *arena)
{
    switch (pattern->kind) {
    case TYPE_DECIMAL:
        return sql_type_decimal(arena, bound_number(pattern->numbers[0], b, 1),
                                bound_number(pattern->numbers[1], b, 0));
    case TYPE_VARCHAR:
        return sql_type_varchar(arena, bound_number(pattern->numbers[0], b, 0));
    case TYPE_CHAR:
        return sql_type_char(arena, bound_number(pattern->numbers[0], b, 0));
    default:
        return sql_type_temporal(arena, pattern->kind, bound_number(pattern->numbers[0], b, 0));
    }
}

const SqlType *pattern_substitute(const Pattern *pattern, const Bindings *b, Arena *arena)
{
    if (pattern->is_variable) {
        for (size_t i = 0; i < b->n_types; i++)
            if (str_eq(b->types[i].name, pattern->name))
                return b->types[i].type;
        return &TYPE_UNKNOWN_;
    }
    if (pattern->n_numbers > 0)
        return substitute_numbers(pattern, b, arena);
    if (pattern->n_args == 0)
        return sql_type_plain(pattern->kind);
    RowField *fields = arena_array(arena, RowField, pattern->n_args);
    for (size_t i = 0; i < pattern->n_args; i++)
        fields[i].type = pattern_substitute(pattern->args[i], b, arena);
    SqlType *type = arena_new_of(arena, SqlType);
    *type = (SqlType){.kind = pattern->kind, .fields = fields, .n_fields = pattern->n_args};
    return type;
}

bool bindings_satisfy(const Bindings *b, Str constraints)
{
    for (Str rest = constraints; rest.ptr && rest.len;) {
        Str trait;
        Str name = str_cut(str_trim(str_cut(rest, ',', &rest)), ':', &trait);
        for (size_t i = 0; trait.ptr && i < b->n_types; i++) {
            if (!str_eq(b->types[i].name, name))
                continue;
            const SqlType *type = b->types[i].type;
            if (!(str_is(trait, "orderable") ? sql_type_is_orderable(type) : sql_type_is_comparable(type)))
                return false;
        }
    }
    return true;
}
