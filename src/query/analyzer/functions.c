/* functions.c - the function table and the choice among signatures. */
#include "query/analyzer/functions.h"

#include "base/buf.h"
#include "query/analyzer/pattern.h"

#include <stdlib.h>

#define SCALAR FUNCTION_SCALAR
#define AGGREGATE FUNCTION_AGGREGATE
#define WINDOW FUNCTION_WINDOW
static const FunctionDef table[] = {
#define F(name_, kind_, signature_, variables_, emission_, deterministic_, description_)                     \
    {name_, kind_, signature_, variables_, emission_, deterministic_, description_},
#include "query/analyzer/functions.def"
#undef F
};
enum { N_FUNCTIONS = sizeof table / sizeof *table, CANDIDATES_MAX = 64, LAMBDA_ROUNDS = 3 };

const FunctionDef *function_table(size_t *ret_n)
{
    *ret_n = N_FUNCTIONS;
    return table;
}

static size_t first_of(Str name)
{
    size_t low = 0, high = N_FUNCTIONS;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (str_cmp(str_from(table[middle].name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool function_exists(Str name)
{
    size_t i = first_of(name);
    return i < N_FUNCTIONS && str_is(name, table[i].name);
}

bool function_is_aggregate(Str name)
{
    for (size_t i = 0; i < N_FUNCTIONS; i++)
        if (str_eq_nocase(str_from(table[i].name), name))
            return table[i].kind == FUNCTION_AGGREGATE;
    return false;
}

static Str signature_half(const FunctionDef *def, bool result)
{
    Str all = str_from(def->signature);
    ptrdiff_t arrow = str_find(all, STR("->"));
    return result ? str_slice(all, (size_t)arrow + 2, all.len) : str_slice(all, 0, (size_t)arrow);
}

Str function_return_text(const FunctionDef *def, Arena *arena)
{
    Str text = signature_half(def, true);
    if (text.ptr[0] == '@')
        return STR("decimal(rp,rs)");
    return arena_str(arena, text);
}

/* "varchar(x),bigint" with ", " between arguments (not inside of parentheses) and without dots. */
static Str spaced(Str text, Arena *arena)
{
    _cleanup_buf_ Buf out = BUF_INIT(4096);
    int depth = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (c == '.')
            continue;
        buf_putc(&out, c);
        if (c == ',' && depth == 0)
            buf_putc(&out, ' ');
    }
    return arena_str(arena, buf_str(&out));
}

Str function_arguments_text(const FunctionDef *def, Arena *arena)
{
    return spaced(signature_half(def, false), arena);
}

/* ---- results that a pattern cannot say ---- */

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static const SqlType *decimal_mod(const SqlType *const *args, Arena *arena)
{
    const SqlType *a = args[0], *b = args[1];
    int scale = a->scale > b->scale ? a->scale : b->scale;
    return sql_type_decimal(
        arena, min_int(38, min_int(a->precision - a->scale, b->precision - b->scale) + scale), scale);
}

static const SqlType *decimal_ceil(const SqlType *const *args, Arena *arena)
{
    const SqlType *a = args[0];
    return sql_type_decimal(arena, min_int(38, a->precision - a->scale + min_int(a->scale, 1)), 0);
}

static const SqlType *decimal_round(const SqlType *const *args, Arena *arena)
{
    return sql_type_decimal(arena, min_int(38, args[0]->precision + 1), args[0]->scale);
}

static const SqlType *decimal_truncate(const SqlType *const *args, Arena *arena)
{
    int precision = args[0]->precision - args[0]->scale;
    return sql_type_decimal(arena, precision < 1 ? 1 : precision, 0);
}

static const SqlType *char_concat(const SqlType *const *args, Arena *arena)
{
    return sql_type_char(arena, min_int(65536, args[0]->length + args[1]->length));
}

static const SqlType *varchar_of(int64_t length, Arena *arena)
{
    return sql_type_varchar(arena, length > VARCHAR_UNBOUNDED ? VARCHAR_UNBOUNDED : (int)length);
}

static const SqlType *replace_(const SqlType *const *args, Arena *arena)
{
    int64_t text = args[0]->length, by = args[2]->length;
    return varchar_of(text + by * (text + 1), arena);
}

static const SqlType *regexp_replace(const SqlType *const *args, Arena *arena)
{
    int64_t text = args[0]->length, by = args[2]->length;
    if (text == VARCHAR_UNBOUNDED || by == VARCHAR_UNBOUNDED)
        return &TYPE_VARCHAR_;
    int64_t most = text * by / 2 > by ? text * by / 2 : by;
    return varchar_of(most > VARCHAR_UNBOUNDED ? most : text + most * (text + 1), arena);
}

/* Around the text: the escape of a color and the one that ends it. */
static const SqlType *render(const SqlType *const *args, Arena *arena)
{
    return varchar_of((int64_t)args[0]->length + 15, arena);
}

static const SqlType *overlay(const SqlType *const *args, Arena *arena)
{
    return varchar_of((int64_t)args[0]->length + args[1]->length, arena);
}
static const SqlType *url_encode(const SqlType *const *args, Arena *arena)
{
    return varchar_of((int64_t)args[0]->length * 12, arena);
}

/* Year of up to 6 digits with its sign, the fraction, and an offset. */
static const SqlType *to_iso8601(const SqlType *const *args, Arena *arena)
{
    int fraction = args[0]->precision > 0 ? args[0]->precision + 1 : 0;
    return varchar_of((args[0]->kind == TYPE_TIMESTAMP ? 22 : 28) + fraction, arena);
}

static const struct {
    const char *name;
    const SqlType *(*make)(const SqlType *const *, Arena *);
} return_rules[] = {
    {"@decimal_mod", decimal_mod},       {"@decimal_ceil", decimal_ceil},
    {"@decimal_round", decimal_round},   {"@decimal_truncate", decimal_truncate},
    {"@char_concat", char_concat},       {"@replace", replace_},
    {"@regexp_replace", regexp_replace}, {"@url_encode", url_encode},
    {"@render", render},
    {"@overlay", overlay},
    {"@to_iso8601", to_iso8601},
};

static const SqlType *result_type(const FunctionDef *def, const Bindings *bindings,
                                  const SqlType *const *args, Arena *arena)
{
    Str text = signature_half(def, true);
    for (size_t i = 0; i < sizeof return_rules / sizeof *return_rules; i++)
        if (str_is(text, return_rules[i].name))
            return return_rules[i].make(args, arena);
    return pattern_substitute(pattern_parse(text, arena), bindings, arena);
}

/* ---- binding ---- */

static const Pattern *pattern_of_arg(const PatternList *list, size_t i)
{
    return list->items[i < list->n ? i : list->n - 1];
}

static bool arity_fits(const PatternList *list, size_t n)
{
    if (list->n > 0 && list->items[list->n - 1]->variadic)
        return n >= list->n;
    return n == list->n;
}

/* Lambda arguments are typed when the types of the others are known. Returns 1 fit, 0 no fit, -1 error. */
static int bind_lambda(const Pattern *pattern, size_t index, const FunctionArgs *args, Bindings *bindings,
                       const SqlType **ret, Arena *arena, Error *err)
{
    if (pattern->is_variable || pattern->kind != TYPE_FUNCTION ||
        pattern->n_args != args->lambda_params[index] + 1)
        return 0;
    size_t n = pattern->n_args - 1;
    const Pattern *body = pattern->args[n];
    for (int round = 0; round < LAMBDA_ROUNDS; round++) {
        RowField *fields = arena_array(arena, RowField, n + 1);
        const SqlType **params = arena_array(arena, const SqlType *, n + 1);
        for (size_t i = 0; i < n; i++)
            fields[i].type = params[i] = pattern_substitute(pattern->args[i], bindings, arena);
        const SqlType *type = args->type_lambda(args->self, index, params, n, err);
        if (!type)
            return -1;
        const SqlType *before = pattern_substitute(body, bindings, arena);
        if (!pattern_match(body, type, false, bindings, arena))
            return 0;
        fields[n].type = pattern_substitute(body, bindings, arena);
        *ret = sql_type_function(arena, fields, n + 1);
        /* A fold's state may have grown: its lambda must be typed again with the wider state. A lambda's
         * result is not coerced. */
        bool fits = sql_type_equal(type, fields[n].type);
        if (sql_type_equal(before, fields[n].type) || round == LAMBDA_ROUNDS - 1)
            return fits;
    }
    return 0;
}

/* 1 and *ret when the call fits, 0 when not, -1 when a lambda is wrong. */
static int try_bind(const FunctionDef *def, const FunctionArgs *args, bool exact, Arena *arena,
                    BoundFunction *ret, Error *err)
{
    PatternList list = pattern_parse_list(signature_half(def, false), arena);
    if (!arity_fits(&list, args->n))
        return 0;
    Bindings bindings = {0};
    for (size_t i = 0; i < args->n; i++)
        if (args->types[i] &&
            !pattern_match(pattern_of_arg(&list, i), args->types[i], exact, &bindings, arena))
            return 0;
    const SqlType **types = arena_array(arena, const SqlType *, args->n + 1);
    for (size_t i = 0; i < args->n; i++) {
        if (args->types[i])
            continue;
        int fits = bind_lambda(pattern_of_arg(&list, i), i, args, &bindings, &types[i], arena, err);
        if (fits <= 0)
            return fits;
    }
    for (size_t i = 0; i < args->n; i++) {
        if (!args->types[i])
            continue;
        types[i] = pattern_substitute(pattern_of_arg(&list, i), &bindings, arena);
        /* A common type of decimals need not hold all of them: the values tell. */
        const SqlType *common = sql_type_common(args->types[i], types[i], arena);
        if (!sql_type_can_coerce(args->types[i], types[i]) && (!common || !sql_type_equal(common, types[i])))
            return 0;
    }
    if (!bindings_satisfy(&bindings, str_from(def->variables)))
        return 0;
    *ret = (BoundFunction){def, types, result_type(def, &bindings, types, arena)};
    return 1;
}

/* In the choice among functions a number stands below the floating types, though it is no coercion. */
static bool is_number_below(const Pattern *pattern, const SqlType *type)
{
    return type->kind == TYPE_NUMBER && !pattern->is_variable &&
           (pattern->kind == TYPE_REAL || pattern->kind == TYPE_DOUBLE);
}

/* Could the function take arguments of these types (of lambdas: their function types)? */
static bool can_take(const FunctionDef *def, const SqlType *const *types, size_t n, Arena *arena)
{
    PatternList list = pattern_parse_list(signature_half(def, false), arena);
    Bindings bindings = {0};
    if (!arity_fits(&list, n))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_number_below(pattern_of_arg(&list, i), types[i]) &&
            !pattern_match(pattern_of_arg(&list, i), types[i], false, &bindings, arena))
            return false;
    for (size_t i = 0; i < n; i++)
        if (types[i]->kind != TYPE_FUNCTION && !is_number_below(pattern_of_arg(&list, i), types[i]) &&
            !sql_type_can_coerce(types[i], pattern_substitute(pattern_of_arg(&list, i), &bindings, arena)))
            return false;
    return bindings_satisfy(&bindings, str_from(def->variables));
}

/* An integer or a decimal fits real, double and number alike, which do not fit each other: number is last. */
static bool stands_before_number(const BoundFunction *a, const BoundFunction *b, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        const SqlType *x = a->arg_types[i], *y = b->arg_types[i];
        bool floating = x && (x->kind == TYPE_REAL || x->kind == TYPE_DOUBLE);
        if (floating && y && y->kind == TYPE_NUMBER)
            any = true;
        else if (!x || !y || !sql_type_can_coerce(x, y))
            return false;
    }
    return any;
}

/* Whatever `a` was bound to, `b` could take as well. */
static bool is_more_specific(const BoundFunction *a, const BoundFunction *b, size_t n, Arena *arena)
{
    return can_take(b->def, a->arg_types, n, arena) || stands_before_number(a, b, n);
}

/* Of functions that can stand for one another only the most specific stays. Returns how many there are. */
static size_t keep_most_specific(BoundFunction *found, size_t n_found, size_t n_args, Arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < n_found; i++) {
        bool related = false;
        for (size_t k = 0; k < n && !related; k++) {
            bool more = is_more_specific(&found[i], &found[k], n_args, arena);
            related = more || is_more_specific(&found[k], &found[i], n_args, arena);
            if (more)
                found[k] = found[i];
        }
        if (!related)
            found[n++] = found[i];
    }
    return n;
}

/* Functions that see a NULL argument: choosing among them is a difference, even where results have one type.
 * A NULL separator makes all of them NULL. */
static bool sees_nulls(const FunctionDef *def, const FunctionArgs *args)
{
    return strcmp(def->name, "concat_ws") == 0 && args->types[0]->kind != TYPE_UNKNOWN;
}

/* Do only the bare NULLs among the arguments change their type? */
static bool casts_unknown_only(const BoundFunction *f, const FunctionArgs *args)
{
    for (size_t i = 0; i < args->n; i++)
        if (args->types[i]->kind != TYPE_UNKNOWN && !sql_type_equal(args->types[i], f->arg_types[i]))
            return false;
    return true;
}

static bool has_unknown(const FunctionArgs *args)
{
    bool found = false;
    for (size_t i = 0; i < args->n; i++) {
        if (!args->types[i])
            return false; /* with lambdas NULLs are no reason to choose */
        found = found || args->types[i]->kind == TYPE_UNKNOWN;
    }
    return found;
}

/* Trino's choice among functions that fit by coercion: the most specific, or, when a bare NULL leaves
 * several, those that change nothing else; any of them where results cannot differ. */
static size_t choose(BoundFunction *found, size_t n_found, const FunctionArgs *args, Arena *arena)
{
    BoundFunction unknown_only[CANDIDATES_MAX];
    size_t n_unknown = 0;
    bool unknown = has_unknown(args);
    for (size_t i = 0; i < n_found && unknown; i++)
        if (casts_unknown_only(&found[i], args))
            unknown_only[n_unknown++] = found[i];
    size_t n = keep_most_specific(found, n_found, args->n, arena);
    if (n <= 1 || !unknown)
        return n;
    if (n_unknown > 0) {
        memcpy(found, unknown_only, n_unknown * sizeof *found);
        n = n_unknown;
    }
    for (size_t i = 0; i < n; i++)
        if (sees_nulls(found[i].def, args) || !sql_type_equal(found[i].result, found[0].result))
            return n;
    return 1;
}

static Str type_list(const SqlType *const *types, size_t n, const char *between, Arena *arena)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    for (size_t i = 0; i < n; i++)
        buf_printf(&out, "%s%.*s", i ? between : "",
                   STR_ARG(types[i] ? sql_type_signature(types[i], arena) : STR("<function>")));
    return arena_str(arena, buf_str(&out));
}

static int ambiguous(const BoundFunction *found, size_t n, const FunctionArgs *args, Arena *arena, Error *err)
{
    _cleanup_buf_ Buf candidates = BUF_INIT(1 << 16);
    for (size_t i = 0; i < n; i++)
        buf_printf(&candidates, "\t * (%.*s):%.*s\n",
                   STR_ARG(type_list(found[i].arg_types, args->n, ",", arena)),
                   STR_ARG(sql_type_signature(found[i].result, arena)));
    return err_set(err, ERR_AMBIGUOUS_FUNCTION_CALL,
                   "Could not choose a best candidate operator. Explicit type casts must be added.\nActual "
                   "types: (%.*s)\nCandidates are:\n%.*s",
                   STR_ARG(type_list(args->types, args->n, ", ", arena)), STR_ARG(buf_str(&candidates)));
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

static Str expected_text(Str name, size_t first, Arena *arena)
{
    Vec(Str) texts = {0};
    for (size_t i = first; i < N_FUNCTIONS && str_is(name, table[i].name); i++) {
        Str variables = str_from(table[i].variables);
        *vec_push(arena, &texts) = arena_printf(arena, "%s(%.*s)%s%.*s", table[i].name,
                                                STR_ARG(function_arguments_text(&table[i], arena)),
                                                variables.len ? " " : "", STR_ARG(variables));
    }
    if (texts.n > 1)
        qsort(texts.items, texts.n, sizeof *texts.items, by_text);
    _cleanup_buf_ Buf out = BUF_INIT(4096);
    for (size_t i = 0; i < texts.n; i++)
        buf_printf(&out, "%s%.*s", i ? ", " : "", STR_ARG(texts.items[i]));
    return arena_str(arena, buf_str(&out));
}

static int unexpected(Str name, const FunctionArgs *args, size_t first, Arena *arena, Error *err)
{
    return err_set(err, ERR_FUNCTION_NOT_FOUND,
                   "Unexpected parameters (%.*s) for function %.*s. Expected: %.*s",
                   STR_ARG(type_list(args->types, args->n, ", ", arena)), STR_ARG(name),
                   STR_ARG(expected_text(name, first, arena)));
}

enum Stage { STAGE_EXACT, STAGE_EXACT_GENERIC, STAGE_COERCED, STAGES };

/* Exact first without type variables, then with them; at last by coercion. */
static int find_all(Str name, size_t first, enum Stage stage, const FunctionArgs *args, Arena *arena,
                    BoundFunction *found, size_t *ret_n, Error *err)
{
    size_t n = 0;
    for (size_t i = first; i < N_FUNCTIONS && n < CANDIDATES_MAX && str_is(name, table[i].name); i++) {
        bool generic = table[i].variables[0] != '\0';
        if (stage != STAGE_COERCED && generic != (stage == STAGE_EXACT_GENERIC))
            continue;
        int fits = try_bind(&table[i], args, stage != STAGE_COERCED, arena, &found[n], err);
        if (fits < 0)
            return -1;
        n += (size_t)fits;
    }
    *ret_n = n;
    return 0;
}

static bool is_concat(const BoundFunction *f)
{
    return strcmp(f->def->name, "concat") == 0;
}

int function_bind(Str name, const FunctionArgs *args, Arena *arena, BoundFunction *ret, Error *err)
{
    size_t first = first_of(name), n = 0;
    if (first >= N_FUNCTIONS || !str_is(name, table[first].name))
        return err_set(err, ERR_FUNCTION_NOT_FOUND, "Function '%.*s' not registered", STR_ARG(name));
    BoundFunction found[CANDIDATES_MAX];
    for (enum Stage stage = STAGE_EXACT; stage < STAGES && n == 0; stage++) {
        if (find_all(name, first, stage, args, arena, found, &n, err) < 0)
            return -1;
        if (stage == STAGE_COERCED && n > 1)
            n = choose(found, n, args, arena);
    }
    if (n == 0)
        return unexpected(name, args, first, arena, err);
    if (n > 1)
        return ambiguous(found, n, args, arena, err);
    if (args->n < 2 && is_concat(&found[0]))
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT,
                       "There must be two or more concatenation arguments");
    *ret = found[0];
    return 0;
}
