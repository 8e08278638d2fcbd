/* json_path.h - the SQL/JSON path language, and documents that it is evaluated on.
 *
 * Source: ISO/IEC 9075-2 9.46, as Trino implements it (functions/json in its documentation): lax and strict
 * mode, accessors, filters, arithmetic, methods, predicates. Trino's choices where the standard leaves one:
 * the last of a document's duplicate keys wins, at the place of the first; numbers with a fraction or an
 * exponent are doubles; a predicate ends at its first error.
 *
 * Everything lives in the arena given; a path is immutable and may be used by many threads at once. Text and
 * document are foreign: depth, steps and memory are bounded. */
#pragma once

#include "base/arena.h"
#include "query/engine/encode_number.h"
#include "query/engine/functions/json_text.h"

enum {
    JSON_DOC_DEPTH_MAX = 1000, /* Jackson's limit */
    JSON_PATH_DEPTH_MAX = 500, /* parentheses and accessors on top of each other */
    JSON_PATH_BYTES_MAX = 65536,
    JSON_PATH_STEPS_MAX = 20000000, /* items made and compared by one evaluation: about a second */
};

/* ---- documents ---- */

typedef struct JsonNode JsonNode;
struct JsonNode {
    JsonKind kind;
    Str key;  /* member of an object: unescaped */
    Str text; /* string: unescaped; number: as written */
    JsonNode *first, *next;
    size_t n; /* of elements or members */
};

/* The first value of the text; what follows it is not looked at, but that it is apart. false: malformed, or
 * the arena is exceeded. */
bool json_doc_parse(Str text, Arena *arena, JsonNode **ret);
/* As Trino's JSON functions write it: no blanks, keys in order, doubles as Java does. */
void json_doc_put(const JsonNode *node, Buf *out);
const JsonNode *json_doc_member(const JsonNode *object, Str key);

/* ---- items: JSON values, and SQL values that literals, methods and parameters make ---- */

typedef enum ItemKind {
    ITEM_JSON,
    ITEM_TINYINT, /* the numbers in the order of their coercions */
    ITEM_SMALLINT,
    ITEM_INTEGER,
    ITEM_BIGINT,
    ITEM_DECIMAL,
    ITEM_REAL,
    ITEM_DOUBLE,
    ITEM_BOOLEAN,
    ITEM_VARCHAR,
    ITEM_CHAR,
    ITEM_DATE,
    ITEM_TIME,
    ITEM_TIME_TZ,
    ITEM_TIMESTAMP,
    ITEM_TIMESTAMP_TZ,
    ITEM_NONE,
} ItemKind;

typedef struct Item {
    ItemKind kind;
    int32_t precision, scale; /* decimal; digits of a time; length of a text (0: unbounded) */
    union {
        const JsonNode *json;
        int64_t integer; /* integers; date: days */
        int128 wide;     /* decimal: unscaled; time: picoseconds of the day; timestamp: since 1970 */
        double number;   /* real, double */
        bool boolean;
        Str text;
    };
    int16_t zone; /* timestamp with time zone (wide is UTC): see zones.h; time: offset in minutes */
} Item;

bool item_is_number(const Item *item);
bool item_is_text(const Item *item);
/* "varchar(3)", "integer"; of JSON: "NUMBER", "ARRAY", … */
void item_put_type(const Item *item, Buf *out);
/* An SQL value of a JSON scalar. false: it has none (container, null), or *ret_too_big. */
bool item_of_json(const JsonNode *node, Item *ret, bool *ret_too_big);
/* 0, or -1: dates and times have no JSON form. */
int item_put_json(const Item *item, Buf *out);
JsonNode *item_to_json(const Item *item, Arena *arena);
/* The text of a CAST to varchar. */
void item_put_text(const Item *item, Buf *out);

/* "D10,2:12.50": a parameter, as item_tag() names its type. ITEM_NONE: not such a text. */
Item item_of_tagged(Str text, Arena *arena);
char item_tag(ItemKind kind);

typedef enum ItemResult { ITEM_OK, ITEM_NO_OPERATOR, ITEM_FAILED, ITEM_REFUSED } ItemResult;
/* Casts to a type (a text's length in precision) and writes a text that CAST(out AS type) takes without loss.
 * ITEM_REFUSED: it takes the session's time zone. */
ItemResult item_cast(const Item *item, const Item *type, Buf *out);
/* + - * / % of two numbers. */
ItemResult item_arithmetic(char op, const Item *left, const Item *right, Item *ret);
/* *ret: -1, 0, 1; 2: neither (NaN). */
ItemResult item_compare(const Item *left, const Item *right, int *ret);
ItemResult item_negate(const Item *item, Item *ret);
ItemResult item_round(const Item *item, bool up, Item *ret); /* ceiling() and floor() */
/* The value of datetime(), by its shape, or by a template of the standard. false: it has none. */
bool item_of_datetime(Str text, Item *ret);
bool item_of_template(Str template, Str text, Item *ret);
/* What is wrong with a template, else NULL and the type of its values. */
const char *json_template_check(Str template, Item *ret_type);

/* ---- paths ---- */

typedef enum PathOp {
    PATH_CONTEXT,
    PATH_CURRENT, /* @ */
    PATH_LAST,
    PATH_VARIABLE,
    PATH_NULL,
    PATH_LITERAL,
    PATH_MEMBER,
    PATH_MEMBERS, /* .* */
    PATH_DESCENDANT,
    PATH_ELEMENTS, /* [*] and [a, b to c]: pairs in items, `to` may be NULL */
    PATH_FILTER,
    PATH_SIGN,
    PATH_ARITHMETIC,
    PATH_ABS,
    PATH_CEILING,
    PATH_DATETIME,
    PATH_DOUBLE,
    PATH_FLOOR,
    PATH_KEYVALUE,
    PATH_SIZE,
    PATH_TYPE,
    /* predicates */
    PATH_AND,
    PATH_OR,
    PATH_NOT,
    PATH_COMPARISON,
    PATH_EXISTS,
    PATH_IS_UNKNOWN,
    PATH_LIKE_REGEX,
    PATH_STARTS_WITH,
} PathOp;

typedef struct PathNode PathNode;
struct PathNode {
    PathOp op;
    char symbol; /* + - * / %; comparison: = ! < > l (<=) g (>=) */
    bool has_text;
    int height;             /* of the tree: who walks it may recurse */
    PathNode *left, *right; /* base; predicate */
    PathNode **items;
    size_t n;
    Str text; /* member's name, pattern, template */
    size_t variable;
    Item literal;
    void *regex; /* see json_path_regex.c */
};

typedef struct JsonPath {
    bool lax;
    const PathNode *root;
} JsonPath;

typedef struct JsonPathError {
    bool is_syntax;      /* else the path is well-formed and means nothing */
    size_t offset;       /* of the token in code points */
    size_t line, column; /* 1-based, 0-based */
    char message[400];
} JsonPathError;

/* `names`: of the parameters passed; variables become their places. `types`: theirs, ITEM_NONE for JSON. */
int json_path_parse(Str text, const Str *names, size_t n_names, Arena *arena, JsonPath *ret,
                    JsonPathError *err);
/* Checks what can be known without a document (1 + "a"); *ret_type: the result's type, ITEM_NONE: any. */
int json_path_check(const JsonPath *path, Item *ret_type, JsonPathError *err);

/* ---- evaluation ---- */

typedef struct ItemSeq {
    Item *items;
    size_t n, cap;
} ItemSeq;

typedef struct PathRun {
    const JsonPath *path;
    Arena *arena;
    const Item *parameters; /* ITEM_NONE: the empty sequence */
    size_t steps;           /* adds up over the runs for one row */
    int64_t next_id;        /* of keyvalue() */
    bool is_limit;          /* the failure is not the document's: it is an error whatever ON ERROR says */
    char message[400];
} PathRun;

/* 0, or -1 with run->message (Trino's, after "path evaluation failed: "). */
int json_path_run(PathRun *run, const Item *input, ItemSeq *ret);

/* ---- between the files ---- */

typedef struct PathScope {
    const Item *input, *current;
    int64_t last;
} PathScope;
int path_eval(PathRun *run, const PathNode *node, const PathScope *scope, ItemSeq *ret);
int path_test(PathRun *run, const PathNode *node, const PathScope *scope); /* 1, 0, -1 unknown */
int path_unwrap(PathRun *run, const ItemSeq *from, ItemSeq *ret);
bool path_step(PathRun *run); /* false: too many */
int path_fail(PathRun *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* NULL, or what is wrong with the pattern (in *message's bytes). */
const char *path_regex_compile(PathNode *node, Str flags, Arena *arena, char message[256]);
int path_regex_find(const PathNode *node, Str text); /* 1, 0, -1: too many steps */
