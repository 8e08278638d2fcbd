/* pattern.h - types with variables, as function signatures write them: "array(T)", "decimal(p,s)",
 * "function(T,boolean)". */
#pragma once

#include "query/analyzer/types_internal.h"

typedef struct Pattern Pattern;
struct Pattern {
    bool is_variable; /* T, E, K1 */
    bool variadic;    /* "..." followed */
    TypeKind kind;
    Str name;       /* of the variable */
    Str numbers[2]; /* "p" or "38" */
    size_t n_numbers;
    const Pattern **args;
    size_t n_args;
};

typedef struct PatternList {
    const Pattern **items;
    size_t n;
} PatternList;

enum { BINDINGS_MAX = 8 };
typedef struct Bindings {
    struct {
        Str name;
        const SqlType *type;
    } types[BINDINGS_MAX];
    struct {
        Str name;
        int value;
    } numbers[BINDINGS_MAX];
    size_t n_types, n_numbers;
} Bindings;

/* The text must be right: signatures are ours, and a test parses all of them. */
const Pattern *pattern_parse(Str text, Arena *arena);
PatternList pattern_parse_list(Str text, Arena *arena);
/* Does a value of this type fit? Binds variables; `exact`: without coercion. */
bool pattern_match(const Pattern *pattern, const SqlType *actual, bool exact, Bindings *bindings,
                   Arena *arena);
/* Unbound types become unknown, unbound numbers the widest. */
const SqlType *pattern_substitute(const Pattern *pattern, const Bindings *bindings, Arena *arena);
/* "E:orderable, K:comparable": do the bound types have what is asked? */
bool bindings_satisfy(const Bindings *bindings, Str constraints);
